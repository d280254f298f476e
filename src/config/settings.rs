//! `config.toml`: who is at the helm, which systems to ask, how alerts are judged and shown.
//!
//! Layers: built-in defaults, then the file, then the command line ([`Overrides`]).

use std::path::Path;

use super::error::{ConfigError, Mistakes, Place};
use super::node::{self, FILE_BYTES, Node, Table};
use super::source;
use crate::connectors::registry::SourceConfig;
use crate::domain::{Level, LevelRule, SafeText, Severity, SeverityPolicy, Span};
use crate::eventlog::KeyId;

/// The newest version of the file this program reads.
const VERSION: i64 = 1;

/// Everything configured.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Who is at the helm; default: the login name.
    pub me: SafeText,
    /// How it looks.
    pub ui: Ui,
    /// Systems to ask.
    pub sources: Vec<SourceConfig>,
    /// How severity is judged.
    pub severity: SeverityPolicy,
    /// What silences start from and when they ask twice.
    pub silence: SilenceDefaults,
    /// Catalog and objective files: paths and patterns (`slo/*.yaml`), relative to this file.
    pub catalog: Vec<String>,
    /// Most bytes of one recording; default 1 GiB.
    pub record_bytes: u64,
    /// Where the log is and which key signs it.
    pub log: LogSettings,
}

/// `[log]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogSettings {
    /// A directory that several users of this host share; default: the private state folder.
    pub dir: Option<String>,
    /// Which key signs; default one of our own.
    pub key: KeySetting,
}

/// Which key signs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum KeySetting {
    /// One of our own, made on the first start.
    #[default]
    Own,
    /// One that the SSH agent holds: the one with this fingerprint, or its only Ed25519 key.
    Agent(Option<KeyId>),
    /// An OpenSSH private key.
    File(String),
}

/// `[ui]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ui {
    /// Theme by name or path; default `dark`.
    pub theme: String,
    /// Keymap by name or path; default `default`.
    pub keymap: String,
    /// Which clock times are shown in; default UTC.
    pub clock: Clock,
    /// Only ASCII characters; default no.
    pub ascii: bool,
    /// Labels alerts are grouped by, besides the site; default alertname and service.
    pub group_by: Vec<SafeText>,
}

/// Clock on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Coordinated universal time.
    Utc,
    /// The zone of this machine.
    Local,
}

/// `[silence]`.
#[derive(Debug, Clone, PartialEq)]
pub struct SilenceDefaults {
    /// How long a silence lasts unless said otherwise; default 2 h.
    pub duration: Span,
    /// A silence that hits more alerts than this asks twice; default 50.
    pub max_alerts: usize,
    /// A silence that hits more than this share of all alerts asks twice; default 0.5.
    pub max_share: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            me: SafeText::default(),
            ui: Ui {
                theme: "dark".into(),
                keymap: "default".into(),
                clock: Clock::Utc,
                ascii: false,
                group_by: vec!["alertname".into(), "service".into()],
            },
            sources: Vec::new(),
            severity: SeverityPolicy::default(),
            silence: SilenceDefaults {
                duration: Span::from_hours(2),
                max_alerts: 50,
                max_share: 0.5,
            },
            catalog: vec!["catalog.toml".into()],
            record_bytes: 1 << 30,
            log: LogSettings::default(),
        }
    }
}

/// What the command line says; it wins over the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overrides {
    /// Who is at the helm.
    pub me: Option<String>,
    /// Theme by name or path.
    pub theme: Option<String>,
    /// Keymap by name or path.
    pub keymap: Option<String>,
    /// Clock on the screen.
    pub clock: Option<Clock>,
    /// Only ASCII characters.
    pub ascii: Option<bool>,
    /// Catalog files instead of the configured ones; empty changes nothing.
    pub catalog: Vec<String>,
}

impl Settings {
    /// Reads the file's text; `path` is only for the messages, `login` the name used without `me`.
    /// Settings that could be read are returned beside the mistakes, so that a caller may show both.
    pub fn parse(text: &str, path: &str, login: &str) -> (Self, Vec<ConfigError>) {
        let mistakes = Mistakes::new(path);
        let mut settings = Self { me: SafeText::new(login), ..Self::default() };
        if let Some(root) = node::toml(text, &mistakes) {
            settings.read(&root, &mistakes);
        }
        (settings, mistakes.into_errors())
    }

