//! The one update function: a message in, the state changed, effects out. Dispatch only.

use crate::actions::{Action, Risk, Screen, to_pin};
use crate::connectors::Interest;
use crate::domain::Span;
use crate::eventlog::LogEvent;
use crate::keys::{Chord, Input, Resolved};

use super::navigate::{
    back, clear_filter, copy, go, mark, moves, open, other_incident, pane, selected_slo, show,
    zoom, zoom_reset,
};
use super::screens::{
    Move, alerts, bridge, capacity, changes, incident, map, review, slos, sources,
};
use super::{
    ClockMode, Dialog, Effect, Msg, PlaybackStep, State, Tone, Verb, ahead, dialogs, earlier, held,
    presence,
};

use dialogs::Step;

/// Takes in one message.
pub fn update(state: &mut State, msg: Msg) -> Vec<Effect> {
    let mut effects = match msg {
        Msg::Input(input) => on_input(state, input),
        Msg::Observed { source, at, seen } => {
            state.model.observe(&source, at, seen);
            Vec::new()
        }
        Msg::Source(status) => {
            state.model.source(status);
            Vec::new()
        }
        Msg::Recorded { records, ours } => {
            let mut effects = Vec::new();
            for record in &records {
                state.model.apply(record);
                if let (true, Some(event)) = (ours, &record.event) {
                    effects.extend(dialogs::recorded(state, record));
                    if let LogEvent::OperationRequested { operation } = event {
                        effects.push(Effect::Perform(record.id, operation.clone()));
                    }
                }
            }
            if let Some(pin) = to_pin(&records).filter(|_| ours) {
                effects.push(Effect::Offer(vec![pin]));
            }
            held::recorded(state, &records, ours);
            earlier::tell_newer(state);
            effects
        }
        Msg::Earlier(earlier) => earlier::take(state, earlier),
        Msg::Held(held) => held::take(state, held),
        Msg::NotRecorded(error) => {
            dialogs::not_recorded(state, &error);
            Vec::new()
        }
        Msg::Present(others) => {
            presence::heard(state, others);
            Vec::new()
        }
        Msg::Edited(text) => dialogs::back_from_editor(state, text),
        Msg::Found(..) => Vec::new(),
        Msg::Checked { incident, follow_up, answer } => {
            review::checked(state, &incident, follow_up, answer)
        }
        Msg::Studied(finding) => {
            state.model.found(*finding);
            Vec::new()
        }
        Msg::Performed(request, outcome) => {
            if let Some(open) = state.model.journal.operations.get(&request) {
                let operation = open.operation.clone();
                dialogs::performed(state, &operation, &outcome);
            }
            vec![
                Effect::Append(vec![LogEvent::OperationEnded { request, outcome }]),
                Effect::Poll(None),
            ]
        }
        Msg::Declared(declared) => {
            let (now, model) = (state.now, &mut state.model);
            let (policy, group_by) = (model.policy.clone(), model.group_by.clone());
            model.declare(declared.catalog, policy, group_by);
            state.reading = false;
            // What limits what can be done stays last, where it is read.
            let notices = &mut state.ui.notices;
            let calm = notices.iter().rposition(|notice| notice.tone != Tone::Error);
            let errors = notices.split_off(calm.map_or(0, |at| at + 1));
            for problem in declared.problems {
                state.ui.notice(Tone::Warning, problem, now);
            }
            state.ui.notices.extend(errors);
            Vec::new()
        }
        Msg::Reloaded(outcome) => {
            let (now, mut effects) = (state.now, Vec::new());
            match outcome {
                Ok(reload) => {
                    if let Some(keymap) = reload.keymap {
                        state.keymap = keymap;
                        state.ui.pending.clear();
                    }
                    if reload.playbook.is_some() || reload.duties.is_some() {
                        let playbook = reload.playbook.unwrap_or(state.model.playbook.clone());
                        let duties = reload.duties.unwrap_or(state.model.duties.clone());
                        effects.push(Effect::Govern(duties.clone()));
                        state.model.govern(playbook, duties);
                    }
                    state.ui.notice(Tone::Done, reload.what, now);
                }
                Err(sentence) => state.ui.notice(Tone::Error, sentence, now),
            }
            effects
        }
        Msg::Tick(now) => {
            if now == state.now {
                // A recording that stands still: no later moment comes at which this would be due.
                state.ui.map.made = None;
            }
            state.now = now;
            state.model.tick(now);
            let studies = state.model.studies().into_iter();
            let studies = studies.map(|study| Effect::Study(Box::new(study)));
            studies.chain(super::watch::look(state)).collect()
        }
        Msg::Playback(playback) => {
            // Back in time, what was seen later has not been seen yet.
            if state.playback.is_some_and(|before| playback.at < before.at) {
                state.model.forget_observations();
            }
            state.playback = Some(playback);
            Vec::new()
        }
        Msg::Notice(notice) => {
            state.ui.notice(notice.tone, notice.text, notice.at);
            Vec::new()
        }
    };
    effects.extend(ahead::catch_up(state));
    state.refresh(false);
    let interest = interest(state);
    if interest != state.interest {
        state.interest = interest.clone();
        effects.push(Effect::Interest(interest));
    }
    effects.extend(map::study(state));
    effects.extend(presence::say(state));
    effects
}

