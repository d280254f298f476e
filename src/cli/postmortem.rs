//! `quarterdeck postmortem`: the review of an incident from the shell, by the same rules as on its screen.

mod follow;
mod library;
mod measure;
mod read;

use std::io::Read as _;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand};

use super::incident::{Desk, Which, said};
use super::world::World;
use super::{Common, Exit, Look, output};
use crate::actions::{Doing, pick};
use crate::domain::{CauseCategory, IncidentId, IncidentType, ReviewSection, SafeText};
use crate::eventlog::RecordId;
use crate::model::incidents::Incident;

/// Most bytes read of a section: enough to say how long it was.
const MOST_READ: u64 = 64 * 1024 * 1024;

/// What is done with reviews.
#[derive(Debug, Args)]
pub(super) struct Postmortem {
    #[command(subcommand)]
    command: Sub,
}

#[derive(Debug, Subcommand)]
enum Sub {
    /// Print a review, or one section of it, with the wordings that should be others.
    Show(read::Show),
    /// Write a section; what is there is in force until then. Nothing (an empty text) goes back to the
    /// draft.
    Write(Write),
    /// Write a review to a file or standard output as Markdown, HTML or JSON.
    Export(read::Export),
    /// Ask the sources for the figures of the impact and freeze them on the timeline.
    Measure(measure::Measure),
    /// Say what contributed, or that a cause no longer holds.
    Cause(Cause),
    /// Say what sort of incident it was: `postmortem types deployment capacity`.
    Types(Types),
    /// Give somebody something to do so that it does not happen again; check it, finish it.
    FollowUp(follow::FollowUp),
    /// Finish a review: read, agreed and shared.
    Finish(Finish),
    /// List reviews, find words in them, or count incidents by type.
    Library(library::Library),
    /// Past incidents that are like one, and why.
    Similar(library::Alike),
}

/// A section and its text.
#[derive(Debug, Args)]
struct Write {
    #[command(flatten)]
    which: Which,
    /// Which section: summary, what-happened, impact, detection, resolution, contributing, went-well,
    /// was-hard, luck, messages.
    #[arg(value_parser = section)]
    section: ReviewSection,
    /// A file with the text.
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    file: Option<PathBuf>,
    /// The text; `-` reads standard input.
    #[arg(allow_hyphen_values = true)]
    text: Vec<String>,
}

/// A cause.
#[derive(Debug, Args)]
struct Cause {
    #[command(flatten)]
    which: Which,
    /// The cause it is the why of, by the beginning of its id or words only it has.
    #[arg(long, value_name = "CAUSE")]
    why_of: Option<String>,
    /// Bone of the fishbone: people, process, technology, environment, measurement, third-parties.
    #[arg(long, value_name = "NAME", value_parser = category)]
    category: Option<CauseCategory>,
    /// An entry of the timeline it rests on; may be given several times.
    #[arg(long, value_name = "ENTRY")]
    evidence: Vec<String>,
    /// This cause no longer holds; the words say why.
    #[arg(long, value_name = "CAUSE", conflicts_with_all = ["why_of", "category", "evidence"])]
    withdraw: Option<String>,
    /// One sentence.
    #[arg(required = true)]
    text: Vec<String>,
}

/// Types.
#[derive(Debug, Args)]
struct Types {
    #[command(flatten)]
    which: Which,
    /// deployment, configuration, capacity, dependency, cascade, automation, cloud, hardware, network, data,
    /// security, time; none is: nobody says.
    #[arg(value_parser = incident_type)]
    types: Vec<IncidentType>,
}

/// The end of a review.
#[derive(Debug, Args)]
struct Finish {
    #[command(flatten)]
    which: Which,
    /// Words that go with it.
    words: Vec<String>,
}

fn named<T>(found: Option<T>, text: &str, what: &str, all: &[&str]) -> Result<T, String> {
    found.ok_or_else(|| format!("`{text}` is no {what}; there are {}", all.join(", ")))
}

fn section(text: &str) -> Result<ReviewSection, String> {
    let all = ReviewSection::ALL.map(ReviewSection::name);
    named(ReviewSection::named(text), text, "section", &all)
}

fn category(text: &str) -> Result<CauseCategory, String> {
    let all = CauseCategory::ALL.map(CauseCategory::name);
    named(CauseCategory::named(text), text, "category", &all)
}

fn incident_type(text: &str) -> Result<IncidentType, String> {
    let all = IncidentType::ALL.map(IncidentType::name);
    named(IncidentType::named(text), text, "type", &all)
}

