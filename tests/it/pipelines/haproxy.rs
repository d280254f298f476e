//! A real HAProxy whose weights are changed, forgotten, frozen and lost.

use std::io::Read as _;
use std::net::TcpListener;

use anyhow::{Result, ensure};
use pretty_assertions::assert_eq;
use quarterdeck::connectors::pipelines::config::HaproxySocket;
use quarterdeck::connectors::pipelines::{Haproxy, Pipeline};
use quarterdeck::domain::{Ask, Order, PipelineId, SafeText, ServerState, Span};

use super::{begin, doubt, lines, order, refusal, told};
use crate::lab::{PATIENCE, eventually, free_ports};
use crate::rig::Rig;

const CONFIG: &str = "\
global
    stats socket @DIR@/admin.sock mode 600 level admin
    stats socket ipv4@127.0.0.1:@ADMIN@ level admin
    stats socket @DIR@/reader.sock mode 600 level operator
defaults
    mode http
    timeout connect 2s
    timeout client 2s
    timeout server 2s
backend checkout
    server stable 127.0.0.1:9 weight 100
    server canary 127.0.0.1:9 weight 0
    server spare 127.0.0.1:9 weight 10 disabled
";

struct Gateway {
    rig: Rig,
    admin: u16,
}

impl Gateway {
    fn start_or_skip() -> Result<Option<Self>> {
        let Some(mut rig) = Rig::new_or_skip(&["haproxy"])? else { return Ok(None) };
        let [admin] = free_ports(1)?[..] else { unreachable!("one port was asked for") };
        let file = rig.dir().join("haproxy.cfg");
        let config = CONFIG.replace("@DIR@", &rig.dir().to_string_lossy());
        std::fs::write(&file, config.replace("@ADMIN@", &admin.to_string()))?;
        rig.run("haproxy", "haproxy", &["-db", "-f", &file.to_string_lossy()])?;
        let gateway = Self { rig, admin };
        gateway.wait()?;
        Ok(Some(gateway))
    }

    fn wait(&self) -> Result<()> {
        eventually("HAProxy listens", PATIENCE, || {
            std::net::TcpStream::connect(("127.0.0.1", self.admin))?;
            Ok(())
        })
    }

    fn line(&self, socket: &str) -> Haproxy {
        let socket = match socket {
            "tcp" => HaproxySocket::Tcp(format!("127.0.0.1:{}", self.admin)),
            name => HaproxySocket::Path(self.rig.dir().join(name)),
        };
        Haproxy::new(PipelineId::new("line"), socket, Span::from_millis(1_500))
    }
}

fn weight(server: &str, weight: &str) -> Order {
    let text = SafeText::new;
    order(Ask::Weight { backend: text("checkout"), server: text(server), weight: text(weight) })
}

fn state(server: &str, state: ServerState) -> Order {
    let text = SafeText::new;
    order(Ask::Server { backend: text("checkout"), server: text(server), state })
}

#[tokio::test]
async fn a_weight_is_previewed_set_and_read_back_over_a_file_and_over_tcp() -> Result<()> {
    let Some(gateway) = Gateway::start_or_skip()? else { return Ok(()) };
    for (socket, to, share) in [("admin.sock", "25", "20"), ("tcp", "100", "50")] {
        let line = gateway.line(socket);
        let step = weight("canary", to);
        let shown = line.shown(&step);
        assert!(
            shown.starts_with(&format!("set server checkout/canary weight {to} to ")),
            "{shown}"
        );
        let preview = line.dry_run(&step).await.unwrap().unwrap();
        let then = preview.lines().next_back().unwrap();
        assert!(then.contains(&format!(", canary {share} %.")), "{preview}");
        let begun = begin(&line, &step).await;
        assert!(begun.receipt.starts_with(&format!("checkout/canary weight {to}, was weight ")));
        let seen = line.watch(&step, &begun).await.unwrap();
        assert_eq!(told(&seen).0, "done");
        assert!(
            lines(&seen).contains("A restart of HAProxy brings back its configured weight, 0."),
            "{}",
            lines(&seen)
        );
        // What was asked for is so, whoever did it: a lost answer needs no second command.
        assert_eq!(line.find(&step, super::KEY).await.map(|found| found.is_some()), Ok(true));
    }
    let line = gateway.line("tcp");
    assert_eq!(line.find(&weight("canary", "7"), super::KEY).await, Ok(None));
    let preview = line.dry_run(&state("stable", ServerState::Maintenance)).await.unwrap();
    assert!(preview.unwrap().ends_with("Then: Traffic of checkout: canary 100 %."));
    let begun = begin(&line, &weight("canary", "0")).await;
    let seen = line.watch(&weight("canary", "0"), &begun).await.unwrap();
    assert!(lines(&seen).contains("This is also its configured weight"), "{}", lines(&seen));
    let preview = line.dry_run(&weight("stable", "0")).await.unwrap().unwrap();
    assert!(preview.ends_with("Then: No server of checkout takes traffic."), "{preview}");
    Ok(())
}

