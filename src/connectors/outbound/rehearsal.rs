//! An outlet that only rehearses: for demonstrations. Nothing leaves this machine, and its receipts say so.

use futures_util::future::BoxFuture;

use super::{Outlet, received};
use crate::domain::{Operation, Outcome, TicketAct};

/// A channel or tracker of which nothing but the name is real.
pub struct Rehearsal {
    name: String,
}

impl Rehearsal {
    /// Takes everything and sends nothing.
    pub const fn new(name: String) -> Self {
        Self { name }
    }
}

impl Outlet for Rehearsal {
    fn name(&self) -> &str {
        &self.name
    }

    fn perform<'a>(&'a self, operation: &'a Operation, key: &'a str) -> BoxFuture<'a, Outcome> {
        let outcome = match operation {
            // The receipt becomes the ticket's name, so it is short and one of its kind.
            Operation::Ticket {
                act: TicketAct::Open { .. } | TicketAct::FollowUp { .. }, ..
            } => received(format!("REHEARSAL-{}", key.get(..6).unwrap_or(key)), ""),
            _ => received("rehearsal: nothing left this machine", ""),
        };
        Box::pin(std::future::ready(outcome))
    }
}
