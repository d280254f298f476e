//! What is kept of one incident, so that records may arrive in any order: the fold always goes through
//! them in the order of their stamps.
//!
//! Most records are entries and machine events. They are lines and nothing else, so their order does
//! not matter. All others are kept whole; when one arrives that is older than what was folded already,
//! those are folded again, and the million entries beside them are not touched.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use crate::domain::{Actor, IncidentId, Moment, SafeText};
use crate::eventlog::{
    EntryMade, Hybrid, IncidentEvent, LogEvent, Policy, RecordId, Recorded, Stamp,
};

use super::book::check;
use super::fold::{Verdict, fold};
use super::{Incident, Line, LineKind, Timeline, words};

/// Everything known of one incident.
#[derive(Debug, Clone, Default)]
pub(super) struct Dossier {
    /// All records but plain entries and machine events.
    kept: BTreeMap<(Stamp, RecordId), Recorded>,
    /// Machine events by key: of each key the first counts, the others wait in case it is refused.
    saw: BTreeMap<SafeText, BTreeMap<(Stamp, RecordId), Recorded>>,
    /// What was said about lines.
    marks: Marks,
    /// The lines until the declaration arrives.
    early: Timeline,
}

/// What later records said about lines, also of lines that have not arrived.
pub(super) type Marks = BTreeMap<RecordId, Mark>;

/// What was said about one line.
#[derive(Debug, Clone, Default)]
pub(super) struct Mark {
    pub(super) pinned: bool,
    pub(super) withdrawn: Option<Arc<(Actor, SafeText)>>,
}

/// Where the result goes.
pub(super) struct Into<'a> {
    pub(super) id: &'a IncidentId,
    pub(super) duties: &'a Policy,
    pub(super) incidents: &'a mut BTreeMap<IncidentId, Incident>,
    pub(super) unfounded: &'a mut BTreeSet<RecordId>,
}

impl Dossier {
    /// Everything that is kept whole.
    pub(super) fn kept(&self) -> impl Iterator<Item = &Recorded> {
        self.kept.values().chain(self.saw.values().flat_map(BTreeMap::values))
    }

    /// Keys of machine events, from `from` up to `to`.
    pub(super) fn saw(&self, from: &str, to: &str) -> impl Iterator<Item = &SafeText> + use<'_> {
        let range = (Bound::Included(from), Bound::Excluded(to));
        self.saw.range::<str, _>(range).map(|(key, _)| key)
    }

    /// Takes in one record about this incident.
    pub(super) fn apply(&mut self, record: &Recorded, into: &mut Into<'_>) {
        let incident = into.incidents.get_mut(into.id);
        let timeline = incident.map_or(&mut self.early, |incident| &mut incident.timeline);
        match &record.event {
            Some(LogEvent::Incident { event: IncidentEvent::MachineSaw(event), .. }) => {
                let same = self.saw.entry(event.key.clone()).or_default();
                same.insert((record.stamp, record.id), record.clone());
                show_first(timeline, same, into.duties, &self.marks);
            }
            Some(LogEvent::Incident { event: IncidentEvent::EntryMade(event), .. })
                if record.is_line_only(into.duties) =>
            {
                let line = entry(record, event, record.actor.clone());
                timeline.put_new(marked(line, &self.marks), record.stamp.hybrid);
            }
            _ => self.keep(record, into),
        }
    }

    /// Judges every record anew by another policy.
    pub(super) fn govern(&mut self, into: &mut Into<'_>) {
        let timeline = self.take_timeline(into);
        let kept: BTreeSet<RecordId> = self.kept().map(|record| record.id).collect();
        self.marks.clear();
        for (line, hybrid) in timeline.written().filter(|(l, _)| !kept.contains(&l.record)) {
            if let Some(record) = recorded_again(into.id, line, hybrid) {
                // Keeps it whole from now on if it no longer is a plain entry.
                self.apply(&record, into);
            }
        }
        for same in self.saw.values() {
            show_first(&mut self.early, same, into.duties, &self.marks);
        }
        self.refold(into);
    }

    fn keep(&mut self, record: &Recorded, into: &mut Into<'_>) {
        let key = (record.stamp, record.id);
        if self.kept.contains_key(&key) {
            return;
        }
        let newest = self.kept.last_key_value().is_none_or(|(last, _)| *last < key);
        self.kept.insert(key, record.clone());
        match into.incidents.get_mut(into.id) {
            Some(incident) if newest => {
                step(incident, &mut self.marks, into.unfounded, record, into.duties);
            }
            Some(_) => self.refold(into),
            None if is_declaration(record, into.duties) => self.refold(into),
            // It waits for the declaration.
            None => {}
        }
    }

    /// Goes through all that is kept, in the order of writing. The earliest declaration begins the
    /// incident, whatever else seems to be older.
    fn refold(&mut self, into: &mut Into<'_>) {
        let Some(first) = self.kept.values().find(|r| is_declaration(r, into.duties)) else {
            return;
        };
        let Some(mut incident) = Incident::declared(into.id, first, into.duties) else { return };
        incident.timeline = match into.incidents.remove(into.id) {
            Some(before) => before.timeline,
            None => std::mem::take(&mut self.early),
        };
        for gone in std::mem::take(&mut self.marks).keys() {
            incident.timeline.mark(*gone, &Mark::default());
        }
        for record in self.kept.values() {
            step(&mut incident, &mut self.marks, into.unfounded, record, into.duties);
        }
        into.incidents.insert(into.id.clone(), incident);
    }

    fn take_timeline(&mut self, into: &mut Into<'_>) -> Timeline {
        match into.incidents.remove(into.id) {
            Some(incident) => incident.timeline,
            None => std::mem::take(&mut self.early),
        }
    }
}

