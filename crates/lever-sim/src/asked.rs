//! A request to `/v1`, read whole before anything is decided.

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::HeaderValue;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::answer::Refusal;
use crate::operations::{Operation, Route, route};

/// Lever takes 30 MB a request. Lever: "Files".
const BODY_LIMIT: usize = 30 * 1024 * 1024;

const FORM: &[u8] = b"application/x-www-form-urlencoded";
/// The path of the token endpoint; it is outside `/v1`.
const TOKEN_PATH: &str = "/oauth/token";

/// A request, read whole.
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    /// Who asks.
    pub(crate) credential: Option<Credential>,
    /// The body, when it is JSON.
    pub(crate) body: Option<Value>,
    /// The parts of the body, when it is multipart.
    pub(crate) parts: Vec<Part>,
    /// The body, when it is a form, as the token endpoint wants it.
    pub(crate) form: Vec<(String, String)>,
    /// Why the body cannot be read.
    broken: Option<Refusal>,
}

/// What a request shows to be let in.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Credential {
    /// An API key: the user name of Basic authentication with an empty password.
    Key(String),
    /// An access token of OAuth.
    Token(String),
}

impl Credential {
    pub(crate) fn secret(&self) -> &str {
        match self {
            Credential::Key(secret) | Credential::Token(secret) => secret,
        }
    }

    fn read(header: &HeaderValue) -> Option<Credential> {
        let token = header.to_str().ok()?.strip_prefix("Bearer ");
        match token {
            Some(token) => Some(Credential::Token(token.to_owned())),
            None => basic_user(header).map(Credential::Key),
        }
    }
}

/// One part of a multipart body.
#[derive(Clone)]
pub(crate) struct Part {
    pub(crate) name: String,
    /// Only files have one.
    pub(crate) file_name: Option<String>,
    pub(crate) bytes: Bytes,
}

impl Part {
    /// What the audit keeps of it: everything but the content.
    fn summary(&self) -> Value {
        json!({ "name": self.name, "filename": self.file_name, "size": self.bytes.len() })
    }
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Part")
            .field("name", &self.name)
            .field("size", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// A body, as far as it could be read.
#[derive(Default)]
struct Read {
    json: Option<Value>,
    parts: Vec<Part>,
    form: Vec<(String, String)>,
    broken: Option<Refusal>,
}

impl Read {
    fn broken(refusal: Refusal) -> Read {
        Read {
            broken: Some(refusal),
            ..Read::default()
        }
    }

    async fn body(parts: &Parts, body: Body) -> Read {
        let bytes = match axum::body::to_bytes(body, BODY_LIMIT).await {
            Ok(bytes) => bytes,
            Err(_) => return Read::broken(Refusal::too_large()),
        };
        if bytes.is_empty() {
            return Read::default();
        }
        match parts.headers.get(CONTENT_TYPE) {
            Some(kind) if kind.as_bytes().starts_with(b"multipart/form-data") => {
                Read::multipart(kind, bytes).await
            }
            Some(kind) if kind.as_bytes().starts_with(FORM) => Read {
                form: form_urlencoded::parse(&bytes).into_owned().collect(),
                ..Read::default()
            },
            _ => Read::json(&bytes),
        }
    }

    fn json(bytes: &[u8]) -> Read {
        match serde_json::from_slice(bytes) {
            Ok(value) => Read {
                json: Some(value),
                ..Read::default()
            },
            Err(_) => Read::broken(Refusal::bad_request("Request body is not JSON")),
        }
    }

    async fn multipart(kind: &HeaderValue, bytes: Bytes) -> Read {
        match multipart(kind, bytes).await {
            Some(parts) => Read {
                parts,
                ..Read::default()
            },
            None => Read::broken(Refusal::bad_request("Request body is not multipart")),
        }
    }
}

/// Takes a multipart body apart; `None` when it is not one, or not whole.
async fn multipart(kind: &HeaderValue, bytes: Bytes) -> Option<Vec<Part>> {
    let request = Request::builder().header(CONTENT_TYPE, kind);
    let mut request = request.body(Body::from(bytes)).ok()?;
    // The limit was applied when the body was read.
    DefaultBodyLimit::disable().apply(&mut request);
    let mut multipart = Multipart::from_request(request, &()).await.ok()?;
    let mut parts = Vec::new();
    while let Some(field) = multipart.next_field().await.ok()? {
        parts.push(Part {
            name: field.name()?.to_owned(),
            file_name: field.file_name().map(str::to_owned),
            bytes: field.bytes().await.ok()?,
        });
    }
    Some(parts)
}

impl Asked {
    pub(crate) async fn read(request: Request) -> Asked {
        let (parts, body) = request.into_parts();
        let body = Read::body(&parts, body).await;
        let query = parts.uri.query().unwrap_or_default();
        Asked {
            method: parts.method.as_str().to_owned(),
            path: parts.uri.path().to_owned(),
            query: form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            credential: parts.headers.get(AUTHORIZATION).and_then(Credential::read),
            body: body.json,
            parts: body.parts,
            form: body.form,
            broken: body.broken,
        }
    }

    /// The body as the audit keeps it: JSON as it is, of files all but their content.
    pub(crate) fn audited_body(&self) -> Option<Value> {
        if self.method == "GET" {
            return None;
        }
        let parts = || self.parts.iter().map(Part::summary).collect::<Vec<_>>();
        self.body
            .clone()
            .or_else(|| (!self.parts.is_empty()).then(|| json!({ "parts": parts() })))
    }

    /// Whether it asks the authorization server for tokens.
    pub(crate) fn wants_tokens(&self) -> bool {
        self.method == "POST" && self.path == TOKEN_PATH
    }

    /// Template and id of the operation, as fault rules and the audit name it.
    pub(crate) fn named(&self) -> Option<(&'static str, &'static str)> {
        match self.route() {
            Route::Found(operation, _) => Some((operation.path, operation.id)),
            Route::WrongMethod | Route::Unknown => {
                self.wants_tokens().then_some((TOKEN_PATH, "oauthToken"))
            }
        }
    }

    pub(crate) fn route(&self) -> Route<'_> {
        route(&self.method, &self.path)
    }

    /// Refuses what cannot be read, and parameters the operation does not know.
    ///
    /// Lever may ignore unknown parameters; a misspelled filter that does nothing is worse than a refusal.
    pub(crate) fn check(&self, operation: &Operation) -> Result<(), Refusal> {
        if let Some(refusal) = &self.broken {
            return Err(refusal.clone());
        }
        match self
            .query
            .iter()
            .find(|(name, _)| !operation.query.contains(&name.as_str()))
        {
            Some((name, _)) => Err(Refusal::bad_request(format!("Unknown parameter: {name}"))),
            None => Ok(()),
        }
    }
}

/// The user name of `Basic base64(name ":")`.
fn basic_user(header: &HeaderValue) -> Option<String> {
    let encoded = header.to_str().ok()?.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(BASE64.decode(encoded).ok()?).ok()?;
    decoded
        .strip_suffix(':')
        .filter(|name| !name.contains(':'))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_user_name_with_an_empty_password() {
        let user = |header: &'static str| basic_user(&HeaderValue::from_static(header));
        assert_eq!(user("Basic YWJjOg=="), Some("abc".to_owned()));
        for refused in [
            "Basic YWJj",
            "Basic YWJjOng=",
            "Bearer YWJjOg==",
            "Basic !",
            "abc:",
        ] {
            assert_eq!(user(refused), None, "{refused}");
        }
    }
}
