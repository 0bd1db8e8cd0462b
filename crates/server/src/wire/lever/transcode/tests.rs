use std::path::{Path, PathBuf};

use prost_reflect::{DynamicMessage, ReflectMessage as _};
use proto::v1 as pb;
use serde_json::json;

use super::*;

const ALONE: Beside<'_> = Beside {
    id: "",
    opportunity: "",
    raw: None,
};

fn opportunity(document: &Value) -> pb::Opportunity {
    transcode("Opportunity", &document.to_string(), ALONE)
}

fn at(ms: i64) -> Option<prost_types::Timestamp> {
    time(&json!(ms))
}

#[test]
fn ids_come_alone_or_as_whole_records() {
    for (document, expected) in [
        (json!({"owner": "u"}), "u"),
        (json!({"owner": {"id": "u", "name": "Ada"}}), "u"),
        (json!({"ownerId": "u"}), "u"),
        (json!({"owner": 7}), "7"),
        (json!({"owner": null}), ""),
        (json!({"owner": ""}), ""),
        (json!({"owner": {"name": "Ada"}}), ""),
        (json!({"owner": ["u"]}), ""),
        (json!({}), ""),
    ] {
        assert_eq!(opportunity(&document).owner_id, expected, "{document}");
    }
    let many = json!({"applications": ["a", {"id": "b"}, null, "", 3], "followers": "x"});
    let shown = opportunity(&many);
    assert_eq!(shown.application_ids, ["a", "b", "3"]);
    assert!(shown.follower_ids.is_empty());
}

#[test]
fn times_are_milliseconds_in_number_or_text() {
    for (document, expected) in [
        (json!({"createdAt": 1_500}), at(1_500)),
        (json!({"createdAt": "1500"}), at(1_500)),
        (json!({"createdAt": 1_500.0}), at(1_500)),
        (json!({"createdAt": -1}), at(-1)),
        (json!({"createdAt": null}), None),
        (json!({"createdAt": ""}), None),
        (json!({"createdAt": "soon"}), None),
        (json!({"createdAt": 9_000_000_000_000_000_000_i64}), None),
        (json!({"createdAt": {"at": 1}}), None),
    ] {
        assert_eq!(opportunity(&document).created_at, expected, "{document}");
    }
    assert_eq!(
        at(-1),
        Some(prost_types::Timestamp {
            seconds: -1,
            nanos: 999_000_000
        })
    );
}

