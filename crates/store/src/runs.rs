//! Runs: what each pass over a list came to.

use std::ops::ControlFlow;

use domain::{ConnectionId, Cursor};
use lever::Timestamp;

use crate::error::Error;
use crate::format::key;
use crate::pull::Applied;
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
    /// Requests that were made for pages, also those that were refused.
    pub requests: u64,
    /// How it ended.
    pub outcome: RunOutcome,
    /// Why it began; none for those below opportunities and postings, and for those from before that was kept.
    pub cause: Option<RunCause>,
    /// How much of its list it read; none as `cause`.
    pub scope: Option<RunScope>,
    /// What became of the records; none for those from before that was kept.
    pub counts: Option<RunCounts>,
    /// Where its list stood before it and after it; none as `cause`.
    pub cursors: Option<(Cursor, Cursor)>,
}

/// Why a pass began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunCause {
    /// Its time had come.
    Schedule,
    /// Somebody asked for it.
    Request,
    /// The connection is new or has other settings, or another key.
    Settings,
    /// A webhook told of something that only the list shows.
    Webhook,
    /// A write of ours has changed a record of the list.
    Write,
    /// Another pass has shown that it is needed.
    Pass,
}

impl RunCause {
    /// Every cause.
    pub const ALL: [RunCause; 6] = [
        RunCause::Schedule,
        RunCause::Request,
        RunCause::Settings,
        RunCause::Webhook,
        RunCause::Write,
        RunCause::Pass,
    ];

    /// The number it is stored as.
    pub(crate) fn tag(self) -> u32 {
        match self {
            RunCause::Schedule => 1,
            RunCause::Request => 2,
            RunCause::Settings => 3,
            RunCause::Webhook => 4,
            RunCause::Write => 5,
            RunCause::Pass => 6,
        }
    }
}

/// How much of its list a pass read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunScope {
    /// All of it, for the first time.
    First,
    /// All of it.
    Whole,
    /// What has changed.
    Changes,
}

impl RunScope {
    /// Every scope.
    pub const ALL: [RunScope; 3] = [RunScope::First, RunScope::Whole, RunScope::Changes];

    /// The number it is stored as.
    pub(crate) fn tag(self) -> u32 {
        match self {
            RunScope::First => 1,
            RunScope::Whole => 2,
            RunScope::Changes => 3,
        }
    }
}

/// What became of the records of a pass, those that came inside others included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunCounts {
    /// Those that were not in the mirror.
    pub created: u64,
    /// Those that differ from what the mirror had.
    pub updated: u64,
    /// Those that the mirror had as they are, or newer.
    pub unchanged: u64,
    /// Those that went from the mirror.
    pub deleted: u64,
    /// Those that could not be read and were set aside, newly.
    pub set_aside: u64,
}

impl RunCounts {
    /// Those that were new, different or gone.
    pub fn changes(&self) -> u64 {
        self.created + self.updated + self.deleted
    }
}

impl From<Applied> for RunCounts {
    fn from(applied: Applied) -> RunCounts {
        RunCounts {
            created: applied.created,
            updated: applied.updated,
            unchanged: applied.unchanged + applied.stale,
            deleted: applied.deleted,
            set_aside: applied.quarantined,
        }
    }
}

impl std::ops::AddAssign for RunCounts {
    fn add_assign(&mut self, other: RunCounts) {
        self.created += other.created;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.deleted += other.deleted;
        self.set_aside += other.set_aside;
    }
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
