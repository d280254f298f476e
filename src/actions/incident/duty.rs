//! Who does what: command, its hand-over, the other roles.

use crate::domain::{Actor, Role, SafeText, Span, Timestamp};
use crate::eventlog::{
    CommandTaken, HandoverAnswered, HandoverOffered, HandoverWithdrawn, LogEvent, Power, RecordId,
    RoleGiven, RoleLeft,
};
use crate::model::incidents::{Command, Handover, Incident};

use super::texts::{self, WORDS};
use super::{Desk, Doing, Facts, Refusal, Rule};

/// A turn lasts at most so long.
const LONGEST_TURN: Span = Span::from_days(14);

pub(super) fn rule(desk: Desk<'_>, what: &Doing) -> Result<Facts, Refusal> {
    match what {
        Doing::TakeCommand { after, reason } => take(desk, *after, reason),
        Doing::GiveRole { role, to, until } => give(desk, *role, to, *until),
        Doing::LeaveRole { role, who } => leave(desk, *role, who),
        Doing::OfferHandover { to } => offer(desk, to),
        Doing::AnswerHandover { section, answer } => reply(desk, *section, answer),
        Doing::WithdrawHandover(reason) => withdraw(desk, reason),
        _ => Ok(Facts::default()),
    }
}

fn refuse<T>(rule: Rule, sentence: String) -> Result<T, Refusal> {
    Err(Refusal::new(rule, sentence))
}

fn take(desk: Desk<'_>, after: Option<RecordId>, reason: &str) -> Result<Facts, Refusal> {
    let incident = desk.live("nobody can take command of it")?;
    desk.proven("take command")?;
    let command = incident.command.as_ref();
    let reason = texts::any_text(reason, "reason", WORDS)?;
    if let Some(command) = command {
        let since = desk.clock(command.since);
        if command.commander == desk.by.actor {
            return refuse(
                Rule::Same,
                format!("You have had command of {} since {since}.", desk.id),
            );
        }
        if after != Some(command.record) {
            return refuse(
                Rule::Stale,
                format!(
                    "{} took command of {} at {since}. Look at what has changed before you take it from \
                     them.",
                    command.commander, desk.id
                ),
            );
        }
        if reason.trim().is_empty() {
            return refuse(
                Rule::Empty,
                format!(
                    "{} has had command of {} since {since}. Say why you take it without a hand-over, or \
                     ask them to hand over.",
                    command.commander, desk.id
                ),
            );
        }
    } else if after.is_some() {
        return refuse(
            Rule::Stale,
            format!("Nobody commands {} as far as is known here. Look again and repeat.", desk.id),
        );
    }
    let (after, commander) = (incident.command_place, desk.by.actor.clone());
    desk.one(CommandTaken { after, commander, handover: None, reason })
}

fn give(
    desk: Desk<'_>,
    role: Role,
    to: &Actor,
    until: Option<Timestamp>,
) -> Result<Facts, Refusal> {
    let incident = desk.live("no roles are given in it")?;
    if role == Role::Commander {
        return refuse(
            Rule::NotYours,
            "Command is handed over or taken, so that there is always exactly one commander. Use \
             `handoff` or `take`."
                .to_owned(),
        );
    }
    let to = texts::person(to, "name")?;
    if let Some(until) = until {
        desk.ahead(until, "time of relief", LONGEST_TURN)?;
    }
    let mut holders = incident.roles.get(&role).into_iter().flatten();
    if let Some(holder) = holders.find(|holder| holder.who == to && holder.until == until) {
        return refuse(
            Rule::Same,
            format!("{to} has been {role} of {} since {}.", desk.id, desk.clock(holder.since)),
        );
    }
    desk.one(RoleGiven { role, to, until })
}

fn leave(desk: Desk<'_>, role: Role, who: &Actor) -> Result<Facts, Refusal> {
    let incident = desk.unmerged()?;
    if role == Role::Commander {
        return refuse(
            Rule::NotYours,
            format!(
                "Command of {} cannot be left, or nobody would have it. Hand it over with `handoff`.",
                desk.id
            ),
        );
    }
    let mut holders = incident.roles.get(&role).into_iter().flatten();
    if !holders.any(|holder| holder.who == *who) {
        return refuse(Rule::Same, format!("{who} is not {role} of {}.", desk.id));
    }
    desk.one(RoleLeft { role, who: who.clone() })
}

