//! Exchanging the master key while everything goes on.
//!
//! 1. A newer key is there durably: made here, or given by whoever opens the store.
//! 2. One commit names it in the header. From then on it seals; the one before becomes a former key.
//! 3. What is sealed with former keys is sealed anew, a few values a commit, together with how far that has come:
//!    a crash anywhere goes on from there. Nobody else can seal with a former key meanwhile, since whatever seals what
//!    is kept does so inside a commit, and commits come one after the other.
//! 4. A former key that nothing is sealed with opens page tokens for a while, and is then removed.
//!
//! Step 2 is taken by the same call whether the newer key was just made, given at a start, or left by a crash after
//! step 1. Only the metadata of keys is told to anybody.

use std::collections::BTreeMap;
use std::time::Duration;

use lever::Timestamp;

use crate::backup;
use crate::draft::Draft;
use crate::error::{Error, ErrorKind};
use crate::format::{FormerKey, FormerKeys, Header, SealPlace, key};
use crate::key_files;
use crate::ring::Ring;
use crate::seal::MasterKeyId;
use crate::sealed::{self, SEALED, SealedValue};
use crate::store::{Store, join_blocking};
use crate::table::{Table, Tables};

/// How long a former key opens page and resume tokens: as long as the changes they lead to are kept.
const TOKENS_LIVE: Duration = Duration::from_secs(7 * 24 * 3600);
/// How many values one commit seals anew, so that no other waits for long.
const STEP: usize = 16;

/// The master keys of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterKeys {
    /// The one that seals.
    pub present: MasterKeyId,
    /// Whether the keys were given when the store was opened; else they are files in its folder.
    pub given: bool,
    /// How many values are sealed.
    pub sealed: u64,
    /// How many of them are sealed with the present key.
    pub sealed_with_present: u64,
    /// Whether the others are being sealed anew. Those that are left where it has ended do not open: they are damaged.
    pub underway: bool,
    /// Those of before that are still kept, the latest first.
    pub former: Vec<FormerMasterKey>,
}

/// A master key of before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerMasterKey {
    /// Its id.
    pub id: MasterKeyId,
    /// When it stopped sealing.
    pub retired_at: Timestamp,
    /// When it is removed; none while something may be sealed with it.
    pub removed_at: Option<Timestamp>,
    /// How many values are sealed with it.
    pub sealed: u64,
}

impl MasterKeys {
    /// How many values are yet to be sealed with the present key.
    pub fn remaining(&self) -> u64 {
        self.sealed - self.sealed_with_present
    }
}

/// How re-sealing stands after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resealing {
    /// There is nothing to do.
    Idle,
    /// A newer key seals from now on.
    Begun,
    /// More is to be done.
    Underway,
    /// Nothing at rest is sealed with a former key any more.
    Ended,
    /// All was gone through, but some values do not open: they were damaged before.
    Stuck {
        /// How many.
        values: u64,
    },
}

impl Store {
    /// Makes a newer master key, durably, and lets it seal from now on; [`Store::reseal`] does the rest.
    ///
    /// While an exchange is under way its state is told, and no key is made.
    ///
    /// # Errors
    /// [`ErrorKind::KeysGiven`] when the keys are not files of the store,
    /// [`ErrorKind::DiskFull`], [`ErrorKind::Io`].
    pub async fn rotate_master_key(&self, now: Timestamp) -> Result<MasterKeys, Error> {
        let _alone = self.key_files().lock().await;
        if self.former_keys()?.place.is_some() {
            return self.master_keys().await;
        }
        if self.keys_given() {
            let message = "the master keys are given from outside: exchange them there";
            return Err(Error::new(ErrorKind::KeysGiven, message));
        }
        self.space().check_write()?;
        let (directory, ring) = (self.directory().clone(), self.ring().clone());
        join_blocking(move || {
            let key = key_files::make_newer(&directory, &ring.present())?;
            ring.add_newest(key);
            Ok(())
        })
        .await?;
        self.seal_with_newest(now).await?;
        self.master_keys().await
    }

