//! Removing what has been kept long enough.
//!
//! Each table is gone through in steps: what has expired is looked for beside the committer,
//! and each removal looks again, since the value may have been replaced in between.

use std::time::Duration;

use domain::{Connection, ConnectionId, Operation, OperationId};
use lever::Timestamp;

use crate::calls::BLOCK_SPAN;
use crate::draft::Draft;
use crate::error::{Error, ErrorKind};
use crate::forget;
use crate::format::{ChangeBlock, Counter, Moment, Owner, Stored, key};
use crate::operations;
use crate::quarantine::{self, Kept};
use crate::store::Store;
use crate::table::{Table, Tables};
use crate::tokens::TokenRecord;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// How much longer than its content an operation itself is kept: 400 days in all.
const WITHOUT_CONTENT: Duration = Duration::from_secs(370 * 24 * 3600);
/// How long a token that has ended is still listed.
const ENDED_TOKENS: u32 = 90;
/// How many entries one step looks at.
const STEP: usize = 500;

type Key = Vec<u8>;

/// How long what grows with use is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Numbered changes: whoever resumes from an older one begins again. At most seven days, for so long resume tokens
    /// surely open.
    pub changes: Duration,
    /// Runs, and the log of calls.
    pub logs: Duration,
}

impl Default for Retention {
    /// A week of changes, 30 days of the rest.
    fn default() -> Self {
        Self {
            changes: DAY * 7,
            logs: DAY * 30,
        }
    }
}

impl Retention {
    /// What is kept for how long.
    fn rules(self) -> [(Table, Duration); 8] {
        [
            (Table::Changes, self.changes),
            (Table::Nudges, DAY * 7),
            (Table::NudgeTokens, DAY * 7),
            (Table::RequestIds, DAY * 7),
            (Table::Runs, self.logs),
            (Table::Calls, self.logs),
            (Table::Quarantine, DAY * 30),
            (Table::Operations, DAY * 30),
        ]
    }
}

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Changes that were kept as long as [`Retention::changes`].
    pub changes: u64,
    /// Nudges nobody settled within seven days, and digests of deliveries older than that.
    pub nudges: u64,
    /// Request ids of operations older than seven days.
    pub request_ids: u64,
    /// Runs that were kept as long as [`Retention::logs`].
    pub runs: u64,
    /// Blocks of calls that were kept as long.
    pub call_blocks: u64,
    /// Quarantined records older than 30 days.
    pub quarantined: u64,
    /// Operations settled for 30 days whose content was removed, or for 400 days, which are gone.
    pub scrubbed_operations: u64,
    /// Connections that were disconnected long enough, with all their data.
    pub connections: u64,
    /// Tokens that expired or were revoked over 90 days ago.
    pub tokens: u64,
}

impl Store {
    /// Removes what has been kept long enough, and finishes forgetting people.
    ///
    /// Done in short transactions, so that other writes go on between; ask a few times within what is kept shortest.
    ///
    /// # Errors
    /// As every write.
    pub async fn prune(&self, now: Timestamp) -> Result<Pruned, Error> {
        let mut pruned = Pruned {
            tokens: self.prune_tokens(now.minus(DAY * ENDED_TOKENS)).await?,
            ..Pruned::default()
        };
        for connection in self.connections().await? {
            if is_over(&connection, now) {
                match self.delete_connection(connection.id).await {
                    Err(error) if *error.kind() != ErrorKind::NotFound => return Err(error),
                    _ => pruned.connections += 1,
                }
                continue;
            }
            for (table, kept) in self.retention().rules() {
                let before = now.minus(kept);
                *pruned.of(table) += self.prune_table(connection.id, table, before).await?;
            }
            self.refile_quarantine(connection.id).await?;
            self.forget_deleted(connection.id, now).await?;
        }
        Ok(pruned)
    }

    /// Removes tokens that ended before a time, but never the last one that was made: a service that has had a token
    /// must not be open to everybody again.
    async fn prune_tokens(&self, before: Timestamp) -> Result<u64, Error> {
        let ended = move |token: &TokenRecord| {
            let end = token.revoked_at.into_iter().chain(token.expires_at).min();
            end.is_some_and(|end| end < before)
        };
        if !self.tokens().await?.iter().any(ended) {
            return Ok(0);
        }
        self.commit(move |draft| {
            let tokens = draft.tables().values::<TokenRecord>(Table::Tokens, &[]);
            let mut tokens: Vec<_> = tokens.collect::<Result<_, _>>()?;
            tokens.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
            tokens.pop();
            let mut removed = 0;
            for token in tokens.iter().filter(|token| ended(token)) {
                draft.remove(Table::Tokens, token.hash.to_vec());
                removed += 1;
            }
            Ok(removed)
        })
        .await
    }

    async fn prune_table(
        &self,
        connection: ConnectionId,
        table: Table,
        before: Timestamp,
    ) -> Result<u64, Error> {
        let mut removed = 0;
        let mut from = key::connection(connection);
        loop {
            let rule = Rule {
                connection,
                table,
                before,
            };
            let (expired, next) = self.read(move |tables| rule.find(tables, &from)).await?;
            if !expired.is_empty() {
                let operations = expired.iter().filter(|_| table == Table::Operations);
                let scrubbed = operations
                    .filter_map(|key| key::last_operation(key))
                    .collect();
                removed += self
                    .commit(move |draft| rule.remove(draft, &expired))
                    .await?;
                self.let_go_scrubbed(connection, &scrubbed)?;
            }
            match next {
                Some(next) => from = next,
                None => return Ok(removed),
            }
        }
    }
}

fn is_over(connection: &Connection, now: Timestamp) -> bool {
    connection
        .disconnected
        .is_some_and(|disconnected| disconnected.purge_at <= now)
}

