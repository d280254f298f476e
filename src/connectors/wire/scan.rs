//! A cursor over a JSON document that is read once, from its beginning to its end.
//!
//! Servers write twenty thousand elements in one and the same way: no spaces, fields they promise, texts
//! mostly without escapes. What looks like that is taken here, borrowed and without a tree; whatever
//! does not, serde_json reads from where it begins ([`Scan::value`]), so that it alone decides what is
//! JSON and how it is understood.

use std::borrow::Cow;

use serde::de::{Deserialize, IgnoredAny};

use super::{ParseError, shape};

/// The cursor.
pub(in crate::connectors) struct Scan<'a> {
    text: &'a str,
    at: usize,
}

/// What stands in an answer many times.
pub(in crate::connectors) trait Quick<'a>: Default + Deserialize<'a> {
    /// Reads itself over what it was before. `None` when anything is unusual: then serde_json reads it, as
    /// it does what there is never much of.
    fn read(&mut self, _: &mut Scan<'a>) -> Option<()> {
        None
    }
}

impl<'a> Scan<'a> {
    /// At the beginning of a body. Bytes that are not UTF-8 are a matter for whoever mends them.
    pub(in crate::connectors) fn new(body: &'a [u8]) -> Result<Self, ParseError> {
        match std::str::from_utf8(body) {
            Ok(text) => Ok(Self { text, at: 0 }),
            Err(error) => Err(ParseError::Shape(format!(
                "it is not text from byte {} on",
                error.valid_up_to()
            ))),
        }
    }

    #[cfg(test)]
    pub(in crate::connectors) const fn position(&self) -> usize {
        self.at
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Steps over exactly this, if it is next.
    pub(in crate::connectors) fn eat(&mut self, literal: &str) -> bool {
        let found = self.rest().starts_with(literal.as_bytes());
        if found {
            self.at += literal.len();
        }
        found
    }

    /// Steps over a sign and the spaces before it.
    pub(in crate::connectors) fn sign(&mut self, sign: u8) -> bool {
        let rest = self.rest();
        let spaces = rest.iter().take_while(|b| b.is_ascii_whitespace() && **b != 0x0c).count();
        let found = rest.get(spaces) == Some(&sign);
        if found {
            self.at += spaces + 1;
        }
        found
    }

    /// A text, borrowed unless it has escapes.
    pub(in crate::connectors) fn string(&mut self) -> Option<Cow<'a, str>> {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        if bytes.get(self.at) != Some(&b'"') {
            return None;
        }
        let mut end = start + plain(bytes.get(start..)?);
        if bytes.get(end) == Some(&b'"') {
            self.at = end + 1;
            return self.text.get(start..end).map(Cow::Borrowed);
        }
        while *bytes.get(end)? != b'"' {
            end += if *bytes.get(end)? == b'\\' { 2 } else { 1 };
            end += plain(bytes.get(end..)?);
        }
        let text = serde_json::from_str(self.text.get(self.at..=end)?).ok()?;
        self.at = end + 1;
        Some(Cow::Owned(text))
    }

    /// Every field of an object without spaces, as long as `each` takes the values.
    pub(in crate::connectors) fn each_field(
        &mut self,
        mut each: impl FnMut(&mut Self, Cow<'a, str>) -> Option<()>,
    ) -> Option<()> {
        if !self.eat("{") {
            return None;
        }
        if self.eat("}") {
            return Some(());
        }
        loop {
            let name = self.string()?;
            if !self.eat(":") {
                return None;
            }
            each(self, name)?;
            if !self.eat(",") {
                return self.eat("}").then_some(());
            }
        }
    }

    /// Every element of an array without spaces, as long as `each` takes them.
    pub(in crate::connectors) fn each_element(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        if !self.eat("[") {
            return None;
        }
        if self.eat("]") {
            return Some(());
        }
        loop {
            each(self)?;
            if !self.eat(",") {
                return self.eat("]").then_some(());
            }
        }
    }

    /// A number as Prometheus writes its times: digits, perhaps a fraction.
    pub(in crate::connectors) fn seconds(&mut self) -> Option<f64> {
        let rest = self.rest();
        let digits = |from: usize| {
            rest.get(from..).map_or(0, |r| r.iter().take_while(|b| b.is_ascii_digit()).count())
        };
        let whole = digits(0);
        let leading_zero = whole > 1 && rest.first() == Some(&b'0');
        let fraction = if rest.get(whole) == Some(&b'.') { digits(whole + 1) } else { 0 };
        let len = if fraction > 0 { whole + 1 + fraction } else { whole };
        if whole == 0 || leading_zero || matches!(rest.get(len), Some(b'.' | b'e' | b'E')) {
            return None;
        }
        let number = self.text.get(self.at..self.at + len)?.parse().ok()?;
        self.at += len;
        Some(number)
    }

    /// The next value, whatever it is, as serde_json reads it.
    pub(in crate::connectors) fn value<T: Deserialize<'a>>(&mut self) -> Result<T, ParseError> {
        let mut values = serde_json::Deserializer::from_slice(self.rest()).into_iter::<T>();
        match values.next() {
            Some(Ok(value)) => {
                self.at += values.byte_offset();
                Ok(value)
            }
            Some(Err(error)) => Err(self.complaint(&error)),
            None => Err(self.broken()),
        }
    }

    /// Steps over a value nobody wants.
    pub(in crate::connectors) fn skip(&mut self) -> Result<(), ParseError> {
        self.value::<IgnoredAny>().map(drop)
    }

    /// `null`, if it is next.
    pub(in crate::connectors) fn null(&mut self) -> bool {
        self.spaces();
        self.eat("null")
    }

    fn spaces(&mut self) {
        let spaces = |b: &&u8| matches!(**b, b' ' | b'\n' | b'\r' | b'\t');
        self.at += self.rest().iter().take_while(spaces).count();
    }

    /// Every element of an array as it is read; `null` is an empty one.
    pub(in crate::connectors) fn elements<T, F>(&mut self, mut each: F) -> Result<(), ParseError>
    where
        T: Quick<'a>,
        F: FnMut(&mut T),
    {
        if self.null() {
            return Ok(());
        }
        if !self.sign(b'[') {
            return Err(self.unexpected("an array"));
        }
        if self.sign(b']') {
            return Ok(());
        }
        let mut element = T::default();
        loop {
            let start = self.at;
            if element.read(self).is_none() {
                self.at = start;
                element = self.value()?;
            }
            each(&mut element);
            if self.sign(b']') {
                return Ok(());
            }
            if !self.sign(b',') {
                return Err(self.broken());
            }
        }
    }

    /// Every field of an object; `each` reads the value, or steps over it.
    pub(in crate::connectors) fn fields(
        &mut self,
        mut each: impl FnMut(&mut Self, &str) -> Result<(), ParseError>,
    ) -> Result<(), ParseError> {
        if !self.sign(b'{') {
            return Err(self.unexpected("an object"));
        }
        if self.sign(b'}') {
            return Ok(());
        }
        loop {
            self.spaces();
            let Some(name) = self.string() else { return Err(self.broken()) };
            if !self.sign(b':') {
                return Err(self.broken());
            }
            each(self, &name)?;
            if self.sign(b'}') {
                return Ok(());
            }
            if !self.sign(b',') {
                return Err(self.broken());
            }
        }
    }

    /// Nothing may follow.
    pub(in crate::connectors) fn end(mut self) -> Result<(), ParseError> {
        self.spaces();
        if self.at == self.text.len() { Ok(()) } else { Err(self.broken()) }
    }

    /// What serde_json has against the document as a whole: it knows line and column.
    fn broken(&self) -> ParseError {
        match serde_json::from_str::<IgnoredAny>(self.text) {
            Err(error) => shape(&error),
            Ok(_) => ParseError::Shape(format!("something else was expected at byte {}", self.at)),
        }
    }

    /// A value of another kind than it should be, or a document that is broken there.
    fn complaint(&self, error: &serde_json::Error) -> ParseError {
        if error.is_data() {
            // Line and column are of the value alone, which nobody would find.
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or(&what).to_owned();
            return shape_of(&format!("{what} at byte {}", self.at));
        }
        self.broken()
    }

    fn unexpected(&self, wanted: &str) -> ParseError {
        match serde_json::from_str::<IgnoredAny>(self.text) {
            Err(error) => shape(&error),
            Ok(_) => ParseError::Shape(format!("{wanted} was expected at byte {}", self.at)),
        }
    }
}

