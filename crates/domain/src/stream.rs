//! The kinds of Lever record the mirror holds, and the listings they are pulled from.

use std::fmt;
use std::time::Duration;

macro_rules! streams {
    ($($variant:ident = $tag:literal, $name:literal;)*) => {
        /// One kind of Lever record in the mirror.
        ///
        /// The tag is part of stored keys: numbers are never reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Stream {
            $(#[doc = concat!("The stream `", $name, "`.")] $variant = $tag,)*
        }

        impl Stream {
            /// Every stream, in the order of their tags.
            pub const ALL: &[Stream] = &[$(Stream::$variant,)*];

            /// The name used in configuration, over gRPC and in logs.
            pub fn name(self) -> &'static str {
                match self { $(Stream::$variant => $name,)* }
            }

            /// The stream of that name.
            pub fn from_name(name: &str) -> Option<Stream> {
                match name { $($name => Some(Stream::$variant),)* _ => None }
            }

            /// The stream with that stored tag.
            pub fn from_tag(tag: u8) -> Option<Stream> {
                match tag { $($tag => Some(Stream::$variant),)* _ => None }
            }

            /// The stored tag.
            pub fn tag(self) -> u8 {
                self as u8
            }
        }
    };
}

streams! {
    Users = 1, "users";
    Stages = 2, "stages";
    ArchiveReasons = 3, "archive_reasons";
    Tags = 4, "tags";
    Sources = 5, "sources";
    Postings = 6, "postings";
    PostingForms = 7, "posting_forms";
    Requisitions = 8, "requisitions";
    RequisitionFields = 9, "requisition_fields";
    FeedbackTemplates = 10, "feedback_templates";
    FormTemplates = 11, "form_templates";
    Opportunities = 12, "opportunities";
    Applications = 13, "applications";
    Contacts = 14, "contacts";
    Notes = 15, "notes";
    Offers = 16, "offers";
    Interviews = 17, "interviews";
    Panels = 18, "panels";
    Feedback = 19, "feedback";
    Resumes = 20, "resumes";
    Files = 21, "files";
    Forms = 22, "forms";
    Referrals = 23, "referrals";
    EeoResponses = 24, "eeo_responses";
}

impl Stream {
    /// The streams a new connection keeps when it names none: all but the EEO responses.
    pub const DEFAULT: &[Stream] = Stream::ALL.split_last().expect("there are streams").1;

    /// The lists that hang on one opportunity: each costs a request for each opportunity.
    pub const CHILDREN: &[Stream] = &[
        Stream::Notes,
        Stream::Offers,
        Stream::Interviews,
        Stream::Panels,
        Stream::Feedback,
        Stream::Resumes,
        Stream::Files,
        Stream::Forms,
        Stream::Referrals,
    ];

    /// The stream of the records this one hangs on; none for streams with a list of their own.
    ///
    /// Applications and contacts arrive inside opportunities.
    pub fn parent(self) -> Option<Stream> {
        match self {
            Stream::PostingForms => Some(Stream::Postings),
            Stream::Applications | Stream::Contacts => Some(Stream::Opportunities),
            child if Stream::CHILDREN.contains(&child) => Some(Stream::Opportunities),
            _ => None,
        }
    }

    /// Whether its records are read by one request for each parent.
    pub fn hydrated(self) -> bool {
        self == Stream::PostingForms || Stream::CHILDREN.contains(&self)
    }

