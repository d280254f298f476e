//! The only file that speaks HTTP: TLS, credentials, size caps, and what each failure means.
//!
//! Redirects are never followed: they could carry a credential to a host nobody chose. Sentences
//! name hosts, never paths' queries or user info. A body is counted after decompression.

use std::error::Error as _;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use rustls::CertificateError;
use tokio::sync::Mutex;

use super::outbound::config::Scheme;
use super::outbound::{Body, Call, Verb};
use super::secret::{Secret, SecretError, SecretRef};
use super::{Ask, Clock, Method, Reply};
use crate::domain::{Failure, FailureKind, SafeText, Span, Timestamp};

/// Answers asks: live, from a recording, or live with a recording being made.
pub trait Transport: Send + Sync {
    /// Makes one exchange. Any HTTP status is a [`Reply`]; see [`verdict`] for what it means.
    fn exchange<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Reply, Fault>>;

    /// Takes back the memory of a body that has been read, for the next large one.
    fn take_back(&self, _body: Vec<u8>) {}
}

/// Bodies above this are collected in memory that is kept from one to the next: asked for anew and given
/// back every time, thirteen megabytes cost more than what is in them.
const LARGE: usize = 256 * 1024;
/// What a large body is given room for at first: twenty thousand alerts.
const ROOM: usize = 16 * 1024 * 1024;

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

/// How to prove who we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// Nothing is sent.
    None,
    /// User name and password.
    Basic {
        /// The name.
        user: String,
        /// Where the password is kept.
        password: SecretRef,
    },
    /// A token.
    Bearer(SecretRef),
    /// A token, sent as a vendor wants it.
    Token {
        /// How.
        scheme: Scheme,
        /// Where the token is kept.
        token: SecretRef,
    },
}

/// PEM texts for TLS.
#[derive(Clone, Default)]
pub struct TlsFiles {
    /// Authorities trusted instead of the system's.
    pub ca: Option<Vec<u8>>,
    /// Client certificate chain and key, one after the other.
    pub identity: Option<Vec<u8>>,
}

impl std::fmt::Debug for TlsFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (ca, identity) = (self.ca.is_some(), self.identity.is_some());
        write!(f, "TlsFiles {{ ca: {ca}, identity: {identity} }}")
    }
}

/// What a live transport needs to know.
#[derive(Debug, Clone)]
pub struct LiveConfig {
    /// Base URL; asks' paths are put behind its path.
    pub url: url::Url,
    /// Who we are.
    pub auth: Auth,
    /// Further headers (`X-Scope-OrgID`); treated as secret.
    pub headers: Vec<(String, SecretRef)>,
    /// Own certificates.
    pub tls: TlsFiles,
    /// Total deadline of one exchange.
    pub timeout: Span,
    /// Most bytes of a body after decompression.
    pub max_body: usize,
    /// Whether a connection may be used again. What must not be sent twice never goes over one that the
    /// other side may be closing: nobody could tell whether it was read.
    pub reuse: bool,
    /// Whether cookies are kept, for servers that want a session.
    pub session: bool,
    /// Proxy to use; the environment's is ignored, so that credentials go where the file says.
    pub proxy: Option<url::Url>,
}

/// The real thing.
pub struct Live {
    client: reqwest::Client,
    config: LiveConfig,
    clock: Arc<dyn Clock>,
    /// Headers with credentials, read at first use and again after a 401.
    secrets: Mutex<Option<HeaderMap>>,
    /// Memory of the last large body.
    spare: std::sync::Mutex<Vec<u8>>,
}

