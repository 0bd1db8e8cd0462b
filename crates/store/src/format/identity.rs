//! Which opportunities have which identity key: sorted entries, packed tight, since a large account has millions.

use prost::Message;

use super::{Stored, version_1};

/// What stands for an identity key: the first 12 bytes of a keyed hash, so that none collide in an account of any size.
pub(crate) type KeyDigest = [u8; 12];

const WIDTH: usize = size_of::<KeyDigest>();

/// That an opportunity, by its packed id, has the key with this digest.
pub(crate) type IdentityEntry = (KeyDigest, Vec<u8>);

/// Entries in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct IdentityEntries {
    /// One behind the other.
    digests: Vec<u8>,
    /// Packed ids, one behind the other.
    ids: Vec<u8>,
    /// Their lengths.
    lengths: Vec<u32>,
}

impl IdentityEntries {
    /// From entries in their order.
    pub(crate) fn from_sorted<'e>(entries: impl IntoIterator<Item = &'e IdentityEntry>) -> Self {
        let mut packed = Self::default();
        for (digest, id) in entries {
            packed.digests.extend_from_slice(digest);
            packed.ids.extend_from_slice(id);
            // Ids are 1,024 bytes at most.
            packed
                .lengths
                .push(u32::try_from(id.len()).unwrap_or(u32::MAX));
        }
        packed
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.digests.chunks_exact(WIDTH).zip(self.ids_from(0))
    }

    /// The packed ids of the opportunities that have a key.
    pub(crate) fn find<'e>(&'e self, digest: &KeyDigest) -> impl Iterator<Item = &'e [u8]> {
        let first = self.first_at_least(digest);
        let digests = self.digests[first * WIDTH..].chunks_exact(WIDTH);
        let having = digests.take_while(|found| found == digest).count();
        // The lengths are summed up only where there is something to find.
        let ids = (having > 0).then(|| self.ids_from(first).take(having));
        ids.into_iter().flatten()
    }

    /// Whether there is an entry of a later key, so that all of this key are here.
    pub(crate) fn go_beyond(&self, digest: &KeyDigest) -> bool {
        let last = self.digests.chunks_exact(WIDTH).next_back();
        last.is_some_and(|last| last > &digest[..])
    }

    fn first_at_least(&self, digest: &KeyDigest) -> usize {
        let (mut low, mut high) = (0, self.lengths.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            match self.digests[middle * WIDTH..][..WIDTH] < digest[..] {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        low
    }

    fn ids_from(&self, first: usize) -> impl Iterator<Item = &[u8]> {
        let (before, lengths) = self.lengths.split_at(first);
        let mut at: usize = before.iter().map(|length| *length as usize).sum();
        lengths.iter().map(move |length| {
            let start = at;
            at += *length as usize;
            &self.ids[start..at]
        })
    }

    fn to_message(&self) -> EntriesV1 {
        EntriesV1 {
            digests: self.digests.clone(),
            ids: self.ids.clone(),
            lengths: self.lengths.clone(),
        }
    }

    fn from_message(stored: EntriesV1) -> Option<Self> {
        let whole = stored
            .lengths
            .iter()
            .map(|length| u64::from(*length))
            .sum::<u64>();
        let fits = stored.digests.len() == stored.lengths.len() * WIDTH
            && u64::try_from(stored.ids.len()) == Ok(whole);
        fits.then_some(Self {
            digests: stored.digests,
            ids: stored.ids,
            lengths: stored.lengths,
        })
    }
}

/// What one commit changed, to be folded into the leaves with others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct IdentityRun {
    pub(crate) added: IdentityEntries,
    pub(crate) removed: IdentityEntries,
}

/// A stretch of all entries of a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct IdentityLeaf(pub(crate) IdentityEntries);

#[derive(Clone, PartialEq, Message)]
struct EntriesV1 {
    #[prost(bytes = "vec", tag = "1")]
    digests: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    ids: Vec<u8>,
    #[prost(uint32, repeated, tag = "3")]
    lengths: Vec<u32>,
}

#[derive(Clone, PartialEq, Message)]
struct RunV1 {
    #[prost(message, optional, tag = "1")]
    added: Option<EntriesV1>,
    #[prost(message, optional, tag = "2")]
    removed: Option<EntriesV1>,
}

impl Stored for IdentityRun {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        RunV1 {
            added: Some(self.added.to_message()),
            removed: Some(self.removed.to_message()),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let stored: RunV1 = version_1(version, payload)?;
        Some(Self {
            added: IdentityEntries::from_message(stored.added.unwrap_or_default())?,
            removed: IdentityEntries::from_message(stored.removed.unwrap_or_default())?,
        })
    }
}

impl Stored for IdentityLeaf {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        self.0.to_message().encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let entries = IdentityEntries::from_message(version_1(version, payload)?)?;
        Some(Self(entries))
    }
}
