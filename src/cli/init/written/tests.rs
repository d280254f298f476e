//! Whatever init writes loads without complaint, and so does every example in it.

use pretty_assertions::assert_eq;

use super::*;
use crate::config::{Settings, assemble};
use crate::domain::{Indicator, SafeText, SourceId, Span};

/// What an Alertmanager and a Prometheus with one of Sloth's objectives give.
fn found() -> Found {
    Found {
        slos: vec![FoundSlo {
            id: "shop-checkout".into(),
            service: "shop".into(),
            objective: 0.999,
            period: Span::from_days(30),
            owner: "team \"one\"".into(),
            tier: Some(2),
        }],
        services: ["cart", "it's", "shop"].map(SafeText::new).to_vec(),
    }
}

fn sources() -> Vec<SourceConfig> {
    [SourceKind::Prometheus, SourceKind::Alertmanager]
        .map(|kind| SourceConfig::new(kind.name(), kind, "http://127.0.0.1:1"))
        .to_vec()
}

fn settings(text: &str) -> Settings {
    let (settings, mistakes) = Settings::parse(text, "config.toml", "login");
    assert_eq!(mistakes, [], "{text}");
    settings
}

fn load(text: &str) -> Catalog {
    let files = [("catalog.toml".to_owned(), text.to_owned())];
    let (catalog, mistakes) = assemble(&files, &[SourceId::new("prometheus")]);
    assert_eq!(mistakes, [], "{text}");
    catalog
}

/// The text once for each example, with its `#` taken away: one line, or a table with its lines.
fn with_each_example(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let is_example = |line: &str| line.starts_with('#') && !line.starts_with("# ") && line != "#";
    let mut all = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let mut end = at;
        while lines.get(end).is_some_and(|line| is_example(line)) {
            end += 1;
            if !lines[at].starts_with("#[") {
                break;
            }
        }
        if end > at {
            let mut taken: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            taken[at..end].iter_mut().for_each(|line| *line = line[1..].to_owned());
            all.push(taken.join("\n"));
        }
        at = end.max(at + 1);
    }
    all
}

#[test]
fn the_configuration_and_each_example_in_it_loads() {
    for sources in [sources(), sources()[..1].to_vec(), Vec::new()] {
        let answers = Answers {
            name: "Ann \"O'Neil\" \\",
            site: "eu",
            sources: &sources,
            catalog: Some("slo/*.yaml"),
        };
        let text = config(&answers);
        let read = settings(&text);
        assert_eq!(read.me, SafeText::new("Ann \"O'Neil\" \\"));
        let files = ["catalog.toml", "slo/*.yaml"].map(str::to_owned).to_vec();
        assert_eq!((read.sources.len(), &read.catalog), (sources.len(), &files));
        // The examples show what holds without them, or a name to fill in.
        let examples = with_each_example(&text);
        assert!(examples.len() > 8, "{text}");
        for example in examples {
            settings(&example);
        }
    }
}

#[test]
fn the_catalog_and_each_example_in_it_loads() {
    for found in [found(), Found::default()] {
        let text = catalog(&found, &Catalog::default());
        let read = load(&text);
        assert_eq!(
            (read.services.len(), read.slos.len()),
            (found.services.len(), found.slos.len())
        );
        let examples = with_each_example(&text);
        assert!(examples.len() >= 2, "{text}");
        for example in examples {
            load(&example);
        }
    }
}

#[test]
fn an_objective_of_sloth_is_read_from_its_recordings() {
    let read = load(&catalog(&found(), &Catalog::default()));
    let slo = read.slos.values().next().unwrap();
    let metric = "slo:sli_error:ratio_rate$window{sloth_id=\"shop-checkout\"}";
    assert_eq!(slo.indicator, Indicator::ErrorRatio(metric.to_owned()));
    assert!((slo.objective - 0.999).abs() < 1e-12);
    assert_eq!(slo.period, Span::from_days(30));
    let windows: Vec<String> = slo.windows().iter().map(ToString::to_string).collect();
    assert_eq!(windows, ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"]);
    let shop = &read.services[&slo.service];
    assert_eq!((&*shop.owner, shop.tier), ("team \"one\"", Some(2)));
}

#[test]
fn what_other_files_declare_is_not_declared_again() {
    let declared = load(&catalog(&found(), &Catalog::default()));
    let read = load(&catalog(&found(), &declared));
    assert_eq!((read.services.len(), read.slos.len()), (0, 0));
}
