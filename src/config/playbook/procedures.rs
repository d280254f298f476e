//! `[[pipeline]]`, `[[procedure]]` and `[[freeze]]` of the playbook: what may be done to production, and
//! through what. Services and objectives are the catalog's and are looked at by `doctor`; everything else
//! that is named here is checked here.

mod judge;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::super::error::{Mistakes, Place};
use super::super::node::{Table, Value};
use super::super::outlet;
use super::super::source::secret;
use super::PlaybookFile;
use crate::connectors::pipelines::config::{Commands, HaproxySocket, PipelineConfig, Way};
use crate::connectors::secret::SecretRef;
use crate::domain::{
    Ask, Form, Freeze, Param, PipelineId, PipelineKind, Procedure, ProcedureId, ProcedureKind,
    RolloutVerb, SafeText, ServerState, ServiceId, SloId, Span, Step, Timestamp, Verify,
};

/// What is always there to be filled in: what ran before the change that is taken back, what runs now, the
/// service, the incident.
const GIVEN: [&str; 4] = ["before", "after", "service", "incident"];

pub(super) fn read(out: &mut PlaybookFile, table: &Table<'_>, mistakes: &Mistakes) {
    let mut named = Named::default();
    for entry in table.tables("pipeline") {
        read_pipeline(out, entry, &mut named, mistakes);
    }
    for entry in table.tables("procedure") {
        read_procedure(out, entry, &mut named, mistakes);
    }
    for entry in table.tables("freeze") {
        read_freeze(out, &entry, mistakes);
        entry.finish();
    }
    named.check(mistakes);
}

