//! Updates told as stories: from the facts to a draft, and what is said about it.

use std::collections::BTreeMap;

use pretty_assertions::assert_eq;
use proptest::prelude::*;

use super::*;
use crate::domain::{
    Actor, Audience, Cause, Impact, IncidentId, Playbook, SafeText, ServiceId, Severity, Span,
    Status, Template, Timestamp,
};
use crate::eventlog::{KeyId, RecordId};
use crate::model::Model;
use crate::model::incidents::{Command, Incident, Task, Timeline, Update};

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(&format!("2026-11-22T{text}Z")).unwrap()
}

fn incident(status: Status) -> Incident {
    Incident {
        id: IncidentId::new("INC-7K2QD"),
        title: "Checkout fails".into(),
        severity: Severity::Sev1,
        severity_reason: "tier 1".into(),
        status,
        status_since: at("16:10:00"),
        services: vec![ServiceId::new("checkout"), ServiceId::new("cart")],
        impact: Impact {
            sentence: "About one order in three fails.".into(),
            scope: "customers in Europe".into(),
        },
        cause: Cause::Nothing,
        declared_by: Actor::new("robin"),
        declared_at: at("15:50:00"),
        declared: RecordId([0; 32]),
        onset: Some(at("15:42:00")),
        merged_into: None,
        links: Vec::new(),
        command: Some(Command {
            commander: Actor::new("robin"),
            key: KeyId([1; 32]),
            since: at("15:50:00"),
            record: RecordId([1; 32]),
        }),
        command_place: None,
        roles: BTreeMap::new(),
        handover: None,
        timeline: Timeline::default(),
        tasks: BTreeMap::new(),
        workstreams: BTreeMap::new(),
        decisions: BTreeMap::new(),
        updates: BTreeMap::new(),
        tickets: BTreeMap::new(),
        resolved_at: None,
        worst: Severity::Sev2,
        handed_over: Vec::new(),
        runs: Default::default(),
        review: Default::default(),
        pages: BTreeMap::new(),
    }
}

fn update(audience: Audience, published: Option<Timestamp>, next: Timestamp) -> Update {
    Update {
        by: Actor::new("robin"),
        key: KeyId([1; 32]),
        at: at("15:55:00"),
        audience,
        subject: "s".into(),
        body: SafeText::body("b"),
        channels: Vec::new(),
        next,
        answers: Vec::new(),
        published,
        sends: BTreeMap::new(),
    }
}

fn model(incident: Incident) -> Model {
    let mut model = Model::default();
    model.incidents.incidents.insert(incident.id.clone(), incident);
    model
}

fn facts(incident: Incident, audience: Audience) -> Facts {
    let id = incident.id.clone();
    let (next, now) = (Some(at("16:40:00")), at("16:20:00"));
    gather(&model(incident), &id, audience, next, now).unwrap()
}

fn built_in(audience: Audience, status: Status, facts: &Facts) -> String {
    let template = offered(&Playbook::default(), audience, status).remove(0);
    let (subject, body) = drafted(&template, facts).unwrap();
    format!("{subject}\n---\n{body}\n")
}

#[test]
fn the_built_in_texts_are_calm_and_complete() {
    let mut said = String::new();
    for audience in [Audience::External, Audience::Internal] {
        for status in Status::ALL.iter().copied() {
            let mut one = incident(status);
            one.updates
                .insert(RecordId([2; 32]), update(audience, Some(at("16:00:00")), at("16:20:00")));
            one.tasks.insert(
                RecordId([3; 32]),
                Task {
                    text: "Roll back cart".into(),
                    given_by: Actor::new("robin"),
                    given_at: at("16:00:00"),
                    owner: Actor::new("kim"),
                    due: at("16:30:00"),
                    workstream: None,
                    acknowledged: None,
                    ended: None,
                },
            );
            let facts = facts(one, audience);
            let text = built_in(audience, status, &facts);
            assert_eq!(missing(&text, &facts), [], "{audience} {status}: {text}");
            let words = Words::of(&Playbook::default(), Some(&incident(status)));
            assert_eq!(
                findings(&text, &words, Audience::External).len(),
                usize::from(audience == Audience::Internal),
                "{text}"
            );
            said.push_str(&format!("=== {audience}, {status}\n{text}"));
        }
    }
    insta::assert_snapshot!(said);
}

#[test]
fn what_is_not_known_leaves_no_hole_and_is_missed() {
    let mut bare = incident(Status::Investigating);
    (bare.impact, bare.services, bare.command) = (Impact::default(), Vec::new(), None);
    let id = bare.id.clone();
    let facts = gather(&model(bare), &id, Audience::External, None, at("15:50:30")).unwrap();
    let text = built_in(Audience::External, Status::Investigating, &facts);
    assert_eq!(
        text,
        "Checkout fails: investigating\n---\nWe are investigating a problem with Checkout fails.\n"
    );
    let lacks = missing(&text, &facts);
    assert_eq!(lacks, [Missing::ImpactUnknown, Missing::ScopeUnknown, Missing::Next]);
    let known = facts_of_example();
    assert_eq!(
        missing("All is well.", &known),
        [Missing::Impact, Missing::Scope, Missing::Status, Missing::Next]
    );
    assert_eq!(gather(&Model::default(), &id, Audience::External, None, at("15:50:30")), None);
}

