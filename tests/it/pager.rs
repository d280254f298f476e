//! Who is on call by PagerDuty: a double of ours held to its public description, hostile answers, and a console
//! started anew while the pager is down.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;

use pretty_assertions::assert_eq;
use quarterdeck::connectors::pagerduty::{OnCalls, Rota};
use quarterdeck::connectors::{Ask, Connector, Interest, ParseError};
use quarterdeck::domain::*;
use serde_json::{Value, json};

use crate::cli::Home;
use crate::connectors::{NOON, reply};
use crate::double::oncalls::{TOKEN, oncall};
use crate::double::{Answer, Fault, Hosted, OnCallsHost};
use crate::pty::Session;

const ANN: (&str, &str) = ("PANN001", "Ann Baker");
const BOB: (&str, &str) = ("PBOB001", "Bob Stone");
const EVE: (&str, &str) = ("PEVE001", "Eve Moor");
const ALWAYS: (Option<&str>, Option<&str>) = (None, None);

/// Ann before Bob in the policy of payments, Eve in a schedule of search; one entry a page.
fn pager() -> Hosted<OnCallsHost> {
    Hosted::start(OnCallsHost {
        oncalls: vec![
            oncall(BOB, "PPAY", None, 2, ALWAYS),
            oncall(ANN, "PPAY", Some("SPAY"), 1, ALWAYS),
            oncall(EVE, "PSEA", Some("SSEA"), 3, ALWAYS),
            oncall(BOB, "POTHER", Some("SOTHER"), 1, ALWAYS),
        ],
        phones: vec![(ANN.0, 49, "30 5550100"), (BOB.0, 1, "415 555 0101")],
        most: 1,
    })
}

fn home(url: &str) -> Home {
    let config = format!(
        "me = \"alice\"\n[[source]]\nname = \"pd\"\nkind = \"pagerduty\"\nurl = \"{url}\"\n\
         interval = \"1s\"\ntimeout = \"2s\"\nauth = {{ bearer = {{ env = \"PD_TOKEN\" }} }}\n\
         [source.teams]\npayments = {{ policy = \"PPAY\" }}\nsearch = {{ schedule = \"SSEA\" }}\n"
    );
    let catalog = "[[service]]\nname = \"checkout\"\nowner = \"payments\"\n\
                   [[service]]\nname = \"finder\"\nowner = \"search\"\n";
    let playbook = "[[person]]\nname = \"eve\"\nphone = \"+44 20 5550102\"\n\
                    reach = { room = \"eve@example.org\" }\n\
                    [[channel]]\nname = \"room\"\nkind = \"file\"\npath = \"/tmp/never-written\"\n\
                    [[team]]\nname = \"payments\"\npager = \"pd\"\n\
                    [[team]]\nname = \"search\"\npager = \"pd\"\n";
    Home::with(&[("config.toml", &config), ("catalog.toml", catalog), ("playbook.toml", playbook)])
}

fn run(home: &Home, token: &str, args: &[&str]) -> String {
    let Output { stdout, stderr, .. } = home.command(args).env("PD_TOKEN", token).output().unwrap();
    String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr)
}

/// The console with the dialog that calls a team's on-call.
fn calling(home: &Home, team: &str) -> Session {
    let mut session = home.console().env("PD_TOKEN", TOKEN).size(120, 40).start();
    session.wait_for_text("cards declined");
    session.send("!");
    session.wait_for_text("Call somebody");
    session.send(team);
    session
}

fn leave(mut session: Session) {
    session.send("\x1b");
    session.wait_until("no dialog", |screen| !screen.contents().contains("Call somebody"));
    session.send("q");
    session.wait_for_text("Leave Quarterdeck?");
    session.send("\r");
    assert!(session.exit_status().success());
}

#[test]
fn whoever_is_on_call_and_their_number_are_there_when_the_pager_is_down() {
    let host = pager();
    let home = home(&host.url(""));
    assert!(run(&home, TOKEN, &["declare", "SEV-2", "cards declined"]).contains("cards declined"));
    let kept = home.path().join("state/quarterdeck/oncall.json");

    let mut first = home.console().env("PD_TOKEN", TOKEN).size(120, 40).start();
    first.wait_until("the plan is kept", |_| kept.exists());
    first.send("!");
    first.wait_for_text("Call somebody");
    first.send("payments");
    first.wait_for_text("Ann Baker is on call (from PagerDuty, ");
    first.wait_for_text("Ann Baker: +49 30 5550100");
    first.wait_for_text("Bob Stone: +1 415 555 0101");
    assert!(!first.text().contains("stale"), "{}", first.text());
    leave(first);
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);

    host.fail_always(Fault::Says(Answer::new(503, "down")));
    let told = {
        let stale = |text: &str| {
            text.contains("Ann Baker is on call (from PagerDuty, ") && text.contains("ago, stale)")
        };
        let deadline = std::time::Instant::now() + crate::pty::patience();
        loop {
            let mut again = calling(&home, "payments");
            again.wait_for_text("Ann Baker: +49 30 5550100");
            let text = again.text();
            leave(again);
            if stale(&text) {
                break text;
            }
            assert!(std::time::Instant::now() < deadline, "{text}");
        }
    };
    assert!(told.contains("Bob Stone: +1 415 555 0101"), "{told}");
    // Nor does a pager that is down take the name from those who ask without a screen.
    let blast = run(&home, TOKEN, &["blast", "checkout"]);
    assert!(
        blast.contains("Ann Baker is on call (from PagerDuty, ") && blast.contains("stale"),
        "{blast}"
    );
    host.mend();

    // The token is nowhere on the disk, nor in what was said.
    for entry in walk(home.path()) {
        let bytes = std::fs::read(&entry).unwrap();
        let found = bytes.windows(TOKEN.len()).any(|part| part == TOKEN.as_bytes());
        assert!(!found, "the token is in {}", entry.display());
    }
    assert!(!told.contains(TOKEN) && !blast.contains(TOKEN));
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn each_page_is_read_and_people_are_called_by_the_playbooks_names() {
    let host = pager();
    let home = home(&host.url(""));
    let blast = run(&home, TOKEN, &["blast", "checkout"]);
    assert!(blast.contains("payments, Ann Baker is on call (from PagerDuty, 0s ago)"), "{blast}");
    // By her mail address she is the playbook's eve.
    let blast = run(&home, TOKEN, &["blast", "finder"]);
    assert!(blast.contains("search, eve is on call (from PagerDuty, 0s ago)"), "{blast}");
    let asked = host.asked();
    let pages: Vec<String> = asked
        .iter()
        .filter(|request| request.asks("escalation_policy_ids[]") == "PPAY")
        .map(|request| request.asks("offset"))
        .take(2)
        .collect();
    assert_eq!(pages, ["0", "1"]);
    assert!(asked.iter().all(|request| request.method == "GET"), "nothing is changed there");
    // Nobody's number is asked for but of those who are on call for these teams.
    let people = |request: &&crate::double::Request| request.path.contains("/contact_methods");
    assert!(asked.iter().any(|request| request.path.contains(ANN.0) && people(&request)));
}

