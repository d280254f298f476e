//! Silences: what mutes notifications in Alertmanager, for how long, and why.

use serde::{Deserialize, Serialize};

use super::{Labels, MatchOp, Matcher, SafeText, SilenceId, SiteId, SourceId, Timestamp};

/// A matcher in the form that is stored and sent; [`Matcher`] is the compiled form.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MatcherSpec {
    /// Label name.
    pub name: SafeText,
    /// Value or regular expression.
    pub value: SafeText,
    /// Whether the value is a regular expression.
    pub is_regex: bool,
    /// Whether a match is wanted (`=`, `=~`) or unwanted.
    pub is_equal: bool,
}

impl From<&Matcher> for MatcherSpec {
    fn from(m: &Matcher) -> Self {
        Self {
            name: m.name.clone(),
            value: m.value.clone(),
            is_regex: m.op.is_regex(),
            is_equal: m.op.is_positive(),
        }
    }
}

impl MatcherSpec {
    /// Compiles; fails on a regular expression our engine does not know.
    pub fn compile(&self) -> Result<Matcher, super::FilterError> {
        let op = match (self.is_regex, self.is_equal) {
            (false, true) => MatchOp::Equal,
            (false, false) => MatchOp::NotEqual,
            (true, true) => MatchOp::Regex,
            (true, false) => MatchOp::NotRegex,
        };
        Matcher::new(&self.name, op, &self.value)
    }
}

/// Where a silence is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SilenceState {
    /// Starts later.
    Pending,
    /// Mutes now.
    Active,
    /// Over; kept by Alertmanager for a while.
    Expired,
}

/// A silence as an Alertmanager has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Silence {
    /// Its id there.
    pub id: SilenceId,
    /// The Alertmanager that reported it.
    pub source: SourceId,
    /// The site of that Alertmanager.
    pub site: SiteId,
    /// All must match; kept as written, since our regex engine may not read every one.
    pub matchers: Vec<MatcherSpec>,
    /// Start.
    pub starts_at: Timestamp,
    /// End.
    pub ends_at: Timestamp,
    /// Who made it.
    pub created_by: SafeText,
    /// Why.
    pub comment: SafeText,
    /// Pending, active or expired.
    pub state: SilenceState,
}

/// A silence to be made (or changed, when `replaces` is set), on every Alertmanager of `sites`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SilenceDraft {
    /// All must match.
    pub matchers: Vec<MatcherSpec>,
    /// Start.
    pub starts_at: Timestamp,
    /// End.
    pub ends_at: Timestamp,
    /// Who.
    pub created_by: SafeText,
    /// Why.
    pub comment: SafeText,
    /// The silence this one extends or replaces.
    pub replaces: Option<SilenceId>,
}

/// Whether every one of the matchers holds for the labels.
pub fn hits(matchers: &[Matcher], labels: &Labels) -> bool {
    !matchers.is_empty() && matchers.iter().all(|m| m.matches(labels))
}
