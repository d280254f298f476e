//! Channels and trackers as they are configured: `[[channel]]` and `[[tracker]]` of the playbook.
//!
//! Read and checked by `config::outlet`; outlets are made of these. No secret stands in them, only where it
//! is kept. The URL of a webhook is such a secret: whoever knows it can post.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::connectors::Clock;
use crate::connectors::http::{Auth, Live, LiveConfig, TlsFiles, address};
use crate::connectors::registry::{Basic, Tls};
use crate::connectors::secret::SecretRef;
use crate::domain::{ChannelId, SafeText, Severity, Span, Status, TrackerId};

/// Most bytes of an answer of an outlet: receipts and tickets, never data.
const MOST_BODY: usize = 4 << 20;

/// A way to reach people.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelConfig {
    /// Its name.
    pub id: ChannelId,
    /// Where a message goes that names no address: mail addresses, numbers, or the one room or topic.
    pub to: Vec<SafeText>,
    /// How it is spoken to.
    pub way: Way,
}

/// How a channel is spoken to.
#[derive(Debug, Clone, PartialEq)]
pub enum Way {
    /// Mail.
    Smtp(Smtp),
    /// Slack's incoming webhook.
    SlackWebhook(Endpoint),
    /// Slack's Web API; the base ends before the method (`https://slack.com/api`).
    Slack(Endpoint),
    /// Microsoft Teams' workflow webhook.
    Teams(Endpoint),
    /// A Matrix home server.
    Matrix(Endpoint),
    /// JSON to any address.
    Webhook(Endpoint),
    /// Push by ntfy.
    Ntfy(Endpoint),
    /// Short messages by Twilio, or what speaks its API.
    Sms {
        /// The base ends before `/2010-04-01`.
        endpoint: Endpoint,
        /// Account in the path.
        account: SafeText,
        /// Sender's number.
        from: SafeText,
    },
    /// Short messages by Kannel, a gateway of one's own; the base ends before `/cgi-bin`.
    Kannel {
        /// Where its smsbox listens.
        endpoint: Endpoint,
        /// Sender's number.
        from: SafeText,
    },
    /// A Vigil status page of one's own: announcements.
    Vigil(Endpoint),
    /// Statuspage's manage API; the base ends with `/v1`.
    Statuspage {
        /// Where.
        endpoint: Endpoint,
        /// Which page.
        page: SafeText,
        /// Components an incident touches.
        components: Vec<SafeText>,
    },
    /// A notification on this desktop.
    Desktop,
    /// Lines appended to a file.
    File(PathBuf),
}

impl Way {
    /// As written in the configuration.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Smtp(_) => "smtp",
            Self::SlackWebhook(_) => "slack-webhook",
            Self::Slack(_) => "slack",
            Self::Teams(_) => "teams",
            Self::Matrix(_) => "matrix",
            Self::Webhook(_) => "webhook",
            Self::Ntfy(_) => "ntfy",
            Self::Sms { .. } => "sms",
            Self::Kannel { .. } => "kannel",
            Self::Vigil(_) => "vigil",
            Self::Statuspage { .. } => "statuspage",
            Self::Desktop => "desktop",
            Self::File(_) => "file",
        }
    }

    /// The server behind it, if it speaks HTTP.
    pub const fn endpoint(&self) -> Option<&Endpoint> {
        match self {
            Self::Smtp(_) | Self::Desktop | Self::File(_) => None,
            Self::SlackWebhook(endpoint)
            | Self::Slack(endpoint)
            | Self::Teams(endpoint)
            | Self::Matrix(endpoint)
            | Self::Webhook(endpoint)
            | Self::Ntfy(endpoint)
            | Self::Vigil(endpoint)
            | Self::Sms { endpoint, .. }
            | Self::Kannel { endpoint, .. }
            | Self::Statuspage { endpoint, .. } => Some(endpoint),
        }
    }
}

impl ChannelConfig {
    /// Where each credential is kept.
    pub fn credentials(&self) -> Vec<&SecretRef> {
        match &self.way {
            Way::Smtp(smtp) => smtp.auth.iter().map(|basic| &basic.password).collect(),
            way => way.endpoint().map(Endpoint::credentials).unwrap_or_default(),
        }
    }

    /// How a token is sent to this kind of server.
    pub const fn scheme(&self) -> Scheme {
        match self.way {
            Way::Statuspage { .. } => Scheme { header: "authorization", before: "OAuth " },
            _ => Scheme::BEARER,
        }
    }
}

