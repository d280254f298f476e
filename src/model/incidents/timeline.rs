//! The timeline: machine events and human entries on one line of time, in the order of corrected time.
//!
//! Lines stay where they arrived; only their order moves, four bytes a line, so that a million lines
//! are read in, backdated and paged through without copying them about. What a filter asks first is
//! kept apart from the lines, so that it need not touch them.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::domain::{Actor, EntryKind, Evidence, Moment, SafeText, Timestamp};
use crate::eventlog::{Hybrid, KeyId, RecordId};

use super::dossier::Mark;
use super::texts::Texts;

/// One line of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The record that says it.
    pub record: RecordId,
    /// When it happened, raw and corrected.
    pub at: Moment,
    /// When it was written down; differs from `at` for what was backdated.
    pub written: Timestamp,
    /// Who; the source for what a machine saw.
    pub by: Actor,
    /// The key it is signed with.
    pub key: KeyId,
    /// Who spoke, when somebody else wrote it down for them in a shared pane.
    pub spoken_by: Option<Actor>,
    /// What it is.
    pub kind: LineKind,
    /// One line or several.
    pub text: SafeText,
    /// Frozen proof.
    pub evidence: Option<Arc<Evidence>>,
    /// On top of the screen.
    pub pinned: bool,
    /// No longer holds: who said so and why.
    pub withdrawn: Option<Arc<(Actor, SafeText)>>,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineKind {
    /// A machine saw it.
    Machine,
    /// A person wrote it.
    Entry(EntryKind),
    /// It follows from a step taken in the console: declared, severity, roles, tasks, updates, tickets.
    Step,
    /// As [`LineKind::Step`], and about a decision: proposed, objected to, taken, looked at again.
    Deciding,
    /// A record that was refused or lost a race: shown, without effect.
    Refused,
}

impl LineKind {
    /// As written in filters and exports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Entry(kind) => kind.name(),
            Self::Step => "step",
            Self::Deciding => EntryKind::Decision.name(),
            Self::Refused => "refused",
        }
    }

    /// Whether a later entry can say that it no longer holds. What a machine saw stays as it is, and what has
    /// an effect is changed by another step, not by taking back its line.
    pub const fn can_be_withdrawn(self) -> bool {
        matches!(self, Self::Entry(_))
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Machine, Self::Step, Self::Refused]
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(name))
            .or_else(|| EntryKind::named(name).map(Self::Entry))
    }
}

/// All lines.
#[derive(Clone, Default)]
pub struct Timeline {
    /// Lines where they arrived, with gaps where one was taken out.
    slab: Vec<Option<Line>>,
    /// What sorting and filtering ask, beside each line.
    tags: Vec<Tag>,
    /// Places in the slab by corrected time, then by the order of writing.
    order: Vec<u32>,
    /// Places in the slab by record.
    places: HashTable<Place>,
    /// Places in the slab of what is pinned.
    pins: Vec<u32>,
    people: Names<Actor>,
    /// What is looked through for words.
    texts: Texts,
    /// Grows with every change but a line at the end.
    edits: u64,
}

/// What is asked of a line without looking at it.
#[derive(Debug, Clone, Copy)]
struct Tag {
    corrected: Timestamp,
    written: Hybrid,
    by: u32,
    kind: LineKind,
    /// Somebody else spoke.
    spoken: bool,
}

/// A place in the slab, with enough of the record's id to tell most records apart without looking there.
#[derive(Debug, Clone, Copy)]
struct Place {
    tag: u32,
    at: u32,
}

