//! The HTTP client against servers that misbehave: every failure has its kind and a sentence, and
//! no secret leaves.

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use quarterdeck::connectors::http::{Fault, Live, Transport, verdict};
use quarterdeck::connectors::registry::{Basic, SourceConfig, probe};
use quarterdeck::connectors::secret::SecretRef;
use quarterdeck::connectors::{Ask, Clock, Method, Reply};
use quarterdeck::domain::{FailureKind, SourceKind, Span, Timestamp};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::connectors::{ask, fixture};

const MARK: &str = "hunter2-marked";

fn clock() -> Arc<dyn Clock> {
    Arc::new(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::from_millis(now.as_millis().try_into().unwrap())
    })
}

fn secret() -> SecretRef {
    SecretRef::Command(vec!["echo".into(), MARK.into()])
}

fn config(url: &str) -> SourceConfig {
    let mut config = SourceConfig::new("prom", SourceKind::Prometheus, url);
    config.basic = Some(Basic { user: "ann".into(), password: secret() });
    config.headers.insert("X-Api-Key".into(), secret());
    config.timeout = Span::from_millis(700);
    config.max_body = 20_000;
    config
}

fn query() -> Ask {
    let params = vec![("query", "up{secret=\"q\"}".to_owned())];
    Ask { path: "/api/v1/query".into(), params, ..ask("q") }
}

async fn exchange(config: &SourceConfig) -> Result<Reply, Fault> {
    let live: Live = config.live(clock()).unwrap();
    let reply = live.exchange(&query()).await?;
    verdict(&config.address(), &reply).map(|()| reply)
}

async fn answering(template: ResponseTemplate) -> (MockServer, Result<Reply, Fault>) {
    let server = MockServer::start().await;
    Mock::given(path("/api/v1/query")).respond_with(template).mount(&server).await;
    let answer = exchange(&config(&server.uri())).await;
    (server, answer)
}

/// Large bodies are collected in memory that is used again: nothing of one may be seen in the next.
#[tokio::test]
async fn a_body_is_what_was_sent_whatever_was_sent_before() {
    let server = MockServer::start().await;
    let mut config = config(&server.uri());
    (config.max_body, config.timeout) = (4 << 20, Span::from_secs(20));
    let live = config.live(clock()).unwrap();
    for (sign, len) in
        [(b'a', 2 << 20), (b'b', 300 << 10), (b'c', 9), (b'd', 3 << 20), (b'e', 1 << 20)]
    {
        let sent = vec![sign; len];
        server.reset().await;
        let answer = ResponseTemplate::new(200).set_body_bytes(sent.clone());
        Mock::given(path("/api/v1/query")).respond_with(answer).mount(&server).await;
        let reply = live.exchange(&query()).await.unwrap();
        assert!(reply.body == sent, "{} bytes of {}", reply.body.len(), char::from(sign));
        live.take_back(reply.body);
    }
}

