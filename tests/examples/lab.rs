//! The lab by hand: real servers and a shop under load, to point a console at or to record.
//!
//! ```text
//! cargo run --example lab                        # until `quit`; `help` lists the commands
//! cargo run --example lab -- record OUT.qdtape   # plays the outage of the demo and records it
//! ```

use std::fs;
use std::io::{BufRead, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

#[path = "../it/lab/mod.rs"]
#[expect(dead_code, reason = "tests use parts of the harness that nobody needs by hand")]
mod lab;

use lab::{Lab, Options, built, eventually};

const HELP: &str = "\
room MIB              memory the cache may take
weight N              share of checkout's users that meet the bad build, in per cent
freeze|thaw SERVER    stops a server from answering, lets it go on
kill|start SERVER     ends a server, starts it again
alerts                what Alertmanager has
quit                  ends everything
servers: prometheus alertmanager haproxy cache checkout-stable checkout-canary payments cart search";

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => by_hand(),
        ["record", out] => record(Path::new(out)),
        _ => anyhow::bail!("say nothing, or: record OUT.qdtape"),
    }
}

/// A lab with a month of history, and the demo's configuration pointed at it.
fn start() -> Result<(Lab, PathBuf)> {
    let options = Options { canary_errors: 0.6, basket: 4_096, ..Options::default() };
    let lab = Lab::start(&options)?;
    let config = lab.console_config()?;
    let mut file = fs::OpenOptions::new().append(true).open(&config)?;
    let path = deploys();
    fs::create_dir_all(path.parent().context("it is in a folder")?)?;
    fs::write(&path, "")?;
    before_today().iter().try_for_each(told)?;
    let path = path.display();
    write!(
        file,
        "\n# What the shop's deployment tool appends to.\n[[source]]\nname = \"deploys\"\n\
         kind = \"changes-file\"\npath = \"{path}\"\nsite = \"eu\"\ninterval = \"5s\"\n"
    )?;
    Ok((lab, config))
}

/// Where the changes of the shop are told. It is named in recordings, so it is the same wherever one is made.
fn deploys() -> PathBuf {
    PathBuf::from("/tmp/shop/deploys.jsonl")
}

/// Appends a change, as a deployment tool's hook does.
fn told(change: &Value) -> Result<()> {
    let mut file = fs::OpenOptions::new().append(true).open(deploys())?;
    Ok(writeln!(file, "{change}")?)
}

fn ago(minutes: i64) -> String {
    let at = chrono::Utc::now() - chrono::Duration::minutes(minutes);
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// How the shop came to run what it runs.
fn before_today() -> Vec<Value> {
    let day = 24 * 60;
    vec![
        json!({ "id": "search-7.2.0", "at": ago(12 * day + 95), "service": "search",
            "title": "search 7.2.0", "before": "7.1.4", "after": "7.2.0", "state": "done",
            "author": "lena", "reviewed_by": ["omar"], "added": 88, "deleted": 41,
            "paths": ["src/rank.rs", "src/index.rs"] }),
        json!({ "id": "checkout-1.4.2", "at": ago(6 * day + 210), "service": "checkout",
            "title": "checkout 1.4.2", "before": "1.4.1", "after": "1.4.2", "state": "done",
            "author": "kim", "reviewed_by": ["robin"], "added": 12, "deleted": 9,
            "paths": ["src/receipt.rs"] }),
        json!({ "id": "payments-3.9.0", "at": ago(3 * day + 40), "service": "payments",
            "title": "payments 3.9.0", "before": "3.8.2", "after": "3.9.0", "state": "done",
            "author": "kim", "reviewed_by": ["sasha"], "added": 140, "deleted": 22,
            "paths": ["src/bank.rs", "migrations/0041_refunds.sql"], "with": ["migration 0041"] }),
        json!({ "id": "flag-express", "at": ago(2 * day + 15), "service": "checkout", "kind": "flag",
            "title": "express-checkout on for everybody", "before": "off", "after": "on",
            "state": "done", "author": "robin" }),
        json!({ "id": "cart-0.31.2", "at": ago(day + 125), "service": "cart",
            "title": "cart 0.31.2", "before": "0.31.1", "after": "0.31.2", "state": "done",
            "author": "sasha", "reviewed_by": ["kim"], "added": 31, "deleted": 4,
            "paths": ["src/basket.rs"] }),
        json!({ "id": "cache-memory", "at": ago(185), "service": "cache", "kind": "config",
            "title": "cache maxmemory 256mb to 40mb", "before": "256mb", "after": "40mb",
            "state": "done", "author": "omar", "reviewed": false }),
    ]
}

/// The version that breaks the shop, as it goes to its users and is taken back.
fn canary(at: &str, state: &str) -> Value {
    json!({ "id": "checkout-1.5.0", "at": at, "service": "checkout",
        "title": "checkout 1.5.0 to half of the users", "before": "1.4.2", "after": "1.5.0",
        "state": state, "author": "robin", "reviewed_by": ["kim"], "added": 412, "deleted": 96,
        "paths": ["src/pool.rs", "src/pay.rs", "config/checkout.toml"],
        "with": ["configuration 88: a pool of 10 connections"] })
}

fn by_hand() -> Result<()> {
    println!("starting; a month of history takes a few seconds");
    let (mut lab, config) = start()?;
    println!("\nquarterdeck --config {}\n\n{HELP}", config.display());
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let done = match words.as_slice() {
            [] => Ok(()),
            ["quit"] => break,
            ["room", mib] => room(&lab, mib),
            ["weight", share] => weight(&lab, share),
            ["alerts"] => lab.alerts().map(|alerts| println!("{alerts:#?}")),
            [verb, name] => lab.server(name).and_then(|server| match *verb {
                "freeze" => server.freeze(),
                "thaw" => server.thaw(),
                "kill" => server.kill(),
                "start" => server.restart(),
                _ => anyhow::bail!("{HELP}"),
            }),
            _ => Err(anyhow::anyhow!("{HELP}")),
        };
        match done {
            Ok(()) => println!("done"),
            Err(error) => println!("{error:#}"),
        }
    }
    Ok(())
}

