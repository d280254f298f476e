//! Firing groups folded into few situations, each with the reason, while alerts come and go.
//!
//! ```text
//! alerts that are new or over ─► SituationStudy ─► Correlator ─► SituationsFound
//!                 who calls whom ─┘   carried out beside the loop      │
//!                                          Model::situations ◄── groups of now
//! ```
//!
//! Alerts are taken in one by one as they begin, so that what was folded stays where it is. A group is
//! where its earliest alert is; a group whose alerts were not taken in yet stands for itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::study::Pace;
use super::{Group, GroupKey, Model, Sight, Tracked};
use crate::analysis::correlation::{self, Correlator, GroupId, Layer, Raised};
use crate::domain::{Alert, AlertKey, SafeText, ServiceId, Severity, Span, Timestamp};

/// How often alerts are taken in.
const EVERY: Span = Span::from_secs(2);
/// What nothing was added to for this long is forgotten.
const KEPT: Span = Span::from_days(7);
/// Labels that say where, the most exact first.
const PLACES: [&str; 5] = ["instance", "pod", "node", "host", "device"];
/// Labels of what services run on.
const MACHINES: [&str; 4] = ["node", "host", "device", "mountpoint"];

/// One firing of an alert.
type Firing = (AlertKey, Timestamp);

/// Where a firing went.
#[derive(Debug, Clone, PartialEq)]
struct Home {
    group: GroupId,
    kind: SafeText,
    place: SafeText,
}

/// Alerts to take in, with what they are folded over.
#[derive(Debug, Clone, PartialEq)]
pub struct SituationStudy {
    correlator: Arc<Correlator>,
    edges: Vec<(usize, usize)>,
    begun: Vec<(Raised, Firing)>,
    over: Vec<(SafeText, SafeText, Timestamp)>,
    homes: BTreeMap<Firing, Home>,
    forget: Timestamp,
}

/// Where every firing went.
#[derive(Debug, Clone, PartialEq)]
pub struct SituationsFound {
    correlator: Arc<Correlator>,
    homes: BTreeMap<Firing, Home>,
}

impl SituationStudy {
    /// Takes them in, earliest first.
    pub(super) fn carry_out(self) -> SituationsFound {
        let Self { correlator, edges, mut begun, over, mut homes, forget } = self;
        let mut correlator = Arc::unwrap_or_clone(correlator);
        correlator.graph(&edges);
        for (kind, place, at) in over {
            correlator.ended(&kind, &place, at);
        }
        begun.sort();
        for (raised, firing) in begun {
            let group = correlator.add(&raised);
            homes.insert(firing, Home { group, kind: raised.kind, place: raised.place });
        }
        correlator.forget(forget);
        SituationsFound { correlator: Arc::new(correlator), homes }
    }
}

/// Which firing is in which situation.
#[derive(Debug, Clone, Default)]
pub struct SituationBook {
    pace: Pace,
    correlator: Arc<Correlator>,
    homes: BTreeMap<Firing, Home>,
    numbers: BTreeMap<ServiceId, usize>,
    /// Grows by one whenever alerts were taken in.
    pub revision: u64,
}

/// Groups that are shown as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Situation {
    /// Its number; it never changes.
    pub id: GroupId,
    /// Its groups, the gravest first, each with why it is here.
    pub groups: Vec<(GroupKey, String)>,
    /// Alerts that are not over.
    pub alerts: usize,
    /// Those of them that are grave enough to wake somebody.
    pub pages: usize,
    /// What is touched, from below.
    pub layers: Vec<Layer>,
    /// Why all of it is probably no sign of trouble, when it is so.
    pub doubt: Option<String>,
}

/// What the eye is spared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spared {
    /// Alerts that are not over.
    pub alerts: usize,
    /// Groups they are in.
    pub groups: usize,
    /// Situations those are in.
    pub situations: usize,
    /// Situations that are probably no sign of trouble.
    pub doubted: usize,
}

