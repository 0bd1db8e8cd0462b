//! The bytes of keys.

use domain::hydration::Urgency;
use domain::identity::ContactPair;
use domain::{ConnectionId, IssueId, Listing, OperationId, Parent, Stream};
use lever::{ContactId, OpportunityId, StageId, Timestamp};

use super::identity::KeyDigest;
use crate::error::{Error, ErrorKind};

/// Where the store's own header is.
pub(crate) const HEADER: &[u8] = b"header";
/// Where the number of the last commit is.
pub(crate) const COMMIT: &[u8] = b"commit";

/// Where the version of the program is that wrote last.
pub(crate) const PROGRAM: &[u8] = b"program";
/// Where the number of the commit is before which no snapshot may be kept.
pub(crate) const SNAPSHOT_FLOOR: &[u8] = b"snapshot_floor";
/// Where the master keys of before are named.
pub(crate) const FORMER_KEYS: &[u8] = b"former_keys";

/// Where it stands that every candidacy has its identity keys.
pub(crate) const IDENTITIES: &[u8] = b"identities";
/// Where the secret of identity digests is.
pub(crate) const IDENTITY_SECRET: &[u8] = b"identity_secret";

/// The longest id that can be part of a key, in bytes. Lever's are UUIDs, slugs, and the texts of tags and sources.
const LONGEST_ID: usize = 1024;

/// The bytes of an id.
///
/// # Errors
/// [`ErrorKind::Invalid`] for an id that is empty, too long, or has a NUL in it: it could mix with others.
pub(crate) fn id(id: &str) -> Result<&[u8], Error> {
    let bytes = id.as_bytes();
    if bytes.is_empty() || bytes.len() > LONGEST_ID || bytes.contains(&0) {
        return Err(Error::new(
            ErrorKind::Invalid,
            "an id is empty, too long, or has a NUL in it",
        ));
    }
    Ok(bytes)
}

pub(crate) fn connection(connection: ConnectionId) -> Vec<u8> {
    connection.as_bytes().to_vec()
}

/// The connection that a key of its own tables begins with.
pub(crate) fn connection_of(key: &[u8]) -> Option<ConnectionId> {
    key.first_chunk().copied().map(ConnectionId::from_bytes)
}

pub(crate) fn mapping(connection: ConnectionId, version: u64) -> Vec<u8> {
    [&connection.as_bytes()[..], &version.to_be_bytes()].concat()
}

pub(crate) fn listing(connection: ConnectionId, listing: Listing) -> Vec<u8> {
    [&connection.as_bytes()[..], &[listing.tag()]].concat()
}

/// Begins the keys of all records of a stream.
pub(crate) fn stream(connection: ConnectionId, stream: Stream) -> Vec<u8> {
    [&connection.as_bytes()[..], &[stream.tag()]].concat()
}

pub(crate) fn record(connection: ConnectionId, of: Stream, record: &str) -> Result<Vec<u8>, Error> {
    Ok([&stream(connection, of), id(record)?].concat())
}

/// Where a quarantined record of that name is; the name begins with the stream.
pub(crate) fn quarantined(connection: ConnectionId, name: &[u8; 17]) -> Vec<u8> {
    [&connection.as_bytes()[..], name].concat()
}

pub(crate) fn candidacy(
    connection: ConnectionId,
    opportunity: &OpportunityId,
) -> Result<Vec<u8>, Error> {
    Ok([connection.as_bytes(), id(opportunity.as_str())?].concat())
}

/// Begins the keys of all active candidacies in a stage.
pub(crate) fn stage(connection: ConnectionId, stage: &StageId) -> Result<Vec<u8>, Error> {
    Ok([connection.as_bytes(), id(stage.as_str())?, &[0]].concat())
}

pub(crate) fn stage_entry(
    connection: ConnectionId,
    of: &StageId,
    entered_at: Timestamp,
    opportunity: &OpportunityId,
) -> Result<Vec<u8>, Error> {
    Ok([
        &stage(connection, of)?[..],
        &moment(entered_at),
        id(opportunity.as_str())?,
    ]
    .concat())
}

/// Begins the keys of all opportunities of a contact.
pub(crate) fn contact(connection: ConnectionId, contact: &ContactId) -> Result<Vec<u8>, Error> {
    Ok([connection.as_bytes(), id(contact.as_str())?, &[0]].concat())
}

pub(crate) fn contact_entry(
    connection: ConnectionId,
    of: &ContactId,
    opportunity: &OpportunityId,
) -> Result<Vec<u8>, Error> {
    Ok([&contact(connection, of)?[..], id(opportunity.as_str())?].concat())
}

