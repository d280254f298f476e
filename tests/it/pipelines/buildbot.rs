//! A real Buildbot with a worker: rollbacks forced, watched, stopped, found again.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use pretty_assertions::assert_eq;
use quarterdeck::connectors::Clock;
use quarterdeck::connectors::outbound::config::Endpoint;
use quarterdeck::connectors::pipelines::{Buildbot, Pipeline, RunState};
use quarterdeck::connectors::registry::Basic;
use quarterdeck::connectors::secret::SecretRef;
use quarterdeck::domain::{PipelineId, SafeText};
use tempfile::TempDir;

use super::{KEY, begin, job, lines, refusal, told};
use crate::headless::now;
use crate::lab::{PATIENCE, Server, eventually, free_ports, get, installed, required};

/// What a build does: it says to which version it goes back, waits while a file is there, does what it is there
/// for, and fails for `v0`.
const MASTER: &str = r#"
from buildbot.plugins import *
c = BuildmasterConfig = {}
c['buildbotNetUsageData'] = None
c['workers'] = [worker.Worker('w1', 'pass')]
c['protocols'] = {'pb': {'port': 'tcp:@PB@:interface=127.0.0.1'}}
c['db'] = {'db_url': 'sqlite:///state.sqlite'}
c['www'] = dict(port='tcp:@WWW@:interface=127.0.0.1', plugins={}, auth=util.UserPasswordAuth({'ic': 'ic-pass'}),
    authz=util.Authz(allowRules=[util.AnyControlEndpointMatcher(role='admins')],
                     roleMatchers=[util.RolesFromUsername(roles=['admins'], usernames=['ic'])]))
f = util.BuildFactory()
f.addStep(steps.ShellCommand(name='rollback', logEnviron=False, command=['/bin/sh', '-c',
    util.Interpolate('echo "rolling back to $0"; while [ -e @HOLD@ ]; do sleep 0.1; done; @DO@ && [ "$0" != v0 ]'),
    util.Property('to_version')]))
c['builders'] = [util.BuilderConfig(name='rollback', workernames=['w1'], factory=f)]
c['schedulers'] = [schedulers.ForceScheduler(name='rollback-force', builderNames=['rollback'],
    codebases=[util.CodebaseParameter('', hide=True)],
    reason=util.StringParameter(name='reason', default=''),
    properties=[util.StringParameter(name='to_version', required=True)])]
"#;

/// Master and worker.
pub(crate) struct Farm {
    master: Server,
    worker: Server,
    pub(crate) base: String,
    dir: TempDir,
}

impl Farm {
    pub(crate) fn start_or_skip() -> Result<Option<Self>> {
        if !required() {
            println!("skipped: needs Buildbot; run tests/run");
            return Ok(None);
        }
        Self::start("true").map(Some)
    }

    /// Whose builds do this, in the words of a shell; `$0` is the version.
    pub(crate) fn start(does: &str) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("quarterdeck-buildbot-").tempdir()?;
        let bin = installed()?.join("buildbot/bin");
        let ports = free_ports(2)?;
        let (www, pb) = (ports[0].to_string(), ports[1].to_string());
        let (master, worker) = (dir.path().join("master"), dir.path().join("worker"));
        run(&bin.join("buildbot"), &["create-master", "-q", &text(&master)])?;
        let at = format!("127.0.0.1:{pb}");
        let made = ["create-worker", "-q", &text(&worker), &at, "w1", "pass"];
        run(&bin.join("buildbot-worker"), &made)?;
        let config = MASTER
            .replace("@PB@", &pb)
            .replace("@WWW@", &www)
            .replace("@HOLD@", &text(&dir.path().join("hold")))
            .replace("@DO@", does);
        std::fs::write(master.join("master.cfg"), config)?;
        let args = |folder: &Path| vec!["start".into(), "--nodaemon".into(), text(folder)];
        let master = Server::start("buildbot", bin.join("buildbot"), args(&master), dir.path())?;
        let base = format!("http://127.0.0.1:{www}");
        eventually("Buildbot answers", PATIENCE, || {
            get(&format!("{base}/api/v2/builders")).context(master.log_tail()).map(drop)
        })?;
        let program = bin.join("buildbot-worker");
        let worker = Server::start("buildbot-worker", program, args(&worker), dir.path())?;
        eventually("the worker is there", PATIENCE, || {
            let said = get(&format!("{base}/api/v2/workers"))?.body;
            ensure!(said.contains("\"masterid\""), "{said}{}", worker.log_tail());
            Ok(())
        })?;
        Ok(Self { master, worker, base, dir })
    }

    fn line(&self, password: &str) -> Buildbot {
        let password = SecretRef::Given(password.to_owned());
        let basic = Some(Basic { user: "ic".into(), password });
        let clock: Arc<dyn Clock> = Arc::new(now);
        Buildbot::new(
            PipelineId::new("line"),
            &Endpoint { basic, ..Endpoint::new(&self.base) },
            clock,
        )
    }

    /// Builds wait while `on`.
    pub(crate) fn hold(&self, on: bool) {
        let file = self.dir.path().join("hold");
        if on { std::fs::write(file, "").unwrap() } else { std::fs::remove_file(file).unwrap() }
    }

    pub(crate) fn builds(&self) -> Result<usize> {
        Ok(get(&format!("{}/api/v2/builds", self.base))?.body.matches("\"buildid\"").count())
    }
}

