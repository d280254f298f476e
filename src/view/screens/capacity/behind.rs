//! What stands alone (single points of failure, shared limits), and what stands behind the services
//! (quorums, copies, suppliers, ways back).

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{CapacityPane, CapacityRow, Drawn, first_visible};
use crate::domain::{Freshness, Labels, ServiceId, Span, VendorState};
use crate::model::{ConsensusView, ReplicationView, VendorView};
use crate::theme::Token;
use crate::view::format::{self, short};
use crate::view::scene::Scene;
use crate::view::screens::bridge::{mark_row, title_room};
use crate::view::screens::{empty, fitting, inner, title};
use crate::view::widgets::table::{Column, headings, place, rows};
use crate::view::widgets::text::{Pen, below, top, wrap};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Col {
    Mark,
    Kind,
    Name,
    Said,
}

const COLUMNS: [Column<Col>; 4] = [
    Column::new(Col::Mark, "", 1, 0),
    Column::new(Col::Kind, "", 12, 1),
    Column::new(Col::Name, "", 14, 0).up_to(28),
    Column::new(Col::Said, "stands", 20, 0).grow(),
];

/// A row as it is drawn.
struct Line {
    mark: (&'static str, Token),
    kind: &'static str,
    name: String,
    said: String,
    token: Token,
}

/// Draws the list that is looked at.
pub(super) fn draw(scene: &Scene<'_>, buf: &mut Buffer, area: Rect) -> Drawn {
    let ui = &scene.state.ui.capacity;
    let shown = ui.list();
    let count = format::count(shown.rows.len());
    let wordings = match ui.pane {
        CapacityPane::Behind => {
            [short!("What stands behind · {count}"), short!("Behind · {count}"), short!("Behind")]
        }
        _ => [short!("What stands alone · {count}"), short!("Alone · {count}"), short!("Alone")],
    };
    let whole = area;
    // What does not fit a line is read below the list.
    let detail = if area.height >= 14 { 6 } else { 0 };
    let wanted = u16::try_from(shown.rows.len()).unwrap_or(u16::MAX).saturating_add(1);
    let area = top(area, wanted.min(area.height - detail).max(2));
    let page = usize::from(area.height.saturating_sub(1));
    if shown.rows.is_empty() {
        title(scene, buf, area, &wordings[2], true);
        empty(scene, buf, below(whole, 1), nothing(scene));
        return Drawn { page, ..Drawn::default() };
    }
    let selected = shown.selected.as_ref();
    let selected = selected.and_then(|row| shown.rows.iter().position(|r| r == row));
    let first =
        first_visible(shown.scroll, selected.unwrap_or(shown.scroll), page, shown.rows.len());
    let (outer, list, area) = (area, inner(below(area, 1)), inner(area));
    let placed = place(&COLUMNS, area);
    headings(&placed, area, buf, scene.style(Token::Header));
    let room = top(Rect { width: title_room(&placed, outer), ..outer }, 1);
    let wordings: Vec<&str> = wordings.iter().map(|text| &**text).collect();
    title(scene, buf, room, fitting(room, &wordings), true);
    let world = World::of(scene);
    let lines = shown.rows.iter().skip(first).map(|row| world.line(scene, row));
    rows(&placed, list, buf, lines, |col, line, cell| {
        let Some(line) = line else { return };
        let (mark, token) = line.mark;
        match col {
            Col::Mark => cell.put(mark, scene.style(token)),
            Col::Kind => cell.put(line.kind, scene.style(Token::Muted)),
            Col::Name => cell.put_name(&line.name, scene.style(Token::Text)),
            Col::Said => cell.put(&line.said, scene.style(line.token)),
        };
    });
    if let Some(row) = selected {
        mark_row(scene, buf, list, row, first, true);
    }
    let line = shown.selected.as_ref().and_then(|row| world.line(scene, row));
    let below_list = inner(below(whole, outer.height + 1));
    if let (Some(line), true) = (line, below_list.height > 1) {
        let mut row = 1;
        let mut pen = Pen::new(buf, below_list, 0);
        pen.put(line.mark.0, scene.style(line.mark.1)).skip(1);
        pen.put(&line.name, scene.style(Token::Title)).skip(2);
        pen.put(line.kind, scene.style(Token::Muted));
        wrap(&line.said, usize::from(below_list.width), |text| {
            Pen::new(buf, below_list, row).put(text, scene.style(line.token));
            row += 1;
        });
    }
    Drawn { top: first, page, ..Drawn::default() }
}

fn nothing(scene: &Scene<'_>) -> (String, Token) {
    let ui = &scene.state.ui.capacity;
    let text = match ui.pane {
        _ if !ui.filter_text.is_empty() => "Nothing matches the filter.",
        CapacityPane::Behind => {
            "The catalog declares no quorum, no copies, no supplier and no way back."
        }
        _ if !scene.model().map.is_made() => {
            return ("… making the graph of who calls whom".into(), Token::Unknown);
        }
        _ => {
            "As far as the catalog and the calls that were seen tell, no service takes another down \
             alone."
        }
    };
    (text.into(), Token::Muted)
}

/// What the rows are about, asked once for a frame.
struct World<'a> {
    groups: Vec<ConsensusView<'a>>,
    copies: Vec<ReplicationView<'a>>,
    vendors: Vec<VendorView<'a>>,
}

