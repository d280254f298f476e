//! The Review screen: which reviews are listed, what is read of one, what the keys do with it.

use crate::actions::{Doing, Found, Screen};
use crate::app::board::follow_ups;
use crate::app::dialogs::{self, Step};
use crate::app::{Effect, FollowUpMove, ReviewPane, ReviewPart, ReviewUi, State, Tone, Verb};
use crate::domain::{Check, IncidentId, SafeText, SourceId, Span};
use crate::eventlog::{FollowUpStep, RecordId};
use crate::model::incidents::Incident;
use crate::model::review::{document, proposed, shelf, similar, whys};

use super::{Move, kept, moved, moved_by};

/// A draft says how long something goes on; once a minute it is written anew.
const ONCE_IN: Span = Span::from_mins(1);
/// A draft of more lines than this is written anew once a second at most.
const MANY: usize = 20_000;
/// What is said while a check is asked for.
const ASKED: &str = "Its source is asked; the answer is recorded.";
/// How much longer a follow-up may take by one key.
const LONGER: Span = Span::from_days(7);

impl State {
    /// The incident whose review is read.
    pub fn reviewed(&self) -> Option<&Incident> {
        self.model.incidents.incidents.get(self.ui.review.selected.as_ref()?)
    }
}

/// Makes anew what is listed and what is read, while it is looked at.
pub(in crate::app) fn refresh(state: &mut State, force: bool) {
    if state.ui.screen != Screen::Review || (state.ui.dialog.is_some() && !force) {
        return;
    }
    let State { model, ui, now, .. } = state;
    let ui = &mut ui.review;
    if ui.revision != model.revision || force {
        ui.revision = model.revision;
        let live = model.incidents.live().into_iter().map(|one| one.id.clone());
        let over = shelf(model, *now).into_iter().map(|one| one.incident.id.clone());
        let rows: Vec<IncidentId> = live.chain(over).collect();
        ui.selected = kept(&ui.rows, &rows, ui.selected.as_ref()).or_else(|| rows.first().cloned());
        ui.rows = rows;
    }
    let shown = ui.selected.as_ref().and_then(|id| model.incidents.incidents.get(id));
    // Whatever is written in an incident is a line of its timeline.
    let lines = shown.map_or(0, |incident| incident.timeline.len());
    let fresh = ui.made.as_ref().is_some_and(|(id, known, at)| {
        let age = now.since(*at);
        let hurry = if lines > MANY { age >= Span::from_secs(1) } else { true };
        Some(id) == ui.selected.as_ref()
            && (*known == lines || !hurry)
            && (Span::ZERO..ONCE_IN).contains(&age)
    });
    if fresh && !force {
        return;
    }
    ui.document = shown.map(|incident| document(model, incident, *now));
    ui.similar = shown.map_or_else(Vec::new, |incident| similar(model, incident));
    ui.proposed = shown.map_or_else(Vec::new, |incident| proposed(model, incident));
    ui.made = shown.map(|incident| (incident.id.clone(), lines, *now));
    let causes = shown.map_or_else(Vec::new, causes);
    let follow_ups = shown.map_or_else(Vec::new, follow_ups);
    ui.cause = ui.cause.filter(|id| causes.contains(id)).or(causes.first().copied());
    ui.follow_up =
        ui.follow_up.filter(|id| follow_ups.contains(id)).or(follow_ups.first().copied());
}

fn causes(incident: &Incident) -> Vec<RecordId> {
    whys(&incident.review).into_iter().map(|branch| branch.cause).collect()
}

pub(in crate::app) fn go(state: &mut State, by: Move) {
    let found = state.reviewed().map(|incident| (causes(incident), follow_ups(incident)));
    let ui = &mut state.ui.review;
    match (ui.pane, ui.part, found) {
        (ReviewPane::Shelf, ..) => {
            ui.selected = moved(&ui.rows, ui.selected.as_ref(), by);
            ui.scroll[2] = 0;
            refresh(state, true);
        }
        (ReviewPane::Parts, ..) => {
            let parts: Vec<ReviewPart> = ReviewPart::all().collect();
            let to = moved_by(&parts, |part| part, Some(&ui.part), by);
            ui.part = to.unwrap_or(ui.part);
            ui.scroll[2] = 0;
        }
        (ReviewPane::Body, ReviewPart::Whys, Some((causes, _))) => {
            ui.cause = moved(&causes, ui.cause.as_ref(), by);
        }
        (ReviewPane::Body, ReviewPart::FollowUps, Some((_, follow_ups))) => {
            ui.follow_up = moved(&follow_ups, ui.follow_up.as_ref(), by);
        }
        // A text; drawing clamps to its end.
        (ReviewPane::Body, ..) => {
            let top = &mut ui.scroll[2];
            *top = match by {
                Move::By(n) => top.saturating_add_signed(n),
                Move::Top => 0,
                Move::Bottom => usize::MAX / 2,
            };
        }
    }
}

