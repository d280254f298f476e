//! HAProxy's runtime API: weights and states of servers, over its stats socket.
//!
//! There is no status code, no version and no compare-and-set: an empty line means done, everything else is
//! a refusal, and no answer at all may mean either. So every change is read back. What is set here lasts
//! until HAProxy is started anew; [`Haproxy::watch`] notices when that has happened.

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use super::answer::{done, failed, not_ours, refused, unknown};
use super::config::HaproxySocket;
use super::{Begun, NotBegun, Pipeline, Progress};
use crate::domain::{Ask, Order, PipelineId, PipelineKind, SafeText, ServerState, Span};

/// Most bytes of an answer: a backend of some thousand servers.
const MOST: u64 = 1 << 20;
/// The heaviest a server can be.
const HEAVIEST: u16 = 256;
/// Administrative states, as bits: forced maintenance, any drain.
const MAINTENANCE: u32 = 0x01;
const FORCED_DRAIN: u32 = 0x08;
const ANY_DRAIN: u32 = 0x18;
/// The operational state "up".
const UP: u32 = 2;

/// A load balancer.
pub struct Haproxy {
    id: PipelineId,
    socket: HaproxySocket,
    /// Deadline of one command.
    timeout: Span,
}

/// What is asked of a server, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Change<'a> {
    backend: &'a str,
    server: &'a str,
    to: To,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    Weight(u16),
    State(ServerState),
}

/// A server as HAProxy has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Server {
    name: String,
    operation: u32,
    admin: u32,
    weight: u16,
    /// After the next start.
    initial: u16,
}

/// Why a command has no answer.
enum Lost {
    /// Nobody was reached: nothing was sent.
    Before(String),
    /// It may have been heard.
    After(String),
}

impl Lost {
    fn why(self) -> String {
        match self {
            Self::Before(why) | Self::After(why) => why,
        }
    }
}

impl To {
    fn reached(self, server: &Server) -> bool {
        match self {
            Self::Weight(weight) => server.weight == weight,
            Self::State(ServerState::Ready) => server.admin & (MAINTENANCE | FORCED_DRAIN) == 0,
            Self::State(ServerState::Drain) => {
                server.admin & (MAINTENANCE | FORCED_DRAIN) == FORCED_DRAIN
            }
            Self::State(ServerState::Maintenance) => server.admin & MAINTENANCE != 0,
        }
    }

    fn of(self, server: &Server) -> String {
        match self {
            Self::Weight(_) => format!("weight {}", server.weight),
            Self::State(_) if server.admin & MAINTENANCE != 0 => "in maintenance".to_owned(),
            Self::State(_) if server.admin & FORCED_DRAIN != 0 => "draining".to_owned(),
            Self::State(_) => "ready".to_owned(),
        }
    }
}

impl std::fmt::Display for To {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Weight(weight) => write!(f, "weight {weight}"),
            Self::State(ServerState::Ready) => f.write_str("ready"),
            Self::State(ServerState::Drain) => f.write_str("draining"),
            Self::State(ServerState::Maintenance) => f.write_str("in maintenance"),
        }
    }
}

impl<'a> Change<'a> {
    /// Names go into a line of commands: whatever could end one or begin another is refused.
    fn of(order: &'a Order) -> Result<Self, SafeText> {
        let (backend, server, to) = match &order.ask {
            Ask::Weight { backend, server, weight } => {
                let plain = weight.bytes().all(|byte| byte.is_ascii_digit());
                let number = weight.parse().ok().filter(|w| plain && *w <= HEAVIEST);
                // Per cent of the initial weight, which of a canary is often zero, is no weight at all.
                let to = number.map(To::Weight).ok_or_else(|| {
                    SafeText::new(&format!(
                        "\"{weight}\" is no weight: HAProxy takes whole numbers from 0 to {HEAVIEST}, and \
                         nothing was sent."
                    ))
                });
                (backend, server, to?)
            }
            Ask::Server { backend, server, state } => (backend, server, To::State(*state)),
            _ => return Err(not_ours(order, "weights and states of servers")),
        };
        for name in [backend, server] {
            let usable = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
            if name.is_empty() || !name.chars().all(usable) {
                return Err(SafeText::new(&format!(
                    "\"{name}\" cannot be a name in HAProxy, which takes letters, digits and - _ . : only; \
                     nothing was sent."
                )));
            }
        }
        Ok(Self { backend, server, to })
    }

    fn command(&self) -> String {
        let Self { backend, server, to } = self;
        match to {
            To::Weight(weight) => format!("set server {backend}/{server} weight {weight}"),
            To::State(ServerState::Ready) => format!("set server {backend}/{server} state ready"),
            To::State(ServerState::Drain) => format!("set server {backend}/{server} state drain"),
            To::State(ServerState::Maintenance) => {
                format!("set server {backend}/{server} state maint")
            }
        }
    }

