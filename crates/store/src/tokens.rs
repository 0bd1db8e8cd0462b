//! Bearer tokens of callers. Only their hashes are stored.

use std::fmt;

use domain::ConnectionId;
use lever::Timestamp;

use crate::connect_links;
use crate::draft::Draft;
use crate::error::Error;
use crate::store::Store;
use crate::table::Table;

/// What is known about a token.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// Our id for it.
    pub id: String,
    /// A name for people.
    pub name: String,
    /// The name of its role.
    pub role: String,
    /// The connections it may see; all when empty.
    pub connections: Vec<ConnectionId>,
    /// The names of its extra rights.
    pub rights: Vec<String>,
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// The first characters, for recognizing it.
    pub prefix: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl fmt::Debug for TokenRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenRecord")
            .field("id", &self.id)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Stores a new token.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists) when its id or hash is taken.
    pub async fn create_token(&self, token: TokenRecord) -> Result<(), Error> {
        self.commit(move |draft| {
            let same_id = draft.tables().values::<TokenRecord>(Table::Tokens, &[]);
            for other in same_id {
                if other?.id == token.id {
                    return Err(Error::already_exists("token id", &token.id));
                }
            }
            if draft.contains(Table::Tokens, &token.hash)? {
                return Err(Error::already_exists("token", &token.id));
            }
            draft.put(Table::Tokens, token.hash.to_vec(), &token);
            Ok(())
        })
        .await
    }

    /// Removes tokens by their hashes; the others stay as they are.
    ///
    /// Leave the last one that was made: a service that has had a token must not be open to everybody again.
    ///
    /// # Errors
    /// As every write.
    pub async fn remove_tokens(&self, hashes: Vec<[u8; 32]>) -> Result<(), Error> {
        self.commit(move |draft| {
            for hash in hashes {
                draft.remove(Table::Tokens, hash.to_vec());
            }
            Ok(())
        })
        .await
    }

    /// Finds a token by the SHA-256 of its text, also when it has expired or was revoked.
    ///
    /// # Errors
    /// As every read.
    pub async fn token_by_hash(&self, hash: &[u8; 32]) -> Result<Option<TokenRecord>, Error> {
        self.tables().get(Table::Tokens, hash)
    }

    /// Lists all tokens, the oldest first.
    ///
    /// # Errors
    /// As every read.
    pub async fn tokens(&self) -> Result<Vec<TokenRecord>, Error> {
        self.read(|tables| {
            let mut tokens: Vec<TokenRecord> = tables
                .values(Table::Tokens, &[])
                .collect::<Result<_, _>>()?;
            tokens.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
            Ok(tokens)
        })
        .await
    }

    /// Revokes a token, and with it the open connect links it has made; one that was revoked before keeps its first
    /// stamp.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound).
    pub async fn revoke_token(&self, id: &str, at: Timestamp) -> Result<TokenRecord, Error> {
        let id = id.to_owned();
        self.commit_vitally(move |draft| {
            let token = by_id(draft, &id)?;
            let revoked = TokenRecord {
                revoked_at: token.revoked_at.or(Some(at)),
                ..token
            };
            draft.put(Table::Tokens, revoked.hash.to_vec(), &revoked);
            connect_links::revoke_those_of(draft, &id, &revoked.name, at)?;
            Ok(revoked)
        })
        .await
    }

    /// Whether any token was ever made.
    ///
    /// # Errors
    /// As every read.
    pub async fn any_tokens(&self) -> Result<bool, Error> {
        Ok(self
            .tables()
            .scan(Table::Tokens, &[])
            .next()
            .transpose()?
            .is_some())
    }
}

/// Adds a connection to those that a token names; a token that names none sees all of them already.
pub(crate) fn join(
    draft: &mut Draft<'_>,
    token: &str,
    connection: ConnectionId,
) -> Result<(), Error> {
    let mut token = by_id(draft, token)?;
    if token.revoked_at.is_some() {
        return Err(Error::not_found("token"));
    }
    if !token.connections.is_empty() && !token.connections.contains(&connection) {
        token.connections.push(connection);
        draft.put(Table::Tokens, token.hash.to_vec(), &token);
    }
    Ok(())
}

fn by_id(draft: &Draft<'_>, id: &str) -> Result<TokenRecord, Error> {
    for token in draft.tables().values::<TokenRecord>(Table::Tokens, &[]) {
        let token = token?;
        if token.id == id {
            return Ok(token);
        }
    }
    Err(Error::not_found("token"))
}
