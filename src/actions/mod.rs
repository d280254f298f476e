//! What a person can mean, in one table: names, words, screens, risk.
//!
//! Keys, the command line, the fuzzy finder, help, hints, subcommands and the README's key table are
//! all made from [`ACTIONS`]; there is no second list.

pub mod command;
mod decide;
mod deliveries;
pub mod find;
mod incident;
mod outlets;
mod refusal;
pub mod runs;
mod settle;
pub mod updates;
pub mod when;

pub use decide::{Do, Preview, SilenceGuard, decide, would_hit_at};
pub use deliveries::{
    Delivery, DeliveryStanding, ask_delivery_test, deliveries, delivery_test, due_delivery_tests,
};
pub use incident::{
    Doing, Found, Proposal, Writer, deadline, decide_incident, escalations, pick, propose,
    reminders, to_pin,
};
pub use outlets::{Outlet, OutletId, Passed, Pending, PendingState, outlets, what};
pub use refusal::{Refusal, Rule};
pub use settle::{Settled, settle, unsettled};

use std::fmt;

/// A screen of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Screen {
    /// Everything at one glance.
    Bridge,
    /// Firing groups.
    Alerts,
    /// Objectives and budgets.
    Slos,
    /// Who calls whom, and how each stands.
    Map,
    /// What runs out next.
    Capacity,
    /// The incident being commanded.
    Incident,
    /// What changed, beside the trouble.
    Changes,
    /// What incidents taught.
    Review,
    /// Connectors and their health.
    Sources,
}

impl Screen {
    /// In the order of their tabs.
    pub const ALL: [Self; 9] = [
        Self::Bridge,
        Self::Alerts,
        Self::Slos,
        Self::Map,
        Self::Capacity,
        Self::Incident,
        Self::Changes,
        Self::Review,
        Self::Sources,
    ];

    /// On the tab.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Bridge => "Bridge",
            Self::Alerts => "Alerts",
            Self::Slos => "SLOs",
            Self::Map => "Map",
            Self::Capacity => "Capacity",
            Self::Incident => "Incident",
            Self::Changes => "Changes",
            Self::Review => "Review",
            Self::Sources => "Sources",
        }
    }

    /// The action that shows it.
    pub const fn action(self) -> Action {
        match self {
            Self::Bridge => Action::Bridge,
            Self::Alerts => Action::Alerts,
            Self::Slos => Action::Slos,
            Self::Map => Action::Map,
            Self::Capacity => Action::Capacity,
            Self::Incident => Action::Incident,
            Self::Changes => Action::Changes,
            Self::Review => Action::Review,
            Self::Sources => Action::Sources,
        }
    }

    /// In keymaps and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bridge => "bridge",
            Self::Alerts => "alerts",
            Self::Slos => "slos",
            Self::Map => "map",
            Self::Capacity => "capacity",
            Self::Incident => "incident",
            Self::Changes => "changes",
            Self::Review => "review",
            Self::Sources => "sources",
        }
    }
}

/// What can go wrong if it was a slip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Risk {
    /// Nothing: only the eye moves.
    Look,
    /// A record of ours is made, which a later one can withdraw.
    Record,
    /// Something outside changes: asked once, naming the object, the reach and the way back.
    Outside,
}

/// Where an action makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// On every screen.
    Anywhere,
    /// On these screens.
    On(&'static [Screen]),
    /// Only while a recording plays.
    Playback,
}

macro_rules! actions {
    ($($variant:ident, $name:literal, $short:literal, $scope:expr, $risk:ident, $doc:literal;)*) => {
        /// Everything a key, a command or the finder can ask for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action { $(#[doc = $doc] $variant,)* }

        /// The one table.
        pub const ACTIONS: &[Spec] = &[$(Spec {
            action: Action::$variant, name: $name, short: $short, doc: $doc, scope: $scope,
            risk: Risk::$risk,
        },)*];
    };
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// The action.
    pub action: Action,
    /// As typed in keymaps and on the command line.
    pub name: &'static str,
    /// A word or two for the line of hints.
    pub short: &'static str,
    /// One line for help.
    pub doc: &'static str,
    /// Where it makes sense.
    pub scope: Scope,
    /// What a slip would cost.
    pub risk: Risk,
}

const ALERTS: Scope = Scope::On(&[Screen::Bridge, Screen::Alerts]);
const LISTS: Scope = Scope::Anywhere;
const INCIDENT: Scope = Scope::On(&[Screen::Incident]);
const REVIEW: Scope = Scope::On(&[Screen::Review]);
const JUDGED: Scope = Scope::On(&[Screen::Incident, Screen::Review]);
const RUNS: Scope = Scope::On(&[Screen::Bridge, Screen::Map, Screen::Incident, Screen::Changes]);
const FILTERED: Scope = Scope::On(&[
    Screen::Alerts,
    Screen::Slos,
    Screen::Map,
    Screen::Capacity,
    Screen::Incident,
    Screen::Changes,
]);
const MAP: Scope = Scope::On(&[Screen::Map]);
const CHARTS: Scope = Scope::On(&[Screen::Bridge, Screen::Slos, Screen::Capacity]);

