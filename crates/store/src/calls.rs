//! The log of calls to Lever: what was called, how it was answered, how long it took. Nothing personal.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::{ConnectionId, OperationId};
use lever::Timestamp;

use crate::draft::Draft;
use crate::error::Error;
use crate::format::{CallBlock, key};
use crate::store::Store;
use crate::table::{Table, Tables};

/// How far apart the calls of one block are at most.
pub(crate) const BLOCK_SPAN: Duration = Duration::from_secs(300);
/// How many calls one block has at most.
const BLOCK_CALLS: usize = 1000;
/// How many calls [`Store::experience`] looks at, the newest first: some seconds of reading at worst.
const MOST_EXPERIENCE: usize = 1_000_000;

/// One attempt of a call to Lever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiCall {
    /// When it was sent.
    pub at: Timestamp,
    /// The operation id of Lever's API description.
    pub operation: String,
    /// The HTTP method.
    pub method: String,
    /// The path template, with the names of parameters in place of their values.
    pub path: String,
    /// The HTTP status; none when no answer came.
    pub status: Option<u16>,
    /// From sending to the end of the answer.
    pub elapsed_ms: u64,
    /// How long the rate budget kept it before it was sent.
    pub waited_ms: u64,
    /// Which attempt of the call it was, from 1.
    pub attempt: u32,
    /// The lane it went in.
    pub lane: String,
    /// The operation it was made for, when it was made for one.
    pub write: Option<OperationId>,
    /// The id of the rpc that caused it; none for what is done by itself.
    pub rpc: Option<String>,
    /// Whether it was made to find out what the credential may do: what it asks for is not there, and need not be allowed.
    pub permission_test: bool,
}

impl ApiCall {
    /// Whether there was no answer, or one that says no; to a test of permissions a no is what it asked for.
    fn failed(&self) -> bool {
        match self.status {
            None => true,
            Some(400 | 403 | 404 | 422) if self.permission_test => false,
            Some(status) => status >= 400,
        }
    }
}

/// Which calls are listed; nothing set lists all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallFilter {
    /// Only those sent at or after this.
    pub from: Option<Timestamp>,
    /// Only those sent before this.
    pub until: Option<Timestamp>,
    /// Only those of this operation id.
    pub operation: Option<String>,
    /// Only those of one of these operation ids.
    pub among: Option<BTreeSet<&'static str>>,
    /// Only those answered so.
    pub answered: Option<Answered>,
    /// Only those made for this operation, or for the items of this bulk.
    pub write: Option<OperationId>,
    /// Only those caused by the rpc of this id.
    pub rpc: Option<String>,
}

/// How calls were answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// With this HTTP status.
    With(u16),
    /// Not at all.
    NotAtAll,
    /// Not at all, or with a status of 400 or more; but for what a test of permissions finds out by.
    NotWell,
}

/// What calls of one operation came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Experience {
    /// When the newest one was sent that Lever did (2xx).
    pub succeeded_at: Option<Timestamp>,
    /// When the newest one was sent that Lever did not allow (403).
    pub refused_at: Option<Timestamp>,
}

impl Experience {
    /// Takes note of an older call, or of a newer one.
    fn note(&mut self, call: &ApiCall) {
        match call.status {
            Some(200..=299) => self.succeeded_at = self.succeeded_at.max(Some(call.at)),
            Some(403) => self.refused_at = self.refused_at.max(Some(call.at)),
            _ => {}
        }
    }
}

impl CallFilter {
    fn takes(&self, call: &ApiCall) -> bool {
        let answered = match self.answered {
            None => true,
            Some(Answered::With(status)) => call.status == Some(status),
            Some(Answered::NotAtAll) => call.status.is_none(),
            Some(Answered::NotWell) => call.failed(),
        };
        answered
            && self.from.is_none_or(|from| call.at >= from)
            && self.until.is_none_or(|until| call.at < until)
            && self
                .operation
                .as_ref()
                .is_none_or(|operation| *operation == call.operation)
            && self
                .among
                .as_ref()
                .is_none_or(|among| among.contains(call.operation.as_str()))
            && self.write.is_none_or(|write| {
                call.write
                    .is_some_and(|made_for| made_for == write || made_for.is_item_of(write))
            })
            && (self.rpc.is_none() || self.rpc == call.rpc)
    }
}

/// A place in the list of calls; it stays good while its calls are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallMark {
    /// When the first call of the block was sent.
    began: Timestamp,
    /// Tells blocks that began at the same moment apart.
    number: u32,
    /// How many calls of the block were given.
    given: u32,
}

impl CallMark {
    /// The mark as bytes, for page tokens.
    pub fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.began.as_millis().to_be_bytes());
        bytes[8..12].copy_from_slice(&self.number.to_be_bytes());
        bytes[12..].copy_from_slice(&self.given.to_be_bytes());
        bytes
    }

    /// The mark that gave these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> CallMark {
        let [began, rest] = [0, 8].map(|at| {
            let mut half = [0; 8];
            half.copy_from_slice(&bytes[at..at + 8]);
            u64::from_be_bytes(half)
        });
        CallMark {
            began: Timestamp::from_millis(began.cast_signed()),
            number: (rest >> 32) as u32,
            given: rest as u32,
        }
    }
}

/// Some calls, and where the list goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallPage {
    /// The calls.
    pub calls: Vec<ApiCall>,
    /// Where the next page begins; none when there are no more.
    pub next: Option<CallMark>,
}

