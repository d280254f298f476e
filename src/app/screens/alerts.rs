//! The Alerts screen: rows from groups, filter and opened groups; what ack, silence and notes act on.

use crate::app::{AlertRow, State};
use crate::domain::{Alert, AlertState, Labels, Matcher, SafeText, SiteId};
use crate::eventlog::{AlertInstance, Subject};
use crate::model::{Folded, Group, GroupKey, Sight, Situation, SituationId, Tracked, spared};

use super::{Move, kept, moved};

/// Makes the rows anew when the model changed. Not while a dialog is open: nothing reorders under it.
pub(in crate::app) fn refresh(state: &mut State, force: bool) {
    let State { model, ui, .. } = state;
    let revision = model.alerts.revision + model.situations.revision;
    if !force && (ui.dialog.is_some() || ui.alerts.revision == revision) {
        return;
    }
    let alerts = &mut ui.alerts;
    alerts.revision = revision;
    let mut rows = Vec::with_capacity(model.alerts.groups.len());
    let visible = model.alerts.visible(&alerts.filter, alerts.show_muted);
    let visible = visible.into_iter().filter_map(|at| model.alerts.groups.get(at));
    let list = |key: &GroupKey, rows: &mut Vec<AlertRow>| {
        rows.push(AlertRow::Group(key.clone()));
        if let Some(group) = model.alerts.group(key).filter(|_| alerts.open.contains(key)) {
            let members = group.alerts.iter();
            rows.extend(members.map(|alert| AlertRow::Alert(key.clone(), alert.clone())));
        }
    };
    alerts.situations.clear();
    if alerts.unfolded {
        visible.for_each(|group| list(&group.key, &mut rows));
    } else {
        let folded = model.situations(visible);
        alerts.spared = spared(&folded);
        for row in folded {
            match row {
                Folded::Alone(key) => list(&key, &mut rows),
                Folded::Together(one) => {
                    let Some((lead, _)) = one.groups.first() else { continue };
                    // One group nobody doubts is told by itself.
                    if one.groups.len() == 1 && one.doubt.is_none() {
                        list(lead, &mut rows);
                        continue;
                    }
                    rows.push(AlertRow::Situation(one.id, lead.clone()));
                    if alerts.opened.contains(&one.id) {
                        one.groups.iter().for_each(|(key, _)| list(key, &mut rows));
                    }
                    alerts.situations.push(one);
                }
            }
        }
    }
    // A situation stays itself when another of its groups becomes the gravest.
    if let Some(AlertRow::Situation(id, _)) = &alerts.selected {
        let same = |row: &&AlertRow| matches!(row, AlertRow::Situation(other, _) if other == id);
        alerts.selected = rows.iter().find(same).cloned().or_else(|| alerts.selected.clone());
    }
    // Folded away, a group is where its situation is.
    let folded = alerts.selected.as_ref().filter(|row| !rows.contains(row));
    if let Some(key) = folded.map(AlertRow::group) {
        let within = |one: &&Situation| one.groups.iter().any(|(group, _)| group == key);
        let situation = alerts.situations.iter().find(within).map(|one| one.id);
        let same =
            |row: &&AlertRow| matches!(row, AlertRow::Situation(id, _) if Some(*id) == situation);
        if let Some(row) = rows.iter().find(same).cloned() {
            alerts.selected = Some(row);
        }
    }
    if !alerts.chosen {
        alerts.selected = None;
    }
    alerts.selected =
        kept(&alerts.rows, &rows, alerts.selected.as_ref()).or_else(|| rows.first().cloned());
    alerts.rows = rows;
    alerts.marked.retain(|key| model.alerts.group(key).is_some());
}

pub(in crate::app) fn go(state: &mut State, by: Move) {
    let alerts = &mut state.ui.alerts;
    alerts.chosen = true;
    alerts.selected = moved(&alerts.rows, alerts.selected.as_ref(), by);
}

