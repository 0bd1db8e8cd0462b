//! The roll of a connection: everybody who is open in its inbound stages, with the moments at which their SLA turns.
//!
//! Whoever counts or lists applicants by their SLA would reckon the working days of thousands each time.
//! What is kept here depends on candidacies, of which the store tells who has changed, and on the stage mapping; the
//! time of day is no part of it, so that nothing grows old.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::calendar::Calendar;
use domain::sla::{SlaState, Timetable};
use domain::stage_mapping::{ClockScope, StageMapping};
use domain::{Candidacy, ConnectionId, Timestamp};
use lever::{OpportunityId, StageId};

use crate::engine::Shared;
use crate::error::Result;
use crate::in_stages::InStages;
use crate::legend::Legend;

/// People on all rolls together, of some 800 bytes each; of a connection with more none is kept.
const MOST_PEOPLE: usize = 30_000;

/// The rolls of all connections.
#[derive(Debug, Default)]
pub(crate) struct Rolls {
    /// The one that was asked for last comes last.
    kept: Mutex<Vec<(ConnectionId, Arc<Roll>)>>,
}

impl Rolls {
    fn kept(&self) -> MutexGuard<'_, Vec<(ConnectionId, Arc<Roll>)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, id: ConnectionId) -> Option<Arc<Roll>> {
        let kept = self.kept();
        let found = kept.iter().find(|(of, _)| *of == id);
        found.map(|(_, roll)| roll.clone())
    }

    fn put(&self, id: ConnectionId, roll: &Arc<Roll>) {
        let mut kept = self.kept();
        kept.retain(|(of, _)| *of != id);
        kept.push((id, roll.clone()));
        let people = |kept: &[(ConnectionId, Arc<Roll>)]| -> usize {
            kept.iter().map(|(_, roll)| roll.people.len()).sum()
        };
        while people(&kept) > MOST_PEOPLE {
            kept.remove(0);
        }
    }

    /// Forgets the people of a connection.
    pub(crate) fn forget(&self, id: ConnectionId) {
        self.kept().retain(|(of, _)| *of != id);
    }
}

/// One of them.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) candidacy: Arc<Candidacy>,
    timetable: Option<Timetable>,
}

impl Entry {
    /// How the candidacy stands against its SLA.
    pub(crate) fn state(&self, now: Timestamp) -> SlaState {
        let state = self.timetable.map(|timetable| timetable.state(now));
        state.unwrap_or(SlaState::None)
    }

    /// When it is, or was, due.
    pub(crate) fn due_at(&self) -> Option<Timestamp> {
        self.timetable.map(|timetable| timetable.due_at)
    }
}

/// The roll of one connection.
#[derive(Debug)]
pub(crate) struct Roll {
    /// Stands for what the store had changed when it was made.
    mark: u64,
    mapping: Arc<StageMapping>,
    calendar: Arc<Calendar>,
    people: Arc<HashMap<OpportunityId, Entry>>,
}

impl Roll {
    /// The roll as it is now; none where none is kept.
    ///
    /// Where the clock starts with the product stage none is: that is read from the history of each person.
    ///
    /// # Errors
    /// As every read of the store.
    pub(crate) async fn of(
        shared: &Shared,
        id: ConnectionId,
        legend: &Legend,
    ) -> Result<Option<Arc<Roll>>> {
        if legend.mapping.sla.clock_scope != ClockScope::Stage {
            return Ok(None);
        }
        let known = shared.rolls.get(id);
        let known = known.filter(|known| known.mapping == legend.mapping);
        let mark = known.as_ref().map_or(0, |known| known.mark);
        let changes = shared.store.candidacy_changes(id, mark)?;
        let roll = match known.zip(changes.changed) {
            Some((known, changed)) => known.after(shared, id, changes.mark, changed).await?,
            None => match Roll::read(shared, id, legend, changes.mark).await? {
                Some(roll) => roll,
                None => return Ok(None),
            },
        };
        let roll = Arc::new(roll);
        shared.rolls.put(id, &roll);
        Ok(Some(roll))
    }

    /// Everybody on it.
    pub(crate) fn people(&self) -> impl Iterator<Item = &Entry> {
        self.people.values()
    }

    /// Whether everybody who is open in these stages is on it.
    pub(crate) fn covers(&self, stages: &[StageId]) -> bool {
        let inbound = &self.mapping.inbound_stages;
        stages.iter().all(|stage| inbound.contains(stage))
    }

