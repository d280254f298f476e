//! Sources as they are configured, and the connectors and transports made of them.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;

use super::alertmanager::Alertmanager;
use super::changes::{ChangesFrom, Place, Places, deployments, file, git, nats, unleash, versions};
use super::http::{Auth, Live, LiveConfig, TlsFiles, Transport, address, verdict};
use super::jaeger::Jaeger;
use super::outbound::config::TrackerKind;
use super::pagerduty::{OnCalls, Pages, Rota};
use super::poll::Setup;
use super::prometheus::Prometheus;
use super::secret::SecretRef;
use super::statuspage::StatusFeed;
use super::{Ask, Clock, Connector, Interest, Method};
use crate::domain::{
    Catalog, ChangeKind, Observation, RulesSeen, SafeText, SiteId, SourceId, SourceKind,
    SourceStatus, Span, TeamId,
};

/// One `[[source]]` of the configuration.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// Unique name.
    pub name: SourceId,
    /// Which API it speaks.
    #[serde(with = "KindName")]
    pub kind: SourceKind,
    /// Base URL, with the path prefix if there is one.
    pub url: String,
    /// Cluster, region or data centre; sources of one site see the same alerts.
    #[serde(default = "default_site")]
    pub site: SiteId,
    /// How often it is asked.
    #[serde(default = "default_interval")]
    pub interval: Span,
    /// Deadline of one exchange.
    #[serde(default = "default_timeout")]
    pub timeout: Span,
    /// Most exchanges at once.
    #[serde(default = "default_limit")]
    pub limit: u16,
    /// Most bytes of an answer, after decompression.
    #[serde(default = "default_max_body")]
    pub max_body: usize,
    /// User name and password.
    pub basic: Option<Basic>,
    /// Token.
    pub bearer: Option<SecretRef>,
    /// Own authority, client certificate.
    #[serde(default)]
    pub tls: Tls,
    /// Further headers, such as a tenant's.
    #[serde(default)]
    pub headers: std::collections::BTreeMap<String, SecretRef>,
    /// Proxy; the environment's is not used.
    pub proxy: Option<String>,
    /// What a source of changes has: where they are, and whose.
    #[serde(skip)]
    pub changes: Option<ChangesFrom>,
    /// Of a pager: what says who is on call in each team.
    #[serde(skip)]
    pub teams: std::collections::BTreeMap<TeamId, Rota>,
}

/// Serde's names for the kinds.
#[derive(Deserialize)]
#[serde(remote = "SourceKind", rename_all = "lowercase")]
enum KindName {
    Prometheus,
    Alertmanager,
    Jaeger,
    Statuspage,
    Git,
    #[serde(rename = "changes-file")]
    ChangesFile,
    #[serde(rename = "github-deployments")]
    Github,
    #[serde(rename = "gitlab-deployments")]
    Gitlab,
    #[serde(rename = "prometheus-versions")]
    Versions,
    #[serde(rename = "unleash-events")]
    Unleash,
    Pagerduty,
    #[serde(rename = "changes-nats")]
    Nats,
}

/// Basic authentication.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// User name.
    pub user: String,
    /// Where the password is kept.
    pub password: SecretRef,
}

/// PEM files.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Authorities trusted instead of the system's.
    pub ca: Option<PathBuf>,
    /// Client certificate.
    pub cert: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
}

fn default_site() -> SiteId {
    SiteId::new("default")
}
fn default_interval() -> Span {
    Span::from_secs(15)
}
fn default_timeout() -> Span {
    Span::from_secs(10)
}
fn default_limit() -> u16 {
    4
}
fn default_max_body() -> usize {
    64 * 1024 * 1024
}

impl SourceConfig {
    /// A source with every other setting at its default.
    pub fn new(name: &str, kind: SourceKind, url: &str) -> Self {
        Self {
            name: SourceId::new(name),
            kind,
            url: url.to_owned(),
            site: default_site(),
            interval: default_interval(),
            timeout: default_timeout(),
            limit: default_limit(),
            max_body: default_max_body(),
            basic: None,
            bearer: None,
            tls: Tls::default(),
            headers: std::collections::BTreeMap::new(),
            proxy: None,
            changes: None,
            teams: Default::default(),
        }
    }

