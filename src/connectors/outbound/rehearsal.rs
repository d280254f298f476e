//! An outlet that only rehearses: for demonstrations. Nothing leaves this machine, and its receipts say so.

use async_trait::async_trait;

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

#[async_trait]
impl Outlet for Rehearsal {
    fn name(&self) -> &str {
        &self.name
    }

    async fn perform(&self, operation: &Operation, key: &str) -> Outcome {
        match operation {
            // The receipt becomes the ticket's name, so it is short and one of its kind.
            Operation::Ticket {
                act: TicketAct::Open { .. } | TicketAct::FollowUp { .. }, ..
            } => received(format!("REHEARSAL-{}", key.get(..6).unwrap_or(key)), ""),
            _ => received("rehearsal: nothing left this machine", ""),
        }
    }
}
