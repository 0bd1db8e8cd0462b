//! What each permission is good for: which streams rest on it, which rpcs need it, what is lost without it.

use domain::{Connection, Stream};
use lever::registry as r;
use lever::{AnswerKind, BodyKind, Operation};

use super::list::Permission;
use crate::read::{list, stream_of};

/// What rests on a permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    /// The streams that are read with it.
    pub(super) streams: Vec<Stream>,
    /// The rpcs that need it, and `webhooks`.
    pub(super) features: Vec<&'static str>,
    /// Whether a stream that is kept cannot be read without it, and the set-up guide asks for it.
    pub(super) required: bool,
    /// What is lost without it, in one sentence.
    pub(super) loss: String,
}

/// What rests on a permission for this connection.
pub(super) fn need(permission: &Permission, connection: &Connection) -> Need {
    let operations = || permission.operations.iter().copied();
    let mut streams: Vec<Stream> = operations().flat_map(streams_of).collect();
    streams.sort_unstable();
    let mut features: Vec<&'static str> = operations().flat_map(features_of).collect();
    features.dedup();
    let required = permission.guide
        && operations().any(|operation| !tells_deletions(operation))
        && streams.iter().any(|stream| connection.keeps(*stream));
    let loss = loss(permission, &streams, &features);
    Need {
        streams,
        features,
        required,
        loss,
    }
}

/// Whether a pull reads with it though the set-up guide does not ask for it, so that keys made by the guide lack it.
pub(super) fn is_extra(permission: &Permission) -> bool {
    let reads = |operation: &&'static Operation| !streams_of(operation).is_empty();
    !permission.guide && permission.operations.iter().any(reads)
}

/// The streams that a pull reads with an operation.
fn streams_of(operation: &'static Operation) -> Vec<Stream> {
    if operation.deprecated {
        return Vec::new();
    }
    match operation.id {
        id if id == r::LIST_OPPORTUNITIES.id => {
            let inside = [
                Stream::Opportunities,
                Stream::Applications,
                Stream::Contacts,
            ];
            inside.iter().chain(Stream::CHILDREN).copied().collect()
        }
        id if id == r::LIST_POSTINGS.id => vec![Stream::Postings, Stream::PostingForms],
        id if id == r::GET_POSTING_APPLY_FORM.id => vec![Stream::PostingForms],
        // They arrive inside opportunities.
        id if id == r::LIST_OPPORTUNITY_APPLICATIONS.id => Vec::new(),
        _ if tells_deletions(operation) => home(operation).into_iter().collect(),
        _ => home(operation)
            .filter(|stream| list(*stream) == Some(operation))
            .into_iter()
            .collect(),
    }
}

/// Whether an operation lists what was deleted: the mirror is right without it, only later.
pub(super) fn tells_deletions(operation: &Operation) -> bool {
    operation.path.ends_with("/deleted")
}

/// The stream that an operation belongs to: whose records it reads, whose files it downloads, whose deletions it tells.
pub(crate) fn home(operation: &'static Operation) -> Option<Stream> {
    if let Some(stream) = stream_of(operation) {
        return Some(stream);
    }
    let beyond = [
        (&r::LIST_DELETED_OPPORTUNITIES, Stream::Opportunities),
        (&r::LIST_DELETED_APPLICATIONS, Stream::Applications),
        (&r::LIST_DELETED_POSTINGS, Stream::Postings),
        (&r::DOWNLOAD_OPPORTUNITY_RESUME, Stream::Resumes),
        (&r::DOWNLOAD_OPPORTUNITY_FILE, Stream::Files),
        (&r::DOWNLOAD_OPPORTUNITY_OFFER, Stream::Offers),
    ];
    beyond
        .iter()
        .find(|(known, _)| known.id == operation.id)
        .map(|(_, stream)| *stream)
}

