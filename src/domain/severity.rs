//! How bad it is: severity from impact and urgency, always with the reason that led to it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Labels, Matcher, SafeText};

/// SEV-1 (worst) to SEV-5. Ordered so that the worse one is the smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// Critical: customers are hurt now.
    Sev1,
    /// Major.
    Sev2,
    /// Minor; the answer when nothing says otherwise.
    Sev3,
    /// Low.
    Sev4,
    /// For information.
    Sev5,
}

impl Severity {
    /// All, worst first.
    pub const ALL: [Self; 5] = [Self::Sev1, Self::Sev2, Self::Sev3, Self::Sev4, Self::Sev5];

    /// 1 to 5.
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SEV-{}", self.number())
    }
}

impl FromStr for Severity {
    type Err = String;

    /// Accepts `SEV-1`, `sev1`, `P1` and `1`.
    fn from_str(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        let digits = lower.strip_prefix("sev-").or_else(|| lower.strip_prefix("sev"));
        let digits = digits.or_else(|| lower.strip_prefix('p')).unwrap_or(&lower);
        match digits {
            "1" => Ok(Self::Sev1),
            "2" => Ok(Self::Sev2),
            "3" => Ok(Self::Sev3),
            "4" => Ok(Self::Sev4),
            "5" => Ok(Self::Sev5),
            _ => {
                Err(format!("`{text}` is not a severity; use SEV-1 (worst) to SEV-5, or P1 to P5"))
            }
        }
    }
}

/// How much is hurt, or how soon it must be handled: the two axes of the matrix (ITIL).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The most.
    High,
    /// In between; the answer when nothing says otherwise.
    Medium,
    /// The least.
    Low,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        })
    }
}

/// When all matchers hold, the level on that axis is this one. The first rule that matches decides.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelRule {
    /// All must hold.
    pub matchers: Vec<Matcher>,
    /// The resulting level.
    pub level: Level,
}

/// Impact by rules (and the service's tier), urgency by rules, severity by the table.
#[derive(Debug, Clone, PartialEq)]
pub struct SeverityPolicy {
    /// Rules for impact, in order.
    pub impact: Vec<LevelRule>,
    /// Rules for urgency, in order.
    pub urgency: Vec<LevelRule>,
    /// `matrix[impact][urgency]`, each in the order high, medium, low.
    pub matrix: [[Severity; 3]; 3],
}

impl Default for SeverityPolicy {
    /// Urgency from the usual `severity` label, impact from the tier; the matrix is ITIL's.
    fn default() -> Self {
        use Severity::{Sev1, Sev2, Sev3, Sev4, Sev5};
        let rule = |value: &str, level| LevelRule {
            matchers: Matcher::new("severity", super::MatchOp::Regex, value).into_iter().collect(),
            level,
        };
        Self {
            impact: Vec::new(),
            urgency: vec![
                rule("(?i)page|critical|crit|emergency|p1|sev-?1", Level::High),
                rule("(?i)ticket|warning|warn|major|error|p2|p3", Level::Medium),
                rule("(?i)info|none|notice|debug|p4|p5", Level::Low),
            ],
            matrix: [[Sev1, Sev2, Sev3], [Sev2, Sev3, Sev4], [Sev3, Sev4, Sev5]],
        }
    }
}

/// A severity and the sentence that explains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The severity.
    pub severity: Severity,
    /// `impact high (tier 1), urgency high (severity="page")`.
    pub reason: SafeText,
}

impl SeverityPolicy {
    /// Judges an alert by its labels and the tier of the service it is about (1 is the most important).
    pub fn judge(&self, labels: &Labels, tier: Option<u8>) -> Judged {
        let (impact, impact_why) = match first(&self.impact, labels) {
            Some(found) => found,
            None => match tier {
                Some(0 | 1) => (Level::High, format!("tier {}", tier.unwrap_or(1))),
                Some(2) => (Level::Medium, "tier 2".into()),
                Some(n) => (Level::Low, format!("tier {n}")),
                None => (Level::Medium, "service not in the catalog".into()),
            },
        };
        let (urgency, urgency_why) =
            first(&self.urgency, labels).unwrap_or((Level::Medium, "no rule matches".into()));
        Judged {
            severity: self.matrix[impact as usize][urgency as usize],
            reason: SafeText::new(&format!(
                "impact {impact} ({impact_why}) × urgency {urgency} ({urgency_why})"
            )),
        }
    }
}

fn first(rules: &[LevelRule], labels: &Labels) -> Option<(Level, String)> {
    let rule = rules.iter().find(|r| r.matchers.iter().all(|m| m.matches(labels)))?;
    let why: Vec<String> =
        rule.matchers.iter().map(|m| format!("{}=\"{}\"", m.name, labels.get(&m.name))).collect();
    Some((rule.level, if why.is_empty() { "default rule".into() } else { why.join(", ") }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severity_comes_with_its_reason() {
        let policy = SeverityPolicy::default();
        let judged = policy.judge(&Labels::of(&[("severity", "page")]), Some(1));
        assert_eq!(judged.severity, Severity::Sev1);
        assert_eq!(
            judged.reason.as_str(),
            r#"impact high (tier 1) × urgency high (severity="page")"#
        );
        assert_eq!(policy.judge(&Labels::default(), None).severity, Severity::Sev3);
    }
}