    async fn read(
        shared: &Shared,
        id: ConnectionId,
        legend: &Legend,
        mark: u64,
    ) -> Result<Option<Roll>> {
        let inbound = &legend.mapping.inbound_stages;
        let stages: Vec<StageId> = inbound.iter().cloned().collect();
        if shared.store.count_in_stages(id, &stages).await? > MOST_PEOPLE as u64 {
            return Ok(None);
        }
        let mut walk = FirstWalk::begin(shared, id, legend, mark);
        while walk.step().await? {}
        walk.end().await
    }

    /// The same after these have changed, with their candidacies as they are now.
    async fn after(
        &self,
        shared: &Shared,
        id: ConnectionId,
        mark: u64,
        changed: BTreeSet<OpportunityId>,
    ) -> Result<Roll> {
        let mut people = self.people.clone();
        for opportunity in changed {
            let candidacy = shared.store.candidacy(id, &opportunity).await?;
            let people = Arc::make_mut(&mut people);
            match candidacy.filter(|candidacy| self.has(candidacy)) {
                Some(candidacy) => people.insert(opportunity, self.entry(Arc::new(candidacy))),
                None => people.remove(&opportunity),
            };
        }
        Ok(Roll {
            mark,
            mapping: self.mapping.clone(),
            calendar: self.calendar.clone(),
            people,
        })
    }

    fn entry(&self, candidacy: Arc<Candidacy>) -> Entry {
        Entry {
            timetable: Timetable::of_stage(&candidacy, &self.mapping, &self.calendar),
            candidacy,
        }
    }

    /// Whether somebody belongs on it.
    fn has(&self, candidacy: &Candidacy) -> bool {
        let stage = candidacy.stage.as_ref();
        candidacy.active() && stage.is_some_and(|stage| self.mapping.inbound_stages.contains(stage))
    }
}

/// The first walk over everybody on a roll, a step at a time.
///
/// Who moves during the walk can be missed, or met in two places: whoever has changed since it began is looked at once
/// more at its end.
struct FirstWalk<'s> {
    shared: &'s Shared,
    id: ConnectionId,
    walk: InStages<'s>,
    /// With nobody on it.
    roll: Roll,
    people: HashMap<OpportunityId, Entry>,
}

