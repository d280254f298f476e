//! Servers for one story: any programs beside a real Prometheus, in one temporary folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::lab::{PATIENCE, Server, eventually, find_program, free_ports, get, required};

fn program(name: &str) -> Result<PathBuf> {
    find_program(name).with_context(|| format!("{name} is not installed; tests/run installs it"))
}

/// Running servers. Dropping it ends them, last started first.
pub(crate) struct Rig {
    servers: Vec<Server>,
    prometheus: Option<u16>,
    // Last, so that the files are still there while the servers end.
    dir: TempDir,
}

impl Rig {
    /// An empty one, or says that this test is skipped and why. Under `tests/run` nothing may skip.
    pub(crate) fn new_or_skip(programs: &[&str]) -> Result<Option<Self>> {
        if !required() {
            println!("skipped: needs {programs:?} running for a minute or two; run tests/run");
            return Ok(None);
        }
        let missing: Vec<_> = programs.iter().filter(|name| find_program(name).is_none()).collect();
        assert!(
            missing.is_empty(),
            "under tests/run nothing may skip, but {missing:?} cannot be found"
        );
        let dir = tempfile::Builder::new().prefix("quarterdeck-lab-").tempdir()?;
        Ok(Some(Self { servers: Vec::new(), prometheus: None, dir }))
    }

    /// Starts an installed program.
    pub(crate) fn run(&mut self, name: &str, installed: &str, args: &[&str]) -> Result<()> {
        self.run_file(name, program(installed)?, args)
    }

    /// Starts a program that is somewhere.
    pub(crate) fn run_file(&mut self, name: &str, file: PathBuf, args: &[&str]) -> Result<()> {
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        self.servers.push(Server::start(name, file, args, self.dir())?);
        Ok(())
    }

    /// Starts a Prometheus that looks every second at these targets (address, labels as YAML), with a past
    /// in the OpenMetrics format.
    pub(crate) fn prometheus(
        &mut self,
        targets: &[(String, &str)],
        past: Option<&str>,
    ) -> Result<()> {
        let [port] = free_ports(1)?[..] else { unreachable!("one port was asked for") };
        let path = |name: &str| self.dir().join(name).to_string_lossy().into_owned();
        let (config, data) = (path("prometheus.yml"), path("prometheus"));
        if let Some(past) = past {
            let samples = path("past.om");
            std::fs::write(&samples, past)?;
            let filled = Command::new(program("promtool")?)
                .args(["tsdb", "create-blocks-from", "openmetrics", "--quiet"])
                .args([&samples, &data])
                .output()?;
            ensure!(filled.status.success(), "{}", String::from_utf8_lossy(&filled.stderr));
        }
        let targets = targets.iter().map(|(address, labels)| {
            format!("      - {{targets: ['{address}'], labels: {{{labels}}}}}\n")
        });
        let text = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 900ms}}\nscrape_configs:\n  - job_name: lab\n    \
             static_configs:\n{}",
            targets.collect::<String>()
        );
        std::fs::write(&config, text)?;
        let (listen, config, data) = (
            format!("--web.listen-address=127.0.0.1:{port}"),
            format!("--config.file={config}"),
            format!("--storage.tsdb.path={data}"),
        );
        let outside = format!("--web.external-url=http://127.0.0.1:{port}");
        self.run("prometheus", "prometheus", &[&config, &data, &listen, &outside])?;
        self.prometheus = Some(port);
        self.wait_for("prometheus", &format!("http://127.0.0.1:{port}/-/ready"))
    }

    /// Waits until a server answers 200 there.
    pub(crate) fn wait_for(&mut self, name: &str, url: &str) -> Result<()> {
        let server = self.server(name)?;
        eventually(&format!("{name} answers"), PATIENCE, || {
            ensure!(server.is_running(), "{name} ended:\n{}", server.log_tail());
            ensure!(get(url)?.status == 200);
            Ok(())
        })
    }

    /// Where the Prometheus answers.
    pub(crate) fn prometheus_url(&self) -> Result<String> {
        let port = self.prometheus.context("there is no Prometheus yet")?;
        Ok(format!("http://127.0.0.1:{port}"))
    }

    /// Writes the configuration of a console that asks the Prometheus often, and this catalog.
    pub(crate) fn console(&self, catalog: &str) -> Result<PathBuf> {
        let port = self.prometheus.context("there is no Prometheus yet")?;
        let config = self.dir().join("config.toml");
        let text = format!(
            "version = 1\nme = \"you\"\n\n[[source]]\nname = \"prometheus\"\nkind = \"prometheus\"\n\
             url = \"http://127.0.0.1:{port}\"\nsite = \"lab\"\ninterval = \"2s\"\ntimeout = \"10s\"\n\n\
             [catalog]\nfiles = [\"catalog.toml\"]\n"
        );
        std::fs::write(&config, text)?;
        std::fs::write(self.dir().join("catalog.toml"), catalog)?;
        Ok(config)
    }

    /// A server, to stop, freeze and start it again.
    pub(crate) fn server(&mut self, name: &str) -> Result<&mut Server> {
        let found = self.servers.iter_mut().find(|server| server.name() == name);
        found.with_context(|| format!("there is no {name}"))
    }

    /// Folder with every configuration, log and data file.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for server in &self.servers {
                eprintln!("--- {} ---\n{}", server.name(), server.log_tail());
            }
        }
        while let Some(server) = self.servers.pop() {
            drop(server);
        }
    }
}
