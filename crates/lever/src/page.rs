//! Lever's envelopes: a page of a list and a single record, each with its raw text.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::decode::{self, DecodeError};

/// Lever's page token: opaque, may expire, means something only to the list it came from.
///
/// Its text may contain percent signs; sent back, it is encoded once more like any query value
/// (behavior: "Envelope, lists, pagination").
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Offset(String);

impl Offset {
    /// The token as Lever wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Offset {
    fn from(token: &str) -> Offset {
        Offset(token.to_owned())
    }
}

impl From<String> for Offset {
    fn from(token: String) -> Offset {
        Offset(token)
    }
}

/// One record: what we understand of it, and the text it came as.
#[derive(Clone)]
pub struct Record<T> {
    /// The fields we know.
    pub value: T,
    /// The document byte for byte, unknown fields included.
    pub raw: Box<RawValue>,
}

impl<T: fmt::Debug> fmt::Debug for Record<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("value", &self.value)
            .finish_non_exhaustive()
    }
}

impl<T: DeserializeOwned> Record<T> {
    /// Reads the text of one record.
    ///
    /// # Errors
    /// When it is no JSON, or not what `T` is made of.
    pub fn from_raw(raw: Box<RawValue>) -> Result<Record<T>, DecodeError> {
        Record::from_raw_or_back(raw).map_err(|(error, _raw)| error)
    }

    /// As [`Record::from_raw`].
    ///
    /// # Errors
    /// The same, with the text that cannot be read.
    pub fn from_raw_or_back(raw: Box<RawValue>) -> Result<Record<T>, (DecodeError, Box<RawValue>)> {
        match decode::object(raw.get()).and_then(|_| decode::value(raw.get())) {
            Ok(value) => Ok(Record { value, raw }),
            Err(error) => Err((error, raw)),
        }
    }

    /// Reads the answer to a call about one record: `{"data": {..}}`, or the object alone.
    ///
    /// Some of Lever's single answers come without the envelope (fixture `posting-users.get.json`).
    ///
    /// # Errors
    /// When it is no JSON, or not what `T` is made of.
    pub fn from_json(body: &[u8]) -> Result<Record<T>, DecodeError> {
        Record::from_raw(single(body)?)
    }
}

/// The text of the record inside a single answer.
pub(crate) fn single(body: &[u8]) -> Result<Box<RawValue>, DecodeError> {
    #[derive(Deserialize)]
    struct Envelope {
        data: Option<Box<RawValue>>,
    }

    let json = |error| DecodeError::from_json(&error, None);
    let body = std::str::from_utf8(body).map_err(|_| DecodeError::new("answer is not UTF-8"))?;
    decode::object(body)?;
    let envelope: Envelope = serde_json::from_str(body).map_err(json)?;
    match envelope.data {
        Some(data) if data.get().starts_with('{') => Ok(innermost(data)),
        _ => serde_json::from_str(body).map_err(json),
    }
}

/// The record in an envelope that may hold a second one.
///
/// Lever documents it so for new webhooks, interviews and panels, the latter as a list of one, and was recorded to
/// answer one envelope (fixtures `webhook.create.response.json`, `panel.create.response.json`).
fn innermost(data: Box<RawValue>) -> Box<RawValue> {
    #[derive(Deserialize)]
    struct Second<'a> {
        id: Option<IgnoredAny>,
        #[serde(borrow)]
        data: Option<&'a RawValue>,
    }

    let second = match serde_json::from_str(data.get()) {
        Ok(Second {
            id: None,
            data: Some(second),
        }) => second,
        _ => return data,
    };
    let record = if second.get().starts_with('[') {
        serde_json::from_str::<Vec<&RawValue>>(second.get())
            .ok()
            .and_then(|records| records.first().copied())
    } else {
        Some(second)
    };
    match record.filter(|record| record.get().starts_with('{')) {
        Some(record) => record.to_owned(),
        None => data,
    }
}

/// A record that does not read as what the list is made of; the rest of its page does.
#[derive(Clone, PartialEq, Eq)]
pub struct Malformed {
    /// Its text as it came. Holds personal data.
    pub raw: String,
    /// What is wrong with it: the kind of fault and where, never a value.
    pub reason: String,
}

impl fmt::Debug for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Malformed")
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

