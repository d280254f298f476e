//! Everything about one thing in an incident, as a text to read.

use crate::app::{Detail, Place, ReadingLine, State, presence};
use crate::domain::{Evidence, IncidentId, Moment, Outcome, Role, SafeText, Span, Timestamp};
use crate::eventlog::{KeyId, RecordId};
use crate::model::Standing;
use crate::model::incidents::{Decision, Incident, Line, Page, Task, Update, Workstream};

type Text = (SafeText, Vec<ReadingLine>);

/// Title and lines; `None` when it is no longer there.
pub(in crate::app) fn lines(state: &State, id: &IncidentId, detail: &Detail) -> Option<Text> {
    let incident = state.model.incidents.incidents.get(id)?;
    Some(match detail {
        Detail::Entry(id) => entry(state, incident.timeline.line(*id)?),
        Detail::Place(place) => held(state, incident, place),
        Detail::Task(id) => task(state, incident, *id, incident.tasks.get(id)?),
        Detail::Workstream(id) => workstream(state, incident, *id, incident.workstreams.get(id)?),
        Detail::Decision(id) => decision(*id, incident.decisions.get(id)?),
        Detail::Run(id) => super::run_detail::run(state, *id, incident.runs.get(id)?),
        Detail::Update(id) => update(state, *id, incident.updates.get(id)?),
        Detail::Page(id) => page(*id, incident.pages.get(id)?),
    })
}

pub(super) fn pair(name: &str, value: impl Into<SafeText>) -> ReadingLine {
    ReadingLine::Pair(name.into(), value.into())
}

pub(super) fn text(name: &str, value: &SafeText) -> ReadingLine {
    ReadingLine::Pair(name.into(), value.clone())
}

pub(super) fn at(moment: Timestamp) -> String {
    moment.utc().format("%Y-%m-%d %H:%M:%SZ").to_string()
}

pub(super) fn head(title: &str) -> ReadingLine {
    ReadingLine::Head(title.into())
}

/// The beginning of a record's id, enough to find it.
pub(super) fn short(id: RecordId) -> String {
    id.to_string().chars().take(16).collect()
}

fn entry(state: &State, line: &Line) -> Text {
    let mut lines = vec![ReadingLine::Text(line.text.clone()), ReadingLine::Blank];
    if let Some(withdrawn) = &line.withdrawn {
        let (who, why) = (&withdrawn.0, &withdrawn.1);
        lines.insert(0, ReadingLine::Warn(format!("Withdrawn by {who}: {why}").into()));
    }
    lines.push(pair("kind", line.kind.name()));
    lines.push(pair("by", line.by.name()));
    if let Some(who) = &line.spoken_by {
        let said = format!("{who}, written down by {}; this proves nothing about {who}", line.by);
        lines.push(pair("spoken by", said));
    }
    lines.push(pair("happened", happened(line.at)));
    if let Some(bound) = line.at.bound {
        lines.push(pair("clock read", at(line.at.raw)));
        lines.push(pair("", format!("corrected by {}, ± {bound} ms", off(line.at))));
    }
    let late = line.written.since(line.at.corrected);
    lines.push(pair("written", at(line.written)));
    if late >= BACKDATED {
        lines.push(pair("", format!("{late} later: it was backdated")));
    }
    if line.pinned {
        lines.push(pair("pinned", "on top of the timeline"));
    }
    lines.push(pair("record", short(line.record)));
    lines.push(key(state, line.key));
    if let Some(evidence) = &line.evidence {
        lines.extend(proof(evidence));
    }
    (SafeText::new(&format!("{} at {}", line.kind.name(), at(line.at.corrected))), lines)
}

/// Written so much later than it happened, an entry is marked as backdated.
pub(in crate::app) const BACKDATED: Span = Span::from_secs(60);

fn happened(moment: Moment) -> String {
    at(moment.corrected)
}

/// How far the clock was off.
fn off(moment: Moment) -> String {
    let span = moment.corrected.since(moment.raw);
    if span.millis() < 0 { span.to_string() } else { format!("+{span}") }
}

fn key(state: &State, key: KeyId) -> ReadingLine {
    let whose = match (state.model.duties.keys.is_some(), state.model.duties.person(key)) {
        (false, _) => String::new(),
        (true, Some(person)) => format!(", {person}'s by the policy"),
        (true, None) => ", which the policy does not know".to_owned(),
    };
    pair("signed with", format!("{key}{whose}"))
}

