//! The catalog that is kept is the one that would be read, or none.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use pretty_assertions::assert_eq;

use super::*;
use crate::config::load_files;

/// A folder with every format there is a fixture of, and where the catalog of it is kept.
struct Desk {
    folder: tempfile::TempDir,
    sources: Vec<SourceId>,
}

const PATTERNS: [&str; 3] = ["catalog/catalog.toml", "slo/sloth/getting-*.yml", "mine.toml"];

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        for name in ["catalog", "catalog/runbooks", "slo/sloth"] {
            std::fs::create_dir_all(folder.path().join(name)).unwrap();
            for entry in std::fs::read_dir(fixtures.join(name)).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    let to = folder.path().join(name).join(path.file_name().unwrap());
                    std::fs::copy(path, to).unwrap();
                }
            }
        }
        let desk = Self { folder, sources: vec![SourceId::new("prom-eu")] };
        desk.write(
            "mine.toml",
            "version = 1\n[[service]]\nname = \"mine\"\nmatch = 'pod=~\"m.*\"'\n",
        );
        desk
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn kept(&self) -> PathBuf {
        self.folder.path().join("catalog.kept")
    }

    fn load(&self, keep: bool) -> (Catalog, Vec<String>, Vec<ReadFile>) {
        let kept = self.kept();
        let keep = keep.then_some(kept.as_path());
        let patterns = PATTERNS.map(str::to_owned);
        let (catalog, errors, files) =
            load_files(&patterns, self.folder.path(), &self.sources, keep);
        (catalog, errors.iter().map(ToString::to_string).collect(), files)
    }

    /// Whether what is kept was used: it is then not written again.
    fn is_used(&self) -> bool {
        let at = |path| std::fs::metadata(path).map(|about| about.ino()).ok();
        let before = at(self.kept());
        let _ = self.load(true);
        before.is_some() && before == at(self.kept())
    }
}

#[test]
fn what_is_kept_is_what_the_files_say() {
    let desk = Desk::new();
    let read = desk.load(false);
    assert_eq!((read.1.len(), read.0.services.len() > 3, read.0.windows.len()), (0, true, 1));
    assert_eq!(desk.load(true), read, "read and kept");
    assert_eq!(std::fs::metadata(desk.kept()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(desk.load(true), read, "taken from what is kept, runbooks included");
    assert!(desk.is_used());
}

#[test]
fn whatever_changes_a_file_is_read_anew() {
    let mut desk = Desk::new();
    let _ = desk.load(true);
    assert!(desk.is_used());
    desk.write("mine.toml", "version = 1\n[[service]]\nname = \"mime\"\n");
    assert!(!desk.is_used(), "of the same age or not");
    assert!(desk.load(true).0.services.contains_key("mime"));
    desk.write("catalog/runbooks/checkout.md", "# Another\n");
    assert!(!desk.is_used(), "a runbook");
    assert!(desk.is_used());
    desk.sources.push(SourceId::new("prom-us"));
    assert!(!desk.is_used(), "a source");
    desk.write("slo/sloth/getting-nothing.yml", "");
    assert!(!desk.is_used(), "one file more");
}

#[test]
fn a_mistake_is_told_by_its_place_each_time() {
    let desk = Desk::new();
    let _ = desk.load(true);
    desk.write("mine.toml", "version = 1\n[[service]]\nnme = \"mine\"\n");
    let told = desk.load(false).1;
    assert!(told.iter().any(|e| e.starts_with("mine.toml:3:1: ")), "{told:?}");
    assert_eq!(desk.load(true).1, told);
    assert_eq!(desk.load(true).1, told);
}

#[test]
fn what_is_damaged_foreign_or_open_to_others_is_not_believed() {
    let desk = Desk::new();
    let read = desk.load(true);
    let whole = std::fs::read(desk.kept()).unwrap();
    for at in [0, SEAL - 1, SEAL, SEAL + 1, whole.len() / 2, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        std::fs::write(desk.kept(), &damaged).unwrap();
        assert!(!desk.is_used(), "byte {at}");
        assert_eq!(desk.load(true), read);
    }
    for short in [&whole[..0], &whole[..SEAL], &whole[..whole.len() - 1]] {
        std::fs::write(desk.kept(), short).unwrap();
        assert_eq!(desk.load(true), read);
        assert_eq!(std::fs::read(desk.kept()).unwrap(), whole);
    }
    std::fs::set_permissions(desk.kept(), std::fs::Permissions::from_mode(0o660)).unwrap();
    assert!(!desk.is_used(), "others could have written it");
}
