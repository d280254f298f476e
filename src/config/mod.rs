//! Settings, catalog and objectives from files, with errors that point at file, line and column.
