//! Tells when an SLA comes closer, once for each stay, and when a snooze has ended (product.md 6.3).
//!
//! SLAs are computed when they are read, and nothing happens in Lever when one is breached: somebody has to look.
//! Everybody with an SLA or in an inbound stage is looked at once an hour and after a mapping was saved, which gives the moments of the next
//! hour at which something turns; in between, those whose moment has come are, and those who have changed.
//!
//! All is judged as of the last complete pass, not of now: whoever was moved in time, while the mirror was late or the
//! service was down, is not told of. What lay before the account was connected is not told either, nor is a snooze
//! that ended so long ago that changes of that time are no longer kept.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use domain::calendar::Calendar;
use domain::change::{SlaEvent, SlaTurn};
use domain::stage_mapping::StageMapping;
use domain::{Candidacy, ChangeKind, Event, Stream, Timestamp, sla};
use futures::FutureExt as _;
use lever::{OpportunityId, StageId};
use store::ErrorKind as StoreErrorKind;
use tokio::sync::watch;

use crate::engine::Shared;
use crate::error::{Error, Result};
use crate::in_stages::InStages;
use crate::link::Link;
use crate::{mapping, status};

/// Everybody is looked at this often.
const HORIZON: Duration = Duration::from_secs(3600);
/// How long something that is due by the clock waits for a pass that knows of that moment, before it is asked again.
const PATIENCE: Duration = Duration::from_secs(60);
/// Changes that come close together are looked at together.
const TOGETHER: Duration = Duration::from_secs(1);
/// What ended longer ago is not told: changes are kept for seven days.
const LONGEST_AGO: Duration = Duration::from_secs(7 * 24 * 3600);
/// Changes read at a time.
const STEP: usize = 1000;
/// After so many changes it is quicker to look at everybody.
const MOST_CHANGES: usize = 10_000;
/// Events of one transaction.
const BLOCK: usize = 500;

/// Tells of the SLAs of one connection until its link is stopped.
pub(crate) async fn run(shared: Arc<Shared>, link: Arc<Link>) {
    let mut watch = SlaWatch::default();
    let mut moves = match shared.store.watch_changes(link.id()) {
        Ok(moves) => moves,
        Err(error) => {
            log_failure!(&error, connection = %link.id(), "SLAs cannot be watched");
            return;
        }
    };
    loop {
        let wait = match watch.round(&shared, &link).boxed().await {
            Ok(next) => next.since(shared.clock.now()).min(HORIZON),
            Err(error) => {
                tracing::warn!(connection = %link.id(), error = %crate::report(&error), "SLAs are told of later");
                PATIENCE
            }
        };
        tokio::select! {
            () = link.stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
            moved = moved(&mut moves) => if moved.is_err() { return },
        }
    }
}

/// Waits for a change, and for those that come close behind it.
async fn moved(moves: &mut watch::Receiver<u64>) -> Result<(), watch::error::RecvError> {
    moves.changed().await?;
    tokio::time::sleep(TOGETHER).await;
    Ok(())
}

/// What is known of the moments to come.
#[derive(Debug, Default)]
struct SlaWatch {
    /// The last change that was looked at.
    sequence: u64,
    /// When to look at whom again.
    upcoming: BTreeSet<(Timestamp, OpportunityId)>,
    /// Up to when that is complete.
    horizon: Timestamp,
}

impl SlaWatch {
    /// Tells what there is to tell; gives the moment of the next look.
    async fn round(&mut self, shared: &Shared, link: &Link) -> Result<Timestamp> {
        let now = shared.clock.now();
        let Some(judge) = Judge::of(shared, link, now).await? else {
            // The first walk is under way.
            return Ok(now.plus(PATIENCE));
        };
        let store = &shared.store;
        let last = store.last_sequence(link.id()).await?;
        let changed = self.changed(shared, link).await?;
        let mut events = Vec::new();
        match changed.filter(|_| now < self.horizon) {
            Some(mut people) => {
                while let Some((at, _)) = self.upcoming.first()
                    && *at <= now
                {
                    people.extend(
                        self.upcoming
                            .pop_first()
                            .map(|(_, opportunity)| opportunity),
                    );
                }
                for opportunity in people {
                    let candidacy = store.candidacy(link.id(), &opportunity).await?;
                    if let Some(candidacy) = candidacy {
                        events.extend(self.look(shared, &judge, &candidacy).await?);
                    }
                }
            }
            None => {
                self.sequence = last;
                self.upcoming.clear();
                self.horizon = now.plus(HORIZON);
                self.look_at_all(shared, &judge, &mut events).await?;
            }
        }
        tell(shared, link, events, now).await?;
        let first = self.upcoming.first().map(|(at, _)| *at);
        let next = first.map_or(self.horizon, |at| at.min(self.horizon));
        // What is due already waits for a pass that knows of that moment.
        Ok(if next <= now {
            now.plus(PATIENCE)
        } else {
            next
        })
    }

