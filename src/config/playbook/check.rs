//! What the playbook names against what it declares: names nobody has, fallbacks in a circle, pages that
//! reach nobody.

use std::collections::{BTreeMap, BTreeSet};

use super::super::error::{Mistakes, Place};
use crate::domain::{Audience, ChannelId, Playbook, SafeText, TeamId, Whom};

/// Names that were used, with their places. Names of entries that could not be read count as declared:
/// one mistake is told once.
#[derive(Default)]
pub(super) struct Named {
    channels: BTreeSet<SafeText>,
    trackers: BTreeSet<SafeText>,
    uses: Vec<(Kind, SafeText, Place)>,
    fallbacks: BTreeMap<ChannelId, (ChannelId, Place)>,
    /// Channels that reach somebody without an address: a room, a page, a list of their own.
    open: BTreeSet<ChannelId>,
    steps: Vec<(TeamId, usize, Place)>,
}

#[derive(Clone, Copy)]
enum Kind {
    Person,
    Team,
    Channel,
    Tracker,
}

impl Named {
    pub(super) fn channel(&mut self, name: Option<&str>) {
        self.channels.extend(name.map(SafeText::new));
    }

    pub(super) fn open(&mut self, id: ChannelId) {
        self.open.insert(id);
    }

    pub(super) fn tracker(&mut self, name: Option<&str>) {
        self.trackers.extend(name.map(SafeText::new));
    }

    pub(super) fn uses_person(&mut self, name: SafeText, at: Place) {
        self.uses.push((Kind::Person, name, at));
    }

    pub(super) fn uses_team(&mut self, name: SafeText, at: Place) {
        self.uses.push((Kind::Team, name, at));
    }

    pub(super) fn uses_channel(&mut self, name: SafeText, at: Place) {
        self.uses.push((Kind::Channel, name, at));
    }

    pub(super) fn uses_tracker(&mut self, name: SafeText, at: Place) {
        self.uses.push((Kind::Tracker, name, at));
    }

    pub(super) fn fallback(&mut self, of: ChannelId, to: ChannelId, at: Place) {
        self.fallbacks.insert(of, (to, at));
    }

    pub(super) fn step(&mut self, team: TeamId, step: usize, at: Place) {
        self.steps.push((team, step, at));
    }

    pub(super) fn check(&self, playbook: &Playbook, mistakes: &Mistakes) {
        for (kind, name, at) in &self.uses {
            let (what, known): (&str, BTreeSet<&str>) = match kind {
                Kind::Person => ("person", playbook.people.keys().map(SafeText::as_str).collect()),
                Kind::Team => ("team", playbook.teams.keys().map(TeamId::as_str).collect()),
                Kind::Channel => ("channel", self.channels.iter().map(SafeText::as_str).collect()),
                Kind::Tracker => ("tracker", self.trackers.iter().map(SafeText::as_str).collect()),
            };
            if !known.contains(name.as_str()) {
                mistakes.unknown(*at, what, name, known);
            }
        }
        self.circles(mistakes);
        for (team, step, at) in &self.steps {
            if let Some(why) = self.reaches_nobody(playbook, team, *step) {
                mistakes.add(*at, &why);
            }
        }
    }

    /// Every circle of fallbacks, told once, at its first channel by name.
    fn circles(&self, mistakes: &Mistakes) {
        let mut told: BTreeSet<&ChannelId> = BTreeSet::new();
        for (first, (_, at)) in &self.fallbacks {
            let mut way = vec![first];
            while let Some((next, _)) = way.last().and_then(|last| self.fallbacks.get(*last)) {
                if next == first {
                    if !told.contains(first) {
                        let names: Vec<&str> =
                            way.iter().map(|id| id.as_str()).chain([first.as_str()]).collect();
                        let message =
                            format!("these fallbacks go in a circle: {}", names.join(" → "));
                        mistakes.hinted(*at, &message, "let one of them have none");
                    }
                    told.extend(&way);
                    break;
                }
                // A circle further on is told at its own first channel.
                if way.contains(&next) {
                    break;
                }
                way.push(next);
            }
        }
    }

