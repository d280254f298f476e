//! Argo Rollouts, through kubectl and its plugin: a program with an argument list, no shell.
//!
//! A rollout has no run to watch, only a state. Our key goes into an annotation before anything is asked of
//! it, so that a call that was cut off is known to have been begun or not; what came of it is read from the
//! rollout.

use std::path::PathBuf;
use std::process::Stdio;

use async_trait::async_trait;
use serde_json::Value;
use tokio::process::Command;

use super::answer::{done, failed, newest, not_ours, refused, under, unknown};
use super::{Begun, NotBegun, Pipeline, Progress};
use crate::connectors::trackers::{list, word};
use crate::domain::{Ask, Order, PipelineId, PipelineKind, RolloutVerb, SafeText, Span, Stage};

/// The annotation that carries our key, and the revision there was when it was set.
const MARK: &str = "quarterdeck.dev/step";
/// Argo's own annotation: the revision that is wanted.
const REVISION: &str = "rollout.argoproj.io/revision";
/// Most of what kubectl says that is read.
const MOST: usize = 4 << 20;

/// A cluster, as kubectl reaches it.
pub struct Argo {
    id: PipelineId,
    program: PathBuf,
    /// kubectl's `--context`; empty is its own.
    context: SafeText,
    timeout: Span,
}

/// What is asked of which rollout.
#[derive(Debug, Clone, Copy)]
struct Wanted<'a> {
    namespace: &'a str,
    name: &'a str,
    verb: &'a RolloutVerb,
}

/// Why kubectl gave no answer that counts.
enum Cut {
    /// It was not started.
    Before(String),
    /// It ended with a failure, in its words.
    Said(String),
    /// It was cut off.
    After(String),
}

impl Cut {
    fn why(self) -> SafeText {
        match self {
            Self::Before(why) | Self::Said(why) | Self::After(why) => SafeText::body(&why),
        }
    }
}

impl<'a> Wanted<'a> {
    /// Names as Kubernetes has them: what begins with a dash would be an option.
    fn of(order: &'a Order) -> Result<Self, SafeText> {
        let Ask::Rollout { namespace, name, verb } = &order.ask else {
            return Err(not_ours(order, "rollouts"));
        };
        for one in [namespace, name] {
            let letters =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
            if one.is_empty()
                || one.len() > 253
                || one.starts_with('-')
                || !one.chars().all(letters)
            {
                return Err(SafeText::new(&format!(
                    "\"{one}\" cannot be a name in Kubernetes: small letters, digits, - and . only. Nothing was \
                     run."
                )));
            }
        }
        if let RolloutVerb::Undo { revision } = verb
            && !revision.chars().all(|c| c.is_ascii_digit())
        {
            return Err(SafeText::new(&format!(
                "\"{revision}\" is no revision of a rollout, which is a number. Nothing was run."
            )));
        }
        Ok(Self { namespace, name, verb })
    }

    /// The plugin's arguments.
    fn args(&self) -> Vec<String> {
        let words: Vec<String> = match self.verb {
            RolloutVerb::Promote => vec!["promote".into(), self.name.into()],
            RolloutVerb::Abort => vec!["abort".into(), self.name.into()],
            RolloutVerb::Retry => vec!["retry".into(), "rollout".into(), self.name.into()],
            RolloutVerb::Undo { revision } if revision.is_empty() => {
                vec!["undo".into(), self.name.into()]
            }
            RolloutVerb::Undo { revision } => {
                vec!["undo".into(), self.name.into(), format!("--to-revision={revision}")]
            }
        };
        let head = ["argo", "rollouts"].map(str::to_owned).into_iter();
        head.chain(words).chain(["--namespace".to_owned(), self.namespace.to_owned()]).collect()
    }

