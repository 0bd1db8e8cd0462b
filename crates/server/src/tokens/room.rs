//! How many tokens there may be.
//!
//! Each connection has room of its own, and so have the tokens for all connections: whoever administers some connections
//! cannot fill the service with tokens, nor take the room of others, however it combines what it sees.

use std::collections::HashMap;

use domain::ConnectionId;
use engine::{Error, Result};
use lever::Timestamp;
use store::TokenRecord;

use crate::auth::good;

/// How many tokens that are good may name one connection, and as many none; of those that have ended as many are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub(crate) most: usize,
    pub(crate) now: Timestamp,
}

impl Room {
    /// Refuses a token that there is no room for among all there are.
    ///
    /// # Errors
    /// Failed precondition, which names the limit, and the connection that is meant.
    pub(crate) fn check(self, new: &TokenRecord, all: &[TokenRecord]) -> Result<()> {
        let good = all.iter().filter(|token| good(token, self.now));
        let mut counts: HashMap<Place, usize> = HashMap::new();
        for place in good.flat_map(places) {
            *counts.entry(place).or_default() += 1;
        }
        let is_full = |place: &Place| counts.get(place).is_some_and(|count| *count >= self.most);
        match places(new).find(is_full) {
            Some(place) => Err(self.refusal(place)),
            None => Ok(()),
        }
    }

    /// The hashes of the tokens that have ended and make way for a new one: the oldest of those beside it. `all` has
    /// the oldest first.
    pub(crate) fn surplus(self, new: &TokenRecord, all: &[TokenRecord]) -> Vec<[u8; 32]> {
        let mut counts: HashMap<Place, usize> = places(new).map(|place| (place, 0)).collect();
        let mut is_surplus = |token: &TokenRecord| {
            let mut surplus = false;
            for place in places(token) {
                if let Some(count) = counts.get_mut(&place) {
                    *count += 1;
                    surplus |= *count > self.most;
                }
            }
            surplus
        };
        let newest_first = all.iter().rev();
        let ended = newest_first.filter(|token| !good(token, self.now));
        let surplus = ended.filter(|token| is_surplus(token));
        surplus.map(|token| token.hash).collect()
    }

    fn refusal(self, place: Place) -> Error {
        let (about, id) = match place {
            Place::Connection(id) => (format!("name the connection {id}"), Some(id)),
            Place::All => ("are for all connections".to_owned(), None),
        };
        let message = format!(
            "{} tokens that work {about}, as many as limits.tokens allows: revoke what is not needed any more, or raise \
             the limit",
            self.most
        );
        let limit = ("limit", "limits.tokens".to_owned());
        let connection = id.map(|id| ("connection_id", id.to_string()));
        Error::precondition(
            "TOKEN_LIMIT",
            message,
            [limit].into_iter().chain(connection).collect(),
        )
    }
}

/// What tokens are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    /// Those that name a connection.
    Connection(ConnectionId),
    /// Those that name none, and are for all.
    All,
}

fn places(token: &TokenRecord) -> impl Iterator<Item = Place> {
    let named = token.connections.iter().copied().map(Place::Connection);
    named.chain(token.connections.is_empty().then_some(Place::All))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000);
    const ROOM: Room = Room { most: 2, now: NOW };

    fn connection(n: u8) -> ConnectionId {
        ConnectionId::from_bytes([n; 16])
    }

    fn token(n: u8, connections: &[u8]) -> TokenRecord {
        TokenRecord {
            id: n.to_string(),
            name: String::new(),
            role: "reader".to_owned(),
            connections: connections.iter().map(|n| connection(*n)).collect(),
            rights: Vec::new(),
            hash: [n; 32],
            prefix: String::new(),
            created_at: Timestamp::from_millis(n.into()),
            expires_at: None,
            revoked_at: None,
        }
    }

    fn ended(n: u8, connections: &[u8]) -> TokenRecord {
        TokenRecord {
            revoked_at: Some(NOW),
            ..token(n, connections)
        }
    }

    #[test]
    fn each_connection_has_room_of_its_own() {
        let all = [
            token(1, &[1]),
            token(2, &[1, 2]),
            ended(3, &[2]),
            token(4, &[]),
        ];
        let refused = |scope: &[u8]| ROOM.check(&token(9, scope), &all).err();
        for free in [&[2][..], &[3], &[]] {
            assert!(refused(free).is_none(), "{free:?}");
        }
        let error = refused(&[2, 1]).unwrap();
        let told = error.to_string();
        assert!(told.contains(&connection(1).to_string()) && told.contains("limits.tokens"));
        let expired = TokenRecord {
            expires_at: Some(NOW),
            ..token(2, &[1, 2])
        };
        assert!(
            ROOM.check(&token(9, &[1]), &[token(1, &[1]), expired])
                .is_ok()
        );
        let for_all = [token(1, &[]), token(2, &[])];
        assert!(ROOM.check(&token(9, &[]), &for_all).is_err());
        assert!(ROOM.check(&token(9, &[1]), &for_all).is_ok());
    }

    #[test]
    fn of_those_that_have_ended_the_oldest_beside_a_new_one_go() {
        let all = [
            ended(1, &[1]),
            token(2, &[1]),
            ended(3, &[1, 2]),
            ended(4, &[1]),
            ended(5, &[2]),
            ended(6, &[]),
        ];
        assert_eq!(ROOM.surplus(&token(9, &[1]), &all), [[1; 32]]);
        assert!(ROOM.surplus(&token(9, &[2]), &all).is_empty());
        assert!(ROOM.surplus(&token(9, &[]), &all).is_empty());
    }
}
