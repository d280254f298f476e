//! The draft of each section, from the log and from what was measured. Roles instead of names, and only
//! facts: what somebody should think of them is for people to write.

use crate::domain::{Audience, Cause, EntryKind, Outcome, Reading, ReviewSection, Timestamp};
use crate::model::Standing;
use crate::model::incidents::words::{clock, length, quoted};
use crate::model::incidents::{ACKNOWLEDGE_WITHIN, Line, LineKind, Run, Update};

use super::measured::{Hit, MEASURED};
use super::{Desk, duration, interval};

/// Most lines of what happened.
const MOST_LINES: usize = 40;

impl Desk<'_> {
    /// What the log says of a section by itself; nothing for what only people know.
    pub(super) fn draft(self, section: ReviewSection) -> String {
        let text = match section {
            ReviewSection::Summary => self.summary(),
            ReviewSection::WhatHappened => self.what_happened(),
            ReviewSection::Impact => self.impact(),
            ReviewSection::Detection => self.detection(),
            ReviewSection::Resolution => self.resolution(),
            ReviewSection::Contributing => self.contributing(),
            ReviewSection::WentWell => self.went_well(),
            ReviewSection::Messaging => self.messages(),
            ReviewSection::WasHard | ReviewSection::Luck => String::new(),
        };
        self.people.without_names(text.trim())
    }

    fn clock(self, at: Timestamp) -> String {
        clock(at, self.incident.declared_at)
    }

    fn summary(self) -> String {
        let one = self.incident;
        let (from, _) = interval(one, self.now);
        let (lasted, bound) = duration(one, self.now);
        let services: Vec<&str> = one.services.iter().map(|service| service.as_str()).collect();
        let services = if services.is_empty() {
            "No service is named.".to_owned()
        } else {
            format!("Services: {}.", services.join(", "))
        };
        let since = from.utc().format("%Y-%m-%d %H:%M UTC");
        let mut text = format!("{}: {}. {services}", one.worst, ended(&one.title));
        let over = if one.resolved_at.is_some() { "lasted" } else { "has lasted" };
        text.push_str(&format!(" It began {since} and {over} {}", length(lasted)));
        if let Some(bound) = bound {
            text.push_str(&format!(" (give or take {})", length(bound)));
        }
        text.push_str(".\n\n");
        text.push_str(&match one.impact.sentence.trim() {
            "" => "Who was hurt was not said.".to_owned(),
            impact => format!("{}.", ended(impact)),
        });
        let spent = self.hits.iter().filter_map(|hit| Some((hit, hit.spent?)));
        let worst = spent.max_by(|one, other| one.1.total_cmp(&other.1));
        if let Some((hit, spent)) = worst {
            let (budget, about) = (percent(spent), rough(hit));
            text.push_str(&format!(
                " {} spent {about}{budget} of its error budget of {}.",
                hit.title, hit.period
            ));
        }
        text
    }

    fn what_happened(self) -> String {
        let (_, to) = interval(self.incident, self.now);
        let told: Vec<&Line> = self
            .incident
            .timeline
            .iter()
            .filter(|line| line.at.corrected <= to && self.rank(line).is_some())
            .collect();
        // Of many, what matters most; the log has the others.
        let mut chosen: Vec<usize> = (0..told.len()).collect();
        chosen.sort_by_key(|at| (self.rank(told[*at]), *at));
        chosen.truncate(MOST_LINES);
        chosen.sort_unstable();
        let left_out = told.len() - chosen.len();
        let mut lines: Vec<String> = chosen
            .into_iter()
            .map(|at| {
                let line = told[at];
                let first = line.text.lines().next().unwrap_or_default();
                let by = match line.kind {
                    LineKind::Entry(_) => {
                        format!("{}: ", line.spoken_by.as_ref().unwrap_or(&line.by))
                    }
                    _ => String::new(),
                };
                format!("- {} {by}{first}", self.clock(line.at.corrected))
            })
            .collect();
        if left_out > 0 {
            lines.push(format!("- {left_out} more lines are on the timeline."));
        }
        lines.join("\n")
    }

    /// Before what in a long account; what was done to production is as telling as what was decided.
    fn rank(self, line: &Line) -> Option<u8> {
        let of_run = |run: &Run| line.text.contains(&quoted(&run.title));
        let rank = rank(line)?;
        let done = line.kind == LineKind::Step && self.incident.runs.values().any(of_run);
        Some(if done { rank.min(1) } else { rank })
    }

    fn impact(self) -> String {
        let one = self.incident;
        let (from, to) = interval(one, self.now);
        let (lasted, bound) = duration(one, self.now);
        let bound = match bound {
            Some(bound) => format!("give or take {}", length(bound)),
            None => "how far the clocks are off is unknown".to_owned(),
        };
        let began = match one.onset {
            Some(_) => "from when it began for those who were hurt",
            None => "from the declaration, since nobody said when it began; at least",
        };
        let until = if one.resolved_at.is_some() { "to the end" } else { "to now, it goes on" };
        let severity = match or(&one.severity_reason, "no reason given") {
            why if one.worst < one.severity => {
                format!("- Severity: {} at worst, {} in the end: {why}.", one.worst, one.severity)
            }
            why => format!("- Severity: {}, {why}.", one.severity),
        };
        let mut lines = vec![
            format!("- Who was hurt: {}.", or(&one.impact.sentence, "unknown, nobody said")),
            format!("- Where: {}.", or(&one.impact.scope, "unknown, nobody said")),
            format!(
                "- Duration: {} ({} to {}; {began} {until}; {bound}).",
                length(lasted),
                self.clock(from),
                self.clock(to)
            ),
            severity,
        ];
        if self.hits.is_empty() {
            lines.push("- Error budgets: unknown, no objective is declared for it.".to_owned());
        }
        lines.extend(self.hits.iter().map(|hit| format!("- {}", of_hit(hit))));
        lines.join("\n")
    }

    fn detection(self) -> String {
        let one = self.incident;
        let noticed = match &one.cause {
            Cause::Alerts { title, .. } => format!("Monitoring noticed it: {}.", quoted(title)),
            Cause::Slo(slo) => format!("Monitoring noticed it: the budget of {slo} burned."),
            Cause::Nothing => "A person noticed it; it was declared from no alert.".to_owned(),
        };
        let mut lines = vec![noticed];
        let machines = one.timeline.iter().filter(|line| line.kind == LineKind::Machine);
        if let Some(first) = machines.min_by_key(|line| line.at.corrected) {
            let text = first.text.lines().next().unwrap_or_default();
            lines.push(format!(
                "The first thing a machine saw, at {}: {text}.",
                self.clock(first.at.corrected)
            ));
        }
        lines.push(match one.onset {
            Some(onset) if onset <= one.declared_at => format!(
                "{} declared it {} after it began.",
                capital(self.people.role(&one.declared_by)),
                length(one.declared_at.since(onset))
            ),
            Some(_) => format!(
                "{} declared it before it hurt anybody.",
                capital(self.people.role(&one.declared_by))
            ),
            None => "How long after it began is unknown: nobody said when that was.".to_owned(),
        });
        lines.join("\n")
    }

    fn resolution(self) -> String {
        let one = self.incident;
        let mut steps: Vec<(Timestamp, String)> = Vec::new();
        for decision in one.decisions.values() {
            let Some(outcome) = &decision.outcome else { continue };
            let what = match outcome.taken {
                None => format!("Decided against {}", quoted(&decision.proposal)),
                Some(None) => format!("Decided: {}", decision.proposal),
                Some(Some(option)) => {
                    let option = decision.options.get(usize::from(option));
                    format!("Decided: {}", option.map_or("another option", |text| text.as_str()))
                }
            };
            let expected = match decision.expected.trim() {
                "" => String::new(),
                expected => format!(" Expected: {}.", ended(expected)),
            };
            let followed = match &decision.reviewed {
                Some((_, words)) => format!(" What followed: {}.", ended(words)),
                None => String::new(),
            };
            steps.push((outcome.at, format!("{}.{expected}{followed}", ended(&what))));
        }
        for run in one.runs.values() {
            steps.push((run.released.as_ref().map_or(run.at, |(at, _)| *at), self.run(run)));
        }
        if let Some(at) = one.resolved_at {
            steps.push((at, "It was over for those who were hurt.".to_owned()));
        }
        steps.sort_by_key(|(at, _)| *at);
        let lines = steps.iter().map(|(at, text)| format!("- {} {text}", self.clock(*at)));
        let lines: Vec<String> = lines.collect();
        if lines.is_empty() { String::new() } else { lines.join("\n") }
    }

    /// What came of a run.
    fn run(self, run: &Run) -> String {
        let mut text = format!("{} ({}) of {}", run.title, run.kind.name(), run.service);
        let approved = run.answers.iter().filter(|answer| answer.approved).count();
        text.push_str(&match (approved, &run.released) {
            (_, None) => ", proposed and not run.".to_owned(),
            (0, Some(_)) => ", released.".to_owned(),
            (n, Some(_)) => format!(", released with {n} approval{}.", plural(n)),
        });
        if let Some((step, _, _, why)) = &run.stopped {
            text.push_str(&format!(" Stopped before step {}: {}.", step + 1, ended(why)));
        }
        for (step, request) in &run.steps {
            let title = run.orders.get(usize::from(*step)).map_or("", |order| order.title.as_str());
            let operation = self.model.journal.operations.get(request);
            let came = match operation.map(|one| one.standing(self.now)) {
                Some(Standing::Ended(outcome)) => ended_how(outcome),
                Some(Standing::UnderWay) => "under way".to_owned(),
                Some(Standing::OutcomeUnknown) | None => "what came of it is unknown".to_owned(),
            };
            text.push_str(&format!(" Step {} ({title}): {came}.", step + 1));
        }
        match &run.verified {
            Some(verified) => {
                let at = self.clock(verified.at);
                text.push_str(&format!(" Verified at {at}: {}.", verified.verdict.name()));
                for (title, figure) in &verified.figures {
                    text.push_str(&format!(" {title}: {figure}."));
                }
            }
            None if run.released.is_some() => text.push_str(" Whether it helped is unknown."),
            None => {}
        }
        text
    }

    fn contributing(self) -> String {
        let mut lines: Vec<String> = Vec::new();
        for branch in super::whys(&self.incident.review) {
            let Some(cause) = self.incident.review.causes.get(&branch.cause) else { continue };
            let category = cause.category.map_or(String::new(), |one| format!(" ({})", one.name()));
            let shown: Vec<String> = cause
                .evidence
                .iter()
                .filter_map(|id| self.incident.timeline.line(*id))
                .map(|line| self.clock(line.at.corrected))
                .collect();
            let shown =
                if shown.is_empty() { String::new() } else { format!(" [{}]", shown.join(", ")) };
            let indent = "  ".repeat(branch.depth);
            lines.push(format!("{indent}- {}{category}{shown}", cause.text));
        }
        let pinned = self.incident.timeline.pinned().filter(|line| line.withdrawn.is_none());
        let suspects: Vec<String> = pinned
            .filter(|line| !line.text.starts_with(MEASURED))
            .map(|line| {
                let first = line.text.lines().next().unwrap_or_default();
                format!("- {} {first}", self.clock(line.at.corrected))
            })
            .collect();
        if !lines.is_empty() && !suspects.is_empty() {
            lines.push("\nPinned while it was being worked on:".to_owned());
            lines.extend(suspects);
        }
        lines.join("\n")
    }

    fn went_well(self) -> String {
        let one = self.incident;
        let mut lines = Vec::new();
        for audience in Audience::ALL {
            let (kept, all) = self.promises(*audience);
            if kept > 0 {
                let promises = if all == 1 { "promise" } else { "promises" };
                lines.push(format!("- {kept} of {all} {promises} of an {audience} update kept."));
            }
        }
        let handed = one.handed_over.len();
        if handed > 0 {
            let changes = if handed == 1 { "Once" } else { "Several times" };
            let times: Vec<String> = one.handed_over.iter().map(|at| self.clock(*at)).collect();
            lines.push(format!(
                "- {changes} command was handed over with a brief that was accepted whole ({}).",
                times.join(", ")
            ));
        }
        let by_second = |update: &&Update| {
            update.published.is_some() && update.answers.iter().any(|answer| answer.2)
        };
        let read = one.updates.values().filter(by_second).count();
        if read > 0 {
            lines.push(format!("- {read} update{} read by a second person first.", were(read)));
        }
        let approved =
            |run: &&Run| run.released.is_some() && run.answers.iter().any(|answer| answer.approved);
        let approved = one.runs.values().filter(approved).count();
        if approved > 0 {
            lines.push(format!("- {approved} run{} approved by a second person.", were(approved)));
        }
        let heard = one.tasks.values().filter(|task| {
            task.acknowledged.is_some_and(|at| at.since(task.given_at) <= ACKNOWLEDGE_WITHIN)
        });
        let (heard, all) = (heard.count(), one.tasks.len());
        if all > 0 {
            let within = length(ACKNOWLEDGE_WITHIN);
            lines.push(format!("- {heard} of {all} tasks acknowledged within {within}."));
        }
        let coming: Vec<_> = one
            .pages
            .values()
            .filter_map(|page| Some((page.at, page.answer.as_ref().filter(|answer| answer.1)?.0)))
            .collect();
        if !coming.is_empty() {
            let slowest = coming.iter().map(|(asked, came)| came.since(*asked)).max();
            let slowest =
                slowest.map_or(String::new(), |span| format!(", the slowest {}", length(span)));
            let pages = one.pages.len();
            lines.push(format!(
                "- {} of {pages} page{} answered by somebody who came{slowest}.",
                coming.len(),
                plural(pages)
            ));
        }
        lines.join("\n")
    }

    /// Of the updates promised to an audience while it went on, how many came in time.
    fn promises(self, audience: Audience) -> (usize, usize) {
        let one = self.incident;
        let (_, end) = interval(one, self.now);
        let mut published: Vec<(Timestamp, Timestamp)> = one
            .updates
            .values()
            .filter(|update| update.audience == audience)
            .filter_map(|update| Some((update.published?, update.next)))
            .collect();
        published.sort_unstable();
        let cadence = self.model.playbook.cadence.get(&(one.severity, audience));
        let mut due = cadence.map(|cadence| one.declared_at.plus(cadence.first));
        let (mut kept, mut all) = (0, 0);
        for (at, next) in &published {
            if let Some(due) = due.filter(|due| *due <= end) {
                all += 1;
                kept += usize::from(*at <= due);
            }
            due = Some(*next);
        }
        // What was promised last and never came counts, if it was due before the end.
        if due.is_some_and(|due| due < end) {
            all += 1;
        }
        (kept, all)
    }

    fn messages(self) -> String {
        let mut updates: Vec<&Update> = self.incident.updates.values().collect();
        updates.sort_by_key(|update| (update.published, update.at));
        let mut lines = Vec::new();
        for update in updates {
            let Some(at) = update.published else { continue };
            lines.push(format!(
                "- {} {} update {}",
                self.clock(at),
                update.audience,
                quoted(&update.subject)
            ));
            for (channel, request) in &update.sends {
                let operation = self.model.journal.operations.get(request);
                let came = match operation.map(|one| one.standing(self.now)) {
                    Some(Standing::Ended(outcome)) => ended_how(outcome),
                    Some(Standing::UnderWay) => "being sent".to_owned(),
                    Some(Standing::OutcomeUnknown) | None => {
                        "whether it arrived is unknown".to_owned()
                    }
                };
                lines.push(format!("  - {channel}: {came}"));
            }
        }
        lines.join("\n")
    }
}

