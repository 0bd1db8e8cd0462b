//! Pages and assets travel packed, to browsers that understand it: a page that says much the same of many stages takes
//! an eighth of its bytes.
//!
//! What is packed may hold a proof for forms beside what somebody typed. No other site can measure that: the cookie of a
//! session is not sent along with what other sites ask for.

use std::io::Write as _;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

/// Smaller bodies would gain nothing.
const SMALLEST: usize = 1_024;

/// Whether whoever asks understands gzip.
pub(super) fn is_understood(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(|one| one.split_once(';').unwrap_or((one, "")))
        .any(|(name, weight)| {
            let refused = weight
                .trim()
                .strip_prefix("q=")
                .and_then(|q| q.parse().ok());
            name.trim().eq_ignore_ascii_case("gzip") && refused != Some(0.0_f32)
        })
}

/// A page or an asset, packed; anything else, such as events, as it is.
pub(super) async fn packed(response: Response) -> Response {
    if !is_text(response.headers()) || response.headers().contains_key(header::CONTENT_ENCODING) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // Made in memory by this program: there is nothing in the way of having all of it.
    let Ok(whole) = to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let vary = HeaderValue::from_static("accept-encoding");
    parts.headers.insert(header::VARY, vary);
    let packed = (whole.len() >= SMALLEST).then(|| gzip(&whole)).flatten();
    let Some(packed) = packed else {
        return Response::from_parts(parts, Body::from(whole));
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    let encoding = HeaderValue::from_static("gzip");
    parts.headers.insert(header::CONTENT_ENCODING, encoding);
    Response::from_parts(parts, Body::from(packed))
}

fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default();
    ["text/html", "text/css", "text/javascript", "image/svg+xml"]
        .iter()
        .any(|text| kind.starts_with(text))
}

/// None where memory itself could not be written to, which does not happen.
fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    fn answer(kind: &'static str, body: &str) -> Response {
        ([(header::CONTENT_TYPE, kind)], body.to_owned()).into_response()
    }

    #[test]
    fn only_who_understands_it_is_given_packed_pages() {
        let of = |line: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(line));
            is_understood(&headers)
        };
        assert!(of("gzip") && of("deflate, GZIP;q=0.5, br"));
        assert!(!of("br") && !of("gzip;q=0") && !of(""));
        assert!(!is_understood(&HeaderMap::new()));
    }

    #[tokio::test]
    async fn a_page_comes_out_as_it_went_in_and_smaller() {
        let page = "<option>Recruiter screen</option>".repeat(500);
        let packed = packed(answer("text/html; charset=utf-8", &page)).await;
        assert_eq!(packed.headers()[header::CONTENT_ENCODING], "gzip");
        let body = to_bytes(packed.into_body(), usize::MAX).await.unwrap();
        assert!(body.len() < page.len() / 8, "{} bytes", body.len());
        let mut text = String::new();
        GzDecoder::new(&body[..]).read_to_string(&mut text).unwrap();
        assert_eq!(text, page);
    }

    #[tokio::test]
    async fn events_and_small_pages_go_out_as_they_are() {
        for (kind, body) in [
            ("text/event-stream", "x".repeat(9_000)),
            ("text/html", "x".to_owned()),
        ] {
            let same = packed(answer(kind, &body)).await;
            assert!(
                !same.headers().contains_key(header::CONTENT_ENCODING),
                "{kind}"
            );
            let whole = to_bytes(same.into_body(), usize::MAX).await.unwrap();
            assert_eq!(whole, body.as_bytes());
        }
    }
}
