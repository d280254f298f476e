//! A real Redmine, in which passers-by may look and reporters may not close.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use anyhow::{Context as _, Result, ensure};
use pretty_assertions::assert_eq;
use quarterdeck::connectors::outbound::config::{Endpoint, TrackerConfig, TrackerKind};
use quarterdeck::connectors::secret::SecretRef;
use quarterdeck::domain::{
    IncidentId, Operation, SafeText, Severity, Span, Status, TicketAct, TrackerId,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    HOSTILE, MOVE, NOTE, a_lost_ticket_is_said_clearly, a_ticket_tells_the_story, comment, config,
    open, outlet, received, shift, ticket, why, word,
};
use crate::lab::http::{Answer, send};
use crate::lab::{
    PATIENCE, Server, accounts, as_www_data, eventually, free_ports, get, installed, second_ring,
};

pub(crate) struct Redmine {
    server: Server,
    pub(crate) base: String,
    keys: BTreeMap<String, String>,
    _dir: TempDir,
}

impl Redmine {
    pub(crate) fn start_or_skip() -> Result<Option<Self>> {
        if !second_ring("Debian's redmine") {
            return Ok(None);
        }
        let made = installed()?.join("redmine");
        let keys = accounts(&made.join("keys"))?;
        let dir = tempfile::Builder::new().prefix("quarterdeck-redmine-").tempdir()?;
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755))?;
        let data = dir.path().join("data");
        std::fs::create_dir(&data)?;
        std::fs::copy(made.join("redmine.sqlite3"), data.join("redmine.sqlite3"))?;
        let port = free_ports(1)?[0];
        let at = data.display();
        let (program, args) = as_www_data(
            &data,
            &[
                "--chdir=/usr/share/redmine",
                "REDMINE_INSTANCE=default",
                "RAILS_ENV=production",
                &format!("HOME={at}"),
                &format!("DATABASE_URL=sqlite3:{at}/redmine.sqlite3"),
                "bundle",
                "exec",
                "thin",
                "--environment=production",
                "--address=127.0.0.1",
                &format!("--port={port}"),
                "--rackup=config.ru",
                "--threaded",
                // Only so that it can be seen whose it is.
                &format!("--log={at}/thin.log"),
                "start",
            ],
        )?;
        let server = Server::start("redmine", program, args, dir.path())?;
        let base = format!("http://127.0.0.1:{port}");
        eventually("Redmine answers", PATIENCE, || {
            get(&format!("{base}/issue_statuses.json")).context(server.log_tail()).map(drop)
        })?;
        Ok(Some(Self { server, base, keys, _dir: dir }))
    }

    pub(crate) fn key(&self, name: &str) -> &str {
        &self.keys[name]
    }

    /// Asks it without the client under test.
    pub(crate) fn ask(&self, who: &str, method: &str, path: &str, body: &Value) -> Result<Answer> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let key = [("x-redmine-api-key", self.keys.get(who).map_or(who, String::as_str))];
        send(method, &format!("{}{path}", self.base), &key, &body)
    }

    pub(crate) fn read(&self, path: &str) -> Result<Value> {
        let answer = self.ask("admin", "GET", path, &Value::Null)?;
        ensure!(answer.status == 200, "{path}: {answer:?}");
        answer.json()
    }

    fn as_user(&self, key: &str) -> TrackerConfig {
        let token = Some(SecretRef::Given(key.to_owned()));
        let timeout = Span::from_secs(30);
        let endpoint = Endpoint { token, timeout, ..Endpoint::new(&self.base) };
        config(TrackerKind::Redmine, "inc", endpoint)
    }
}

