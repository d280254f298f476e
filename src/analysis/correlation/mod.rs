//! Alerts folded into few groups over graph, time and labels, each with the reason.
//!
//! An alert that comes again belongs to the group it was in, unless the pause is longer than its own
//! pauses usually are ([`stream`]). One that is new, or new again, joins a group that just opened:
//!
//! | rule | joins | within |
//! |---|---|---|
//! | same place | other alerts of the same host or instance | 5 s |
//! | same kind | the same alert elsewhere | 5 s |
//! | same service | alerts about one service, whatever the layer | 5 min |
//! | neighbours | alerts about caller and callee | 5 min |
//!
//! What comes all the time says nothing about what comes with it: a stream that fired often enough
//! for its pauses to be known neither joins nor attracts by time alone (the first two rules).
//!
//! Five seconds is one round of evaluating rules; five minutes is the time in which trouble climbs
//! one edge before alerts with the usual `for` fire. A group takes nothing new in after an hour.
//! Nothing is hidden: every alert is counted in exactly one group, pages are counted by themselves,
//! and a page never disappears in a group that has been there for long. Groups never change their
//! number and never become one: a later alert that would fit two joins the older one.
//!
//! What is probably a false alarm ([`noise`]) is named with the reason; never a page. [`causes`]
//! learns which kinds cause which; [`templates`] finds texts that say the same.
//!
//! One alert costs O(openings within five minutes) and usually O(1).

pub mod causes;
mod group;
pub mod noise;
mod stream;
pub mod templates;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use crate::domain::{SafeText, Span, Timestamp};

pub use group::{Group, GroupId, Member, Rule};
pub use noise::{Doubt, Reduction};

use stream::Stream;

/// One round of rule evaluation: what starts within it starts together.
const TOGETHER: Span = Span::from_secs(5);
/// The time in which trouble climbs one edge and alerts about it fire.
const SPREAD: Span = Span::from_mins(5);
/// A group takes in nothing new after this long.
const LONGEST: Span = Span::from_hours(1);
/// More openings than this are not looked back at.
const MOST_OPENINGS: usize = 5_000;

/// What kind of thing an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Layer {
    /// Machines, networks, disks, clusters.
    Infrastructure,
    /// Services: latency, errors, saturation.
    #[default]
    Application,
    /// What customers do: orders, payments, sign-ins.
    Business,
}

impl Layer {
    /// As it is shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Infrastructure => "infrastructure",
            Self::Application => "application",
            Self::Business => "business",
        }
    }
}

/// An alert that began to fire.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Raised {
    /// When.
    pub at: Timestamp,
    /// What: the rule's name, or the template of the text when there is none.
    pub kind: SafeText,
    /// Where: instance, host, pod, else the service.
    pub place: SafeText,
    /// The service it is about, by its number in the graph.
    pub service: Option<usize>,
    /// What kind of thing it is about.
    pub layer: Layer,
    /// Whether it wakes somebody.
    pub page: bool,
    /// When it ended, when that is known already.
    pub ended: Option<Timestamp>,
}

/// A stream that opened in a group.
#[derive(Debug, Clone, PartialEq)]
struct Opening {
    at: Timestamp,
    kind: SafeText,
    place: SafeText,
    service: Option<usize>,
    layer: Layer,
    /// Whether it comes all the time, which says nothing about what comes with it.
    often: bool,
    group: GroupId,
}

/// The groups so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Correlator {
    near: HashMap<usize, BTreeSet<usize>>,
    streams: HashMap<(SafeText, SafeText), Stream>,
    openings: VecDeque<Opening>,
    groups: BTreeMap<GroupId, Group>,
    next: u64,
    alerts: usize,
    pages: usize,
}

impl Correlator {
    /// Over a graph of callers and callees. Cycles, self-edges and repetitions are fine.
    pub fn new(edges: &[(usize, usize)]) -> Self {
        let mut correlator = Self::default();
        correlator.graph(edges);
        correlator
    }

    /// Another graph from now on; groups stay as they are.
    pub fn graph(&mut self, edges: &[(usize, usize)]) {
        self.near.clear();
        for (a, b) in edges {
            self.near.entry(*a).or_default().insert(*b);
            self.near.entry(*b).or_default().insert(*a);
        }
    }

