//! Linking Lever accounts, and their settings.

use std::collections::BTreeSet;

use domain::{
    Connection, ConnectionId, Disconnected, Environment, ExcludedField, Listing, Stream, Timestamp,
};
use lever::registry::DELETE_WEBHOOK;
use lever::{Client, ErrorKind as LeverErrorKind, Lane, RawCall, UserId};
use secrecy::{ExposeSecret, SecretString};
use store::ErrorKind as StoreErrorKind;

use crate::engine::{Engine, new_id};
use crate::error::{Error, KEY_REJECTED, KEY_REJECTED_MESSAGE, Result, Violation};
use crate::link::Link;
use crate::pull::listing_of;

/// An account to link.
#[derive(Debug, Clone)]
pub struct NewConnection {
    /// A name for people.
    pub display_name: String,
    /// The product's own id for the customer.
    pub external_id: Option<String>,
    /// Which server.
    pub environment: Environment,
    /// The streams to keep; empty for all that are pulled.
    pub streams: BTreeSet<Stream>,
    /// Records created before this are left out.
    pub sync_start: Option<Timestamp>,
    /// Whether archived opportunities are mirrored.
    pub include_archived: bool,
    /// Whether snoozed opportunities are mirrored.
    pub include_snoozed: bool,
    /// The Lever user named on writes when nobody better is known.
    pub default_acting_user: Option<UserId>,
    /// Fields that are not kept.
    pub excluded_fields: BTreeSet<ExcludedField>,
    /// Whether secret notes are kept and shown.
    pub include_secret_notes: bool,
    /// Whether webhooks are to be registered in Lever.
    pub webhooks: bool,
}

/// New values of settings; none leaves a setting as it is.
#[derive(Debug, Clone, Default)]
pub struct ConnectionPatch {
    /// A name for people.
    pub display_name: Option<String>,
    /// The product's own id; an inner none removes it.
    pub external_id: Option<Option<String>>,
    /// The streams to keep.
    pub streams: Option<BTreeSet<Stream>>,
    /// The start date; an inner none removes it.
    pub sync_start: Option<Option<Timestamp>>,
    /// Whether archived opportunities are mirrored.
    pub include_archived: Option<bool>,
    /// Whether snoozed opportunities are mirrored.
    pub include_snoozed: Option<bool>,
    /// The acting user of last resort; an inner none removes it.
    pub default_acting_user: Option<Option<UserId>>,
    /// The fields that are not kept.
    pub excluded_fields: Option<BTreeSet<ExcludedField>>,
    /// Whether secret notes are kept and shown.
    pub include_secret_notes: Option<bool>,
    /// Whether webhooks are to be registered in Lever.
    pub webhooks: Option<bool>,
}

/// A linked account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// Its settings.
    pub connection: Connection,
    /// Whether it was disconnected before and has come back.
    pub restored: bool,
}

const LONGEST_NAME: usize = 200;

impl Engine {
    /// Links an account after one call to Lever with its key (F-01); one that was disconnected a while ago comes
    /// back with its id, settings, mappings and mirror.
    ///
    /// # Errors
    /// Invalid for a bad field, already exists for a used external id, precondition if Lever rejects the key,
    /// unavailable if Lever does not answer. In none of these cases is anything stored.
    pub async fn link_account(&self, new: NewConnection, api_key: SecretString) -> Result<Linked> {
        check_names(&new.display_name, new.external_id.as_deref())?;
        check_key(&api_key)?;
        if let Some(former) = self.disconnected(&new).await? {
            let connection = self.reconnect(former, api_key).await?;
            return Ok(Linked {
                connection,
                restored: true,
            });
        }
        let connection = self.create_connection(new, api_key).await?;
        Ok(Linked {
            connection,
            restored: false,
        })
    }

    /// The connection of the same customer and server that was disconnected and is still kept.
    async fn disconnected(&self, new: &NewConnection) -> Result<Option<Connection>> {
        let Some(external_id) = &new.external_id else {
            return Ok(None);
        };
        let all = self.shared.store.connections().await?;
        Ok(all.into_iter().find(|known| {
            known.disconnected.is_some()
                && known.external_id.as_ref() == Some(external_id)
                && known.environment == new.environment
        }))
    }

