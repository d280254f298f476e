//! Find anything by a few of its letters: services, objectives, groups, sources, silences, incidents,
//! tickets, channels, actions.

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32String};

use super::{Action, OutletId};
use crate::domain::{IncidentId, SafeText, ServiceId, SilenceId, SloId, SourceId, TicketRef};
use crate::model::GroupKey;

/// What is found and where Enter leads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// A service of the catalog.
    Service(ServiceId),
    /// An objective.
    Slo(SloId),
    /// A group of alerts.
    Group(GroupKey),
    /// A connector.
    Source(SourceId),
    /// Something to do.
    Action(Action),
    /// A silence.
    Silence(SilenceId),
    /// An incident.
    Incident(IncidentId),
    /// The incident that a ticket belongs to.
    Ticket(IncidentId, TicketRef),
    /// A channel or a tracker.
    Outlet(OutletId),
}

impl Target {
    /// The kind, as shown beside the name.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Service(_) => "service",
            Self::Slo(_) => "SLO",
            Self::Group(_) => "alerts",
            Self::Source(_) => "source",
            Self::Action(_) => "action",
            Self::Silence(_) => "silence",
            Self::Incident(_) => "incident",
            Self::Ticket(..) => "ticket",
            Self::Outlet(OutletId::Channel(_)) => "channel",
            Self::Outlet(OutletId::Tracker(_)) => "tracker",
        }
    }
}

/// One thing that can be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its name.
    pub label: SafeText,
    /// A few more words, searched too.
    pub detail: SafeText,
    /// Where Enter leads.
    pub target: Target,
}

/// One result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Which candidate.
    pub candidate: usize,
    /// Which user-perceived characters of the label matched, rising.
    pub label: Vec<usize>,
    /// The same for the detail.
    pub detail: Vec<usize>,
}

/// How many of the roughly best are ranked exactly.
const RANKED: usize = 1_000;

/// Searches one list of candidates while a query is typed. Typing on looks only through what matched
/// before; all of these are scored roughly, and only the best of them exactly, which keeps a key
/// within a few milliseconds over tens of thousands of candidates.
#[derive(Debug, Clone)]
pub struct Finder {
    candidates: Vec<Candidate>,
    /// Label, a space, detail.
    texts: Vec<Utf32String>,
    matcher: Matcher,
    query: String,
    /// Rough score and index of all that match `query`.
    matching: Vec<(u32, u32)>,
}

impl Finder {
    /// Over these candidates; without a query they are offered in this order.
    pub fn new(candidates: Vec<Candidate>) -> Self {
        let text = |c: &Candidate| Utf32String::from(format!("{} {}", c.label, c.detail));
        let texts = candidates.iter().map(text).collect();
        let mut config = Config::DEFAULT;
        config.prefer_prefix = true;
        let mut finder = Self {
            candidates,
            texts,
            matcher: Matcher::new(config),
            query: String::new(),
            matching: Vec::new(),
        };
        finder.start_over();
        finder
    }

    /// All candidates, in the order given.
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// How many match the last query.
    pub fn matching(&self) -> usize {
        self.matching.len()
    }

    /// The best `most` results for what was typed; words may come in any order, each must match.
    pub fn find(&mut self, query: &str, most: usize) -> Vec<Hit> {
        // A backslash may escape the space that comes next, which then widens the search.
        if !query.starts_with(&self.query) || query.contains('\\') {
            self.start_over();
        }
        let pattern =
            Pattern::new(query, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy);
        if query != self.query {
            self.narrow(&pattern);
            query.clone_into(&mut self.query);
        }
        let texts = &self.texts;
        let rank = |&(score, index): &(u32, u32)| {
            // Among equals the shortest is the closest; without a query the order given stands.
            let length = if score == 0 { 0 } else { texts[index as usize].len() };
            (std::cmp::Reverse(score), length, index)
        };
        let mut best = self.matching.clone();
        if best.len() > RANKED.max(most) {
            best.select_nth_unstable_by_key(RANKED.max(most), rank);
            best.truncate(RANKED.max(most));
        }
        for (score, index) in &mut best {
            let exact = pattern.score(texts[*index as usize].slice(..), &mut self.matcher);
            *score = exact.unwrap_or(*score);
        }
        best.sort_unstable_by_key(rank);
        best.truncate(most);
        best.iter().map(|(_, index)| self.hit(&pattern, *index as usize)).collect()
    }

