//! Which product user is which Lever user, where their e-mails do not tell (X13).
//!
//! A link is found by a keyed digest of the e-mail, so that no key names a person; the e-mail itself is in the value,
//! for those who look after the links.

use std::fmt;

use domain::{ConnectionId, acting};
use lever::{Timestamp, UserId};

use crate::error::Error;
use crate::format::key;
use crate::store::Store;
use crate::table::{Table, Tables};

/// That a product user is a certain Lever user.
#[derive(Clone, PartialEq, Eq)]
pub struct UserLink {
    /// The product user's e-mail; two that differ in case are one.
    pub email: String,
    /// The Lever user.
    pub user: UserId,
    /// Who said so.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl fmt::Debug for UserLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserLink")
            .field("user", &self.user)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Remembers which Lever user a product user is, in the place of what was said of that e-mail before.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) without such a connection, or when it is disconnected.
    pub async fn set_user_link(
        &self,
        connection: ConnectionId,
        link: UserLink,
    ) -> Result<(), Error> {
        let key = place(self.tables(), connection, &link.email)?;
        self.commit(move |draft| {
            draft.require_connection(connection)?;
            draft.put(Table::UserLinks, key, &link);
            Ok(())
        })
        .await
    }

    /// Forgets which Lever user a product user is; false where nothing was said of that e-mail.
    ///
    /// # Errors
    /// As [`Store::set_user_link`].
    pub async fn clear_user_link(
        &self,
        connection: ConnectionId,
        email: &str,
    ) -> Result<bool, Error> {
        let key = place(self.tables(), connection, email)?;
        self.commit(move |draft| {
            draft.require_connection(connection)?;
            let known = draft.contains(Table::UserLinks, &key)?;
            if known {
                draft.remove(Table::UserLinks, key);
            }
            Ok(known)
        })
        .await
    }

    /// The link of an e-mail, in whatever case it is written.
    ///
    /// # Errors
    /// As every read.
    pub async fn user_link(
        &self,
        connection: ConnectionId,
        email: &str,
    ) -> Result<Option<UserLink>, Error> {
        let key = place(self.tables(), connection, email)?;
        self.tables().get(Table::UserLinks, &key)
    }

    /// All links of a connection; their order is nobody's.
    ///
    /// # Errors
    /// As every read.
    pub async fn user_links(&self, connection: ConnectionId) -> Result<Vec<UserLink>, Error> {
        let prefix = key::connection(connection);
        self.read(move |tables| tables.values(Table::UserLinks, &prefix).collect())
            .await
    }
}

fn place(tables: &Tables, connection: ConnectionId, email: &str) -> Result<Vec<u8>, Error> {
    let digest = tables
        .digester()?
        .product_user(connection, &acting::folded(email));
    Ok(key::user_link(connection, &digest))
}
