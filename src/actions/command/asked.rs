//! What can be asked for in an incident, in the words of the command line and of the subcommands.
//!
//! ```text
//! declare SEV-2 checkout: cards declined      task bob 10m roll back v812      task done 3f2a rolled back
//! severity 1 nobody can pay                   role scribe carol                handoff carol
//! status identified the deploy of 14:02       note 14:05 kind=action restarted the cache
//! ```
//!
//! Reading a line needs no incident. [`Asked::doing`] then makes a [`Doing`] of it, with what is pointed
//! at looked up; where something is missing, a form asks for it with the rest filled in.

use crate::actions::incident::pick;
use crate::actions::{Doing, Refusal, Rule};
use crate::domain::{
    Actor, Audience, IncidentId, Role, SafeText, Severity, Span, Status, TeamId, TicketAct,
    TicketRef, Timestamp, TrackerId,
};
use crate::eventlog::{DecisionStep, RecordId, TaskStep, WorkstreamStep};
use crate::model::Model;
use crate::model::incidents::Incident;

use super::CommandError;
use super::verbs::entry;

/// What was asked for. Texts are as typed; what may be missing is an option or empty.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// Begin an incident.
    Declare {
        /// How bad; else as proposed.
        severity: Option<Severity>,
        /// One line.
        title: String,
    },
    /// Worse or less bad.
    Severity(Option<Severity>, String),
    /// Further, or back again.
    Status(Option<Status>, String),
    /// The same as another incident.
    Merge(String),
    /// Something belongs to it.
    Link {
        /// What.
        title: String,
        /// Where.
        target: String,
    },
    /// Take command.
    TakeCommand(String),
    /// Give a role.
    GiveRole {
        /// Which.
        role: Option<Role>,
        /// Who.
        to: Option<Actor>,
        /// How long.
        turn: Option<Span>,
    },
    /// Leave a role.
    LeaveRole {
        /// Which.
        role: Role,
        /// Who; else whoever asks.
        who: Option<Actor>,
    },
    /// Offer command.
    Handoff(Option<Actor>),
    /// Answer a section of the brief.
    AnswerHandoff {
        /// Which, from 0; `None` accepts the first that is open.
        section: Option<u16>,
        /// Understood, or a question.
        answer: Result<(), String>,
    },
    /// Take the offer of command back, or decline it.
    WithdrawHandoff(String),
    /// Write on the timeline.
    Note(String),
    /// An entry no longer holds.
    WithdrawEntry {
        /// Which.
        entry: String,
        /// Why.
        reason: String,
    },
    /// Pin or unpin an entry; empty is the selected one.
    Pin {
        /// Which.
        entry: String,
        /// On or off.
        pinned: bool,
    },
    /// Pin what the selected chart shows.
    Evidence,
    /// Ask somebody to do something.
    Task {
        /// Who.
        owner: Option<Actor>,
        /// How long it may take.
        within: Option<Span>,
        /// What.
        text: String,
    },
    /// Move a task on.
    MoveTask {
        /// Which.
        task: String,
        /// How.
        step: TaskWord,
        /// A result, a reason, or nothing.
        note: String,
    },
    /// Open a workstream.
    Workstream {
        /// Who leads it.
        lead: Option<Actor>,
        /// What it is called.
        name: String,
    },
    /// Change a workstream.
    MoveWorkstream {
        /// Which.
        workstream: String,
        /// How.
        step: StreamWord,
    },
    /// Put workstreams under leads of their own.
    Split,
    /// A CAN report.
    Report {
        /// Which workstream.
        workstream: String,
        /// Conditions, actions, needs.
        said: [String; 3],
    },
    /// Propose a decision.
    Propose {
        /// What is proposed.
        proposal: String,
        /// What else could be done.
        options: Vec<String>,
    },
    /// Move a decision on.
    Decide {
        /// Which.
        decision: String,
        /// How.
        step: DecisionStep,
        /// Words.
        note: String,
    },
    /// Write an update.
    Update {
        /// For whom.
        audience: Option<Audience>,
        /// One line.
        subject: String,
    },
    /// Approve or refuse an update.
    AnswerUpdate {
        /// Which.
        update: String,
        /// May go out.
        approved: bool,
        /// What is wrong with it.
        note: String,
    },
    /// Publish an update.
    Publish(String),
    /// Open a ticket.
    OpenTicket(Option<TrackerId>),
    /// Take on a ticket that exists.
    LinkTicket {
        /// Which; `tracker/key`.
        ticket: TicketRef,
        /// Where to look at it.
        url: String,
    },
    /// Comment on the tickets.
    Comment(String),
    /// Call somebody.
    Page {
        /// A team, or a person.
        whom: String,
        /// What for.
        text: String,
    },
    /// Answer a page.
    AnswerPage {
        /// Which; empty is the only open one.
        page: String,
        /// Coming.
        coming: bool,
        /// Words.
        note: String,
    },
    /// Show only what a filter lets through.
    Timeline(String),
}

