//! Lists, their order and their tokens.

use std::time::Duration;

use lever_sim::Config;
use tokio::time::Instant;

use crate::support::{World, config, ids, text};

#[tokio::test]
async fn a_walk_over_all_pages_shows_every_opportunity_once_and_in_order() {
    let world = World::of(230).await;
    let walked = world
        .walk(
            "/opportunities",
            &[("limit", "37"), ("confidentiality", "all")],
        )
        .await;
    assert_eq!(walked, ids(&world.sim.opportunities()));
}

#[tokio::test]
async fn opportunities_are_ordered_by_stage_then_last_advance_then_id() {
    let world = World::of(230).await;
    let stages = ids(&world.sim.stages());
    let key = |it: &serde_json::Value| {
        let rank = stages
            .iter()
            .position(|stage| it["stage"] == **stage)
            .unwrap();
        (
            rank,
            -it["lastAdvancedAt"].as_i64().unwrap(),
            text(&it["id"]),
        )
    };
    let keys: Vec<_> = world.sim.opportunities().iter().map(key).collect();
    assert!(keys.is_sorted());
}

#[tokio::test]
async fn a_token_names_the_first_record_of_the_next_page() {
    let world = World::of(50).await;
    let first = world
        .get(
            "/opportunities",
            &[("limit", "10"), ("confidentiality", "all")],
        )
        .await;
    let next = &world.sim.opportunities()[10];
    let stages = world.get("/disposition_stages", &[]).await;
    let ranks = stages.body["data"]["stages"].as_array().unwrap().clone();
    let rank = &ranks
        .iter()
        .find(|stage| stage["id"] == next["stage"])
        .unwrap()["rank"];
    let expected = format!(
        "%5B{rank}%2C{}%2C%22{}%22%5D",
        next["lastAdvancedAt"],
        text(&next["id"])
    );
    assert_eq!(text(&first.body["next"]), expected);
}

#[tokio::test]
async fn a_record_that_moves_during_a_walk_can_be_missed() {
    let world = World::of(60).await;
    let query = [("limit", "10"), ("confidentiality", "all")];
    let first = world.get("/opportunities", &query).await;
    let late = text(&world.sim.opportunities()[40]["id"]);
    world.sim.move_stage(&late, "lead-new").unwrap();
    let mut seen = ids(first.body["data"].as_array().unwrap());
    let next = text(&first.body["next"]);
    let rest = world
        .get(
            "/opportunities",
            &[("offset", &next), ("confidentiality", "all")],
        )
        .await;
    seen.extend(ids(rest.body["data"].as_array().unwrap()));
    assert_eq!(seen.len(), 59);
    assert!(!seen.contains(&late));
}

#[tokio::test]
async fn a_token_that_expired_or_was_never_issued_is_refused() {
    let world = World::with(Config {
        offset_ttl: Duration::ZERO,
        ..config(30)
    })
    .await;
    let first = world.get("/opportunities", &[("limit", "5")]).await;
    for token in [
        text(&first.body["next"]),
        "%5B1%2C2%2C%22x%22%5D".to_owned(),
        "[]".to_owned(),
    ] {
        let refused = world.get("/opportunities", &[("offset", &token)]).await;
        assert_eq!(
            (refused.status, text(&refused.body["message"])),
            (400, "Invalid offset token".into())
        );
    }
}

#[tokio::test]
async fn users_come_newest_first_and_only_active_ones_unless_asked() {
    let world = World::of(0).await;
    let active = world.walk("/users", &[("limit", "7")]).await;
    assert_eq!(active, world.sim.active_users());
    let all = world
        .walk("/users", &[("includeDeactivated", "true"), ("limit", "4")])
        .await;
    assert_eq!((all.len(), active.len()), (25, 22));
    let page = world.get("/users", &[("includeDeactivated", "true")]).await;
    let made: Vec<i64> = page.body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| -user["createdAt"].as_i64().unwrap())
        .collect();
    assert!(made.is_sorted());
}

#[tokio::test]
async fn tags_and_sources_are_alphabetical_and_counted() {
    let world = World::of(150).await;
    for (path, attribute) in [("/tags", "tags"), ("/sources", "sources")] {
        let page = world.get(path, &[]).await;
        let listed = page.body["data"].as_array().unwrap();
        let names: Vec<String> = listed
            .iter()
            .map(|it| text(&it["text"]).to_lowercase())
            .collect();
        assert!(names.is_sorted() && names.len() > 5);
        let all = world.sim.opportunities();
        for label in listed {
            let carrying = |it: &&serde_json::Value| {
                it[attribute].as_array().unwrap().contains(&label["text"])
            };
            assert_eq!(label["count"], all.iter().filter(carrying).count());
        }
    }
}

#[tokio::test]
async fn a_page_of_a_hundred_thousand_costs_far_less_than_looking_at_them_all() {
    let began = Instant::now();
    let world = World::of(100_000).await;
    let making = began.elapsed();
    let began = Instant::now();
    let mut offset = None::<String>;
    for _ in 0..20 {
        let mut query = vec![("limit", "100")];
        query.extend(offset.as_deref().map(|offset| ("offset", offset)));
        let page = world.get("/opportunities", &query).await;
        offset = Some(text(&page.body["next"]));
    }
    let paging = began.elapsed();
    assert!(
        paging < making,
        "20 pages took {paging:?}, the account {making:?}"
    );
}