    /// Checks what needs no network. The sentence names the field.
    pub fn check(&self) -> Result<(), SafeText> {
        if !self.kind.is_local() {
            self.parsed_url()?;
        }
        let wrong = |text: &str| Err(SafeText::new(&format!("The source {}: {text}.", self.name)));
        if self.name.as_str().is_empty() {
            return Err("A source has no name.".into());
        }
        let fits = self.changes.as_ref().map(|from| from.place.fits(self.kind));
        if fits != self.kind.tells_changes().then_some(true) {
            return wrong(
                "a kind on this machine needs a path, one of deployments a project, one of versions a \
                 metric and one of messages a subject, and no other has them",
            );
        }
        if self.basic.is_some() && self.bearer.is_some() {
            return wrong("set either basic or bearer, not both");
        }
        if self.tls.cert.is_some() != self.tls.key.is_some() {
            return wrong("tls.cert and tls.key go together");
        }
        if self.interval < Span::from_secs(1) {
            return wrong("interval is shorter than 1s");
        }
        if self.timeout < Span::from_millis(100) {
            return wrong("timeout is shorter than 100ms");
        }
        if self.limit == 0 {
            return wrong("limit is 0, so nothing could be asked");
        }
        Ok(())
    }

    fn parsed_url(&self) -> Result<url::Url, SafeText> {
        let wrong = |why: &str| {
            // The URL itself is not shown: it may hold a password.
            SafeText::new(&format!("The source {}: its url {why}.", self.name))
        };
        let url = url::Url::parse(&self.url)
            .map_err(|_| wrong("is not a URL such as http://localhost:9090"))?;
        if url.host_str().is_none() || !self.kind.schemes().contains(&url.scheme()) {
            let schemes = self.kind.schemes().join(":// or ");
            return Err(wrong(&format!("must begin with {schemes}:// and name a host")));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("holds credentials; put them into basic or bearer"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("must not hold a query or a fragment"));
        }
        Ok(url)
    }

    /// Where it is, for people: no user info, no query.
    pub fn address(&self) -> SafeText {
        if let Some(Place::Path(path)) = self.changes.as_ref().map(|from| &from.place) {
            return SafeText::new(&path.display().to_string());
        }
        self.parsed_url().map_or_else(|_| "(no usable url)".into(), |url| address(&url).into())
    }

    /// Where each credential is kept.
    pub fn credentials(&self) -> Vec<&SecretRef> {
        let basic = self.basic.as_ref().map(|b| &b.password);
        basic.into_iter().chain(&self.bearer).chain(self.headers.values()).collect()
    }

    /// Its status before anybody has asked it.
    pub fn status(&self) -> SourceStatus {
        let mut status = SourceStatus::new(
            self.name.clone(),
            self.kind,
            self.site.clone(),
            self.address(),
            self.interval,
        );
        status.limit = self.limit;
        status
    }

    /// The connector. `first` says whether it is the first of its kind, which takes the objectives
    /// and signals that name no source.
    pub fn connector(&self, catalog: &Catalog, first: bool) -> Arc<dyn Connector> {
        match self.kind {
            SourceKind::Prometheus => {
                let prometheus = Prometheus::new(catalog, &self.name, first, self.interval);
                Arc::new(prometheus.with_deadline(self.timeout))
            }
            SourceKind::Alertmanager => Arc::new(Alertmanager::new(self.site.clone())),
            SourceKind::Jaeger => Arc::new(Jaeger),
            SourceKind::Statuspage => Arc::new(StatusFeed),
            SourceKind::Git => {
                let tags = self.changes.as_ref().map_or(ChangeKind::Merge, |from| from.tags);
                Arc::new(git::Git::new(self.places(catalog), tags))
            }
            SourceKind::ChangesFile => Arc::new(file::ChangesFile::new(self.places(catalog))),
            SourceKind::Github => Arc::new(deployments::github::Github(self.project(catalog))),
            SourceKind::Gitlab => Arc::new(deployments::gitlab::Gitlab(self.project(catalog))),
            SourceKind::Versions => {
                let metric = self.changes.as_ref().and_then(|from| match &from.place {
                    Place::Metric(metric) => Some(metric.clone()),
                    Place::Path(_) | Place::Project { .. } | Place::Subject(_) => None,
                });
                Arc::new(versions::Versions::new(metric, self.places(catalog)))
            }
            SourceKind::Unleash => {
                let address = self.address().to_string();
                Arc::new(unleash::Events::new(self.project(catalog), address))
            }
            SourceKind::Pagerduty => Arc::new(OnCalls(self.teams.clone())),
            SourceKind::Nats => Arc::new(file::ChangesFile::of_messages(self.places(catalog))),
        }
    }