#[test]
fn numbers_and_flags_may_come_as_text_and_what_does_not_fit_stays_unset() {
    let resume = |size: Value| -> Option<i64> {
        let document = json!({"file": {"size": size}}).to_string();
        transcode::<pb::Resume>("Resume", &document, ALONE)
            .file?
            .size
    };
    assert_eq!(resume(json!(7)), Some(7));
    assert_eq!(resume(json!("7")), Some(7));
    assert_eq!(resume(json!("large")), None);
    assert_eq!(resume(json!(null)), None);
    let requisition = |total: Value| -> pb::Requisition {
        transcode(
            "Requisition",
            &json!({"headcountTotal": total}).to_string(),
            ALONE,
        )
    };
    assert_eq!(requisition(json!(10)).headcount_total, Some(10));
    assert_eq!(requisition(json!("unlimited")).headcount_total, None);
    assert_eq!(requisition(json!(9_000_000_000_i64)).headcount_total, None);
    assert!(opportunity(&json!({"isAnonymized": "true"})).is_anonymized);
    assert!(!opportunity(&json!({"isAnonymized": [true]})).is_anonymized);
    let tag: pb::Tag = transcode("Tag", r#"{"text": "x", "count": "3"}"#, ALONE);
    assert_eq!((tag.text.as_str(), tag.count), ("x", 3));
}

#[test]
fn what_was_lifted_is_found_where_lever_keeps_it() {
    let archived = opportunity(&json!({"archived": {"reason": "r", "archivedAt": 5}}));
    assert_eq!(
        (archived.archive_reason_id.as_str(), archived.archived_at),
        ("r", at(5))
    );
    let old = opportunity(&json!({"archived": null, "archiveReason": "r", "archivedAt": 5}));
    assert_eq!(
        (old.archive_reason_id.as_str(), old.archived_at),
        ("r", at(5))
    );
    for location in [json!("Berlin"), json!({"name": "Berlin"})] {
        let document = json!({"location": location}).to_string();
        let contact: pb::Contact = transcode("Contact", &document, ALONE);
        assert_eq!(contact.location, "Berlin", "{document}");
    }
    let approver = |user: Value| -> pb::Approver {
        transcode("Approver", &json!({"user": user}).to_string(), ALONE)
    };
    assert_eq!(approver(json!("Hiring manager")).role, "Hiring manager");
    let chosen = approver(json!({"userId": "u", "email": "a@b"}));
    assert_eq!(
        (
            chosen.user_id.as_str(),
            chosen.email.as_str(),
            chosen.role.as_str()
        ),
        ("u", "a@b", "")
    );
}

#[test]
fn free_values_keep_their_kind_and_too_deep_ones_are_left_out() {
    use prost_types::value::Kind;
    let value = |value: Value| {
        let document = json!({"value": value}).to_string();
        transcode::<pb::FormField>("FormField", &document, ALONE)
            .value
            .and_then(|value| value.kind)
    };
    assert_eq!(value(json!("")), Some(Kind::StringValue(String::new())));
    assert_eq!(value(json!(75_000)), Some(Kind::NumberValue(75_000.0)));
    assert_eq!(value(json!(null)), None);
    assert!(matches!(
        value(json!(["a", {"score": 1}])),
        Some(Kind::ListValue(_))
    ));
    let deep = (0..100).fold(json!(1), |value, _| json!([value]));
    assert_eq!(value(deep), None);
}

#[test]
fn a_document_never_fails_as_a_whole() {
    let beside = Beside {
        id: "o",
        opportunity: "",
        raw: Some("{"),
    };
    for document in ["{", "", "[]", "null", "7", "\u{0}"] {
        let shown: pb::Opportunity = transcode("Opportunity", document, beside);
        assert_eq!(
            (shown.id.as_str(), &shown.raw_json[..]),
            ("o", &b"{"[..]),
            "{document}"
        );
    }
    // Every field of another kind than documented.
    let odd = json!({"id": [], "name": {}, "tags": "x", "phones": [1, {"value": 2}], "stageChanges": {},
        "urls": [], "dataProtection": 1, "createdAt": [], "archived": "yes", "unheard": {"of": 1}});
    let shown = opportunity(&odd);
    assert_eq!(shown.phones.len(), 1);
    assert_eq!(shown.phones[0].value, "2");
    assert_eq!(
        pb::Opportunity {
            phones: Vec::new(),
            ..shown
        },
        pb::Opportunity::default()
    );
}

#[test]
fn what_is_known_beside_the_document_wins() {
    let beside = Beside {
        id: "i",
        opportunity: "o",
        raw: None,
    };
    let note: pb::Note = transcode("Note", r#"{"id": "other", "text": "Note"}"#, beside);
    assert_eq!((note.id.as_str(), note.opportunity_id.as_str()), ("i", "o"));
    assert!(note.raw_json.is_empty());
    // A message without such a field has no use for it.
    let stage: pb::Stage = transcode("Stage", r#"{"id": "s"}"#, Beside { id: "", ..beside });
    assert_eq!(stage.id, "s");
}

/// The folder with Lever's documents; the tests that need it do nothing without.
#[expect(
    clippy::disallowed_methods,
    reason = "tests are told where the documents are"
)]
fn documents() -> Option<PathBuf> {
    std::env::var_os("FULCRUM_LEVER_DOCS").map(PathBuf::from)
}

/// Which message each fixture is made of.
const FIXTURES: &[(&str, &str)] = &[
    ("application.get", "Application"),
    ("applications.list.referral", "Application"),
    ("applications.list.user", "Application"),
    ("archive-reason.get", "ArchiveReason"),
    ("archive-reasons.list", "ArchiveReason"),
    ("candidates.list", "Opportunity"),
    ("contact.get", "Contact"),
    ("contact.update.response", "Contact"),
    ("eeo-responses-pii.list", "EeoResponse"),
    ("feedback-template.create.response", "FeedbackTemplate"),
    ("feedback-template.get", "FeedbackTemplate"),
    ("feedback-template.update.response", "FeedbackTemplate"),
    ("feedback-templates.list", "FeedbackTemplate"),
    ("feedback.create.response", "Feedback"),
    ("feedback.get", "Feedback"),
    ("file.get", "File"),
    ("file.upload.response", "File"),
    ("files.list", "File"),
    ("form-template.get", "FormTemplate"),
    ("form-templates.list", "FormTemplate"),
    ("form.create.response", "Form"),
    ("form.get", "Form"),
    ("forms.list", "Form"),
    ("interview.get", "Interview"),
    ("interview.update.response", "Interview"),
    ("interviews.list", "Interview"),
    ("note.get", "Note"),
    ("notes.list.secret", "Note"),
    ("offers.list.draft", "Offer"),
    ("offers.list.signed", "Offer"),
    ("opportunities.deleted", "Opportunity"),
    ("opportunities.list", "Opportunity"),
    ("opportunity.add-links.response", "Opportunity"),
    ("opportunity.add-sources.response", "Opportunity"),
    ("opportunity.add-tags.response", "Opportunity"),
    ("opportunity.create.response", "Opportunity"),
    ("opportunity.get", "Opportunity"),
    ("opportunity.multi-stage", "Opportunity"),
    ("opportunity.update-archived.response", "Opportunity"),
    ("opportunity.update-stage.response", "Opportunity"),
    ("panel.create.response", "Panel"),
    ("panels.list", "Panel"),
    ("posting-apply.custom-questions", "PostingForm"),
    ("posting-apply.eeo", "PostingForm"),
    ("posting.get", "Posting"),
    ("posting.update.response", "Posting"),
    ("postings.list", "Posting"),
    ("referral.get", "Referral"),
    ("referrals.list", "Referral"),
    ("requisition-field.dropdown", "RequisitionField"),
    ("requisition-field.object", "RequisitionField"),
    ("requisition-fields.list", "RequisitionField"),
    ("requisition.full", "Requisition"),
    ("requisition.get", "Requisition"),
    ("requisitions.list", "Requisition"),
    ("resume.get", "Resume"),
    ("resumes.list", "Resume"),
    ("sources.list", "Source"),
    ("stages.list", "Stage"),
    ("tags.list", "Tag"),
    ("user.create.response", "User"),
    ("user.get", "User"),
    ("user.update.response", "User"),
    ("users.list", "User"),
];

fn records(folder: &Path, fixture: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join(format!("fixtures/{fixture}.json"))).unwrap();
    let mut body: Value = serde_json::from_str(&text).unwrap();
    match body.get_mut("data").map(Value::take) {
        Some(Value::Array(records)) => records,
        Some(record) => vec![record],
        None => vec![body],
    }
}

