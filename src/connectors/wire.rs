//! Reading large JSON answers without a copy of them: texts are borrowed from the body, elements
//! handled one at a time, label texts shared through the source's [`Interner`].

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

mod scan;

use super::http::server_message;
use super::{ParseError, Reply};
use crate::domain::{Interner, LINE_BYTES, Labels, SafeText};
pub(super) use scan::{Quick, Scan};

/// Text borrowed from the body unless it has escapes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'a> Text<'a> {
    /// Reads itself over what it was before.
    pub(super) fn read(&mut self, scan: &mut Scan<'a>) -> Option<()> {
        self.0 = scan.string()?;
        Some(())
    }
}

impl std::ops::Deref for Text<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Cow<'de, str>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(text))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(text.to_owned()))
            }
        }
        deserializer.deserialize_str(V).map(Text)
    }
}

/// A map of texts in the order written; `null` is an empty one.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Pairs<'a>(pub(super) Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for V<'a> {
            type Value = Vec<(Cow<'a, str>, Cow<'a, str>)>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Vec::new())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::with_capacity(12);
                while let Some((Text(name), Text(value))) =
                    map.next_entry::<Text<'a>, Text<'a>>()?
                {
                    pairs.push((name, value));
                }
                Ok(pairs)
            }
        }
        deserializer.deserialize_any(V(PhantomData)).map(Pairs)
    }
}

impl<'a> Pairs<'a> {
    /// Reads itself over what it was before, keeping its memory.
    pub(super) fn read(&mut self, scan: &mut Scan<'a>) -> Option<()> {
        self.0.clear();
        scan.each_field(|scan, name| {
            let value = scan.string()?;
            self.0.push((name, value));
            Some(())
        })
    }
}

/// Turns pairs into labels. Neighbouring series share most texts, so the previous one's at the same
/// place are compared first: a comparison is cheaper than a hash. One that is as the previous is the
/// previous.
#[derive(Debug, Default)]
pub(super) struct LabelMaker {
    interner: Interner,
    previous: Labels,
    made: Vec<(SafeText, SafeText)>,
}

impl LabelMaker {
    pub(super) fn text(&mut self, raw: &str) -> SafeText {
        self.interner.text(raw)
    }

    /// Text that may have several lines; what has one is shared.
    pub(super) fn body(&mut self, raw: &str) -> SafeText {
        if raw.len() <= LINE_BYTES && !raw.contains('\n') {
            self.interner.text(raw)
        } else {
            SafeText::body(raw)
        }
    }

    pub(super) fn labels(&mut self, pairs: &Pairs<'_>) -> Labels {
        let previous = std::mem::take(&mut self.previous);
        let mut known = previous.iter();
        let mut same = pairs.0.len() == previous.len();
        for (name, value) in &pairs.0 {
            let before = known.next();
            let known_name = before.map(|(known, _)| known).filter(|k| k.as_str() == name);
            let known_value = before.map(|(_, known)| known).filter(|k| k.as_str() == value);
            same &= known_name.is_some() && known_value.is_some();
            let name = known_name.cloned().unwrap_or_else(|| self.interner.text(name));
            let value = known_value.cloned().unwrap_or_else(|| self.body(value));
            self.made.push((name, value));
        }
        drop(known);
        self.previous = if same {
            self.made.clear();
            previous
        } else {
            Labels::drained(&mut self.made)
        };
        self.previous.clone()
    }
}

/// Calls `each` for every element of a JSON array as it is read.
pub(super) fn for_each<'de, T, F>(body: &'de [u8], each: F) -> Result<(), ParseError>
where
    T: Quick<'de>,
    F: FnMut(&mut T),
{
    let mut scan = Scan::new(body)?;
    scan.elements(each)?;
    scan.end()
}

/// Skips the rest of a map, so that unknown fields are tolerated.
pub(super) fn skip<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>().map(drop)
}

/// An answer that is no refusal.
pub(super) fn accepted(reply: &Reply) -> Result<(), ParseError> {
    if reply.status < 400 {
        return Ok(());
    }
    let why = server_message(&reply.body).unwrap_or_else(|| "no reason is given".into());
    Err(ParseError::Refused(why.to_string()))
}

/// serde_json's words are about our types and positions, never about secrets.
pub(super) fn shape(error: &serde_json::Error) -> ParseError {
    let what = match error.classify() {
        serde_json::error::Category::Eof => format!("it ends too early ({error})"),
        _ => error.to_string(),
    };
    ParseError::Shape(SafeText::new(&what).to_string())
}

#[cfg(test)]
pub(super) mod testing {
    //! That what is read quickly is what serde_json reads, also when it is garbled.

    use proptest::prelude::*;

    use super::{Quick, Scan};

    /// Changes a document at some places: a byte more, less or another.
    pub(in crate::connectors) fn garbled(json: impl Into<String>) -> impl Strategy<Value = String> {
        let json = json.into();
        let change = (any::<proptest::sample::Index>(), 0..3_u8, "[\\[\\]{}\",:\\\\ne0. -]");
        proptest::collection::vec(change, 0..3).prop_map(move |changes| {
            let mut all: Vec<char> = json.chars().collect();
            for (at, how, sign) in changes {
                let at = at.index(all.len());
                let sign = sign.chars().next().unwrap_or(' ');
                match how {
                    0 => all.insert(at, sign),
                    1 => all[at] = sign,
                    _ => drop(all.remove(at)),
                }
                if all.is_empty() {
                    all.push(' ');
                }
            }
            all.into_iter().collect()
        })
    }

    /// Whatever is taken quickly is taken by serde_json, in the same way and to the same end.
    pub(in crate::connectors) fn agrees<'a, T>(json: &'a str) -> Result<bool, TestCaseError>
    where
        T: Quick<'a> + PartialEq + std::fmt::Debug,
    {
        let mut scan =
            Scan::new(json.as_bytes()).map_err(|e| TestCaseError::fail(e.to_string()))?;
        let mut quick = T::default();
        if quick.read(&mut scan).is_none() {
            return Ok(false);
        }
        let mut serde = serde_json::Deserializer::from_str(json).into_iter::<T>();
        match serde.next() {
            Some(Ok(slow)) => prop_assert_eq!(quick, slow),
            other => prop_assert!(false, "serde_json says {:?} of {}", other, json),
        }
        prop_assert_eq!(scan.position(), serde.byte_offset());
        Ok(true)
    }
}
