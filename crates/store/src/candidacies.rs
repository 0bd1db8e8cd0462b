//! Reading candidacies: alone, by stage, by person.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::sync::Arc;

use domain::{Candidacy, ConnectionId};
use lever::{ContactId, OpportunityId, StageId, Timestamp};

use crate::error::Error;
use crate::format::{Alias, key};
use crate::recent::CandidacyChanges;
use crate::store::Store;
use crate::table::{Table, Tables};

/// The order of a list by the time the stage was entered; equal times are ordered by opportunity id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The latest first.
    NewestFirst,
    /// The earliest first.
    OldestFirst,
}

impl Store {
    /// Reads the candidacy of an opportunity; none for a deleted one.
    ///
    /// # Errors
    /// As every read.
    pub async fn candidacy(
        &self,
        connection: ConnectionId,
        opportunity: &OpportunityId,
    ) -> Result<Option<Candidacy>, Error> {
        match key::candidacy(connection, opportunity) {
            Ok(key) => self.tables().get(Table::Candidacies, &key),
            Err(_never_stored) => Ok(None),
        }
    }

    /// Tells which candidacies of a connection commits have changed since `mark`, an earlier answer's; 0 stands for
    /// the time the store was opened. What was answered as committed is in it.
    ///
    /// # Errors
    /// As every read.
    pub fn candidacy_changes(
        &self,
        connection: ConnectionId,
        mark: u64,
    ) -> Result<CandidacyChanges, Error> {
        let tables = self.tables();
        tables.health().check()?;
        Ok(tables.recent().changes(connection, mark))
    }

    /// Lists up to `limit` candidacies, archived ones too, in the order of their ids, after the one given.
    ///
    /// # Errors
    /// As every read.
    pub async fn candidacies(
        &self,
        connection: ConnectionId,
        after: Option<&OpportunityId>,
        limit: usize,
    ) -> Result<Vec<Candidacy>, Error> {
        let prefix = key::connection(connection);
        let after = after.map(|id| key::candidacy(connection, id)).transpose()?;
        self.read(move |tables| {
            let from = after.as_ref().unwrap_or(&prefix);
            let entries = tables.scan_after(Table::Candidacies, &prefix, from);
            let found =
                entries.filter_map(|entry| tables.value(Table::Candidacies, entry).transpose());
            found.take(limit).collect()
        })
        .await
    }

    /// Lists up to `limit` active candidacies in any of these stages, after the place `after` in the order.
    ///
    /// Reads only what the list needs, however many there are.
    ///
    /// # Errors
    /// As every read.
    pub async fn list_in_stages(
        &self,
        connection: ConnectionId,
        stages: &[StageId],
        order: Order,
        after: Option<(Timestamp, OpportunityId)>,
        limit: usize,
    ) -> Result<Vec<Candidacy>, Error> {
        let found = self
            .walk_stages(connection, stages, order, after, limit)
            .await?;
        Ok(found.into_iter().map(Arc::unwrap_or_clone).collect())
    }

    /// The same for whoever only looks at them: those that were read lately are not read again.
    ///
    /// # Errors
    /// As every read.
    pub async fn walk_stages(
        &self,
        connection: ConnectionId,
        stages: &[StageId],
        order: Order,
        after: Option<(Timestamp, OpportunityId)>,
        limit: usize,
    ) -> Result<Vec<Arc<Candidacy>>, Error> {
        let stages: BTreeSet<StageId> = stages.iter().cloned().collect();
        let after = after.map(|(at, id)| [&key::moment(at)[..], id.as_str().as_bytes()].concat());
        self.read(move |tables| list(tables, connection, &stages, order, after.as_deref(), limit))
            .await
    }

    /// Counts the active candidacies of each stage that has any.
    ///
    /// # Errors
    /// As every read.
    pub async fn count_by_stage(
        &self,
        connection: ConnectionId,
    ) -> Result<BTreeMap<StageId, u64>, Error> {
        self.read(move |tables| {
            let kept = tables.stage_counts();
            let epoch = match kept.get(connection) {
                Ok(counts) => {
                    tables.health().check()?;
                    return Ok(counts);
                }
                Err(epoch) => epoch,
            };
            let counts = count(tables, connection)?;
            kept.keep(epoch, connection, &counts);
            Ok(counts)
        })
        .await
    }

