//! The stage mapping: one account's Lever stages grouped into product stages, with SLA days and inbound rules.
//!
//! A mapping is a versioned value. Everything goes by Lever's ids, never by names: two stages of one
//! account can carry the same name, and names change (X7). A stage in no product stage is `UNMAPPED`:
//! visible, never lost. Outcomes (`HIRED`, `REJECTED`) come from the archive state, never from a stage.
//!
//! This module does not decide who may change a mapping, and it never drops a stage that Lever lost.

mod difference;
mod drift;
pub mod effect;
mod product_stage;
mod rules;
mod settings;
mod validation;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use lever::{ArchiveReasonId, PostingId, StageId, Timestamp};
use serde::{Deserialize, Serialize};

pub use difference::diff;
pub use drift::{Drift, DriftKind};
pub use product_stage::{InvalidStageCode, ProductStage, StageCode, StageKind};
pub use rules::{AdvanceTarget, Refusal};
pub use settings::{ClockScope, DayUnit, SlaSettings, Weekday};
pub use validation::{KnownAccount, may_be_a_template};

use crate::mapping_document;
use crate::versioned::{MappingKind, Stamp, Versioned};
pub use crate::violation::Violation;

/// One version of an account's stage mapping.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageMapping {
    /// Counts saves; 0 is the shipped mapping, never saved by anyone.
    #[serde(default)]
    pub version: u64,
    /// Who saved this version; empty for version 0.
    #[serde(default)]
    pub author: String,
    /// When this version was saved.
    #[serde(default)]
    pub created_at: Timestamp,
    /// The product stages in the order of the product's pipeline.
    pub product_stages: Vec<ProductStage>,
    /// SLA days of single Lever stages, 0 to 365; they win over those of the product stage.
    #[serde(default)]
    pub stage_sla_days: BTreeMap<StageId, u16>,
    /// Lever stages whose people are inbound applicants (F-40).
    #[serde(default)]
    pub inbound_stages: BTreeSet<StageId>,
    /// Lever stages nobody may be advanced to (F-41).
    #[serde(default)]
    pub advance_excluded_stages: BTreeSet<StageId>,
    /// Archive reasons nobody may be rejected with (F-42); the hired reason never may, listed or not.
    #[serde(default)]
    pub reject_excluded_reasons: BTreeSet<ArchiveReasonId>,
    /// Whether Lever itself writes to whom it archives: then the product is not asked to (X20).
    #[serde(default)]
    pub lever_sends_email: bool,
    /// For how many business days a rejection is kept back that does not say itself how long, 0 to
    /// [`Hold::MOST_BUSINESS_DAYS`](crate::operation::Hold::MOST_BUSINESS_DAYS) (X4); 0 for none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reject_hold_business_days: u16,
    /// The stage that is suggested for whoever is advanced and has applied to a posting, in place of the next one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub advance_defaults: BTreeMap<PostingId, StageId>,
    /// The product's own reasons to reject somebody, by the name it gives them, and what they are in Lever.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reject_templates: BTreeMap<String, ArchiveReasonId>,
    /// How SLA days are counted.
    #[serde(default)]
    pub sla: SlaSettings,
    /// The text each stage had when Lever last listed it, kept when the stage is gone (X7).
    #[serde(default)]
    pub last_known_text: BTreeMap<StageId, String>,
    /// The same of archive reasons.
    #[serde(default)]
    pub last_known_reason_text: BTreeMap<ArchiveReasonId, String>,
}

impl StageMapping {
    /// The shipped mapping, version 0: the default product stages of product.md 6.2, with only the stage ids
    /// every Lever account has (`lead-new`, `lead-reached-out`, `lead-responded`, `applicant-new`, `offer`).
    pub fn initial(now: Timestamp) -> StageMapping {
        StageMapping {
            created_at: now,
            ..mapping_document::shipped().stages.clone()
        }
    }

    /// The product stage of a Lever stage; [`StageCode::UNMAPPED`] when it is in none.
    pub fn code_of(&self, stage: &StageId) -> &StageCode {
        self.product_stage_of(stage)
            .map_or(StageCode::unmapped(), |product_stage| &product_stage.code)
    }

    /// The SLA days of a Lever stage: its own, else those of its product stage, else none.
    pub fn sla_days(&self, stage: &StageId) -> Option<u16> {
        self.stage_sla_days
            .get(stage)
            .copied()
            .or_else(|| self.product_stage_of(stage)?.sla_days)
    }

