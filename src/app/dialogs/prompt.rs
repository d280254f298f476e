//! The line for `:` and `/`: completion, errors while typing, and what a command does.

use crate::actions::Screen;
use crate::actions::command::{self, Asked, Command};
use crate::app::screens::{capacity, changes, incident, map, slos};
use crate::app::{
    Dialog, Editor, Effect, Lines, PlaybackStep, Prompt, PromptKind, State, Tone, update,
};
use crate::domain::{Filter, SafeText};
use crate::keys::{Chord, PromptAction};
use crate::model::incidents::TimelineFilter;

/// Opens the command line.
pub(in crate::app) fn open_command(state: &mut State) -> Vec<Effect> {
    open(state, PromptKind::Command, "")
}

/// Opens the command line at what is to be supposed, with the service of what is selected.
pub(in crate::app) fn open_whatif(state: &mut State) -> Vec<Effect> {
    let service = capacity::service(state);
    let text = service.map_or_else(|| "whatif ".to_owned(), |id| format!("whatif {id} x2"));
    open(state, PromptKind::Command, &text)
}

/// Opens the filter of the screen, with what it is now.
pub(in crate::app) fn open_filter(state: &mut State) -> Vec<Effect> {
    let screen = state.ui.screen;
    let text = match screen {
        Screen::Alerts => state.ui.alerts.filter_text.clone(),
        Screen::Slos => state.ui.slos.filter_text.clone(),
        Screen::Map => state.ui.map.filter_text.clone(),
        Screen::Capacity => state.ui.capacity.filter_text.clone(),
        Screen::Incident => state.ui.incident.filter_text.clone(),
        Screen::Changes => state.ui.changes.filter_text.clone(),
        Screen::Bridge | Screen::Review | Screen::Sources => String::new(),
    };
    open(state, PromptKind::Filter(screen), &text)
}

fn open(state: &mut State, kind: PromptKind, text: &str) -> Vec<Effect> {
    state.ui.dialog = Some(Dialog::Prompt(Prompt {
        kind,
        line: Editor::new(text, Lines::One),
        error: None,
        matches: None,
        completions: Vec::new(),
        start: 0,
        taken: None,
    }));
    edited(state);
    Vec::new()
}

/// The line changed: say what is wrong with it, how much it would leave, what could follow.
pub(super) fn edited(state: &mut State) {
    let Some(Dialog::Prompt(prompt)) = &state.ui.dialog else { return };
    let text = prompt.line.text();
    let before = prompt.line.before_cursor();
    let (error, matches) = judged(state, prompt.kind, &text);
    let completion = match prompt.kind {
        PromptKind::Command => command::complete(&before, &state.words()),
        PromptKind::Filter(_) => {
            // `:filter` completes the same words, shifted by its own name.
            let mut completion = command::complete(&format!("{FILTER}{before}"), &state.words());
            completion.start = completion.start.saturating_sub(FILTER.len());
            completion
        }
    };
    if let Some(Dialog::Prompt(prompt)) = &mut state.ui.dialog {
        prompt.error = error;
        prompt.matches = matches;
        prompt.completions = completion.candidates;
        prompt.start = completion.start;
        prompt.taken = None;
    }
}

/// What is wrong with a filter, or how many rows it would leave.
fn judged(state: &State, kind: PromptKind, text: &str) -> (Option<SafeText>, Option<usize>) {
    let PromptKind::Filter(screen) = kind else { return (None, None) };
    match Sieve::parse(screen, text) {
        Ok(sieve) => (None, Some(count(state, screen, &sieve))),
        Err(sentence) => (Some(sentence), None),
    }
}

/// A filter as the screen understands it.
enum Sieve {
    /// Of rows with labels.
    Rows(Filter),
    /// Of an incident's timeline.
    Lines(TimelineFilter),
}

