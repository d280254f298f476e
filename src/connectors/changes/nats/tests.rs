//! What is kept of what was heard; the server itself is in the tests with real servers.

use pretty_assertions::assert_eq;
use proptest::prelude::*;

use super::*;

#[test]
fn messages_are_kept_line_by_line_and_the_newest_of_them() {
    let mut heard = Heard::default();
    heard.keep(b"{\"a\":1}\n\n{\"b\":2}\n");
    heard.keep(b"{\"c\":3}");
    heard.keep(b"{\"c\":3}");
    heard.keep(b"");
    assert_eq!(heard.body(), b"changes 0\n{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n");
    for turn in 0..20u8 {
        heard.keep(&vec![b'a' + turn; 100_000]);
    }
    assert_eq!(heard.lines.len(), 10);
    assert_eq!(heard.lines.back().map(|line| line[0]), Some(b't'));
}

proptest! {
    #[test]
    fn what_is_kept_has_its_size(messages in prop::collection::vec("[a\n]{0,9}", 0..40)) {
        let mut heard = Heard::default();
        messages.iter().for_each(|message| heard.keep(message.as_bytes()));
        prop_assert_eq!(heard.body().len(), b"changes 0\n".len() + heard.size);
    }
}
