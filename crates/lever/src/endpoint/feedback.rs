//! Feedback.

use serde_json::Value;

use super::table::{bodies, calls, lists};
use crate::page::Record;
use crate::{
    Feedback, FeedbackId, FeedbackTemplateId, InterviewId, OpportunityId, PanelId, Timestamp,
    UserId,
};

lists! {
    /// Lists the feedback on an opportunity.
    ///
    /// Lever: "List all feedback", `GET /opportunities/:opportunity/feedback`.
    ListFeedback(opportunity: OpportunityId) = LIST_OPPORTUNITY_FEEDBACK => Feedback {
        any expand: String, "Objects instead of ids for these attributes: `user`.";
    }
}

calls! {
    /// Reads one feedback form; a deleted one too.
    ///
    /// Lever: "Retrieve a feedback form", `GET /opportunities/:opportunity/feedback/:feedback`.
    GetFeedback(opportunity: OpportunityId, feedback: FeedbackId) = GET_OPPORTUNITY_FEEDBACK_FORM => Record<Feedback> {}

    /// Writes feedback. Sent twice it makes two forms.
    ///
    /// Lever: "Create a feedback form", `POST /opportunities/:opportunity/feedback`; fixture
    /// `feedback.create.response.json`.
    CreateFeedback(opportunity: OpportunityId) = CREATE_OPPORTUNITY_FEEDBACK => Record<Feedback>, sends FeedbackWrite {
        must perform_as: UserId, "The Lever user named as its author.";
    }

    /// Changes feedback.
    ///
    /// Lever: "Update a feedback form", `PUT /opportunities/:opportunity/feedback/:feedback`; the answer has a form of
    /// its own (fixture `feedback.update.response.json`).
    UpdateFeedback(opportunity: OpportunityId, feedback: FeedbackId) = UPDATE_OPPORTUNITY_FEEDBACK => Record<Feedback>,
        sends FeedbackChange {
        must perform_as: UserId, "The Lever user named as its author.";
    }

    /// Deletes feedback.
    ///
    /// Lever: "Delete a feedback form", `DELETE /opportunities/:opportunity/feedback/:feedback`.
    DeleteFeedback(opportunity: OpportunityId, feedback: FeedbackId) = DELETE_OPPORTUNITY_FEEDBACK => () {
        must perform_as: UserId, "The Lever user who deletes it.";
    }
}

bodies! {
    /// Feedback to write.
    struct FeedbackWrite
    must {
        /// The template to fill in.
        base_template_id: FeedbackTemplateId,
    }
    may {
        /// The panel of the interview; goes with `interview`.
        panel: PanelId,
        /// The interview it is about; goes with `panel`.
        interview: InterviewId,
        /// When it was begun; without it, now.
        created_at: Timestamp,
        /// When it was finished.
        completed_at: Timestamp,
    }
    lists {
        /// What is filled in.
        field_values: FieldValue,
    }

    /// What to change of feedback.
    struct FeedbackChange
    may {
        /// When it was finished.
        completed_at: Timestamp,
    }
    lists {
        /// What is filled in.
        field_values: FieldValue,
    }

    /// What is filled in to one field.
    struct FieldValue
    must {
        /// The field, as its template names it.
        id: String,
        /// The value, in the form of the field's kind.
        value: Value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::testing::sent;
    use serde_json::json;

    fn values() -> Vec<FieldValue> {
        vec![FieldValue {
            id: "f1".to_owned(),
            value: json!("3 - Hire"),
        }]
    }

    #[test]
    fn feedback_is_asked_for() {
        let list = ListFeedback {
            opportunity: "o1".into(),
            expand: Vec::new(),
            limit: Some(1),
            offset: None,
        };
        let expected = "GET /opportunities/o1/feedback?limit=1";
        assert_eq!(sent(&list), (expected.to_owned(), None));
        let get = GetFeedback {
            opportunity: "o1".into(),
            feedback: "f1".into(),
        };
        assert_eq!(
            sent(&get),
            ("GET /opportunities/o1/feedback/f1".to_owned(), None)
        );
    }

    #[test]
    fn feedback_is_written_changed_and_deleted_by_somebody() {
        let create = CreateFeedback {
            opportunity: "o1".into(),
            perform_as: "u1".into(),
            body: FeedbackWrite {
                base_template_id: "t1".into(),
                panel: Some("p1".into()),
                interview: Some("i1".into()),
                created_at: None,
                completed_at: Some(Timestamp::from_millis(7)),
                field_values: values(),
            },
        };
        let body = json!({"baseTemplateId": "t1", "panel": "p1", "interview": "i1", "completedAt": 7,
            "fieldValues": [{"id": "f1", "value": "3 - Hire"}]});
        let expected = "POST /opportunities/o1/feedback?perform_as=u1";
        assert_eq!(sent(&create), (expected.to_owned(), Some(body)));
        let update = UpdateFeedback {
            opportunity: "o1".into(),
            feedback: "f1".into(),
            perform_as: "u1".into(),
            body: FeedbackChange {
                completed_at: None,
                field_values: values(),
            },
        };
        let body = json!({"fieldValues": [{"id": "f1", "value": "3 - Hire"}]});
        let expected = "PUT /opportunities/o1/feedback/f1?perform_as=u1";
        assert_eq!(sent(&update), (expected.to_owned(), Some(body)));
        let delete = DeleteFeedback {
            opportunity: "o1".into(),
            feedback: "f1".into(),
            perform_as: "u1".into(),
        };
        let expected = "DELETE /opportunities/o1/feedback/f1?perform_as=u1";
        assert_eq!(sent(&delete), (expected.to_owned(), None));
    }
}
