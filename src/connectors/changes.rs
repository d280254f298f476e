//! What changed, told by what is on this machine (a git repository, or a file others append to), by what
//! deploys (GitHub's and GitLab's deployments, whoever speaks on a NATS subject), by the versions that run (a metric), or by what switches
//! flags (Unleash's audit log).
//!
//! All are connectors like any other: a transport that reads ([`git::Repository`], [`file::Tail`], HTTP) and a
//! pure reader of what was read, so that they are recorded, played back and shown among the sources alike.

pub mod deployments;
pub mod file;
pub mod git;
pub mod nats;
pub mod unleash;
pub mod versions;

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::domain::{Catalog, ChangeKind, FailureKind, SafeText, ServiceId, SourceKind, Span};

/// Where a source finds its changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On this machine: the repository (bare or not), or the file.
    Path(PathBuf),
    /// At the source's address.
    Project {
        /// `owner/name`, or what else the server calls it; all projects when empty (Unleash).
        name: String,
        /// Only what happens in these counts; all when empty.
        environments: Vec<String>,
    },
    /// In the labels of a metric.
    Metric(Metric),
    /// On a subject, at the source's address.
    Subject(Subject),
}

/// A NATS subject, and who remembers what was sent on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its name; may have wildcards.
    pub name: String,
    /// The stream that keeps it; without one only what is sent while somebody listens is heard.
    pub stream: Option<String>,
    /// How far back the stream is asked for.
    pub range: Span,
}

/// A metric with one series for each instance, and what its labels mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// Its name, or a selector (`build_info{namespace="shop"}`).
    pub selector: String,
    /// The label with the version.
    pub version: String,
    /// The label with the service.
    pub service: String,
    /// How far back is looked.
    pub range: Span,
}

impl Place {
    /// Whether a source of this kind finds changes at such a place.
    pub const fn fits(&self, kind: SourceKind) -> bool {
        match self {
            Self::Path(_) => kind.is_local(),
            Self::Project { .. } => {
                matches!(kind, SourceKind::Github | SourceKind::Gitlab | SourceKind::Unleash)
            }
            Self::Metric(_) => matches!(kind, SourceKind::Versions),
            Self::Subject(_) => matches!(kind, SourceKind::Nats),
        }
    }
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

    /// The service of what happens in a project: the table knows its environment or its ref (its flag or
    /// its environment), or the project has the service's name.
    fn of_project(&self, first: &str, second: &str, project: &str) -> Option<ServiceId> {
        let begun = self.begins(first).or_else(|| self.begins(second));
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