    fn server<'s>(&self, all: &'s [Server]) -> Result<&'s Server, SafeText> {
        all.iter().find(|one| one.name == self.server).ok_or_else(|| {
            let there: Vec<&str> = all.iter().map(|one| one.name.as_str()).take(8).collect();
            SafeText::new(&format!(
                "The backend {} has no server {}; it has {}. Nothing was changed.",
                self.backend,
                self.server,
                there.join(", ")
            ))
        })
    }

    fn begun(&self, before: &str, process: &str) -> Begun {
        let Self { backend, server, to } = self;
        let receipt = format!("{backend}/{server} {to}, was {before} ({process})");
        Begun { receipt: SafeText::new(&receipt), url: SafeText::new("") }
    }

    /// What should be known once it is so.
    fn remarks(&self, servers: &[Server], server: &Server) -> Vec<SafeText> {
        let name = format!("{}/{}", self.backend, self.server);
        let mut lines = vec![format!("{name} is {}, read back.", self.to)];
        if server.operation != UP && server.weight > 0 && server.admin & MAINTENANCE == 0 {
            lines.push(format!("{name} is down by its own checks and takes no traffic yet."));
        }
        if server.admin & ANY_DRAIN != 0 && matches!(self.to, To::Weight(1..)) {
            lines.push(format!("{name} is draining: its weight counts once it is ready."));
        }
        lines.push(shares(self.backend, servers));
        lines.push(match self.to {
            To::Weight(weight) if weight == server.initial => {
                "This is also its configured weight, which a restart brings back.".to_owned()
            }
            To::Weight(_) => format!(
                "A restart of HAProxy brings back its configured weight, {}.",
                server.initial
            ),
            To::State(_) => "A restart of HAProxy brings back its configured state.".to_owned(),
        });
        lines.iter().map(|line| SafeText::new(line)).collect()
    }
}

/// Who gets which part of a backend's traffic.
fn shares(backend: &str, servers: &[Server]) -> String {
    let takes = |one: &&Server| one.operation == UP && one.admin & ANY_DRAIN == 0 && one.weight > 0;
    let all: u32 = servers.iter().filter(takes).map(|one| u32::from(one.weight)).sum();
    if all == 0 {
        return format!("No server of {backend} takes traffic.");
    }
    let part = |one: &Server| {
        format!("{} {:.0} %", one.name, f64::from(one.weight) * 100.0 / f64::from(all))
    };
    let parts: Vec<String> = servers.iter().filter(takes).take(8).map(part).collect();
    format!("Traffic of {backend}: {}.", parts.join(", "))
}

/// The table of `show servers state`.
fn servers(answer: &str) -> Option<Vec<Server>> {
    let mut lines = answer.lines();
    let head = lines.find_map(|line| line.strip_prefix("# "))?;
    let names: Vec<&str> = head.split(' ').collect();
    let column = |name: &str| names.iter().position(|one| *one == name);
    let (name, operation) = (column("srv_name")?, column("srv_op_state")?);
    let (admin, weight) = (column("srv_admin_state")?, column("srv_uweight")?);
    let initial = column("srv_iweight")?;
    let rows = lines.take_while(|line| !line.trim().is_empty()).map(|line| {
        let cells: Vec<&str> = line.split(' ').collect();
        Some(Server {
            name: (*cells.get(name)?).to_owned(),
            operation: cells.get(operation)?.parse().ok()?,
            admin: cells.get(admin)?.parse().ok()?,
            weight: cells.get(weight)?.parse().ok()?,
            initial: cells.get(initial)?.parse().ok()?,
        })
    });
    rows.collect()
}

/// Which start of HAProxy this is, from `show info`.
fn process(answer: &str) -> Option<String> {
    let value = |name: &str| {
        answer.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(": ")?.trim()))
    };
    // The number alone is the same in every container.
    Some(format!("process {} of {}", value("Pid")?, value("Start_time_sec").unwrap_or("unknown")))
}

impl Haproxy {
    /// A load balancer behind a stats socket of level `admin`.
    pub const fn new(id: PipelineId, socket: HaproxySocket, timeout: Span) -> Self {
        Self { id, socket, timeout }
    }

    /// Where it is, for people.
    fn at(&self) -> String {
        match &self.socket {
            HaproxySocket::Path(path) => path.display().to_string(),
            HaproxySocket::Tcp(address) => address.clone(),
        }
    }

