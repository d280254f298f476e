//! Our error ratios and conditions against a real Prometheus with Sloth's own generated rules, and with
//! rules made as Pyrra makes them, over the awkward histories: spike, reset, gap, silence, late start.
//!
//! Needs Debian's `prometheus` package; without QUARTERDECK_LAB set it says so and passes.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use quarterdeck::analysis::burn;
use quarterdeck::config::load_catalog;
use quarterdeck::connectors::prometheus::Prometheus as Connected;
use quarterdeck::connectors::{Connector as _, Interest, Reply};
use quarterdeck::domain::{Catalog, Observation, Reading, Slo, SourceId, Span, Timestamp, Urgency};
use quarterdeck::model::{Held, SloBook, SloStatus};

/// End of the histories, 2026-01-01T00:00:00Z: a multiple of Sloth's five minutes.
const END: i64 = 1_767_225_600;
const DAYS: i64 = 31;
const MINUTE: i64 = 60;
/// Evaluation times: the last minutes, and six hours before the end.
const TIMES: [i64; 2] = [END - 900, END - 6 * 3600];
const SCENARIOS: [&str; 6] = ["steady", "spike", "reset", "gap", "silence", "late"];

struct Prometheus {
    child: Child,
    port: u16,
}

impl Prometheus {
    fn start(dir: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        std::fs::write(dir.join("prometheus.yml"), "global: {}\n").unwrap();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", dir.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", dir.join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--storage.tsdb.retention.time=10y")
            .arg("--query.max-samples=500000000")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { child, port };
        let deadline = Instant::now() + Duration::from_secs(120);
        while !server.http("GET", "/-/ready", "").starts_with("HTTP/1.0 200") {
            assert!(Instant::now() < deadline, "Prometheus does not become ready");
            std::thread::sleep(Duration::from_millis(100));
        }
        server
    }

