//! Catalog files read whole: what they give, and how each mistake is named.

use pretty_assertions::assert_eq;
use proptest::prelude::*;

use super::*;
use crate::domain::{
    Dependency, EdgeOrigin, Indicator, Method, Signal, SloFormat, SloId, Span, Urgency,
};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn lines(errors: &[ConfigError]) -> String {
    errors.iter().map(|e| format!("{e}\n")).collect()
}

fn read(file: &str, text: &str) -> (Catalog, Vec<ConfigError>) {
    let mut builder = Builder::new(&[]);
    builder.read(file, text, &|_| Err("is not there".into()));
    builder.finish()
}

fn load_from(dir: &str, pattern: &str) -> (Catalog, Vec<ConfigError>) {
    load(&[pattern.into()], &fixtures().join(dir), &[SourceId::new("prom-eu")])
}

#[test]
fn the_shop_is_read_whole() {
    let (catalog, errors) = load_from("catalog", "catalog.toml");
    assert_eq!(lines(&errors), "");
    let checkout = &catalog.services["checkout"];
    assert_eq!((checkout.tier, checkout.owner.as_str()), (Some(1), "team-shop"));
    assert!(checkout.runbook_text.as_ref().unwrap().contains("payment provider first"));
    assert_eq!(
        checkout.depends_on,
        [
            Dependency {
                on: ServiceId::new("payments"),
                hard: true,
                any_of: None,
                origin: EdgeOrigin::Catalog
            },
            Dependency {
                on: ServiceId::new("cache"),
                hard: false,
                any_of: None,
                origin: EdgeOrigin::Catalog
            }
        ]
    );
    let signals: Vec<Signal> = checkout.signals.iter().map(|s| s.signal).collect();
    assert_eq!(signals, Signal::ALL);

    let availability = &catalog.slos["checkout-availability"];
    assert_eq!(availability.objective, 0.999, "and not 0.9990000000000001");
    assert_eq!((availability.min_events, availability.origin.line), (100.0, 34));
    assert_eq!(availability.conditions.len(), 4);
    let latency = &catalog.slos["payments-latency"];
    assert_eq!(latency.method, Method::RatioTimeslices);
    let shown: Vec<String> = latency
        .conditions
        .iter()
        .map(|c| format!("{} {} {:.2} {} {}", c.long, c.short, c.factor, c.hold, c.urgency.name()))
        .collect();
    assert_eq!(shown, ["1h 5m 13.44 0s page", "3d 6h 1.00 30m ticket"]);

    let window = &catalog.windows[0];
    assert_eq!((window.zone, window.duration), (chrono_tz::Europe::Berlin, Span::from_mins(90)));
    assert_eq!(window.rrule.as_deref(), Some("FREQ=WEEKLY;BYDAY=SU"));
}

#[test]
fn many_mistakes_are_reported_at_once_and_the_rest_is_kept() {
    let (catalog, errors) = load_from("catalog", "mistakes.toml");
    insta::assert_snapshot!(lines(&errors));
    let kept: Vec<&str> = catalog.slos.keys().map(SloId::as_str).collect();
    assert_eq!(kept, ["fine"]);
    assert_eq!(catalog.services.len(), 2);
}

#[test]
fn every_sloth_example_is_read_as_sloth_reads_it() {
    let (catalog, errors) = load_from("slo/sloth", "*.yml");
    // Two of its examples declare the same objective; each alone is well.
    assert!(errors.iter().all(|e| e.message.contains("is there already")), "{}", lines(&errors));
    let slo = &catalog.slos["myservice-requests-availability"];
    assert_eq!(slo.objective, 0.999);
    assert_eq!((slo.method, slo.origin.format), (Method::RatioTimeslices, SloFormat::Sloth));
    assert_eq!(
        slo.recorded_ratio(Span::from_hours(6)).unwrap(),
        r#"slo:sli_error:ratio_rate6h{sloth_id="myservice-requests-availability"}"#
    );
    assert!(slo.recorded_ratio(Span::from_days(30)).is_some());
    assert_eq!(catalog.services["myservice"].tier, Some(2));
    assert_eq!(catalog.slos["myapp-http-availability"].conditions, []);
    // Sums over time are not rates, so nothing is made of them but their ratio.
    let wifi = &catalog.slos["home-wifi-good-wifi-client-satisfaction"];
    assert!(matches!(wifi.indicator, Indicator::ErrorRatio(_)));

    let (catalog, errors) = load_from("slo/sloth", "*.yaml");
    assert!(errors.iter().all(|e| e.message.contains("is there already")), "{}", lines(&errors));
    assert!(catalog.slos["svc01-slo02"].conditions.is_empty());
}

