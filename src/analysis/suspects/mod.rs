//! Who is likely to blame: services and changes ranked by evidence that a person can check.
//!
//! Every suspect's score is the product of its terms' weights, and every term says in a sentence
//! what was seen. Nothing is learned and nothing is drawn by lot: the same readings in any order
//! give the same list.
//!
//! ```text
//! score = deviation · correlation · path · explained · order · own resource · change
//!
//! deviation     ln(1 + z)          z: worst pair of readings, see `track`
//! correlation   0.05 … 1           r² of Pearson's r with the symptom while it lasts, r > 0; the best of
//!                                  all delays of the symptom up to five minutes
//! path          1, 1/2, 1/8        the symptom reaches it through services that are away from usual;
//!                                  it can be reached, but not through such; it cannot be reached
//! explained     1 − 0.9 · share    share: how much of it its worst callee shows too, or showed before
//! order         1 / (1 + steps)^½  steps by which it was later than the symptom
//! own resource  1.5                its own CPU, memory, pool or queue is away from usual
//! change        1 + 2^(−age/20 m)  something was changed there before the onset
//! ```
//!
//! The parts are known from the literature: robust deviation against the time before (BARO, Pham et
//! al., FSE 2024), correlation with the symptom and the walk through anomalous callees (MicroScope,
//! Lin et al., ICSOC 2018; the baselines of PetShop, Hardt et al., 2023), and what a callee explains
//! away (CIRCA, Li et al., KDD 2022). A service that only passes on what its one callee does is
//! explained away by it; an endpoint that moves as a service beside it does is folded into that.
//!
//! What it does not know it does not claim: a service without readings is no suspect (a change there
//! is listed, but does not stand out by itself), and when the symptom itself is within its usual
//! range, nobody stands out. Cycles are walked once. Time O(s·n log n + e·n) for s signals of n
//! readings and e edges.
//!
//! The constants are round figures. Each was changed once, in one direction, by a fifth up to four
//! times what it is: at most two of PetShop's 26 true causes left the first place, and none of
//! Nezha's 24 (`cargo bench --bench science` measures both).

mod explain;
mod track;
mod walk;

use crate::domain::{SafeText, Signal, Span, Timestamp};

pub use track::{AWAY, Track, began};

use track::Grid;

/// Steps before the onset that are looked at too, since an alarm comes late.
const LOOK_BACK: usize = 3;
/// A cause may be this much earlier than the symptom: a pool takes minutes to fill. Leads of less than a
/// step are not seen.
const LEAD: Span = Span::from_mins(5);
/// Steps before the earliest cause, so that it is seen to begin.
const QUIET: usize = 2;
/// [`LEAD`] in steps at most, however fine they are.
const MOST_LEAD: usize = 20;
/// Steps before those which tell what has been so for a while from what began now.
const CONTEXT: usize = 10;
/// Steps after the onset that are looked at: what begins later is aftermath.
const LOOK_ON: usize = 15;
/// Below this score nobody stands out: three deviations, seen in full correlation on the path.
const STANDS_OUT: f64 = 1.0;

/// A service with what was read of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Watched {
    /// As people call it.
    pub name: SafeText,
    /// Its signals; several of a kind are fine.
    pub signals: Vec<(Signal, Track)>,
}

/// What a caller sees of a callee: latency or errors of one edge.
#[derive(Debug, Clone, PartialEq)]
pub struct EdgeTrack {
    /// Who calls.
    pub caller: usize,
    /// Who is called.
    pub callee: usize,
    /// What was measured.
    pub signal: Signal,
    /// The readings.
    pub track: Track,
}

/// Something that was changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// Where.
    pub service: usize,
    /// `deploy`, `flag`, `config`, `scaling` …
    pub kind: SafeText,
    /// What a person would recognise it by.
    pub title: SafeText,
}

/// What hurts.
#[derive(Debug, Clone, PartialEq)]
pub struct Symptom {
    /// The service at which it is seen.
    pub service: usize,
    /// What is seen.
    pub signal: Signal,
    /// Its readings.
    pub track: Track,
}

/// Everything that is known of one incident.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Case<'a> {
    /// What hurts, when a series shows it.
    pub symptom: Option<Symptom>,
    /// The services; all numbers below are places in this list.
    pub services: &'a [Watched],
    /// Caller and callee; unknown numbers, repetitions and cycles are fine.
    pub edges: &'a [(usize, usize)],
    /// What callers see of callees.
    pub edge_tracks: &'a [EdgeTrack],
    /// What was changed.
    pub changes: &'a [Change],
    /// When it began, as far as known.
    pub onset: Timestamp,
    /// The end of the readings to look at.
    pub until: Timestamp,
    /// The time between two readings.
    pub step: Span,
}

/// Who or what is suspected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Culprit {
    /// A service, by its place in [`Case::services`].
    Service(usize),
    /// A change, by its place in [`Case::changes`].
    Change(usize),
}

