//! A NATS subject on which deployments are told, in the lines of [`super::file`].
//!
//! ```text
//! CONNECT, SUB ─► between polls the server keeps what it sends in our socket ─► PING … MSG … PONG ─► lines
//! ```
//!
//! Its text protocol is spoken here: of a client library's hundred thousand lines a reader needs four verbs.
//! NATS itself keeps nothing: what was sent while nobody listened is lost. With a stream (JetStream) what was
//! sent before is asked for, and whoever looks later sees it too.
//! Protocol: <https://docs.nats.io/reference/reference-protocols/nats-protocol>.

mod wire;

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use super::Subject;
use crate::connectors::http::{Auth, Fault, Transport};
use crate::connectors::secret::{Secret, SecretError};
use crate::connectors::{Ask, Clock, Reply};
use crate::domain::{FailureKind, SafeText, Span, Timestamp, bytes};
use wire::{Bad, Op, Wire};

/// Most bytes of lines that are kept, the newest.
const KEPT: usize = 1024 * 1024;
/// Where a server listens when nobody says otherwise.
pub const PORT: u16 = 4222;
/// The subscription to the subject or to what the stream sends, and the one to the stream's answers.
const TOLD: u64 = 1;
const ANSWERS: u64 = 2;

/// Where a server is, who we are to it, and how much is taken of it.
pub struct Way {
    /// Host and port.
    pub address: String,
    /// How to prove who we are; a password goes over the wire as it is.
    pub auth: Auth,
    /// Deadline of one look.
    pub deadline: Span,
    /// Most bytes of a message.
    pub most: usize,
}

/// What is heard on a subject.
pub struct Listener {
    way: Way,
    subject: Subject,
    clock: Arc<dyn Clock>,
    heard: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    connection: Option<Connection>,
    lines: VecDeque<Vec<u8>>,
    size: usize,
}

struct Connection {
    stream: TcpStream,
    wire: Wire,
}

/// What a server says of itself first.
#[derive(Deserialize)]
struct Info {
    #[serde(default)]
    tls_required: bool,
    #[serde(default)]
    jetstream: bool,
}

/// What a stream answers when it is asked to send.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    error: Option<Refusal>,
    #[serde(default)]
    num_pending: u64,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    description: String,
}

impl Heard {
    /// Keeps the lines of a message, the newest of all.
    fn keep(&mut self, message: &[u8]) {
        for line in
            message.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty())
        {
            // What is sent again replaces itself when it is read; here it would only push others out.
            if self.lines.back().is_some_and(|last| last == line) {
                continue;
            }
            self.size += line.len() + 1;
            self.lines.push_back(line.to_vec());
        }
        while self.size > KEPT {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.size -= oldest.len() + 1;
        }
    }

    /// As a file would hold them.
    fn body(&self) -> Vec<u8> {
        let mut body = b"changes 0\n".to_vec();
        for line in &self.lines {
            body.extend_from_slice(line);
            body.push(b'\n');
        }
        body
    }
}

impl Listener {
    /// On this subject of that server.
    pub fn new(way: Way, subject: Subject, clock: Arc<dyn Clock>) -> Self {
        Self { way, subject, clock, heard: Mutex::default() }
    }

    fn fault(&self, kind: FailureKind, why: &str) -> Fault {
        let text = format!("nats://{} {why}", self.way.address);
        Fault::new(kind, &text, self.clock.now())
    }

    fn broken(&self, error: &std::io::Error) -> Fault {
        let (kind, why) = match error.kind() {
            std::io::ErrorKind::ConnectionRefused => {
                (FailureKind::Refused, "does not listen; check the address and whether it runs.")
            }
            std::io::ErrorKind::UnexpectedEof
            | std::io::ErrorKind::ConnectionReset
            | std::io::ErrorKind::BrokenPipe => {
                (FailureKind::Unreachable, "lost the connection; it is tried again.")
            }
            _ => {
                (FailureKind::Unreachable, "cannot be reached; check the address and the network.")
            }
        };
        self.fault(kind, why)
    }

