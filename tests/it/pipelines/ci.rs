//! CI servers that cannot be installed here, against doubles held to their public descriptions: a step runs
//! once whatever happens to its request, and what became of it is never guessed.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use pretty_assertions::assert_eq;
use quarterdeck::connectors::Clock;
use quarterdeck::connectors::pipelines::{
    Begun, GithubActions, GitlabPipelines, Jenkins, NotBegun, Pipeline,
};
use quarterdeck::domain::{Order, PipelineId, Timestamp};

use super::{KEY, begin, doubt, job, lines, refusal, told};
use crate::channels::{with_password, with_token};
use crate::double::{Actions, Answer, Double, Fault, Hosted, JenkinsJob, Pipelines};

/// A clock that is put forward.
#[derive(Clone, Default)]
struct Time(Arc<AtomicI64>);

impl Time {
    fn clock(&self) -> Arc<dyn Clock> {
        let millis = self.0.clone();
        Arc::new(move || Timestamp::from_millis(millis.load(Ordering::Relaxed)))
    }

    fn passes(&self, minutes: i64) {
        self.0.fetch_add(minutes * 60_000, Ordering::Relaxed);
    }
}

fn id() -> PipelineId {
    PipelineId::new("line")
}

fn github(double: &Double, time: &Time) -> GithubActions {
    let endpoint = with_token(&double.url(""), "ghp-x");
    GithubActions::new(id(), "acme/checkout", &endpoint, time.clock())
}

fn gitlab(double: &Double, time: &Time) -> GitlabPipelines {
    let endpoint = with_token(&double.url("/api/v4"), "glpat-x");
    GitlabPipelines::new(id(), "acme/checkout", &endpoint, time.clock())
}

fn jenkins(double: &Double, time: &Time) -> Jenkins {
    let endpoint = with_password(&double.url(""), "ic", "token");
    Jenkins::new(id(), &endpoint, time.clock())
}

