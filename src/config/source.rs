//! `[[source]]`: an outside system to ask, how to reach it and where its credentials are kept.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::error::Mistakes;
use super::node::{Node, Table, Value};
use crate::connectors::changes::{ChangesFrom, Metric, Place, Subject};
use crate::connectors::pagerduty::Rota;
use crate::connectors::registry::{Basic, SourceConfig, Tls};
use crate::connectors::secret::SecretRef;
use crate::domain::{ChangeKind, ServiceId, SiteId, SourceId, SourceKind, Span, TeamId};

/// Who we are to a source.
enum Auth {
    Basic(Basic),
    Bearer(SecretRef),
}

/// Answers larger than this could fill the memory of a small machine.
const LARGEST_BODY: i64 = 1024;

/// Reads one `[[source]]`; `None` when it cannot be used.
pub(super) fn read(table: Table<'_>, mistakes: &Mistakes) -> Option<SourceConfig> {
    let before = mistakes.count();
    let name = table.need_text("name");
    let kinds = SourceKind::ALL.map(|k| (k.name(), k));
    table.need("kind");
    let kind = table.word("kind", &kinds);
    let here = kind.is_some_and(SourceKind::is_local);
    let url = if here {
        Some(String::new())
    } else {
        let schemes = kind.map_or(WEB, SourceKind::schemes);
        let url = table.need_text("url").and_then(|text| reach(text, schemes, &table, mistakes));
        url.map(|url| url.to_string())
    };
    let tells = kind.is_some_and(SourceKind::tells_changes);
    let changes = if tells { Some(read_changes(&table, kind, mistakes)) } else { None };
    let teams = if kind == Some(SourceKind::Pagerduty) {
        read_teams(&table, mistakes)
    } else {
        BTreeMap::new()
    };
    let site = table.text("site").or(name).map(SiteId::new);
    let usual = match kind {
        Some(SourceKind::Alertmanager) => Span::from_secs(5),
        // Links of traces are computed now and then; a supplier's page is a stranger's server.
        Some(SourceKind::Jaeger | SourceKind::Statuspage) => Span::from_secs(60),
        // They count how often they are asked.
        Some(SourceKind::Github | SourceKind::Gitlab) => Span::from_secs(60),
        Some(SourceKind::Git | SourceKind::Versions | SourceKind::Unleash) => Span::from_secs(30),
        // A plan of a week changes now and then.
        Some(SourceKind::Pagerduty) => Span::from_mins(5),
        _ => Span::from_secs(15),
    };
    let interval = table.span("interval").unwrap_or(usual);
    if interval < Span::from_secs(1) {
        let at = table.place("interval");
        mistakes.hinted(at, "`interval` is shorter than a second", "5s is often enough");
    }
    let timeout = table.span("timeout").unwrap_or(Span::from_secs(10));
    let limit = table.whole("limit", 1, 64).unwrap_or(4);
    let max_body = table.whole("max_body_mib", 1, LARGEST_BODY).unwrap_or(64);
    // What is on this machine needs no credentials; a setting that does nothing is a mistake.
    let auth = if here { None } else { table.table("auth") };
    let auth = auth.and_then(|t| read_auth(t, mistakes));
    let tls = table.table("tls").map(|t| read_tls(t, mistakes)).unwrap_or_default();
    let headers = table.table("headers").map(|t| read_headers(&t, mistakes)).unwrap_or_default();
    let proxy = table.text("proxy").map(str::to_owned);
    table.finish();
    let (basic, bearer) = match auth {
        Some(Auth::Basic(basic)) => (Some(basic), None),
        Some(Auth::Bearer(token)) => (None, Some(token)),
        None => (None, None),
    };
    let config = SourceConfig {
        name: SourceId::new(name?),
        kind: kind?,
        url: url?,
        site: site?,
        interval,
        timeout,
        limit: u16::try_from(limit).unwrap_or(4),
        max_body: usize::try_from(max_body).unwrap_or(64) << 20,
        basic,
        bearer,
        tls,
        headers,
        proxy,
        teams,
        changes: changes.map_or(Some(None), |from| from.map(Some))?,
    };
    (mistakes.count() == before).then_some(config)
}

/// Reads where changes are, and how they are mapped to services.
fn read_changes(
    table: &Table<'_>,
    kind: Option<SourceKind>,
    mistakes: &Mistakes,
) -> Option<ChangesFrom> {
    let place = read_place(table, kind?, mistakes);
    let service = table.text("service").map(ServiceId::new);
    let mut services = Vec::new();
    for (begin, at, node) in table.table("services").iter().flat_map(Table::entries) {
        match &node.value {
            Value::Text(name) if !begin.is_empty() && !name.is_empty() => {
                services.push((begin.to_owned(), ServiceId::new(name)));
            }
            _ => mistakes.add(
                at,
                "`services` maps the beginning of a tag, path or environment to a service",
            ),
        }
    }
    let tags = if kind == Some(SourceKind::Git) {
        table.word("tags", &[("merge", ChangeKind::Merge), ("deploy", ChangeKind::Deploy)])
    } else {
        None
    };
    Some(ChangesFrom { place: place?, service, services, tags: tags.unwrap_or(ChangeKind::Merge) })
}

