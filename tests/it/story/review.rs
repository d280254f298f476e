//! The story's end: the draft that wrote itself, its three exports, and what is to be done, in the tracker.

use anyhow::{Context as _, Result, ensure};
use pretty_assertions::assert_eq;
use serde_json::Value;

use super::hands::Hands;
use super::room::Room;
use super::{CTRL_O, FOLLOW_UP};
use crate::lab::{PATIENCE, eventually};

pub(super) fn written(room: &Room, alice: &mut Hands<'_>) -> Result<()> {
    alice.types("8");
    alice.sees("Summary");
    let title = format!("{FOLLOW_UP}{CTRL_O}");
    // The title is on the form too; only the notice says that it is recorded.
    alice.fills("F", "─ Follow-up of INC-", &title, "follows up: ");
    // Once, however often it is asked for.
    to_follow_ups(alice);
    alice.types("K");
    eventually("the ticket is asked for", PATIENCE, || {
        let told = room.said("bob", &["timeline", "-i", &room.incident()]);
        ensure!(told.contains("asked tickets for a ticket of the follow-up"), "{told}");
        Ok(())
    })?;
    alice.may_die();
    let again = ["postmortem", "follow-up", "ticket", "judge", "tickets"];
    assert_eq!(room.run("bob", &again).status.code(), Some(2));
    exported(room)
}

/// Past the sections and the causes; the last two are what is like it, and the evidence.
fn to_follow_ups(alice: &mut Hands<'_>) {
    alice.types("8\rGkk\r");
    // The row is cut off at its pane's edge.
    alice.sees("nobody has it yet");
}

/// The figures are the sources' own: nobody types one.
fn exported(room: &Room) -> Result<()> {
    room.said("alice", &["postmortem", "measure"]);
    let mut texts = ["markdown", "html", "json"].map(|format| (format, String::new()));
    for (format, text) in &mut texts {
        let path = room.path(&format!("review.{format}"));
        let out = path.display().to_string();
        room.said("bob", &["postmortem", "export", "--format", format, "--out", &out]);
        *text = std::fs::read_to_string(&path)?;
    }
    let [(_, markdown), (_, html), (_, json)] = texts;
    let impact = section(&markdown, "Impact").context(markdown.clone())?;
    let figures: Vec<&str> = impact.lines().filter(|line| line.starts_with("- checkout")).collect();
    assert!(!figures.is_empty(), "{impact}");
    for line in &figures {
        assert!(!line.contains("unknown") && !line.contains("not measured"), "{line}");
    }
    let lost = figures.iter().find_map(|line| line.strip_prefix("- checkout answers, today: "));
    let lost = lost.and_then(|line| line.split(" of ").next()).context(impact.to_owned())?;
    let lost: u32 = lost.replace(',', "").parse()?;
    // Half of forty a second, of which three in ten fail, for as long as it lasted: at least ten seconds.
    assert!((30..5_000).contains(&lost), "{impact}");
    let said = section(&markdown, "Resolution").context(markdown.clone())?;
    for words in ["Roll checkout back", "1 approval", "buildset 1", "recovered"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(markdown.contains(FOLLOW_UP) && html.contains(FOLLOW_UP), "{markdown}");
    assert!(html.contains("<svg") && !html.contains("<script"), "{html}");
    let json: Value = serde_json::from_str(&json)?;
    assert_eq!(json["follow_ups"][0]["text"], FOLLOW_UP, "{json:#}");
    Ok(())
}

/// What stands below a heading.
fn section<'a>(markdown: &'a str, title: &str) -> Option<&'a str> {
    let (_, after) = markdown.split_once(&format!("\n## {title}\n"))?;
    Some(after.split("\n## ").next().unwrap_or(after))
}
