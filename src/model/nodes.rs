//! How each service on the map stands: the worst of what its objectives, alerts, processes, quorum and
//! callers say, with the reason and its age. Nothing is well without fresh data that says so.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::{EdgeView, Liveness, Model, SloStatus, Verdict, map};
use crate::analysis::capability::{self, Capability, Served};
use crate::analysis::quorum::Quorum;
use crate::analysis::retries::{self, EdgeLoad, RetryState};
use crate::domain::{
    Filter, Freshness, Graph, Labels, MeasureId, Node, NodeIx, SafeText, ServiceId, Severity,
    SiteId, SourceId, Span, Timestamp,
};

/// What users get is judged by what is no older than this.
const RECENT: Span = Span::from_mins(5);

/// One word for a service, worst first. Only `Well` may be shown in the colour of health.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Health {
    /// No process answers, or no majority is left.
    Down,
    /// Users are not served, an objective pages, or a grave alert fires.
    Failing,
    /// Something burns, fires, trips or repeats itself.
    Hurting,
    /// What is known is too old.
    Stale,
    /// Nothing is known.
    #[default]
    Unknown,
    /// Fresh data says that it is well.
    Well,
}

impl Health {
    /// Worst first.
    pub const ALL: [Self; 6] =
        [Self::Down, Self::Failing, Self::Hurting, Self::Stale, Self::Unknown, Self::Well];

    /// As shown and printed.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Failing => "failing",
            Self::Hurting => "hurting",
            Self::Stale => "stale",
            Self::Unknown => "unknown",
            Self::Well => "well",
        }
    }

    /// Whether something is known to be wrong.
    pub const fn is_bad(self) -> bool {
        matches!(self, Self::Down | Self::Failing | Self::Hurting)
    }
}

/// How a service stands.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NodeView {
    /// The word.
    pub health: Health,
    /// Why, worst first, each a whole sentence.
    pub why: Vec<SafeText>,
    /// The worst verdict of its objectives.
    pub verdict: Option<Verdict>,
    /// The highest burn of its objectives.
    pub burn: Option<f64>,
    /// Firing alerts, and the worst severity among their groups.
    pub firing: usize,
    /// The worst severity of what fires.
    pub severity: Option<Severity>,
    /// Its processes.
    pub liveness: Option<Liveness>,
    /// Whether it does its work, whatever its processes say.
    pub capability: Option<Capability>,
    /// The consensus group of it that can lose least.
    pub quorum: Option<Quorum>,
    /// Open breakers on the calls to it.
    pub tripped: usize,
    /// Retry storms on the calls to it.
    pub storms: usize,
    /// Sites whose metrics see it: a service has one name wherever it runs, and may run at several.
    pub sites: BTreeSet<SiteId>,
    /// The newest of what this rests on.
    pub at: Option<Timestamp>,
}

impl NodeView {
    fn worse(&mut self, health: Health, why: String) {
        // The gravest reason stands first; of equals the one that was found first.
        if health < self.health {
            self.health = health;
            self.why.insert(0, SafeText::new(&why));
        } else {
            self.why.push(SafeText::new(&why));
        }
    }
}

/// Every service's standing, and what is seen along the calls.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NodeViews {
    /// By service.
    pub nodes: HashMap<ServiceId, NodeView>,
    /// By caller and callee.
    pub edges: HashMap<(ServiceId, ServiceId), EdgeStand>,
    /// The retrying call that must be cut first, when there is a storm.
    pub cut: Option<(ServiceId, ServiceId)>,
    /// Calls that are in trouble as far as is known, by caller: for lines of a drawing, in every frame.
    troubled: HashMap<ServiceId, Vec<(ServiceId, CallTrouble)>>,
    /// The words once more, by place in the graph they were made of: for walks over thousands of nodes.
    placed: (Arc<Graph>, Vec<Health>),
}

/// What is wrong along a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallTrouble {
    /// Its breaker is open.
    Tripped,
    /// The caller repeats itself past what the callee can take.
    Storm,
}

/// How a call stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EdgeStand {
    /// What is seen along it.
    pub seen: EdgeView,
    /// What its retries come to.
    pub retries: RetryState,
    /// How many times the usual attempts there are.
    pub factor: Option<f64>,
}

