//! Postings and applying to them.

use super::{Operation, PerformAs, Repeat, get, list, operations, post};

operations! {
    /// Lists postings.
    LIST_POSTINGS = list("listPostings", "/postings", "ListPostings")
        .allowed_by("find all postings", &["postings:read:admin"])
        .query(&[
            "limit", "offset", "include", "expand", "state", "distributionChannel",
            "confidentiality", "group", "team", "department", "location", "commitment", "level",
            "tag", "updated_at_start", "updated_at_end",
        ]);
    /// Creates a posting.
    CREATE_POSTING = post("createPosting", "/postings", "CreatePosting")
        .allowed_by("create a posting", &["postings:write:admin"])
        .query(&["perform_as"])
        .acting(PerformAs::Required);
    /// Lists deleted postings.
    LIST_DELETED_POSTINGS = list("listDeletedPostings", "/postings/deleted", "ListDeletedPostings")
        .allowed_by("find all deleted postings", &["postings:read:admin"])
        .query(&["limit", "offset", "deleted_at_start", "deleted_at_end"]);
    /// Reads one posting.
    GET_POSTING = get("getPosting", "/postings/{posting}", "GetPosting")
        .allowed_by("find a posting", &["postings:read:admin"])
        .query(&["include", "expand", "distribution"]);
    /// Changes a posting; what is left out stays, so repeating is harmless.
    UPDATE_POSTING = post("updatePosting", "/postings/{posting}", "UpdatePosting")
        .allowed_by("update a posting", &["postings:write:admin"])
        .query(&["perform_as"])
        .acting(PerformAs::Required)
        .repeat(Repeat::Harmless);
    /// Reads the application form questions.
    GET_POSTING_APPLY_FORM = get("getPostingApplyForm", "/postings/{posting}/apply", "GetApplyForm")
        .allowed_by("find a posting application question form", &["postings:read:admin"])
        .query(&["location", "distribution"]);
    /// Submits an application.
    APPLY_TO_POSTING = post("applyToPosting", "/postings/{posting}/apply", "ApplyToPosting")
        .allowed_by("apply to a posting", &["postings:write:admin"])
        .query(&["send_confirmation_email"]);
    /// Lists who may see a posting, and in which role.
    LIST_POSTING_USERS = get("listPostingUsers", "/postings/{posting}/users", "ListPostingUsers")
        .allowed_by("find all posting users", &["postings:read:admin", "users:read:admin"]);
}
