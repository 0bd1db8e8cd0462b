//! What was refused for want of a permission that a check then finds granted: it is read at once.
//!
//! Whoever has the permissions checked wants to know whether what is wrong is put right: the issue about the permission
//! ends then, and not at the next pass, which can be a day away. If Lever refuses once more, the issue opens again.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::{Listing, Stream};
use store::{ListingOutcome, RunCause};

use super::list::Permission;
use super::verdict::{Tried, allows};
use crate::engine::Engine;
use crate::error::Result;
use crate::link::Link;
use crate::pull::Trouble;

/// The permissions that the tries themselves show to be granted: what was used before it was refused shows nothing.
pub(super) fn shown<'p>(permissions: &'p [Permission], tried: &[Tried]) -> BTreeSet<&'p str> {
    let granted = permissions.iter().zip(tried);
    let granted = granted.filter(|(permission, tried)| allows(permission.read(), **tried));
    granted.map(|(permission, _)| permission.name).collect()
}

impl Engine {
    /// Has the lists read that were refused for want of these permissions, and takes the refusals back.
    ///
    /// # Errors
    /// If the store cannot be read or written.
    pub(super) async fn read_regained(
        &self,
        link: &Arc<Link>,
        granted: &BTreeSet<&str>,
    ) -> Result<()> {
        let regained = |text: Option<&str>| {
            let trouble = text.map(Trouble::from_text);
            matches!(trouble, Some(Trouble::Forbidden(name)) if granted.contains(name.as_str()))
        };
        let (store, id) = (&self.shared.store, link.id());
        let listings = store.cursors(id).await?.into_iter();
        let listings = listings.filter(|(_, state)| regained(state.last_error.as_deref()));
        let listings: Vec<Listing> = listings.map(|(listing, _)| listing).collect();
        for listing in &listings {
            store
                .note_listing(id, *listing, ListingOutcome::Excused)
                .await?;
            link.set_retry_at(*listing, None);
        }
        if !listings.is_empty() {
            link.force(&listings, RunCause::Request);
        }
        let streams = store.stream_states(id).await?.into_iter();
        let streams = streams.filter(|(_, state)| regained(state.last_error.as_deref()));
        let streams: Vec<Stream> = streams.map(|(stream, _)| stream).collect();
        for stream in &streams {
            store.note_stream(id, *stream, None).await?;
            link.clear_stream_trouble(*stream);
        }
        if !streams.is_empty() {
            self.plan_below(link.clone(), BTreeSet::new());
        }
        Ok(())
    }
}
