//! Every filter of the opportunity list, and include and expand.

use serde_json::Value;

use crate::support::{NOW, World, ids, text};

fn contains(list: &Value, text: &str) -> bool {
    list.as_array().unwrap().iter().any(|item| item == text)
}

#[tokio::test]
async fn every_filter_shows_exactly_what_it_says() {
    let world = World::of(300).await;
    let sample = world.find(|it| {
        it["archived"].is_object()
            && it["applications"][0].is_string()
            && it["confidentiality"] == "non-confidential"
            && it["emails"][0].is_string()
            && it["tags"][0].is_string()
            && it["sources"][0].is_string()
    });
    let id = text(&sample["id"]);
    let application = &world
        .get(&format!("/opportunities/{id}/applications"), &[])
        .await
        .body["data"][0];
    let posting = text(&application["posting"]);
    let expanded = world
        .get(
            "/opportunities",
            &[("limit", "100"), ("expand", "applications")],
        )
        .await;
    assert_eq!(expanded.status, 200);
    let at = |attribute: &str| sample[attribute].as_i64().unwrap();
    let ended = sample["archived"]["archivedAt"].as_i64().unwrap();
    let (tag, source) = (text(&sample["tags"][0]), text(&sample["sources"][0]));
    let email = text(&sample["emails"][0]).to_uppercase();
    let reason = text(&sample["archived"]["reason"]);
    let (created, advanced) = (
        at("createdAt").to_string(),
        at("lastAdvancedAt").to_string(),
    );
    let place = text(&sample["opportunityLocation"]);
    let (stage, contact) = (text(&sample["stage"]), text(&sample["contact"]));

    type Holds<'a> = Box<dyn Fn(&Value) -> bool + 'a>;
    let cases: Vec<(Vec<(&str, String)>, Holds<'_>)> = vec![
        (
            vec![("tag", tag.clone())],
            Box::new(|it| contains(&it["tags"], &tag)),
        ),
        (
            vec![("source", source.clone())],
            Box::new(|it| contains(&it["sources"], &source)),
        ),
        (
            vec![("email", email)],
            Box::new(|it| it["emails"] == sample["emails"]),
        ),
        (
            vec![("origin", "referred".into()), ("origin", "agency".into())],
            Box::new(|it| it["origin"] == "referred" || it["origin"] == "agency"),
        ),
        (
            vec![("stage_id", stage.clone())],
            Box::new(|it| it["stage"] == *stage),
        ),
        (
            vec![("contact_id", contact.clone())],
            Box::new(|it| it["contact"] == *contact),
        ),
        (
            vec![("location", place.clone())],
            Box::new(|it| it.get("opportunityLocation") == Some(&Value::from(&*place))),
        ),
        (
            vec![("archived", "true".into())],
            Box::new(|it| it["archived"].is_object()),
        ),
        (
            vec![("archived", "false".into())],
            Box::new(|it| it["archived"].is_null()),
        ),
        (
            vec![("archive_reason_id", reason.clone())],
            Box::new(|it| it["archived"]["reason"] == *reason),
        ),
        (
            vec![("snoozed", "true".into())],
            Box::new(|it| it["snoozedUntil"].as_i64().is_some_and(|until| until > NOW)),
        ),
        (
            vec![("snoozed", "false".into())],
            Box::new(|it| it["snoozedUntil"].is_null()),
        ),
        (
            vec![
                ("created_at_start", created.clone()),
                ("created_at_end", created),
            ],
            Box::new(|it| it["createdAt"] == sample["createdAt"]),
        ),
        (
            vec![("advanced_at_start", advanced)],
            Box::new(|it| it["lastAdvancedAt"].as_i64() >= sample["lastAdvancedAt"].as_i64()),
        ),
        (
            vec![("archived_at_end", ended.to_string())],
            Box::new(|it| {
                it["archived"]["archivedAt"]
                    .as_i64()
                    .is_some_and(|at| at <= ended)
            }),
        ),
        (
            vec![("updated_at_start", "0".into())],
            Box::new(|it| it["updatedAt"].is_number()),
        ),
    ];
    let all: Vec<Value> = world
        .sim
        .opportunities()
        .into_iter()
        .filter(|it| it["confidentiality"] == "non-confidential")
        .collect();
    for (query, holds) in &cases {
        let query: Vec<(&str, &str)> = query
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
            .collect();
        let expected = ids(all.iter().filter(|it| holds(it)));
        assert!(
            !expected.is_empty() && expected.len() < all.len(),
            "{query:?} is no test"
        );
        assert_eq!(
            world.walk("/opportunities", &query).await,
            expected,
            "{query:?}"
        );
    }
    for filter in ["posting_id", "archived_posting_id"] {
        let found = world.walk("/opportunities", &[(filter, &posting)]).await;
        assert!(found.contains(&id) && found.len() < all.len());
    }
}

