//! The text of a fact that people search for: what was written, and what it is about.

use crate::domain::{Ask, Check, Operation, Order, Outcome, TicketAct};

use super::{
    DecisionStep, FollowUpStep, IncidentEvent as E, LogEvent, Recorded, Subject, TaskStep,
};

/// The words of a record, separated by line breaks; empty when its kind is not known here.
pub(super) fn of(record: &Recorded) -> String {
    let Some(event) = &record.event else { return String::new() };
    let mut words = Words(record.actor.name().to_owned());
    words.event(event);
    words.0
}

struct Words(String);

impl Words {
    fn add(&mut self, text: &str) {
        if !text.is_empty() {
            self.0.push('\n');
            self.0.push_str(text);
        }
    }

    fn all<'t>(&mut self, texts: impl IntoIterator<Item = &'t str>) {
        texts.into_iter().for_each(|text| self.add(text));
    }

    fn event(&mut self, event: &LogEvent) {
        match event {
            LogEvent::AlertsAcknowledged { title, note, .. } => self.all([&**title, &**note]),
            LogEvent::AcknowledgementWithdrawn { note, .. } => self.add(note),
            LogEvent::Noted { about, text } => {
                match about {
                    Subject::General => {}
                    Subject::Alerts { title, .. } => self.add(title),
                    Subject::Named(name) => self.add(name),
                }
                self.add(text);
            }
            LogEvent::OperationRequested { operation } => self.operation(operation),
            LogEvent::OperationEnded { outcome, .. } => match outcome {
                Outcome::Done { .. } => {}
                Outcome::Refused { why }
                | Outcome::Unknown { why }
                | Outcome::Later { why, .. } => self.add(why),
                Outcome::Failed { why, url } => self.all([&**why, &**url]),
                Outcome::Received { receipt, url } => self.all([&**receipt, &**url]),
            },
            LogEvent::OperationAttempted { by, .. } => self.add(by),
            LogEvent::Incident { incident, event } => {
                self.add(incident.as_str());
                self.incident(event);
            }
        }
    }

    fn operation(&mut self, operation: &Operation) {
        match operation {
            Operation::Silence { draft, .. } => {
                self.add(&draft.comment);
                self.all(draft.matchers.iter().map(|m| m.value.as_str()));
            }
            Operation::Expire { id, .. } => self.add(id.as_str()),
            Operation::Send(message) => {
                self.all([message.channel.as_str(), &*message.subject, &*message.body]);
            }
            Operation::Ticket { tracker, act, .. } => {
                self.add(tracker.as_str());
                match act {
                    TicketAct::Open { title, body, .. } => self.all([&**title, &**body]),
                    TicketAct::Comment { ticket, body } => self.all([&*ticket.key, &**body]),
                    TicketAct::Transition { ticket, note, .. } => {
                        self.all([&*ticket.key, &**note]);
                    }
                    TicketAct::FollowUp { title, body, .. } => self.all([&**title, &**body]),
                }
            }
            Operation::Run { order, .. } => self.order(order),
        }
    }

    fn order(&mut self, order: &Order) {
        self.all([&*order.title, order.pipeline.as_str()]);
        match &order.ask {
            Ask::Job { job, reference, params } => {
                self.all([&**job, &**reference]);
                params.iter().for_each(|(name, value)| self.all([&**name, &**value]));
            }
            Ask::Command { argv } => self.all(argv.iter().map(|word| &**word)),
            Ask::Weight { backend, server, weight } => {
                self.all([&**backend, &**server, &**weight]);
            }
            Ask::Server { backend, server, .. } => self.all([&**backend, &**server]),
            Ask::Flag { flag, environment, .. } => self.all([&**flag, &**environment]),
            Ask::Rollout { namespace, name, .. } => self.all([&**namespace, &**name]),
        }
    }

    fn incident(&mut self, event: &E) {
        match event {
            E::Declared(e) => {
                self.all([&*e.title, &*e.reason, &*e.impact.sentence, &*e.impact.scope]);
                self.all(e.services.iter().map(|id| id.as_str()));
            }
            E::Described(e) => {
                self.all(e.title.iter().map(|title| &**title));
                self.all(e.impact.iter().flat_map(|i| [&*i.sentence, &*i.scope]));
                self.all(e.services.iter().flatten().map(|id| id.as_str()));
            }
            E::SeverityChanged(e) => self.all([&*e.severity.to_string(), &*e.reason]),
            E::StatusChanged(e) => self.all([e.status.name(), &*e.note]),
            E::Merged(e) => self.add(e.into.as_str()),
            E::Linked(e) => self.all([&*e.title, &*e.target]),
            E::CommandTaken(e) => self.all([e.commander.name(), &*e.reason]),
            E::RoleGiven(e) => self.all([e.role.name(), e.to.name()]),
            E::RoleLeft(e) => self.all([e.role.name(), e.who.name()]),
            E::HandoverOffered(e) => {
                self.add(e.to.name());
                e.brief.iter().for_each(|(title, text)| self.all([&**title, &**text]));
            }
            E::HandoverAnswered(e) => self.add(&e.note),
            E::HandoverWithdrawn(e) => self.add(&e.reason),
            E::EntryMade(e) => {
                self.add(&e.text);
                self.all(e.spoken_by.iter().map(|who| who.name()));
                self.all(e.evidence.iter().map(|proof| &*proof.query));
            }
            E::EntryWithdrawn(e) => self.add(&e.reason),
            E::EntryPinned(_) | E::UpdatePublished(_) => {}
            E::MachineSaw(e) => self.all([&*e.source, &*e.text]),
            E::TaskGiven(e) => self.all([&*e.text, e.owner.name()]),
            E::TaskMoved(e) => {
                if let TaskStep::Given(who) = &e.step {
                    self.add(who.name());
                }
                self.add(&e.note);
            }
            E::WorkstreamOpened(e) => self.all([&*e.name, e.lead.name()]),
            E::WorkstreamMoved(e) => match &e.step {
                super::WorkstreamStep::Led(who) => self.add(who.name()),
                super::WorkstreamStep::Blocked(why) => self.add(why),
                super::WorkstreamStep::Under(_) | super::WorkstreamStep::Closed => {}
            },
            E::CanReported(e) => self.all([&*e.conditions, &*e.actions, &*e.needs]),
            E::DecisionProposed(e) => {
                self.all([&*e.proposal, e.owner.name(), &*e.expected]);
                self.all(e.options.iter().map(|option| &**option));
            }
            E::DecisionMoved(e) => {
                if matches!(e.step, DecisionStep::Objected) {
                    self.add("objected");
                }
                self.add(&e.note);
            }
            E::UpdateProposed(e) => self.all([&*e.subject, &*e.body]),
            E::UpdateAnswered(e) => self.add(&e.note),
            E::TicketLinked(e) => self.all([&*e.ticket.key, &*e.url]),
            E::TicketChanged(e) => {
                self.all([&*e.seen.ticket.key, &*e.seen.state]);
                e.seen.comments.iter().for_each(|(who, text)| self.all([&**who, &**text]));
            }
            E::PageSent(e) => self.all([e.whom.name(), &*e.text]),
            E::PageAnswered(e) => self.add(&e.note),
            E::RunProposed(e) => {
                self.all([e.procedure.as_str(), &*e.title, e.service.as_str(), &*e.reason]);
                e.orders.iter().for_each(|order| self.order(order));
                e.card.iter().for_each(|(title, text)| self.all([&**title, &**text]));
            }
            E::RunAnswered(e) => self.add(&e.note),
            E::RunReleased(_) => self.add("released"),
            E::RunStopped(e) => self.add(&e.reason),
            E::RunSeen(e) => {
                self.all([&*e.receipt, &*e.url]);
                self.all(e.lines.iter().map(|line| &**line));
            }
            E::RunVerified(e) => {
                self.add(e.verdict.name());
                e.figures.iter().for_each(|(title, text)| self.all([&**title, &**text]));
            }
            E::SectionWritten(e) => self.all([e.section.title(), &*e.text]),
            E::CauseFound(e) => self.add(&e.text),
            E::CauseWithdrawn(e) => self.add(&e.reason),
            E::TypesSet(e) => self.all(e.types.iter().map(|one| one.name())),
            E::FollowUpGiven(e) => {
                self.all([&*e.text, e.owner.name()]);
                match &e.check {
                    Some(Check::Query { expr }) => self.add(expr),
                    Some(Check::Word { what }) => self.add(what),
                    None => {}
                }
            }
            E::FollowUpMoved(e) => {
                match &e.step {
                    FollowUpStep::Given(who) => self.add(who.name()),
                    FollowUpStep::Tracked(ticket) => self.add(&ticket.key),
                    FollowUpStep::Checked(_, seen) => self.add(seen),
                    _ => {}
                }
                self.add(&e.note);
            }
            E::ReviewFinished(e) => self.add(&e.note),
        }
    }
}