impl NodeViews {
    /// How a service stands; unknown when it was never looked at.
    pub fn node(&self, service: &ServiceId) -> NodeView {
        self.nodes.get(service).cloned().unwrap_or_default()
    }

    /// The word for a service.
    pub fn health(&self, service: &ServiceId) -> Health {
        self.nodes.get(service).map_or(Health::Unknown, |view| view.health)
    }

    /// The word for a node of a graph.
    pub fn health_at(&self, graph: &Arc<Graph>, at: NodeIx) -> Health {
        let (of, words) = &self.placed;
        match words.get(at.index()) {
            Some(word) if Arc::ptr_eq(of, graph) => *word,
            _ => self.health(&graph.node(at).key.service),
        }
    }

    /// Whether a node satisfies a filter by `service`, `site`, `team` (or `owner`), `health` and words of its
    /// name. With `site` it is enough that one of the sites where it is seen does.
    pub fn satisfy(&self, node: &Node, filter: &Filter) -> bool {
        let at = |site: &str| {
            let labels = Labels::of(&[
                ("service", node.key.service.as_str()),
                ("site", site),
                ("team", node.team.as_str()),
                ("owner", node.team.as_str()),
                ("health", self.health(&node.key.service).word()),
            ]);
            filter.matches(&labels, &[&node.key.label()])
        };
        match self.nodes.get(&node.key.service).map(|view| &view.sites) {
            Some(sites) if !sites.is_empty() => sites.iter().any(|site| at(site.as_str())),
            _ => at(node.key.site.as_str()),
        }
    }

    /// How a call stands, when anything is seen of it.
    pub fn edge(&self, from: &ServiceId, to: &ServiceId) -> Option<&EdgeStand> {
        self.edges.get(&(from.clone(), to.clone()))
    }

    /// What is wrong along a call by what is no older than it may be.
    pub fn trouble(&self, from: &ServiceId, to: &ServiceId) -> Option<CallTrouble> {
        self.troubled.get(from)?.iter().find(|(callee, _)| callee == to).map(|(_, what)| *what)
    }
}

impl Model {
    /// How everything on the map stands now. One pass over objectives, groups of alerts, answers and
    /// calls: for when data has arrived, never for a frame.
    pub fn node_views(&self) -> NodeViews {
        let graph = self.map.graph();
        let mut views = NodeViews::default();
        for node in graph.nodes() {
            views.nodes.entry(node.key.service.clone()).or_default();
        }
        for id in self.catalog.services.keys() {
            views.nodes.entry(id.clone()).or_default();
        }
        self.note_calls(graph, &mut views);
        let served = self.note_objectives(&mut views);
        self.note_alerts(&mut views);
        self.note_quorums(&mut views);
        self.note_sites(&mut views);
        let ids: Vec<ServiceId> = views.nodes.keys().cloned().collect();
        for id in ids {
            let liveness = self.liveness(&id);
            if let Some(view) = views.nodes.get_mut(&id) {
                let served = served.get(&id).map_or(&[][..], Vec::as_slice);
                self.note_capability(view, liveness, served);
            }
        }
        let words = graph.nodes().iter().map(|node| views.health(&node.key.service)).collect();
        views.placed = (Arc::clone(graph), words);
        views
    }

