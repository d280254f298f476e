//! People, teams, routes, cadence, templates and limits of the playbook.

use std::collections::btree_map::Entry;
use std::path::Path;

use super::super::catalog_toml::{read_zone, wall};
use super::super::error::{Mistakes, Place};
use super::super::node::{Node, Table, Value};
use super::super::settings::read_capped;
use super::PlaybookFile;
use super::check::Named;
use crate::domain::{
    Audience, Cadence, ChannelId, Contact, EscalationStep, Override, Rotation, Route, SafeText,
    Severity, SourceId, Span, Status, Team, TeamId, Template, Timestamp, TrackerId, Whom,
};

/// A template longer than this is not an update.
const TEMPLATE_BYTES: usize = 16 * 1024;

pub(super) fn read(
    out: &mut PlaybookFile,
    table: &Table<'_>,
    folder: &Path,
    named: &mut Named,
    mistakes: &Mistakes,
) {
    for person in table.tables("person") {
        read_person(out, person, named, mistakes);
    }
    for team in table.tables("team") {
        read_team(out, team, named, mistakes);
    }
    for route in table.tables("route") {
        let matchers = route.matchers("match");
        let at = route.place("team");
        let team = route.need_text("team").map(TeamId::new);
        route.finish();
        if let Some(team) = team {
            named.uses_team(team.text().clone(), at);
            out.playbook.routes.push(Route { matchers, team });
        }
    }
    for cadence in table.tables("cadence") {
        read_cadence(out, cadence, mistakes);
    }
    for template in table.tables("template") {
        read_template(out, template, folder, mistakes);
    }
    if let Some(response) = table.table("response") {
        read_limits(out, response, named);
    }
}

fn read_person(out: &mut PlaybookFile, table: Table<'_>, named: &mut Named, mistakes: &Mistakes) {
    let at = table.place("name");
    let name = table.need_text("name").map(SafeText::new);
    let mut contact =
        Contact { phone: SafeText::new(table.text("phone").unwrap_or("")), ..Contact::default() };
    if let Some(reach) = table.table("reach") {
        for (channel, at, node) in reach.entries() {
            let Value::Text(address) = &node.value else {
                mistakes.add(node.at, &format!("the address under `{channel}` must be text"));
                continue;
            };
            named.uses_channel(SafeText::new(channel), at);
            contact.at.insert(ChannelId::new(channel), SafeText::new(address));
        }
    }
    table.finish();
    let Some(name) = name else { return };
    match out.playbook.people.entry(name) {
        Entry::Occupied(first) => {
            mistakes.add(at, &format!("there are two people named `{}`", first.key()));
        }
        Entry::Vacant(place) => {
            place.insert(contact);
        }
    }
}

fn read_team(out: &mut PlaybookFile, table: Table<'_>, named: &mut Named, mistakes: &Mistakes) {
    let at = table.place("name");
    let name = table.need_text("name").map(TeamId::new);
    let zone = read_zone(&table, mistakes);
    let mut team =
        Team { title: SafeText::new(table.text("title").unwrap_or("")), ..Team::default() };
    for rotation in table.tables("rotation") {
        team.rotations.extend(read_rotation(rotation, zone, named, mistakes));
    }
    for entry in table.tables("override") {
        team.overrides.extend(read_override(entry, zone, named, mistakes));
    }
    team.pager = table.text("pager").map(SourceId::new);
    let id = name.clone().unwrap_or_default();
    for step in table.tables("escalation") {
        let at = step.at;
        let Some(step) = read_step(step, named, mistakes) else { continue };
        if team.escalation.last().is_some_and(|earlier| earlier.after > step.after) {
            let message = "this step comes before the one above it; `after` counts from the page";
            mistakes.add(at, message);
        }
        named.step(id.clone(), team.escalation.len(), at);
        team.escalation.push(step);
    }
    table.finish();
    let Some(name) = name else { return };
    match out.playbook.teams.entry(name) {
        Entry::Occupied(first) => {
            mistakes.add(at, &format!("there are two teams named `{}`", first.key()));
        }
        Entry::Vacant(place) => {
            place.insert(team);
        }
    }
}

