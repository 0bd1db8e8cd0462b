//! Nudges: verified webhooks, kept until the pull they ask for is done.

use std::fmt;
use std::time::Duration;

use domain::ConnectionId;
use lever::{ContactId, OpportunityId, Timestamp};

use crate::draft::Draft;
use crate::error::Error;
use crate::format::{Moment, key};
use crate::store::Store;
use crate::table::Table;

/// How long the digest of a delivery is remembered.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(7 * 24 * 3600);

/// A reason to look, taken from a verified webhook: ids only, never its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nudge {
    /// The event, in Lever's words.
    pub event: String,
    /// The opportunity it is about.
    pub opportunity: Option<OpportunityId>,
    /// The contact it is about.
    pub contact: Option<ContactId>,
    /// The interview it is about.
    pub interview: Option<String>,
    /// When it arrived.
    pub at: Timestamp,
}

/// Names a nudge in the queue.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NudgeId([u8; Self::LENGTH]);

impl NudgeId {
    /// Eight bytes of time, sixteen of the digest.
    const LENGTH: usize = 24;

    fn new(at: Timestamp, token_digest: &[u8; 32]) -> Self {
        let mut id = [0; Self::LENGTH];
        id[..8].copy_from_slice(&key::moment(at));
        id[8..].copy_from_slice(&token_digest[..16]);
        Self(id)
    }
}

impl fmt::Debug for NudgeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It is in the queue.
    New(NudgeId),
    /// The same delivery came before; nothing was written.
    Replayed,
}

impl Store {
    /// Puts a nudge in the queue, unless the same delivery came within the last seven days.
    ///
    /// `token_digest` is the SHA-256 of the delivery's token, which Lever makes anew for each.
    /// When this returns, the nudge survives everything the store survives.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) without such a connection, or when it is disconnected.
    pub async fn record_nudge(
        &self,
        connection: ConnectionId,
        token_digest: [u8; 32],
        nudge: Nudge,
    ) -> Result<Recorded, Error> {
        self.commit(move |draft| record(draft, connection, &token_digest, &nudge))
            .await
    }

    /// Lists up to `limit` nudges, the oldest first.
    ///
    /// # Errors
    /// As every read.
    pub async fn nudges(
        &self,
        connection: ConnectionId,
        limit: usize,
    ) -> Result<Vec<(NudgeId, Nudge)>, Error> {
        let prefix = key::connection(connection);
        self.read(move |tables| {
            let mut nudges = Vec::new();
            for entry in tables.scan(Table::Nudges, &prefix).take(limit) {
                let (key, value) = entry?;
                let id = *key
                    .last_chunk()
                    .ok_or_else(|| Error::corrupt(Table::Nudges))?;
                let nudge: Option<Nudge> = tables.value(Table::Nudges, Ok((key, value)))?;
                nudges.extend(nudge.map(|nudge| (NudgeId(id), nudge)));
            }
            Ok(nudges)
        })
        .await
    }

    /// Takes nudges out of the queue; those not there are ignored.
    ///
    /// # Errors
    /// As every write.
    pub async fn settle_nudges(
        &self,
        connection: ConnectionId,
        ids: Vec<NudgeId>,
    ) -> Result<(), Error> {
        self.commit(move |draft| {
            for NudgeId(id) in &ids {
                let key = key::nudge(connection, id);
                if draft.contains(Table::Nudges, &key)? {
                    draft.remove(Table::Nudges, key);
                }
            }
            Ok(())
        })
        .await
    }
}

fn record(
    draft: &mut Draft<'_>,
    connection: ConnectionId,
    token_digest: &[u8; 32],
    nudge: &Nudge,
) -> Result<Recorded, Error> {
    draft.require_connection(connection)?;
    let seen_key = key::nudge_token(connection, token_digest);
    if let Some(Moment(seen)) = draft.get(Table::NudgeTokens, &seen_key)?
        && nudge.at.since(seen) <= REMEMBERED
    {
        return Ok(Recorded::Replayed);
    }
    let id = NudgeId::new(nudge.at, token_digest);
    draft.put(Table::NudgeTokens, seen_key, &Moment(nudge.at));
    draft.put(Table::Nudges, key::nudge(connection, &id.0), nudge);
    Ok(Recorded::New(id))
}
