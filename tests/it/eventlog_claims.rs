//! What only one may do, and one series per incident: the same in memory and on disk.

use std::path::Path;

use pretty_assertions::assert_eq;
use quarterdeck::domain::{Actor, Cause, IncidentId, SafeText, Severity, Timestamp};
use quarterdeck::eventlog::{
    CommandTaken, Declared, EntryMade, EventLog, Grant, IncidentEvent, KeyChoice, LogEvent,
    MachineSaw, MemoryLog, Place, Policy, Position, Power, Record, RecordId, Sealed, Signer,
    Signers, SqliteLog, Subject, verify,
};
use tempfile::TempDir;

const T0: i64 = 1_763_820_000_000;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(T0 + millis)
}

fn incident(id: &str, event: impl Into<IncidentEvent>) -> LogEvent {
    LogEvent::Incident { incident: IncidentId::new(id), event: event.into() }
}

fn declared(id: &str) -> LogEvent {
    incident(
        id,
        Declared {
            title: "checkout fails".into(),
            severity: Severity::Sev1,
            reason: "".into(),
            services: vec![],
            impact: Default::default(),
            cause: Cause::Nothing,
            onset: None,
        },
    )
}

fn command(id: &str, who: &str, after: Option<RecordId>) -> LogEvent {
    let (commander, reason) = (Actor::new(who), "nobody commands".into());
    incident(id, CommandTaken { after, commander, handover: None, reason })
}

fn entry(id: &str, text: &str) -> LogEvent {
    let kind = quarterdeck::domain::EntryKind::Observation;
    let (happened, spoken_by, evidence, about) = (None, None, None, None);
    let text = SafeText::body(text);
    incident(id, EntryMade { kind, text, happened, spoken_by, evidence, about })
}

fn saw(id: &str, key: &str) -> LogEvent {
    let at = quarterdeck::domain::Moment::exact(at(0));
    incident(id, MachineSaw { key: key.into(), source: "eu".into(), text: "fires".into(), at })
}

fn note() -> LogEvent {
    LogEvent::Noted { about: Subject::General, text: "n".into() }
}

fn both(story: impl Fn(&mut dyn EventLog)) {
    story(&mut MemoryLog::for_demo());
    let home = TempDir::new().unwrap();
    let dir = home.path().join("q");
    story(&mut SqliteLog::open(&dir).unwrap());
    let report = SqliteLog::audit(&dir, None).unwrap();
    assert!(report.is_clean(), "{report:?}");
}

#[test]
fn each_incident_has_a_series_of_its_own_and_time_is_one() {
    both(|log| {
        let ada = Actor::new("ada");
        let all = [declared("INC-1"), note(), declared("INC-2"), entry("INC-1", "x"), note()];
        let mut written = log.append(&ada, at(0), &all).unwrap();
        // A clock set back does not make anything earlier, in whatever incident.
        written.extend(log.append(&ada, at(-9_000), &[entry("INC-2", "y")]).unwrap());
        let places: Vec<u64> = written.iter().map(|r| r.stamp.seq).collect();
        assert_eq!(places, [0, 0, 0, 1, 1, 1]);
        assert!(written.is_sorted_by(|a, b| a.stamp < b.stamp));
        assert_eq!(log.read_after(Position::default()).unwrap().records, written);
    });
}

#[test]
fn a_place_goes_to_the_first_and_the_second_is_told_who_that_was() {
    both(|log| {
        let (ada, grace) = (Actor::new("ada"), Actor::new("grace"));
        log.append(&ada, at(0), &[declared("INC-1"), declared("INC-2")]).unwrap();
        let first = log.append(&ada, at(1), &[command("INC-1", "ada", None)]).unwrap().remove(0);

        // All or none: the entry beside the refused claim is not recorded either.
        let late = [entry("INC-1", "I take command"), command("INC-1", "grace", None)];
        let error = log.append(&grace, at(61_000), &late).unwrap_err();
        assert_eq!(error.taken.as_deref(), Some(&first));
        assert_eq!(
            error.sentence.as_str(),
            "ada was first at 14:00:00 UTC: command of INC-1 went to ada. Yours was not recorded and \
             nothing else is affected; look at how things stand now and decide again."
        );
        assert_eq!(log.read_after(Position::default()).unwrap().records.len(), 3);

        // Another incident's command is another place; and who follows what stands is let through.
        log.append(&grace, at(2), &[command("INC-2", "grace", None)]).unwrap();
        let second = [command("INC-1", "grace", Some(first.id))];
        let second = log.append(&grace, at(3), &second).unwrap().remove(0);
        let stale = [command("INC-1", "linus", Some(first.id))];
        let error = log.append(&ada, at(4), &stale).unwrap_err();
        assert_eq!(error.taken.as_deref(), Some(&second));

        // What follows a record nobody knows here, where nothing stands, is refused too.
        let odd = [command("INC-3", "ada", Some(RecordId([9; 32])))];
        let error = log.append(&ada, at(5), &odd).unwrap_err();
        assert_eq!(error.taken, None);
        assert!(error.sentence.contains("not in this log"), "{error}");
    });
}

