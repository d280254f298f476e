//! Keys in a form: between fields, inside a field, out of it.

use super::{Entry, Form};
use crate::keys::{Chord, Key, PromptAction};

/// What a key in a form led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum Typed {
    /// Only the eye moved.
    Moved,
    /// Something stands there that did not before.
    Edited,
    /// The form is accepted.
    Accepted,
    /// The text goes to the person's own editor.
    Outside,
    /// A finding is to be replaced in the text.
    Replace,
}

/// Remarks that a page key goes on by.
const REMARKS: usize = 4;

impl Form {
    /// A key; `meant` is what the keymap says of it while text is typed.
    pub(in crate::app) fn key(&mut self, meant: Option<PromptAction>, chord: Chord) -> Typed {
        use PromptAction as P;
        let last = self.is_last();
        let Some(field) = self.fields.get_mut(self.focus) else { return Typed::Moved };
        let plain = |key| chord == Chord::plain(key);
        // What is beside the fields is read whole before anything is accepted, also on a small terminal.
        if !matches!(field.entry, Entry::Text(_)) && (plain(Key::PageDown) || plain(Key::PageUp)) {
            let last = self.remarks.len().saturating_sub(1);
            self.read = match plain(Key::PageDown) {
                true => (self.read + REMARKS).min(last),
                false => self.read.min(last).saturating_sub(REMARKS),
            };
            return Typed::Moved;
        }
        match (meant, &mut field.entry) {
            (Some(P::AcceptAll), Entry::Pick(pick)) => {
                pick.complete();
                Typed::Accepted
            }
            (Some(P::AcceptAll), _) => Typed::Accepted,
            (Some(P::Outside), Entry::Text(_)) => Typed::Outside,
            (Some(P::NewLine), Entry::Text(editor)) => {
                editor.insert("\n");
                Typed::Edited
            }
            (Some(P::Accept), Entry::Text(editor)) if !last => {
                editor.insert("\n");
                Typed::Edited
            }
            // In the last field what a name was completed to is seen before it is accepted.
            (Some(P::Accept | P::Complete), Entry::Pick(pick)) => {
                let accept = meant == Some(P::Accept);
                let completed = pick.complete();
                if accept && last && !completed {
                    return Typed::Accepted;
                }
                if !completed || (accept && !last) {
                    self.step(1);
                }
                edited(completed)
            }
            (Some(P::Accept), _) if last => Typed::Accepted,
            (Some(P::Accept), _) => {
                self.step(1);
                Typed::Moved
            }
            (Some(P::Complete), _) => {
                self.step(1);
                Typed::Moved
            }
            (Some(P::CompleteBack), _) => {
                self.step(-1);
                Typed::Moved
            }
            (Some(P::Next | P::Previous), entry) => {
                let by = if meant == Some(P::Next) { 1 } else { -1 };
                if !walk(entry, by, chord) {
                    self.step(by);
                }
                Typed::Moved
            }
            (_, Entry::Choice { options, at }) => choose(options, at, chord),
            (_, Entry::Checks { options, at }) => {
                if plain(Key::Left) || plain(Key::Right) {
                    let by = if plain(Key::Right) { 1 } else { -1 };
                    *at = at.saturating_add_signed(by).min(options.len().saturating_sub(1));
                    return Typed::Moved;
                }
                match options.get_mut(*at) {
                    Some(option) if plain(Key::Char(' ')) => {
                        option.on = !option.on;
                        Typed::Edited
                    }
                    _ => Typed::Moved,
                }
            }
            (_, Entry::Settle { findings, at }) => match (findings.get_mut(*at), chord.key) {
                (Some(_), Key::Char('r')) => Typed::Replace,
                (Some(finding), Key::Char('k' | ' ')) => {
                    finding.kept = !finding.kept;
                    Typed::Edited
                }
                _ => Typed::Moved,
            },
            (_, Entry::Pick(pick)) => {
                pick.taken = None;
                edited(pick.line.key(chord))
            }
            (_, Entry::Line(editor) | Entry::Text(editor) | Entry::Time(editor, _)) => {
                edited(editor.key(chord))
            }
        }
    }

    /// Pasted text; `false` when not all of it fits. Where nothing is typed it goes nowhere.
    pub(in crate::app) fn paste(&mut self, text: &str) -> bool {
        let editor = self.fields.get_mut(self.focus).and_then(|f| f.entry.editor_mut());
        editor.is_none_or(|editor| editor.insert(text))
    }
}

const fn edited(changed: bool) -> Typed {
    if changed { Typed::Edited } else { Typed::Moved }
}

/// Up and down inside a field; `false` where that leads out of it.
fn walk(entry: &mut Entry, by: isize, chord: Chord) -> bool {
    let within = |at: &mut usize, count: usize| {
        let to = at.checked_add_signed(by).filter(|to| *to < count);
        to.inspect(|to| *at = *to).is_some()
    };
    match entry {
        Entry::Text(editor) => {
            // Whatever key means up and down, the editor knows the arrows.
            let key = if by > 0 { Key::Down } else { Key::Up };
            editor.key(chord) || editor.key(Chord::plain(key))
        }
        Entry::Pick(pick) => pick.walk(by),
        Entry::Checks { options, at } => within(at, options.len()),
        Entry::Settle { findings, at } => within(at, findings.len()),
        Entry::Choice { .. } | Entry::Line(_) | Entry::Time(..) => false,
    }
}

/// Left, right and space go round; a letter or digit goes to the next option with a word that begins so.
fn choose(options: &[crate::domain::SafeText], at: &mut usize, chord: Chord) -> Typed {
    let count = options.len();
    let after = |by: isize| (*at + count).saturating_add_signed(by) % count.max(1);
    let to = match chord {
        Chord { ctrl: true, .. } | Chord { alt: true, .. } => None,
        Chord { key: Key::Left, .. } => Some(after(-1)),
        Chord { key: Key::Right | Key::Char(' '), .. } => Some(after(1)),
        Chord { key: Key::Char(c), .. } => {
            let begins = |option: &str| {
                let mut words = option.split(|c: char| !c.is_alphanumeric());
                words.any(|w| w.chars().next().is_some_and(|first| first.eq_ignore_ascii_case(&c)))
            };
            (1..=count).map(|by| (*at + by) % count).find(|to| begins(&options[*to]))
        }
        _ => None,
    };
    match to {
        Some(to) if to != *at && to < count => {
            *at = to;
            Typed::Edited
        }
        _ => Typed::Moved,
    }
}
