//! What CI servers have in common: our key in a run, runs that carry it, and how their states add up.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::answer::{LINES, failed, not_ours, under};
use super::{Begun, Progress, RunState};
use crate::domain::{Ask, Order, SafeText, Span, Stage, Timestamp};

/// Digits of the key that stand in receipts and are looked for.
const DIGITS: usize = 12;

/// What is asked of a CI server.
pub(super) struct Job<'a> {
    pub(super) name: &'a SafeText,
    pub(super) reference: &'a SafeText,
    pub(super) params: &'a [(SafeText, SafeText)],
}

impl<'a> Job<'a> {
    pub(super) fn of(order: &'a Order) -> Result<Self, SafeText> {
        match &order.ask {
            Ask::Job { job, reference, params } => Ok(Self { name: job, reference, params }),
            _ => Err(not_ours(order, "jobs")),
        }
    }

    /// The parameters for the eye.
    pub(super) fn said(&self) -> String {
        let each = self.params.iter().map(|(name, value)| format!("{name}={value:?}"));
        let all = each.collect::<Vec<_>>().join(" ");
        if all.is_empty() { "no parameters".to_owned() } else { all }
    }
}

/// What of a key is looked for.
pub(super) fn mark(key: &str) -> &str {
    key.get(..DIGITS).unwrap_or(key)
}

/// Names a run at the other side; `None` while it has no name there.
pub(super) fn receipt(run: Option<&str>, key: &str) -> SafeText {
    let mark = mark(key);
    SafeText::new(&match run {
        Some(run) => format!("{run} (ref {mark})"),
        None => format!("accepted (ref {mark})"),
    })
}

/// What a run's receipt says: our mark.
pub(super) fn marked(begun: &Begun) -> Result<&str, SafeText> {
    let inside = begun.receipt.rsplit_once("(ref ").and_then(|(_, rest)| rest.strip_suffix(')'));
    inside.filter(|mark| mark.len() == DIGITS).ok_or_else(|| {
        SafeText::new(&format!("\"{}\" is no receipt of this pipeline.", begun.receipt))
    })
}

/// A run that carries our key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    /// As the other side names it.
    pub(super) id: String,
    pub(super) url: String,
    pub(super) state: RunState,
}

/// How several runs of one key stand: well only when all are. One is what there should be.
pub(super) fn together(runs: &[Run], mut lines: Vec<SafeText>) -> Progress {
    if runs.len() > 1 {
        let ids: Vec<&str> = runs.iter().map(|run| run.id.as_str()).collect();
        let twins = format!(
            "{} runs carry this key ({}): the request was repeated on its way. Look at each.",
            runs.len(),
            ids.join(", ")
        );
        lines.push(SafeText::new(&twins));
    }
    lines.drain(..lines.len().saturating_sub(LINES));
    let weight = |run: &&Run| match run.state {
        RunState::Under(_) => 4,
        RunState::Failed(_) => 3,
        RunState::Gone(_) => 2,
        RunState::Stopped(_) => 1,
        RunState::Done => 0,
    };
    match runs.iter().max_by_key(weight) {
        Some(run) => Progress { state: run.state.clone(), lines },
        None => under(Stage::Queued, lines),
    }
}

/// What was seen of each key, and since when it is looked for in vain.
#[derive(Default)]
pub(super) struct Sightings(Mutex<BTreeMap<String, Sighting>>);

#[derive(Clone, Copy)]
enum Sighting {
    Seen,
    MissingSince(Timestamp),
}

impl Sightings {
    /// It is there.
    pub(super) fn seen(&self, mark: &str) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(mark.to_owned(), Sighting::Seen);
    }

    /// It is not there. Lists lag behind: only after a while of looking is it certain that it never was.
    pub(super) fn never_was(
        &self,
        mark: &str,
        now: Timestamp,
        after: Span,
    ) -> Result<(), SafeText> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match *held.entry(mark.to_owned()).or_insert(Sighting::MissingSince(now)) {
            Sighting::MissingSince(first) if now.since(first) >= after => Ok(()),
            Sighting::MissingSince(_) => Err(SafeText::new(&format!(
                "No run carries our key (ref {mark}) yet. It may still appear: only after {after} without it \
                 nothing was started."
            ))),
            Sighting::Seen => Err(SafeText::new(&format!(
                "The run with our key (ref {mark}) was there and is not any more; look there how it ended."
            ))),
        }
    }

    /// How a run stands that was accepted and is not in the list.
    pub(super) fn absent(&self, mark: &str, who: &str) -> Progress {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match held.get(mark) {
            Some(Sighting::Seen) => Progress {
                state: RunState::Gone(SafeText::new(&format!(
                    "{who} has no run with our key (ref {mark}) any more: it was removed there. It may have \
                     ended either way; look at what it should have changed."
                ))),
                lines: Vec::new(),
            },
            _ => under(
                Stage::Queued,
                vec![SafeText::new(&format!("{who} took it; no run with our key is there yet."))],
            ),
        }
    }
}

