//! Maintenance windows: which come next, and whether they are muted already.

use crate::domain::{
    MaintenanceWindow, MatcherSpec, Occurrence, Silence, SilenceId, SilenceState, SiteId,
    SourceKind, Span, Timestamp, WindowId,
};

use super::Model;

/// One time planned work happens, and where it is muted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The window of the catalog.
    pub window: WindowId,
    /// When.
    pub occurrence: Occurrence,
    /// Whether it is going on.
    pub on: bool,
    /// Sites with a silence that covers it, and that silence.
    pub muted: Vec<(SiteId, SilenceId)>,
    /// Sites with an Alertmanager that has no such silence: where one has yet to be made.
    pub open: Vec<SiteId>,
}

/// How far ahead one looks for the next time.
const AHEAD: Span = Span::from_days(366);
/// Alertmanager moves a start in the past to now, and clocks differ a little.
const SLACK: Span = Span::from_secs(60);

impl Model {
    /// The present or next time of every window of the catalog, soonest first. Works the rules out
    /// anew: ask when the list is opened or data arrives, not while drawing.
    pub fn windows(&self, now: Timestamp) -> Vec<Planned> {
        let next = |window: &MaintenanceWindow| {
            let occurrence = *window.occurrences(now, now.plus(AHEAD), 1).first()?;
            Some(self.planned(window, occurrence, now))
        };
        let mut all: Vec<Planned> = self.catalog.windows.iter().filter_map(next).collect();
        all.sort_by(|a, b| (a.occurrence.start, &a.window).cmp(&(b.occurrence.start, &b.window)));
        all
    }

    /// One time of one window, with the silences that cover it. Making silences only at the `open`
    /// sites makes muting the same window twice harmless.
    pub fn planned(
        &self,
        window: &MaintenanceWindow,
        occurrence: Occurrence,
        now: Timestamp,
    ) -> Planned {
        let mut wanted: Vec<MatcherSpec> = window.matchers.iter().map(MatcherSpec::from).collect();
        sort(&mut wanted);
        let mut sites: Vec<&SiteId> = self
            .sources
            .values()
            .filter(|s| s.kind == SourceKind::Alertmanager)
            .map(|s| &s.site)
            .collect();
        sites.sort_unstable();
        sites.dedup();
        let (mut muted, mut open) = (Vec::new(), Vec::new());
        for site in sites {
            let covering = self
                .silences
                .all
                .iter()
                .find(|s| s.site == *site && covers(s, &wanted, occurrence, now));
            match covering {
                Some(silence) => muted.push((site.clone(), silence.id.clone())),
                None => open.push(site.clone()),
            }
        }
        Planned { window: window.id.clone(), on: occurrence.is_on(now), occurrence, muted, open }
    }
}

/// Whether a silence of just these matchers lasts from the start (or from now) to the end.
fn covers(silence: &Silence, wanted: &[MatcherSpec], time: Occurrence, now: Timestamp) -> bool {
    let from = time.start.max(now).plus(SLACK);
    if silence.state == SilenceState::Expired
        || silence.starts_at > from
        || silence.ends_at.plus(SLACK) < time.end
    {
        return false;
    }
    let mut has = silence.matchers.clone();
    sort(&mut has);
    has == wanted
}

fn sort(matchers: &mut Vec<MatcherSpec>) {
    matchers.sort_by(|a, b| {
        (&a.name, &a.value, a.is_regex, a.is_equal)
            .cmp(&(&b.name, &b.value, b.is_regex, b.is_equal))
    });
    matchers.dedup();
}
