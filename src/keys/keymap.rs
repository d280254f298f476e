//! What a chord means on a screen, with sequences and layers.
//!
//! A binding of the screen wins over one for playback, which wins over a global one. A global binding
//! lives only where its action applies, so one flat table serves every screen.

use std::fmt;

use super::chord::print_sequence;
use super::{Chord, Key};
use crate::actions::{Action, Screen};
use crate::domain::Fault;

/// Where a binding is written, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Context {
    Screen(Screen),
    Playback,
    Global,
}

/// One line of a keymap; without an action it unbinds what a weaker context says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binding {
    pub(super) context: Context,
    pub(super) chords: Vec<Chord>,
    pub(super) action: Option<Action>,
    /// Which file of the chain of inheritance (the heir is 0), and where in it.
    pub(super) place: (usize, usize),
}

/// What keys do while text is typed or a question is open; every other key edits the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptAction {
    /// Take what was typed.
    Accept,
    /// Leave without taking it.
    Cancel,
    /// Next completion.
    Complete,
    /// Previous completion.
    CompleteBack,
    /// Next candidate or later history.
    Next,
    /// Previous candidate or earlier history.
    Previous,
    /// Line break in a text of several lines.
    NewLine,
    /// Take the whole form, whichever field has the keys.
    AcceptAll,
    /// Hand the text to the person's own editor.
    Outside,
}

impl PromptAction {
    /// With the names used in the `[prompt]` table.
    pub const ALL: [(&'static str, Self); 9] = [
        ("accept", Self::Accept),
        ("cancel", Self::Cancel),
        ("complete", Self::Complete),
        ("complete-back", Self::CompleteBack),
        ("next", Self::Next),
        ("previous", Self::Previous),
        ("new-line", Self::NewLine),
        ("accept-all", Self::AcceptAll),
        ("editor", Self::Outside),
    ];
}

/// The first keys of a sequence, until it matches, fails or is given up with Esc.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pending(Vec<Chord>);

impl Pending {
    /// Whether nothing is waited for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forget the keys.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl fmt::Display for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print_sequence(&self.0))
    }
}

/// What a key led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolved {
    /// Do this.
    Action(Action),
    /// The beginning of a sequence; wait for the next key.
    Pending,
    /// Nothing is bound here, or a sequence was given up.
    None,
}

/// A binding that can be reached. Every frame names some, so they are printed once.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Live {
    chords: Vec<Chord>,
    printed: String,
    action: Action,
}

/// The active bindings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    name: String,
    /// What is live, for each screen without and with playback.
    live: Vec<Vec<Live>>,
    prompt: Vec<(Chord, PromptAction)>,
    warnings: Vec<Fault>,
}

/// Two bindings that cannot both be reached: the one that wins, the one that loses.
pub(super) type Shadow<'a> = (&'a Binding, &'a Binding);

