//! How this organisation responds: who is on call, how people are reached, how often they are told.
//! Read from the configuration; what is done by it is in the log.

use std::collections::BTreeMap;

use super::{
    Audience, ChannelId, Matcher, PagerPlan, Procedures, SafeText, Severity, SourceId, Span,
    Status, TeamId, Timestamp, TrackerId,
};

/// Everything declared about the response.
#[derive(Debug, Clone, PartialEq)]
pub struct Playbook {
    /// People by name, as policy and schedules write them.
    pub people: BTreeMap<SafeText, Contact>,
    /// Teams by id.
    pub teams: BTreeMap<TeamId, Team>,
    /// Alerts and incidents to teams: the first route that matches decides; else the owner of the service.
    pub routes: Vec<Route>,
    /// Ways to reach people, in the order they are shown.
    pub channels: Vec<Channel>,
    /// Ticket systems.
    pub trackers: Vec<TrackerId>,
    /// The tracker that new incidents get a ticket in; `None` opens none.
    pub tracker: Option<TrackerId>,
    /// How often each audience is told, by severity.
    pub cadence: BTreeMap<(Severity, Audience), Cadence>,
    /// Texts of updates by audience and phase.
    pub templates: Vec<Template>,
    /// Hours after which the commander is asked to hand over; default 3 h (PagerDuty's most).
    pub rotate_after: Span,
    /// Direct reports from which on a split is offered; default 7 (ICS span of control).
    pub most_reports: usize,
    /// Workstreams silent for longer come up; default 20 min.
    pub silent_after: Span,
    /// Channels by which people are reminded of what they owe; none reminds nobody outside of a console.
    pub remind_by: Vec<ChannelId>,
    /// Words that must not leave the house: internal host suffixes, customer names.
    pub redact: Vec<SafeText>,
    /// How often each channel's delivery is tested; zero is never.
    pub test_every: Span,
    /// What may be done to production.
    pub procedures: Procedures,
}

/// How a person is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contact {
    /// Telephone number, shown when paging fails.
    pub phone: SafeText,
    /// Addresses by channel.
    pub at: BTreeMap<ChannelId, SafeText>,
}

/// A team with its on-call plan.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Team {
    /// Whole name.
    pub title: SafeText,
    /// Rotations; the first that covers a moment says who is on call.
    pub rotations: Vec<Rotation>,
    /// Exceptions to the rotations.
    pub overrides: Vec<Override>,
    /// The source that tells who is on call, if it is not only the rotations. It wins over them; an override
    /// wins over it.
    pub pager: Option<SourceId>,
    /// What it told last.
    pub plan: Option<PagerPlan>,
    /// Who is paged when, until somebody acknowledges.
    pub escalation: Vec<EscalationStep>,
}

impl Team {
    /// The plan of its pager, as far as it is known and still the one that counts.
    pub fn pager_plan(&self) -> Option<&PagerPlan> {
        self.plan.as_ref().filter(|plan| self.pager.as_ref() == Some(&plan.source))
    }
}

/// People who take turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// In their order.
    pub people: Vec<SafeText>,
    /// First change of shift, in the zone's wall time.
    pub from: chrono::NaiveDateTime,
    /// How long a shift lasts, in days of the zone (a week is seven, whatever daylight saving does).
    pub days: u32,
    /// Zone of `from`.
    pub zone: chrono_tz::Tz,
}

/// Somebody stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Who.
    pub person: SafeText,
    /// First moment.
    pub from: Timestamp,
    /// First moment after.
    pub to: Timestamp,
}

/// One step of an escalation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EscalationStep {
    /// After so long without an acknowledgement (the first is usually zero).
    pub after: Span,
    /// Who.
    pub whom: Whom,
    /// By which channels.
    pub by: Vec<ChannelId>,
}

/// Whom a step pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// Whoever is on call in the team.
    OnCall,
    /// Whoever is on call in another team.
    Team(TeamId),
    /// One person.
    Person(SafeText),
}

/// Which team takes what.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// All must hold on the alert's labels.
    pub matchers: Vec<Matcher>,
    /// The team.
    pub team: TeamId,
}

/// A way to reach people, as far as decisions need it; how it is spoken to is the connector's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Name.
    pub id: ChannelId,
    /// `smtp`, `slack`, … as configured.
    pub kind: &'static str,
    /// Audiences whose updates go here.
    pub audiences: Vec<Audience>,
    /// Where a message goes when this one certainly failed.
    pub fallback: Option<ChannelId>,
}

/// How soon, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cadence {
    /// First update after the declaration.
    pub first: Span,
    /// Each further one.
    pub every: Span,
    /// After this age of the incident the interval may double, when each update names the next time.
    pub long_after: Span,
}

/// A text for an audience and, perhaps, a phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Name, for choosing.
    pub name: SafeText,
    /// For whom.
    pub audience: Audience,
    /// When; `None` fits any.
    pub phase: Option<Status>,
    /// minijinja.
    pub text: String,
}

impl Default for Playbook {
    /// What PagerDuty's response guide asks of a major incident: first word in 5 minutes, then every 20;
    /// slower for lesser ones.
    fn default() -> Self {
        let minutes = |first, every| Cadence {
            first: Span::from_mins(first),
            every: Span::from_mins(every),
            long_after: Span::from_hours(2),
        };
        let cadence = [
            (Severity::Sev1, minutes(10, 30), Some(minutes(5, 20))),
            (Severity::Sev2, minutes(15, 30), Some(minutes(10, 30))),
            (Severity::Sev3, minutes(30, 60), None),
        ];
        let cadence = cadence
            .into_iter()
            .flat_map(|(severity, internal, external)| {
                let internal = ((severity, Audience::Internal), internal);
                let external = external.map(|c| ((severity, Audience::External), c));
                std::iter::once(internal).chain(external)
            })
            .collect();
        Self {
            people: BTreeMap::new(),
            teams: BTreeMap::new(),
            routes: Vec::new(),
            channels: Vec::new(),
            trackers: Vec::new(),
            tracker: None,
            cadence,
            templates: Vec::new(),
            rotate_after: Span::from_hours(3),
            most_reports: 7,
            silent_after: Span::from_mins(20),
            remind_by: Vec::new(),
            redact: Vec::new(),
            test_every: Span::from_days(7),
            procedures: Procedures::default(),
        }
    }
}
