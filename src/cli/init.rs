//! `quarterdeck init`: asks, tests each answer at once, writes a commented configuration and catalog.

mod written;

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;

use super::output::many;
use super::paths::{Paths, login};
use super::{Common, Exit, output};
use crate::config::load_catalog;
use crate::connectors::Clock;
use crate::connectors::discover::{Found, discover};
use crate::connectors::registry::{Probe, SourceConfig, find_slo_rules, probe};
use crate::domain::{Catalog, SafeText, SourceKind};
use crate::runtime::clock;

/// Answers given on the command line are not asked for.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// Your name, as others will see it.
    #[arg(long)]
    name: Option<String>,
    /// URL of Prometheus, or of what speaks its API; `none` for none.
    #[arg(long, value_name = "URL")]
    prometheus: Option<String>,
    /// URL of Alertmanager; `none` for none.
    #[arg(long, value_name = "URL")]
    alertmanager: Option<String>,
    /// Site the two belong to.
    #[arg(long)]
    site: Option<String>,
    /// A catalog you have already: our TOML, OpenSLO, Sloth, Pyrra or Backstage files.
    #[arg(long, value_name = "PATH")]
    catalog: Option<String>,
    /// Write even though a source does not answer, and over files that exist (kept as .bak).
    #[arg(long)]
    force: bool,
}

pub(super) async fn run(common: &Common, init: &Init) -> anyhow::Result<Exit> {
    let paths = Paths::find(common)?;
    let catalog_file = paths.config.join("catalog.toml");
    if !init.force && paths.config_file.exists() {
        anyhow::bail!(
            "{} exists already and was not changed. Use --force to replace it (the old one is kept as .bak)",
            paths.config_file.display()
        );
    }
    let machine_clock: Arc<dyn Clock> = Arc::new(clock::now);
    let name = answer(init.name.as_deref().or(common.me.as_deref()), "Your name", &login())?;
    let site = answer(init.site.as_deref(), "Site (cluster, region) of your monitoring", "main")?;
    let (given, kind) = (init.prometheus.as_deref(), SourceKind::Prometheus);
    let prometheus = source(init, given, kind, "http://localhost:9090", &machine_clock).await?;
    let found = match &prometheus {
        Some(config) => look_around(config, &machine_clock).await,
        None => Found::default(),
    };
    let (given, kind) = (init.alertmanager.as_deref(), SourceKind::Alertmanager);
    let alertmanager = source(init, given, kind, "http://localhost:9093", &machine_clock).await?;
    let (files, declared) = files(init)?;

    let sources: Vec<SourceConfig> = prometheus.into_iter().chain(alertmanager).collect();
    let answers =
        written::Answers { name: &name, site: &site, sources: &sources, catalog: files.as_deref() };
    let keep_catalog = catalog_file.exists() && !init.force;
    let mut texts = vec![(paths.config_file.clone(), written::config(&answers))];
    if !keep_catalog {
        // First, so that a configuration is only ever there with its catalog.
        texts.insert(0, (catalog_file.clone(), written::catalog(&found, &declared)));
    }
    std::fs::create_dir_all(&paths.config)
        .with_context(|| format!("the folder {} could not be made", paths.config.display()))?;
    place(&texts)?;
    output::line(&format!("Wrote {}.", paths.config_file.display()));
    if keep_catalog {
        let path = catalog_file.display();
        output::line(&format!("{path} was there already and was not changed."));
    } else {
        output::line(&format!("Wrote {}.", catalog_file.display()));
    }
    output::line("`quarterdeck doctor` checks them; `quarterdeck` opens the console.");
    Ok(Exit::Fine)
}

/// What is in a Prometheus already, told as it is found.
async fn look_around(config: &SourceConfig, clock: &Arc<dyn Clock>) -> Found {
    match discover(config, clock.clone()).await {
        Ok(found) => {
            let (services, slos) = (found.services.len(), found.slos.len());
            output::aside(&format!(
                "  found in it: {}, {} in Sloth's recording rules",
                many(services, "service"),
                many(slos, "objective")
            ));
            found
        }
        Err(sentence) => {
            output::aside(&format!("  nothing could be found in it: {sentence}"));
            Found::default()
        }
    }
}

