//! Who joins the inbound applicants, changes among them, and leaves: told from the numbered changes.
//!
//! Each change of an opportunity notes where it stood before and after, so who came and who left is told exactly,
//! however late somebody asks. A saved mapping moves nobody in Lever, but changes which stages are inbound: whoever
//! stood in those stages at that moment arrives or leaves with it. What somebody looks like is told as it is now.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use domain::absence::stands_in;
use domain::change::{Move, Place};
use domain::{
    Change, ChangeKind, ConnectionId, Event, RecordChange, StageMapping, Stream, Timestamp,
};
use lever::{OpportunityId, StageId};

use crate::engine::Engine;
use crate::error::Result;
use crate::in_stages::InStages;
use crate::inbound::{Applicant, asked_stages};
use crate::legend::Legend;
use crate::mapping;
use crate::read::opportunity_in;

/// Changes that are looked at together.
const STEP: usize = 500;
/// People told of in one answer.
const MOST: usize = 200;

/// Which applicants are watched.
#[derive(Debug, Clone)]
pub struct WatchQuery {
    /// Only these stages, which must be inbound ones when the watch begins; empty for all of them.
    pub stages: Vec<StageId>,
    /// Whether confidential people are shown.
    pub confidential: bool,
}

/// How far somebody has been told, to go on from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchPlace {
    /// The number of the last change that is told.
    pub sequence: u64,
    /// The version of the stage mapping that holds from there on.
    pub mapping_version: u64,
}

/// What has happened to an applicant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApplicantNews {
    /// The candidacy is among the applicants now.
    Arrived,
    /// It is still, and something about it is different.
    Changed,
    /// It is no longer.
    Left,
}

/// One thing that has happened.
#[derive(Debug, Clone)]
pub struct ApplicantEvent {
    /// What.
    pub news: ApplicantNews,
    /// Whose candidacy.
    pub opportunity: OpportunityId,
    /// The number of the change.
    pub sequence: u64,
    /// When it was stored.
    pub at: Timestamp,
    /// The applicant as it is now; none for one who has left.
    pub applicant: Option<Applicant>,
}

/// The next things that have happened.
#[derive(Debug, Clone)]
pub struct ApplicantEvents {
    /// In order.
    pub events: Vec<ApplicantEvent>,
    /// Where to go on after a break.
    pub place: WatchPlace,
    /// Whether more may follow at once.
    pub more: bool,
}

/// Watches the applicants of a connection.
pub struct ApplicantWatch {
    engine: Engine,
    connection: ConnectionId,
    query: WatchQuery,
    place: WatchPlace,
    /// The stages that are watched at `place`.
    stages: BTreeSet<StageId>,
    /// Whether the key saw confidential people there: who moved before it lost sight of them was seen to move.
    key_sees: bool,
    /// What is still to be told of one step.
    waiting: VecDeque<News>,
    /// Where to go on when that is told.
    then: WatchPlace,
}

/// One thing to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
struct News {
    what: ApplicantNews,
    opportunity: OpportunityId,
    sequence: u64,
    at: Timestamp,
}

impl News {
    fn of(change: &Change, what: ApplicantNews, opportunity: OpportunityId) -> News {
        News {
            what,
            opportunity,
            sequence: change.sequence,
            at: change.at,
        }
    }
}

impl Engine {
    /// Begins to watch applicants after a place, or from now on.
    ///
    /// # Errors
    /// Not found; invalid for a stage that is not inbound; precondition when the key may not read opportunities.
    pub async fn watch_applicants(
        &self,
        id: ConnectionId,
        query: WatchQuery,
        after: Option<WatchPlace>,
    ) -> Result<ApplicantWatch> {
        let connection = self.link(id)?.connection();
        let listings = self.shared.store.cursors(id).await?;
        crate::read::permitted(&connection, &listings, Stream::Opportunities)?;
        let sequence = self.shared.store.last_sequence(id).await?;
        let mapping = mapping::present(&self.shared, id).await?;
        asked_stages(&mapping, &query.stages)?;
        let place = after.unwrap_or(WatchPlace {
            sequence,
            mapping_version: mapping.version,
        });
        // Nothing else is said to one who was away for too long.
        self.shared.store.changes(id, place.sequence, 0).await?;
        let mut watch = ApplicantWatch {
            engine: self.clone(),
            connection: id,
            query,
            place,
            stages: BTreeSet::new(),
            key_sees: true,
            waiting: VecDeque::new(),
            then: place,
        };
        watch.stages = watch.stages_of(&watch.mapping(place.mapping_version).await?);
        watch.key_sees = watch.query.confidential && self.key_saw(id, place.sequence).await?;
        Ok(watch)
    }