impl Sieve {
    fn parse(screen: Screen, text: &str) -> Result<Self, SafeText> {
        match screen {
            Screen::Incident => {
                TimelineFilter::parse(text).map(Self::Lines).map_err(|mistake| mistake.sentence)
            }
            Screen::Bridge
            | Screen::Alerts
            | Screen::Slos
            | Screen::Map
            | Screen::Capacity
            | Screen::Changes
            | Screen::Review
            | Screen::Sources => {
                Filter::parse(text).map(Self::Rows).map_err(|e| SafeText::new(&e.to_string()))
            }
        }
    }
}

const FILTER: &str = "filter ";

fn count(state: &State, screen: Screen, sieve: &Sieve) -> usize {
    match (sieve, screen) {
        (Sieve::Lines(filter), _) => incident::matching(state, filter),
        (Sieve::Rows(filter), Screen::Slos) => slos::matching(state, filter).count(),
        (Sieve::Rows(filter), Screen::Map) => map::matching(state, filter),
        (Sieve::Rows(filter), Screen::Capacity) => capacity::matching(state, filter).len(),
        (Sieve::Rows(filter), Screen::Changes) => changes::matching(state, filter),
        (Sieve::Rows(filter), _) => {
            state.model.alerts.visible(filter, state.ui.alerts.show_muted).len()
        }
    }
}

/// A key in the line.
pub(super) fn key(state: &mut State, meant: Option<PromptAction>, chord: Chord) -> Vec<Effect> {
    let Some(Dialog::Prompt(prompt)) = &mut state.ui.dialog else { return Vec::new() };
    match meant {
        Some(
            PromptAction::Complete
            | PromptAction::Next
            | PromptAction::CompleteBack
            | PromptAction::Previous,
        ) => {
            let count = prompt.completions.len();
            if count > 0 {
                let on = matches!(meant, Some(PromptAction::Complete | PromptAction::Next));
                let step = if on { 1 } else { count - 1 };
                let at = prompt.taken.map_or(0, |t| (t + step) % count);
                if let Some(choice) = prompt.completions.get(at) {
                    let line = prompt.line.text();
                    let kept = line.get(..prompt.start).unwrap_or_default();
                    prompt.line.set(&format!("{kept}{choice}"));
                }
                prompt.taken = Some(at);
                let (kind, text) = (prompt.kind, prompt.line.text());
                let judged = judged(state, kind, &text);
                if let Some(Dialog::Prompt(prompt)) = &mut state.ui.dialog {
                    (prompt.error, prompt.matches) = judged;
                }
            }
            Vec::new()
        }
        Some(PromptAction::Accept) => enter(state),
        _ => {
            if prompt.line.key(chord) {
                edited(state);
            }
            Vec::new()
        }
    }
}

fn enter(state: &mut State) -> Vec<Effect> {
    let Some(Dialog::Prompt(prompt)) = &state.ui.dialog else { return Vec::new() };
    let text = prompt.line.text();
    match prompt.kind {
        PromptKind::Filter(screen) => match Sieve::parse(screen, &text) {
            Ok(sieve) => {
                state.ui.dialog = None;
                set_filter(state, screen, &text, sieve);
                vec![Effect::Keep]
            }
            Err(_) => Vec::new(),
        },
        PromptKind::Command if text.trim().is_empty() => super::back(state),
        PromptKind::Command => match command::parse(&text) {
            Ok(command) => {
                state.ui.dialog = None;
                run(state, command)
            }
            Err(e) => {
                if let Some(Dialog::Prompt(prompt)) = &mut state.ui.dialog {
                    prompt.error = Some(SafeText::new(&e.to_string()));
                }
                Vec::new()
            }
        },
    }
}

