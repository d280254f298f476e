//! Mail over TLS with a login: a real Dovecot takes it in and hands it to a real OpenSMTPD.
//!
//! OpenSMTPD cannot stand there alone: Debian 12's ends every TLS handshake, as it does not get on with that
//! release's OpenSSL. In large houses the two are apart too.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};
use pretty_assertions::assert_eq;
use quarterdeck::connectors::outbound::config::{Smtp, SmtpTls, Way};
use quarterdeck::connectors::registry::Basic;
use quarterdeck::connectors::secret::SecretRef;
use quarterdeck::domain::Outcome;
use tempfile::TempDir;

use super::mail::{Post, header};
use super::{HOSTILE, KEY, outlet, receipt, send, update, word};
use crate::connectors_http::Authority;
use crate::lab::{PATIENCE, Server, eventually, find_program, free_ports};

const PASSWORD: &str = "hunter2-marked";
const TO: [&str; 1] = ["on-call@shop.example"];

/// Where mail is handed in: in the clear until STARTTLS, and behind TLS from the first byte.
struct Gate {
    _server: Server,
    post: Post,
    starttls: u16,
    wrapped: u16,
    ca: PathBuf,
    dir: TempDir,
}

impl Gate {
    fn start_or_skip() -> Result<Option<Self>> {
        let Some(post) = Post::start_or_skip()? else { return Ok(None) };
        let program =
            find_program("dovecot").context("dovecot is missing; tests/run installs it")?;
        let dir = tempfile::Builder::new().prefix("quarterdeck-gate-").tempdir()?;
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755))?;
        let authority = Authority::new();
        let (cert, key) = authority.sign("localhost", false);
        let write = |name: &str, text: &str| -> Result<PathBuf> {
            let path = dir.path().join(name);
            std::fs::write(&path, text)?;
            Ok(path)
        };
        let ca = write("ca.pem", &authority.issuer.pem())?;
        let (cert, key) =
            (write("cert.pem", &cert.pem())?, write("key.pem", &key.serialize_pem())?);
        let users = write("users", &format!("quarterdeck:{{PLAIN}}{PASSWORD}\n"))?;
        let [starttls, wrapped] = free_ports(2)?[..] else { anyhow::bail!("two ports") };
        let (at, relay) = (dir.path().display(), post.port);
        let config = format!(
            "protocols = submission\nbase_dir = {at}/run\nstate_dir = {at}/run\n\
             log_path = {at}/dovecot.log\nlisten = 127.0.0.1\nhostname = gate.example\n\
             ssl = required\nssl_cert = <{}\nssl_key = <{}\n\
             disable_plaintext_auth = yes\nauth_mechanisms = plain login\n\
             passdb {{\n driver = passwd-file\n args = {}\n}}\n\
             userdb {{\n driver = static\n args = uid=nobody gid=nogroup home={at}/home\n}}\n\
             mail_location = maildir:~/mail\n\
             submission_relay_host = 127.0.0.1\nsubmission_relay_port = {relay}\n\
             service submission-login {{\n inet_listener submission {{\n port = {starttls}\n }}\n\
             inet_listener submissions {{\n port = {wrapped}\n ssl = yes\n }}\n}}\n",
            cert.display(),
            key.display(),
            users.display(),
        );
        let config = write("dovecot.conf", &config)?;
        let home = dir.path().join("home");
        std::fs::create_dir(&home)?;
        std::process::Command::new("chown").arg("nobody").arg(home).status()?;
        let args = ["-F", "-c", &config.display().to_string()].map(str::to_owned).to_vec();
        let server = Server::start("dovecot", program, args, dir.path())?;
        eventually("Dovecot listens", PATIENCE, || {
            for port in [starttls, wrapped] {
                TcpStream::connect(("127.0.0.1", port)).context(server.log_tail())?;
            }
            Ok(())
        })?;
        Ok(Some(Self { _server: server, post, starttls, wrapped, ca, dir }))
    }

    fn way(&self, tls: SmtpTls, password: &str) -> Smtp {
        let port = if tls == SmtpTls::Wrapped { self.wrapped } else { self.starttls };
        let password = SecretRef::Given(password.to_owned());
        let auth = Some(Basic { user: "quarterdeck".into(), password });
        let (host, ca) = ("localhost".into(), Some(self.ca.clone()));
        Smtp { host, tls, ca, auth, ..Post::way(port) }
    }
}

async fn tried(smtp: Smtp, key: &str) -> Outcome {
    let outcome = outlet(Way::Smtp(smtp), &TO).perform(&send(&update(HOSTILE)), key).await;
    assert!(!format!("{outcome:?}").contains(PASSWORD));
    outcome
}