impl Spared {
    /// 1 − situations / groups; nothing when there are no groups.
    pub fn share(self) -> Option<f64> {
        (self.groups > 0).then(|| 1.0 - self.situations as f64 / self.groups as f64)
    }
}

impl SituationBook {
    pub(super) fn found(&mut self, found: SituationsFound) {
        self.pace.end();
        (self.correlator, self.homes) = (found.correlator, found.homes);
        self.revision += 1;
    }

    fn home(&self, alert: &Alert) -> Option<&Home> {
        self.homes.get(&(alert.key.clone(), alert.starts_at))
    }

    fn number(&mut self, service: &ServiceId) -> usize {
        let next = self.numbers.len();
        *self.numbers.entry(service.clone()).or_insert(next)
    }
}

impl Model {
    /// The study that is due, if one is.
    pub(super) fn situation_study(&mut self) -> Option<SituationStudy> {
        // Over no graph yet, what belongs together would be torn apart for good.
        if !self.map.is_made() {
            return None;
        }
        let revision = self.alerts.revision;
        if !self.situations.pace.due(revision, EVERY, self.now) {
            return None;
        }
        let (calls, _) = self.call_lists();
        let mut book = std::mem::take(&mut self.situations);
        let mut edges = Vec::new();
        for (from, all) in &calls {
            let from = book.number(from);
            edges.extend(all.iter().map(|to| (from, book.number(to))));
        }
        let is_over = |tracked: &Tracked| matches!(tracked.sight, Sight::Resolved { .. });
        let mut begun = Vec::new();
        for tracked in self.alerts.alerts.values().filter(|tracked| !is_over(tracked)) {
            if book.home(&tracked.alert).is_none() {
                let service = tracked.service.as_ref().map(|service| book.number(service));
                let firing = (tracked.alert.key.clone(), tracked.alert.starts_at);
                begun.push((raised(tracked, service), firing));
            }
        }
        let (mut over, mut homes) = (Vec::new(), BTreeMap::new());
        for (firing, home) in &book.homes {
            let known = self.alerts.alerts.get(&firing.0);
            let ended = match known.filter(|known| known.alert.starts_at == firing.1) {
                Some(Tracked { sight: Sight::Resolved { at }, .. }) => Some(*at),
                Some(_) => None,
                None => Some(self.now),
            };
            match ended {
                Some(at) => over.push((home.kind.clone(), home.place.clone(), at)),
                None => {
                    homes.insert(firing.clone(), home.clone());
                }
            }
        }
        let study = SituationStudy {
            correlator: Arc::clone(&book.correlator),
            edges,
            begun,
            over,
            homes,
            forget: self.now.minus(KEPT),
        };
        book.pace.begin(revision, self.now);
        self.situations = book;
        Some(study)
    }

    /// The number of the situation a group is in; `None` while its alerts were not taken in yet.
    pub fn situation_of(&self, group: &Group) -> Option<GroupId> {
        Some(self.home_of(group)?.group)
    }

    fn home_of(&self, group: &Group) -> Option<&Home> {
        let first = self.alerts.alerts.get(group.alerts.first()?)?;
        let home = self.situations.home(&first.alert)?;
        self.situations.correlator.group(home.group).map(|_| home)
    }

