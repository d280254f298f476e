//! `quarterdeck audit`: whether every record is as it was written, signed by whom it says, and allowed; and
//! a record with its signature as files that `ssh-keygen -Y verify` checks without us.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::world::World;
use super::{Common, Exit, output};
use crate::eventlog::{
    NAMESPACE, Policy, RecordId, Report, Signers, SqliteLog, parse_allowed_signers,
};

/// What is asked.
#[derive(Debug, Args)]
pub(super) struct Audit {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Check every record, link and signature, and whether the policy allows each.
    Verify {
        /// Keys that may sign, in OpenSSH's allowed-signers form [default: those of policy.toml; without
        /// one, the own key of a log that nobody shares].
        #[arg(long, value_name = "FILE")]
        allowed_signers: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write a record and its signature as two files, and print how ssh-keygen checks them.
    Export {
        /// The record's id, or enough of its beginning.
        record: String,
        /// Where to write them.
        #[arg(long, value_name = "DIR", default_value = ".")]
        out: PathBuf,
    },
    /// Print the key that signs here, as a line for policy.toml or an allowed-signers file.
    Key,
}

pub(super) fn run(common: &Common, audit: &Audit) -> anyhow::Result<Exit> {
    let world = World::load(common)?;
    match &audit.what {
        What::Verify { allowed_signers, json } => verify(&world, allowed_signers.as_deref(), *json),
        What::Export { record, out } => export(&world, record, out),
        What::Key => {
            let log = SqliteLog::open_at(&world.place())
                .map_err(|e| anyhow::anyhow!("{}", e.sentence))?;
            let line = log.public_line().map_err(|sentence| anyhow::anyhow!("{sentence}"))?;
            output::line(&line);
            Ok(Exit::Fine)
        }
    }
}

fn verify(world: &World, allowed: Option<&Path>, json: bool) -> anyhow::Result<Exit> {
    if allowed.is_none() && world.policy.unread {
        anyhow::bail!(
            "policy.toml cannot be read, so who was allowed to write cannot be checked; correct it first, or \
             check the signatures alone against a file of allowed signers"
        );
    }
    let signers = match allowed {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("{} could not be read", path.display()))?;
            let keys = parse_allowed_signers(&text)
                .map_err(|wrong| anyhow::anyhow!("{}: {wrong}", path.display()))?;
            Some(Signers::Dated(keys))
        }
        None => Some(&world.policy).filter(|p| p.keys.is_some()).cloned().map(Signers::Policy),
    };
    let report = SqliteLog::audit_at(&world.place(), signers)
        .map_err(|e| anyhow::anyhow!("{}", e.sentence))?;
    if json {
        output::json(&as_json(&report));
    } else {
        print(&report, &world.policy);
    }
    Ok(if report.is_clean() { Exit::Fine } else { Exit::Attention })
}

fn print(report: &Report, policy: &Policy) {
    report.findings.iter().for_each(|finding| output::line(&finding.to_string()));
    report.places.iter().for_each(|place| output::line(place));
    if !report.file.is_empty() {
        output::line(&format!("the file is damaged: {}", report.file));
    }
    let (records, series) = (output::many(report.records, "record"), report.series);
    let writers = format!("{records} in {series} series");
    if report.is_clean() {
        let allowed = if policy.keys.is_some() { ", and allowed by policy.toml" } else { "" };
        output::line(&format!("whole: {writers}, each linked and signed{allowed}"));
    } else {
        output::line(&format!("not whole: {writers} were read"));
    }
    if report.newer > 0 {
        output::line(&format!(
            "{} of a newer version: whole and signed, but not understood here",
            output::many(report.newer, "record")
        ));
    }
}

fn as_json(report: &Report) -> serde_json::Value {
    let findings: Vec<_> = report
        .findings
        .iter()
        .map(|f| {
            serde_json::json!({
                "fault": format!("{:?}", f.fault),
                "position": f.position.map(|p| p.0),
                "number": f.place.map(|(_, seq)| seq),
                "writer": f.place.map(|(origin, _)| origin.to_string()),
                "incident": f.incident,
                "id": f.id.map(|id| id.to_string()),
                "sentence": f.to_string(),
            })
        })
        .collect();
    let places: Vec<&str> = report.places.iter().map(|p| p.as_str()).collect();
    serde_json::json!({
        "version": 1,
        "clean": report.is_clean(),
        "records": report.records,
        "series": report.series,
        "newer": report.newer,
        "findings": findings,
        "places": places,
        "file": report.file.as_str(),
    })
}

fn export(world: &World, record: &str, out: &Path) -> anyhow::Result<Exit> {
    let sealed =
        SqliteLog::sealed(&world.place(), record).map_err(|e| anyhow::anyhow!("{}", e.sentence))?;
    let signature = sealed
        .signature
        .to_pem()
        .with_context(|| format!("the record {:?} carries no signature", sealed.id))?;
    let message = out.join(name(sealed.id));
    let beside = out.join(format!("{}.sig", name(sealed.id)));
    for (path, content) in [(&message, sealed.signed_bytes()), (&beside, signature.as_bytes())] {
        std::fs::write(path, content)
            .with_context(|| format!("{} could not be written", path.display()))?;
    }
    let recorded = sealed.recorded();
    let (key, at) = (recorded.key, recorded.at.rfc3339());
    output::line(&format!(
        "record {}, by {} at {at}, signed with {key}",
        sealed.id, recorded.actor
    ));
    output::line(&format!(
        "ssh-keygen -Y verify -f ALLOWED_SIGNERS -I PERSON -n {NAMESPACE} -s {} < {}",
        beside.display(),
        message.display()
    ));
    Ok(Exit::Fine)
}

fn name(id: RecordId) -> String {
    format!("{id:?}.record")
}
