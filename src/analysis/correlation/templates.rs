//! Texts that say the same with other numbers: which template does a message follow?
//!
//! Drain's fixed-depth tree (He, Zhu, Zheng and Lyu, ICWS 2017) with one configuration for all
//! sources. What is certainly a parameter is masked first: words with a digit in them, paths and
//! addresses. Messages with as many words and the same first word are then compared word by word;
//! the most similar template takes the message in, when at least half of its words are alike, and
//! words that differ become `<*>`. Templates grow one message after the other and keep their
//! numbers.
//!
//! Time O(words · templates with the same first word and length) a message.

use std::collections::HashMap;

/// What stands for a parameter.
const ANY: &str = "<*>";
/// A template takes a message in when at least this share of its words are alike.
const ALIKE: f64 = 0.5;
/// Words beyond this many are not compared.
const MOST_WORDS: usize = 128;
/// Beyond this many templates, a message of a new kind goes to a common one of its length, so that
/// hostile texts cannot fill memory.
const MOST_TEMPLATES: usize = 20_000;

/// The templates found so far.
#[derive(Debug, Clone, Default)]
pub struct Templates {
    /// By number of words and first word: numbers of templates.
    tree: HashMap<(usize, String), Vec<usize>>,
    all: Vec<Vec<String>>,
}

impl Templates {
    /// The number of the template a message follows; a new one when there is none.
    pub fn add(&mut self, message: &str) -> usize {
        let words = mask(message);
        let first = words.first().cloned().unwrap_or_default();
        let key = (words.len(), first);
        let known = self.tree.get(&key).into_iter().flatten().copied();
        let best =
            known.filter_map(|id| Some((id, alike(self.all.get(id)?, &words)))).max_by(|a, b| {
                a.1.partial_cmp(&b.1).unwrap_or(std::cmp::Ordering::Equal).then(b.0.cmp(&a.0))
            });
        if let Some((id, (share, _))) = best
            && share >= ALIKE
        {
            if let Some(template) = self.all.get_mut(id) {
                for (own, word) in template.iter_mut().zip(&words) {
                    if own != word {
                        *own = ANY.into();
                    }
                }
            }
            return id;
        }
        let (key, words) = if self.all.len() < MOST_TEMPLATES {
            (key, words)
        } else {
            ((words.len(), ANY.to_owned()), vec![ANY.to_owned(); words.len()])
        };
        let ids = self.tree.entry(key).or_default();
        if self.all.len() >= MOST_TEMPLATES
            && let Some(id) = ids.first()
        {
            return *id;
        }
        let id = self.all.len();
        ids.push(id);
        self.all.push(words);
        id
    }

    /// A template as people read it.
    pub fn text(&self, id: usize) -> Option<String> {
        self.all.get(id).map(|words| words.join(" "))
    }

    /// How many templates there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

/// The share of words that are equal, and how many parameters the template has: of two that are
/// equally alike, the more general one.
fn alike(template: &[String], words: &[String]) -> (f64, usize) {
    if template.is_empty() {
        return (1.0, 0);
    }
    let (mut equal, mut open) = (0, 0);
    for (own, word) in template.iter().zip(words) {
        if own == ANY {
            open += 1;
        } else if own == word {
            equal += 1;
        }
    }
    (f64::from(equal) / template.len() as f64, open)
}

/// Words with what is certainly a parameter masked.
pub fn mask(message: &str) -> Vec<String> {
    message.split_whitespace().take(MOST_WORDS).map(word).collect()
}

/// One word: parts between punctuation that have a digit in them become parameters, neighbouring
/// ones become one.
fn word(raw: &str) -> String {
    if raw.starts_with('/') && raw.len() > 1 {
        return ANY.into();
    }
    if !raw.bytes().any(|b| b.is_ascii_digit()) {
        return raw.into();
    }
    let mut out = String::with_capacity(raw.len());
    let mut part = String::new();
    let flush = |part: &mut String, out: &mut String| {
        if part.bytes().any(|b| b.is_ascii_digit()) {
            out.push_str(ANY);
        } else {
            out.push_str(part);
        }
        part.clear();
    };
    for c in raw.chars() {
        if matches!(c, '=' | ',' | ';' | '(' | ')' | '[' | ']' | '{' | '}' | '"' | '\'' | '<' | '>')
        {
            flush(&mut part, &mut out);
            out.push(c);
        } else {
            part.push(c);
        }
    }
    flush(&mut part, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_addresses_and_names_do_not_make_another_message() {
        let mut templates = Templates::default();
        let one = templates.add("Failed password for root from 10.0.0.7 port 22 ssh2");
        assert_eq!(templates.add("Failed password for alice from 10.9.9.9 port 4711 ssh2"), one);
        let other = templates.add("Connection closed by 10.0.0.7");
        assert_ne!(one, other);
        assert_eq!(templates.text(one).unwrap(), "Failed password for <*> from <*> port <*> <*>");
        assert_eq!(templates.text(other).unwrap(), "Connection closed by <*>");
        assert_eq!((templates.len(), templates.text(9)), (2, None));
    }

    #[test]
    fn what_is_masked_is_seen() {
        let masked = |text| mask(text).join(" ");
        assert_eq!(
            masked("took 15ms (limit=10ms) at /var/log/x.log"),
            "took <*> (limit=<*>) at <*>"
        );
        assert_eq!(masked("a / b"), "a / b");
        assert_eq!(masked(""), "");
    }

    #[test]
    fn without_end_it_stays_bounded() {
        let mut templates = Templates::default();
        let letters = |mut n: usize| {
            let mut text = String::new();
            for _ in 0..5 {
                text.push(char::from(b'a' + (n % 26) as u8));
                n /= 26;
            }
            text
        };
        for n in 0..MOST_TEMPLATES + 500 {
            templates.add(&format!("{} {}", letters(n), letters(n * 7)));
        }
        assert!(templates.len() <= MOST_TEMPLATES + 1, "{}", templates.len());
    }

    proptest! {
        #[test]
        fn the_same_message_goes_to_the_same_template(messages in prop::collection::vec("[a-c]{1,2}( [a-c1]{1,2}){0,4}", 1..40)) {
            let mut templates = Templates::default();
            let ids: Vec<usize> = messages.iter().map(|m| templates.add(m)).collect();
            for (message, id) in messages.iter().zip(ids) {
                let words = templates.text(id).unwrap();
                prop_assert_eq!(words.split(' ').count(), message.split(' ').count());
                prop_assert!(words.split(' ').zip(mask(message)).all(|(own, word)| own == ANY || own == word));
            }
        }
    }
}
