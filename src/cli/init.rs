//! `quarterdeck init`: asks, tests each answer at once, writes a commented configuration and catalog.

use std::fmt::Write as _;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;

use super::paths::{Paths, login};
use super::{Common, Exit, output};
use crate::connectors::Clock;
use crate::connectors::discover::{Found, discover};
use crate::connectors::registry::{SourceConfig, probe};
use crate::domain::SourceKind;
use crate::runtime::clock;

/// Answers given on the command line are not asked for.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// Your name, as others will see it.
    #[arg(long)]
    name: Option<String>,
    /// URL of Prometheus, or of what speaks its API.
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
    let paths = Paths::find(common.config.as_deref())?;
    let catalog_file = paths.config.join("catalog.toml");
    if !init.force && paths.config_file.exists() {
        anyhow::bail!(
            "{} exists already and was not changed. Use --force to replace it (the old one is kept as .bak)",
            paths.config_file.display()
        );
    }
    let machine_clock: Arc<dyn Clock> = Arc::new(clock::now);
    let name = answer(init.name.as_deref(), "Your name", &login())?;
    let site = answer(init.site.as_deref(), "Site (cluster, region)", "main")?;
    let prometheus = source(
        init,
        init.prometheus.as_deref(),
        SourceKind::Prometheus,
        "http://localhost:9090",
        &machine_clock,
    )
    .await?;
    let found = match &prometheus {
        Some(config) => match discover(config, machine_clock.clone()).await {
            Ok(found) => {
                output::aside(&format!(
                    "  found {} services and {} objectives of Sloth in it",
                    found.services.len(),
                    found.slos.len()
                ));
                found
            }
            Err(sentence) => {
                output::aside(&format!("  nothing could be found in it: {sentence}"));
                Found::default()
            }
        },
        None => Found::default(),
    };
    let alertmanager = source(
        init,
        init.alertmanager.as_deref(),
        SourceKind::Alertmanager,
        "http://localhost:9093",
        &machine_clock,
    )
    .await?;
    let given = answer(
        init.catalog.as_deref(),
        "Catalog files you have already (a path or pattern)",
        "none",
    )?;
    let given = (given != "none").then_some(given);

    let sources: Vec<&SourceConfig> = prometheus.iter().chain(alertmanager.iter()).collect();
    std::fs::create_dir_all(&paths.config)
        .with_context(|| format!("the folder {} could not be made", paths.config.display()))?;
    write(&paths.config_file, &config_text(&name, &site, &sources, given.as_deref()))?;
    if !catalog_file.exists() || init.force {
        write(&catalog_file, &catalog_text(&found))?;
    }
    output::line(&format!("Wrote {} and {}.", paths.config_file.display(), catalog_file.display()));
    output::line("`quarterdeck doctor` checks them; `quarterdeck` opens the console.");
    Ok(Exit::Fine)
}

/// Asks until the source answers, or until the person says none.
async fn source(
    init: &Init,
    given: Option<&str>,
    kind: SourceKind,
    usual: &str,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Option<SourceConfig>> {
    loop {
        let url = answer(given, &format!("URL of {} (or none)", kind.name()), usual)?;
        if url == "none" {
            return Ok(None);
        }
        let config = SourceConfig::new(kind.name(), kind, &url);
        match probe(&config, clock.clone()).await {
            Ok(found) => {
                output::aside(&format!("  it answers in {} ({})", found.latency, found.version));
                return Ok(Some(config));
            }
            Err(sentence) if init.force => {
                output::aside(&format!("  {sentence} Written all the same."));
                return Ok(Some(config));
            }
            // What was given on the command line cannot be asked again.
            Err(sentence) if given.is_some() || !std::io::stdin().is_terminal() => {
                anyhow::bail!("{sentence} Nothing was written; --force writes it all the same")
            }
            Err(sentence) => output::aside(&format!("  {sentence} Try again, or answer none.")),
        }
    }
}

/// The given answer, else what is typed, else the usual one.
fn answer(given: Option<&str>, question: &str, usual: &str) -> anyhow::Result<String> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    let mut out = std::io::stderr().lock();
    write!(out, "{question} [{usual}]: ")?;
    out.flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let typed = line.trim();
    Ok(if typed.is_empty() { usual.to_owned() } else { typed.to_owned() })
}

