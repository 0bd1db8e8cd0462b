//! A call ready to be sent, as often as need be, and what its attempts end in.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::Response;
use serde_json::{Map, Value};
use tokio::time::Instant;
use url::Url;

use super::attempt::Stopped;
use super::multipart::{Multipart, Spoiled};
use super::{Client, Unreached, date};
use crate::endpoint::{ASTRAY, Part, Request};
use crate::error::{Error, ErrorKind};
use crate::registry::{AnswerKind, Method, Operation};

/// No call waits longer, whatever the limits say.
const LONGEST_CALL: Duration = Duration::from_secs(24 * 3600);
/// What Lever takes in one request, in bytes (behavior: "Files, resumes, uploads").
const LARGEST_UPLOAD: u64 = 30 * 1024 * 1024;
/// The slowest an upload may be without being given up, in bytes a second.
const SLOWEST_UPLOAD: u64 = 256 * 1024;

/// A call ready to be sent.
pub(super) struct Call {
    pub(super) operation: &'static Operation,
    pub(super) deadline: Instant,
    url: Url,
    body: Body,
}

enum Body {
    Empty,
    Json(Bytes),
    Parts(Vec<Part>),
}

/// One attempt: the request, and what is known of its body afterwards.
pub(super) struct Outgoing {
    pub(super) request: reqwest::Request,
    /// What the body adds to the time an attempt may take.
    pub(super) extra_time: Duration,
    spoiled: Spoiled,
}

impl Call {
    pub(super) fn new(
        client: &Client,
        operation: &'static Operation,
        request: &Request,
    ) -> Result<Call, Error> {
        let invalid =
            |fault: &'static str| Error::new(operation, ErrorKind::InvalidRequest).caused_by(fault);
        if request.method() != operation.method {
            return Err(invalid("the method is not the operation's"));
        }
        if request.is_astray(operation) {
            return Err(invalid(ASTRAY));
        }
        let url = request.url(client.base_url.url()).map_err(invalid)?;
        let body = match (request.body(), request.parts()) {
            (Some(json), _) => Body::Json(Bytes::from(json.to_string())),
            (None, []) => Body::Empty,
            (None, parts) if too_large(parts) => {
                return Err(invalid("the request is larger than 30 MB"));
            }
            (None, parts) => Body::Parts(parts.to_vec()),
        };
        let deadline = Instant::now() + client.limits.deadline.min(LONGEST_CALL);
        Ok(Call {
            operation,
            deadline,
            url,
            body,
        })
    }

