//! Which lists below records wait to be read, and in which order.

use std::collections::{BTreeMap, BTreeSet};

use domain::hydration::{Policy, Sighting, Urgency, posting_state};
use domain::{Backlog, Candidacy, ConnectionId, Hydration, Parent, Stream};
use lever::Timestamp;

use crate::children::ChildRead;
use crate::draft::Draft;
use crate::error::Error;
use crate::format::{Head, key};
use crate::records;
use crate::store::Store;
use crate::table::Table;

/// How many records one transaction of [`Store::plan_again`] looks at.
const STEP: usize = 500;

/// How the reading of a stream that has no listing of its own goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StreamState {
    /// When its last waiting list was read, by Lever's clock.
    pub caught_up_at: Option<Timestamp>,
    /// Why reading failed last; none after a success.
    pub last_error: Option<String>,
}

/// A parent whose lists wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Which.
    pub parent: Parent,
    /// Why.
    pub urgency: Urgency,
    /// What is known of its lists.
    pub hydration: Hydration,
}

impl Store {
    /// The parents whose lists wait, the most urgent first, up to `limit`; those of `except` are left out, and those of
    /// which lists are only set aside.
    ///
    /// # Errors
    /// As every read.
    pub async fn waiting_parents(
        &self,
        connection: ConnectionId,
        limit: usize,
        except: BTreeSet<Parent>,
    ) -> Result<Vec<Waiting>, Error> {
        let waits = |urgency: &Urgency| *urgency != Urgency::SetAside;
        let urgencies = Urgency::ALL.into_iter().filter(waits);
        self.in_line(connection, urgencies, limit, except).await
    }

    /// The parents of which lists are set aside while none waits, up to `limit`; those of `except` are left out.
    ///
    /// # Errors
    /// As every read.
    pub async fn set_aside_parents(
        &self,
        connection: ConnectionId,
        limit: usize,
        except: BTreeSet<Parent>,
    ) -> Result<Vec<Waiting>, Error> {
        let urgencies = [Urgency::SetAside].into_iter();
        self.in_line(connection, urgencies, limit, except).await
    }

    async fn in_line(
        &self,
        connection: ConnectionId,
        urgencies: impl Iterator<Item = Urgency> + Send + 'static,
        limit: usize,
        except: BTreeSet<Parent>,
    ) -> Result<Vec<Waiting>, Error> {
        self.read(move |tables| {
            let mut found = Vec::new();
            for urgency in urgencies {
                for entry in tables.scan(Table::HydrationQueue, &key::urgency(connection, urgency))
                {
                    if found.len() >= limit {
                        return Ok(found);
                    }
                    let (key, _empty) = entry?;
                    let parent = key::waiting_parent(&key)
                        .ok_or_else(|| Error::corrupt(Table::HydrationQueue))?;
                    if except.contains(&parent) {
                        continue;
                    }
                    let stored: Option<Hydration> =
                        tables.get(Table::Hydrations, &key::hydration(connection, &parent)?)?;
                    found.extend(stored.map(|hydration| Waiting {
                        parent,
                        urgency,
                        hydration,
                    }));
                }
            }
            Ok(found)
        })
        .await
    }

    /// What is known of the lists below a parent; none before it was seen.
    ///
    /// # Errors
    /// As every read.
    pub async fn hydration(
        &self,
        connection: ConnectionId,
        parent: &Parent,
    ) -> Result<Option<Hydration>, Error> {
        match key::hydration(connection, parent) {
            Ok(key) => self.tables().get(Table::Hydrations, &key),
            Err(_never_stored) => Ok(None),
        }
    }

    /// How many lists wait to be read.
    ///
    /// # Errors
    /// As every read.
    pub async fn backlog(&self, connection: ConnectionId) -> Result<Backlog, Error> {
        let backlog = self
            .tables()
            .get(Table::Backlogs, &key::connection(connection))?;
        Ok(backlog.unwrap_or_default())
    }

    /// How the reading of the streams without a listing goes; those never touched are left out.
    ///
    /// # Errors
    /// As every read.
    pub async fn stream_states(
        &self,
        connection: ConnectionId,
    ) -> Result<BTreeMap<Stream, StreamState>, Error> {
        let mut states = BTreeMap::new();
        for stream in Stream::ALL {
            let key = key::stream(connection, *stream);
            if let Some(state) = self.tables().get(Table::StreamStates, &key)? {
                states.insert(*stream, state);
            }
        }
        Ok(states)
    }

