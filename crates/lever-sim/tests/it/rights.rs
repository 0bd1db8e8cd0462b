//! Keys, permissions, confidential records, the rate limit.

use lever_sim::{Config, Key, RateLimit};
use reqwest::Method;
use serde_json::json;

use crate::support::{Reply, World, config, read, text};

async fn get_as(world: &World, key: &str, path: &str) -> Reply {
    let url = format!("{}{path}", world.sim.base_url());
    read(
        world
            .http
            .get(url)
            .basic_auth(key, Some(""))
            .send()
            .await
            .unwrap(),
    )
    .await
}

#[tokio::test]
async fn only_a_known_key_with_an_empty_password_is_accepted() {
    let world = World::of(1).await;
    let url = format!("{}/stages", world.sim.base_url());
    let key = lever_sim::DEFAULT_KEY;
    for request in [
        world.http.get(&url),
        world.http.get(&url).basic_auth("wrong", Some("")),
        world.http.get(&url).basic_auth(key, Some("x")),
        world.http.get(&url).bearer_auth(key),
    ] {
        let refused = read(request.send().await.unwrap()).await;
        let body =
            json!({"code": "UnauthorizedError", "message": "The request requires authentication."});
        assert_eq!((refused.status, refused.body), (401, body));
    }
    assert_eq!(get_as(&world, key, "/stages").await.status, 200);
}

#[tokio::test]
async fn a_key_can_do_what_its_permissions_name_and_no_more() {
    let keys = vec![Key::only("limited", ["find all stages"])];
    let world = World::with(Config { keys, ..config(5) }).await;
    assert_eq!(get_as(&world, "limited", "/stages").await.status, 200);
    let refused = get_as(&world, "limited", "/tags").await;
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (403, &json!("ForbiddenError"))
    );
    assert_eq!(get_as(&world, "limited", "/stages/offer").await.status, 403);
}

#[tokio::test]
async fn confidential_records_are_hidden_or_refused_without_access() {
    let plain = Key {
        confidential: false,
        ..Key::all("plain")
    };
    let keys = vec![Key::all(lever_sim::DEFAULT_KEY), plain];
    let world = World::with(Config {
        keys,
        ..config(300)
    })
    .await;
    let hidden = world.find(|it| it["confidentiality"] == "confidential");
    let id = text(&hidden["id"]);
    for path in ["", "/notes", "/applications"] {
        assert_eq!(
            get_as(&world, "plain", &format!("/opportunities/{id}{path}"))
                .await
                .status,
            403
        );
        assert_eq!(
            world
                .get(&format!("/opportunities/{id}{path}"), &[])
                .await
                .status,
            200
        );
    }
    for asked in ["all", "confidential"] {
        for list in ["opportunities", "postings"] {
            let path = format!("/{list}?confidentiality={asked}");
            assert_eq!(get_as(&world, "plain", &path).await.status, 403);
        }
    }
    assert_eq!(get_as(&world, "plain", "/opportunities").await.status, 200);
    let shown = world.walk("/opportunities", &[]).await;
    let only = world
        .walk("/opportunities", &[("confidentiality", "confidential")])
        .await;
    assert!(!shown.contains(&id) && only.contains(&id));
    assert_eq!(shown.len() + only.len(), 300);
}

#[tokio::test]
async fn beyond_the_burst_a_key_gets_429() {
    let rate_limit = Some(RateLimit {
        burst: 3,
        per_second: 0,
    });
    let keys = vec![Key::all(lever_sim::DEFAULT_KEY), Key::all("other")];
    let world = World::with(Config {
        rate_limit,
        keys,
        ..config(1)
    })
    .await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(world.get("/stages/offer", &[]).await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 429]);
    assert_eq!(get_as(&world, "other", "/stages/offer").await.status, 200);
}

#[tokio::test]
async fn unknown_routes_and_methods_have_their_own_errors() {
    let world = World::of(1).await;
    let unknown = world.get("/openapi.json", &[]).await;
    let body = json!({"code": "ResourceNotFound", "message": "/v1/openapi.json does not exist"});
    assert_eq!((unknown.status, unknown.body), (404, body));
    let method = read(world.request(Method::DELETE, "/tags").send().await.unwrap()).await;
    assert_eq!(
        (method.status, &method.body["code"]),
        (405, &json!("MethodNotAllowedError"))
    );
    let broken = world
        .request(Method::POST, "/opportunities")
        .body("{")
        .send()
        .await
        .unwrap();
    assert_eq!(broken.status().as_u16(), 400);
}

#[tokio::test]
async fn answers_carry_the_recorded_headers_and_the_simulated_date() {
    let world = World::of(1).await;
    let response = world.request(Method::GET, "/stages").send().await.unwrap();
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/json; charset=utf-8");
    assert_eq!(header("server"), "lever-data-api");
    assert_eq!(header("x-lever-region"), "global");
    assert_eq!(header("x-stream-path"), "dapi");
    assert_eq!(header("date"), "Thu, 02 Jul 2026 07:06:40 GMT");
}
