//! What is known of a service on the map, and what its loss would take down, in words: for the screen,
//! its dialogs and the subcommands alike.

mod blast;

use super::{Health, Model, NodeViews, SloStatus};
use crate::analysis::graph::Lost;
use crate::analysis::retries::RetryState;
use crate::domain::{
    Agreement, Edge, Graph, NodeKey, SafeText, ServiceId, SiteId, SourceKind, SourceStatus, Span,
    TeamId, Timestamp,
};

/// A line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A heading.
    Head(&'static str),
    /// Name and value.
    Pair(SafeText, SafeText),
    /// A sentence.
    Text(SafeText),
    /// Something wrong or missing.
    Warn(SafeText),
}

impl Told {
    pub(super) fn pair(name: &str, value: &str) -> Self {
        Self::Pair(SafeText::new(name), SafeText::new(value))
    }

    pub(super) fn text(text: &str) -> Self {
        Self::Text(SafeText::new(text))
    }

    pub(super) fn warn(text: &str) -> Self {
        Self::Warn(SafeText::new(text))
    }
}

impl Model {
    /// Who owns a service and who is on call for it now: as far as the catalog and the playbook say.
    pub fn owner_of(&self, service: &ServiceId) -> String {
        let owner = self.catalog.services.get(service).map(|s| &s.owner);
        let Some(owner) = owner.filter(|owner| !owner.is_empty()) else {
            return "no owner in the catalog".to_owned();
        };
        let Some(team) = self.playbook.teams.get(&TeamId::new(owner.as_str())) else {
            return owner.to_string();
        };
        format!("{owner}, {}", self.on_call_told(team))
    }

    /// Everything about a service on the map.
    pub fn told_of(&self, key: &NodeKey, views: &NodeViews) -> Vec<Told> {
        let graph = self.map.graph();
        let Some(at) = graph.find(key) else {
            return vec![Told::warn("The map no longer knows it.")];
        };
        let (node, view) = (graph.node(at), views.node(&key.service));
        let mut told = vec![Told::pair("stands", view.health.word())];
        for why in &view.why {
            let bad = view.health.is_bad();
            told.push(if bad { Told::Warn(why.clone()) } else { Told::Text(why.clone()) });
        }
        match (view.at, view.health) {
            (Some(at), _) => told.push(Told::pair("data", &format!("{} old", self.ago(at)))),
            (None, Health::Unknown) => {
                told.push(Told::text("No objective, process or alert says how it is."));
            }
            (None, _) => {}
        }
        told.push(Told::pair("owner", &self.owner_of(&key.service)));
        if !node.declared {
            told.push(Told::warn("No catalog declares it; it was only seen."));
        }
        if let Some(tier) = node.tier {
            told.push(Told::pair("tier", &tier.to_string()));
        }
        // With one site there is nothing to tell apart.
        let metrics = self.sources.values().filter(|one| one.kind == SourceKind::Prometheus);
        let mut sites = metrics.map(|source| &source.site);
        let first = sites.next();
        if sites.any(|site| Some(site) != first) {
            let seen: Vec<&str> = view.sites.iter().map(SiteId::as_str).collect();
            told.push(match seen.as_slice() {
                [] => Told::text("At no site metrics show it."),
                [one] => Told::pair("site", one),
                all => Told::pair("sites", &format!("{}, taken together", all.join(", "))),
            });
        }
        if let Some(live) = view.liveness {
            told.push(Told::pair("processes", &format!("{} of {} up", live.up, live.of)));
        }
        if let Some(quorum) = view.quorum {
            let margin =
                quorum.margin().map_or("lost".to_owned(), |m| format!("may lose {m} more"));
            let text = format!("{} of {} healthy, {margin}", quorum.healthy, quorum.voters);
            told.push(Told::pair("quorum", &text));
        }
        // Those in trouble are among the reasons above.
        let quiet = |status: &&SloStatus| self.trouble_of(status).is_none();
        for status in self.objectives_of(&key.service).filter(quiet) {
            let burn = status.told_burn();
            let burn = burn.map_or("burn not known".to_owned(), |(burn, window)| {
                format!("burn {burn:.1}× over {window}")
            });
            told.push(Told::pair(
                status.slo.as_str(),
                &format!("{}, {burn}", status.verdict.word()),
            ));
        }
        for (head, edges, caller) in [
            ("Called by", graph.callers(at).collect::<Vec<_>>(), true),
            ("Calls", graph.calls(at).collect(), false),
        ] {
            if edges.is_empty() {
                continue;
            }
            told.push(Told::Head(head));
            for edge in edges {
                let edge = graph.edge(edge);
                let other = graph.node(if caller { edge.from } else { edge.to });
                let text = self.call(graph, edge, views);
                told.push(Told::pair(&other.key.label(), &text));
            }
        }
        told
    }

