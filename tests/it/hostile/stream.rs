//! What may reach a terminal: only the sequences this program makes, and text without hidden characters.

/// The first thing in a stream that this program would never send by itself, with what is around it.
pub(crate) fn foreign(stream: &[u8]) -> Option<String> {
    let mut at = 0;
    while at < stream.len() {
        let length = match stream[at] {
            0x1b => own_sequence(&stream[at..]),
            0x20..=0x7e => Some(1),
            0x80.. => text(&stream[at..]),
            // A frame moves by position, never by control characters.
            _ => None,
        };
        let Some(length) = length else {
            let around = &stream[at.saturating_sub(40)..(at + 40).min(stream.len())];
            return Some(format!("at byte {at}: {}", around.escape_ascii()));
        };
        at += length;
    }
    None
}

/// Length of a sequence the console makes.
fn own_sequence(rest: &[u8]) -> Option<usize> {
    for exact in ["\x1b]0;quarterdeck\x07", "\x1b]2;quarterdeck\x07", "\x1b]2;quarterdeck\x1b\\"] {
        if rest.starts_with(exact.as_bytes()) {
            return Some(exact.len());
        }
    }
    if rest.get(1) != Some(&b'[') {
        return None;
    }
    let end = rest.iter().skip(2).position(|b| (0x40..=0x7e).contains(b))? + 2;
    let parameters = std::str::from_utf8(&rest[2..end]).ok()?;
    let numbers = parameters.bytes().all(|b| b.is_ascii_digit() || b == b';' || b == b':');
    let modes = ["?25", "?1049", "?2004", "?1004", "?2026"];
    let own = match rest[end] {
        // Colours, places, erasing, scrolling.
        b'm' | b'H' | b'J' | b'K' | b'A' | b'B' | b'C' | b'D' | b'G' | b'd' | b'r' | b'S'
        | b'T' | b'X' | b'P' | b'@' | b'L' | b'M' => numbers,
        b'h' | b'l' => modes.contains(&parameters),
        b't' => matches!(parameters, "22;2" | "23;2"),
        b'n' => parameters == "6",
        _ => false,
    };
    own.then_some(end + 1)
}

/// Length of the character at the front, when it is one that may be shown.
fn text(rest: &[u8]) -> Option<usize> {
    let length = match rest[0] {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf7 => 4,
        _ => return None,
    };
    let c = std::str::from_utf8(rest.get(..length)?).ok()?.chars().next()?;
    let hidden = matches!(c, '\u{80}'..='\u{9f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
    (!hidden).then_some(length)
}

#[test]
fn the_check_sees_what_a_terminal_would_obey() {
    let own = "\x1b[22;2t\x1b[?1049h\x1b]2;quarterdeck\x1b\\\x1b[38;5;12;1m\x1b[3;4Hnaïve 表 ⣿ ␛]52\x1b[6n";
    assert_eq!(foreign(own.as_bytes()), None);
    for bad in [
        &b"\x1b]52;c;aGk=\x07"[..],
        b"\x1b]2;pwned\x1b\\",
        b"\x1b]8;;http://x\x1b\\",
        b"\x1bP+q\x1b\\",
        b"\x1bc",
        b"\x1b[?1003h",
        b"\x1b[5n",
        b"\x1b[21t",
        b"\x1b[0;59;\"x\"p",
        b"a\x07b",
        b"a\rb",
        b"a\nb",
        b"\x9b31m",
        b"\xc2\x9b31m",
        "pay\u{202e}lap".as_bytes(),
        "ze\u{200b}ro".as_bytes(),
        b"\xff\xfe",
        b"\x1b[",
    ] {
        assert!(foreign(bad).is_some(), "{}", bad.escape_ascii());
    }
}
