//! Asked before leaving while an incident is going on, or something is not on the disk.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::actions::Action;
use crate::theme::Token;
use crate::view::format;
use crate::view::scene::{Scene, severity};
use crate::view::widgets::text::{Pen, wrap};

use super::{Does, Shown, keys, popup};

pub(super) fn draw(scene: &Scene<'_>, buf: &mut Buffer, area: Rect) -> Shown {
    let live = scene.model().incidents.live();
    let shown = live.len().min(usize::from(area.height.saturating_sub(9)).max(1));
    let held = scene.state.held.records.len();
    let more = if held > 0 { 11 } else { 7 };
    let tall = u16::try_from(shown).unwrap_or(u16::MAX).saturating_add(more);
    let (inner, foot) = popup(scene, buf, area, (72, tall), "Leave Quarterdeck?");
    let mut row = 0;
    for incident in live.iter().take(shown) {
        let mut pen = Pen::new(buf, inner, row);
        let text = format::short!("{}", incident.severity);
        pen.put(&text, scene.style(severity(incident.severity))).skip(1);
        pen.put(incident.id.as_str(), scene.style(Token::Muted)).skip(1);
        let commands = incident.command.as_ref().map(|command| &command.commander);
        if commands == Some(&scene.state.me) {
            pen.right(" you command", scene.style(Token::Warning));
        }
        pen.put(&incident.title, scene.style(Token::Text));
        row += 1;
    }
    row += u16::from(!live.is_empty());
    if held > 0 {
        let words = format!(
            "{} NOT ON DISK. Free some space and wait, or leave: then they are printed on this terminal \
             for you to keep.",
            if held == 1 { "1 entry is".to_owned() } else { format!("{held} entries are") }
        );
        wrap(&words, usize::from(inner.width), |line| {
            Pen::new(buf, inner, row).put(line, scene.style(Token::Error));
            row += 1;
        });
        row += 1;
    }
    let word = match live.len() {
        0 => String::new(),
        1 => "It is still going on.".to_owned(),
        n => format!("{n} incidents are still going on."),
    };
    let words =
        format!("{word} Everything recorded stays; reminders and sends of this console stop.");
    wrap(words.trim_start(), usize::from(inner.width), |line| {
        Pen::new(buf, inner, row).put(line, scene.style(Token::Text));
        row += 1;
    });
    let pairs = [(Does::Listed(Action::Open), "leave"), (Does::Listed(Action::Back), "stay")];
    keys(scene, buf, foot, &pairs);
    (0, 0)
}
