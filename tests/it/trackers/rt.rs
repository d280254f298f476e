//! A real Request Tracker, with an account that may see nothing.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use anyhow::{Context as _, Result, ensure};
use pretty_assertions::assert_eq;
use quarterdeck::connectors::outbound::config::{Endpoint, TrackerConfig, TrackerKind};
use quarterdeck::connectors::secret::SecretRef;
use quarterdeck::domain::{SafeText, Span, Status};
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

struct Rt {
    server: Server,
    base: String,
    tokens: BTreeMap<String, String>,
    _dir: TempDir,
}

impl Rt {
    fn start_or_skip() -> Result<Option<Self>> {
        if !second_ring("Debian's request-tracker5") {
            return Ok(None);
        }
        let made = installed()?.join("rt");
        let tokens = accounts(&made.join("tokens"))?;
        let dir = tempfile::Builder::new().prefix("quarterdeck-rt-").tempdir()?;
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755))?;
        let data = dir.path().join("data");
        std::fs::create_dir_all(data.join("none"))?;
        std::fs::copy(made.join("rt.sqlite"), data.join("rt.sqlite"))?;
        let port = free_ports(1)?[0];
        let base = format!("http://127.0.0.1:{port}");
        let at = data.display();
        let settings = format!(
            "Set($rtname, 'lab'); Set($Organization, 'lab'); Set($WebPath, '');\n\
             Set($WebDomain, '127.0.0.1'); Set($WebPort, {port}); Set($WebBaseURL, '{base}');\n\
             Set($DatabaseType, 'SQLite'); Set($DatabaseName, '{at}/rt.sqlite');\n\
             Set($MailCommand, 'testfile');\n\
             Set($LogToSyslog, undef); Set($LogToSTDERR, 'error');\n1;\n"
        );
        std::fs::write(data.join("config.pm"), settings)?;
        let (program, args) = as_www_data(
            &data,
            &[
                &format!("RT_SITE_CONFIG={at}/config.pm"),
                &format!("RT_SITE_CONFIG_DIR={at}/none"),
                &format!("TMPDIR={at}"),
                "/usr/share/request-tracker5/libexec/rt-server",
                "--server",
                "Standalone",
                "--host",
                "127.0.0.1",
                "--port",
                &port.to_string(),
            ],
        )?;
        let server = Server::start("rt", program, args, dir.path())?;
        eventually("Request Tracker answers", PATIENCE, || {
            get(&format!("{base}/REST/2.0/")).context(server.log_tail()).map(drop)
        })?;
        Ok(Some(Self { server, base, tokens, _dir: dir }))
    }

    /// Asks it without the client under test.
    fn ask(&self, who: &str, method: &str, path: &str, body: &Value) -> Result<Answer> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let token = format!("token {}", self.tokens[who]);
        let url = format!("{}/REST/2.0{path}", self.base);
        send(method, &url, &[("authorization", &token)], &body)
    }

    fn read(&self, path: &str) -> Result<Value> {
        let answer = self.ask("root", "GET", path, &Value::Null)?;
        ensure!(answer.status == 200, "{path}: {answer:?}");
        answer.json()
    }

    fn as_user(&self, name: &str) -> TrackerConfig {
        let token = self.tokens.get(name).map_or(name, String::as_str);
        let token = Some(SecretRef::Given(token.to_owned()));
        let timeout = Span::from_secs(30);
        let endpoint = Endpoint { token, timeout, ..Endpoint::new(&self.base) };
        config(TrackerKind::Rt, "Incidents", endpoint)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn request_tracker_tells_the_incidents_story_once() -> Result<()> {
    let Some(mut rt) = Rt::start_or_skip()? else { return Ok(()) };
    let settings = rt.as_user("root");
    let ours = outlet(&settings);
    let key = a_ticket_tells_the_story(&*ours, "resolved").await;
    assert_eq!(key, "#1");
    let all = rt.read("/tickets?query=Queue%3D'Incidents'&fields=Subject,Status,Priority")?;
    let all = all["items"].as_array().unwrap();
    assert_eq!(all.len(), 1, "one ticket");
    assert_eq!(all[0]["Subject"], "[INC-7QX2M] Checkout fails");
    assert_eq!(all[0]["Status"], "resolved");
    let texts = rt.read("/ticket/1/attachments?fields=Content&per_page=100")?;
    let texts = texts["items"].as_array().unwrap().iter().map(|one| one["Content"].as_str());
    let texts: Vec<String> =
        texts.map(|text| text.unwrap_or_default().replace("\r\n", "\n")).collect();
    let hostile = SafeText::body(HOSTILE);
    let told = [
        format!("Labels: incident\n\n{hostile}\n\nQuarterdeck incident INC-7QX2M"),
        format!("{hostile}\n\nQuarterdeck ref {}", &NOTE[..12]),
        format!("Error rate is normal.\n\nQuarterdeck ref {}", &MOVE[..12]),
    ];
    assert_eq!(texts, told);

    // Others speak and move it on: news, once. What they write in its own editor is HTML.
    let html = "<p>Customers say it <b>works</b> &amp; pay.</p>";
    let said = json!({ "Content": html, "ContentType": "text/html" });
    assert_eq!(rt.ask("anna", "POST", "/ticket/1/comment", &said)?.status, 201);
    assert_eq!(rt.ask("anna", "PUT", "/ticket/1", &json!({ "Status": "stalled" }))?.status, 200);
    let seen = ours.tickets(&[ticket(&key)]).await.unwrap();
    let words = ("anna".into(), "Customers say it works & pay.".into());
    assert_eq!((&*seen[0].state, seen[0].done), ("stalled", Some(false)));
    assert_eq!(seen.iter().flat_map(|seen| seen.comments.clone()).collect::<Vec<_>>(), [words]);
    assert_eq!(ours.tickets(&[ticket(&key)]).await.unwrap(), []);

    // It refuses under an honest 200; its sentence is told.
    let mut strange = settings.clone();
    strange.states = [(Status::Identified, "nonsense".into())].into();
    let refused = outlet(&strange).perform(&shift(&key, Status::Identified, ""), MOVE).await;
    let said = "It said: Ticket 1: Status 'nonsense' isn't a valid status for this ticket.";
    assert!(why(&refused).contains(said), "{refused:?}");

    // Who may see nothing gets empty lists, and must not take that for no ticket.
    let query = "/tickets?query=Queue%3D'Incidents'";
    let answer = rt.ask("stranger", "GET", query, &Value::Null)?;
    assert_eq!((answer.status, &answer.json()?["items"]), (200, &json!([])));
    let stranger = outlet(&rt.as_user("stranger"));
    for outcome in [
        stranger.perform(&open("Checkout fails"), NOTE).await,
        stranger.perform(&comment(&key), NOTE).await,
        outlet(&rt.as_user("1-14-nonsense")).perform(&open("Checkout fails"), NOTE).await,
    ] {
        assert_eq!(word(&outcome), "refused", "{outcome:?}");
        assert!(why(&outcome).starts_with("It does not accept our credentials"), "{outcome:?}");
    }
    assert_eq!(word(&stranger.look_back(&open("x"), NOTE).await), "unknown");

    // A deleted ticket can still be read and written by its number.
    assert_eq!(rt.ask("root", "PUT", "/ticket/1", &json!({ "Status": "deleted" }))?.status, 200);
    a_lost_ticket_is_said_clearly(&*outlet(&settings), &key).await;
    let again = received(&ours.perform(&open("Checkout fails"), NOTE).await);
    assert_eq!(again.0, "#2", "a new ticket for the one that is gone");

    rt.server.kill()?;
    assert_eq!(word(&ours.perform(&comment("#2"), NOTE).await), "later");
    assert!(ours.tickets(&[ticket("#2")]).await.is_err());
    Ok(())
}
