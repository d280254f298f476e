//! A review from the shell: the draft, what people add, a follow-up that has to be proven, the library.

use pretty_assertions::assert_eq;
use serde_json::Value;

use super::{Home, Said};

fn home() -> Home {
    Home::with(&[("config.toml", "me = \"alice\"\n"), ("catalog.toml", "")])
}

fn said(home: &Home, args: &[&str]) -> String {
    let Said { out, err, code } = home.run(args);
    assert_eq!(
        (code, err.starts_with("This is INC-") || err.is_empty()),
        (0, true),
        "{args:?} {err}"
    );
    out
}

fn refused(home: &Home, args: &[&str]) -> String {
    let Said { out, err, code } = home.run(args);
    assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {err}");
    err
}

fn json(home: &Home, args: &[&str]) -> Value {
    let Said { out, .. } = home.run(args);
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{args:?} {error} {out}"))
}

fn post(args: &[&'static str]) -> Vec<&'static str> {
    [&["postmortem"], args].concat()
}

#[test]
fn a_review_goes_from_the_draft_to_the_shelf() {
    let home = home();
    assert_eq!(said(&home, &["postmortem", "library"]), "There is no review yet.\n");
    let title = "<script>alert(1)</script> cards declined";
    said(&home, &["declare", "SEV-2", title, "--service", "checkout"]);
    said(&home, &["decide", "roll back | wait"]);
    said(&home, &["decide", "take", "roll back", "safer"]);
    let early = refused(&home, &post(&["finish"]));
    assert!(early.contains("Its review is finished after it is resolved."), "{early}");
    said(&home, &["resolve", "errors", "are gone"]);

    let draft = said(&home, &post(&["show", "--section", "resolution"]));
    assert!(draft.starts_with("## Resolution (draft)\n"), "{draft}");
    assert!(draft.contains("Decided: roll back."), "{draft}");
    let blank = refused(&home, &post(&["finish"]));
    assert!(blank.contains("Contributing factors") && blank.contains("What was hard"), "{blank}");

    said(&home, &post(&["write", "was-hard", "alice should have seen it; human error."]));
    let shown = home.run(&post(&["show", "--section", "was-hard"]));
    assert_eq!(shown.code, 1, "wordings are left");
    for slip in ["“alice” (name)", "“should have” (counterfactual)", "“human error” (blame)"]
    {
        assert!(shown.out.contains(slip), "{slip}: {}", shown.out);
    }
    said(&home, &post(&["write", "was-hard", "Two dashboards showed different figures."]));
    said(&home, &post(&["write", "went-well", "The decision took a minute."]));
    said(&home, &post(&["cause", "--category", "technology", "the pool was full"]));
    said(
        &home,
        &post(&["cause", "--why-of", "pool", "--evidence", "roll back\": safer", "no limit"]),
    );
    said(&home, &post(&["types", "capacity", "deployment"]));
    let wrong = refused(&home, &post(&["types", "gremlins"]));
    assert!(wrong.contains("is no type; there are deployment"), "{wrong}");

    said(
        &home,
        &post(&[
            "follow-up",
            "add",
            "--priority",
            "high",
            "--owner",
            "bob",
            "--word",
            "the drill",
            "limit the pool",
        ]),
    );
    let unproven = refused(&home, &post(&["follow-up", "done", "limit"]));
    assert!(unproven.contains("is not done before its check passed"), "{unproven}");
    let own = refused(&home, &post(&["follow-up", "check", "limit", "seen", "it", "--as", "bob"]));
    assert!(own.contains("somebody else has to vouch for it"), "{own}");
    let no = home.run(&post(&["follow-up", "check", "limit", "--no", "it broke"]));
    assert_eq!(no.code, 1, "{no:?}");
    said(&home, &post(&["follow-up", "check", "limit", "the drill held"]));
    said(&home, &post(&["follow-up", "done", "limit", "merged"]));
    said(&home, &post(&["finish", "read", "together"]));

    let whole = json(&home, &post(&["show", "--json"]));
    assert_eq!(whole["types"], serde_json::json!(["deployment", "capacity"]));
    assert_eq!(whole["follow_ups"][0]["done"], true);
    assert_eq!(whole["causes"][1]["why_of"], whole["causes"][0]["id"]);
    assert!(whole["causes"][1]["evidence"][0].is_string());
    assert!(whole["finished_at"].is_string());

    let path = home.path().join("review.html");
    let path = path.to_str().unwrap();
    said(&home, &["postmortem", "export", "--format", "html", "--out", path]);
    let html = std::fs::read_to_string(path).unwrap();
    assert!(html.contains("&lt;script&gt;alert(1)") && !html.contains("<script"), "{html}");
    let again = refused(&home, &["postmortem", "export", "--format", "html", "--out", path]);
    assert!(again.contains("a file that is there is left alone"), "{again}");
    let markdown = said(&home, &post(&["export"]));
    assert!(markdown.starts_with("# INC-") && !markdown.contains("<script"), "{markdown}");

    let shelf = |words: &[&str]| {
        json(&home, &[&["postmortem", "library", "--json"], words].concat())["reviews"]
            .as_array()
            .map(Vec::len)
    };
    assert_eq!(
        (shelf(&[]), shelf(&["dashboards"]), shelf(&["zebra"])),
        (Some(1), Some(1), Some(0))
    );
    let types = json(&home, &post(&["library", "--by-type", "--json"]));
    assert_eq!(types["types"].as_array().map(Vec::len), Some(2));
    assert_eq!(types["types"][0]["budget_spent"], Value::Null, "nothing was measured");

    said(&home, &["declare", "SEV-3", "cards declined again", "--service", "checkout"]);
    let alike = json(&home, &post(&["similar", "--json"]));
    assert_eq!(alike["similar"][0]["why"][0], "the same services: checkout");
    assert_eq!(refused(&home, &post(&["measure"])).contains("goes on"), true);
}
