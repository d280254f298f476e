//! The directory, key and origin of a store: private to their owner, made once, never overwritten.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::record::Origin;
use super::signer::Signer;

/// Makes the directory with mode 0700, or refuses one that others can look into.
pub(super) fn private_dir(dir: &Path) -> Result<(), String> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|e| {
        format!(
            "The directory {} for the log could not be made ({e}). Nothing is recorded; choose \
             another with --state-dir, or make it writable for you.",
            dir.display()
        )
    })?;
    private(dir, "700", "The log's directory")
}

/// Refuses what others can read or write; whoever reads the key can sign in your name.
pub(super) fn private(path: &Path, mode: &str, what: &str) -> Result<(), String> {
    let found = fs::metadata(path)
        .map_err(|e| format!("{what} {} cannot be looked at ({e}).", path.display()))?
        .permissions()
        .mode()
        & 0o777;
    if found & 0o077 == 0 {
        return Ok(());
    }
    Err(format!(
        "{what} {} is open to other users (mode {found:03o}), so it is not used and nothing is \
         recorded. Run `chmod {mode} {}` if that is all that is wrong, then start again.",
        path.display(),
        path.display()
    ))
}

/// Refuses a directory for several users that does not keep what is in it among them.
pub(super) fn shared_dir(dir: &Path) -> Result<(), String> {
    let shown = dir.display();
    let make = format!(
        "A directory for a group is made with `install -d -m 2770 -g GROUP {shown}`; then start again."
    );
    let meta = fs::metadata(dir).map_err(|e| {
        format!(
            "The log's shared directory {shown} cannot be used ({e}). Nothing is recorded. {make}"
        )
    })?;
    let mode = meta.permissions().mode() & 0o7777;
    if !meta.is_dir() || mode & 0o002 != 0 {
        return Err(format!(
            "The log's shared directory {shown} can be written by every user (mode {mode:04o}), so it is \
             not used and nothing is recorded. {make}"
        ));
    }
    if mode & 0o2070 != 0o2070 {
        return Err(format!(
            "The log's shared directory {shown} does not belong to a group as it must (mode {mode:04o}, \
             needed 2770), so nothing is recorded. {make}"
        ));
    }
    Ok(())
}

/// The database file, made empty before SQLite opens it: its companions inherit the mode. Private, or
/// `shared` with the group of its directory.
pub(super) fn store_file(path: &Path, shared: bool) -> Result<(), String> {
    let unmade = |e: io::Error| {
        format!(
            "The log {} could not be made ({e}). Nothing is recorded until that is put right.",
            path.display()
        )
    };
    if !path.exists() {
        let mode = if shared { 0o660 } else { 0o600 };
        create_once(path, b"", mode).map_err(unmade)?;
    }
    if !shared {
        return private(path, "600", "The log");
    }
    let mode = fs::metadata(path).map_err(unmade)?.permissions().mode() & 0o777;
    if mode & 0o002 == 0 {
        return Ok(());
    }
    Err(format!(
        "The log {} can be written by every user (mode {mode:03o}), so it is not used and nothing is \
         recorded. Run `chmod 660 {}` if that is all that is wrong, then start again.",
        path.display(),
        path.display()
    ))
}

/// The key in `path`, made there on the first start.
pub(super) fn signing_key(path: &Path) -> Result<Signer, String> {
    let unmade = |e: &dyn std::fmt::Display| {
        format!(
            "The signing key {} could not be made ({e}). Nothing is recorded until that is put right.",
            path.display()
        )
    };
    if !path.exists() {
        let signer = Signer::generate().map_err(|e| unmade(&e))?;
        let text = signer.to_openssh().map_err(|e| unmade(&e))?;
        create_once(path, text.as_bytes(), 0o600).map_err(|e| unmade(&e))?;
    }
    private(path, "600", "The signing key")?;
    let text = fs::read_to_string(path)
        .map_err(|e| format!("The signing key {} cannot be read ({e}).", path.display()))?;
    Signer::from_openssh(&text).map_err(|e| {
        format!(
            "The signing key {} cannot be used: {e}. Nothing is recorded. Put the right file back; \
             or move this one away, and a new key is made at the next start (old records keep \
             their signatures).",
            path.display()
        )
    })
}

/// An OpenSSH key the person has already.
pub(super) fn existing_key(path: &Path) -> Result<Signer, String> {
    let shown = path.display();
    private(path, "600", "The signing key")?;
    let text = fs::read_to_string(path).map_err(|e| {
        format!("The signing key {shown} cannot be read ({e}). Nothing is recorded.")
    })?;
    Signer::from_openssh(&text).map_err(|e| {
        format!(
            "The signing key {shown} cannot be used: {e}. Nothing is recorded. Name an Ed25519 key \
             without passphrase, or load it with `ssh-add` and write `key = \"agent\"` under [log]."
        )
    })
}

/// The user a directory belongs to.
pub(super) fn owner(dir: &Path) -> u32 {
    fs::metadata(dir).map_or(u32::MAX, |meta| std::os::unix::fs::MetadataExt::uid(&meta))
}

/// Who this store is, kept beside the database so that a copied or restored database is noticed.
pub(super) fn read_origin(path: &Path) -> Option<Origin> {
    let text = fs::read_to_string(path).ok()?;
    let text = text.trim();
    let mut origin = [0; 16];
    if text.len() != 32 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in origin.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).ok()?;
    }
    Some(Origin(origin))
}

/// Writes the origin for later starts.
pub(super) fn write_origin(path: &Path, origin: Origin) -> io::Result<()> {
    let text: String = origin.0.iter().map(|b| format!("{b:02x}")).chain(["\n".into()]).collect();
    let temp = temporary(path)?;
    write_new(&temp, text.as_bytes())?;
    fs::rename(&temp, path)?;
    sync_dir(path)
}

/// Puts a whole file in the place of another, for the owner or, `shared`, also for the group to read. Not
/// made durable: for what can be found out again.
pub(super) fn place(path: &Path, content: &[u8], shared: bool) -> io::Result<()> {
    let temp = temporary(path)?;
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temp)?;
        file.write_all(content)?;
        if shared {
            file.set_permissions(fs::Permissions::from_mode(0o640))?;
        }
        fs::rename(&temp, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&temp);
    }
    written
}

/// Makes a folder for the owner or, `shared`, also for the group of the one it is in.
pub(super) fn folder(dir: &Path, shared: bool) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Ok(()) if shared => fs::set_permissions(dir, fs::Permissions::from_mode(0o2770)),
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
        _ => Ok(()),
    }
}

/// 128 random bits.
pub(super) fn random_origin() -> Option<Origin> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).ok()?;
    Some(Origin(bits))
}

/// Of two first starts at once, one makes the file and both use it.
fn create_once(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let temp = temporary(path)?;
    write_new(&temp, content)?;
    fs::set_permissions(&temp, fs::Permissions::from_mode(mode))?;
    let linked = fs::hard_link(&temp, path);
    fs::remove_file(&temp)?;
    match linked {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
        _ => sync_dir(path),
    }
}

fn temporary(path: &Path) -> io::Result<std::path::PathBuf> {
    let mut salt = [0; 8];
    getrandom::fill(&mut salt).map_err(io::Error::other)?;
    Ok(path.with_extension(format!("{:016x}.tmp", u64::from_ne_bytes(salt))))
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn sync_dir(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |dir| fs::File::open(dir)?.sync_all())
}