#[test]
fn a_recurrence_rule_that_can_be_followed_is_accepted() {
    for (rule, said) in [
        ("FREQ=WEEKLY;UNTIL=20261231", ""),
        ("RRULE:FREQ=WEEKLY;UNTIL=20261231T020000", ""),
        ("FREQ=WEEKLY;UNTIL=soon", "UNTIL=soon is not like 20261231"),
    ] {
        let text = format!(
            "[[maintenance]]\nname = \"a\"\nmatch = 'a=\"b\"'\nstart = \"2026-11-29T02:00\"\n\
             duration = \"1h\"\nrrule = \"{rule}\"\n"
        );
        let (catalog, errors) = assemble(&[("catalog.toml".into(), text)], &[]);
        assert_eq!(
            (catalog.windows.len(), errors.is_empty()),
            (said.len().min(1) ^ 1, said.is_empty())
        );
        assert!(lines(&errors).contains(said), "{}", lines(&errors));
    }
}

#[test]
fn what_sloth_generates_is_what_we_would_ask() {
    for name in ["getting-started", "multifile", "no-alerts"] {
        let file = format!("{name}.yml");
        let (catalog, _) = load_from("slo/sloth", &file);
        let path = fixtures().join("slo/sloth/gen").join(&file);
        let generated: String = std::fs::read_to_string(path).unwrap().split_whitespace().collect();
        for slo in catalog.slos.values() {
            for window in ["5m", "30m", "1h", "2h", "6h", "1d", "3d"] {
                let asked = slo.computed_ratio(Span::parse(window).unwrap());
                let asked: String = asked.split_whitespace().collect();
                assert!(generated.contains(&asked), "{name}: {asked}");
            }
        }
    }
}

#[test]
fn what_sloth_refuses_is_refused_with_its_place() {
    let (catalog, errors) = load_from("slo/sloth/bad", "*.yaml");
    assert_eq!(
        lines(&errors),
        "alert-windows-7d.yaml:2:7: Sloth's AlertWindows are not read; Quarterdeck judges Sloth's \
         objectives by its default windows for 30 days\n\
         bad-aa.yaml:28:5: `objective` must be above 0 and below 100 per cent, not 101\n\
         in-invalid-version.yaml:1:1: `version` is `prometheus/v999`, and only prometheus/v1 is read\n"
            .replace(":2:7:", ":2:1:")
    );
    let kept: Vec<&str> = catalog.slos.keys().map(SloId::as_str).collect();
    assert_eq!(kept, ["svc01-slo1"], "the good objective beside a bad one is kept");
}

