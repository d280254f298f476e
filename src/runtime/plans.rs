//! Who is on call by pagers, kept on disk: when the pager is down, whoever is to be called, and their
//! telephone number, are still there, with the time they were told.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use serde::{Deserialize, Serialize};

use super::keep::replace;
use crate::domain::{PagerPlan, TeamId, Timestamp};
use crate::model::Model;

const VERSION: u32 = 1;
/// Plans of a thousand teams come to less.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// The file of the plans, in a state folder.
pub fn file(state: &Path) -> PathBuf {
    state.join("oncall.json")
}

#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    plans: BTreeMap<TeamId, PagerPlan>,
}

/// Gives the model what pagers told an earlier console. A file that cannot be read is as good as none:
/// the next answer writes it anew.
pub fn recall(path: &Path, model: &mut Model, now: Timestamp) {
    let plans = read(path);
    if !plans.is_empty() {
        model.recall_plans(plans, now);
    }
}

/// What is kept, if it is our own and nobody else could have written it: it says whom to call.
pub fn read(path: &Path) -> BTreeMap<TeamId, PagerPlan> {
    let kept = std::fs::File::open(path).ok().and_then(|file| {
        let about = file.metadata().ok()?;
        let ours = about.uid() == rustix::process::geteuid().as_raw() && about.mode() & 0o077 == 0;
        if !ours || !about.is_file() || about.len() > MOST_BYTES {
            tracing::warn!("the plans of pagers are not recalled: the file is not ours alone");
            return None;
        }
        let mut json = Vec::new();
        file.take(MOST_BYTES).read_to_end(&mut json).ok()?;
        let kept = serde_json::from_slice::<Kept>(&json);
        // The text of the error may hold a part of the file, and so a number.
        kept.inspect_err(|_| tracing::warn!("the plans of pagers are damaged")).ok()
    });
    kept.filter(|kept| kept.version == VERSION).map(|kept| kept.plans).unwrap_or_default()
}

/// Writes what is kept.
fn save(path: &Path, plans: BTreeMap<TeamId, PagerPlan>) {
    let kept = Kept { version: VERSION, plans };
    let written =
        serde_json::to_vec(&kept).map_err(Into::into).and_then(|json| replace(path, &json));
    if let Err(error) = written {
        tracing::warn!(%error, "the plans of pagers are not kept");
    }
}

/// Keeps the file up to date without holding anybody up.
pub struct PlanKeeper {
    path: Option<PathBuf>,
    written: Option<u64>,
    writing: Option<JoinHandle<()>>,
}

impl PlanKeeper {
    /// Of this file; without one nothing is kept (a recording is played).
    pub fn new(path: Option<PathBuf>) -> Self {
        Self { path, written: None, writing: None }
    }

    /// Once a second: writes on a thread of its own when a pager has told something, or the same again.
    pub fn look(&mut self, model: &Model) {
        if model.plans.is_empty() || self.writing.as_ref().is_some_and(|t| !t.is_finished()) {
            return;
        }
        let Some(path) = self.path.clone() else { return };
        let mut hasher = DefaultHasher::new();
        for (team, plan) in &model.plans {
            (team, &plan.source, plan.at).hash(&mut hasher);
        }
        let print = Some(hasher.finish());
        if print == self.written {
            return;
        }
        self.written = print;
        let plans = model.plans.clone();
        let thread = std::thread::Builder::new().name("plans".into());
        self.writing = thread.spawn(move || save(&path, plans)).ok();
    }

    /// Writes the last state.
    pub fn finish(&mut self, model: &Model) {
        if let Some(thread) = self.writing.take() {
            let _ = thread.join();
        }
        self.look(model);
        if let Some(thread) = self.writing.take() {
            let _ = thread.join();
        }
    }
}