    /// What a document of the stream is known by: its `id`, or the `text` of tags and sources.
    ///
    /// A number counts as its text; none for what has neither, or is no object.
    pub fn key_in(self, document: &str) -> Option<String> {
        #[derive(serde::Deserialize)]
        struct Key {
            id: Option<serde_json::Value>,
            text: Option<serde_json::Value>,
        }
        let key: Key = document
            .trim_start()
            .starts_with('{')
            .then(|| serde_json::from_str(document).ok())??;
        let key = match self {
            Stream::Tags | Stream::Sources => key.text,
            _ => key.id,
        };
        match key? {
            serde_json::Value::String(text) if text.is_empty() => None,
            serde_json::Value::String(text) => Some(text),
            serde_json::Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One list of Lever's that a pull walks page by page, and that therefore has a cursor.
///
/// The tag is part of stored keys: numbers are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Listing {
    /// `GET /users`, deactivated ones included.
    Users = 1,
    /// `GET /stages`.
    Stages = 2,
    /// `GET /archive_reasons`.
    ArchiveReasons = 3,
    /// `GET /tags`.
    Tags = 4,
    /// `GET /sources`.
    Sources = 5,
    /// `GET /postings`.
    Postings = 6,
    /// `GET /requisitions`.
    Requisitions = 8,
    /// `GET /requisition_fields`.
    RequisitionFields = 9,
    /// `GET /feedback_templates`.
    FeedbackTemplates = 10,
    /// `GET /form_templates`.
    FormTemplates = 11,
    /// `GET /opportunities`: the backfill, then what changed.
    Opportunities = 12,
    /// `GET /opportunities/deleted`.
    DeletedOpportunities = 13,
    /// `GET /opportunities` without any filter: finds what no signal reveals.
    OpportunitySweep = 14,
    /// `GET /applications/deleted`.
    DeletedApplications = 15,
    /// `GET /postings/deleted`.
    DeletedPostings = 16,
    /// `GET /opportunities` of the inbound stages: what changed among applicants.
    InboundApplicants = 17,
    /// `GET /opportunities` by when they entered their stage: who left the inbound stages.
    StageMoves = 18,
    /// `GET /eeo/responses/pii`; read only where the connection names the stream (X23).
    EeoResponses = 24,
}

impl Listing {
    /// Every listing.
    pub const ALL: &[Listing] = &[
        Listing::Stages,
        Listing::ArchiveReasons,
        Listing::Users,
        Listing::Tags,
        Listing::Sources,
        Listing::Postings,
        Listing::Requisitions,
        Listing::RequisitionFields,
        Listing::FeedbackTemplates,
        Listing::FormTemplates,
        Listing::Opportunities,
        Listing::DeletedOpportunities,
        Listing::DeletedApplications,
        Listing::DeletedPostings,
        Listing::EeoResponses,
        Listing::OpportunitySweep,
        Listing::InboundApplicants,
        Listing::StageMoves,
    ];

    /// What keeps the inbound stages fresh while the pass over all opportunities takes long, or comes seldom.
    ///
    /// The first shows who is there, the second who is not there any more; neither is ever walked whole.
    pub const INBOUND: &[Listing] = &[Listing::InboundApplicants, Listing::StageMoves];

    /// The account lists: short, unfiltered, read whole each time.
    pub const ACCOUNT: &[Listing] = &[
        Listing::Stages,
        Listing::ArchiveReasons,
        Listing::Users,
        Listing::Tags,
        Listing::Sources,
        Listing::Postings,
        Listing::Requisitions,
        Listing::RequisitionFields,
        Listing::FeedbackTemplates,
        Listing::FormTemplates,
        Listing::EeoResponses,
    ];

    /// Whether the listing tells what Lever deleted: followed from the moment of connecting, never walked.
    pub fn tells_deletions(self) -> bool {
        matches!(
            self,
            Listing::DeletedOpportunities | Listing::DeletedApplications | Listing::DeletedPostings
        )
    }

    /// The longest span of time one pass may ask for; Lever refuses longer ones on two deleted lists
    /// (behaviour: "Applications", "Postings").
    pub fn longest_window(self) -> Option<Duration> {
        const DAYS_29: Duration = Duration::from_secs(29 * 24 * 3600);
        matches!(
            self,
            Listing::DeletedApplications | Listing::DeletedPostings
        )
        .then_some(DAYS_29)
    }

    /// The stream whose records the listing brings.
    pub fn stream(self) -> Stream {
        match self {
            Listing::Users => Stream::Users,
            Listing::Stages => Stream::Stages,
            Listing::ArchiveReasons => Stream::ArchiveReasons,
            Listing::Tags => Stream::Tags,
            Listing::Sources => Stream::Sources,
            Listing::Postings | Listing::DeletedPostings => Stream::Postings,
            Listing::Requisitions => Stream::Requisitions,
            Listing::RequisitionFields => Stream::RequisitionFields,
            Listing::FeedbackTemplates => Stream::FeedbackTemplates,
            Listing::FormTemplates => Stream::FormTemplates,
            Listing::DeletedApplications => Stream::Applications,
            Listing::EeoResponses => Stream::EeoResponses,
            Listing::Opportunities
            | Listing::DeletedOpportunities
            | Listing::OpportunitySweep
            | Listing::InboundApplicants
            | Listing::StageMoves => Stream::Opportunities,
        }
    }

    /// The name used over gRPC and in logs.
    pub fn name(self) -> &'static str {
        match self {
            Listing::DeletedOpportunities => "deleted_opportunities",
            Listing::DeletedApplications => "deleted_applications",
            Listing::DeletedPostings => "deleted_postings",
            Listing::OpportunitySweep => "opportunity_sweep",
            Listing::InboundApplicants => "inbound_applicants",
            Listing::StageMoves => "stage_moves",
            other => other.stream().name(),
        }
    }

    /// The stored tag.
    pub fn tag(self) -> u8 {
        self as u8
    }

    /// The listing with that stored tag.
    pub fn from_tag(tag: u8) -> Option<Listing> {
        Listing::ALL
            .iter()
            .copied()
            .find(|listing| listing.tag() == tag)
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_known_by_its_id_or_its_text() {
        for (stream, document, key) in [
            (Stream::Users, r#"{"name":7,"id":"u"}"#, Some("u")),
            (Stream::Users, r#" {"id":7}"#, Some("7")),
            (Stream::Users, r#"{"text":"u"}"#, None),
            (Stream::Users, r#"{"id":""}"#, None),
            (Stream::Users, r#"{"id":{"id":"u"}}"#, None),
            (Stream::Users, r#"["u","u"]"#, None),
            (Stream::Users, r#"{"id":"u""#, None),
            (Stream::Users, r#""u""#, None),
            (Stream::Tags, r#"{"text":"t","id":"u"}"#, Some("t")),
            (Stream::Sources, r#"{"id":"u"}"#, None),
        ] {
            assert_eq!(stream.key_in(document).as_deref(), key, "{document}");
        }
    }

    #[test]
    fn names_and_tags_lead_back_to_their_stream() {
        for stream in Stream::ALL {
            assert_eq!(Stream::from_name(stream.name()), Some(*stream));
            assert_eq!(Stream::from_tag(stream.tag()), Some(*stream));
        }
        for listing in Listing::ALL {
            assert_eq!(Listing::from_tag(listing.tag()), Some(*listing));
            let namesakes = Listing::ALL
                .iter()
                .filter(|other| other.name() == listing.name());
            assert_eq!(namesakes.count(), 1, "{listing}");
        }
        assert_eq!(Stream::from_name("jobs"), None);
        assert_eq!(Stream::from_tag(0), None);
    }
}
