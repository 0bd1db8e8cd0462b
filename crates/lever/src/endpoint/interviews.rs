//! Interviews and panels. Only what was made through the API can be changed through it.

use super::table::{bodies, calls, lists};
use crate::page::Record;
use crate::{
    ApplicationId, FeedbackReminder, FeedbackTemplateId, Interview, InterviewId, OpportunityId,
    Panel, PanelId, Timestamp, UserId,
};

lists! {
    /// Lists the interviews of an opportunity.
    ///
    /// Lever: "List all interviews", `GET /opportunities/:opportunity/interviews`.
    ListInterviews(opportunity: OpportunityId) = LIST_OPPORTUNITY_INTERVIEWS => Interview {
        any expand: String, "Objects instead of ids for these attributes, such as `feedbackForms`.";
    }

    /// Lists the panels of an opportunity.
    ///
    /// Lever: "List all panels", `GET /opportunities/:opportunity/panels`.
    ListPanels(opportunity: OpportunityId) = LIST_OPPORTUNITY_PANELS => Panel {
        any expand: String, "Objects instead of ids for these attributes: `user`, `stage`.";
    }
}

calls! {
    /// Reads one interview.
    ///
    /// Lever: "Retrieve a single interview", `GET /opportunities/:opportunity/interviews/:interview`.
    GetInterview(opportunity: OpportunityId, interview: InterviewId) = GET_OPPORTUNITY_INTERVIEW => Record<Interview> {}

    /// Adds an interview to a panel. Sent twice it makes two.
    ///
    /// Lever: "Create an interview", `POST /opportunities/:opportunity/interviews`.
    CreateInterview(opportunity: OpportunityId) = CREATE_OPPORTUNITY_INTERVIEW => Record<Interview>, sends InterviewWrite {
        must perform_as: UserId, "The Lever user who plans it.";
    }

    /// Replaces an interview; what is left out is emptied.
    ///
    /// Lever: "Update an interview", `PUT /opportunities/:opportunity/interviews/:interview`; fixture
    /// `interview.update.response.json`.
    UpdateInterview(opportunity: OpportunityId, interview: InterviewId) = UPDATE_OPPORTUNITY_INTERVIEW => Record<Interview>,
        sends InterviewWrite {
        must perform_as: UserId, "The Lever user who plans it.";
    }

    /// Deletes an interview, and with the last one its panel.
    ///
    /// Lever: "Delete an interview", `DELETE /opportunities/:opportunity/interviews/:interview`.
    DeleteInterview(opportunity: OpportunityId, interview: InterviewId) = DELETE_OPPORTUNITY_INTERVIEW => () {
        must perform_as: UserId, "The Lever user who deletes it.";
    }

    /// Reads one panel.
    ///
    /// Lever: "Retrieve a single panel", `GET /opportunities/:opportunity/panels/:panel`.
    GetPanel(opportunity: OpportunityId, panel: PanelId) = GET_OPPORTUNITY_PANEL => Record<Panel> {}

    /// Plans interviews together. Sent twice it plans them twice.
    ///
    /// Lever: "Create a panel", `POST /opportunities/:opportunity/panels`; fixture `panel.create.response.json`.
    CreatePanel(opportunity: OpportunityId) = CREATE_OPPORTUNITY_PANEL => Record<Panel>, sends PanelWrite {
        must perform_as: UserId, "The Lever user who plans it.";
    }

    /// Replaces a panel: interviews with an id stay, those without are new, those left out go.
    ///
    /// Sent twice it makes the new ones again under other ids.
    ///
    /// Lever: "Update a panel", `PUT /opportunities/:opportunity/panels/:panel`.
    UpdatePanel(opportunity: OpportunityId, panel: PanelId) = UPDATE_OPPORTUNITY_PANEL => Record<Panel>, sends PanelWrite {
        must perform_as: UserId, "The Lever user who plans it.";
    }

    /// Deletes a panel and its interviews.
    ///
    /// Lever: "Delete a panel", `DELETE /opportunities/:opportunity/panels/:panel`.
    DeletePanel(opportunity: OpportunityId, panel: PanelId) = DELETE_OPPORTUNITY_PANEL => () {
        must perform_as: UserId, "The Lever user who deletes it.";
    }
}

