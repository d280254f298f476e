//! What a containment or a rung of a ladder takes down with it, for its card: the cut-off, the drain, the
//! majority of the groups it touches, and what it costs in error budget while it lasts.
//!
//! | figure | from |
//! |---|---|
//! | share of requests lost | blast radius of the service on the map ([`crate::analysis::graph::blast`]) |
//! | members taken | servers its steps drain or stop; all members when it stops none by name |
//! | budget per hour | lost share / (1 − objective) / period, between its bounds |

use std::collections::BTreeSet;

use crate::analysis::graph::{Blast, Lost, blast, drain};
use crate::domain::{Ask, Graph, NodeIx, Procedure, ProcedureKind, ServerState, ServiceId, Slo};

use super::{ConsensusView, Model, lost_share as share};

/// Most names in one line.
const MOST_NAMES: usize = 5;
/// Most objectives whose cost is told.
const MOST_SLOS: usize = 6;

impl Model {
    /// Says what it takes down, line by line.
    pub(super) fn say_impact(&self, of: &Procedure, add: &mut impl FnMut(&str, String)) {
        let graph = self.map.graph();
        let ours = graph.node_indices();
        let ours: Vec<NodeIx> =
            ours.filter(|at| graph.node(*at).key.service == of.service).collect();
        if ours.is_empty() {
            let text =
                "unknown: the map does not know the service, so nobody can tell what hangs on it";
            add("cut off", text.to_owned());
            self.say_quorum(of, &[], add);
            return;
        }
        let cut = blast(graph, &ours);
        let what = match of.kind {
            ProcedureKind::Containment => "cut off",
            // A rung leaves most of it working; this is the worst it can come to.
            _ => "at worst",
        };
        let undeclared = ours.iter().any(|at| !graph.node(*at).declared);
        let doubt =
            if undeclared { "; no catalog declares it, so this may not be all" } else { "" };
        add(what, format!("{}{doubt}", lost(graph, &cut)));
        let drained = drain(graph, &ours);
        let over: Vec<String> = drained
            .takes_over
            .iter()
            .map(|one| {
                let times =
                    one.times.map_or(String::new(), |times| format!(" ({times:.1}x its load)"));
                format!("{}{times}", drained.left.node(one.node).key.label())
            })
            .collect();
        add(
            "drained",
            match over.as_slice() {
                [] => format!("nothing takes over: {}", lost(&drained.left, &drained.stranded)),
                over => {
                    format!("{} take over; {}", few(over), lost(&drained.left, &drained.stranded))
                }
            },
        );
        let hit: Vec<ServiceId> =
            cut.hit.iter().map(|hit| graph.node(hit.node).key.service.clone()).collect();
        self.say_quorum(of, &hit, add);
        self.say_budget(of, graph, &cut, add);
    }

    /// Groups that decide by majority: its own, and those of what fails with it.
    fn say_quorum(&self, of: &Procedure, hit: &[ServiceId], add: &mut impl FnMut(&str, String)) {
        for one in self.consensus() {
            let group = &one.group;
            if group.service == of.service {
                add("quorum", own_quorum(&one, servers(of)));
            } else if hit.contains(&group.service) {
                let stands = one.quorum.map_or_else(
                    || "its members are not known".to_owned(),
                    |q| {
                        format!(
                            "{} of {} members healthy, {} needed",
                            q.healthy, q.voters, q.needed
                        )
                    },
                );
                let text = format!("{} hangs on it through {}; {stands}", group.id, group.service);
                add("quorum", text);
            }
        }
    }

    /// What it costs in error budget while the service is cut off.
    fn say_budget(
        &self,
        of: &Procedure,
        graph: &Graph,
        cut: &Blast,
        add: &mut impl FnMut(&str, String),
    ) {
        let own = (of.service.clone(), Lost { least: 1.0, most: 1.0 });
        let hit = cut.hit.iter().map(|hit| (graph.node(hit.node).key.service.clone(), hit.lost));
        let mut seen = BTreeSet::new();
        let mut costs: Vec<(f64, String)> = Vec::new();
        for (service, lost) in std::iter::once(own).chain(hit) {
            if !seen.insert(service.clone()) {
                continue;
            }
            let slos = self.catalog.slos.values().filter(|slo| slo.service == service);
            costs.extend(slos.filter_map(|slo| self.cost(slo, lost)));
        }
        costs.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        if costs.is_empty() {
            add(
                "SLO cost",
                "unknown: no objective is declared for it or what fails with it".to_owned(),
            );
        }
        let more = costs.len().saturating_sub(MOST_SLOS);
        for (_, text) in costs.into_iter().take(MOST_SLOS) {
            add("SLO cost", text);
        }
        if more > 0 {
            add("SLO cost", format!("{more} more objectives"));
        }
    }