#[test]
fn a_pager_that_refuses_or_talks_nonsense_names_nobody_and_its_token_is_not_said() {
    let host = pager();
    let home = home(&host.url(""));
    let said = run(&home, "hunter2-token", &["blast", "checkout"]);
    let unknown = "payments, not known who is on call: PagerDuty has not answered yet";
    assert!(said.contains(unknown) && !said.contains("hunter2"), "{said}");
    for answer in [
        Answer::new(200, "<html>"),
        Answer::new(200, "{}"),
        Answer::new(200, r#"{"oncalls":[],"more":true}"#),
        Answer::new(200, r#"{"oncalls":[{"user":{"id":"P1","name":" "}}]}"#),
        Answer::new(429, "slow down"),
    ] {
        host.fail_always(Fault::Says(answer.clone()));
        let said = run(&home, TOKEN, &["blast", "checkout"]);
        assert!(said.contains(unknown), "{answer:?}: {said}");
        host.mend();
    }
    // A number that may not be seen does not hide who it is.
    host.fail_at("GET", "/contact_methods", Fault::Says(Answer::new(403, "{}")));
    let said = run(&home, TOKEN, &["blast", "checkout"]);
    assert!(said.contains("Ann Baker is on call"), "{said}");
}

fn told(oncalls: &[Value], contacts: Value) -> Result<Vec<Observation>, ParseError> {
    let rota = [(TeamId::new("payments"), Rota::Policy("PPAY".to_owned()))];
    let connector = OnCalls(rota.into());
    let asks = connector.asks(&Interest::default(), NOON);
    let [ask]: &[Ask] = &asks[..] else { panic!("{asks:?}") };
    let body = json!({ "oncalls": oncalls, "contacts": contacts, "endless": false });
    connector.parse(&SourceId::new("pd"), ask, &reply(200, body.to_string().as_bytes()))
}

#[test]
fn what_a_pager_tells_is_made_safe_and_what_cannot_be_read_is_refused() {
    let evil = oncall(
        ("P1", "Ann\u{1b}[2J\u{202e}"),
        "PPAY",
        None,
        1,
        (None, Some("2026-11-23T08:00:00+01:00")),
    );
    let contacts = json!({ "P1": [
        { "type": "sms_contact_method", "address": "1", "country_code": 1 },
        { "type": "phone_contact_method", "address": "2", "country_code": 1, "blacklisted": true },
        { "type": "phone_contact_method", "address": "555\u{7}\u{1b}]0;x", "country_code": 49 },
    ] });
    let seen = told(std::slice::from_ref(&evil), contacts).unwrap();
    let [Observation::OnCalls(OnCallSeen { until, teams })] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!(*until, NOON.plus(Span::from_days(7)));
    let [shift] = &teams[&TeamId::new("payments")][..] else { panic!("{teams:?}") };
    assert_eq!(
        shift,
        &PagerShift {
            level: 1,
            person: SafeText::new("Ann\u{1b}[2J\u{202e}"),
            mail: SafeText::new("ann\u{1b}[2j\u{202e}@example.org"),
            phone: Some(SafeText::new("+49 555\u{7}\u{1b}]0;x")),
            from: None,
            until: Timestamp::parse_rfc3339("2026-11-23T07:00:00Z"),
        }
    );
    let text = format!("{}{}", shift.person, shift.phone.as_ref().unwrap());
    assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{7}']), "made safe at the door");
    // An end that cannot be read is no shift without an end.
    let odd = oncall(ANN, "PPAY", None, 1, (None, Some("tomorrow")));
    let why = "an on-call begins or ends at “tomorrow”".to_owned();
    assert_eq!(told(&[odd], json!({})), Err(ParseError::Shape(why)));
    // Nobody on call is an answer.
    let none = OnCallSeen { until: *until, teams: [(TeamId::new("payments"), Vec::new())].into() };
    assert_eq!(told(&[], json!({})), Ok(vec![Observation::OnCalls(none)]));
}

proptest::proptest! {
    #[test]
    fn no_answer_makes_the_reader_panic(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
        let connector = OnCalls([(TeamId::new("t"), Rota::Schedule("S".to_owned()))].into());
        for ask in connector.asks(&Interest::default(), NOON) {
            let _ = connector.parse(&SourceId::new("pd"), &ask, &reply(200, &body));
        }
    }
}
