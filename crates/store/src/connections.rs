//! Connections and their credentials.

use domain::{Connection, ConnectionId};
use secrecy::{ExposeSecret, SecretString};

use crate::draft::Draft;
use crate::error::Error;
use crate::format::{Owner, Secret, key};
use crate::store::Store;
use crate::table::Table;

const API_KEY: &str = "lever api key";

impl Store {
    /// Stores a new connection with its API key, which is sealed.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists) with the id of the connection
    /// that has the id or the external id.
    pub async fn create_connection(
        &self,
        connection: Connection,
        api_key: SecretString,
    ) -> Result<(), Error> {
        let sealed = self.seal_api_key(connection.id, &api_key)?;
        self.commit(move |draft| {
            let key = key::connection(connection.id);
            if draft.contains(Table::Connections, &key)? || draft.contains(Table::Purges, &key)? {
                return Err(Error::already_exists("connection id", connection.id));
            }
            claim_external_id(draft, &connection)?;
            draft.put(Table::Credentials, key.clone(), &sealed);
            draft.put(Table::Connections, key, &connection);
            Ok(())
        })
        .await
    }

    /// Reads a connection.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) or [`ErrorKind::Poisoned`](crate::ErrorKind::Poisoned),
    /// as every read.
    pub async fn connection(&self, id: ConnectionId) -> Result<Option<Connection>, Error> {
        self.tables().get(Table::Connections, &key::connection(id))
    }

    /// Lists all connections in the order of their ids.
    ///
    /// # Errors
    /// As [`Store::connection`].
    pub async fn connections(&self) -> Result<Vec<Connection>, Error> {
        self.read(|tables| tables.values(Table::Connections, &[]).collect())
            .await
    }

    /// Replaces the settings of a connection, and gives them back with their new revision.
    ///
    /// `connection.revision` is the revision the caller has read.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when the stored revision is another one,
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound), or
    /// [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists) for an external id that is taken.
    pub async fn update_connection(&self, connection: Connection) -> Result<Connection, Error> {
        self.commit(move |draft| {
            let stored = stored(draft, connection.id)?;
            if stored.revision != connection.revision {
                return Err(Error::conflict("connection"));
            }
            if stored.external_id != connection.external_id {
                release_external_id(draft, &stored)?;
                claim_external_id(draft, &connection)?;
            }
            Ok(save(draft, connection))
        })
        .await
    }

    /// Opens the API key of a connection.
    ///
    /// # Errors
    /// [`ErrorKind::Unsealed`](crate::ErrorKind::Unsealed) when it was altered.
    pub async fn api_key(&self, id: ConnectionId) -> Result<Option<SecretString>, Error> {
        let Some(Secret(sealed)) = self
            .tables()
            .get(Table::Credentials, &key::connection(id))?
        else {
            return Ok(None);
        };
        let plain = self.unseal(API_KEY, id.as_bytes(), &sealed)?;
        let text = String::from_utf8(plain).map_err(|_| Error::corrupt(Table::Credentials))?;
        Ok(Some(SecretString::from(text)))
    }

    /// Replaces the API key; mappings, cursors and mirror stay. Gives the connection with its new revision.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound).
    pub async fn replace_api_key(
        &self,
        id: ConnectionId,
        api_key: SecretString,
        last_four: String,
    ) -> Result<Connection, Error> {
        let sealed = self.seal_api_key(id, &api_key)?;
        self.commit(move |draft| {
            let stored = stored(draft, id)?;
            draft.put(Table::Credentials, key::connection(id), &sealed);
            Ok(save(
                draft,
                Connection {
                    key_last_four: last_four,
                    ..stored
                },
            ))
        })
        .await
    }

    fn seal_api_key(&self, id: ConnectionId, api_key: &SecretString) -> Result<Secret, Error> {
        self.seal(API_KEY, id.as_bytes(), api_key.expose_secret().as_bytes())
            .map(Secret)
    }
}

pub(crate) fn stored(draft: &Draft<'_>, id: ConnectionId) -> Result<Connection, Error> {
    draft
        .get(Table::Connections, &key::connection(id))?
        .ok_or_else(|| Error::not_found("connection"))
}

fn save(draft: &mut Draft<'_>, connection: Connection) -> Connection {
    let saved = Connection {
        revision: connection.revision + 1,
        ..connection
    };
    draft.put(Table::Connections, key::connection(saved.id), &saved);
    saved
}

fn claim_external_id(draft: &mut Draft<'_>, connection: &Connection) -> Result<(), Error> {
    let Some(external_id) = &connection.external_id else {
        return Ok(());
    };
    let key = key::id(external_id)?.to_vec();
    if let Some(Owner(owner)) = draft.get(Table::ExternalIds, &key)? {
        return Err(Error::already_exists(
            "external id",
            ConnectionId::from_bytes(owner),
        ));
    }
    draft.put(Table::ExternalIds, key, &Owner(*connection.id.as_bytes()));
    Ok(())
}

pub(crate) fn release_external_id(
    draft: &mut Draft<'_>,
    connection: &Connection,
) -> Result<(), Error> {
    if let Some(external_id) = &connection.external_id {
        draft.remove(Table::ExternalIds, key::id(external_id)?.to_vec());
    }
    Ok(())
}
