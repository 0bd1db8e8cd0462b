//! Interview panels and the interviews in them.

use serde_json::{Value, json};

use super::account::Account;
use super::feedback::Feedback;
use super::opportunity::Opportunity;

const MINUTE: i64 = 60_000;

/// How often interviewers are reminded of their feedback.
pub(crate) const REMINDERS: [&str; 4] = ["once", "daily", "frequently", "none"];

/// A round of interviews. Fixture `panels.list.json`.
#[derive(Debug, Clone)]
pub(crate) struct Panel {
    pub(crate) id: String,
    pub(crate) applications: Vec<String>,
    pub(crate) timezone: String,
    pub(crate) reminder: &'static str,
    pub(crate) note: Option<String>,
    pub(crate) external_url: Option<String>,
    /// Only such panels can be changed through the API.
    pub(crate) externally_managed: bool,
    pub(crate) stage: String,
    pub(crate) user: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) canceled_at: Option<i64>,
    /// Never empty: the panel goes with its last interview.
    pub(crate) interviews: Vec<Interview>,
}

/// One meeting. Fixture `interview.get.json`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Interview {
    pub(crate) id: String,
    pub(crate) subject: Option<String>,
    pub(crate) note: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) interviewers: Vec<Interviewer>,
    /// When it begins.
    pub(crate) date: i64,
    /// In minutes.
    pub(crate) duration: i64,
    pub(crate) template: Option<String>,
    pub(crate) reminder: &'static str,
    pub(crate) user: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) canceled_at: Option<i64>,
}

/// A user asked to interview, and the feedback template meant for them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Interviewer {
    pub(crate) user: String,
    pub(crate) template: String,
}

impl Panel {
    /// The record. Its bounds are those of its interviews (recorded).
    pub(crate) fn json(&self, account: &Account) -> Value {
        let interviews = self.interviews.iter();
        let end = |it: &Interview| it.date + it.duration * MINUTE;
        json!({
            "id": self.id,
            "applications": self.applications,
            "canceledAt": self.canceled_at,
            "createdAt": self.created_at,
            "end": interviews.clone().max_by_key(|it| it.date).map(end),
            "externallyManaged": self.externally_managed,
            "externalUrl": self.external_url,
            "feedbackReminder": self.reminder,
            "interviews": interviews.clone().map(|it| it.panel_json(account)).collect::<Vec<_>>(),
            "note": self.note,
            "stage": self.stage,
            "start": interviews.map(|it| it.date).min(),
            "timezone": self.timezone,
            "user": self.user,
        })
    }

    /// One of its interviews as a record of its own.
    pub(crate) fn interview_json(
        &self,
        interview: &Interview,
        account: &Account,
        parent: &Opportunity,
        feedback: &[Feedback],
    ) -> Value {
        let of_panel = |id: &String| self.applications.contains(id);
        let application = parent.application.as_ref().filter(|it| of_panel(&it.id));
        let given = |it: &&Feedback| {
            it.interview.as_ref() == Some(&interview.id) && it.deleted_at.is_none()
        };
        json!({
            "id": interview.id,
            "panel": self.id,
            "subject": interview.subject,
            "note": interview.note,
            "interviewers": interview.interviewers.iter().map(|it| it.json(account)).collect::<Vec<_>>(),
            "timezone": self.timezone,
            "createdAt": interview.created_at,
            "date": interview.date,
            "duration": interview.duration,
            "location": interview.location,
            "feedbackTemplate": interview.template,
            "feedbackForms": feedback.iter().filter(given).map(|it| it.id.as_str()).collect::<Vec<_>>(),
            "feedbackReminder": interview.reminder,
            "user": interview.user,
            "stage": self.stage,
            "canceledAt": interview.canceled_at,
            "postings": application.iter().map(|it| it.posting.as_str()).collect::<Vec<_>>(),
            "gcalEventUrl": null,
            "opportunityId": parent.id,
        })
    }

    /// Calls off the interviews that are still to come, and the panel when none is left.
    pub(crate) fn cancel(&mut self, now: i64) {
        for interview in self.interviews.iter_mut().filter(|it| it.date > now) {
            interview.canceled_at.get_or_insert(now);
        }
        if self.interviews.iter().all(|it| it.canceled_at.is_some()) {
            self.canceled_at.get_or_insert(now);
        }
    }
}

impl Interview {
    fn panel_json(&self, account: &Account) -> Value {
        let invited = |it: &Interviewer| {
            let mut json = it.json(account);
            json["responseStatus"] = json!("needsAction");
            json
        };
        json!({
            "id": self.id,
            "date": self.date,
            "duration": self.duration,
            "feedbackReminder": self.reminder,
            "feedbackTemplate": self.template,
            "interviewers": self.interviewers.iter().map(invited).collect::<Vec<_>>(),
            "location": self.location,
            "note": self.note,
            "subject": self.subject,
        })
    }
}

impl Interviewer {
    fn json(&self, account: &Account) -> Value {
        let user = account.user(&self.user);
        json!({
            "id": self.user,
            "name": user.map(|user| &user.name),
            "email": user.map(|user| &user.email),
            "feedbackTemplate": self.template,
        })
    }
}