    /// Whose candidacy has changed since the last look; none when everybody is to be looked at.
    async fn changed(
        &mut self,
        shared: &Shared,
        link: &Link,
    ) -> Result<Option<BTreeSet<OpportunityId>>> {
        let mut people = BTreeSet::new();
        let mut sequence = self.sequence;
        for _ in 0..MOST_CHANGES / STEP {
            let changes = match shared.store.changes(link.id(), sequence, STEP).await {
                Ok(changes) => changes,
                Err(error) if *error.kind() == StoreErrorKind::ResumeExpired => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let Some(last) = changes.last() else {
                self.sequence = sequence;
                return Ok(Some(people));
            };
            sequence = last.sequence;
            for change in changes {
                match change.event {
                    Event::StagesMapped { .. } => return Ok(None),
                    Event::Record(record)
                        if record.stream == Stream::Opportunities
                            && record.kind != ChangeKind::Deleted =>
                    {
                        people.insert(OpportunityId::from(record.id));
                    }
                    _ => {}
                }
            }
        }
        Ok(None)
    }

    async fn look_at_all(
        &mut self,
        shared: &Shared,
        judge: &Judge,
        events: &mut Vec<SlaEvent>,
    ) -> Result<()> {
        let store = &shared.store;
        let id = judge.connection;
        let stages = store.count_by_stage(id).await?.into_keys();
        let stages: Vec<StageId> = stages.filter(|stage| judge.concerns(stage)).collect();
        let mut walk = InStages::new(store, id, stages);
        while let Some(found) = walk.next().await? {
            for candidacy in &found {
                events.extend(self.look(shared, judge, candidacy).await?);
            }
        }
        Ok(())
    }

    /// What there is to tell of somebody, who is looked at again when that turns.
    async fn look(
        &mut self,
        shared: &Shared,
        judge: &Judge,
        candidacy: &Candidacy,
    ) -> Result<Vec<SlaEvent>> {
        let mapping = &judge.mapping;
        let stage = candidacy.stage.as_ref();
        let Some(stage) = stage.filter(|stage| candidacy.active() && judge.concerns(stage)) else {
            return Ok(Vec::new());
        };
        let group_entered_at =
            mapping::group_entered_at(shared, judge.connection, mapping, candidacy).await?;
        let now = judge.now_in(stage);
        let assessed = sla::assess(candidacy, mapping, &judge.calendar, now, group_entered_at);
        let turns = sla::turns(candidacy, mapping, &judge.calendar, &assessed);
        let awakes = candidacy.snoozed_until.filter(|until| *until > now);
        let next = turns.next.into_iter().chain(awakes).min();
        if let Some(next) = next.filter(|next| *next <= self.horizon) {
            self.upcoming.insert((next, candidacy.opportunity.clone()));
        }
        let awake = judge.ended(candidacy, now);
        let awake = awake.map(|snoozed_until| SlaTurn::Awake { snoozed_until });
        let mark = turns.mark.filter(|(_, since)| *since >= judge.connected_at);
        let entered_at = assessed.entered_at;
        let closer = mark.map(|(mark, _)| SlaTurn::Closer { entered_at, mark });
        let events = awake.into_iter().chain(closer).map(|turn| SlaEvent {
            opportunity: candidacy.opportunity.clone(),
            turn,
        });
        Ok(events.collect())
    }
}

/// What SLAs are judged by.
struct Judge {
    connection: domain::ConnectionId,
    connected_at: Timestamp,
    mapping: StageMapping,
    calendar: Calendar,
    /// Up to when the mirror knows of everybody.
    as_of: Timestamp,
    /// The same of those in inbound stages.
    inbound_as_of: Timestamp,
}

impl Judge {
    /// None while nobody is known.
    async fn of(shared: &Shared, link: &Link, now: Timestamp) -> Result<Option<Judge>> {
        let connection = link.connection();
        let listings = shared.store.cursors(link.id()).await?;
        let as_of = status::as_of(&connection, &listings, &[Stream::Opportunities]);
        let Some(as_of) = as_of else { return Ok(None) };
        let mapping = mapping::present(shared, link.id()).await?;
        let inbound = status::inbound_as_of(link, &listings, &mapping.inbound_stages);
        Ok(Some(Judge {
            connection: connection.id,
            connected_at: connection.created_at,
            calendar: Calendar::new(&mapping.sla).map_err(Error::internal)?,
            mapping,
            as_of: as_of.min(now),
            inbound_as_of: inbound.map_or(as_of, |inbound| inbound.max(as_of)).min(now),
        }))
    }

