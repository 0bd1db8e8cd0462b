//! Turns a page of Lever's into records for the mirror.

use std::borrow::Cow;

use domain::{Candidacy, Connection, Parent, Stream, Timestamp, excluded};
use lever::{Any, Malformed, Page, Record};
use serde_json::value::RawValue;
use store::{Deleted, Incoming, Quarantined};

/// What a page brings.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) records: Vec<Incoming>,
    pub(super) quarantined: Vec<Quarantined>,
}

/// A record of an account list, without the fields the connection does not keep.
fn incoming_record<T: Keyed>(
    connection: &Connection,
    stream: Stream,
    record: &Record<T>,
) -> Incoming {
    Incoming {
        stream,
        id: record.value.key().to_owned(),
        raw: excluded::without(stream, record.raw.get(), &connection.excluded_fields).into_owned(),
        updated_at: record.value.updated_at(),
        rank: 0,
        candidacy: None,
        posting_state: record.value.posting_state(),
        parent: None,
    }
}

/// A page of an account list.
///
/// `first_rank` is the place of its first record in Lever's order.
pub(super) fn account_page<T: Keyed>(
    connection: &Connection,
    stream: Stream,
    page: Page<T>,
    first_rank: u32,
    now: Timestamp,
) -> Content {
    let mut content = Content::default();
    for (record, rank) in page.records.into_iter().zip(first_rank..) {
        match record {
            Ok(record) => content.records.push(Incoming {
                rank,
                ..incoming_record(connection, stream, &record)
            }),
            Err(malformed) => content
                .quarantined
                .push(quarantined(connection, stream, malformed, now)),
        }
    }
    content
}

/// A page of opportunities read with their applications and contact.
///
/// The expanded objects are lifted into their own streams and ids put back,
/// so that the stored opportunity equals a plain read.
pub(super) fn opportunity_page(
    connection: &Connection,
    page: Page<Any>,
    now: Timestamp,
) -> Content {
    let mut content = Content::default();
    for record in page.records {
        match record.and_then(|record| incoming_opportunity(connection, &record.raw)) {
            Ok(records) => {
                content
                    .quarantined
                    .extend(not_expanded(connection, &records, now));
                content.records.extend(records);
            }
            Err(malformed) => content.quarantined.push(quarantined(
                connection,
                Stream::Opportunities,
                malformed,
                now,
            )),
        }
    }
    content
}

/// The contact of an opportunity that was asked for whole and came as its id alone: missing from the mirror, which must
/// not pass for a person without one.
fn not_expanded(
    connection: &Connection,
    records: &[Incoming],
    now: Timestamp,
) -> Option<Quarantined> {
    let candidacy = records.first()?.candidacy.as_ref()?;
    let contact = candidacy.contact.as_ref()?;
    let whole = || {
        records
            .iter()
            .any(|record| record.stream == Stream::Contacts)
    };
    (connection.keeps(Stream::Contacts) && !whole()).then(|| Quarantined {
        stream: Stream::Contacts,
        id: Some(contact.as_str().to_owned()),
        parent: Some(Parent::Opportunity(candidacy.opportunity.clone())),
        raw: serde_json::Value::from(contact.as_str()).to_string(),
        reason: "only its id came, though it was asked for with expand=contact".to_owned(),
        at: now,
    })
}

/// A page of a list that tells what Lever deleted.
///
/// A record without a time counts as deleted now: it is in the list, so it is gone.
pub(super) fn deleted_page(
    connection: &Connection,
    stream: Stream,
    page: Page<Any>,
    now: Timestamp,
) -> (Content, Vec<Deleted>) {
    let mut content = Content::default();
    let mut deleted = Vec::new();
    for record in page.records {
        let gone = record.and_then(|record| {
            Record::<Gone>::from_raw(record.raw.clone()).map_err(|fault| Malformed {
                raw: record.raw.get().to_owned(),
                reason: fault.to_string(),
            })
        });
        match gone {
            Ok(record) => deleted.push(Deleted {
                stream,
                id: record.value.id,
                at: record.value.deleted_at.unwrap_or(now),
            }),
            Err(malformed) => content
                .quarantined
                .push(quarantined(connection, stream, malformed, now)),
        }
    }
    (content, deleted)
}