fn read_rotation(
    table: Table<'_>,
    zone: Option<chrono_tz::Tz>,
    named: &mut Named,
    mistakes: &Mistakes,
) -> Option<Rotation> {
    let before = mistakes.count();
    let at = table.place("people");
    let people: Vec<SafeText> = table
        .texts("people")
        .into_iter()
        .map(|(name, at)| {
            let name = SafeText::new(name);
            named.uses_person(name.clone(), at);
            name
        })
        .collect();
    if people.is_empty() {
        mistakes.hinted(at, "nobody is in this rotation", "list names under `people`");
    }
    let from = table.need_text("from").and_then(|text| {
        let parsed = wall(text);
        if parsed.is_none() {
            not_local(&table, "from", text, mistakes);
        }
        parsed
    });
    let days = table.whole("days", 1, 366).unwrap_or(7);
    let own = table.get("zone").is_some();
    let zone = if own { read_zone(&table, mistakes) } else { zone };
    table.finish();
    if mistakes.count() > before {
        return None;
    }
    Some(Rotation { people, from: from?, days: u32::try_from(days).unwrap_or(7), zone: zone? })
}

fn not_local(table: &Table<'_>, key: &str, text: &str, mistakes: &Mistakes) {
    mistakes.hinted(
        table.place(key),
        &format!("`{key}` is not a date and time: `{text}`"),
        "write 2026-11-02T09:00, and the time zone under the team's `zone`",
    );
}

fn read_override(
    table: Table<'_>,
    zone: Option<chrono_tz::Tz>,
    named: &mut Named,
    mistakes: &Mistakes,
) -> Option<Override> {
    let at = table.place("person");
    let person = table.need_text("person").map(SafeText::new);
    if let Some(person) = &person {
        named.uses_person(person.clone(), at);
    }
    let moment = |key: &'static str| {
        let text = table.need_text(key)?;
        let read =
            Timestamp::parse_rfc3339(text).or_else(|| Some(Timestamp::at_wall(wall(text)?, zone?)));
        if read.is_none() {
            not_local(&table, key, text, mistakes);
        }
        read
    };
    let (from, to) = (moment("from"), moment("to"));
    if let (Some(from), Some(to)) = (from, to)
        && to <= from
    {
        mistakes.add(table.place("to"), "`to` is not after `from`");
        return None;
    }
    table.finish();
    Some(Override { person: person?, from: from?, to: to? })
}

fn read_step(table: Table<'_>, named: &mut Named, mistakes: &Mistakes) -> Option<EscalationStep> {
    let after = match table.text("after") {
        None => Some(Span::ZERO),
        Some(text) => {
            let span = Span::parse(text);
            if span.is_none() {
                let message = format!("`after` must be a duration, not `{text}`");
                mistakes.hinted(table.place("after"), &message, "write 0s, 5m or 1h30m");
            }
            span
        }
    };
    let whom = match table.need("page") {
        Some(Node { value: Value::Text(text), .. }) if text == "on-call" => Some(Whom::OnCall),
        Some(node @ Node { value: Value::Map(_), .. }) => read_whom(node, named, mistakes),
        Some(node) => {
            mistakes.hinted(
                node.at,
                "`page` does not say whom",
                "write \"on-call\", { team = \"name\" } or { person = \"name\" }",
            );
            None
        }
        None => None,
    };
    let mut by = Vec::new();
    for (channel, at) in table.texts("by") {
        named.uses_channel(SafeText::new(channel), at);
        by.push(ChannelId::new(channel));
    }
    table.finish();
    Some(EscalationStep { after: after?, whom: whom?, by })
}

