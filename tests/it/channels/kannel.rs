//! Short messages through a real Kannel gateway, to a carrier of ours that speaks SMPP: nobody can install one.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result, ensure};
use pretty_assertions::assert_eq;
use quarterdeck::connectors::outbound::config::{Endpoint, Way};
use quarterdeck::domain::{Outcome, SafeText, Span};
use tempfile::TempDir;

use super::{HOSTILE, KEY, MARK, outlet, receipt, send, update, with_password, word};
use crate::lab::{PATIENCE, Server, eventually, find_program, free_ports, second_ring};

const FROM: &str = "+15551234567";
const BOTH: [&str; 2] = ["+15557654321", "+15557654322"];

/// One part of a message as the carrier got it.
#[derive(Debug, Clone, PartialEq)]
struct Part {
    from: String,
    to: String,
    /// Number of the message it is a part of, and its place there.
    place: (u8, u8),
    coding: u8,
    text: Vec<u8>,
}

/// The carrier: takes what is submitted (SMPP 3.4), and keeps it.
#[derive(Clone, Default)]
struct Carrier(Arc<Mutex<Vec<Part>>>);

impl Carrier {
    fn listen(&self) -> Result<u16> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let carrier = self.clone();
        std::thread::spawn(move || {
            for line in listener.incoming().map_while(Result::ok) {
                let carrier = carrier.clone();
                std::thread::spawn(move || carrier.serve(line));
            }
        });
        Ok(port)
    }

    fn serve(&self, mut line: TcpStream) -> Option<()> {
        loop {
            let mut head = [0; 16];
            line.read_exact(&mut head).ok()?;
            let word = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().unwrap());
            let mut body = vec![0; usize::try_from(word(0)).ok()?.checked_sub(16)?];
            line.read_exact(&mut body).ok()?;
            let answer: &[u8] = match word(4) {
                // Bound; asked whether it is there; asked to end.
                1 | 2 | 9 => b"lab\0",
                0x15 | 6 => b"",
                4 => {
                    self.0.lock().unwrap().push(submitted(&body));
                    b"4711\0"
                }
                other => panic!("the carrier does not know {other:#x}"),
            };
            let length = u32::try_from(16 + answer.len()).ok()?;
            let words = [length, word(4) | 0x8000_0000, 0, word(12)];
            line.write_all(&words.map(u32::to_be_bytes).concat()).ok()?;
            line.write_all(answer).ok()?;
        }
    }

    /// Whole messages, with who got each.
    fn messages(&self) -> Vec<(String, String)> {
        let mut whole: BTreeMap<(String, u8), BTreeMap<u8, Part>> = BTreeMap::new();
        for (at, part) in self.0.lock().unwrap().iter().enumerate() {
            assert_eq!(part.from, FROM);
            // One without further parts is its own.
            let number =
                if part.place == (0, 0) { 100 + u8::try_from(at).unwrap() } else { part.place.0 };
            whole.entry((part.to.clone(), number)).or_default().insert(part.place.1, part.clone());
        }
        let text = |parts: BTreeMap<u8, Part>| {
            let coding = parts.values().next().unwrap().coding;
            let bytes: Vec<u8> = parts.into_values().flat_map(|part| part.text).collect();
            if coding == 8 { ucs_2(&bytes) } else { gsm(&bytes) }
        };
        let mut all: Vec<_> = whole.into_iter().map(|((to, _), parts)| (to, text(parts))).collect();
        all.sort();
        all
    }
}

/// A submitted message's fields (SMPP 3.4, 4.4.1).
fn submitted(body: &[u8]) -> Part {
    let mut rest = body;
    let mut text = || {
        let end = rest.iter().position(|byte| *byte == 0).unwrap();
        let text = String::from_utf8(rest[..end].to_vec()).unwrap();
        rest = &rest[end + 1..];
        text
    };
    text();
    // The two bytes before each number say how it is meant; they are never nothing and never text.
    let mut number = || {
        let (kind, after) = rest.split_at(2);
        rest = after;
        let end = rest.iter().position(|byte| *byte == 0).unwrap();
        let digits = String::from_utf8(rest[..end].to_vec()).unwrap();
        rest = &rest[end + 1..];
        if kind[0] == 1 { format!("+{digits}") } else { digits }
    };
    let (from, to) = (number(), number());
    let class = rest[0];
    rest = &rest[3..];
    for _ in 0..2 {
        let end = rest.iter().position(|byte| *byte == 0).unwrap();
        rest = &rest[end + 1..];
    }
    let (coding, length) = (rest[2], usize::from(rest[4]));
    let mut text = rest[5..5 + length].to_vec();
    let mut place = (0, 0);
    if class & 0x40 != 0 {
        let head: Vec<u8> = text.drain(..=usize::from(text[0])).collect();
        place = (head[3], head[5]);
    }
    Part { from, to, place, coding, text }
}

fn ucs_2(bytes: &[u8]) -> String {
    let units = bytes.chunks(2).map(|two| u16::from_be_bytes([two[0], two[1]])).collect::<Vec<_>>();
    String::from_utf16(&units).unwrap()
}

/// The carriers' alphabet (GSM 03.38), as far as it is needed here.
fn gsm(bytes: &[u8]) -> String {
    let mut out = String::new();
    let mut bytes = bytes.iter();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            0 => '@',
            2 => '$',
            0x11 => '_',
            0x1b => match bytes.next().unwrap() {
                0x14 => '^',
                0x28 => '{',
                0x29 => '}',
                0x2f => '\\',
                0x3c => '[',
                0x3d => '~',
                0x3e => ']',
                0x40 => '|',
                other => panic!("{other:#x}"),
            },
            plain => char::from(*plain),
        });
    }
    out
}

