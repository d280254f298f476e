//! `playbook.toml` and `policy.toml` while the console runs: read again when they change. A mistake, or a
//! file that is gone, leaves in use what is in use, and is told.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::Arrival;
use crate::app::{Msg, Reload};
use crate::config::{ConfigError, playbook, policy};
use crate::connectors::outbound::{self, Outlet};
use crate::connectors::pipelines::{self, Pipeline};
use crate::connectors::{Clock, trackers};
use crate::domain::{Playbook, SafeText};

/// What a changed playbook means for the outbox.
pub(crate) struct Ways {
    /// Channels and trackers as they are spoken to now.
    pub(crate) outlets: Vec<Arc<dyn Outlet>>,
    pub(crate) pipelines: Vec<Arc<dyn Pipeline>>,
    /// Fallbacks, and how often deliveries are tested.
    pub(crate) playbook: Arc<Playbook>,
}

/// The files as they were last seen.
pub(super) struct Response {
    folder: PathBuf,
    clock: Arc<dyn Clock>,
    playbook: Seen,
    policy: Seen,
}

/// Files that belong together, with when each was changed and how long it is.
#[derive(PartialEq)]
struct Seen(Vec<(PathBuf, Option<(SystemTime, u64)>)>);

impl Seen {
    fn of(files: impl IntoIterator<Item = PathBuf>) -> Self {
        let stamp = |path: &Path| {
            let about = std::fs::metadata(path).ok()?;
            Some((about.modified().ok()?, about.len()))
        };
        Self(files.into_iter().map(|path| (path.clone(), stamp(&path))).collect())
    }

    /// As they are now.
    fn again(&self) -> Self {
        Self::of(self.0.iter().map(|(path, _)| path.clone()))
    }

    /// Whether the first of them, the file itself, is not there.
    fn is_gone(&self) -> bool {
        self.0.first().is_some_and(|(_, stamp)| stamp.is_none())
    }
}

impl Response {
    /// Looks at the files in `folder` from now on.
    pub(super) fn new(folder: &Path, clock: Arc<dyn Clock>) -> Self {
        let (read, _) = playbook::PlaybookFile::load(folder);
        Self {
            folder: folder.to_owned(),
            clock,
            playbook: Seen::of(read.files),
            policy: Seen::of([folder.join(policy::FILE)]),
        }
    }

    /// What changed since the last look, for the loop.
    pub(super) fn look(&mut self) -> Vec<Arrival> {
        let mut arrivals = Vec::new();
        let (playbook, policy) = (self.playbook.again(), self.policy.again());
        if playbook != self.playbook {
            self.playbook = playbook;
            arrivals.extend(self.read_playbook());
        }
        if policy != self.policy {
            self.policy = policy;
            arrivals.push(self.read_policy());
        }
        arrivals
    }

    fn read_playbook(&mut self) -> Vec<Arrival> {
        if self.playbook.is_gone() {
            return vec![told(Err(gone(&self.folder.join(playbook::FILE))))];
        }
        let (read, mistakes) = playbook::PlaybookFile::load(&self.folder);
        // A template that is named now is watched from now on, mistakes or not.
        self.playbook = Seen::of(read.files);
        if let Some(sentence) = refused("playbook", &mistakes) {
            return vec![told(Err(sentence))];
        }
        let channels = read.channels.iter().map(|one| outbound::channel(one, &self.clock));
        let trackers = read.trackers.iter().map(|one| trackers::tracker(one, &self.clock));
        let (outlets, playbook) = (channels.chain(trackers).collect(), Arc::new(read.playbook));
        let reload = Reload {
            what: "The playbook was read again and is in force.".into(),
            playbook: Some(playbook.clone()),
            ..Reload::default()
        };
        let pipelines = read.pipelines.iter();
        let pipelines = pipelines.filter_map(|one| pipelines::pipeline(one, &self.clock)).collect();
        vec![Arrival::Ways(Ways { outlets, pipelines, playbook }), told(Ok(reload))]
    }