/// How a task is moved on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskWord {
    /// Heard.
    Acknowledge,
    /// Somebody else does it.
    Give(Actor),
    /// It may take longer, from now.
    Extend(Span),
    /// Done.
    Done,
    /// No longer needed.
    Drop,
}

/// How a workstream changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamWord {
    /// Somebody else leads it.
    Lead(Actor),
    /// What stops it; empty is nothing any more.
    Block(String),
    /// It is a part of another one; empty is of none.
    Under(String),
    /// Ended.
    Close,
}

/// Where a line is understood.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// What is known.
    pub model: &'a Model,
    /// Which incident is meant.
    pub incident: &'a IncidentId,
    /// Who asks.
    pub me: &'a Actor,
    /// Now.
    pub now: Timestamp,
    /// How far the clock that is shown is ahead of UTC.
    pub offset_minutes: i32,
}

/// Why no [`Doing`] came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Lack {
    /// Something is missing; a form can ask for it. Says what, for where there is no form.
    More(&'static str),
    /// It needs no decision of an incident: declaring, the timeline's filter, what a chart shows.
    Elsewhere,
    /// What was pointed at is not there, or not one thing.
    Wrong(Refusal),
}

impl From<Refusal> for Lack {
    fn from(refusal: Refusal) -> Self {
        Self::Wrong(refusal)
    }
}

impl Asked {
    /// What it means in an incident.
    pub fn doing(&self, known: Known<'_>) -> Result<Doing, Lack> {
        let incident = known.model.incidents.incidents.get(known.incident);
        let Some(incident) = incident else { return Err(Lack::Elsewhere) };
        match self {
            Self::Declare { .. } | Self::Timeline(_) | Self::Evidence => Err(Lack::Elsewhere),
            Self::Severity(severity, reason) => {
                let severity = severity.ok_or(Lack::More("a severity, such as SEV-2"))?;
                let reason = needed(reason, "a reason")?;
                Ok(Doing::Severity(severity, reason))
            }
            Self::Status(status, note) => {
                let status = status.ok_or(Lack::More("a status, such as identified"))?;
                Ok(Doing::Status(status, note.clone()))
            }
            Self::Merge(into) => {
                let into = needed(into, "the incident it goes into")?;
                Ok(Doing::Merge(pick::incident(known.model, Some(&into))?))
            }
            Self::Link { title, target } => Ok(Doing::Link {
                title: needed(title, "a title")?,
                target: needed(target, "an address or an incident")?,
            }),
            Self::TakeCommand(reason) => Ok(Doing::TakeCommand {
                after: incident.command.as_ref().map(|command| command.record),
                reason: reason.clone(),
            }),
            Self::GiveRole { role, to, turn } => Ok(Doing::GiveRole {
                role: role.ok_or(Lack::More("a role, such as scribe"))?,
                to: to.clone().ok_or(Lack::More("a name"))?,
                until: turn.map(|turn| known.now.plus(turn)),
            }),
            Self::LeaveRole { role, who } => {
                let who = who.clone().unwrap_or_else(|| known.me.clone());
                Ok(Doing::LeaveRole { role: *role, who })
            }
            Self::Handoff(to) => {
                Ok(Doing::OfferHandover { to: to.clone().ok_or(Lack::More("a name"))? })
            }
            Self::AnswerHandoff { section, answer } => {
                let section = section.unwrap_or_else(|| first_open(incident));
                Ok(Doing::AnswerHandover { section, answer: answer.clone() })
            }
            Self::WithdrawHandoff(reason) => Ok(Doing::WithdrawHandover(reason.clone())),
            Self::Note(text) => {
                let entry = entry(text, known.now, known.offset_minutes);
                let entry = entry.map_err(|error| wrong(&error))?;
                Ok(Doing::Enter {
                    kind: entry.kind,
                    text: needed(&entry.text, "a text")?,
                    happened: entry.happened,
                    evidence: None,
                    about: None,
                })
            }
            Self::WithdrawEntry { entry, reason } => Ok(Doing::WithdrawEntry {
                entry: line(incident, entry)?,
                reason: needed(reason, "a reason")?,
            }),
            Self::Pin { entry, pinned } => {
                Ok(Doing::Pin { entry: line(incident, entry)?, pinned: *pinned })
            }
            _ => self.work(known, incident),
        }
    }

