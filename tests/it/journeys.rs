//! Journeys: keys in, facts and requests out, and the screen one is left with.
//!
//! One case is one line: its name, the keys (a text to type stands in quotes), and what was written down
//! or asked of the outside. What the disk and the Alertmanager would answer is answered here at once.

use pretty_assertions::assert_eq;
use quarterdeck::actions::Screen;
use quarterdeck::app::{Effect, Msg, State, update};
use quarterdeck::domain::{
    MatcherSpec, Observation, Operation, Outcome, Silence, SilenceId, SilenceState, SiteId,
    SourceId,
};
use quarterdeck::eventlog::{EventLog, IncidentEvent, LogEvent, MemoryLog, Subject};
use quarterdeck::keys::{Chord, Input, Key, parse_sequence};
use quarterdeck::view::draw;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::stories;

mod capacity;
mod containment;
mod incident;
mod runs;

struct Journey {
    state: State,
    log: MemoryLog,
    terminal: Terminal<TestBackend>,
    /// Facts written down and operations asked for, in words.
    told: Vec<String>,
    /// Facts written down, as they are.
    appended: Vec<LogEvent>,
    /// Nothing that is asked for is answered.
    deaf: bool,
}

fn chords(keys: &str) -> Vec<Chord> {
    let typed = |text: &str| text.chars().map(|c| Chord::plain(Key::Char(c))).collect::<Vec<_>>();
    let parts = keys.split('\'').enumerate().map(|(at, part)| match part.trim() {
        _ if at % 2 == 1 => typed(part),
        "" => Vec::new(),
        names => parse_sequence(names).unwrap(),
    });
    parts.flatten().collect()
}

fn matchers(all: &[MatcherSpec]) -> String {
    let all = all.iter().map(|m| format!("{}={}", m.name, m.value));
    all.collect::<Vec<_>>().join(",")
}

fn fact(event: &LogEvent) -> String {
    match event {
        LogEvent::AlertsAcknowledged { alerts, title, note } => {
            format!("acknowledged {} of {title}: {note}", alerts.len())
        }
        LogEvent::AcknowledgementWithdrawn { alerts, .. } => format!("withdrawn {}", alerts.len()),
        LogEvent::Noted { about: Subject::General, text } => format!("noted {text:?}"),
        LogEvent::Noted { about: Subject::Named(id), text } => format!("noted {text:?} on {id}"),
        LogEvent::Noted { about: Subject::Alerts { title, .. }, text } => {
            format!("noted {text:?} on {title}")
        }
        LogEvent::OperationRequested { .. } => "requested".to_owned(),
        LogEvent::OperationEnded { .. } => "ended".to_owned(),
        LogEvent::OperationAttempted { by, .. } => format!("tried by {by}"),
        LogEvent::Incident { incident, event } => format!("{} in {incident}", event.kind()),
    }
}

/// What happens by itself: a step of a run begins, what was frozen before it is pinned, it is judged.
fn is_of_run(event: &LogEvent) -> bool {
    matches!(
        event,
        LogEvent::OperationRequested { operation: Operation::Run { .. } }
            | LogEvent::Incident {
                event: IncidentEvent::EntryPinned(_) | IncidentEvent::RunVerified(_),
                ..
            }
    )
}

impl Journey {
    fn of(state: State) -> Self {
        Self::sized(state, (80, 24))
    }

    fn sized(mut state: State, size: (u16, u16)) -> Self {
        state.ui.size = size;
        let terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
        let (log, told, appended) = (MemoryLog::for_demo(), Vec::new(), Vec::new());
        let mut journey = Self { state, log, terminal, told, appended, deaf: false };
        journey.take(Msg::Tick(stories::now()));
        journey
    }

    fn keys(mut self, keys: &str) -> Self {
        for chord in chords(keys) {
            self.take(Msg::Input(Input::Key(chord)));
        }
        self
    }

    fn take(&mut self, msg: Msg) {
        let effects = update(&mut self.state, msg);
        let theme =
            quarterdeck::theme::load("mono", None, quarterdeck::theme::Depth::Mono).unwrap();
        let keymap = self.state.keymap.clone();
        let mut drawn = None;
        let state = &self.state;
        self.terminal.draw(|frame| drawn = Some(draw(state, &theme, &keymap, frame))).unwrap();
        self.state.drawn(drawn.unwrap());
        if self.deaf {
            return;
        }
        for effect in effects {
            self.answer(effect);
        }
    }

