//! Label matchers in Prometheus syntax, and the filter people type above a list.
//!
//! `severity=~"crit.*" team!=web timeout !canary`: matchers (quotes optional for plain values) and
//! bare words, all of which must hold; a bare word is found anywhere, `!` in front inverts it.
//! Regular expressions are anchored, as in Prometheus and Alertmanager.

use std::fmt;

use regex::Regex;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Labels, SafeText};

/// How a matcher compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Regex,
    /// `!~`
    NotRegex,
}

impl MatchOp {
    /// As it is written.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        }
    }

    /// Whether the value is a regular expression.
    pub const fn is_regex(self) -> bool {
        matches!(self, Self::Regex | Self::NotRegex)
    }

    /// Whether a match of the value is wanted rather than unwanted.
    pub const fn is_positive(self) -> bool {
        matches!(self, Self::Equal | Self::Regex)
    }
}

/// One condition on one label.
#[derive(Debug, Clone)]
pub struct Matcher {
    /// Label name.
    pub name: SafeText,
    /// Comparison.
    pub op: MatchOp,
    /// Value or regular expression as written.
    pub value: SafeText,
    regex: Option<Regex>,
}

impl Matcher {
    /// Makes a matcher; a regular expression is checked here.
    pub fn new(name: &str, op: MatchOp, value: &str) -> Result<Self, FilterError> {
        let regex = if op.is_regex() {
            let anchored = format!("^(?s:{value})$");
            Some(
                regex::RegexBuilder::new(&anchored)
                    .size_limit(1 << 20)
                    .build()
                    .map_err(|_| FilterError::Regex(SafeText::new(value)))?,
            )
        } else {
            None
        };
        Ok(Self { name: SafeText::new(name), op, value: SafeText::new(value), regex })
    }

    /// An equality matcher, which cannot fail.
    pub fn equal(name: &str, value: &str) -> Self {
        Self {
            name: SafeText::new(name),
            op: MatchOp::Equal,
            value: SafeText::new(value),
            regex: None,
        }
    }

    /// Whether a label set satisfies this; a missing label counts as empty.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.accepts(labels.get(&self.name))
    }

    /// Whether a value of this label satisfies it.
    pub fn accepts(&self, value: &str) -> bool {
        let hit = match &self.regex {
            Some(regex) => regex.is_match(value),
            None => value == self.value.as_str(),
        };
        hit == self.op.is_positive()
    }

    /// Whether a label set without this label would satisfy it (Alertmanager refuses silences of only such).
    pub fn matches_empty(&self) -> bool {
        self.matches(&Labels::default())
    }
}

impl Serialize for Matcher {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.name, self.op, &self.value).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Matcher {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (name, op, value) = <(SafeText, MatchOp, SafeText)>::deserialize(deserializer)?;
        Self::new(&name, op, &value).map_err(serde::de::Error::custom)
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.op, &self.value) == (&other.name, other.op, &other.value)
    }
}
impl Eq for Matcher {}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value.replace('\\', "\\\\").replace('"', "\\\"");
        write!(f, "{}{}\"{value}\"", self.name, self.op.symbol())
    }
}

/// A part of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// A label condition.
    Matcher(Matcher),
    /// A word found anywhere, or nowhere when `inverted`; compared without case.
    Word {
        /// Lower-case text.
        word: String,
        /// Whether it must be absent.
        inverted: bool,
    },
}

/// What is wrong with a typed filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// A quote without its partner.
    #[error("a quote is not closed")]
    OpenQuote,
    /// An operator without a label name in front.
    #[error("`{0}` needs a label name in front")]
    NoName(SafeText),
    /// A regular expression that does not compile.
    #[error("`{0}` is not a regular expression")]
    Regex(SafeText),
}

/// All terms must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The parts, in the order typed.
    pub terms: Vec<Term>,
}

impl Filter {
    /// Reads what a person typed. Commas and braces around matchers are accepted.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let mut terms = Vec::new();
        for token in tokens(text)? {
            terms.push(token.term()?);
        }
        Ok(Self { terms })
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Only the matchers, for a silence; `None` when a bare word is among the terms.
    pub fn matchers(&self) -> Option<Vec<Matcher>> {
        self.terms
            .iter()
            .map(|t| match t {
                Term::Matcher(m) => Some(m.clone()),
                Term::Word { .. } => None,
            })
            .collect()
    }

    /// Whether labels, or the further texts shown with them, satisfy every term.
    pub fn matches(&self, labels: &Labels, texts: &[&str]) -> bool {
        self.terms.iter().all(|term| match term {
            Term::Matcher(m) => m.matches(labels),
            Term::Word { word, inverted } => {
                let found = labels.iter().any(|(_, v)| contains(v, word))
                    || texts.iter().any(|t| contains(t, word));
                found != *inverted
            }
        })
    }