    /// Tasks, workstreams, decisions.
    fn work(&self, known: Known<'_>, incident: &Incident) -> Result<Doing, Lack> {
        match self {
            Self::Task { owner, within, text } => Ok(Doing::Task {
                owner: owner.clone().ok_or(Lack::More("an owner"))?,
                due: known.now.plus(within.ok_or(Lack::More("how long it may take, such as 10m"))?),
                text: needed(text, "what is to be done")?,
                workstream: None,
            }),
            Self::MoveTask { task, step, note } => {
                let tasks = incident.tasks.iter().filter(|(_, task)| task.ended.is_none());
                let tasks = tasks.map(|(id, task)| (*id, task.text.as_str()));
                let task = pick::record(tasks, task, "open task")?;
                let step = match step {
                    TaskWord::Acknowledge => TaskStep::Acknowledged,
                    TaskWord::Give(to) => TaskStep::Given(to.clone()),
                    TaskWord::Extend(span) => {
                        let due = incident.tasks.get(&task).map_or(known.now, |task| task.due);
                        TaskStep::Extended(due.max(known.now).plus(*span))
                    }
                    TaskWord::Done => TaskStep::Done,
                    TaskWord::Drop => TaskStep::Dropped,
                };
                Ok(Doing::MoveTask { task, step, note: note.clone() })
            }
            Self::Workstream { lead, name } => Ok(Doing::OpenWorkstream {
                lead: lead.clone().ok_or(Lack::More("who leads it"))?,
                name: needed(name, "a name for the workstream")?,
                team: None,
                parent: None,
            }),
            Self::MoveWorkstream { workstream, step } => {
                let workstream = stream(incident, workstream)?;
                let step = match step {
                    StreamWord::Lead(who) => WorkstreamStep::Led(who.clone()),
                    StreamWord::Block(what) => WorkstreamStep::Blocked(SafeText::body(what)),
                    StreamWord::Under(parent) if parent.is_empty() => WorkstreamStep::Under(None),
                    StreamWord::Under(parent) => {
                        WorkstreamStep::Under(Some(stream(incident, parent)?))
                    }
                    StreamWord::Close => WorkstreamStep::Closed,
                };
                Ok(Doing::MoveWorkstream { workstream, step })
            }
            Self::Split => Err(Lack::More("workstreams and who is to lead them")),
            Self::Report { workstream, said: [conditions, actions, needs] } => {
                if [conditions, actions, needs].iter().all(|said| said.is_empty()) {
                    return Err(Lack::More("conditions | actions | needs"));
                }
                Ok(Doing::Report {
                    workstream: stream(incident, workstream)?,
                    conditions: conditions.clone(),
                    actions: actions.clone(),
                    needs: needs.clone(),
                })
            }
            Self::Propose { proposal, options } => Ok(Doing::Propose {
                proposal: needed(proposal, "what is proposed")?,
                options: options.clone(),
                owner: known.me.clone(),
                expected: String::new(),
                review: None,
            }),
            Self::Decide { decision, step, note } => {
                let open = |outcome: bool| outcome == (*step == DecisionStep::Reviewed);
                let decisions = incident.decisions.iter();
                let decisions = decisions.filter(|(_, one)| open(one.outcome.is_some()));
                let decisions = decisions.map(|(id, one)| (*id, one.proposal.as_str()));
                let decision = pick::record(decisions, decision, "decision")?;
                Ok(Doing::Decide { decision, step: step.clone(), note: note.clone() })
            }
            _ => self.reach(known, incident),
        }
    }

