//! The texts of all lines behind one another and in small letters, so that a word is found in a million
//! lines within a frame: what costs is fetching each line from where it lies.
//!
//! Only what is all ASCII is there, where small and capital letters are the same by one rule. All other
//! lines, and those that were changed or withdrawn since, stand apart and are looked at one by one.

use memchr::memmem::Finder;

/// Texts by place in the timeline's slab.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts {
    /// Each text and a NUL, which is in none of them.
    all: Vec<u8>,
    /// Where each ends, the NUL included.
    ends: Vec<usize>,
    apart: Places,
}

/// A set of places.
#[derive(Debug, Clone, Default)]
pub(super) struct Places(Vec<u64>);

impl Places {
    fn insert(&mut self, at: usize) {
        if at / 64 >= self.0.len() {
            self.0.resize(at / 64 + 1, 0);
        }
        self.0[at / 64] |= 1 << (at % 64);
    }

    /// Whether a place is among them.
    pub(super) fn has(&self, at: u32) -> bool {
        let at = at as usize;
        self.0.get(at / 64).is_some_and(|bits| (bits >> (at % 64)) & 1 == 1)
    }
}

impl Texts {
    /// Takes in the text of the next place.
    pub(super) fn push(&mut self, text: &str) {
        if text.is_ascii() && !text.contains('\0') {
            self.all.extend(text.bytes().map(|byte| byte.to_ascii_lowercase()));
        } else {
            self.apart.insert(self.ends.len());
        }
        self.all.push(0);
        self.ends.push(self.all.len());
    }

    /// A line no longer says, or not only, what was taken in.
    pub(super) fn set_apart(&mut self, at: u32) {
        self.apart.insert(at as usize);
    }

    /// Whether a line is to be looked at itself.
    pub(super) fn is_apart(&self, at: u32) -> bool {
        self.apart.has(at)
    }

    /// Where a word stands, whatever the case of its letters, of all lines that are not apart. `None` for a
    /// word that cannot be looked for so.
    pub(super) fn having(&self, word: &str) -> Option<Places> {
        if !word.is_ascii() || word.is_empty() || word.contains('\0') {
            return None;
        }
        let word = word.to_ascii_lowercase();
        let finder = Finder::new(&word);
        let mut found = Places(vec![0; self.ends.len().div_ceil(64)]);
        let (mut from, mut line) = (0, 0);
        while let Some(at) = self.all.get(from..).and_then(|rest| finder.find(rest)) {
            while self.ends.get(line).is_some_and(|end| *end <= from + at) {
                line += 1;
            }
            found.insert(line);
            from = *self.ends.get(line)?;
        }
        Some(found)
    }
}
