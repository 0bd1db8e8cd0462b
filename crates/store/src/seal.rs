//! Secrets at rest: XChaCha20-Poly1305 under a master key.
//!
//! A sealed value is `[1][key id 8][nonce 24][ciphertext and tag]`.
//! What it is for is authenticated with it, so a value moved to another row or purpose does not open.
//! Which keys there are, and which of them seals, is the business of the [`ring`](crate::ring).

use std::fmt;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind};

const FORMAT: u8 = 1;
const KEY_ID: usize = 8;
const NONCE: usize = 24;

/// The bytes of a master key.
pub(crate) type KeyBytes = Zeroizing<[u8; 32]>;

/// Tells one master key from another and reveals nothing of it; written as 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MasterKeyId([u8; KEY_ID]);

impl MasterKeyId {
    pub(crate) fn from_bytes(bytes: [u8; KEY_ID]) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; KEY_ID] {
        &self.0
    }

    /// The key that a sealed value names; none for what was never sealed.
    pub(crate) fn named_by(sealed: &[u8]) -> Option<Self> {
        let (format, rest) = sealed.split_first()?;
        let id = rest.first_chunk::<KEY_ID>()?;
        (*format == FORMAT).then_some(Self(*id))
    }
}

impl fmt::Display for MasterKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Seals and opens values with one key.
pub(crate) struct Sealer {
    key: KeyBytes,
    id: MasterKeyId,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").finish_non_exhaustive()
    }
}

impl Sealer {
    pub(crate) fn new(key: KeyBytes) -> Self {
        let digest = Sha256::new()
            .chain_update("fulcrum master key id")
            .chain_update(key.as_slice())
            .finalize();
        let mut id = [0; KEY_ID];
        id.copy_from_slice(&digest[..KEY_ID]);
        Self {
            key,
            id: MasterKeyId(id),
        }
    }

    pub(crate) fn id(&self) -> MasterKeyId {
        self.id
    }

    /// The key itself, for its file.
    pub(crate) fn key(&self) -> &KeyBytes {
        &self.key
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.key).into())
    }

    pub(crate) fn seal(
        &self,
        purpose: &str,
        context: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE];
        fill_random(&mut nonce)?;
        let aad = self.aad(purpose, context);
        let payload = Payload {
            msg: plain,
            aad: &aad,
        };
        let sealed = self
            .cipher()
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Error::new(ErrorKind::Invalid, "the value is too long to seal"))?;
        Ok([&[FORMAT][..], self.id.as_bytes(), &nonce, &sealed].concat())
    }

    pub(crate) fn unseal(
        &self,
        purpose: &str,
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, Error> {
        self.try_unseal(purpose, context, sealed)
            .ok_or_else(does_not_open)
    }

    fn try_unseal(&self, purpose: &str, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        if MasterKeyId::named_by(sealed)? != self.id {
            return None;
        }
        let (nonce, ciphertext) = sealed.get(1 + KEY_ID..)?.split_first_chunk::<NONCE>()?;
        let aad = self.aad(purpose, context);
        let payload = Payload {
            msg: ciphertext,
            aad: &aad,
        };
        self.cipher().decrypt(&XNonce::from(*nonce), payload).ok()
    }

    /// The length goes first, so that no two pairs of purpose and context read alike.
    fn aad(&self, purpose: &str, context: &[u8]) -> Vec<u8> {
        let length = (purpose.len() as u64).to_be_bytes();
        [&length[..], purpose.as_bytes(), context, self.id.as_bytes()].concat()
    }
}

/// A sealed value was altered, moved, or sealed with a key that is not at hand.
pub(crate) fn does_not_open() -> Error {
    Error::new(ErrorKind::Unsealed, "a sealed value does not open")
}

/// Fills with random bytes that nobody can guess.
pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<(), Error> {
    getrandom::fill(bytes).map_err(|error| {
        Error::new(
            ErrorKind::Io,
            "the operating system gives no random numbers",
        )
        .with_source(error.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(byte: u8) -> Sealer {
        Sealer::new(Zeroizing::new([byte; 32]))
    }

    #[test]
    fn a_sealed_value_opens_for_its_purpose_and_context_only() {
        let sealed = sealer(1).seal("api key", b"one", b"secret").unwrap();
        assert_eq!(
            sealer(1).unseal("api key", b"one", &sealed).unwrap(),
            b"secret"
        );
        assert!(sealer(1).unseal("api key", b"two", &sealed).is_err());
        assert!(sealer(1).unseal("api keyo", b"ne", &sealed).is_err());
        assert!(sealer(2).unseal("api key", b"one", &sealed).is_err());
    }

    #[test]
    fn every_flipped_byte_of_a_sealed_value_is_refused() {
        let sealed = sealer(1).seal("p", b"c", b"secret").unwrap();
        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 1;
            let error = sealer(1).unseal("p", b"c", &flipped).unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::Unsealed);
        }
        assert!(sealer(1).unseal("p", b"c", &sealed[..20]).is_err());
    }
}
