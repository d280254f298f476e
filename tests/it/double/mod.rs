//! The one stand-in for vendors that cannot be installed: a small HTTP server of ours, on the loopback only.
//!
//! ```text
//! request ─► Contract: as the vendor's public description has it? ─► Vendor: its rules, what it keeps ─► answer
//!                                                                     ▲ Fault: late, twice, 429, cut, never
//! ```
//!
//! A vendor with a [`Contract`] is held to it in both directions; whatever is not as described fails the test
//! when the double is dropped. Small ones are a function from request to answer.

mod actions;
mod contract;
pub(crate) mod deployments;
mod gitlab;
mod jenkins;
mod jira;
pub(crate) mod oncalls;
mod pagerduty;
mod pipelines;
mod push;
mod statuspage;

pub(crate) use actions::Actions;
pub(crate) use contract::{Contract, against};
pub(crate) use deployments::Deployments;
pub(crate) use gitlab::Gitlab;
pub(crate) use jenkins::JenkinsJob;
pub(crate) use jira::Jira;
pub(crate) use oncalls::OnCallsHost;
pub(crate) use pagerduty::Pagerduty;
pub(crate) use pipelines::Pipelines;
pub(crate) use push::{Hook, Ntfy, Slack, Teams, Twilio};
pub(crate) use statuspage::Statuspage;

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::Value;

/// One request as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// With its query.
    pub(crate) path: String,
    /// Names in small letters.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn path_only(&self) -> &str {
        self.path.split('?').next().unwrap()
    }

    /// Names and values, decoded.
    pub(crate) fn query(&self) -> Vec<(String, String)> {
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    /// A query parameter; empty when it is not there.
    pub(crate) fn asks(&self, name: &str) -> String {
        let all = self.query().into_iter();
        all.filter(|(n, _)| n == name).map(|(_, value)| value).next().unwrap_or_default()
    }

    /// The body as JSON, of a form its fields.
    pub(crate) fn content(&self) -> Result<Value, String> {
        if self.header("content-type") == Some("application/x-www-form-urlencoded") {
            let fields = url::form_urlencoded::parse(self.body.as_bytes()).into_owned();
            return Ok(fields.map(|(name, value)| (name, Value::from(value))).collect());
        }
        serde_json::from_str(&self.body).map_err(|why| why.to_string())
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What it answers.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// What goes wrong with one request.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// Answered so instead, and nothing is done.
    Says(Answer),
    /// Done, and the connection is closed without an answer.
    DoneButCut,
    /// Done, and answered so.
    DoneButSays(Answer),
    /// Done, and answered after so long.
    DoneButLate(Duration),
    /// Done once, and the answer stands twice on the line.
    AnsweredTwice,
    /// Something on the way repeats the request; the second answer arrives.
    DoneTwice,
    /// Neither done nor answered, for as long as the client waits.
    Silent,
}

/// A vendor's side.
pub(crate) trait Vendor: Send + 'static {
    /// What it takes and gives, where it is described.
    fn contract(&self) -> Option<Contract> {
        None
    }

    fn answer(&mut self, request: &Request) -> Answer;
}

impl<F: FnMut(&Request) -> Answer + Send + 'static> Vendor for F {
    fn answer(&mut self, request: &Request) -> Answer {
        self(request)
    }
}

/// A double of which the vendor's side can be looked at.
pub(crate) struct Hosted<V> {
    double: Double,
    vendor: Arc<Mutex<V>>,
}

impl<V: Vendor> Hosted<V> {
    pub(crate) fn start(vendor: V) -> Self {
        let contract = vendor.contract();
        let vendor = Arc::new(Mutex::new(vendor));
        let side = vendor.clone();
        let side = move |request: &Request| side.lock().unwrap().answer(request);
        Self { double: Double::start_with(contract, side), vendor }
    }

    /// What it keeps.
    pub(crate) fn there(&self) -> MutexGuard<'_, V> {
        self.vendor.lock().unwrap()
    }
}

impl<V> std::ops::Deref for Hosted<V> {
    type Target = Double;

    fn deref(&self) -> &Double {
        &self.double
    }
}

/// Which request meets a fault: of this method, with this in its path.
type Aim = (&'static str, &'static str);

struct Shared {
    contract: Option<Contract>,
    vendor: Mutex<Box<dyn Vendor>>,
    faults: Mutex<VecDeque<(Aim, Fault)>>,
    /// What every request meets.
    always: Mutex<Option<Fault>>,
    asked: Mutex<Vec<Request>>,
    /// What was not as described.
    wrong: Mutex<Vec<String>>,
    over: AtomicBool,
}

