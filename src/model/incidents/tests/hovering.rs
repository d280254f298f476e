//! A burn that hovers around its threshold: what the timeline says of it, and how much.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use proptest::prelude::*;

use crate::domain::{
    BurnCondition, Cause, Indicator, Method, Observation, Origin, Reading, Service, ServiceId, Slo,
    SloId, SloReading, SourceId, Urgency,
};
use crate::model::{Held, Model};

use super::super::{Seen, machine_events};
use super::clocks::{saw, shop};
use super::*;

const LONG: Span = Span::from_mins(60);
const SHORT: Span = Span::from_mins(5);

/// A shop with an objective and an incident about it, and what its console saw last.
struct Watched {
    room: Room,
    model: Model,
    seen: Seen,
}

impl Watched {
    fn new() -> Self {
        let mut model = shop();
        let condition = BurnCondition {
            long: LONG,
            short: SHORT,
            factor: 14.4,
            hold: Span::ZERO,
            urgency: Urgency::Page,
        };
        let slo = Slo {
            id: SloId::new("cart"),
            title: "Carts open".into(),
            service: ServiceId::new("cart"),
            objective: 0.999,
            period: Span::from_days(30),
            indicator: Indicator::Events { bad: "b[$window]".into(), total: "t[$window]".into() },
            method: Method::Occurrences,
            conditions: vec![condition],
            source: None,
            min_events: 0.0,
            recorded: None,
            origin: Origin::default(),
        };
        let mut catalog = (*model.catalog).clone();
        catalog
            .services
            .insert(slo.service.clone(), Service { id: slo.service.clone(), ..Service::default() });
        catalog.slos.insert(slo.id.clone(), slo);
        model.declare(Arc::new(catalog), model.policy.clone(), Vec::new());
        let mut room = Room::default();
        let about = Declared {
            title: "Carts do not open".into(),
            severity: Severity::Sev2,
            reason: "it burns fast".into(),
            services: vec![ServiceId::new("cart")],
            impact: Impact::default(),
            cause: Cause::Slo(SloId::new("cart")),
            onset: None,
        };
        room.say("alice", 0, about);
        room.records.iter().for_each(|record| model.apply(record));
        Self { room, model, seen: Seen::new() }
    }

    /// The error ratio of all windows, read at a second; the console looks and what is new is recorded.
    fn read(&mut self, secs: i64, ratio: Reading) {
        let reading = |window| SloReading {
            slo: SloId::new("cart"),
            window,
            error_ratio: ratio,
            traffic: Reading::Value(10.0),
            at: at(secs),
        };
        let readings = [SHORT, LONG, Span::from_days(30)].map(reading).to_vec();
        self.model.observe(&SourceId::new("prom"), at(secs), vec![Observation::Slos(readings)]);
        self.look(secs);
    }

    fn look(&mut self, secs: i64) {
        let incident = self.model.incidents.incidents[&inc()].clone();
        let (seen, events) = machine_events(&self.seen, &self.model, &incident, at(secs));
        self.seen = seen;
        for event in events {
            self.room.log("alice", secs, event);
            self.model.apply(self.room.records.last().unwrap());
        }
    }

    /// Seconds after the declaration, and words, of all that was told of the burn.
    fn told(&self) -> Vec<(i64, String)> {
        let events: Vec<LogEvent> =
            self.room.records.iter().filter_map(|record| record.event.clone()).collect();
        let burns = saw(&events).into_iter().filter(|saw| saw.key.starts_with("burn:"));
        burns.map(|saw| (saw.at.raw.since(at(0)).millis() / 1_000, saw.text.to_string())).collect()
    }

    fn held(&self) -> Held {
        self.model.slos.statuses[0].conditions[0].held
    }
}

const ON: &str = "Carts open burns its budget over 14.4x in 1h and 5m (page)";
const OFF: &str = "Carts open no longer burns over 14.4x in 1h";
const OVER: Reading = Reading::Value(0.02);
const UNDER: Reading = Reading::Value(0.01);