/// Writes a file whole; one that exists is kept beside it.
fn write(path: &std::path::Path, text: &str) -> anyhow::Result<()> {
    if path.exists() {
        let mut kept = path.as_os_str().to_owned();
        kept.push(".bak");
        std::fs::rename(path, &kept)
            .with_context(|| format!("{} could not be kept", path.display()))?;
    }
    let fresh = path.with_extension("toml.new");
    std::fs::write(&fresh, text)
        .with_context(|| format!("{} could not be written", fresh.display()))?;
    std::fs::rename(&fresh, path)
        .with_context(|| format!("{} could not be written", path.display()))
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn config_text(name: &str, site: &str, sources: &[&SourceConfig], catalog: Option<&str>) -> String {
    let mut out = String::new();
    let _ = write!(
        out,
        "# Quarterdeck's configuration. Everything that is not written has a default; the README lists them.\n\
         version = 1\n\n# Who is at the keyboard.\nme = {}\n\n\
         [ui]\n# dark, light, contrast, colorblind, ansi16, mono, or a file of yours in themes/.\ntheme = \"dark\"\n\
         # default, emacs, arrows, or a file of yours in keymaps/.\nkeymap = \"default\"\n",
        quoted(name)
    );
    for source in sources {
        let _ = write!(
            out,
            "\n[[source]]\nname = {}\nkind = \"{}\"\nurl = {}\n# Sources of one site see the same alerts.\nsite = {}\n\
             # Credentials are never written here, only where they are kept:\n\
             # auth = {{ bearer = {{ env = \"TOKEN\" }} }}\n\
             # auth = {{ basic = {{ user = \"me\", password = {{ file = \"/run/secrets/password\" }} }} }}\n\
             # tls = {{ ca = \"/etc/ssl/own-ca.pem\" }}\n",
            quoted(source.name.as_str()),
            source.kind.name(),
            quoted(&source.url),
            quoted(site),
        );
    }
    let mut files = vec![quoted("catalog.toml")];
    files.extend(catalog.map(quoted));
    let _ = write!(
        out,
        "\n[catalog]\n# Our TOML, OpenSLO, Sloth, Pyrra and Backstage files, unchanged; patterns are allowed.\nfiles = [{}]\n",
        files.join(", ")
    );
    out
}

fn catalog_text(found: &Found) -> String {
    let mut out = String::from(
        "# Services, objectives and maintenance windows. `quarterdeck doctor` names every mistake.\n",
    );
    let mut names: Vec<String> = found.services.iter().map(ToString::to_string).collect();
    names.extend(found.slos.iter().map(|s| s.service.to_string()));
    names.sort_unstable();
    names.dedup();
    for name in names.iter().filter(|n| !n.is_empty()) {
        let _ = write!(
            out,
            "\n[[service]]\nname = {}\n# tier = 1                  # 1 is the most important\n\
             # owner = \"team\"\n# runbook = \"runbooks/this.md\"\n",
            quoted(name),
        );
    }
    for slo in &found.slos {
        let _ = write!(
            out,
            "\n# Found in Sloth's recording rules.\n[[slo]]\nname = {}\nservice = {}\nobjective = {}\nperiod = \"{}\"\n\
             error_ratio = {}\n",
            quoted(&slo.id),
            quoted(&slo.service),
            slo.objective,
            slo.period,
            quoted(&format!("slo:sli_error:ratio_rate$window{{sloth_id=\"{}\"}}", slo.id)),
        );
    }
    if found.slos.is_empty() {
        out.push_str(
            "\n# An objective of your own:\n# [[slo]]\n# name = \"checkout-availability\"\n# service = \"checkout\"\n\
             # objective = \"99.9%\"\n# period = \"30d\"\n\
             # bad = 'sum(rate(http_requests_total{service=\"checkout\",code=~\"5..\"}[$window]))'\n\
             # total = 'sum(rate(http_requests_total{service=\"checkout\"}[$window]))'\n",
        );
    }
    out
}