    fn word(&self) -> &'static str {
        match self.verb {
            RolloutVerb::Promote => "promote",
            RolloutVerb::Abort => "abort",
            RolloutVerb::Retry => "retry",
            RolloutVerb::Undo { .. } => "undo",
        }
    }

    /// How the rollout stands with what was asked. `before` is the revision there was.
    fn judge(&self, there: &Value, before: Option<&str>) -> Progress {
        let phase = word(&there["status"]["phase"]);
        let message = word(&there["status"]["message"]);
        let revision = word(&there["metadata"]["annotations"][REVISION]);
        let aborted = there["status"]["abort"] == true;
        let mut lines = vec![SafeText::new(&format!(
            "{}/{} is {phase} at revision {revision}{}{message}",
            self.namespace,
            self.name,
            if message.is_empty() { "" } else { ": " },
        ))];
        let conditions = list(&there["status"]["conditions"]).iter();
        lines.extend(conditions.filter(|one| one["status"] == "True").map(|one| {
            SafeText::new(&format!("{}: {}", word(&one["type"]), word(&one["message"])))
        }));
        // What the controller has not looked at yet says nothing about what was asked.
        if word(&there["status"]["observedGeneration"]) != word(&there["metadata"]["generation"]) {
            return under(Stage::Queued, lines);
        }
        let stable = there["status"]["currentPodHash"] == there["status"]["stableRS"];
        match (self.verb, phase.as_str()) {
            // An aborted rollout is degraded by design; the stable version serves.
            (RolloutVerb::Abort, "Degraded") if aborted => done(lines),
            (RolloutVerb::Abort, "Healthy") if stable => done(lines),
            (RolloutVerb::Abort, _) if aborted => under(Stage::Running, lines),
            (RolloutVerb::Abort, _) => {
                failed("The rollout is not aborted: somebody has set it going again.", lines)
            }
            (RolloutVerb::Undo { .. }, _) if before == Some(revision.as_str()) => {
                under(Stage::Queued, lines)
            }
            (_, "Healthy") => done(lines),
            (_, "Paused") => under(Stage::Held, lines),
            (_, "Degraded") => failed(
                format!("The rollout is degraded after the {}. {message}", self.word()),
                lines,
            ),
            (_, _) => under(Stage::Running, lines),
        }
    }
}

impl Argo {
    /// A cluster; `program` is kubectl's absolute path.
    pub fn new(id: PipelineId, program: PathBuf, context: &str, timeout: Span) -> Self {
        Self { id, program, context: SafeText::new(context), timeout }
    }

    fn full(&self, args: &[String]) -> Vec<String> {
        let context = Some(format!("--context={}", self.context));
        let context = context.filter(|_| !self.context.is_empty());
        args.iter().cloned().chain(context).collect()
    }

