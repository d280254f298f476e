//! The shop goes down as shops do: a cache dies, the cart works without it and is slow, checkout's workers
//! wait for the cart until none is left, and users are refused.
//!
//! ```text
//! users ──► web ──► checkout (160 workers) ──► cart ──► cache (a real Redis)
//! ```
//!
//! A real Prometheus looks at all of them every second; the console's own connectors and model look at
//! that, once without a screen and once as the program itself.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use pretty_assertions::assert_eq;
use quarterdeck::analysis::graph::shortest_paths;
use quarterdeck::analysis::series::Crossing;
use quarterdeck::analysis::suspects::Culprit;
use quarterdeck::domain::{EdgeOrigin, MeasureId, NodeKey, ServiceId, Signal};
use quarterdeck::model::{Fill, Model, Verdict};
use serde_json::Value;

use crate::cli::Home;
use crate::headless::{Headless, now};
use crate::lab::{PATIENCE, built, free_ports};
use crate::rig::Rig;

/// Users per second.
const RATE: f64 = 6.0;
const WORKERS: &str = "160";

/// The shop; the load has not begun.
fn shop(rig: &mut Rig) -> Result<String> {
    let ports = free_ports(5)?;
    let at: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    let [redis, exporter, cart, checkout, web] = &at[..] else { unreachable!("five") };
    let port: Vec<String> = ports.iter().map(u16::to_string).collect();
    let args = ["--port", &port[0], "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    let dir = rig.dir().to_string_lossy().into_owned();
    rig.run("cache", "redis-server", &[&args[..], &["--dir", &dir]].concat())?;
    let (of, listen) =
        (format!("-redis.addr=redis://{redis}"), format!("-web.listen-address={exporter}"));
    rig.run("exporter", "prometheus-redis-exporter", &[&of, &listen])?;
    let service = built("examples/lab_service")?;
    let quick = ["--latency", "2-15", "--errors", "0"];
    let without = ["--cache", redis, "--without-cache", "1000-120000"];
    let cart_args = [&["serve", "--port", &port[2]][..], &quick, &without].concat();
    rig.run_file("cart", service.clone(), &cart_args)?;
    let call = format!("{cart}/cart");
    let pool = ["--pool", WORKERS, "--bounded", "true", "--call", &call];
    let checkout_args = [&["serve", "--port", &port[3]][..], &quick, &pool].concat();
    rig.run_file("checkout", service.clone(), &checkout_args)?;
    let call = format!("{checkout}/checkout");
    let web_args = [&["serve", "--port", &port[4]][..], &quick, &["--call", &call]].concat();
    rig.run_file("web", service, &web_args)?;
    for (name, at) in [("cart", cart), ("checkout", checkout), ("web", web)] {
        rig.wait_for(name, &format!("http://{at}/healthz"))?;
    }
    let targets = [
        (exporter.clone(), "service: cache, instance: 'cache-1:6379'"),
        (cart.clone(), "service: cart, instance: 'cart-1:8080'"),
        (checkout.clone(), "service: checkout, instance: 'checkout-1:8080'"),
        (web.clone(), "service: web, instance: 'web-1:8080'"),
    ];
    rig.prometheus(&targets, Some(&past(now().millis() / 1_000)))?;
    Ok(format!("{web}/web"))
}

/// How far the readings of the past are apart, in seconds: two of them fit into every window of 20 s, wherever
/// it begins, or there would be no rates and nothing would be known to be usual.
const APART: usize = 10;

/// Three quiet hours, so that it is known what is usual.
fn past(now: i64) -> String {
    let mut text = String::new();
    let end = now - 20;
    for (round, at) in (end - 3 * 3_600..=end).step_by(APART).enumerate() {
        let count = APART as f64 * RATE * round as f64;
        let wobble = [0.0, 0.4, -0.2, 0.1, -0.3, 0.2, 0.0][round % 7];
        for (service, fast) in [("cart", 0.4), ("checkout", 0.2), ("web", 0.1)] {
            let of = format!(r#"job="lab",service="{service}",instance="{service}-1:8080""#);
            let labels = format!(r#"{of},version="1.0.0""#);
            // One of a thousand fails now and then.
            let failed = (count / 1_000.0).floor();
            for (code, count) in [(200, count - failed), (500, failed), (503, 0.0)] {
                _ = writeln!(
                    text,
                    "http_requests_total{{{labels},code=\"{code}\"}} {count:.0} {at}"
                );
            }
            let name = "http_request_duration_seconds_bucket";
            let buckets = [
                ("0.01", fast),
                ("0.025", 0.93 + 0.02 * wobble),
                ("0.05", 1.0),
                ("0.1", 1.0),
                ("0.5", 1.0),
                ("1", 1.0),
                ("2.5", 1.0),
                ("+Inf", 1.0),
            ];
            for (le, share) in buckets {
                let count = (count * share).floor();
                _ = writeln!(text, "{name}{{{labels},le=\"{le}\"}} {count:.0} {at}");
            }
            if service == "checkout" {
                _ = writeln!(text, "pool_connections_in_use{{{of}}} {} {at}", round % 2);
                _ = writeln!(text, "pool_connections_max{{{of}}} {WORKERS} {at}");
            }
        }
        let cache = r#"job="lab",service="cache",instance="cache-1:6379""#;
        _ = writeln!(text, "redis_up{{{cache}}} 1 {at}");
    }
    text.push_str("# EOF\n");
    text
}

/// The worst objective's verdict.
fn verdict(model: &Model) -> Result<Verdict> {
    Ok(model.slos.statuses.first().context("no objective is judged yet")?.verdict)
}

/// How full checkout's workers are, and what is to come.
fn workers(model: &Model) -> Result<(f64, Fill, Option<Crossing>)> {
    let gauges = model.gauges();
    let [(resource, gauge)] = &gauges[..] else { anyhow::bail!("{gauges:?}") };
    let share = gauge.share.with_context(|| format!("{gauge:?}"))?;
    let crossing = gauge.outlook.as_ref().and_then(|o| o.forecast.as_ref().ok());
    Ok((share, gauge.fill(resource), crossing.map(|forecast| forecast.crossing)))
}

/// The newest readings that services are compared by, to see why somebody is suspected.
fn lately(model: &Model) -> String {
    let mut text = String::new();
    for service in model.suspicion.compared() {
        for signal in Signal::ALL {
            let lines = model.measures.history(&MeasureId::Signal(service.clone(), signal));
            for line in lines.into_iter().flat_map(|(_, lines)| lines) {
                let last = line.points.iter().rev().take(14).map(|(at, v)| format!("{at}={v:.4}"));
                let last: Vec<String> = last.collect();
                _ = writeln!(text, "{service} {}: {}", signal.name(), last.join(" "));
            }
        }
    }
    text
}

#[test]
fn the_dead_cache_is_blamed_and_the_pool_is_seen_filling_before_checkout_burns() -> Result<()> {
    let programs = ["prometheus", "promtool", "redis-server", "prometheus-redis-exporter"];
    let Some(mut rig) = Rig::new_or_skip(&programs)? else { return Ok(()) };
    let entrance = shop(&mut rig)?;
    let load = ["load", &entrance, &RATE.to_string(), "600"];
    rig.run_file("load", built("examples/lab_service")?, &load)?;
    let config = rig.console(include_str!("../lab/cascade.toml"))?;
    let mut console = Headless::start(&config)?;
    console.until("all is well", PATIENCE, |model| {
        let (share, fill, _) = workers(model)?;
        // Of a minute of readings nothing can be foretold yet, and that is said.
        ensure!(share < 0.2 && fill != Fill::Full, "{share} {fill:?}");
        ensure!(verdict(model)? == Verdict::Fine, "{:?}", model.slos.statuses);
        let called = model.edge_views();
        let cached = called.get(&(ServiceId::new("cart"), ServiceId::new("cache")));
        ensure!(cached.is_some_and(|view| view.failed == Some(0.0)), "{called:?}");
        Ok(())
    })?;
    assert_eq!(console.model.suspicion.concern(), None);

    rig.server("cache")?.kill()?;
    let killed = now();
    // Before it is full, and not only because it is nearly so.
    let (said, expected) =
        console.until("the workers are seen running out", PATIENCE, |model| {
            let (share, fill, crossing) = workers(model)?;
            assert!(fill != Fill::Full, "it was full before anybody said so");
            ensure!(matches!(fill, Fill::RunsOut(_)) && share > 0.1, "{share} {fill:?}");
            let Some(Crossing::Within { expected: Some(expected), .. }) = crossing else {
                anyhow::bail!("{crossing:?}")
            };
            Ok((now(), expected))
        })?;
    assert_eq!(verdict(&console.model)?, Verdict::Fine, "nobody is refused yet");
    let full = console.until("no worker is left", PATIENCE, |model| {
        let (share, fill, _) = workers(model)?;
        ensure!(fill == Fill::Full, "{share} {fill:?}");
        Ok(now())
    })?;
    let ahead = full.since(said).seconds();
    let off = expected.since(full).seconds();
    println!(
        "full {:.0} s after the cache died; said {ahead:.0} s before, {off:+.0} s off",
        full.since(killed).seconds()
    );
    assert!(ahead >= 2.0 && off.abs() < 30.0, "{ahead} s ahead, {off} s off");

    console.until("checkout's objective burns", PATIENCE, |model| {
        ensure!(matches!(verdict(model)?, Verdict::Page | Verdict::Ticket), "{:?}", verdict(model));
        Ok(())
    })?;
    // Two bad readings in a row of every service, 30 s apart and asked for as often, after the first look.
    let path = console.until("the cache is the first suspect", 3 * PATIENCE, |model| {
        let found = model.suspicion.latest().context("nobody is suspected yet")?;
        let read = || lately(model);
        ensure!(found.concern.service.as_str() == "checkout", "{:?}", found.concern);
        let first = found.ranking.suspects.first().context("no suspect")?;
        let Culprit::Service(place) = first.culprit else { anyhow::bail!("{first:?}") };
        let name = |place: usize| found.services[place].to_string();
        let first_is_cache = name(place) == "cache" && first.stands_out;
        ensure!(first_is_cache, "{:?}\n{:#?}\n{}", found.concern, found.ranking, read());
        Ok(first.path.iter().map(|place| name(*place)).collect::<Vec<_>>())
    })?;
    assert_eq!(path, ["checkout", "cart", "cache"]);

    // The map has the same way, declared and seen, and shows where calls fail.
    let graph = console.model.map.graph();
    let node = |name: &str| graph.find(&NodeKey::anywhere(ServiceId::new(name))).unwrap();
    let ways = shortest_paths(graph, node("web"), node("cache"), 3);
    assert_eq!(ways.paths, [["web", "checkout", "cart", "cache"].map(node)]);
    for hop in ways.paths[0].windows(2) {
        let edge = graph.edge(graph.between(hop[0], hop[1]).unwrap());
        for origin in [EdgeOrigin::Catalog, EdgeOrigin::Metrics] {
            assert!(edge.origins.seen(origin).is_some(), "{origin:?} {edge:?}");
        }
    }
    let view = &console.model.edge_views()[&(ServiceId::new("cart"), ServiceId::new("cache"))];
    assert!(view.failed.is_some_and(|failed| failed > 0.0), "{view:?}");
    drop(console);

    // The program itself, as a script would ask it.
    let home = Home::new();
    let said = home.run(&["--config", &config.to_string_lossy(), "suspects", "--json"]);
    let told: Value = serde_json::from_str(&said.out).with_context(|| format!("{said:?}"))?;
    let first = &told["suspects"][0];
    assert_eq!(
        (&told["concern"]["service"], &told["concern"]["slo"], &first["service"], &first["path"]),
        (
            &"checkout".into(),
            &"checkout-availability".into(),
            &"cache".into(),
            &serde_json::json!(["checkout", "cart", "cache"])
        ),
        "{told:#}"
    );
    let terms = first["terms"].as_array().context("no terms")?;
    let product: f64 = terms.iter().filter_map(|term| term["weight"].as_f64()).product();
    assert!((product - first["score"].as_f64().unwrap_or(-1.0)).abs() < 1e-9, "{first:#}");
    assert_eq!((said.code, said.err.as_str()), (1, ""));
    let said = home.run(&["--config", &config.to_string_lossy(), "suspects"]);
    assert!(
        said.out.contains("1. cache: stands out") && said.out.contains("checkout → cart → cache"),
        "{}",
        said.out
    );
    asked_in_a_shell(&home, &config.to_string_lossy())
}

/// The map, the reach of a loss, what runs out and what would: as a script reads them while the shop is down.
fn asked_in_a_shell(home: &Home, config: &str) -> Result<()> {
    let ask = |args: &[&str]| -> Result<(i32, Value)> {
        let said = home.run(&[&["--config", config], args, &["--json"]].concat());
        ensure!(said.err.is_empty(), "{args:?}: {said:?}");
        let told: Value = serde_json::from_str(&said.out).with_context(|| format!("{said:?}"))?;
        assert_eq!(told["complete"], true, "{args:?}: {told:#}");
        Ok((said.code, told))
    };
    let names = |list: &Value, field: &str| -> Vec<String> {
        let each = list.as_array().into_iter().flatten();
        let mut names: Vec<String> =
            each.map(|one| one[field].as_str().unwrap_or_default().to_owned()).collect();
        names.sort();
        names
    };
    let (code, map) = ask(&["map"])?;
    assert_eq!(names(&map["nodes"], "service"), ["cache", "cart", "checkout", "web"]);
    let edges = map["edges"].as_array().context("no edges")?;
    let mut ways: Vec<String> = edges
        .iter()
        .map(|e| format!("{} {}", e["from"]["service"], e["to"]["service"]).replace('"', ""))
        .collect();
    ways.sort();
    assert_eq!(ways, ["cart cache", "checkout cart", "web checkout"]);
    let stands = |name: &str| map["stands"][name]["health"].clone();
    assert_eq!((code, stands("cache")), (1, "down".into()), "{map:#}");
    let (_, down) = ask(&["map", "health=down"])?;
    assert_eq!(names(&down["nodes"], "service"), ["cache"]);
    let (_, way) = ask(&["map", "--focus", "web", "--to", "cache"])?;
    assert_eq!(names(&way["nodes"], "service"), ["cache", "cart", "checkout", "web"]);

    let (_, blast) = ask(&["blast", "cache"])?;
    assert_eq!(blast["of"], serde_json::json!(["cache"]));
    assert_eq!(names(&blast["cut_off"]["hit"], "service"), ["cart", "checkout", "web"]);

    let (code, capacity) = ask(&["capacity"])?;
    let gauge = &capacity["gauges"][0];
    assert_eq!(
        (code, &gauge["resource"], &gauge["service"], &gauge["kind"], &gauge["limit"]),
        (1, &"checkout-workers".into(), &"checkout".into(), &"pool".into(), &160.0.into()),
        "{capacity:#}"
    );
    assert_eq!(gauge["labels"], serde_json::json!({ "instance": "checkout-1:8080" }));

    let (code, whatif) = ask(&["whatif", "checkout", "x2"])?;
    assert_eq!(
        (code, &whatif["supposed"], &whatif["resources"][0]["resource"]),
        (1, &"checkout x2".into(), &"checkout-workers".into()),
        "{whatif:#}"
    );
    let unknown = home.run(&["--config", config, "blast", "cahce"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("Did you mean `cache`?"), "{}", unknown.err);
    Ok(())
}
