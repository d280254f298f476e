//! The command line: what can be asked for, and where each answer is made.
//!
//! Subcommands read the same files, ask the same sources through the same connectors and use the same
//! model as the screens; they print instead of drawing. Completions and the manual page come from the
//! definitions below.

mod action;
mod alerts;
mod audit;
mod capacity;
mod changes;
mod channels;
mod console;
mod doctor;
mod exit;
mod gather;
mod generate;
mod incident;
mod init;
mod map;
mod outbox;
mod output;
mod paths;
mod postmortem;
mod promql;
mod record;
mod slo;
mod status;
mod suspects;
mod verbs;
mod whatif;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

pub use exit::Exit;

/// A full-screen terminal console for incident command.
#[derive(Debug, Parser)]
#[command(name = "quarterdeck", version, about, long_about = LONG, after_help = EXITS, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    look: Look,
    /// Keep what the sources answer in a recording, for `quarterdeck demo FILE` later.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Sub>,
}

/// Exit codes, the same for every subcommand.
const EXITS: &str = "Exit codes:\n  \
    0  as asked; where something was to be judged: every source answered, all is well\n  \
    1  answered, but something needs attention or a source did not answer\n  \
    2  it could not be done; standard error says why";

/// What the questions for scripts print with --json.
const STATUS_JSON: &str = "With --json, one object; keys may be added, never change their meaning:\n  \
    version   1\n  \
    at        when it was asked (RFC 3339)\n  \
    complete  whether every source answered; when false, what is missing below is unknown, not well\n  \
    headline  the worst firing group in one line, or null\n  \
    alerts    numbers: firing, muted, acknowledged, stale, lost; null while no Alertmanager answers\n  \
    groups    as `groups` of `quarterdeck alerts --json`\n  \
    incidents what goes on, as `quarterdeck incidents --json`\n  \
    slos      as `slos` of `quarterdeck slo --json`\n  \
    sources   name, kind, site, address, version, state (fresh, stale, failing, no answer), last_good,\n            \
    latency_ms, clock_offset_ms, clock_bound_ms, error (a sentence, or null)";
const SLO_JSON: &str = "With --json, one object: version (1), at, complete, sources (as in status), and\n  \
    slos  slo, service, objective (0.999), period, verdict (page, ticket, spent, burning, low traffic,\n        \
    no traffic, no data, unknown, fine), budget_left (1 untouched, 0 spent, below 0 overspent),\n        \
    burn (by window: 1 spends the budget in one period), conditions (urgency, long, short, factor,\n        \
    holds: true, false or \"unknown\"), exhausted_in_seconds (a number, \"lasts\" or \"unknown\"), at\n\n\
    A figure that cannot be had is a word instead of a number: \"no data\", \"NaN\" (no traffic),\n\
    \"unknown\", \"infinite\".";
const CAPACITY_JSON: &str = "With --json, one object: version (1), at, complete, sources (as in status), and\n  \
    gauges         resource, title, service, kind, labels, state (full, runs out, short, unknown, steady), says,\n                 \
    why_unknown, used, limit, share, per_hour, age_seconds, stale, earliest, expected, latest (when it\n                 \
    is full), method, seasons_seconds, backtest (error, mase, smape, coverage, readings), cautions\n  \
    single_points  service, replicas, takes_down, entries\n  \
    shared_limits  resource, service, drawn_by, takes_down, degrades\n  \
    consensus, replication, vendors, recovery\n  \
    coverage       service, unwatched, lacking, cells (each seen, declared, silent or missing)\n\n\
    What is not known is null or a word, never zero.";
const WHATIF_JSON: &str = "With --json, one object: version (1), at, complete, sources (as in status), and\n  \
    supposed   what was asked\n  \
    refused    why it must not be done on purpose, or null\n  \
    first      the first resource that breaks, as in resources, or null\n  \
    anyway     the first that breaks without it, or null\n  \
    says       the first in a sentence\n  \
    down       services that stop\n  \
    load       service, times\n  \
    resources  resource, labels, breaks (at once, later, holds, unknown), after_seconds, times, used,\n             \
    share, headroom, path\n  \
    assumed    sentences";
const ALERTS_JSON: &str = "With --json, one object: version (1), at, complete, sources (as in status), and\n  \
    groups  title, site, severity (SEV-1 to SEV-5), reason, active, silenced, inhibited, lost_sight_of\n          \
    (numbers of alerts), since, service, owner, runbook, acknowledged_by, acknowledged_at, summary,\n          \
    alerts (labels, state, since, generator); what is not known is null";
