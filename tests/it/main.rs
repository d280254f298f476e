//! The one integration-test binary; each module is a kind of test.
#![expect(clippy::unwrap_used, reason = "a helper that panics fails its test, which is the point")]

mod eventlog;
mod eventlog_process;