/// One page of a list, in Lever's order.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The records; one that cannot be read is kept aside and never spoils the others.
    pub records: Vec<Result<Record<T>, Malformed>>,
    /// Where the next page begins; none on the last page.
    pub next: Option<Offset>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListEnvelope<'a> {
    #[serde(borrow)]
    data: Listed<'a>,
    #[serde(default)]
    next: Value,
    #[serde(default)]
    has_next: Option<bool>,
}

/// The records of a list; those of the EEO lists are documented to stand one level deeper, as `eeoResponses`.
struct Listed<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Listed<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Listed<'a>, D::Error> {
        struct Records;

        impl<'de> Visitor<'de> for Records {
            type Value = Listed<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of records")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Listed<'de>, A::Error> {
                let mut records = Vec::new();
                while let Some(record) = seq.next_element()? {
                    records.push(record);
                }
                Ok(Listed(records))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Listed<'de>, A::Error> {
                let mut found = None;
                while let Some(key) = map.next_key::<String>()? {
                    if key == "eeoResponses" {
                        found = Some(map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                found
                    .map(Listed)
                    .ok_or_else(|| de::Error::custom("no list in the envelope"))
            }
        }

        deserializer.deserialize_any(Records)
    }
}

impl ListEnvelope<'_> {
    /// `next` counts unless `hasNext` is false; some lists have neither (fixture `requisition-fields.list.json`).
    fn next(&self) -> Result<Option<Offset>, DecodeError> {
        if self.has_next == Some(false) {
            return Ok(None);
        }
        match &self.next {
            Value::String(token) if !token.is_empty() => Ok(Some(Offset(token.clone()))),
            Value::Number(token) => Ok(Some(Offset(token.to_string()))),
            // Taken as the end of the list it would let a caller conclude that the rest was deleted.
            _ if self.has_next == Some(true) => Err(DecodeError::new(
                "a next page is announced without its offset",
            )),
            _ => Ok(None),
        }
    }
}

impl<T: DeserializeOwned> Page<T> {
    /// Reads a list envelope: `{"data": [..], "next": "..", "hasNext": true}`.
    ///
    /// # Errors
    /// When the envelope itself is broken; broken records are [`Malformed`] entries of the page.
    pub fn from_json(body: &[u8]) -> Result<Page<T>, DecodeError> {
        let text = String::from_utf8_lossy(body);
        let repaired = matches!(text, Cow::Owned(_));
        decode::object(&text)?;
        let envelope: ListEnvelope<'_> =
            serde_json::from_str(&text).map_err(|error| DecodeError::from_json(&error, None))?;
        let next = envelope.next()?;
        let records = envelope
            .data
            .0
            .into_iter()
            .map(|raw| record(raw, repaired))
            .collect();
        Ok(Page { records, next })
    }
}

