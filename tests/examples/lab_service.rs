//! A pretend service for the lab, and the load on it.
//!
//! ```text
//! lab_service serve --port 20001 --version 1.4.2 --errors 0.002 --latency 2-15 [--pool 20] [--call 127.0.0.1:20002/pay]
//!     [--bounded true] [--cache 127.0.0.1:20003 --without-cache 1000-60000 [--remember 4096]]
//! lab_service load 127.0.0.1:20080/checkout 40 600
//! ```
//!
//! `serve` answers every path after a random time within the range, fails the given share of
//! requests, calls the services it depends on, and says on `/metrics` what it did. With a bounded pool it
//! refuses what finds no place in it; with a cache it looks there first, and without an answer has to work
//! out what the cache would have known. What it is to remember it also leaves there, and never takes away. Both stop by themselves when their standard input ends, so that
//! nothing outlives the test that started it.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Upper bounds of the latency histogram, in seconds.
const BOUNDS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5];

/// How long users wait, and services for their callees: longer, as in many a configuration.
const USER: Duration = Duration::from_secs(5);
const CALLEE: Duration = Duration::from_secs(90);

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    thread::spawn(exit_with_parent);
    match args.first().map(String::as_str) {
        Some("serve") => serve(Service::from_args(&args[1..])?),
        Some("load") => match &args[1..] {
            [target, rate, seconds] => load(target, rate.parse()?, seconds.parse()?),
            _ => Err("load needs: HOST:PORT/PATH REQUESTS_PER_SECOND SECONDS".into()),
        },
        _ => Err("say serve or load; the head of this file shows how".into()),
    }
}

/// Whoever started us holds the other end of our standard input.
fn exit_with_parent() {
    let mut sink = [0; 64];
    while matches!(io::stdin().read(&mut sink), Ok(n) if n > 0) {}
    std::process::exit(0);
}

/// What it was told to be, and what it has done so far.
struct Service {
    port: u16,
    version: String,
    errors: f64,
    latency: (u64, u64),
    pool: i64,
    /// Whether the pool is all there is.
    bounded: bool,
    calls: Vec<String>,
    /// A Redis, and how long the work takes when it does not answer.
    cache: Option<String>,
    without_cache: (u64, u64),
    /// How many bytes every request leaves in the cache.
    remember: usize,
    remembered: AtomicU64,
    certificate_days: Option<f64>,
    started: SystemTime,
    in_flight: AtomicI64,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    by_code: BTreeMap<u16, u64>,
    buckets: [u64; BOUNDS.len()],
    count: u64,
    seconds: f64,
    /// Calls by callee, and those of them that failed.
    calls: BTreeMap<String, (u64, u64)>,
}

impl Service {
    fn from_args(args: &[String]) -> Result<Self> {
        let mut service = Self {
            port: 0,
            version: "1.0.0".to_owned(),
            errors: 0.0,
            latency: (2, 15),
            pool: 20,
            bounded: false,
            calls: Vec::new(),
            cache: None,
            without_cache: (2, 15),
            remember: 0,
            remembered: AtomicU64::new(0),
            certificate_days: None,
            started: SystemTime::now(),
            in_flight: AtomicI64::new(0),
            // A code that has not been counted yet makes an error ratio empty instead of zero.
            seen: Mutex::new(Seen {
                by_code: BTreeMap::from([(200, 0), (500, 0), (503, 0)]),
                ..Seen::default()
            }),
        };
        for pair in args.chunks(2) {
            let [name, value] = pair else { return Err(format!("{pair:?} has no value").into()) };
            match name.as_str() {
                "--port" => service.port = value.parse()?,
                "--version" => service.version.clone_from(value),
                "--errors" => service.errors = value.parse()?,
                "--latency" => service.latency = range(value)?,
                "--pool" => service.pool = value.parse()?,
                "--bounded" => service.bounded = value.parse()?,
                "--cache" => service.cache = Some(value.clone()),
                "--without-cache" => service.without_cache = range(value)?,
                "--remember" => service.remember = value.parse()?,
                "--call" => service.calls.push(value.clone()),
                "--certificate-days" => service.certificate_days = Some(value.parse()?),
                other => return Err(format!("unknown option {other}").into()),
            }
        }
        Ok(service)
    }