#[test]
fn every_pyrra_example_is_read_but_native_histograms() {
    let (catalog, errors) = load_from("slo/pyrra", "*.yaml");
    assert_eq!(
        lines(&errors),
        "pyrra-connect-latency.yaml:14:5: objectives on native histograms are not supported; use \
         `latency` with classic buckets, or catalog.toml with histogram_fraction\n"
    );
    assert_eq!(catalog.slos.len(), 14);
    let nginx = &catalog.slos["nginx-api-errors"];
    assert_eq!(nginx.service.as_str(), "lastfm");
    assert_eq!(nginx.period, Span::from_days(28));
    assert_eq!(nginx.conditions[0].hold, Span::from_mins(2));
    assert_eq!(
        nginx.recorded_ratio(Span::from_mins(5)).unwrap(),
        r#"nginx_ingress_controller_requests:burnrate5m{slo="nginx-api-errors"}"#
    );
    let latency = &catalog.slos["nginx-api-latency"];
    let Indicator::Events { bad, .. } = &latency.indicator else { panic!("events") };
    assert!(bad.starts_with("sum(rate(nginx_ingress_controller_request_duration_seconds_count{"));
    let grouped = &catalog.slos["prometheus-api-query"];
    assert_eq!(
        grouped.computed_ratio(Span::from_mins(15)),
        "max((sum by (handler) (rate(prometheus_http_requests_total{handler=~\"/api.*\",code=~\"5..\"}\
         [15m]))) / (sum by (handler) (rate(prometheus_http_requests_total{handler=~\"/api.*\"}[15m]))))"
    );
    assert_eq!(grouped.recorded, None);
    let probe = &catalog.slos["prometheus-blackbox-probe-success"];
    assert!(
        probe.computed_ratio(Span::from_mins(1)).contains("count_over_time(probe_success[1m])")
    );
}

#[test]
fn openslo_documents_are_read_or_refused_in_words() {
    let (_, errors) = load_from("slo/openslo", "*");
    insta::assert_snapshot!(lines(&errors));
}

#[test]
fn openslo_objectives_on_prometheus_are_computed() {
    let (catalog, errors) = load_from("slo/own", "openslo-web.yaml");
    assert_eq!(lines(&errors), "");
    assert_eq!(catalog.services["web"].title.as_str(), "Web shop");
    let rate = |labels: &str| format!("sum(rate(http_requests_total{{{labels}}}[5m]))");
    let ratio = format!("({}) / ({})", rate(r#"job="web",code=~"5..""#), rate(r#"job="web""#));
    assert_eq!(catalog.slos["web-availability"].computed_ratio(Span::from_mins(5)), ratio);
    assert_eq!(
        catalog.slos["web-slices"].computed_ratio(Span::from_hours(1)),
        format!("avg_over_time((({}) > bool (1 - 0.95))[1h:1m])", ratio.replace("[5m]", "[1m]"))
    );
    assert_eq!(catalog.slos["web-slices"].conditions[0].urgency, Urgency::Page);
}

#[test]
fn backstage_entities_become_services() {
    let (catalog, errors) = load_from("catalog/backstage", "*.yaml");
    assert_eq!(
        lines(&errors),
        "invalid-component.yaml:4:3: `invalid component` cannot be the name of an entity; up to 63 \
         letters, digits, and - _ . between them\n"
    );
    let lookup = &catalog.services["artist-lookup"];
    assert_eq!(
        (lookup.owner.as_str(), lookup.title.as_str()),
        ("team-a", "Artist Lookup (experimental)")
    );
    assert_eq!(lookup.depends_on[0].on.as_str(), "artists-db");
    assert_eq!(catalog.services["www-artist"].depends_on[0].on.as_str(), "artist-lookup");
    assert_eq!(catalog.services["podcast"].owner.as_str(), "team-b");
    assert!(!catalog.services.contains_key("demo-graphql"), "an API runs nowhere");
    assert_eq!(catalog.services.len(), 12);
}

#[test]
fn one_broken_file_does_not_lose_the_others() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.yaml"), "apiVersion: [").unwrap();
    std::fs::write(dir.path().join("b.toml"), "[[service]]\nname = \"web\"\n").unwrap();
    std::fs::write(dir.path().join("c.yaml"), "kind: Deployment\napiVersion: apps/v1\n").unwrap();
    std::fs::write(dir.path().join("d.yaml"), [0xff, 0xfe, 0x00]).unwrap();
    let patterns = ["?.*".to_owned(), "none.toml".to_owned()];
    let (catalog, errors) = load(&patterns, dir.path(), &[]);
    assert_eq!(catalog.services.len(), 1);
    let files: Vec<&str> = errors.iter().map(|e| e.file.as_str()).collect();
    assert_eq!(files, ["a.yaml", "c.yaml", "d.yaml", "none.toml"], "{}", lines(&errors));
}

#[test]
fn anchors_that_multiply_and_deep_nesting_are_bounded() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    let (_, errors) = read("bomb.yaml", &bomb);
    assert_eq!(errors.len(), 1, "{}", lines(&errors));
    let (_, errors) = read("deep.yaml", &"[".repeat(100_000));
    assert_eq!(errors.len(), 1);
    let (_, errors) = read("wide.yaml", &"- x\n".repeat(250_000));
    assert_eq!(errors.len(), 1);
    let (_, errors) = read("big.yaml", &"x".repeat(2 << 20));
    assert_eq!(errors[0].message.as_str(), "the file is larger than 1 MiB and was not read");
}

/// Lines that make something of every format, in any order and with anything between.
fn yaml_like() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("apiVersion: openslo/v1".to_owned()),
        Just("apiVersion: pyrra.dev/v1alpha1".into()),
        Just("apiVersion: backstage.io/v1alpha1".into()),
        Just("version: prometheus/v1".into()),
        Just("kind: SLO".into()),
        Just("kind: ServiceLevelObjective".into()),
        Just("kind: Component".into()),
        Just("metadata: {name: a, labels: [1]}".into()),
        Just("spec: {target: 99, window: 0d, indicator: {ratio: {}}}".into()),
        Just("spec: {service: a, objectives: [{target: 2}], timeWindow: [{duration: 1M}]}".into()),
        Just("slos: [{name: a, objective: .nan, sli: {raw: {error_ratio_query: '{{'}}}]".into()),
        Just("service: [".into()),
        Just("---".into()),
        "\\PC{0,30}",
    ];
    proptest::collection::vec(line, 0..8).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn no_yaml_and_no_toml_panics(yaml in yaml_like(), any in "(\\PC|\n){0,120}") {
        let _ = read("a.yaml", &yaml);
        let _ = read("a.yaml", &any);
        let _ = read("a.toml", &any);
    }
}