/// Reads one record of a page; `repaired` says that the page was no UTF-8 and had its bad bytes replaced.
fn record<T: DeserializeOwned>(raw: &RawValue, repaired: bool) -> Result<Record<T>, Malformed> {
    let malformed = |reason: String| Malformed {
        raw: raw.get().to_owned(),
        reason,
    };
    if repaired && raw.get().contains(char::REPLACEMENT_CHARACTER) {
        return Err(malformed("not UTF-8".to_owned()));
    }
    Record::from_raw(raw.to_owned()).map_err(|error| malformed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stage;

    fn page(text: &str) -> Page<Stage> {
        Page::from_json(text.as_bytes()).unwrap()
    }

    fn next(envelope: &str) -> Option<Offset> {
        page(&format!(r#"{{"data": []{envelope}}}"#)).next
    }

    #[test]
    fn a_page_keeps_order_and_the_text_of_each_record() {
        let page = page(r#"{"data": [{"id":"a",  "text":"A", "new": 1.0},{"text":"B","id":"b"}]}"#);
        let raw: Vec<_> = page
            .records
            .iter()
            .map(|record| record.as_ref().unwrap().raw.get())
            .collect();
        assert_eq!(
            raw,
            [
                r#"{"id":"a",  "text":"A", "new": 1.0}"#,
                r#"{"text":"B","id":"b"}"#
            ]
        );
        assert_eq!(page.records[0].as_ref().unwrap().value.text, "A");
    }

    #[test]
    fn one_malformed_record_spoils_nothing_else() {
        let page = page(
            r#"{"data": [{"id":"a"}, {"id":["Ada"]}, 7, null, ["b"], {"id":"\ud800"}, {"id":"z"}]}"#,
        );
        let ids: Vec<_> = page
            .records
            .iter()
            .filter_map(|record| record.as_ref().ok())
            .map(|r| r.value.id.as_str())
            .collect();
        assert_eq!(ids, ["a", "z"]);
        let malformed = page.records[1].as_ref().unwrap_err();
        assert_eq!(malformed.raw, r#"{"id":["Ada"]}"#);
        assert!(!malformed.reason.contains("Ada"), "{}", malformed.reason);
        assert!(!format!("{malformed:?}").contains("Ada"));
    }

    #[test]
    fn a_record_with_bytes_that_are_no_text_is_kept_aside() {
        let body = b"{\"data\": [{\"id\":\"a\"}, {\"id\":\"b\xff\"}]}";
        let page: Page<Stage> = Page::from_json(body).unwrap();
        assert!(page.records[0].is_ok());
        assert_eq!(page.records[1].as_ref().unwrap_err().reason, "not UTF-8");
    }

    #[test]
    fn next_counts_only_when_has_next_is_not_false() {
        let token = || Some(Offset::from("%5B1%5D"));
        assert_eq!(next(r#", "next": "%5B1%5D", "hasNext": true"#), token());
        assert_eq!(next(r#", "next": "%5B1%5D""#), token());
        assert_eq!(next(r#", "next": "%5B1%5D", "hasNext": null"#), token());
        assert_eq!(next(r#", "next": "%5B1%5D", "hasNext": false"#), None);
        assert_eq!(next(r#", "next": null"#), None);
        assert_eq!(next(r#", "next": "", "hasNext": false"#), None);
        assert_eq!(next(""), None);
    }

    #[test]
    fn a_next_page_without_an_offset_is_no_end() {
        assert!(Page::<Stage>::from_json(br#"{"data": [], "hasNext": true}"#).is_err());
    }

    #[test]
    fn a_broken_envelope_is_an_error() {
        for body in [
            "",
            "[]",
            "null",
            "{}",
            r#"{"data": {}}"#,
            r#"{"data": null}"#,
            "<html>",
        ] {
            assert!(Page::<Stage>::from_json(body.as_bytes()).is_err(), "{body}");
        }
        assert!(
            Page::<Stage>::from_json(br#"{"data": [{"id""#)
                .unwrap_err()
                .is_truncated()
        );
    }

    #[test]
    fn a_second_envelope_is_taken_off() {
        for body in [
            r#"{"data":{"data":{"id":"a", "x":1}}}"#,
            r#"{"data":{"data":[{"id":"a", "x":1}],"hasNext":false}}"#,
        ] {
            let record = Record::<Stage>::from_json(body.as_bytes()).unwrap();
            assert_eq!(record.raw.get(), r#"{"id":"a", "x":1}"#);
        }
        let own = Record::<Stage>::from_json(br#"{"data":{"id":"a","data":{"id":"b"}}}"#).unwrap();
        assert_eq!(own.value.id.as_str(), "a");
        for body in [r#"{"data":{"data":[]}}"#, r#"{"data":{"data":[7]}}"#] {
            assert!(Record::<Stage>::from_json(body.as_bytes()).is_err());
        }
    }

    #[test]
    fn eeo_answers_read_from_where_they_are_documented() {
        let page = page(r#"{"data": {"eeoResponses": [{"id":"a"}, {"id":"b"}], "x": [1]}}"#);
        assert_eq!(page.records.len(), 2);
        assert_eq!(page.records[0].as_ref().unwrap().raw.get(), r#"{"id":"a"}"#);
    }

    #[test]
    fn a_single_record_reads_with_and_without_its_envelope() {
        for body in [r#"{"data":{"id":"a", "x":1}}"#, r#"{"id":"a", "x":1}"#] {
            let record = Record::<Stage>::from_json(body.as_bytes()).unwrap();
            assert_eq!(record.value.id.as_str(), "a");
            assert_eq!(record.raw.get(), r#"{"id":"a", "x":1}"#);
        }
        assert!(Record::<Stage>::from_json(b"").unwrap_err().is_truncated());
        for body in [r#"{"data":null}"#, r#"[{"id":"a"}]"#, r#"["a"]"#] {
            assert!(
                Record::<Stage>::from_json(body.as_bytes()).is_err(),
                "{body}"
            );
        }
    }
}
