//! What stands behind services, through the real metrics of real servers in a real Prometheus: etcd
//! loses a member, a PostgreSQL replica is held back, HAProxy takes a backend out of use.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use pretty_assertions::assert_eq;
use quarterdeck::domain::{ServiceId, Span};
use quarterdeck::model::Model;

use crate::headless::Headless;
use crate::lab::{PATIENCE, built, eventually, find_program, free_ports};
use crate::rig::Rig;

const CATALOG: &str = r#"
version = 1

[[service]]
name = "store"
[[consensus]]
name = "etcd"
service = "store"
members = 'up{service="store"}'
leader = 'etcd_server_has_leader{service="store"}'
voters = 3

[[service]]
name = "gateway"
depends_on = ["cart"]
[[service]]
name = "cart"
[[edges]]
name = "haproxy"
kind = "haproxy"
"#;

fn members(model: &Model) -> Result<(u16, u16, Option<u16>, usize)> {
    let views = model.consensus();
    let [view] = &views[..] else { anyhow::bail!("{views:?}") };
    let quorum = view.quorum.with_context(|| format!("{view:?}"))?;
    Ok((quorum.healthy, quorum.voters, quorum.margin(), view.lost.len()))
}

fn tripped(model: &Model) -> Result<Option<bool>> {
    let views = model.edge_views();
    let edge = (ServiceId::new("gateway"), ServiceId::new("cart"));
    Ok(views.get(&edge).with_context(|| format!("{views:?}"))?.tripped)
}

#[test]
fn a_lost_member_is_the_last_that_may_be_lost_and_a_dead_backend_is_an_open_breaker() -> Result<()>
{
    let programs = ["prometheus", "etcd", "haproxy"];
    let Some(mut rig) = Rig::new_or_skip(&programs)? else { return Ok(()) };
    let ports = free_ports(9)?;
    let at: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    let names = ["e1", "e2", "e3"];
    let peers: Vec<String> =
        names.iter().zip(&at[3..]).map(|(name, peer)| format!("{name}=http://{peer}")).collect();
    for (place, name) in names.iter().enumerate() {
        let data = rig.dir().join(name).to_string_lossy().into_owned();
        let client = format!("http://{}", at[place]);
        let peer = format!("http://{}", at[place + 3]);
        let all = peers.join(",");
        let args = [
            "--name",
            name,
            "--data-dir",
            &data,
            "--listen-client-urls",
            &client,
            "--advertise-client-urls",
            &client,
            "--listen-peer-urls",
            &peer,
            "--initial-advertise-peer-urls",
            &peer,
            "--initial-cluster",
            &all,
            "--initial-cluster-state",
            "new",
            "--initial-cluster-token",
            "lab",
        ];
        rig.run(name, "etcd", &args)?;
    }
    let (entrance, admin, cart) = (&at[6], &at[7], &at[8]);
    let port = ports[8].to_string();
    rig.run_file("cart", built("examples/lab_service")?, &["serve", "--port", &port])?;
    let config = rig.dir().join("haproxy.cfg");
    std::fs::write(
        &config,
        format!(
            "global\n    maxconn 200\ndefaults\n    mode http\n    timeout connect 2s\n    timeout client 5s\n    \
             timeout server 5s\nfrontend shop\n    bind {entrance}\n    default_backend cart\nbackend cart\n    \
             option httpchk GET /healthz\n    default-server check inter 300ms fall 2 rise 1\n    server one {cart}\n\
             frontend admin\n    bind {admin}\n    \
             http-request use-service prometheus-exporter if {{ path /metrics }}\n"
        ),
    )?;
    rig.run("haproxy", "haproxy", &["-db", "-f", &config.to_string_lossy()])?;
    for (name, at) in names.iter().zip(&at) {
        rig.wait_for(name, &format!("http://{at}/health"))?;
    }
    let mut targets: Vec<(String, &str)> = vec![(admin.clone(), "service: gateway, job: gateway")];
    let labels = ["e1", "e2", "e3"].map(|name| format!("service: store, instance: {name}"));
    targets.extend(at.iter().cloned().zip(labels.iter().map(String::as_str)));
    rig.prometheus(&targets, None)?;
    let mut console = Headless::start(&rig.console(CATALOG)?)?;
    console.until("three members and a closed breaker", PATIENCE, |model| {
        let (members, tripped) = (members(model)?, tripped(model)?);
        ensure!(members == (3, 3, Some(1), 0) && tripped == Some(false), "{members:?} {tripped:?}");
        Ok(())
    })?;

    rig.server("e2")?.kill()?;
    rig.server("cart")?.kill()?;
    console.until("no further member may be lost, and the breaker is open", PATIENCE, |model| {
        let (members, tripped) = (members(model)?, tripped(model)?);
        ensure!(members == (2, 3, Some(0), 1) && tripped == Some(true), "{members:?} {tripped:?}");
        let views = model.consensus();
        let lost: Vec<&str> = views[0].lost.iter().map(|of| of.get("instance")).collect();
        ensure!(lost == ["e2"], "{lost:?}");
        Ok(())
    })?;
    rig.server("cart")?.restart()?;
    console.until("the breaker is closed again", PATIENCE, |model| {
        ensure!(tripped(model)? == Some(false), "{:?}", tripped(model));
        Ok(())
    })
}