bodies! {
    /// An interview to plan.
    struct InterviewWrite
    must {
        /// The panel it stands in.
        panel: PanelId,
        /// Who meets the person; at least one.
        interviewers: Vec<InterviewerWrite>,
        /// When it begins.
        date: Timestamp,
        /// How long, in minutes, from 1.
        duration: u32,
    }
    may {
        /// The title.
        subject: String,
        /// What the interviewers are told.
        note: String,
        /// Where.
        location: String,
        /// The form for the impressions.
        feedback_template: FeedbackTemplateId,
        /// How often interviewers are reminded.
        feedback_reminder: FeedbackReminder,
    }

    /// A user who is to interview.
    struct InterviewerWrite
    must {
        /// The user.
        id: UserId,
    }
    may {
        /// The user's own form.
        feedback_template: FeedbackTemplateId,
    }

    /// Interviews to plan together.
    struct PanelWrite
    must {
        /// The time zone, such as `America/Los_Angeles`.
        timezone: String,
        /// The interviews.
        interviews: Vec<PanelInterviewWrite>,
    }
    may {
        /// How often interviewers are reminded.
        feedback_reminder: FeedbackReminder,
        /// What the interviewers are told.
        note: String,
        /// Where it is managed.
        external_url: String,
    }
    lists {
        /// Which applications it is about; empty for all active ones.
        applications: ApplicationId,
    }

    /// An interview of a panel to plan.
    struct PanelInterviewWrite
    must {
        /// When it begins.
        date: Timestamp,
        /// How long, in minutes, from 1.
        duration: u32,
        /// Who meets the person; at least one.
        interviewers: Vec<InterviewerWrite>,
    }
    may {
        /// Which one it is; a new one has none.
        id: InterviewId,
        /// The title.
        subject: String,
        /// What the interviewers are told.
        note: String,
        /// Where.
        location: String,
        /// The form for the impressions.
        feedback_template: FeedbackTemplateId,
        /// How often interviewers are reminded.
        feedback_reminder: FeedbackReminder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::testing::sent;
    use serde_json::json;

    fn interview() -> InterviewWrite {
        InterviewWrite {
            panel: "p1".into(),
            interviewers: vec![InterviewerWrite {
                id: "u1".into(),
                feedback_template: Some("no-feedback".into()),
            }],
            date: Timestamp::from_millis(7),
            duration: 45,
            subject: Some("Talk".to_owned()),
            note: None,
            location: None,
            feedback_template: None,
            feedback_reminder: Some(FeedbackReminder::Daily),
        }
    }

    #[test]
    fn interviews_and_panels_are_asked_for() {
        let list = ListInterviews {
            opportunity: "o1".into(),
            expand: Vec::new(),
            limit: None,
            offset: None,
        };
        assert_eq!(
            sent(&list),
            ("GET /opportunities/o1/interviews".to_owned(), None)
        );
        let list = ListPanels {
            opportunity: "o1".into(),
            expand: vec!["user".to_owned(), "stage".to_owned()],
            limit: None,
            offset: Some("t".into()),
        };
        let expected = "GET /opportunities/o1/panels?expand=user&expand=stage&offset=t";
        assert_eq!(sent(&list), (expected.to_owned(), None));
        let get = GetInterview {
            opportunity: "o1".into(),
            interview: "i1".into(),
        };
        assert_eq!(
            sent(&get),
            ("GET /opportunities/o1/interviews/i1".to_owned(), None)
        );
        let get = GetPanel {
            opportunity: "o1".into(),
            panel: "p1".into(),
        };
        assert_eq!(
            sent(&get),
            ("GET /opportunities/o1/panels/p1".to_owned(), None)
        );
    }

    #[test]
    fn an_interview_is_planned_and_replaced_with_what_was_given() {
        let body = json!({"panel": "p1", "interviewers": [{"id": "u1", "feedbackTemplate": "no-feedback"}],
            "date": 7, "duration": 45, "subject": "Talk", "feedbackReminder": "daily"});
        let create = CreateInterview {
            opportunity: "o1".into(),
            perform_as: "u2".into(),
            body: interview(),
        };
        let expected = "POST /opportunities/o1/interviews?perform_as=u2";
        assert_eq!(sent(&create), (expected.to_owned(), Some(body.clone())));
        let update = UpdateInterview {
            opportunity: "o1".into(),
            interview: "i1".into(),
            perform_as: "u2".into(),
            body: interview(),
        };
        let expected = "PUT /opportunities/o1/interviews/i1?perform_as=u2";
        assert_eq!(sent(&update), (expected.to_owned(), Some(body)));
        assert!(!format!("{update:?}").contains("Talk"));
    }

    #[test]
    fn a_panel_is_planned_and_replaced_with_its_interviews() {
        let panel = PanelWrite {
            timezone: "UTC".to_owned(),
            interviews: vec![PanelInterviewWrite {
                date: Timestamp::from_millis(7),
                duration: 30,
                interviewers: Vec::new(),
                id: Some("i1".into()),
                subject: None,
                note: None,
                location: None,
                feedback_template: None,
                feedback_reminder: None,
            }],
            feedback_reminder: None,
            note: None,
            external_url: None,
            applications: Vec::new(),
        };
        let body = json!({"timezone": "UTC",
            "interviews": [{"date": 7, "duration": 30, "interviewers": [], "id": "i1"}]});
        let create = CreatePanel {
            opportunity: "o1".into(),
            perform_as: "u1".into(),
            body: panel.clone(),
        };
        let expected = "POST /opportunities/o1/panels?perform_as=u1";
        assert_eq!(sent(&create), (expected.to_owned(), Some(body.clone())));
        let update = UpdatePanel {
            opportunity: "o1".into(),
            panel: "p1".into(),
            perform_as: "u1".into(),
            body: panel,
        };
        let expected = "PUT /opportunities/o1/panels/p1?perform_as=u1";
        assert_eq!(sent(&update), (expected.to_owned(), Some(body)));
    }

    #[test]
    fn whoever_deletes_is_named() {
        let interview = DeleteInterview {
            opportunity: "o1".into(),
            interview: "i1".into(),
            perform_as: "u1".into(),
        };
        let expected = "DELETE /opportunities/o1/interviews/i1?perform_as=u1";
        assert_eq!(sent(&interview), (expected.to_owned(), None));
        let panel = DeletePanel {
            opportunity: "o1".into(),
            panel: "p1".into(),
            perform_as: "u1".into(),
        };
        let expected = "DELETE /opportunities/o1/panels/p1?perform_as=u1";
        assert_eq!(sent(&panel), (expected.to_owned(), None));
    }
}
