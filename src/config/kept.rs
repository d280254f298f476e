//! The catalog as it was last understood, kept beside the log: ten thousand services are two
//! megabytes of TOML, and a console is opened in a hurry.
//!
//! What is kept stands for exactly the files it was made of. Before it are 32 bytes: the SHA-256 of
//! the program, the names of the sources, every file's name and text, runbooks included, and of what is
//! kept itself. Anything else (a changed file, another program, a damaged or foreign file) is as good as
//! nothing kept: the files are read as if for the first time. A catalog with a mistake is not kept, so
//! that every mistake is told by its place each time.
//!
//! It is read on threads of its own, in two parts, while the files are read and the seal is made of them:
//! each takes about as long, and what was read for nothing is thrown away.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::thread::JoinHandle;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::catalog::ReadFile;
use super::settings::read_capped;
use crate::domain::{
    Catalog, Consensus, EdgeQueries, MaintenanceWindow, Replication, Resource, Service, ServiceId,
    Slo, SourceId, Vendor,
};

const SEAL: usize = 32;
/// Fifty times what ten thousand services need.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// Ids are left out of the maps: each is in what it names, and its text is shared that way. Services are
/// in two parts before it.
#[derive(Deserialize)]
struct Kept {
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
    slos: Vec<&'a Slo>,
    windows: &'a [MaintenanceWindow],
    resources: Vec<&'a Resource>,
    consensus: Vec<&'a Consensus>,
    replication: Vec<&'a Replication>,
    vendors: Vec<&'a Vendor>,
    edges: Vec<&'a EdgeQueries>,
}

/// What is kept, on its way from the disk.
pub(super) struct Coming(Option<JoinHandle<Option<Come>>>);

/// What was kept, whatever it was made of.
struct Come {
    seal: Vec<u8>,
    /// Of what comes after the seal.
    digest: [u8; SEAL],
    runbooks: Vec<String>,
    catalog: Catalog,
}

/// Begins to read what is kept.
pub(super) fn begin(path: &Path) -> Coming {
    let path = path.to_owned();
    let read = move || {
        let bytes = read(&path)?;
        let (seal, kept) = bytes.split_at_checked(SEAL)?;
        let (runbooks, catalog) = opened(kept)?;
        Some(Come { seal: seal.to_vec(), digest: Sha256::digest(kept).into(), runbooks, catalog })
    };
    Coming(std::thread::Builder::new().name("catalog".into()).spawn(read).ok())
}

impl Coming {
    /// The catalog that was made of these files, and the runbooks that were read for it.
    pub(super) fn take<'a>(
        self,
        base: &Path,
        sources: &[SourceId],
        files: impl Iterator<Item = &'a ReadFile>,
    ) -> Option<(Catalog, Vec<ReadFile>)> {
        let mut hash = begun(sources, files)?;
        let come = self.0?.join().ok()??;
        // The names of the runbooks are kept, since they belong to what is sealed.
        let runbooks: Option<Vec<ReadFile>> = come
            .runbooks
            .into_iter()
            .map(|name| Some((name.clone(), read_capped(&base.join(name)).ok()?)))
            .collect();
        let runbooks = runbooks?;
        runbooks.iter().for_each(|file| hash_file(&mut hash, file));
        (sealed(hash, &come.digest)[..] == come.seal).then_some((come.catalog, runbooks))
    }
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
    let services: Vec<&Service> = catalog.services.values().collect();
    let (first, second) = services.split_at(services.len() / 2);
    let keeping = Keeping {
        slos: catalog.slos.values().collect(),
        windows: &catalog.windows,
        resources: catalog.resources.values().collect(),
        consensus: catalog.consensus.values().collect(),
        replication: catalog.replication.values().collect(),
        vendors: catalog.vendors.values().collect(),
        edges: catalog.edges.values().collect(),
    };
    let parts = (postcard::to_stdvec(first), postcard::to_stdvec(second));
    let (Ok(first), Ok(second)) = parts else { return };
    let Ok(kept) = postcard::to_stdvec(&(names, first, second, keeping)) else { return };
    // What would not come back as it was (a runbook cut at its end is cut again) is read each time.
    if opened(&kept).as_ref().map(|(_, catalog)| catalog) != Some(catalog) {
        return;
    }
    let Some(hash) = begun(sources, files.chain(runbooks)) else { return };
    let seal = sealed(hash, &Sha256::digest(&kept).into());
    if let Err(error) = replace(path, &[&seal[..], &kept].concat()) {
        tracing::debug!(%error, "the catalog is not kept");
    }
}

/// The names of the runbooks, and the catalog.
fn opened(kept: &[u8]) -> Option<(Vec<String>, Catalog)> {
    fn services(part: &[u8]) -> Option<Vec<(ServiceId, Service)>> {
        let services: Vec<Service> = postcard::from_bytes(part).ok()?;
        Some(services.into_iter().map(|s| (s.id.clone(), s)).collect())
    }
    type Head<'a> = (Vec<String>, &'a [u8], &'a [u8]);
    let ((names, first, second), rest) = postcard::take_from_bytes::<Head<'_>>(kept).ok()?;
    let (first, second, kept) = std::thread::scope(|scope| {
        let second = scope.spawn(|| services(second));
        let first = services(first)?;
        let kept: Kept = postcard::from_bytes(rest).ok()?;
        Some((first, second.join().ok()??, kept))
    })?;
    // In order already, so that the maps are built in one go.
    let catalog = Catalog {
        services: first.into_iter().chain(second).collect(),
        slos: kept.slos.into_iter().map(|s| (s.id.clone(), s)).collect(),
        windows: kept.windows,
        resources: kept.resources.into_iter().map(|r| (r.id.clone(), r)).collect(),
        consensus: kept.consensus.into_iter().map(|c| (c.id.clone(), c)).collect(),
        replication: kept.replication.into_iter().map(|r| (r.id.clone(), r)).collect(),
        vendors: kept.vendors.into_iter().map(|v| (v.id.clone(), v)).collect(),
        edges: kept.edges.into_iter().map(|e| (e.id.clone(), e)).collect(),
    };
    Some((names, catalog))
}

fn hash_part(hash: &mut Sha256, part: &[u8]) {
    hash.update((part.len() as u64).to_le_bytes());
    hash.update(part);
}

fn hash_file(hash: &mut Sha256, (name, text): &ReadFile) {
    hash_part(hash, name.as_bytes());
    hash_part(hash, text.as_bytes());
}

/// What stands for this program, these sources and files.
fn begun<'a>(sources: &[SourceId], files: impl Iterator<Item = &'a ReadFile>) -> Option<Sha256> {
    let mut hash = Sha256::new();
    // Another build may read the same files in another way.
    let program = std::env::current_exe().and_then(std::fs::metadata).ok()?;
    hash_part(&mut hash, env!("CARGO_PKG_VERSION").as_bytes());
    for number in
        [program.ino() as i64, program.len() as i64, program.mtime(), program.mtime_nsec()]
    {
        hash_part(&mut hash, &number.to_le_bytes());
    }
    hash_part(&mut hash, &(sources.len() as u64).to_le_bytes());
    for source in sources {
        hash_part(&mut hash, source.as_str().as_bytes());
    }
    files.for_each(|file| hash_file(&mut hash, file));
    Some(hash)
}

/// And for what was made of them.
fn sealed(mut hash: Sha256, digest: &[u8; SEAL]) -> [u8; SEAL] {
    hash_part(&mut hash, digest);
    hash.finalize().into()
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