    /// Runs kubectl; what it prints.
    async fn kubectl(&self, args: &[String]) -> Result<String, Cut> {
        let program = self.program.display();
        let child = Command::new(&self.program)
            .args(self.full(args))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|why| Cut::Before(format!("{program} does not start ({}).", why.kind())))?;
        let ended = tokio::time::timeout(self.timeout.std(), child.wait_with_output()).await;
        let cut = |why: String| Cut::After(format!("{program} {why}."));
        let ended = ended
            .map_err(|_| cut(format!("did not end within {} and was stopped", self.timeout)))?
            .map_err(|why| cut(format!("was lost ({})", why.kind())))?;
        let text =
            |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(MOST)]).into_owned();
        match ended.status.code() {
            Some(0) => Ok(text(&ended.stdout)),
            Some(_) => {
                let said = newest(&text(&ended.stderr));
                let last = said.last().map_or("nothing", |line| line.as_str());
                Err(Cut::Said(format!("kubectl said: {}.", last.trim_end_matches('.'))))
            }
            None => Err(cut("was ended by a signal".to_owned())),
        }
    }

    async fn there(&self, wanted: &Wanted<'_>) -> Result<Value, SafeText> {
        let args = ["get", "rollouts.argoproj.io", wanted.name, "--namespace", wanted.namespace];
        let args: Vec<String> =
            args.iter().chain(&["--output", "json"]).map(|&word| word.to_owned()).collect();
        let said = self.kubectl(&args).await.map_err(Cut::why)?;
        serde_json::from_str(&said)
            .map_err(|_| SafeText::new("kubectl answers with something that is not JSON."))
    }

    fn begun(wanted: &Wanted<'_>, before: &str) -> Begun {
        let receipt = format!(
            "{} {}/{}, was at revision {before}",
            wanted.word(),
            wanted.namespace,
            wanted.name
        );
        Begun { receipt: SafeText::new(&receipt), url: SafeText::new("") }
    }

    async fn act(&self, order: &Order, key: &str) -> Result<Begun, NotBegun> {
        let nothing = |why: SafeText| refused(format!("{why} Nothing was changed."));
        let wanted = Wanted::of(order).map_err(NotBegun::Refused)?;
        let there = self.there(&wanted).await.map_err(nothing)?;
        let before = word(&there["metadata"]["annotations"][REVISION]);
        let mark = [
            "annotate",
            "rollouts.argoproj.io",
            wanted.name,
            &format!("{MARK}={key}.{before}"),
            "--overwrite",
            "--namespace",
            wanted.namespace,
        ];
        let mark: Vec<String> = mark.iter().map(|&word| word.to_owned()).collect();
        // Only a note: without it the rollout is as it was.
        self.kubectl(&mark).await.map_err(|cut| nothing(cut.why()))?;
        match self.kubectl(&wanted.args()).await {
            Ok(_) => Ok(Self::begun(&wanted, &before)),
            Err(Cut::Before(why)) => Err(refused(format!("{why} Nothing was changed."))),
            // The plugin says what the cluster refused, and also when it lost the cluster.
            Err(Cut::Said(why)) if lost(&why) => {
                Err(unknown(format!("{why} It may have been taken all the same.")))
            }
            Err(Cut::Said(why)) => Err(refused(format!("{why} Nothing was changed."))),
            Err(Cut::After(why)) => {
                Err(unknown(format!("{why} It may have been taken all the same.")))
            }
        }
    }

    async fn check(&self, order: &Order, begun: &Begun) -> Result<Progress, SafeText> {
        let wanted = Wanted::of(order)?;
        let there = self.there(&wanted).await?;
        let before = begun.receipt.rsplit_once("was at revision ").map(|(_, before)| before);
        Ok(wanted.judge(&there, before))
    }

    async fn look_back(&self, order: &Order, key: &str) -> Result<Option<Begun>, SafeText> {
        let wanted = Wanted::of(order)?;
        let there = self.there(&wanted).await?;
        let mark = word(&there["metadata"]["annotations"][MARK]);
        let Some(before) = mark.strip_prefix(key).and_then(|rest| rest.strip_prefix('.')) else {
            // The note comes first: without it nothing else was asked.
            return Ok(None);
        };
        let revision = word(&there["metadata"]["annotations"][REVISION]);
        let aborted = there["status"]["abort"] == true;
        let shows = match wanted.verb {
            RolloutVerb::Abort => aborted,
            RolloutVerb::Undo { .. } => revision != before,
            RolloutVerb::Promote | RolloutVerb::Retry => false,
        };
        if shows {
            return Ok(Some(Self::begun(&wanted, before)));
        }
        Err(SafeText::new(&format!(
            "The rollout {}/{} carries our key, but does not show whether the {} was taken; look at it with \
             kubectl argo rollouts get rollout {}.",
            wanted.namespace,
            wanted.name,
            wanted.word(),
            wanted.name
        )))
    }

    async fn preview(&self, order: &Order) -> Result<SafeText, SafeText> {
        let wanted = Wanted::of(order)?;
        let there = self.there(&wanted).await?;
        let (status, annotations) = (&there["status"], &there["metadata"]["annotations"]);
        let weight = status["canary"]["weights"]["canary"]["weight"].as_u64();
        let weight =
            weight.map_or_else(String::new, |w| format!(", the canary has {w} % of traffic"));
        Ok(SafeText::body(&format!(
            "{}/{} is {} at revision {}, step {}{weight}.",
            wanted.namespace,
            wanted.name,
            word(&status["phase"]),
            word(&annotations[REVISION]),
            word(&status["currentStepIndex"])
        )))
    }
}

/// Whether kubectl lost the cluster, rather than being refused by it.
fn lost(said: &str) -> bool {
    let signs =
        ["timeout", "timed out", "EOF", "connection reset", "connection lost", "context deadline"];
    signs.iter().any(|sign| said.contains(sign))
}

#[async_trait]
impl Pipeline for Argo {
    fn id(&self) -> &PipelineId {
        &self.id
    }

    fn kind(&self) -> PipelineKind {
        PipelineKind::Argo
    }

    fn shown(&self, order: &Order) -> SafeText {
        Wanted::of(order).map_or_else(
            |why| why,
            |wanted| {
                let args = self.full(&wanted.args()).join(" ");
                SafeText::new(&format!("{} {args}", self.program.display()))
            },
        )
    }

    async fn dry_run(&self, order: &Order) -> Option<Result<SafeText, SafeText>> {
        Some(self.preview(order).await)
    }

    async fn start(&self, order: &Order, key: &str) -> Result<Begun, NotBegun> {
        self.act(order, key).await
    }

    async fn watch(&self, order: &Order, begun: &Begun) -> Result<Progress, SafeText> {
        self.check(order, begun).await
    }

    async fn find(&self, order: &Order, key: &str) -> Result<Option<Begun>, SafeText> {
        self.look_back(order, key).await
    }

    async fn stop(&self, _order: &Order, _begun: &Begun, _reason: &str) -> Result<(), SafeText> {
        let why = "What was asked of a rollout cannot be taken back by itself: run the procedure that aborts it.";
        Err(SafeText::new(why))
    }
}
