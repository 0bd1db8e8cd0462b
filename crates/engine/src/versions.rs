//! Mappings of a connection, kept in versions: one mechanism for every kind of mapping (X21).
//!
//! Version 0 is the shipped one and in no table. A save names the version it follows, so that nobody overwrites what
//! somebody else has saved meanwhile; going back saves an earlier version as a new one.

use domain::{ConnectionId, Stamp, Versioned};
use store::{ErrorKind as StoreErrorKind, MappingVersion};

use crate::engine::{Engine, Shared};
use crate::error::{Error, Result};

/// A version of a mapping.
#[derive(Debug, Clone)]
pub struct SavedMapping<M> {
    /// The version.
    pub mapping: M,
    /// What differs from the version before, one line for people each; empty for version 0.
    pub differences: Vec<String>,
}

impl Engine {
    /// All versions of a mapping with what each changed, the newest first; version 0 is the last.
    ///
    /// # Errors
    /// Not found.
    pub async fn mapping_versions<M: Versioned>(
        &self,
        id: ConnectionId,
    ) -> Result<Vec<SavedMapping<M>>> {
        self.connection(id).await?;
        let versions: Vec<M> = all(&self.shared, id).await?;
        let befores = std::iter::once(None).chain(versions.iter().map(Some));
        let mut told: Vec<_> = versions
            .iter()
            .zip(befores)
            .map(|(mapping, before)| SavedMapping {
                mapping: mapping.clone(),
                differences: before
                    .map(|before| mapping.differences(before))
                    .unwrap_or_default(),
            })
            .collect();
        told.reverse();
        Ok(told)
    }

    /// The present mapping, if that is the one somebody changed; `field` is where the etag was given.
    pub(crate) async fn present_if<M: Versioned>(
        &self,
        id: ConnectionId,
        etag: &str,
        field: &str,
    ) -> Result<M> {
        let present: M = present(&self.shared, id).await?;
        match etag {
            "" => Err(Error::invalid(
                field,
                "give the etag of the version you changed, as it was read",
            )),
            etag if etag == present.etag() => Ok(present),
            _ => Err(somebody_saved(&present)),
        }
    }

    /// An earlier version.
    pub(crate) async fn earlier<M: Versioned>(&self, id: ConnectionId, version: u64) -> Result<M> {
        let versions: Vec<M> = all(&self.shared, id).await?;
        let wanted = versions
            .into_iter()
            .find(|one| one.stamp().version == version);
        wanted.ok_or_else(|| Error::not_found("mapping version", &version.to_string()))
    }

    /// Stores `after`, the version that follows `before`, and gives what holds then.
    ///
    /// Where both say the same nothing is stored: a version tells that something has changed. The shipped one is in no
    /// table, so whoever saves it as it is stores it: from then on somebody wants it so.
    pub(crate) async fn save_if_changed<M: Versioned>(
        &self,
        id: ConnectionId,
        before: &M,
        after: M,
    ) -> Result<M> {
        if before.stamp().version > 0 && after.says_the_same_as(before) {
            return Ok(before.clone());
        }
        self.save_version(id, before, &after).await?;
        Ok(after)
    }

    /// Stores `after`, the version that follows `before`.
    pub(crate) async fn save_version<M: Versioned>(
        &self,
        id: ConnectionId,
        before: &M,
        after: &M,
    ) -> Result<()> {
        let store = &self.shared.store;
        let (version, expected) = (to_version(after)?, before.stamp().version);
        match store.put_mapping(id, M::KIND, version, expected).await {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), StoreErrorKind::MappingMoved { .. }) => {
                let present: M = present(&self.shared, id).await?;
                return Err(somebody_saved(&present));
            }
            Err(error) => return Err(error.into()),
        }
        let (mapping, version) = (M::KIND.name(), after.stamp().version);
        tracing::info!(connection = %id, mapping, version, "mapping saved");
        if let Ok(link) = self.link(id) {
            link.issues.look_soon();
        }
        Ok(())
    }
}

/// The present mapping, or version 0.
pub(crate) async fn present<M: Versioned>(shared: &Shared, id: ConnectionId) -> Result<M> {
    match shared.store.mapping(id, M::KIND).await? {
        Some(version) => from_version(&version),
        None => version_zero(shared, id).await,
    }
}

/// The shipped mapping, as old as the connection.
async fn version_zero<M: Versioned>(shared: &Shared, id: ConnectionId) -> Result<M> {
    let connection = shared.store.connection(id).await?;
    let created_at = connection.map(|connection| connection.created_at);
    Ok(M::initial(created_at.unwrap_or_default()))
}

/// All versions, the oldest first; version 0 is in no table.
async fn all<M: Versioned>(shared: &Shared, id: ConnectionId) -> Result<Vec<M>> {
    let mut versions = vec![version_zero(shared, id).await?];
    for version in shared.store.mapping_versions(id, M::KIND).await? {
        versions.push(from_version(&version)?);
    }
    Ok(versions)
}

fn somebody_saved<M: Versioned>(present: &M) -> Error {
    let stamp = present.stamp();
    Error::aborted(
        "ETAG_MISMATCH",
        format!(
            "somebody else saved the {} first: read what stands now, then repeat the change",
            M::KIND.words()
        ),
        vec![
            ("etag", present.etag()),
            ("version", stamp.version.to_string()),
            ("author", stamp.author.to_owned()),
        ],
    )
}

fn to_version<M: Versioned>(mapping: &M) -> Result<MappingVersion> {
    let stamp = mapping.stamp();
    Ok(MappingVersion {
        version: stamp.version,
        author: stamp.author.to_owned(),
        created_at: stamp.created_at,
        document: serde_json::to_vec(mapping).map_err(Error::internal)?,
    })
}

fn from_version<M: Versioned>(version: &MappingVersion) -> Result<M> {
    let mut mapping: M = serde_json::from_slice(&version.document).map_err(Error::internal)?;
    mapping.set_stamp(Stamp {
        version: version.version,
        author: &version.author,
        created_at: version.created_at,
    });
    Ok(mapping)
}
