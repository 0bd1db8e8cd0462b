//! Who somebody is in Lever, and how candidacies stand.

use std::collections::BTreeSet;

use ::lever::ContactId;
use domain::provenance::Added;
use domain::sla::SlaState;
use domain::{Ours, Stream};
use engine::{
    Agreement, CandidacyDetail, Candidate, CandidateFilter, CandidateOrder, Error, Known, Looked,
    Lookup, Match, MatchStrength, Outcome, RawRecord, Result, StageStay, StageTime, Standing,
    UnreadList, Whose,
};
use proto::v1 as pb;

use super::connection::non_empty;
use super::inbound::to_sla;
use super::lever::Shown;
use super::profile::to_field;
use super::time::{from_timestamp, to_duration, to_lever_timestamp, to_timestamp};

/// What the caller knows of somebody.
pub fn from_identity(identity: pb::Identity) -> Known {
    Known {
        key: identity.key,
        emails: identity.emails,
        linkedin_url: identity.linkedin_url,
        github_url: identity.github_url,
        twitter_url: identity.twitter_url,
        phones: identity.phones,
        name: identity.name,
        company: identity.company,
        contact: non_empty(&identity.contact_id).map(ContactId::from),
    }
}

/// The answer to a lookup as the wire has it.
pub fn to_lookup(lookup: Lookup) -> pb::LookupCandidatesResponse {
    pb::LookupCandidatesResponse {
        results: lookup.results.into_iter().map(to_result).collect(),
        as_of: lookup.as_of.map(to_timestamp),
        history_start_time: lookup.history_start.map(to_timestamp),
    }
}

fn to_result(looked: Looked) -> pb::LookupResult {
    pb::LookupResult {
        key: looked.key,
        matches: looked.matches.into_iter().map(to_match).collect(),
        unused_fields: looked.unused,
    }
}

/// How sure a match is.
pub fn to_strength(strength: MatchStrength) -> pb::MatchStrength {
    match strength {
        MatchStrength::Weak => pb::MatchStrength::Weak,
        MatchStrength::Strong => pb::MatchStrength::Strong,
        MatchStrength::Exact => pb::MatchStrength::Exact,
    }
}

/// Somebody who may be the one, as the wire has it.
pub fn to_match(person: Match) -> pb::CandidateMatch {
    pb::CandidateMatch {
        contact_id: id_text(person.contact.as_ref()),
        name: person.name,
        strength: to_strength(person.strength).into(),
        evidence: person.evidence.into_iter().map(to_evidence).collect(),
        candidacies: person.candidacies.into_iter().map(to_candidacy).collect(),
        do_not_contact: person.do_not_contact,
        anonymized: person.anonymized,
        last_interaction_at: person.last_interaction_at.and_then(to_lever_timestamp),
    }
}

/// In what somebody agrees, as the wire has it.
pub fn to_evidence(agreement: Agreement) -> pb::MatchEvidence {
    pb::MatchEvidence {
        kind: agreement.kind.to_owned(),
        field: agreement.field,
    }
}

/// A candidacy as the wire has it.
pub fn to_candidacy(standing: Standing) -> pb::Candidacy {
    let outcome = match standing.outcome {
        Outcome::Pending => pb::CandidacyOutcome::Pending,
        Outcome::Hired => pb::CandidacyOutcome::Hired,
        Outcome::Declined => pb::CandidacyOutcome::Declined,
        Outcome::Unknown => pb::CandidacyOutcome::Unspecified,
    };
    let candidacy = standing.candidacy;
    let archived = candidacy.archived.as_ref();
    pb::Candidacy {
        opportunity_id: candidacy.opportunity.to_string(),
        contact_id: id_text(candidacy.contact.as_ref()),
        name: candidacy.name,
        stage_id: id_text(candidacy.stage.as_ref()),
        stage_text: standing.stage_text,
        product_stage: standing.code.to_string(),
        outcome: outcome.into(),
        posting_id: id_text(candidacy.posting.as_ref()),
        posting_text: standing.posting_text,
        owner_id: id_text(candidacy.owner.as_ref()),
        owner_name: standing.owner_name,
        origin: candidacy.origin,
        tags: candidacy.tags,
        sources: candidacy.sources,
        applied_at: to_lever_timestamp(candidacy.applied_at),
        entered_stage_at: to_lever_timestamp(candidacy.entered_stage_at),
        archived_at: archived.and_then(|archived| to_lever_timestamp(archived.at)),
        archive_reason_id: id_text(archived.and_then(|archived| archived.reason.as_ref())),
        archive_reason_text: standing.archive_reason_text,
        snoozed_until: candidacy
            .snoozed_until
            .filter(|_| standing.snoozed)
            .and_then(to_lever_timestamp),
        sla: Some(to_sla(&standing.sla)),
        last_interaction_at: candidacy.last_interaction_at.and_then(to_lever_timestamp),
        updated_at: candidacy.updated_at.and_then(to_lever_timestamp),
        confidential: candidacy.confidential,
    }
}

