//! A lab of real servers on loopback: Prometheus, Alertmanager, HAProxy, Redis and a small shop under load.
//!
//! ```text
//! load ──► gateway (HAProxy) ──► checkout stable │ checkout canary ──► payments
//!                            ├──► cart ───► cache (Redis)
//!                            └──► search ─► cache
//! ```
//!
//! Everything runs in the foreground on ports that are free, with its files in one temporary folder,
//! and ends with the [`Lab`], last started first. A story waits for states ([`eventually`]), never for
//! times.

mod history;
pub(crate) mod http;
mod process;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

pub(crate) use http::{get, post};
pub(crate) use process::Server;

/// How long to wait for anything that normally takes a few seconds: machines may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Set by `tests/run`, which has installed everything: tests may not skip then.
const REQUIRED: &str = "QUARTERDECK_LAB";

/// Programs the lab cannot do without.
const PROGRAMS: [&str; 5] = [
    "prometheus",
    "prometheus-alertmanager",
    "haproxy",
    "redis-server",
    "prometheus-redis-exporter",
];

/// How much memory the cache may take: the baskets of about eight minutes, as the demo's recording leaves them.
const CACHE_ROOM: &str = "40mb";

/// What a lab is started with.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Share of the canary's requests that fail.
    pub(crate) canary_errors: f64,
    /// Requests per second to checkout; cart and search get half of it each.
    pub(crate) rate: u32,
    /// Further rule files: name and content.
    pub(crate) rules: Vec<(String, String)>,
    /// Whether the shop has a month behind it, so that budgets are what they would be.
    pub(crate) history: bool,
    /// How long the load goes on at most.
    pub(crate) load_seconds: u32,
    /// Bytes that every request to the cart leaves in the cache for good.
    pub(crate) basket: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            canary_errors: 0.3,
            rate: 40,
            rules: Vec::new(),
            history: true,
            load_seconds: 3600,
            basket: 0,
        }
    }
}

/// Running servers. Dropping it ends them.
pub(crate) struct Lab {
    servers: Vec<Server>,
    ports: BTreeMap<&'static str, u16>,
    // Last, so that the files are still there while the servers end.
    dir: TempDir,
}

impl Lab {
    /// Starts a lab, or says that this test is skipped and why. Under `tests/run` nothing may skip.
    pub(crate) fn start_or_skip(options: &Options) -> Result<Option<Self>> {
        let missing: Vec<_> =
            PROGRAMS.into_iter().filter(|program| find_program(program).is_none()).collect();
        let required = required();
        assert!(
            missing.is_empty() || !required,
            "{REQUIRED} is set, so this test may not skip, but {missing:?} cannot be found"
        );
        if !required {
            println!(
                "skipped: needs Debian's prometheus, prometheus-alertmanager, haproxy and Redis \
                 running for a minute; run tests/run"
            );
            return Ok(None);
        }
        Self::start(options).map(Some)
    }

