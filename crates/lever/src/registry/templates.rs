//! Templates of feedback and profile forms.

use super::{Operation, delete, get, list, operations, post, put};

operations! {
    /// Lists feedback templates.
    LIST_FEEDBACK_TEMPLATES = list("listFeedbackTemplates", "/feedback_templates", "ListFeedbackTemplates")
        .allowed_by("find all feedback templates", &["feedback_templates:read:admin"])
        .query(&["limit", "offset", "include"]);
    /// Creates feedback template.
    CREATE_FEEDBACK_TEMPLATE = post("createFeedbackTemplate", "/feedback_templates", "CreateFeedbackTemplate")
        .allowed_by("create a feedback template", &["feedback_templates:write:admin"]);
    /// Reads one feedback template.
    GET_FEEDBACK_TEMPLATE = get("getFeedbackTemplate", "/feedback_templates/{feedback_template}", "GetFeedbackTemplate")
        .allowed_by("find a feedback template", &["feedback_templates:read:admin"]);
    /// Replaces feedback template.
    UPDATE_FEEDBACK_TEMPLATE = put("updateFeedbackTemplate", "/feedback_templates/{feedback_template}", "UpdateFeedbackTemplate")
        .allowed_by("update a feedback template", &["feedback_templates:write:admin"]);
    /// Deletes feedback template.
    DELETE_FEEDBACK_TEMPLATE = delete("deleteFeedbackTemplate", "/feedback_templates/{feedback_template}", "DeleteFeedbackTemplate")
        .allowed_by("delete a feedback template", &["feedback_templates:write:admin"]);
    /// Lists form templates.
    LIST_FORM_TEMPLATES = list("listFormTemplates", "/form_templates", "ListFormTemplates")
        .allowed_by("find all form templates", &["form_templates:read:admin"])
        .query(&["limit", "offset", "include"]);
    /// Creates form template.
    CREATE_FORM_TEMPLATE = post("createFormTemplate", "/form_templates", "CreateFormTemplate")
        .allowed_by("create a form template", &["form_templates:write:admin"]);
    /// Reads one form template.
    GET_FORM_TEMPLATE = get("getFormTemplate", "/form_templates/{form_template}", "GetFormTemplate")
        .allowed_by("find a form template", &["form_templates:read:admin"]);
    /// Replaces form template.
    UPDATE_FORM_TEMPLATE = put("updateFormTemplate", "/form_templates/{form_template}", "UpdateFormTemplate")
        .allowed_by("update a form template", &["form_templates:write:admin"]);
    /// Deletes form template.
    DELETE_FORM_TEMPLATE = delete("deleteFormTemplate", "/form_templates/{form_template}", "DeleteFormTemplate")
        .allowed_by("delete a form template", &["form_templates:write:admin"]);
}
