//! A request to `/v1`, read whole before anything is decided.

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;
use url::form_urlencoded;

use crate::answer::Refusal;
use crate::operations::{Operation, Route, route};

/// Lever takes 30 MB a request. Lever: "Files".
const BODY_LIMIT: usize = 30 * 1024 * 1024;

/// A request, read whole.
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    /// The user name of Basic authentication with an empty password; nothing else counts.
    pub(crate) key: Option<String>,
    /// The body, when it is JSON.
    pub(crate) body: Option<Value>,
    /// Why the body cannot be read.
    broken: Option<Refusal>,
}

impl Asked {
    pub(crate) async fn read(request: Request) -> Asked {
        let (parts, body) = request.into_parts();
        let (body, broken) = match axum::body::to_bytes(body, BODY_LIMIT).await {
            Ok(bytes) if bytes.is_empty() => (None, None),
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(value) => (Some(value), None),
                Err(_) => (None, Some(Refusal::bad_request("Request body is not JSON"))),
            },
            Err(_) => (None, Some(Refusal::too_large())),
        };
        let query = parts.uri.query().unwrap_or_default();
        Asked {
            method: parts.method.as_str().to_owned(),
            path: parts.uri.path().to_owned(),
            query: form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            key: parts.headers.get(AUTHORIZATION).and_then(basic_user),
            body,
            broken,
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