impl Pruned {
    fn of(&mut self, table: Table) -> &mut u64 {
        match table {
            Table::Changes => &mut self.changes,
            Table::RequestIds => &mut self.request_ids,
            Table::Runs => &mut self.runs,
            Table::Calls => &mut self.call_blocks,
            Table::Quarantine => &mut self.quarantined,
            Table::Operations => &mut self.scrubbed_operations,
            _ => &mut self.nudges,
        }
    }
}

/// What becomes of an entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    Expired,
    /// Kept, and so are all that follow, since their order is that of time.
    KeptFromHere,
}

/// Which entries of a table have expired.
#[derive(Clone, Copy)]
struct Rule {
    connection: ConnectionId,
    table: Table,
    before: Timestamp,
}

impl Rule {
    /// The keys that have expired among the next entries, and where to go on.
    fn find(self, tables: &Tables, from: &[u8]) -> Result<(Vec<Key>, Option<Key>), Error> {
        let prefix = key::connection(self.connection);
        let mut expired = Vec::new();
        let mut looked_at = 0;
        for entry in tables.scan_after(self.table, &prefix, from) {
            let (key, _value) = entry?;
            match self.fate(tables, &key)? {
                Fate::KeptFromHere => return Ok((expired, None)),
                Fate::Expired => expired.push(key.clone()),
                Fate::Kept => {}
            }
            looked_at += 1;
            if looked_at == STEP {
                return Ok((expired, Some(key)));
            }
        }
        Ok((expired, None))
    }

    fn remove(self, draft: &mut Draft<'_>, keys: &[Key]) -> Result<u64, Error> {
        let mut removed = 0;
        for key in keys {
            if self.fate(draft.tables(), key)? != Fate::Expired {
                continue;
            }
            removed += self.weight(draft.tables(), key)?;
            match self.table {
                Table::Operations => {
                    let operation = operations::load(draft.tables(), key)?;
                    match operation.filter(|operation| self.is_old(operation)) {
                        Some(operation) => operations::remove(draft, &operation)?,
                        None => {
                            forget::scrub(draft, std::iter::once(key.clone()))?;
                        }
                    }
                }
                Table::Quarantine => quarantine::discard(draft, self.connection, key.clone())?,
                Table::Changes => {
                    let sequence = key::last_number(key);
                    let sequence = sequence.ok_or_else(|| Error::corrupt(Table::Changes))?;
                    let floor = key::connection(self.connection);
                    draft.put(Table::ChangeFloors, floor, &Counter(sequence));
                    draft.remove(self.table, key.clone());
                }
                table => draft.remove(table, key.clone()),
            }
        }
        Ok(removed)
    }

    /// How much an entry counts as.
    fn weight(self, tables: &Tables, key: &[u8]) -> Result<u64, Error> {
        if self.table != Table::Changes {
            return Ok(1);
        }
        let block = self.value::<ChangeBlock>(tables, key)?;
        Ok(block.map_or(0, |ChangeBlock(changes)| changes.len() as u64))
    }

    fn fate(self, tables: &Tables, key: &[u8]) -> Result<Fate, Error> {
        let corrupt = || Error::corrupt(self.table);
        Ok(match self.table {
            Table::Runs | Table::Nudges => {
                self.in_order(key::moment_at(key, 16).ok_or_else(corrupt)?)
            }
            Table::Calls => self.in_order(
                key::moment_at(key, 16)
                    .ok_or_else(corrupt)?
                    .plus(BLOCK_SPAN),
            ),
            Table::Changes => {
                let block = self.value::<ChangeBlock>(tables, key)?;
                block
                    .and_then(|block| block.at())
                    .map_or(Fate::Kept, |at| self.in_order(at))
            }
            Table::NudgeTokens => {
                let at = self.value(tables, key)?.map(|Moment(at)| at);
                self.alone(at)
            }
            Table::Quarantine => {
                self.alone(self.value::<Kept>(tables, key)?.map(|kept| kept.record.at))
            }
            Table::RequestIds => self.alone(self.asked_at(tables, key)?),
            Table::Operations => {
                let operation = operations::load(tables, key)?;
                let bare = |operation: &Operation| operation.scrubbed().is_none();
                self.alone(
                    operation
                        .filter(|operation| operation.state.settled())
                        .filter(|operation| !bare(operation) || self.is_old(operation))
                        .map(|operation| operation.updated_at),
                )
            }
            _ => Fate::KeptFromHere,
        })
    }

    /// Whether an operation has been kept long enough even without its content.
    fn is_old(self, operation: &Operation) -> bool {
        operation.updated_at < self.before.minus(WITHOUT_CONTENT)
    }

    fn in_order(self, at: Timestamp) -> Fate {
        if at < self.before {
            Fate::Expired
        } else {
            Fate::KeptFromHere
        }
    }

    fn alone(self, at: Option<Timestamp>) -> Fate {
        if at.is_some_and(|at| at < self.before) {
            Fate::Expired
        } else {
            Fate::Kept
        }
    }

    /// When the operation of a request id was recorded.
    fn asked_at(self, tables: &Tables, key: &[u8]) -> Result<Option<Timestamp>, Error> {
        let Some(Owner(id)) = self.value(tables, key)? else {
            return Ok(None);
        };
        let key = key::operation(self.connection, OperationId::from_bytes(id));
        let operation = operations::load(tables, &key)?;
        Ok(operation.map(|operation| operation.created_at))
    }

    fn value<T: Stored>(self, tables: &Tables, key: &[u8]) -> Result<Option<T>, Error> {
        tables.get(self.table, key)
    }
}
