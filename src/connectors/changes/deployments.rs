//! Deployments as the places that make them tell of them: GitHub's and GitLab's.
//!
//! ```text
//! list of deployments ─► Deployed, newest first ─► what ran before: the last good one there ─► Change
//! ```
//!
//! What is only planned or waits for somebody's approval is no change yet.

pub mod github;
pub mod gitlab;

use super::Places;
use crate::domain::{
    Change, ChangeKey, ChangeKind, ChangeState, Reviewed, SafeText, SourceId, Timestamp,
};

/// Most characters of a commit's name that are shown.
const SHORT: usize = 10;

/// Whose deployments they are.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// `owner/name`, or what else the server calls it.
    pub name: String,
    /// Only deployments to these count; all when empty.
    pub environments: Vec<String>,
    /// How they are mapped to services.
    pub places: Places,
}

/// A deployment, in words both servers have.
#[derive(Debug, Clone, PartialEq)]
struct Deployed {
    id: u64,
    at: Timestamp,
    kind: ChangeKind,
    environment: String,
    /// A tag or branch.
    reference: String,
    /// The commit.
    sha: String,
    author: String,
    /// What it says of itself; may be empty.
    about: String,
    state: ChangeState,
    url: String,
}

impl Deployed {
    /// What runs: the tag, or the commit where a branch or nothing is named.
    fn version(&self) -> &str {
        let named =
            !self.reference.is_empty() && self.reference.chars().any(|c| c.is_ascii_digit());
        let is_commit = self.reference.len() == 40 && self.sha.starts_with(&self.reference);
        if named && !is_commit {
            return &self.reference;
        }
        self.sha.get(..SHORT).unwrap_or(&self.sha)
    }
}

impl Project {
    /// The one environment to ask for; where there are several, all are asked for.
    fn only_environment(&self) -> Option<&str> {
        match self.environments.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }

    /// Changes, newest first.
    fn changes(&self, source: &SourceId, mut all: Vec<Deployed>) -> Vec<Change> {
        all.retain(|one| {
            self.environments.is_empty() || self.environments.contains(&one.environment)
        });
        all.sort_by_key(|one| std::cmp::Reverse((one.at, one.id)));
        (0..all.len()).map(|at| self.change(source, &all, at)).collect()
    }

    fn change(&self, source: &SourceId, all: &[Deployed], at: usize) -> Change {
        let one = &all[at];
        let ran = |other: &&Deployed| {
            other.environment == one.environment
                && matches!(other.state, ChangeState::Done | ChangeState::Unknown)
        };
        let before = all[at + 1..].iter().find(ran).map_or("", Deployed::version);
        let about = match one.about.trim() {
            "" => String::new(),
            about => format!(": {about}"),
        };
        Change {
            key: ChangeKey {
                source: source.clone(),
                id: SafeText::new(&format!("deployments/{}", one.id)),
            },
            at: one.at,
            kind: one.kind,
            service: self.places.of_project(&one.environment, &one.reference, &self.name),
            title: SafeText::new(&format!("{} to {}{about}", one.version(), one.environment)),
            author: SafeText::new(&one.author),
            reviewed: Reviewed::Unknown,
            before: SafeText::new(before),
            after: SafeText::new(one.version()),
            state: one.state,
            size: None,
            with: Vec::new(),
            url: SafeText::new(&one.url),
        }
    }
}

#[cfg(test)]
mod tests;
