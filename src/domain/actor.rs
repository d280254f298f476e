//! Who did something.

use serde::{Deserialize, Serialize};

use super::SafeText;

/// A person, as named in the configuration (or by the operating system), writing from this console.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Actor(SafeText);

impl Actor {
    /// A person by name.
    pub fn new(name: &str) -> Self {
        Self(SafeText::new(name))
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.0.as_str()
    }
}

/// Lets sets of people be asked with a plain name.
impl std::borrow::Borrow<str> for Actor {
    fn borrow(&self) -> &str {
        self.name()
    }
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