    /// Whether the key saw confidential people at a place: what the next change of that says, or as it is now.
    async fn key_saw(&self, id: ConnectionId, mut sequence: u64) -> Result<bool> {
        // Asked first: what changes meanwhile is among the changes.
        let now = self.shows_confidential(id);
        loop {
            let changes = self.shared.store.changes(id, sequence, STEP).await?;
            let turn = changes.iter().find_map(|change| match change.event {
                Event::Confidential { hidden } => Some(hidden),
                _ => None,
            });
            if let Some(hidden) = turn {
                return Ok(hidden);
            }
            match changes.last() {
                Some(last) if changes.len() == STEP => sequence = last.sequence,
                _ => return Ok(now),
            }
        }
    }
}

impl ApplicantWatch {
    /// The next things that have happened, at most 200; none when all is told.
    ///
    /// # Errors
    /// Not found; precondition `RESUME_TOKEN_EXPIRED` when some of the changes are no longer kept.
    pub async fn next(&mut self) -> Result<ApplicantEvents> {
        let mut more = false;
        if self.waiting.is_empty() {
            more = self.step().await?;
        }
        let news: Vec<News> = self.waiting.drain(..self.waiting.len().min(MOST)).collect();
        if self.waiting.is_empty() {
            self.place = self.then;
        }
        Ok(ApplicantEvents {
            events: self.described(news).await?,
            place: self.place,
            more: more || !self.waiting.is_empty(),
        })
    }

    /// Looks at the next changes; tells whether more may follow.
    async fn step(&mut self) -> Result<bool> {
        let store = &self.engine.shared.store;
        let mut changes = store
            .changes(self.connection, self.place.sequence, STEP)
            .await?;
        let mut more = changes.len() == STEP;
        let turn = changes.iter().position(|change| is_turn(&change.event));
        let news = match turn {
            Some(0) => {
                changes.truncate(1);
                more = true;
                self.turned(&changes[0]).await?
            }
            until => {
                if let Some(turn) = until {
                    changes.truncate(turn);
                    more = true;
                }
                self.followed(&changes).await?
            }
        };
        if let Some(last) = changes.last() {
            self.then.sequence = last.sequence;
        }
        self.waiting = without_repeats(news).into();
        Ok(more)
    }

    /// What changes of records and SLAs, and snoozes that end, come to.
    async fn followed(&self, changes: &[Change]) -> Result<Vec<News>> {
        let all = self.query.confidential && self.key_sees;
        let shown =
            |place: &Place| self.stages.contains(&place.stage) && (all || !place.confidential);
        let mut news = Vec::new();
        for change in changes {
            let told = match &change.event {
                Event::Record(record) => match (record.stream, &record.moved) {
                    (Stream::Opportunities, Some(moved)) => {
                        let opportunity = OpportunityId::from(record.id.as_str());
                        of_move(moved, shown).map(|what| (what, opportunity))
                    }
                    (Stream::Opportunities, None) => self.as_it_is(record).await?,
                    (Stream::Applications, _) if record.kind == ChangeKind::Updated => {
                        self.of_application(&record.id).await?
                    }
                    _ => None,
                },
                Event::Sla { opportunity, .. } | Event::Awake { opportunity } => {
                    Some((ApplicantNews::Changed, opportunity.clone()))
                }
                Event::StagesMapped { .. } | Event::Confidential { .. } => None,
            };
            news.extend(told.map(|(what, opportunity)| News::of(change, what, opportunity)));
        }
        Ok(news)
    }

    /// Of a change that did not note where the opportunity stood: how it stands now.
    async fn as_it_is(
        &self,
        record: &RecordChange,
    ) -> Result<Option<(ApplicantNews, OpportunityId)>> {
        let opportunity = OpportunityId::from(record.id.as_str());
        let present = self.present(&opportunity).await?;
        Ok(Some(match (record.kind, present.is_some()) {
            (ChangeKind::Created, true) => (ApplicantNews::Arrived, opportunity),
            (_, true) => (ApplicantNews::Changed, opportunity),
            (_, false) => (ApplicantNews::Left, opportunity),
        }))
    }

