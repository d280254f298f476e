//! The playbook read whole: the example, every kind of mistake, any text.

use std::collections::BTreeMap;

use pretty_assertions::assert_eq;
use proptest::prelude::*;

use super::*;
use crate::connectors::outbound::config::{Endpoint, Smtp, SmtpTls, TrackerKind, Way};
use crate::connectors::registry::Basic;
use crate::connectors::secret::SecretRef;
use crate::domain::{
    Audience, Cadence, Channel, ChannelId, Contact, EscalationStep, Override, Rotation, Severity,
    SourceId, Span, Status, Team, TeamId, Timestamp, TrackerId, Whom,
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/config/valid")
}

fn example() -> PlaybookFile {
    let (read, mistakes) = PlaybookFile::load(&folder());
    assert_eq!(mistakes, []);
    read
}

#[test]
fn the_example_says_who_is_called_how() {
    let playbook = example().playbook;
    let contact = |phone: &str, mail: &str, text: &str| Contact {
        phone: phone.into(),
        at: BTreeMap::from([
            (ChannelId::new("mail"), mail.into()),
            (ChannelId::new("text"), text.into()),
        ]),
    };
    let robin = contact("+49 30 5550100", "robin@example.org", "+49305550100");
    let kim = contact("+49 30 5550101", "kim@example.org", "+49305550101");
    assert_eq!(playbook.people, [("robin".into(), robin), ("kim".into(), kim)].into());
    let step = |after, whom, by: &[&str]| EscalationStep {
        after: Span::from_mins(after),
        whom,
        by: by.iter().map(|id| ChannelId::new(id)).collect(),
    };
    let team = Team {
        title: "Payments and invoices".into(),
        rotations: vec![Rotation {
            people: vec!["robin".into(), "kim".into()],
            from: "2026-11-02T09:00:00".parse().unwrap(),
            days: 7,
            zone: chrono_tz::Europe::Berlin,
        }],
        overrides: vec![Override {
            person: "kim".into(),
            from: Timestamp::parse_rfc3339("2026-12-24T08:00:00Z").unwrap(),
            to: Timestamp::parse_rfc3339("2026-12-27T08:00:00Z").unwrap(),
        }],
        pager: Some(SourceId::new("pagerduty")),
        plan: None,
        escalation: vec![
            step(0, Whom::OnCall, &["text", "push"]),
            step(10, Whom::Person("robin".into()), &["text", "mail"]),
            step(20, Whom::Team(TeamId::new("payments")), &["push"]),
        ],
    };
    assert_eq!(playbook.teams, [(TeamId::new("payments"), team)].into());
    assert_eq!(playbook.routes[0].team, TeamId::new("payments"));
    assert_eq!(playbook.redact, ["corp.example.org".into(), "Acme".into()]);
    assert_eq!(playbook.remind_by, [ChannelId::new("text"), ChannelId::new("push")]);
    assert_eq!(playbook.tracker, Some(TrackerId::new("tickets")));
}

#[test]
fn the_example_shows_the_defaults() {
    let (written, default) = (example().playbook, Playbook::default());
    assert_eq!(written.cadence, default.cadence);
    let limits = |p: &Playbook| (p.rotate_after, p.most_reports, p.silent_after, p.test_every);
    assert_eq!(limits(&written), limits(&default));
}

#[test]
fn channels_can_be_tested_only_when_somebody_asks() {
    let every = |text: &str| {
        let text = format!("[response]\ntest_every = \"{text}\"");
        let (read, mistakes) = PlaybookFile::parse(&text, "p.toml", &folder());
        (read.playbook.test_every, mistakes.len())
    };
    assert_eq!(every("never"), (Span::ZERO, 0));
    assert_eq!(every("1d"), (Span::from_days(1), 0));
    assert_eq!(every("0s"), (Span::from_days(7), 1));
}

