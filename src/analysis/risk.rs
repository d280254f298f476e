//! How risky a change is, in points, each named with its reason: for ordering changes, never a probability.
//!
//! ```text
//! size      = 6 · ln(1 + lines added)      measured
//! diffusion = 3 · ln(1 + files touched)    measured
//! ```
//!
//! The measures are those of just-in-time defect prediction (Kamei et al., "A large-scale empirical study of
//! just-in-time quality assurance", 2013). The two weights are those of a logistic regression on commits of
//! eight public projects, times ten and rounded. Lines deleted, directories and the author's experience
//! moved nothing there once lines and files were known.
//!
//! | rule | points | rests on |
//! |---|---|---|
//! | nobody but the author reviewed it | 5 | judgement |
//! | the author is not known to have changed this service before | 5 | judgement |
//! | made in a declared freeze | 10 | judgement |
//! | a migration: code alone cannot take it back | 10 | judgement |
//! | a change of this service failed or was taken back within 30 days before | 5 each, at most 15 | judgement |
//!
//! What is not known has no points and says so; a change of unknown size has no level. Linear in the
//! changes that are known.

use crate::domain::{Change, ChangeKind, ChangeState, Freeze, Reviewed, Span};

/// Weight of the logarithm of lines added.
const SIZE: f64 = 6.0;
/// Weight of the logarithm of files touched.
const DIFFUSION: f64 = 3.0;
/// A rule that weighs little.
const LIGHT: u32 = 5;
/// A rule that weighs more.
const HEAVY: u32 = 10;
/// Most points for earlier failures.
const MOST_FAILURES: u32 = 15;
/// A failure longer ago than this is not held against a change.
const RECENT: Span = Span::from_hours(30 * 24);
/// From here on a change is of middle risk: half of the public commits lie below.
const MIDDLE: u32 = 26;
/// From here on it is of high risk: a fifth of the public commits lie above.
const HIGH: u32 = 40;

/// What about a change is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RiskPart {
    /// Lines added.
    Size,
    /// Files touched.
    Diffusion,
    /// Who made it, and what else they changed there.
    Experience,
    /// Whether a second person looked at it.
    Review,
    /// Whether it was made in a freeze.
    Freeze,
    /// What it changes.
    Kind,
    /// How changes of the same service went lately.
    Failures,
}

impl RiskPart {
    /// As written on the screen and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Diffusion => "diffusion",
            Self::Experience => "experience",
            Self::Review => "review",
            Self::Freeze => "freeze",
            Self::Kind => "kind",
            Self::Failures => "failures",
        }
    }
}

/// A part of the score with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RiskTerm {
    /// Which.
    pub part: RiskPart,
    /// What it adds; `None` when it is not known.
    pub points: Option<u32>,
    /// Why, as one sentence.
    pub reason: String,
}

/// How a change compares with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RiskLevel {
    /// Like the lower half.
    Low,
    /// Between.
    Middle,
    /// Like the highest fifth.
    High,
}

impl RiskLevel {
    /// As written on the screen and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Middle => "middle",
            Self::High => "high",
        }
    }
}

/// How risky a change is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Risk {
    /// The sum of all points that are known.
    pub points: u32,
    /// How that compares; `None` when the size of the change is not known.
    pub level: Option<RiskLevel>,
    /// What the sum is made of, always every part, in one order.
    pub terms: Vec<RiskTerm>,
}

/// How risky a change is, beside all that are known (itself may be among them) and the declared freezes.
pub fn risk<'a>(
    change: &Change,
    known: impl IntoIterator<Item = &'a Change>,
    freezes: &[Freeze],
) -> Risk {
    let earlier: Vec<&Change> = known
        .into_iter()
        .filter(|one| change.service.is_some() && one.service == change.service)
        .filter(|one| one.at < change.at && one.key != change.key)
        .collect();
    let (size, diffusion) = measured(change);
    let terms = vec![
        size,
        diffusion,
        experience(change, &earlier),
        review(change),
        freeze(change, freezes),
        kind(change.kind),
        failures(change, &earlier),
    ];
    let points = terms.iter().filter_map(|term| term.points).sum();
    let level = change.size.is_some().then_some(match points {
        ..MIDDLE => RiskLevel::Low,
        MIDDLE..HIGH => RiskLevel::Middle,
        _ => RiskLevel::High,
    });
    Risk { points, level, terms }
}

