//! The map as a person sees it: a shop whose cache dies, as list and as drawing, and keys over it.

use std::sync::Arc;

use proptest::prelude::*;
use quarterdeck::actions::Screen;
use quarterdeck::app::{MapPart, Msg, Playback, State, Ui};
use quarterdeck::domain::*;
use quarterdeck::keys::{Chord, Input};
use quarterdeck::model::{Health, Model, Told};

use super::screens::{SIZES, look, on, paint, snap, text};
use super::stories::map::{crowded, tell};
use super::stories::{self, now};

/// Who calls whom; `~` is soft.
const CALLS: [(&str, &str); 8] = [
    ("web", "checkout"),
    ("web", "~search"),
    ("app", "checkout"),
    ("checkout", "payments"),
    ("checkout", "~cart"),
    ("cart", "redis"),
    ("payments", "psp"),
    ("psp", "payments"),
];

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    for (from, to) in CALLS {
        let (on, hard) = (ServiceId::new(to.trim_start_matches('~')), !to.starts_with('~'));
        for id in [ServiceId::new(from), on.clone()] {
            let fresh = Service {
                id: id.clone(),
                owner: "shop".into(),
                alive: Some("up".into()),
                ..Service::default()
            };
            catalog.services.entry(id).or_insert(fresh);
        }
        let caller = catalog.services.get_mut(&ServiceId::new(from)).unwrap();
        caller.depends_on.push(Dependency { on, hard, any_of: None, origin: EdgeOrigin::Catalog });
    }
    let id = EdgesId::new("mesh");
    let mesh = EdgeQueries {
        id: id.clone(),
        from: "from".into(),
        to: "to".into(),
        calls: "c".into(),
        ..EdgeQueries::default()
    };
    catalog.edges.insert(id, mesh);
    catalog
}

fn measured(labels: &[(&str, &str)], value: f64) -> Measured {
    Measured { labels: Labels::of(labels), value: Reading::Value(value) }
}

/// The cache is down, checkout repeats its calls to payments, whose breaker to the bank is open.
fn world() -> State {
    let mut model = Model::new(Arc::new(catalog()), SeverityPolicy::default(), Vec::new());
    let id = SourceId::new("prom");
    let mut prom = SourceStatus::new(
        id.clone(),
        SourceKind::Prometheus,
        SiteId::new("eu"),
        "http://prom.example".into(),
        Span::from_secs(15),
    );
    prom.last_good = Some(now());
    model.sources.insert(id.clone(), prom);
    let alive = |service: &str, up: f64| Observation::Measured {
        of: MeasureId::Alive(ServiceId::new(service)),
        found: vec![measured(&[("instance", "a")], up)],
    };
    let mesh = EdgesId::new("mesh");
    let edge = |from, to, value| measured(&[("from", from), ("to", to)], value);
    let seen = vec![
        alive("redis", 0.0),
        alive("web", 1.0),
        Observation::Measured {
            of: MeasureId::Calls(mesh.clone()),
            found: vec![edge("checkout", "payments", 90.0), edge("payments", "psp", 4.0)],
        },
        Observation::Measured {
            of: MeasureId::Retried(mesh.clone()),
            found: vec![edge("checkout", "payments", 60.0)],
        },
        Observation::Measured {
            of: MeasureId::Failed(mesh.clone()),
            found: vec![edge("checkout", "payments", 50.0)],
        },
        Observation::Measured {
            of: MeasureId::Tripped(mesh),
            found: vec![edge("payments", "psp", 1.0)],
        },
    ];
    model.observe(&id, now(), seen);
    model.tick(now());
    model.study();
    let mut state = stories::state(model, Ui::new((80, 24)));
    state.ui.screen = Screen::Map;
    tell(&mut state, Msg::Tick(now()));
    state
}

fn sized(mut state: State, (w, h): (u16, u16)) -> State {
    tell(&mut state, Msg::Input(Input::Resize(w, h)));
    state
}

