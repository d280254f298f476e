//! What screens are made of.

pub(crate) mod chart;
pub(crate) mod plain;
pub(crate) mod table;
pub(crate) mod text;
