//! Mail through a real OpenSMTPD into a Maildir: whole, once, and what its refusals and lost answers mean.
//!
//! OpenSMTPD runs once on a machine and only as root, so these stories take turns (`.config/nextest.toml`).

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pretty_assertions::assert_eq;
use quarterdeck::connectors::outbound::config::{Smtp, SmtpTls, Way};
use quarterdeck::connectors::registry::Basic;
use quarterdeck::connectors::secret::SecretRef;
use quarterdeck::domain::{Outcome, SafeText, Span};
use tempfile::TempDir;

use super::{HOSTILE, KEY, MARK, outlet, receipt, send, update, word};
use crate::lab::{PATIENCE, Server, eventually, find_program, free_ports, required};

/// A running mail server.
pub(crate) struct Post {
    server: Server,
    pub(crate) port: u16,
    dir: TempDir,
}

impl Post {
    /// Starts it, or says why this test is skipped.
    pub(crate) fn start_or_skip() -> Result<Option<Self>> {
        let root = rustix::process::geteuid().is_root();
        if !required() || !root {
            println!("skipped: needs Debian's opensmtpd and root to run it; run tests/run as root");
            return Ok(None);
        }
        let program = find_program("smtpd").context("smtpd is missing; tests/run installs it")?;
        let dir = tempfile::Builder::new().prefix("quarterdeck-post-").tempdir()?;
        // Its delivery agent is another user.
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755))?;
        let maildir = dir.path().join("Maildir");
        std::fs::create_dir(&maildir)?;
        let done = std::process::Command::new("chown").arg("nobody").arg(&maildir).status()?;
        ensure!(done.success(), "the Maildir could not be given to nobody");
        let port = free_ports(1)?[0];
        let config = format!(
            "table vmap {{ \"@\" = \"nobody\" }}\nlisten on 127.0.0.1 port {port}\n\
             action \"local\" maildir \"{}\" virtual <vmap>\n\
             match from any for domain \"refused.example\" reject\n\
             match from any for any action \"local\"\n",
            maildir.display(),
        );
        let path = dir.path().join("smtpd.conf");
        std::fs::write(&path, config)?;
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600))?;
        let config = path.display().to_string();
        let args = vec!["-d".to_owned(), "-f".to_owned(), config];
        let server = Server::start("smtpd", program, args, dir.path())?;
        let post = Self { server, port, dir };
        eventually("OpenSMTPD listens", PATIENCE, || {
            TcpStream::connect(("127.0.0.1", post.port)).context(post.server.log_tail())?;
            Ok(())
        })?;
        Ok(Some(post))
    }

    pub(super) fn way(port: u16) -> Smtp {
        Smtp {
            host: "127.0.0.1".into(),
            port,
            tls: SmtpTls::None,
            ca: None,
            from: "Quarterdeck <quarterdeck@example.org>".into(),
            auth: None,
            timeout: Span::from_secs(5),
        }
    }

    /// Everything that was delivered so far.
    pub(crate) fn delivered(&self) -> Result<Vec<String>> {
        let new = self.dir.path().join("Maildir/new");
        if !new.exists() {
            return Ok(Vec::new());
        }
        let files: Vec<PathBuf> =
            std::fs::read_dir(new)?.map(|e| Ok(e?.path())).collect::<Result<_>>()?;
        files.iter().map(|path: &PathBuf| Ok(std::fs::read_to_string(path)?)).collect()
    }

    pub(super) fn wait_for(&self, count: usize) -> Result<Vec<String>> {
        eventually("the mail is delivered", PATIENCE, || {
            let all = self.delivered()?;
            ensure!(all.len() >= count, "{} of {count}; {}", all.len(), self.server.log_tail());
            Ok(all)
        })
    }
}