fn press(state: &mut State, keys: &str) {
    for key in keys.split_whitespace() {
        tell(state, Msg::Input(Input::Key(key.parse::<Chord>().unwrap())));
    }
}

fn shown(state: &State) -> String {
    text(&paint(state, &look("mono"), state.ui.size).0)
}

#[test]
fn map() {
    for size in SIZES {
        snap("map__cascade", &sized(world(), size), size);
    }
    let mut plain = sized(world(), SIZES[1]);
    plain.ui.ascii = true;
    snap("map__ascii", &plain, SIZES[1]);
    let picture = text(&paint(&plain, &look("mono"), SIZES[1]).0);
    assert!(picture.is_ascii(), "{picture}");
    insta::assert_snapshot!("map__mono", shown(&sized(world(), SIZES[1])));
    snap("map__nothing", &on(stories::nothing(), Screen::Map), SIZES[0]);
}

/// The Bridge with a service selected.
fn bridge(state: State, service: &str, size: (u16, u16)) -> State {
    let mut state = on(sized(state, size), Screen::Bridge);
    state.ui.bridge.pinned = Some(ServiceId::new(service));
    tell(&mut state, Msg::Tick(now()));
    state
}

#[test]
fn the_bridge_says_where_it_comes_from_and_what_it_will_hit() {
    for size in [SIZES[1], SIZES[2]] {
        snap("bridge__around", &bridge(world(), "checkout", size), size);
    }
    let around = |state: &State| -> Vec<String> {
        let rows = shown(state);
        let rows = rows.lines().skip_while(|row| !row.contains("Around "));
        rows.take_while(|row| !row.is_empty()).map(|row| row.trim().to_owned()).collect()
    };
    // The dead cache is two calls away, over the cart that nobody says anything about.
    let checkout = around(&bridge(world(), "checkout", SIZES[1]));
    assert_eq!(checkout.len(), 4, "{checkout:#?}");
    assert!(checkout[0].starts_with("Around checkout · 2 callees, 2 callers"), "{checkout:#?}");
    assert!(checkout[1].starts_with("✕ calls      redis over cart"), "{checkout:#?}");
    // Whoever is called by the unwell sees them as callers.
    let psp = around(&bridge(world(), "psp", SIZES[1]));
    assert!(psp.iter().any(|row| row.contains("called by  payments")), "{psp:#?}");
    // Nothing unwell near is said with what is not known, never as health.
    let search = around(&bridge(world(), "search", SIZES[1]));
    let said = "Around search · 0 callees, 1 caller: none is known to be unwell, of 1 nothing recent \
                is known";
    assert_eq!(search, [said]);
    // Where there is no room it is not drawn, and the charts keep theirs.
    assert!(around(&bridge(world(), "checkout", SIZES[0])).is_empty());
    let ascii = |mut state: State| {
        state.ui.ascii = true;
        shown(&state)
    };
    assert!(ascii(bridge(world(), "checkout", SIZES[1])).is_ascii());
}

#[test]
fn a_thousand_services_are_one_keystroke_away_from_each_other() {
    let mut state = crowded(1_000, 5_000, SIZES[1]);
    let selected = |state: &State| state.ui.map.selected.node.label().to_string();
    assert_eq!(selected(&state), "service-0500", "the one that is down has the focus");
    assert_eq!(state.ui.map.graph.nodes().len(), 1_000);
    assert!(shown(&state).contains("service-0500"), "{}", shown(&state));
    press(&mut state, "b");
    assert!(shown(&state).contains("Without service-0500"), "{}", shown(&state));
}