/// What is left of a deleted record.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Gone {
    id: String,
    #[serde(default)]
    deleted_at: Option<Timestamp>,
}

/// One opportunity with what was expanded in it.
///
/// # Errors
/// [`Malformed`] if the document cannot be read; it then goes to quarantine whole.
pub(crate) fn incoming_opportunity(
    connection: &Connection,
    raw: &RawValue,
) -> Result<Vec<Incoming>, Malformed> {
    let malformed = |reason: String| Malformed {
        raw: raw.get().to_owned(),
        reason,
    };
    let lifted = lever::expand::lift(raw).map_err(|error| malformed(error.to_string()))?;
    let unreadable = |error: lever::DecodeError| malformed(error.to_string());
    let kept = excluded::without(
        Stream::Opportunities,
        lifted.opportunity.get(),
        &connection.excluded_fields,
    );
    // What is not kept is not derived from either.
    let kept = match kept {
        Cow::Borrowed(_) => lifted.opportunity,
        Cow::Owned(text) => {
            RawValue::from_string(text).map_err(|error| malformed(error.to_string()))?
        }
    };
    let opportunity: Record<lever::Opportunity> = Record::from_raw(kept).map_err(unreadable)?;
    let applications = lifted
        .applications
        .into_iter()
        .map(Record::from_raw)
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable)?;
    let contact = lifted
        .contact
        .map(Record::from_raw)
        .transpose()
        .map_err(unreadable)?;

    let mut records = Vec::with_capacity(2 + applications.len());
    let application: Option<&Record<lever::Application>> = applications.first();
    let candidacy =
        Candidacy::from_lever(&opportunity.value, application.map(|record| &record.value));
    records.push(Incoming {
        candidacy: Some(candidacy),
        ..incoming_record(connection, Stream::Opportunities, &opportunity)
    });
    if connection.keeps(Stream::Applications) {
        records.extend(
            applications
                .iter()
                .map(|record| incoming_record(connection, Stream::Applications, record)),
        );
    }
    if connection.keeps(Stream::Contacts) {
        records.extend(contact.iter().map(|record: &Record<lever::Contact>| {
            incoming_record(connection, Stream::Contacts, record)
        }));
    }
    Ok(records)
}

fn quarantined(
    connection: &Connection,
    stream: Stream,
    malformed: Malformed,
    now: Timestamp,
) -> Quarantined {
    let kept = excluded::without(stream, &malformed.raw, &connection.excluded_fields);
    Quarantined {
        stream,
        id: stream.key_in(&malformed.raw),
        parent: None,
        raw: kept.into_owned(),
        reason: malformed.reason,
        at: now,
    }
}

/// A record that has a key in the mirror.
pub(crate) trait Keyed {
    /// Lever's id, or the text itself for tags and sources.
    fn key(&self) -> &str;
    /// Lever's stamp, where the record has one.
    fn updated_at(&self) -> Option<Timestamp> {
        None
    }
    /// For postings: where they stand.
    fn posting_state(&self) -> Option<lever::PostingState> {
        None
    }
}

macro_rules! keyed_by_id {
    ($($type:ty),*) => { $(impl Keyed for $type { fn key(&self) -> &str { self.id.as_str() } })* };
}

keyed_by_id!(
    lever::User,
    lever::Stage,
    lever::ArchiveReason,
    lever::Application,
    lever::Contact,
    lever::Note
);

impl Keyed for lever::CountedText {
    fn key(&self) -> &str {
        &self.text
    }
}

impl Keyed for lever::Posting {
    fn key(&self) -> &str {
        self.id.as_str()
    }

    fn posting_state(&self) -> Option<lever::PostingState> {
        self.state.clone()
    }

    fn updated_at(&self) -> Option<Timestamp> {
        self.updated_at
    }
}

impl Keyed for lever::Opportunity {
    fn key(&self) -> &str {
        self.id.as_str()
    }

    fn updated_at(&self) -> Option<Timestamp> {
        self.updated_at
    }
}

#[cfg(test)]
mod tests {
    use domain::ExcludedField;

    use super::*;
    use crate::testing;

    fn connection(streams: &[Stream]) -> Connection {
        testing::connection(streams, Timestamp::default())
    }