/// Notes of an issue and the statuses it went through.
pub(crate) fn story(issue: &Value) -> (Vec<String>, Vec<String>) {
    let journals = issue["journals"].as_array().cloned().unwrap_or_default();
    let notes = journals.iter().filter_map(|one| one["notes"].as_str()).map(str::to_owned);
    let details = journals.iter().flat_map(|one| one["details"].as_array().cloned().unwrap());
    let moves = details.filter(|detail| detail["name"] == "status_id");
    let moves = moves.map(|one| one["new_value"].as_str().unwrap_or_default().to_owned());
    (notes.filter(|text| !text.is_empty()).collect(), moves.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn redmine_tells_the_incidents_story_once() -> Result<()> {
    let Some(mut redmine) = Redmine::start_or_skip()? else { return Ok(()) };
    let settings = redmine.as_user(redmine.key("anna"));
    let ours = outlet(&settings);
    let key = a_ticket_tells_the_story(&*ours, "Closed").await;
    assert_eq!(key, "#1");
    let all = redmine.read("/issues.json?status_id=*")?;
    assert_eq!(all["total_count"], 1, "one ticket");
    let issue = redmine.read("/issues/1.json?include=journals")?["issue"].clone();
    let between = |text: &str| text.replace("@e", "@\u{200b}e").replace("<s", "<\u{200b}s");
    let hostile = SafeText::body(HOSTILE).replace("</s", "<\u{200b}/s").replace("#1", "#\u{200b}1");
    let hostile = between(&hostile).replace("](", "]\u{200b}(");
    let one_kind = |text: &Value| text.as_str().unwrap_or_default().replace("\r\n", "\n");
    assert_eq!(issue["subject"], "Checkout fails");
    assert_eq!(issue["priority"]["name"], "Immediate");
    assert_eq!(
        one_kind(&issue["description"]),
        format!("Labels: incident\n\n{hostile}\n\nQuarterdeck incident INC-7QX2M")
    );
    let (notes, moves) = story(&issue);
    let told = [
        format!("{hostile}\n\nQuarterdeck ref {}", &NOTE[..12]),
        format!("Error rate is normal.\n\nQuarterdeck ref {}", &MOVE[..12]),
    ];
    assert_eq!((notes, moves), (told.to_vec(), vec!["5".to_owned()]));
    let page = get(&format!("{}/issues/1", redmine.base))?.body;
    assert!(page.contains("Quarterdeck incident INC-7QX2M"), "{page}");
    assert!(!page.contains("<script>@") && !page.contains("href=\"y\""), "text stayed text");

    // Others speak and move it on: news, once.
    let said = json!({ "issue": { "notes": "Customers say it works.", "status_id": 4 } });
    assert_eq!(redmine.ask("admin", "PUT", "/issues/1.json", &said)?.status, 204);
    let seen = ours.tickets(&[ticket(&key)]).await.unwrap();
    let words = ("Redmine Admin".into(), "Customers say it works.".into());
    assert_eq!((&*seen[0].state, seen[0].done), ("Feedback", Some(false)));
    assert_eq!(seen.iter().flat_map(|seen| seen.comments.clone()).collect::<Vec<_>>(), [words]);
    assert_eq!(ours.tickets(&[ticket(&key)]).await.unwrap(), []);

    // A word it does not know, and one that this account's workflow does not have.
    let mut strange = settings.clone();
    strange.states = [(Status::Identified, "nonsense".into())].into();
    let refused = outlet(&strange).perform(&shift(&key, Status::Identified, ""), MOVE).await;
    assert!(why(&refused).contains("from \"Feedback\" to \"nonsense\", only to"), "{refused:?}");
    let reporter = outlet(&redmine.as_user(redmine.key("reporter")));
    let refused = reporter.perform(&shift(&key, Status::Closed, ""), MOVE).await;
    assert_eq!(word(&refused), "refused", "{refused:?}");
    // The same by hand: it says yes, and does nothing. That is why it is read back.
    let ignored = json!({ "issue": { "status_id": 5 } });
    assert_eq!(redmine.ask("reporter", "PUT", "/issues/1.json", &ignored)?.status, 204);
    assert_eq!(redmine.read("/issues/1.json")?["issue"]["status"]["name"], "Feedback");
    strange.priorities = [(Severity::Sev1, "Panic".into())].into();
    let other = Operation::Ticket {
        incident: IncidentId::new("INC-OTHER"),
        tracker: TrackerId::new("tickets"),
        act: TicketAct::Open { title: "x".into(), body: "y".into(), severity: Severity::Sev1 },
    };
    let refused = outlet(&strange).perform(&other, NOTE).await;
    let said = why(&refused);
    assert!(said.starts_with("It has no \"Panic\": mend `priorities`"), "{said}");

    // A key it does not know is a passer-by here: an honest 200, and nothing of ours.
    let passer_by = redmine.ask("nonsense", "GET", "/issues.json", &Value::Null)?;
    assert_eq!(passer_by.status, 200);
    let nobody = outlet(&redmine.as_user("nonsense"));
    let refused = nobody.perform(&other, NOTE).await;
    assert!(why(&refused).contains("does not accept our credentials (401)"), "{refused:?}");
    assert_eq!(word(&nobody.perform(&comment(&key), OTHER).await), "refused");
    assert_eq!(word(&nobody.look_back(&other, NOTE).await), "unknown");
    assert_eq!(redmine.read("/issues.json?status_id=*")?["total_count"], 1, "still one ticket");

    // Where the last one is deleted, its number may be given again.
    let further = json!({ "issue": { "project_id": "inc", "subject": "Another matter" } });
    assert_eq!(redmine.ask("admin", "POST", "/issues.json", &further)?.status, 201);
    assert_eq!(redmine.ask("admin", "DELETE", "/issues/1.json", &Value::Null)?.status, 204);
    a_lost_ticket_is_said_clearly(&*outlet(&settings), &key).await;
    let again = received(&ours.perform(&open("Checkout fails"), NOTE).await);
    assert_eq!(again.0, "#3", "a new ticket for the one that is gone");

    redmine.server.kill()?;
    assert_eq!(word(&ours.perform(&comment("#3"), NOTE).await), "later");
    assert!(ours.tickets(&[ticket("#3")]).await.is_err());
    Ok(())
}

/// The id of yet another record.
const OTHER: &str = "3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c";