fn facts_of_example() -> Facts {
    facts(incident(Status::Identified), Audience::External)
}

#[test]
fn those_outside_are_not_told_what_is_for_those_inside() {
    let facts = facts_of_example();
    assert_eq!((facts.burn.len(), facts.doing.len(), facts.tickets.len()), (0, 0, 0));
    assert_eq!(facts.commander.as_str(), "the incident commander");
    let inside = super::gather(
        &model(incident(Status::Identified)),
        &IncidentId::new("INC-7K2QD"),
        Audience::Internal,
        None,
        at("18:47:00"),
    );
    let inside = inside.unwrap();
    assert_eq!(
        (inside.commander.as_str(), inside.duration.as_str()),
        ("robin", "3 hours 5 minutes")
    );
}

#[test]
fn the_playbooks_own_texts_come_first() {
    let template = |name: &str, phase| Template {
        name: name.into(),
        audience: Audience::External,
        phase,
        text: "{{ title }}".into(),
    };
    let playbook = Playbook {
        templates: vec![
            template("any", None),
            template("ours", Some(Status::Identified)),
            template("other", Some(Status::Resolved)),
        ],
        ..Playbook::default()
    };
    let names = |audience, phase| -> Vec<String> {
        offered(&playbook, audience, phase).iter().map(|t| t.name.to_string()).collect()
    };
    assert_eq!(
        names(Audience::External, Status::Identified),
        ["ours", "any", "identified (external)"]
    );
    assert_eq!(names(Audience::Internal, Status::Identified), ["internal"]);
}

#[test]
fn mistakes_in_a_template_have_a_place_and_a_suggestion() {
    let said = |source: &str| -> Vec<String> {
        let faults = render(source, &facts_of_example()).unwrap_err();
        faults.iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        said("We see it.\n  {{ titel }} and {{ imapct|upper }}"),
        [
            "line 2, column 6: there is no `titel`; did you mean `title`?",
            "line 2, column 22: there is no `imapct`; did you mean `impact`?",
        ]
    );
    assert_eq!(
        said("{% if impact %}a{% else %}{{ tikets }}{% endif %}"),
        ["line 1, column 30: there is no `tikets`; did you mean `tickets`?"]
    );
    for (source, place, what) in [
        ("a\n{{ title", "line 2", "syntax error"),
        ("a\n\n{% if title %}b", "line 3", "syntax error"),
        ("{{ title|loud }}", "line 1, column 10", "unknown filter"),
        ("{% include 'etc/passwd' %}", "line 1", "syntax error"),
        ("{% for a in services %}{{ a.b.c }}{% endfor %}", "line 1", "undefined"),
        ("{{ range(10) }}", "line 1, column 4", "there is no `range`"),
        ("x{{ 'a' * 99999999999 }}", "line 1", "too much text"),
    ] {
        let said = said(source).join("\n");
        assert!(said.starts_with(place) && said.contains(what), "{source}: {said}");
    }
}

#[test]
fn a_template_that_grows_without_end_is_stopped() {
    let doubling =
        "{% set a = 'xxxxxxxxxxxxxxxx' %}".to_owned() + &"{% set a = a ~ a %}".repeat(60);
    let nested = "{% for a in services %}".repeat(40) + "{{ a }}" + &"{% endfor %}".repeat(40);
    for source in [doubling, nested, "y".repeat(20_000), "{{ 'y' * 20000 }}".into()] {
        assert!(render(&source, &facts_of_example()).is_err());
    }
}

#[test]
fn the_first_word_is_due_by_the_cadence_and_every_further_one_as_promised() {
    let playbook = Playbook::default();
    let mut one = incident(Status::Investigating);
    assert_eq!(due(&playbook, &one, Audience::External), Some(at("15:55:00")));
    let now = at("16:00:00");
    assert_eq!(
        proposed(&playbook, &one, Audience::External, now),
        Some((at("16:20:00"), at("16:20:00")))
    );
    one.updates.insert(RecordId([2; 32]), update(Audience::External, None, at("16:21:00")));
    assert_eq!(due(&playbook, &one, Audience::External), Some(at("15:55:00")));
    let sent = update(Audience::External, Some(at("16:00:00")), at("16:18:00"));
    one.updates.insert(RecordId([3; 32]), sent);
    assert_eq!(due(&playbook, &one, Audience::External), Some(at("16:18:00")));
    // After two hours the interval may double.
    assert_eq!(
        proposed(&playbook, &one, Audience::External, at("18:00:00")),
        Some((at("18:20:00"), at("18:40:00")))
    );
    one.severity = Severity::Sev4;
    assert_eq!(proposed(&playbook, &one, Audience::External, now), None);
    assert_eq!(due(&playbook, &one, Audience::External), Some(at("16:18:00")));
    one.status = Status::Resolved;
    assert_eq!(due(&playbook, &one, Audience::External), None);
    assert!(!needs_promise(Status::Resolved) && needs_promise(Status::Monitoring));
}

