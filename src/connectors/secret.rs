//! Credentials: where they come from, and a wrapper that never prints them.
//!
//! The configuration names the place (`{ env = "X" }`, `{ file = "…" }`, `{ command = ["…"] }`,
//! `{ keyring = "…" }`), never the value. The keyring is asked through `secret-tool`, the Secret
//! Service's own command: a keyring crate would bring D-Bus and a second TLS-sized dependency tree
//! for one look-up at start.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use tokio::io::AsyncReadExt as _;

/// Longest a command may take.
const COMMAND_TIME: Duration = Duration::from_secs(5);
/// Most bytes a credential has.
const MOST_BYTES: u64 = 8 * 1024;

/// A credential. Only the HTTP client sees inside; everybody else sees stars.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Wraps a value, without the line break files and commands end with.
    pub fn new(raw: &[u8]) -> Self {
        Self(raw.trim_ascii().to_vec())
    }

    /// The value; for what sends it (HTTP, mail) only.
    pub(in crate::connectors) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Secret {
    // Not a guarantee (copies in TLS buffers remain), but a core dump shows one place fewer.
    fn drop(&mut self) {
        self.0.fill(0);
        std::hint::black_box(&self.0);
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("*****")
    }
}

/// Where a credential is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// An environment variable.
    Env(String),
    /// A file only its owner may read.
    File(PathBuf),
    /// A program that prints it, started without a shell.
    Command(Vec<String>),
    /// As written in the configuration: for headers that are no secret, such as a tenant's name.
    Given(String),
    /// The desktop's keyring.
    Keyring {
        /// Attribute `service`.
        service: String,
        /// Attribute `username`; empty when the entry has none.
        user: String,
    },
}

/// Why a credential could not be had; never holds the credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("The credential from {origin} could not be had: {why}.")]
pub struct SecretError {
    /// Where it was looked for.
    pub origin: String,
    /// What was wrong there, and what to do.
    pub why: String,
}

impl SecretRef {
    /// Where the value comes from, for people; never the value.
    pub fn origin(&self) -> String {
        match self {
            Self::Env(name) => format!("the environment variable {name}"),
            Self::File(path) => format!("the file {}", path.display()),
            // Arguments may be telling; the program alone says enough.
            Self::Command(argv) => {
                format!("the command {}", argv.first().map_or("(none)", String::as_str))
            }
            Self::Given(_) => "the configuration".to_owned(),
            Self::Keyring { service, user } if user.is_empty() => {
                format!("the keyring entry {service}")
            }
            Self::Keyring { service, user } => format!("the keyring entry {service} of {user}"),
        }
    }

    /// Fetches the value anew.
    pub async fn read(&self) -> Result<Secret, SecretError> {
        let secret = match self {
            Self::Env(name) => std::env::var_os(name)
                .map(|value| Secret::new(value.as_encoded_bytes()))
                .ok_or_else(|| "it is not set; export it before starting".to_owned()),
            Self::File(path) => read_file(path),
            Self::Given(text) => Ok(Secret::new(text.as_bytes())),
            Self::Command(argv) => run(argv).await,
            Self::Keyring { service, user } => {
                let mut argv =
                    vec!["secret-tool".into(), "lookup".into(), "service".into(), service.clone()];
                if !user.is_empty() {
                    argv.extend(["username".to_owned(), user.clone()]);
                }
                run(&argv).await
            }
        };
        let wrong = |why: String| SecretError { origin: self.origin(), why };
        let secret = secret.map_err(wrong)?;
        if secret.0.is_empty() {
            return Err(wrong("it is empty".to_owned()));
        }
        Ok(secret)
    }
}

fn read_file(path: &Path) -> Result<Secret, String> {
    use std::os::unix::fs::MetadataExt as _;
    let mut file = std::fs::File::open(path).map_err(|e| io_words(&e))?;
    // Asked of the open file, so that nobody can swap it in between.
    let meta = file.metadata().map_err(|e| io_words(&e))?;
    if !meta.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err("it belongs to another user; make yourself its owner".to_owned());
    }
    if meta.mode() & 0o077 != 0 {
        return Err(format!(
            "its mode is {:04o}, so others may read it; run chmod 600 on it",
            meta.mode() & 0o7777
        ));
    }
    if meta.len() > MOST_BYTES {
        return Err(TOO_LONG.to_owned());
    }
    let mut raw = Vec::new();
    file.by_ref().take(MOST_BYTES).read_to_end(&mut raw).map_err(|e| io_words(&e))?;
    let secret = Secret::new(&raw);
    raw.fill(0);
    Ok(secret)
}

const TOO_LONG: &str = "it is longer than 8 KiB, which no credential is";

async fn run(argv: &[String]) -> Result<Secret, String> {
    let (program, args) = argv.split_first().ok_or("no program is named")?;
    let mut child = tokio::process::Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // What it complains about may hold the credential; it would also tear the screen.
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| format!("{program} cannot be started ({})", io_words(&e)))?;
    let stdout = child.stdout.take().ok_or("its output cannot be read")?;
    let all = async {
        let mut raw = Vec::new();
        stdout.take(MOST_BYTES + 1).read_to_end(&mut raw).await.map_err(|e| io_words(&e))?;
        if raw.len() as u64 > MOST_BYTES {
            return Err(TOO_LONG.to_owned());
        }
        let status = child.wait().await.map_err(|e| io_words(&e))?;
        let secret = Secret::new(&raw);
        raw.fill(0);
        match status.code() {
            Some(0) => Ok(secret),
            Some(code) => Err(format!("it ended with status {code}")),
            None => Err("it was killed".to_owned()),
        }
    };
    tokio::time::timeout(COMMAND_TIME, all)
        .await
        .map_err(|_| "it did not end within 5 s".to_owned())?
}

