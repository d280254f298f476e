//! Checks records against themselves and each other, and names each one that is not as it was written.
//!
//! Found: bytes changed, records missing (in the middle by their links, at the end by the positions the
//! store has given out), order changed, no signature, a wrong one, one by a key nobody vouched for, and
//! series that fork. Not found: a store replaced as a whole by an older copy of itself; for that a second
//! host, or a head kept elsewhere, is needed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::domain::SafeText;

use super::record::{FormatError, Origin, Sealed, id_of};
use super::signer::KeyId;
use super::{Denied, Policy, Position, Power, RecordId, Validity, claim};

/// A record as a store holds it: the bytes, and what the store says about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRow {
    /// Position in the store.
    pub position: Position,
    /// Id.
    pub id: RecordId,
    /// Incident.
    pub incident: String,
    /// Writer.
    pub origin: Origin,
    /// Position in the writer's series.
    pub seq: u64,
    /// The record.
    pub bytes: Vec<u8>,
}

impl StoredRow {
    /// As a store would hold a record at `position`.
    pub fn of(position: Position, sealed: &Sealed) -> Self {
        Self {
            position,
            id: sealed.id,
            incident: sealed.record.incident.clone(),
            origin: sealed.record.origin,
            seq: sealed.record.seq,
            bytes: sealed.bytes.clone(),
        }
    }

    /// Reads the record if the bytes are those of the id and say what the store says.
    pub(super) fn open(&self) -> Result<Sealed, FormatError> {
        if id_of(&self.bytes) != self.id {
            return Err(FormatError::Shape);
        }
        let sealed = Sealed::open(self.bytes.clone())?;
        let Self { incident, origin, seq, .. } = self;
        let said = &sealed.record;
        if (&said.incident, &said.origin, &said.seq) == (incident, origin, seq) {
            Ok(sealed)
        } else {
            Err(FormatError::NotCanonical)
        }
    }
}

/// Whose signatures count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signers {
    /// Any valid signature.
    Anyone,
    /// Only those of these keys.
    Only(BTreeSet<KeyId>),
    /// Those of these keys, made while they counted.
    Dated(BTreeMap<KeyId, Validity>),
    /// Those of people who were allowed to do what the record says.
    Policy(Policy),
}

/// What is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Its place in the file cannot be read.
    Unreadable,
    /// Its bytes are not those it was stored with.
    Changed,
    /// It is not there.
    Missing,
    /// It stands at another place than it was written to.
    Reordered,
    /// Nobody signed it.
    Unsigned,
    /// The signature is not by the key it names, or not over these bytes.
    WronglySigned,
    /// The key is not one of those allowed.
    UnknownSigner,
    /// The key no longer counted, or the policy does not give its owner the power this needs.
    Unauthorised,
    /// Another record claims the same place, or the one before it is not the one it follows.
    Forked,
}

/// A record that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub fault: Fault,
    /// Where in the store; `None` for one that is missing.
    pub position: Option<Position>,
    /// The series and the place in it, when known.
    pub place: Option<(Origin, u64)>,
    /// The incident it belongs to; empty outside incidents, or when that is not known.
    pub incident: String,
    /// Its id as stored, when known.
    pub id: Option<RecordId>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("record")?;
        if let Some(Position(position)) = self.position {
            write!(f, " {position}")?;
        }
        if let Some((origin, seq)) = self.place {
            write!(f, " (number {seq} of writer {origin}")?;
            if !self.incident.is_empty() {
                write!(f, " in {}", SafeText::new(&self.incident))?;
            }
            f.write_str(")")?;
        }
        if let Some(id) = self.id {
            write!(f, " {id:?}")?;
        }
        f.write_str(match self.fault {
            Fault::Unreadable => " cannot be read from the file",
            Fault::Changed => " has been changed",
            Fault::Missing => " is missing",
            Fault::Reordered => " is not in its place",
            Fault::Unsigned => " is not signed",
            Fault::WronglySigned => " carries a signature that is not true",
            Fault::UnknownSigner => " is signed with a key that is not allowed here",
            Fault::Unauthorised => " is by somebody whom the policy does not allow it",
            Fault::Forked => {
                " does not follow the record before it, or shares its place with another"
            }
        })
    }
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Records looked at.
    pub records: usize,
    /// Series they belong to.
    pub series: usize,
    /// Records of a newer version: whole and signed, but not understood here.
    pub newer: usize,
    /// What is wrong, in order of position, missing ones last.
    pub findings: Vec<Finding>,
    /// Places the store says are taken by another record than the records themselves say.
    pub places: Vec<SafeText>,
    /// What the database says of its own file; empty when it is well.
    pub file: SafeText,
}