    /// Counts the active candidacies in these stages, all together; reads no others.
    ///
    /// # Errors
    /// As every read.
    pub async fn count_in_stages(
        &self,
        connection: ConnectionId,
        stages: &[StageId],
    ) -> Result<u64, Error> {
        let stages: BTreeSet<StageId> = stages.iter().cloned().collect();
        self.read(move |tables| {
            if let Ok(counts) = tables.stage_counts().get(connection) {
                tables.health().check()?;
                return Ok(stages.iter().filter_map(|stage| counts.get(stage)).sum());
            }
            let mut count = 0;
            for stage in &stages {
                let Ok(prefix) = key::stage(connection, stage) else {
                    continue;
                };
                for entry in tables.scan(Table::ByStage, &prefix) {
                    entry?;
                    count += 1;
                }
            }
            Ok(count)
        })
        .await
    }

    /// Lists the opportunities of a person, archived ones too; of a contact whose last opportunity was given to another,
    /// those of that one.
    ///
    /// # Errors
    /// As every read.
    pub async fn opportunities_of_contact(
        &self,
        connection: ConnectionId,
        contact: &ContactId,
    ) -> Result<Vec<OpportunityId>, Error> {
        let contact = contact.clone();
        self.read(move |tables| {
            let (_present, opportunities) = of_contact(tables, connection, &contact, usize::MAX)?;
            Ok(opportunities)
        })
        .await
    }
}

/// Counts by reading the index from one end to the other.
fn count(tables: &Tables, connection: ConnectionId) -> Result<BTreeMap<StageId, u64>, Error> {
    let mut counts = BTreeMap::new();
    // All of a stage lie side by side.
    let (mut prefix, mut present) = (Vec::new(), None);
    let mut count = 0;
    for entry in tables.scan(Table::ByStage, &key::connection(connection)) {
        let (key, _empty) = entry?;
        if present.is_none() || !key.starts_with(&prefix) {
            let (stage, _opportunity) =
                key::stage_parts(&key).ok_or_else(|| Error::corrupt(Table::ByStage))?;
            prefix = key::stage(connection, &stage)?;
            counts.extend(present.replace(stage).map(|before| (before, count)));
            count = 0;
        }
        count += 1;
    }
    counts.extend(present.map(|last| (last, count)));
    Ok(counts)
}

/// How often a person can have been merged into another, and still be found.
const MOST_MERGES: usize = 16;

/// The opportunities of a person, at most so many, and the contact that has them: another than the one asked for where
/// that one's were given to it.
pub(crate) fn of_contact(
    tables: &Tables,
    connection: ConnectionId,
    contact: &ContactId,
    limit: usize,
) -> Result<(ContactId, Vec<OpportunityId>), Error> {
    let mut present = contact.clone();
    for _ in 0..MOST_MERGES {
        // One that no key can hold is nobody's.
        let Ok(prefix) = key::contact(connection, &present) else {
            break;
        };
        let mut opportunities = Vec::new();
        for entry in tables.scan(Table::ByContact, &prefix).take(limit) {
            let (key, _empty) = entry?;
            let id = key::text_after(&key, prefix.len());
            let id = id.ok_or_else(|| Error::corrupt(Table::ByContact))?;
            opportunities.push(OpportunityId::from(id));
        }
        let alias: Option<Alias> = match opportunities.is_empty() {
            true => tables.get(Table::ContactAliases, &prefix)?,
            false => None,
        };
        match alias {
            Some(Alias(next)) => present = next,
            None => return Ok((present, opportunities)),
        }
    }
    Ok((present, Vec::new()))
}

/// The contact that somebody is known as now.
pub(crate) fn present_contact(
    tables: &Tables,
    connection: ConnectionId,
    contact: &ContactId,
) -> Result<ContactId, Error> {
    let (present, _one) = of_contact(tables, connection, contact, 1)?;
    Ok(present)
}

/// The entries of one stage, each as its place in the order: 8 bytes of time, then the opportunity id.
type Places<'a> = Peekable<Box<dyn Iterator<Item = Result<Vec<u8>, Error>> + 'a>>;

