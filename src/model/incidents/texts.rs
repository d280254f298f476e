//! The texts of all lines behind one another and in small letters, so that a word is found in a million
//! lines within a frame: what costs is fetching each line from where it lies.
//!
//! Only what is all ASCII is there, where small and capital letters are the same by one rule. All other
//! lines, and those that were changed or withdrawn since, stand apart and are looked at one by one.

use memchr::memmem::Finder;

/// So much text tells which of several words is rare.
const SAMPLE: usize = 64 * 1024;

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

    /// Where all of these words stand, whatever the case of their letters, of all lines that are not apart.
    /// `None` when one of them cannot be looked for so.
    pub(super) fn having(&self, words: &[&str]) -> Option<Places> {
        if words.iter().any(|word| !word.is_ascii() || word.is_empty() || word.contains('\0')) {
            return None;
        }
        let words: Vec<String> = words.iter().map(|word| word.to_ascii_lowercase()).collect();
        let mut finders: Vec<Finder<'_>> = words.iter().map(Finder::new).collect();
        // What is rare among some of the texts is probably rare: then few lines are looked at again.
        let some = &self.all[..self.all.len().min(SAMPLE)];
        finders.sort_by_cached_key(|finder| finder.find_iter(some).count());
        let (rarest, others) = finders.split_first()?;
        let mut found = Places(vec![0; self.ends.len().div_ceil(64)]);
        let (mut from, mut line) = (0, 0);
        while let Some(at) = self.all.get(from..).and_then(|rest| rarest.find(rest)) {
            while self.ends.get(line).is_some_and(|end| *end <= from + at) {
                line += 1;
            }
            let begin = line.checked_sub(1).map_or(0, |before| self.ends[before]);
            let end = *self.ends.get(line)?;
            if others.iter().all(|word| word.find(&self.all[begin..end]).is_some()) {
                found.insert(line);
            }
            from = end;
        }
        Some(found)
    }
}