#[tokio::test]
async fn every_failing_status_has_its_kind_and_a_sentence() {
    use FailureKind as K;
    let status = ResponseTemplate::new;
    let json = |code, body: &str| status(code).set_body_raw(body.as_bytes(), "application/json");
    for (template, kind, said) in [
        (status(401), K::Unauthenticated, "does not accept our credentials"),
        (json(403, r#"{"error":"tenant unknown"}"#), K::Forbidden, "It said: tenant unknown."),
        (status(404).set_body_string("404 page not found"), K::WrongApi, "does not know this path"),
        (status(405), K::WrongApi, "does not know this path"),
        (status(429).insert_header("Retry-After", "17"), K::RateLimited, "slow down (429) for 17s"),
        (
            json(503, r#"{"status":"error","error":"query timed out"}"#),
            K::ServerError,
            "It said: query timed out.",
        ),
        (
            status(502).set_body_string("<html>Bad gateway</html>"),
            K::ServerError,
            "failed with status 502",
        ),
        (
            status(200).set_body_string("\n<!DOCTYPE html><title>Log in"),
            K::Unparseable,
            "HTML page",
        ),
        (
            status(302).insert_header("Location", "http://evil.example/x?token=SECRETQ"),
            K::Redirected,
            "redirects to http://evil.example,",
        ),
        (status(200).set_body_bytes(vec![b'['; 20_001]), K::TooLarge, "more than 19 KiB"),
        (
            status(200).set_delay(std::time::Duration::from_secs(5)),
            K::TimedOut,
            "within the deadline",
        ),
    ] {
        let (_server, answer) = answering(template).await;
        let fault = answer.unwrap_err();
        let sentence = fault.failure.sentence.as_str();
        assert_eq!(fault.failure.kind, kind, "{sentence}");
        assert!(sentence.contains(said), "{sentence}");
        for hidden in [MARK, "SECRETQ", "secret=", "query=", "ann"] {
            assert!(!format!("{fault:?}").contains(hidden), "{fault:?}");
        }
        assert_eq!(fault.retry_after.is_some(), kind == K::RateLimited);
        assert_eq!(
            fault.may_have_acted,
            matches!(kind, K::ServerError | K::Unparseable | K::TooLarge | K::TimedOut)
        );
    }
}

#[tokio::test]
async fn a_query_the_server_gave_up_on_is_the_questions_fault_and_not_the_servers() {
    let timeout = ResponseTemplate::new(503).set_body_bytes(fixture("error_timeout.json"));
    let (_server, answer) = answering(timeout).await;
    assert_eq!(answer.unwrap().status, 503);
}

#[tokio::test]
async fn a_gzip_bomb_is_stopped_by_the_cap_on_what_comes_out() {
    // Two million spaces in two kilobytes.
    let bomb = fixture("bomb.gz");
    assert!(bomb.len() < 20_000);
    let template =
        ResponseTemplate::new(200).set_body_bytes(bomb).insert_header("Content-Encoding", "gzip");
    let (_server, answer) = answering(template).await;
    assert_eq!(answer.unwrap_err().failure.kind, FailureKind::TooLarge);
}

#[tokio::test]
async fn a_redirect_never_carries_a_credential_to_another_host() {
    let other = MockServer::start().await;
    let to = format!("{}/steal", other.uri());
    let (_server, answer) =
        answering(ResponseTemplate::new(307).insert_header("Location", to)).await;
    assert_eq!(answer.unwrap_err().failure.kind, FailureKind::Redirected);
    assert!(other.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn credentials_headers_prefix_and_form_arrive_as_they_should() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/prefix/api/v1/query"))
        .and(header("authorization", "Basic YW5uOmh1bnRlcjItbWFya2Vk"))
        .and(header("x-api-key", MARK))
        .and(header("content-type", "application/x-www-form-urlencoded"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_string("{}")
                .insert_header("Date", "Sun, 22 Nov 2026 12:00:00 GMT"),
        )
        .expect(1)
        .mount(&server)
        .await;
    let live = config(&format!("{}/prefix/", server.uri())).live(clock()).unwrap();
    let reply = live.exchange(&Ask { method: Method::Post, ..query() }).await.unwrap();
    assert_eq!((reply.status, reply.date), (200, Some(crate::connectors::NOON)));
    let request = &server.received_requests().await.unwrap()[0];
    assert_eq!(request.body, b"query=up%7Bsecret%3D%22q%22%7D");
    assert!(request.headers.get("referer").is_none());
}

#[tokio::test]
async fn a_rotated_credential_is_read_again_after_a_401() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    let write = |text: &str| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    write("old");
    let server = MockServer::start().await;
    let ok = ResponseTemplate::new(200).set_body_string("{}");
    Mock::given(header("authorization", "Bearer old"))
        .respond_with(ok.clone())
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(header("authorization", "Bearer new")).respond_with(ok).mount(&server).await;
    Mock::given(header("authorization", "Bearer old"))
        .respond_with(ResponseTemplate::new(401))
        .mount(&server)
        .await;
    let mut config = SourceConfig::new("prom", SourceKind::Prometheus, &server.uri());
    config.bearer = Some(SecretRef::File(file.clone()));
    let live = config.live(clock()).unwrap();
    assert_eq!(live.exchange(&query()).await.unwrap().status, 200);
    write("new");
    assert_eq!(live.exchange(&query()).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_missing_credential_is_said_without_asking_anybody() {
    let mut config = config("http://127.0.0.1:9");
    config.basic =
        Some(Basic { user: "a".into(), password: SecretRef::Env("QUARTERDECK_TEST_UNSET".into()) });
    let fault = exchange(&config).await.unwrap_err();
    assert_eq!(fault.failure.kind, FailureKind::Credential);
    assert!(fault.failure.sentence.contains("the environment variable QUARTERDECK_TEST_UNSET"));
}

#[tokio::test]
async fn nobody_listening_and_no_such_name_are_told_apart() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = exchange(&config(&format!("http://{free}"))).await.unwrap_err();
    assert_eq!((refused.failure.kind, refused.may_have_acted), (FailureKind::Refused, false));
    let unknown = exchange(&config("http://no-such-host.invalid")).await.unwrap_err();
    assert_eq!((unknown.failure.kind, unknown.may_have_acted), (FailureKind::Unreachable, false));
    assert!(unknown.failure.sentence.contains("does not resolve"), "{}", unknown.failure.sentence);
}

#[tokio::test]
async fn an_answer_cut_off_in_the_middle_is_not_taken_for_whole() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0u8; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"status\"");
    });
    let fault = exchange(&config(&url)).await.unwrap_err();
    server.join().unwrap();
    assert!(matches!(fault.failure.kind, FailureKind::Unparseable | FailureKind::Unreachable));
    assert!(fault.may_have_acted && fault.is_transient());
}

/// An authority and what it signs.
pub(crate) struct Authority {
    pub(crate) issuer: rcgen::CertifiedIssuer<'static, rcgen::KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = rcgen::CertificateParams::new(vec![]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        Self { issuer: rcgen::CertifiedIssuer::self_signed(params, key).unwrap() }
    }

    pub(crate) fn sign(&self, name: &str, expired: bool) -> (rcgen::Certificate, rcgen::KeyPair) {
        let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![
            rcgen::ExtendedKeyUsagePurpose::ServerAuth,
            rcgen::ExtendedKeyUsagePurpose::ClientAuth,
        ];
        if expired {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2020, 2, 1);
        }
        let key = rcgen::KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }
}

