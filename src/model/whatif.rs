//! What breaks first if load grows, a zone or a replica is lost, or a service is drained: the graph, the calls
//! that were measured and the resources as they are now, put into [`crate::analysis::whatif`].

mod ask;
mod base;
mod reach;
mod words;

use std::collections::{BTreeMap, BTreeSet};

pub use ask::{SUPPOSE, Suppose};
use reach::{add_assumptions, busiest, down, few, grown, moved, path, refusal, some};

use super::{Gauge, GaugeId, Model};
use crate::analysis::whatif::{Behaviour, Breaks, Call, Node, Scenario, Stock, headroom, what_if};
use crate::domain::{
    Consensus, Freshness, Graph, MeasureId, Measured, NodeIx, NodeKey, Resource, ResourceKind,
    SafeText, Service, ServiceId, Signal, Timestamp, nearest,
};

/// Load that grew by less is as it was.
const SAME: f64 = 1e-6;

/// What becomes of one resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Strained {
    /// Which.
    pub gauge: GaugeId,
    /// How many times the load it gets.
    pub growth: f64,
    /// In use afterwards; for what fills up, now.
    pub used: Option<f64>,
    /// Share in use afterwards.
    pub share: Option<f64>,
    /// When it breaks.
    pub breaks: Breaks,
    /// What its load may be multiplied by; `None` when not known.
    pub headroom: Option<f64>,
    /// The way the load takes to the service that fills it.
    pub path: Vec<ServiceId>,
}

impl Strained {
    /// Whether its load is another than now.
    fn is_touched(&self) -> bool {
        (self.growth - 1.0).abs() > SAME
    }

    const fn does_break(&self) -> bool {
        matches!(self.breaks, Breaks::AtOnce | Breaks::After(_))
    }
}

/// What comes of something supposed.
#[derive(Debug, Clone, PartialEq)]
pub struct Supposed {
    /// What was supposed.
    pub suppose: Suppose,
    /// Why it must not be done on purpose, when it would take a majority away.
    pub refused: Option<SafeText>,
    /// Services whose load changes, each at its site, with by how much; what grows most first.
    pub growth: Vec<(NodeKey, f64)>,
    /// Services that stop, each at its site.
    pub down: Vec<NodeKey>,
    /// Resources, the first to break first.
    pub strained: Vec<Strained>,
    /// What was assumed, as whole sentences.
    pub assumed: Vec<SafeText>,
    /// Whether something takes over of which nobody can tell how much more it gets.
    pub blind: bool,
}

impl Supposed {
    /// The first resource that breaks by what is supposed.
    pub fn first(&self) -> Option<&Strained> {
        self.strained.iter().find(|one| one.is_touched() && one.does_break())
    }

    /// Whether it reaches something of which it cannot be said whether it holds.
    pub fn is_unsure(&self) -> bool {
        let unknown = |one: &Strained| one.is_touched() && one.breaks == Breaks::Unknown;
        (self.blind && !self.strained.is_empty()) || self.strained.iter().any(unknown)
    }

    /// The first that breaks whether this happens or not.
    pub fn anyway(&self) -> Option<&Strained> {
        self.strained.iter().find(|one| !one.is_touched() && one.does_break())
    }
}

/// What is gone, and what was assumed to say so.
#[derive(Default)]
struct Losses {
    /// Replicas that are lost, by service.
    lost: BTreeMap<ServiceId, u16>,
    /// Services that are wholly gone.
    gone: BTreeSet<ServiceId>,
    /// Groups that cannot decide any more, in words.
    stopped: Vec<String>,
    assumed: Vec<String>,
}

