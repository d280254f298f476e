//! Where a log is kept, who else may use it, and with which key this person signs.

use std::path::{Path, PathBuf};

use crate::domain::Timestamp;

use super::signer::{KeyError, KeyId, Signer};
use super::{Denied, LogEvent, Policy, Power, files};

/// The private directory: key, origin, and what this person has verified.
const KEY: &str = "signing-key";

/// Where a log is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The person's own directory, closed to everybody else.
    pub private: PathBuf,
    /// The directory shared with other users of this host, if there is one; else the log is in `private`.
    pub shared: Option<PathBuf>,
    /// Which key signs.
    pub key: KeyChoice,
    /// Who may do what; nothing is written that its readers would refuse.
    pub policy: Policy,
}

/// Which key signs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum KeyChoice {
    /// One of our own, made on the first start.
    #[default]
    Own,
    /// An existing OpenSSH private key without passphrase.
    File(PathBuf),
    /// One that an SSH agent holds.
    Agent {
        /// Where the agent listens; `None` when nobody said so.
        socket: Option<PathBuf>,
        /// Which; `None` is its only Ed25519 key.
        key: Option<KeyId>,
    },
}

impl Place {
    /// Everything in one private directory, with a key of its own.
    pub fn alone(dir: &Path) -> Self {
        Self {
            private: dir.to_owned(),
            shared: None,
            key: KeyChoice::Own,
            policy: Policy::default(),
        }
    }

    /// The directory of the database.
    pub fn store(&self) -> &Path {
        self.shared.as_deref().unwrap_or(&self.private)
    }

    /// The file of our own key.
    pub(super) fn own_key(&self) -> PathBuf {
        self.private.join(KEY)
    }

    /// The key to sign with, or the sentence why there is none.
    pub(super) fn signer(&self) -> Result<Signer, String> {
        match &self.key {
            KeyChoice::Own => files::signing_key(&self.own_key()),
            KeyChoice::File(path) => files::existing_key(path),
            KeyChoice::Agent { socket: None, .. } => Err(
                "Records are to be signed by an SSH agent, but SSH_AUTH_SOCK is not set. Everything can be \
                 read and nothing can be recorded; start an agent, or log in with agent forwarding, and \
                 start again."
                    .to_owned(),
            ),
            KeyChoice::Agent { socket: Some(socket), key } => {
                Signer::from_agent(socket, *key).map_err(|why| lacking(why, *key))
            }
        }
    }
}

/// Why nothing is recorded under a policy file of which nothing could be read.
pub const UNREAD: &str = "policy.toml cannot be read, so whose word counts cannot be judged: what is recorded is shown, \
    and nothing more is recorded or done. Correct the file; `quarterdeck doctor` says where it is wrong.";

impl Place {
    /// Whether every reader will count these facts, or the sentence why not.
    pub(super) fn allows(
        &self,
        key: KeyId,
        at: Timestamp,
        events: &[LogEvent],
    ) -> Result<(), String> {
        if self.policy.unread {
            return Err(UNREAD.to_owned());
        }
        let denied = |event| self.policy.allows(key, Power::needed(event), at).err();
        let Some(why) = events.iter().find_map(denied) else { return Ok(()) };
        let why = match why {
            Denied::UnknownKey => "is not in it".to_owned(),
            Denied::Revoked => "is revoked in it".to_owned(),
            Denied::Lacks(power) => format!("lacks the power `{}`", power.name()),
        };
        Err(format!(
            "The policy does not allow this: your key {key} {why}. Nothing was recorded and nothing else is \
             affected. Ask whoever keeps policy.toml."
        ))
    }
}

fn lacking(why: KeyError, key: Option<KeyId>) -> String {
    let wanted = key.map_or_else(String::new, |key| format!(" ({key})"));
    let next = match why {
        KeyError::AgentHoldsSeveral => {
            "Name one under [log] as `key = \"agent:SHA256:…\"`; `ssh-add -l` shows them"
        }
        KeyError::AgentLacksKey => "Unlock it, or add the key with `ssh-add`, and save again",
        _ => "`ssh-add -l` shows whether it answers; save again when it does",
    };
    format!(
        "Records cannot be signed: {why}{wanted}. Everything can be read, what was saved before is safe, and \
         nothing can be recorded until then. {next}."
    )
}
