//! What scripts are told while nothing answers: never that all is well.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::{Home, Said, dead_port};

const CATALOG: &str = "[[service]]\nname = \"shop\"\nowner = \"team\"\nrunbook = \"https://x.example\"\n\
    [[slo]]\nname = \"orders\"\nservice = \"shop\"\nobjective = \"99.9%\"\nerror_ratio = 'e$window'\n";

/// A Prometheus and an Alertmanager are configured at these ports.
fn home(prometheus: u16, alertmanager: u16) -> Home {
    let source = |kind: &str, port: u16| {
        format!(
            "[[source]]\nname = \"{kind}\"\nkind = \"{kind}\"\nurl = \"http://127.0.0.1:{port}\"\nsite = \"eu\"\n"
        )
    };
    let config = source("prometheus", prometheus) + &source("alertmanager", alertmanager);
    Home::with(&[("config.toml", &config), ("catalog.toml", CATALOG)])
}

#[test]
fn while_every_source_is_down_nothing_is_said_to_be_well() {
    let (p, a) = (dead_port(), dead_port());
    let home = home(p, a);
    let lacking = format!(
        "INCOMPLETE: 2 of 2 sources did not answer in full.\n\
        \x20 alertmanager: http://127.0.0.1:{a} refuses connections; nothing listens there, check that the server runs.\n\
        \x20 prometheus: http://127.0.0.1:{p} refuses connections; nothing listens there, check that the server runs.\n\n"
    );
    let slos = "SLO     STATE    BUDGET LEFT  LONG        SHORT       HOLDS  GONE IN  OBJECTIVE\n\
                orders  unknown  unknown      1h unknown  5m unknown  -      unknown  99.9% over 30d\n";
    let alerts = "Alerts are not known: no Alertmanager has answered.\n";
    let sources = format!(
        "SOURCE        KIND          SITE  STATE    ADDRESS\n\
         alertmanager  alertmanager  eu    failing  http://127.0.0.1:{a}\n\
         prometheus    prometheus    eu    failing  http://127.0.0.1:{p}\n"
    );
    assert_eq!(home.run(&["slo"]), Said::new(1, &format!("{lacking}{slos}"), ""));
    assert_eq!(home.run(&["alerts"]), Said::new(1, &format!("{lacking}{alerts}"), ""));
    let counts = "alerts not known, 0/2 sources fresh\n";
    let status = format!("{lacking}{counts}\n{slos}\n{alerts}\n{sources}");
    assert_eq!(home.run(&["status"]), Said::new(1, &status, ""));
}

#[test]
fn json_says_the_same_in_one_documented_shape() {
    let (p, a) = (dead_port(), dead_port());
    let home = home(p, a);
    let source = |kind: &str, port: u16| {
        json!({
            "name": kind, "kind": kind, "site": "eu", "address": format!("http://127.0.0.1:{port}"),
            "version": "", "state": "failing", "last_good": null, "latency_ms": null,
            "clock_offset_ms": null, "clock_bound_ms": null,
            "error": format!("http://127.0.0.1:{port} refuses connections; nothing listens there, check that the server runs."),
        })
    };
    let said = home.run(&["status", "--json"]);
    assert_eq!((said.code, said.err.as_str()), (1, ""));
    let mut told: Value = serde_json::from_str(&said.out).unwrap();
    let at = told["at"].take();
    assert!(at.as_str().is_some_and(|at| at.ends_with('Z')), "{at}");
    for condition in told["slos"][0]["conditions"].as_array().unwrap() {
        assert_eq!(condition["holds"], "unknown");
    }
    told["slos"][0]["conditions"].take();
    let burn: serde_json::Map<String, Value> = ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"]
        .iter()
        .map(|w| ((*w).to_owned(), json!("unknown")))
        .collect();
    let slos = json!([{
        "slo": "orders", "service": "shop", "objective": 0.999, "period": "30d", "verdict": "unknown",
        "budget_left": "unknown", "burn": burn, "conditions": null, "exhausted_in_seconds": "unknown",
        "at": null,
    }]);
    let sources = json!([source("alertmanager", a), source("prometheus", p)]);
    assert_eq!(
        told,
        json!({
            "version": 1, "at": null, "complete": false, "headline": null,
            "alerts": null,
            "slos": slos, "groups": [], "incidents": [], "sources": sources,
        })
    );
    for (asked, key) in [("slo", "slos"), ("alerts", "groups")] {
        let said = home.run(&[asked, "--json"]);
        let told: Value = serde_json::from_str(&said.out).unwrap();
        let keys: Vec<&String> = told.as_object().unwrap().keys().collect();
        let mut wanted = ["at", "complete", key, "sources", "version"];
        wanted.sort_unstable();
        assert_eq!((said.code, keys), (1, wanted.map(str::to_owned).iter().collect()));
        assert_eq!(told["sources"], sources);
    }
}

