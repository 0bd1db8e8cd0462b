//! Making opportunities, with or without files.

use serde::Deserialize;
use serde_json::{Value, json};

use super::table::bodies;
use super::{Endpoint, FileSource, Part, Reply, Request, table};
use crate::decode::{self, DecodeError};
use crate::page::Record;
use crate::registry::{self, Operation};
use crate::{
    ArchiveReasonId, ContactId, Opportunity, Origin, Phone, PostingId, StageId, Timestamp, UserId,
};

/// Makes an opportunity. Sent twice it makes two, of one person when an address is given.
///
/// With an address Lever already knows, the person is kept as it is known; an opportunity is made all the same. With a
/// posting the application is made too. With files the body is one of parts, else JSON.
///
/// Lever: "Create an opportunity", `POST /opportunities`; fixture `opportunity.create.response.json`.
#[derive(Debug, Clone)]
pub struct CreateOpportunity {
    /// The Lever user named as having made it; owns it unless somebody else is given.
    pub perform_as: UserId,
    /// Make the owner of the posting its owner.
    pub perform_as_posting_owner: bool,
    /// Read name, headline, addresses, phones, location, company and links from the resume; what is given wins.
    pub parse: bool,
    /// The resume.
    pub resume: Option<FileSource>,
    /// Other files; 30 MB with the resume.
    pub files: Vec<FileSource>,
    /// What is known of the person and the candidacy.
    pub body: OpportunityWrite,
}

bodies! {
    /// A person and a candidacy to make; nothing is required.
    #[derive(Default)]
    struct OpportunityWrite
    may {
        /// The person's name.
        name: String,
        /// The person's headline.
        headline: String,
        /// The stage; without it `lead-new`.
        stage: StageId,
        /// Where the person lives.
        location: String,
        /// How the person came into Lever.
        origin: Origin,
        /// Who owns it.
        owner: UserId,
        /// When it was made; not in the future.
        created_at: Timestamp,
        /// How it ended; needs an earlier `created_at` when it ended in the past.
        archived: ArchivedWrite,
        /// The person, when Lever knows them: addresses, phones, tags and links are added to them.
        contact: ContactId,
        /// The location of the posting, or `unspecified`.
        opportunity_location: String,
    }
    lists {
        /// The person's telephone numbers.
        phones: Phone,
        /// The person's addresses.
        emails: String,
        /// The person's links.
        links: String,
        /// Tags; those Lever does not know are made.
        tags: String,
        /// Sources; those Lever does not know are made.
        sources: String,
        /// Who follows it.
        followers: UserId,
        /// The posting; Lever takes one at most.
        postings: PostingId,
    }

    /// How an opportunity to make ended.
    struct ArchivedWrite
    must {
        /// Why.
        reason: ArchiveReasonId,
    }
    may {
        /// When; without it, now.
        archived_at: Timestamp,
    }
}

impl Endpoint for CreateOpportunity {
    type Reply = CreatedOpportunity;
    const OPERATION: &'static Operation = &registry::CREATE_OPPORTUNITY;

    fn request(&self) -> Request {
        let owner = self.perform_as_posting_owner.then_some(true);
        let request = Request::post(["opportunities"])
            .query("perform_as", Some(&self.perform_as))
            .query("parse", self.parse.then_some(true))
            .query("perform_as_posting_owner", owner);
        let body = table::body(&self.body);
        let files = self.file_parts();
        if files.is_empty() {
            return request.json(body);
        }
        request.multipart(fields(&body).chain(files).collect())
    }
}

impl CreateOpportunity {
    fn file_parts(&self) -> Vec<Part> {
        let name = if self.files.len() == 1 {
            "files"
        } else {
            "files[]"
        };
        let resume = self
            .resume
            .iter()
            .map(|file| Part::file("resumeFile", file.clone()));
        let files = self.files.iter().map(|file| Part::file(name, file.clone()));
        resume.chain(files).collect()
    }
}

/// The fields of a body as parts: lists as `tags[]` once for each element, objects as `archived[reason]`.
fn fields(body: &Value) -> impl Iterator<Item = Part> {
    let mut parts = Vec::new();
    for (name, value) in body.as_object().into_iter().flatten() {
        match value {
            Value::Array(elements) => parts.extend(
                elements
                    .iter()
                    .map(|element| Part::text(format!("{name}[]"), text(element))),
            ),
            Value::Object(fields) => parts.extend(
                fields
                    .iter()
                    .map(|(field, value)| Part::text(format!("{name}[{field}]"), text(value))),
            ),
            _ => parts.push(Part::text(name, text(value))),
        }
    }
    parts.into_iter()
}

