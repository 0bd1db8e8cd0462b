//! Keys that several people have: where the search for duplicates begins (X2).
//!
//! The index of identity keys is sorted by digest, so that all who have one key lie side by side, and one walk over it
//! meets every key that is shared. What the index tells is checked against the candidacies, as everywhere.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::iter::Peekable;

use domain::identity::IdentityKey;
use domain::{Candidacy, ConnectionId};
use lever::{ContactId, OpportunityId};

use crate::candidacies::of_contact;
use crate::error::Error;
use crate::format::{IdentityEntry, Indexed, KeyDigest, key, unpack};
use crate::identities::{MOST_OF_A_PERSON, entries_from};
use crate::store::Store;
use crate::table::{Table, Tables};

/// Opportunities that one key is followed to.
const MOST_FOLLOWED: usize = 1_000;
/// People of each shared key that a walk names.
const NAMED: usize = 3;
/// What reading a candidacy costs, beside an entry of the index that is passed over.
const READING: usize = 15;

/// What stands for an identity key of one connection; nobody can tell the key from it.
///
/// Their order is nobody's, but stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyMark(KeyDigest);

impl KeyMark {
    /// From its bytes.
    pub fn from_bytes(bytes: [u8; 12]) -> KeyMark {
        KeyMark(bytes)
    }

    /// Its bytes.
    pub fn to_bytes(self) -> [u8; 12] {
        self.0
    }

    /// The next one there can be; none after the last.
    fn next(self) -> Option<KeyMark> {
        let mut next = self.0;
        for byte in next.iter_mut().rev() {
            *byte = byte.wrapping_add(1);
            if *byte != 0 {
                return Some(KeyMark(next));
            }
        }
        None
    }
}

/// How far one step of a walk over the keys goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Whether confidential people count.
    pub confidential: bool,
    /// How many keys it finds at most.
    pub keys: usize,
    /// The work after which it ends: passing over an entry of the index is 1, reading a candidacy 15. One key is looked
    /// at in any case.
    pub work: usize,
}

/// A key that several people have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedKey {
    /// Which key.
    pub mark: KeyMark,
    /// Two or three of them; of each the first of the opportunities that have it. [`Store::people_with`] tells all.
    pub people: BTreeMap<ContactId, OpportunityId>,
}

/// A stretch of the keys that several people have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SharedKeys {
    /// In the order of their marks.
    pub keys: Vec<SharedKey>,
    /// Where to go on; none at the end.
    pub next: Option<KeyMark>,
    /// The work that it took.
    pub work: usize,
}

/// An opportunity, and what its person is recognized by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognized {
    /// The opportunity.
    pub candidacy: Candidacy,
    /// By what.
    pub marks: BTreeSet<KeyMark>,
}

impl Store {
    /// Finds keys that several people have, from a mark on, as far as the reach goes; keys that are not `wanted` are
    /// passed over.
    ///
    /// Opportunities that name no person are passed over, confidential ones unless they are asked for.
    ///
    /// # Errors
    /// As every read.
    pub async fn shared_keys(
        &self,
        connection: ConnectionId,
        from: KeyMark,
        reach: Reach,
        wanted: impl Fn(KeyMark) -> bool + Send + 'static,
    ) -> Result<SharedKeys, Error> {
        self.read(move |tables| {
            let mut entries = entries_from(tables, connection, from.0)?.peekable();
            let mut shared = SharedKeys::default();
            let mut ids = Vec::new();
            while let Some(first) = entries.next() {
                let (digest, first) = first?;
                let mark = KeyMark(digest);
                shared.work += 1 + having(&mut entries, &digest, first, &mut ids);
                if ids.len() > 1 && wanted(mark) {
                    let mut people = People::of(tables, connection, &digest);
                    people.read(&ids, reach.confidential, NAMED)?;
                    shared.work += people.read * READING;
                    if people.found.len() > 1 {
                        let people = people.found;
                        shared.keys.push(SharedKey { mark, people });
                    }
                }
                if shared.keys.len() >= reach.keys || shared.work >= reach.work {
                    shared.next = mark.next();
                    break;
                }
            }
            Ok(shared)
        })
        .await
    }

