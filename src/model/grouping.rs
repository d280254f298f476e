//! Groups: alerts of one site that share the values of the grouping labels, worst first.
//!
//! One pass over all alerts; the only allocations are those the groups keep.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::{Alert, AlertKey, AlertState, Catalog, Filter, SafeText, Severity};

use foldhash::quality::RandomState;

use super::alerts::{AlertBook, Group, GroupKey, Seen, Sight, Tracked};

/// How many alerts there are of each kind. Each alert counts once, resolved ones not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Reported and not muted, acknowledged or not.
    pub firing: usize,
    /// Silenced or inhibited.
    pub muted: usize,
    /// Acknowledged, among firing, stale and lost ones.
    pub acked: usize,
    /// Reported by an Alertmanager that has gone quiet.
    pub stale: usize,
    /// Gone without anything to show that they are over.
    pub lost: usize,
    /// Not muted, by severity, SEV-1 first.
    pub by_severity: [usize; 5],
    /// Groups with something that is neither muted nor acknowledged.
    pub groups_unacked: usize,
}

/// What an alert counts as in its group.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Active,
    Silenced,
    Inhibited,
    Unseen,
}

impl Place {
    /// `None` for what is over. A muted alert whose Alertmanager is quiet stays muted: it would
    /// otherwise call for attention exactly when nothing about it has become worse.
    fn of(tracked: &Tracked) -> Option<Self> {
        match (&tracked.sight, &tracked.alert.state) {
            (Sight::Resolved { .. }, _) => None,
            (Sight::Lost { .. }, _) => Some(Self::Unseen),
            (_, AlertState::Suppressed { silenced_by, .. }) => {
                Some(if silenced_by.is_empty() { Self::Inhibited } else { Self::Silenced })
            }
            (Sight::Stale { .. }, _) => Some(Self::Unseen),
            (Sight::Firing, _) => Some(Self::Active),
        }
    }

    fn is_muted(self) -> bool {
        matches!(self, Self::Silenced | Self::Inhibited)
    }
}

/// A group's alerts, with whether each is still seen.
type Members = Vec<(Arc<Alert>, Seen)>;

type Member<'a> = (&'a AlertKey, &'a Tracked, Place);

impl AlertBook {
    /// Makes groups, counts and headline anew from the alerts.
    pub(super) fn regroup(&mut self, group_by: &[SafeText], catalog: &Catalog) {
        let mut counts = Counts::default();
        let mut places: HashMap<GroupKey, usize, RandomState> = HashMap::default();
        let mut buckets: Vec<(GroupKey, Vec<Member<'_>>)> = Vec::new();
        // One key is filled in again and again; only a new group costs an allocation.
        let mut key = GroupKey { site: Default::default(), values: Vec::new() };
        for (alert_key, tracked) in &self.alerts {
            let Some(place) = Place::of(tracked) else { continue };
            count(&mut counts, tracked, place);
            key.site.clone_from(&alert_key.site);
            key.values.clear();
            let labels = &tracked.alert.labels;
            key.values.extend(group_by.iter().map(|n| labels.text(n).cloned().unwrap_or_default()));
            let at = match places.get(&key) {
                Some(at) => *at,
                None => {
                    places.insert(key.clone(), buckets.len());
                    buckets.push((key.clone(), Vec::new()));
                    buckets.len() - 1
                }
            };
            if let Some((_, members)) = buckets.get_mut(at) {
                members.push((alert_key, tracked, place));
            }
        }
        let mut made: Vec<(Group, Members)> =
            buckets.into_iter().filter_map(|(key, members)| group(key, members, catalog)).collect();
        made.sort_by(|(a, _), (b, _)| rank(a).cmp(&rank(b)));
        counts.groups_unacked = made.iter().filter(|(g, _)| g.needs_attention()).count();
        let (groups, members): (Vec<Group>, Vec<_>) = made.into_iter().unzip();
        places.clear();
        places.extend(groups.iter().enumerate().map(|(at, group)| (group.key.clone(), at)));
        self.groups = groups;
        self.revision += 1;
        self.members = members;
        self.places = places;
        self.counts = counts;
    }

    /// The group with this key, if it still has alerts.
    pub fn group(&self, key: &GroupKey) -> Option<&Group> {
        self.groups.get(*self.places.get(key)?)
    }

    /// Indices into `groups` of those with an alert that satisfies the filter. A word is looked for
    /// in labels, summary, site, owner and service. Groups with nothing but muted alerts are left
    /// out unless `show_muted`.
    pub fn visible(&self, filter: &Filter, show_muted: bool) -> Vec<usize> {
        let shown = |at: &usize| {
            let (Some(group), Some(members)) = (self.groups.get(*at), self.members.get(*at)) else {
                return false;
            };
            (show_muted || !group.is_muted())
                && (filter.is_empty() || members.iter().any(|(a, _)| satisfies(filter, group, a)))
        };
        (0..self.groups.len()).filter(shown).collect()
    }

    /// Alerts of one group that satisfy the filter, earliest first.
    pub fn matching<'a>(
        &'a self,
        key: &GroupKey,
        filter: &'a Filter,
    ) -> impl Iterator<Item = &'a Arc<Alert>> + 'a {
        let group = self.group(key);
        let alerts = self.members(key).iter().map(|(alert, _)| alert);
        alerts.filter(move |a| group.is_some_and(|group| satisfies(filter, group, a)))
    }

    /// Alerts of one group, earliest first, and how each is seen.
    pub fn members(&self, key: &GroupKey) -> &[(Arc<Alert>, Seen)] {
        let at = self.places.get(key);
        at.and_then(|at| self.members.get(*at)).map_or(&[], Vec::as_slice)
    }