    async fn reconnect(&self, former: Connection, api_key: SecretString) -> Result<Connection> {
        let clients = &self.shared.clients;
        let client = clients.client(&former.environment, &api_key, None)?;
        self.try_key(&client.lane(Lane::Interactive), &former.streams)
            .await?;
        let external_id = former.external_id.as_deref().unwrap_or_default();
        let back = self
            .shared
            .store
            .reconnect(external_id, api_key.clone(), last_four(&api_key))
            .await
            .map_err(used_or)?
            .ok_or_else(|| Error::not_found("connection", &former.id.to_string()))?;
        tracing::info!(connection = %back.id, "connected again");
        let link = Link::new(back.clone(), clients, &api_key)?;
        self.run(link.clone()).await?;
        link.force(Listing::ALL);
        self.plan_below(link, BTreeSet::new());
        Ok(back)
    }

    async fn create_connection(
        &self,
        new: NewConnection,
        api_key: SecretString,
    ) -> Result<Connection> {
        let streams = if new.streams.is_empty() {
            Stream::DEFAULT.iter().copied().collect()
        } else {
            new.streams
        };
        let connection = Connection {
            id: ConnectionId::new(new_id()),
            display_name: new.display_name,
            external_id: new.external_id,
            environment: new.environment,
            streams,
            sync_start: new.sync_start,
            include_archived: new.include_archived,
            include_snoozed: new.include_snoozed,
            default_acting_user: new.default_acting_user,
            excluded_fields: new.excluded_fields,
            include_secret_notes: new.include_secret_notes,
            webhooks: new.webhooks,
            paused: false,
            disconnected: None,
            key_last_four: last_four(&api_key),
            created_at: self.shared.clock.now(),
            revision: 1,
        };
        self.refuse_used(connection.external_id.as_deref()).await?;
        let link = Link::new(connection.clone(), &self.shared.clients, &api_key)?;
        self.try_key(&link.client(Lane::Interactive), &connection.streams)
            .await?;
        match self
            .shared
            .store
            .create_connection(connection.clone(), api_key)
            .await
        {
            Ok(()) => {}
            Err(error) => return Err(used_or(error)),
        }
        tracing::info!(connection = %connection.id, "connected");
        self.run(link).await?;
        Ok(connection)
    }

    /// One connection.
    ///
    /// # Errors
    /// Not found.
    pub async fn connection(&self, id: ConnectionId) -> Result<Connection> {
        let stored = self.shared.store.connection(id).await?;
        let linked = stored.filter(|connection| connection.disconnected.is_none());
        linked.ok_or_else(|| Error::not_found("connection", &id.to_string()))
    }

