//! The rollback card: what may be done about a service, what each comes to, and what is known of the change
//! that would be taken back. Everything on it says what it rests on; what is not known says so.
//!
//! | figure | from |
//! |---|---|
//! | minutes | median of the finished runs of the same procedure in the log, else its owner's figure |
//! | chance | share of its judged runs that recovered (Laplace: one more of each), else its owner's figure |
//! | rate | budget burned per minute: the worst burn rate of the service's objectives over their period |
//! | waiting | median length of the resolved incidents of the same services, else an hour is assumed |

use crate::analysis::graph::blast;
use crate::analysis::options::{Advice, MOST, OptionFacts, advise};
use crate::domain::{
    Change, ChangeState, Procedure, ProcedureId, ProcedureKind, Reviewed, RunVerdict, SafeText,
    ServiceId, SloId, Span, Timestamp,
};

use crate::eventlog::RecordId;

use super::Model;
use super::incidents::{Incident, Run, words};
use super::ladder::RungStands;
use super::told::share;

/// How long it is assumed to last when nothing is done and no incident tells.
const ASSUMED: Span = Span::from_mins(60);

/// What is promised of a containment, and kept when it is released.
const EVIDENCE: &str = "alerts, burns and courses of the service are frozen on the timeline when it is released, before anything is sent";

/// The title of what cannot be undone.
pub const IRREVERSIBLE: &str = "cannot be undone";

/// The title of what speaks against a rung now.
pub const LEFT_OUT: &str = "out of order";

/// A figure, and where it is from.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// The value; `None` when nobody knows.
    pub value: Option<f64>,
    /// In words: `median of 3 runs`, `its owner's figure`, `unknown`.
    pub basis: String,
}

/// What may be done, with what it comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Which procedure.
    pub procedure: ProcedureId,
    /// What it is called.
    pub title: SafeText,
    /// What it is for.
    pub kind: ProcedureKind,
    /// Minutes until it has taken effect.
    pub minutes: Figure,
    /// How likely it helps.
    pub success: Figure,
    /// Whether it leaves what cannot be undone, for which it is not advised.
    pub set_aside: bool,
    /// Share of the error budget it is expected to cost; `None` when that cannot be told.
    pub cost: Option<f64>,
    /// Minutes of trouble it is expected to come to.
    pub trouble: Option<f64>,
    /// How likely it would have to help to be as good as the best other.
    pub break_even: Option<f64>,
}

/// Everything to be known before something is done to production.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// What may be done about this service, the chosen one's kind of order: rollbacks first.
    pub choices: Vec<Choice>,
    /// The cheapest of them, by its place; `None` when none can be costed.
    pub best: Option<usize>,
    /// The change that the chosen procedure takes back.
    pub change: Option<Change>,
    /// The run that it takes back.
    pub undoes: Option<RecordId>,
    /// Title and text of everything on it, as it goes into the proposal.
    pub lines: Vec<(SafeText, SafeText)>,
}

impl Model {
    /// What may be done about an incident: procedures of its services first, rollbacks first.
    pub fn procedures_for(&self, incident: &Incident) -> Vec<&Procedure> {
        let mut all: Vec<&Procedure> = self.playbook.procedures.procedures.values().collect();
        all.sort_by_key(|one| {
            (!incident.services.contains(&one.service), one.kind, one.rung, one.id.clone())
        });
        all
    }

