//! Shifts across daylight saving, overrides, gaps, and escalations step by step.

use chrono::NaiveDateTime;
use pretty_assertions::assert_eq;
use proptest::prelude::*;

use super::*;
use crate::domain::{Channel, Override};

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn berlin(people: &[&str], from: &str, days: u32) -> Rotation {
    Rotation {
        people: people.iter().map(|name| SafeText::new(name)).collect(),
        from: from.parse().unwrap(),
        days,
        zone: chrono_tz::Europe::Berlin,
    }
}

fn who(team: &Team, moment: &str) -> Option<String> {
    on_call(team, at(moment)).map(|shift| shift.person.to_string())
}

fn payments() -> Team {
    Team {
        rotations: vec![berlin(&["robin", "kim", "ann"], "2026-10-19T09:00:00", 7)],
        overrides: vec![Override {
            person: "max".into(),
            from: at("2026-10-21T16:00:00Z"),
            to: at("2026-10-22T16:00:00Z"),
        }],
        ..Team::default()
    }
}

#[test]
fn shifts_change_at_nine_before_and_after_the_clock_goes_back() {
    let team = payments();
    for (moment, person) in [
        ("2026-10-19T06:59:59Z", None),
        ("2026-10-19T07:00:00Z", Some("robin")),
        // Summer time ends on 25 October: nine o'clock is at eight by UTC from then on.
        ("2026-10-26T07:59:59Z", Some("robin")),
        ("2026-10-26T08:00:00Z", Some("kim")),
        ("2026-11-02T08:00:00Z", Some("ann")),
        ("2026-11-09T08:00:00Z", Some("robin")),
        // And begins again on 28 March.
        ("2027-03-29T06:59:59Z", Some("kim")),
        ("2027-03-29T07:00:00Z", Some("ann")),
    ] {
        assert_eq!(who(&team, moment).as_deref(), person, "{moment}");
    }
    let long = turn(&team.rotations[0], at("2026-10-20T00:00:00Z")).unwrap();
    assert_eq!(long.until.since(long.from), Span::from_hours(169));
}

#[test]
fn who_stands_in_wins_and_the_next_change_is_told() {
    let team = payments();
    assert_eq!(who(&team, "2026-10-21T15:59:59Z").as_deref(), Some("robin"));
    assert_eq!(who(&team, "2026-10-21T16:00:00Z").as_deref(), Some("max"));
    assert_eq!(who(&team, "2026-10-22T16:00:00Z").as_deref(), Some("robin"));
    let next = |moment| next_change(&team, at(moment)).map(|(at, who)| (at.rfc3339(), who));
    assert_eq!(
        next("2026-10-20T00:00:00Z"),
        Some(("2026-10-21T16:00:00.000Z".into(), Some("max".into())))
    );
    assert_eq!(
        next("2026-10-22T20:00:00Z"),
        Some(("2026-10-26T08:00:00.000Z".into(), Some("kim".into())))
    );
    assert_eq!(
        next("2026-10-01T00:00:00Z"),
        Some(("2026-10-19T07:00:00.000Z".into(), Some("robin".into())))
    );
}

#[test]
fn nobody_and_always_the_same_are_said_as_such() {
    let alone =
        Team { rotations: vec![berlin(&["robin"], "2026-10-19T09:00:00", 1)], ..Team::default() };
    assert_eq!(next_change(&alone, at("2026-10-20T00:00:00Z")), None);
    let empty = Team::default();
    assert_eq!(
        (
            on_call(&empty, at("2026-10-20T00:00:00Z")),
            next_change(&empty, at("2026-10-20T00:00:00Z"))
        ),
        (None, None)
    );
    let one_day = Team { overrides: payments().overrides, ..Team::default() };
    let gap = next_change(&one_day, at("2026-10-21T20:00:00Z"));
    assert_eq!(gap, Some((at("2026-10-22T16:00:00Z"), None)));
    for edge in [i64::MIN, i64::MAX] {
        assert_eq!(on_call(&payments(), Timestamp::from_millis(edge)), None);
        assert_eq!(next_change(&alone, Timestamp::from_millis(edge)).is_some(), edge < 0);
    }
}

