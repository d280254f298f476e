//! `quarterdeck doctor`: every path, source, credential origin and state, and what to do about it.

mod procedures;
mod response;

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use serde_json::json;

use super::output::many;
use super::world::World;
use super::{Asking, Common, Exit, Look, gather, output};
use crate::connectors::discover::{Upkeep, upkeep};
use crate::connectors::registry::{SourceConfig, find_slo_rules};
use crate::domain::{SafeText, SourceKind, Span};
use crate::eventlog::SqliteLog;
use crate::model::Verdict;
use crate::runtime::{self, Looks};

/// Below this the screens lack parts.
const LEAST_SIZE: (u16, u16) = (60, 15);
/// A clock further off than this misleads: onsets, silences, promised times.
const CLOCK_LIMIT: Span = Span::from_secs(5);
/// Names listed in one sentence.
const MOST_NAMES: usize = 5;

/// One thing that was looked at.
struct Check {
    what: String,
    good: bool,
    found: String,
}

#[derive(Default)]
struct Checks(Vec<Check>);

impl Checks {
    fn add(&mut self, what: &str, good: bool, found: impl Into<String>) {
        self.0.push(Check { what: what.to_owned(), good, found: found.into() });
    }
}

pub(super) async fn run(common: &Common, look: &Look, asking: Asking) -> anyhow::Result<Exit> {
    let mut world = World::read(common)?;
    let mut checks = Checks::default();
    configuration(&world, &mut checks);
    looks(&world, look, &mut checks)?;
    terminal(&mut checks);
    state(&world, &mut checks);
    catalog(&world, &mut checks);
    response::check(&world, &mut checks).await;
    procedures::check(&world, &mut checks).await;
    if world.settings.sources.is_empty() {
        checks.add(
            "sources",
            false,
            "none are configured; run `quarterdeck init`, or add a [[source]]",
        );
    } else {
        world.gather(asking.timeout).await?;
        for source in &world.settings.sources {
            credentials(source, &mut checks).await;
            reached(&world, source, &mut checks);
            rules(&world, source, &mut checks).await;
        }
        if !world.settings.sources.iter().any(|s| s.kind == SourceKind::Alertmanager) {
            let text = "no Alertmanager is configured, so no alerts are shown; add a [[source]] of that kind";
            checks.add("sources", false, text);
        }
        objectives(&world, &mut checks);
    }
    Ok(print(&checks.0, asking.json))
}

fn print(checks: &[Check], as_json: bool) -> Exit {
    let bad = checks.iter().filter(|c| !c.good).count();
    if as_json {
        let list = checks
            .iter()
            .map(|c| json!({ "what": c.what, "good": c.good, "found": c.found }))
            .collect::<Vec<_>>();
        output::json(&json!({ "version": 1, "good": bad == 0, "checks": list }));
    } else {
        let mark = |good: bool| if good { "ok" } else { "PROBLEM" };
        let rows: Vec<Vec<String>> = checks
            .iter()
            .map(|c| vec![mark(c.good).to_owned(), c.what.clone(), c.found.clone()])
            .collect();
        output::table(&rows);
        output::line("");
        output::line(&match bad {
            0 => "Everything is well.".to_owned(),
            n => format!("{}.", many(n, "problem")),
        });
    }
    if bad == 0 { Exit::Fine } else { Exit::Attention }
}

fn configuration(world: &World, checks: &mut Checks) {
    checks.add("configuration", true, world.paths.config_file.display().to_string());
    for path in [&world.paths.config, &world.paths.config_file] {
        // Whoever may write it can have programs run that fetch credentials.
        if let Some(mode) = mode(path).filter(|mode| mode & 0o022 != 0) {
            let path = path.display();
            let text = format!(
                "{path} can be changed by other users (mode {mode:03o}); run chmod go-w on it"
            );
            checks.add("configuration", false, text);
        }
    }
    for problem in &world.problems {
        checks.add("mistake", false, problem.to_string());
    }
}

fn mode(path: &Path) -> Option<u32> {
    std::fs::metadata(path).ok().map(|meta| meta.mode() & 0o7777)
}

