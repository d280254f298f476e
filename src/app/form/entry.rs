//! What can stand in a field, each kind with the text it is kept and submitted as.

use crate::actions::when::Toward;
use crate::app::{Editor, Lines};
use crate::domain::SafeText;

/// What stands in a field.
#[derive(Debug, Clone)]
pub enum Entry {
    /// One line.
    Line(Editor),
    /// Several lines.
    Text(Editor),
    /// One of several.
    Choice {
        /// In their order.
        options: Vec<SafeText>,
        /// The chosen one's place.
        at: usize,
    },
    /// A name, or several, completed from those that are known; others may be typed too.
    Pick(Pick),
    /// A moment (`14:05`, RFC 3339) or a distance from now (`20m`).
    Time(Editor, Toward),
    /// Any of several.
    Checks {
        /// In their order.
        options: Vec<Check>,
        /// The one the keys are on.
        at: usize,
    },
    /// Findings in a text, to be settled one by one.
    Settle {
        /// In the order they are found.
        findings: Vec<Finding>,
        /// The one the keys are on.
        at: usize,
    },
}

/// One of several that may be ticked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// As shown.
    pub word: SafeText,
    /// Ticked.
    pub on: bool,
}

/// Something in a text that a person has to settle before it leaves the house.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// As it stands in the text.
    pub found: SafeText,
    /// What it seems to be.
    pub what: SafeText,
    /// What would stand there instead.
    pub instead: SafeText,
    /// A person has said that it may stay. What is replaced is no longer found.
    pub kept: bool,
}

/// A name that can be taken, and a few words about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// What is taken.
    pub word: SafeText,
    /// Role, team, title.
    pub detail: SafeText,
}

/// A name being typed.
#[derive(Debug, Clone)]
pub struct Pick {
    /// As typed.
    pub line: Editor,
    /// What completion knows, best first.
    pub known: Vec<Known>,
    /// Several, separated by commas.
    pub many: bool,
    /// Which candidate the keys are on.
    pub taken: Option<usize>,
}

/// Most candidates offered.
const OFFERED: usize = 50;

impl Pick {
    /// A field of one name.
    pub fn one(text: &str, known: Vec<Known>) -> Self {
        Self { line: Editor::new(text, Lines::One), known, many: false, taken: None }
    }

    /// A field of several names.
    pub fn several(text: &str, known: Vec<Known>) -> Self {
        Self { many: true, ..Self::one(text, known) }
    }

    /// What stands before the name being typed, and that name.
    fn parts(&self) -> (String, String) {
        let text = self.line.text();
        match text.rsplit_once(',').filter(|_| self.many) {
            Some((before, piece)) => (format!("{before}, "), piece.trim().to_owned()),
            None => (String::new(), text.trim().to_owned()),
        }
    }

    /// The names that fit what is typed: those that begin with it, then those that hold it. Nothing once
    /// a whole name stands there, since then nothing is left to complete.
    pub fn candidates(&self) -> Vec<&Known> {
        let (_, piece) = self.parts();
        let piece = piece.to_lowercase();
        if self.known.iter().any(|k| k.word.to_lowercase() == piece) {
            return Vec::new();
        }
        let begins = |k: &&Known| k.word.to_lowercase().starts_with(&piece);
        let holds = |k: &&Known| {
            let inside = |text: &SafeText| text.to_lowercase().contains(&piece);
            !begins(k) && (inside(&k.word) || inside(&k.detail))
        };
        let first = self.known.iter().filter(begins);
        first.chain(self.known.iter().filter(holds)).take(OFFERED).collect()
    }

