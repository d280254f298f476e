//! The README says what the program does, since the program writes those parts of it.

use quarterdeck::keys;

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