/// Where it stands that two people are not one.
pub(crate) fn dismissal(connection: ConnectionId, pair: &ContactPair) -> Result<Vec<u8>, Error> {
    let second = id(pair.second().as_str())?;
    Ok([&contact(connection, pair.first())?[..], second].concat())
}

/// The two people of such a key.
pub(crate) fn dismissal_parts(key: &[u8]) -> Option<(ContactId, ContactId)> {
    let second = after_nul(key)?;
    let first = std::str::from_utf8(key.get(16..key.len() - second.len() - 1)?).ok()?;
    Some((ContactId::from(first), ContactId::from(second)))
}

/// Where it stands which Lever user a product user is.
pub(crate) fn user_link(connection: ConnectionId, email: &KeyDigest) -> Vec<u8> {
    [&connection.as_bytes()[..], email].concat()
}

/// Where an issue is.
pub(crate) fn issue(connection: ConnectionId, issue: IssueId) -> Vec<u8> {
    [&connection.as_bytes()[..], issue.as_bytes()].concat()
}

/// A run of identity entries.
pub(crate) fn identity_run(connection: ConnectionId, number: u64) -> Vec<u8> {
    [&connection.as_bytes()[..], &number.to_be_bytes()].concat()
}

/// The place of a leaf that begins with this entry, its opportunity packed; without one, before all of the digest.
pub(crate) fn identity_leaf(
    connection: ConnectionId,
    digest: &KeyDigest,
    opportunity: &[u8],
) -> Vec<u8> {
    [connection.as_bytes(), &digest[..], opportunity].concat()
}

/// Begins the keys of all records below a parent.
pub(crate) fn below(connection: ConnectionId, parent: &Parent) -> Result<Vec<u8>, Error> {
    Ok([&hydration(connection, parent)?[..], &[0]].concat())
}

/// Begins the keys of one stream's records below a parent.
pub(crate) fn list_below(
    connection: ConnectionId,
    parent: &Parent,
    of: Stream,
) -> Result<Vec<u8>, Error> {
    Ok([&below(connection, parent)?[..], &[of.tag()]].concat())
}

pub(crate) fn child(
    connection: ConnectionId,
    parent: &Parent,
    of: Stream,
    record: &str,
) -> Result<Vec<u8>, Error> {
    Ok([&list_below(connection, parent, of)?[..], id(record)?].concat())
}

/// The stream and the id of a `children` key, of which the first `below` bytes name the parent.
pub(crate) fn child_parts(key: &[u8], below: usize) -> Option<(Stream, &str)> {
    let stream = Stream::from_tag(*key.get(below)?)?;
    Some((stream, text_after(key, below + 1)?))
}

pub(crate) fn hydration(connection: ConnectionId, parent: &Parent) -> Result<Vec<u8>, Error> {
    record(connection, parent.stream(), parent.id())
}

/// Begins the keys of the parents that wait equally urgently.
pub(crate) fn urgency(connection: ConnectionId, urgency: Urgency) -> Vec<u8> {
    [&connection.as_bytes()[..], &[urgency.tag()]].concat()
}

/// Where a parent waits: the latest of equally urgent ones comes first.
pub(crate) fn waiting(
    connection: ConnectionId,
    of: Urgency,
    since: Timestamp,
    parent: &Parent,
) -> Result<Vec<u8>, Error> {
    let inverted = moment(since).map(|byte| !byte);
    Ok([
        &urgency(connection, of)[..],
        &inverted,
        &[parent.stream().tag()],
        id(parent.id())?,
    ]
    .concat())
}

/// The parent of a `hydration_queue` key.
pub(crate) fn waiting_parent(key: &[u8]) -> Option<Parent> {
    const PARENT: usize = 16 + 1 + 8;
    let stream = Stream::from_tag(*key.get(PARENT)?)?;
    Parent::new(stream, text_after(key, PARENT + 1)?)
}

/// Where the changes are whose last number is `sequence`; the first block after it holds the next number.
pub(crate) fn change(connection: ConnectionId, sequence: u64) -> Vec<u8> {
    [&connection.as_bytes()[..], &sequence.to_be_bytes()].concat()
}

pub(crate) fn operation(connection: ConnectionId, operation: OperationId) -> Vec<u8> {
    [&connection.as_bytes()[..], operation.as_bytes()].concat()
}

pub(crate) fn request_id(connection: ConnectionId, request: &str) -> Result<Vec<u8>, Error> {
    Ok([connection.as_bytes(), id(request)?].concat())
}

/// Begins the keys of all operations on an opportunity.
pub(crate) fn opportunity(
    connection: ConnectionId,
    opportunity: &OpportunityId,
) -> Result<Vec<u8>, Error> {
    Ok([connection.as_bytes(), id(opportunity.as_str())?, &[0]].concat())
}

