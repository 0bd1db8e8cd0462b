//! Exports of people, and how they are made.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ::lever::{ContactId, PostingId, StageId, UserId};
use bytes::Bytes;
use domain::export::{
    Asked, Decision, Email, Entry, Export, ExportAs, File, Finding, Ground, GuardRule, Named,
    Profile, Verdict, Weight,
};
use domain::{ExportSettings, Operation, Timestamp, Versioned as _, Write};
use engine::{Error, ExportDryRun, Result, WriteRequest};
use proto::v1 as pb;

use super::connection::non_empty;
use super::operation::{Common, Envelope, WriteMessage, count, to_pb, to_planned_write};
use super::time::{to_duration, to_timestamp};
use super::upload::UNKNOWN_TYPE;

impl WriteMessage for pb::ExportCandidateRequest {
    fn read(self, asked_by: &str, default_wait: Duration) -> Result<Common> {
        let asked = from_request(&self)?;
        let envelope = Envelope {
            connection_id: &self.connection_id,
            opportunity_id: "",
            request_id: &self.request_id,
            dry_run: self.dry_run,
            wait: self.wait.as_ref(),
            acting_user: &self.acting_user,
            perform_as: &self.perform_as,
            hold: None,
            minds_provenance: false,
        };
        let write = Write::Export(Box::new(Export::of(asked)));
        envelope.asks(write, asked_by, default_wait)
    }
}

/// Takes the bytes of the files out of a request, in order.
pub fn take_files(request: &mut pb::ExportCandidateRequest) -> Vec<Bytes> {
    let files = request.files.iter_mut();
    files
        .map(|file| std::mem::take(&mut file.content))
        .collect()
}

fn from_request(request: &pb::ExportCandidateRequest) -> Result<Asked> {
    let profile = request.profile.as_ref();
    let profile = profile.ok_or_else(|| Error::invalid("profile", "say who is to be exported"))?;
    let overrides = request.overrides.iter().enumerate();
    let overrides = overrides.map(|(at, ground)| from_ground(&format!("overrides[{at}]"), *ground));
    Ok(Asked {
        profile: from_profile(profile),
        contact: non_empty(&profile.contact_id).map(ContactId::from),
        posting: non_empty(&request.posting_id).map(PostingId::from),
        stage: non_empty(&request.stage_id).map(StageId::from),
        origin: request.origin.clone(),
        owner: non_empty(&request.owner_id).map(UserId::from),
        export_as: from_export_as("export_as", request.export_as)?,
        tags: request.tags.clone(),
        sources: request.sources.clone(),
        named: Named {
            search: request.search_name.clone(),
            owner: request.search_owner.clone(),
            shortlisted_by: request.shortlisted_by.clone(),
        },
        note: request.note.clone(),
        files: request.files.iter().map(from_file).collect(),
        overrides: overrides.collect::<Result<BTreeSet<_>>>()?,
        // What the caller may see is for the service to say.
        confidential: false,
    })
}

fn from_profile(profile: &pb::ExportProfile) -> Profile {
    let email = |email: &pb::ExportEmail| Email {
        address: email.address.clone(),
        unwanted: email.opted_out || email.bounced,
    };
    Profile {
        name: profile.name.clone(),
        headline: profile.headline.clone(),
        title: profile.title.clone(),
        location: profile.location.clone(),
        companies: profile.companies.clone(),
        emails: profile.emails.iter().map(email).collect(),
        phones: profile.phones.clone(),
        linkedin_url: profile.linkedin_url.clone(),
        github_url: profile.github_url.clone(),
        links: profile.links.clone(),
        profile_url: profile.profile_url.clone(),
    }
}

/// What a file is; its digest is found where its bytes are kept.
fn from_file(file: &pb::ExportFile) -> File {
    let content_type = match file.content_type.as_str() {
        "" => UNKNOWN_TYPE,
        named => named,
    };
    File {
        name: file.name.clone(),
        content_type: content_type.to_owned(),
        size: file.content.len() as u64,
        sha256: [0; 32],
        resume: file.is_resume,
    }
}

