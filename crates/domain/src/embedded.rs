//! Which keys of Lever's documents hold documents of another stream.
//!
//! Lever puts whole objects where ids stand when asked with `expand`, shows some unasked (the interviewers of an
//! interview, the stage of a feedback template), and is free to show more tomorrow. The keys mean the same in whatever
//! document they stand, so the key alone decides, at any depth.
//!
//! Lever: "Expanding objects"; the attributes marked `x-expandable` in the description of the API.

use serde_json::{Map, Value};

use crate::Stream;

/// The stream of the documents that stand under a key, single or in a list; none where it says nothing of the kind.
pub fn stream_under(key: &str) -> Option<Stream> {
    Some(match key {
        "user"
        | "users"
        | "owner"
        | "creator"
        | "sourcedBy"
        | "followers"
        | "referrer"
        | "hiringManager"
        | "hiringManagerOnHire"
        | "postingOwner"
        | "postingHiringManager"
        | "opportunityOwner"
        | "interviewer"
        | "interviewers"
        | "createdBy"
        | "updatedBy"
        | "deletedBy"
        | "archivedBy"
        | "applicationArchivedBy"
        | "duplicate" => Stream::Users,
        "contact" | "contacts" => Stream::Contacts,
        "opportunity" | "opportunities" | "candidate" | "candidates" => Stream::Opportunities,
        "application" | "applications" => Stream::Applications,
        "stage" | "stages" | "currentStage" => Stream::Stages,
        "posting" | "postings" => Stream::Postings,
        "requisition" | "requisitions" | "requisitionForHire" => Stream::Requisitions,
        "reason" | "archiveReason" | "archiveReasons" => Stream::ArchiveReasons,
        "tags" => Stream::Tags,
        "sources" => Stream::Sources,
        "feedback" | "feedbackForms" => Stream::Feedback,
        "feedbackTemplate" | "feedbackTemplates" => Stream::FeedbackTemplates,
        "formTemplate" | "formTemplates" => Stream::FormTemplates,
        "interview" | "interviews" => Stream::Interviews,
        "panel" | "panels" => Stream::Panels,
        "note" | "notes" => Stream::Notes,
        "offer" | "offers" => Stream::Offers,
        "resume" | "resumes" => Stream::Resumes,
        "files" => Stream::Files,
        "form" | "forms" => Stream::Forms,
        "referral" | "referrals" => Stream::Referrals,
        "eeoResponses" => Stream::EeoResponses,
        _ => return None,
    })
}

/// Whether what stands under a key has keys of its own kind: names an account made up, roles of signers, purposes.
pub fn has_other_keys(key: &str) -> bool {
    matches!(key, "customFields" | "dataProtection" | "signatures")
}

/// The stream of what an audit event is about, by the type it names (Lever: "Audit events").
pub fn stream_of_target(target: &Map<String, Value>) -> Option<Stream> {
    stream_under(target.get("type")?.as_str()?)
}

/// The names some answers have for a field of the stream: those of writes call references by their ids, and an audit
/// event labels what it is about with its name.
pub fn other_names(stream: Stream, field: &str) -> &'static [&'static str] {
    match (stream, field) {
        (Stream::Requisitions, "creator") => &["creatorUserId"],
        (Stream::Requisitions, "owner") => &["ownerUserId"],
        (Stream::Requisitions, "postings") => &["postingIds"],
        (Stream::Requisitions, "offerIds") => &["reservedOfferIds"],
        (Stream::Requisitions, "requisitionCode") => &["search"],
        (Stream::Requisitions, "name") => &["search", "label"],
        (Stream::Feedback, "user") => &["userId"],
        (Stream::Feedback, "panel") => &["panelId"],
        (Stream::Feedback, "interview") => &["interviewId"],
        (_, "name" | "text") => &["label"],
        _ => &[],
    }
}

/// The streams whose documents show a field of this one's records to whoever reads them, unasked.
pub fn shown_in(stream: Stream, field: &str) -> &'static [Stream] {
    match (stream, field) {
        (Stream::Users, "email") => &[Stream::Interviews, Stream::Panels, Stream::Requisitions],
        (Stream::Users, "name") => &[Stream::Interviews, Stream::Panels],
        (Stream::Stages, "text") => &[Stream::FeedbackTemplates],
        (Stream::Interviews, _) => &[Stream::Panels],
        (Stream::Requisitions, "requisitionCode") => &[Stream::Applications],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use serde_yaml_ng::Value;

    use super::*;
    use crate::testing::description;

    /// Every attribute below a schema that says which objects may stand in it.
    fn holding(schema: &Value, found: &mut Vec<(String, String)>) {
        let Some(attributes) = schema.get("properties").and_then(Value::as_mapping) else {
            return;
        };
        for (name, attribute) in attributes {
            if let Some(kind) = attribute.get("x-expandable").and_then(Value::as_str) {
                found.push((name.as_str().unwrap().to_owned(), kind.to_owned()));
            }
        }
    }

    #[test]
    fn every_attribute_lever_expands_leads_to_its_stream() {
        let Some(api) = description() else {
            return;
        };
        let mut expandable = Vec::new();
        for (_, schema) in api["components"]["schemas"].as_mapping().unwrap() {
            holding(schema, &mut expandable);
        }
        assert!(expandable.len() > 30, "{expandable:?}");
        for (name, kind) in expandable {
            let stream = stream_under(&name).map(Stream::name);
            let named = format!("{}s", kind.to_lowercase());
            let expected = if kind == "Feedback" {
                "feedback"
            } else {
                &named
            };
            assert_eq!(stream, Some(expected), "{name}");
        }
    }

    #[test]
    fn keys_that_only_look_alike_lead_nowhere() {
        for key in ["contactId", "fields", "value", "data", "text", ""] {
            assert_eq!(stream_under(key), None, "{key}");
        }
        assert!(has_other_keys("dataProtection") && !has_other_keys("contact"));
    }
}