#[test]
fn the_example_shows_every_kind_of_channel() {
    let read = example();
    let kinds: Vec<&str> = read.channels.iter().map(|channel| channel.way.name()).collect();
    assert_eq!(kinds.len(), 11);
    assert_eq!(kinds, read.playbook.channels.iter().map(|c| c.kind).collect::<Vec<_>>());
    let mail = Smtp {
        host: "mail.example.org".into(),
        port: 587,
        tls: SmtpTls::StartTls,
        ca: Some("/etc/ssl/example-ca.pem".into()),
        from: "quarterdeck@example.org".into(),
        auth: Some(Basic {
            user: "quarterdeck".into(),
            password: SecretRef::Env("MAIL_PASSWORD".into()),
        }),
        timeout: Span::from_secs(20),
    };
    assert_eq!(read.channels[0].way, Way::Smtp(mail));
    assert_eq!(
        read.playbook.channels[0],
        Channel {
            id: ChannelId::new("mail"),
            kind: "smtp",
            audiences: vec![Audience::Internal],
            fallback: Some(ChannelId::new("notes")),
        }
    );
    let hook = Endpoint { url: SecretRef::Env("SLACK_WEBHOOK".into()), ..Endpoint::new("") };
    assert_eq!(read.channels[1].way, Way::SlackWebhook(hook));
    let Way::Matrix(matrix) = &read.channels[4].way else { panic!("matrix") };
    assert_eq!(matrix.token, Some(SecretRef::Command(vec!["pass".into(), "matrix".into()])));
    assert_eq!(read.channels[10].way, Way::File(folder().join("updates.txt")));
    let tracker = &read.trackers[0];
    assert_eq!((tracker.kind, tracker.interval), (TrackerKind::Github, Span::from_secs(60)));
    assert_eq!(tracker.states, [(Status::Resolved, "closed".into())].into());
    assert_eq!(tracker.priorities, [(Severity::Sev1, "critical".into())].into());
    assert_eq!(read.files, ["playbook.toml", "update.j2"].map(|name| folder().join(name)));
}

#[test]
fn without_a_file_everything_is_as_usual() {
    let dir = tempfile::tempdir().unwrap();
    let (read, mistakes) = PlaybookFile::load(dir.path());
    assert_eq!((read.playbook, mistakes), (Playbook::default(), vec![]));
}

#[test]
fn what_the_file_says_of_one_cadence_leaves_the_others() {
    let text =
        "[[cadence]]\nseverity = \"p1\"\naudience = \"external\"\nfirst = \"2m\"\nevery = \"10m\"";
    let (read, mistakes) = PlaybookFile::parse(text, "p.toml", &folder());
    assert_eq!(mistakes, []);
    let wanted = Cadence {
        first: Span::from_mins(2),
        every: Span::from_mins(10),
        long_after: Span::from_hours(2),
    };
    assert_eq!(read.playbook.cadence[&(Severity::Sev1, Audience::External)], wanted);
    assert_eq!(read.playbook.cadence.len(), Playbook::default().cadence.len());
}

/// Every mistake there is, each told at its place, and the rest kept.
const WRONG: &str = r#"
[response]
tracker = "tikets"
most_reports = 1

[[person]]
name = "robin"
reach = { mial = "robin@example.org" }
[[person]]
name = "robin"
[[person]]
name = "kim"

[[team]]
name = "payments"
zone = "Europe/Brelin"
[[team.rotation]]
people = ["robyn", "kim"]
from = "2026-11-02T09:00"
[[team.rotation]]
people = []
from = "monday"
zone = "UTC"
[[team.override]]
person = "kim"
from = "2026-12-27T09:00:00Z"
to = "2026-12-24T09:00:00Z"
[[team.escalation]]
after = "10m"
page = { person = "kim" }
by = ["mail"]
[[team.escalation]]
after = "5m"
page = "on-call"
by = ["mail", "telex"]
[[team.escalation]]
after = "1h"
page = "everybody"
[[team.escalation]]
after = "2h"
page = { team = "paymets" }

[[route]]
match = ['namespace="payments"']
team = "payment"