/// Everything a document says, each with the way to it; what says nothing is left out.
fn leaves(value: &Value, way: &str, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, value)| leaves(value, &format!("{way}.{name}"), found)),
        Value::Array(values) => values
            .iter()
            .for_each(|value| leaves(value, &format!("{way}[]"), found)),
        Value::Null => {}
        Value::String(text) if text.is_empty() => {}
        leaf => found.push((way.to_owned(), leaf.clone())),
    }
}

/// What a message says, written as its document would say it.
fn said(message: &DynamicMessage) -> Vec<Value> {
    let options = prost_reflect::SerializeOptions::new();
    let json = message
        .serialize_with_options(serde_json::value::Serializer, &options)
        .unwrap();
    let mut found = Vec::new();
    leaves(&json, "", &mut found);
    found.into_iter().map(|(_, leaf)| leaf).collect()
}

/// A leaf in the words of protobuf's JSON: times are dates, and long numbers are texts.
fn arrived(leaf: &Value, said: &mut Vec<Value>) -> bool {
    let date = time(leaf).map(|at| json!(at.to_string()));
    let number = leaf.as_f64().map(|number| json!(number));
    let text = text(leaf).map(Value::String);
    let forms: Vec<Value> = [Some(leaf.clone()), date, number, text]
        .into_iter()
        .flatten()
        .collect();
    let position = said.iter().position(|said| forms.contains(said));
    position.map(|at| said.swap_remove(at)).is_some()
}

/// Ways that lead nowhere by decision.
fn left_out(name: &str, way: &str, leaf: &Value) -> bool {
    match name {
        // Flags that are off are absent, like any default.
        _ if *leaf == json!(false) || *leaf == json!(0) => true,
        // Said by headcount_infinite.
        "Requisition" => way == ".headcountTotal" && *leaf == json!("unlimited"),
        _ => false,
    }
}

