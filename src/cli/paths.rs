//! Where files are: configuration, state, recordings. XDG on Linux, the platform's places elsewhere.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use super::Common;

/// The folders in use.
#[derive(Debug, Clone)]
pub(super) struct Paths {
    /// `config.toml`, `catalog.toml`, `themes/`, `keymaps/`.
    pub(super) config: PathBuf,
    /// The log, the key, view and drafts, the program's own trace.
    pub(super) state: PathBuf,
    /// The configuration file.
    pub(super) config_file: PathBuf,
}

impl Paths {
    /// As given on the command line, else in their usual places.
    pub(super) fn find(common: &Common) -> anyhow::Result<Self> {
        let config = common.config.as_deref();
        let dirs = ProjectDirs::from("", "", "quarterdeck").ok_or_else(|| {
            anyhow::anyhow!("no home folder is known, so there is no place for configuration and state; set HOME")
        })?;
        let folder = match config.and_then(Path::parent) {
            Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
            Some(parent) => parent.to_owned(),
            None => dirs.config_dir().to_owned(),
        };
        Ok(Self {
            config_file: config.map_or_else(|| folder.join("config.toml"), Path::to_owned),
            config: folder,
            state: match &common.state_dir {
                Some(given) => given.clone(),
                None => dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).to_owned(),
            },
        })
    }
}

/// The login name, for those who have not given another.
pub(super) fn login() -> String {
    ["USER", "LOGNAME", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()))
        .unwrap_or_else(|| "someone".into())
}
