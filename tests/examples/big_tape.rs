//! A large world to measure with: 10,000 services, 500 objectives, 20,000 alerts in 500 groups.
//!
//! `big_tape tape FILE` writes it as a recording, `quarterdeck demo --paused FILE` shows it, read by the
//! same parsers as a live one. `big_tape folder DIR PROMETHEUS ALERTMANAGER` writes the configuration and
//! catalog of the same world for real servers; `big_tape alerts` prints its alerts as one posts them.
//! `--scale 0.01` makes a hundred times less of it, but still enough rows to fill a screen.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use futures_util::FutureExt as _;
use quarterdeck::config::{Settings, assemble};
use quarterdeck::connectors::http::{Fault, Transport};
use quarterdeck::connectors::tape::{Header, Recorder, TapeSource};
use quarterdeck::connectors::{Ask, Interest, Reply};
use quarterdeck::domain::{ServiceId, SourceId, SourceKind, Span, Timestamp};

const STARTED: &str = "2026-11-22T12:00:00Z";
/// How long the recording is, and how often its sources are asked.
const LENGTH: Span = Span::from_mins(3);
const INTERVAL: Span = Span::from_secs(15);
/// Fewest rows of any list, so that a small world fills the screen as the large one does.
const FULL_SCREEN: usize = 70;
const SERVICES_PER_FILE: usize = 1_000;
/// Most bytes of the recording.
const MOST_BYTES: u64 = 256 * 1024 * 1024;

struct World {
    services: usize,
    slos: usize,
    groups: usize,
    alerts: usize,
    started: Timestamp,
}

impl World {
    fn new(scale: f64) -> Self {
        let of = |count: f64| (count * scale).round() as usize;
        Self {
            services: of(10_000.0).max(FULL_SCREEN),
            slos: of(500.0).max(FULL_SCREEN),
            groups: of(500.0).max(FULL_SCREEN),
            alerts: of(20_000.0).max(FULL_SCREEN),
            started: Timestamp::parse_rfc3339(STARTED).unwrap_or_default(),
        }
    }

    /// Catalog files by name; one of all services would be larger than a catalog file may be.
    fn catalog(&self) -> Vec<(String, String)> {
        let parts = (0..self.services).collect::<Vec<_>>();
        let of =
            |(at, part): (usize, &[usize])| (format!("services-{at:02}.toml"), self.part(part));
        parts.chunks(SERVICES_PER_FILE).enumerate().map(of).collect()
    }

    fn part(&self, services: &[usize]) -> String {
        let mut text =
            String::from("# A part of a large shop, made up to measure with.\nversion = 1\n");
        for i in services.iter().copied() {
            let (name, team) = (service(i), i % 40);
            let _ = write!(
                text,
                "\n[[service]]\nname = \"{name}\"\ntitle = \"Part {i} of the shop\"\ntier = {}\n\
                 owner = \"team-{team}\"\ncontact = \"#team-{team}\"\n\
                 runbook = \"https://runbooks.example/{name}\"\n",
                i % 3 + 1
            );
            if i >= 10 {
                let _ = writeln!(text, "depends_on = [\"{}\"]", service(i / 10));
            }
            if i < self.slos {
                let rate = |more: &str| {
                    format!("sum(rate(http_requests_total{{service=\"{name}\"{more}}}[1m]))")
                };
                let _ = write!(
                    text,
                    "[service.signals]\ntraffic = '{}'\nerrors = '{} / {}'\n",
                    rate(""),
                    rate(",code=~\"5..\""),
                    rate("")
                );
            }
        }
        for i in services.iter().copied().filter(|i| *i < self.slos) {
            let name = service(i);
            let rate = |more: &str| {
                format!("sum(rate(http_requests_total{{service=\"{name}\"{more}}}[$window]))")
            };
            let _ = write!(
                text,
                "\n[[slo]]\nname = \"{name}-availability\"\ntitle = \"answers without error\"\n\
                 service = \"{name}\"\nobjective = \"99.9%\"\nperiod = \"30d\"\nbad = '{}'\ntotal = '{}'\n",
                rate(",code=~\"5..\""),
                rate("")
            );
        }
        text
    }

