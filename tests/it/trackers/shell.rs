//! Hosted trackers from the shell: the configuration as people write it, the real outbox, the real program.

use pretty_assertions::assert_eq;
use serde_json::Value;

use crate::cli::Home;
use crate::double::{Answer, Double, Fault, Hosted, Jira};

fn home(double: &Double) -> Home {
    let playbook = format!(
        "[response]\ntracker = \"jira\"\n\n[[tracker]]\nname = \"jira\"\nkind = \"jira\"\nurl = \"{}\"\n\
         project = \"OPS\"\nlabels = [\"incident\"]\ntimeout = \"2s\"\n\
         states = {{ monitoring = \"Monitoring\" }}\n\
         auth = {{ basic = {{ user = \"kim@example.test\", password = {{ env = \"JIRA_TOKEN\" }} }} }}\n",
        double.url("")
    );
    let catalog = "[[service]]\nname = \"checkout\"\nowner = \"payments\"\ntier = 1\n\
                   runbook = \"https://runbooks.example/checkout\"\n";
    let config = "me = \"alice\"\n";
    Home::with(&[("config.toml", config), ("catalog.toml", catalog), ("playbook.toml", &playbook)])
}

/// Runs a command, which must go well, and gives what it printed.
fn said(home: &Home, args: &[&str]) -> String {
    let output = home.command(args).env("JIRA_TOKEN", "t0ken").output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout), String::from_utf8(output.stderr));
    assert_eq!((output.status.code(), &*err.unwrap()), (Some(0), ""), "{args:?}");
    out.unwrap()
}

/// All that is written in a document or a list of comments.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) if fields.get("type").is_some_and(|kind| kind == "text") => {
            vec![fields["text"].as_str().unwrap().to_owned()]
        }
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        Value::Array(all) => all.iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn an_incident_leaves_its_story_in_jira() {
    let double = Hosted::start(Jira::new());
    let home = home(&double);
    // The first answer is lost after the issue was made: it is found, not made again.
    double.fail_at("POST", "issue", Fault::DoneButCut);
    let declared =
        ["declare", "SEV-2", "checkout:", "cards declined", "--service", "checkout", "--json"];
    let declared: Value = serde_json::from_str(&said(&home, &declared)).unwrap();
    let id = declared["incident"]["id"].as_str().unwrap().to_owned();
    assert_eq!(said(&home, &["outbox", "run", "--for", "60s"]), "Nothing waits.\n");
    {
        let there = double.there();
        assert_eq!(there.issues.len(), 1);
        let fields = &there.issues[&1].fields;
        assert_eq!(fields["summary"], "checkout: cards declined");
        let body = texts(&fields["description"]);
        assert_eq!(body.last().unwrap(), &format!("Quarterdeck incident {id}"));
        let whole = body.join("\n");
        assert!(
            whole.contains("payments") && whole.contains("runbooks.example"),
            "enriched: {whole}"
        );
    }

    // It asks to be left alone for a moment while the incident goes on.
    let slow = Answer::new(429, "").with("retry-after", "1");
    double.fail_at("POST", "comment", Fault::Says(slow));
    said(&home, &["ticket", "comment", "error rate is at 4 %"]);
    said(&home, &["status", "identified", "the deploy"]);
    said(&home, &["status", "monitoring", "rolled back"]);
    said(&home, &["status", "resolved", "error rate is normal"]);
    assert_eq!(said(&home, &["outbox", "run", "--for", "60s"]), "Nothing waits.\n");
    let there = double.there();
    let issue = &there.issues[&1];
    assert_eq!((there.issues.len(), issue.status), (1, "Done"));
    let told: Vec<String> =
        issue.comments.iter().map(|one| texts(&one["body"])[0].clone()).collect();
    let mut sorted = told.clone();
    sorted.sort();
    let wanted = ["error rate is at 4 %", "error rate is normal", "rolled back", "the deploy"];
    assert_eq!(sorted, wanted, "each once");
}