pub(super) fn on_input(state: &mut State, input: Input) -> Vec<Effect> {
    let Some(input) = ahead::keep(state, input) else { return Vec::new() };
    match input {
        Input::Key(chord) => on_key(state, chord),
        Input::Paste(text) => dialogs::paste(state, &text),
        Input::Resize(columns, rows) => {
            state.ui.size = (columns, rows);
            Vec::new()
        }
        Input::FocusGained | Input::FocusLost => Vec::new(),
    }
}

fn on_key(state: &mut State, chord: Chord) -> Vec<Effect> {
    if state.ui.dialog.is_some() {
        return dialogs::key(state, chord);
    }
    let keymap = std::sync::Arc::clone(&state.keymap);
    let playing = state.playback.is_some();
    match keymap.resolve(state.ui.screen, playing, &mut state.ui.pending, chord) {
        Resolved::Action(action) => act(state, action),
        Resolved::Pending | Resolved::None => Vec::new(),
    }
}

/// Runs an action, whoever asked for it: a key, the command line or the finder.
pub(super) fn act(state: &mut State, action: Action) -> Vec<Effect> {
    let page = isize::try_from(state.ui.drawn.page.max(2) - 1).unwrap_or(1);
    if action.spec().risk != Risk::Look {
        // What is acted on stays selected wherever it moves then.
        (state.ui.bridge.chosen, state.ui.alerts.chosen) = (true, true);
    }
    if moves(action) {
        state.ui.following = None;
    }
    match action {
        Action::Bridge => show(state, Screen::Bridge),
        Action::Alerts => show(state, Screen::Alerts),
        Action::Slos => show(state, Screen::Slos),
        Action::Map => show(state, Screen::Map),
        Action::Capacity => show(state, Screen::Capacity),
        Action::WhatIf => dialogs::open_whatif(state),
        Action::Incident => show(state, Screen::Incident),
        Action::PreviousIncident => other_incident(state, -1),
        Action::NextIncident => other_incident(state, 1),
        Action::Pin => dialogs::pin(state),
        Action::Follow => presence::follow(state),
        Action::Changes => show(state, Screen::Changes),
        Action::Review => show(state, Screen::Review),
        Action::FindCause => review::find_cause(state),
        Action::FollowUp => dialogs::open_verb(state, Verb::FollowUp, &[]),
        Action::Types => dialogs::open_verb(state, Verb::Types, &[]),
        Action::Sources => show(state, Screen::Sources),
        Action::Down => go(state, Move::By(1)),
        Action::Up => go(state, Move::By(-1)),
        Action::PageDown => go(state, Move::By(page)),
        Action::PageUp => go(state, Move::By(-page)),
        Action::Top => go(state, Move::Top),
        Action::Bottom => go(state, Move::Bottom),
        Action::NextPane => pane(state, 1),
        Action::PreviousPane => pane(state, -1),
        Action::Open => open(state),
        Action::Back => back(state),
        Action::Left => map::sideways(state, -1),
        Action::Right => map::sideways(state, 1),
        Action::Focus => map::focus(state),
        Action::Wider => map::widen(state, 1),
        Action::Narrower => map::widen(state, -1),
        Action::PathsFrom => map::mark(state),
        Action::ToggleList => map::toggle_list(state),
        Action::Blast => dialogs::map_reading(state, true),
        Action::Mark => mark(state),
        Action::Filter => dialogs::open_filter(state),
        Action::ClearFilter => clear_filter(state),
        Action::ToggleMuted => {
            state.ui.alerts.show_muted = !state.ui.alerts.show_muted;
            state.refresh(true);
            vec![Effect::Keep]
        }
        Action::Situations => {
            state.ui.alerts.unfolded = !state.ui.alerts.unfolded;
            state.refresh(true);
            // The list may look the same afterwards; the key was heard all the same.
            let said = match (state.ui.alerts.unfolded, state.ui.alerts.situations.is_empty()) {
                (true, _) => "Every group is listed by itself.",
                (false, true) => "No groups belong together now; those that do will be folded.",
                (false, false) => "Groups that belong together are folded.",
            };
            state.ui.notice(Tone::Info, said, state.now);
            vec![Effect::Keep]
        }
        Action::Acknowledge => dialogs::open_ack(state, ""),
        Action::Withdraw => dialogs::withdraw(state),
        Action::Silence => dialogs::open_silence(state),
        Action::Silences => dialogs::open_silences(state),
        Action::Windows => dialogs::open_windows(state),
        Action::Suspects => dialogs::open_suspects(state),
        Action::Note => dialogs::open_note(state, ""),
        Action::Declare => dialogs::open_declare(state, &[]),
        Action::Update => dialogs::open_verb(state, Verb::Update, &[]),
        Action::Rollback if state.ui.screen == Screen::Changes => changes::roll_back(state),
        Action::Rollback => dialogs::open_verb(state, Verb::Propose(None), &[]),
        Action::Task => dialogs::open_verb(state, Verb::Task, &[]),
        Action::Decide => dialogs::open_verb(state, Verb::Decide, &[]),
        Action::Handoff => dialogs::hand_off(state),
        Action::TakeCommand => dialogs::open_verb(state, Verb::TakeCommand, &[]),
        Action::Role => dialogs::open_verb(state, Verb::Role, &[]),
        Action::Severity => dialogs::open_verb(state, Verb::Severity, &[]),
        Action::Status => dialogs::open_verb(state, Verb::Status, &[]),
        Action::Describe => dialogs::open_verb(state, Verb::Describe, &[]),
        Action::Evidence => dialogs::open_verb(state, Verb::Evidence, &[]),
        Action::Workstream => dialogs::open_verb(state, Verb::Workstream, &[]),
        Action::Report => dialogs::open_verb(state, Verb::Report, &[]),
        Action::Split => dialogs::open_verb(state, Verb::Split, &[]),
        Action::Ticket if review::on_follow_up(state) => review::track(state),
        Action::Ticket => dialogs::open_verb(state, Verb::Ticket, &[]),
        Action::Page => dialogs::open_verb(state, Verb::Page, &[]),
        Action::Attach => dialogs::open_verb(state, Verb::Attach, &[]),
        Action::Merge => dialogs::open_verb(state, Verb::Merge, &[]),
        Action::Accept => step(state, &Step::Accept),
        Action::Refuse => step(state, &Step::Refuse),
        Action::Finish => step(state, &Step::Finish),
        Action::Extend => step(state, &Step::Extend),
        Action::Object => dialogs::step(state, &Step::Object),
        Action::Give => step(state, &Step::Give),
        Action::Settle => dialogs::settle(state),
        Action::TestChannel => sources::test(state),
        Action::Runbook => dialogs::runbook(state),
        Action::Explain if state.ui.screen == Screen::Capacity => dialogs::capacity_reading(state),
        Action::Explain => {
            let id = selected_slo(state);
            dialogs::explain(state, id)
        }
        Action::Copy => copy(state),
        Action::Link => dialogs::link(state),
        Action::Refresh => {
            let now = state.now;
            state.ui.notice(Tone::Info, "Asking every source again.", now);
            vec![Effect::Poll(None)]
        }
        Action::ZoomIn => zoom(state, -1),
        Action::ZoomOut => zoom(state, 1),
        Action::ZoomReset => zoom_reset(state),
        Action::Command => dialogs::open_command(state),
        Action::Find => dialogs::open_finder(state),
        Action::Help => {
            state.ui.dialog = Some(Dialog::Help { top: 0 });
            Vec::new()
        }
        Action::Clock => {
            state.ui.clock = match state.ui.clock {
                ClockMode::Utc => ClockMode::Local,
                ClockMode::Local => ClockMode::Utc,
            };
            vec![Effect::Keep]
        }
        Action::Theme => vec![Effect::NextTheme],
        Action::Pause => vec![Effect::Playback(PlaybackStep::Pause)],
        Action::SeekBack => vec![Effect::Playback(PlaybackStep::Seek(Span::from_secs(-30)))],
        Action::SeekForward => vec![Effect::Playback(PlaybackStep::Seek(Span::from_secs(30)))],
        Action::Slower => vec![Effect::Playback(PlaybackStep::Slower)],
        Action::Faster => vec![Effect::Playback(PlaybackStep::Faster)],
        Action::Redraw => vec![Effect::Redraw],
        Action::Suspend => vec![Effect::Suspend],
        Action::Quit => dialogs::leave(state),
    }
}