    fn project(&self, catalog: &Catalog) -> deployments::Project {
        let place = self.changes.as_ref().map(|from| &from.place);
        let (name, environments) = match place {
            Some(Place::Project { name, environments }) => (name.clone(), environments.clone()),
            _ => Default::default(),
        };
        deployments::Project { name, environments, places: self.places(catalog) }
    }

    fn places(&self, catalog: &Catalog) -> Places {
        self.changes.as_ref().map(|from| Places::new(from, catalog)).unwrap_or_default()
    }

    /// The way to the real source, on this machine or over the network.
    pub fn transport(&self, clock: Arc<dyn Clock>) -> Result<Arc<dyn Transport>, SafeText> {
        self.check()?;
        match (self.changes.as_ref().map(|from| &from.place), self.kind) {
            (Some(Place::Path(path)), SourceKind::Git) => {
                Ok(Arc::new(git::Repository::new(path.clone(), self.timeout, clock)))
            }
            (Some(Place::Path(path)), SourceKind::ChangesFile) => {
                Ok(Arc::new(file::Tail::new(path.clone(), self.timeout, clock)))
            }
            (Some(Place::Project { name, .. }), SourceKind::Github) => {
                let live = Arc::new(self.live(clock)?);
                Ok(Arc::new(deployments::github::Deployments::new(live, name, self.timeout)))
            }
            (_, SourceKind::Pagerduty) => Ok(Arc::new(Pages::new(self.live(clock)?, self.timeout))),
            (Some(Place::Subject(subject)), SourceKind::Nats) => {
                let url = self.parsed_url()?;
                let host = url.host_str().unwrap_or_default();
                let way = nats::Way {
                    address: format!("{host}:{}", url.port().unwrap_or(nats::PORT)),
                    auth: self.auth(),
                    deadline: self.timeout,
                    most: self.max_body,
                };
                Ok(Arc::new(nats::Listener::new(way, subject.clone(), clock)))
            }
            _ => Ok(Arc::new(self.live(clock)?)),
        }
    }

    fn auth(&self) -> Auth {
        match (&self.basic, &self.bearer) {
            (Some(basic), _) => {
                Auth::Basic { user: basic.user.clone(), password: basic.password.clone() }
            }
            (None, Some(token)) if self.kind == SourceKind::Unleash => {
                Auth::Token { scheme: unleash::SCHEME, token: token.clone() }
            }
            (None, Some(token)) if self.kind == SourceKind::Pagerduty => {
                Auth::Token { scheme: TrackerKind::Pagerduty.scheme(), token: token.clone() }
            }
            (None, Some(token)) => Auth::Bearer(token.clone()),
            (None, None) => Auth::None,
        }
    }

    /// The transport to the real server. Reads certificate files; credentials are read at first use.
    pub fn live(&self, clock: Arc<dyn Clock>) -> Result<Live, SafeText> {
        self.check()?;
        let read = |path: &Option<PathBuf>| match path {
            None => Ok(None),
            Some(path) => std::fs::read(path).map(Some).map_err(|e| {
                SafeText::new(&format!(
                    "The source {}: {} cannot be read ({}).",
                    self.name,
                    path.display(),
                    e.kind()
                ))
            }),
        };
        let identity = match (read(&self.tls.cert)?, read(&self.tls.key)?) {
            (Some(cert), Some(key)) => Some([cert, b"\n".to_vec(), key].concat()),
            _ => None,
        };
        let proxy = self.proxy.as_deref().map(url::Url::parse).transpose();
        let proxy = proxy.map_err(|_| {
            SafeText::new(&format!("The source {}: proxy is not a URL.", self.name))
        })?;
        let config = LiveConfig {
            reuse: true,
            session: false,
            url: self.parsed_url()?,
            auth: self.auth(),
            headers: self.headers.iter().map(|(n, s)| (n.clone(), s.clone())).collect(),
            tls: TlsFiles { ca: read(&self.tls.ca)?, identity },
            timeout: self.timeout,
            max_body: self.max_body,
            proxy,
        };
        Live::new(config, clock)
            .map_err(|why| SafeText::new(&format!("The source {}: {why}", self.name)))
    }

