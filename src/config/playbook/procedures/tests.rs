//! What may be done to production, read whole, and every kind of mistake.

use std::path::Path;

use pretty_assertions::assert_eq;

use super::*;
use crate::domain::{MatchOp, Matcher};

const WHOLE: &str = r#"
[[pipeline]]
name = "ci"
kind = "buildbot"
url = "http://127.0.0.1:8010"
auth = { basic = { user = "ic", password = { env = "CI_PASSWORD" } } }

[[pipeline]]
name = "edge"
kind = "haproxy"
socket = "127.0.0.1:9999"

[[pipeline]]
name = "here"
kind = "command"
allow = ["/usr/local/bin/drain"]
env = { LANG = "C", TOKEN = { env = "DRAIN_TOKEN" } }

[[procedure]]
name = "rollback-checkout"
title = "Roll checkout back"
kind = "rollback"
service = "checkout"
expected = "6m"
success = 0.9
takes_along = ["the flags of this version"]
irreversible = ["mails that were sent"]
backup = "canary-out"
owner = "shop"
tested = "2026-11-02"
[[procedure.param]]
name = "to"
default = "{before}"
[[procedure.step]]
title = "build"
pipeline = "ci"
job = "rollback-force"
params = { service = "{service}", to_version = "{to}" }
[procedure.verify]
slos = ["checkout-availability"]
alerts = 'service="checkout"'
window = "5m"

[[procedure]]
name = "canary-out"
kind = "canary"
service = "checkout"
second_person = false
cancel_window = "never"
[[procedure.step]]
pipeline = "edge"
backend = "app"
server = "canary"
weight = "0"
deadline = "30s"

[[freeze]]
title = "end of the year"
from = "2026-12-20"
to = "2027-01-02T06:00:00Z"
"#;

fn read(text: &str) -> (PlaybookFile, Vec<String>) {
    let (read, mistakes) = PlaybookFile::parse(text, "playbook.toml", Path::new("/"));
    (read, mistakes.iter().map(ToString::to_string).collect())
}

#[test]
fn what_is_declared_is_what_may_be_run() {
    let (read, mistakes) = read(WHOLE);
    assert_eq!(mistakes, Vec::<String>::new());
    let procedures = &read.playbook.procedures;
    let kinds = [
        (PipelineId::new("ci"), PipelineKind::Buildbot),
        (PipelineId::new("edge"), PipelineKind::Haproxy),
        (PipelineId::new("here"), PipelineKind::Command),
    ];
    assert_eq!(procedures.pipelines, kinds.into());
    let text = SafeText::new;
    let rollback = Procedure {
        id: ProcedureId::new("rollback-checkout"),
        title: text("Roll checkout back"),
        kind: ProcedureKind::Rollback,
        service: ServiceId::new("checkout"),
        params: vec![Param {
            name: text("to"),
            form: Form::Version,
            default: Some(text("{before}")),
        }],
        steps: vec![Step {
            title: text("build"),
            pipeline: PipelineId::new("ci"),
            ask: Ask::Job {
                job: text("rollback-force"),
                reference: text(""),
                params: vec![
                    (text("service"), text("{service}")),
                    (text("to_version"), text("{to}")),
                ],
            },
            deadline: Span::from_mins(15),
        }],
        second_person: true,
        cancel_window: Span::from_secs(10),
        expected: Some(Span::from_mins(6)),
        success: Some(0.9),
        takes_along: vec![text("the flags of this version")],
        irreversible: vec![text("mails that were sent")],
        undo: None,
        backup: Some(ProcedureId::new("canary-out")),
        rung: None,
        verify: Verify {
            slos: vec![SloId::new("checkout-availability")],
            alerts: vec![Matcher::new("service", MatchOp::Equal, "checkout").unwrap()],
            window: Span::from_mins(5),
        },
        owner: text("shop"),
        tested: Timestamp::parse_rfc3339("2026-11-02T00:00:00Z"),
    };
    assert_eq!(procedures.procedures[&rollback.id], rollback);
    let canary = &procedures.procedures[&ProcedureId::new("canary-out")];
    assert_eq!((canary.second_person, canary.cancel_window), (false, Span::ZERO));
    let freeze = Freeze {
        title: text("end of the year"),
        from: Timestamp::parse_rfc3339("2026-12-20T00:00:00Z").unwrap(),
        to: Timestamp::parse_rfc3339("2027-01-02T06:00:00Z").unwrap(),
    };
    assert_eq!(procedures.freezes, [freeze]);
    let allow = vec![PathBuf::from("/usr/local/bin/drain")];
    let Way::Command(commands) = &read.pipelines[2].way else { panic!("not a command") };
    assert_eq!((&commands.allow, commands.env.len()), (&allow, 2));
    assert_eq!(read.pipelines[2].credentials().len(), 1);
}

