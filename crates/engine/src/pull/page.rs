//! Turns a page of Lever's into records for the mirror.

use std::borrow::Cow;
use std::collections::BTreeSet;

use domain::identity::{Identity, IdentityKey};
use domain::{Candidacy, Connection, Parent, Stream, Timestamp, excluded};
use lever::{Any, Malformed, Page, Record};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use store::{Deleted, Incoming, Quarantined};

use super::kept::stamp;

/// What a page brings.
#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) records: Vec<Incoming>,
    pub(crate) quarantined: Vec<Quarantined>,
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
        identity: BTreeSet::new(),
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
        match record.and_then(|record| incoming_opportunity(connection, &record.raw, now)) {
            Ok(opportunity) => {
                content.records.extend(opportunity.records);
                content.quarantined.extend(opportunity.quarantined);
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

/// A page of a list that tells what Lever deleted.
///
/// A record without a time that can be read counts as deleted now: it is in the list, so it is gone.
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
                at: stamp(record.value.deleted_at).unwrap_or(now),
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
    deleted_at: Option<serde_json::Value>,
}

/// One opportunity with what was expanded in it.
///
/// An application or a contact that cannot be read goes to quarantine alone, and so does one that was asked for whole
/// and came as its id: missing from the mirror, it must not pass for an opportunity without one.
///
/// # Errors
/// [`Malformed`] if the opportunity itself cannot be read; it then goes to quarantine whole.
pub(crate) fn incoming_opportunity(
    connection: &Connection,
    raw: &RawValue,
    now: Timestamp,
) -> Result<Content, Malformed> {
    let malformed = |reason: String| Malformed {
        raw: raw.get().to_owned(),
        reason,
    };
    let lifted = lever::expand::lift(raw).map_err(|error| malformed(error.to_string()))?;
    // What is not kept is not derived from either.
    let opportunity = kept(connection, Stream::Opportunities, lifted.opportunity)
        .and_then(|raw| Record::from_raw(raw).map_err(|fault| fault.to_string()))
        .map_err(malformed)?;
    let opportunity: Record<lever::Opportunity> = opportunity;
    let (applications, odd_applications) =
        read_each::<lever::Application>(connection, Stream::Applications, lifted.applications);
    let (contacts, odd_contacts) =
        read_each::<lever::Contact>(connection, Stream::Contacts, lifted.contact);

    let application = applications.first().map(|record| &record.value);
    let contact = contacts.first().map(|record| &record.value);
    let (candidacy, identity) = derived(&opportunity.value, application, contact);
    let mut content = Content::default();
    content.records.push(Incoming {
        candidacy: Some(candidacy),
        identity,
        ..incoming_record(connection, Stream::Opportunities, &opportunity)
    });
    let mut inner = Inner {
        connection,
        opportunity: &opportunity.value,
        now,
        content: &mut content,
    };
    let named = opportunity.value.applications.iter();
    inner.take(Stream::Applications, &applications, odd_applications);
    inner.tell_missing(
        Stream::Applications,
        named.map(lever::ApplicationId::as_str),
    );
    let named = opportunity.value.contact.iter();
    inner.take(Stream::Contacts, &contacts, odd_contacts);
    inner.tell_missing(Stream::Contacts, named.map(lever::ContactId::as_str));
    Ok(content)
}

/// What is derived from an opportunity with its first application and its contact, where they are known.
pub(crate) fn derived(
    opportunity: &lever::Opportunity,
    application: Option<&lever::Application>,
    contact: Option<&lever::Contact>,
) -> (Candidacy, BTreeSet<IdentityKey>) {
    let candidacy = Candidacy::from_lever(opportunity, application);
    let candidacy = match contact {
        Some(contact) => candidacy.with_consent(contact),
        None => candidacy,
    };
    let identity = Identity::of_opportunity(opportunity, application, contact);
    (candidacy, identity.keys())
}

/// Reads expanded objects, without the fields the connection does not keep; those that cannot be read are kept aside.
fn read_each<T: DeserializeOwned>(
    connection: &Connection,
    stream: Stream,
    lifted: impl IntoIterator<Item = Result<Box<RawValue>, Malformed>>,
) -> (Vec<Record<T>>, Vec<Malformed>) {
    let (mut records, mut odd) = (Vec::new(), Vec::new());
    for object in lifted {
        match object.and_then(|raw| read(connection, stream, raw)) {
            Ok(record) => records.push(record),
            Err(malformed) => odd.push(malformed),
        }
    }
    (records, odd)
}

fn read<T: DeserializeOwned>(
    connection: &Connection,
    stream: Stream,
    raw: Box<RawValue>,
) -> Result<Record<T>, Malformed> {
    let raw = kept(connection, stream, raw).map_err(|reason| Malformed {
        raw: String::new(),
        reason,
    })?;
    Record::from_raw_or_back(raw).map_err(|(fault, raw)| Malformed {
        raw: raw.get().to_owned(),
        reason: fault.to_string(),
    })
}

/// Collects what stood in one opportunity.
struct Inner<'a> {
    connection: &'a Connection,
    opportunity: &'a lever::Opportunity,
    now: Timestamp,
    content: &'a mut Content,
}

