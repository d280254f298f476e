//! What can be supposed, and how it is said.

use std::fmt;

use crate::domain::{SafeText, ServiceId};

/// Something supposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Suppose {
    /// A service gets so many thousandths of its load.
    Load(ServiceId, u32),
    /// A zone or region is gone.
    Zone(SafeText),
    /// So many of a service's replicas are gone.
    Replicas(ServiceId, u16),
    /// Nothing is sent to a service any more, and it answers nobody.
    Drain(ServiceId),
}

/// Load that is multiplied by more than this is a slip.
const MOST: f64 = 1_000.0;

/// How it is said, for errors and help.
pub const SUPPOSE: &str = "`checkout x3`, `zone eu-1a lost`, `replica db lost 1` or `drain cart`";

impl Suppose {
    /// Reads what was typed; nothing says yet that the service or the zone is there. `None` when it is
    /// said in no way of [`SUPPOSE`].
    pub fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            ["zone" | "region", zone] | ["zone" | "region", zone, "lost"] => {
                Some(Self::Zone(SafeText::new(zone)))
            }
            ["replica" | "replicas", service] | ["replica" | "replicas", service, "lost"] => {
                Some(Self::Replicas(ServiceId::new(service), 1))
            }
            ["replica" | "replicas", service, "lost", count] => {
                let count = count.parse().ok().filter(|count| *count > 0)?;
                Some(Self::Replicas(ServiceId::new(service), count))
            }
            ["drain", service] => Some(Self::Drain(ServiceId::new(service))),
            [service, times] => {
                let digits = times.strip_prefix(['x', 'X', '×']);
                let digits = digits.or_else(|| times.strip_suffix(['x', 'X', '×']))?;
                let times = digits.parse::<f64>().ok()?;
                let times = (times * 1_000.0).round();
                let sound = (1.0..=MOST * 1_000.0).contains(&times);
                sound.then(|| Self::Load(ServiceId::new(service), times as u32))
            }
            _ => None,
        }
    }

    /// The service it is about, if it is about one.
    pub const fn service(&self) -> Option<&ServiceId> {
        match self {
            Self::Load(service, _) | Self::Replicas(service, _) | Self::Drain(service) => {
                Some(service)
            }
            Self::Zone(_) => None,
        }
    }
}

impl fmt::Display for Suppose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load(service, times) => {
                write!(f, "{service} x{}", f64::from(*times) / 1_000.0)
            }
            Self::Zone(zone) => write!(f, "zone {zone} lost"),
            Self::Replicas(service, count) => write!(f, "replica {service} lost {count}"),
            Self::Drain(service) => write!(f, "drain {service}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;

    #[test]
    fn it_is_said_as_people_say_it() {
        let service = ServiceId::new;
        for (text, wanted) in [
            ("checkout x3", Some(Suppose::Load(service("checkout"), 3_000))),
            (" checkout  1.5x ", Some(Suppose::Load(service("checkout"), 1_500))),
            ("checkout ×2", Some(Suppose::Load(service("checkout"), 2_000))),
            ("zone eu-1a lost", Some(Suppose::Zone("eu-1a".into()))),
            ("region eu", Some(Suppose::Zone("eu".into()))),
            ("replica db lost 2", Some(Suppose::Replicas(service("db"), 2))),
            ("replica db", Some(Suppose::Replicas(service("db"), 1))),
            ("drain cart", Some(Suppose::Drain(service("cart")))),
            ("", None),
            ("checkout", None),
            ("checkout 3", None),
            ("checkout x0", None),
            ("checkout x-1", None),
            ("checkout xNaN", None),
            ("checkout x1e9", None),
            ("replica db lost 0", None),
            ("replica db lost many", None),
            ("zone eu-1a lost twice", None),
        ] {
            assert_eq!(Suppose::parse(text), wanted, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(text in "\\PC{0,24}|(drain|zone|replica|a) [a-z]{1,4}( lost)?( [0-9]{1,3})?|[a-z]{1,6} x[0-9.]{1,5}") {
            if let Some(read) = Suppose::parse(&text) {
                prop_assert_eq!(Suppose::parse(&read.to_string()), Some(read));
            }
        }
    }
}
