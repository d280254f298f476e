//! Names and values of labels seen so far, for completion.

use std::collections::BTreeSet;

use crate::domain::{Labels, SafeText};

/// Completion offers at most this many values of one label, and this many labels.
const MOST: usize = 300;

/// Label names in order, each with its values in order; of labels with very many values, some.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vocabulary(Vec<(SafeText, BTreeSet<SafeText>)>);

impl Vocabulary {
    /// Takes in an alert's labels. Twenty thousand alerts mostly have the same names, so that each name
    /// is looked for first where it would be then; texts are shared, so that this compares no letters.
    pub(super) fn learn(&mut self, labels: &Labels) {
        for (at, (name, value)) in labels.iter().enumerate() {
            let found = match self.0.get(at) {
                Some((known, _)) if known == name => Ok(at),
                _ => self.0.binary_search_by(|(known, _)| known.cmp(name)),
            };
            let at = match found {
                Ok(at) => at,
                Err(_) if self.0.len() >= MOST => continue,
                Err(at) => {
                    self.0.insert(at, (name.clone(), BTreeSet::new()));
                    at
                }
            };
            let Some((_, values)) = self.0.get_mut(at) else { continue };
            if values.len() < MOST && !values.contains(value) {
                values.insert(value.clone());
            }
        }
    }

    /// Every name with its values.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &(SafeText, BTreeSet<SafeText>)> + '_ {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn of_very_many_names_and_values_some_are_offered() {
        let mut seen = Vocabulary::default();
        for i in 0..1_000 {
            seen.learn(&Labels::of(&[("host", &format!("h{i}")), (&format!("l{i:04}"), "x")]));
        }
        let sizes: Vec<usize> = seen.iter().map(|(_, values)| values.len()).collect();
        assert_eq!((sizes.len(), sizes[0], sizes[1]), (300, 300, 1));
    }

    proptest! {
        #[test]
        fn every_name_and_value_is_there_once_and_in_order(
            alerts in proptest::collection::vec(
                proptest::collection::btree_map("[a-e]", "[x-z]{1,2}", 0..5), 0..20),
        ) {
            let mut seen = Vocabulary::default();
            let mut expected: BTreeMap<SafeText, BTreeSet<SafeText>> = BTreeMap::new();
            for alert in alerts {
                let pairs = alert.iter().map(|(n, v)| (SafeText::new(n), SafeText::new(v)));
                pairs.clone().for_each(|(n, v)| {
                    expected.entry(n).or_default().insert(v);
                });
                seen.learn(&Labels::new(pairs.collect()));
            }
            prop_assert_eq!(seen.0, expected.into_iter().collect::<Vec<_>>());
        }
    }
}