    /// The request of one attempt, with its files opened anew.
    pub(super) fn outgoing(&self) -> Result<Outgoing, Error> {
        let mut request =
            reqwest::Request::new(http_method(self.operation.method), self.url.clone());
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static(self.accepts()));
        let mut outgoing = Outgoing {
            request,
            extra_time: Duration::ZERO,
            spoiled: Spoiled::default(),
        };
        match &self.body {
            Body::Empty => {}
            Body::Json(json) => outgoing.carry_json(json.clone()),
            Body::Parts(parts) => outgoing
                .carry(Multipart::new(parts).map_err(|error| self.invalid(error.to_string()))?),
        }
        Ok(outgoing)
    }

    fn accepts(&self) -> &'static str {
        match self.operation.answer {
            AnswerKind::Bytes => "*/*",
            AnswerKind::Record | AnswerKind::List | AnswerKind::Empty => "application/json",
        }
    }

    fn invalid(&self, fault: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::new(self.operation, ErrorKind::InvalidRequest).caused_by(fault)
    }

    /// Where the answer says that what was asked for is now.
    ///
    /// None elsewhere than on the server of the base URL: the credential goes nowhere else. Nor for a status that has
    /// clients turn a POST into a GET.
    pub(super) fn moved(&self, response: &Response) -> Option<Url> {
        let moved = match response.status().as_u16() {
            307 | 308 => true,
            301 | 302 => self.operation.method != Method::Post,
            _ => false,
        };
        let location = response.headers().get(LOCATION).filter(|_| moved)?;
        let place = self.url.join(location.to_str().ok()?).ok()?;
        let bare = place.username().is_empty() && place.password().is_none();
        (bare && place.origin() == self.url.origin()).then_some(place)
    }

    /// The answer, if it is a success; its body is not looked at.
    pub(super) async fn successful(&self, response: Response) -> Result<Response, Error> {
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let wait = date::retry_after(response.headers());
        let body = response.bytes().await.unwrap_or_default();
        let (code, message) = said(&body);
        let error = Error::of_answer(self.operation, status, &message, wait);
        Err(match code {
            Some(_) => error,
            None => error.told_by_a_stranger(),
        })
    }

    /// The error behind an attempt that ended without an answer.
    pub(super) fn transport(&self, error: reqwest_middleware::Error) -> Error {
        match error {
            reqwest_middleware::Error::Reqwest(error) => {
                if error.is_connect() {
                    let unreached = Unreached::new(&self.url, error);
                    return Error::new(self.operation, ErrorKind::Unreachable).caused_by(unreached);
                }
                let kind = if error.is_builder() {
                    ErrorKind::InvalidRequest
                } else {
                    ErrorKind::Lost
                };
                Error::new(self.operation, kind).caused_by(error.without_url())
            }
            reqwest_middleware::Error::Middleware(error) => match error.downcast_ref::<Stopped>() {
                Some(stopped) => Error::new(self.operation, kind_of(*stopped)).caused_by(*stopped),
                None => Error::new(self.operation, ErrorKind::Lost),
            },
        }
    }

    /// [`Call::transport`], unless a file of ours was not what it said: then Lever never had a whole request.
    pub(super) fn broken(&self, spoiled: &Spoiled, error: reqwest_middleware::Error) -> Error {
        if spoiled.is_set() {
            return self.invalid("a file could not be read as announced");
        }
        self.transport(error)
    }
}

impl Outgoing {
    fn carry_json(&mut self, json: Bytes) {
        let headers = self.request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *self.request.body_mut() = Some(json.into());
    }

    fn carry(&mut self, multipart: Multipart) {
        let content_type = HeaderValue::try_from(multipart.content_type)
            .expect("a boundary is made of hexadecimal digits");
        let headers = self.request.headers_mut();
        headers.insert(CONTENT_TYPE, content_type);
        headers.insert(CONTENT_LENGTH, multipart.length.into());
        *self.request.body_mut() = Some(multipart.body);
        self.extra_time = Duration::from_secs(multipart.length / SLOWEST_UPLOAD);
        self.spoiled = multipart.spoiled;
    }

    /// Tells, once the request is gone, whether its body was whole.
    pub(super) fn spoiled(&self) -> Spoiled {
        self.spoiled.clone()
    }
}

/// What stands around the files counts: Lever measures requests.
fn too_large(parts: &[Part]) -> bool {
    Multipart::length_of(parts) > LARGEST_UPLOAD
}

fn http_method(method: Method) -> http::Method {
    match method {
        Method::Get => http::Method::GET,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
        Method::Delete => http::Method::DELETE,
    }
}

fn kind_of(stopped: Stopped) -> ErrorKind {
    match stopped {
        Stopped::NoTurn | Stopped::Paused(_) | Stopped::NoToken => ErrorKind::Unreachable,
        Stopped::TimedOut(_) | Stopped::CutOff => ErrorKind::Lost,
        Stopped::TooLarge(_) => ErrorKind::Malformed,
        Stopped::Credential | Stopped::App | Stopped::Nowhere => ErrorKind::InvalidRequest,
        Stopped::Reconnect { .. } => ErrorKind::Unauthorized,
    }
}

/// The code of a failure and Lever's own words on it, empty when there are none; an error of Lever's has both
/// (Lever: "Errors").
fn said(body: &[u8]) -> (Option<String>, String) {
    let failure: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let text = |field: &str| Some(failure.get(field)?.as_str()?.to_owned());
    match text("message") {
        Some(message) => (text("code"), message),
        None => (None, String::new()),
    }
}
