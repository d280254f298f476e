//! What an update must say and does not: impact, scope, status, when the next word comes.

use super::facts::Facts;
use super::promise::needs_promise;
use crate::domain::{SafeText, Status};

/// Something readers will ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missing {
    /// Nobody has said who is hurt and how.
    ImpactUnknown,
    /// It is known, and the text does not say it.
    Impact,
    /// Nobody has said which part is hurt.
    ScopeUnknown,
    /// It is known, and the text does not say it.
    Scope,
    /// How far it is.
    Status,
    /// When the next update comes.
    Next,
}

impl Missing {
    /// For the person who writes.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::ImpactUnknown => "Nobody has said yet who is hurt and how; set the impact.",
            Self::Impact => "The text does not say who is hurt and how.",
            Self::ScopeUnknown => "Nobody has said yet which part or share is hurt; set the scope.",
            Self::Scope => "The text does not say which part or share is hurt.",
            Self::Status => "The text does not say how far it is.",
            Self::Next => "The text does not say when the next update comes.",
        }
    }
}

/// What the text of an update lacks. Known facts count as said when a third of their longer words are in it.
pub fn missing(text: &str, facts: &Facts) -> Vec<Missing> {
    let text = text.to_lowercase();
    let mut lacks = Vec::new();
    for (fact, unknown, unsaid) in [
        (&facts.impact, Missing::ImpactUnknown, Missing::Impact),
        (&facts.scope, Missing::ScopeUnknown, Missing::Scope),
    ] {
        if fact.is_empty() {
            lacks.push(unknown);
        } else if !says(&text, fact) {
            lacks.push(unsaid);
        }
    }
    if let Some(status) = facts.status {
        if !words(status).iter().any(|word| text.contains(word)) {
            lacks.push(Missing::Status);
        }
        let time = facts.next.split(' ').find(|part| part.contains(':'));
        let told = time.is_some_and(|time| text.contains(time));
        if needs_promise(status) && !told {
            lacks.push(Missing::Next);
        }
    }
    lacks
}

fn says(text: &str, fact: &SafeText) -> bool {
    let fact = fact.to_lowercase();
    let all = |least: usize| -> Vec<&str> {
        let words = fact.split(|c: char| !c.is_alphanumeric());
        words.filter(|word| word.chars().count() >= least).collect()
    };
    let long = all(4);
    let words = if long.is_empty() { all(1) } else { long };
    let said = words.iter().filter(|word| text.contains(*word)).count();
    words.is_empty() || said * 3 >= words.len()
}

const fn words(status: Status) -> &'static [&'static str] {
    match status {
        Status::Investigating => &["investigat", "looking into"],
        Status::Identified => &["identif", "found"],
        Status::Monitoring => &["monitor", "watch", "observ"],
        Status::Resolved | Status::Closed => &["resolv", "over", "recovered", "fixed"],
    }
}
