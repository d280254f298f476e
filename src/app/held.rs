//! What was written and is not on the disk: said loudly when it begins, with every entry, and when it ends.

use crate::domain::SafeText;
use crate::eventlog::{Held, Recorded};

use super::{Effect, State, Tone};

/// What the disk does not take, or takes again.
pub(super) fn take(state: &mut State, held: Held) -> Vec<Effect> {
    let before = std::mem::replace(&mut state.held, held);
    let now = state.now;
    match (before.why.is_empty(), state.held.why.is_empty()) {
        (true, false) => say(state),
        (false, true) => {
            let sentence = match before.records.len() {
                0 => "The disk takes entries again.".to_owned(),
                n => format!("The disk takes entries again; {n} that were held are on it now."),
            };
            state.ui.notice(Tone::Done, sentence, now);
        }
        _ => {}
    }
    Vec::new()
}

/// Says so again with every entry of this console that is not.
pub(super) fn recorded(state: &mut State, records: &[Recorded], ours: bool) {
    if ours && records.iter().any(|record| state.is_held(record.id)) {
        say(state);
    }
}

/// Says how much is not on the disk, and why.
fn say(state: &mut State) {
    let (count, now) = (state.held.records.len(), state.now);
    let held = match count {
        0 => "whatever is written from now on is kept in memory only".to_owned(),
        1 => "1 entry is in memory only".to_owned(),
        _ => format!("{count} entries are in memory only"),
    };
    let why = &state.held.why;
    let sentence = format!("NOT ON DISK: {held}, lost if this console is cut off. {why}");
    state.ui.notice(Tone::Error, SafeText::body(&sentence), now);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::app::{Msg, Ui, update};
    use crate::domain::{Actor, Timestamp};
    use crate::eventlog::{EventLog as _, LogEvent, MemoryLog, Subject};
    use crate::model::Model;

    #[test]
    fn what_is_not_on_the_disk_is_said_and_asked_about_before_leaving() {
        let keymap = crate::keys::load("default", None).unwrap();
        let now = Timestamp::from_millis(1_763_820_000_000);
        let (ui, me) = (Ui::new((80, 24)), Actor::new("ada"));
        let mut state = State::new(Model::default(), ui, now, me.clone(), Arc::new(keymap));
        let note = LogEvent::Noted { about: Subject::General, text: "seen".into() };
        let records = MemoryLog::for_demo().append(&me, now, &[note]).unwrap();
        let why = SafeText::new("The disk is full.");
        update(&mut state, Msg::Held(Held { records: records.clone(), why }));
        update(&mut state, Msg::Recorded { records: records.clone(), ours: true });
        assert!(state.is_held(records[0].id));
        let said = |state: &State| state.ui.notices.back().map(|n| n.text.to_string()).unwrap();
        assert!(
            said(&state).starts_with("NOT ON DISK: 1 entry is in memory only"),
            "{}",
            said(&state)
        );
        assert_eq!(crate::app::dialogs::leave(&mut state), vec![], "asked first");
        state.ui.dialog = None;
        update(&mut state, Msg::Held(Held::default()));
        assert!(said(&state).contains("1 that were held are on it now"), "{}", said(&state));
        assert_eq!(crate::app::dialogs::leave(&mut state), vec![Effect::Keep, Effect::Quit]);
    }
}
