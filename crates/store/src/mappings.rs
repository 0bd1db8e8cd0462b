//! Versions of the mappings of a connection, one history for each kind. What a mapping says is not read here.

use domain::{ConnectionId, Event, MappingKind};
use lever::Timestamp;

use crate::changes;
use crate::error::{Error, ErrorKind};
use crate::format::key;
use crate::store::Store;
use crate::table::{Table, Tables};

/// One version of a mapping document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingVersion {
    /// Counts from 1 within a connection and a kind; the etag.
    pub version: u64,
    /// Who wrote it.
    pub author: String,
    /// When.
    pub created_at: Timestamp,
    /// The document, in the form its writer chose.
    pub document: Vec<u8>,
}

impl Store {
    /// Reads the present mapping; none before the first was stored.
    ///
    /// # Errors
    /// As every read.
    pub async fn mapping(
        &self,
        connection: ConnectionId,
        kind: MappingKind,
    ) -> Result<Option<MappingVersion>, Error> {
        present(self.tables(), connection, kind)
    }

    /// Stores the version after `expected_version` (0 when there is none yet); one of stages is a numbered change.
    ///
    /// # Errors
    /// [`ErrorKind::MappingMoved`] with the present version when it is not the expected one,
    /// [`ErrorKind::NotFound`] without such a connection,
    /// [`ErrorKind::Invalid`] when `mapping.version` does not follow.
    pub async fn put_mapping(
        &self,
        connection: ConnectionId,
        kind: MappingKind,
        mapping: MappingVersion,
        expected_version: u64,
    ) -> Result<(), Error> {
        self.commit(move |draft| {
            draft.require_connection(connection)?;
            let present = present(draft.tables(), connection, kind)?;
            if present.as_ref().map_or(0, |present| present.version) != expected_version {
                let kind = ErrorKind::MappingMoved {
                    present: present.map(Box::new),
                };
                return Err(Error::new(
                    kind,
                    "the mapping was changed by somebody else in the meantime",
                ));
            }
            if Some(mapping.version) != expected_version.checked_add(1) {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    "the version of a mapping is one more than the last",
                ));
            }
            draft.put(
                table(kind),
                key::mapping(connection, mapping.version),
                &mapping,
            );
            let news = match kind {
                MappingKind::Stages => vec![Event::StagesMapped {
                    version: mapping.version,
                }],
                MappingKind::Fields | MappingKind::Exports => Vec::new(),
            };
            changes::append(draft, connection, mapping.created_at, news).map(drop)
        })
        .await
    }

    /// Lists all versions of the mapping, the oldest first.
    ///
    /// # Errors
    /// As every read.
    pub async fn mapping_versions(
        &self,
        connection: ConnectionId,
        kind: MappingKind,
    ) -> Result<Vec<MappingVersion>, Error> {
        let prefix = key::connection(connection);
        self.read(move |tables| tables.values(table(kind), &prefix).collect())
            .await
    }
}

fn table(kind: MappingKind) -> Table {
    match kind {
        MappingKind::Stages => Table::Mappings,
        MappingKind::Fields => Table::FieldMappings,
        MappingKind::Exports => Table::ExportSettings,
    }
}

fn present(
    tables: &Tables,
    connection: ConnectionId,
    kind: MappingKind,
) -> Result<Option<MappingVersion>, Error> {
    tables
        .values(table(kind), &key::connection(connection))
        .next_back()
        .transpose()
}
