//! A silence being made: what it matches, how long, why, and what it would hit, counted live.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::actions::Action;
use crate::app::{SilenceField, SilenceForm};
use crate::keys::PromptAction;
use crate::theme::Token;
use crate::view::format::{self, short};
use crate::view::scene::Scene;
use crate::view::widgets::text::{Pen, below, top, width, wrap};

use super::entry::{line, outcome};
use super::{ACCEPT, CANCEL, Cursor, Does, Shown, keys, popup};

/// Cells of the names of fields.
const NAMES: u16 = 12;

pub(super) fn draw(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    form: &SilenceForm,
    cursor: &mut Cursor,
) -> Shown {
    let title = match &form.replaces {
        Some(id) => {
            let short: String = id.as_str().chars().take(8).collect();
            format!("Extend or change silence {short} on {}, counted from now", form.site)
        }
        None if form.sites.len() > 1 || !form.along.is_empty() => {
            format!("Silence on {}", form.place())
        }
        None => "Silence".to_owned(),
    };
    // As tall as the first alerts it hits want, the last step included.
    let listed = u16::try_from(form.preview.listed.len()).unwrap_or(u16::MAX).clamp(2, 11);
    let tall = if area.height < 20 { area.height } else { (area.height - 4).min(listed + 14) };
    let (inner, foot) = popup(scene, buf, area, (88, tall), &title);
    let fields = [
        (SilenceField::Matchers, "matchers", &form.matchers),
        (SilenceField::Duration, "for", &form.duration),
        (SilenceField::Comment, "because", &form.comment),
    ];
    let asking = form.confirming || form.broad.is_some();
    for (row, (field, name, editor)) in (0u16..).zip(fields) {
        let active = field == form.field && !asking;
        let mut pen = Pen::new(buf, inner, row);
        let token = if active { Token::Accent } else { Token::Muted };
        pen.put(if active { "▸ " } else { "  " }, scene.style(token)).put(name, scene.style(token));
        let x = inner.x + NAMES + 1;
        let width = inner.width.saturating_sub(NAMES + 1);
        let entry = Rect { x, width, ..top(below(inner, row), 1) };
        line(scene, buf, entry, editor, if active { Some(&mut *cursor) } else { None });
    }
    let mut fields = 3;
    if form.sites.len() > 1 {
        let active = form.field == SilenceField::Site && !asking;
        let mut pen = Pen::new(buf, inner, fields);
        let token = if active { Token::Accent } else { Token::Muted };
        pen.put(if active { "▸ " } else { "  " }, scene.style(token)).put("on", scene.style(token));
        pen.to(inner.x + NAMES + 1).put(form.site.as_str(), scene.style(Token::Text)).skip(2);
        let others = short!("one of {}; any key takes the next", form.sites.len());
        pen.put(if active { &others } else { "" }, scene.style(Token::Ghost));
        fields += 1;
    }
    let gap = u16::from(inner.height > 10);
    let mut rest = below(inner, fields + gap);
    let used = outcome(scene, buf, rest, form.refusal.as_ref(), form.saving);
    rest = below(rest, used);
    if asking {
        let used = confirm(scene, buf, rest, form, cursor);
        rest = below(rest, used + gap);
    }
    preview(scene, buf, rest, form);
    if asking {
        keys(scene, buf, foot, &[(ACCEPT, "silence"), (CANCEL, "back")]);
    } else {
        let next = Does::Typed(PromptAction::Complete);
        keys(
            scene,
            buf,
            foot,
            &[(ACCEPT, "go on"), (next, "next field"), (CANCEL, "keep as draft")],
        );
    }
    (0, 0)
}

/// The sentence that names object, reach and way back.
fn confirm(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    form: &SilenceForm,
    cursor: &mut Cursor,
) -> u16 {
    let alerts = form.preview.alerts;
    let word = if alerts == 1 { "alert" } else { "alerts" };
    let key = scene.keymap.key_for(Action::Silences).unwrap_or(":silences");
    let text = format!(
        "Notifications stop for {alerts} {word} on {} for {}, and for new ones that match. \
         The way back: {key} lists silences, end it there.",
        form.place(),
        form.duration.text(),
    );
    let mut row = 0;
    wrap(&text, usize::from(area.width), |line| {
        Pen::new(buf, area, row).put(line, scene.style(Token::Warning));
        row += 1;
    });
    if let Some(typed) = &form.broad {
        let ask = short!("This is broad. Type {alerts} to go on: ");
        Pen::new(buf, area, row).put(&ask, scene.style(Token::Warning));
        let at = width(&ask).min(usize::from(area.width)) as u16;
        let entry = Rect { x: area.x + at, width: area.width - at, ..top(below(area, row), 1) };
        line(scene, buf, entry, typed, Some(cursor));
        row += 1;
    }
    row
}

fn preview(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, form: &SilenceForm) {
    let preview = &form.preview;
    let mut pen = Pen::new(buf, area, 0);
    let count = short!(
        "Hits {} of {} alerts now",
        format::count(preview.alerts),
        format::count(preview.firing)
    );
    let token = match (preview.alerts, preview.broad) {
        (0, _) => Token::Muted,
        (_, true) => Token::Warning,
        (_, false) => Token::Text,
    };
    pen.put(&count, scene.style(token));
    if preview.broad {
        pen.put("  ◆ broad", scene.style(Token::Warning));
    }
    let mut row = 1;
    if !preview.services.is_empty() {
        let services: Vec<&str> = preview.services.iter().map(|s| s.as_str()).collect();
        let mut pen = Pen::new(buf, area, row);
        pen.put("services  ", scene.style(Token::Muted));
        pen.put(&services.join(", "), scene.style(Token::Text));
        row += 1;
    }
    let list = below(area, row);
    let page = usize::from(list.height);
    let shown = if preview.alerts > page { page.saturating_sub(1) } else { page };
    for (row, text) in (0u16..).zip(preview.listed.iter().take(shown)) {
        Pen::new(buf, list, row)
            .put("  ", scene.style(Token::Text))
            .put(text, scene.style(Token::Text));
    }
    let listed = preview.listed.len().min(shown);
    if preview.alerts > listed && listed > 0 {
        let more = short!("  and {} more", format::count(preview.alerts - listed));
        Pen::new(buf, list, listed as u16).put(&more, scene.style(Token::Muted));
    }
}