#[test]
fn a_silent_source_is_not_waited_for_longer_than_asked() {
    // Accepts and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let home = home(port, dead_port());
    let began = Instant::now();
    let said = home.run(&["alerts", "--timeout", "1s"]);
    assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
    assert_eq!(said.code, 1);
    let why = format!("  prometheus: no answer from http://127.0.0.1:{port} in time.\n");
    assert!(said.out.contains(&why), "{}", said.out);
}

#[test]
fn what_cannot_be_asked_is_refused_before_anybody_is_asked() {
    let home = home(dead_port(), dead_port());
    let refused = |args: &[&str], why: &str| {
        let said = home.run(args);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{args:?}");
        assert!(said.err.contains(why), "{}", said.err);
    };
    refused(
        &["slo", "order"],
        "there is no objective `order` in the catalog. Did you mean `orders`?",
    );
    refused(&["alerts", "severity=~\"(\""], "cannot be read");
    refused(&["status", "--timeout", "soon"], "`soon` is not a duration");
    refused(&["record", "--out", "x", "--service", "shp"], "Did you mean `shop`?");
    std::fs::write(home.path().join("there"), "mine").unwrap();
    refused(&["record", "--out", "there"], "there exists already and was not changed");
    assert_eq!(std::fs::read_to_string(home.path().join("there")).unwrap(), "mine");
    assert!(!home.path().join("x").exists());
}

#[test]
fn doctor_names_each_problem_and_what_to_do() {
    use std::os::unix::fs::PermissionsExt as _;
    let (p, a) = (dead_port(), dead_port());
    let home = home(p, a);
    let mut config = home.read("config.toml");
    config.push_str(
        "auth = { bearer = { env = \"NO_SUCH_TOKEN\" } }\n[ui]\ntheme = \"mine\"\ncolour = 1\n",
    );
    std::fs::write(home.config("config.toml"), config).unwrap();
    std::fs::create_dir(home.config("themes")).unwrap();
    std::fs::write(home.config("themes/mine.toml"), "[colors]\nx = 1\n").unwrap();
    let state = home.path().join("state/quarterdeck");
    std::fs::create_dir_all(&state).unwrap();
    std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(home.config("config.toml"), std::fs::Permissions::from_mode(0o666))
        .unwrap();

    let said = home.run(&["doctor", "--json"]);
    assert_eq!(said.code, 1);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&told["version"], &told["good"]), (&json!(1), &json!(false)));
    let problems: Vec<(&str, &str)> = told["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["good"] == false)
        .map(|check| (check["what"].as_str().unwrap(), check["found"].as_str().unwrap()))
        .collect();
    let dead = |port: u16| {
        format!(
            "http://127.0.0.1:{port} refuses connections; nothing listens there, check that the server runs."
        )
    };
    let wanted = [
        (
            "configuration",
            "can be changed by other users (mode 666); run chmod go-w on it".to_owned(),
        ),
        ("mistake", "config.toml:14:1: unknown key `colour`".to_owned()),
        ("looks", "mine.toml:2:5:".to_owned()),
        (
            "state folder",
            "is open to other users (mode 755), so nothing is recorded; run chmod 700".to_owned(),
        ),
        ("source prometheus", dead(p)),
        ("source alertmanager", "the environment variable NO_SUCH_TOKEN: it is not set".to_owned()),
        ("source alertmanager", "NO_SUCH_TOKEN".to_owned()),
        ("objective orders", "not known: its Prometheus gave no answer about it".to_owned()),
    ];
    let whats: Vec<&str> = problems.iter().map(|(what, _)| *what).collect();
    let names: Vec<&str> = wanted.iter().map(|(what, _)| *what).collect();
    assert_eq!(whats, names, "{problems:#?}");
    for ((_, found), (_, part)) in problems.iter().zip(&wanted) {
        assert!(found.contains(part), "`{part}` is not in `{found}`");
    }
    let text = home.run(&["doctor"]);
    assert!(text.out.ends_with("\n8 problems.\n"), "{}", text.out);
}

