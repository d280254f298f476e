//! Signing through a running SSH agent, also one forwarded from another host: two messages of its protocol.
//!
//! Every conversation has a deadline and a thread of its own, so that an agent that hangs, or waits for
//! somebody to confirm, never holds up more than the entry it was asked to sign.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use super::signer::KeyError;

/// How long an agent may take; then the entry is not saved and its draft stays.
const DEADLINE: Duration = Duration::from_secs(5);
/// No answer is longer.
const MOST_BYTES: usize = 256 * 1024;

const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGNED: u8 = 14;
const KIND: &[u8] = b"ssh-ed25519";

/// An agent, by its socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Agent {
    socket: PathBuf,
}

impl Agent {
    pub(super) fn at(socket: &Path) -> Self {
        Self { socket: socket.to_owned() }
    }

    /// The Ed25519 keys it holds.
    pub(super) fn keys(&self) -> Result<Vec<[u8; 32]>, KeyError> {
        let answer = self.ask(vec![REQUEST_IDENTITIES])?;
        let (kind, mut rest) = answer.split_first().ok_or(KeyError::AgentGarbled)?;
        if *kind != IDENTITIES {
            return Err(KeyError::AgentRefused);
        }
        let count = number(&mut rest)?;
        let mut keys = Vec::new();
        for _ in 0..count {
            let mut blob = string(&mut rest)?;
            let _comment = string(&mut rest)?;
            if string(&mut blob)? == KIND {
                let key = string(&mut blob)?;
                keys.push(key.try_into().map_err(|_| KeyError::AgentGarbled)?);
            }
        }
        Ok(keys)
    }

    /// Its signature over `data`; whether it is true is for the caller to check.
    pub(super) fn sign(&self, key: &[u8; 32], data: &[u8]) -> Result<[u8; 64], KeyError> {
        let mut blob = Vec::new();
        put(&mut blob, KIND);
        put(&mut blob, key);
        let mut message = vec![SIGN_REQUEST];
        put(&mut message, &blob);
        put(&mut message, data);
        message.extend(0_u32.to_be_bytes());
        let answer = self.ask(message)?;
        let (kind, mut rest) = answer.split_first().ok_or(KeyError::AgentGarbled)?;
        if *kind != SIGNED {
            return Err(KeyError::AgentRefused);
        }
        let mut signature = string(&mut rest)?;
        if string(&mut signature)? != KIND {
            return Err(KeyError::AgentGarbled);
        }
        string(&mut signature)?.try_into().map_err(|_| KeyError::AgentGarbled)
    }

    fn ask(&self, message: Vec<u8>) -> Result<Vec<u8>, KeyError> {
        let (answer, answered) = mpsc::channel();
        let socket = self.socket.clone();
        std::thread::Builder::new()
            .name("ssh-agent".into())
            .spawn(move || answer.send(converse(&socket, &message)))
            .map_err(|_| KeyError::AgentSilent)?;
        match answered.recv_timeout(DEADLINE) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(e)) => Err(match e.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => KeyError::AgentSilent,
                io::ErrorKind::InvalidData => KeyError::AgentGarbled,
                _ => KeyError::AgentGone,
            }),
            Err(_) => Err(KeyError::AgentSilent),
        }
    }
}

fn converse(socket: &Path, message: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.set_write_timeout(Some(DEADLINE))?;
    let mut framed = Vec::with_capacity(message.len() + 4);
    put(&mut framed, message);
    stream.write_all(&framed)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > MOST_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

fn put(message: &mut Vec<u8>, part: &[u8]) {
    message.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
    message.extend_from_slice(part);
}

fn number(rest: &mut &[u8]) -> Result<u32, KeyError> {
    let (number, after) = rest.split_first_chunk().ok_or(KeyError::AgentGarbled)?;
    *rest = after;
    Ok(u32::from_be_bytes(*number))
}

fn string<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], KeyError> {
    let length = usize::try_from(number(rest)?).map_err(|_| KeyError::AgentGarbled)?;
    let (string, after) = rest.split_at_checked(length).ok_or(KeyError::AgentGarbled)?;
    *rest = after;
    Ok(string)
}