/// The one who commands, if it is who asks.
fn own_command<'a>(desk: Desk<'_>, incident: &'a Incident) -> Result<&'a Command, Refusal> {
    match &incident.command {
        Some(command) if command.commander == desk.by.actor => Ok(command),
        Some(command) => refuse(
            Rule::NotYours,
            format!(
                "{} commands {}; only they can hand it over. Take command with a reason if they cannot.",
                command.commander, desk.id
            ),
        ),
        None => refuse(
            Rule::NotYours,
            format!("Nobody commands {}, so there is nothing to hand over. Take command.", desk.id),
        ),
    }
}

fn offer(desk: Desk<'_>, to: &Actor) -> Result<Facts, Refusal> {
    let incident = desk.live("there is nothing to hand over")?;
    desk.proven("hand over command")?;
    own_command(desk, incident)?;
    let to = texts::person(to, "name of the next commander")?;
    if to == desk.by.actor {
        return refuse(Rule::Same, "You command already. Hand over to somebody else.".to_owned());
    }
    desk.can(&to, Power::Command)?;
    if let Some(standing) = &incident.handover {
        return refuse(
            Rule::Same,
            format!(
                "Command of {} has been offered to {} since {}. Withdraw that offer before you make \
                 another.",
                desk.id,
                desk.whom(&standing.to),
                desk.clock(standing.at)
            ),
        );
    }
    let brief = crate::model::incidents::brief(desk.model, incident, desk.now);
    desk.one(HandoverOffered { to, brief })
}

fn reply(desk: Desk<'_>, section: u16, answer: &Result<(), String>) -> Result<Facts, Refusal> {
    let incident = desk.live("its command is not handed over any more")?;
    desk.proven("accept command")?;
    let handover = standing(desk, incident)?;
    if handover.to != desk.by.actor {
        return refuse(
            Rule::NotYours,
            format!(
                "Command of {} is offered to {}; only they can answer the brief.",
                desk.id, handover.to
            ),
        );
    }
    let command = incident.command.as_ref();
    if let Some(command) = command.filter(|command| command.commander != handover.from) {
        return refuse(
            Rule::Stale,
            format!(
                "{} took command of {} at {}, so {}'s offer no longer holds. Withdraw it and talk to {}.",
                command.commander,
                desk.id,
                desk.clock(command.since),
                handover.from,
                command.commander
            ),
        );
    }
    let (at, count) = (usize::from(section), handover.sections.len());
    let Some(asked) = handover.sections.get(at) else {
        return refuse(
            Rule::NoSuch,
            format!("The brief has {count} sections, numbered from 1; there is no {}.", at + 1),
        );
    };
    let open = handover.sections.iter().filter(|one| one.answer != Some(Ok(()))).count();
    let known = asked.answer == Some(Ok(()));
    if known && answer.is_ok() && open > 0 {
        return refuse(
            Rule::Same,
            format!("You have accepted “{}” already; {open} of {count} are open.", asked.title),
        );
    }
    let note = match answer {
        Ok(()) => SafeText::default(),
        Err(question) => texts::text(question, "question", WORDS)?,
    };
    let mut made = Vec::new();
    // Where all are accepted and command has not changed hands, an earlier last answer lost a race.
    if !(known && answer.is_ok()) {
        let handover = handover.record;
        let accepted = answer.is_ok();
        made.push(desk.fact(HandoverAnswered { handover, section, accepted, note }));
    }
    if answer.is_ok() && open <= usize::from(!known) {
        made.push(accepted(desk, handover, incident.command_place));
    }
    Ok(Facts { made, ..Facts::default() })
}

fn accepted(desk: Desk<'_>, handover: &Handover, after: Option<RecordId>) -> LogEvent {
    desk.fact(CommandTaken {
        after,
        commander: desk.by.actor.clone(),
        handover: Some(handover.record),
        reason: SafeText::default(),
    })
}

fn standing<'a>(desk: Desk<'_>, incident: &'a Incident) -> Result<&'a Handover, Refusal> {
    incident.handover.as_ref().ok_or_else(|| {
        Refusal::new(
            Rule::NoSuch,
            format!("No hand-over of {} is offered. It may have been withdrawn.", desk.id),
        )
    })
}

fn withdraw(desk: Desk<'_>, reason: &str) -> Result<Facts, Refusal> {
    let incident = desk.unmerged()?;
    let handover = standing(desk, incident)?;
    let me = &desk.by.actor;
    let commander = incident.command.as_ref().map(|command| &command.commander);
    if *me != handover.from && *me != handover.to && Some(me) != commander {
        return refuse(
            Rule::NotYours,
            format!(
                "{} offered command of {} to {}; only they can take that back.",
                handover.from, desk.id, handover.to
            ),
        );
    }
    let reason = texts::any_text(reason, "reason", WORDS)?;
    desk.one(HandoverWithdrawn { handover: handover.record, reason })
}