fn proof(evidence: &Evidence) -> Vec<ReadingLine> {
    let mut lines = vec![ReadingLine::Blank, head("Evidence, as it was then")];
    lines.push(ReadingLine::Code(evidence.query.clone()));
    lines.push(text("source", &evidence.source));
    lines.push(pair("from", at(evidence.from)));
    lines.push(pair("to", at(evidence.to)));
    let unit = &evidence.unit;
    for (when, value) in &evidence.values {
        lines.push(pair(&at(*when), format!("{value}{unit}")));
    }
    lines
}

fn held(state: &State, incident: &Incident, (role, who): &Place) -> Text {
    let mut lines = Vec::new();
    let Some(who) = who else {
        lines.push(ReadingLine::Warn("Nobody holds this role.".into()));
        return (SafeText::new(role.name()), lines);
    };
    lines.push(pair("who", who.name()));
    if let Some(command) = incident.command.as_ref().filter(|_| *role == Role::Commander) {
        lines.push(pair("since", at(command.since)));
        lines.push(key(state, command.key));
        let relief = command.since.plus(state.model.playbook.rotate_after);
        lines.push(pair("to be relieved", at(relief)));
    }
    let holders = incident.roles.get(role).into_iter().flatten();
    for holder in holders.filter(|holder| holder.who == *who) {
        lines.push(pair("since", at(holder.since)));
        if let Some(until) = holder.until {
            lines.push(pair("to be relieved", at(until)));
        }
    }
    lines.push(match presence::whereabouts(state, who) {
        Some(there) => pair("here", format!("looking at {}", there.screen)),
        None if *who == state.me => pair("here", "this is you"),
        None => pair("here", "no console of theirs is open on this log"),
    });
    if let Some(contact) = state.model.playbook.people.get(who.name()) {
        if !contact.phone.is_empty() {
            lines.push(text("phone", &contact.phone));
        }
        for (channel, address) in &contact.at {
            lines.push(text(channel.as_str(), address));
        }
    }
    (SafeText::new(&format!("{role}: {who}")), lines)
}

fn task(state: &State, incident: &Incident, id: RecordId, task: &Task) -> Text {
    let mut lines = vec![ReadingLine::Text(task.text.clone()), ReadingLine::Blank];
    lines.push(pair("owner", task.owner.name()));
    lines.push(pair("given", format!("{} by {}", at(task.given_at), task.given_by)));
    lines.push(pair("due", at(task.due)));
    match (&task.ended, task.acknowledged) {
        (Some((when, done, result)), _) => {
            let how = if *done { "done" } else { "dropped" };
            lines.push(pair(how, at(*when)));
            if !result.is_empty() {
                lines.push(text("result", result));
            }
        }
        (None, acknowledged) => {
            let late = state.now.since(task.due);
            if late.millis() > 0 {
                lines.push(ReadingLine::Warn(format!("Overdue by {}.", whole(late)).into()));
            }
            lines.push(match acknowledged {
                Some(when) => pair("heard", at(when)),
                None => ReadingLine::Warn("The owner has not said that they heard it.".into()),
            });
        }
    }
    if let Some(stream) = task.workstream.and_then(|id| incident.workstreams.get(&id)) {
        lines.push(text("workstream", &stream.name));
    }
    lines.push(pair("record", short(id)));
    ("Task".into(), lines)
}

/// Whole seconds.
fn whole(span: Span) -> Span {
    Span::from_secs(span.millis() / 1_000)
}

fn workstream(state: &State, incident: &Incident, id: RecordId, one: &Workstream) -> Text {
    let mut lines = vec![pair("lead", one.lead.name())];
    if let Some(team) = &one.team {
        lines.push(text("team", team.text()));
    }
    lines.push(pair("opened", at(one.opened_at)));
    if let Some(parent) = one.parent.and_then(|id| incident.workstreams.get(&id)) {
        lines.push(text("part of", &parent.name));
    }
    match one.closed {
        Some(closed) => lines.push(pair("closed", at(closed))),
        None => {
            let silent = whole(state.now.since(one.heard));
            lines.push(pair("last heard", format!("{}, {silent} ago", at(one.heard))));
        }
    }
    if let Some(blocker) = &one.blocker {
        lines.push(ReadingLine::Warn(format!("Blocked: {blocker}").into()));
    }
    if one.reports.is_empty() {
        lines.push(ReadingLine::Warn("It has not reported yet.".into()));
    }
    for report in one.reports.iter().rev() {
        lines.push(ReadingLine::Blank);
        lines.push(head(&format!("{} by {}", at(report.at), report.by)));
        lines.push(text("conditions", &report.conditions));
        lines.push(text("actions", &report.actions));
        lines.push(text("needs", &report.needs));
    }
    lines.push(ReadingLine::Blank);
    lines.push(pair("record", short(id)));
    (SafeText::new(&format!("Workstream {}", one.name)), lines)
}