    /// The card of a procedure in an incident; `None` when the playbook does not have it.
    pub fn card(&self, incident: &Incident, chosen: &ProcedureId, now: Timestamp) -> Option<Card> {
        let known = self.playbook.procedures.procedures.get(chosen)?;
        let mut of_service: Vec<&Procedure> = self.procedures_for(incident);
        // What takes another one back is no option beside it.
        let undoes = |id: &ProcedureId| {
            let all = self.playbook.procedures.procedures.values();
            all.filter_map(|one| one.undo.as_ref()).any(|undo| undo == id)
        };
        of_service
            .retain(|one| one.service == known.service && (one.id == known.id || !undoes(&one.id)));
        // Nor is another rung of the same ladder: they are taken one after the other.
        of_service.retain(|one| one.id == known.id || one.rung.is_none() || known.rung.is_none());
        // The chosen one is always among those that are compared.
        of_service.sort_by_key(|one| one.id != known.id);
        of_service.truncate(MOST);
        of_service.sort_by_key(|one| (one.kind, one.rung, one.id.clone()));
        let rate = self.burned_per_minute(&known.service);
        let waiting = self.lasts(incident);
        let (choices, advice) = self.compare(&of_service, rate.as_ref().map(|r| r.1), &waiting);
        let change = self.taken_back(known, now).cloned();
        let mut lines = Vec::new();
        let mut add = |title: &str, text: String| {
            lines.push((SafeText::new(title), SafeText::new(&text)));
        };
        add("does", format!("{} ({}) on {}", known.title, known.kind.name(), known.service));
        for text in &known.takes_along {
            add("goes along", text.to_string());
        }
        for text in &known.irreversible {
            add(IRREVERSIBLE, text.to_string());
        }
        let undoes = self.undone_by(&known.id);
        if let Some((_, run)) = undoes {
            let ago = self
                .took_effect(run)
                .map_or_else(String::new, |at| format!(", in force for {}", length(now.since(at))));
            add("takes back", format!("{}{ago}", run.title));
        }
        // What it takes down is read first: it is meant to take something down.
        let of_system =
            matches!(known.kind, ProcedureKind::Containment | ProcedureKind::Degradation);
        if of_system {
            self.say_ladder(&mut add, known, now);
            if undoes.is_none() {
                self.say_impact(known, &mut add);
                add("evidence", EVIDENCE.to_owned());
            }
        }
        let at = of_service.iter().position(|one| one.id == known.id);
        if let Some(one) = at.and_then(|at| choices.get(at)) {
            add("takes", said(&one.minutes, |v| format!("{v:.0} min")));
            add("chance", said(&one.success, |v| format!("{:.0} %", v * 100.0)));
        }
        add(
            "budget",
            match &rate {
                Some((slo, per_minute)) => {
                    format!("{} an hour are being spent of {slo}", percent(per_minute * 60.0))
                }
                None => "how fast it is spent is unknown: no objective of the service has data"
                    .to_owned(),
            },
        );
        say_costs(&mut add, &choices, &advice, &waiting, rate.map(|r| r.1));
        if !of_system {
            if undoes.is_none() {
                say_change(&mut add, change.as_ref(), incident, now);
            }
            add("reach", self.reach_of(&known.service));
        }
        add("watched", watched(known));
        match &known.undo {
            Some(undo) => add("taken back by", undo.to_string()),
            None if known.kind == ProcedureKind::Containment && undoes.is_none() => {
                add("taken back by", "nothing that is declared".to_owned());
            }
            None => {}
        }
        if let Some(backup) = &known.backup {
            add("if it does not help", backup.to_string());
        }
        add(
            "last tried",
            known.tested.map_or_else(
                || "never, as far as the playbook says".to_owned(),
                |at| format!("{} ago", length(now.since(at))),
            ),
        );
        if !known.owner.is_empty() {
            add("owner", known.owner.to_string());
        }
        Some(Card {
            choices,
            best: advice.best.filter(|at| *at < of_service.len()),
            change,
            undoes: undoes.map(|one| one.0),
            lines,
        })
    }

    /// The newest change that a procedure of this kind takes back.
    pub fn taken_back(&self, procedure: &Procedure, now: Timestamp) -> Option<&Change> {
        let kind = procedure.kind.takes_back()?;
        let ours = |change: &&Change| {
            change.kind == kind
                && change.state != ChangeState::Undone
                && change.service.as_ref() == Some(&procedure.service)
                && change.at <= now
        };
        self.changes.newest_first().into_iter().find(ours)
    }