#[test]
fn doctor_finds_a_rollback_that_could_not_run_or_be_judged() {
    let home = home(dead_port(), dead_port());
    let playbook = r#"
[[pipeline]]
name = "here"
kind = "command"
allow = ["/nowhere/roll-back"]
[[pipeline]]
name = "split"
kind = "haproxy"
socket = "/nowhere/haproxy.sock"
[[procedure]]
name = "roll-back"
title = "Roll back"
kind = "rollback"
service = "chekout"
[[procedure.step]]
title = "roll back"
pipeline = "here"
argv = ["/nowhere/roll-back"]
[procedure.verify]
slos = ["nope"]
"#;
    std::fs::write(home.config("playbook.toml"), playbook).unwrap();
    std::fs::write(home.config("policy.toml"), "[[person").unwrap();
    let said = home.run(&["doctor", "--json"]);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    let checks = told["checks"].as_array().unwrap().iter();
    let problems: Vec<(&str, &str)> = checks
        .filter(|check| check["good"] == false)
        .map(|check| (check["what"].as_str().unwrap(), check["found"].as_str().unwrap()))
        .collect();
    for (what, part) in [
        ("policy", "nothing is recorded until it is corrected"),
        ("pipeline here", "/nowhere/roll-back is not there"),
        ("pipeline split", "no socket at /nowhere/haproxy.sock"),
        ("procedure roll-back", "no service chekout"),
        ("procedure roll-back", "no objective nope"),
    ] {
        let told = problems.iter().any(|(at, found)| *at == what && found.contains(part));
        assert!(told, "{what}: {part} is not in {problems:#?}");
    }
}

#[test]
fn a_note_is_in_the_log_before_it_is_called_recorded() {
    let home = home(dead_port(), dead_port());
    let refused = home.run(&["note", "not", "this", "--read-only"]);
    assert_eq!(refused.err, "quarterdeck: nothing was recorded, because --read-only was given\n");
    assert_eq!((refused.code, home.path().join("state").exists()), (2, false));
    assert_eq!(home.run(&["note", "rolled", "back"]), Said::new(0, "Recorded.\n", ""));
    let (doctor, whole) = (home.run(&["doctor"]), "whole: 1 record, each linked and signed");
    assert!(doctor.out.contains(whole), "{}", doctor.out);
    let none = home.run(&["ack", "severity=page"]);
    assert_eq!(none.code, 2);
    assert!(none.out.starts_with("INCOMPLETE: 2 of 2"), "{}", none.out);
    assert!(none.err.contains("no firing alert fits the filter"), "{}", none.err);
}