impl Keymap {
    /// Settles which binding wins on each screen; `bindings` come strongest first within a context.
    pub(super) fn new(
        name: &str,
        mut bindings: Vec<Binding>,
        prompt: Vec<(Chord, PromptAction)>,
        mut warn: impl FnMut(Shadow<'_>) -> Fault,
    ) -> Self {
        bindings.sort_by_key(|b| b.context);
        let (mut live, mut warnings) = (Vec::new(), Vec::new());
        for screen in Screen::ALL {
            for playing in [false, true] {
                let (winners, shadows) = settle(&bindings, screen, playing);
                live.push(winners);
                for shadow in shadows {
                    let warning = warn(shadow);
                    if !warnings.contains(&warning) {
                        warnings.push(warning);
                    }
                }
            }
        }
        Self { name: name.into(), live, prompt, warnings }
    }

    /// The name it was loaded by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bindings that can never be reached because another is in the way.
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    /// What `chord` means now. A sequence ends by a match or a mismatch (Esc is always
    /// one), never by time.
    pub fn resolve(
        &self,
        screen: Screen,
        playing: bool,
        pending: &mut Pending,
        chord: Chord,
    ) -> Resolved {
        pending.0.push(chord.normal());
        let mut longer = false;
        for live in self.live(screen, playing) {
            if live.chords == pending.0 {
                pending.clear();
                return Resolved::Action(live.action);
            }
            longer |= live.chords.starts_with(&pending.0);
        }
        if longer {
            return Resolved::Pending;
        }
        pending.clear();
        Resolved::None
    }

    /// What `chord` means while text is typed. Enter and Esc always lead out.
    pub fn prompt(&self, chord: Chord) -> Option<PromptAction> {
        let chord = chord.normal();
        let bound = self.prompt.iter().find(|(c, _)| *c == chord).map(|(_, action)| *action);
        bound.or_else(|| match chord {
            c if c == Chord::plain(Key::Enter) => Some(PromptAction::Accept),
            c if c == Chord::plain(Key::Esc) => Some(PromptAction::Cancel),
            _ => None,
        })
    }

    /// The keys that do something while text is typed, for help.
    pub fn prompt_keys(&self, action: PromptAction) -> Vec<Chord> {
        self.prompt.iter().filter(|(_, bound)| *bound == action).map(|(chord, _)| *chord).collect()
    }

    /// The keys of an action on a screen, the best first.
    pub fn keys_on(
        &self,
        screen: Screen,
        playing: bool,
        action: Action,
    ) -> impl Iterator<Item = &str> {
        let live = self.live(screen, playing).iter();
        live.filter(move |l| l.action == action).map(|l| l.printed.as_str())
    }

    /// The keys of an action anywhere, the best first.
    pub fn keys_for(&self, action: Action) -> Vec<&str> {
        let mut keys: Vec<&str> = Vec::new();
        for live in self.live.iter().flatten().filter(|l| l.action == action) {
            if !keys.contains(&live.printed.as_str()) {
                keys.push(&live.printed);
            }
        }
        keys
    }

    /// The best key of an action.
    pub fn key_for(&self, action: Action) -> Option<&str> {
        let found = self.live.iter().flatten().find(|l| l.action == action);
        found.map(|l| l.printed.as_str())
    }

    fn live(&self, screen: Screen, playing: bool) -> &[Live] {
        let index = screen as usize * 2 + usize::from(playing);
        self.live.get(index).map_or(&[], Vec::as_slice)
    }
}

/// The bindings that can be reached on a screen, and those that cannot.
fn settle(bindings: &[Binding], screen: Screen, playing: bool) -> (Vec<Live>, Vec<Shadow<'_>>) {
    let (mut winners, mut shadows) = (Vec::<&Binding>::new(), Vec::new());
    let in_context = |b: &&Binding| match b.context {
        Context::Screen(of) => of == screen,
        Context::Playback => playing,
        Context::Global => true,
    };
    for binding in bindings.iter().filter(in_context) {
        if binding.action.is_some_and(|action| !action.applies(screen, playing)) {
            continue;
        }
        match winners.iter().find(|w| collide(w, binding)) {
            // Unbinding is meant to hide what is below it.
            Some(winner) if winner.action.is_none() => {}
            Some(winner) => shadows.push((*winner, binding)),
            None => winners.push(binding),
        }
    }
    let live = winners.iter().filter_map(|b| {
        let (chords, printed) = (b.chords.clone(), print_sequence(&b.chords));
        Some(Live { chords, printed, action: b.action? })
    });
    (live.collect(), shadows)
}

/// Whether one is the beginning of the other; an unbinding only hides exactly what it names.
fn collide(winner: &Binding, loser: &Binding) -> bool {
    match (winner.action, loser.action) {
        (_, None) => false,
        (None, _) => winner.context != loser.context && winner.chords == loser.chords,
        _ => winner.chords.starts_with(&loser.chords) || loser.chords.starts_with(&winner.chords),
    }
}
