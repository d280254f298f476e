//! Rows of alert groups, as the Bridge and the Alerts screen show them.

use crate::domain::{AlertKey, Severity, Timestamp};
use crate::model::{Group, Sight, Tracked};
use crate::theme::Token;
use crate::view::format::{self, short};
use crate::view::scene::{Scene, severity};
use crate::view::widgets::table::{Cell, Column};

/// Columns of groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Col {
    Severity,
    Mark,
    Title,
    Active,
    Silenced,
    Inhibited,
    Lost,
    Since,
    Owner,
    Ack,
    Runbook,
}

/// On the Bridge.
pub(crate) const BRIDGE: [Column<Col>; 7] = [
    Column::new(Col::Mark, "", 1, 0),
    Column::new(Col::Severity, "", 5, 0),
    Column::new(Col::Title, "", 20, 0).up_to(28).grow(),
    Column::new(Col::Active, "alerts", 6, 4).right(),
    Column::new(Col::Since, "for", 4, 1).right(),
    Column::new(Col::Owner, "owner", 10, 2).up_to(14),
    Column::new(Col::Ack, "acked by", 8, 3).up_to(12),
];

/// On the Alerts screen.
pub(crate) const ALERTS: [Column<Col>; 11] = [
    Column::new(Col::Mark, "", 1, 0),
    Column::new(Col::Severity, "", 5, 0),
    Column::new(Col::Title, "", 28, 0).grow(),
    Column::new(Col::Active, "alerts", 6, 3).right(),
    Column::new(Col::Silenced, "sil", 4, 8).right(),
    Column::new(Col::Inhibited, "inh", 4, 9).right(),
    Column::new(Col::Lost, "lost", 4, 5).right(),
    Column::new(Col::Since, "for", 4, 2).right(),
    Column::new(Col::Owner, "owner", 10, 4).up_to(14),
    Column::new(Col::Ack, "acked by", 8, 6).up_to(12),
    Column::new(Col::Runbook, "runbook", 10, 7),
];

/// Whether anybody sees it, is told about it, takes care of it: shape, colour. One that wants
/// somebody has the shape and colour of its severity.
pub(crate) const fn mark(group: &Group) -> (&'static str, Token) {
    if group.active == 0 && group.unseen > 0 {
        ("?", Token::Unknown)
    } else if group.active == 0 {
        ("○", Token::Silenced)
    } else if group.ack.is_some() {
        ("✓", Token::Ack)
    } else {
        urgent(group.judged.severity)
    }
}

/// The shape of an unacknowledged alert. SEV-1 is painted, which a single glyph is not.
const fn urgent(severity: Severity) -> (&'static str, Token) {
    match severity {
        Severity::Sev1 => ("▲", Token::Error),
        Severity::Sev2 => ("▲", Token::Sev2),
        Severity::Sev3 => ("◆", Token::Sev3),
        Severity::Sev4 => ("◇", Token::Sev4),
        Severity::Sev5 => ("◇", Token::Sev5),
    }
}

