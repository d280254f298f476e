//! Pure algorithms over domain values and series, each with its formula, source, units and complexity.

pub mod baseline;
pub mod blameless;
pub mod burn;
pub mod canary;
pub mod capability;
pub mod clock;
pub mod correlation;
pub mod graph;
pub mod oncall;
pub mod options;
pub mod quorum;
pub mod retries;
pub mod risk;
pub mod series;
pub mod suspects;
pub mod verification;
pub mod whatif;
