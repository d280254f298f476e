//! The only place that starts tasks, makes channels, owns the terminal and the clock, performs effects.

pub mod keep;
