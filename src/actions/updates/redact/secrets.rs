//! Secrets by their shape: private keys, user info in URLs, what stands behind `password=`, tokens of known
//! makers, long runs that only a generator writes.

use std::ops::Range;

use super::{Finding, FindingKind, runs};

const REMOVED: &str = "[secret removed]";

/// Beginnings of tokens of known makers, with the least length of the whole.
const PREFIXES: [(&str, usize); 34] = [
    ("ghp_", 16),
    ("gho_", 16),
    ("ghs_", 16),
    ("ghu_", 16),
    ("ghr_", 16),
    ("github_pat_", 20),
    ("glpat-", 16),
    ("gldt-", 16),
    ("xoxb-", 12),
    ("xoxp-", 12),
    ("xoxa-", 12),
    ("xoxr-", 12),
    ("xoxs-", 12),
    ("xapp-", 12),
    ("sk-", 20),
    ("sk_live_", 12),
    ("sk_test_", 12),
    ("rk_live_", 12),
    ("pk_live_", 12),
    ("whsec_", 12),
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 20),
    ("ya29.", 16),
    ("eyJ", 20),
    ("SG.", 20),
    ("npm_", 16),
    ("pypi-", 16),
    ("dop_v1_", 16),
    ("hf_", 16),
    ("hvs.", 12),
    ("lin_api_", 12),
    ("glc_", 16),
    ("AGE-SECRET-KEY-", 20),
];

/// Names behind which a value is a secret whatever it looks like.
const PASSWORDS: [&str; 6] = ["password", "passwd", "pwd", "passphrase", "passwort", "secret"];
/// Names behind which it is one if it looks the part.
const KEYS: [&str; 13] = [
    "token",
    "api_key",
    "api-key",
    "apikey",
    "access_key",
    "access-key",
    "accesskey",
    "private_key",
    "client_secret",
    "credential",
    "authorization",
    "signature",
    "sig",
];

pub(super) fn find(text: &str) -> Vec<Finding> {
    let mut ranges = private_keys(text);
    ranges.extend(user_infos(text));
    ranges.extend(hooks(text));
    ranges.extend(assigned(text));
    ranges.extend(bearers(text));
    ranges.extend(tokens(text));
    let finding =
        |range| Finding { range, kind: FindingKind::Secret, proposal: REMOVED.to_owned() };
    ranges.into_iter().filter(|range| !range.is_empty()).map(finding).collect()
}

/// `-----BEGIN … PRIVATE KEY-----` to its end, or to the end of the text when it has none.
fn private_keys(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find("-----BEGIN")) {
        let start = from + at;
        let rest = text.get(start..).unwrap_or("");
        let head = rest.lines().next().unwrap_or("");
        let length = rest.find("-----END").map_or(rest.len(), |end| {
            let tail = rest.get(end + 8..).unwrap_or("");
            tail.find("-----").map_or(rest.len(), |dashes| end + 8 + dashes + 5)
        });
        if head.contains("PRIVATE") || head.contains("SECRET") {
            found.push(start..start + length);
        }
        from = start + length.max(10);
    }
    found
}

/// `user:password@` of a URL.
fn user_infos(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("://") {
        let start = at + 3;
        let rest = text.get(start..).unwrap_or("");
        let end = rest
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '<' | '>'))
            .unwrap_or(rest.len());
        if let Some(sign) = rest.get(..end).and_then(|authority| authority.rfind('@')) {
            found.push(start..start + sign);
        }
    }
    found
}

/// Addresses that let whoever knows them post.
fn hooks(text: &str) -> Vec<Range<usize>> {
    const HOOKS: [&str; 4] = [
        "hooks.slack.com/services/",
        "webhook.office.com/webhookb2/",
        "discord.com/api/webhooks/",
        "/hooks/",
    ];
    let hook = |name: &'static str| {
        text.match_indices(name).filter_map(|(at, name)| {
            let start = at + name.len();
            Some(start..start + word(text.get(start..)?))
        })
    };
    HOOKS.iter().flat_map(|name| hook(name)).collect()
}

/// Bytes until white space, a quote or a closing sign.
fn word(text: &str) -> usize {
    let ends = |c: char| c.is_whitespace() || "\"'`,;<>)]}".contains(c);
    text.find(ends).unwrap_or(text.len())
}

