//! State + theme → frame; nothing else. Drawing changes nothing and never panics, at any size.
