//! What goes out: channels that reach people and trackers that hold tickets.
//!
//! ```text
//! outbox (runtime) ── attempt recorded ──► Outlet::perform ──► Outcome ── recorded
//!                     └ found cut off ───► Outlet::look_back ─► what came of it, or still unknown
//! ```
//!
//! The key of every attempt of one operation is the same: the id of the record that requested it, as 64
//! hexadecimal digits. It is sent along wherever the other side takes one, and put into the text where it
//! does not, so that an attempt whose answer was lost can be found again.

pub mod config;

use std::future::Future;
use std::pin::Pin;

use crate::domain::{Operation, Outcome, SafeText, TicketRef, TicketSeen};

/// A future of a trait object.
pub type Doing<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One channel or tracker.
pub trait Outlet: Send + Sync {
    /// Its name in the configuration.
    fn name(&self) -> &str;

    /// One attempt. `Refused` is certainly not done and would be refused again, `Later` certainly not done
    /// but worth another try, `Unknown` when the request left and no answer that counts came.
    fn perform<'a>(&'a self, operation: &'a Operation, key: &'a str) -> Doing<'a, Outcome>;

    /// What came of an attempt whose answer was lost: `Received` when it is found there, `Later` when it
    /// certainly is not, `Unknown` when this cannot be told.
    fn look_back<'a>(&'a self, operation: &'a Operation, key: &'a str) -> Doing<'a, Outcome>;

    /// How tickets of ours stand; nothing for channels.
    fn tickets<'a>(
        &'a self,
        _known: &'a [TicketRef],
    ) -> Doing<'a, Result<Vec<TicketSeen>, SafeText>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }
}