/// What kind of evidence a term is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TermKind {
    /// How far it is away from what is usual for it.
    Deviation,
    /// Whether it moves as the symptom does.
    Correlation,
    /// Where it stands in the graph, seen from the symptom.
    Path,
    /// What one of its callees explains away.
    Explained,
    /// Whether it was earlier or later than the symptom.
    Order,
    /// Whether its own resources are away from usual.
    Resource,
    /// Whether something was changed there shortly before.
    Change,
}

impl TermKind {
    /// As it is shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deviation => "deviation",
            Self::Correlation => "correlation",
            Self::Path => "path",
            Self::Explained => "explained away",
            Self::Order => "onset order",
            Self::Resource => "own resource",
            Self::Change => "recent change",
        }
    }
}

/// One part of a score.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// What kind of evidence.
    pub kind: TermKind,
    /// What was measured, in the unit the sentence names.
    pub value: f64,
    /// What the score is multiplied by; 1 changes nothing.
    pub weight: f64,
    /// What was seen, in a whole sentence.
    pub sentence: String,
}

/// One suspect.
#[derive(Debug, Clone, PartialEq)]
pub struct Suspect {
    /// Who or what.
    pub culprit: Culprit,
    /// The product of the terms' weights; only good for comparing.
    pub score: f64,
    /// Whether it is more than what is left over in any system on any day.
    pub stands_out: bool,
    /// The evidence, in the order in which it is read.
    pub terms: Vec<Term>,
    /// From the symptom to it, both included; empty when there is no way.
    pub path: Vec<usize>,
    /// Services which only pass on what this one does, with the reason.
    pub folded: Vec<Folded>,
}

/// A service that is shown beneath another.
#[derive(Debug, Clone, PartialEq)]
pub struct Folded {
    /// The service.
    pub service: usize,
    /// Why, in a whole sentence.
    pub reason: String,
}

/// The suspects, and whether any stands out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ranking {
    /// Best first.
    pub suspects: Vec<Suspect>,
    /// What is to be said about the list as a whole, in a whole sentence.
    pub verdict: String,
}

/// Ranks everything that could be to blame.
pub fn rank(case: &Case<'_>) -> Ranking {
    let Some((grid, context, lead)) = grids(case) else {
        return Ranking {
            suspects: Vec::new(),
            verdict: "Nobody can be suspected: the time between readings is not known.".into(),
        };
    };
    let symptom = case.symptom.as_ref().and_then(|symptom| {
        let judged = track::judge(symptom.signal, &symptom.track, grid, context)?;
        Some((symptom, judged))
    });
    let hurts = symptom.as_ref().is_none_or(|(_, judged)| judged.worst >= AWAY);
    let seen = explain::Seen::new(case, grid, context, lead);
    let moves = symptom.filter(|_| hurts);
    let suspects = seen.suspects(case, moves.as_ref(), grid);
    let mut suspects = seen.fold(case, suspects);
    for suspect in &mut suspects {
        suspect.stands_out = hurts && suspect.score >= STANDS_OUT;
    }
    // Total: places in the lists are distinct.
    suspects.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.culprit.cmp(&b.culprit)));
    let verdict = match suspects.first() {
        _ if !hurts => {
            "No suspect stands out: by the readings so far, what hurts is within its usual range."
                .into()
        }
        Some(first) if first.stands_out => {
            let count = suspects.iter().filter(|s| s.stands_out).count();
            format!("{count} of {} stand out.", suspects.len())
        }
        Some(_) => "No suspect stands out: nothing is far away from its usual range on a path \
                    from the symptom."
            .into(),
        None => "No suspect stands out: there are no readings to judge by.".into(),
    };
    Ranking { suspects, verdict }
}

/// The steps to look at, those before them, and by how many of them a cause may be earlier.
fn grids(case: &Case<'_>) -> Option<(Grid, Grid, usize)> {
    let step = case.step;
    if step <= Span::default() {
        return None;
    }
    let back = |from: Timestamp, steps: usize| {
        let steps = i64::try_from(steps).unwrap_or(i64::MAX);
        from.minus(Span::from_millis(step.millis().saturating_mul(steps)))
    };
    // An onset after the last reading cannot be right; the last readings are what there is.
    let onset = case.onset.min(case.until);
    let span = case.until.since(onset).millis();
    let after = usize::try_from(span / step.millis()).unwrap_or(LOOK_ON).min(LOOK_ON);
    // Less than a whole step more would be seen together with the symptom.
    let lead = usize::try_from((LEAD.millis() - 1) / step.millis()).unwrap_or(0).min(MOST_LEAD);
    let before = LOOK_BACK.max(lead + QUIET);
    let (from, len) = (back(onset, before), before + after + 1);
    let context = Grid { from: back(from, CONTEXT), step, len: CONTEXT, early: 0 };
    Some((Grid { from, step, len, early: before - LOOK_BACK }, context, lead))
}

#[cfg(test)]
mod tests;
