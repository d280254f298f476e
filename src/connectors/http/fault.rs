//! Why there is no usable reply, in one sentence that says what to do: by the reply's status, by the error
//! under the connection, in the server's own words where it gives any.

use std::error::Error as _;

use rustls::CertificateError;

use super::Reply;
use crate::domain::{Failure, FailureKind, SafeText, Span, Timestamp};

/// Why there is no usable reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// For people.
    pub failure: Failure,
    /// How long the server asks us to stay away.
    pub retry_after: Option<Span>,
    /// Whether the server may have acted on the request.
    pub may_have_acted: bool,
}

impl Fault {
    /// A fault of a request that certainly changed nothing.
    pub fn new(kind: FailureKind, sentence: &str, at: Timestamp) -> Self {
        let failure = Failure { kind, sentence: SafeText::new(sentence), at };
        Self { failure, retry_after: None, may_have_acted: false }
    }

    /// Whether the same request may go better soon.
    pub fn is_transient(&self) -> bool {
        use FailureKind as K;
        match self.failure.kind {
            K::Refused | K::TimedOut | K::Unreachable | K::RateLimited | K::ServerError => true,
            K::Unparseable => true,
            K::Tls | K::Unauthenticated | K::Forbidden | K::WrongApi | K::Redirected => false,
            K::TooLarge | K::BadQuery | K::HeldBack | K::Credential => false,
        }
    }
}

/// What a reply's status means: `Ok` when there is something for the connector to read.
///
/// 400 and 422 are answers to the question itself and left to the connector.
pub fn verdict(host: &str, reply: &Reply) -> Result<(), Fault> {
    use FailureKind as K;
    let html = || reply.body.trim_ascii_start().starts_with(b"<");
    // Nothing of a good answer is read here: it may be 12 MB.
    if matches!(reply.status, 200..=299 | 400 | 422) && !html() {
        return Ok(());
    }
    let said = match server_message(&reply.body) {
        Some(text) => format!(" It said: {text}."),
        None => String::new(),
    };
    let (kind, sentence) = match reply.status {
        200..=299 | 400 | 422 => (
            K::Unparseable,
            format!(
                "{host} answered with an HTML page instead of data; a login page or another service is at this address."
            ),
        ),
        // The server is well and says that this question was too much for it.
        500..=599 if is_query_error(&reply.body) => return Ok(()),
        401 => (
            K::Unauthenticated,
            format!("{host} does not accept our credentials (401); check the source's auth."),
        ),
        403 => (
            K::Forbidden,
            format!("{host} does not allow us this (403); ask its owner for read access.{said}"),
        ),
        404 | 405 => (
            K::WrongApi,
            format!(
                "{host} does not know this path ({}); check the URL, its path prefix and the source's kind.",
                reply.status
            ),
        ),
        429 => {
            let wait = reply.retry_after.map_or_else(String::new, |s| format!(" for {s}"));
            (
                K::RateLimited,
                format!("{host} asks us to slow down (429){wait}; it is asked again later."),
            )
        }
        500..=599 => (
            K::ServerError,
            format!("{host} failed with status {}; it is asked again.{said}", reply.status),
        ),
        other => (
            K::WrongApi,
            format!("{host} answered with status {other}, which its API does not promise.{said}"),
        ),
    };
    let mut fault = Fault::new(kind, &sentence, reply.received);
    fault.retry_after = reply.retry_after;
    fault.may_have_acted = matches!(kind, K::ServerError | K::Unparseable);
    Err(fault)
}

/// Prometheus answers a query it gave up on with 503 and says so in its own envelope.
fn is_query_error(body: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Envelope<'a> {
        error_type: &'a str,
    }
    serde_json::from_slice::<Envelope<'_>>(body)
        .is_ok_and(|e| matches!(e.error_type, "timeout" | "execution" | "canceled"))
}

/// The error a server reports, in any of the shapes seen: `{"error":…}`, `{"message":…}`, `"…"`.
pub fn server_message(body: &[u8]) -> Option<SafeText> {
    let text = said(&serde_json::from_slice(body).ok()?)?;
    Some(SafeText::new(text.trim_end_matches('.')))
}

/// A text, or what stands under one of the names that servers use for their reasons.
fn said(value: &serde_json::Value) -> Option<String> {
    use serde_json::Value;
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Array(all) => {
            let all: Vec<String> = all.iter().take(5).filter_map(said).collect();
            Some(all.join("; ")).filter(|text| !text.is_empty())
        }
        // A general word with the reasons beside it.
        Value::Object(fields)
            if fields.get("message").is_some_and(Value::is_string)
                && fields.get("errors").and_then(said).is_some() =>
        {
            let both = ["message", "errors"].iter().filter_map(|name| said(fields.get(*name)?));
            Some(both.collect::<Vec<_>>().join(": "))
        }
        Value::Object(fields) => ["error", "message", "msg", "errorMessages", "errors"]
            .iter()
            .find_map(|name| said(fields.get(*name)?))
            // Reasons field by field.
            .or_else(|| {
                let errors = ["errors", "message"].iter().find_map(|n| fields.get(*n)?.as_object());
                let errors = errors?.iter();
                let text = |(name, why): (&String, &Value)| Some(format!("{name}: {}", said(why)?));
                let all: Vec<String> = errors.take(5).filter_map(text).collect();
                Some(all.join("; ")).filter(|text| !text.is_empty())
            }),
        _ => None,
    }
}

