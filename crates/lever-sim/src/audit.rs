//! A record of every request to `/v1`, for tests that ask what really arrived.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use serde_json::Value;

/// Older entries make room for newer ones beyond this many.
const KEPT: usize = 100_000;

/// One request and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditEntry {
    /// Counts from 1 in order of completion.
    pub sequence: u64,
    /// When it was settled, by the simulator's clock.
    pub at_ms: i64,
    /// The HTTP method.
    pub method: String,
    /// The path, `/v1` included, without the query.
    pub path: String,
    /// The query, decoded, in order of arrival.
    pub query: Vec<(String, String)>,
    /// The last four characters of the key or token it came with, known or not.
    pub key_last4: Option<String>,
    /// The operation, as named in Lever's OpenAPI description; `None` for an unknown route.
    pub operation: Option<String>,
    /// The status as answered; `None` when the connection was dropped instead.
    pub status: Option<u16>,
    /// Whether the request changed anything, whatever was answered.
    pub effect: bool,
    /// The body of a write, when it was JSON; of a multipart body `{"parts": [...]}` with the
    /// `name`, `filename` and `size` (bytes) of each.
    pub body: Option<Value>,
}

/// The entries kept so far.
#[derive(Debug, Default)]
pub(crate) struct Audit(Mutex<Log>);

#[derive(Debug, Default)]
struct Log {
    last: u64,
    entries: VecDeque<AuditEntry>,
}

impl Audit {
    /// Numbers and keeps an entry.
    pub(crate) fn record(&self, mut entry: AuditEntry) {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.last += 1;
        entry.sequence = log.last;
        if log.entries.len() == KEPT {
            log.entries.pop_front();
        }
        log.entries.push_back(entry);
    }

    /// The entries with a sequence above `sequence`, oldest first.
    pub(crate) fn after(&self, sequence: u64) -> Vec<AuditEntry> {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let from = log
            .entries
            .partition_point(|entry| entry.sequence <= sequence);
        log.entries.range(from..).cloned().collect()
    }
}
