//! A real repository in a temporary folder, with what people and others write into it.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::connectors::changes::{ChangesFrom, Place};
use crate::domain::{Catalog, ServiceId};

fn git(at: &Path, second: u32, args: &[&str]) {
    let date = format!("{} +0000", 1_700_000_000 + second);
    let done = std::process::Command::new("git")
        .arg("-C")
        .arg(at)
        .args(["-c", "user.name=Mia", "-c", "user.email=mia@example.org"])
        .args(["-c", "commit.gpgSign=false", "-c", "tag.gpgSign=false"])
        .args(args)
        .env("GIT_AUTHOR_DATE", &date)
        .env("GIT_COMMITTER_DATE", &date)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
}

fn write(at: &Path, file: &str, text: &str) {
    std::fs::create_dir_all(at.join(file).parent().unwrap()).unwrap();
    std::fs::write(at.join(file), text).unwrap();
    git(at, 0, &["add", "."]);
}

fn local(at: &Path) -> ChangesFrom {
    let services = vec![("src/pay/".to_owned(), ServiceId::new("payments"))];
    let (service, tags) = (None, ChangeKind::Deploy);
    ChangesFrom { place: Place::Path(at.into()), service, services, tags }
}

fn repository(at: &Path) -> Repository {
    Repository::new(at.into(), Span::from_secs(20), Arc::new(|| Timestamp::from_millis(0)))
}

async fn changes(at: &Path) -> Vec<Change> {
    let reader = Git::new(Places::new(&local(at), &Catalog::default()), ChangeKind::Deploy);
    let ask = reader.asks(&Interest::default(), Timestamp::from_millis(0)).remove(0);
    let reply = repository(at).exchange(&ask).await.unwrap();
    match reader.parse(&SourceId::new("git"), &ask, &reply).unwrap().remove(0) {
        Observation::Changes(changes) => changes,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_release_is_told_with_what_went_out_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    git(at, 0, &["init", "-q", "-b", "main"]);
    write(at, "src/pay/a.rs", "1\n2\n");
    git(at, 1, &["commit", "-q", "-m", "begin"]);
    git(at, 2, &["tag", "pay-v1"]);
    git(at, 3, &["tag", "other-v9"]);
    git(at, 4, &["checkout", "-q", "-b", "work"]);
    write(at, "src/pay/a.rs", "1\n3\n4\n");
    git(at, 5, &["commit", "-q", "-m", "only on the branch"]);
    git(at, 6, &["checkout", "-q", "main"]);
    let merge = "Merge the basket\u{202e}\u{1b}[31m\n\nReviewed-by: Jo <jo@example.org>\n\
                 Reviewed-by: Mia <mia@example.org>";
    git(at, 7, &["merge", "-q", "--no-ff", "work", "-m", merge]);
    // Names that would be options, ranges or other fields, were they not ids and fields.
    git(at, 8, &["tag", "-a", "pay-v2", "-m", "Pay 2\u{1f}--output=/tmp/x\n\nbody"]);

    let found = changes(at).await;
    let tags: Vec<&str> = found.iter().map(|c| c.after.as_str()).collect();
    assert_eq!(tags.len(), 3);
    assert_eq!(tags[0], "pay-v2");
    let second = &found[0];
    assert_eq!(second.before.as_str(), "pay-v1");
    assert_eq!(second.key.id.as_str(), "refs/tags/pay-v2");
    assert_eq!(second.at, Timestamp::from_millis(1_700_000_008_000));
    assert_eq!((second.kind, second.author.as_str()), (ChangeKind::Deploy, "Mia"));
    assert_eq!(second.service, Some(ServiceId::new("payments")));
    assert_eq!(second.reviewed, Reviewed::By(vec!["Jo".into()]));
    let paths = vec!["src/pay/a.rs".into()];
    assert_eq!(second.size, Some(ChangeSize { added: 2, deleted: 1, paths, files: 1 }));
    assert_eq!(second.with.len(), 1);
    assert!(second.with[0].starts_with("Merge the basket"), "{}", second.with[0]);
    assert!(!second.with[0].contains(['\u{202e}', '\u{1b}']));
    let first = found.iter().find(|c| c.after.as_str() == "pay-v1").unwrap();
    assert_eq!(
        (first.before.as_str(), &first.size, &first.reviewed),
        ("", &None, &Reviewed::Unknown)
    );
}

#[tokio::test]
async fn of_two_tags_of_one_second_the_higher_version_came_later() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    git(at, 0, &["init", "-q", "-b", "main"]);
    write(at, "src/pay/a.rs", "1\n");
    git(at, 1, &["commit", "-q", "-m", "begin"]);
    git(at, 2, &["tag", "pay-v9"]);
    write(at, "src/pay/a.rs", "2\n");
    git(at, 2, &["commit", "-q", "-m", "more"]);
    git(at, 2, &["tag", "pay-v10"]);
    let found = changes(at).await;
    let told: Vec<_> = found.iter().map(|c| (c.before.as_str(), c.after.as_str())).collect();
    assert_eq!(told, [("pay-v9", "pay-v10"), ("", "pay-v9")]);
}

