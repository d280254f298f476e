//! Per-screen state changes: which rows are listed, which is selected, what the keys act on.

pub(super) mod alerts;
pub(super) mod bridge;
pub(super) mod capacity;
pub(super) mod changes;
pub(super) mod incident;
pub(super) mod map;
pub(super) mod review;
pub(super) mod slos;
pub(super) mod sources;

/// How far a movement key goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    /// By so many rows.
    By(isize),
    /// To the first row.
    Top,
    /// To the last row.
    Bottom,
}

/// Moves a selection through `rows`. With nothing selected the first row is taken.
pub(super) fn moved<T: Clone + PartialEq>(rows: &[T], selected: Option<&T>, by: Move) -> Option<T> {
    moved_by(rows, |row| row, selected, by)
}

/// As [`moved`], through rows known by their ids.
pub(super) fn moved_by<R, T: Clone + PartialEq>(
    rows: &[R],
    id: impl Fn(&R) -> &T,
    selected: Option<&T>,
    by: Move,
) -> Option<T> {
    let last = rows.len().checked_sub(1)?;
    let at = selected.and_then(|s| rows.iter().position(|r| id(r) == s));
    let to = match (by, at) {
        (Move::Top, _) => 0,
        (Move::Bottom, _) => last,
        (Move::By(_), None) => 0,
        (Move::By(n), Some(at)) => at.saturating_add_signed(n).min(last),
    };
    rows.get(to).map(|row| id(row).clone())
}

/// Keeps a selection through a change of rows: the same id if it is still there, else what now
/// stands at its old place.
pub(super) fn kept<T: Clone + PartialEq>(old: &[T], new: &[T], selected: Option<&T>) -> Option<T> {
    let chosen = selected?;
    if new.contains(chosen) {
        return Some(chosen.clone());
    }
    let at = old.iter().position(|r| r == chosen).unwrap_or(0);
    new.get(at.min(new.len().checked_sub(1)?)).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_vanished_row_hands_its_place_to_the_next() {
        assert_eq!(kept(&[1, 2, 3], &[1, 3, 4], Some(&2)), Some(3));
        assert_eq!(kept(&[1, 2, 3], &[9, 2], Some(&2)), Some(2));
        assert_eq!(kept(&[1], &[], Some(&1)), None);
    }

    proptest! {
        #[test]
        fn the_selection_exists_or_is_none(old in prop::collection::vec(0u8..20, 0..9), new in prop::collection::vec(0u8..20, 0..9), at in 0usize..9, by in -9isize..9) {
            let chosen = old.get(at);
            let after = kept(&old, &new, chosen);
            prop_assert!(after.is_none_or(|a| new.contains(&a)));
            let next = moved(&new, after.as_ref(), Move::By(by));
            prop_assert_eq!(next.is_none(), new.is_empty());
        }
    }
}
