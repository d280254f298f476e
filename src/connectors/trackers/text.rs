//! Marks by which our texts are found again, and texts as markup takes them.

/// The last line of a ticket: whose it is.
pub(super) fn incident_line(incident: &str) -> String {
    format!("Quarterdeck incident {incident}")
}

/// The last line of a comment: the record that asked for it, shortened.
pub(super) fn key_line(key: &str) -> String {
    format!("Quarterdeck ref {}", key.get(..12).unwrap_or(key))
}

/// The last line that says anything. Who quotes us and adds to it has another last line.
pub(super) fn last_line(text: &str) -> &str {
    text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default()
}

/// Whether a comment was made by a console.
pub(super) fn is_ours(text: &str) -> bool {
    let line = last_line(text);
    line.starts_with("Quarterdeck incident ")
        || line.strip_prefix("Quarterdeck ref ").is_some_and(|mark| {
            mark.len() == 12 && mark.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
}

/// A title of at most so many letters.
pub(super) fn headline(title: &str, most: usize) -> String {
    if title.chars().count() <= most {
        return title.to_owned();
    }
    let kept: String = title.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// A text of about so many letters: what is too much is cut out before its last line, which is our mark.
pub(super) fn fitted(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let end = last_line(text);
    let tail = format!("…\n(The rest is with the incident in Quarterdeck.)\n\n{end}");
    let room = most.saturating_sub(tail.chars().count());
    let kept: String = text.chars().take(room).collect();
    format!("{kept}{tail}")
}

/// Plain text as Markdown that shows it as it is: nobody is notified, nothing is linked, hidden, closed or
/// run by words that came from elsewhere.
pub(super) fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for (at, line) in text.lines().enumerate() {
        if at > 0 {
            out.push('\n');
        }
        let start = line.trim_start();
        // GitLab's quick actions (`/close`), headings, quotes and lists made of a line's first sign.
        if start.starts_with(['/', '+', '-', '=']) {
            out.push('\\');
        }
        for c in start.chars() {
            match c {
                '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '$' => out.extend(['\\', c]),
                // Strikes out when doubled; alone it names a label at GitLab.
                '~' | '!' | '%' => out.extend(['\\', c]),
                // A backslash does not keep these from naming people and tickets.
                '@' | '#' => {
                    out.push(c);
                    out.push_str("&#8203;");
                }
                c => out.push(c),
            }
        }
    }
    out
}

/// A blank of no width.
const BETWEEN: char = '\u{200b}';

/// Plain text for trackers whose markup is not known from outside: where signs would name people and tickets,
/// fetch pictures, link elsewhere under another name or run macros, something invisible stands between them.
pub(super) fn unmarked(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(c);
        let mut after = chars.clone();
        let Some(next) = after.next() else { break };
        let means_something = match c {
            '@' | '#' => next.is_alphanumeric(),
            '!' => !next.is_whitespace() && next != BETWEEN,
            '<' => next.is_alphabetic() || matches!(next, '/' | '!'),
            '{' | '[' => next == c,
            ']' => next == '(',
            // A link's name; JSON goes on with a blank.
            '"' => next == ':' && after.next().is_some_and(|c| !c.is_whitespace()),
            _ => false,
        };
        if means_something {
            out.push(BETWEEN);
        }
    }
    out
}

/// The text of HTML: what people write in a tracker's own editor.
pub(super) fn plain(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((text, tag)) = rest.split_once('<') {
        out.push_str(text);
        let Some((tag, after)) = tag.split_once('>') else {
            // No tag after all.
            rest = &rest[text.len()..];
            break;
        };
        let name = tag.trim_end_matches('/').split_whitespace().next().unwrap_or_default();
        if matches!(&*name.to_ascii_lowercase(), "br" | "/p" | "/div" | "/li" | "/tr" | "/pre") {
            out.push('\n');
        }
        rest = after;
    }
    out.push_str(rest);
    // Last, so that nothing is read twice.
    for (entity, sign) in [
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ] {
        out = out.replace(entity, sign);
    }
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_from_elsewhere_stays_text() {
        let text = "@everyone see #12 <img src=x>\n/close\n    code [a](b) ~~x~~";
        let shown = "@&#8203;everyone see #&#8203;12 \\<img src=x\\>\n\\/close\ncode \\[a\\](b) \\~\\~x\\~\\~";
        assert_eq!(markdown(text), shown);
        assert_eq!(markdown(&incident_line("INC-0AB12")), "Quarterdeck incident INC-0AB12");
    }

    #[test]
    fn text_without_markup_reads_the_same_and_means_nothing_else() {
        let text =
            "@everyone #12 !http://x/y.png! {{include(z)}} [[w]] [a](b) \"c\":http://d <b> a < b";
        let shown = "@|everyone #|12 !|http://x/y.png! {|{include(z)}} [|[w]] [a]|(b) \"c\"|:http://d \
                     <|b> a < b";
        assert_eq!(unmarked(text), shown.replace('|', "\u{200b}"));
        let plain = format!("p99 {{\"a\": [1]}} 5% at x@ y#\n\n{}", key_line(&"ab".repeat(32)));
        assert_eq!(unmarked(&plain), plain);
    }

    #[test]
    fn html_is_read_as_text() {
        let html = "<p>It <b class=\"x\">works</b>.</p><div>a &lt; b &amp;amp; c<br/>d &nbsp;e</div> 1 < 2";
        assert_eq!(plain(html), "It works.\na < b &amp; c\nd  e\n 1 < 2");
        assert_eq!(plain(""), "");
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_strange(text in ".*") {
            let shown = unmarked(&text);
            proptest::prop_assert_eq!(shown.replace('\u{200b}', ""), text.replace('\u{200b}', ""));
            proptest::prop_assert_eq!(unmarked(&shown), shown, "once is enough");
            proptest::prop_assert!(plain(&text).len() <= text.len());
            proptest::prop_assert!(headline(&text, 5).chars().count() <= 5);
        }
    }

    #[test]
    fn what_is_too_long_is_cut_where_it_does_no_harm() {
        assert_eq!((headline("übel", 4), headline("übel x", 5)), ("übel".into(), "übel…".into()));
        let text = format!("{}\n\nQuarterdeck ref 0a1b2c3d4e5f", "x".repeat(200));
        assert_eq!(fitted(&text, 300), text);
        let cut = fitted(&text, 100);
        assert_eq!((cut.chars().count(), last_line(&cut)), (100, last_line(&text)));
    }

    #[test]
    fn only_a_last_line_of_ours_makes_a_comment_ours() {
        let ours = format!("Rolling back.\n\n{}", key_line(&"ab".repeat(32)));
        assert!(is_ours(&ours) && is_ours(&format!("{ours}\n  \n")));
        let quoted = format!("> {}\n\nAgreed.", ours.replace('\n', "\n> "));
        assert!(!is_ours(&quoted) && !is_ours("Quarterdeck ref me") && !is_ours(""));
    }
}