impl<'a> World<'a> {
    fn of(scene: &Scene<'a>) -> Self {
        let model = scene.model();
        if scene.state.ui.capacity.pane != CapacityPane::Behind {
            return Self { groups: Vec::new(), copies: Vec::new(), vendors: Vec::new() };
        }
        Self { groups: model.consensus(), copies: model.replication(), vendors: model.vendors() }
    }

    fn line(&self, scene: &Scene<'_>, row: &CapacityRow) -> Option<Line> {
        let model = scene.model();
        let line = |kind, mark: (&'static str, Token), said: String| {
            let token = if mark.1 == Token::Ok { Token::Text } else { mark.1 };
            Some(Line { mark, kind, name: row.name(), said, token })
        };
        match row {
            CapacityRow::Gauge(_) | CapacityRow::Watched(_) => None,
            CapacityRow::Single(id) => {
                let single = model.map.alone().singles.iter().find(|one| one.service == *id)?;
                let runs = match single.replicas {
                    Some(1) => "one of it".to_owned(),
                    Some(count) => format!("{count} of it"),
                    None => "nobody says how many of it".into(),
                };
                let takes = plural(single.takes, "service");
                let entries = listed(&single.entries);
                let mark = match single.replicas {
                    Some(2..) => ("◇", Token::Muted),
                    _ => ("◆", Token::Warning),
                };
                line("alone", mark, format!("{runs}; takes down {takes}, seen at {entries}"))
            }
            CapacityRow::Shared(id) => {
                let shared = model.map.alone().shared.iter().find(|one| one.resource == *id)?;
                let said = format!(
                    "{} draw on it; running out takes down {}{}",
                    listed(&shared.drawn_by),
                    shared.service,
                    and_others(&shared.takes)
                );
                line("shared", ("◇", Token::Warning), said)
            }
            CapacityRow::Consensus(id) => {
                let view = self.groups.iter().find(|view| view.group.id == *id)?;
                let (mark, said) = quorum(view);
                line("quorum", mark, said)
            }
            CapacityRow::Copies(id) => {
                let view = self.copies.iter().find(|view| view.copies.id == *id)?;
                let (mark, said) = copies(view);
                line("copies", mark, said)
            }
            CapacityRow::Vendor(id) => {
                let view = self.vendors.iter().find(|view| view.vendor.id == *id)?;
                let (mark, said) = vendor(scene, view);
                line("supplier", mark, said)
            }
            CapacityRow::Recovery(id) => {
                let service = model.catalog.services.get(id)?;
                let options = model.recovery(service);
                let doubted = options.first().is_some_and(|(_, doubt)| doubt.is_some());
                let said: Vec<String> = options
                    .iter()
                    .enumerate()
                    .map(|(at, (option, doubt))| {
                        let takes =
                            option.takes.map_or("?".into(), |t| format::span(t).to_string());
                        let proven = if option.proven.is_some() { "" } else { ", never proven" };
                        let doubt = doubt.as_ref().map_or_else(String::new, |d| format!(": {d}"));
                        format!("{}. {} {takes}{proven}{doubt}", at + 1, option.way.name())
                    })
                    .collect();
                let mark = if doubted { ("◇", Token::Warning) } else { ("·", Token::Muted) };
                let token = if doubted { Token::Warning } else { Token::Text };
                let line = line("ways back", mark, said.join("; "));
                line.map(|line| Line { token, ..line })
            }
        }
    }
}

