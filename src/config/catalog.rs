//! The catalog made from all its files: services, objectives, maintenance windows.
//!
//! Files are told apart by what they say, not by their names. Each is read on its own; references
//! between them are checked when all are in. What could be read is kept whatever else is wrong.

use std::path::{Path, PathBuf};

use super::error::{ConfigError, Mistakes, Place};
use super::node::{self, Node, Value};
use super::settings::read_capped;
use super::{backstage, catalog_toml, kept, openslo, pyrra, sloth};
use crate::domain::{Catalog, SafeText, Service, ServiceId, Slo, SourceId};

/// More files than this are a pattern that matched too much.
const MOST_FILES: usize = 2_000;

/// A file that was read, by its path relative to the configuration's folder.
pub type ReadFile = (String, String);

/// Reads every file the patterns name, relative to `base`. `sources` are the configured source names.
pub fn load(patterns: &[String], base: &Path, sources: &[SourceId]) -> (Catalog, Vec<ConfigError>) {
    let (catalog, errors, _) = load_files(patterns, base, sources, None);
    (catalog, errors)
}

/// As [`load`], and gives the texts that were read, runbooks included, so that they can be kept with a
/// recording. When the files are those that the catalog in the file `keep` was made of, it is taken from
/// there; otherwise it is kept there.
pub fn load_files(
    patterns: &[String],
    base: &Path,
    sources: &[SourceId],
    keep: Option<&Path>,
) -> (Catalog, Vec<ConfigError>, Vec<ReadFile>) {
    let coming = keep.map(kept::begin);
    let found = found(patterns, base);
    let files = || found.iter().flatten();
    let keep = keep.filter(|_| found.iter().all(Result::is_ok));
    let coming = coming.filter(|_| keep.is_some());
    if let Some((catalog, runbooks)) = coming.and_then(|c| c.take(base, sources, files())) {
        return (catalog, Vec::new(), found.into_iter().flatten().chain(runbooks).collect());
    }
    let mut builder = Builder::new(sources);
    let runbooks = std::cell::RefCell::new(Vec::new());
    for file in &found {
        match file {
            Ok((name, text)) => builder.read(name, text, &|runbook| {
                let at = Path::new(name).parent().unwrap_or(Path::new("")).join(runbook);
                let text = read_capped(&base.join(&at))?;
                runbooks.borrow_mut().push((at.display().to_string(), text.clone()));
                Ok(text)
            }),
            Err((name, sentence)) => builder.complain(name, sentence),
        }
    }
    let (catalog, errors) = builder.finish();
    let runbooks = runbooks.into_inner();
    if let Some(path) = keep.filter(|_| errors.is_empty()) {
        kept::put(path, sources, files(), &runbooks, &catalog);
    }
    (catalog, errors, found.into_iter().flatten().chain(runbooks).collect())
}

/// The files the patterns name, or what is wrong with a file or a pattern.
fn found(patterns: &[String], base: &Path) -> Vec<Result<ReadFile, (String, String)>> {
    let mut found = Vec::new();
    for pattern in patterns {
        let paths = matching(base, pattern);
        if paths.is_empty() {
            found.push(Err((pattern.clone(), "no such file".to_owned())));
        }
        for path in paths.into_iter().take(MOST_FILES) {
            let name = path.strip_prefix(base).unwrap_or(&path).display().to_string();
            found.push(match read_capped(&path) {
                Ok(text) => Ok((name, text)),
                Err(sentence) => Err((name, sentence)),
            });
        }
    }
    found
}

/// Makes the catalog of texts that were kept; nothing is read from disk.
pub fn assemble(files: &[ReadFile], sources: &[SourceId]) -> (Catalog, Vec<ConfigError>) {
    let mut builder = Builder::new(sources);
    for (name, text) in files.iter().filter(|(name, _)| !name.ends_with(".md")) {
        let beside = Path::new(name).parent().unwrap_or(Path::new("")).to_owned();
        builder.read(name, text, &|runbook| {
            let at = beside.join(runbook).display().to_string();
            let kept = files.iter().find(|(name, _)| *name == at);
            kept.map(|(_, text)| text.clone()).ok_or_else(|| "was not kept".to_owned())
        });
    }
    builder.finish()
}

/// Files a pattern names: `*` and `?` stand for any text and any character within one path part.
fn matching(base: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut found =
        vec![if pattern.starts_with('/') { PathBuf::from("/") } else { base.to_owned() }];
    for part in pattern.split('/').filter(|p| !p.is_empty()) {
        if !part.contains(['*', '?']) {
            for path in &mut found {
                path.push(part);
            }
            continue;
        }
        let mut next: Vec<PathBuf> = found
            .iter()
            .filter_map(|dir| std::fs::read_dir(dir).ok())
            .flat_map(|entries| entries.flatten())
            .filter(|e| fits(part, &e.file_name().to_string_lossy()))
            .map(|e| e.path())
            .collect();
        next.sort();
        found = next;
    }
    found.retain(|path| path.is_file());
    found
}

/// Whether a name fits a pattern. After a mismatch only the latest `*` can take one character more.
fn fits(pattern: &str, name: &str) -> bool {
    let (mut wanted, mut given) = (pattern.chars(), name.chars());
    let mut star = None;
    loop {
        match (wanted.next(), given.clone().next()) {
            (Some('*'), _) => star = Some((wanted.clone(), given.clone())),
            (None, None) => return true,
            (Some(w), Some(g)) if w == '?' || w == g => {
                given.next();
            }
            _ => {
                let Some((after, mut from)) = star.take() else { return false };
                if from.next().is_none() {
                    return false;
                }
                (wanted, given) = (after.clone(), from.clone());
                star = Some((after, from));
            }
        }
    }
}