    fn note_calls(&self, graph: &Graph, views: &mut NodeViews) {
        let mut seen: Vec<_> = self.edge_views().into_iter().collect();
        seen.sort_by(|a, b| a.0.cmp(&b.0));
        let mut place: BTreeMap<&ServiceId, usize> = BTreeMap::new();
        for ((from, to), _) in &seen {
            for id in [from, to] {
                let next = place.len();
                place.entry(id).or_insert(next);
            }
        }
        let requests =
            |id: &ServiceId| graph.of_service(id).map(|at| graph.traffic(at)).sum::<Option<f64>>();
        let loads = seen.iter().filter(|(_, view)| !view.stale).filter_map(|((from, to), view)| {
            let attempts = view.calls?;
            let errors = view.failed.filter(|_| attempts > 0.0).map(|failed| failed / attempts);
            Some(EdgeLoad {
                caller: *place.get(from)?,
                callee: *place.get(to)?,
                attempts,
                requests: requests(from).unwrap_or(0.0),
                usual: None,
                retries: view.retried,
                errors,
            })
        });
        let report = retries::judge(&loads.collect::<Vec<_>>());
        let mut judged: HashMap<(usize, usize), (RetryState, Option<f64>)> = HashMap::new();
        for one in &report.edges {
            judged.insert((one.caller, one.callee), (one.state, one.factor));
        }
        for ((from, to), view) in &seen {
            let ends = place.get(from).zip(place.get(to)).map(|(a, b)| (*a, *b));
            let (retries, factor) = ends
                .and_then(|ends| judged.get(&ends).copied())
                .unwrap_or((RetryState::Unknown, None));
            let stand = EdgeStand { seen: *view, retries, factor };
            views.edges.insert((from.clone(), to.clone()), stand);
            if view.stale {
                continue;
            }
            let storm = (retries == RetryState::Storm).then_some(CallTrouble::Storm);
            let tripped = (view.tripped == Some(true)).then_some(CallTrouble::Tripped);
            if let Some(trouble) = storm.or(tripped) {
                views.troubled.entry(from.clone()).or_default().push((to.clone(), trouble));
            }
            let Some(callee) = views.nodes.get_mut(to) else { continue };
            if view.tripped == Some(true) {
                callee.tripped += 1;
                callee.worse(Health::Hurting, format!("The breaker of {from} to it is open."));
            }
            if retries == RetryState::Storm {
                callee.storms += 1;
                let times = factor.map_or(String::new(), |f| format!(" {f:.1} times"));
                callee.worse(Health::Hurting, format!("{from} repeats its calls{times}: a storm."));
            }
        }
        let name = |at: usize| place.iter().find(|(_, p)| **p == at).map(|(id, _)| (*id).clone());
        views.cut = report.cut.and_then(|cut| name(cut.caller).zip(name(cut.callee)));
    }

    /// Notes objectives; gives what they say of each service's users.
    fn note_objectives(&self, views: &mut NodeViews) -> HashMap<ServiceId, Vec<Served>> {
        let mut served: HashMap<ServiceId, Vec<Served>> = HashMap::new();
        for status in &self.slos.statuses {
            let Some(slo) = self.catalog.slos.get(&status.slo) else { continue };
            let view = views.nodes.entry(slo.service.clone()).or_default();
            let burn = status.burns.first().and_then(|burn| burn.rate.value());
            view.at = view.at.max(status.at);
            view.verdict = Some(view.verdict.map_or(status.verdict, |v| v.min(status.verdict)));
            let told = status.told_burn().map(|(burn, _)| burn);
            view.burn = match (view.burn, told) {
                (Some(a), Some(b)) => Some(a.max(b)),
                (a, b) => a.or(b),
            };
            let allowed = 1.0 - slo.objective;
            if let (Some(at), Some(burn)) = (status.at, burn) {
                // An objective is missed outright when it pages; a slow burn still serves most.
                let errors = Some(burn * allowed).filter(|e| e.is_finite());
                let bound = if status.verdict == Verdict::Page { allowed } else { 1.0 };
                let of = Served::Requests { errors, allowed: bound, rate: None, usual: None, at };
                served.entry(slo.service.clone()).or_default().push(of);
            }
            if let Some((health, why)) = self.trouble_of(status) {
                view.worse(health, why);
            }
        }
        served
    }

    /// What an objective has against its service, if anything.
    pub(super) fn trouble_of(&self, status: &SloStatus) -> Option<(Health, String)> {
        let health = match status.verdict {
            Verdict::Page => Some(Health::Failing),
            Verdict::Ticket | Verdict::Spent | Verdict::Burning => Some(Health::Hurting),
            _ => None,
        };
        let fresh = status.at.is_some_and(|at| self.now.since(at) <= RECENT);
        match (health, status.at) {
            (Some(_), Some(_)) if !fresh => {
                Some((Health::Stale, format!("{} burned when last asked.", status.slo)))
            }
            (Some(health), _) => {
                let word = status.verdict.word();
                let said = match status.told_burn() {
                    Some((burn, window)) if status.verdict == Verdict::Burning => {
                        format!("burns {burn:.1}× over {window}")
                    }
                    Some((burn, window)) => format!("{word}, burns {burn:.1}× over {window}"),
                    None => word.to_owned(),
                };
                Some((health, format!("{}: {said}.", status.slo)))
            }
            (None, Some(_)) if !fresh => {
                Some((Health::Stale, format!("{} was not asked lately.", status.slo)))
            }
            _ => None,
        }
    }

