//! Settings of connections.

use domain::{Connection, ConnectionId, Disconnected, Environment, ExcludedField, Region, Stream};
use lever::Timestamp;
use prost::Message;

use super::id::{pack, unpack_option};
use super::{Stored, versions_to};

/// Version 1 has everything up to `revision`, version 2 up to `disconnected`, versions 3 and 4 up to
/// `credential_since`; what came after reads as nothing excluded, nothing switched on, a credential of unknown age, and
/// no webhook left.
#[derive(Clone, PartialEq, Message)]
struct ConnectionV5 {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
    #[prost(string, tag = "2")]
    display_name: String,
    #[prost(string, optional, tag = "3")]
    external_id: Option<String>,
    /// 0 when there is a base URL.
    #[prost(uint32, tag = "4")]
    region: u32,
    #[prost(string, tag = "5")]
    base_url: String,
    /// The tags of the streams.
    #[prost(bytes = "vec", tag = "6")]
    streams: Vec<u8>,
    #[prost(int64, optional, tag = "7")]
    sync_start: Option<i64>,
    #[prost(bool, tag = "8")]
    include_archived: bool,
    #[prost(bool, tag = "9")]
    include_snoozed: bool,
    #[prost(bytes = "vec", optional, tag = "10")]
    default_acting_user: Option<Vec<u8>>,
    #[prost(bool, tag = "11")]
    paused: bool,
    #[prost(string, tag = "12")]
    key_last_four: String,
    #[prost(int64, tag = "13")]
    created_at: i64,
    #[prost(uint64, tag = "14")]
    revision: u64,
    #[prost(string, repeated, tag = "15")]
    excluded_fields: Vec<String>,
    #[prost(bool, tag = "16")]
    include_secret_notes: bool,
    #[prost(bool, tag = "17")]
    webhooks: bool,
    #[prost(message, optional, tag = "18")]
    disconnected: Option<DisconnectedV4>,
    #[prost(int64, optional, tag = "19")]
    credential_since: Option<i64>,
    #[prost(bool, tag = "20")]
    strict_acting_user: bool,
}

#[derive(Clone, PartialEq, Message)]
struct DisconnectedV4 {
    #[prost(int64, tag = "1")]
    at: i64,
    #[prost(int64, tag = "2")]
    purge_at: i64,
    #[prost(uint32, tag = "3")]
    webhooks_left: u32,
    /// Whether nobody knows how many are left.
    #[prost(bool, tag = "4")]
    webhooks_unknown: bool,
}

impl Stored for Connection {
    const VERSION: u8 = 5;

    fn to_payload(&self) -> Vec<u8> {
        let (region, base_url) = match &self.environment {
            Environment::Region(region) => (region_number(*region), String::new()),
            Environment::BaseUrl(url) => (0, url.clone()),
        };
        ConnectionV5 {
            id: self.id.as_bytes().to_vec(),
            display_name: self.display_name.clone(),
            external_id: self.external_id.clone(),
            region,
            base_url,
            streams: self.streams.iter().map(|stream| stream.tag()).collect(),
            sync_start: self.sync_start.map(Timestamp::as_millis),
            include_archived: self.include_archived,
            include_snoozed: self.include_snoozed,
            default_acting_user: self
                .default_acting_user
                .as_ref()
                .map(|user| pack(user.as_str())),
            paused: self.paused,
            key_last_four: self.key_last_four.clone(),
            created_at: self.created_at.as_millis(),
            revision: self.revision,
            excluded_fields: self
                .excluded_fields
                .iter()
                .map(ToString::to_string)
                .collect(),
            include_secret_notes: self.include_secret_notes,
            webhooks: self.webhooks,
            disconnected: self.disconnected.map(|disconnected| DisconnectedV4 {
                at: disconnected.at.as_millis(),
                purge_at: disconnected.purge_at.as_millis(),
                webhooks_left: disconnected.webhooks_left.unwrap_or_default(),
                webhooks_unknown: disconnected.webhooks_left.is_none(),
            }),
            credential_since: self.credential_since.map(Timestamp::as_millis),
            strict_acting_user: self.strict_acting_user,
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let stored: ConnectionV5 = versions_to(Self::VERSION, version, payload)?;
        let environment = match stored.region {
            0 => Environment::BaseUrl(stored.base_url),
            number => Environment::Region(region_of(number)?),
        };
        Some(Connection {
            id: ConnectionId::from_bytes(stored.id.try_into().ok()?),
            display_name: stored.display_name,
            external_id: stored.external_id,
            environment,
            streams: stored
                .streams
                .into_iter()
                .map(Stream::from_tag)
                .collect::<Option<_>>()?,
            sync_start: stored.sync_start.map(Timestamp::from_millis),
            include_archived: stored.include_archived,
            include_snoozed: stored.include_snoozed,
            default_acting_user: unpack_option(stored.default_acting_user)?,
            strict_acting_user: stored.strict_acting_user,
            excluded_fields: stored
                .excluded_fields
                .iter()
                .map(|field| ExcludedField::from_stored(field))
                .collect::<Option<_>>()?,
            include_secret_notes: stored.include_secret_notes,
            webhooks: stored.webhooks,
            paused: stored.paused,
            key_last_four: stored.key_last_four,
            credential_since: stored.credential_since.map(Timestamp::from_millis),
            created_at: Timestamp::from_millis(stored.created_at),
            revision: stored.revision,
            disconnected: stored.disconnected.map(|disconnected| Disconnected {
                at: Timestamp::from_millis(disconnected.at),
                purge_at: Timestamp::from_millis(disconnected.purge_at),
                webhooks_left: (!disconnected.webhooks_unknown)
                    .then_some(disconnected.webhooks_left),
            }),
        })
    }
}

pub(super) fn region_number(region: Region) -> u32 {
    match region {
        Region::Global => 1,
        Region::Eu => 2,
        Region::Sandbox => 3,
    }
}

pub(super) fn region_of(number: u32) -> Option<Region> {
    Some(match number {
        1 => Region::Global,
        2 => Region::Eu,
        3 => Region::Sandbox,
        _ => return None,
    })
}
