//! A line over time as text, for tickets and other places that show no picture.

use crate::domain::{Series, Timestamp};

/// Most points: what a line of a ticket holds, the newest.
const MOST: i64 = 60;
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Nothing was measured there, or it is not a number: never the same as zero.
const GAP: char = '·';

/// A burn over time as text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Graph {
    /// A block for each point, from 0 up to `top`.
    pub(super) blocks: String,
    /// Time of the first block.
    pub(super) from: Timestamp,
    /// Time of the last block.
    pub(super) to: Timestamp,
    /// What the tallest block stands for: the highest of the values, at least what the budget allows.
    pub(super) top: f64,
}

/// Draws a burn; `None` when two points are not known, which is no line.
pub(super) fn of_burn(series: &Series) -> Option<Graph> {
    let points = &series.points;
    let steps = points.windows(2).map(|pair| pair[1].0.since(pair[0].0).millis());
    let step = steps.filter(|step| *step > 0).min()?;
    let (first, to) = (points.first()?.0, points.last()?.0);
    let slots = (to.since(first).millis() / step + 1).min(MOST);
    let mut values = vec![f64::NAN; usize::try_from(slots).ok()?];
    for (at, value) in points {
        // Counted from the newest, so that what is too old falls off at the left.
        let back = (to.since(*at).millis() + step / 2) / step;
        let slot = usize::try_from(slots - 1 - back).ok().and_then(|slot| values.get_mut(slot));
        if let Some(slot) = slot {
            *slot = *value;
        }
    }
    let known = values.iter().copied().filter(|value| value.is_finite());
    let top = known.fold(1.0, f64::max);
    let block = |value: &f64| {
        let level = (value / top * 7.0).round().clamp(0.0, 7.0);
        if value.is_nan() { GAP } else { BLOCKS[level as usize] }
    };
    let from = to.minus(crate::domain::Span::from_millis(step * (slots - 1)));
    Some(Graph { blocks: values.iter().map(block).collect(), from, to, top })
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;

    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(1_763_820_000_000 + minute * 60_000)
    }

    fn series(points: &[(i64, f64)]) -> Series {
        let points = points.iter().map(|(minute, value)| (at(*minute), *value)).collect();
        Series { points, ..Series::default() }
    }

    #[test]
    fn zero_nothing_and_no_number_look_different_and_the_tallest_is_named() {
        let burn = [(0, 0.0), (1, 1.0), (3, f64::NAN), (4, 7.0), (5, 14.0), (6, f64::INFINITY)];
        let (from, to) = (at(0), at(6));
        let drawn = Graph { blocks: "▁▂··▅██".into(), from, to, top: 14.0 };
        assert_eq!(of_burn(&series(&burn)), Some(drawn));
        // What the budget allows is the top where nothing is above it: a quiet burn looks quiet.
        let quiet = Graph { blocks: "▁▂".into(), from: at(0), to: at(1), top: 1.0 };
        assert_eq!(of_burn(&series(&[(0, 0.0), (1, 0.1)])), Some(quiet));
        // Of a long line the newest.
        let long: Vec<(i64, f64)> = (0..100).map(|n| (n, n as f64)).collect();
        let drawn = of_burn(&series(&long)).unwrap();
        assert_eq!((drawn.from, drawn.to), (at(40), at(99)));
        assert_eq!((drawn.blocks.chars().count(), drawn.blocks.chars().last()), (60, Some('█')));
        for none in [&[][..], &[(0, 3.0)], &[(0, 3.0), (0, 4.0)]] {
            assert_eq!(of_burn(&series(none)), None);
        }
    }

    proptest! {
        #[test]
        fn any_line_is_drawn_or_left_out(
            mut points in prop::collection::vec((-100_000_i64..100_000, any::<f64>()), 0..80),
        ) {
            points.sort_by_key(|point| point.0);
            let Some(drawn) = of_burn(&series(&points)) else { return Ok(()) };
            prop_assert!(drawn.blocks.chars().count() <= 60);
            prop_assert!(drawn.blocks.chars().all(|c| c == GAP || BLOCKS.contains(&c)));
            prop_assert!(drawn.from <= drawn.to && drawn.top >= 1.0);
        }
    }
}