/// Names with their places; those of entries that could not be read count as declared.
#[derive(Default)]
struct Named {
    pipelines: BTreeSet<String>,
    procedures: BTreeSet<String>,
    uses: Vec<(&'static str, String, Place)>,
}

impl Named {
    fn check(&self, mistakes: &Mistakes) {
        for (what, name, at) in &self.uses {
            let known = if *what == "pipeline" { &self.pipelines } else { &self.procedures };
            if !known.contains(name) {
                mistakes.unknown(*at, what, name, known.iter().map(String::as_str));
            }
        }
    }
}

fn read_pipeline(out: &mut PlaybookFile, table: Table<'_>, named: &mut Named, mistakes: &Mistakes) {
    let before = mistakes.count();
    let at = table.place("name");
    named.pipelines.extend(table.text("name").map(str::to_owned));
    let id = table.need_text("name").map(PipelineId::new);
    table.need("kind");
    let kinds = PipelineKind::ALL.map(|kind| (kind.name(), kind));
    let Some(kind) = table.word("kind", &kinds) else { return };
    let every = table.span("every").unwrap_or(Span::from_secs(2));
    let way = read_way(&table, kind, mistakes);
    if way.is_some() {
        table.finish();
    }
    let (Some(id), Some(way), true) = (id, way, mistakes.count() == before) else { return };
    if out.playbook.procedures.pipelines.insert(id.clone(), kind).is_some() {
        mistakes.add(at, &format!("there are two pipelines named `{id}`"));
        return;
    }
    out.pipelines.push(PipelineConfig { id, way, every });
}

fn read_way(table: &Table<'_>, kind: PipelineKind, mistakes: &Mistakes) -> Option<Way> {
    let need = |key| table.need_text(key).map(SafeText::new);
    let text = |key| SafeText::new(table.text(key).unwrap_or_default());
    let server = |usual| outlet::server(table, usual, mistakes);
    Some(match kind {
        PipelineKind::Buildbot => Way::Buildbot(server(None)?),
        PipelineKind::Jenkins => Way::Jenkins(server(None)?),
        PipelineKind::GithubActions => {
            let (endpoint, repository) =
                (server(Some("https://api.github.com")), need("repository"));
            Way::GithubActions { endpoint: endpoint?, repository: repository? }
        }
        PipelineKind::Gitlab => {
            let (endpoint, project) = (server(Some("https://gitlab.com/api/v4")), need("project"));
            Way::Gitlab { endpoint: endpoint?, project: project? }
        }
        PipelineKind::Unleash => {
            let project = SafeText::new(table.text("project").unwrap_or("default"));
            Way::Unleash { endpoint: server(None)?, project }
        }
        PipelineKind::Ofrep => Way::Ofrep { endpoint: server(None)?, admin: text("admin") },
        PipelineKind::Argo => {
            let kubectl = program(table.place("kubectl"), table.need_text("kubectl")?, mistakes)?;
            Way::Argo { kubectl, context: text("context") }
        }
        PipelineKind::Haproxy => Way::Haproxy(socket(table, mistakes)?),
        PipelineKind::Command => Way::Command(commands(table, mistakes)?),
        PipelineKind::Judge => {
            let (endpoint, judge) = (server(None), judge::read(table, mistakes));
            Way::Judge { endpoint: endpoint?, judge: judge? }
        }
    })
}

fn program(at: Place, text: &str, mistakes: &Mistakes) -> Option<PathBuf> {
    let path = PathBuf::from(text);
    if path.is_absolute() {
        return Some(path);
    }
    mistakes.hinted(
        at,
        &format!("`{text}` is not an absolute path"),
        "write the whole path: which program is run must not depend on where this is started",
    );
    None
}

fn socket(table: &Table<'_>, mistakes: &Mistakes) -> Option<HaproxySocket> {
    let at = table.place("socket");
    let text = table.need_text("socket")?;
    if text.starts_with('/') {
        return Some(HaproxySocket::Path(PathBuf::from(text)));
    }
    let port = text.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    if port.is_some() {
        return Some(HaproxySocket::Tcp(text.to_owned()));
    }
    let message = format!("`{text}` is neither an absolute path nor host:port");
    mistakes.hinted(at, &message, "write what `stats socket` of HAProxy's configuration says");
    None
}

fn commands(table: &Table<'_>, mistakes: &Mistakes) -> Option<Commands> {
    let before = mistakes.count();
    let allow: Vec<PathBuf> = table
        .texts("allow")
        .into_iter()
        .filter_map(|(text, at)| program(at, text, mistakes))
        .collect();
    if allow.is_empty() && mistakes.count() == before {
        let hint = "list the programs that may be run under `allow`";
        mistakes.hinted(table.at, "this pipeline may run nothing", hint);
    }
    let dir = match table.text("dir") {
        Some(text) => program(table.place("dir"), text, mistakes)?,
        None => PathBuf::from("/"),
    };
    let env = table.table("env").map(|env| read_env(&env, mistakes)).unwrap_or_default();
    let memory = table.whole("memory_mib", 16, 1 << 20).unwrap_or(1_024);
    let memory = u64::try_from(memory).unwrap_or(1_024) << 20;
    (mistakes.count() == before).then_some(Commands { allow, dir, env, memory })
}

/// Names and values; a value is text, or where a secret is kept.
fn read_env(table: &Table<'_>, mistakes: &Mistakes) -> BTreeMap<String, SecretRef> {
    let mut env = BTreeMap::new();
    for (name, at, node) in table.entries() {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(plain) {
            mistakes.add(at, &format!("`{name}` cannot be the name of a variable"));
            continue;
        }
        let value = match &node.value {
            Value::Text(text) => Some(SecretRef::Given(text.clone())),
            _ => secret(node, name, mistakes),
        };
        env.extend(value.map(|value| (name.to_owned(), value)));
    }
    env
}

fn read_procedure(
    out: &mut PlaybookFile,
    table: Table<'_>,
    named: &mut Named,
    mistakes: &Mistakes,
) {
    let before = mistakes.count();
    let at = table.place("name");
    named.procedures.extend(table.text("name").map(str::to_owned));
    let id = table.need_text("name").map(ProcedureId::new);
    let title = table.text("title").map(SafeText::new);
    table.need("kind");
    let kinds = ProcedureKind::ALL.map(|kind| (kind.name(), kind));
    let kind = table.word("kind", &kinds);
    let service = table.need_text("service").map(ServiceId::new);
    let params: Vec<Param> =
        table.tables("param").into_iter().filter_map(|one| read_param(one, mistakes)).collect();
    let known: BTreeSet<&str> =
        params.iter().map(|param| param.name.as_str()).chain(GIVEN).collect();
    let mut steps = Vec::new();
    for step in table.tables("step") {
        steps.extend(read_step(step, &known, named, out, mistakes));
    }
    if table.list("step").is_empty() && mistakes.count() == before {
        mistakes.hinted(table.at, "this procedure has no steps", "add a [[procedure.step]]");
    }
    let texts = |key| -> Vec<SafeText> {
        table.texts(key).into_iter().map(|(text, _)| SafeText::new(text)).collect()
    };
    let mut other = |key: &'static str| {
        let name = table.text(key)?;
        named.uses.push(("procedure", name.to_owned(), table.place(key)));
        Some(ProcedureId::new(name))
    };
    let (undo, backup) = (other("undo"), other("backup"));
    let success = table.number("success").and_then(|share| {
        let sound = (0.0..=1.0).contains(&share);
        if !sound {
            mistakes.add(table.place("success"), "`success` must be from 0 to 1");
        }
        sound.then_some(share)
    });
    let tested = table.text("tested").and_then(|text| {
        let at = table.place("tested");
        day(text).or_else(|| {
            let hint = "write the day as 2026-11-22, or the time in RFC 3339";
            mistakes.hinted(at, &format!("`{text}` is not a day"), hint);
            None
        })
    });
    let verify = read_verify(&table);
    let procedure = Procedure {
        id: id.clone().unwrap_or_default(),
        title: title.unwrap_or_else(|| id.clone().unwrap_or_default().text().clone()),
        kind: kind.unwrap_or(ProcedureKind::Rollback),
        service: service.unwrap_or_default(),
        params,
        steps,
        second_person: table.flag("second_person").unwrap_or(true),
        cancel_window: table.span_or_never("cancel_window").unwrap_or(Span::from_secs(10)),
        expected: table.span("expected"),
        success,
        takes_along: texts("takes_along"),
        irreversible: texts("irreversible"),
        undo,
        backup,
        rung: table.whole("rung", 1, 99).and_then(|rung| u16::try_from(rung).ok()),
        verify,
        owner: SafeText::new(table.text("owner").unwrap_or_default()),
        tested,
    };
    table.finish();
    if mistakes.count() > before {
        return;
    }
    if out.playbook.procedures.procedures.insert(procedure.id.clone(), procedure).is_some() {
        let id = id.unwrap_or_default();
        mistakes.add(at, &format!("there are two procedures named `{id}`"));
    }
}

