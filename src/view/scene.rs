//! What every part of the drawing needs at hand: state, styles, and how fresh the values are.

use ratatui::style::Style;

use crate::app::State;
use crate::domain::{Freshness, Reading, Severity, Slo, SourceKind, SourceStatus, Timestamp};
use crate::keys::Keymap;
use crate::model::{Exhaustion, Model, SloStatus, Verdict};
use crate::theme::{Theme, Token};

use super::format::{self, Short, Zone, short};

/// State, theme and keymap of one frame.
pub(crate) struct Scene<'a> {
    pub(crate) state: &'a State,
    theme: &'a Theme,
    pub(crate) keymap: &'a Keymap,
    /// Clock of shown times.
    pub(crate) zone: Zone,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(state: &'a State, theme: &'a Theme, keymap: &'a Keymap) -> Self {
        let zone = Zone { mode: state.ui.clock, offset_minutes: state.local_offset_minutes };
        Self { state, theme, keymap, zone }
    }

    pub(crate) fn style(&self, token: Token) -> Style {
        self.theme.style(token)
    }

    pub(crate) const fn now(&self) -> Timestamp {
        self.state.now
    }

    pub(crate) const fn model(&self) -> &'a Model {
        &self.state.model
    }

    /// What is declared of an objective.
    pub(crate) fn slo(&self, status: &SloStatus) -> Option<&'a Slo> {
        self.model().catalog.slos.get(&status.slo)
    }

    /// The source an objective is asked of: its own, else the first Prometheus.
    pub(crate) fn source_of(&self, status: &SloStatus) -> Option<&'a SourceStatus> {
        let sources = &self.model().sources;
        match self.slo(status).and_then(|slo| slo.source.as_ref()) {
            Some(id) => sources.get(id),
            None => sources.values().find(|s| s.kind == SourceKind::Prometheus),
        }
    }

    /// Whether an objective's figures are current.
    pub(crate) fn is_fresh(&self, status: &SloStatus) -> bool {
        let fresh = |s: &SourceStatus| {
            s.freshness(self.now()) == Freshness::Fresh
                && status.at.is_some_and(|at| {
                    // The reading may be a full interval behind the source's latest good answer.
                    self.now().since(at).millis() <= s.stale_after().millis().saturating_mul(2)
                })
        };
        self.source_of(status).is_some_and(fresh)
    }

    /// The colour of a value that may be old.
    pub(crate) fn unless_stale(&self, fresh: bool, token: Token) -> Style {
        self.style(if fresh { token } else { Token::Stale })
    }

    /// The colour of how fresh a source's data is.
    pub(crate) fn freshness(&self, source: &SourceStatus) -> Token {
        match source.freshness(self.now()) {
            Freshness::Fresh => Token::Text,
            Freshness::Stale => Token::Stale,
            Freshness::Never => Token::Unknown,
        }
    }

    /// Sources of a kind: fresh, all.
    pub(crate) fn health(&self, kind: Option<SourceKind>) -> (usize, usize) {
        let of_kind = |s: &&SourceStatus| kind.is_none_or(|k| s.kind == k);
        self.model().sources.values().filter(of_kind).fold((0, 0), |(fresh, all), s| {
            (fresh + usize::from(s.freshness(self.now()) == Freshness::Fresh), all + 1)
        })
    }

    /// Latest good answer of any source of a kind.
    pub(crate) fn last_asked(&self, kind: SourceKind) -> Option<Timestamp> {
        let sources = self.model().sources.values();
        sources.filter(|s| s.kind == kind).filter_map(|s| s.last_good).max()
    }

    /// Whether no Prometheus that should evaluate alerting rules can be seen doing it.
    pub(crate) fn blind(&self) -> bool {
        // Before the first answer or failure nothing can be said.
        let heard = |s: &SourceStatus| s.failure.is_some() || s.last_good.is_some();
        matches!(self.health(Some(SourceKind::Prometheus)), (0, 1..))
            && self.model().sources.values().any(|s| s.kind == SourceKind::Prometheus && heard(s))
    }

    /// Why nothing of the catalog is shown: it is not read yet, or has nothing of the kind.
    pub(crate) fn undeclared(&self, none: &str) -> (String, Token) {
        if self.state.reading {
            let text = "… the catalog is being read: services, owners and objectives come with it";
            return (text.into(), Token::Unknown);
        }
        (none.into(), Token::Muted)
    }

    /// Why nothing is shown: in words, and never as good news without fresh data.
    pub(crate) fn nothing(&self, kind: SourceKind, nothing: &str) -> (String, Token) {
        let ((fresh, all), asked) = (self.health(Some(kind)), self.last_asked(kind));
        let name = kind.title();
        let what = match kind {
            SourceKind::Alertmanager => "alerts",
            SourceKind::Prometheus => "budgets",
            SourceKind::Jaeger => "calls",
            SourceKind::Statuspage => "suppliers",
            SourceKind::Git
            | SourceKind::ChangesFile
            | SourceKind::Github
            | SourceKind::Gitlab
            | SourceKind::Versions
            | SourceKind::Unleash
            | SourceKind::Nats => "changes",
            SourceKind::Pagerduty => "people on call",
        };
        let ago = format::age(asked, self.now());
        match (fresh, all, asked) {
            (_, 0, _) => {
                let how = "`quarterdeck init` asks for one, tests it and writes the configuration";
                (format!("Nothing known: no {name} is configured. {how}."), Token::Unknown)
            }
            (0, _, None) => {
                let of_kind = || self.model().sources.values().filter(|s| s.kind == kind);
                match of_kind().find_map(|s| s.failure.as_ref()) {
                    Some(failure) => {
                        (format!("Nothing known yet. {}", failure.sentence), Token::Error)
                    }
                    None => {
                        let names: Vec<&str> = of_kind().map(|s| s.id.as_str()).collect();
                        (format!("… asking {} for {what}", names.join(", ")), Token::Unknown)
                    }
                }
            }
            (0, _, Some(_)) => {
                (format!("Nothing known: the last answer about {what} is {ago} old."), Token::Stale)
            }
            (f, a, _) if f < a => (
                format!("{nothing} as far as {f} of {a} {name}s can see. Last asked {ago} ago."),
                Token::Warning,
            ),
            _ if kind == SourceKind::Alertmanager && self.blind() => (
                format!(
                    "{nothing}, but no Prometheus answers, so nothing new would. Last asked {ago} ago."
                ),
                Token::Warning,
            ),
            _ => (format!("{nothing}. Last asked {ago} ago."), Token::Muted),
        }
    }
}

