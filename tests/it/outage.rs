//! The real console in a real terminal on real servers: a bad build goes out and comes back, and the
//! sources themselves die, freeze and return.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::lab::{Lab, Options, PATIENCE, eventually};
use crate::pty::{Program, Session, Start};

/// Longest a key may wait for its answer here, where a loaded machine runs nine servers as well.
const ANSWER: Duration = Duration::from_secs(3);

/// The console on a lab's sources, with figures on its Bridge.
fn console(lab: &Lab) -> Result<Session> {
    let config = lab.console_config()?;
    let mut session = Start::new(Program::quarterdeck(&["--config", &config.to_string_lossy()]))
        .size(160, 45)
        .start();
    session.wait_within(PATIENCE, "a measured budget of checkout", |s| short_burn(s).is_some());
    Ok(session)
}

/// The burn over the short window of checkout's objective for the day.
fn short_burn(session: &Session) -> Option<f64> {
    let text = session.text();
    // The strip speaks of the worst objective as well, without its windows.
    let mut rows = text.lines().filter(|line| line.contains("without error, today"));
    let row = rows.find(|line| line.contains(" 10s "))?;
    let burns = row.split_whitespace().filter_map(|word| word.strip_suffix('×'));
    burns.map(|burn| burn.trim_start_matches('<').parse().ok()).next_back()?
}

fn shows(text: &'static str) -> impl Fn(&Session) -> bool {
    move |session| session.text().contains(text)
}

#[test]
fn the_bridge_shows_a_bad_canary_and_the_way_back_within_two_minutes() -> Result<()> {
    let Some(lab) = Lab::start_or_skip(&Options::default())? else { return Ok(()) };
    let began = Instant::now();
    let mut session = console(&lab)?;
    assert!(!session.text().contains("ErrorBudgetBurnFast"), "{}", session.picture());

    lab.set_weights(50, 50)?;
    session.wait_within(PATIENCE, "the burn alert on the Bridge", shows("ErrorBudgetBurnFast"));
    session.wait_within(PATIENCE, "a burn above the page's factor", |s| {
        short_burn(s).is_some_and(|burn| burn > 14.4)
    });

    lab.set_weights(100, 0)?;
    session.wait_within(PATIENCE, "the burn falls", |s| short_burn(s).is_some_and(|b| b < 1.0));
    session.wait_within(PATIENCE, "the alert leaves", |s| !shows("ErrorBudgetBurnFast")(s));
    assert!(began.elapsed() < Duration::from_secs(120), "it took {:?}", began.elapsed());
    session.send("q");
    assert!(session.exit_status().success());
    Ok(())
}

#[test]
fn silent_and_dead_sources_leave_the_keys_alive_and_come_back_by_themselves() -> Result<()> {
    let Some(mut lab) = Lab::start_or_skip(&Options::default())? else { return Ok(()) };
    let mut session = console(&lab)?;
    let sources = ["prometheus", "alertmanager"];

    for source in sources {
        lab.server(source)?.freeze()?;
    }
    all_screens_answer(&mut session);
    session.wait_within(PATIENCE, "both timed out", |s| s.text().matches("timed out").count() >= 2);
    all_screens_answer(&mut session);
    for source in sources {
        lab.server(source)?.thaw()?;
    }
    session.wait_within(PATIENCE, "both fresh again", |s| fresh(s) == 2);

    for source in sources {
        lab.server(source)?.kill()?;
    }
    session.wait_within(PATIENCE, "both refuse", |s| s.text().matches("refused").count() >= 2);
    all_screens_answer(&mut session);
    for source in sources {
        lab.server(source)?.restart()?;
    }
    session.wait_within(PATIENCE, "both fresh after a restart", |s| fresh(s) == 2);
    session.send("q");
    assert!(session.exit_status().success());
    Ok(())
}

/// Goes through the screens and ends on Sources; each must answer at once.
fn all_screens_answer(session: &mut Session) {
    for (key, sign) in
        [("1", "Error budgets"), ("2", "Alerts"), ("3", "Objectives"), ("S", "data age")]
    {
        let pressed = Instant::now();
        session.send(key);
        session.wait_within(ANSWER, sign, shows(sign));
        assert!(pressed.elapsed() < ANSWER);
    }
}

/// How many rows of the Sources screen say fresh.
fn fresh(session: &Session) -> usize {
    // Rows of the table alone: the selected source is described below it once more.
    let row = |line: &&str| line.contains(" fresh ") && line.contains(" closed ");
    session.text().lines().filter(row).count()
}

#[test]
fn alerts_that_nobody_evaluates_any_more_are_lost_from_sight_and_never_recovered() -> Result<()> {
    let Some(mut lab) = Lab::start_or_skip(&Options::default())? else { return Ok(()) };
    let mut session = console(&lab)?;
    lab.set_weights(50, 50)?;
    session.wait_within(PATIENCE, "the burn alert", shows("ErrorBudgetBurnFast"));

    lab.server("prometheus")?.kill()?;
    // The fault goes on, and yet Alertmanager resolves the alert by time-out.
    eventually("Alertmanager forgets the alert", PATIENCE, || {
        ensure!(!lab.fires("ErrorBudgetBurnFast", "checkout")?, "it still has it");
        Ok(())
    })?;
    session.wait_within(PATIENCE, "lost sight", shows("lost sight"));
    assert!(session.text().contains("ErrorBudgetBurnFast"), "{}", session.picture());

    lab.server("prometheus")?.restart()?;
    eventually("Alertmanager has the alert again", PATIENCE, || {
        ensure!(lab.fires("ErrorBudgetBurnFast", "checkout")?, "not yet");
        Ok(())
    })?;
    session.wait_within(PATIENCE, "in sight again", |s| {
        shows("ErrorBudgetBurnFast")(s) && !shows("lost sight")(s)
    });

    lab.set_weights(100, 0)?;
    session.wait_within(PATIENCE, "recovered", |s| !shows("ErrorBudgetBurnFast")(s));
    assert!(!session.text().contains("lost sight"), "{}", session.picture());
    Ok(())
}
