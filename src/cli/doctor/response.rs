//! What `doctor` says of the playbook: who is on call now, which ways lead to people, what is missing.

use super::super::output::many;
use super::super::world::World;
use super::Checks;
use crate::analysis::oncall;
use crate::config::playbook::{self, FILE};
use crate::connectors::secret::SecretRef;
use crate::domain::{Audience, SafeText, SourceKind, Team};
use crate::runtime::plans;

pub(super) async fn check(world: &World, checks: &mut Checks) {
    let read = &world.playbook;
    let path = world.paths.config.join(FILE);
    if !path.exists() {
        let text = format!(
            "none at {}; without one nobody is paged and updates go nowhere (`quarterdeck init` writes an example)",
            path.display()
        );
        checks.add("playbook", true, text);
        return;
    }
    let book = &read.playbook;
    let counts = [
        (book.people.len(), "person", "people"),
        (book.teams.len(), "team", "teams"),
        (book.channels.len(), "channel", "channels"),
        (book.trackers.len(), "tracker", "trackers"),
        (book.templates.len(), "template", "templates"),
    ];
    let counts =
        counts.map(
            |(count, one, several)| {
                if count == 1 { format!("1 {one}") } else { format!("{count} {several}") }
            },
        );
    checks.add("playbook", true, format!("{}: {}", path.display(), counts.join(", ")));
    let kept = plans::read(&plans::file(&world.paths.state));
    for (id, team) in &book.teams {
        let team = Team { plan: kept.get(id).cloned(), ..team.clone() };
        let what = format!("team {id}");
        if let Some(pager) = &team.pager
            && !world.settings.sources.iter().any(|s| s.name == *pager && s.teams.contains_key(id))
        {
            let found = format!(
                "its pager {pager} is no source that knows it: add {id} under `teams` of a [[source]] of the \
                 kind pagerduty named {pager}"
            );
            checks.add(&what, false, found);
        }
        on_call(world, &what, &team, checks);
    }
    for (channel, config) in book.channels.iter().zip(&read.channels) {
        let address = config.way.endpoint().map(|endpoint| endpoint.address());
        let audiences: Vec<&str> = channel.audiences.iter().copied().map(Audience::name).collect();
        let mut found = channel.kind.to_owned();
        if let Some(address) = address {
            found.push_str(&format!(" at {address}"));
        }
        if !audiences.is_empty() {
            found.push_str(&format!(", {} updates", audiences.join(" and ")));
        }
        if let Some(fallback) = &channel.fallback {
            found.push_str(&format!(", then {fallback}"));
        }
        let what = format!("channel {}", channel.id);
        checks.add(&what, true, found);
        credentials(&what, config.credentials(), checks).await;
    }
    for tracker in &read.trackers {
        let what = format!("tracker {}", tracker.id);
        let address = tracker.endpoint.address();
        checks.add(&what, true, format!("{} at {address}", tracker.kind.name()));
        credentials(&what, tracker.endpoint.credentials(), checks).await;
    }
    for sentence in playbook::gaps(book) {
        checks.add("playbook", false, sentence.to_string());
    }
}

/// Who is on call now, and what comes next.
fn on_call(world: &World, what: &str, team: &Team, checks: &mut Checks) {
    let now = world.now();
    let next = match oncall::next_change(team, now) {
        None => String::new(),
        Some((at, whom)) => {
            let whom = whom.unwrap_or_else(|| SafeText::new("nobody"));
            format!("; from {} {whom}", at.utc().format("%Y-%m-%d %H:%M UTC"))
        }
    };
    match oncall::on_call(team, now) {
        Some(shift) => {
            let stands_in = if shift.stands_in { " (stands in)" } else { "" };
            let told = shift.told.map_or(String::new(), |at| {
                let pager = SourceKind::Pagerduty.title();
                format!(" (from {pager}, told at {})", at.utc().format("%Y-%m-%d %H:%M UTC"))
            });
            let found = format!("{} is on call{stands_in}{told}{next}", shift.person);
            checks.add(what, true, found);
        }
        None if team.pager.is_some() && team.pager_plan().is_none() => {
            checks.add(
                what,
                true,
                "a console keeps who is on call once its pager has answered".to_owned(),
            );
        }
        None if team.rotations.is_empty() && team.overrides.is_empty() => {}
        None => checks.add(what, false, format!("nobody is on call now{next}")),
    }
}

pub(super) async fn credentials(what: &str, places: Vec<&SecretRef>, checks: &mut Checks) {
    let mut missing = 0;
    for place in &places {
        if let Err(error) = place.read().await {
            missing += 1;
            let found = format!("credential from {}: {}", place.origin(), error.why);
            checks.add(what, false, found);
        }
    }
    if missing == 0 && !places.is_empty() {
        checks.add(what, true, format!("{} can be had", many(places.len(), "credential")));
    }
}
