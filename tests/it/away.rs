//! An alert ends while no console runs: whoever comes back finds it over, at the time it was, and the timeline
//! never says that it was lost from sight.

use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

use crate::lab::{Lab, Options, PATIENCE, eventually};
use crate::pty::{Program, Session, Start, own_home};

const ALERT: &str = "ErrorBudgetBurnFast";

/// A console's folder, in which it is started and started again.
struct Desk(Lab);

impl Desk {
    fn args(&self) -> Result<Vec<String>> {
        let config = self.0.dir().join("console/config.toml").display().to_string();
        let state = self.0.dir().join("state").display().to_string();
        Ok(["--config".into(), config, "--state-dir".into(), state].to_vec())
    }

    fn console(&self) -> Result<Session> {
        let args = self.args()?;
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        Ok(Start::new(Program::quarterdeck(&args)).size(160, 45).start())
    }

    fn said(&self, args: &[&str]) -> Result<String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        own_home(&mut command, self.0.dir());
        let output = command.args(self.args()?).args(args).stdin(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(matches!(output.status.code(), Some(0 | 1)), "{args:?}: {error}");
        Ok(said)
    }

    /// What is written of the alert.
    fn told(&self) -> Result<Vec<String>> {
        let all = self.said(&["timeline"])?;
        let of_it = all.lines().filter(|line| line.contains(ALERT) && line.contains(" on "));
        Ok(of_it.map(str::to_owned).collect())
    }
}

/// The incident goes on, so it is asked whether the console may go.
fn leaves(mut session: Session) {
    session.send("q");
    session.wait_for_text("Leave Quarterdeck?");
    session.send("\r");
    assert!(session.exit_status().success());
}

#[test]
fn an_alert_that_ended_while_nobody_looked_is_over_and_was_never_lost_from_sight() -> Result<()> {
    let Some(lab) = Lab::start_or_skip(&Options::default())? else { return Ok(()) };
    lab.console_config()?;
    let desk = Desk(lab);
    let lab = &desk.0;
    let mut session = desk.console()?;
    lab.set_weights(50, 50)?;
    session.wait_within(PATIENCE, "the burn alert", |s| s.text().contains(ALERT));
    desk.said(&["declare", "SEV-2", "checkout fails", "--service", "checkout"])?;
    eventually("the timeline says that it fires", PATIENCE, || {
        session.catch_up();
        ensure!(desk.told()?.iter().any(|line| line.contains("fires")), "not yet");
        Ok(())
    })?;
    leaves(session);

    lab.set_weights(100, 0)?;
    eventually("Alertmanager no longer has it", PATIENCE, || {
        ensure!(!lab.fires(ALERT, "checkout")?, "it still has it");
        Ok(())
    })?;

    let mut session = desk.console()?;
    session.wait_within(PATIENCE, "it is told of", |s| s.text().contains("checkout"));
    eventually("the timeline says that it is over", PATIENCE, || {
        session.catch_up();
        let told = desk.told()?;
        ensure!(told.iter().any(|line| line.contains("is over")), "{told:?}");
        Ok(())
    })?;
    let told = desk.told()?;
    let doubted = |line: &&String| line.contains("lost from sight") || line.contains("no longer");
    assert_eq!(told.iter().filter(doubted).count(), 0, "{told:#?}");
    leaves(session);
    Ok(())
}
