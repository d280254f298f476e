//! Who is on call, until when, and who is paged next when nobody answers.
//!
//! A shift changes at the same time of its zone's wall clock whatever daylight saving does, so a week
//! may have 167 or 169 hours. Shift *k* of a rotation begins at `from` + *k* · `days` calendar days, placed in
//! the zone by [`Timestamp::at_wall`], and belongs to person *k* mod *n*. Finding *k* takes constant time, the next
//! change of person as many steps as there are shifts and overrides in between.

use crate::domain::{
    ChannelId, Contact, EscalationStep, Playbook, Rotation, SafeText, Span, Team, TeamId,
    Timestamp, Whom,
};

/// More shifts than this are not looked through for one that changes who is on call.
const MOST_STEPS: usize = 5_000;

/// Somebody's time on call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// Who.
    pub person: SafeText,
    /// First moment.
    pub from: Timestamp,
    /// First moment after; an override or an earlier rotation may end it sooner.
    pub until: Timestamp,
    /// Whether somebody stands in, rather than taking a turn.
    pub stands_in: bool,
    /// When a pager said so, where it did.
    pub told: Option<Timestamp>,
    /// Telephone number the pager has of them; may be empty.
    pub phone: SafeText,
}

/// The turn of a rotation at a moment; `None` before it has begun, or when nobody is in it.
pub fn turn(rotation: &Rotation, at: Timestamp) -> Option<Shift> {
    let count = i64::try_from(rotation.people.len()).ok().filter(|count| *count > 0)?;
    let days = i64::from(rotation.days.max(1));
    let start = |turn: i64| {
        let by = chrono::TimeDelta::try_days(turn.checked_mul(days)?)?;
        Some(Timestamp::at_wall(rotation.from.checked_add_signed(by)?, rotation.zone))
    };
    // Out of the calendar's range there are no shifts.
    let utc = at.utc();
    if utc.timestamp_millis() != at.millis() {
        return None;
    }
    let local = utc.with_timezone(&rotation.zone).naive_local();
    let mut turn = local.signed_duration_since(rotation.from).num_days().div_euclid(days);
    // A change of the clock moves a moment by less than a shift.
    while at < start(turn)? {
        turn -= 1;
    }
    while at >= start(turn + 1)? {
        turn += 1;
    }
    if turn < 0 {
        return None;
    }
    let person = rotation.people.get(usize::try_from(turn % count).ok()?)?.clone();
    let (from, until) = (start(turn)?, start(turn + 1)?);
    Some(Shift { person, from, until, stands_in: false, told: None, phone: SafeText::default() })
}

/// Who is on call in a team at a moment: whoever stands in (of several the one written last), else whom the
/// team's pager calls first, else the turn of the first rotation that has begun. `None` is a gap: nobody.
pub fn on_call(team: &Team, at: Timestamp) -> Option<Shift> {
    let stands_in = team.overrides.iter().rev().find(|entry| entry.from <= at && at < entry.to);
    let stands_in = stands_in.map(|entry| Shift {
        person: entry.person.clone(),
        from: entry.from,
        until: entry.to,
        stands_in: true,
        told: None,
        phone: SafeText::default(),
    });
    stands_in
        .or_else(|| paged_by(team, at))
        .or_else(|| team.rotations.iter().find_map(|rotation| turn(rotation, at)))
}

/// Whom the team's pager calls first.
fn paged_by(team: &Team, at: Timestamp) -> Option<Shift> {
    let plan = team.pager_plan()?;
    let shift = plan.at(at).next()?;
    Some(Shift {
        person: shift.person.clone(),
        from: shift.from.unwrap_or(plan.at),
        until: shift.until.unwrap_or(plan.until).min(plan.until),
        stands_in: false,
        told: Some(plan.at),
        phone: shift.phone.clone().unwrap_or_default(),
    })
}

