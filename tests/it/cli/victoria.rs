//! VictoriaMetrics as a source: it speaks Prometheus' query language and knows neither rules nor
//! targets. Needs Debian's `victoria-metrics`.

use anyhow::{Context as _, Result, ensure};
use pretty_assertions::assert_eq;
use serde_json::Value;

use super::Home;
use crate::lab::{PATIENCE, Server, eventually, find_program, free_ports, get, post, required};

const CATALOG: &str = r#"
[[service]]
name = "shop"
owner = "team"
runbook = "https://x.example"
[service.signals]
traffic = 'sum(rate(orders_total[5m]))'
[[slo]]
name = "orders"
service = "shop"
objective = "99%"
bad = 'sum(rate(orders_total{code="500"}[$window]))'
total = 'sum(rate(orders_total[$window]))'
"#;

#[test]
fn objectives_are_judged_on_victoria_metrics() -> Result<()> {
    if !required() {
        println!("skipped: needs Debian's victoria-metrics; run tests/run");
        return Ok(());
    }
    let Some(program) = find_program("victoria-metrics") else {
        anyhow::bail!("victoria-metrics is not installed; tests/run installs it");
    };
    let dir = tempfile::tempdir()?;
    let port = free_ports(1)?[0];
    let base = format!("http://127.0.0.1:{port}");
    let mut server = Server::start(
        "victoria",
        program,
        vec![
            format!("-storageDataPath={}", dir.path().join("data").display()),
            format!("-httpListenAddr=127.0.0.1:{port}"),
            "-search.latencyOffset=0s".to_owned(),
            "-memory.allowedPercent=10".to_owned(),
        ],
        dir.path(),
    )?;
    eventually("it answers", PATIENCE, || {
        ensure!(server.is_running(), "it ended:\n{}", server.log_tail());
        ensure!(get(&format!("{base}/health"))?.status == 200);
        Ok(())
    })?;
    push(&base)?;

    let source = format!("[[source]]\nname = \"vm\"\nkind = \"prometheus\"\nurl = \"{base}\"\n");
    let home = Home::with(&[("config.toml", &source), ("catalog.toml", CATALOG)]);
    let json = |args: &[&str]| -> Result<(i32, Value)> {
        let said = home.run(args);
        Ok((said.code, serde_json::from_str(&said.out).with_context(|| format!("{said:?}"))?))
    };
    // A new series can be queried about ten seconds after it first came.
    let slo = eventually("the objective is judged", PATIENCE, || {
        let (_, told) = json(&["slo", "--json"])?;
        ensure!(told["complete"] == true, "{told:#}");
        ensure!(told["slos"][0]["budget_left"].is_number(), "{told:#}");
        let mut burns = told["slos"][0]["burn"].as_object().into_iter().flatten();
        ensure!(burns.all(|(_, burn)| burn.is_number()), "{told:#}");
        Ok(told["slos"][0].clone())
    })?;
    // Two in a hundred fail where one may: it burns twice as fast as it may, everywhere.
    for (window, burn) in slo["burn"].as_object().context("no burns")? {
        let burn = burn.as_f64().with_context(|| format!("{window}: {burn}"))?;
        ensure!((burn - 2.0).abs() < 0.02, "{window}: {burn}");
    }
    assert_eq!(slo["conditions"][0]["holds"], false);

    // No rules and no targets is no fault of the source, and not "no alerts" either.
    let (_, told) = json(&["doctor", "--json"])?;
    let checks = told["checks"].as_array().context("no checks")?.iter();
    let bad: Vec<&Value> = checks.filter(|c| c["good"] == false).map(|c| &c["what"]).collect();
    assert_eq!(bad, ["sources"], "only the missing Alertmanager: {told:#}");
    let said = home.run(&["alerts"]);
    assert_eq!(said.out, "Alerts are not known: no Alertmanager is configured.\n");

    let new = Home::new();
    let said = new.run(&["init", "--prometheus", &base, "--alertmanager", "none"]);
    assert_eq!(said.code, 0, "{}", said.err);
    ensure!(said.err.contains("0 objectives in Sloth's recording rules"), "{}", said.err);

    // What a console charts comes from range queries: a recording holds their answers.
    let said = home.run(&["record", "--out", "tape", "--for", "3s"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let tape =
        quarterdeck::connectors::tape::Tape::read(std::fs::File::open(home.path().join("tape"))?)?;
    let charts: Vec<_> = tape.entries.iter().filter(|e| e.key.starts_with("chart:")).collect();
    ensure!(!charts.is_empty(), "no chart was asked for");
    for chart in charts {
        let body: Value = serde_json::from_slice(&chart.body)?;
        let points = body["data"]["result"][0]["values"].as_array().context("no line")?;
        ensure!(points.len() > 5, "{body}");
    }
    Ok(())
}

/// Two days of orders, one sample a minute, two in a hundred failing.
fn push(base: &str) -> Result<()> {
    let now = quarterdeck::runtime::clock::now().millis();
    let mut text = String::new();
    for minute in 0..2 * 24 * 60_i64 {
        let at = now - (2 * 24 * 60 - minute) * 60_000;
        for (code, each) in [("200", 98), ("500", 2)] {
            text.push_str(&format!("orders_total{{code=\"{code}\"}} {} {at}\n", minute * each));
        }
    }
    let answer = post(&format!("{base}/api/v1/import/prometheus"), "text/plain", &text)?;
    ensure!(answer.status == 204, "{answer:?}");
    Ok(())
}
