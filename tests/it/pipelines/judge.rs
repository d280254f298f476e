//! A canary beside the baseline, judged by a real Prometheus over the shop's real traffic.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use pretty_assertions::assert_eq;
use quarterdeck::analysis::canary::{Rule, Thresholds};
use quarterdeck::connectors::Clock;
use quarterdeck::connectors::outbound::config::Endpoint;
use quarterdeck::connectors::pipelines::config::{HaproxySocket, JudgeConfig, JudgeMetric};
use quarterdeck::connectors::pipelines::{Begun, Haproxy, Judge, Pipeline};
use quarterdeck::domain::{Ask, Order, PipelineId, SafeText, Span, Timestamp};

use super::{begin, job, lines, order, refusal, told};
use crate::double::{Answer, Double};
use crate::lab::{Lab, Options, PATIENCE, eventually};

fn wall() -> Arc<dyn Clock> {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or_default())
    })
}

/// Errors per request of one track.
fn errors(track: &str) -> String {
    let of = |more: &str| {
        format!(
            "sum(rate(http_requests_total{{service=\"checkout\",track=\"{track}\"{more}}}[5s]))"
        )
    };
    format!("({} or vector(0)) / {}", of(",code=~\"5..\""), of(""))
}

fn metric(name: &str, baseline: String, canary: String) -> JudgeMetric {
    let rule = Rule { critical: true, ..Rule::default() };
    JudgeMetric { name: SafeText::new(name), baseline, canary, rule }
}

fn judge(url: &str, metrics: Vec<JudgeMetric>, clock: Arc<dyn Clock>) -> Judge {
    let config = JudgeConfig { metrics, thresholds: Thresholds::default() };
    Judge::new(PipelineId::new("line"), config, &Endpoint::new(url), clock)
}

fn watched(seconds: &str) -> Order {
    job("", "", ("window", seconds))
}

/// The judge's last word.
async fn judged(
    line: &Judge,
    step: &Order,
    begun: &Begun,
) -> Result<(&'static str, String, String)> {
    let began = std::time::Instant::now();
    loop {
        let seen = line.watch(step, begun).await.map_err(|why| anyhow::anyhow!("{why}"))?;
        let (state, why) = told(&seen);
        if state != "running" {
            return Ok((state, why, lines(&seen)));
        }
        ensure!(began.elapsed() < PATIENCE, "it never judges: {}", lines(&seen));
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test]
async fn a_bad_canary_is_sent_back_and_one_like_the_baseline_may_go_on() -> Result<()> {
    let options = Options { history: false, ..Options::default() };
    let Some(lab) = Lab::start_or_skip(&options)? else { return Ok(()) };
    let prometheus = lab.url("PROMETHEUS", "");
    let gateway = Haproxy::new(
        PipelineId::new("gateway"),
        HaproxySocket::Path(lab.dir().join("haproxy.sock")),
        Span::from_secs(5),
    );
    let weight = order(Ask::Weight {
        backend: SafeText::new("checkout"),
        server: SafeText::new("canary"),
        weight: SafeText::new("100"),
    });
    let begun = begin(&gateway, &weight).await;
    assert_eq!(told(&gateway.watch(&weight, &begun).await.unwrap()).0, "done");
    eventually("the canary has been asked for a while", PATIENCE, || {
        let rate =
            lab.query("sum(rate(http_requests_total{track=\"canary\",service=\"checkout\"}[5s]))")?;
        ensure!(rate.context("no rate")? > 5.0, "{rate:?} per second");
        Ok(())
    })?;

    let errors = |canary: &str| vec![metric("errors", errors("stable"), errors(canary))];
    let line = judge(&prometheus, errors("canary"), wall());
    let step = watched("15s");
    let begun = begin(&line, &step).await;
    assert_eq!(told(&line.watch(&step, &begun).await.unwrap()).0, "running", "not before its time");
    // The same traffic beside itself is no difference.
    let same = judge(&prometheus, errors("stable"), wall());
    let same_begun = begin(&same, &step).await;
    let (state, why, said) = judged(&line, &step, &begun).await?;
    assert_eq!(state, "failed", "{said}");
    assert!(
        why.starts_with(
            "The canary does worse than the baseline (score 0 of 100). Critical: errors."
        ),
        "{why}"
    );
    assert!(said.contains("critical: high") && said.ends_with("roll back"), "{said}");
    let (state, _, said) = judged(&same, &step, &same_begun).await?;
    assert_eq!(state, "done", "{said}");
    // Nobody is there: neither good nor bad.
    let silent = judge(&prometheus, errors("nobody"), wall());
    let begun = begin(&silent, &watched("10s")).await;
    let (state, why, said) = judged(&silent, &watched("10s"), &begun).await?;
    assert_eq!(state, "failed", "{said}");
    assert!(why.starts_with("The canary is held"), "{why}");
    assert!(said.contains("canary no data"), "{said}");

    let many = judge(&prometheus, vec![metric("errors", "up".to_owned(), "up".to_owned())], wall());
    let why = refusal(&many, &step).await;
    assert!(
        why.contains("series, and one is judged: aggregate them. Nothing was started."),
        "{why}"
    );
    let wrong = judge(&prometheus, vec![metric("x", "rate(".to_owned(), "up".to_owned())], wall());
    assert!(refusal(&wrong, &step).await.contains("answers with status 400"));
    Ok(())
}

#[tokio::test]
async fn a_window_is_said_and_sound_and_silence_of_prometheus_is_no_verdict() {
    let double = Double::start(|_| Answer::new(503, "{}"));
    let clock = || -> Arc<dyn Clock> { Arc::new(|| Timestamp::from_millis(1_795_000_100_000)) };
    let line = judge(&double.url(""), vec![metric("x", "a".to_owned(), "b".to_owned())], clock());
    for window in ["", "x", "9s", "60s", "1h"] {
        let why = refusal(&line, &watched(window)).await;
        assert!(
            why.contains("needs a `window` of at least 10s and below its deadline, 1m"),
            "{why}"
        );
    }
    assert!(refusal(&line, &watched("20s")).await.contains("answers with status 503"));
    let begun = |receipt: &str| Begun { receipt: SafeText::new(receipt), url: SafeText::new("") };
    let from = Timestamp::from_millis(1_795_000_000_000).rfc3339();
    let over = begun(&format!("watched from {from}"));
    assert!(line.watch(&watched("20s"), &over).await.is_err(), "it is asked again, not judged");
    assert!(line.watch(&watched("20s"), &begun("build 7")).await.is_err());
    assert_eq!(line.find(&watched("20s"), super::KEY).await, Ok(None));
}
