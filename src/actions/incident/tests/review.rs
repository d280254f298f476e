//! The review: sections, causes, follow-ups with their checks, and its end.

use pretty_assertions::assert_eq;

use super::*;
use crate::actions::{Found, deadline};
use crate::domain::{
    Check, Operation, Priority, ReviewSection, Status, TicketAct, TicketRef, TicketSeen,
};
use crate::eventlog::{FollowUpMoved, FollowUpStep, TicketChanged};
use crate::model::incidents::FollowUp;

fn follow_up(story: &Story, check: Option<Check>) -> Doing {
    Doing::FollowUp {
        text: "a breaker at the payment call".into(),
        owner: Some(Actor::new("bob")),
        due: deadline(Priority::High, story.now),
        priority: Priority::High,
        check,
        mends: None,
    }
}

fn moved(follow_up: RecordId, step: FollowUpStep, note: &str) -> Doing {
    Doing::MoveFollowUp { follow_up, step, note: note.into() }
}

fn word() -> Option<Check> {
    Some(Check::Word { what: "the breaker opens in the drill".into() })
}

fn query() -> Option<Check> {
    Some(Check::Query { expr: "breaker_configured == bool 1".into() })
}

fn of(story: &Story, id: RecordId) -> &FollowUp {
    &story.incident().review.follow_ups[&id]
}

#[test]
fn a_follow_up_with_a_query_is_done_only_after_a_source_said_yes() {
    let mut story = Story::declared();
    let id = story.record("alice", &follow_up(&story, query()));
    let done = moved(id, FollowUpStep::Done, "");
    assert_eq!(
        story.refuses("bob", &done),
        refusal(
            Rule::Approval,
            "“a breaker at the payment call” is not done before its check passed: the query \
             `breaker_configured == bool 1` has to hold. Have it looked at."
        )
    );
    // Nobody says so instead of the source, not even by the record itself.
    let claim = Doing::CheckFollowUp {
        follow_up: id,
        found: Found::Word { holds: true, seen: "it is fine".into() },
    };
    assert_eq!(story.refuses("carol", &claim).0, Rule::Approval);
    let step = FollowUpStep::Checked(true, "yes".into());
    assert_eq!(story.refuses("carol", &moved(id, step, "")).0, Rule::Approval);
    let samples = |values: &[f64]| Doing::CheckFollowUp {
        follow_up: id,
        found: Found::Samples { source: "prom".into(), values: values.to_vec() },
    };
    for (values, seen) in [
        (&[][..], "prom has no sample for it"),
        (&[0.0], "prom says 0"),
        (&[1.0, f64::NAN], "prom says no in 1 of 2 series"),
    ] {
        story.does("bob", &samples(values));
        let (holds, said, _) = of(&story, id).checked.clone().unwrap();
        assert_eq!((holds, said.as_str()), (false, seen));
    }
    assert!(story.refuses("bob", &done).1.contains("the last look found: prom says no in 1 of 2"));
    story.does("bob", &samples(&[1.0, 1.0]));
    story.does("bob", &done);
    assert!(matches!(of(&story, id).ended, Some((_, true, _))));
    // Taken up again, it has to be proven again.
    story.does("bob", &moved(id, FollowUpStep::Reopened, "it opened for nothing"));
    assert_eq!(story.refuses("bob", &done).0, Rule::Approval);
}

#[test]
fn a_word_is_somebody_elses() {
    let mut story = Story::declared();
    let id = story.record("alice", &follow_up(&story, word()));
    let vouch = Doing::CheckFollowUp {
        follow_up: id,
        found: Found::Word { holds: true, seen: "seen in the drill".into() },
    };
    assert_eq!(
        story.refuses("bob", &vouch),
        refusal(Rule::Approval, "You have this follow-up; somebody else has to vouch for it.")
    );
    // A record that says so all the same changes nothing.
    let checked = FollowUpStep::Checked(true, "trust me".into());
    story.writes("bob", FollowUpMoved { follow_up: id, step: checked, note: "".into() });
    assert_eq!(of(&story, id).checked, None);
    story.does("carol", &vouch);
    story.does("bob", &moved(id, FollowUpStep::Done, "merged"));
    assert!(of(&story, id).ended.is_some());
}