#[test]
fn every_mistake_is_placed_and_says_what_was_meant() {
    let of = |from: &str, to: &str| {
        assert!(WHOLE.contains(from), "{from}");
        read(&WHOLE.replacen(from, to, 1)).1
    };
    let one = |from: &str, to: &str, wanted: &str| {
        let said = of(from, to);
        assert!(
            said.len() == 1 && said[0].contains(wanted),
            "{from} -> {to}: {said:#?} lacks {wanted}"
        );
    };
    one("pipeline = \"edge\"", "pipeline = \"egde\"", "edge");
    one("backup = \"canary-out\"", "backup = \"canary-off\"", "canary-out");
    one("to_version = \"{to}\"", "to_version = \"{too}\"", "to");
    one("\"/usr/local/bin/drain\"", "\"drain\"", "absolute path");
    one("socket = \"127.0.0.1:9999\"", "socket = \"haproxy\"", "host:port");
    one("success = 0.9", "success = 90", "from 0 to 1");
    one("tested = \"2026-11-02\"", "tested = \"last week\"", "not a day");
    one("kind = \"rollback\"", "kind = \"rolback\"", "rollback");
    one("to = \"2027-01-02T06:00:00Z\"", "to = \"2026-12-01\"", "ends before it begins");
    one("weight = \"0\"", "", "either `weight` or `state`");
    // What used the other name is told as well.
    let twice = of("name = \"edge\"\nkind = \"haproxy\"", "name = \"ci\"\nkind = \"haproxy\"");
    assert!(twice[0].contains("two pipelines named `ci`"), "{twice:#?}");
    one("name = \"edge\"", "name = \"edge\"\nwight = 1", "wight");
}

#[test]
fn a_program_may_not_be_a_parameter() {
    let text = "[[pipeline]]\nname = \"here\"\nkind = \"command\"\nallow = [\"/bin/true\"]\n\
        [[procedure]]\nname = \"x\"\nkind = \"scale\"\nservice = \"a\"\n\
        [[procedure.step]]\npipeline = \"here\"\nargv = [\"{service}\"]\n";
    let said = read(text).1;
    assert!(said.len() == 1 && said[0].contains("not an absolute path"), "{said:#?}");
}

const JUDGE: &str = r#"
[[pipeline]]
name = "judge"
kind = "canary-judge"
url = "http://127.0.0.1:9090"
pass = 90
[[pipeline.metric]]
name = "errors"
baseline = 'errors{track="stable"}'
canary = 'errors{track="canary"}'
critical = true
tolerance = 0.1
[[pipeline.metric]]
name = "orders"
baseline = "a"
canary = "b"
worse = "decrease"
gaps = "zero"

[[procedure]]
name = "canary"
kind = "canary"
service = "checkout"
[[procedure.step]]
pipeline = "judge"
window = "5m"
"#;

#[test]
fn a_judge_compares_pairs_of_queries_over_a_window() {
    let (file, said) = read(JUDGE);
    assert_eq!(said, Vec::<String>::new());
    let Way::Judge { judge, .. } = &file.pipelines[0].way else { panic!("not a judge") };
    assert_eq!((judge.thresholds.pass, judge.thresholds.marginal), (90.0, 75.0));
    let [errors, orders] = &judge.metrics[..] else { panic!("two metrics") };
    assert_eq!(errors.canary, "errors{track=\"canary\"}");
    assert!(errors.rule.critical && errors.rule.tolerance == 0.1 && errors.rule.confidence == 0.95);
    assert_eq!(orders.rule.direction, crate::analysis::canary::Direction::Decrease);
    assert_eq!(orders.rule.gaps, crate::analysis::canary::Gaps::Zero);
    let step = &file.playbook.procedures.procedures[&ProcedureId::new("canary")].steps[0];
    let window = (SafeText::new("window"), SafeText::new("5m"));
    let empty = || SafeText::new("");
    assert_eq!(step.ask, Ask::Job { job: empty(), reference: empty(), params: vec![window] });
    for (from, to, wanted) in [
        ("pass = 90", "pass = 50", "must not be above"),
        ("pass = 90", "pass = 900", "from 0 to 100"),
        ("tolerance = 0.1", "tolerance = -1.0", "from 0 to 10"),
        ("worse = \"decrease\"", "worse = \"down\"", "decrease"),
        ("canary = \"b\"\n", "", "canary"),
        ("window = \"5m\"\n", "", "window"),
    ] {
        let said = read(&JUDGE.replacen(from, to, 1)).1;
        assert!(said.iter().any(|one| one.contains(wanted)), "{from} -> {to}: {said:#?}");
    }
}
