//! The house rules that a machine can check, each named with file and line where it is broken.
//!
//! Every check is a function over a file's name and text, so that a bad snippet can prove that it
//! still bites.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

/// Which modules each module may import: only ones further up, so there is no circle. The head of
/// `src/lib.rs` shows the same to people.
const MAY_IMPORT: &[(&str, &str)] = &[
    ("domain", "nothing"),
    ("analysis", "domain"),
    ("eventlog", "domain"),
    ("model", "domain, analysis, eventlog"),
    ("connectors", "domain, analysis"),
    ("actions", "domain, analysis, eventlog, model"),
    ("keys", "domain, actions"),
    ("theme", "domain"),
    ("app", "domain, analysis, eventlog, model, connectors, actions, keys"),
    ("view", "domain, analysis, eventlog, model, actions, keys, theme, app"),
    ("config", "domain, analysis, eventlog, connectors"),
    ("runtime", "everything above"),
    ("cli", "domain, analysis, eventlog, model, connectors, actions, keys, config, runtime"),
];

/// Whether one module may import another.
fn may_import(own: usize, other: &str) -> bool {
    let (_, allowed) = MAY_IMPORT[own];
    let above = MAY_IMPORT[..own].iter().any(|(name, _)| *name == other);
    above && (allowed == "everything above" || allowed.split(", ").any(|name| name == other))
}

/// Things that only some places may use: a pattern, and the beginnings of the paths that may.
const CONFINED: &[(&str, &[&str], &str)] = &[
    (
        r"\bratatui::|\btui_textarea::",
        &["src/view/", "src/theme/", "src/runtime/", "src/app/editor.rs"],
        "drawing belongs to the view",
    ),
    (
        r"\bcrossterm::",
        &["src/runtime/", "src/app/editor.rs"],
        "the terminal belongs to the runtime",
    ),
    (
        r"\breqwest::",
        &["src/connectors/http.rs", "src/connectors/http/"],
        "there is one HTTP client",
    ),
    (r"\brusqlite::", &["src/eventlog/sqlite"], "there is one store"),
    (
        r"\btokio::",
        &["src/connectors/", "src/runtime/", "src/cli/", "src/main.rs", "src/config/"],
        "pure modules neither wait nor start tasks",
    ),
    (
        r"\b(?:SystemTime|Utc|Local)::now\b",
        &["src/runtime/clock.rs"],
        "there is one clock, and time comes in as a value",
    ),
    (
        r"\bInstant::now\b",
        &["src/runtime/", "src/connectors/", "src/eventlog/sqlite"],
        "only waiting for the outside is measured, and time comes in as a value",
    ),
    (
        r"\b(?:Mutex|RwLock|RefCell|OnceCell|AtomicBool|AtomicU64|AtomicUsize)\b",
        &[
            "src/connectors/",
            "src/runtime/",
            "src/cli/",
            "src/config/",
            "src/eventlog/",
            "src/keys/",
        ],
        "the loop is the one owner of state",
    ),
    (
        r"\bstd::(?:fs|net|process|env)\b|\bfastrand::|\bgetrandom::",
        &[
            "src/connectors/",
            "src/runtime/",
            "src/cli/",
            "src/config/",
            "src/eventlog/",
            "src/main.rs",
        ],
        "pure modules have no I/O and no randomness",
    ),
];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 8] =
    ["util", "utils", "helper", "helpers", "common", "misc", "stuff", "shared"];

/// What a file breaks: `(line, sentence)`.
type Faults = Vec<(usize, String)>;

#[test]
fn modules_import_only_what_the_map_allows() {
    hold("src", "rs", imports);
}

#[test]
fn the_map_in_the_library_is_this_one() {
    let text = fs::read_to_string(root().join("src/lib.rs")).expect("our own sources are text");
    let rows: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.strip_prefix("//! | [`")?.strip_suffix(" |"))
        .filter_map(|row| Some((row.split_once("`]")?.0, row.rsplit_once(" | ")?.1)))
        .collect();
    assert_eq!(rows, MAY_IMPORT);
}

#[test]
fn clocks_drivers_and_clients_stay_where_they_belong() {
    hold("src", "rs", confined);
}

#[test]
fn every_file_says_what_it_is_for_and_stays_readable() {
    hold("src", "rs", shape);
    hold("tests", "rs", shape);
}

#[test]
fn nothing_is_left_half_done() {
    hold("src", "rs", leftovers);
    hold("tests", "rs", leftovers);
}