    const EXPANDED: &str = r#"{"id":"o","name":"Ada","contact":{"id":"c","name":"Ada"},"stage":"s","applications":[{"id":"a","posting":"p","createdAt":7}],"createdAt":5,"new":{"x":1.0}}"#;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn expanded_objects_go_to_their_streams_and_the_opportunity_equals_a_plain_read() {
        let records = incoming_opportunity(&connection(Stream::DEFAULT), &raw(EXPANDED)).unwrap();
        let kinds: Vec<_> = records
            .iter()
            .map(|record| (record.stream, record.id.as_str()))
            .collect();
        assert_eq!(
            kinds,
            [
                (Stream::Opportunities, "o"),
                (Stream::Applications, "a"),
                (Stream::Contacts, "c")
            ]
        );
        assert_eq!(
            records[0].raw,
            r#"{"id":"o","name":"Ada","contact":"c","stage":"s","applications":["a"],"createdAt":5,"new":{"x":1.0}}"#
        );
        let candidacy = records[0].candidacy.as_ref().unwrap();
        assert_eq!(candidacy.applied_at, Timestamp::from_millis(7));
        assert_eq!(
            candidacy.posting.as_ref().map(|posting| posting.as_str()),
            Some("p")
        );
    }

    #[test]
    fn s04_a_field_that_is_not_kept_is_neither_stored_nor_derived_from() {
        let without_name = Connection {
            excluded_fields: [ExcludedField::parse("opportunities.name").unwrap()].into(),
            ..connection(&[Stream::Opportunities])
        };
        let records = incoming_opportunity(&without_name, &raw(EXPANDED)).unwrap();
        assert!(!records[0].raw.contains("Ada"), "{}", records[0].raw);
        assert_eq!(records[0].candidacy.as_ref().unwrap().name, "");
    }

    #[test]
    fn a_contact_that_came_as_its_id_alone_is_told_as_missing() {
        let told = |streams: &[Stream], opportunity: &str| {
            let body = format!(r#"{{"data":[{opportunity}]}}"#);
            let page = Page::from_json(body.as_bytes()).unwrap();
            let content = opportunity_page(&connection(streams), page, Timestamp::default());
            assert_eq!(content.records[0].stream, Stream::Opportunities);
            content.quarantined
        };
        let alone = r#"{"id":"o","contact":"c","createdAt":5}"#;
        let missing = told(Stream::DEFAULT, alone);
        assert_eq!(missing.len(), 1);
        assert_eq!(missing[0].stream, Stream::Contacts);
        assert_eq!(missing[0].raw, r#""c""#);
        assert!(missing[0].reason.contains("expand=contact"));
        assert_eq!(told(&[Stream::Opportunities], alone), []);
        assert_eq!(told(Stream::DEFAULT, EXPANDED), []);
        assert_eq!(told(Stream::DEFAULT, r#"{"id":"o","contact":null}"#), []);
    }

    #[test]
    fn a_stream_that_is_not_kept_is_not_stored() {
        let records =
            incoming_opportunity(&connection(&[Stream::Opportunities]), &raw(EXPANDED)).unwrap();
        assert_eq!(records.len(), 1);
    }

    #[test]
    fn one_malformed_record_goes_to_quarantine_and_the_page_goes_on() {
        let body = format!(r#"{{"data":[{EXPANDED},{{"name":"no id"}}],"hasNext":false}}"#);
        let page: Page<Any> = Page::from_json(body.as_bytes()).unwrap();
        let content = opportunity_page(&connection(Stream::DEFAULT), page, Timestamp::default());
        assert_eq!(content.records.len(), 3);
        assert_eq!(content.quarantined.len(), 1);
        assert_eq!(content.quarantined[0].raw, r#"{"name":"no id"}"#);
    }

    #[test]
    fn the_order_of_a_list_is_kept() {
        let body = r#"{"data":[{"id":"b","text":"B"},{"id":"a","text":"A"}],"hasNext":false}"#;
        let page: Page<lever::Stage> = Page::from_json(body.as_bytes()).unwrap();
        let connection = connection(&[Stream::Stages]);
        let content = account_page(&connection, Stream::Stages, page, 10, Timestamp::default());
        let ranks: Vec<_> = content
            .records
            .iter()
            .map(|record| (record.id.as_str(), record.rank))
            .collect();
        assert_eq!(ranks, [("b", 10), ("a", 11)]);
    }
}
