//! The lab itself: does the fault show in the real servers, and does the way back work?

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::lab::{Lab, Options, PATIENCE, eventually};

/// Errors per request of checkout over ten seconds, by the lab's own recording rule.
const ERROR_RATIO: &str = r#"slo:error_ratio:rate10s{service="checkout"}"#;

#[test]
fn a_bad_canary_fires_a_burn_alert_and_the_way_back_resolves_it() -> Result<()> {
    let Some(lab) = Lab::start_or_skip(&Options::default())? else { return Ok(()) };

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
fn a_frozen_server_accepts_and_never_answers_until_it_is_thawed() -> Result<()> {
    let Some(mut lab) = Lab::start_or_skip(&Options::default())? else { return Ok(()) };
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