#[test]
fn what_several_consoles_see_is_recorded_once() {
    both(|log| {
        let ada = Actor::new("ada");
        log.append(&ada, at(0), &[saw("INC-1", "alert:eu/1:firing")]).unwrap();
        let again = [saw("INC-1", "alert:eu/2:firing"), saw("INC-1", "alert:eu/2:firing")];
        assert!(log.append(&ada, at(1), &again).unwrap_err().taken.is_none());
        let error = log.append(&ada, at(1), &[saw("INC-1", "alert:eu/1:firing")]).unwrap_err();
        assert!(error.sentence.contains("already on the timeline of INC-1"), "{error}");
        log.append(&ada, at(1), &[saw("INC-1", "alert:eu/2:firing")]).unwrap();
        log.append(&ada, at(1), &[saw("INC-2", "alert:eu/1:firing")]).unwrap();
    });
}

#[test]
fn two_consoles_of_one_store_cannot_both_take_command() {
    let home = TempDir::new().unwrap();
    let dir = home.path().join("q");
    let mut logs = [SqliteLog::open(&dir).unwrap(), SqliteLog::open(&dir).unwrap()];
    let [ada, grace] = ["ada", "grace"].map(Actor::new);
    let first = logs[0].append(&ada, at(0), &[command("INC-1", "ada", None)]).unwrap();
    let error = logs[1].append(&grace, at(0), &[command("INC-1", "grace", None)]).unwrap_err();
    assert_eq!(error.taken.as_deref(), first.first());
    // Both write one series, in turns, in several incidents.
    for n in 0..6 {
        logs[n % 2].append(&ada, at(1), &[entry("INC-1", "e"), entry("INC-2", "e")]).unwrap();
    }
    let report = SqliteLog::audit(&dir, None).unwrap();
    assert_eq!((report.is_clean(), report.records, report.series), (true, 13, 2));
}

#[test]
fn a_record_that_the_policy_refuses_keeps_nobody_out_of_its_place() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = TempDir::new().unwrap();
    let shared = home.path().join("log");
    std::fs::create_dir(&shared).unwrap();
    std::fs::set_permissions(&shared, std::fs::Permissions::from_mode(0o2770)).unwrap();
    let place = |name: &str, policy: Policy| Place {
        private: home.path().join(name),
        shared: Some(shared.clone()),
        key: KeyChoice::Own,
        policy,
    };
    let open = |name: &str, policy: Policy| SqliteLog::open_at(&place(name, policy)).unwrap();
    let key = |name: &str| open(name, Policy::default()).key();
    let grant = |name: &str, powers: &[Power]| {
        let powers = powers.iter().copied().collect();
        (key(name), Grant { person: name.into(), powers, revoked: None })
    };
    let all = [Power::Write, Power::Declare, Power::Command];
    let policy = Policy::of([grant("ada", &all), grant("mallory", &[Power::Write])].into());
    let [ada, mallory] = ["ada", "mallory"].map(Actor::new);
    let mut theirs = open("mallory", Policy::default());
    let mut ours = open("ada", policy.clone());
    ours.append(&ada, at(0), &[declared("INC-1")]).unwrap();
    // Where the policy file is missing anything can be written; nobody who has it counts that.
    let taken = theirs.append(&mallory, at(1), &[command("INC-1", "mallory", None)]).unwrap();
    let first = ours.append(&ada, at(2), &[command("INC-1", "ada", None)]).unwrap().remove(0);
    let again = [command("INC-1", "mallory", Some(first.id))];
    theirs.append(&mallory, at(3), &again).unwrap();
    // What counts is still taken once.
    let error = ours.append(&ada, at(4), &[command("INC-1", "ada", None)]).unwrap_err();
    assert!(error.taken.is_some(), "{error}");
    let next = [command("INC-1", "ada", Some(first.id))];
    let next = ours.append(&ada, at(5), &next).unwrap().remove(0);
    let signers = Some(Signers::Policy(policy.clone()));
    let report = SqliteLog::audit_at(&place("ada", policy), signers).unwrap();
    assert_eq!(report.places, vec![] as Vec<SafeText>);
    assert_eq!(report.findings.len(), 2, "{:?}", report.findings);
    assert_ne!(taken[0].id, next.id);
}

