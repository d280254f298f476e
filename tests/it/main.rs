//! The one integration-test binary; each module is a kind of test.
#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped fails the test, as it should")]

mod architecture;
mod eventlog;
mod eventlog_process;
mod lab;
mod licences;
mod outage;
mod pty;
mod readme;
mod real_servers;
mod tmux;
mod connectors;
mod connectors_http;
mod connectors_poll;
mod connectors_tape;
#![expect(clippy::unwrap_used, reason = "a helper that panics fails its test, which is the point")]
