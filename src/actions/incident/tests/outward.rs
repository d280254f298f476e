//! What leaves the console: updates, approvals, calls; and who may.

use pretty_assertions::assert_eq;

use super::*;
use crate::actions::escalations;
use crate::domain::{Message, Operation, Purpose, Status};
use crate::eventlog::{PageSent, UpdatePublished};

const ALL: &[Power] = &Power::ALL;

fn update(story: &Story, audience: Audience, channel: &str) -> Doing {
    Doing::Update {
        audience,
        subject: "Cards are declined".into(),
        body: "Some cards are declined since 13:50 UTC.".into(),
        channels: vec![ChannelId::new(channel)],
        next: story.after(20),
    }
}

#[test]
fn an_update_is_published_once_with_one_message_per_channel() {
    let mut story = Story::declared().with_playbook();
    assert_eq!(
        story.refuses("alice", &update(&story, Audience::Internal, "page")).1,
        "The channel page is read outside, and this update is internal. Leave the channel out, or write an \
         external update."
    );
    assert_eq!(
        story.refuses("alice", &update(&story, Audience::Internal, "fax")).1,
        "There is no channel fax; known are chat, page, push."
    );
    let proposal = update(&story, Audience::Internal, "chat");
    let id = story.record("alice", &proposal);
    let events: Vec<LogEvent> = story
        .does("alice", &Doing::Publish(id))
        .into_iter()
        .filter_map(|record| record.event)
        .collect();
    let published = LogEvent::Incident {
        incident: story.id.clone(),
        event: UpdatePublished { update: id }.into(),
    };
    let message = Message {
        incident: Some(story.id.clone()),
        purpose: Purpose::Update(Audience::Internal),
        channel: ChannelId::new("chat"),
        to: vec![],
        subject: "Cards are declined".into(),
        body: "Some cards are declined since 13:50 UTC.".into(),
        severity: Some(Severity::Sev2),
        status: Some(Status::Investigating),
    };
    let send = LogEvent::OperationRequested { operation: Operation::Send(message) };
    assert_eq!(events, [published, send]);
    assert_eq!(
        story.refuses("bob", &Doing::Publish(id)).1,
        "“Cards are declined” went out at 14:02 UTC. Write another update."
    );
}

#[test]
fn what_goes_outside_needs_a_second_person() {
    let mut story = Story::new().with_policy(&[
        ("alice", ALL),
        ("bob", ALL),
        ("dan", &[Power::Write, Power::Declare, Power::Command]),
    ]);
    story = story.with_playbook();
    story.does("alice", &story.declare());
    let proposal = update(&story, Audience::External, "page");
    let id = story.record("alice", &proposal);
    let answer =
        |approved, note: &str| Doing::AnswerUpdate { update: id, approved, note: note.into() };
    assert_eq!(
        story.refuses("alice", &Doing::Publish(id)),
        refusal(
            Rule::Approval,
            "“Cards are declined” goes outside, so a second person has to approve it first. alice and bob \
             have it."
        )
    );
    assert_eq!(
        story.refuses("alice", &answer(true, "")).1,
        "You wrote this update; somebody else has to approve it."
    );
    assert_eq!(
        story.refuses("dan", &answer(true, "")),
        refusal(
            Rule::Denied,
            "This needs the power `approve`, which the policy does not give to dan. alice and bob have it."
        )
    );
    // Carol's key is unknown to the policy.
    assert_eq!(story.refuses("carol", &answer(true, "")).0, Rule::Denied);
    // Bob's name typed at Alice's console proves nothing.
    let shared = Writer { actor: Actor::new("bob"), key: key_of("alice") };
    let refused = decide_incident(&story.model, &shared, &story.id, &answer(true, ""), story.now);
    assert_eq!(refused.unwrap_err().rule, Rule::NotYours);

    story.does("bob", &answer(false, "names a customer"));
    assert_eq!(
        story.refuses("alice", &Doing::Publish(id)).1,
        "bob says that this update must not go out: names a customer. Write it anew, or ask them to approve \
         it."
    );
    story.does("bob", &answer(true, ""));
    assert_eq!(story.does("alice", &Doing::Publish(id)).len(), 2);
}

