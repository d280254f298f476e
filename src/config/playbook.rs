//! `playbook.toml`: how this organisation responds. It lies beside `config.toml`, which is one person's,
//! while the playbook is the same for all and may lie in a repository.
//!
//! ```text
//! playbook.toml ── outlet   [[channel]] [[tracker]]
//!       │      ├── response [[person]] [[team]] [[route]] [[cadence]] [[template]] [response]
//!       │      └── procedures [[pipeline]] [[procedure]] [[freeze]]
//!       └─ names that are used and not declared, fallbacks in a circle, pages that reach nobody ─► check
//! ```

mod check;
mod procedures;
mod response;

use std::path::{Path, PathBuf};

use super::error::{ConfigError, Mistakes, Place};
use super::node::{self, Table};
use super::outlet;
use super::settings::read_capped;
use crate::connectors::outbound::config::{ChannelConfig, TrackerConfig, Way};
use crate::connectors::pipelines::config::PipelineConfig;
use crate::domain::{Playbook, SafeText};

/// The file's name, beside `config.toml`.
pub const FILE: &str = "playbook.toml";

/// Everything the file says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PlaybookFile {
    /// What decisions need.
    pub playbook: Playbook,
    /// How each channel is spoken to.
    pub channels: Vec<ChannelConfig>,
    /// How each tracker is spoken to.
    pub trackers: Vec<TrackerConfig>,
    /// How each pipeline is spoken to.
    pub pipelines: Vec<PipelineConfig>,
    /// What was read: the file itself, then templates, for noticing when one changes.
    pub files: Vec<PathBuf>,
}

impl PlaybookFile {
    /// Reads the file in `folder`; without one everything is at its default, and that is no mistake.
    pub fn load(folder: &Path) -> (Self, Vec<ConfigError>) {
        let path = folder.join(FILE);
        let name = path.display().to_string();
        if !path.exists() {
            return (Self { files: vec![path], ..Self::default() }, Vec::new());
        }
        match read_capped(&path) {
            Ok(text) => Self::parse(&text, &name, folder),
            Err(sentence) => {
                let mistakes = Mistakes::new(&name);
                mistakes.add(Place::default(), &sentence);
                (Self { files: vec![path], ..Self::default() }, mistakes.into_errors())
            }
        }
    }

    /// Reads the file's text; `name` is for the messages, `folder` for the templates it names. What could
    /// be read is returned beside the mistakes.
    pub fn parse(text: &str, name: &str, folder: &Path) -> (Self, Vec<ConfigError>) {
        let mistakes = Mistakes::new(name);
        let mut read = Self { files: vec![folder.join(FILE)], ..Self::default() };
        if let Some(root) = node::toml(text, &mistakes)
            && let Some(table) = Table::of(&root, "the file", &mistakes)
        {
            read.read(table, folder, &mistakes);
        }
        (read, mistakes.into_errors())
    }

    fn read(&mut self, table: Table<'_>, folder: &Path, mistakes: &Mistakes) {
        if let Some(version) = table.whole("version", 1, i64::MAX)
            && version > 1
        {
            let message =
                format!("this file is of version {version}, and this Quarterdeck reads version 1");
            mistakes.hinted(table.place("version"), &message, "use a newer Quarterdeck");
            // What a newer version means by its keys is not for us to guess.
            return;
        }
        let mut named = check::Named::default();
        self.read_channels(&table, folder, &mut named, mistakes);
        self.read_trackers(&table, &mut named, mistakes);
        response::read(self, &table, folder, &mut named, mistakes);
        procedures::read(self, &table, mistakes);
        table.finish();
        named.check(&self.playbook, mistakes);
    }

    fn read_channels(
        &mut self,
        table: &Table<'_>,
        folder: &Path,
        named: &mut check::Named,
        mistakes: &Mistakes,
    ) {
        for entry in table.tables("channel") {
            let at = entry.place("name");
            named.channel(entry.text("name"));
            let Some(read) = outlet::channel(entry, folder, mistakes) else { continue };
            if self.channels.iter().any(|channel| channel.id == read.config.id) {
                let message = format!("there are two channels named `{}`", read.config.id);
                mistakes.add(at, &message);
                continue;
            }
            if let Some(fallback) = &read.channel.fallback {
                named.uses_channel(fallback.text().clone(), read.fallback_at);
                named.fallback(read.channel.id.clone(), fallback.clone(), read.fallback_at);
            }
            let personal = matches!(read.config.way, Way::Smtp(_) | Way::Sms { .. });
            if !personal || !read.config.to.is_empty() {
                named.open(read.config.id.clone());
            }
            self.playbook.channels.push(read.channel);
            self.channels.push(read.config);
        }
    }

    fn read_trackers(&mut self, table: &Table<'_>, named: &mut check::Named, mistakes: &Mistakes) {
        for entry in table.tables("tracker") {
            let at = entry.place("name");
            named.tracker(entry.text("name"));
            let Some(config) = outlet::tracker(entry, mistakes) else { continue };
            if self.trackers.iter().any(|tracker| tracker.id == config.id) {
                mistakes.add(at, &format!("there are two trackers named `{}`", config.id));
                continue;
            }
            self.playbook.trackers.push(config.id.clone());
            self.trackers.push(config);
        }
    }
}

/// What is not wrong and yet missing, in sentences for `doctor`.
pub fn gaps(playbook: &Playbook) -> Vec<SafeText> {
    check::gaps(playbook)
}

#[cfg(test)]
mod tests;
