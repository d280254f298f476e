//! Short messages by Kannel, a gateway of one's own between us and the carrier.
//!
//! All numbers go in one request, so that none is told twice. It passes on and keeps nothing: an attempt whose
//! answer was lost stays unknown.

use async_trait::async_trait;

use super::config::Endpoint;
use super::push::short_message;
use super::web::{Body, Call, Verb, Web, settled};
use super::{Outlet, mark, message, received, refused};
use crate::connectors::secret::SecretRef;
use crate::domain::{Operation, Outcome, SafeText};

/// A Kannel gateway.
pub struct Kannel {
    name: String,
    from: String,
    to: Vec<String>,
    web: Web,
}

/// Its own headers for user and password: in the query, where it takes them too, they would be in every log
/// on the way.
pub(super) fn credentials(endpoint: &Endpoint) -> Endpoint {
    let mut endpoint = endpoint.clone();
    if let Some(basic) = endpoint.basic.take() {
        let user = SecretRef::Given(basic.user);
        endpoint.headers.insert("x-kannel-username".to_owned(), user);
        endpoint.headers.insert("x-kannel-password".to_owned(), basic.password);
    }
    endpoint
}

/// How a text is coded on its last mile: as the carriers' own alphabet where it has every letter, else as
/// UCS-2, of which less fits into one message. What both alphabets agree on is told apart, no more.
fn coding(text: &str) -> &'static str {
    let simple = |c: char| c == '\n' || ((' '..='~').contains(&c) && c != '`');
    if text.chars().all(simple) { "0" } else { "2" }
}

impl Kannel {
    /// Sends from one number to those configured, unless the message says otherwise.
    pub const fn new(name: String, from: String, to: Vec<String>, web: Web) -> Self {
        Self { name, from, to, web }
    }
}

#[async_trait]
impl Outlet for Kannel {
    fn name(&self) -> &str {
        &self.name
    }

    async fn perform(&self, operation: &Operation, key: &str) -> Outcome {
        settled(async move {
            let message = message(operation)?;
            let to = if message.to.is_empty() {
                self.to.join(" ")
            } else {
                message.to.iter().map(SafeText::as_str).collect::<Vec<_>>().join(" ")
            };
            if to.is_empty() {
                return Err(refused("No number is configured to send to."));
            }
            let text = short_message(message, &mark(key));
            let call = Call::new(Verb::Post, "/cgi-bin/sendsms", Body::Text(text.clone()))
                .header("x-kannel-to", to)
                .header("x-kannel-from", self.from.as_str())
                .header("x-kannel-coding", coding(&text))
                .header("x-kannel-charset", "UTF-8");
            let reply = self.web.call(&call).await?;
            let said = SafeText::new(String::from_utf8_lossy(&reply.body).trim());
            if reply.status == 503 {
                // Its own word: nothing was taken, as the part that talks to the carrier is away.
                let why = SafeText::body(&format!("The gateway cannot send now: {said}"));
                return Err(Outcome::Later { why, at: self.web.now() });
            }
            // What it says is not JSON.
            if (400..500).contains(&reply.status) && reply.status != 429 && !said.is_empty() {
                return Err(refused(format!("The gateway refused it ({}): {said}.", reply.status)));
            }
            self.web.verdict(&reply)?;
            Ok(received(&*said, ""))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::registry::Basic;

    #[test]
    fn letters_that_carriers_lack_are_sent_as_ucs_2() {
        for (text, wanted) in [
            ("SEV-1 checkout {a} ~ ref 5eed", "0"),
            ("two\nlines", "0"),
            ("`code`", "2"),
            ("Kasse gestört", "2"),
            ("支払い", "2"),
            ("a\tb", "2"),
        ] {
            assert_eq!(coding(text), wanted, "{text}");
        }
    }

    #[test]
    fn the_password_is_in_no_url() {
        let password = SecretRef::Env("SMS_PASSWORD".into());
        let basic = Some(Basic { user: "ic".into(), password: password.clone() });
        let endpoint = Endpoint { basic, ..Endpoint::new("http://127.0.0.1:13013") };
        let sent = credentials(&endpoint);
        assert_eq!(sent.basic, None);
        let headers = [
            ("x-kannel-password".to_owned(), password),
            ("x-kannel-username".to_owned(), SecretRef::Given("ic".into())),
        ];
        assert_eq!(sent.headers, headers.into());
    }
}
