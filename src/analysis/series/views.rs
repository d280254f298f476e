//! How the newest readings lie, as seven numbers, and how far that is from anything seen before.
//!
//! A view sorts the newest readings of its window and takes seven quantiles: what values there were, whatever
//! their order. Its *novelty* is the Euclidean distance to the nearest such row it remembers. What happened once is known from
//! then on, so the same thing again is less of a surprise; a season needs no model, since its readings
//! lie as those of earlier periods did. Nearest neighbours after Knorr and Ng, VLDB 1998; over windows of a
//! stream, Burnaev and Ishimtsev, "Conformalized density- and distance-based anomaly detection", 2016.
//!
//! Readings are first centred on their median and divided by their spread, then squeezed by arsinh, so that one
//! great outlier does not make everything after it look the same.

/// Numbers in a row.
const WIDTH: usize = 7;
/// Their quantiles, in tenths.
const TENTHS: [usize; WIDTH] = [0, 1, 3, 5, 7, 9, 10];
/// Novelty is an exponential mean over about this many readings, so that one blip is little.
const SMOOTH: f32 = 4.0;

/// Centre and spread of readings, for squeezing them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    centre: f64,
    spread: f64,
}

impl Scale {
    /// Median, and the larger of the robust and half of the mean deviation.
    pub(super) fn of(mut values: Vec<f64>) -> Self {
        let centre = median(&mut values);
        let mut away: Vec<f64> = values.iter().map(|v| (v - centre).abs()).collect();
        let mean = away.iter().map(|d| d / away.len().max(1) as f64).sum::<f64>();
        let spread = (1.4826 * median(&mut away)).max(0.5 * 1.2533 * mean);
        // Within a thousandth of its value, a line that never moves has not moved.
        Self { centre, spread: spread.max(1e-3 * centre.abs()).max(1e-12) }
    }

    /// Whether rows made with the other one would lie elsewhere.
    pub(super) fn differs(self, other: Self) -> bool {
        let moved = (self.centre - other.centre).abs() > MOVED * other.spread;
        let grown = self.spread / other.spread;
        moved || !(1.0 - MOVED..=1.0 + MOVED).contains(&grown)
    }

    pub(super) fn squeeze(self, value: f64) -> f32 {
        ((value - self.centre) / self.spread).asinh() as f32
    }

    fn stretch(self, squeezed: f32) -> f64 {
        f64::from(squeezed).sinh() * self.spread + self.centre
    }
}

/// Share of the spread by which a scale may be off before rows are squeezed anew.
const MOVED: f64 = 0.05;

fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    if values.is_empty() { 0.0 } else { *values.select_nth_unstable_by(middle, f64::total_cmp).1 }
}

/// The rows of one window length, oldest overwritten first.
#[derive(Debug, Clone)]
pub(super) struct View {
    window: usize,
    rows: Vec<[f32; WIDTH]>,
    /// The place of the next row, once there are as many as there may be.
    next: usize,
    most: usize,
    /// Only every so-manyth row is remembered; its neighbours share most of its readings.
    stride: usize,
    seen: usize,
    novelty: f32,
}

impl View {
    pub(super) const fn new(window: usize, most: usize, stride: usize) -> Self {
        Self { window, rows: Vec::new(), next: 0, most, stride, seen: 0, novelty: 0.0 }
    }

    /// Readings it needs.
    pub(super) const fn window(&self) -> usize {
        self.window
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What the rows say of the readings, unsqueezed.
    pub(super) fn readings(&self, scale: Scale) -> Vec<f64> {
        self.rows.iter().flatten().map(|number| scale.stretch(*number)).collect()
    }

    /// Squeezes all rows anew. Quantiles stay quantiles, since squeezing keeps the order.
    pub(super) fn rescale(&mut self, from: Scale, to: Scale) {
        for number in self.rows.iter_mut().flatten() {
            *number = to.squeeze(from.stretch(*number));
        }
    }

    /// The smoothed novelty of the newest readings, and whether their row was remembered.
    pub(super) fn see(&mut self, newest: &[f32]) -> (f32, bool) {
        let from = newest.len().saturating_sub(self.window);
        let row = row(&newest[from..]);
        self.novelty += (self.nearest(&row) - self.novelty) / SMOOTH;
        self.seen += 1;
        let kept = self.seen.is_multiple_of(self.stride);
        if kept {
            if self.rows.len() < self.most {
                self.rows.push(row);
            } else if let Some(place) = self.rows.get_mut(self.next) {
                *place = row;
                self.next = (self.next + 1) % self.most;
            }
        }
        (self.novelty, kept)
    }

    /// Distance to the nearest row that shares no reading with this one.
    fn nearest(&self, row: &[f32; WIDTH]) -> f32 {
        let squares = |other: &[f32; WIDTH]| {
            other.iter().zip(row).map(|(a, b)| (a - b) * (a - b)).sum::<f32>()
        };
        let near = |part: &[[f32; WIDTH]]| part.iter().map(squares).fold(f32::INFINITY, f32::min);
        // From the oldest on, without the newest, which share readings.
        let (newer, older) = self.rows.split_at(self.next.min(self.rows.len()));
        let counted = self.rows.len().saturating_sub(self.window.div_ceil(self.stride));
        let (first, rest) = older.split_at(counted.min(older.len()));
        let second = newer.get(..counted - first.len()).unwrap_or_default();
        let square = if rest.is_empty() { near(first).min(near(second)) } else { near(first) };
        // Nothing remembered: nothing is novel.
        if square.is_finite() { square.sqrt() } else { 0.0 }
    }
}

/// Seven quantiles of a window.
fn row(window: &[f32]) -> [f32; WIDTH] {
    let mut sorted = [0.0; MOST_WINDOW];
    let n = window.len().min(MOST_WINDOW);
    let (sorted, _) = sorted.split_at_mut(n);
    sorted.copy_from_slice(&window[..n]);
    sorted.sort_unstable_by(f32::total_cmp);
    TENTHS.map(|tenth| sorted.get((tenth * n.saturating_sub(1) + 5) / 10).copied().unwrap_or(0.0))
}

/// The longest window there is.
const MOST_WINDOW: usize = 24;
