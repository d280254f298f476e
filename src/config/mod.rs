//! Settings, catalog and objectives from files, with errors that point at file, line and column.
//!
//! ```text
//! config.toml ─► settings      who I am, sources, severity, screens
//!      │ [catalog] files
//!      ▼
//! catalog.toml, OpenSLO, Sloth, Pyrra, Backstage ─► catalog      services, objectives, maintenance
//!
//! playbook.toml ─► playbook    people, on-call, channels, trackers, cadence, templates
//! ```
//!
//! TOML and YAML are first read into one tree that knows the place of every key (`node`), so that
//! every format reports its mistakes in the same words, several at once, and one broken file or
//! objective does not hide the others.

mod backstage;
pub mod catalog;
mod catalog_resilience;
mod catalog_toml;
pub mod error;
mod kept;
mod node;
mod openslo;
mod outlet;
pub mod playbook;
pub mod policy;
mod pyrra;
pub mod settings;
mod sloth;
mod source;

pub use catalog::{ReadFile, assemble, load as load_catalog, load_files};
pub use error::ConfigError;
pub use playbook::PlaybookFile;
pub use settings::{Overrides, Settings};
