//! How an answer becomes an HTTP response, whole or torn.

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, DATE, SERVER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use futures::stream::{self, StreamExt};

use crate::answer::Answer;
use crate::date::http_date;

/// Writes an answer with Lever's headers (recorded), or the first half of one.
pub(crate) fn respond(answer: &Answer, now: i64, truncated: bool) -> Response {
    let bytes = match (&answer.file, &answer.body) {
        (Some(file), _) => file.bytes.clone(),
        (None, Some(body)) => Bytes::from(body.to_string()),
        (None, None) => Bytes::new(),
    };
    let length = bytes.len();
    let body = if truncated {
        half(bytes)
    } else {
        Body::from(bytes)
    };
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    describe(headers, answer);
    if truncated {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length.max(1)));
    }
    headers.insert(SERVER, HeaderValue::from_static("lever-data-api"));
    headers.insert("x-lever-region", HeaderValue::from_static("global"));
    headers.insert("x-stream-path", HeaderValue::from_static("dapi"));
    if let Ok(date) = HeaderValue::from_str(&http_date(now)) {
        headers.insert(DATE, date);
    }
    response
}

/// What the body is: JSON, or a file with its name.
fn describe(headers: &mut HeaderMap, answer: &Answer) {
    if let Some(file) = &answer.file {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(file.content_type));
        if let Ok(disposition) = HeaderValue::from_str(&file.disposition()) {
            headers.insert(CONTENT_DISPOSITION, disposition);
        }
    } else if answer.body.is_some() {
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        );
    }
}

/// A body that ends in an error after its first half has been sent.
fn half(whole: Bytes) -> Body {
    let sent = whole.slice(..whole.len() / 2);
    let broken = stream::once(async {
        // Yielding lets the first half reach the client before the connection ends.
        tokio::task::yield_now().await;
        Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe))
    });
    Body::from_stream(stream::once(async { Ok(sent) }).chain(broken))
}
