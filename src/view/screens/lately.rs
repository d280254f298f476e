//! What people did lately: acknowledgements, notes, silences, newest first.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::{Actor, Operation, Purpose, Timestamp};
use crate::eventlog::RecordId;
use crate::model::{OpenOperation, Standing};
use crate::theme::Token;
use crate::view::scene::Scene;
use crate::view::widgets::text::{Pen, below};

use super::{empty, inner, title};

/// One entry: when, who, shape, words, colour.
type Entry<'m> = (Timestamp, &'m Actor, &'static str, String, Token);

/// Draws as many as there is room for.
pub(super) fn draw(scene: &Scene<'_>, buf: &mut Buffer, area: Rect) {
    if area.height < 2 {
        return;
    }
    title(scene, buf, area, "Who did what", false);
    let list = inner(below(area, 1));
    let entries = entries(scene, usize::from(list.height));
    if entries.is_empty() {
        let words = "Nothing acknowledged, noted or silenced from here yet.".to_owned();
        empty(scene, buf, below(area, 1), (words, Token::Muted));
    }
    for (row, (at, by, mark, words, token)) in (0u16..).zip(entries) {
        let mut pen = Pen::new(buf, list, row);
        pen.put(&scene.zone.minute(at, scene.now()), scene.style(Token::Muted)).skip(1);
        pen.put(mark, scene.style(token)).skip(1).put(by.name(), scene.style(Token::Text)).skip(1);
        pen.put(&words, scene.style(Token::Muted));
    }
}

/// The latest that were asked for, in no order. Delivery tests are told where the channels are.
fn latest(all: &BTreeMap<RecordId, OpenOperation>, most: usize) -> Vec<&OpenOperation> {
    let is_test = |one: &&OpenOperation| {
        matches!(&one.operation, Operation::Send(message)
            if matches!(message.purpose, Purpose::Test { .. }))
    };
    let mut found: Vec<&OpenOperation> = all.values().filter(|one| !is_test(one)).collect();
    if most > 0 && found.len() > most {
        found.select_nth_unstable_by_key(most - 1, |one| std::cmp::Reverse(one.at));
    }
    found.truncate(most);
    found
}

fn entries<'m>(scene: &Scene<'m>, most: usize) -> Vec<Entry<'m>> {
    let model = scene.model();
    let journal = &model.journal;
    let mut all: Vec<Entry<'m>> = Vec::with_capacity(most * 3);
    for group in model.alerts.groups.iter().filter(|g| g.ack.is_some()).take(most) {
        if let Some(ack) = &group.ack {
            let words = if ack.note.is_empty() { &group.title } else { &ack.note };
            all.push((ack.at, &ack.by, "✓", format!("acked: {words}"), Token::Ack));
        }
    }
    for note in journal.notes.values().rev().take(most) {
        all.push((note.at, &note.by, "✎", note.text.to_string(), Token::Info));
    }
    for operation in latest(&journal.operations, most) {
        let what = match &operation.operation {
            Operation::Silence { site, draft } => format!("silence on {site}: {}", draft.comment),
            Operation::Expire { site, .. } => format!("end of a silence on {site}"),
            Operation::Send(message) => format!("{}: {}", message.channel, message.subject),
            Operation::Ticket { tracker, .. } => format!("ticket in {tracker}"),
            Operation::Run { order, .. } => format!("{}: {}", order.pipeline, order.title),
        };
        let (mark, token, more) = match operation.standing(scene.now()) {
            Standing::UnderWay => ("…", Token::Info, ""),
            Standing::OutcomeUnknown => ("?", Token::Unknown, ", outcome unknown"),
            Standing::Ended(crate::domain::Outcome::Refused { .. }) => {
                ("✕", Token::Error, ", refused")
            }
            Standing::Ended(crate::domain::Outcome::Failed { .. }) => {
                ("✕", Token::Error, ", failed")
            }
            Standing::Ended(_) => ("○", Token::Silenced, ""),
        };
        all.push((operation.at, &operation.by, mark, format!("{what}{more}"), token));
    }
    all.sort_by_key(|entry| std::cmp::Reverse(entry.0));
    all.truncate(most);
    all
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::domain::{SilenceId, SiteId};

    #[test]
    fn the_latest_are_told_whatever_their_records_are_called() {
        let asked = |secs: i64| OpenOperation {
            by: Actor::new("ada"),
            at: Timestamp::from_millis(secs * 1_000),
            operation: Operation::Expire { site: SiteId::new("eu"), id: SilenceId::new("s") },
            outcome: None,
            attempt: None,
        };
        // Records are named by hashes: the newest may have the smallest name.
        let all = (0..9u8).map(|n| (RecordId([9 - n; 32]), asked(n.into()))).collect();
        let times = |most: usize| {
            let mut times: Vec<i64> =
                latest(&all, most).iter().map(|one| one.at.millis() / 1_000).collect();
            times.sort_unstable();
            times
        };
        assert_eq!(times(3), [6, 7, 8]);
        assert_eq!((times(0).len(), times(20).len()), (0, 9));
    }
}