    /// As [`Filter::matches`], for rows that carry no label set: `value` gives the value of a name.
    pub fn passes<'v>(&self, value: impl Fn(&str) -> &'v str, texts: &[&str]) -> bool {
        self.terms.iter().all(|term| match term {
            Term::Matcher(m) => m.accepts(value(&m.name)),
            Term::Word { word, inverted } => texts.iter().any(|t| contains(t, word)) != *inverted,
        })
    }
}

/// Whether `text` holds `word` (already lower-case), without regard to case.
fn contains(text: &str, word: &str) -> bool {
    if word.is_ascii() {
        let (text, word) = (text.as_bytes(), word.as_bytes());
        return word.is_empty() || text.windows(word.len()).any(|w| w.eq_ignore_ascii_case(word));
    }
    text.to_lowercase().contains(word)
}

struct Token {
    /// Name, operator and value, or the bare word in `value` with an empty operator.
    name: String,
    op: Option<MatchOp>,
    value: String,
}

impl Token {
    fn term(self) -> Result<Term, FilterError> {
        match self.op {
            Some(op) if self.name.is_empty() => {
                Err(FilterError::NoName(SafeText::new(&format!("{}{}", op.symbol(), self.value))))
            }
            Some(op) => Matcher::new(&self.name, op, &self.value).map(Term::Matcher),
            None => {
                let inverted = self.value.len() > 1 && self.value.starts_with('!');
                let word = if inverted { &self.value[1..] } else { &self.value };
                Ok(Term::Word { word: word.to_lowercase(), inverted })
            }
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, FilterError> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.peek().is_some_and(|c| c.is_whitespace() || matches!(c, ',' | '{' | '}')) {
            chars.next();
        }
        if chars.peek().is_none() {
            return Ok(out);
        }
        let (mut name, mut op, mut value, mut quoted) = (String::new(), None, String::new(), false);
        while let Some(&c) = chars.peek() {
            if quoted {
                chars.next();
                match c {
                    '"' => quoted = false,
                    '\\' => match chars.next() {
                        Some('n') => value.push('\n'),
                        Some(other) => {
                            if !matches!(other, '"' | '\\') {
                                value.push('\\');
                            }
                            value.push(other);
                        }
                        None => return Err(FilterError::OpenQuote),
                    },
                    c => value.push(c),
                }
                continue;
            }
            if c.is_whitespace() || (op.is_some() && matches!(c, ',' | '}')) {
                break;
            }
            chars.next();
            match (c, chars.peek().copied(), op) {
                ('"', _, _) => quoted = true,
                ('=' | '!', Some('~'), None) => {
                    chars.next();
                    op = Some(if c == '=' { MatchOp::Regex } else { MatchOp::NotRegex });
                    name = std::mem::take(&mut value);
                }
                ('!', Some('='), None) => {
                    chars.next();
                    op = Some(MatchOp::NotEqual);
                    name = std::mem::take(&mut value);
                }
                ('=', _, None) => {
                    op = Some(MatchOp::Equal);
                    name = std::mem::take(&mut value);
                }
                (c, _, _) => value.push(c),
            }
        }
        if quoted {
            return Err(FilterError::OpenQuote);
        }
        out.push(Token { name, op, value });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn typed_filters_mean_what_prometheus_means() {
        let labels =
            Labels::of(&[("severity", "critical"), ("team", "shop"), ("instance", "db-1:9100")]);
        for (text, holds) in [
            (r#"severity=~"crit.*" team!=web"#, true),
            (r#"severity=~crit"#, false), // anchored
            (r#"{severity="critical", team="shop"}"#, true),
            ("db-1", true),
            ("DB-1 !web", true),
            ("!shop", false),
            ("missing=\"\"", true),
            ("missing!=\"\"", false),
            ("severity!~crit.*", false),
            ("", true),
        ] {
            assert_eq!(Filter::parse(text).unwrap().matches(&labels, &[]), holds, "{text}");
        }
        assert_eq!(Filter::parse("a=\"x"), Err(FilterError::OpenQuote));
        assert!(matches!(Filter::parse("=x"), Err(FilterError::NoName(_))));
        assert!(matches!(Filter::parse("a=~\"(\""), Err(FilterError::Regex(_))));
    }

    proptest! {
        #[test]
        fn printing_and_reading_a_matcher_gives_it_back(name in "[a-z_][a-z0-9_]{0,8}", value in "[ -~]{0,20}", neg: bool) {
            let m = Matcher::new(&name, if neg { MatchOp::NotEqual } else { MatchOp::Equal }, &value).unwrap();
            prop_assert_eq!(Filter::parse(&m.to_string()).unwrap().matchers(), Some(vec![m]));
        }

        #[test]
        fn any_text_is_read_or_refused_without_panic(text in "\\PC{0,60}") {
            let _ = Filter::parse(&text);
        }
    }
}