    fn bad(&self, bad: &Bad) -> Fault {
        match bad {
            Bad::Garbage => self.fault(
                FailureKind::Unparseable,
                "does not speak NATS; another service is at this address.",
            ),
            Bad::TooLarge => self.fault(
                FailureKind::TooLarge,
                &format!(
                    "sent a message of more than {}, the cap; send less or raise max_body_mib.",
                    bytes(self.way.most)
                ),
            ),
        }
    }

    /// What a server refuses with.
    fn refused(&self, text: &str) -> Fault {
        let text = SafeText::new(text.trim_matches(['\'', ' ']));
        let lower = text.to_ascii_lowercase();
        let (kind, what) = if lower.contains("authorization") || lower.contains("authentication") {
            (
                FailureKind::Unauthenticated,
                "does not accept our credentials; check the source's auth.",
            )
        } else if lower.contains("permissions violation") {
            (FailureKind::Forbidden, "does not allow us this; ask its owner for read access.")
        } else {
            (FailureKind::ServerError, "ended the conversation; it is tried again.")
        };
        self.fault(kind, &format!("{what} It said: {text}."))
    }

    /// The next thing it says.
    async fn next(&self, connection: &mut Connection) -> Result<Op, Fault> {
        loop {
            let op = connection.wire.next(self.way.most).map_err(|bad| self.bad(&bad))?;
            match op {
                Some(Op::Ping) => self.send(connection, b"PONG\r\n").await?,
                Some(Op::Refused(text)) => return Err(self.refused(&text)),
                Some(op) => return Ok(op),
                None => {
                    let mut block = [0; 16 * 1024];
                    let read = connection.stream.read(&mut block).await;
                    let read = read.map_err(|error| self.broken(&error))?;
                    if read == 0 {
                        return Err(self.broken(&std::io::ErrorKind::UnexpectedEof.into()));
                    }
                    connection.wire.take(&block[..read]);
                }
            }
        }
    }

    async fn send(&self, connection: &mut Connection, text: &[u8]) -> Result<(), Fault> {
        let Err(error) = connection.stream.write_all(text).await else { return Ok(()) };
        Err(self.last_words(connection).await.unwrap_or_else(|| self.broken(&error)))
    }

    /// Why it hung up on us, when it said so before.
    async fn last_words(&self, connection: &mut Connection) -> Option<Fault> {
        loop {
            match connection.wire.next(self.way.most).ok()? {
                Some(Op::Refused(text)) => return Some(self.refused(&text)),
                Some(_) => {}
                None => {
                    let mut block = [0; 1024];
                    let read = connection.stream.read(&mut block).await.ok().filter(|n| *n > 0)?;
                    connection.wire.take(&block[..read]);
                }
            }
        }
    }

    async fn credentials(&self) -> Result<Vec<(&'static str, String)>, Fault> {
        let fault =
            |e: SecretError| Fault::new(FailureKind::Credential, &e.to_string(), self.clock.now());
        let text = |secret: Secret| String::from_utf8_lossy(secret.expose()).into_owned();
        Ok(match &self.way.auth {
            Auth::None => Vec::new(),
            Auth::Basic { user, password } => {
                let password = text(password.read().await.map_err(fault)?);
                vec![("user", user.clone()), ("pass", password)]
            }
            Auth::Bearer(token) | Auth::Token { token, .. } => {
                vec![("auth_token", text(token.read().await.map_err(fault)?))]
            }
        })
    }

    /// A connection on which the subject is listened to; what the stream had before comes first.
    async fn connect(&self, heard: &mut Heard) -> Result<Connection, Fault> {
        let stream = TcpStream::connect(&self.way.address).await;
        let stream = stream.map_err(|error| self.broken(&error))?;
        let mut connection = Connection { stream, wire: Wire::default() };
        let Op::Info(info) = self.next(&mut connection).await? else {
            return Err(self.bad(&Bad::Garbage));
        };
        let info: Info = serde_json::from_slice(&info).map_err(|_| self.bad(&Bad::Garbage))?;
        if info.tls_required {
            let why = "wants TLS, which is not spoken here; let a leaf node on this machine carry the subject.";
            return Err(self.fault(FailureKind::Tls, why));
        }
        let mut hello = json!({
            "verbose": false, "pedantic": false, "tls_required": false, "protocol": 1, "headers": false,
            "name": "quarterdeck", "lang": "rust", "version": env!("CARGO_PKG_VERSION"),
        });
        for (name, value) in self.credentials().await? {
            hello[name] = value.into();
        }
        self.send(&mut connection, format!("CONNECT {hello}\r\n").as_bytes()).await?;
        let Some(stream) = &self.subject.stream else {
            let text = format!("SUB {} {TOLD}\r\n", self.subject.name);
            self.send(&mut connection, text.as_bytes()).await?;
            return Ok(connection);
        };
        if !info.jetstream {
            let why =
                "keeps no streams (JetStream is off); leave `stream` out or switch it on there.";
            return Err(self.fault(FailureKind::WrongApi, why));
        }
        self.replay(&mut connection, heard, stream).await?;
        Ok(connection)
    }

