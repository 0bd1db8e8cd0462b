//! The field mapping of a connection: kept in versions, checked against the account, tried on real people.

use domain::field_mapping::catalog::{self, AccountFields, KnownPath};
use domain::field_mapping::{Field, FieldMapping, diff};
use domain::{ConnectionId, Timestamp, Versioned as _};

use crate::engine::Engine;
use crate::error::{Error, Result, Violation};
use crate::read::account_fields::account_fields;
use crate::read::person::person;
use crate::read::{Viewer, Whose};
use crate::versions;

/// A path that can feed a product field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceField {
    /// The path and what stands there.
    pub known: KnownPath,
    /// Whether the connection keeps the records it leads into.
    pub kept: bool,
}

/// What a mapping would make of one person, beside what the saved one makes.
#[derive(Debug, Clone)]
pub struct FieldPreview {
    /// The settings that differ, one line for people each.
    pub differences: Vec<String>,
    /// By the saved mapping; empty where nobody is named.
    pub before: Vec<Field>,
    /// By the one given.
    pub after: Vec<Field>,
    /// The start of the oldest last-complete pass both rest on.
    pub as_of: Option<Timestamp>,
}

impl Engine {
    /// The field mapping; version 0 exists from connect.
    ///
    /// # Errors
    /// Not found.
    pub async fn field_mapping(&self, id: ConnectionId) -> Result<FieldMapping> {
        self.connection(id).await?;
        versions::present(&self.shared, id).await
    }

    /// Replaces the field mapping; `etag` must be the present one. The viewer's forms and questions count as known.
    ///
    /// # Errors
    /// Not found; invalid with every bad field; aborted with the present etag if somebody else saved first.
    pub async fn update_field_mapping(
        &self,
        id: ConnectionId,
        etag: &str,
        proposed: FieldMapping,
        author: &str,
        viewer: Viewer,
    ) -> Result<FieldMapping> {
        self.link(id)?;
        let before: FieldMapping = self.present_if(id, etag, "field_mapping.etag").await?;
        self.check_fields(id, &proposed, &before, viewer).await?;
        let after = proposed.succeeding(&before, author, self.shared.clock.now());
        self.save_if_changed(id, &before, after).await
    }

    /// Saves the settings of an earlier version as a new one (X21); `etag` must be the present one.
    ///
    /// # Errors
    /// Not found, also for a version that never was; aborted with the present etag if somebody else saved first.
    pub async fn rollback_field_mapping(
        &self,
        id: ConnectionId,
        etag: &str,
        version: u64,
        author: &str,
    ) -> Result<FieldMapping> {
        self.link(id)?;
        let before: FieldMapping = self.present_if(id, etag, "etag").await?;
        // It was checked when it was saved; a form that is gone since gives no value.
        let wanted: FieldMapping = self.earlier(id, version).await?;
        let after = wanted.succeeding(&before, author, self.shared.clock.now());
        self.save_if_changed(id, &before, after).await
    }

    /// The paths that can feed a product field: Lever's own, then those of the account's forms, questions and
    /// requisition fields. Fields that the connection leaves out are left out here too.
    ///
    /// # Errors
    /// Not found.
    pub async fn source_fields(
        &self,
        id: ConnectionId,
        viewer: Viewer,
    ) -> Result<Vec<SourceField>> {
        let sight = self.sight(id, viewer)?;
        let account = account_fields(&sight).await?;
        let connection = &sight.connection;
        let excluded = |known: &KnownPath| {
            let keys: Vec<_> = known.path.keys().collect();
            let mut fields = connection.excluded_fields.iter();
            fields.any(|field| field.covers(known.path.stream(), &keys))
        };
        let known = catalog::of_lever().chain(account.paths());
        let kept = known
            .filter(|known| !excluded(known))
            .map(|known| SourceField {
                kept: connection.keeps(known.path.stream()),
                known,
            });
        Ok(kept.collect())
    }

    /// What a mapping would make of a person or a candidacy, and of nobody what it would change; saves nothing.
    ///
    /// # Errors
    /// As [`Engine::profile`] where somebody is named, and invalid with every bad field.
    pub async fn preview_field_mapping(
        &self,
        id: ConnectionId,
        proposed: FieldMapping,
        whose: Option<&Whose>,
        viewer: Viewer,
    ) -> Result<FieldPreview> {
        let sight = self.sight(id, viewer)?;
        let before: FieldMapping = versions::present(&self.shared, id).await?;
        self.check_fields(id, &proposed, &before, viewer).await?;
        let differences = diff(&before, &proposed);
        let Some(whose) = whose else {
            return Ok(FieldPreview {
                differences,
                before: Vec::new(),
                after: Vec::new(),
                as_of: None,
            });
        };
        let mut streams = before.streams();
        streams.extend(proposed.streams());
        let person = person(&sight, whose, &streams).await?;
        Ok(FieldPreview {
            differences,
            before: before.evaluate(&person.records),
            after: proposed.evaluate(&person.records),
            as_of: person.as_of,
        })
    }

    async fn check_fields(
        &self,
        id: ConnectionId,
        proposed: &FieldMapping,
        before: &FieldMapping,
        viewer: Viewer,
    ) -> Result<()> {
        let account: AccountFields = account_fields(&self.sight(id, viewer)?).await?;
        let checked = proposed.validate(&account, Some(before));
        checked.map_err(|found| Error::violations(Violation::within("field_mapping", found)))
    }
}