    /// Does the work of one request and says how it went.
    fn work(&self) -> u16 {
        let began = Instant::now();
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        let code = if self.bounded && before >= self.pool { 503 } else { self.answer() };
        self.in_flight.fetch_sub(1, Ordering::Relaxed);

        let seconds = began.elapsed().as_secs_f64();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen.by_code.entry(code).or_default() += 1;
        seen.count += 1;
        seen.seconds += seconds;
        for (bucket, bound) in seen.buckets.iter_mut().zip(BOUNDS) {
            *bucket += u64::from(seconds <= bound);
        }
        code
    }

    fn answer(&self) -> u16 {
        let wait = |(low, high)| thread::sleep(Duration::from_millis(fastrand::u64(low..=high)));
        wait(self.latency);
        if let Some(cache) = &self.cache {
            let found = self.count_call("cache", self.ask_cache(cache).is_ok());
            if !found {
                wait(self.without_cache);
            }
        }
        let well = |target: &String| {
            let callee = target.split('/').nth(1).unwrap_or(target);
            self.count_call(callee, matches!(get(target, CALLEE), Ok(code) if code < 500))
        };
        if !self.calls.iter().all(well) {
            503
        } else if fastrand::f64() < self.errors {
            500
        } else {
            200
        }
    }

    /// Looks a basket up, and leaves another one there if it is to remember any.
    fn ask_cache(&self, cache: &str) -> Result<()> {
        look_up(cache)?;
        if self.remember == 0 {
            return Ok(());
        }
        let number = self.remembered.fetch_add(1, Ordering::Relaxed);
        let basket = "x".repeat(self.remember);
        // Anything but this is a refusal: it has no room left, say.
        redis(cache, &["SET", &format!("basket-{number}"), &basket], b'+')
    }

    /// Counts a call, and says how it went.
    fn count_call(&self, callee: &str, well: bool) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, failed) = seen.calls.entry(callee.to_owned()).or_default();
        *all += 1;
        *failed += u64::from(!well);
        well
    }

    /// The Prometheus text format.
    fn metrics(&self) -> String {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let v = &self.version;
        let mut text = String::from(
            "# HELP http_requests_total Requests handled, by status code.\n\
             # TYPE http_requests_total counter\n",
        );
        for (code, count) in &seen.by_code {
            _ = writeln!(text, "http_requests_total{{code=\"{code}\",version=\"{v}\"}} {count}");
        }
        text.push_str(
            "# HELP http_request_duration_seconds Request latency.\n\
             # TYPE http_request_duration_seconds histogram\n",
        );
        let name = "http_request_duration_seconds";
        for (bound, count) in BOUNDS.iter().zip(seen.buckets) {
            _ = writeln!(text, "{name}_bucket{{version=\"{v}\",le=\"{bound}\"}} {count}");
        }
        _ = writeln!(text, "{name}_bucket{{version=\"{v}\",le=\"+Inf\"}} {}", seen.count);
        _ = writeln!(text, "{name}_sum{{version=\"{v}\"}} {}", seen.seconds);
        _ = writeln!(text, "{name}_count{{version=\"{v}\"}} {}", seen.count);
        text.push_str("# HELP calls_total Calls of other services.\n# TYPE calls_total counter\n");
        for (callee, (all, failed)) in &seen.calls {
            _ = writeln!(text, "calls_total{{callee=\"{callee}\",result=\"failed\"}} {failed}");
            let well = all - failed;
            _ = writeln!(text, "calls_total{{callee=\"{callee}\",result=\"well\"}} {well}");
        }
        let in_flight = self.in_flight.load(Ordering::Relaxed);
        let started = self.started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let mut gauge = |name: &str, help: &str, labels: &str, value: f64| {
            _ = write!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name}{labels} {value}\n");
        };
        gauge("work_queue_depth", "Requests in flight.", "", in_flight as f64);
        gauge("pool_connections_in_use", "Connections taken.", "", in_flight.min(self.pool) as f64);
        gauge("pool_connections_max", "Connections there are.", "", self.pool as f64);
        gauge("app_build_info", "Build.", &format!("{{version=\"{v}\"}}"), 1.0);
        gauge("process_start_time_seconds", "Start of the process.", "", started);
        if let Some(days) = self.certificate_days {
            let end = started + days * 86_400.0;
            gauge("tls_certificate_not_after_seconds", "End of the certificate.", "", end);
        }
        text
    }

    /// Answers the requests of one connection until the other side is done with it.
    fn converse(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut out = stream.try_clone()?;
        let mut lines = BufReader::new(stream);
        loop {
            let mut request = String::new();
            if lines.read_line(&mut request)? == 0 {
                return Ok(());
            }
            let mut close = request.trim_end().ends_with("HTTP/1.0");
            loop {
                let mut header = String::new();
                lines.read_line(&mut header)?;
                let header = header.trim().to_ascii_lowercase();
                close |= header == "connection: close";
                if header.is_empty() {
                    break;
                }
            }
            let path = request.split(' ').nth(1).unwrap_or("/");
            let (code, body) = match path {
                "/metrics" => (200, self.metrics()),
                "/healthz" => (200, "ok\n".to_owned()),
                _ => {
                    let code = self.work();
                    (code, format!("{{\"version\":\"{}\",\"code\":{code}}}\n", self.version))
                }
            };
            write!(
                out,
                "HTTP/1.1 {code} -\r\nContent-Type: text/plain; version=0.0.4\r\n\
                 Content-Length: {}\r\n\r\n{body}",
                body.len()
            )?;
            if close {
                return Ok(());
            }
        }
    }
}