    /// Asks a stream for what it has of the last while and for what comes, and reads what it has.
    async fn replay(
        &self,
        connection: &mut Connection,
        heard: &mut Heard,
        stream: &str,
    ) -> Result<(), Fault> {
        let inbox =
            format!("_INBOX.quarterdeck.{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
        let wanted = json!({ "stream_name": stream, "config": {
            "deliver_subject": format!("{inbox}.told"),
            "deliver_policy": "by_start_time",
            "opt_start_time": self.clock.now().minus(self.subject.range).rfc3339(),
            "ack_policy": "none",
            "filter_subject": self.subject.name,
        }})
        .to_string();
        let text = format!(
            "SUB {inbox}.told {TOLD}\r\nSUB {inbox}.answer {ANSWERS}\r\n\
             PUB $JS.API.CONSUMER.CREATE.{stream} {inbox}.answer {}\r\n{wanted}\r\n",
            wanted.len()
        );
        self.send(connection, text.as_bytes()).await?;
        // All of it comes anew.
        (heard.lines, heard.size) = Default::default();
        let (mut told, mut pending) = (0, None);
        while pending.is_none_or(|pending| told < pending) {
            match self.next(connection).await? {
                Op::Message(TOLD, message) => {
                    told += 1;
                    heard.keep(&message);
                }
                Op::Message(_, answer) => {
                    let answer: Answer =
                        serde_json::from_slice(&answer).map_err(|_| self.bad(&Bad::Garbage))?;
                    if let Some(refusal) = answer.error {
                        let why = SafeText::new(&refusal.description);
                        let why = format!("does not give us the stream {stream}: {why}.");
                        return Err(self.fault(FailureKind::WrongApi, &why));
                    }
                    pending = Some(answer.num_pending);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Everything it has sent until now.
    async fn listen(&self, heard: &mut Heard) -> Result<(), Fault> {
        // Put back only when all went well: after half a conversation nobody knows where it stands.
        let mut connection = match heard.connection.take() {
            Some(connection) => connection,
            None => self.connect(heard).await?,
        };
        self.send(&mut connection, b"PING\r\n").await?;
        loop {
            match self.next(&mut connection).await? {
                Op::Message(TOLD, message) => heard.keep(&message),
                Op::Pong => break,
                _ => {}
            }
        }
        heard.connection = Some(connection);
        Ok(())
    }
}

#[async_trait]
impl Transport for Listener {
    async fn exchange(&self, _: &Ask) -> Result<Reply, Fault> {
        let sent: Timestamp = self.clock.now();
        let mut heard = self.heard.lock().await;
        let had = heard.connection.is_some();
        let look = tokio::time::timeout(self.way.deadline.std(), self.listen(&mut heard)).await;
        let look = match look {
            // A server that was started anew is no failure when it is there again.
            Ok(Err(fault)) if had && fault.failure.kind == FailureKind::Unreachable => {
                tokio::time::timeout(self.way.deadline.std(), self.listen(&mut heard)).await
            }
            other => other,
        };
        look.map_err(|_| {
            self.fault(FailureKind::TimedOut, "did not answer within the deadline.")
        })??;
        let (body, received) = (heard.body(), self.clock.now());
        Ok(Reply { status: 200, body, retry_after: None, date: None, sent, received })
    }
}

#[cfg(test)]
mod tests;
