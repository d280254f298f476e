//! A review printed, and written to a file.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::{known, meant, open};
use crate::actions::pick;
use crate::cli::incident::Which;
use crate::cli::{Common, Exit, output};
use crate::domain::ReviewSection;
use crate::model::review::{self, export};

/// What is printed.
#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    which: Which,
    /// Only this section.
    #[arg(long, value_name = "NAME", value_parser = super::section)]
    section: Option<ReviewSection>,
    /// The draft of the log, also where somebody wrote the section.
    #[arg(long, requires = "section")]
    draft: bool,
}

/// Shapes of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For wikis and repositories.
    Markdown,
    /// One file for a browser, without script.
    Html,
    /// For programs.
    Json,
}

/// What is written where.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// The incident, or the beginning of its id [default: the one that was over last].
    #[arg(short, long, value_name = "ID")]
    incident: Option<String>,
    /// As what.
    #[arg(long, value_enum, default_value_t = Format::Markdown)]
    format: Format,
    /// A file that is not there yet [default: standard output].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Prints a review; wordings that should be others are said below their section.
pub(super) fn show(common: &Common, ask: &Show) -> anyhow::Result<Exit> {
    let world = open(common)?;
    let now = world.now();
    let id = meant(&world, ask.which.incident.as_deref())?;
    let incident = known(&world, &id)?;
    let document = review::document(&world.model, incident, now);
    if ask.which.json {
        output::json(&export::json(&document, incident, now));
        return Ok(Exit::Fine);
    }
    if let Some(section) = ask.section.filter(|_| ask.draft) {
        output::line(&review::draft(&world.model, incident, now, section));
        return Ok(Exit::Fine);
    }
    let shown = document.sections.iter();
    let mut slips = 0;
    for one in shown.filter(|one| ask.section.is_none_or(|wanted| wanted == one.section)) {
        let by = match &one.written {
            Some((by, at)) => format!("by {by}, {}", at.utc().format("%Y-%m-%d %H:%M UTC")),
            None if one.is_blank() => "nothing yet".to_owned(),
            None => "draft".to_owned(),
        };
        output::line(&format!("## {} ({by})\n", one.section.title()));
        output::line(&one.text);
        for found in &one.slips {
            slips += 1;
            let says = one.text.get(found.at.clone()).unwrap_or_default();
            output::line(&format!("! “{says}” ({}); rather: {}", found.slip.word(), found.offer));
        }
        output::line("");
    }
    if ask.section.is_none() {
        for branch in review::whys(&incident.review) {
            if let Some(cause) = incident.review.causes.get(&branch.cause) {
                let short = pick::short(branch.cause);
                output::line(&format!("{}{short} {}", "  ".repeat(branch.depth), cause.text));
            }
        }
        for one in review::proposed(&world.model, incident) {
            let text =
                format!("proposed from the log, not set: {} ({})", one.text, one.category.name());
            output::line(&text);
        }
        super::follow::print(incident, now);
    }
    Ok(if slips > 0 { Exit::Attention } else { Exit::Fine })
}

/// Writes a review down; a file that is there is left alone.
pub(super) fn export(common: &Common, ask: &Export) -> anyhow::Result<Exit> {
    let world = open(common)?;
    let now = world.now();
    let id = meant(&world, ask.incident.as_deref())?;
    let incident = known(&world, &id)?;
    let document = review::document(&world.model, incident, now);
    let text = match ask.format {
        Format::Markdown => export::markdown(&document, incident, now),
        Format::Html => export::html(&document, incident, now),
        Format::Json => {
            let mut text = serde_json::to_string_pretty(&export::json(&document, incident, now))?;
            text.push('\n');
            text
        }
    };
    let Some(path) = &ask.out else {
        output::text(text.as_bytes());
        return Ok(Exit::Fine);
    };
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    let mut file = file.with_context(|| {
        format!("{} was not written; a file that is there is left alone", path.display())
    })?;
    std::io::Write::write_all(&mut file, text.as_bytes())
        .with_context(|| format!("{} was not written whole", path.display()))?;
    output::line(&format!("{} is in {}.", id, path.display()));
    Ok(Exit::Fine)
}
