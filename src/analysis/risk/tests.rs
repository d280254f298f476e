//! What makes a change risky, part by part.

use pretty_assertions::assert_eq;
use proptest::prelude::*;

use super::*;
use crate::domain::{ChangeKey, ChangeSize, SafeText, ServiceId, SourceId, Timestamp};

const DAY: Span = Span::from_hours(24);

fn at(days: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + days * DAY.millis())
}

fn change(id: &str, day: i64, author: &str) -> Change {
    Change {
        key: ChangeKey { source: SourceId::new("git"), id: id.into() },
        at: at(day),
        kind: ChangeKind::Deploy,
        service: Some(ServiceId::new("checkout")),
        title: id.into(),
        author: author.into(),
        reviewed: Reviewed::Unknown,
        before: "".into(),
        after: "".into(),
        state: ChangeState::Unknown,
        size: None,
        with: Vec::new(),
        url: "".into(),
    }
}

fn sized(added: u32, files: u32) -> Option<ChangeSize> {
    Some(ChangeSize { added, deleted: 7, paths: Vec::new(), files })
}

fn told(risk: &Risk) -> Vec<(&str, Option<u32>, &str)> {
    let each = risk.terms.iter();
    each.map(|term| (term.part.name(), term.points, term.reason.as_str())).collect()
}

#[test]
fn a_large_migration_by_a_newcomer_in_a_freeze_is_of_high_risk_and_says_why() {
    let mut new = change("v4", 40, "Mia");
    (new.kind, new.reviewed, new.size) = (ChangeKind::Migration, Reviewed::No, sized(500, 20));
    let mut known = vec![new.clone(), change("v1", 5, "Jo"), change("v2", 20, "Jo")];
    // Longer ago than 30 days: not held against it.
    known[1].state = ChangeState::Failed;
    known[2].state = ChangeState::Undone;
    let freeze = Freeze { title: "sales".into(), from: at(40), to: at(41) };
    let risk = risk(&new, &known, &[freeze]);
    assert_eq!(
        told(&risk),
        [
            ("size", Some(37), "It adds 500 lines."),
            ("diffusion", Some(9), "It touches 20 files."),
            (
                "experience",
                Some(5),
                "Its author made none of the known earlier changes of this service."
            ),
            ("review", Some(5), "Nobody reviewed it."),
            ("freeze", Some(10), "It was made in a freeze (sales)."),
            ("kind", Some(10), "It changes the form of data, which code alone cannot take back."),
            (
                "failures",
                Some(5),
                "1 change of this service failed or went back in the 30 days before."
            ),
        ]
    );
    assert_eq!((risk.points, risk.level), (81, Some(RiskLevel::High)));
}

#[test]
fn a_small_reviewed_change_by_who_knows_the_service_is_of_low_risk() {
    let mut new = change("v4", 40, "Jo");
    (new.size, new.reviewed) = (sized(1, 1), Reviewed::By(vec!["Mia".into()]));
    let mut before = change("v3", 39, "Jo");
    before.state = ChangeState::Done;
    let freeze = Freeze { title: "over".into(), from: at(39), to: at(40) };
    let risk = risk(&new, [&before], &[freeze]);
    let points: Vec<Option<u32>> = risk.terms.iter().map(|term| term.points).collect();
    assert_eq!(points, [Some(4), Some(2), Some(0), Some(0), Some(0), Some(0), Some(0)]);
    assert_eq!((risk.points, risk.level), (6, Some(RiskLevel::Low)));
    assert_eq!(risk.terms[2].reason, "Its author made 1 known earlier change of this service.");
}

#[test]
fn what_is_not_known_has_no_points_and_leaves_the_level_open() {
    let mut new = change("v4", 40, "");
    new.service = None;
    let risk = risk(&new, [&change("v3", 39, "Jo")], &[]);
    let points: Vec<Option<u32>> = risk.terms.iter().map(|term| term.points).collect();
    assert_eq!(points, [None, None, None, None, Some(0), Some(0), None]);
    assert_eq!((risk.points, risk.level), (0, None));
}

#[test]
fn the_author_alone_is_no_second_person() {
    let of = |reviewed| {
        let one = Change { reviewed, ..change("v4", 40, "Jo") };
        risk(&one, [], &[]).terms[3].points
    };
    let by = |names: &[&str]| Reviewed::By(names.iter().map(|name| SafeText::new(name)).collect());
    assert_eq!(of(by(&["Jo"])), Some(5));
    assert_eq!(of(by(&[])), Some(5));
    assert_eq!(of(by(&["Jo", "Mia"])), Some(0));
    assert_eq!(of(Reviewed::Unknown), None);
}

#[test]
fn failures_of_others_or_later_ones_do_not_count_and_many_count_so_much() {
    let failed = |id: &str, day| Change { state: ChangeState::Failed, ..change(id, day, "Jo") };
    let new = change("v9", 40, "Jo");
    let other = Change { service: Some(ServiceId::new("cart")), ..failed("c", 39) };
    let points = |known: &[Change]| risk(&new, known, &[]).terms[6].points;
    assert_eq!(points(&[other, failed("later", 41)]), None);
    assert_eq!(points(&[failed("a", 39), failed("b", 38)]), Some(10));
    let many: Vec<Change> = (0..9).map(|n| failed(&n.to_string(), 30 + n)).collect();
    assert_eq!(points(&many), Some(15));
}

proptest! {
    #[test]
    fn the_sum_is_its_parts_and_grows_with_the_change(added: u32, files: u32, more: u32) {
        let of = |added| risk(&Change { size: sized(added, files), ..change("v", 1, "Jo") }, [], &[]);
        let small = of(added);
        let sum: u32 = small.terms.iter().filter_map(|term| term.points).sum();
        prop_assert_eq!(small.points, sum);
        prop_assert!(of(added.saturating_add(more)).points >= small.points);
    }
}