    /// Moves a Lever stage to the end of a product stage, out of the one it was in (F-43).
    ///
    /// A stage that is there already keeps its place; `UNMAPPED` takes it out of every product stage.
    ///
    /// # Errors
    /// [`Refusal::UnknownProductStage`] if the mapping has no such product stage; nothing changes.
    pub fn assign(&mut self, stage: StageId, code: &StageCode) -> Result<(), Refusal> {
        if self.code_of(&stage) == code {
            return Ok(());
        }
        let target = self
            .product_stages
            .iter()
            .position(|candidate| candidate.code == *code);
        if target.is_none() && code != StageCode::unmapped() {
            return Err(Refusal::UnknownProductStage(code.clone()));
        }
        for product_stage in &mut self.product_stages {
            product_stage.stages.retain(|present| *present != stage);
        }
        if let Some(target) = target {
            self.product_stages[target].stages.push(stage);
        }
        Ok(())
    }

    /// Notes the present text of every stage Lever lists; texts of stages it no longer lists stay.
    pub fn refresh_texts(&mut self, stages: &[lever::Stage]) {
        for stage in stages {
            self.last_known_text
                .insert(stage.id.clone(), stage.text.clone());
        }
    }

    /// Notes the present text of every archive reason Lever lists, likewise.
    pub fn refresh_reason_texts(&mut self, reasons: &[lever::ArchiveReason]) {
        for reason in reasons {
            let text = reason.text.clone();
            self.last_known_reason_text.insert(reason.id.clone(), text);
        }
    }

    fn product_stage_of(&self, stage: &StageId) -> Option<&ProductStage> {
        self.product_stages
            .iter()
            .find(|product_stage| product_stage.stages.contains(stage))
    }

    /// Every Lever stage the mapping says something about.
    fn mentioned_stages(&self) -> BTreeSet<&StageId> {
        self.product_stages
            .iter()
            .flat_map(|product_stage| &product_stage.stages)
            .chain(self.stage_sla_days.keys())
            .chain(&self.inbound_stages)
            .chain(&self.advance_excluded_stages)
            .chain(self.advance_defaults.values())
            .collect()
    }
}

impl Versioned for StageMapping {
    const KIND: MappingKind = MappingKind::Stages;

    fn initial(now: Timestamp) -> StageMapping {
        StageMapping::initial(now)
    }