/// An export as it stands.
pub fn to_response(operation: &Operation) -> pb::ExportCandidateResponse {
    let result = match &operation.write {
        Write::Export(export) => export.result.clone(),
        _ => Default::default(),
    };
    pb::ExportCandidateResponse {
        operation: Some(to_pb(operation)),
        verdict: result.verdict.as_ref().map(to_verdict),
        contact_id: result.contact.map(|id| id.to_string()).unwrap_or_default(),
        deduped: result.deduped,
    }
}

/// What an export would come to.
pub fn to_dry_run(request: &WriteRequest, planned: &ExportDryRun) -> pb::ExportCandidateResponse {
    let verdict = &planned.verdict;
    let opportunity = verdict.opportunity.as_ref();
    let operation = pb::Operation {
        request_id: request.request_id.clone(),
        kind: pb::OperationKind::ExportCandidate.into(),
        connection_id: request.connection.to_string(),
        opportunity_id: opportunity.map(ToString::to_string).unwrap_or_default(),
        eta: Some(to_duration(planned.eta)),
        background_calls: count(planned.background),
        left_out: planned.left_out.clone(),
        error: verdict.failure().as_ref().map(super::status::failure),
        ..to_planned_write(&planned.calls, &planned.acting)
    };
    pb::ExportCandidateResponse {
        operation: Some(operation),
        contact_id: id_text(verdict.contact.as_ref()),
        verdict: Some(to_verdict(verdict)),
        deduped: None,
    }
}

fn id_text<I: ToString>(id: Option<&I>) -> String {
    id.map(ToString::to_string).unwrap_or_default()
}

fn to_verdict(verdict: &Verdict) -> pb::ExportVerdict {
    let decision = match verdict.decision {
        Decision::Create => pb::ExportDecision::Create,
        Decision::Update => pb::ExportDecision::Update,
        Decision::Blocked => pb::ExportDecision::Blocked,
    };
    pb::ExportVerdict {
        decision: decision.into(),
        findings: verdict.findings.iter().map(to_finding).collect(),
        opportunity_id: id_text(verdict.opportunity.as_ref()),
        contact_id: id_text(verdict.contact.as_ref()),
        matched_by: verdict.matched_by.clone(),
    }
}

fn to_finding(finding: &Finding) -> pb::ExportFinding {
    let weight = match finding.weight {
        Weight::Blocks => pb::ExportWeight::Blocks,
        Weight::Overridable => pb::ExportWeight::Overridable,
        Weight::Overridden => pb::ExportWeight::Overridden,
        Weight::Allowed => pb::ExportWeight::Allowed,
    };
    pb::ExportFinding {
        ground: to_ground(finding.ground).into(),
        weight: weight.into(),
        opportunity_ids: finding.evidence.iter().map(ToString::to_string).collect(),
        ends_at: finding.ends_at.map(to_timestamp),
    }
}

fn to_ground(ground: Ground) -> pb::ExportGround {
    pb::ExportGround::from_str_name(&format!("EXPORT_GROUND_{}", ground.code())).unwrap_or_default()
}

fn from_ground(field: &str, number: i32) -> Result<Ground> {
    let named = pb::ExportGround::try_from(number).ok();
    let ground = Ground::ALL
        .iter()
        .copied()
        .find(|ground| Some(to_ground(*ground)) == named);
    ground.ok_or_else(|| Error::invalid(field, "there is no such ground"))
}

fn from_export_as(field: &str, number: i32) -> Result<Option<ExportAs>> {
    match pb::ExportAs::try_from(number) {
        Ok(pb::ExportAs::Unspecified) => Ok(None),
        Ok(pb::ExportAs::Prospect) => Ok(Some(ExportAs::Prospect)),
        Ok(pb::ExportAs::Applicant) => Ok(Some(ExportAs::Applicant)),
        Err(_) => Err(Error::invalid(field, "give PROSPECT or APPLICANT")),
    }
}

