//! Quarterdeck: a full-screen terminal console for incident command.
//!
//! ```text
//!    outside world                                             people
//!         │ observe                                              │ keys, or a subcommand
//!   connectors/ ── Observation ──┐                        keys/ ──► Action
//!         ▲                      ▼                               │
//!         │ perform        runtime/  one loop, one channel       ▼
//!         │                      │                   actions/  decide(&Model, …) ──► LogEvents or a Refusal
//!         └────── Effect ────────┤                               │ append
//!                                ▼                               ▼
//!         analysis/ ──────►    model/  ◄──── apply(record) ──  eventlog/  SQLite
//!      pure algorithms           │
//!                                ▼
//!                      app/ + theme/ ──► view/ ──► terminal          (cli/ prints instead)
//! ```

// In the order of the flow.
pub mod domain;

pub mod analysis;

pub mod eventlog;

pub mod model;

pub mod connectors;

pub mod actions;

pub mod keys;

pub mod theme;

pub mod app;

pub mod view;

pub mod config;

pub mod runtime;

pub mod cli;
