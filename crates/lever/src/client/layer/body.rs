//! Reads the body of an answer, but never more of it than is good for us.

use bytes::{Bytes, BytesMut};
use reqwest::Response;
use reqwest_middleware::Result;

use super::{Stopped, stopped};
use crate::surrogates;

/// The largest answer read: many times the largest page Lever sends.
const LARGEST_BODY: usize = 64 * 1024 * 1024;
/// Enough of an answer other than success to find its message.
const LARGEST_ERROR: usize = 64 * 1024;

/// The same answer with its body in memory.
pub(super) async fn read(mut response: Response) -> Result<Response> {
    let body = if response.status().is_success() {
        success(&mut response, LARGEST_BODY).await?
    } else {
        failure(&mut response).await
    };
    let mut whole = http::Response::new(body);
    *whole.status_mut() = response.status();
    *whole.headers_mut() = std::mem::take(response.headers_mut());
    Ok(Response::from(whole))
}

async fn success(response: &mut Response, largest: usize) -> Result<Bytes> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|_| stopped(Stopped::CutOff))?
    {
        if chunk.len() > largest - body.len() {
            return Err(stopped(Stopped::TooLarge(largest)));
        }
        body.extend_from_slice(&chunk);
    }
    surrogates::mend(&mut body);
    Ok(body.freeze())
}

/// What could be read of the body: the status already says what matters.
async fn failure(response: &mut Response) -> Bytes {
    let mut body = BytesMut::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = LARGEST_ERROR - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() == LARGEST_ERROR {
            break;
        }
    }
    body.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &'static [u8]) -> Response {
        let mut response = http::Response::new(Bytes::from_static(body));
        *response.status_mut() = status.try_into().unwrap();
        Response::from(response)
    }

    #[tokio::test]
    async fn an_answer_above_the_limit_is_refused() {
        assert_eq!(
            success(&mut response(200, b"12345678"), 8).await.unwrap(),
            "12345678"
        );
        let error = success(&mut response(200, b"123456789"), 8)
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), "the answer is larger than 8 bytes");
    }

    #[tokio::test]
    async fn a_long_error_is_cut_and_keeps_its_status() {
        let long: &'static [u8] = vec![b'x'; LARGEST_ERROR + 1].leak();
        let whole = read(response(500, long)).await.unwrap();
        assert_eq!(whole.status(), 500);
        assert_eq!(whole.bytes().await.unwrap().len(), LARGEST_ERROR);
    }
}
