//! One line's anomalies as they come: pushed reading by reading, in fixed memory.
//!
//! Each view gives a novelty; each novelty is compared with that view's own past ones, by rank and by
//! size, and the views are averaged (the geometric mean of sizes):
//!
//! ```text
//! rank = −log₁₀ of the share of past novelties at least as high       size = ln(novelty / (median + FLOOR))
//! strangeness = σ(mean size − gate)      held below ½ unless mean rank ≥ RANK
//! ```
//!
//! Rank alone would call one reading in so many strange, of the purest noise too; size alone does not know how wild
//! a line is. The gate is where noise, regular waves and still lines never come. From ½ on it is an
//! alarm; for a while after one there is no second, since what goes on is one event.
//!
//! Nothing is known of values or seasons beforehand; the first `warm_up` readings teach and are never strange.
//! After a gap of many times the usual distance, or when the clock goes back, the views begin anew with what
//! follows, so that nothing is strange for having been away.
//!
//! A reading costs a scan of what is remembered: some twenty microseconds for the careful detector (250 kB), a
//! few for the light one (15 kB), of which ten thousand fit into a refresh.

use std::collections::VecDeque;

use crate::domain::Timestamp;

use super::views::{Scale, View};

/// Rank from which a reading may be strange.
const RANK: f64 = 1.2;
/// Added to the median novelty, in spreads: where nothing ever was new, a trifle is not.
const FLOOR: f32 = 0.05;
/// No second alarm within this share of the warm-up.
const QUIET: f64 = 0.3;
/// A gap is this many times the usual distance.
const GAP: f64 = 50.0;
/// Fewer readings teach nothing.
const LEAST_WARM_UP: usize = 60;
/// The scale is fitted anew at least after so many readings.
const LEARN: usize = 2_000;
/// What a held-back strangeness stays below.
const HELD: f64 = 0.499;

/// What a reading was worth.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Score {
    /// 0 as ever, ½ strange, towards 1 like nothing before.
    pub strange: f64,
    /// Whether something begins here: strange, and nothing was for a while.
    pub alarm: bool,
    /// Whether enough was known to judge; otherwise the other two say nothing.
    pub judged: bool,
}

/// Watches one line.
#[derive(Debug, Clone)]
pub struct Detector {
    warm_up: usize,
    gate: f64,
    views: Vec<(View, Past)>,
    scale: Scale,
    /// The newest readings of the unbroken stretch, enough for the widest view; and the same squeezed.
    newest: Vec<f64>,
    squeezed: Vec<f32>,
    widest: usize,
    seen: usize,
    learn_at: usize,
    quiet_until: usize,
    last: Option<Timestamp>,
    /// The usual distance in milliseconds; 0 while unknown.
    spacing: f64,
}

impl Detector {
    /// The careful one, for a line that is looked at. The first `warm_up` readings (a day of them is good) teach.
    pub fn careful(warm_up: usize) -> Self {
        let view = |window| (View::new(window, 4_000, 1), Past::new(4_000));
        Self::new(warm_up, 0.6, vec![view(8), view(24)])
    }

    /// The light one, for thousands of lines.
    pub fn light(warm_up: usize) -> Self {
        Self::new(warm_up, 1.2, vec![(View::new(8, 384, 1), Past::new(384))])
    }

    fn new(warm_up: usize, gate: f64, views: Vec<(View, Past)>) -> Self {
        let warm_up = warm_up.max(LEAST_WARM_UP);
        Self {
            warm_up,
            gate,
            widest: views.iter().map(|(view, _)| view.window()).max().unwrap_or(1),
            views,
            scale: Scale::of(Vec::new()),
            newest: Vec::new(),
            squeezed: Vec::new(),
            seen: 0,
            learn_at: LEAST_WARM_UP / 4,
            quiet_until: 0,
            last: None,
            spacing: 0.0,
        }
    }

