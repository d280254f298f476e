//! A whole incident from the shell: two people, one store, every verb's words, and scripts reading along.

use pretty_assertions::assert_eq;
use serde_json::Value;

use super::{Home, Said};

fn home() -> Home {
    Home::with(&[("config.toml", "me = \"alice\"\n"), ("catalog.toml", "")])
}

/// What a run printed, which must have gone well; ids of records are taken out.
fn said(home: &Home, args: &[&str]) -> String {
    let Said { out, err, code } = home.run(args);
    assert_eq!((code, err.as_str()), (0, ""), "{args:?}");
    out
}

fn refused(home: &Home, args: &[&str]) -> String {
    let Said { out, err, code } = home.run(args);
    assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {err}");
    err
}

fn json(home: &Home, args: &[&str]) -> Value {
    serde_json::from_str(&said(home, args)).unwrap()
}

/// Without the incident's id and the record's.
fn words(line: &str) -> &str {
    line.splitn(3, ' ').nth(2).unwrap_or_default().trim_end()
}

#[test]
fn an_incident_is_told_from_declare_to_resolve() {
    let home = home();
    assert_eq!(said(&home, &["incidents"]), "No incident is going on.\n");
    let declared = json(
        &home,
        &["declare", "SEV-2", "checkout:", "cards declined", "--service", "checkout", "--json"],
    );
    let kinds: Vec<&str> = declared["recorded"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["incident-declared", "command-taken"]);
    let id = declared["incident"]["id"].as_str().unwrap().to_owned();
    let lower = id.trim_start_matches("INC-").to_lowercase();

    for (args, told) in [
        (&["note", "--", "-10m", "kind=action", "restarted the cache"][..], "restarted the cache"),
        (&["severity", "SEV-1", "nobody can pay"], "severity SEV-2 -> SEV-1: nobody can pay"),
        (&["status", "identified", "the deploy"], "status investigating -> identified: the deploy"),
        (&["role", "scribe", "dan"], "alice made dan scribe"),
        (
            &["link", "design doc", "https://x.example"],
            "alice linked \"design doc\" (https://x.example)",
        ),
        (&["workstream", "dan", "database"], "alice opened workstream \"database\", led by dan"),
        (&["decide", "roll back | wait"], "alice proposes \"roll back\" (owner alice); or wait"),
        (&["decide", "take", "roll back", "safer"], "alice decided: \"roll back\": safer"),
        (&["handoff", "carol"], "alice offered command to carol"),
    ] {
        assert_eq!(words(&said(&home, args)), told, "{args:?}");
    }
    said(&home, &["task", "bob", "10m", "roll back v812"]);
    assert_eq!(
        words(&said(&home, &["task", "done", "roll back", "it was v811", "-i", &lower])),
        "alice finished \"roll back v812\": it was v811"
    );
    // Carol understands every section; the last one gives her command.
    while json(&home, &["incidents", &lower, "--json"])["incident"]["commander"] != "carol" {
        said(&home, &["handoff", "accept", "--as", "carol"]);
    }
    let update = ["update", "internal", "cards work", "--body", "Cards work.", "--next", "20m"];
    let proposed = home.run(&[&update[..], &["--json"]].concat());
    // What readers will ask for is said, and holds nothing up.
    assert!(
        proposed.err.starts_with("Nobody has said yet who is hurt and how"),
        "{}",
        proposed.err
    );
    let proposed: Value = serde_json::from_str(&proposed.out).unwrap();
    let record = proposed["recorded"][0]["id"].as_str().unwrap();
    said(&home, &["update", "publish", &record[..6]]);
    assert_eq!(
        words(&said(&home, &["resolve", "errors", "are gone"])),
        "status identified -> resolved: errors are gone"
    );

    let whole = json(&home, &["incidents", &id, "--json"]);
    let incident = &whole["incident"];
    let story = [
        &incident["severity"],
        &incident["status"],
        &incident["commander"],
        &incident["tasks"][0]["result"],
        &incident["decisions"][0]["outcome"],
        &incident["updates"][0]["subject"],
        &incident["roles"][0]["who"],
    ];
    assert_eq!(
        story,
        ["SEV-1", "resolved", "carol", "it was v811", "proposal", "cards work", "dan"]
    );
    let actions = said(&home, &["timeline", "kind=action", "-i", &id]);
    assert!(actions.contains("alice: restarted the cache (written "), "{actions}");
    assert_eq!(actions.lines().count(), 1, "{actions}");

    // The same lines for a wiki and for a spreadsheet.
    let action = ["timeline", "kind=action", "-i", &id];
    let table = said(&home, &[&action[..], &["--format", "markdown"]].concat());
    assert!(table.starts_with(&format!("# {id} ")), "{table}");
    assert_eq!(table.matches("| action | alice | restarted the cache |").count(), 1, "{table}");
    assert_eq!(table.lines().filter(|line| line.starts_with("| 2")).count(), 1, "{table}");
    let rows = said(&home, &[&action[..], &["--format", "csv"]].concat());
    let rows: Vec<&str> = rows.lines().collect();
    assert!(rows[0].starts_with("time,raw time,bound ms,written,kind,by,"), "{rows:?}");
    assert!(rows[1].contains(",action,\"alice\",\"\",\"restarted the cache\","), "{rows:?}");
    assert_eq!(rows.len(), 2, "{rows:?}");
    let both = refused(&home, &[&action[..], &["--format", "csv", "--json"]].concat());
    assert!(both.contains("cannot be used with"), "{both}");
}

