//! Atlassian's document format: plain text as Jira takes it, and what Jira gives back as plain text.

use serde_json::{Value, json};

use super::text::fitted;

/// Jira refuses texts of more than 32,767 characters; the document that holds a text is what it counts.
const MOST: usize = 32_000;

/// Plain text as a document: paragraphs and line breaks, nothing that could notify or be run. What is too
/// long is cut before its last line.
pub(super) fn document(text: &str) -> Value {
    let mut most = text.chars().count();
    loop {
        let whole = tree(&fitted(text, most));
        let long = whole.to_string().chars().count();
        if long <= MOST || most == 0 {
            return whole;
        }
        // Lines cost more than their letters, so this may take a few rounds.
        most = (most * MOST / long).min(most * 19 / 20);
    }
}

fn tree(text: &str) -> Value {
    let mut paragraphs = Vec::new();
    let mut inline: Vec<Value> = Vec::new();
    for line in text.lines().map(str::trim_end).chain([""]) {
        if !line.is_empty() {
            if !inline.is_empty() {
                inline.push(json!({ "type": "hardBreak" }));
            }
            inline.push(json!({ "type": "text", "text": line }));
        } else if !inline.is_empty() {
            let content = std::mem::take(&mut inline);
            paragraphs.push(json!({ "type": "paragraph", "content": content }));
        }
    }
    json!({ "type": "doc", "version": 1, "content": paragraphs })
}

/// The text of a document; what it holds besides (pictures, tables' lines) is left out.
pub(super) fn plain(document: &Value) -> String {
    let mut out = String::new();
    gather(document, &mut out);
    out.trim_end().to_owned()
}

fn gather(node: &Value, out: &mut String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let attribute = |name: &str| text(&node["attrs"][name]);
    match node["type"].as_str().unwrap_or_default() {
        "text" => out.push_str(&text(&node["text"])),
        "hardBreak" => out.push('\n'),
        "mention" | "status" => out.push_str(&attribute("text")),
        "emoji" => out.push_str(&attribute("shortName")),
        "inlineCard" | "blockCard" | "embedCard" => out.push_str(&attribute("url")),
        _ => {}
    }
    for child in node["content"].as_array().map_or(&[][..], Vec::as_slice) {
        gather(child, out);
    }
    if matches!(node["type"].as_str(), Some("paragraph" | "heading" | "codeBlock" | "blockCard")) {
        out.push_str("\n\n");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::text::{key_line, last_line};
    use super::*;

    /// Atlassian's own schema of its format.
    fn schema() -> jsonschema::Validator {
        let text = include_str!("../../../fixtures/openapi/adf.json");
        let options = jsonschema::options().with_draft(jsonschema::Draft::Draft4);
        options.build(&serde_json::from_str(text).unwrap()).unwrap()
    }

    #[test]
    fn a_text_becomes_paragraphs_and_comes_back() {
        let text = "First line\nsecond\n\n\n  @everyone <b>x</b>\n\nQuarterdeck ref 0a1b2c3d4e5f";
        let wanted = json!({ "type": "doc", "version": 1, "content": [
            { "type": "paragraph", "content": [
                { "type": "text", "text": "First line" }, { "type": "hardBreak" },
                { "type": "text", "text": "second" },
            ]},
            { "type": "paragraph", "content": [{ "type": "text", "text": "  @everyone <b>x</b>" }] },
            { "type": "paragraph", "content": [
                { "type": "text", "text": "Quarterdeck ref 0a1b2c3d4e5f" },
            ]},
        ]});
        assert_eq!(document(text), wanted);
        assert_eq!(plain(&wanted), text.replace("\n\n\n", "\n\n"));
        assert_eq!(plain(&document("")), "");
    }

    #[test]
    fn what_people_write_there_is_read_as_text() {
        let said = json!({ "type": "doc", "version": 1, "content": [
            { "type": "heading", "attrs": { "level": 1 }, "content": [{ "type": "text", "text": "Now" }] },
            { "type": "bulletList", "content": [
                { "type": "listItem", "content": [{ "type": "paragraph", "content": [
                    { "type": "mention", "attrs": { "id": "1", "text": "@Kim" } },
                    { "type": "text", "text": " looks at " },
                    { "type": "inlineCard", "attrs": { "url": "https://x.example/y" } },
                    { "type": "emoji", "attrs": { "shortName": ":+1:" } },
                ]}]},
            ]},
            { "type": "mediaSingle", "content": [{ "type": "media", "attrs": { "id": "z" } }] },
        ]});
        assert_eq!(plain(&said), "Now\n\n@Kim looks at https://x.example/y:+1:");
        assert_eq!(plain(&Value::Null), "");
    }

    #[test]
    fn too_long_a_text_is_cut_and_keeps_its_mark() {
        let mark = key_line(&"ab".repeat(32));
        for line in ["x".repeat(70_000), "ü\n".repeat(40_000), "\"\\\n\n".repeat(20_000)] {
            let whole = document(&format!("{line}\n\n{mark}"));
            let long = whole.to_string().chars().count();
            assert!((MOST / 2..=MOST).contains(&long), "{long}");
            assert_eq!(last_line(&plain(&whole)), mark);
        }
    }

    proptest! {
        #[test]
        fn any_text_keeps_its_lines_and_is_as_the_schema_has_it(text in "(?s)[ab\n\r\t @<\"]{0,60}|.{0,60}") {
            thread_local!(static SCHEMA: jsonschema::Validator = schema());
            let whole = document(&text);
            let lines = |text: &str| -> Vec<String> {
                let all = text.lines().map(|line| line.trim_end().to_owned());
                all.filter(|line| !line.is_empty()).collect()
            };
            prop_assert_eq!(lines(&plain(&whole)), lines(&text));
            prop_assert!(SCHEMA.with(|schema| schema.is_valid(&whole)), "{}", whole);
        }
    }
}
