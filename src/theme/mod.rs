//! Meanings → styles, from `themes/*.toml`. Colours exist only here and in the theme files.
//!
//! No theme tells anything by colour alone: a letter, a word or a shape always goes with it.

mod choose;
mod colour;
mod load;
#[cfg(test)]
mod tests;

pub use choose::{Facts, choose};
pub use colour::Depth;
pub use load::{NAMES, load};

use ratatui::style::Style;

macro_rules! tokens {
    ($($variant:ident, $name:literal, $doc:literal;)*) => {
        /// Everything that may look like something.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Token { $(#[doc = $doc] $variant,)* }

        impl Token {
            /// Every token with its name in theme files.
            pub const ALL: &'static [(&'static str, Self)] = &[$(($name, Self::$variant),)*];
        }
    };
}

tokens! {
    Text, "text", "Plain text.";
    Muted, "muted", "Text that matters less: units, ages, hints.";
    Accent, "accent", "What the eye may rest on; the one accent.";
    Title, "title", "Titles of panes.";
    Header, "header", "Heads of columns.";
    Selected, "selected", "The selected row, laid over the row's own styles.";
    SelectedInactive, "selected-inactive", "The selected row of a pane without the focus.";
    Marked, "marked", "A marked row.";
    Border, "border", "Lines between panes.";
    BorderFocus, "border-focus", "Lines around the pane with the focus.";
    Tab, "tab", "Another screen's tab.";
    TabActive, "tab-active", "This screen's tab.";
    Key, "key", "A key in hints and help.";
    Match, "match", "Characters a search found.";
    Link, "link", "A link.";
    Popup, "popup", "Ground of what lies over a screen.";
    Sev1, "sev1", "SEV-1, critical.";
    Sev2, "sev2", "SEV-2, major.";
    Sev3, "sev3", "SEV-3, minor.";
    Sev4, "sev4", "SEV-4, low.";
    Sev5, "sev5", "SEV-5, for information.";
    Ok, "ok", "Fresh, within objective, done.";
    Warning, "warning", "Needs attention.";
    Error, "error", "Failed.";
    Stale, "stale", "Data older than it should be.";
    Unknown, "unknown", "It cannot be told.";
    NoData, "nodata", "There is nothing to tell from.";
    Info, "info", "For information.";
    Observation, "entry-observation", "Something seen, on a timeline.";
    Deed, "entry-action", "Something done, on a timeline.";
    Decision, "entry-decision", "Something decided, on a timeline.";
    Communication, "entry-communication", "Something said to somebody, on a timeline.";
    Evidence, "entry-evidence", "Something that proves another entry, on a timeline.";
    Ack, "ack", "Acknowledged by one of us.";
    Silenced, "silenced", "Silenced or inhibited.";
    ChartLine, "chart-line", "A measured line.";
    ChartBand, "chart-band", "What is usual at this time.";
    ChartLimit, "chart-limit", "An objective or threshold.";
    ChartAxis, "chart-axis", "Axes and their labels.";
    GaugeFull, "gauge-full", "Budget left, plenty.";
    GaugeLow, "gauge-low", "Budget left, little.";
    GaugeSpent, "gauge-spent", "Budget gone.";
    BannerDemo, "banner-demo", "The line that says this is a recording.";
    BannerWarning, "banner-warning", "A line across the screen that must be seen.";
    Input, "input", "Typed text.";
    Cursor, "cursor", "The cursor in typed text.";
    Ghost, "ghost", "What completion would add.";
}

/// The active styles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    name: String,
    depth: Depth,
    styles: Vec<Style>,
}

impl Theme {
    /// The style of a meaning.
    pub fn style(&self, token: Token) -> Style {
        self.styles.get(token as usize).copied().unwrap_or_default()
    }

    /// The name it was loaded by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many colours it uses.
    pub fn depth(&self) -> Depth {
        self.depth
    }
}
