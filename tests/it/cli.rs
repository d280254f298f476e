//! The command line as a new user and a script writer meet it: the real program, its whole output, its
//! exit code, the files it leaves.

mod asking;
mod changes;
mod deployments;
mod flags;
mod incident;
mod nats;
mod postmortem;
mod servers;
mod versions;
mod victoria;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pretty_assertions::assert_eq;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::pty::{Program, Start, own_home};

/// What a run printed and how it ended.
#[derive(Debug, PartialEq)]
pub(crate) struct Said {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: i32,
}

impl Said {
    fn new(code: i32, out: &str, err: &str) -> Self {
        Self { out: out.to_owned(), err: err.to_owned(), code }
    }
}

/// A person's home.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With these files in the configuration's folder.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let home = Self::new();
        for (name, text) in files {
            let path = home.config(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        home
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn config(&self, name: &str) -> PathBuf {
        self.path().join("config/quarterdeck").join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.config(name)).unwrap()
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        own_home(&mut command, self.path());
        command.env("USER", "robin").args(args).stdin(Stdio::null());
        command
    }

    /// The full screen, on what this home holds.
    pub(crate) fn console(&self) -> Start {
        let folders =
            [("CONFIG", "config"), ("DATA", "data"), ("STATE", "state"), ("CACHE", "cache")];
        folders.iter().fold(Start::new(Program::quarterdeck(&[])), |start, (name, folder)| {
            let path = self.path().join(folder).display().to_string();
            start.env(&format!("XDG_{name}_HOME"), &path)
        })
    }

    /// Runs it without a terminal; the home's path is written `~`.
    pub(crate) fn run(&self, args: &[&str]) -> Said {
        let output = self.command(args).output().unwrap();
        let home = self.path().display().to_string();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap().replace(&home, "~");
        Said {
            out: text(&output.stdout),
            err: text(&output.stderr),
            code: output.status.code().unwrap_or(-1),
        }
    }

    /// Every file below the configuration's folder.
    fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.config(""))
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// A port nobody listens on.
pub(crate) fn dead_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn without_a_configuration_the_next_step_is_named() {
    let home = Home::new();
    let none = "quarterdeck: there is no configuration at ~/config/quarterdeck/config.toml. Run \
                `quarterdeck init` to make one, or `quarterdeck demo` to look around\n";
    for args in [&[][..], &["status"], &["doctor"], &["record", "--out", "x"]] {
        assert_eq!(home.run(args), Said::new(2, "", none), "{args:?}");
    }
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "nothing is made by looking");
    let demo = home.run(&["demo"]);
    assert_eq!(
        demo,
        Said::new(
            2,
            "",
            "quarterdeck: the console needs a terminal; for scripts use `quarterdeck status --json`\n"
        )
    );
}

#[test]
fn init_writes_nothing_when_a_server_does_not_answer() {
    let home = Home::new();
    let url = format!("http://127.0.0.1:{}", dead_port());
    let given = ["init", "--name", "a", "--site", "b", "--catalog", "none"];
    let all = |more: &[&'static str], url: &str| {
        let mut args = [&given[..], more].concat();
        args.push(url);
        home.run(&args)
    };
    let said = all(&["--alertmanager", "none", "--prometheus"], &url);
    let why = format!(
        "quarterdeck: {url} refuses connections; nothing listens there, check that the server runs. \
         Nothing was written; --force writes it all the same, `none` goes without\n"
    );
    assert_eq!(said, Said::new(2, "", &why));
    assert!(!home.config("").exists());

    // A secret in a URL is neither written nor repeated.
    let said = all(&["--alertmanager", "none", "--force", "--prometheus"], "http://me:hunter2@p");
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("holds credentials") && !said.err.contains("hunter2"),
        "{}",
        said.err
    );
    assert!(!home.config("").exists());

    let said = all(&["--alertmanager", "none", "--force", "--prometheus"], &url);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(home.read("config.toml").contains(&url));
}

#[test]
fn init_leaves_what_is_there_and_keeps_what_it_replaces() {
    let home = Home::with(&[("catalog.toml", "# mine\n")]);
    let none = ["init", "--prometheus", "none", "--alertmanager", "none"];
    let said = home.run(&none);
    let wrote = "Wrote ~/config/quarterdeck/config.toml.\n\
                 ~/config/quarterdeck/catalog.toml was there already and was not changed.\n\
                 `quarterdeck doctor` checks them; `quarterdeck` opens the console.\n";
    let asked = "Your name: robin (nobody to ask)\n\
                 Site (cluster, region) of your monitoring: main (nobody to ask)\n\
                 Catalog files you have already (a path, or a pattern such as slo/*.yaml): none (nobody to ask)\n";
    assert_eq!(said, Said::new(0, wrote, asked));
    assert_eq!(home.read("catalog.toml"), "# mine\n");

    let refused = "quarterdeck: ~/config/quarterdeck/config.toml exists already and was not changed. \
                   Use --force to replace it (the old one is kept as .bak)\n";
    assert_eq!(home.run(&none), Said::new(2, "", refused));
    let before = home.read("config.toml");
    assert_eq!(home.run(&[&none[..], &["--force", "--name", "ann"]].concat()).code, 0);
    assert_eq!(home.read("config.toml.bak"), before);
    assert!(home.read("config.toml").contains("me = \"ann\""));
    assert_eq!(home.read("catalog.toml.bak"), "# mine\n");
    let files = ["catalog.toml", "catalog.toml.bak", "config.toml", "config.toml.bak"];
    assert_eq!(home.files(), files);
}

