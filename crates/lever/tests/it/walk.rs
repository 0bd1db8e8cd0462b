//! Walking a list page by page.

use futures::TryStreamExt;
use lever::{ErrorKind, ListOpportunities, ListStages};
use serde_json::{Value, json};
use wiremock::matchers::{method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{client, document};

/// The addresses asked for, as they went over the wire.
async fn asked(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    requests
        .iter()
        .map(|request| request.url.query().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test]
async fn the_recorded_walk_replays() {
    let Some(recorded) = document("fixtures/opportunities.pages.json") else {
        return;
    };
    let recorded: Vec<Value> = serde_json::from_str(&recorded).unwrap();
    let server = MockServer::start().await;
    for page in &recorded {
        let mock = Mock::given(method("GET"))
            .and(path("/v1/opportunities"))
            .and(query_param("limit", "5"));
        let mock = match page["request"]["offset"].as_str() {
            Some(offset) => mock.and(query_param("offset", offset)),
            None => mock.and(query_param_is_missing("offset")),
        };
        mock.respond_with(ResponseTemplate::new(200).set_body_json(&page["response"]))
            .expect(1)
            .mount(&server)
            .await;
    }

    let list = ListOpportunities {
        limit: Some(5),
        ..ListOpportunities::default()
    };
    let pages: Vec<_> = client(&server.uri())
        .pages(&list)
        .try_collect()
        .await
        .unwrap();

    let read: Vec<_> = pages
        .iter()
        .flat_map(|page| &page.value.records)
        .map(|r| r.as_ref().unwrap().value.id.to_string())
        .collect();
    let expected: Vec<_> = recorded
        .iter()
        .flat_map(|page| page["response"]["data"].as_array().unwrap())
        .map(|o| o["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(read, expected);
    let asked = asked(&server).await;
    assert_eq!(asked.len(), recorded.len());
    for (asked, page) in asked.iter().zip(&recorded).skip(1) {
        let token = page["request"]["offset"].as_str().unwrap();
        assert_eq!(
            *asked,
            format!("limit=5&offset={}", token.replace('%', "%25"))
        );
    }
}

#[tokio::test]
async fn a_walk_ends_with_its_first_error() {
    let server = MockServer::start().await;
    let first = json!({"data": [{"id": "a"}], "next": "t", "hasNext": true});
    let stages = || Mock::given(method("GET")).and(path("/v1/stages"));
    stages()
        .and(query_param_is_missing("offset"))
        .respond_with(ResponseTemplate::new(200).set_body_json(first))
        .mount(&server)
        .await;
    let expired = json!({"code": "BadRequestError", "message": "Invalid offset token"});
    stages()
        .and(query_param("offset", "t"))
        .respond_with(ResponseTemplate::new(400).set_body_json(expired))
        .mount(&server)
        .await;

    let mut pages = Box::pin(client(&server.uri()).pages(&ListStages::default()));
    assert_eq!(
        pages.try_next().await.unwrap().unwrap().value.records.len(),
        1
    );
    assert!(pages.try_next().await.unwrap_err().is_invalid_offset());
    assert!(pages.try_next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_page_that_names_itself_as_the_next_one_ends_the_walk() {
    let server = MockServer::start().await;
    let page = json!({"data": [{"id": "a"}], "next": "t", "hasNext": true});
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page))
        .mount(&server)
        .await;

    let walk = client(&server.uri())
        .pages(&ListStages::default())
        .try_collect::<Vec<_>>()
        .await;
    assert_eq!(*walk.unwrap_err().kind(), ErrorKind::Malformed);
    assert_eq!(asked(&server).await.len(), 2);
}
