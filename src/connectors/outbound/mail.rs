//! Mail by SMTP (lettre). The `Message-ID` is the operation's key, so that a mail that was sent twice after
//! all is shown once by most readers; a server keeps nothing that could be asked for.

use std::sync::Arc;

use async_trait::async_trait;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message as Letter, Tokio1Executor};

use super::super::Clock;
use super::super::http::{cause, tls_words};
use super::super::registry::Basic;
use super::config::{Smtp, SmtpTls};
use super::web::settled;
use super::{Outlet, mark, message, received, refused, unknown};
use crate::domain::{Message, Operation, Outcome, SafeText};

/// A mail server.
pub struct Mail {
    name: String,
    smtp: Smtp,
    to: Vec<SafeText>,
    clock: Arc<dyn Clock>,
}

impl Mail {
    /// A channel that mails to `to` unless the message says otherwise.
    pub const fn new(name: String, smtp: Smtp, to: Vec<SafeText>, clock: Arc<dyn Clock>) -> Self {
        Self { name, smtp, to, clock }
    }

    /// The letter, or what in it cannot be sent.
    fn letter(&self, message: &Message, key: &str) -> Result<Letter, Outcome> {
        let mailbox = |address: &str| {
            address.parse::<Mailbox>().map_err(|_| {
                refused(format!("`{}` is not a mail address.", SafeText::new(address)))
            })
        };
        let to = if message.to.is_empty() { &self.to } else { &message.to };
        if to.is_empty() {
            return Err(refused("No address is configured to mail to."));
        }
        let from = mailbox(&self.smtp.from)?;
        let domain = from.email.domain().to_owned();
        let mut letter: MessageBuilder = Letter::builder()
            .from(from)
            .subject(message.subject.as_str())
            .message_id(Some(format!("<{key}@{domain}>")))
            .header(ContentType::TEXT_PLAIN);
        for address in to {
            letter = letter.to(mailbox(address)?);
        }
        letter
            .body(format!("{}\n\n-- \n{}\n", message.body, mark(key)))
            .map_err(|e| refused(format!("The mail could not be put together: {e}.")))
    }

    async fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, Outcome> {
        let config = &self.smtp;
        let mut transport =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(config.host.as_str())
                .port(config.port)
                .timeout(Some(config.timeout.std()));
        if config.tls != SmtpTls::None {
            let mut parameters = TlsParameters::builder(config.host.clone());
            if let Some(path) = &config.ca {
                let unusable = || Outcome::Later {
                    why: SafeText::body(&format!("{} is not a PEM file.", path.display())),
                    at: self.clock.now(),
                };
                let pem = std::fs::read(path).map_err(|_| unusable())?;
                let ca = Certificate::from_pem(&pem).map_err(|_| unusable())?;
                // It alone: who names an authority does not mean every other one too.
                parameters = parameters.certificate_store(CertificateStore::None);
                parameters = parameters.add_root_certificate(ca);
            }
            let parameters = parameters
                .build_rustls()
                .map_err(|e| refused(format!("TLS for the mail server cannot be set up: {e}.")))?;
            transport = transport.tls(match config.tls {
                SmtpTls::Wrapped => Tls::Wrapper(parameters),
                _ => Tls::Required(parameters),
            });
        }
        if let Some(Basic { user, password }) = &config.auth {
            let password = password.read().await.map_err(|e| Outcome::Later {
                why: SafeText::body(&e.to_string()),
                at: self.clock.now(),
            })?;
            let password = String::from_utf8_lossy(password.expose()).into_owned();
            transport = transport.credentials(Credentials::new(user.clone(), password));
        }
        Ok(transport.build())
    }
}

#[async_trait]
impl Outlet for Mail {
    fn name(&self) -> &str {
        &self.name
    }

    async fn perform(&self, operation: &Operation, key: &str) -> Outcome {
        settled(async move {
            let letter = self.letter(message(operation)?, key)?;
            let transport = self.transport().await?;
            let server = format!("{}:{}", self.smtp.host, self.smtp.port);
            // Connected first, by itself: what fails here has certainly sent nothing.
            match transport.test_connection().await {
                Ok(true) => {}
                Ok(false) => {
                    let why = format!("{server} is not ready for mail.");
                    return Err(Outcome::Later { why: SafeText::body(&why), at: self.clock.now() });
                }
                Err(error) => return Err(self.failed(&server, &error, true)),
            }
            match transport.send(letter).await {
                Ok(answer) => {
                    let said = answer.message().collect::<Vec<_>>().join(" ");
                    Ok(received(said, ""))
                }
                Err(error) => Err(self.failed(&server, &error, false)),
            }
        })
        .await
    }
}

impl Mail {
    /// What an error means. `early` says that the mail itself was not begun.
    fn failed(&self, server: &str, error: &lettre::transport::smtp::Error, early: bool) -> Outcome {
        let said = SafeText::new(&innermost(error));
        let at = self.clock.now();
        if let Some(tls) = cause::<rustls::Error>(error) {
            let words = tls_words(tls, &["`ca`", "`host`", "`security` and `port`"]);
            return if early {
                refused(format!("{server} {words} Nothing was sent."))
            } else {
                unknown(format!("The connection broke while the mail was sent: {server} {words}"))
            };
        }
        // Never without what was configured: who sits between could have taken the offer away.
        if early
            && error.is_client()
            && self.smtp.tls == SmtpTls::StartTls
            && said.contains("STARTTLS")
        {
            return refused(format!(
                "{server} does not offer to encrypt the line (STARTTLS). Nothing was sent; check `security` \
                 and `port`, and who stands between."
            ));
        }
        if error.is_permanent() {
            return refused(format!("{server} refused the mail: {said}."));
        }
        // A 4xx is the server's own word that it has not taken it.
        if early || error.is_transient() {
            let why = format!("{server} could not take the mail now: {said}.");
            return Outcome::Later { why: SafeText::body(&why), at };
        }
        unknown(format!("The connection to {server} broke while the mail was sent: {said}."))
    }
}

fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string().trim_end_matches('.').to_owned()
}
