//! Applications, and how they and their opportunities end.

use serde_json::{Value, json};

use super::contact::{Contact, Phone};
use super::eeo::Eeo;
use super::posting::Posting;
use super::referral::Referral;

/// An opportunity's tie to a posting. Fixture `application.get.json`.
#[derive(Debug, Clone)]
pub(crate) struct Application {
    pub(crate) id: String,
    /// `posting`, `user` or `referral`.
    pub(crate) kind: &'static str,
    pub(crate) posting: String,
    pub(crate) hiring_manager: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) archived: Option<Archived>,
    /// What the applicant answered to the posting's own questions, as Lever writes it.
    pub(crate) questions: Vec<Value>,
    pub(crate) referral: Option<Box<Referral>>,
    pub(crate) eeo: Option<Box<Eeo>>,
    pub(crate) hired_for: Option<Box<HiredFor>>,
    /// What was submitted through the API, beyond what the contact shows.
    pub(crate) submitted: Option<Box<Submitted>>,
}

/// What an application carries beside the person. Lever: "Apply to a posting".
#[derive(Clone, Default)]
pub(crate) struct Submitted {
    pub(crate) comments: Option<String>,
    pub(crate) ip_address: Option<String>,
    pub(crate) referer: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) accept_language: Option<String>,
    pub(crate) timezone: Option<String>,
}

impl std::fmt::Debug for Submitted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Submitted").finish_non_exhaustive()
    }
}

/// The requisition somebody was hired against. Lever: "Applications", `requisitionForHire`.
#[derive(Debug, Clone)]
pub(crate) struct HiredFor {
    pub(crate) requisition: String,
    pub(crate) code: String,
    pub(crate) hiring_manager: Option<String>,
}

impl Application {
    pub(crate) fn new(id: String, kind: &'static str, posting: &Posting, at: i64) -> Application {
        Application {
            id,
            kind,
            posting: posting.id.clone(),
            hiring_manager: posting.hiring_manager.clone(),
            owner: Some(posting.owner.clone()),
            user: None,
            created_at: at,
            archived: None,
            questions: Vec::new(),
            referral: None,
            eeo: None,
            hired_for: None,
            submitted: None,
        }
    }

    /// The posting's questions, and for a referral its form (fixture `applications.list.referral.json`).
    fn custom_questions(&self) -> Vec<Value> {
        let referral = self.referral.iter().map(|referral| referral.json());
        referral.chain(self.questions.iter().cloned()).collect()
    }

    /// Takes away what people wrote.
    pub(crate) fn anonymize(&mut self) {
        self.questions.clear();
        self.eeo = None;
        self.submitted = None;
        if let Some(referral) = &mut self.referral {
            referral.anonymize();
        }
    }

    /// The record; what an applicant typed is only there when the person applied or was referred.
    pub(crate) fn json(&self, opportunity: &str, contact: &Contact) -> Value {
        let typed = self.kind != "user" && !contact.anonymized;
        let submitted = self.submitted.as_ref().filter(|_| typed);
        let of =
            |get: fn(&Submitted) -> &Option<String>| submitted.and_then(|it| get(it).as_deref());
        json!({
            "id": self.id,
            "type": self.kind,
            "candidateId": opportunity,
            "opportunityId": opportunity,
            "posting": self.posting,
            "postingHiringManager": self.hiring_manager,
            "postingOwner": self.owner,
            "name": typed.then_some(&contact.name),
            "company": typed.then_some(&contact.headline).filter(|company| !company.is_empty()),
            "phone": contact.phones.first().filter(|_| typed).map(Phone::json),
            "email": contact.emails.first().filter(|_| typed),
            "links": if typed { contact.links.as_slice() } else { &[] },
            "comments": of(|it| &it.comments),
            "user": self.user,
            "customQuestions": self.custom_questions(),
            "createdAt": self.created_at,
            "archived": self.archived.as_ref().map(Archived::json),
            "requisitionForHire": self.hired_for.as_ref().map(|hired| hired.json()),
            "ipAddress": of(|it| &it.ip_address),
            "referer": of(|it| &it.referer),
            "userAgent": of(|it| &it.user_agent),
            "acceptLanguage": of(|it| &it.accept_language),
            "timezone": of(|it| &it.timezone),
        })
    }
}

impl HiredFor {
    fn json(&self) -> Value {
        json!({
            "id": self.requisition,
            "requisitionCode": self.code,
            "hiringManagerOnHire": self.hiring_manager,
        })
    }
}

/// The end of an opportunity or of its application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Archived {
    pub(crate) reason: String,
    pub(crate) at: i64,
}

impl Archived {
    pub(super) fn json(&self) -> Value {
        json!({ "reason": self.reason, "archivedAt": self.at })
    }
}
