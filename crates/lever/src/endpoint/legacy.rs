//! Operations on candidates, which opportunities took the place of in 2020.

use super::table::{bodies, calls};
use super::*;
use crate::page::{Offset, Record};
use crate::registry::{self, Operation};
use crate::{Opportunity, OpportunityId, PostingId, UserId};

/// An operation on opportunities that is also there under the old name.
///
/// Lever: "Deprecated endpoints": a candidate's id is that of its opportunity, and the answers are the same.
pub trait Twin {
    /// The operation under the old name.
    const LEGACY: &'static Operation;
}

/// The same call under `/candidates`, as a credential with only the old permissions may make it.
#[derive(Debug, Clone)]
pub struct Legacy<E>(pub E);

const FOLDER: &str = "candidates";

impl<E: Endpoint + Twin> Endpoint for Legacy<E> {
    type Reply = E::Reply;
    const OPERATION: &'static Operation = E::LEGACY;

    fn request(&self) -> Request {
        self.0.request().under(FOLDER)
    }
}

impl<E: ListEndpoint + Twin> ListEndpoint for Legacy<E> {
    type Item = E::Item;

    fn at(&self, offset: Option<Offset>) -> Legacy<E> {
        Legacy(self.0.at(offset))
    }
}

impl<E: DownloadEndpoint + Twin> DownloadEndpoint for Legacy<E> {
    const OPERATION: &'static Operation = E::LEGACY;

    fn request(&self) -> Request {
        self.0.request().under(FOLDER)
    }
}

/// Says under which name the twin of each endpoint is registered.
macro_rules! twins {
    ($($name:ident is $operation:ident,)+) => {$(
        impl Twin for $name {
            const LEGACY: &'static Operation = &registry::$operation;
        }
    )+};
}

twins! {
    ListOpportunities is LIST_CANDIDATES,
    CreateOpportunity is CREATE_CANDIDATE,
    GetOpportunity is GET_CANDIDATE,
    MoveToStage is UPDATE_CANDIDATE_STAGE,
    SetArchived is UPDATE_CANDIDATE_ARCHIVED,
    AddLinks is ADD_CANDIDATE_LINKS,
    RemoveLinks is REMOVE_CANDIDATE_LINKS,
    AddTags is ADD_CANDIDATE_TAGS,
    RemoveTags is REMOVE_CANDIDATE_TAGS,
    AddSources is ADD_CANDIDATE_SOURCES,
    RemoveSources is REMOVE_CANDIDATE_SOURCES,
    ListApplications is LIST_CANDIDATE_APPLICATIONS,
    GetApplication is GET_CANDIDATE_APPLICATION,
    ListFeedback is LIST_CANDIDATE_FEEDBACK,
    CreateFeedback is CREATE_CANDIDATE_FEEDBACK,
    GetFeedback is GET_CANDIDATE_FEEDBACK_FORM,
    UpdateFeedback is UPDATE_CANDIDATE_FEEDBACK,
    DeleteFeedback is DELETE_CANDIDATE_FEEDBACK,
    ListFiles is LIST_CANDIDATE_FILES,
    UploadOpportunityFile is UPLOAD_CANDIDATE_FILE,
    GetFile is GET_CANDIDATE_FILE,
    DeleteFile is DELETE_CANDIDATE_FILE,
    DownloadFile is DOWNLOAD_CANDIDATE_FILE,
    ListInterviews is LIST_CANDIDATE_INTERVIEWS,
    CreateInterview is CREATE_CANDIDATE_INTERVIEW,
    GetInterview is GET_CANDIDATE_INTERVIEW,
    UpdateInterview is UPDATE_CANDIDATE_INTERVIEW,
    DeleteInterview is DELETE_CANDIDATE_INTERVIEW,
    ListNotes is LIST_CANDIDATE_NOTES,
    CreateNote is CREATE_CANDIDATE_NOTE,
    GetNote is GET_CANDIDATE_NOTE,
    UpdateNote is UPDATE_CANDIDATE_NOTE,
    DeleteNote is DELETE_CANDIDATE_NOTE,
    ListOffers is LIST_CANDIDATE_OFFERS,
    DownloadOffer is DOWNLOAD_CANDIDATE_OFFER,
    ListPanels is LIST_CANDIDATE_PANELS,
    CreatePanel is CREATE_CANDIDATE_PANEL,
    GetPanel is GET_CANDIDATE_PANEL,
    UpdatePanel is UPDATE_CANDIDATE_PANEL,
    DeletePanel is DELETE_CANDIDATE_PANEL,
    ListForms is LIST_CANDIDATE_FORMS,
    CreateForm is CREATE_CANDIDATE_FORM,
    GetForm is GET_CANDIDATE_FORM,
    ListReferrals is LIST_CANDIDATE_REFERRALS,
    GetReferral is GET_CANDIDATE_REFERRAL,
    ListResumes is LIST_CANDIDATE_RESUMES,
    GetResume is GET_CANDIDATE_RESUME,
    DownloadResume is DOWNLOAD_CANDIDATE_RESUME,
}

calls! {
    /// Ties a candidate to more postings. The first becomes the application when there is none, each further one
    /// another opportunity of the same person, so a repeat makes them again.
    ///
    /// Lever: "Add candidate to postings", `POST /candidates/:candidate/addPostings`; opportunities have no such call.
    AddCandidatePostings(candidate: OpportunityId) = ADD_CANDIDATE_POSTINGS => Record<Opportunity>, sends PostingIds {
        must perform_as: UserId, "The Lever user named in the history.";
    }
}

bodies! {
    /// Which postings.
    struct PostingIds
    must {
        /// Their ids.
        postings: Vec<PostingId>,
    }
}
