//! A cache dies, the cart slows down, checkout burns: who is to blame and what belongs together, from
//! readings and alerts to the screen, by keys.

use std::sync::Arc;

use quarterdeck::actions::Screen;
use quarterdeck::app::{AlertRow, Effect, Msg, State, Ui, update};
use quarterdeck::domain::*;
use quarterdeck::keys::Input;
use quarterdeck::model::Model;

use super::screens::{look, on, paint, snap, text};
use super::stories::{self, now};

fn press(state: &mut State, keys: &str) -> Vec<Effect> {
    let keys = keys.split_whitespace();
    keys.flat_map(|key| update(state, Msg::Input(Input::Key(key.parse().unwrap())))).collect()
}

/// Lets time pass; what is due is studied at once.
fn wait(state: &mut State, secs: i64) {
    let later = state.now.plus(Span::from_secs(secs));
    for effect in update(state, Msg::Tick(later)) {
        if let Effect::Study(study) = effect {
            update(state, Msg::Studied(Box::new(study.carry_out())));
        }
    }
}

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    for (name, on) in
        [("checkout", Some("cart")), ("cart", Some("cache")), ("cache", None), ("mail", None)]
    {
        let on = on.map(|on| Dependency {
            on: ServiceId::new(on),
            hard: true,
            any_of: None,
            origin: EdgeOrigin::Catalog,
        });
        let id = ServiceId::new(name);
        let depends_on = on.into_iter().collect();
        catalog.services.insert(id.clone(), Service { id, depends_on, ..Service::default() });
    }
    catalog
}

fn alert(name: &str, service: &str, severity: &str, began: i64) -> Alert {
    let labels = [("alertname", name), ("service", service), ("severity", severity)];
    Alert {
        key: AlertKey { site: SiteId::new("eu"), fingerprint: name.into() },
        seen_by: Vec::new(),
        labels: Labels::of(&labels),
        annotations: Labels::of(&[("summary", "It hurts")]),
        starts_at: now().plus(Span::from_secs(began)),
        ends_at: now().plus(Span::from_mins(4)),
        updated_at: now(),
        state: AlertState::Active,
        receivers: vec!["oncall".into()],
        generator_url: SafeText::default(),
    }
}

/// Readings of two hours: `usual`, and `odd` in the last ten minutes.
fn course(service: &str, signal: Signal, usual: f64, odd: f64) -> Observation {
    let value = |t: i64| {
        let wave = 1.0 + 0.02 * ((t / 30) % 7) as f64;
        if t < -600 { usual * wave } else { odd * wave }
    };
    let point = |i: i64| (now().plus(Span::from_secs(i * 30)), value(i * 30));
    let lines = vec![Series { labels: Labels::default(), points: (-240..=0).map(point).collect() }];
    Observation::Course { of: MeasureId::Signal(ServiceId::new(service), signal), lines }
}

fn quiet() -> State {
    let mut model = Model::new(Arc::new(catalog()), SeverityPolicy::default(), Vec::new());
    for (name, kind) in [("prom", SourceKind::Prometheus), ("am", SourceKind::Alertmanager)] {
        let (id, site) = (SourceId::new(name), SiteId::new("eu"));
        let status = SourceStatus::new(id, kind, site, "127.0.0.1".into(), Span::from_secs(15));
        model.source(SourceStatus { last_good: Some(now()), ..status });
    }
    let mut state = stories::state(model, Ui::new((120, 40)));
    wait(&mut state, 0);
    state
}

pub(crate) fn observe(state: &mut State, source: &str, seen: Vec<Observation>) {
    update(state, Msg::Observed { source: SourceId::new(source), at: now(), seen });
}

/// Three alerts of one trouble and one of another, with the readings behind them.
pub(crate) fn cascade() -> State {
    cascade_after(Vec::new())
}

/// The same, and this was changed.
pub(crate) fn cascade_after(changes: Vec<Change>) -> State {
    let mut state = quiet();
    if !changes.is_empty() {
        observe(&mut state, "ci", vec![Observation::Changes(changes)]);
    }
    let alerts = vec![
        alert("CacheDown", "cache", "warning", -600),
        alert("CartSlow", "cart", "warning", -560),
        alert("CheckoutErrors", "checkout", "critical", -500),
        alert("MailQueue", "mail", "warning", -550),
    ];
    observe(&mut state, "am", vec![Observation::Alerts(alerts)]);
    wait(&mut state, 6);
    let courses = vec![
        course("checkout", Signal::Errors, 0.002, 0.3),
        course("cart", Signal::Latency, 0.04, 0.9),
        course("cache", Signal::Errors, 0.001, 0.9),
    ];
    observe(&mut state, "prom", courses);
    wait(&mut state, 6);
    state
}

