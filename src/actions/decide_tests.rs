//! What is decided, told as what people do on a bad day.

use std::sync::Arc;

use pretty_assertions::assert_eq;

use super::*;
use crate::domain::{
    Alert, AlertState, Judged, MatcherSpec, SeverityPolicy, SourceId, SourceStatus,
};
use crate::eventlog::{EventLog, MemoryLog};
use crate::model::{Group, GroupKey};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn key(name: &str) -> AlertKey {
    AlertKey { site: SiteId::new("eu"), fingerprint: name.into() }
}

/// Alerts by (group, alert); each group is a service of that name.
fn model_of(alerts: &[(&str, &str)]) -> Model {
    let mut model = Model::default();
    let source = SourceStatus::new(
        SourceId::new("am"),
        SourceKind::Alertmanager,
        SiteId::new("eu"),
        "".into(),
        Span::from_secs(15),
    );
    model.sources.insert(source.id.clone(), source);
    let judged: Judged = SeverityPolicy::default().judge(&Labels::default(), None);
    for (group, name) in alerts {
        let alert = Alert {
            key: key(name),
            seen_by: vec![],
            labels: Labels::of(&[("alertname", name), ("service", group)]),
            annotations: Labels::default(),
            starts_at: NOW,
            ends_at: NOW,
            updated_at: NOW,
            state: AlertState::Active,
            receivers: vec![],
            generator_url: "".into(),
        };
        let tracked = Tracked {
            alert: Arc::new(alert),
            sight: Sight::Firing,
            judged: judged.clone(),
            service: Some(ServiceId::new(group)),
            ack: None,
        };
        model.alerts.alerts.insert(key(name), tracked);
        let group_key = GroupKey { site: SiteId::new("eu"), values: vec![SafeText::new(group)] };
        match model.alerts.groups.iter_mut().find(|g| g.key == group_key) {
            Some(known) => known.alerts.push(key(name)),
            None => model.alerts.groups.push(Group {
                key: group_key,
                title: SafeText::new(group),
                alerts: vec![key(name)],
                judged: judged.clone(),
                active: 1,
                silenced: 0,
                inhibited: 0,
                unseen: 0,
                since: NOW,
                service: None,
                owner: "".into(),
                runbook: "".into(),
                ack: None,
                summary: "".into(),
            }),
        }
    }
    model
}

/// Twelve firing alerts: two of the database, ten of the shop.
fn busy() -> Model {
    let mut alerts = vec![("db", "disk"), ("db", "replica")];
    let shop = ["a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9"];
    alerts.extend(shop.map(|name| ("shop", name)));
    model_of(&alerts)
}

fn ada() -> Actor {
    Actor::new("ada")
}

fn try_it(model: &Model, what: &Do) -> Result<Vec<LogEvent>, Refusal> {
    decide(model, &ada(), what, NOW, &SilenceGuard::default())
}

fn refused(model: &Model, what: &Do) -> (Rule, String) {
    let refusal = try_it(model, what).unwrap_err();
    (refusal.rule, refusal.sentence.to_string())
}

/// Decides, records and takes it in, as the console does.
fn carry_out(model: &mut Model, log: &mut MemoryLog, what: &Do) {
    let events = try_it(model, what).unwrap();
    for record in log.append(&ada(), NOW, &events).unwrap() {
        model.journal.apply(&record);
    }
}

fn ack(names: &[&str]) -> Do {
    Do::Acknowledge {
        alerts: names.iter().map(|n| key(n)).collect(),
        title: "DiskFull db".into(),
        note: "on it".into(),
    }
}

fn withdraw(names: &[&str]) -> Do {
    Do::Withdraw { alerts: names.iter().map(|n| key(n)).collect(), note: String::new() }
}

fn spec(name: &str, symbol: &str, value: &str) -> MatcherSpec {
    MatcherSpec {
        name: name.into(),
        value: value.into(),
        is_regex: symbol.contains('~'),
        is_equal: !symbol.contains('!'),
    }
}

fn draft(matchers: Vec<MatcherSpec>) -> SilenceDraft {
    SilenceDraft {
        matchers,
        starts_at: NOW,
        ends_at: NOW.plus(Span::from_hours(2)),
        created_by: "ada".into(),
        comment: "deploy".into(),
        replaces: None,
    }
}