const COPIES: &str = r#"
version = 1

[[service]]
name = "db"
stateless = false
recovery = [{ way = "fail-over", takes = "45s" }, { way = "restart", takes = "2m" }]
[[replication]]
name = "db"
service = "db"
lag = 'pg_behind_seconds{service="db"}'
rpo = "3s"
per = ["instance"]
"#;

/// What the exporter asks the replica besides its usual questions: seconds since the last transaction that
/// was replayed, while there is one that was received and not replayed.
const BEHIND: &str = r#"
pg_behind:
  query: "SELECT CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0 ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp()) END AS seconds"
  metrics:
    - seconds:
        usage: "GAUGE"
        description: "How far the replica is behind."
"#;

/// Where Debian keeps PostgreSQL's servers.
pub(crate) fn postgres() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let found = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    found.filter(|bin| bin.join("postgres").is_file()).max()
}

/// A command as the user PostgreSQL runs as: it refuses to be root.
pub(crate) fn as_postgres() -> Vec<String> {
    if rustix::process::geteuid().is_root() {
        ["--reuid=postgres", "--regid=postgres", "--init-groups"].map(str::to_owned).into()
    } else {
        Vec::new()
    }
}

pub(crate) fn done(program: &Path, args: &[&str]) -> Result<String> {
    let user = as_postgres();
    let mut command = if user.is_empty() {
        Command::new(program)
    } else {
        let mut command = Command::new(find_program("setpriv").context("setpriv is missing")?);
        command.args(user).arg(program);
        command
    };
    let output = command.args(args).current_dir("/").output()?;
    ensure!(
        output.status.success(),
        "{program:?} {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[test]
fn a_replica_held_back_would_lose_more_than_may_be_lost() -> Result<()> {
    let Some(mut rig) = Rig::new_or_skip(&["prometheus", "prometheus-postgres-exporter", "psql"])?
    else {
        return Ok(());
    };
    let bin = postgres().context("PostgreSQL's server is not installed; tests/run installs it")?;
    let ports = free_ports(3)?;
    let [primary, replica, exporter] = ports[..] else { unreachable!("three") };
    let home = tempfile::Builder::new().prefix("pg-").tempdir_in(rig.dir())?;
    // The other user must be able to pass through.
    for folder in [rig.dir(), home.path()] {
        std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    }
    if rustix::process::geteuid().is_root() {
        let given = Command::new("chown").arg("postgres:postgres").arg(home.path()).status()?;
        ensure!(given.success(), "the folder could not be given to postgres");
    }
    let path = |name: &str| home.path().join(name).to_string_lossy().into_owned();
    let (first, second) = (path("primary"), path("replica"));
    done(&bin.join("initdb"), &["-D", &first, "-A", "trust", "-U", "postgres", "--no-sync"])?;
    let start = |rig: &mut Rig, name: &str, data: &str, port: u16| -> Result<()> {
        let port = port.to_string();
        let options = [
            "-D",
            data,
            "-p",
            &port,
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "unix_socket_directories=",
            "-c",
            "fsync=off",
            "-c",
            "wal_level=replica",
        ];
        let server = bin.join("postgres");
        let user = as_postgres();
        if user.is_empty() {
            rig.run_file(name, server, &options)?;
        } else {
            let server = server.to_string_lossy().into_owned();
            let mut args: Vec<&str> = user.iter().map(String::as_str).collect();
            args.push(&server);
            args.extend(options);
            rig.run(name, "setpriv", &args)?;
        }
        eventually(&format!("{name} answers"), PATIENCE, || sql(port.parse()?, "SELECT 1"))?;
        Ok(())
    };
    start(&mut rig, "primary", &first, primary)?;
    let port = primary.to_string();
    done(
        &bin.join("pg_basebackup"),
        &[
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-U",
            "postgres",
            "-D",
            &second,
            "-R",
            "-X",
            "stream",
            "-c",
            "fast",
            "--no-sync",
        ],
    )?;
    start(&mut rig, "replica", &second, replica)?;
    sql(primary, "CREATE TABLE orders (id int)")?;

    let questions = rig.dir().join("questions.yml");
    std::fs::write(&questions, BEHIND)?;
    let of = format!(
        "DATA_SOURCE_NAME=postgresql://postgres@127.0.0.1:{replica}/postgres?sslmode=disable"
    );
    let listen = format!("--web.listen-address=127.0.0.1:{exporter}");
    let more = format!("--extend.query-path={}", questions.display());
    rig.run("exporter", "env", &[&of, "prometheus-postgres-exporter", &listen, &more])?;
    rig.wait_for("exporter", &format!("http://127.0.0.1:{exporter}/metrics"))?;
    let target = (format!("127.0.0.1:{exporter}"), "service: db, instance: 'db-2:5432'");
    rig.prometheus(&[target], None)?;
    let mut console = Headless::start(&rig.console(COPIES)?)?;
    let lag = |model: &Model| -> Result<(Option<Span>, Option<bool>)> {
        let views = model.replication();
        let [view] = &views[..] else { anyhow::bail!("{views:?}") };
        Ok((view.at_risk(), view.within_rpo()))
    };
    console.until("the replica is not behind", PATIENCE, |model| {
        ensure!(lag(model)? == (Some(Span::ZERO), Some(true)), "{:?}", lag(model)?);
        Ok(())
    })?;

    sql(replica, "SELECT pg_wal_replay_pause()")?;
    sql(primary, "INSERT INTO orders SELECT generate_series(1, 1000)")?;
    console.until("the replica is further behind than may be lost", PATIENCE, |model| {
        let (risk, within) = lag(model)?;
        ensure!(risk > Some(Span::from_secs(3)) && within == Some(false), "{risk:?} {within:?}");
        Ok(())
    })?;
    let service = &console.model.catalog.services[&ServiceId::new("db")];
    let options = console.model.recovery(service);
    let said: Vec<(String, bool)> = options
        .iter()
        .map(|(option, doubt)| (option.way.name().to_owned(), doubt.is_some()))
        .collect();
    assert_eq!(said, [("restart".to_owned(), false), ("fail-over".to_owned(), true)]);

    sql(replica, "SELECT pg_wal_replay_resume()")?;
    console.until("the replica has caught up", PATIENCE, |model| {
        ensure!(lag(model)?.1 == Some(true), "{:?}", lag(model)?);
        Ok(())
    })
}

/// One statement, as PostgreSQL's superuser.
fn sql(port: u16, statement: &str) -> Result<String> {
    let psql = find_program("psql").context("psql is missing")?;
    done(
        &psql,
        &["-h", "127.0.0.1", "-p", &port.to_string(), "-U", "postgres", "-At", "-c", statement],
    )
}
