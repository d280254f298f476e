//! Signing and checking in the SSHSIG form, so that `ssh-keygen -Y verify` can check a record too.

use std::fmt;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use ed25519_dalek::{Signer as _, SigningKey};
use serde::{Deserialize, Serialize};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::public::{Ed25519PublicKey, KeyData};
use ssh_key::{Algorithm, Fingerprint, HashAlg, LineEnding, PrivateKey, PublicKey, SshSig};

use super::agent::Agent;

/// What signatures are about; the same key signing a git commit can never pass for a record.
pub const NAMESPACE: &str = "quarterdeck-record@v1";

/// SHA-256 fingerprint of a public key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct KeyId(pub [u8; 32]);

/// Prints as OpenSSH does: `SHA256:…`.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Fingerprint::Sha256(self.0).fmt(f)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl KeyId {
    fn of(key: &KeyData) -> Self {
        Self(Fingerprint::new(HashAlg::Sha256, key).sha256().unwrap_or_default())
    }

    /// Reads a fingerprint as OpenSSH prints it.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<Fingerprint>().ok()?.sha256().map(Self)
    }

    /// The fingerprint of a public key as in `id_ed25519.pub`; only of an Ed25519 key.
    pub fn of_public(line: &str) -> Option<Self> {
        let key = PublicKey::from_openssh(line).ok()?;
        matches!(key.key_data(), KeyData::Ed25519(_)).then(|| Self::of(key.key_data()))
    }
}

/// A key that signs records.
#[derive(Clone)]
pub struct Signer {
    how: How,
    public: Ed25519PublicKey,
    id: KeyId,
}

/// Where the private key is.
#[derive(Clone)]
enum How {
    /// As it is kept, and ready to sign: made once, for every entry waits for its signature.
    Here(Arc<(PrivateKey, SigningKey)>),
    Agent(Agent),
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.id)
    }
}

/// Why a key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not an OpenSSH private key.
    #[error("it is not an OpenSSH private key")]
    Unreadable,
    /// Protected by a passphrase.
    #[error("it is protected by a passphrase, which cannot be asked for here")]
    Encrypted,
    /// Another kind than Ed25519.
    #[error("it is not an Ed25519 key")]
    OtherKind,
    /// The operating system gave no randomness, or the key could not be written as text.
    #[error("it could not be made")]
    NotMade,
    /// Nobody answers at the agent's socket.
    #[error("the SSH agent is not there")]
    AgentGone,
    /// The agent took too long.
    #[error("the SSH agent did not answer within 5 seconds")]
    AgentSilent,
    /// The agent would not.
    #[error("the SSH agent would not sign: it is locked, or somebody was asked and said no")]
    AgentRefused,
    /// The agent has no such key, or is locked.
    #[error("the SSH agent does not hold the Ed25519 key, or is locked")]
    AgentLacksKey,
    /// Nobody said which.
    #[error("the SSH agent holds several Ed25519 keys and none is named")]
    AgentHoldsSeveral,
    /// The answer is none, or the signature is not true.
    #[error("the SSH agent did not answer with a signature")]
    AgentGarbled,
}

