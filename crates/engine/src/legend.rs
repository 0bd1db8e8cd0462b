//! What explains the ids in a candidacy: the mapping, stages, archive reasons, postings and users of an account, read
//! once and kept in memory between answers.
//!
//! A legend holds as of the number of a change. Whoever asks compares it with the last one, looks at the changes
//! since, and forgets what they are about: what a commit has changed is in the next answer. A name that is read while
//! a commit comes between is newer than its legend, never older.
//!
//! At most 16 connections have a legend, each with at most 4,000 names of postings and as many of users, of 200 bytes
//! at most: some 2 MB for a large account, and 40 MB however many and however long-winded they are.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::calendar::Calendar;
use domain::stage_mapping::StageMapping;
use domain::{ConnectionId, Event, Stream};
use lever::{ArchiveReasonId, PostingId, StageId, UserId};
use serde::de::DeserializeOwned;
use store::ErrorKind as StoreErrorKind;

use crate::engine::Shared;
use crate::error::{Error, Result};
use crate::mapping;
use crate::standing::Reasons;

/// Connections that have a legend.
const MOST_LEGENDS: usize = 16;
/// Names of one kind in a legend; with one more it begins anew.
const MOST_NAMES: usize = 4_000;
/// Bytes of a name that is kept; a longer one is read each time.
const LONGEST_NAME: usize = 200;
/// Changes that are looked at to keep a legend; after more it is read anew.
const MOST_CHANGES: usize = 1_000;

/// The legends of all connections.
#[derive(Debug, Default)]
pub(crate) struct Legends {
    /// The one that was asked for last comes last.
    kept: Mutex<Vec<(ConnectionId, Arc<Legend>)>>,
}

impl Legends {
    fn kept(&self) -> MutexGuard<'_, Vec<(ConnectionId, Arc<Legend>)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, id: ConnectionId) -> Option<Arc<Legend>> {
        let mut kept = self.kept();
        let at = kept.iter().position(|(of, _)| *of == id)?;
        kept[at..].rotate_left(1);
        kept.last().map(|(_, legend)| legend.clone())
    }

    fn put(&self, id: ConnectionId, legend: &Arc<Legend>) {
        let mut kept = self.kept();
        kept.retain(|(of, _)| *of != id);
        if kept.len() == MOST_LEGENDS {
            kept.remove(0);
        }
        kept.push((id, legend.clone()));
    }

    /// Forgets the names of a connection.
    pub(crate) fn forget(&self, id: ConnectionId) {
        self.kept().retain(|(of, _)| *of != id);
    }
}

/// The legend of one connection, as of a change or later.
#[derive(Debug)]
pub(crate) struct Legend {
    /// The last change that it has.
    sequence: u64,
    pub(crate) mapping: Arc<StageMapping>,
    pub(crate) calendar: Arc<Calendar>,
    pub(crate) reasons: Arc<Reasons>,
    stages: Arc<HashMap<StageId, String>>,
    postings: Names,
    users: Names,
}

impl Legend {
    /// The legend as it is now.
    ///
    /// # Errors
    /// As every read of the store.
    pub(crate) async fn of(shared: &Shared, id: ConnectionId) -> Result<Arc<Legend>> {
        // Taken first: what changes while the rest is read is looked at again.
        let last = shared.store.last_sequence(id).await?;
        let known = shared.legends.get(id);
        if let Some(known) = known.as_ref().filter(|known| known.sequence == last) {
            return Ok(known.clone());
        }
        let news = match &known {
            Some(known) => News::since(shared, id, known.sequence).await?,
            None => None,
        };
        let legend = match known.zip(news) {
            Some((known, news)) => known.after(shared, id, last, &news).await?,
            None => Legend::read(shared, id, last).await?,
        };
        let legend = Arc::new(legend);
        shared.legends.put(id, &legend);
        Ok(legend)
    }

