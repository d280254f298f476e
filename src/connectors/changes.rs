//! What changed, told by what is on this machine: a git repository, or a file others append to.
//!
//! Both are connectors like any other: a transport that reads ([`git::Repository`], [`file::Tail`]) and a
//! pure reader of what was read, so that they are recorded, played back and shown among the sources alike.

pub mod file;
pub mod git;

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::domain::{Catalog, ChangeKind, FailureKind, SafeText, ServiceId};

/// How a source on this machine is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// The repository (bare or not), or the file.
    pub path: PathBuf,
    /// The service of all that nothing else maps.
    pub service: Option<ServiceId>,
    /// Beginnings of tags and paths, and the services they stand for.
    pub services: Vec<(String, ServiceId)>,
    /// What a tag means here: [`ChangeKind::Merge`], or [`ChangeKind::Deploy`] where tagging deploys.
    pub tags: ChangeKind,
}

/// Which service a change is of: by the table, else by the setting, else by its name in the catalog.
#[derive(Debug, Clone, Default)]
pub struct Places {
    service: Option<ServiceId>,
    /// Longest first, so that the narrower wins.
    services: Vec<(String, ServiceId)>,
    known: BTreeSet<ServiceId>,
}

impl Places {
    /// As configured, with the services the catalog knows.
    pub fn new(local: &Local, catalog: &Catalog) -> Self {
        let mut services = local.services.clone();
        services.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        let known = catalog.services.keys().cloned().collect();
        Self { service: local.service.clone(), services, known }
    }

    /// The service whose beginning this tag or path has.
    fn begins(&self, text: &str) -> Option<&ServiceId> {
        self.services.iter().find(|(begin, _)| text.starts_with(begin)).map(|(_, service)| service)
    }

    /// The service of a tag with the paths it touches. Paths of more than one service name none.
    fn of_tag(&self, tag: &str, family: &str, paths: &[SafeText]) -> Option<ServiceId> {
        let touched: BTreeSet<&ServiceId> =
            paths.iter().filter_map(|path| self.begins(path)).collect();
        let only = (touched.len() == 1).then(|| touched.first().copied()).flatten();
        self.begins(tag).or(only).or(self.service.as_ref()).cloned().or_else(|| self.named(family))
    }

    /// The service a source names, by the table or as it is; the setting's when it names none.
    fn of_word(&self, word: &str) -> Option<ServiceId> {
        if word.is_empty() {
            return self.service.clone();
        }
        self.named(word)
            .or_else(|| self.begins(word).cloned())
            .or_else(|| Some(ServiceId::new(word)))
    }

    fn named(&self, name: &str) -> Option<ServiceId> {
        self.known.get(&ServiceId::new(name)).cloned()
    }
}

/// A failure's kind for an error of the file system.
fn kind_of(error: &std::io::Error) -> FailureKind {
    use FailureKind as K;
    match error.kind() {
        std::io::ErrorKind::NotFound => K::Unreachable,
        std::io::ErrorKind::PermissionDenied => K::Forbidden,
        _ => K::ServerError,
    }
}