impl Signer {
    /// A new key from the operating system's randomness.
    pub fn generate() -> Result<Self, KeyError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|_| KeyError::NotMade)?;
        Ok(Self::from_seed(&seed))
    }

    /// The key that belongs to a seed; for tests and demonstrations.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let pair = Ed25519Keypair::from_seed(seed);
        let (public, key) = (pair.public, PrivateKey::from(pair));
        let id = KeyId::of(&KeyData::Ed25519(public));
        Self { how: How::Here(Arc::new((key, SigningKey::from_bytes(seed)))), public, id }
    }

    /// Reads an OpenSSH private key.
    pub fn from_openssh(text: &str) -> Result<Self, KeyError> {
        let key = PrivateKey::from_openssh(text).map_err(|_| KeyError::Unreadable)?;
        if key.is_encrypted() {
            return Err(KeyError::Encrypted);
        }
        match key.key_data() {
            KeypairData::Ed25519(_) => Self::new(key),
            _ => Err(KeyError::OtherKind),
        }
    }

    /// The key an SSH agent holds: the one named, or its only Ed25519 key.
    pub fn from_agent(socket: &Path, wanted: Option<KeyId>) -> Result<Self, KeyError> {
        let agent = Agent::at(socket);
        let keys = agent.keys()?.into_iter().map(Ed25519PublicKey);
        let mut fitting: Vec<Ed25519PublicKey> = keys
            .filter(|key| wanted.is_none_or(|id| id == KeyId::of(&KeyData::Ed25519(*key))))
            .collect();
        let public = fitting.pop().ok_or(KeyError::AgentLacksKey)?;
        if !fitting.is_empty() {
            return Err(KeyError::AgentHoldsSeveral);
        }
        Ok(Self { how: How::Agent(agent), public, id: KeyId::of(&KeyData::Ed25519(public)) })
    }

    fn new(key: PrivateKey) -> Result<Self, KeyError> {
        let KeypairData::Ed25519(pair) = key.key_data() else {
            return Err(KeyError::OtherKind);
        };
        // A file whose two halves do not belong together would sign what nobody could check.
        let ready = SigningKey::try_from(pair).map_err(|_| KeyError::Unreadable)?;
        let (public, id) = (pair.public, KeyId::of(key.public_key().key_data()));
        Ok(Self { how: How::Here(Arc::new((key, ready))), public, id })
    }

    /// As an OpenSSH private key file, wiped from memory when dropped. Never shown, never logged.
    pub fn to_openssh(&self) -> Result<impl Deref<Target = String> + use<>, KeyError> {
        match &self.how {
            How::Here(key) => {
                let mut key = key.0.clone();
                key.set_comment("quarterdeck");
                key.to_openssh(LineEnding::LF).map_err(|_| KeyError::NotMade)
            }
            How::Agent(_) => Err(KeyError::NotMade),
        }
    }

    /// The public key as one line of `authorized_keys` or, behind a name, of an allowed-signers file.
    pub fn public_line(&self) -> String {
        PublicKey::new(KeyData::Ed25519(self.public), "quarterdeck")
            .to_openssh()
            .unwrap_or_default()
    }

    /// Whether signing asks somebody else, who may take their time.
    pub const fn is_slow(&self) -> bool {
        matches!(self.how, How::Agent(_))
    }

    /// Fingerprint.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// Signs.
    pub fn sign(&self, message: &[u8]) -> Result<Signature, KeyError> {
        let data = SshSig::signed_data(NAMESPACE, HashAlg::Sha512, message)
            .map_err(|_| KeyError::NotMade)?;
        let signature: [u8; 64] = match &self.how {
            How::Here(key) => key.1.try_sign(&data).map_err(|_| KeyError::NotMade)?.to_bytes(),
            How::Agent(agent) => agent.sign(&self.public.0, &data)?,
        };
        let signature = Signature([&[ED25519_SHA512][..], &self.public.0, &signature].concat());
        // What an agent on another host says is looked at before it becomes part of the record.
        if self.is_slow() && !signature.verifies(message, self.id) {
            return Err(KeyError::AgentGarbled);
        }
        Ok(signature)
    }
}

/// Form of a stored signature: public key and signature; the rest of the SSHSIG is always the same.
/// Other keys (an agent's, a token's) get other numbers.
const ED25519_SHA512: u8 = 0;

/// A signature as it is stored: form, public key, signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature(Vec<u8>);

impl Signature {
    /// From a record's bytes; whether they are a signature shows when it is checked.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// As stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether there is none.
    pub fn is_missing(&self) -> bool {
        self.0.is_empty()
    }

    /// As `ssh-keygen -Y sign` would have written it.
    pub fn to_pem(&self) -> Option<String> {
        self.sshsig()?.to_pem(LineEnding::LF).ok()
    }

    /// Whether `key` made it over `message`.
    pub fn verifies(&self, message: &[u8], key: KeyId) -> bool {
        self.sshsig().is_some_and(|signature| {
            let public = PublicKey::new(signature.public_key().clone(), "");
            KeyId::of(public.key_data()) == key
                && public.verify(NAMESPACE, message, &signature).is_ok()
        })
    }

    fn sshsig(&self) -> Option<SshSig> {
        let (form, rest) = self.0.split_first()?;
        let (public, signature) = rest.split_at_checked(Ed25519PublicKey::BYTE_SIZE)?;
        let public = Ed25519PublicKey(public.try_into().ok()?);
        let signature = ssh_key::Signature::new(Algorithm::Ed25519, signature).ok()?;
        let sshsig =
            SshSig::new(KeyData::Ed25519(public), NAMESPACE, HashAlg::Sha512, signature).ok()?;
        (*form == ED25519_SHA512).then_some(sshsig)
    }
}