fn read_place(table: &Table<'_>, kind: SourceKind, mistakes: &Mistakes) -> Option<Place> {
    if kind.is_local() {
        let path = table.need_text("path").map(PathBuf::from);
        if path.as_ref().is_some_and(|path| !path.is_absolute()) {
            let message = "`path` must begin with /";
            mistakes.hinted(table.place("path"), message, "the console may be started anywhere");
        }
        return path.map(Place::Path);
    }
    if kind == SourceKind::Versions {
        return read_metric(table, mistakes).map(Place::Metric);
    }
    if kind == SourceKind::Nats {
        return read_subject(table, mistakes).map(Place::Subject);
    }
    let environments = table.texts("environments");
    let environments = environments.into_iter().map(|(name, _)| name.to_owned()).collect();
    let name = match kind {
        // It tells of all its projects.
        SourceKind::Unleash => Some(table.text("project").unwrap_or_default()),
        _ => table.need_text("project"),
    };
    name.map(|name| Place::Project { name: name.to_owned(), environments })
}

fn read_metric(table: &Table<'_>, mistakes: &Mistakes) -> Option<Metric> {
    let selector = table.need_text("metric").map(str::to_owned);
    let label = |key, usual: &str| {
        let name = table.text(key).unwrap_or(usual);
        let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
        if !name.starts_with(letter) || !name.chars().all(|c| letter(c) || c.is_ascii_digit()) {
            mistakes.add(table.place(key), &format!("`{key}` must be the name of a label"));
        }
        name.to_owned()
    };
    let (version, service) = (label("version_label", "version"), label("service_label", "service"));
    let range = read_range(table, mistakes);
    Some(Metric { selector: selector?, version, service, range })
}

fn read_subject(table: &Table<'_>, mistakes: &Mistakes) -> Option<Subject> {
    let word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic());
    let name = table.need_text("subject");
    if name.is_some_and(|name| !word(name)) {
        mistakes.add(table.place("subject"), "`subject` must be one word, such as ops.changes");
    }
    let stream = table.text("stream").map(str::to_owned);
    if stream.as_ref().is_some_and(|stream| !word(stream) || stream.contains(['.', '*', '>'])) {
        mistakes
            .add(table.place("stream"), "`stream` must be the name of a stream, such as CHANGES");
    }
    let range = read_range(table, mistakes);
    Some(Subject { name: name?.to_owned(), stream, range })
}

fn read_range(table: &Table<'_>, mistakes: &Mistakes) -> Span {
    let range = table.span("range").unwrap_or(Span::from_hours(12));
    if !(Span::from_mins(10)..=Span::from_days(30)).contains(&range) {
        let hint = "12h shows what was deployed today";
        mistakes.hinted(table.place("range"), "`range` must be between 10m and 30d", hint);
    }
    range
}

/// Reads which escalation policy or schedule says who is on call in each team.
fn read_teams(table: &Table<'_>, mistakes: &Mistakes) -> BTreeMap<TeamId, Rota> {
    let mut teams = BTreeMap::new();
    table.need("teams");
    for (team, at, node) in table.table("teams").iter().flat_map(Table::entries) {
        let Some(of) = Table::of(node, team, mistakes) else { continue };
        let rota = match (of.text("policy"), of.text("schedule")) {
            (Some(id), None) if !id.is_empty() => Rota::Policy(id.to_owned()),
            (None, Some(id)) if !id.is_empty() => Rota::Schedule(id.to_owned()),
            _ => {
                let how = "write { policy = \"PT20YPA\" } or { schedule = \"PI7DH85\" }";
                mistakes.hinted(at, &format!("`{team}` must name a policy or a schedule"), how);
                of.finish();
                continue;
            }
        };
        of.finish();
        teams.insert(TeamId::new(team), rota);
    }
    teams
}

const WEB: &[&str] = &["http", "https"];

/// Reads a base URL of a web server.
pub(super) fn address(text: &str, table: &Table<'_>, mistakes: &Mistakes) -> Option<url::Url> {
    reach(text, WEB, table, mistakes)
}

