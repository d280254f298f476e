//! The real console on servers that lie, stall, break off and attack: it answers keys, what is well
//! stays well, the fault is said in a sentence, nothing foreign reaches the terminal, and it recovers.

pub(crate) mod server;
pub(crate) mod stream;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::pty::{Program, Session, Start};
use server::{Fault, Hostile, Kind, alert, alerts};
use stream::foreign;

/// Longest a key may wait here, where other tests run as well.
const ANSWER: Duration = Duration::from_secs(3);

/// A console's configuration in a folder of its own.
pub(crate) struct Config {
    pub(crate) folder: tempfile::TempDir,
}

impl Config {
    /// Of these sources: name, kind, address, further lines.
    pub(crate) fn of(sources: &[(&str, Kind, &str, &str)]) -> Self {
        let mut text = String::from("version = 1\nme = \"ann\"\n");
        for (name, kind, url, more) in sources {
            let kind = match kind {
                Kind::Prometheus => "prometheus",
                Kind::Alertmanager => "alertmanager",
                Kind::Jaeger => "jaeger",
                Kind::Statuspage => "statuspage",
                Kind::GithubDeployments => "github-deployments",
                Kind::GitlabDeployments => "gitlab-deployments",
                Kind::PrometheusVersions => "prometheus-versions",
                Kind::UnleashEvents => "unleash-events",
            };
            text.push_str(&format!(
                "[[source]]\nname = \"{name}\"\nkind = \"{kind}\"\nurl = \"{url}\"\nsite = \"eu\"\n\
                 interval = \"1s\"\ntimeout = \"1s\"\nmax_body_mib = 1\n{more}\n"
            ));
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.toml"), text).unwrap();
        std::fs::write(folder.path().join("catalog.toml"), "version = 1\n").unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self) -> String {
        self.folder.path().join("config.toml").display().to_string()
    }

    pub(crate) fn console(&self) -> Session {
        Start::new(Program::quarterdeck(&["--config", &self.path()])).size(160, 45).start()
    }
}

pub(crate) fn shows(text: &str) -> impl Fn(&Session) -> bool {
    move |session| session.text().contains(text)
}

/// The row of a source on the Sources screen.
fn row(session: &Session, source: &str) -> String {
    let text = session.text();
    let found = text.lines().find(|line| line.contains(source) && line.contains(" eu "));
    found.unwrap_or_default().to_owned()
}

/// Goes through the screens and ends on Sources; each must answer at once.
fn keys_answer(session: &mut Session, when: &str) {
    for (key, sign) in
        [("1", "Error budgets"), ("2", "Alerts"), ("3", "bjective"), ("S", "data age")]
    {
        session.send(key);
        session.wait_within(ANSWER, &format!("{sign} ({when})"), shows(sign));
    }
}

fn assert_nothing_foreign(session: &Session) {
    assert_eq!(foreign(session.output()), None);
}

/// Every way of answering badly, the word for it on Sources, and a part of its sentence.
/// `short` is the beginning of an answer that breaks off.
fn faults(elsewhere: &Hostile, short: &str) -> Vec<(Fault, &'static str, &'static str)> {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let deep_inside = format!(
        r#"[{{"labels":{{}},"fingerprint":"x","startsAt":"","status":{{"state":"active"}},"x":{}1{}}}]"#,
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    let escape = "\x1b]52;c;aGk=\x07\x1b[2J\u{9b}31m\u{202e}";
    let says =
        |status, name, value: String| Fault::Says(status, vec![(name, value)], Arc::from(*b"no"));
    let gzip = |body: &[u8]| {
        Fault::Says(200, vec![("Content-Encoding", "gzip".to_owned())], Arc::from(body))
    };
    vec![
        (Fault::body("<!DOCTYPE html><p>Sign in"), "unreadable", "HTML page"),
        (Fault::body(short), "unreadable", "it ends too early"),
        (Fault::body(&deep), "unreadable", "does not promise"),
        (Fault::body(&deep_inside), "unreadable", "does not promise"),
        (Fault::body(""), "unreadable", "it ends too early"),
        (Fault::body("\"NaN\""), "unreadable", "does not promise"),
        (Fault::body(&format!("\"{escape}\"")), "unreadable", "does not promise"),
        (Fault::status(401), "login refused", "check the source's auth"),
        (Fault::status(403), "forbidden", "read access"),
        (Fault::status(404), "wrong API", "does not know this path"),
        (Fault::status(500), "server error", "status 500"),
        (Fault::status(503), "server error", "status 503"),
        (Fault::status(302), "redirected", "an unnamed place"),
        (Fault::status(999), "wrong API", "status 999"),
        (says(307, "Location", elsewhere.url()), "redirected", "is not followed"),
        (says(301, "Location", format!("{}/%1b]52", elsewhere.url())), "redirected", "final"),
        (
            Fault::Says(
                500,
                Vec::new(),
                format!(r#"{{"error":"{}"}}"#, "\\u001b]52;c;aGk=\\u0007\\u202e")
                    .into_bytes()
                    .into(),
            ),
            "server error",
            "␛]52",
        ),
        (gzip(include_bytes!("../../fixtures/connectors/bomb.gz")), "too large", "1 MiB"),
        (gzip(b"not gzip at all"), "unreadable", "garbled"),
        (Fault::Floods(200 << 20), "too large", "1 MiB"),
        (Fault::Drips, "timed out", "within the deadline"),
        (Fault::Silent, "timed out", "within the deadline"),
        (Fault::Resets, "unreachable", "lost the connection"),
        (Fault::Breaks, "unreadable", "garbled"),
    ]
}

#[test]
fn every_bad_answer_is_said_and_hurts_nobody_else() {
    let (bad_am, bad_prom) = (Hostile::start(Kind::Alertmanager), Hostile::start(Kind::Prometheus));
    let (good_am, good_prom) =
        (Hostile::start(Kind::Alertmanager), Hostile::start(Kind::Prometheus));
    let elsewhere = Hostile::start(Kind::Alertmanager);
    let auth = "[source.auth]\nbasic = { user = \"ann\", password = { env = \"PASSWORD\" } }";
    let config = Config::of(&[
        ("bad-am", Kind::Alertmanager, &bad_am.url(), auth),
        ("bad-prom", Kind::Prometheus, &bad_prom.url(), auth),
        ("good-am", Kind::Alertmanager, &good_am.url(), ""),
        ("good-prom", Kind::Prometheus, &good_prom.url(), ""),
    ]);
    let mut session = Start::new(Program::quarterdeck(&["--config", &config.path()]))
        .env("PASSWORD", "hunter2-marked")
        .size(160, 45)
        .start();
    session.send("S");
    let all = ["bad-am", "bad-prom", "good-am", "good-prom"];
    let fresh = |s: &Session| all.iter().all(|name| row(s, name).contains(" fresh "));
    session.wait_within(ANSWER * 8, "all fresh", fresh);
    for (fault, word, sentence) in faults(&elsewhere, r#"[{"labels":{"alertname":"#) {
        let what = format!("{word}: {sentence}");
        bad_am.set(fault.clone());
        bad_prom.set(fault);
        session.send("R");
        let began = Instant::now();
        session.wait_within(ANSWER * 10, &what, |s| {
            ["bad-am", "bad-prom"].iter().all(|name| row(s, name).contains(word))
        });
        eprintln!("{what}: said after {:?}", began.elapsed());
        session.send("g");
        let words: Vec<&str> = sentence.split(' ').collect();
        session.wait_within(ANSWER, &what, |s| {
            let text = s.text().split_whitespace().collect::<Vec<_>>().join(" ");
            text.contains(&words.join(" "))
        });
        keys_answer(&mut session, &what);
        session.wait_within(ANSWER, &format!("the others are well ({what})"), |s| {
            ["good-am", "good-prom"].iter().all(|name| row(s, name).contains(" fresh "))
        });
        bad_am.set(Fault::None);
        bad_prom.set(Fault::None);
        session.send("R");
        session.wait_within(ANSWER * 8, &format!("well again after {what}"), fresh);
    }
    assert_nothing_foreign(&session);
    let output = String::from_utf8_lossy(session.output()).into_owned();
    assert!(!output.contains("hunter2-marked"), "the password is on the screen");
    assert_eq!(elsewhere.asked().len(), 0, "a redirect was followed");
    // The control: the password did travel to where it belongs.
    assert!(bad_am.asked().iter().any(|q| q.head.to_lowercase().contains("authorization: basic")));
    session.send("q");
    assert!(session.exit_status().success());
}

#[test]
fn a_jaeger_and_a_status_page_may_answer_as_badly() {
    two_answer_badly([Kind::Jaeger, Kind::Statuspage], ["", ""], r#"{"data":[{"parent":"#);
}

#[test]
fn what_deploys_may_answer_as_badly() {
    let kinds = [Kind::GithubDeployments, Kind::GitlabDeployments];
    let project = "project = \"acme/shop\"";
    two_answer_badly(kinds, [project, project], r#"[{"id":1,"ref":"#);
}

#[test]
fn versions_and_an_audit_log_may_answer_as_badly() {
    let kinds = [Kind::PrometheusVersions, Kind::UnleashEvents];
    let (metric, short) = ("metric = \"build_info\"", r#"{"data":{"result":[{"metric":{"#);
    two_answer_badly(kinds, [metric, ""], short);
}

/// Two sources answer in every bad way, beside two of the same kinds that are well.
fn two_answer_badly(kinds: [Kind; 2], settings: [&str; 2], short: &str) {
    let (bad, good) = (kinds.map(Hostile::start), kinds.map(Hostile::start));
    let elsewhere = Hostile::start(kinds[1]);
    let auth = "[source.auth]\nbasic = { user = \"ann\", password = { env = \"PASSWORD\" } }";
    let auth = settings.map(|more| format!("{more}\n{auth}"));
    let config = Config::of(&[
        ("bad-first", kinds[0], &bad[0].url(), &auth[0]),
        ("bad-second", kinds[1], &bad[1].url(), &auth[1]),
        ("good-first", kinds[0], &good[0].url(), settings[0]),
        ("good-second", kinds[1], &good[1].url(), settings[1]),
    ]);
    let mut session = Start::new(Program::quarterdeck(&["--config", &config.path()]))
        .env("PASSWORD", "hunter2-marked")
        .size(160, 45)
        .start();
    session.send("S");
    let (broken, well) = (["bad-first", "bad-second"], ["good-first", "good-second"]);
    let fresh = |names: [&str; 2], s: &Session| names.iter().all(|n| row(s, n).contains(" fresh "));
    let all = |s: &Session| fresh(broken, s) && fresh(well, s);
    session.wait_within(ANSWER * 8, "all fresh", all);
    let mut faults = faults(&elsewhere, short);
    faults.push((Fault::status(429), "rate limited", "slow down (429)"));
    for (fault, word, sentence) in faults {
        let what = format!("{word}: {sentence}");
        bad.iter().for_each(|server| server.set(fault.clone()));
        session.send("R");
        session.wait_within(ANSWER * 10, &what, |s| {
            broken.iter().all(|name| row(s, name).contains(word))
        });
        // Each of them says it, and not only the first.
        for (key, name) in [("g", broken[0]), ("j", broken[1])] {
            session.send(key);
            session.wait_within(ANSWER, &format!("{name}: {what}"), |s| {
                let text = s.text().split_whitespace().collect::<Vec<_>>().join(" ");
                text.contains(sentence)
            });
        }
        keys_answer(&mut session, &what);
        session.wait_within(ANSWER, &format!("the others are well ({what})"), |s| fresh(well, s));
        bad.iter().for_each(|server| server.set(Fault::None));
        session.send("R");
        session.wait_within(ANSWER * 8, &format!("well again after {what}"), all);
    }
    assert_nothing_foreign(&session);
    let output = String::from_utf8_lossy(session.output()).into_owned();
    assert!(!output.contains("hunter2-marked"), "the password is on the screen");
    assert_eq!(elsewhere.asked().len(), 0, "a redirect was followed");
    for server in &bad {
        let sent = |q: &server::Question| q.head.to_lowercase().contains("authorization: basic");
        assert!(server.asked().iter().any(sent), "the password did not reach its own server");
    }
    session.send("q");
    assert!(session.exit_status().success());
}

#[test]
fn hostile_labels_are_shown_as_text_and_obeyed_by_nothing() {
    let am = Hostile::start(Kind::Alertmanager);
    let config = Config::of(&[("am", Kind::Alertmanager, &am.url(), "")]);
    let long = "x".repeat(600_000);
    let pile = format!("z{}", "\u{301}".repeat(5_000));
    let values = [
        ("Escape", "\\u001b[2J\\u001b[31m"),
        ("Clipboard", "\\u001b]52;c;aGk=\\u0007"),
        ("Link", "\\u001b]8;;http://x\\u001b\\\\"),
        ("Title", "\\u001b]2;pwned\\u0007"),
        ("Eightbit", "\\u009b31m\\u0090q"),
        ("Bidi", "pay\u{202e}lap\u{2066}"),
        ("Hidden", "ze\u{200b}ro\u{feff}\u{e0041}"),
        ("Breaks", "a\\r\\nb\\tc\\u0008\\u0000d"),
        ("Long", &long),
        ("Pile", &pile),
        ("Nothing", ""),
    ];
    let mut each: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(at, (name, value))| {
            let labels = format!(",\"note\":\"{value}\",\"service\":\"{value}\",\"{value}\":\"v\"");
            alert(&format!("f{at}"), &format!("{name}{value}"), &labels)
        })
        .collect();
    // The same twice, a state nobody knows, fields nobody knows, times nobody can have meant.
    each.push(each[0].clone());
    each.push(alert("odd", "OddState", "").replace("\"active\"", "\"\\u001bwhat\""));
    each.push(alert("more", "MoreFields", "").replacen('{', "{\"extra\":[1,{\"a\":null}],", 1));
    each.push(alert("when", "OddTimes", "").replace("2026-11-22T11:01:39.385Z", "+9999999-99"));
    each.push(alert("later", "Future", "").replace("2026-11-22T11", "9999-11-22T11"));
    am.set_alerts(alerts(&each).as_bytes());
    // Half a megabyte of one label is within a source's cap here and cut at the door.
    let text = std::fs::read_to_string(config.path()).unwrap();
    std::fs::write(config.path(), text.replace("max_body_mib = 1", "max_body_mib = 8")).unwrap();
    let mut session = config.console();
    session.send("2");
    for name in [
        "Escape␛[2J",
        "Clipboard␛]52",
        "Bidi",
        "<U+202E>",
        "OddState",
        "MoreFields",
        "OddTimes",
        "Future",
        "Pile",
    ] {
        session.wait_within(ANSWER * 8, name, shows(name));
    }
    // Through every row, opened, with its details and its links.
    for _ in 0..each.len() {
        session.send("\rje\x7fr\x7f");
    }
    keys_answer(&mut session, "hostile labels");
    for columns in [41, 61, 200] {
        session.resize(columns, 20);
        keys_answer_small(&mut session);
    }
    assert_nothing_foreign(&session);
    session.resize(160, 45);
    session.send("q");
    assert!(session.exit_status().success());
}

/// At any size the console still draws a frame for a key.
fn keys_answer_small(session: &mut Session) {
    for key in ["1", "2", "3", "S"] {
        let before = session.frames();
        session.send(key);
        session.wait_within(ANSWER, "a frame", |s| s.frames() > before);
    }
}

#[test]
fn one_bad_byte_does_not_hide_all_alerts() {
    let am = Hostile::start(Kind::Alertmanager);
    let config = Config::of(&[("am", Kind::Alertmanager, &am.url(), "")]);
    let text = alerts(&[alert("a", "Garbled@@", ",\"note\":\"@@\""), alert("b", "Sound", "")]);
    let mut body = text.into_bytes();
    while let Some(at) = body.windows(2).position(|two| two == b"@@") {
        body[at..at + 2].copy_from_slice(&[0xff, 0xc3]);
    }
    am.set_alerts(&body);
    let mut session = config.console();
    session.send("2");
    session.wait_within(ANSWER * 8, "both alerts", |s| shows("Garbled")(s) && shows("Sound")(s));
    assert_nothing_foreign(&session);
}

/// Waits until the server was asked again, twice, so that what it says now has been read. A key may find a poll
/// that has nothing left to ask, so it is pressed until there was enough.
fn asked_again(session: &mut Session, server: &Hostile) {
    let enough = server.asked().len() + 4;
    while server.asked().len() < enough {
        let asked = server.asked().len();
        session.send("R");
        session.wait_within(ANSWER * 10, "another question", |_| server.asked().len() > asked);
    }
}

#[test]
fn numbers_that_are_none_are_drawn_and_survived() {
    let prom = Hostile::start(Kind::Prometheus);
    let config = Config::of(&[("prom", Kind::Prometheus, &prom.url(), "")]);
    let catalog = r#"
version = 1
[[service]]
name = "shop"
[service.signals]
traffic = "a"
errors = "b"
latency = "c"
[[slo]]
name = "paid"
title = "Orders are paid"
service = "shop"
objective = "99.9%"
bad = "sum(rate(bad[$window]))"
total = "sum(rate(all[$window]))"
"#;
    std::fs::write(config.folder.path().join("catalog.toml"), catalog).unwrap();
    let mut session = config.console();
    session.send("3");
    session.wait_within(ANSWER * 8, "the objective", shows("Orders are paid"));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = now.as_secs();
    for value in ["\"NaN\"", "\"+Inf\"", "\"-1e308\"", "\"\"", "null"] {
        let mut result = String::new();
        for (unit, part) in (0..8).flat_map(|unit| (0..8).map(move |part| (unit, part))) {
            for time in [now.to_string(), "-1e300".into()] {
                let point = format!("[{time},{value}]");
                result.push_str(&format!(
                    r#"{{"metric":{{"qd":"{unit}.{part}"}},"value":{point}}},"#
                ));
            }
            result.push_str(&format!(
                r#"{{"metric":{{"qd":"{unit}"}},"values":[[{},{value}],[{now},{value}],[{now},"1"],[1e300,{value}]]}},"#,
                now - 60
            ));
        }
        let result = result.trim_end_matches(',');
        let body = format!(
            r#"{{"status":"success","data":{{"resultType":"matrix","result":[{result}]}}}}"#
        );
        for path in ["/api/v1/query", "/api/v1/query_range"] {
            prom.set(Fault::Lies(path, Arc::from(body.as_bytes())));
            asked_again(&mut session, &prom);
            keys_answer(&mut session, value);
            session.send("3\r");
            session.send("\x7f1");
        }
    }
    prom.set(Fault::None);
    for ahead in [-5.0 * 3_600.0, 1e300, f64::NAN] {
        prom.set_clock(ahead);
        asked_again(&mut session, &prom);
        keys_answer(&mut session, "another time");
    }
    prom.set_clock(5.0 * 3_600.0);
    session.wait_within(ANSWER * 10, "the offset is said", shows("more than a second off"));
    assert_nothing_foreign(&session);
    session.send("q");
    assert!(session.exit_status().success());
}

#[test]
fn silences_nobody_can_read_are_listed_all_the_same() {
    let am = Hostile::start(Kind::Alertmanager);
    let config = Config::of(&[("am", Kind::Alertmanager, &am.url(), "")]);
    let silence = |id: &str, matcher: &str, state: &str, comment: &str| {
        format!(
            r#"{{"id":"{id}","status":{{"state":"{state}"}},"comment":"{comment}","createdBy":"{comment}","updatedAt":"x",
            "startsAt":"2026-01-01T00:00:00Z","endsAt":"2099-01-01T00:00:00Z","matchers":[{matcher}],"more":[]}}"#
        )
    };
    let regex = |value: &str| format!(r#"{{"name":"alertname","value":"{value}","isRegex":true}}"#);
    let all = [
        silence("s1", &regex("(?!x)y(?<=z)"), "active", "lookaround"),
        silence(
            "s2",
            &regex(&format!("{}a{}", "(".repeat(2_000), ")*".repeat(2_000))),
            "active",
            "deep one",
        ),
        silence("s3", &regex("((((a{1000}){1000}){1000}){1000})"), "active", "huge one"),
        silence("s4", &regex(r"\u001b]52;c;aGk=\u0007"), "what", "\\u001b[2Jesc"),
        silence("s5", "", "active", "matcherless"),
    ];
    am.set(Fault::Lies("/api/v2/silences", Arc::from(alerts(&all).as_bytes())));
    let mut session = config.console();
    session.send("2");
    session.wait_within(ANSWER * 8, "the alert", shows("PlainAlert"));
    session.send("x");
    for comment in ["lookaround", "deep one", "huge one", "matcherless"] {
        session.wait_within(ANSWER * 4, comment, shows(comment));
    }
    session.send("\x7f");
    // What is typed is no better: the form says so and stays.
    session.send("gs");
    session.wait_within(ANSWER, "the form", shows("Silence"));
    session.send(" alertname=~\"(?!x)y\"");
    session.send("\x03");
    session.wait_within(ANSWER * 2, "the list", |s| !shows("Esc ")(s));
    keys_answer(&mut session, "unreadable silences");
    assert_nothing_foreign(&session);
}