    /// Puts the candidate the keys are on, or the only one that begins like this, in place of what is
    /// typed. Whether anything was put there.
    pub fn complete(&mut self) -> bool {
        let (before, piece) = self.parts();
        let candidates = self.candidates();
        let begun: Vec<&&Known> = candidates
            .iter()
            .filter(|k| k.word.to_lowercase().starts_with(&piece.to_lowercase()))
            .collect();
        let word = match (self.taken, begun.as_slice()) {
            (Some(taken), _) => candidates.get(taken).map(|k| k.word.clone()),
            (None, [only]) if !piece.is_empty() => Some(only.word.clone()),
            _ => None,
        };
        self.taken = None;
        let Some(word) = word else { return false };
        self.line.set(&format!("{before}{word}"));
        true
    }

    /// Moves over the candidates; `false` past either end.
    pub(super) fn walk(&mut self, by: isize) -> bool {
        let count = self.candidates().len();
        self.taken = match (self.taken, by > 0) {
            (None, true) if count > 0 => Some(0),
            (Some(at), true) if at + 1 < count => Some(at + 1),
            (Some(at), false) if at > 0 => Some(at - 1),
            _ => {
                self.taken = None;
                return false;
            }
        };
        true
    }

    /// The names, without blanks around them and without empty ones.
    pub fn names(&self) -> Vec<String> {
        let text = self.line.text();
        let names: Vec<&str> =
            if self.many { text.split(',').collect() } else { vec![text.as_str()] };
        names.into_iter().map(str::trim).filter(|n| !n.is_empty()).map(str::to_owned).collect()
    }
}

impl Entry {
    /// One line.
    pub fn line(text: &str) -> Self {
        Self::Line(Editor::new(text, Lines::One))
    }

    /// Several lines.
    pub fn lines(text: &str) -> Self {
        Self::Text(Editor::new(text, Lines::Many).wrapped())
    }

    /// One of several, `at` first.
    pub fn choice(options: impl IntoIterator<Item = impl Into<SafeText>>, at: usize) -> Self {
        Self::Choice { options: options.into_iter().map(Into::into).collect(), at }
    }

    /// A moment to come.
    pub fn ahead(text: &str) -> Self {
        Self::Time(Editor::new(text, Lines::One), Toward::Future)
    }

    /// A moment that was.
    pub fn back(text: &str) -> Self {
        Self::Time(Editor::new(text, Lines::One), Toward::Past)
    }

    /// As kept in a draft and taken on accepting.
    pub fn text(&self) -> String {
        match self {
            Self::Line(editor) | Self::Text(editor) | Self::Time(editor, _) => editor.text(),
            Self::Pick(pick) => pick.line.text(),
            Self::Choice { options, at } => {
                options.get(*at).map_or_else(String::new, ToString::to_string)
            }
            Self::Checks { options, .. } => {
                let on = options.iter().filter(|o| o.on).map(|o| o.word.as_str());
                on.collect::<Vec<_>>().join("\n")
            }
            Self::Settle { findings, .. } => {
                let kept = findings.iter().filter(|f| f.kept).map(|f| f.found.as_str());
                kept.collect::<Vec<_>>().join("\n")
            }
        }
    }

    /// Puts a text there, as [`Entry::text`] gives it. What cannot stand there is left out; whether all
    /// could.
    pub fn set(&mut self, text: &str) -> bool {
        match self {
            Self::Line(editor) | Self::Text(editor) | Self::Time(editor, _) => editor.set(text),
            Self::Pick(pick) => pick.line.set(text),
            Self::Choice { options, at } => {
                let wanted = options.iter().position(|o| o.eq_ignore_ascii_case(text));
                let Some(wanted) = wanted else { return false };
                *at = wanted;
            }
            Self::Checks { options, .. } => {
                let named = |word: &str| text.split('\n').any(|n| n.eq_ignore_ascii_case(word));
                options.iter_mut().for_each(|o| o.on = named(&o.word));
            }
            Self::Settle { findings, .. } => {
                let kept = |found: &str| text.split('\n').any(|n| n == found);
                findings.iter_mut().for_each(|f| f.kept = kept(&f.found));
            }
        }
        true
    }

