//! Forgetting a person: what is about one opportunity leaves the mirror, its indexes and the outbox.
//!
//! A mark in the table `forgets` says what is still to be removed. It is written in the transaction that makes
//! the tombstone of an opportunity (so a deletion that Lever tells of is never half done), or when it is asked for,
//! and it goes last: whatever interrupts, the next look at the marks goes on.
//!
//! Tombstones keep ids and stamps, nothing else. Removed values are no longer found through the store, but their
//! bytes stay in sled's log until [`compact`](crate::compact) rewrites it (`opening` says what is in there).

use domain::{Candidacy, Connection, ConnectionId, Parent, Stream};
use lever::{ContactId, OpportunityId, Timestamp};

use crate::backup;
use crate::children;
use crate::connections;
use crate::draft::Draft;
use crate::error::Error;
use crate::format::{Forget, Head, key};
use crate::operations;
use crate::ours;
use crate::quarantine::{self, Kept, Quarantined};
use crate::records;
use crate::store::Store;
use crate::table::{Table, Tables};
use crate::upsert::Upsert;

/// How many records one transaction removes.
const STEP: usize = 100;

/// Why a person is forgotten; a later one outweighs those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// The opportunity was missing from a complete walk: it may show again.
    Absent,
    /// Lever has anonymized the person: what is left of the opportunity itself stays.
    Anonymized,
    /// Lever told that the opportunity is deleted.
    Deleted,
    /// It was asked for.
    Asked,
}

/// What was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forgotten {
    /// Records that became tombstones.
    pub records: u64,
    /// Records that left quarantine.
    pub quarantined: u64,
    /// Operations whose content was removed.
    pub operations: u64,
    /// Operations that are not settled: cancel or settle them, then ask again.
    pub waiting: u64,
}

