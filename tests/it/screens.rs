//! Screens as pictures: text and meanings, for worlds told in `stories`.

use proptest::prelude::*;
use quarterdeck::actions::Screen;
use quarterdeck::actions::find::Target;
use quarterdeck::app::{
    About, AckForm, AlertRow, BridgePane, CapacityPane, Dialog, Drawn, Editor, Finder, Hit,
    IncidentPane, Lines, Msg, NoteForm, Playback, Preview, Prompt, PromptKind, Reading,
    ReadingLine, SilenceField, SilenceForm, State, Tone, update,
};
use quarterdeck::domain::{
    Occurrence, SafeText, ServiceId, SilenceId, SiteId, SloId, Span, Timestamp, WindowId,
};
use quarterdeck::eventlog::Subject;
use quarterdeck::keys::{self, Keymap};
use quarterdeck::model::Planned;
use quarterdeck::theme::{self, Depth, Theme};
use quarterdeck::view::draw;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Color;

use super::stories::{self, now};

fn keymap() -> Keymap {
    keys::load("default", None).unwrap()
}

pub(crate) fn look(name: &str) -> Theme {
    let depth = if name == "mono" { Depth::Mono } else { Depth::Ansi16 };
    theme::load(name, None, depth).unwrap()
}

pub(crate) fn paint(state: &State, theme: &Theme, (w, h): (u16, u16)) -> (Buffer, Drawn) {
    let mut terminal = Terminal::new(TestBackend::new(w, h)).unwrap();
    let mut drawn = Drawn::default();
    terminal.draw(|frame| drawn = draw(state, theme, &keymap(), frame)).unwrap();
    (terminal.backend().buffer().clone(), drawn)
}

pub(crate) fn text(buf: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buf.area.height {
        let row: String = (0..buf.area.width).map(|x| buf[(x, y)].symbol()).collect();
        out.push_str(row.trim_end());
        out.push('\n');
    }
    out
}

/// Text, then every run of cells that does not look plain.
fn styled(buf: &Buffer) -> String {
    let mut out = text(buf);
    for y in 0..buf.area.height {
        let mut x = 0;
        while x < buf.area.width {
            let (style, start) = (buf[(x, y)].style(), x);
            while x < buf.area.width && buf[(x, y)].style() == style {
                x += 1;
            }
            let is_plain = |c: Option<Color>| matches!(c, None | Some(Color::Reset));
            if !is_plain(style.fg) || !is_plain(style.bg) || !style.add_modifier.is_empty() {
                let (fg, bg) = (style.fg.unwrap_or_default(), style.bg.unwrap_or_default());
                out += &format!("{y}:{start}-{} {fg:?} {bg:?} {:?}\n", x - 1, style.add_modifier);
            }
        }
    }
    out
}

pub(crate) fn on(mut state: State, screen: Screen) -> State {
    state.ui.screen = screen;
    state
}

pub(crate) fn snap(name: &str, state: &State, size: (u16, u16)) {
    let picture = styled(&paint(state, &look("ansi16"), size).0);
    insta::assert_snapshot!(format!("{name}__{}x{}", size.0, size.1), picture);
}

pub(crate) const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

#[test]
fn bridge() {
    for size in SIZES {
        snap("bridge__bad", &stories::bad(), size);
    }
    snap("bridge__quiet", &stories::quiet(), SIZES[0]);
    snap("bridge__storm", &stories::storm(), SIZES[0]);
    snap("bridge__down", &stories::down(), SIZES[0]);
    snap("bridge__lost", &stories::lost(), SIZES[0]);
    snap("bridge__never", &stories::never(), SIZES[0]);
    snap("bridge__nothing", &stories::nothing(), SIZES[0]);
    snap("bridge__bad", &stories::bad(), (60, 15));
    snap("bridge__bad", &stories::bad(), (38, 6));
}

#[test]
fn alerts() {
    let open = |mut state: State| {
        let group = state.model.alerts.groups[0].clone();
        let rows = group.alerts.iter().map(|k| AlertRow::Alert(group.key.clone(), k.clone()));
        state.ui.alerts.open.insert(group.key.clone());
        state.ui.alerts.rows.splice(1..1, rows);
        state.ui.alerts.filter_text = "service=checkout".into();
        on(state, Screen::Alerts)
    };
    for size in SIZES {
        snap("alerts__bad", &on(stories::bad(), Screen::Alerts), size);
    }
    snap("alerts__open", &open(stories::bad()), SIZES[0]);
    snap("alerts__open", &open(stories::bad()), SIZES[1]);
    snap("alerts__lost_open", &open(stories::lost()), SIZES[1]);
    snap("alerts__never", &on(stories::never(), Screen::Alerts), SIZES[0]);
    snap("alerts__quiet", &on(stories::quiet(), Screen::Alerts), SIZES[0]);
    snap("alerts__bad", &on(stories::bad(), Screen::Alerts), (60, 15));
}