/// The innermost words of an error; reqwest's own would print the URL.
pub(super) fn inner(error: &reqwest::Error) -> String {
    let mut words = String::from("its settings do not fit together");
    let mut next = error.source();
    while let Some(cause) = next {
        words = cause.to_string();
        next = cause.source();
    }
    words
}

/// Finds a cause of one type in the chain, also inside `io::Error`s.
pub(in crate::connectors) fn cause<'a, T: std::error::Error + 'static>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(at) = next {
        if let Some(found) = at.downcast_ref::<T>() {
            return Some(found);
        }
        if let Some(io) = at.downcast_ref::<std::io::Error>()
            && let Some(wrapped) = io.get_ref()
            && let Some(found) = cause::<T>(wrapped)
        {
            return Some(found);
        }
        next = at.source();
    }
    None
}

/// What went wrong, as the rest of a sentence that begins with the host.
pub(super) fn explain(error: &reqwest::Error) -> (FailureKind, String) {
    use FailureKind as K;
    use std::io::ErrorKind as Io;
    if let Some(tls) = cause::<rustls::Error>(error) {
        return (K::Tls, tls_words(tls, &["tls.ca", "the URL's host", "scheme and port"]));
    }
    if error.is_timeout() {
        let what = if error.is_connect() {
            "could not be reached within 2 s; check the network and the address."
        } else {
            "did not answer within the deadline; it is asked again."
        };
        return (K::TimedOut, what.to_owned());
    }
    if error.is_dns() {
        return (
            K::Unreachable,
            "cannot be found: its name does not resolve; check the URL and DNS.".to_owned(),
        );
    }
    if error.is_decode()
        || cause::<std::io::Error>(error).is_some_and(|e| e.kind() == Io::UnexpectedEof)
    {
        return (
            K::Unparseable,
            "broke off its answer or garbled it; it is asked again.".to_owned(),
        );
    }
    let io = cause::<std::io::Error>(error).map(std::io::Error::kind);
    if error.is_connect() {
        return match io {
            Some(Io::ConnectionRefused) => (
                K::Refused,
                "refuses connections; nothing listens there, check that the server runs."
                    .to_owned(),
            ),
            Some(Io::ConnectionReset | Io::BrokenPipe) => {
                (K::Refused, "closed the connection at once; check scheme and port.".to_owned())
            }
            _ => {
                (K::Unreachable, "cannot be reached; check the network and the address.".to_owned())
            }
        };
    }
    if error.is_builder() {
        return (
            K::WrongApi,
            "cannot be asked: the request could not be made from its URL.".to_owned(),
        );
    }
    (
        K::Unreachable,
        "lost the connection before the answer was complete; it is asked again.".to_owned(),
    )
}

/// Why TLS failed, to follow the server's name; `places` are where the authority, the host and the port are
/// configured.
pub(in crate::connectors) fn tls_words(
    error: &rustls::Error,
    [ca, host, port]: &[&str; 3],
) -> String {
    use CertificateError as C;
    let ask = "ask its owner to renew or repair it";
    let (what, to_do) = match error {
        rustls::Error::InvalidCertificate(why) => match why {
            C::Expired | C::ExpiredContext { .. } => {
                ("shows a certificate that has expired", ask.to_owned())
            }
            C::NotValidYet | C::NotValidYetContext { .. } => {
                ("shows a certificate that is not valid yet", "compare the clocks".to_owned())
            }
            // A bad signature: an authority of that name is trusted, but it did not sign this.
            C::UnknownIssuer | C::BadSignature => {
                ("shows a certificate of an unknown authority", format!("name its CA in {ca}"))
            }
            C::NotValidForName | C::NotValidForNameContext { .. } => {
                ("shows a certificate for another name", format!("check {host}"))
            }
            C::Revoked => ("shows a revoked certificate", ask.to_owned()),
            _ => ("shows a certificate that does not verify", ask.to_owned()),
        },
        rustls::Error::AlertReceived(alert) => {
            let alert = format!("{alert:?}");
            return match alert.as_str() {
                "CertificateRequired" | "HandshakeFailure" => {
                    "wants a client certificate we do not have; set tls.cert and tls.key."
                        .to_owned()
                }
                _ => format!("ended the TLS handshake ({alert}); check the client certificate."),
            };
        }
        rustls::Error::InvalidMessage(_) => {
            ("does not speak TLS on this port", format!("check {port}"))
        }
        _ => ("could not agree with us on TLS", ask.to_owned()),
    };
    format!("{what}; {to_do}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shapes_of_error_bodies_are_read() {
        for (body, said) in [
            (
                r#"{"code":612,"message":"matchers in body should have at least 1 items"}"#,
                Some("matchers in body should have at least 1 items"),
            ),
            (r#""silence not found""#, Some("silence not found")),
            (
                r#"{"status":"error","errorType":"bad_data","error":"parse error."}"#,
                Some("parse error"),
            ),
            (
                r#"{"error":{"message":"Invalid Input","code":2001,"errors":["Service Not Found"]}}"#,
                Some("Invalid Input: Service Not Found"),
            ),
            (
                r#"{"errorMessages":[],"errors":{"priority":"It is invalid."}}"#,
                Some("priority: It is invalid"),
            ),
            (
                r#"{"message":{"title":["is too long","is taken"]}}"#,
                Some("title: is too long; is taken"),
            ),
            ("404 page not found", None),
            ("[]", None),
        ] {
            assert_eq!(server_message(body.as_bytes()).as_deref(), said);
        }
    }
}