/// A header, unfolded.
pub(crate) fn header(mail: &str, name: &str) -> Option<String> {
    let head = mail.replace("\r\n", "\n");
    let (head, _) = head.split_once("\n\n")?;
    let head = head.replace("\n ", " ").replace("\n\t", " ");
    let start = format!("{}:", name.to_ascii_lowercase());
    let found = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&start))?;
    Some(found[start.len()..].trim().to_owned())
}

/// The text as a reader would show it.
fn text(mail: &str) -> String {
    let mail = mail.replace("\r\n", "\n");
    let (_, body) = mail.split_once("\n\n").unwrap();
    let bytes = match header(&mail, "content-transfer-encoding").as_deref() {
        Some("quoted-printable") => quoted(&body.replace("=\n", "")),
        Some("base64") => STANDARD.decode(body.replace('\n', "")).unwrap(),
        _ => body.as_bytes().to_vec(),
    };
    String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
}

/// A header's text with its encoded words read (RFC 2047).
fn words(header: &str) -> String {
    let header = header.replace("?= =?", "?==?");
    let mut out = String::new();
    let mut rest = header.as_str();
    while let Some((before, word)) = rest.split_once("=?") {
        out.push_str(before);
        let mut parts = word.splitn(3, '?');
        let (_, how, coded) = (parts.next(), parts.next().unwrap(), parts.next().unwrap());
        let (coded, after) = coded.split_once("?=").unwrap();
        let bytes = match how {
            "b" | "B" => STANDARD.decode(coded).unwrap(),
            _ => quoted(&coded.replace('_', " ")),
        };
        out.push_str(&String::from_utf8(bytes).unwrap());
        rest = after;
    }
    out + rest
}

fn quoted(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        if bytes[at] == b'=' {
            out.push(u8::from_str_radix(&text[at + 1..at + 3], 16).unwrap());
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

/// Passes everything on until the client has sent the end of a mail; the server hears it, the client no
/// answer.
fn cut_after_the_mail(server: u16) -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let Ok(upstream) = TcpStream::connect(("127.0.0.1", server)) else { return };
            let (Ok(mut answers), Ok(mut back)) = (upstream.try_clone(), client.try_clone()) else {
                return;
            };
            std::thread::spawn(move || std::io::copy(&mut answers, &mut back));
            let (mut client, mut upstream) = (client, upstream);
            let (mut seen, mut bytes) = (Vec::new(), [0; 4096]);
            while let Ok(count @ 1..) = client.read(&mut bytes) {
                seen.extend_from_slice(&bytes[..count]);
                if seen.windows(5).any(|w| w == b"\r\n.\r\n") {
                    // The client's side first, so that no answer can slip through.
                    let _ = client.shutdown(Shutdown::Both);
                    let _ = upstream.write_all(&bytes[..count]);
                    std::thread::sleep(Duration::from_millis(500));
                    break;
                }
                if upstream.write_all(&bytes[..count]).is_err() {
                    break;
                }
            }
        }
    });
    Ok(port)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_arrives_once_and_whole_and_every_failure_is_told_apart() -> Result<()> {
    let Some(mut post) = Post::start_or_skip()? else { return Ok(()) };
    let operation = send(&update(HOSTILE));
    let to = ["on-call@shop.example"];

    let plain = outlet(Way::Smtp(Post::way(post.port)), &to);
    let taken = plain.perform(&operation, KEY).await;
    assert!(receipt(&taken).contains("Message accepted for delivery"), "{taken:?}");
    let mail = post.wait_for(1)?.remove(0);
    assert_eq!(header(&mail, "message-id").unwrap(), format!("<{KEY}@example.org>"));
    assert_eq!(words(&header(&mail, "subject").unwrap()), "SEV-1 Zahlung – checkout");
    assert_eq!(header(&mail, "to").unwrap(), to[0]);
    assert_eq!(header(&mail, "bcc"), None, "a text cannot add a header");
    let body = SafeText::body(HOSTILE).replace('\r', "");
    assert_eq!(text(&mail).trim_end(), format!("{body}\n\n-- \n{MARK}"));

    // Somebody the server will not mail to.
    let nobody = outlet(Way::Smtp(Post::way(post.port)), &["x@refused.example"]);
    let refused = nobody.perform(&operation, KEY).await;
    assert_eq!(word(&refused), "refused", "{refused:?}");

    // The answer is lost on its way: it arrived, and nobody here can know.
    let through = outlet(Way::Smtp(Post::way(cut_after_the_mail(post.port)?)), &to);
    let lost = through.perform(&operation, &KEY.replace('5', "6")).await;
    assert_eq!(word(&lost), "unknown", "{lost:?}");
    let ids: Vec<_> = post.wait_for(2)?.iter().map(|m| header(m, "message-id").unwrap()).collect();
    assert!(ids.contains(&format!("<{}@example.org>", KEY.replace('5', "6"))));
    assert_eq!(word(&through.look_back(&operation, KEY).await), "unknown", "mail keeps nothing");

    post.server.kill()?;
    let dead = plain.perform(&operation, KEY).await;
    assert!(matches!(&dead, Outcome::Later { .. }), "{dead:?}");
    assert_eq!(post.delivered()?.len(), 2);
    Ok(())
}

