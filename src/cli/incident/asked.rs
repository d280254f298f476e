//! The verbs that are words after a name: read by the table of the command line.

use std::io::Read as _;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::Args;

use super::{Desk, Which, said, told};
use crate::actions::command::{self, Asked, Lack};
use crate::actions::when::{Toward, moment};
use crate::actions::{Do, Doing, SilenceGuard, pick, updates};
use crate::cli::{Common, Exit, Look, output, verbs};
use crate::domain::{Audience, ChannelId, IncidentId, SafeText, Status, Timestamp};
use crate::eventlog::{IncidentEvent, LogEvent, RecordId, Subject};

/// Most bytes read of a text: enough to say how long it was.
const MOST_READ: u64 = 64 * 1024 * 1024;
/// Verbs whose first or second word may point at something by its words.
const POINTING: [&str; 8] =
    ["task", "decide", "update", "workstream", "report", "pin", "unpin", "withdraw"];

/// Words, as after `:`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Words {
    #[command(flatten)]
    which: Which,
    /// As on the command line of the console.
    #[arg(value_name = "WORDS")]
    words: Vec<String>,
}

impl Words {
    /// Whether anything was said after the verb.
    pub(in crate::cli) const fn words_given(&self) -> bool {
        !self.words.is_empty()
    }

    /// Whether JSON is printed.
    pub(in crate::cli) const fn json(&self) -> bool {
        self.which.json
    }
}

/// What is written down.
#[derive(Debug, Args)]
pub(in crate::cli) struct Note {
    #[command(flatten)]
    which: Which,
    /// Of no incident, though one is going on.
    #[arg(long, conflicts_with = "incident")]
    general: bool,
    /// The text; `14:05`, `at 14:05` or (after `--`) `-10m` in front says when it happened (UTC),
    /// `kind=action` what it is, `@name` who says it.
    #[arg(required = true)]
    text: Vec<String>,
}

/// What is told.
#[derive(Debug, Args)]
pub(in crate::cli) struct Update {
    #[command(flatten)]
    which: Which,
    /// The text; `-` reads standard input [default: the playbook's template, filled].
    #[arg(long, value_name = "TEXT")]
    body: Option<String>,
    /// A file with the text.
    #[arg(long, value_name = "FILE", conflicts_with = "body")]
    body_file: Option<PathBuf>,
    /// When the next update is promised: 20m, 15:30 (UTC), or RFC 3339.
    #[arg(long, value_name = "WHEN")]
    next: Option<String>,
    /// A channel to send it to; may be given several times [default: those of the audience].
    #[arg(long, value_name = "NAME")]
    channel: Vec<String>,
    /// Words that look as if they should stay inside and may go out all the same; may be given several
    /// times.
    #[arg(long, value_name = "WORDS")]
    let_pass: Vec<String>,
    /// Publish it at once.
    #[arg(long)]
    publish: bool,
    /// `internal SUBJECT`, `external SUBJECT`, `approve UPDATE`, `refuse UPDATE WORDS`, `publish UPDATE`.
    #[arg(required = true)]
    words: Vec<String>,
}

/// Does what the words after a verb mean.
pub(in crate::cli) fn act(
    common: &Common,
    look: &Look,
    verb: &'static str,
    words: &Words,
) -> anyhow::Result<Exit> {
    act_with(common, look, verb, words, |_, _, _| Ok(()))
}

/// As [`act`], with what options say besides the words put in.
pub(super) fn act_with(
    common: &Common,
    look: &Look,
    verb: &'static str,
    words: &Words,
    fill: impl FnOnce(&Desk, &IncidentId, &mut Doing) -> anyhow::Result<()>,
) -> anyhow::Result<Exit> {
    // A mistake in the words is told before anything is read.
    let asked = read(verb, &words.words)?;
    let mut desk = Desk::open(common, look)?;
    let incident = desk.incident(&words.which)?;
    let mut doing = doing(&desk, verb, &asked, &incident)?;
    fill(&desk, &incident, &mut doing)?;
    desk.record(&incident, &doing)?;
    Ok(desk.tell(&incident, words.which.json))
}

