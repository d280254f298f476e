//! The only place that starts tasks, makes channels, owns the terminal and the clock, performs effects.

pub mod input;
pub mod pace;
pub mod signals;
pub mod terminal;
mod tty;
