//! What changed: the changes every source told of, as it told them last, and what they are to the trouble.

use std::collections::BTreeMap;

use super::incidents::words::{clock, length};
use super::{Model, Told};
use crate::analysis::risk::{Risk, RiskTerm, risk};
use crate::analysis::suspects;
use crate::domain::{
    Change, ChangeKey, ChangeState, Reviewed, SafeText, ServiceId, SourceId, Span, Timestamp,
};

/// A change longer before the trouble than this is not compared with it.
const SUSPECT: Span = Span::from_hours(24);
/// Most changes compared at once, the newest.
const MOST_SUSPECTS: usize = 100;

/// A change beside the trouble that goes on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fed<'a> {
    /// The change.
    pub change: &'a Change,
    /// How long after the trouble began; negative: before it. `None` when nothing hurts.
    pub lag: Option<Span>,
    /// Whether it is of a service that is compared for what hurts: it could have reached it.
    pub on_path: bool,
}

/// Changes by source, with when the source last told.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChangeBook {
    told: BTreeMap<SourceId, (Timestamp, Vec<Change>)>,
    left_out: BTreeMap<SourceId, Vec<SafeText>>,
    /// Counts up when a source told something else than before.
    pub(super) revision: u64,
}

impl ChangeBook {
    /// A source tells all it knows of; it replaces what it told before. Whether that is news.
    pub(super) fn report(&mut self, source: &SourceId, at: Timestamp, told: Vec<Change>) -> bool {
        let before = self.told.insert(source.clone(), (at, told));
        let news = before.as_ref().map(|(_, told)| told.as_slice()) != self.told_by(source);
        self.revision += u64::from(news);
        news
    }

    /// A source names what could not be read of it. Whether that is news.
    pub(super) fn leave_out(&mut self, source: &SourceId, named: Vec<SafeText>) -> bool {
        let before = self.left_out.insert(source.clone(), named);
        before.as_ref() != self.left_out.get(source)
    }

    /// What one source told last; `None` when it never did.
    pub fn told_by(&self, source: &SourceId) -> Option<&[Change]> {
        self.told.get(source).map(|(_, told)| told.as_slice())
    }

    /// What could not be read of a source, the newest last.
    pub fn left_out(&self, source: &SourceId) -> &[SafeText] {
        self.left_out.get(source).map_or(&[], Vec::as_slice)
    }

    /// The sources of which something could not be read, with what.
    pub fn all_left_out(&self) -> impl Iterator<Item = (&SourceId, &[SafeText])> {
        let named = self.left_out.iter().filter(|(_, named)| !named.is_empty());
        named.map(|(source, named)| (source, named.as_slice()))
    }

    /// One of them, while its source tells of it.
    pub fn get(&self, key: &ChangeKey) -> Option<&Change> {
        self.told_by(&key.source)?.iter().find(|change| change.key == *key)
    }

    /// All of them, newest first; what a source tells of one moment stays in its order.
    pub fn newest_first(&self) -> Vec<&Change> {
        let mut all: Vec<&Change> = self.told.values().flat_map(|(_, told)| told).collect();
        all.sort_by_key(|change| std::cmp::Reverse(change.at));
        all
    }

    /// The newest since a moment, of one service or of all; of one moment the one told of first.
    pub fn newest_of(&self, service: Option<&ServiceId>, since: Timestamp) -> Option<&Change> {
        let of_it = |one: &&Change| service.is_none_or(|id| one.service.as_ref() == Some(id));
        let all = self.told.values().flat_map(|(_, told)| told);
        all.filter(|one| one.at >= since)
            .filter(of_it)
            .reduce(|newest, one| if one.at > newest.at { one } else { newest })
    }

    /// When each source last told; a source that is not here never did.
    pub fn told_at(&self) -> impl Iterator<Item = (&SourceId, Timestamp)> {
        self.told.iter().map(|(source, (at, _))| (source, *at))
    }
}

impl Model {
    /// When what hurts began, as well as it is known: as the incident that goes on says, else by the
    /// readings, else by whoever raised it.
    pub fn onset(&self) -> Option<Timestamp> {
        if let Some(said) = self.incidents.live().first().and_then(|incident| incident.onset) {
            return Some(said);
        }
        let concern = self.suspicion.concern()?;
        let found = self.suspicion.latest().map(|found| &found.concern);
        // The ranking may still be about what hurt before.
        let same = found.filter(|f| f.service == concern.service && f.slo == concern.slo);
        Some(same.unwrap_or(concern).onset)
    }

