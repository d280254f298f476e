//! The one integration-test binary; each module is a kind of test.

mod connectors;
mod connectors_http;
mod connectors_poll;
mod connectors_tape;
