//! Makes one call: attempts, and the pauses between them.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use tokio::time::Instant;
use url::Url;

use super::attempt::{Context, Reading};
use super::call::Call;
use super::{Client, date, retry};
use crate::decode::DecodeError;
use crate::endpoint::{Endpoint, RawCall, RawReply, Reply};
use crate::error::{Error, ErrorKind};
use crate::time::Timestamp;

/// How often a call is sent on to another place.
const MOVES: usize = 3;

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
    /// A call that creates is sent again only when Lever surely did not act. An attempt that carries files may take
    /// longer than the limit says, by a second for every 256 KiB; the deadline holds all the same.
    ///
    /// # Errors
    /// The error of the last attempt, when the call is not worth repeating or its time or attempts are used up.
    pub async fn answer<E: Endpoint>(&self, endpoint: &E) -> Result<Answer<E::Reply>, Error> {
        let call = Call::new(self, E::OPERATION, &endpoint.request())?;
        let read = |body: Bytes| E::Reply::from_json(&body);
        self.repeated(&call, |attempt| self.answered(&call, attempt, read))
            .await
    }

    /// Makes a call that is made of text; what the answer says is not looked at.
    ///
    /// # Errors
    /// Those of [`Client::answer`].
    pub async fn call(&self, call: &RawCall) -> Result<Answer<RawReply>, Error> {
        let operation = call.operation();
        let call = Call::new(self, operation, call.request())?;
        let read = |body| RawReply::new(operation, body);
        self.repeated(&call, |attempt| self.answered(&call, attempt, read))
            .await
    }

    /// Makes attempts until one succeeds or another is not worth it.
    pub(super) async fn repeated<T, F>(
        &self,
        call: &Call,
        attempt: impl Fn(u32) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut earlier: Option<Error> = None;
        let mut renewed = false;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let error = match attempt(attempts).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let remaining = call.deadline.saturating_duration_since(Instant::now());
            let error = error.after(earlier, remaining);
            if self.renewable && !renewed && *error.kind() == ErrorKind::Unauthorized {
                renewed = true;
            } else {
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
            }
            earlier = Some(error);
        }
    }

    async fn answered<T>(
        &self,
        call: &Call,
        attempt: u32,
        read: impl Fn(Bytes) -> Result<T, DecodeError>,
    ) -> Result<Answer<T>, Error> {
        let response = self.exchange(call, attempt, Reading::Whole).await?;
        let response = call.successful(response).await?;
        let status = response.status().as_u16();
        let date = date::date(response.headers());
        let body = response
            .bytes()
            .await
            .map_err(|error| call.transport(error.into()))?;
        match read(body) {
            Ok(value) => Ok(Answer {
                value,
                date,
                status,
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
    ///
    /// Its body is in memory, unless it is a success that is read as it comes. What has moved on the same server is
    /// asked for where it is now (behaviour 7: "moved, follow `Location`"), each time as a request of its own.
    pub(super) async fn exchange(
        &self,
        call: &Call,
        attempt: u32,
        reading: Reading,
    ) -> Result<Response, Error> {
        let mut response = self.exchange_at(call, None, attempt, reading).await?;
        for _ in 0..MOVES {
            let Some(place) = call.moved(&response) else {
                break;
            };
            response = self
                .exchange_at(call, Some(place), attempt, reading)
                .await?;
        }
        Ok(response)
    }

    async fn exchange_at(
        &self,
        call: &Call,
        place: Option<Url>,
        attempt: u32,
        reading: Reading,
    ) -> Result<Response, Error> {
        let mut outgoing = call.outgoing()?;
        if let Some(place) = place {
            *outgoing.request.url_mut() = place;
        }
        let spoiled = outgoing.spoiled();
        let mut extensions = http::Extensions::new();
        extensions.insert(Context {
            operation: call.operation,
            lane: self.lane,
            attempt,
            deadline: call.deadline,
            timeout: self
                .limits
                .attempt_timeout
                .saturating_add(outgoing.extra_time),
            observer: self.observer.clone(),
            waited: Duration::ZERO,
            reading,
            sent: false,
        });
        self.layers
            .execute_with_extensions(outgoing.request, &mut extensions)
            .await
            .map_err(|error| call.broken(&spoiled, error))
    }
}
