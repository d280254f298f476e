//! The writer's end of its own series: what the next record links to, counts and signs.

use crate::domain::{Actor, Span, Timestamp};

use super::record::{FormatError, Head, Hybrid, MOST_HEADS, Origin, Record, Sealed, VERSION};
use super::signer::Signer;
use super::{LogEvent, RecordId, codec};

/// A clock further ahead than this is not believed when another writer's record says so.
const MOST_AHEAD: Span = Span::from_mins(5);

/// The latest time we go by after seeing a record: ours counts always, another writer's only when its clock
/// is not far ahead of ours.
pub(super) fn later(known: Hybrid, record: &Record, own: Origin, wall: Timestamp) -> Hybrid {
    let believed = record.origin == own || record.hybrid.millis <= wall.plus(MOST_AHEAD).millis();
    if believed { known.max(record.hybrid) } else { known }
}

/// Where the next record of a series goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tip {
    /// The last record of the series: its position and id.
    pub last: Option<(u64, RecordId)>,
    /// Latest hybrid time known, in whatever series.
    pub hybrid: Hybrid,
    /// Other writers' newest records since `last`.
    pub seen: Vec<Head>,
}

impl Tip {
    /// Takes in the last record of one's own series.
    pub(super) fn own(&mut self, record: &Sealed) {
        self.last = Some((record.record.seq, record.id));
        self.hybrid = self.hybrid.max(record.record.hybrid);
    }

    /// Takes in the newest record of another writer's series of the same incident.
    pub(super) fn other(&mut self, record: &Sealed) {
        let Record { origin, seq, .. } = record.record;
        if self.seen.len() < MOST_HEADS {
            self.seen.push(Head { origin, seq, id: record.id });
        }
    }

    /// Makes the next record of the series.
    pub(super) fn seal(
        &mut self,
        signer: &Signer,
        origin: Origin,
        actor: &Actor,
        wall: Timestamp,
        event: &LogEvent,
    ) -> Result<Sealed, FormatError> {
        let (kind, body) = codec::encode(event)?;
        let hybrid = self.hybrid.next(wall);
        let sealed = Record {
            version: VERSION,
            incident: event.incident().map_or_else(String::new, |id| id.as_str().to_owned()),
            origin,
            seq: self.last.map_or(0, |(seq, _)| seq.saturating_add(1)),
            prev: self.last.map(|(_, id)| id),
            seen: std::mem::take(&mut self.seen),
            hybrid,
            wall,
            actor: actor.name().to_owned(),
            key: signer.id(),
            kind: kind.to_owned(),
            body,
        }
        .seal(signer)?;
        self.own(&sealed);
        Ok(sealed)
    }
}

/// What to say when a fact cannot be put into a record.
pub(super) fn refusal(error: FormatError) -> String {
    match error {
        FormatError::TooLarge => "The entry is larger than 64 KiB and was not saved. \
             Shorten the text or take in fewer alerts at once; the draft is still here."
            .to_owned(),
        FormatError::Signing(why) => format!(
            "The entry was not saved: it could not be signed, because {why}. What was saved before is \
             safe and the draft is still here. `ssh-add -l` shows what an agent holds; save again when \
             it answers."
        ),
        other => format!(
            "The entry was not saved: {other}. The draft is still here; try again, and if it fails \
             again run `quarterdeck audit verify`."
        ),
    }
}
