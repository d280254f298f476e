//! What a NATS server sends, read as it comes in pieces: `INFO`, `MSG`, `PING`, `PONG`, `+OK`, `-ERR`.

/// Longest line: what a server of a large cluster says of itself.
const LONGEST: usize = 64 * 1024;

/// One thing a server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Op {
    /// What it is, in JSON.
    Info(Vec<u8>),
    /// A message, with the subscription it is of.
    Message(u64, Vec<u8>),
    /// It asks whether we are there.
    Ping,
    /// It has heard our `PING`, and has sent all it had before.
    Pong,
    /// It has taken what we said.
    Fine,
    /// It has not, in its words.
    Refused(String),
}

/// What no such server sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bad {
    /// Another protocol.
    Garbage,
    /// More than is taken.
    TooLarge,
}

/// What has come in and is not read yet.
#[derive(Debug, Default)]
pub(super) struct Wire {
    bytes: Vec<u8>,
    /// How much of it is read.
    at: usize,
}

impl Wire {
    /// Takes in what came.
    pub(super) fn take(&mut self, more: &[u8]) {
        self.bytes.drain(..self.at);
        self.at = 0;
        self.bytes.extend_from_slice(more);
    }

    /// The next thing it says; `None` until all of it has come. A message may have `most` bytes.
    pub(super) fn next(&mut self, most: usize) -> Result<Option<Op>, Bad> {
        let rest = &self.bytes[self.at..];
        let Some(end) = rest.iter().take(LONGEST).position(|byte| *byte == b'\n') else {
            // What cannot become a verb is not waited for: a web server may never send a line's end.
            let begins = rest.is_empty() || VERBS.iter().any(|verb| starts(rest, verb));
            return if begins && rest.len() < LONGEST { Ok(None) } else { Err(Bad::Garbage) };
        };
        let line = rest[..end].trim_ascii_end();
        let (verb, args) =
            line.split_at(line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len()));
        let args = args.trim_ascii();
        let mut read = end + 1;
        let op = match verb.to_ascii_uppercase().as_slice() {
            b"INFO" => Op::Info(args.to_vec()),
            b"PING" => Op::Ping,
            b"PONG" => Op::Pong,
            b"+OK" => Op::Fine,
            b"-ERR" => Op::Refused(String::from_utf8_lossy(args).into_owned()),
            b"MSG" => {
                let (of, size) = message(args).ok_or(Bad::Garbage)?;
                if size > most {
                    return Err(Bad::TooLarge);
                }
                let Some(body) = rest.get(read..read + size + 2) else { return Ok(None) };
                let (body, line_end) = body.split_at(size);
                if line_end != b"\r\n" {
                    return Err(Bad::Garbage);
                }
                read += size + 2;
                Op::Message(of, body.to_vec())
            }
            _ => return Err(Bad::Garbage),
        };
        self.at += read;
        Ok(Some(op))
    }
}

const VERBS: [&[u8]; 6] = [b"INFO", b"MSG", b"PING", b"PONG", b"+OK", b"-ERR"];

/// Whether these are the beginning of a verb, or begin with it.
fn starts(bytes: &[u8], verb: &[u8]) -> bool {
    bytes.iter().zip(verb).all(|(a, b)| a.eq_ignore_ascii_case(b))
}

/// Subscription and size of `subject sid [reply-to] size`.
fn message(args: &[u8]) -> Option<(u64, usize)> {
    let words: Vec<&str> = std::str::from_utf8(args).ok()?.split_ascii_whitespace().collect();
    match words.as_slice() {
        [_, of, size] | [_, of, _, size] => Some((of.parse().ok()?, size.parse().ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod checks {
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<Op>, Bad> {
        let mut wire = Wire::default();
        wire.take(bytes);
        let mut all = Vec::new();
        while let Some(op) = wire.next(100)? {
            all.push(op);
        }
        Ok(all)
    }

    const TALK: &[u8] = b"INFO {\"a\":1} \r\nPING\r\nMSG ops.changes 1 5\r\na\r\nbc\r\n+OK\r\n\
        MSG a 2 _INBOX.x 0\r\n\r\npong\r\n-ERR 'Authorization Violation'\r\n";

    fn talk() -> Vec<Op> {
        vec![
            Op::Info(b"{\"a\":1}".to_vec()),
            Op::Ping,
            Op::Message(1, b"a\r\nbc".to_vec()),
            Op::Fine,
            Op::Message(2, Vec::new()),
            Op::Pong,
            Op::Refused("'Authorization Violation'".to_owned()),
        ]
    }

    #[test]
    fn a_conversation_is_read() {
        assert_eq!(read(TALK), Ok(talk()));
    }

    #[test]
    fn what_is_no_nats_is_refused_before_it_ends() {
        for garbage in [
            &b"HTTP/1.1 400"[..],
            b"<html>",
            b"MSG a 1\r\n",
            b"MSG a b c\r\n",
            b"\0\0",
            b"MSG a 1 2\r\nabcd\r\n",
        ] {
            assert_eq!(read(garbage), Err(Bad::Garbage), "{}", String::from_utf8_lossy(garbage));
        }
        assert_eq!(read(b"MSG a 1 101\r\n"), Err(Bad::TooLarge));
        assert_eq!(read(format!("MSG a 1 {}\r\n", usize::MAX).as_bytes()), Err(Bad::TooLarge));
        assert_eq!(read(&[b"INFO ".to_vec(), vec![b'x'; LONGEST]].concat()), Err(Bad::Garbage));
        assert_eq!(read(b"MSG a 1 100\r\nabc"), Ok(Vec::new()), "the rest is still to come");
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_it_is_cut(cuts in prop::collection::vec(0..TALK.len(), 0..8)) {
            let mut cuts = cuts;
            cuts.sort_unstable();
            let (mut wire, mut all, mut from) = (Wire::default(), Vec::new(), 0);
            for to in cuts.into_iter().chain([TALK.len()]) {
                wire.take(&TALK[from..to]);
                from = to;
                while let Some(op) = wire.next(100).unwrap() {
                    all.push(op);
                }
            }
            prop_assert_eq!(all, talk());
        }

        #[test]
        fn whatever_comes_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }
    }
}
