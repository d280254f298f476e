//! The files `quarterdeck init` writes: what was answered and found, with an example of every other
//! setting.
//!
//! `# ` begins an explanation, `#` alone an example: taking it away must give a file that loads. Lines
//! after `#[` belong to that example. A test takes each away.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::connectors::discover::{Found, FoundSlo};
use crate::connectors::registry::SourceConfig;
use crate::domain::{Catalog, SourceKind};

/// What `config.toml` is made of.
pub(super) struct Answers<'a> {
    pub(super) name: &'a str,
    pub(super) site: &'a str,
    pub(super) sources: &'a [SourceConfig],
    /// Catalog files there were already.
    pub(super) catalog: Option<&'a str>,
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// `config.toml`.
pub(super) fn config(answers: &Answers<'_>) -> String {
    let mut out = String::new();
    let _ = write!(
        out,
        "# Quarterdeck's configuration, written by `quarterdeck init`.\n\
         #\n\
         # What follows a # and a space explains. What follows a # directly is an example with the usual\n\
         # value, or with a name of your own to fill in: take the # away to use it.\n\
         # `quarterdeck doctor` names every mistake with its line.\n\
         version = 1\n\n\
         # Who is at the keyboard: notes and acknowledgements carry this name.\n\
         me = {}\n\n\
         [ui]\n\
         # dark, light, contrast, colorblind, ansi16, mono, or a file of yours in themes/.\n\
         theme = \"dark\"\n\
         # default, emacs, arrows, or a file of yours in keymaps/.\n\
         keymap = \"default\"\n\
         # utc or local.\n\
         #clock = \"utc\"\n\
         # Only ASCII characters, for fonts that lack the others.\n\
         #ascii = false\n\
         # Labels alerts are grouped by, besides the site.\n\
         #group_by = [\"alertname\", \"service\"]\n",
        quoted(answers.name)
    );
    for (at, source) in answers.sources.iter().enumerate() {
        write_source(&mut out, source, answers.site, at == 0);
    }
    for (kind, url) in [
        (SourceKind::Prometheus, "http://localhost:9090"),
        (SourceKind::Alertmanager, "http://localhost:9093"),
    ] {
        if !answers.sources.iter().any(|s| s.kind == kind) {
            let name = kind.name();
            let _ = write!(
                out,
                "\n# There is no {name} yet.\n#[[source]]\n#name = \"{name}\"\n#kind = \"{name}\"\n\
                 #url = \"{url}\"\n#site = {}\n",
                quoted(answers.site)
            );
        }
    }
    let mut files = vec![quoted("catalog.toml")];
    files.extend(answers.catalog.map(quoted));
    let _ = write!(
        out,
        "\n[catalog]\n\
         # Our TOML, OpenSLO, Sloth, Pyrra and Backstage files, unchanged; slo/*.yaml stands for many.\n\
         files = [{}]\n{POLICIES}",
        files.join(", ")
    );
    out
}

fn write_source(out: &mut String, source: &SourceConfig, site: &str, first: bool) {
    let interval = if source.kind == SourceKind::Alertmanager { "5s" } else { "15s" };
    let _ = write!(
        out,
        "\n[[source]]\nname = {}\nkind = \"{}\"\nurl = {}\n# Sources of one site see the same alerts.\nsite = {}\n\
         # How often it is asked, and how long it has for an answer.\n#interval = \"{interval}\"\n#timeout = \"10s\"\n",
        quoted(source.name.as_str()),
        source.kind.name(),
        quoted(&source.url),
        quoted(site),
    );
    if first {
        out.push_str(
            "# A secret never stands in this file, only where it is kept: { env = \"NAME\" }, { file = \"/path\" },\n\
             # { command = [\"program\", \"argument\"] } or { keyring = \"name\" }.\n",
        );
    }
    out.push_str(
        "#auth = { bearer = { env = \"TOKEN\" } }\n\
         #auth = { basic = { user = \"me\", password = { file = \"/run/secrets/password\" } } }\n\
         # PEM files: an authority of your own; a certificate that says who you are.\n\
         #tls = { ca = \"/etc/ssl/own-ca.pem\" }\n\
         #tls = { cert = \"/etc/ssl/me.pem\", key = \"/etc/ssl/me.key\" }\n\
         #headers = { X-Scope-OrgID = \"tenant\" }\n\
         #proxy = \"http://proxy.example:3128\"\n",
    );
}

const POLICIES: &str = r#"
[silence]
# How long a silence lasts unless said otherwise.
#duration = "2h"
# A silence that hits more alerts than this, or a larger share of all, asks twice.
#max_alerts = 50
#max_share = 0.5

# Severity comes from impact and urgency. The first rule that matches decides; without one, impact comes
# from the service's tier (1 high, 2 medium, others low) and urgency from the label `severity`.
#[severity]
#impact = [{ match = ['namespace="payments"'], level = "high" }]
#urgency = [{ match = 'severity=~"page|critical"', level = "high" }]

# For each impact: the severity for urgency high, medium, low.
#[severity.matrix]
#high = ["SEV-1", "SEV-2", "SEV-3"]
#medium = ["SEV-2", "SEV-3", "SEV-4"]
#low = ["SEV-3", "SEV-4", "SEV-5"]

