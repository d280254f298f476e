//! A map of many services, and how the runtime has a state and its studies come along.

use std::collections::BTreeSet;
use std::sync::Arc;

use quarterdeck::actions::Screen;
use quarterdeck::app::{Effect, MapPart, Msg, State, Ui, update};
use quarterdeck::domain::*;
use quarterdeck::keys::Input;
use quarterdeck::model::Model;

use super::{now, state};

/// Services call those of a later tier.
const TIERS: usize = 10;

/// Hands a message over and carries out the studies that come of it, as the runtime does.
pub(crate) fn tell(state: &mut State, msg: Msg) {
    let mut open = vec![msg];
    while let Some(msg) = open.pop() {
        for effect in update(state, msg) {
            if let Effect::Study(study) = effect {
                open.push(Msg::Studied(Box::new(study.carry_out())));
            }
        }
    }
}

/// So many services with so many declared calls between them, the same for the same numbers, all answering
/// their probes but one; all of the map is open.
pub(crate) fn crowded(services: usize, calls: usize, size: (u16, u16)) -> State {
    let name = |at: usize| ServiceId::new(&format!("service-{at:04}"));
    let mut lots = fastrand::Rng::with_seed(7);
    let mut called = BTreeSet::new();
    while called.len() < calls {
        let (from, to) = (lots.usize(0..services), lots.usize(0..services));
        let tier = |at: usize| at * TIERS / services;
        if (1..=3).contains(&tier(to).saturating_sub(tier(from))) {
            called.insert((from, to));
        }
    }
    let mut catalog = Catalog::default();
    for at in 0..services {
        let on = called.range((at, 0)..(at + 1, 0));
        let on = on.map(|&(_, to)| Dependency {
            any_of: None,
            on: name(to),
            hard: (at + to) % 4 != 0,
            origin: EdgeOrigin::Catalog,
        });
        let service = Service {
            id: name(at),
            alive: Some("up".into()),
            depends_on: on.collect(),
            ..Service::default()
        };
        catalog.services.insert(name(at), service);
    }
    let mut model = Model::new(Arc::new(catalog), SeverityPolicy::default(), Vec::new());
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
    let alive = (0..services).map(|at| {
        let up = if at == services / 2 { 0.0 } else { 1.0 };
        let labels = Labels::of(&[("instance", "a")]);
        let found = vec![Measured { labels, value: Reading::Value(up) }];
        Observation::Measured { of: MeasureId::Alive(name(at)), found }
    });
    model.observe(&id, now(), alive.collect());
    model.tick(now());
    model.study();
    let mut state = state(model, Ui::new(size));
    state.ui.screen = Screen::Map;
    tell(&mut state, Msg::Tick(now()));
    tell(&mut state, Msg::Input(Input::Resize(size.0, size.1)));
    while state.ui.map.part != MapPart::All {
        tell(&mut state, Msg::Input(Input::Key("tab".parse().unwrap())));
    }
    state
}