fn shape_of(what: &str) -> ParseError {
    ParseError::Shape(crate::domain::SafeText::new(what).to_string())
}

/// How many bytes come before a quote, a backslash or a control character; eight at a time.
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES << 7;
    // The lowest bit set is that of the first byte below `limit`; later ones may be wrong.
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGHS;
    let mut at = 0;
    let (words, last) = bytes.as_chunks::<8>();
    for word in words {
        let word = u64::from_le_bytes(*word);
        let quote = below(word ^ (ONES * u64::from(b'"')), 1);
        let escape = below(word ^ (ONES * u64::from(b'\\')), 1);
        let found = quote | escape | below(word, 0x20);
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let special = |b: &u8| matches!(*b, b'"' | b'\\' | ..0x20);
    at + last.iter().position(special).unwrap_or(last.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_text_is_what_serde_json_takes_it_for(
            text in "\\PC{0,30}|[a-z\"\\\\\\x00-\\x1fé表👩\\u{2028}]{0,40}",
            garble in proptest::option::of((0usize..40, any::<u8>())),
        ) {
            let mut json = serde_json::to_string(&text).unwrap().into_bytes();
            if let Some((at, byte)) = garble {
                let len = json.len();
                json[at % len] = byte;
            }
            // The other one goes over spaces before a value; here whoever asks stands at it.
            prop_assume!(!json[0].is_ascii_whitespace());
            json.extend(b",\"more\"]");
            let Ok(mut scan) = Scan::new(&json) else { return Ok(()) };
            let mut serde = serde_json::Deserializer::from_slice(&json).into_iter::<String>();
            match (scan.string(), serde.next()) {
                (Some(ours), Some(Ok(theirs))) => {
                    prop_assert_eq!(&*ours, theirs);
                    prop_assert_eq!(scan.at, serde.byte_offset());
                }
                (None, Some(Err(_)) | None) => prop_assert_eq!(scan.at, 0),
                (ours, theirs) => prop_assert!(false, "{:?} is not {:?}", ours, theirs),
            }
        }

        #[test]
        fn a_number_that_is_taken_is_what_serde_json_takes_it_for(text in "-?[0-9]{0,12}[.]?[0-9]{0,4}[eE+-]?[0-9]{0,2}[,\\]]") {
            let mut scan = Scan::new(text.as_bytes()).unwrap();
            if let Some(ours) = scan.seconds() {
                let theirs: f64 = serde_json::from_str(&text[..scan.at]).unwrap();
                prop_assert!((ours - theirs).abs() <= ours.abs() * 1e-15, "{} is not {}", ours, theirs);
                prop_assert!(matches!(text.as_bytes()[scan.at], b',' | b']' | b'-' | b'+'));
            }
        }
    }
}
