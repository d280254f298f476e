//! Which service an alert is about and how bad it is, looked up once per distinct set of the labels
//! that matter: twenty thousand alerts rarely have more than a few hundred of them.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, Hash as _, Hasher as _};

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use crate::domain::{Catalog, Judged, Labels, SafeText, ServiceId, SeverityPolicy};

/// Beyond this many the cache starts over, so hostile cardinality cannot fill memory.
const MOST: usize = 20_000;

type Verdict = (Judged, Option<ServiceId>);

/// Judgements by the values of the labels that any rule looks at.
#[derive(Debug, Clone, Default)]
pub(super) struct Judgements {
    names: Vec<SafeText>,
    known: HashTable<(u64, Vec<Option<SafeText>>, Verdict)>,
    hashing: RandomState,
}

impl Judgements {
    /// For this catalog and policy; nothing is kept from another.
    pub(super) fn new(catalog: &Catalog, policy: &SeverityPolicy) -> Self {
        let rules = policy.impact.iter().chain(&policy.urgency).flat_map(|rule| &rule.matchers);
        let services = catalog.services.values().flat_map(|service| &service.matchers);
        let mut names: BTreeSet<SafeText> =
            rules.chain(services).map(|matcher| matcher.name.clone()).collect();
        // The labels by which the catalog finds a service without matchers.
        names.extend(["service", "app", "job"].map(SafeText::new));
        Self { names: names.into_iter().collect(), ..Self::default() }
    }

    /// Severity with its reason, and the service.
    pub(super) fn judge(
        &mut self,
        labels: &Labels,
        catalog: &Catalog,
        policy: &SeverityPolicy,
    ) -> Verdict {
        let values = || self.names.iter().map(|name| labels.text(name));
        let mut hasher = self.hashing.build_hasher();
        values().for_each(|value| value.hash(&mut hasher));
        let hash = hasher.finish();
        let known = |(_, of, _): &(u64, Vec<Option<SafeText>>, Verdict)| {
            let mut both = of.iter().zip(&self.names);
            both.all(|(value, name)| value.as_ref() == labels.text(name))
        };
        if let Some((_, _, verdict)) = self.known.find(hash, known) {
            return verdict.clone();
        }
        let values = values().map(|value| value.cloned()).collect();
        let service = catalog.service_of(labels);
        let judged = policy.judge(labels, service.and_then(|s| s.tier));
        let verdict = (judged, service.map(|s| s.id.clone()));
        if self.known.len() >= MOST {
            self.known.clear();
        }
        self.known.insert_unique(hash, (hash, values, verdict.clone()), |(hash, ..)| *hash);
        verdict
    }
}