/// When somebody else is on call, and who (`None`: nobody, a gap begins). Nothing when it stays as it is.
pub fn next_change(team: &Team, at: Timestamp) -> Option<(Timestamp, Option<SafeText>)> {
    let person = |at| on_call(team, at).map(|shift| shift.person);
    let now = person(at);
    let begins = |rotation: &Rotation| Timestamp::at_wall(rotation.from, rotation.zone);
    let declared: Vec<Timestamp> = team
        .overrides
        .iter()
        .flat_map(|entry| [entry.from, entry.to])
        .chain(team.rotations.iter().map(begins))
        .chain(team.pager_plan().into_iter().flat_map(|plan| {
            let ends = plan.shifts.iter().flat_map(|shift| [shift.from, shift.until]);
            ends.flatten().filter(|end| *end < plan.until).chain([plan.until])
        }))
        .collect();
    let last = declared.iter().max().copied();
    let longest = team.rotations.iter().map(|rotation| rotation.people.len()).max().unwrap_or(0);
    let (mut look, mut beyond) = (at, 0);
    for _ in 0..MOST_STEPS {
        let ends = team.rotations.iter().filter_map(|rotation| Some(turn(rotation, look)?.until));
        let boundaries = declared.iter().copied().chain(ends).filter(|moment| *moment > look);
        look = boundaries.min()?;
        let then = person(look);
        if then != now {
            return Some((look, then));
        }
        // Nothing but turns to come: after a whole round of the same person nothing changes.
        if last.is_none_or(|last| look > last) {
            beyond += 1;
            if beyond > longest {
                return None;
            }
        }
    }
    None
}

/// Somebody to be called, or a step that reaches nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Step of the escalation, from 0.
    pub step: u16,
    /// When it is due.
    pub at: Timestamp,
    /// Who; `None` when nobody is on call then.
    pub whom: Option<SafeText>,
    /// Telephone number, for when paging fails.
    pub phone: SafeText,
    /// Channels, each with the address of the person; none is the channel's own.
    pub by: Vec<(ChannelId, Option<SafeText>)>,
}

/// What came of a page so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paged {
    /// Step of the escalation.
    pub step: u16,
    /// Who was called.
    pub whom: SafeText,
    /// When.
    pub at: Timestamp,
    /// The answer: when, and whether they are coming.
    pub answer: Option<(Timestamp, bool)>,
}

/// Where an escalation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stand {
    /// Somebody is coming.
    Answered {
        /// Who.
        whom: SafeText,
        /// Since when that is known.
        at: Timestamp,
    },
    /// Nobody has answered yet.
    Open {
        /// Who is to be called now, most urgent first.
        due: Vec<Call>,
        /// Who is called next if nobody answers.
        next: Option<Call>,
    },
    /// Everybody was called and nobody is coming: telephone numbers are what is left.
    Exhausted,
}

