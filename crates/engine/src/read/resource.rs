//! Which of Lever's operations reads which stream.

use domain::Stream;
use lever::registry as r;
use lever::{Access, Operation};

/// The operation that lists a stream: over the account, or below an opportunity; none where Lever has no list.
pub(crate) fn list(stream: Stream) -> Option<&'static Operation> {
    Some(match stream {
        Stream::Users => &r::LIST_USERS,
        Stream::Stages => &r::LIST_STAGES,
        Stream::ArchiveReasons => &r::LIST_ARCHIVE_REASONS,
        Stream::Tags => &r::LIST_TAGS,
        Stream::Sources => &r::LIST_SOURCES,
        Stream::Postings => &r::LIST_POSTINGS,
        Stream::Requisitions => &r::LIST_REQUISITIONS,
        Stream::RequisitionFields => &r::LIST_REQUISITION_FIELDS,
        Stream::FeedbackTemplates => &r::LIST_FEEDBACK_TEMPLATES,
        Stream::FormTemplates => &r::LIST_FORM_TEMPLATES,
        Stream::Opportunities => &r::LIST_OPPORTUNITIES,
        Stream::Applications => &r::LIST_OPPORTUNITY_APPLICATIONS,
        Stream::Notes => &r::LIST_OPPORTUNITY_NOTES,
        Stream::Offers => &r::LIST_OPPORTUNITY_OFFERS,
        Stream::Interviews => &r::LIST_OPPORTUNITY_INTERVIEWS,
        Stream::Panels => &r::LIST_OPPORTUNITY_PANELS,
        Stream::Feedback => &r::LIST_OPPORTUNITY_FEEDBACK,
        Stream::Resumes => &r::LIST_OPPORTUNITY_RESUMES,
        Stream::Files => &r::LIST_OPPORTUNITY_FILES,
        Stream::Forms => &r::LIST_OPPORTUNITY_FORMS,
        Stream::Referrals => &r::LIST_OPPORTUNITY_REFERRALS,
        Stream::EeoResponses => &r::LIST_EEO_RESPONSES_PII,
        Stream::Contacts | Stream::PostingForms => return None,
    })
}

/// The operation that reads one record; none where Lever has none.
pub(super) fn get(stream: Stream) -> Option<&'static Operation> {
    Some(match stream {
        Stream::Users => &r::GET_USER,
        Stream::Stages => &r::GET_STAGE,
        Stream::ArchiveReasons => &r::GET_ARCHIVE_REASON,
        Stream::Postings => &r::GET_POSTING,
        Stream::PostingForms => &r::GET_POSTING_APPLY_FORM,
        Stream::Requisitions => &r::GET_REQUISITION,
        Stream::RequisitionFields => &r::GET_REQUISITION_FIELD,
        Stream::FeedbackTemplates => &r::GET_FEEDBACK_TEMPLATE,
        Stream::FormTemplates => &r::GET_FORM_TEMPLATE,
        Stream::Opportunities => &r::GET_OPPORTUNITY,
        Stream::Applications => &r::GET_OPPORTUNITY_APPLICATION,
        Stream::Contacts => &r::GET_CONTACT,
        Stream::Notes => &r::GET_OPPORTUNITY_NOTE,
        Stream::Interviews => &r::GET_OPPORTUNITY_INTERVIEW,
        Stream::Panels => &r::GET_OPPORTUNITY_PANEL,
        Stream::Feedback => &r::GET_OPPORTUNITY_FEEDBACK_FORM,
        Stream::Resumes => &r::GET_OPPORTUNITY_RESUME,
        Stream::Files => &r::GET_OPPORTUNITY_FILE,
        Stream::Forms => &r::GET_OPPORTUNITY_FORM,
        Stream::Referrals => &r::GET_OPPORTUNITY_REFERRAL,
        Stream::Tags | Stream::Sources | Stream::Offers | Stream::EeoResponses => return None,
    })
}

/// The stream whose records an operation answers with; the legacy candidates count as opportunities.
pub(crate) fn stream_of(operation: &Operation) -> Option<Stream> {
    if operation.access != Access::Read {
        return None;
    }
    if EEO.contains(&operation.id) {
        return Some(Stream::EeoResponses);
    }
    let path = modern(operation.path);
    let same = |known: Option<&'static Operation>| known.is_some_and(|known| known.path == path);
    let mut streams = Stream::ALL.iter().copied();
    streams.find(|stream| same(list(*stream)) || same(get(*stream)))
}

/// The operations that answer with what people said about themselves for equal opportunity.
const EEO: [&str; 2] = [r::LIST_EEO_RESPONSES.id, r::LIST_EEO_RESPONSES_PII.id];

/// The path of today's API for one of the legacy API.
fn modern(path: &str) -> String {
    path.replace("/candidates/{candidate}", "/opportunities/{opportunity}")
        .replace("/candidates", "/opportunities")
}

/// Lever's name for one record of a stream, for people.
pub(super) fn one(stream: Stream) -> &'static str {
    match stream {
        Stream::Users => "user",
        Stream::Stages => "stage",
        Stream::ArchiveReasons => "archive reason",
        Stream::Tags => "tag",
        Stream::Sources => "source",
        Stream::Postings => "posting",
        Stream::PostingForms => "application form",
        Stream::Requisitions => "requisition",
        Stream::RequisitionFields => "requisition field",
        Stream::FeedbackTemplates => "feedback template",
        Stream::FormTemplates => "form template",
        Stream::Opportunities => "opportunity",
        Stream::Applications => "application",
        Stream::Contacts => "contact",
        Stream::Notes => "note",
        Stream::Offers => "offer",
        Stream::Interviews => "interview",
        Stream::Panels => "panel",
        Stream::Feedback => "feedback form",
        Stream::Resumes => "resume",
        Stream::Files => "file",
        Stream::Forms => "form",
        Stream::Referrals => "referral",
        Stream::EeoResponses => "EEO response",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stream_can_be_read_live_one_way_or_the_other_and_reads_are_reads() {
        for stream in Stream::ALL {
            let operations: Vec<_> = [list(*stream), get(*stream)]
                .into_iter()
                .flatten()
                .collect();
            assert!(!operations.is_empty(), "{stream}");
            for operation in operations {
                assert_eq!(operation.access, Access::Read, "{}", operation.id);
                assert_eq!(stream_of(operation), Some(*stream), "{}", operation.id);
            }
        }
    }

    #[test]
    fn what_belongs_to_an_opportunity_is_listed_below_it() {
        for stream in Stream::CHILDREN {
            let operation = list(*stream).unwrap();
            assert!(
                operation.path.starts_with("/opportunities/{opportunity}/"),
                "{stream}"
            );
        }
    }

    #[test]
    fn the_legacy_api_answers_with_the_same_streams() {
        assert_eq!(stream_of(&r::LIST_CANDIDATES), Some(Stream::Opportunities));
        assert_eq!(stream_of(&r::LIST_CANDIDATE_NOTES), Some(Stream::Notes));
        assert_eq!(stream_of(&r::GET_CANDIDATE_NOTE), Some(Stream::Notes));
        assert_eq!(
            stream_of(&r::LIST_EEO_RESPONSES),
            Some(Stream::EeoResponses)
        );
        assert_eq!(stream_of(&r::CREATE_OPPORTUNITY_NOTE), None);
    }
}
