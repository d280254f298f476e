//! The judge of a canary as a step of a procedure: it watches the canary beside the baseline for a fixed
//! window, then says whether the next step may begin.
//!
//! ```text
//! weight 25 ─► judge 5 min ─► go on:     done, the next step begins
//!                          ├─► hold:      failed, the traffic stays as it is
//!                          └─► roll back: failed, the traffic stays until the procedure's backup takes it back
//! ```
//!
//! Metrics are pairs of Prometheus queries, one for the canary and one for the baseline, of the same time. It
//! is judged once, at the end ([`crate::analysis::canary`]): looking again and again would find a difference
//! sooner or later. Nothing is changed by it, so nothing has to be looked for after a crash.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use super::answer::{done, failed, refused, under};
use super::config::{JudgeConfig, JudgeMetric};
use super::jobs::Job;
use super::server::Server;
use super::{Begun, NotBegun, Pipeline, Progress};
use crate::analysis::canary::{Compared, Judged, Scored, Verdict, compare_enough, score};
use crate::connectors::Clock;
use crate::connectors::outbound::Call;
use crate::connectors::outbound::config::{Endpoint, Scheme};
use crate::connectors::trackers::{list, word};
use crate::domain::{Order, PipelineId, PipelineKind, SafeText, Span, Stage, Timestamp};

/// Values of each series that are asked for.
const VALUES: i64 = 40;
/// The parameter that says how long is watched.
const WINDOW: &str = "window";

/// A judge.
pub struct Judge {
    id: PipelineId,
    config: JudgeConfig,
    server: Server,
}

/// A window.
#[derive(Debug, Clone, Copy)]
struct Window {
    from: Timestamp,
    to: Timestamp,
}

/// How long an order wants to be watched.
fn length(order: &Order) -> Result<Span, SafeText> {
    let job = Job::of(order)?;
    let text = job.params.iter().find(|(name, _)| name.as_str() == WINDOW).map(|(_, value)| value);
    let span = text.and_then(|text| Span::parse(text)).filter(|span| *span >= Span::from_secs(10));
    let span = span.filter(|span| *span < order.deadline);
    span.ok_or_else(|| {
        SafeText::new(&format!(
            "The step \"{}\" needs a `{WINDOW}` of at least 10s and below its deadline, {}.",
            order.title, order.deadline
        ))
    })
}

/// The numbers of one series; `None` when there is none.
fn numbers(query: &str, read: &Value) -> Result<Vec<f64>, SafeText> {
    match list(&read["data"]["result"]) {
        [] => Ok(Vec::new()),
        [one] => {
            let values = list(&one["values"]).iter();
            Ok(values.map(|pair| word(&pair[1]).parse().unwrap_or(f64::NAN)).collect())
        }
        many => Err(SafeText::new(&format!(
            "{query} gives {} series, and one is judged: aggregate them.",
            many.len()
        ))),
    }
}