    fn read_policy(&self) -> Arrival {
        let path = self.folder.join(policy::FILE);
        if self.policy.is_gone() {
            // Without a policy everybody may do everything: nobody gets that by a file that is moved.
            return told(Err(gone(&path)));
        }
        let (policy, mistakes) = policy::load(&path);
        match refused("policy", &mistakes) {
            Some(sentence) => told(Err(sentence)),
            None => told(Ok(Reload {
                what: "The policy was read again; every record is judged by it anew.".into(),
                duties: Some(Arc::new(policy)),
                ..Reload::default()
            })),
        }
    }
}

fn told(reload: Result<Reload, SafeText>) -> Arrival {
    Arrival::Msg(Msg::Reloaded(reload.map(Box::new)))
}

fn gone(path: &Path) -> SafeText {
    SafeText::body(&format!(
        "{} is gone; what it said stays in force until it is there again or the console is started anew.",
        path.display()
    ))
}

/// The first mistake, when there is one.
fn refused(what: &str, mistakes: &[ConfigError]) -> Option<SafeText> {
    let first = mistakes.first()?;
    let more = match mistakes.len() {
        1 => String::new(),
        n => format!(" ({} more)", n - 1),
    };
    Some(SafeText::body(&format!(
        "The {what} could not be read, the one in force stays: {first}{more}"
    )))
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::domain::Timestamp;

    /// What a look brings, in words.
    fn look(response: &mut Response) -> Vec<String> {
        let said = response.look().into_iter().map(|arrival| match arrival {
            Arrival::Ways(ways) => {
                let names: Vec<&str> = ways.outlets.iter().map(|one| one.name()).collect();
                format!("ways out: {}", names.join(", "))
            }
            Arrival::Msg(Msg::Reloaded(Ok(reload))) => {
                let channels = reload.playbook.map_or(0, |one| one.channels.len());
                let keys = reload.duties.and_then(|one| one.keys.clone()).map(|keys| keys.len());
                format!("{} {channels} {keys:?}", reload.what)
            }
            Arrival::Msg(Msg::Reloaded(Err(sentence))) => sentence.to_string(),
            _ => "something else".to_owned(),
        });
        said.collect()
    }

    #[test]
    fn what_changes_is_in_force_and_what_is_wrong_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let write = |name: &str, text: &str| std::fs::write(path(name), text).unwrap();
        write("playbook.toml", "");
        let clock: Arc<dyn Clock> = Arc::new(|| Timestamp::from_millis(0));
        let mut response = Response::new(dir.path(), clock);
        assert_eq!(look(&mut response), Vec::<String>::new());

        let channel = "[[channel]]\nname = \"here\"\nkind = \"desktop\"\n";
        write("playbook.toml", channel);
        let read = "The playbook was read again and is in force. 1 None";
        assert_eq!(look(&mut response), ["ways out: here", read]);
        assert_eq!(look(&mut response), Vec::<String>::new());

        write("playbook.toml", &format!("{channel}kindd = 1\n"));
        let [wrong] = look(&mut response).try_into().unwrap();
        assert!(
            wrong.starts_with("The playbook could not be read, the one in force stays: ")
                && wrong.contains("playbook.toml:4:1")
                && wrong.contains("kind"),
            "{wrong}"
        );
        std::fs::remove_file(path("playbook.toml")).unwrap();
        let [gone] = look(&mut response).try_into().unwrap();
        assert!(gone.contains("playbook.toml is gone; what it said stays"), "{gone}");

        write("policy.toml", "[[person]]\nname = \"ada\"\npowers = [\"writ\"]\n");
        let [wrong] = look(&mut response).try_into().unwrap();
        assert!(wrong.contains("policy could not be read") && wrong.contains("write"), "{wrong}");
        write("policy.toml", "[[person]]\nname = \"ada\"\npowers = [\"write\"]\n");
        assert_eq!(
            look(&mut response),
            ["The policy was read again; every record is judged by it anew. 0 Some(0)"]
        );
        std::fs::remove_file(path("policy.toml")).unwrap();
        let [gone] = look(&mut response).try_into().unwrap();
        assert!(gone.contains("policy.toml is gone; what it said stays"), "{gone}");
    }
}
