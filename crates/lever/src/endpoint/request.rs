//! What is sent: method, path, query and body, without host, credential or time.

use std::fmt::{self, Display};

use serde_json::Value;
use url::Url;

use super::parts::Part;
use crate::registry::{Method, Operation, astray};

/// A request to Lever, relative to a base URL.
///
/// `Debug` shows the path and the names of the query only: values may be personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    method: Method,
    segments: Vec<String>,
    query: Vec<(&'static str, String)>,
    body: Body,
}

#[derive(Clone, PartialEq, Eq)]
enum Body {
    Empty,
    Json(Value),
    Parts(Vec<Part>),
}

impl Request {
    /// A GET of the path made of `segments`, each of which is escaped.
    pub fn get<'a>(segments: impl IntoIterator<Item = &'a str>) -> Request {
        Request::of(Method::Get, segments)
    }

    /// A POST to the path made of `segments`.
    pub fn post<'a>(segments: impl IntoIterator<Item = &'a str>) -> Request {
        Request::of(Method::Post, segments)
    }

    /// A PUT to the path made of `segments`.
    pub fn put<'a>(segments: impl IntoIterator<Item = &'a str>) -> Request {
        Request::of(Method::Put, segments)
    }

    /// A DELETE of the path made of `segments`.
    pub fn delete<'a>(segments: impl IntoIterator<Item = &'a str>) -> Request {
        Request::of(Method::Delete, segments)
    }

    /// A request with any method to the path made of `segments`.
    pub fn of<'a>(method: Method, segments: impl IntoIterator<Item = &'a str>) -> Request {
        let segments = segments.into_iter().map(str::to_owned).collect();
        Request {
            method,
            segments,
            query: Vec::new(),
            body: Body::Empty,
        }
    }

    /// A request for `operation`, its path filled with `ids` in order.
    pub(crate) fn for_operation<'a>(
        operation: &'static Operation,
        ids: impl IntoIterator<Item = &'a str>,
    ) -> Request {
        let mut ids = ids.into_iter();
        let segments = operation
            .segments()
            .map(|segment| match segment.starts_with('{') {
                true => ids.next().unwrap_or_default(),
                false => segment,
            });
        Request::of(operation.method, segments)
    }

    /// The same request under another first segment of its path.
    pub(crate) fn under(mut self, first: &str) -> Request {
        if let Some(segment) = self.segments.first_mut() {
            first.clone_into(segment);
        }
        self
    }

    /// Adds a parameter when there is a value.
    #[must_use]
    pub fn query(self, name: &'static str, value: Option<impl Display>) -> Request {
        self.query_all(name, value)
    }

    /// Adds a parameter once for each value, as Lever wants several values of one filter (Lever: "Query parameters").
    #[must_use]
    pub fn query_all(
        mut self,
        name: &'static str,
        values: impl IntoIterator<Item = impl Display>,
    ) -> Request {
        self.query
            .extend(values.into_iter().map(|value| (name, value.to_string())));
        self
    }

    /// Sends a JSON body.
    #[must_use]
    pub fn json(self, body: Value) -> Request {
        Request {
            body: Body::Json(body),
            ..self
        }
    }

    /// Sends a body of parts (`multipart/form-data`), read anew for every attempt.
    #[must_use]
    pub fn multipart(self, parts: Vec<Part>) -> Request {
        Request {
            body: Body::Parts(parts),
            ..self
        }
    }

    /// The HTTP method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Whether what fills the path makes it the path of another operation than `operation`.
    pub(crate) fn is_astray(&self, operation: &Operation) -> bool {
        astray(operation, &self.segments).is_some()
    }

    /// The path below the base URL, before escaping.
    pub fn path(&self) -> String {
        format!("/{}", self.segments.join("/"))
    }

    /// The query parameters in order, before escaping.
    pub fn query_pairs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.query
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
    }

    /// The JSON body, if there is one.
    pub fn body(&self) -> Option<&Value> {
        match &self.body {
            Body::Json(body) => Some(body),
            Body::Empty | Body::Parts(_) => None,
        }
    }

    /// The parts of the body; empty when it is none of parts.
    pub fn parts(&self) -> &[Part] {
        match &self.body {
            Body::Parts(parts) => parts,
            Body::Empty | Body::Json(_) => &[],
        }
    }

    /// The whole address under `base`, everything escaped.
    ///
    /// # Errors
    /// The [`segment_fault`] of a segment that could lead elsewhere.
    pub fn url(&self, base: &Url) -> Result<Url, &'static str> {
        if let Some(fault) = self.segments.iter().find_map(|text| segment_fault(text)) {
            return Err(fault);
        }
        let mut url = base.clone();
        url.path_segments_mut()
            .map_err(|()| "the base URL takes no path")?
            .pop_if_empty()
            .extend(&self.segments);
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Ok(url)
    }
}

