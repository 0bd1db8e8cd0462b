//! Taking expanded objects out of an opportunity again.
//!
//! An opportunity read with `expand=applications&expand=contact` carries whole objects where a plain read
//! carries ids. [`lift`] takes them out and puts the ids back in their place, so that the text of the
//! opportunity equals that of a plain read byte for byte.
//!
//! Lever: "Expanding objects".

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::decode::DecodeError;
use crate::page::Malformed;

/// An opportunity as a plain read shows it, and the objects that stood in it.
#[derive(Clone)]
pub struct Lifted {
    /// The opportunity with ids where the expanded objects were, and null where what stood has no id;
    /// all other bytes untouched.
    pub opportunity: Box<RawValue>,
    /// The expanded applications, in order, and what stood among them and is neither application nor id.
    pub applications: Vec<Result<Box<RawValue>, Malformed>>,
    /// The expanded contact.
    pub contact: Option<Result<Box<RawValue>, Malformed>>,
}

impl fmt::Debug for Lifted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lifted")
            .field("applications", &self.applications.len())
            .field("contact", &self.contact.is_some())
            .finish_non_exhaustive()
    }
}

/// Lifts expanded applications and the expanded contact out of an opportunity.
///
/// What is not expanded stays as it is; with nothing expanded the text comes back untouched.
///
/// # Errors
/// When `raw` is no object.
pub fn lift(raw: &RawValue) -> Result<Lifted, DecodeError> {
    let mut cuts = Vec::new();
    let mut applications = Vec::new();
    let mut contact = None;
    for (key, value) in entries(raw)? {
        match key.as_str() {
            "applications" if value.get().starts_with('[') => {
                for element in parse::<Vec<&RawValue>>(value)? {
                    applications.extend(cut(raw, element, &mut cuts));
                }
            }
            "contact" => contact = cut(raw, value, &mut cuts).or(contact),
            _ => {}
        }
    }
    Ok(Lifted {
        opportunity: spliced(raw, &cuts)?,
        applications,
        contact,
    })
}

/// A stretch of the text and the id that takes its place.
type Cut<'a> = (Range<usize>, &'a str);