#[test]
fn what_is_new_is_shown_line_by_line() {
    let line = |change, text: &str| DiffLine { change, text: text.into() };
    assert_eq!(
        changes("We investigate.\nEurope.", "We have found it.\nEurope.\nNext 16:40"),
        [
            line(Change::Removed, "We investigate."),
            line(Change::Added, "We have found it."),
            line(Change::Same, "Europe."),
            line(Change::Added, "Next 16:40"),
        ]
    );
    assert_eq!(changes(&"a\n".repeat(3_000), "a").len(), 3_001);
    assert_eq!(reading_time(""), Span::ZERO);
    assert_eq!(reading_time(&"word ".repeat(100)), Span::from_secs(30));
}

mod silences {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::domain::{
        MatchOp, Matcher, MatcherSpec, Observation, Operation, Outcome, Silence, SilenceDraft,
        SilenceId, SilenceState, SiteId, SourceId,
    };
    use crate::model::OpenOperation;

    fn silence(id: &str, matchers: &[(&str, MatchOp, &str)], until: Timestamp) -> Silence {
        Silence {
            id: SilenceId::new(id),
            source: SourceId::new("am"),
            site: SiteId::new("eu"),
            matchers: matchers
                .iter()
                .map(|(name, op, value)| {
                    MatcherSpec::from(&Matcher::new(name, *op, value).unwrap())
                })
                .collect(),
            starts_at: at("16:00:00"),
            ends_at: until,
            created_by: "robin".into(),
            comment: "".into(),
            state: SilenceState::Active,
        }
    }

    #[test]
    fn at_resolved_our_own_silences_of_its_services_are_named() {
        let mut model = model(incident(Status::Resolved));
        let (now, late, later) = (at("17:00:00"), at("18:00:00"), at("19:30:00"));
        let silences = vec![
            silence("ours", &[("service", MatchOp::Equal, "checkout")], late),
            silence(
                "wide",
                &[("service", MatchOp::Regex, "ca.*"), ("env", MatchOp::Equal, "prod")],
                later,
            ),
            silence("other", &[("service", MatchOp::Equal, "search")], later),
            silence("theirs", &[("service", MatchOp::Equal, "checkout")], later),
        ];
        for (n, id) in ["ours", "wide", "other"].iter().enumerate() {
            let draft = SilenceDraft {
                matchers: Vec::new(),
                starts_at: now,
                ends_at: late,
                created_by: "robin".into(),
                comment: "".into(),
                replaces: None,
            };
            let operation = OpenOperation {
                by: Actor::new("robin"),
                at: now,
                operation: Operation::Silence { site: SiteId::new("eu"), draft },
                outcome: Some(Outcome::Done { id: Some(SilenceId::new(id)) }),
                attempt: None,
            };
            let record = RecordId([u8::try_from(n).unwrap(); 32]);
            model.journal.operations.insert(record, operation);
        }
        model.observe(&SourceId::new("am"), now, vec![Observation::Silences(silences)]);
        let incident = incident(Status::Resolved);
        let left = leftover_silences(&model, &incident, now);
        let ids: Vec<&str> = left.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(ids, ["wide", "ours"]);
        assert_eq!(
            leftover_sentence(&left, now).unwrap().as_str(),
            "2 silences of ours are still on for another 2h30m and would hide it if this came back; end what is no longer needed."
        );
        assert_eq!(
            leftover_sentence(&left[1..], now).unwrap().as_str(),
            "A silence of ours (service=\"checkout\") is still on for another 1h and would hide it if this came back; end what is no longer needed."
        );
        assert_eq!(leftover_sentence(&[], now), None);
        assert_eq!(leftover_silences(&model, &incident, later), []);
    }
}

proptest! {
    #[test]
    fn any_template_is_filled_or_refused_with_a_place(
        source in prop_oneof![
            "(\\PC|\n){0,80}",
            "(\\{\\{|\\}\\}|\\{%|%\\}| |title|if|for|in|endif|endfor|set|=|\\||~|\\*|9|'|\\(|\\)|ä|\n|x){0,40}",
        ]
    ) {
        match render(&source, &facts_of_example()) {
            Ok(text) => prop_assert!(text.len() <= MOST_BYTES + 32),
            Err(faults) => for fault in faults {
                prop_assert!(fault.line >= 1 && fault.line <= source.matches('\n').count() + 1);
                prop_assert!(fault.column >= 1);
            },
        }
    }

    #[test]
    fn a_comparison_gives_both_texts_back(last in "([ab \n]|ü){0,60}", new in "([ab \n]|ü){0,60}") {
        let lines = changes(&last, &new);
        let side = |skip: Change| -> Vec<String> {
            lines.iter().filter(|line| line.change != skip).map(|line| line.text.clone()).collect()
        };
        let of = |text: &str| -> Vec<String> { text.lines().map(str::to_owned).collect() };
        prop_assert_eq!(side(Change::Added), of(&last));
        prop_assert_eq!(side(Change::Removed), of(&new));
    }
}