pub(in crate::app) fn next_pane(state: &mut State, by: isize) {
    let panes = ReviewPane::ALL;
    let at = state.ui.review.pane as usize;
    state.ui.review.pane = panes[(at + panes.len()).saturating_add_signed(by) % panes.len()];
}

/// Enter: into the review, into the part, and there the section is written.
pub(in crate::app) fn open(state: &mut State) -> Vec<Effect> {
    let ui = &mut state.ui.review;
    match (ui.pane, ui.part) {
        (ReviewPane::Shelf, _) => ui.pane = ReviewPane::Parts,
        (ReviewPane::Parts | ReviewPane::Body, ReviewPart::Section(section)) => {
            return dialogs::open_verb(state, Verb::Section(section), &[]);
        }
        (ReviewPane::Parts, _) => ui.pane = ReviewPane::Body,
        (ReviewPane::Body, ReviewPart::Whys) => {
            let cause = ui.cause;
            return dialogs::open_verb(state, Verb::Cause(cause), &[]);
        }
        (ReviewPane::Body, _) => {}
    }
    Vec::new()
}

/// One level back within the screen; `false` when there is none.
pub(in crate::app) const fn back(ui: &mut ReviewUi) -> bool {
    match ui.pane {
        ReviewPane::Shelf => false,
        ReviewPane::Parts => {
            ui.pane = ReviewPane::Shelf;
            true
        }
        ReviewPane::Body => {
            ui.pane = ReviewPane::Parts;
            true
        }
    }
}

/// The why of the selected cause, or of the incident where none is.
pub(in crate::app) fn find_cause(state: &mut State) -> Vec<Effect> {
    let ui = &state.ui.review;
    let below = ui.cause.filter(|_| ui.part == ReviewPart::Whys && ui.pane == ReviewPane::Body);
    dialogs::open_verb(state, Verb::Cause(below), &[])
}

/// What one key does with what is selected.
pub(in crate::app) fn step(state: &mut State, step: &Step) -> Vec<Effect> {
    let ui = &state.ui.review;
    let (pane, part, cause, id) = (ui.pane, ui.part, ui.cause, ui.follow_up);
    let one = state.reviewed().zip(id).and_then(|(all, id)| all.review.follow_ups.get(&id));
    let (check, due) = (one.and_then(|one| one.check.clone()), one.map(|one| one.due));
    let follow_up = id.filter(|_| part == ReviewPart::FollowUps && pane == ReviewPane::Body);
    let withdrawn = cause.filter(|_| part == ReviewPart::Whys && pane == ReviewPane::Body);
    match (step, follow_up) {
        (Step::Finish, Some(follow_up)) => at_once(state, done(follow_up)),
        (Step::Accept, Some(follow_up)) => match check {
            Some(Check::Word { .. }) => {
                dialogs::open_verb(state, Verb::MoveFollowUp(follow_up, FollowUpMove::Vouch), &[])
            }
            Some(Check::Query { expr }) => ask(state, follow_up, expr),
            None => say(state, "This follow-up has no check; X finishes it."),
        },
        (Step::Refuse, Some(follow_up)) => {
            dialogs::open_verb(state, Verb::MoveFollowUp(follow_up, FollowUpMove::Drop), &[])
        }
        (Step::Give, Some(follow_up)) => {
            dialogs::open_verb(state, Verb::MoveFollowUp(follow_up, FollowUpMove::Give), &[])
        }
        (Step::Extend, Some(follow_up)) => {
            let later = due.unwrap_or(state.now).max(state.now).plus(LONGER);
            let given = [(crate::app::FieldName::Due, state.as_typed(later))];
            let verb = Verb::MoveFollowUp(follow_up, FollowUpMove::Extend);
            dialogs::open_verb(state, verb, &given)
        }
        (Step::Refuse, None) if withdrawn.is_some() => match withdrawn {
            Some(cause) => dialogs::open_verb(state, Verb::WithdrawCause(cause), &[]),
            None => Vec::new(),
        },
        (Step::Finish, None) => at_once(state, Doing::FinishReview(String::new())),
        _ => say(state, "This key means nothing for what is selected here; ? lists the keys."),
    }
}