    /// An application tells the job and the time somebody applied. A new one comes with a change of its person.
    async fn of_application(&self, id: &str) -> Result<Option<(ApplicantNews, OpportunityId)>> {
        let store = &self.engine.shared.store;
        let record = store.record(self.connection, Stream::Applications, id);
        let opportunity = record.await?.and_then(|record| opportunity_in(&record.raw));
        Ok(opportunity.map(|opportunity| (ApplicantNews::Changed, opportunity)))
    }

    /// What a saved mapping, or a key that sees more or less, comes to for everybody.
    async fn turned(&mut self, change: &Change) -> Result<Vec<News>> {
        let turn = match change.event {
            Event::StagesMapped { version } => {
                let before = self.mapping(self.place.mapping_version).await?;
                let after = self.mapping(version).await?;
                let former = std::mem::take(&mut self.stages);
                self.stages = self.stages_of(&after);
                self.then.mapping_version = version;
                let all = self.query.confidential && self.key_sees;
                let mut turn = Turn::default();
                for stage in former.union(&self.stages) {
                    let what = match (former.contains(stage), self.stages.contains(stage)) {
                        (false, _) => ApplicantNews::Arrived,
                        (_, false) => ApplicantNews::Left,
                        _ if same(&before, &after, stage) => continue,
                        _ => ApplicantNews::Changed,
                    };
                    turn.tell(stage, what, all);
                }
                turn
            }
            Event::Confidential { hidden } if self.query.confidential => {
                self.key_sees = !hidden;
                let what = match hidden {
                    true => ApplicantNews::Left,
                    false => ApplicantNews::Arrived,
                };
                let confidential = |stage: &StageId| Place {
                    stage: stage.clone(),
                    confidential: true,
                };
                let stages = self.stages.iter();
                Turn(stages.map(|stage| (confidential(stage), what)).collect())
            }
            _ => Turn::default(),
        };
        let mut news = Vec::new();
        for (opportunity, place) in self.stood(&turn, change.sequence).await? {
            if let Some(what) = turn.0.get(&place) {
                news.push(News::of(change, *what, opportunity));
            }
        }
        Ok(news)
    }

    /// Where people stood when a change was made: those who stand in the places of a turn now, and those who have
    /// moved since.
    async fn stood(&self, turn: &Turn, sequence: u64) -> Result<BTreeMap<OpportunityId, Place>> {
        let store = &self.engine.shared.store;
        let id = self.connection;
        let stages: BTreeSet<&StageId> = turn.0.keys().map(|place| &place.stage).collect();
        let stages: Vec<StageId> = stages.into_iter().cloned().collect();
        let mut stood = BTreeMap::new();
        if stages.is_empty() {
            return Ok(stood);
        }
        let mut walk = InStages::new(store, id, stages);
        while let Some(found) = walk.next().await? {
            stood.extend(found.into_iter().filter_map(|candidacy| {
                let place = Place::of(&candidacy)?;
                Some((candidacy.opportunity.clone(), place))
            }));
        }
        // Read last: whoever has moved while the stages were read is here too.
        let mut sequence = sequence;
        let mut moved = BTreeSet::new();
        loop {
            let changes = store.changes(id, sequence, STEP).await?;
            let Some(last) = changes.last() else {
                return Ok(stood);
            };
            sequence = last.sequence;
            for change in changes {
                let Event::Record(record) = change.event else {
                    continue;
                };
                let (Stream::Opportunities, Some(first)) = (record.stream, record.moved) else {
                    continue;
                };
                let opportunity = OpportunityId::from(record.id);
                if moved.insert(opportunity.clone()) {
                    match first.from {
                        Some(place) => stood.insert(opportunity, place),
                        None => stood.remove(&opportunity),
                    };
                }
            }
        }
    }

