//! The operations of the candidates that opportunities took the place of in 2020.
//!
//! Lever: "Deprecated endpoints". Each but one is an operation on opportunities under another path.

use super::{Operation, PerformAs, operations, post};

operations! {
    /// The twin of [`LIST_OPPORTUNITIES`](crate::registry::LIST_OPPORTUNITIES).
    LIST_CANDIDATES = super::LIST_OPPORTUNITIES.legacy(
        "listCandidates",
        "/candidates",
        "find all candidates",
        "Legacy<ListOpportunities>",
    );
    /// The twin of [`CREATE_OPPORTUNITY`](crate::registry::CREATE_OPPORTUNITY).
    CREATE_CANDIDATE = super::CREATE_OPPORTUNITY.legacy(
        "createCandidate",
        "/candidates",
        "create a candidate",
        "Legacy<CreateOpportunity>",
    );
    /// The twin of [`GET_OPPORTUNITY`](crate::registry::GET_OPPORTUNITY).
    GET_CANDIDATE = super::GET_OPPORTUNITY.legacy(
        "getCandidate",
        "/candidates/{candidate}",
        "find a candidate",
        "Legacy<GetOpportunity>",
    );
    /// The twin of [`UPDATE_OPPORTUNITY_STAGE`](crate::registry::UPDATE_OPPORTUNITY_STAGE).
    UPDATE_CANDIDATE_STAGE = super::UPDATE_OPPORTUNITY_STAGE.legacy(
        "updateCandidateStage",
        "/candidates/{candidate}/stage",
        "update a candidate stage",
        "Legacy<MoveToStage>",
    );
    /// The twin of [`UPDATE_OPPORTUNITY_ARCHIVED`](crate::registry::UPDATE_OPPORTUNITY_ARCHIVED).
    UPDATE_CANDIDATE_ARCHIVED = super::UPDATE_OPPORTUNITY_ARCHIVED.legacy(
        "updateCandidateArchived",
        "/candidates/{candidate}/archived",
        "update candidate archived state",
        "Legacy<SetArchived>",
    );
    /// The twin of [`ADD_OPPORTUNITY_LINKS`](crate::registry::ADD_OPPORTUNITY_LINKS).
    ADD_CANDIDATE_LINKS = super::ADD_OPPORTUNITY_LINKS.legacy(
        "addCandidateLinks",
        "/candidates/{candidate}/addLinks",
        "add candidate links",
        "Legacy<AddLinks>",
    );
    /// The twin of [`REMOVE_OPPORTUNITY_LINKS`](crate::registry::REMOVE_OPPORTUNITY_LINKS).
    REMOVE_CANDIDATE_LINKS = super::REMOVE_OPPORTUNITY_LINKS.legacy(
        "removeCandidateLinks",
        "/candidates/{candidate}/removeLinks",
        "remove candidate links",
        "Legacy<RemoveLinks>",
    );
    /// The twin of [`ADD_OPPORTUNITY_TAGS`](crate::registry::ADD_OPPORTUNITY_TAGS).
    ADD_CANDIDATE_TAGS = super::ADD_OPPORTUNITY_TAGS.legacy(
        "addCandidateTags",
        "/candidates/{candidate}/addTags",
        "add candidate tags",
        "Legacy<AddTags>",
    );
    /// The twin of [`REMOVE_OPPORTUNITY_TAGS`](crate::registry::REMOVE_OPPORTUNITY_TAGS).
    REMOVE_CANDIDATE_TAGS = super::REMOVE_OPPORTUNITY_TAGS.legacy(
        "removeCandidateTags",
        "/candidates/{candidate}/removeTags",
        "remove candidate tags",
        "Legacy<RemoveTags>",
    );
    /// The twin of [`ADD_OPPORTUNITY_SOURCES`](crate::registry::ADD_OPPORTUNITY_SOURCES).
    ADD_CANDIDATE_SOURCES = super::ADD_OPPORTUNITY_SOURCES.legacy(
        "addCandidateSources",
        "/candidates/{candidate}/addSources",
        "add candidate sources",
        "Legacy<AddSources>",
    );
    /// The twin of [`REMOVE_OPPORTUNITY_SOURCES`](crate::registry::REMOVE_OPPORTUNITY_SOURCES).
    REMOVE_CANDIDATE_SOURCES = super::REMOVE_OPPORTUNITY_SOURCES.legacy(
        "removeCandidateSources",
        "/candidates/{candidate}/removeSources",
        "remove candidate sources",
        "Legacy<RemoveSources>",
    );
    /// The twin of [`LIST_OPPORTUNITY_APPLICATIONS`](crate::registry::LIST_OPPORTUNITY_APPLICATIONS).
    LIST_CANDIDATE_APPLICATIONS = super::LIST_OPPORTUNITY_APPLICATIONS.legacy(
        "listCandidateApplications",
        "/candidates/{candidate}/applications",
        "find all candidate applications",
        "Legacy<ListApplications>",
    );
    /// The twin of [`GET_OPPORTUNITY_APPLICATION`](crate::registry::GET_OPPORTUNITY_APPLICATION).
    GET_CANDIDATE_APPLICATION = super::GET_OPPORTUNITY_APPLICATION.legacy(
        "getCandidateApplication",
        "/candidates/{candidate}/applications/{application}",
        "find a candidate application",
        "Legacy<GetApplication>",
    );
    /// The twin of [`LIST_OPPORTUNITY_FEEDBACK`](crate::registry::LIST_OPPORTUNITY_FEEDBACK).
    LIST_CANDIDATE_FEEDBACK = super::LIST_OPPORTUNITY_FEEDBACK.legacy(
        "listCandidateFeedback",
        "/candidates/{candidate}/feedback",
        "find all candidate feedback",
        "Legacy<ListFeedback>",
    );
    /// The twin of [`CREATE_OPPORTUNITY_FEEDBACK`](crate::registry::CREATE_OPPORTUNITY_FEEDBACK).
    CREATE_CANDIDATE_FEEDBACK = super::CREATE_OPPORTUNITY_FEEDBACK.legacy(
        "createCandidateFeedback",
        "/candidates/{candidate}/feedback",
        "create a candidate feedback form",
        "Legacy<CreateFeedback>",
    );
    /// The twin of [`GET_OPPORTUNITY_FEEDBACK_FORM`](crate::registry::GET_OPPORTUNITY_FEEDBACK_FORM).
    GET_CANDIDATE_FEEDBACK_FORM = super::GET_OPPORTUNITY_FEEDBACK_FORM.legacy(
        "getCandidateFeedbackForm",
        "/candidates/{candidate}/feedback/{feedback}",
        "find a candidate feedback form",
        "Legacy<GetFeedback>",
    );
    /// The twin of [`UPDATE_OPPORTUNITY_FEEDBACK`](crate::registry::UPDATE_OPPORTUNITY_FEEDBACK).
    UPDATE_CANDIDATE_FEEDBACK = super::UPDATE_OPPORTUNITY_FEEDBACK.legacy(
        "updateCandidateFeedback",
        "/candidates/{candidate}/feedback/{feedback}",
        "update a candidate feedback form",
        "Legacy<UpdateFeedback>",
    );
    /// The twin of [`DELETE_OPPORTUNITY_FEEDBACK`](crate::registry::DELETE_OPPORTUNITY_FEEDBACK).
    DELETE_CANDIDATE_FEEDBACK = super::DELETE_OPPORTUNITY_FEEDBACK.legacy(
        "deleteCandidateFeedback",
        "/candidates/{candidate}/feedback/{feedback}",
        "delete a candidate feedback form",
        "Legacy<DeleteFeedback>",
    );
    /// The twin of [`LIST_OPPORTUNITY_FILES`](crate::registry::LIST_OPPORTUNITY_FILES).
    LIST_CANDIDATE_FILES = super::LIST_OPPORTUNITY_FILES.legacy(
        "listCandidateFiles",
        "/candidates/{candidate}/files",
        "find all candidate files",
        "Legacy<ListFiles>",
    );
    /// The twin of [`UPLOAD_OPPORTUNITY_FILE`](crate::registry::UPLOAD_OPPORTUNITY_FILE).
    UPLOAD_CANDIDATE_FILE = super::UPLOAD_OPPORTUNITY_FILE.legacy(
        "uploadCandidateFile",
        "/candidates/{candidate}/files",
        "upload a candidate file",
        "Legacy<UploadOpportunityFile>",
    );
    /// The twin of [`GET_OPPORTUNITY_FILE`](crate::registry::GET_OPPORTUNITY_FILE).
    GET_CANDIDATE_FILE = super::GET_OPPORTUNITY_FILE.legacy(
        "getCandidateFile",
        "/candidates/{candidate}/files/{file}",
        "find a candidate file",
        "Legacy<GetFile>",
    );
    /// The twin of [`DELETE_OPPORTUNITY_FILE`](crate::registry::DELETE_OPPORTUNITY_FILE).
    DELETE_CANDIDATE_FILE = super::DELETE_OPPORTUNITY_FILE.legacy(
        "deleteCandidateFile",
        "/candidates/{candidate}/files/{file}",
        "delete a candidate file",
        "Legacy<DeleteFile>",
    );
    /// The twin of [`DOWNLOAD_OPPORTUNITY_FILE`](crate::registry::DOWNLOAD_OPPORTUNITY_FILE).
    DOWNLOAD_CANDIDATE_FILE = super::DOWNLOAD_OPPORTUNITY_FILE.legacy(
        "downloadCandidateFile",
        "/candidates/{candidate}/files/{file}/download",
        "download a candidate file",
        "Legacy<DownloadFile>",
    );
    /// The twin of [`LIST_OPPORTUNITY_INTERVIEWS`](crate::registry::LIST_OPPORTUNITY_INTERVIEWS).
    LIST_CANDIDATE_INTERVIEWS = super::LIST_OPPORTUNITY_INTERVIEWS.legacy(
        "listCandidateInterviews",
        "/candidates/{candidate}/interviews",
        "find all candidate interviews",
        "Legacy<ListInterviews>",
    );
    /// The twin of [`CREATE_OPPORTUNITY_INTERVIEW`](crate::registry::CREATE_OPPORTUNITY_INTERVIEW).
    CREATE_CANDIDATE_INTERVIEW = super::CREATE_OPPORTUNITY_INTERVIEW.legacy(
        "createCandidateInterview",
        "/candidates/{candidate}/interviews",
        "create a candidate interview",
        "Legacy<CreateInterview>",
    );
    /// The twin of [`GET_OPPORTUNITY_INTERVIEW`](crate::registry::GET_OPPORTUNITY_INTERVIEW).
    GET_CANDIDATE_INTERVIEW = super::GET_OPPORTUNITY_INTERVIEW.legacy(
        "getCandidateInterview",
        "/candidates/{candidate}/interviews/{interview}",
        "find a candidate interview",
        "Legacy<GetInterview>",
    );
    /// The twin of [`UPDATE_OPPORTUNITY_INTERVIEW`](crate::registry::UPDATE_OPPORTUNITY_INTERVIEW).
    UPDATE_CANDIDATE_INTERVIEW = super::UPDATE_OPPORTUNITY_INTERVIEW.legacy(
        "updateCandidateInterview",
        "/candidates/{candidate}/interviews/{interview}",
        "update a candidate interview",
        "Legacy<UpdateInterview>",
    );
    /// The twin of [`DELETE_OPPORTUNITY_INTERVIEW`](crate::registry::DELETE_OPPORTUNITY_INTERVIEW).
    DELETE_CANDIDATE_INTERVIEW = super::DELETE_OPPORTUNITY_INTERVIEW.legacy(
        "deleteCandidateInterview",
        "/candidates/{candidate}/interviews/{interview}",
        "delete a candidate interview",
        "Legacy<DeleteInterview>",
    );
    /// The twin of [`LIST_OPPORTUNITY_NOTES`](crate::registry::LIST_OPPORTUNITY_NOTES).
    LIST_CANDIDATE_NOTES = super::LIST_OPPORTUNITY_NOTES.legacy(
        "listCandidateNotes",
        "/candidates/{candidate}/notes",
        "find all candidate notes",
        "Legacy<ListNotes>",
    );
    /// The twin of [`CREATE_OPPORTUNITY_NOTE`](crate::registry::CREATE_OPPORTUNITY_NOTE).
    CREATE_CANDIDATE_NOTE = super::CREATE_OPPORTUNITY_NOTE.legacy(
        "createCandidateNote",
        "/candidates/{candidate}/notes",
        "create a candidate note",
        "Legacy<CreateNote>",
    );
    /// The twin of [`GET_OPPORTUNITY_NOTE`](crate::registry::GET_OPPORTUNITY_NOTE).
    GET_CANDIDATE_NOTE = super::GET_OPPORTUNITY_NOTE.legacy(
        "getCandidateNote",
        "/candidates/{candidate}/notes/{note}",
        "find a candidate note",
        "Legacy<GetNote>",
    );
    /// The twin of [`UPDATE_OPPORTUNITY_NOTE`](crate::registry::UPDATE_OPPORTUNITY_NOTE).
    UPDATE_CANDIDATE_NOTE = super::UPDATE_OPPORTUNITY_NOTE.legacy(
        "updateCandidateNote",
        "/candidates/{candidate}/notes/{note}",
        "update a candidate note",
        "Legacy<UpdateNote>",
    );
    /// The twin of [`DELETE_OPPORTUNITY_NOTE`](crate::registry::DELETE_OPPORTUNITY_NOTE).
    DELETE_CANDIDATE_NOTE = super::DELETE_OPPORTUNITY_NOTE.legacy(
        "deleteCandidateNote",
        "/candidates/{candidate}/notes/{note}",
        "delete a candidate note",
        "Legacy<DeleteNote>",
    );
    /// The twin of [`LIST_OPPORTUNITY_OFFERS`](crate::registry::LIST_OPPORTUNITY_OFFERS).
    LIST_CANDIDATE_OFFERS = super::LIST_OPPORTUNITY_OFFERS.legacy(
        "listCandidateOffers",
        "/candidates/{candidate}/offers",
        "find all candidate offers",
        "Legacy<ListOffers>",
    );
    /// The twin of [`DOWNLOAD_OPPORTUNITY_OFFER`](crate::registry::DOWNLOAD_OPPORTUNITY_OFFER).
    DOWNLOAD_CANDIDATE_OFFER = super::DOWNLOAD_OPPORTUNITY_OFFER.legacy(
        "downloadCandidateOffer",
        "/candidates/{candidate}/offers/{offer}/download",
        "download a candidate offer file",
        "Legacy<DownloadOffer>",
    );
    /// The twin of [`LIST_OPPORTUNITY_PANELS`](crate::registry::LIST_OPPORTUNITY_PANELS).
    LIST_CANDIDATE_PANELS = super::LIST_OPPORTUNITY_PANELS.legacy(
        "listCandidatePanels",
        "/candidates/{candidate}/panels",
        "find all candidate panels",
        "Legacy<ListPanels>",
    );
    /// The twin of [`CREATE_OPPORTUNITY_PANEL`](crate::registry::CREATE_OPPORTUNITY_PANEL).
    CREATE_CANDIDATE_PANEL = super::CREATE_OPPORTUNITY_PANEL.legacy(
        "createCandidatePanel",
        "/candidates/{candidate}/panels",
        "create a candidate panel",
        "Legacy<CreatePanel>",
    );
    /// The twin of [`GET_OPPORTUNITY_PANEL`](crate::registry::GET_OPPORTUNITY_PANEL).
    GET_CANDIDATE_PANEL = super::GET_OPPORTUNITY_PANEL.legacy(
        "getCandidatePanel",
        "/candidates/{candidate}/panels/{panel}",
        "find a candidate panel",
        "Legacy<GetPanel>",
    );
    /// The twin of [`UPDATE_OPPORTUNITY_PANEL`](crate::registry::UPDATE_OPPORTUNITY_PANEL).
    UPDATE_CANDIDATE_PANEL = super::UPDATE_OPPORTUNITY_PANEL.legacy(
        "updateCandidatePanel",
        "/candidates/{candidate}/panels/{panel}",
        "update a candidate panel",
        "Legacy<UpdatePanel>",
    );
    /// The twin of [`DELETE_OPPORTUNITY_PANEL`](crate::registry::DELETE_OPPORTUNITY_PANEL).
    DELETE_CANDIDATE_PANEL = super::DELETE_OPPORTUNITY_PANEL.legacy(
        "deleteCandidatePanel",
        "/candidates/{candidate}/panels/{panel}",
        "delete a candidate panel",
        "Legacy<DeletePanel>",
    );
    /// The twin of [`LIST_OPPORTUNITY_FORMS`](crate::registry::LIST_OPPORTUNITY_FORMS).
    LIST_CANDIDATE_FORMS = super::LIST_OPPORTUNITY_FORMS.legacy(
        "listCandidateForms",
        "/candidates/{candidate}/forms",
        "find all candidate forms",
        "Legacy<ListForms>",
    );
    /// The twin of [`CREATE_OPPORTUNITY_FORM`](crate::registry::CREATE_OPPORTUNITY_FORM).
    CREATE_CANDIDATE_FORM = super::CREATE_OPPORTUNITY_FORM.legacy(
        "createCandidateForm",
        "/candidates/{candidate}/forms",
        "create a candidate form",
        "Legacy<CreateForm>",
    );
    /// The twin of [`GET_OPPORTUNITY_FORM`](crate::registry::GET_OPPORTUNITY_FORM).
    GET_CANDIDATE_FORM = super::GET_OPPORTUNITY_FORM.legacy(
        "getCandidateForm",
        "/candidates/{candidate}/forms/{form}",
        "find a candidate form",
        "Legacy<GetForm>",
    );
    /// The twin of [`LIST_OPPORTUNITY_REFERRALS`](crate::registry::LIST_OPPORTUNITY_REFERRALS).
    LIST_CANDIDATE_REFERRALS = super::LIST_OPPORTUNITY_REFERRALS.legacy(
        "listCandidateReferrals",
        "/candidates/{candidate}/referrals",
        "find all candidate referrals",
        "Legacy<ListReferrals>",
    );
    /// The twin of [`GET_OPPORTUNITY_REFERRAL`](crate::registry::GET_OPPORTUNITY_REFERRAL).
    GET_CANDIDATE_REFERRAL = super::GET_OPPORTUNITY_REFERRAL.legacy(
        "getCandidateReferral",
        "/candidates/{candidate}/referrals/{referral}",
        "find a candidate referral",
        "Legacy<GetReferral>",
    );
    /// The twin of [`LIST_OPPORTUNITY_RESUMES`](crate::registry::LIST_OPPORTUNITY_RESUMES).
    LIST_CANDIDATE_RESUMES = super::LIST_OPPORTUNITY_RESUMES.legacy(
        "listCandidateResumes",
        "/candidates/{candidate}/resumes",
        "find all candidate resumes",
        "Legacy<ListResumes>",
    );
    /// The twin of [`GET_OPPORTUNITY_RESUME`](crate::registry::GET_OPPORTUNITY_RESUME).
    GET_CANDIDATE_RESUME = super::GET_OPPORTUNITY_RESUME.legacy(
        "getCandidateResume",
        "/candidates/{candidate}/resumes/{resume}",
        "find a candidate resume",
        "Legacy<GetResume>",
    );
    /// The twin of [`DOWNLOAD_OPPORTUNITY_RESUME`](crate::registry::DOWNLOAD_OPPORTUNITY_RESUME).
    DOWNLOAD_CANDIDATE_RESUME = super::DOWNLOAD_OPPORTUNITY_RESUME.legacy(
        "downloadCandidateResume",
        "/candidates/{candidate}/resumes/{resume}/download",
        "download a candidate resume",
        "Legacy<DownloadResume>",
    );
    /// Adds postings to a candidate; each beyond the first makes another opportunity.
    ADD_CANDIDATE_POSTINGS = post("addCandidatePostings", "/candidates/{candidate}/addPostings", "AddCandidatePostings")
        .allowed_by("add candidate postings", &["opportunities:write:admin"])
        .query(&["perform_as"])
        .acting(PerformAs::Required)
        .deprecated();
}
