//! The one integration-test binary; each module is a kind of test.

mod architecture;
mod connectors;
mod connectors_http;
mod connectors_poll;
mod connectors_tape;
mod eventlog;
mod eventlog_process;
mod lab;
mod licences;
mod pty;
mod readme;
mod real_servers;
mod screens;
mod stories;
mod tmux;
