//! What comes up by itself, and what the brief and the exports say.

use std::sync::Arc;

use pretty_assertions::assert_eq;

use crate::domain::{
    Alert, AlertKey, AlertState, Audience, Catalog, ChannelId, ClockOffset, Labels, Moment,
    Observation, Playbook, Service, ServiceId, SeverityPolicy, SiteId, SourceId, SourceKind,
    SourceStatus,
};
use crate::eventlog::{
    CanReported, CommandTaken, Described, EntryWithdrawn, PageSent, TaskGiven, UpdateProposed,
    UpdatePublished, WorkstreamOpened,
};
use crate::model::Model;

use super::super::{
    Filtered, Line, LineKind, Seen, Timeline, TimelineFilter, brief, csv, machine_events, markdown,
};
use super::*;

fn busy() -> Room {
    let mut room = Room::default();
    room.say("alice", 0, declared());
    let taken = CommandTaken {
        after: None,
        commander: Actor::new("alice"),
        handover: None,
        reason: "".into(),
    };
    room.say("alice", 1, taken);
    let stream = room.say(
        "alice",
        60,
        WorkstreamOpened {
            name: "database".into(),
            team: None,
            lead: Actor::new("bob"),
            parent: None,
            takes: Vec::new(),
        },
    );
    room.say(
        "alice",
        120,
        TaskGiven {
            text: "Drain eu-1".into(),
            owner: Actor::new("carol"),
            due: at(720),
            workstream: None,
        },
    );
    let report = CanReported {
        workstream: stream,
        conditions: "replica is behind".into(),
        actions: "resync".into(),
        needs: "".into(),
    };
    room.say("bob", 300, report);
    room
}

fn sentences(incident: &Incident, secs: i64) -> Vec<String> {
    let all = incident.attention(&Playbook::default(), &Policy::default(), at(secs));
    all.iter().map(|one| one.sentence.to_string()).collect()
}

#[test]
fn what_is_late_comes_up_the_most_urgent_first() {
    let mut room = busy();
    room.say(
        "alice",
        400,
        PageSent {
            team: None,
            whom: Actor::new("dave"),
            step: 0,
            text: "need a hand".into(),
            escalates: None,
        },
    );
    let incident = room.incident();
    assert_eq!(
        sentences(&incident, 30 * 60),
        [
            "dave has not answered, paged 23m ago.",
            "The first external update was due 14:10Z, 20m ago.",
            "The first internal update was due 14:15Z, 15m ago.",
            "Call back carol: \"Drain eu-1\" was due 18m ago.",
            "Nothing from \"database\" for 25m; ask bob for a report.",
            "Nobody is scribe.",
            "Nobody is comms.",
            "Nobody is ops.",
        ]
    );
    assert_eq!(incident.direct_reports().len(), 2);
}

#[test]
fn the_next_update_is_what_the_last_one_promised_and_none_when_it_is_over() {
    let mut room = busy();
    let update = room.say(
        "alice",
        500,
        UpdateProposed {
            audience: Audience::External,
            subject: "Checkout".into(),
            body: "We are on it.".into(),
            channels: vec![ChannelId::new("page")],
            next: at(2_300),
        },
    );
    assert_eq!(room.incident().promises(&Playbook::default())[0].last, None);
    room.say("alice", 510, UpdatePublished { update });
    let incident = room.incident();
    let promises = incident.promises(&Playbook::default());
    let external = promises.iter().find(|p| p.audience == Audience::External).unwrap();
    assert_eq!((external.due, external.last), (at(2_300), Some(at(510))));
    assert_eq!(external.late(at(2_299)), None);
    assert_eq!(external.late(at(2_360)), Some(Span::from_mins(1)));
    let over = crate::domain::Status::Resolved;
    room.say("alice", 600, crate::eventlog::StatusChanged { status: over, note: "".into() });
    assert_eq!(room.incident().promises(&Playbook::default()), []);
    assert_eq!(sentences(&room.incident(), 9_000), [""; 0]);
}

#[test]
fn the_brief_says_what_the_next_commander_must_know() {
    let incident = busy().incident();
    let sections = brief(&Model::default(), &incident, at(600));
    let titles: Vec<&str> = sections.iter().map(|(title, _)| title.as_str()).collect();
    assert_eq!(titles, ["State", "Decisions", "Open tasks", "Promises", "Risks", "Last changes"]);
    assert_eq!(
        sections[2].1.as_str(),
        "carol: Drain eu-1 by 14:12Z, not acknowledged\n\
         workstream database led by bob, heard 5m ago"
    );
    assert!(sections[0].1.contains("alice commands since 14:00Z"), "{}", sections[0].1);
    assert!(sections[5].1.ends_with("14:05Z bob reports for \"database\""), "{}", sections[5].1);
}

