//! Runs: what each pass over a list came to.

use std::ops::ControlFlow;

use domain::ConnectionId;
use lever::Timestamp;

use crate::error::Error;
use crate::format::key;
use crate::store::Store;
use crate::table::{Table, Tables};

/// One pass over a listing, or over the children of opportunities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The connection.
    pub connection: ConnectionId,
    /// The name of the listing, or of the child stream.
    pub listing: String,
    /// The lane its calls went in.
    pub lane: Option<String>,
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Pages that were read.
    pub pages: u64,
    /// Records that were read.
    pub records: u64,
    /// Changes they caused.
    pub changes: u64,
    /// Requests that were answered.
    pub requests: u64,
    /// How it ended.
    pub outcome: RunOutcome,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunOutcome {
    /// Well.
    Succeeded,
    /// The key lacks the permission of this name.
    Forbidden(String),
    /// Badly; one sentence for people, without personal data.
    Failed(String),
    /// It was stopped, and goes on later.
    Interrupted,
}

/// Which runs are listed; nothing set lists all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Only those of this listing or child stream.
    pub listing: Option<String>,
    /// Only those that began at or after this.
    pub from: Option<Timestamp>,
    /// Only those that began before this.
    pub until: Option<Timestamp>,
    /// Only those that were forbidden or failed.
    pub only_failed: bool,
}

impl RunFilter {
    fn takes(&self, run: &Run) -> bool {
        let failed = matches!(
            run.outcome,
            RunOutcome::Forbidden(_) | RunOutcome::Failed(_)
        );
        self.listing
            .as_ref()
            .is_none_or(|listing| *listing == run.listing)
            && self.until.is_none_or(|until| run.began < until)
            && (failed || !self.only_failed)
    }
}

impl Store {
    /// Keeps a run for 30 days; one of the same listing that began at the same moment is replaced.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) without such a connection,
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for a name that cannot be stored.
    pub async fn note_run(&self, run: Run) -> Result<(), Error> {
        self.commit(move |draft| {
            draft.require_connection(run.connection)?;
            let key = key::run(run.connection, run.began, &run.listing)?;
            draft.put(Table::Runs, key, &run);
            Ok(())
        })
        .await
    }

    /// Lists up to `limit` runs, the newest first, after the one that `after` names by its beginning and listing.
    ///
    /// # Errors
    /// As every read.
    pub async fn runs(
        &self,
        connection: ConnectionId,
        filter: RunFilter,
        after: Option<(Timestamp, String)>,
        limit: usize,
    ) -> Result<Vec<Run>, Error> {
        self.read(move |tables| list(tables, connection, &filter, after, limit))
            .await
    }
}

fn list(
    tables: &Tables,
    connection: ConnectionId,
    filter: &RunFilter,
    after: Option<(Timestamp, String)>,
    limit: usize,
) -> Result<Vec<Run>, Error> {
    let prefix = key::connection(connection);
    let entries = match after {
        None => tables.scan(Table::Runs, &prefix),
        Some((began, listing)) => {
            let before = key::run(connection, began, &listing)?;
            tables.scan_before(Table::Runs, &prefix, &before)
        }
    };
    let mut found = Vec::new();
    for entry in entries.rev() {
        let Some(run) = tables.value::<Run>(Table::Runs, entry)? else {
            continue;
        };
        if let ControlFlow::Break(()) = take(&mut found, run, filter, limit) {
            break;
        }
    }
    Ok(found)
}

fn take(found: &mut Vec<Run>, run: Run, filter: &RunFilter, limit: usize) -> ControlFlow<()> {
    if found.len() >= limit || filter.from.is_some_and(|from| run.began < from) {
        return ControlFlow::Break(());
    }
    if filter.takes(&run) {
        found.push(run);
    }
    ControlFlow::Continue(())
}
