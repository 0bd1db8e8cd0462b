//! Secrets at rest: XChaCha20-Poly1305 under one master key.
//!
//! A sealed value is `[1][key id 8][nonce 24][ciphertext and tag]`.
//! What it is for is authenticated with it, so a value moved to another row or purpose does not open.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind as IoKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

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

/// Seals and opens values.
pub(crate) struct Sealer {
    cipher: XChaCha20Poly1305,
    key_id: [u8; KEY_ID],
}

impl Sealer {
    pub(crate) fn new(key: &KeyBytes) -> Self {
        let cipher = XChaCha20Poly1305::new((&**key).into());
        let digest = Sha256::new()
            .chain_update("fulcrum master key id")
            .chain_update(**key)
            .finalize();
        let mut key_id = [0; KEY_ID];
        key_id.copy_from_slice(&digest[..KEY_ID]);
        Self { cipher, key_id }
    }

    /// Tells one key from another without revealing it.
    pub(crate) fn key_id(&self) -> [u8; KEY_ID] {
        self.key_id
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
        let sealed = self
            .cipher
            .encrypt(
                &XNonce::from(nonce),
                Payload {
                    msg: plain,
                    aad: &aad,
                },
            )
            .map_err(|_| Error::new(ErrorKind::Invalid, "the value is too long to seal"))?;
        Ok([&[FORMAT][..], &self.key_id, &nonce, &sealed].concat())
    }

    pub(crate) fn unseal(
        &self,
        purpose: &str,
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, Error> {
        self.try_unseal(purpose, context, sealed)
            .ok_or_else(|| Error::new(ErrorKind::Unsealed, "a sealed value does not open"))
    }

    fn try_unseal(&self, purpose: &str, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (format, rest) = sealed.split_first()?;
        let (key_id, rest) = rest.split_first_chunk::<KEY_ID>()?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE>()?;
        if *format != FORMAT || *key_id != self.key_id {
            return None;
        }
        let aad = self.aad(purpose, context);
        self.cipher
            .decrypt(
                &XNonce::from(*nonce),
                Payload {
                    msg: ciphertext,
                    aad: &aad,
                },
            )
            .ok()
    }

    /// The length goes first, so that no two pairs of purpose and context read alike.
    fn aad(&self, purpose: &str, context: &[u8]) -> Vec<u8> {
        let length = (purpose.len() as u64).to_be_bytes();
        [&length[..], purpose.as_bytes(), context, &self.key_id].concat()
    }
}

/// Reads the key file; none when it does not exist.
pub(crate) fn read_key(path: &Path) -> Result<Option<KeyBytes>, Error> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == IoKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot_read(path, error)),
    };
    let metadata = file.metadata().map_err(|error| cannot_read(path, error))?;
    if metadata.mode() & 0o077 != 0 {
        let message = format!(
            "{} can be read by others: run chmod 600 on it",
            path.display()
        );
        return Err(Error::new(ErrorKind::MasterKey, message));
    }
    let mut key = KeyBytes::default();
    if metadata.len() != key.len() as u64 {
        let message = format!(
            "{} is not a master key of 32 bytes: restore it",
            path.display()
        );
        return Err(Error::new(ErrorKind::MasterKey, message));
    }
    file.read_exact(&mut *key)
        .map_err(|error| cannot_read(path, error))?;
    Ok(Some(key))
}

/// Makes a key and its file, readable by its owner only.
pub(crate) fn create_key(path: &Path) -> Result<KeyBytes, Error> {
    let mut key = KeyBytes::default();
    fill_random(&mut *key)?;
    let fresh = path.with_extension("new");
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)
        .and_then(|mut file| file.write_all(&*key).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&fresh, path))
        .map_err(|error| Error::io(format_args!("write {}", path.display()), error))?;
    Ok(key)
}

fn cannot_read(path: &Path, error: std::io::Error) -> Error {
    Error::io(format_args!("read {}", path.display()), error)
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
    use std::os::unix::fs::PermissionsExt;

    fn sealer(byte: u8) -> Sealer {
        Sealer::new(&Zeroizing::new([byte; 32]))
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

    #[test]
    fn a_key_file_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let made = create_key(&path).unwrap();
        assert_eq!(read_key(&path).unwrap().unwrap(), made);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(read_key(&path).unwrap_err().kind(), &ErrorKind::MasterKey);
    }
}
