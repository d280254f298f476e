//! Programs run in a real pseudo-terminal, seen through an emulated screen.
//!
//! [`Session`] starts one with a home directory of its own and waits for what the screen shows, never
//! for time to pass. The terminal is opened here rather than by a library, because closing it has to
//! close every descriptor of it: that is what a dropped line looks like.

mod console;
mod journeys;

use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, Signal};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

/// How long any state is waited for.
pub(crate) fn patience() -> Duration {
    let seconds = std::env::var("QUARTERDECK_TEST_TIMEOUT").ok().and_then(|s| s.parse().ok());
    Duration::from_secs(seconds.unwrap_or(20))
}

/// What to run.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) args: Vec<String>,
}

impl Program {
    /// The small console over the terminal code.
    pub(crate) fn probe() -> Self {
        let path = Path::new(env!("CARGO_BIN_EXE_quarterdeck"))
            .with_file_name("examples")
            .join("term_probe");
        assert!(path.exists(), "build it first: cargo build --example term_probe");
        Self { path, args: Vec::new() }
    }

    /// The console itself.
    pub(crate) fn quarterdeck(args: &[&str]) -> Self {
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        Self { path: env!("CARGO_BIN_EXE_quarterdeck").into(), args }
    }

    /// An interactive shell, for what only a shell does: stopping and continuing a job.
    pub(crate) fn shell() -> Self {
        let args = ["--norc", "--noprofile", "-i"].map(String::from).to_vec();
        Self { path: "/bin/bash".into(), args }
    }
}

/// The terminal's state that a program may change and has to give back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Modes {
    pub(crate) alternate_screen: bool,
    pub(crate) cursor_hidden: bool,
    pub(crate) bracketed_paste: bool,
    pub(crate) focus_events: bool,
    pub(crate) raw: bool,
}

impl Modes {
    /// As a shell leaves it to the programs it starts.
    pub(crate) const PLAIN: Self = Self {
        alternate_screen: false,
        cursor_hidden: false,
        bracketed_paste: false,
        focus_events: false,
        raw: false,
    };
    /// As a full-screen console keeps it.
    pub(crate) const CONSOLE: Self = Self {
        alternate_screen: true,
        cursor_hidden: true,
        bracketed_paste: true,
        focus_events: true,
        raw: true,
    };
}

/// What the emulator leaves to whoever runs it.
#[derive(Default)]
struct Extras {
    focus_events: bool,
    /// Cursor position reports asked for and not yet sent.
    asked: usize,
    frames: usize,
}

impl vt100::Callbacks for Extras {
    fn unhandled_csi(
        &mut self,
        _: &mut vt100::Screen,
        first: Option<u8>,
        _: Option<u8>,
        params: &[&[u16]],
        end: char,
    ) {
        match (first, params, end) {
            (Some(b'?'), [[1004]], 'h' | 'l') => self.focus_events = end == 'h',
            (Some(b'?'), [[2026]], 'l') => self.frames += 1,
            (None, [[6]], 'n') => self.asked += 1,
            _ => {}
        }
    }
}

/// How to start a program.
pub(crate) struct Start {
    program: Program,
    size: (u16, u16),
    envs: Vec<(String, String)>,
    controlling: bool,
    answering: bool,
}

impl Start {
    pub(crate) fn new(program: Program) -> Self {
        Self { program, size: (120, 40), envs: Vec::new(), controlling: true, answering: true }
    }

    /// Another program, in the same terminal and surroundings.
    pub(crate) fn program(mut self, program: Program) -> Self {
        self.program = program;
        self
    }

    /// Columns and rows.
    pub(crate) fn size(mut self, columns: u16, rows: u16) -> Self {
        self.size = (columns, rows);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.envs.push((name.into(), value.into()));
        self
    }

    /// The terminal is not the controlling one: when it vanishes, no SIGHUP comes.
    pub(crate) fn without_hangup_signal(mut self) -> Self {
        self.controlling = false;
        self
    }