impl<'s> FirstWalk<'s> {
    /// Before the first step; `mark` stands for what the store has changed by now.
    fn begin(shared: &'s Shared, id: ConnectionId, legend: &Legend, mark: u64) -> FirstWalk<'s> {
        let inbound = legend.mapping.inbound_stages.iter().cloned();
        FirstWalk {
            shared,
            id,
            walk: InStages::new(&shared.store, id, inbound.collect()),
            roll: Roll {
                mark,
                mapping: legend.mapping.clone(),
                calendar: legend.calendar.clone(),
                people: Arc::default(),
            },
            people: HashMap::new(),
        }
    }

    /// Meets some more people; false once there are none.
    async fn step(&mut self) -> Result<bool> {
        let Some(found) = self.walk.next().await? else {
            return Ok(false);
        };
        let roll = &self.roll;
        let met = found.into_iter();
        self.people
            .extend(met.map(|one| (one.opportunity.clone(), roll.entry(one))));
        Ok(true)
    }

    /// Everybody as they are now; none where more has changed since it began than the store remembers.
    async fn end(self) -> Result<Option<Roll>> {
        let (id, mark) = (self.id, self.roll.mark);
        let changes = self.shared.store.candidacy_changes(id, mark)?;
        let Some(changed) = changes.changed else {
            return Ok(None);
        };
        let walked = Roll {
            people: Arc::new(self.people),
            ..self.roll
        };
        let roll = walked.after(self.shared, id, changes.mark, changed).await?;
        Ok(Some(roll))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicI64, Ordering};

    use domain::stage_mapping::DayUnit;
    use domain::{Stream, Versioned as _, sla};
    use proptest::prelude::*;
    use store::{Deleted, Incoming, Refresh};

    use super::*;
    use crate::in_stages::STEP;
    use crate::{Clock, Engine, Settings, testing};

    const HOUR: i64 = 3_600_000;
    const DAY: i64 = 24 * HOUR;
    /// 2026-03-02, a Monday.
    const START: i64 = 1_772_409_600_000;

    #[derive(Debug, Clone)]
    enum Happening {
        Shown(Box<Incoming>),
        Gone(String),
        Mapped(Rule),
        Passed(i64),
        /// Somebody asks, so that there is something kept.
        Asked,
    }

    #[derive(Debug, Clone)]
    enum Rule {
        Inbound(BTreeSet<StageId>),
        Days(StageId, Option<u16>),
        Holiday(i8),
        AtRisk(u8),
        Pause(bool),
        Calendar(bool),
        Group(bool),
        Zone(&'static str),
    }

    impl Rule {
        fn hold(self, mapping: &mut StageMapping) {
            let sla = &mut mapping.sla;
            match self {
                Rule::Inbound(stages) => mapping.inbound_stages = stages,
                Rule::Days(stage, Some(days)) => drop(mapping.stage_sla_days.insert(stage, days)),
                Rule::Days(stage, None) => drop(mapping.stage_sla_days.remove(&stage)),
                Rule::Holiday(day) => {
                    let date = format!("2026-03-{day:02}").parse();
                    let _ = sla.holidays.insert(date.unwrap());
                }
                Rule::AtRisk(percent) => sla.at_risk_percent = percent,
                Rule::Pause(pause) => sla.pause_while_snoozed = pause,
                Rule::Calendar(true) => sla.unit = DayUnit::Calendar,
                Rule::Calendar(false) => sla.unit = DayUnit::Business,
                Rule::Group(true) => sla.clock_scope = ClockScope::Group,
                Rule::Group(false) => sla.clock_scope = ClockScope::Stage,
                Rule::Zone(zone) => sla.time_zone = zone.to_owned(),
            }
        }
    }

    fn stage() -> impl Strategy<Value = String> {
        prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned)
    }

    fn person() -> impl Strategy<Value = String> {
        (0..5u8).prop_map(|number| format!("person-{number}"))
    }

    fn shown() -> impl Strategy<Value = Happening> {
        let ahead = prop::option::weighted(0.3, 0..8 * DAY);
        let archived = prop::bool::weighted(0.1);
        (person(), stage(), -5 * DAY..0, ahead, archived).prop_map(
            |(id, stage, entered, snoozed, archived)| {
                let raw = serde_json::json!({
                    "id": id,
                    "stage": stage,
                    "createdAt": START + entered,
                    "snoozedUntil": snoozed.map(|ahead| START + ahead),
                    "archived": archived.then(|| serde_json::json!({"archivedAt": START})),
                });
                Happening::Shown(Box::new(testing::opportunity(&id, &raw.to_string())))
            },
        )
    }

    fn rule() -> impl Strategy<Value = Rule> {
        let inbound = prop::collection::btree_set(stage().prop_map(StageId::from), 1..=3);
        let days = prop::option::weighted(0.8, 0..4u16);
        let zones = prop::sample::select(vec!["UTC", "America/New_York", "Asia/Tokyo"]);
        prop_oneof![
            2 => inbound.prop_map(Rule::Inbound),
            3 => (stage(), days).prop_map(|(stage, days)| Rule::Days(stage.into(), days)),
            2 => (2..12i8).prop_map(Rule::Holiday),
            1 => (1..100u8).prop_map(Rule::AtRisk),
            1 => any::<bool>().prop_map(Rule::Pause),
            1 => any::<bool>().prop_map(Rule::Calendar),
            1 => prop::bool::weighted(0.2).prop_map(Rule::Group),
            1 => zones.prop_map(Rule::Zone),
        ]
    }

    fn happening() -> impl Strategy<Value = Happening> {
        prop_oneof![
            5 => shown(),
            1 => person().prop_map(Happening::Gone),
            3 => rule().prop_map(Happening::Mapped),
            3 => (0..DAY).prop_map(Happening::Passed),
            3 => Just(Happening::Asked),
        ]
    }

    struct World {
        engine: Engine,
        id: ConnectionId,
        now: Arc<AtomicI64>,
        /// Of the last look at Lever.
        looks: i64,
        _folder: tempfile::TempDir,
    }

    impl World {
        async fn new() -> World {
            let folder = tempfile::TempDir::new().unwrap();
            let (engine, id) = testing::engine(folder.path(), Vec::new()).await;
            let store = engine.shared.store.clone();
            let now = Arc::new(AtomicI64::new(START));
            let told = now.clone();
            let clock = Clock::new(move || Timestamp::from_millis(told.load(Ordering::Relaxed)));
            let mut settings = Settings::default();
            settings.pull.enabled = false;
            let engine = Engine::start(store, settings, clock).await.unwrap();
            let mut world = World {
                engine,
                id,
                now,
                looks: 0,
                _folder: folder,
            };
            let days = |stage: &str| Happening::Mapped(Rule::Days(stage.into(), Some(2)));
            let inbound = Rule::Inbound(["a".into(), "b".into()].into());
            for first in [Happening::Mapped(inbound), days("a"), days("b")] {
                world.happen(first).await;
            }
            world
        }

        async fn happen(&mut self, happening: Happening) {
            match happening {
                Happening::Shown(record) => self.look(vec![*record], None).await,
                Happening::Gone(person) => self.look(Vec::new(), Some(person)).await,
                Happening::Mapped(rule) => self.map(rule).await,
                Happening::Passed(ms) => drop(self.now.fetch_add(ms, Ordering::Relaxed)),
                Happening::Asked => drop(self.kept().await),
            }
        }

        async fn look(&mut self, records: Vec<Incoming>, gone: Option<String>) {
            self.looks += 1;
            let at = Timestamp::from_millis(self.looks);
            let deleted = gone.map(|id| Deleted {
                stream: Stream::Opportunities,
                id,
                at,
            });
            let shown = Refresh {
                connection: self.id,
                requested_at: at,
                now: at,
                records,
                deleted: deleted.into_iter().collect(),
                quarantined: Vec::new(),
                policy: Default::default(),
            };
            self.engine.shared.store.apply_refresh(shown).await.unwrap();
        }

        async fn map(&self, rule: Rule) {
            let before = crate::mapping::present(&self.engine.shared, self.id).await;
            let before = before.unwrap();
            let mut mapping = before.clone();
            rule.hold(&mut mapping);
            let after = mapping.succeeding(&before, "admin", Timestamp::default());
            let saved = self.engine.save_version(self.id, &before, &after).await;
            saved.unwrap();
        }

        async fn legend(&self) -> Arc<Legend> {
            Legend::of(&self.engine.shared, self.id).await.unwrap()
        }

        /// Who is on the roll, and how they stand; none where none is kept.
        async fn kept(&self) -> Option<BTreeMap<String, (SlaState, Option<Timestamp>)>> {
            let shared = &self.engine.shared;
            let roll = Roll::of(shared, self.id, &*self.legend().await)
                .await
                .unwrap()?;
            Some(self.stand(&roll))
        }

        fn stand(&self, roll: &Roll) -> BTreeMap<String, (SlaState, Option<Timestamp>)> {
            let now = self.engine.shared.clock.now();
            let stands = |one: &Entry| {
                let id = one.candidacy.opportunity.to_string();
                (id, (one.state(now), one.due_at()))
            };
            roll.people().map(stands).collect()
        }

        /// The same by reading everybody.
        async fn anew(&self) -> Option<BTreeMap<String, (SlaState, Option<Timestamp>)>> {
            let (shared, legend) = (&self.engine.shared, self.legend().await);
            let mapping = &legend.mapping;
            if mapping.sla.clock_scope == ClockScope::Group {
                return None;
            }
            let calendar = Calendar::new(&mapping.sla).unwrap();
            let inbound = mapping.inbound_stages.iter().cloned().collect();
            let mut walk = InStages::new(&shared.store, self.id, inbound);
            let mut people = BTreeMap::new();
            while let Some(found) = walk.next().await.unwrap() {
                for one in found {
                    let sla = sla::assess(&one, mapping, &calendar, shared.clock.now(), None);
                    people.insert(one.opportunity.to_string(), (sla.state, sla.due_at));
                }
            }
            Some(people)
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
        #[test]
        fn what_is_kept_is_what_reading_everybody_gives(
            history in prop::collection::vec(happening(), 1..40),
        ) {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let mut world = World::new().await;
                for happening in history {
                    let told = format!("{happening:?}");
                    world.happen(happening).await;
                    prop_assert_eq!(world.kept().await, world.anew().await, "after {}", told);
                }
                Ok(())
            })?;
        }
    }