fn id_text<I: ToString>(id: Option<&I>) -> String {
    id.map(ToString::to_string).unwrap_or_default()
}

/// Values of one kind in a filter.
const MOST_VALUES: usize = 100;

/// The candidacies that are asked for.
///
/// # Errors
/// Invalid for too many values, an unknown state, or a time that is none.
pub fn from_filter(filter: pb::CandidateFilter) -> Result<CandidateFilter> {
    let states = filter.sla_states.iter().enumerate();
    let sla_states = states.map(|(at, state)| from_sla_state(at, *state));
    let since = filter.updated_since.as_ref();
    Ok(CandidateFilter {
        sla_states: sla_states.collect::<Result<_>>()?,
        updated_since: since
            .map(|since| from_timestamp("filter.updated_since", since))
            .transpose()?,
        product_stages: values("product_stages", filter.product_stages)?,
        stages: values("stage_ids", filter.stage_ids)?,
        postings: values("posting_ids", filter.posting_ids)?,
        owners: values("owner_ids", filter.owner_ids)?,
        sources: values("sources", lower_case(filter.sources))?,
        tags: values("tags", lower_case(filter.tags))?,
        without_posting: filter.without_posting,
        without_owner: filter.without_owner,
        origins: values("origins", lower_case(filter.origins))?,
        archived: filter.archived,
        snoozed: filter.snoozed,
    })
}

fn lower_case(texts: Vec<String>) -> Vec<String> {
    texts.iter().map(|text| text.to_lowercase()).collect()
}

fn values<T: From<String> + Ord>(field: &str, values: Vec<String>) -> Result<BTreeSet<T>> {
    if values.len() > MOST_VALUES {
        return Err(Error::invalid(
            format!("filter.{field}"),
            format!("give at most {MOST_VALUES} of them"),
        ));
    }
    Ok(values.into_iter().map(T::from).collect())
}

fn from_sla_state(at: usize, state: i32) -> Result<SlaState> {
    Ok(match pb::SlaState::try_from(state) {
        Ok(pb::SlaState::None) => SlaState::None,
        Ok(pb::SlaState::OnTrack) => SlaState::OnTrack,
        Ok(pb::SlaState::AtRisk) => SlaState::AtRisk,
        Ok(pb::SlaState::Breached) => SlaState::Breached,
        Ok(pb::SlaState::Paused) => SlaState::Paused,
        Ok(pb::SlaState::Unspecified) | Err(_) => {
            return Err(Error::invalid(
                format!("filter.sla_states[{at}]"),
                "this is no known state",
            ));
        }
    })
}

/// The order asked for.
///
/// # Errors
/// Invalid for an unknown one.
pub fn from_order(order: i32) -> Result<CandidateOrder> {
    match pb::CandidateOrder::try_from(order) {
        Ok(pb::CandidateOrder::Unspecified | pb::CandidateOrder::Updated) => {
            Ok(CandidateOrder::Updated)
        }
        Ok(pb::CandidateOrder::Applied) => Ok(CandidateOrder::Applied),
        Ok(pb::CandidateOrder::EnteredStage) => Ok(CandidateOrder::Entered),
        Ok(pb::CandidateOrder::Waiting) => Ok(CandidateOrder::Waiting),
        Err(_) => Err(Error::invalid("order", "this is no known order")),
    }
}

