//! What happens in an incident, as facts. One struct per kind, its name in the table at the end; the incident
//! itself is in the record's head, so that each writer has one series per incident.
//!
//! Later facts speak about earlier ones by [`RecordId`]. What only one may do carries the record it
//! follows ([`IncidentEvent::claim`]): the store lets only the first through, and a reader who finds two
//! (written on hosts that could not see each other) counts the one with the earlier stamp.

use serde::{Deserialize, Serialize};

use crate::domain::{
    Actor, Audience, Cause, CauseCategory, ChangeKey, ChannelId, Check, EntryKind, Evidence,
    Impact, IncidentId, IncidentType, Moment, Order, Priority, ProcedureId, ProcedureKind,
    ReviewSection, Role, RunVerdict, SafeText, ServiceId, Severity, Span, Stage, Status, TeamId,
    TicketRef, TicketSeen, Timestamp, Verify,
};

use super::RecordId;
use super::claim::Claim;

macro_rules! events {
    ($($(#[$doc:meta])* $kind:literal $variant:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
            pub struct $variant { $($(#[$field_doc])* pub $field: $type,)* }

            impl From<$variant> for IncidentEvent {
                fn from(event: $variant) -> Self {
                    Self::$variant(event)
                }
            }
        )*

        /// Something that happened in an incident.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum IncidentEvent { $($(#[$doc])* $variant($variant),)* }

        impl IncidentEvent {
            /// Every kind's stored name.
            pub const KINDS: &[&str] = &[$($kind,)*];

            /// Stable name stored in the record.
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $kind,)* }
            }

            /// The body in postcard.
            pub(super) fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
                match self { $(Self::$variant(event) => postcard::to_allocvec(event),)* }
            }

            /// The event of a body; `None` when the kind is not one of these, or the body not wholly
            /// understood.
            pub(super) fn decode(kind: &str, body: &[u8]) -> Option<Self> {
                Some(match kind {
                    $($kind => {
                        let (event, rest) = postcard::take_from_bytes::<$variant>(body).ok()?;
                        if !rest.is_empty() {
                            return None;
                        }
                        Self::$variant(event)
                    })*
                    _ => return None,
                })
            }
        }
    };
}