    /// How long ago, in whole seconds.
    pub(super) fn ago(&self, at: Timestamp) -> Span {
        Span::from_secs(self.now.since(at).millis() / 1_000)
    }

    fn objectives_of<'a>(&'a self, service: &'a ServiceId) -> impl Iterator<Item = &'a SloStatus> {
        let of = |status: &&SloStatus| {
            self.catalog.slos.get(&status.slo).is_some_and(|slo| slo.service == *service)
        };
        self.slos.statuses.iter().filter(of)
    }

    /// Whether any source tells of calls, and has done so.
    fn sees_calls(&self) -> bool {
        let traces = |status: &SourceStatus| status.kind == SourceKind::Jaeger;
        let asked = !self.catalog.edges.is_empty() || self.sources.values().any(traces);
        let heard = |status: &SourceStatus| status.last_good.is_some();
        asked && self.sources.values().any(heard)
    }

    /// A call in one line: how hard, how much, who says so and when, what is wrong along it.
    pub fn call(&self, graph: &Graph, edge: &Edge, views: &NodeViews) -> String {
        let mut parts = vec![match (edge.is_hard(), edge.assumed) {
            (true, false) => "hard".to_owned(),
            (true, true) => "taken as hard".to_owned(),
            (false, _) => "soft".to_owned(),
        }];
        if let Some(calls) = edge.calls {
            parts.push(format!("{calls:.1}/s"));
        }
        let (from, to) = (&graph.node(edge.from).key.service, &graph.node(edge.to).key.service);
        if let Some(stand) = views.edge(from, to) {
            if stand.seen.stale {
                parts.push("readings are old".to_owned());
            }
            if stand.seen.tripped == Some(true) {
                parts.push("breaker open".to_owned());
            }
            match stand.retries {
                RetryState::Storm => parts.push("retry storm".to_owned()),
                RetryState::OverBudget => parts.push("many retries".to_owned()),
                RetryState::Unknown | RetryState::Usual => {}
            }
        }
        let origins = edge.origins.iter().map(|(origin, seen)| {
            let ago = self.ago(seen);
            if origin.is_declared() {
                origin.name().to_owned()
            } else {
                format!("{} {ago} ago", origin.name())
            }
        });
        let origins = origins.collect::<Vec<_>>().join(" and ");
        parts.push(match edge.origins.agreement() {
            Agreement::Both => origins,
            // Nobody has looked for calls where no source tells of any.
            Agreement::DeclaredOnly if !self.sees_calls() => format!("declared by {origins}"),
            Agreement::DeclaredOnly => format!("declared by {origins}, never seen"),
            Agreement::ObservedOnly => format!("seen by {origins}, not declared"),
        });
        parts.join(", ")
    }
}

/// A share between its bounds.
pub fn share(lost: Lost) -> String {
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let (least, most) = (percent(lost.least), percent(lost.most));
    if least == most { least } else { format!("{least} to {most}") }
}