    /// Notes why reading a stream failed, or that it works again.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) without such a connection.
    pub async fn note_stream(
        &self,
        connection: ConnectionId,
        stream: Stream,
        error: Option<String>,
    ) -> Result<(), Error> {
        self.commit(move |draft| {
            draft.require_connection(connection)?;
            let key = key::stream(connection, stream);
            let state: StreamState = draft.get(Table::StreamStates, &key)?.unwrap_or_default();
            if state.last_error != error {
                let state = StreamState {
                    last_error: error,
                    ..state
                };
                draft.put(Table::StreamStates, key, &state);
            }
            Ok(())
        })
        .await
    }

    /// Plans anew below every parent that was seen: for lists that are kept or readable from now on.
    ///
    /// Lists that were read, or that wait already, are left as they are. Done in several transactions.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) without such a connection.
    pub async fn plan_again(
        &self,
        connection: ConnectionId,
        policy: Policy,
        now: Timestamp,
    ) -> Result<u64, Error> {
        let mut planned = 0;
        for stream in [Stream::Opportunities, Stream::Postings] {
            let again = Again {
                connection,
                stream,
                policy: policy.clone(),
                now,
            };
            let from = key::stream(connection, stream);
            let steps = self.commit_in_steps(from, move |draft, from| again.step(draft, from));
            planned += steps.await?;
        }
        Ok(planned)
    }
}

/// One transaction's worth of planning anew.
struct Again {
    connection: ConnectionId,
    stream: Stream,
    policy: Policy,
    now: Timestamp,
}

impl Again {
    /// Gives how many lists wait now that did not, and where to go on.
    fn step(&self, draft: &mut Draft<'_>, from: &[u8]) -> Result<(u64, Option<Vec<u8>>), Error> {
        draft.require_connection(self.connection)?;
        let prefix = key::stream(self.connection, self.stream);
        let heads: Vec<_> = draft
            .tables()
            .scan_after(Table::Heads, &prefix, from)
            .take(STEP)
            .collect::<Result<_, _>>()?;
        let next = heads.last().map(|(key, _head)| key.clone());
        let next = next.filter(|_| heads.len() == STEP);
        let mut planned = 0;
        for (key, _head) in heads {
            let id =
                key::text_after(&key, prefix.len()).ok_or_else(|| Error::corrupt(Table::Heads))?;
            planned += self.parent(draft, &key, id)?;
        }
        Ok((planned, next))
    }

    fn parent(&self, draft: &mut Draft<'_>, key: &[u8], id: &str) -> Result<u64, Error> {
        let Some(parent) = Parent::new(self.stream, id) else {
            return Ok(0);
        };
        let Some(sighting) = self.sighting(draft, key, &parent)? else {
            return Ok(0);
        };
        // What is known counts as planned: only lists that were never read are added.
        let known = stored(draft, self.connection, &parent)?;
        let stamps = known.as_ref().map(|known| known.stamps);
        let sighting = Sighting {
            stamps: stamps.unwrap_or(sighting.stamps),
            ..sighting
        };
        saw(
            draft,
            self.connection,
            &parent,
            known,
            &sighting,
            &self.policy,
        )
    }

    /// The parent as it is stored; none for a tombstone.
    fn sighting(
        &self,
        draft: &Draft<'_>,
        key: &[u8],
        parent: &Parent,
    ) -> Result<Option<Sighting>, Error> {
        Ok(match parent {
            Parent::Opportunity(id) => {
                let key = key::candidacy(self.connection, id)?;
                let candidacy: Option<Candidacy> = draft.get(Table::Candidacies, &key)?;
                candidacy.map(|candidacy| {
                    Sighting::opportunity(&candidacy, false, self.now, &self.policy)
                })
            }
            Parent::Posting(_) => {
                let head: Option<Head> = draft.get(Table::Heads, key)?;
                let document = match head.filter(|head| head.deleted_at.is_none()) {
                    Some(head) => records::document(draft.tables(), self.stream, key, &head)?,
                    None => None,
                };
                document.map(|document| {
                    let state = posting_state(&document.0);
                    Sighting::posting(state.as_ref(), false, self.now, &self.policy)
                })
            }
        })
    }
}