/// Text as it is, all else as JSON; so a telephone number is sent as an object, as a public client does it.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => json!(other).to_string(),
    }
}

/// The opportunity Lever made.
#[derive(Debug, Clone)]
pub struct CreatedOpportunity {
    /// The opportunity, the person's attributes filled in.
    pub record: Record<Opportunity>,
    /// Whether Lever already knew the person; none when it does not say.
    pub deduped: Option<bool>,
}

impl Reply for CreatedOpportunity {
    fn from_json(body: &[u8]) -> Result<CreatedOpportunity, DecodeError> {
        #[derive(Deserialize)]
        struct Envelope {
            deduped: Option<bool>,
        }

        let record = Record::from_json(body)?;
        let text =
            std::str::from_utf8(body).map_err(|_| DecodeError::new("answer is not UTF-8"))?;
        let Envelope { deduped } = decode::value(text)?;
        Ok(CreatedOpportunity { record, deduped })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::testing::sent;

    fn create() -> CreateOpportunity {
        CreateOpportunity {
            perform_as: "u1".into(),
            perform_as_posting_owner: false,
            parse: false,
            resume: None,
            files: Vec::new(),
            body: OpportunityWrite {
                name: Some("Ada".to_owned()),
                created_at: Some(Timestamp::from_millis(7)),
                archived: Some(ArchivedWrite {
                    reason: "r1".into(),
                    archived_at: Some(Timestamp::from_millis(8)),
                }),
                phones: vec![Phone {
                    kind: None,
                    value: "+1 555-0100".to_owned(),
                }],
                tags: vec!["a".to_owned(), "b".to_owned()],
                postings: vec!["p1".into()],
                ..OpportunityWrite::default()
            },
        }
    }

    #[test]
    fn without_files_it_is_json() {
        let body = json!({"name": "Ada", "createdAt": 7, "archived": {"reason": "r1", "archivedAt": 8},
            "phones": [{"value": "+1 555-0100"}], "tags": ["a", "b"], "postings": ["p1"]});
        let expected = "POST /opportunities?perform_as=u1".to_owned();
        assert_eq!(sent(&create()), (expected, Some(body)));
        assert!(!format!("{:?}", create()).contains("Ada"));
    }

    #[test]
    fn with_files_it_is_parts() {
        let resume = FileSource::from_bytes("cv.pdf", "%PDF");
        let call = CreateOpportunity {
            parse: true,
            perform_as_posting_owner: true,
            resume: Some(resume.clone()),
            ..create()
        };
        let expected = "POST /opportunities?perform_as=u1&parse=true&perform_as_posting_owner=true";
        assert_eq!(sent(&call), (expected.to_owned(), None));
        let expected = [
            Part::text("name", "Ada"),
            Part::text("createdAt", "7"),
            Part::text("archived[reason]", "r1"),
            Part::text("archived[archivedAt]", "8"),
            Part::text("phones[]", r#"{"value":"+1 555-0100"}"#),
            Part::text("tags[]", "a"),
            Part::text("tags[]", "b"),
            Part::text("postings[]", "p1"),
            Part::file("resumeFile", resume),
        ];
        assert_eq!(call.request().parts(), expected);
    }

    #[test]
    fn several_files_share_a_name() {
        let file = || FileSource::from_bytes("a.txt", "a");
        let names = |files: Vec<FileSource>| {
            let call = CreateOpportunity {
                files,
                body: OpportunityWrite::default(),
                ..create()
            };
            let request = call.request();
            let names = request.parts().iter().map(|part| part.name().to_owned());
            names.collect::<Vec<_>>()
        };
        assert_eq!(names(vec![file()]), ["files"]);
        assert_eq!(names(vec![file(), file()]), ["files[]", "files[]"]);
    }

    #[test]
    fn the_answer_tells_whether_the_person_was_known() {
        let read = |body: &str| CreatedOpportunity::from_json(body.as_bytes()).unwrap();
        let known = read(r#"{"deduped":true,"data":{"id":"o1"}}"#);
        assert_eq!(
            (known.record.value.id.as_str(), known.deduped),
            ("o1", Some(true))
        );
        assert_eq!(read(r#"{"data":{"id":"o1"}}"#).deduped, None);
    }
}