#[test]
fn capacity() {
    let short = on(stories::capacity::short(), Screen::Capacity);
    let pane = |pane| {
        let mut state = short.clone();
        state.ui.capacity.pane = pane;
        let at = now();
        update(&mut state, Msg::Tick(at.plus(Span::from_secs(1))));
        state
    };
    for size in SIZES {
        snap("capacity__short", &short, size);
        snap("capacity__behind", &pane(CapacityPane::Behind), size);
        snap("capacity__coverage", &pane(CapacityPane::Coverage), size);
    }
    snap("capacity__short", &short, (60, 15));
    snap("capacity__alone", &pane(CapacityPane::Alone), SIZES[0]);
    snap("capacity__nothing", &on(stories::bad(), Screen::Capacity), SIZES[0]);
    snap("capacity__bridge", &on(short.clone(), Screen::Bridge), SIZES[1]);
    // Without a colour the same is read from shapes and words.
    let plain = text(&paint(&short, &look("mono"), SIZES[0]).0);
    assert_eq!(plain, text(&paint(&short, &look("ansi16"), SIZES[0]).0));
    for word in ["mail-queue", "▲", "full", "unknown", "?"] {
        assert!(plain.contains(word), "{word}\n{plain}");
    }
    // Two thousand instances and every size of the window.
    let many = stories::capacity::many(2_000);
    for (w, h) in [(1, 1), (40, 8), (52, 11), (80, 14), (111, 17), (300, 90)] {
        paint(&many, &look("mono"), (w, h));
    }
    let mut ascii = short;
    ascii.ui.ascii = true;
    assert!(text(&paint(&ascii, &look("mono"), SIZES[0]).0).is_ascii());
}

#[test]
fn slos_and_sources() {
    for size in SIZES {
        snap("slos__bad", &on(stories::bad(), Screen::Slos), size);
        snap("sources__down", &on(stories::down(), Screen::Sources), size);
    }
    snap("slos__down", &on(stories::down(), Screen::Slos), SIZES[0]);
    snap("slos__bad", &on(stories::bad(), Screen::Slos), (60, 15));
    snap("sources__never", &on(stories::never(), Screen::Sources), SIZES[0]);
}

#[test]
fn playback_read_only_and_notices_are_said() {
    let mut state = stories::bad();
    state.playback = Some(Playback {
        at: now(),
        start: now().minus(Span::from_secs(192)),
        end: now().plus(Span::from_secs(288)),
        speed: 4.0,
        paused: false,
    });
    state.ui.notice(Tone::Done, "Silence 4f2a is set on eu until 16:32Z.", now());
    snap("bridge__playback", &state, SIZES[0]);
    state.read_only = true;
    state.ui.ascii = true;
    snap("bridge__ascii", &state, SIZES[0]);
    assert!(text(&paint(&state, &look("ansi16"), SIZES[1]).0).is_ascii());
}

#[test]
fn without_colour_everything_is_still_said() {
    let state = stories::lost();
    let picture = paint(&state, &look("mono"), SIZES[0]).0;
    for word in ["lost sight", "no owner", "▸1 Bridge", "no data"] {
        assert!(text(&picture).contains(word), "{word}\n{}", text(&picture));
    }
    let colours = |c: Color| !matches!(c, Color::Reset);
    assert!(picture.content.iter().all(|c| !colours(c.fg) && !colours(c.bg)));
}

#[test]
fn nothing_is_green_without_fresh_data() {
    let green = look("ansi16").style(theme::Token::Ok).fg.unwrap();
    for state in [stories::never(), stories::nothing()] {
        for screen in Screen::ALL {
            let picture = paint(&on(state.clone(), screen), &look("ansi16"), SIZES[1]).0;
            assert!(
                picture.content.iter().all(|c| c.fg != green),
                "{screen:?}\n{}",
                styled(&picture)
            );
        }
    }
}

