//! What goes out stays text, whatever it is made of.

use std::collections::BTreeSet;

use html5gum::{Token, Tokenizer};
use pretty_assertions::assert_eq;
use proptest::prelude::*;

use super::super::tests::{measure, reviewed, whole};
use super::*;
use crate::domain::{CauseCategory, ReviewSection, SafeText};
use crate::eventlog::{CauseFound, Described, SectionWritten};

const TAGS: [&str; 33] = [
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "br", "ul", "li", "table",
    "thead", "tbody", "tr", "th", "td", "svg", "rect", "line", "path", "text", "em", "strong",
    "section", "header", "footer", "div", "span", "g", "circle", "main",
];

/// Everything in a file that is not text: names of tags, and of attributes by tag.
fn parsed(html: &str) -> (BTreeSet<String>, BTreeSet<String>, String) {
    let (mut tags, mut attributes, mut text) = (BTreeSet::new(), BTreeSet::new(), String::new());
    for Ok(token) in Tokenizer::new(html) {
        match token {
            Token::StartTag(tag) => {
                tags.insert(String::from_utf8_lossy(&tag.name).into_owned());
                for (name, _) in tag.attributes {
                    attributes.insert(String::from_utf8_lossy(&name).into_owned());
                }
            }
            Token::String(part) => text.push_str(&String::from_utf8_lossy(&part)),
            Token::Error(error) => panic!("{error:?}"),
            _ => {}
        }
    }
    (tags, attributes, text)
}

fn check_html(html: &str) -> String {
    let (tags, attributes, text) = parsed(html);
    let known: BTreeSet<String> = TAGS.iter().map(ToString::to_string).collect();
    assert!(tags.is_subset(&known), "{:?}", tags.difference(&known));
    let bad = attributes.iter().find(|name| {
        name.starts_with("on") || ["href", "src", "xlink:href", "action"].contains(&name.as_str())
    });
    assert_eq!(bad, None);
    for (open, close) in [("<ul>", "</ul>"), ("<li>", "</li>"), ("<p", "</p>"), ("<svg", "</svg>")]
    {
        let opened = html.matches(open).count()
            - if open == "<p" { html.matches("<path").count() } else { 0 };
        assert_eq!(opened, html.matches(close).count(), "{open}");
    }
    text
}

#[test]
fn the_html_of_a_whole_incident_is_one_file_that_loads_nothing() {
    let mut room = whole();
    measure(&mut room);
    reviewed(&mut room);
    let html = html(&room.document(70), room.incident(), room.at(70));
    let text = check_html(&html);
    for wanted in [
        "INC-7KQ4M checkout: cards declined",
        "14,400 of 57,600 events lost",
        "no check compares readers and schema",
        "measurement",
        "compare readers and schema before a deploy",
    ] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
    assert_eq!(html.matches("<svg").count(), 3, "chart, whys, fishbone");
    assert!(html.contains("default-src 'none'"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn hostile_text_goes_through_every_export_as_text(
        text in "(<script>|</title>|</style>|<!--|-->|]]>|\"|'|&|&lt;|<img src=x onerror=alert\\(1\\)>|\
                 - |  - |\n|\\||`|\\[a\\]\\(javascript:x\\)|# |\\PC){0,24}"
    ) {
        let mut room = whole();
        let title = SafeText::new(&format!("x{text}"));
        let (services, impact, onset) = (None, None, None);
        room.say("alice", 60, Described { title: Some(title.clone()), services, impact, onset });
        let written = SectionWritten { section: ReviewSection::Luck, text: SafeText::body(&text) };
        room.say("alice", 61, written);
        let cause = CauseFound {
            parent: None,
            category: Some(CauseCategory::People),
            text: title.clone(),
            evidence: Vec::new(),
        };
        room.say("alice", 62, cause);
        let (document, now) = (room.document(70), room.at(70));
        let html = html(&document, room.incident(), now);
        let shown = check_html(&html);
        let whole = format!("INC-7KQ4M {title}");
        prop_assert!(shown.contains(&whole), "{}", shown);
        let markdown = markdown(&document, room.incident(), now);
        let heads = markdown.lines().filter(|line| line.starts_with('#')).count();
        prop_assert_eq!(heads, 1 + 10 + 1, "nobody makes a heading");
        let after = markdown.split("## Where we were lucky").nth(1).unwrap();
        for bad in ["<", "`"] {
            let own = after.replace(&format!("\\{bad}"), "");
            prop_assert!(!own.contains(bad), "{}", own);
        }
        let json = json(&document, room.incident(), now);
        prop_assert_eq!(json["title"].as_str(), Some(title.as_str()));
    }
}