fn plural(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// The first few of some services.
fn listed(ids: &[ServiceId]) -> String {
    let few: Vec<&str> = ids.iter().take(3).map(ServiceId::as_str).collect();
    match ids.len() {
        0 => "no entry".into(),
        1..=3 => few.join(", "),
        n => format!("{} and {} more", few.join(", "), n - 3),
    }
}

fn and_others(ids: &[ServiceId]) -> String {
    if ids.is_empty() { String::new() } else { format!(" and {}", plural(ids.len(), "other")) }
}

fn old(age: Option<(Span, Freshness)>) -> Option<String> {
    match age {
        Some((age, Freshness::Stale)) => Some(format!("{} old: ", format::span(age))),
        _ => None,
    }
}

type Said = ((&'static str, Token), String);

fn quorum(view: &ConsensusView<'_>) -> Said {
    let Some(quorum) = view.quorum else {
        return (("?", Token::Unknown), "unknown: no member answered".into());
    };
    let of = format!("{} of {} healthy", quorum.healthy, quorum.voters);
    let leader = match quorum.leader {
        Some(false) => ", no leader",
        Some(true) | None => "",
    };
    let (mark, rest) = match quorum.margin() {
        None => (("▲", Token::Error), format!("no quorum, {} needed", quorum.needed)),
        Some(0) => (("▲", Token::Error), "the next loss stops it".into()),
        Some(more) => (("●", Token::Ok), format!("may lose {more} more")),
    };
    let mark = if leader.is_empty() { mark } else { ("▲", Token::Error) };
    let lost: Vec<String> = view.lost.iter().take(2).map(labelled).collect();
    let lost = if lost.is_empty() { String::new() } else { format!("; lost {}", lost.join(", ")) };
    match old(view.age) {
        Some(old) => (("?", Token::Stale), format!("{old}{of}{leader}, {rest}{lost}")),
        None => (mark, format!("{of}{leader}: {rest}{lost}")),
    }
}

fn labelled(labels: &Labels) -> String {
    let values: Vec<&str> = labels.iter().map(|(_, value)| value.as_str()).collect();
    values.join(" ")
}

fn copies(view: &ReplicationView<'_>) -> Said {
    let rpo = format::span(view.copies.rpo);
    let mark = match view.within_rpo() {
        None => ("?", Token::Unknown),
        Some(false) => ("▲", Token::Error),
        Some(true) => ("●", Token::Ok),
    };
    let each: Vec<String> = view
        .replicas
        .iter()
        .take(3)
        .map(|replica| {
            let lag = replica.lag.map_or("?".into(), |lag| format::span(lag).to_string());
            let mode = match replica.synchronous {
                Some(true) => " sync",
                Some(false) => " async",
                None => "",
            };
            format!("{} {lag}{mode}", labelled(&replica.labels))
        })
        .collect();
    let risk = match view.at_risk() {
        None => return (mark, format!("unknown how far behind; {rpo} may be lost")),
        Some(risk) => format::span(risk),
    };
    let said = format!("{risk} would be lost, {rpo} may be: {}", each.join(", "));
    match old(view.age) {
        Some(old) => (("?", Token::Stale), format!("{old}{said}")),
        None => (mark, said),
    }
}

fn vendor(scene: &Scene<'_>, view: &VendorView<'_>) -> Said {
    let Some(says) = view.says else {
        return (("?", Token::Unknown), "unknown: its status page was not read".into());
    };
    let mark = match says {
        VendorState::Operational => ("●", Token::Ok),
        VendorState::Maintenance => ("◇", Token::Warning),
        VendorState::Degraded | VendorState::Partial => ("◆", Token::Warning),
        VendorState::Major => ("▲", Token::Error),
    };
    let incident = view.incidents.first().map_or_else(String::new, |(title, _, at)| {
        format!("; {title}, {} ago", format::age(Some(*at), scene.now()))
    });
    let said = format!("says {}{incident}", says.name());
    match old(view.age) {
        Some(old) => (("?", Token::Stale), format!("{old}{said}")),
        None => (mark, said),
    }
}