/// A mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Smtp {
    /// Host.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How the line is protected.
    pub tls: SmtpTls,
    /// Authorities trusted instead of the system's, a PEM file.
    pub ca: Option<PathBuf>,
    /// Sender.
    pub from: SafeText,
    /// Who we are to the server.
    pub auth: Option<Basic>,
    /// Deadline of one delivery to the server.
    pub timeout: Span,
}

/// How the line to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// From the first byte; usually port 465.
    Wrapped,
    /// After a greeting in the clear, and required; usually port 587.
    StartTls,
    /// Not at all.
    None,
}

impl SmtpTls {
    /// The usual port.
    pub const fn port(self) -> u16 {
        match self {
            Self::Wrapped => 465,
            Self::StartTls => 587,
            Self::None => 25,
        }
    }
}

/// A ticket system.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackerConfig {
    /// Its name.
    pub id: TrackerId,
    /// Which API it speaks.
    pub kind: TrackerKind,
    /// Where.
    pub endpoint: Endpoint,
    /// Where new tickets go: `owner/repository`, project, service or queue. Empty where there is but one.
    pub project: SafeText,
    /// Jira's issue type, Redmine's tracker; empty is the server's first.
    pub ticket_type: SafeText,
    /// Who acts, where the API asks for it (PagerDuty's `From`).
    pub from: SafeText,
    /// Labels of new tickets.
    pub labels: Vec<SafeText>,
    /// The tracker's own words for where an incident is, where ours do not fit.
    pub states: BTreeMap<Status, SafeText>,
    /// The tracker's own words for how bad it is.
    pub priorities: BTreeMap<Severity, SafeText>,
    /// How often tickets are looked at for changes made there.
    pub interval: Span,
}

/// Which API a tracker speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrackerKind {
    /// GitHub issues; the base is `https://api.github.com`.
    Github,
    /// GitLab issues; the base ends before `/api/v4`.
    Gitlab,
    /// Jira Cloud; the base ends before `/rest`.
    Jira,
    /// PagerDuty incidents; the base is `https://api.pagerduty.com`.
    Pagerduty,
    /// Redmine.
    Redmine,
    /// Roundup; the base ends before `/rest`.
    Roundup,
    /// Request Tracker 5; the base ends before `/REST/2.0`.
    Rt,
}

impl TrackerKind {
    /// All.
    pub const ALL: [Self; 7] = [
        Self::Github,
        Self::Gitlab,
        Self::Jira,
        Self::Pagerduty,
        Self::Redmine,
        Self::Roundup,
        Self::Rt,
    ];

    /// As written in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Jira => "jira",
            Self::Pagerduty => "pagerduty",
            Self::Redmine => "redmine",
            Self::Roundup => "roundup",
            Self::Rt => "rt",
        }
    }

    /// How a token is sent to it.
    pub const fn scheme(self) -> Scheme {
        match self {
            Self::Pagerduty => Scheme { header: "authorization", before: "Token token=" },
            Self::Redmine => Scheme { header: "x-redmine-api-key", before: "" },
            Self::Rt => Scheme { header: "authorization", before: "token " },
            Self::Github | Self::Gitlab | Self::Jira | Self::Roundup => Scheme::BEARER,
        }
    }
}

/// How a token is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheme {
    /// The header.
    pub header: &'static str,
    /// What stands before the token.
    pub before: &'static str,
}

impl Scheme {
    /// RFC 6750.
    pub const BEARER: Self = Self { header: "authorization", before: "Bearer " };
}

/// A server that is spoken to over HTTP.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// Base URL, or for a webhook the whole. [`SecretRef::Given`] when it is no secret.
    pub url: SecretRef,
    /// User name and password.
    pub basic: Option<Basic>,
    /// Token, sent as the kind of server wants it.
    pub token: Option<SecretRef>,
    /// Own authority, client certificate.
    pub tls: Tls,
    /// Further headers.
    pub headers: BTreeMap<String, SecretRef>,
    /// Proxy; the environment's is not used.
    pub proxy: Option<String>,
    /// Deadline of one exchange.
    pub timeout: Span,
    /// Whether cookies are kept, for servers that want a session.
    pub session: bool,
}

impl Endpoint {
    /// A server with every other setting at its default.
    pub fn new(url: &str) -> Self {
        Self {
            url: SecretRef::Given(url.to_owned()),
            basic: None,
            token: None,
            tls: Tls::default(),
            headers: BTreeMap::new(),
            proxy: None,
            timeout: Span::from_secs(10),
            session: false,
        }
    }