fn silence_of(draft: SilenceDraft) -> Do {
    Do::Silence { site: SiteId::new("eu"), draft }
}

#[test]
fn an_acknowledgement_names_this_firing_and_can_be_withdrawn_and_made_again() {
    let (mut model, mut log) = (busy(), MemoryLog::for_demo());
    let alerts = vec![AlertInstance { key: key("disk"), starts_at: NOW }];
    assert_eq!(
        try_it(&model, &ack(&["disk", "disk"])).unwrap(),
        [LogEvent::AlertsAcknowledged {
            alerts: alerts.clone(),
            title: "DiskFull db".into(),
            note: "on it".into()
        }]
    );
    carry_out(&mut model, &mut log, &ack(&["disk"]));
    assert_eq!(
        refused(&model, &ack(&["disk"])),
        (
            Rule::AlreadyAcknowledged,
            "DiskFull db has been acknowledged by you at 22:13 UTC. Write a note to add something, or \
             withdraw that acknowledgement first."
                .to_owned()
        )
    );
    let grace =
        decide(&model, &Actor::new("grace"), &ack(&["disk"]), NOW, &SilenceGuard::default());
    assert!(grace.unwrap_err().sentence.contains("by ada at 22:13"));
    carry_out(&mut model, &mut log, &withdraw(&["disk"]));
    assert_eq!(refused(&model, &withdraw(&["disk"])).0, Rule::NotAcknowledged);
    carry_out(&mut model, &mut log, &ack(&["disk"]));
    assert_eq!(model.journal.acks.keys().cloned().collect::<Vec<_>>(), alerts);
}

