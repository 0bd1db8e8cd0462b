//! Calls made of text, and calls under the old name.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use lever::{
    AddTags, DownloadFile, ErrorKind, Legacy, ListNotes, Method, RawCall, Repeat, registry,
};
use serde_json::{Value, json};
use wiremock::matchers::{body_json, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::client;

fn raw(
    id: &str,
    parameters: &[(&str, &str)],
    query: &[(&str, &str)],
    body: Option<Value>,
) -> RawCall {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    RawCall::new(
        registry::find(id).unwrap(),
        &parameters.iter().map(owned).collect(),
        query.iter().map(owned).collect(),
        body,
    )
    .unwrap()
}

#[tokio::test]
async fn any_operation_is_called_by_its_name() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/opportunities/o1/notes"))
        .and(query_param("note_id", "n1"))
        .and(body_json(json!({"value": "hello"})))
        .respond_with(ResponseTemplate::new(201).set_body_json(json!({"data": {"noteId": "n1"}})))
        .mount(&server)
        .await;
    let call = raw(
        "createOpportunityNote",
        &[("opportunity", "o1")],
        &[("note_id", "n1")],
        Some(json!({"value": "hello"})),
    );
    let answer = client(&server.uri()).call(&call).await.unwrap();
    assert_eq!(answer.status, 201);
    assert_eq!(answer.value.record().unwrap().get(), r#"{"noteId":"n1"}"#);
}

#[tokio::test]
async fn an_empty_answer_is_one_where_nothing_is_answered() {
    let server = MockServer::start().await;
    Mock::given(method("DELETE"))
        .respond_with(ResponseTemplate::new(204))
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200))
        .expect(3)
        .mount(&server)
        .await;
    let client = client(&server.uri());
    let gone = raw("deleteWebhook", &[("webhookId", "w1")], &[], None);
    assert!(client.call(&gone).await.unwrap().value.body.is_empty());
    let error = client
        .call(&raw("listUsers", &[], &[], None))
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Lost);
}

#[tokio::test]
async fn a_raw_call_that_creates_is_made_once() {
    let server = MockServer::start().await;
    Mock::given(wiremock::matchers::any())
        .respond_with(ResponseTemplate::new(503))
        .expect(1)
        .mount(&server)
        .await;
    let call = raw("createWebhook", &[], &[], Some(json!({"url": "x"})));
    let error = client(&server.uri()).call(&call).await.unwrap_err();
    assert!(error.may_have_acted());
}

#[test]
fn whatever_is_given_is_sent_or_refused_with_the_field_named() {
    let given: BTreeMap<String, String> = [("opportunity".to_owned(), "a/../b".to_owned())].into();
    for operation in registry::OPERATIONS {
        let query = vec![("perform_as".to_owned(), "u1".to_owned())];
        let body = Some(json!({}));
        if let Err(error) = RawCall::new(operation, &given, query, body) {
            let known = ["operation_id", "body", "query.perform_as"];
            assert!(
                known.contains(&error.field.as_str())
                    || error.field.starts_with("path_parameters."),
                "{}: {error}",
                operation.id
            );
            assert!(!error.to_string().contains("u1"), "{error}");
        }
    }
}

/// F-11.
#[tokio::test]
async fn a_call_under_the_old_name_has_the_old_path_and_operation() {
    let server = MockServer::start().await;
    Mock::given(path("/v1/candidates/o1/addTags"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"data": {"id": "o1"}})))
        .mount(&server)
        .await;
    let notes = || Mock::given(path("/v1/candidates/o1/notes"));
    let first = json!({"data": [{"id": "n1"}], "next": "t", "hasNext": true});
    notes()
        .and(query_param_is_missing("offset"))
        .respond_with(ResponseTemplate::new(200).set_body_json(first))
        .mount(&server)
        .await;
    notes()
        .and(query_param("offset", "t"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"data": [{"id": "n2"}]})))
        .mount(&server)
        .await;
    Mock::given(path("/v1/candidates/o1/files/f1/download"))
        .respond_with(ResponseTemplate::new(403))
        .mount(&server)
        .await;

    let client = client(&server.uri());
    let tags = AddTags {
        opportunity: "o1".into(),
        tags: vec!["a".to_owned()],
        perform_as: None,
    };
    client.send(&Legacy(tags)).await.unwrap();
    let list = Legacy(ListNotes {
        opportunity: "o1".into(),
        limit: None,
        offset: None,
    });
    let pages: Vec<_> = client.pages(&list).try_collect().await.unwrap();
    assert_eq!(pages.len(), 2);
    let file = Legacy(DownloadFile {
        opportunity: "o1".into(),
        file: "f1".into(),
    });
    let error = client.download(&file).await.unwrap_err();
    assert_eq!(error.operation(), "downloadCandidateFile");
    let permission = "download a candidate file";
    assert_eq!(*error.kind(), ErrorKind::Forbidden { permission });
}

#[test]
fn a_twin_differs_in_name_path_and_permission_alone() {
    let twins = registry::OPERATIONS
        .iter()
        .filter(|operation| operation.endpoint.starts_with("Legacy<"));
    let mut count = 0;
    for twin in twins {
        let name = twin
            .endpoint
            .trim_start_matches("Legacy<")
            .trim_end_matches('>');
        let of = registry::OPERATIONS
            .iter()
            .find(|o| o.endpoint == name)
            .unwrap();
        let path = of
            .path
            .replace("/opportunities", "/candidates")
            .replace("{opportunity}", "{candidate}");
        assert_eq!(twin.path, path);
        assert_eq!(
            (twin.repeat, twin.method),
            (of.repeat, of.method),
            "{}",
            twin.id
        );
        count += 1;
    }
    assert_eq!(count, 48);
    let postings = registry::ADD_CANDIDATE_POSTINGS;
    assert_eq!(
        (postings.repeat, postings.method),
        (Repeat::Creates, Method::Post)
    );
}