const SUSPECTS_JSON: &str = "With --json, one object: version (1), at, complete, sources (as in status), and\n  \
    concern   what hurts most: service, slo (or null), why, since; null when nothing does\n  \
    verdict   what is to be said about the list as a whole; null without readings\n  \
    suspects  best first: service, change (null, or kind, title, at), score, stands_out, path (services\n            \
    from where it hurts to the suspect), terms (kind, value, weight, sentence; the score is the\n            \
    product of the weights), folded (service, reason: who only passes on what this one does)";

const CHANGES_JSON: &str = "With --json, one object: version (1), at, complete, sources (as in status), and\n  \
    onset     when what hurts began, or null\n  \
    changes   newest first: source, id, at, lag_seconds (below 0: before the onset; null without one),\n            \
    on_path (of a service compared for what hurts), kind (deploy, merge, flag, config, scale,\n            \
    migration), service, title, author, reviewed (names; [] nobody, null not known), before, after,\n            \
    state (running, done, failed, undone or null), size (added, deleted, files, paths, or null),\n            \
    with (what else went out), url\n  \
    left_out  source, lines (what could not be read of it)";

const LONG: &str = "A full-screen terminal console for incident command.\n\n\
    Without a subcommand it opens on the configured sources. `quarterdeck demo` needs no \
    configuration; `quarterdeck init` writes one.";

/// Which configuration is meant.
#[derive(Debug, Clone, Args)]
struct Common {
    /// Configuration file [default: config.toml in Quarterdeck's configuration folder].
    #[arg(long, global = true, value_name = "FILE", env = "QUARTERDECK_CONFIG")]
    config: Option<PathBuf>,
    /// Folder of the log, its key and what else is kept [default: Quarterdeck's state folder].
    #[arg(long, global = true, value_name = "DIR", env = "QUARTERDECK_STATE_DIR")]
    state_dir: Option<PathBuf>,
    /// Who is at the keyboard [default: `me` of the configuration, else the login name].
    #[arg(long = "as", global = true, value_name = "NAME")]
    me: Option<String>,
}

/// How the console looks and what it may do.
#[derive(Debug, Clone, Args)]
struct Look {
    /// Theme: dark, light, contrast, colorblind, ansi16, mono, or one of your own.
    #[arg(long, global = true, value_name = "NAME")]
    theme: Option<String>,
    /// Keymap: default, emacs, arrows, or one of your own.
    #[arg(long, global = true, value_name = "NAME")]
    keymap: Option<String>,
    /// Only ASCII characters.
    #[arg(long, global = true)]
    ascii: bool,
    /// Look, but record and change nothing.
    #[arg(long, global = true)]
    read_only: bool,
}