    /// How many alerts of each kind.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// The worst thing that nobody takes care of yet, else the worst of all; `None` when nothing
    /// that is not muted is known.
    pub fn headline(&self) -> Option<&Group> {
        self.groups.first().filter(|group| !group.is_muted())
    }
}

impl Group {
    /// Whether everything in it is silenced or inhibited.
    pub const fn is_muted(&self) -> bool {
        self.active == 0 && self.unseen == 0
    }

    /// Whether something in it is neither muted nor acknowledged.
    pub fn needs_attention(&self) -> bool {
        !self.is_muted() && self.ack.is_none()
    }

    /// One line: `SEV-1 HighErrorRate checkout: 12 % of requests fail`.
    pub fn line(&self) -> SafeText {
        SafeText::new(&format!("{} {}: {}", self.judged.severity, self.title, self.summary))
    }
}

fn satisfies(filter: &Filter, group: &Group, alert: &Alert) -> bool {
    let service = group.service.as_ref().map_or("", |s| s.as_str());
    filter.matches(
        &alert.labels,
        &[alert.summary(), alert.key.site.as_str(), group.owner.as_str(), service],
    )
}

fn rank(group: &Group) -> (u8, Severity, crate::domain::Timestamp, &GroupKey) {
    let class = match (group.is_muted(), group.ack.is_some()) {
        (false, false) => 0,
        (false, true) => 1,
        (true, _) => 2,
    };
    (class, group.judged.severity, group.since, &group.key)
}

fn count(counts: &mut Counts, tracked: &Tracked, place: Place) {
    match (place, &tracked.sight) {
        (Place::Silenced | Place::Inhibited, _) => counts.muted += 1,
        (Place::Active, _) => counts.firing += 1,
        (Place::Unseen, Sight::Lost { .. }) => counts.lost += 1,
        (Place::Unseen, _) => counts.stale += 1,
    }
    if place.is_muted() {
        return;
    }
    counts.acked += usize::from(tracked.ack.is_some());
    let at = usize::from(tracked.judged.severity.number() - 1);
    if let Some(of) = counts.by_severity.get_mut(at) {
        *of += 1;
    }
}

fn group(
    key: GroupKey,
    mut members: Vec<Member<'_>>,
    catalog: &Catalog,
) -> Option<(Group, Members)> {
    members.sort_unstable_by_key(|(key, tracked, _)| (tracked.alert.starts_at, *key));
    // The worst of what is not muted speaks for the group; the earliest of equals.
    let lead = members
        .iter()
        .min_by_key(|(_, t, place)| (place.is_muted(), t.judged.severity, t.alert.starts_at))?;
    let (_, lead, _) = *lead;
    let since = members.first()?.1.alert.starts_at;
    let of = |wanted: Place| members.iter().filter(|(_, _, place)| *place == wanted).count();
    // The lead is asked first, then the others from the earliest on.
    let told = |ask: &dyn Fn(&Alert) -> Option<SafeText>| {
        ask(&lead.alert).or_else(|| members.iter().find_map(|(_, t, _)| ask(&t.alert)))
    };
    let service = lead.service.clone().or_else(|| members.iter().find_map(|m| m.1.service.clone()));
    let entry = service.as_ref().and_then(|id| catalog.services.get(id));
    let owner = told(&|a| a.labels.text("owner").or_else(|| a.labels.text("team")).cloned());
    let runbook = told(&|a| {
        a.annotations.text("runbook_url").or_else(|| a.annotations.text("runbook")).cloned()
    });
    // Acknowledged means every one of them; shown is the latest word.
    let ack = if members.iter().all(|(_, t, _)| t.ack.is_some()) {
        members.iter().filter_map(|(_, t, _)| t.ack.clone()).max_by_key(|ack| ack.at)
    } else {
        None
    };
    let group = Group {
        title: title(&key),
        judged: lead.judged.clone(),
        active: of(Place::Active),
        silenced: of(Place::Silenced),
        inhibited: of(Place::Inhibited),
        unseen: of(Place::Unseen),
        since,
        owner: owner.or_else(|| entry.map(|s| s.owner.clone())).unwrap_or_default(),
        runbook: runbook.or_else(|| entry.map(|s| s.runbook.clone())).unwrap_or_default(),
        service,
        ack,
        summary: SafeText::new(lead.alert.summary()),
        alerts: members.iter().map(|(key, _, _)| (*key).clone()).collect(),
        key,
    };
    let seen = |sight: &Sight| match sight {
        Sight::Firing => Some(Seen::Firing),
        Sight::Stale { .. } => Some(Seen::Stale),
        Sight::Lost { .. } => Some(Seen::Lost),
        Sight::Resolved { .. } => None,
    };
    let member = |(_, t, _): &Member<'_>| Some((Arc::clone(&t.alert), seen(&t.sight)?));
    let alerts = members.iter().filter_map(member).collect();
    Some((group, alerts))
}

fn title(key: &GroupKey) -> SafeText {
    let parts: Vec<&str> =
        key.values.iter().map(|v| v.as_str()).filter(|v| !v.is_empty()).collect();
    SafeText::new(&if parts.is_empty() { key.site.to_string() } else { parts.join(" ") })
}

impl AlertBook {
    /// Alerts that are over, latest first; kept a while for those who look away.
    pub fn resolved(&self) -> Vec<&Tracked> {
        let mut over: Vec<_> = self
            .alerts
            .values()
            .filter_map(|t| match t.sight {
                Sight::Resolved { at } => Some((at, t)),
                _ => None,
            })
            .collect();
        over.sort_by_key(|(at, t)| (Reverse(*at), &t.alert.key));
        over.into_iter().map(|(_, t)| t).collect()
    }
}