    /// One command, its answer to the end.
    async fn say(&self, command: &str) -> Result<String, Lost> {
        let at = self.at();
        let wait = self.timeout.std();
        let late = format!("HAProxy at {at} does not answer within {}.", self.timeout);
        let unreachable = |why: std::io::Error| {
            Lost::Before(format!("HAProxy at {at} cannot be reached ({}).", why.kind()))
        };
        match &self.socket {
            HaproxySocket::Path(path) => {
                let stream = tokio::time::timeout(wait, UnixStream::connect(path)).await;
                let stream = stream.map_err(|_| Lost::Before(late.clone()))?;
                let said = spoken(stream.map_err(unreachable)?, command);
                tokio::time::timeout(wait, said).await
            }
            HaproxySocket::Tcp(address) => {
                let stream = TcpStream::connect(address.as_str());
                let stream = tokio::time::timeout(wait, stream).await;
                let stream = stream.map_err(|_| Lost::Before(late.clone()))?;
                let said = spoken(stream.map_err(unreachable)?, command);
                tokio::time::timeout(wait, said).await
            }
        }
        .map_err(|_| Lost::After(late))?
        .map_err(|why| {
            Lost::After(format!("The connection to HAProxy at {at} was lost ({}).", why.kind()))
        })
    }

    /// The servers of a backend.
    async fn look(&self, change: &Change<'_>) -> Result<Vec<Server>, SafeText> {
        let answer = self.say(&format!("show servers state {}", change.backend)).await;
        let answer = answer.map_err(|lost| SafeText::new(&lost.why()))?;
        servers(&answer).ok_or_else(|| {
            SafeText::new(&format!(
                "HAProxy does not show the backend {}. It said: {}",
                change.backend,
                said(&answer)
            ))
        })
    }

    /// Which start of HAProxy this is.
    async fn process(&self) -> Result<String, SafeText> {
        let answer = self.say("show info").await.map_err(|lost| SafeText::new(&lost.why()))?;
        process(&answer).ok_or_else(|| {
            SafeText::new(&format!("HAProxy does not say which process it is: {}", said(&answer)))
        })
    }

    async fn set(&self, order: &Order) -> Result<Begun, NotBegun> {
        let change = Change::of(order).map_err(NotBegun::Refused)?;
        let all = self.look(&change).await.map_err(nothing_changed)?;
        let server = change.server(&all).map_err(NotBegun::Refused)?;
        let process = self.process().await.map_err(nothing_changed)?;
        let answer = self.say(&change.command()).await.map_err(|lost| match lost {
            Lost::Before(why) => refused(format!("{why} Nothing was changed.")),
            Lost::After(why) => unknown(format!("{why} It may have been set all the same.")),
        })?;
        match answer.trim() {
            // Not even a line: it did not get to the end of it.
            "" if answer.is_empty() => Err(unknown(
                "HAProxy closed the connection without a word. It may have been set all the same.",
            )),
            "" => Ok(change.begun(&change.to.of(server), &process)),
            "Permission denied" => Err(refused(
                "HAProxy does not allow it at this socket: it needs `level admin`. Nothing was changed.",
            )),
            _ => {
                Err(refused(format!("HAProxy refused it: {} Nothing was changed.", said(&answer))))
            }
        }
    }

    async fn check(&self, order: &Order, begun: &Begun) -> Result<Progress, SafeText> {
        let change = Change::of(order)?;
        let process = self.process().await?;
        let all = self.look(&change).await?;
        let server = change.server(&all)?;
        let name = format!("{}/{}", change.backend, change.server);
        if change.to.reached(server) {
            return Ok(done(change.remarks(&all, server)));
        }
        let now = change.to.of(server);
        let why = if begun.receipt.ends_with(&format!("({process})")) {
            format!(
                "HAProxy took it, but {name} is {now}, not {}: somebody else has set it since.",
                change.to
            )
        } else {
            format!(
                "HAProxy was started anew since and has forgotten it: {name} is {now} again, not {}. Run \
                 the step again if it is still wanted.",
                change.to
            )
        };
        Ok(failed(why, vec![SafeText::new(&shares(change.backend, &all))]))
    }

    /// It keeps nothing of ours, but a weight is absolute: where it is in force, nothing is left to do, and
    /// where it is not, it can be set once more.
    async fn look_back(&self, order: &Order) -> Result<Option<Begun>, SafeText> {
        let change = Change::of(order)?;
        let process = self.process().await?;
        let all = self.look(&change).await?;
        let server = change.server(&all)?;
        Ok(change.to.reached(server).then(|| change.begun("not known", &process)))
    }

    async fn preview(&self, order: &Order) -> Result<SafeText, SafeText> {
        let change = Change::of(order)?;
        let mut all = self.look(&change).await?;
        let now = change.to.of(change.server(&all)?);
        let before = shares(change.backend, &all);
        for server in all.iter_mut().filter(|one| one.name == change.server) {
            match change.to {
                To::Weight(weight) => server.weight = weight,
                To::State(ServerState::Ready) => server.admin &= !(MAINTENANCE | ANY_DRAIN),
                To::State(ServerState::Drain) => server.admin |= FORCED_DRAIN,
                To::State(ServerState::Maintenance) => server.operation = 0,
            }
        }
        Ok(SafeText::body(&format!(
            "{}/{} is {now} and would be {}.\nNow: {before}\nThen: {}",
            change.backend,
            change.server,
            change.to,
            shares(change.backend, &all)
        )))
    }
}