/// Reads the Markdown a service's runbook path names, or says why it cannot.
pub(super) type ReadRunbook<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// A name used in one place that must be declared in some file.
struct Reference {
    file: SafeText,
    at: Place,
    kind: &'static str,
    name: ServiceId,
}

/// Puts the catalog together, file by file.
pub(super) struct Builder {
    pub(super) catalog: Catalog,
    pub(super) sources: Vec<SourceId>,
    errors: Vec<ConfigError>,
    references: Vec<Reference>,
    /// Services only named by an objective's file, with what it says about them.
    implied: Vec<Service>,
}

impl Builder {
    pub(super) fn new(sources: &[SourceId]) -> Self {
        Self {
            catalog: Catalog::default(),
            sources: sources.to_vec(),
            errors: Vec::new(),
            references: Vec::new(),
            implied: Vec::new(),
        }
    }

    fn complain(&mut self, file: &str, message: &str) {
        let mistakes = Mistakes::new(file);
        mistakes.add(Place::default(), message);
        self.errors.extend(mistakes.into_errors());
    }

    /// Reads one file of any format.
    pub(super) fn read(&mut self, file: &str, text: &str, runbook: ReadRunbook<'_>) {
        let mistakes = Mistakes::new(file);
        if Path::new(file).extension().is_some_and(|e| e.eq_ignore_ascii_case("toml")) {
            if let Some(root) = node::toml(text, &mistakes) {
                catalog_toml::read(self, &root, &mistakes, runbook);
            }
        } else {
            self.read_yaml(text, &mistakes);
        }
        self.errors.extend(mistakes.into_errors());
    }

    fn read_yaml(&mut self, text: &str, mistakes: &Mistakes) {
        let documents = node::yaml(text, mistakes);
        // OpenSLO tools accept a list of objects as well as a stream of documents.
        let objects: Vec<&Node> = documents
            .iter()
            .flat_map(|d| match &d.value {
                Value::List(items) => items.iter().collect(),
                _ => vec![d],
            })
            .collect();
        let indicators = openslo::indicators(&objects);
        for object in objects {
            let field = |name: &str| match &object.value {
                Value::Map(entries) => entries.iter().find(|(n, _, _)| n == name).map(|e| &e.2),
                _ => None,
            };
            let text = |name| match field(name).map(|n| &n.value) {
                Some(Value::Text(text)) => text.as_str(),
                _ => "",
            };
            let (api, version) = (text("apiVersion"), text("version"));
            if api.starts_with("openslo") {
                openslo::read(self, object, &indicators, mistakes);
            } else if api.starts_with("pyrra.dev/") {
                pyrra::read(self, object, mistakes);
            } else if api.starts_with("backstage.io/") {
                backstage::read(self, object, mistakes);
            } else if version.starts_with("prometheus/") || api.starts_with("sloth.slok.dev/") {
                sloth::read(self, object, mistakes);
            } else if object.value != Value::Null {
                mistakes.hinted(
                    object.at,
                    "this is none of the formats Quarterdeck reads",
                    "it reads catalog.toml, OpenSLO, Sloth, Pyrra and Backstage, told apart by \
                     `apiVersion` or `version`",
                );
            }
        }
    }

    /// Adds a service; a second one of the same name is a mistake and changes nothing.
    pub(super) fn service(&mut self, service: Service, at: Place, mistakes: &Mistakes) {
        if self.catalog.services.contains_key(&service.id) {
            mistakes.add(at, &format!("service `{}` is declared twice", service.id));
        } else {
            self.catalog.services.insert(service.id.clone(), service);
        }
    }

    /// A service that an objective's file names; declared here unless the catalog does.
    pub(super) fn implied(&mut self, service: Service) {
        self.implied.push(service);
    }

    /// Adds an objective; a second one of the same name is a mistake and changes nothing.
    pub(super) fn slo(&mut self, slo: Slo, at: Place, mistakes: &Mistakes) {
        if let Some(known) = self.catalog.slos.get(&slo.id) {
            let first = &known.origin;
            let message =
                format!("objective `{}` is there already ({}:{})", slo.id, first.path, first.line);
            mistakes.add(at, &message);
        } else {
            self.catalog.slos.insert(slo.id.clone(), slo);
        }
    }

    /// Notes that a service is named here and must be declared somewhere.
    pub(super) fn refers(
        &mut self,
        kind: &'static str,
        name: &str,
        at: Place,
        mistakes: &Mistakes,
    ) {
        let file = mistakes.file().clone();
        self.references.push(Reference { file, at, kind, name: ServiceId::new(name) });
    }

    /// Checks what is named against what is declared.
    pub(super) fn finish(mut self) -> (Catalog, Vec<ConfigError>) {
        for service in self.implied {
            self.catalog.services.entry(service.id.clone()).or_insert(service);
        }
        for reference in self.references {
            if !self.catalog.services.contains_key(&reference.name) {
                let mistakes = Mistakes::new(&reference.file);
                let known = self.catalog.services.keys().map(ServiceId::as_str);
                mistakes.unknown(reference.at, reference.kind, reference.name.as_str(), known);
                self.errors.extend(mistakes.into_errors());
            }
        }
        (self.catalog, self.errors)
    }
}

#[cfg(test)]
mod tests;
