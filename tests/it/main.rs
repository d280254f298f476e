//! The one integration-test binary; each module is a kind of test.

mod eventlog;
mod eventlog_process;
mod lab;
mod readme;
mod real_servers;
