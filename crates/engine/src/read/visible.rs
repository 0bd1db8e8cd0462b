//! What a caller may see: confidential people, secret notes, fields left out.

use std::sync::Arc;

use domain::candidacy::is_confidential_word;
use domain::{Connection, ConnectionId, Stream, excluded};
use lever::{ContactId, GetOpportunity, Lane, OpportunityId};
use serde::Deserialize;
use store::Secrecy;

use super::RawRecord;
use super::resource;
use crate::engine::Engine;
use crate::error::{Error, Result, about_id};
use crate::link::Link;

/// Extra rights of the caller a record is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Viewer {
    /// Whether confidential people and jobs are shown.
    pub confidential: bool,
}

/// What a document says about who may see it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Marks {
    #[serde(default)]
    confidentiality: Option<serde_json::Value>,
    #[serde(default)]
    secret: Option<serde_json::Value>,
    #[serde(default)]
    opportunity_id: Option<serde_json::Value>,
}

impl Marks {
    pub(super) fn of(raw: &str) -> Marks {
        serde_json::from_str(raw).unwrap_or_default()
    }

    fn confidential(&self) -> bool {
        let word = self.confidentiality.as_ref();
        is_confidential_word(word.and_then(serde_json::Value::as_str))
    }

    fn secret(&self) -> bool {
        let flag = self.secret.as_ref();
        flag.is_some_and(|flag| flag.as_bool() == Some(true) || flag.as_str() == Some("true"))
    }

    /// The opportunity a record says it belongs to.
    pub(super) fn opportunity(&self) -> Option<String> {
        let id = self.opportunity_id.as_ref()?.as_str()?;
        (!id.is_empty()).then(|| id.to_owned())
    }
}

/// Whether a document says that it is confidential; opportunities, postings and requisitions do.
pub(crate) fn is_confidential(raw: &str) -> bool {
    Marks::of(raw).confidential()
}

/// Whether a document, read or not, says in so many words that it is not confidential.
pub(crate) fn surely_open(raw: &str) -> bool {
    let word = Marks::of(raw).confidentiality;
    word.as_ref().and_then(serde_json::Value::as_str) == Some("non-confidential")
}

/// What a document says about being confidential: answers for equal opportunity name their opportunity instead.
pub(crate) fn secrecy(raw: &str) -> Secrecy {
    let marks = Marks::of(raw);
    match marks.opportunity() {
        _ if marks.confidential() => Secrecy::Confidential,
        Some(opportunity) => Secrecy::AsOpportunity(opportunity.into()),
        None => Secrecy::Open,
    }
}

/// The opportunity that a document says it belongs to.
pub(crate) fn opportunity_in(raw: &str) -> Option<OpportunityId> {
    Marks::of(raw).opportunity().map(OpportunityId::from)
}

/// Whether a document is a note that says it is secret.
pub(crate) fn is_secret(raw: &str) -> bool {
    Marks::of(raw).secret()
}

/// Longer texts are ids of nothing in Lever.
pub(crate) const LONGEST_ID: usize = 200;

/// What one caller may see of one connection.
pub(crate) struct Sight<'e> {
    pub(super) engine: &'e Engine,
    pub(crate) connection: Connection,
    pub(crate) link: Arc<Link>,
    /// What the caller may see where the key of the connection sees it too.
    pub(crate) viewer: Viewer,
}

