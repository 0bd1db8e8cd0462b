//! Files, resumes and uploads.

use super::table::{calls, downloads, lists};
use super::{Endpoint, FileSource, Part, Request};
use crate::page::Record;
use crate::registry::{self, Operation};
use crate::{File, FileAction, FileId, OpportunityId, Resume, ResumeId, Timestamp, Upload, UserId};

lists! {
    /// Lists the files of an opportunity.
    ///
    /// Lever: "List all files", `GET /opportunities/:opportunity/files`.
    ListFiles(opportunity: OpportunityId) = LIST_OPPORTUNITY_FILES => File {
        only uploaded_at_start: Timestamp, "Only uploaded then or later.";
        only uploaded_at_end: Timestamp, "Only uploaded then or earlier.";
    }

    /// Lists what happened to the files of an opportunity.
    ///
    /// Lever: "List all file actions", `GET /opportunities/:opportunity/file_actions`.
    ListFileActions(opportunity: OpportunityId) = LIST_OPPORTUNITY_FILE_ACTIONS => FileAction {
        only occurred_at_start: Timestamp, "Only from then on.";
        only occurred_at_end: Timestamp, "Only before then.";
    }

    /// Lists the resumes of an opportunity.
    ///
    /// Lever: "List all resumes", `GET /opportunities/:opportunity/resumes`.
    ListResumes(opportunity: OpportunityId) = LIST_OPPORTUNITY_RESUMES => Resume {
        only uploaded_at_start: Timestamp, "Only uploaded then or later; without a file its making counts.";
        only uploaded_at_end: Timestamp, "Only uploaded then or earlier.";
    }
}

calls! {
    /// Reads what Lever says of one file.
    ///
    /// Lever: "Retrieve a single file", `GET /opportunities/:opportunity/files/:file`.
    GetFile(opportunity: OpportunityId, file: FileId) = GET_OPPORTUNITY_FILE => Record<File> {}

    /// Deletes a file.
    ///
    /// Lever: "Delete a file", `DELETE /opportunities/:opportunity/files/:file`.
    DeleteFile(opportunity: OpportunityId, file: FileId) = DELETE_OPPORTUNITY_FILE => () {
        must perform_as: UserId, "The Lever user who deletes it.";
    }

    /// Reads one resume.
    ///
    /// Lever: "Retrieve a single resume", `GET /opportunities/:opportunity/resumes/:resume`.
    GetResume(opportunity: OpportunityId, resume: ResumeId) = GET_OPPORTUNITY_RESUME => Record<Resume> {}
}

downloads! {
    /// Downloads a file; 422 when Lever could not process it.
    ///
    /// Lever: "Download a file", `GET /opportunities/:opportunity/files/:file/download`.
    DownloadFile(opportunity: OpportunityId, file: FileId) = DOWNLOAD_OPPORTUNITY_FILE {}

    /// Downloads the file of a resume; 422 when Lever could not process it, 404 when it has none.
    ///
    /// Lever: "Download a resume file", `GET /opportunities/:opportunity/resumes/:resume/download`.
    DownloadResume(opportunity: OpportunityId, resume: ResumeId) = DOWNLOAD_OPPORTUNITY_RESUME {}
}

/// The name of the field that carries the file.
const FIELD: &str = "file";

/// Keeps a file with an opportunity. Sent twice it is kept twice.
///
/// Lever: "Upload a single file", `POST /opportunities/:opportunity/files`; fixture `file.upload.response.json`.
#[derive(Debug, Clone)]
pub struct UploadOpportunityFile {
    /// With which opportunity.
    pub opportunity: OpportunityId,
    /// The file, up to 30 MB.
    pub file: FileSource,
    /// The Lever user named as having added it.
    pub perform_as: UserId,
}

impl Endpoint for UploadOpportunityFile {
    type Reply = Record<File>;
    const OPERATION: &'static Operation = &registry::UPLOAD_OPPORTUNITY_FILE;