#[test]
fn only_what_still_fires_and_nobody_has_taken_is_acknowledged() {
    let (mut model, mut log) = (busy(), MemoryLog::for_demo());
    carry_out(&mut model, &mut log, &ack(&["disk"]));
    model.alerts.alerts.get_mut(&key("replica")).unwrap().sight = Sight::Resolved { at: NOW };
    let events = try_it(&model, &ack(&["disk", "replica", "a0", "never seen"])).unwrap();
    let [LogEvent::AlertsAcknowledged { alerts, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(alerts.iter().map(|a| a.key.clone()).collect::<Vec<_>>(), [key("a0")]);
    assert_eq!(refused(&model, &ack(&["replica"])).0, Rule::NoSuchAlert);
    assert_eq!(refused(&model, &ack(&["never seen"])).0, Rule::NoSuchAlert);
    assert_eq!(refused(&model, &ack(&[])).0, Rule::Nothing);
}

#[test]
fn an_alert_that_fires_anew_is_not_acknowledged_any_more() {
    let (mut model, mut log) = (busy(), MemoryLog::for_demo());
    carry_out(&mut model, &mut log, &ack(&["disk"]));
    let tracked = model.alerts.alerts.get_mut(&key("disk")).unwrap();
    Arc::make_mut(&mut tracked.alert).starts_at = NOW.plus(Span::from_mins(1));
    carry_out(&mut model, &mut log, &ack(&["disk"]));
    assert_eq!(model.journal.acks.len(), 2);
}

#[test]
fn everything_at_once_is_acknowledged_only_when_meant() {
    let model = busy();
    let all: Vec<&str> = model.alerts.alerts.keys().map(|k| k.fingerprint.as_str()).collect();
    let (rule, sentence) = refused(&model, &ack(&all));
    assert_eq!(rule, Rule::TooBroad);
    assert!(sentence.contains("acknowledge 12 of 12 firing alerts in 2 groups"), "{sentence}");
    let meant = SilenceGuard { confirmed_broad: true, ..SilenceGuard::default() };
    assert_eq!(decide(&model, &ada(), &ack(&all), NOW, &meant).unwrap().len(), 1);
    let one_group = model_of(&[("db", "disk"), ("db", "replica")]);
    assert_eq!(try_it(&one_group, &ack(&["disk", "replica"])).unwrap().len(), 1);
}

#[test]
fn a_storm_is_acknowledged_in_records_that_fit() {
    let names: Vec<String> = (0..5_000).map(|n| format!("{n:016x}")).collect();
    let storm: Vec<(&str, &str)> = names.iter().map(|n| ("net", n.as_str())).collect();
    let (mut model, mut log) = (model_of(&storm), MemoryLog::for_demo());
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    carry_out(&mut model, &mut log, &ack(&all));
    assert_eq!(model.journal.acks.len(), 5_000);
    let alerts = model.journal.acks.keys().cloned().collect();
    let about = Subject::Alerts { title: "net".into(), alerts };
    carry_out(&mut model, &mut log, &Do::Note { about, text: "x".repeat(32 * 1024) });
    assert_eq!(model.journal.notes.len(), 1);
}

#[test]
fn a_note_says_something_and_is_never_cut() {
    let model = busy();
    let note = |text: &str| Do::Note { about: Subject::General, text: text.to_owned() };
    assert_eq!(
        try_it(&model, &note("seen\nagain")).unwrap(),
        [LogEvent::Noted { about: Subject::General, text: SafeText::body("seen\nagain") }]
    );
    assert_eq!(refused(&model, &note(" \n ")).0, Rule::Empty);
    assert_eq!(refused(&model, &note(&"x".repeat(32 * 1024 + 1))).0, Rule::TooLong);
    // Hidden characters are written out, which must not push the end over the edge unseen.
    assert_eq!(refused(&model, &note(&"\u{200b}".repeat(9_000))).0, Rule::TooLong);
}

#[test]
fn a_silence_is_requested_as_drafted_when_it_is_narrow() {
    let model = busy();
    let draft = draft(vec![spec("service", "=", "db"), spec("alertname", "=~", "disk|replica")]);
    assert_eq!(
        try_it(&model, &silence_of(draft.clone())).unwrap(),
        [LogEvent::OperationRequested {
            operation: Operation::Silence { site: SiteId::new("eu"), draft }
        }]
    );
}

#[test]
fn a_silence_that_would_mute_too_much_names_the_count_and_waits_for_a_yes() {
    let model = busy();
    let matchers = [Matcher::equal("service", "shop")];
    assert_eq!(
        would_hit_at(&model, &SiteId::new("eu"), &matchers),
        Preview {
            alerts: (0..10).map(|n| key(&format!("a{n}"))).collect(),
            groups: 1,
            services: vec![ServiceId::new("shop")],
            total_firing: 12,
        }
    );
    assert_eq!(would_hit_at(&model, &SiteId::new("us"), &matchers), Preview::default());
    let shop = silence_of(draft(vec![spec("service", "=", "shop")]));
    let refusal = try_it(&model, &shop).unwrap_err();
    assert_eq!(refusal.rule, Rule::TooBroad);
    assert_eq!(
        refusal.sentence.as_str(),
        "This silence would mute 10 of 12 firing alerts, in 1 group and 1 service. Narrow the \
         matchers, or confirm that you mean all of them."
    );
    let meant = SilenceGuard { confirmed_broad: true, ..SilenceGuard::default() };
    assert_eq!(decide(&model, &ada(), &shop, NOW, &meant).unwrap().len(), 1);
    let strict = SilenceGuard { most_alerts: 1, ..SilenceGuard::default() };
    let db = silence_of(draft(vec![spec("service", "=", "db")]));
    assert_eq!(decide(&model, &ada(), &db, NOW, &strict).unwrap_err().rule, Rule::TooBroad);
    assert_eq!(try_it(&model, &db).unwrap().len(), 1);
}

#[test]
fn matchers_that_take_anything_are_never_a_slip_even_when_nothing_fires() {
    let quiet = model_of(&[]);
    for (matchers, rule) in [
        (vec![], Rule::Matchers),
        (vec![spec("team", "!=", "web")], Rule::Matchers),
        (vec![spec("team", "=~", ".*")], Rule::Matchers),
        (vec![spec("team", "=", "")], Rule::Matchers),
        (vec![spec("", "=", "x")], Rule::Matchers),
        (vec![spec("team", "=~", "we(b")], Rule::Matchers),
        (vec![spec("team", "=~", ".+")], Rule::TooBroad),
        (vec![spec("severity", "=~", ".+"), spec("team", "!=", "web")], Rule::TooBroad),
        (vec![spec("team", "=", "web"); 31], Rule::TooLong),
    ] {
        let shown = format!("{matchers:?}");
        assert_eq!(refused(&quiet, &silence_of(draft(matchers))).0, rule, "{shown}");
    }
    let meant = SilenceGuard { confirmed_broad: true, ..SilenceGuard::default() };
    let no_confirmation_helps = silence_of(draft(vec![spec("team", "=~", ".*")]));
    let refusal = decide(&quiet, &ada(), &no_confirmation_helps, NOW, &meant).unwrap_err();
    assert_eq!(refusal.rule, Rule::Matchers);
}

#[test]
fn a_silence_needs_a_reason_an_author_and_a_time_that_makes_sense() {
    let model = busy();
    let good = draft(vec![spec("service", "=", "db")]);
    let hours = |n| NOW.plus(Span::from_hours(n));
    for (bad, rule) in [
        (SilenceDraft { comment: " ".into(), ..good.clone() }, Rule::Empty),
        (SilenceDraft { created_by: "".into(), ..good.clone() }, Rule::Empty),
        (
            SilenceDraft { comment: SafeText::body(&"x".repeat(5_000)), ..good.clone() },
            Rule::TooLong,
        ),
        (SilenceDraft { ends_at: good.starts_at, ..good.clone() }, Rule::Times),
        (SilenceDraft { starts_at: hours(-2), ends_at: hours(-1), ..good.clone() }, Rule::Times),
        (SilenceDraft { ends_at: hours(7 * 24 + 1), ..good.clone() }, Rule::Duration),
        (
            SilenceDraft { replaces: Some(SilenceId::new("gone")), ..good.clone() },
            Rule::NoSuchSilence,
        ),
    ] {
        let shown = format!("{bad:?}");
        assert_eq!(refused(&model, &silence_of(bad)).0, rule, "{shown}");
    }
    let elsewhere = Do::Silence { site: SiteId::new("us"), draft: good.clone() };
    assert_eq!(refused(&model, &elsewhere).0, Rule::NoSuchSite);
    let week = SilenceDraft { ends_at: hours(7 * 24), ..good };
    assert_eq!(try_it(&model, &silence_of(week)).unwrap().len(), 1);
}

#[test]
fn a_silence_that_is_over_cannot_be_ended_or_extended() {
    let mut model = busy();
    let silence = |id: &str, ends_at, state| Silence {
        id: SilenceId::new(id),
        source: SourceId::new("am"),
        site: SiteId::new("eu"),
        matchers: vec![spec("service", "=", "db")],
        starts_at: NOW.minus(Span::from_hours(5)),
        ends_at,
        created_by: "ada".into(),
        comment: "deploy".into(),
        state,
    };
    let later = NOW.plus(Span::from_hours(1));
    let silences = vec![
        silence("on", later, SilenceState::Active),
        silence("over", later, SilenceState::Expired),
        silence("just over", NOW, SilenceState::Active),
    ];
    model.silences.by_source.insert(SourceId::new("am"), silences);
    let end = |id: &str| Do::Expire { site: SiteId::new("eu"), id: SilenceId::new(id) };
    assert_eq!(
        try_it(&model, &end("on")).unwrap(),
        [LogEvent::OperationRequested {
            operation: Operation::Expire { site: SiteId::new("eu"), id: SilenceId::new("on") }
        }]
    );
    assert_eq!(refused(&model, &end("over")).0, Rule::SilenceOver);
    assert_eq!(refused(&model, &end("just over")).0, Rule::SilenceOver);
    assert_eq!(refused(&model, &end("unheard of")).0, Rule::NoSuchSilence);
    let extend = |id: &str| {
        let replaces = Some(SilenceId::new(id));
        silence_of(SilenceDraft { replaces, ..draft(vec![spec("service", "=", "db")]) })
    };
    assert_eq!(try_it(&model, &extend("on")).unwrap().len(), 1);
    assert_eq!(refused(&model, &extend("over")).0, Rule::SilenceOver);
}