fn playbook() -> Playbook {
    let contact = |text: &str| Contact {
        phone: SafeText::new(&format!("+{text}")),
        at: [(ChannelId::new("text"), SafeText::new(text))].into(),
    };
    let step = |after, whom, by: &[&str]| EscalationStep {
        after: Span::from_mins(after),
        whom,
        by: by.iter().map(|id| ChannelId::new(id)).collect(),
    };
    let mut team = payments();
    team.escalation = vec![
        step(0, Whom::OnCall, &["text", "push"]),
        step(10, Whom::Person("ann".into()), &["text"]),
        step(20, Whom::Team(TeamId::new("nobody")), &["push"]),
        step(30, Whom::Person("kim".into()), &[]),
    ];
    let channel = |id: &str, kind| Channel {
        id: ChannelId::new(id),
        kind,
        audiences: Vec::new(),
        fallback: None,
    };
    Playbook {
        people: ["robin", "kim", "ann"].map(|name| (SafeText::new(name), contact(name))).into(),
        teams: [(TeamId::new("payments"), team), (TeamId::new("nobody"), Team::default())].into(),
        channels: vec![channel("text", "sms"), channel("push", "ntfy")],
        ..Playbook::default()
    }
}

/// Steps due now, and the next, as `step:person`.
fn told(paged: &[Paged], minutes: i64) -> (Vec<String>, Option<String>) {
    let start = at("2026-10-20T10:00:00Z");
    let now = start.plus(Span::from_mins(minutes));
    let name = |call: &Call| {
        let whom = call.whom.as_ref().map_or("nobody", |whom| whom.as_str());
        format!("{}:{whom} at {}", call.step, call.at.since(start))
    };
    match stand(&playbook(), &TeamId::new("payments"), start, paged, now) {
        Stand::Answered { whom, .. } => (vec![format!("{whom} is coming")], None),
        Stand::Exhausted => (vec!["exhausted".into()], None),
        Stand::Open { due, next } => (due.iter().map(name).collect(), next.as_ref().map(name)),
    }
}

fn paged(step: u16, whom: &str, at_minute: i64, answer: Option<(i64, bool)>) -> Paged {
    let start = at("2026-10-20T10:00:00Z");
    let minute = |m| start.plus(Span::from_mins(m));
    Paged {
        step,
        whom: whom.into(),
        at: minute(at_minute),
        answer: answer.map(|(m, coming)| (minute(m), coming)),
    }
}

#[test]
fn an_escalation_goes_on_until_somebody_is_coming() {
    let due = |due: &[&str], next: Option<&str>| {
        (due.iter().map(ToString::to_string).collect::<Vec<_>>(), next.map(str::to_owned))
    };
    assert_eq!(told(&[], 0), due(&["0:robin at 0s"], Some("1:ann at 10m")));
    let first = paged(0, "robin", 0, None);
    assert_eq!(told(std::slice::from_ref(&first), 5), due(&[], Some("1:ann at 10m")));
    assert_eq!(
        told(std::slice::from_ref(&first), 10),
        due(&["1:ann at 10m"], Some("2:nobody at 20m"))
    );
    // Nobody is on call there, so the step after it does not wait.
    let second = paged(1, "ann", 10, None);
    let both = [first, second];
    assert_eq!(told(&both, 20), due(&["2:nobody at 20m", "3:kim at 20m"], None));
    // A refusal brings the next step forward.
    let refused = [paged(0, "robin", 0, Some((3, false)))];
    assert_eq!(told(&refused, 3), due(&["1:ann at 3m"], Some("2:nobody at 13m")));
    // Whoever has refused is not called again.
    let ann = [paged(0, "ann", 0, Some((1, false)))];
    assert_eq!(told(&ann, 1), due(&[], Some("2:nobody at 11m")));
    let coming = [paged(0, "robin", 0, Some((3, false))), paged(1, "ann", 3, Some((4, true)))];
    assert_eq!(told(&coming, 60), due(&["ann is coming"], None));
    let all = [paged(0, "robin", 0, Some((1, false))), paged(3, "kim", 2, Some((4, false)))];
    assert_eq!(told(&all, 60), due(&["exhausted"], None));
    // Who has not said no may still come.
    let waiting = [paged(0, "robin", 0, Some((1, false))), paged(3, "kim", 2, None)];
    assert_eq!(told(&waiting, 60), due(&[], None));
}

