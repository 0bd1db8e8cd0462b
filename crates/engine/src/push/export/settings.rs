//! The export settings of a connection, kept in versions.

use domain::{ConnectionId, ExportSettings, Versioned as _};

use crate::engine::Engine;
use crate::error::{Error, Result, Violation};
use crate::mapping;
use crate::versions;

impl Engine {
    /// The export settings; version 0 exists from connect.
    ///
    /// # Errors
    /// Not found.
    pub async fn export_settings(&self, id: ConnectionId) -> Result<ExportSettings> {
        self.connection(id).await?;
        versions::present(&self.shared, id).await
    }

    /// Replaces the export settings; `etag` must be the present one.
    ///
    /// # Errors
    /// Not found; invalid with every bad field; aborted with the present etag if somebody else saved first.
    pub async fn update_export_settings(
        &self,
        id: ConnectionId,
        etag: &str,
        proposed: ExportSettings,
        author: &str,
    ) -> Result<ExportSettings> {
        self.link(id)?;
        let before: ExportSettings = self.present_if(id, etag, "settings.etag").await?;
        let faults = self.faults(id, &proposed).await?;
        if !faults.is_empty() {
            return Err(Error::violations(faults));
        }
        let after = proposed.succeeding(&before, author, self.shared.clock.now());
        self.save_if_changed(id, &before, after).await
    }

    async fn faults(&self, id: ConnectionId, proposed: &ExportSettings) -> Result<Vec<Violation>> {
        let mut faults: Vec<Violation> = proposed
            .validate()
            .into_iter()
            .map(|fault| Violation {
                field: format!("settings.{}", fault.field),
                message: fault.message,
            })
            .collect();
        let stages = mapping::stages(&self.shared, id).await?;
        let entries = [
            ("prospect", &proposed.prospect),
            ("applicant", &proposed.applicant),
        ];
        for (name, entry) in entries {
            let unread = stages.is_empty() || entry.stage.as_str().is_empty();
            if !unread && !stages.iter().any(|stage| stage.id == entry.stage) {
                faults.push(Violation {
                    field: format!("settings.{name}.stage_id"),
                    message:
                        "Lever has no such stage: GetStageMapping lists the stages of the account"
                            .to_owned(),
                });
            }
        }
        Ok(faults)
    }
}