    async fn read(shared: &Shared, id: ConnectionId, sequence: u64) -> Result<Legend> {
        let (mapping, calendar) = rules(shared, id).await?;
        Ok(Legend {
            sequence,
            mapping,
            calendar,
            reasons: Arc::new(Reasons::read(shared, id).await?),
            stages: Arc::new(stages(shared, id).await?),
            postings: Names::default(),
            users: Names::default(),
        })
    }

    /// The legend after some changes: what they are about is read again.
    async fn after(
        &self,
        shared: &Shared,
        id: ConnectionId,
        sequence: u64,
        news: &News,
    ) -> Result<Legend> {
        let (mapping, calendar) = match news.mapped {
            true => rules(shared, id).await?,
            false => (self.mapping.clone(), self.calendar.clone()),
        };
        Ok(Legend {
            sequence,
            mapping,
            calendar,
            reasons: match news.reasons {
                true => Arc::new(Reasons::read(shared, id).await?),
                false => self.reasons.clone(),
            },
            stages: match news.stages {
                true => Arc::new(stages(shared, id).await?),
                false => self.stages.clone(),
            },
            postings: self.postings.without(&news.postings),
            users: self.users.without(&news.users),
        })
    }

    /// Lever's text of a stage, or the last known one; empty for one that nobody knows.
    pub(crate) fn known_stage(&self, stage: &StageId) -> String {
        let listed = self.stages.get(stage);
        let known = listed.or_else(|| self.mapping.last_known_text.get(stage));
        known.cloned().unwrap_or_default()
    }

    /// Lever's text of an archive reason, or the last known one; empty for one that nobody knows.
    pub(crate) fn known_reason(&self, reason: &ArchiveReasonId) -> String {
        let listed = self.reasons.get(reason).map(|reason| &reason.text);
        let known = listed.or_else(|| self.mapping.last_known_reason_text.get(reason));
        known.cloned().unwrap_or_default()
    }

    /// Lever's text of a stage; empty for one that Lever no longer lists.
    pub(crate) fn stage_text(&self, stage: &StageId) -> String {
        self.stages.get(stage).cloned().unwrap_or_default()
    }

    /// The title of a posting; empty for one the mirror does not have.
    pub(crate) async fn posting_text(
        &self,
        shared: &Shared,
        id: ConnectionId,
        posting: &PostingId,
    ) -> Result<String> {
        let title = |posting: lever::Posting| Some(posting.text);
        let (names, posting) = (&self.postings, posting.as_str());
        names
            .name(shared, id, Stream::Postings, posting, title)
            .await
    }

    /// The name of a user; empty for one the mirror does not have.
    pub(crate) async fn user_name(
        &self,
        shared: &Shared,
        id: ConnectionId,
        user: &UserId,
    ) -> Result<String> {
        let name = |user: lever::User| user.name;
        let (names, user) = (&self.users, user.as_str());
        names.name(shared, id, Stream::Users, user, name).await
    }
}

/// Names by the ids of their records.
#[derive(Default)]
struct Names(Mutex<HashMap<String, String>>);

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Names").finish_non_exhaustive()
    }
}

