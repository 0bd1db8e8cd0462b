//! How everything is stored. Changing a value means a new version, a reader for the old one, and a fixture.
//!
//! A value is `[version 1][CRC-32 of version and payload, little-endian 4][payload]`; payloads are protobuf
//! messages of this module, except documents, which are zstd frames. Values over 64 KB are cut into pieces.
//! Numbers in keys are big-endian; moments have their sign bit flipped, so that they sort.
//! `c` is the 16 bytes of a connection; ids are Lever's text, ended by a NUL where something follows.
//!
//! | table | key | value | version |
//! |---|---|---|---|
//! | `meta` | `header` / `commit` | [`Header`] / [`Counter`] | 1 |
//! | `meta` | `identity_secret` / `identities` | [`Secret`]: sealed / [`Counter`]: every candidacy has its digests | 1 |
//! | `meta` | `program` / `snapshot_floor` | [`Label`]: version of the program that wrote last / [`Counter`]: the commit before which no snapshot may be kept | 1 |
//! | `meta` | `former_keys` | [`FormerKeys`]: master keys of before, and how far they were replaced | 1 |
//! | `connections` | c | connection settings | 5 |
//! | `external_ids` | external id | [`Owner`]: c | 1 |
//! | `credentials` | c | [`SealedCredential`]: API key or OAuth tokens, a generation, and whether a renewal is under way | 3 |
//! | `purges` | c | empty: the data of a deleted connection are being removed | - |
//! | `tokens` | SHA-256 of the token, 32 | token record | 1 |
//! | `mappings`, `field_mappings`, `export_settings` | c, version 8 | mapping version: of the stages, of the fields, of exports | 1 |
//! | `listings` | c, listing 1 | cursor, last success, last error | 1 |
//! | `heads` | c, stream 1, id | [`Head`]: stamps, digest and parent of a record, and its document up to 2 KB | 3 |
//! | `documents` | c, stream 1, id | [`Document`]: Lever's JSON, zstd level 1, over 2 KB | 1 |
//! | `candidacies` | c, opportunity | [`Indexed`]: compact candidacy, digests of its identity keys | 3 |
//! | `by_stage` | c, stage NUL, entered at 8, opportunity | empty: active candidacies | - |
//! | `by_contact` | c, contact NUL, opportunity | empty | - |
//! | `counts` | c, stream 1 | [`Counter`]: live records | 1 |
//! | `sequences` | c | [`Counter`]: number of the last change | 1 |
//! | `changes` | c, last sequence 8 | [`ChangeBlock`]: changes that were made together | 2 |
//! | `quarantine` | c, stream 1, half the digest of the parent 8, half that of the id or the text 8 | quarantined record | 2 |
//! | `operations` | c, operation 16 | [`KeptOperation`]: sealed operation of version 5, and whether it is settled | 128 |
//! | `open_operations` | c, operation 16 | empty: those not settled | - |
//! | `uncertain_operations` | c, operation 16 | empty: those of which nobody can tell | - |
//! | `request_ids` | c, request id | [`Owner`]: operation | 1 |
//! | `by_opportunity` | c, opportunity NUL, operation 16 | empty | - |
//! | `pieces` | key, table name, piece 4 | up to 64 KB of a long value | - |
//! | `children` | c, parent stream 1, parent NUL, stream 1, id | empty: live records below a parent | - |
//! | `hydrations` | c, parent stream 1, parent | [`Hydration`](domain::Hydration): lists read and wanted | 1 |
//! | `hydration_queue` | c, urgency 1, inverted time 8, parent stream 1, parent | empty: parents with wanted lists | - |
//! | `backlogs` | c | [`Backlog`](domain::Backlog): wanted lists by stream | 1 |
//! | `stream_states` | c, stream 1 | how the reading of a stream without a listing goes | 1 |
//! | `runs` | c, began 8, listing | run | 1 |
//! | `calls` | c, first call 8, number 4 | [`CallBlock`]: calls to Lever that were noted together, zstd level 1 | 2 |
//! | `nudges` | c, arrived 8, half of the token digest 16 | nudge | 1 |
//! | `nudge_tokens` | c, SHA-256 of a delivery's token 32 | [`Moment`]: when it arrived | 1 |
//! | `webhooks` | c, Lever's id | [`Secret`]: sealed event and signature token | 1 |
//! | `webhook_tokens` | c | [`Secret`]: sealed signature tokens of an admin | 1 |
//! | `schedules` | c, listing 1 | schedule | 1 |
//! | `quarantine_counts` | c | how many are kept, how many were dropped | 1 |
//! | `change_floors` | c | [`Counter`]: number of the last change that was pruned | 1 |
//! | `eeo_heads`, `eeo_documents`, `eeo_counts` | as without `eeo_` | the same, for EEO responses only | 1 |
//! | `hidings` | c | empty: confidential records are hidden, since the key may not see them | - |
//! | `contact_aliases` | c, former contact | [`Alias`]: the contact that has its opportunities now | 1 |
//! | `identity_runs` | c, number 8 | [`IdentityRun`]: what a commit changed about who has which identity key | 1 |
//! | `identity_leaves` | c, digest 12, packed opportunity; the first: c | [`IdentityLeaf`]: a stretch of all entries | 1 |
//! | `dismissals` | c, contact NUL, contact; the lesser id first | [`Dismissal`](crate::Dismissal): who told the two apart, and when | 1 |
//! | `user_links` | c, digest of the product user's e-mail 12 | [`UserLink`](crate::UserLink): e-mail, Lever user, who linked them, and when | 1 |
//! | `issues` | c, issue 16 | [`Issue`](domain::Issue): a problem, its words, and what became of it | 1 |
//! | `connect_links` | SHA-256 of the link's secret, 32 | [`ConnectLink`](crate::ConnectLink): what it is for, who made it, and what became of it | 1 |
//! | `permission_reports` | c | [`PermissionReport`](crate::PermissionReport): what the last check of the credential told | 1 |
//! | `forgets` | c, opportunity | [`Forget`]: what is still to be removed of a person | 1 |
//!
//! Inside values an id that is a UUID takes 17 bytes: a NUL and the 16 bytes.

