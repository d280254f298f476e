//! The desktop's notifications (notify-rust over D-Bus). Over SSH or without a desktop there is no bus, and
//! that is said.

use async_trait::async_trait;
use notify_rust::{Notification, Timeout, Urgency};

use super::web::settled;
use super::{Outlet, message, received, refused};
use crate::domain::{Operation, Outcome, Purpose, SafeText, Severity};

/// This machine's desktop.
pub struct Desktop {
    name: String,
}

impl Desktop {
    /// Notifies whoever sits at this machine.
    pub const fn new(name: String) -> Self {
        Self { name }
    }
}

/// Servers read markup in bodies.
fn plain(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[async_trait]
impl Outlet for Desktop {
    fn name(&self) -> &str {
        &self.name
    }

    async fn perform(&self, operation: &Operation, _key: &str) -> Outcome {
        settled(async move {
            let message = message(operation)?;
            let urgent = matches!(message.purpose, Purpose::Page)
                || matches!(message.severity, Some(Severity::Sev1));
            let shown = Notification::new()
                .appname("Quarterdeck")
                .summary(message.subject.as_str())
                .body(&plain(&message.body))
                .urgency(if urgent { Urgency::Critical } else { Urgency::Normal })
                .timeout(if urgent { Timeout::Never } else { Timeout::Default })
                .show_async()
                .await;
            match shown {
                Ok(handle) => Ok(received(format!("notification {}", handle.id()), "")),
                Err(error) => Err(refused(format!(
                    "This machine's desktop could not be reached: {}. Over SSH there is none; use \
                     another channel.",
                    SafeText::new(&error.to_string())
                ))),
            }
        })
        .await
    }
}
