//! The phrases that are looked for, what each says, and what to say instead.

use super::Slip;

/// Whom a phrase must be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// It blames whatever stands before it.
    Anybody,
    /// It is a plain report when said of a machine (`the probe failed to connect`).
    People,
}

/// A phrase.
pub(super) struct Phrase {
    pub(super) words: &'static [&'static str],
    pub(super) slip: Slip,
    pub(super) of: Subject,
    pub(super) offer: &'static str,
}

const fn any(words: &'static [&'static str], slip: Slip, offer: &'static str) -> Phrase {
    Phrase { words, slip, of: Subject::Anybody, offer }
}

const fn people(words: &'static [&'static str], slip: Slip, offer: &'static str) -> Phrase {
    Phrase { words, slip, of: Subject::People, offer }
}

const SHOULD: &str =
    "did, with what was known then, and what would make the other step the easy one";
const WOULD: &str = "what was there, and what a follow-up would change";
const DID_NOT: &str =
    "had nothing that asked for it: say which check, alert or default was missing";
const CARE: &str =
    "what made the step look safe, and what could have shown that it was not: a check, a preview";
const ERROR: &str = "a step that the system allowed and did not show to be dangerous";
const FAULT: &str = "what contributed, and how the parts worked together";
const SEEN: &str = "what could be seen at the time, and where";

/// All of them.
pub(super) const PHRASES: &[Phrase] = &[
    any(&["should", "have"], Slip::Counterfactual, SHOULD),
    any(&["should've"], Slip::Counterfactual, SHOULD),
    any(&["should", "not", "have"], Slip::Counterfactual, SHOULD),
    any(&["shouldn't", "have"], Slip::Counterfactual, SHOULD),
    any(&["should", "never", "have"], Slip::Counterfactual, SHOULD),
    any(&["ought", "to", "have"], Slip::Counterfactual, SHOULD),
    any(&["was", "supposed", "to"], Slip::Counterfactual, SHOULD),
    any(&["were", "supposed", "to"], Slip::Counterfactual, SHOULD),
    any(&["could", "have"], Slip::Counterfactual, WOULD),
    any(&["could've"], Slip::Counterfactual, WOULD),
    any(&["would", "have"], Slip::Counterfactual, WOULD),
    any(&["would've"], Slip::Counterfactual, WOULD),
    any(&["might", "have", "been", "avoided"], Slip::Counterfactual, WOULD),
    any(&["if", "only"], Slip::Counterfactual, WOULD),
    any(&["had", "we", "only"], Slip::Counterfactual, WOULD),
    people(&["failed", "to"], Slip::Blame, DID_NOT),
    people(&["fails", "to"], Slip::Blame, DID_NOT),
    any(&["neglected", "to"], Slip::Blame, DID_NOT),
    any(&["forgot", "to"], Slip::Blame, DID_NOT),
    any(&["forgot"], Slip::Blame, DID_NOT),
    any(&["didn't", "bother"], Slip::Blame, DID_NOT),
    any(&["did", "not", "bother"], Slip::Blame, DID_NOT),
    people(&["ignored"], Slip::Blame, SEEN),
    people(&["overlooked"], Slip::Blame, SEEN),
    people(&["missed"], Slip::Blame, SEEN),
    people(&["didn't", "notice"], Slip::Blame, SEEN),
    people(&["did", "not", "notice"], Slip::Blame, SEEN),
    any(&["careless"], Slip::Blame, CARE),
    any(&["carelessly"], Slip::Blame, CARE),
    any(&["carelessness"], Slip::Blame, CARE),
    any(&["negligent"], Slip::Blame, CARE),
    any(&["negligence"], Slip::Blame, CARE),
    any(&["sloppy"], Slip::Blame, CARE),
    any(&["lazy"], Slip::Blame, CARE),
    any(&["reckless"], Slip::Blame, CARE),
    any(&["incompetent"], Slip::Blame, CARE),
    any(&["incompetence"], Slip::Blame, CARE),
    any(&["irresponsible"], Slip::Blame, CARE),
    any(&["stupid"], Slip::Blame, CARE),
    any(&["inattentive"], Slip::Blame, CARE),
    any(&["inattention"], Slip::Blame, CARE),
    any(&["human", "error"], Slip::Blame, ERROR),
    any(&["human", "errors"], Slip::Blame, ERROR),
    any(&["operator", "error"], Slip::Blame, ERROR),
    any(&["user", "error"], Slip::Blame, ERROR),
    any(&["fat", "finger"], Slip::Blame, ERROR),
    any(&["fat-fingered"], Slip::Blame, ERROR),
    any(&["fat", "fingered"], Slip::Blame, ERROR),
    people(&["made", "a", "mistake"], Slip::Blame, ERROR),
    people(&["mistakenly"], Slip::Blame, ERROR),
    people(&["wrongly"], Slip::Blame, ERROR),
    any(&["to", "blame"], Slip::Blame, FAULT),
    any(&["blame", "lies"], Slip::Blame, FAULT),
    any(&["at", "fault"], Slip::Blame, FAULT),
    any(&["his", "fault"], Slip::Blame, FAULT),
    any(&["her", "fault"], Slip::Blame, FAULT),
    any(&["their", "fault"], Slip::Blame, FAULT),
    any(&["my", "fault"], Slip::Blame, FAULT),
    any(&["our", "fault"], Slip::Blame, FAULT),
    any(&["obviously"], Slip::Hindsight, SEEN),
    any(&["in", "hindsight"], Slip::Hindsight, SEEN),
    any(&["with", "hindsight"], Slip::Hindsight, SEEN),
    any(&["in", "retrospect"], Slip::Hindsight, SEEN),
    any(&["it", "was", "obvious"], Slip::Hindsight, SEEN),
    any(&["was", "obvious"], Slip::Hindsight, SEEN),
    any(&["it", "was", "clear", "that"], Slip::Hindsight, SEEN),
    any(&["common", "sense"], Slip::Hindsight, SEEN),
    any(&["everybody", "knows"], Slip::Hindsight, SEEN),
    any(&["everyone", "knows"], Slip::Hindsight, SEEN),
    any(&["should", "have", "known"], Slip::Hindsight, SEEN),
    any(&["should", "have", "been", "obvious"], Slip::Hindsight, SEEN),
];

/// Words that say a clause is about people.
pub(super) const PEOPLE: &[&str] = &[
    "i",
    "we",
    "you",
    "he",
    "she",
    "they",
    "who",
    "somebody",
    "someone",
    "nobody",
    "everybody",
    "everyone",
    "people",
    "person",
    "team",
    "teams",
    "engineer",
    "engineers",
    "engineering",
    "developer",
    "developers",
    "operator",
    "operators",
    "admin",
    "admins",
    "administrator",
    "manager",
    "management",
    "reviewer",
    "reviewers",
    "author",
    "responder",
    "responders",
    "commander",
    "deputy",
    "scribe",
    "observer",
    "on-call",
    "oncall",
    "sre",
    "sres",
    "dba",
    "colleague",
    "colleagues",
    "staff",
    "support",
    "lead",
    "owner",
    "owners",
];

/// Words after which a name is that of whoever has the role.
pub(super) const ROLES: &[&str] = &[
    "commander",
    "deputy",
    "scribe",
    "comms",
    "ops",
    "observer",
    "observers",
    "owner",
    "on-call",
    "responder",
    "responders",
    "lead",
    "approver",
    "author",
];
