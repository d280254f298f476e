//! What comes of something supposed, in words.

use super::{Strained, Supposed};
use crate::analysis::whatif::Breaks;
use crate::domain::{NodeKey, SafeText, ServiceId, Span};

/// More rows than this nobody reads.
const SHOWN: usize = 12;
/// Services a sentence names.
const NAMED: usize = 3;

impl Supposed {
    /// The answer in a sentence or two: what goes down, and what breaks first, when, and on which way.
    pub fn headline(&self) -> String {
        let names = labels(&self.down, NAMED);
        let more = match self.down.len().saturating_sub(NAMED) {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        match names.as_slice() {
            [] => self.breaks(),
            [one] if more.is_empty() => format!("{one} goes down. {}", self.breaks()),
            some => format!("{}{more} go down. {}", some.join(", "), self.breaks()),
        }
    }

    /// What breaks first of what it reaches, in a sentence.
    pub fn breaks(&self) -> String {
        let touched = || self.strained.iter().filter(|one| one.is_touched());
        match self.first() {
            Some(first) => format!(
                "{} {}, {}: {}.",
                name(first),
                match first.breaks {
                    // Nothing breaks before at once; something of which nothing is known may before later.
                    Breaks::After(_) if self.is_unsure() => "is the first known to break",
                    _ => "breaks first",
                },
                when(first.breaks),
                way(&first.path, first.growth)
            ),
            None if self.is_unsure() => {
                "No resource is known to break by it, but not everything it reaches is known."
                    .into()
            }
            None if touched().next().is_none() => "It reaches no declared resource.".into(),
            None => "Every declared resource that it reaches holds.".into(),
        }
    }

    /// Everything else. Each pair is a heading and its text.
    pub fn told(&self) -> Vec<(String, String)> {
        let mut lines = Vec::new();
        if let Some(refused) = &self.refused {
            lines.push(("refused".to_owned(), refused.to_string()));
        }
        lines.push(("first".into(), self.headline()));
        let down = labels(&self.down, SHOWN);
        let more = match self.down.len().saturating_sub(SHOWN) {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let down = if down.is_empty() { "nothing".into() } else { down.join(", ") + &more };
        // A few are named in the sentence.
        if !(1..=NAMED).contains(&self.down.len()) {
            lines.push(("goes down".into(), down));
        }
        let grown = self.growth.iter().take(SHOWN);
        let grown: Vec<String> =
            grown.map(|(key, times)| format!("{} ×{times:.2}", key.label())).collect();
        if !grown.is_empty() {
            lines.push(("load".into(), grown.join(", ")));
        }
        // What it reaches comes before what stays as it is.
        let (touched, others): (Vec<&Strained>, Vec<&Strained>) =
            self.strained.iter().partition(|one| one.is_touched());
        lines.extend(
            touched
                .into_iter()
                .take(SHOWN)
                .map(|one| ("reaches".to_owned(), format!("{}: {}", name(one), strained(one)))),
        );
        let anyway = others.into_iter().filter(|one| one.does_break()).take(3);
        lines.extend(anyway.map(|one| {
            ("anyway".to_owned(), format!("{} breaks {} without it", name(one), when(one.breaks)))
        }));
        lines.extend(self.assumed.iter().map(|text| ("assumed".to_owned(), text.to_string())));
        lines
    }
}

/// The first so many, each with its site.
fn labels(keys: &[NodeKey], most: usize) -> Vec<String> {
    keys.iter().take(most).map(NodeKey::label).map(|text: SafeText| text.to_string()).collect()
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
