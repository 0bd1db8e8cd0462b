//! Which people were told apart: the memory of "not the same person" (X2).
//!
//! A pair is kept under the ids it was told apart by. Whoever is merged into another in Lever since then is that other
//! one, which is worked out when the pairs are read: so the memory follows people, and nothing is rewritten.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use domain::ConnectionId;
use domain::identity::ContactPair;
use lever::{ContactId, Timestamp};

use crate::candidacies::present_contact;
use crate::error::Error;
use crate::format::key;
use crate::store::Store;
use crate::table::{Table, Tables};

/// Who told two people apart, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dismissal {
    /// The caller.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// Remembers that two people are not one; gives who said so first.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) without such a connection, [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for an id that no key can hold.
    pub async fn dismiss(
        &self,
        connection: ConnectionId,
        pair: ContactPair,
        dismissal: Dismissal,
    ) -> Result<Dismissal, Error> {
        self.commit(move |draft| {
            draft.require_connection(connection)?;
            for kept in kept(draft.tables(), connection) {
                let (_key, told_apart, earlier) = kept?;
                if told_apart.as_ref() == Some(&pair) {
                    return Ok(earlier);
                }
            }
            let key = key::dismissal(connection, &pair)?;
            draft.put(Table::Dismissals, key, &dismissal);
            Ok(dismissal)
        })
        .await
    }

    /// Forgets that two people are not one, under whichever ids that was said; false where nobody had.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) without such a connection.
    pub async fn undismiss(
        &self,
        connection: ConnectionId,
        pair: ContactPair,
    ) -> Result<bool, Error> {
        self.commit(move |draft| {
            draft.require_connection(connection)?;
            let mut keys = Vec::new();
            for kept in kept(draft.tables(), connection) {
                let (key, told_apart, _dismissal) = kept?;
                keys.extend((told_apart.as_ref() == Some(&pair)).then_some(key));
            }
            let any = !keys.is_empty();
            for key in keys {
                draft.remove(Table::Dismissals, key);
            }
            Ok(any)
        })
        .await
    }

    /// Reads all pairs of people who were told apart, each by the ids they have now; a pair that Lever has made one
    /// person since is not among them.
    ///
    /// # Errors
    /// As every read.
    pub async fn dismissals(
        &self,
        connection: ConnectionId,
    ) -> Result<HashMap<ContactPair, Dismissal>, Error> {
        self.read(move |tables| {
            let mut pairs = HashMap::new();
            for kept in kept(tables, connection) {
                let (_key, pair, dismissal) = kept?;
                match pair.map(|pair| pairs.entry(pair)) {
                    Some(Entry::Vacant(place)) => drop(place.insert(dismissal)),
                    Some(Entry::Occupied(mut place)) if dismissal.at < place.get().at => {
                        place.insert(dismissal);
                    }
                    _ => {}
                }
            }
            Ok(pairs)
        })
        .await
    }
}

type Kept = (Vec<u8>, Option<ContactPair>, Dismissal);

/// What is kept under which key, with the two people as they are known now; none once they are one.
fn kept(
    tables: &Tables,
    connection: ConnectionId,
) -> impl Iterator<Item = Result<Kept, Error>> + use<'_> {
    let entries = tables.scan(Table::Dismissals, &key::connection(connection));
    entries.filter_map(move |entry| {
        let read = || {
            let (key, value) = entry?;
            let pair = present_pair(tables, connection, &key)?;
            let dismissal = tables.value(Table::Dismissals, Ok((key.clone(), value)))?;
            Ok(dismissal.map(|dismissal| (key, pair, dismissal)))
        };
        read().transpose()
    })
}

fn present_pair(
    tables: &Tables,
    connection: ConnectionId,
    key: &[u8],
) -> Result<Option<ContactPair>, Error> {
    let people = key::dismissal_parts(key);
    let (one, other) = people.ok_or_else(|| Error::corrupt(Table::Dismissals))?;
    let present = |contact: &ContactId| present_contact(tables, connection, contact);
    Ok(ContactPair::new(present(&one)?, present(&other)?))
}
