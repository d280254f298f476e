//! The one integration-test binary; each module is a kind of test.

mod architecture;
mod lab;
mod licences;
mod real_servers;