impl Inner<'_> {
    fn take<T: Keyed>(&mut self, stream: Stream, records: &[Record<T>], odd: Vec<Malformed>) {
        if !self.connection.keeps(stream) {
            return;
        }
        let records = records.iter();
        let records = records.map(|record| incoming_record(self.connection, stream, record));
        self.content.records.extend(records);
        for malformed in odd {
            self.set_aside(stream, malformed);
        }
    }

    /// Tells of those that are named, and neither came nor are set aside already.
    fn tell_missing<'i>(&mut self, stream: Stream, named: impl Iterator<Item = &'i str>) {
        if !self.connection.keeps(stream) {
            return;
        }
        for id in named {
            let came = self.content.records.iter();
            let came = came.map(|record| (record.stream, Some(record.id.as_str())));
            let aside = self.content.quarantined.iter();
            let aside = aside.map(|record| (record.stream, record.id.as_deref()));
            if came.chain(aside).any(|known| known == (stream, Some(id))) {
                continue;
            }
            let expand = match stream {
                Stream::Contacts => "contact",
                _ => stream.name(),
            };
            let malformed = Malformed {
                raw: serde_json::Value::from(id).to_string(),
                reason: format!("only its id came, though it was asked for with expand={expand}"),
            };
            self.set_aside(stream, malformed);
            if let Some(told) = self.content.quarantined.last_mut() {
                told.id = Some(id.to_owned());
            }
        }
    }

    fn set_aside(&mut self, stream: Stream, malformed: Malformed) {
        self.content.quarantined.push(Quarantined {
            parent: Some(Parent::Opportunity(self.opportunity.id.clone())),
            ..quarantined(self.connection, stream, malformed, self.now)
        });
    }
}