    /// All connections, oldest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn connections(&self) -> Result<Vec<Connection>> {
        let mut connections = self.shared.store.connections().await?;
        connections.retain(|connection| connection.disconnected.is_none());
        connections.sort_by_key(|connection| (connection.created_at, connection.id));
        Ok(connections)
    }

    /// Changes settings.
    ///
    /// # Errors
    /// Not found; aborted if `expected` is not the present revision; invalid for a bad field.
    pub async fn update_connection(
        &self,
        id: ConnectionId,
        expected: Option<u64>,
        patch: ConnectionPatch,
    ) -> Result<Connection> {
        let present = self.connection(id).await?;
        if expected.is_some_and(|expected| expected != present.revision) {
            return Err(moved_on(present.revision));
        }
        let changed = patched(present.clone(), patch);
        check_names(&changed.display_name, changed.external_id.as_deref())?;
        if changed.streams.is_empty() {
            return Err(Error::invalid(
                "connection.streams",
                "name at least one stream",
            ));
        }
        if changed.external_id != present.external_id {
            self.refuse_used(changed.external_id.as_deref()).await?;
        }
        let stored = match self.shared.store.update_connection(changed).await {
            Ok(stored) => stored,
            Err(error) if matches!(error.kind(), StoreErrorKind::Conflict) => {
                return Err(moved_on(present.revision));
            }
            Err(error) => return Err(used_or(error)),
        };
        let link = self.link(id)?;
        link.set_connection(stored.clone());
        link.force(&newly_kept(&present, &stored));
        if stored
            .streams
            .iter()
            .any(|stream| stream.hydrated() && !present.keeps(*stream))
        {
            self.plan_below(link, BTreeSet::new());
        }
        Ok(stored)
    }

    /// Replaces the key; everything else stays (F-06).
    ///
    /// # Errors
    /// Not found; precondition if Lever rejects the new key, unavailable if it does not answer: the old one stays.
    pub async fn rotate_credential(
        &self,
        id: ConnectionId,
        api_key: SecretString,
    ) -> Result<Connection> {
        check_key(&api_key)?;
        let connection = self.connection(id).await?;
        let candidate = self
            .shared
            .clients
            .client(&connection.environment, &api_key, None)?;
        self.try_key(&candidate.lane(Lane::Interactive), &connection.streams)
            .await?;
        let last_four = last_four(&api_key);
        self.shared
            .store
            .replace_api_key(id, api_key.clone(), last_four)
            .await?;
        let stored = self.connection(id).await?;
        match self.link(id) {
            Ok(link) => {
                link.set_key(&self.shared.clients, &api_key)?;
                link.set_connection(stored.clone());
                link.force(Listing::ALL);
                self.plan_below(link, BTreeSet::new());
            }
            Err(_) => {
                self.run(Link::new(stored.clone(), &self.shared.clients, &api_key)?)
                    .await?
            }
        }
        tracing::info!(connection = %id, "key replaced");
        Ok(stored)
    }

    /// Replaces the signature tokens of webhooks that were made by hand in Lever.
    ///
    /// # Errors
    /// Not found.
    pub async fn set_signature_tokens(
        &self,
        id: ConnectionId,
        tokens: Vec<SecretString>,
    ) -> Result<()> {
        let store = &self.shared.store;
        Ok(store.set_webhook_signature_tokens(id, tokens).await?)
    }

    /// Unlinks an account: its credential goes at once, what is kept of it after a while.
    ///
    /// What waits to be written is cancelled; what is being written may settle for a moment.
    ///
    /// # Errors
    /// Not found.
    pub async fn disconnect(&self, id: ConnectionId) -> Result<()> {
        self.connection(id).await?;
        self.withdraw_waiting(id).await?;
        self.remove_webhooks(id).await;
        self.forget(id);
        let now = self.shared.clock.now();
        let left = self.shared.store.disconnect(id, now).await?;
        tracing::info!(connection = %id, webhooks_left = left.webhooks.len(), "disconnected");
        Ok(())
    }

    /// Removes the webhooks that Fulcrum has registered in Lever, as far as Lever lets it.
    async fn remove_webhooks(&self, id: ConnectionId) {
        let Ok(link) = self.link(id) else { return };
        let client = link
            .client(Lane::Interactive)
            .with_limits(self.shared.clients.impatient());
        let registered = self.shared.store.webhooks(id).await.unwrap_or_default();
        for webhook in registered {
            let path = [("webhookId".to_owned(), webhook.id)].into();
            let removed = match RawCall::new(&DELETE_WEBHOOK, &path, Vec::new(), None) {
                Ok(call) => client.call(&call).await.map(drop),
                // Lever would never have given such an id.
                Err(_) => continue,
            };
            if let Err(error) = removed {
                tracing::warn!(connection = %id, error = %crate::report(&error), "a webhook stays in Lever");
            }
        }
    }

    /// Removes what is kept of connections that were disconnected long enough ago.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) async fn purge_due(&self) -> Result<()> {
        let now = self.shared.clock.now();
        for connection in self.shared.store.connections().await? {
            let due = |disconnected: Disconnected| disconnected.purge_at <= now;
            if connection.disconnected.is_some_and(due) {
                self.shared.store.delete_connection(connection.id).await?;
                tracing::info!(connection = %connection.id, "a disconnected account was removed");
            }
        }
        Ok(())
    }

    /// Unlinks an account and removes all that is kept of it.
    ///
    /// # Errors
    /// Not found.
    pub async fn delete_connection(&self, id: ConnectionId) -> Result<()> {
        // One that is disconnected already can be removed before its time.
        let stored = self.shared.store.connection(id).await?;
        stored.ok_or_else(|| Error::not_found("connection", &id.to_string()))?;
        self.remove_webhooks(id).await;
        self.forget(id);
        self.shared.store.delete_connection(id).await?;
        tracing::info!(connection = %id, "disconnected");
        Ok(())
    }

    /// Stops or resumes pulling.
    ///
    /// # Errors
    /// Not found.
    pub async fn set_paused(&self, id: ConnectionId, paused: bool) -> Result<()> {
        let connection = self.connection(id).await?;
        if connection.paused == paused {
            return Ok(());
        }
        let stored = self
            .shared
            .store
            .update_connection(Connection {
                paused,
                ..connection
            })
            .await?;
        let link = self.link(id)?;
        link.set_connection(stored);
        link.pull_now.notify_one();
        Ok(())
    }

    /// Asks Lever one thing the connection needs anyway: an answer or a missing permission both prove the key.
    async fn try_key(&self, client: &Client, streams: &BTreeSet<Stream>) -> Result<()> {
        let client = client.with_limits(self.shared.clients.impatient());
        match crate::read::first_page(&client, streams).await {
            Ok(()) => Ok(()),
            Err(error) => match error.kind() {
                LeverErrorKind::Forbidden { .. } => Ok(()),
                LeverErrorKind::Unauthorized => Err(Error::precondition(
                    KEY_REJECTED,
                    KEY_REJECTED_MESSAGE,
                    Vec::new(),
                )),
                LeverErrorKind::NotFound
                | LeverErrorKind::Invalid { .. }
                | LeverErrorKind::Malformed => Err(Error::invalid(
                    "connection.base_url",
                    "the server answers, but not as Lever does: check the base URL (Lever's ends in /v1)",
                )),
                _ => Err(error.into()),
            },
        }
    }

    async fn refuse_used(&self, external_id: Option<&str>) -> Result<()> {
        let Some(external_id) = external_id else {
            return Ok(());
        };
        let used = self.shared.store.connections().await?;
        match used
            .iter()
            .find(|connection| connection.external_id.as_deref() == Some(external_id))
        {
            Some(connection) if connection.disconnected.is_some() => Err(Error::already_exists(
                "a disconnected account of another server has this external_id: \
                 remove it with DeleteConnection and purge_now, or give another one",
                vec![("connection_id", connection.id.to_string())],
            )),
            Some(connection) => Err(used_external_id(&connection.id.to_string())),
            None => Ok(()),
        }
    }
}

