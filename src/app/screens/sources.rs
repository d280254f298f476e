//! The Sources screen: what is known comes in by sources, what is said goes out by channels and trackers.
//! Which row is selected, everything about it as a text, and the test of a channel.

use crate::actions::{
    Action, Delivery, DeliveryStanding, Outlet, OutletId, Pending, PendingState, Writer,
    ask_delivery_test, deliveries, outlets,
};
use crate::app::dialogs::rough;
use crate::app::{Effect, ReadingLine, SourcesRow, State, Tone};
use crate::domain::{Audience, ChannelId, Operation, Purpose, SafeText, SourceId, Span, TicketAct};

use super::{Move, kept, moved};

/// Sources first, then the ways out in the playbook's order.
fn rows(state: &State) -> Vec<SourcesRow> {
    let model = &state.model;
    let sources = model.sources.keys().cloned().map(SourcesRow::Source);
    let channels = model.playbook.channels.iter().map(|one| OutletId::Channel(one.id.clone()));
    let trackers = model.playbook.trackers.iter().map(|id| OutletId::Tracker(id.clone()));
    sources.chain(channels.chain(trackers).map(SourcesRow::Outlet)).collect()
}

pub(in crate::app) fn refresh(state: &mut State) {
    let rows = rows(state);
    let selected = &mut state.ui.sources.selected;
    *selected = kept(&[], &rows, selected.as_ref()).or_else(|| rows.first().cloned());
}

pub(in crate::app) fn go(state: &mut State, by: Move) {
    let rows = rows(state);
    state.ui.sources.selected = moved(&rows, state.ui.sources.selected.as_ref(), by);
}

/// From the sources to the ways out, or back. `false` when there is only one of the two.
pub(in crate::app) fn next_pane(state: &mut State) -> bool {
    let out = |row: &SourcesRow| matches!(row, SourcesRow::Outlet(_));
    let here = state.ui.sources.on_outlets();
    let there = rows(state).into_iter().find(|row| out(row) != here);
    let found = there.is_some();
    if found {
        state.ui.sources.selected = there;
    }
    found
}

/// For the clipboard: the name of what is selected.
pub(in crate::app) fn copied(state: &State) -> Option<String> {
    state.ui.sources.selected.as_ref().map(|row| match row {
        SourcesRow::Source(id) => id.to_string(),
        SourcesRow::Outlet(id) => id.as_str().to_owned(),
    })
}

/// Sends a test message by the selected channel.
pub(in crate::app) fn test(state: &mut State) -> Vec<Effect> {
    let now = state.now;
    let channel = match &state.ui.sources.selected {
        Some(SourcesRow::Outlet(OutletId::Channel(id))) => Ok(id.clone()),
        Some(SourcesRow::Outlet(OutletId::Tracker(id))) => Err(format!(
            "{id} keeps tickets and reaches nobody by itself, so there is no message to test it with."
        )),
        _ => Err("Select a channel to test.".to_owned()),
    };
    let asked = channel.and_then(|channel| {
        if state.read_only {
            return Err("This console is read-only; nothing was sent.".to_owned());
        }
        let by = Writer { actor: state.me.clone(), key: state.key };
        let asked = ask_delivery_test(&state.model, &by, &channel, now);
        asked.map(|event| (channel, event)).map_err(|refusal| refusal.sentence.to_string())
    });
    match asked {
        Ok((channel, event)) => {
            let text =
                format!("A test message goes out by {channel}; what comes of it stands here.");
            state.ui.notice(Tone::Info, text, now);
            vec![Effect::Append(vec![event])]
        }
        Err(sentence) => {
            state.ui.notice(Tone::Warning, sentence, now);
            Vec::new()
        }
    }
}

type Text = (SafeText, Vec<ReadingLine>);

/// Title and lines about a row; `None` when it is no longer there.
pub(in crate::app) fn detail_lines(state: &State, row: &SourcesRow) -> Option<Text> {
    match row {
        SourcesRow::Source(id) => source_lines(state, id),
        SourcesRow::Outlet(id) => outlet_lines(state, id),
    }
}

impl State {
    /// Everything about the selected channel or tracker: title and lines.
    pub fn outlet_reading(&self) -> Option<Text> {
        match self.ui.sources.selected.as_ref()? {
            SourcesRow::Source(_) => None,
            SourcesRow::Outlet(id) => outlet_lines(self, id),
        }
    }
}

fn pair(name: &str, value: impl Into<SafeText>) -> ReadingLine {
    ReadingLine::Pair(name.into(), value.into())
}