    /// The terminal does not answer questions.
    pub(crate) fn mute(mut self) -> Self {
        self.answering = false;
        self
    }

    pub(crate) fn start(self) -> Session {
        let home = tempfile::tempdir().unwrap();
        let master =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let slave: OwnedFd = ioctl_tiocgptpeer(&master, flags).unwrap();
        let (columns, rows) = self.size;
        tcsetwinsize(&master, winsize(columns, rows)).unwrap();

        // setsid makes the program the leader of a session of its own, with the terminal or without.
        let mut command = Command::new("setsid");
        if self.controlling {
            command.arg("--ctty");
        }
        command.arg(&self.program.path).args(&self.program.args);
        own_home(&mut command, home.path());
        let stdio = || Stdio::from(slave.try_clone().unwrap());
        let child = command
            .envs(self.envs)
            .stdin(stdio())
            .stdout(stdio())
            .stderr(stdio())
            .spawn()
            .expect("setsid (util-linux) is installed");
        let pid = Pid::from_child(&child);
        let ended = rustix::process::pidfd_open(pid, PidfdFlags::empty()).unwrap();
        let parser = vt100::Parser::new_with_callbacks(
            rows.max(1).try_into().unwrap(),
            columns.max(1).try_into().unwrap(),
            0,
            Extras::default(),
        );
        Session {
            master: Some(master.into()),
            child,
            pid,
            ended,
            parser,
            bytes: Vec::new(),
            answering: self.answering,
            _home: home,
        }
    }
}

/// Nothing of the machine's own settings reaches the program.
pub(crate) fn own_home(command: &mut Command, home: &Path) {
    command
        .env_clear()
        .current_dir(home)
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TERM", "xterm-256color")
        .env("LANG", "C.UTF-8")
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_STATE_HOME", home.join("state"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env("XDG_RUNTIME_DIR", home.join("run"));
}

