//! The outbox under violence: the real program, killed with SIGKILL while it sends, many times.
//!
//! Every message arrives once, or is shown as one of which nobody can tell; none is lost, none arrives
//! twice. Counted at the other side: by `Message-ID`, by idempotency key, by the entries of a file. That the
//! counting notices is shown in `control`.

mod control;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Result, ensure};
use pretty_assertions::assert_eq;
use quarterdeck::domain::{Actor, ChannelId, Message, Timestamp};
use quarterdeck::eventlog::{EventLog as _, LogEvent, SqliteLog};
use serde_json::Value;

use super::mail::{Post, header, playbook};
use super::{send, update};
use crate::cli::Home;
use crate::double::{Answer, Double};

/// Kills; each comes at another moment of the sending.
const ROUNDS: u64 = 24;

/// How often each key arrived.
type Arrived = BTreeMap<String, usize>;

fn ask_for(home: &Home, channels: &[&str], round: u64) -> Vec<String> {
    let mut log = SqliteLog::open(&home.path().join("state/quarterdeck")).unwrap();
    let requests: Vec<LogEvent> = channels
        .iter()
        .map(|channel| {
            let channel = ChannelId::new(channel);
            let message = Message { channel, ..update(&format!("round {round}")) };
            LogEvent::OperationRequested { operation: send(&message) }
        })
        .collect();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = Timestamp::from_millis(i64::try_from(now.as_millis()).unwrap());
    let asked = log.append(&Actor::new("robin"), now, &requests).unwrap();
    asked.iter().map(|record| record.id.to_string()).collect()
}

/// Kills the program `ROUNDS` times while it sends to `channels`, then lets it end; gives every key asked
/// for and those of which nobody can tell.
fn violence(home: &Home, channels: &[&str]) -> Result<(Vec<String>, Vec<String>)> {
    let mut asked = Vec::new();
    for round in 0..ROUNDS {
        asked.extend(ask_for(home, channels, round));
        let mut child = home.command(&["outbox", "run", "--for", "100s"]).spawn()?;
        // From before it has read the log until after it is done with everything.
        std::thread::sleep(Duration::from_millis(30 + round * 97 % 640));
        child.kill()?;
        child.wait()?;
    }
    let said = home.run(&["outbox", "run", "--for", "100s", "--json"]);
    ensure!(said.err.is_empty(), "{}", said.err);
    let left: Value = serde_json::from_str(&said.out)?;
    let left = left["outbox"].as_array().unwrap();
    let word = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
    let waiting: Vec<&Value> = left.iter().filter(|one| one["standing"] != "unknown").collect();
    assert_eq!(waiting, Vec::<&Value>::new(), "all was tried to its end");
    Ok((asked, left.iter().map(|one| word(one, "id")).collect()))
}

/// What must not be: each of them is a message lost, doubled, or nobody's.
fn wrong(asked: &[String], unknown: &[String], arrived: &Arrived) -> Vec<String> {
    let count = |key: &String| arrived.get(key).copied().unwrap_or(0);
    let fits = |key: &&String| match count(key) {
        0 => unknown.contains(key),
        count => count == 1,
    };
    let missed = asked.iter().filter(|key| !fits(key));
    let missed = missed.map(|key| format!("{key} arrived {} times", count(key)));
    let foreign = arrived.keys().filter(|key| !asked.contains(key));
    missed.chain(foreign.map(|key| format!("nobody asked for {key:?}"))).collect()
}

fn judge(asked: &[String], unknown: &[String], arrived: &Arrived) {
    assert_eq!(wrong(asked, unknown, arrived), Vec::<String>::new(), "unknown are {unknown:?}");
    println!("{} asked, {} unknown, {} arrived", asked.len(), unknown.len(), arrived.len());
    assert!(!unknown.is_empty(), "no kill ever came between sending and its answer");
    assert!(unknown.len() < asked.len(), "nothing was ever sent");
}

fn home(playbook: &str) -> Home {
    let config = "me = \"robin\"\n";
    Home::with(&[("config.toml", config), ("catalog.toml", ""), ("playbook.toml", playbook)])
}

#[test]
fn killed_at_any_moment_a_hook_and_a_file_take_everything_once() -> Result<()> {
    let arrived: Arc<Mutex<Arrived>> = Arc::default();
    let kept = arrived.clone();
    let double = Double::start(move |request| {
        let key = request.header("idempotency-key").unwrap().to_owned();
        *kept.lock().unwrap().entry(key).or_default() += 1;
        // The answer takes its time, so that some kills come before it.
        std::thread::sleep(Duration::from_millis(60));
        Answer::new(200, "")
    });
    let hook = format!(
        "[[channel]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"{}\"\n\n\
         [[channel]]\nname = \"notes\"\nkind = \"file\"\npath = \"notes.txt\"\n",
        double.url("/in")
    );
    let home = home(&hook);
    let (asked, unknown) = violence(&home, &["hook", "notes"])?;
    let notes = std::fs::read_to_string(home.config("notes.txt"))?;
    let mut arrived = arrived.lock().unwrap().clone();
    for key in notes.lines().filter_map(|line| line.strip_prefix("--- quarterdeck ")) {
        *arrived.entry(key.to_owned()).or_default() += 1;
    }
    judge(&asked, &unknown, &arrived);

    // A person settles one, and it is settled for good.
    let said = home.run(&["outbox", "settle", &unknown[0], "not-done", "the robot has no trace"]);
    assert_eq!((said.code, &*said.out), (0, "Recorded.\n"), "{}", said.err);
    let again = home.run(&["outbox", "settle", &unknown[0], "done", "or has it"]);
    assert_eq!((again.code, &*again.err), (2, "quarterdeck: What came of it is known already.\n"));
    Ok(())
}

#[test]
fn killed_at_any_moment_a_mail_server_takes_everything_once() -> Result<()> {
    let Some(post) = Post::start_or_skip()? else { return Ok(()) };
    let home = Home::new();
    let text = playbook(post.port, home.path());
    let home = self::home(&text);
    let (asked, unknown) = violence(&home, &["mail", "mail"])?;
    let mut arrived = Arrived::new();
    for mail in post.delivered()? {
        let id = header(&mail, "message-id").unwrap();
        let key = id.trim_matches(['<', '>']).split('@').next().unwrap().to_owned();
        *arrived.entry(key).or_default() += 1;
    }
    judge(&asked, &unknown, &arrived);
    Ok(())
}