    /// Somebody in a stage, where they came some hours ago.
    fn in_stage(id: &str, stage: &str, hours: i64) -> Incoming {
        let raw = serde_json::json!({
            "id": id,
            "stage": stage,
            "createdAt": START - hours * HOUR,
        });
        testing::opportunity(id, &raw.to_string())
    }

    #[tokio::test]
    async fn what_changes_during_the_first_walk_and_after_it_is_on_the_roll() {
        let mut world = World::new().await;
        // More than one step meets: those who came long ago are met first.
        let mut records = vec![
            in_stage("leaves-late", "a", 90),
            in_stage("moves-late", "a", 90),
            in_stage("is-passed", "b", 1),
            in_stage("leaves-early", "b", 1),
        ];
        let among = (0..STEP).map(|number| in_stage(&format!("among-{number}"), "a", 50));
        records.extend(among);
        world.look(records, None).await;
        let (engine, id, legend) = (world.engine.clone(), world.id, world.legend().await);
        let shared = &engine.shared;
        let mark = shared.store.candidacy_changes(id, 0).unwrap().mark;
        let mut walk = FirstWalk::begin(shared, id, &legend, mark);
        assert!(walk.step().await.unwrap());
        let meanwhile = vec![
            in_stage("leaves-late", "c", 0),
            in_stage("moves-late", "b", 0),
            in_stage("is-passed", "a", 99),
            in_stage("leaves-early", "c", 0),
            in_stage("comes", "a", 99),
        ];
        world.look(meanwhile, Some("among-7".to_owned())).await;
        while walk.step().await.unwrap() {}
        world
            .look(vec![in_stage("comes-last", "b", 99)], None)
            .await;
        let roll = walk.end().await.unwrap().unwrap();
        assert_eq!(Some(world.stand(&roll)), world.anew().await);

        shared.rolls.put(id, &Arc::new(roll));
        let after = vec![in_stage("comes", "b", 2), in_stage("is-passed", "c", 0)];
        world.look(after, Some("among-9".to_owned())).await;
        let (kept, anew) = (world.kept().await, world.anew().await);
        assert_eq!(kept, anew);
        let people = kept.unwrap();
        let there = [
            "comes",
            "comes-last",
            "moves-late",
            "is-passed",
            "leaves-late",
        ];
        assert_eq!(
            there.map(|id| people.contains_key(id)),
            [true, true, true, false, false]
        );
    }