/// Says a command and hears the answer to its end.
async fn spoken(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    command: &str,
) -> std::io::Result<String> {
    stream.write_all(format!("{command}\n").as_bytes()).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    stream.take(MOST).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// HAProxy's words in one line, as a sentence.
fn said(answer: &str) -> SafeText {
    let line = answer.split_whitespace().collect::<Vec<_>>().join(" ");
    SafeText::new(&format!("{}.", line.trim_end_matches(['.', ':'])))
}

fn nothing_changed(why: SafeText) -> NotBegun {
    refused(format!("{why} Nothing was changed."))
}

#[async_trait]
impl Pipeline for Haproxy {
    fn id(&self) -> &PipelineId {
        &self.id
    }

    fn kind(&self) -> PipelineKind {
        PipelineKind::Haproxy
    }

    fn shown(&self, order: &Order) -> SafeText {
        Change::of(order).map_or_else(
            |why| why,
            |change| SafeText::new(&format!("{} to {}", change.command(), self.at())),
        )
    }

    async fn dry_run(&self, order: &Order) -> Option<Result<SafeText, SafeText>> {
        Some(self.preview(order).await)
    }

    async fn start(&self, order: &Order, _key: &str) -> Result<Begun, NotBegun> {
        self.set(order).await
    }

    async fn watch(&self, order: &Order, begun: &Begun) -> Result<Progress, SafeText> {
        self.check(order, begun).await
    }

    async fn find(&self, order: &Order, _key: &str) -> Result<Option<Begun>, SafeText> {
        self.look_back(order).await
    }

    async fn stop(&self, _order: &Order, _begun: &Begun, _reason: &str) -> Result<(), SafeText> {
        let why = "HAProxy changes a server at once: there is nothing left to stop. Its undo takes it back.";
        Err(SafeText::new(why))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn weight(backend: &str, server: &str, weight: &str) -> Order {
        let text = SafeText::new;
        Order {
            title: text("Canary to nothing"),
            pipeline: PipelineId::new("gateway"),
            ask: Ask::Weight { backend: text(backend), server: text(server), weight: text(weight) },
            deadline: Span::from_secs(60),
        }
    }

    #[test]
    fn a_table_is_read_by_its_heads_and_a_torn_one_not_at_all() {
        let table = "1\n# be_id srv_name srv_iweight srv_uweight srv_admin_state srv_op_state\n\
                     2 stable 100 90 0 2\n2 canary 0 50 8 2\n\n";
        let server = |name: &str, admin, weight, initial| Server {
            name: name.to_owned(),
            operation: 2,
            admin,
            weight,
            initial,
        };
        let read = servers(table);
        assert_eq!(read, Some(vec![server("stable", 0, 90, 100), server("canary", 8, 50, 0)]));
        assert_eq!(shares("checkout", &read.unwrap()), "Traffic of checkout: stable 100 %.");
        assert_eq!(servers("Can't find backend.\n\n"), None);
        assert_eq!(servers("1\n# srv_name srv_op_state\n2 x\n"), None, "a head that lacks columns");
        assert_eq!(servers(&table[..table.len() - 6]), None, "the last row was cut");
        assert_eq!(
            process("Name: HAProxy\nPid: 7\nStart_time_sec: 9\n").unwrap(),
            "process 7 of 9"
        );
        assert_eq!(process("Permission denied\n"), None);
    }

    proptest! {
        #[test]
        fn no_name_becomes_a_second_command(backend in ".*", server in ".*", heavy in ".*") {
            let order = weight(&backend, &server, &heavy);
            if let Ok(change) = Change::of(&order) {
                let command = change.command();
                prop_assert_eq!(command.split(' ').count(), 5);
                prop_assert!(!command.contains([';', '\n', '\\', '/']) || command.matches('/').count() == 1);
                let back = weight(change.backend, change.server, &heavy);
                prop_assert_eq!(Change::of(&back), Ok(change));
            }
        }

        #[test]
        fn no_answer_is_too_strange_to_be_read(answer in ".*\\n?.*\\n?.*") {
            let _ = (servers(&answer), process(&answer), said(&answer));
        }

        #[test]
        fn only_whole_weights_up_to_256_are_sent(number in 0_u32..600, tail in "%?|[+]|a| ") {
            let text = format!("{number}{tail}");
            let order = weight("checkout", "canary", &text);
            prop_assert_eq!(Change::of(&order).is_ok(), number <= 256 && tail.is_empty());
        }
    }
}