    /// Alerts in the order of their fingerprints, as Alertmanager answers them.
    fn alerts(&self) -> Vec<serde_json::Value> {
        let at = |before: i64| self.started.minus(Span::from_secs(before)).rfc3339();
        (0..self.alerts)
            .map(|i| {
                let group = i % self.groups;
                let (name, of) = (service(group), i / self.groups);
                let severity = ["page", "ticket", "info"][group % 3];
                let silenced = group % 17 == 3;
                serde_json::json!({
                    "annotations": {
                        "description": format!("{name} answers with errors on instance {of}."),
                        "runbook_url": format!("https://runbooks.example/{name}"),
                        "summary": format!("More than 5 % of requests to {name} fail"),
                    },
                    "endsAt": self.started.plus(LENGTH).plus(Span::from_mins(4)).rfc3339(),
                    "fingerprint": format!("{i:016x}"),
                    "receivers": [{"name": "oncall"}],
                    "startsAt": at(600 + (i as i64 * 7) % 5_000),
                    "status": {
                        "inhibitedBy": [],
                        "silencedBy": if silenced { vec![silence(group)] } else { Vec::new() },
                        "state": if silenced { "suppressed" } else { "active" },
                    },
                    "updatedAt": at(5),
                    "generatorURL": "http://prometheus.example:9090/graph?g0.expr=up",
                    "labels": {
                        "alertname": format!("HighErrorRate{}", group % 25),
                        "instance": format!("{name}-{of}:8080"),
                        "job": name,
                        "namespace": format!("ns-{}", group % 12),
                        "service": name,
                        "severity": severity,
                        "team": format!("team-{}", group % 40),
                    },
                })
            })
            .collect()
    }

    fn silences(&self) -> serde_json::Value {
        let (start, end) =
            (self.started.minus(Span::from_hours(1)), self.started.plus(Span::from_hours(2)));
        let of = |group: usize| {
            serde_json::json!({
                "id": silence(group),
                "status": {"state": "active"},
                "matchers": [{"name": "service", "value": service(group), "isRegex": false, "isEqual": true}],
                "startsAt": start.rfc3339(),
                "endsAt": end.rfc3339(),
                "updatedAt": start.rfc3339(),
                "createdBy": "alice",
                "comment": "known, being repaired",
            })
        };
        (0..self.groups).filter(|group| group % 17 == 3).map(of).collect()
    }
}

fn service(i: usize) -> String {
    format!("svc-{i:05}")
}

fn silence(group: usize) -> String {
    format!("00000000-0000-4000-8000-{group:012}")
}

fn config(prometheus: &str, alertmanager: &str) -> String {
    let source = |name: &str, url: &str| {
        format!(
            "\n[[source]]\nname = \"{name}\"\nkind = \"{name}\"\nurl = \"{url}\"\nsite = \"eu\"\ninterval = \"15s\"\n"
        )
    };
    format!(
        "version = 1\nme = \"you\"\n{}{}\n[catalog]\nfiles = [\"services-*.toml\"]\n",
        source("prometheus", prometheus),
        source("alertmanager", alertmanager)
    )
}

/// Answers as a Prometheus and an Alertmanager of this world would, at the time set.
struct Pretend {
    world: Arc<World>,
    now: Timestamp,
}