#[derive(Debug, Subcommand)]
enum Sub {
    /// A recorded outage of a small shop, playing live; needs no configuration and no network.
    Demo(Demo),
    /// Ask for sources, test each answer, write config.toml and catalog.toml.
    Init(init::Init),
    /// Print every path, source, credential origin and state, and what to do about each problem.
    #[command(after_help = EXITS)]
    Doctor(Asking),
    /// Print the bridge: worst budgets, firing groups, sources. With words it moves the incident:
    /// `status identified the deploy of 14:02`.
    #[command(after_help = EXITS, after_long_help = help(STATUS_JSON))]
    Status(Status),
    /// Print objectives: budget left, burn per window, conditions, exhaustion.
    #[command(after_help = EXITS, after_long_help = help(SLO_JSON))]
    Slo(slo::Ask),
    /// Print what runs out next, when at the earliest, and what stands behind the services.
    #[command(after_help = EXITS, after_long_help = help(CAPACITY_JSON))]
    Capacity(capacity::Ask),
    /// Say what breaks first: `whatif checkout x3`, `whatif zone eu-1a lost`, `whatif replica db lost 1`,
    /// `whatif drain cart`.
    #[command(after_help = EXITS, after_long_help = help(WHATIF_JSON))]
    Whatif(whatif::Ask),
    /// Print who calls whom and how each service stands: as a list, DOT, JSON or SVG.
    #[command(after_help = EXITS)]
    Map(map::Ask),
    /// Print what the loss, containment or drain of a service would take down.
    #[command(after_help = EXITS)]
    Blast(map::AskBlast),
    /// Print firing alert groups.
    #[command(after_help = EXITS, after_long_help = help(ALERTS_JSON))]
    Alerts(alerts::Ask),
    /// Print who is likely to blame for what hurts most: the ranking with its evidence and the way there.
    #[command(after_help = EXITS, after_long_help = help(SUSPECTS_JSON))]
    Suspects(Asking),
    /// Print what changed, newest first, with its lag to the trouble that goes on.
    #[command(after_help = EXITS, after_long_help = help(CHANGES_JSON))]
    Changes(Asking),
    /// Acknowledge the firing alerts a filter fits; notifications go on.
    #[command(after_help = EXITS)]
    Ack(verbs::Ack),
    /// Write a note: on the timeline of the incident that is going on, else into the log.
    #[command(after_help = EXITS, after_long_help = help(incident::INCIDENT_JSON))]
    Note(incident::Note),
    /// Declare an incident: from alerts, from an objective, or from nothing.
    #[command(after_help = EXITS, after_long_help = help(incident::INCIDENT_JSON))]
    Declare(incident::Declare),
    /// List incidents, or print one whole.
    #[command(after_help = EXITS, after_long_help = help(incident::INCIDENT_JSON))]
    Incidents(incident::Incidents),
    /// Print the timeline of an incident, filtered.
    #[command(after_help = EXITS, after_long_help = help(incident::INCIDENT_JSON))]
    Timeline(incident::Timeline),
    /// Raise or lower the severity: `severity SEV-1 nobody can pay`.
    #[command(after_help = EXITS, after_long_help = help(incident::INCIDENT_JSON))]
    Severity(incident::Words),
    /// Say anew what it is about: `describe --impact "nobody can pay by card" --scope "eu only"`.
    #[command(after_help = EXITS, after_long_help = help(incident::INCIDENT_JSON))]
    Describe(incident::Describe),
    /// Resolve the incident: `resolve errors are gone`.
    #[command(after_help = EXITS, after_long_help = help(incident::INCIDENT_JSON))]
    Resolve(incident::Words),
    /// Reopen an incident that is over: `reopen it is back --incident 7KQ`.
    #[command(after_help = EXITS, after_long_help = help(incident::INCIDENT_JSON))]
    Reopen(incident::Words),
    /// Merge the incident into another one: `merge 7KQ`.
    #[command(after_help = EXITS, after_long_help = help(incident::INCIDENT_JSON))]
    Merge(incident::Words),
    /// Attach a document, a call or another incident: `link design doc https://…`.
    #[command(after_help = EXITS, after_long_help = help(incident::INCIDENT_JSON))]
    Link(incident::Words),
    /// Take command without a hand-over: `take alice is offline`.
    #[command(after_help = EXITS, after_long_help = help(incident::INCIDENT_JSON))]
    Take(incident::Words),
    /// Give or leave a role: `role scribe carol 2h`, `role leave scribe`.
    #[command(after_help = EXITS, after_long_help = help(incident::INCIDENT_JSON))]
    Role(incident::Words),
    /// Hand command over: `handoff carol`, `handoff accept`, `handoff ask 2 since when?`.
    #[command(after_help = EXITS, after_long_help = help(incident::INCIDENT_JSON))]
    Handoff(incident::Words),
    /// Ask somebody to do something: `task bob 10m roll back`, `task done 3f2a rolled back`.
    #[command(after_help = EXITS, after_long_help = help(incident::INCIDENT_JSON))]
    Task(incident::Task),
    /// Open or change a workstream: `workstream dan database`, `workstream block database no access`.
    #[command(after_help = EXITS, after_long_help = help(incident::INCIDENT_JSON))]
    Workstream(incident::Words),
    /// Ask a Prometheus and freeze the answer as proof: `evidence --query 'up == 0' who is down`.
    #[command(after_help = EXITS, after_long_help = help(incident::INCIDENT_JSON))]
    Evidence(incident::Evidence),
    /// Put workstreams under leads: `split 'data / dan: database, cache' 'edge / eve: proxy'`.
    #[command(after_help = EXITS, after_long_help = help(incident::INCIDENT_JSON))]
    Split(incident::Split),
    /// Report conditions, actions, needs: `report database 'slow | failing over | a DBA'`.
    #[command(after_help = EXITS, after_long_help = help(incident::INCIDENT_JSON))]
    Report(incident::Words),
    /// Propose or take a decision: `decide 'roll back | wait'`, `decide take 3f2a safer`.
    #[command(after_help = EXITS, after_long_help = help(incident::INCIDENT_JSON))]
    Decide(incident::Decide),
    /// What may be done to production: list, propose, approve, release, stop, carry out.
    #[command(after_help = EXITS)]
    Action(action::Ask),
    /// Propose to roll a service back: `rollback checkout --change v812`.
    #[command(after_help = EXITS)]
    Rollback(action::Rollback),
    /// Propose to switch a flag: `flag new-cart`; `flag list` prints them all.
    #[command(after_help = EXITS)]
    Flag(action::Flag),
    /// Open a ticket, take one on, or comment: `ticket open`, `ticket link github 42`, `ticket comment …`.
    #[command(after_help = EXITS, after_long_help = help(incident::INCIDENT_JSON))]
    Ticket(incident::Words),
    /// Call a team's on-call or a person: `page db disk full`, `page coming in five minutes`.
    #[command(after_help = EXITS, after_long_help = help(incident::INCIDENT_JSON))]
    Page(incident::Words),
    /// Pin an entry to the top of the timeline: `pin 3f2a`.
    #[command(after_help = EXITS, after_long_help = help(incident::INCIDENT_JSON))]
    Pin(incident::Words),
    /// No longer pin an entry: `unpin 3f2a`.
    #[command(after_help = EXITS, after_long_help = help(incident::INCIDENT_JSON))]
    Unpin(incident::Words),
    /// Say that an entry no longer holds: `withdraw 3f2a wrong graph`.
    #[command(after_help = EXITS, after_long_help = help(incident::INCIDENT_JSON))]
    Withdraw(incident::Words),
    /// Write, approve or publish an update.
    #[command(after_help = EXITS, after_long_help = help(incident::INCIDENT_JSON))]
    Update(incident::Update),
    /// Write, read and share what an incident teaches: draft, causes, follow-ups, library.
    #[command(after_help = EXITS)]
    Postmortem(postmortem::Postmortem),
    /// Record what the sources answer, without a screen, until interrupted, the time is up or the
    /// recording is full (`record.max_size_mib` of the configuration).
    #[command(after_help = EXITS)]
    Record(record::Record),
    /// Check the log: every record, link, signature and power; export a record for ssh-keygen.
    #[command(after_help = EXITS)]
    Audit(audit::Audit),
    /// Print every way to reach people and whether its last delivery test arrived; test them.
    #[command(after_help = EXITS)]
    Channels(channels::Ask),
    /// Print what waits to be sent or done in trackers; send it without a console; settle what nobody
    /// can tell.
    #[command(after_help = EXITS)]
    Outbox(outbox::Ask),
    /// Print a completion script for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
}

