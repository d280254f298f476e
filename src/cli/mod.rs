//! The command line: what can be asked for, and where each answer is made.
//!
//! Subcommands read the same files, ask the same sources through the same connectors and use the same
//! model as the screens; they print instead of drawing. Completions and the manual page come from the
//! definitions below.

mod alerts;
mod console;
mod doctor;
mod exit;
mod generate;
mod init;
mod output;
mod paths;
mod record;
mod slo;
mod status;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

pub use exit::Exit;

/// A full-screen terminal console for incident command.
#[derive(Debug, Parser)]
#[command(name = "quarterdeck", version, about, long_about = LONG, propagate_version = true)]
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

const LONG: &str = "A full-screen terminal console for incident command.\n\n\
    Without a subcommand it opens on the configured sources. `quarterdeck demo` needs no \
    configuration; `quarterdeck init` writes one.";

/// Which configuration is meant.
#[derive(Debug, Clone, Args)]
struct Common {
    /// Configuration file [default: config.toml in Quarterdeck's configuration folder].
    #[arg(long, global = true, value_name = "FILE", env = "QUARTERDECK_CONFIG")]
    config: Option<PathBuf>,
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
    Doctor(Json),
    /// Print the bridge: worst budgets, firing groups, sources.
    Status(Json),
    /// Print objectives: budget left, burn per window, conditions, exhaustion.
    Slo(slo::Ask),
    /// Print firing alert groups.
    Alerts(alerts::Ask),
    /// Record what the sources answer, without a screen, until interrupted or the time is up.
    Record(record::Record),
    /// Print a completion script for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
}

#[derive(Debug, Clone, Copy, Args)]
struct Json {
    /// Print JSON.
    #[arg(long)]
    json: bool,
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
        .worker_threads(2)
        .max_blocking_threads(4)
        .enable_all()
        .build()?;
    let exit = runtime.block_on(async {
        match cli.command {
            None => console::live(&cli.common, &cli.look, cli.record).await,
            Some(Sub::Demo(demo)) => console::demo(&cli.common, &cli.look, &demo).await,
            Some(Sub::Init(init)) => init::run(&cli.common, &init).await,
            Some(Sub::Doctor(json)) => doctor::run(&cli.common, json.json).await,
            Some(Sub::Status(json)) => status::run(&cli.common, json.json).await,
            Some(Sub::Slo(ask)) => slo::run(&cli.common, &ask).await,
            Some(Sub::Alerts(ask)) => alerts::run(&cli.common, &ask).await,
            Some(Sub::Record(ask)) => record::run(&cli.common, &ask).await,
            Some(Sub::Completions { shell }) => generate::completions(shell),
            Some(Sub::Man) => generate::man(),
        }
    });
    // Requests still under way must not keep the shell waiting.
    runtime.shutdown_background();
    exit
}
