//! What changed, told by what is on this machine (a git repository, or a file others append to) or by what
//! deploys (GitHub's and GitLab's deployments).
//!
//! All are connectors like any other: a transport that reads ([`git::Repository`], [`file::Tail`], HTTP) and a
//! pure reader of what was read, so that they are recorded, played back and shown among the sources alike.

pub mod deployments;
pub mod file;
pub mod git;

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::domain::{Catalog, ChangeKind, FailureKind, SafeText, ServiceId};

/// Where a source finds its changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On this machine: the repository (bare or not), or the file.
    Path(PathBuf),
    /// At the source's address.
    Project {
        /// `owner/name`, or what else the server calls it.
        name: String,
        /// Only deployments to these count; all when empty.
        environments: Vec<String>,
    },
}

/// How a source of changes is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangesFrom {
    /// Where they are.
    pub place: Place,
    /// The service of all that nothing else maps.
    pub service: Option<ServiceId>,
    /// Beginnings of tags, paths, environments and refs, and the services they stand for.
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
    pub fn new(from: &ChangesFrom, catalog: &Catalog) -> Self {
        let mut services = from.services.clone();
        services.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        let known = catalog.services.keys().cloned().collect();
        Self { service: from.service.clone(), services, known }
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

    /// The service of a deployment: the table knows its environment or its ref, or the project has the
    /// service's name.
    fn of_deployment(
        &self,
        environment: &str,
        reference: &str,
        project: &str,
    ) -> Option<ServiceId> {
        let begun = self.begins(environment).or_else(|| self.begins(reference));
        let name = project.rsplit('/').next().unwrap_or(project);
        begun.or(self.service.as_ref()).cloned().or_else(|| self.named(name))
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
