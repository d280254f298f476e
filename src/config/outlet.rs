//! `[[channel]]` and `[[tracker]]` of the playbook: ways to reach people, ticket systems, and where their
//! credentials are kept.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::{Mistakes, Place};
use super::node::{Node, Table, Value};
use super::source::{address, read_basic, read_headers, read_tls, secret};
use crate::connectors::outbound::config::{
    ChannelConfig, Endpoint, Smtp, SmtpTls, TrackerConfig, TrackerKind, Way,
};
use crate::connectors::registry::Basic;
use crate::connectors::secret::SecretRef;
use crate::domain::{Audience, Channel, ChannelId, SafeText, Severity, Span, Status, TrackerId};

/// A channel as decisions and as its outlet need it, and where its fallback is named.
pub(super) struct ReadChannel {
    pub(super) channel: Channel,
    pub(super) config: ChannelConfig,
    pub(super) fallback_at: Place,
}

/// Kinds of channels; the same words as [`Way::name`].
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Smtp,
    SlackWebhook,
    Slack,
    Teams,
    Matrix,
    Webhook,
    Ntfy,
    Sms,
    Kannel,
    Vigil,
    Statuspage,
    Desktop,
    File,
}

const KINDS: [(&str, Kind); 13] = [
    ("smtp", Kind::Smtp),
    ("slack-webhook", Kind::SlackWebhook),
    ("slack", Kind::Slack),
    ("teams", Kind::Teams),
    ("matrix", Kind::Matrix),
    ("webhook", Kind::Webhook),
    ("ntfy", Kind::Ntfy),
    ("sms", Kind::Sms),
    ("kannel", Kind::Kannel),
    ("vigil", Kind::Vigil),
    ("statuspage", Kind::Statuspage),
    ("desktop", Kind::Desktop),
    ("file", Kind::File),
];

/// Reads one `[[channel]]`; `None` when it cannot be used. Paths are relative to `folder`.
pub(super) fn channel(table: Table<'_>, folder: &Path, mistakes: &Mistakes) -> Option<ReadChannel> {
    let before = mistakes.count();
    let id = table.need_text("name").map(ChannelId::new);
    table.need("kind");
    let kind = table.word("kind", &KINDS);
    let audiences = audiences(&table);
    let fallback_at = table.place("fallback");
    let fallback = table.text("fallback").map(ChannelId::new);
    let to: Vec<SafeText> = table.texts("to").iter().map(|(text, _)| SafeText::new(text)).collect();
    // A kind that is not known must not make every other key of the table unknown too.
    let way = read_way(&table, kind?, folder, mistakes);
    check_to(&table, kind?, &to, !audiences.is_empty(), mistakes);
    // What was not asked for because something before it is wrong is not unknown.
    if way.is_some() {
        table.finish();
    }
    if mistakes.count() > before {
        return None;
    }
    let (id, way) = (id?, way?);
    let channel = Channel { id: id.clone(), kind: way.name(), audiences, fallback };
    Some(ReadChannel { channel, config: ChannelConfig { id, to, way }, fallback_at })
}

fn audiences(table: &Table<'_>) -> Vec<Audience> {
    let words = Audience::ALL.iter().map(|a| (a.name(), *a)).collect::<Vec<_>>();
    table.words("audiences", &words)
}

/// Where messages go unless they name an address themselves.
fn check_to(table: &Table<'_>, kind: Kind, to: &[SafeText], told: bool, mistakes: &Mistakes) {
    let at = table.place("to");
    match kind {
        Kind::Slack | Kind::Matrix | Kind::Ntfy if to.len() != 1 => {
            mistakes.hinted(at, "`to` must name one room or topic", "write to = [\"#incidents\"]");
        }
        Kind::Smtp | Kind::Sms | Kind::Kannel if told && to.is_empty() => mistakes.hinted(
            at,
            "updates go to this channel, and `to` names nobody",
            "list addresses under `to`, or leave `audiences` out",
        ),
        Kind::Smtp => {
            for address in to.iter().filter(|a| !is_mail(a)) {
                mistakes.add(at, &format!("`{address}` is not a mail address"));
            }
        }
        Kind::SlackWebhook
        | Kind::Teams
        | Kind::Webhook
        | Kind::Vigil
        | Kind::Statuspage
        | Kind::Desktop
        | Kind::File
            if !to.is_empty() =>
        {
            mistakes.add(at, "`to` means nothing here: this kind of channel leads to one place");
        }
        _ => {}
    }
}

/// Enough to find a slip; the server knows the rest.
pub(super) fn is_mail(address: &str) -> bool {
    address.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && !host.is_empty() && !address.contains([' ', '<', '>', ','])
    })
}

