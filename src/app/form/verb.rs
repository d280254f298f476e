//! The verbs that ask for something, and the names of what they ask for.

use crate::domain::{Cause, IncidentId, ProcedureId, ReviewSection};
use crate::eventlog::RecordId;

/// What a form does when it is accepted.
#[derive(Debug, Clone, PartialEq)]
pub enum Verb {
    /// Begin an incident.
    Declare(Cause),
    /// Say anew what it is about.
    Describe,
    /// Worse or less bad.
    Severity,
    /// Further, or back again.
    Status,
    /// Goes on as another one.
    Merge,
    /// Something belongs to it.
    Attach,
    /// Take command.
    TakeCommand,
    /// Give a role, or leave it.
    Role,
    /// Offer command.
    Handoff,
    /// Take the offer of command back, or decline it.
    WithdrawHandoff,
    /// Write on the timeline.
    Note,
    /// Pin what a chart shows.
    Evidence,
    /// An entry no longer holds.
    WithdrawEntry(RecordId),
    /// Ask somebody to do something.
    Task,
    /// Move a task on, with words.
    MoveTask(RecordId, TaskMove),
    /// Open a workstream.
    Workstream,
    /// A CAN report, or another change of a workstream.
    Report,
    /// Put workstreams under leads of their own.
    Split,
    /// Propose a decision.
    Decide,
    /// Move a decision on, with words.
    MoveDecision(RecordId, DecisionMove),
    /// Propose to run a procedure; with it chosen already.
    Propose(Option<ProcedureId>),
    /// Move a run on, once its request was read.
    MoveRun(RecordId, RunMove),
    /// Write an update.
    Update,
    /// Refuse somebody else's update, with words.
    RefuseUpdate(RecordId),
    /// Do something in a tracker.
    Ticket,
    /// Call somebody.
    Page,
    /// Not coming, with words.
    DeclinePage(RecordId),
    /// Write a section of the review.
    Section(ReviewSection),
    /// Say what contributed; the why of another cause.
    Cause(Option<RecordId>),
    /// A cause no longer holds.
    WithdrawCause(RecordId),
    /// Say what sort of incident it was.
    Types,
    /// Something is to be done so that it does not happen again.
    FollowUp,
    /// Move a follow-up on, with words.
    MoveFollowUp(RecordId, FollowUpMove),
    /// Say what came of something whose answer was lost; belongs to no incident.
    Settle,
}

/// How a follow-up is moved on with words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowUpMove {
    /// Somebody else has it.
    Give,
    /// A later deadline, and why.
    Extend,
    /// No longer wanted, and why.
    Drop,
    /// What somebody saw of its check.
    Vouch,
}

/// How a run is moved on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunMove {
    /// May run.
    Approve,
    /// Must not run, and why.
    Refuse,
    /// Begins after its cancel window.
    Release,
    /// Does not go on, and why.
    Stop,
}

/// How a task is moved on with words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskMove {
    /// Done, with the result.
    Done,
    /// Somebody else does it.
    Give,
    /// No longer needed, and why.
    Drop,
}

/// How a decision is moved on with words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecisionMove {
    /// A strong objection.
    Object,
    /// Done so: which option, and why.
    Take,
    /// Not done, and why.
    Reject,
    /// Looked at again: what followed.
    Review,
}