fn help(json: &str) -> String {
    format!("{json}\n\n{EXITS}")
}

/// The bridge, or a step of the incident.
#[derive(Debug, Args)]
struct Status {
    #[command(flatten)]
    words: incident::Words,
    /// How long to wait for sources that do not answer.
    #[arg(long, value_name = "DURATION", default_value = "12s", value_parser = span)]
    timeout: crate::domain::Span,
}

impl Status {
    const fn asking(&self) -> Asking {
        Asking { json: self.words.json(), timeout: self.timeout }
    }
}

/// How sources are asked and the answer printed.
#[derive(Debug, Clone, Copy, Args)]
struct Asking {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// How long to wait for sources that do not answer.
    #[arg(long, value_name = "DURATION", default_value = "12s", value_parser = span)]
    timeout: crate::domain::Span,
}

#[derive(Debug, Clone, Args)]
struct Demo {
    /// A recording [default: the one built in].
    recording: Option<PathBuf>,
    /// Times real time.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Where to begin, from the recording's start (2m30s) [default: shortly before it breaks].
    #[arg(long, value_parser = span)]
    from: Option<crate::domain::Span>,
    /// Stand still at the beginning; `p` plays.
    #[arg(long)]
    paused: bool,
}

fn span(text: &str) -> Result<crate::domain::Span, String> {
    crate::domain::Span::parse(text)
        .ok_or_else(|| format!("`{text}` is not a duration such as 30s, 5m, 1h30m or 7d"))
}

