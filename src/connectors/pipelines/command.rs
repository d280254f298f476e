//! Reviewed commands on this host: an argument list, no shell, nothing of our environment.
//!
//! A command runs in a process group of its own, with no input, with an environment of nothing but what is
//! configured, in the configured folder, with no new privileges (`setpriv`, where the host has it) and a
//! bound on memory. What it prints is bounded and made visible. When its deadline passes or somebody stops
//! it, its whole group is ended. That protects from slips and from runaway commands; it does not protect
//! from a command that means harm, which runs as the user who runs the console.
//!
//! Our key is in its environment (`QUARTERDECK_RUN`), so that a console that comes later finds one that is
//! still running. Of one that has ended meanwhile nobody knows how: that is said, and a person looks.

use std::collections::{BTreeMap, VecDeque};
#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd as _;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, Command as Process};

use super::config::Commands;
use super::{Begun, NotBegun, Pipeline, Progress, RunState};
use crate::domain::{Ask, Order, PipelineId, PipelineKind, SafeText, Span, Stage};

/// The variable that holds our key.
const KEY: &str = "QUARTERDECK_RUN";
/// Most lines that are kept of what a command prints.
const LINES: usize = 20;
/// Most bytes of one line.
const LINE: u64 = 4 * 1024;
/// Takes away the means to get more privileges; part of util-linux.
const SETPRIV: &str = "/usr/bin/setpriv";
/// How long a command has to end when it is asked to.
const GRACE: Duration = Duration::from_secs(5);
/// By when one that did not is ended, and this is known.
const LEEWAY: Span = Span::from_secs(10);
/// How often a process is looked at before it is said not to be ours, and how far apart.
const LOOKS: u32 = 5;
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// Commands of this host.
pub struct Command {
    id: PipelineId,
    config: Commands,
    running: Mutex<BTreeMap<String, Arc<Mutex<Course>>>>,
}