/// How many are numbers, of how many when some are none: a canary that took no requests has none to tell.
fn counted(values: &[f64]) -> String {
    let finite = values.iter().filter(|value| value.is_finite()).count();
    match values.len() {
        all if all == finite => all.to_string(),
        all => format!("{finite} of {all}"),
    }
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

impl Judge {
    /// A judge that asks a Prometheus.
    pub fn new(
        id: PipelineId,
        config: JudgeConfig,
        endpoint: &Endpoint,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let server = Server::new(&id, endpoint, Scheme::BEARER, clock);
        Self { id, config, server }
    }

    async fn series(&self, query: &str, window: Window) -> Result<Vec<f64>, SafeText> {
        let step = (window.to.since(window.from).millis() / VALUES).max(1_000);
        let seconds = |at: Timestamp| format!("{:.3}", at.seconds());
        let call = Call::get("/api/v1/query_range")
            .with("query", query)
            .with("start", seconds(window.from))
            .with("end", seconds(window.to))
            .with("step", format!("{}", step as f64 / 1_000.0));
        let read = self.server.read(&call).await?;
        let read = read.ok_or_else(|| SafeText::new("There is no Prometheus at this address."))?;
        numbers(query, &read)
    }

    /// A metric compared, with a line for the eye.
    async fn compared(
        &self,
        metric: &JudgeMetric,
        window: Window,
    ) -> Result<(Compared, SafeText), SafeText> {
        let baseline = self.series(&metric.baseline, window).await?;
        let canary = self.series(&metric.canary, window).await?;
        let found = compare_enough(&baseline, &canary, &metric.rule);
        let says = |values: &[f64]| {
            median(values).map_or_else(|| "no data".to_owned(), |middle| format!("{middle:.4}"))
        };
        let critical = if metric.rule.critical { ", critical" } else { "" };
        let line = format!(
            "{}: canary {}, baseline {} (medians of {} and {} values){critical}: {}",
            metric.name,
            says(&canary),
            says(&baseline),
            counted(&canary),
            counted(&baseline),
            found.class.name()
        );
        Ok((found, SafeText::new(&line)))
    }

    async fn all(&self, window: Window) -> Result<(Scored, Vec<SafeText>), SafeText> {
        let (mut judged, mut lines) = (Vec::new(), Vec::new());
        for metric in &self.config.metrics {
            let (found, line) = self.compared(metric, window).await?;
            lines.push(line);
            judged.push(Judged {
                name: metric.name.to_string(),
                class: found.class,
                critical: found.critical,
                muted: false,
                groups: vec![String::new()],
            });
        }
        Ok((score(&judged, &BTreeMap::new(), self.config.thresholds), lines))
    }

    async fn begin(&self, order: &Order) -> Result<Begun, NotBegun> {
        let nothing = |why: SafeText| refused(format!("{why} Nothing was started."));
        length(order).map_err(nothing)?;
        let now = self.server.now();
        // A query that cannot be answered is told before the wait, not after it.
        let before = Window { from: now.minus(Span::from_mins(1)), to: now };
        for metric in &self.config.metrics {
            for query in [&metric.baseline, &metric.canary] {
                self.series(query, before).await.map_err(nothing)?;
            }
        }
        let receipt = SafeText::new(&format!("watched from {}", now.rfc3339()));
        Ok(Begun { receipt, url: self.server.link("") })
    }

    async fn look(&self, order: &Order, begun: &Begun) -> Result<Progress, SafeText> {
        let length = length(order)?;
        let from = begun.receipt.strip_prefix("watched from ").and_then(Timestamp::parse_rfc3339);
        let from = from.ok_or_else(|| {
            SafeText::new(&format!("\"{}\" is no receipt of this judge.", begun.receipt))
        })?;
        let (now, to) = (self.server.now(), from.plus(length));
        if now < to {
            // The same words until then: what changes is recorded.
            let line = format!(
                "The canary is watched beside the baseline; it is judged at {}.",
                to.rfc3339()
            );
            return Ok(under(Stage::Running, vec![SafeText::new(&line)]));
        }
        let (found, mut lines) = self.all(Window { from, to }).await?;
        let worse = || {
            let failed = found.failed.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            if failed.is_empty() { String::new() } else { format!(" Critical: {failed}.") }
        };
        lines.push(SafeText::new(&format!(
            "score {:.0} of 100, {} of {} metrics without data: {}",
            found.score,
            found.silent,
            found.all,
            found.verdict.name()
        )));
        Ok(match found.verdict {
            Verdict::GoOn => done(lines),
            Verdict::RollBack => failed(
                format!(
                    "The canary does worse than the baseline (score {:.0} of 100).{} Its traffic stays as it is \
                     until it is taken back: run the procedure that does.",
                    found.score,
                    worse()
                ),
                lines,
            ),
            Verdict::Hold => failed(
                format!(
                    "The canary is held: it is neither well enough to go on nor certainly worse (score {:.0} of \
                     100, {} of {} metrics without data).{} Its traffic stays as it is; judge it again or take \
                     it back.",
                    found.score,
                    found.silent,
                    found.all,
                    worse()
                ),
                lines,
            ),
        })
    }

    /// How it stands now, over the window that ends now.
    async fn preview(&self, order: &Order) -> Result<SafeText, SafeText> {
        let to = self.server.now();
        let (_, mut lines) = self.all(Window { from: to.minus(length(order)?), to }).await?;
        lines.insert(0, SafeText::new("Of the time until now it would say:"));
        Ok(SafeText::body(&lines.iter().map(SafeText::as_str).collect::<Vec<_>>().join("\n")))
    }
}

#[async_trait]
impl Pipeline for Judge {
    fn id(&self) -> &PipelineId {
        &self.id
    }

    fn kind(&self) -> PipelineKind {
        PipelineKind::Judge
    }

    fn shown(&self, order: &Order) -> SafeText {
        let window = match length(order) {
            Ok(window) => window,
            Err(why) => return why,
        };
        let queries = self
            .config
            .metrics
            .iter()
            .map(|one| format!("\n{}: {} beside {}", one.name, one.canary, one.baseline));
        SafeText::body(&format!(
            "GET {}/api/v1/query_range after {window}{}",
            self.server.base(),
            queries.collect::<String>()
        ))
    }

    async fn dry_run(&self, order: &Order) -> Option<Result<SafeText, SafeText>> {
        Some(self.preview(order).await)
    }

    async fn start(&self, order: &Order, _key: &str) -> Result<Begun, NotBegun> {
        self.begin(order).await
    }

    async fn watch(&self, order: &Order, begun: &Begun) -> Result<Progress, SafeText> {
        self.look(order, begun).await
    }

    async fn find(&self, _order: &Order, _key: &str) -> Result<Option<Begun>, SafeText> {
        // It watches, and nothing else: what was not recorded as begun was not begun.
        Ok(None)
    }

    async fn stop(&self, _order: &Order, _begun: &Begun, _reason: &str) -> Result<(), SafeText> {
        let why =
            "A judge only watches: there is nothing to stop. Stop the steps after it instead.";
        Err(SafeText::new(why))
    }
}