    /// Starts everything in parallel and waits until it answers.
    pub(crate) fn start(options: &Options) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("quarterdeck-lab-").tempdir()?;
        let names = [
            "PROMETHEUS",
            "ALERTMANAGER",
            "GATEWAY",
            "HAPROXY_ADMIN",
            "CHECKOUT_STABLE",
            "CHECKOUT_CANARY",
            "PAYMENTS",
            "CART",
            "SEARCH",
            "CACHE",
            "CACHE_EXPORTER",
        ];
        let ports: BTreeMap<_, _> = names.into_iter().zip(free_ports(names.len())?).collect();
        let mut lab = Self { servers: Vec::new(), ports, dir };
        lab.write_files(options)?;
        lab.start_servers(options)?;
        lab.wait_until_ready()?;
        lab.start_load(options)?;
        Ok(lab)
    }

    fn write_files(&self, options: &Options) -> Result<()> {
        let templates = [
            ("prometheus.yml", include_str!("../../lab/prometheus.yml")),
            ("rules.yml", include_str!("../../lab/rules.yml")),
            ("alertmanager.yml", include_str!("../../lab/alertmanager.yml")),
            ("haproxy.cfg", include_str!("../../lab/haproxy.cfg")),
        ];
        for (name, template) in templates {
            let mut text = template.replace("@DIR@", &self.dir().to_string_lossy());
            for (name, port) in &self.ports {
                text = text.replace(&format!("@{name}@"), &port.to_string());
            }
            std::fs::write(self.dir().join(name), text)?;
        }
        std::fs::create_dir(self.dir().join("rules.d"))?;
        for (name, text) in &options.rules {
            std::fs::write(self.dir().join("rules.d").join(format!("{name}.yml")), text)?;
        }
        Ok(())
    }

    fn start_servers(&mut self, options: &Options) -> Result<()> {
        let dir = self.dir().to_owned();
        let file = |name: &str| dir.join(name).to_string_lossy().into_owned();
        if options.history {
            let samples = file("history.om");
            let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
            history::write(samples.as_ref(), now)?;
            let filled = Command::new(program("promtool")?)
                .args(["tsdb", "create-blocks-from", "openmetrics", "--quiet"])
                // Else it reads the whole file once for every two hours in it.
                .args(["--max-block-duration=744h"])
                .args([&samples, &file("prometheus")])
                .output()?;
            ensure!(filled.status.success(), "{}", String::from_utf8_lossy(&filled.stderr));
            std::fs::remove_file(samples)?;
        }
        // Prometheus first: its first scrape comes up to five seconds after its start.
        let address = self.address("PROMETHEUS");
        self.run(
            "prometheus",
            program("prometheus")?,
            vec![
                format!("--config.file={}", file("prometheus.yml")),
                format!("--storage.tsdb.path={}", file("prometheus")),
                format!("--web.listen-address={address}"),
                // Else its links carry the machine's name.
                format!("--web.external-url=http://{address}"),
                "--web.enable-lifecycle".to_owned(),
                // Alertmanager forgets alerts four times this after Prometheus fell silent: in
                // seconds here instead of minutes.
                "--rules.alert.resend-delay=2s".to_owned(),
                "--storage.tsdb.retention.time=60d".to_owned(),
            ],
        )?;
        let address = self.address("ALERTMANAGER");
        self.run(
            "alertmanager",
            program("prometheus-alertmanager")?,
            vec![
                format!("--config.file={}", file("alertmanager.yml")),
                format!("--storage.path={}", file("alertmanager")),
                format!("--web.listen-address={address}"),
                format!("--web.external-url=http://{address}"),
                // Else it listens for peers on every address.
                "--cluster.listen-address=".to_owned(),
            ],
        )?;
        let config = file("haproxy.cfg");
        self.run("haproxy", program("haproxy")?, vec!["-db".into(), "-f".into(), config])?;

        let port = self.port("CACHE").to_string();
        let folder = dir.to_string_lossy().into_owned();
        let cache = ["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
        let room =
            ["--dir", &folder, "--maxmemory", CACHE_ROOM, "--maxmemory-policy", "noeviction"];
        let cache = cache.iter().chain(&room).map(|&word| word.to_owned()).collect();
        self.run("cache", program("redis-server")?, cache)?;
        let exporter = vec![
            format!("-redis.addr=redis://{}", self.address("CACHE")),
            format!("-web.listen-address={}", self.address("CACHE_EXPORTER")),
        ];
        self.run("cache-exporter", program("prometheus-redis-exporter")?, exporter)?;

        let canary = options.canary_errors.to_string();
        let cache = self.address("CACHE");
        let basket = options.basket.to_string();
        let pay = format!("{}/payments", self.address("PAYMENTS"));
        let shop: [(&str, &str, &[&str]); 5] = [
            ("payments", "PAYMENTS", &["--version", "3.9.0", "--errors", "0.0002"]),
            (
                "cart",
                "CART",
                &[
                    "--version",
                    "0.31.2",
                    "--errors",
                    "0.0005",
                    "--cache",
                    &cache,
                    "--without-cache",
                    "250-900",
                    "--remember",
                    &basket,
                ],
            ),
            (
                "search",
                "SEARCH",
                &[
                    "--version",
                    "7.2.0",
                    "--latency",
                    "10-60",
                    "--certificate-days",
                    "11",
                    "--cache",
                    &cache,
                ],
            ),
            (
                "checkout-stable",
                "CHECKOUT_STABLE",
                &["--version", "1.4.2", "--errors", "0.001", "--call", &pay],
            ),
            (
                "checkout-canary",
                "CHECKOUT_CANARY",
                &[
                    "--version",
                    "1.5.0",
                    "--errors",
                    &canary,
                    "--latency",
                    "150-400",
                    // It holds its connections longer and has fewer of them.
                    "--pool",
                    "10",
                    "--call",
                    &pay,
                ],
            ),
        ];
        for (name, port, args) in shop {
            let mut all =
                vec!["serve".to_owned(), "--port".to_owned(), self.port(port).to_string()];
            all.extend(args.iter().map(|&arg| arg.to_owned()));
            self.run(name, built("examples/lab_service")?, all)?;
        }
        Ok(())
    }

    fn start_load(&mut self, options: &Options) -> Result<()> {
        for (name, share) in [("checkout", 1.0), ("cart", 0.5), ("search", 0.5)] {
            let rate = f64::from(options.rate) * share;
            let args = vec![
                "load".to_owned(),
                format!("{}/{name}", self.address("GATEWAY")),
                rate.to_string(),
                options.load_seconds.to_string(),
            ];
            let server = Server::start(
                &format!("load-{name}"),
                built("examples/lab_service")?,
                args,
                self.dir(),
            )?;
            self.servers.push(server);
        }
        Ok(())
    }

    fn run(&mut self, name: &str, program: PathBuf, args: Vec<String>) -> Result<()> {
        self.servers.push(Server::start(name, program, args, self.dir())?);
        Ok(())
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let probes = [
            ("prometheus", self.url("PROMETHEUS", "/-/ready")),
            ("alertmanager", self.url("ALERTMANAGER", "/-/ready")),
            ("haproxy", self.url("HAPROXY_ADMIN", "/metrics")),
            ("cache-exporter", self.url("CACHE_EXPORTER", "/metrics")),
            ("payments", self.url("PAYMENTS", "/healthz")),
            ("cart", self.url("CART", "/healthz")),
            ("search", self.url("SEARCH", "/healthz")),
            ("checkout-stable", self.url("CHECKOUT_STABLE", "/healthz")),
            ("checkout-canary", self.url("CHECKOUT_CANARY", "/healthz")),
        ];
        for (name, url) in probes {
            let server = self.server(name)?;
            eventually(&format!("{name} answers"), PATIENCE, || {
                ensure!(server.is_running(), "{name} ended:\n{}", server.log_tail());
                ensure!(get(&url)?.status == 200);
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Folder with every configuration, log and data file.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The demo's configuration with this lab's ports, for a console to be started with.
    pub(crate) fn console_config(&self) -> Result<PathBuf> {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo");
        let to = self.dir().join("console");
        std::fs::create_dir_all(to.join("runbooks"))?;
        for entry in std::fs::read_dir(from.join("runbooks"))? {
            let entry = entry?;
            std::fs::copy(entry.path(), to.join("runbooks").join(entry.file_name()))?;
        }
        std::fs::copy(from.join("catalog.toml"), to.join("catalog.toml"))?;
        let config = std::fs::read_to_string(from.join("config.toml"))?
            .replace("127.0.0.1:9090", &self.address("PROMETHEUS"))
            .replace("127.0.0.1:9093", &self.address("ALERTMANAGER"));
        let file = to.join("config.toml");
        std::fs::write(&file, config)?;
        Ok(file)
    }

    /// `http://127.0.0.1:PORT/path` of one of the servers.
    pub(crate) fn url(&self, server: &str, path: &str) -> String {
        format!("http://{}{path}", self.address(server))
    }

    /// Port of one of the servers, by the name used in the templates.
    pub(crate) fn port(&self, server: &str) -> u16 {
        self.ports[server]
    }

    fn address(&self, server: &str) -> String {
        format!("127.0.0.1:{}", self.port(server))
    }

    /// A server, to stop, freeze and start it again.
    pub(crate) fn server(&mut self, name: &str) -> Result<&mut Server> {
        let known: Vec<String> = self.servers.iter().map(|s| s.name().to_owned()).collect();
        self.servers
            .iter_mut()
            .find(|server| server.name() == name)
            .with_context(|| format!("there is no {name}; there are {known:?}"))
    }

    /// Sends part of checkout's users to the canary; reads back what is in force.
    pub(crate) fn set_weights(&self, stable: u16, canary: u16) -> Result<()> {
        for (server, weight) in [("stable", stable), ("canary", canary)] {
            // No answer means done; the command line has no status code.
            let said = self.haproxy(&format!("set weight checkout/{server} {weight}"))?;
            ensure!(said.trim().is_empty(), "HAProxy refused the weight: {said}");
            let now = self.haproxy(&format!("get weight checkout/{server}"))?;
            ensure!(
                now.split(' ').next() == Some(&weight.to_string()),
                "{server} should have weight {weight} but HAProxy says {now}"
            );
        }
        Ok(())
    }

    /// One command on HAProxy's runtime socket.
    pub(crate) fn haproxy(&self, command: &str) -> Result<String> {
        let mut socket = UnixStream::connect(self.dir().join("haproxy.sock"))?;
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        writeln!(socket, "{command}")?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// The value of an instant query that gives one series; `None` when it gives none.
    pub(crate) fn query(&self, expr: &str) -> Result<Option<f64>> {
        let url = self.url("PROMETHEUS", "/api/v1/query");
        let answer = post(&url, "application/x-www-form-urlencoded", &form(&[("query", expr)]))?;
        let json = answer.json()?;
        let result = json["data"]["result"]
            .as_array()
            .with_context(|| format!("Prometheus refused {expr}: {}", answer.body))?;
        match result.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one["value"][1].as_str().unwrap_or_default().parse()?)),
            many => bail!("{expr} gives {} series", many.len()),
        }
    }

    /// Names of the alerts Alertmanager has, with the service each is about.
    pub(crate) fn alerts(&self) -> Result<Vec<(String, String)>> {
        let json = get(&self.url("ALERTMANAGER", "/api/v2/alerts"))?.json()?;
        let text = |alert: &serde_json::Value, label: &str| {
            alert["labels"][label].as_str().unwrap_or_default().to_owned()
        };
        let alerts = json.as_array().context("not a list of alerts")?;
        Ok(alerts.iter().map(|a| (text(a, "alertname"), text(a, "service"))).collect())
    }

    /// Whether Alertmanager has an alert of this name about this service.
    pub(crate) fn fires(&self, alertname: &str, service: &str) -> Result<bool> {
        Ok(self.alerts()?.iter().any(|(name, about)| name == alertname && about == service))
    }
}

impl Drop for Lab {
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

/// Asks again until it is so; after `patience` says what was waited for and what was last seen.
pub(crate) fn eventually<T>(
    what: &str,
    patience: Duration,
    mut ask: impl FnMut() -> Result<T>,
) -> Result<T> {
    let began = Instant::now();
    loop {
        match ask() {
            Ok(value) => return Ok(value),
            Err(error) if began.elapsed() > patience => {
                return Err(error.context(format!("waited {patience:?} in vain until {what}")));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

/// Whether tests that need servers may not skip.
pub(crate) fn required() -> bool {
    std::env::var_os(REQUIRED).is_some()
}

/// Whether the second ring of servers is there: under `tests/run --full`. Else says why a test is skipped.
pub(crate) fn second_ring(what: &str) -> bool {
    let full = std::env::var_os(REQUIRED).is_some_and(|lab| lab == "full");
    if !full {
        println!("skipped: needs {what}, which is of the second ring; run tests/run --full");
    }
    full
}

/// Where `tests/run` puts what is not of Debian's or of this repository.
pub(crate) fn installed() -> Result<PathBuf> {
    let me = std::env::current_exe()?;
    Ok(me.ancestors().nth(3).context("where is the target folder?")?.join("lab"))
}

/// Words of a file that `tests/run --full` made: the name of an account and its key on each line.
pub(crate) fn accounts(path: &Path) -> Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} is missing; tests/run --full makes it", path.display()))?;
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    Ok(pairs.map(|(name, key)| (name.to_owned(), key.to_owned())).collect())
}

/// What starts a program in a folder as the user Debian's web programs run as.
pub(crate) fn as_www_data(folder: &Path, command: &[&str]) -> Result<(PathBuf, Vec<String>)> {
    let done = Command::new("chown").args(["-R", "www-data:www-data"]).arg(folder).status()?;
    ensure!(done.success(), "{} could not be given to www-data", folder.display());
    let user = ["--reuid=www-data", "--regid=www-data", "--init-groups", "env"];
    let args = user.iter().chain(command).map(|&word| word.to_owned()).collect();
    Ok((program("setpriv")?, args))
}

/// A program's path; servers often lie in sbin, which a test's PATH may lack.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/bin", "/usr/local/bin"].map(PathBuf::from))
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}

fn program(name: &str) -> Result<PathBuf> {
    find_program(name).with_context(|| format!("{name} is not installed; tests/run installs it"))
}

/// A program built with the one that runs, by its path below the profile's folder.
pub(crate) fn built(name: &str) -> Result<PathBuf> {
    let me = std::env::current_exe()?;
    // target/debug/deps/it-… and target/debug/examples/lab alike.
    let profile = me.parent().and_then(Path::parent).context("where is the target folder?")?;
    let file = profile.join(name);
    if !file.is_file() {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--locked", "--bins", "--examples"]);
        cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
        let status = cargo.status().context("cargo does not start")?;
        ensure!(status.success() && file.is_file(), "{} could not be built", file.display());
    }
    Ok(file)
}

/// Ports nobody listens on. Taken below the range the kernel gives to outgoing connections, and from
/// another place for each process, so that labs side by side do not meet.
pub(crate) fn free_ports(count: usize) -> Result<Vec<u16>> {
    // Those of this process, so that tests side by side do not meet either.
    static GIVEN: std::sync::Mutex<Vec<u16>> = std::sync::Mutex::new(Vec::new());
    let mut given =
        GIVEN.lock().map_err(|_| anyhow::anyhow!("a test ended while it took ports"))?;
    // A test may take some twenty ports: those of the next process must not begin among them.
    let start = 20_000 + u16::try_from(std::process::id() % 240)? * 50;
    let mut held = Vec::new();
    for port in (start..32_000).chain(20_000..start) {
        if given.contains(&port) {
            continue;
        }
        // Held until all are found, so that each is found once.
        held.extend(TcpListener::bind(("127.0.0.1", port)).map(|listener| (port, listener)));
        if held.len() == count {
            let ports: Vec<u16> = held.into_iter().map(|(port, _)| port).collect();
            given.extend(&ports);
            return Ok(ports);
        }
    }
    bail!("fewer than {count} free ports between 20000 and 32000")
}

/// A body of form fields.
fn form(fields: &[(&str, &str)]) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        _ = write!(body, "{}{name}=", if body.is_empty() { "" } else { "&" });
        body.extend(url::form_urlencoded::byte_serialize(value.as_bytes()));
    }
    body
}
