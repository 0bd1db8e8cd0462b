//! Every recorded document of an operation we have decodes, and comes back byte for byte.

use lever::{
    Application, ArchiveReason, Contact, CountedText, CreatedNote, DeletedOpportunity, Note,
    Opportunity, Page, Posting, Record, Reply, Stage, User,
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
    }
    Some(page)
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
    Some(record)
}

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
    ] {
        single::<Opportunity>(name);
    }
    single::<Note>("note.get.json");
    single::<Application>("application.get.json");
    single::<Contact>("contact.get.json");
    single::<User>("user.get.json");
    single::<Posting>("posting.get.json");
    single::<ArchiveReason>("archive-reason.get.json");
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
    assert_eq!(lifted.applications[0].get(), application.raw.get());
    assert_eq!(lifted.contact.unwrap().get(), contact.raw.get());
}
