//! A source of messages whose server lies, stalls, floods and breaks off: each is one sentence, and the other
//! sources are told.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::cli::Home;

/// What it says to whoever connects, and then.
#[derive(Clone)]
struct Script(Vec<u8>, Then);

#[derive(Clone, Copy, PartialEq)]
enum Then {
    /// Hangs up.
    Ends,
    /// Says nothing more.
    Holds,
    /// Asks whether we are there, for ever, and never answers whether it is.
    Pings,
    /// Answers as a server does.
    Answers,
}

struct Hub {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
    over: Arc<AtomicBool>,
}

impl Hub {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::new(Mutex::new(Script(Vec::new(), Then::Ends)));
        let over = Arc::new(AtomicBool::new(false));
        let (played, ended) = (script.clone(), over.clone());
        std::thread::spawn(move || {
            for to in listener.incoming().map_while(Result::ok) {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let (script, ended) = (played.lock().unwrap().clone(), ended.clone());
                // Whoever is tired of it leaves, and that is what is tested.
                std::thread::spawn(move || drop(play(to, &script, &ended)));
            }
        });
        Self { address, script, over }
    }

    fn plays(&self, says: impl AsRef<[u8]>, then: Then) {
        *self.script.lock().unwrap() = Script(says.as_ref().to_vec(), then);
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
    }
}

fn play(mut to: TcpStream, Script(says, then): &Script, over: &AtomicBool) -> std::io::Result<()> {
    to.write_all(says)?;
    match then {
        Then::Ends => return Ok(()),
        Then::Pings => {
            while !over.load(Ordering::SeqCst) {
                to.write_all(b"PING\r\n")?;
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Then::Holds | Then::Answers => {
            for line in BufReader::new(to.try_clone()?).lines() {
                if *then == Then::Answers && line? == "PING" {
                    to.write_all(b"PONG\r\n")?;
                }
            }
        }
    }
    Ok(())
}

const INFO: &str = "INFO {\"server_id\":\"x\",\"max_payload\":1048576}\r\n";

fn after_info(text: &str) -> String {
    format!("{INFO}{text}")
}

#[test]
fn a_server_of_messages_may_answer_badly_and_hurts_nobody_else() {
    let hub = Hub::start();
    let home = Home::with(&[("catalog.toml", "")]);
    let file = home.path().join("deploys.jsonl");
    std::fs::write(&file, "{\"at\":\"2026-11-22T18:04:00Z\",\"title\":\"cart v1\"}\n").unwrap();
    let config = format!(
        "[[source]]\nname = \"hub\"\nkind = \"changes-nats\"\nurl = \"nats://{}\"\nsubject = \"ops\"\n\
         timeout = \"1s\"\nmax_body_mib = 1\nauth = {{ bearer = {{ env = \"TOKEN\" }} }}\n\
         [[source]]\nname = \"file\"\nkind = \"changes-file\"\npath = \"{}\"\n",
        hub.address,
        file.display()
    );
    std::fs::write(home.config("config.toml"), config).unwrap();
    let run = |args: &[&str]| {
        let output = home.command(args).env("TOKEN", "hunter2-marked").output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        let obeyed = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!text.contains(obeyed), "{args:?}: {text:?}");
        assert!(!text.contains("hunter2-marked"), "{args:?}: {text}");
        text
    };
    let told = || {
        let said: Value = serde_json::from_str(&run(&["changes", "--json"])).unwrap();
        let titles = said["changes"].as_array().unwrap().iter();
        let titles: Vec<Value> = titles.map(|change| change["title"].clone()).collect();
        (titles, said["complete"].clone())
    };
    let endless = format!("INFO {}", "x".repeat(200_000));
    let refusal = |text: &str| after_info(&format!("-ERR '{text}'\r\n"));
    let faults: Vec<(String, Then, &str)> = vec![
        ("HTTP/1.1 400 Bad Request\r\n\r\n<html>".into(), Then::Ends, "does not speak NATS"),
        ("<!DOCTYPE html><p>Sign in".into(), Then::Holds, "does not speak NATS"),
        ("INFO soon\r\n".into(), Then::Holds, "does not speak NATS"),
        ("PING\r\nPONG\r\n".into(), Then::Holds, "does not speak NATS"),
        (endless, Then::Holds, "does not speak NATS"),
        (after_info("MSG ops 1 2\r\nabcd\r\n"), Then::Holds, "does not speak NATS"),
        (after_info("MSG ops 1 99999999\r\n"), Then::Holds, "more than 1 MiB, the cap"),
        (refusal("Authorization Violation"), Then::Ends, "does not accept our credentials"),
        (
            refusal("Permissions Violation for Subscription to ops"),
            Then::Holds,
            "does not allow us this",
        ),
        (refusal("maximum connections exceeded"), Then::Ends, "maximum connections exceeded."),
        (refusal("\u{1b}]52;c;aGk=\u{7}\u{202e}"), Then::Holds, "ended the conversation"),
        ("INFO {\"tls_required\":true}\r\n".into(), Then::Holds, "wants TLS"),
        (String::new(), Then::Ends, "lost the connection"),
        (INFO.into(), Then::Ends, "lost the connection"),
        (after_info("MSG ops 1 100\r\n{\"at\""), Then::Ends, "lost the connection"),
        (String::new(), Then::Holds, "did not answer within the deadline"),
        (INFO.into(), Then::Holds, "did not answer within the deadline"),
        (after_info("MSG ops 1 100\r\n{\"at\""), Then::Holds, "did not answer within the deadline"),
        (INFO.into(), Then::Pings, "did not answer within the deadline"),
    ];
    for (says, then, sentence) in faults {
        let what: String = says.chars().take(60).collect();
        hub.plays(&says, then);
        assert_eq!(told(), (vec![json!("cart v1")], json!(false)), "{what:?}");
        let doctor = run(&["doctor"]).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(doctor.contains(sentence), "{what:?}: {doctor}");
    }
    hub.plays(INFO, Then::Answers);
    assert_eq!(told(), (vec![json!("cart v1")], json!(true)), "well again");
    // What is no change among the messages is left out and named.
    hub.plays(after_info("MSG ops 1 3\r\nbad\r\n"), Then::Answers);
    assert_eq!(told().1, json!(true));
    assert!(run(&["changes"]).contains("hub: 1 line left out"));
}
