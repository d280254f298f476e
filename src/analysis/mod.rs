//! Pure algorithms over domain values and series, each with its formula, source, units and complexity.

pub mod baseline;
pub mod burn;
pub mod clock;
pub mod oncall;
pub mod quorum;
pub mod series;
pub mod suspects;