fn set_filter(state: &mut State, screen: Screen, text: &str, sieve: Sieve) {
    match (sieve, screen) {
        (Sieve::Lines(filter), _) => {
            state.ui.incident.filter_text = text.to_owned();
            state.ui.incident.filter = filter;
        }
        (Sieve::Rows(filter), Screen::Slos) => {
            state.ui.slos.filter_text = text.to_owned();
            state.ui.slos.filter = filter;
        }
        (Sieve::Rows(filter), Screen::Map) => {
            state.ui.map.filter_text = text.to_owned();
            state.ui.map.filter = filter;
        }
        (Sieve::Rows(filter), Screen::Capacity) => {
            state.ui.capacity.filter_text = text.to_owned();
            state.ui.capacity.filter = filter;
        }
        (Sieve::Rows(filter), Screen::Changes) => {
            state.ui.changes.filter_text = text.to_owned();
            state.ui.changes.filter = filter;
        }
        (Sieve::Rows(filter), _) => {
            state.ui.screen = Screen::Alerts;
            state.ui.alerts.filter_text = text.to_owned();
            state.ui.alerts.filter = filter;
        }
    }
    state.refresh(true);
}

fn run(state: &mut State, command: Command) -> Vec<Effect> {
    match command {
        Command::Action(action) => update::act(state, action),
        Command::Acknowledge(note) => super::open_ack(state, &note),
        Command::Note(text) => super::open_note(state, &text),
        Command::Silence { duration, matchers, comment } => {
            let effects = if matchers.is_empty() {
                super::open_silence(state)
            } else {
                let text: Vec<String> = matchers.iter().map(ToString::to_string).collect();
                super::open_silence_with(state, None, &text.join(" "), duration, "")
            };
            if let Some(Dialog::Silence(form)) = &mut state.ui.dialog {
                if let Some(duration) = duration {
                    form.duration.set(&duration.to_string());
                }
                if let Some(comment) = comment {
                    form.comment.set(&comment);
                }
            }
            effects
        }
        Command::Filter(text) => {
            let screen = match state.ui.screen {
                screen @ (Screen::Slos
                | Screen::Map
                | Screen::Capacity
                | Screen::Incident
                | Screen::Changes) => screen,
                Screen::Bridge | Screen::Alerts | Screen::Review | Screen::Sources => {
                    Screen::Alerts
                }
            };
            match Sieve::parse(screen, &text) {
                Ok(sieve) => set_filter(state, screen, &text, sieve),
                Err(sentence) => {
                    let now = state.now;
                    let sentence = sentence.trim_end_matches('.');
                    let text = format!("That filter cannot be read: {sentence}.");
                    state.ui.notice(Tone::Warning, text, now);
                }
            }
            Vec::new()
        }
        Command::WhatIf(suppose) => super::what_if(state, suppose),
        Command::Theme(name) => vec![Effect::Theme(name)],
        Command::Keymap(name) => vec![Effect::Keymap(name)],
        Command::Service(name) => {
            let known = state.model.catalog.services.get(name.as_str()).map(|s| s.id.clone());
            let now = state.now;
            match known {
                Some(id) => {
                    state.ui.screen = Screen::Bridge;
                    state.ui.bridge.pinned = Some(id);
                }
                None => {
                    let known =
                        state.model.catalog.services.keys().map(crate::domain::ServiceId::as_str);
                    let near = crate::domain::nearest(&name, known);
                    let hint = near.map_or_else(String::new, |n| format!(" Did you mean {n}?"));
                    let text = format!("The catalog has no service {name}.{hint}");
                    state.ui.notice(Tone::Warning, text, now);
                }
            }
            Vec::new()
        }
        Command::Incident(Asked::Timeline(text)) => {
            state.ui.screen = Screen::Incident;
            run(state, Command::Filter(text))
        }
        Command::Incident(asked) => super::verbs::asked(state, &asked),
        Command::Seek(_) | Command::Speed(_) if state.playback.is_none() => {
            let now = state.now;
            state.ui.notice(
                Tone::Info,
                "No recording is being played; start one with `quarterdeck demo`.",
                now,
            );
            Vec::new()
        }
        Command::Seek(span) => vec![Effect::Playback(PlaybackStep::Seek(span))],
        Command::Speed(times) => vec![Effect::Playback(PlaybackStep::Speed(times))],
    }
}
