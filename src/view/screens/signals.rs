//! Golden signals of one service: four charts with what is usual behind the line, or one line of numbers.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::{Reading, Service, Signal, Unit};
use crate::model::SignalView;
use crate::theme::Token;
use crate::view::format::{self, short};
use crate::view::scene::{Scene, reading};
use crate::view::widgets::chart::{ChartStyle, Scale, Window, chart};
use crate::view::widgets::text::{Pen, below, top, width};

use super::bridge::label;
use super::title;

/// Draws charts where there is room, else one line.
pub(crate) fn draw(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, focused: bool) {
    let Some(id) = &scene.state.ui.bridge.service else {
        let mut pen = Pen::new(buf, area, 0);
        label(scene, &mut pen, "Signals", focused);
        pen.put("no service selected", scene.style(Token::Muted));
        return;
    };
    let service = scene.model().catalog.services.get(id);
    let views = scene.model().signals.by_service.get(id);
    let view = |signal: Signal| views.and_then(|v| v.get(&signal));
    if area.height < 8 {
        one_line(scene, buf, area, focused, (id.as_str(), service), view);
        return;
    }
    let heading = format!("Golden signals · {id} · last {}", scene.state.ui.range);
    title(scene, buf, area, &heading, focused);
    let charts = below(area, 1);
    // Four beside each other where each keeps thirty cells, else two by two.
    let across: u16 = if charts.width >= 132 { 4 } else { 2 };
    let down = 4 / across;
    let (w, h) = ((charts.width + 3) / across - 3, charts.height / down);
    for (at, signal) in (0u16..).zip(Signal::ALL) {
        let (col, row) = (at % across, at / across);
        let cell = Rect::new(charts.x + col * (w + 3), charts.y + row * h, w, h);
        one_chart(scene, buf, cell, signal, unit(service, signal), view(signal));
    }
}

fn unit(service: Option<&Service>, signal: Signal) -> Option<Unit> {
    service?.signals.iter().find(|q| q.signal == signal).map(|q| q.unit)
}

/// The newest value and whether it is unusual, with a shape that says so.
fn now(view: Option<&SignalView>) -> (Reading, Option<(&'static str, &'static str)>) {
    let Some(view) = view.filter(|v| v.at.is_some()) else { return (Reading::Unknown, None) };
    let Some((at, value)) = view.series.points.last() else { return (Reading::NoData, None) };
    let usual = view.band.points.iter().rev().find(|(t, ..)| t <= at);
    let odd = usual.and_then(|(_, low, _, high)| {
        if value > high {
            Some(("▲", "above usual"))
        } else if value < low {
            Some(("▼", "below usual"))
        } else {
            None
        }
    });
    (Reading::of(*value), odd)
}

/// Whether the line reaches to the present: its last point is no older than a tenth of the range.
fn is_current(scene: &Scene<'_>, view: Option<&SignalView>) -> bool {
    let slack = scene.state.ui.range.scale(0.1).max(crate::domain::Span::from_mins(2));
    let last = view.and_then(|v| v.series.points.last());
    last.is_some_and(|(at, _)| scene.now().since(*at) <= slack)
}

fn one_line<'v>(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    focused: bool,
    (id, service): (&str, Option<&Service>),
    view: impl Fn(Signal) -> Option<&'v SignalView>,
) {
    let mut pen = Pen::new(buf, area, 0);
    label(scene, &mut pen, "Signals", focused);
    let rest: usize = 4;
    if pen.room() > width(id) + rest {
        pen.put(id, scene.style(Token::Text)).skip(2);
    }
    if area.height > 1 {
        pen = Pen::new(buf, area, 1);
        pen.skip(2);
    }
    for signal in Signal::ALL {
        let Some(unit) = unit(service, signal) else {
            continue;
        };
        let (value, odd) = now(view(signal));
        let text = reading(value, |v| format::quantity(v, unit));
        let mark = odd.map_or("", |(mark, _)| mark);
        if width(signal.name()) + 3 + width(&text) > pen.room() {
            break;
        }
        pen.put(signal.name(), scene.style(Token::Muted)).skip(1);
        let fresh = is_current(scene, view(signal));
        let token = value_token(value, odd.is_some());
        pen.put(&text, scene.unless_stale(fresh, token));
        pen.put(mark, scene.style(Token::Warning)).skip(2);
    }
    if service.is_none_or(|s| s.signals.is_empty()) {
        pen.put("no signal queries in the catalog", scene.style(Token::Muted));
    }
}

const fn value_token(value: Reading, odd: bool) -> Token {
    match value {
        Reading::Value(_) if odd => Token::Warning,
        Reading::Value(_) => Token::Text,
        Reading::NoData => Token::NoData,
        Reading::NaN | Reading::Unknown => Token::Unknown,
    }
}

fn one_chart(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    signal: Signal,
    unit: Option<Unit>,
    view: Option<&SignalView>,
) {
    let mut pen = Pen::new(buf, area, 0);
    pen.put(signal.name(), scene.style(Token::Muted)).skip(1);
    let Some(unit) = unit else {
        pen.put("no query in the catalog", scene.style(Token::Muted));
        return;
    };
    let (value, odd) = now(view);
    let fresh = is_current(scene, view);
    let text = reading(value, |v| format::quantity(v, unit));
    pen.put(&text, scene.unless_stale(fresh, value_token(value, odd.is_some()))).skip(1);
    let last = view.and_then(|v| v.series.points.last()).map(|(at, _)| *at);
    match (fresh, last, odd) {
        (false, Some(_), _) => {
            let age = format::age(last, scene.now());
            pen.put(&short!("{age} old"), scene.style(Token::Stale));
        }
        (_, _, Some((mark, words))) => {
            pen.put(mark, scene.style(Token::Warning)).skip(1);
            pen.whole(words, scene.style(Token::Warning));
        }
        _ => {}
    }
    let Some(view) = view else { return };
    let time = Window::last(scene.state.ui.range, scene.now());
    let scale = Scale::over(&view.series, &view.band, time, 0.0);
    pen.right(&format::quantity(scale.high, unit), scene.style(Token::Muted));
    let plot = below(top(area, area.height.saturating_sub(1)), 1);
    let style = ChartStyle {
        line: scene.unless_stale(fresh, Token::ChartLine),
        band: scene.style(Token::ChartBand),
        mark: scene.style(Token::Border),
    };
    let drawn = chart(buf, plot, &view.series, &view.band, &[], (time, scale), style);
    if !drawn && plot.height > 0 {
        let words = match value {
            Reading::Unknown => "not asked yet",
            Reading::NoData => "the query gives nothing",
            Reading::Value(_) | Reading::NaN => "nothing in this time range",
        };
        Pen::new(buf, plot, plot.height / 2).put(words, scene.style(Token::Unknown));
    }
}
