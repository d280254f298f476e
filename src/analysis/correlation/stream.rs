//! One kind of alert at one place over time: after which pause is it something new?
//!
//! ```text
//! limit = 30 min                                   while fewer than 100 pauses are known
//!         4 · (99th percentile of its pauses)      then, at least 5 s, at most a day
//! ```
//!
//! Below a hundred pauses there is no 99th percentile. Pauses are counted in classes that double,
//! so that a stream costs the same whether it fired ten times or a million times. A page is never
//! folded after more than half an hour.

use super::{GroupId, Raised, TOGETHER};
use crate::domain::{Span, Timestamp};

/// The pause after which an alert is something new while little is known about it.
const NEW_AFTER: Span = Span::from_mins(30);
/// Beyond this pause it is always something new.
const LONGEST_PAUSE: Span = Span::from_days(1);
/// So many pauses must be known.
const LEAST_PAUSES: u32 = 100;
/// How much longer than usual is unusual.
const UNUSUAL: i64 = 4;
/// Classes of pauses: up to 2^0, 2^1 … seconds.
const CLASSES: usize = 20;
/// Durations that are kept.
const DURATIONS: usize = 16;

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Stream {
    /// The group and member it was last in.
    pub(super) home: Option<(GroupId, usize)>,
    last: Option<Timestamp>,
    pauses: [u32; CLASSES],
    known: u32,
    /// How often it began, and since when.
    pub(super) alerts: usize,
    pub(super) since: Option<Timestamp>,
    pub(super) pages: usize,
    /// How long it last fired, newest last.
    pub(super) durations: Vec<Span>,
    /// When it last began, newest last.
    pub(super) begins: Vec<Timestamp>,
    open: Option<Timestamp>,
}

impl Stream {
    /// Whether an alert belongs to where the stream was before; learns from the pause.
    pub(super) fn again(&mut self, raised: &Raised) -> bool {
        let Some(last) = self.last else { return false };
        // A clock that jumped back makes no pause.
        let pause = raised.at.since(last).max(Span::default());
        let limit = self.limit(raised.page);
        let secs = u64::try_from(pause.millis()).unwrap_or(0).div_ceil(1_000).max(1);
        let class = usize::try_from(secs.next_power_of_two().trailing_zeros()).unwrap_or(CLASSES);
        if let Some(count) = self.pauses.get_mut(class.min(CLASSES - 1)) {
            *count = count.saturating_add(1);
        }
        self.known = self.known.saturating_add(1);
        pause <= limit
    }

    /// Whether it has come so often that its pauses are known.
    pub(super) fn is_routine(&self) -> bool {
        self.known >= LEAST_PAUSES
    }

    /// The longest pause after which it is still the same.
    fn limit(&self, page: bool) -> Span {
        if !self.is_routine() {
            return NEW_AFTER;
        }
        let wanted = f64::from(self.known) * 0.99;
        let mut sum = 0;
        let below = self.pauses.iter().take_while(|count| {
            sum += **count;
            f64::from(sum) < wanted
        });
        let usual = 1_i64 << below.count().min(CLASSES);
        let limit = Span::from_secs(usual * UNUSUAL).clamp(TOGETHER, LONGEST_PAUSE);
        if page { limit.min(NEW_AFTER) } else { limit }
    }

    pub(super) fn took(&mut self, raised: &Raised, home: (GroupId, usize)) {
        self.home = Some(home);
        self.last = Some(self.last.map_or(raised.at, |last| last.max(raised.at)));
        self.since = Some(self.since.map_or(raised.at, |since| since.min(raised.at)));
        self.alerts += 1;
        self.pages += usize::from(raised.page);
        self.open = Some(raised.at);
        keep(&mut self.begins, raised.at);
        if let Some(ended) = raised.ended {
            self.ended(ended);
        }
    }

    pub(super) fn ended(&mut self, at: Timestamp) {
        if let Some(began) = self.open.take() {
            keep(&mut self.durations, at.since(began).max(Span::default()));
        }
    }

    pub(super) fn last(&self) -> Option<Timestamp> {
        self.last
    }
}

fn keep<T>(list: &mut Vec<T>, item: T) {
    if list.len() == DURATIONS {
        list.remove(0);
    }
    list.push(item);
}
