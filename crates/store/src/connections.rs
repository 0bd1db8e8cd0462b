//! Connections: their settings, and how they begin and end.

use domain::{Connection, ConnectionId, Disconnected, Event};
use lever::Timestamp;
use secrecy::SecretString;

use crate::changes;
use crate::credentials::Secrets;
use crate::draft::Draft;
use crate::error::Error;
use crate::format::{Owner, key};
use crate::ring::Ring;
use crate::store::Store;
use crate::table::Table;
use crate::{tokens, webhooks};

impl Store {
    /// Stores a new connection with its secrets, which are sealed: all of it, or nothing.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists) with the id of the connection
    /// that has the id or the external id.
    pub async fn create_connection(
        &self,
        connection: Connection,
        secrets: impl Into<Secrets>,
    ) -> Result<(), Error> {
        let (ring, secrets) = (self.ring().clone(), secrets.into());
        self.commit(move |draft| create(draft, &ring, &connection, &secrets))
            .await
    }

    /// As [`Store::create_connection`], and adds the connection to those that a token names, in one step.
    ///
    /// # Errors
    /// Also [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) for a token that does not exist or was revoked.
    pub async fn create_connection_for(
        &self,
        token: &str,
        connection: Connection,
        secrets: impl Into<Secrets>,
    ) -> Result<(), Error> {
        let (ring, secrets) = (self.ring().clone(), secrets.into());
        let token = token.to_owned();
        self.commit(move |draft| {
            create(draft, &ring, &connection, &secrets)?;
            tokens::join(draft, &token, connection.id)
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
    /// Where that changes what is kept of Lever's records, the former settings are remembered until
    /// [`Store::settings_followed`]: what was read with them has to be read again.
    ///
    /// `connection.revision` is the revision the caller has read. With `signature_tokens`, those replace the
    /// tokens of webhooks that were made by hand in Lever, in the same transaction.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when the stored revision is another one,
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound), or
    /// [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists) for an external id that is taken.
    pub async fn update_connection(
        &self,
        connection: Connection,
        signature_tokens: Option<Vec<SecretString>>,
    ) -> Result<Connection, Error> {
        let (id, ring) = (connection.id, self.ring().clone());
        self.commit(move |draft| {
            let stored = stored(draft, connection.id)?;
            if stored.revision != connection.revision {
                return Err(Error::conflict("connection"));
            }
            if stored.external_id != connection.external_id {
                release_external_id(draft, &stored)?;
                claim_external_id(draft, &connection)?;
            }
            if let Some(tokens) = signature_tokens {
                webhooks::put_signature_tokens(draft, &ring, id, &tokens)?;
            }
            remember_former(draft, &stored, &connection)?;
            Ok(save(draft, connection))
        })
        .await
    }

    /// The settings that part of the mirror may still have been read with; none when all follows the present ones.
    ///
    /// # Errors
    /// As every read.
    pub async fn former_settings(&self, id: ConnectionId) -> Result<Option<Connection>, Error> {
        self.tables()
            .get(Table::FormerSettings, &key::connection(id))
    }

    /// Whether confidential records are hidden since the key of a connection may not see them.
    ///
    /// # Errors
    /// As every read.
    pub async fn hides_confidential(&self, id: ConnectionId) -> Result<bool, Error> {
        self.tables().contains(Table::Hidings, &key::connection(id))
    }

    /// Notes whether confidential records are hidden, as a numbered change; writes nothing where that is known.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound).
    pub async fn note_hiding(
        &self,
        id: ConnectionId,
        hides: bool,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.commit(move |draft| {
            draft.require_connection(id)?;
            let key = key::connection(id);
            let known = draft.tables().contains(Table::Hidings, &key)?;
            match hides {
                true if !known => draft.mark(Table::Hidings, key),
                false if known => draft.remove(Table::Hidings, key),
                _ => return Ok(()),
            }
            let news = vec![Event::Confidential { hidden: hides }];
            changes::append(draft, id, now, news).map(drop)
        })
        .await
    }

    /// Takes note that all that has to be read again is planned durably, unless the settings have changed since
    /// `revision`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound).
    pub async fn settings_followed(&self, id: ConnectionId, revision: u64) -> Result<(), Error> {
        self.commit(move |draft| {
            let key = key::connection(id);
            let known = draft.contains(Table::FormerSettings, &key)?;
            if known && stored(draft, id)?.revision == revision {
                draft.remove(Table::FormerSettings, key);
            }
            Ok(())
        })
        .await
    }

    /// Disconnects an account: its credential and the secrets of its webhooks are destroyed at once,
    /// its mirror, mappings and operations stay for [`Disconnected::KEPT`].
    ///
    /// From then on nothing is stored for it but operations that are still being settled:
    /// cancel those first. A connection that is disconnected already stays as it is. Gives it with its new revision.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound).
    pub async fn disconnect(
        &self,
        id: ConnectionId,
        how: Disconnected,
    ) -> Result<Connection, Error> {
        self.commit(move |draft| disconnect(draft, id, how)).await
    }

    /// Connects a disconnected account again, with what is left of its mirror: all of it, or nothing.
    ///
    /// Its id and time of creation stay, everything else is as `settings` and `secrets` say. Gives the connection with
    /// its new revision; none when there is no such connection, or it has another external id than `settings`, which
    /// may give the first.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists) with the id of the connection when it is not
    /// disconnected, or of the one that has its new external id.
    pub async fn reconnect(
        &self,
        id: ConnectionId,
        settings: Connection,
        secrets: impl Into<Secrets>,
    ) -> Result<Option<Connection>, Error> {
        self.reconnect_with(id, settings, secrets, |_, _| Ok(()))
            .await
    }

    /// The same, together with something else that is to be stored or refused in the same step.
    pub(crate) async fn reconnect_with(
        &self,
        id: ConnectionId,
        settings: Connection,
        secrets: impl Into<Secrets>,
        also: impl FnOnce(&mut Draft<'_>, ConnectionId) -> Result<(), Error> + Send + 'static,
    ) -> Result<Option<Connection>, Error> {
        let (ring, secrets) = (self.ring().clone(), secrets.into());
        self.commit(move |draft| {
            let Some(stored) = draft
                .get::<Connection>(Table::Connections, &key::connection(id))?
                .filter(|stored| {
                    stored.external_id.is_none() || stored.external_id == settings.external_id
                })
            else {
                return Ok(None);
            };
            if stored.disconnected.is_none() {
                return Err(Error::already_exists("external id", id));
            }
            also(draft, id)?;
            remember_former(draft, &stored, &settings)?;
            // No refresh that began before the disconnection fits this generation.
            secrets.put(draft, &ring, id, stored.revision << 32)?;
            let back = Connection {
                id,
                disconnected: None,
                created_at: stored.created_at,
                revision: stored.revision,
                ..settings
            };
            if stored.external_id.is_none() {
                claim_external_id(draft, &back)?;
            }
            Ok(Some(save(draft, back)))
        })
        .await
    }
}

pub(crate) fn create(
    draft: &mut Draft<'_>,
    ring: &Ring,
    connection: &Connection,
    secrets: &Secrets,
) -> Result<(), Error> {
    let key = key::connection(connection.id);
    if draft.contains(Table::Connections, &key)? || draft.contains(Table::Purges, &key)? {
        return Err(Error::already_exists("connection id", connection.id));
    }
    claim_external_id(draft, connection)?;
    secrets.put(draft, ring, connection.id, 0)?;
    draft.put(Table::Connections, key, connection);
    Ok(())
}

fn disconnect(
    draft: &mut Draft<'_>,
    id: ConnectionId,
    how: Disconnected,
) -> Result<Connection, Error> {
    let stored = stored(draft, id)?;
    if stored.disconnected.is_some() {
        return Ok(stored);
    }
    let key = key::connection(id);
    draft.remove(Table::Credentials, key.clone());
    draft.remove(Table::WebhookTokens, key.clone());
    for table in [Table::Webhooks, Table::Nudges] {
        for entry in draft.tables().scan(table, &key) {
            draft.remove(table, entry?.0);
        }
    }
    let connection = Connection {
        disconnected: Some(how),
        key_last_four: String::new(),
        credential_since: None,
        ..stored
    };
    Ok(save(draft, connection))
}

/// Remembers the settings before a change of what is kept; of several changes, those before the first.
fn remember_former(
    draft: &mut Draft<'_>,
    before: &Connection,
    after: &Connection,
) -> Result<(), Error> {
    let key = key::connection(before.id);
    let same = before.streams == after.streams
        && before.sync_start == after.sync_start
        && before.include_archived == after.include_archived
        && before.include_snoozed == after.include_snoozed
        && before.excluded_fields == after.excluded_fields
        && before.include_secret_notes == after.include_secret_notes;
    if !same && !draft.contains(Table::FormerSettings, &key)? {
        draft.put(Table::FormerSettings, key, before);
    }
    Ok(())
}

pub(crate) fn stored(draft: &Draft<'_>, id: ConnectionId) -> Result<Connection, Error> {
    draft
        .get(Table::Connections, &key::connection(id))?
        .ok_or_else(|| Error::not_found("connection"))
}

pub(crate) fn save(draft: &mut Draft<'_>, connection: Connection) -> Connection {
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