/// What needs an operation, apart from streams: rpcs of their own, else `LeverService.Call` where that takes it.
fn features_of(operation: &'static Operation) -> Vec<&'static str> {
    let own: Vec<_> = FEATURES
        .iter()
        .filter(|(id, _)| *id == operation.id)
        .map(|(_, feature)| *feature)
        .collect();
    let carries_a_file =
        operation.body == BodyKind::Multipart || operation.answer == AnswerKind::Bytes;
    if own.is_empty() && !carries_a_file {
        return vec!["LeverService.Call"];
    }
    own
}

/// Fulcrum's own webhooks, as a feature.
pub(super) const WEBHOOKS: &str = "webhooks";

/// The features that need an operation, besides `LeverService.Call`. Reads are needed for live answers only.
#[rustfmt::skip] // A table reads better in rows.
const FEATURES: &[(&str, &str)] = &[
    (r::LIST_USERS.id, "LeverService.ListUsers"),
    (r::GET_USER.id, "LeverService.GetUser"),
    (r::LIST_STAGES.id, "LeverService.ListStages"),
    (r::GET_STAGE.id, "LeverService.GetStage"),
    (r::LIST_ARCHIVE_REASONS.id, "LeverService.ListArchiveReasons"),
    (r::GET_ARCHIVE_REASON.id, "LeverService.GetArchiveReason"),
    (r::LIST_TAGS.id, "LeverService.ListTags"),
    (r::LIST_SOURCES.id, "LeverService.ListSources"),
    (r::LIST_POSTINGS.id, "LeverService.ListPostings"),
    (r::GET_POSTING.id, "LeverService.GetPosting"),
    (r::GET_POSTING_APPLY_FORM.id, "LeverService.GetPostingForm"),
    (r::LIST_REQUISITIONS.id, "LeverService.ListRequisitions"),
    (r::GET_REQUISITION.id, "LeverService.GetRequisition"),
    (r::LIST_REQUISITION_FIELDS.id, "LeverService.ListRequisitionFields"),
    (r::GET_REQUISITION_FIELD.id, "LeverService.GetRequisitionField"),
    (r::LIST_FEEDBACK_TEMPLATES.id, "LeverService.ListFeedbackTemplates"),
    (r::GET_FEEDBACK_TEMPLATE.id, "LeverService.GetFeedbackTemplate"),
    (r::LIST_FORM_TEMPLATES.id, "LeverService.ListFormTemplates"),
    (r::GET_FORM_TEMPLATE.id, "LeverService.GetFormTemplate"),
    (r::LIST_OPPORTUNITIES.id, "LeverService.ListOpportunities"),
    (r::GET_OPPORTUNITY.id, "LeverService.GetOpportunity"),
    (r::GET_OPPORTUNITY.id, "SyncService.StartSync"),
    (r::GET_OPPORTUNITY.id, WEBHOOKS),
    (r::GET_CONTACT.id, "LeverService.GetContact"),
    (r::LIST_OPPORTUNITY_APPLICATIONS.id, "LeverService.ListApplications"),
    (r::GET_OPPORTUNITY_APPLICATION.id, "LeverService.GetApplication"),
    (r::LIST_OPPORTUNITY_NOTES.id, "LeverService.ListNotes"),
    (r::GET_OPPORTUNITY_NOTE.id, "LeverService.GetNote"),
    (r::LIST_OPPORTUNITY_OFFERS.id, "LeverService.ListOffers"),
    (r::LIST_OPPORTUNITY_INTERVIEWS.id, "LeverService.ListInterviews"),
    (r::GET_OPPORTUNITY_INTERVIEW.id, "LeverService.GetInterview"),
    (r::LIST_OPPORTUNITY_PANELS.id, "LeverService.ListPanels"),
    (r::GET_OPPORTUNITY_PANEL.id, "LeverService.GetPanel"),
    (r::LIST_OPPORTUNITY_FEEDBACK.id, "LeverService.ListFeedback"),
    (r::GET_OPPORTUNITY_FEEDBACK_FORM.id, "LeverService.GetFeedback"),
    (r::LIST_OPPORTUNITY_RESUMES.id, "LeverService.ListResumes"),
    (r::GET_OPPORTUNITY_RESUME.id, "LeverService.GetResume"),
    (r::LIST_OPPORTUNITY_FILES.id, "LeverService.ListFiles"),
    (r::GET_OPPORTUNITY_FILE.id, "LeverService.GetFile"),
    (r::LIST_OPPORTUNITY_FORMS.id, "LeverService.ListForms"),
    (r::GET_OPPORTUNITY_FORM.id, "LeverService.GetForm"),
    (r::LIST_OPPORTUNITY_REFERRALS.id, "LeverService.ListReferrals"),
    (r::GET_OPPORTUNITY_REFERRAL.id, "LeverService.GetReferral"),
    (r::LIST_EEO_RESPONSES_PII.id, "LeverService.ListEeoResponses"),
    (r::DOWNLOAD_OPPORTUNITY_RESUME.id, "CandidateService.DownloadFile"),
    (r::DOWNLOAD_OPPORTUNITY_FILE.id, "CandidateService.DownloadFile"),
    (r::DOWNLOAD_OPPORTUNITY_OFFER.id, "CandidateService.DownloadFile"),
    (r::CREATE_OPPORTUNITY_NOTE.id, "CandidateService.CreateNote"),
    (r::ADD_OPPORTUNITY_TAGS.id, "CandidateService.AddTags"),
    (r::REMOVE_OPPORTUNITY_TAGS.id, "CandidateService.RemoveTags"),
    (r::ADD_OPPORTUNITY_SOURCES.id, "CandidateService.AddSources"),
    (r::REMOVE_OPPORTUNITY_SOURCES.id, "CandidateService.RemoveSources"),
    (r::UPDATE_OPPORTUNITY_STAGE.id, "CandidateService.ChangeStage"),
    (r::UPDATE_OPPORTUNITY_ARCHIVED.id, "CandidateService.Archive"),
    (r::UPDATE_OPPORTUNITY_ARCHIVED.id, "CandidateService.Unarchive"),
    (r::UPLOAD_OPPORTUNITY_FILE.id, "CandidateService.UploadFile"),
    (r::UPLOAD_CANDIDATE_FILE.id, "CandidateService.UploadFile"),
    (r::UPLOAD_FILE.id, "CandidateService.UploadFile"),
    (r::LIST_WEBHOOKS.id, WEBHOOKS),
    (r::CREATE_WEBHOOK.id, WEBHOOKS),
    (r::DELETE_WEBHOOK.id, WEBHOOKS),
];

fn loss(permission: &Permission, streams: &[Stream], features: &[&str]) -> String {
    let is = |operation: &Operation| permission.operations[0].id == operation.id;
    if permission.operations[0].deprecated {
        return "nothing: Fulcrum reads and writes opportunities instead of the old candidates"
            .to_owned();
    }
    if is(&r::LIST_OPPORTUNITIES) {
        return "people and all that belongs to them are not mirrored".to_owned();
    }
    if is(&r::GET_OPPORTUNITY) {
        return "changes are not read at once after a webhook or a write, only by the next pull"
            .to_owned();
    }
    if tells_deletions(permission.operations[0]) {
        return "what is deleted in Lever leaves the mirror later, after a complete walk"
            .to_owned();
    }
    let names = |names: &mut dyn Iterator<Item = &'static str>| -> String {
        names.collect::<Vec<_>>().join(" and ")
    };
    if !streams.is_empty() {
        let streams = names(&mut streams.iter().map(|stream| stream.name()));
        return format!("not mirrored: {streams}");
    }
    match features {
        [] => "nothing: no rpc needs it".to_owned(),
        [WEBHOOKS] => "webhooks cannot be managed: changes arrive by the next pull".to_owned(),
        ["LeverService.Call"] => {
            let operations: Vec<_> = permission
                .operations
                .iter()
                .map(|operation| operation.id)
                .collect();
            format!("only LeverService.Call of {}", operations.join(" and "))
        }
        [rpc] if permission.read().is_some() && rpc.starts_with("LeverService.") => {
            format!("{rpc} cannot answer from Lever")
        }
        features => format!("refused by Lever: {}", features.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::super::list::permissions;
    use super::*;
    use crate::testing;

    fn of(name: &str, kept: &[Stream]) -> Need {
        let connection = testing::connection(kept, Timestamp::default());
        let all = permissions();
        let permission = all.iter().find(|permission| permission.name == name);
        need(permission.unwrap(), &connection)
    }

    #[test]
    fn a_kept_stream_makes_the_permission_it_is_read_with_required() {
        let cases: &[(&str, &[Stream], bool)] = &[
            ("find all opportunity notes", &[Stream::Notes], true),
            ("find all opportunity notes", &[Stream::Users], false),
            // Nothing below people can be read without the people.
            ("find all opportunities", &[Stream::Notes], true),
            ("find all postings", &[Stream::PostingForms], true),
            (
                "find a posting application question form",
                &[Stream::PostingForms],
                true,
            ),
            ("find an opportunity note", &[Stream::Notes], false),
            ("find all deleted postings", &[Stream::Postings], false),
            // The guide does not ask for it.
            ("find all opportunity panels", &[Stream::Panels], false),
            // They arrive inside opportunities.
            (
                "find all opportunity applications",
                &[Stream::Applications],
                false,
            ),
            ("find all candidate notes", &[Stream::Notes], false),
            ("create an opportunity note", &[Stream::Notes], false),
        ];
        for (name, kept, required) in cases {
            assert_eq!(of(name, kept).required, *required, "{name} {kept:?}");
        }
    }

    #[test]
    fn every_stream_needs_a_permission() {
        for stream in Stream::ALL {
            let connection = testing::connection(&[*stream], Timestamp::default());
            let needed = permissions().iter().any(|permission| {
                need(permission, &connection).required
                    || is_extra(permission)
                        && need(permission, &connection).streams.contains(stream)
            });
            assert!(needed, "{stream}");
        }
    }

    #[test]
    fn what_is_lost_is_told_in_our_words() {
        let cases = [
            ("find all opportunity notes", "not mirrored: notes"),
            (
                "find a user",
                "LeverService.GetUser cannot answer from Lever",
            ),
            (
                "create an opportunity note",
                "refused by Lever: CandidateService.CreateNote",
            ),
            (
                "update opportunity archived state",
                "refused by Lever: CandidateService.Archive, CandidateService.Unarchive",
            ),
            (
                "download an opportunity file",
                "refused by Lever: CandidateService.DownloadFile",
            ),
            (
                "create a requisition",
                "only LeverService.Call of createRequisition",
            ),
            (
                "upload an opportunity file",
                "refused by Lever: CandidateService.UploadFile",
            ),
            (
                "create a webhook",
                "webhooks cannot be managed: changes arrive by the next pull",
            ),
        ];
        for (name, loss) in cases {
            assert_eq!(of(name, &[]).loss, loss, "{name}");
        }
    }
}
