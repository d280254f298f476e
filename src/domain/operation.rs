//! What can be done to an outside system, and what came of it.

use serde::{Deserialize, Serialize};

use super::{
    IncidentId, Message, Order, SafeText, SilenceDraft, SilenceId, SiteId, TicketAct, Timestamp,
    TrackerId,
};

/// Something done to an outside system. Requested in the log first, then performed, then its outcome logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// Make or change a silence on the Alertmanagers of a site.
    Silence {
        /// Where.
        site: SiteId,
        /// What.
        draft: SilenceDraft,
    },
    /// End a silence now.
    Expire {
        /// Where.
        site: SiteId,
        /// Which.
        id: SilenceId,
    },
    /// Send a message. The outbox performs it: retried while it certainly failed, with the same key.
    Send(Message),
    /// Do something in a tracker; the outbox performs it.
    Ticket {
        /// Incident it is for.
        incident: IncidentId,
        /// Where.
        tracker: TrackerId,
        /// What.
        act: TicketAct,
    },
    /// One step of an approved run of a procedure. Sent once; its pipeline is watched until it ends.
    Run {
        /// Incident it is for.
        incident: IncidentId,
        /// The record that proposed the run, as text.
        run: SafeText,
        /// Which of its steps, from 0.
        step: u16,
        /// What is asked of which pipeline.
        order: Order,
    },
}

impl Operation {
    /// The incident it belongs to.
    pub const fn incident(&self) -> Option<&IncidentId> {
        match self {
            Self::Silence { .. } | Self::Expire { .. } => None,
            Self::Send(message) => message.incident.as_ref(),
            Self::Ticket { incident, .. } | Self::Run { incident, .. } => Some(incident),
        }
    }

    /// Whether the outbox performs it, again if need be; anything else is tried once.
    pub const fn is_outbox(&self) -> bool {
        matches!(self, Self::Send(_) | Self::Ticket { .. })
    }
}

/// What came of an operation, or of one attempt at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Done; for a silence, the id the server gave it.
    Done {
        /// Id at the server, when it gives one.
        id: Option<SilenceId>,
    },
    /// Certainly not done.
    Refused {
        /// Why, one sentence.
        why: SafeText,
    },
    /// The answer was lost: it may have been done. Never retried blindly.
    Unknown {
        /// Why, one sentence.
        why: SafeText,
    },
    /// Certainly not done this time; it will be tried again then.
    Later {
        /// Why, one sentence.
        why: SafeText,
        /// When.
        at: Timestamp,
    },
    /// Done, with what the other side said of it: a message's or a ticket's id, an address to look at.
    Received {
        /// As the other side names it.
        receipt: SafeText,
        /// Where to look at it; may be empty.
        url: SafeText,
    },
    /// It ran and ended badly: what it did until then stands.
    Failed {
        /// Why, one sentence.
        why: SafeText,
        /// Where to look at it; may be empty.
        url: SafeText,
    },
}

impl Outcome {
    /// Whether nothing more will come: it was done, or it certainly never will be.
    pub const fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Done { .. } | Self::Received { .. } | Self::Refused { .. } | Self::Failed { .. }
        )
    }

    /// Whether it is known to have been done.
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::Received { .. })
    }
}