/// Notes where an expanded object stands and returns it; an id is left alone, and so is null.
fn cut<'a>(
    raw: &RawValue,
    value: &'a RawValue,
    cuts: &mut Vec<Cut<'a>>,
) -> Option<Result<Box<RawValue>, Malformed>> {
    if value.get().starts_with(['"', 'n', '-'])
        || value.get().starts_with(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    let id = id_of(value);
    cuts.push((place(raw, value), id.unwrap_or("null")));
    Some(match id {
        Some(_) => Ok(value.to_owned()),
        None => Err(Malformed {
            raw: value.get().to_owned(),
            reason: "an expanded object has no id".to_owned(),
        }),
    })
}

/// Where `part`, borrowed from `whole`, stands in it.
fn place(whole: &RawValue, part: &RawValue) -> Range<usize> {
    let start = part.get().as_ptr().addr() - whole.get().as_ptr().addr();
    start..start + part.get().len()
}

/// The id of an expanded object, as quoted text; none where it is no text, or empty.
fn id_of(object: &RawValue) -> Option<&str> {
    let (_, id) = entries(object)
        .ok()?
        .into_iter()
        .find(|(key, _)| key == "id")?;
    Some(id.get()).filter(|id| id.starts_with('"') && id.len() > 2)
}

fn spliced(raw: &RawValue, cuts: &[Cut<'_>]) -> Result<Box<RawValue>, DecodeError> {
    let mut text = String::with_capacity(raw.get().len());
    let mut done = 0;
    for (range, id) in cuts {
        text.push_str(&raw.get()[done..range.start]);
        text.push_str(id);
        done = range.end;
    }
    text.push_str(&raw.get()[done..]);
    RawValue::from_string(text).map_err(|error| DecodeError::from_json(&error, None))
}

/// The entries of an object in order, repeated keys included, each value as its text.
fn entries(object: &RawValue) -> Result<Vec<(String, &RawValue)>, DecodeError> {
    parse::<Entries<'_>>(object).map(|entries| entries.0)
}

fn parse<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, DecodeError> {
    serde_json::from_str(raw.get()).map_err(|error| DecodeError::from_json(&error, None))
}

struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Entries<'de>, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn expanded_objects_leave_their_ids_in_place() {
        let lifted = lift(&raw(
            r#"{"id":"o1","contact":{"name":"Ada","id":"c1"},"n": 1.0,"applications":[{"id":"a1"},"a2", {"x":[{}],"id":"a3"}],"z":{}}"#,
        ))
        .unwrap();
        assert_eq!(
            lifted.opportunity.get(),
            r#"{"id":"o1","contact":"c1","n": 1.0,"applications":["a1","a2", "a3"],"z":{}}"#
        );
        let text =
            |object: &Result<Box<RawValue>, Malformed>| object.as_ref().unwrap().get().to_owned();
        assert_eq!(
            lifted.contact.as_ref().map(text).as_deref(),
            Some(r#"{"name":"Ada","id":"c1"}"#)
        );
        let applications: Vec<_> = lifted.applications.iter().map(text).collect();
        assert_eq!(applications, [r#"{"id":"a1"}"#, r#"{"x":[{}],"id":"a3"}"#]);
    }

    #[test]
    fn a_plain_read_comes_back_untouched() {
        let plain = "{ \"id\" : \"o1\",\n \"contact\":null, \"applications\": [ ] , \"caf\\u00e9\": \"\\ud83d\\ude00\" }";
        let lifted = lift(&raw(plain)).unwrap();
        assert_eq!(lifted.opportunity.get(), plain);
        assert!(lifted.applications.is_empty() && lifted.contact.is_none());
    }

    #[test]
    fn an_expanded_object_without_an_id_leaves_null_in_its_place() {
        for odd in [
            "{}",
            r#"{"id":""}"#,
            r#"{"id":7}"#,
            r#"{"id":null,"name":"Ada"}"#,
            "[]",
            "true",
        ] {
            let text = format!(r#"{{"id":"o","contact":{odd},"applications":["a",{odd}]}}"#);
            let lifted = lift(&raw(&text)).unwrap();
            assert_eq!(
                lifted.opportunity.get(),
                r#"{"id":"o","contact":null,"applications":["a",null]}"#
            );
            assert_eq!(lifted.contact.unwrap().unwrap_err().raw, odd);
            assert_eq!(lifted.applications.len(), 1);
            let application = lifted.applications[0].as_ref();
            assert_eq!(application.unwrap_err().raw, odd);
        }
    }

    #[test]
    fn ids_are_left_alone() {
        let plain = r#"{"contact":7,"applications":["a",7,-1,null,""]}"#;
        let lifted = lift(&raw(plain)).unwrap();
        assert_eq!(lifted.opportunity.get(), plain);
        assert!(lifted.applications.is_empty() && lifted.contact.is_none());
    }

    #[test]
    fn what_is_no_object_is_an_error() {
        for text in ["[]", "null", "7"] {
            assert!(lift(&raw(text)).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn lifting_an_expanded_read_gives_the_plain_read(
            ids in proptest::collection::vec("[a-z0-9-]{1,12}", 0..4),
            contact in "[a-z0-9-]{1,12}",
            name in ".*",
            contact_first: bool,
        ) {
            let quoted = |text: &str| serde_json::to_string(text).unwrap();
            let object = |id: &str| format!(r#"{{"name":{},"id":{}}}"#, quoted(&name), quoted(id));
            let document = |contact: String, applications: Vec<String>| {
                let contact = format!(r#""contact":{contact}"#);
                let applications = format!(r#""applications":[{}]"#, applications.join(","));
                let (first, second) = if contact_first { (contact, applications) } else { (applications, contact) };
                format!(r#"{{"name":{},{first},"x":[1, 2],{second}}}"#, quoted(&name))
            };
            let expanded = document(object(&contact), ids.iter().map(|id| object(id)).collect());
            let plain = document(quoted(&contact), ids.iter().map(|id| quoted(id)).collect());
            let lifted = lift(&raw(&expanded)).unwrap();
            prop_assert_eq!(lifted.opportunity.get(), plain);
            prop_assert_eq!(lifted.applications.len(), ids.len());
        }

        #[test]
        fn no_document_makes_it_panic(text in r#"[\[\]{}":,a-d0-9 ]{0,40}"#) {
            if let Ok(raw) = RawValue::from_string(format!(r#"{{"contact":{text},"applications":{text}}}"#)) {
                let _ = lift(&raw);
            }
        }
    }
}