/// Where the escalation of a page to `team` stands at `now`, the page having begun at `start`. A refusal
/// brings the following steps forward to its moment; whoever has refused is not called again. Who is on call
/// is asked for the moment a step is due.
pub fn stand(
    playbook: &Playbook,
    team: &TeamId,
    start: Timestamp,
    paged: &[Paged],
    now: Timestamp,
) -> Stand {
    let coming = paged.iter().filter_map(|page| match page.answer {
        Some((at, true)) => Some((at, &page.whom)),
        _ => None,
    });
    if let Some((at, whom)) = coming.min() {
        return Stand::Answered { whom: whom.clone(), at };
    }
    let refused: Vec<&SafeText> = paged
        .iter()
        .filter(|page| matches!(page.answer, Some((_, false))))
        .map(|page| &page.whom)
        .collect();
    let sent = paged.iter().map(|page| page.step).max();
    let steps = ladder(playbook, team);
    let due_after = |step: usize| steps.get(step).map_or(Span::ZERO, |step| step.after);
    // The last step that was sent, if it was refused, ends at that moment instead of when the next is due.
    let last = paged.iter().max_by_key(|page| (page.step, page.at));
    let shift = match (sent, last.and_then(|page| page.answer)) {
        (Some(step), Some((at, false))) => {
            let planned = start.plus(due_after(usize::from(step) + 1));
            Span::from_millis(planned.since(at).millis().max(0))
        }
        _ => Span::ZERO,
    };
    let (mut due, mut next) = (Vec::new(), None);
    for (at, step) in steps.iter().enumerate().skip(sent.map_or(0, |step| usize::from(step) + 1)) {
        let call = call(playbook, team, at, step, start.plus(step.after).minus(shift));
        if call.whom.as_ref().is_some_and(|whom| refused.contains(&whom)) {
            continue;
        }
        if call.at <= now {
            due.push(call);
        } else {
            next = Some(call);
            break;
        }
    }
    let called = |call: &Call| call.whom.is_some();
    // A step that reaches nobody is no reason to wait for the next one.
    if !due.iter().any(called)
        && let Some(waiting) = next.take()
    {
        if due.is_empty() {
            next = Some(waiting);
        } else {
            due.push(Call { at: now, ..waiting });
        }
    }
    let answers_out = paged.iter().any(|page| page.answer.is_none());
    match (due.iter().any(called), &next) {
        (false, None) if !answers_out => Stand::Exhausted,
        _ => Stand::Open { due, next },
    }
}

/// The steps of a team; without any, whoever is on call is paged at once.
fn ladder(playbook: &Playbook, team: &TeamId) -> Vec<EscalationStep> {
    let steps = playbook.teams.get(team).map(|team| team.escalation.clone()).unwrap_or_default();
    if steps.is_empty() {
        return vec![EscalationStep { after: Span::ZERO, whom: Whom::OnCall, by: Vec::new() }];
    }
    steps
}

fn call(
    playbook: &Playbook,
    team: &TeamId,
    step: usize,
    how: &EscalationStep,
    at: Timestamp,
) -> Call {
    let plan = |id: &TeamId| {
        let shift = on_call(playbook.teams.get(id)?, at)?;
        Some((shift.person, shift.phone))
    };
    let found = match &how.whom {
        Whom::OnCall => plan(team),
        Whom::Team(other) => plan(other),
        Whom::Person(name) => Some((name.clone(), SafeText::default())),
    };
    let (whom, theirs) = found.map_or((None, SafeText::default()), |(whom, p)| (Some(whom), p));
    let nobody = Contact::default();
    let contact = whom.as_ref().and_then(|name| playbook.people.get(name)).unwrap_or(&nobody);
    Call {
        step: u16::try_from(step).unwrap_or(u16::MAX),
        at,
        by: if whom.is_some() { ways(playbook, contact, &how.by) } else { Vec::new() },
        phone: if contact.phone.is_empty() { theirs } else { contact.phone.clone() },
        whom,
    }
}

/// The channels of a step that lead to a person, with the person's address; without any in the step, all
/// the person has.
pub fn ways(
    playbook: &Playbook,
    contact: &Contact,
    by: &[ChannelId],
) -> Vec<(ChannelId, Option<SafeText>)> {
    let own = |id: &ChannelId| (id.clone(), contact.at.get(id).cloned());
    if by.is_empty() {
        return contact.at.keys().map(own).collect();
    }
    // Mail and short messages go to people; what lacks an address there reaches at best a list.
    let personal = |id: &ChannelId| {
        let kind = playbook.channels.iter().find(|channel| channel.id == *id).map(|c| c.kind);
        matches!(kind, Some("smtp" | "sms"))
    };
    let reach = |(id, address): &(ChannelId, Option<SafeText>)| address.is_some() || !personal(id);
    let all: Vec<_> = by.iter().map(own).collect();
    let direct: Vec<_> = all.iter().filter(|way| reach(way)).cloned().collect();
    if direct.is_empty() { all } else { direct }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod pager_tests;
