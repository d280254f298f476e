//! Label sets of alerts and series: sorted, immutable, cheap to clone, their texts shared.

use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::Arc;

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use super::SafeText;

/// A set of labels, sorted by name. A missing label and an empty one are the same, as in Prometheus.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Labels(Arc<[(SafeText, SafeText)]>);

impl Labels {
    /// Sorts and keeps the last of equal names; empty values are dropped.
    pub fn new(mut pairs: Vec<(SafeText, SafeText)>) -> Self {
        Self::drained(&mut pairs)
    }

    /// As [`Labels::new`]; leaves the vector empty, to be filled again.
    pub fn drained(pairs: &mut Vec<(SafeText, SafeText)>) -> Self {
        pairs.retain(|(_, value)| !value.is_empty());
        if !pairs.windows(2).all(|w| w[0].0 < w[1].0) {
            pairs.reverse();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            pairs.dedup_by(|later, first| later.0 == first.0);
        }
        Self(pairs.drain(..).collect())
    }

    /// From plain pairs.
    pub fn of(pairs: &[(&str, &str)]) -> Self {
        Self::new(pairs.iter().map(|(n, v)| (SafeText::new(n), SafeText::new(v))).collect())
    }

    /// The value of `name`, or `""` when it is missing.
    pub fn get(&self, name: &str) -> &str {
        self.text(name).map_or("", SafeText::as_str)
    }

    /// The value of `name` as shared text.
    pub fn text(&self, name: &str) -> Option<&SafeText> {
        let at = self.0.binary_search_by(|(n, _)| n.as_str().cmp(name)).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    /// All pairs in order of name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &(SafeText, SafeText)> + '_ {
        self.0.iter()
    }

    /// How many labels there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Default for Labels {
    fn default() -> Self {
        Self(Arc::from([]))
    }
}

/// Prints as Prometheus does: `{job="app", track="canary"}`.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, (name, value)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{name}=\"{value}\"")?;
        }
        f.write_str("}")
    }
}

/// Shares equal texts between the labels of one source: twenty thousand alerts carry a few hundred
/// distinct values. Keyed by the raw text, so each is cleaned once.
#[derive(Debug, Default)]
pub struct Interner {
    /// With each text its hash, so that none is hashed twice.
    seen: HashTable<(u64, SafeText)>,
    hashing: RandomState,
}

/// Beyond this many distinct texts the interner starts over, so hostile cardinality cannot fill memory.
const MOST_TEXTS: usize = 500_000;

impl Interner {
    /// The shared clean text for `raw`.
    pub fn text(&mut self, raw: &str) -> SafeText {
        let hash = self.hashing.hash_one(raw);
        if let Some((_, known)) = self.seen.find(hash, |(_, known)| known.as_str() == raw) {
            return known.clone();
        }
        let text = SafeText::new(raw);
        // A text that cleaning changed would never be found again by its raw form.
        if text.as_str() == raw {
            if self.seen.len() >= MOST_TEXTS {
                self.seen.clear();
            }
            self.seen.insert_unique(hash, (hash, text.clone()), |(hash, _)| *hash);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_and_the_last_of_equal_names_wins() {
        let labels = Labels::of(&[("b", "1"), ("a", "x"), ("b", "2"), ("empty", "")]);
        assert_eq!(labels.to_string(), r#"{a="x", b="2"}"#);
        assert_eq!((labels.get("b"), labels.get("none"), labels.len()), ("2", "", 2));
    }
}
