//! What only one may do, decided once by the store.
//!
//! A place is a text such as `INC-7KQ4M/command`. The store keeps which record took each place last, and
//! takes a record that claims the place only when it follows exactly that one: a compare-and-set in the
//! same transaction as the record itself. With a team log it becomes a compare-and-set per subject.

use super::RecordId;

/// A place and what must stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Which place.
    pub place: String,
    /// The record that took it last, as far as the writer knows; `None` when nobody has.
    pub after: Option<RecordId>,
}