/// Opens a group's list of alerts, or closes it.
pub(in crate::app) fn toggle(state: &mut State, key: &GroupKey) {
    state.ui.alerts.chosen = true;
    let open = &mut state.ui.alerts.open;
    if !open.remove(key) {
        open.insert(key.clone());
    }
    refresh(state, true);
}

/// Opens a situation into its groups, or closes it.
pub(in crate::app) fn toggle_situation(state: &mut State, id: SituationId) {
    state.ui.alerts.chosen = true;
    let opened = &mut state.ui.alerts.opened;
    if !opened.remove(&id) {
        opened.insert(id);
    }
    refresh(state, true);
}

/// The groups a row stands for.
pub(in crate::app) fn groups(state: &State, row: &AlertRow) -> Vec<GroupKey> {
    match row {
        AlertRow::Situation(id, _) => {
            let situation = state.ui.alerts.situation(*id);
            let groups = situation.map_or(&[][..], |situation| &situation.groups);
            groups.iter().map(|(key, _)| key.clone()).collect()
        }
        AlertRow::Group(key) | AlertRow::Alert(key, _) => vec![key.clone()],
    }
}

/// What an action on alerts is about.
#[derive(Debug, Clone)]
pub(in crate::app) struct Chosen {
    /// For people.
    pub(in crate::app) title: SafeText,
    /// Groups.
    pub(in crate::app) groups: Vec<GroupKey>,
    /// A single alert, when an alert row is selected and nothing is marked.
    pub(in crate::app) alert: Option<crate::domain::AlertKey>,
    /// Site.
    pub(in crate::app) site: SiteId,
}

/// Marked groups, else the selected row of the list that has the focus.
pub(in crate::app) fn chosen(state: &State) -> Option<Chosen> {
    let model = &state.model;
    let alerts = &state.ui.alerts;
    let on_alerts = state.ui.screen == crate::actions::Screen::Alerts;
    let row = if on_alerts {
        alerts.selected.clone()
    } else {
        state.ui.bridge.group.clone().map(AlertRow::Group)
    };
    let marked: Vec<GroupKey> = alerts.marked.iter().cloned().collect();
    if on_alerts && !marked.is_empty() {
        let title = match marked.as_slice() {
            [one] => model.alerts.group(one)?.title.clone(),
            several => SafeText::new(&format!("{} marked groups", several.len())),
        };
        return Some(Chosen {
            title,
            site: marked.first()?.site.clone(),
            groups: marked,
            alert: None,
        });
    }
    let row = row?;
    let group = model.alerts.group(row.group())?;
    let alert = match &row {
        AlertRow::Alert(_, key) => Some(key.clone()),
        AlertRow::Situation(..) | AlertRow::Group(_) => None,
    };
    let title = match alert.as_ref().and_then(|k| model.alerts.alerts.get(k)) {
        Some(tracked) => SafeText::new(&alert_title(group, tracked)),
        None => group.title.clone(),
    };
    let groups = groups(state, &row);
    let title = match groups.len() {
        0 | 1 => title,
        more => SafeText::new(&format!("{title} and {} more groups of its situation", more - 1)),
    };
    Some(Chosen { title, groups, alert, site: row.group().site.clone() })
}

fn alert_title(group: &Group, tracked: &Tracked) -> String {
    let instance = tracked.alert.labels.get("instance");
    if instance.is_empty() {
        group.title.to_string()
    } else {
        format!("{} {instance}", group.title)
    }
}

impl Chosen {
    /// The alerts meant, each as the instance that began when it did; resolved ones are left out.
    pub(in crate::app) fn instances(&self, state: &State) -> Vec<AlertInstance> {
        self.tracked(state)
            .filter(|t| !matches!(t.sight, Sight::Resolved { .. }))
            .map(|t| AlertInstance { key: t.alert.key.clone(), starts_at: t.alert.starts_at })
            .collect()
    }