    /// Where it is, for people: never user info, path or query.
    pub fn address(&self) -> SafeText {
        match &self.url {
            SecretRef::Given(text) => url::Url::parse(text)
                .map_or_else(|_| "(no usable url)".into(), |url| address(&url).into()),
            place => SafeText::new(&format!("an address in {}", place.origin())),
        }
    }

    /// Where each credential is kept.
    pub fn credentials(&self) -> Vec<&SecretRef> {
        let url = Some(&self.url).filter(|place| !matches!(place, SecretRef::Given(_)));
        let password = self.basic.as_ref().map(|basic| &basic.password);
        let headers = self.headers.values().filter(|place| !matches!(place, SecretRef::Given(_)));
        url.into_iter().chain(password).chain(&self.token).chain(headers).collect()
    }

    /// The HTTP client for it. Reads certificates and, where it is kept elsewhere, the URL; other credentials
    /// are read at first use. `what` begins the sentence when something is wrong (`The channel mail`).
    ///
    /// # Errors
    /// One whole sentence, without the URL.
    pub async fn live(
        &self,
        what: &str,
        scheme: Scheme,
        clock: Arc<dyn Clock>,
    ) -> Result<Live, SafeText> {
        let wrong = |why: &str| SafeText::new(&format!("{what}: {why}"));
        let file = |path: &Option<PathBuf>| match path {
            None => Ok(None),
            Some(path) => std::fs::read(path).map(Some).map_err(|error| {
                wrong(&format!("{} cannot be read ({}).", path.display(), error.kind()))
            }),
        };
        let identity = match (file(&self.tls.cert)?, file(&self.tls.key)?) {
            (Some(cert), Some(key)) => Some([cert, b"\n".to_vec(), key].concat()),
            _ => None,
        };
        let auth = match (&self.basic, &self.token) {
            (Some(Basic { user, password }), _) => {
                Auth::Basic { user: user.clone(), password: password.clone() }
            }
            (None, Some(token)) => Auth::Token { scheme, token: token.clone() },
            (None, None) => Auth::None,
        };
        let proxy = self.proxy.as_deref().map(url::Url::parse).transpose();
        let config = LiveConfig {
            reuse: false,
            session: self.session,
            url: self.read_url().await.map_err(|why| wrong(&why))?,
            auth,
            headers: self.headers.iter().map(|(n, s)| (n.clone(), s.clone())).collect(),
            tls: TlsFiles { ca: file(&self.tls.ca)?, identity },
            timeout: self.timeout,
            max_body: MOST_BODY,
            proxy: proxy.map_err(|_| wrong("its proxy is not a URL."))?,
        };
        Live::new(config, clock).map_err(|why| wrong(&why))
    }

    async fn read_url(&self) -> Result<url::Url, String> {
        let secret = self.url.read().await.map_err(|error| error.to_string())?;
        let text = std::str::from_utf8(secret.expose()).unwrap_or("");
        let url = url::Url::parse(text).ok();
        // The text itself is never repeated: it lets whoever reads it post.
        url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| format!("{} holds no http:// or https:// URL.", self.url.origin()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    fn clock() -> Arc<dyn Clock> {
        Arc::new(|| Timestamp::from_millis(0))
    }

    #[tokio::test]
    async fn a_webhook_kept_elsewhere_is_never_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hook");
        std::fs::write(&path, "not-a-url-but-hunter2\n").unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        let hook = Endpoint { url: SecretRef::File(path.clone()), ..Endpoint::new("") };
        let said = hook.live("The channel chat", Scheme::BEARER, clock()).await.err().unwrap();
        assert!(
            said.starts_with("The channel chat: the file ") && said.ends_with(" URL."),
            "{said}"
        );
        assert!(!said.contains("hunter2") && !hook.address().contains("hunter2"));

        std::fs::write(&path, "https://chat.example/hooks/hunter2\n").unwrap();
        assert!(hook.live("The channel chat", Scheme::BEARER, clock()).await.is_ok());
        assert_eq!(hook.credentials(), [&SecretRef::File(path)]);
        let plain = Endpoint::new("https://chat.example/hooks/hunter2?sig=hunter3");
        assert_eq!(plain.address().as_str(), "https://chat.example");
        assert_eq!(plain.credentials(), Vec::<&SecretRef>::new());
    }
}