    /// Reads a file.
    pub fn load(path: &Path, login: &str) -> (Self, Vec<ConfigError>) {
        let name = path.display().to_string();
        match read_capped(path) {
            Ok(text) => Self::parse(&text, &name, login),
            Err(sentence) => {
                let mistakes = Mistakes::new(&name);
                mistakes.add(Place::default(), &sentence);
                (Self { me: SafeText::new(login), ..Self::default() }, mistakes.into_errors())
            }
        }
    }

    /// Puts the command line on top.
    pub fn overridden(mut self, by: Overrides) -> Self {
        if let Some(me) = by.me {
            self.me = SafeText::new(&me);
        }
        self.ui.theme = by.theme.unwrap_or(self.ui.theme);
        self.ui.keymap = by.keymap.unwrap_or(self.ui.keymap);
        self.ui.clock = by.clock.unwrap_or(self.ui.clock);
        self.ui.ascii = by.ascii.unwrap_or(self.ui.ascii);
        if !by.catalog.is_empty() {
            self.catalog = by.catalog;
        }
        self
    }

    fn read(&mut self, root: &Node, mistakes: &Mistakes) {
        let Some(table) = Table::of(root, "the file", mistakes) else { return };
        if let Some(version) = table.get("version") {
            match version.value {
                node::Value::Int(VERSION) => {}
                node::Value::Int(newer) if newer > VERSION => {
                    let message = format!(
                        "this file is of version {newer}, and this Quarterdeck reads version {VERSION}"
                    );
                    mistakes.hinted(version.at, &message, "use a newer Quarterdeck");
                    // What a newer version means by its keys is not for us to guess.
                    return;
                }
                _ => mistakes.add(version.at, &format!("`version` must be {VERSION}")),
            }
        }
        if let Some(me) = table.text("me").filter(|me| !me.trim().is_empty()) {
            self.me = SafeText::new(me);
        }
        if let Some(ui) = table.table("ui") {
            self.read_ui(ui);
        }
        self.read_sources(&table, mistakes);
        if let Some(severity) = table.table("severity") {
            read_severity(&severity, &mut self.severity, mistakes);
            severity.finish();
        }
        if let Some(silence) = table.table("silence") {
            self.read_silence(silence, mistakes);
        }
        if let Some(catalog) = table.table("catalog") {
            if catalog.get("files").is_some() {
                let files = catalog.texts("files");
                self.catalog = files.into_iter().map(|(file, _)| file.to_owned()).collect();
            }
            catalog.finish();
        }
        if let Some(log) = table.table("log") {
            self.read_log(log, mistakes);
        }
        if let Some(record) = table.table("record") {
            if let Some(mib) = record.whole("max_size_mib", 1, 1 << 20) {
                self.record_bytes = u64::try_from(mib).unwrap_or(1024) << 20;
            }
            record.finish();
        }
        table.finish();
    }

    fn read_ui(&mut self, table: Table<'_>) {
        let ui = &mut self.ui;
        if let Some(theme) = table.text("theme") {
            ui.theme = theme.to_owned();
        }
        if let Some(keymap) = table.text("keymap") {
            ui.keymap = keymap.to_owned();
        }
        ui.clock = table
            .word("clock", &[("utc", Clock::Utc), ("local", Clock::Local)])
            .unwrap_or(ui.clock);
        ui.ascii = table.flag("ascii").unwrap_or(ui.ascii);
        if table.get("group_by").is_some() {
            ui.group_by =
                table.texts("group_by").into_iter().map(|(name, _)| SafeText::new(name)).collect();
        }
        table.finish();
    }

    fn read_sources(&mut self, table: &Table<'_>, mistakes: &Mistakes) {
        for entry in table.tables("source") {
            let at = entry.place("name");
            let Some(config) = source::read(entry, mistakes) else { continue };
            if self.sources.iter().any(|s| s.name == config.name) {
                mistakes.add(at, &format!("there are two sources named `{}`", config.name));
            } else {
                self.sources.push(config);
            }
        }
    }