/// Serves `{}` over TLS to one connection after another; asks for a client certificate if told.
fn tls_server(authority: &Authority, name: &str, expired: bool, wants_client: bool) -> String {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (cert, key) = authority.sign(name, expired);
    let builder = rustls::ServerConfig::builder();
    let builder = if wants_client {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(authority.issuer.der().clone()).unwrap();
        let verifier = rustls::server::WebPkiClientVerifier::builder(roots.into()).build().unwrap();
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = Arc::new(builder.with_single_cert(vec![cert.der().clone()], key).unwrap());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        for stream in listener.incoming().take(4) {
            let tls = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::StreamOwned::new(tls, stream.unwrap());
            if stream.read(&mut [0u8; 4096]).is_ok() {
                let _ = stream.write_all(
                    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
                );
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    url
}

#[tokio::test]
async fn tls_failures_are_told_apart_and_own_authorities_and_client_certificates_work() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        Some(path)
    };
    let authority = Authority::new();
    let (cert, key) = authority.sign("ann", false);
    let ca = write("ca.pem", authority.issuer.pem());
    let (cert, key) = (write("cert.pem", cert.pem()), write("key.pem", key.serialize_pem()));
    let of = |url: String, client: bool| {
        let mut of = config(&url);
        of.timeout = Span::from_secs(5);
        of.tls.ca = ca.clone();
        if client {
            (of.tls.cert, of.tls.key) = (cert.clone(), key.clone());
        }
        of
    };
    let good = exchange(&of(tls_server(&authority, "localhost", false, false), false)).await;
    assert_eq!(good.unwrap().body, b"{}");
    for (server, said) in [
        (tls_server(&authority, "localhost", true, false), "has expired"),
        (tls_server(&authority, "other.example", false, false), "for another name"),
        (tls_server(&Authority::new(), "localhost", false, false), "unknown authority"),
    ] {
        let fault = exchange(&of(server, false)).await.unwrap_err();
        assert_eq!(fault.failure.kind, FailureKind::Tls, "{}", fault.failure.sentence);
        assert!(fault.failure.sentence.contains(said), "{}", fault.failure.sentence);
    }
    let strict = || tls_server(&authority, "localhost", false, true);
    let without = exchange(&of(strict(), false)).await.unwrap_err();
    assert!(
        without.failure.sentence.contains("client certificate"),
        "{}",
        without.failure.sentence
    );
    assert_eq!(exchange(&of(strict(), true)).await.unwrap().body, b"{}");
}

#[tokio::test]
async fn a_probe_tells_version_and_rules_and_forgives_what_others_lack() {
    let server = MockServer::start().await;
    let time = r#"{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}"#;
    Mock::given(path("/api/v1/query"))
        .respond_with(ResponseTemplate::new(200).set_body_string(time))
        .mount(&server)
        .await;
    Mock::given(path("/api/v1/rules"))
        .respond_with(ResponseTemplate::new(200).set_body_bytes(fixture("rules.json")))
        .mount(&server)
        .await;
    let found = probe(&config(&server.uri()), clock()).await.unwrap();
    assert_eq!(
        (found.version.as_str(), found.rules.rules.is_empty()),
        ("", false),
        "no build information: fine"
    );
}

#[test]
fn a_configured_source_is_checked_field_by_field() {
    let read = |toml: &str| toml::from_str::<SourceConfig>(toml);
    let config = read(
        "name = \"p\"\nkind = \"prometheus\"\nurl = \"http://p:9090/x\"\nbearer = { env = \"T\" }",
    )
    .unwrap();
    assert_eq!(
        (config.interval, config.limit, config.address().as_str()),
        (Span::from_secs(15), 4, "http://p:9090")
    );
    let origins: Vec<String> = config.credentials().iter().map(|c| c.origin()).collect();
    assert_eq!(origins, ["the environment variable T"]);
    assert!(read("name = \"p\"\nkind = \"prometheus\"\nurl = \"u\"\ninsecure = true").is_err());
    for (url, said) in [
        ("p:9090", "must begin with http"),
        ("http://ann:hunter2-marked@p", "holds credentials"),
        ("http://p/?q=hunter2-marked", "must not hold a query"),
    ] {
        let why = SourceConfig::new("p", SourceKind::Prometheus, url).check().unwrap_err();
        assert!(why.contains(said) && !why.contains(MARK), "{why}");
    }
}