impl Store {
    /// Keeps calls for 30 days. Calls that are noted together are stored together, so note many at once.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) without such a connection.
    pub async fn note_calls(
        &self,
        connection: ConnectionId,
        mut calls: Vec<ApiCall>,
    ) -> Result<(), Error> {
        calls.sort_by_key(|call| call.at);
        self.commit(move |draft| {
            draft.require_connection(connection)?;
            blocks(calls)
                .into_iter()
                .try_for_each(|block| put(draft, connection, &block))
        })
        .await
    }

    /// Lists up to `limit` calls, the newest first, after the place `after`.
    ///
    /// Calls that were noted together are in order; what was noted with later calls comes before them as a whole.
    ///
    /// # Errors
    /// As every read.
    pub async fn calls(
        &self,
        connection: ConnectionId,
        filter: CallFilter,
        after: Option<CallMark>,
        limit: usize,
    ) -> Result<CallPage, Error> {
        self.read(move |tables| list(tables, connection, &filter, after, limit))
            .await
    }
}

impl Store {
    /// What calls sent at or after `from` came to, by the operation id; those without a 2xx or 403 are left out.
    ///
    /// Looks at the newest million calls at most.
    ///
    /// # Errors
    /// As every read.
    pub async fn experience(
        &self,
        connection: ConnectionId,
        from: Timestamp,
    ) -> Result<BTreeMap<String, Experience>, Error> {
        self.read(move |tables| experience(tables, connection, from))
            .await
    }
}

fn experience(
    tables: &Tables,
    connection: ConnectionId,
    from: Timestamp,
) -> Result<BTreeMap<String, Experience>, Error> {
    let mut found: BTreeMap<String, Experience> = BTreeMap::new();
    let mut seen = 0;
    for entry in tables
        .scan(Table::Calls, &key::connection(connection))
        .rev()
    {
        let (key, value) = entry?;
        let (began, _) = key::calls_parts(&key).ok_or_else(|| Error::corrupt(Table::Calls))?;
        if began.plus(BLOCK_SPAN) < from || seen >= MOST_EXPERIENCE {
            break;
        }
        let Some(CallBlock(calls)) = tables.value(Table::Calls, Ok((key, value)))? else {
            continue;
        };
        seen += calls.len();
        for call in calls.into_iter().filter(|call| call.at >= from) {
            match found.get_mut(&call.operation) {
                Some(known) => known.note(&call),
                None => {
                    let mut first = Experience::default();
                    first.note(&call);
                    if first != Experience::default() {
                        found.insert(call.operation, first);
                    }
                }
            }
        }
    }
    Ok(found)
}

/// Cuts calls that are in order into blocks that are short in time and number.
fn blocks(calls: Vec<ApiCall>) -> Vec<CallBlock> {
    let mut blocks: Vec<Vec<ApiCall>> = Vec::new();
    for call in calls {
        match blocks.last_mut() {
            Some(block)
                if block.len() < BLOCK_CALLS && call.at.since(block[0].at) <= BLOCK_SPAN =>
            {
                block.push(call);
            }
            _ => blocks.push(vec![call]),
        }
    }
    blocks.into_iter().map(CallBlock).collect()
}

fn put(draft: &mut Draft<'_>, connection: ConnectionId, block: &CallBlock) -> Result<(), Error> {
    let Some(first) = block.0.first() else {
        return Ok(());
    };
    let mut number = 0;
    while draft.contains(Table::Calls, &key::calls(connection, first.at, number))? {
        number += 1;
    }
    let key = key::calls(connection, first.at, number);
    draft.put(Table::Calls, key, block);
    Ok(())
}

fn list(
    tables: &Tables,
    connection: ConnectionId,
    filter: &CallFilter,
    after: Option<CallMark>,
    limit: usize,
) -> Result<CallPage, Error> {
    let prefix = key::connection(connection);
    let mut page = CallPage {
        calls: Vec::new(),
        next: None,
    };
    let entries = match upper_bound(connection, filter, after) {
        Some(before) => tables.scan_before(Table::Calls, &prefix, &before),
        None => tables.scan(Table::Calls, &prefix),
    };
    for entry in entries.rev() {
        let (key, value) = entry?;
        let (began, number) = key::calls_parts(&key).ok_or_else(|| Error::corrupt(Table::Calls))?;
        if filter
            .from
            .is_some_and(|from| began.plus(BLOCK_SPAN) < from)
        {
            break;
        }
        let Some(CallBlock(calls)) = tables.value(Table::Calls, Ok((key, value)))? else {
            continue;
        };
        let given = after
            .filter(|mark| (mark.began, mark.number) == (began, number))
            .map_or(0, |mark| mark.given);
        for (at, call) in (0..).zip(calls.into_iter().rev()) {
            if at < given || !filter.takes(&call) {
                continue;
            }
            if page.calls.len() >= limit {
                page.next = Some(CallMark {
                    began,
                    number,
                    given: at,
                });
                return Ok(page);
            }
            page.calls.push(call);
        }
    }
    Ok(page)
}

/// The first key that is not looked at.
fn upper_bound(
    connection: ConnectionId,
    filter: &CallFilter,
    after: Option<CallMark>,
) -> Option<Vec<u8>> {
    // A longer key comes after the key it begins with: the block of the mark itself is looked at.
    let after =
        after.map(|mark| [&key::calls(connection, mark.began, mark.number)[..], &[0]].concat());
    let until = filter.until.map(|until| key::calls(connection, until, 0));
    match (after, until) {
        (Some(after), Some(until)) => Some(after.min(until)),
        (after, until) => after.or(until),
    }
}