/// Theme and keymap in use, and every file of the person's own.
fn looks(world: &World, look: &Look, checks: &mut Checks) -> anyhow::Result<()> {
    let mut complaints = Vec::new();
    let folder = &world.paths.config;
    let (_, _, looks) = runtime::looks(&world.settings, folder, &look.wanted(), &mut complaints)?;
    checks.add("theme", true, format!("{}, {}", looks.theme, looks.colours()));
    checks.add("keymap", true, looks.keymap.clone());
    for name in looks.names("themes", &[]) {
        let other = Looks { theme: name, ..looks.clone() };
        complaints.extend(other.load_theme().err());
    }
    for name in looks.names("keymaps", &[]) {
        let other = Looks { keymap: name, ..looks.clone() };
        complaints.extend(other.load_keymap().err());
    }
    let told: BTreeSet<SafeText> = complaints.into_iter().collect();
    for sentence in told {
        checks.add("looks", false, sentence.to_string());
    }
    Ok(())
}

fn terminal(checks: &mut Checks) {
    let env = |name: &str| std::env::var(name).unwrap_or_default();
    let term = env("TERM");
    if !std::io::stdout().is_terminal() {
        checks.add("terminal", true, "the output is not a terminal here; the console needs one");
        return;
    }
    let size = rustix::termios::tcgetwinsize(std::io::stdout())
        .map_or((0, 0), |size| (size.ws_col, size.ws_row));
    let (columns, rows) = size;
    let shown = if term.is_empty() { "TERM is not set" } else { &term };
    let found = format!("{columns}x{rows}, {}", SafeText::new(shown));
    if term.is_empty() || term == "dumb" {
        checks.add(
            "terminal",
            false,
            format!("{found}; set TERM to what your terminal is, such as xterm-256color"),
        );
    } else if columns < LEAST_SIZE.0 || rows < LEAST_SIZE.1 {
        let (least, least_rows) = LEAST_SIZE;
        checks.add(
            "terminal",
            false,
            format!("{found}; make it at least {least}x{least_rows}, better 80x24"),
        );
    } else {
        checks.add("terminal", true, found);
    }
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().map(env).find(|v| !v.is_empty());
    let locale = locale.unwrap_or_default().to_lowercase();
    if !locale.contains("utf-8") && !locale.contains("utf8") {
        let text = "the locale is not UTF-8; set LANG=C.UTF-8, or use --ascii if boxes look wrong";
        checks.add("terminal", false, text);
    }
}

fn state(world: &World, checks: &mut Checks) {
    let folder = &world.paths.state;
    let shown = folder.display();
    if !folder.exists() {
        checks.add("state folder", true, format!("{shown}, made when the console first opens"));
        return;
    }
    match mode(folder) {
        Some(mode) if mode & 0o077 != 0 => {
            let text = format!(
                "{shown} is open to other users (mode {mode:03o}), so nothing is recorded; run chmod 700 on it"
            );
            checks.add("state folder", false, text);
        }
        _ => checks.add("state folder", true, shown.to_string()),
    }
    match SqliteLog::audit_at(&world.place(), None) {
        Ok(report) if report.is_clean() => {
            let text = format!("whole: {}, each linked and signed", many(report.records, "record"));
            checks.add("log", true, text);
        }
        Ok(report) => {
            let file = Some(&report.file).filter(|said| !said.is_empty());
            let mut faults: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
            faults.extend(report.places.iter().chain(file).map(ToString::to_string));
            checks.add("log", false, some(&faults));
        }
        Err(_) if !world.place().store().join("log.sqlite").exists() => {
            checks.add("log", true, "none yet; it is made when the console first opens");
        }
        Err(error) => checks.add("log", false, error.sentence.to_string()),
    }
}

fn catalog(world: &World, checks: &mut Checks) {
    let catalog = &world.catalog;
    for (name, _) in world.files.iter().filter(|(name, _)| !name.ends_with(".md")) {
        let path = world.paths.config.join(name);
        checks.add("catalog file", true, path.display().to_string());
    }
    let (services, slos) = (catalog.services.len(), catalog.slos.len());
    let windows = catalog.windows.len();
    let counts = [(services, "service"), (slos, "objective"), (windows, "maintenance window")];
    let mut found = counts.map(|(count, what)| many(count, what)).join(", ");
    if services + slos == 0 {
        found.push_str("; declare them in catalog.toml, or list files you have under [catalog]");
    }
    checks.add("catalog", services + slos > 0, found);
    for service in catalog.services.values() {
        let missing: Vec<&str> = [("owner", &service.owner), ("runbook", &service.runbook)]
            .iter()
            .filter(|(_, text)| text.is_empty())
            .map(|(name, _)| *name)
            .collect();
        if !missing.is_empty() {
            let text = format!("has no {}; add it to the catalog", missing.join(" and no "));
            checks.add(&format!("service {}", service.id), false, text);
        }
    }
}