    /// Whether there is something to tell of those in a stage.
    fn concerns(&self, stage: &StageId) -> bool {
        self.mapping.sla_days(stage).is_some() || self.mapping.inbound_stages.contains(stage)
    }

    /// The end of a snooze that is over and still of interest.
    fn ended(&self, candidacy: &Candidacy, now: Timestamp) -> Option<Timestamp> {
        let until = candidacy.snoozed_until?;
        let told_from = self.connected_at.max(now.minus(LONGEST_AGO));
        (told_from <= until && until <= now).then_some(until)
    }

    fn now_in(&self, stage: &StageId) -> Timestamp {
        match self.mapping.inbound_stages.contains(stage) {
            true => self.inbound_as_of,
            false => self.as_of,
        }
    }
}

/// Tells what was not told before.
async fn tell(shared: &Shared, link: &Link, events: Vec<SlaEvent>, now: Timestamp) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let (store, id) = (&shared.store, link.id());
    let untold = store.untold_sla_events(id, events).await?;
    let mut told = 0;
    for block in untold.chunks(BLOCK) {
        told += store.tell_sla_events(id, block.to_vec(), now).await?;
    }
    if told > 0 {
        metrics::counter!(crate::figures::SLA_EVENTS.name).increment(told as u64);
        tracing::info!(connection = %id, events = told, "SLAs have come closer");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use domain::change::SlaMark;
    use domain::stage_mapping::{ClockScope, DayUnit};
    use domain::{Listing, Versioned as _};
    use secrecy::SecretString;
    use store::{Incoming, ListingOutcome, Refresh};

    use super::*;
    use crate::{Clock, Engine, Settings, testing};

    const HOUR: i64 = 3_600_000;
    const DAY: i64 = 24 * HOUR;
    /// A Monday, 00:00 UTC.
    const MONDAY: i64 = 1_767_571_200_000;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(MONDAY + ms)
    }

    /// An account connected on Monday, with a clock that is set by hand.
    struct World {
        _folder: tempfile::TempDir,
        engine: Engine,
        link: Arc<Link>,
        clock: Arc<AtomicI64>,
        watch: SlaWatch,
    }

    impl World {
        async fn new(people: Vec<Incoming>) -> World {
            testing::install_crypto();
            let folder = tempfile::TempDir::new().unwrap();
            let store = testing::store(folder.path()).await;
            let connection = testing::connection(&[Stream::Opportunities], at(0));
            let id = connection.id;
            let key = SecretString::from("k");
            store.create_connection(connection, key).await.unwrap();
            let clock = Arc::new(AtomicI64::new(MONDAY));
            let told = clock.clone();
            let mut settings = Settings::default();
            settings.pull.enabled = false;
            let clock_of_engine =
                Clock::new(move || Timestamp::from_millis(told.load(Ordering::Relaxed)));
            let engine = Engine::start(store, settings, clock_of_engine)
                .await
                .unwrap();
            let link = engine.link(id).unwrap();
            let world = World {
                _folder: folder,
                engine,
                link,
                clock,
                watch: SlaWatch::default(),
            };
            world.show(0, people).await;
            world
        }

