//! Linking Lever accounts, and their settings.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use domain::text::{UNSEEN_MESSAGE, is_unseen};
use domain::{Connection, ConnectionId, Environment, ExcludedField, Listing, Stream, Timestamp};
use lever::{ErrorKind as LeverErrorKind, UserId};
use secrecy::SecretString;
use store::{ErrorKind as StoreErrorKind, LinkUse, RunCause, Secrets};

use crate::connect_links::ended;
use crate::credential::{self, NewCredential, Obtained};
use crate::engine::{Engine, disconnected_error, new_id};
use crate::error::{Error, KEY_REJECTED, KEY_REJECTED_MESSAGE, Result, Violation};
use crate::read::LONGEST_ID;
use crate::twins::Shown;
use crate::webhook::register::not_configured;

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
    /// Whether a write for a product user who is no active Lever user is refused.
    pub strict_acting_user: bool,
    /// Fields that are not kept.
    pub excluded_fields: BTreeSet<ExcludedField>,
    /// Whether secret notes are kept and shown.
    pub include_secret_notes: bool,
    /// Whether webhooks are to be registered in Lever.
    pub webhooks: bool,
    /// Whether pulling waits until somebody resumes it.
    pub paused: bool,
    /// The signature tokens of webhooks that were made by hand in Lever.
    pub signature_tokens: Vec<SecretString>,
    /// The disconnected connection that comes back by it; none for another one, or for that of the external id.
    pub restore: Option<ConnectionId>,
    /// Whether the account may be one that another connection has.
    pub again: bool,
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
    /// Whether a write for a product user who is no active Lever user is refused.
    pub strict_acting_user: Option<bool>,
    /// The fields that are not kept.
    pub excluded_fields: Option<BTreeSet<ExcludedField>>,
    /// Whether secret notes are kept and shown.
    pub include_secret_notes: Option<bool>,
    /// Whether webhooks are to be registered in Lever.
    pub webhooks: Option<bool>,
    /// The signature tokens of webhooks that were made by hand in Lever.
    pub signature_tokens: Option<Vec<SecretString>>,
}

/// A linked account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// Its settings.
    pub connection: Connection,
    /// Whether it was disconnected before and has come back.
    pub restored: bool,
}

/// A caller who sees only some connections, and links one more.
#[derive(Debug, Clone)]
pub struct Linker {
    /// The id of its token, which the new connection joins.
    pub token: String,
    /// The connections it sees.
    pub sees: Arc<HashSet<ConnectionId>>,
}

const LONGEST_NAME: usize = 200;

/// How far ahead of our clock a start may lie: whoever means today may live east of us.
/// 2000-01-01, twelve years before Lever. What is earlier is a year that was mistyped.
const EARLIEST_START: Timestamp = Timestamp::from_millis(946_684_800_000);
const FARTHEST_START: Duration = Duration::from_secs(24 * 3600);

impl Engine {
    /// Links an account after one call to Lever with its credential (F-01).
    ///
    /// One that was disconnected a while ago comes back with its id, mappings, cursors and mirror; its settings are
    /// those given now. A `linker` sees the connection from then on; what it does not see it cannot bring back either.
    ///
    /// # Errors
    /// Invalid for a bad field, already exists for a used external id, precondition if Lever rejects the credential,
    /// if the account was disconnected in another environment (X14), or if another connection has it and `again` does
    /// not say that this is meant; unavailable if Lever does not answer.
    /// In none of these cases is anything stored.
    pub async fn link_account(
        &self,
        new: NewConnection,
        credential: NewCredential,
        linker: Option<&Linker>,
    ) -> Result<Linked> {
        self.link_by(new, credential, linker, None).await
    }

    /// The same, for a link that is used up by it.
    pub(crate) async fn link_by(
        &self,
        new: NewConnection,
        credential: NewCredential,
        linker: Option<&Linker>,
        by_link: Option<LinkUse>,
    ) -> Result<Linked> {
        let former = self.admissible(&new, linker).await?;
        let (signature_tokens, again) = (new.signature_tokens.clone(), new.again);
        let mut fresh = self.fresh(new);
        let credential = self.obtain(&fresh.environment, credential).await?;
        let shown = self.try_credential(&fresh, &credential).await?;
        let linking = self.shared.linking.lock().await;
        if let Some(link) = by_link {
            self.still_open(&link.hash).await?;
        }
        if !again {
            self.refuse_twin(None, &fresh.environment, &credential, &shown)
                .await?;
        }
        fresh.key_last_four = credential.last_four();
        let secrets = Secrets {
            credential: credential.into(),
            signature_tokens,
        };
        let restored = former.is_some();
        let connection = match former {
            Some(former) => {
                fresh.external_id = fresh.external_id.or(former.external_id);
                self.restore(former.id, fresh, secrets, by_link).await?
            }
            None => {
                self.create(fresh.clone(), secrets, linker, by_link).await?;
                fresh
            }
        };
        drop(linking);
        tracing::info!(connection = %connection.id, restored, "connected");
        let link = credential::link(&self.shared, connection.clone()).await?;
        self.run(link.clone()).await?;
        if restored {
            link.force(Listing::ALL, RunCause::Settings);
            self.plan_below(link, BTreeSet::new());
        }
        Ok(Linked {
            connection,
            restored,
        })
    }

