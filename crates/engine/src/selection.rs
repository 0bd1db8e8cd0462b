//! What a change of settings asks for: what is read again, walked anew, or left out of the mirror from now on.
//!
//! The settings before the change stay in the store until all that is planned, so a kill in between loses nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::{Candidacy, Connection, Cursor, ExcludedField, Listing, Stream};
use store::RunCause;

use crate::ask::plan_below;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::link::Link;
use crate::pull::listing_of;

impl Engine {
    /// Plans what has to be read again after a change of settings.
    ///
    /// What a kill leaves undone is done at the next start, since the store remembers the settings `before`.
    pub(crate) async fn follow_settings(
        &self,
        link: Arc<Link>,
        before: &Connection,
        after: &Connection,
    ) -> Result<()> {
        let (below, listed): (BTreeSet<_>, BTreeSet<_>) = kept_differently(before, after)
            .into_iter()
            .partition(|stream| stream.hydrated());
        let mut listings = newly_kept(before, after);
        listings.extend(listings_of(&listed));
        for listing in &listings {
            self.walk_anew(&link, *listing).await?;
        }
        self.retire_left_out(&link, before, after).await?;
        // What is left of an earlier selection is read again too.
        let new = after.streams.difference(&before.streams).copied();
        let below: BTreeSet<_> = below
            .into_iter()
            .chain(new.filter(|stream| stream.hydrated()))
            .collect();
        let below = (!below.is_empty()).then_some(below);
        let (shared, revision) = (self.shared.clone(), after.revision);
        self.spawn(async move {
            let planned = match below {
                Some(recheck) => plan_below(&shared, &link, recheck).await,
                None => Ok(()),
            };
            let id = link.id();
            let followed = match planned {
                Ok(()) => shared
                    .store
                    .settings_followed(id, revision)
                    .await
                    .map_err(Error::from),
                Err(error) => Err(error),
            };
            if let Err(error) = followed {
                tracing::warn!(
                    connection = %id, error = %crate::report(&error),
                    "the mirror follows its new settings only after the next start"
                );
            }
        });
        Ok(())
    }

    /// Buries the people that new settings leave out: they come back when Lever shows them as the settings want them.
    async fn retire_left_out(
        &self,
        link: &Link,
        before: &Connection,
        after: &Connection,
    ) -> Result<()> {
        let archived = before.include_archived && !after.include_archived;
        let snoozed = before.include_snoozed && !after.include_snoozed;
        if !archived && !snoozed {
            return Ok(());
        }
        let now = self.shared.clock.now();
        let left_out = move |person: &Candidacy| {
            (archived && !person.active()) || (snoozed && person.snoozed(now))
        };
        // Before Lever's time is known no stamp may say that this came later than what Lever shows.
        let as_of = link.known_lever_now(&self.shared.clock).unwrap_or_default();
        let store = &self.shared.store;
        let records = store.retire_people(link.id(), as_of, now, left_out).await?;
        store.forget_deleted(link.id(), now).await?;
        tracing::info!(connection = %link.id(), records, "left out from now on");
        link.moved();
        Ok(())
    }

    /// Has a listing read from its beginning, whatever the pull is doing with it.
    ///
    /// The walk by stages keeps its cursor: its next pass is due soon, and the walk over everybody shows them all.
    pub(crate) async fn walk_anew(&self, link: &Link, listing: Listing) -> Result<()> {
        let began = link.lever_now(&self.shared.clock);
        if listing != Listing::Opportunities {
            self.insist(link, listing, &Cursor::begun(began)).await?;
        }
        link.force(&[listing], RunCause::Settings);
        Ok(())
    }
}

/// What must be walked to bring what the settings left out before.
///
/// Applications and contacts arrive inside opportunities, and no follow pass finds what has not changed:
/// only a walk over all opportunities brings those.
fn newly_kept(before: &Connection, after: &Connection) -> Vec<Listing> {
    let new = after.streams.difference(&before.streams);
    let mut listings: Vec<Listing> = new
        .filter_map(|stream| match stream {
            Stream::Applications | Stream::Contacts => Some(Listing::OpportunitySweep),
            other => listing_of(*other),
        })
        .collect();
    // Who was made before a later start is on no walk over everybody any more, and is buried after it.
    let wider = before.sync_start != after.sync_start
        || (after.include_archived && !before.include_archived)
        || (after.include_snoozed && !before.include_snoozed);
    if wider {
        listings.push(Listing::OpportunitySweep);
    }
    listings
}

/// The streams whose stored records are not what the new settings make of Lever's: fields or secret notes are let in
/// that were left out, or the other way round.
///
/// Only reading them again mends both; Lever moves no stamp for it.
fn kept_differently(before: &Connection, after: &Connection) -> BTreeSet<Stream> {
    let fields = before
        .excluded_fields
        .symmetric_difference(&after.excluded_fields);
    let mut streams: BTreeSet<Stream> = fields.flat_map(ExcludedField::reaches).collect();
    if before.include_secret_notes != after.include_secret_notes {
        streams.insert(Stream::Notes);
    }
    streams.retain(|stream| before.keeps(*stream) && after.keeps(*stream));
    streams
}