impl Model {
    /// What comes of something supposed; or a sentence when it cannot be said.
    pub fn what_if(&self, suppose: &Suppose) -> Result<Supposed, SafeText> {
        let graph = self.map.graph();
        if !self.map.is_made() {
            return Err("Who calls whom is not known yet; ask again in a few seconds.".into());
        }
        self.known(suppose)?;
        let losses = self.losses(suppose);
        let (nodes, unsaid) = self.nodes(graph, &losses);
        let calls: Vec<Call> = graph
            .edges()
            .iter()
            .map(|edge| Call {
                from: edge.from.index(),
                to: edge.to.index(),
                hard: edge.is_hard(),
                rate: edge.calls,
            })
            .collect();
        let mut assumed = losses.assumed.clone();
        let said = assumed.len();
        let gauges = self.gauges();
        let ix = |service: &ServiceId| graph.of_service(service).map(NodeIx::index);
        let growth = match suppose {
            Suppose::Load(service, times) => {
                ix(service).map(|at| (at, f64::from(*times) / 1_000.0)).collect()
            }
            Suppose::Drain(service) => moved(graph, service, &mut assumed),
            Suppose::Zone(_) | Suppose::Replicas(..) => Vec::new(),
        };
        let blind = assumed.len() > said;
        let scenario = Scenario { growth };
        // Which site of a service fills a resource nobody says, so it is the one whose load grows most.
        let load = what_if(&nodes, &calls, &[], &scenario).growth;
        let mut baseless: Vec<&str> = Vec::new();
        let mut spread: Vec<ServiceId> = Vec::new();
        let mut stocks: Vec<(GaugeId, Stock)> = Vec::with_capacity(gauges.len());
        for (resource, gauge) in &gauges {
            let at = busiest(graph, &resource.filled_by, &load, &mut spread);
            let Some((stock, based)) =
                at.map(|filled_by| self.stock(filled_by, resource, gauge, &gauges))
            else {
                continue;
            };
            if !based && !baseless.contains(&resource.id.as_str()) {
                baseless.push(resource.id.as_str());
            }
            stocks.push((gauge.id.clone(), stock));
        }
        let asked: Vec<Stock> = stocks.iter().map(|(_, stock)| *stock).collect();
        let outcome = what_if(&nodes, &calls, &asked, &scenario);
        if !spread.is_empty() {
            assumed.push(format!(
                "Which site of {} fills its resources nobody says; the one whose load grows most is \
                 taken.",
                few(&spread)
            ));
        }
        if !unsaid.is_empty() && !losses.lost.is_empty() {
            assumed.push(format!("Nobody says how many of {} run; one is assumed.", few(&unsaid)));
        }
        if !baseless.is_empty() {
            assumed.push(format!(
                "What {} use without any load is not known from their history; all of it is taken to \
                 follow the load.",
                some(&baseless)
            ));
        }
        add_assumptions(graph, &outcome, &asked, &mut assumed);
        let down = down(graph, &nodes, &losses);
        let strained = outcome.strains.iter().filter_map(|strain| {
            let (gauge, stock) = stocks.get(strain.stock)?;
            Some(Strained {
                gauge: gauge.clone(),
                growth: strain.growth,
                used: Some(strain.used).filter(|used| used.is_finite()),
                share: Some(strain.share).filter(|share| share.is_finite()),
                breaks: strain.breaks,
                headroom: headroom(stock),
                path: path(graph, suppose, stock.filled_by),
            })
        });
        Ok(Supposed {
            suppose: suppose.clone(),
            refused: refusal(suppose, &losses),
            growth: grown(graph, &outcome),
            down,
            strained: strained.collect(),
            assumed: assumed.iter().map(|text| SafeText::new(text)).collect(),
            blind,
        })
    }

    /// Services whose traffic says how much of a resource is in use without load.
    pub fn whatif_needs(&self) -> Vec<ServiceId> {
        let resources = self.catalog.resources.values();
        // Its use is asked for with its own service, the traffic with the one that fills it.
        let services: BTreeSet<ServiceId> =
            resources.flat_map(|r| [r.service.clone(), r.filled_by.clone()]).collect();
        services.into_iter().filter(|id| self.catalog.services.contains_key(id)).collect()
    }