impl Pretend {
    fn body(&self, ask: &Ask) -> serde_json::Value {
        let data = |data: serde_json::Value| serde_json::json!({"status": "success", "data": data});
        let seconds = self.now.seconds();
        match ask.key.split(':').next().unwrap_or_default() {
            "alerts" => self.world.alerts().into(),
            "silences" => self.world.silences(),
            "status" => {
                serde_json::json!({"versionInfo": {"version": "0.28.1"}, "cluster": {"status": "disabled"}})
            }
            "time" => data(
                serde_json::json!({"resultType": "scalar", "result": [seconds, seconds.to_string()]}),
            ),
            "slo" => data(serde_json::json!({"resultType": "vector", "result": self.vector(ask)})),
            "rules" => data(
                serde_json::json!({"groups": [{"name": "shop", "interval": 15.0, "rules": self.rules()}]}),
            ),
            "targets" => {
                let targets: Vec<_> =
                    (0..self.world.groups).map(|_| serde_json::json!({"health": "up"})).collect();
                data(serde_json::json!({"activeTargets": targets}))
            }
            "buildinfo" => data(serde_json::json!({"version": "3.8.0"})),
            // Four weeks of every service would be a tape of gigabytes.
            "past" => data(serde_json::json!({"resultType": "matrix", "result": []})),
            _ => data(serde_json::json!({"resultType": "matrix", "result": self.matrix(ask)})),
        }
    }

    fn rules(&self) -> Vec<serde_json::Value> {
        let evaluated = self.now.minus(Span::from_secs(4)).rfc3339();
        let rule = |i: usize| {
            serde_json::json!({"name": format!("HighErrorRate{i}"), "query": "up == 0", "type": "alerting",
                "state": "firing", "lastEvaluation": evaluated, "lastError": "", "health": "ok"})
        };
        (0..25).map(rule).collect()
    }

    fn vector(&self, ask: &Ask) -> Vec<serde_json::Value> {
        let sample = |(tag, expr): (&str, &str)| {
            let value =
                if expr.contains("\n / ") || expr.contains(") / sum") || expr.contains("/ sum(") {
                    ratio(expr)
                } else {
                    50.0
                };
            serde_json::json!({"metric": {"qd": tag}, "value": [self.now.seconds(), value.to_string()]})
        };
        tagged(ask).into_iter().map(sample).collect()
    }

    fn matrix(&self, ask: &Ask) -> Vec<serde_json::Value> {
        let number = |name: &str| {
            let found = ask.params.iter().find(|(n, _)| *n == name);
            found.and_then(|(_, text)| text.parse::<i64>().ok()).unwrap_or_default()
        };
        let (start, end, step) = (number("start"), number("end"), number("step").max(1));
        let line = |(tag, expr): (&str, &str)| {
            let level = if ask.key.starts_with("signals") && !expr.contains("5..") {
                120.0
            } else {
                ratio(expr)
            };
            let values: Vec<_> = (start..=end)
                .step_by(step as usize)
                .map(|at| {
                    let wave = (at as f64 / 300.0).sin() * 0.2 + (at as f64 / 37.0).sin() * 0.1;
                    serde_json::json!([at, format!("{:.6}", level * (1.0 + wave))])
                })
                .collect();
            serde_json::json!({"metric": {"qd": tag}, "values": values})
        };
        tagged(ask).into_iter().map(line).collect()
    }
}

/// Tags and expressions of a query.
fn tagged(ask: &Ask) -> Vec<(&str, &str)> {
    let query =
        ask.params.iter().find(|(name, _)| *name == "query").map_or("", |(_, q)| q.as_str());
    let part = |piece: &'_ str| -> Option<(usize, usize)> {
        let at = piece.find("\n, \"qd\", \"")?;
        Some((at, at + "\n, \"qd\", \"".len()))
    };
    query
        .split("label_replace(")
        .filter_map(|piece| {
            let (end, tag) = part(piece)?;
            Some((piece.get(tag..)?.split('"').next()?, piece.get(..end)?))
        })
        .collect()
}

/// Every twelfth service burns.
fn ratio(expr: &str) -> f64 {
    let digits = expr.find("svc-").and_then(|at| expr.get(at + 4..at + 9));
    let number: usize = digits.and_then(|d| d.parse().ok()).unwrap_or_default();
    let wobble = (number * 7_919 % 1_000) as f64 / 1_000.0;
    if number.is_multiple_of(12) { 0.015 + wobble * 0.02 } else { 0.000_1 + wobble * 0.000_5 }
}

