//! The same in a real tmux, the terminal most people will meet the console in.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags};

use crate::pty::{Program, own_home, patience};

/// A tmux server of its own, killed with it.
pub(crate) struct Tmux {
    socket: String,
    home: tempfile::TempDir,
}

impl Tmux {
    /// A shell in a window of this size.
    pub(crate) fn start(columns: u16, rows: u16) -> Self {
        let home = tempfile::tempdir().unwrap();
        let socket = home.path().join("tmux").display().to_string();
        let tmux = Self { socket, home };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        tmux.run(&["new-session", "-d", "-x", &columns, "-y", &rows, "bash --norc --noprofile"]);
        tmux.wait_for_text("bash-");
        tmux
    }

    fn output(&self, args: &[&str]) -> Output {
        let mut command = Command::new("tmux");
        own_home(&mut command, self.home.path());
        command.args(["-S", &self.socket, "-f", "/dev/null"]).args(args);
        command.output().expect("tmux is installed")
    }

    fn run(&self, args: &[&str]) -> String {
        let output = self.output(args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "tmux {args:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub(crate) fn send(&self, keys: &[&str]) {
        self.run(&[&["send-keys"], keys].concat());
    }

    pub(crate) fn screen(&self) -> String {
        self.run(&["capture-pane", "-p"])
    }

    pub(crate) fn wait_for_text(&self, text: &str) {
        self.wait_until(text, || self.screen().contains(text));
    }

    /// Each look takes tmux some milliseconds; nothing needs to be added to that.
    pub(crate) fn wait_until(&self, what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + patience();
        while !is_so() {
            assert!(Instant::now() < deadline, "waited for: {what}\n{}", self.screen());
        }
    }

    fn asked(&self, format: &str) -> String {
        self.run(&["display-message", "-p", format]).trim().to_owned()
    }

    /// Starts a program from the shell.
    fn start_program(&self, program: &Program) {
        let path = program.path.display().to_string();
        self.send(&[&[path.as_str(), " ", &program.args.join(" ")].concat(), "Enter"]);
    }

    /// The process in the foreground of the window, other than the shell.
    fn foreground(&self) -> Pid {
        let shell = self.asked("#{pane_pid}");
        let children = format!("/proc/{shell}/task/{shell}/children");
        let pid = std::fs::read_to_string(children).unwrap();
        Pid::from_raw(pid.trim().parse().expect("one child")).unwrap()
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.output(&["kill-server"]);
    }
}

#[test]
fn it_draws_follows_the_window_and_gives_the_terminal_back() {
    let tmux = Tmux::start(100, 30);
    tmux.start_program(&Program::probe());
    tmux.wait_for_text("term probe 100x30");
    assert_eq!(tmux.asked("#{alternate_on} #{cursor_flag}"), "1 0");
    tmux.run(&["resize-window", "-x", "60", "-y", "15"]);
    tmux.wait_for_text("term probe 60x15");
    tmux.send(&["j", "Down", "F5"]);
    tmux.wait_for_text("at 2 ");
    tmux.send(&["q"]);
    tmux.wait_until("the shell", || tmux.asked("#{alternate_on} #{cursor_flag}") == "0 1");
    tmux.send(&["echo back $((6 * 7))", "Enter"]);
    tmux.wait_for_text("back 42");
}

#[test]
fn the_console_lives_in_a_pane() {
    let tmux = Tmux::start(100, 30);
    tmux.start_program(&Program::quarterdeck(&["demo", "--from", "2m"]));
    tmux.wait_for_text("alerts fire");
    assert_eq!(tmux.asked("#{alternate_on}"), "1");
    for (key, shown) in [("2", "ErrorBudgetBurn"), ("3", "Objectives"), ("S", "alertmanager")] {
        tmux.send(&[key]);
        tmux.wait_for_text(shown);
    }
    tmux.run(&["resize-window", "-x", "60", "-y", "15"]);
    tmux.send(&["1"]);
    tmux.wait_for_text("budgets");
    tmux.send(&["C-z"]);
    tmux.wait_for_text("Stopped");
    assert_eq!(tmux.asked("#{alternate_on} #{cursor_flag}"), "0 1");
    tmux.send(&["fg", "Enter"]);
    tmux.wait_until("the console again", || tmux.asked("#{alternate_on}") == "1");
    tmux.send(&["q"]);
    tmux.wait_until("the shell", || tmux.asked("#{alternate_on} #{cursor_flag}") == "0 1");
}

#[test]
fn stopped_and_continued_it_draws_again() {
    let tmux = Tmux::start(100, 30);
    tmux.start_program(&Program::probe());
    tmux.wait_for_text("term probe 100x30");
    tmux.send(&["j", "C-z"]);
    tmux.wait_for_text("Stopped");
    assert_eq!(tmux.asked("#{alternate_on} #{cursor_flag}"), "0 1");
    tmux.send(&["fg", "Enter"]);
    tmux.wait_for_text("at 1 ");
    assert_eq!(tmux.asked("#{alternate_on} #{cursor_flag}"), "1 0");
}

#[test]
fn when_the_server_is_killed_it_is_gone_within_half_a_second() {
    let tmux = Tmux::start(100, 30);
    tmux.start_program(&Program::probe());
    tmux.wait_for_text("term probe");
    let process = tmux.foreground();
    let ended = rustix::process::pidfd_open(process, PidfdFlags::empty()).unwrap();
    tmux.run(&["kill-server"]);
    let limit = Timespec { tv_sec: 0, tv_nsec: Duration::from_millis(500).subsec_nanos().into() };
    let mut ends = [PollFd::new(&ended, PollFlags::IN)];
    assert_eq!(rustix::event::poll(&mut ends, Some(&limit)).unwrap(), 1, "still there");
}
