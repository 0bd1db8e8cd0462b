//! What the last check of a credential told, permission by permission: for those who look at it after a restart.
//!
//! The words for states are the engine's; here they are kept as they come. There is no secret among them.

use domain::ConnectionId;
use lever::Timestamp;

use crate::error::Error;
use crate::format::key;
use crate::store::Store;
use crate::table::Table;

/// What a check told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PermissionReport {
    /// Since when the credential is used that was checked.
    pub credential_since: Option<Timestamp>,
    /// When it was found out.
    pub checked_at: Timestamp,
    /// When Lever last accepted the credential in real use.
    pub worked_at: Option<Timestamp>,
    /// How long Lever took for its first answer, in milliseconds.
    pub answered_in_ms: Option<u64>,
    /// What Lever thinks of the credential, in a word.
    pub key: String,
    /// Whether it sees what is confidential, where that was told.
    pub confidential: Option<bool>,
    /// Permission by permission.
    pub permissions: Vec<ReportedPermission>,
}

/// What a check told of one permission.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReportedPermission {
    /// Its name on Lever's page of API keys.
    pub name: String,
    /// Whether the credential has it, in a word.
    pub state: String,
    /// How that is known, in a word; empty where it is not.
    pub evidence: String,
    /// When it was used, where that is how it is known.
    pub used_at: Option<Timestamp>,
    /// Why it is not known; empty where it is.
    pub reason: String,
}

impl Store {
    /// Keeps what a check told, in the place of the one before.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) without such a connection, or when it is disconnected.
    pub async fn keep_permission_report(
        &self,
        connection: ConnectionId,
        report: PermissionReport,
    ) -> Result<(), Error> {
        self.commit(move |draft| {
            draft.require_connection(connection)?;
            let key = key::connection(connection);
            draft.put(Table::PermissionReports, key, &report);
            Ok(())
        })
        .await
    }

    /// What the last check told; none before the first.
    ///
    /// # Errors
    /// As every read.
    pub async fn permission_report(
        &self,
        connection: ConnectionId,
    ) -> Result<Option<PermissionReport>, Error> {
        let key = key::connection(connection);
        self.read(move |tables| tables.get(Table::PermissionReports, &key))
            .await
    }
}
