//! `quarterdeck changes`: what changed, newest first, beside the trouble that goes on.

use serde_json::{Value, json};

use super::world::World;
use super::{Asking, Common, Exit, output};
use crate::analysis::risk::RiskLevel;
use crate::domain::{ChangeState, Reviewed, Span};
use crate::model::Fed;

pub(super) async fn run(common: &Common, ask: &Asking) -> anyhow::Result<Exit> {
    let mut world = World::load(common)?;
    world.gather_around(ask.timeout).await?;
    let feed = world.model.feed();
    if ask.json {
        let mut all = world.head();
        all.insert("onset".into(), json!(world.model.onset().map(|onset| onset.rfc3339())));
        all.insert(
            "changes".into(),
            feed.iter().map(|fed| as_json(&world, fed)).collect::<Vec<Value>>().into(),
        );
        let left_out = world.model.changes.all_left_out();
        let left_out = left_out
            .map(|(source, named)| json!({ "source": source, "lines": named }))
            .collect::<Vec<Value>>();
        all.insert("left_out".into(), left_out.into());
        output::json(&all);
    } else {
        world.print_lacking();
        print(&world, &feed);
    }
    Ok(if world.lacking().is_empty() { Exit::Fine } else { Exit::Attention })
}

fn as_json(world: &World, fed: &Fed<'_>) -> Value {
    let change = fed.change;
    let risk = world.model.risk(change);
    json!({
        "source": change.key.source,
        "id": change.key.id,
        "at": change.at.rfc3339(),
        "lag_seconds": fed.lag.map(Span::seconds),
        "on_path": fed.on_path,
        "kind": change.kind.name(),
        "service": change.service,
        "title": change.title,
        "author": change.author,
        "reviewed": reviewed_json(&change.reviewed),
        "before": change.before,
        "after": change.after,
        "state": state(change.state),
        "size": change.size.as_ref().map(|size| json!({
            "added": size.added,
            "deleted": size.deleted,
            "files": size.files,
            "paths": size.paths,
        })),
        "risk": {
            "points": risk.points,
            "level": risk.level.map(RiskLevel::name),
            "parts": risk.terms.iter().map(|term| json!({
                "part": term.part.name(),
                "points": term.points,
                "reason": term.reason,
            })).collect::<Vec<Value>>(),
        },
        "with": change.with,
        "url": change.url,
    })
}

/// Who looked at it; nobody is `[]`, and `null` when the source does not say.
fn reviewed_json(reviewed: &Reviewed) -> Value {
    match reviewed {
        Reviewed::Unknown => Value::Null,
        Reviewed::No => json!([]),
        Reviewed::By(names) => json!(names),
    }
}

const fn state(state: ChangeState) -> Option<&'static str> {
    match state {
        ChangeState::Unknown => None,
        ChangeState::Running => Some("running"),
        ChangeState::Done => Some("done"),
        ChangeState::Failed => Some("failed"),
        ChangeState::Undone => Some("undone"),
    }
}

/// `-04:10`, `+1:02:00`, `-3d 04:00`: signed, so that before and after are not confused.
fn lag(lag: Span) -> String {
    let sign = if lag < Span::ZERO { '-' } else { '+' };
    let seconds = lag.millis().unsigned_abs() / 1000;
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
    match (days, hours) {
        (0, 0) => format!("{sign}{minutes:02}:{seconds:02}"),
        (0, _) => format!("{sign}{hours}:{minutes:02}:{seconds:02}"),
        _ => format!("{sign}{days}d {hours:02}:{minutes:02}"),
    }
}

fn print(world: &World, feed: &[Fed<'_>]) {
    match world.model.onset() {
        Some(onset) => output::line(&format!(
            "Beside the trouble that began {}: - is before it, + after it.",
            onset.rfc3339()
        )),
        None => output::line("Nothing is known to hurt, so no change stands beside an onset."),
    }
    for (source, named) in world.model.changes.all_left_out() {
        let newest = named.last().map_or("", |line| line.as_str());
        let lines = output::many(named.len(), "line");
        output::line(&format!("{source}: {lines} left out, the newest: {newest}"));
    }
    if feed.is_empty() {
        output::line(if world.model.changes.told_at().next().is_none() {
            "No change is known: no source has told of any. Add a source of kind git, changes-file, \
             github-deployments, gitlab-deployments, prometheus-versions, unleash-events or \
             changes-nats."
        } else {
            "No change: the sources that tell of changes know of none."
        });
        return;
    }
    let heading =
        ["LAG", "AT", "KIND", "SERVICE", "", "CHANGE", "STATE", "RISK", "AUTHOR", "REVIEW", "ID"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(feed.iter().map(|fed| row(world, fed)));
    output::table(&rows);
}

fn row(world: &World, fed: &Fed<'_>) -> Vec<String> {
    let change = fed.change;
    let reviewed = match &change.reviewed {
        Reviewed::Unknown => "review unknown".to_owned(),
        Reviewed::No => "not reviewed".to_owned(),
        Reviewed::By(names) => {
            let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
            format!("reviewed by {}", names.join(", "))
        }
    };
    let path = if fed.on_path { "on the path" } else { "" };
    vec![
        fed.lag.map_or_else(|| "?".to_owned(), lag),
        change.at.rfc3339(),
        change.kind.name().to_owned(),
        change.service.as_ref().map_or_else(|| "no service".to_owned(), ToString::to_string),
        path.to_owned(),
        cut(&change.title, 48),
        state(change.state).unwrap_or("unknown").to_owned(),
        world.model.risk(change).level.map_or("unknown", RiskLevel::name).to_owned(),
        cut(&change.author, 20),
        cut(&reviewed, 32),
        cut(&change.key.id, 64),
    ]
}

/// A text of somebody else's in a column: one long one must not push the others off the screen.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lag_is_signed_and_shows_its_largest_units() {
        let of = [-250, 0, 59, 3_720, -86_400 - 3_600 * 4].map(|s| lag(Span::from_secs(s)));
        assert_eq!(of, ["-04:10", "+00:00", "+00:59", "+1:02:00", "-1d 04:00"]);
    }

    #[test]
    fn nobody_and_not_known_are_told_apart() {
        let of = [Reviewed::Unknown, Reviewed::No, Reviewed::By(vec!["Jo".into()])];
        assert_eq!(of.map(|one| reviewed_json(&one).to_string()), ["null", "[]", "[\"Jo\"]"]);
    }
}