#[test]
fn every_fixture_is_used_by_a_test_or_by_the_program() {
    // A catalog among the fixtures names its runbooks.
    let catalogs =
        files("fixtures").into_iter().filter(|f| f.extension().is_some_and(|e| e == "toml"));
    let readers: String = ["src", "tests"]
        .iter()
        .flat_map(|dir| files(dir))
        .chain(catalogs)
        .filter_map(|file| fs::read_to_string(file).ok())
        .collect();
    let forgotten: Vec<_> = files("fixtures")
        .into_iter()
        .filter(|fixture| !is_named(&relative(fixture), &readers))
        .map(|fixture| relative(&fixture))
        .collect();
    assert!(forgotten.is_empty(), "no test or source names these fixtures: {forgotten:#?}");
}

#[test]
fn a_module_that_reaches_up_is_found() {
    let up = "//! Words.\nuse super::Span;\nuse crate::model::Model;\n";
    assert_eq!(imports("src/domain/time.rs", up), [(3, "domain may not import model".to_owned())]);

    let grouped = "//! x\nuse crate::{\n    domain::Span,\n    view::{self, Frame},\n};\n";
    assert_eq!(imports("src/model/mod.rs", grouped), [(4, "model may not import view".to_owned())]);

    let sideways = "//! x\nuse super::super::runtime::Loop;\n";
    assert_eq!(
        imports("src/analysis/burn.rs", sideways),
        [(2, "analysis may not import runtime".to_owned())]
    );

    let quoted = "//! See crate::view.\n// crate::view\nlet s = \"crate::view\";\n";
    assert_eq!(imports("src/model/mod.rs", quoted), []);
    let tested = "//! x\nfn f() {}\n#[cfg(test)]\nmod tests {\n    use crate::view::V;\n}\n";
    assert_eq!(imports("src/model/mod.rs", tested), []);
    let unknown = "//! x\n";
    assert_eq!(
        imports("src/surprise/mod.rs", unknown),
        [(1, "surprise is not in the map of modules".to_owned())]
    );
}

#[test]
fn a_clock_in_a_pure_module_is_found() {
    let clock = "//! x\nlet now = SystemTime::now();\n";
    assert_eq!(confined("src/model/mod.rs", clock).len(), 1);
    assert_eq!(confined("src/runtime/clock.rs", clock), []);
    let client = "//! x\nuse reqwest::Client;\n";
    assert_eq!(confined("src/connectors/prometheus.rs", client)[0].0, 2);
}

#[test]
fn a_nameless_overlong_or_unfinished_file_is_found() {
    assert_eq!(shape("src/model/alerts.rs", "use std::fmt;\n").len(), 1);
    assert_eq!(shape("src/model/utils.rs", "//! x\n").len(), 1);
    assert_eq!(shape("src/model/alerts.rs", &"//! x\n".repeat(801)).len(), 1);
    let todo = format!("//! x\n// {}: later\n", "TO\u{44}O");
    assert_eq!(leftovers("src/model/alerts.rs", &todo)[0].0, 2);
    assert!(!is_named("fixtures/none/lost.json", "include_str!(\"../fixtures/kept.json\")"));
    assert!(is_named("fixtures/rows/a.json", "read_dir(\"fixtures/rows\")"));
}

