//! Reminders told as what is owed: who is told, by which way, and that each goes out once.

use pretty_assertions::assert_eq;

use super::*;
use crate::actions::reminders;
use crate::domain::{Message, Operation, Purpose, Role};

/// As the console of `who` finds them: channel, address, subject.
fn due(story: &Story, who: &str, minutes: i64) -> Vec<(String, String, String)> {
    let writer = Writer { actor: Actor::new(who), key: key_of(who) };
    let events = reminders(&story.model, &writer, story.after(minutes));
    let message = |event| match event {
        LogEvent::OperationRequested { operation: Operation::Send(message) } => message,
        other => panic!("{other:?}"),
    };
    let shown = |m: Message| {
        assert_eq!(m.purpose, Purpose::Reminder);
        let to = m.to.first().map(ToString::to_string).unwrap_or_default();
        (m.channel.to_string(), to, m.subject.to_string())
    };
    events.into_iter().map(message).map(shown).collect()
}

fn story() -> Story {
    let mut story = Story::declared().with_playbook();
    let playbook = Arc::make_mut(&mut story.model.playbook);
    playbook.remind_by = vec![ChannelId::new("chat"), ChannelId::new("push")];
    story
}

fn said(channel: &str, to: &str, subject: &str) -> (String, String, String) {
    (channel.to_owned(), to.to_owned(), subject.to_owned())
}

#[test]
fn whoever_owes_a_word_is_told_before_and_after_it_is_due_and_each_time_once() {
    let mut story = story();
    // Of SEV-2 the first external word is due after ten minutes, the first internal one after fifteen.
    assert_eq!(due(&story, "alice", 3), []);
    let soon = "INC-7KQ4M: alice, the external update is due at 2026-11-22 14:10 UTC";
    // Who has no address of their own is spoken to where all read.
    let expected = [said("chat", "", soon), said("push", "", soon)];
    assert_eq!(due(&story, "alice", 5), expected);
    assert_eq!(due(&story, "bob", 6), expected, "every console finds the same");

    let writer = Writer { actor: Actor::new("bob"), key: key_of("bob") };
    let events = reminders(&story.model, &writer, story.after(5));
    assert_eq!(events[0].claim(), reminders(&story.model, &writer, story.after(6))[0].claim());
    assert!(events.iter().all(|event| event.claim().is_some()), "the store takes each once");
    story.write_down("bob", events);
    assert_eq!(due(&story, "alice", 5), []);
    let late = due(&story, "alice", 9);
    let late: Vec<&str> = late.iter().map(|(.., subject)| subject.as_str()).collect();
    let was = "INC-7KQ4M: alice, the external update was due at 2026-11-22 14:10 UTC";
    let internal = "INC-7KQ4M: alice, the internal update is due at 2026-11-22 14:15 UTC";
    assert_eq!(late, [was, was, internal, internal]);
}

#[test]
fn people_are_reminded_at_their_own_address_of_what_is_theirs() {
    let mut story = story();
    let carol = || Actor::new("carol");
    story.does("alice", &Doing::GiveRole { role: Role::Comms, to: carol(), until: None });
    let task = Doing::Task {
        text: "roll back v812".into(),
        owner: carol(),
        due: story.after(3),
        workstream: None,
    };
    story.does("alice", &task);
    let of = |minutes| {
        let all = due(&story, "alice", minutes);
        let push: Vec<_> = all.into_iter().filter(|(channel, ..)| channel == "push").collect();
        push.into_iter().map(|(_, to, what)| (to, what)).collect::<Vec<_>>()
    };
    let own = |what: &str| ("carol-phone".to_owned(), format!("INC-7KQ4M: carol, {what}"));
    let unheard =
        "say that you heard of the task alice gave at 2026-11-22 14:02 UTC: roll back v812";
    assert_eq!(of(1), [own(unheard)]);
    let late = "your task was due at 2026-11-22 14:05 UTC: roll back v812";
    let soon = "the external update is due at 2026-11-22 14:10 UTC";
    assert_eq!(of(2), [own(late), own(soon)]);
}

#[test]
fn nobody_is_reminded_where_the_playbook_names_no_way_or_the_key_may_not() {
    let mut silent = story();
    Arc::make_mut(&mut silent.model.playbook).remind_by.clear();
    assert_eq!(due(&silent, "alice", 30), []);

    let may = [Power::Write, Power::Declare, Power::Command, Power::Publish];
    let story = story().with_policy(&[("alice", &may), ("dan", &[Power::Write])]);
    assert_eq!(due(&story, "dan", 30), []);
    assert!(!due(&story, "alice", 30).is_empty());
}
