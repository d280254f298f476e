//! The state of each outside system as we see it: fresh or stale, how far its clock is off, why it fails.

use super::{SafeText, SiteId, SourceId, Span, Timestamp};

/// What kind of system a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceKind {
    /// Prometheus HTTP API, or what speaks it.
    Prometheus,
    /// Alertmanager API v2.
    Alertmanager,
    /// Jaeger's dependencies API, or what speaks it.
    Jaeger,
    /// A supplier's Statuspage, or what speaks like it.
    Statuspage,
    /// A git repository on this machine.
    Git,
    /// A file of changes on this machine.
    ChangesFile,
    /// The deployments of a GitHub repository.
    Github,
    /// The deployments of a GitLab project.
    Gitlab,
    /// Versions that run, told by a metric of a Prometheus.
    Versions,
    /// The audit log of an Unleash.
    Unleash,
    /// PagerDuty: who is on call.
    Pagerduty,
    /// A NATS subject that carries changes.
    Nats,
}

impl SourceKind {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Prometheus,
        Self::Alertmanager,
        Self::Jaeger,
        Self::Statuspage,
        Self::Git,
        Self::ChangesFile,
        Self::Github,
        Self::Gitlab,
        Self::Versions,
        Self::Unleash,
        Self::Pagerduty,
        Self::Nats,
    ];

    /// Whether it is on this machine: it has a path instead of an address.
    pub const fn is_local(self) -> bool {
        matches!(self, Self::Git | Self::ChangesFile)
    }

    /// What its address may begin with.
    pub const fn schemes(self) -> &'static [&'static str] {
        match self {
            Self::Nats => &["nats"],
            _ => &["http", "https"],
        }
    }

    /// Whether it tells what was changed.
    pub const fn tells_changes(self) -> bool {
        match self {
            Self::Prometheus
            | Self::Alertmanager
            | Self::Jaeger
            | Self::Statuspage
            | Self::Pagerduty => false,
            Self::Git
            | Self::ChangesFile
            | Self::Github
            | Self::Gitlab
            | Self::Versions
            | Self::Unleash
            | Self::Nats => true,
        }
    }

    /// As people call it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Prometheus => "Prometheus",
            Self::Alertmanager => "Alertmanager",
            Self::Jaeger => "Jaeger",
            Self::Statuspage => "status page",
            Self::Git => "git",
            Self::ChangesFile => "changes file",
            Self::Github => "GitHub deployments",
            Self::Gitlab => "GitLab deployments",
            Self::Versions => "versions in Prometheus",
            Self::Unleash => "Unleash events",
            Self::Pagerduty => "PagerDuty",
            Self::Nats => "NATS subject",
        }
    }

    /// As written in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prometheus => "prometheus",
            Self::Alertmanager => "alertmanager",
            Self::Jaeger => "jaeger",
            Self::Statuspage => "statuspage",
            Self::Git => "git",
            Self::ChangesFile => "changes-file",
            Self::Github => "github-deployments",
            Self::Gitlab => "gitlab-deployments",
            Self::Versions => "prometheus-versions",
            Self::Unleash => "unleash-events",
            Self::Pagerduty => "pagerduty",
            Self::Nats => "changes-nats",
        }
    }
}

/// Circuit breaker position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Breaker {
    /// Requests pass.
    #[default]
    Closed,
    /// Requests are refused here until the time given.
    Open {
        /// When one probe may pass.
        until: Timestamp,
    },
    /// One probe is on its way.
    HalfOpen,
}

/// A source's clock against ours: `offset` ahead (negative: behind), true within ± `bound`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockOffset {
    /// Source's clock minus ours.
    pub offset: Span,
    /// Half the width of the interval the true offset lies in.
    pub bound: Span,
}

/// What went wrong in talking to a source, with what retrying can do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind, for counting and for tests.
    pub kind: FailureKind,
    /// One sentence: what failed and what to do. Never holds a secret or a query string.
    pub sentence: SafeText,
    /// When.
    pub at: Timestamp,
}

/// The kinds a person must keep apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// Nothing listens there.
    Refused,
    /// No answer within the deadline.
    TimedOut,
    /// The name could not be resolved or the host not reached.
    Unreachable,
    /// TLS: expired, unknown authority, wrong name, client certificate refused.
    Tls,
    /// 401.
    Unauthenticated,
    /// 403.
    Forbidden,
    /// 404 or 405: not the API it is configured as.
    WrongApi,
    /// 429.
    RateLimited,
    /// 5xx.
    ServerError,
    /// A redirect, which is not followed.
    Redirected,
    /// More bytes than the cap.
    TooLarge,
    /// The body is not what the API promises (an HTML page, truncated JSON).
    Unparseable,
    /// The server refused the question itself (a query error).
    BadQuery,
    /// Refused here: the breaker is open or the queue is full.
    HeldBack,
    /// A credential could not be had.
    Credential,
}

/// Freshness of what a source told us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Nothing yet.
    Never,
    /// Within twice its interval.
    Fresh,
    /// Older than that.
    Stale,
}

/// What the Sources screen shows of one source.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceStatus {
    /// Name.
    pub id: SourceId,
    /// Kind.
    pub kind: SourceKind,
    /// Site label.
    pub site: SiteId,
    /// Where it is, without credentials and query.
    pub address: SafeText,
    /// How often it is asked.
    pub interval: Span,
    /// Last complete good answer.
    pub last_good: Option<Timestamp>,
    /// Time of that answer's round trip.
    pub latency: Option<Span>,
    /// Clock offset with its bound.
    pub clock: Option<ClockOffset>,
    /// Breaker position.
    pub breaker: Breaker,
    /// Requests under way.
    pub in_flight: u16,
    /// Most at once.
    pub limit: u16,
    /// Retries left in the budget.
    pub retry_budget: u16,
    /// When it will be asked again.
    pub next_try: Option<Timestamp>,
    /// What went wrong since `last_good`; `None` when the last answer was good.
    pub failure: Option<Failure>,
    /// Version it reports.
    pub version: SafeText,
}

impl SourceStatus {
    /// A source nobody has asked yet.
    pub fn new(
        id: SourceId,
        kind: SourceKind,
        site: SiteId,
        address: SafeText,
        interval: Span,
    ) -> Self {
        Self {
            id,
            kind,
            site,
            address,
            interval,
            last_good: None,
            latency: None,
            clock: None,
            breaker: Breaker::Closed,
            in_flight: 0,
            limit: 4,
            retry_budget: 10,
            next_try: None,
            failure: None,
            version: SafeText::default(),
        }
    }

    /// How fresh its data is at `now`. A failure alone does not make data stale; age does.
    pub fn freshness(&self, now: Timestamp) -> Freshness {
        match self.last_good {
            None => Freshness::Never,
            Some(at) if now.since(at) <= self.stale_after() => Freshness::Fresh,
            Some(_) => Freshness::Stale,
        }
    }

    /// Age beyond which data counts as stale: two intervals and two seconds, since an answer takes a while.
    pub fn stale_after(&self) -> Span {
        Span::from_millis(self.interval.millis().saturating_mul(2).saturating_add(2_000))
    }
}
