//! Lines over time: sparklines of one row, and braille charts with a shaded range behind the line.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::domain::{Band, Series, Span, Timestamp};
use crate::view::format::Short;

use super::text::{Pen, width};

const BLOCKS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// The time a chart covers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// Left edge.
    pub(crate) from: Timestamp,
    /// Right edge.
    pub(crate) to: Timestamp,
}

impl Window {
    /// The last `range` before `now`.
    pub(crate) fn last(range: Span, now: Timestamp) -> Self {
        Self { from: now.minus(range), to: now }
    }

    /// Which of `slots` slots a moment falls in.
    fn slot(self, at: Timestamp, slots: u16) -> Option<u16> {
        let length = self.to.since(self.from).seconds();
        let share = at.since(self.from).seconds() / length;
        let inside = length > 0.0 && (0.0..=1.0).contains(&share) && slots > 0;
        inside.then(|| ((share * f64::from(slots)) as u16).min(slots - 1))
    }
}

/// The worst value of each cell's time as a block; nothing where nothing is known, `·` for not a number.
/// `level` says how tall a value stands, from 0 to 7, and how it looks.
pub(crate) fn spark(
    buf: &mut Buffer,
    row: Rect,
    series: &Series,
    time: Window,
    level: impl Fn(f64) -> (usize, Style),
) {
    let row = row.intersection(buf.area);
    if row.is_empty() {
        return;
    }
    let mut points = series.points.iter().peekable();
    for cell in 0..row.width {
        let mut worst: Option<f64> = None;
        while let Some((at, value)) = points.peek() {
            match time.slot(*at, row.width) {
                Some(slot) if slot > cell => break,
                Some(slot) if slot == cell => {
                    worst = Some(worst.map_or(*value, |w| if w >= *value { w } else { *value }));
                }
                Some(_) | None if *at > time.to => break,
                Some(_) | None => {}
            }
            points.next();
        }
        let Some(worst) = worst else { continue };
        let (level, style) = level(worst);
        let glyph = if worst.is_nan() { "·" } else { BLOCKS[level % 8] };
        buf[(row.x + cell, row.y)].set_symbol(glyph).set_style(style);
    }
}

/// What a chart is drawn with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChartStyle {
    /// The line.
    pub(crate) line: Style,
    /// The shaded range.
    pub(crate) band: Style,
}

/// Lowest and highest value of the chart's vertical axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scale {
    /// Bottom.
    pub(crate) low: f64,
    /// Top.
    pub(crate) high: f64,
}

impl Scale {
    /// From zero up to what line, band and marks need.
    pub(crate) fn over(series: &Series, band: &Band, time: Window, least: f64) -> Self {
        let seen = |at: &Timestamp| *at >= time.from && *at <= time.to;
        let line = series.points.iter().filter(|(at, _)| seen(at)).map(|(_, v)| *v);
        let high = band.points.iter().filter(|(at, ..)| seen(at)).map(|(_, _, _, high)| *high);
        let high = line.chain(high).filter(|v| v.is_finite()).fold(least, f64::max);
        Self { low: 0.0, high: if high > 0.0 { high } else { 1.0 } }
    }

    /// With a little air above, up to the next number people can read: 1, 2, 2.5 or 5 times a power of ten.
    pub(crate) fn rounded(self) -> Self {
        let wanted = self.high * 1.1;
        let power = 10f64.powf(wanted.log10().floor());
        let steps = [1.0, 2.0, 2.5, 5.0, 10.0];
        let nice = steps.into_iter().map(|s| s * power).find(|n| *n >= wanted * 0.999);
        Self { high: nice.filter(|n| n.is_finite()).unwrap_or(self.high), ..self }
    }

    /// Which of `dots` dots, counted from the top, a value falls on.
    fn dot(self, value: f64, dots: u16) -> u16 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        ((1.0 - share) * f64::from(dots.saturating_sub(1))).round() as u16
    }
}

