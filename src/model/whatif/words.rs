//! What comes of something supposed, in words.

use super::{Strained, Supposed};
use crate::analysis::whatif::Breaks;
use crate::domain::{ServiceId, Span};

/// More rows than this nobody reads.
const SHOWN: usize = 12;

impl Supposed {
    /// The answer in one sentence: what breaks first, when, and on which way.
    pub fn headline(&self) -> String {
        match self.first() {
            Some(first) => format!(
                "{} breaks first, {}: {}.",
                name(first),
                when(first.breaks),
                way(&first.path, first.growth)
            ),
            None if self.strained.iter().any(|one| one.breaks == Breaks::Unknown) => {
                "Nothing that is known breaks, but not everything is known.".into()
            }
            None if self.strained.is_empty() => {
                "No resource of the catalog is filled by a service of the map, so nothing can break here."
                    .into()
            }
            None => "Every declared resource holds.".into(),
        }
    }

    /// Everything else. Each pair is a heading and its text.
    pub fn told(&self) -> Vec<(String, String)> {
        let mut lines = Vec::new();
        if let Some(refused) = &self.refused {
            lines.push(("refused".to_owned(), refused.to_string()));
        }
        lines.push(("first".into(), self.headline()));
        let down: Vec<&str> = self.down.iter().take(SHOWN).map(ServiceId::as_str).collect();
        let more = match self.down.len().saturating_sub(SHOWN) {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let down = if down.is_empty() { "nothing".into() } else { down.join(", ") + &more };
        lines.push(("goes down".into(), down));
        let grown = self.growth.iter().take(SHOWN);
        let grown: Vec<String> = grown.map(|(id, times)| format!("{id} ×{times:.2}")).collect();
        if !grown.is_empty() {
            lines.push(("load".into(), grown.join(", ")));
        }
        lines.extend(self.strained.iter().take(SHOWN).map(|one| (name(one), strained(one))));
        if self.strained.len() > SHOWN {
            let more = format!("{} resources more", self.strained.len() - SHOWN);
            lines.push(("and".into(), more));
        }
        lines.extend(self.assumed.iter().map(|text| ("assumed".to_owned(), text.to_string())));
        lines
    }
}

/// A resource with what tells its series apart.
pub(super) fn name(one: &Strained) -> String {
    let values = one.gauge.labels.iter().map(|(_, value)| value.as_str());
    std::iter::once(one.gauge.resource.as_str()).chain(values).collect::<Vec<_>>().join(" ")
}

fn strained(one: &Strained) -> String {
    let share = match one.share {
        Some(share) => format!("{:.0} % in use", share * 100.0),
        None => "use or limit not known".into(),
    };
    let headroom = match one.headroom {
        Some(times) if times.is_finite() => format!("; holds up to ×{times:.2} of the load"),
        _ => String::new(),
    };
    format!("{}, {share} at ×{:.2} of its load{headroom}", when(one.breaks), one.growth)
}

/// When it breaks.
fn when(breaks: Breaks) -> String {
    match breaks {
        Breaks::AtOnce => "at once".into(),
        Breaks::After(seconds) => {
            let seconds = seconds.clamp(0.0, 3.0e9) as i64;
            let span = if seconds >= 3_600 { seconds - seconds % 60 } else { seconds };
            format!("after {}", Span::from_secs(span))
        }
        Breaks::Not => "holds".into(),
        Breaks::Unknown => "unknown".into(),
    }
}

fn way(path: &[ServiceId], growth: f64) -> String {
    let names: Vec<&str> = path.iter().map(ServiceId::as_str).collect();
    format!("{} at ×{growth:.2} of its load", names.join(" → "))
}