fn source_lines(state: &State, id: &SourceId) -> Option<Text> {
    let source = state.model.sources.get(id)?;
    let never = || "never".to_owned();
    let mut lines = vec![
        pair("kind", source.kind.name()),
        pair("site", source.site.to_string()),
        pair("address", source.address.to_string()),
        pair("version", source.version.to_string()),
        pair("asked every", source.interval.to_string()),
        pair("last good answer", source.last_good.map_or_else(never, |t| t.rfc3339())),
        pair("next try", source.next_try.map_or_else(|| "now".to_owned(), |t| t.rfc3339())),
        pair("in flight", format!("{} of {}", source.in_flight, source.limit)),
        pair("retries left", source.retry_budget.to_string()),
    ];
    if let Some(clock) = source.clock {
        lines.push(pair("its clock", format!("{} ahead of ours, ± {}", clock.offset, clock.bound)));
    }
    if let Some((up, down)) = state.model.targets.get(id) {
        lines.push(pair("scrape targets", format!("{up} up, {down} down or unknown")));
    }
    if let Some(failure) = &source.failure {
        lines.push(ReadingLine::Blank);
        lines.push(ReadingLine::Warn(failure.sentence.clone()));
        lines.push(pair("since", failure.at.rfc3339()));
    }
    Some((SafeText::new(&format!("Source {id}")), lines))
}

fn outlet_lines(state: &State, id: &OutletId) -> Option<Text> {
    let all = outlets(&state.model, state.now);
    let outlet = all.iter().find(|one| one.id == *id)?;
    let (title, mut lines) = match id {
        OutletId::Channel(id) => (format!("Channel {id}"), about_channel(state, id)),
        OutletId::Tracker(id) => (format!("Tracker {id}"), about_tracker(state)),
    };
    // What wants somebody comes first, the rest as far as there is room.
    let is_waiting = |one: &&Pending<'_>| matches!(one.state, PendingState::Waiting { .. });
    let urgent = outlet.open.iter().filter(|one| !is_waiting(one));
    lines.splice(0..0, urgent.map(|one| pending(state, one, id)));
    let waiting = outlet.open.iter().filter(is_waiting);
    lines.extend(waiting.map(|one| pending(state, one, id)));
    lines.push(last_message(state, outlet));
    Some((SafeText::new(&title), lines))
}

fn about_channel(state: &State, id: &ChannelId) -> Vec<ReadingLine> {
    let playbook = &state.model.playbook;
    let mut lines = Vec::new();
    let found = deliveries(&state.model, state.now).into_iter().find(|one| one.channel == *id);
    if let Some(delivery) = &found {
        lines.extend(tests(state, delivery));
    }
    if let Some(channel) = playbook.channels.iter().find(|one| one.id == *id) {
        let audiences: Vec<&str> = channel.audiences.iter().copied().map(Audience::name).collect();
        let whom = match audiences.as_slice() {
            [] => "for no audience by itself".to_owned(),
            some => format!("for {} updates", some.join(" and ")),
        };
        let stands_in = match &channel.fallback {
            Some(other) => format!("{other} stands in when it certainly failed"),
            None => "nothing stands in for it".to_owned(),
        };
        lines.push(pair("kind", format!("{}, {whom}; {stands_in}", channel.kind)));
    }
    lines
}

fn about_tracker(state: &State) -> Vec<ReadingLine> {
    let mine = state.model.incidents.incidents.values().flat_map(|one| one.tickets.keys());
    let count = mine.count();
    vec![pair("kind", format!("keeps tickets; {count} of our incidents' tickets are known"))]
}