#[tokio::test]
async fn values_that_do_not_fit_are_refused() {
    let world = World::of(5).await;
    for (name, value) in [
        ("limit", "0"),
        ("limit", "101"),
        ("archived", "yes"),
        ("snoozed", "1"),
        ("created_at_start", "2026-01-01"),
        ("origin", "friend"),
        ("confidentiality", "secret"),
        ("include_deleted", "true"),
        ("archvied", "true"),
    ] {
        let refused = world.get("/opportunities", &[(name, value)]).await;
        assert_eq!(
            (refused.status, &refused.body["code"]),
            (400, &"BadRequestError".into()),
            "{name}={value}"
        );
    }
    let refused = world.get("/opportunities", &[("expand", "posting")]).await;
    assert_eq!(refused.body["message"], "posting is not expandable");
    assert_eq!(
        world
            .get("/archive_reasons", &[("type", "fired")])
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn expand_puts_objects_in_place_of_ids() {
    let world = World::of(60).await;
    let plain = world.find(|it| {
        it["origin"] == "sourced"
            && it["applications"][0].is_string()
            && it["owner"].is_string()
            && it["confidentiality"] == "non-confidential"
    });
    let id = text(&plain["id"]);
    let all = [
        "applications",
        "stage",
        "owner",
        "followers",
        "sourcedBy",
        "contact",
    ];
    let query: Vec<(&str, &str)> = all.iter().map(|name| ("expand", *name)).collect();
    let shown = world
        .get(&format!("/opportunities/{id}"), &query)
        .await
        .body["data"]
        .clone();
    for (object, id) in [
        (&shown["applications"][0], &plain["applications"][0]),
        (&shown["stage"], &plain["stage"]),
        (&shown["owner"], &plain["owner"]),
        (&shown["followers"][0], &plain["followers"][0]),
        (&shown["sourcedBy"], &plain["sourcedBy"]),
        (&shown["contact"], &plain["contact"]),
    ] {
        assert_eq!(&object["id"], id);
    }
    assert_eq!(shown["applications"][0]["opportunityId"], plain["id"]);
}

#[tokio::test]
async fn include_limits_the_attributes_and_expanded_ones_still_appear() {
    let world = World::of(10).await;
    let query = [
        ("include", "tags"),
        ("include", "followers"),
        ("expand", "stage"),
        ("limit", "1"),
    ];
    let page = world.get("/opportunities", &query).await;
    let keys: Vec<&String> = page.body["data"][0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "stage", "tags", "followers"]);
}

#[tokio::test]
async fn published_postings_are_those_on_the_public_site_unless_channels_are_named() {
    let world = World::of(0).await;
    let count = async |query: &[(&str, &str)]| world.walk("/postings", query).await.len();
    assert_eq!(count(&[]).await, 17);
    assert_eq!(count(&[("confidentiality", "all")]).await, 18);
    assert_eq!(count(&[("state", "published")]).await, 8);
    assert_eq!(
        count(&[("state", "published"), ("distributionChannel", "internal")]).await,
        1
    );
    let both = [
        ("state", "published"),
        ("distributionChannel", "public"),
        ("distributionChannel", "internal"),
    ];
    assert_eq!(count(&both).await, 9);
    assert_eq!(count(&[("state", "closed"), ("state", "draft")]).await, 3);
    assert_eq!(count(&[("team", "engineering")]).await, 0);
    assert_eq!(count(&[("team", "Engineering")]).await, 3);
    assert_eq!(count(&[("updated_at_end", "5")]).await, 0);
}
