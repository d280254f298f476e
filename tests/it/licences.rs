//! Every crate that is built in may be given on under the project's own licences.

use std::collections::BTreeMap;
use std::process::Command;

/// Licences that ask for no more than to be named. MPL-2.0 binds its own files only.
const ALLOWED: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Zlib",
];

#[test]
fn every_dependency_has_a_licence_we_accept() {
    // The tree, not the lock file: that one also lists optional parts that nobody asks for.
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["tree", "--locked", "--target", "all", "--prefix", "none", "--format", "{p}\t{l}\t"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).expect("text");
    let built: BTreeMap<&str, &str> = tree
        .lines()
        .filter_map(|line| {
            let mut columns = line.split('\t');
            Some((columns.next()?, columns.next()?))
        })
        .collect();
    assert!(built.len() > 100, "only {} crates were seen", built.len());

    let refused: Vec<_> = built.iter().filter(|(_, licence)| !accepted(licence)).collect();
    assert!(refused.is_empty(), "no licence we accept: {refused:#?}");
}

#[test]
fn a_licence_that_binds_the_whole_program_is_refused() {
    for good in ["MIT OR GPL-3.0-only", "MIT/Apache-2.0", "(MIT OR Apache-2.0) AND Unicode-3.0"] {
        assert!(accepted(good), "{good}");
    }
    for bad in ["GPL-3.0-only", "MIT AND AGPL-3.0-only", "", "LicenseRef-Shareware"] {
        assert!(!accepted(bad), "{bad}");
    }
}

fn accepted(licence: &str) -> bool {
    spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX).is_ok_and(|expression| {
        expression
            .evaluate(|required| required.license.id().is_some_and(|id| ALLOWED.contains(&id.name)))
    })
}
