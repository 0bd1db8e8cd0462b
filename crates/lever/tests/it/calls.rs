//! What becomes of answers: kinds of errors, repeats, what is told of attempts.

use std::time::Duration;

use lever::{
    BudgetConfig, CreateNote, ErrorKind, GetOpportunity, Lane, Limits, ListStages, MoveToStage,
    Retry, Timestamp,
};
use serde_json::json;
use wiremock::matchers::{body_json, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{client, client_with, observed};

fn note() -> CreateNote {
    CreateNote {
        opportunity: "o1".into(),
        value: "hello".to_owned(),
        secret: false,
        score: None,
        notify_followers: false,
        created_at: None,
        perform_as: None,
    }
}

fn get() -> GetOpportunity {
    GetOpportunity {
        opportunity: "o1".into(),
        expand: Vec::new(),
    }
}

fn status(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status)
        .set_body_json(json!({"code": "X", "message": "no ada@example.com"}))
}

fn opportunity() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"data": {"id": "o1"}}))
}

/// A server that answers the first request with `first` and all others with `then`.
async fn server(first: ResponseTemplate, then: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(wiremock::matchers::any())
        .respond_with(first)
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(wiremock::matchers::any())
        .respond_with(then)
        .mount(&server)
        .await;
    server
}

async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

fn moved(status: u16, location: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).insert_header("location", location)
}

/// Behaviour 7: "301: moved, follow `Location`".
#[tokio::test]
async fn what_has_moved_on_the_same_server_is_read_where_it_is_now() {
    for status in [301, 302, 307, 308] {
        let server = server(moved(status, "/v1/elsewhere/o1?x=1"), opportunity()).await;
        let (client, attempts) = observed(&client(&server.uri()));
        assert_eq!(client.send(&get()).await.unwrap().value.id, "o1".into());
        let asked = server.received_requests().await.unwrap();
        assert_eq!(asked[1].url.path(), "/v1/elsewhere/o1");
        assert_eq!(asked[1].url.query(), Some("x=1"));
        assert_eq!(
            asked[1].headers["authorization"],
            asked[0].headers["authorization"]
        );
        // Each is a request of its own to the budget and the log.
        let statuses: Vec<_> = attempts
            .lock()
            .unwrap()
            .iter()
            .map(|one| one.status)
            .collect();
        assert_eq!(statuses, [Some(status), Some(200)]);
    }
}

#[tokio::test]
async fn a_write_keeps_its_method_where_it_is_sent_on() {
    let stage = MoveToStage {
        opportunity: "o1".into(),
        stage: "s".into(),
        perform_as: None,
    };
    let server = server(moved(308, "/v1/new"), opportunity()).await;
    client(&server.uri()).send(&stage).await.unwrap();
    let asked = server.received_requests().await.unwrap();
    assert_eq!(asked[1].method.as_str(), "PUT");
    assert_eq!(asked[1].body, asked[0].body);
}

#[tokio::test]
async fn nothing_is_sent_on_to_another_server_or_round_in_circles() {
    let stranger = MockServer::start().await;
    let elsewhere = format!("{}/v1/opportunities/o1", stranger.uri());
    let with_a_name = "http://ada:secret@127.0.0.1/v1/x";
    for (location, sent) in [
        (elsewhere.as_str(), 1),
        (with_a_name, 1),
        ("http://[", 1),
        ("/v1/opportunities/o1", 4),
    ] {
        let server = server(moved(301, location), moved(301, location)).await;
        let error = client(&server.uri()).send(&get()).await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Invalid { status: 301, .. }),
            "{location}: {error:?}"
        );
        assert_eq!(requests(&server).await, sent, "{location}");
    }
    assert_eq!(requests(&stranger).await, 0);
    // A client that followed would ask with GET for what was to be created.
    let server = server(moved(301, "/v1/new"), opportunity()).await;
    client(&server.uri()).send(&note()).await.unwrap_err();
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test]
async fn a_call_carries_key_path_query_and_body() {
    let server = MockServer::start().await;
    Mock::given(method("PUT"))
        .and(path("/v1/opportunities/o1/stage"))
        .and(query_param("perform_as", "u1"))
        .and(header("authorization", "Basic c2VjcmV0LWtleS0xMjM0Og=="))
        .and(header("content-type", "application/json"))
        .and(header(
            "user-agent",
            concat!("fulcrum/", env!("CARGO_PKG_VERSION")),
        ))
        .and(body_json(json!({"stage": "s1"})))
        .respond_with(opportunity().insert_header("date", "Sun, 06 Nov 1994 12:00:00 GMT"))
        .expect(1)
        .mount(&server)
        .await;
    let call = MoveToStage {
        opportunity: "o1".into(),
        stage: "s1".into(),
        perform_as: Some("u1".into()),
    };
    let answer = client(&server.uri()).answer(&call).await.unwrap();
    assert_eq!(answer.value.value.id.as_str(), "o1");
    assert_eq!(answer.attempts, 1);
    assert_eq!(answer.date, Some(Timestamp::from_millis(784_123_200_000)));
}

