//! Just enough of an HTTP client to ask a server on loopback, independent of the one under test.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result};

/// Status and body.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The whole body.
    pub(crate) body: String,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_str(&self.body).with_context(|| format!("not JSON: {}", self.body))
    }
}

/// Asks for `http://HOST:PORT/path`.
pub(crate) fn get(url: &str) -> Result<Answer> {
    exchange("GET", url, "text/plain", "")
}

/// Sends a body.
pub(crate) fn post(url: &str, content_type: &str, body: &str) -> Result<Answer> {
    exchange("POST", url, content_type, body)
}

/// Sends JSON as whoever the token belongs to.
pub(crate) fn post_as(token: &str, url: &str, json: &str) -> Result<Answer> {
    exchange("POST", url, &format!("application/json\r\nAuthorization: Bearer {token}"), json)
}

/// Sends anything, with headers of one's own.
pub(crate) fn send(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Answer> {
    let headers: Vec<String> =
        headers.iter().map(|(name, value)| format!("\r\n{name}: {value}")).collect();
    exchange(method, url, &format!("application/json{}", headers.concat()), body)
}

/// HTTP 1.0: the answer is not chunked and ends with the connection.
fn exchange(method: &str, url: &str, content_type: &str, body: &str) -> Result<Answer> {
    let rest = url.strip_prefix("http://").context("the lab speaks plain HTTP")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host).with_context(|| format!("{host} does not answer"))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        stream,
        "{method} /{path} HTTP/1.0\r\nHost: {host}\r\nContent-Type: {content_type}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("not an HTTP answer")?;
    let status = head.split(' ').nth(1).context("no status line")?.parse()?;
    Ok(Answer { status, body: body.to_owned() })
}
