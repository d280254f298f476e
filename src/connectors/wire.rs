//! Reading large JSON answers without a copy of them: texts are borrowed from the body, elements
//! handled one at a time, label texts shared through the source's [`Interner`].

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::ParseError;
use crate::domain::{Interner, LINE_BYTES, Labels, SafeText};

/// Text borrowed from the body unless it has escapes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

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
#[derive(Debug, Default)]
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

/// Turns pairs into labels. Neighbouring series share most texts, so the previous one's at the same
/// place are compared first: a comparison is cheaper than a hash.
#[derive(Debug, Default)]
pub(super) struct LabelMaker {
    interner: Interner,
    previous: Vec<(SafeText, SafeText)>,
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
        let mut made = Vec::with_capacity(pairs.0.len());
        for (at, (name, value)) in pairs.0.iter().enumerate() {
            let before = self.previous.get(at);
            let name = match before {
                Some((known, _)) if known.as_str() == name => known.clone(),
                _ => self.interner.text(name),
            };
            let value = match before {
                Some((_, known)) if known.as_str() == value => known.clone(),
                _ => self.body(value),
            };
            made.push((name, value));
        }
        self.previous.clone_from(&made);
        Labels::new(made)
    }
}

/// Calls `each` for every element of a JSON array as it is read.
pub(super) fn for_each<'de, T, F>(body: &'de [u8], mut each: F) -> Result<(), ParseError>
where
    T: Deserialize<'de>,
    F: FnMut(T),
{
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    Each { each: &mut each, of: PhantomData }
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end())
        .map_err(|e| shape(&e))
}

/// The seed behind [`for_each`], for arrays deeper inside a document; `null` is an empty array.
pub(super) struct Each<'f, T, F> {
    pub(super) each: &'f mut F,
    pub(super) of: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> DeserializeSeed<'de> for Each<'_, T, F> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for Each<'_, T, F> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(element) = seq.next_element::<T>()? {
            (self.each)(element);
        }
        Ok(())
    }
}

/// Skips the rest of a map, so that unknown fields are tolerated.
pub(super) fn skip<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>().map(drop)
}

/// serde_json's words are about our types and positions, never about secrets.
pub(super) fn shape(error: &serde_json::Error) -> ParseError {
    let what = match error.classify() {
        serde_json::error::Category::Eof => format!("it ends too early ({error})"),
        _ => error.to_string(),
    };
    ParseError::Shape(SafeText::new(&what).to_string())
}