impl Store {
    /// Forgets the person of an opportunity (X11): its documents and those of its children, its contact when no other
    /// opportunity is that contact's, its candidacy and index entries, quarantined records that mention it,
    /// and the content of its settled operations. Tombstones without personal data stay.
    ///
    /// Done in several transactions; one that was interrupted goes on when it is asked for again,
    /// or with [`Store::forget_deleted`].
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) without such a connection,
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for an id that cannot be stored.
    pub async fn forget_person(
        &self,
        connection: ConnectionId,
        opportunity: &OpportunityId,
        at: Timestamp,
    ) -> Result<Forgotten, Error> {
        let asked = opportunity.clone();
        self.commit(move |draft| {
            connections::stored(draft, connection)?;
            remember(draft, connection, &asked, Cause::Asked)
        })
        .await?;
        self.forget_marked(connection, opportunity.clone(), at)
            .await
    }

    /// Forgets everybody whose opportunity became a tombstone since, and whoever an earlier call did not finish with.
    ///
    /// A person who shows again before is left alone. Where an opportunity was only missed,
    /// operations and quarantine stay as they are, and its records come back if Lever shows them again.
    ///
    /// # Errors
    /// As every write.
    pub async fn forget_deleted(
        &self,
        connection: ConnectionId,
        at: Timestamp,
    ) -> Result<Forgotten, Error> {
        let prefix = key::connection(connection);
        let marked = self
            .read(move |tables| {
                let mut marked = Vec::new();
                for entry in tables.scan(Table::Forgets, &prefix) {
                    let (key, _mark) = entry?;
                    let id = key::text_after(&key, prefix.len());
                    let id = id.ok_or_else(|| Error::corrupt(Table::Forgets))?;
                    marked.push(OpportunityId::from(id));
                }
                Ok(marked)
            })
            .await?;
        let mut sum = Forgotten::default();
        for opportunity in marked {
            sum.add(self.forget_marked(connection, opportunity, at).await?);
        }
        Ok(sum)
    }

    async fn forget_marked(
        &self,
        connection: ConnectionId,
        opportunity: OpportunityId,
        at: Timestamp,
    ) -> Result<Forgotten, Error> {
        let forgetting = Forgetting {
            connection,
            opportunity,
            at,
        };
        let mut sum = Forgotten::default();
        loop {
            let step = forgetting.clone();
            let (removed, mark) = self.commit(move |draft| step.records(draft)).await?;
            sum.records += removed;
            match mark {
                None => return Ok(sum),
                Some(mark) if mark.records.is_empty() => {
                    let (rest, over) = self.forget_traces(&forgetting, mark).await?;
                    sum.add(rest);
                    if over {
                        return Ok(sum);
                    }
                }
                Some(_) => {}
            }
        }
    }

    /// What is left once the records are gone: quarantine, operations, and the mark itself; tells whether that is all.
    async fn forget_traces(
        &self,
        forgetting: &Forgetting,
        mark: Forget,
    ) -> Result<(Forgotten, bool), Error> {
        let mut sum = Forgotten::default();
        if mark.cause != Cause::Absent {
            let (connection, ids) = (forgetting.connection, mark.ids.clone());
            let mentions = self
                .read(move |tables| mentions(tables, connection, &ids))
                .await?;
            for keys in mentions.chunks(STEP) {
                let keys = keys.to_vec();
                sum.quarantined += keys.len() as u64;
                self.commit(move |draft| {
                    keys.into_iter()
                        .try_for_each(|key| quarantine::discard(draft, connection, key))
                })
                .await?;
            }
            let opportunity = forgetting.opportunity.clone();
            self.commit(move |draft| ours::forget(draft, connection, &opportunity))
                .await?;
            let operations = self
                .operations(connection, Some(&forgetting.opportunity), None, usize::MAX)
                .await?;
            for chunk in operations.chunks(STEP) {
                let settled = chunk
                    .iter()
                    .filter(|operation| operation.state.settled())
                    .map(|operation| operation.id)
                    .collect();
                let chunk: Vec<_> = chunk.iter().map(|operation| operation.id).collect();
                let scrubbed = self.commit(move |draft| {
                    let keys = chunk.iter().map(|id| key::operation(connection, *id));
                    let scrubbed = scrub(draft, keys)?;
                    // It must not live on in a snapshot.
                    if scrubbed.0 > 0 {
                        backup::outdate(draft)?;
                    }
                    Ok(scrubbed)
                });
                let (operations, waiting) = scrubbed.await?;
                self.let_go_scrubbed(connection, &settled)?;
                sum.operations += operations;
                sum.waiting += waiting;
            }
        }
        if sum.waiting > 0 {
            return Ok((sum, true));
        }
        let key = key::candidacy(forgetting.connection, &forgetting.opportunity)?;
        let over = self.commit(move |draft| {
            // Meanwhile Lever may have told that who was only missed is deleted: then more has to go.
            let present: Option<Forget> = draft.get(Table::Forgets, &key)?;
            let over = present.is_none_or(|present| present == mark);
            if over {
                draft.remove(Table::Forgets, key);
            }
            Ok(over)
        });
        Ok((sum, over.await?))
    }
}

impl Forgotten {
    fn add(&mut self, other: Forgotten) {
        self.records += other.records;
        self.quarantined += other.quarantined;
        self.operations += other.operations;
        self.waiting += other.waiting;
    }
}

/// Notes what has to be removed of an opportunity while it can still be told.
///
/// A mark that is there already keeps what it says, unless the new cause outweighs its own.
pub(crate) fn remember(
    draft: &mut Draft<'_>,
    connection: ConnectionId,
    opportunity: &OpportunityId,
    cause: Cause,
) -> Result<(), Error> {
    let key = key::candidacy(connection, opportunity)?;
    let known: Option<Forget> = draft.get(Table::Forgets, &key)?;
    if known.as_ref().is_some_and(|known| known.cause >= cause) {
        return Ok(());
    }
    let mut mark = everything_about(draft.tables(), connection, opportunity, cause)?;
    if let Some(known) = known {
        mark.records = united(known.records, mark.records);
        mark.ids = united(known.ids, mark.ids);
        mark.contact = mark.contact.or(known.contact);
    }
    // What Lever goes on showing, without what it said about the person, is read again.
    if cause == Cause::Anonymized {
        mark.records
            .retain(|(stream, _id)| *stream == Stream::EeoResponses);
        mark.contact = None;
    }
    draft.put(Table::Forgets, key, &mark);
    Ok(())
}

