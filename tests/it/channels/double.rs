//! A small HTTP server of ours that stands in for vendors that cannot be installed. A story gives it the
//! vendor's side as a function from request to answer; faults are put in front of it, one after another.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

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
    /// Neither done nor answered, for as long as the client waits.
    Silent,
}

type Vendor = Box<dyn FnMut(&Request) -> Answer + Send>;

struct Shared {
    vendor: Mutex<Vendor>,
    faults: Mutex<VecDeque<Fault>>,
    /// What every request meets.
    always: Mutex<Option<Fault>>,
    asked: Mutex<Vec<Request>>,
    over: AtomicBool,
}

/// The server; it ends with the test.
pub(crate) struct Double {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Double {
    pub(crate) fn start(vendor: impl FnMut(&Request) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
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
        self.shared.faults.lock().unwrap().push_back(fault);
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
    }
}

fn serve(mut stream: TcpStream, shared: &Shared) {
    let Ok(read) = stream.try_clone() else { return };
    let mut reader = BufReader::new(read);
    while let Some(request) = next(&mut reader) {
        shared.asked.lock().unwrap().push(request.clone());
        let fault = shared.faults.lock().unwrap().pop_front();
        let fault = fault.or_else(|| shared.always.lock().unwrap().clone());
        let done = || (shared.vendor.lock().unwrap())(&request);
        let answer = match fault {
            None => done(),
            Some(Fault::Says(answer)) => answer,
            Some(Fault::DoneButCut) => {
                done();
                let _ = stream.shutdown(std::net::Shutdown::Both);
                return;
            }
            Some(Fault::DoneButSays(answer)) => {
                done();
                answer
            }
            Some(Fault::Silent) => {
                // Until the client has had enough and closes.
                let _ = reader.read(&mut [0; 1]);
                return;
            }
        };
        let mut head = format!("HTTP/1.1 {} x\r\n", answer.status);
        for (name, value) in &answer.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", answer.body.len()));
        if stream.write_all(head.as_bytes()).and(stream.write_all(answer.body.as_bytes())).is_err()
        {
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
