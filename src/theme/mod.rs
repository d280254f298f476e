//! Meanings → styles, from `themes/*.toml`. Colours exist only here and in the theme files.
