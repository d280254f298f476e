//! The alerts last in sight, kept on disk so that a console started anew neither shows an empty screen
//! nor takes what Alertmanager dropped meanwhile for repaired.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use serde::{Deserialize, Serialize};

use super::keep::replace;
use crate::domain::{
    Alert, AlertKey, AlertState, Labels, SafeText, SilenceId, SourceId, Span, Timestamp,
};
use crate::model::{Model, Remembered};

const VERSION: u32 = 1;
/// More would cost a noticeable pause to write, and nobody looks through them after a restart.
const MOST: usize = 2_000;
/// What 2,000 alerts with long labels come to, and as much again.
const MOST_BYTES: u64 = 32 * 1024 * 1024;
/// At most this often, and only after a change.
const EVERY: Span = Span::from_secs(5);
/// And without a change this often, for the time until which it is known to hold.
const RENEWED: Span = Span::from_mins(1);

/// The file of the alerts last in sight, in a state folder.
pub fn file(state: &Path) -> PathBuf {
    state.join("sight.json")
}

#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    alerts: Vec<One>,
}

#[derive(Serialize, Deserialize)]
struct One {
    source: SourceId,
    at: Timestamp,
    lost_since: Option<Timestamp>,
    key: AlertKey,
    labels: Vec<(SafeText, SafeText)>,
    annotations: Vec<(SafeText, SafeText)>,
    starts_at: Timestamp,
    ends_at: Timestamp,
    updated_at: Timestamp,
    silenced_by: Vec<SilenceId>,
    inhibited_by: Vec<SafeText>,
    generator_url: SafeText,
}

impl From<&Remembered> for One {
    fn from(one: &Remembered) -> Self {
        let alert = &one.alert;
        let (silenced_by, inhibited_by) = match &alert.state {
            AlertState::Suppressed { silenced_by, inhibited_by } => {
                (silenced_by.clone(), inhibited_by.clone())
            }
            AlertState::Active | AlertState::Unprocessed => (Vec::new(), Vec::new()),
        };
        Self {
            source: one.source.clone(),
            at: one.at,
            lost_since: one.lost_since,
            key: alert.key.clone(),
            labels: alert.labels.iter().cloned().collect(),
            annotations: alert.annotations.iter().cloned().collect(),
            starts_at: alert.starts_at,
            ends_at: alert.ends_at,
            updated_at: alert.updated_at,
            silenced_by,
            inhibited_by,
            generator_url: alert.generator_url.clone(),
        }
    }
}

impl From<One> for Remembered {
    fn from(one: One) -> Self {
        let muted = !(one.silenced_by.is_empty() && one.inhibited_by.is_empty());
        let (silenced_by, inhibited_by) = (one.silenced_by, one.inhibited_by);
        let alert = Alert {
            key: one.key,
            seen_by: vec![one.source.clone()],
            labels: Labels::new(one.labels),
            annotations: Labels::new(one.annotations),
            starts_at: one.starts_at,
            ends_at: one.ends_at,
            updated_at: one.updated_at,
            state: if muted {
                AlertState::Suppressed { silenced_by, inhibited_by }
            } else {
                AlertState::Active
            },
            receivers: Vec::new(),
            generator_url: one.generator_url,
        };
        Self { source: one.source, at: one.at, alert: Arc::new(alert), lost_since: one.lost_since }
    }
}

/// Gives the model what an earlier console remembered. A file that cannot be read is as good as none:
/// it holds nothing that a person made.
pub fn recall(path: &Path, model: &mut Model, now: Timestamp) {
    begin(path).recall(model, now);
}

/// What an earlier console remembered, on its way from the disk.
pub struct Coming(Option<JoinHandle<Vec<Remembered>>>);

/// Begins to read what an earlier console remembered, on a thread of its own.
pub fn begin(path: &Path) -> Coming {
    let path = path.to_owned();
    let read = move || {
        let kept = read(&path).map_or(Vec::new(), |kept| kept.alerts);
        kept.into_iter().map(Remembered::from).collect()
    };
    Coming(std::thread::Builder::new().name("sight".into()).spawn(read).ok())
}

impl Coming {
    /// Gives it to the model.
    pub fn recall(self, model: &mut Model, now: Timestamp) {
        let remembered = self.0.and_then(|thread| thread.join().ok()).unwrap_or_default();
        if !remembered.is_empty() {
            model.recall(remembered, now);
        }
    }
}

fn read(path: &Path) -> Option<Kept> {
    let file = std::fs::File::open(path).ok()?;
    let size = file.metadata().map_or(0, |about| about.len()).min(MOST_BYTES);
    // One more than the file has, so that its end is noticed without asking for more memory.
    let mut json = Vec::with_capacity(usize::try_from(size).ok()? + 1);
    file.take(MOST_BYTES).read_to_end(&mut json).ok()?;
    let kept = serde_json::from_slice::<Kept>(&json);
    let kept = kept.inspect_err(|error| tracing::warn!(%error, "alerts last seen not recalled"));
    kept.ok().filter(|kept| kept.version == VERSION)
}

