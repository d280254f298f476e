//! What changed, as scripts are told it: from a real repository and a file that deployments append to.

use std::path::Path;
use std::process::Command;

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::{Home, dead_port};

fn git(at: &Path, second: u32, args: &[&str]) {
    let date = format!("{} +0000", 1_700_000_000 + second);
    let done = Command::new("git")
        .arg("-C")
        .arg(at)
        .args(["-c", "user.name=Mia", "-c", "user.email=mia@example.org"])
        .args(["-c", "commit.gpgSign=false", "-c", "tag.gpgSign=false"])
        .args(args)
        .env("GIT_AUTHOR_DATE", &date)
        .env("GIT_COMMITTER_DATE", &date)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
}

fn home() -> Home {
    let home =
        Home::with(&[("catalog.toml", "[[service]]\nname = \"checkout\"\nowner = \"team\"\n")]);
    let (shop, file) = (home.path().join("shop"), home.path().join("deploys.jsonl"));
    std::fs::create_dir(&shop).unwrap();
    git(&shop, 0, &["init", "-q", "-b", "main"]);
    std::fs::write(shop.join("a.rs"), "1\n2\n").unwrap();
    git(&shop, 1, &["add", "."]);
    git(&shop, 1, &["commit", "-q", "-m", "begin"]);
    git(&shop, 2, &["tag", "checkout-v811"]);
    std::fs::write(shop.join("a.rs"), "1\n3\n").unwrap();
    git(&shop, 3, &["commit", "-q", "-a", "-m", "retry\n\nReviewed-by: Jo <jo@example.org>"]);
    git(&shop, 4, &["tag", "-a", "checkout-v812", "-m", "checkout v812"]);
    let line = r#"{"id":"f1","at":"2023-11-14T22:13:30Z","kind":"flag","service":"checkout","title":"new basket on","author":"dora","state":"done"}"#;
    std::fs::write(&file, format!("{line}\nnot json\n")).unwrap();
    let config = format!(
        "[[source]]\nname = \"shop\"\nkind = \"git\"\npath = \"{}\"\ntags = \"deploy\"\n\
         [[source]]\nname = \"deploys\"\nkind = \"changes-file\"\npath = \"{}\"\n",
        shop.display(),
        file.display()
    );
    std::fs::write(home.config("config.toml"), config).unwrap();
    home
}

#[test]
fn what_changed_is_printed_newest_first_with_what_could_not_be_read() {
    let said = home().run(&["changes"]);
    insta::assert_snapshot!("changes", said.out);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
}

#[test]
fn what_changed_is_told_to_scripts_whole() {
    let home = home();
    let said = home.run(&["changes", "--json"]);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, &told["onset"], &told["complete"]), (0, &Value::Null, &json!(true)));
    assert_eq!(
        told["changes"][1],
        json!({
            "source": "shop", "id": "refs/tags/checkout-v812", "at": "2023-11-14T22:13:24.000Z",
            "lag_seconds": null, "on_path": false, "kind": "deploy", "service": "checkout",
            "title": "checkout-v812: checkout v812", "author": "Mia", "reviewed": ["Jo"],
            "before": "checkout-v811", "after": "checkout-v812", "state": null,
            "size": { "added": 1, "deleted": 1, "files": 1, "paths": ["a.rs"] },
            "risk": { "points": 6, "level": "low", "parts": [
                { "part": "size", "points": 4, "reason": "It adds 1 line." },
                { "part": "diffusion", "points": 2, "reason": "It touches 1 file." },
                { "part": "experience", "points": 0,
                  "reason": "Its author made 1 known earlier change of this service." },
                { "part": "review", "points": 0, "reason": "A second person reviewed it." },
                { "part": "freeze", "points": 0, "reason": "It was made in no declared freeze." },
                { "part": "kind", "points": 0, "reason": "It is a deploy and no migration." },
                { "part": "failures", "points": null, "reason":
                  "How changes of this service went in the 30 days before is not known." },
            ] },
            "with": ["retry"], "url": "",
        })
    );
    let ids: Vec<&str> = (0..3).map(|at| told["changes"][at]["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["f1", "refs/tags/checkout-v812", "refs/tags/checkout-v811"]);
    assert_eq!(told["left_out"][0]["source"], "deploys");
    // A source that cannot be read is never no change.
    std::fs::remove_dir_all(home.path().join("shop")).unwrap();
    let lacking = home.run(&["changes"]);
    assert_eq!(lacking.code, 1);
    assert!(lacking.out.starts_with("INCOMPLETE: 1 of 2 sources"), "{}", lacking.out);
    assert!(lacking.out.contains("new basket on"), "what is known is still told");
}

#[test]
fn without_a_source_of_changes_that_is_said() {
    let config = format!(
        "[[source]]\nname = \"am\"\nkind = \"alertmanager\"\nurl = \"http://127.0.0.1:{}\"\n",
        dead_port()
    );
    let home = Home::with(&[("config.toml", &config), ("catalog.toml", "")]);
    let said = home.run(&["changes"]);
    assert!(
        said.out.contains(
            "Add a source of kind git, changes-file, github-deployments, gitlab-deployments, \
             prometheus-versions, unleash-events or changes-nats."
        ),
        "{said:?}"
    );
    assert_eq!(said.code, 1);
}
