//! A ranking in words: what a suspect is called, by which way the trouble comes, what speaks against it.

use super::SuspectsFound;
use crate::analysis::suspects::{Culprit, Suspect, Term, TermKind};
use crate::domain::{SafeText, ServiceId, Timestamp};
use crate::model::Model;

/// Who or what is suspected, by name: the same in one ranking and the next, whatever its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SuspectId {
    /// A service.
    Service(ServiceId),
    /// Something that was changed at a service.
    Change(ServiceId, Timestamp, SafeText),
}

impl Model {
    /// The latest ranking, when it is about what hurts now.
    pub fn suspected(&self) -> Option<&SuspectsFound> {
        let concern = self.suspicion.concern()?;
        let same = |found: &&SuspectsFound| {
            (&found.concern.service, &found.concern.slo) == (&concern.service, &concern.slo)
        };
        self.suspicion.latest().filter(same)
    }
}

impl SuspectsFound {
    /// Who a suspect is; `None` when the ranking speaks of a place it does not list.
    pub fn id(&self, suspect: &Suspect) -> Option<SuspectId> {
        match suspect.culprit {
            Culprit::Service(place) => self.services.get(place).cloned().map(SuspectId::Service),
            Culprit::Change(place) => {
                let change = self.changes.get(place)?;
                let service = self.services.get(change.service)?.clone();
                Some(SuspectId::Change(service, change.at, change.title.clone()))
            }
        }
    }

    /// The suspect who is this.
    pub fn suspect(&self, id: &SuspectId) -> Option<&Suspect> {
        self.ranking.suspects.iter().find(|suspect| self.id(suspect).as_ref() == Some(id))
    }

    /// What a suspect is called: the service, or the change and where it was made.
    pub fn name(&self, suspect: &Suspect) -> SafeText {
        match self.id(suspect) {
            Some(SuspectId::Service(service)) => service.text().clone(),
            Some(SuspectId::Change(service, _, title)) => {
                SafeText::new(&format!("{title} ({service})"))
            }
            None => SafeText::new("unknown"),
        }
    }

    /// The way from what hurts to the suspect: `checkout > cart > cache`; empty when there is none.
    pub fn way(&self, suspect: &Suspect) -> SafeText {
        let names = suspect.path.iter().filter_map(|place| self.services.get(*place));
        let names: Vec<&str> = names.map(ServiceId::as_str).collect();
        SafeText::new(&names.join(" > "))
    }

    /// What speaks against a suspect in a few words: how far it is away from usual, and since when.
    pub fn gist(&self, suspect: &Suspect) -> String {
        let term = |kind| suspect.terms.iter().find(|term| term.kind == kind);
        let parts = [
            term(TermKind::Deviation).filter(|term| term.value > 0.0).map(deviations),
            term(TermKind::Order).map(order),
            term(TermKind::Change).map(|term| format!("changed {:.0} min before", term.value)),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// The suspect to name first: the best, when it stands out.
    pub fn first(&self) -> Option<&Suspect> {
        self.ranking.suspects.first().filter(|suspect| suspect.stands_out)
    }

    /// The whole list as plain text, for notes and the clipboard.
    pub fn listed(&self) -> String {
        let onset = self.concern.onset.rfc3339();
        let mut lines = vec![
            format!("Suspects at {}: {} since {onset}.", self.concern.service, self.concern.why),
            self.ranking.verdict.clone(),
        ];
        for (at, suspect) in self.ranking.suspects.iter().take(5).enumerate() {
            let (name, gist, way) = (self.name(suspect), self.gist(suspect), self.way(suspect));
            let mark = if suspect.stands_out { "" } else { ", does not stand out" };
            let way = if way.is_empty() { String::new() } else { format!("; path {way}") };
            lines.push(format!("{}. {name} {:.2}{mark}: {gist}{way}", at + 1, suspect.score));
        }
        lines.push(format!("By readings until {}.", self.until.rfc3339()));
        lines.join("\n")
    }
}

fn deviations(term: &Term) -> String {
    // Readings that never moved before are any number of deviations away once they do.
    if term.value > 100.0 {
        "over 100 deviations from usual".into()
    } else if term.value >= 10.0 {
        format!("{:.0} deviations from usual", term.value)
    } else {
        format!("{:.1} deviations from usual", term.value)
    }
}

fn order(term: &Term) -> String {
    let steps = term.value.abs();
    let readings = if steps == 1.0 { "reading" } else { "readings" };
    if term.value < 0.0 {
        format!("{steps:.0} {readings} before")
    } else if term.value > 0.0 {
        format!("{steps:.0} {readings} after")
    } else {
        "at the same time".into()
    }
}
