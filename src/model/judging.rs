//! Which service an alert is about and how bad it is, looked up once per distinct set of the labels
//! that matter: twenty thousand alerts rarely have more than a few hundred of them.

use std::collections::{BTreeSet, HashMap};

use crate::domain::{Catalog, Judged, Labels, SafeText, ServiceId, SeverityPolicy};

/// Beyond this many the cache starts over, so hostile cardinality cannot fill memory.
const MOST: usize = 20_000;

type Verdict = (Judged, Option<ServiceId>);

/// Judgements by the values of the labels that any rule looks at.
#[derive(Debug, Clone, Default)]
pub(super) struct Judgements {
    names: Vec<SafeText>,
    known: HashMap<Vec<Option<SafeText>>, Verdict>,
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
        Self { names: names.into_iter().collect(), known: HashMap::new() }
    }

    /// Severity with its reason, and the service.
    pub(super) fn judge(
        &mut self,
        labels: &Labels,
        catalog: &Catalog,
        policy: &SeverityPolicy,
    ) -> Verdict {
        let values: Vec<Option<SafeText>> =
            self.names.iter().map(|name| labels.text(name).cloned()).collect();
        if self.known.len() >= MOST {
            self.known.clear();
        }
        let judged = self.known.entry(values).or_insert_with(|| {
            let service = catalog.service_of(labels);
            let judged = policy.judge(labels, service.and_then(|s| s.tier));
            (judged, service.map(|s| s.id.clone()))
        });
        judged.clone()
    }
}
