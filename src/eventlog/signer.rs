//! Signing and checking in the SSHSIG form, so that `ssh-keygen -Y verify` can check a record too.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::public::{Ed25519PublicKey, KeyData};
use ssh_key::{Algorithm, Fingerprint, HashAlg, LineEnding, PrivateKey, PublicKey, SshSig};

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
}

/// A key that signs records.
#[derive(Clone)]
pub struct Signer {
    key: PrivateKey,
    id: KeyId,
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
        Self::new(PrivateKey::from(Ed25519Keypair::from_seed(seed)))
    }

    /// Reads an OpenSSH private key.
    pub fn from_openssh(text: &str) -> Result<Self, KeyError> {
        let key = PrivateKey::from_openssh(text).map_err(|_| KeyError::Unreadable)?;
        if key.is_encrypted() {
            return Err(KeyError::Encrypted);
        }
        match key.key_data() {
            KeypairData::Ed25519(_) => Ok(Self::new(key)),
            _ => Err(KeyError::OtherKind),
        }
    }

    fn new(mut key: PrivateKey) -> Self {
        key.set_comment("quarterdeck");
        Self { id: KeyId::of(key.public_key().key_data()), key }
    }

    /// As an OpenSSH private key file, wiped from memory when dropped. Never shown, never logged.
    pub fn to_openssh(&self) -> Result<impl Deref<Target = String> + use<>, KeyError> {
        self.key.to_openssh(LineEnding::LF).map_err(|_| KeyError::NotMade)
    }

    /// The public key as one line of `authorized_keys` or, behind a name, of an allowed-signers file.
    pub fn public_line(&self) -> String {
        self.key.public_key().to_openssh().unwrap_or_default()
    }

    /// Fingerprint.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// Signs.
    pub fn sign(&self, message: &[u8]) -> Result<Signature, KeyError> {
        let signed =
            self.key.sign(NAMESPACE, HashAlg::Sha512, message).map_err(|_| KeyError::NotMade)?;
        let KeyData::Ed25519(public) = signed.public_key() else {
            return Err(KeyError::OtherKind);
        };
        let parts = [&[ED25519_SHA512][..], public.as_ref(), signed.signature_bytes()];
        Ok(Signature(parts.concat()))
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
