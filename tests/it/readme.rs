//! The README says what the program does: the program writes its table of keys, and its tables of
//! settings name every key that the readers of the files ask for.

use std::collections::BTreeSet;

use quarterdeck::keys;
use regex::Regex;

const OPEN: &str = "<!-- keys -->\n";
const CLOSE: &str = "<!-- /keys -->";

#[test]
fn readme_key_table_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (before, rest) = readme.split_once(OPEN).expect("README.md has a `<!-- keys -->` line");
    let (table, after) = rest.split_once(CLOSE).expect("README.md has a `<!-- /keys -->` line");
    let current = format!("\n{}\n", keys::readme_table(&keys::load("default", None).unwrap()));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, format!("{before}{OPEN}{current}{CLOSE}{after}")).unwrap();
        return;
    }
    assert_eq!(table, current, "run this test with UPDATE=1 to write the table anew");
}

#[test]
fn every_setting_is_in_the_reference_and_in_the_example() {
    let readme = read("README.md");
    let example = read("fixtures/config/valid/full.toml");
    for file in ["src/config/settings.rs", "src/config/source.rs"] {
        let keys = keys_of(&read(file));
        assert!(keys.len() > 10, "{file}: {keys:?}");
        let section = section(&readme, "## Settings");
        let unwritten = |key: &&String| !names(section, key);
        assert_eq!(keys.iter().find(unwritten), None, "{file}: not in the README's Settings");
        let missing = |key: &&String| {
            !Regex::new(&format!(r"(?m)\b{key}\b( = |]+$)")).unwrap().is_match(&example)
        };
        assert_eq!(keys.iter().find(missing), None, "{file}: not in full.toml");
    }
}

#[test]
fn every_key_of_playbook_and_policy_is_in_the_reference() {
    let readme = read("README.md");
    let section = section(&readme, "## Playbook and policy");
    for file in ["playbook.rs", "playbook/response.rs", "outlet.rs", "policy.rs"] {
        let keys = keys_of(&read(&format!("src/config/{file}")));
        assert!(keys.len() > 3, "{file}: {keys:?}");
        let unwritten = |key: &&String| !names(section, key);
        assert_eq!(keys.iter().find(unwritten), None, "{file}: not in Playbook and policy");
    }
}

#[test]
fn every_key_of_the_catalog_is_in_the_reference() {
    let readme = read("README.md");
    let keys = keys_of(&read("src/config/catalog_toml.rs"));
    assert!(keys.contains("depends_on") && keys.contains("error_ratio"), "{keys:?}");
    let section = section(&readme, "## Catalog");
    let unwritten = |key: &&String| !names(section, key);
    assert_eq!(keys.iter().find(unwritten), None, "not in the README's Catalog");
}

/// Whether a section has a key, or a table of that name.
fn names(section: &str, key: &str) -> bool {
    section.contains(&format!("`{key}`"))
        || section.contains(&format!("[{key}]"))
        || section.contains(&format!("[{key}."))
}

/// Keys that a reader asks a table for; every one is written where it is used.
fn keys_of(source: &str) -> BTreeSet<String> {
    let asked = Regex::new(
        r#"\b(?:get|need|need_text|text|flag|number|whole|span|list|texts|tables?|words?|matchers|line|path|windowed)\(\s*"([a-z_]+)""#,
    )
    .unwrap();
    asked.captures_iter(source).map(|found| found[1].to_owned()).collect()
}

/// A section with its heading, up to the next of the same rank.
fn section<'t>(text: &'t str, heading: &str) -> &'t str {
    let from = text.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    let rest = &text[from + 1 + heading.len()..];
    &rest[..rest.find("\n## ").unwrap_or(rest.len())]
}

fn read(file: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{file}: {e}"))
}