        async fn show(&self, ms: i64, records: Vec<Incoming>) {
            let shown = Refresh {
                connection: self.link.id(),
                requested_at: at(ms),
                now: at(ms),
                records,
                deleted: Vec::new(),
                quarantined: Vec::new(),
                policy: Default::default(),
            };
            self.engine.shared.store.apply_refresh(shown).await.unwrap();
        }

        /// A pass that began at this time has ended.
        async fn read_until(&self, ms: i64) {
            let read = ListingOutcome::Succeeded(at(ms));
            let store = &self.engine.shared.store;
            let noted = store.note_listing(self.link.id(), Listing::Opportunities, read);
            noted.await.unwrap();
        }

        /// Looks at a time of the clock; gives when to look again, in hours.
        async fn look(&mut self, ms: i64) -> i64 {
            self.clock.store(MONDAY + ms, Ordering::Relaxed);
            let next = self.watch.round(&self.engine.shared, &self.link).await;
            next.unwrap().as_millis() - MONDAY
        }

        async fn told(&self) -> Vec<(String, SlaMark)> {
            let store = &self.engine.shared.store;
            let changes = store.changes(self.link.id(), 0, 999).await.unwrap();
            let told = changes.into_iter().filter_map(|change| match change.event {
                Event::Sla { opportunity, mark } => Some((opportunity.to_string(), mark)),
                _ => None,
            });
            told.collect()
        }

        /// Whose snoozes were told to have ended.
        async fn told_awake(&self) -> Vec<String> {
            let store = &self.engine.shared.store;
            let changes = store.changes(self.link.id(), 0, 999).await.unwrap();
            let told = changes.into_iter().filter_map(|change| match change.event {
                Event::Awake { opportunity } => Some(opportunity.to_string()),
                _ => None,
            });
            told.collect()
        }

        /// A watch of the applicants from now on.
        async fn applicants(&self) -> crate::ApplicantWatch {
            let query = crate::WatchQuery {
                stages: Vec::new(),
                confidential: false,
            };
            let watch = self.engine.watch_applicants(self.link.id(), query, None);
            watch.await.unwrap()
        }

        async fn map(&self, change: impl FnOnce(&mut StageMapping)) {
            let id = self.link.id();
            let before: StageMapping = mapping::present(&self.engine.shared, id).await.unwrap();
            let mut after = before.clone();
            change(&mut after);
            let after = after.succeeding(&before, "admin", at(0));
            self.engine.save_version(id, &before, &after).await.unwrap();
        }
    }