    /// Drops what does not match and scores the rest by the first way each word fits.
    fn narrow(&mut self, pattern: &Pattern) {
        let (texts, matcher) = (&self.texts, &mut self.matcher);
        self.matching.retain_mut(|(score, index)| {
            let Some(text) = texts.get(*index as usize) else { return false };
            *score = 0;
            pattern.atoms.iter().all(|atom| {
                // As the exact score does: accents typed are meant, accents not typed are ignored.
                matcher.config.normalize = atom.needle_text().is_ascii();
                let found = matcher.fuzzy_match_greedy(text.slice(..), atom.needle_text());
                found.map(|found| *score += u32::from(found)).is_some()
            })
        });
    }

    fn start_over(&mut self) {
        self.query.clear();
        self.matching = (0..).take(self.texts.len()).map(|index| (0, index)).collect();
    }

    fn hit(&mut self, pattern: &Pattern, candidate: usize) -> Hit {
        let mut positions = Vec::new();
        pattern.indices(self.texts[candidate].slice(..), &mut self.matcher, &mut positions);
        positions.sort_unstable();
        positions.dedup();
        let space = Utf32String::from(self.candidates[candidate].label.as_str()).len();
        let positions = positions.into_iter().map(|position| position as usize);
        let (label, detail): (Vec<_>, Vec<_>) = positions.partition(|position| *position < space);
        let detail = detail.into_iter().filter(|p| *p > space).map(|p| p - space - 1).collect();
        Hit { candidate, label, detail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;

    fn service(label: &str, detail: &str) -> Candidate {
        let target = Target::Service(ServiceId::new(label));
        Candidate { label: SafeText::new(label), detail: SafeText::new(detail), target }
    }

    fn shop() -> Finder {
        Finder::new(vec![
            service("cart", "team web"),
            service("checkout", "team pay"),
            service("checkout-worker", "team pay"),
            service("search", "team find"),
            service("été", "ünïcode 表"),
        ])
    }

    fn labels(finder: &mut Finder, query: &str) -> Vec<String> {
        let hits = finder.find(query, 10);
        hits.iter().map(|h| finder.candidates()[h.candidate].label.to_string()).collect()
    }

    #[test]
    fn the_closest_comes_first_and_words_may_come_in_any_order() {
        let mut finder = shop();
        for (query, found) in [
            ("", &["cart", "checkout", "checkout-worker", "search", "été"][..]),
            ("ch", &["checkout", "checkout-worker", "search"]),
            ("chw", &["checkout-worker"]),
            ("pay CHECK", &["checkout", "checkout-worker"]),
            ("ete ni", &["été"]),
            ("é e", &["été"]),
            ("é", &["été"]),
            ("zz", &[]),
            ("cart", &["cart"]),
        ] {
            assert_eq!(labels(&mut finder, query), found, "{query}");
            assert_eq!(finder.matching(), found.len());
        }
    }

    #[test]
    fn matched_characters_are_marked_where_they_stand() {
        let hits = shop().find("chk pay", 1);
        assert_eq!(hits, [Hit { candidate: 1, label: vec![0, 1, 4], detail: vec![5, 6, 7] }]);
        let hits = shop().find("表", 1);
        assert_eq!(hits, [Hit { candidate: 4, label: vec![], detail: vec![8] }]);
    }

    #[test]
    fn only_so_many_as_fit_are_given() {
        let mut finder = shop();
        assert_eq!(finder.find("e", 2).len(), 2);
        assert_eq!((finder.find("e", 0).len(), finder.matching()), (0, 5));
    }

    proptest! {
        #[test]
        fn typing_letter_by_letter_finds_what_a_fresh_search_finds(
            names in proptest::collection::vec("[a-eA-Eé -]{0,8}", 0..20),
            query in "[a-eé \\\\]{0,5}",
        ) {
            let all: Vec<_> = names.iter().map(|name| service(name, "x")).collect();
            let mut typed = Finder::new(all.clone());
            for (at, _) in query.char_indices() {
                typed.find(&query[..at], 5);
            }
            prop_assert_eq!(typed.find(&query, 5), Finder::new(all).find(&query, 5));
        }

        #[test]
        fn no_text_panics(label in "\\PC*", detail in "\\PC*", query in "\\PC*") {
            let _ = Finder::new(vec![service(&label, &detail)]).find(&query, 3);
        }
    }
}