    fn stamp(&self) -> Stamp<'_> {
        Stamp {
            version: self.version,
            author: &self.author,
            created_at: self.created_at,
        }
    }

    fn set_stamp(&mut self, stamp: Stamp<'_>) {
        self.version = stamp.version;
        self.author = stamp.author.to_owned();
        self.created_at = stamp.created_at;
    }

    /// The texts of stages and archive reasons that Lever no longer lists are kept.
    fn inherit(&mut self, previous: &StageMapping) {
        for (stage, text) in &previous.last_known_text {
            self.last_known_text
                .entry(stage.clone())
                .or_insert_with(|| text.clone());
        }
        for (reason, text) in &previous.last_known_reason_text {
            self.last_known_reason_text
                .entry(reason.clone())
                .or_insert_with(|| text.clone());
        }
    }

    fn differences(&self, before: &StageMapping) -> Vec<String> {
        diff(before, self)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks for it")]
fn is_zero(days: &u16) -> bool {
    *days == 0
}

/// Leaves out the author, who is a person.
impl fmt::Debug for StageMapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StageMapping")
            .field("version", &self.version)
            .field("created_at", &self.created_at)
            .field("product_stages", &self.product_stages)
            .field("stage_sla_days", &self.stage_sla_days)
            .field("inbound_stages", &self.inbound_stages)
            .field("advance_excluded_stages", &self.advance_excluded_stages)
            .field("reject_excluded_reasons", &self.reject_excluded_reasons)
            .field("lever_sends_email", &self.lever_sends_email)
            .field("reject_hold_business_days", &self.reject_hold_business_days)
            .field("advance_defaults", &self.advance_defaults)
            .field("reject_templates", &self.reject_templates)
            .field("sla", &self.sla)
            .field("last_known_text", &self.last_known_text)
            .field("last_known_reason_text", &self.last_known_reason_text)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn stage(id: &str, text: &str) -> lever::Stage {
        serde_json::from_value(serde_json::json!({ "id": id, "text": text })).unwrap()
    }

    /// The stages that every account has.
    pub(crate) fn fixed_stages() -> Vec<lever::Stage> {
        let fixed = [
            "lead-new",
            "lead-reached-out",
            "lead-responded",
            "applicant-new",
            "offer",
        ];
        fixed.map(|id| stage(id, id)).to_vec()
    }

    pub(crate) fn code(text: &str) -> StageCode {
        StageCode::parse(text).unwrap()
    }

    pub(crate) fn initial() -> StageMapping {
        StageMapping::initial(Timestamp::from_millis(7))
    }

    #[test]
    fn version_zero_maps_the_fixed_stages_only_and_one_of_them_is_inbound() {
        let mapping = initial();
        assert_eq!((mapping.version, mapping.etag().as_str()), (0, "v0"));
        assert_eq!(mapping.created_at, Timestamp::from_millis(7));
        let rows: Vec<_> = mapping
            .product_stages
            .iter()
            .map(|row| (row.code.as_str(), row.kind, row.sla_days, row.stages.len()))
            .collect();
        use StageKind::{Active, Inbound, Lead, Parked};
        let expected = [
            ("NEW_LEAD", Lead, Some(5), 1),
            ("REACHED_OUT", Lead, Some(7), 1),
            ("RESPONDED", Lead, Some(2), 1),
            ("NEW_APPLICANT", Inbound, Some(3), 1),
            ("REVIEW", Inbound, Some(3), 0),
            ("RECRUITER_SCREEN", Active, Some(5), 0),
            ("ASSESSMENT", Active, Some(7), 0),
            ("INTERVIEW", Active, Some(7), 0),
            ("FINAL_INTERVIEW", Active, Some(7), 0),
            ("OFFER", Active, Some(5), 1),
            ("HOLD", Parked, None, 0),
        ];
        assert_eq!(rows, expected);
        assert_eq!(
            mapping.code_of(&"applicant-new".into()).as_str(),
            "NEW_APPLICANT"
        );
        assert_eq!(
            mapping.inbound_stages,
            BTreeSet::from(["applicant-new".into()])
        );
        assert_eq!(mapping.sla, SlaSettings::default());
    }

    #[test]
    fn a_stage_in_no_product_stage_is_unmapped_and_has_no_sla_of_a_group() {
        let mapping = initial();
        assert_eq!(mapping.code_of(&"elsewhere".into()).as_str(), "UNMAPPED");
        assert_eq!(mapping.sla_days(&"elsewhere".into()), None);
    }

    #[test]
    fn the_sla_of_a_stage_wins_over_that_of_its_group() {
        let mut mapping = initial();
        assert_eq!(mapping.sla_days(&"offer".into()), Some(5));
        mapping.stage_sla_days.insert("offer".into(), 0);
        assert_eq!(mapping.sla_days(&"offer".into()), Some(0));
        mapping.stage_sla_days.insert("elsewhere".into(), 4);
        assert_eq!(mapping.sla_days(&"elsewhere".into()), Some(4));
    }

    #[test]
    fn f_43_a_moved_stage_leaves_its_former_product_stage_and_order_is_kept() {
        let mut mapping = initial();
        for stage in ["a", "b", "c"] {
            mapping.assign(stage.into(), &code("INTERVIEW")).unwrap();
        }
        mapping.assign("a".into(), &code("INTERVIEW")).unwrap();
        mapping.assign("b".into(), &code("REVIEW")).unwrap();
        let stages = |mapping: &StageMapping, of: &str| -> Vec<StageId> {
            let row = mapping
                .product_stages
                .iter()
                .find(|row| row.code == code(of));
            row.unwrap().stages.clone()
        };
        assert_eq!(stages(&mapping, "INTERVIEW"), ["a".into(), "c".into()]);
        assert_eq!(stages(&mapping, "REVIEW"), ["b".into()]);
        mapping.assign("b".into(), StageCode::unmapped()).unwrap();
        assert!(stages(&mapping, "REVIEW").is_empty());
    }

    #[test]
    fn assigning_to_an_unknown_product_stage_changes_nothing() {
        let mut mapping = initial();
        let refused = mapping.assign("offer".into(), &code("NOWHERE"));
        assert_eq!(refused, Err(Refusal::UnknownProductStage(code("NOWHERE"))));
        assert_eq!(mapping, initial());
    }

    #[test]
    fn a_new_version_keeps_the_texts_of_stages_that_are_gone() {
        let mut before = initial();
        before.refresh_texts(&[stage("gone", "Homework"), stage("kept", "Old name")]);
        let mut after = initial();
        after.refresh_texts(&[stage("kept", "New name")]);
        let after = after.succeeding(&before, "admin", Timestamp::from_millis(9));
        assert_eq!(
            (after.etag().as_str(), after.author.as_str()),
            ("v1", "admin")
        );
        assert_eq!(after.last_known_text[&StageId::from("gone")], "Homework");
        assert_eq!(after.last_known_text[&StageId::from("kept")], "New name");
    }

    #[test]
    fn a_mapping_comes_back_whole_from_json_and_hides_its_author_from_logs() {
        let mapping =
            initial().succeeding(&initial(), "ada@example.com", Timestamp::from_millis(1));
        let json = serde_json::to_string(&mapping).unwrap();
        assert_eq!(
            serde_json::from_str::<StageMapping>(&json).unwrap(),
            mapping
        );
        assert!(!format!("{mapping:?}").contains("ada"));
    }
}