/// The export settings as the wire has them.
pub fn to_settings(settings: &ExportSettings) -> pb::ExportSettings {
    let entry = |entry: &Entry| pb::ExportEntry {
        stage_id: entry.stage.to_string(),
        origin: entry.origin.clone(),
    };
    let guard = |ground: &Ground| pb::ExportGuard {
        ground: to_ground(*ground).into(),
        rule: match settings.rule(*ground) {
            GuardRule::Block => pb::GuardRule::Block,
            GuardRule::Overridable => pb::GuardRule::Overridable,
            GuardRule::Allow => pb::GuardRule::Allow,
        }
        .into(),
    };
    let export_as = match settings.export_as {
        ExportAs::Prospect => pb::ExportAs::Prospect,
        ExportAs::Applicant => pb::ExportAs::Applicant,
    };
    pb::ExportSettings {
        etag: settings.etag(),
        guards: Ground::ALL.iter().map(guard).collect(),
        cool_off_days: u32::from(settings.cool_off_days),
        export_as: export_as.into(),
        prospect: Some(entry(&settings.prospect)),
        applicant: Some(entry(&settings.applicant)),
        source: settings.source.clone(),
        tags: settings.tags.clone(),
        author: settings.author.clone(),
    }
}

/// The settings somebody proposes, and the etag of those they have read.
///
/// # Errors
/// Invalid, naming the field.
pub fn from_settings(settings: Option<pb::ExportSettings>) -> Result<(String, ExportSettings)> {
    let given =
        settings.ok_or_else(|| Error::invalid("settings", "give the settings to put in place"))?;
    let entry = |field: &str, entry: Option<pb::ExportEntry>| {
        let entry = entry
            .ok_or_else(|| Error::invalid(field, "say where they begin: a stage and an origin"))?;
        Ok::<_, Error>(Entry {
            stage: StageId::from(entry.stage_id.as_str()),
            origin: entry.origin,
        })
    };
    let shipped = ExportSettings::initial(Timestamp::default());
    let mut rules: BTreeMap<Ground, GuardRule> = BTreeMap::new();
    for (at, guard) in given.guards.iter().enumerate() {
        let ground = from_ground(&format!("settings.guards[{at}].ground"), guard.ground)?;
        let rule = match pb::GuardRule::try_from(guard.rule) {
            Ok(pb::GuardRule::Unspecified) => shipped.rule(ground),
            Ok(pb::GuardRule::Block) => GuardRule::Block,
            Ok(pb::GuardRule::Overridable) => GuardRule::Overridable,
            Ok(pb::GuardRule::Allow) => GuardRule::Allow,
            Err(_) => {
                let field = format!("settings.guards[{at}].rule");
                return Err(Error::invalid(field, "give BLOCK, OVERRIDABLE or ALLOW"));
            }
        };
        if rules.insert(ground, rule).is_some() {
            let field = format!("settings.guards[{at}].ground");
            return Err(Error::invalid(field, "this ground is named twice"));
        }
    }
    let settings = ExportSettings {
        rules,
        cool_off_days: u16::try_from(given.cool_off_days).unwrap_or(u16::MAX),
        export_as: from_export_as("settings.export_as", given.export_as)?
            .unwrap_or(shipped.export_as),
        prospect: entry("settings.prospect", given.prospect)?,
        applicant: entry("settings.applicant", given.applicant)?,
        source: given.source.trim().to_owned(),
        tags: given.tags,
        ..shipped
    };
    Ok((given.etag, settings))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back_as_they_went() {
        let mut settings = ExportSettings::initial(Timestamp::default());
        settings.rules.insert(Ground::Hired, GuardRule::Allow);
        settings.export_as = ExportAs::Applicant;
        let (etag, read) = from_settings(Some(to_settings(&settings))).unwrap();
        assert_eq!(etag, "v0");
        assert_eq!(read, settings);
    }

    #[test]
    fn a_ground_of_every_kind_has_its_number() {
        for ground in Ground::ALL {
            let number = to_ground(*ground);
            assert_ne!(number, pb::ExportGround::Unspecified);
            assert_eq!(from_ground("f", number.into()).unwrap(), *ground);
        }
        assert!(from_ground("f", 0).is_err() && from_ground("f", 99).is_err());
    }
}