    /// Refuses settings that no credential would help; gives the connection that would come back.
    pub(crate) async fn admissible(
        &self,
        new: &NewConnection,
        linker: Option<&Linker>,
    ) -> Result<Option<Connection>> {
        self.shared.clients.base_url(&new.environment)?;
        Given::from(new).check(self.shared.clock.now())?;
        check_selection(&new.streams)?;
        if new.webhooks {
            self.check_webhooks()?;
        }
        let former = self.former(new, linker).await?;
        let own = former
            .as_ref()
            .and_then(|former| former.external_id.as_ref());
        if own.is_none() {
            self.refuse_used(new.external_id.as_deref()).await?;
        }
        Ok(former)
    }

    /// The connection of the same customer that was disconnected and is still kept.
    async fn former(
        &self,
        new: &NewConnection,
        linker: Option<&Linker>,
    ) -> Result<Option<Connection>> {
        let all = self.shared.store.connections().await?;
        let mut seen = all
            .into_iter()
            .filter(|known| linker.is_none_or(|linker| linker.sees.contains(&known.id)));
        let former = match (new.restore, &new.external_id) {
            (Some(id), external_id) => {
                let former = seen.find(|known| known.id == id);
                let former =
                    former.ok_or_else(|| Error::not_found("connection", &id.to_string()))?;
                comes_back(&former, external_id.as_deref())?;
                Some(former)
            }
            (None, None) => None,
            (None, Some(external_id)) => seen.find(|known| {
                known.disconnected.is_some() && known.external_id.as_ref() == Some(external_id)
            }),
        };
        match former {
            Some(former) if former.environment != new.environment => Err(Error::precondition(
                "ENVIRONMENT_FIXED",
                "the mirror that is kept for this connection is of another Lever environment: connect it there, \
                 remove it first with DeleteConnection and purge_now, or give another external_id",
                vec![("connection_id", former.id.to_string())],
            )),
            former => Ok(former),
        }
    }

    /// A connection with these settings that nobody knows yet.
    fn fresh(&self, new: NewConnection) -> Connection {
        let streams = if new.streams.is_empty() {
            Stream::DEFAULT.iter().copied().collect()
        } else {
            new.streams
        };
        Connection {
            id: ConnectionId::new(new_id()),
            display_name: new.display_name,
            external_id: new.external_id,
            environment: new.environment,
            streams,
            sync_start: new.sync_start,
            include_archived: new.include_archived,
            include_snoozed: new.include_snoozed,
            default_acting_user: new.default_acting_user,
            strict_acting_user: new.strict_acting_user,
            excluded_fields: new.excluded_fields,
            include_secret_notes: new.include_secret_notes,
            webhooks: new.webhooks,
            paused: new.paused,
            disconnected: None,
            key_last_four: String::new(),
            credential_since: Some(self.shared.clock.now()),
            created_at: self.shared.clock.now(),
            revision: 1,
        }
    }

    /// Stores a new connection, which joins those that its linker sees.
    async fn create(
        &self,
        connection: Connection,
        secrets: Secrets,
        linker: Option<&Linker>,
        by_link: Option<LinkUse>,
    ) -> Result<()> {
        let store = &self.shared.store;
        let token = linker.map(|linker| linker.token.as_str());
        let created = match (token, by_link) {
            (None, None) => store.create_connection(connection, secrets).await,
            (Some(token), None) => {
                let created = store.create_connection_for(token, connection, secrets);
                created.await
            }
            (token, Some(link)) => {
                let token = token.map(str::to_owned);
                let created = store.create_connection_by_link(link, token, connection, secrets);
                created.await
            }
        };
        created.map_err(|error| match (error.kind(), token) {
            (StoreErrorKind::NotFound, Some(token)) => Error::not_found("token", token),
            (StoreErrorKind::Conflict, _) if by_link.is_some() => ended(),
            _ => used_or(error),
        })
    }

