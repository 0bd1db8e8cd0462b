//! Issues: what somebody should look after, one entry for each distinct problem of a connection.

use domain::{ConnectionId, Issue, IssueId};

use crate::draft::Draft;
use crate::error::Error;
use crate::format::key;
use crate::store::Store;
use crate::table::{Table, Tables};

/// What is to be written of a connection's issues.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IssueChanges {
    /// New and changed ones.
    pub changed: Vec<Issue>,
    /// Those that are no longer kept.
    pub removed: Vec<IssueId>,
}

impl Store {
    /// All issues of a connection; their order is nobody's.
    ///
    /// # Errors
    /// As every read.
    pub async fn issues(&self, connection: ConnectionId) -> Result<Vec<Issue>, Error> {
        self.read(move |tables| list(tables, connection)).await
    }

    /// Writes what `change` makes of the issues of a connection as they are then, all or nothing.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) without such a connection, or when it is disconnected.
    pub async fn change_issues(
        &self,
        connection: ConnectionId,
        change: impl FnOnce(Vec<Issue>) -> IssueChanges + Send + 'static,
    ) -> Result<IssueChanges, Error> {
        self.commit(move |draft| {
            draft.require_connection(connection)?;
            let changes = change(list(draft.tables(), connection)?);
            write(draft, connection, &changes);
            Ok(changes)
        })
        .await
    }
}

fn list(tables: &Tables, connection: ConnectionId) -> Result<Vec<Issue>, Error> {
    let prefix = key::connection(connection);
    tables.values(Table::Issues, &prefix).collect()
}

fn write(draft: &mut Draft<'_>, connection: ConnectionId, changes: &IssueChanges) {
    for issue in &changes.changed {
        draft.put(Table::Issues, key::issue(connection, issue.id), issue);
    }
    for issue in &changes.removed {
        draft.remove(Table::Issues, key::issue(connection, *issue));
    }
}