fn term(part: RiskPart, points: u32, reason: impl Into<String>) -> RiskTerm {
    RiskTerm { part, points: Some(points), reason: reason.into() }
}

fn unknown(part: RiskPart, reason: &str) -> RiskTerm {
    RiskTerm { part, points: None, reason: reason.into() }
}

/// `1 line`, `2 lines`.
fn many(count: u32, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "6 · ln(2³²) is 133, and a logarithm of at least one is not negative"
)]
fn logged(weight: f64, count: u32) -> u32 {
    (weight * f64::from(count).ln_1p()).round() as u32
}

fn measured(change: &Change) -> (RiskTerm, RiskTerm) {
    let Some(size) = &change.size else {
        return (
            unknown(RiskPart::Size, "Its source does not say how many lines it adds."),
            unknown(RiskPart::Diffusion, "Its source does not say how many files it touches."),
        );
    };
    let said = |verb: &str, count, what| format!("It {verb} {}.", many(count, what));
    (
        term(RiskPart::Size, logged(SIZE, size.added), said("adds", size.added, "line")),
        term(
            RiskPart::Diffusion,
            logged(DIFFUSION, size.files),
            said("touches", size.files, "file"),
        ),
    )
}

fn experience(change: &Change, earlier: &[&Change]) -> RiskTerm {
    let part = RiskPart::Experience;
    if change.author.is_empty() {
        return unknown(part, "Who made it is not known.");
    }
    if change.service.is_none() {
        return unknown(part, "Which service it is of is not known.");
    }
    if earlier.is_empty() {
        return unknown(part, "No earlier change of this service is known to compare with.");
    }
    let own = earlier.iter().filter(|one| one.author == change.author).count();
    match u32::try_from(own).unwrap_or(u32::MAX) {
        0 => {
            term(part, LIGHT, "Its author made none of the known earlier changes of this service.")
        }
        own => {
            let own = many(own, "known earlier change");
            term(part, 0, format!("Its author made {own} of this service."))
        }
    }
}

fn review(change: &Change) -> RiskTerm {
    let part = RiskPart::Review;
    match &change.reviewed {
        Reviewed::Unknown => unknown(part, "Its source does not say whether it was reviewed."),
        Reviewed::By(names) if names.iter().any(|name| *name != change.author) => {
            term(part, 0, "A second person reviewed it.")
        }
        Reviewed::By(names) if !names.is_empty() => {
            term(part, LIGHT, "Nobody but its author reviewed it.")
        }
        Reviewed::No | Reviewed::By(_) => term(part, LIGHT, "Nobody reviewed it."),
    }
}

fn freeze(change: &Change, freezes: &[Freeze]) -> RiskTerm {
    let part = RiskPart::Freeze;
    match freezes.iter().find(|freeze| freeze.from <= change.at && change.at < freeze.to) {
        Some(freeze) => term(part, HEAVY, format!("It was made in a freeze ({}).", freeze.title)),
        None => term(part, 0, "It was made in no declared freeze."),
    }
}

fn kind(kind: ChangeKind) -> RiskTerm {
    let part = RiskPart::Kind;
    match kind {
        ChangeKind::Migration => {
            term(part, HEAVY, "It changes the form of data, which code alone cannot take back.")
        }
        other => term(part, 0, format!("It is a {} and no migration.", other.name())),
    }
}

fn failures(change: &Change, earlier: &[&Change]) -> RiskTerm {
    let part = RiskPart::Failures;
    if change.service.is_none() {
        return unknown(part, "Which service it is of is not known.");
    }
    let ended = |one: &&&Change| one.state != ChangeState::Unknown;
    let recent = || earlier.iter().filter(|one| change.at.since(one.at) <= RECENT).filter(ended);
    if recent().next().is_none() {
        let said = "How changes of this service went in the 30 days before is not known.";
        return unknown(part, said);
    }
    let bad = |one: &&&Change| matches!(one.state, ChangeState::Failed | ChangeState::Undone);
    let failed = u32::try_from(recent().filter(bad).count()).unwrap_or(u32::MAX);
    let told = many(failed, "change");
    match failed {
        0 => term(
            part,
            0,
            "No change of this service is known to have failed in the 30 days before.",
        ),
        _ => term(
            part,
            failed.saturating_mul(LIGHT).min(MOST_FAILURES),
            format!("{told} of this service failed or went back in the 30 days before."),
        ),
    }
}

#[cfg(test)]
mod tests;