impl Names {
    fn known(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The names of all but these.
    fn without(&self, ids: &HashSet<String>) -> Names {
        let mut names = self.known().clone();
        names.retain(|id, _| !ids.contains(id));
        Names(Mutex::new(names))
    }

    fn note(&self, id: &str, name: &str) {
        if name.len() > LONGEST_NAME {
            return;
        }
        let mut known = self.known();
        if known.len() >= MOST_NAMES {
            known.clear();
        }
        known.insert(id.to_owned(), name.to_owned());
    }

    /// The name that a record has; empty without the record, or the name.
    async fn name<T: DeserializeOwned>(
        &self,
        shared: &Shared,
        connection: ConnectionId,
        stream: Stream,
        id: &str,
        of: impl FnOnce(T) -> Option<String>,
    ) -> Result<String> {
        if let Some(name) = self.known().get(id) {
            return Ok(name.clone());
        }
        let record = shared.store.record(connection, stream, id).await?;
        let document = record.and_then(|record| serde_json::from_str(&record.raw).ok());
        let name = document.and_then(of).unwrap_or_default();
        self.note(id, &name);
        Ok(name)
    }
}

/// What has changed of a legend.
#[derive(Debug, Default)]
struct News {
    mapped: bool,
    stages: bool,
    reasons: bool,
    postings: HashSet<String>,
    users: HashSet<String>,
}

impl News {
    /// What the changes after a number are about; none when they are too many to look at, or no longer kept.
    async fn since(shared: &Shared, id: ConnectionId, sequence: u64) -> Result<Option<News>> {
        let changes = match shared.store.changes(id, sequence, MOST_CHANGES).await {
            Ok(changes) => changes,
            Err(error) if *error.kind() == StoreErrorKind::ResumeExpired => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if changes.len() == MOST_CHANGES {
            return Ok(None);
        }
        let mut news = News::default();
        changes
            .into_iter()
            .for_each(|change| news.take(change.event));
        Ok(Some(news))
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::StagesMapped { .. } => self.mapped = true,
            Event::Record(record) => match record.stream {
                Stream::Stages => self.stages = true,
                Stream::ArchiveReasons => self.reasons = true,
                Stream::Postings => drop(self.postings.insert(record.id)),
                Stream::Users => drop(self.users.insert(record.id)),
                _ => {}
            },
            Event::Sla { .. } | Event::Awake { .. } | Event::Confidential { .. } => {}
        }
    }
}

async fn rules(shared: &Shared, id: ConnectionId) -> Result<(Arc<StageMapping>, Arc<Calendar>)> {
    let mapping = mapping::present(shared, id).await?;
    let calendar = Calendar::new(&mapping.sla).map_err(Error::internal)?;
    Ok((Arc::new(mapping), Arc::new(calendar)))
}

async fn stages(shared: &Shared, id: ConnectionId) -> Result<HashMap<StageId, String>> {
    let stages = mapping::stages(shared, id).await?.into_iter();
    Ok(stages.map(|stage| (stage.id, stage.text)).collect())
}

#[cfg(test)]
mod tests {
    use domain::Versioned as _;
    use lever::Timestamp;
    use store::{Deleted, Incoming, Refresh};

    use super::*;
    use crate::{Engine, testing};

    const ALL: [(Stream, &str, &str); 4] = [
        (Stream::Users, "u", "name"),
        (Stream::Postings, "p", "text"),
        (Stream::Stages, "s", "text"),
        (Stream::ArchiveReasons, "r", "text"),
    ];

    fn named(stream: Stream, id: &str, field: &str, name: &str) -> Incoming {
        let raw = serde_json::json!({"id": id, field: name, "state": "published"});
        testing::incoming(stream, id, &raw.to_string())
    }

    async fn show(engine: &Engine, id: ConnectionId, records: Vec<Incoming>, gone: &[Stream]) {
        let at = Timestamp::from_millis(9);
        let deleted = gone.iter().map(|stream| {
            let of = ALL.iter().find(|(of, _, _)| of == stream).unwrap();
            Deleted {
                stream: *stream,
                id: of.1.to_owned(),
                at,
            }
        });
        let shown = Refresh {
            connection: id,
            requested_at: at,
            now: at,
            records,
            deleted: deleted.collect(),
            quarantined: Vec::new(),
            policy: Default::default(),
        };
        engine.shared.store.apply_refresh(shown).await.unwrap();
    }

    /// The names of the user, the posting, the stage and the archive reason.
    async fn told(engine: &Engine, id: ConnectionId) -> [String; 4] {
        let shared = &engine.shared;
        let legend = Legend::of(shared, id).await.unwrap();
        let archived = serde_json::json!(
            {"id": "o", "createdAt": 1, "archived": {"archivedAt": 1, "reason": "r"}}
        );
        let opportunity = serde_json::from_value(archived).unwrap();
        let archived = domain::Candidacy::from_lever(&opportunity, None);
        [
            legend.user_name(shared, id, &"u".into()).await.unwrap(),
            legend.posting_text(shared, id, &"p".into()).await.unwrap(),
            legend.stage_text(&"s".into()),
            legend.reasons.text(&archived),
        ]
    }

