//! What `doctor` says of what may be done to production: whether pipelines can be had, and whether what procedures
//! name is there. A rollback that cannot run, or that nothing watches, is better known before it is needed.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::super::output::many;
use super::super::world::World;
use super::Checks;
use super::response::credentials;
use crate::config::policy::FILE;
use crate::connectors::pipelines::config::{HaproxySocket, Way};
use crate::domain::{Procedure, SafeText};

pub(super) async fn check(world: &World, checks: &mut Checks) {
    policy(world, checks);
    for pipeline in &world.playbook.pipelines {
        let what = format!("pipeline {}", pipeline.id);
        let (good, found) = match &pipeline.way {
            Way::Command(commands) => {
                let programs = commands.allow.iter().map(|path| program(path));
                let wrong = programs.chain([folder(&commands.dir)]).find_map(Result::err);
                let count = many(commands.allow.len(), "program");
                wrong.map_or((true, format!("{count} of this host")), |wrong| (false, wrong))
            }
            Way::Argo { kubectl, .. } => match program(kubectl) {
                Ok(()) => (true, format!("{} is there", kubectl.display())),
                Err(wrong) => (false, wrong),
            },
            Way::Haproxy(HaproxySocket::Path(path)) if !path.exists() => {
                (false, format!("there is no socket at {}; check its path", path.display()))
            }
            Way::Haproxy(HaproxySocket::Path(path)) => (true, path.display().to_string()),
            Way::Haproxy(HaproxySocket::Tcp(address)) => (true, address.clone()),
            way => (true, way.endpoint().map_or_else(String::new, |one| one.address().to_string())),
        };
        checks.add(&what, good, format!("{} at {found}", pipeline.way.kind().name()));
        credentials(&what, pipeline.credentials(), checks).await;
    }
    let all = &world.playbook.playbook.procedures.procedures;
    for procedure in all.values() {
        let what = format!("procedure {}", procedure.id);
        let wrong = gaps(world, procedure);
        if wrong.is_empty() {
            let steps = many(procedure.steps.len(), "step");
            let watched = if procedure.verify.slos.is_empty() && procedure.verify.alerts.is_empty()
            {
                "nothing is watched afterwards, so whether it helped stays unknown"
            } else {
                "watched afterwards"
            };
            checks.add(
                &what,
                true,
                format!("{} of {}, {steps}; {watched}", procedure.kind.name(), procedure.service),
            );
        }
        wrong.into_iter().for_each(|found| checks.add(&what, false, found));
    }
}

/// What a procedure names and nothing declares.
fn gaps(world: &World, procedure: &Procedure) -> Vec<String> {
    let mut gaps = Vec::new();
    if !world.catalog.services.contains_key(&procedure.service) {
        gaps.push(format!(
            "the catalog knows no service {}; its card can say nothing of it",
            procedure.service
        ));
    }
    let unknown = procedure.verify.slos.iter().filter(|slo| !world.catalog.slos.contains_key(*slo));
    gaps.extend(unknown.map(|slo| {
        format!("the catalog knows no objective {slo}; whether it helped would stay unknown")
    }));
    gaps
}

/// Whether a program is there and can be run.
fn program(path: &Path) -> Result<(), String> {
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_file() && meta.permissions().mode() & 0o111 != 0 => Ok(()),
        Ok(_) => Err(format!("{} cannot be run; look at its mode", path.display())),
        Err(error) => Err(format!("{} is not there: {error}", path.display())),
    }
}

fn folder(path: &Path) -> Result<(), String> {
    if path.is_dir() {
        return Ok(());
    }
    Err(format!("there is no folder {} to run it in; check `dir`", path.display()))
}

fn policy(world: &World, checks: &mut Checks) {
    let path = world.paths.config.join(FILE);
    match &world.policy.keys {
        None if world.policy.unread => {
            let text = format!(
                "{} cannot be read, so nothing is recorded until it is corrected",
                path.display()
            );
            checks.add("policy", false, text);
        }
        None => checks.add(
            "policy",
            true,
            format!("none at {}; everybody may do everything, alone", path.display()),
        ),
        Some(keys) => {
            let mut people: Vec<&SafeText> = keys.values().map(|grant| &grant.person).collect();
            people.sort_unstable();
            people.dedup();
            let (keys, people) = (many(keys.len(), "key"), people.len());
            let whose =
                if people == 1 { "1 person".to_owned() } else { format!("{people} people") };
            checks.add("policy", people > 0, format!("{}: {keys} of {whose}", path.display()));
        }
    }
}