/// `password=…`, `token: …`, `"api_key": "…"`, `--password …`.
fn assigned(text: &str) -> Vec<Range<usize>> {
    let names = runs(text, |c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    let mut found = Vec::new();
    for (at, name) in names {
        let lower = name.to_ascii_lowercase();
        let always = PASSWORDS.iter().any(|key| lower.ends_with(key));
        if !always && !KEYS.iter().any(|key| lower.ends_with(key)) {
            continue;
        }
        let end = at + name.len();
        let rest = text.get(end..).unwrap_or("");
        let Some((value, tight)) = value_after(rest, lower.starts_with("--")) else { continue };
        let quote = rest.get(..value).and_then(|between| between.chars().next_back());
        let length = quoted_length(rest.get(value..).unwrap_or(""), quote);
        let Some(text) = rest.get(value..value + length) else { continue };
        let certain = always || tight || text.chars().any(|c| c.is_ascii_digit());
        if length >= 3 && certain && text != "[secret" {
            found.push(end + value..end + value + length);
        }
    }
    found
}

/// Where the value begins behind a name, and whether nothing but a sign stands in between.
fn value_after(rest: &str, option: bool) -> Option<(usize, bool)> {
    let mut at = 0;
    let mut sign = false;
    for c in rest.chars() {
        match c {
            '=' => sign = true,
            ':' if !sign => sign = true,
            ' ' | '\t' if sign || option => {}
            '"' | '\'' | '`' => {}
            _ => break,
        }
        at += c.len_utf8();
        if at > 8 {
            break;
        }
    }
    let between = rest.get(..at).unwrap_or("");
    let spaced = between.contains([' ', '\t']);
    (sign || (option && spaced)).then_some((at, !spaced || between.contains('=')))
}

/// A value in quotes reaches to the closing one on the same line, white space and all.
fn quoted_length(text: &str, before: Option<char>) -> usize {
    let line = text.lines().next().unwrap_or("");
    let quote = before.filter(|c| matches!(c, '"' | '\'' | '`'));
    quote.and_then(|quote| line.find(quote)).unwrap_or_else(|| value_length(text))
}

fn value_length(text: &str) -> usize {
    let ends = |c: char| c.is_whitespace() || "\"'`,;&<>)]}".contains(c);
    text.find(ends).unwrap_or(text.len())
}

/// `Bearer …`, `Basic …`.
fn bearers(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for scheme in ["bearer ", "basic ", "token "] {
        for place in super::places(text, scheme) {
            let length = value_length(text.get(place.end..).unwrap_or(""));
            let value = text.get(place.end..place.end + length).unwrap_or("");
            let mixed = value.chars().any(|c| c.is_ascii_digit()) || value.contains('=');
            if length >= 8 && mixed {
                found.push(place.end..place.end + length);
            }
        }
    }
    found
}

/// Tokens of known makers, and what only a generator writes.
fn tokens(text: &str) -> Vec<Range<usize>> {
    let token = |c: char| c.is_ascii_alphanumeric() || "_-./+=~".contains(c);
    let mut found = Vec::new();
    for (at, run) in runs(text, token) {
        for (prefix, least) in PREFIXES {
            for (inside, _) in run.match_indices(prefix) {
                let own = run
                    .get(..inside)
                    .and_then(|before| before.chars().next_back())
                    .is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_');
                let rest = run.get(inside..).unwrap_or("");
                let length = rest.find(['/', '=', '+']).unwrap_or(rest.len()).min(rest.len());
                let length = rest.get(..length).map_or(0, |t| t.trim_end_matches('.').len());
                if own && length >= least {
                    found.push(at + inside..at + inside + length);
                }
            }
        }
        for (inside, part) in runs(run, |c| !"./".contains(c)) {
            if is_random(part) {
                found.push(at + inside..at + inside + part.len());
            }
        }
    }
    found
}

/// Long, with letters and digits mixed as no person writes; names of versions, times and UUIDs are not.
fn is_random(text: &str) -> bool {
    let body = text.trim_matches(|c| matches!(c, '-' | '=' | '_' | '+' | '~'));
    let digits = body.chars().filter(char::is_ascii_digit).count();
    let letters = body.chars().filter(char::is_ascii_alphabetic).count();
    if body.len() < 24 || digits < 2 || letters < 3 || is_uuid(body) {
        return false;
    }
    if body.chars().all(|c| c.is_ascii_hexdigit()) {
        return body.len() >= 32;
    }
    // Words joined with dashes have short parts; a generator's have long ones.
    let longest = body.split(['-', '_']).map(str::len).max().unwrap_or(0);
    longest >= 16 && changes(body) * 5 >= body.len()
}

/// How often a letter follows a digit or the other way round, or the case changes.
fn changes(text: &str) -> usize {
    let class = |byte: &u8| match byte {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    };
    text.as_bytes().windows(2).filter(|pair| class(&pair[0]) != class(&pair[1])).count()
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}