#[test]
fn init_takes_the_catalog_there_is() {
    let sloth = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/slo/sloth/getting-started.yml");
    let home = Home::new();
    let none = ["init", "--prometheus", "none", "--alertmanager", "none", "--catalog"];
    let said = home.run(&[&none[..], &["no/such/*.yml"]].concat());
    assert_eq!(said.code, 2);
    assert!(said.err.contains("declares nothing that can be read"), "{}", said.err);
    assert!(!home.config("").exists());

    // Relative to where the person is, not to the configuration.
    std::fs::copy(sloth, home.path().join("mine.yml")).unwrap();
    let said = home.run(&[&none[..], &["mine.yml"]].concat());
    assert!(said.err.ends_with("  1 service and 1 objective in it\n"), "{}", said.err);
    let home_path = home.path().display();
    let files = format!("files = [\"catalog.toml\", \"{home_path}/mine.yml\"]");
    assert!(home.read("config.toml").contains(&files), "{}", home.read("config.toml"));
}

#[test]
fn init_asks_in_a_terminal_and_an_interrupt_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("config.toml");
    let ask = || {
        let program = Program::quarterdeck(&["init", "--config", config.to_str().unwrap()]);
        let mut session = Start::new(program).size(160, 40).env("USER", "robin").start();
        session.wait_for_text("Your name [robin]:");
        session.send("Ann\r");
        session.wait_for_text("Site (cluster, region) of your monitoring [main]:");
        session.send("eu\r");
        session.wait_for_text("URL of Prometheus (or none) [http://localhost:9090]:");
        session.send(&format!("127.0.0.1:{}\r", dead_port()));
        session.wait_for_text("nothing listens there");
        session.wait_for_text(
            "Try again, or answer `none` to go without, `keep` to write it all the same.",
        );
        session
    };
    let mut session = ask();
    session.send("\u{3}");
    let status = session.exit_status();
    use std::os::unix::process::ExitStatusExt as _;
    assert_eq!(status.signal(), Some(Signal::INT.as_raw()));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);

    // The terminal is closed, or the person says that there is nothing more to say.
    let mut session = ask();
    session.send("\u{4}");
    session.wait_for_text("the answers ended here. Nothing was written");
    assert_eq!(session.exit_status().code(), Some(2));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);

    let mut session = ask();
    session.send("keep\r");
    session.wait_for_text("URL of Alertmanager (or none)");
    session.send("none\r");
    session.wait_for_text("Catalog files you have already");
    session.send("\r");
    session.wait_for_text("opens the console.");
    assert_eq!(session.exit_status().code(), Some(0));
    let written = std::fs::read_to_string(&config).unwrap();
    assert!(written.contains("me = \"Ann\"") && written.contains("site = \"eu\""), "{written}");
}

#[test]
fn completions_and_the_manual_are_read_by_those_they_are_for() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = home.run(&["completions", shell]);
        assert_eq!((script.code, script.err.as_str()), (0, ""), "{shell}");
        for word in ["demo", "init", "doctor", "status", "slo", "alerts", "record", "state-dir"] {
            assert!(script.out.contains(word), "{shell} completes {word}");
        }
        let file = home.path().join(format!("script.{shell}"));
        std::fs::write(&file, script.out).unwrap();
        match Command::new(shell).arg("-n").arg(&file).output() {
            Ok(checked) => {
                assert!(checked.status.success() && checked.stderr.is_empty(), "{checked:?}")
            }
            Err(_) => println!("{shell} is not installed, so its script was not read"),
        }
    }
    let page = home.run(&["man"]);
    assert_eq!((page.code, page.err.as_str()), (0, ""));
    let file = home.path().join("quarterdeck.1");
    std::fs::write(&file, &page.out).unwrap();
    let lint = Command::new("mandoc").args(["-T", "lint", "-W", "error"]).arg(&file).output();
    if let Ok(lint) = lint {
        assert!(lint.status.success(), "{}", String::from_utf8_lossy(&lint.stdout));
    }
    let Ok(shown) = Command::new("man").args(["--warnings", "-l"]).arg(&file).output() else {
        println!("man is not installed, so the page was not set");
        return;
    };
    let (text, said) =
        (String::from_utf8_lossy(&shown.stdout), String::from_utf8_lossy(&shown.stderr));
    assert!(shown.status.success() && said.is_empty(), "{said}");
    for word in ["quarterdeck", "--state-dir", "EXIT CODES", "alerts"] {
        assert!(text.to_uppercase().contains(&word.to_uppercase()), "{word} is missing: {text}");
    }
}

#[test]
fn a_closed_pipe_is_no_error() {
    let home = Home::new();
    let mut child = home
        .command(&["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &[][..]));
}
