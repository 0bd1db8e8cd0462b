//! Templates of feedback and profile forms. Only what was made through the API can be deleted through it.

use super::FormFieldWrite;
use super::table::{bodies, calls, lists};
use crate::page::Record;
use crate::{FeedbackTemplate, FeedbackTemplateId, FormTemplate, FormTemplateId};

lists! {
    /// Lists feedback templates, the built-in `no-feedback` included.
    ///
    /// Lever: "List all feedback templates", `GET /feedback_templates`.
    #[derive(Default)]
    ListFeedbackTemplates() = LIST_FEEDBACK_TEMPLATES => FeedbackTemplate {
        any include: String, "Only these attributes of each template.";
    }

    /// Lists the templates of profile forms.
    ///
    /// Lever: "List all profile form templates", `GET /form_templates`.
    #[derive(Default)]
    ListFormTemplates() = LIST_FORM_TEMPLATES => FormTemplate {
        any include: String, "Only these attributes of each template.";
    }
}

calls! {
    /// Reads one feedback template.
    ///
    /// Lever: "Retrieve a feedback template", `GET /feedback_templates/:feedback_template`.
    GetFeedbackTemplate(feedback_template: FeedbackTemplateId) = GET_FEEDBACK_TEMPLATE => Record<FeedbackTemplate> {}

    /// Makes a feedback template. Sent twice it makes two.
    ///
    /// Lever: "Create a feedback template", `POST /feedback_templates`.
    CreateFeedbackTemplate() = CREATE_FEEDBACK_TEMPLATE => Record<FeedbackTemplate>, sends FeedbackTemplateWrite {}

    /// Replaces a feedback template; all its fields get new ids.
    ///
    /// Lever: "Update a feedback template", `PUT /feedback_templates/:feedback_template`; fixture
    /// `feedback-template.update.response.json`.
    UpdateFeedbackTemplate(feedback_template: FeedbackTemplateId) = UPDATE_FEEDBACK_TEMPLATE => Record<FeedbackTemplate>,
        sends FeedbackTemplateWrite {}

    /// Deletes a feedback template.
    ///
    /// Lever: "Delete a feedback template", `DELETE /feedback_templates/:feedback_template`.
    DeleteFeedbackTemplate(feedback_template: FeedbackTemplateId) = DELETE_FEEDBACK_TEMPLATE => () {}

    /// Reads one template of profile forms.
    ///
    /// Lever: "Retrieve a profile form template", `GET /form_templates/:form_template`.
    GetFormTemplate(form_template: FormTemplateId) = GET_FORM_TEMPLATE => Record<FormTemplate> {}

    /// Makes a template of profile forms. Sent twice it makes two.
    ///
    /// Lever: "Create a profile form template", `POST /form_templates`.
    CreateFormTemplate() = CREATE_FORM_TEMPLATE => Record<FormTemplate>, sends FormTemplateWrite {}

    /// Replaces a template of profile forms.
    ///
    /// Lever: "Update a profile form template", `PUT /form_templates/:form_template`.
    UpdateFormTemplate(form_template: FormTemplateId) = UPDATE_FORM_TEMPLATE => Record<FormTemplate>,
        sends FormTemplateWrite {}

    /// Deletes a template of profile forms.
    ///
    /// Lever: "Delete a profile form template", `DELETE /form_templates/:form_template`.
    DeleteFormTemplate(form_template: FormTemplateId) = DELETE_FORM_TEMPLATE => () {}
}

bodies! {
    /// A feedback template to make or to put in place of another.
    struct FeedbackTemplateWrite
    must {
        /// The title.
        text: String,
        /// The fields, exactly one of kind `score-system` among them.
        fields: Vec<FormFieldWrite>,
    }
    may {
        /// What those who fill it in are told.
        instructions: String,
        /// The id of the group it is in.
        group: String,
    }

    /// A template of profile forms to make or to put in place of another.
    struct FormTemplateWrite
    must {
        /// The title.
        text: String,
        /// The fields, at least one.
        fields: Vec<FormFieldWrite>,
    }
    may {
        /// What those who fill it in are told.
        instructions: String,
        /// The id of the group it is in.
        group: String,
        /// Whether its forms are secret unless said otherwise.
        secret_by_default: bool,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::TextWrite;
    use crate::endpoint::testing::sent;
    use serde_json::json;

    #[test]
    fn templates_are_asked_for() {
        let list = ListFeedbackTemplates {
            include: vec!["text".to_owned()],
            limit: Some(2),
            offset: None,
        };
        let expected = "GET /feedback_templates?include=text&limit=2";
        assert_eq!(sent(&list), (expected.to_owned(), None));
        let list = ListFormTemplates::default();
        assert_eq!(sent(&list), ("GET /form_templates".to_owned(), None));
        let get = GetFeedbackTemplate {
            feedback_template: "no-feedback".into(),
        };
        assert_eq!(
            sent(&get),
            ("GET /feedback_templates/no-feedback".to_owned(), None)
        );
        let get = GetFormTemplate {
            form_template: "t1".into(),
        };
        assert_eq!(sent(&get), ("GET /form_templates/t1".to_owned(), None));
    }

    #[test]
    fn a_feedback_template_is_made_replaced_and_deleted() {
        let choice = TextWrite {
            text: "4 - Strong Hire".to_owned(),
            description: None,
        };
        let template = FeedbackTemplateWrite {
            text: "Talk".to_owned(),
            fields: vec![FormFieldWrite {
                options: vec![choice],
                ..FormFieldWrite::new("score-system", "Rating")
            }],
            instructions: None,
            group: None,
        };
        let body = json!({"text": "Talk", "fields": [
            {"type": "score-system", "text": "Rating", "options": [{"text": "4 - Strong Hire"}]},
        ]});
        let create = CreateFeedbackTemplate {
            body: template.clone(),
        };
        let expected = "POST /feedback_templates".to_owned();
        assert_eq!(sent(&create), (expected, Some(body.clone())));
        let update = UpdateFeedbackTemplate {
            feedback_template: "t1".into(),
            body: template,
        };
        let expected = "PUT /feedback_templates/t1".to_owned();
        assert_eq!(sent(&update), (expected, Some(body)));
        let delete = DeleteFeedbackTemplate {
            feedback_template: "t1".into(),
        };
        assert_eq!(
            sent(&delete),
            ("DELETE /feedback_templates/t1".to_owned(), None)
        );
    }

    #[test]
    fn a_form_template_is_made_replaced_and_deleted() {
        let template = FormTemplateWrite {
            text: "Report".to_owned(),
            fields: vec![FormFieldWrite::new("text", "Industry")],
            instructions: Some("Be brief.".to_owned()),
            group: Some("g1".to_owned()),
            secret_by_default: Some(true),
        };
        let body = json!({"text": "Report", "fields": [{"type": "text", "text": "Industry"}],
            "instructions": "Be brief.", "group": "g1", "secretByDefault": true});
        let create = CreateFormTemplate {
            body: template.clone(),
        };
        assert_eq!(
            sent(&create),
            ("POST /form_templates".to_owned(), Some(body.clone()))
        );
        let update = UpdateFormTemplate {
            form_template: "t1".into(),
            body: template,
        };
        assert_eq!(
            sent(&update),
            ("PUT /form_templates/t1".to_owned(), Some(body))
        );
        let delete = DeleteFormTemplate {
            form_template: "t1".into(),
        };
        assert_eq!(
            sent(&delete),
            ("DELETE /form_templates/t1".to_owned(), None)
        );
    }
}