events! {
    /// The incident begins.
    "incident-declared" Declared {
        /// One line.
        title: SafeText,
        /// How bad.
        severity: Severity,
        /// Why that severity.
        reason: SafeText,
        /// Services that are hurt.
        services: Vec<ServiceId>,
        /// Who is hurt and how.
        impact: Impact,
        /// What it was declared from.
        cause: Cause,
        /// When it began for those who are hurt, if that is known.
        onset: Option<Timestamp>,
    }
    /// Title, services, impact or onset are said anew; `None` leaves it.
    "incident-described" Described {
        /// Title.
        title: Option<SafeText>,
        /// Services.
        services: Option<Vec<ServiceId>>,
        /// Impact.
        impact: Option<Impact>,
        /// Onset.
        onset: Option<Timestamp>,
    }
    /// It is worse or less bad.
    "severity-changed" SeverityChanged {
        /// How bad now.
        severity: Severity,
        /// Why.
        reason: SafeText,
    }
    /// It is further, or back again (reopened).
    "status-changed" StatusChanged {
        /// How far now.
        status: Status,
        /// Why.
        note: SafeText,
    }
    /// It is the same as another one, which goes on.
    "incident-merged" Merged {
        /// The one that goes on.
        into: IncidentId,
    }
    /// Something belongs to it: another incident, a document, a call.
    "incident-linked" Linked {
        /// What it is.
        title: SafeText,
        /// Where, or the other incident's id.
        target: SafeText,
    }
    /// Command changes hands. Only one can follow `after`.
    "command-taken" CommandTaken {
        /// The change of command this one follows; `None` is the first.
        after: Option<RecordId>,
        /// Who commands now.
        commander: Actor,
        /// The hand-over that was accepted whole; `None` when command was taken without one.
        handover: Option<RecordId>,
        /// Why it was taken without a hand-over; empty otherwise.
        reason: SafeText,
    }
    /// Somebody gets a role (not the commander's).
    "role-given" RoleGiven {
        /// Which.
        role: Role,
        /// Who.
        to: Actor,
        /// When they are to be relieved, if that was said.
        until: Option<Timestamp>,
    }
    /// Somebody leaves a role.
    "role-left" RoleLeft {
        /// Which.
        role: Role,
        /// Who.
        who: Actor,
    }
    /// The commander offers command, with the brief as it was generated.
    "handover-offered" HandoverOffered {
        /// To whom.
        to: Actor,
        /// Title and text of each section.
        brief: Vec<(SafeText, SafeText)>,
    }
    /// The next commander has understood one section, or asks about it.
    "handover-answered" HandoverAnswered {
        /// The offer.
        handover: RecordId,
        /// Which section, from 0.
        section: u16,
        /// Understood; otherwise `note` is the question.
        accepted: bool,
        /// A question, or nothing.
        note: SafeText,
    }
    /// The offer no longer stands.
    "handover-withdrawn" HandoverWithdrawn {
        /// The offer.
        handover: RecordId,
        /// Why.
        reason: SafeText,
    }
    /// A person writes on the timeline.
    "entry-made" EntryMade {
        /// What it is.
        kind: EntryKind,
        /// The text.
        text: SafeText,
        /// When it happened, if not when it was written.
        happened: Option<Timestamp>,
        /// On whose behalf it was written in a shared pane (`@name`); marked, and never a proof.
        spoken_by: Option<Actor>,
        /// Frozen proof.
        evidence: Option<Evidence>,
        /// What it is about: an entry, a task, a decision.
        about: Option<RecordId>,
    }
    /// An entry no longer holds. It stays readable.
    "entry-withdrawn" EntryWithdrawn {
        /// Which.
        entry: RecordId,
        /// Why.
        reason: SafeText,
    }
    /// An entry is pinned to the top, or no longer.
    "entry-pinned" EntryPinned {
        /// Which.
        entry: RecordId,
        /// On or off.
        pinned: bool,
    }
    /// A machine saw something. Several consoles see it; the store takes one of them.
    "machine-saw" MachineSaw {
        /// The same for every console that sees it (`alert:eu/4be1…/1763827200000:firing`).
        key: SafeText,
        /// Which source.
        source: SafeText,
        /// One line.
        text: SafeText,
        /// When, by the source's clock and corrected.
        at: Moment,
    }
    /// Somebody is asked to do something.
    "task-given" TaskGiven {
        /// What.
        text: SafeText,
        /// Who.
        owner: Actor,
        /// When the commander calls back.
        due: Timestamp,
        /// Workstream it belongs to.
        workstream: Option<RecordId>,
    }
    /// A task moves on.
    "task-moved" TaskMoved {
        /// Which.
        task: RecordId,
        /// How.
        step: TaskStep,
        /// A result, a reason, or nothing.
        note: SafeText,
    }
    /// A team works on a part of the incident.
    "workstream-opened" WorkstreamOpened {
        /// What it is called.
        name: SafeText,
        /// Which team.
        team: Option<TeamId>,
        /// Who leads it.
        lead: Actor,
        /// The workstream it is a part of.
        parent: Option<RecordId>,
        /// Workstreams that are parts of it from now on: a split is one record per new lead.
        takes: Vec<RecordId>,
    }
    /// A workstream changes.
    "workstream-moved" WorkstreamMoved {
        /// Which.
        workstream: RecordId,
        /// How.
        step: WorkstreamStep,
    }
    /// A CAN report.
    "can-reported" CanReported {
        /// Which workstream.
        workstream: RecordId,
        /// How things stand.
        conditions: SafeText,
        /// What is being done.
        actions: SafeText,
        /// What is needed.
        needs: SafeText,
    }
    /// Something is to be decided.
    "decision-proposed" DecisionProposed {
        /// What is proposed.
        proposal: SafeText,
        /// What else could be done.
        options: Vec<SafeText>,
        /// Who carries it out.
        owner: Actor,
        /// What is expected to happen.
        expected: SafeText,
        /// When it is looked at again.
        review: Option<Timestamp>,
    }
    /// A decision moves on.
    "decision-moved" DecisionMoved {
        /// Which.
        decision: RecordId,
        /// How.
        step: DecisionStep,
        /// Words that go with it.
        note: SafeText,
    }
    /// An update is written and waits to be approved or published.
    "update-proposed" UpdateProposed {
        /// For whom.
        audience: Audience,
        /// One line.
        subject: SafeText,
        /// The text, exactly as it will be sent.
        body: SafeText,
        /// Where it goes.
        channels: Vec<ChannelId>,
        /// When the next one is promised.
        next: Timestamp,
    }
    /// A second person has read an update.
    "update-answered" UpdateAnswered {
        /// Which.
        update: RecordId,
        /// May go out.
        approved: bool,
        /// What is wrong with it, or nothing.
        note: SafeText,
    }
    /// An update goes out, once. The messages are operations recorded together with this.
    "update-published" UpdatePublished {
        /// Which.
        update: RecordId,
    }
    /// A ticket belongs to the incident.
    "ticket-linked" TicketLinked {
        /// Which.
        ticket: TicketRef,
        /// Where to look at it.
        url: SafeText,
    }
    /// A ticket changed at the tracker. Several consoles see it; the store takes one of them.
    "ticket-changed" TicketChanged {
        /// How it stands.
        seen: TicketSeen,
    }
    /// Somebody is called. The messages are operations recorded together with this.
    "page-sent" PageSent {
        /// Which team's on-call, if a team was called.
        team: Option<TeamId>,
        /// Who.
        whom: Actor,
        /// Step of the escalation, from 0.
        step: u16,
        /// What for.
        text: SafeText,
        /// The page this one escalates.
        escalates: Option<RecordId>,
    }
    /// Somebody answers a page.
    "page-answered" PageAnswered {
        /// Which.
        page: RecordId,
        /// Coming; otherwise not, and `note` says why.
        coming: bool,
        /// Words.
        note: SafeText,
    }
    /// A procedure is to be run, exactly so.
    "run-proposed" RunProposed {
        /// Which procedure.
        procedure: ProcedureId,
        /// What it was called, and what it is for.
        title: SafeText,
        /// What it is for.
        kind: ProcedureKind,
        /// The service it acts on.
        service: ServiceId,
        /// Each step as it will be sent.
        orders: Vec<Order>,
        /// The change it takes back, if it takes back one.
        change: Option<ChangeKey>,
        /// The run it takes back, if it takes back one.
        undoes: Option<RecordId>,
        /// Why.
        reason: SafeText,
        /// What was known when it was proposed, title and text: costs of each option, reach, what cannot
        /// be undone.
        card: Vec<(SafeText, SafeText)>,
        /// What is watched afterwards.
        verify: Verify,
        /// The procedure to try when it does not help.
        backup: Option<ProcedureId>,
        /// Whether a second person has to approve.
        second_person: bool,
        /// After release nothing is sent for so long.
        cancel_window: Span,
        /// An approval after that no longer counts.
        expires: Timestamp,
    }
    /// A second person has read what is to be run.
    "run-answered" RunAnswered {
        /// Which.
        run: RecordId,
        /// May run.
        approved: bool,
        /// What is wrong with it, or nothing.
        note: SafeText,
    }
    /// It runs when the cancel window is over, unless somebody stops it.
    "run-released" RunReleased {
        /// Which.
        run: RecordId,
    }
    /// It is not run, or its next steps are not. Whether this or the start came first, the store decides.
    "run-stopped" RunStopped {
        /// Which.
        run: RecordId,
        /// The first step that is not begun any more.
        before: u16,
        /// Why.
        reason: SafeText,
    }
    /// The pipeline says how far a step is. Several consoles see it; the store takes one of them.
    "run-seen" RunSeen {
        /// Which run.
        run: RecordId,
        /// Which step.
        step: u16,
        /// How far.
        stage: Stage,
        /// As the pipeline names its run; empty while it has no name.
        receipt: SafeText,
        /// Where to look at it; may be empty.
        url: SafeText,
        /// The newest lines of its log; at most twenty.
        lines: Vec<SafeText>,
        /// The same for every console that sees it.
        mark: SafeText,
    }
    /// The window after a run is over, and what was watched is judged.
    "run-verified" RunVerified {
        /// Which.
        run: RecordId,
        /// How it worked.
        verdict: RunVerdict,
        /// What it rests on, title and text.
        figures: Vec<(SafeText, SafeText)>,
    }
    /// A section of the review is written; it replaces the draft and what was written before.
    "section-written" SectionWritten {
        /// Which.
        section: ReviewSection,
        /// The text, Markdown; empty goes back to the draft.
        text: SafeText,
    }
    /// Something contributed: a node of the tree of whys, a bone of the fishbone.
    "cause-found" CauseFound {
        /// What it is the why of; `None` is of the incident itself.
        parent: Option<RecordId>,
        /// Which bone, if it is on one.
        category: Option<CauseCategory>,
        /// One sentence.
        text: SafeText,
        /// Entries of the timeline it rests on.
        evidence: Vec<RecordId>,
    }
    /// A cause no longer holds. It stays readable; what hangs on it goes with it.
    "cause-withdrawn" CauseWithdrawn {
        /// Which.
        cause: RecordId,
        /// Why.
        reason: SafeText,
    }
    /// What sort of incident it was.
    "types-set" TypesSet {
        /// All of them.
        types: Vec<IncidentType>,
    }
    /// Something is to be done so that it does not happen again.
    "follow-up-given" FollowUpGiven {
        /// What.
        text: SafeText,
        /// Who.
        owner: Actor,
        /// Until when.
        due: Timestamp,
        /// How much depends on it.
        priority: Priority,
        /// What must hold before it counts as done.
        check: Option<Check>,
        /// The cause it mends.
        mends: Option<RecordId>,
    }
    /// A follow-up moves on.
    "follow-up-moved" FollowUpMoved {
        /// Which.
        follow_up: RecordId,
        /// How.
        step: FollowUpStep,
        /// Words that go with it.
        note: SafeText,
    }
    /// The review is finished: read, agreed and shared.
    "review-finished" ReviewFinished {
        /// Words that go with it.
        note: SafeText,
    }
}