/// A store as the first version made it: no claims, one series.
fn old_store(dir: &Path, events: &[LogEvent]) {
    drop(SqliteLog::open(dir).unwrap());
    let mut memory = MemoryLog::for_demo();
    memory.append(&Actor::new("ada"), at(0), events).unwrap();
    let connection = rusqlite::Connection::open(dir.join("log.sqlite")).unwrap();
    connection
        .execute_batch(
            "DROP TABLE claim; DROP TABLE word; DROP TABLE words; PRAGMA user_version = 1",
        )
        .unwrap();
    for row in memory.rows() {
        connection
            .execute(
                "INSERT INTO record (id, incident, origin, seq, bytes) VALUES (?1, ?2, ?3, ?4, ?5)",
                rusqlite::params![row.id.0, row.incident, row.origin.0, row.seq, row.bytes],
            )
            .unwrap();
    }
}

#[test]
fn a_store_of_the_first_version_opens_and_knows_who_took_what() {
    let home = TempDir::new().unwrap();
    let dir = home.path().join("q");
    old_store(&dir, &[note(), command("INC-1", "ada", None), note()]);
    let before = SqliteLog::audit(&dir, Some(Signers::Anyone)).unwrap();
    assert!(before.is_clean(), "the audit reads it before it is changed: {before:?}");
    let mut log = SqliteLog::open(&dir).unwrap();
    assert_eq!(log.read_after(Position::default()).unwrap().records.len(), 3);
    let error = log.append(&Actor::new("g"), at(9), &[command("INC-1", "g", None)]).unwrap_err();
    assert!(error.taken.is_some());
    log.append(&Actor::new("g"), at(9), &[note()]).unwrap();
    assert!(SqliteLog::audit(&dir, Some(Signers::Anyone)).unwrap().is_clean());
}

#[test]
fn the_audit_names_a_place_the_store_gives_to_another_than_the_records_do() {
    let home = TempDir::new().unwrap();
    let dir = home.path().join("q");
    let mut log = SqliteLog::open(&dir).unwrap();
    let ada = Actor::new("ada");
    let written = log.append(&ada, at(0), &[command("INC-1", "ada", None), note()]).unwrap();
    drop(log);
    let connection = rusqlite::Connection::open(dir.join("log.sqlite")).unwrap();
    for (sql, said) in [
        (
            "DELETE FROM claim",
            format!(
                "INC-1/command is kept as taken by nobody, but by the records it is {:?}",
                written[0].id
            ),
        ),
        (
            "INSERT INTO claim SELECT 'INC-1/command', id FROM record WHERE position = 2",
            format!(
                "INC-1/command is kept as taken by {:?}, but by the records it is {:?}",
                written[1].id, written[0].id
            ),
        ),
    ] {
        connection.execute_batch(sql).unwrap();
        let report = SqliteLog::audit(&dir, None).unwrap();
        assert_eq!(report.places.iter().map(SafeText::as_str).collect::<Vec<_>>(), [said]);
        assert!(!report.is_clean());
    }
}

#[test]
fn a_kind_of_a_later_version_may_claim_what_this_one_cannot_know() {
    let signer = Signer::from_seed(&[7; 32]);
    let mut log = MemoryLog::for_demo();
    log.append(&Actor::new("ada"), at(0), &[command("INC-1", "ada", None)]).unwrap();
    let known = Sealed::open(log.rows()[0].bytes.clone()).unwrap().record;
    let later = Record { kind: "command-shared".into(), seq: 1, ..known };
    let later = later.clone().seal(&signer).unwrap();
    let row = quarterdeck::eventlog::StoredRow::of(Position(1), &later);
    let places = [("INC-1/sharing".to_owned(), later.id)].into();
    let report = verify([row], &Signers::Anyone, None, Some(&places));
    assert_eq!((report.places, report.newer), (vec![], 1));
}