    /// All alerts of a list, whatever their order.
    pub fn fold(edges: &[(usize, usize)], alerts: &[Raised]) -> Self {
        let mut correlator = Self::new(edges);
        let mut sorted: Vec<&Raised> = alerts.iter().collect();
        sorted.sort();
        for raised in sorted {
            correlator.add(raised);
        }
        correlator
    }

    /// Takes one alert in and says where it went.
    pub fn add(&mut self, raised: &Raised) -> GroupId {
        self.alerts += 1;
        self.pages += usize::from(raised.page);
        let key = (raised.kind.clone(), raised.place.clone());
        let mut stream = self.streams.remove(&key).unwrap_or_default();
        let again = stream.again(raised);
        let often = stream.is_routine();
        let home = stream.home.filter(|(group, _)| again && self.groups.contains_key(group));
        let (group, member) = match home {
            Some(home) => home,
            None => {
                let (group, rule) = self.opening(raised, often);
                let member = self.open(raised, group, rule, often);
                (group, member)
            }
        };
        if let Some(group) = self.groups.get_mut(&group) {
            group.count(raised, member);
        }
        stream.took(raised, (group, member));
        self.streams.insert(key, stream);
        group
    }

    /// An alert stopped firing.
    pub fn ended(&mut self, kind: &SafeText, place: &SafeText, at: Timestamp) {
        if let Some(stream) = self.streams.get_mut(&(kind.clone(), place.clone())) {
            stream.ended(at);
        }
    }

    /// All groups, oldest first.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    /// One group.
    pub fn group(&self, id: GroupId) -> Option<&Group> {
        self.groups.get(&id)
    }

    /// Drops groups to which nothing was added since `before`. Their numbers are not used again.
    pub fn forget(&mut self, before: Timestamp) {
        self.groups.retain(|_, group| group.last >= before);
        self.streams.retain(|_, stream| stream.last().is_none_or(|last| last >= before));
        self.openings.retain(|opening| opening.at >= before);
    }

    /// The group for a stream that opens, and why.
    fn opening(&mut self, raised: &Raised, often: bool) -> (GroupId, Rule) {
        while self.openings.len() > MOST_OPENINGS
            || self.openings.front().is_some_and(|o| raised.at.since(o.at) > SPREAD)
        {
            self.openings.pop_front();
        }
        let fits = |opening: &Opening| {
            let apart = raised.at.since(opening.at);
            let apart = if apart < Span::default() { Span::default() } else { apart };
            let group = self.groups.get(&opening.group)?;
            if raised.at.since(group.first) > LONGEST {
                return None;
            }
            let rule = self.rule(raised, opening, apart, often || opening.often)?;
            Some((rule.rank(), opening.group, rule))
        };
        let best =
            self.openings.iter().filter_map(fits).min_by_key(|(rank, group, _)| (*rank, *group));
        if let Some((_, group, rule)) = best {
            return (group, rule);
        }
        let id = GroupId(self.next);
        self.next += 1;
        self.groups.insert(id, Group::new(id, raised.at));
        (id, Rule::First)
    }

    /// Why an alert belongs to what opened shortly before, if it does.
    fn rule(&self, raised: &Raised, opening: &Opening, apart: Span, often: bool) -> Option<Rule> {
        let together = apart <= TOGETHER && !often;
        if together && raised.place == opening.place {
            return Some(Rule::SamePlace { with: opening.kind.clone(), apart });
        }
        if together && raised.kind == opening.kind {
            return Some(Rule::SameKind { at: opening.place.clone(), apart });
        }
        let (own, other) = (raised.service?, opening.service?);
        let layers = (opening.layer, raised.layer);
        let with = opening.kind.clone();
        if own == other {
            return Some(Rule::SameService { with, layers, apart });
        }
        let near = self.near.get(&own).is_some_and(|near| near.contains(&other));
        near.then(|| Rule::Neighbours { with, at: opening.place.clone(), layers, apart })
    }

    fn open(&mut self, raised: &Raised, group: GroupId, rule: Rule, often: bool) -> usize {
        self.openings.push_back(Opening {
            at: raised.at,
            kind: raised.kind.clone(),
            place: raised.place.clone(),
            service: raised.service,
            layer: raised.layer,
            often,
            group,
        });
        self.groups.get_mut(&group).map_or(0, |group| group.open(raised, rule))
    }
}

#[cfg(test)]
mod tests;