/// How a task moves on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskStep {
    /// The owner has heard it.
    Acknowledged,
    /// Somebody else does it.
    Given(Actor),
    /// It may take until then.
    Extended(Timestamp),
    /// Done.
    Done,
    /// No longer needed.
    Dropped,
}

/// How a workstream changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum WorkstreamStep {
    /// Somebody else leads it.
    Led(Actor),
    /// What stops it; empty is nothing any more.
    Blocked(SafeText),
    /// It is a part of another one from now on.
    Under(Option<RecordId>),
    /// Ended.
    Closed,
}

/// How a follow-up moves on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FollowUpStep {
    /// Somebody else does it.
    Given(Actor),
    /// It may take until then.
    Extended(Timestamp),
    /// It has a ticket.
    Tracked(TicketRef),
    /// Its check was carried out: whether it holds, and what was seen.
    Checked(bool, SafeText),
    /// Done.
    Done,
    /// Not done after all.
    Reopened,
    /// No longer wanted.
    Dropped,
}

/// How a decision moves on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DecisionStep {
    /// Somebody objects strongly.
    Objected,
    /// It is done so; the option's place, or the proposal itself.
    Taken(Option<u16>),
    /// Not done.
    Rejected,
    /// Looked at again: what followed.
    Reviewed,
}

