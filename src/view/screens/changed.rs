//! One line on the Bridge: what changed last at the selected service, or anywhere, beside the trouble.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::actions::Action;
use crate::domain::{ChangeState, Freshness, Span, Timestamp};
use crate::model::{Fed, Model};
use crate::theme::Token;
use crate::view::format;
use crate::view::scene::Scene;
use crate::view::widgets::text::{Pen, width};

use super::inner;

/// What changed longer ago than this is no news here.
const NEWS: Span = Span::from_hours(24);
/// Bodies lower than this have no line to spare.
const LEAST: u16 = 14;
/// Rows beside budgets and alerts that are not given up for it where the suspects have a line already.
const REST: usize = 10;

/// Lines it takes on a body of this height, of which `others` are taken: one when there is something to say.
pub(super) fn height(scene: &Scene<'_>, body: Rect, others: u16) -> u16 {
    let lists = scene.model().slos.statuses.len().max(1) + scene.model().alerts.groups.len().max(1);
    let spare = others == 0 || usize::from(body.height) >= lists + REST;
    u16::from(body.height >= LEAST && spare && newest(scene).is_some())
}

/// The newest change of the selected service, else of all.
fn newest<'m>(scene: &Scene<'m>) -> Option<Fed<'m>> {
    let (model, now): (&Model, Timestamp) = (scene.model(), scene.now());
    let service = scene.state.ui.bridge.service.as_ref();
    let change = service
        .and_then(|id| model.changes.newest_of(Some(id), now.minus(NEWS)))
        .or_else(|| model.changes.newest_of(None, now.minus(NEWS)))?;
    model.fed(&change.key)
}

/// Draws it: the longest wording that fits whole.
pub(super) fn draw(scene: &Scene<'_>, buf: &mut Buffer, area: Rect) {
    let Some(fed) = newest(scene).filter(|_| area.height > 0) else { return };
    let mut pen = Pen::new(buf, inner(area), 0);
    // Behind it: a number before the word would count.
    if let Some(key) = scene.keymap.key_for(Action::Changes) {
        pen.right(" shows all", scene.style(Token::Muted)).right(key, scene.style(Token::Key));
        pen.trim(2);
    }
    pen.put("  changed: ", scene.style(Token::Title));
    let (room, wordings) = (pen.room(), wordings(scene, &fed));
    let fits = wordings.iter().find(|text| width(text) <= room).or(wordings.last());
    let source = scene.model().sources.get(&fed.change.key.source);
    let told = source.is_none_or(|source| source.freshness(scene.now()) == Freshness::Fresh);
    let token = match fed.lag {
        _ if !told => Token::Stale,
        Some(lag) if fed.on_path && lag <= Span::ZERO => Token::Warning,
        _ => Token::Text,
    };
    if let Some(text) = fits {
        pen.put(text, scene.style(token));
    }
}

/// The same in ever fewer words; when it was, what, and how it lies to the trouble are in all.
fn wordings(scene: &Scene<'_>, fed: &Fed<'_>) -> Vec<String> {
    let (change, now) = (fed.change, scene.now());
    let (at, title, kind) = (scene.zone.minute(change.at, now), &change.title, change.kind.name());
    let when = match fed.lag {
        None => format!("{} ago", format::age(Some(change.at), now)),
        Some(lag) if lag > Span::ZERO => format!("{} after the trouble began", format::span(lag)),
        Some(lag) => format!("{} before the trouble", format::span(lag.reversed())),
    };
    let ended = match change.state {
        ChangeState::Unknown | ChangeState::Done => "",
        ChangeState::Running => ", under way",
        ChangeState::Failed => ", ended badly",
        ChangeState::Undone => ", taken back",
    };
    let source = scene.model().sources.get(&change.key.source);
    let silent = source.filter(|source| source.freshness(now) != Freshness::Fresh);
    let silent = silent.map_or(String::new(), |source| {
        format!(" · {} is silent, newer ones may be missing", source.id)
    });
    let what = match &change.service {
        Some(service) if !title.contains(service.as_str()) => format!("{kind} of {service}"),
        _ => kind.to_owned(),
    };
    let by = match change.author.as_str() {
        "" => String::new(),
        author => format!(" by {author}"),
    };
    vec![
        format!("{at} {title} ({what}){by}{ended}, {when}{silent}"),
        format!("{at} {title} ({what}){ended}, {when}{silent}"),
        format!("{at} {title}{ended}, {when}{silent}"),
        format!("{at} {title}{ended}, {when}"),
        format!("{at}, {when}: {title}"),
    ]
}
