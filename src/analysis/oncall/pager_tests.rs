//! A pager's plan between the playbook's overrides and rotations.

use pretty_assertions::assert_eq;
use proptest::prelude::*;

use super::*;
use crate::domain::{Override, PagerPlan, PagerShift, SourceId};

fn at(minute: i64) -> Timestamp {
    Timestamp::from_millis(1_763_800_000_000).plus(Span::from_mins(minute))
}

fn shift(level: u32, person: &str, from: Option<i64>, until: Option<i64>) -> PagerShift {
    let phone = Some(SafeText::new("+49 30 555"));
    let (from, until) = (from.map(at), until.map(at));
    PagerShift { level, person: person.into(), mail: "".into(), phone, from, until }
}

/// Told at minute 0 for the next 100; robin's rotation is always on.
fn team(shifts: Vec<PagerShift>) -> Team {
    let pager = SourceId::new("pd");
    let rotation = Rotation {
        people: vec!["robin".into()],
        from: "2025-01-01T00:00:00".parse().unwrap(),
        days: 7,
        zone: chrono_tz::UTC,
    };
    Team {
        rotations: vec![rotation],
        overrides: vec![Override { person: "max".into(), from: at(10), to: at(20) }],
        plan: Some(PagerPlan { source: pager.clone(), at: at(0), until: at(100), shifts }),
        pager: Some(pager),
        ..Team::default()
    }
}

fn who(team: &Team, minute: i64) -> (String, bool) {
    let shift = on_call(team, at(minute)).unwrap();
    (shift.person.to_string(), shift.told == Some(at(0)))
}

#[test]
fn an_override_wins_over_the_pager_and_the_pager_over_the_rotation() {
    let mut team = team(vec![
        shift(1, "ann", Some(-5), Some(30)),
        shift(1, "bob", Some(40), None),
        shift(2, "eve", None, None),
    ]);
    let course = |team: &Team| [5, 15, 25, 35, 45, 99, 100].map(|minute| who(team, minute));
    let told = |person: &str| (person.to_owned(), true);
    let ours = |person: &str| (person.to_owned(), false);
    assert_eq!(
        course(&team),
        // The first level is not there for ten minutes: the second is called. Beyond what was asked for, the
        // pager says nothing, not even of a shift without an end.
        [
            told("ann"),
            ours("max"),
            told("ann"),
            told("eve"),
            told("bob"),
            told("bob"),
            ours("robin")
        ]
    );
    assert_eq!(next_change(&team, at(25)), Some((at(30), Some("eve".into()))));
    assert_eq!(next_change(&team, at(50)), Some((at(100), Some("robin".into()))));
    // A plan of another source than the playbook names does not count.
    team.pager = Some(SourceId::new("other"));
    assert_eq!(who(&team, 5), ours("robin"));
}

#[test]
fn whoever_the_pager_names_is_called_by_its_number_where_the_playbook_has_none() {
    let id = TeamId::new("payments");
    let mut playbook = Playbook::default();
    playbook.teams.insert(id.clone(), team(vec![shift(1, "ann", None, None)]));
    let call = |playbook: &Playbook| match stand(playbook, &id, at(5), &[], at(5)) {
        Stand::Open { due, .. } => due.first().map(|c| (c.whom.clone(), c.phone.to_string())),
        other => panic!("{other:?}"),
    };
    assert_eq!(call(&playbook), Some((Some("ann".into()), "+49 30 555".to_owned())));
    let ours = Contact { phone: "+49 30 1".into(), ..Contact::default() };
    playbook.people.insert("ann".into(), ours);
    assert_eq!(call(&playbook), Some((Some("ann".into()), "+49 30 1".to_owned())));
}

proptest! {
    #[test]
    fn whoever_a_plan_names_is_of_the_lowest_level_that_covers_the_moment(
        mut given in prop::collection::vec((1..4u32, -50..150i64, 0..80i64), 0..12),
        minute in 20..200i64,
    ) {
        given.sort();
        let shifts: Vec<PagerShift> = given
            .iter()
            .map(|(level, from, long)| shift(*level, &format!("p{level}"), Some(*from), Some(from + long)))
            .collect();
        let covering = given.iter().filter(|(_, from, long)| {
            minute < 100 && *from <= minute && minute < from + long
        });
        let expected = covering.map(|(level, ..)| *level).min();
        let expected = expected.map_or(("robin".to_owned(), false), |l| (format!("p{l}"), true));
        prop_assert_eq!(who(&team(shifts), minute), expected);
    }
}