[[channel]]
name = "mail"
kind = "smtp"
audiences = ["internal", "customers"]
host = "mail.example.org"
security = "none"
from = "robin"
auth = { basic = { user = "robin", password = "hunter2" } }
[[channel]]
name = "a"
kind = "webhook"
url = "https://robin:hunter2@example.org"
[[channel]]
name = "b"
kind = "desktop"
fallback = "c"
[[channel]]
name = "c"
kind = "desktop"
fallback = "d"
to = ["robin"]
[[channel]]
name = "d"
kind = "file"
path = "d.txt"
fallback = "e"
[[channel]]
name = "e"
kind = "file"
path = "e.txt"
fallback = "d"
[[channel]]
name = "e"
kind = "pigeon"
[[channel]]
name = "f"
kind = "slack"
auth = { token = "hunter2" }
[[channel]]
name = "g"
kind = "desktop"
fallback = "nobody"

[[tracker]]
name = "tickets"
kind = "gitlab"
url = "https://jira.example.org?token=hunter2"
[[tracker]]
name = "pd"
kind = "pagerduty"
states = { resolvd = "closed", resolved = 1 }

[[cadence]]
severity = "SEV-9"
audience = "external"
first = "5m"
[[template]]
name = "t"
audience = "internal"
[[template]]
name = "u"
audience = "internal"
phase = "done"
file = "nowhere.j2"
"#;

#[test]
fn every_mistake_is_named_with_its_place_and_no_secret() {
    let (_, mistakes) = PlaybookFile::parse(WRONG.trim_start(), "playbook.toml", &folder());
    let said: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    let said = said.join("\n");
    assert!(!said.contains("hunter2"), "{said}");
    insta::assert_snapshot!(said);
}

#[test]
fn what_is_missing_is_told_without_calling_it_wrong() {
    let text = r#"
        [[person]]
        name = "robin"
        [[team]]
        name = "payments"
        [[channel]]
        name = "here"
        kind = "desktop"
        audiences = ["internal"]
        [[channel]]
        name = "notes"
        kind = "file"
        path = "notes.txt"
    "#;
    let (read, mistakes) = PlaybookFile::parse(text, "playbook.toml", &folder());
    assert_eq!(mistakes, []);
    let said: Vec<String> = gaps(&read.playbook).iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "no channel takes external updates; add \"external\" to the `audiences` of one",
            "who owes an update or a task is told on the screen alone; name channels under `remind_by` of \
             [response]",
            "the channel here has no `fallback` for when it certainly failed",
            "nobody is ever on call in payments; give it a [[team.rotation]]",
            "a page of payments is never escalated; give it a [[team.escalation]]",
            "robin cannot be called when paging fails; add `phone`",
        ]
    );
    assert_eq!(gaps(&Playbook::default()), Vec::<SafeText>::new());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(\\PC|\n){0,200}") {
        let _ = PlaybookFile::parse(&text, "p.toml", &folder());
    }

    #[test]
    fn any_value_under_a_known_key_is_read_or_refused(
        key in prop_oneof![
            Just("person"), Just("team"), Just("team.rotation"), Just("route"), Just("channel"),
            Just("tracker"), Just("cadence"), Just("template"), Just("response.redact"), Just("version"),
            Just("response.most_reports"), Just("response"),
        ],
        value in prop_oneof![
            "-?[0-9]{1,25}", Just("nan".into()), Just("{}".into()), Just("[{}]".into()),
            Just("[{name = \"x\"}]".into()), Just("[[], {a = 1}]".into()), "\"[^\"\\\\]{0,20}\"",
            Just("[{name = \"x\", kind = \"smtp\"}]".into()), Just("[{name = \"x\", kind = \"sms\"}]".into()),
            Just("[{name = \"x\", rotation = [{}], override = [{}], escalation = [{}]}]".into()),
            Just("1979-05-27T07:32:00Z".into()),
        ],
    ) {
        let _ = PlaybookFile::parse(&format!("{key} = {value}\n"), "p.toml", &folder());
    }
}
