//! Values for unit tests.

use std::path::Path;

use domain::{Connection, ConnectionId, Environment, Region, Stream};
use lever::Timestamp;
use store::{Options, Store};

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

/// Chooses what TLS is made with, which the program does in `main`.
pub(crate) fn install_crypto() {
    // An error only says that it was chosen before.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