    /// Whether what is supposed speaks of something that is there.
    fn known(&self, suppose: &Suppose) -> Result<(), SafeText> {
        let graph = self.map.graph();
        if let Some(service) = suppose.service() {
            if graph.of_service(service).next().is_some() {
                return Ok(());
            }
            let mut names = graph.nodes().iter().map(|node| node.key.service.as_str());
            let near = nearest(service.as_str(), &mut names);
            let hint = near.map_or_else(String::new, |near| format!(" Did you mean `{near}`?"));
            return Err(SafeText::new(&format!(
                "There is no service `{service}` in the map.{hint}"
            )));
        }
        let Suppose::Zone(zone) = suppose else { return Ok(()) };
        let zones: BTreeSet<&str> = self
            .catalog
            .services
            .values()
            .flat_map(|service| service.zones.iter().map(SafeText::as_str))
            .collect();
        if zones.contains(zone.as_str()) {
            return Ok(());
        }
        let known: Vec<&str> = zones.into_iter().take(12).collect();
        let known = match known.as_slice() {
            [] => "no service of the catalog says its `zones`".to_owned(),
            some => format!("known are {}", some.join(", ")),
        };
        Err(SafeText::new(&format!("No service is in a zone `{zone}`; {known}.")))
    }

    fn losses(&self, suppose: &Suppose) -> Losses {
        let mut losses = Losses::default();
        match suppose {
            Suppose::Load(..) => {}
            Suppose::Drain(service) => {
                losses.gone.insert(service.clone());
                losses.assumed.push(
                    "A drained service sends its callers away: those that cannot do without it stop."
                        .into(),
                );
            }
            Suppose::Replicas(service, count) => {
                losses.lost.insert(service.clone(), *count);
            }
            Suppose::Zone(zone) => {
                for service in self.catalog.services.values() {
                    let zones = u16::try_from(service.zones.len()).unwrap_or(u16::MAX);
                    if service.zones.contains(zone) {
                        let count = self.running(service).unwrap_or(1);
                        losses.lost.insert(service.id.clone(), count.div_ceil(zones.max(1)));
                    }
                }
                losses.assumed.push(
                    "Replicas are spread evenly over the zones a service says; one that says none is \
                     taken to stay."
                        .into(),
                );
            }
        }
        for group in self.catalog.consensus.values() {
            self.lose_members(group, suppose, &mut losses);
        }
        losses
    }

    /// How many of a service run: as seen when that is fresh, else as written down.
    fn running(&self, service: &Service) -> Option<u16> {
        let seen = self.liveness(&service.id);
        let seen = seen.filter(|alive| alive.freshness == Freshness::Fresh);
        let seen = seen.and_then(|alive| u16::try_from(alive.up).ok());
        seen.or(service.replicas)
    }

    /// What a group of members loses, and whether it goes on deciding.
    fn lose_members(&self, group: &Consensus, suppose: &Suppose, losses: &mut Losses) {
        let Some(view) = self.consensus().into_iter().find(|view| view.group.id == group.id) else {
            return;
        };
        let Some(quorum) = view.quorum else {
            if losses.lost.contains_key(&group.service) || losses.gone.contains(&group.service) {
                let text =
                    format!("{}: no member answered, so its majority is not known.", group.id);
                losses.assumed.push(text);
            }
            return;
        };
        let lost = match suppose {
            Suppose::Load(..) => 0,
            Suppose::Drain(service) if *service == group.service => quorum.healthy,
            Suppose::Replicas(service, count) if *service == group.service => *count,
            Suppose::Drain(_) | Suppose::Replicas(..) => 0,
            Suppose::Zone(zone) => self.members_in(group, zone, losses),
        };
        if lost > 0 && !quorum.survives(lost) {
            losses.stopped.push(format!(
                "{}: {} of {} members are healthy and {} are needed, so losing {lost} more leaves it \
                 without a majority",
                group.id, quorum.healthy, quorum.voters, quorum.needed
            ));
            losses.gone.insert(group.service.clone());
        }
    }

