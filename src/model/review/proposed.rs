//! What the log's own facts say may have contributed: offered to whoever writes the review, never set by itself.
//!
//! | the log has | bone | type |
//! |---|---|---|
//! | a run after which it recovered | by what the run did | the same |
//! | a procedure's step that failed | process | automation |
//! | alerts whose names speak of something that ran out, expired, was unreachable, … | by the word | by the word |
//! | minutes between its beginning and the first thing a machine said | measurement | – |
//! | a page that nobody answered, or was declined | people | – |
//!
//! Each names the entries it rests on. A fact shows what happened, not why: the whys are the people's.

use crate::domain::{
    CauseCategory as C, IncidentType as T, Outcome, ProcedureKind, RunVerdict, Span,
};
use crate::eventlog::RecordId;
use crate::model::Model;
use crate::model::incidents::{Incident, LineKind, words};

/// An alert that comes later than this after the beginning came late.
const LATE: Span = Span::from_mins(5);
/// Nobody reads more than this.
const MOST: usize = 6;

/// Words in what machines said, with what they speak of.
const WORDS: [(&[&str], C, T, &str); 5] = [
    (
        &["certificate", "expire", "clock", "ntp"],
        C::Technology,
        T::Time,
        "something expired or a clock was off",
    ),
    (
        &["disk", "memory", "queue", "quota", "pool", "connections", "saturat", "oom"],
        C::Technology,
        T::Capacity,
        "something ran out or filled up",
    ),
    (
        &["replica", "corrupt", "backup"],
        C::Technology,
        T::Data,
        "copies of data were behind or damaged",
    ),
    (
        &["dns", "network", "packet", "unreachable"],
        C::Environment,
        T::Network,
        "the network was hurt",
    ),
    (
        &["vendor", "provider", "thirdparty"],
        C::ThirdParties,
        T::Dependency,
        "a supplier was in trouble",
    ),
];

/// Something that may have contributed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// One sentence.
    pub text: String,
    /// On which bone.
    pub category: C,
    /// What sort of incident it speaks for.
    pub kind: Option<T>,
    /// Entries it rests on.
    pub evidence: Vec<RecordId>,
}

/// What the log's facts propose, the strongest first; what is found already is left out. Linear in the
/// timeline.
pub fn proposed(model: &Model, incident: &Incident) -> Vec<Proposed> {
    let mut all = helped(incident);
    all.extend(failed(model, incident));
    all.extend(spoken(incident));
    all.extend(seen_late(incident));
    all.extend(unanswered(incident));
    let known = |one: &Proposed| {
        let mut causes = incident.review.causes.values();
        causes.any(|cause| {
            cause.text.as_str() == one.text
                || (!one.evidence.is_empty()
                    && one.evidence.iter().any(|entry| cause.evidence.contains(entry)))
        })
    };
    all.retain(|one| !known(one));
    all.truncate(MOST);
    all
}

/// What was taken back, and it was well again.
fn helped(incident: &Incident) -> Vec<Proposed> {
    let well = incident.runs.iter().filter(|(_, run)| {
        run.verified.as_ref().is_some_and(|one| one.verdict == RunVerdict::Recovered)
    });
    let one = |(id, run): (&RecordId, &crate::model::incidents::Run)| {
        let (what, category, kind) = match run.kind {
            ProcedureKind::Rollback | ProcedureKind::FixForward | ProcedureKind::Canary => {
                ("a version that was out", C::Technology, Some(T::Deployment))
            }
            ProcedureKind::Flag | ProcedureKind::Reconcile => {
                ("a setting that was in force", C::Technology, Some(T::Configuration))
            }
            ProcedureKind::Scale | ProcedureKind::Degradation => {
                ("more load than there was room for", C::Technology, Some(T::Capacity))
            }
            ProcedureKind::Containment => ("a system that was cut off", C::Technology, None),
        };
        let text = format!("{what}: it recovered after “{}”", run.title);
        Proposed { text, category, kind, evidence: vec![*id] }
    };
    well.map(one).collect()
}

/// What did not work when it was needed.
fn failed(model: &Model, incident: &Incident) -> Vec<Proposed> {
    let mut all = Vec::new();
    for (id, run) in &incident.runs {
        let outcome = |request| model.journal.operations.get(request)?.outcome.as_ref();
        let bad = run.steps.values().filter_map(outcome);
        if bad.into_iter().any(|one| matches!(one, Outcome::Failed { .. })) {
            let text = format!("“{}” did not work when it was needed", run.title);
            let (category, kind) = (C::Process, Some(T::Automation));
            all.push(Proposed { text, category, kind, evidence: vec![*id] });
        }
    }
    all
}

/// What the names of the alerts speak of.
fn spoken(incident: &Incident) -> Vec<Proposed> {
    let mut all: Vec<Proposed> = Vec::new();
    let machines = incident.timeline.iter().filter(|line| line.kind == LineKind::Machine);
    for line in machines {
        let said = line.text.to_lowercase();
        for (words, category, kind, says) in WORDS {
            if !words.iter().any(|word| said.contains(word)) {
                continue;
            }
            match all.iter_mut().find(|one| one.kind == Some(kind)) {
                Some(one) if one.evidence.len() < 5 => one.evidence.push(line.record),
                Some(_) => {}
                None => {
                    let first = line.text.lines().next().unwrap_or_default();
                    let text = format!("{says}: “{first}”");
                    let evidence = vec![line.record];
                    all.push(Proposed { text, category, kind: Some(kind), evidence });
                }
            }
        }
    }
    all
}