#[test]
fn what_runs_out_is_unknown_while_nobody_answers_and_never_well() {
    let resource = "[[resource]]\nname = \"pool\"\nservice = \"shop\"\nkind = \"pool\"\n\
        used = \"pool_in_use\"\nlimit = 50\n[[consensus]]\nname = \"etcd\"\nservice = \"shop\"\n\
        members = \"up\"\nvoters = 3\n";
    let home = home(dead_port(), dead_port());
    let catalog = home.read("catalog.toml") + resource;
    std::fs::write(home.config("catalog.toml"), catalog).unwrap();
    let said = home.run(&["capacity"]);
    assert_eq!(said.code, 1, "{}", said.err);
    let told = said.out.lines().rev().take(3).collect::<Vec<_>>();
    assert_eq!(
        told,
        [
            "consensus etcd: unknown, no member answered",
            "pool      unknown  ?       ?     ?      ?         unknown: no answer yet",
            "RESOURCE  STATE    IN USE  USED  LIMIT  PER HOUR  SAYS",
        ]
    );
    let said = home.run(&["capacity", "--json"]);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    let gauge = &told["gauges"][0];
    assert_eq!(
        [
            &gauge["state"],
            &gauge["used"],
            &gauge["share"],
            &gauge["why_unknown"],
            &told["complete"]
        ],
        [
            &json!("unknown"),
            &json!("unknown"),
            &Value::Null,
            &json!("no answer yet"),
            &json!(false)
        ]
    );
    // Supposed all the same, and nothing is said to hold.
    let said = home.run(&["whatif", "shop", "x2", "--json"]);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(
        (said.code, &told["first"], &told["load"][0]["times"]),
        (1, &Value::Null, &json!(2.0))
    );
    assert_eq!(told["resources"][0]["breaks"], "unknown");
    let said = home.run(&["whatif", "shop"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("try `checkout x3`, `zone eu-1a lost`"), "{}", said.err);
    let said = home.run(&["whatif", "drain", "shopp"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("Did you mean `shop`?"), "{}", said.err);
    let said = home.run(&["capacity", "poool"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("Did you mean `pool`?"), "{}", said.err);
}

#[test]
fn a_part_of_the_map_is_asked_for_as_on_the_screen() {
    let port = crate::lab::free_ports(1).unwrap()[0];
    let config = format!(
        "[[source]]\nname = \"prom\"\nkind = \"prometheus\"\nurl = \"http://127.0.0.1:{port}\"\n"
    );
    let catalog = "version = 1\n[[service]]\nname = \"web\"\nowner = \"shop\"\n\
                   depends_on = [\"cart\", \"search\"]\n\
                   [[service]]\nname = \"cart\"\nowner = \"shop\"\ndepends_on = [\"db\"]\n\
                   [[service]]\nname = \"search\"\nowner = \"find\"\n\
                   [[service]]\nname = \"db\"\nowner = \"data\"\n";
    let home = Home::with(&[("config.toml", &config), ("catalog.toml", catalog)]);
    let part = |asked: &[&str]| {
        let said = home.run(&[&["map", "--json"], asked].concat());
        assert_eq!(said.code, 1, "{asked:?}: the source does not answer: {}", said.err);
        let told: Value = serde_json::from_str(&said.out).unwrap();
        let nodes = told["nodes"].as_array().unwrap().iter();
        nodes.map(|node| node["service"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(part(&[]), "cart db search web");
    assert_eq!(part(&["team=shop"]), "cart web");
    assert_eq!(part(&["team!=shop", "health=unknown"]), "db search");
    assert_eq!(part(&["site=eu"]), "");
    assert_eq!(part(&["--focus", "web", "--to", "db"]), "cart db web");
    assert_eq!(part(&["--focus", "db", "--to", "web"]), "", "no call leads there");
    assert_eq!(part(&["--focus", "web", "--hops", "1", "sea"]), "search");
    let refused = home.run(&["map", "team=~("]);
    assert!(refused.code == 2 && refused.err.contains("cannot be read"), "{}", refused.err);
    let refused = home.run(&["map", "--to", "db"]);
    assert!(refused.code == 2 && refused.err.contains("--focus"), "{}", refused.err);
}