fn read(verb: &'static str, words: &[String]) -> anyhow::Result<Asked> {
    // What the shell kept together stays together where a task or the like may be pointed at by its words.
    let points = POINTING.contains(&verb);
    let quoted = |(at, word): (usize, &String)| {
        let parts = points && at < 2 && word.contains(char::is_whitespace) && !word.contains('"');
        if parts { format!("\"{word}\"") } else { word.clone() }
    };
    let words: Vec<String> = words.iter().enumerate().map(quoted).collect();
    let read = command::read(verb, &words.join(" "));
    let read = read.ok_or_else(|| anyhow!("there is no verb `{verb}`"))?;
    read.map_err(|error| anyhow!("{error} It is written `{}`.", usage(verb)))
}

fn usage(verb: &'static str) -> &'static str {
    command::usage(verb).unwrap_or(verb)
}

fn doing(
    desk: &Desk,
    verb: &'static str,
    asked: &Asked,
    incident: &IncidentId,
) -> anyhow::Result<Doing> {
    asked.doing(desk.known(incident)).map_err(|lack| match lack {
        Lack::Wrong(refusal) => said(refusal),
        Lack::More(what) => anyhow!("`{verb}` needs {what}. It is written `{}`.", usage(verb)),
        Lack::Elsewhere => anyhow!("`{verb}` is done in the console, where its chart is."),
    })
}

/// Writes on an incident's timeline, or into the log when none is going on.
pub(in crate::cli) fn note(common: &Common, look: &Look, note: &Note) -> anyhow::Result<Exit> {
    let text = note.text.join(" ");
    let mut desk = Desk::open(common, look)?;
    let nowhere = note.which.incident.is_none() && desk.world.model.incidents.live().is_empty();
    if note.general || nowhere {
        let about = Subject::General;
        let what = Do::Note { about, text };
        let guard = SilenceGuard::default();
        let recorded = verbs::record_in(&desk.world, &mut desk.log, &what, &guard)?;
        if note.which.json {
            output::json(&told::general(desk.now, &recorded));
        } else {
            output::line("Recorded.");
        }
        return Ok(Exit::Fine);
    }
    let incident = desk.incident(&note.which)?;
    let doing = doing(&desk, "note", &Asked::Note(text), &incident)?;
    desk.record(&incident, &doing)?;
    Ok(desk.tell(&incident, note.which.json))
}

/// Writes, answers or publishes an update.
pub(in crate::cli) fn update(
    common: &Common,
    look: &Look,
    update: &Update,
) -> anyhow::Result<Exit> {
    let asked = read("update", &update.words)?;
    let body = body(update)?;
    let mut desk = Desk::open(common, look)?;
    let incident = desk.incident(&update.which)?;
    let Asked::Update { audience, subject } = &asked else {
        let doing = doing(&desk, "update", &asked, &incident)?;
        desk.record(&incident, &doing)?;
        return Ok(desk.tell(&incident, update.which.json));
    };
    let audience = audience.unwrap_or(Audience::Internal);
    let next = next(&desk, update)?;
    let body = match body {
        Some(body) => body,
        None => drafted(&desk, &incident, audience, next)?,
    };
    checked(&desk, &incident, audience, next, &format!("{subject}\n{body}"), &update.let_pass)?;
    let doing = Doing::Update {
        audience,
        subject: subject.clone(),
        body,
        channels: channels(&desk, update, audience),
        next,
    };
    desk.record(&incident, &doing)?;
    if update.publish {
        let proposed = proposed(&desk).ok_or_else(|| anyhow!("the update was not recorded"))?;
        if let Err(error) = desk.record(&incident, &Doing::Publish(proposed)) {
            let id = pick::short(proposed);
            anyhow::bail!("{error} The update is kept as {id}: `quarterdeck update publish {id}`.");
        }
    }
    Ok(desk.tell(&incident, update.which.json))
}

/// The text of the first template that fits, filled from what is known.
fn drafted(
    desk: &Desk,
    incident: &IncidentId,
    audience: Audience,
    next: Timestamp,
) -> anyhow::Result<String> {
    let model = &desk.world.model;
    let facts = updates::gather(model, incident, audience, Some(next), desk.now);
    let facts = facts.ok_or_else(|| anyhow!("{incident} is not known"))?;
    let phase = facts.status.unwrap_or(Status::Investigating);
    let offered = updates::offered(&model.playbook, audience, phase);
    let template = offered.first().ok_or_else(|| anyhow!("no template fits; give --body TEXT"))?;
    let (_, body) = updates::drafted(template, &facts).map_err(|faults| {
        let first = faults.first().map(ToString::to_string).unwrap_or_default();
        anyhow!("the template {} cannot be filled: {first}", template.name)
    })?;
    Ok(body.trim_end().to_owned())
}

/// Says what the text lacks, and refuses what should stay inside until each is let pass.
fn checked(
    desk: &Desk,
    incident: &IncidentId,
    audience: Audience,
    next: Timestamp,
    text: &str,
    let_pass: &[String],
) -> anyhow::Result<()> {
    let model = &desk.world.model;
    if let Some(facts) = updates::gather(model, incident, audience, Some(next), desk.now) {
        for lack in updates::missing(text, &facts) {
            output::aside(lack.sentence());
        }
    }
    let words = updates::Words::of(&model.playbook, model.incidents.incidents.get(incident));
    let let_pass = let_pass.iter().cloned().collect();
    let open = updates::open_findings(text, &words, audience, &let_pass);
    if open.is_empty() {
        return Ok(());
    }
    let each = open.iter().map(|one| {
        let found = SafeText::new(text.get(one.range.clone()).unwrap_or_default());
        format!("`{found}`: {} Write `{}`, or give --let-pass.", one.kind.sentence(), one.proposal)
    });
    anyhow::bail!(
        "nothing was recorded; the text holds what should stay inside.\n{}",
        each.collect::<Vec<_>>().join("\n")
    )
}

fn proposed(desk: &Desk) -> Option<RecordId> {
    desk.recorded.iter().rev().find_map(|record| match &record.event {
        Some(LogEvent::Incident { event: IncidentEvent::UpdateProposed(_), .. }) => Some(record.id),
        _ => None,
    })
}

fn channels(desk: &Desk, update: &Update, audience: Audience) -> Vec<ChannelId> {
    if !update.channel.is_empty() {
        return update.channel.iter().map(|name| ChannelId::new(name)).collect();
    }
    let channels = desk.world.model.playbook.channels.iter();
    let theirs = channels.filter(|channel| channel.audiences.contains(&audience));
    theirs.map(|channel| channel.id.clone()).collect()
}

fn next(desk: &Desk, update: &Update) -> anyhow::Result<Timestamp> {
    let text = update.next.as_deref().ok_or_else(|| {
        anyhow!("the update does not say when the next one comes; give it with --next 20m")
    })?;
    moment(text, desk.now, 0, Toward::Future)
        .ok_or_else(|| anyhow!("`{text}` is not a time such as 20m, 15:30 or RFC 3339"))
}

fn body(update: &Update) -> anyhow::Result<Option<String>> {
    let mut text = String::new();
    match (&update.body, &update.body_file) {
        (Some(body), _) if body == "-" => {
            std::io::stdin()
                .take(MOST_READ)
                .read_to_string(&mut text)
                .context("the text could not be read from standard input")?;
        }
        (Some(body), _) => text.clone_from(body),
        (None, Some(file)) => {
            std::fs::File::open(file)
                .and_then(|opened| opened.take(MOST_READ).read_to_string(&mut text))
                .with_context(|| format!("the text could not be read from {}", file.display()))?;
        }
        (None, None) => return Ok(None),
    }
    Ok(Some(text))
}
