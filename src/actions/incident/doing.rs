//! What a person can mean in an incident: one [`Doing`] per verb, built alike by screens, command line and
//! subcommands.

use crate::domain::{
    Actor, Audience, Cause, CauseCategory, Change, ChannelId, Check, EntryKind, Evidence, Impact,
    IncidentId, IncidentType, Priority, ProcedureId, ReviewSection, Role, SafeText, ServiceId,
    Severity, Status, TeamId, TicketAct, TicketRef, Timestamp, TrackerId,
};
use crate::eventlog::{DecisionStep, FollowUpStep, KeyId, RecordId, TaskStep, WorkstreamStep};

/// What a look at a follow-up's check found.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// A source answered its query with these samples.
    Samples {
        /// Which source.
        source: String,
        /// The values, one for each series.
        values: Vec<f64>,
    },
    /// Somebody has seen it, or has not, in their words.
    Word {
        /// Whether it holds.
        holds: bool,
        /// What was seen.
        seen: String,
    },
}

/// Who means it, and with which key it will be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer {
    /// Who.
    pub actor: Actor,
    /// Key of this console's log.
    pub key: KeyId,
}

/// What a person means to do in an incident. Texts are as typed; they are cleaned and bounded here.
#[derive(Debug, Clone, PartialEq)]
pub enum Doing {
    /// Begin an incident: declared, command taken, ticket asked for, clocks started.
    Declare {
        /// From [`IncidentId::from_lot`].
        id: IncidentId,
        /// One line.
        title: String,
        /// How bad.
        severity: Severity,
        /// Why that severity.
        reason: String,
        /// Services that are hurt.
        services: Vec<ServiceId>,
        /// Who is hurt and how; may be empty.
        impact: Impact,
        /// What it is declared from.
        cause: Cause,
        /// When it began, if known.
        onset: Option<Timestamp>,
        /// Who commands from the start; `None` leaves the place empty.
        commander: Option<Actor>,
        /// A ticket to take on instead of opening one.
        ticket: Option<TicketRef>,
        /// The person was told of a live incident about the same and means another one.
        confirmed_duplicate: bool,
    },
    /// Say anew what it is about.
    Describe {
        /// Title.
        title: Option<String>,
        /// Services.
        services: Option<Vec<ServiceId>>,
        /// Impact.
        impact: Option<Impact>,
        /// Onset.
        onset: Option<Timestamp>,
    },
    /// Worse or less bad.
    Severity(Severity, String),
    /// Further, or back again.
    Status(Status, String),
    /// The same as another incident, which goes on.
    Merge(IncidentId),
    /// Something belongs to it.
    Link {
        /// What.
        title: String,
        /// Where.
        target: String,
    },
    /// Take command, without a hand-over. Needs a reason when somebody else commands.
    TakeCommand {
        /// The change of command the person has seen; refused when there is a newer one.
        after: Option<RecordId>,
        /// Why.
        reason: String,
    },
    /// Give a role.
    GiveRole {
        /// Which.
        role: Role,
        /// Who.
        to: Actor,
        /// When they are to be relieved.
        until: Option<Timestamp>,
    },
    /// Leave a role, or relieve somebody of it.
    LeaveRole {
        /// Which.
        role: Role,
        /// Who.
        who: Actor,
    },
    /// Offer command with the brief of [`crate::model::incidents`].
    OfferHandover {
        /// To whom.
        to: Actor,
    },
    /// Answer a section of the brief; the answer that accepts the last one takes command.
    AnswerHandover {
        /// Which section, from 0.
        section: u16,
        /// Understood, or a question.
        answer: Result<(), String>,
    },
    /// Take the offer back, or decline it.
    WithdrawHandover(String),
    /// Write on the timeline. `@name` at the start of the text writes for somebody else, marked.
    Enter {
        /// What it is.
        kind: EntryKind,
        /// The text.
        text: String,
        /// When it happened, if not now.
        happened: Option<Timestamp>,
        /// Frozen proof.
        evidence: Option<Evidence>,
        /// What it is about.
        about: Option<RecordId>,
    },
    /// An entry no longer holds.
    WithdrawEntry {
        /// Which.
        entry: RecordId,
        /// Why.
        reason: String,
    },
    /// Pin or unpin an entry.
    Pin {
        /// Which.
        entry: RecordId,
        /// On or off.
        pinned: bool,
    },
    /// Give somebody a task.
    Task {
        /// What.
        text: String,
        /// Who.
        owner: Actor,
        /// When the commander calls back.
        due: Timestamp,
        /// Workstream.
        workstream: Option<RecordId>,
    },
    /// Move a task on.
    MoveTask {
        /// Which.
        task: RecordId,
        /// How.
        step: TaskStep,
        /// A result, a reason, or nothing.
        note: String,
    },
    /// Open a workstream.
    OpenWorkstream {
        /// What it is called.
        name: String,
        /// Which team.
        team: Option<TeamId>,
        /// Who leads it.
        lead: Actor,
        /// The workstream it is a part of.
        parent: Option<RecordId>,
    },
    /// Change a workstream.
    MoveWorkstream {
        /// Which.
        workstream: RecordId,
        /// How.
        step: WorkstreamStep,
    },
    /// Too many direct reports: put them under leads of their own, in one step.
    Split {
        /// The new workstreams: name, lead, and the workstreams that go under it.
        groups: Vec<(String, Actor, Vec<RecordId>)>,
    },
    /// A CAN report.
    Report {
        /// Which workstream.
        workstream: RecordId,
        /// How things stand.
        conditions: String,
        /// What is being done.
        actions: String,
        /// What is needed.
        needs: String,
    },
    /// Propose a decision.
    Propose {
        /// What is proposed.
        proposal: String,
        /// What else could be done.
        options: Vec<String>,
        /// Who carries it out.
        owner: Actor,
        /// What is expected.
        expected: String,
        /// When it is looked at again.
        review: Option<Timestamp>,
    },
    /// Move a decision on.
    Decide {
        /// Which.
        decision: RecordId,
        /// How.
        step: DecisionStep,
        /// Words.
        note: String,
    },
    /// Write an update for approval.
    Update {
        /// For whom.
        audience: Audience,
        /// One line.
        subject: String,
        /// The text.
        body: String,
        /// Where it goes.
        channels: Vec<ChannelId>,
        /// When the next one is promised.
        next: Timestamp,
    },
    /// Approve or refuse somebody else's update.
    AnswerUpdate {
        /// Which.
        update: RecordId,
        /// May go out.
        approved: bool,
        /// What is wrong with it.
        note: String,
    },
    /// Publish an update: one operation per channel, recorded together.
    Publish(RecordId),
    /// Do something in a tracker.
    Ticket {
        /// Where.
        tracker: TrackerId,
        /// What.
        act: TicketAct,
    },
    /// Take on a ticket that exists.
    LinkTicket {
        /// Which.
        ticket: TicketRef,
        /// Where to look at it.
        url: String,
    },
    /// Page a team's on-call, or a person.
    Page {
        /// Team.
        team: Option<TeamId>,
        /// Person; `None` is whoever is on call in the team.
        whom: Option<Actor>,
        /// What for.
        text: String,
    },
    /// Propose to run a procedure, exactly so.
    ProposeRun {
        /// Which.
        procedure: ProcedureId,
        /// Values of its parameters; the others have their defaults.
        params: Vec<(String, String)>,
        /// The change it takes back.
        change: Option<Change>,
        /// The run it takes back.
        undoes: Option<RecordId>,
        /// Why.
        reason: String,
        /// What is known now, title and text, as the proposer sees it.
        card: Vec<(SafeText, SafeText)>,
    },
    /// Approve or refuse a run somebody else proposed.
    AnswerRun {
        /// Which.
        run: RecordId,
        /// May run.
        approved: bool,
        /// What is wrong with it.
        note: String,
    },
    /// Let a run begin when its cancel window is over.
    ReleaseRun {
        /// Which.
        run: RecordId,
        /// The procedure's name, typed, where nobody can be a second person.
        typed: String,
    },
    /// Stop a run before its next step.
    StopRun {
        /// Which.
        run: RecordId,
        /// Why.
        reason: String,
    },
    /// Answer a page.
    AnswerPage {
        /// Which.
        page: RecordId,
        /// Coming.
        coming: bool,
        /// Words.
        note: String,
    },
    /// Write a section of the review; nothing goes back to the draft.
    WriteSection(ReviewSection, String),
    /// Something contributed.
    FindCause {
        /// What it is the why of.
        parent: Option<RecordId>,
        /// Which bone of the fishbone.
        category: Option<CauseCategory>,
        /// One sentence.
        text: String,
        /// Entries of the timeline it rests on.
        evidence: Vec<RecordId>,
    },
    /// A cause no longer holds.
    WithdrawCause {
        /// Which.
        cause: RecordId,
        /// Why.
        reason: String,
    },
    /// What sort of incident it was.
    SetTypes(Vec<IncidentType>),
    /// Something is to be done so that it does not happen again.
    FollowUp {
        /// What.
        text: String,
        /// Who; nobody yet when it is `None`.
        owner: Option<Actor>,
        /// Until when.
        due: Timestamp,
        /// How much depends on it.
        priority: Priority,
        /// What must hold before it counts as done.
        check: Option<Check>,
        /// The cause it mends.
        mends: Option<RecordId>,
    },
    /// Move a follow-up on. What its check found is [`Doing::CheckFollowUp`].
    MoveFollowUp {
        /// Which.
        follow_up: RecordId,
        /// How.
        step: FollowUpStep,
        /// Words.
        note: String,
    },
    /// The check of a follow-up was carried out.
    CheckFollowUp {
        /// Which.
        follow_up: RecordId,
        /// What was found.
        found: Found,
    },
    /// Open a ticket for a follow-up.
    TrackFollowUp {
        /// Which.
        follow_up: RecordId,
        /// Where.
        tracker: TrackerId,
    },
    /// The review is read, agreed and shared.
    FinishReview(String),
}