    fn answer(&mut self, effect: Effect) {
        match effect {
            Effect::Append(events) => {
                self.told.extend(events.iter().map(fact));
                self.appended.extend(events.iter().cloned());
                let (me, now) = (self.state.me.clone(), self.state.now);
                let records = self.log.append(&me, now, &events).unwrap();
                self.take(Msg::Recorded { records, ours: true });
            }
            Effect::Offer(events) if events.iter().all(is_of_run) => {
                self.told.extend(events.iter().map(fact));
                self.appended.extend(events.iter().cloned());
                let (me, now) = (self.state.me.clone(), self.state.now);
                let records = self.log.append(&me, now, &events).unwrap();
                self.take(Msg::Recorded { records, ours: false });
            }
            // The outbox answers in its own time.
            Effect::Perform(_, operation) if operation.is_outbox() => {}
            Effect::Perform(request, operation) => {
                let (site, seen, words) = self.alertmanager(&operation);
                self.told.push(words);
                let outcome = Outcome::Done { id: Some(SilenceId::new("4f2a")) };
                self.take(Msg::Performed(request, outcome));
                let source = SourceId::new(&format!("am-{site}"));
                let seen = vec![Observation::Silences(seen)];
                self.take(Msg::Observed { source, at: self.state.now, seen });
            }
            _ => {}
        }
    }

    /// What the Alertmanager would list afterwards, and what it was asked.
    fn alertmanager(&self, operation: &Operation) -> (SiteId, Vec<Silence>, String) {
        match operation {
            Operation::Silence { site, draft } => {
                let silence = Silence {
                    id: SilenceId::new("4f2a"),
                    source: SourceId::new(&format!("am-{site}")),
                    site: site.clone(),
                    matchers: draft.matchers.clone(),
                    starts_at: draft.starts_at,
                    ends_at: draft.ends_at,
                    created_by: draft.created_by.clone(),
                    comment: draft.comment.clone(),
                    state: SilenceState::Active,
                };
                let words = format!(
                    "silence {} on {site} for {}: {}",
                    matchers(&draft.matchers),
                    draft.ends_at.since(self.state.now),
                    draft.comment
                );
                (site.clone(), vec![silence], words)
            }
            Operation::Expire { site, id } => {
                (site.clone(), Vec::new(), format!("end {id} on {site}"))
            }
            Operation::Send(_) | Operation::Ticket { .. } | Operation::Run { .. } => {
                panic!("no Alertmanager is asked to {operation:?}")
            }
        }
    }

    fn screen(&self) -> String {
        let buf = self.terminal.backend().buffer();
        let rows = (0..buf.area.height).map(|y| {
            let row: String = (0..buf.area.width).map(|x| buf[(x, y)].symbol()).collect();
            row.trim_end().to_owned()
        });
        rows.collect::<Vec<_>>().join("\n")
    }
}

fn journey(name: &str, keys: &str, told: &[&str]) {
    let journey = Journey::of(stories::live()).keys(keys);
    assert_eq!(journey.told, told, "{name}: {keys}\n{}", journey.screen());
    insta::assert_snapshot!(format!("journey__{name}"), journey.screen());
}

const SILENCED: &str = "silence alertname=HighErrorRate,service=checkout on eu for 2h: known";

#[test]
fn what_runs_out_is_explained_supposed_and_filtered() {
    let of = |keys: &str| Journey::of(stories::capacity::short()).keys(keys);
    let explained = of("5 e");
    assert!(explained.screen().contains("Asked for use"), "{}", explained.screen());
    let supposed = of(": 'whatif payments x3' enter");
    insta::assert_snapshot!("journey__whatif", supposed.screen());
    let refused = of(": 'whatif replica payments lost 1' enter");
    assert!(refused.screen().contains("Do not do this on purpose"), "{}", refused.screen());
    let unknown = of(": 'whatif chekout x3' enter");
    assert!(unknown.screen().contains("Did you mean `checkout`?"), "{}", unknown.screen());
    // From the screen it is about what is selected.
    let typed = of("5 b");
    assert!(typed.screen().contains("whatif mail x2"), "{}", typed.screen());
    let filtered = of("5 / 'kind=pool' enter j");
    let rows = &filtered.state.ui.capacity.list().rows;
    assert_eq!((rows.len(), rows.last()), (2, filtered.state.ui.capacity.list().selected.as_ref()));
    let wanted = filtered.state.interest.resource.clone();
    assert_eq!(wanted.unwrap().as_str(), "checkout-pool", "its long history is asked for");
    assert!(of("5 / 'kind=pool' enter esc esc").screen().contains("▸1 Bridge"));
}