    /// One exchange in HTTP/1.0, whose body ends with the connection.
    fn http(&self, method: &str, path: &str, form: &str) -> String {
        let mut answer = String::new();
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
            let request = format!(
                "{method} {path} HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                 Content-Length: {}\r\n\r\n{form}",
                form.len()
            );
            stream.write_all(request.as_bytes()).unwrap();
            let _ = stream.read_to_string(&mut answer);
        }
        answer
    }

    /// The body of the answer to a query's parameters, evaluated at a time.
    fn batch(&self, params: &[(&str, String)], at: i64) -> String {
        let form: String = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(params)
            .append_pair("time", &at.to_string())
            .finish();
        let answer = self.http("POST", "/api/v1/query", &form);
        answer.split_once("\r\n\r\n").expect("an answer").1.to_owned()
    }

    /// The one number a question gives.
    fn ask(&self, promql: &str, at: i64) -> Reading {
        let body = self.batch(&[("query", promql.to_owned())], at);
        let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(body["status"], "success", "{promql}: {body}");
        let result = body["data"]["result"].as_array().expect("a vector");
        assert!(result.len() <= 1, "{promql} gives {} series", result.len());
        match result.first() {
            None => Reading::NoData,
            Some(series) => Reading::of(series["value"][1].as_str().unwrap().parse().unwrap()),
        }
    }

    /// A rule's results every five minutes from `from` to the end, as a recording of `name` and `labels`.
    fn record(&self, promql: &str, name: &str, labels: &str, from: i64, out: &mut String) {
        let form: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("query", promql)
            .append_pair("start", &from.to_string())
            .append_pair("end", &END.to_string())
            .append_pair("step", "300")
            .finish();
        let answer = self.http("POST", "/api/v1/query_range", &form);
        let (_, body) = answer.split_once("\r\n\r\n").expect("an answer");
        let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
        let result = body["data"]["result"].as_array().expect("a matrix");
        for sample in result.iter().flat_map(|series| series["values"].as_array().unwrap()) {
            let (time, value) = (&sample[0], sample[1].as_str().unwrap());
            writeln!(out, "{name}{{{labels}}} {value} {time}").unwrap();
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn backfill(samples: &Path, data: &Path) {
    let done = Command::new("promtool")
        // One large block: it reads the whole file again for every block it makes.
        .args(["tsdb", "create-blocks-from", "--max-block-duration=2000h", "openmetrics", "-q"])
        .args([samples, data])
        .output()
        .unwrap();
    assert!(done.status.success(), "promtool: {}", String::from_utf8_lossy(&done.stderr));
}

/// (good, bad) events of one minute, `ago` minutes before the end.
fn events(scenario: &str, ago: i64) -> (u32, u32) {
    match scenario {
        "silence" if ago < 120 => (0, 0),
        "spike" if ago < 40 => (42, 18),
        // Uneven on purpose, so that no two windows have the same ratio.
        _ => (60 + u32::try_from(ago % 7).unwrap(), u32::from(ago % 23 == 0)),
    }
}

fn history(scenario: &str, out: &mut String) {
    for (code, bad) in [("200", false), ("500", true)] {
        let mut counter = 0u64;
        for ago in (0..=DAYS * 24 * 60).rev() {
            let (good_events, bad_events) = events(scenario, ago);
            counter += u64::from(if bad { bad_events } else { good_events });
            if scenario == "reset" && (ago == 90 || ago == 5 * 1440) {
                counter = 0;
            }
            let missing =
                scenario == "gap" && (200..300).contains(&ago) || scenario == "late" && ago > 90;
            if !missing {
                let time = END - ago * MINUTE;
                let name = "http_request_duration_seconds_count";
                writeln!(out, "{name}{{job=\"{scenario}\",code=\"{code}\"}} {counter} {time}")
                    .unwrap();
            }
        }
    }
}

/// One rule of a generated file.
struct Rule {
    record: Option<String>,
    expr: String,
}

/// Splits Sloth's generated file into rules; its layout is fixed.
fn rules(generated: &str) -> Vec<Rule> {
    let mut rules = Vec::new();
    for part in generated.split("\n  - ").skip(1) {
        let yaml = part.split("\n- name:").next().unwrap();
        let expr = yaml.split_once("expr:").unwrap().1;
        let end = expr.find("\n    labels:").unwrap_or(expr.len());
        let record =
            yaml.strip_prefix("record: ").and_then(|r| r.lines().next()).map(str::to_owned);
        let expr = expr[..end].trim().trim_start_matches('|').trim().to_owned();
        rules.push(Rule { record, expr });
    }
    rules
}

/// Loads files as the console does.
fn catalog(dir: &Path, file: &str, text: &str) -> Catalog {
    std::fs::write(dir.join(file), text).unwrap();
    let (catalog, errors) = load_catalog(&[file.to_owned()], dir, &[]);
    assert_eq!(errors, []);
    catalog
}

/// What the console makes of the answers to its own questions: those its connector asks, batches and
/// all, put at one time of evaluation. Where recording rules give nothing it computes, as in life.
fn status(server: &Prometheus, slo: &Slo, at: i64) -> SloStatus {
    let slos = BTreeMap::from([(slo.id.clone(), slo.clone())]);
    let catalog = Catalog { slos, ..Catalog::default() };
    let source = SourceId::new("prometheus");
    let connector = Connected::new(&catalog, &source, true, Span::from_secs(15));
    let now = Timestamp::from_millis(at * 1000);
    let mut book = SloBook::default();
    for _ in 0..2 {
        let asks = connector.asks(&Interest::default(), now).into_iter();
        for ask in asks.filter(|ask| ask.key.starts_with("slo:")) {
            let body = server.batch(&ask.params, at).into_bytes();
            let reply = Reply {
                status: 200,
                body,
                retry_after: None,
                date: None,
                sent: now,
                received: now,
            };
            for seen in connector.parse(&source, &ask, &reply).unwrap() {
                if let Observation::Slos(readings) = seen {
                    book.observe(readings);
                }
            }
        }
    }
    book.recompute(&catalog);
    book.statuses.remove(0)
}

fn assert_same(ours: Reading, theirs: Reading, what: &str) {
    match (ours, theirs) {
        (Reading::Value(a), Reading::Value(b)) => {
            let scale = a.abs().max(b.abs()).max(f64::MIN_POSITIVE);
            assert!((a - b).abs() / scale <= 1e-9, "{what}: ours {a}, theirs {b}");
        }
        (a, b) => assert_eq!(a, b, "{what}"),
    }
}

fn any_held(status: &SloStatus, urgency: Urgency) -> bool {
    let mut of_it = status.conditions.iter().filter(|c| c.condition.urgency == urgency);
    of_it.any(|c| c.held == Held::Yes)
}

fn fixture(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(root.join("fixtures/slo").join(path)).unwrap()
}

/// Starts a server whose past holds every scenario and what Sloth's rules would have recorded of it.
fn lab(dir: &Path) -> Prometheus {
    let mut text = "# TYPE http_request_duration_seconds_count unknown\n".to_owned();
    for scenario in SCENARIOS {
        history(scenario, &mut text);
    }
    text.push_str("# EOF\n");
    let samples = dir.join("samples.txt");
    std::fs::write(&samples, text).unwrap();
    backfill(&samples, &dir.join("data"));

    // What Sloth's rules would have recorded, had they run every five minutes on the full minute. The
    // backfill of promtool shifts each group by a hash of its name, so it cannot be compared with.
    let server = Prometheus::start(dir);
    let mut recorded = String::new();
    // A metric's samples must stand together, so the windows are outermost.
    for window in ["5m", "30m", "1h", "2h", "6h", "1d", "3d"] {
        let name = format!("slo:sli_error:ratio_rate{window}");
        writeln!(recorded, "# TYPE {name} unknown").unwrap();
        for scenario in SCENARIOS {
            let generated = fixture("sloth/gen/getting-started.yml").replace("myservice", scenario);
            let rule = rules(&generated).into_iter().find(|r| r.record.as_ref() == Some(&name));
            let labels = format!(
                "sloth_id=\"{scenario}-requests-availability\",sloth_service=\"{scenario}\",\
                 sloth_slo=\"requests-availability\",sloth_window=\"{window}\""
            );
            let from = if window == "5m" { END - DAYS * 86_400 } else { TIMES[1] - 3600 };
            server.record(&rule.unwrap().expr, &name, &labels, from, &mut recorded);
        }
    }
    recorded.push_str("# EOF\n");
    let recordings = dir.join("recorded.txt");
    std::fs::write(&recordings, recorded).unwrap();
    backfill(&recordings, &dir.join("data"));
    // Blocks are only looked for at the start.
    drop(server);
    Prometheus::start(dir)
}

fn sloth_agrees(server: &Prometheus, dir: &Path) {
    for scenario in SCENARIOS {
        let spec = fixture("sloth/getting-started.yml").replace("myservice", scenario);
        let catalog = catalog(dir, &format!("{scenario}.yml"), &spec);
        let slo = catalog.slos.values().next().unwrap();
        let generated = fixture("sloth/gen/getting-started.yml").replace("myservice", scenario);
        for at in TIMES {
            let ours = status(server, slo, at);
            for rule in rules(&generated) {
                let Some(record) = rule.record else {
                    let theirs = server.ask(&format!("count({})", rule.expr), at).value().is_some();
                    // Sloth's first alert pages and its second opens a ticket.
                    let page = rule.expr.contains("14.4");
                    let urgency = if page { Urgency::Page } else { Urgency::Ticket };
                    assert_eq!(any_held(&ours, urgency), theirs, "{scenario} {at}: {}", rule.expr);
                    continue;
                };
                let Some(window) = record.strip_prefix("slo:sli_error:ratio_rate") else {
                    continue;
                };
                let window = Span::parse(window).unwrap();
                let theirs = burn::rate(server.ask(&rule.expr, at), slo.objective);
                assert_same(ours.burn(window), theirs, &format!("{scenario} {window} {at}"));
                let recorded = slo.recorded_ratio(window).unwrap();
                if window != slo.period {
                    let recorded = burn::rate(server.ask(&recorded, at), slo.objective);
                    assert_same(recorded, theirs, &format!("{scenario} {window} {at} recorded"));
                }
            }
        }
    }
}

/// Pyrra's table for four weeks as its source writes it: short, long, factor, severity.
const PYRRA: [(&str, &str, f64, Urgency); 4] = [
    ("5m", "1h", 14.0, Urgency::Page),
    ("30m", "6h", 7.0, Urgency::Page),
    ("2h", "1d", 2.0, Urgency::Ticket),
    ("6h", "4d", 1.0, Urgency::Ticket),
];

fn pyrra_agrees(server: &Prometheus, dir: &Path) {
    for scenario in SCENARIOS {
        let metric = format!("http_request_duration_seconds_count{{job=\"{scenario}\"");
        let (errors, total) = (format!("{metric},code=~\"5..\"}}"), format!("{metric}}}"));
        let spec = format!(
            "apiVersion: pyrra.dev/v1alpha1\nkind: ServiceLevelObjective\nmetadata: {{name: {scenario}}}\n\
             spec:\n  target: '99.9'\n  window: 4w\n  indicator:\n    ratio:\n\
             \x20     errors: {{metric: '{errors}'}}\n      total: {{metric: '{total}'}}\n"
        );
        let catalog = catalog(dir, &format!("pyrra-{scenario}.yaml"), &spec);
        let slo = catalog.slos.values().next().unwrap();
        // What its recording rules hold at the moment they are evaluated.
        let burnrate = |w: &str| format!("(sum(rate({errors}[{w}])) / sum(rate({total}[{w}])))");
        for at in TIMES {
            let ours = status(server, slo, at);
            for (index, (short, long, factor, urgency)) in PYRRA.into_iter().enumerate() {
                for window in [short, long] {
                    let theirs = burn::rate(server.ask(&burnrate(window), at), slo.objective);
                    let window = Span::parse(window).unwrap();
                    assert_same(ours.burn(window), theirs, &format!("{scenario} {window} {at}"));
                }
                let alert = format!(
                    "{} > ({factor} * (1-0.999)) and {} > ({factor} * (1-0.999))",
                    burnrate(short),
                    burnrate(long)
                );
                let state = &ours.conditions[index];
                assert_eq!(state.condition.urgency, urgency);
                let theirs = server.ask(&alert, at).value().is_some();
                assert_eq!(state.held == Held::Yes, theirs, "{scenario} {at} {short}/{long}");
            }
            // Its budget goes by increases over the window, summed by code first.
            let increase = |metric: &str| format!("sum by (code) (increase({metric}[4w]))");
            let (bad, all) = (increase(&errors), increase(&total));
            let ratio = format!("sum({bad} or vector(0)) / sum({all})");
            let theirs = burn::budget_left(burn::rate(server.ask(&ratio, at), slo.objective));
            assert_same(ours.budget_left, theirs, &format!("{scenario} budget {at}"));
        }
    }
}

#[test]
fn our_figures_are_those_of_sloth_and_pyrra() {
    if std::env::var_os("QUARTERDECK_LAB").is_none() {
        println!("skipped: needs Debian's prometheus; run tests/run");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let server = lab(dir.path());
    sloth_agrees(&server, dir.path());
    pyrra_agrees(&server, dir.path());
}
