//! Files, resumes and uploads.

use super::{BodyKind, Operation, PerformAs, delete, download, get, list, operations, post};

operations! {
    /// Lists files.
    LIST_OPPORTUNITY_FILES = list("listOpportunityFiles", "/opportunities/{opportunity}/files", "ListFiles")
        .allowed_by("find all opportunity files", &["files:read:admin"])
        .query(&["limit", "offset", "uploaded_at_start", "uploaded_at_end"]);
    /// Uploads one file.
    UPLOAD_OPPORTUNITY_FILE = post("uploadOpportunityFile", "/opportunities/{opportunity}/files", "UploadOpportunityFile")
        .allowed_by("upload an opportunity file", &["files:write:admin"])
        .query(&["perform_as"])
        .acting(PerformAs::Required)
        .body(BodyKind::Multipart);
    /// Reads one file.
    GET_OPPORTUNITY_FILE = get("getOpportunityFile", "/opportunities/{opportunity}/files/{file}", "GetFile")
        .allowed_by("find an opportunity file", &["files:read:admin"]);
    /// Deletes a file.
    DELETE_OPPORTUNITY_FILE = delete("deleteOpportunityFile", "/opportunities/{opportunity}/files/{file}", "DeleteFile")
        .allowed_by("delete an opportunity file", &["files:write:admin"])
        .query(&["perform_as"])
        .acting(PerformAs::Required);
    /// Downloads a file.
    DOWNLOAD_OPPORTUNITY_FILE = download("downloadOpportunityFile", "/opportunities/{opportunity}/files/{file}/download", "DownloadFile")
        .allowed_by("download an opportunity file", &["files:read:admin"]);
    /// Lists resumes.
    LIST_OPPORTUNITY_RESUMES = list("listOpportunityResumes", "/opportunities/{opportunity}/resumes", "ListResumes")
        .allowed_by("find all opportunity resumes", &["resumes:read:admin"])
        .query(&["limit", "offset", "uploaded_at_start", "uploaded_at_end"]);
    /// Reads one resume.
    GET_OPPORTUNITY_RESUME = get("getOpportunityResume", "/opportunities/{opportunity}/resumes/{resume}", "GetResume")
        .allowed_by("find an opportunity resume", &["resumes:read:admin"]);
    /// Downloads a resume file.
    DOWNLOAD_OPPORTUNITY_RESUME = download("downloadOpportunityResume", "/opportunities/{opportunity}/resumes/{resume}/download", "DownloadResume")
        .allowed_by("download an opportunity resume file", &["resumes:read:admin"]);
    /// Lists file actions.
    LIST_OPPORTUNITY_FILE_ACTIONS = list("listOpportunityFileActions", "/opportunities/{opportunity}/file_actions", "ListFileActions")
        .allowed_by("find all opportunity file actions", &["opportunities:read:admin", "files:read:admin"])
        .query(&["limit", "offset", "occurred_at_start", "occurred_at_end"]);
    /// Uploads a file for an application; it lives 24 hours.
    UPLOAD_FILE = post("uploadFile", "/uploads", "UploadFile")
        .allowed_by("apply to a posting", &["uploads:write:admin"])
        .body(BodyKind::Multipart);
}