/// Before what in a long account; `None` is left out of it.
fn rank(line: &Line) -> Option<u8> {
    // What was frozen before a run is proof, and no event.
    let frozen =
        line.kind == LineKind::Entry(EntryKind::Evidence) && line.text.starts_with("Before “");
    if frozen || line.withdrawn.is_some() || line.text.starts_with(MEASURED) {
        return None;
    }
    Some(match line.kind {
        LineKind::Refused => return None,
        _ if line.pinned => 0,
        LineKind::Deciding | LineKind::Entry(EntryKind::Decision) => 1,
        LineKind::Step if tells_of_course(&line.text) => 2,
        LineKind::Entry(EntryKind::Action) => 3,
        LineKind::Entry(EntryKind::Observation | EntryKind::Evidence) => 4,
        LineKind::Machine => 5,
        LineKind::Step => 6,
        LineKind::Entry(EntryKind::Communication) => 7,
    })
}

/// Whether a step is about how bad or how far it is, or who commands.
fn tells_of_course(text: &str) -> bool {
    ["severity ", "status ", "reopened, "].iter().any(|start| text.starts_with(start))
        || text.contains(" declared SEV-")
        || text.contains(" command")
}

fn of_hit(hit: &Hit) -> String {
    let lost = match (hit.lost, hit.events) {
        (Some(lost), Some(events)) => {
            format!("{} of {} events lost", count(lost), count(events))
        }
        _ => "lost events unknown".to_owned(),
    };
    let ratio = match hit.ratio {
        Reading::Value(ratio) => format!("{} of events bad", percent(ratio)),
        Reading::NaN => "no traffic".to_owned(),
        Reading::NoData => "error ratio unknown, its series gave no data".to_owned(),
        Reading::Unknown => "error ratio unknown, not measured".to_owned(),
    };
    let spent = match hit.spent {
        Some(spent) => {
            format!("{}{} of the budget of {} spent", rough(hit), percent(spent), hit.period)
        }
        None => format!("budget of {} spent unknown", hit.period),
    };
    format!("{}: {lost}; {ratio}; {spent}.", hit.title)
}