    fn compare(
        &self,
        of: &[&Procedure],
        rate: Option<f64>,
        waiting: &Figure,
    ) -> (Vec<Choice>, Advice) {
        let figures: Vec<_> = of.iter().map(|one| (self.minutes(one), self.chance(one))).collect();
        let facts: Vec<OptionFacts> = of
            .iter()
            .zip(&figures)
            .map(|(one, (minutes, success))| OptionFacts {
                minutes: minutes.value.unwrap_or(f64::NAN),
                success: success.value.unwrap_or(f64::NAN),
                retry: minutes_of(one.verify.window),
                side: 0.0,
                set_aside: !one.irreversible.is_empty(),
            })
            .collect();
        // Without a rate the minutes can still be compared; they cost nothing then, and it is not said.
        let otherwise = waiting.value.unwrap_or(minutes_of(ASSUMED));
        let advice = advise(rate.unwrap_or(1.0), &facts, otherwise);
        let choices = of.iter().zip(figures).zip(&advice.costs);
        let choices = choices.map(|((one, (minutes, success)), costed)| Choice {
            procedure: one.id.clone(),
            title: one.title.clone(),
            kind: one.kind,
            minutes,
            success,
            set_aside: !one.irreversible.is_empty(),
            cost: costed.expected.filter(|_| rate.is_some()),
            trouble: costed.minutes,
            break_even: costed.break_even,
        });
        (choices.collect(), advice)
    }

    /// Runs of a procedure, in any incident.
    fn runs_of<'a>(&'a self, id: &'a ProcedureId) -> impl Iterator<Item = &'a Run> {
        let all = self.incidents.incidents.values().flat_map(|one| one.runs.values());
        all.filter(move |run| run.procedure == *id)
    }

    fn minutes(&self, procedure: &Procedure) -> Figure {
        let took = |run: &Run| {
            let (released, _) = run.released.as_ref()?;
            Some(minutes_of(self.took_effect(run)?.since(*released)))
        };
        let took: Vec<f64> = self.runs_of(&procedure.id).filter_map(took).collect();
        if let Some(median) = median(&took) {
            let runs = if took.len() == 1 { "run" } else { "runs" };
            let basis = format!("median of {} {runs}", took.len());
            return Figure { value: Some(median), basis };
        }
        owners(procedure.expected.map(minutes_of))
    }

    fn chance(&self, procedure: &Procedure) -> Figure {
        let judged = self.runs_of(&procedure.id).filter_map(|run| run.verified.as_ref());
        let judged: Vec<RunVerdict> =
            judged.map(|v| v.verdict).filter(|v| *v != RunVerdict::Unknown).collect();
        if judged.is_empty() {
            return owners(procedure.success);
        }
        let well = judged.iter().filter(|v| **v == RunVerdict::Recovered).count();
        let share = (well as f64 + 1.0) / (judged.len() as f64 + 2.0);
        let basis = format!("{well} of {} judged runs recovered", judged.len());
        Figure { value: Some(share), basis }
    }

    /// The objective of a service that burns fastest, and the share of its budget a minute spends.
    fn burned_per_minute(&self, service: &ServiceId) -> Option<(SloId, f64)> {
        let of = self.slos.statuses.iter().filter_map(|status| {
            let slo = self.catalog.slos.get(&status.slo).filter(|slo| slo.service == *service)?;
            let burn = status.burns.first()?.rate.value().filter(|rate| rate.is_finite())?;
            Some((slo.id.clone(), burn / minutes_of(slo.period).max(1.0)))
        });
        of.max_by(|(_, a), (_, b)| a.total_cmp(b))
    }