    /// All changes, newest first, each beside the trouble that goes on.
    pub fn feed(&self) -> Vec<Fed<'_>> {
        let (onset, all) = (self.onset(), self.changes.newest_first());
        all.into_iter().map(|change| self.beside(change, onset)).collect()
    }

    /// One of them.
    pub fn fed(&self, key: &ChangeKey) -> Option<Fed<'_>> {
        self.changes.get(key).map(|change| self.beside(change, self.onset()))
    }

    /// How risky a change is, beside all that are known: for ordering, never a probability.
    pub fn risk(&self, change: &Change) -> Risk {
        let known = self.changes.told.values().flat_map(|(_, told)| told);
        risk(change, known, &self.playbook.procedures.freezes)
    }

    fn beside<'a>(&self, change: &'a Change, onset: Option<Timestamp>) -> Fed<'a> {
        let compared = self.suspicion.compared();
        let on_path = change.service.as_ref().is_some_and(|id| compared.contains(id));
        Fed { change, lag: onset.map(|onset| change.at.since(onset)), on_path }
    }

    /// Everything that is known of a change, in words.
    pub fn told_of_change(&self, fed: &Fed<'_>, now: Timestamp) -> Vec<Told> {
        let change = fed.change;
        let mut lines = Vec::new();
        let mut pair = |name: &str, value: String| lines.push(Told::pair(name, &value));
        let ago = length(now.since(change.at));
        let at = clock(change.at, now);
        pair(
            "when",
            match fed.lag {
                Some(lag) if lag > Span::ZERO => {
                    format!("{} after the trouble began, {ago} ago ({at})", length(lag))
                }
                Some(lag) => {
                    let before = length(lag.reversed());
                    format!("{before} before the trouble began, {ago} ago ({at})")
                }
                None => format!("{ago} ago ({at})"),
            },
        );
        let suspect = match fed.lag {
            Some(lag) if lag > Span::ZERO => Some("no: it came after the trouble"),
            Some(_) if fed.on_path => Some("yes: what hurts can be reached from there"),
            Some(_) => Some("no: nothing is known by which it could reach what hurts"),
            None => None,
        };
        if let Some(said) = suspect {
            pair("suspect", said.to_owned());
        }
        let service = change.service.as_ref();
        pair(
            "what",
            match service {
                Some(service) => format!("{} of {service}", change.kind.name()),
                None => format!("{} of no service that is known", change.kind.name()),
            },
        );
        match (change.before.as_str(), change.after.as_str()) {
            ("", "") => {}
            ("", after) => pair("runs since", format!("{after}; what ran before is not known")),
            (before, "") => pair("ran before", before.to_owned()),
            (before, after) => pair("runs since", format!("{after}; {before} ran before")),
        }
        let author = if change.author.is_empty() { "not known" } else { change.author.as_str() };
        pair("made by", author.to_owned());
        pair(
            "reviewed",
            match &change.reviewed {
                Reviewed::Unknown => "its source does not say".into(),
                Reviewed::No => "by nobody".into(),
                Reviewed::By(names) => format!("by {}", listed(names)),
            },
        );
        match change.state {
            ChangeState::Unknown | ChangeState::Done => {}
            ChangeState::Running => pair("stands", "under way".into()),
            ChangeState::Failed => {
                pair("stands", "ended badly; part of it may be in effect".into())
            }
            ChangeState::Undone => pair("stands", "taken back".into()),
        }
        if let Some(size) = &change.size {
            let (added, deleted) = (size.added, size.deleted);
            let files = if size.files == 1 { "file" } else { "files" };
            pair("size", format!("+{added} -{deleted} lines in {} {files}", size.files));
        }
        let risk = self.risk(change);
        pair("risk", risk_in_words(&risk));
        if !change.with.is_empty() {
            pair("went out with", listed(&change.with));
        }
        if let Some(size) = change.size.as_ref().filter(|size| !size.paths.is_empty()) {
            pair("files", listed(&size.paths));
        }
        if !change.url.is_empty() {
            pair("look at", change.url.to_string());
        }
        let told = self.changes.told.get(&change.key.source).map(|(at, _)| length(now.since(*at)));
        pair(
            "told by",
            match told {
                Some(age) => format!("{}, {age} ago", change.key.source),
                None => change.key.source.to_string(),
            },
        );
        lines
    }

    /// What changed at the services compared, by their places, for the ranking.
    pub(super) fn suspect_changes(
        &self,
        services: &[ServiceId],
        onset: Timestamp,
        until: Timestamp,
    ) -> Vec<suspects::Change> {
        let near = |change: &&Change| change.at <= until && onset.since(change.at) <= SUSPECT;
        let told = self.changes.newest_first().into_iter().filter(near);
        let placed = told.filter_map(|change| {
            let service = services.iter().position(|id| Some(id) == change.service.as_ref())?;
            let (at, title) = (change.at, change.title.clone());
            Some(suspects::Change { at, service, kind: change.kind.name().into(), title })
        });
        placed.take(MOST_SUSPECTS).collect()
    }
}

/// `middle, 31 points: it adds 49 lines (23), …`; what is not known is named last.
fn risk_in_words(risk: &Risk) -> String {
    let level = match risk.level {
        Some(level) => format!("{}, {} points", level.name(), risk.points),
        None => format!("not known without its size, {} points so far", risk.points),
    };
    let counts = |term: &&RiskTerm| term.points.is_some_and(|points| points > 0);
    let said = |term: &RiskTerm| {
        let reason = term.reason.trim_end_matches('.');
        let begin = reason.chars().next().map_or(0, char::len_utf8);
        let (first, rest) = reason.split_at(begin);
        format!("{}{rest} ({})", first.to_lowercase(), term.points.unwrap_or_default())
    };
    let why: Vec<String> = risk.terms.iter().filter(counts).map(said).collect();
    let why = if why.is_empty() { String::new() } else { format!(": {}", why.join(", ")) };
    let open = risk.terms.iter().filter(|term| term.points.is_none());
    match open.map(|term| term.part.name()).collect::<Vec<_>>().as_slice() {
        [] => format!("{level}{why}"),
        open => format!("{level}{why}; not known: {}", open.join(", ")),
    }
}

fn listed(texts: &[SafeText]) -> String {
    texts.iter().map(SafeText::as_str).collect::<Vec<_>>().join(", ")
}