/// The system's words for an error, without its number.
fn io_words(error: &std::io::Error) -> String {
    use std::io::ErrorKind as Kind;
    match error.kind() {
        Kind::NotFound => "there is no such file".to_owned(),
        Kind::PermissionDenied => "permission was denied".to_owned(),
        kind => kind.to_string(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    env: Option<String>,
    file: Option<PathBuf>,
    command: Option<Vec<String>>,
    keyring: Option<String>,
    user: Option<String>,
}

const HOW: &str = "say where the credential is kept, not the credential itself: { env = \"NAME\" }, \
                   { file = \"/path\" }, { command = [\"program\", \"argument\"] } or { keyring = \"name\", user = \"name\" }";

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = SecretRef;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table that says where the credential is kept")
            }
            // serde's own sentence would quote the value.
            fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<SecretRef, E> {
                Err(E::custom(HOW))
            }
            fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<SecretRef, E> {
                Err(E::custom(HOW))
            }
            fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<SecretRef, E> {
                Err(E::custom(HOW))
            }
            fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<SecretRef, E> {
                Err(E::custom(HOW))
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                map: A,
            ) -> Result<SecretRef, A::Error> {
                let raw = Raw::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                let user = raw.user.clone().unwrap_or_default();
                let found = match (raw.env, raw.file, raw.command, raw.keyring) {
                    (Some(env), None, None, None) => SecretRef::Env(env),
                    (None, Some(file), None, None) => SecretRef::File(file),
                    (None, None, Some(argv), None) if !argv.is_empty() => SecretRef::Command(argv),
                    (None, None, None, Some(service)) => SecretRef::Keyring { service, user },
                    _ => return Err(serde::de::Error::custom(HOW)),
                };
                if raw.user.is_some() && !matches!(found, SecretRef::Keyring { .. }) {
                    return Err(serde::de::Error::custom(HOW));
                }
                Ok(found)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[derive(Debug, Deserialize)]
    struct Holder {
        password: SecretRef,
    }

    fn read(toml: &str) -> Result<SecretRef, String> {
        toml::from_str::<Holder>(toml).map(|h| h.password).map_err(|e| e.message().to_owned())
    }

    #[test]
    fn the_configuration_names_a_place_and_never_a_value() {
        assert_eq!(read(r#"password = { env = "X" }"#), Ok(SecretRef::Env("X".into())));
        assert_eq!(read(r#"password = { file = "/a" }"#), Ok(SecretRef::File("/a".into())));
        assert_eq!(
            read(r#"password = { command = ["pass", "prom"] }"#),
            Ok(SecretRef::Command(vec!["pass".into(), "prom".into()]))
        );
        assert_eq!(
            read(r#"password = { keyring = "prom", user = "ann" }"#),
            Ok(SecretRef::Keyring { service: "prom".into(), user: "ann".into() })
        );
        for bad in [
            r#"password = "hunter2""#,
            r#"password = { env = "A", file = "b" }"#,
            r#"password = {}"#,
            r#"password = 4711"#,
            r#"password = { command = [] }"#,
            r#"password = { env = "A", user = "b" }"#,
        ] {
            let said = read(bad).unwrap_err();
            assert!(said.contains("say where the credential is kept"), "{bad}: {said}");
            assert!(!said.contains("hunter2") && !said.contains("4711"));
        }
    }

    #[test]
    fn a_secret_prints_as_stars() {
        assert_eq!(format!("{:?}", Secret::new(b"hunter2\n")), "*****");
        assert_eq!(Secret::new(b"hunter2\n").expose(), b"hunter2");
    }

    #[tokio::test]
    async fn a_file_others_may_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        std::fs::write(&path, "hunter2\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let place = SecretRef::File(path.clone());
        let said = place.read().await.unwrap_err().to_string();
        assert!(said.contains("its mode is 0644") && said.contains("chmod 600"), "{said}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(place.read().await, Ok(Secret::new(b"hunter2")));
    }

    #[tokio::test]
    async fn a_command_is_trimmed_bounded_and_its_failure_told_without_its_words() {
        let command =
            |script: &str| SecretRef::Command(vec!["sh".into(), "-c".into(), script.into()]);
        assert_eq!(command("echo ' hunter2 '").read().await, Ok(Secret::new(b"hunter2")));
        for (script, why) in [
            ("echo hunter2; exit 3", "it ended with status 3"),
            ("yes hunter2", TOO_LONG),
            ("true", "it is empty"),
        ] {
            let error = command(script).read().await.unwrap_err();
            assert_eq!((error.why.as_str(), error.origin.as_str()), (why, "the command sh"));
        }
        let none = SecretRef::Command(vec!["/nonexistent/program".into()]).read().await;
        assert!(none.unwrap_err().why.contains("cannot be started"));
    }
}