    /// Updates, tickets, calls.
    fn reach(&self, known: Known<'_>, incident: &Incident) -> Result<Doing, Lack> {
        match self {
            Self::AnswerUpdate { update, approved, note } => Ok(Doing::AnswerUpdate {
                update: waiting(incident, update)?,
                approved: *approved,
                note: note.clone(),
            }),
            Self::Publish(update) => Ok(Doing::Publish(waiting(incident, update)?)),
            Self::LinkTicket { ticket, url } => {
                Ok(Doing::LinkTicket { ticket: ticket.clone(), url: url.clone() })
            }
            Self::Comment(text) => {
                let body = SafeText::body(&needed(text, "a text")?);
                let mut tickets = incident.tickets.keys();
                match (tickets.next(), tickets.next()) {
                    (Some(ticket), None) => Ok(Doing::Ticket {
                        tracker: ticket.tracker.clone(),
                        act: TicketAct::Comment { ticket: ticket.clone(), body },
                    }),
                    _ => Err(Lack::More("which ticket")),
                }
            }
            Self::Page { whom, text } => {
                let whom = needed(whom, "a team or a person")?;
                let text = needed(text, "what for")?;
                let is_team = known.model.playbook.teams.contains_key(whom.as_str());
                let (team, whom) = if is_team {
                    (Some(TeamId::new(&whom)), None)
                } else {
                    (None, Some(Actor::new(&whom)))
                };
                Ok(Doing::Page { team, whom, text })
            }
            Self::AnswerPage { page, coming, note } => {
                let open = incident.pages.iter().filter(|(_, page)| page.answer.is_none());
                let open: Vec<(RecordId, &str)> =
                    open.map(|(id, page)| (*id, page.whom.name())).collect();
                let page = match open.as_slice() {
                    [(only, _)] if page.is_empty() => *only,
                    _ => pick::record(open, page, "open call")?,
                };
                Ok(Doing::AnswerPage { page, coming: *coming, note: note.clone() })
            }
            Self::OpenTicket(tracker) => {
                let playbook = &known.model.playbook;
                let trackers = playbook.trackers.as_slice();
                let tracker = tracker.clone().or_else(|| playbook.tracker.clone());
                let tracker = tracker.or_else(|| match trackers {
                    [only] => Some(only.clone()),
                    _ => None,
                });
                Ok(Doing::Ticket {
                    tracker: tracker.ok_or(Lack::More("a tracker"))?,
                    act: TicketAct::Open {
                        title: incident.title.clone(),
                        body: SafeText::body(&format!(
                            "{} {}, declared by {}.\nSeverity: {}\nImpact: {}\nScope: {}",
                            incident.severity,
                            incident.id,
                            incident.declared_by,
                            incident.severity_reason,
                            incident.impact.sentence,
                            incident.impact.scope
                        )),
                        severity: incident.severity,
                    },
                })
            }
            _ => Err(Lack::More("its text")),
        }
    }
}

fn needed(text: &str, what: &'static str) -> Result<String, Lack> {
    let text = text.trim();
    if text.is_empty() { Err(Lack::More(what)) } else { Ok(text.to_owned()) }
}

fn wrong(error: &CommandError) -> Lack {
    Lack::Wrong(Refusal::new(Rule::Times, error))
}

fn first_open(incident: &Incident) -> u16 {
    let sections = incident.handover.iter().flat_map(|handover| &handover.sections);
    let open = sections.zip(0..).find(|(section, _)| section.answer != Some(Ok(())));
    open.map_or(0, |(_, at)| at)
}

fn line(incident: &Incident, word: &str) -> Result<RecordId, Lack> {
    let word = needed(word, "an entry, by the beginning of its id")?;
    let lines = incident.timeline.iter();
    Ok(pick::record(lines.map(|line| (line.record, line.text.as_str())), &word, "entry")?)
}

fn stream(incident: &Incident, word: &str) -> Result<RecordId, Lack> {
    let word = needed(word, "a workstream")?;
    let open = incident.workstreams.iter().filter(|(_, one)| one.closed.is_none());
    let open: Vec<(RecordId, &str)> = open.map(|(id, one)| (*id, one.name.as_str())).collect();
    // A name that is also the beginning of another one still means itself.
    if let Some((id, _)) = open.iter().find(|(_, name)| name.eq_ignore_ascii_case(&word)) {
        return Ok(*id);
    }
    Ok(pick::record(open, &word, "open workstream")?)
}

fn waiting(incident: &Incident, word: &str) -> Result<RecordId, Lack> {
    let waiting = incident.updates.iter().filter(|(_, one)| one.published.is_none());
    let waiting: Vec<(RecordId, &str)> =
        waiting.map(|(id, one)| (*id, one.subject.as_str())).collect();
    match waiting.as_slice() {
        [(only, _)] if word.is_empty() => Ok(*only),
        _ => Ok(pick::record(waiting, word, "update that waits")?),
    }
}
