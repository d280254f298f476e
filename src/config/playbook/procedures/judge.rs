//! By what a canary is judged: `[[pipeline.metric]]` of a pipeline of the kind `canary-judge`.

use super::super::super::error::Mistakes;
use super::super::super::node::Table;
use crate::analysis::canary::{Direction, Effect, Gaps, Rule, Test, Thresholds};
use crate::connectors::pipelines::config::{JudgeConfig, JudgeMetric};
use crate::domain::SafeText;

pub(super) fn read(table: &Table<'_>, mistakes: &Mistakes) -> Option<JudgeConfig> {
    let before = mistakes.count();
    let metrics: Vec<JudgeMetric> =
        table.tables("metric").into_iter().filter_map(|one| metric(one, mistakes)).collect();
    if table.list("metric").is_empty() && mistakes.count() == before {
        mistakes.hinted(table.at, "this judge compares nothing", "add a [[pipeline.metric]]");
    }
    let usual = Thresholds::default();
    let thresholds = Thresholds {
        pass: share(table, "pass", 100.0, mistakes).unwrap_or(usual.pass),
        marginal: share(table, "marginal", 100.0, mistakes).unwrap_or(usual.marginal),
    };
    if thresholds.marginal > thresholds.pass {
        mistakes.add(table.at, "`marginal` must not be above `pass`");
    }
    (mistakes.count() == before).then_some(JudgeConfig { metrics, thresholds })
}

fn metric(table: Table<'_>, mistakes: &Mistakes) -> Option<JudgeMetric> {
    let name = table.need_text("name").map(SafeText::new);
    let (baseline, canary) = (table.need_text("baseline"), table.need_text("canary"));
    let usual = Rule::default();
    let directions = [
        ("increase", Direction::Increase),
        ("decrease", Direction::Decrease),
        ("either", Direction::Either),
    ];
    let gaps = [("remove", Gaps::Remove), ("zero", Gaps::Zero)];
    let rule = Rule {
        direction: table.word("worse", &directions).unwrap_or(usual.direction),
        gaps: table.word("gaps", &gaps).unwrap_or(usual.gaps),
        critical: table.flag("critical").unwrap_or(usual.critical),
        required: table.flag("required").unwrap_or(usual.required),
        tolerance: share(&table, "tolerance", 10.0, mistakes).unwrap_or(usual.tolerance),
        confidence: share(&table, "confidence", 0.999_9, mistakes).unwrap_or(usual.confidence),
        effect: Effect::MeanRatio,
        test: Test::MannWhitney,
        ..usual
    };
    table.finish();
    let (baseline, canary) = (baseline?.to_owned(), canary?.to_owned());
    Some(JudgeMetric { name: name?, baseline, canary, rule })
}

fn share(table: &Table<'_>, key: &'static str, most: f64, mistakes: &Mistakes) -> Option<f64> {
    let number = table.number(key)?;
    let sound = (0.0..=most).contains(&number);
    if !sound {
        mistakes.add(table.place(key), &format!("`{key}` must be from 0 to {most}"));
    }
    sound.then_some(number)
}