    /// How many minutes such an incident lasts.
    fn lasts(&self, incident: &Incident) -> Figure {
        let alike = self.incidents.incidents.values().filter(|one| {
            one.id != incident.id && one.services.iter().any(|s| incident.services.contains(s))
        });
        let lengths: Vec<f64> = alike
            .filter_map(|one| {
                let began = one.onset.unwrap_or(one.declared_at);
                Some(minutes_of(one.resolved_at?.since(began)))
            })
            .collect();
        match median(&lengths) {
            Some(median) => Figure {
                value: Some(median),
                basis: format!("median of {} earlier incident(s) of these services", lengths.len()),
            },
            None => Figure { value: Some(minutes_of(ASSUMED)), basis: "assumed".to_owned() },
        }
    }

    /// Where its ladder stands, and what this rung would leave out.
    fn say_ladder(&self, add: &mut impl FnMut(&str, String), of: &Procedure, now: Timestamp) {
        let Some(ladder) = self.ladder(&of.service) else { return };
        let count = ladder.rungs.len();
        let reached = match ladder.reached() {
            None => format!("none of {count} rungs is taken"),
            Some(one) => format!("rung {} of {count} is reached: {}", one.number, one.title),
        };
        let next = match ladder.next() {
            Some(one) => format!("; next up is {}: {}", one.number, one.title),
            None => "; there is no rung above".to_owned(),
        };
        add("ladder", format!("{reached}{next}"));
        if let Some(back) = ladder.back() {
            add("way back", back.to_string());
        }
        for one in ladder.rungs.iter().filter(|one| one.stands == RungStands::Unknown) {
            let text =
                format!("whether rung {} is in force is not known: settle it first", one.number);
            add("ladder", text);
        }
        let Some(number) = of.rung.filter(|_| of.kind == ProcedureKind::Degradation) else {
            return;
        };
        let left: Vec<String> =
            ladder.left_out(number).map(|one| format!("{} ({})", one.number, one.title)).collect();
        if !left.is_empty() {
            add(LEFT_OUT, format!("rung {}: milder, and not taken", left.join(", ")));
        }
        let own = ladder.rungs.iter().find(|one| one.procedure == of.id);
        if let Some(RungStands::Reached(at)) = own.map(|one| one.stands) {
            add(LEFT_OUT, format!("this rung was taken {} ago already", length(now.since(at))));
        }
    }

    fn reach_of(&self, service: &ServiceId) -> String {
        let graph = self.map.graph();
        let ours = graph.nodes().iter().filter(|node| node.key.service == *service);
        let of: Vec<_> = ours.filter_map(|node| graph.find(&node.key)).collect();
        if of.is_empty() {
            return "unknown: the map does not know the service".to_owned();
        }
        let hit = blast(graph, &of);
        let lost = hit.of_all.map_or_else(|| "an unknown share".to_owned(), share);
        let names: Vec<String> = hit
            .hit
            .iter()
            .take(5)
            .map(|one| graph.node(one.node).key.label().to_string())
            .collect();
        let more = hit.hit.len().saturating_sub(names.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let names = if names.is_empty() {
            "nothing else fails with it".to_owned()
        } else {
            format!("takes down {}{more}", names.join(", "))
        };
        format!("if it goes wrong and {service} stops: {names}; {lost} of all requests")
    }
}

fn owners(value: Option<f64>) -> Figure {
    let basis = if value.is_some() { "its owner's figure" } else { "unknown" };
    Figure { value, basis: basis.to_owned() }
}

fn said(figure: &Figure, words: impl Fn(f64) -> String) -> String {
    match figure.value {
        Some(value) => format!("{} ({})", words(value), figure.basis),
        None => "unknown: it never ran, and its owner gives no figure".to_owned(),
    }
}

/// Whole minutes and seconds of a distance, as one says it.
fn length(span: Span) -> String {
    words::length(span)
}

fn minutes_of(span: Span) -> f64 {
    span.millis() as f64 / 60_000.0
}

/// A share of the budget, small ones too.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent >= 10.0 { format!("{percent:.0} %") } else { format!("{percent:.2} %") }
}

