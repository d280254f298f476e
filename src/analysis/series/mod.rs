//! What a line of readings did that is odd, and where it goes: anomalies and forecasts.
//!
//! Everything here is for one line (a gauge, or the rate of a counter) and knows nothing but its
//! readings; parameters are constants, the same for every line. How well they do on public data is
//! measured by `cargo bench --bench science`.

mod autoregression;
mod detector;
mod forecast;
mod glance;
mod grid;
mod holt_winters;
mod outlook;
mod project;
mod season;
mod surge;
mod views;

pub use detector::{Detector, Score};
pub use forecast::forecast;
pub use glance::Glance;
pub use outlook::{Ask, Backtest, Crossing, Forecast, Kind, Limit, NoForecast, Step};
pub use surge::surge;

#[cfg(test)]
mod tests;
