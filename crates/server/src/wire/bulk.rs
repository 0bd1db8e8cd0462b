//! Requests for many writes.

use ::lever::{ArchiveReasonId, OpportunityId, RequisitionId, StageId};
use domain::Write;
use domain::operation::{NoteText, Rejection};
use engine::{Acting, BulkItem, BulkRequest, Error, ItemFields, Result, Rights, prepare};
use proto::v1 as pb;
use proto::v1::bulk_item::Write as Item;

use super::connection::non_empty;
use super::connection_id;
use super::operation::{from_acting, from_hold};

/// What is asked for, as far as the request tells; what the caller may see is for the service to say.
#[derive(Debug)]
pub struct Asked {
    /// What is asked, for the engine.
    pub request: BulkRequest,
    /// Whether nothing is to be sent.
    pub dry_run: bool,
    /// Whether the caller names a Lever user itself.
    pub names_lever_user: bool,
}

/// The fields that the requests share.
struct Envelope<'a> {
    connection_id: &'a str,
    request_id: &'a str,
    dry_run: bool,
    acting_user: &'a str,
    perform_as: &'a str,
    hold: Option<&'a pb::Hold>,
    minds_provenance: bool,
}

impl Envelope<'_> {
    fn asks(self, fields: ItemFields, items: Vec<BulkItem>) -> Result<Asked> {
        let acting = from_acting(self.acting_user, self.perform_as)?;
        Ok(Asked {
            names_lever_user: matches!(acting, Acting::LeverUser(_)),
            dry_run: self.dry_run,
            request: BulkRequest {
                connection: connection_id(self.connection_id)?,
                request_id: self.request_id.to_owned(),
                items,
                fields,
                acting,
                hold: self.hold.map(from_hold).transpose()?,
                minds_provenance: self.minds_provenance,
                rights: Rights {
                    confidential: false,
                    inbound_only: false,
                },
                asked_by: String::new(),
            },
        })
    }
}

macro_rules! envelope {
    ($request:expr) => {
        Envelope {
            connection_id: &$request.connection_id,
            request_id: &$request.request_id,
            dry_run: $request.dry_run,
            acting_user: &$request.acting_user,
            perform_as: &$request.perform_as,
            hold: $request.hold.as_ref(),
            minds_provenance: false,
        }
    };
}

/// Reads many writes of one kind.
///
/// # Errors
/// Invalid, naming the field; not found for what is no connection id.
pub fn from_bulk(request: &pb::BulkWriteRequest) -> Result<Asked> {
    let items = request.items.iter().enumerate();
    let items = items.map(|(index, item)| {
        from_item(item).map_err(|error| error.below(&format!("items[{index}]")))
    });
    let envelope = Envelope {
        minds_provenance: minds_provenance(request)?,
        ..envelope!(request)
    };
    envelope.asks(ItemFields::Items, items.collect::<Result<_>>()?)
}

/// Whether the items mind who put there what, which those of other kinds cannot.
fn minds_provenance(request: &pb::BulkWriteRequest) -> Result<bool> {
    let fits = |of: fn(&Item) -> bool| {
        let mut writes = request.items.iter().filter_map(|item| item.write.as_ref());
        writes.all(of)
    };
    if request.respect_removals && !fits(|write| matches!(write, Item::AddTags(_))) {
        return Err(Error::invalid(
            "respect_removals",
            "only items of the kind add_tags can respect removals: leave it out with others",
        ));
    }
    let removes = |write: &Item| matches!(write, Item::RemoveTags(_) | Item::RemoveLinks(_));
    if request.only_ours && !fits(removes) {
        return Err(Error::invalid(
            "only_ours",
            "only items of the kinds remove_tags and remove_links can be kept to what is ours: leave it out with others",
        ));
    }
    Ok(request.respect_removals || request.only_ours)
}

fn from_item(item: &pb::BulkItem) -> Result<BulkItem> {
    let opportunity = OpportunityId::from(item.opportunity_id.as_str());
    let Some(write) = &item.write else {
        return Err(Error::invalid(
            "write",
            "say what to write: note, add_tags, ...",
        ));
    };
    let write = match write.clone() {
        Item::Note(note) => Write::CreateNote(NoteText {
            secret: note.secret,
            ..NoteText::plain(note.value)
        }),
        Item::AddTags(texts) => Write::AddTags { tags: texts.values },
        Item::RemoveTags(texts) => Write::RemoveTags { tags: texts.values },
        Item::AddSources(texts) => Write::AddSources {
            sources: texts.values,
        },
        Item::RemoveSources(texts) => Write::RemoveSources {
            sources: texts.values,
        },
        Item::AddLinks(texts) => prepare::add_links(&opportunity, texts.values)
            .map_err(|error| error.with_field_at("links", "add_links.values"))?,
        Item::RemoveLinks(texts) => prepare::remove_links(&opportunity, texts.values)
            .map_err(|error| error.with_field_at("links", "remove_links.values"))?,
        Item::ChangeStage(stage) => Write::ChangeStage {
            stage: StageId::from(stage.stage_id),
            expected_stage: non_empty(&stage.expected_stage_id).map(StageId::from),
        },
        Item::Archive(archive) => Write::Archive {
            reason: ArchiveReasonId::from(archive.archive_reason_id),
            requisition: non_empty(&archive.requisition_id).map(RequisitionId::from),
            clean_interviews: archive.clean_interviews,
            rejects: None,
        },
        Item::Unarchive(_) => Write::Unarchive,
    };
    Ok(BulkItem { opportunity, write })
}

/// Reads whom to advance.
///
/// # Errors
/// Invalid, naming the field; not found for what is no connection id.
pub fn from_advance(request: &pb::AdvanceApplicantsRequest) -> Result<Asked> {
    let write = |applicant: &pb::ApplicantRef| Write::ChangeStage {
        stage: StageId::from(request.stage_id.as_str()),
        expected_stage: non_empty(&applicant.expected_stage_id).map(StageId::from),
    };
    let items = of_applicants(&request.applicants, write);
    envelope!(request).asks(ItemFields::Applicants, items)
}

/// Reads whom to reject.
///
/// # Errors
/// Invalid, naming the field; not found for what is no connection id.
pub fn from_reject(request: &pb::RejectApplicantsRequest) -> Result<Asked> {
    let write = |applicant: &pb::ApplicantRef| Write::Archive {
        reason: ArchiveReasonId::from(request.archive_reason_id.as_str()),
        requisition: None,
        clean_interviews: request.clean_interviews,
        rejects: Some(Rejection {
            expected_stage: non_empty(&applicant.expected_stage_id).map(StageId::from),
            email_template: non_empty(&request.email_template_id),
        }),
    };
    let items = of_applicants(&request.applicants, write);
    envelope!(request).asks(ItemFields::Applicants, items)
}

fn of_applicants(
    applicants: &[pb::ApplicantRef],
    write: impl Fn(&pb::ApplicantRef) -> Write,
) -> Vec<BulkItem> {
    let item = |applicant: &pb::ApplicantRef| BulkItem {
        opportunity: OpportunityId::from(applicant.opportunity_id.as_str()),
        write: write(applicant),
    };
    applicants.iter().map(item).collect()
}