/// What its delivery tests say, and when the next one is.
fn tests(state: &State, delivery: &Delivery) -> Vec<ReadingLine> {
    let key = key(state, Action::TestChannel);
    let age = delivery.tested.map_or_else(String::new, |at| rough(state.now.since(at)));
    let nonce = &delivery.nonce;
    let mut lines = vec![match &delivery.standing {
        DeliveryStanding::Untested => {
            let text = format!("Never tested, so nobody knows whether it works; {key} tests it.");
            ReadingLine::Warn(text.into())
        }
        DeliveryStanding::UnderWay => pair("test", format!("under way for {age}; nonce {nonce}")),
        DeliveryStanding::Works(receipt) => {
            let receipt = if receipt.is_empty() { "none" } else { receipt.as_str() };
            pair("test", format!("arrived {age} ago; nonce {nonce}; receipt: {receipt}"))
        }
        DeliveryStanding::Stale => {
            let text = format!(
                "Its last test arrived, but {age} ago (nonce {nonce}); {key} tests it now."
            );
            ReadingLine::Warn(text.into())
        }
        DeliveryStanding::Fails(why) => {
            let text = format!("Its test {age} ago did not arrive (nonce {nonce}): {why}");
            ReadingLine::Warn(text.into())
        }
        DeliveryStanding::Unknown(why) => {
            let text = format!(
                "Nobody can tell whether its test {age} ago arrived (nonce {nonce}): {why}"
            );
            ReadingLine::Warn(text.into())
        }
    }];
    if delivery.history.len() > 1 {
        let marks: String =
            delivery.history.iter().map(|(_, ok)| if *ok { "✓ " } else { "✕ " }).collect();
        lines.push(pair("tests", format!("{marks}newest first")));
    }
    let every = state.model.playbook.test_every;
    lines.push(pair(
        "next test",
        if every <= Span::ZERO {
            format!("only when asked for: {key}")
        } else {
            // All consoles count the same periods from the epoch.
            let period = state.now.millis().div_euclid(every.millis());
            let left = Span::from_millis((period + 1) * every.millis() - state.now.millis());
            format!("in {}, as every {every}; {key} tests it now", rough(left))
        },
    ));
    lines
}

fn last_message(state: &State, outlet: &Outlet<'_>) -> ReadingLine {
    let Some(last) = outlet.last else {
        let text = match outlet.id {
            OutletId::Channel(_) => "nothing but tests has gone out by it",
            OutletId::Tracker(_) => "nothing has been done in it",
        };
        return pair("last", text);
    };
    let (age, said) = (rough(state.now.since(last.at)), said(&last.operation.operation));
    let receipt = if last.receipt.is_empty() { "none" } else { last.receipt };
    pair("last", format!("{age} ago: {said}; receipt: {receipt}"))
}

fn pending(state: &State, one: &Pending<'_>, here: &OutletId) -> ReadingLine {
    let (age, said) = (rough(state.now.since(one.operation.at)), said(&one.operation.operation));
    let tries = one.operation.attempt.as_ref().map_or(0, |last| last.number);
    // A fallback stands in.
    let by = one.operation.attempt.as_ref().map(|last| last.by.as_str());
    let by = by.filter(|by| *by != here.as_str()).map_or(String::new(), |by| format!(" by {by}"));
    match one.state {
        PendingState::Unknown(why) => {
            let key = key(state, Action::Settle);
            let text = format!("Unknown for {age}: {said}. {why} Look there; {key} settles it.");
            ReadingLine::Warn(text.into())
        }
        PendingState::Failed(why) => {
            ReadingLine::Warn(format!("Failed {age} ago: {said}. {why}").into())
        }
        PendingState::Waiting { why: "", .. } => {
            pair("waits", format!("{said}, being sent{by} for {age}"))
        }
        PendingState::Waiting { why, next } => {
            let next = next.map_or_else(
                || "tried again soon".to_owned(),
                |at| format!("tried again in {}", rough(at.since(state.now))),
            );
            pair("waits", format!("{said}, {next}{by} after {tries} tries: {why}"))
        }
    }
}

/// The key of an action, or how it is typed.
fn key(state: &State, action: Action) -> String {
    let keys = state.keymap.keys_for(action);
    keys.first().map_or_else(|| format!(":{}", action.spec().name), ToString::to_string)
}

/// What goes out, for whoever knows by which way.
fn said(operation: &Operation) -> String {
    match operation {
        Operation::Send(message) => {
            let kind = match &message.purpose {
                Purpose::Update(audience) => format!("{} update", audience.name()),
                Purpose::Page => "page".to_owned(),
                Purpose::Reminder => "reminder".to_owned(),
                Purpose::Test { nonce } => format!("test {nonce}"),
            };
            let incident =
                message.incident.as_ref().map_or(String::new(), |id| format!(" of {id}"));
            format!("{kind}{incident} “{}”", message.subject)
        }
        Operation::Ticket { incident, act, .. } => match act {
            TicketAct::Open { title, .. } => format!("open a ticket of {incident} “{title}”"),
            TicketAct::FollowUp { title, .. } => {
                format!("open a ticket of the follow-up “{title}”")
            }
            TicketAct::Comment { ticket, .. } => format!("comment on {}", ticket.key),
            TicketAct::Transition { ticket, to, .. } => format!("{} to {}", ticket.key, to.name()),
        },
        other => crate::actions::what(other),
    }
}
