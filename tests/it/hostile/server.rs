//! A monitoring server that misbehaves on demand: one fault at a time, switched while it runs.
//!
//! Plain sockets and threads, because an HTTP library would refuse to do most of this.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the server is asked to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Prometheus,
    Alertmanager,
    Jaeger,
    Statuspage,
    GithubDeployments,
    GitlabDeployments,
    PrometheusVersions,
    UnleashEvents,
}

/// What it does instead of answering well.
#[derive(Clone)]
pub(crate) enum Fault {
    /// Nothing: it answers well.
    None,
    /// Answers everything with this status, these further headers, this body.
    Says(u16, Vec<(&'static str, String)>, Arc<[u8]>),
    /// Answers questions whose path ends so with this body, and the others well.
    Lies(&'static str, Arc<[u8]>),
    /// Accepts, reads, never answers.
    Silent,
    /// Says that it answers well, then sends a byte now and then, for ever.
    Drips,
    /// Sends zeros until the client has had enough; the number is what it promises.
    Floods(u64),
    /// Breaks the connection off without having read the question.
    Resets,
    /// Promises more than it sends.
    Breaks,
}

impl Fault {
    pub(crate) fn status(code: u16) -> Self {
        Self::Says(code, Vec::new(), Arc::from(*b"no"))
    }

    pub(crate) fn body(text: &str) -> Self {
        Self::Says(200, Vec::new(), Arc::from(text.as_bytes()))
    }
}

/// One question as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) path: String,
    pub(crate) head: String,
}

/// The server; it ends with the test.
pub(crate) struct Hostile {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    kind: Kind,
    fault: Mutex<Fault>,
    /// Body of `/api/v2/alerts` while it answers well.
    alerts: Mutex<Arc<[u8]>>,
    /// How far its clock is ahead, in seconds.
    ahead: Mutex<f64>,
    asked: Mutex<Vec<Question>>,
    over: AtomicBool,
}

impl Hostile {
    pub(crate) fn start(kind: Kind) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            kind,
            fault: Mutex::new(Fault::None),
            alerts: Mutex::new(Arc::from(alerts(&[alert("aa", "PlainAlert", "")]).into_bytes())),
            ahead: Mutex::new(0.0),
            asked: Mutex::default(),
            over: AtomicBool::new(false),
        });
        let served = shared.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                if served.over.load(Ordering::SeqCst) {
                    return;
                }
                let served = served.clone();
                // A client that leaves in the middle is what most faults are about.
                std::thread::spawn(move || drop(served.serve(connection)));
            }
        });
        Self { address, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn set(&self, fault: Fault) {
        *self.shared.fault.lock().unwrap() = fault;
    }

    pub(crate) fn set_alerts(&self, body: &[u8]) {
        *self.shared.alerts.lock().unwrap() = Arc::from(body);
    }

    pub(crate) fn set_clock(&self, seconds_ahead: f64) {
        *self.shared.ahead.lock().unwrap() = seconds_ahead;
    }

    /// Everything asked so far.
    pub(crate) fn asked(&self) -> Vec<Question> {
        self.shared.asked.lock().unwrap().clone()
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn serve(&self, mut to: TcpStream) -> std::io::Result<()> {
        to.set_read_timeout(Some(Duration::from_secs(30)))?;
        let fault = self.fault.lock().unwrap().clone();
        if matches!(fault, Fault::Resets) {
            // What lies unread in the buffer turns the close into a reset.
            to.peek(&mut [0])?;
            return Ok(());
        }
        let question = read_question(&mut to)?;
        self.asked.lock().unwrap().push(question.clone());
        match fault {
            Fault::None | Fault::Resets => self.answer_well(&mut to, &question),
            Fault::Lies(end, body) if question.path.ends_with(end) => {
                respond(&mut to, 200, &[], &body)
            }
            Fault::Lies(..) => self.answer_well(&mut to, &question),
            Fault::Says(status, headers, body) => respond(&mut to, status, &headers, &body),
            Fault::Silent => self.hold(&mut to),
            Fault::Drips => {
                to.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n[")?;
                while !self.over.load(Ordering::SeqCst) {
                    to.write_all(b" ")?;
                    std::thread::sleep(Duration::from_millis(20));
                }
                Ok(())
            }
            Fault::Floods(promised) => {
                write!(to, "HTTP/1.1 200 OK\r\nContent-Length: {promised}\r\n\r\n")?;
                let block = [b'['; 65536];
                for _ in 0..promised.div_ceil(65536) {
                    to.write_all(&block)?;
                }
                Ok(())
            }
            Fault::Breaks => {
                to.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[{\"labels\":")
            }
        }
    }

    /// Waits for the client to leave.
    fn hold(&self, to: &mut TcpStream) -> std::io::Result<()> {
        while !self.over.load(Ordering::SeqCst) {
            if to.read(&mut [0; 64])? == 0 {
                break;
            }
        }
        Ok(())
    }

    fn answer_well(&self, to: &mut TcpStream, question: &Question) -> std::io::Result<()> {
        let path = question.path.split('?').next().unwrap_or_default();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let now = now.as_secs_f64() + *self.ahead.lock().unwrap();
        let body: Vec<u8> = match (self.kind, path) {
            (Kind::Alertmanager, "/api/v2/alerts") => self.alerts.lock().unwrap().to_vec(),
            (Kind::Alertmanager, "/api/v2/silences") => b"[]".to_vec(),
            (Kind::Alertmanager, "/api/v2/status") => {
                br#"{"versionInfo":{"version":"0.25.0"},"cluster":{"status":"disabled"}}"#.to_vec()
            }
            (Kind::Prometheus, "/api/v1/query") if question.path.contains("time%28%29") => {
                data(&format!(r#"{{"resultType":"scalar","result":[{now},"{now}"]}}"#))
            }
            (Kind::Prometheus, "/api/v1/query" | "/api/v1/query_range")
            | (Kind::PrometheusVersions, "/api/v1/query_range") => {
                data(r#"{"resultType":"vector","result":[]}"#)
            }
            (Kind::Prometheus, "/api/v1/rules") => data(r#"{"groups":[]}"#),
            (Kind::Prometheus, "/api/v1/targets") => data(r#"{"activeTargets":[]}"#),
            (Kind::Prometheus, "/api/v1/status/buildinfo") => data(r#"{"version":"2.42.0"}"#),
            (Kind::Jaeger, "/api/dependencies") => br#"{"data":[],"errors":null}"#.to_vec(),
            (Kind::Statuspage, "/api/v2/summary.json") => {
                br#"{"components":[{"name":"Payments","status":"operational"}],"incidents":[]}"#
                    .to_vec()
            }
            (Kind::GithubDeployments, "/repos/acme/shop/deployments")
            | (Kind::GitlabDeployments, "/projects/acme%2Fshop/deployments") => b"[]".to_vec(),
            (Kind::UnleashEvents, "/api/admin/search/events") => br#"{"events":[]}"#.to_vec(),
            _ => return respond(to, 404, &[], b"not here"),
        };
        respond(to, 200, &[], &body)
    }
}

fn data(json: &str) -> Vec<u8> {
    format!(r#"{{"status":"success","data":{json}}}"#).into_bytes()
}

/// The JSON of one alert that fires; `labels` is more of them, each begun with a comma.
pub(crate) fn alert(fingerprint: &str, name: &str, labels: &str) -> String {
    format!(
        r#"{{"labels":{{"alertname":"{name}","severity":"page"{labels}}},"annotations":{{"summary":"{name} says so"}},
        "startsAt":"2026-11-22T11:01:39.385Z","endsAt":"2099-11-22T11:05:39.385Z","updatedAt":"2026-11-22T11:01:39.403Z",
        "fingerprint":"{fingerprint}","receivers":[{{"name":"hook"}}],"status":{{"state":"active","silencedBy":[],"inhibitedBy":[]}},
        "generatorURL":""}}"#
    )
}

/// The answer of an Alertmanager that knows these.
pub(crate) fn alerts(each: &[String]) -> String {
    format!("[{}]", each.join(","))
}

fn respond(
    to: &mut TcpStream,
    status: u16,
    headers: &[(&'static str, String)],
    body: &[u8],
) -> std::io::Result<()> {
    write!(to, "HTTP/1.1 {status} So\r\nContent-Length: {}\r\nConnection: close\r\n", body.len())?;
    for (name, value) in headers {
        write!(to, "{name}: {value}\r\n")?;
    }
    to.write_all(b"\r\n")?;
    to.write_all(body)
}

fn read_question(from: &mut TcpStream) -> std::io::Result<Question> {
    let mut raw = Vec::new();
    let mut block = [0; 4096];
    let end = loop {
        if let Some(at) = raw.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        let read = from.read(&mut block)?;
        if read == 0 || raw.len() > 1 << 20 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        raw.extend_from_slice(&block[..read]);
    };
    let head = String::from_utf8_lossy(&raw[..end]).into_owned();
    let length = head.lines().find_map(|line| {
        line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok()
    });
    let mut left = length.unwrap_or(0usize).saturating_sub(raw.len() - end);
    while left > 0 {
        match from.read(&mut block)? {
            0 => break,
            read => left = left.saturating_sub(read),
        }
    }
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    Ok(Question { path, head })
}
