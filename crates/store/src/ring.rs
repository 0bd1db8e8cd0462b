//! The master keys at hand: one of them seals, all of them open.
//!
//! The newest key is the one that is to seal, the present one the one that does: the store's header names it.
//! They differ from the moment a newer key is there until a commit says that it counts (`master_keys`).
//! That commit is made by the committer, and so is every commit that stores something sealed: what such a commit seals
//! is sealed with the key that its store names at that moment.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::error::{Error, ErrorKind};
use crate::seal::{KeyBytes, MasterKeyId, Sealer, does_not_open};

/// The master keys at hand.
pub(crate) struct Ring {
    keys: RwLock<Keys>,
}

struct Keys {
    newest: Arc<Sealer>,
    present: Arc<Sealer>,
    /// All that open something, the two above included.
    all: Vec<Arc<Sealer>>,
}

impl Ring {
    /// A ring of these keys, the newest first, of which `present` seals; none when that is not among them.
    pub(crate) fn new(all: Vec<Arc<Sealer>>, present: MasterKeyId) -> Option<Ring> {
        let newest = all.first()?.clone();
        let present = find(&all, present)?;
        let keys = Keys {
            newest,
            present,
            all,
        };
        Some(Ring {
            keys: RwLock::new(keys),
        })
    }

    /// Seals with the present key.
    pub(crate) fn seal(
        &self,
        purpose: &str,
        context: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let sealer = self.present();
        sealer.seal(purpose, context, plain)
    }

    /// Opens with the key that the value names.
    pub(crate) fn unseal(
        &self,
        purpose: &str,
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let id = MasterKeyId::named_by(sealed).ok_or_else(does_not_open)?;
        let sealer = self.key(id).ok_or_else(key_removed)?;
        sealer.unseal(purpose, context, sealed)
    }

    /// The key that seals.
    pub(crate) fn present(&self) -> Arc<Sealer> {
        self.keys().present.clone()
    }

    /// The key that is to seal.
    pub(crate) fn newest(&self) -> MasterKeyId {
        self.keys().newest.id()
    }

    /// Adds a key that is to seal.
    pub(crate) fn add_newest(&self, key: KeyBytes) {
        let sealer = Arc::new(Sealer::new(key));
        let mut keys = self.keys_mut();
        keys.all.push(sealer.clone());
        keys.newest = sealer;
    }

    /// Lets the newest key seal from here on.
    pub(crate) fn seal_with_newest(&self) {
        let mut keys = self.keys_mut();
        keys.present = keys.newest.clone();
    }

    /// Lets go of a key; the present and the newest one stay.
    pub(crate) fn forget(&self, id: MasterKeyId) {
        let mut keys = self.keys_mut();
        let stay = [keys.present.id(), keys.newest.id()];
        keys.all
            .retain(|sealer| sealer.id() != id || stay.contains(&id));
    }

    fn key(&self, id: MasterKeyId) -> Option<Arc<Sealer>> {
        find(&self.keys().all, id)
    }

    fn keys(&self) -> RwLockReadGuard<'_, Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys_mut(&self) -> RwLockWriteGuard<'_, Keys> {
        self.keys.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key_removed() -> Error {
    let message = "a sealed value names a master key that is not at hand";
    Error::new(ErrorKind::KeyRemoved, message)
}

fn find(sealers: &[Arc<Sealer>], id: MasterKeyId) -> Option<Arc<Sealer>> {
    sealers.iter().find(|sealer| sealer.id() == id).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(byte: u8) -> Arc<Sealer> {
        Arc::new(Sealer::new(KeyBytes::from([byte; 32])))
    }

    #[test]
    fn one_key_seals_and_all_open() {
        let (former, newest) = (sealer(1), sealer(2));
        let ring = Ring::new(vec![newest.clone(), former.clone()], former.id()).unwrap();
        let before = ring.seal("p", b"c", b"a").unwrap();
        assert_eq!(MasterKeyId::named_by(&before), Some(former.id()));
        ring.seal_with_newest();
        let after = ring.seal("p", b"c", b"b").unwrap();
        assert_eq!(MasterKeyId::named_by(&after), Some(newest.id()));
        assert_eq!(ring.unseal("p", b"c", &before).unwrap(), b"a");
        assert_eq!(ring.unseal("p", b"c", &after).unwrap(), b"b");
    }

    #[test]
    fn a_forgotten_key_opens_nothing_and_the_one_that_seals_is_never_forgotten() {
        let (former, newest) = (sealer(1), sealer(2));
        let ring = Ring::new(vec![newest.clone(), former.clone()], former.id()).unwrap();
        let before = ring.seal("p", b"c", b"a").unwrap();
        ring.forget(former.id());
        assert!(ring.unseal("p", b"c", &before).is_ok(), "it seals");
        ring.seal_with_newest();
        ring.forget(former.id());
        let error = ring.unseal("p", b"c", &before).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::KeyRemoved);
        ring.forget(newest.id());
        assert!(ring.seal("p", b"c", b"b").is_ok());
        assert!(Ring::new(vec![newest], former.id()).is_none());
    }
}
