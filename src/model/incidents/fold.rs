//! One record, one step of the incident: what it changes and how the timeline says so.
//!
//! Records come in the order of their stamps, so the later word simply replaces the earlier. What does not
//! hold (a second commander, an approval of one's own words) changes nothing and is shown as refused.

use crate::domain::{Actor, IncidentId, Operation, Purpose, Role, Status};
use crate::eventlog::{
    CommandTaken, Declared, Described, EntryMade, EntryPinned, EntryWithdrawn, HandoverAnswered,
    HandoverOffered, HandoverWithdrawn, IncidentEvent, LogEvent, Policy, Recorded, RoleGiven,
    SeverityChanged, StatusChanged,
};

use super::book::check;
use super::words::{self, because, clock, list, quoted};
use super::{
    BriefSection, Command, Handover, Holder, Incident, Timeline, outward, review, runs, work,
};

/// What came of a record.
pub(super) enum Verdict<'a> {
    /// It changed something; the line that says so.
    Step(String),
    /// It changed nothing, and why.
    Refused(String),
    /// Somebody wrote an entry.
    Entry(&'a EntryMade),
    /// An entry is pinned, or no longer.
    Pinned(&'a EntryPinned, String),
    /// An entry no longer holds.
    Withdrawn(&'a EntryWithdrawn, String),
    /// Nothing to see.
    Silent,
}

/// A record with what is asked of it again and again.
pub(super) struct Fact<'a> {
    /// The record.
    pub(super) record: &'a Recorded,
    /// Whom its key belongs to; without a policy, who they say they are.
    pub(super) by: Actor,
    /// Which key is who.
    pub(super) duties: &'a Policy,
}

impl Incident {
    /// The incident as its declaration says.
    pub(super) fn declared(id: &IncidentId, record: &Recorded, duties: &Policy) -> Option<Self> {
        let Some(LogEvent::Incident { event: IncidentEvent::Declared(event), .. }) = &record.event
        else {
            return None;
        };
        let event = event.clone();
        Some(Self {
            id: id.clone(),
            title: event.title,
            severity: event.severity,
            severity_reason: event.reason,
            worst: event.severity,
            status: Status::Investigating,
            status_since: record.at,
            resolved_at: None,
            services: event.services,
            impact: event.impact,
            cause: event.cause,
            declared_by: words::who(record, duties),
            declared_at: record.at,
            declared: record.id,
            onset: event.onset,
            merged_into: None,
            links: Vec::new(),
            command: None,
            command_place: None,
            roles: Default::default(),
            handover: None,
            handed_over: Vec::new(),
            timeline: Timeline::default(),
            tasks: Default::default(),
            workstreams: Default::default(),
            decisions: Default::default(),
            updates: Default::default(),
            tickets: Default::default(),
            pages: Default::default(),
            runs: Default::default(),
            review: Default::default(),
        })
    }
}

/// Folds one record of the incident.
pub(super) fn fold<'a>(
    incident: &mut Incident,
    record: &'a Recorded,
    duties: &'a Policy,
) -> Verdict<'a> {
    let Some(event) = &record.event else { return Verdict::Silent };
    if let Err(why) = check(record, duties) {
        if let LogEvent::Incident { event: IncidentEvent::CommandTaken(event), .. } = event {
            pass_through(incident, event, record);
        }
        return Verdict::Refused(words::denied(record, why));
    }
    let fact = Fact { record, by: words::who(record, duties), duties };
    let result = match event {
        LogEvent::Incident { event, .. } => match event {
            IncidentEvent::EntryMade(event) => {
                work::heard_about(incident, event.about, record.at);
                return Verdict::Entry(event);
            }
            IncidentEvent::EntryPinned(event) => {
                let verb = if event.pinned { "pinned" } else { "unpinned" };
                return Verdict::Pinned(event, format!("{} {verb} an entry", fact.by));
            }
            IncidentEvent::EntryWithdrawn(event) => {
                let text = format!("{} withdrew an entry{}", fact.by, because(&event.reason));
                return Verdict::Withdrawn(event, text);
            }
            // These are lines and nothing else; the dossier shows them.
            IncidentEvent::MachineSaw(_) => return Verdict::Silent,
            event => happened(incident, &fact, event),
        },
        LogEvent::OperationRequested { operation } => match operation {
            Operation::Send(message) => match &message.purpose {
                Purpose::Update(audience) => outward::sent(incident, &fact, message, *audience),
                purpose => Ok(outward::message_goes(&fact, message, purpose)),
            },
            Operation::Ticket { tracker, act, .. } => {
                Ok(outward::ticket_asked(&fact, tracker, act))
            }
            Operation::Run { run, step, order, .. } => {
                runs::begun(incident, &fact, (run, *step), order)
            }
            Operation::Silence { .. } | Operation::Expire { .. } => return Verdict::Silent,
        },
        LogEvent::OperationEnded { request, outcome } => {
            Ok(runs::ended(incident, *request, outcome))
        }
        _ => return Verdict::Silent,
    };
    match result {
        Ok(text) if text.is_empty() => Verdict::Silent,
        Ok(text) => Verdict::Step(text),
        Err(text) => Verdict::Refused(text),
    }
}