/// Everything that may happen to the request that starts a step.
async fn meets_every_fault(
    line: &dyn Pipeline,
    double: &Double,
    aim: &'static str,
    time: &Time,
    order: &Order,
    count: &dyn Fn(&str) -> usize,
) {
    let said = |status, body: &str| Answer::new(status, body);
    // Certainly nothing was done.
    let slow = said(429, r#"{"message":"slow down"}"#).with("retry-after", "30");
    for (answer, times, words) in [
        (slow, 1, "asks us to slow down (429)"),
        // The credential is read anew and tried once more: it may have been changed meanwhile.
        (said(401, r#"{"message":"expired"}"#), 2, "does not accept our credentials (401)"),
        (said(403, "{}"), 1, "does not accept our credentials (403)"),
        (said(404, "{}"), 1, "that our account may "),
    ] {
        for _ in 0..times {
            double.fail_at("POST", aim, Fault::Says(answer.clone()));
        }
        let why = refusal(line, order).await;
        assert!(why.contains(words) && why.ends_with("Nothing was started."), "{why}");
        assert_eq!(count(KEY), 0, "{words}");
    }
    // It was done, and the answer says otherwise or never comes.
    let faults = [
        Fault::DoneButSays(said(500, "{}")),
        Fault::DoneButCut,
        Fault::DoneButLate(Duration::from_secs(4)),
    ];
    for (fault, digit) in faults.into_iter().zip(['a', 'b', 'c']) {
        let key = KEY.replacen('5', &digit.to_string(), 1);
        double.fail_at("POST", aim, fault);
        let begun = line.start(order, &key).await;
        assert!(matches!(begun, Err(NotBegun::Unknown(_))), "{begun:?}");
        let found = line.find(order, &key).await.unwrap().expect("it is there");
        assert!(matches!(told(&line.watch(order, &found).await.unwrap()).0, "queued" | "running"));
        assert_eq!(count(&key), 1, "started once");
    }
    // It was not done, and nobody says so: only after a while without it is that certain.
    for (fault, digit) in [Fault::Says(said(500, "{}")), Fault::Silent].into_iter().zip(['d', 'e'])
    {
        let key = KEY.replacen('5', &digit.to_string(), 1);
        double.fail_at("POST", aim, fault);
        let begun = line.start(order, &key).await;
        assert!(matches!(begun, Err(NotBegun::Unknown(_))), "{begun:?}");
        let why = line.find(order, &key).await.unwrap_err();
        assert!(why.contains("It may still appear"), "{why}");
        time.passes(6);
        assert_eq!(line.find(order, &key).await, Ok(None));
        assert_eq!(count(&key), 0);
    }
    // The answer comes twice; that is nobody's second run.
    let key = KEY.replacen('5', "f", 1);
    double.fail_at("POST", aim, Fault::AnsweredTwice);
    assert!(line.start(order, &key).await.is_ok());
    assert_eq!(count(&key), 1);
    // Something on the way repeats the request: both are seen, and neither is called done for the other.
    double.fail_at("POST", aim, Fault::DoneTwice);
    assert!(line.start(order, KEY).await.is_ok());
    assert_eq!(count(KEY), 2);
}

#[tokio::test]
async fn a_workflow_is_dispatched_watched_and_read_as_it_goes() {
    let (double, time) = (Hosted::start(Actions::default()), Time::default());
    let line = github(&double, &time);
    let step = job("rollback.yml", "", ("to", "v41; rm -rf \"$HOME\"\n"));
    let shown = line.shown(&step);
    assert!(
        shown.contains("/repos/acme/checkout/actions/workflows/rollback.yml/dispatches")
            && shown.contains("{default branch}")
            && !shown.contains("ghp-x"),
        "{shown}"
    );
    assert_eq!(
        line.dry_run(&step).await.unwrap().unwrap().as_str(),
        "GitHub would run \"Roll back\" on main with to=\"v41; rm -rf \\\"$HOME\\\" \"."
    );
    let old = line.dry_run(&job("old.yml", "", ("to", "v41"))).await.unwrap();
    assert!(old.unwrap_err().contains("is disabled_manually and would not run"));

    let begun = begin(&line, &step).await;
    assert_eq!(begun.receipt.as_str(), "run 4711 (ref 5eed01234567)");
    assert_eq!(begun.url.as_str(), "https://github.invalid/acme/checkout/actions/runs/4711");
    let sent = double.there().runs[0].clone();
    assert_eq!(
        (sent.reference.as_str(), sent.inputs["quarterdeck_key"].as_str()),
        ("main", Some(KEY))
    );
    assert_eq!(sent.inputs["to"], "v41; rm -rf \"$HOME\" ", "as it is, but for the line break");
    let watch = async || line.watch(&step, &begun).await.unwrap();
    for (status, conclusion, word, why) in [
        ("queued", None, "queued", ""),
        ("waiting", None, "held", ""),
        ("in_progress", None, "running", ""),
        ("completed", Some("failure"), "failed", "GitHub ended run 4711 with \"failure\"."),
        ("completed", Some("cancelled"), "stopped", "Run 4711 was cancelled at GitHub."),
        ("completed", Some("success"), "done", ""),
    ] {
        double.there().goes(status, conclusion);
        assert_eq!(told(&watch().await), (word, why.to_owned()));
    }
    assert_eq!(
        lines(&watch().await),
        "rollback: in_progress\nrollback: Shift traffic: in_progress"
    );
    double.there().runs.clear();
    let (word, why) = told(&watch().await);
    assert_eq!(word, "gone");
    assert!(why.starts_with("GitHub has no run with our key (ref 5eed01234567) any more"), "{why}");
}

#[tokio::test]
async fn a_workflow_whose_server_says_nothing_is_found_by_its_title_and_cancelled() {
    let (double, time) = (Hosted::start(Actions::default()), Time::default());
    let line = github(&double, &time);
    let step = job("rollback.yml", "v41", ("to", "v41"));
    {
        let mut there = double.there();
        (there.terse, there.lags) = (true, true);
    }
    let begun = begin(&line, &step).await;
    assert_eq!(begun.receipt.as_str(), "accepted (ref 5eed01234567)");
    let seen = line.watch(&step, &begun).await.unwrap();
    assert_eq!(
        (told(&seen).0, lines(&seen)),
        ("queued", "GitHub took it; no run with our key is there yet.".to_owned())
    );
    assert!(line.stop(&step, &begun, "enough").await.is_err(), "there is nothing to stop yet");
    double.there().lags = false;
    double.there().goes("in_progress", None);
    assert_eq!(told(&line.watch(&step, &begun).await.unwrap()).0, "running");
    assert_eq!(line.stop(&step, &begun, "enough").await, Ok(()));
    assert_eq!(double.there().cancelled, [4_711]);
    assert_eq!(told(&line.watch(&step, &begun).await.unwrap()).0, "stopped");
    assert_eq!(
        line.stop(&step, &begun, "enough").await.unwrap_err().as_str(),
        "No run with our key is under way at GitHub."
    );
    // What a target or an input has become meanwhile is GitHub's to say.
    assert_eq!(
        refusal(&line, &job("rollback.yml", "gone", ("to", "v41"))).await,
        "It refused this with status 422. It said: No ref found for: gone. Nothing was started."
    );
    let why = refusal(&line, &job("rollback.yml", "main", ("from", "v41"))).await;
    assert!(why.contains("Unexpected inputs provided"), "{why}");
    let why = refusal(&line, &job("none.yml", "main", ("to", "v41"))).await;
    assert!(
        why.starts_with("GitHub has no workflow none.yml that our account may start."),
        "{why}"
    );
}

#[tokio::test]
async fn a_workflow_runs_once_whatever_happens_to_its_request() {
    let (double, time) = (Hosted::start(Actions::default()), Time::default());
    let line = github(&double, &time);
    let step = job("rollback.yml", "main", ("to", "v41"));
    let count = |key: &str| {
        double.there().runs.iter().filter(|run| run.inputs["quarterdeck_key"] == key).count()
    };
    meets_every_fault(&line, &double, "dispatches", &time, &step, &count).await;
    double.there().goes("completed", Some("success"));
    let begun = line.find(&step, KEY).await.unwrap().unwrap();
    let seen = line.watch(&step, &begun).await.unwrap();
    assert_eq!(told(&seen).0, "queued", "the twin has not run yet");
    assert!(lines(&seen).contains("2 runs carry this key"), "{}", lines(&seen));
}

#[tokio::test]
async fn a_pipeline_of_gitlab_is_chosen_by_variables_watched_and_cancelled() {
    let (double, time) = (Hosted::start(Pipelines::default()), Time::default());
    let line = gitlab(&double, &time);
    let step = job("rollback", "", ("TO", "v41\" x"));
    let begun = begin(&line, &step).await;
    assert_eq!(begun.receipt.as_str(), "pipeline 1000 (ref 5eed01234567)");
    assert_eq!(
        double.there().all[0].variables,
        serde_json::json!([
            { "key": "TO", "value": "v41\" x" },
            { "key": "QUARTERDECK_JOB", "value": "rollback" },
            { "key": "QUARTERDECK_KEY", "value": KEY },
        ])
    );
    let watch = async || line.watch(&step, &begun).await.unwrap();
    for (status, word, why) in [
        ("pending", "queued", ""),
        ("manual", "held", ""),
        ("running", "running", ""),
        ("failed", "failed", "GitLab ended run 1000 with \"failed\"."),
        ("skipped", "failed", "GitLab ended run 1000 with \"skipped\"."),
        ("success", "done", ""),
    ] {
        double.there().goes(status);
        assert_eq!(told(&watch().await), (word, why.to_owned()));
    }
    assert_eq!(lines(&watch().await), "deploy: rollback: success\nShifting traffic\n100 % on v41");
    double.there().goes("running");
    assert_eq!(line.stop(&step, &begun, "enough").await, Ok(()));
    assert_eq!(
        told(&watch().await),
        ("stopped", "Pipeline 1000 was cancelled at GitLab.".to_owned())
    );
    double.there().all.clear();
    assert_eq!(told(&watch().await).0, "gone");
    let why = refusal(&line, &job("rollback", "v0", ("TO", "v41"))).await;
    assert!(why.contains("Reference not found"), "{why}");
}

#[tokio::test]
async fn a_pipeline_of_gitlab_runs_once_whatever_happens_to_its_request() {
    let (double, time) = (Hosted::start(Pipelines::default()), Time::default());
    let line = gitlab(&double, &time);
    let step = job("rollback", "main", ("TO", "v41"));
    let count = |key: &str| {
        let all = &double.there().all;
        all.iter().filter(|one| one.variables[2]["value"] == key).count()
    };
    meets_every_fault(&line, &double, "/pipeline", &time, &step, &count).await;
    double.there().goes("success");
    let begun = line.find(&step, KEY).await.unwrap().unwrap();
    let seen = line.watch(&step, &begun).await.unwrap();
    assert_eq!(told(&seen).0, "queued", "the twin has not run yet");
    assert!(lines(&seen).contains("2 runs carry this key"), "{}", lines(&seen));
}

#[tokio::test]
async fn a_job_of_jenkins_goes_from_the_queue_to_its_build_and_is_stopped() {
    let (double, time) = (Hosted::start(JenkinsJob::default()), Time::default());
    let line = jenkins(&double, &time);
    let step = job("ops/rollback", "", ("TO", "v41 & co"));
    assert_eq!(
        line.dry_run(&step).await.unwrap().unwrap().as_str(),
        "Jenkins would build ops/rollback with TO=\"v41 & co\"."
    );
    let begun = begin(&line, &step).await;
    assert_eq!(begun.receipt.as_str(), "queue item 30 (ref 5eed01234567)");
    assert_eq!(double.there().all[0].parameters[0]["value"], "v41 & co");
    let watch = async || line.watch(&step, &begun).await.unwrap();
    let seen = watch().await;
    assert_eq!(
        (told(&seen).0, lines(&seen)),
        ("queued", "queue item 30 waits for an executor.".to_owned())
    );
    double.there().begins();
    let seen = watch().await;
    assert_eq!(
        (told(&seen).0, lines(&seen)),
        ("running", "Started by user ic\nShifting traffic".to_owned())
    );
    for (result, word, why) in [
        ("FAILURE", "failed", "Jenkins ended run 1 with \"FAILURE\"."),
        ("UNSTABLE", "failed", "Jenkins ended run 1 with \"UNSTABLE\"."),
        ("SUCCESS", "done", ""),
    ] {
        double.there().ends(result);
        assert_eq!(told(&watch().await), (word, why.to_owned()));
    }
    double.there().all.clear();
    assert_eq!(told(&watch().await).0, "gone");

    // Stopped in the queue, and at work; with a password, for which Jenkins wants a crumb.
    let endpoint = with_password(&double.url(""), "ic", "password");
    let person = Jenkins::new(id(), &endpoint, time.clock());
    let begun = begin(&person, &step).await;
    assert_eq!(person.stop(&step, &begun, "enough").await, Ok(()));
    assert_eq!(double.there().all.len(), 0);
    let begun: Begun = begin(&person, &step).await;
    double.there().begins();
    assert_eq!(person.stop(&step, &begun, "enough").await, Ok(()));
    assert_eq!(
        told(&person.watch(&step, &begun).await.unwrap()),
        ("stopped", "Build 1 was aborted at Jenkins.".to_owned())
    );

    let why = refusal(&line, &job("ops/rollback", "", ("FROM", "v41"))).await;
    assert_eq!(
        why,
        "The job ops/rollback declares no parameter FROM, and Jenkins would drop it without a word; declare it \
         there. Nothing was started."
    );
    double.there().disabled = true;
    assert!(refusal(&line, &step).await.contains("is disabled at Jenkins"));
}

#[tokio::test]
async fn a_job_of_jenkins_runs_once_whatever_happens_to_its_request() {
    let (double, time) = (Hosted::start(JenkinsJob::default()), Time::default());
    let line = jenkins(&double, &time);
    let step = job("ops/rollback", "", ("TO", "v41"));
    let count = |key: &str| {
        let all = &double.there().all;
        all.iter().filter(|one| one.parameters[1]["value"] == key).count()
    };
    meets_every_fault(&line, &double, "buildWithParameters", &time, &step, &count).await;
    let begun = line.find(&step, KEY).await.unwrap().unwrap();
    let seen = line.watch(&step, &begun).await.unwrap();
    assert!(lines(&seen).contains("2 runs carry this key"), "{}", lines(&seen));
}

#[tokio::test]
async fn nobody_at_home_starts_nothing_and_can_tell_nothing() {
    let (double, time) = (Hosted::start(Actions::default()), Time::default());
    let line = github(&double, &time);
    let step = job("rollback.yml", "main", ("to", "v41"));
    let begun = begin(&line, &step).await;
    double.fail_always(Fault::Silent);
    assert!(doubt(&line, &step).await.contains("It may have been taken all the same."));
    // A question that gets no answer changes nothing, and says nothing about the run.
    let why = line.watch(&step, &begun).await.unwrap_err();
    assert!(!why.contains("taken"), "{why}");
    assert!(line.find(&step, KEY).await.is_err());
    assert!(double.mend());
    double.fail_at("GET", "runs", Fault::Says(Answer::new(503, "{}")));
    assert_eq!(
        line.watch(&step, &begun).await.unwrap_err().as_str(),
        "The pipeline line answers with status 503."
    );
}
