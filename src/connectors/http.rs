//! The only place that speaks HTTP: TLS, credentials, size caps; what each failure means is below it.
//!
//! Redirects are never followed: they could carry a credential to a host nobody chose. Sentences
//! name hosts, never paths' queries or user info. A body is counted after decompression.

mod fault;

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::Mutex;

pub use fault::{Fault, server_message, verdict};
pub(super) use fault::{cause, tls_words};
use fault::{explain, inner};

use super::outbound::config::Scheme;
use super::outbound::{Body, Call, Verb};
use super::secret::{Secret, SecretError, SecretRef};
use super::{Ask, Clock, Method, Reply};
use crate::domain::{FailureKind, SafeText, Span, Timestamp};

/// Answers asks: live, from a recording, or live with a recording being made.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Makes one exchange. Any HTTP status is a [`Reply`]; see [`verdict`] for what it means.
    async fn exchange(&self, ask: &Ask) -> Result<Reply, Fault>;

    /// Takes back the memory of a body that has been read, for the next large one.
    fn take_back(&self, _body: Vec<u8>) {}
}

/// Bodies above this are collected in memory that is kept from one to the next: asked for anew and given
/// back every time, thirteen megabytes cost more than what is in them.
const LARGE: usize = 256 * 1024;
/// What a large body is given room for at first: twenty thousand alerts.
const ROOM: usize = 16 * 1024 * 1024;

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
                Some((scheme, with(scheme, STANDARD.encode(&pair).as_bytes()), password))
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

#[async_trait]
impl Transport for Live {
    async fn exchange(&self, ask: &Ask) -> Result<Reply, Fault> {
        let reply = self.once(ask, false).await?;
        // A rotated credential: read it again, once. A 401 changed nothing at the server.
        if reply.status == 401 && self.may_change() {
            return self.once(ask, true).await;
        }
        Ok(reply)
    }

    fn take_back(&self, mut body: Vec<u8>) {
        body.clear();
        let mut spare = self.spare.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if body.capacity() > spare.capacity().max(LARGE) {
            *spare = body;
        }
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