    /// Brings a disconnected connection back, with the settings of `fresh`.
    async fn restore(
        &self,
        former: ConnectionId,
        fresh: Connection,
        secrets: Secrets,
        by_link: Option<LinkUse>,
    ) -> Result<Connection> {
        let store = &self.shared.store;
        let back = match by_link {
            None => store.reconnect(former, fresh, secrets).await,
            Some(link) => {
                let back = store.reconnect_by_link(link, former, fresh, secrets);
                back.await
            }
        };
        back.map_err(|error| match error.kind() {
            StoreErrorKind::Conflict if by_link.is_some() => ended(),
            _ => used_or(error),
        })?
        .ok_or_else(|| Error::not_found("connection", &former.to_string()))
    }

    /// Webhooks can only be wished where Lever can reach us.
    fn check_webhooks(&self) -> Result<()> {
        match self.shared.settings.public_url {
            Some(_) => Ok(()),
            None => Err(not_configured()),
        }
    }

    /// One connection.
    ///
    /// # Errors
    /// Not found.
    pub async fn connection(&self, id: ConnectionId) -> Result<Connection> {
        let stored = self.shared.store.connection(id).await?;
        stored.ok_or_else(|| Error::not_found("connection", &id.to_string()))
    }

    /// All connections, oldest first; those that are disconnected too, as long as their mirrors are kept.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn connections(&self) -> Result<Vec<Connection>> {
        let mut connections = self.shared.store.connections().await?;
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
        let engine = self.clone();
        self.to_the_end(async move { engine.update_now(id, expected, patch).await })
            .await
    }

    async fn update_now(
        &self,
        id: ConnectionId,
        expected: Option<u64>,
        patch: ConnectionPatch,
    ) -> Result<Connection> {
        let link = self.link(id)?;
        let present = self.connection(id).await?;
        if expected.is_some_and(|expected| expected != present.revision) {
            return Err(moved_on(present.revision));
        }
        Given::from(&patch).check(self.shared.clock.now())?;
        if let Some(Some(user)) = &patch.default_acting_user
            && present.default_acting_user.as_ref() != Some(user)
        {
            self.check_acting(id, user).await?;
        }
        let signature_tokens = patch.signature_tokens.clone();
        let new_tokens = signature_tokens.is_some();
        let changed = patched(present.clone(), patch);
        if changed.streams.is_empty() {
            return Err(Error::invalid(
                "connection.streams",
                "name at least one stream",
            ));
        }
        if changed.streams != present.streams {
            check_selection(&changed.streams)?;
        }
        if changed.webhooks && !present.webhooks {
            self.check_webhooks()?;
        }
        if changed.external_id != present.external_id {
            self.refuse_used(changed.external_id.as_deref()).await?;
        }
        let store = &self.shared.store;
        let stored = match store.update_connection(changed, signature_tokens).await {
            Ok(stored) => stored,
            Err(error) if matches!(error.kind(), StoreErrorKind::Conflict) => {
                return Err(moved_on(present.revision));
            }
            Err(error) => return Err(used_or(error)),
        };
        link.set_connection(stored.clone());
        if new_tokens {
            link.webhooks.load_tokens(store, id).await?;
        }
        link.webhooks.now.notify_one();
        self.follow_settings(link, &present, &stored).await?;
        Ok(stored)
    }

    /// Whether a user may act by default; nobody can tell before Lever's users were read.
    async fn check_acting(&self, id: ConnectionId, user: &UserId) -> Result<()> {
        let store = &self.shared.store;
        let listings = store.cursors(id).await?;
        let users = listings.get(&Listing::Users);
        if users.is_none_or(|state| state.last_success_at.is_none()) {
            return Ok(());
        }
        let record = store.record(id, Stream::Users, user.as_str()).await?;
        let known = record
            .filter(|record| record.deleted_at.is_none())
            .and_then(|record| serde_json::from_str::<lever::User>(&record.raw).ok());
        let field = "connection.default_acting_user_id";
        match known {
            None => Err(Error::invalid(
                field,
                "Lever has no such user: LeverService.ListUsers lists them",
            )),
            Some(user) if user.deactivated_at.is_some() => Err(Error::invalid(
                field,
                "this Lever user is deactivated: name an active one",
            )),
            Some(_) => Ok(()),
        }
    }

    /// Replaces the credential; everything else stays (F-06).
    ///
    /// # Errors
    /// Not found; precondition if Lever rejects the new one, or if it is of an account that another connection has and
    /// `again` does not say that this is meant; unavailable if Lever does not answer: the old one stays.
    pub async fn rotate_credential(
        &self,
        id: ConnectionId,
        credential: NewCredential,
        again: bool,
    ) -> Result<Connection> {
        self.rotate_by(id, credential, again, None).await
    }

    /// The same, for a link that is used up by it.
    pub(crate) async fn rotate_by(
        &self,
        id: ConnectionId,
        credential: NewCredential,
        again: bool,
        by_link: Option<LinkUse>,
    ) -> Result<Connection> {
        let connection = self.connection(id).await?;
        if let Some(disconnected) = &connection.disconnected {
            return Err(disconnected_error(disconnected));
        }
        let credential = self.obtain(&connection.environment, credential).await?;
        let shown = self.try_credential(&connection, &credential).await?;
        let linking = self.shared.linking.lock().await;
        if let Some(link) = by_link {
            self.still_open(&link.hash).await?;
        }
        if !again {
            self.refuse_twin(Some(id), &connection.environment, &credential, &shown)
                .await?;
        }
        let last_four = credential.last_four();
        let store = &self.shared.store;
        let now = self.shared.clock.now();
        let stored = match by_link {
            None => {
                let replaced = store.replace_credential(id, credential, last_four, now);
                replaced.await?
            }
            Some(link) => {
                let replaced = store.replace_credential_by_link(link, id, credential, last_four);
                replaced.await.map_err(|error| match error.kind() {
                    StoreErrorKind::Conflict => ended(),
                    _ => error.into(),
                })?
            }
        };
        drop(linking);
        match self.link(id) {
            Ok(link) => {
                let opened = credential::open(&self.shared, &stored, link.progress()).await?;
                link.set_credential(&self.shared.clients, opened)?;
                link.set_connection(stored.clone());
                link.issues.note_writes();
                link.force(Listing::ALL, RunCause::Settings);
                self.plan_below(link, BTreeSet::new());
            }
            Err(_) => {
                self.run(credential::link(&self.shared, stored.clone()).await?)
                    .await?
            }
        }
        tracing::info!(connection = %id, "credential replaced");
        Ok(stored)
    }

    /// Stops or resumes pulling.
    ///
    /// # Errors
    /// Not found.
    pub async fn set_paused(&self, id: ConnectionId, paused: bool) -> Result<()> {
        let link = self.link(id)?;
        let connection = self.connection(id).await?;
        if connection.paused == paused {
            return Ok(());
        }
        let stored = self
            .shared
            .store
            .update_connection(
                Connection {
                    paused,
                    ..connection
                },
                None,
            )
            .await?;
        link.set_connection(stored);
        Ok(())
    }

    /// Asks Lever one thing the connection needs anyway: an answer or a missing permission both prove the credential.
    /// A refusal counts in Lever's words only, since gateways and other services refuse with the same status.
    ///
    /// A grant of OAuth was proved when its tokens were had, and its code works only once: no answer is no obstacle.
    /// Gives what was shown of the account.
    async fn try_credential(
        &self,
        connection: &Connection,
        credential: &Obtained,
    ) -> Result<Shown> {
        let clients = &self.shared.clients;
        let client = clients.client(&connection.environment, credential.for_a_trial(), None)?;
        let client = client.with_limits(clients.impatient());
        let outcome = crate::read::first_page(&client, &connection.streams).await;
        let error = match outcome {
            Ok(shown) => return Ok(shown),
            Err(error) => error,
        };
        let not_lever = || {
            Err(Error::invalid(
                "connection.base_url",
                "the server answers, but not as Lever does: check the base URL (Lever's ends in /v1)",
            ))
        };
        match error.kind() {
            LeverErrorKind::Forbidden { .. } | LeverErrorKind::Unauthorized
                if error.is_from_a_stranger() =>
            {
                not_lever()
            }
            LeverErrorKind::Forbidden { .. } => Ok(Shown::default()),
            LeverErrorKind::Unauthorized => Err(Error::precondition(
                KEY_REJECTED,
                KEY_REJECTED_MESSAGE,
                Vec::new(),
            )),
            LeverErrorKind::NotFound
            | LeverErrorKind::Invalid { .. }
            | LeverErrorKind::Malformed => not_lever(),
            _ if credential.proved() => Ok(Shown::default()),
            _ => Err(error.into()),
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
            Some(connection) => Err(used_external_id(&connection.id.to_string())),
            None => Ok(()),
        }
    }
}