/// What the line says, or why it has no effect. An empty line is none.
pub(super) type Said = Result<String, String>;

fn happened(incident: &mut Incident, fact: &Fact<'_>, event: &IncidentEvent) -> Said {
    use IncidentEvent as E;
    match event {
        E::Declared(event) => declared(incident, fact, event),
        E::Described(event) => Ok(described(incident, fact, event)),
        E::SeverityChanged(event) => Ok(severity(incident, event)),
        E::StatusChanged(event) => Ok(status(incident, fact, event)),
        E::Merged(event) => {
            if event.into == incident.id {
                return Err(format!("refused: {} cannot be merged into itself", incident.id));
            }
            incident.merged_into = Some(event.into.clone());
            Ok(format!("{} merged this into {}, which goes on", fact.by, event.into))
        }
        E::Linked(event) => {
            let link = (event.title.clone(), event.target.clone());
            if !incident.links.contains(&link) {
                incident.links.push(link);
            }
            Ok(format!("{} linked {} ({})", fact.by, quoted(&event.title), event.target))
        }
        E::CommandTaken(event) => command(incident, fact, event),
        E::RoleGiven(event) => role_given(incident, fact, event),
        E::RoleLeft(event) => {
            let holders = incident.roles.entry(event.role).or_default();
            holders.retain(|holder| holder.who != event.who);
            if holders.is_empty() {
                incident.roles.remove(&event.role);
            }
            Ok(if event.who == fact.by {
                format!("{} is no longer {}", fact.by, event.role)
            } else {
                format!("{} relieved {} as {}", fact.by, event.who, event.role)
            })
        }
        E::HandoverOffered(event) => offered(incident, fact, event),
        E::HandoverAnswered(event) => answered(incident, fact, event),
        E::HandoverWithdrawn(event) => withdrawn(incident, fact, event),
        E::TaskGiven(event) => Ok(work::task_given(incident, fact, event)),
        E::TaskMoved(event) => work::task_moved(incident, fact, event),
        E::WorkstreamOpened(event) => Ok(work::workstream_opened(incident, fact, event)),
        E::WorkstreamMoved(event) => work::workstream_moved(incident, fact, event),
        E::CanReported(event) => work::can_reported(incident, fact, event),
        E::DecisionProposed(event) => Ok(work::decision_proposed(incident, fact, event)),
        E::DecisionMoved(event) => work::decision_moved(incident, fact, event),
        E::UpdateProposed(event) => Ok(outward::update_proposed(incident, fact, event)),
        E::UpdateAnswered(event) => outward::update_answered(incident, fact, event),
        E::UpdatePublished(event) => outward::update_published(incident, fact, event),
        E::TicketLinked(event) => Ok(outward::ticket_linked(incident, fact, event)),
        E::TicketChanged(event) => Ok(outward::ticket_changed(incident, fact, event)),
        E::PageSent(event) => outward::page_sent(incident, fact, event),
        E::PageAnswered(event) => outward::page_answered(incident, fact, event),
        E::RunProposed(event) => Ok(runs::proposed(incident, fact, event)),
        E::RunAnswered(event) => runs::answered(incident, fact, event),
        E::RunReleased(event) => runs::released(incident, fact, event),
        E::RunStopped(event) => runs::stopped(incident, fact, event),
        E::RunSeen(event) => runs::seen(incident, fact, event),
        E::RunVerified(event) => runs::verified(incident, fact, event),
        E::SectionWritten(event) => Ok(review::section(incident, fact, event)),
        E::CauseFound(event) => review::cause(incident, fact, event),
        E::CauseWithdrawn(event) => review::cause_withdrawn(incident, fact, event),
        E::TypesSet(event) => Ok(review::types(incident, fact, event)),
        E::FollowUpGiven(event) => Ok(review::follow_up(incident, fact, event)),
        E::FollowUpMoved(event) => review::follow_up_moved(incident, fact, event),
        E::ReviewFinished(event) => Ok(review::finished(incident, fact, event)),
        E::EntryMade(_) | E::EntryWithdrawn(_) | E::EntryPinned(_) | E::MachineSaw(_) => {
            Ok(String::new())
        }
    }
}