#[test]
fn a_hundred_thousand_calls_in_rings_to_strangers_and_to_themselves_are_shown_or_refused_in_words()
{
    let mut catalog = Catalog::default();
    let name = |at: usize| ServiceId::new(&format!("s{:04}", at % 2_000));
    for at in 0..2_000 {
        let depends_on = (0..50).map(|k| Dependency {
            // Itself, a ring, and somebody nobody declared.
            on: if k == 49 { ServiceId::new(&format!("stranger{at}")) } else { name(at + k * 37) },
            hard: k % 2 == 0,
            any_of: None,
            origin: EdgeOrigin::Catalog,
        });
        let service =
            Service { id: name(at), depends_on: depends_on.collect(), ..Service::default() };
        catalog.services.insert(name(at), service);
    }
    let mut model = Model::new(Arc::new(catalog), SeverityPolicy::default(), Vec::new());
    model.tick(now());
    model.study();
    assert_eq!(model.map.graph().edges().len(), 100_000);
    let told = model.told_blast(&NodeKey::anywhere(name(0)));
    assert!(matches!(told.first(), Some(Told::Head(_))) && told.len() > 3, "{told:?}");
    let mut state = stories::state(model, Ui::new(SIZES[1]));
    state.ui.screen = Screen::Map;
    tell(&mut state, Msg::Tick(now()));
    press(&mut state, "tab");
    assert_eq!(state.ui.map.part, MapPart::Unhealthy);
    let picture = shown(&state);
    let said = "Nothing is known to be wrong, but of 4000 nothing recent is known.";
    assert!(picture.contains(said), "{picture}");
    for _ in MapPart::ALL {
        press(&mut state, "tab");
        for _ in ["drawn", "listed"] {
            let picture = shown(&state);
            assert!(!picture.contains('✓'), "nobody answered: {picture}");
            press(&mut state, "m");
        }
    }
}

#[test]
fn nothing_is_well_without_data_and_the_worst_says_why() {
    let state = world();
    let health = |name: &str| state.ui.map.views.health(&ServiceId::new(name));
    let all = ["redis", "payments", "psp", "web", "search"].map(health);
    use Health::{Down, Hurting, Unknown};
    // web answers its probe, and nobody says that it serves anybody.
    assert_eq!(all, [Down, Hurting, Hurting, Unknown, Unknown]);
    let why = state.ui.map.views.node(&ServiceId::new("payments")).why;
    assert_eq!(why, ["checkout repeats its calls 3.0 times: a storm.".into()]);
    let mut later = state.clone();
    tell(&mut later, Msg::Tick(now().plus(Span::from_hours(1))));
    let health = |name: &str| later.ui.map.views.health(&ServiceId::new(name));
    assert_eq!(["redis", "payments", "web"].map(health), [Health::Stale, Unknown, Health::Stale]);
}

#[test]
fn keys_filter_first_and_the_selection_follows_the_service() {
    let mut state = sized(world(), SIZES[0]);
    assert_eq!(state.ui.map.selected.node.label().as_str(), "redis", "the worst is the focus");
    press(&mut state, "h");
    assert_eq!(state.ui.map.selected.node.label().as_str(), "cart");
    press(&mut state, "z - -");
    let names = |state: &State| {
        let nodes = state.ui.map.graph.nodes().iter().map(|n| n.key.label().to_string());
        nodes.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(&state), "cart checkout redis", "one call each way");
    press(&mut state, "+");
    assert_eq!(names(&state), "app cart checkout payments redis web".replace("payments ", ""));
    press(&mut state, "tab");
    assert_eq!(state.ui.map.part, MapPart::Unhealthy);
    assert_eq!(names(&state), "payments psp redis");
    press(&mut state, "b");
    let picture = shown(&state);
    assert!(picture.contains("Without"), "{picture}");
    press(&mut state, "esc esc");
    assert_eq!(state.ui.map.part, MapPart::Around, "back to what hurts most");
    press(&mut state, "esc");
    assert_eq!(state.ui.screen, Screen::Bridge);
}