/// How a command goes.
#[derive(Debug, Default)]
struct Course {
    pid: u32,
    lines: VecDeque<SafeText>,
    ended: Option<RunState>,
    stopped: Option<String>,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Command {
    /// Commands as they are configured.
    pub fn new(id: PipelineId, config: Commands) -> Self {
        Self { id, config, running: Mutex::default() }
    }

    /// The argument list, if its program may be run.
    fn argv<'a>(&self, order: &'a Order) -> Result<&'a [SafeText], SafeText> {
        let Ask::Command { argv } = &order.ask else {
            return Err(SafeText::new("This pipeline only runs commands."));
        };
        let program = argv.first().map(|word| PathBuf::from(word.as_str()));
        match program {
            Some(program) if self.config.allow.contains(&program) => Ok(argv),
            Some(program) => Err(SafeText::new(&format!(
                "{} is not on the list of programs that may be run (`allow` of the pipeline {}).",
                program.display(),
                self.id
            ))),
            None => Err(SafeText::new("There is no program to run.")),
        }
    }

    async fn spawn(&self, order: &Order, key: &str) -> Result<Begun, NotBegun> {
        let argv = self.argv(order).map_err(NotBegun::Refused)?;
        let refused = |why: String| NotBegun::Refused(SafeText::body(&why));
        let mut env = vec![(KEY.to_owned(), key.to_owned())];
        for (name, place) in &self.config.env {
            let value = place.read().await.map_err(|error| {
                let (from, why) = (&error.origin, &error.why);
                refused(format!(
                    "The variable {name} could not be read from {from}: {why}. Nothing was run."
                ))
            })?;
            let value = String::from_utf8_lossy(value.expose()).into_owned();
            env.push((name.clone(), value));
        }
        let program = argv.first().map_or("", SafeText::as_str);
        let mut words: Vec<&str> = argv.iter().map(SafeText::as_str).collect();
        if Path::new(SETPRIV).exists() {
            words.splice(0..0, [SETPRIV, "--no-new-privs", "--"]);
        }
        let (first, rest) =
            words.split_first().map_or(("", &[][..]), |(first, rest)| (*first, rest));
        let (said, says, errs) = outlet()
            .map_err(|error| refused(format!("{program} could not be started: {error}.")))?;
        let spawned = Process::new(first)
            .args(rest)
            .env_clear()
            .envs(env)
            .current_dir(&self.config.dir)
            .stdin(Stdio::null())
            .stdout(says)
            .stderr(errs)
            .process_group(0)
            .spawn();
        let mut child = spawned
            .map_err(|error| refused(format!("{program} could not be started: {error}.")))?;
        let pid = child.id().unwrap_or_default();
        limit_memory(pid, self.config.memory);
        let course = Arc::new(Mutex::new(Course { pid, ..Course::default() }));
        let reader = tokio::spawn(read_lines(said, course.clone()));
        locked(&self.running).insert(key.to_owned(), course.clone());
        let deadline = Duration::from_millis(order.deadline.millis().unsigned_abs());
        let program = program.to_owned();
        tokio::spawn(async move {
            let state = wait(&mut child, pid, deadline, &program, &course).await;
            // What keeps the pipe open after the command has ended is not waited for long.
            let _ = tokio::time::timeout(Duration::from_secs(1), reader).await;
            locked(&course).ended = Some(state);
        });
        Ok(Begun { receipt: SafeText::new(&format!("process {pid}")), url: SafeText::default() })
    }

    /// The command that this console started as this process; one that runs, where the number was used before.
    fn of_pid(&self, pid: u32) -> Option<Arc<Mutex<Course>>> {
        let running = locked(&self.running);
        let of_pid = running.values().filter(|course| locked(course).pid == pid);
        of_pid.max_by_key(|course| locked(course).ended.is_none()).cloned()
    }

    async fn progress(&self, begun: &Begun) -> Progress {
        let pid = pid_of(begun);
        if let Some(course) = pid.and_then(|pid| self.of_pid(pid)) {
            let course = locked(&course);
            let state = course.ended.clone().unwrap_or(RunState::Under(Stage::Running));
            return Progress { state, lines: course.lines.iter().cloned().collect() };
        }
        // Started by a console that is gone.
        let alive = match pid {
            Some(pid) => runs(pid).await,
            None => false,
        };
        let state = if alive {
            RunState::Under(Stage::Running)
        } else {
            RunState::Gone(SafeText::new(
                "The command has ended, and the console that ran it was cut off before it could say how. Look \
                 at what it should have changed.",
            ))
        };
        Progress { state, lines: Vec::new() }
    }

    async fn find_key(&self, key: &str) -> Result<Option<Begun>, SafeText> {
        let ours = locked(&self.running).get(key).map(|course| locked(course).pid);
        let pid = match ours {
            Some(pid) => Some(pid),
            None => with_key(key).await,
        };
        match pid {
            Some(pid) => Ok(Some(Begun {
                receipt: SafeText::new(&format!("process {pid}")),
                url: SafeText::default(),
            })),
            None => Err(SafeText::new(
                "No process with our key runs here. It may have run and ended, on this host or on the one \
                 that started it.",
            )),
        }
    }

    async fn end_early(&self, begun: &Begun, reason: &str) -> Result<(), SafeText> {
        let gone = || SafeText::new("No such command of ours runs here.");
        let pid = pid_of(begun).ok_or_else(gone)?;
        let ours = self.of_pid(pid);
        if let Some(course) = &ours {
            let mut course = locked(course);
            if course.ended.is_some() {
                return Err(gone());
            }
            course.stopped = Some(reason.to_owned());
        } else if !runs(pid).await {
            return Err(gone());
        }
        signal(pid, rustix::process::Signal::TERM);
        tokio::spawn(async move {
            tokio::time::sleep(GRACE).await;
            let still = match ours {
                Some(course) => locked(&course).ended.is_none(),
                None => runs(pid).await,
            };
            if still {
                signal(pid, rustix::process::Signal::KILL);
            }
        });
        Ok(())
    }
}

