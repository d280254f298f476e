//! `quarterdeck doctor`: every path, source, credential origin and state, and what to do about it.

use serde_json::json;

use super::world::World;
use super::{Common, Exit, output};
use crate::connectors::registry::{find_slo_rules, probe};
use crate::eventlog::SqliteLog;

/// One thing that was looked at.
struct Check {
    what: String,
    good: bool,
    found: String,
}

pub(super) async fn run(common: &Common, as_json: bool) -> anyhow::Result<Exit> {
    let world = World::read(common)?;
    let mut checks = Vec::new();
    let mut check = |what: &str, good: bool, found: String| {
        checks.push(Check { what: what.to_owned(), good, found });
    };
    check("configuration", true, world.paths.config_file.display().to_string());
    check("state folder", true, world.paths.state.display().to_string());
    for problem in &world.problems {
        check("mistake", false, problem.to_string());
    }
    let catalog = &world.catalog;
    let (services, slos) = (catalog.services.len(), catalog.slos.len());
    let windows = catalog.windows.len();
    let found = format!("{services} services, {slos} objectives, {windows} maintenance windows");
    check("catalog", services + slos > 0, found);
    for service in catalog.services.values() {
        let missing: Vec<&str> = [("owner", &service.owner), ("runbook", &service.runbook)]
            .iter()
            .filter(|(_, text)| text.is_empty())
            .map(|(name, _)| *name)
            .collect();
        if !missing.is_empty() {
            let text = format!("has no {}; add it to the catalog", missing.join(" and no "));
            check(&format!("service {}", service.id), false, text);
        }
    }
    if world.paths.state.exists() {
        match SqliteLog::audit(&world.paths.state, None) {
            Ok(report) => {
                let text = if report.is_clean() {
                    "whole: every record is linked and signed".to_owned()
                } else {
                    let faults: Vec<String> =
                        report.findings.iter().map(ToString::to_string).collect();
                    faults.join("; ")
                };
                check("log", report.is_clean(), text);
            }
            Err(error) => check("log", false, error.sentence.to_string()),
        }
    } else {
        check("log", true, "none yet; it is made when the console first opens".into());
    }
    for source in &world.settings.sources {
        let name = format!("source {}", source.name);
        for origin in source.credential_origins() {
            check(&name, true, format!("credential from {origin}"));
        }
        match probe(source, world.clock.clone()).await {
            Ok(found) => {
                let version =
                    if found.version.is_empty() { "version not told" } else { &found.version };
                let mut text = format!(
                    "{} at {} answers in {} ({version})",
                    source.kind.name(),
                    source.address(),
                    found.latency
                );
                let rules = find_slo_rules(&found.rules);
                if !rules.is_empty() {
                    text.push_str(&format!(
                        "; {} recording rules of Sloth or Pyrra are there",
                        rules.len()
                    ));
                }
                check(&name, true, text);
            }
            Err(sentence) => check(&name, false, sentence.to_string()),
        }
    }
    if world.settings.sources.is_empty() {
        check("sources", false, "none are configured; run `quarterdeck init`".into());
    }
    let good = checks.iter().all(|c| c.good);
    if as_json {
        output::json(&json!({
            "good": good,
            "checks": checks.iter().map(|c| json!({ "what": c.what, "good": c.good, "found": c.found })).collect::<Vec<_>>(),
        }));
    } else {
        let mark = |good: bool| if good { "ok" } else { "PROBLEM" };
        let rows: Vec<Vec<String>> = checks
            .iter()
            .map(|c| vec![mark(c.good).to_owned(), c.what.clone(), c.found.clone()])
            .collect();
        output::table(&rows);
    }
    Ok(if good { Exit::Fine } else { Exit::Attention })
}
