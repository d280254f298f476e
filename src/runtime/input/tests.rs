//! What a terminal sends, and what arrives at the loop.

use super::*;
use pretty_assertions::assert_eq;
use proptest::prelude::*;

fn key(key: Key) -> FromTerminal {
    FromTerminal::Input(Input::Key(Chord::plain(key)))
}

fn typed(c: char) -> FromTerminal {
    key(Key::Char(c))
}

fn ctrl(c: char) -> FromTerminal {
    FromTerminal::Input(Input::Key(Chord { key: Key::Char(c), ctrl: true, alt: false }))
}

fn paste(text: &str) -> FromTerminal {
    FromTerminal::Input(Input::Paste(text.into()))
}

/// Everything the bytes mean, once nothing more comes.
fn decode(bytes: &[u8]) -> Vec<FromTerminal> {
    let mut decoder = Decoder::default();
    let mut found = decoder.feed(bytes);
    while decoder.patience().is_some() {
        found.extend(decoder.give_up_waiting());
    }
    found
}

#[test]
fn keys_as_terminals_send_them() {
    for (bytes, expected) in [
        ("j", typed('j')),
        ("G", typed('G')),
        ("é", typed('é')),
        ("\r", key(Key::Enter)),
        ("\t", key(Key::Tab)),
        ("\x7f", key(Key::Backspace)),
        ("\x1b", key(Key::Esc)),
        ("\x1b[Z", key(Key::BackTab)),
        ("\x1b[A", key(Key::Up)),
        ("\x1bOB", key(Key::Down)),
        ("\x1b[H", key(Key::Home)),
        ("\x1b[4~", key(Key::End)),
        ("\x1b[5~", key(Key::PageUp)),
        ("\x1b[6~", key(Key::PageDown)),
        ("\x1b[2~", key(Key::Insert)),
        ("\x1b[3~", key(Key::Delete)),
        ("\x1bOP", key(Key::F(1))),
        ("\x1b[24~", key(Key::F(12))),
        ("\x03", ctrl('c')),
        ("\x1a", ctrl('z')),
        (
            "\x1bx",
            FromTerminal::Input(Input::Key(Chord { key: Key::Char('x'), ctrl: false, alt: true })),
        ),
        ("\x1b[I", FromTerminal::Input(Input::FocusGained)),
        ("\x1b[O", FromTerminal::Input(Input::FocusLost)),
        ("\x1b[12;40R", FromTerminal::Answer),
        ("\x1b[200~rm -rf /\r\x1b[201~", paste("rm -rf /\r")),
    ] {
        assert_eq!(decode(bytes.as_bytes()), [expected], "{bytes:?}");
    }
}

#[test]
fn answers_and_keys_typed_meanwhile_keep_their_order() {
    assert_eq!(
        decode(b"jk\x1b[1;1Rj\x1b[Bq"),
        [typed('j'), typed('k'), FromTerminal::Answer, typed('j'), key(Key::Down), typed('q')]
    );
}

#[test]
fn a_burst_longer_than_any_buffer_loses_nothing() {
    let mut decoder = Decoder::default();
    let count: usize =
        vec![b'j'; 100_000].chunks(4096).map(|chunk| decoder.feed(chunk).len()).sum();
    assert_eq!(count, 100_000);
}

#[test]
fn an_escape_waits_a_moment_in_case_it_is_the_start_of_a_key() {
    let mut decoder = Decoder::default();
    assert_eq!(decoder.feed(b"\x1b"), []);
    assert_eq!(decoder.patience(), Some(ESCAPE));
    assert_eq!(decoder.feed(b"[A"), [key(Key::Up)]);
    assert_eq!(decoder.patience(), None);

    assert_eq!(decoder.feed(b"\x1b"), []);
    assert_eq!(decoder.give_up_waiting(), [key(Key::Esc)]);
    assert_eq!(decoder.patience(), None);
}

#[test]
fn a_plain_key_waits_for_nothing() {
    let mut decoder = Decoder::default();
    for bytes in ["j", "\x1b[A", "é", "\x1b[5~"] {
        assert_eq!(decoder.feed(bytes.as_bytes()).len(), 1, "{bytes:?}");
        assert_eq!(decoder.patience(), None, "{bytes:?}");
    }
}