/// A document without the fields the connection does not keep.
fn kept(
    connection: &Connection,
    stream: Stream,
    raw: Box<RawValue>,
) -> Result<Box<RawValue>, String> {
    match excluded::without(stream, raw.get(), &connection.excluded_fields) {
        Cow::Borrowed(_) => Ok(raw),
        Cow::Owned(text) => RawValue::from_string(text).map_err(|error| error.to_string()),
    }
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

    fn incoming(connection: &Connection, opportunity: &str) -> Content {
        let raw = RawValue::from_string(opportunity.to_owned()).unwrap();
        incoming_opportunity(connection, &raw, Timestamp::default()).unwrap()
    }

    #[test]
    fn expanded_objects_go_to_their_streams_and_the_opportunity_equals_a_plain_read() {
        let records = incoming(&connection(Stream::DEFAULT), EXPANDED).records;
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
        let records = incoming(&without_name, EXPANDED).records;
        assert!(!records[0].raw.contains("Ada"), "{}", records[0].raw);
        assert_eq!(records[0].candidacy.as_ref().unwrap().name, "");
    }

    #[test]
    fn s04_a_field_of_the_application_is_not_derived_from_either() {
        let fields = ["applications.posting", "applications.createdAt"];
        let without_posting = Connection {
            excluded_fields: fields
                .iter()
                .map(|text| ExcludedField::parse(text).unwrap())
                .collect(),
            ..connection(Stream::DEFAULT)
        };
        let records = incoming(&without_posting, EXPANDED).records;
        assert_eq!(records[1].raw, r#"{"id":"a"}"#);
        let candidacy = records[0].candidacy.as_ref().unwrap();
        assert_eq!(candidacy.posting, None);
        assert_eq!(candidacy.applied_at, Timestamp::from_millis(5));
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
    fn applications_that_came_as_their_ids_alone_are_told_as_missing() {
        let bare = r#"{"id":"o","applications":["a",{"id":"b"},"c"]}"#;
        let content = incoming(&connection(Stream::DEFAULT), bare);
        let told: Vec<_> = content
            .quarantined
            .iter()
            .map(|told| (told.stream, told.id.as_deref(), told.raw.as_str()))
            .collect();
        let missing = Stream::Applications;
        assert_eq!(
            told,
            [
                (missing, Some("a"), r#""a""#),
                (missing, Some("c"), r#""c""#)
            ]
        );
        assert!(
            content.quarantined[0]
                .reason
                .contains("expand=applications")
        );
        assert_eq!(content.records.len(), 2);
    }

    #[test]
    fn x17_what_cannot_be_read_inside_an_opportunity_is_set_aside_alone() {
        let opportunity = r#"{"id":"o","contact":{"id":"c","name":[]},"tags":["a",7,true,"b"],"emails":[{}],"applications":[{"id":"a","createdAt":{}},{"posting":"p"},{"id":"b","posting":"q"}]}"#;
        let content = incoming(&connection(Stream::DEFAULT), opportunity);
        let kept: Vec<_> = content
            .records
            .iter()
            .map(|record| (record.stream, record.id.as_str()))
            .collect();
        assert_eq!(
            kept,
            [(Stream::Opportunities, "o"), (Stream::Applications, "b")]
        );
        assert_eq!(
            content.records[0].raw,
            r#"{"id":"o","contact":"c","tags":["a",7,true,"b"],"emails":[{}],"applications":["a",null,"b"]}"#
        );
        let candidacy = content.records[0].candidacy.as_ref().unwrap();
        assert_eq!(candidacy.tags, ["a", "7", "b"]);
        let aside: Vec<_> = content
            .quarantined
            .iter()
            .map(|aside| (aside.stream, aside.id.as_deref(), aside.raw.as_str()))
            .collect();
        assert_eq!(
            aside,
            [
                (
                    Stream::Applications,
                    Some("a"),
                    r#"{"id":"a","createdAt":{}}"#
                ),
                (Stream::Applications, None, r#"{"posting":"p"}"#),
                (Stream::Contacts, Some("c"), r#"{"id":"c","name":[]}"#),
            ]
        );
        let below = Some(Parent::Opportunity("o".into()));
        assert!(
            content
                .quarantined
                .iter()
                .all(|aside| aside.parent == below)
        );
    }

    #[test]
    fn a_stream_that_is_not_kept_is_not_stored() {
        let content = incoming(&connection(&[Stream::Opportunities]), EXPANDED);
        assert_eq!((content.records.len(), content.quarantined.len()), (1, 0));
        let bare = r#"{"id":"o","contact":{},"applications":["a",{}]}"#;
        let content = incoming(&connection(&[Stream::Opportunities]), bare);
        assert_eq!((content.records.len(), content.quarantined.len()), (1, 0));
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
    fn what_was_deleted_is_gone_whatever_its_time_looks_like() {
        let body =
            r#"{"data":[{"id":"a","deletedAt":1500.5},{"id":"b","deletedAt":""}],"hasNext":false}"#;
        let page: Page<Any> = Page::from_json(body.as_bytes()).unwrap();
        let connection = connection(&[Stream::Postings]);
        let now = Timestamp::from_millis(9_000);
        let (content, deleted) = deleted_page(&connection, Stream::Postings, page, now);
        assert!(content.quarantined.is_empty());
        let deleted: Vec<_> = deleted
            .iter()
            .map(|gone| (gone.id.as_str(), gone.at))
            .collect();
        let at = Timestamp::from_millis(1_500);
        assert_eq!(deleted, [("a", at), ("b", now)]);
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