fn winsize(columns: u16, rows: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

/// A program in a terminal.
pub(crate) struct Session {
    master: Option<File>,
    child: Child,
    pid: Pid,
    ended: OwnedFd,
    parser: vt100::Parser<Extras>,
    bytes: Vec<u8>,
    answering: bool,
    _home: tempfile::TempDir,
}

enum Seen {
    Output,
    Ended,
    Nothing,
}

impl Session {
    /// Types.
    pub(crate) fn send(&mut self, keys: &str) {
        self.master.as_mut().expect("the terminal is open").write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until the screen is so.
    pub(crate) fn wait_until(&mut self, what: &str, is_so: impl Fn(&vt100::Screen) -> bool) {
        self.wait_for(what, |session| is_so(session.parser.screen()));
    }

    /// Waits until the screen shows a text.
    pub(crate) fn wait_for_text(&mut self, text: &str) {
        self.wait_until(text, |screen| screen.contents().contains(text));
    }

    /// Waits until the terminal is in these modes.
    pub(crate) fn wait_for_modes(&mut self, modes: Modes) {
        self.wait_for(&format!("{modes:?}"), |session| session.modes() == modes);
    }

    fn wait_for(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        self.wait_within(patience(), what, is_so);
    }

    /// Waits longer or shorter than usual.
    pub(crate) fn wait_within(
        &mut self,
        patience: Duration,
        what: &str,
        is_so: impl Fn(&Self) -> bool,
    ) {
        let deadline = Instant::now() + patience;
        while !is_so(self) {
            match self.look(deadline) {
                Seen::Output => {}
                Seen::Ended => {
                    let status = self.child.wait().unwrap();
                    assert!(is_so(self), "ended ({status}) before: {what}\n{}", self.picture());
                }
                Seen::Nothing => panic!("waited for: {what}\n{}", self.picture()),
            }
        }
    }

    /// Takes in what was written so far. A program whose terminal nobody reads stands still.
    pub(crate) fn catch_up(&mut self) {
        while matches!(self.look(Instant::now()), Seen::Output) {}
    }

    /// Takes in what the program writes, or notices its end.
    fn look(&mut self, deadline: Instant) -> Seen {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec {
            tv_sec: left.as_secs().try_into().unwrap(),
            tv_nsec: left.subsec_nanos().into(),
        };
        let Some(master) = &self.master else {
            let mut fds = [PollFd::new(&self.ended, PollFlags::IN)];
            return match rustix::event::poll(&mut fds, Some(&timeout)).unwrap() {
                0 => Seen::Nothing,
                _ => Seen::Ended,
            };
        };
        let mut fds = [PollFd::new(master, PollFlags::IN), PollFd::new(&self.ended, PollFlags::IN)];
        if rustix::event::poll(&mut fds, Some(&timeout)).unwrap() == 0 {
            return Seen::Nothing;
        }
        if fds[0].revents().contains(PollFlags::IN) {
            let mut bytes = [0; 65536];
            let read = rustix::io::read(master.as_fd(), &mut bytes).unwrap_or(0);
            self.parser.process(&bytes[..read]);
            self.bytes.extend_from_slice(&bytes[..read]);
            self.answer();
            return Seen::Output;
        }
        if fds[1].revents().contains(PollFlags::IN) { Seen::Ended } else { Seen::Output }
    }

    fn answer(&mut self) {
        let asked = std::mem::take(&mut self.parser.callbacks_mut().asked);
        if let (true, Some(master)) = (self.answering, &mut self.master) {
            let (row, column) = self.parser.screen().cursor_position();
            for _ in 0..asked {
                write!(master, "\x1b[{};{}R", row + 1, column + 1).unwrap();
            }
        }
    }

    /// What is on the screen, line by line.
    pub(crate) fn text(&self) -> String {
        self.parser.screen().contents()
    }

    /// What is on the screen, for a failure's message.
    pub(crate) fn picture(&self) -> String {
        let screen = self.parser.screen();
        let line = "─".repeat(usize::from(screen.size().1.get()));
        format!("{line}\n{}\n{line}\n{:?}", screen.contents(), self.modes())
    }

    pub(crate) fn modes(&self) -> Modes {
        let screen = self.parser.screen();
        Modes {
            alternate_screen: screen.alternate_screen(),
            cursor_hidden: screen.hide_cursor(),
            bracketed_paste: screen.bracketed_paste(),
            focus_events: self.parser.callbacks().focus_events,
            raw: self.master.as_ref().is_some_and(|master| {
                let modes = tcgetattr(master).unwrap();
                !modes.local_modes.contains(LocalModes::ICANON | LocalModes::ECHO)
            }),
        }
    }

    /// All bytes the program has sent.
    pub(crate) fn output(&self) -> &[u8] {
        &self.bytes
    }

    /// Frames the program has drawn.
    pub(crate) fn frames(&self) -> usize {
        self.parser.callbacks().frames
    }

    /// Gives the window another size, columns and rows.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        tcsetwinsize(self.master.as_ref().unwrap(), winsize(columns, rows)).unwrap();
        self.parser
            .screen_mut()
            .set_size(rows.max(1).try_into().unwrap(), columns.max(1).try_into().unwrap());
    }

    pub(crate) fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        rustix::process::kill_process(self.pid, signal).unwrap();
    }

    /// The terminal vanishes.
    pub(crate) fn close_terminal(&mut self) {
        self.master = None;
    }

    /// Waits for the program's end.
    pub(crate) fn exit_status(&mut self) -> ExitStatus {
        let deadline = Instant::now() + patience();
        loop {
            match self.look(deadline) {
                Seen::Output => {}
                Seen::Ended => return self.child.wait().unwrap(),
                Seen::Nothing => panic!("still running\n{}", self.picture()),
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