/// What is said of a value that would make a path another one.
pub(crate) const ASTRAY: &str = "it leads to another path";

/// What keeps a text from being one segment of a path; none when it can be, escaped.
///
/// URLs have no way to write an empty segment or one of dots that stays where it is, and drop line breaks and tabs:
/// what is left of such a text names something else.
pub fn segment_fault(text: &str) -> Option<&'static str> {
    match text {
        "" => Some("it is missing"),
        "." | ".." => Some(ASTRAY),
        text if text.contains(char::is_control) => Some("it holds a control character"),
        _ => None,
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.query.iter().map(|(name, _)| name).collect();
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.segments.join("/"))
            .field("query", &names)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// Texts made of what means something in a URL, and of anything.
    pub(crate) fn nasty() -> impl Strategy<Value = String> {
        prop_oneof![
            "[./\\\\%?#&=@:;+ \t\r\n\u{0}\u{7f}2e5cA-Cé\u{202e}]{0,8}",
            any::<String>()
        ]
    }

    /// The segments of a path as a server reads them.
    pub(crate) fn read_back(url: &Url) -> Vec<String> {
        let decoded = |segment: &str| {
            let mut bytes = segment.bytes();
            let mut read = Vec::new();
            while let Some(byte) = bytes.next() {
                let hex = |byte: Option<u8>| char::from(byte.unwrap()).to_digit(16).unwrap();
                read.push(match byte {
                    b'%' => (hex(bytes.next()) * 16 + hex(bytes.next())) as u8,
                    plain => plain,
                });
            }
            String::from_utf8(read).unwrap()
        };
        url.path_segments().unwrap().map(decoded).collect()
    }

    fn url(request: &Request) -> Result<String, &'static str> {
        request
            .url(&"https://lever.test/v1".parse().unwrap())
            .map(String::from)
    }

    #[test]
    fn segments_and_values_are_escaped() {
        let request = Request::get(["a b", "c/d?e#f%2e"])
            .query("q", Some("x&y=%5B z"))
            .query("none", None::<&str>);
        assert_eq!(
            url(&request).unwrap(),
            "https://lever.test/v1/a%20b/c%2Fd%3Fe%23f%252e?q=x%26y%3D%255B+z"
        );
    }

    #[test]
    fn several_values_repeat_the_parameter() {
        let request = Request::get(["x"])
            .query_all("tag", ["a", "b"])
            .query("n", Some(1));
        assert_eq!(
            url(&request).unwrap(),
            "https://lever.test/v1/x?tag=a&tag=b&n=1"
        );
    }

    #[test]
    fn a_segment_that_leads_elsewhere_is_refused() {
        for segment in [
            "", ".", "..", "x\n", ".\t.", "\r..", "a\u{0}", "\u{7f}", "\u{85}",
        ] {
            assert!(
                url(&Request::get(["opportunities", segment])).is_err(),
                "{segment:?}"
            );
        }
        assert_eq!(
            url(&Request::get(["...", "%2e%2e"])).unwrap(),
            "https://lever.test/v1/.../%252e%252e"
        );
    }

    proptest! {
        #[test]
        fn whatever_a_segment_holds_it_stays_one(text in nasty()) {
            let base: Url = "https://lever.test/v1".parse().unwrap();
            let request = Request::delete(["webhooks", &text]);
            match request.url(&base) {
                Err(fault) => prop_assert_eq!(segment_fault(&text), Some(fault)),
                Ok(url) => {
                    prop_assert_eq!(segment_fault(&text), None);
                    prop_assert_eq!(read_back(&url), ["v1", "webhooks", &text]);
                    prop_assert_eq!((url.query(), url.fragment()), (None, None));
                    prop_assert_eq!(url.origin(), base.origin());
                    prop_assert_eq!(request.method(), Method::Delete);
                }
            }
        }
    }

    #[test]
    fn debug_shows_no_values() {
        let request = Request::post(["notes"])
            .query("email", Some("ada@example.com"))
            .json(json!({"value": "secret"}));
        let shown = format!("{request:?}");
        assert!(
            !shown.contains("ada") && !shown.contains("secret"),
            "{shown}"
        );
    }
}