    /// Takes the next reading of a gauge (a counter's rate, not the counter). One that is not a number, or repeats
    /// the time of the one before, changes nothing.
    pub fn push(&mut self, at: Timestamp, value: f64) -> Score {
        if !value.is_finite() || self.last == Some(at) {
            return Score::default();
        }
        self.place(at);
        let place = self.seen;
        self.seen += 1;
        if place == 0 {
            self.scale = Scale::of(vec![value]);
        }
        if place >= self.learn_at {
            self.learn();
            self.learn_at = place + (place / 8).clamp(1, LEARN);
        }
        if self.newest.len() >= 2 * self.widest {
            self.newest.drain(..self.widest);
            self.squeezed.drain(..self.widest);
        }
        self.newest.push(value);
        self.squeezed.push(self.scale.squeeze(value));
        if self.newest.len() < self.widest {
            return Score::default();
        }
        let (mut rank, mut size) = (0.0, 0.0);
        for (view, past) in &mut self.views {
            let (novelty, kept) = view.see(&self.squeezed);
            rank += past.rank(novelty);
            size += past.size(novelty);
            // While there is next to nothing to compare with, all is novel, and says nothing of later.
            if kept && place >= self.warm_up / 2 {
                past.add(novelty);
            }
        }
        if place < self.warm_up {
            return Score::default();
        }
        let views = self.views.len().max(1) as f64;
        let (rank, size) = (rank / views, size / views);
        let free = 1.0 / (1.0 + (self.gate - size).exp());
        let strange = if rank >= RANK { free } else { free.min(HELD) };
        let alarm = strange >= 0.5 && place >= self.quiet_until;
        if alarm {
            self.quiet_until = place + (self.warm_up as f64 * QUIET) as usize;
        }
        Score { strange, alarm, judged: true }
    }

    /// Whether the reading follows the one before it, or something was between them.
    fn place(&mut self, at: Timestamp) {
        if let Some(last) = self.last {
            let distance = at.since(last).millis() as f64;
            if distance < 0.0 || (self.spacing > 0.0 && distance > GAP * self.spacing) {
                self.newest.clear();
                self.squeezed.clear();
            } else {
                let share = if self.spacing > 0.0 { 0.1 } else { 1.0 };
                self.spacing += share * (distance - self.spacing);
            }
        }
        self.last = Some(at);
    }

    /// Fits the scale to what is remembered, and squeezes all of it anew when that matters.
    fn learn(&mut self) {
        let Some((view, _)) = self.views.first() else { return };
        let scale = Scale::of(view.readings(self.scale));
        if view.is_empty() || !scale.differs(self.scale) {
            return;
        }
        for (view, _) in &mut self.views {
            view.rescale(self.scale, scale);
        }
        self.squeezed = self.newest.iter().map(|value| scale.squeeze(*value)).collect();
        self.scale = scale;
    }
}

/// A view's past novelties, the newest of them, also in order of size.
#[derive(Debug, Clone)]
struct Past {
    most: usize,
    arrived: VecDeque<f32>,
    sorted: Vec<f32>,
}

impl Past {
    const fn new(most: usize) -> Self {
        Self { most, arrived: VecDeque::new(), sorted: Vec::new() }
    }

    /// −log₁₀ of the share at least as high; of half a reading when there is none.
    fn rank(&self, novelty: f32) -> f64 {
        let n = self.sorted.len().max(1) as f64;
        let higher = self.sorted.len() - self.sorted.partition_point(|past| *past < novelty);
        -((higher as f64).max(0.5) / n).log10()
    }

    fn size(&self, novelty: f32) -> f64 {
        let median = self.sorted.get(self.sorted.len() / 2).copied().unwrap_or(0.0);
        f64::from((novelty / (median + FLOOR)).max(f32::MIN_POSITIVE).ln())
    }

    fn add(&mut self, novelty: f32) {
        if self.arrived.len() >= self.most
            && let Some(old) = self.arrived.pop_front()
        {
            let at = self.sorted.partition_point(|past| *past < old);
            self.sorted.remove(at);
        }
        self.arrived.push_back(novelty);
        let at = self.sorted.partition_point(|past| *past < novelty);
        self.sorted.insert(at, novelty);
    }
}
