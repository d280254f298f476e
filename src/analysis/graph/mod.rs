//! The map's graph: what to look at, what fails with what, and where it is drawn.

pub mod availability;
pub mod export;
pub mod layout;

mod blast;
mod drain;
mod factoring;
mod order;
mod outline;
mod queries;
mod singles;

pub use blast::{Blast, Degraded, Hit, Lost, blast, stands_for};
pub use drain::{Drain, TakesOver, drain};
pub use outline::{Outline, OutlineRow, Walk, outline};
pub use queries::{
    Around, Paths, Reach, around, neighbourhood, reach, selected, shortest_paths,
    unhealthy_and_between,
};
pub use singles::{Limit, SharedLimit, SinglePoint, shared_limits, single_points};

#[cfg(test)]
mod samples;