/// Asks until the source answers, or until the person says none or keep.
async fn source(
    init: &Init,
    given: Option<&str>,
    kind: SourceKind,
    usual: &str,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Option<SourceConfig>> {
    let asking = given.is_none() && std::io::stdin().is_terminal();
    let mut usual = usual.to_owned();
    let mut failed: Option<SourceConfig> = None;
    loop {
        let typed = answer(given, &format!("URL of {} (or none)", kind.title()), &usual)?;
        if typed == "none" {
            return Ok(None);
        }
        if typed == "keep" && failed.is_some() {
            return Ok(failed);
        }
        let sentence = match reach(kind, &typed, clock).await {
            Ok((config, found)) => {
                let version = if found.version.is_empty() { "unknown" } else { &found.version };
                output::aside(&format!("  it answers in {}, version {version}", found.latency));
                let rules = find_slo_rules(&found.rules);
                if rules.iter().any(|name| !name.starts_with("slo:")) {
                    output::aside(
                        "  Pyrra's rules are in it: give Pyrra's own files as the catalog to see its objectives",
                    );
                }
                return Ok(Some(config));
            }
            Err(sentence) => sentence,
        };
        let config = SourceConfig::new(kind.name(), kind, &with_scheme(&typed));
        let usable = config.check();
        if init.force && usable.is_ok() {
            output::aside(&format!("  {sentence} It is written all the same."));
            return Ok(Some(config));
        }
        // What was given on the command line cannot be asked again.
        if !asking {
            anyhow::bail!(
                "{sentence} Nothing was written; --force writes it all the same, `none` goes without"
            );
        }
        let keep = if usable.is_ok() { ", `keep` to write it all the same" } else { "" };
        output::aside(&format!("  {sentence}\n  Try again, or answer `none` to go without{keep}."));
        failed = usable.is_ok().then_some(config);
        usual = typed;
    }
}

/// Tries the URL as typed, then what it may have been copied from. The error is a whole sentence.
async fn reach(
    kind: SourceKind,
    typed: &str,
    clock: &Arc<dyn Clock>,
) -> Result<(SourceConfig, Probe), SafeText> {
    let url = with_scheme(typed);
    let mut candidates = vec![url.clone()];
    candidates.extend(Some(of_a_page(&url)).filter(|other| *other != url));
    let mut first = None;
    for url in &candidates {
        let config = SourceConfig::new(kind.name(), kind, url);
        match probe(&config, clock.clone()).await {
            Ok(found) => {
                if *url != typed {
                    output::aside(&format!("  read as {}", config.address()));
                }
                return Ok((config, found));
            }
            Err(sentence) => {
                first.get_or_insert(sentence);
            }
        }
    }
    let other = match kind {
        SourceKind::Prometheus => SourceKind::Alertmanager,
        _ => SourceKind::Prometheus,
    };
    for url in &candidates {
        let config = SourceConfig::new(other.name(), other, url);
        if probe(&config, clock.clone()).await.is_ok() {
            return Err(SafeText::new(&format!(
                "At {} there is {} {}, not {} {}.",
                config.address(),
                article(other),
                other.title(),
                article(kind),
                kind.title()
            )));
        }
    }
    Err(first.unwrap_or_default())
}

fn article(kind: SourceKind) -> &'static str {
    if kind == SourceKind::Alertmanager { "an" } else { "a" }
}

/// People say `prometheus:9090`.
fn with_scheme(typed: &str) -> String {
    if typed.contains("://") { typed.to_owned() } else { format!("http://{typed}") }
}

/// The base of an address copied from a browser, where the server's own pages begin after it.
fn of_a_page(url: &str) -> String {
    let base = url.split(['?', '#']).next().unwrap_or(url);
    let pages = ["/graph", "/query", "/alerts", "/targets", "/rules", "/status", "/silences"];
    // After the host, whose name may hold such a word.
    let from = base.find("://").map_or(0, |at| at + 3);
    let from = base[from..].find('/').map_or(base.len(), |at| from + at);
    let found =
        pages.iter().chain(&["/api/v", "/-/", "/vmui"]).filter_map(|p| base[from..].find(p));
    let end = found.min().map_or(base.len(), |at| from + at);
    base[..end].trim_end_matches('/').to_owned()
}

