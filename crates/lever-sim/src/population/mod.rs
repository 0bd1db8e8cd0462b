//! A believable account, made from a seed: the same seed and time always give the same records.
//!
//! All names, addresses and numbers are invented: e-mails under example.com, phones in the 555 range.

mod account;
mod answers;
mod children;
mod departed;
mod history;
mod meetings;
mod names;
mod papers;
mod people;
mod requisitions;
mod templates;

use crate::config::{Children, Population};
use crate::random::Random;
use crate::world::{Growth, World};

pub(crate) use children::children;

/// Makes the account as it stands at `now` (milliseconds since 1970).
///
/// What `level` asks for is drawn from sources of its own, so that the opportunities are the same at every level.
pub(crate) fn populate(population: Population, level: Children, now: i64) -> World {
    let mut random = Random::new(population.seed);
    let mut account = account::make(&mut random, now);
    let mut aside = Random::new(population.seed ^ 0x5E77_1465);
    templates::make(&mut aside, &mut account, now);
    requisitions::make(&mut aside, &mut account, now);
    let growth = Growth {
        seed: population.seed,
        level,
        at: now,
    };
    let mut world = World::new(account, Random::new(random.next()), growth);
    departed::make(&mut aside, &mut world, level, now);
    let mut people = people::People::new(random, growth);
    for _ in 0..population.opportunities {
        people.add_one(&mut world);
    }
    world
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_782_976_000_000;
    const HOUR: i64 = 3_600_000;

    fn world(opportunities: usize, seed: u64) -> World {
        populate(
            Population {
                opportunities,
                seed,
            },
            Children::default(),
            NOW,
        )
    }

    #[test]
    fn a_seed_always_gives_the_same_account() {
        let all = |world: &World| {
            world
                .opportunities()
                .map(|it| world.json(it))
                .collect::<Vec<_>>()
        };
        assert_eq!(all(&world(120, 5)), all(&world(120, 5)));
        assert_ne!(all(&world(120, 5)), all(&world(120, 6)));
    }

    #[test]
    fn the_account_looks_like_a_real_one() {
        let world = world(2000, 1);
        assert_eq!(world.opportunities().count(), 2000);
        let share = |holds: &dyn Fn(&crate::world::Opportunity) -> bool| {
            world.opportunities().filter(|it| holds(it)).count() as f64 / 20.0
        };
        let archived = share(&|it| it.archived.is_some());
        assert!((38.0..52.0).contains(&archived), "{archived} % archived");
        let confidential = share(&|it| it.confidential);
        assert!(
            (1.0..6.0).contains(&confidential),
            "{confidential} % confidential"
        );
        assert!(share(&|it| it.updated_at.is_none()) > 50.0);
        assert!(share(&|it| it.snoozed(NOW)) > 0.5);
        assert!(share(&|it| !it.notes.is_empty()) > 10.0);
        assert!(
            world
                .account
                .stages
                .iter()
                .all(|stage| share(&|it| it.stage == stage.id) > 0.0)
        );
    }

    #[test]
    fn the_opportunities_are_the_same_at_every_level_of_children() {
        let population = Population {
            opportunities: 150,
            seed: 4,
        };
        let all = |level| {
            let world = populate(population, level, NOW);
            world
                .opportunities()
                .map(|it| world.json(it))
                .collect::<Vec<_>>()
        };
        let light = all(Children::Light);
        assert_eq!(light, all(Children::None));
        assert_eq!(light, all(Children::Full));
    }

    #[test]
    fn inbound_applicants_are_hours_and_days_old() {
        let world = world(300, 1);
        let ages: Vec<i64> = world
            .opportunities()
            .filter(|it| it.stage == "applicant-new" && it.archived.is_none())
            .map(|it| NOW - it.last_advanced_at)
            .collect();
        let within = |from: i64, to: i64| {
            ages.iter()
                .filter(|age| (from * HOUR..to * HOUR).contains(age))
                .count()
        };
        assert!(
            within(0, 24) > 3 && within(24, 96) > 3 && within(96, 2000) > 3,
            "{ages:?}"
        );
    }

    #[test]
    fn histories_only_go_forward_in_time() {
        let world = world(500, 3);
        for opportunity in world.opportunities() {
            let stamps: Vec<i64> = opportunity.stage_changes.iter().map(|it| it.at).collect();
            assert!(stamps.is_sorted(), "{stamps:?}");
            assert_eq!(stamps[0], opportunity.created_at);
            let last = opportunity.stage_changes.last().unwrap();
            assert_eq!(last.stage, opportunity.stage);
            assert!(opportunity.last_advanced_at >= last.at && last.at <= NOW);
            assert!(opportunity.updated_at.is_none_or(|at| at <= NOW + 5));
        }
    }
}