pub(super) async fn run(common: &Common, look: &Look, ask: &Postmortem) -> anyhow::Result<Exit> {
    match &ask.command {
        Sub::Show(ask) => read::show(common, ask),
        Sub::Write(ask) => write(common, look, ask),
        Sub::Export(ask) => read::export(common, ask),
        Sub::Measure(ask) => measure::measure(common, look, ask).await,
        Sub::Cause(ask) => cause(common, look, ask),
        Sub::Types(ask) => {
            let doing = Doing::SetTypes(ask.types.clone());
            record(common, look, &ask.which, |_| Ok(doing))
        }
        Sub::FollowUp(ask) => follow::run(common, look, ask).await,
        Sub::Finish(ask) => {
            let doing = Doing::FinishReview(ask.words.join(" "));
            record(common, look, &ask.which, |_| Ok(doing))
        }
        Sub::Library(ask) => library::library(common, ask),
        Sub::Similar(ask) => library::alike(common, ask),
    }
}

/// Reads the log without writing anything; where none is there, there are no reviews.
fn open(common: &Common) -> anyhow::Result<World> {
    let mut world = World::load(common)?;
    if world.paths.state.exists() {
        let opened = world.open_log()?;
        opened.notice.iter().for_each(|notice| output::aside(notice));
    }
    Ok(world)
}

/// The incident whose review is meant: the one named, else the only one that is going on, else the one
/// that was over last.
fn meant(world: &World, word: Option<&str>) -> anyhow::Result<IncidentId> {
    let book = &world.model.incidents;
    if word.is_none() && book.live().is_empty() {
        let over = book.incidents.values().filter(|one| one.merged_into.is_none());
        if let Some(last) = over.max_by_key(|one| (one.resolved_at, one.declared_at)) {
            output::aside(&format!("This is {} “{}”.", last.id, last.title));
            return Ok(last.id.clone());
        }
    }
    pick::incident(&world.model, word).map_err(said)
}

fn known<'a>(world: &'a World, id: &IncidentId) -> anyhow::Result<&'a Incident> {
    let known = world.model.incidents.incidents.get(id);
    known.ok_or_else(|| anyhow!("there is no incident {id}"))
}

/// Decides what is meant of the incident that is meant, and records it.
fn record(
    common: &Common,
    look: &Look,
    which: &Which,
    meaning: impl FnOnce(&Incident) -> anyhow::Result<Doing>,
) -> anyhow::Result<Exit> {
    let mut desk = Desk::open(common, look)?;
    let id = meant(&desk.world, which.incident.as_deref())?;
    let doing = meaning(known(&desk.world, &id)?)?;
    desk.record(&id, &doing)?;
    Ok(desk.tell(&id, which.json))
}

fn write(common: &Common, look: &Look, ask: &Write) -> anyhow::Result<Exit> {
    let text = match (&ask.file, ask.text.as_slice()) {
        (Some(path), _) => {
            let file = std::fs::File::open(path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            read_all(file).with_context(|| format!("{} cannot be read", path.display()))?
        }
        (None, [only]) if only == "-" => {
            read_all(std::io::stdin()).context("standard input cannot be read")?
        }
        (None, words) => words.join(" "),
    };
    record(common, look, &ask.which, |_| Ok(Doing::WriteSection(ask.section, text)))
}

fn read_all(from: impl std::io::Read) -> anyhow::Result<String> {
    let mut text = String::new();
    from.take(MOST_READ).read_to_string(&mut text)?;
    Ok(text)
}

fn cause(common: &Common, look: &Look, ask: &Cause) -> anyhow::Result<Exit> {
    let text = ask.text.join(" ");
    record(common, look, &ask.which, |incident| {
        if let Some(word) = &ask.withdraw {
            return Ok(Doing::WithdrawCause { cause: pick_cause(incident, word)?, reason: text });
        }
        let parent = ask.why_of.as_deref().map(|word| pick_cause(incident, word)).transpose()?;
        let evidence: anyhow::Result<Vec<RecordId>> =
            ask.evidence.iter().map(|word| pick_entry(incident, word)).collect();
        Ok(Doing::FindCause { parent, category: ask.category, text, evidence: evidence? })
    })
}

fn pick_cause(incident: &Incident, word: &str) -> anyhow::Result<RecordId> {
    let causes = incident.review.causes.iter().map(|(id, cause)| (*id, cause.text.as_str()));
    pick::record(causes, word, "cause").map_err(said)
}

fn pick_entry(incident: &Incident, word: &str) -> anyhow::Result<RecordId> {
    let lines = incident.timeline.iter().map(|line| (line.record, line.text.as_str()));
    pick::record(lines, word, "entry").map_err(said)
}

/// One line of a text from outside.
fn first_line(text: &SafeText) -> &str {
    text.lines().next().unwrap_or_default()
}