fn serve(service: Service) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", service.port))?;
    let service = Arc::new(service);
    for stream in listener.incoming() {
        let service = Arc::clone(&service);
        let stream = stream?;
        // A caller that hangs up early is its own problem.
        thread::spawn(move || service.converse(stream).is_ok());
    }
    Ok(())
}

fn range(text: &str) -> Result<(u64, u64)> {
    let (low, high) = text.split_once('-').ok_or("a range is LOW-HIGH")?;
    Ok((low.parse()?, high.parse()?))
}

/// Asks a Redis for a basket; that it has none is an answer too.
fn look_up(cache: &str) -> Result<()> {
    redis(cache, &["GET", "basket"], b'$')
}

/// One command to a Redis, whose answer has to begin so; what else it says is an error.
fn redis(cache: &str, words: &[&str], expected: u8) -> Result<()> {
    let mut command = format!("*{}\r\n", words.len());
    for word in words {
        _ = write!(command, "${}\r\n{word}\r\n", word.len());
    }
    let mut stream = TcpStream::connect(cache)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(command.as_bytes())?;
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    if answer == [expected] { Ok(()) } else { Err("the cache refused".into()) }
}

/// One request; gives the status code.
fn get(target: &str, patience: Duration) -> Result<u16> {
    let (address, path) = target.split_once('/').unwrap_or((target, ""));
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(patience))?;
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.split(' ').nth(1).ok_or("no status line")?.parse()?)
}

/// Sends requests at a steady rate, whatever the answers do, as users would.
fn load(target: &str, rate: f64, seconds: f64) -> Result<()> {
    let answered = Arc::new(AtomicU64::new(0));
    let waiting = Arc::new(AtomicI64::new(0));
    let began = Instant::now();
    let mut sent = 0.0;
    while began.elapsed().as_secs_f64() < seconds {
        let due = began + Duration::from_secs_f64(sent / rate);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        sent += 1.0;
        // Users give up as well: no more than this many wait at once.
        if waiting.load(Ordering::Relaxed) >= 200 {
            continue;
        }
        let (target, answered, waiting) =
            (target.to_owned(), Arc::clone(&answered), Arc::clone(&waiting));
        waiting.fetch_add(1, Ordering::Relaxed);
        thread::spawn(move || {
            if get(&target, USER).is_ok() {
                answered.fetch_add(1, Ordering::Relaxed);
            }
            waiting.fetch_sub(1, Ordering::Relaxed);
        });
    }
    println!("{} of {sent} requests answered", answered.load(Ordering::Relaxed));
    Ok(())
}