    /// Everybody who has a key, with the first of the opportunities of each that have it; at most 1,000 opportunities
    /// are followed.
    ///
    /// # Errors
    /// As every read.
    pub async fn people_with(
        &self,
        connection: ConnectionId,
        mark: KeyMark,
        confidential: bool,
    ) -> Result<BTreeMap<ContactId, OpportunityId>, Error> {
        self.read(move |tables| {
            let mut entries = entries_from(tables, connection, mark.0)?.peekable();
            let mut people = People::of(tables, connection, &mark.0);
            let first = entries.next().transpose()?;
            if let Some((_, first)) = first.filter(|(digest, _)| *digest == mark.0) {
                let mut ids = Vec::new();
                having(&mut entries, &mark.0, first, &mut ids);
                people.read(&ids, confidential, usize::MAX)?;
            }
            Ok(people.found)
        })
        .await
    }

    /// Reads all that people have, at most 1,000 opportunities of each, in the order of their ids.
    ///
    /// # Errors
    /// As every read.
    pub async fn recognized(
        &self,
        connection: ConnectionId,
        contacts: BTreeSet<ContactId>,
    ) -> Result<HashMap<ContactId, Vec<Recognized>>, Error> {
        self.read(move |tables| {
            let mut people = HashMap::new();
            for contact in contacts {
                let (_present, ids) = of_contact(tables, connection, &contact, MOST_OF_A_PERSON)?;
                let mut all = Vec::new();
                for id in ids {
                    let indexed = indexed(tables, connection, &id)?;
                    all.extend(indexed.map(|Indexed { candidacy, keys }| Recognized {
                        candidacy,
                        marks: keys.into_iter().flatten().map(KeyMark).collect(),
                    }));
                }
                people.insert(contact, all);
            }
            Ok(people)
        })
        .await
    }

    /// What stands for an identity key.
    ///
    /// # Errors
    /// As every read.
    pub fn mark(&self, connection: ConnectionId, key: &IdentityKey) -> Result<KeyMark, Error> {
        let digester = self.tables().digester()?;
        Ok(KeyMark(digester.digest(connection, key)))
    }
}

fn indexed(
    tables: &Tables,
    connection: ConnectionId,
    id: &OpportunityId,
) -> Result<Option<Indexed>, Error> {
    tables.get(Table::Candidacies, &key::candidacy(connection, id)?)
}

/// Takes the packed ids of all that have a key, of which the first has been met, 1,000 at most; gives how many more
/// entries those were.
fn having(
    entries: &mut Peekable<impl Iterator<Item = Result<IdentityEntry, Error>>>,
    digest: &KeyDigest,
    first: Vec<u8>,
    ids: &mut Vec<Vec<u8>>,
) -> usize {
    ids.clear();
    ids.push(first);
    let same =
        |entry: &Result<IdentityEntry, Error>| entry.as_ref().is_ok_and(|(next, _)| next == digest);
    let mut met = 0;
    while let Some(Ok((_, id))) = entries.next_if(same) {
        met += 1;
        if ids.len() < MOST_FOLLOWED {
            ids.push(id);
        }
    }
    met
}

/// Who has a key, among the opportunities that the index names.
struct People<'t> {
    tables: &'t Tables,
    connection: ConnectionId,
    digest: &'t KeyDigest,
    found: BTreeMap<ContactId, OpportunityId>,
    /// How many candidacies were read.
    read: usize,
}

impl<'t> People<'t> {
    fn of(tables: &'t Tables, connection: ConnectionId, digest: &'t KeyDigest) -> People<'t> {
        People {
            tables,
            connection,
            digest,
            found: BTreeMap::new(),
            read: 0,
        }
    }

    /// Reads one opportunity after the other, until so many people are found.
    fn read(&mut self, ids: &[Vec<u8>], confidential: bool, most: usize) -> Result<(), Error> {
        for id in ids {
            if self.found.len() >= most {
                break;
            }
            let id = unpack(id).ok_or_else(|| Error::corrupt(Table::IdentityLeaves))?;
            self.read += 1;
            let indexed = indexed(self.tables, self.connection, &id.into())?;
            let Some(Indexed { candidacy, keys }) = indexed else {
                continue;
            };
            let shown = confidential || !candidacy.confidential;
            let has = keys.is_some_and(|keys| keys.contains(self.digest));
            if let (true, true, Some(contact)) = (shown, has, candidacy.contact) {
                self.found.entry(contact).or_insert(candidacy.opportunity);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_counted_through_to_the_last() {
        let mut bytes = [0; 12];
        bytes[10..].copy_from_slice(&[7, 255]);
        let next = KeyMark::from_bytes(bytes).next().unwrap().to_bytes();
        assert_eq!(next[..10], [0; 10]);
        assert_eq!(next[10..], [8, 0]);
        assert_eq!(KeyMark::from_bytes([255; 12]).next(), None);
    }
}
