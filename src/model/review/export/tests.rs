//! What goes out stays text.
