//! Runs of procedures: how each stands, by shape, words and colour, with the newest line of its log.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::actions::runs::RunStanding;
use crate::app::{Drawn, IncidentPane, board, run_stand};
use crate::domain::RunVerdict;
use crate::model::incidents::{Incident, Run};
use crate::theme::Token;
use crate::view::format::{self, short};
use crate::view::scene::Scene;
use crate::view::widgets::text::{Pen, width};

use super::{Board, records};

/// The colour of how it stands. Only what was seen to recover has the colour of health.
const fn token(standing: &RunStanding) -> Token {
    match standing {
        RunStanding::Proposed | RunStanding::Approved | RunStanding::Window(_) => Token::Warning,
        RunStanding::Running(_) | RunStanding::Watched(_) => Token::Info,
        RunStanding::Rejected | RunStanding::Expired | RunStanding::Stopped(_) => Token::Muted,
        RunStanding::Unknown(_) | RunStanding::Verified(RunVerdict::Unknown) => Token::Unknown,
        RunStanding::Failed(..) | RunStanding::Verified(RunVerdict::Worse) => Token::Error,
        RunStanding::Verified(RunVerdict::Recovered) => Token::Ok,
        RunStanding::Verified(RunVerdict::NoChange) => Token::Warning,
    }
}

/// Whether somebody has to do something about it.
const fn waits(standing: &RunStanding) -> bool {
    matches!(
        standing,
        RunStanding::Proposed
            | RunStanding::Approved
            | RunStanding::Window(_)
            | RunStanding::Unknown(_)
    )
}

pub(super) fn draw(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    incident: &Incident,
    focused: bool,
) -> Drawn {
    let rows = board::runs(incident);
    let chosen = scene.state.ui.incident.run;
    let stand = |run: &Run| run_stand(scene.model(), run, scene.now());
    let title = match rows.iter().filter(|(_, run)| waits(&stand(run).standing)).count() {
        0 => short!("Runs"),
        some => short!("Runs · {some} to decide"),
    };
    let board = Board {
        pane: IncidentPane::Runs,
        title: &title,
        nothing: "Nothing was run.",
        rows: rows.len(),
        selected: None,
        per: 2,
    };
    records(scene, buf, area, (&board, focused), (&rows, chosen), |run, buf, lines| {
        let (stand, muted) = (stand(run), scene.style(Token::Muted));
        let style = scene.style(token(&stand.standing));
        let mut pen = Pen::new(buf, lines, 0);
        pen.right(&format::age(Some(run.at), scene.now()), muted).trim(1);
        pen.put(stand.mark, style).to(lines.x + 2);
        pen.put(&run.title, scene.style(Token::Text));
        let mut pen = Pen::new(buf, lines, 1);
        pen.to(lines.x + 2).put(&stand.words, style).skip(2);
        pen.put(&beside(run, &stand.standing), muted);
    })
}

/// What stands beside: the newest line of the log, why it failed, what the verdict rests on, who proposed it.
fn beside(run: &Run, standing: &RunStanding) -> String {
    match standing {
        RunStanding::Running(step) | RunStanding::Unknown(step) => {
            let line = run.seen.get(step).and_then(|seen| seen.lines.last());
            line.map_or_else(String::new, ToString::to_string)
        }
        RunStanding::Failed(_, why) => why.to_string(),
        RunStanding::Verified(_) => {
            let figures = run.verified.iter().flat_map(|one| &one.figures);
            figures.map(|(title, text)| format!("{title} {text}")).collect::<Vec<_>>().join("; ")
        }
        RunStanding::Stopped(_) => run
            .stopped
            .as_ref()
            .map_or_else(String::new, |(_, by, _, why)| format!("by {by} {why}")),
        _ => format!("by {}", run.by),
    }
}

/// All of them in a line.
pub(super) fn gist(scene: &Scene<'_>, pen: &mut Pen<'_>, incident: &Incident) {
    for (_, run) in board::runs(incident) {
        let stand = run_stand(scene.model(), run, scene.now());
        let text = format!("{} {}: {}", stand.mark, run.procedure, stand.words);
        if width(&text) > pen.room() {
            pen.put("…", scene.style(Token::Muted));
            break;
        }
        pen.put(&text, scene.style(token(&stand.standing))).skip(2);
    }
}
