//! What was deployed, as GitHub and GitLab tell it, against a double of ours that is held to their public
//! descriptions.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::Home;
use crate::double::deployments::{github, gitlab, status};
use crate::double::{Answer, Deployments, Fault, Hosted};

fn shop() -> Hosted<Deployments> {
    let at = |minute: u32| format!("2026-11-22T18:{minute:02}:00Z");
    let mut renamed = github(14, "v41", "production", &at(4));
    renamed["task"] = json!("deploy:migrations");
    renamed["description"] = json!("orders get a column");
    Hosted::start(Deployments {
        github: vec![
            (github(17, "v44", "production", &at(30)), vec![status("queued", &at(30))]),
            (github(16, "v43", "production", &at(20)), vec![status("failure", &at(21))]),
            (github(15, "main", "staging", &at(15)), vec![status("success", &at(16))]),
            (renamed, vec![status("in_progress", &at(5))]),
            (
                github(13, "v42", "production", &at(2)),
                vec![status("success", &at(3)), status("in_progress", &at(2))],
            ),
            (
                github(12, "main", "production", &at(0)),
                vec![status("inactive", &at(3)), status("success", &at(1))],
            ),
        ],
        gitlab: vec![
            gitlab(23, "v3", "blocked", &at(40), &at(40)),
            gitlab(22, "v2", "success", &at(10), &at(12)),
            gitlab(21, "v1", "canceled", &at(6), &at(7)),
            gitlab(20, "v0", "success", &at(1), &at(2)),
        ],
    })
}

fn home(shop: &Hosted<Deployments>, github: &str) -> Home {
    let catalog = "[[service]]\nname = \"checkout\"\nowner = \"team\"\n\
                   [[service]]\nname = \"cart\"\nowner = \"team\"\n";
    let auth = "auth = { bearer = { env = \"TOKEN\" } }";
    let config = format!(
        "[[source]]\nname = \"gh\"\nkind = \"github-deployments\"\nurl = \"{url}\"\n\
         project = \"acme/checkout\"\n{auth}\n{github}\n\
         [[source]]\nname = \"gl\"\nkind = \"gitlab-deployments\"\nurl = \"{url}\"\n\
         project = \"acme/shop\"\nservices = {{ \"prod\" = \"cart\" }}\n{auth}\n",
        url = shop.url("")
    );
    Home::with(&[("config.toml", &config), ("catalog.toml", catalog)])
}

/// What `changes --json` says, and whether that is all.
fn told(home: &Home, token: &str) -> (Vec<Value>, bool) {
    let output = home.command(&["changes", "--json"]).env("TOKEN", token).output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    (told["changes"].as_array().unwrap().clone(), told["complete"].as_bool().unwrap())
}

fn gist(change: &Value) -> [&str; 5] {
    ["id", "service", "before", "after", "state"].map(|key| change[key].as_str().unwrap_or("-"))
}

#[test]
fn what_was_deployed_is_told_with_what_ran_before_and_how_it_went() {
    let shop = shop();
    let (changes, complete) = told(&home(&shop, "environments = [\"production\"]"), "t0ken");
    assert!(complete);
    // What is only planned or waits for approval is none; what failed or goes on ran before nothing.
    assert_eq!(
        changes.iter().map(gist).collect::<Vec<_>>(),
        [
            ["deployments/16", "checkout", "v42", "v43", "failed"],
            ["deployments/22", "cart", "v0", "v2", "done"],
            ["deployments/21", "cart", "v0", "v1", "failed"],
            ["deployments/14", "checkout", "v42", "v41", "running"],
            ["deployments/13", "checkout", "1200000000", "v42", "done"],
            ["deployments/20", "cart", "", "v0", "done"],
            ["deployments/12", "checkout", "", "1200000000", "done"],
        ]
    );
    let parts = |change: &Value| {
        ["at", "kind", "title", "author", "reviewed", "url"].map(|key| change[key].clone())
    };
    assert_eq!(
        parts(&changes[1]),
        [
            json!("2026-11-22T18:12:00.000Z"),
            json!("deploy"),
            json!("v2 to production: retry less"),
            json!("jo"),
            Value::Null,
            json!("https://gitlab.example/pipelines/7"),
        ]
    );
    assert_eq!(
        parts(&changes[3]),
        [
            json!("2026-11-22T18:04:00.000Z"),
            json!("migration"),
            json!("v41 to production: orders get a column"),
            json!("mia"),
            Value::Null,
            json!("https://ci.example/in_progress"),
        ]
    );
    // When it took effect, not when it was asked for.
    assert_eq!(changes[4]["at"], "2026-11-22T18:03:00.000Z");
}

#[test]
fn without_a_list_of_environments_all_of_them_count() {
    let shop = shop();
    let (changes, _) = told(&home(&shop, ""), "t0ken");
    let staged = changes.iter().find(|change| change["id"] == "deployments/15").unwrap();
    assert_eq!(gist(staged), ["deployments/15", "checkout", "", "1500000000", "done"]);
}

#[test]
fn what_cannot_be_learned_is_unknown_and_a_source_that_refuses_makes_the_list_incomplete() {
    let shop = shop();
    let home = home(&shop, "environments = [\"production\"]");
    for answer in [Answer::new(500, "no"), Answer::new(200, "<html>"), Answer::new(404, "{}")] {
        shop.fail_at("GET", "/statuses", Fault::Says(answer));
        let (changes, complete) = told(&home, "t0ken");
        let newest = changes.iter().find(|change| change["id"] == "deployments/17").unwrap();
        assert_eq!(
            (gist(newest)[4], complete),
            ("-", true),
            "listed, and nobody knows how it went"
        );
    }
    for answer in
        [Answer::new(200, "<html>hello</html>"), Answer::new(502, ""), Answer::new(200, "{}")]
    {
        shop.fail_always(Fault::Says(answer.clone()));
        assert_eq!(told(&home, "t0ken"), (Vec::new(), false), "{answer:?}");
        shop.mend();
    }
    let (changes, complete) = told(&home, "hunter2");
    assert_eq!((changes, complete), (Vec::new(), false), "401");
    let said = home.command(&["changes"]).env("TOKEN", "hunter2").output().unwrap();
    let said =
        String::from_utf8_lossy(&said.stdout).into_owned() + &String::from_utf8_lossy(&said.stderr);
    assert!(said.contains("INCOMPLETE") && !said.contains("hunter2"), "{said}");
}