impl Report {
    /// Whether every record is as it was written.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty() && self.places.is_empty() && self.file.is_empty()
    }

    pub(super) fn unreadable(&mut self, positions: Vec<Position>) {
        self.findings.extend(positions.into_iter().map(|position| Finding {
            fault: Fault::Unreadable,
            position: Some(position),
            place: None,
            incident: String::new(),
            id: None,
        }));
    }

    pub(super) fn damaged_file(&mut self, says: &str) {
        self.file = SafeText::new(says);
    }
}

/// One series as found, by place; several at one place are a fork.
type Series = BTreeMap<u64, Vec<Link>>;

struct Link {
    position: Position,
    id: RecordId,
    prev: Option<RecordId>,
    /// Whether bytes and signature are in order, so that a broken link is news.
    whole: bool,
}

/// Checks all records of a store. `last` is the last position it ever gave out, if it knows; `places` what
/// it says about who took which place, if it says so.
pub fn verify(
    rows: impl IntoIterator<Item = StoredRow>,
    signers: &Signers,
    last: Option<Position>,
    places: Option<&BTreeMap<String, RecordId>>,
) -> Report {
    let mut claims = Vec::new();
    let mut newer = BTreeSet::new();
    let mut report = Report::default();
    let mut series: BTreeMap<(String, Origin), Series> = BTreeMap::new();
    let mut highest = Position::default();
    for row in rows {
        report.records += 1;
        highest = highest.max(row.position);
        let (fault, sealed) = examine(&row, signers);
        if let Some(fault) = fault {
            report.findings.push(finding(&row, fault));
        }
        let record = sealed.as_ref().map(|s| &s.record);
        if let Some(sealed) = &sealed {
            match sealed.recorded().event {
                Some(event) if event.claim().is_some() => {
                    claims.push((sealed.id, event, fault.is_none()));
                }
                Some(_) => {}
                None => {
                    report.newer += 1;
                    newer.insert(sealed.id);
                }
            }
        }
        let link = Link {
            position: row.position,
            id: row.id,
            prev: record.and_then(|r| r.prev),
            whole: matches!(fault, None | Some(Fault::Unauthorised)),
        };
        series
            .entry((row.incident, row.origin))
            .or_default()
            .entry(row.seq)
            .or_default()
            .push(link);
    }
    report.series = series.len();
    let mut missing = 0;
    for ((incident, origin), places) in &series {
        follow((incident, *origin), places, &mut report.findings, &mut missing);
    }
    if let Some(places) = places {
        let all = claim::standing(claims.iter().map(|(id, event, _)| (*id, event)));
        // What is refused may have been passed over by a writer whom it was to keep out.
        let counted = claims.iter().filter(|(.., counts)| *counts);
        let counted = claim::standing(counted.map(|(id, event, _)| (*id, event)));
        report.places = misplaced(places, [&all, &counted], &newer);
    }
    // Positions are given out without gaps: more of them gone than the links explain are lost ends.
    let given = last.map_or(0, |Position(last)| last.max(highest.0));
    let gone = given.saturating_sub(report.records as u64);
    if gone > missing {
        report.findings.extend((highest.0.saturating_add(1)..=given).take(100).map(|at| Finding {
            fault: Fault::Missing,
            position: Some(Position(at)),
            place: None,
            incident: String::new(),
            id: None,
        }));
        if given == highest.0 {
            report.findings.push(Finding {
                fault: Fault::Missing,
                position: None,
                place: None,
                incident: String::new(),
                id: None,
            });
        }
    }
    report.findings.sort_by_key(|f| (f.position.is_none(), f.position, f.fault));
    report
}