fn median(of: &[f64]) -> Option<f64> {
    let mut of = of.to_vec();
    of.sort_by(f64::total_cmp);
    let upper = *of.get(of.len() / 2)?;
    if of.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(upper, *of.get(of.len() / 2 - 1)?))
}

fn say_change(
    add: &mut impl FnMut(&str, String),
    change: Option<&Change>,
    incident: &Incident,
    now: Timestamp,
) {
    let Some(change) = change else {
        add("takes back", "no change of this service is known".to_owned());
        return;
    };
    let or_unknown = |text: &SafeText| {
        if text.is_empty() { "unknown".to_owned() } else { text.to_string() }
    };
    add("takes back", change.title.to_string());
    add("runs now", or_unknown(&change.after));
    add("ran before", or_unknown(&change.before));
    let reviewed = match &change.reviewed {
        Reviewed::Unknown => "whether it was reviewed is not known".to_owned(),
        Reviewed::No => "nobody reviewed it".to_owned(),
        Reviewed::By(who) => {
            let who: Vec<&str> = who.iter().map(SafeText::as_str).collect();
            format!("reviewed by {}", who.join(", "))
        }
    };
    add(
        "changed by",
        format!("{}, {} ago; {reviewed}", or_unknown(&change.author), length(now.since(change.at))),
    );
    add(
        "onset",
        match incident.onset {
            None => "when it began is not known".to_owned(),
            Some(onset) if change.at <= onset => {
                format!("it began {} after the change", length(onset.since(change.at)))
            }
            Some(onset) => {
                format!(
                    "it began {} before the change: the change did not begin it",
                    length(change.at.since(onset))
                )
            }
        },
    );
    for with in change.with.iter().take(5) {
        add("shipped with it", with.to_string());
    }
    if change.with.len() > 5 {
        add("shipped with it", format!("{} more", change.with.len() - 5));
    }
}

fn say_costs(
    add: &mut impl FnMut(&str, String),
    choices: &[Choice],
    advice: &Advice,
    waiting: &Figure,
    rate: Option<f64>,
) {
    for (at, one) in choices.iter().enumerate() {
        let best = if advice.best == Some(at) { "cheapest: " } else { "" };
        let text = match (one.cost, one.trouble) {
            (Some(cost), Some(minutes)) => {
                format!("{best}{} of the budget, {minutes:.0} min expected", percent(cost))
            }
            (None, Some(minutes)) => format!("{best}{minutes:.0} min expected"),
            _ => "not costed: its minutes or its chance are unknown".to_owned(),
        };
        let aside = if one.set_aside { "; not advised, for what cannot be undone" } else { "" };
        let text = text + aside;
        let even = one.break_even.filter(|_| !one.set_aside);
        let even =
            even.map_or_else(String::new, |p| format!("; worth it from {:.0} % chance", p * 100.0));
        add(one.procedure.as_str(), format!("{text}{even}"));
    }
    let minutes = waiting.value.unwrap_or_default();
    let cost = rate
        .map_or_else(String::new, |rate| format!("{} of the budget, ", percent(rate * minutes)));
    add("waiting", format!("{cost}{minutes:.0} min ({})", waiting.basis));
    let flips: Vec<String> = advice
        .flips
        .iter()
        .filter_map(|(at, input)| {
            Some(format!("{} of {}", input.name(), choices.get(*at)?.procedure))
        })
        .collect();
    if !flips.is_empty() {
        add("would turn it", format!("a quarter more or less of: {}", flips.join(", ")));
    }
}

fn watched(procedure: &Procedure) -> String {
    let verify = &procedure.verify;
    let mut what: Vec<String> = verify.slos.iter().map(ToString::to_string).collect();
    if !verify.alerts.is_empty() {
        let alerts: Vec<String> = verify.alerts.iter().map(ToString::to_string).collect();
        what.push(format!("alerts {}", alerts.join(", ")));
    }
    if what.is_empty() {
        return "nothing: it can only end as unknown".to_owned();
    }
    format!("{}, for {}", what.join("; "), length(verify.window))
}
