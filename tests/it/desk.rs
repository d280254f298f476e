//! Where several people's consoles stand side by side: one playbook, one log, a monitoring that is silent.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::pty::{Program, Start, own_home};

/// A folder with settings for everybody, a source that nobody answers for, and one log.
pub(crate) struct Desk(tempfile::TempDir);

impl Desk {
    pub(crate) fn new(playbook: &str) -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(desk.path("state")).unwrap();
        std::fs::set_permissions(desk.path("state"), PermissionsExt::from_mode(0o700)).unwrap();
        let dead = crate::lab::free_ports(1).unwrap()[0];
        for who in ["alice", "bob"] {
            let config = format!(
                "me = \"{who}\"\n[[source]]\nname = \"prom\"\nkind = \"prometheus\"\n\
                 url = \"http://127.0.0.1:{dead}\"\n"
            );
            std::fs::write(desk.path(&format!("{who}.toml")), config).unwrap();
        }
        std::fs::write(desk.path("catalog.toml"), "").unwrap();
        if !playbook.is_empty() {
            std::fs::write(desk.path("playbook.toml"), playbook).unwrap();
        }
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn args(&self, who: &str) -> [String; 4] {
        let config = self.path(&format!("{who}.toml")).display().to_string();
        let state = self.path("state").display().to_string();
        ["--config".into(), config, "--state-dir".into(), state]
    }

    pub(crate) fn start(&self, who: &str) -> Start {
        let args = self.args(who);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        Start::new(Program::quarterdeck(&args)).size(120, 30)
    }

    /// What a subcommand prints.
    pub(crate) fn said(&self, who: &str, args: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        own_home(&mut command, self.0.path());
        let output = command.args(self.args(who)).args(args).stdin(Stdio::null()).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        // 1 says that an incident is going on.
        assert!(matches!(output.status.code(), Some(0 | 1)), "{args:?}: {error}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}
