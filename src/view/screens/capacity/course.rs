//! Where one gauge goes: a sentence, what it rests on, and its line with the band of the forecast.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::actions::Action;
use crate::analysis::series::{Backtest, Forecast};
use crate::domain::{Band, Capacity, Resource, Series, Span};
use crate::model::{Gauge, Outlook};
use crate::theme::Token;
use crate::view::format::{self, short};
use crate::view::scene::Scene;
use crate::view::widgets::chart::{ChartStyle, Scale, Window, axes, chart};
use crate::view::widgets::text::{Pen, below, top, wrap};

use super::{amount, heading, is_fresh, mark, rate_words};

/// From this range on the weeks are shown, where they came in.
const WEEKS: Span = Span::from_days(3);
/// Cells of the facts beside a chart.
const FACTS: u16 = 50;

/// Draws it.
pub(super) fn draw(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    gauge: &Gauge,
    resource: &Resource,
) {
    let fresh = is_fresh(gauge);
    let (shape, token) = mark(scene, gauge, resource);
    let mut pen = Pen::new(buf, area, 0);
    let kind = match scene.model().catalog.services.get(&resource.service) {
        Some(service) if !service.owner.is_empty() => {
            short!("{} of {}, {}", resource.kind.name(), resource.service, service.owner)
        }
        _ => short!("{} of {}", resource.kind.name(), resource.service),
    };
    pen.right(&kind, scene.style(Token::Muted)).trim(2);
    pen.put(shape, scene.style(token)).skip(1);
    pen.put(&heading(gauge, resource), scene.style(Token::Title));
    let body = below(area, 1);
    let said = gauge.told(resource, scene.now()).into_iter().next().unwrap_or_default();
    let stale = scene.unless_stale(fresh, Token::Text);
    let mut used = 0;
    wrap(&format!("{}.", capital(&said)), usize::from(body.width), |line| {
        if used < 2 {
            Pen::new(buf, body, used).put(line, stale);
        }
        used += 1;
    });
    let body = below(body, used.min(2));
    let long = scene.model().capacity.long_outlook(&gauge.id);
    let outlook = long.filter(|_| scene.state.ui.range >= WEEKS).or(gauge.outlook.as_deref());
    if body.width >= FACTS + 44 {
        let left = Rect { width: FACTS, ..body };
        facts(scene, buf, left, gauge, resource, outlook);
        let x = body.x + FACTS + 3;
        let beside = Rect { x, width: body.width - FACTS - 3, ..body };
        line(scene, buf, beside, gauge, resource, outlook);
    } else {
        let rows = if body.height >= 9 { 4 } else { body.height.saturating_sub(5).min(2) };
        facts(scene, buf, top(body, rows), gauge, resource, outlook);
        line(scene, buf, below(body, rows), gauge, resource, outlook);
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map_or_else(String::new, |first| first.to_uppercase().to_string());
    first + letters.as_str()
}

/// What the sentence rests on; what is needed most first.
fn facts(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    gauge: &Gauge,
    resource: &Resource,
    outlook: Option<&Outlook>,
) {
    let muted = scene.style(Token::Muted);
    let mut row = 0;
    let mut fact = |name: &str, text: &str, token: Token| {
        let indent = 10;
        let beside = Rect {
            x: area.x + indent.min(area.width),
            width: area.width.saturating_sub(indent),
            ..area
        };
        Pen::new(buf, area, row).put(name, muted);
        wrap(text, usize::from(beside.width), |line| {
            if row < area.height {
                Pen::new(buf, beside, row).put(line, scene.style(token));
            }
            row += 1;
        });
    };
    let forecast = outlook.and_then(|outlook| outlook.forecast.as_ref().ok());
    if let Some(forecast) = forecast {
        for caution in &forecast.cautions {
            fact("caution", caution, Token::Warning);
        }
        fact("tried", &tried(forecast, resource), Token::Text);
    }
    if let Some(rate) = outlook.and_then(|outlook| outlook.per_hour) {
        let text = short!("{} per hour over the last one", rate_words(rate, resource));
        fact("rate", &text, Token::Text);
    }
    if let Some(forecast) = forecast {
        fact("method", forecast.method, Token::Text);
        let seasons: Vec<String> =
            forecast.seasons.iter().map(|span| format::span(*span).to_string()).collect();
        let seasons = if seasons.is_empty() { "none found".into() } else { seasons.join(", ") };
        fact("seasons", &seasons, Token::Text);
    }
    let limit = match (gauge.limit, &resource.limit) {
        (Some(limit), Capacity::Fixed(_)) => {
            short!("{} written down", amount(limit, resource.unit))
        }
        (Some(limit), _) => short!("{} as measured", amount(limit, resource.unit)),
        (None, _) => short!("not known"),
    };
    fact("limit", &limit, Token::Text);
    let others: Vec<&str> = resource.shared_by.iter().map(|id| id.as_str()).collect();
    if !others.is_empty() {
        fact("shared by", &others.join(", "), Token::Text);
    }
    if resource.filled_by != resource.service {
        fact("filled by", resource.filled_by.as_str(), Token::Text);
    }
    let key = scene.keymap.key_for(Action::Explain).unwrap_or(":explain");
    fact(key, "the questions asked and every figure", Token::Muted);
}

/// How far off the method would have been, in a few words.
fn tried(forecast: &Forecast, resource: &Resource) -> String {
    let Backtest { error, mase, coverage, readings, .. } = forecast.backtest;
    if readings == 0 {
        return "on nothing yet".into();
    }
    let error = amount(error, resource.unit);
    let inside = format::percent(coverage);
    format!("off by {error} on average, {mase:.1}× the last season repeated; {inside} in the band")
}

/// Its line so far, and the band where it may go.
fn line(
    scene: &Scene<'_>,
    buf: &mut Buffer,
    area: Rect,
    gauge: &Gauge,
    resource: &Resource,
    outlook: Option<&Outlook>,
) {
    if area.height < 3 {
        return;
    }
    let range = scene.state.ui.range;
    let (now, unit) = (scene.now(), resource.unit);
    let Some(outlook) = outlook else {
        let text = "No history came in yet; it is asked for every few minutes.";
        Pen::new(buf, area, 0).put(text, scene.style(Token::Unknown));
        return;
    };
    // As far ahead as back, and never further than the forecast says anything.
    let forecast = outlook.forecast.as_ref().ok();
    let ahead = forecast.and_then(|f| Some(f.steps.last()?.at.since(now)));
    let ahead = ahead.map_or(Span::ZERO, |ahead| ahead.min(range).max(Span::ZERO));
    let time = Window { from: now.minus(range), to: now.plus(ahead) };
    let series = Series { points: outlook.points.clone(), ..Series::default() };
    let steps = forecast.map_or(&[][..], |forecast| &forecast.steps);
    let band = Band {
        points: steps.iter().map(|s| (s.at, s.lower, s.mean, s.upper)).collect(),
        basis: "forecast",
    };
    let scale = Scale::over(&series, &Band::default(), time, 0.0);
    let scale = Scale::over(&Series::default(), &band, time, scale.high);
    // A limit far above is only named.
    let near = gauge.limit.filter(|limit| *limit <= scale.high * 3.0);
    let high = near.map_or(scale.high, |limit| limit.max(scale.high).min(limit * 1.5));
    let scale = Scale { high, ..scale }.rounded();
    let (axis, limit_style) = (scene.style(Token::ChartAxis), scene.style(Token::ChartLimit));
    let mut pen = Pen::new(buf, area, 0);
    let heading = match (ahead > Span::ZERO, near) {
        (true, _) => {
            format!("Last {range}, next {}, 19 of 20 inside the band", format::span(ahead))
        }
        (false, _) => format!("Last {range}; no forecast"),
    };
    if let (Some(limit), None) = (gauge.limit, near) {
        let text = short!("limit {} is higher", amount(limit, unit));
        pen.right(&text, scene.style(Token::Muted)).trim(2);
    }
    pen.put(&heading, scene.style(Token::Header));
    let mut values = vec![(0.0, short!("0"), axis)];
    let mut marks = Vec::new();
    if let Some(limit) = near {
        values.insert(0, (limit, amount(limit, unit), limit_style));
        marks.push((limit, limit_style));
    }
    values.push((scale.high, amount(scale.high, unit), axis));
    let from = scene.zone.minute(time.from, now);
    let to = if ahead > Span::ZERO { short!("+{}", format::span(ahead)) } else { short!("now") };
    let plot = axes(buf, below(area, 1), scale, &values, (&from, &to), axis);
    // Where the past ends.
    let seen = time.to.since(time.from).seconds();
    if ahead > Span::ZERO && seen > 0.0 {
        let at = (range.seconds() / seen * f64::from(plot.width)) as u16;
        let x = plot.x + at.min(plot.width.saturating_sub(1));
        for y in plot.top()..plot.bottom() {
            Pen::new(buf, Rect { x, width: 1, ..plot }, y - plot.y).put("┊", axis);
        }
    }
    let style = ChartStyle {
        line: scene.unless_stale(is_fresh(gauge), Token::ChartLine),
        band: scene.style(Token::ChartBand),
    };
    let mean = Series {
        points: steps.iter().map(|step| (step.at, step.mean)).collect(),
        ..Series::default()
    };
    let ahead_style = ChartStyle { line: scene.style(Token::Muted), ..style };
    let drawn = chart(buf, plot, &mean, &band, &marks, (time, scale), ahead_style);
    let past = chart(buf, plot, &series, &Band::default(), &[], (time, scale), style);
    if !drawn && !past {
        let text = "no history in this time range";
        Pen::new(buf, plot, plot.height / 2).put(text, scene.style(Token::Unknown));
    }
}
