//! Settings read whole: the example, the defaults, every kind of mistake.

use pretty_assertions::assert_eq;
use proptest::prelude::*;

use super::*;
use crate::connectors::changes::{ChangesFrom, Metric, Place, Subject};
use crate::connectors::pagerduty::Rota;
use crate::connectors::registry::Basic;
use crate::connectors::secret::SecretRef;
use crate::domain::{ChangeKind, ServiceId, SourceId, SourceKind, TeamId};

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/config").join(name);
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_example_file_says_what_it_says() {
    let (settings, mistakes) = Settings::parse(&fixture("valid/full.toml"), "full.toml", "login");
    assert_eq!(mistakes, []);
    assert_eq!(settings.me.as_str(), "robin");
    let [
        prometheus,
        alertmanager,
        traces,
        feed,
        git,
        hooks,
        deployments,
        running,
        switches,
        pager,
        announced,
    ] = settings.sources.as_slice()
    else {
        panic!("eleven sources")
    };
    let (name, stream) = ("ops.changes.>".to_owned(), Some("CHANGES".to_owned()));
    assert_eq!(
        (announced.kind, announced.url.as_str(), announced.changes.as_ref().map(|c| &c.place)),
        (
            SourceKind::Nats,
            "nats://127.0.0.1:4222",
            Some(&Place::Subject(Subject { name, stream, range: Span::from_hours(12) }))
        )
    );
    let metric = Metric {
        selector: "build_info{env=\"prod\"}".to_owned(),
        version: "version".to_owned(),
        service: "service".to_owned(),
        range: Span::from_hours(12),
    };
    let project = ("default".to_owned(), vec!["production".to_owned()]);
    let flag = ("new-checkout".to_owned(), ServiceId::new("checkout"));
    assert_eq!(
        [running, switches].map(|source| (source.kind, source.interval, source.changes.clone())),
        [
            (SourceKind::Versions, Place::Metric(metric), Vec::new()),
            (
                SourceKind::Unleash,
                Place::Project { name: project.0, environments: project.1 },
                vec![flag]
            ),
        ]
        .map(|(kind, place, services)| {
            let tags = ChangeKind::Merge;
            let from = ChangesFrom { place, service: None, services, tags };
            (kind, Span::from_secs(30), Some(from))
        })
    );
    let rota = [
        (TeamId::new("payments"), Rota::Policy("PT20YPA".to_owned())),
        (TeamId::new("search"), Rota::Schedule("PI7DH85".to_owned())),
    ];
    assert_eq!(
        (pager.kind, pager.interval, &pager.teams),
        (SourceKind::Pagerduty, Span::from_mins(5), &rota.into())
    );
    let (name, environments) = ("acme/checkout".to_owned(), vec!["production".to_owned()]);
    assert_eq!(
        (deployments.kind, deployments.interval, deployments.changes.clone()),
        (
            SourceKind::Github,
            Span::from_secs(60),
            Some(ChangesFrom {
                place: Place::Project { name, environments },
                service: None,
                services: Vec::new(),
                tags: ChangeKind::Merge,
            })
        )
    );
    assert_eq!(
        [traces, feed].map(|source| (source.kind, source.interval)),
        [SourceKind::Jaeger, SourceKind::Statuspage].map(|kind| (kind, Span::from_secs(60)))
    );
    let beginnings = [("cart-", "cart"), ("checkout/", "checkout")];
    assert_eq!(
        [git, hooks].map(|source| source.changes.clone()),
        [
            Some(ChangesFrom {
                place: Place::Path("/srv/git/shop.git".into()),
                service: Some(ServiceId::new("shop")),
                services: beginnings.map(|(a, b)| (a.to_owned(), ServiceId::new(b))).to_vec(),
                tags: ChangeKind::Deploy,
            }),
            Some(ChangesFrom {
                place: Place::Path("/var/log/deploys.jsonl".into()),
                service: None,
                services: Vec::new(),
                tags: ChangeKind::Merge,
            }),
        ]
    );
    assert_eq!(prometheus.name, SourceId::new("prom-eu"));
    assert_eq!(prometheus.url.as_str(), "https://prometheus.eu.example.org/prometheus");
    let password = SecretRef::Env("PROM_EU_PASSWORD".into());
    assert_eq!(prometheus.basic, Some(Basic { user: "console".into(), password }));
    let tenant = ("X-Scope-OrgID".to_owned(), SecretRef::Given("shop".into()));
    assert_eq!(prometheus.headers, [tenant].into());
    assert_eq!(
        (alertmanager.kind, alertmanager.interval, alertmanager.max_body),
        (SourceKind::Alertmanager, Span::from_secs(5), 64 << 20)
    );
    let token = SecretRef::File("/run/secrets/am-eu".into());
    assert_eq!(alertmanager.bearer, Some(token));
    assert_eq!(settings.severity.impact[0].matchers[0].to_string(), r#"namespace="payments""#);
    assert_eq!(settings.catalog, ["catalog.toml", "slo/*.yaml"]);
}

#[test]
fn sources_of_changes_have_a_path_and_say_whose_changes_they_are() {
    let text = r#"
[[source]]
name = "shop"
kind = "git"
path = "/srv/mirrors/shop.git"
tags = "deploy"
services = { "pay-" = "payments", "src/cart/" = "cart" }

[[source]]
name = "hooks"
kind = "changes-file"
path = "/var/lib/changes.jsonl"
service = "checkout"
"#;
    let (settings, mistakes) = Settings::parse(text, "c.toml", "me");
    assert_eq!(mistakes, []);
    let locals: Vec<_> = settings.sources.iter().map(|source| source.changes.clone()).collect();
    let services = vec![
        ("pay-".to_owned(), ServiceId::new("payments")),
        ("src/cart/".to_owned(), ServiceId::new("cart")),
    ];
    let service = Some(ServiceId::new("checkout"));
    assert_eq!(
        locals,
        [
            Some(ChangesFrom {
                place: Place::Path("/srv/mirrors/shop.git".into()),
                service: None,
                services,
                tags: ChangeKind::Deploy,
            }),
            Some(ChangesFrom {
                place: Place::Path("/var/lib/changes.jsonl".into()),
                service,
                services: Vec::new(),
                tags: ChangeKind::Merge,
            }),
        ]
    );
    assert!(settings.sources.iter().all(|source| source.check().is_ok()));
    for wrong in ["path = \"changes\"", "url = \"http://a\"", "path = \"/c\"\ntags = \"deploy\""] {
        let text = format!("[[source]]\nname = \"a\"\nkind = \"changes-file\"\n{wrong}\n");
        let (settings, mistakes) = Settings::parse(&text, "c.toml", "me");
        assert!(settings.sources.is_empty() && !mistakes.is_empty(), "{wrong}");
    }
}

#[test]
fn the_example_shows_the_defaults() {
    let (written, _) = Settings::parse(&fixture("valid/full.toml"), "full.toml", "login");
    let (default, mistakes) = Settings::parse("", "empty.toml", "login");
    assert_eq!(mistakes, []);
    assert_eq!(default.me.as_str(), "login");
    assert_eq!((written.ui, written.silence), (default.ui, default.silence));
    let (written_policy, default_policy) = (written.severity, default.severity);
    assert_eq!(written_policy.matrix, default_policy.matrix);
    assert_eq!(written_policy.urgency, default_policy.urgency);
    assert_eq!(written.record_bytes, default.record_bytes);
}

#[test]
fn the_command_line_wins_over_the_file() {
    let (settings, _) = Settings::parse("[ui]\ntheme = \"a\"\nclock = \"local\"", "c.toml", "me");
    let by = Overrides { theme: Some("b".into()), ascii: Some(true), ..Overrides::default() };
    let ui = settings.overridden(by).ui;
    assert_eq!((ui.theme.as_str(), ui.clock, ui.ascii), ("b", Clock::Local, true));
}

#[test]
fn every_mistake_is_named_with_its_place_and_no_secret() {
    let mut said = String::new();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/config/invalid");
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let (_, mistakes) = Settings::parse(&std::fs::read_to_string(&path).unwrap(), name, "me");
        assert!(!mistakes.is_empty(), "{name} has no mistake");
        for mistake in mistakes {
            said.push_str(&format!("{mistake}\n"));
        }
    }
    assert!(!said.contains("hunter2"), "{said}");
    insta::assert_snapshot!(said);
}

