//! The map: blast radius, single points of failure and layout, against the goals.

fn main() {}