#[async_trait]
impl Transport for Pretend {
    async fn exchange(&self, ask: &Ask) -> Result<Reply, Fault> {
        let reply = Reply {
            status: 200,
            body: self.body(ask).to_string().into_bytes(),
            retry_after: None,
            date: Some(self.now),
            sent: self.now,
            received: self.now.plus(Span::from_millis(20)),
        };
        Ok(reply)
    }
}

fn tape(world: World, out: &Path) -> anyhow::Result<()> {
    let world = Arc::new(world);
    let text = config("http://prometheus.example:9090", "http://alertmanager.example:9093");
    let (settings, problems) = Settings::parse(&text, "config.toml", "you");
    let names: Vec<SourceId> = settings.sources.iter().map(|s| s.name.clone()).collect();
    let files = world.catalog();
    let (catalog, more) = assemble(&files, &names);
    if let Some(problem) = problems.iter().chain(&more).next() {
        bail!("{problem}");
    }
    let source = |s: &quarterdeck::connectors::registry::SourceConfig| TapeSource {
        name: s.name.clone(),
        kind: s.kind.into(),
        site: s.site.clone(),
        interval: s.interval,
    };
    let header = Header {
        program: "big_tape".to_owned(),
        started: world.started,
        sources: settings.sources.iter().map(source).collect(),
        config: text,
        files,
    };
    let file = std::fs::File::create(out).context("the recording could not be made")?;
    let recorder = Recorder::start(Box::new(file), &header, MOST_BYTES)?;
    let mut interests = vec![Interest { range: Span::from_hours(1), ..Interest::default() }];
    interests.extend((0..world.slos).map(|i| {
        let service = Some(ServiceId::new(&service(i)));
        Interest { service, range: Span::from_hours(1), ..Interest::default() }
    }));
    for source in &settings.sources {
        let connector = source.connector(&catalog, true);
        let mut now = world.started;
        while now <= world.started.plus(LENGTH) {
            let pretend = Arc::new(Pretend { world: world.clone(), now });
            let transport = recorder.wrap(&source.name, pretend);
            // The signals of every service once, then only what changes.
            let look = if now == world.started && source.kind == SourceKind::Prometheus {
                interests.len()
            } else {
                1
            };
            for interest in interests.iter().take(look) {
                for ask in connector.asks(interest, now) {
                    let reply = transport.exchange(&ask).now_or_never();
                    let Some(Ok(reply)) = reply else { bail!("{} was not answered", ask.key) };
                    connector.parse(&source.name, &ask, &reply).with_context(|| ask.key.clone())?;
                }
            }
            now = now.plus(INTERVAL);
        }
    }
    recorder.finish()?;
    let state = recorder.state();
    println!("{} answers, {} bytes", state.entries, state.bytes);
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut scale = 1.0;
    if let Some(at) = arguments.iter().position(|a| a == "--scale") {
        scale = arguments.get(at + 1).context("--scale needs a number")?.parse()?;
        arguments.drain(at..at + 2);
    }
    let world = World::new(scale);
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["tape", out] => tape(world, Path::new(out)),
        ["folder", folder, prometheus, alertmanager] => {
            let folder = Path::new(folder);
            std::fs::create_dir_all(folder)?;
            std::fs::write(folder.join("config.toml"), config(prometheus, alertmanager))?;
            for (name, text) in world.catalog() {
                std::fs::write(folder.join(name), text)?;
            }
            Ok(())
        }
        ["alerts"] => {
            let mut alerts = world.alerts();
            for alert in &mut alerts {
                if let Some(fields) = alert.as_object_mut() {
                    fields.retain(|name, _| {
                        ["labels", "annotations", "generatorURL"].contains(&name.as_str())
                    });
                }
            }
            println!("{}", serde_json::Value::from(alerts));
            Ok(())
        }
        _ => bail!(
            "usage: big_tape (tape FILE | folder DIR PROMETHEUS ALERTMANAGER | alerts) [--scale N]"
        ),
    }
}