impl Sight<'_> {
    /// Whether the caller may see everybody; what a live read has taught of the key counts at once.
    pub(crate) fn sees_confidential(&self) -> bool {
        self.viewer.confidential && !self.link.access.hides()
    }

    fn id(&self) -> ConnectionId {
        self.connection.id
    }

    /// The record as the caller may see it; none if not at all.
    ///
    /// A record that belongs to a confidential opportunity is as confidential as that.
    pub(crate) async fn shown(
        &self,
        stream: Stream,
        mut record: RawRecord,
    ) -> Result<Option<RawRecord>> {
        let marks = Marks::of(&record.raw);
        if stream == Stream::Notes && marks.secret() && !self.connection.include_secret_notes {
            return Ok(None);
        }
        if record.opportunity.is_none() {
            record.opportunity = marks.opportunity();
        }
        if !self.sees_confidential()
            && (marks.confidential() || self.belongs_to_hidden(stream, &record).await?)
        {
            return Ok(None);
        }
        let kept = excluded::without(stream, &record.raw, &self.connection.excluded_fields);
        if let std::borrow::Cow::Owned(kept) = kept {
            record.raw = kept;
        }
        Ok(Some(record))
    }

    async fn belongs_to_hidden(&self, stream: Stream, record: &RawRecord) -> Result<bool> {
        match (stream, &record.opportunity) {
            (Stream::Opportunities, _) => Ok(false),
            (Stream::Contacts, _) => {
                self.hides_person(&ContactId::from(record.id.as_str()))
                    .await
            }
            (Stream::PostingForms, _) => self.hides(Stream::Postings, &record.id).await,
            (_, Some(opportunity)) => {
                let opportunity = OpportunityId::from(opportunity.as_str());
                self.engine.is_confidential(self.id(), &opportunity).await
            }
            (_, None) => Ok(false),
        }
    }

    /// Whether the mirror has a record that is confidential.
    async fn hides(&self, stream: Stream, id: &str) -> Result<bool> {
        let record = self
            .engine
            .shared
            .store
            .record(self.id(), stream, id)
            .await?;
        Ok(record.is_some_and(|record| is_confidential(&record.raw)))
    }

    /// A person is seen through an opportunity: one that is not confidential is enough.
    async fn hides_person(&self, contact: &ContactId) -> Result<bool> {
        let store = &self.engine.shared.store;
        for opportunity in store.opportunities_of_contact(self.id(), contact).await? {
            if !self.engine.is_confidential(self.id(), &opportunity).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Refuses a write whose `field` names somebody or something confidential, as if that did not exist.
    ///
    /// What the text is an id of is not known: it counts whatever the mirror has under it.
    pub(crate) async fn check_named(&self, field: &str, text: &str) -> Result<()> {
        let no_id = text.is_empty()
            || text.len() > LONGEST_ID
            || text.contains(|c: char| c.is_whitespace() || c.is_control());
        if self.sees_confidential() || no_id {
            return Ok(());
        }
        let store = &self.engine.shared.store;
        let opportunity = OpportunityId::from(text);
        let contact = ContactId::from(text);
        let people = store.opportunities_of_contact(self.id(), &contact).await?;
        let hidden = self.engine.is_confidential(self.id(), &opportunity).await?
            || (!people.is_empty() && self.hides_person(&contact).await?)
            || self.hides(Stream::Postings, text).await?
            || self.hides(Stream::Requisitions, text).await?;
        if hidden {
            return Err(Error::invalid(
                field,
                "it names a record that does not exist, or that this token may not see: \
                 leave its id out, or use a token with the right confidential",
            ));
        }
        Ok(())
    }

    /// Refuses what a path names if the caller may not see it, as if it did not exist.
    pub(crate) async fn check_path(&self, parameter: &str, id: &str) -> Result<()> {
        if self.sees_confidential() {
            return Ok(());
        }
        let (stream, hidden) = match parameter {
            "opportunity" | "candidate" => {
                let hidden = self.hides_opportunity(&OpportunityId::from(id)).await?;
                (Stream::Opportunities, hidden)
            }
            "contact" => (
                Stream::Contacts,
                self.hides_person(&ContactId::from(id)).await?,
            ),
            "posting" => (Stream::Postings, self.hides(Stream::Postings, id).await?),
            "requisition" => (
                Stream::Requisitions,
                self.hides(Stream::Requisitions, id).await?,
            ),
            below => match below_people(below) {
                Some(stream) => (stream, self.hides_below(stream, id).await?),
                None => return Ok(()),
            },
        };
        if hidden {
            return Err(Error::not_found(resource::one(stream), id));
        }
        Ok(())
    }

    /// Whether the mirror has a record below somebody confidential: it is not had through anybody else's id either.
    async fn hides_below(&self, stream: Stream, id: &str) -> Result<bool> {
        let store = &self.engine.shared.store;
        let record = store.record(self.id(), stream, id).await?;
        let person = record
            .and_then(|record| record.parent)
            .map(OpportunityId::from);
        match person {
            Some(person) => self.engine.is_confidential(self.id(), &person).await,
            None => Ok(false),
        }
    }

    /// Whether an opportunity is confidential; where the mirror does not know it, Lever is asked.
    async fn hides_opportunity(&self, opportunity: &OpportunityId) -> Result<bool> {
        let shared = &self.engine.shared;
        match shared.store.candidacy(self.id(), opportunity).await? {
            Some(candidacy) => Ok(candidacy.confidential),
            None => {
                let read = GetOpportunity {
                    opportunity: opportunity.clone(),
                    expand: Vec::new(),
                };
                let client = self.link.client(Lane::Interactive);
                match client.send(&read).await {
                    Ok(record) => Ok(is_confidential(record.raw.get())),
                    Err(error) if matches!(error.kind(), lever::ErrorKind::NotFound) => {
                        Err(Error::not_found("opportunity", opportunity.as_str()))
                    }
                    Err(error) => Err(about_id(error, "opportunity_id")),
                }
            }
        }
    }
}

/// The stream of what a path parameter names, if that is read below a person.
fn below_people(parameter: &str) -> Option<Stream> {
    Some(match parameter {
        "feedback" => Stream::Feedback,
        "file" => Stream::Files,
        "form" => Stream::Forms,
        "interview" => Stream::Interviews,
        "note" => Stream::Notes,
        "offer" => Stream::Offers,
        "panel" => Stream::Panels,
        "referral" => Stream::Referrals,
        "resume" => Stream::Resumes,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn only_a_document_that_says_so_is_confidential_or_secret() {
        assert!(is_confidential(r#"{"confidentiality":"confidential"}"#));
        assert!(is_secret(r#"{"secret":true}"#) && is_secret(r#"{"secret":"true"}"#));
        for open in [
            r#"{"confidentiality":"non-confidential","secret":false}"#,
            r#"{"confidentiality":null,"secret":null}"#,
            r#"{"confidentiality":{},"secret":[]}"#,
            "{}",
            "[]",
            "",
        ] {
            assert!(!is_confidential(open) && !is_secret(open), "{open}");
        }
        assert!(surely_open(r#"{"confidentiality":"non-confidential"}"#));
        for unclear in [
            r#"{"confidentiality":"confidential"}"#,
            "{}",
            "non-confidential",
        ] {
            assert!(!surely_open(unclear), "{unclear}");
        }
        // One odd value does not hide what the others say.
        assert!(is_confidential(
            r#"{"confidentiality":"confidential","secret":{}}"#
        ));
    }

    #[test]
    fn a_record_that_does_not_say_is_as_confidential_as_its_opportunity() {
        for (raw, expected) in [
            (
                r#"{"confidentiality":"confidential"}"#,
                Secrecy::Confidential,
            ),
            (
                r#"{"confidentiality":"confidential","opportunityId":"o"}"#,
                Secrecy::Confidential,
            ),
            (
                r#"{"gender":"f","opportunityId":"o"}"#,
                Secrecy::AsOpportunity("o".into()),
            ),
            (r#"{"confidentiality":"non-confidential"}"#, Secrecy::Open),
            ("", Secrecy::Open),
        ] {
            assert_eq!(secrecy(raw), expected, "{raw}");
        }
    }

    /// Somebody with one file, `file-of-<id>`.
    fn person(id: &str, confidentiality: &str) -> Vec<store::Incoming> {
        let raw = format!(r#"{{"id":"{id}","confidentiality":"{confidentiality}"}}"#);
        let person = testing::opportunity(id, &raw);
        let file = store::Incoming {
            parent: Some(domain::Parent::Opportunity(id.into())),
            ..testing::incoming(Stream::Files, &format!("file-of-{id}"), "{}")
        };
        vec![person, file]
    }

    #[tokio::test]
    async fn what_is_below_a_hidden_person_is_reached_through_nobody() {
        let folder = tempfile::TempDir::new().unwrap();
        let people = [
            person("open", "non-confidential"),
            person("closed", "confidential"),
        ];
        let (engine, id) = testing::engine(folder.path(), people.concat()).await;
        for (confidential, file, found) in [
            (false, "file-of-open", true),
            (false, "file-of-nobody", true),
            (false, "file-of-closed", false),
            (true, "file-of-closed", true),
        ] {
            let viewer = Viewer { confidential };
            let seen = engine
                .sight(id, viewer)
                .unwrap()
                .check_path("file", file)
                .await;
            assert_eq!(seen.is_ok(), found, "{confidential} {file}");
        }
    }

    #[test]
    fn a_record_names_its_opportunity_or_does_not() {
        let named = Marks::of(r#"{"opportunityId":"o"}"#).opportunity();
        assert_eq!(named.as_deref(), Some("o"));
        for none in ["{}", r#"{"opportunityId":""}"#, r#"{"opportunityId":null}"#] {
            assert_eq!(Marks::of(none).opportunity(), None, "{none}");
        }
    }
}
