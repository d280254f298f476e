//! OpenSSH's allowed-signers file: who may sign, with which key, from when to when.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;

use crate::domain::Timestamp;

use super::signer::{KeyId, NAMESPACE};

/// From when until when a key counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Validity {
    /// Not before.
    pub from: Option<Timestamp>,
    /// Not from then on.
    pub until: Option<Timestamp>,
}

impl Validity {
    /// Whether it counts at `at`.
    pub fn covers(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }
}

/// Reads the keys that may sign records. The error names the line.
pub fn parse_allowed_signers(text: &str) -> Result<BTreeMap<KeyId, Validity>, String> {
    let mut keys = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |what: &str| format!("line {number}: {what}");
        let words = words(line);
        let at = words
            .iter()
            .position(|word| word.starts_with("ssh-") || word.starts_with("ecdsa-"))
            .filter(|at| *at > 0)
            .ok_or_else(|| wrong("a name, options and a public key are expected"))?;
        let mut validity = Validity::default();
        let mut counts = words[at] == "ssh-ed25519";
        for option in words[1..at].iter().flat_map(|options| split_options(options)) {
            let (name, value) = option.split_once('=').unwrap_or((&option, ""));
            let value = value.trim_matches('"');
            match name.to_ascii_lowercase().as_str() {
                "namespaces" => {
                    counts &= value.split(',').any(|pattern| covers(pattern, NAMESPACE))
                }
                "valid-after" => {
                    validity.from =
                        Some(time(value).ok_or_else(|| wrong("`valid-after` is no time"))?);
                }
                "valid-before" => {
                    validity.until =
                        Some(time(value).ok_or_else(|| wrong("`valid-before` is no time"))?);
                }
                // The key of an authority signs certificates, never records.
                "cert-authority" => counts = false,
                _ => return Err(wrong(&format!("the option `{name}` is not known here"))),
            }
        }
        if counts {
            let key =
                words.get(at + 1).and_then(|key| KeyId::of_public(&format!("{} {key}", words[at])));
            keys.insert(key.ok_or_else(|| wrong("the public key cannot be read"))?, validity);
        }
    }
    Ok(keys)
}

/// Splits at blanks outside quotes.
fn words(line: &str) -> Vec<String> {
    split(line, char::is_whitespace)
}

fn split_options(options: &str) -> Vec<String> {
    split(options, |c| c == ',')
}

fn split(text: &str, at: impl Fn(char) -> bool) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        quoted ^= c == '"';
        match parts.last_mut() {
            Some(part) if quoted || !at(c) => part.push(c),
            _ => parts.push(String::new()),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// Whether a pattern with `*` and `?` fits.
fn covers(pattern: &str, name: &str) -> bool {
    match pattern.chars().next() {
        None => name.is_empty(),
        Some('*') => {
            let rest = &pattern[1..];
            (0..=name.len()).any(|at| name.get(at..).is_some_and(|name| covers(rest, name)))
        }
        Some(c) => name.chars().next().is_some_and(|n| {
            (c == '?' || c == n) && covers(&pattern[c.len_utf8()..], &name[n.len_utf8()..])
        }),
    }
}

/// `YYYYMMDD[Z]` or `YYYYMMDDHHMM[SS][Z]`, taken as UTC.
fn time(text: &str) -> Option<Timestamp> {
    let digits = text.strip_suffix('Z').unwrap_or(text);
    let full = match digits.len() {
        8 => format!("{digits}000000"),
        12 => format!("{digits}00"),
        _ => digits.to_owned(),
    };
    let time = NaiveDateTime::parse_from_str(&full, "%Y%m%d%H%M%S").ok()?;
    Some(Timestamp::from_millis(time.and_utc().timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eventlog::Signer;

    #[test]
    fn a_file_says_which_keys_count_when_and_for_what() {
        let [a, b, c, d] = [1, 2, 3, 4].map(|n| Signer::from_seed(&[n; 32]));
        let line = Signer::public_line;
        let text = format!(
            "# people\nada@x,a@y {}\nb namespaces=\"git,quarterdeck-*\",valid-before=\"20260101\" {}\n\
             c namespaces=\"git\" {}\nd valid-after=\"202511220102\" {} d's key\nrsa ssh-rsa AAAA\n",
            line(&a),
            line(&b),
            line(&c),
            line(&d)
        );
        let at = |text| Timestamp::parse_rfc3339(text);
        let expected = BTreeMap::from([
            (a.id(), Validity::default()),
            (b.id(), Validity { from: None, until: at("2026-01-01T00:00:00Z") }),
            (d.id(), Validity { from: at("2025-11-22T01:02:00Z"), until: None }),
        ]);
        assert_eq!(parse_allowed_signers(&text), Ok(expected));
        for (text, wrong) in [
            ("ssh-ed25519 AAAA", "line 1: a name, options and a public key are expected"),
            ("\nada ssh-ed25519 AAAA", "line 2: the public key cannot be read"),
            ("ada valid-after=x ssh-ed25519 AAAA", "line 1: `valid-after` is no time"),
            ("ada no-touch ssh-ed25519 AAAA", "line 1: the option `no-touch` is not known here"),
        ] {
            assert_eq!(parse_allowed_signers(text).unwrap_err(), wrong);
        }
    }
}