#[test]
fn an_approval_by_a_key_revoked_since_no_longer_counts() {
    let mut story = Story::new().with_policy(&[("alice", ALL), ("bob", ALL)]).with_playbook();
    story.does("alice", &story.declare());
    let proposal = update(&story, Audience::External, "page");
    let id = story.record("alice", &proposal);
    story.does("bob", &Doing::AnswerUpdate { update: id, approved: true, note: String::new() });
    assert!(story.decide("alice", &Doing::Publish(id)).is_ok());
    let duties = Arc::make_mut(&mut story.model.duties);
    let keys = duties.keys.as_mut().unwrap();
    keys.get_mut(&key_of("bob")).unwrap().revoked = Some(story.now);
    assert_eq!(story.refuses("alice", &Doing::Publish(id)).0, Rule::Approval);
}

#[test]
fn powers_are_named_with_who_has_them() {
    let story = Story::new().with_policy(&[
        ("alice", ALL),
        ("bob", ALL),
        ("carol", &[Power::Write, Power::Declare]),
    ]);
    assert_eq!(
        story.refuses("carol", &story.declare()),
        refusal(
            Rule::Denied,
            "This needs the power `command`, which the policy does not give to carol. alice and bob have it."
        )
    );
    let mut without = story.declare();
    if let Doing::Declare { commander, .. } = &mut without {
        *commander = None;
    }
    assert_eq!(story.decide("carol", &without).unwrap().len(), 1);
    let mut story = story;
    story.does("alice", &story.declare());
    assert_eq!(
        story.refuses("alice", &Doing::OfferHandover { to: Actor::new("carol") }).1,
        "carol has no key with the power `command` in the policy. alice and bob have it."
    );
}

#[test]
fn whoever_is_on_call_is_called_at_their_addresses() {
    let mut story = Story::declared().with_playbook();
    let page = |team: Option<&str>, whom: Option<&str>| Doing::Page {
        team: team.map(TeamId::new),
        whom: whom.map(Actor::new),
        text: "the database is slow".into(),
    };
    assert_eq!(
        story.refuses("alice", &page(Some("web"), None)).1,
        "There is no team web in the playbook; known are db."
    );
    assert_eq!(
        story.refuses("alice", &page(None, Some("dan"))).1,
        "The playbook has no channel with an address of dan. Reach them another way, and write a note that \
         you did."
    );
    let recorded = story.does("alice", &page(Some("db"), None));
    let sent = PageSent {
        team: Some(TeamId::new("db")),
        whom: Actor::new("carol"),
        step: 0,
        text: "the database is slow".into(),
        escalates: None,
    };
    let event = LogEvent::Incident { incident: story.id.clone(), event: sent.into() };
    assert_eq!(recorded[0].event, Some(event));
    let Some(LogEvent::OperationRequested { operation: Operation::Send(message) }) =
        &recorded[1].event
    else {
        panic!("{recorded:?}")
    };
    assert_eq!(
        (message.channel.as_str(), message.to.as_slice(), message.subject.as_str()),
        ("push", ["carol-phone".into()].as_slice(), "SEV-2 INC-7KQ4M: carol is needed")
    );
    let writer = Writer { actor: Actor::new("alice"), key: key_of("alice") };
    assert_eq!(escalations(&story.model, &writer, story.after(60)), Vec::<Vec<LogEvent>>::new());
    let coming = Doing::AnswerPage { page: recorded[0].id, coming: true, note: String::new() };
    story.does("carol", &coming);
    assert_eq!(story.refuses("carol", &coming).1, "carol answered at 14:02 UTC and is coming.");
}