fn weight(lab: &Lab, share: &str) -> Result<()> {
    let share: u16 = share.parse().context("the share is a number of per cent")?;
    ensure!(share <= 100, "more than all users cannot be sent there");
    lab.set_weights(100 - share, share)
}

/// Gives the cache so much room; Redis says what is in force.
fn room(lab: &Lab, mib: &str) -> Result<()> {
    let mib: u64 = mib.parse().context("the room is a number of MiB")?;
    let bytes = mib * 1_024 * 1_024;
    let mut redis = TcpStream::connect(("127.0.0.1", lab.port("CACHE")))?;
    redis.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(redis, "CONFIG SET maxmemory {bytes}\r\nCONFIG GET maxmemory\r\nQUIT\r\n")?;
    let mut answer = String::new();
    redis.read_to_string(&mut answer)?;
    ensure!(answer.contains(&format!("\r\n{bytes}\r\n")), "Redis says {answer}");
    Ok(())
}

/// The outage of the demo: good, bad, noticed, taken back, good; then the cache, which filled all the while, is
/// full and the cart slow until it has more room; last a source that falls silent.
fn record(out: &Path) -> Result<()> {
    let (mut lab, config) = start()?;
    let until = |what: &str, (alert, service), fires: bool, lab: &Lab| {
        eventually(what, Duration::from_secs(300), || {
            ensure!(lab.fires(alert, service)? == fires, "{:?}", lab.alerts()?);
            Ok(())
        })
    };
    let (burn, slow) = (("ErrorBudgetBurn", "checkout"), ("LatencyHigh", "cart"));
    // Rates over a minute are whole before the tape begins.
    std::thread::sleep(Duration::from_secs(70));
    // Only a whole tape replaces the one there is.
    let tape = lab.dir().join("tape");
    let mut recorder = Recorder::start(&config, &tape)?;
    let began = Instant::now();
    let mut tell = |what: &str| {
        println!("{:>4}s  {what}", began.elapsed().as_secs());
        recorder.still_running()
    };

    tell("all is well")?;
    std::thread::sleep(Duration::from_secs(75));
    tell("half of checkout's users meet version 1.5.0")?;
    lab.set_weights(50, 50)?;
    let since = ago(0);
    told(&canary(&since, "running"))?;
    until("the burn alert fires", burn, true, &lab)?;
    tell("the burn alert fires")?;
    std::thread::sleep(Duration::from_secs(150));
    tell("all users back to version 1.4.2")?;
    lab.set_weights(100, 0)?;
    told(&canary(&since, "undone"))?;
    until("the burn alert is over", burn, false, &lab)?;
    tell("the burn alert is over")?;
    until("the cart is slow", slow, true, &lab)?;
    tell("the cache is full, the cart slow")?;
    std::thread::sleep(Duration::from_secs(70));
    tell("the cache has more room")?;
    room(&lab, "256")?;
    until("the cart is quick again", slow, false, &lab)?;
    std::thread::sleep(Duration::from_secs(30));
    tell("Prometheus falls silent")?;
    lab.server("prometheus")?.freeze()?;
    std::thread::sleep(Duration::from_secs(40));
    tell("Prometheus answers again")?;
    lab.server("prometheus")?.thaw()?;
    std::thread::sleep(Duration::from_secs(45));
    tell("the end")?;
    recorder.finish()?;
    fs::copy(&tape, out).with_context(|| format!("{} cannot be written", out.display()))?;
    Ok(())
}

/// `quarterdeck record`, running beside the story.
struct Recorder(Child);

impl Recorder {
    fn start(config: &Path, out: &Path) -> Result<Self> {
        let child = Command::new(built("quarterdeck")?)
            .arg("record")
            .arg("--config")
            .arg(config)
            .arg("--out")
            .arg(out)
            .spawn()?;
        Ok(Self(child))
    }

    fn still_running(&mut self) -> Result<()> {
        let ended = self.0.try_wait()?;
        ensure!(ended.is_none(), "the recorder ended too early: {ended:?}");
        Ok(())
    }

    /// Asked to end, it completes the tape; 1 says that a source was silent meanwhile, as it was made to be.
    fn finish(&mut self) -> Result<()> {
        self.still_running()?;
        kill_process(Pid::from_child(&self.0), Signal::INT)?;
        let status = self.0.wait()?;
        ensure!(matches!(status.code(), Some(0 | 1)), "the recorder ended with {status}");
        Ok(())
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // Only when the story broke off; a finished one has been waited for.
        if matches!(self.0.try_wait(), Ok(None)) {
            _ = self.0.kill();
            _ = self.0.wait();
        }
    }
}
