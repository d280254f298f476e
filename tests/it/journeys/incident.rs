//! An incident from the first alert to the last word, by keys: what is recorded, and what the forms show.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use quarterdeck::app::{Dialog, Effect, Msg, State, update};
use quarterdeck::domain::{
    Actor, Audience, Channel, ChannelId, Contact, Operation, Playbook, SafeText, Span, Status,
    Team, TeamId, TicketAct, TrackerId,
};
use quarterdeck::eventlog::{
    AppendError, CommandTaken, DecisionStep, EventLog, IncidentEvent as E, LogEvent, MemoryLog,
    Origin, Signer, StatusChanged, TaskStep, WorkstreamStep,
};
use quarterdeck::keys::Input;

use super::{Journey, chords};
use crate::stories;

fn playbook() -> Playbook {
    let channel = |name: &str, audiences: &[Audience]| Channel {
        id: ChannelId::new(name),
        kind: "file",
        audiences: audiences.to_vec(),
        fallback: None,
    };
    let phone = Contact { phone: "+49 30 5550 0142".into(), ..Contact::default() };
    let shop = Team { title: "Shop".into(), ..Team::default() };
    Playbook {
        people: [("bob".into(), phone), ("carol".into(), Contact::default())].into(),
        teams: [(TeamId::new("shop"), shop)].into(),
        channels: vec![
            channel("ops-chat", &[Audience::Internal]),
            channel("mail", &[Audience::Internal, Audience::External]),
            channel("status-page", &[Audience::External]),
        ],
        trackers: vec![TrackerId::new("roundup")],
        redact: vec!["db-1.internal".into()],
        ..Playbook::default()
    }
}

fn world() -> State {
    let mut state = stories::live();
    state.model.playbook = Arc::new(playbook());
    state
}

fn clock(at: quarterdeck::domain::Timestamp) -> String {
    at.utc().format("%H:%M:%S").to_string()
}

/// A fact of an incident in one line.
fn told(event: &E) -> Option<String> {
    Some(match event {
        E::Declared(e) => {
            let services: Vec<&str> = e.services.iter().map(|s| s.as_str()).collect();
            format!("declared {} {} on {}", e.severity, e.title, services.join(","))
        }
        E::CommandTaken(e) => format!("{} commands, {:?}", e.commander, e.reason),
        E::SeverityChanged(e) => format!("{} because {}", e.severity, e.reason),
        E::StatusChanged(e) => format!("{} {:?}", e.status, e.note),
        E::Described(e) => format!("described {:?} {:?}", e.title, e.impact),
        E::RoleGiven(e) => format!("{} to {}", e.role, e.to),
        E::HandoverOffered(e) => format!("offered to {}", e.to),
        E::HandoverAnswered(e) => format!("section {} {} {:?}", e.section, e.accepted, e.note),
        E::HandoverWithdrawn(e) => format!("offer withdrawn {:?}", e.reason),
        E::EntryMade(e) => {
            let at = e.happened.map(clock).unwrap_or_default();
            let proof = e.evidence.as_ref().map_or(0, |p| p.values.len());
            format!("{} {at} {:?} {proof}", e.kind, e.text)
        }
        E::EntryWithdrawn(e) => format!("withdrawn because {}", e.reason),
        E::TaskGiven(e) => format!("task {} to {} by {}", e.text, e.owner, clock(e.due)),
        E::TaskMoved(e) => match &e.step {
            TaskStep::Extended(due) => format!("task until {}", clock(*due)),
            step => format!("task {step:?} {:?}", e.note),
        },
        E::WorkstreamOpened(e) => format!("workstream {} led by {}", e.name, e.lead),
        E::WorkstreamMoved(e) => match &e.step {
            WorkstreamStep::Blocked(by) => format!("blocked by {by}"),
            step => format!("workstream {step:?}"),
        },
        E::CanReported(e) => format!("{} / {} / {}", e.conditions, e.actions, e.needs),
        E::DecisionProposed(e) => {
            format!("proposed {} or {:?} by {}", e.proposal, e.options, e.owner)
        }
        E::DecisionMoved(e) => match &e.step {
            DecisionStep::Taken(option) => format!("taken {option:?} {:?}", e.note),
            step => format!("decision {step:?} {:?}", e.note),
        },
        E::UpdateProposed(e) => {
            let to: Vec<&str> = e.channels.iter().map(|c| c.as_str()).collect();
            format!(
                "{} update {:?} to {} next {}",
                e.audience,
                e.subject,
                to.join(","),
                clock(e.next)
            )
        }
        E::UpdatePublished(_) => "published".to_owned(),
        E::Linked(e) => format!("attached {} at {}", e.title, e.target),
        E::TicketLinked(e) => format!("ticket {} {}", e.ticket.tracker, e.ticket.key),
        E::PageSent(e) => format!("called {} for {:?}", e.whom, e.text),
        // What machines saw comes by itself.
        E::MachineSaw(_) => return None,
        other => other.kind().to_owned(),
    })
}