#[test]
fn a_burn_that_hovers_is_told_four_times_in_an_hour_and_its_last_end_says_how_often() {
    let mut shop = Watched::new();
    // Every half minute over, every other half minute under: for an hour.
    for turn in 0..60 {
        shop.read(turn * 60, OVER);
        assert_eq!(shop.held(), Held::Yes, "how it is judged knows nothing of the timeline");
        shop.read(turn * 60 + 30, UNDER);
        assert_eq!(shop.held(), Held::No);
    }
    let (on, off) = (|secs| (secs, ON.to_owned()), |secs| (secs, OFF.to_owned()));
    assert_eq!(shop.told(), [on(0), off(30), on(60)]);
    // It stays away for as long as its short window: now that is told, for when it was so.
    shop.read(3_750, UNDER);
    assert_eq!(shop.told().len(), 3);
    shop.read(3_570 + 300, UNDER);
    let last = (3_570, format!("{OFF} (it went over 59 times)"));
    assert_eq!(shop.told()[3..], [last]);
    // The next time it is told at once that it burns, and its end is waited for longer.
    shop.read(5_000, OVER);
    shop.read(5_030, UNDER);
    shop.read(5_030 + 400, UNDER);
    assert_eq!(shop.told()[4..], [on(5_000)]);
    shop.read(5_030 + 600, UNDER);
    assert_eq!(shop.told()[4..], [on(5_000), off(5_030)]);
}

#[test]
fn what_nobody_can_tell_is_no_pause_and_begins_the_waiting_anew() {
    let mut shop = Watched::new();
    for (secs, ratio) in [(0, OVER), (30, UNDER), (60, OVER), (90, UNDER)] {
        shop.read(secs, ratio);
    }
    assert_eq!(shop.told().len(), 3);
    // Without data it is not over, however long.
    shop.read(120, Reading::NoData);
    shop.read(900, Reading::NoData);
    shop.look(1_000);
    assert_eq!(shop.told().len(), 3);
    shop.read(1_030, UNDER);
    shop.read(1_300, UNDER);
    assert_eq!(shop.told().len(), 3);
    shop.read(1_330, UNDER);
    assert_eq!(shop.told()[3..], [(1_030, OFF.to_owned())]);
}

#[test]
fn an_end_that_is_held_back_is_told_when_the_incident_is_resolved_before_it_is_believed() {
    let resolved = |shop: &mut Watched, secs| {
        let over = crate::domain::Status::Resolved;
        let about = crate::eventlog::StatusChanged { status: over, note: "".into() };
        shop.room.say("alice", secs, about);
        shop.model.apply(shop.room.records.last().unwrap());
    };
    let turns = [(0, OVER), (30, UNDER), (60, OVER), (90, UNDER), (120, OVER), (150, UNDER)];
    let (on, off) = (|secs| (secs, ON.to_owned()), |secs| (secs, OFF.to_owned()));
    let mut shop = Watched::new();
    turns.iter().for_each(|(secs, ratio)| shop.read(*secs, *ratio));
    assert_eq!(shop.told(), [on(0), off(30), on(60)]);
    resolved(&mut shop, 200);
    shop.look(201);
    let last = (150, format!("{OFF} (it went over 2 times)"));
    assert_eq!(shop.told(), [on(0), off(30), on(60), last], "nobody looks for it later");
    shop.look(700);
    assert_eq!(shop.told().len(), 4, "once");

    // What burns still has no end, and neither has what nobody can tell.
    for at_last in [OVER, Reading::NoData] {
        let mut shop = Watched::new();
        turns.iter().for_each(|(secs, ratio)| shop.read(*secs, *ratio));
        shop.read(180, at_last);
        resolved(&mut shop, 200);
        shop.look(201);
        assert_eq!(shop.told(), [on(0), off(30), on(60)], "{at_last:?}");
    }
}

proptest! {
    /// Whatever it does, on and off are told in turn, few of them, and what stays is told at last.
    #[test]
    fn on_and_off_are_told_in_turn_and_what_stays_is_told(
        turns in prop::collection::vec((1i64..600, 0u8..3), 1..120),
    ) {
        let mut shop = Watched::new();
        let mut secs = 0;
        let read = |kind: u8| [OVER, UNDER, Reading::NoData][usize::from(kind)];
        for (pause, kind) in turns {
            secs += pause;
            shop.read(secs, read(kind));
        }
        for _ in 0..2 {
            secs += 3_600;
            shop.read(secs, UNDER);
        }
        let told = shop.told();
        let turned = |at: usize| if at.is_multiple_of(2) { ON } else { OFF };
        prop_assert!(told.iter().enumerate().all(|(at, (_, text))| text.starts_with(turned(at))));
        prop_assert!(told.len().is_multiple_of(2), "{told:?}");
        // Each return waits for one short window longer: n of them take n²/2 of it.
        let returns = (told.len() / 2).saturating_sub(2) as i64;
        let windows = returns.min(12) * (returns.min(12) + 1) / 2 + (returns - returns.min(12)) * 12;
        prop_assert!(windows * 300 <= secs, "{} in {secs} s", told.len());
    }
}