#[tokio::test]
async fn a_server_is_drained_put_into_maintenance_and_made_ready() -> Result<()> {
    let Some(gateway) = Gateway::start_or_skip()? else { return Ok(()) };
    let line = gateway.line("tcp");
    for (server, to, word) in [
        ("stable", ServerState::Drain, "draining, was ready"),
        ("stable", ServerState::Maintenance, "in maintenance, was draining"),
        ("stable", ServerState::Ready, "ready, was in maintenance"),
        ("spare", ServerState::Ready, "ready, was in maintenance"),
    ] {
        let step = state(server, to);
        let begun = begin(&line, &step).await;
        assert!(begun.receipt.starts_with(&format!("checkout/{server} {word} (")), "{begun:?}");
        assert_eq!(told(&line.watch(&step, &begun).await.unwrap()).0, "done");
    }
    Ok(())
}

#[tokio::test]
async fn what_haproxy_forgot_at_a_restart_is_said_and_not_called_done() -> Result<()> {
    let Some(mut gateway) = Gateway::start_or_skip()? else { return Ok(()) };
    let line = gateway.line("tcp");
    let step = weight("canary", "50");
    let begun = begin(&line, &step).await;
    gateway.rig.server("haproxy")?.restart()?;
    gateway.wait()?;
    let (state, why) = told(&line.watch(&step, &begun).await.unwrap());
    assert_eq!(state, "failed");
    assert!(why.starts_with("HAProxy was started anew since and has forgotten it"), "{why}");

    // Without a restart it was a person.
    let begun = begin(&line, &step).await;
    begin(&line, &weight("canary", "3")).await;
    let (state, why) = told(&line.watch(&step, &begun).await.unwrap());
    assert_eq!(state, "failed");
    assert!(why.contains("is weight 3, not weight 50: somebody else has set it since"), "{why}");
    Ok(())
}

#[tokio::test]
async fn nobody_listening_changes_nothing_and_silence_is_unknown() -> Result<()> {
    let Some(mut gateway) = Gateway::start_or_skip()? else { return Ok(()) };
    let line = gateway.line("tcp");
    let step = weight("canary", "50");
    gateway.rig.server("haproxy")?.freeze()?;
    // Already the first look gets no answer: certainly nothing was set.
    let why = refusal(&line, &step).await;
    assert!(why.contains("does not answer within 1s500ms. Nothing was changed."), "{why}");
    assert!(line.find(&step, super::KEY).await.is_err(), "nobody can tell now");
    gateway.rig.server("haproxy")?.thaw()?;
    eventually("HAProxy answers again", PATIENCE, || {
        ensure!(std::net::TcpStream::connect(("127.0.0.1", gateway.admin)).is_ok(), "not yet");
        Ok(())
    })?;
    assert_eq!(line.find(&step, super::KEY).await, Ok(None));
    gateway.rig.server("haproxy")?.kill()?;
    let why = refusal(&line, &step).await;
    assert!(why.contains("cannot be reached (connection refused). Nothing was changed."), "{why}");
    let gone = gateway.line("none.sock");
    assert!(refusal(&gone, &step).await.contains("cannot be reached"));
    Ok(())
}

#[tokio::test]
async fn what_haproxy_does_not_know_or_allow_is_refused_in_one_sentence() -> Result<()> {
    let Some(gateway) = Gateway::start_or_skip()? else { return Ok(()) };
    let line = gateway.line("tcp");
    let text = SafeText::new;
    let elsewhere =
        order(Ask::Weight { backend: text("nowhere"), server: text("canary"), weight: text("1") });
    for (step, sentence) in [
        (
            weight("nobody", "1"),
            "The backend checkout has no server nobody; it has stable, canary, spare. Nothing was changed.",
        ),
        (
            elsewhere,
            "HAProxy does not show the backend nowhere. It said: Can't find backend. Nothing was changed.",
        ),
        (
            weight("canary", "50%"),
            "\"50%\" is no weight: HAProxy takes whole numbers from 0 to 256, and nothing was sent.",
        ),
        (
            weight("canary; shutdown sessions", "1"),
            "\"canary; shutdown sessions\" cannot be a name in HAProxy, which takes letters, digits and - _ . : \
             only; nothing was sent.",
        ),
    ] {
        assert_eq!(refusal(&line, &step).await, sentence);
    }
    let reader = gateway.line("reader.sock");
    assert_eq!(
        refusal(&reader, &weight("canary", "1")).await,
        "HAProxy does not allow it at this socket: it needs `level admin`. Nothing was changed."
    );
    let job = order(Ask::Job { job: text("x"), reference: text(""), params: Vec::new() });
    let why = refusal(&line, &job).await;
    assert!(why.starts_with("The pipeline line takes weights and states of servers"), "{why}");
    Ok(())
}

/// A stats socket that answers what it shows and hangs up, without a word, at what is set.
#[tokio::test]
async fn a_connection_lost_after_the_command_is_unknown() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut heard = [0; 200];
            let count = stream.read(&mut heard).unwrap_or(0);
            let answer: &[u8] = match &heard[..count] {
                b"show info\n" => b"Pid: 7\nStart_time_sec: 9\n\n",
                b"show servers state checkout\n" => {
                    b"1\n# srv_name srv_op_state srv_admin_state srv_uweight srv_iweight\ncanary 2 0 0 0\n\n"
                }
                _ => b"",
            };
            let _ = std::io::Write::write_all(&mut stream, answer);
        }
    });
    let socket = HaproxySocket::Tcp(format!("127.0.0.1:{port}"));
    let line = Haproxy::new(PipelineId::new("line"), socket, Span::from_secs(5));
    let why = doubt(&line, &weight("canary", "50")).await;
    assert_eq!(
        why,
        "HAProxy closed the connection without a word. It may have been set all the same."
    );
    Ok(())
}
