//! Where the pull of each listing stands.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::{ConnectionId, Cursor, Listing};
use lever::Timestamp;

use crate::draft::Draft;
use crate::error::Error;
use crate::format::key;
use crate::store::Store;
use crate::table::Table;

/// Where the pull of a listing stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListingState {
    /// How far it has come.
    pub cursor: Cursor,
    /// The start of the last pass that ended well, by Lever's clock.
    pub last_success_at: Option<Timestamp>,
    /// Why the last pass failed; none after one that ended well.
    pub last_error: Option<String>,
}

/// How a pass over a listing ended, or that the next one may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListingOutcome {
    /// Well; the moment is what `last_success_at` becomes.
    Succeeded(Timestamp),
    /// Badly; one sentence for people.
    Failed(String),
    /// What made the last pass fail is known to be over; when one last ended well stays.
    Excused,
}

impl Store {
    /// Reads the cursor of a listing; [`Cursor::New`] when nothing was read yet.
    ///
    /// # Errors
    /// As every read.
    pub async fn cursor(
        &self,
        connection: ConnectionId,
        listing: Listing,
    ) -> Result<Cursor, Error> {
        let state: Option<ListingState> = self
            .tables()
            .get(Table::Listings, &key::listing(connection, listing))?;
        Ok(state.unwrap_or_default().cursor)
    }

    /// Reads where the listings of a connection stand; those never touched are left out.
    ///
    /// # Errors
    /// As every read.
    pub async fn cursors(
        &self,
        connection: ConnectionId,
    ) -> Result<BTreeMap<Listing, ListingState>, Error> {
        let mut states = BTreeMap::new();
        for listing in Listing::ALL {
            if let Some(state) = self
                .tables()
                .get(Table::Listings, &key::listing(connection, *listing))?
            {
                states.insert(*listing, state);
            }
        }
        Ok(states)
    }

    /// Notes how a pass ended; the cursor stays.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) without such a connection.
    pub async fn note_listing(
        &self,
        connection: ConnectionId,
        listing: Listing,
        outcome: ListingOutcome,
    ) -> Result<(), Error> {
        self.commit(move |draft| {
            draft.require_connection(connection)?;
            let mut state = state(draft, connection, listing)?;
            match outcome {
                ListingOutcome::Succeeded(at) => {
                    // Lever's clock has whole seconds: two passes of one second are told apart all the same.
                    let again = state.last_success_at == Some(at);
                    let at = if again {
                        at.plus(Duration::from_millis(1))
                    } else {
                        at
                    };
                    state.last_success_at = Some(at);
                    state.last_error = None;
                }
                ListingOutcome::Failed(reason) => state.last_error = Some(reason),
                ListingOutcome::Excused => state.last_error = None,
            }
            draft.put(Table::Listings, key::listing(connection, listing), &state);
            Ok(())
        })
        .await
    }
}

pub(crate) fn state(
    draft: &Draft<'_>,
    connection: ConnectionId,
    listing: Listing,
) -> Result<ListingState, Error> {
    Ok(draft
        .get(Table::Listings, &key::listing(connection, listing))?
        .unwrap_or_default())
}