/// Where the store and its records disagree about who took a place, by all of them or by those that count. Kinds of a newer version claim places
/// this one cannot know.
fn misplaced(
    stored: &BTreeMap<String, RecordId>,
    [all, counted]: [&BTreeMap<String, RecordId>; 2],
    newer: &BTreeSet<RecordId>,
) -> Vec<SafeText> {
    let places: BTreeSet<&String> = stored.keys().chain(all.keys()).collect();
    let wrong = places.into_iter().filter_map(|place| {
        let (says, is) = (stored.get(place), all.get(place));
        if says == is || says == counted.get(place) || says.is_some_and(|id| newer.contains(id)) {
            return None;
        }
        let name =
            |id: Option<&RecordId>| id.map_or_else(|| "nobody".into(), |id| format!("{id:?}"));
        let said = format!(
            "{place} is kept as taken by {}, but by the records it is {}",
            name(says),
            name(is)
        );
        Some(SafeText::new(&said))
    });
    wrong.take(100).collect()
}

fn finding(row: &StoredRow, fault: Fault) -> Finding {
    Finding {
        fault,
        position: Some(row.position),
        place: Some((row.origin, row.seq)),
        incident: row.incident.clone(),
        id: Some(row.id),
    }
}

/// Checks a record by itself.
fn examine(row: &StoredRow, signers: &Signers) -> (Option<Fault>, Option<Sealed>) {
    if id_of(&row.bytes) != row.id {
        return (Some(Fault::Changed), None);
    }
    let Ok(sealed) = Sealed::open(row.bytes.clone()) else {
        return (Some(Fault::Changed), None);
    };
    let fault = if row.open().is_err() {
        Some(Fault::Reordered)
    } else if sealed.signature.is_missing() {
        Some(Fault::Unsigned)
    } else if !sealed.is_authentic() {
        Some(Fault::WronglySigned)
    } else {
        match signers {
            Signers::Anyone => None,
            Signers::Only(keys) => {
                (!keys.contains(&sealed.record.key)).then_some(Fault::UnknownSigner)
            }
            Signers::Dated(keys) => match keys.get(&sealed.record.key) {
                None => Some(Fault::UnknownSigner),
                Some(validity) if !validity.covers(sealed.record.wall) => Some(Fault::Unauthorised),
                Some(_) => None,
            },
            Signers::Policy(policy) => refused(policy, &sealed),
        }
    };
    (fault, Some(sealed))
}

/// What the policy has against a record. One of a kind not known here is by a known person at least.
fn refused(policy: &Policy, sealed: &Sealed) -> Option<Fault> {
    let needed = sealed.recorded().event.as_ref().map(Power::needed);
    match policy.allows(sealed.record.key, needed.unwrap_or(Power::Write), sealed.record.wall) {
        Err(Denied::UnknownKey) => Some(Fault::UnknownSigner),
        Err(Denied::Revoked) => Some(Fault::Unauthorised),
        Err(Denied::Lacks(_)) if needed.is_some() => Some(Fault::Unauthorised),
        Ok(()) | Err(Denied::Lacks(_)) => None,
    }
}

/// Checks a series: no gaps, no forks, each link true, positions in the same order.
fn follow(
    (incident, origin): (&str, Origin),
    places: &Series,
    findings: &mut Vec<Finding>,
    missing: &mut u64,
) {
    let mut expected = 0;
    let mut before: Option<&Link> = None;
    for (&seq, links) in places {
        let gap = seq.saturating_sub(expected);
        *missing = missing.saturating_add(gap);
        // A forged number must not make a list of billions.
        findings.extend((expected..seq).take(100).map(|seq| Finding {
            fault: Fault::Missing,
            position: None,
            place: Some((origin, seq)),
            incident: incident.to_owned(),
            id: None,
        }));
        for link in links {
            let fault = if links.len() > 1 {
                Some(Fault::Forked)
            } else if !link.whole || gap > 0 {
                None
            } else if link.prev != before.map(|b| b.id) && before.is_none_or(|b| b.whole) {
                Some(Fault::Forked)
            } else if before.is_some_and(|b| b.position > link.position) {
                Some(Fault::Reordered)
            } else {
                None
            };
            findings.extend(fault.map(|fault| Finding {
                fault,
                position: Some(link.position),
                place: Some((origin, seq)),
                incident: incident.to_owned(),
                id: Some(link.id),
            }));
        }
        expected = seq.saturating_add(1);
        before = links.first();
    }
}