#[test]
fn a_stray_device_string_does_not_swallow_the_keys_after_it() {
    let mut decoder = Decoder::default();
    decoder.feed(b"\x1bP1$r");
    decoder.give_up_waiting();
    assert_eq!(decoder.feed(b"q"), [typed('q')]);
}

#[test]
fn a_paste_keeps_its_keys_to_itself_however_it_is_cut() {
    let bytes = b"a\x1b[200~q\x1b[A\x03\x1b[201~b";
    for cut in 0..bytes.len() {
        let mut decoder = Decoder::default();
        let mut found = decoder.feed(&bytes[..cut]);
        found.extend(decoder.feed(&bytes[cut..]));
        assert_eq!(found, [typed('a'), paste("q\x1b[A\x03"), typed('b')], "cut at {cut}");
    }
}

#[test]
fn a_paste_that_never_ends_is_bounded_and_taken_in_the_end() {
    let mut decoder = Decoder::default();
    decoder.feed(b"\x1b[200~");
    for _ in 0..300 {
        assert_eq!(decoder.feed(&[b'x'; 4096]), []);
    }
    assert_eq!(decoder.patience(), Some(PASTE_STALLED));
    assert_eq!(decoder.give_up_waiting(), [paste(&"x".repeat(LONGEST_PASTE))]);
    assert_eq!(decoder.feed(b"q"), [typed('q')]);
}

proptest! {
    #[test]
    fn any_bytes_are_taken_and_a_key_works_afterwards(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        cut in 0usize..300,
    ) {
        let mut decoder = Decoder::default();
        let cut = cut.min(bytes.len());
        decoder.feed(&bytes[..cut]);
        decoder.feed(&bytes[cut..]);
        decoder.give_up_waiting();
        prop_assert_eq!(decoder.feed(b"q"), [typed('q')]);
    }

    #[test]
    fn typed_text_arrives_the_same_however_it_is_cut(text in "[a-zé日]{1,40}", cut in 0usize..100) {
        let cut = cut.min(text.len());
        let mut decoder = Decoder::default();
        let mut found = decoder.feed(&text.as_bytes()[..cut]);
        found.extend(decoder.feed(&text.as_bytes()[cut..]));
        prop_assert_eq!(found, text.chars().map(typed).collect::<Vec<_>>());
    }
}

mod on_a_pty {
    use super::*;
    use pretty_assertions::assert_eq;
    use std::os::fd::AsFd;
    use tokio::sync::mpsc;

    fn pty() -> (std::fs::File, std::fs::File) {
        use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let slave = ioctl_tiocgptpeer(&master, OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        let mut modes = rustix::termios::tcgetattr(&slave).unwrap();
        modes.make_raw();
        rustix::termios::tcsetattr(&slave, rustix::termios::OptionalActions::Now, &modes).unwrap();
        (master.into(), slave.into())
    }

    #[test]
    fn a_vanished_terminal_ends_the_reading_after_the_keys_typed_before() {
        use std::io::Write as _;
        let (mut master, slave) = pty();
        let (to, mut from) = mpsc::channel(16);
        let reader = thread::spawn(move || read_all(slave.as_fd(), &to));
        master.write_all(b"jk").unwrap();
        assert_eq!(from.blocking_recv(), Some(typed('j')));
        assert_eq!(from.blocking_recv(), Some(typed('k')));
        drop(master);
        assert_eq!(reader.join().unwrap(), Ended::TerminalGone);
        assert_eq!(from.blocking_recv(), None);
    }

    #[test]
    fn a_terminal_that_vanishes_while_the_loop_is_stuck_is_noticed_too() {
        use std::io::Write as _;
        let (mut master, slave) = pty();
        let (to, from) = mpsc::channel(1);
        let reader = thread::spawn(move || read_all(slave.as_fd(), &to));
        master.write_all(b"jjjj").unwrap();
        drop(master);
        assert_eq!(reader.join().unwrap(), Ended::TerminalGone);
        drop(from);
    }

    #[test]
    fn when_the_loop_has_ended_reading_ends() {
        use std::io::Write as _;
        let (mut master, slave) = pty();
        let (to, from) = mpsc::channel(1);
        drop(from);
        master.write_all(b"j").unwrap();
        assert_eq!(read_all(slave.as_fd(), &to), Ended::NotWanted);
    }
}
