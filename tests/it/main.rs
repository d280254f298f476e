//! The one integration-test binary; each module is a kind of test.
#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped fails the test, as it should")]

mod architecture;
mod channels;
mod cli;
mod connectors;
mod connectors_http;
mod connectors_poll;
mod connectors_tape;
mod eventlog;
mod eventlog_claims;
mod eventlog_keys;
mod eventlog_kinds;
mod eventlog_power;
mod eventlog_process;
mod eventlog_reading;
mod hostile;
mod hostile_files;
mod hostile_secrets;
mod hostile_terminal;
mod incident_screen;
mod journeys;
mod lab;
mod licences;
mod outage;
mod pty;
mod questions;
mod readme;
mod real_servers;
mod science;
mod screens;
mod slo_conformance;
mod stories;
mod tmux;
mod trackers;
mod two_people;