pub(crate) fn opportunity_entry(
    connection: ConnectionId,
    of: &OpportunityId,
    operation: OperationId,
) -> Result<Vec<u8>, Error> {
    Ok([&opportunity(connection, of)?[..], operation.as_bytes()].concat())
}

pub(crate) fn run(
    connection: ConnectionId,
    began: Timestamp,
    listing: &str,
) -> Result<Vec<u8>, Error> {
    Ok([connection.as_bytes(), &moment(began)[..], id(listing)?].concat())
}

pub(crate) fn calls(connection: ConnectionId, first: Timestamp, number: u32) -> Vec<u8> {
    [
        connection.as_bytes(),
        &moment(first)[..],
        &number.to_be_bytes(),
    ]
    .concat()
}

/// The moment and the number of a `calls` key.
pub(crate) fn calls_parts(key: &[u8]) -> Option<(Timestamp, u32)> {
    let (at, number) = key.get(16..)?.split_first_chunk::<8>()?;
    Some((moment_of(*at), u32::from_be_bytes(number.try_into().ok()?)))
}

pub(crate) fn nudge(connection: ConnectionId, nudge: &[u8; 24]) -> Vec<u8> {
    [&connection.as_bytes()[..], nudge].concat()
}

pub(crate) fn nudge_token(connection: ConnectionId, digest: &[u8; 32]) -> Vec<u8> {
    [&connection.as_bytes()[..], digest].concat()
}

pub(crate) fn webhook(connection: ConnectionId, webhook: &str) -> Result<Vec<u8>, Error> {
    Ok([connection.as_bytes(), id(webhook)?].concat())
}

/// The text after the NUL that ends the first id of a key.
pub(crate) fn after_nul(key: &[u8]) -> Option<&str> {
    let rest = key.get(16..)?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    text_after(rest, end + 1)
}

/// The moment that begins at a place in a key.
pub(crate) fn moment_at(key: &[u8], at: usize) -> Option<Timestamp> {
    key.get(at..)?.first_chunk::<8>().copied().map(moment_of)
}

/// The number at the end of a key.
pub(crate) fn last_number(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().copied().map(u64::from_be_bytes)
}

/// The moment of its 8 bytes.
pub(crate) fn moment_of(bytes: [u8; 8]) -> Timestamp {
    Timestamp::from_millis(i64::from_be_bytes(bytes) ^ i64::MIN)
}

/// The 8 bytes of a moment; they sort like the moments.
pub(crate) fn moment(at: Timestamp) -> [u8; 8] {
    (at.as_millis() ^ i64::MIN).to_be_bytes()
}

/// The text after the first `prefix` bytes of a key; none when it is no text.
pub(crate) fn text_after(key: &[u8], prefix: usize) -> Option<&str> {
    std::str::from_utf8(key.get(prefix..)?).ok()
}

/// The operation id at the end of a key.
pub(crate) fn last_operation(key: &[u8]) -> Option<OperationId> {
    key.last_chunk::<16>()
        .map(|bytes| OperationId::from_bytes(*bytes))
}

/// The stage and the opportunity of a `by_stage` key.
pub(crate) fn stage_parts(key: &[u8]) -> Option<(StageId, OpportunityId)> {
    let rest = key.get(16..)?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    let stage = std::str::from_utf8(&rest[..end]).ok()?;
    let opportunity = std::str::from_utf8(rest.get(end + 1 + 8..)?).ok()?;
    Some((StageId::from(stage), OpportunityId::from(opportunity)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn c() -> ConnectionId {
        ConnectionId::new(Uuid::from_u128(1))
    }

    #[test]
    fn moments_sort_as_numbers_do() {
        let moments = [i64::MIN, -1, 0, 1, i64::MAX].map(|ms| moment(Timestamp::from_millis(ms)));
        assert!(moments.is_sorted());
        assert_eq!(
            moment_of(moment(Timestamp::from_millis(-7))).as_millis(),
            -7
        );
    }

    #[test]
    fn a_stage_whose_id_begins_another_does_not_mix_with_it() {
        let other = stage_entry(c(), &"ab".into(), Timestamp::from_millis(0), &"o".into()).unwrap();
        assert!(!other.starts_with(&stage(c(), &"a".into()).unwrap()));
        assert_eq!(stage_parts(&other), Some(("ab".into(), "o".into())));
    }

    #[test]
    fn ids_that_could_mix_are_refused() {
        for bad in ["", "a\0b", &"x".repeat(1025)] {
            assert_eq!(
                record(c(), Stream::Tags, bad).unwrap_err().kind(),
                &ErrorKind::Invalid
            );
        }
    }
}