    fn read_log(&mut self, table: Table<'_>, mistakes: &Mistakes) {
        self.log.dir = table.text("dir").map(str::to_owned);
        match table.text("key").map(|key| (key, key.strip_prefix("agent:"))) {
            None | Some(("own", _)) => {}
            Some(("agent", _)) => self.log.key = KeySetting::Agent(None),
            Some((_, Some(print))) => match KeyId::parse(print) {
                Some(key) => self.log.key = KeySetting::Agent(Some(key)),
                None => {
                    let hint = "`ssh-add -l` shows them (SHA256:…)";
                    let message = format!("`{print}` is not a key's fingerprint");
                    mistakes.hinted(table.place("key"), &message, hint);
                }
            },
            Some((path, None)) => self.log.key = KeySetting::File(path.to_owned()),
        }
        table.finish();
    }

    fn read_silence(&mut self, table: Table<'_>, mistakes: &Mistakes) {
        let silence = &mut self.silence;
        silence.duration = table.span("duration").unwrap_or(silence.duration);
        if let Some(most) = table.whole("max_alerts", 1, 1_000_000) {
            silence.max_alerts = usize::try_from(most).unwrap_or(silence.max_alerts);
        }
        if let Some(share) = table.number("max_share") {
            if (0.0..=1.0).contains(&share) {
                silence.max_share = share;
            } else {
                mistakes.add(table.place("max_share"), "`max_share` must be from 0 to 1");
            }
        }
        table.finish();
    }
}

const LEVELS: [(&str, Level); 3] =
    [("high", Level::High), ("medium", Level::Medium), ("low", Level::Low)];

fn read_severity(table: &Table<'_>, policy: &mut SeverityPolicy, mistakes: &Mistakes) {
    for (key, rules) in [("impact", &mut policy.impact), ("urgency", &mut policy.urgency)] {
        if table.get(key).is_none() {
            continue;
        }
        rules.clear();
        for rule in table.tables(key) {
            let matchers = rule.matchers("match");
            rule.need("level");
            if let Some(level) = rule.word("level", &LEVELS) {
                rules.push(LevelRule { matchers, level });
            }
            rule.finish();
        }
    }
    let Some(matrix) = table.table("matrix") else { return };
    for (row, (impact, _)) in LEVELS.iter().enumerate() {
        let cells = matrix.texts(impact);
        if matrix.get(impact).is_none() {
            continue;
        }
        if cells.len() != 3 {
            let message =
                format!("`{impact}` must list three severities, for urgency high, medium, low");
            mistakes.add(matrix.place(impact), &message);
            continue;
        }
        for (column, (text, at)) in cells.into_iter().enumerate() {
            match text.parse::<Severity>() {
                Ok(severity) => policy.matrix[row][column] = severity,
                Err(message) => mistakes.add(at, &message),
            }
        }
    }
    matrix.finish();
}

/// Reads a small text file; the sentence says why when it cannot.
pub(super) fn read_capped(path: &Path) -> Result<String, String> {
    use std::io::Read as _;
    let file = std::fs::File::open(path).map_err(|e| format!("cannot be opened: {}", plain(&e)))?;
    let size = file.metadata().map_or(0, |about| about.len()).min(FILE_BYTES as u64);
    // One more than the file has, so that its end is noticed without asking for more memory.
    let mut bytes = Vec::with_capacity(size as usize + 1);
    let limit = FILE_BYTES as u64 + 1;
    file.take(limit)
        .read_to_end(&mut bytes)
        .map_err(|e| format!("cannot be read: {}", plain(&e)))?;
    if bytes.len() > FILE_BYTES {
        return Err("the file is larger than 1 MiB and was not read".into());
    }
    String::from_utf8(bytes).map_err(|_| "the file is not UTF-8 text".into())
}

/// The system's words without the number that only programmers want.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_lowercase()
}

#[cfg(test)]
mod tests;