    /// What is to be told, with what people look like now. Who is no applicant any more did not arrive or change: that
    /// they have left comes later.
    async fn described(&self, news: Vec<News>) -> Result<Vec<ApplicantEvent>> {
        let mut rows = Vec::new();
        for one in &news {
            if one.what != ApplicantNews::Left {
                rows.extend(self.present(&one.opportunity).await?);
            }
        }
        let legend = Legend::of(&self.engine.shared, self.connection).await?;
        let described = self.engine.described(self.connection, &legend, rows);
        let applicants: BTreeMap<OpportunityId, Applicant> = described
            .await?
            .into_iter()
            .map(|applicant| (applicant.candidacy.opportunity.clone(), applicant))
            .collect();
        let events = news.into_iter().filter_map(|one| {
            let applicant = match one.what {
                ApplicantNews::Left => None,
                _ => Some(applicants.get(&one.opportunity)?.clone()),
            };
            Some(ApplicantEvent {
                news: one.what,
                opportunity: one.opportunity,
                sequence: one.sequence,
                at: one.at,
                applicant,
            })
        });
        Ok(events.collect())
    }

    /// The candidacy, if it is among the applicants that are watched now.
    async fn present(&self, opportunity: &OpportunityId) -> Result<Option<domain::Candidacy>> {
        let store = &self.engine.shared.store;
        let all = self.sees_confidential();
        let candidacy = store.candidacy(self.connection, opportunity).await?;
        Ok(candidacy.filter(|candidacy| {
            stands_in(candidacy, &self.stages) && (all || !candidacy.confidential)
        }))
    }

    fn sees_confidential(&self) -> bool {
        self.query.confidential && self.engine.shows_confidential(self.connection)
    }

    /// The stages of a mapping that are watched.
    fn stages_of(&self, mapping: &StageMapping) -> BTreeSet<StageId> {
        let asked = &self.query.stages;
        let inbound = mapping.inbound_stages.iter();
        inbound
            .filter(|stage| asked.is_empty() || asked.contains(stage))
            .cloned()
            .collect()
    }

    async fn mapping(&self, version: u64) -> Result<StageMapping> {
        let present: StageMapping = mapping::present(&self.engine.shared, self.connection).await?;
        match present.version == version {
            true => Ok(present),
            false => self.engine.earlier(self.connection, version).await,
        }
    }
}

/// What is told of everybody who stands in a place.
#[derive(Debug, Default)]
struct Turn(BTreeMap<Place, ApplicantNews>);

impl Turn {
    fn tell(&mut self, stage: &StageId, what: ApplicantNews, confidential: bool) {
        let place = |confidential| Place {
            stage: stage.clone(),
            confidential,
        };
        self.0.insert(place(false), what);
        if confidential {
            self.0.insert(place(true), what);
        }
    }
}

/// Whether an event is about everybody.
fn is_turn(event: &Event) -> bool {
    matches!(
        event,
        Event::StagesMapped { .. } | Event::Confidential { .. }
    )
}

/// Whether people in a stage look the same under two mappings.
fn same(before: &StageMapping, after: &StageMapping, stage: &StageId) -> bool {
    before.sla == after.sla
        && before.code_of(stage) == after.code_of(stage)
        && before.sla_days(stage) == after.sla_days(stage)
}

/// What a move means for those who watch what is `shown`.
fn of_move(moved: &Move, shown: impl Fn(&Place) -> bool) -> Option<ApplicantNews> {
    let among = |place: &Option<Place>| place.as_ref().is_some_and(&shown);
    match (among(&moved.from), among(&moved.to)) {
        (false, true) => Some(ApplicantNews::Arrived),
        (true, true) => Some(ApplicantNews::Changed),
        (true, false) => Some(ApplicantNews::Left),
        (false, false) => None,
    }
}