async fn credentials(source: &SourceConfig, checks: &mut Checks) {
    let what = format!("source {}", source.name);
    for secret in source.credentials() {
        let found = format!("credential from {}", secret.origin());
        match secret.read().await {
            Ok(_) => checks.add(&what, true, found),
            Err(error) => checks.add(&what, false, format!("{found}: {}", error.why)),
        }
    }
}

fn reached(world: &World, source: &SourceConfig, checks: &mut Checks) {
    let what = format!("source {}", source.name);
    let Some(status) = world.model.sources.get(&source.name) else { return };
    if gather::state(status, world.now()) != "fresh" {
        let found = match source.check() {
            Err(sentence) => sentence.to_string(),
            Ok(()) => gather::why(status),
        };
        checks.add(&what, false, found);
        return;
    }
    let version = if status.version.is_empty() { "version not told" } else { &status.version };
    let latency = status.latency.unwrap_or_default();
    let (kind, address) = (source.kind.name(), &status.address);
    let found =
        format!("{kind} at {address}, site {}, answers in {latency} ({version})", status.site);
    checks.add(&what, true, found);
    if let Some(clock) = status.clock {
        let off = clock.offset.millis().abs() - clock.bound.millis();
        if off > CLOCK_LIMIT.millis() {
            let (offset, bound) = (clock.offset, clock.bound);
            let text = format!(
                "its clock and this machine's differ by {offset}, give or take {bound}; set the wrong one right (NTP)"
            );
            checks.add(&what, false, text);
        }
    }
    if let Some((up, down)) = world.model.targets.get(&source.name)
        && *down > 0
    {
        let text =
            format!("{down} of {} scrape targets are down; see its /targets page", up + down);
        checks.add(&what, false, text);
    }
    if let Some(seen) = world.model.rules.get(&source.name) {
        let slo_rules = find_slo_rules(seen).len();
        if slo_rules > 0 && world.catalog.slos.is_empty() {
            let text = format!(
                "{slo_rules} recording rules of Sloth or Pyrra are there, and no objective is declared; `quarterdeck init --force` takes Sloth's over, or list the tool's own files under [catalog]"
            );
            checks.add(&what, false, text);
        }
    }
}

/// What the Prometheus' alerting rules lack.
async fn rules(world: &World, source: &SourceConfig, checks: &mut Checks) {
    let answered = world.model.sources.get(&source.name).is_some_and(|s| s.last_good.is_some());
    if source.kind != SourceKind::Prometheus || !answered {
        return;
    }
    let what = format!("rules {}", source.name);
    let Upkeep { rules, without_owner, without_runbook, failing } =
        match upkeep(source, world.clock.clone()).await {
            Ok(Some(upkeep)) => upkeep,
            Ok(None) => {
                checks.add(&what, true, "it does not tell its alerting rules");
                return;
            }
            Err(sentence) => {
                checks.add(&what, false, sentence.to_string());
                return;
            }
        };
    checks.add(&what, true, many(rules, "alerting rule"));
    if !without_owner.is_empty() {
        let text = format!("{} without a label `owner` or `team`", names(&without_owner));
        checks.add(
            &what,
            false,
            format!("{text}; add it, or the owner of their service to the catalog"),
        );
    }
    if !without_runbook.is_empty() {
        let text = format!("{} without an annotation `runbook_url`", names(&without_runbook));
        checks.add(
            &what,
            false,
            format!("{text}; add it, or the runbook of their service to the catalog"),
        );
    }
    if !failing.is_empty() {
        let text = format!("{} fail to be evaluated, so they cannot fire", names(&failing));
        checks.add(&what, false, format!("{text}; see its /rules page"));
    }
}

/// Objectives that cannot be judged.
fn objectives(world: &World, checks: &mut Checks) {
    for status in &world.model.slos.statuses {
        let what = format!("objective {}", status.slo);
        match status.verdict {
            Verdict::NoData => {
                let text = format!(
                    "its series are missing; `quarterdeck slo {}` shows what is asked",
                    status.slo
                );
                checks.add(&what, false, text);
            }
            Verdict::Unknown => {
                checks.add(&what, false, "not known: its Prometheus gave no answer about it");
            }
            _ => {}
        }
    }
}

fn names(all: &BTreeSet<SafeText>) -> String {
    let names: Vec<String> = all.iter().map(ToString::to_string).collect();
    some(&names)
}

/// The first few, and how many more there are.
fn some(all: &[String]) -> String {
    let shown = all.get(..all.len().min(MOST_NAMES)).unwrap_or_default().join(", ");
    if all.len() > MOST_NAMES {
        format!("{shown} and {} more", all.len() - MOST_NAMES)
    } else {
        shown
    }
}
