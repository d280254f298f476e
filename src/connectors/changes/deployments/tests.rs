//! Readers of deployments meet anything.

use proptest::prelude::*;

use super::github::Github;
use super::gitlab::Gitlab;
use super::*;
use crate::connectors::{Connector, Interest, Reply};
use crate::domain::Observation;

fn reply(body: Vec<u8>) -> Reply {
    let now = Timestamp::from_millis(0);
    Reply { status: 200, body, retry_after: None, date: None, sent: now, received: now }
}

fn changes(connector: &dyn Connector, body: &[u8]) -> Option<Vec<Change>> {
    let ask = connector.asks(&Interest::default(), Timestamp::from_millis(0)).remove(0);
    let read = connector.parse(&SourceId::new("s"), &ask, &reply(body.to_vec())).ok()?;
    match read.as_slice() {
        [Observation::Changes(changes)] => Some(changes.clone()),
        other => panic!("{other:?}"),
    }
}

fn project() -> Project {
    Project { name: "a/b".into(), ..Project::default() }
}

proptest! {
    /// Bytes, and lists whose entries lack or distort anything: read or refused, never a panic, and what is
    /// read is in order with a version before it that is older.
    #[test]
    fn anything_is_read_or_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        all in prop::collection::vec((0..9u64, "[a-z0-9é]{0,12}", 0..9u8, 0..4u8), 0..8),
    ) {
        changes(&Github(project()), &bytes);
        changes(&Gitlab(project()), &bytes);
        let states = ["success", "failed", "running", "blocked", "in_progress", "inactive", "", "?", "error"];
        let list: Vec<_> = all.iter().map(|(id, name, state, minute)| serde_json::json!({
            "id": id, "ref": name, "sha": name, "status": states[usize::from(*state)],
            "created_at": format!("2026-11-22T18:0{minute}:00Z"), "environment": { "name": "p" },
        })).collect();
        let body = serde_json::to_vec(&list).unwrap();
        let read = changes(&Gitlab(project()), &body).unwrap();
        prop_assert!(read.len() <= list.len());
        prop_assert!(read.windows(2).all(|two| two[0].at >= two[1].at));
        let oldest = read.last().map(|change| change.before.as_str());
        prop_assert!(oldest.is_none_or(str::is_empty), "nothing ran before the first");
    }
}