/// Leaves out that somebody has changed where what they look like now is told before, or right after as they arrive.
fn without_repeats(news: Vec<News>) -> Vec<News> {
    // Where it stands that somebody has changed; nowhere for who has arrived.
    let mut told: BTreeMap<OpportunityId, Option<usize>> = BTreeMap::new();
    let mut kept: Vec<Option<News>> = Vec::with_capacity(news.len());
    for one in news {
        let (opportunity, here) = (one.opportunity.clone(), kept.len());
        match one.what {
            ApplicantNews::Left => drop(told.remove(&opportunity)),
            ApplicantNews::Arrived => {
                if let Some(Some(before)) = told.insert(opportunity, None) {
                    kept[before] = None;
                }
            }
            ApplicantNews::Changed if told.contains_key(&opportunity) => continue,
            ApplicantNews::Changed => drop(told.insert(opportunity, Some(here))),
        }
        kept.push(Some(one));
    }
    kept.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use domain::{Listing, Versioned as _};
    use proptest::prelude::*;
    use store::{Deleted, Incoming, ListingOutcome, Order, Refresh};

    use super::*;
    use crate::{ApplicantsQuery, ErrorKind, testing};

    /// What happens in Lever, to a mapping and to a key.
    #[derive(Debug, Clone)]
    enum Step {
        Seen {
            id: u8,
            stage: u8,
            archived: bool,
            confidential: bool,
        },
        Deleted(u8),
        /// Which stages are inbound.
        Mapped(Vec<u8>),
        Hidden(bool),
    }

    /// So late that nothing is too old to be kept.
    fn moment(time: i64) -> Timestamp {
        Timestamp::from_millis((1 << 42) + time)
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => (0..6_u8, 0..4_u8, prop::bool::weighted(0.2), prop::bool::weighted(0.3)).prop_map(
                |(id, stage, archived, confidential)| Step::Seen { id, stage, archived, confidential }
            ),
            1 => (0..6_u8).prop_map(Step::Deleted),
            3 => prop::collection::vec(0..4_u8, 0..4).prop_map(Step::Mapped),
            1 => any::<bool>().prop_map(Step::Hidden),
        ]
    }

    fn seen(id: &str, stage: &str, archived: bool, confidential: bool) -> Incoming {
        let archived = if archived {
            r#"{"archivedAt":1}"#
        } else {
            "null"
        };
        let word = if confidential {
            "confidential"
        } else {
            "non-confidential"
        };
        let raw = format!(
            r#"{{"id":"{id}","stage":"{stage}","archived":{archived},"confidentiality":"{word}"}}"#
        );
        testing::opportunity(id, &raw)
    }

    /// An engine whose mirror has been read, with these people in it.
    async fn world(folder: &Path, people: Vec<Incoming>) -> (Engine, ConnectionId) {
        let (engine, id) = testing::engine(folder, people).await;
        let read = ListingOutcome::Succeeded(Timestamp::default());
        let store = &engine.shared.store;
        let noted = store.note_listing(id, Listing::Opportunities, read);
        noted.await.unwrap();
        (engine, id)
    }

    async fn show(engine: &Engine, id: ConnectionId, time: i64, records: Vec<Incoming>) {
        let shown = Refresh {
            connection: id,
            requested_at: moment(time),
            now: moment(time),
            records,
            deleted: Vec::new(),
            quarantined: Vec::new(),
            policy: Default::default(),
        };
        engine.shared.store.apply_refresh(shown).await.unwrap();
    }

    async fn map(engine: &Engine, id: ConnectionId, inbound: impl IntoIterator<Item = String>) {
        let before: StageMapping = mapping::present(&engine.shared, id).await.unwrap();
        let inbound = inbound.into_iter().map(StageId::from).collect();
        let after = StageMapping {
            inbound_stages: inbound,
            ..before.clone()
        };
        let after = after.succeeding(&before, "admin", moment(0));
        engine.save_version(id, &before, &after).await.unwrap();
    }

    async fn happen(engine: &Engine, id: ConnectionId, time: i64, step: &Step) {
        let store = &engine.shared.store;
        match step {
            Step::Seen {
                id: person,
                stage,
                archived,
                confidential,
            } => {
                let (person, stage) = (format!("o{person}"), format!("s{stage}"));
                let person = seen(&person, &stage, *archived, *confidential);
                show(engine, id, time, vec![person]).await;
            }
            Step::Deleted(person) => {
                let gone = Refresh {
                    connection: id,
                    requested_at: moment(time),
                    now: moment(time),
                    records: Vec::new(),
                    deleted: vec![Deleted {
                        stream: Stream::Opportunities,
                        id: format!("o{person}"),
                        at: moment(time),
                    }],
                    quarantined: Vec::new(),
                    policy: Default::default(),
                };
                store.apply_refresh(gone).await.unwrap();
            }
            Step::Mapped(stages) => {
                let stages = stages.iter().map(|stage| format!("s{stage}"));
                map(engine, id, stages).await;
            }
            Step::Hidden(hidden) => {
                engine.link(id).unwrap().access.restore(*hidden);
                store.note_hiding(id, *hidden, moment(time)).await.unwrap();
            }
        }
    }

    fn query(confidential: bool) -> WatchQuery {
        WatchQuery {
            stages: Vec::new(),
            confidential,
        }
    }

    /// What one who watches believes.
    type View = BTreeSet<OpportunityId>;

    fn believe(view: &mut View, events: &ApplicantEvents) {
        for event in &events.events {
            match event.news {
                ApplicantNews::Left => view.remove(&event.opportunity),
                ApplicantNews::Arrived | ApplicantNews::Changed => {
                    let applicant = event.applicant.as_ref().unwrap();
                    assert_eq!(applicant.candidacy.opportunity, event.opportunity);
                    view.insert(event.opportunity.clone())
                }
            };
        }
    }

    /// Watches from a place until all is told.
    async fn catch_up(
        engine: &Engine,
        id: ConnectionId,
        confidential: bool,
        (place, view): &mut (WatchPlace, View),
    ) {
        let watch = engine.watch_applicants(id, query(confidential), Some(*place));
        let mut watch = watch.await.unwrap();
        loop {
            let events = watch.next().await.unwrap();
            believe(view, &events);
            *place = events.place;
            if !events.more {
                return;
            }
        }
    }

    async fn listed(engine: &Engine, id: ConnectionId, confidential: bool) -> View {
        let query = ApplicantsQuery {
            stages: Vec::new(),
            order: Order::OldestFirst,
            after: None,
            limit: 999,
            confidential,
        };
        match engine.applicants(id, query).await {
            Ok(page) => page
                .applicants
                .into_iter()
                .map(|applicant| applicant.candidacy.opportunity)
                .collect(),
            // Nobody is no answer before the inbound stages were read.
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Precondition { .. }));
                View::new()
            }
        }
    }

    const START: WatchPlace = WatchPlace {
        sequence: 0,
        mapping_version: 0,
    };

    /// Both kinds of callers watch a history, come back to an earlier place now and then, and end with what is listed.
    async fn check(folder: &Path, history: &[(Step, bool)]) {
        let (engine, id) = world(folder, Vec::new()).await;
        let mut watchers =
            [false, true].map(|confidential| (confidential, vec![(START, View::new())]));
        for (time, (step, read)) in (1..).zip(history) {
            happen(&engine, id, time, step).await;
            if !read {
                continue;
            }
            for (confidential, places) in &mut watchers {
                // Every place there was is still good to go on from.
                for place in places.iter_mut() {
                    let mut again = place.clone();
                    catch_up(&engine, id, *confidential, &mut again).await;
                    let expected = listed(&engine, id, *confidential).await;
                    assert_eq!(
                        again.1, expected,
                        "from {place:?}, confidential: {confidential}"
                    );
                    *place = if time % 2 == 0 { again } else { place.clone() };
                }
                let now = places[0].clone();
                places.push(now);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        #[test]
        fn f40_who_watches_believes_what_is_listed_wherever_they_go_on_from(
            history in prop::collection::vec((step(), prop::bool::weighted(0.3)), 1..14)
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let folder = tempfile::TempDir::new().unwrap();
            runtime.block_on(check(folder.path(), &history));
        }
    }

    #[tokio::test]
    async fn an_application_that_changes_is_a_change_of_its_person() {
        let folder = tempfile::TempDir::new().unwrap();
        let people = vec![
            seen("o1", "s1", false, false),
            seen("o2", "s2", false, false),
        ];
        let (engine, id) = world(folder.path(), people).await;
        map(&engine, id, ["s1".to_owned()]).await;
        let applied = |job: &str| {
            let of = |person: u8| {
                let raw = format!(
                    r#"{{"id":"a{person}","opportunityId":"o{person}","posting":"{job}"}}"#
                );
                testing::incoming(Stream::Applications, &format!("a{person}"), &raw)
            };
            vec![of(1), of(2)]
        };
        show(&engine, id, 1, applied("baker")).await;
        let watch = engine.watch_applicants(id, query(false), None);
        let mut watch = watch.await.unwrap();
        show(&engine, id, 2, applied("cook")).await;
        let events = watch.next().await.unwrap().events;
        let told: Vec<_> = events
            .iter()
            .map(|event| (event.news, event.opportunity.as_str()))
            .collect();
        assert_eq!(told, [(ApplicantNews::Changed, "o1")]);
    }

    /// The key loses sight of confidential people after somebody has ceased to be one, and that is told later.
    #[tokio::test]
    async fn who_moved_before_the_key_lost_sight_was_seen_to_move() {
        let seen = |stage, confidential| Step::Seen {
            id: 0,
            stage,
            archived: false,
            confidential,
        };
        let history = [
            (seen(1, true), false),
            (Step::Mapped(vec![1]), true),
            (seen(2, false), false),
            (Step::Hidden(true), false),
            (seen(0, false), true),
        ];
        let folder = tempfile::TempDir::new().unwrap();
        check(folder.path(), &history).await;
    }

    #[tokio::test]
    async fn a_mapping_that_moves_many_is_told_in_several_answers_and_gone_on_with_after_a_break() {
        let folder = tempfile::TempDir::new().unwrap();
        let many = 2 * MOST + 1;
        let people = (0..many).map(|number| seen(&format!("o{number:04}"), "s1", false, false));
        let (engine, id) = world(folder.path(), people.collect()).await;
        let mut watch = engine
            .watch_applicants(id, query(false), None)
            .await
            .unwrap();
        let before = watch.next().await.unwrap();
        assert!(before.events.is_empty() && !before.more);
        map(&engine, id, ["s1".to_owned()]).await;
        // Moved since the mapping was saved: arrived with it, and left again.
        show(&engine, id, 9, vec![seen("o0000", "s2", false, false)]).await;

        let first = watch.next().await.unwrap();
        assert!(first.more && first.place == before.place);
        assert_eq!(first.events.len(), MOST - 1);
        let mut view = View::new();
        believe(&mut view, &first);
        catch_up(&engine, id, false, &mut (first.place, view.clone())).await;
        loop {
            let next = watch.next().await.unwrap();
            believe(&mut view, &next);
            if !next.more {
                break;
            }
        }
        assert_eq!(view.len(), many - 1);
        assert_eq!(view, listed(&engine, id, false).await);

        let sequence = engine.shared.store.last_sequence(id).await.unwrap();
        let ahead = WatchPlace {
            sequence: sequence + 1,
            mapping_version: 7,
        };
        let refused = engine.watch_applicants(id, query(false), Some(ahead)).await;
        let error = refused.err().unwrap();
        assert!(
            matches!(error.kind(), ErrorKind::Precondition { reason, .. } if *reason == "RESUME_TOKEN_EXPIRED")
        );
    }

    #[tokio::test]
    async fn what_a_mapping_changes_of_those_who_stay_is_told_of_them_alone() {
        let folder = tempfile::TempDir::new().unwrap();
        let people = [("a", "s1"), ("b", "s2")].map(|(id, stage)| seen(id, stage, false, false));
        let (engine, id) = testing::engine(folder.path(), people.into()).await;
        let stages = || ["s1".to_owned(), "s2".to_owned()];
        map(&engine, id, stages()).await;
        let mut watch = engine
            .watch_applicants(id, query(false), None)
            .await
            .unwrap();
        let before: StageMapping = mapping::present(&engine.shared, id).await.unwrap();
        let mut after = before.clone();
        after.stage_sla_days.insert("s2".into(), 4);
        let after = after.succeeding(&before, "admin", moment(0));
        engine.save_version(id, &before, &after).await.unwrap();
        let told = watch.next().await.unwrap();
        let told: Vec<_> = told
            .events
            .iter()
            .map(|event| (event.news, event.opportunity.as_str()))
            .collect();
        assert_eq!(told, [(ApplicantNews::Changed, "b")]);
    }

    #[test]
    fn what_was_told_of_somebody_is_not_told_twice_in_one_step() {
        use ApplicantNews::{Arrived, Changed, Left};
        let news = |all: &[(ApplicantNews, &str)]| -> Vec<News> {
            let news = all.iter().map(|(what, id)| News {
                what: *what,
                opportunity: OpportunityId::from(*id),
                sequence: 1,
                at: Timestamp::default(),
            });
            news.collect()
        };
        let all = [
            (Arrived, "a"),
            (Changed, "a"),
            (Changed, "b"),
            (Changed, "b"),
            (Left, "a"),
            (Left, "a"),
            (Arrived, "a"),
            (Arrived, "a"),
            (Changed, "c"),
            (Arrived, "c"),
        ];
        let kept = [
            (Arrived, "a"),
            (Changed, "b"),
            (Left, "a"),
            (Left, "a"),
            (Arrived, "a"),
            (Arrived, "a"),
            (Arrived, "c"),
        ];
        assert_eq!(without_repeats(news(&all)), news(&kept));
    }
}
