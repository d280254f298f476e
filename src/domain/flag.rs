//! Feature flags as their server has them.

use super::{SafeText, Timestamp};

/// A flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// Its key.
    pub key: SafeText,
    /// What it is for, in its owner's words; may be empty.
    pub title: SafeText,
    /// The server's word for its kind (`release`, `kill-switch`); may be empty.
    pub kind: SafeText,
    /// How it stands in each environment; of a server without environments there is one without a name.
    pub places: Vec<FlagPlace>,
    /// When it was last changed, where the server says so.
    pub changed: Option<Timestamp>,
}

/// How a flag stands in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagPlace {
    /// Environment; empty is the only one.
    pub environment: SafeText,
    /// What callers get; `None` when this is neither on nor off, or could not be learned.
    pub on: Option<bool>,
    /// What else decides, in words (`default variant of a disabled flag`); may be empty.
    pub note: SafeText,
}
