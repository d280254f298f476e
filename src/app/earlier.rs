//! Lines of a long log that were left for later when the console opened: they come while one works, and
//! until they are all there every timeline says so.

use crate::domain::SafeText;
use crate::eventlog::{Recorded, left_out, not_understood};

use super::{Effect, State, Tone};

/// Some of the lines that were left for later.
#[derive(Debug, Clone, PartialEq)]
pub struct Earlier {
    /// The lines, oldest first.
    pub records: Vec<Recorded>,
    /// How far they have come.
    pub progress: Progress,
    /// How many records among these are not as they were written, and are left out.
    pub damaged: usize,
}

/// How much of the log has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// So many of so many; all of it when they are equal.
    Read(u64, u64),
    /// The rest cannot be read, and why.
    Stuck(SafeText),
}

impl Progress {
    /// Said on every timeline until all of it is there.
    pub fn sentence(&self) -> String {
        match self {
            Self::Read(read, of) => {
                format!("earlier entries are being read: {} %", read * 100 / (*of).max(1))
            }
            Self::Stuck(_) => "earlier entries could not be read".to_owned(),
        }
    }

    /// The same where there is little room.
    pub const fn short(&self) -> &'static str {
        match self {
            Self::Read(..) => "reading earlier",
            Self::Stuck(_) => "not all read",
        }
    }
}

/// Says once that a newer version writes into the log, since what it writes may be missing here.
pub(super) fn tell_newer(state: &mut State) {
    if state.model.newer > 0 && !std::mem::replace(&mut state.newer_told, true) {
        let (text, now) = (not_understood(state.model.newer), state.now);
        state.ui.notice(Tone::Warning, text, now);
    }
}

/// Takes them in.
pub(super) fn take(state: &mut State, earlier: Earlier) -> Vec<Effect> {
    earlier.records.iter().for_each(|record| state.model.apply(record));
    tell_newer(state);
    let now = state.now;
    if earlier.damaged > 0 {
        state.ui.notice(Tone::Warning, left_out(earlier.damaged), now);
    }
    if let Progress::Stuck(why) = &earlier.progress {
        state.ui.notice(Tone::Error, why.clone(), now);
    }
    let done = matches!(earlier.progress, Progress::Read(read, of) if read >= of);
    state.earlier = Some(earlier.progress).filter(|_| !done);
    Vec::new()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::app::{Msg, Ui, update};
    use crate::domain::{Actor, Timestamp};
    use crate::model::Model;

    fn said(state: &State) -> Option<&str> {
        state.ui.notices.back().map(|notice| notice.text.as_str())
    }

    #[test]
    fn what_is_not_read_yet_is_known_until_all_of_it_is() {
        let keymap = crate::keys::load("default", None).unwrap();
        let (ui, me) = (Ui::new((80, 24)), Actor::new("ada"));
        let now = Timestamp::from_millis(1_763_820_000_000);
        let mut state = State::new(Model::default(), ui, now, me, Arc::new(keymap));
        let mut come = |progress, damaged| {
            update(&mut state, Msg::Earlier(Earlier { records: Vec::new(), progress, damaged }));
            let sentence = state.earlier.as_ref().map(Progress::sentence);
            (sentence.unwrap_or_default(), said(&state).unwrap_or_default().to_owned())
        };
        let part = "earlier entries are being read: 33 %".to_owned();
        assert_eq!(come(Progress::Read(1, 3), 0), (part, String::new()));
        let (part, notice) = come(Progress::Read(2, 3), 2);
        assert_eq!(part, "earlier entries are being read: 66 %");
        assert!(
            notice.starts_with("2 records of the log are not as they were written"),
            "{notice}"
        );
        let one = "1 record of the log is not as it was written and is left out; ";
        assert!(come(Progress::Read(2, 3), 1).1.starts_with(one));
        let (part, notice) = come(Progress::Stuck("The log could not be read.".into()), 0);
        assert_eq!(
            (&*part, &*notice),
            ("earlier entries could not be read", "The log could not be read.")
        );
        assert_eq!(come(Progress::Read(3, 3), 0).0, "");
    }
}