/// Refuses a connection that cannot come back, or not under this external id.
fn comes_back(former: &Connection, external_id: Option<&str>) -> Result<()> {
    if former.disconnected.is_none() {
        return Err(Error::precondition(
            "NOT_DISCONNECTED",
            "this connection is not disconnected: use RotateCredential (`fulcrum rotate-credential`) to give it a new key",
            vec![("connection_id", former.id.to_string())],
        ));
    }
    match (former.external_id.as_deref(), external_id) {
        (Some(own), Some(other)) if own != other => Err(Error::invalid(
            "connection.external_id",
            "the connection that is to come back has another external_id: leave it out",
        )),
        _ => Ok(()),
    }
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
    if let Some(strict_acting_user) = patch.strict_acting_user {
        connection.strict_acting_user = strict_acting_user;
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

/// Settings that can be wrong by themselves, as far as a request gives them.
///
/// The others are not looked at: an earlier version may have let in what is refused today.
#[derive(Default)]
struct Given<'a> {
    display_name: Option<&'a str>,
    external_id: Option<&'a str>,
    sync_start: Option<Timestamp>,
    default_acting_user: Option<&'a UserId>,
}

impl<'a> From<&'a NewConnection> for Given<'a> {
    fn from(new: &'a NewConnection) -> Given<'a> {
        Given {
            display_name: Some(&new.display_name),
            external_id: new.external_id.as_deref(),
            sync_start: new.sync_start,
            default_acting_user: new.default_acting_user.as_ref(),
        }
    }
}

impl<'a> From<&'a ConnectionPatch> for Given<'a> {
    fn from(patch: &'a ConnectionPatch) -> Given<'a> {
        Given {
            display_name: patch.display_name.as_deref(),
            external_id: patch.external_id.as_ref().and_then(Option::as_deref),
            sync_start: patch.sync_start.flatten(),
            default_acting_user: patch.default_acting_user.as_ref().and_then(Option::as_ref),
        }
    }
}

impl Given<'_> {
    /// Invalid, naming each bad field.
    fn check(&self, now: Timestamp) -> Result<()> {
        let start_fault = |start| start_fault(start, now);
        let faults = [
            ("display_name", self.display_name.and_then(name_fault)),
            ("external_id", self.external_id.and_then(name_fault)),
            ("sync_start_time", self.sync_start.and_then(start_fault)),
            (
                "default_acting_user_id",
                self.default_acting_user.and_then(user_fault),
            ),
        ];
        let violation = |(field, fault): (_, Option<String>)| {
            Some(Violation {
                field: format!("connection.{field}"),
                message: fault?,
            })
        };
        let violations: Vec<_> = faults.into_iter().filter_map(violation).collect();
        if violations.is_empty() {
            Ok(())
        } else {
            Err(Error::violations(violations))
        }
    }
}