const fn rough(hit: &Hit) -> &'static str {
    if hit.is_rough { "about " } else { "" }
}

/// What came of something, in a few words.
fn ended_how(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done { .. } => "done".to_owned(),
        Outcome::Received { receipt, .. } => format!("received, {receipt}"),
        Outcome::Refused { why } => format!("not done, {}", ended(why)),
        Outcome::Failed { why, .. } => format!("ended badly, {}", ended(why)),
        Outcome::Unknown { why } => format!("unknown, {}", ended(why)),
        Outcome::Later { why, .. } => format!("not yet, {}", ended(why)),
    }
}

/// Without the full stop that is put there anyway.
fn ended(text: &str) -> &str {
    text.trim().trim_end_matches('.')
}

fn or<'a>(text: &'a str, none: &'a str) -> &'a str {
    let text = ended(text);
    if text.is_empty() { none } else { text }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

const fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

const fn were(count: usize) -> &'static str {
    if count == 1 { " was" } else { "s were" }
}

/// `12.4 %`, with as many digits as say something.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent.abs() {
        p if p >= 100.0 => format!("{percent:.0} %"),
        p if p >= 0.1 || p == 0.0 => format!("{percent:.1} %"),
        _ => format!("{percent:.3} %"),
    }
}

/// Whole events, thousands apart.
fn count(value: f64) -> String {
    let digits = format!("{:.0}", value.max(0.0));
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
