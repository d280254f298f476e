//! Reading themes: six are built in, a person's file changes one in part.
//!
//! ```toml
//! inherits = "dark"
//! [palette]
//! rose = "#ff5f87"
//! [styles]
//! error = "rose bold"            # a colour, modifiers, and `on` a background
//! selected = "on #2a2f3a"
//! ```

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};

use super::{Depth, Theme, Token, colour};
use crate::domain::{Fault, Section, Setting, nearest, sections};

/// The themes that are built in.
pub const NAMES: [&str; 6] = ["dark", "light", "contrast", "colorblind", "ansi16", "mono"];

const MODIFIERS: [(&str, Modifier); 6] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underlined", Modifier::UNDERLINED),
    ("reversed", Modifier::REVERSED),
    ("crossed-out", Modifier::CROSSED_OUT),
];

const TOP: [&str; 2] = ["inherits", "background"];

pub(super) fn built_in(name: &str) -> Option<(&'static str, &'static str)> {
    match name {
        "dark" => Some(("themes/dark.toml", include_str!("../../themes/dark.toml"))),
        "light" => Some(("themes/light.toml", include_str!("../../themes/light.toml"))),
        "contrast" => Some(("themes/contrast.toml", include_str!("../../themes/contrast.toml"))),
        "colorblind" => {
            Some(("themes/colorblind.toml", include_str!("../../themes/colorblind.toml")))
        }
        "ansi16" => Some(("themes/ansi16.toml", include_str!("../../themes/ansi16.toml"))),
        "mono" => Some(("themes/mono.toml", include_str!("../../themes/mono.toml"))),
        _ => None,
    }
}

/// Loads the theme `name`; `user` is the person's file for it (path and text), if there is one.
/// Every mistake is reported at once, and then nothing of the file is used.
pub fn load(name: &str, user: Option<(&str, &str)>, depth: Depth) -> Result<Theme, Vec<Fault>> {
    let mut chain = Vec::new();
    // A person's file of a new name starts from the dark theme.
    let mut next = match user {
        Some((file, text)) => Some((file, text, built_in(name).map_or("dark", |_| name))),
        None => built_in(name).map(|(file, text)| (file, text, "")),
    };
    if next.is_none() {
        return Err(vec![Fault::at("theme", "", 0, &no_such_theme(name))]);
    }
    while let Some((file, text, fallback)) = next {
        let read = sections(file, text)?;
        let parent = inherited(file, text, &read)?;
        chain.push((file, text, read));
        let parent = parent.as_deref().unwrap_or(fallback);
        next = built_in(parent).map(|(file, text)| (file, text, ""));
    }
    let mut palette = BTreeMap::new();
    let mut styles = vec![Style::new(); Token::ALL.len()];
    let mut written: Vec<(&str, &str, &Setting)> = Vec::new();
    let mut faults = Vec::new();
    // From the root of the inheritance to the heir, so that the heir's palette recolours all styles.
    for (file, text, read) in chain.iter().rev() {
        for section in read {
            match section.name.as_str() {
                "palette" => {
                    for setting in &section.settings {
                        match colour::parse(&setting.value) {
                            Some(colour) => drop(palette.insert(setting.key.as_str(), colour)),
                            None => faults.push(not_a_colour(file, text, setting)),
                        }
                    }
                }
                "styles" => written.extend(section.settings.iter().map(|s| (*file, *text, s))),
                "" => {}
                other => {
                    let what =
                        format!("[{other}] is not a table of themes; use [palette] or [styles].");
                    faults.push(Fault::at(file, text, section.at, &what));
                }
            }
        }
    }
    for (file, text, setting) in written {
        match Token::ALL.iter().find(|(name, _)| *name == setting.key) {
            None => {
                let near = nearest(&setting.key, Token::ALL.iter().map(|(name, _)| *name));
                let what = format!("`{}` is not a part of a theme.{}", setting.key, meant(near));
                faults.push(Fault::at(file, text, setting.key_at, &what));
            }
            Some((_, token)) => match style(&setting.value, &palette, depth) {
                Ok(style) => styles[*token as usize] = style,
                Err((at, what)) => {
                    faults.push(Fault::at(file, text, setting.value_at + at, &what));
                }
            },
        }
    }
    if faults.is_empty() { Ok(Theme { name: name.into(), depth, styles }) } else { Err(faults) }
}

fn not_a_colour(file: &str, text: &str, setting: &Setting) -> Fault {
    let what = format!(
        "`{}` is not a colour; write #rrggbb, a name such as light-red, or 0 to 255.",
        setting.value
    );
    Fault::at(file, text, setting.value_at, &what)
}

fn meant(near: Option<&str>) -> String {
    near.map_or(String::new(), |near| format!(" Did you mean `{near}`?"))
}

fn no_such_theme(name: &str) -> String {
    let hint = meant(nearest(name, NAMES));
    format!("There is no theme `{name}`.{hint} Known are {}.", NAMES.join(", "))
}

fn inherited(file: &str, text: &str, read: &[Section]) -> Result<Option<String>, Vec<Fault>> {
    let mut parent = None;
    for setting in read.iter().filter(|s| s.name.is_empty()).flat_map(|s| &s.settings) {
        match setting.key.as_str() {
            "inherits" if built_in(&setting.value).is_some() => {
                parent = Some(setting.value.clone())
            }
            "inherits" => {
                let what = no_such_theme(&setting.value);
                return Err(vec![Fault::at(file, text, setting.value_at, &what)]);
            }
            // What the theme was made for; contrast is measured against it, it is never painted.
            "background" if colour::parse(&setting.value).is_some() => {}
            "background" => return Err(vec![not_a_colour(file, text, setting)]),
            other => {
                let what = format!("`{other}` is not known here.{}", meant(nearest(other, TOP)));
                return Err(vec![Fault::at(file, text, setting.key_at, &what)]);
            }
        }
    }
    Ok(parent)
}

/// Reads `rose bold on grey`; a mistake comes with its byte offset.
fn style(
    text: &str,
    palette: &BTreeMap<&str, Color>,
    depth: Depth,
) -> Result<Style, (usize, String)> {
    let (mut style, mut ground) = (Style::new(), false);
    for word in text.split_ascii_whitespace() {
        // `word` is a part of `text`, so the difference of their addresses is its place.
        let at = word.as_ptr() as usize - text.as_ptr() as usize;
        if word == "on" && !ground {
            ground = true;
            continue;
        }
        if let Some((_, modifier)) = MODIFIERS.iter().find(|(name, _)| *name == word) {
            style = style.add_modifier(*modifier);
            continue;
        }
        let Some(found) = palette.get(word).copied().or_else(|| colour::parse(word)) else {
            let names = palette.keys().copied().chain(MODIFIERS.iter().map(|(name, _)| *name));
            let what = format!(
                "`{word}` is neither in the palette, nor a colour, nor a modifier.{}",
                meant(nearest(word, names))
            );
            return Err((at, what));
        };
        let (colour, taken) =
            (colour::shown(found, depth), if ground { style.bg } else { style.fg });
        if taken.is_some() {
            return Err((at, format!("`{word}` is a second colour for the same thing.")));
        }
        style = if ground { style.bg(colour) } else { style.fg(colour) };
    }
    Ok(style)
}
