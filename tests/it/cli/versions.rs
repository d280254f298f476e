//! Versions that a real Prometheus saw running, as scripts are told of them: deployed, taken back, under way.

use anyhow::{Context as _, Result};
use pretty_assertions::assert_eq;
use serde_json::Value;

use super::Home;
use crate::rig::Rig;

/// Every so many seconds an instance was scraped; as often, versions are looked for.
const EVERY: i64 = 15;

/// One instance of a service: which version it ran from and until how many seconds before the end.
struct Ran(&'static str, &'static str, &'static str, i64, i64);

const PAST: [Ran; 10] = [
    // All three go from v1 to v2.
    Ran("cart", "a", "v1", 3_000, 1_515),
    Ran("cart", "b", "v1", 3_000, 1_515),
    Ran("cart", "c", "v1", 3_000, 1_455),
    Ran("cart", "a", "v2", 1_500, 0),
    Ran("cart", "b", "v2", 1_500, 0),
    Ran("cart", "c", "v2", 1_440, 0),
    // One of two tries v8 and goes on.
    Ran("web", "a", "v7", 3_000, 0),
    Ran("web", "b", "v7", 3_000, 915),
    Ran("web", "b", "v8", 900, 0),
    // Nothing but what ran before.
    Ran("mail", "a", "v3", 3_000, 0),
];

/// The past in the OpenMetrics format.
fn past(end: i64, more: &[Ran]) -> String {
    let mut text = String::from("# TYPE build_info gauge\n");
    for Ran(service, instance, version, from, until) in PAST.iter().chain(more) {
        for ago in (*until..=*from).rev().step_by(EVERY as usize) {
            text.push_str(&format!(
                "build_info{{service=\"{service}\",instance=\"{instance}\",version=\"{version}\"}} 1 {}\n",
                end - ago
            ));
        }
    }
    text + "# EOF\n"
}

#[test]
fn what_a_metric_saw_appear_was_deployed_and_how_far_it_came_is_told() -> Result<()> {
    let Some(mut rig) = Rig::new_or_skip(&["prometheus", "promtool"])? else { return Ok(()) };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    let end = i64::try_from(now)? / EVERY * EVERY;
    // One of api's tried v5 and went back; it has been away for longer than a series is remembered.
    let back = [
        Ran("api", "a", "v4", 3_000, 0),
        Ran("api", "b", "v4", 3_000, 0),
        Ran("api", "c", "v5", 2_400, 1_800),
    ];
    rig.prometheus(&[], Some(&past(end, &back)))?;
    let source = format!(
        "[[source]]\nname = \"running\"\nkind = \"prometheus-versions\"\nurl = \"{}\"\n\
         metric = 'build_info{{service!=\"mail\"}}'\nrange = \"1h\"\nservices = {{ \"we\" = \"shop\" }}\n",
        rig.prometheus_url()?
    );
    let home = Home::with(&[("config.toml", &source), ("catalog.toml", "")]);
    let said = home.run(&["changes", "--json"]);
    let told: Value = serde_json::from_str(&said.out).with_context(|| format!("{said:?}"))?;
    assert_eq!(told["complete"], true, "{said:?}");
    let text = |change: &Value, key: &str| change[key].as_str().unwrap_or("-").to_owned();
    let parts = ["service", "title", "before", "after", "state"];
    let rows: Vec<(i64, [String; 5])> = told["changes"]
        .as_array()
        .context("no changes")?
        .iter()
        .map(|change| {
            let at = quarterdeck::domain::Timestamp::parse_rfc3339(&text(change, "at"));
            (end - at.map_or(0, |at| at.millis() / 1_000), parts.map(|key| text(change, key)))
        })
        .collect();
    let row = |ago, words: [&str; 5]| (ago, words.map(str::to_owned));
    let beside = "web v8 on 1 of 2 instances, beside v7 on 1";
    let gone = "api v5 was on up to 1 of 3 instances, then v4";
    assert_eq!(
        rows,
        [
            row(900, ["shop", beside, "v7", "v8", "running"]),
            row(1_500, ["cart", "cart v2 on all 3 instances", "v1", "v2", "done"]),
            row(2_400, ["api", gone, "v4", "v5", "undone"]),
        ]
    );

    // A selector that Prometheus does not take is said, and nothing is made of it.
    let config = home.config("config.toml");
    std::fs::write(&config, source.replace("build_info{", "build_info{{"))?;
    let said = home.run(&["changes"]);
    assert!(said.out.contains("INCOMPLETE") && said.code == 1, "{said:?}");
    let said = home.run(&["doctor"]);
    assert!((said.out + &said.err).contains("parse error"), "its own words");
    Ok(())
}