fn read_way(table: &Table<'_>, kind: Kind, folder: &Path, mistakes: &Mistakes) -> Option<Way> {
    let line = |key| table.need_text(key).map(SafeText::new);
    Some(match kind {
        Kind::Smtp => Way::Smtp(read_smtp(table, mistakes)?),
        Kind::SlackWebhook => Way::SlackWebhook(hook(table, mistakes)?),
        Kind::Teams => Way::Teams(hook(table, mistakes)?),
        Kind::Webhook => Way::Webhook(hook(table, mistakes)?),
        Kind::Slack => Way::Slack(server(table, Some("https://slack.com/api"), mistakes)?),
        Kind::Matrix => Way::Matrix(server(table, None, mistakes)?),
        Kind::Ntfy => Way::Ntfy(server(table, Some("https://ntfy.sh"), mistakes)?),
        Kind::Sms => {
            let endpoint = server(table, Some("https://api.twilio.com"), mistakes);
            let from = line("from");
            let account = table.text("account").map(SafeText::new);
            let endpoint = endpoint?;
            let user = endpoint.basic.as_ref().map(|basic| SafeText::new(&basic.user));
            let Some(account) = account.or(user) else {
                mistakes.hinted(table.at, "`account` is missing", "it is the account in the path");
                return None;
            };
            Way::Sms { endpoint, account, from: from? }
        }
        Kind::Kannel => {
            let (endpoint, from) = (server(table, None, mistakes), line("from"));
            Way::Kannel { endpoint: endpoint?, from: from? }
        }
        Kind::Vigil => Way::Vigil(server(table, None, mistakes)?),
        Kind::Statuspage => {
            let endpoint = server(table, Some("https://api.statuspage.io/v1"), mistakes);
            let page = line("page");
            let components = table.texts("components").into_iter();
            let components = components.map(|(text, _)| SafeText::new(text)).collect();
            Way::Statuspage { endpoint: endpoint?, page: page?, components }
        }
        Kind::Desktop => Way::Desktop,
        Kind::File => Way::File(folder.join(table.need_text("path")?)),
    })
}

fn read_smtp(table: &Table<'_>, mistakes: &Mistakes) -> Option<Smtp> {
    let host = table.need_text("host").map(str::to_owned);
    let words =
        [("tls", SmtpTls::Wrapped), ("starttls", SmtpTls::StartTls), ("none", SmtpTls::None)];
    let tls = table.word("security", &words).unwrap_or(SmtpTls::StartTls);
    let port = table.whole("port", 1, 65_535).and_then(|port| u16::try_from(port).ok());
    let ca = table.text("ca").map(PathBuf::from);
    let from = table.need_text("from").map(SafeText::new);
    if let Some(from) = from.as_ref().filter(|from| !is_mail(from)) {
        mistakes.add(table.place("from"), &format!("`{from}` is not a mail address"));
    }
    let auth = table.table("auth").and_then(|auth| {
        let basic = auth.need("basic").and(auth.table("basic"));
        let basic = basic.and_then(|basic| read_basic(basic, mistakes));
        auth.finish();
        basic
    });
    if tls == SmtpTls::None && auth.is_some() {
        mistakes.hinted(
            table.place("security"),
            "a password must not go over an open line",
            "use security = \"starttls\" or \"tls\", or leave `auth` out",
        );
    }
    let timeout = table.span("timeout").unwrap_or(Span::from_secs(20));
    let port = port.unwrap_or(tls.port());
    Some(Smtp { host: host?, port, tls, ca, from: from?, auth, timeout })
}

/// A webhook: whoever knows its URL can post, so it may be kept elsewhere.
fn hook(table: &Table<'_>, mistakes: &Mistakes) -> Option<Endpoint> {
    let node = table.need("url")?;
    let url = match &node.value {
        Value::Text(text) => {
            let url = url::Url::parse(text).ok();
            let fits = |url: &url::Url| {
                matches!(url.scheme(), "http" | "https")
                    && url.has_host()
                    && url.username().is_empty()
                    && url.password().is_none()
            };
            if !url.as_ref().is_some_and(fits) {
                mistakes.hinted(
                    node.at,
                    "`url` is not a URL that can be posted to",
                    "write https://…, without credentials, or say where it is kept",
                );
                return None;
            }
            SecretRef::Given(text.clone())
        }
        _ => secret(node, "url", mistakes)?,
    };
    endpoint(table, url, mistakes)
}

/// A server with a base URL.
pub(super) fn server(
    table: &Table<'_>,
    usual: Option<&str>,
    mistakes: &Mistakes,
) -> Option<Endpoint> {
    let url = match (table.text("url"), usual) {
        (Some(text), _) => address(text, table, mistakes)?.to_string(),
        (None, Some(usual)) => usual.to_owned(),
        (None, None) => table.need_text("url")?.to_owned(),
    };
    endpoint(table, SecretRef::Given(url), mistakes)
}