fn planned() -> Vec<Planned> {
    let start = now().plus(Span::from_hours(11));
    let end = start.plus(Span::from_hours(2));
    vec![Planned {
        window: WindowId::new("database-upgrade"),
        occurrence: Occurrence { start, end },
        on: false,
        muted: vec![(SiteId::new("us"), SilenceId::new("4f2a"))],
        open: vec![SiteId::new("eu")],
    }]
}

fn dialogs() -> Vec<(&'static str, Dialog)> {
    let long = "Requests of the canary fail since it went out; its weight is five per cent of the traffic.";
    let matcher = |line: &str| Editor::new(line, Lines::One);
    let silence = |confirming: bool| {
        Dialog::Silence(Box::new(SilenceForm {
            site: SiteId::new("eu"),
            along: Vec::new(),
            sites: vec![SiteId::new("eu"), SiteId::new("us")],
            field: SilenceField::Duration,
            matchers: matcher("alertname=\"HighErrorRate\" service=\"checkout\""),
            duration: matcher("2h"),
            comment: matcher("rolling back v812"),
            preview: Preview {
                alerts: 12,
                firing: 16,
                listed: (0..10)
                    .map(|i| SafeText::new(&format!("HighErrorRate checkout-{i}:8080")))
                    .collect(),
                services: vec!["checkout".into()],
                broad: confirming,
            },
            refusal: None,
            confirming,
            broad: confirming.then(|| matcher("1")),
            replaces: None,
            saving: false,
        }))
    };
    vec![
        ("help", Dialog::Help { top: 0 }),
        (
            "prompt",
            Dialog::Prompt(Prompt {
                kind: PromptKind::Filter(Screen::Alerts),
                line: matcher("severity=~\"crit.*\" te"),
                error: None,
                matches: Some(3),
                completions: vec!["team=".into(), "tenant=".into()],
                start: 18,
                taken: Some(0),
            }),
        ),
        (
            "find",
            Dialog::Find(Box::new(Finder {
                line: matcher("chk"),
                engine: quarterdeck::actions::find::Finder::new(Vec::new()),
                hits: vec![
                    Hit {
                        target: Target::Service(ServiceId::new("checkout")),
                        kind: "service",
                        label: "checkout".into(),
                        detail: "tier 1, shop".into(),
                        matched: vec![0, 3, 4],
                    },
                    Hit {
                        target: Target::Slo(SloId::new("checkout-avail")),
                        kind: "objective",
                        label: "checkout availability".into(),
                        detail: "99.9%".into(),
                        matched: vec![0, 3, 4],
                    },
                ],
                selected: 1,
            })),
        ),
        (
            "acknowledge",
            Dialog::Acknowledge(AckForm {
                title: "HighErrorRate checkout".into(),
                alerts: Vec::new(),
                note: matcher(""),
                refusal: Some(
                    "The log could not be written: the disk is full. The note is kept here.".into(),
                ),
                saving: false,
            }),
        ),
        (
            "note",
            Dialog::Note(NoteForm {
                about: Subject::General,
                title: "nothing in particular".into(),
                text: Editor::new(long, Lines::Many),
                refusal: None,
                saving: true,
            }),
        ),
        ("silence", silence(false)),
        ("silence_confirm", silence(true)),
        ("silences", Dialog::Silences { selected: None, top: 0, confirm: false }),
        ("windows", Dialog::Windows { rows: planned(), selected: 0, top: 0, confirm: true }),
        (
            "reading",
            Dialog::Reading(Reading {
                title: "How checkout availability is computed".into(),
                about: About::Slo(SloId::new("checkout-avail")),
                lines: vec![
                    ReadingLine::Head("Error ratio".into()),
                    ReadingLine::Text(long.into()),
                    ReadingLine::Blank,
                    ReadingLine::Pair("objective".into(), "99.9%".into()),
                    ReadingLine::Pair("period".into(), "30d".into()),
                    ReadingLine::Code("sum(rate(errors[5m])) / sum(rate(requests[5m]))".into()),
                    ReadingLine::Warn("The 6h window has no data.".into()),
                ],
                top: 0,
            }),
        ),
    ]
}

#[test]
fn every_dialog() {
    for (name, dialog) in dialogs() {
        let mut state = stories::bad();
        state.ui.dialog = Some(dialog);
        snap(&format!("dialog__{name}"), &state, SIZES[0]);
        let small = text(&paint(&state, &look("ansi16"), (60, 15)).0);
        insta::assert_snapshot!(format!("dialog__{name}__60x15"), small);
    }
}