    fn note_alerts(&self, views: &mut NodeViews) {
        for group in &self.alerts.groups {
            let Some(service) = &group.service else { continue };
            let view = views.nodes.entry(service.clone()).or_default();
            if group.active > 0 {
                let severity = group.judged.severity;
                view.firing += group.active;
                view.severity = Some(view.severity.map_or(severity, |s| s.min(severity)));
                let grave = severity <= Severity::Sev2;
                let health = if grave { Health::Failing } else { Health::Hurting };
                view.worse(health, format!("{severity} {} fires.", group.title));
            } else if group.unseen > 0 {
                view.worse(Health::Stale, format!("{} fired when last seen.", group.title));
            }
        }
    }

    /// Where each is seen, by its processes and its calls. What tells of alerts and traces is often one for
    /// all sites.
    fn note_sites(&self, views: &mut NodeViews) {
        let mut note = |service: &ServiceId, site: &SiteId| {
            if let Some(view) = views.nodes.get_mut(service)
                && !view.sites.contains(site)
            {
                view.sites.insert(site.clone());
            }
        };
        let of = |source: &SourceId| self.sources.get(source).map(|source| &source.site);
        for id in self.catalog.services.keys() {
            let answer = self.measures.get(&MeasureId::Alive(id.clone()));
            let answer = answer.filter(|answer| !answer.found.is_empty());
            answer
                .and_then(|answer| of(&answer.source))
                .into_iter()
                .for_each(|site| note(id, site));
        }
        for (id, edges) in &self.catalog.edges {
            let Some(answer) = self.measures.get(&MeasureId::Calls(id.clone())) else { continue };
            let Some(site) = of(&answer.source) else { continue };
            for found in &answer.found {
                for label in [&edges.from, &edges.to] {
                    let end = map::end(&self.catalog, &found.labels, label);
                    end.iter().for_each(|service| note(service, site));
                }
            }
        }
    }

    fn note_quorums(&self, views: &mut NodeViews) {
        for one in self.consensus() {
            let Some(view) = views.nodes.get_mut(&one.group.service) else { continue };
            let Some(quorum) = one.quorum else { continue };
            let fresh = one.age.is_some_and(|(_, freshness)| freshness == Freshness::Fresh);
            let id = &one.group.id;
            let of = format!("{} of {} members", quorum.healthy, quorum.voters);
            if !fresh {
                view.worse(Health::Stale, format!("{id} had {of} when last asked."));
            } else if !quorum.held() {
                view.worse(Health::Down, format!("{id} has lost its majority: {of}."));
            } else if quorum.healthy < quorum.voters {
                view.worse(Health::Hurting, format!("{id} has {of} left."));
            }
            // Groups come with the one that can lose least first.
            view.quorum = view.quorum.or(Some(quorum));
        }
    }

    fn note_capability(&self, view: &mut NodeView, liveness: Option<Liveness>, served: &[Served]) {
        view.liveness = liveness;
        let alive = liveness.filter(|l| l.freshness == Freshness::Fresh);
        let judged = alive.map(|l| capability::Liveness {
            up: l.up,
            total: l.of,
            at: self.now.minus(l.age),
        });
        view.at = view.at.max(judged.map(|judged| judged.at));
        // How fresh liveness has to be was judged by its source's own pace.
        let fresh = alive.map_or(RECENT, |l| l.age.max(RECENT));
        let found = capability::judge(judged, served, self.now, fresh);
        view.capability = Some(found);
        match found {
            Capability::Down => view.worse(Health::Down, found.to_string()),
            Capability::AliveNotWorking | Capability::NotWorking => {
                view.worse(Health::Failing, found.to_string());
            }
            Capability::ThinnedOut | Capability::ProbeWrong => {
                view.worse(Health::Hurting, found.to_string());
            }
            Capability::Works if view.health == Health::Unknown => {
                view.health = Health::Well;
                view.why.push(SafeText::new(&found.to_string()));
            }
            Capability::AliveNotKnown => view.why.push(SafeText::new(&found.to_string())),
            Capability::Works | Capability::Unknown => {}
        }
        if liveness.is_some_and(|l| l.freshness != Freshness::Fresh) {
            let health = if view.health == Health::Well { Health::Well } else { Health::Stale };
            view.worse(health, "Its processes were not seen lately.".into());
        }
    }
}