#[tokio::test]
async fn a_read_is_repeated_while_lever_is_unavailable() {
    let server = server(status(503), opportunity()).await;
    let (client, attempts) = observed(&client(&server.uri()).lane(Lane::Follow));
    assert_eq!(client.answer(&get()).await.unwrap().attempts, 2);
    let attempts = attempts.lock().unwrap();
    let told: Vec<_> = attempts
        .iter()
        .map(|a| (a.operation, a.path_template, a.lane, a.status, a.attempt))
        .collect();
    let one = (
        "getOpportunity",
        "/opportunities/{opportunity}",
        Lane::Follow,
    );
    assert_eq!(
        told,
        [
            (one.0, one.1, one.2, Some(503), 1),
            (one.0, one.1, one.2, Some(200), 2)
        ]
    );
}

#[tokio::test]
async fn a_harmless_write_is_repeated_after_a_failure() {
    let server = server(status(500), opportunity()).await;
    let call = MoveToStage {
        opportunity: "o1".into(),
        stage: "s1".into(),
        perform_as: None,
    };
    assert_eq!(
        client(&server.uri()).answer(&call).await.unwrap().attempts,
        2
    );
}

#[tokio::test]
async fn a_call_that_creates_is_not_repeated_when_lever_may_have_acted() {
    let server = server(status(500), status(500)).await;
    let error = client(&server.uri()).send(&note()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Unavailable { status: 500 });
    assert!(error.may_have_acted());
    assert_eq!(error.retry(), Retry::No);
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test]
async fn a_call_that_creates_is_repeated_after_429() {
    let created = ResponseTemplate::new(201).set_body_json(json!({"data": {"noteId": "n1"}}));
    let server = server(status(429).insert_header("retry-after", "0"), created).await;
    let answer = client(&server.uri()).answer(&note()).await.unwrap();
    assert_eq!((answer.value.id.as_str(), answer.attempts), ("n1", 2));
}

#[tokio::test]
async fn attempts_are_counted_out() {
    let server = server(status(502), status(503)).await;
    let error = client(&server.uri()).send(&get()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Unavailable { status: 503 });
    assert_eq!(requests(&server).await, 3);
}

#[tokio::test]
async fn a_pause_beyond_the_deadline_ends_the_call() {
    let server = server(
        status(429).insert_header("retry-after", "60"),
        opportunity(),
    )
    .await;
    let error = client(&server.uri()).send(&get()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(60)));
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test]
async fn a_call_that_a_long_pause_outlasts_fails_at_once_and_says_how_long() {
    let server = server(
        status(429).insert_header("retry-after", "3600"),
        opportunity(),
    )
    .await;
    let client = client(&server.uri());
    let first = client.send(&get()).await.unwrap_err();
    assert_eq!(first.pause(), Some(Duration::from_secs(3600)));
    let next = client.send(&get()).await.unwrap_err();
    assert_eq!(*next.kind(), ErrorKind::Unreachable);
    let rest = next.pause().expect("it says how long");
    assert!(rest > Duration::ZERO && rest <= Duration::from_secs(3600));
    assert_eq!(next.retry(), Retry::After(rest));
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test]
async fn a_call_that_waits_when_a_long_pause_begins_fails_at_once() {
    let server = server(
        status(429)
            .insert_header("retry-after", "7200")
            .set_delay(Duration::from_millis(100)),
        opportunity(),
    )
    .await;
    let client = client_with(
        &server.uri(),
        BudgetConfig {
            rate_per_second: 1.0,
            burst: 1,
            interactive_reserve: 0,
            ..BudgetConfig::default()
        },
    );
    let (call, other) = (get(), get());
    let (refused, waiting) = tokio::join!(client.send(&call), client.send(&other));
    // More than an hour is not believed.
    let hour = Duration::from_secs(3600);
    assert_eq!(refused.unwrap_err().pause(), Some(hour));
    let held_back = waiting.unwrap_err();
    assert!(held_back.was_held_back() && !held_back.may_have_acted());
    assert!(held_back.pause().is_some_and(|left| left <= hour));
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test]
async fn refusals_have_their_kinds_and_are_final() {
    let masked = "no [...]".to_owned();
    for (code, kind) in [
        (401, ErrorKind::Unauthorized),
        (
            403,
            ErrorKind::Forbidden {
                permission: "find an opportunity",
            },
        ),
        (404, ErrorKind::NotFound),
        (
            400,
            ErrorKind::Invalid {
                status: 400,
                message: masked.clone(),
            },
        ),
        (
            422,
            ErrorKind::Invalid {
                status: 422,
                message: masked,
            },
        ),
    ] {
        let server = server(status(code), opportunity()).await;
        let error = client(&server.uri()).send(&get()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.retry(), error.may_have_acted()),
            (&kind, Retry::No, false)
        );
        assert_eq!(requests(&server).await, 1, "{code}");
        assert!(!format!("{error} {error:?}").contains("ada@"), "{error:?}");
    }
}

