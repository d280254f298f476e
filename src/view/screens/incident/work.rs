//! Tasks and workstreams: who was asked to do what by when, which team works on what and when it was heard.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{Drawn, IncidentPane, board};
use crate::model::incidents::{Incident, Task, Workstream};
use crate::theme::Token;
use crate::view::format::{self, short};
use crate::view::scene::Scene;
use crate::view::widgets::text::{Pen, width};

use super::attention::{Urgency, when};
use super::{Board, records};

/// Shape and colour of a task.
fn standing(scene: &Scene<'_>, task: &Task) -> (&'static str, Token) {
    match (&task.ended, Urgency::of(task.due, scene.now()), task.acknowledged) {
        (Some((_, true, _)), ..) => ("✓", Token::Muted),
        (Some((_, false, _)), ..) => ("✕", Token::Muted),
        (None, urgency @ Urgency::Overdue, _) => (urgency.mark(), urgency.token()),
        (None, _, None) => ("?", Token::Unknown),
        (None, urgency @ Urgency::Soon, Some(_)) => (urgency.mark(), urgency.token()),
        (None, Urgency::Later, Some(_)) => ("●", Token::Text),
    }
}

/// How many tasks are open, and how many of them overdue.
pub(super) fn open_tasks(scene: &Scene<'_>, incident: &Incident) -> (usize, usize) {
    let open = incident.tasks.values().filter(|task| task.ended.is_none());
    open.fold((0, 0), |(all, over), task| {
        let late = Urgency::of(task.due, scene.now()) == Urgency::Overdue;
        (all + 1, over + usize::from(late))
    })
}

pub(super) fn tasks(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    incident: &Incident,
    focused: bool,
) -> Drawn {
    let rows = board::tasks(incident);
    let chosen = scene.state.ui.incident.task;
    let title = match open_tasks(scene, incident) {
        (0, _) => short!("Tasks"),
        (open, 0) => short!("Tasks · {open} open"),
        (open, over) => short!("Tasks · {open} open, {over} overdue"),
    };
    let board = Board {
        pane: IncidentPane::Tasks,
        title: &title,
        nothing: "Nobody has been asked to do anything.",
        rows: rows.len(),
        selected: None,
        per: 1,
    };
    let owners = rows.iter().map(|(_, task)| width(task.owner.name())).max().unwrap_or(0);
    let owners = owners.clamp(3, 10) as u16;
    records(scene, buf, area, (&board, focused), (&rows, chosen), |task, buf, line| {
        let (mark, token) = standing(scene, task);
        let muted = scene.style(Token::Muted);
        let mut pen = Pen::new(buf, line, 0);
        pen.put(mark, scene.style(token)).to(line.x + 2);
        let (ended, x) = (task.ended.is_some(), line.x + 3 + owners);
        let (owner, _) = crate::view::widgets::text::fit(task.owner.name(), usize::from(owners));
        pen.put(owner, if ended { muted } else { scene.style(Token::Text) }).to(x);
        match &task.ended {
            Some((at, done, result)) => {
                pen.right(&format::age(Some(*at), scene.now()), muted).trim(1);
                pen.put(if *done { "" } else { "dropped: " }, muted).put(&task.text, muted);
                if !result.is_empty() {
                    pen.put(" → ", muted).put(result, muted);
                }
            }
            None => {
                pen.right(&when(task.due, scene.now()), scene.style(token)).trim(1);
                if task.acknowledged.is_none() && pen.room() > 30 {
                    pen.right("not heard", scene.style(Token::Unknown)).trim(1);
                }
                pen.put(&task.text, scene.style(Token::Text));
            }
        }
    })
}

/// Shape and colour of a workstream.
fn state(scene: &Scene<'_>, one: &Workstream) -> (&'static str, Token) {
    let silent = one.heard.plus(scene.model().playbook.silent_after);
    match (one.closed, &one.blocker) {
        (Some(_), _) => ("✓", Token::Muted),
        (None, Some(_)) => ("■", Token::Error),
        (None, None) if silent < scene.now() => ("▲", Token::Warning),
        (None, None) => ("●", Token::Text),
    }
}

/// Open workstreams, and those of them that are blocked or silent.
pub(super) fn troubled(scene: &Scene<'_>, incident: &Incident) -> (usize, usize) {
    let open = incident.workstreams.values().filter(|one| one.closed.is_none());
    open.fold((0, 0), |(all, bad), one| {
        (all + 1, bad + usize::from(matches!(state(scene, one).1, Token::Error | Token::Warning)))
    })
}

pub(super) fn workstreams(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    incident: &Incident,
    focused: bool,
) -> Drawn {
    let rows = board::workstreams(incident);
    let chosen = scene.state.ui.incident.workstream;
    let reports = incident.direct_reports().len();
    let title = match troubled(scene, incident) {
        _ if reports > scene.model().playbook.most_reports => {
            short!("Workstreams · {reports} reports: split")
        }
        (0, _) => short!("Workstreams"),
        (open, 0) => short!("Workstreams · {open}"),
        (open, bad) => short!("Workstreams · {open}, {bad} need a look"),
    };
    let board = Board {
        pane: IncidentPane::Workstreams,
        title: &title,
        nothing: "No team works on a part of it.",
        rows: rows.len(),
        selected: None,
        per: 2,
    };
    records(scene, buf, area, (&board, focused), (&rows, chosen), |one, buf, lines| {
        let (mark, token) = state(scene, one);
        let (muted, plain) = (scene.style(Token::Muted), scene.style(Token::Text));
        let mut pen = Pen::new(buf, lines, 0);
        pen.put(mark, scene.style(token)).to(lines.x + 2);
        match one.closed {
            Some(at) => {
                pen.right(&short!("ended {} ago", format::age(Some(at), scene.now())), muted)
            }
            None => {
                let age = format::age(Some(one.heard), scene.now());
                let style = if token == Token::Warning { scene.style(token) } else { muted };
                let word = if token == Token::Warning { "silent" } else { "heard" };
                let ago = if token == Token::Warning { "" } else { " ago" };
                pen.right(&short!("{word} {age}{ago}"), style)
            }
        };
        pen.trim(1);
        if one.parent.is_some() {
            pen.put("└ ", muted);
        }
        pen.put(&one.name, if one.closed.is_some() { muted } else { plain }).skip(1);
        pen.put(one.lead.name(), muted);
        if let Some(team) = &one.team
            && width(team.as_str()) + 3 <= pen.room()
        {
            pen.put(" (", muted).put(team.as_str(), muted).put(")", muted);
        }
        let mut pen = Pen::new(buf, lines, 1);
        pen.to(lines.x + 2);
        if let Some(blocker) = &one.blocker {
            pen.put("blocked: ", scene.style(Token::Error)).put(blocker, plain).skip(2);
        }
        match one.reports.last() {
            Some(can) => {
                pen.put(&can.conditions, plain);
                for (name, text) in [(" · does ", &can.actions), (" · needs ", &can.needs)] {
                    if !text.is_empty() {
                        pen.put(name, muted).put(text, plain);
                    }
                }
            }
            None => {
                pen.put("has not reported yet", muted);
            }
        }
    })
}