fn read_verify(table: &Table<'_>) -> Verify {
    let Some(entry) = table.table("verify") else {
        return Verify { window: Span::from_mins(10), ..Verify::default() };
    };
    let verify = Verify {
        slos: entry.texts("slos").into_iter().map(|(text, _)| SloId::new(text)).collect(),
        alerts: entry.matchers("alerts"),
        window: entry.span("window").unwrap_or(Span::from_mins(10)),
    };
    entry.finish();
    verify
}

fn read_param(table: Table<'_>, mistakes: &Mistakes) -> Option<Param> {
    #[derive(Clone, Copy)]
    enum Kind {
        Version,
        Whole,
        Choice,
        Text,
    }
    let at = table.place("name");
    let name = table.need_text("name");
    let kinds = [
        ("version", Kind::Version),
        ("whole", Kind::Whole),
        ("choice", Kind::Choice),
        ("text", Kind::Text),
    ];
    let kind = table.word("form", &kinds).unwrap_or(Kind::Version);
    let form = match kind {
        Kind::Version => Form::Version,
        Kind::Whole => {
            let least = table.whole("least", i64::MIN, i64::MAX).unwrap_or(0);
            let most = table.whole("most", least, i64::MAX).unwrap_or(i64::MAX);
            Form::Whole { least, most }
        }
        Kind::Choice => {
            let of = table.texts("of");
            if of.is_empty() {
                mistakes.add(table.at, "a choice needs the words it is `of`");
            }
            Form::Choice(of.into_iter().map(|(text, _)| SafeText::new(text)).collect())
        }
        Kind::Text => {
            let most = table.whole("most", 1, 1_000).unwrap_or(200);
            Form::Text(u16::try_from(most).unwrap_or(200))
        }
    };
    let default = table.text("default").map(SafeText::new);
    table.finish();
    let name = name?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !name.chars().all(plain) {
        mistakes.add(at, &format!("`{name}` must be of letters, digits and `_`"));
        return None;
    }
    Some(Param { name: SafeText::new(name), form, default })
}

fn read_step(
    table: Table<'_>,
    known: &BTreeSet<&str>,
    named: &mut Named,
    out: &PlaybookFile,
    mistakes: &Mistakes,
) -> Option<Step> {
    let before = mistakes.count();
    let name = table.need_text("pipeline")?;
    named.uses.push(("pipeline", name.to_owned(), table.place("pipeline")));
    let pipeline = PipelineId::new(name);
    let kind = out.playbook.procedures.pipelines.get(&pipeline).copied();
    // An unknown pipeline is told once, and its keys are not called unknown.
    let ask = read_ask(&table, kind?, mistakes)?;
    let title = table.text("title").map_or_else(|| SafeText::new(name), SafeText::new);
    let deadline = table.span("deadline").unwrap_or(Span::from_mins(15));
    let at = table.at;
    table.finish();
    for text in texts_of(&ask) {
        for hole in holes(text) {
            if !known.contains(hole) {
                mistakes.unknown(at, "parameter", hole, known.iter().copied());
            }
        }
    }
    (mistakes.count() == before).then_some(Step { title, pipeline, ask, deadline })
}