    /// Goes on with exchanging the master key by one short commit; ask until it says that there is nothing to do.
    ///
    /// # Errors
    /// As every write.
    pub async fn reseal(&self, now: Timestamp) -> Result<Resealing, Error> {
        if self.seal_with_newest(now).await? {
            return Ok(Resealing::Begun);
        }
        let former = self.former_keys()?;
        if former.place.is_some() {
            let ring = self.ring().clone();
            self.commit(move |draft| step(draft, &ring)).await?;
            return Ok(Resealing::Underway);
        }
        if former.keys.iter().all(|key| key.cleared) {
            return Ok(Resealing::Idle);
        }
        match self.master_keys().await?.remaining() {
            0 => self.commit(clear).await.map(|()| Resealing::Ended),
            values => Ok(Resealing::Stuck { values }),
        }
    }

    /// Removes the former keys that nothing is sealed with and whose tokens have lived long enough; gives their ids.
    ///
    /// # Errors
    /// As every write, and [`ErrorKind::Io`].
    pub async fn remove_former_keys(&self, now: Timestamp) -> Result<Vec<MasterKeyId>, Error> {
        let _alone = self.key_files().lock().await;
        let over: Vec<MasterKeyId> = self
            .former_keys()?
            .keys
            .iter()
            .filter(|key| removed_at(key).is_some_and(|at| at <= now))
            .map(|key| key.id)
            .collect();
        if over.is_empty() {
            return Ok(over);
        }
        // The files go first: what is still named but gone is needed by nothing, what is not named stays for ever.
        if !self.keys_given() {
            let (directory, over) = (self.directory().clone(), over.clone());
            join_blocking(move || {
                over.iter()
                    .try_for_each(|id| key_files::remove(&directory, *id))
            })
            .await?;
        }
        let gone = over.clone();
        self.commit(move |draft| forget(draft, &gone)).await?;
        over.iter().for_each(|id| self.ring().forget(*id));
        Ok(over)
    }

    /// Tells which master keys there are, and how much is sealed with each.
    ///
    /// # Errors
    /// As every read.
    pub async fn master_keys(&self) -> Result<MasterKeys, Error> {
        let given = self.keys_given();
        self.read(move |tables| {
            let (present, former) = (header(tables)?.key_id, FormerKeys::stored(tables)?);
            let counts = count(tables)?;
            let with = |id: MasterKeyId| counts.get(&Some(id)).copied().unwrap_or_default();
            let remaining = counts.values().sum::<u64>() - with(present);
            let open_end = former.keys.iter().any(|key| !key.cleared) && remaining == 0;
            let told = |key: &FormerKey| FormerMasterKey {
                id: key.id,
                retired_at: key.retired_at,
                removed_at: removed_at(key),
                sealed: with(key.id),
            };
            Ok(MasterKeys {
                present,
                given,
                sealed: counts.values().sum(),
                sealed_with_present: with(present),
                underway: former.place.is_some() || open_end,
                former: former.keys.iter().map(told).collect(),
            })
        })
        .await
    }

    /// Lets the newest key seal, if another one does; tells whether that was so.
    async fn seal_with_newest(&self, now: Timestamp) -> Result<bool, Error> {
        if self.ring().newest() == self.ring().present().id() {
            return Ok(false);
        }
        let ring = self.ring().clone();
        self.commit(move |draft| seal_with_newest(draft, &ring, now))
            .await
    }

    fn former_keys(&self) -> Result<FormerKeys, Error> {
        FormerKeys::stored(self.tables())
    }
}

impl FormerKeys {
    pub(crate) fn stored(tables: &Tables) -> Result<FormerKeys, Error> {
        let stored = tables.get(Table::Meta, key::FORMER_KEYS)?;
        Ok(stored.unwrap_or_default())
    }

    /// The keys without which something kept could not be opened.
    pub(crate) fn needed(&self) -> impl Iterator<Item = MasterKeyId> {
        let needed = self.keys.iter().filter(|key| !key.cleared);
        needed.map(|key| key.id)
    }

    /// Whether it names a key.
    pub(crate) fn names(&self, id: MasterKeyId) -> bool {
        self.keys.iter().any(|key| key.id == id)
    }

    fn put(&self, draft: &mut Draft<'_>) {
        draft.put(Table::Meta, key::FORMER_KEYS.to_vec(), self);
    }
}

fn header(tables: &Tables) -> Result<Header, Error> {
    tables
        .get(Table::Meta, key::HEADER)?
        .ok_or_else(|| Error::corrupt(Table::Meta))
}

fn removed_at(key: &FormerKey) -> Option<Timestamp> {
    key.cleared.then(|| key.retired_at.plus(TOKENS_LIVE))
}

