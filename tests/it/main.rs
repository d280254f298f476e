//! The one integration-test binary; each module is a kind of test.

mod slo_conformance;