[record]
# Most MiB of one recording.
#max_size_mib = 1024
"#;

/// What is to be said of a service, from the labels of its rules.
#[derive(Default)]
struct Entry<'a> {
    owner: &'a str,
    tier: Option<u8>,
}

/// `catalog.toml`: what was found, without what other files declare already.
pub(super) fn catalog(found: &Found, declared: &Catalog) -> String {
    let slos: Vec<&FoundSlo> = found
        .slos
        .iter()
        .filter(|s| !declared.slos.keys().any(|id| *id.as_str() == *s.id))
        .collect();
    let mut services: BTreeMap<&str, Entry<'_>> =
        found.services.iter().map(|name| (&**name, Entry::default())).collect();
    for slo in &slos {
        let entry = services.entry(&slo.service).or_default();
        if !slo.owner.is_empty() {
            entry.owner = &slo.owner;
        }
        entry.tier = entry.tier.or(slo.tier);
    }
    services.retain(|name, _| {
        !name.is_empty() && !declared.services.keys().any(|id| id.as_str() == *name)
    });
    let mut out = String::from(
        "# Services, objectives and maintenance windows, written by `quarterdeck init`.\n\
         #\n\
         # What follows a # and a space explains. What follows a # directly is an example to fill in: take\n\
         # the # away to use it. `quarterdeck doctor` names every mistake with its line.\n\
         version = 1\n",
    );
    for (at, (name, entry)) in services.iter().enumerate() {
        write_service(&mut out, name, entry, at == 0);
    }
    for slo in &slos {
        let ratio = format!("slo:sli_error:ratio_rate$window{{sloth_id=\"{}\"}}", slo.id);
        let _ = write!(
            out,
            "\n# Found in Sloth's recording rules, and read from them.\n[[slo]]\nname = {}\nservice = {}\n\
             objective = \"{}%\"\nperiod = \"{}\"\nerror_ratio = {}\n",
            quoted(&slo.id),
            quoted(&slo.service),
            // Away from the binary fraction: 99.9, not 99.90000000000001.
            (slo.objective * 1e9).round() / 1e7,
            slo.period,
            quoted(&ratio),
        );
    }
    let known = services.keys().next().copied();
    let known = known.or_else(|| declared.services.keys().next().map(|id| id.as_str()));
    write_examples(&mut out, known);
    out
}

fn write_service(out: &mut String, name: &str, entry: &Entry<'_>, first: bool) {
    let _ = write!(out, "\n[[service]]\nname = {}\n", quoted(name));
    if first {
        out.push_str("# 1 is the most important; impact follows from it.\n");
    }
    match entry.tier {
        Some(tier) => {
            let _ = writeln!(out, "tier = {tier}");
        }
        None => out.push_str("#tier = 1\n"),
    }
    if first {
        out.push_str("# Who answers for it, how to reach them, what to do when it breaks (a link, or a file beside this).\n");
    }
    if entry.owner.is_empty() {
        out.push_str("#owner = \"team\"\n");
    } else {
        let _ = writeln!(out, "owner = {}", quoted(entry.owner));
    }
    out.push_str("#contact = \"#channel\"\n#runbook = \"https://wiki.example/runbook\"\n");
    if first {
        let label = quoted(name);
        let label = label.trim_matches(['"', '\'']);
        let _ = write!(
            out,
            "# Charts around this service.\n\
             #[service.signals]\n\
             #traffic = 'sum(rate(http_requests_total{{service=\"{label}\"}}[5m]))'\n\
             #errors = 'sum(rate(http_requests_total{{service=\"{label}\",code=~\"5..\"}}[5m])) / sum(rate(http_requests_total{{service=\"{label}\"}}[5m]))'\n\
             #latency = 'histogram_quantile(0.99, sum by (le)(rate(http_request_duration_seconds_bucket{{service=\"{label}\"}}[5m])))'\n\
             #saturation = 'max(connections_in_use{{service=\"{label}\"}} / connections_max{{service=\"{label}\"}})'\n",
        );
    }
}

/// Examples of what was not found, for a service there is or one of the example's own.
fn write_examples(out: &mut String, known: Option<&str>) {
    let service = quoted(known.unwrap_or("checkout"));
    out.push_str("\n# An objective of your own; $window stands where the range goes.\n");
    if known.is_none() {
        out.push_str("#[[service]]\n#name = \"checkout\"\n");
    }
    let _ = write!(
        out,
        "#[[slo]]\n#name = \"example-availability\"\n#service = {service}\n#objective = \"99.9%\"\n#period = \"30d\"\n\
         #bad = 'sum(rate(http_requests_total{{job=\"web\",code=~\"5..\"}}[$window]))'\n\
         #total = 'sum(rate(http_requests_total{{job=\"web\"}}[$window]))'\n\
         \n# Planned work, in local time; alerts it matches can be muted with one key.\n\
         #[[maintenance]]\n#name = \"database\"\n#comment = \"Weekly vacuum\"\n#match = ['service=\"database\"']\n\
         #start = \"2026-11-29T02:00:00\"\n#zone = \"Europe/Berlin\"\n#duration = \"1h30m\"\n#rrule = \"FREQ=WEEKLY;BYDAY=SU\"\n"
    );
}

#[cfg(test)]
mod tests;