    /// Share of the budget an hour of it spends at most, and in words.
    fn cost(&self, slo: &Slo, lost: Lost) -> Option<(f64, String)> {
        let hours = slo.period.millis() as f64 / 3_600_000.0;
        let allowed = (1.0 - slo.objective) * hours;
        if allowed <= 0.0 || !allowed.is_finite() {
            return None;
        }
        let (least, most) = (lost.least / allowed, lost.most / allowed);
        let range = match (percent(least), percent(most)) {
            (a, b) if a == b => a,
            (a, b) => format!("{a} to {b}"),
        };
        let left = self.slos.status(&slo.id).and_then(|status| status.budget_left.value());
        let gone = match left {
            None => "how much is left is not known".to_owned(),
            Some(left) if left <= 0.0 => "its budget is spent already".to_owned(),
            Some(left) if most > 0.0 => {
                format!("what is left is gone in {} at the earliest", minutes(left / most * 60.0))
            }
            Some(_) => "nothing of it is lost".to_owned(),
        };
        Some((most, format!("{}: {range} of its budget an hour while it lasts; {gone}", slo.id)))
    }
}

/// Servers that its steps take out of service.
fn servers(of: &Procedure) -> u16 {
    let stopped = of.steps.iter().filter_map(|step| match &step.ask {
        Ask::Server { backend, server, state: ServerState::Drain | ServerState::Maintenance } => {
            Some((backend, server))
        }
        _ => None,
    });
    u16::try_from(stopped.collect::<BTreeSet<_>>().len()).unwrap_or(u16::MAX)
}

/// A group of the service itself: how many members it can lose, and whether it survives this.
fn own_quorum(one: &ConsensusView<'_>, servers: u16) -> String {
    let id = &one.group.id;
    let Some(quorum) = one.quorum else {
        return format!(
            "{id}: its members are not known, so nobody can tell whether it survives this"
        );
    };
    let (taken, words) = match servers {
        0 => (quorum.healthy, "all of its members are cut off".to_owned()),
        1 => (1, "1 member is taken".to_owned()),
        n => (n, format!("{n} members are taken")),
    };
    let margin = match quorum.margin() {
        None => "it has lost its majority already".to_owned(),
        Some(0) => "it can lose none".to_owned(),
        Some(n) => format!("it can lose {n}"),
    };
    let end = match (quorum.margin(), quorum.survives(taken)) {
        (None, _) => "and stays without one",
        (_, true) => "and it goes on deciding",
        (_, false) => "and it stops deciding",
    };
    let stale = match one.age {
        Some((_, crate::domain::Freshness::Fresh)) => "",
        _ => " (as last seen)",
    };
    format!(
        "{id}: {} of {} members healthy{stale}, {} needed, {margin}; {words}, {end}",
        quorum.healthy, quorum.voters, quorum.needed
    )
}

fn lost(graph: &Graph, of: &Blast) -> String {
    let all = match of.of_all {
        Some(lost) => format!("{} of all requests lost", share(lost)),
        None => "what share of all requests that is, is not known".to_owned(),
    };
    let name = |at: NodeIx| graph.node(at).key.label().to_string();
    let hit: Vec<String> =
        of.hit.iter().map(|one| format!("{} ({})", name(one.node), share(one.lost))).collect();
    let down = match hit.as_slice() {
        [] => "nothing else fails with it".to_owned(),
        hit => format!("takes down {}", few(hit)),
    };
    let slow: Vec<String> = of.degraded.iter().map(|one| name(one.node)).collect();
    let slow = if slow.is_empty() { String::new() } else { format!("; {} degrade", few(&slow)) };
    format!("{down}{slow}; {all}")
}

fn few(names: &[String]) -> String {
    let more = names.len().saturating_sub(MOST_NAMES);
    let shown = names.get(..names.len() - more).unwrap_or(names).join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent >= 10.0 { format!("{percent:.0} %") } else { format!("{percent:.1} %") }
}

fn minutes(of: f64) -> String {
    match of {
        m if m >= 2_880.0 => format!("{:.0} days", m / 1_440.0),
        m if m >= 120.0 => format!("{:.0} h", m / 60.0),
        m if m >= 1.0 => format!("{m:.0} min"),
        _ => "less than a minute".to_owned(),
    }
}