fn declared(incident: &Incident, fact: &Fact<'_>, event: &Declared) -> Said {
    if fact.record.id != incident.declared {
        return Err(format!("refused: {} declared {} again", fact.by, incident.id));
    }
    let (by, title) = (&fact.by, quoted(&event.title));
    Ok(format!("{by} declared {} {title}{}", event.severity, because(&event.reason)))
}

fn described(incident: &mut Incident, fact: &Fact<'_>, event: &Described) -> String {
    let mut said = Vec::new();
    if let Some(title) = &event.title {
        incident.title = title.clone();
        said.push(format!("title {}", quoted(title)));
    }
    if let Some(services) = &event.services {
        incident.services = services.clone();
        said.push(format!("services {}", list(services, "none")));
    }
    if let Some(impact) = &event.impact {
        incident.impact = impact.clone();
        said.push(format!("impact {}", quoted(&impact.sentence)));
        if !impact.scope.is_empty() {
            said.push(format!("scope {}", quoted(&impact.scope)));
        }
    }
    if let Some(onset) = event.onset {
        incident.onset = Some(onset);
        said.push(format!("began {}", clock(onset, fact.record.at)));
    }
    format!("{} described it: {}", fact.by, list(&said, "nothing new"))
}

fn severity(incident: &mut Incident, event: &SeverityChanged) -> String {
    let before = std::mem::replace(&mut incident.severity, event.severity);
    incident.severity_reason = event.reason.clone();
    incident.worst = incident.worst.min(event.severity);
    if before == event.severity {
        return format!("severity stays {before}{}", because(&event.reason));
    }
    format!("severity {before} -> {}{}", event.severity, because(&event.reason))
}

fn status(incident: &mut Incident, fact: &Fact<'_>, event: &StatusChanged) -> String {
    let before = std::mem::replace(&mut incident.status, event.status);
    let note = because(&event.note);
    if before == event.status {
        return format!("status stays {before}{note}");
    }
    incident.status_since = fact.record.at;
    if event.status.is_live() {
        incident.resolved_at = None;
    } else if before.is_live() {
        incident.resolved_at = Some(fact.record.at);
    }
    let again = if !before.is_live() && event.status.is_live() { "reopened, " } else { "" };
    format!("{again}status {before} -> {}{note}", event.status)
}

/// Command has one chain of records: each names the one it follows, and only the first that does and holds
/// counts. So there is one commander at every moment, whatever was written where.
fn command(incident: &mut Incident, fact: &Fact<'_>, event: &CommandTaken) -> Said {
    let by = &fact.by;
    if !incident.command_follows(event.after) {
        let holder = incident.command.as_ref().map_or("somebody else", |c| c.commander.name());
        return Err(format!("lost: {holder} had taken command a moment before"));
    }
    let who = if event.commander == fact.record.actor { by } else { &event.commander };
    let before = incident.command.as_ref().map(|command| command.commander.clone());
    let text = match (&before, event.handover) {
        (None, None) if who == by => format!("{by} took command"),
        (None, None) => format!("{by} put {who} in command"),
        (Some(before), Some(id)) => {
            let accepted = incident.handover.as_ref().is_some_and(|handover| {
                handover.record == id && handover.to == *who && handover.is_accepted()
            });
            if !accepted || who != by {
                pass_through(incident, event, fact.record);
                return Err(format!(
                    "refused: {by} took command by a hand-over that was not accepted whole"
                ));
            }
            incident.handed_over.push(fact.record.at);
            format!("{by} took command from {before}, who handed it over")
        }
        (Some(_), None) if event.reason.trim().is_empty() => {
            pass_through(incident, event, fact.record);
            return Err(format!("refused: {by} took command without a hand-over or a reason"));
        }
        (Some(before), None) if who == by => {
            format!("{by} took command from {before} without a hand-over{}", because(&event.reason))
        }
        (Some(before), None) => {
            format!("{by} put {who} in command instead of {before}{}", because(&event.reason))
        }
        (None, Some(_)) => {
            pass_through(incident, event, fact.record);
            return Err(format!("refused: {by} took command by a hand-over, and nobody commanded"));
        }
    };
    incident.command = Some(Command {
        commander: who.clone(),
        key: fact.record.key,
        since: fact.record.at,
        record: fact.record.id,
    });
    incident.command_place = Some(fact.record.id);
    // Whoever offered command no longer has it.
    incident.handover = None;
    Ok(text)
}