/// The server; it ends with the test.
pub(crate) struct Double {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Double {
    pub(crate) fn start(vendor: impl FnMut(&Request) -> Answer + Send + 'static) -> Self {
        Self::start_with(None, vendor)
    }

    fn start_with(contract: Option<Contract>, vendor: impl Vendor) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            contract,
            wrong: Mutex::default(),
            vendor: Mutex::new(Box::new(vendor)),
            faults: Mutex::default(),
            always: Mutex::default(),
            asked: Mutex::default(),
            over: AtomicBool::new(false),
        });
        let for_all = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if for_all.over.load(Ordering::Relaxed) {
                    return;
                }
                let shared = for_all.clone();
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, shared }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next request meets this instead.
    pub(crate) fn fail(&self, fault: Fault) {
        self.fail_at("", "", fault);
    }

    /// The next request of this method, with this in its path, meets this instead.
    pub(crate) fn fail_at(&self, method: &'static str, part: &'static str, fault: Fault) {
        self.shared.faults.lock().unwrap().push_back(((method, part), fault));
    }

    /// Every request meets this instead, until it is mended.
    pub(crate) fn fail_always(&self, fault: Fault) {
        *self.shared.always.lock().unwrap() = Some(fault);
    }

    /// It answers well again; says whether it did not.
    pub(crate) fn mend(&self) -> bool {
        self.shared.always.lock().unwrap().take().is_some()
    }

    /// Everything that was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<Request> {
        std::mem::take(&mut *self.shared.asked.lock().unwrap())
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        if !std::thread::panicking() {
            let left = self.shared.faults.lock().unwrap().len();
            assert_eq!(left, 0, "faults that nobody met");
            let wrong = self.shared.wrong.lock().unwrap();
            assert!(wrong.is_empty(), "not as the vendor describes it: {wrong:#?}");
        }
    }
}

impl Shared {
    fn answer(&self, request: &Request) -> Answer {
        let Some(contract) = &self.contract else {
            return self.vendor.lock().unwrap().answer(request);
        };
        if let Err(why) = contract.judge(request) {
            self.wrong.lock().unwrap().push(why.clone());
            return Answer::new(400, serde_json::json!({ "message": why }).to_string());
        }
        let answer = self.vendor.lock().unwrap().answer(request);
        self.wrong.lock().unwrap().extend(contract.judge_answer(request, &answer).err());
        answer
    }

    fn fault(&self, request: &Request) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        let meets = |(method, part): &Aim| {
            (method.is_empty() || *method == request.method) && request.path.contains(part)
        };
        let at = faults.iter().position(|(aim, _)| meets(aim));
        let aimed = at.and_then(|at| faults.remove(at)).map(|(_, fault)| fault);
        aimed.or_else(|| self.always.lock().unwrap().clone())
    }
}

fn serve(mut stream: TcpStream, shared: &Shared) {
    let Ok(read) = stream.try_clone() else { return };
    let mut reader = BufReader::new(read);
    while let Some(request) = next(&mut reader) {
        shared.asked.lock().unwrap().push(request.clone());
        let mut times = 1;
        let answer = match shared.fault(&request) {
            None => shared.answer(&request),
            Some(Fault::Says(answer)) => answer,
            Some(Fault::DoneButCut) => {
                shared.answer(&request);
                let _ = stream.shutdown(std::net::Shutdown::Both);
                return;
            }
            Some(Fault::DoneButSays(answer)) => {
                shared.answer(&request);
                answer
            }
            Some(Fault::DoneButLate(wait)) => {
                let answer = shared.answer(&request);
                std::thread::sleep(wait);
                answer
            }
            Some(Fault::AnsweredTwice) => {
                times = 2;
                shared.answer(&request)
            }
            Some(Fault::DoneTwice) => {
                shared.answer(&request);
                shared.answer(&request)
            }
            Some(Fault::Silent) => {
                // Until the client has had enough and closes.
                let _ = reader.read(&mut [0; 1]);
                return;
            }
        };
        let mut whole = format!("HTTP/1.1 {} x\r\n", answer.status);
        for (name, value) in &answer.headers {
            whole.push_str(&format!("{name}: {value}\r\n"));
        }
        if answer.status != 204 {
            whole.push_str(&format!("content-length: {}\r\n", answer.body.len()));
        }
        whole.push_str(&format!("\r\n{}", answer.body));
        if stream.write_all(whole.repeat(times).as_bytes()).is_err() {
            return;
        }
    }
}

fn next(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    let mut read = |reader: &mut dyn BufRead| {
        line.clear();
        let count = reader.read_line(&mut line).ok()?;
        (count > 0).then(|| line.trim_end().to_owned())
    };
    let first = read(reader)?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let line = read(reader)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, path, headers, body: String::from_utf8(body).unwrap() })
}