    /// Why a step of an escalation can page nobody; `None` when it can.
    fn reaches_nobody(&self, playbook: &Playbook, team: &TeamId, step: usize) -> Option<String> {
        let own = playbook.teams.get(team)?;
        let step = own.escalation.get(step)?;
        let plan = |id: &TeamId| match playbook.teams.get(id) {
            Some(team) if team.pager.is_some() => None,
            Some(team) if team.rotations.is_empty() && team.overrides.is_empty() => Some(format!(
                "this step pages nobody: nobody is ever on call in {id}; give the team a [[team.rotation]]"
            )),
            _ => None,
        };
        let unreached = |name: &SafeText| {
            let contact = playbook.people.get(name)?;
            let any = if step.by.is_empty() {
                !contact.at.is_empty()
            } else {
                step.by.iter().any(|by| contact.at.contains_key(by) || self.open.contains(by))
            };
            (!any).then(|| {
                let by: Vec<&str> = step.by.iter().map(ChannelId::as_str).collect();
                let by = if by.is_empty() { "any channel".to_owned() } else { by.join(" or ") };
                format!(
                    "this step cannot reach {name}: no address for {by} under the person's `reach`"
                )
            })
        };
        match &step.whom {
            Whom::Person(name) => unreached(name),
            Whom::Team(id) => {
                plan(id).or_else(|| members(playbook, id).into_iter().find_map(unreached))
            }
            Whom::OnCall => {
                plan(team).or_else(|| members(playbook, team).into_iter().find_map(unreached))
            }
        }
    }
}

/// Everybody who may be on call in a team.
fn members<'p>(playbook: &'p Playbook, team: &TeamId) -> BTreeSet<&'p SafeText> {
    let Some(team) = playbook.teams.get(team) else { return BTreeSet::new() };
    let rotating = team.rotations.iter().flat_map(|rotation| &rotation.people);
    rotating.chain(team.overrides.iter().map(|entry| &entry.person)).collect()
}

/// See [`super::gaps`].
pub(super) fn gaps(playbook: &Playbook) -> Vec<SafeText> {
    let mut said = Vec::new();
    for audience in Audience::ALL {
        let told = playbook.channels.iter().any(|channel| channel.audiences.contains(audience));
        if !told && !playbook.channels.is_empty() {
            said.push(format!(
                "no channel takes {audience} updates; add \"{audience}\" to the `audiences` of one"
            ));
        }
    }
    if playbook.remind_by.is_empty() && !playbook.channels.is_empty() {
        said.push(
            "who owes an update or a task is told on the screen alone; name channels under \
             `remind_by` of [response]"
                .to_owned(),
        );
    }
    for channel in playbook.channels.iter().filter(|channel| channel.fallback.is_none()) {
        if !channel.audiences.is_empty() && playbook.channels.len() > 1 {
            let id = &channel.id;
            said.push(format!("the channel {id} has no `fallback` for when it certainly failed"));
        }
    }
    for (id, team) in &playbook.teams {
        if team.rotations.is_empty() && team.overrides.is_empty() {
            said.push(format!("nobody is ever on call in {id}; give it a [[team.rotation]]"));
        }
        if team.escalation.is_empty() {
            said.push(format!("a page of {id} is never escalated; give it a [[team.escalation]]"));
        }
    }
    let phoneless: Vec<&str> = playbook
        .people
        .iter()
        .filter(|(_, contact)| contact.phone.is_empty())
        .map(|(name, _)| name.as_str())
        .collect();
    if !phoneless.is_empty() {
        said.push(format!(
            "{} cannot be called when paging fails; add `phone`",
            phoneless.join(", ")
        ));
    }
    said.iter().map(|sentence| SafeText::new(sentence)).collect()
}