fn save(path: &Path, remembered: &[Remembered]) {
    let kept = Kept { version: VERSION, alerts: remembered.iter().map(One::from).collect() };
    let written =
        serde_json::to_vec(&kept).map_err(Into::into).and_then(|json| replace(path, &json));
    if let Err(error) = written {
        tracing::warn!(%error, "alerts last seen not kept");
    }
}

/// Keeps the file up to date without holding anybody up.
pub(super) struct Rememberer {
    path: Option<PathBuf>,
    /// What was written last, but for times that change with every answer.
    written: Option<u64>,
    /// The alerts' revision that was looked at.
    revision: Option<u64>,
    at: Timestamp,
    looked: Timestamp,
    writing: Option<JoinHandle<()>>,
}

impl Rememberer {
    /// Beside the file of view and drafts; without one nothing is remembered (a recording is played).
    pub(super) fn new(beside: Option<&Path>) -> Self {
        let path = beside.and_then(Path::parent).map(file);
        let start = Timestamp::default();
        Self { path, written: None, revision: None, at: start, looked: start, writing: None }
    }

    /// Once a second: writes on a thread of its own when alerts came, went or turned.
    pub(super) fn look(&mut self, model: &Model, now: Timestamp) {
        let busy = self.writing.as_ref().is_some_and(|thread| !thread.is_finished());
        let within = |span, since| (Span::ZERO..span).contains(&now.since(since));
        if busy || within(EVERY, self.looked) {
            return;
        }
        let Some(path) = self.path.clone() else { return };
        self.looked = now;
        // Whatever the file tells of an alert, the groups tell too; they are made anew when it changes.
        let revision = Some(model.alerts.revision);
        if revision == self.revision && within(RENEWED, self.at) {
            return;
        }
        self.revision = revision;
        let remembered = model.remembered(MOST);
        let print = Some(fingerprint(&remembered));
        if print == self.written && within(RENEWED, self.at) {
            return;
        }
        (self.written, self.at) = (print, now);
        let thread = std::thread::Builder::new().name("sight".into());
        self.writing = thread.spawn(move || save(&path, &remembered)).ok();
    }

    /// Writes the last state.
    pub(super) fn finish(&mut self, model: &Model) {
        if let Some(thread) = self.writing.take() {
            let _ = thread.join();
        }
        if let Some(path) = &self.path {
            save(path, &model.remembered(MOST));
        }
    }
}

fn fingerprint(remembered: &[Remembered]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for one in remembered {
        let alert = &one.alert;
        (&one.source, one.lost_since, &alert.key, alert.starts_at, &alert.state).hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Observation, SiteId, SourceKind, SourceStatus};

    fn model() -> Model {
        let mut model = Model::default();
        let (id, site) = (SourceId::new("am"), SiteId::new("eu"));
        let every = Span::from_secs(5);
        let status =
            SourceStatus::new(id, SourceKind::Alertmanager, site, "http://am".into(), every);
        model.source(status);
        model
    }

    fn alert() -> Alert {
        let at = Timestamp::from_millis;
        Alert {
            key: AlertKey { site: SiteId::new("eu"), fingerprint: "f1".into() },
            seen_by: vec![SourceId::new("am")],
            labels: Labels::of(&[("alertname", "TargetDown")]),
            annotations: Labels::of(&[("summary", "two\nlines")]),
            starts_at: at(1_000),
            ends_at: at(9_000),
            updated_at: at(2_000),
            state: AlertState::Suppressed {
                silenced_by: vec![SilenceId::new("s1")],
                inhibited_by: Vec::new(),
            },
            receivers: Vec::new(),
            generator_url: "http://g".into(),
        }
    }

    #[test]
    fn what_was_in_sight_comes_back_from_disk_and_a_damaged_file_is_as_none() {
        let dir = tempfile::tempdir().unwrap();
        let now = Timestamp::from_millis(60_000);
        let mut before = model();
        before.observe(&SourceId::new("am"), now, vec![Observation::Alerts(vec![alert()])]);
        let mut rememberer = Rememberer::new(Some(&dir.path().join("view.json")));
        rememberer.finish(&before);
        let mut after = model();
        recall(&file(dir.path()), &mut after, now);
        assert_eq!(after.remembered(9), before.remembered(9));
        assert_eq!(after.remembered(9).len(), 1);
        for damaged in ["", "{\"version\":1,\"alerts\":[{", "{\"version\":2,\"alerts\":[]}"] {
            std::fs::write(file(dir.path()), damaged).unwrap();
            let mut none = model();
            recall(&file(dir.path()), &mut none, now);
            assert_eq!(none.remembered(9), []);
        }
    }
}
