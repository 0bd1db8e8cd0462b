//! SIGKILL while the account is being read (P1).

use std::time::Duration;

use domain::Stream;
use lever_sim::{Action, FaultPlan, FaultRule};

use crate::support::{Setup, World};

/// A kill after each of the pages of a backfill: the inbound stages, the rest, and the pass that repairs the order.
#[tokio::test]
async fn a_crash_between_pages_loses_nothing() {
    for page in [1, 2, 3, 5, 7] {
        let mut world = World::new(Setup::new(600).keeping(&[])).await;
        world.kill_after_page(page).await;
        goes_on_where_it_was(&mut world, page).await;
    }
}

async fn goes_on_where_it_was(world: &mut World, page: u64) {
    let before = world.calls("listOpportunities");
    let (held_back, answered) = (
        &before[before.len() - 1].query,
        &before[before.len() - 2].query,
    );
    world.restart_until_settled().await;
    let after = world.calls("listOpportunities").split_off(before.len());
    let next = &after[0].query;
    // The page answered last was being committed when the process died: it may have to be read again.
    assert!(
        same_page(next, held_back) || same_page(next, answered),
        "page {page}: went on with {next:?} instead of {held_back:?} or {answered:?}"
    );
    world.assert_mirror_equals_lever().await;
}

type Query = [(String, String)];

/// Whether two requests ask for the same page, whatever the clock said.
fn same_page(one: &Query, other: &Query) -> bool {
    let timeless = |query: &Query| -> Vec<_> {
        query
            .iter()
            .filter(|(name, _)| name != "updated_at_start")
            .cloned()
            .collect()
    };
    timeless(one) == timeless(other)
}

#[tokio::test]
async fn a_service_that_is_killed_over_and_over_still_gets_there() {
    let mut world = World::new(Setup::new(800).keeping(&[Stream::Notes])).await;
    for _life in 0..4 {
        world.kill_after_page(2).await;
    }
    world.restart_until_settled().await;
    world.assert_mirror_equals_lever().await;
    let asked = world.calls("listOpportunities").len();
    assert!(
        asked < 30,
        "each life began where the last had ended, so {asked} requests are too many"
    );
}

#[tokio::test]
async fn what_was_mirrored_before_a_kill_can_be_read_after_it() {
    let mut world = World::new(Setup::new(300).keeping(&[])).await;
    world.connect().await;
    world.until_synced().await;
    let before = world.mirrored().await;
    let mapping = world.suggested().await.suggested.expect("a mapping");
    let saved = world.save_mapping(mapping).await.expect("saved");
    world.kill().await;
    world.start().await;
    assert_eq!(world.mirrored().await, before);
    assert_eq!(world.mapping().await.stage_mapping, Some(saved));
}

/// The moments of the kills are drawn, not waited for: some fall into a commit, some into a call.
#[tokio::test]
async fn kills_at_any_moment_of_a_backfill_lose_nothing() {
    let mut world = World::new(Setup::new(1500).keeping(&[Stream::Notes])).await;
    let pace = FaultRule::on(
        "listOpportunities",
        Action::StallBefore(Duration::from_millis(20)),
    );
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![pace],
    });
    world.connect().await;
    for kill in 0..8_u64 {
        tokio::time::sleep(Duration::from_millis(40 + kill * 53 % 140)).await;
        world.kill().await;
        world.start().await;
    }
    world.until_synced().await;
    world.assert_mirror_equals_lever().await;
}