fn read_whom(node: &Node, named: &mut Named, mistakes: &Mistakes) -> Option<Whom> {
    let table = Table::of(node, "`page`", mistakes)?;
    let (team_at, person_at) = (table.place("team"), table.place("person"));
    let found = match (table.text("team"), table.text("person")) {
        (Some(team), None) => {
            named.uses_team(SafeText::new(team), team_at);
            Some(Whom::Team(TeamId::new(team)))
        }
        (None, Some(person)) => {
            named.uses_person(SafeText::new(person), person_at);
            Some(Whom::Person(SafeText::new(person)))
        }
        _ => {
            mistakes.add(node.at, "`page` must name either a `team` or a `person`");
            None
        }
    };
    table.finish();
    found
}

fn audiences() -> [(&'static str, Audience); 2] {
    [Audience::Internal, Audience::External].map(|audience| (audience.name(), audience))
}

fn read_cadence(out: &mut PlaybookFile, table: Table<'_>, mistakes: &Mistakes) {
    let severity = table.need_text("severity").and_then(|text| match text.parse::<Severity>() {
        Ok(severity) => Some(severity),
        Err(message) => {
            mistakes.add(table.place("severity"), &message);
            None
        }
    });
    table.need("audience");
    let audience = table.word("audience", &audiences());
    table.need("first");
    table.need("every");
    let (first, every) = (table.span("first"), table.span("every"));
    let long_after = table.span("long_after").unwrap_or(Span::from_hours(2));
    table.finish();
    if let (Some(severity), Some(audience), Some(first), Some(every)) =
        (severity, audience, first, every)
    {
        out.playbook.cadence.insert((severity, audience), Cadence { first, every, long_after });
    }
}

fn read_template(out: &mut PlaybookFile, table: Table<'_>, folder: &Path, mistakes: &Mistakes) {
    let at = table.place("name");
    let name = table.need_text("name").map(SafeText::new);
    table.need("audience");
    let audience = table.word("audience", &audiences());
    let phases: Vec<(&str, Status)> = Status::ALL.iter().map(|s| (s.name(), *s)).collect();
    let phase = table.word("phase", &phases);
    let text = match (table.text("text"), table.text("file")) {
        (Some(text), None) => Some(text.to_owned()),
        (None, Some(file)) => {
            let path = folder.join(file);
            let text = read_capped(&path);
            out.files.push(path);
            text.map_err(|sentence| {
                mistakes.add(table.place("file"), &format!("template `{file}` {sentence}"));
            })
            .ok()
        }
        _ => {
            mistakes.add(table.at, "a template needs either `text` or `file`");
            None
        }
    };
    table.finish();
    let (Some(name), Some(audience), Some(text)) = (name, audience, text) else { return };
    if text.len() > TEMPLATE_BYTES {
        mistakes.add(at, &format!("the template `{name}` is longer than 16 KiB"));
    } else if out.playbook.templates.iter().any(|template| template.name == name) {
        mistakes.add(at, &format!("there are two templates named `{name}`"));
    } else {
        out.playbook.templates.push(Template { name, audience, phase, text });
    }
}

fn read_limits(out: &mut PlaybookFile, table: Table<'_>, named: &mut Named) {
    let playbook = &mut out.playbook;
    if let Some(tracker) = table.text("tracker") {
        let at: Place = table.place("tracker");
        named.uses_tracker(SafeText::new(tracker), at);
        playbook.tracker = Some(TrackerId::new(tracker));
    }
    playbook.rotate_after = table.span("rotate_after").unwrap_or(playbook.rotate_after);
    playbook.silent_after = table.span("silent_after").unwrap_or(playbook.silent_after);
    playbook.test_every = table.span_or_never("test_every").unwrap_or(playbook.test_every);
    if let Some(most) = table.whole("most_reports", 2, 100) {
        playbook.most_reports = usize::try_from(most).unwrap_or(playbook.most_reports);
    }
    for (channel, at) in table.texts("remind_by") {
        named.uses_channel(SafeText::new(channel), at);
        playbook.remind_by.push(ChannelId::new(channel));
    }
    let words = table.texts("redact").into_iter();
    playbook.redact =
        words.map(|(word, _)| SafeText::new(word.trim())).filter(|w| !w.is_empty()).collect();
    table.finish();
}