/// The query of a check goes to a source; its answer is recorded when it is there.
fn ask(state: &mut State, follow_up: RecordId, expr: SafeText) -> Vec<Effect> {
    let Some(incident) = state.ui.review.selected.clone() else { return Vec::new() };
    if state.read_only {
        return say(state, "This console is read-only; nothing was asked.");
    }
    say(state, ASKED);
    vec![Effect::Check { incident, follow_up, expr }]
}

/// What the source said to a check.
pub(in crate::app) fn checked(
    state: &mut State,
    incident: &IncidentId,
    follow_up: RecordId,
    answer: Result<(SourceId, Vec<f64>), SafeText>,
) -> Vec<Effect> {
    let now = state.now;
    // The answer takes the place of the word that it is waited for.
    state.ui.notices.retain(|notice| notice.text.as_str() != ASKED);
    let (source, values) = match answer {
        Ok((source, values)) => (source.to_string(), values),
        Err(why) => {
            let text = format!("{why} The follow-up stands as it did; ask again later.");
            state.ui.notice(Tone::Warning, text, now);
            return Vec::new();
        }
    };
    let doing = Doing::CheckFollowUp { follow_up, found: Found::Samples { source, values } };
    match dialogs::decided(state, incident, &[doing]) {
        Ok(events) => vec![Effect::Append(events)],
        Err(sentence) => {
            state.ui.notice(Tone::Warning, sentence, now);
            Vec::new()
        }
    }
}

/// Whether the keys are for a follow-up.
pub(in crate::app) fn on_follow_up(state: &State) -> bool {
    let ui = &state.ui.review;
    state.ui.screen == Screen::Review
        && ui.part == ReviewPart::FollowUps
        && ui.pane == ReviewPane::Body
        && ui.follow_up.is_some()
}

/// A ticket for the selected follow-up, in the tracker that incidents go to, or else the first.
pub(in crate::app) fn track(state: &mut State) -> Vec<Effect> {
    let playbook = &state.model.playbook;
    let tracker = playbook.tracker.clone().or_else(|| playbook.trackers.first().cloned());
    match (state.ui.review.follow_up, tracker) {
        (Some(follow_up), Some(tracker)) => {
            at_once(state, Doing::TrackFollowUp { follow_up, tracker })
        }
        (_, None) => say(state, "No tracker is configured; add a [[tracker]] to the playbook."),
        (None, _) => Vec::new(),
    }
}

const fn done(follow_up: RecordId) -> Doing {
    Doing::MoveFollowUp { follow_up, step: FollowUpStep::Done, note: String::new() }
}

/// What somebody saw, for a check by word.
pub(in crate::app) const fn vouched(follow_up: RecordId, holds: bool, seen: String) -> Doing {
    Doing::CheckFollowUp { follow_up, found: Found::Word { holds, seen } }
}

fn say(state: &mut State, text: &str) -> Vec<Effect> {
    let now = state.now;
    state.ui.notice(Tone::Info, text, now);
    Vec::new()
}

fn at_once(state: &mut State, doing: Doing) -> Vec<Effect> {
    let Some(id) = state.ui.review.selected.clone() else {
        return say(state, "There is no review here yet; one begins when an incident is declared.");
    };
    match dialogs::decided(state, &id, &[doing]) {
        Ok(events) => vec![Effect::Append(events)],
        Err(sentence) => {
            let now = state.now;
            state.ui.notice(Tone::Warning, sentence, now);
            Vec::new()
        }
    }
}

/// For the clipboard: the section, the cause or the follow-up that is selected.
pub(in crate::app) fn copied(state: &State) -> Option<String> {
    let (incident, ui) = (state.reviewed()?, &state.ui.review);
    match ui.part {
        ReviewPart::Section(section) => {
            Some(ui.document.as_ref()?.section(section)?.text.to_string())
        }
        ReviewPart::Whys | ReviewPart::Fishbone => {
            Some(incident.review.causes.get(&ui.cause?)?.text.to_string())
        }
        ReviewPart::FollowUps => {
            Some(incident.review.follow_ups.get(&ui.follow_up?)?.text.to_string())
        }
        ReviewPart::Similar => Some(ui.similar.first()?.id.to_string()),
        ReviewPart::Evidence => Some(incident.id.to_string()),
    }
}
