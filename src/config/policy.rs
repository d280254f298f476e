//! `policy.toml`: which key is who, and which role may do what.
//!
//! ```toml
//! [role.responder]
//! powers = ["write", "declare"]
//!
//! [[person]]
//! name = "ada"
//! roles = ["responder"]
//! powers = ["approve"]
//! keys = ["ssh-ed25519 AAAA… ada@laptop"]
//!
//! [[person.key]]                       # or one by one, with the time from which it no longer counts
//! key = "SHA256:…"
//! revoked = "2026-11-01T12:00:00Z"
//! ```
//!
//! Without the file everybody may do everything. A file with mistakes gives only what could be read: nobody
//! gains a power by a typing error. One of which nothing could be read judges nothing: what is recorded is
//! shown, and nothing more is recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::error::{ConfigError, Mistakes, Place};
use super::node::{self, Table};
use super::settings::read_capped;
use crate::domain::{SafeText, Timestamp};
use crate::eventlog::{Grant, KeyId, Policy, Power};

/// Its name.
pub const FILE: &str = "policy.toml";

/// Reads the file; without one there is no policy.
pub fn load(path: &Path) -> (Policy, Vec<ConfigError>) {
    if !path.exists() {
        return (Policy::default(), Vec::new());
    }
    let name = path.display().to_string();
    match read_capped(path) {
        Ok(text) => parse(&text, &name),
        Err(sentence) => {
            let mistakes = Mistakes::new(&name);
            mistakes.add(Place::default(), &sentence);
            (Policy::unread(), mistakes.into_errors())
        }
    }
}

/// Reads the text; `path` is only for the messages.
pub fn parse(text: &str, path: &str) -> (Policy, Vec<ConfigError>) {
    let mistakes = Mistakes::new(path);
    let (mut keys, mut read) = (BTreeMap::new(), false);
    if let Some(root) = node::toml(text, &mistakes)
        && let Some(table) = Table::of(&root, "the file", &mistakes)
    {
        read = true;
        table.get("version");
        let roles = roles(&table, &mistakes);
        let mut names = BTreeSet::new();
        for person in table.tables("person") {
            let at = person.place("name");
            if let Some(name) = person.need_text("name").map(SafeText::new) {
                if !names.insert(name.clone()) {
                    mistakes.add(at, &format!("there are two people named `{name}`"));
                }
                read_person(&person, &name, &roles, &mut keys, &mistakes);
            }
            person.finish();
        }
        table.finish();
    }
    let policy = if read { Policy::of(keys) } else { Policy::unread() };
    (policy, mistakes.into_errors())
}

type Roles<'n> = BTreeMap<&'n str, BTreeSet<Power>>;

fn roles<'n>(table: &Table<'n>, mistakes: &'n Mistakes) -> Roles<'n> {
    let mut roles = Roles::new();
    let Some(declared) = table.table("role") else { return roles };
    for (name, _, node) in declared.entries() {
        let Some(role) = Table::of(node, &format!("role `{name}`"), mistakes) else { continue };
        role.need("powers");
        roles.insert(name, powers(&role, mistakes));
        role.finish();
    }
    roles
}

fn powers(table: &Table<'_>, mistakes: &Mistakes) -> BTreeSet<Power> {
    let mut powers = BTreeSet::new();
    for (name, at) in table.texts("powers") {
        match Power::ALL.into_iter().find(|power| power.name() == name) {
            Some(power) => {
                powers.insert(power);
            }
            None => mistakes.unknown(at, "power", name, Power::ALL.map(Power::name)),
        }
    }
    powers
}

fn read_person(
    person: &Table<'_>,
    name: &SafeText,
    roles: &Roles<'_>,
    keys: &mut BTreeMap<KeyId, Grant>,
    mistakes: &Mistakes,
) {
    let mut may = powers(person, mistakes);
    for (role, at) in person.texts("roles") {
        match roles.get(role) {
            Some(powers) => may.extend(powers),
            None => mistakes.unknown(at, "role", role, roles.keys().copied()),
        }
    }
    let left = time(person, mistakes);
    let mut add = |text: &str, at: Place, revoked: Option<Timestamp>| {
        let Some(key) = KeyId::parse(text.trim()).or_else(|| KeyId::of_public(text)) else {
            let hint =
                "paste the line of id_ed25519.pub, or what `ssh-keygen -lf` shows (SHA256:…)";
            mistakes.hinted(at, "this is not an Ed25519 public key or a fingerprint", hint);
            return;
        };
        let grant = Grant { person: name.clone(), powers: may.clone(), revoked };
        if let Some(before) = keys.insert(key, grant) {
            mistakes.add(at, &format!("the key {key} is also one of `{}`", before.person));
        }
    };
    for (text, at) in person.texts("keys") {
        add(text, at, left);
    }
    for entry in person.tables("key") {
        let at = entry.place("key");
        let revoked = match (time(&entry, mistakes), left) {
            (Some(key), Some(left)) => Some(key.min(left)),
            (key, left) => key.or(left),
        };
        if let Some(text) = entry.need_text("key") {
            add(text, at, revoked);
        }
        entry.finish();
    }
}

