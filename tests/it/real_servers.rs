//! The lab itself: does the fault show in the real servers, and does the way back work?

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use quarterdeck::config::{Settings, load_catalog};
use quarterdeck::domain::Span;

use crate::lab::{Lab, Options, PATIENCE, eventually};

/// Errors per request of checkout over ten seconds, by the lab's own recording rule.
const ERROR_RATIO: &str = r#"slo:error_ratio:rate10s{service="checkout"}"#;

#[test]
fn a_bad_canary_fires_a_burn_alert_and_the_way_back_resolves_it() -> Result<()> {
    let Some(lab) = Lab::start_or_skip(&Options { history: false, ..Options::default() })? else {
        return Ok(());
    };

    let ratio = || lab.query(ERROR_RATIO)?.context("no error ratio yet");
    let baseline = eventually("checkout has an error ratio", PATIENCE, || {
        let ratio = ratio()?;
        ensure!(!ratio.is_nan(), "no traffic yet");
        Ok(ratio)
    })?;
    assert!(baseline < 0.02, "the stable build fails {baseline} of its requests");
    assert!(!lab.fires("ErrorBudgetBurnFast", "checkout")?);

    lab.set_weights(50, 50)?;
    eventually("the burn alert is in Alertmanager", PATIENCE, || {
        ensure!(lab.fires("ErrorBudgetBurnFast", "checkout")?, "alerts: {:?}", lab.alerts()?);
        Ok(())
    })?;
    assert!(ratio()? > 0.05);

    lab.set_weights(100, 0)?;
    eventually("the burn alert is gone", PATIENCE, || {
        ensure!(!lab.fires("ErrorBudgetBurnFast", "checkout")?, "it still fires");
        Ok(())
    })?;
    // Gone is not recovered: users must be served, by the stable build, without errors.
    eventually("checkout serves without errors", PATIENCE, || {
        let ratio = ratio()?;
        ensure!(ratio < 0.01, "{ratio} of the requests fail");
        let served =
            lab.query(r#"sum(rate(http_requests_total{service="checkout",track="stable"}[10s]))"#)?;
        ensure!(served.is_some_and(|rate| rate > 10.0), "stable serves {served:?} per second");
        Ok(())
    })
}

#[test]
fn the_demos_catalog_asks_what_the_shop_answers() -> Result<()> {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo");
    let (settings, mistakes) = Settings::load(&demo.join("config.toml"), "somebody");
    assert!(mistakes.is_empty(), "{mistakes:#?}");
    let names: Vec<_> = settings.sources.iter().map(|source| source.name.clone()).collect();
    let (catalog, mistakes) = load_catalog(&settings.catalog, &demo, &names);
    assert!(mistakes.is_empty(), "{mistakes:#?}");
    let with_runbook = catalog.services.values().filter(|s| s.runbook_text.is_some()).count();
    assert_eq!((catalog.services.len(), with_runbook, catalog.slos.len()), (6, 3, 9));

    let Some(lab) = Lab::start_or_skip(&Options { history: false, ..Options::default() })? else {
        return Ok(());
    };
    let signals = catalog.services.values().flat_map(|s| s.signals.iter().map(|q| q.expr.clone()));
    let ratios = catalog.slos.values().map(|slo| slo.indicator.error_ratio(Span::from_mins(1)));
    for expr in signals.chain(ratios) {
        eventually(&format!("one series for {expr}"), PATIENCE, || {
            let value = lab.query(&expr)?.context("no series")?;
            ensure!(value.is_finite(), "{value}");
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn a_frozen_server_accepts_and_never_answers_until_it_is_thawed() -> Result<()> {
    let Some(mut lab) = Lab::start_or_skip(&Options { history: false, ..Options::default() })?
    else {
        return Ok(());
    };
    let url = lab.url("PROMETHEUS", "/-/ready");
    let port = lab.port("PROMETHEUS");

    lab.server("prometheus")?.freeze()?;
    let silent = std::net::TcpStream::connect(("127.0.0.1", port))?;
    silent.set_read_timeout(Some(Duration::from_millis(300)))?;
    let answer = std::io::Read::read(&mut &silent, &mut [0; 1]);
    assert!(answer.is_err(), "a frozen server answered: {answer:?}");

    lab.server("prometheus")?.thaw()?;
    eventually("Prometheus is ready again", PATIENCE, || {
        ensure!(crate::lab::get(&url)?.status == 200);
        Ok(())
    })?;

    lab.server("prometheus")?.kill()?;
    assert!(crate::lab::get(&url).is_err(), "a dead server answered");
    lab.server("prometheus")?.restart()?;
    eventually("Prometheus is back", PATIENCE, || {
        ensure!(crate::lab::get(&url)?.status == 200);
        Ok(())
    })
}