fn seen(state: &State, size: (u16, u16)) -> String {
    text(&paint(state, &look("ansi16"), size).0)
}

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

#[test]
fn the_bridge_names_the_first_suspect_or_nobody() {
    let calm = quiet();
    for size in SIZES {
        assert!(!seen(&calm, size).contains("suspect:"), "nothing hurts");
        snap("suspects_bridge", &cascade(), size);
    }
    let line = seen(&cascade(), (200, 60));
    let line = line.lines().find(|line| line.contains("suspect:")).unwrap();
    assert!(line.contains("cache ("), "{line}");
    insta::assert_snapshot!("suspects_bridge__mono", {
        text(&paint(&cascade(), &look("mono"), (80, 24)).0)
    });
}

#[test]
fn the_list_opens_into_what_speaks_against_one_and_comes_back() {
    let mut state = cascade();
    press(&mut state, "I");
    for size in SIZES {
        snap("suspects_list", &state, size);
    }
    assert!(seen(&state, (120, 40)).contains("checkout > cart > cache"));
    press(&mut state, "enter");
    snap("suspects_terms", &state, (80, 24));
    assert!(seen(&state, (120, 40)).contains("robust deviations"));
    press(&mut state, "esc j enter");
    assert!(!seen(&state, (120, 40)).contains("Suspect: cache"), "the next one is another");
    press(&mut state, "esc");
    let copied = press(&mut state, "y");
    let [Effect::Copy(told)] = copied.as_slice() else { panic!("{copied:?}") };
    assert!(told.starts_with("Suspects at ") && told.contains("1. cache"), "{told}");
    press(&mut state, "esc");
    assert!(state.ui.dialog.is_none());
    let mut calm = quiet();
    press(&mut calm, "I");
    assert!(seen(&calm, (80, 24)).contains("Nothing hurts"));
}

#[test]
fn the_ranking_is_pinned_as_evidence_with_the_course_it_rests_on() {
    let entry = |effects: &[Effect]| {
        let events = effects.iter().filter_map(|effect| match effect {
            Effect::Append(append) => Some(append),
            _ => None,
        });
        format!("{:?}", events.collect::<Vec<_>>())
    };
    let mut state = cascade();
    let query = SignalQuery {
        signal: Signal::Errors,
        expr: "rate(cache_errors[5m])".into(),
        unit: Unit::Ratio,
    };
    let catalog = Arc::make_mut(&mut state.model.catalog);
    catalog.services.get_mut(&ServiceId::new("cache")).unwrap().signals.push(query);
    // Without an incident there is no timeline to pin it to, and that is said.
    press(&mut state, "I E");
    assert!(seen(&state, (120, 40)).contains("declares one"), "{}", seen(&state, (120, 40)));
    press(&mut state, "esc");
    state.model.incidents = stories::incident::fresh().model.incidents;
    press(&mut state, "I E");
    let form = seen(&state, (120, 40));
    for part in ["cache errors, a suspect", "1. cache", "rate(cache_errors[5m])", "values from"] {
        assert!(form.contains(part), "{part}\n{form}");
    }
    let made = entry(&press(&mut state, "ctrl-o"));
    for part in ["EntryMade", "Evidence", "Suspects at ", "rate(cache_errors[5m])", "values: ["] {
        assert!(made.contains(part), "{part}\n{made}");
    }
}

#[test]
fn what_runs_out_and_what_hurts_on_the_map_is_pinned_from_its_own_screen() {
    let pinned = |screen| {
        let mut state = stories::capacity::short();
        state.model.incidents = stories::incident::fresh().model.incidents;
        state.ui.screen = screen;
        state.now = now();
        update(&mut state, Msg::Tick(now().plus(Span::from_secs(1))));
        press(&mut state, "E");
        let form = seen(&state, (120, 40));
        let effects = press(&mut state, "ctrl-o");
        let made = effects.iter().find(|effect| matches!(effect, Effect::Append(_)));
        (form, format!("{made:?}"))
    };
    let (form, made) = pinned(Screen::Capacity);
    assert!(form.contains("in use") && made.contains("EntryMade"), "{form}\n{made}");
    // The words say when it is full, and the proof is the course of what is in use.
    assert!(made.contains("full") && made.contains("values: [("), "{made}");
    let (form, made) = pinned(Screen::Map);
    assert!(form.contains(" is failing. ") && made.contains("EntryMade"), "{form}\n{made}");
}

