//! What is due now, in words: shown under the incident's head, counted on the strip.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::due::{Due, DueWhat, due};
use crate::domain::{Role, Span, Timestamp};
use crate::model::incidents::Incident;
use crate::theme::Token;
use crate::view::format::{self, Short, short};
use crate::view::scene::Scene;
use crate::view::widgets::text::{Pen, width};

/// What is due this soon is said.
const SOON: Span = Span::from_mins(5);

/// How soon something is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    Overdue,
    Soon,
    Later,
}

impl Urgency {
    pub(crate) fn of(at: Timestamp, now: Timestamp) -> Self {
        match at.since(now) {
            left if left < Span::ZERO => Self::Overdue,
            left if left <= SOON => Self::Soon,
            _ => Self::Later,
        }
    }

    pub(crate) const fn token(self) -> Token {
        match self {
            Self::Overdue => Token::Error,
            Self::Soon => Token::Warning,
            Self::Later => Token::Text,
        }
    }

    pub(crate) const fn mark(self) -> &'static str {
        match self {
            Self::Overdue => "▲",
            Self::Soon => "◆",
            Self::Later => "◇",
        }
    }
}

/// How far away: `2m over`, `in 4m`.
pub(super) fn when(at: Timestamp, now: Timestamp) -> Short {
    let left = at.since(now);
    let whole = |span: Span| format::span(Span::from_secs(span.millis().saturating_abs() / 1_000));
    if left < Span::ZERO { short!("{} over", whole(left)) } else { short!("in {}", whole(left)) }
}

/// What is overdue: all, and tasks alone.
pub(crate) fn overdue(scene: &Scene<'_>, incident: &Incident) -> (usize, usize) {
    let all = due(incident, &scene.model().playbook);
    let over = all.iter().filter(|due| Urgency::of(due.at, scene.now()) == Urgency::Overdue);
    over.fold((0, 0), |(all, tasks), due| {
        (all + 1, tasks + usize::from(matches!(due.what, DueWhat::Task(_))))
    })
}

/// When the next update is promised.
pub(crate) fn promise(scene: &Scene<'_>, incident: &Incident) -> Option<Timestamp> {
    let all = due(incident, &scene.model().playbook);
    all.into_iter().find(|due| matches!(due.what, DueWhat::Update(_))).map(|due| due.at)
}

/// Draws the lines: what is overdue and what is soon, the most urgent first, else what comes next.
pub(super) fn draw(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, incident: &Incident) {
    let muted = scene.style(Token::Muted);
    if area.height == 0 {
        return;
    }
    if !incident.status.is_live() {
        Pen::new(buf, area, 0).put("Over: nothing is due.", muted);
        return;
    }
    let all = due(incident, &scene.model().playbook);
    let urgent = |due: &&Due| Urgency::of(due.at, scene.now()) != Urgency::Later;
    let count = all.iter().filter(urgent).count();
    if count == 0 {
        let mut pen = Pen::new(buf, area, 0);
        match all.first() {
            Some(next) => {
                pen.put("next due ", muted)
                    .put(&when(next.at, scene.now()), muted)
                    .put(": ", muted);
                pen.put(&words(incident, next), muted);
            }
            None => {
                pen.put("Nothing is due: no cadence is set for this severity.", muted);
            }
        }
        return;
    }
    let (mut line, mut shown) = (0, 0);
    let mut pen = Pen::new(buf, area, 0);
    for item in all.iter().filter(urgent) {
        let urgency = Urgency::of(item.at, scene.now());
        let text =
            format!("{} {} {}", urgency.mark(), words(incident, item), when(item.at, scene.now()));
        let last = line + 1 == area.height;
        // Room for saying how many more there are.
        let spare = if last && shown + 1 < count { 9 } else { 0 };
        if shown > 0 && width(&text) + spare > pen.room() {
            if last {
                break;
            }
            line += 1;
            pen = Pen::new(buf, area, line);
        }
        pen.put(&text, scene.style(urgency.token())).skip(2);
        shown += 1;
    }
    if shown < count {
        pen.put(&short!("+{} more", count - shown), scene.style(Token::Warning));
    }
}

/// What is due, in a few words.
fn words(incident: &Incident, item: &Due) -> String {
    match item.what {
        DueWhat::Update(audience) => format!("{audience} update"),
        DueWhat::Task(id) => match incident.tasks.get(&id) {
            Some(task) => format!("{}: {}", task.owner, first_words(&task.text)),
            None => "task".into(),
        },
        DueWhat::Page(id) => match incident.pages.get(&id) {
            Some(page) => format!("{} does not answer", page.whom),
            None => "page".into(),
        },
        DueWhat::Approval(id) => match incident.updates.get(&id) {
            Some(update) => format!("{} update to be approved", update.audience),
            None => "update to be approved".into(),
        },
        DueWhat::Silent(id) => match incident.workstreams.get(&id) {
            Some(one) => format!("{} is silent", one.name),
            None => "workstream".into(),
        },
        DueWhat::Review(id) => match incident.decisions.get(&id) {
            Some(one) => format!("look again at: {}", first_words(&one.proposal)),
            None => "decision".into(),
        },
        DueWhat::Relief(Role::Commander) => match &incident.command {
            Some(command) => format!("relieve {}", command.commander),
            None => "relieve the commander".into(),
        },
        DueWhat::Relief(role) => format!("relieve {role}"),
    }
}

/// As much of a text as a line of several has room for.
fn first_words(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let (shown, cut) = crate::view::widgets::text::fit(line, 28);
    if cut { format!("{shown}…") } else { shown.to_owned() }
}