#[test]
fn a_review_is_finished_when_it_says_something_and_what_is_urgent_has_somebody() {
    let mut story = Story::declared();
    let finish = Doing::FinishReview(String::new());
    assert_eq!(
        story.refuses("alice", &finish),
        refusal(
            Rule::NotLive,
            "INC-7KQ4M is investigating. Its review is finished after it is resolved."
        )
    );
    story.does("alice", &Doing::Status(Status::Resolved, "gone".into()));
    assert_eq!(
        story.refuses("alice", &finish),
        refusal(
            Rule::Empty,
            "These sections say nothing yet: Contributing factors, What went well, What was hard. Write \
             them first."
        )
    );
    let cause = Doing::FindCause {
        parent: None,
        category: None,
        text: "the limit was not monitored".into(),
        evidence: Vec::new(),
    };
    let cause = story.record("alice", &cause);
    for section in [ReviewSection::WentWell, ReviewSection::WasHard] {
        story.does("alice", &Doing::WriteSection(section, "Something.".into()));
    }
    assert_eq!(
        story
            .refuses("alice", &Doing::WriteSection(ReviewSection::WasHard, " Something. ".into()))
            .0,
        Rule::Same
    );
    let nobodys = Doing::FollowUp {
        text: "watch the limit".into(),
        owner: None,
        due: deadline(Priority::High, story.now),
        priority: Priority::High,
        check: None,
        mends: Some(cause),
    };
    let id = story.record("alice", &nobodys);
    assert_eq!(
        story.refuses("alice", &finish).1,
        "The follow-up “watch the limit” is of high priority and needs an owner first."
    );
    story.does("alice", &moved(id, FollowUpStep::Given(Actor::new("dan")), ""));
    story.now = story.now.plus(Span::from_days(8));
    assert_eq!(
        story.refuses("alice", &finish).1,
        "The follow-up “watch the limit” is of high priority and needs a deadline that is ahead first."
    );
    let late = story.model.incidents.overdue_follow_ups(story.now);
    assert_eq!(late.iter().map(|(_, id, _)| *id).collect::<Vec<_>>(), [id]);
    let later = FollowUpStep::Extended(story.after(60));
    assert_eq!(story.refuses("alice", &moved(id, later.clone(), "")).0, Rule::Empty);
    story.does("alice", &moved(id, later, "waits for the supplier"));
    story.does("alice", &finish);
    assert_eq!(story.refuses("bob", &finish).0, Rule::Same);
}

#[test]
fn a_cause_goes_with_what_hangs_on_it() {
    let mut story = Story::declared();
    let find = |parent, text: &str| Doing::FindCause {
        parent,
        category: None,
        text: text.into(),
        evidence: Vec::new(),
    };
    let top = story.record("alice", &find(None, "the pool was full"));
    let why = story.record("alice", &find(Some(top), "the limit was of last year"));
    story.record("alice", &find(Some(why), "nobody owns it"));
    assert_eq!(story.refuses("bob", &find(None, "the pool was full")).0, Rule::Same);
    assert_eq!(story.refuses("bob", &find(Some(id_of(b"x")), "x")).0, Rule::NoSuch);
    let mut deepest = top;
    for depth in 0..11 {
        deepest = story.record("alice", &find(Some(deepest), &format!("why {depth}")));
    }
    assert_eq!(story.refuses("alice", &find(Some(deepest), "deeper")).0, Rule::TooLong);
    let reason = String::new();
    assert_eq!(story.refuses("bob", &Doing::WithdrawCause { cause: top, reason }).0, Rule::Empty);
    let reason = "another pool".into();
    story.does("bob", &Doing::WithdrawCause { cause: top, reason });
    assert_eq!(story.incident().review.causes, BTreeMap::new());
}