/// Shape, word and colour of a verdict.
pub(crate) const fn verdict(verdict: Verdict) -> (&'static str, &'static str, Token) {
    match verdict {
        Verdict::Page => ("▲", "page", Token::Error),
        Verdict::Ticket => ("◆", "ticket", Token::Warning),
        Verdict::Spent => ("✕", "spent", Token::Error),
        Verdict::Burning => ("◇", "burning", Token::Warning),
        Verdict::LowTraffic => ("○", "low traffic", Token::Unknown),
        Verdict::NoTraffic => ("○", "no traffic", Token::Unknown),
        Verdict::NoData => ("?", "no data", Token::NoData),
        Verdict::Unknown => ("?", "unknown", Token::Unknown),
        Verdict::Fine => ("●", "fine", Token::Ok),
    }
}

/// Colour of a severity; its number is always written beside it.
pub(crate) const fn severity(severity: Severity) -> Token {
    match severity {
        Severity::Sev1 => Token::Sev1,
        Severity::Sev2 => Token::Sev2,
        Severity::Sev3 => Token::Sev3,
        Severity::Sev4 => Token::Sev4,
        Severity::Sev5 => Token::Sev5,
    }
}

/// A reading: the number as `print` writes it, or a word that is none.
pub(crate) fn reading(reading: Reading, print: impl Fn(f64) -> Short) -> Short {
    match reading {
        Reading::Value(v) => print(v),
        Reading::NaN => short!("idle"),
        Reading::NoData => short!("no data"),
        Reading::Unknown => short!("?"),
    }
}

/// When the budget is gone.
pub(crate) fn exhaustion(exhaustion: Exhaustion) -> Short {
    match exhaustion {
        Exhaustion::Gone => short!("spent"),
        Exhaustion::In(span) => format::span(span),
        Exhaustion::Lasts => short!("lasts"),
        Exhaustion::Unknown => short!("?"),
    }
}