/// Applies a check to every file below `dir` with the extension.
fn hold(dir: &str, extension: &str, check: fn(&str, &str) -> Faults) {
    let mut faults = Vec::new();
    for file in files(dir).iter().filter(|f| f.extension().is_some_and(|e| e == extension)) {
        let name = relative(file);
        let text = fs::read_to_string(file).expect("our own sources are text");
        faults
            .extend(check(&name, &text).iter().map(|(line, why)| format!("{name}:{line}: {why}")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn imports(name: &str, text: &str) -> Faults {
    static PATHS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\b(crate|super(?:::super)*)::(\w+|\{)").expect("a pattern"));
    let mut module: Vec<&str> =
        name.trim_start_matches("src/").trim_end_matches(".rs").split('/').collect();
    if module.last() == Some(&"mod") {
        module.pop();
    }
    let (Some(&own), true) = (module.first(), name.matches('/').count() > 1) else {
        return Vec::new(); // main.rs and lib.rs know everybody
    };
    if is_test(name) {
        return Vec::new();
    }
    let Some(place) = MAY_IMPORT.iter().position(|(name, _)| *name == own) else {
        return vec![(1, format!("{own} is not in the map of modules"))];
    };
    let code = code(text);
    let mut faults = Vec::new();
    for found in PATHS.captures_iter(&code) {
        let (Some(root), Some(next)) = (found.get(1), found.get(2)) else { continue };
        if root.as_str() != "crate" && root.as_str().matches("super").count() < module.len() {
            continue; // stays inside its own module
        }
        let named = if next.as_str() == "{" {
            group(&code, next.end())
        } else {
            vec![(next.start(), next.as_str())]
        };
        for (at, other) in named {
            let known = MAY_IMPORT.iter().any(|(name, _)| *name == other);
            if known && other != own && !may_import(place, other) {
                faults.push((line(&code, at), format!("{own} may not import {other}")));
            }
        }
    }
    faults
}

/// First names of each path of a `{…}` group that begins at `start`, with their places.
fn group(code: &str, start: usize) -> Vec<(usize, &str)> {
    let mut depth = 0;
    let mut names = Vec::new();
    let mut expects_name = true;
    for (at, letter) in code[start..].char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => expects_name = true,
            c if expects_name && depth == 0 && (c.is_alphanumeric() || c == '_') => {
                let from = start + at;
                let length = code[from..]
                    .find(|c: char| !c.is_alphanumeric() && c != '_')
                    .unwrap_or(code.len() - from);
                names.push((from, &code[from..from + length]));
                expects_name = false;
            }
            _ => {}
        }
    }
    names
}

fn confined(name: &str, text: &str) -> Faults {
    static PATTERNS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
        CONFINED.iter().map(|(pattern, ..)| Regex::new(pattern).expect("a pattern")).collect()
    });
    if is_test(name) {
        return Vec::new();
    }
    let code = code(text);
    let mut faults = Vec::new();
    for (pattern, (_, homes, why)) in PATTERNS.iter().zip(CONFINED) {
        if homes.iter().any(|home| name.starts_with(home)) {
            continue;
        }
        for found in pattern.find_iter(&code) {
            faults.push((
                line(&code, found.start()),
                format!("{} is not for here: {why}", found.as_str()),
            ));
        }
    }
    faults
}

fn shape(name: &str, text: &str) -> Faults {
    let mut faults = Vec::new();
    if !text.starts_with("//!") {
        faults.push((1, "opens without saying (//!) what it is for".to_owned()));
    }
    let lines = text.lines().count();
    if lines > 800 {
        faults.push((lines, format!("{lines} lines are too many to read; split it")));
    }
    for part in name.trim_end_matches(".rs").split('/') {
        if EMPTY_NAMES.contains(&part) {
            faults.push((1, format!("the name {part} does not say what is inside")));
        }
    }
    faults
}

fn leftovers(_: &str, text: &str) -> Faults {
    static MARKS: LazyLock<Regex> = LazyLock::new(|| {
        // Taken apart, so that this file does not find itself.
        Regex::new(&format!(r"\b(?:{}|{}|{})\b", "TO\u{44}O", "FI\u{58}ME", "XX\u{58}"))
            .expect("a pattern")
    });
    MARKS
        .find_iter(text)
        .map(|mark| (line(text, mark.start()), format!("{} is not finished", mark.as_str())))
        .collect()
}

/// A fixture counts as used when its name, or its folder (read as a whole), is written somewhere.
fn is_named(fixture: &str, readers: &str) -> bool {
    let (folder, name) = fixture.rsplit_once('/').unwrap_or(("", fixture));
    let folder = folder.trim_start_matches("fixtures/");
    let whole_folder = format!("{folder}\"");
    readers.contains(name) || (!folder.is_empty() && readers.contains(&whole_folder))
}

/// The code without comments, strings and tests; every line stays where it was.
fn code(text: &str) -> String {
    static NOISE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r##"(?s)//[^\n]*|'(?:\\.|[^'\\])'|r#".*?"#|"(?:\\.|[^"\\])*""##)
            .expect("a pattern")
    });
    static TESTS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"#\[cfg\(test\)\]\s*(?:pub\S* )?mod \w+ \{").expect("a pattern")
    });
    let blank = |found: &regex::Captures<'_>| -> String {
        found[0].chars().filter(|&c| c == '\n').collect()
    };
    let mut code = NOISE.replace_all(text, blank).into_owned();
    if let Some(tests) = TESTS.find(&code) {
        code.truncate(tests.start());
    }
    code
}

/// Test files of `src` may use whatever they need.
fn is_test(name: &str) -> bool {
    name.contains("/tests/") || name.ends_with("tests.rs")
}

fn line(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Every file below a folder of the repository, in order.
fn files(dir: &str) -> Vec<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![root().join(dir)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path);
            }
        }
    }
    found.into_iter().collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn relative(file: &Path) -> String {
    file.strip_prefix(root()).unwrap_or(file).to_string_lossy().into_owned()
}