/// A mail server's words, in the clear: to logins it answers `login`, to recipients `recipient`.
fn says(login: &'static str, recipient: &'static str) -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let Ok(reader) = client.try_clone() else { return };
            let _ = client.write_all(b"220 double ESMTP\r\n");
            for line in BufReader::new(reader).lines().map_while(Result::ok) {
                let answer = match line.split([' ', ':']).next().unwrap_or_default() {
                    "EHLO" => "250-double\r\n250 AUTH PLAIN LOGIN",
                    "AUTH" => login,
                    "RCPT" => recipient,
                    "QUIT" => "221 bye",
                    "DATA" => "354 go on",
                    "." => "250 taken as 4711",
                    "MAIL" | "NOOP" | "RSET" => "250 ok",
                    // The mail itself.
                    _ => continue,
                };
                if client.write_all(format!("{answer}\r\n").as_bytes()).is_err() {
                    break;
                }
            }
        }
    });
    Ok(port)
}

#[tokio::test]
async fn what_a_mail_server_says_is_final_or_for_later() -> Result<()> {
    let operation = send(&update("Better."));
    let password = SecretRef::Given("hunter2".into());
    let auth = Some(Basic { user: "quarterdeck".into(), password });
    let tried = async |login, recipient| -> Result<Outcome> {
        let smtp = Smtp { auth: auth.clone(), ..Post::way(says(login, recipient)?) };
        let mail = outlet(Way::Smtp(smtp), &["on-call@shop.example"]);
        let outcome = mail.perform(&operation, KEY).await;
        assert!(!format!("{outcome:?}").contains("hunter2"));
        Ok(outcome)
    };
    assert_eq!(receipt(&tried("235 welcome", "250 ok").await?), "taken as 4711");
    for (login, recipient, meant) in [
        ("535 5.7.8 wrong", "250 ok", "refused"),
        ("454 4.7.0 not now", "250 ok", "later"),
        ("235 welcome", "450 4.2.0 greylisted", "later"),
        ("235 welcome", "550 5.1.1 nobody", "refused"),
    ] {
        let outcome = tried(login, recipient).await?;
        assert_eq!(word(&outcome), meant, "{login}, {recipient}: {outcome:?}");
    }
    Ok(())
}

/// Where a playbook says how to mail here.
pub(super) fn playbook(port: u16, folder: &Path) -> String {
    format!(
        "[[channel]]\nname = \"mail\"\nkind = \"smtp\"\naudiences = [\"internal\"]\n\
         to = [\"on-call@shop.example\"]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\n\
         from = \"quarterdeck@example.org\"\n\n\
         [[channel]]\nname = \"notes\"\nkind = \"file\"\npath = \"{}/notes.txt\"\n",
        folder.display()
    )
}
