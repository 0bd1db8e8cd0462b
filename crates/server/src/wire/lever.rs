//! Lever's own records, and the questions about them.

mod call;
mod filters;
mod transcode;

use domain::Timestamp;
use engine::{Error, Filter, RawRecord, ReadFrom, Result};
use prost::Message;
use proto::v1 as pb;

pub use call::{from_call, from_value, to_called};
use transcode::{Beside, transcode};

/// A record that can be shown.
pub trait Shown: Message + Default {
    /// The name of the message in the protos.
    const NAME: &'static str;

    /// The record as the wire has it; `include_raw_json` says whether it carries the document.
    fn shown(record: &RawRecord, include_raw_json: bool) -> Self {
        let beside = Beside {
            id: &record.id,
            opportunity: record.opportunity.as_deref().unwrap_or_default(),
            raw: include_raw_json.then_some(record.raw.as_str()),
        };
        transcode(Self::NAME, &record.raw, beside)
    }
}

macro_rules! shown {
    ($($name:ident),* $(,)?) => {
        $(impl Shown for pb::$name {
            const NAME: &'static str = stringify!($name);
        })*
    };
}

shown!(
    Application,
    ArchiveReason,
    Contact,
    EeoResponse,
    Feedback,
    FeedbackTemplate,
    File,
    Form,
    FormTemplate,
    Interview,
    Note,
    Offer,
    Opportunity,
    Panel,
    Posting,
    PostingForm,
    Referral,
    Requisition,
    RequisitionField,
    Resume,
    Source,
    Stage,
    Tag,
    User,
);

/// Where to read from.
///
/// # Errors
/// Invalid for an unknown source.
pub fn from_read_from(read_from: i32) -> Result<ReadFrom> {
    match pb::ReadFrom::try_from(read_from) {
        Ok(pb::ReadFrom::Unspecified | pb::ReadFrom::Mirror) => Ok(ReadFrom::Mirror),
        Ok(pb::ReadFrom::Lever) => Ok(ReadFrom::Lever),
        Err(_) => Err(Error::invalid(
            "read_from",
            "give READ_FROM_MIRROR or READ_FROM_LEVER",
        )),
    }
}

/// The fields that every list request has.
#[derive(Debug)]
pub struct Question<'a> {
    /// Ours.
    pub connection_id: &'a str,
    /// As asked.
    pub page_size: i32,
    /// From the answer before.
    pub page_token: &'a str,
    /// Mirror or live.
    pub read_from: i32,
    /// Whether items carry Lever's whole document.
    pub include_raw_json: bool,
    /// Of lists below an opportunity; empty for all.
    pub opportunity_id: &'a str,
}

/// A request for one page of a list.
pub trait ListRequest: Message + Default + Clone {
    /// The fields that every list request has.
    fn question(&self) -> Question<'_>;

    /// The same request without what changes from page to page: a page token is bound to it.
    fn without_page(&self) -> Self;

    /// The filters that are set.
    ///
    /// # Errors
    /// Invalid, naming the field.
    fn filters(&self, now: Timestamp) -> Result<Vec<Filter>>;
}

/// The opportunity a list is below, where it is below one.
macro_rules! below {
    ($request:ident) => {
        ""
    };
    ($request:ident, $field:ident) => {
        &$request.$field
    };
}

/// The filters of a list, where it has any.
macro_rules! filtered {
    ($request:ident, $now:ident) => {{
        let _ = $now;
        Ok(Vec::new())
    }};
    ($request:ident, $now:ident, $filters:ident) => {
        filters::$filters($request, $now)
    };
}

macro_rules! list_request {
    ($($name:ident $(($opportunity:ident))? $(: $filters:ident)?;)*) => {
        $(impl ListRequest for pb::$name {
            fn question(&self) -> Question<'_> {
                Question {
                    connection_id: &self.connection_id,
                    page_size: self.page_size,
                    page_token: &self.page_token,
                    read_from: self.read_from,
                    include_raw_json: self.include_raw_json,
                    opportunity_id: below!(self $(, $opportunity)?),
                }
            }

            fn without_page(&self) -> Self {
                pb::$name { page_size: 0, page_token: String::new(), ..self.clone() }
            }

            fn filters(&self, now: Timestamp) -> Result<Vec<Filter>> {
                filtered!(self, now $(, $filters)?)
            }
        })*
    };
}

list_request! {
    ListOpportunitiesRequest: opportunities;
    ListApplicationsRequest (opportunity_id);
    ListContactsRequest;
    ListNotesRequest (opportunity_id);
    ListOffersRequest (opportunity_id);
    ListInterviewsRequest (opportunity_id);
    ListPanelsRequest (opportunity_id);
    ListFeedbackRequest (opportunity_id);
    ListResumesRequest (opportunity_id): resumes;
    ListFilesRequest (opportunity_id): files;
    ListFormsRequest (opportunity_id);
    ListReferralsRequest (opportunity_id);
    ListPostingsRequest: postings;
    ListPostingFormsRequest;
    ListRequisitionsRequest: requisitions;
    ListRequisitionFieldsRequest: requisition_fields;
    ListStagesRequest;
    ListArchiveReasonsRequest: archive_reasons;
    ListUsersRequest: users;
    ListTagsRequest;
    ListSourcesRequest;
    ListFeedbackTemplatesRequest;
    ListFormTemplatesRequest;
    ListEeoResponsesRequest: eeo_responses;
}