#[test]
fn a_follow_up_and_its_ticket_move_each_other() {
    let mut story = Story::declared().with_playbook();
    let id = story.record("alice", &follow_up(&story, None));
    let tracker = TrackerId::new("github");
    let asked =
        story.does("alice", &Doing::TrackFollowUp { follow_up: id, tracker: tracker.clone() });
    let Some(LogEvent::OperationRequested {
        operation: Operation::Ticket { act: TicketAct::FollowUp { of: mark, body, .. }, .. },
    }) = &asked[0].event
    else {
        panic!("{asked:?}")
    };
    assert_eq!(RecordId::parse(mark), Some(id));
    // Whoever asks again, since nothing is to be seen yet, does not get a second one.
    let again = Doing::TrackFollowUp { follow_up: id, tracker: tracker.clone() };
    let (rule, why) = story.refuses("bob", &again);
    assert!(rule == Rule::Same && why.contains("is on its way"), "{why}");
    assert_eq!(
        body.as_str(),
        "Follow-up of INC-7KQ4M checkout: cards declined.\n\nOwner: bob\nDue: 2026-11-29\nPriority: high"
    );
    let ticket = TicketRef { tracker: tracker.clone(), key: "42".into() };
    story.writes(
        "alice",
        FollowUpMoved {
            follow_up: id,
            step: FollowUpStep::Tracked(ticket.clone()),
            note: "".into(),
        },
    );
    let followed = story.model.incidents.followed_tickets();
    assert_eq!(followed, [(story.id.clone(), ticket.clone())]);
    // A console that found it, too, after a crash tells nothing new.
    let step = FollowUpStep::Tracked(ticket.clone());
    story.writes("bob", FollowUpMoved { follow_up: id, step, note: "".into() });
    let lines = story.incident().timeline.iter();
    let told = lines.filter(|line| line.text.ends_with("is github 42")).count();
    assert_eq!(told, 1);
    let seen = |state: &str, done, version: &str| TicketChanged {
        seen: TicketSeen {
            ticket: ticket.clone(),
            url: "https://tracker.example/42".into(),
            state: state.into(),
            done: Some(done),
            comments: Vec::new(),
            version: version.into(),
        },
    };
    story.writes("alice", seen("closed", true, "1"));
    assert!(matches!(of(&story, id).ended, Some((_, true, _))));
    story.writes("alice", seen("open", false, "2"));
    assert_eq!(of(&story, id).ended, None);
    assert_eq!(story.incident().tickets, BTreeMap::new(), "it is not the incident's ticket");
    let told = |story: &mut Story, doing: &Doing| -> Vec<TicketAct> {
        let events = story.does("bob", doing).into_iter().filter_map(|record| record.event);
        events
            .filter_map(|event| match event {
                LogEvent::OperationRequested { operation: Operation::Ticket { act, .. } } => {
                    Some(act)
                }
                _ => None,
            })
            .collect()
    };
    let given = told(&mut story, &moved(id, FollowUpStep::Given(Actor::new("carol")), ""));
    let body = "bob gave this to carol.".into();
    assert_eq!(given, [TicketAct::Comment { ticket: ticket.clone(), body }]);
    let done = told(&mut story, &moved(id, FollowUpStep::Done, "merged"));
    let (to, note) = (Status::Resolved, "merged".into());
    assert_eq!(done, [TicketAct::Transition { ticket: ticket.clone(), to, note }]);
    // It was ended here, so that the tracker's word no longer opens it.
    story.writes("alice", seen("open", false, "3"));
    assert!(of(&story, id).ended.is_some());
}

#[test]
fn a_ticket_that_is_closed_does_not_prove_a_check() {
    let mut story = Story::declared().with_playbook();
    let id = story.record("alice", &follow_up(&story, query()));
    let ticket = TicketRef { tracker: TrackerId::new("github"), key: "42".into() };
    let step = FollowUpStep::Tracked(ticket.clone());
    story.writes("alice", FollowUpMoved { follow_up: id, step, note: "".into() });
    let seen = TicketSeen {
        ticket,
        url: "".into(),
        state: "closed".into(),
        done: Some(true),
        comments: Vec::new(),
        version: "1".into(),
    };
    story.writes("alice", TicketChanged { seen });
    assert_eq!(of(&story, id).ended, None);
    let last = story.incident().timeline.iter().last().unwrap();
    assert_eq!(
        last.text.as_str(),
        "ticket github 42 is closed; the follow-up \"a breaker at the payment call\" stays open, its check \
         has not passed"
    );
}