/// What is wrong with the name of a connection, whether it is for people or the product's own.
fn name_fault(name: &str) -> Option<String> {
    if name.trim().is_empty() || name.chars().count() > LONGEST_NAME {
        Some(format!("give 1 to {LONGEST_NAME} characters"))
    } else if name.chars().any(is_unseen) {
        Some(UNSEEN_MESSAGE.to_owned())
    } else {
        None
    }
}

fn start_fault(start: Timestamp, now: Timestamp) -> Option<String> {
    if start < EARLIEST_START {
        let message = "give a day from 2000-01-01 on, before which Lever has nobody, or leave it out to mirror all";
        return Some(message.to_owned());
    }
    (start > now.plus(FARTHEST_START)).then(|| {
        "it is more than a day ahead, so that nothing would be mirrored: give a time that has come, \
         or leave it out to mirror all"
            .to_owned()
    })
}

fn user_fault(user: &UserId) -> Option<String> {
    let id = user.as_str();
    let fits = id.len() <= LONGEST_ID && lever::segment_fault(id).is_none();
    (!fits).then(|| {
        "this cannot be an id of Lever's: give that of a Lever user as ListUsers tells it, or leave it out"
            .to_owned()
    })
}

/// What hangs on other records is kept together with them only (S-08).
fn check_selection(streams: &BTreeSet<Stream>) -> Result<()> {
    let missing = |stream: &Stream| {
        let parent = stream.parent()?;
        (!streams.contains(&parent)).then_some((*stream, parent))
    };
    match streams.iter().find_map(missing) {
        Some((stream, parent)) => Err(Error::invalid(
            "connection.streams",
            format!("{stream} hang on {parent}: name {parent} too, or leave {stream} out"),
        )),
        None => Ok(()),
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
        "another connection has this external_id: use RotateCredential (`fulcrum rotate-credential`) to give it a \
         new key",
        vec![("connection_id", connection.to_owned())],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s08_what_hangs_on_other_records_is_kept_together_with_them_only() {
        let refused = |streams: &[Stream]| {
            let checked = check_selection(&streams.iter().copied().collect());
            checked.map_err(|error| error.to_string()).err()
        };
        assert_eq!(refused(&[Stream::Opportunities, Stream::Notes]), None);
        assert_eq!(refused(Stream::ALL), None);
        for (child, parent) in [
            (Stream::Notes, "opportunities"),
            (Stream::Contacts, "opportunities"),
            (Stream::PostingForms, "postings"),
        ] {
            let said = refused(&[Stream::Users, child]).unwrap();
            assert!(said.contains(parent), "{said}");
        }
    }

    /// The fields that are refused, in order.
    /// 2026-03-02.
    fn now() -> Timestamp {
        Timestamp::from_millis(1_772_409_600_000)
    }

    fn refused(given: &Given<'_>) -> Vec<String> {
        let Err(error) = given.check(now()) else {
            return Vec::new();
        };
        let crate::ErrorKind::Invalid { violations } = error.kind() else {
            panic!("{error:?}")
        };
        violations.iter().map(|bad| bad.field.clone()).collect()
    }

    #[test]
    fn a_name_is_one_line_without_control_characters() {
        let both = |name| Given {
            display_name: Some(name),
            external_id: Some(name),
            ..Given::default()
        };
        let longest = "\u{fc}".repeat(LONGEST_NAME);
        for good in ["Acme \u{2013} Z\u{fc}rich", "customer 7", "x", &longest] {
            assert!(refused(&both(good)).is_empty(), "{good:?}");
        }
        let long = "x".repeat(LONGEST_NAME + 1);
        let torn = [
            "a\nb",
            "a\r",
            "\t",
            "\u{1b}[31mred",
            "a\0",
            "\u{7f}",
            "a\u{85}b",
        ];
        for bad in ["", " ", &long, "a\u{202e}b"].iter().chain(&torn) {
            let fields = ["connection.display_name", "connection.external_id"];
            assert_eq!(refused(&both(bad)), fields, "{bad:?}");
        }
    }

    #[test]
    fn a_start_is_at_most_a_day_ahead_and_no_earlier_than_lever() {
        let starting = |at| Given {
            sync_start: Some(at),
            ..Given::default()
        };
        let day = now().plus(FARTHEST_START);
        assert!(refused(&starting(day)).is_empty());
        let later = day.plus(Duration::from_millis(1));
        assert_eq!(refused(&starting(later)), ["connection.sync_start_time"]);
        assert!(refused(&starting(EARLIEST_START)).is_empty());
        let earlier = Timestamp::from_millis(EARLIEST_START.as_millis() - 1);
        for early in [
            earlier,
            Timestamp::default(),
            Timestamp::from_millis(i64::MIN),
        ] {
            assert_eq!(refused(&starting(early)), ["connection.sync_start_time"]);
        }
    }

    #[test]
    fn an_acting_user_has_an_id_that_can_be_one() {
        for (id, good) in [
            ("u".repeat(LONGEST_ID), true),
            ("u".repeat(LONGEST_ID + 1), false),
            ("u\n".to_owned(), false),
            ("..".to_owned(), false),
        ] {
            let user = UserId::from(id);
            let given = Given {
                default_acting_user: Some(&user),
                ..Given::default()
            };
            let bad = refused(&given);
            assert_eq!(bad.is_empty(), good, "{user}");
            assert!(bad.iter().all(|f| f == "connection.default_acting_user_id"));
        }
    }

    #[test]
    fn an_update_answers_for_what_it_gives_alone() {
        assert!(refused(&Given::from(&ConnectionPatch::default())).is_empty());
        let patch = ConnectionPatch {
            external_id: Some(None),
            sync_start: Some(Some(Timestamp::from_millis(i64::MAX))),
            default_acting_user: Some(Some("..".into())),
            ..ConnectionPatch::default()
        };
        let fields = [
            "connection.sync_start_time",
            "connection.default_acting_user_id",
        ];
        assert_eq!(refused(&Given::from(&patch)), fields);
    }
}