    /// The groups given, folded; in their order, each situation where its first group is.
    pub fn situations<'a>(&self, groups: impl Iterator<Item = &'a Group>) -> Vec<Folded> {
        let mut rows = Vec::new();
        let mut places: BTreeMap<GroupId, usize> = BTreeMap::new();
        for group in groups {
            let Some(id) = self.situation_of(group) else {
                rows.push(Folded::Alone(group.key.clone()));
                continue;
            };
            let at = *places.entry(id).or_insert_with(|| {
                let (groups, layers) = (Vec::new(), Vec::new());
                let (alerts, pages, doubt) = (0, 0, self.doubt(id));
                rows.push(Folded::Together(Situation { id, groups, alerts, pages, layers, doubt }));
                rows.len() - 1
            });
            if let Some(Folded::Together(situation)) = rows.get_mut(at) {
                self.join(situation, group);
            }
        }
        rows
    }

    fn join(&self, situation: &mut Situation, group: &Group) {
        let alerts = group.alerts.iter().filter_map(|key| self.alerts.alerts.get(key));
        let mut layers: BTreeSet<Layer> = situation.layers.iter().copied().collect();
        for tracked in alerts.filter(|t| !matches!(t.sight, Sight::Resolved { .. })) {
            situation.alerts += 1;
            situation.pages += usize::from(pages(tracked));
            layers.insert(layer(tracked));
        }
        situation.layers = layers.into_iter().collect();
        situation.groups.push((group.key.clone(), self.reason(group)));
    }

    /// Why a group is in its situation, in a whole sentence.
    fn reason(&self, group: &Group) -> String {
        let found = self.home_of(group).and_then(|home| {
            let folded = self.situations.correlator.group(home.group)?;
            let same = |m: &&correlation::Member| m.kind == home.kind && m.place == home.place;
            folded.members.iter().find(same)
        });
        found.map_or_else(|| "Not taken in yet.".into(), |member| member.rule.to_string())
    }

    fn doubt(&self, id: GroupId) -> Option<String> {
        let correlator = &self.situations.correlator;
        let doubts = correlator.doubts(correlator.group(id)?)?;
        let all: BTreeSet<String> = doubts.iter().map(ToString::to_string).collect();
        Some(all.into_iter().collect::<Vec<_>>().join(" "))
    }
}

/// A row of the folded list.
#[derive(Debug, Clone, PartialEq)]
pub enum Folded {
    /// A situation; often of one group only.
    Together(Situation),
    /// A group that was not taken in yet.
    Alone(GroupKey),
}

/// How much the eye is spared by a folded list.
pub fn spared(rows: &[Folded]) -> Spared {
    let mut found = Spared { situations: rows.len(), ..Spared::default() };
    for row in rows {
        match row {
            Folded::Together(situation) => {
                found.groups += situation.groups.len();
                found.alerts += situation.alerts;
                found.doubted += usize::from(situation.doubt.is_some());
            }
            Folded::Alone(_) => found.groups += 1,
        }
    }
    found
}

/// Whether an alert is grave enough to wake somebody.
fn pages(tracked: &Tracked) -> bool {
    tracked.judged.severity <= Severity::Sev2
}

/// What kind of thing an alert is about: as its `layer` label says, else by what it names.
fn layer(tracked: &Tracked) -> Layer {
    let labels = &tracked.alert.labels;
    let all = [Layer::Infrastructure, Layer::Application, Layer::Business];
    if let Some(said) = all.into_iter().find(|layer| layer.name() == labels.get("layer")) {
        return said;
    }
    let machine = MACHINES.iter().any(|name| !labels.get(name).is_empty());
    if machine || tracked.service.is_none() { Layer::Infrastructure } else { Layer::Application }
}

fn raised(tracked: &Tracked, service: Option<usize>) -> Raised {
    let alert = &tracked.alert;
    let name = alert.labels.get("alertname");
    let named = PLACES.iter().map(|name| alert.labels.get(name)).find(|text| !text.is_empty());
    let place = named.or(tracked.service.as_ref().map(ServiceId::as_str)).unwrap_or_default();
    // The same name at two sites is two places.
    let place = match (place, alert.key.site.as_str()) {
        ("", site) => site.to_owned(),
        (place, site) => format!("{place} ({site})"),
    };
    Raised {
        at: alert.starts_at,
        kind: SafeText::new(if name.is_empty() { alert.summary() } else { name }),
        place: SafeText::new(&place),
        service,
        layer: layer(tracked),
        page: pages(tracked),
        ended: None,
    }
}