    /// Everything a poll loop needs, live.
    pub fn setup(
        &self,
        catalog: &Catalog,
        first: bool,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        interest: tokio::sync::watch::Receiver<Interest>,
        sink: tokio::sync::mpsc::Sender<super::poll::Event>,
    ) -> Setup {
        Setup {
            status: self.status(),
            pace: self.interval,
            connector: self.connector(catalog, first),
            transport,
            clock,
            interest,
            sink,
            lasting: true,
        }
    }
}

/// What a probe found.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// Version it reports; empty when it reports none.
    pub version: SafeText,
    /// Round trip of the question that decides.
    pub latency: Span,
    /// Rules it evaluates; empty for an Alertmanager.
    pub rules: RulesSeen,
}

/// Asks a source once whether it is what it is configured as. The error is a whole sentence.
pub async fn probe(config: &SourceConfig, clock: Arc<dyn Clock>) -> Result<Probe, SafeText> {
    let live = config.transport(clock.clone())?;
    let connector = config.connector(&Catalog::default(), true);
    let ask = |key: &str, path: &str, query: &[(&'static str, &str)]| Ask {
        key: key.to_owned(),
        method: Method::Get,
        path: path.to_owned(),
        params: query.iter().map(|(n, v)| (*n, (*v).to_owned())).collect(),
        body: None,
    };
    let asks = match config.kind {
        SourceKind::Prometheus => vec![
            ask("time", "/api/v1/query", &[("query", "time()")]),
            ask("buildinfo", "/api/v1/status/buildinfo", &[]),
            ask("rules", "/api/v1/rules", &[]),
        ],
        SourceKind::Alertmanager => vec![ask("status", "/api/v2/status", &[])],
        SourceKind::Jaeger
        | SourceKind::Statuspage
        | SourceKind::Git
        | SourceKind::ChangesFile
        | SourceKind::Github
        | SourceKind::Gitlab
        | SourceKind::Versions
        | SourceKind::Unleash
        | SourceKind::Pagerduty
        | SourceKind::Nats => connector.asks(&Interest::default(), clock.now()),
    };
    let host = config.address();
    let mut found =
        Probe { version: SafeText::default(), latency: Span::ZERO, rules: RulesSeen::default() };
    for (at, ask) in asks.iter().enumerate() {
        let reply = live.exchange(ask).await;
        let reply = match reply.and_then(|r| verdict(&host, &r).map(|()| r)) {
            Ok(reply) => reply,
            Err(_) if connector.optional(ask) => continue,
            Err(fault) => return Err(fault.failure.sentence),
        };
        if at == 0 {
            found.latency = reply.received.since(reply.sent);
        }
        match connector.parse(&config.name, ask, &reply) {
            Ok(seen) => {
                for one in seen {
                    match one {
                        Observation::Version(version) => found.version = version,
                        Observation::Rules(rules) => found.rules = rules,
                        _ => {}
                    }
                }
            }
            Err(_) if connector.optional(ask) => {}
            Err(error) => return Err(SafeText::new(&format!("{host}: {error}."))),
        }
    }
    Ok(found)
}

/// Recording rules that look like those Sloth or Pyrra generate, which can be read instead of
/// computing the same ratios again.
pub fn find_slo_rules(rules: &RulesSeen) -> Vec<SafeText> {
    let known = |name: &SafeText| {
        name.starts_with("slo:sli_error:ratio_rate")
            || name.starts_with("slo:error_budget:ratio")
            || name.contains(":burnrate")
            || name.starts_with("pyrra_")
    };
    rules.recorded.iter().filter(|name| known(name)).cloned().collect()
}
