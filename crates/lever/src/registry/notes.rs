//! Notes on opportunities.

use super::{Operation, PerformAs, delete, get, list, operations, post, put};

operations! {
    /// Lists notes.
    LIST_OPPORTUNITY_NOTES = list("listOpportunityNotes", "/opportunities/{opportunity}/notes", "ListNotes")
        .allowed_by("find all opportunity notes", &["notes:read:admin"])
        .query(&["limit", "offset", "expand"]);
    /// Creates a note, or adds a comment to one.
    CREATE_OPPORTUNITY_NOTE = post("createOpportunityNote", "/opportunities/{opportunity}/notes", "CreateNote")
        .allowed_by("create an opportunity note", &["notes:write:admin"])
        .query(&["perform_as", "note_id"])
        .acting(PerformAs::Optional);
    /// Reads one note.
    GET_OPPORTUNITY_NOTE = get("getOpportunityNote", "/opportunities/{opportunity}/notes/{note}", "GetNote")
        .allowed_by("find an opportunity note", &["notes:read:admin"]);
    /// Replaces a note thread.
    UPDATE_OPPORTUNITY_NOTE = put("updateOpportunityNote", "/opportunities/{opportunity}/notes/{note}", "UpdateNote")
        .allowed_by("update an opportunity note", &["notes:write:admin"]);
    /// Deletes a note.
    DELETE_OPPORTUNITY_NOTE = delete("deleteOpportunityNote", "/opportunities/{opportunity}/notes/{note}", "DeleteNote")
        .allowed_by("delete an opportunity note", &["notes:write:admin"]);
}