/// Who is asked for.
///
/// # Errors
/// Invalid for nobody.
pub fn from_whose(whose: Option<pb::get_candidate_request::Whose>) -> Result<Whose> {
    use pb::get_candidate_request::Whose as Asked;
    let field = match &whose {
        Some(Asked::ContactId(_)) => "contact_id",
        Some(Asked::OpportunityId(_)) | None => "opportunity_id",
    };
    match whose {
        Some(Asked::ContactId(id)) if !id.is_empty() => Ok(Whose::Contact(id.into())),
        Some(Asked::OpportunityId(id)) if !id.is_empty() => Ok(Whose::Opportunity(id.into())),
        _ => Err(Error::invalid(
            field,
            "name the person by Lever's id, or by that of one of the candidacies",
        )),
    }
}

/// All that is known of a person as the wire has it.
pub fn to_candidate(candidate: Candidate, include_raw_json: bool) -> pb::GetCandidateResponse {
    let profile = candidate.profile;
    let details = candidate.candidacies.into_iter();
    pb::GetCandidateResponse {
        contact_id: id_text(profile.contact.as_ref()),
        fields: profile.fields.iter().map(to_field).collect(),
        field_mapping_version: profile.mapping_version,
        candidacies: details
            .map(|detail| to_detail(detail, include_raw_json))
            .collect(),
        do_not_contact: candidate.do_not_contact,
        anonymized: candidate.anonymized,
        as_of: profile.as_of.map(to_timestamp),
    }
}

fn to_detail(detail: CandidacyDetail, include_raw_json: bool) -> pb::CandidacyDetail {
    let mut shown = pb::CandidacyDetail {
        candidacy: Some(to_candidacy(detail.standing)),
        stays: detail.stays.iter().map(to_stay).collect(),
        stage_times: detail.times.iter().map(to_stage_time).collect(),
        furthest_stage_id: id_text(detail.furthest.as_ref()),
        effective_furthest_stage_id: id_text(detail.effective_furthest.as_ref()),
        ours: to_ours(detail.ours),
        unread: detail.unread.into_iter().map(to_unread).collect(),
        ..Default::default()
    };
    for (stream, records) in &detail.lists {
        let shown = &mut shown;
        match stream {
            Stream::Notes => shown.notes = all(records, include_raw_json),
            Stream::Interviews => shown.interviews = all(records, include_raw_json),
            Stream::Panels => shown.panels = all(records, include_raw_json),
            Stream::Feedback => shown.feedback = all(records, include_raw_json),
            Stream::Offers => shown.offers = all(records, include_raw_json),
            Stream::Resumes => shown.resumes = all(records, include_raw_json),
            Stream::Files => shown.files = all(records, include_raw_json),
            Stream::Forms => shown.forms = all(records, include_raw_json),
            Stream::Referrals => shown.referrals = all(records, include_raw_json),
            _ => {}
        }
    }
    shown
}

fn all<T: Shown>(records: &[RawRecord], include_raw_json: bool) -> Vec<T> {
    let records = records.iter();
    records
        .map(|record| T::shown(record, include_raw_json))
        .collect()
}

fn to_stay(stay: &StageStay) -> pb::StageStay {
    pb::StageStay {
        stage_id: stay.stay.stage.to_string(),
        stage_text: stay.text.clone(),
        product_stage: stay.code.to_string(),
        entered_at: to_lever_timestamp(stay.stay.entered_at),
        left_at: stay.stay.left_at.and_then(to_lever_timestamp),
    }
}

fn to_stage_time(time: &StageTime) -> pb::StageTime {
    pb::StageTime {
        stage_id: time.stage.to_string(),
        stage_text: time.text.clone(),
        product_stage: time.code.to_string(),
        time: Some(to_duration(time.time)),
    }
}

/// What came from us; absent where nothing did.
fn to_ours(ours: Ours) -> Option<pb::Ours> {
    let texts = |list: Vec<Added>| {
        let there = list.into_iter().filter(|added| !added.gone);
        there.map(|added| added.what).collect()
    };
    let any = ours.could_lose() || !ours.notes.is_empty() || !ours.files.is_empty();
    any.then(|| pb::Ours {
        tags: texts(ours.tags),
        links: texts(ours.links),
        note_ids: texts(ours.notes),
        file_ids: texts(ours.files),
    })
}

fn to_unread(list: UnreadList) -> pb::UnreadList {
    pb::UnreadList {
        stream: list.stream.name().to_owned(),
        reason: list.reason.to_owned(),
        message: list.message,
    }
}
