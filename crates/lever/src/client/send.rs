//! Makes one call: attempts, and the pauses between them.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use serde::Deserialize;
use tokio::time::Instant;
use url::Url;

use super::attempt::{Context, Stopped};
use super::{Client, date, retry};
use crate::decode::DecodeError;
use crate::endpoint::{Endpoint, RawCall, RawReply, Reply, Request};
use crate::error::{Error, ErrorKind};
use crate::registry::{Method, Operation};
use crate::time::Timestamp;

/// No call waits longer, whatever the limits say.
const LONGEST_CALL: Duration = Duration::from_secs(24 * 3600);

/// What Lever answered, and when.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// The answer itself.
    pub value: T,
    /// Lever's clock when it answered (header `Date`), in whole seconds.
    pub date: Option<Timestamp>,
    /// The HTTP status, always a success: 200 for most calls, 201 for creations.
    pub status: u16,
    /// How many attempts it took.
    pub attempts: u32,
}

impl Client {
    /// Makes a call and returns what Lever answered.
    ///
    /// # Errors
    /// See [`Client::answer`].
    pub async fn send<E: Endpoint>(&self, endpoint: &E) -> Result<E::Reply, Error> {
        Ok(self.answer(endpoint).await?.value)
    }

    /// Makes a call, again if need be, and returns what Lever answered together with when.
    ///
    /// A call that creates is sent again only when Lever surely did not act.
    ///
    /// # Errors
    /// The error of the last attempt, when the call is not worth repeating or its time or attempts are used up.
    pub async fn answer<E: Endpoint>(&self, endpoint: &E) -> Result<Answer<E::Reply>, Error> {
        let call = Call::new(self, E::OPERATION, &endpoint.request())?;
        self.repeated(&call, |body| E::Reply::from_json(&body))
            .await
    }

    /// Makes a call that is made of text; the answer is not looked into.
    ///
    /// # Errors
    /// Those of [`Client::answer`].
    pub async fn call(&self, call: &RawCall) -> Result<Answer<RawReply>, Error> {
        let operation = call.operation();
        let call = Call::new(self, operation, call.request())?;
        self.repeated(&call, |body| RawReply::new(operation, body))
            .await
    }

    /// Makes attempts until one succeeds or another is not worth it.
    async fn repeated<T>(
        &self,
        call: &Call,
        read: impl Fn(Bytes) -> Result<T, DecodeError>,
    ) -> Result<Answer<T>, Error> {
        let mut earlier: Option<Error> = None;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let error = match self.attempt(call, attempts, &read).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let remaining = call.deadline.saturating_duration_since(Instant::now());
            let error = error.after(earlier, remaining);
            match retry::decide(
                error.retry(),
                attempts,
                self.limits.max_attempts,
                remaining,
                (self.jitter)(),
            ) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            }
            earlier = Some(error);
        }
    }

    async fn attempt<T>(
        &self,
        call: &Call,
        attempt: u32,
        read: impl Fn(Bytes) -> Result<T, DecodeError>,
    ) -> Result<Answer<T>, Error> {
        let raw = self.exchange(call, attempt).await?;
        if !(200..300).contains(&raw.status) {
            let message = message(&raw.body);
            return Err(Error::of_answer(
                call.operation,
                raw.status,
                &message,
                date::retry_after(&raw.headers),
            ));
        }
        match read(raw.body) {
            Ok(value) => Ok(Answer {
                value,
                date: date::date(&raw.headers),
                status: raw.status,
                attempts: attempt,
            }),
            Err(fault) => {
                let kind = if fault.is_truncated() {
                    ErrorKind::Lost
                } else {
                    ErrorKind::Malformed
                };
                Err(Error::new(call.operation, kind).caused_by(fault))
            }
        }
    }

    /// Sends the request through the layers and returns the answer, whatever its status.
    async fn exchange(&self, call: &Call, attempt: u32) -> Result<Raw, Error> {
        let mut extensions = http::Extensions::new();
        extensions.insert(Context {
            operation: call.operation,
            lane: self.lane,
            attempt,
            deadline: call.deadline,
            timeout: self.limits.attempt_timeout,
            observer: self.observer.clone(),
            waited: Duration::ZERO,
        });
        let request = self.http_request(call);
        let result = self
            .layers
            .execute_with_extensions(request, &mut extensions)
            .await;
        let mut response = result.map_err(|error| transport(call.operation, error))?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let body = response
            .bytes()
            .await
            .map_err(|error| transport(call.operation, error.into()))?;
        Ok(Raw {
            status,
            headers,
            body,
        })
    }

    fn http_request(&self, call: &Call) -> reqwest::Request {
        let mut request =
            reqwest::Request::new(http_method(call.operation.method), call.url.clone());
        let headers = request.headers_mut();
        headers.insert(
            http::header::ACCEPT,
            http::HeaderValue::from_static("application/json"),
        );
        if let Some(body) = &call.body {
            headers.insert(
                http::header::CONTENT_TYPE,
                http::HeaderValue::from_static("application/json"),
            );
            *request.body_mut() = Some(body.clone().into());
        }
        request
    }
}

/// A call ready to be sent, as often as need be.
struct Call {
    operation: &'static Operation,
    url: Url,
    body: Option<Bytes>,
    deadline: Instant,
}

impl Call {
    fn new(
        client: &Client,
        operation: &'static Operation,
        request: &Request,
    ) -> Result<Call, Error> {
        let invalid =
            |fault: &'static str| Error::new(operation, ErrorKind::InvalidRequest).caused_by(fault);
        if request.method() != operation.method {
            return Err(invalid("the method is not the operation's"));
        }
        let url = request.url(client.base_url.url()).map_err(invalid)?;
        let body = request
            .json_body()
            .map(|body| Bytes::from(body.to_string()));
        let deadline = Instant::now() + client.limits.deadline.min(LONGEST_CALL);
        Ok(Call {
            operation,
            url,
            body,
            deadline,
        })
    }
}

struct Raw {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

fn http_method(method: Method) -> http::Method {
    match method {
        Method::Get => http::Method::GET,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
        Method::Delete => http::Method::DELETE,
    }
}

/// The error behind an attempt that ended without an answer.
fn transport(operation: &'static Operation, error: reqwest_middleware::Error) -> Error {
    match error {
        reqwest_middleware::Error::Reqwest(error) => {
            let kind = if error.is_connect() {
                ErrorKind::Unreachable
            } else if error.is_builder() {
                ErrorKind::InvalidRequest
            } else {
                ErrorKind::Lost
            };
            Error::new(operation, kind).caused_by(error.without_url())
        }
        reqwest_middleware::Error::Middleware(error) => match error.downcast_ref::<Stopped>() {
            Some(stopped) => Error::new(operation, kind_of(*stopped)).caused_by(*stopped),
            None => Error::new(operation, ErrorKind::Lost),
        },
    }
}

fn kind_of(stopped: Stopped) -> ErrorKind {
    match stopped {
        Stopped::NoTurn => ErrorKind::Unreachable,
        Stopped::TimedOut(_) | Stopped::CutOff => ErrorKind::Lost,
        Stopped::TooLarge(_) => ErrorKind::Malformed,
        Stopped::Credential => ErrorKind::InvalidRequest,
    }
}

/// Lever's own words on a failure; empty when there are none (Lever: "Errors").
fn message(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Failure {
        message: String,
    }

    serde_json::from_slice::<Failure>(body)
        .map(|failure| failure.message)
        .unwrap_or_default()
}
