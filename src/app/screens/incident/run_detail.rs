//! Everything about a run of a procedure: how it stands, what was said, what is sent, what came of it.

use crate::actions::Action;
use crate::actions::runs::RunStanding;
use crate::app::{ReadingLine, State, order_lines, run_stand};
use crate::domain::{Outcome, ProcedureKind, SafeText};
use crate::eventlog::RecordId;
use crate::model::incidents::Run;

use super::details::{at, head, pair, short, text};

/// Title and lines.
pub(super) fn run(state: &State, id: RecordId, run: &Run) -> (SafeText, Vec<ReadingLine>) {
    let stand = run_stand(&state.model, run, state.now);
    let said = format!("{} {}", stand.mark, stand.words);
    let mut lines = vec![match stand.standing {
        RunStanding::Unknown(_) | RunStanding::Failed(..) => ReadingLine::Warn(said.into()),
        _ => ReadingLine::Text(said.into()),
    }];
    if let RunStanding::Failed(_, why) = &stand.standing {
        lines.push(ReadingLine::Warn(why.clone()));
    }
    if let RunStanding::Unknown(step) = &stand.standing {
        let request = run.steps.get(step).and_then(|id| state.model.journal.operations.get(id));
        if let Some(Outcome::Unknown { why }) = request.and_then(|one| one.outcome.as_ref()) {
            lines.push(ReadingLine::Warn(why.clone()));
        }
        let keys = state.keymap.keys_for(Action::Settle);
        let key = keys.first().copied().unwrap_or(":settle");
        let how =
            format!("Look there; {key} says what you found. It is never begun again by itself.");
        lines.push(ReadingLine::Warn(how.into()));
    }
    lines.extend([ReadingLine::Blank, text("procedure", run.procedure.text())]);
    lines.push(text("service", run.service.text()));
    lines.push(pair("proposed", format!("{} by {}", at(run.at), run.by)));
    if !run.reason.is_empty() {
        lines.push(text("because", &run.reason));
    }
    for answer in &run.answers {
        let word = if answer.approved { "approved" } else { "not approved" };
        lines.push(pair(word, format!("{} by {} {}", at(answer.at), answer.by, answer.note)));
    }
    if let Some((when, by)) = &run.released {
        lines.push(pair("released", format!("{} by {by}", at(*when))));
    } else if run.stopped.is_none() {
        lines.push(pair("expires", at(run.expires)));
    }
    if let Some((_, by, when, why)) = &run.stopped {
        lines.push(pair("stopped", format!("{} by {by} {why}", at(*when))));
    }
    if let Some(verified) = &run.verified {
        lines.push(pair("judged", format!("{}, {}", verified.verdict.name(), at(verified.at))));
        lines.extend(verified.figures.iter().map(|(title, said)| text(title, said)));
    }
    if let Some(backup) = &run.backup {
        lines.push(text("if it does not help", backup.text()));
    }
    if let Some(back) = run.undoes.and_then(|id| state.incident()?.runs.get(&id)) {
        lines.push(text("takes back", &back.title));
    }
    let undo = state.model.playbook.procedures.procedures.get(&run.procedure);
    if let Some(undo) = undo.and_then(|known| known.undo.as_ref()) {
        let in_force = state.model.undone_by(undo).is_some_and(|(newest, _)| newest == id);
        let keys = state.keymap.keys_for(Action::Refuse);
        let key = keys.first().filter(|_| in_force);
        let how = key.map_or_else(|| undo.to_string(), |key| format!("{undo} ({key} proposes it)"));
        lines.push(pair("taken back by", how));
    }
    if run.kind == ProcedureKind::Degradation
        && let Some(ladder) = state.model.ladder(&run.service)
    {
        lines.extend([ReadingLine::Blank, head(&format!("Ladder of {}", run.service))]);
        lines.extend(ladder.lines(at).into_iter().map(ReadingLine::Text));
    }
    for (step, order) in run.orders.iter().enumerate() {
        lines.push(ReadingLine::Blank);
        lines.push(head(&format!("Step {} of {}", step + 1, run.orders.len())));
        lines.extend(order_lines(order).into_iter().map(ReadingLine::Code));
        let seen = u16::try_from(step).ok().and_then(|step| run.seen.get(&step));
        if let Some(seen) = seen {
            lines.push(text("runs as", &seen.receipt));
            if !seen.url.is_empty() {
                lines.push(text("look at", &seen.url));
            }
            lines.extend(seen.lines.iter().cloned().map(ReadingLine::Code));
        }
    }
    lines.extend([ReadingLine::Blank, head("What was known when it was proposed")]);
    lines.extend(run.card.iter().map(|(title, said)| text(title, said)));
    lines.extend([ReadingLine::Blank, pair("record", short(id))]);
    (run.title.clone(), lines)
}