#[test]
fn a_selection_far_down_a_huge_list_is_scrolled_into_view() {
    let mut state = on(stories::huge(), Screen::Alerts);
    state.ui.alerts.selected = state.ui.alerts.rows.get(321).cloned();
    let (picture, drawn) = paint(&state, &look("ansi16"), SIZES[0]);
    assert_eq!((drawn.top, drawn.page), (307, 15));
    assert!(text(&picture).contains("▸ ▲  SEV-2  Alert321 checkout"), "{}", text(&picture));
}

/// Texts that would break a drawing that trusts them.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,40}",
        Just("表表表表表表表表表表表表表表表表表表表表表表".to_owned()),
        Just("a\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}".repeat(9)),
        Just("\x1b[2J\x1b]0;x\x07\u{202e}evil\u{9b}31m".to_owned()),
        Just("👩‍🚒👩‍👩‍👧‍👦🇩🇪".repeat(12)),
        Just("x".repeat(600)),
    ]
}

fn poison(state: &mut State, bad: &str) {
    for group in &mut state.model.alerts.groups {
        (group.title, group.owner, group.summary) = (bad.into(), bad.into(), bad.into());
        (group.runbook, group.judged.reason) = (bad.into(), bad.into());
    }
    let catalog = std::sync::Arc::make_mut(&mut state.model.catalog);
    for slo in catalog.slos.values_mut() {
        slo.title = bad.into();
    }
    for service in catalog.services.values_mut() {
        service.runbook_text = Some(SafeText::body(bad));
        service.contact = bad.into();
    }
    for source in state.model.sources.values_mut() {
        (source.address, source.version) = (bad.into(), bad.into());
        if let Some(failure) = &mut source.failure {
            failure.sentence = bad.into();
        }
    }
    for status in &mut state.model.slos.statuses {
        status.budget_left = quarterdeck::domain::Reading::Value(f64::NEG_INFINITY);
        status.history.points.push((now(), f64::INFINITY));
        status.history.points.push((Timestamp::from_millis(i64::MIN), 1e300));
    }
    stories::incident::poison(state, bad);
    state.ui.alerts.filter_text = SafeText::new(bad).to_string();
    state.ui.notice(Tone::Error, bad, now());
    match &mut state.ui.dialog {
        Some(Dialog::Prompt(p)) => {
            p.line.insert(bad);
        }
        Some(Dialog::Find(f)) => {
            f.line.insert(bad);
            f.hits.iter_mut().for_each(|h| h.label = bad.into());
        }
        Some(Dialog::Acknowledge(f)) => {
            f.note.insert(bad);
        }
        Some(Dialog::Note(f)) => {
            f.text.insert(bad);
        }
        Some(Dialog::Silence(f)) => {
            f.matchers.insert(bad);
            f.preview.listed.push(bad.into());
        }
        Some(Dialog::Reading(r)) => {
            r.lines.push(ReadingLine::Pair(bad.into(), SafeText::body(bad)))
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn drawing_never_panics_and_never_lets_a_control_character_through(
        w in 0u16..300, h in 0u16..100, small in any::<bool>(), story in 0usize..8, screen in 0usize..7,
        pane in 0usize..5, incident in 0usize..7, dialog in 0usize..12, bad in hostile(), ascii: bool, scroll in 0usize..99,
    ) {
        let (w, h) = if small { (w % 70, h % 18) } else { (w, h) };
        let mut state = [stories::quiet, stories::bad, stories::down, stories::lost, stories::never, stories::nothing, stories::incident::swing, stories::incident::fresh][story]();
        state.ui.screen = Screen::ALL[screen];
        state.ui.bridge.pane = [BridgePane::Incidents, BridgePane::Budgets, BridgePane::Groups, BridgePane::Signals, BridgePane::Sources][pane];
        state.ui.incident.pane = IncidentPane::ALL[incident];
        state.ui.incident.scroll = [scroll; IncidentPane::ALL.len()];
        state.ui.dialog = dialogs().into_iter().nth(dialog).map(|(_, d)| d);
        state.ui.ascii = ascii;
        (state.ui.alerts.scroll, state.ui.bridge.group_scroll, state.ui.slos.scroll) = (scroll, scroll, scroll);
        poison(&mut state, &bad);
        let (picture, _) = paint(&state, &look("ansi16"), (w, h));
        for cell in &picture.content {
            prop_assert!(!cell.symbol().chars().any(char::is_control), "{:?}", cell.symbol());
        }
    }
}