    #[tokio::test]
    async fn where_too_many_change_during_the_first_walk_to_be_looked_at_no_roll_is_kept() {
        let mut world = World::new().await;
        world.look(vec![in_stage("x", "a", 9)], None).await;
        let (engine, id, legend) = (world.engine.clone(), world.id, world.legend().await);
        let shared = &engine.shared;
        let mark = shared.store.candidacy_changes(id, 0).unwrap().mark;
        let mut walk = FirstWalk::begin(shared, id, &legend, mark);
        while walk.step().await.unwrap() {}
        let many = (0..5_000).map(|number| in_stage(&format!("other-{number}"), "c", 9));
        world.look(many.collect(), None).await;
        assert!(walk.end().await.unwrap().is_none());
        assert_eq!(world.kept().await, world.anew().await);
    }

    #[tokio::test]
    async fn who_was_reckoned_once_is_not_again() {
        let mut world = World::new().await;
        for id in ["x", "y"] {
            let raw = serde_json::json!({"id": id, "stage": "a", "createdAt": START});
            let record = testing::opportunity(id, &raw.to_string());
            world.happen(Happening::Shown(Box::new(record))).await;
        }
        let roll = async || {
            let legend = world.legend().await;
            let roll = Roll::of(&world.engine.shared, world.id, &legend).await;
            roll.unwrap().unwrap()
        };
        let before = roll().await;
        assert_eq!(before.people.len(), 2);
        assert!(Arc::ptr_eq(&before.people, &roll().await.people));
        let asked = [vec!["a".into()], vec!["b".into(), "c".into()]];
        assert_eq!(asked.map(|stages| before.covers(&stages)), [true, false]);
    }

    #[tokio::test]
    async fn no_more_is_kept_than_is_said() {
        let world = World::new().await;
        let legend = world.legend().await;
        let opportunity = serde_json::from_value(serde_json::json!({"id": "o"})).unwrap();
        let entry = Entry {
            candidacy: Arc::new(Candidacy::from_lever(&opportunity, None)),
            timetable: None,
        };
        let of = |people: usize| {
            let id = |number: usize| (number.to_string().into(), entry.clone());
            Arc::new(Roll {
                mark: 0,
                mapping: legend.mapping.clone(),
                calendar: legend.calendar.clone(),
                people: Arc::new((0..people).map(id).collect()),
            })
        };
        let rolls = Rolls::default();
        let id = |number| ConnectionId::from_bytes([number; 16]);
        rolls.put(id(1), &of(1));
        rolls.put(id(2), &of(1));
        rolls.put(id(1), &of(1));
        rolls.put(id(3), &of(MOST_PEOPLE - 1));
        let there = [1, 2, 3].map(|number| rolls.get(id(number)).is_some());
        assert_eq!(there, [true, false, true], "the one asked for last stays");
        rolls.forget(id(3));
        assert!(rolls.get(id(3)).is_none());
    }
}
