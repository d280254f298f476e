//! Pictures of a review: a line over time with the incident marked, the tree of whys, the fishbone. Only
//! shapes and escaped text; the sizes are numbers of ours.

use std::fmt::Write as _;

use crate::domain::Timestamp;
use crate::model::incidents::Review;
use crate::model::review::{fishbone as bones, whys as tree};

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 180.0;
/// Around the chart, for the scale.
const LEFT: f64 = 56.0;
const BELOW: f64 = 24.0;
/// A line of text.
const LINE: usize = 22;
/// Characters of one cause on a picture; the whole stands in the text.
const MOST: usize = 72;

/// Text of HTML or XML, or an attribute's value.
pub(super) fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{0}'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

fn head(out: &mut String, width: f64, height: f64, title: &str) {
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" font-family=\"sans-serif\" \
         font-size=\"12\"><title>{}</title>",
        xml(title)
    );
}

/// A line over time; the incident is the shaded part.
pub(super) fn chart(
    title: &str,
    points: &[(Timestamp, f64)],
    from: Timestamp,
    to: Timestamp,
) -> String {
    let mut out = String::new();
    let (Some((first, _)), Some((last, _))) = (points.first(), points.last()) else { return out };
    let span = last.since(*first).seconds().max(1.0);
    let x = |at: Timestamp| {
        let share = (at.since(*first).seconds() / span).clamp(0.0, 1.0);
        LEFT + share * (WIDTH - LEFT - 8.0)
    };
    let finite = points.iter().map(|(_, value)| *value).filter(|value| value.is_finite());
    let most = finite.fold(1.0, f64::max);
    let y = |value: f64| 24.0 + (1.0 - value.clamp(0.0, most) / most) * (HEIGHT - BELOW - 24.0);
    head(&mut out, WIDTH, HEIGHT, title);
    let (left, right) = (x(from), x(to));
    let _ = writeln!(
        out,
        "<text x=\"{LEFT}\" y=\"14\">{}</text><rect x=\"{left:.1}\" y=\"24\" width=\"{:.1}\" \
         height=\"{:.1}\" fill=\"#f6dcdc\"/>",
        xml(title),
        (right - left).max(1.0),
        HEIGHT - BELOW - 24.0
    );
    for value in [0.0, most] {
        let _ = writeln!(
            out,
            "<line x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{0:.1}\" y2=\"{0:.1}\" stroke=\"#ccc\"/>\
             <text x=\"{1:.1}\" y=\"{2:.1}\" text-anchor=\"end\">{value:.1}x</text>",
            y(value),
            LEFT - 6.0,
            y(value) + 4.0
        );
    }
    // What is no number is a gap, not a line through it.
    let mut line = String::new();
    let mut drawing = false;
    for (at, value) in points {
        if value.is_finite() {
            let step = if drawing { 'L' } else { 'M' };
            let _ = write!(line, "{step}{:.1} {:.1}", x(*at), y(*value));
        }
        drawing = value.is_finite();
    }
    let _ =
        writeln!(out, "<path d=\"{line}\" fill=\"none\" stroke=\"#a11\" stroke-width=\"1.5\"/>");
    for (at, anchor) in [(from, "middle"), (to, "middle")] {
        let clock = at.utc().format("%H:%M UTC");
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{clock}</text>",
            x(at).clamp(LEFT + 30.0, WIDTH - 34.0),
            HEIGHT - 6.0
        );
    }
    out.push_str("</svg>\n");
    out
}

/// The tree of whys, a row for each.
pub(super) fn whys(review: &Review) -> String {
    let branches = tree(review);
    let mut out = String::new();
    head(&mut out, WIDTH, (branches.len() * LINE + 8) as f64, "Whys");
    // The row of the last cause at each depth, for the line up to it.
    let mut above: Vec<usize> = Vec::new();
    for (row, branch) in branches.iter().enumerate() {
        let Some(cause) = review.causes.get(&branch.cause) else { continue };
        let (x, y) = (8 + branch.depth * 24, row * LINE + 18);
        above.truncate(branch.depth);
        if let Some(parent) = above.last() {
            let (px, py) = (x - 20, parent * LINE + 22);
            let _ = writeln!(
                out,
                "<path d=\"M{px} {py}V{}H{}\" fill=\"none\" stroke=\"#777\"/>",
                y - 4,
                x - 4
            );
        }
        above.push(row);
        let _ = writeln!(out, "<text x=\"{x}\" y=\"{y}\">{}</text>", xml(&cut(&cause.text)));
    }
    out.push_str("</svg>\n");
    out
}

/// The fishbone: the spine with what happened at its head, a bone for each category that has causes.
pub(super) fn fishbone(review: &Review, effect: &str) -> String {
    let bones = bones(review);
    let most = |odd: usize| {
        let side = bones.iter().skip(odd).step_by(2);
        side.map(|bone| bone.causes.len()).max().unwrap_or(0)
    };
    let (up, down) = ((most(0) + 2) * LINE, (most(1) + 2) * LINE);
    let pairs = bones.len().div_ceil(2).max(1);
    let each = (WIDTH - 160.0) / pairs as f64;
    let spine = up as f64;
    let mut out = String::new();
    head(&mut out, WIDTH, (up + down) as f64, "Fishbone");
    let end = WIDTH - 150.0;
    let _ = writeln!(
        out,
        "<line x1=\"8\" x2=\"{end}\" y1=\"{spine}\" y2=\"{spine}\" stroke=\"#333\" \
         stroke-width=\"2\"/><text x=\"{:.0}\" y=\"{:.0}\">{}</text>",
        end + 8.0,
        spine + 4.0,
        xml(&effect.chars().take(22).collect::<String>())
    );
    for (at, bone) in bones.iter().enumerate() {
        let (pair, is_up) = (at / 2, at % 2 == 0);
        let foot = each * (pair as f64 + 1.0);
        let tip = foot - 40.0;
        let length = ((bone.causes.len() + 1) * LINE) as f64;
        let y = if is_up { spine - length } else { spine + length };
        let name = bone.category.map_or("other", |category| category.name());
        let name_y = if is_up { y - 4.0 } else { y + 14.0 };
        let _ = writeln!(
            out,
            "<line x1=\"{tip:.0}\" y1=\"{y:.0}\" x2=\"{foot:.0}\" y2=\"{spine:.0}\" \
             stroke=\"#333\"/><text x=\"{:.0}\" y=\"{name_y:.0}\" font-weight=\"bold\" \
             text-anchor=\"end\">{name}</text>",
            tip
        );
        let room = usize::try_from((each / 7.0) as i64).unwrap_or(8).saturating_sub(6).max(8);
        for (row, cause) in bone.causes.iter().enumerate() {
            let Some(cause) = review.causes.get(cause) else { continue };
            let down = ((row + 1) * LINE) as f64;
            let y = if is_up { spine - length + down } else { spine + length - down };
            let short: String = cause.text.chars().take(room).collect();
            let more = if short.len() < cause.text.len() { "…" } else { "" };
            let _ = writeln!(
                out,
                "<text x=\"{:.0}\" y=\"{y:.0}\" text-anchor=\"end\">{}{more}</text>",
                tip + 10.0,
                xml(&short)
            );
        }
    }
    out.push_str("</svg>\n");
    out
}
