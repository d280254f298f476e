//! One server of the lab: started in the foreground, its output in a file, ended by its own id.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use super::eventually;

/// A process of ours.
pub(crate) struct Server {
    name: String,
    program: PathBuf,
    args: Vec<String>,
    log: PathBuf,
    child: Child,
}

impl Server {
    /// Starts it with its output in `dir/NAME.log`.
    pub(crate) fn start(
        name: &str,
        program: PathBuf,
        args: Vec<String>,
        dir: &Path,
    ) -> Result<Self> {
        let log = dir.join(format!("{name}.log"));
        let child = spawn(&program, &args, &log)?;
        Ok(Self { name: name.to_owned(), program, args, log, child })
    }

    /// What it is called in the lab.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the process is still there.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Stops it from running without ending it: connections open and nothing answers.
    pub(crate) fn freeze(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets a frozen one go on.
    pub(crate) fn thaw(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Ends it at once, without a chance to say goodbye.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Starts it again with the files it had.
    pub(crate) fn restart(&mut self) -> Result<()> {
        if self.is_running() {
            self.kill()?;
        }
        self.child = spawn(&self.program, &self.args, &self.log)?;
        Ok(())
    }

    /// The last lines it wrote.
    pub(crate) fn log_tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        kill_process(Pid::from_child(&self.child), signal)
            .with_context(|| format!("{} cannot be signalled", self.name))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked first, so that it can end what it started; a frozen one cannot hear.
        if self.is_running() && self.thaw().and_then(|()| self.signal(Signal::TERM)).is_ok() {
            let name = self.name.clone();
            _ = eventually(&format!("{name} ends"), Duration::from_secs(3), || {
                anyhow::ensure!(!self.is_running(), "it still runs");
                Ok(())
            });
        }
        _ = self.kill();
    }
}

fn spawn(program: &Path, args: &[String], log: &Path) -> Result<Child> {
    let out = File::options().create(true).append(true).open(log)?;
    Command::new(program)
        .args(args)
        // Held open by us: the lab's own programs end when it closes.
        .stdin(Stdio::piped())
        .stdout(out.try_clone()?)
        .stderr(out)
        .spawn()
        .with_context(|| format!("{} does not start", program.display()))
}
