//! Ids of Lever's things, one type per kind so that none is taken for another.
//!
//! Most are UUIDs, some are slugs (`applicant-new`); none is ever parsed.

use std::fmt;

use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        ///
        /// Reads from text, from a number, and from an expanded object that carries the id as `id`;
        /// an empty id is an error.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The id as Lever writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> $name {
                $name(id.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> $name {
                $name(id)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                deserializer.deserialize_any(IdVisitor).map($name)
            }
        }
    )+};
}

ids! {
    /// The id of an opportunity; equal to the legacy candidate id.
    OpportunityId
    /// The id of a contact: the person behind one or more opportunities.
    ContactId
    /// The id of a stage: a UUID or a slug such as `lead-new`.
    StageId
    /// The id of a posting.
    PostingId
    /// The id of a Lever user.
    UserId
    /// The id of an archive reason.
    ArchiveReasonId
    /// The id of an application.
    ApplicationId
    /// The id of a note.
    NoteId
    /// The id of a requisition.
    RequisitionId
    /// The id of a field of requisitions: text such as `cost_center`.
    RequisitionFieldId
    /// The id of an offer.
    OfferId
    /// The id of an interview.
    InterviewId
    /// The id of a panel of interviews.
    PanelId
    /// The id of a feedback form.
    FeedbackId
    /// The id of a feedback template: a UUID or `no-feedback`.
    FeedbackTemplateId
    /// The id of a profile form.
    FormId
    /// The id of a template of profile forms.
    FormTemplateId
    /// The id of a referral.
    ReferralId
    /// The id of a resume.
    ResumeId
    /// The id of a file of an opportunity.
    FileId
    /// The id of something that happened to a file.
    FileActionId
    /// The id of an upload: a UUID with the name of the file behind it.
    UploadId
    /// The id of an answer to the EEO questions.
    EeoResponseId
    /// The id of a diversity survey.
    DiversitySurveyId
    /// The id of an audit event.
    AuditEventId
    /// The id of a webhook.
    WebhookId
}

struct IdVisitor;

impl<'de> Visitor<'de> for IdVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<String, E> {
        if text.is_empty() {
            Err(E::custom("empty id"))
        } else {
            Ok(text)
        }
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<String, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == "id" {
                found = Some(map.next_value::<String>()?);
            } else {
                map.next_value::<de::IgnoredAny>()?;
            }
        }
        self.visit_string(found.ok_or_else(|| de::Error::missing_field("id"))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_from_text_numbers_and_expanded_objects() {
        let read = |text| serde_json::from_str::<StageId>(text).ok();
        assert_eq!(read(r#""lead-new""#), Some(StageId::from("lead-new")));
        assert_eq!(read("17"), Some(StageId::from("17")));
        assert_eq!(
            read(r#"{"text": "New", "id": "lead-new"}"#),
            Some(StageId::from("lead-new"))
        );
    }

    #[test]
    fn what_carries_no_id_is_an_error() {
        for text in [
            r#""""#,
            "null",
            "true",
            "[]",
            "{}",
            r#"{"id": ""}"#,
            r#"{"id": null}"#,
        ] {
            assert!(serde_json::from_str::<StageId>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_id_is_written_as_plain_text() {
        assert_eq!(
            serde_json::to_string(&UserId::from("u1")).unwrap(),
            r#""u1""#
        );
        assert_eq!(UserId::from("u1").to_string(), "u1");
    }
}