/// Facts of incidents that were written down.
fn facts(journey: &Journey) -> Vec<String> {
    journey
        .appended
        .iter()
        .filter_map(|event| match event {
            LogEvent::Incident { event, .. } => told(event),
            _ => None,
        })
        .collect()
}

fn walk(name: &str, keys: &str, expected: &[&str]) -> Journey {
    let journey = Journey::of(world()).keys(keys);
    assert_eq!(facts(&journey), expected, "{name}: {keys}\n{}", journey.screen());
    insta::assert_snapshot!(format!("journey__{name}"), journey.screen());
    journey
}

const DECLARE: &str = "2 G d enter";
const DECLARED: [&str; 2] =
    ["declared SEV-1 checkout: More than 5 % of requests fail on checkout", "alice commands, \"\""];

fn after(more: &[&'static str]) -> Vec<&'static str> {
    DECLARED.iter().chain(more).copied().collect()
}

/// After the declaration.
fn then(name: &str, keys: &str, expected: &[&'static str]) -> Journey {
    walk(name, &format!("{DECLARE} {keys}"), &after(expected))
}

#[test]
fn an_alert_is_declared_with_two_keys() {
    walk("declare_form", "2 G d", &[]);
    let journey = walk("declare", DECLARE, &DECLARED);
    assert!(journey.state.drafts.is_empty());
    assert_eq!(journey.state.ui.screen, quarterdeck::actions::Screen::Incident);
    let again = Journey::of(journey.state).keys("2 G d enter");
    assert_eq!(facts(&again), Vec::<String>::new(), "{}", again.screen());
    insta::assert_snapshot!("journey__declare_duplicate", again.screen());
    let again = again.keys("enter");
    assert_eq!(facts(&again), DECLARED, "{}", again.screen());
}

#[test]
fn a_declaration_from_nothing_needs_a_title_and_from_an_objective_none() {
    walk("declare_nothing", "S d enter ctrl-o", &[]);
    let typed = "S d 'the office is dark' tab '1' ctrl-o";
    let journey = Journey::of(world()).keys(typed);
    assert_eq!(
        facts(&journey),
        ["declared SEV-1 the office is dark on ", "alice commands, \"\""],
        "{}",
        journey.screen()
    );
    let journey = Journey::of(world()).keys("3 d enter");
    let first = &facts(&journey)[0];
    assert!(first.starts_with("declared SEV-1 checkout: availability burns"), "{first}");
}

#[test]
fn the_ticket_of_a_declaration_shows_how_the_burn_grew() {
    let mut state = world();
    let tracker = Some(TrackerId::new("roundup"));
    state.model.playbook = Arc::new(Playbook { tracker, ..playbook() });
    let journey = Journey::of(state).keys("3 d enter");
    let bodies = journey.appended.iter().filter_map(|event| match event {
        LogEvent::OperationRequested {
            operation: Operation::Ticket { act: TicketAct::Open { body, .. }, .. },
        } => Some(body.to_string()),
        _ => None,
    });
    let bodies: Vec<String> = bodies.collect();
    assert_eq!(bodies.len(), 1, "one ticket");
    insta::assert_snapshot!("journey__declare_ticket", bodies[0]);
}

#[test]
fn tasks_are_given_and_moved_on_with_single_keys() {
    let given = "t 'roll back v812?' enter 'bo' enter enter";
    let task = "task roll back v812? to bob by 14:42:07";
    then("task_form", "t 'roll back v812?' enter 'bo'", &[]);
    then("task", given, &[task]);
    let on = format!("{given} tab tab j");
    let moved = |keys: &str, fact: &'static str| {
        let journey = Journey::of(world()).keys(&format!("{DECLARE} {on} {keys}"));
        assert_eq!(facts(&journey), after(&[task, fact]), "{keys}\n{}", journey.screen());
    };
    moved("a", "task Acknowledged \"\"");
    moved("X", "task Done \"\"");
    moved("+", "task until 14:47:07");
    moved("h 'carol' enter enter", "task Given(Actor(\"carol\")) \"\"");
    moved("A 'not needed' enter", "task Dropped \"not needed\"");
}

#[test]
fn what_is_typed_is_kept_whatever_happens() {
    // Closed, and opened again.
    then("task_draft", "t 'roll back' enter 'bo' esc t", &[]);
    // The console dies with the form open: what is on disk then is this.
    let open = Journey::of(world()).keys(&format!("{DECLARE} t 'roll back' enter 'bo'"));
    let mut again = world();
    again.model = open.state.model.clone();
    again.drafts = open.state.all_drafts();
    let again = Journey::of(again).keys("6 t");
    let Some(Dialog::Form(form)) = &again.state.ui.dialog else { panic!("{}", again.screen()) };
    let texts: Vec<String> = form.fields.iter().map(|f| f.entry.text()).collect();
    assert_eq!(texts, ["roll back", "bo", "", "10m"]);
    // Everything deleted is a draft no more.
    let emptied = again.keys("ctrl-u").keys("shift-tab tab").keys("esc");
    assert!(emptied.state.drafts.len() <= 1);
    // Drafts of different things do not meet.
    let two = Journey::of(world()).keys(&format!("{DECLARE} t 'one' esc D 'two' esc"));
    assert_eq!(two.state.drafts.len(), 2, "{:?}", two.state.drafts);
    // Once recorded it is gone.
    let done = two.keys("D enter ctrl-o");
    assert_eq!(done.state.drafts.len(), 1, "{:?}\n{}", done.state.drafts, done.screen());
}

#[test]
fn decisions_severity_status_and_roles() {
    then("decide_form", "D 'roll back v812'", &[]);
    let proposed = "proposed roll back v812 or [\"weight to zero\"] by alice";
    let decide = "D 'roll back v812' enter 'weight to zero' ctrl-o";
    then("decide", decide, &[proposed]);
    let pane = "tab tab tab tab j";
    let keys = format!("{decide} {pane} O 'the schema changed' enter");
    then("decide_object", &keys, &[proposed, "decision Objected \"the schema changed\""]);
    let keys = format!("{decide} {pane} a shift-tab right ctrl-o");
    then("decide_take", &keys, &[proposed, "taken Some(0) \"\""]);
    then("severity_form", "v", &[]);
    then("severity", "v '2' enter 'only eu' enter", &["SEV-2 because only eu"]);
    then("severity_unreasoned", "v '2' enter enter", &[]);
    then("status", "V 'v812 is the cause' enter", &["identified \"v812 is the cause\""]);
    then(
        "resolve_form",
        "t 'look' enter 'bob' ctrl-o V shift-tab 'r'",
        &["task look to bob by 14:42:07"],
    );
    then("role_form", "L", &[]);
    then("role", "L 'bob' enter", &["deputy to bob"]);
}

#[test]
fn notes_are_backdated_and_evidence_is_pinned_and_both_withdrawn() {
    then("note_form", "n '14:05 cards are declined'", &[]);
    let noted = "observation 14:05:00 \"cards are declined\" 0";
    let journey = then("note_incident", "n '14:05 cards are declined' enter", &[noted]);
    assert!(journey.state.drafts.is_empty());
    let action = "action 14:22:07 \"restarted\" 0";
    let keys = "n shift-tab shift-tab 'a' tab '10m' tab 'restarted' enter";
    let journey = Journey::of(world()).keys(&format!("{DECLARE} {keys}"));
    assert_eq!(facts(&journey), after(&[action]), "{}", journey.screen());
    then("evidence_form", "3 E", &[]);
    let journey =
        Journey::of(world()).keys(&format!("{DECLARE} 3 E 'burns since the deploy' enter"));
    let fact = facts(&journey).pop().unwrap();
    assert!(fact.starts_with("evidence 14:32:07 \"burns since the deploy\" "), "{fact}");
    assert!(!fact.ends_with(" 0"), "{fact}");
}

#[test]
fn workstreams_report_and_are_split() {
    let open = "W 'database' tab tab 'carol' enter ctrl-o";
    let opened = "workstream database led by carol";
    then("workstream", open, &[opened]);
    then("report_form", &format!("{open} N"), &[opened]);
    let keys = format!("{open} N 'pool full' enter 'raising it' enter enter 'the DBA' ctrl-o");
    then("report", &keys, &[opened, "pool full / raising it / ", "blocked by the DBA"]);
    let second = "W 'network' tab tab tab 'bob' ctrl-o";
    then("split_form", &format!("{open} {second} B"), &[opened, "workstream network led by bob"]);
}

#[test]
fn an_update_is_written_checked_and_published() {
    then("update_form", "u", &[]);
    let journey = Journey::of(world()).keys(&format!("{DECLARE} u ctrl-o"));
    let facts = facts(&journey);
    assert_eq!(
        facts.last().map(String::as_str),
        Some("published"),
        "{facts:#?}\n{}",
        journey.screen()
    );
    assert!(facts[2].contains("update"), "{facts:#?}");
}

#[test]
fn what_must_not_leave_the_house_is_settled_one_by_one() {
    let external = format!("{DECLARE} u shift-tab shift-tab shift-tab 'e' tab tab tab");
    let journey = Journey::of(world()).keys(&format!("{external} 'db-1.internal fails ' ctrl-o"));
    assert_eq!(facts(&journey), DECLARED, "{}", journey.screen());
    insta::assert_snapshot!("journey__update_findings", journey.screen());
    let replaced = journey.keys("r ctrl-o");
    let said = replaced.appended.iter().find_map(|event| match event {
        LogEvent::Incident { event: E::UpdateProposed(e), .. } => Some(e.clone()),
        _ => None,
    });
    let update = said.unwrap_or_else(|| panic!("{}", replaced.screen()));
    assert!(!update.body.contains("db-1.internal"), "{}", update.body);
    assert_eq!(update.audience, Audience::External);
}

#[test]
fn the_text_goes_to_the_persons_own_editor_and_back() {
    let mut journey = Journey::of(world()).keys(&format!("{DECLARE} n"));
    let mut send = |msg| {
        let effects = update(&mut journey.state, msg);
        effects.into_iter().filter(|e| matches!(e, Effect::Edit(_))).collect::<Vec<_>>()
    };
    send(Msg::Input(Input::Paste("cards".into())));
    let asked = send(Msg::Input(Input::Key("ctrl-e".parse().unwrap())));
    assert_eq!(asked, [Effect::Edit("cards".into())]);
    assert_eq!(send(Msg::Input(Input::Key("x".parse().unwrap()))), [], "keys wait");
    send(Msg::Edited(Ok("cards fail\nsince 14:02\n".into())));
    let journey = journey.keys("enter");
    assert_eq!(facts(&journey), after(&["observation  \"cards fail\\nsince 14:02\" 0"]));
    let mut failed = Journey::of(world()).keys(&format!("{DECLARE} n 'cards' ctrl-e"));
    failed.take(Msg::Edited(Err("The editor `vi` was not found.".into())));
    assert!(failed.screen().contains("was not found"), "{}", failed.screen());
    assert!(failed.screen().contains("cards"));
}

#[test]
fn whoever_was_first_is_named_and_nothing_typed_is_lost() {
    let nobody = "2 G d backspace backspace backspace backspace backspace enter";
    let mut journey = Journey::of(world()).keys(nobody);
    assert_eq!(facts(&journey), DECLARED[..1]);
    journey.deaf = true;
    let mut journey = journey.keys("C 'alice is in the lift' enter");
    let incident = journey.state.incident().unwrap().id.clone();
    let mut other = MemoryLog::new(Signer::from_seed(&[9; 32]), Origin([9; 16]));
    let taken = LogEvent::Incident {
        incident,
        event: CommandTaken {
            after: None,
            commander: Actor::new("bob"),
            handover: None,
            reason: "nobody answers".into(),
        }
        .into(),
    };
    let at = journey.state.now.minus(Span::from_secs(4));
    let first = other.append(&Actor::new("bob"), at, &[taken]).unwrap().remove(0);
    let sentence = SafeText::new("The place is taken.");
    journey.take(Msg::NotRecorded(AppendError { sentence, taken: Some(Box::new(first)) }));
    insta::assert_snapshot!("journey__first_was", journey.screen());
    let screen = journey.screen();
    assert!(screen.contains("bob was first and took command 4 s ago"), "{screen}");
    assert!(journey.state.all_drafts().values().any(|d| d.contains("in the lift")));
}

#[test]
fn what_is_typed_for_one_incident_never_reaches_another_that_is_shown_by_then() {
    // Two go on; the worse one is looked at, and somebody else resolves it before Enter.
    let two = format!("{DECLARE} S d 'the office is dark' tab '3' ctrl-o 6");
    let mut journey = Journey::of(world()).keys(&two);
    let first = journey.state.incident().unwrap().id.clone();
    assert_eq!(journey.state.model.incidents.live().len(), 2, "{}", journey.screen());
    journey = journey.keys(": 'resolve errors are gone'");
    let mut other = MemoryLog::new(Signer::from_seed(&[9; 32]), Origin([9; 16]));
    let ended = StatusChanged { status: Status::Resolved, note: "errors are gone".into() };
    let ended = LogEvent::Incident { incident: first.clone(), event: ended.into() };
    let at = journey.state.now;
    let records = other.append(&Actor::new("bob"), at, &[ended]).unwrap();
    journey.take(Msg::Recorded { records, ours: false });
    let before = journey.appended.len();
    let journey = journey.keys("enter");
    assert_eq!(journey.state.incident().unwrap().id, first);
    let elsewhere = |event: &&LogEvent| !matches!(event, LogEvent::Incident { incident, .. } if *incident == first);
    let elsewhere: Vec<_> = journey.appended[before..].iter().filter(elsewhere).collect();
    assert!(elsewhere.is_empty(), "{elsewhere:?}\n{}", journey.screen());
    assert_eq!(journey.state.model.incidents.live().len(), 1, "{}", journey.screen());
}

#[test]
fn command_is_offered_read_section_by_section_and_taken() {
    then("handoff_form", "H", &[]);
    let offered = Journey::of(world()).keys(&format!("{DECLARE} H 'bob' enter"));
    assert_eq!(facts(&offered), after(&["offered to bob"]), "{}", offered.screen());
    let mut theirs = world();
    theirs.model = offered.state.model.clone();
    theirs.me = Actor::new("bob");
    let mut reader = Journey::of(theirs);
    reader.log = offered.log;
    let reader = reader.keys("6 H");
    insta::assert_snapshot!("journey__handoff_brief", reader.screen());
    let asked = reader.keys("? 'which pods?' enter");
    insta::assert_snapshot!("journey__handoff_asked", asked.screen());
    let sections = asked.state.incident().unwrap().handover.as_ref().unwrap().sections.len();
    let taken = asked.keys(&"enter ".repeat(sections));
    let all = facts(&taken);
    assert_eq!(all[0], "section 0 false \"which pods?\"");
    assert_eq!(all.last().map(String::as_str), Some("bob commands, \"\""), "{all:#?}");
    assert!(taken.state.ui.dialog.is_none(), "{}", taken.screen());
}

#[test]
fn the_command_line_does_at_once_what_is_whole_and_asks_for_the_rest() {
    let task = "task roll back v812 to bob by 14:42:07";
    then("line_task", ": 'task bob 10m roll back v812' enter", &[task]);
    then("line_task_part", ": 'task bob' enter", &[]);
    then("line_severity", ": 'severity 2 only eu' enter", &["SEV-2 because only eu"]);
    walk("line_declare", ": 'declare SEV-2 checkout is slow' enter", &[]);
}

#[test]
fn read_only_forms_record_nothing_and_say_so() {
    let mut state = Journey::of(world()).keys(DECLARE).state;
    state.read_only = true;
    for keys in ["2 G d enter", "6 t 'x' enter 'bob' ctrl-o", "6 n 'x' enter", "6 u ctrl-o"] {
        let journey = Journey::of(state.clone()).keys(keys);
        assert_eq!(facts(&journey), Vec::<String>::new(), "{keys}");
        assert!(journey.screen().contains("read-only"), "{keys}\n{}", journey.screen());
    }
}

#[test]
fn every_form_can_be_read_on_a_small_terminal() {
    let verbs = [
        "d", "u", "t", "D", "H", "C", "L", "v", "V", "i", "E", "W", "N", "B", "K", "!", "l", "M",
        "n",
    ];
    let state =
        Journey::of(world()).keys(&format!("{DECLARE} W 'database' tab tab 'carol' ctrl-o")).state;
    for verb in verbs {
        let name = match verb {
            "!" => "page".to_owned(),
            key if key.to_uppercase() == key => format!("upper_{}", key.to_lowercase()),
            key => key.to_owned(),
        };
        for size in [(80, 24), (60, 15)] {
            let journey = Journey::sized(state.clone(), size).keys(&format!("6 {verb}"));
            assert!(journey.state.ui.dialog.is_some(), "{verb}\n{}", journey.screen());
            let picture = journey.screen();
            insta::assert_snapshot!(format!("form__{name}__{}x{}", size.0, size.1), picture);
        }
    }
}

#[test]
fn hostile_pastes_are_cut_shown_and_recorded_harmless() {
    let paste = |journey: &mut Journey, text: &str| {
        journey.take(Msg::Input(Input::Paste(text.to_owned())));
    };
    for keys in ["t", "n", "u", "D", "v shift-tab", "!", "l"] {
        let mut journey = Journey::of(world()).keys(&format!("{DECLARE} {keys}"));
        paste(&mut journey, &"x\u{1b}[2J\u{202e}evil\u{9b}31m 表👩‍🚒\n".repeat(400_000));
        let kept: usize = journey.state.all_drafts().values().map(String::len).sum();
        assert!(kept < 400_000, "{keys}: {kept}");
        let screen = journey.screen();
        assert!(!screen.chars().any(|c| c.is_control() && c != '\n'), "{keys}\n{screen}");
        assert!(!screen.contains('\u{202e}'), "{keys}");
        paste(&mut journey, "y");
        let journey = journey.keys("ctrl-o");
        for event in &journey.appended {
            let words = format!("{event:?}");
            assert!(!words.contains("\\u{1b}") && !words.contains("\\u{202e}"), "{keys}");
        }
    }
    assert!(chords("t").len() == 1);
}

#[test]
fn what_an_incident_leaves_muted_is_offered_to_be_ended_with_it() {
    let silenced = format!("{DECLARE} 2 G s 'known' enter '12' enter 6");
    // Nothing is offered while it goes on.
    let goes_on = Journey::of(world()).keys(&format!("{silenced} V"));
    assert!(!goes_on.screen().contains("end silence"), "{}", goes_on.screen());
    let form = Journey::of(world()).keys(&format!("{silenced} V shift-tab right right"));
    insta::assert_snapshot!("journey__status_silences", form.screen());
    let ended = form.keys("ctrl-o");
    assert_eq!(ended.told.last().map(String::as_str), Some("ended"), "{}", ended.screen());
    assert!(ended.told.contains(&"end 4f2a on eu".to_owned()), "{:?}", ended.told);
    // Unticked it stays.
    let kept = format!("{silenced} V shift-tab right right tab space ctrl-o");
    let kept = Journey::of(world()).keys(&kept);
    assert!(!kept.told.contains(&"end 4f2a on eu".to_owned()), "{:?}", kept.told);
    assert!(facts(&kept).contains(&"resolved \"\"".to_owned()), "{:?}", facts(&kept));
}
