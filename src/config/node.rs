//! TOML and YAML as one tree in which every key and value knows its place.
//!
//! Readers ask a [`Table`] for the keys they know; whatever was not asked for is reported as unknown
//! when the table is finished, so the list of valid keys is written down once: where it is used.

use std::cell::RefCell;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::error::{Mistakes, Place};
use crate::domain::{Filter, Matcher, Span};

/// No file of settings is larger than this; beyond it is a mistake or an attack.
pub(super) const FILE_BYTES: usize = 1 << 20;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) at: Place,
    pub(super) value: Value,
}

/// What both formats can say.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Place, Node)>),
}

impl Value {
    const fn name(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a table",
        }
    }
}

/// Reads TOML; syntax errors are noted and what could be read around them is returned.
pub(super) fn toml(text: &str, mistakes: &Mistakes) -> Option<Node> {
    if too_large(text, mistakes) {
        return None;
    }
    let lines = Lines::of(text);
    match toml::de::DeTable::parse(text) {
        Ok(table) => {
            let at = Place { line: 1, column: 1 };
            Some(Node { at, value: from_toml_table(table.get_ref(), &lines) })
        }
        Err(error) => {
            let at = lines.place(error.span().map_or(0, |s| s.start));
            mistakes.add(at, &first_line(error.message()));
            None
        }
    }
}

/// Reads every document of a YAML (or JSON) file; the documents before a syntax error are lost with it.
pub(super) fn yaml(text: &str, mistakes: &Mistakes) -> Vec<Node> {
    if too_large(text, mistakes) {
        return Vec::new();
    }
    let options = serde_saphyr::options! {
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_events: 200_000,
            max_nodes: 100_000,
            max_depth: 64,
            max_documents: 1_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 50_000,
            max_replay_stack_depth: 16,
        },
    };
    match serde_saphyr::from_multiple_with_options::<Placed>(text, options) {
        Ok(documents) => documents.into_iter().map(|d| d.0).collect(),
        Err(error) => {
            let at = error.location().map_or(Place::default(), place_of);
            mistakes.add(at, &yaml_message(&error.to_string()));
            Vec::new()
        }
    }
}

fn too_large(text: &str, mistakes: &Mistakes) -> bool {
    let large = text.len() > FILE_BYTES;
    if large {
        mistakes.add(Place::default(), "the file is larger than 1 MiB and was not read");
    }
    large
}

fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or("cannot be read").trim_end_matches('.').to_owned()
}

/// The library says the place itself; ours stands in front already.
fn yaml_message(message: &str) -> String {
    let line = first_line(message);
    let cut = line.find(" at line ").or_else(|| line.find(" (line "));
    let line = cut.map_or(line.as_str(), |end| &line[..end]);
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

/// Byte offsets of line starts, for turning an offset into line and column.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
        Self { text, starts: starts.collect() }
    }

    fn place(&self, offset: usize) -> Place {
        let line = self.starts.partition_point(|s| *s <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let before = self.text.get(start..offset.min(self.text.len())).unwrap_or("");
        Place {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(before.chars().count() + 1).unwrap_or(u32::MAX),
        }
    }
}

fn from_toml_table(table: &toml::de::DeTable<'_>, lines: &Lines<'_>) -> Value {
    let mut entries: Vec<(String, Place, Node)> = table
        .iter()
        .map(|(key, value)| {
            let at = lines.place(key.span().start);
            (key.get_ref().to_string(), at, from_toml(value, lines))
        })
        .collect();
    // The library sorts by name; people read from top to bottom.
    entries.sort_by_key(|(_, at, _)| (at.line, at.column));
    Value::Map(entries)
}

fn from_toml(value: &toml::Spanned<toml::de::DeValue<'_>>, lines: &Lines<'_>) -> Node {
    use toml::de::DeValue;
    let at = lines.place(value.span().start);
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Integer(int) => {
            let digits = int.as_str().replace('_', "");
            match i64::from_str_radix(&digits, int.radix()) {
                Ok(number) => Value::Int(number),
                Err(_) => Value::Text(digits),
            }
        }
        DeValue::Float(float) => {
            float.as_str().replace('_', "").parse().map_or(Value::Null, Value::Float)
        }
        DeValue::Datetime(time) => Value::Text(time.to_string()),
        DeValue::Array(items) => Value::List(items.iter().map(|i| from_toml(i, lines)).collect()),
        DeValue::Table(table) => from_toml_table(table, lines),
    };
    Node { at, value }
}

