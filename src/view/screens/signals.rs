//! Golden signals of one service: four charts with what is usual behind the line, or one line of numbers.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::{Reading, Service, ServiceId, Signal, Unit};
use crate::model::{Outside, SignalView};
use crate::theme::Token;
use crate::view::format::{self, short};
use crate::view::scene::{Scene, reading};
use crate::view::widgets::chart::{ChartStyle, Scale, Window, axes, chart};
use crate::view::widgets::text::{Pen, below, width};

use super::bridge::label;
use super::{inner, title};

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
    if area.height < 6 {
        one_line(scene, buf, area, focused, (id.as_str(), service), view);
        return;
    }
    let heading = format!("Golden signals · {id} · last {}", scene.state.ui.range);
    title(scene, buf, area, &heading, focused);
    let basis = views.and_then(|v| v.values().find(|v| !v.band.points.is_empty()));
    if let Some(view) = basis {
        // What the shade behind the line is.
        let words = format!("shaded: {}", view.band.basis);
        let mut pen = Pen::new(buf, area, 0);
        pen.skip(width(&heading) as u16 + 4);
        if width(&words) <= pen.room() {
            pen.right(&words, scene.style(Token::Muted));
        }
    }
    let charts = inner(below(area, 1));
    // Four beside each other where each keeps two dozen cells, else two by two.
    let across: u16 = if charts.width >= 105 { 4 } else { 2 };
    let down = 4 / across;
    let (w, h) = ((charts.width + 2) / across - 2, charts.height / down);
    for (at, signal) in (0u16..).zip(Signal::ALL) {
        let (col, row) = (at % across, at / across);
        let cell = Rect::new(charts.x + col * (w + 2), charts.y + row * h, w, h);
        one_chart(scene, buf, cell, (signal, unit(service, signal)), view(signal), id);
    }
}

fn unit(service: Option<&Service>, signal: Signal) -> Option<Unit> {
    service?.signals.iter().find(|q| q.signal == signal).map(|q| q.unit)
}

/// The newest value and whether it is unusual, with a shape that says so.
fn now(view: Option<&SignalView>) -> (Reading, Option<(&'static str, &'static str)>) {
    let Some(view) = view.filter(|v| v.at.is_some()) else { return (Reading::Unknown, None) };
    let Some((_, value)) = view.series.points.last() else { return (Reading::NoData, None) };
    let odd = view.outside().map(|outside| match outside {
        Outside::Above(_) => ("▲", "above usual"),
        Outside::Below(_) => ("▼", "below usual"),
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

/// The least a chart reaches up to, so that the small noise of a healthy service looks small: ten
/// times the tightest error budget for errors, all of it for saturation.
fn least(scene: &Scene<'_>, id: &ServiceId, signal: Signal, unit: Unit) -> f64 {
    match (signal, unit) {
        (Signal::Saturation, Unit::Ratio) => 1.0,
        (Signal::Errors, Unit::Ratio) => {
            let slos = scene.model().catalog.slos.values().filter(|s| s.service == *id);
            let tightest = slos.map(|s| 1.0 - s.objective).fold(0.01, f64::min);
            (tightest * 10.0).min(1.0)
        }
        _ => 0.0,
    }
}

fn one_chart(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    (signal, unit): (Signal, Option<Unit>),
    view: Option<&SignalView>,
    id: &ServiceId,
) {
    let mut pen = Pen::new(buf, area, 0);
    pen.put(signal.name(), scene.style(Token::Header)).skip(1);
    let plot = below(area, 1);
    let Some(unit) = unit else {
        Pen::new(buf, plot, 0).put("no query in the catalog", scene.style(Token::Muted));
        return;
    };
    let (value, odd) = now(view);
    let fresh = is_current(scene, view);
    if value != Reading::Unknown {
        let text = reading(value, |v| format::quantity(v, unit));
        pen.put(&text, scene.unless_stale(fresh, value_token(value, odd.is_some()))).skip(1);
    }
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
    let words = match value {
        Reading::Unknown => "… asking",
        Reading::NoData => "the query gives nothing",
        Reading::Value(_) | Reading::NaN => "nothing in this time range",
    };
    let Some(view) = view.filter(|v| !v.series.points.is_empty()) else {
        Pen::new(buf, plot, 0).put(words, scene.style(Token::Unknown));
        return;
    };
    let time = Window::last(scene.state.ui.range, scene.now());
    let scale = Scale::over(&view.series, &view.band, time, 0.0).rounded();
    let scale = Scale { high: scale.high.max(least(scene, id, signal, unit)), ..scale };
    let axis = scene.style(Token::ChartAxis);
    let values = [
        (scale.high, format::quantity(scale.high, unit), axis),
        (0.0, short!("0"), axis),
        (scale.high / 2.0, format::quantity(scale.high / 2.0, unit), axis),
    ];
    let from = scene.zone.minute(time.from, scene.now());
    let plot = axes(buf, plot, scale, &values, (&from, "now"), axis);
    let style = ChartStyle {
        line: scene.unless_stale(fresh, Token::ChartLine),
        band: scene.style(Token::ChartBand),
    };
    let drawn = chart(buf, plot, &view.series, &view.band, &[], (time, scale), style);
    if !drawn && plot.height > 0 {
        Pen::new(buf, plot, plot.height / 2).put(words, scene.style(Token::Unknown));
    }
}
