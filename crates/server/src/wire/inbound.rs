//! Applicants, and where they may go.

use domain::sla::{Sla, SlaState};
use domain::sla_report::SlaCounts;
use engine::{
    AdvanceTarget, Applicant, ApplicantEvent, ApplicantNews, Error, RejectReason, Result,
    SlaOverview, SlaRow,
};
use proto::v1 as pb;
use store::Order;

use super::time::{to_duration, to_lever_timestamp, to_timestamp};

/// An applicant as the wire has it.
pub fn to_applicant(applicant: &Applicant) -> pb::Applicant {
    let candidacy = &applicant.candidacy;
    pb::Applicant {
        opportunity_id: candidacy.opportunity.as_str().to_owned(),
        contact_id: candidacy
            .contact
            .as_ref()
            .map(|contact| contact.as_str().to_owned())
            .unwrap_or_default(),
        name: candidacy.name.clone(),
        stage_id: candidacy
            .stage
            .as_ref()
            .map(|stage| stage.as_str().to_owned())
            .unwrap_or_default(),
        stage_text: applicant.stage_text.clone(),
        product_stage: applicant.code.as_str().to_owned(),
        posting_id: candidacy
            .posting
            .as_ref()
            .map(|posting| posting.as_str().to_owned())
            .unwrap_or_default(),
        posting_text: applicant.posting_text.clone(),
        applied_at: to_lever_timestamp(candidacy.applied_at),
        entered_stage_at: to_lever_timestamp(candidacy.entered_stage_at),
        sla: Some(to_sla(&applicant.sla)),
        owner_id: candidacy
            .owner
            .as_ref()
            .map(|owner| owner.as_str().to_owned())
            .unwrap_or_default(),
        origin: candidacy.origin.clone(),
        tags: candidacy.tags.clone(),
    }
}

/// What has happened to an applicant, as the wire has it.
pub fn to_event(event: &ApplicantEvent) -> pb::ApplicantEvent {
    let kind = match event.news {
        ApplicantNews::Arrived => pb::ApplicantEventKind::Arrived,
        ApplicantNews::Changed => pb::ApplicantEventKind::Changed,
        ApplicantNews::Left => pb::ApplicantEventKind::Left,
    };
    pb::ApplicantEvent {
        kind: kind.into(),
        opportunity_id: event.opportunity.as_str().to_owned(),
        applicant: event.applicant.as_ref().map(to_applicant),
        sequence: event.sequence,
        time: Some(to_timestamp(event.at)),
    }
}

/// A report as the wire has it.
pub fn to_report(report: &SlaOverview) -> pb::GetSlaReportResponse {
    let rows = |rows: &[SlaRow]| rows.iter().map(to_row).collect();
    pb::GetSlaReportResponse {
        total: Some(to_counts(report.total)),
        stages: rows(&report.stages),
        postings: rows(&report.postings),
        owners: rows(&report.owners),
        breaching: report.breaching.iter().map(to_applicant).collect(),
        breaching_size: report.breaching_size as u64,
        as_of: report.as_of.map(to_timestamp),
    }
}

fn to_row(row: &SlaRow) -> pb::SlaReportRow {
    pb::SlaReportRow {
        id: row.id.clone(),
        text: row.text.clone(),
        counts: Some(to_counts(row.counts)),
    }
}

fn to_counts(counts: SlaCounts) -> pb::SlaCounts {
    pb::SlaCounts {
        none: counts.none,
        on_track: counts.on_track,
        at_risk: counts.at_risk,
        breached: counts.breached,
        paused: counts.paused,
    }
}

/// A state as the wire has it.
pub(super) fn to_sla_state(state: SlaState) -> pb::SlaState {
    match state {
        SlaState::None => pb::SlaState::None,
        SlaState::OnTrack => pb::SlaState::OnTrack,
        SlaState::AtRisk => pb::SlaState::AtRisk,
        SlaState::Breached => pb::SlaState::Breached,
        SlaState::Paused => pb::SlaState::Paused,
    }
}

pub(super) fn to_sla(sla: &Sla) -> pb::Sla {
    pb::Sla {
        state: to_sla_state(sla.state).into(),
        due_at: sla.due_at.and_then(to_lever_timestamp),
        days: sla.days.map(u32::from),
        over_by: sla.over_by.map(to_duration),
    }
}

/// The order asked for.
///
/// # Errors
/// Invalid for an unknown one.
pub fn from_order(order: i32) -> Result<Order> {
    match pb::ApplicantOrder::try_from(order) {
        Ok(pb::ApplicantOrder::Unspecified | pb::ApplicantOrder::NewestFirst) => {
            Ok(Order::NewestFirst)
        }
        Ok(pb::ApplicantOrder::OldestFirst) => Ok(Order::OldestFirst),
        Err(_) => Err(Error::invalid("order", "this is no known order")),
    }
}

/// An advance target as the wire has it.
pub fn to_target(target: &AdvanceTarget) -> pb::AdvanceTarget {
    pb::AdvanceTarget {
        stage_id: target.stage.as_str().to_owned(),
        text: target.text.clone(),
        product_stage: target.code.as_str().to_owned(),
        moves_back: target.moves_back,
        suggested: target.suggested,
    }
}

/// A reject reason as the wire has it.
pub fn to_reason(shown: &RejectReason) -> pb::RejectReason {
    pb::RejectReason {
        archive_reason_id: shown.reason.id.as_str().to_owned(),
        text: shown.reason.text.clone(),
        templates: shown.templates.clone(),
    }
}