impl Verb {
    /// The word that tells drafts of different verbs apart; never changed, since drafts outlive versions.
    const fn word(&self) -> &'static str {
        match self {
            Self::Declare(_) => "declare",
            Self::Describe => "describe",
            Self::Severity => "severity",
            Self::Status => "status",
            Self::Merge => "merge",
            Self::Attach => "attach",
            Self::TakeCommand => "take-command",
            Self::Role => "role",
            Self::Handoff => "handoff",
            Self::WithdrawHandoff => "withdraw-handoff",
            Self::Note => "note",
            Self::Evidence => "evidence",
            Self::WithdrawEntry(_) => "withdraw-entry",
            Self::Task => "task",
            Self::MoveTask(_, TaskMove::Done) => "task-done",
            Self::MoveTask(_, TaskMove::Give) => "task-give",
            Self::MoveTask(_, TaskMove::Drop) => "task-drop",
            Self::Workstream => "workstream",
            Self::Report => "report",
            Self::Split => "split",
            Self::Decide => "decide",
            Self::MoveDecision(_, DecisionMove::Object) => "decision-object",
            Self::MoveDecision(_, DecisionMove::Take) => "decision-take",
            Self::MoveDecision(_, DecisionMove::Reject) => "decision-reject",
            Self::MoveDecision(_, DecisionMove::Review) => "decision-review",
            Self::Propose(_) => "run",
            Self::MoveRun(_, RunMove::Approve) => "run-approve",
            Self::MoveRun(_, RunMove::Refuse) => "run-refuse",
            Self::MoveRun(_, RunMove::Release) => "run-release",
            Self::MoveRun(_, RunMove::Stop) => "run-stop",
            Self::Update => "update",
            Self::RefuseUpdate(_) => "update-refuse",
            Self::Ticket => "ticket",
            Self::Page => "page",
            Self::DeclinePage(_) => "page-decline",
            Self::Section(_) => "section",
            Self::Cause(_) => "cause",
            Self::WithdrawCause(_) => "cause-withdraw",
            Self::Types => "types",
            Self::FollowUp => "follow-up",
            Self::MoveFollowUp(_, FollowUpMove::Give) => "follow-up-give",
            Self::MoveFollowUp(_, FollowUpMove::Extend) => "follow-up-extend",
            Self::MoveFollowUp(_, FollowUpMove::Drop) => "follow-up-drop",
            Self::MoveFollowUp(_, FollowUpMove::Vouch) => "follow-up-check",
            Self::Settle => "settle",
        }
    }

    /// What accepting does, in a word or two.
    pub const fn accepts(&self) -> &'static str {
        match self {
            Self::Declare(_) => "declare",
            Self::Describe | Self::Severity | Self::Status | Self::Role => "record",
            Self::Merge => "merge",
            Self::Attach => "attach",
            Self::TakeCommand => "take command",
            Self::Handoff => "offer command",
            Self::WithdrawHandoff => "take it back",
            Self::Note => "write it down",
            Self::Evidence => "pin it",
            Self::WithdrawEntry(_) => "withdraw",
            Self::Task | Self::MoveTask(_, TaskMove::Give) => "give the task",
            Self::MoveTask(_, TaskMove::Done) => "done",
            Self::MoveTask(_, TaskMove::Drop) => "drop it",
            Self::Workstream => "open it",
            Self::Report => "report",
            Self::Split => "split",
            Self::Decide => "propose",
            Self::MoveDecision(_, DecisionMove::Object) => "object",
            Self::MoveDecision(_, DecisionMove::Take) => "decide",
            Self::MoveDecision(_, DecisionMove::Reject) => "reject",
            Self::MoveDecision(_, DecisionMove::Review) => "record",
            Self::Propose(_) => "propose",
            Self::MoveRun(_, RunMove::Approve) => "approve it",
            Self::MoveRun(_, RunMove::Refuse) => "refuse it",
            Self::MoveRun(_, RunMove::Release) => "release it",
            Self::MoveRun(_, RunMove::Stop) => "stop it",
            Self::Update => "record and go on",
            Self::RefuseUpdate(_) => "refuse",
            Self::Ticket => "do it",
            Self::Page => "call",
            Self::DeclinePage(_) => "decline",
            Self::Section(_) => "write it",
            Self::Cause(_) => "record",
            Self::WithdrawCause(_) => "withdraw",
            Self::Types => "record",
            Self::FollowUp => "write it down",
            Self::MoveFollowUp(_, FollowUpMove::Give) => "give it",
            Self::MoveFollowUp(_, FollowUpMove::Extend) => "record",
            Self::MoveFollowUp(_, FollowUpMove::Drop) => "drop it",
            Self::MoveFollowUp(_, FollowUpMove::Vouch) => "record",
            Self::Settle => "settle it",
        }
    }

    /// Where the draft is kept. A declaration's incident is new each time, so its cause names it.
    pub fn draft_key(&self, incident: &IncidentId) -> String {
        let word = self.word();
        match self {
            Self::Declare(Cause::Nothing) => word.to_owned(),
            Self::Declare(Cause::Alerts { title, .. }) => format!("{word}:{title}"),
            Self::Declare(Cause::Slo(slo)) => format!("{word}:slo {slo}"),
            Self::Section(section) => format!("{word}:{incident}:{}", section.name()),
            Self::Cause(Some(record))
            | Self::WithdrawCause(record)
            | Self::MoveRun(record, _)
            | Self::MoveFollowUp(record, _)
            | Self::WithdrawEntry(record)
            | Self::MoveTask(record, _)
            | Self::MoveDecision(record, _)
            | Self::RefuseUpdate(record)
            | Self::DeclinePage(record) => format!("{word}:{incident}:{record}"),
            _ => format!("{word}:{incident}"),
        }
    }
}