/// Writes values beside and times below a chart, each value on its own row; returns the room left for
/// the chart. Where two values want one row, the first listed has it.
pub(crate) fn axes(
    buf: &mut Buffer,
    area: Rect,
    scale: Scale,
    values: &[(f64, Short, Style)],
    (from, to): (&str, &str),
    style: Style,
) -> Rect {
    let seen = |v: &&(f64, Short, Style)| v.0 >= scale.low && v.0 <= scale.high;
    let gutter = values.iter().filter(seen).map(|(_, text, _)| width(text)).max().unwrap_or(0) + 1;
    let gutter = u16::try_from(gutter).unwrap_or(u16::MAX);
    let below = u16::from(area.height >= 5);
    if area.width < gutter + 12 || area.height < 2 {
        return area;
    }
    let plot = Rect {
        x: area.x + gutter,
        width: area.width - gutter,
        height: area.height - below,
        ..area
    };
    let mut taken: Vec<u16> = Vec::with_capacity(values.len());
    for (value, text, style) in values.iter().filter(seen) {
        let row = scale.dot(*value, plot.height * 4) / 4;
        if !taken.contains(&row) {
            taken.push(row);
            let mut pen = Pen::new(buf, Rect { width: gutter - 1, ..area }, row);
            pen.right(text, *style);
        }
    }
    if below > 0 {
        let mut pen = Pen::new(buf, Rect { height: area.height, ..plot }, plot.height);
        pen.right(to, style).trim(1).whole(from, style);
    }
    plot
}

/// Draws band, marks and line into `area`; returns whether the line has a point in view.
pub(crate) fn chart(
    buf: &mut Buffer,
    area: Rect,
    series: &Series,
    band: &Band,
    marks: &[(f64, Style)],
    (time, scale): (Window, Scale),
    style: ChartStyle,
) -> bool {
    let area = area.intersection(buf.area);
    if area.is_empty() {
        return false;
    }
    shade(buf, area, band, (time, scale), style.band);
    // The first listed is drawn last, on top.
    for (mark, style) in marks.iter().rev().filter(|m| m.0 <= scale.high && m.0 >= scale.low) {
        let y = area.y + scale.dot(*mark, area.height * 4) / 4;
        for x in area.left()..area.right() {
            buf[(x, y)].set_symbol("┄").set_style(*style);
        }
    }
    line(buf, area, series, (time, scale), style.line)
}

/// Shades the cells between low and high of each column.
fn shade(buf: &mut Buffer, area: Rect, band: &Band, (time, scale): (Window, Scale), style: Style) {
    // A theme with a background for it needs no glyph; without one the shade is a glyph.
    let glyph = if style.bg.is_some() { " " } else { "░" };
    let mut points = band.points.iter().peekable();
    let mut current: Option<(f64, f64)> = None;
    for column in 0..area.width {
        while let Some((at, low, _, high)) = points.peek() {
            if time.slot(*at, area.width).is_some_and(|slot| slot > column) || *at > time.to {
                break;
            }
            current =
                (*at >= time.from && low.is_finite() && high.is_finite()).then_some((*low, *high));
            points.next();
        }
        let Some((low, high)) = current else { continue };
        let (top, bottom) =
            (scale.dot(high, area.height * 4) / 4, scale.dot(low, area.height * 4) / 4);
        for y in top..=bottom.min(area.height - 1) {
            buf[(area.x + column, area.y + y)].set_symbol(glyph).set_style(style);
        }
        if points.peek().is_none()
            && band.points.last().is_some_and(|(at, ..)| {
                time.slot(*at, area.width).is_some_and(|slot| slot < column)
            })
        {
            // The band ends where its last point does.
            current = None;
        }
    }
}

/// Joins the points; a gap of more than three steps stays a gap.
fn line(
    buf: &mut Buffer,
    area: Rect,
    series: &Series,
    (time, scale): (Window, Scale),
    style: Style,
) -> bool {
    let (wide, tall) = (area.width * 2, area.height * 4);
    let steps = series.points.len().saturating_sub(1).max(1) as f64;
    let step = match (series.points.first(), series.points.last()) {
        (Some(first), Some(last)) => last.0.since(first.0).seconds() / steps,
        _ => return false,
    };
    let (mut before, mut drawn): (Option<(Timestamp, u16, u16)>, bool) = (None, false);
    for (at, value) in &series.points {
        let Some(x) = time.slot(*at, wide).filter(|_| value.is_finite()) else {
            before = None;
            continue;
        };
        let y = scale.dot(*value, tall);
        drawn = true;
        match before {
            Some((then, bx, by)) if at.since(then).seconds() <= step * 3.0 => {
                let across = x.saturating_sub(bx).max(1);
                let mut last = by;
                for i in 1..=across {
                    let share = f64::from(i) / f64::from(across);
                    let to =
                        (f64::from(by) + (f64::from(y) - f64::from(by)) * share).round() as u16;
                    for dot in last.min(to)..=last.max(to) {
                        set_dot(buf, area, (bx + i).min(x), dot, style);
                    }
                    last = to;
                }
            }
            _ => set_dot(buf, area, x, y, style),
        }
        before = Some((*at, x, y));
    }
    drawn
}

