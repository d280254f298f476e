//! `quarterdeck alerts --situations`: groups folded into few, each with the reason.

use serde_json::json;

use crate::cli::world::World;
use crate::cli::{Exit, output};
use crate::domain::Filter;
use crate::model::{Folded, Group, Situation, spared};

/// Prints them; attention is wanted as for the groups they are made of.
pub(super) fn tell(world: &World, filter: &Filter, muted: bool, as_json: bool) -> Exit {
    let model = &world.model;
    let book = &model.alerts;
    let groups = book.visible(filter, muted).into_iter().filter_map(|at| book.groups.get(at));
    let rows = model.situations(groups);
    let found = spared(&rows);
    if as_json {
        let mut head = world.head();
        let all: Vec<serde_json::Value> = rows.iter().map(|row| written(world, row)).collect();
        head.insert("situations".into(), all.into());
        head.insert("alerts".into(), found.alerts.into());
        head.insert("groups".into(), found.groups.into());
        head.insert("noise_reduction".into(), json!(found.share()));
        output::json(&head);
    } else {
        world.print_lacking();
        rows.iter().for_each(|row| print(world, row));
        match found.share() {
            Some(share) => output::line(&format!(
                "{} groups in {} situations: {:.0} % less to look at",
                found.groups,
                found.situations,
                share * 100.0
            )),
            None if world.alerts_known() => output::line("No alerts to show."),
            None => output::line("Alerts are not known: no Alertmanager has answered."),
        }
    }
    if rows.is_empty() && world.lacking().is_empty() { Exit::Fine } else { Exit::Attention }
}

fn print(world: &World, row: &Folded) {
    let title = |group: &Group| format!("{} {}", group.judged.severity, group.title);
    match row {
        Folded::Alone(key) => {
            let title = world.model.alerts.group(key).map(title).unwrap_or_default();
            output::line(&format!("{title}: not folded yet"));
        }
        Folded::Together(situation) => {
            for (at, (key, reason)) in situation.groups.iter().enumerate() {
                let title = world.model.alerts.group(key).map(title).unwrap_or_default();
                if at == 0 {
                    output::line(&format!("{title}  {}", counts(situation)));
                    if situation.groups.len() > 1 {
                        output::line(&format!("    {reason}"));
                    }
                } else {
                    output::line(&format!("  {title}: {reason}"));
                }
            }
            if let Some(doubt) = &situation.doubt {
                output::line(&format!("    Probably no sign of trouble: {doubt}"));
            }
        }
    }
}

fn counts(situation: &Situation) -> String {
    let layers: Vec<&str> = situation.layers.iter().map(|layer| layer.name()).collect();
    let (groups, alerts) = (situation.groups.len(), situation.alerts);
    let (groups_word, alerts_word) = (
        if groups == 1 { "group" } else { "groups" },
        if alerts == 1 { "alert" } else { "alerts" },
    );
    format!(
        "({groups} {groups_word}, {alerts} {alerts_word}, {} grave; {})",
        situation.pages,
        layers.join(", ")
    )
}

fn written(world: &World, row: &Folded) -> serde_json::Value {
    let group = |(key, reason): &(crate::model::GroupKey, String)| {
        let group = world.model.alerts.group(key);
        json!({
            "title": group.map(|group| group.title.as_str()),
            "site": key.site.as_str(),
            "severity": group.map(|group| group.judged.severity.to_string()),
            "reason": reason,
        })
    };
    match row {
        Folded::Alone(key) => {
            json!({ "id": null, "groups": [group(&(key.clone(), String::new()))] })
        }
        Folded::Together(one) => json!({
            "id": one.id.0,
            "alerts": one.alerts,
            "grave": one.pages,
            "layers": one.layers.iter().map(|layer| layer.name()).collect::<Vec<_>>(),
            "doubt": one.doubt,
            "groups": one.groups.iter().map(group).collect::<Vec<_>>(),
        }),
    }
}