/// The walks that bring every record of these streams; people come with what is expanded in them.
fn listings_of(streams: &BTreeSet<Stream>) -> Vec<Listing> {
    let mut listings: Vec<Listing> = Vec::new();
    for stream in streams {
        let listing = match stream {
            Stream::Opportunities | Stream::Applications | Stream::Contacts => {
                Some(Listing::OpportunitySweep)
            }
            other => listing_of(*other),
        };
        listings.extend(listing.filter(|listing| !listings.contains(listing)));
    }
    listings
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::Timestamp;
    use secrecy::SecretString;

    use super::*;
    use crate::{Clock, Settings, testing};

    fn before() -> Connection {
        Connection {
            include_archived: false,
            include_snoozed: false,
            sync_start: Some(Timestamp::from_millis(100)),
            ..testing::connection(&[Stream::Opportunities], Timestamp::default())
        }
    }

    #[test]
    fn settings_that_let_more_in_walk_over_everybody_again() {
        let sweep = [Listing::OpportunitySweep];
        let start = |at: Option<i64>| Connection {
            sync_start: at.map(Timestamp::from_millis),
            ..before()
        };
        assert_eq!(
            newly_kept(
                &before(),
                &Connection {
                    include_archived: true,
                    ..before()
                }
            ),
            sweep
        );
        assert_eq!(
            newly_kept(
                &before(),
                &Connection {
                    include_snoozed: true,
                    ..before()
                }
            ),
            sweep
        );
        assert_eq!(newly_kept(&before(), &start(Some(99))), sweep);
        assert_eq!(newly_kept(&before(), &start(None)), sweep);
        assert_eq!(newly_kept(&before(), &start(Some(101))), sweep);
        assert!(newly_kept(&before(), &before()).is_empty());
    }

    #[test]
    fn records_are_read_again_where_fields_or_secret_notes_come_in_or_go() {
        let with = |fields: &[&str], secret| Connection {
            streams: [Stream::Opportunities, Stream::Contacts, Stream::Notes].into(),
            excluded_fields: fields
                .iter()
                .filter_map(|text| ExcludedField::parse(text).ok())
                .collect(),
            include_secret_notes: secret,
            ..before()
        };
        let some = || with(&["contacts.phones", "notes.fields", "users.email"], false);
        let none = || with(&[], false);
        let both = BTreeSet::from([Stream::Contacts, Stream::Notes]);
        assert_eq!(kept_differently(&some(), &none()), both);
        assert_eq!(kept_differently(&none(), &some()), both);
        let notes = BTreeSet::from([Stream::Notes]);
        assert_eq!(kept_differently(&none(), &with(&[], true)), notes);
        assert_eq!(kept_differently(&with(&[], true), &none()), notes);
        assert!(kept_differently(&some(), &some()).is_empty());
        let people = [Stream::Contacts, Stream::Opportunities, Stream::Users].into();
        assert_eq!(listings_of(&people).len(), 2);
    }

    /// The process ended between the change of the settings and the plan of what to read again.
    #[tokio::test]
    async fn f10_settings_that_were_not_followed_before_a_kill_are_followed_at_the_next_start() {
        testing::install_crypto();
        let folder = tempfile::TempDir::new().unwrap();
        let store = testing::store(folder.path()).await;
        let connection = testing::connection(Stream::DEFAULT, Timestamp::default());
        let id = connection.id;
        let key = SecretString::from("k");
        store
            .create_connection(connection.clone(), key)
            .await
            .unwrap();
        let tighter = Connection {
            excluded_fields: ExcludedField::parse("opportunities.phones")
                .into_iter()
                .collect(),
            ..connection
        };
        store.update_connection(tighter, None).await.unwrap();
        let mut settings = Settings::default();
        settings.pull.enabled = false;
        let engine = Engine::start(store.clone(), settings, Clock::system());
        let engine = engine.await.unwrap();
        engine.stop(Duration::from_secs(5)).await;
        let sweep = store.cursor(id, Listing::OpportunitySweep).await.unwrap();
        assert!(matches!(sweep, Cursor::Backfill { .. }), "{sweep:?}");
        assert_eq!(store.former_settings(id).await.unwrap(), None);
    }

    #[test]
    fn a_new_stream_is_walked_where_it_comes_from() {
        let with = |stream| Connection {
            streams: BTreeSet::from([Stream::Opportunities, stream]),
            ..before()
        };
        assert_eq!(
            newly_kept(&before(), &with(Stream::Users)),
            [Listing::Users]
        );
        assert_eq!(
            newly_kept(&before(), &with(Stream::Contacts)),
            [Listing::OpportunitySweep]
        );
    }
}