fn endpoint(table: &Table<'_>, url: SecretRef, mistakes: &Mistakes) -> Option<Endpoint> {
    let before = mistakes.count();
    let (basic, token) = match table.table("auth") {
        Some(auth) => read_auth(auth, mistakes),
        None => (None, None),
    };
    let tls = table.table("tls").map(|t| read_tls(t, mistakes)).unwrap_or_default();
    let headers = table.table("headers").map(|t| read_headers(&t, mistakes)).unwrap_or_default();
    let proxy = table.text("proxy").map(str::to_owned);
    let timeout = table.span("timeout").unwrap_or(Span::from_secs(10));
    let session = false;
    let read = Endpoint { url, basic, token, tls, headers, proxy, timeout, session };
    (mistakes.count() == before).then_some(read)
}

fn read_auth(table: Table<'_>, mistakes: &Mistakes) -> (Option<Basic>, Option<SecretRef>) {
    let basic = table.table("basic").and_then(|basic| read_basic(basic, mistakes));
    let token = table.get("token").and_then(|node| secret(node, "token", mistakes));
    let given = (table.get("basic").is_some(), table.get("token").is_some());
    if given.0 == given.1 {
        let at = table.at;
        mistakes.hinted(
            at,
            "`auth` must have either `basic` or `token`",
            "a token is sent as the server wants it",
        );
    }
    table.finish();
    (basic, token)
}

/// Reads one `[[tracker]]`; `None` when it cannot be used.
pub(super) fn tracker(table: Table<'_>, mistakes: &Mistakes) -> Option<TrackerConfig> {
    let before = mistakes.count();
    let id = table.need_text("name").map(TrackerId::new);
    table.need("kind");
    let kind = table.word("kind", &TrackerKind::ALL.map(|kind| (kind.name(), kind)))?;
    let usual = match kind {
        TrackerKind::Github => Some("https://api.github.com"),
        TrackerKind::Gitlab => Some("https://gitlab.com"),
        TrackerKind::Pagerduty => Some("https://api.pagerduty.com"),
        _ => None,
    };
    let endpoint = server(&table, usual, mistakes);
    let line = |key| SafeText::new(table.text(key).unwrap_or(""));
    let (project, ticket_type, from) = (line("project"), line("type"), line("from"));
    if project.is_empty() && kind != TrackerKind::Roundup {
        let what = match kind {
            TrackerKind::Github => "write project = \"owner/repository\"",
            TrackerKind::Pagerduty => "name the service's id",
            TrackerKind::Rt => "name the queue",
            TrackerKind::Jira => {
                "name the project's key, as it stands before the number of its issues"
            }
            _ => "name the project's key or path",
        };
        mistakes.hinted(table.at, "`project` is missing, so tickets have nowhere to go", what);
    }
    if kind == TrackerKind::Pagerduty && from.is_empty() {
        let hint = "name the mail address of a user there";
        mistakes.hinted(table.at, "`from` is missing, and PagerDuty asks who acts", hint);
    }
    let labels = table.texts("labels").iter().map(|(text, _)| SafeText::new(text)).collect();
    let states = table.table("states").map(|t| read_words(&t, mistakes, "status", status));
    let priorities =
        table.table("priorities").map(|t| read_words(&t, mistakes, "severity", severity));
    let interval = table.span("interval").unwrap_or(Span::from_secs(60));
    if interval < Span::from_secs(10) {
        let at = table.place("interval");
        mistakes.hinted(at, "`interval` is shorter than 10s", "trackers limit how often one asks");
    }
    if endpoint.is_some() {
        table.finish();
    }
    if mistakes.count() > before {
        return None;
    }
    Some(TrackerConfig {
        id: id?,
        kind,
        endpoint: endpoint?,
        project,
        ticket_type,
        from,
        labels,
        states: states.unwrap_or_default(),
        priorities: priorities.unwrap_or_default(),
        interval,
    })
}

fn status(name: &str) -> Option<Status> {
    Status::named(name)
}

fn severity(name: &str) -> Option<Severity> {
    name.parse().ok()
}

/// A table from our words to the tracker's.
fn read_words<K: Ord>(
    table: &Table<'_>,
    mistakes: &Mistakes,
    kind: &str,
    read: fn(&str) -> Option<K>,
) -> BTreeMap<K, SafeText> {
    let mut words = BTreeMap::new();
    for (name, at, node) in table.entries() {
        let known: Vec<String> = match kind {
            "status" => Status::ALL.iter().map(|s| s.name().to_owned()).collect(),
            _ => Severity::ALL.iter().map(ToString::to_string).collect(),
        };
        match (read(name), node) {
            (Some(key), Node { value: Value::Text(text), .. }) => {
                words.insert(key, SafeText::new(text));
            }
            (Some(_), node) => mistakes.add(node.at, &format!("`{name}` must be text")),
            (None, _) => mistakes.unknown(at, kind, name, known.iter().map(String::as_str)),
        }
    }
    words
}