/// Folds one record into the incident and shows what came of it.
fn step(
    incident: &mut Incident,
    marks: &mut Marks,
    unfounded: &mut BTreeSet<RecordId>,
    record: &Recorded,
    duties: &Policy,
) {
    let verdict = fold(incident, record, duties);
    if matches!(record.event, Some(LogEvent::OperationRequested { .. })) {
        if matches!(verdict, Verdict::Refused(_)) {
            unfounded.insert(record.id);
        } else {
            unfounded.remove(&record.id);
        }
    }
    let by = words::who(record, duties);
    let line = match verdict {
        Verdict::Silent => {
            incident.timeline.remove(record.id);
            return;
        }
        Verdict::Step(text) => plain_line(record, by, kind_of_step(record), SafeText::body(&text)),
        Verdict::Refused(text) => plain_line(record, by, LineKind::Refused, SafeText::body(&text)),
        Verdict::Entry(event) => entry(record, event, by),
        Verdict::Pinned(event, text) => {
            let mark = marks.entry(event.entry).or_default();
            mark.pinned = event.pinned;
            incident.timeline.mark(event.entry, mark);
            plain_line(record, by, LineKind::Step, SafeText::body(&text))
        }
        Verdict::Withdrawn(event, text) => {
            let mark = marks.entry(event.entry).or_default();
            mark.withdrawn = Some(Arc::new((by.clone(), event.reason.clone())));
            incident.timeline.mark(event.entry, mark);
            plain_line(record, by, LineKind::Step, SafeText::body(&text))
        }
    };
    show(&mut incident.timeline, line, record, marks);
}

/// Whoever looks for decisions looks for those that were proposed and taken by a key as well.
const fn kind_of_step(record: &Recorded) -> LineKind {
    use IncidentEvent::{DecisionMoved, DecisionProposed};
    match &record.event {
        Some(LogEvent::Incident { event: DecisionProposed(_) | DecisionMoved(_), .. }) => {
            LineKind::Deciding
        }
        _ => LineKind::Step,
    }
}

fn is_declaration(record: &Recorded, duties: &Policy) -> bool {
    let event = match &record.event {
        Some(LogEvent::Incident { event, .. }) => event,
        _ => return false,
    };
    matches!(event, IncidentEvent::Declared(_)) && check(record, duties).is_ok()
}

/// A plain entry's record, as far as its line still tells; of the stamp only what orders it.
fn recorded_again(id: &IncidentId, line: &Line, hybrid: Hybrid) -> Option<Recorded> {
    let LineKind::Entry(kind) = line.kind else { return None };
    let event = IncidentEvent::EntryMade(EntryMade {
        kind,
        text: line.text.clone(),
        happened: (line.at.corrected != line.written).then_some(line.at.corrected),
        spoken_by: line.spoken_by.clone(),
        evidence: line.evidence.as_deref().cloned(),
        about: None,
    });
    Some(Recorded {
        id: line.record,
        actor: line.by.clone(),
        key: line.key,
        at: line.written,
        stamp: Stamp { hybrid, ..Stamp::default() },
        event: Some(LogEvent::Incident { incident: id.clone(), event }),
    })
}

/// Shows the first machine event of one key that is allowed, and that others were refused.
fn show_first(
    timeline: &mut Timeline,
    same: &BTreeMap<(Stamp, RecordId), Recorded>,
    duties: &Policy,
    marks: &Marks,
) {
    let mut shown = false;
    for record in same.values() {
        let Some(LogEvent::Incident { event: IncidentEvent::MachineSaw(event), .. }) =
            &record.event
        else {
            continue;
        };
        if let Err(why) = check(record, duties) {
            let text = words::denied(record, why);
            let by = record.actor.clone();
            let line = plain_line(record, by, LineKind::Refused, SafeText::body(&text));
            show(timeline, line, record, marks);
        } else if shown {
            timeline.remove(record.id);
        } else {
            shown = true;
            let mut line = plain_line(
                record,
                Actor::new(&event.source),
                LineKind::Machine,
                event.text.clone(),
            );
            line.at = event.at;
            show(timeline, line, record, marks);
        }
    }
}

fn entry(record: &Recorded, event: &EntryMade, by: Actor) -> Line {
    Line {
        at: Moment::exact(event.happened.unwrap_or(record.at)),
        spoken_by: event.spoken_by.clone(),
        evidence: event.evidence.clone().map(Arc::new),
        // What came through the log is clean already; sharing it is free.
        ..plain_line(record, by, LineKind::Entry(event.kind), event.text.clone())
    }
}

fn plain_line(record: &Recorded, by: Actor, kind: LineKind, text: SafeText) -> Line {
    Line {
        record: record.id,
        at: Moment::exact(record.at),
        written: record.at,
        by,
        key: record.key,
        spoken_by: None,
        kind,
        text,
        evidence: None,
        pinned: false,
        withdrawn: None,
    }
}

fn show(timeline: &mut Timeline, line: Line, record: &Recorded, marks: &Marks) {
    timeline.put(marked(line, marks), record.stamp.hybrid);
}

/// A line with what was said about it.
fn marked(mut line: Line, marks: &Marks) -> Line {
    if let Some(mark) = marks.get(&line.record) {
        line.pinned = mark.pinned;
        line.withdrawn = mark.withdrawn.clone().filter(|_| line.kind.can_be_withdrawn());
    }
    line
}