/// Bits of a braille cell, by row and column.
const DOTS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

fn set_dot(buf: &mut Buffer, area: Rect, x: u16, y: u16, style: Style) {
    let at = (area.x + x / 2, area.y + y / 4);
    if at.0 >= area.right() || at.1 >= area.bottom() {
        return;
    }
    let cell = &mut buf[at];
    let known = cell.symbol().chars().next().map_or(0, u32::from);
    let known = if (0x2800..0x2900).contains(&known) { known } else { 0x2800 };
    let bit = DOTS[usize::from(y % 4)][usize::from(x % 2)];
    if let Some(glyph) = char::from_u32(known | bit) {
        // The shade's background stays behind the line.
        cell.set_char(glyph).set_style(style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[f64]) -> Series {
        let at = |i: usize| Timestamp::from_millis(i as i64 * 1_000);
        Series {
            points: values.iter().enumerate().map(|(i, v)| (at(i), *v)).collect(),
            ..Series::default()
        }
    }

    fn text(buf: &Buffer) -> Vec<String> {
        buf.content
            .chunks(buf.area.width.into())
            .map(|r| r.iter().map(|c| c.symbol()).collect())
            .collect()
    }

    fn window(secs: i64) -> Window {
        Window { from: Timestamp::from_millis(0), to: Timestamp::from_millis(secs * 1_000) }
    }

    #[test]
    fn a_sparkline_shows_the_worst_of_each_cell_and_leaves_gaps() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 8, 1));
        let line = series(&[0.0, 1.0, 7.0, 2.0, f64::NAN]);
        let row = buf.area;
        spark(&mut buf, row, &line, window(8), |v| (v.round() as usize, Style::new()));
        assert_eq!(text(&buf), ["▁▂█▃·   "]);
    }

    #[test]
    fn a_scale_ends_at_a_number_people_can_read() {
        for (high, top) in [(0.025, 0.05), (34.9, 50.0), (0.9, 1.0), (0.95, 2.0), (18.0, 20.0)] {
            let scale = Scale { low: 0.0, high }.rounded();
            assert!((scale.high - top).abs() < 1e-9, "{high}: {}", scale.high);
        }
        assert_eq!(Scale { low: 0.0, high: f64::MAX }.rounded().high, f64::MAX);
    }

    #[test]
    fn values_stand_on_their_row_and_the_first_listed_keeps_it() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 20, 6));
        let (area, style) = (buf.area, Style::new());
        let values = [(10.0, "10×"), (5.0, "5×"), (4.9, "4.9×"), (0.0, "0"), (99.0, "99×")];
        let values = values.map(|(v, text)| (v, Short::of(format_args!("{text}")), style));
        let scale = Scale { low: 0.0, high: 10.0 };
        let plot = axes(&mut buf, area, scale, &values, ("13:32Z", "now"), style);
        assert_eq!(plot, Rect::new(5, 0, 15, 5));
        assert_eq!(
            text(&buf).iter().map(|l| l.trim_end()).collect::<Vec<_>>(),
            [" 10×", "", "  5×", "", "   0", "     13:32Z      now"]
        );
    }

    #[test]
    fn a_line_rises_in_front_of_its_band() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 6, 3));
        let band = Band {
            points: (0..12).map(|i| (Timestamp::from_millis(i * 1_000), 0.0, 1.0, 2.0)).collect(),
            basis: "test",
        };
        let line = series(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0]);
        let scale = Scale::over(&line, &band, window(12), 0.0);
        assert_eq!(scale, Scale { low: 0.0, high: 11.0 });
        let style = ChartStyle { line: Style::new(), band: Style::new() };
        assert!(chart(
            &mut buf,
            Rect::new(0, 0, 6, 3),
            &line,
            &band,
            &[],
            (window(12), scale),
            style
        ));
        assert_eq!(text(&buf), ["    ⣠⠞", "  ⣠⠞⠁ ", "⣠⠞⠁░░░"]);
    }
}