/// A change of command that does not hold has taken the place in the store all the same; what follows it
/// follows the one before.
fn pass_through(incident: &mut Incident, event: &CommandTaken, record: &Recorded) {
    if incident.command_follows(event.after) {
        incident.command_place = Some(record.id);
    }
}

fn role_given(incident: &mut Incident, fact: &Fact<'_>, event: &RoleGiven) -> Said {
    let (by, role, to) = (&fact.by, event.role, &event.to);
    if role == Role::Commander {
        return Err(format!(
            "refused: {by} made {to} commander; command is taken or handed over, not given"
        ));
    }
    let holders = incident.roles.entry(role).or_default();
    let until = event.until;
    let till = until.map_or(String::new(), |u| format!(" until {}", clock(u, fact.record.at)));
    if let Some(holder) = holders.iter_mut().find(|holder| holder.who == *to) {
        holder.until = until;
        return Ok(format!("{to} stays {role}{till}"));
    }
    holders.push(Holder { who: to.clone(), since: fact.record.at, until });
    Ok(if to == by {
        format!("{by} is {role}{till}")
    } else {
        format!("{by} made {to} {role}{till}")
    })
}

fn offered(incident: &mut Incident, fact: &Fact<'_>, event: &HandoverOffered) -> Said {
    let (by, to) = (&fact.by, &event.to);
    let Some(command) = &incident.command else {
        return Err(format!("refused: {by} offered command, and nobody commands"));
    };
    if command.commander == *to {
        return Err(format!("refused: {by} offered command to {to}, who has it"));
    }
    if fact.duties.keys.is_some() && command.commander != *by {
        return Err(format!("refused: {by} offered command that {} has", command.commander));
    }
    let section = |(title, text): &(_, _)| BriefSection {
        title: crate::domain::SafeText::clone(title),
        text: crate::domain::SafeText::clone(text),
        answer: None,
    };
    incident.handover = Some(Handover {
        record: fact.record.id,
        from: by.clone(),
        to: to.clone(),
        at: fact.record.at,
        sections: event.brief.iter().map(section).collect(),
    });
    Ok(format!("{by} offered command to {to}"))
}

fn answered(incident: &mut Incident, fact: &Fact<'_>, event: &HandoverAnswered) -> Said {
    let by = &fact.by;
    let Some(handover) = incident.handover.as_mut().filter(|h| h.record == event.handover) else {
        return Err(format!("refused: {by} answered a hand-over that no longer stands"));
    };
    if handover.to != *by {
        return Err(format!(
            "refused: {by} answered a hand-over that {} is asked about",
            handover.to
        ));
    }
    let Some(section) = handover.sections.get_mut(usize::from(event.section)) else {
        return Err(format!("refused: {by} answered a section that the brief does not have"));
    };
    let title = quoted(&section.title);
    section.answer = Some(if event.accepted { Ok(()) } else { Err(event.note.clone()) });
    Ok(if event.accepted {
        format!("{by} understood {title} of the brief")
    } else {
        format!("{by} asks about {title} of the brief{}", because(&event.note))
    })
}

fn withdrawn(incident: &mut Incident, fact: &Fact<'_>, event: &HandoverWithdrawn) -> Said {
    let by = &fact.by;
    let Some(handover) = incident.handover.as_ref().filter(|h| h.record == event.handover) else {
        return Err(format!("refused: {by} withdrew a hand-over that no longer stands"));
    };
    let commands = incident.command.as_ref().is_some_and(|command| command.commander == *by);
    let declined = handover.to == *by;
    if fact.duties.keys.is_some() && !commands && !declined {
        return Err(format!("refused: {by} withdrew the hand-over of {}", handover.from));
    }
    let verb = if declined { "declined" } else { "took back the offer of" };
    let text = format!("{by} {verb} command{}", because(&event.reason));
    incident.handover = None;
    Ok(text)
}

impl Incident {
    /// Whether a change of command that follows `after` follows the last one that counts.
    fn command_follows(&self, after: Option<crate::eventlog::RecordId>) -> bool {
        after == self.command.as_ref().map(|command| command.record) || after == self.command_place
    }
}

impl Handover {
    /// Whether the next commander has understood every section.
    pub fn is_accepted(&self) -> bool {
        self.sections.iter().all(|section| section.answer == Some(Ok(())))
    }
}
