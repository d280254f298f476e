//! A real Roundup.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use pretty_assertions::assert_eq;
use quarterdeck::connectors::outbound::config::{Endpoint, TrackerKind};
use quarterdeck::connectors::registry::Basic;
use quarterdeck::connectors::secret::SecretRef;
use quarterdeck::domain::Status;
use tempfile::TempDir;

use super::{
    MOVE, NOTE, a_lost_ticket_is_said_clearly, a_ticket_tells_the_story, comment, config, open,
    outlet, received, shift, ticket, why, word,
};
use crate::lab::{PATIENCE, Server, eventually, free_ports, get, installed, required};

pub(crate) struct Roundup {
    server: Server,
    pub(crate) base: String,
    dir: TempDir,
}

impl Roundup {
    pub(crate) fn start_or_skip() -> Result<Option<Self>> {
        if !required() {
            println!("skipped: needs Roundup; run tests/run");
            return Ok(None);
        }
        let dir = tempfile::Builder::new().prefix("quarterdeck-roundup-").tempdir()?;
        let base = format!("http://127.0.0.1:{}", free_ports(1)?[0]);
        let port = base.rsplit(':').next().context("a port")?;
        let home = dir.path().join("tracker");
        admin(&home, &["install", "classic", "sqlite"])?;
        let path = home.join("config.ini");
        let lines = std::fs::read_to_string(&path)?;
        let lines = lines.lines().map(|line| {
            let key = line.trim_start_matches('#').split(" = ").next().unwrap_or_default();
            match key {
                "web" => format!("web = {base}/"),
                "domain" => "domain = example.test".to_owned(),
                // What it would mail to those who follow a ticket goes into a file; anything else is a
                // level of logging.
                "debug" if line.trim_end().ends_with('=') => {
                    format!("debug = {}", dir.path().join("mails").display())
                }
                "host" if line.contains("NO DEFAULT") => "host = localhost".to_owned(),
                // Else every request takes a second.
                "password_pbkdf2_default_rounds" => format!("{key} = 1000"),
                _ => line.to_owned(),
            }
        });
        std::fs::write(&path, lines.collect::<Vec<_>>().join("\n"))?;
        admin(&home, &["initialise", "adminpw"])?;
        admin(
            &home,
            &[
                "create",
                "user",
                "username=anna",
                "password=annapw",
                "roles=User",
                "address=anna@example.test",
            ],
        )?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/trackers/serve.py");
        let args = [script, home, port.into()].map(|part| part.display().to_string());
        let python = installed()?.join("roundup/bin/python");
        let server = Server::start("roundup", python, args.into(), dir.path())?;
        eventually("Roundup answers", PATIENCE, || {
            get(&format!("{base}/")).context(server.log_tail()).map(drop)
        })?;
        Ok(Some(Self { server, base, dir }))
    }

    /// Ids of the messages of an issue, oldest first.
    pub(crate) fn messages(&self, issue: &str) -> Result<Vec<String>> {
        let all = self.admin(&["get", "messages", issue])?;
        let ids = all.trim().trim_matches(['[', ']']).replace(['\'', ' '], "");
        let mut ids: Vec<u32> = ids.split(',').filter_map(|id| id.parse().ok()).collect();
        ids.sort_unstable();
        Ok(ids.into_iter().map(|id| format!("msg{id}")).collect())
    }

    fn as_user(&self, user: &str, password: &str) -> Endpoint {
        let password = SecretRef::Given(password.to_owned());
        Endpoint { basic: Some(Basic { user: user.into(), password }), ..Endpoint::new(&self.base) }
    }

    pub(crate) fn admin(&self, args: &[&str]) -> Result<String> {
        admin(&self.dir.path().join("tracker"), args)
    }
}

fn admin(home: &Path, args: &[&str]) -> Result<String> {
    let program = installed()?.join("roundup/bin/roundup-admin");
    ensure!(program.is_file(), "Roundup is missing; tests/run installs it");
    // What it would mail to those who follow a ticket goes into a file.
    let mails = home.with_file_name("mails");
    let done = Command::new(program)
        .env("SENDMAILDEBUG", mails)
        .arg("-i")
        .arg(home)
        .args(args)
        .output()?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

#[tokio::test]
async fn roundup_tells_the_incidents_story_once() -> Result<()> {
    let Some(mut roundup) = Roundup::start_or_skip()? else { return Ok(()) };
    let settings = config(TrackerKind::Roundup, "", roundup.as_user("admin", "adminpw"));
    let ours = outlet(&settings);
    let key = a_ticket_tells_the_story(&*ours, "resolved").await;
    assert_eq!(key, "issue1");
    assert_eq!(roundup.admin(&["get", "title", "issue1"])?.trim(), "[INC-7QX2M] Checkout fails");
    assert_eq!(roundup.admin(&["list", "issue"])?.lines().count(), 1, "one ticket");
    assert_eq!(roundup.admin(&["get", "messages", "issue1"])?.matches("msg").count().max(3), 3);

    // Others speak and move it on: news, once.
    let anna = outlet(&config(TrackerKind::Roundup, "", roundup.as_user("anna", "annapw")));
    let other =
        roundup.admin(&["create", "msg", "author=anna", "content=Customers say it works."])?;
    let _ = anna;
    let all = roundup.admin(&["get", "messages", "issue1"])?;
    let ids = all.trim().trim_matches(['[', ']']).replace(['\'', ' '], "");
    roundup.admin(&["set", "issue1", &format!("messages={ids},{}", other.trim())])?;
    let seen = ours.tickets(&[ticket(&key)]).await.unwrap();
    let said = ("anna".into(), "Customers say it works.".into());
    assert_eq!(seen.iter().flat_map(|seen| seen.comments.clone()).collect::<Vec<_>>(), [said]);
    assert_eq!(ours.tickets(&[ticket(&key)]).await.unwrap(), []);

    // Two consoles at once: neither loses the other's words.
    let (one, two) = (outlet(&settings), outlet(&settings));
    let (first, second) = (comment(&key), shift(&key, Status::Monitoring, "Watching."));
    let other = "3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c";
    let third = "4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d";
    let both = tokio::join!(one.perform(&first, other), two.perform(&second, third));
    assert_eq!((word(&both.0), word(&both.1)), ("received", "received"), "{both:?}");

    // A word it does not know.
    let mut strange = settings.clone();
    strange.states = [(Status::Identified, "nonsense".into())].into();
    let refused = outlet(&strange).perform(&shift(&key, Status::Identified, ""), MOVE).await;
    assert!(why(&refused).contains("'nonsense' is not a status"), "{refused:?}");

    roundup.admin(&["retire", "issue1"])?;
    a_lost_ticket_is_said_clearly(&*outlet(&settings), &key).await;
    let again = received(&ours.perform(&open("Checkout fails"), NOTE).await);
    assert_eq!(again.0, "issue2", "a new ticket for the one that is gone");

    // Credentials it does not know; it counts them, and soon answers nobody of that name.
    let nobody = outlet(&config(TrackerKind::Roundup, "", roundup.as_user("admin", "wrong")));
    assert_eq!(word(&nobody.perform(&open("x"), NOTE).await), "refused");
    assert_eq!(word(&nobody.look_back(&open("x"), NOTE).await), "unknown");

    roundup.server.kill()?;
    assert_eq!(word(&ours.perform(&comment("issue2"), NOTE).await), "later");
    assert!(ours.tickets(&[ticket("issue2")]).await.is_err());
    Ok(())
}