/// Reads a base URL that begins with one of these.
fn reach(text: &str, schemes: &[&str], table: &Table<'_>, mistakes: &Mistakes) -> Option<url::Url> {
    let at = table.place("url");
    // The text itself may hold a password, so no complaint repeats it.
    let Ok(url) = url::Url::parse(text) else {
        mistakes.hinted(at, "`url` is not a URL", "write for example \"http://prometheus:9090\"");
        return None;
    };
    if !schemes.contains(&url.scheme()) || !url.has_host() {
        let schemes = schemes.join(":// or ");
        mistakes.add(at, &format!("`url` must begin with {schemes}:// and name a host"));
        return None;
    }
    if !url.username().is_empty() || url.password().is_some() {
        mistakes.hinted(at, "`url` must not hold credentials", "put them under `auth`");
        return None;
    }
    if url.query().is_some() || url.fragment().is_some() {
        mistakes.add(at, "`url` must not have a query or fragment");
        return None;
    }
    Some(url)
}

fn read_auth(table: Table<'_>, mistakes: &Mistakes) -> Option<Auth> {
    let basic = table.table("basic").and_then(|t| read_basic(t, mistakes)).map(Auth::Basic);
    let bearer = table.get("bearer").and_then(|n| secret(n, "bearer", mistakes)).map(Auth::Bearer);
    if table.get("basic").is_some() && table.get("bearer").is_some() {
        mistakes.add(table.at, "`auth` must have either `basic` or `bearer`, not both");
    } else if table.get("basic").is_none() && table.get("bearer").is_none() {
        mistakes.hinted(table.at, "`auth` says nothing", "give it `basic` or `bearer`");
    }
    table.finish();
    basic.or(bearer)
}

/// User name and password.
pub(super) fn read_basic(table: Table<'_>, mistakes: &Mistakes) -> Option<Basic> {
    let user = table.need_text("user").map(str::to_owned);
    let password = table.need("password").and_then(|n| secret(n, "password", mistakes));
    table.finish();
    Some(Basic { user: user?, password: password? })
}

/// Reads where a secret is kept. Whatever is wrong, its text is never repeated.
pub(super) fn secret(node: &Node, key: &str, mistakes: &Mistakes) -> Option<SecretRef> {
    const HOW: &str = "write { env = \"NAME\" }, { file = \"/path\" }, { command = [\"program\"] } \
                       or { keyring = \"name\" }";
    if !matches!(node.value, Value::Map(_)) {
        let message = format!("`{key}` must say where the secret is kept, not be the secret");
        mistakes.hinted(node.at, &message, HOW);
        return None;
    }
    let table = Table::of(node, key, mistakes)?;
    let words = table.get("command").is_some().then(|| {
        table.texts("command").into_iter().map(|(word, _)| word.to_owned()).collect::<Vec<_>>()
    });
    let found = [
        table.text("env").map(|name| SecretRef::Env(name.to_owned())),
        table.text("file").map(|path| SecretRef::File(PathBuf::from(path))),
        words.filter(|w| !w.is_empty()).map(SecretRef::Command),
        table.text("keyring").map(keyring),
    ];
    let mut found = found.into_iter().flatten();
    let first = found.next();
    if first.is_none() || found.next().is_some() {
        mistakes.hinted(node.at, &format!("`{key}` must name exactly one place"), HOW);
    }
    table.finish();
    first
}

/// `service` or `service/user`.
fn keyring(name: &str) -> SecretRef {
    let (service, user) = name.split_once('/').unwrap_or((name, ""));
    SecretRef::Keyring { service: service.to_owned(), user: user.to_owned() }
}

pub(super) fn read_tls(table: Table<'_>, mistakes: &Mistakes) -> Tls {
    let path = |key| table.text(key).map(PathBuf::from);
    let tls = Tls { ca: path("ca"), cert: path("cert"), key: path("key") };
    if tls.cert.is_some() != tls.key.is_some() {
        mistakes.add(table.at, "`tls` needs `cert` and `key` together");
    }
    table.finish();
    tls
}

pub(super) fn read_headers(table: &Table<'_>, mistakes: &Mistakes) -> BTreeMap<String, SecretRef> {
    let mut headers = BTreeMap::new();
    for (name, at, node) in table.entries() {
        let token = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || !name.chars().all(token) {
            mistakes.add(at, &format!("`{name}` cannot be the name of a header"));
            continue;
        }
        let value = match &node.value {
            Value::Text(text) if text.chars().any(|c| c.is_ascii_control() || !c.is_ascii()) => {
                mistakes.add(node.at, &format!("the value of `{name}` must be plain ASCII"));
                continue;
            }
            Value::Text(text) => Some(SecretRef::Given(text.clone())),
            _ => secret(node, name, mistakes),
        };
        headers.extend(value.map(|v| (name.to_owned(), v)));
    }
    headers
}
