//! One linked Lever account.

use std::collections::BTreeSet;
use std::time::Duration;

use lever::{Timestamp, UserId};

use crate::id::our_id;
use crate::{ExcludedField, Stream};

our_id! {
    /// Our own id of a connection; the first part of every stored key.
    ConnectionId
}

/// Where Lever keeps an account's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Region {
    /// `api.lever.co`.
    Global,
    /// `api.eu.lever.co`.
    Eu,
    /// `api.sandbox.lever.co`: made-up people, separate keys.
    Sandbox,
}

/// Which server a connection talks to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Environment {
    /// One of Lever's own.
    Region(Region),
    /// Any other server, such as the simulator; only where the operator allows it.
    BaseUrl(String),
}

/// That a connection is disconnected: its credential is gone, nothing is called, and its mirror still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disconnected {
    /// Since when.
    pub at: Timestamp,
    /// When the mirror goes too, unless the account is connected again before.
    pub purge_at: Timestamp,
    /// How many of our webhooks Lever may still have; none where Lever could not be asked.
    pub webhooks_left: Option<u32>,
}

impl Disconnected {
    /// How long the mirror outlives the connection.
    pub const KEPT: Duration = Duration::from_secs(14 * 24 * 3600);

    /// Disconnected at `at`, with every webhook removed from Lever.
    pub fn at(at: Timestamp) -> Disconnected {
        Disconnected {
            at,
            purge_at: at.plus(Self::KEPT),
            webhooks_left: Some(0),
        }
    }
}

/// One linked Lever account: settings only; the credential is kept apart, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Our id.
    pub id: ConnectionId,
    /// A name for people.
    pub display_name: String,
    /// The product's own id for this customer; unique when present.
    pub external_id: Option<String>,
    /// Which server it talks to.
    pub environment: Environment,
    /// The streams it keeps.
    pub streams: BTreeSet<Stream>,
    /// Records created before this are left out.
    pub sync_start: Option<Timestamp>,
    /// Whether archived opportunities are mirrored.
    pub include_archived: bool,
    /// Whether snoozed opportunities are mirrored.
    pub include_snoozed: bool,
    /// The Lever user named on writes when nobody better is known.
    pub default_acting_user: Option<UserId>,
    /// Whether a write for a product user who is no active Lever user is refused instead of made for somebody else.
    pub strict_acting_user: bool,
    /// Fields that are taken out of documents before they are stored or shown.
    pub excluded_fields: BTreeSet<ExcludedField>,
    /// Whether secret notes are kept and shown.
    pub include_secret_notes: bool,
    /// Whether webhooks are to be registered in Lever.
    pub webhooks: bool,
    /// Whether pulling is stopped until somebody resumes it.
    pub paused: bool,
    /// Since when it is disconnected; its mirror is kept for a while.
    pub disconnected: Option<Disconnected>,
    /// The last four characters of the key, for recognizing it.
    pub key_last_four: String,
    /// Since when its present credential is used; none for one that was given before this was kept, and for none.
    pub credential_since: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Counts changes of the settings; the etag.
    pub revision: u64,
}

impl Connection {
    /// Whether a stream is kept.
    pub fn keeps(&self, stream: Stream) -> bool {
        self.streams.contains(&stream)
    }
}