#[tokio::test]
async fn a_bare_mirror_reads_as_its_origin_and_a_folder_that_is_none_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (origin, mirror) = (folder.path().join("origin"), folder.path().join("mirror.git"));
    std::fs::create_dir(&origin).unwrap();
    git(&origin, 0, &["init", "-q", "-b", "main"]);
    write(&origin, "src/pay/a.rs", "1\n");
    git(&origin, 1, &["commit", "-q", "-m", "begin"]);
    git(&origin, 2, &["tag", "v1"]);
    let to = mirror.to_string_lossy().into_owned();
    git(&origin, 3, &["clone", "-q", "--mirror", ".", &to]);
    assert_eq!(changes(&mirror).await, changes(&origin).await);

    let ask = Git::new(Places::default(), ChangeKind::Merge)
        .asks(&Interest::default(), Timestamp::from_millis(0));
    let missing = repository(&folder.path().join("none")).exchange(&ask[0]).await.unwrap_err();
    assert!(missing.failure.sentence.contains("git said: "), "{}", missing.failure.sentence);
}

#[test]
fn a_tag_is_of_what_stands_before_its_version() {
    let of = ["checkout-v812", "v1.2", "pay/1.0-rc.1", "release-2026-11-02", "stable", "a-vm-v2"];
    let expected = ["checkout", "", "pay", "release", "stable", "a-vm"];
    assert_eq!(of.map(family), expected);
}

#[test]
fn one_commit_nobody_reviewed_makes_the_review_unknown() {
    let log = "p q\0Mia\0one\0Jo <jo@x>\0p\0Mia\0two\0\0";
    assert_eq!(reviewed(&read_log(log)), Reviewed::Unknown);
    let log = "p q\0Mia\0one\0Jo <jo@x>\0p\0Jo\0two\0Mia <m@x>\0";
    assert_eq!(reviewed(&read_log(log)), Reviewed::By(vec!["Jo".into(), "Mia".into()]));
}

proptest! {
    #[test]
    fn whatever_git_says_is_read_without_a_panic(tags in ".{0,200}", log in ".{0,200}", numstat in ".{0,200}") {
        let _ = (read_tags(&tags), reviewed(&read_log(&log)), read_numstat(&numstat), family(&tags));
    }

    /// A tag comes back as it was written, whatever its subject and author are.
    #[test]
    fn fields_come_back(subject in "[^\0\n]{0,40}", author in "[^\0\n]{1,20}", seconds in 0..4_000_000_000_i64) {
        let id = "0123456789".repeat(4);
        let one = format!("{id}\0\0refs/tags/v1\0{seconds}\0\0{author}\0{subject}\0\n");
        let text = one.repeat(2);
        let at = Timestamp::from_millis(seconds * 1000);
        let tag = Tag { commit: &id, name: "v1", at, author: &author, subject: &subject };
        prop_assert_eq!(read_tags(&text), [tag.clone(), tag]);
    }

    #[test]
    fn lines_add_up(files in proptest::collection::vec((0..9_999_u32, 0..9_999_u32, "[^\0]{1,20}"), 0..300)) {
        let text: String = files.iter().map(|(a, d, p)| format!("{a}\t{d}\t{p}\0")).collect();
        let size = read_numstat(&text);
        prop_assert_eq!(size.added, files.iter().map(|f| f.0).sum::<u32>());
        prop_assert_eq!(size.deleted, files.iter().map(|f| f.1).sum::<u32>());
        prop_assert_eq!((size.files as usize, size.paths.len()), (files.len(), files.len().min(200)));
    }
}