fn sentence(outcome: &Outcome) -> String {
    let Outcome::Refused { why } = outcome else { panic!("not refused: {outcome:?}") };
    why.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_goes_over_tls_with_a_login_or_not_at_all() -> Result<()> {
    let Some(gate) = Gate::start_or_skip()? else { return Ok(()) };
    let both = [(SmtpTls::StartTls, KEY.to_owned()), (SmtpTls::Wrapped, KEY.replace('5', "6"))];
    for (tls, key) in &both {
        let taken = tried(gate.way(*tls, PASSWORD), key).await;
        assert!(receipt(&taken).contains("Message accepted for delivery"), "{tls:?}: {taken:?}");
    }
    let mut ids = Vec::new();
    for mail in gate.post.wait_for(2)? {
        ids.push(header(&mail, "message-id").unwrap());
        // The gate's own word for TLS and a login.
        let (_, trace) = mail.split_once("by gate.example").unwrap();
        assert!(trace.trim_start().starts_with("with ESMTPSA"), "{mail}");
    }
    ids.sort();
    assert_eq!(ids, both.each_ref().map(|(_, key)| format!("<{key}@example.org>")), "each once");

    for tls in [SmtpTls::StartTls, SmtpTls::Wrapped] {
        let good = gate.way(tls, PASSWORD);
        let server = format!("localhost:{}", good.port);
        let refused = tried(gate.way(tls, "wrong"), KEY).await;
        assert!(sentence(&refused).starts_with(&format!("{server} refused the mail: ")));

        let strange = gate.dir.path().join("strange.pem");
        std::fs::write(&strange, Authority::new().issuer.pem())?;
        let unknown = format!(
            "{server} shows a certificate of an unknown authority; name its CA in `ca`. Nothing was sent."
        );
        for ca in [Some(strange), None] {
            let refused = tried(Smtp { ca, ..good.clone() }, KEY).await;
            assert_eq!(sentence(&refused), unknown, "{tls:?}");
        }
        let other = Smtp { host: "127.0.0.1".into(), ..good.clone() };
        let refused = tried(other, KEY).await;
        let server = server.replace("localhost", "127.0.0.1");
        assert_eq!(
            sentence(&refused),
            format!(
                "{server} shows a certificate for another name; check `host`. Nothing was sent."
            )
        );
        let missing = Smtp { ca: Some(Path::new("/nowhere/ca.pem").into()), ..good };
        assert_eq!(word(&tried(missing, KEY).await), "later", "a file can be mended meanwhile");
    }

    // TLS where the server speaks in the clear, and the other way round.
    let mixed = Smtp { port: gate.starttls, ..gate.way(SmtpTls::Wrapped, PASSWORD) };
    let said = sentence(&tried(mixed, KEY).await);
    assert!(
        said.ends_with(
            "does not speak TLS on this port; check `security` and `port`. Nothing was sent."
        ),
        "{said}"
    );

    // Somebody in between takes the offer of TLS away, hoping for a password in the clear.
    let heard: Heard = Arc::default();
    let port = strips_tls(gate.starttls, heard.clone())?;
    let refused = tried(Smtp { port, ..gate.way(SmtpTls::StartTls, PASSWORD) }, KEY).await;
    assert_eq!(
        sentence(&refused),
        format!(
            "localhost:{port} does not offer to encrypt the line (STARTTLS). Nothing was sent; check \
             `security` and `port`, and who stands between."
        )
    );
    let heard = heard.lock().unwrap().clone();
    let commands: Vec<&str> = heard.iter().filter_map(|line| line.split(' ').next()).collect();
    assert!(commands.iter().all(|said| matches!(*said, "EHLO" | "QUIT")), "{heard:?}");
    assert!(commands.contains(&"EHLO"), "it was asked at all: {heard:?}");
    assert_eq!(gate.post.delivered()?.len(), 2, "nothing else arrived");
    Ok(())
}

type Heard = Arc<Mutex<Vec<String>>>;

/// Passes lines on in both directions, but for the offer of STARTTLS; keeps what the client says.
fn strips_tls(server: u16, heard: Heard) -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let Ok(upstream) = TcpStream::connect(("127.0.0.1", server)) else { return };
            let (Ok(answers), Ok(mut back)) = (upstream.try_clone(), client.try_clone()) else {
                return;
            };
            std::thread::spawn(move || {
                for line in BufReader::new(answers).lines().map_while(Result::ok) {
                    let offer = line.to_ascii_uppercase();
                    if offer.ends_with("-STARTTLS") {
                        continue;
                    }
                    if back.write_all(format!("{line}\r\n").as_bytes()).is_err() {
                        return;
                    }
                }
            });
            let mut upstream = upstream;
            for line in BufReader::new(client).lines().map_while(Result::ok) {
                heard.lock().unwrap().push(line.clone());
                if upstream.write_all(format!("{line}\r\n").as_bytes()).is_err() {
                    break;
                }
            }
        }
    });
    Ok(port)
}