#[test]
fn what_cannot_be_done_is_said_in_one_sentence() {
    let home = home();
    assert_eq!(
        refused(&home, &["resolve", "x"]),
        "quarterdeck: No incident is going on. Declare one, or name the one you mean.\n"
    );
    assert_eq!(
        refused(&home, &["declare"]),
        "quarterdeck: the incident has no title; it is written `declare [SEV-n] title`\n"
    );
    said(&home, &["declare", "checkout down", "--service", "checkout"]);
    let again = refused(&home, &["declare", "checkout slow", "--service", "checkout"]);
    assert!(again.ends_with("it is about checkout too. Join it, or confirm that this is another one. --another confirms it.\n"), "{again}");
    for (args, error) in [
        (
            &["task", "bob", "roll back"][..],
            "`task` needs how long it may take, such as 10m. It is written `task NAME 10m what, task \
             done|heard|drop TASK words, task give TASK NAME, task extend TASK 5m`.",
        ),
        (
            &["severity", "bad"],
            "`bad` is not a severity, such as SEV-2. It is written `severity SEV-n reason`.",
        ),
        (&["--read-only", "resolve"], "nothing was recorded, because --read-only was given"),
        (&["pin", "zzz"], "No entry is meant by `zzz`; there are "),
    ] {
        let said = refused(&home, args);
        assert!(said.starts_with(&format!("quarterdeck: {error}")), "{args:?}: {said}");
    }
}

#[test]
fn a_note_goes_to_the_incident_that_is_going_on() {
    let home = home();
    assert_eq!(said(&home, &["note", "before"]), "Recorded.\n");
    said(&home, &["declare", "checkout down"]);
    assert_eq!(words(&said(&home, &["note", "@bob", "cards fail"])), "cards fail");
    assert_eq!(said(&home, &["note", "--general", "lunch"]), "Recorded.\n");
    let timeline = said(&home, &["timeline", "cards"]);
    assert!(timeline.contains("observation   alice for bob: cards fail"), "{timeline}");
}

#[test]
fn what_words_do_not_say_is_said_by_options() {
    let home = home();
    said(&home, &["declare", "SEV-2", "cards declined", "--service", "checkout"]);
    let described = json(
        &home,
        &[
            "describe",
            "--impact",
            "nobody can pay",
            "--scope",
            "eu only",
            "--onset",
            "10m",
            "--json",
        ],
    );
    let incident = &described["incident"];
    assert_eq!([&incident["impact"], &incident["scope"]], ["nobody can pay", "eu only"]);
    assert!(incident["onset"].is_string(), "{incident}");
    // What is not given stays.
    let described = json(&home, &["describe", "--scope", "everywhere", "--json"]);
    let incident = &described["incident"];
    assert_eq!([&incident["impact"], &incident["scope"]], ["nobody can pay", "everywhere"]);
    assert!(refused(&home, &["describe"]).contains("say what changes"));

    for (lead, name) in [("dan", "database"), ("eve", "edge"), ("fay", "cache")] {
        said(&home, &["workstream", lead, name]);
    }
    let task = ["task", "--workstream", "datab", "bob", "10m", "fail over", "--json"];
    let told = json(&home, &task);
    let streams = told["incident"]["workstreams"].as_array().unwrap();
    let id = |name: &str| {
        let one = streams.iter().find(|one| one["name"] == name).unwrap();
        one["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(told["incident"]["tasks"][0]["workstream"], id("database"));
    let done = ["task", "--workstream", "edge", "done", "fail over"];
    assert!(refused(&home, &done).contains("belongs to a new task"));

    let split = json(&home, &["split", "data / dan: database, cache", "--json"]);
    let streams = split["incident"]["workstreams"].as_array().unwrap();
    let under = |name: &str| {
        streams.iter().find(|one| one["name"] == name).map(|one| one["parent"].clone()).unwrap()
    };
    assert!(under("database").is_string() && under("database") == under("cache"), "{split}");
    assert!(under("edge").is_null(), "{split}");
    assert!(refused(&home, &["split", "data dan"]).contains("write name / lead: workstream"));

    let proposal =
        ["decide", "--owner", "bob", "--review", "15m", "--expected", "errors fall", "roll back"];
    let told = json(&home, &[&proposal[..], &["--json"]].concat());
    let decision = &told["incident"]["decisions"][0];
    assert_eq!([&decision["owner"], &decision["expected"]], ["bob", "errors fall"]);
    assert!(decision["review"].is_string(), "{decision}");
    let found = said(&home, &["timeline", "kind=decision"]);
    assert!(found.contains("alice proposes \"roll back\" (owner bob)"), "{found}");
    said(&home, &["decide", "take", "roll back", "safer"]);
    assert_eq!(said(&home, &["timeline", "kind=decision"]).lines().count(), 2);

    // Right after it is over its record is what one asks for.
    said(&home, &["resolve", "fixed"]);
    let Said { out, err, code } = home.run(&["timeline", "kind=decision"]);
    assert_eq!((code, out.lines().count()), (0, 2), "{out}{err}");
    assert!(err.contains("No incident is going on; this is INC-") && err.contains("resolved"));
}
