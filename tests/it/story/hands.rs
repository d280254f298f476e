//! A person at a console: what they wait for before the next key, and the violence done to them.

use pretty_assertions::assert_eq;
use rustix::process::Signal;

use super::room::Room;
use crate::lab::PATIENCE;
use crate::pty::Session;

/// Panes of the incident's screen, as titled.
const PANES: [&str; 8] =
    ["Timeline", "Roles", "Tasks", "Workstreams", "Decisions", "Runs", "Updates", "Pages"];

/// Somebody with a console.
pub(super) struct Hands<'r> {
    room: &'r Room,
    name: &'static str,
    session: Session,
    violent: bool,
    /// How often the console was killed.
    pub(super) killed: usize,
}

impl<'r> Hands<'r> {
    pub(super) fn of(room: &'r Room, name: &'static str, violent: bool) -> Self {
        let mut hands = Self { room, name, session: room.console(name), violent, killed: 0 };
        hands.sees("1 Bridge");
        hands
    }

    pub(super) fn types(&mut self, keys: &str) {
        self.session.send(keys);
    }

    pub(super) fn sees(&mut self, text: &str) {
        let what = format!("{} sees: {text}", self.name);
        self.session.wait_within(PATIENCE, &what, |session| session.text().contains(text));
    }

    pub(super) fn sees_within(&mut self, patience: std::time::Duration, text: &str) {
        let what = format!("{} sees: {text}", self.name);
        self.session.wait_within(patience, &what, |session| session.text().contains(text));
    }

    pub(super) fn sees_no_more(&mut self, text: &str) {
        let what = format!("{} no longer sees: {text}", self.name);
        self.session.wait_within(PATIENCE, &what, |session| !session.text().contains(text));
    }

    /// Keys, then what shows that they arrived and were recorded; then the console may die.
    pub(super) fn does(&mut self, keys: &str, seen: &str) {
        self.types(keys);
        self.sees(seen);
        self.may_die();
    }

    /// A form is opened, filled in, and recorded.
    pub(super) fn fills(&mut self, key: &str, title: &str, keys: &str, seen: &str) {
        self.types(key);
        self.sees(title);
        self.does(keys, seen);
    }

    /// The console is killed where the story is violent, and another one started.
    pub(super) fn may_die(&mut self) {
        if !self.violent {
            return;
        }
        self.session.signal(Signal::KILL);
        assert_eq!(self.session.exit_status().code(), None, "killed");
        self.session = self.room.console(self.name);
        self.killed += 1;
        self.sees("1 Bridge");
    }

    /// The incident's screen, in this pane.
    pub(super) fn goes_to(&mut self, pane: &str) {
        self.types("6");
        self.session.wait_within(PATIENCE, "the incident's panes", |s| pane_of(s).is_some());
        while pane_of(&self.session) != Some(pane) {
            let before = pane_of(&self.session);
            self.types("\t");
            self.session.wait_within(PATIENCE, "another pane", |s| {
                pane_of(s).is_some_and(|now| Some(now) != before)
            });
        }
    }

    /// Keeps the console's terminal read while something else is waited for.
    pub(super) fn reads_on(&mut self) {
        self.session.catch_up();
    }

    pub(super) fn leaves(mut self) {
        self.types("q");
        assert_eq!(self.session.exit_status().code(), Some(0));
    }
}

/// The pane the keys are for: its title is marked.
fn pane_of(session: &Session) -> Option<&'static str> {
    let text = session.text();
    let marked = |pane: &&str| {
        text.lines().any(|line| {
            line.split("▸ ").skip(1).any(|after| {
                let title = after.split("  ").next().unwrap_or_default();
                title == *pane || title.starts_with(&format!("{pane} ·"))
            })
        })
    };
    PANES.into_iter().find(marked)
}