impl IncidentEvent {
    /// What only one may do: the place it takes, and what must stand there so far.
    pub fn claim(&self, incident: &IncidentId) -> Option<Claim> {
        let once = |what: String| Some(Claim { place: format!("{incident}/{what}"), after: None });
        match self {
            Self::CommandTaken(event) => {
                Some(Claim { place: format!("{incident}/command"), after: event.after })
            }
            Self::MachineSaw(event) => once(format!("saw/{}", event.key)),
            Self::UpdatePublished(event) => once(format!("published/{}", event.update)),
            Self::TicketChanged(TicketChanged { seen }) => {
                once(format!("ticket/{}/{}/{}", seen.ticket.tracker, seen.ticket.key, seen.version))
            }
            // An escalation step is taken once, whichever console notices first that it is due.
            Self::PageSent(PageSent { escalates: Some(page), step, .. }) => {
                once(format!("page/{page}/{step}"))
            }
            // Stopping and starting take the same place (see `LogEvent::claim`): one of them is first.
            Self::RunStopped(RunStopped { run, before, .. }) => once(format!("run/{run}/{before}")),
            Self::RunReleased(event) => once(format!("released/{}", event.run)),
            Self::RunSeen(event) => once(format!("run-saw/{}/{}", event.run, event.mark)),
            Self::RunVerified(event) => once(format!("verified/{}", event.run)),
            _ => None,
        }
    }
}
