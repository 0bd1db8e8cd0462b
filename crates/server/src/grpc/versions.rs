//! Pages of versions, of whichever mapping.

use domain::{ConnectionId, Versioned};
use engine::SavedMapping;
use tonic::Status;

use super::Api;
use crate::auth::Caller;
use crate::wire::page_size;
use crate::wire::page_token::Bound;
use crate::wire::status::status;

/// Which page is asked for.
pub(super) struct Asked<'r> {
    /// The rpc, to which the token is bound.
    pub(super) rpc: &'static str,
    pub(super) connection: ConnectionId,
    pub(super) page_size: i32,
    pub(super) page_token: &'r str,
}

impl Api {
    /// Versions, the newest first, and the token of the next page; empty on the last.
    pub(super) async fn versions<M: Versioned>(
        &self,
        caller: &Caller,
        asked: Asked<'_>,
    ) -> Result<(Vec<SavedMapping<M>>, String), Status> {
        let size = page_size(asked.page_size, 50, 500).map_err(status)?;
        let store = self.engine.store();
        let question = asked.connection.to_string();
        let bound = Bound::new(&caller.id, asked.rpc, &[&question]);
        let before: Option<u64> = bound.open(store, asked.page_token).map_err(status)?;
        let versions = self.engine.mapping_versions::<M>(asked.connection).await;
        let mut page = versions.map_err(status)?;
        let number = |version: &SavedMapping<M>| version.mapping.stamp().version;
        page.retain(|version| before.is_none_or(|before| number(version) < before));
        page.truncate(size);
        // Version 0 is the oldest.
        let last = page.last().map(number).filter(|last| *last > 0);
        let next = bound.seal(store, last.as_ref()).map_err(status)?;
        Ok((page, next))
    }
}