struct Kannel {
    carrier: Carrier,
    base: String,
    smsbox: Server,
    _bearerbox: Server,
    _dir: TempDir,
}

impl Kannel {
    fn start_or_skip() -> Result<Option<Self>> {
        if !second_ring("Debian's kannel") {
            return Ok(None);
        }
        let carrier = Carrier::default();
        let dir = tempfile::Builder::new().prefix("quarterdeck-kannel-").tempdir()?;
        let [admin, inner, outer] = free_ports(3)?[..] else { anyhow::bail!("three ports") };
        let config = format!(
            "group = core\nadmin-port = {admin}\nadmin-interface = 127.0.0.1\nadmin-password = admin\n\
             smsbox-port = {inner}\nsmsbox-interface = 127.0.0.1\nbox-allow-ip = 127.0.0.1\n\
             dlr-storage = internal\n\n\
             group = smsc\nsmsc = smpp\nsmsc-id = carrier\nhost = 127.0.0.1\nport = {}\n\
             smsc-username = lab\nsmsc-password = lab\nsystem-type = \"lab\"\ntransceiver-mode = true\n\
             source-addr-autodetect = true\n\n\
             group = smsbox\nbearerbox-host = 127.0.0.1\nsendsms-port = {outer}\n\
             sendsms-interface = 127.0.0.1\n\n\
             group = sendsms-user\nusername = ic\npassword = hunter2-marked\nmax-messages = 10\n\
             concatenation = true\n\n\
             group = sms-service\nkeyword = default\ntext = \"-\"\nmax-messages = 0\n",
            carrier.listen()?
        );
        let path = dir.path().join("kannel.conf");
        std::fs::write(&path, config)?;
        let start = |name: &str| {
            let program =
                find_program(name).context("Kannel is missing; tests/run --full installs it")?;
            Server::start(name, program, vec![path.display().to_string()], dir.path())
        };
        let bearerbox = start("bearerbox")?;
        eventually("the bearerbox listens", PATIENCE, || {
            TcpStream::connect(("127.0.0.1", inner)).context(bearerbox.log_tail()).map(drop)
        })?;
        let smsbox = start("smsbox")?;
        eventually("the smsbox listens", PATIENCE, || {
            TcpStream::connect(("127.0.0.1", outer)).context(smsbox.log_tail()).map(drop)
        })?;
        let base = format!("http://127.0.0.1:{outer}");
        Ok(Some(Self { carrier, base, smsbox, _bearerbox: bearerbox, _dir: dir }))
    }

    fn way(&self, password: &str) -> Way {
        let endpoint = with_password(&self.base, "ic", password);
        let endpoint = Endpoint { timeout: Span::from_secs(10), ..endpoint };
        Way::Kannel { endpoint, from: FROM.into() }
    }

    fn wait_for(&self, count: usize) -> Result<Vec<(String, String)>> {
        eventually("the carrier has every part", PATIENCE, || {
            let parts = self.carrier.0.lock().unwrap().len();
            ensure!(parts >= count, "{parts} of {count}: {}", self.smsbox.log_tail());
            Ok(())
        })?;
        Ok(self.carrier.messages())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_number_gets_the_whole_text_once() -> Result<()> {
    let Some(mut kannel) = Kannel::start_or_skip()? else { return Ok(()) };
    let sms = outlet(kannel.way("hunter2-marked"), &BOTH);
    let plain = {
        let mut message = update("Error rate {5m} is 40% & rising @ checkout_v2");
        message.subject = SafeText::new("SEV-1 checkout");
        message
    };
    let taken = sms.perform(&send(&plain), KEY).await;
    assert_eq!(receipt(&taken), "0: Accepted for delivery");
    let text = format!("{}\n\n{} {MARK}", plain.subject, plain.body);
    let to = |text: &str| BOTH.map(|number| (number.to_owned(), text.to_owned())).to_vec();
    assert_eq!(kannel.wait_for(2)?, to(&text), "one part each, in the carriers' alphabet");
    assert!(kannel.carrier.0.lock().unwrap().iter().all(|part| part.coding == 0));
    // It keeps nothing, so a lost answer stays lost.
    assert_eq!(word(&sms.look_back(&send(&plain), KEY).await), "unknown");

    // Letters carriers lack: UCS-2, in parts that are put together again on the phone.
    kannel.carrier.0.lock().unwrap().clear();
    let message = update(HOSTILE);
    assert_eq!(word(&sms.perform(&send(&message), KEY).await), "received");
    let text = format!("{}\n\n{} {MARK}", message.subject, message.body);
    let units = text.encode_utf16().count();
    // 67 letters fit beside the mark that says which part it is.
    assert_eq!(kannel.wait_for(2 * units.div_ceil(67))?, to(&text));

    let refused = outlet(kannel.way("wrong"), &BOTH).perform(&send(&plain), KEY).await;
    let Outcome::Refused { why } = &refused else { panic!("{refused:?}") };
    assert_eq!(&**why, "The gateway refused it (403): Authorization failed for sendsms.");
    assert_eq!(
        word(&outlet(kannel.way("hunter2-marked"), &[]).perform(&send(&plain), KEY).await),
        "refused"
    );

    kannel.smsbox.kill()?;
    let dead = sms.perform(&send(&plain), KEY).await;
    assert_eq!(word(&dead), "later", "{dead:?}");
    assert!(!format!("{refused:?}{dead:?}").contains("hunter2"));
    Ok(())
}
