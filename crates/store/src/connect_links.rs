//! Links by which somebody else connects an account, once. Only the hashes of their secrets are stored.
//!
//! A link is used up by the commit that stores what it was for: of several people who follow it at once, one succeeds,
//! and whoever fails before that has used up nothing.

use std::fmt;
use std::time::Duration;

use domain::{Connection, ConnectionId, Environment};
use lever::Timestamp;

use crate::connections;
use crate::credentials::{Credential, Secrets};
use crate::draft::Draft;
use crate::error::Error;
use crate::store::Store;
use crate::table::Table;

/// How long a link that is used, expired or revoked is kept, to tell what became of it.
const KEPT: Duration = Duration::from_secs(90 * 24 * 3600);

/// What is known about a link.
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectLink {
    /// Our id for it.
    pub id: String,
    /// SHA-256 of its secret.
    pub hash: [u8; 32],
    /// What it is for.
    pub purpose: LinkPurpose,
    /// The id of the token it was made with.
    pub made_by: String,
    /// The name of that token.
    pub made_by_name: String,
    /// Whether that token names its connections, which an account that is connected by the link joins.
    pub scoped: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// When it was used, and the connection that came of it.
    pub used: Option<(Timestamp, ConnectionId)>,
    /// When it was revoked, and the name of the token it was revoked with.
    pub revoked: Option<(Timestamp, String)>,
}

/// What a link is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkPurpose {
    /// To connect another account.
    New {
        /// Its name for people.
        display_name: String,
        /// The product's own id for the customer.
        external_id: Option<String>,
        /// Which server it is on.
        environment: Environment,
    },
    /// To give a connected account another credential.
    Relink(ConnectionId),
}

/// Where a link stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// It can be followed.
    Open,
    /// Somebody has connected the account by it.
    Used,
    /// Nobody did in time.
    Expired,
    /// It was taken back.
    Revoked,
}

impl ConnectLink {
    /// Where it stands at a time.
    pub fn state(&self, now: Timestamp) -> LinkState {
        if self.used.is_some() {
            LinkState::Used
        } else if self.revoked.is_some() {
            LinkState::Revoked
        } else if self.expires_at <= now {
            LinkState::Expired
        } else {
            LinkState::Open
        }
    }

    /// Since when nobody can follow it; none while it is open.
    fn ended_at(&self, now: Timestamp) -> Option<Timestamp> {
        match self.state(now) {
            LinkState::Open => None,
            LinkState::Used => self.used.as_ref().map(|(at, _)| *at),
            LinkState::Revoked => self.revoked.as_ref().map(|(at, _)| *at),
            LinkState::Expired => Some(self.expires_at),
        }
    }
}

impl fmt::Debug for ConnectLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectLink")
            .field("id", &self.id)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// That a link is used up by what is stored with it.
#[derive(Debug, Clone, Copy)]
pub struct LinkUse {
    /// SHA-256 of its secret.
    pub hash: [u8; 32],
    /// When.
    pub at: Timestamp,
}

impl LinkUse {
    /// Uses the link up for a connection.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) for a link that is not open any more, or not there.
    fn take(self, draft: &mut Draft<'_>, connection: ConnectionId) -> Result<(), Error> {
        let link: Option<ConnectLink> = draft.get(Table::ConnectLinks, &self.hash)?;
        let mut link = link
            .filter(|link| link.state(self.at) == LinkState::Open)
            .ok_or_else(|| Error::conflict("connect link"))?;
        link.used = Some((self.at, connection));
        draft.put(Table::ConnectLinks, self.hash.to_vec(), &link);
        Ok(())
    }
}

impl Store {
    /// Stores a new link, and forgets those that ended 90 days ago; false, and nothing stored, while `most` of the same
    /// token are open. Of its links that have ended as many are kept, the newest.
    ///
    /// So nobody who makes links takes the room of others.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists) when its hash is taken.
    pub async fn create_connect_link(&self, link: ConnectLink, most: usize) -> Result<bool, Error> {
        self.commit(move |draft| {
            if draft.contains(Table::ConnectLinks, &link.hash)? {
                return Err(Error::already_exists("connect link", &link.id));
            }
            let now = link.created_at;
            let (mut open, mut ended) = (0, Vec::new());
            for kept in all(draft)? {
                let own = kept.made_by == link.made_by;
                match kept.ended_at(now) {
                    None => open += usize::from(own),
                    Some(at) if at.plus(KEPT) <= now => {
                        draft.remove(Table::ConnectLinks, kept.hash.to_vec());
                    }
                    Some(at) if own => ended.push((at, kept.hash)),
                    Some(_) => {}
                }
            }
            ended.sort_unstable();
            let surplus = ended.len().saturating_sub(most);
            for (_, hash) in ended.iter().take(surplus) {
                draft.remove(Table::ConnectLinks, hash.to_vec());
            }
            let room = open < most;
            if room {
                draft.put(Table::ConnectLinks, link.hash.to_vec(), &link);
            }
            Ok(room)
        })
        .await
    }

