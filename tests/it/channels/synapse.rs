//! Matrix on a real Synapse.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use pretty_assertions::assert_eq;
use quarterdeck::connectors::outbound::config::{Endpoint, Way};
use quarterdeck::domain::{SafeText, Span};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{HOSTILE, KEY, outlet, receipt, send, update, with_token, word};
use crate::lab::{PATIENCE, Server, eventually, free_ports, get, http, installed, second_ring};

struct Synapse {
    server: Server,
    base: String,
    dir: TempDir,
}

impl Synapse {
    fn start_or_skip() -> Result<Option<Self>> {
        if !second_ring("the Python package matrix-synapse") {
            return Ok(None);
        }
        let python = installed()?.join("synapse/bin/python");
        ensure!(python.is_file(), "Synapse is missing; tests/run --full installs it");
        let dir = tempfile::Builder::new().prefix("quarterdeck-synapse-").tempdir()?;
        let (at, port) = (dir.path().display(), free_ports(1)?[0]);
        // An Ed25519 seed; making one of its own takes it ten seconds.
        let key = "ed25519 a_lab AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n";
        std::fs::write(dir.path().join("signing.key"), key)?;
        let generous = "{per_second: 1000, burst_count: 1000}";
        let config = format!(
            "server_name: lab.example\nsigning_key_path: {at}/signing.key\nreport_stats: false\n\
             media_store_path: {at}/media\npid_file: {at}/pid\ntrusted_key_servers: []\n\
             listeners: [{{port: {port}, bind_addresses: ['127.0.0.1'], type: http, \
             resources: [{{names: [client]}}]}}]\n\
             database: {{name: sqlite3, args: {{database: {at}/synapse.db}}}}\n\
             registration_shared_secret: lab-secret\nmacaroon_secret_key: lab\nform_secret: lab\n\
             bcrypt_rounds: 4\nrc_message: {generous}\nrc_login: {{address: {generous}, account: {generous}}}\n"
        );
        let path = dir.path().join("homeserver.yaml");
        std::fs::write(&path, config)?;
        let args = ["-m", "synapse.app.homeserver", "-c", &path.display().to_string()];
        let args = args.map(str::to_owned).to_vec();
        let server = Server::start("synapse", python, args, dir.path())?;
        let base = format!("http://127.0.0.1:{port}");
        eventually("Synapse answers", PATIENCE, || {
            let answer =
                get(&format!("{base}/_matrix/client/versions")).context(server.log_tail())?;
            ensure!(answer.status == 200, "{answer:?}");
            Ok(())
        })?;
        Ok(Some(Self { server, base, dir }))
    }

    /// Makes a user; gives back their token.
    fn user(&self, name: &str) -> Result<String> {
        let done = Command::new(installed()?.join("synapse/bin/register_new_matrix_user"))
            .args(["-u", name, "-p", "lab-password", "--no-admin", "-c"])
            .arg(self.dir.path().join("homeserver.yaml"))
            .arg(&self.base)
            .output()?;
        ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
        let login = json!({
            "type": "m.login.password", "password": "lab-password",
            "identifier": { "type": "m.id.user", "user": name },
        });
        let answer = self.ask("", "POST", "/login", &login)?;
        Ok(answer["access_token"].as_str().context("no token")?.to_owned())
    }

    /// Asks it without the client under test.
    fn ask(&self, token: &str, method: &str, path: &str, body: &Value) -> Result<Value> {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        let headers = if token.is_empty() { &[][..] } else { &headers[..] };
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let url = format!("{}/_matrix/client/v3{path}", self.base);
        let answer = http::send(method, &url, headers, &body)?;
        ensure!(answer.status == 200, "{path}: {answer:?}");
        answer.json()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn matrix_shows_each_message_once_to_everybody_in_the_room() -> Result<()> {
    let Some(mut synapse) = Synapse::start_or_skip()? else { return Ok(()) };
    let [ours, bob, eve] =
        [synapse.user("quarterdeck")?, synapse.user("bob")?, synapse.user("eve")?];
    let room = json!({
        "room_alias_name": "incidents", "preset": "private_chat", "invite": ["@bob:lab.example"],
    });
    let room = synapse.ask(&ours, "POST", "/createRoom", &room)?;
    let room = room["room_id"].as_str().context("no room")?.to_owned();
    let escaped = room.replace('!', "%21").replace(':', "%3A");
    synapse.ask(&bob, "POST", &format!("/join/{escaped}"), &json!({}))?;

    let operation = send(&update(HOSTILE));
    let patient = |token: &str| {
        Way::Matrix(Endpoint { timeout: Span::from_secs(20), ..with_token(&synapse.base, token) })
    };
    let channel = outlet(patient(&ours), &[&room]);
    let taken = channel.perform(&operation, KEY).await;
    assert!(receipt(&taken).starts_with('$'), "{taken:?}");
    // Again, by its other name, and when looked for: the same event.
    assert_eq!(channel.perform(&operation, KEY).await, taken);
    assert_eq!(channel.look_back(&operation, KEY).await, taken);
    let alias = outlet(patient(&ours), &["#incidents:lab.example"]);
    assert_eq!(alias.perform(&operation, KEY).await, taken);

    let seen = synapse.ask(
        &bob,
        "GET",
        &format!("/rooms/{escaped}/messages?dir=f&limit=100"),
        &Value::Null,
    )?;
    let seen = seen["chunk"].as_array().context("no messages")?.clone();
    let messages: Vec<_> = seen.iter().filter(|one| one["type"] == "m.room.message").collect();
    let text = format!("SEV-1 Zahlung – checkout\n\n{}", SafeText::body(HOSTILE));
    assert_eq!(messages.len(), 1, "{messages:#?}");
    assert_eq!(messages[0]["event_id"], receipt(&taken));
    assert_eq!(messages[0]["content"], json!({ "msgtype": "m.text", "body": text }));

    // Who is not in the room, and who is nobody.
    let other = KEY.replace('5', "6");
    for token in [&eve, "syt_nonsense"] {
        let refused = outlet(patient(token), &[&room]).perform(&operation, &other).await;
        assert_eq!(word(&refused), "refused", "{refused:?}");
        assert!(!format!("{refused:?}").contains(token), "{refused:?}");
    }
    let nowhere = outlet(patient(&ours), &["#nowhere:lab.example"]);
    assert_eq!(word(&nowhere.perform(&operation, &other).await), "refused");

    synapse.server.kill()?;
    assert_eq!(word(&channel.perform(&operation, &other).await), "later");
    Ok(())
}