fn read_ask(table: &Table<'_>, kind: PipelineKind, mistakes: &Mistakes) -> Option<Ask> {
    let need = |key| table.need_text(key).map(SafeText::new);
    let text = |key| SafeText::new(table.text(key).unwrap_or_default());
    Some(match kind {
        PipelineKind::Buildbot
        | PipelineKind::GithubActions
        | PipelineKind::Gitlab
        | PipelineKind::Jenkins => {
            // GitLab runs a branch, not a job.
            let job = if kind == PipelineKind::Gitlab { text("job") } else { need("job")? };
            let mut params = Vec::new();
            for (name, at, node) in table.table("params").iter().flat_map(Table::entries) {
                match &node.value {
                    Value::Text(value) => {
                        params.push((SafeText::new(name), SafeText::new(value)));
                    }
                    _ => mistakes.add(at, &format!("`{name}` must be text")),
                }
            }
            Ask::Job { job, reference: text("ref"), params }
        }
        PipelineKind::Command => {
            let argv: Vec<SafeText> =
                table.texts("argv").into_iter().map(|(text, _)| SafeText::new(text)).collect();
            let at = table.place("argv");
            program(at, argv.first().map_or("", SafeText::as_str), mistakes)?;
            Ask::Command { argv }
        }
        PipelineKind::Judge => {
            let window = (SafeText::new("window"), need("window")?);
            Ask::Job { job: text("job"), reference: text("ref"), params: vec![window] }
        }
        PipelineKind::Haproxy => {
            let (backend, server) = (need("backend")?, need("server")?);
            let states = [
                ("ready", ServerState::Ready),
                ("drain", ServerState::Drain),
                ("maint", ServerState::Maintenance),
            ];
            match (table.word("state", &states), table.text("weight")) {
                (Some(state), None) => Ask::Server { backend, server, state },
                (None, Some(weight)) => {
                    Ask::Weight { backend, server, weight: SafeText::new(weight) }
                }
                _ => {
                    mistakes.add(table.at, "a step of HAProxy needs either `weight` or `state`");
                    return None;
                }
            }
        }
        PipelineKind::Unleash | PipelineKind::Ofrep => {
            let flag = need("flag")?;
            let on = table.flag("on");
            if on.is_none() && table.get("on").is_none() {
                mistakes.add(table.at, "`on` is missing: true switches the flag on, false off");
            }
            Ask::Flag { flag, environment: text("environment"), on: on? }
        }
        PipelineKind::Argo => {
            let (namespace, name) = (need("namespace")?, need("rollout")?);
            let verbs = [("promote", 0), ("abort", 1), ("undo", 2), ("retry", 3)];
            table.need("verb");
            let verb = match table.word("verb", &verbs)? {
                0 => RolloutVerb::Promote,
                1 => RolloutVerb::Abort,
                2 => RolloutVerb::Undo { revision: text("revision") },
                _ => RolloutVerb::Retry,
            };
            Ask::Rollout { namespace, name, verb }
        }
    })
}

fn read_freeze(out: &mut PlaybookFile, table: &Table<'_>, mistakes: &Mistakes) {
    let title = table.need_text("title").map(SafeText::new);
    let time = |key: &'static str| {
        let (at, text) = (table.place(key), table.need_text(key)?);
        day(text).or_else(|| {
            mistakes.add(at, &format!("`{text}` is neither a day nor a time in RFC 3339"));
            None
        })
    };
    let (from, to) = (time("from"), time("to"));
    let (Some(title), Some(from), Some(to)) = (title, from, to) else { return };
    if to <= from {
        mistakes.add(table.place("to"), "this freeze ends before it begins");
        return;
    }
    out.playbook.procedures.freezes.push(Freeze { title, from, to });
}

/// A day (its first moment in UTC), or a time.
fn day(text: &str) -> Option<Timestamp> {
    let date = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let start = date.and_then(|date| date.and_hms_opt(0, 0, 0));
    start.map_or_else(
        || Timestamp::parse_rfc3339(text),
        |start| Some(Timestamp::from_millis(start.and_utc().timestamp_millis())),
    )
}

/// Every text of an ask in which a parameter may stand.
fn texts_of(ask: &Ask) -> Vec<&str> {
    match ask {
        Ask::Job { job, reference, params } => {
            let values = params.iter().map(|(_, value)| value.as_str());
            [job.as_str(), reference.as_str()].into_iter().chain(values).collect()
        }
        // Which program is run is fixed.
        Ask::Command { argv } => argv.iter().skip(1).map(SafeText::as_str).collect(),
        Ask::Weight { backend, server, weight } => vec![backend, server, weight],
        Ask::Server { backend, server, .. } => vec![backend, server],
        Ask::Flag { flag, environment, .. } => vec![flag, environment],
        Ask::Rollout { namespace, name, verb } => match verb {
            RolloutVerb::Undo { revision } => vec![namespace, name, revision],
            _ => vec![namespace, name],
        },
    }
}

/// The names in `{…}`.
fn holes(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

#[cfg(test)]
mod tests;