    #[tokio::test]
    async fn what_a_commit_has_changed_is_in_the_next_answer() {
        let folder = tempfile::TempDir::new().unwrap();
        let (engine, id) = testing::engine(folder.path(), Vec::new()).await;
        // That there is no name is kept too, until there is one.
        assert_eq!(told(&engine, id).await, [""; 4]);
        let mut expected = [""; 4];
        for round in ["first", "second"] {
            for (at, (stream, record, field)) in ALL.into_iter().enumerate() {
                show(&engine, id, vec![named(stream, record, field, round)], &[]).await;
                expected[at] = round;
                assert_eq!(told(&engine, id).await, expected);
                assert_eq!(told(&engine, id).await, expected);
            }
        }
        for (at, (stream, _, _)) in ALL.into_iter().enumerate() {
            show(&engine, id, Vec::new(), &[stream]).await;
            expected[at] = "";
            assert_eq!(told(&engine, id).await, expected);
        }
    }

    #[tokio::test]
    async fn a_saved_mapping_holds_at_once() {
        let folder = tempfile::TempDir::new().unwrap();
        let (engine, id) = testing::engine(folder.path(), Vec::new()).await;
        let before = Legend::of(&engine.shared, id).await.unwrap();
        assert_eq!(before.mapping.version, 0);
        let mut settings = (*before.mapping).clone();
        settings.sla.at_risk_percent = 12;
        let after = settings.succeeding(&before.mapping, "admin", Timestamp::default());
        let saved = engine.save_version(id, &*before.mapping, &after).await;
        saved.unwrap();
        let legend = Legend::of(&engine.shared, id).await.unwrap();
        assert_eq!(
            (legend.mapping.version, legend.mapping.sla.at_risk_percent),
            (1, 12)
        );
    }

    #[tokio::test]
    async fn after_more_changes_than_are_looked_at_a_legend_is_read_anew() {
        let folder = tempfile::TempDir::new().unwrap();
        let (engine, id) = testing::engine(folder.path(), Vec::new()).await;
        show(
            &engine,
            id,
            vec![named(Stream::Users, "u", "name", "before")],
            &[],
        )
        .await;
        assert_eq!(told(&engine, id).await[0], "before");
        let mut records = vec![named(Stream::Users, "u", "name", "after")];
        records.extend(
            (0..MOST_CHANGES)
                .map(|tag| testing::incoming(Stream::Tags, &tag.to_string(), r#"{"text":"t"}"#)),
        );
        show(&engine, id, records, &[]).await;
        assert_eq!(told(&engine, id).await[0], "after");
    }

    #[tokio::test]
    async fn no_more_is_kept_than_is_said() {
        let folder = tempfile::TempDir::new().unwrap();
        let (engine, id) = testing::engine(folder.path(), Vec::new()).await;
        let legend = Legend::of(&engine.shared, id).await.unwrap();
        for number in 0..=MOST_NAMES {
            legend.users.note(&number.to_string(), "a name");
            assert!(legend.users.known().len() <= MOST_NAMES);
        }
        legend.users.note("long", &"n".repeat(LONGEST_NAME + 1));
        assert!(!legend.users.known().contains_key("long"));
        let legends = &engine.shared.legends;
        for number in 0..20 {
            legends.put(ConnectionId::from_bytes([number; 16]), &legend);
            // Whoever is asked for stays.
            assert!(legends.get(ConnectionId::from_bytes([0; 16])).is_some());
            assert!(legends.kept().len() <= MOST_LEGENDS);
        }
        legends.forget(id);
        assert!(legends.get(id).is_none());
    }
}