/// When it no longer counts. A time that cannot be read revokes from the beginning.
fn time(table: &Table<'_>, mistakes: &Mistakes) -> Option<Timestamp> {
    let text = table.text("revoked")?;
    Some(Timestamp::parse_rfc3339(text).unwrap_or_else(|| {
        let example = "write it as \"2026-11-01T12:00:00Z\"";
        let message = format!("`revoked` is not a time: `{text}`");
        mistakes.hinted(table.place("revoked"), &message, example);
        Timestamp::from_millis(i64::MIN)
    }))
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::eventlog::{Denied, Signer};

    fn signer(n: u8) -> Signer {
        Signer::from_seed(&[n; 32])
    }

    #[test]
    fn people_have_keys_and_powers_until_they_are_revoked() {
        let text = format!(
            r#"
            [role.responder]
            powers = ["write", "declare"]
            [[person]]
            name = "ada"
            roles = ["responder"]
            powers = ["approve"]
            keys = ["{}"]
            [[person.key]]
            key = "{}"
            revoked = "2026-11-01T12:00:00Z"
            [[person]]
            name = "grace"
            powers = ["command"]
            keys = ["{}"]
            revoked = "2026-11-02T00:00:00Z"
            "#,
            signer(1).public_line(),
            signer(2).id(),
            signer(3).id()
        );
        let (policy, mistakes) = parse(&text, "policy.toml");
        assert_eq!(mistakes, []);
        let noon = Timestamp::parse_rfc3339("2026-11-01T12:00:00Z").unwrap();
        let before = Timestamp::from_millis(noon.millis() - 1);
        let [ada, old, grace, stranger] = [1, 2, 3, 4].map(|n| signer(n).id());
        for (key, power, at, allowed) in [
            (ada, Power::Declare, noon, Ok(())),
            (ada, Power::Approve, noon, Ok(())),
            (ada, Power::Command, noon, Err(Denied::Lacks(Power::Command))),
            (old, Power::Write, before, Ok(())),
            (old, Power::Write, noon, Err(Denied::Revoked)),
            (grace, Power::Command, noon, Ok(())),
            (stranger, Power::Write, noon, Err(Denied::UnknownKey)),
        ] {
            assert_eq!(policy.allows(key, power, at), allowed, "{key} {power:?}");
        }
        assert!(policy.are_two_people(ada, grace) && !policy.are_two_people(ada, old));
    }

    #[test]
    fn every_mistake_is_named_with_its_place_and_gives_nobody_a_power() {
        let text = format!(
            "[role.responder]\npowers = [\"write\", \"declair\"]\n[[person]]\nname = \"ada\"\n\
             roles = [\"responders\"]\nkeys = [\"ssh-rsa AAAA\", \"{id}\"]\n[[person]]\nname = \"eve\"\n\
             keys = [\"{id}\"]\nrevokd = 1\nrevoked = \"soon\"\n",
            id = signer(1).id()
        );
        let (policy, mistakes) = parse(&text, "policy.toml");
        let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "policy.toml:2:20: unknown power `declair`; did you mean `declare`?".to_owned(),
                "policy.toml:5:10: unknown role `responders`; did you mean `responder`?".to_owned(),
                "policy.toml:6:9: this is not an Ed25519 public key or a fingerprint; paste the line of id_ed25519.pub, or what `ssh-keygen -lf` shows (SHA256:…)".to_owned(),
                format!("policy.toml:9:9: the key {} is also one of `ada`", signer(1).id()),
                "policy.toml:10:1: unknown key `revokd`; did you mean `revoked`?".to_owned(),
                "policy.toml:11:1: `revoked` is not a time: `soon`; write it as \"2026-11-01T12:00:00Z\"".to_owned(),
            ]
        );
        let now = Timestamp::from_millis(1_763_820_000_000);
        assert_eq!(policy.allows(signer(1).id(), Power::Write, now), Err(Denied::Revoked));
        let (broken, mistakes) = parse("[[person", "policy.toml");
        assert_eq!((mistakes.len(), &broken), (1, &Policy::unread()));
        // What is recorded is shown; nothing more is recorded.
        assert_eq!(broken.allows(signer(1).id(), Power::Write, now), Ok(()));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,200}|(\\[\\[person\\]\\]|name|keys|revoked|=|\"a\"|\\[|\\]|\n){0,30}") {
            let (policy, _) = parse(&text, "policy.toml");
            proptest::prop_assert!(policy.keys.is_some() != policy.unread);
        }
    }
}
