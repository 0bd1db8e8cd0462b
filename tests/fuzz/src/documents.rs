//! Lever's documents, and pages of them.

use domain::Candidacy;
use domain::identity::Identity;
use lever::{Page, Record, Timestamp};
use serde_json::{Value, json};

use crate::service;

/// Reads the input as a document of every kind, and draws from it what is drawn from such documents.
pub(crate) fn document(input: &[u8]) {
    macro_rules! read {
        ($($kind:ty),*) => { $(let _ = Record::<$kind>::from_json(input);)* };
    }
    read!(
        lever::ArchiveReason,
        lever::Contact,
        lever::Feedback,
        lever::ProfileForm,
        lever::File,
        lever::Interview,
        lever::Note,
        lever::Offer,
        lever::Panel,
        lever::Posting,
        lever::Referral,
        lever::Requisition,
        lever::RequisitionField,
        lever::Resume,
        lever::Stage,
        lever::User
    );
    let application = Record::<lever::Application>::from_json(input).ok();
    let contact = Record::<lever::Contact>::from_json(input).ok();
    let Ok(opportunity) = Record::<lever::Opportunity>::from_json(input) else {
        return;
    };
    let opportunity = &opportunity.value;
    let application = application.as_ref().map(|record| &record.value);
    let contact = contact.as_ref().map(|record| &record.value);
    let candidacy = Candidacy::from_lever(opportunity, application);
    let now = Timestamp::from_millis(1_790_000_000_000);
    let _ = (
        candidacy.active(),
        candidacy.snoozed(now),
        candidacy.do_not_contact(now),
    );
    let _ = Identity::of_opportunity(opportunity, application, contact).keys();
}

/// Reads the input as a page; one record that is none takes no other with it.
pub(crate) fn page(input: &[u8]) {
    let Ok(page) = Page::<lever::Opportunity>::from_json(input) else {
        return;
    };
    let listed = serde_json::from_slice::<Value>(input).ok();
    let listed = listed.as_ref().and_then(|page| page["data"].as_array());
    if let Some(listed) = listed {
        assert_eq!(listed.len(), page.records.len());
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let lever = service::lever();
    let people = lever.opportunities();
    let mut documents: Vec<Value> = people.iter().take(6).cloned().collect();
    for person in people.iter().take(6) {
        let id = person["id"].as_str().unwrap_or_default();
        for kind in [
            "notes",
            "offers",
            "interviews",
            "feedback",
            "files",
            "forms",
            "referrals",
            "resumes",
            "applications",
        ] {
            documents.extend(lever.children(id, kind).into_iter().take(2));
        }
    }
    documents.extend(lever.stages().into_iter().take(2));
    documents.extend(lever.archive_reasons().into_iter().take(2));
    documents.iter().map(bytes).collect()
}

pub(crate) fn pages() -> Vec<Vec<u8>> {
    let people = service::lever().opportunities();
    [0, 1, 3]
        .map(|count| {
            let data: Vec<Value> = people.iter().take(count).cloned().collect();
            bytes(&json!({"data": data, "next": "%5B1%2C2%5D", "hasNext": count > 0}))
        })
        .into()
}

fn bytes(document: &Value) -> Vec<u8> {
    document.to_string().into_bytes()
}