fn decision(id: RecordId, one: &Decision) -> Text {
    let mut lines = vec![ReadingLine::Text(one.proposal.clone()), ReadingLine::Blank];
    for (at, option) in one.options.iter().enumerate() {
        lines.push(text(&format!("option {}", at + 1), option));
    }
    lines.push(pair("proposed", format!("{} by {}", at(one.at), one.by)));
    lines.push(pair("carried out by", one.owner.name()));
    if !one.expected.is_empty() {
        lines.push(text("expected", &one.expected));
    }
    for (who, why) in &one.objections {
        lines.push(ReadingLine::Warn(format!("{who} objects: {why}").into()));
    }
    match &one.outcome {
        None => lines.push(ReadingLine::Warn("Not decided yet.".into())),
        Some(outcome) => {
            let what = match outcome.taken {
                None => "rejected".to_owned(),
                Some(None) => "done as proposed".to_owned(),
                Some(Some(option)) => format!("option {}", u32::from(option) + 1),
            };
            let said = format!("{what}, {} by {}", at(outcome.at), outcome.by);
            lines.push(pair("decided", said));
            if !outcome.note.is_empty() {
                lines.push(text("because", &outcome.note));
            }
        }
    }
    if let Some(review) = one.review {
        lines.push(pair("looked at again", at(review)));
    }
    if let Some((when, followed)) = &one.reviewed {
        lines.push(pair("what followed", format!("{}: {followed}", at(*when))));
    }
    lines.push(pair("record", short(id)));
    ("Decision".into(), lines)
}

fn update(state: &State, id: RecordId, one: &Update) -> Text {
    let mut lines =
        vec![pair("subject", one.subject.clone()), pair("audience", one.audience.name())];
    lines.push(pair("written", format!("{} by {}", at(one.at), one.by)));
    lines.push(key(state, one.key));
    for (who, _, approved, note) in &one.answers {
        let answer = if *approved { "approved" } else { "refused" };
        lines.push(pair(answer, format!("by {who} {note}")));
    }
    match one.published {
        Some(when) => lines.push(pair("published", at(when))),
        None => lines.push(ReadingLine::Warn("It has not gone out.".into())),
    }
    lines.push(pair("next promised", at(one.next)));
    for channel in &one.channels {
        lines.push(pair(channel.as_str(), receipt(state, one, channel)));
    }
    lines.push(ReadingLine::Blank);
    lines.extend(one.body.lines().map(|line| match line {
        "" => ReadingLine::Blank,
        line => ReadingLine::Text(line.into()),
    }));
    lines.extend([ReadingLine::Blank, pair("record", short(id))]);
    (SafeText::new(&format!("{} update", one.audience)), lines)
}

/// What came of sending an update by a channel, in words.
fn receipt(state: &State, one: &Update, channel: &crate::domain::ChannelId) -> String {
    let operations = &state.model.journal.operations;
    let Some(operation) = one.sends.get(channel).and_then(|id| operations.get(id)) else {
        return "not sent".into();
    };
    match operation.standing(state.now) {
        Standing::UnderWay => "being sent".into(),
        Standing::OutcomeUnknown => {
            let keys = state.keymap.keys_for(crate::actions::Action::Settle);
            let key = keys.first().copied().unwrap_or(":settle");
            format!("unknown: it may or may not have arrived; look there, then {key} settles it")
        }
        Standing::Ended(Outcome::Done { .. }) => "sent".into(),
        Standing::Ended(Outcome::Received { receipt, url }) => format!("sent, {receipt} {url}"),
        Standing::Ended(Outcome::Refused { why } | Outcome::Failed { why, .. }) => {
            format!("failed: {why}")
        }
        Standing::Ended(Outcome::Unknown { why }) => format!("unknown: {why}"),
        Standing::Ended(Outcome::Later { why, at: then }) => {
            format!("not yet: {why}; tried again at {}", at(*then))
        }
    }
}

fn page(id: RecordId, one: &Page) -> Text {
    let mut lines = vec![ReadingLine::Text(one.text.clone()), ReadingLine::Blank];
    lines.push(pair("called", one.whom.name()));
    if let Some(team) = &one.team {
        lines.push(text("on call for", team.text()));
    }
    lines.push(pair("when", format!("{} by {}", at(one.at), one.by)));
    lines.push(pair("step", (one.step + 1).to_string()));
    match &one.answer {
        None => lines.push(ReadingLine::Warn("No answer yet.".into())),
        Some((when, coming, words)) => {
            let answer = if *coming { "coming" } else { "not coming" };
            lines.push(pair(answer, format!("{} {words}", at(*when))));
        }
    }
    lines.push(pair("record", short(id)));
    (SafeText::new(&format!("Page to {}", one.whom)), lines)
}