#[test]
fn exports_mark_what_no_longer_holds_and_carry_no_formula_and_no_markup() {
    let mut room = Room::default();
    room.say("alice", 0, declared());
    let entry = room.say("bob", 5, entry("=HYPERLINK(\"http://x\") | **bold** <b>"));
    room.say("carol", 6, EntryWithdrawn { entry, reason: "@sum".into() });
    let incident = room.incident();
    let text = csv(incident.timeline.iter());
    let row = text.lines().nth(2).unwrap();
    assert!(row.contains("\"'=HYPERLINK(\"\"http://x\"\")"), "{row}");
    assert!(row.contains("\"carol\",\"'@sum\""), "{row}");
    let text = markdown(&incident, incident.timeline.iter());
    assert!(text.contains("~~=HYPERLINK(\"http://x\") \\| \\*\\*bold\\*\\* &lt;b&gt;~~"), "{text}");
    // Only what is asked for.
    assert_eq!(csv(incident.timeline.iter().skip(2)).lines().count(), 2);
}

fn line(n: u8, secs: i64, kind: LineKind, by: &str, text: &str) -> Line {
    Line {
        record: RecordId([n; 32]),
        at: Moment::exact(at(secs)),
        written: at(secs),
        by: Actor::new(by),
        key: KeyId([0; 32]),
        spoken_by: None,
        kind,
        text: text.into(),
        evidence: None,
        pinned: false,
        withdrawn: None,
    }
}

#[test]
fn a_filter_finds_kinds_people_and_words_and_looks_only_at_what_is_new() {
    let action = LineKind::Entry(EntryKind::Action);
    let mut timeline: Timeline = [
        line(1, 10, action, "bob", "Rolled back the shop"),
        line(2, 20, action, "alice", "rolled back the cart"),
        line(3, 30, LineKind::Machine, "eu", "HighErrors fires"),
        Line { spoken_by: Some(Actor::new("bob")), ..line(4, 40, action, "alice", "disk is full") },
    ]
    .into_iter()
    .collect();
    let rows = |text: &str| {
        let filter = TimelineFilter::parse(text).unwrap();
        assert_eq!(TimelineFilter::parse(&filter.to_string()).as_ref(), Ok(&filter));
        Filtered::new(filter, &timeline).rows().to_vec()
    };
    assert_eq!(rows(""), [0, 1, 2, 3]);
    assert_eq!(rows("kind=action by=bob"), [0, 3]);
    assert_eq!(rows("rolled"), [0, 1]);
    assert_eq!(rows("\"back the cart\""), [1]);
    assert_eq!(rows("kind=machine,action fires"), [2]);
    let mistake = TimelineFilter::parse("kind=poem").unwrap_err();
    assert!(mistake.sentence.starts_with("`poem` is not a kind"), "{mistake}");
    let mut seen = Filtered::new(TimelineFilter::parse("by=bob").unwrap(), &timeline);
    timeline.insert(line(5, 50, action, "bob", "at the end"));
    seen.refresh(&timeline);
    assert_eq!(seen.rows(), [0, 3, 4]);
    timeline.insert(line(6, 5, action, "bob", "backdated"));
    seen.refresh(&timeline);
    assert_eq!(seen.rows(), [0, 1, 4, 5]);
}

#[test]
fn words_are_found_in_many_lines_as_in_few_whatever_their_letters() {
    let words = ["Rolled back", "ÄRGER", "10 \u{212a}", "nothing", "shard 17", "SHARD 1"];
    let action = LineKind::Entry(EntryKind::Action);
    let line = |n: u32, text: &str| {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&n.to_le_bytes());
        Line { record: RecordId(id), ..line(0, i64::from(n * 7 % 4_001), action, "bob", text) }
    };
    let mut timeline: Timeline = (0..5_000_u32)
        .map(|n| {
            let text = format!("{} of {}", words[n as usize % 5], n % 97);
            let mut line = line(n, &text);
            let why = SafeText::new("a mistake on shard 17");
            line.withdrawn = (n % 61 == 0).then(|| Arc::new((Actor::new("carol"), why)));
            line
        })
        .collect();
    // What is written anew no longer says what it said.
    for n in (0..5_000_u32).step_by(83) {
        timeline.insert(line(n, "shard 170 instead"));
    }
    let alone =
        words.iter().copied().chain(["k", "K", "s", "1", "mistake", "instead", "of 9", "ſhard"]);
    let several: [&[&str]; 4] =
        [&["of", "SHARD"], &["back", "1", "of"], &["shard", "mistake"], &["17", "nothing", "Ä"]];
    for asked in alone.map(|word| vec![word]).chain(several.map(<[&str]>::to_vec)) {
        let quoted: Vec<String> = asked.iter().map(|word| format!("\"{word}\"")).collect();
        let filter = TimelineFilter::parse(&quoted.join(" ")).unwrap();
        let quick = filter.rows(&timeline, 0);
        let patterns: Vec<regex::Regex> = asked
            .iter()
            .map(|word| regex::RegexBuilder::new(&regex::escape(word)))
            .map(|mut pattern| pattern.case_insensitive(true).build().unwrap())
            .collect();
        let expected: Vec<u32> = (0..)
            .zip(timeline.iter())
            .filter(|(_, line)| {
                let gone = line.withdrawn.as_ref().map(|gone| &gone.1);
                patterns.iter().all(|pattern| {
                    pattern.is_match(&line.text) || gone.is_some_and(|gone| pattern.is_match(gone))
                })
            })
            .map(|(row, _)| row)
            .collect();
        assert_eq!(quick, expected, "{asked:?}");
        let last = filter.rows(&timeline, 4_000);
        assert_eq!(last, expected[expected.len() - last.len()..], "{asked:?}");
    }
}

