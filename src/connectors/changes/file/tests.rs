//! Lines as webhooks write them: whole, half-written, garbage.

use proptest::prelude::*;

use super::*;
use crate::connectors::changes::{ChangesFrom, Place};
use crate::domain::{Catalog, ServiceId};

fn parse(begin: u64, text: &[u8]) -> (Vec<Change>, Vec<SafeText>) {
    let local = ChangesFrom {
        place: Place::Path("/changes".into()),
        service: None,
        services: vec![("pay-".to_owned(), ServiceId::new("payments"))],
        tags: ChangeKind::Merge,
    };
    let connector = ChangesFile::new(Places::new(&local, &Catalog::default()));
    let now = Timestamp::from_millis(0);
    let body = [format!("changes {begin}\n").as_bytes(), text].concat();
    let reply =
        Reply { status: 200, body, retry_after: None, date: None, sent: now, received: now };
    let ask = connector.asks(&Interest::default(), now).remove(0);
    let seen = connector.parse(&SourceId::new("hooks"), &ask, &reply).unwrap();
    match <[Observation; 2]>::try_from(seen).unwrap() {
        [Observation::Changes(changes), Observation::LeftOut(named)] => (changes, named),
        other => panic!("{other:?}"),
    }
}

const WHOLE: &str = r#"{"at":"2026-11-22T18:04:00Z","id":"b/7","kind":"flag","service":"pay-eu","title":"new basket on","author":"mia","reviewed_by":["Jo"],"before":"off","after":"on","state":"done","added":2,"paths":["flags.yaml"],"with":["PR 9"],"url":"https://ci/7"}"#;

#[test]
fn a_whole_line_is_a_change() {
    let (changes, left_out) = parse(0, format!("{WHOLE}\n").as_bytes());
    assert_eq!(left_out, Vec::<SafeText>::new());
    let expected = Change {
        key: ChangeKey { source: SourceId::new("hooks"), id: "b/7".into() },
        at: Timestamp::parse_rfc3339("2026-11-22T18:04:00Z").unwrap(),
        kind: ChangeKind::Flag,
        service: Some(ServiceId::new("payments")),
        title: "new basket on".into(),
        author: "mia".into(),
        reviewed: Reviewed::By(vec!["Jo".into()]),
        before: "off".into(),
        after: "on".into(),
        state: ChangeState::Done,
        size: Some(ChangeSize { added: 2, deleted: 0, paths: vec!["flags.yaml".into()], files: 1 }),
        with: vec!["PR 9".into()],
        url: "https://ci/7".into(),
    };
    assert_eq!(changes, [expected]);
}

#[test]
fn a_half_written_last_line_waits() {
    let (first, rest) = WHOLE.split_at(40);
    assert_eq!(parse(0, first.as_bytes()), (vec![], vec![]));
    assert_eq!(parse(0, WHOLE.as_bytes()), (vec![], vec![]));
    assert_eq!(parse(0, format!("{first}{rest}\n").as_bytes()).0.len(), 1);
}

#[test]
fn garbage_is_named_and_skipped() {
    let text =
        format!("{{\"at\":\n{WHOLE}\n\n\u{fffd}<html>\n{{\"at\":\"soon\",\"title\":\"x\"}}\n");
    let (changes, named) = parse(0, text.as_bytes());
    assert_eq!(changes.len(), 1);
    let begins: Vec<String> =
        named.iter().map(|n| n.split_whitespace().take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(begins, ["line 1", "line 4", "line 5"]);
    assert!(named[2].contains("not a time such as"), "{}", named[2]);
}

#[test]
fn a_later_line_replaces_an_earlier_one_and_a_tail_begins_with_a_whole_line() {
    let later = WHOLE.replace("done", "undone");
    let (changes, _) = parse(0, format!("{WHOLE}\n{later}\n").as_bytes());
    assert_eq!(changes.iter().map(|c| c.state).collect::<Vec<_>>(), [ChangeState::Undone]);
    let (changes, named) = parse(500, format!("tail of a line\"}}\n{WHOLE}\nbad\n").as_bytes());
    assert_eq!(changes.len(), 1);
    assert!(named[0].starts_with("the line at byte "), "{}", named[0]);
}

#[tokio::test]
async fn a_file_that_grows_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changes.jsonl");
    let clock: Arc<dyn Clock> = Arc::new(|| Timestamp::from_millis(0));
    let tail = Tail::new(path.clone(), Span::from_secs(5), clock);
    let ask = ChangesFile::default().asks(&Interest::default(), Timestamp::from_millis(0));
    let absent = tail.exchange(&ask[0]).await.unwrap_err();
    assert_eq!(absent.failure.kind, FailureKind::Unreachable);
    std::fs::write(&path, b"{}\n").unwrap();
    assert_eq!(tail.exchange(&ask[0]).await.unwrap().body, b"changes 0\n{}\n");
    std::fs::write(&path, vec![b'x'; 1024 * 1024 + 3]).unwrap();
    assert!(tail.exchange(&ask[0]).await.unwrap().body.starts_with(b"changes 3\nxx"));
    let folder_itself = Tail::new(folder.path().into(), tail.deadline, tail.clock.clone());
    assert!(folder_itself.exchange(&ask[0]).await.is_err());
}

#[test]
fn of_one_moment_the_later_line_is_the_newer_change() {
    let line = |id: &str| {
        format!("{{\"at\":\"2026-11-22T18:04:00Z\",\"title\":\"{id}\",\"id\":\"{id}\"}}\n")
    };
    let (changes, named) = parse(0, format!("{}{}", line("v9"), line("v10")).as_bytes());
    let titles: Vec<&str> = changes.iter().map(|change| change.title.as_str()).collect();
    assert_eq!((titles, named.len()), (vec!["v10", "v9"], 0));
}

proptest! {
    /// Whatever stands around them, whole lines are read, and nothing panics.
    #[test]
    fn whole_lines_survive_any_neighbours(before in "[^\n]{0,40}", after in "[^\n]{0,40}") {
        let text = format!("{before}\n{WHOLE}\n{after}");
        let (changes, named) = parse(0, text.as_bytes());
        prop_assert_eq!(changes.len(), 1);
        prop_assert_eq!(named.len(), usize::from(!before.as_bytes().trim_ascii().is_empty()));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(begin in any::<u32>(), text in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(begin.into(), &text);
    }
}