impl Drop for Farm {
    fn drop(&mut self) {
        // The worker first, or it complains.
        let _ = self.worker.kill();
        let _ = self.master.kill();
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn run(program: &Path, args: &[&str]) -> Result<()> {
    let output = Command::new(program).args(args).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {said}", program.display());
    Ok(())
}

/// Watches until it no longer goes on.
async fn to_the_end(
    line: &dyn Pipeline,
    order: &quarterdeck::domain::Order,
    begun: &quarterdeck::connectors::pipelines::Begun,
) -> quarterdeck::connectors::pipelines::Progress {
    let began = std::time::Instant::now();
    loop {
        let progress = line.watch(order, begun).await.unwrap();
        if !matches!(progress.state, RunState::Under(_)) {
            return progress;
        }
        assert!(began.elapsed() < PATIENCE, "{progress:?}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_real_buildbot_rolls_back_once_and_is_watched_stopped_and_found() -> Result<()> {
    let Some(farm) = Farm::start_or_skip()? else { return Ok(()) };
    let line = farm.line("ic-pass");
    let back = |to: &str| job("rollback-force", "", ("to_version", to));

    let begun = begin(&line, &back("v811")).await;
    assert!(begun.receipt.starts_with("buildset 1 (ref "), "{begun:?}");
    let ended = to_the_end(&line, &back("v811"), &begun).await;
    assert_eq!(told(&ended).0, "done");
    assert!(lines(&ended).contains("rolling back to v811"), "{ended:?}");
    // The same key finds it, also from a console that did not begin it.
    let found = farm.line("ic-pass").find(&back("v811"), KEY).await.unwrap().context("lost")?;
    assert!(found.receipt.starts_with("build 1 (ref "), "{found:?}");
    assert_eq!(farm.builds()?, 1);

    // What fails, says so.
    let other = "0".repeat(64);
    let begun = line.start(&back("v0"), &other).await.unwrap();
    let (word, why) = told(&to_the_end(&line, &back("v0"), &begun).await);
    assert_eq!((word, why.contains("failed")), ("failed", true), "{why}");

    // What hangs can be stopped.
    farm.hold(true);
    let third = "1".repeat(64);
    let begun = line.start(&back("v810"), &third).await.unwrap();
    eventually_lines(&line, &back("v810"), &begun, "rolling back to v810").await;
    line.stop(&back("v810"), &begun, "changed our mind").await.unwrap();
    assert_eq!(told(&to_the_end(&line, &back("v810"), &begun).await).0, "stopped");
    farm.hold(false);

    // Nothing is started that Buildbot would not take as it is meant.
    let no = refusal(&farm.line("wrong"), &back("v811")).await;
    assert!(no.contains("credentials") && no.contains("Nothing was started"), "{no}");
    let no = refusal(&line, &job("rollback-force", "", ("too_version", "v1"))).await;
    assert!(no.contains("has no field too_version"), "{no}");
    let no = refusal(&line, &job("roll", "", ("to_version", "v1"))).await;
    assert!(no.contains("no force scheduler roll"), "{no}");
    assert_eq!(farm.builds()?, 3);
    let shown = line.shown(&back("v811"));
    let wanted =
        "/api/v2/forceschedulers/rollback-force with to_version=\"v811\" and our key in the reason";
    assert_eq!(shown, SafeText::body(&format!("POST {}{wanted}", farm.base)));
    Ok(())
}

async fn eventually_lines(
    line: &dyn Pipeline,
    order: &quarterdeck::domain::Order,
    begun: &quarterdeck::connectors::pipelines::Begun,
    wanted: &str,
) {
    let began = std::time::Instant::now();
    loop {
        let progress = line.watch(order, begun).await.unwrap();
        if lines(&progress).contains(wanted) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{progress:?}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}