#[test]
fn a_person_is_called_where_the_person_has_an_address() {
    let playbook = playbook();
    let robin = &playbook.people["robin"];
    let id = ChannelId::new;
    let text = (id("text"), Some("robin".into()));
    assert_eq!(
        ways(&playbook, robin, &[id("text"), id("push")]),
        [text.clone(), (id("push"), None)]
    );
    assert_eq!(ways(&playbook, robin, &[]), [text]);
    let unknown = Contact::default();
    assert_eq!(ways(&playbook, &unknown, &[id("text"), id("push")]), [(id("push"), None)]);
    assert_eq!(ways(&playbook, &unknown, &[id("text")]), [(id("text"), None)]);
}

fn any_rotation() -> impl Strategy<Value = Rotation> {
    let zones = prop_oneof![
        Just(chrono_tz::Europe::Berlin),
        Just(chrono_tz::America::New_York),
        Just(chrono_tz::Australia::Lord_Howe),
        Just(chrono_tz::Pacific::Apia),
        Just(chrono_tz::Africa::Cairo),
        Just(chrono_tz::UTC),
    ];
    (1usize..5, 1u32..15, zones, 0i64..86_400, 0i64..4_000).prop_map(
        |(people, days, zone, second, day)| Rotation {
            people: (0..people).map(|n| SafeText::new(&format!("p{n}"))).collect(),
            from: NaiveDateTime::parse_from_str("2010-01-01T00:00:00", "%Y-%m-%dT%H:%M:%S")
                .unwrap()
                + chrono::TimeDelta::days(day)
                + chrono::TimeDelta::seconds(second),
            days,
            zone,
        },
    )
}

/// Moments from 2009 to 2030.
fn moment() -> impl Strategy<Value = Timestamp> {
    (1_230_000_000_000i64..1_900_000_000_000).prop_map(Timestamp::from_millis)
}

proptest! {
    #[test]
    fn every_moment_of_a_rotation_has_its_one_person(rotation in any_rotation(), at in moment()) {
        let begins = Timestamp::at_wall(rotation.from, rotation.zone);
        let Some(shift) = turn(&rotation, at) else {
            prop_assert!(at < begins);
            return Ok(());
        };
        prop_assert!(at >= begins && shift.from <= at && at < shift.until);
        // All of the shift is the same shift, and what follows is the next person's, without a gap.
        let last = Timestamp::from_millis(shift.until.millis() - 1);
        prop_assert_eq!(turn(&rotation, shift.from), Some(shift.clone()));
        prop_assert_eq!(turn(&rotation, last), Some(shift.clone()));
        let next = turn(&rotation, shift.until).unwrap();
        prop_assert!(next.from == shift.until);
        // Stable across changes of the clock: within a day of its nominal length (Apia skipped one).
        let length = shift.until.since(shift.from);
        let nominal = Span::from_days(i64::from(rotation.days));
        let off = length.millis() - nominal.millis();
        prop_assert!(off.abs() <= Span::from_days(1).millis(), "{}", length);
    }

    #[test]
    fn overrides_win_and_changes_are_changes(
        rotation in any_rotation(), at in moment(), spans in proptest::collection::vec((-500_000_000i64..500_000_000, 1i64..900_000_000), 0..4),
    ) {
        let overrides: Vec<Override> = spans.iter().enumerate().map(|(n, (from, length))| {
            let from = at.plus(Span::from_millis(*from));
            Override { person: SafeText::new(&format!("o{n}")), from, to: from.plus(Span::from_millis(*length)) }
        }).collect();
        let team = Team { rotations: vec![rotation.clone()], overrides, ..Team::default() };
        let now = on_call(&team, at);
        let covering = team.overrides.iter().rev().find(|o| o.from <= at && at < o.to);
        match covering {
            Some(entry) => prop_assert_eq!(&now.as_ref().unwrap().person, &entry.person),
            None => prop_assert_eq!(&now, &turn(&rotation, at)),
        }
        let person = |at| on_call(&team, at).map(|shift| shift.person);
        if let Some((then, whom)) = next_change(&team, at) {
            prop_assert!(then > at);
            prop_assert_eq!(&person(then), &whom);
            prop_assert_ne!(&person(at), &whom);
            prop_assert_eq!(person(Timestamp::from_millis(then.millis() - 1)), person(at));
        }
    }
}