/// A shop with one service, its Prometheus' clock two seconds ahead.
pub(super) fn shop() -> Model {
    let service = Service { id: ServiceId::new("cart"), ..Service::default() };
    let catalog =
        Catalog { services: [(service.id.clone(), service)].into(), ..Catalog::default() };
    let mut model = Model::new(Arc::new(catalog), SeverityPolicy::default(), Vec::new());
    for (name, kind) in [("prom", SourceKind::Prometheus), ("am", SourceKind::Alertmanager)] {
        let mut status = SourceStatus::new(
            SourceId::new(name),
            kind,
            SiteId::new("eu"),
            "x".into(),
            Span::from_secs(15),
        );
        status.last_good = Some(at(60));
        status.clock = (name == "prom")
            .then_some(ClockOffset { offset: Span::from_secs(2), bound: Span::from_millis(40) });
        model.source(status);
    }
    model
}

fn alert(name: &str, starts: i64) -> Alert {
    Alert {
        key: AlertKey { site: SiteId::new("eu"), fingerprint: name.into() },
        seen_by: vec![SourceId::new("am")],
        labels: Labels::of(&[("alertname", name), ("service", "cart")]),
        annotations: Labels::of(&[("summary", "carts are empty")]),
        starts_at: at(starts),
        ends_at: at(9_000),
        updated_at: at(60),
        state: AlertState::Active,
        receivers: Vec::new(),
        generator_url: "".into(),
    }
}

pub(super) fn saw(events: &[LogEvent]) -> Vec<crate::eventlog::MachineSaw> {
    let of = |event: &LogEvent| match event {
        LogEvent::Incident { event: IncidentEvent::MachineSaw(saw), .. } => Some(saw.clone()),
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

#[test]
fn what_machines_did_is_written_once_by_the_corrected_clock_whoever_looks() {
    let mut room = Room::default();
    room.say("alice", 0, declared());
    let services = Some(vec![ServiceId::new("cart")]);
    let about = Described { title: None, services, impact: None, onset: None };
    room.say("alice", 1, about);
    let mut model = shop();
    room.records.iter().for_each(|record| model.apply(record));
    let alerts = vec![alert("Empty", 50), alert("Old", -4_000)];
    model.observe(&SourceId::new("am"), at(60), vec![Observation::Alerts(alerts)]);
    let incident = model.incidents.incidents[&inc()].clone();
    let (seen, events) = machine_events(&Seen::new(), &model, &incident, at(61));
    let told = saw(&events);
    // What fired long before has nothing to do with it.
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].text.as_str(), "Empty cart on eu fires: carts are empty");
    assert_eq!(told[0].at, Moment { corrected: at(48), raw: at(50), bound: Some(40) });
    // Another console gives it the same key; this one does not say it again.
    let (_, again) = machine_events(&Seen::new(), &model, &incident, at(62));
    assert_eq!(saw(&again)[0].key, told[0].key);
    assert_eq!(machine_events(&seen, &model, &incident, at(62)).1, []);
    // Once it is in the log, nobody says it again; a source that goes quiet is news.
    room.log("alice", 63, events[0].clone());
    model.apply(room.records.last().unwrap());
    model.tick(at(300));
    let incident = model.incidents.incidents[&inc()].clone();
    let (_, later) = machine_events(&seen, &model, &incident, at(300));
    let texts: Vec<String> = saw(&later).iter().map(|one| one.text.to_string()).collect();
    assert_eq!(texts, ["am does not answer", "prom does not answer"]);
}
