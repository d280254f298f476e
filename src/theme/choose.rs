//! Which theme and how many colours suit the terminal, from what the environment says.

use super::Depth;

/// What the environment says about the terminal; empty when unset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Facts<'a> {
    /// `NO_COLOR`; any text in it asks for no colour.
    pub no_color: &'a str,
    /// `TERM`.
    pub term: &'a str,
    /// `COLORTERM`.
    pub colorterm: &'a str,
}

/// The theme to load instead of `wanted`, if the terminal cannot show that, and the colours it shows.
pub fn choose<'a>(wanted: &'a str, facts: &Facts<'_>) -> (&'a str, Depth) {
    let depth = depth(facts);
    match (depth, wanted) {
        (Depth::Mono, _) | (_, "mono") => ("mono", Depth::Mono),
        (Depth::Ansi16, _) | (_, "ansi16") => ("ansi16", Depth::Ansi16),
        _ => (wanted, depth),
    }
}

fn depth(facts: &Facts<'_>) -> Depth {
    /// Terminals that show 24 bits and say so only through their name once SSH drops COLORTERM.
    const TRUE_COLOUR: [&str; 7] =
        ["xterm-kitty", "xterm-ghostty", "alacritty", "foot", "wezterm", "contour", "iterm2"];
    let term = facts.term;
    if !facts.no_color.is_empty() || term == "dumb" {
        return Depth::Mono;
    }
    if term.is_empty() || term.starts_with("linux") || term.starts_with("vt") {
        return Depth::Ansi16;
    }
    // GNU screen passes COLORTERM on from outside but shows no 24-bit colours.
    let told = matches!(facts.colorterm, "truecolor" | "24bit") && !term.starts_with("screen");
    if told || term.ends_with("-direct") || TRUE_COLOUR.iter().any(|name| term.starts_with(name)) {
        Depth::TrueColor
    } else if term.contains("256") {
        Depth::Indexed256
    } else {
        Depth::Ansi16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides_what_can_be_shown() {
        for (no_color, term, colorterm, wanted, chosen) in [
            ("", "xterm-256color", "truecolor", "dark", ("dark", Depth::TrueColor)),
            ("", "xterm-256color", "", "light", ("light", Depth::Indexed256)),
            ("", "tmux-256color", "24bit", "mine", ("mine", Depth::TrueColor)),
            ("", "screen-256color", "truecolor", "dark", ("dark", Depth::Indexed256)),
            ("", "screen", "truecolor", "dark", ("ansi16", Depth::Ansi16)),
            ("", "xterm-kitty", "", "dark", ("dark", Depth::TrueColor)),
            ("", "xterm", "", "dark", ("ansi16", Depth::Ansi16)),
            ("", "linux", "truecolor", "contrast", ("ansi16", Depth::Ansi16)),
            ("", "xterm-256color", "truecolor", "ansi16", ("ansi16", Depth::Ansi16)),
            ("", "xterm-256color", "truecolor", "mono", ("mono", Depth::Mono)),
            ("1", "xterm-256color", "truecolor", "dark", ("mono", Depth::Mono)),
            ("", "dumb", "truecolor", "dark", ("mono", Depth::Mono)),
            ("", "", "", "dark", ("ansi16", Depth::Ansi16)),
        ] {
            let facts = Facts { no_color, term, colorterm };
            assert_eq!(choose(wanted, &facts), chosen, "{facts:?} {wanted}");
        }
    }
}
