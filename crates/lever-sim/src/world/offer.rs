//! Offers. The API only reads them.

use serde_json::{Value, json};

use super::account::Account;
use super::contact::Contact;
use super::files::{Document, FileStatus};
use super::opportunity::Opportunity;

/// How many bytes the document of an offer has.
const DOCUMENT_SIZE: usize = 20_000;

/// An offer. Fixtures `offers.list.draft.json`, `offers.list.signed.json`.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) id: String,
    /// `draft`, `approval-sent`, `approved`, `sent`, `sent-manually`, `opened`, `denied` or `signed`.
    pub(crate) status: &'static str,
    pub(crate) posting: String,
    pub(crate) creator: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) salary: i64,
    pub(crate) approved_at: Option<i64>,
    pub(crate) sent_at: Option<i64>,
    pub(crate) signed_at: Option<i64>,
}

impl Offer {
    /// Whether the candidate has it and has not signed it yet.
    pub(crate) fn extended(&self) -> bool {
        matches!(self.status, "sent" | "sent-manually" | "opened")
    }

    /// Sends it with all approvals, or signs it when it was sent.
    pub(crate) fn advance(&mut self, now: i64) {
        if self.extended() {
            self.status = "signed";
            self.signed_at = Some(now);
        } else {
            self.status = "sent";
            self.approved_at.get_or_insert(now);
            self.sent_at = Some(now);
        }
    }

    /// The record. What it says of the person comes from the contact, so that nothing outlives an anonymization.
    pub(crate) fn json(&self, account: &Account, parent: &Opportunity, contact: &Contact) -> Value {
        json!({
            "id": self.id,
            "posting": self.posting,
            "createdAt": self.created_at,
            "status": self.status,
            "creator": self.creator,
            "fields": self.fields(account, parent, contact),
            "signatures": { "candidate": self.signature(contact) },
            "approved": self.approved_at.map(|_| true),
            "approvedAt": self.approved_at,
            "sentAt": self.sent_at,
            "sentDocument": self.sent_at.map(|at| self.document(parent, "sent", at)),
            "signedDocument": self.signed_at.map(|at| self.document(parent, "signed", at)),
        })
    }

    /// Where Lever calls it the job posting it means the application (recorded).
    fn fields(&self, account: &Account, parent: &Opportunity, contact: &Contact) -> Vec<Value> {
        let posting = account.posting(&self.posting);
        let of = posting.map(|posting| &posting.categories);
        let application = parent.application.as_ref().map(|it| &it.id);
        let field = |text: &str, identifier: &str, value: Value| json!({ "text": text, "identifier": identifier, "value": value });
        vec![
            field("Job posting", "job_posting", json!(application)),
            field("Job title", "job_title", json!(posting.map(|it| &it.text))),
            field("Candidate name", "candidate_name", json!(name(contact))),
            field("Team", "team", json!(of.map(|of| &of.team))),
            field(
                "Office location",
                "location/office",
                json!(of.map(|of| &of.location)),
            ),
            field(
                "Offered compensation amount",
                "salary_amount",
                json!(self.salary),
            ),
            field(
                "Compensation currency",
                "compensation_currency",
                json!("USD"),
            ),
            field(
                "Type of earnings",
                "salary_interval",
                json!("per-year-salary"),
            ),
            field("Today's date", "today_date", json!(self.created_at)),
            field("Direct manager", "direct_manager", Value::Null),
            field("Offered equity", "offered_equity", Value::Null),
            field(
                "Offer expiration date",
                "offer_expiration_date",
                Value::Null,
            ),
            field(
                "Anticipated start date",
                "anticipated_start_date",
                Value::Null,
            ),
            field("Company signature 1", "company_signature_1", Value::Null),
            field(
                "Hiring manager",
                "hiring_manager",
                json!(posting.map(|it| &it.hiring_manager)),
            ),
            field("Candidate signature", "candidate_signature", Value::Null),
        ]
    }

    /// Drafts know neither who signs nor when (recorded).
    fn signature(&self, contact: &Contact) -> Value {
        let Some(sent) = self.sent_at else {
            return json!({ "role": "candidate", "name": null, "email": null });
        };
        let opened = matches!(self.status, "opened" | "signed").then_some(sent + 1_000_000);
        json!({
            "role": "candidate",
            "name": name(contact),
            "email": contact.emails.first(),
            "firstOpenedAt": opened,
            "lastOpenedAt": self.signed_at.or(opened),
            "signedAt": self.signed_at,
            "signed": self.signed_at.is_some(),
        })
    }

    /// The document in a state, or without one the signed rather than the sent; `None` before there is any.
    pub(crate) fn download(&self, status: Option<&str>) -> Option<Document> {
        let signed = || Some(("signed", self.signed_at?));
        let sent = || Some(("sent", self.sent_at?));
        let (status, at) = match status {
            Some("signed") => signed()?,
            Some(_) => sent()?,
            None => signed().or_else(sent)?,
        };
        let id = format!("{} {status}", self.id);
        let name = file_name(status);
        Some(Document::drawn(
            id,
            name,
            DOCUMENT_SIZE,
            FileStatus::Processed,
            at,
        ))
    }

    fn document(&self, parent: &Opportunity, status: &str, at: i64) -> Value {
        let file = file_name(status);
        let base = "https://api.lever.co/v1/opportunities";
        let url = format!(
            "{base}/{}/offers/{}/download?status={status}",
            parent.id, self.id
        );
        json!({ "fileName": file, "uploadedAt": at, "downloadUrl": url })
    }
}

fn file_name(status: &str) -> &'static str {
    match status {
        "sent" => "offer.pdf",
        _ => "offer_signed.pdf",
    }
}

fn name(contact: &Contact) -> Option<&str> {
    Some(contact.name.as_str()).filter(|_| !contact.anonymized)
}
