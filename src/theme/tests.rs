//! Every shipped theme: complete, readable, told apart without colour.

use pretty_assertions::assert_eq;
use proptest::prelude::*;
use ratatui::style::{Color, Modifier};

use super::colour::{parse, rgb_256};
use super::load::built_in;
use super::*;
use crate::domain::sections;

const RGB_THEMES: [&str; 4] = ["dark", "light", "contrast", "colorblind"];

/// What is read as text; lines, bands and grounds need less.
fn is_text(token: Token) -> bool {
    !matches!(
        token,
        Token::Border
            | Token::ChartBand
            | Token::Selected
            | Token::SelectedInactive
            | Token::Cursor
    )
}

fn rgb(colour: Color) -> Option<(u8, u8, u8)> {
    match colour {
        Color::Rgb(r, g, b) => Some((r, g, b)),
        Color::Indexed(i @ 16..) => Some(rgb_256(i)),
        _ => None,
    }
}

/// Relative luminance (WCAG 2).
fn luminance((r, g, b): (u8, u8, u8)) -> f64 {
    let linear = |c: u8| {
        let c = f64::from(c) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

fn contrast(a: (u8, u8, u8), b: (u8, u8, u8)) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// CIE lightness, 0 to 100.
fn lightness(colour: Color) -> f64 {
    let y = luminance(rgb(colour).unwrap());
    if y <= 0.008_856 { 903.3 * y } else { 116.0 * y.cbrt() - 16.0 }
}

/// What the theme says it was made for.
fn background(name: &str) -> (u8, u8, u8) {
    let (file, text) = built_in(name).unwrap();
    let read = sections(file, text).unwrap();
    let settings = read.iter().flat_map(|s| &s.settings);
    rgb(parse(&settings.clone().find(|s| s.key == "background").unwrap().value).unwrap()).unwrap()
}

#[test]
fn every_shipped_theme_gives_every_meaning_a_style() {
    for name in NAMES {
        let theme = load(name, None, Depth::TrueColor).unwrap();
        for (token_name, token) in Token::ALL {
            assert_ne!(theme.style(*token), Style::new(), "{name}: {token_name}");
        }
    }
}

#[test]
fn text_can_be_read_on_every_ground_it_may_stand_on() {
    for depth in [Depth::TrueColor, Depth::Indexed256] {
        for name in RGB_THEMES {
            let theme = load(name, None, depth).unwrap();
            let least = if name == "contrast" { 7.0 } else { 4.5 };
            for (token_name, token) in Token::ALL.iter().filter(|(_, t)| is_text(*t)) {
                let style = theme.style(*token);
                let Some(ink) = style.fg.and_then(rgb) else { continue };
                let ground = style.bg.and_then(rgb).unwrap_or(background(name));
                let ratio = contrast(ink, ground);
                assert!(ratio >= least, "{name} {depth:?} {token_name}: {ratio:.2}");
                // On the selection a shade less is bearable: it is one row, and marked by its ground.
                let selected = theme.style(Token::Selected).bg.and_then(rgb).unwrap();
                let ratio = contrast(ink, selected);
                assert!(
                    style.bg.is_some() || ratio >= 3.0,
                    "{name} {depth:?} {token_name} selected: {ratio:.2}"
                );
            }
        }
    }
}

#[test]
fn only_selection_and_banners_are_painted() {
    let theme = load("dark", None, Depth::TrueColor).unwrap();
    let painted: Vec<_> =
        Token::ALL.iter().filter(|(_, t)| theme.style(*t).bg.is_some()).map(|(n, _)| *n).collect();
    assert_eq!(painted, ["selected", "selected-inactive", "sev1", "banner-demo", "banner-warning"]);
}

#[test]
fn the_colour_blind_theme_tells_broken_warning_and_fine_apart_by_lightness() {
    for depth in [Depth::TrueColor, Depth::Indexed256] {
        let theme = load("colorblind", None, depth).unwrap();
        let of = |token| lightness(theme.style(token).fg.unwrap());
        let (broken, fine, warning) = (of(Token::Error), of(Token::Ok), of(Token::Warning));
        assert!(fine - broken > 12.0, "{depth:?} {broken:.0} {fine:.0}");
        assert!(warning - fine > 12.0, "{depth:?} {fine:.0} {warning:.0}");
        let sev1 = theme.style(Token::Sev1);
        assert!(contrast(rgb(sev1.bg.unwrap()).unwrap(), background("colorblind")) > 4.5);
    }
}

#[test]
fn without_colour_what_matters_most_still_stands_out() {
    let theme = load("mono", None, Depth::Mono).unwrap();
    for (name, token) in Token::ALL {
        let style = theme.style(*token);
        let coloured = [style.fg, style.bg].into_iter().flatten().any(|c| c != Color::Reset);
        assert!(!coloured, "{name}");
    }
    for (weak, strong) in [
        (Token::Text, Token::Selected),
        (Token::Text, Token::Sev1),
        (Token::Sev2, Token::Sev1),
        (Token::Sev4, Token::Sev2),
        (Token::Ok, Token::Warning),
        (Token::Ok, Token::Stale),
        (Token::Tab, Token::TabActive),
        (Token::Border, Token::BorderFocus),
    ] {
        assert_ne!(theme.style(weak).add_modifier, theme.style(strong).add_modifier, "{strong:?}");
    }
}

#[test]
fn a_file_changes_a_theme_in_part() {
    let user = "inherits = \"light\"\n[palette]\nred = \"#aa0000\"\n[styles]\nok = \"208 on #000000 bold\"\n";
    let mine = load("mine", Some(("my.toml", user)), Depth::TrueColor).unwrap();
    let light = load("light", None, Depth::TrueColor).unwrap();
    assert_eq!(
        mine.style(Token::Ok),
        Style::new().fg(Color::Indexed(208)).bg(Color::Rgb(0, 0, 0)).add_modifier(Modifier::BOLD)
    );
    assert_eq!(mine.style(Token::Error).fg, Some(Color::Rgb(0xaa, 0, 0)));
    assert_eq!(mine.style(Token::Ack), light.style(Token::Ack));
    assert_eq!((mine.name(), mine.depth()), ("mine", Depth::TrueColor));
}

#[test]
fn mistakes_are_told_together_with_place_and_nearest_name() {
    let said = |user: &str| {
        let faults = load("dark", Some(("my.toml", user)), Depth::TrueColor).unwrap_err();
        faults.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        said(
            "[palette]\nx = \"#12\"\n[styls]\n[styles]\nwarnin = \"red\"\nok = \"bold gren on red\"\nack = \"red blue\"\n"
        ),
        [
            "my.toml:2:6: `#12` is not a colour; write #rrggbb, a name such as light-red, or 0 to 255.",
            "my.toml:3:2: [styls] is not a table of themes; use [palette] or [styles].",
            "my.toml:5:1: `warnin` is not a part of a theme. Did you mean `warning`?",
            "my.toml:6:12: `gren` is neither in the palette, nor a colour, nor a modifier. Did you mean `green`?",
            "my.toml:7:12: `blue` is a second colour for the same thing.",
        ]
    );
    assert_eq!(
        said("inherits = \"drak\"\n"),
        [
            "my.toml:1:13: There is no theme `drak`. Did you mean `dark`? Known are dark, light, contrast, colorblind, ansi16, mono."
        ]
    );
    assert_eq!(
        said("inherit = \"dark\"\n"),
        ["my.toml:1:1: `inherit` is not known here. Did you mean `inherits`?"]
    );
    assert!(load("nosuch", None, Depth::TrueColor).is_err());
}

proptest! {
    #[test]
    fn no_file_panics(text in "\\PC*|(\\[(palette|styles|é)\\]\n|(ok|red|é) = \"(red|on|#12é456|bold| |é|300){0,4}\"\n|inherits = \"(dark|é)\"\n){0,6}") {
        if let Ok(theme) = load("dark", Some(("f", &text)), Depth::Indexed256) {
            prop_assert_eq!(theme.styles.len(), Token::ALL.len());
        }
    }
}