fn list(
    tables: &Tables,
    connection: ConnectionId,
    stages: &BTreeSet<StageId>,
    order: Order,
    after: Option<&[u8]>,
    limit: usize,
) -> Result<Vec<Arc<Candidacy>>, Error> {
    let prefixes = stages
        .iter()
        .filter_map(|stage| key::stage(connection, stage).ok());
    let mut places: Vec<Places<'_>> = prefixes
        .map(|prefix| places(tables, prefix, order, after).peekable())
        .collect();
    let mut found = Vec::new();
    while found.len() < limit {
        let Some(place) = next_place(&mut places, order)? else {
            break;
        };
        found.extend(candidacy_at(tables, connection, stages, &place)?);
    }
    Ok(found)
}

fn places<'a>(
    tables: &'a Tables,
    prefix: Vec<u8>,
    order: Order,
    after: Option<&[u8]>,
) -> Box<dyn Iterator<Item = Result<Vec<u8>, Error>> + 'a> {
    let from = after.map(|place| [&prefix, place].concat());
    let cut = prefix.len();
    let place = move |entry: Result<(Vec<u8>, Vec<u8>), Error>| {
        entry.map(|(key, _empty)| key[cut..].to_vec())
    };
    match (order, from) {
        (Order::OldestFirst, None) => Box::new(tables.scan(Table::ByStage, &prefix).map(place)),
        (Order::OldestFirst, Some(from)) => {
            Box::new(tables.scan_after(Table::ByStage, &prefix, &from).map(place))
        }
        (Order::NewestFirst, None) => {
            Box::new(tables.scan(Table::ByStage, &prefix).rev().map(place))
        }
        (Order::NewestFirst, Some(from)) => Box::new(
            tables
                .scan_before(Table::ByStage, &prefix, &from)
                .rev()
                .map(place),
        ),
    }
}

/// Takes the first of all the stages' first places.
fn next_place(stages: &mut [Places<'_>], order: Order) -> Result<Option<Vec<u8>>, Error> {
    if let [only] = stages {
        return only.next().transpose();
    }
    let mut first: Option<(usize, Vec<u8>)> = None;
    for (at, places) in stages.iter_mut().enumerate() {
        let place = match places.peek() {
            None => continue,
            Some(Ok(place)) => place,
            Some(Err(_)) => return places.next().transpose(),
        };
        let earlier = first.as_ref().is_none_or(|(_, best)| match order {
            Order::OldestFirst => place < best,
            Order::NewestFirst => place > best,
        });
        if earlier {
            first = Some((at, place.clone()));
        }
    }
    match first {
        Some((at, _)) => stages[at].next().transpose(),
        None => Ok(None),
    }
}

/// The candidacy with this key, read if it was not lately.
fn recent(tables: &Tables, key: Vec<u8>) -> Result<Option<Arc<Candidacy>>, Error> {
    let epoch = match tables.recent().get(&key) {
        Ok(candidacy) => {
            tables.health().check()?;
            return Ok(Some(candidacy));
        }
        Err(epoch) => epoch,
    };
    let candidacy: Option<Candidacy> = tables.get(Table::Candidacies, &key)?;
    let candidacy = candidacy.map(Arc::new);
    if let Some(candidacy) = &candidacy {
        tables.recent().keep(epoch, key, candidacy);
    }
    Ok(candidacy)
}

/// None when a commit moved the person since the index was read.
fn candidacy_at(
    tables: &Tables,
    connection: ConnectionId,
    stages: &BTreeSet<StageId>,
    place: &[u8],
) -> Result<Option<Arc<Candidacy>>, Error> {
    let id = key::text_after(place, 8).ok_or_else(|| Error::corrupt(Table::ByStage))?;
    let key = key::candidacy(connection, &OpportunityId::from(id))?;
    let candidacy = recent(tables, key)?;
    Ok(candidacy.filter(|candidacy| {
        candidacy.active()
            && candidacy
                .stage
                .as_ref()
                .is_some_and(|stage| stages.contains(stage))
            && key::moment(candidacy.entered_stage_at) == place[..8]
    }))
}
