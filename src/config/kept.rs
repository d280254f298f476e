//! The catalog as it was last understood, kept beside the log: ten thousand services are two
//! megabytes of TOML, and a console is opened in a hurry.
//!
//! What is kept stands for exactly the files it was made of. Before it are 32 bytes: the SHA-256 of
//! the program, the names of the sources, every file's name and text, runbooks included, and of what is
//! kept itself. Anything else (a changed file, another program, a damaged or foreign file) is as good as
//! nothing kept: the files are read as if for the first time. A catalog with a mistake is not kept, so
//! that every mistake is told by its place each time.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::catalog::ReadFile;
use super::settings::read_capped;
use crate::domain::{
    Catalog, Consensus, EdgeQueries, MaintenanceWindow, Replication, Resource, Service, Slo,
    SourceId, Vendor,
};

const SEAL: usize = 32;
/// Fifty times what ten thousand services need.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// Ids are left out of the maps: each is in what it names, and its text is shared that way.
#[derive(Deserialize)]
struct Kept {
    services: Vec<Service>,
    slos: Vec<Slo>,
    windows: Vec<MaintenanceWindow>,
    resources: Vec<Resource>,
    consensus: Vec<Consensus>,
    replication: Vec<Replication>,
    vendors: Vec<Vendor>,
    edges: Vec<EdgeQueries>,
}

/// As [`Kept`], without a copy.
#[derive(Serialize)]
struct Keeping<'a> {
    services: Vec<&'a Service>,
    slos: Vec<&'a Slo>,
    windows: &'a [MaintenanceWindow],
    resources: Vec<&'a Resource>,
    consensus: Vec<&'a Consensus>,
    replication: Vec<&'a Replication>,
    vendors: Vec<&'a Vendor>,
    edges: Vec<&'a EdgeQueries>,
}

/// The catalog that was made of these files, and the runbooks that were read for it.
pub(super) fn take<'a>(
    path: &Path,
    base: &Path,
    sources: &[SourceId],
    files: impl Iterator<Item = &'a ReadFile>,
) -> Option<(Catalog, Vec<ReadFile>)> {
    let bytes = read(path)?;
    let (seal, kept) = bytes.split_at_checked(SEAL)?;
    // The names of the runbooks alone, since they belong to what is sealed.
    let (names, rest) = postcard::take_from_bytes::<Vec<String>>(kept).ok()?;
    let runbooks: Option<Vec<ReadFile>> = names
        .into_iter()
        .map(|name| Some((name.clone(), read_capped(&base.join(name)).ok()?)))
        .collect();
    let runbooks = runbooks?;
    let mut all: Vec<&ReadFile> = files.collect();
    all.extend(&runbooks);
    if sealed(sources, &all, kept)? != seal {
        return None;
    }
    Some((opened(rest)?, runbooks))
}

/// Keeps the catalog made of these files. That it cannot be kept is nobody's concern: it costs the next
/// start a moment.
pub(super) fn put<'a>(
    path: &Path,
    sources: &[SourceId],
    files: impl Iterator<Item = &'a ReadFile>,
    runbooks: &'a [ReadFile],
    catalog: &Catalog,
) {
    let names: Vec<&str> = runbooks.iter().map(|(name, _)| name.as_str()).collect();
    let keeping = Keeping {
        services: catalog.services.values().collect(),
        slos: catalog.slos.values().collect(),
        windows: &catalog.windows,
        resources: catalog.resources.values().collect(),
        consensus: catalog.consensus.values().collect(),
        replication: catalog.replication.values().collect(),
        vendors: catalog.vendors.values().collect(),
        edges: catalog.edges.values().collect(),
    };
    let Ok(kept) = postcard::to_stdvec(&(names, keeping)) else { return };
    // What would not come back as it was (a runbook cut at its end is cut again) is read each time.
    let again = postcard::take_from_bytes::<Vec<String>>(&kept).ok();
    if again.and_then(|(_, rest)| opened(rest)).as_ref() != Some(catalog) {
        return;
    }
    let all: Vec<&ReadFile> = files.chain(runbooks).collect();
    let Some(seal) = sealed(sources, &all, &kept) else { return };
    if let Err(error) = replace(path, &[&seal[..], &kept].concat()) {
        tracing::debug!(%error, "the catalog is not kept");
    }
}

fn opened(kept: &[u8]) -> Option<Catalog> {
    let kept: Kept = postcard::from_bytes(kept).ok()?;
    // In order already, so that the maps are built in one go.
    Some(Catalog {
        services: kept.services.into_iter().map(|s| (s.id.clone(), s)).collect(),
        slos: kept.slos.into_iter().map(|s| (s.id.clone(), s)).collect(),
        windows: kept.windows,
        resources: kept.resources.into_iter().map(|r| (r.id.clone(), r)).collect(),
        consensus: kept.consensus.into_iter().map(|c| (c.id.clone(), c)).collect(),
        replication: kept.replication.into_iter().map(|r| (r.id.clone(), r)).collect(),
        vendors: kept.vendors.into_iter().map(|v| (v.id.clone(), v)).collect(),
        edges: kept.edges.into_iter().map(|e| (e.id.clone(), e)).collect(),
    })
}

/// What stands for this program, these sources and files, and what was made of them.
fn sealed(sources: &[SourceId], files: &[&ReadFile], kept: &[u8]) -> Option<[u8; SEAL]> {
    let mut hash = Sha256::new();
    let mut add = |part: &[u8]| {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    };
    // Another build may read the same files in another way.
    let program = std::env::current_exe().and_then(std::fs::metadata).ok()?;
    add(env!("CARGO_PKG_VERSION").as_bytes());
    for number in
        [program.ino() as i64, program.len() as i64, program.mtime(), program.mtime_nsec()]
    {
        add(&number.to_le_bytes());
    }
    add(&(sources.len() as u64).to_le_bytes());
    for source in sources {
        add(source.as_str().as_bytes());
    }
    for (name, text) in files {
        add(name.as_bytes());
        add(text.as_bytes());
    }
    add(kept);
    Some(hash.finalize().into())
}

/// The whole file, if it is our own and nobody else could have written it.
fn read(path: &Path) -> Option<Vec<u8>> {
    let file = std::fs::File::open(path).ok()?;
    let about = file.metadata().ok()?;
    let ours = about.uid() == rustix::process::geteuid().as_raw() && about.mode() & 0o077 == 0;
    if !ours || !about.is_file() || about.len() > MOST_BYTES {
        return None;
    }
    let mut bytes = Vec::with_capacity(usize::try_from(about.len()).ok()? + 1);
    file.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Puts a whole file in the place of another. It may get lost with the power: its seal would tell.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let temp = path.with_extension(format!("{}.tmp", std::process::id()));
    let _ = std::fs::remove_file(&temp);
    let written = (|| {
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temp)?;
        file.write_all(bytes)?;
        std::fs::rename(&temp, path)
    })();
    written.inspect_err(|_| {
        let _ = std::fs::remove_file(&temp);
    })
}

#[cfg(test)]
mod tests;
