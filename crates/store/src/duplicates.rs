//! Keys that several people have: where the search for duplicates begins (X2).
//!
//! The index of identity keys is sorted by digest, so that all who have one key lie side by side, and one walk over it
//! meets every key that is shared. What the index tells is checked against the candidacies, as everywhere.

use std::collections::{BTreeMap, BTreeSet, HashMap};

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
/// People that one call gives, so that its answer is bounded; the last key may bring as many again.
const MOST_PEOPLE: usize = 2_000;

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

/// A key that several people have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedKey {
    /// Which key.
    pub mark: KeyMark,
    /// Two people or more; of each the first of the opportunities that have it. At most 1,000 opportunities are
    /// followed.
    pub people: BTreeMap<ContactId, OpportunityId>,
}

/// A stretch of the keys that several people have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SharedKeys {
    /// In the order of their marks.
    pub keys: Vec<SharedKey>,
    /// Where to go on; none at the end.
    pub next: Option<KeyMark>,
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
    /// Finds up to `limit` keys that several people have, from a mark on; fewer where they are of very many people.
    ///
    /// Opportunities that name no person are passed over, confidential ones unless they are asked for.
    ///
    /// # Errors
    /// As every read.
    pub async fn shared_keys(
        &self,
        connection: ConnectionId,
        from: KeyMark,
        confidential: bool,
        limit: usize,
    ) -> Result<SharedKeys, Error> {
        self.read(move |tables| {
            let mut entries = entries_from(tables, connection, from.0)?.peekable();
            let (mut shared, mut people) = (SharedKeys::default(), 0);
            while let Some(first) = entries.next() {
                let (digest, first) = first?;
                let same = |entry: &Result<IdentityEntry, Error>| {
                    entry.as_ref().is_ok_and(|(next, _)| *next == digest)
                };
                let mut ids = vec![first];
                while let Some(Ok((_, id))) = entries.next_if(same) {
                    if ids.len() < MOST_FOLLOWED {
                        ids.push(id);
                    }
                }
                if ids.len() < 2 {
                    continue;
                }
                let having = people_of(tables, connection, &digest, &ids, confidential)?;
                if having.len() < 2 {
                    continue;
                }
                people += having.len();
                shared.keys.push(SharedKey {
                    mark: KeyMark(digest),
                    people: having,
                });
                if shared.keys.len() >= limit || people >= MOST_PEOPLE {
                    shared.next = KeyMark(digest).next();
                    break;
                }
            }
            Ok(shared)
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

/// Who has a key, among the opportunities that the index names.
fn people_of(
    tables: &Tables,
    connection: ConnectionId,
    digest: &KeyDigest,
    ids: &[Vec<u8>],
    confidential: bool,
) -> Result<BTreeMap<ContactId, OpportunityId>, Error> {
    let mut people = BTreeMap::new();
    for id in ids {
        let id = unpack(id).ok_or_else(|| Error::corrupt(Table::IdentityLeaves))?;
        let Some(Indexed { candidacy, keys }) = indexed(tables, connection, &id.into())? else {
            continue;
        };
        let shown = confidential || !candidacy.confidential;
        let has = keys.is_some_and(|keys| keys.contains(digest));
        if let (true, true, Some(contact)) = (shown, has, candidacy.contact) {
            people.entry(contact).or_insert(candidacy.opportunity);
        }
    }
    Ok(people)
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