/// The catalog files there are already, with what they declare; what is wrong in them is told.
fn files(init: &Init) -> anyhow::Result<(Option<String>, Catalog)> {
    loop {
        let question = "Catalog files you have already (a path, or a pattern such as slo/*.yaml)";
        let typed = answer(init.catalog.as_deref(), question, "none")?;
        if typed == "none" {
            return Ok((None, Catalog::default()));
        }
        // The configuration reads paths from its own folder, the person means this one.
        let here = std::env::current_dir().context("the current folder is not known")?;
        let path = here.join(&typed).display().to_string();
        let (catalog, mistakes) = load_catalog(std::slice::from_ref(&path), Path::new("/"), &[]);
        let (services, slos) = (catalog.services.len(), catalog.slos.len());
        output::aside(&format!(
            "  {} and {} in it",
            many(services, "service"),
            many(slos, "objective")
        ));
        for mistake in mistakes.iter().take(5) {
            output::aside(&format!("  {mistake}"));
        }
        if mistakes.len() > 5 {
            output::aside(&format!(
                "  and {} more; `quarterdeck doctor` lists them",
                mistakes.len() - 5
            ));
        }
        let asking = init.catalog.is_none() && std::io::stdin().is_terminal();
        if services + slos > 0 || init.force {
            return Ok((Some(path), catalog));
        }
        if !asking {
            anyhow::bail!(
                "{path} declares nothing that can be read. Nothing was written; --force writes it all the same"
            );
        }
    }
}

/// The given answer, else what is typed, else the usual one.
fn answer(given: Option<&str>, question: &str, usual: &str) -> anyhow::Result<String> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    if !std::io::stdin().is_terminal() {
        output::aside(&format!("{question}: {usual} (nobody to ask)"));
        return Ok(usual.to_owned());
    }
    let mut out = std::io::stderr().lock();
    write!(out, "{question} [{usual}]: ")?;
    out.flush()?;
    let mut line = String::new();
    if std::io::stdin().lock().read_line(&mut line)? == 0 {
        anyhow::bail!("the answers ended here. Nothing was written");
    }
    let typed = line.trim();
    Ok(if typed.is_empty() { usual.to_owned() } else { typed.to_owned() })
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Writes files whole or not at all; those that exist are kept beside them.
fn place(texts: &[(PathBuf, String)]) -> anyhow::Result<()> {
    let written = || -> anyhow::Result<()> {
        for (path, text) in texts {
            let fresh = beside(path, ".new");
            std::fs::write(&fresh, text)
                .with_context(|| format!("{} could not be written", fresh.display()))?;
        }
        for (path, _) in texts {
            if path.exists() {
                std::fs::copy(path, beside(path, ".bak"))
                    .with_context(|| format!("{} could not be kept", path.display()))?;
            }
        }
        for (path, _) in texts {
            std::fs::rename(beside(path, ".new"), path)
                .with_context(|| format!("{} could not be written", path.display()))?;
        }
        Ok(())
    };
    let outcome = written();
    if outcome.is_err() {
        for (path, _) in texts {
            let _ = std::fs::remove_file(beside(path, ".new"));
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_copied_from_a_browser_leads_to_its_server() {
        for (typed, base) in [
            ("prom:9090", "http://prom:9090"),
            ("http://prom:9090/", "http://prom:9090"),
            ("https://graph.example/graph?g0.expr=up", "https://graph.example"),
            ("https://x/alertmanager/#/alerts?filter=", "https://x/alertmanager"),
            ("https://x/select/0/prometheus/api/v1/query", "https://x/select/0/prometheus"),
            ("https://x/select/0/prometheus", "https://x/select/0/prometheus"),
        ] {
            assert_eq!(of_a_page(&with_scheme(typed)), base, "{typed}");
        }
    }
}