#[test]
fn what_is_done_to_alerts_is_written_down_and_seen() {
    let acked = "acknowledged 12 of HighErrorRate checkout: rolling back";
    journey("ack", "2 G a 'rolling back' enter", &[acked]);
    journey("ack_draft", "2 G a 'rolling' esc a ' back' enter", &[acked]);
    journey("ack_command", "2 G : 'ack rolling back' enter enter", &[acked]);
    journey("unack", "2 G a 'rolling back' enter A", &[acked, "withdrawn 12"]);
    let both = "acknowledged 15 of 2 marked groups: both";
    journey("ack_marked", "2 G space k space a 'both' enter", &[both]);
    let one = "acknowledged 1 of HighErrorRate checkout checkout-0:8080: this one";
    journey("ack_one", "2 G enter j a 'this one' enter", &[one]);
}

#[test]
fn a_silence_names_its_reach_and_can_be_changed_and_ended() {
    let asked = ["requested", SILENCED, "ended"];
    let extended = SILENCED.replace("2h", "4h");
    journey("silence_confirm", "2 G s 'known' enter", &[]);
    journey("silence", "2 G s 'known' enter '12' enter", &asked);
    journey("silence_too_broad", "2 G s 'known' enter '11' enter", &[]);
    let listed = "2 G s 'known' enter '12' enter x";
    journey("silences", listed, &asked);
    let end = ["requested", SILENCED, "ended", "requested", "end 4f2a on eu", "ended"];
    journey("silence_end", &format!("{listed} A enter"), &end);
    let again = ["requested", SILENCED, "ended", "requested", &extended, "ended"];
    let keys = format!("{listed} enter backspace backspace '4h' enter '12' enter");
    journey("silence_extend", &keys, &again);
    let window = "silence service=payments on eu for 12h27m53s: maintenance database-upgrade: the new version";
    let elsewhere = window.replace("on eu", "on us");
    let asked = ["requested", window, "ended", "requested", &elsewhere, "ended"];
    journey("window", "w enter enter", &asked);
}

#[test]
fn finding_filtering_and_writing_notes() {
    journey("filter", "2 / 'service=payments' enter", &[]);
    journey("filter_complete", "2 / 'service=pa' tab", &[]);
    journey("filter_wrong", "2 / 'service=~\"(\"'", &[]);
    journey("command_complete", ": 'sil'", &[]);
    journey("find", "ctrl-p 'mail'", &[]);
    journey("explain", "3 e", &[]);
    journey("runbook", "2 G r", &[]);
    journey("help", "2 ?", &[]);
    let noted = "noted \"canary out\\nwatching\"";
    journey("note", "n 'canary out' alt-enter 'watching' enter", &[noted]);
    journey("note_on_slo", "3 n 'x' enter", &["noted \"x\" on checkout-avail"]);
}

#[test]
fn esc_goes_back_one_level_at_a_time_and_never_leaves() {
    let journey = |keys: &str| Journey::of(stories::live()).keys(keys).state.ui;
    let confirm = "2 enter s 'known' enter ";
    assert!(journey(&format!("{confirm} esc")).dialog.is_some());
    assert!(journey(&format!("{confirm} esc esc")).dialog.is_none());
    assert!(!journey(&format!("{confirm} esc esc")).alerts.open.is_empty());
    assert!(journey(&format!("{confirm} esc esc esc")).alerts.open.is_empty());
    assert_eq!(journey(&format!("{confirm} esc esc esc")).screen, Screen::Alerts);
    assert_eq!(journey(&format!("{confirm} esc esc esc esc")).screen, Screen::Bridge);
    assert_eq!(journey(&format!("{confirm} esc esc esc esc esc")).screen, Screen::Bridge);
}

#[test]
fn read_only_records_and_sends_nothing_and_says_so() {
    for keys in ["2 G a 'x' enter", "2 G s 'x' enter '12' enter", "w enter enter", "n 'x' enter"] {
        let mut state = stories::live();
        state.read_only = true;
        let journey = Journey::of(state).keys(keys);
        assert_eq!(journey.told, Vec::<String>::new(), "{keys}");
        assert!(journey.screen().contains("read-only"), "{keys}\n{}", journey.screen());
    }
}