/// What there is to remove of an opportunity.
fn everything_about(
    tables: &Tables,
    connection: ConnectionId,
    opportunity: &OpportunityId,
    cause: Cause,
) -> Result<Forget, Error> {
    let mut records = children(tables, connection, opportunity)?;
    let contact = contact(tables, connection, opportunity)?;
    // The opportunity last: what is read from its document is known until all else is gone.
    records.push((Stream::Opportunities, opportunity.as_str().to_owned()));
    let mut ids: Vec<_> = records.iter().map(|(_stream, id)| id.clone()).collect();
    ids.extend(contact.iter().map(|id| id.as_str().to_owned()));
    Ok(Forget {
        cause,
        records,
        contact,
        ids,
    })
}

/// What only the first list has, and then the second one.
fn united<T: PartialEq>(mut first: Vec<T>, second: Vec<T>) -> Vec<T> {
    first.retain(|one| !second.contains(one));
    first.extend(second);
    first
}

/// The records that are about an opportunity, besides itself and its contact.
fn children(
    tables: &Tables,
    connection: ConnectionId,
    opportunity: &OpportunityId,
) -> Result<Vec<(Stream, String)>, Error> {
    let document = document(tables, connection, opportunity)?;
    let applications = document
        .into_iter()
        .flat_map(|document| document.applications);
    // A response has the id of its application (fixture `eeo-responses-pii.list.json`).
    let mut records: Vec<_> = applications
        .flat_map(|id| {
            [Stream::Applications, Stream::EeoResponses]
                .map(|stream| (stream, id.as_str().to_owned()))
        })
        .collect();
    let parent = Parent::Opportunity(opportunity.clone());
    records.extend(children::of_prefix(
        tables,
        &key::below(connection, &parent)?,
    )?);
    Ok(records)
}

fn contact(
    tables: &Tables,
    connection: ConnectionId,
    opportunity: &OpportunityId,
) -> Result<Option<ContactId>, Error> {
    let key = key::candidacy(connection, opportunity)?;
    let candidacy: Option<Candidacy> = tables.get(Table::Candidacies, &key)?;
    Ok(candidacy.and_then(|candidacy| candidacy.contact))
}

/// The opportunity as it was read from Lever; none for a tombstone, or one that makes no sense.
fn document(
    tables: &Tables,
    connection: ConnectionId,
    opportunity: &OpportunityId,
) -> Result<Option<lever::Opportunity>, Error> {
    let key = key::record(connection, Stream::Opportunities, opportunity.as_str())?;
    let head: Option<Head> = tables.get(Table::Heads, &key)?;
    let Some(head) = head.filter(|head| head.deleted_at.is_none()) else {
        return Ok(None);
    };
    let document = records::document(tables, Stream::Opportunities, &key, &head)?;
    Ok(document.and_then(|document| serde_json::from_str(&document.0).ok()))
}

/// Whose traces are removed, and when.
#[derive(Clone)]
struct Forgetting {
    connection: ConnectionId,
    opportunity: OpportunityId,
    at: Timestamp,
}