macro_rules! fields {
    ($($(#[$doc:meta])* $variant:ident = $key:literal, $label:literal;)*) => {
        /// What a verb asks for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum FieldName { $($(#[$doc])* $variant,)* }

        impl FieldName {
            /// In drafts; never changed, since drafts outlive versions.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$variant => $key,)* }
            }

            /// Before the field.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }
        }
    };
}

fields! {
    /// One line about it.
    Title = "title", "title";
    /// How bad.
    Severity = "severity", "severity";
    /// Why.
    Reason = "reason", "because";
    /// Services that are hurt.
    Services = "services", "services";
    /// Who is hurt and how.
    Impact = "impact", "impact";
    /// Which part of them.
    Scope = "scope", "scope";
    /// When it began.
    Onset = "onset", "began";
    /// Who commands from the start.
    Commander = "commander", "commander";
    /// Which ticket.
    Ticket = "ticket", "ticket";
    /// What is to be done, was seen, is asked.
    Text = "text", "what";
    /// Who does it.
    Owner = "owner", "owner";
    /// How long it may take.
    Due = "due", "within";
    /// Which workstream.
    Workstream = "workstream", "workstream";
    /// What else could be done.
    Options = "options", "or else";
    /// What is expected to happen.
    Expected = "expected", "expecting";
    /// When it is looked at again.
    Review = "review", "review at";
    /// Which option.
    Option = "option", "take";
    /// Which role.
    Role = "role", "role";
    /// Give or leave.
    Way = "way", "do";
    /// To whom.
    To = "to", "to";
    /// Until when.
    Until = "until", "until";
    /// How far.
    Status = "status", "status";
    /// What an entry is.
    Kind = "kind", "kind";
    /// When it happened.
    Happened = "happened", "happened";
    /// Which chart.
    Chart = "chart", "chart";
    /// What it is called.
    Name = "name", "name";
    /// Which team.
    Team = "team", "team";
    /// Who leads.
    Lead = "lead", "lead";
    /// What it is a part of.
    Parent = "parent", "part of";
    /// How things stand.
    Conditions = "conditions", "conditions";
    /// What is being done.
    Actions = "actions", "actions";
    /// What is needed.
    Needs = "needs", "needs";
    /// What stops it.
    Blocker = "blocker", "blocked by";
    /// Workstreams under leads.
    Groups = "groups", "groups";
    /// Which tracker.
    Tracker = "tracker", "tracker";
    /// Where to look at it.
    Url = "url", "address";
    /// Who is called.
    Whom = "whom", "whom";
    /// Which other incident.
    Into = "into", "into";
    /// Where.
    Target = "target", "where";
    /// For whom.
    Audience = "audience", "for";
    /// Which phase its words are for.
    Phase = "phase", "phase";
    /// One line of an update.
    Subject = "subject", "subject";
    /// The text of an update.
    Body = "body", "text";
    /// What should not leave the house.
    Findings = "findings", "leaks";
    /// Where an update goes.
    Channels = "channels", "send to";
    /// When the next one is promised.
    Next = "next", "next by";
    /// Propose or publish.
    Then = "then", "then";
    /// What is muted and need no longer be.
    Silences = "silences", "end silence";
    /// Which message.
    Message = "message", "which";
    /// Which bone of the fishbone.
    Category = "category", "bone";
    /// Entries of the timeline.
    Entries = "entries", "shown by";
    /// How much depends on it.
    Priority = "priority", "priority";
    /// Which procedure.
    Procedure = "procedure", "procedure";
    /// Values of its parameters, one a line.
    With = "with", "with";
    /// The procedure's name, typed as proof of meaning it.
    Typed = "typed", "its name";
    /// What a person found at the other side.
    Found = "found", "found";
}
