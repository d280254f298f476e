//! Flags as scripts are told them, and flag servers that answer badly.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::{Home, Said};
use crate::hostile::server::{Fault, Hostile, Kind};

/// Two flags in the words of Unleash, one of them on and yet off for everybody.
const UNLEASH: &str = r#"{"version":2,"features":[
    {"name":"new-cart","type":"kill-switch","description":"the new one","environments":[
        {"name":"development","enabled":true,"hasStrategies":true,"hasEnabledStrategies":false},
        {"name":"production","enabled":true,"hasStrategies":true,"hasEnabledStrategies":true}]},
    {"name":"beta","type":"release","description":null,"environments":[]}]}"#;
/// One flag in the words of a server that answers OFREP.
const OFREP: &str = r#"[{"key":"checkout","variants":{"on":true,"off":false},"default_variant":"off",
    "state":"ENABLED","updated_at":"2026-11-22T18:00:00Z"}]"#;

/// A home with two flag servers of these addresses.
fn home(unleash: &str, ofrep: &str) -> Home {
    let playbook = format!(
        "[[pipeline]]\nname = \"toggles\"\nkind = \"unleash\"\nurl = \"{unleash}\"\n\
         auth = {{ token = {{ env = \"TOKEN\" }} }}\n\
         [[pipeline]]\nname = \"features\"\nkind = \"ofrep\"\nurl = \"{ofrep}\"\n\
         admin = \"/admin/api/flags\"\n"
    );
    Home::with(&[("config.toml", ""), ("catalog.toml", ""), ("playbook.toml", &playbook)])
}

fn ask(home: &Home, args: &[&str]) -> Said {
    let output = home.command(args).env("TOKEN", "hunter2-marked").output().unwrap();
    let text = |bytes: Vec<u8>| {
        let text = String::from_utf8(bytes).unwrap();
        let obeyed = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!text.contains(obeyed), "{args:?}: {text:?}");
        text
    };
    Said {
        out: text(output.stdout),
        err: text(output.stderr),
        code: output.status.code().unwrap_or(-1),
    }
}

fn told(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap_or_else(|why| panic!("{why}: {said:?}"))
}

#[test]
fn every_flag_is_listed_with_what_callers_get() {
    let servers = [Hostile::start(Kind::Prometheus), Hostile::start(Kind::Prometheus)];
    servers[0].set(Fault::body(UNLEASH));
    servers[1].set(Fault::body(OFREP));
    let home = home(&servers[0].url(), &servers[1].url());
    let said = ask(&home, &["flag", "list"]);
    insta::assert_snapshot!("flags", said.out);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let said = ask(&home, &["flag", "list", "--json"]);
    let place = |environment: &str, on, note: &str| json!({ "environment": environment, "on": on, "note": note });
    let mut all = told(&said);
    all["at"].take();
    assert_eq!(
        all,
        json!({
            "version": 1, "at": null, "complete": true,
            "servers": [
                { "pipeline": "features", "kind": "ofrep", "error": null },
                { "pipeline": "toggles", "kind": "unleash", "error": null },
            ],
            "flags": [
                { "pipeline": "features", "key": "checkout", "title": "", "kind": "",
                  "changed": "2026-11-22T18:00:00.000Z", "places": [place("", Some(false), "")] },
                { "pipeline": "toggles", "key": "beta", "title": "", "kind": "release",
                  "changed": null, "places": [] },
                { "pipeline": "toggles", "key": "new-cart", "title": "the new one",
                  "kind": "kill-switch", "changed": null, "places": [
                      place("development", Some(false), "on, but all its strategies are disabled"),
                      place("production", Some(true), ""),
                  ] },
            ],
        })
    );
    assert_eq!(said.code, 0);
    let asked = servers[0].asked();
    assert!(asked.iter().all(|one| one.path == "/api/admin/projects/default/features"));
}

#[test]
fn a_flag_server_that_answers_badly_is_named_and_its_flags_are_unknown() {
    let (bad, good) = (Hostile::start(Kind::Prometheus), Hostile::start(Kind::Prometheus));
    let elsewhere = Hostile::start(Kind::Prometheus);
    good.set(Fault::body(OFREP));
    let home = home(&bad.url(), &good.url());
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let led = |status, to: String| Fault::Says(status, vec![("Location", to)], Arc::from(*b"no"));
    let escape = br#"{"message":"\u001b]52;c;aGk=\u0007\u202e"}"#;
    let faults = [
        ("a page", Fault::body("<!DOCTYPE html><p>Sign in")),
        ("nothing", Fault::body("")),
        ("cut off", Fault::body(&UNLEASH[..60])),
        ("deep", Fault::body(&deep)),
        ("no list", Fault::body("{}")),
        ("another list", Fault::body(r#"{"features":{"new-cart":true}}"#)),
        ("a number", Fault::body("NaN")),
        ("401", Fault::status(401)),
        ("403", Fault::status(403)),
        ("404", Fault::status(404)),
        ("429", Fault::status(429)),
        ("500", Fault::status(500)),
        ("503", Fault::status(503)),
        ("999", Fault::status(999)),
        ("escapes", Fault::Says(500, Vec::new(), Arc::from(&escape[..]))),
        ("redirect", led(307, elsewhere.url())),
        ("flood", Fault::Floods(200 << 20)),
        ("drips", Fault::Drips),
        ("silence", Fault::Silent),
        ("reset", Fault::Resets),
        ("breaks off", Fault::Breaks),
    ];
    for (what, fault) in faults {
        bad.set(fault);
        let said = ask(&home, &["flag", "list", "--json", "--timeout", "2s"]);
        let all = told(&said);
        assert_eq!((said.code, &all["complete"]), (1, &json!(false)), "{what}: {}", said.out);
        assert_eq!(all["flags"].as_array().map(Vec::len), Some(1), "{what}: the others are told");
        let why = all["servers"][1]["error"].as_str().unwrap_or_default();
        eprintln!("{what}: {why}");
        assert!(why.contains("toggles") || why.contains(&bad.url()), "{what}: {why}");
        assert!(why.ends_with('.'), "{what}: {why}");
        assert!(!(said.out + &said.err).contains("hunter2-marked"), "{what}");
    }
    bad.set(Fault::body("{}"));
    let said = ask(&home, &["flag", "list"]);
    assert_eq!(
        said.out,
        "INCOMPLETE: The pipeline toggles answers with something that is no list of flags; check its url. \
         The flags of toggles are not known.\n\
         FLAG      ENVIRONMENT  STATE  SERVER    NOTE\n\
         checkout  only one     off    features\n"
    );
    assert_eq!(elsewhere.asked().len(), 0, "a redirect was followed");
    bad.set(Fault::body(UNLEASH));
    assert_eq!(ask(&home, &["flag", "list"]).code, 0, "well again");
}

#[test]
fn without_a_flag_server_that_is_said() {
    let home = Home::with(&[("config.toml", ""), ("catalog.toml", "")]);
    let nothing = "No flag server is declared; add a [[pipeline]] of kind unleash or ofrep to the playbook.\n";
    assert_eq!(home.run(&["flag", "list"]), Said::new(0, nothing, ""));
}
