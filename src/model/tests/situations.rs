//! Stories of alerts that belong together, and of what they are when some of them are over.

use pretty_assertions::assert_eq;

use super::{Room, alert, at};
use crate::analysis::correlation::Layer;
use crate::domain::{Alert, SourceId, SourceKind};
use crate::model::{Folded, spared};

fn room() -> Room {
    let mut room = Room::bare();
    room.join("am-1", SourceKind::Alertmanager, "eu");
    room.join("prom", SourceKind::Prometheus, "eu");
    room.model.tick(at(0));
    // Who calls whom comes first.
    room.model.study();
    room
}

fn told(room: &Room) -> Vec<(Vec<String>, usize, usize)> {
    let rows = room.model.situations(room.model.alerts.groups.iter());
    let row = |row: &Folded| match row {
        Folded::Alone(key) => (vec![format!("alone {}", key.values[0])], 0, 0),
        Folded::Together(one) => {
            let groups = one.groups.iter().map(|(key, why)| format!("{}: {why}", key.values[0]));
            (groups.collect(), one.alerts, one.pages)
        }
    };
    rows.iter().map(row).collect()
}

fn began(name: &str, secs: i64, labels: &[(&str, &str)]) -> Alert {
    let all: Vec<(&str, &str)> = [("alertname", name)].iter().chain(labels).copied().collect();
    Alert { starts_at: at(secs), ..alert(name, 0, &all) }
}

const PAGE: (&str, &str) = ("severity", "critical");
const SHOP: (&str, &str) = ("service", "checkout");

#[test]
fn alerts_of_one_service_are_one_situation_and_what_comes_later_joins_it() {
    let mut room = room();
    let errors = began("Errors", -100, &[SHOP, PAGE]);
    let slow = began("Slow", -60, &[SHOP, ("severity", "info")]);
    let disk = began("DiskFull", -80, &[("instance", "db-1")]);
    room.sees("am-1", 0, vec![errors.clone(), disk.clone()]);
    assert_eq!(told(&room).len(), 2, "not taken in yet, each stands for itself");
    assert!(told(&room).iter().all(|(groups, ..)| groups[0].starts_with("alone")));
    room.model.tick(at(1));
    room.model.study();
    room.sees("am-1", 3, vec![errors.clone(), disk.clone(), slow.clone()]);
    room.model.tick(at(4));
    room.model.study();
    let first = "Errors: It opened the group.".to_owned();
    let second = "Slow: Errors began 40 s before about the same service.".to_owned();
    let disk_alone = (vec!["DiskFull: It opened the group.".to_owned()], 1, 0);
    assert_eq!(told(&room), [(vec![first, second], 2, 1), disk_alone]);
    let rows = room.model.situations(room.model.alerts.groups.iter());
    let found = spared(&rows);
    assert_eq!((found.alerts, found.groups, found.situations), (3, 3, 2));
    let Folded::Together(disk) = &rows[1] else { panic!("{rows:?}") };
    assert_eq!((disk.layers.as_slice(), &disk.doubt), (&[Layer::Infrastructure][..], &None));
}

#[test]
fn nothing_new_is_nothing_to_study_and_another_world_forgets() {
    let mut room = room();
    room.sees("am-1", 0, vec![began("Errors", -100, &[SHOP, PAGE])]);
    room.model.tick(at(1));
    room.model.study();
    let revision = room.model.situations.revision;
    room.model.tick(at(2));
    room.model.study();
    assert_eq!(room.model.situations.revision, revision);
    room.model.forget_observations();
    assert!(told(&room).is_empty());
    room.model.observe(&SourceId::new("am-1"), at(3), Vec::new());
    assert_eq!(room.model.situations.revision, 0);
}
