//! Values for unit tests.

use std::path::Path;

use domain::operation::State;
use domain::{
    ActingBecause, Candidacy, Connection, ConnectionId, Environment, Operation, OperationId,
    Region, Stream, Write,
};
use lever::{BudgetConfig, OpportunityId, Timestamp};
use secrecy::SecretString;
use store::{Incoming, Options, Refresh, Store};
use tempfile::TempDir;

use crate::push::new_id;
use crate::{Clock, Engine, PullSettings, Settings};

/// A connection that keeps `streams` and leaves nothing out, made at `created_at`.
pub(crate) fn connection(streams: &[Stream], created_at: Timestamp) -> Connection {
    Connection {
        id: ConnectionId::from_bytes([0; 16]),
        display_name: String::new(),
        external_id: None,
        environment: Environment::Region(Region::Global),
        streams: streams.iter().copied().collect(),
        sync_start: None,
        include_archived: true,
        include_snoozed: true,
        default_acting_user: None,
        strict_acting_user: false,
        excluded_fields: Default::default(),
        include_secret_notes: false,
        webhooks: false,
        paused: false,
        disconnected: None,
        key_last_four: String::new(),
        credential_since: None,
        created_at,
        revision: 1,
    }
}

/// A store in an empty folder.
pub(crate) async fn store(folder: &Path) -> Store {
    let folder = folder.to_owned();
    let options = Options {
        open_floor_bytes: 0,
        write_floor_bytes: 0,
        backfill_floor_bytes: 0,
        reserve_bytes: 0,
        ..Options::default()
    };
    let opened = tokio::task::spawn_blocking(move || Store::open(&folder, options));
    opened.await.expect("opened").expect("a store")
}

/// A record as a pull brings it.
pub(crate) fn incoming(stream: Stream, id: &str, raw: &str) -> Incoming {
    Incoming {
        stream,
        id: id.to_owned(),
        raw: raw.to_owned(),
        updated_at: None,
        rank: 0,
        candidacy: None,
        identity: std::collections::BTreeSet::new(),
        posting_state: None,
        parent: None,
    }
}

/// The same of an opportunity, with its candidacy.
pub(crate) fn opportunity(id: &str, raw: &str) -> Incoming {
    let read = serde_json::from_str(raw).expect("an opportunity");
    Incoming {
        candidacy: Some(Candidacy::from_lever(&read, None)),
        ..incoming(Stream::Opportunities, id, raw)
    }
}

/// An engine that asks Lever nothing, with one connection and these records in its mirror.
pub(crate) async fn engine(folder: &Path, records: Vec<Incoming>) -> (Engine, ConnectionId) {
    install_crypto();
    let store = store(folder).await;
    let connection = connection(Stream::DEFAULT, Timestamp::default());
    let id = connection.id;
    let key = SecretString::from("k");
    let created = store.create_connection(connection, key).await;
    created.expect("a connection");
    let shown = Refresh {
        connection: id,
        requested_at: Timestamp::default(),
        now: Timestamp::default(),
        records,
        deleted: Vec::new(),
        quarantined: Vec::new(),
        policy: Default::default(),
    };
    store.apply_refresh(shown).await.expect("applied");
    let mut settings = Settings::default();
    settings.pull.enabled = false;
    let engine = Engine::start(store, settings, Clock::system()).await;
    (engine.expect("an engine"), id)
}

/// An engine with one connection that is linked to nothing, and that nothing is pulled of.
///
/// Dropping the folder takes the store away.
pub(crate) async fn unlinked(budget: BudgetConfig) -> (TempDir, Engine, ConnectionId) {
    let settings = Settings {
        budget,
        ..Settings::default()
    };
    unlinked_with(settings).await
}

/// [`unlinked`], with these settings for all that has to do with writes.
pub(crate) async fn unlinked_with(settings: Settings) -> (TempDir, Engine, ConnectionId) {
    install_crypto();
    let folder = TempDir::new().expect("a folder");
    let store = store(folder.path()).await;
    let connection = Connection {
        // Nobody listens there.
        environment: Environment::BaseUrl("http://127.0.0.1:1/v1".to_owned()),
        ..connection(&[], Timestamp::default())
    };
    let id = connection.id;
    let key = SecretString::from("k");
    let created = store.create_connection(connection, key).await;
    created.expect("a connection");
    let settings = Settings {
        allow_base_url: true,
        pull: PullSettings {
            enabled: false,
            ..PullSettings::default()
        },
        ..settings
    };
    let clock = Clock::new(Timestamp::default);
    let engine = Engine::start(store, settings, clock).await;
    (folder, engine.expect("an engine"), id)
}

/// A write that has just been asked for.
pub(crate) fn operation(connection: ConnectionId, request_id: &str, write: Write) -> Operation {
    let at = Timestamp::default();
    Operation {
        id: OperationId::new(new_id()),
        connection,
        parent: None,
        opportunity: OpportunityId::from("o"),
        request_id: request_id.to_owned(),
        digest: [0; 32],
        write,
        steps: Vec::new(),
        state: State::Recorded { not_before: None },
        attempts: Vec::new(),
        result_id: None,
        answer: None,
        acting_user: None,
        acting_because: ActingBecause::Nobody,
        passed_over: None,
        asked_for: None,
        found: Vec::new(),
        left_out: Vec::new(),
        marker: at,
        asked_by: String::new(),
        created_at: at,
        queued_at: at,
        minds_provenance: false,
        acted_before: Vec::new(),
        unseen: None,
        restored_at: None,
        rpc: None,
        updated_at: at,
        revision: 1,
    }
}

/// Chooses what TLS is made with, which the program does in `main`.
pub(crate) fn install_crypto() {
    // An error only says that it was chosen before.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