/// Each value once, by a small number.
#[derive(Debug, Clone)]
struct Names<T> {
    known: Vec<T>,
    numbers: HashMap<T, u32, FixedState>,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self { known: Vec::new(), numbers: HashMap::default() }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Names<T> {
    fn number(&mut self, value: &T) -> u32 {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        let number = place(self.known.len());
        self.known.push(value.clone());
        self.numbers.insert(value.clone(), number);
        number
    }
}

/// Four thousand million lines are more than a log holds; beyond, the last place is used again.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// A record's id is a hash already; some of it will do.
const fn tag(record: RecordId) -> u32 {
    let [a, b, c, d, ..] = record.0;
    u32::from_le_bytes([a, b, c, d])
}

/// Spread over all bits, of which the table asks the highest and the lowest.
const fn hash(tag: u32) -> u64 {
    (tag as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Timeline {
    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The line in this row, counted from the oldest.
    pub fn get(&self, row: usize) -> Option<&Line> {
        self.slab.get(*self.order.get(row)? as usize)?.as_ref()
    }

    /// All lines, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Line> {
        self.order.iter().filter_map(|at| self.slab.get(*at as usize)?.as_ref())
    }

    /// The lines of some rows; what is beyond the end is left out.
    pub fn page(&self, rows: Range<usize>) -> impl DoubleEndedIterator<Item = &Line> {
        let end = rows.end.min(self.order.len());
        let rows = rows.start.min(end)..end;
        self.order[rows].iter().filter_map(|at| self.slab.get(*at as usize)?.as_ref())
    }

    /// The line of a record.
    pub fn line(&self, record: RecordId) -> Option<&Line> {
        self.slab.get(self.find(record)? as usize)?.as_ref()
    }

    /// The row a record's line stands in.
    pub fn row_of(&self, record: RecordId) -> Option<usize> {
        let at = self.find(record)?;
        self.order.binary_search_by_key(&self.key(at), |other| self.key(*other)).ok()
    }

    /// The first row at or after a moment.
    pub fn row_at(&self, moment: Timestamp) -> usize {
        self.order.partition_point(|at| self.tags[*at as usize].corrected < moment)
    }

    /// The rows of what lies at most `span` before or after a moment.
    pub fn around(&self, moment: Timestamp, span: crate::domain::Span) -> Range<usize> {
        let after = moment.plus(span).plus(crate::domain::Span::from_millis(1));
        self.row_at(moment.minus(span))..self.row_at(after)
    }

    /// What is pinned, oldest first.
    pub fn pinned(&self) -> impl DoubleEndedIterator<Item = &Line> {
        self.pins.iter().filter_map(|at| self.slab.get(*at as usize)?.as_ref())
    }

    /// Adds a line, or replaces the one of the same record: for timelines made by hand.
    pub fn insert(&mut self, line: Line) {
        self.put(line, Hybrid::default());
    }

    /// Adds a line written at `written`, or replaces the one of the same record.
    pub(super) fn put(&mut self, line: Line, written: Hybrid) {
        match self.find(line.record) {
            Some(known) => self.replace(known, line, written),
            None => self.put_new(line, written),
        }
    }

    /// Adds a line written at `written`, unless there is one of the same record.
    pub(super) fn put_new(&mut self, mut line: Line, written: Hybrid) {
        let (at, record, pinned) = (place(self.slab.len()), line.record, line.pinned);
        let Self { slab, places, .. } = self;
        let same = |known: &Place| is(slab, *known, record);
        match places.entry(hash(tag(record)), same, |known| hash(known.tag)) {
            Entry::Occupied(_) => return,
            Entry::Vacant(free) => free.insert(Place { tag: tag(record), at }),
        };
        let tag = self.tag(&mut line, written);
        self.texts.push(&line.text);
        if line.withdrawn.is_some() {
            self.texts.set_apart(at);
        }
        self.slab.push(Some(line));
        self.tags.push(tag);
        match self.order.last() {
            Some(last) if self.key(*last) > self.key(at) => {
                let key = self.key(at);
                let row = self.order.partition_point(|other| self.key(*other) < key);
                self.order.insert(row, at);
                self.edits += 1;
            }
            _ => self.order.push(at),
        }
        if pinned {
            self.set_pin(at, pinned);
        }
    }

    /// Puts a line in the place of the one of the same record.
    fn replace(&mut self, at: u32, mut line: Line, written: Hybrid) {
        let tag = self.tag(&mut line, written);
        let old = self.tags[at as usize];
        if (old.corrected, old.written) != (tag.corrected, written) {
            self.remove(line.record);
            self.put_new(line, written);
            return;
        }
        let pinned = line.pinned;
        self.edits += u64::from(self.slab[at as usize].as_ref() != Some(&line));
        self.tags[at as usize] = tag;
        self.texts.set_apart(at);
        self.slab[at as usize] = Some(line);
        self.set_pin(at, pinned);
    }

    /// What is asked of a line; its writer becomes the one shared by all their lines.
    fn tag(&mut self, line: &mut Line, written: Hybrid) -> Tag {
        let by = self.people.number(&line.by);
        if let Some(person) = self.people.known.get(by as usize) {
            line.by = person.clone();
        }
        let (corrected, kind, spoken) = (line.at.corrected, line.kind, line.spoken_by.is_some());
        Tag { corrected, written, by, kind, spoken }
    }

    /// Takes a record's line out.
    pub(super) fn remove(&mut self, record: RecordId) {
        let Some(at) = self.find(record) else { return };
        self.edits += 1;
        if let Some(row) = self.row_of(record) {
            self.order.remove(row);
        }
        self.set_pin(at, false);
        let slab = &self.slab;
        let same = |other: &Place| is(slab, *other, record);
        if let Ok(found) = self.places.find_entry(hash(tag(record)), same) {
            found.remove();
        }
        self.slab[at as usize] = None;
    }

    /// Sets what later records said about a line.
    pub(super) fn mark(&mut self, record: RecordId, mark: &Mark) {
        let Some(at) = self.find(record) else { return };
        self.edits += 1;
        // Why it was withdrawn is looked through as well.
        self.texts.set_apart(at);
        if let Some(line) = self.slab.get_mut(at as usize).and_then(Option::as_mut) {
            line.pinned = mark.pinned;
            line.withdrawn = mark.withdrawn.clone().filter(|_| line.kind.can_be_withdrawn());
        }
        self.set_pin(at, mark.pinned);
    }

    /// The line at a place in the slab.
    pub(super) fn at(&self, at: u32) -> Option<&Line> {
        self.slab.get(at as usize)?.as_ref()
    }

    /// What is looked through for words.
    pub(super) const fn texts(&self) -> &Texts {
        &self.texts
    }

    /// Rows from `from` on whose kind is one of `kinds` (none is any), whose writer or speaker `by` holds for,
    /// and, when there is one, that `fine` holds for; it is handed the place in the slab.
    pub(super) fn rows_where(
        &self,
        from: usize,
        kinds: &[LineKind],
        by: impl Fn(&Actor) -> bool,
        fine: Option<impl Fn(u32) -> bool>,
    ) -> Vec<u32> {
        let known: Vec<bool> = self.people.known.iter().map(&by).collect();
        let mut rows = Vec::new();
        // Neither kind nor person is asked for: then no tag has to be fetched.
        if let Some(fine) = fine.as_ref().filter(|_| kinds.is_empty() && known.iter().all(|by| *by))
        {
            let order = self.order.iter().enumerate().skip(from);
            rows.extend(order.filter(|(_, at)| fine(**at)).map(|(row, _)| place(row)));
            return rows;
        }
        for (row, at) in self.order.iter().enumerate().skip(from) {
            let tag = &self.tags[*at as usize];
            if !(kinds.is_empty() || kinds.contains(&tag.kind)) {
                continue;
            }
            let by_writer = known.get(tag.by as usize).copied().unwrap_or(false);
            if !by_writer && !tag.spoken {
                continue;
            }
            let by_speaker =
                || self.at(*at).and_then(|line| line.spoken_by.as_ref()).is_some_and(&by);
            if !(by_writer || by_speaker()) || fine.as_ref().is_some_and(|fine| !fine(*at)) {
                continue;
            }
            rows.push(place(row));
        }
        rows
    }

    /// Whether everything but lines added at the end is as it was when this was last the same.
    pub(super) const fn edits(&self) -> u64 {
        self.edits
    }

    /// Every line with where it stands in the order of writing.
    pub(super) fn written(&self) -> impl Iterator<Item = (&Line, Hybrid)> {
        self.order.iter().filter_map(|at| {
            let tag = self.tags.get(*at as usize)?;
            Some((self.slab.get(*at as usize)?.as_ref()?, tag.written))
        })
    }

    fn find(&self, record: RecordId) -> Option<u32> {
        let same = |known: &Place| is(&self.slab, *known, record);
        self.places.find(hash(tag(record)), same).map(|known| known.at)
    }

    fn key(&self, at: u32) -> (Timestamp, Hybrid, Option<RecordId>) {
        let tag = self.tags[at as usize];
        let record = self.slab.get(at as usize).and_then(Option::as_ref).map(|line| line.record);
        (tag.corrected, tag.written, record)
    }

    fn set_pin(&mut self, at: u32, pinned: bool) {
        let row = self.pins.partition_point(|other| self.key(*other) < self.key(at));
        let known = self.pins.get(row) == Some(&at);
        match (known, pinned) {
            (false, true) => self.pins.insert(row, at),
            (true, false) => {
                self.pins.remove(row);
            }
            _ => {}
        }
    }
}

fn is(slab: &[Option<Line>], known: Place, record: RecordId) -> bool {
    known.tag == tag(record)
        && slab
            .get(known.at as usize)
            .and_then(Option::as_ref)
            .is_some_and(|line| line.record == record)
}

impl fmt::Debug for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Equal when they show the same.
impl PartialEq for Timeline {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl FromIterator<Line> for Timeline {
    fn from_iter<I: IntoIterator<Item = Line>>(lines: I) -> Self {
        let mut timeline = Self::default();
        lines.into_iter().for_each(|line| timeline.insert(line));
        timeline
    }
}