impl Forgetting {
    /// Removes some of the records; gives how many were live, and the mark as it is then.
    fn records(&self, draft: &mut Draft<'_>) -> Result<(u64, Option<Forget>), Error> {
        let key = key::candidacy(self.connection, &self.opportunity)?;
        let Some(mut mark) = draft.get::<Forget>(Table::Forgets, &key)? else {
            return Ok((0, None));
        };
        if draft
            .get::<Connection>(Table::Connections, &key::connection(self.connection))?
            .is_none()
            || (matches!(mark.cause, Cause::Deleted | Cause::Absent) && self.shows_again(draft)?)
        {
            draft.remove(Table::Forgets, key);
            return Ok((0, None));
        }
        let rest = mark.records.split_off(mark.records.len().min(STEP));
        let mut now = std::mem::replace(&mut mark.records, rest);
        if let Some(contact) = mark.contact.take_if(|_| mark.records.is_empty())
            && self.is_the_only_one_of(draft.tables(), &contact)?
        {
            now.push((Stream::Contacts, contact.as_str().to_owned()));
        }
        let absent = matches!(mark.cause, Cause::Absent | Cause::Anonymized);
        let mut removed = 0;
        let mut upsert = Upsert::new(draft, self.connection, self.at, self.at)?;
        for (stream, id) in &now {
            removed += u64::from(upsert.forget(*stream, id, absent)?);
        }
        upsert.finish()?;
        draft.put(Table::Forgets, key, &mark);
        Ok((removed, Some(mark)))
    }

    /// Whether the opportunity is live, though it was taken for deleted.
    fn shows_again(&self, draft: &Draft<'_>) -> Result<bool, Error> {
        let id = self.opportunity.as_str();
        let key = key::record(self.connection, Stream::Opportunities, id)?;
        let head: Option<Head> = draft.get(Table::Heads, &key)?;
        Ok(head.is_some_and(|head| head.deleted_at.is_none()))
    }

    fn is_the_only_one_of(&self, tables: &Tables, contact: &ContactId) -> Result<bool, Error> {
        let prefix = key::contact(self.connection, contact)?;
        for entry in tables.scan(Table::ByContact, &prefix) {
            let (key, _empty) = entry?;
            if key::text_after(&key, prefix.len()) != Some(self.opportunity.as_str()) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The keys of the quarantined records that mention one of these ids, or were read below one.
fn mentions(
    tables: &Tables,
    connection: ConnectionId,
    ids: &[String],
) -> Result<Vec<Vec<u8>>, Error> {
    let mut keys = Vec::new();
    for entry in tables.scan(Table::Quarantine, &key::connection(connection)) {
        let (key, value) = entry?;
        let kept: Option<Kept> = tables.value(Table::Quarantine, Ok((key.clone(), value)))?;
        if kept.is_some_and(|kept| ids.iter().any(|id| is_about(&kept.record, id))) {
            keys.push(key);
        }
    }
    Ok(keys)
}

fn is_about(record: &Quarantined, id: &str) -> bool {
    let parent = record.parent.as_ref().map(Parent::id);
    [record.id.as_deref(), parent].contains(&Some(id)) || mentions_id(&record.raw, id)
}

/// Whether an id stands in a text alone, not as a part of a longer word.
fn mentions_id(text: &str, id: &str) -> bool {
    let part_of_a_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    text.match_indices(id).any(|(at, _)| {
        !text[..at].ends_with(part_of_a_word) && !text[at + id.len()..].starts_with(part_of_a_word)
    })
}

/// Removes the content of settled operations; gives how many had any, and how many are not settled.
pub(crate) fn scrub(
    draft: &mut Draft<'_>,
    keys: impl Iterator<Item = Vec<u8>>,
) -> Result<(u64, u64), Error> {
    let (mut scrubbed, mut waiting) = (0, 0);
    for key in keys {
        let Some(operation) = operations::drafted(draft, &key)? else {
            continue;
        };
        if !operation.state.settled() {
            waiting += 1;
        } else if let Some(bare) = operation.scrubbed() {
            operations::put(draft, key, &bare)?;
            scrubbed += 1;
        }
    }
    Ok((scrubbed, waiting))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_mentioned_only_where_it_stands_alone() {
        for (text, mentioned) in [
            (r#"{"id":"o-1"}"#, true),
            (r#"{"id":"o-1"#, true),
            ("o-1", true),
            ("o-1/notes", true),
            (r#"{"id":"o-10"}"#, false),
            (r#"{"id":"go-1"}"#, false),
            (r#"{"id":"o-1-2"} o-1"#, true),
            ("éo-1é", false),
            ("", false),
        ] {
            assert_eq!(mentions_id(text, "o-1"), mentioned, "{text}");
        }
    }
}