#[test]
fn a_site_shows_what_its_metrics_see_and_what_runs_at_two_says_so() {
    let mut state = sized(world(), SIZES[0]);
    let mut catalog = catalog();
    let id = EdgesId::new("mesh-us");
    let mesh = EdgeQueries { id: id.clone(), ..catalog.edges[&EdgesId::new("mesh")].clone() };
    catalog.edges.insert(id.clone(), mesh);
    state.model.catalog = Arc::new(catalog);
    let us = SourceId::new("prom-us");
    let (kind, url) = (SourceKind::Prometheus, "http://us.example".into());
    let mut prom = SourceStatus::new(us.clone(), kind, SiteId::new("us"), url, Span::from_secs(15));
    prom.last_good = Some(now());
    state.model.sources.insert(us.clone(), prom);
    let found = vec![measured(&[("from", "checkout"), ("to", "cart")], 7.0)];
    state.model.observe(
        &us,
        now(),
        vec![Observation::Measured { of: MeasureId::Calls(id), found }],
    );
    state.ui.map.made = None;
    tell(&mut state, Msg::Tick(now()));
    press(&mut state, "tab tab");
    let with = |state: &mut State, filter: &str| {
        press(state, "/");
        tell(state, Msg::Input(Input::Paste(filter.into())));
        press(state, "enter");
        let nodes = state.ui.map.graph.nodes().iter().map(|n| n.key.label().to_string());
        let shown = nodes.collect::<Vec<_>>().join(" ");
        press(state, "esc");
        shown
    };
    assert_eq!(state.ui.map.part, MapPart::All);
    assert_eq!(with(&mut state, "site=us"), "cart checkout");
    assert_eq!(with(&mut state, "site=eu"), "checkout payments psp redis web");
    assert_eq!(with(&mut state, "team=shop site=us"), "cart checkout");
    let key = NodeKey::anywhere(ServiceId::new("checkout"));
    let told = format!("{:?}", state.model.told_of(&key, &state.ui.map.views));
    assert!(told.contains("eu, us, taken together"), "{told}");
}

#[test]
fn in_the_drawing_arrows_go_to_neighbours() {
    let mut state = sized(world(), SIZES[1]);
    let at = |state: &State| state.ui.map.selected.node.label().to_string();
    press(&mut state, "alt-left");
    assert_eq!(at(&state), "cart");
    press(&mut state, "h alt-left");
    assert!(["app", "web"].contains(&at(&state).as_str()), "{}", at(&state));
    press(&mut state, "m");
    assert!(state.ui.map.as_list(120), "m shows the list");
}

#[test]
fn the_blast_radius_tells_hard_from_soft_and_names_the_owner() {
    let state = world();
    let told = state.model.told_blast(&NodeKey::anywhere(ServiceId::new("redis")));
    let pair = |name: &str| {
        told.iter().find_map(|line| match line {
            Told::Pair(of, value) if of.as_str() == name => Some(value.to_string()),
            _ => None,
        })
    };
    assert_eq!(
        pair("cart").unwrap(),
        "loses 100 % (the worse is taken where it is not known); shop; no objective; by cart > redis"
    );
    assert_eq!(
        pair("checkout").unwrap(),
        "degrades only; shop; by checkout > cart > redis",
        "a soft call"
    );
}

