//! Every recorded document of an operation we have decodes, and comes back byte for byte.

use lever::{
    AnonymousEeoResponse, Application, Applied, ApplyForm, ArchiveReason, AuditEvent, Contact,
    CountedText, CreatedNote, CreatedOpportunity, DeletedApplication, DeletedOpportunity,
    DeletedPosting, DispositionStages, DiversitySurvey, EeoResponse, Feedback, FeedbackTemplate,
    File, FileAction, FormTemplate, Headcount, Interview, Note, Offer, Opportunity, Page, Panel,
    Posting, PostingUsers, ProfileForm, Record, Referral, Reply, Requisition, RequisitionField,
    Resume, Stage, Upload, User, Webhook,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::support::document;

/// Checks a list: every record decodes and its text stands in the file as it is.
fn list<T: DeserializeOwned>(name: &str) -> Option<Page<T>> {
    let text = document(&format!("fixtures/{name}"))?;
    let page =
        Page::<T>::from_json(text.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let parsed: Value = serde_json::from_str(&text).unwrap();
    let expected = parsed["data"].as_array().unwrap();
    assert_eq!(page.records.len(), expected.len(), "{name}");
    let mut rest = text.as_str();
    for (record, expected) in page.records.iter().zip(expected) {
        let record = record
            .as_ref()
            .unwrap_or_else(|malformed| panic!("{name}: {malformed:?}"));
        let at = rest
            .find(record.raw.get())
            .unwrap_or_else(|| panic!("{name}: a record changed its text"));
        rest = &rest[at + record.raw.get().len()..];
        assert_eq!(
            &serde_json::from_str::<Value>(record.raw.get()).unwrap(),
            expected,
            "{name}"
        );
        bends::<T>(name, expected);
    }
    Some(page)
}

/// Checks that a record still reads when any one of its fields is missing, null, blank, a number written as text,
/// or a text nobody knows; only what names it must stay.
fn bends<T: DeserializeOwned>(name: &str, document: &Value) {
    let reads = |key: &str, value: Option<Value>| {
        let mut changed = document.clone();
        let fields = changed.as_object_mut().unwrap();
        match &value {
            Some(value) => fields.insert(key.to_owned(), value.clone()),
            None => fields.shift_remove(key),
        };
        let raw = serde_json::value::to_raw_value(&changed).unwrap();
        if let Err(error) = Record::<T>::from_raw(raw) {
            panic!("{name}: {key} = {value:?}: {error}");
        }
    };
    for (key, value) in document.as_object().unwrap() {
        if ["id", "posting", "applicationId"].contains(&key.as_str())
            || (key == "text" && !document["id"].is_string())
        {
            continue;
        }
        reads(key, None);
        reads(key, Some(Value::Null));
        match value {
            // A word that stands for a number.
            Value::String(word) if word == "unlimited" => {}
            Value::String(_) => {
                reads(key, Some("".into()));
                reads(key, Some("something-new".into()));
            }
            Value::Number(number) => reads(key, Some(number.to_string().into())),
            _ => {}
        }
    }
    reads("addedByLeverLater", Some(serde_json::json!([{"x": 1}])));
}

fn single<T: DeserializeOwned>(name: &str) -> Option<Record<T>> {
    let text = document(&format!("fixtures/{name}"))?;
    let record =
        Record::<T>::from_json(text.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(text.contains(record.raw.get()), "{name}");
    let parsed: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(record.raw.get()).unwrap(),
        parsed["data"],
        "{name}"
    );
    bends::<T>(name, &parsed["data"]);
    Some(record)
}

/// X17: no list of Lever is missing, and none is read more strictly than Lever writes it.
#[test]
fn recorded_lists_decode_and_keep_their_text() {
    list::<User>("users.list.json");
    list::<Stage>("stages.list.json");
    list::<ArchiveReason>("archive-reasons.list.json");
    list::<CountedText>("tags.list.json");
    list::<CountedText>("sources.list.json");
    list::<Posting>("postings.list.json");
    list::<Opportunity>("opportunities.list.json");
    list::<DeletedOpportunity>("opportunities.deleted.json");
    list::<DeletedOpportunity>("opportunities.deleted.empty.json");
    list::<Note>("notes.list.secret.json");
    list::<Application>("applications.list.user.json");
    list::<Application>("applications.list.referral.json");
    list::<Opportunity>("candidates.list.json");
    list::<Offer>("offers.list.draft.json");
    list::<Offer>("offers.list.signed.json");
    list::<Interview>("interviews.list.json");
    list::<Panel>("panels.list.json");
    list::<Resume>("resumes.list.json");
    list::<Resume>("opportunity.resumes.empty.json");
    list::<File>("files.list.json");
    list::<FileAction>("opportunity.file-actions.json");
    list::<FileAction>("opportunity.file-actions.empty.json");
    list::<ProfileForm>("forms.list.json");
    list::<Referral>("referrals.list.json");
    list::<Referral>("opportunity.referrals.empty.json");
    list::<Requisition>("requisitions.list.json");
    list::<RequisitionField>("requisition-fields.list.json");
    list::<FeedbackTemplate>("feedback-templates.list.json");
    list::<FormTemplate>("form-templates.list.json");
    list::<EeoResponse>("eeo-responses-pii.list.json");
    list::<AnonymousEeoResponse>("eeo-responses.list.json");
    list::<DeletedApplication>("applications.deleted.json");
    list::<DeletedApplication>("applications.deleted.empty.json");
    list::<DeletedPosting>("postings.deleted.json");
    list::<DeletedPosting>("postings.deleted.empty.json");
    list::<AuditEvent>("audit-events.list.json");
    list::<DiversitySurvey>("diversity-survey.get.json");
    list::<Webhook>("webhooks.list.json");
}

#[test]
fn recorded_single_records_decode_and_keep_their_text() {
    for name in [
        "opportunity.get.json",
        "opportunity.multi-stage.json",
        "opportunity.update-stage.response.json",
        "opportunity.update-archived.response.json",
        "opportunity.add-tags.response.json",
        "opportunity.add-sources.response.json",
        "opportunity.add-links.response.json",
        "opportunity.create.response.json",
    ] {
        single::<Opportunity>(name);
    }
    single::<Note>("note.get.json");
    single::<Application>("application.get.json");
    single::<Contact>("contact.get.json");
    single::<Contact>("contact.update.response.json");
    for name in [
        "get",
        "create.response",
        "update.response",
        "deactivate.response",
        "reactivate.response",
    ] {
        single::<User>(&format!("user.{name}.json"));
    }
    single::<Posting>("posting.get.json");
    single::<Posting>("posting.update.response.json");
    single::<ArchiveReason>("archive-reason.get.json");
    single::<DispositionStages>("disposition-stages.get.json");
    single::<Interview>("interview.get.json");
    single::<Interview>("interview.update.response.json");
    single::<Panel>("panel.create.response.json");
    for name in ["get", "create.response", "update.response"] {
        single::<Feedback>(&format!("feedback.{name}.json"));
        single::<FeedbackTemplate>(&format!("feedback-template.{name}.json"));
        single::<Requisition>(&format!("requisition.{name}.json"));
    }
    single::<Requisition>("requisition.full.json");
    single::<RequisitionField>("requisition-field.dropdown.json");
    single::<RequisitionField>("requisition-field.object.json");
    single::<FormTemplate>("form-template.get.json");
    single::<ProfileForm>("form.get.json");
    single::<ProfileForm>("form.create.response.json");
    single::<Referral>("referral.get.json");
    single::<Resume>("resume.get.json");
    single::<File>("file.get.json");
    single::<File>("file.upload.response.json");
    single::<Upload>("upload.response.json");
    single::<Webhook>("webhook.create.response.json");
    single::<Applied>("posting-apply.response.json");
    single::<ApplyForm>("posting-apply.eeo.json");
    single::<ApplyForm>("posting-apply.custom-questions.json");
}

#[test]
fn the_users_of_a_posting_come_without_an_envelope() {
    let Some(text) = document("fixtures/posting-users.get.json") else {
        return;
    };
    let record = Record::<PostingUsers>::from_json(text.as_bytes()).unwrap();
    assert_eq!(record.value.roles.len(), 4);
    assert_eq!(record.value.roles[2].id, "owner");
}

#[test]
fn answers_in_the_form_lever_stores_read_like_the_others() {
    let (Some(feedback), Some(requisition)) = (
        single::<Feedback>("feedback.update.response.json"),
        single::<Requisition>("requisition.create.response.json"),
    ) else {
        return;
    };
    assert_eq!(
        feedback.value.user.unwrap().as_str(),
        "be129d9b-50da-4485-9377-0d83e981f30b"
    );
    assert_eq!(
        feedback.value.profile_id.unwrap().as_str(),
        "6408dc54-7015-4e5b-8d60-23afff2b1efc"
    );
    assert_eq!(feedback.value.kind, Some(lever::FeedbackKind::Interview));
    assert_eq!(feedback.value.fields[0].value, "3 - Hire");
    assert_eq!(requisition.value.owner, None);
    assert_eq!(
        requisition.value.headcount_total,
        Some(Headcount::Limited(1))
    );
}

#[test]
fn recorded_requisitions_know_heads_without_number() {
    let Some(requisitions) = list::<Requisition>("requisitions.list.json") else {
        return;
    };
    let mut unlimited = 0;
    for record in requisitions.records.iter().flatten() {
        let requisition = &record.value;
        assert_eq!(
            requisition.headcount_total == Some(Headcount::Unlimited),
            requisition.headcount_infinite
        );
        unlimited += usize::from(requisition.headcount_infinite);
    }
    assert!(unlimited > 0);
}

#[test]
fn no_recorded_document_shows_a_person_in_debug() {
    if let Some(offer) = list::<Offer>("offers.list.signed.json") {
        assert!(!format!("{offer:?}").contains("salary_amount"));
    }
    if let Some(webhook) = single::<Webhook>("webhook.create.response.json") {
        let shown = format!("{webhook:?} {:?}", webhook.value.configuration);
        assert!(!shown.contains(&webhook.value.configuration.signature_token.unwrap()));
    }
    if let Some(panels) = list::<Panel>("panels.list.json") {
        let interviews = &panels.records[0].as_ref().unwrap().value.interviews;
        assert!(!format!("{interviews:?}").contains("Eastfold"));
    }
}

#[test]
fn recorded_values_are_understood() {
    if let Some(opportunity) = single::<Opportunity>("opportunity.get.json") {
        let opportunity = opportunity.value;
        assert_eq!(opportunity.stage.unwrap().as_str(), "lead-reached-out");
        assert_eq!(opportunity.stage_changes.len(), 2);
        assert_eq!(
            opportunity
                .archived
                .unwrap()
                .archived_at
                .unwrap()
                .as_millis(),
            1_782_973_996_415
        );
        assert_eq!(opportunity.applications.len(), 1);
        assert_eq!(opportunity.location, None, "blank means unknown");
    }
    if let Some(reasons) = list::<ArchiveReason>("archive-reasons.list.json") {
        let hires = reasons
            .records
            .iter()
            .flatten()
            .filter(|reason| reason.value.kind == lever::ReasonKind::Hired);
        assert!(hires.count() > 0);
    }
    if let Some(text) = document("fixtures/opportunity.create.response.json") {
        let created = CreatedOpportunity::from_json(text.as_bytes()).unwrap();
        assert_eq!(created.deduped, Some(true));
    }
    if let Some(text) = document("fixtures/note.create.response.json") {
        let created = CreatedNote::from_json(text.as_bytes()).unwrap();
        assert_eq!(created.id.as_str(), "7f8004a4-e5db-466a-ae31-7a26346701ed");
    }
}

#[test]
fn expanding_and_lifting_a_recorded_opportunity_changes_no_byte() {
    let (Some(opportunity), Some(application), Some(contact)) = (
        single::<Opportunity>("opportunity.get.json"),
        single::<Application>("application.get.json"),
        single::<Contact>("contact.get.json"),
    ) else {
        return;
    };
    let plain = opportunity.raw.get();
    let quoted = |id: &str| format!("\"{id}\"");
    let expanded = plain
        .replace(
            &quoted(application.value.id.as_str()),
            application.raw.get(),
        )
        .replacen(&quoted(contact.value.id.as_str()), contact.raw.get(), 1);
    let lifted =
        lever::expand::lift(&serde_json::value::RawValue::from_string(expanded).unwrap()).unwrap();
    assert_eq!(lifted.opportunity.get(), plain);
    assert_eq!(
        lifted.applications[0].as_ref().unwrap().get(),
        application.raw.get()
    );
    assert_eq!(lifted.contact.unwrap().unwrap().get(), contact.raw.get());
}