/// Takes note of a parent that was seen, with what is stored of it; gives how many lists wait because of it.
pub(crate) fn saw(
    draft: &mut Draft<'_>,
    connection: ConnectionId,
    parent: &Parent,
    before: Option<Hydration>,
    sighting: &Sighting,
    policy: &Policy,
) -> Result<u64, Error> {
    let known = before.clone().unwrap_or_default();
    let after = known.clone().seen(sighting, policy);
    // What never had and has no list below it needs no record.
    if before.is_none() && after.wanted.is_empty() {
        return Ok(0);
    }
    let waited = known.wanted.len();
    let waits = after.wanted.len();
    store(draft, connection, parent, &known, &after)?;
    Ok(waits.saturating_sub(waited) as u64)
}

/// Takes note of the lists that were read.
pub(crate) fn read(draft: &mut Draft<'_>, read: &ChildRead) -> Result<(), Error> {
    let Some(before) = stored(draft, read.connection, &read.parent)? else {
        return Ok(());
    };
    let lists = |whole| -> BTreeMap<Stream, Timestamp> {
        let lists = read.lists.iter().filter(|list| list.whole == whole);
        lists.map(|list| (list.stream, list.requested_at)).collect()
    };
    let (whole, unreadable) = (lists(true), lists(false));
    let after = before.clone().after(&whole).unreadable(&unreadable);
    let after = after.without(&read.refused);
    store(draft, read.connection, &read.parent, &before, &after)?;
    let backlog = backlog(draft, read.connection)?;
    for (stream, requested_at) in whole.into_iter().chain(unreadable) {
        let had = before.wanted.contains_key(&stream);
        if had && backlog.of(stream) == 0 {
            caught_up(draft, read.connection, stream, requested_at)?;
        }
    }
    Ok(())
}

fn caught_up(
    draft: &mut Draft<'_>,
    connection: ConnectionId,
    stream: Stream,
    at: Timestamp,
) -> Result<(), Error> {
    let key = key::stream(connection, stream);
    let state: StreamState = draft.get(Table::StreamStates, &key)?.unwrap_or_default();
    let state = StreamState {
        caught_up_at: Some(at),
        ..state
    };
    draft.put(Table::StreamStates, key, &state);
    Ok(())
}

/// Forgets a parent that is gone.
pub(crate) fn forget(
    draft: &mut Draft<'_>,
    connection: ConnectionId,
    parent: &Parent,
) -> Result<(), Error> {
    let Some(before) = stored(draft, connection, parent)? else {
        return Ok(());
    };
    store(draft, connection, parent, &before, &Hydration::default())?;
    draft.remove(Table::Hydrations, key::hydration(connection, parent)?);
    Ok(())
}

/// What is stored of the lists below a parent.
pub(crate) fn stored(
    draft: &Draft<'_>,
    connection: ConnectionId,
    parent: &Parent,
) -> Result<Option<Hydration>, Error> {
    draft.get(Table::Hydrations, &key::hydration(connection, parent)?)
}

fn backlog(draft: &Draft<'_>, connection: ConnectionId) -> Result<Backlog, Error> {
    let backlog = draft.get(Table::Backlogs, &key::connection(connection))?;
    Ok(backlog.unwrap_or_default())
}

/// Stores what is known of a parent, its place in the queue and the count of what waits.
fn store(
    draft: &mut Draft<'_>,
    connection: ConnectionId,
    parent: &Parent,
    before: &Hydration,
    after: &Hydration,
) -> Result<(), Error> {
    if before == after {
        return Ok(());
    }
    if let Some(urgency) = before.urgency {
        let place = key::waiting(connection, urgency, before.since, parent)?;
        draft.remove(Table::HydrationQueue, place);
    }
    if let Some(urgency) = after.urgency {
        let place = key::waiting(connection, urgency, after.since, parent)?;
        draft.mark(Table::HydrationQueue, place);
    }
    draft.put(
        Table::Hydrations,
        key::hydration(connection, parent)?,
        after,
    );
    let counted = backlog(draft, connection)?;
    let mut count = counted.clone();
    count.replace(before, after);
    if count != counted {
        draft.put(Table::Backlogs, key::connection(connection), &count);
    }
    Ok(())
}