fn place_of(at: serde_saphyr::Location) -> Place {
    Place {
        line: u32::try_from(at.line()).unwrap_or(u32::MAX),
        column: u32::try_from(at.column()).unwrap_or(u32::MAX),
    }
}

/// A YAML value read with its place.
struct Placed(Node);

impl<'de> Deserialize<'de> for Placed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = serde_saphyr::Spanned::<Plain>::deserialize(deserializer)?;
        Ok(Self(Node { at: place_of(spanned.referenced), value: spanned.value.0 }))
    }
}

struct Plain(Value);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlainVisitor).map(Plain)
    }
}

struct PlainVisitor;

impl<'de> Visitor<'de> for PlainVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or(Value::Float(number as f64), Value::Int))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }
    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Placed(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some((Placed(key), Placed(value))) = entries.next_entry()? {
            let name = match key.value {
                Value::Text(text) => text,
                Value::Int(number) => number.to_string(),
                Value::Bool(flag) => flag.to_string(),
                Value::Float(number) => number.to_string(),
                _ => return Err(serde::de::Error::custom("a key must be text")),
            };
            map.push((name, key.at, value));
        }
        Ok(Value::Map(map))
    }
}

/// The share a percentage means, correctly rounded: 99.9 is 0.999, where a division gives 0.99900…01.
pub(super) fn of_percent(percent: f64) -> f64 {
    format!("{percent}e-2").parse().unwrap_or(percent / 100.0)
}

/// One table being read.
pub(super) struct Table<'n> {
    pub(super) at: Place,
    entries: &'n [(String, Place, Node)],
    asked: RefCell<Vec<&'static str>>,
    mistakes: &'n Mistakes,
}

impl<'n> Table<'n> {
    /// `what` names the table in the complaint when it is not one.
    pub(super) fn of(node: &'n Node, what: &str, mistakes: &'n Mistakes) -> Option<Self> {
        match &node.value {
            Value::Map(entries) => {
                Some(Self { at: node.at, entries, asked: RefCell::default(), mistakes })
            }
            other => {
                mistakes.add(node.at, &format!("{what} must be a table, not {}", other.name()));
                None
            }
        }
    }

