//! Faults below HTTP: nobody listens, the answer is cut off, the connection is reset.

use std::time::Duration;

use lever::{AddTags, CreateNote, ErrorKind, GetOpportunity, Limits, Obstacle, Retry};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::client;

const WHOLE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 23\r\nconnection: close\r\n\r\n{\"data\": {\"id\": \"o1\"} }";
const CUT_OFF: &str =
    "HTTP/1.1 200 OK\r\ncontent-length: 500\r\nconnection: close\r\n\r\n{\"data\": {\"id\"";
const SHORT: &str =
    "HTTP/1.1 200 OK\r\ncontent-length: 14\r\nconnection: close\r\n\r\n{\"data\": {\"id\"";

/// A server that gives each connection one of `answers` and closes it; its address.
async fn serve(answers: &'static [&'static str]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    format!("http://{address}")
}

fn get() -> GetOpportunity {
    GetOpportunity {
        opportunity: "o1".into(),
        expand: Vec::new(),
    }
}

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

#[tokio::test]
async fn a_body_that_breaks_off_is_asked_for_again() {
    for fault in [CUT_OFF, SHORT, ""] {
        let answers: &'static [&'static str] = vec![fault, WHOLE].leak();
        let answer = client(&serve(answers).await).answer(&get()).await.unwrap();
        assert_eq!(answer.attempts, 2, "{fault}");
    }
}

#[tokio::test]
async fn a_call_that_creates_is_lost_when_its_answer_breaks_off() {
    for fault in [CUT_OFF, SHORT, ""] {
        let answers: &'static [&'static str] = vec![fault, WHOLE].leak();
        let error = client(&serve(answers).await)
            .send(&note())
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.retry()),
            (&ErrorKind::Lost, Retry::No),
            "{fault}"
        );
        assert!(error.may_have_acted());
    }
}

#[tokio::test]
async fn a_body_that_never_ends_is_lost() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.write_all(CUT_OFF.as_bytes()).await;
        std::future::pending::<()>().await;
    });
    let limits = Limits {
        attempt_timeout: Duration::from_millis(200),
        max_attempts: 1,
        ..Limits::default()
    };
    let error = client(&address)
        .with_limits(limits)
        .send(&get())
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Lost);
    server.abort();
}

#[tokio::test]
async fn where_nobody_listens_nothing_was_done() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = client(&address).send(&note()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.retry()),
        (&ErrorKind::Unreachable, Retry::Backoff)
    );
    assert!(!error.may_have_acted());
    assert!(!format!("{error:?}").contains("o1"), "{error:?}");
}

#[tokio::test]
async fn what_stands_in_the_way_of_a_connection_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    let plain = serve(&["HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"]).await;
    for (address, obstacle) in [
        (format!("http://{closed}"), Obstacle::Refused),
        ("http://lever.invalid".to_owned(), Obstacle::UnknownName),
        (plain.replace("http:", "https:"), Obstacle::NoTls),
    ] {
        let once = Limits {
            max_attempts: 1,
            ..Limits::default()
        };
        let error = client(&address).with_limits(once).send(&get()).await;
        let error = error.unwrap_err();
        let unreached = error.unreached().expect("no connection");
        assert_eq!(
            (unreached.at(), unreached.obstacle()),
            (address.as_str(), obstacle)
        );
    }
}

#[tokio::test]
async fn an_earlier_attempt_that_may_have_acted_is_remembered() {
    const REFUSED: &str =
        "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let tags = AddTags {
        opportunity: "o1".into(),
        tags: vec!["a".to_owned()],
        perform_as: None,
    };
    let error = client(&serve(&[CUT_OFF, REFUSED]).await)
        .send(&tags)
        .await
        .unwrap_err();
    assert!(matches!(
        error.kind(),
        ErrorKind::Invalid { status: 400, .. }
    ));
    assert!(error.may_have_acted());
}