impl Live {
    /// Builds the client; the sentence says what in the configuration is wrong.
    pub fn new(config: LiveConfig, clock: Arc<dyn Clock>) -> Result<Self, SafeText> {
        // One provider for the whole process; a second installation is refused and harmless.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .gzip(true)
            .connect_timeout(std::time::Duration::from_secs(2))
            .timeout(config.timeout.std())
            .pool_idle_timeout(std::time::Duration::from_secs(90))
            .cookie_store(config.session)
            .pool_max_idle_per_host(if config.reuse { usize::MAX } else { 0 })
            .user_agent(concat!("quarterdeck/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = &config.tls.ca {
            let certs = reqwest::Certificate::from_pem_bundle(pem)
                .ok()
                .filter(|certs| !certs.is_empty())
                .ok_or("The CA file holds no PEM certificate.")?;
            builder = builder.tls_certs_only(certs);
        }
        if config.url.scheme() == "http" {
            // A machine without any authorities (a small container) can still ask plainly.
            builder = builder.tls_certs_only([]);
        }
        if let Some(pem) = &config.tls.identity {
            let identity = reqwest::Identity::from_pem(pem).map_err(
                |_| "The client certificate or its key is not PEM, or they do not belong together.",
            )?;
            builder = builder.identity(identity);
        }
        if let Some(proxy) = &config.proxy {
            let proxy =
                reqwest::Proxy::all(proxy.clone()).map_err(|_| "The proxy's URL is wrong.")?;
            builder = builder.proxy(proxy);
        }
        let client = builder.build().map_err(|e| {
            SafeText::new(&format!("The HTTP client cannot be made: {}.", inner(&e)))
        })?;
        let spare = std::sync::Mutex::default();
        Ok(Self { client, config, clock, secrets: Mutex::new(None), spare })
    }

    fn host(&self) -> String {
        address(&self.config.url)
    }

    async fn headers(&self, anew: bool) -> Result<HeaderMap, SecretError> {
        let mut kept = self.secrets.lock().await;
        if let Some(headers) = kept.as_ref().filter(|_| !anew) {
            return Ok(headers.clone());
        }
        let mut headers = HeaderMap::new();
        let with = |scheme: Scheme, rest: &[u8]| [scheme.before.as_bytes(), rest].concat();
        let auth = match &self.config.auth {
            Auth::None => None,
            Auth::Basic { user, password } => {
                let mut pair = format!("{user}:").into_bytes();
                pair.extend_from_slice(password.read().await?.expose());
                let scheme = Scheme { before: "Basic ", ..Scheme::BEARER };
                Some((scheme, with(scheme, base64(&pair).as_bytes()), password))
            }
            Auth::Bearer(token) => {
                Some((Scheme::BEARER, with(Scheme::BEARER, token.read().await?.expose()), token))
            }
            Auth::Token { scheme, token } => {
                Some((*scheme, with(*scheme, token.read().await?.expose()), token))
            }
        };
        if let Some((scheme, value, place)) = auth {
            let header = HeaderName::from_static(scheme.header);
            headers.insert(header, sensitive(&value, place)?);
        }
        for (name, place) in &self.config.headers {
            let secret: Secret = place.read().await?;
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| SecretError {
                origin: place.origin(),
                why: format!("`{name}` is not a header name"),
            })?;
            headers.insert(name, sensitive(secret.expose(), place)?);
        }
        *kept = Some(headers.clone());
        Ok(headers)
    }

    /// Makes a call of an outlet, with a rotated credential read again once.
    pub async fn call(&self, call: &Call) -> Result<Reply, Fault> {
        let reply = self.send(call, false).await?;
        if reply.status == 401 && self.may_change() {
            self.send(call, true).await
        } else {
            Ok(reply)
        }
    }