#[tokio::test]
async fn a_refusal_is_lever_s_own_only_with_a_code_and_a_message() {
    let own = r#"{"code":"ForbiddenError","message":"no"}"#;
    for (body, stranger) in [
        (own, false),
        ("", true),
        ("<html>Forbidden</html>", true),
        (r#"{"message":"Forbidden"}"#, true),
        (r#"{"code":"ForbiddenError"}"#, true),
        (r#"["ForbiddenError","no"]"#, true),
    ] {
        for status in [401, 403] {
            let refusal = || ResponseTemplate::new(status).set_body_string(body);
            let server = server(refusal(), refusal()).await;
            let error = client(&server.uri()).send(&get()).await.unwrap_err();
            assert_eq!(error.is_from_a_stranger(), stranger, "{status} {body}");
        }
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = MockServer::start().await;
    let server = server(
        ResponseTemplate::new(301).insert_header("location", other.uri()),
        opportunity(),
    )
    .await;
    let error = client(&server.uri()).send(&get()).await.unwrap_err();
    assert!(matches!(
        error.kind(),
        ErrorKind::Invalid { status: 301, .. }
    ));
    assert_eq!(requests(&other).await, 0);
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_lost() {
    let slow = opportunity().set_delay(Duration::from_secs(60));
    let server = server(slow, opportunity()).await;
    let limits = Limits {
        attempt_timeout: Duration::from_millis(200),
        max_attempts: 2,
        deadline: Duration::from_secs(20),
    };
    let (client, attempts) = observed(&client(&server.uri()).with_limits(limits));
    assert_eq!(client.answer(&get()).await.unwrap().attempts, 2);
    assert_eq!(attempts.lock().unwrap()[0].status, None);
}

#[tokio::test]
async fn an_answer_that_is_not_lever_s_is_malformed_and_final() {
    let server = server(
        ResponseTemplate::new(200).set_body_string("<html>"),
        opportunity(),
    )
    .await;
    let error = client(&server.uri()).send(&get()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Malformed);
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test]
async fn an_id_that_leads_elsewhere_is_never_sent() {
    let server = server(opportunity(), opportunity()).await;
    for id in ["..", "deleted"] {
        let call = GetOpportunity {
            opportunity: id.into(),
            expand: Vec::new(),
        };
        let error = client(&server.uri()).send(&call).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidRequest, "{id}");
    }
    assert_eq!(requests(&server).await, 0);
}

#[tokio::test]
async fn a_call_without_its_turn_before_the_deadline_was_not_sent() {
    let server = server(
        status(429).insert_header("retry-after", "30"),
        opportunity(),
    )
    .await;
    let client = client(&server.uri());
    let once = client.with_limits(Limits {
        max_attempts: 1,
        ..Limits::default()
    });
    once.send(&ListStages::default()).await.unwrap_err();
    let short = client.with_limits(Limits {
        deadline: Duration::from_millis(50),
        ..Limits::default()
    });
    let error = short.send(&note()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.may_have_acted()),
        (&ErrorKind::Unreachable, false)
    );
    assert_eq!(requests(&server).await, 1);
}
