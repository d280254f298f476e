//! Updates: what is written to people inside and outside, from the facts of the incident to the text that may
//! be sent. All pure.
//!
//! ```text
//! Model ─► facts ─► template (a text of the playbook, or a built-in one) ─► draft ─► the person edits
//!                                                                             │
//!          promise: when the next is due ─┐                                   ▼
//!          missing: what it does not say ─┼──────────────────────────► shown beside it
//!          redact:  what must not go out ─┤   for external ones it blocks until each is settled
//!          compare: what is new since ────┘
//! ```

mod builtin;
mod compare;
mod facts;
mod missing;
mod promise;
mod redact;
mod remind;
mod template;

pub use builtin::{drafted, offered};
pub use compare::{Change, DiffLine, changes, reading_time};
pub use facts::{Facts, VARIABLES, gather};
pub use missing::{Missing, missing};
pub use promise::{due, needs_promise, proposed};
pub use redact::{Finding, FindingKind, Words, findings, open_findings, redacted};
pub use remind::{Leftover, leftover_sentence, leftover_silences};
pub use template::{MOST_BYTES, TemplateFault, check, render};

#[cfg(test)]
mod tests;
