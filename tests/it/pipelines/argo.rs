//! Argo Rollouts by a program that plays kubectl and takes no argument list it does not know.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use pretty_assertions::assert_eq;
use quarterdeck::connectors::pipelines::{Argo, Pipeline};
use quarterdeck::domain::{Ask, Order, PipelineId, RolloutVerb, SafeText, Span};
use tempfile::TempDir;

use super::{KEY, begin, doubt, lines, order, refusal, told};

struct Cluster {
    dir: TempDir,
    line: Argo,
}

impl Cluster {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("kubectl");
        // Copied as a whole: written here, another test's child could still hold it open for writing.
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/kubectl");
        std::os::unix::fs::symlink(&script, &program).unwrap();
        assert_ne!(std::fs::metadata(script).unwrap().permissions().mode() & 0o111, 0);
        let line = Argo::new(PipelineId::new("line"), program, "prod", Span::from_secs(5));
        Self { dir, line }
    }

    fn is(&self, what: &str, value: &str) {
        std::fs::write(self.dir.path().join(what), value).unwrap();
    }

    fn asked(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("asked")).unwrap_or_default()
    }
}

fn rollout(name: &str, verb: RolloutVerb) -> Order {
    let text = SafeText::new;
    order(Ask::Rollout { namespace: text("shop"), name: text(name), verb })
}

fn undo(revision: &str) -> RolloutVerb {
    RolloutVerb::Undo { revision: SafeText::new(revision) }
}

#[tokio::test]
async fn a_rollout_is_aborted_and_done_when_the_stable_version_serves() {
    let cluster = Cluster::new();
    let (line, step) = (&cluster.line, rollout("checkout", RolloutVerb::Abort));
    assert!(
        line.shown(&step)
            .ends_with("/kubectl argo rollouts abort checkout --namespace shop --context=prod")
    );
    assert_eq!(
        line.dry_run(&step).await.unwrap().unwrap().as_str(),
        "shop/checkout is Paused at revision 5, step 1, the canary has 20 % of traffic."
    );
    let begun = begin(line, &step).await;
    assert_eq!(begun.receipt.as_str(), "abort shop/checkout, was at revision 5");
    assert!(cluster.asked().contains(&format!("quarterdeck.dev/step={KEY}.5")));
    let seen = line.watch(&step, &begun).await.unwrap();
    assert_eq!(told(&seen).0, "done");
    assert_eq!(
        lines(&seen),
        "shop/checkout is Degraded at revision 5: RolloutAborted: Rollout aborted update to revision 5\n\
         Available: Rollout has minimum availability"
    );
    // Somebody else sets it going again.
    cluster.is("abort", "false");
    cluster.is("phase", "Progressing");
    let (state, why) = told(&line.watch(&step, &begun).await.unwrap());
    assert_eq!(
        (state, why.as_str()),
        ("failed", "The rollout is not aborted: somebody has set it going again.")
    );
}

#[tokio::test]
async fn going_back_to_a_revision_and_on_to_the_next_step_is_watched_to_its_end() {
    let cluster = Cluster::new();
    let (line, back) = (&cluster.line, rollout("checkout", undo("4")));
    let begun = begin(line, &back).await;
    let state = async |step: &Order| told(&line.watch(step, &begun).await.unwrap());
    assert_eq!(state(&back).await.0, "running");
    cluster.is("observed", "2");
    assert_eq!(state(&back).await.0, "queued", "its controller has not looked yet");
    cluster.is("observed", "3");
    cluster.is("phase", "Healthy");
    assert_eq!(state(&back).await.0, "done");
    cluster.is("revision", "5");
    assert_eq!(state(&back).await.0, "queued", "the old revision being well is not the new one");

    let on = rollout("checkout", RolloutVerb::Promote);
    begin(line, &on).await;
    assert_eq!(state(&on).await.0, "running");
    cluster.is("phase", "Paused");
    assert_eq!(state(&on).await.0, "held");
    cluster.is("phase", "Degraded");
    cluster.is("message", "ProgressDeadlineExceeded");
    assert_eq!(
        state(&on).await,
        (
            "failed",
            "The rollout is degraded after the promote. ProgressDeadlineExceeded".to_owned()
        )
    );
}

#[tokio::test]
async fn a_call_that_was_cut_off_is_looked_up_and_never_guessed() {
    let cluster = Cluster::new();
    let (line, abort) = (&cluster.line, rollout("checkout", RolloutVerb::Abort));
    let promote = rollout("checkout", RolloutVerb::Promote);
    assert_eq!(line.find(&abort, KEY).await, Ok(None));
    cluster.is("fault", "slow-note");
    assert!(refusal(line, &abort).await.ends_with("was stopped. Nothing was changed."));
    assert_eq!(line.find(&abort, KEY).await, Ok(None), "the note comes first");

    cluster.is("fault", "refused");
    assert_eq!(
        refusal(line, &promote).await,
        "kubectl said: Error: rollouts.argoproj.io \"checkout\" is forbidden: User \"ic\" cannot patch resource \
         \"rollouts\". Nothing was changed."
    );
    for fault in ["slow", "lost"] {
        cluster.is("fault", fault);
        assert!(doubt(line, &promote).await.ends_with("It may have been taken all the same."));
        let why = line.find(&promote, KEY).await.unwrap_err();
        assert!(why.contains("does not show whether the promote was taken"), "{why}");
    }
    cluster.is("fault", "slow");
    assert!(doubt(line, &abort).await.contains("did not end within 5s and was stopped"));
    let found = line.find(&abort, KEY).await.unwrap().expect("it is aborted, and with our key");
    assert_eq!(told(&line.watch(&abort, &found).await.unwrap()).0, "done");
    let aborts = cluster.asked().matches("argo rollouts abort").count();
    assert_eq!(aborts, 1, "looking up asks for nothing");
}

#[tokio::test]
async fn nothing_that_is_not_a_name_becomes_an_argument() {
    let cluster = Cluster::new();
    let line = &cluster.line;
    for step in [
        rollout("--kubeconfig=/tmp/x", RolloutVerb::Abort),
        rollout("checkout; rm -rf /", RolloutVerb::Abort),
        rollout("check out\n", RolloutVerb::Promote),
        rollout("", RolloutVerb::Retry),
        rollout("checkout", undo("4 --to-revision=1")),
    ] {
        assert!(refusal(line, &step).await.ends_with("Nothing was run."));
    }
    assert_eq!(cluster.asked(), "");
    let why = refusal(line, &rollout("gone", RolloutVerb::Abort)).await;
    assert!(why.contains("rollouts.argoproj.io \"gone\" not found. Nothing was changed."), "{why}");
    let none = Argo::new(PipelineId::new("line"), "/none/kubectl".into(), "", Span::from_secs(5));
    let why = refusal(&none, &rollout("checkout", RolloutVerb::Abort)).await;
    assert_eq!(why, "/none/kubectl does not start (entity not found). Nothing was changed.");
}