/// What must be walked to bring what the settings left out before.
///
/// Applications and contacts arrive inside opportunities, and no follow pass finds what has not changed:
/// only a walk over all opportunities brings those.
fn newly_kept(before: &Connection, after: &Connection) -> Vec<Listing> {
    let new = after.streams.difference(&before.streams);
    let mut listings: Vec<Listing> = new
        .filter_map(|stream| match stream {
            Stream::Applications | Stream::Contacts => Some(Listing::OpportunitySweep),
            other => listing_of(*other),
        })
        .collect();
    let earlier = match (before.sync_start, after.sync_start) {
        (Some(_), None) => true,
        (Some(before), Some(after)) => after < before,
        (None, _) => false,
    };
    let wider = earlier
        || (after.include_archived && !before.include_archived)
        || (after.include_snoozed && !before.include_snoozed);
    if wider {
        listings.push(Listing::OpportunitySweep);
    }
    listings
}

fn patched(mut connection: Connection, patch: ConnectionPatch) -> Connection {
    if let Some(display_name) = patch.display_name {
        connection.display_name = display_name;
    }
    if let Some(external_id) = patch.external_id {
        connection.external_id = external_id;
    }
    if let Some(streams) = patch.streams {
        connection.streams = streams;
    }
    if let Some(sync_start) = patch.sync_start {
        connection.sync_start = sync_start;
    }
    if let Some(include_archived) = patch.include_archived {
        connection.include_archived = include_archived;
    }
    if let Some(include_snoozed) = patch.include_snoozed {
        connection.include_snoozed = include_snoozed;
    }
    if let Some(default_acting_user) = patch.default_acting_user {
        connection.default_acting_user = default_acting_user;
    }
    if let Some(excluded_fields) = patch.excluded_fields {
        connection.excluded_fields = excluded_fields;
    }
    if let Some(include_secret_notes) = patch.include_secret_notes {
        connection.include_secret_notes = include_secret_notes;
    }
    if let Some(webhooks) = patch.webhooks {
        connection.webhooks = webhooks;
    }
    connection
}