/// How many values are sealed with which key.
fn count(tables: &Tables) -> Result<BTreeMap<Option<MasterKeyId>, u64>, Error> {
    let mut counts = BTreeMap::new();
    for table in SEALED {
        for entry in sealed::entries(tables, table, &[]) {
            let key = match SealedValue::of(tables, table, entry?) {
                Ok(None) => continue,
                Ok(Some(value)) => value.key(),
                Err(error) if *error.kind() == ErrorKind::Corrupt => None,
                Err(error) => return Err(error),
            };
            *counts.entry(key).or_default() += 1;
        }
    }
    Ok(counts)
}

/// Names the newest key in the header, and the one before among the former ones.
fn seal_with_newest(draft: &mut Draft<'_>, ring: &Ring, now: Timestamp) -> Result<bool, Error> {
    let newest = ring.newest();
    let header = header(draft.tables())?;
    if header.key_id == newest {
        return Ok(false);
    }
    let mut former = FormerKeys::stored(draft.tables())?;
    // A key that comes back is none of the former ones.
    former.keys.retain(|key| key.id != newest);
    let before = FormerKey {
        id: header.key_id,
        retired_at: now,
        cleared: false,
    };
    former.keys.insert(0, before);
    former.place = Some(SealPlace::default());
    former.put(draft);
    let key_id = newest;
    draft.put(
        Table::Meta,
        key::HEADER.to_vec(),
        &Header { key_id, ..header },
    );
    ring.seal_with_newest();
    Ok(true)
}

/// Seals the next values anew, and moves the place behind them.
fn step(draft: &mut Draft<'_>, ring: &Ring) -> Result<(), Error> {
    let mut former = FormerKeys::stored(draft.tables())?;
    let Some(SealPlace { table, after }) = former.place.take() else {
        return Ok(());
    };
    former.place = match SEALED.get(table as usize) {
        // Snapshots of before need the key that is about to go.
        None => {
            backup::outdate(draft)?;
            None
        }
        Some(sealed) => Some(match reseal_after(draft, ring, *sealed, &after)? {
            Some(after) => SealPlace { table, after },
            None => SealPlace {
                table: table + 1,
                after: Vec::new(),
            },
        }),
    };
    former.put(draft);
    Ok(())
}

/// Seals values of a table anew; gives the key to go on after, none at its end.
fn reseal_after(
    draft: &mut Draft<'_>,
    ring: &Ring,
    table: Table,
    after: &[u8],
) -> Result<Option<Vec<u8>>, Error> {
    let tables = draft.tables();
    let mut last = None;
    for (number, entry) in (1..).zip(sealed::entries(tables, table, after)) {
        let entry = entry?;
        let key = entry.0.clone();
        if let Some(value) = readable(SealedValue::of(tables, table, entry))? {
            reseal(draft, ring, table, key.clone(), value)?;
        }
        if number == STEP {
            last = Some(key);
            break;
        }
    }
    Ok(last)
}

/// A value that is damaged is nobody's any more; it must not keep the others from being sealed anew.
fn readable<T>(read: Result<Option<T>, Error>) -> Result<Option<T>, Error> {
    match read {
        Err(error) => match error.kind() {
            ErrorKind::Corrupt | ErrorKind::Unsealed | ErrorKind::KeyRemoved => Ok(None),
            _ => Err(error),
        },
        read => read,
    }
}

fn reseal(
    draft: &mut Draft<'_>,
    ring: &Ring,
    table: Table,
    key: Vec<u8>,
    value: SealedValue,
) -> Result<(), Error> {
    if value.key() == Some(ring.present().id()) {
        return Ok(());
    }
    readable(value.put_sealed_anew(draft, ring, table, key).map(Some)).map(drop)
}

/// Notes that nothing is sealed with the former keys any more.
fn clear(draft: &mut Draft<'_>) -> Result<(), Error> {
    let mut former = FormerKeys::stored(draft.tables())?;
    // One that became a former key in the meantime was not looked at.
    if former.place.is_none() {
        former.keys.iter_mut().for_each(|key| key.cleared = true);
        former.put(draft);
    }
    Ok(())
}

fn forget(draft: &mut Draft<'_>, gone: &[MasterKeyId]) -> Result<(), Error> {
    let mut former = FormerKeys::stored(draft.tables())?;
    former
        .keys
        .retain(|key| !(key.cleared && gone.contains(&key.id)));
    former.put(draft);
    Ok(())
}