/// Lines of a log as terminals show them: without colours, and what a carriage return overwrote.
pub(super) fn plain(log: &str) -> String {
    let mut out = String::with_capacity(log.len());
    for line in log.lines() {
        let shown = line.trim_end_matches('\r').rsplit('\r').next().unwrap_or(line);
        let mut letters = shown.chars().peekable();
        while let Some(letter) = letters.next() {
            if letter != '\u{1b}' {
                out.push(letter);
            } else if letters.next_if_eq(&'[').is_some() {
                // To the letter that ends the sequence.
                letters.by_ref().find(|c| ('\u{40}'..='\u{7e}').contains(c));
            }
        }
        out.push('\n');
    }
    out
}

/// It ended, and not well; in the other side's word.
pub(super) fn ended(who: &str, run: &str, word: &str) -> RunState {
    failed(format!("{who} ended run {run} with \"{word}\"."), Vec::new()).state
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    const KEY: &str = "5eed0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab";

    fn run(id: &str, state: RunState) -> Run {
        Run { id: id.to_owned(), url: String::new(), state }
    }

    #[test]
    fn a_receipt_leads_back_to_the_key() {
        let begun = |receipt| Begun { receipt, url: SafeText::new("") };
        assert_eq!(marked(&begun(receipt(Some("run 4711"), KEY))), Ok("5eed01234567"));
        assert_eq!(marked(&begun(receipt(None, KEY))), Ok("5eed01234567"));
        assert!(marked(&begun(SafeText::new("build 7"))).is_err());
    }

    #[test]
    fn several_runs_are_done_only_together_and_a_failure_is_not_hidden() {
        let failed = || RunState::Failed(SafeText::new("no"));
        let state = |runs: &[Run]| together(runs, Vec::new()).state;
        let running = RunState::Under(Stage::Running);
        assert_eq!(state(&[]), RunState::Under(Stage::Queued));
        assert_eq!(state(&[run("1", RunState::Done)]), RunState::Done);
        assert_eq!(state(&[run("1", failed()), run("2", RunState::Done)]), failed());
        assert_eq!(state(&[run("1", failed()), run("2", running.clone())]), running);
        let said = together(&[run("1", RunState::Done), run("2", RunState::Done)], Vec::new());
        assert!(said.lines[0].starts_with("2 runs carry this key (1, 2)"), "{said:?}");
    }

    #[test]
    fn what_is_not_there_yet_is_certain_only_after_a_while() {
        let sightings = Sightings::default();
        let at = |secs: i64| Timestamp::from_millis(secs * 1_000);
        let after = Span::from_mins(5);
        assert!(sightings.never_was("a", at(0), after).is_err());
        assert!(sightings.never_was("a", at(299), after).is_err());
        assert_eq!(sightings.never_was("a", at(300), after), Ok(()));
        sightings.seen("b");
        assert!(sightings.never_was("b", at(9_999), after).is_err(), "it was there");
        assert!(matches!(sightings.absent("b", "It").state, RunState::Gone(_)));
        assert_eq!(sightings.absent("a", "It").state, RunState::Under(Stage::Queued));
    }

    #[test]
    fn a_log_loses_its_colours_and_what_was_overwritten() {
        let log = "\u{1b}[0Ksection_start:1:x\r\u{1b}[0K\u{1b}[36;1mGoing back\u{1b}[0;m\r\n10 %\r100 %\n";
        assert_eq!(plain(log), "Going back\n100 %\n");
        assert_eq!(plain("\u{1b}\u{1b}[\u{1b}"), "\n");
    }
}