fn check_names(display_name: &str, external_id: Option<&str>) -> Result<()> {
    let mut violations = Vec::new();
    if display_name.trim().is_empty() || display_name.chars().count() > LONGEST_NAME {
        violations.push(Violation {
            field: "connection.display_name".to_owned(),
            message: format!("give 1 to {LONGEST_NAME} characters"),
        });
    }
    if external_id.is_some_and(|id| id.is_empty() || id.chars().count() > LONGEST_NAME) {
        violations.push(Violation {
            field: "connection.external_id".to_owned(),
            message: format!("give 1 to {LONGEST_NAME} characters, or leave it out"),
        });
    }
    if violations.is_empty() {
        Ok(())
    } else {
        Err(Error::violations(violations))
    }
}

fn check_key(api_key: &SecretString) -> Result<()> {
    let key = api_key.expose_secret();
    if key.is_empty() {
        return Err(Error::invalid(
            "api_key",
            "give the API key that Lever showed when it was made",
        ));
    }
    if key.len() > 1024 || !key.chars().all(|c| c.is_ascii_graphic()) || key.contains(':') {
        return Err(Error::invalid(
            "api_key",
            "this cannot be a Lever API key: it holds spaces, colons or other characters a key never has",
        ));
    }
    Ok(())
}

/// What may be shown of a key: nothing of a short one.
fn last_four(api_key: &SecretString) -> String {
    let key = api_key.expose_secret();
    if key.len() < 12 {
        String::new()
    } else {
        key[key.len() - 4..].to_owned()
    }
}

fn moved_on(present: u64) -> Error {
    Error::aborted(
        "ETAG_MISMATCH",
        "somebody else changed the connection first: read it again, then repeat the change",
        vec![("etag", format!("v{present}"))],
    )
}

fn used_or(error: store::Error) -> Error {
    match error.kind() {
        StoreErrorKind::AlreadyExists { id } => used_external_id(id),
        _ => error.into(),
    }
}

fn used_external_id(connection: &str) -> Error {
    Error::already_exists(
        "another connection has this external_id: use RotateCredential to give it a new key",
        vec![("connection_id", connection.to_owned())],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn before() -> Connection {
        Connection {
            include_archived: false,
            include_snoozed: false,
            sync_start: Some(Timestamp::from_millis(100)),
            ..testing::connection(&[Stream::Opportunities], Timestamp::default())
        }
    }

    #[test]
    fn settings_that_let_more_in_walk_over_everybody_again() {
        let sweep = [Listing::OpportunitySweep];
        let start = |at: Option<i64>| Connection {
            sync_start: at.map(Timestamp::from_millis),
            ..before()
        };
        assert_eq!(
            newly_kept(
                &before(),
                &Connection {
                    include_archived: true,
                    ..before()
                }
            ),
            sweep
        );
        assert_eq!(
            newly_kept(
                &before(),
                &Connection {
                    include_snoozed: true,
                    ..before()
                }
            ),
            sweep
        );
        assert_eq!(newly_kept(&before(), &start(Some(99))), sweep);
        assert_eq!(newly_kept(&before(), &start(None)), sweep);
        assert!(newly_kept(&before(), &start(Some(101))).is_empty());
        assert!(newly_kept(&before(), &before()).is_empty());
    }

    #[test]
    fn a_new_stream_is_walked_where_it_comes_from() {
        let with = |stream| Connection {
            streams: BTreeSet::from([Stream::Opportunities, stream]),
            ..before()
        };
        assert_eq!(
            newly_kept(&before(), &with(Stream::Users)),
            [Listing::Users]
        );
        assert_eq!(
            newly_kept(&before(), &with(Stream::Contacts)),
            [Listing::OpportunitySweep]
        );
    }

    #[test]
    fn what_is_no_key_is_refused_before_lever_is_asked() {
        for bad in ["", "two words", "user:key", "k\u{e4}se", "tab\t"] {
            assert!(
                check_key(&SecretString::from(bad.to_owned())).is_err(),
                "{bad:?}"
            );
        }
        assert!(check_key(&SecretString::from("abc123==/+".to_owned())).is_ok());
    }

    #[test]
    fn nothing_is_shown_of_a_short_key() {
        assert_eq!(
            last_four(&SecretString::from("0123456789ab".to_owned())),
            "89ab"
        );
        assert_eq!(last_four(&SecretString::from("0123456789a".to_owned())), "");
    }
}