#[test]
fn what_fires_at_several_sites_is_silenced_at_each() {
    let mut state = on(quiet(), Screen::Alerts);
    let (id, us) = (SourceId::new("am-us"), SiteId::new("us"));
    let more = SourceStatus::new(
        id,
        SourceKind::Alertmanager,
        us.clone(),
        "127.0.0.1".into(),
        Span::from_secs(15),
    );
    state.model.source(SourceStatus { last_good: Some(now()), ..more });
    let mut there = alert("CacheDown", "cache", "warning", -590);
    there.key.site = us;
    observe(
        &mut state,
        "am",
        vec![Observation::Alerts(vec![alert("CacheDown", "cache", "warning", -600)])],
    );
    observe(&mut state, "am-us", vec![Observation::Alerts(vec![there])]);
    wait(&mut state, 6);
    let keys = state.model.alerts.groups.iter().map(|group| group.key.clone());
    let sites = ["eu", "us"].map(SiteId::new);
    let both: Vec<_> =
        sites.iter().map(|site| keys.clone().find(|key| key.site == *site).unwrap()).collect();
    let hit: usize =
        both.iter().map(|key| state.model.alerts.group(key).unwrap().alerts.len()).sum();
    state.ui.alerts.marked.extend(both);
    press(&mut state, "s k n o w n enter");
    let form = seen(&state, (120, 40));
    assert!(form.contains("Silence on eu and us"), "{form}");
    assert!(form.contains(&format!("{hit} alerts on eu and us")), "{form}");
    // Where that counts as broad the count of both is typed; elsewhere digits mean nothing.
    let typed: Vec<String> = hit.to_string().chars().map(|digit| digit.to_string()).collect();
    let effects = press(&mut state, &format!("{} enter", typed.join(" ")));
    let asked: Vec<String> = effects
        .iter()
        .filter(|effect| matches!(effect, Effect::Append(_)))
        .map(|effect| format!("{effect:?}"))
        .collect();
    assert_eq!(asked.len(), 2, "{asked:#?}");
    for (asked, site) in asked.iter().zip(&sites) {
        let named = format!("{site:?}");
        assert!(asked.contains("Silence {") && asked.contains(&named), "{named}\n{asked}");
    }
}

#[test]
fn situations_fold_groups_open_with_reasons_and_are_acted_on_whole() {
    let mut state = on(cascade(), Screen::Alerts);
    let rows = |state: &State| {
        let name = |row: &AlertRow| match row {
            AlertRow::Situation(..) => "situation".to_owned(),
            AlertRow::Group(key) | AlertRow::Alert(key, _) => key.values[0].to_string(),
        };
        state.ui.alerts.rows.iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(rows(&state), ["situation", "MailQueue"]);
    for size in SIZES {
        snap("situations", &state, size);
    }
    assert!(seen(&state, (120, 40)).contains("4 groups in 2, 50 % less"));
    press(&mut state, "enter");
    assert_eq!(
        rows(&state),
        ["situation", "CheckoutErrors", "CacheDown", "CartSlow", "MailQueue"],
        "the gravest first"
    );
    snap("situations_open", &state, (120, 40));
    let all = seen(&state, (200, 60));
    assert!(all.contains("which it calls or is called by"), "{all}");
    press(&mut state, "a");
    let asked = seen(&state, (120, 40));
    assert!(asked.contains("2 more groups of its situation"), "{asked}");
    press(&mut state, "esc z");
    assert_eq!(rows(&state), ["CheckoutErrors", "CacheDown", "CartSlow", "MailQueue"]);
    assert!(seen(&state, (120, 40)).contains("Every group is listed by itself."));
    press(&mut state, "z");
    assert_eq!(rows(&state).len(), 5, "what was open is open");
    assert!(seen(&state, (120, 40)).contains("Groups that belong together are folded."));
    // With nothing to fold the list stays as it is, and the key is answered.
    let mut alone = on(stories::quiet(), Screen::Alerts);
    press(&mut alone, "z z");
    assert!(seen(&alone, (120, 40)).contains("No groups belong together now"));
}