    /// Finds a link by the SHA-256 of its secret, also when it cannot be followed any more.
    ///
    /// # Errors
    /// As every read.
    pub async fn connect_link(&self, hash: &[u8; 32]) -> Result<Option<ConnectLink>, Error> {
        self.tables().get(Table::ConnectLinks, hash)
    }

    /// Lists all links that are kept, the newest first.
    ///
    /// # Errors
    /// As every read.
    pub async fn connect_links(&self) -> Result<Vec<ConnectLink>, Error> {
        self.read(|tables| {
            let mut links: Vec<ConnectLink> = tables
                .values(Table::ConnectLinks, &[])
                .collect::<Result<_, _>>()?;
            links.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
            Ok(links)
        })
        .await
    }

    /// Takes a link back; one that has ended already stays as it is.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound).
    pub async fn revoke_connect_link(
        &self,
        hash: [u8; 32],
        at: Timestamp,
        by: String,
    ) -> Result<ConnectLink, Error> {
        self.commit_vitally(move |draft| {
            let link: Option<ConnectLink> = draft.get(Table::ConnectLinks, &hash)?;
            let mut link = link.ok_or_else(|| Error::not_found("connect link"))?;
            if link.state(at) == LinkState::Open {
                link.revoked = Some((at, by));
                draft.put(Table::ConnectLinks, hash.to_vec(), &link);
            }
            Ok(link)
        })
        .await
    }

    /// As [`Store::create_connection`], for a link that is used up in the same step; with `token` the connection joins
    /// those that it names.
    ///
    /// # Errors
    /// As [`Store::create_connection_for`]; [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when the link is not
    /// open any more.
    pub async fn create_connection_by_link(
        &self,
        link: LinkUse,
        token: Option<String>,
        connection: Connection,
        secrets: impl Into<Secrets>,
    ) -> Result<(), Error> {
        let (ring, secrets) = (self.ring().clone(), secrets.into());
        self.commit(move |draft| {
            link.take(draft, connection.id)?;
            connections::create(draft, &ring, &connection, &secrets)?;
            match &token {
                Some(token) => crate::tokens::join(draft, token, connection.id),
                None => Ok(()),
            }
        })
        .await
    }

    /// As [`Store::reconnect`], for a link that is used up in the same step.
    ///
    /// # Errors
    /// As [`Store::reconnect`]; [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when the link is not open any more.
    pub async fn reconnect_by_link(
        &self,
        link: LinkUse,
        id: ConnectionId,
        settings: Connection,
        secrets: impl Into<Secrets>,
    ) -> Result<Option<Connection>, Error> {
        self.reconnect_with(id, settings, secrets, move |draft, id| link.take(draft, id))
            .await
    }

    /// As [`Store::replace_credential`], for a link that is used up in the same step.
    ///
    /// # Errors
    /// As [`Store::replace_credential`]; [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when the link is not open
    /// any more.
    pub async fn replace_credential_by_link(
        &self,
        link: LinkUse,
        id: ConnectionId,
        credential: impl Into<Credential>,
        last_four: String,
    ) -> Result<Connection, Error> {
        let also = move |draft: &mut Draft<'_>| link.take(draft, id);
        self.replace_credential_with(id, credential, last_four, link.at, also)
            .await
    }
}

/// Revokes the open links that a token has made, which is itself being revoked.
pub(crate) fn revoke_those_of(
    draft: &mut Draft<'_>,
    token: &str,
    name: &str,
    at: Timestamp,
) -> Result<(), Error> {
    for mut link in all(draft)? {
        if link.made_by == token && link.state(at) == LinkState::Open {
            link.revoked = Some((at, name.to_owned()));
            draft.put(Table::ConnectLinks, link.hash.to_vec(), &link);
        }
    }
    Ok(())
}

/// Forgets the links that were for a connection, or led to it.
pub(crate) fn forget_those_of(
    draft: &mut Draft<'_>,
    connection: ConnectionId,
) -> Result<(), Error> {
    for link in all(draft)? {
        let led = link.used.as_ref().is_some_and(|(_, id)| *id == connection);
        if led || link.purpose == LinkPurpose::Relink(connection) {
            draft.remove(Table::ConnectLinks, link.hash.to_vec());
        }
    }
    Ok(())
}

fn all(draft: &Draft<'_>) -> Result<Vec<ConnectLink>, Error> {
    let links = draft.tables().values(Table::ConnectLinks, &[]);
    links.collect()
}