#[test]
fn every_documented_field_of_every_recorded_document_arrives() {
    let Some(folder) = documents() else { return };
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).unwrap();
    let mut missing = Vec::new();
    for (fixture, name) in FIXTURES {
        let descriptor = pool
            .get_message_by_name(&format!("fulcrum.v1.{name}"))
            .unwrap();
        for record in records(&folder, fixture) {
            let mut wire = Vec::new();
            PLANS.write(
                PLANS.named(name).unwrap(),
                record.as_object().unwrap(),
                &mut wire,
            );
            let message = DynamicMessage::decode(descriptor.clone(), wire.as_slice()).unwrap();
            assert_eq!(message.descriptor(), descriptor);
            let mut said = said(&message);
            let mut found = Vec::new();
            leaves(&record, "", &mut found);
            for (way, leaf) in found {
                if !left_out(name, &way, &leaf) && !arrived(&leaf, &mut said) {
                    missing.push(format!("{fixture}: {name}{way}"));
                }
            }
        }
    }
    missing.sort();
    missing.dedup();
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Which message each schema of Lever's API description is read into.
const SCHEMAS: &[(&str, &str)] = &[
    ("Application", "Application"),
    ("ApplyForm", "PostingForm"),
    ("ApplyQuestion", "PostingQuestion"),
    ("Approval", "Approval"),
    ("ApprovalStep", "ApprovalStep"),
    ("Approver", "Approver"),
    ("ArchiveReason", "ArchiveReason"),
    ("Contact", "Contact"),
    ("CountedText", "Source"),
    ("CountedText", "Tag"),
    ("CustomQuestionAnswers", "CustomQuestionAnswers"),
    ("DataProtection", "DataProtection"),
    ("DeletedOpportunity", "Opportunity"),
    ("Disclosure", "ConsentDisclosure"),
    ("EeoResponsePii", "EeoResponse"),
    ("Feedback", "Feedback"),
    ("FeedbackTemplate", "FeedbackTemplate"),
    ("File", "File"),
    ("FormField", "FormField"),
    ("FormOption", "FormOption"),
    ("FormTemplate", "FormTemplate"),
    ("Group", "TemplateGroup"),
    ("Interview", "Interview"),
    ("Interviewer", "Interviewer"),
    ("Note", "Note"),
    ("Offer", "Offer"),
    ("OfferDocument", "OfferDocument"),
    ("OfferField", "OfferField"),
    ("OfferSignature", "OfferSignature"),
    ("Opportunity", "Opportunity"),
    ("Panel", "Panel"),
    ("PanelInterview", "PanelInterview"),
    ("PartialDate", "PartialDate"),
    ("Phone", "Phone"),
    ("Posting", "Posting"),
    ("PostingCategories", "PostingCategories"),
    ("PostingContent", "PostingContent"),
    ("PostingList", "PostingList"),
    ("ProfileForm", "Form"),
    ("Referral", "Referral"),
    ("Requisition", "Requisition"),
    ("RequisitionField", "RequisitionField"),
    ("RequisitionFieldOption", "RequisitionFieldOption"),
    ("Resume", "Resume"),
    ("SalaryRange", "SalaryRange"),
    ("Stage", "Stage"),
    ("StageChange", "StageChange"),
    ("TemplateField", "TemplateField"),
    ("User", "User"),
];

#[test]
fn every_documented_field_has_a_place_in_its_message() {
    let Some(folder) = documents() else { return };
    let text = std::fs::read_to_string(folder.join("openapi.yaml")).unwrap();
    let api: Value = serde_yaml_ng::from_str(&text).unwrap();
    let mut missing = Vec::new();
    for (schema, message) in SCHEMAS {
        let plan = PLANS.named(message).unwrap();
        let described = &api["components"]["schemas"][schema]["properties"];
        let described = described.as_object().unwrap();
        assert!(!described.is_empty(), "{schema}");
        for property in described.keys() {
            let mut ways = plan.fields.iter().flat_map(|field| &field.ways);
            if !ways.any(|way| way.first() == Some(property)) {
                missing.push(format!("{schema}.{property}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_message_of_a_record_is_compared_with_the_fixtures() {
    let compared: std::collections::BTreeSet<_> = FIXTURES.iter().map(|(_, name)| *name).collect();
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).unwrap();
    let file = pool
        .get_file_by_name("fulcrum/v1/lever_records.proto")
        .unwrap();
    for message in file
        .messages()
        .filter(|message| message.get_field_by_name("raw_json").is_some())
    {
        assert!(compared.contains(message.name()), "{}", message.name());
    }
}