#[test]
fn stars_and_question_marks_stand_for_other_characters() {
    for (pattern, name, fits) in [
        ("*", "", true),
        ("*.toml", "a.toml", true),
        ("*.toml", ".toml", true),
        ("*.toml", "a.toml.bak", false),
        ("services-??.toml", "services-0é.toml", true),
        ("services-??.toml", "services-0.toml", false),
        ("a*b*c", "a1b2b3c", true),
        ("a*b*c", "a1b2b3", false),
        ("*.y*ml", "slo.y.yaml", true),
        ("a", "ab", false),
        ("a.c", "abc", false),
    ] {
        assert_eq!(super::fits(pattern, name), fits, "{pattern} {name}");
    }
}

#[test]
fn dependencies_may_stand_in_for_each_other() {
    let text = "version = 1\n[[service]]\nname = \"shop\"\nowner = \"x\"\nrunbook = \"https://x\"\n\
                depends_on = [\"cart\", { any = [\"bank-a\", \"bank-b\"], hard = false }, { any = [\"mail\"] }, \
                { on = \"cart\", any = [\"mail\"] }]\n";
    let rest = ["cart", "bank-a", "bank-b", "mail"];
    let rest = rest.map(|name| {
        format!("[[service]]\nname = \"{name}\"\nowner = \"x\"\nrunbook = \"https://x\"\n")
    });
    let (catalog, errors) = read("shop.toml", &(text.to_owned() + &rest.concat()));
    let told =
        catalog.services["shop"].depends_on.iter().map(|d| (d.on.as_str(), d.hard, d.any_of));
    assert_eq!(
        told.collect::<Vec<_>>()[..4],
        [
            ("cart", true, None),
            ("bank-a", false, Some(1)),
            ("bank-b", false, Some(1)),
            ("mail", true, None),
        ]
    );
    let said = "`any` names all that stand in for each other; leave `on` out";
    assert!(lines(&errors).contains(said), "{}", lines(&errors));
}