/// Runs what the arguments ask for.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = run(cli);
    match outcome {
        Ok(exit) => exit.code(),
        Err(error) => {
            output::error(&error);
            Exit::Failed.code()
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // Sources mostly wait; what takes long has threads of its own, and a second worker would be
        // woken for nothing with every answer.
        .worker_threads(1)
        .max_blocking_threads(4)
        .enable_all()
        .build()?;
    let exit = runtime.block_on(async {
        match cli.command {
            None => console::live(&cli.common, &cli.look, cli.record).await,
            Some(Sub::Demo(demo)) => console::demo(&cli.common, &cli.look, &demo).await,
            Some(Sub::Init(init)) => init::run(&cli.common, &init).await,
            Some(Sub::Doctor(asking)) => doctor::run(&cli.common, &cli.look, asking).await,
            Some(Sub::Status(ask)) if ask.words.words_given() => {
                incident::act(&cli.common, &cli.look, "status", &ask.words)
            }
            Some(Sub::Status(ask)) => status::run(&cli.common, ask.asking()).await,
            Some(Sub::Slo(ask)) => slo::run(&cli.common, &ask).await,
            Some(Sub::Capacity(ask)) => capacity::run(&cli.common, &ask).await,
            Some(Sub::Whatif(ask)) => whatif::run(&cli.common, &ask).await,
            Some(Sub::Map(ask)) => map::run(&cli.common, &ask).await,
            Some(Sub::Blast(ask)) => map::blast(&cli.common, &ask).await,
            Some(Sub::Alerts(ask)) => alerts::run(&cli.common, &ask).await,
            Some(Sub::Suspects(asking)) => suspects::run(&cli.common, &asking).await,
            Some(Sub::Changes(asking)) => changes::run(&cli.common, &asking).await,
            Some(Sub::Ack(ack)) => verbs::ack(&cli.common, &cli.look, &ack).await,
            Some(Sub::Note(note)) => incident::note(&cli.common, &cli.look, &note),
            Some(Sub::Declare(ask)) => incident::declare(&cli.common, &cli.look, &ask).await,
            Some(Sub::Incidents(ask)) => incident::incidents(&cli.common, &ask),
            Some(Sub::Timeline(ask)) => incident::timeline(&cli.common, &ask),
            Some(Sub::Update(ask)) => incident::update(&cli.common, &cli.look, &ask),
            Some(Sub::Severity(words)) => incident::act(&cli.common, &cli.look, "severity", &words),
            Some(Sub::Resolve(words)) => incident::act(&cli.common, &cli.look, "resolve", &words),
            Some(Sub::Reopen(words)) => incident::act(&cli.common, &cli.look, "reopen", &words),
            Some(Sub::Merge(words)) => incident::act(&cli.common, &cli.look, "merge", &words),
            Some(Sub::Link(words)) => incident::act(&cli.common, &cli.look, "attach", &words),
            Some(Sub::Take(words)) => incident::act(&cli.common, &cli.look, "take-command", &words),
            Some(Sub::Role(words)) => incident::act(&cli.common, &cli.look, "role", &words),
            Some(Sub::Handoff(words)) => incident::act(&cli.common, &cli.look, "handoff", &words),
            Some(Sub::Task(ask)) => incident::task(&cli.common, &cli.look, &ask),
            Some(Sub::Describe(ask)) => incident::describe(&cli.common, &cli.look, &ask),
            Some(Sub::Evidence(ask)) => incident::evidence(&cli.common, &cli.look, &ask).await,
            Some(Sub::Split(ask)) => incident::split(&cli.common, &cli.look, &ask),
            Some(Sub::Workstream(words)) => {
                incident::act(&cli.common, &cli.look, "workstream", &words)
            }
            Some(Sub::Report(words)) => incident::act(&cli.common, &cli.look, "report", &words),
            Some(Sub::Decide(ask)) => incident::decide(&cli.common, &cli.look, &ask),
            Some(Sub::Action(ask)) => action::run(&cli.common, &cli.look, &ask).await,
            Some(Sub::Rollback(ask)) => action::rollback(&cli.common, &cli.look, &ask).await,
            Some(Sub::Flag(ask)) => action::flag(&cli.common, &cli.look, &ask).await,
            Some(Sub::Ticket(words)) => incident::act(&cli.common, &cli.look, "ticket", &words),
            Some(Sub::Page(words)) => incident::act(&cli.common, &cli.look, "page", &words),
            Some(Sub::Pin(words)) => incident::act(&cli.common, &cli.look, "pin", &words),
            Some(Sub::Unpin(words)) => incident::act(&cli.common, &cli.look, "unpin", &words),
            Some(Sub::Withdraw(words)) => incident::act(&cli.common, &cli.look, "withdraw", &words),
            Some(Sub::Postmortem(ask)) => postmortem::run(&cli.common, &cli.look, &ask).await,
            Some(Sub::Record(ask)) => record::run(&cli.common, &ask).await,
            Some(Sub::Audit(ask)) => audit::run(&cli.common, &ask),
            Some(Sub::Channels(ask)) => channels::run(&cli.common, &cli.look, &ask).await,
            Some(Sub::Outbox(ask)) => outbox::run(&cli.common, &cli.look, &ask).await,
            Some(Sub::Completions { shell }) => generate::completions(shell),
            Some(Sub::Man) => generate::man(),
        }
    });
    // Requests still under way must not keep the shell waiting.
    runtime.shutdown_background();
    exit
}
