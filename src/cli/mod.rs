//! Headless subcommands over the same decisions and queries the screens use.