    async fn send(&self, call: &Call, anew: bool) -> Result<Reply, Fault> {
        let secrets = self.secrets(anew).await?;
        let mut url = self.url(&call.path);
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let method = match call.verb {
            Verb::Get => reqwest::Method::GET,
            Verb::Post => reqwest::Method::POST,
            Verb::Put => reqwest::Method::PUT,
            Verb::Patch => reqwest::Method::PATCH,
            Verb::Delete => reqwest::Method::DELETE,
        };
        let mut request = self.client.request(method, url).headers(secrets);
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        request = match &call.body {
            Body::Empty => request,
            Body::Json(json) => {
                request.header("content-type", "application/json").body(json.to_string())
            }
            Body::Form(fields) => {
                let form = url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(fields)
                    .finish();
                request.header("content-type", "application/x-www-form-urlencoded").body(form)
            }
            Body::Text(text) => {
                request.header("content-type", "text/plain; charset=utf-8").body(text.clone())
            }
        };
        self.exchanged(request).await
    }

    async fn secrets(&self, anew: bool) -> Result<HeaderMap, Fault> {
        let fault =
            |e: SecretError| Fault::new(FailureKind::Credential, &e.to_string(), self.clock.now());
        self.headers(anew).await.map_err(fault)
    }

    /// The base URL with `path` behind its own. An empty path leaves it as configured.
    fn url(&self, path: &str) -> url::Url {
        let mut url = self.config.url.clone();
        if !path.is_empty() {
            url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        }
        url
    }

    fn may_change(&self) -> bool {
        !matches!(self.config.auth, Auth::None) || !self.config.headers.is_empty()
    }

    async fn once(&self, ask: &Ask, anew: bool) -> Result<Reply, Fault> {
        let secrets = self.secrets(anew).await?;
        let mut url = self.url(&ask.path);
        let form =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&ask.params).finish();
        let as_form = ask.method == Method::Post && ask.body.is_none();
        if !as_form && !form.is_empty() {
            url.set_query(Some(&form));
        }
        let method = match ask.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut request = self.client.request(method, url).headers(secrets);
        if let Some(body) = &ask.body {
            request = request.header("content-type", "application/json").body(body.clone());
        } else if as_form {
            request =
                request.header("content-type", "application/x-www-form-urlencoded").body(form);
        }
        self.exchanged(request).await
    }

    /// Sends, and reads the answer whole, below the cap.
    async fn exchanged(&self, request: reqwest::RequestBuilder) -> Result<Reply, Fault> {
        let fault = |kind, sentence: &str| Fault::new(kind, sentence, self.clock.now());
        let sent = self.clock.now();
        let mut response = request.send().await.map_err(|e| self.fault(&e))?;
        let status = response.status().as_u16();
        if (300..400).contains(&status) && status != 304 {
            let to = response
                .headers()
                .get(reqwest::header::LOCATION)
                .and_then(|v| v.to_str().ok())
                .and_then(|v| self.config.url.join(v).ok())
                .map_or_else(|| "an unnamed place".to_owned(), |url| address(&url));
            return Err(fault(
                FailureKind::Redirected,
                &format!(
                    "{} redirects to {to}, which is not followed; put the final address into the configuration.",
                    self.host()
                ),
            ));
        }
        let (date, retry_after) = self.times(response.headers());
        let mut body = Vec::with_capacity(
            response.content_length().map_or(0, |n| n as usize).min(self.config.max_body),
        );
        while let Some(chunk) = response.chunk().await.map_err(|e| self.fault(&e))? {
            if body.len() + chunk.len() > self.config.max_body {
                let cap = crate::domain::bytes(self.config.max_body);
                let mut fault = fault(
                    FailureKind::TooLarge,
                    &format!(
                        "{} answered with more than {cap}, the cap; narrow the question or raise max_body_mib.",
                        self.host()
                    ),
                );
                fault.may_have_acted = true;
                return Err(fault);
            }
            let needed = body.len() + chunk.len();
            if body.capacity() < LARGE && needed > LARGE {
                let small = std::mem::replace(&mut body, self.spare());
                body.extend_from_slice(&small);
            }
            if needed > LARGE.max(body.capacity()) {
                // Memory that is not written to costs nothing, and moving millions of bytes does.
                let room = needed.saturating_mul(4).max(ROOM).min(self.config.max_body);
                body.reserve_exact(room - body.len());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, body, retry_after, date, sent, received: self.clock.now() })
    }

    fn spare(&self) -> Vec<u8> {
        let mut spare = self.spare.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        std::mem::take(&mut spare)
    }

    fn times(&self, headers: &HeaderMap) -> (Option<Timestamp>, Option<Span>) {
        let text = |name| headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok());
        let date = text(reqwest::header::DATE).and_then(http_date);
        let retry_after = text(reqwest::header::RETRY_AFTER).and_then(|value| {
            let span = match value.trim().parse::<i64>() {
                Ok(secs) => Span::from_secs(secs),
                Err(_) => http_date(value)?.since(date.unwrap_or_else(|| self.clock.now())),
            };
            // An hour is longer than any server should keep an incident's console blind.
            Some(span.clamp(Span::ZERO, Span::from_hours(1)))
        });
        (date, retry_after)
    }

    fn fault(&self, error: &reqwest::Error) -> Fault {
        let (kind, mut what) = explain(error);
        let anonymous = self.config.url.scheme() == "https" && self.config.tls.identity.is_none();
        // With TLS 1.3 a server refuses a missing certificate after the handshake, and over HTTP/2 its
        // reason is lost on the way here.
        if kind == FailureKind::Unreachable && !error.is_connect() && anonymous {
            what.push_str(
                " If it asks for a client certificate, set the source's tls.cert and tls.key.",
            );
        }
        let mut fault = Fault::new(kind, &format!("{} {what}", self.host()), self.clock.now());
        fault.may_have_acted = !error.is_connect() && !error.is_builder();
        fault
    }
}