/// A pipe for what a command prints: its end for us, and those for it. The command's ends can be read as well,
/// so the pipe has a reader for as long as the command runs: were it broken by the end of the console, the next
/// line it prints would kill it half-way. It holds a MiB that nobody reads; after that the command stands still.
fn outlet() -> std::io::Result<(Receiver, Stdio, Stdio)> {
    let (said, says) = std::io::pipe()?;
    let said = Receiver::from_owned_fd(said.into())?;
    let says = both_ends(&says).unwrap_or_else(|_| says.into());
    let errs = says.try_clone()?;
    Ok((said, says.into(), errs.into()))
}

#[cfg(target_os = "linux")]
fn both_ends(says: &std::io::PipeWriter) -> std::io::Result<OwnedFd> {
    let path = format!("/proc/self/fd/{}", says.as_raw_fd());
    let both = std::fs::OpenOptions::new().read(true).write(true).open(path)?;
    // A smaller one does as well, for shorter.
    let _ = rustix::pipe::fcntl_setpipe_size(&both, 1024 * 1024);
    Ok(both.into())
}

#[cfg(not(target_os = "linux"))]
fn both_ends(_: &std::io::PipeWriter) -> std::io::Result<OwnedFd> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// Reads what is printed, line by line, with a bound on each.
async fn read_lines(from: impl AsyncRead + Unpin, course: Arc<Mutex<Course>>) {
    let mut from = BufReader::new(from);
    loop {
        let mut line = Vec::new();
        match (&mut from).take(LINE).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line);
                let mut course = locked(&course);
                course.lines.push_back(SafeText::new(text.trim_end()));
                if course.lines.len() > LINES {
                    course.lines.pop_front();
                }
            }
        }
    }
}

async fn wait(
    child: &mut Child,
    pid: u32,
    deadline: Duration,
    program: &str,
    course: &Mutex<Course>,
) -> RunState {
    let ended = match tokio::time::timeout(deadline, child.wait()).await {
        Ok(ended) => ended,
        Err(_) => {
            end(pid, child).await;
            let why = format!(
                "{program} had not ended after {} s and was stopped with all it had started. What it did \
                 until then stands.",
                deadline.as_secs()
            );
            return RunState::Failed(SafeText::body(&why));
        }
    };
    if let Some(reason) = locked(course).stopped.take() {
        // What it left behind in its group goes with it.
        signal(pid, rustix::process::Signal::KILL);
        return RunState::Stopped(SafeText::body(&format!("{program} was stopped: {reason}")));
    }
    match ended {
        Ok(status) if status.success() => RunState::Done,
        Ok(status) => RunState::Failed(SafeText::body(&format!("{program} ended with {status}."))),
        Err(error) => RunState::Gone(SafeText::body(&format!(
            "It could not be learned how {program} ended: {error}."
        ))),
    }
}

/// Asks the whole group to end, then ends it.
async fn end(pid: u32, child: &mut Child) {
    signal(pid, rustix::process::Signal::TERM);
    if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
        signal(pid, rustix::process::Signal::KILL);
        let _ = child.wait().await;
    }
    // What the command left behind in its group goes with it.
    signal(pid, rustix::process::Signal::KILL);
}

fn signal(pid: u32, signal: rustix::process::Signal) {
    let group = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        // It may be gone already.
        let _ = rustix::process::kill_process_group(group, signal);
    }
}

#[cfg(target_os = "linux")]
fn limit_memory(pid: u32, most: u64) {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let limit = Rlimit { current: Some(most), maximum: Some(most) };
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // A command that has ended already needs none.
        let _ = prlimit(Some(pid), Resource::As, limit);
    }
}

#[cfg(not(target_os = "linux"))]
fn limit_memory(_pid: u32, _most: u64) {}

fn pid_of(begun: &Begun) -> Option<u32> {
    begun.receipt.strip_prefix("process ")?.parse().ok()
}

/// What a process's environment says of our key.
enum Kept {
    Key(String),
    /// It is just becoming another program: its environment is empty for a moment.
    NotYet,
    /// It is not one of ours, not running, or not to be read.
    No,
}