    /// The editor that takes typed text, where there is one.
    pub const fn editor(&self) -> Option<&Editor> {
        match self {
            Self::Line(editor) | Self::Text(editor) | Self::Time(editor, _) => Some(editor),
            Self::Pick(pick) => Some(&pick.line),
            Self::Choice { .. } | Self::Checks { .. } | Self::Settle { .. } => None,
        }
    }

    /// As [`Entry::editor`], for typing.
    pub const fn editor_mut(&mut self) -> Option<&mut Editor> {
        match self {
            Self::Line(editor) | Self::Text(editor) | Self::Time(editor, _) => Some(editor),
            Self::Pick(pick) => Some(&mut pick.line),
            Self::Choice { .. } | Self::Checks { .. } | Self::Settle { .. } => None,
        }
    }

    /// How many there are to choose from; none where anything can be typed.
    pub const fn choices(&self) -> usize {
        match self {
            Self::Choice { options, .. } => options.len(),
            Self::Checks { options, .. } => options.len(),
            _ => 0,
        }
    }

    /// Whether nothing stands there.
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Checks { options, .. } => !options.iter().any(|o| o.on),
            Self::Settle { findings, .. } => findings.is_empty(),
            Self::Choice { options, .. } => options.is_empty(),
            _ => self.editor().is_none_or(Editor::is_blank),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;

    fn known() -> Vec<Known> {
        [("alice", "commander"), ("alison", "shop"), ("bob", "ops")]
            .map(|(word, detail)| Known { word: word.into(), detail: detail.into() })
            .to_vec()
    }

    #[test]
    fn a_name_is_completed_when_only_one_fits_or_one_is_taken() {
        let words = |pick: &Pick| -> Vec<String> {
            pick.candidates().iter().map(|k| k.word.to_string()).collect()
        };
        let mut pick = Pick::one("ali", known());
        assert_eq!(words(&pick), ["alice", "alison"]);
        assert!(!pick.complete(), "two begin like this");
        assert!(pick.walk(1) && pick.walk(1) && !pick.walk(1));
        assert!(pick.walk(1) && pick.walk(1));
        assert!(pick.complete());
        assert_eq!((pick.line.text().as_str(), words(&pick).len()), ("alison", 0));
        let mut pick = Pick::one("B", known());
        assert!(pick.complete());
        assert_eq!(pick.line.text(), "bob");
        assert_eq!(words(&Pick::one("shop", known())), ["alison"]);
        let mut stranger = Pick::one("dora", known());
        assert!(!stranger.complete());
        assert_eq!(stranger.names(), ["dora"]);
    }

    #[test]
    fn of_several_names_the_last_is_completed() {
        let mut pick = Pick::several("bob,ali", known());
        pick.walk(1);
        assert!(pick.complete());
        assert_eq!(pick.line.text(), "bob, alice");
        assert_eq!(pick.names(), ["bob", "alice"]);
    }

    fn any_entry() -> impl Strategy<Value = Entry> {
        let checks = proptest::collection::vec(any::<bool>(), 0..5).prop_map(|on| {
            let option = |(at, on)| Check { word: format!("c{at}").into(), on };
            Entry::Checks { options: on.into_iter().enumerate().map(option).collect(), at: 0 }
        });
        prop_oneof![
            "\\PC{0,20}".prop_map(|text| Entry::line(&text)),
            "[a-z\\n ]{0,20}".prop_map(|text| Entry::lines(&text)),
            (0usize..3).prop_map(|at| Entry::choice(["SEV-1", "SEV-2", "SEV-3"], at)),
            "\\PC{0,20}".prop_map(|text| Entry::Pick(Pick::several(&text, known()))),
            checks,
        ]
    }

    proptest! {
        #[test]
        fn what_is_kept_as_text_is_put_back_the_same(entry in any_entry()) {
            let text = entry.text();
            let mut again = entry;
            prop_assert!(again.set(&text));
            prop_assert_eq!(again.text(), text);
        }
    }
}