impl Transport for Live {
    fn exchange<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Reply, Fault>> {
        Box::pin(async move {
            let reply = self.once(ask, false).await?;
            // A rotated credential: read it again, once. A 401 changed nothing at the server.
            if reply.status == 401 && self.may_change() {
                return self.once(ask, true).await;
            }
            Ok(reply)
        })
    }

    fn take_back(&self, mut body: Vec<u8>) {
        body.clear();
        let mut spare = self.spare.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if body.capacity() > spare.capacity().max(LARGE) {
            *spare = body;
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

/// Scheme, host and port of a URL, for people: no user info, path or query.
pub fn address(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or("(no host)");
    match url.port() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    }
}

fn http_date(text: &str) -> Option<Timestamp> {
    let since = httpdate::parse_http_date(text).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Timestamp::from_millis(i64::try_from(since.as_millis()).ok()?))
}

fn sensitive(value: &[u8], place: &SecretRef) -> Result<HeaderValue, SecretError> {
    let mut value = HeaderValue::from_bytes(value).map_err(|_| SecretError {
        origin: place.origin(),
        why: "it holds characters a header cannot carry, such as a line break".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn base64(raw: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(raw.len().div_ceil(3) * 4);
    for three in raw.chunks(3) {
        let bits =
            three.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - three.len()));
        for at in 0..4 {
            let sextet = (bits >> (18 - 6 * at)) & 63;
            out.push(if at <= three.len() { char::from(ALPHABET[sextet as usize]) } else { '=' });
        }
    }
    out
}

/// The innermost words of an error; reqwest's own would print the URL.
fn inner(error: &reqwest::Error) -> String {
    let mut words = String::from("its settings do not fit together");
    let mut next = error.source();
    while let Some(cause) = next {
        words = cause.to_string();
        next = cause.source();
    }
    words
}

/// Finds a cause of one type in the chain, also inside `io::Error`s.
pub(super) fn cause<'a, T: std::error::Error + 'static>(
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
fn explain(error: &reqwest::Error) -> (FailureKind, String) {
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
pub(super) fn tls_words(error: &rustls::Error, [ca, host, port]: &[&str; 3]) -> String {
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
    fn base64_is_that_of_rfc_4648() {
        for (raw, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(raw.as_bytes()), text);
        }
    }

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
