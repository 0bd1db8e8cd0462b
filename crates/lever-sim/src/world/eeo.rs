//! Answers to the questions on equal employment opportunity.

use serde_json::{Value, json};

use super::account::Account;
use super::application::Application;
use super::opportunity::Opportunity;

/// What an applicant answered. An unanswered question is a missing key (recorded).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Eeo {
    pub(crate) gender: Option<String>,
    pub(crate) race: Option<String>,
    pub(crate) veteran: Option<String>,
    pub(crate) disability: Option<String>,
    pub(crate) responded_at: i64,
}

impl Eeo {
    /// The row of the list without names. Fixture `eeo-responses.list.json`.
    pub(crate) fn json(&self, account: &Account, parent: &Opportunity, of: &Application) -> Value {
        let ended = of.archived.as_ref();
        let reason = ended.and_then(|ended| account.reason(&ended.reason));
        let mut json = json!({
            "applicationArchivedAt": ended.map(|ended| ended.at),
            // Who archived is not kept.
            "applicationArchivedBy": null,
            "applicationArchiveReason": reason.map(|reason| &reason.text),
            "applicationTitle": account.posting(&of.posting).map(|posting| &posting.text),
            "appliedAt": of.created_at,
            "currentStage": parent.stage,
        });
        let answers = [
            ("gender", &self.gender),
            ("race", &self.race),
            ("veteran", &self.veteran),
            ("disability", &self.disability),
        ];
        for (key, answer) in answers {
            if let Some(answer) = answer {
                json[key] = json!(answer);
            }
        }
        json
    }

    /// The row of the list with personal data. Fixture `eeo-responses-pii.list.json`.
    pub(crate) fn personal_json(
        &self,
        account: &Account,
        parent: &Opportunity,
        of: &Application,
    ) -> Value {
        let hired =
            |ended: &&super::Archived| account.reason(&ended.reason).is_some_and(|it| it.hired);
        let more = json!({
            "id": of.id,
            "applicationId": of.id,
            "contact": parent.contact,
            "eeoResponseSource": "api",
            "eeoSurveyRespondedAt": self.responded_at,
            "hiredDate": of.archived.as_ref().filter(hired).map(|ended| ended.at),
            "hiringManager": of.hiring_manager,
            "opportunityId": parent.id,
            "opportunityOwner": parent.owner,
            "origin": parent.origin,
            "posting": of.posting,
            "sources": parent.sources,
        });
        let mut json = self.json(account, parent, of);
        if let (Some(json), Value::Object(more)) = (json.as_object_mut(), more) {
            json.extend(more);
        }
        json
    }
}