actions! {
    Bridge, "bridge", "bridge", Scope::Anywhere, Look, "Bridge: everything at one glance";
    Alerts, "alerts", "alerts", Scope::Anywhere, Look, "Alerts: firing groups";
    Slos, "slos", "SLOs", Scope::Anywhere, Look, "SLOs: budgets and burn";
    Map, "map", "map", Scope::Anywhere, Look, "Map: who calls whom, and how each service stands";
    Capacity, "capacity", "capacity", Scope::Anywhere, Look, "Capacity: what runs out next, and what stands behind the services";
    WhatIf, "whatif", "what if", Scope::On(&[Screen::Capacity]), Look, "What breaks first if load grows, a zone or a replica is lost, a service is drained";
    Incident, "incident", "incident", Scope::Anywhere, Look, "Incident: who does what, what was promised, what happened";
    Changes, "changes", "changes", Scope::Anywhere, Look, "Changes: what was deployed, switched, configured, beside the trouble";
    Review, "review", "review", Scope::Anywhere, Look, "Review: what incidents taught, and what is to be done";
    Sources, "sources", "sources", Scope::Anywhere, Look, "Sources: every connector's state";
    Down, "down", "down", LISTS, Look, "Next row";
    Up, "up", "up", LISTS, Look, "Previous row";
    PageDown, "page-down", "page down", LISTS, Look, "One page down";
    PageUp, "page-up", "page up", LISTS, Look, "One page up";
    Top, "top", "top", LISTS, Look, "First row";
    Bottom, "bottom", "bottom", LISTS, Look, "Last row";
    NextPane, "next-pane", "next pane", Scope::Anywhere, Look, "Next pane";
    PreviousPane, "previous-pane", "previous pane", Scope::Anywhere, Look, "Previous pane";
    Open, "open", "open", LISTS, Look, "Open what is selected";
    Back, "back", "back", Scope::Anywhere, Look, "Back one level (never quits)";
    Left, "left", "caller", MAP, Look, "To a caller";
    Right, "right", "callee", MAP, Look, "To a callee";
    Focus, "focus", "focus", MAP, Look, "Show what is around the selected service";
    Wider, "wider", "wider", MAP, Look, "One call further from the focus";
    Narrower, "narrower", "narrower", MAP, Look, "One call less far from the focus";
    PathsFrom, "paths-from", "paths from", MAP, Look, "Let paths begin at the selected service";
    ToggleList, "toggle-list", "list", MAP, Look, "List instead of drawing, or back";
    Blast, "blast", "blast", MAP, Look, "What would go down with the selected service";
    Mark, "mark", "mark", ALERTS, Look, "Mark or unmark this row";
    Filter, "filter", "filter", FILTERED, Look, "Filter by Prometheus matchers or words; a timeline by kind=, by= and words";
    ClearFilter, "clear-filter", "clear", FILTERED, Look, "Clear filter and marks";
    ToggleMuted, "toggle-muted", "muted", Scope::On(&[Screen::Alerts]), Look, "Show or hide silenced and inhibited alerts";
    Situations, "situations", "situations", Scope::On(&[Screen::Alerts]), Look, "Fold groups that belong together into situations, or show all groups";
    Acknowledge, "ack", "ack", ALERTS, Record, "Acknowledge: you have seen it; notifications go on";
    Withdraw, "unack", "withdraw", ALERTS, Record, "Withdraw an acknowledgement";
    Silence, "silence", "silence", ALERTS, Outside, "Silence in Alertmanager; shows what it will hit first";
    Silences, "silences", "silences", Scope::Anywhere, Look, "List silences; extend or end them";
    Windows, "maintenance", "windows", Scope::Anywhere, Look, "List maintenance windows; mute the next ones";
    Rollback, "rollback", "roll back", RUNS, Outside, "Roll back, switch off, contain: what may be done, what each costs, the exact request";
    Suspects, "suspects", "suspects", Scope::Anywhere, Look, "Suspects: who is likely to blame for what hurts most, and why";
    Note, "note", "note", Scope::Anywhere, Record, "Write a note";
    PreviousIncident, "previous-incident", "previous", Scope::Anywhere, Look, "Previous incident that is going on";
    NextIncident, "next-incident", "next", Scope::Anywhere, Look, "Next incident that is going on";
    Pin, "pin", "pin", INCIDENT, Record, "Pin the entry to the top of the timeline, or unpin it";
    Follow, "follow", "follow", Scope::Anywhere, Look, "See what the commander sees, until you move yourself";
    Declare, "declare", "declare", Scope::Anywhere, Record, "Declare an incident: from this alert, this objective or from nothing";
    Update, "update", "update", Scope::Anywhere, Record, "Write an update, or publish it";
    Task, "task", "task", Scope::Anywhere, Record, "Ask somebody to do something within a time";
    Decide, "decide", "decide", Scope::Anywhere, Record, "Propose a decision";
    Handoff, "handoff", "hand off", Scope::Anywhere, Record, "Hand command over, or read the brief you are offered";
    TakeCommand, "take-command", "take command", Scope::Anywhere, Record, "Take command without a hand-over";
    Role, "role", "role", Scope::Anywhere, Record, "Give somebody a role, or leave one";
    Severity, "severity", "severity", Scope::Anywhere, Record, "Raise or lower the severity";
    Status, "status", "status", Scope::Anywhere, Record, "Say how far it is: identified, monitoring, resolved, reopened";
    Describe, "describe", "describe", Scope::Anywhere, Record, "Say anew what it is about: title, services, impact, onset";
    Evidence, "evidence", "evidence", Scope::Anywhere, Record, "Pin what the selected chart shows as evidence";
    Workstream, "workstream", "workstream", Scope::Anywhere, Record, "Open a workstream of a team";
    Report, "report", "report", Scope::Anywhere, Record, "Report conditions, actions, needs; say what blocks";
    Split, "split", "split", Scope::Anywhere, Record, "Put workstreams under leads of their own";
    Ticket, "ticket", "ticket", Scope::Anywhere, Outside, "Open a ticket, take one on, comment or move it";
    Page, "page", "page", Scope::Anywhere, Outside, "Call a team's on-call or a person";
    Attach, "attach", "attach", Scope::Anywhere, Record, "Attach a document, a call or another incident";
    Merge, "merge", "merge", Scope::Anywhere, Record, "Merge this incident into another one";
    Accept, "accept", "accept", JUDGED, Record, "Yes to what is selected: heard, coming, decided so, may go out, its check was looked at";
    Refuse, "refuse", "refuse", JUDGED, Record, "No to what is selected: dropped, not coming, rejected, withdrawn";
    Finish, "finish", "finish", JUDGED, Record, "Finish what is selected: done, published, looked at again, ended; on Review, the review";
    Extend, "extend", "more time", JUDGED, Record, "Five more minutes for the selected task, a week for a follow-up";
    Object, "object", "object", INCIDENT, Record, "Object strongly to the selected decision";
    Give, "give", "give", JUDGED, Record, "Give the selected task, workstream or follow-up to somebody else";
    FindCause, "cause", "cause", REVIEW, Record, "Say what contributed; under Whys, why the selected cause came about";
    FollowUp, "follow-up", "follow-up", REVIEW, Record, "Write down what is to be done so that it does not happen again";
    Types, "types", "types", REVIEW, Record, "Say what sort of incident it was";
    Settle, "settle", "settle", Scope::Anywhere, Record, "Say what came of a message or ticket whose answer was lost";
    TestChannel, "test-channel", "test", Scope::On(&[Screen::Sources]), Outside, "Send a test message by the selected channel";
    Runbook, "runbook", "runbook", ALERTS, Look, "Runbook of this alert";
    Explain, "explain", "explain", CHARTS, Look, "How was this computed";
    Copy, "copy", "copy", Scope::Anywhere, Look, "Copy what is selected";
    Link, "link", "link", ALERTS, Look, "Show the alert's link to its source, to open it";
    Refresh, "refresh", "refresh", Scope::Anywhere, Look, "Ask every source again now";
    ZoomIn, "zoom-in", "zoom in", CHARTS, Look, "Shorter time range";
    ZoomOut, "zoom-out", "zoom out", CHARTS, Look, "Longer time range";
    ZoomReset, "zoom-reset", "zoom reset", CHARTS, Look, "Default time range";
    Command, "command", "command", Scope::Anywhere, Look, "Command line";
    Find, "find", "find", Scope::Anywhere, Look, "Find anything";
    Help, "help", "keys", Scope::Anywhere, Look, "Keys here";
    Clock, "clock", "clock", Scope::Anywhere, Look, "UTC or local time";
    Theme, "theme", "theme", Scope::Anywhere, Look, "Next theme";
    Pause, "pause", "pause", Scope::Playback, Look, "Pause or go on";
    SeekBack, "seek-back", "back 30s", Scope::Playback, Look, "Thirty seconds back";
    SeekForward, "seek-forward", "on 30s", Scope::Playback, Look, "Thirty seconds on";
    Slower, "slower", "slower", Scope::Playback, Look, "Half the speed";
    Faster, "faster", "faster", Scope::Playback, Look, "Twice the speed";
    Redraw, "redraw", "redraw", Scope::Anywhere, Look, "Draw the screen anew";
    Suspend, "suspend", "suspend", Scope::Anywhere, Look, "Back to the shell; fg returns";
    Quit, "quit", "quit", Scope::Anywhere, Look, "Leave Quarterdeck";
}

impl Action {
    /// Its row of the table.
    pub fn spec(self) -> &'static Spec {
        // The table and the enum are made by one macro, so the discriminant is the position.
        &ACTIONS[self as usize]
    }

    /// The action with this name.
    pub fn named(name: &str) -> Option<Self> {
        ACTIONS.iter().find(|s| s.name == name).map(|s| s.action)
    }

    /// Whether it makes sense on `screen`.
    pub fn applies(self, screen: Screen, playing: bool) -> bool {
        match self.spec().scope {
            Scope::Anywhere => true,
            Scope::On(screens) => screens.contains(&screen),
            Scope::Playback => playing,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.spec().name)
    }
}
