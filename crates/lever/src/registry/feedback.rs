//! Feedback on opportunities.

use super::{Operation, PerformAs, delete, get, list, operations, post, put};

operations! {
    /// Lists feedback.
    LIST_OPPORTUNITY_FEEDBACK = list("listOpportunityFeedback", "/opportunities/{opportunity}/feedback", "ListFeedback")
        .allowed_by("find all opportunity feedback", &["feedback:read:admin"])
        .query(&["limit", "offset", "expand"]);
    /// Creates a feedback form.
    CREATE_OPPORTUNITY_FEEDBACK = post("createOpportunityFeedback", "/opportunities/{opportunity}/feedback", "CreateFeedback")
        .allowed_by("create an opportunity feedback form", &["feedback:write:admin"])
        .query(&["perform_as"])
        .acting(PerformAs::Required);
    /// Reads one feedback form.
    GET_OPPORTUNITY_FEEDBACK_FORM = get("getOpportunityFeedbackForm", "/opportunities/{opportunity}/feedback/{feedback}", "GetFeedback")
        .allowed_by("find an opportunity feedback form", &["feedback:read:admin"]);
    /// Updates a feedback form.
    UPDATE_OPPORTUNITY_FEEDBACK = put("updateOpportunityFeedback", "/opportunities/{opportunity}/feedback/{feedback}", "UpdateFeedback")
        .allowed_by("update an opportunity feedback form", &["feedback:write:admin"])
        .query(&["perform_as"])
        .acting(PerformAs::Required);
    /// Deletes a feedback form.
    DELETE_OPPORTUNITY_FEEDBACK = delete("deleteOpportunityFeedback", "/opportunities/{opportunity}/feedback/{feedback}", "DeleteFeedback")
        .allowed_by("delete an opportunity feedback form", &["feedback:write:admin"])
        .query(&["perform_as"])
        .acting(PerformAs::Required);
}