mod calls;
mod candidacy;
mod change;
mod connect_link;
mod connection;
mod credential;
mod dismissal;
mod forget;
mod former_keys;
pub(crate) mod frame;
mod hydration;
mod id;
mod identity;
mod issue;
mod kept_operation;
pub(crate) mod key;
mod listing;
mod mapping;
mod nudge;
mod operation;
mod ours;
mod permission_report;
mod pieces;
mod quarantine;
mod record;
mod run;
mod schedule;
mod sla_mark;
mod small;
#[cfg(test)]
mod tests;
mod texts;
mod token;
mod user_link;
mod zip;

pub(crate) use calls::CallBlock;
pub(crate) use candidacy::Indexed;
pub(crate) use change::ChangeBlock;
pub(crate) use credential::{CredentialForm, SealedCredential, open_credential, plain_credential};
pub(crate) use forget::Forget;
pub(crate) use former_keys::{FormerKey, FormerKeys, SealPlace};
pub(crate) use id::{pack, unpack};
pub(crate) use identity::{IdentityEntries, IdentityEntry, IdentityLeaf, IdentityRun, KeyDigest};
pub(crate) use kept_operation::KeptOperation;
pub(crate) use pieces::Pieces;
pub(crate) use record::{Document, Head, digest};
pub(crate) use sla_mark::SlaTold;
pub(crate) use small::{Alias, Counter, Header, Label, Moment, Owner, Secret};
pub(crate) use texts::{open_texts, plain_texts};
pub(crate) use zip::{compress, store_plain};

/// The version of the whole layout; a store with a higher one is refused.
pub(crate) const STORE_VERSION: u32 = 1;

/// A value with a stored form.
pub(crate) trait Stored: Sized {
    /// The version that is written.
    const VERSION: u8;

    /// The payload in that version.
    fn to_payload(&self) -> Vec<u8>;

    /// Reads a payload of any version there ever was; none when it makes no sense.
    fn from_payload(version: u8, payload: &[u8]) -> Option<Self>;
}

/// Decodes version 1 of a protobuf payload.
fn version_1<M: prost::Message + Default>(version: u8, payload: &[u8]) -> Option<M> {
    versions_to(1, version, payload)
}

/// Decodes a protobuf payload whose versions up to `newest` differ in added fields only.
fn versions_to<M: prost::Message + Default>(newest: u8, version: u8, payload: &[u8]) -> Option<M> {
    (1..=newest)
        .contains(&version)
        .then(|| M::decode(payload).ok())
        .flatten()
}