    /// Somebody in the stage of new applicants, whose SLA is three business days, or elsewhere.
    fn person(id: &str, stage: &str, entered: i64, more: &str) -> Incoming {
        let entered = MONDAY + entered;
        let raw = format!(r#"{{"id":"{id}","stage":"{stage}","createdAt":{entered}{more}}}"#);
        testing::opportunity(id, &raw)
    }

    fn told(all: &[(&str, SlaMark)]) -> Vec<(String, SlaMark)> {
        all.iter()
            .map(|(id, mark)| ((*id).to_owned(), *mark))
            .collect()
    }

    use SlaMark::{AtRisk, Breached};

    #[tokio::test]
    async fn an_sla_is_told_when_it_comes_closer_and_once_for_each_stay() {
        let mut world = World::new(vec![
            person("a", "applicant-new", 0, ""),
            // Due on the Friday before the account was connected.
            person("old", "applicant-new", -6 * DAY, ""),
            person("free", "elsewhere", 0, ""),
        ])
        .await;
        // Nobody is known before the first pass has ended.
        world.look(0).await;
        assert_eq!(world.told().await, []);
        world.read_until(0).await;
        // An hour at most passes until everybody is looked at again.
        assert_eq!(world.look(0).await, HOUR);
        // One working day is left from Wednesday 00:00 on, and the moment is known ahead.
        world.read_until(2 * DAY - HOUR / 2).await;
        assert_eq!(world.look(2 * DAY - HOUR / 2).await, 2 * DAY);
        assert_eq!(world.told().await, []);
        // By the clock it has come; the mirror does not know yet whether somebody moved in time.
        assert_eq!(world.look(2 * DAY).await, 2 * DAY + 60_000);
        assert_eq!(world.told().await, []);
        world.read_until(2 * DAY).await;
        world.look(2 * DAY + 60_000).await;
        let at_risk = told(&[("a", AtRisk)]);
        assert_eq!(world.told().await, at_risk);

        // Down over the breach: told once, after the first pass that knows of it.
        world.watch = SlaWatch::default();
        world.look(5 * DAY).await;
        assert_eq!(world.told().await, at_risk);
        world.read_until(5 * DAY).await;
        for hour in [0, 1, 2] {
            world.look(5 * DAY + hour * HOUR).await;
        }
        let both = told(&[("a", AtRisk), ("a", Breached)]);
        assert_eq!(world.told().await, both);

        // Another stay is another one, seen from the change alone.
        let again = format!(
            r#","stageChanges":[{{"toStageId":"applicant-new","updatedAt":{}}}]"#,
            MONDAY + 7 * DAY
        );
        world.read_until(7 * DAY).await;
        world.look(7 * DAY).await;
        world
            .show(7 * DAY, vec![person("a", "applicant-new", 0, &again)])
            .await;
        assert_eq!(world.look(7 * DAY + 1).await, 8 * DAY - 23 * HOUR);
        world.read_until(9 * DAY).await;
        world.look(9 * DAY).await;
        let all = told(&[("a", AtRisk), ("a", Breached), ("a", AtRisk)]);
        assert_eq!(world.told().await, all);
    }

    #[tokio::test]
    async fn who_was_moved_in_time_is_not_told_of_however_late_the_mirror_learns_of_it() {
        let mut world = World::new(vec![
            person("moved", "applicant-new", 0, ""),
            person("gone", "applicant-new", 0, ",\"archived\":null"),
        ])
        .await;
        world.read_until(HOUR).await;
        world.look(4 * DAY).await;
        let archived = r#","archived":{"archivedAt":1}"#;
        let moved = [
            person("moved", "elsewhere", 0, ""),
            person("gone", "applicant-new", 0, archived),
        ];
        world.show(4 * DAY, moved.into()).await;
        world.read_until(4 * DAY).await;
        world.look(4 * DAY + 1).await;
        assert_eq!(world.told().await, []);
    }

    #[tokio::test]
    async fn a_saved_mapping_and_the_end_of_a_snooze_are_looked_at_when_they_come() {
        let asleep = format!(r#","snoozedUntil":{}"#, MONDAY + 4 * DAY);
        let mut world = World::new(vec![
            person("a", "applicant-new", 0, ""),
            person("asleep", "offer", 0, &asleep),
        ])
        .await;
        world
            .map(|mapping| {
                mapping.stage_sla_days.insert("offer".into(), 1);
            })
            .await;
        world.read_until(DAY + HOUR).await;
        world.look(DAY + HOUR).await;
        assert_eq!(world.told().await, []);
        // A day instead of three is over at once.
        world
            .map(|mapping| {
                mapping.stage_sla_days.insert("applicant-new".into(), 1);
                mapping.sla.unit = DayUnit::Calendar;
            })
            .await;
        world.look(DAY + HOUR + 1).await;
        assert_eq!(world.told().await, told(&[("a", Breached)]));
        world.read_until(4 * DAY).await;
        assert_eq!(world.look(4 * DAY - HOUR / 2).await, 4 * DAY);
        world.look(4 * DAY).await;
        assert_eq!(
            world.told().await,
            told(&[("a", Breached), ("asleep", Breached)])
        );
    }

    #[tokio::test]
    async fn the_end_of_a_snooze_is_told_once_and_only_as_far_as_the_mirror_knows() {
        let until = |ms: i64| format!(r#","snoozedUntil":{}"#, MONDAY + ms);
        let asleep = |ms: i64| person("a", "applicant-new", 0, &until(ms));
        let mut world = World::new(vec![
            asleep(2 * HOUR),
            // Before the account was connected.
            person("before", "applicant-new", 0, &until(-1)),
            // Nobody is waiting for somebody in a stage that is no inbound one and has no SLA.
            person("elsewhere", "elsewhere", 0, &until(HOUR)),
            // Without an SLA the end is told all the same.
            person("no-sla", "inbound", 0, &until(3 * HOUR)),
        ])
        .await;
        world
            .map(|mapping| {
                mapping.inbound_stages.insert("inbound".into());
            })
            .await;
        let mut watch = world.applicants().await;
        world.read_until(HOUR).await;
        // The moment is known ahead.
        assert_eq!(world.look(HOUR + HOUR / 2).await, 2 * HOUR);
        assert_eq!(world.told_awake().await, [""; 0]);
        assert_eq!(watch.next().await.unwrap().events.len(), 0);
        // By the clock it has come; the mirror does not know yet whether Lever has moved it.
        assert_eq!(world.look(2 * HOUR).await, 2 * HOUR + 60_000);
        assert_eq!(world.told_awake().await, [""; 0]);
        world.read_until(2 * HOUR).await;
        world.look(2 * HOUR + 60_000).await;
        assert_eq!(world.told_awake().await, ["a"]);
        let told = watch.next().await.unwrap().events;
        let applicant = told[0].applicant.as_ref().unwrap();
        assert_eq!(
            (told.len(), told[0].news),
            (1, crate::ApplicantNews::Changed)
        );
        assert_eq!(applicant.candidacy.opportunity.as_str(), "a");
        assert_eq!(applicant.sla.state, sla::SlaState::OnTrack);

        // Told once, also by a process that has told nothing yet.
        world.watch = SlaWatch::default();
        world.read_until(3 * HOUR - 1).await;
        world.look(3 * HOUR - 1).await;
        assert_eq!(world.told_awake().await, ["a"]);
        world.read_until(3 * HOUR).await;
        world.look(3 * HOUR).await;
        assert_eq!(world.told_awake().await, ["a", "no-sla"]);

        // Another snooze is another one.
        world.show(4 * HOUR, vec![asleep(5 * HOUR)]).await;
        world.read_until(5 * HOUR).await;
        world.look(5 * HOUR).await;
        assert_eq!(world.told_awake().await, ["a", "no-sla", "a"]);

        // Of one that ended longer ago than changes are kept nobody would be told.
        world.show(6 * HOUR, vec![asleep(7 * HOUR)]).await;
        world.read_until(8 * DAY).await;
        world.look(8 * DAY).await;
        assert_eq!(world.told_awake().await, ["a", "no-sla", "a"]);
    }

    #[tokio::test]
    async fn a_snooze_that_was_moved_or_an_archived_person_does_not_awake() {
        let until = |ms: i64| format!(r#","snoozedUntil":{}"#, MONDAY + ms);
        let mut world = World::new(vec![
            person("moved", "applicant-new", 0, &until(HOUR)),
            person("gone", "applicant-new", 0, &until(HOUR)),
        ])
        .await;
        world.read_until(0).await;
        world.look(0).await;
        let archived = format!(r#","archived":{{"archivedAt":1}}{}"#, until(HOUR));
        let changed = [
            person("moved", "applicant-new", 0, &until(2 * HOUR)),
            person("gone", "applicant-new", 0, &archived),
        ];
        world.show(HOUR, changed.into()).await;
        world.read_until(HOUR).await;
        world.look(HOUR).await;
        assert_eq!(world.told_awake().await, [""; 0]);
        world.read_until(2 * HOUR).await;
        world.look(2 * HOUR).await;
        assert_eq!(world.told_awake().await, ["moved"]);
    }

    #[tokio::test]
    async fn with_the_clock_of_the_group_a_move_inside_it_is_no_other_stay() {
        let history = |second: &str| {
            format!(
                r#","stageChanges":[{{"toStageId":"s1","updatedAt":{}}}{second}]"#,
                MONDAY
            )
        };
        let mut world = World::new(vec![person("a", "s1", 0, &history(""))]).await;
        world
            .map(|mapping| {
                mapping.sla.clock_scope = ClockScope::Group;
                let screens = &mut mapping.product_stages[5];
                screens.stages = vec!["s1".into(), "s2".into()];
                screens.sla_days = Some(1);
            })
            .await;
        world.read_until(2 * DAY).await;
        world.look(2 * DAY).await;
        let breached = told(&[("a", Breached)]);
        assert_eq!(world.told().await, breached);
        let second = format!(r#",{{"toStageId":"s2","updatedAt":{}}}"#, MONDAY + 2 * DAY);
        world
            .show(2 * DAY, vec![person("a", "s2", 0, &history(&second))])
            .await;
        world.read_until(6 * DAY).await;
        world.look(6 * DAY).await;
        assert_eq!(world.told().await, breached);
    }
}