/// How long nothing said that it had begun.
fn seen_late(incident: &Incident) -> Option<Proposed> {
    let began = incident.onset?;
    let mut lines = incident.timeline.iter();
    let first = lines.find(|line| line.kind == LineKind::Machine && line.at.corrected >= began);
    let told =
        first.map_or(incident.declared_at, |line| line.at.corrected.min(incident.declared_at));
    let late = told.since(began);
    if late < LATE {
        return None;
    }
    let late = words::length(late);
    let text = if first.is_some_and(|line| line.at.corrected <= incident.declared_at) {
        format!("no alert told of it for {late} after it began")
    } else {
        format!("no alert told of it: it was declared {late} after it began")
    };
    Some(Proposed {
        text,
        category: C::Measurement,
        kind: None,
        evidence: first.map(|line| line.record).into_iter().collect(),
    })
}

/// Whoever was called and did not come: too few people, or too many calls.
fn unanswered(incident: &Incident) -> Vec<Proposed> {
    let silent = incident.pages.iter().filter(|(_, page)| match &page.answer {
        Some((_, coming, _)) => !coming,
        // Whoever was called next answers for the ones before.
        None => page.escalates.is_none(),
    });
    let pages: Vec<RecordId> = silent.map(|(id, _)| *id).collect();
    if pages.is_empty() {
        return Vec::new();
    }
    let text = match pages.len() {
        1 => "a page found nobody who could come".to_owned(),
        n => format!("{n} pages found nobody who could come"),
    };
    vec![Proposed { text, category: C::People, kind: None, evidence: pages }]
}

#[cfg(test)]
mod checks {
    use pretty_assertions::assert_eq;

    use super::super::tests::{Room, whole};
    use super::*;
    use crate::domain::{Actor, Moment};
    use crate::eventlog::{CauseFound, MachineSaw, PageAnswered, PageSent};

    fn told(room: &Room) -> Vec<(String, C, Option<T>)> {
        let all = proposed(&room.model, room.incident()).into_iter();
        all.map(|one| (one.text, one.category, one.kind)).collect()
    }

    fn saw(room: &mut Room, minutes: i64, text: &str) -> RecordId {
        let at = Moment::exact(room.at(minutes));
        let (key, source) = (text.into(), "eu".into());
        room.say("alice", minutes, MachineSaw { key, source, text: text.into(), at })
    }

    #[test]
    fn a_whole_incident_speaks_of_what_was_taken_back() {
        let room = whole();
        let all = told(&room);
        assert!(
            all.iter().any(|(text, category, kind)| {
                text.contains("it recovered after")
                    && (*category, *kind) == (C::Technology, Some(T::Deployment))
            }),
            "{all:#?}"
        );
    }

    #[test]
    fn alerts_late_sight_and_pages_are_offered_until_somebody_wrote_them_down() {
        let mut room = Room::new();
        room.declare("login fails", &["login"], Some(-20));
        assert_eq!(
            told(&room),
            [(
                "no alert told of it: it was declared 20m after it began".to_owned(),
                C::Measurement,
                None
            )]
        );
        let disk = saw(&mut room, 3, "DiskFull on eu fires: 0 % left");
        saw(&mut room, 4, "QueueGrows on eu fires");
        let page = PageSent {
            team: None,
            whom: Actor::new("bob"),
            step: 0,
            text: "login".into(),
            escalates: None,
        };
        let page = room.say("alice", 5, page);
        let coming = |room: &mut Room, coming| {
            room.say("bob", 6, PageAnswered { page, coming, note: "on a train".into() });
        };
        coming(&mut room, false);
        let disk_text = "something ran out or filled up: “DiskFull on eu fires: 0 % left”";
        let all = told(&room);
        assert_eq!(all[0], (disk_text.to_owned(), C::Technology, Some(T::Capacity)));
        assert_eq!(all[2].0, "a page found nobody who could come");
        assert_eq!(all.len(), 3, "{all:#?}");
        // Nothing is set by itself, and what somebody found is no longer proposed.
        assert_eq!(
            (room.incident().review.causes.len(), room.incident().review.types.len()),
            (0, 0)
        );
        let cause = CauseFound {
            parent: None,
            category: Some(C::Process),
            text: "nobody watches that disk".into(),
            evidence: vec![disk],
        };
        room.say("alice", 70, cause);
        assert!(told(&room).iter().all(|(text, ..)| text != disk_text));
    }

    #[test]
    fn an_incident_of_which_the_log_says_nothing_proposes_nothing() {
        let mut room = Room::new();
        room.declare("cards declined", &["checkout"], Some(-1));
        saw(&mut room, 0, "BurnFast on eu fires");
        assert_eq!(told(&room), []);
    }
}