    /// Every entry, for tables whose keys are names the operator chose.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'n str, Place, &'n Node)> + use<'n> {
        self.entries.iter().map(|(name, at, node)| (name.as_str(), *at, node))
    }

    /// The value under a key; nothing under it counts as missing.
    pub(super) fn get(&self, key: &'static str) -> Option<&'n Node> {
        self.asked.borrow_mut().push(key);
        let (_, _, node) = self.entries.iter().find(|(name, _, _)| name == key)?;
        (node.value != Value::Null).then_some(node)
    }

    /// Where a key stands, or the table when it is missing.
    pub(super) fn place(&self, key: &str) -> Place {
        self.entries.iter().find(|(name, _, _)| name == key).map_or(self.at, |(_, at, _)| *at)
    }

    /// The value under a key that must be there.
    pub(super) fn need(&self, key: &'static str) -> Option<&'n Node> {
        let found = self.get(key);
        if found.is_none() {
            self.mistakes.add(self.at, &format!("`{key}` is missing"));
        }
        found
    }

    fn wrong(&self, key: &str, wanted: &str, node: &Node) {
        let message = format!("`{key}` must be {wanted}, not {}", node.value.name());
        self.mistakes.add(node.at, &message);
    }

    fn as_text(&self, key: &str, node: &'n Node) -> Option<&'n str> {
        match &node.value {
            Value::Text(text) => Some(text),
            _ => {
                self.wrong(key, "text", node);
                None
            }
        }
    }

    pub(super) fn text(&self, key: &'static str) -> Option<&'n str> {
        self.get(key).and_then(|node| self.as_text(key, node))
    }

    /// Text that must be there and say something.
    pub(super) fn need_text(&self, key: &'static str) -> Option<&'n str> {
        let node = self.need(key)?;
        let text = self.as_text(key, node)?;
        if text.trim().is_empty() {
            self.mistakes.add(node.at, &format!("`{key}` is empty"));
            return None;
        }
        Some(text)
    }

    pub(super) fn flag(&self, key: &'static str) -> Option<bool> {
        let node = self.get(key)?;
        match node.value {
            Value::Bool(flag) => Some(flag),
            _ => {
                self.wrong(key, "true or false", node);
                None
            }
        }
    }

    pub(super) fn number(&self, key: &'static str) -> Option<f64> {
        let node = self.get(key)?;
        match node.value {
            Value::Int(number) => Some(number as f64),
            Value::Float(number) if number.is_finite() => Some(number),
            _ => {
                self.wrong(key, "a number", node);
                None
            }
        }
    }

    /// A whole number within bounds.
    pub(super) fn whole(&self, key: &'static str, least: i64, most: i64) -> Option<i64> {
        let node = self.get(key)?;
        match node.value {
            Value::Int(number) if (least..=most).contains(&number) => Some(number),
            Value::Int(number) => {
                let message = format!("`{key}` must be from {least} to {most}, not {number}");
                self.mistakes.add(node.at, &message);
                None
            }
            _ => {
                self.wrong(key, "a whole number", node);
                None
            }
        }
    }

    /// A duration above zero (`30s`, `1h30m`, `30d`).
    pub(super) fn span(&self, key: &'static str) -> Option<Span> {
        let node = self.get(key)?;
        let text = self.as_text(key, node)?;
        match Span::parse(text) {
            Some(span) if span > Span::ZERO => Some(span),
            _ => {
                let message = format!("`{key}` must be a duration above zero, not `{text}`");
                self.mistakes.hinted(node.at, &message, "write 30s, 5m, 1h30m or 7d");
                None
            }
        }
    }

    /// As [`Self::span`]; `never` is zero.
    pub(super) fn span_or_never(&self, key: &'static str) -> Option<Span> {
        match self.get(key).map(|node| &node.value) {
            Some(Value::Text(text)) if text.trim() == "never" => Some(Span::ZERO),
            _ => self.span(key),
        }
    }

    /// The items of a list; nothing when the key is missing.
    pub(super) fn list(&self, key: &'static str) -> &'n [Node] {
        match self.get(key) {
            None => &[],
            Some(Node { value: Value::List(items), .. }) => items,
            Some(node) => {
                self.wrong(key, "a list", node);
                &[]
            }
        }
    }

    /// A list of texts with their places.
    pub(super) fn texts(&self, key: &'static str) -> Vec<(&'n str, Place)> {
        let items = self.list(key).iter();
        items.filter_map(|item| Some((self.as_text(key, item)?, item.at))).collect()
    }

    pub(super) fn table(&self, key: &'static str) -> Option<Self> {
        self.get(key).and_then(|node| Self::of(node, &format!("`{key}`"), self.mistakes))
    }

    /// The tables of a list (`[[key]]`).
    pub(super) fn tables(&self, key: &'static str) -> Vec<Self> {
        let items = self.list(key).iter();
        items.filter_map(|i| Self::of(i, &format!("each `{key}`"), self.mistakes)).collect()
    }

    /// One of a fixed set of words.
    pub(super) fn word<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        let node = self.get(key)?;
        let text = self.as_text(key, node)?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let known = words.iter().map(|(word, _)| *word);
            self.mistakes.unknown(node.at, key, text, known);
        }
        found.map(|(_, value)| *value)
    }

    /// A list of words, each one of a fixed set.
    pub(super) fn words<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Vec<T> {
        let mut found = Vec::new();
        for (text, at) in self.texts(key) {
            match words.iter().find(|(word, _)| *word == text) {
                Some((_, value)) => found.push(*value),
                None => self.mistakes.unknown(at, key, text, words.iter().map(|(word, _)| *word)),
            }
        }
        found
    }

    /// Label matchers in Prometheus syntax: one text, or a list of them.
    pub(super) fn matchers(&self, key: &'static str) -> Vec<Matcher> {
        let Some(node) = self.get(key) else { return Vec::new() };
        let parts: Vec<(&str, Place)> = match &node.value {
            Value::Text(text) => vec![(text.as_str(), node.at)],
            _ => self.texts(key),
        };
        let mut all = Vec::new();
        for (text, at) in parts {
            match Filter::parse(text).map(|f| f.matchers()) {
                Ok(Some(matchers)) => all.extend(matchers),
                Ok(None) => {
                    let message = format!("`{text}` is not a matcher");
                    self.mistakes.hinted(at, &message, "write label=\"value\", or =~, !=, !~");
                }
                Err(error) => {
                    let message = format!("`{text}` is not a matcher: {error}");
                    self.mistakes.hinted(at, &message, "write label=\"value\", or =~, !=, !~");
                }
            }
        }
        all
    }

    /// Reports every key that nobody asked for.
    pub(super) fn finish(self) {
        let asked = self.asked.borrow();
        for (name, at, _) in self.entries {
            if !asked.contains(&name.as_str()) {
                self.mistakes.unknown(*at, "key", name, asked.iter().copied());
            }
        }
    }
}