fn kept(pid: u32) -> Kept {
    let Ok(state) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return Kept::No };
    // A dead child that nobody has waited for yet does not run.
    if state.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z')) {
        return Kept::No;
    }
    match std::fs::read(format!("/proc/{pid}/environ")) {
        Ok(bytes) if bytes.is_empty() => Kept::NotYet,
        Ok(bytes) => {
            let mut words = bytes.split(|byte| *byte == 0);
            let value = words.find_map(|one| one.strip_prefix(KEY.as_bytes())?.strip_prefix(b"="));
            value
                .and_then(|value| String::from_utf8(value.to_vec()).ok())
                .map_or(Kept::No, Kept::Key)
        }
        Err(_) => Kept::No,
    }
}

/// Whether this process is a command of ours that runs. One that was started this moment is given the time
/// to become its program.
async fn runs(pid: u32) -> bool {
    for _ in 0..LOOKS {
        match kept(pid) {
            Kept::Key(_) => return true,
            Kept::No => return false,
            Kept::NotYet => tokio::time::sleep(BETWEEN_LOOKS).await,
        }
    }
    false
}

/// The process that has our key. Kernel threads have no environment either, so all are looked at again.
async fn with_key(key: &str) -> Option<u32> {
    for _ in 0..LOOKS {
        let all = std::fs::read_dir("/proc").ok()?.flatten();
        let mut pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let found = pids.find(|pid| matches!(kept(*pid), Kept::Key(found) if found == key));
        if found.is_some() {
            return found;
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    None
}

#[async_trait]
impl Pipeline for Command {
    fn id(&self) -> &PipelineId {
        &self.id
    }

    fn kind(&self) -> PipelineKind {
        PipelineKind::Command
    }

    fn shown(&self, order: &Order) -> SafeText {
        match self.argv(order) {
            Ok(argv) => {
                let words: Vec<String> =
                    argv.iter().map(|word| format!("{:?}", word.as_str())).collect();
                SafeText::body(&format!("run {}", words.join(" ")))
            }
            Err(why) => why,
        }
    }

    fn leeway(&self) -> Span {
        LEEWAY
    }

    async fn start(&self, order: &Order, key: &str) -> Result<Begun, NotBegun> {
        self.spawn(order, key).await
    }

    async fn watch(&self, _order: &Order, begun: &Begun) -> Result<Progress, SafeText> {
        Ok(self.progress(begun).await)
    }

    async fn find(&self, _order: &Order, key: &str) -> Result<Option<Begun>, SafeText> {
        self.find_key(key).await
    }

    async fn stop(&self, _order: &Order, begun: &Begun, reason: &str) -> Result<(), SafeText> {
        self.end_early(begun, reason).await
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::connectors::secret::SecretRef;

    fn pipeline(allow: &[&str]) -> Command {
        let config = Commands {
            allow: allow.iter().map(PathBuf::from).collect(),
            dir: PathBuf::from("/"),
            env: BTreeMap::from([("WORD".to_owned(), SecretRef::Given("a b".into()))]),
            memory: 1 << 30,
        };
        Command::new(PipelineId::new("here"), config)
    }

    fn order(argv: &[&str], deadline: Span) -> Order {
        let argv = argv.iter().map(|word| SafeText::new(word)).collect();
        let (title, pipeline) = (SafeText::new("t"), PipelineId::new("here"));
        Order { title, pipeline, ask: Ask::Command { argv }, deadline }
    }

    async fn to_the_end(pipeline: &Command, order: &Order, key: &str) -> Progress {
        let begun = pipeline.start(order, key).await.unwrap();
        loop {
            let progress = pipeline.watch(order, &begun).await.unwrap();
            if !matches!(progress.state, RunState::Under(_)) {
                return progress;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn texts(lines: &[SafeText]) -> Vec<&str> {
        lines.iter().map(SafeText::as_str).collect()
    }

    #[tokio::test]
    async fn words_arrive_as_they_are_and_nothing_reads_them_as_a_shell() {
        let pipeline = pipeline(&["/usr/bin/printf"]);
        let hostile = "a b'c\"d $HOME `id` ; rm -rf / \\ *";
        let order = order(&["/usr/bin/printf", "%s\\n", hostile, ""], Span::from_secs(20));
        let ended = to_the_end(&pipeline, &order, "k1").await;
        assert_eq!((ended.state, texts(&ended.lines)), (RunState::Done, vec![hostile, ""]));
        assert_eq!(
            pipeline.shown(&order).as_str(),
            "run \"/usr/bin/printf\" \"%s\\\\n\" \"a b'c\\\"d $HOME `id` ; rm -rf / \\\\ *\" \"\""
        );
    }

    #[tokio::test]
    async fn a_command_has_nothing_but_what_is_configured() {
        let pipeline = pipeline(&["/usr/bin/env"]);
        let order = order(&["/usr/bin/env"], Span::from_secs(20));
        let ended = to_the_end(&pipeline, &order, "k2").await;
        let mut lines = texts(&ended.lines);
        lines.sort_unstable();
        assert_eq!(lines, ["QUARTERDECK_RUN=k2", "WORD=a b"]);
    }

    #[tokio::test]
    async fn what_is_not_allowed_fails_or_hangs_is_said_in_a_sentence() {
        let pipeline = pipeline(&["/usr/bin/false", "/usr/bin/sleep", "/nowhere"]);
        let quick = |argv: &[&str]| order(argv, Span::from_secs(20));
        let refused = pipeline.start(&quick(&["/usr/bin/true"]), "k3").await.unwrap_err();
        assert_eq!(
            refused,
            NotBegun::Refused(SafeText::new(
                "/usr/bin/true is not on the list of programs that may be run (`allow` of the pipeline here)."
            ))
        );
        let failed = to_the_end(&pipeline, &quick(&["/usr/bin/false"]), "k4").await.state;
        let why = "/usr/bin/false ended with exit status: 1.";
        assert_eq!(failed, RunState::Failed(SafeText::new(why)));
        let hanging = order(&["/usr/bin/sleep", "60"], Span::from_millis(200));
        let RunState::Failed(why) = to_the_end(&pipeline, &hanging, "k5").await.state else {
            panic!("it is still running")
        };
        assert!(why.starts_with("/usr/bin/sleep had not ended"), "{why}");
    }

    #[tokio::test]
    async fn one_that_will_not_end_is_ended_with_its_children_and_this_is_known_in_time() {
        let pipeline = pipeline(&["/bin/sh"]);
        let deaf = "trap '' TERM; /bin/sleep 60 & /bin/sleep 60; /bin/sleep 60";
        let order = order(&["/bin/sh", "-c", deaf], Span::from_millis(100));
        let key = format!("deaf-{}", std::process::id());
        let known = to_the_end(&pipeline, &order, &key);
        let in_time = order.deadline.std() + pipeline.leeway().std();
        let known = tokio::time::timeout(in_time, known);
        let RunState::Failed(why) = known.await.unwrap().state else { panic!("it did not fail") };
        assert!(why.starts_with("/bin/sh had not ended"), "{why}");
        assert_eq!(with_key(&key).await, None);
    }

    #[tokio::test]
    async fn one_that_runs_is_found_by_its_key_and_can_be_stopped() {
        let one = pipeline(&["/usr/bin/sleep"]);
        let order = order(&["/usr/bin/sleep", "60"], Span::from_secs(90));
        let key = format!("test-{}", std::process::id());
        let begun = one.start(&order, &key).await.unwrap();
        // Another console, which did not start it.
        let other = pipeline(&["/usr/bin/sleep"]);
        assert_eq!(other.find(&order, &key).await, Ok(Some(begun.clone())));
        assert!(other.find(&order, "another key").await.is_err(), "nobody can tell");
        let running = other.watch(&order, &begun).await.unwrap().state;
        assert_eq!(running, RunState::Under(Stage::Running));
        one.stop(&order, &begun, "changed our mind").await.unwrap();
        let ended = loop {
            let state = one.watch(&order, &begun).await.unwrap().state;
            if !matches!(state, RunState::Under(_)) {
                break state;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let why = "/usr/bin/sleep was stopped: changed our mind";
        assert_eq!(ended, RunState::Stopped(SafeText::new(why)));
        assert!(matches!(other.watch(&order, &begun).await.unwrap().state, RunState::Gone(_)));
    }
}
