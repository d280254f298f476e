//! What is recorded is played back, at any moment, also from a damaged tape; and silences work there.

use std::io::Write;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use pretty_assertions::assert_eq;
use proptest::prelude::*;
use quarterdeck::connectors::alertmanager::Alertmanager;
use quarterdeck::connectors::http::{Fault, Transport};
use quarterdeck::connectors::tape::{
    Header, Player, PlayerClock, Recorder, Tape, TapeError, TapeKind, TapeSource,
};
use quarterdeck::connectors::{Ask, Clock, Connector, Method, Reply};
use quarterdeck::domain::*;

use crate::connectors::{NOON, ask, fixture, reply};

#[derive(Clone, Default)]
struct Disk(Arc<Mutex<Vec<u8>>>);

impl Write for Disk {
    fn write(&mut self, raw: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(raw);
        Ok(raw.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Gives prepared replies one after another.
struct Prepared(Mutex<Vec<Reply>>);

#[async_trait]
impl Transport for Prepared {
    async fn exchange(&self, _: &Ask) -> Result<Reply, Fault> {
        let reply = self.0.lock().unwrap().remove(0);
        Ok(reply)
    }
}

fn header() -> Header {
    Header {
        program: "test".into(),
        started: NOON,
        sources: vec![TapeSource {
            name: SourceId::new("am"),
            kind: TapeKind::Alertmanager,
            site: SiteId::new("lab"),
            interval: Span::from_secs(15),
        }],
        config: "# config".into(),
        files: vec![("catalog.toml".into(), "# catalog".into())],
    }
}

fn after(secs: i64) -> Timestamp {
    NOON.plus(Span::from_secs(secs))
}

fn at(secs: i64, body: &[u8]) -> Reply {
    Reply { sent: after(secs), received: after(secs), ..reply(200, body) }
}

/// Records alerts at 0 and 30 s (equal) and 60 s (none), silences at 0 s.
async fn recorded(most: u64) -> (Vec<u8>, Arc<Recorder>) {
    let disk = Disk::default();
    let recorder = Recorder::start(Box::new(disk.clone()), &header(), most).unwrap();
    let alerts = fixture("alerts.json");
    let silences = fixture("silences.json");
    let replies = vec![at(0, &alerts), at(0, &silences), at(30, &alerts), at(60, b"[]")];
    let wrapped = recorder.wrap(&SourceId::new("am"), Arc::new(Prepared(Mutex::new(replies))));
    for key in ["alerts", "silences", "alerts", "alerts"] {
        wrapped.exchange(&ask(key)).await.unwrap();
    }
    let raw = disk.0.lock().unwrap().clone();
    (raw, recorder)
}

#[tokio::test]
async fn a_tape_never_finished_is_read_to_its_last_answer() {
    let (raw, recorder) = recorded(1 << 20).await;
    let tape = Tape::read(raw.as_slice()).unwrap();
    assert_eq!(tape.header, header());
    assert_eq!((tape.entries.len(), tape.end(), tape.cut), (4, after(60), true));
    assert!(Arc::ptr_eq(&tape.entries[0].body, &tape.entries[2].body), "equal bodies are shared");
    assert_eq!(recorder.state().entries, 4);
    recorder.finish().unwrap();
    for cut in 0..raw.len() {
        match Tape::read(&raw[..cut]) {
            Ok(part) => assert_eq!(part.entries[..], tape.entries[..part.entries.len()]),
            Err(error) => assert!(matches!(error, TapeError::NotATape | TapeError::Damaged)),
        }
    }
}

#[tokio::test]
async fn a_full_tape_stops_and_says_so() {
    let (raw, recorder) = recorded(700).await;
    let state = recorder.state();
    assert!(state.full && state.failed.is_none() && state.entries < 4, "{state:?}");
    let tape = Tape::read(raw.as_slice()).unwrap();
    assert_eq!((tape.entries.len() as u64, tape.cut), (state.entries, false));
}

#[test]
fn other_files_and_newer_tapes_are_refused_with_a_sentence() {
    assert_eq!(Tape::read(&b"hello world"[..]), Err(TapeError::NotATape));
    let newer = Tape::read(&b"QDTAPE\x63rest"[..]).unwrap_err();
    assert_eq!(
        newer.to_string(),
        "The recording has format 99, this program reads format 1; use a newer program."
    );
    assert_eq!(Tape::read(&b"QDTAPE\x01rest"[..]), Err(TapeError::Damaged));
}

struct Bench {
    clock: Arc<PlayerClock>,
    transport: Arc<dyn Transport>,
    am: Alertmanager,
}

impl Bench {
    async fn new() -> Self {
        let tape = Arc::new(Tape::read(recorded(1 << 20).await.0.as_slice()).unwrap());
        let clock = Arc::new(PlayerClock::new(Arc::new(|| NOON), NOON, tape.end()));
        clock.pause();
        let player = Player::new(tape, clock.clone());
        let transport = player.transport(&SourceId::new("am"));
        Self { clock, transport, am: Alertmanager::new(SiteId::new("lab")) }
    }

    async fn get(&self, key: &str) -> Observation {
        let reply = self.transport.exchange(&ask(key)).await.unwrap();
        // A connector of its own, which has seen nothing yet.
        let am = Alertmanager::new(SiteId::new("lab"));
        am.parse(&SourceId::new("am"), &ask(key), &reply).unwrap().remove(0)
    }

    async fn alerts(&self) -> Vec<(String, bool, bool)> {
        let Observation::Alerts(alerts) = self.get("alerts").await else { panic!() };
        alerts.iter().map(|a| (a.name().to_owned(), a.is_silenced(), a.is_inhibited())).collect()
    }

    async fn silences(&self) -> Vec<(String, SilenceState)> {
        let Observation::Silences(all) = self.get("silences").await else { panic!() };
        all.iter().map(|s| (s.id.to_string(), s.state)).collect()
    }

    async fn perform(&self, operation: &Operation) -> Outcome {
        let ask = self.am.operate(operation).unwrap();
        self.am.outcome(operation, &self.transport.exchange(&ask).await.unwrap())
    }
}

fn silence(replaces: Option<SilenceId>) -> Operation {
    Operation::Silence {
        site: SiteId::new("lab"),
        draft: SilenceDraft {
            matchers: vec![(&Matcher::equal("alertname", "ErrorBudgetBurn")).into()],
            starts_at: NOON,
            ends_at: after(45),
            created_by: "ann".into(),
            comment: "known".into(),
            replaces,
        },
    }
}

#[tokio::test]
async fn playing_back_shows_what_was_at_each_moment() {
    let bench = Bench::new().await;
    assert_eq!(bench.alerts().await.len(), 3);
    bench.clock.seek(after(60));
    assert_eq!(bench.alerts().await.len(), 0);
    bench.clock.seek(after(59));
    assert_eq!(bench.alerts().await.len(), 3, "backwards too");
    let fault = bench.transport.exchange(&ask("range:x")).await.unwrap_err();
    assert!(fault.failure.sentence.contains("not in this recording"));
}

#[tokio::test]
async fn a_silence_made_while_playing_takes_effect_and_can_be_ended() {
    let bench = Bench::new().await;
    let recorded = ("04e65d58-6b70-4e24-9641-94c136c4c418".to_owned(), SilenceState::Active);
    let before = bench.alerts().await;
    assert_eq!(before[2], ("ErrorBudgetBurn".to_owned(), false, false));

    let Outcome::Done { id: Some(id) } = bench.perform(&silence(None)).await else { panic!() };
    assert_eq!(bench.alerts().await[2], ("ErrorBudgetBurn".to_owned(), true, false));
    let made = (id.to_string(), SilenceState::Active);
    assert_eq!(bench.silences().await, [recorded.clone(), made]);
    bench.clock.seek(after(46));
    assert_eq!(bench.alerts().await, before, "it ran out");
    bench.clock.seek(after(10));
    let end = Operation::Expire { site: SiteId::new("lab"), id: id.clone() };
    assert_eq!(bench.perform(&end).await, Outcome::Done { id: Some(id.clone()) });
    assert_eq!(bench.alerts().await, before);
    assert_eq!(bench.silences().await, [recorded.clone(), (id.to_string(), SilenceState::Expired)]);

    let old = Operation::Expire { site: SiteId::new("lab"), id: SilenceId::new(&recorded.0) };
    assert!(matches!(bench.perform(&old).await, Outcome::Done { .. }));
    assert_eq!(bench.alerts().await[1], ("ErrorBudgetBurnTest".to_owned(), false, false));
    assert_eq!(bench.silences().await[0], (recorded.0, SilenceState::Expired));
    let none = Operation::Expire { site: SiteId::new("lab"), id: SilenceId::new("nothing") };
    assert!(matches!(bench.perform(&none).await, Outcome::Refused { .. }));
    assert!(matches!(
        bench.perform(&silence(Some(SilenceId::new("x")))).await,
        Outcome::Refused { .. }
    ));
    assert_eq!(bench.clock.now(), after(10));
    assert_eq!(ask("x").method, Method::Get);
}

proptest! {
    #[test]
    fn garbage_is_never_a_panic(raw in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Tape::read(raw.as_slice());
        let _ = Tape::read([b"QDTAPE\x01", raw.as_slice()].concat().as_slice());
        let packed = zstd::encode_all(raw.as_slice(), 1).unwrap();
        let _ = Tape::read([b"QDTAPE\x01", packed.as_slice()].concat().as_slice());
    }
}