    fn tracked<'a>(&'a self, state: &'a State) -> impl Iterator<Item = &'a Tracked> + 'a {
        let book = &state.model.alerts;
        let all = self.groups.iter().filter_map(|key| book.group(key)).flat_map(|g| &g.alerts);
        let only = self.alert.as_ref();
        all.filter(move |key| only.is_none_or(|o| o == *key)).filter_map(|key| book.alerts.get(key))
    }

    /// What a note is about.
    pub(in crate::app) fn subject(&self, state: &State) -> Subject {
        Subject::Alerts { title: self.title.clone(), alerts: self.instances(state) }
    }

    /// For the clipboard: one line per alert, labels and all.
    pub(in crate::app) fn copied(&self, state: &State) -> String {
        let lines = self.tracked(state).map(|t| {
            format!(
                "{} {} since {}: {}",
                t.judged.severity,
                t.alert.labels,
                t.alert.starts_at,
                t.alert.summary()
            )
        });
        lines.take(200).collect::<Vec<_>>().join("\n")
    }

    /// Matchers for a silence: every label of one alert; for groups, the labels they are grouped by
    /// (several groups become alternatives, and the preview shows what that really hits).
    pub(in crate::app) fn matchers(&self, state: &State) -> String {
        if let Some(tracked) = self.alert.as_ref().and_then(|k| state.model.alerts.alerts.get(k)) {
            let labels = tracked.alert.labels.iter();
            return join(labels.map(|(n, v)| Matcher::equal(n, v).to_string()));
        }
        let names = &state.model.group_by;
        join(names.iter().enumerate().filter_map(|(at, name)| {
            let mut values: Vec<&str> =
                self.groups.iter().filter_map(|k| k.values.get(at)).map(SafeText::as_str).collect();
            values.sort_unstable();
            values.dedup();
            match values.as_slice() {
                [] | [""] => None,
                [one] => Some(Matcher::equal(name, one).to_string()),
                many => {
                    let any = many.iter().map(|v| regex::escape(v)).collect::<Vec<_>>().join("|");
                    Some(format!("{name}=~\"{}\"", any.replace('\\', "\\\\")))
                }
            }
        }))
    }
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(" ")
}

/// The lines of an alert's details, for reading and for the clipboard.
pub(in crate::app) fn facts(alert: &Alert, tracked: &Tracked) -> Vec<(&'static str, SafeText)> {
    let state = match &alert.state {
        AlertState::Active => "active".into(),
        AlertState::Unprocessed => "not processed yet".into(),
        AlertState::Suppressed { silenced_by, .. } if !silenced_by.is_empty() => {
            let ids: Vec<&str> = silenced_by.iter().map(crate::domain::SilenceId::as_str).collect();
            format!("silenced by {}", ids.join(", "))
        }
        AlertState::Suppressed { inhibited_by, .. } => {
            let ids: Vec<&str> = inhibited_by.iter().map(SafeText::as_str).collect();
            format!("inhibited by {}", ids.join(", "))
        }
    };
    let sight = match &tracked.sight {
        Sight::Firing => "firing".into(),
        Sight::Stale { since } => format!("stale: its Alertmanager has been quiet since {since}"),
        Sight::Lost { since, why, .. } => format!("lost sight since {since}: {why}"),
        Sight::Resolved { at } => format!("resolved at {at}"),
    };
    vec![
        ("summary", SafeText::new(alert.summary())),
        (
            "severity",
            SafeText::new(&format!("{}: {}", tracked.judged.severity, tracked.judged.reason)),
        ),
        ("sight", sight.into()),
        ("state", state.into()),
        ("since", SafeText::new(&alert.starts_at.rfc3339())),
        ("receivers", SafeText::new(&join(alert.receivers.iter().map(ToString::to_string)))),
        ("labels", SafeText::new(&alert.labels.to_string())),
        ("annotations", SafeText::body(&lines(&alert.annotations))),
        ("link", alert.generator_url.clone()),
    ]
}

fn lines(labels: &Labels) -> String {
    labels.iter().map(|(n, v)| format!("{n}: {v}")).collect::<Vec<_>>().join("\n")
}