#[test]
fn cut_off_and_drained_are_told_apart() {
    let told = |services: &Catalog, of: &str| -> Vec<String> {
        let mut model =
            Model::new(Arc::new(services.clone()), SeverityPolicy::default(), Vec::new());
        model.tick(now());
        model.study();
        let lines = model.told_blast(&NodeKey::anywhere(ServiceId::new(of)));
        let lines = lines.into_iter().map(|line| match line {
            Told::Head(text) => format!("# {text}"),
            Told::Pair(name, value) => format!("{name}: {value}"),
            Told::Text(text) | Told::Warn(text) => text.to_string(),
        });
        lines.collect()
    };
    // The shop pays at either of two banks; the till only at the first.
    let mut shop = Catalog::default();
    type Calls<'a> = &'a [(&'a str, Option<u32>)];
    let calls: [(&str, Calls<'_>); 4] = [
        ("shop", &[("bank-a", Some(0)), ("bank-b", Some(0))]),
        ("till", &[("bank-a", None)]),
        ("bank-a", &[]),
        ("bank-b", &[]),
    ];
    for (name, depends_on) in calls {
        let id = ServiceId::new(name);
        let depends_on = depends_on.iter().map(|(on, any_of)| Dependency {
            on: ServiceId::new(on),
            hard: true,
            any_of: *any_of,
            origin: EdgeOrigin::Catalog,
        });
        let service = Service {
            id: id.clone(),
            owner: "pay".into(),
            depends_on: depends_on.collect(),
            ..Service::default()
        };
        shop.services.insert(id, service);
    }
    let unknown = "How much of all traffic would be lost is not known.";
    let till = "till: loses 100 % (the worse is taken where it is not known); pay; no objective; by \
                till > bank-a";
    assert_eq!(
        told(&shop, "bank-a"),
        [
            "# Cut off: it answers nobody and calls nobody",
            unknown,
            till,
            "shop: degrades only; pay; by shop > bank-a",
            "# Drained: it ends what it has, the rest goes elsewhere",
            "bank-b: takes over; how much more it gets is not known",
            "These have nowhere else to go:",
            unknown,
            till,
            "It reaches no declared resource.",
        ]
    );
    shop.services.get_mut(&ServiceId::new("till")).unwrap().depends_on.clear();
    let fine = told(&shop, "bank-a");
    assert!(fine.contains(&"Nothing fails: all that call it have somewhere else to go.".into()));
    // Without a stand-in a drain of all of it is as bad, and one zone of three is not.
    shop.services.get_mut(&ServiceId::new("shop")).unwrap().depends_on.pop();
    shop.services.get_mut(&ServiceId::new("bank-a")).unwrap().zones =
        ["a", "b", "c"].map(SafeText::new).to_vec();
    let alone = told(&shop, "bank-a");
    let at = alone.iter().position(|line| line.starts_with("# Drained")).unwrap();
    assert_eq!(
        alone[at + 1..at + 3],
        [
            "It runs in 3 zones: drained out of one, the others carry 1.5 times their load, and its \
             callers notice nothing.",
            "Nothing is known to take over all of it; drained everywhere it is as good as cut off, \
             after what is under way has ended:",
        ]
    );
    assert!(alone[at + 3..].iter().any(|line| line.starts_with("shop: loses 100 %")));
}

#[test]
fn back_in_a_recording_the_map_shows_that_moment() {
    let mut state = world();
    let playback = |at| {
        Msg::Playback(Playback {
            at,
            start: now().minus(Span::from_hours(1)),
            end: now(),
            speed: 1.0,
            paused: false,
        })
    };
    tell(&mut state, playback(now()));
    assert_eq!(state.ui.map.views.health(&ServiceId::new("redis")), Health::Down);
    tell(&mut state, playback(now().minus(Span::from_mins(5))));
    tell(&mut state, Msg::Tick(now().minus(Span::from_mins(5))));
    let health = state.ui.map.views.health(&ServiceId::new("redis"));
    assert_eq!(health, Health::Unknown, "what was seen later has not been seen yet");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_size_and_no_keys_break_the_map(w in 0u16..260, h in 0u16..80, keys in "[hjk;z+ \\-mb\tgG]{0,12}", ascii: bool) {
        let mut state = sized(world(), (w, h));
        state.ui.ascii = ascii;
        for key in keys.chars() {
            let name = match key { ' ' => "space".to_owned(), '\t' => "tab".to_owned(), k => k.to_string() };
            press(&mut state, &name);
            let _ = paint(&state, &look("ansi16"), (w, h));
            press(&mut state, "esc");
        }
    }
}
