//! The one integration-test binary; each module is a kind of test.
#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped fails the test, as it should")]

mod pty;
mod tmux;