    fn request(&self) -> Request {
        Request::post(["opportunities", self.opportunity.as_str(), "files"])
            .query("perform_as", Some(&self.perform_as))
            .multipart(vec![Part::file(FIELD, self.file.clone())])
    }
}

/// Uploads a file that an application is to name; it lives 24 hours.
///
/// Lever: "Upload a file", `POST /uploads`; fixture `upload.response.json`.
#[derive(Debug, Clone)]
pub struct UploadFile {
    /// The file, up to 30 MB.
    pub file: FileSource,
}

impl Endpoint for UploadFile {
    type Reply = Record<Upload>;
    const OPERATION: &'static Operation = &registry::UPLOAD_FILE;

    fn request(&self) -> Request {
        Request::post(["uploads"]).multipart(vec![Part::file(FIELD, self.file.clone())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::testing::{asked, sent};

    #[test]
    fn files_and_resumes_are_asked_for_by_time() {
        let at = |millis| Some(Timestamp::from_millis(millis));
        let files = ListFiles {
            opportunity: "o1".into(),
            uploaded_at_start: at(1),
            uploaded_at_end: at(2),
            limit: Some(3),
            offset: None,
        };
        let expected = "GET /opportunities/o1/files?uploaded_at_start=1&uploaded_at_end=2&limit=3";
        assert_eq!(sent(&files), (expected.to_owned(), None));
        let resumes = ListResumes {
            opportunity: "o1".into(),
            uploaded_at_start: at(1),
            uploaded_at_end: None,
            limit: None,
            offset: None,
        };
        let expected = "GET /opportunities/o1/resumes?uploaded_at_start=1";
        assert_eq!(sent(&resumes), (expected.to_owned(), None));
        let actions = ListFileActions {
            opportunity: "o1".into(),
            occurred_at_start: at(1),
            occurred_at_end: at(2),
            limit: None,
            offset: Some("t".into()),
        };
        let expected =
            "GET /opportunities/o1/file_actions?occurred_at_start=1&occurred_at_end=2&offset=t";
        assert_eq!(sent(&actions), (expected.to_owned(), None));
    }

    #[test]
    fn one_file_is_read_downloaded_and_deleted() {
        let get = GetFile {
            opportunity: "o1".into(),
            file: "f1".into(),
        };
        assert_eq!(
            sent(&get),
            ("GET /opportunities/o1/files/f1".to_owned(), None)
        );
        let download = DownloadFile {
            opportunity: "o1".into(),
            file: "f1".into(),
        };
        assert_eq!(asked(&download), "GET /opportunities/o1/files/f1/download");
        let delete = DeleteFile {
            opportunity: "o1".into(),
            file: "f1".into(),
            perform_as: "u1".into(),
        };
        let expected = "DELETE /opportunities/o1/files/f1?perform_as=u1";
        assert_eq!(sent(&delete), (expected.to_owned(), None));
    }

    #[test]
    fn one_resume_is_read_and_downloaded() {
        let get = GetResume {
            opportunity: "o1".into(),
            resume: "r1".into(),
        };
        assert_eq!(
            sent(&get),
            ("GET /opportunities/o1/resumes/r1".to_owned(), None)
        );
        let download = DownloadResume {
            opportunity: "o1".into(),
            resume: "r1".into(),
        };
        assert_eq!(
            asked(&download),
            "GET /opportunities/o1/resumes/r1/download"
        );
    }

    #[test]
    fn a_file_goes_in_the_field_file() {
        let file = FileSource::from_bytes("a.txt", "hello");
        let upload = UploadOpportunityFile {
            opportunity: "o1".into(),
            file: file.clone(),
            perform_as: "u1".into(),
        };
        let expected = "POST /opportunities/o1/files?perform_as=u1";
        assert_eq!(sent(&upload), (expected.to_owned(), None));
        assert_eq!(upload.request().parts(), [Part::file("file", file.clone())]);
        let upload = UploadFile { file: file.clone() };
        assert_eq!(sent(&upload), ("POST /uploads".to_owned(), None));
        assert_eq!(upload.request().parts(), [Part::file("file", file)]);
    }
}