/// What one key does with what is selected on the screen that is looked at.
fn step(state: &mut State, step: &Step) -> Vec<Effect> {
    if state.ui.screen == Screen::Review {
        return review::step(state, step);
    }
    dialogs::step(state, step)
}

/// What is on screen and needs details fetched.
fn interest(state: &State) -> Interest {
    let slos = match state.ui.screen {
        Screen::Slos => state.ui.slos.selected.iter().cloned().collect(),
        Screen::Bridge
        | Screen::Alerts
        | Screen::Map
        | Screen::Capacity
        | Screen::Incident
        | Screen::Changes
        | Screen::Review
        | Screen::Sources => Vec::new(),
    };
    Interest {
        service: state.ui.bridge.service.clone(),
        slos,
        range: state.ui.range,
        around: capacity::compared(state),
        resource: capacity::watched(state),
        missed: crate::actions::runs::to_be_judged(&state.model, state.now),
        fired: state.model.went_unseen(),
    }
}

/// Refreshes what is derived for the eye. Lists keep still while a dialog is open.
impl State {
    pub(super) fn refresh(&mut self, force: bool) {
        alerts::refresh(self, force);
        slos::refresh(self, force);
        bridge::refresh(self);
        incident::refresh(self, force);
        capacity::refresh(self, force);
        changes::refresh(self, force);
        review::refresh(self, force);
        map::refresh(self, force);
        sources::refresh(self);
        let service = bridge::service(self);
        self.ui.bridge.service = service;
        dialogs::refresh_reading(self);
        dialogs::refresh_windows(self);
    }
}