/// Draws one cell.
pub(crate) fn cell(
    scene: &Scene<'_>,
    col: Col,
    group: &Group,
    open: Option<bool>,
    cell: &mut Cell<'_>,
) {
    let unseen = group.active == 0 && group.unseen > 0;
    let muted = group.active == 0 && !unseen;
    let calm = if muted { Token::Silenced } else { Token::Text };
    let number = |n: usize, token: Token, cell: &mut Cell<'_>| {
        if n > 0 {
            cell.put(&format::count(n), scene.style(token));
        } else {
            cell.put("·", scene.style(Token::Muted));
        }
    };
    match col {
        // The catalog has a say in both.
        Col::Severity | Col::Owner if scene.state.reading => {
            cell.put("…", scene.style(Token::Unknown));
        }
        Col::Severity => {
            let token = if muted { Token::Silenced } else { severity(group.judged.severity) };
            cell.put(&short!("{}", group.judged.severity), scene.style(token));
        }
        Col::Mark => {
            let (glyph, token) = mark(group);
            cell.put(glyph, scene.style(token));
        }
        Col::Title => {
            if let Some(open) = open {
                cell.put(if open { "▾ " } else { "" }, scene.style(Token::Muted));
            }
            if unseen {
                // The word must be seen even where the title has no room.
                let (word, token) = match first_sight(scene, group) {
                    Some(Sight::Stale { .. }) => ("not current", Token::Stale),
                    _ => ("lost sight", Token::Unknown),
                };
                cell.put_right(word, scene.style(token));
            }
            let style = scene.style(if unseen { Token::Stale } else { calm });
            cell.put(&group.title, style);
        }
        Col::Active => number(group.active, calm, cell),
        Col::Silenced => number(group.silenced, Token::Silenced, cell),
        Col::Inhibited => number(group.inhibited, Token::Silenced, cell),
        Col::Lost => number(group.unseen, Token::Unknown, cell),
        Col::Since => {
            cell.put(&format::age(Some(group.since), scene.now()), scene.style(Token::Muted));
        }
        Col::Owner if group.owner.is_empty() => {
            cell.put("no owner", scene.style(Token::Warning));
        }
        Col::Owner => {
            cell.put(&group.owner, scene.style(calm));
        }
        Col::Ack => match &group.ack {
            Some(ack) => {
                cell.put(ack.by.name(), scene.style(Token::Ack));
            }
            None => {
                cell.put("—", scene.style(Token::Muted));
            }
        },
        Col::Runbook if group.runbook.is_empty() => {
            cell.put("no runbook", scene.style(Token::Warning));
        }
        Col::Runbook => {
            cell.put("✓", scene.style(Token::Muted));
        }
    }
}

/// How the first of the group's alerts that are not plainly seen is seen.
pub(crate) fn first_sight<'a>(scene: &Scene<'a>, group: &Group) -> Option<&'a Sight> {
    // Looking for it costs a search for each alert, and a group can have twenty thousand.
    if group.unseen == 0 {
        return None;
    }
    group.alerts.iter().find_map(|key| {
        let sight = &scene.model().alerts.alerts.get(key)?.sight;
        (!matches!(sight, Sight::Firing)).then_some(sight)
    })
}

/// State of one alert: shape, word, colour, and since when it is so if that matters.
pub(crate) fn state(tracked: &Tracked) -> (&'static str, &'static str, Token, Option<Timestamp>) {
    match &tracked.sight {
        Sight::Lost { since, .. } => ("?", "lost sight", Token::Unknown, Some(*since)),
        Sight::Stale { since } => ("?", "not current", Token::Stale, Some(*since)),
        Sight::Resolved { at } => ("○", "resolved", Token::Silenced, Some(*at)),
        Sight::Firing if tracked.alert.is_silenced() => ("○", "silenced", Token::Silenced, None),
        Sight::Firing if tracked.alert.is_inhibited() => ("○", "inhibited", Token::Silenced, None),
        Sight::Firing if tracked.ack.is_some() => ("✓", "acked", Token::Ack, None),
        Sight::Firing => {
            let (glyph, token) = urgent(tracked.judged.severity);
            (glyph, "firing", token, None)
        }
    }
}

/// How many alerts of a group are looked at to tell which labels differ.
const SAMPLE: usize = 8;

/// Tells which labels differ between the alerts of a group, from a few of them.
pub(crate) struct Differing<'a> {
    group: Option<*const Group>,
    sample: [Option<&'a Tracked>; SAMPLE],
}

impl<'a> Differing<'a> {
    pub(crate) const fn new() -> Self {
        Self { group: None, sample: [None; SAMPLE] }
    }

    /// Looks at another group, if it is another.
    pub(crate) fn of(&mut self, scene: &Scene<'a>, group: &'a Group) {
        if self.group != Some(std::ptr::from_ref(group)) {
            self.group = Some(std::ptr::from_ref(group));
            let spread = group.alerts.len().div_ceil(SAMPLE).max(1);
            let get = |i: usize| -> Option<&'a AlertKey> { group.alerts.get(i * spread) };
            self.sample = std::array::from_fn(|i| scene.model().alerts.alerts.get(get(i)?));
        }
    }

    /// Whether the alerts do not all have this value.
    pub(crate) fn differs(&self, name: &str, value: &str) -> bool {
        let mut known = self.sample.iter().flatten();
        known.any(|t| t.alert.labels.get(name) != value)
    }

    /// Whether there is only one alert to compare.
    pub(crate) fn is_single(&self) -> bool {
        self.sample.iter().flatten().count() < 2
    }
}