#[test]
fn a_file_that_is_not_there_leaves_the_defaults_and_says_so() {
    let (settings, mistakes) = Settings::load(Path::new("/nonexistent/config.toml"), "me");
    assert_eq!(settings.ui, Settings::default().ui);
    assert_eq!(
        mistakes[0].to_string(),
        "/nonexistent/config.toml: cannot be opened: no such file or directory"
    );
}

#[test]
fn a_megabyte_is_refused_unread() {
    let (_, mistakes) = Settings::parse(&"a = 1\n".repeat(300_000), "big.toml", "me");
    assert_eq!(mistakes[0].message.as_str(), "the file is larger than 1 MiB and was not read");
    let (_, mistakes) = Settings::parse(&"[".repeat(900_000), "deep.toml", "me");
    assert!(!mistakes.is_empty());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(\\PC|\n){0,200}") {
        let _ = Settings::parse(&text, "c.toml", "me");
    }

    #[test]
    fn any_value_under_a_known_key_is_read_or_refused(
        key in prop_oneof![
            Just("version"), Just("me"), Just("ui.theme"), Just("ui.group_by"), Just("source"),
            Just("severity.impact"), Just("severity.matrix.high"), Just("silence.duration"),
            Just("catalog.files"), Just("record.max_size_mib"),
        ],
        value in prop_oneof![
            "-?[0-9]{1,25}", "[0-9]{1,3}\\.[0-9e]{1,4}", Just("nan".into()), Just("{}".into()),
            Just("[{}]".into()), Just("[[], {a = 1}]".into()), "\"[^\"\\\\]{0,20}\"", Just("true".into()),
            Just("1979-05-27T07:32:00Z".into()),
        ],
    ) {
        let _ = Settings::parse(&format!("{key} = {value}\n"), "c.toml", "me");
    }
}