    /// Healthy members in a zone: those whose labels name it, else the share its service says.
    fn members_in(&self, group: &Consensus, zone: &SafeText, losses: &Losses) -> u16 {
        let found = self.measures.get(&MeasureId::Members(group.id.clone()));
        let found = found.map_or(&[][..], |answer| &answer.found);
        let is_well = |member: &&Measured| member.value.value().is_some_and(|v| v >= 1.0);
        let names = |member: &&Measured| member.labels.iter().any(|(_, value)| value == zone);
        let count = found.iter().filter(is_well).filter(names).count();
        if count > 0 {
            return u16::try_from(count).unwrap_or(u16::MAX);
        }
        losses.lost.get(&group.service).copied().unwrap_or(0)
    }

    /// The services as the analysis wants them, and those of which nobody says how many run.
    fn nodes(&self, graph: &Graph, losses: &Losses) -> (Vec<Node>, Vec<ServiceId>) {
        let mut unsaid = Vec::new();
        let nodes = graph.node_indices().map(|at| {
            let id = &graph.node(at).key.service;
            let running = self.catalog.services.get(id).and_then(|service| self.running(service));
            let lost = losses.lost.get(id).copied().unwrap_or(0);
            if running.is_none() && lost > 0 {
                unsaid.push(id.clone());
            }
            Node { replicas: running.unwrap_or(1), lost, traffic: graph.traffic(at) }
        });
        (nodes.collect(), unsaid)
    }

    /// A resource as the analysis wants it, and whether its base is known.
    fn stock(
        &self,
        filled_by: usize,
        resource: &Resource,
        gauge: &Gauge,
        all: &[(&Resource, Gauge)],
    ) -> (Stock, bool) {
        let behaviour = match resource.kind {
            ResourceKind::Queue | ResourceKind::Disk => Behaviour::Fills,
            _ => Behaviour::Lent,
        };
        let series = all.iter().filter(|(of, _)| of.id == resource.id).count();
        let service = self.catalog.services.get(&resource.service);
        let running = service.and_then(|service| self.running(service)).map(usize::from);
        let base = match behaviour {
            Behaviour::Fills => None,
            Behaviour::Lent => self.base(resource, gauge),
        };
        // An old answer says nothing about now.
        let is_fresh = matches!(gauge.age, Some((_, Freshness::Fresh)));
        let used = gauge.used.value().filter(|_| is_fresh);
        let is_known = used.is_some();
        let based = base.is_some() || behaviour == Behaviour::Fills || !is_known;
        let outlook = gauge.outlook.as_ref();
        let stock = Stock {
            filled_by,
            used: used.unwrap_or(f64::NAN),
            limit: gauge.limit.unwrap_or(f64::NAN),
            base: base.unwrap_or(0.0),
            rate: outlook.and_then(|outlook| outlook.per_hour).map(|rate| rate / 3_600.0),
            behaviour,
            per_replica: series > 1 && running == Some(series),
        };
        (stock, based)
    }

    /// What is in use without load, from the history of both.
    fn base(&self, resource: &Resource, gauge: &Gauge) -> Option<f64> {
        let traffic = self.traffic_of(&resource.filled_by)?;
        let finely = self.measures.history(&MeasureId::Strain(resource.id.clone()));
        let finely = finely.and_then(|(_, lines)| match lines {
            [line] if gauge.id.labels.is_empty() || lines.len() == 1 => Some(&line.points),
            lines => {
                let same = |name: &SafeText, value: &SafeText, labels: &crate::domain::Labels| {
                    labels.get(name) == value.as_str()
                };
                let of = |line: &&crate::domain::Series| {
                    gauge.id.labels.iter().all(|(name, value)| same(name, value, &line.labels))
                };
                lines.iter().find(of).map(|line| &line.points)
            }
        });
        let coarsely = gauge.outlook.as_ref().map(|outlook| &outlook.points);
        base::base(finely.or(coarsely)?, traffic)
    }

    fn traffic_of(&self, service: &ServiceId) -> Option<&[(Timestamp, f64)]> {
        let compared = MeasureId::Signal(service.clone(), Signal::Traffic);
        if let Some((_, [line, ..])) = self.measures.history(&compared) {
            return Some(&line.points);
        }
        let view = self.signals.by_service.get(service)?.get(&Signal::Traffic)?;
        (!view.series.points.is_empty()).then_some(&view.series.points)
    }
}
