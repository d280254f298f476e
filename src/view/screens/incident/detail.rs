//! Where there is room for it: everything about what is selected, and the chart of frozen proof.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::Detail;
use crate::domain::{Band, Evidence, Series};
use crate::model::incidents::Incident;
use crate::theme::Token;
use crate::view::dialogs::preview;
use crate::view::format::short;
use crate::view::scene::Scene;
use crate::view::widgets::chart::{ChartStyle, Scale, Window, axes, chart};
use crate::view::widgets::text::{below, top};

use super::super::{inner, title};

/// With less room nothing is drawn.
const LEAST: u16 = 8;
/// Rows of the chart.
const CHART: u16 = 10;

/// Draws it.
pub(super) fn draw(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, incident: &Incident) {
    if area.height < LEAST {
        return;
    }
    let Some((heading, lines)) = scene.state.incident_reading() else { return };
    title(scene, buf, area, &heading, false);
    let mut room = inner(below(area, 1));
    if let Some(Detail::Entry(entry)) = scene.state.incident_detail()
        && let Some(evidence) = incident.timeline.line(entry).and_then(|l| l.evidence.as_ref())
        && room.height >= CHART + LEAST
    {
        proof(scene, buf, top(room, CHART), evidence);
        room = below(room, CHART + 1);
    }
    preview(scene, buf, room, &lines);
}

/// The values of frozen proof over their time.
fn proof(scene: &Scene<'_>, buf: &mut Buffer, area: Rect, evidence: &Evidence) {
    let series = Series { labels: Default::default(), points: evidence.values.clone() };
    let band = Band { points: Vec::new(), basis: "" };
    let time = Window { from: evidence.from, to: evidence.to };
    let scale = Scale::over(&series, &band, time, 0.0).rounded();
    let axis = scene.style(Token::ChartAxis);
    let value = |value: f64| short!("{value}{}", evidence.unit);
    let values = [(scale.high, value(scale.high), axis), (scale.low, value(scale.low), axis)];
    let (from, to) = (
        scene.zone.minute(evidence.from, scene.now()),
        scene.zone.minute(evidence.to, scene.now()),
    );
    let plot = axes(buf, area, scale, &values, (&from, &to), axis);
    let style =
        ChartStyle { line: scene.style(Token::ChartLine), band: scene.style(Token::ChartBand) };
    chart(buf, plot, &series, &band, &[], (time, scale), style);
}
