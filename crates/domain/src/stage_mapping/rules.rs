//! Where people may be moved to, and what they may be rejected with (F-41, F-42, product.md 6.4).

use lever::{ArchiveReason, ArchiveReasonId, PostingId, ReasonKind, Stage, StageId};

use super::{StageCode, StageMapping};

/// A stage a person may be advanced to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdvanceTarget {
    /// The Lever stage.
    pub stage: StageId,
    /// Its product stage.
    pub code: StageCode,
    /// Whether it comes before the present stage; allowed, but worth a word.
    pub moves_back: bool,
    /// Whether it is the default of the posting, or else the next allowed stage after the present one; at most one target
    /// is.
    pub suggested: bool,
}

/// Why the mapping does not allow something; the text names the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody may be advanced to this stage.
    #[error(
        "stage {0} is excluded when advancing; choose another stage or remove it from advance_excluded_stages"
    )]
    StageExcluded(StageId),
    /// Nobody may be rejected with this reason.
    #[error(
        "archive reason {0} is excluded when rejecting; choose another reason or remove it from reject_excluded_reasons"
    )]
    ReasonExcluded(ArchiveReasonId),
    /// A reason of type `hired` is a hire, not a rejection.
    #[error(
        "archive reason {0} records a hire, so nobody is rejected with it; choose another reason"
    )]
    ReasonHires(ArchiveReasonId),
    /// Lever no longer offers this reason.
    #[error("archive reason {0} is inactive in Lever; choose another reason or activate it there")]
    ReasonInactive(ArchiveReasonId),
    /// The mapping has no product stage of this code.
    #[error("there is no product stage {0}; add it to product_stages first")]
    UnknownProductStage(StageCode),
}

impl StageMapping {
    /// The stages a person may be advanced to, in Lever's `/stages` order.
    ///
    /// Excluded stages and the present one are left out. Without a present stage that Lever lists,
    /// nothing moves back and nothing is suggested. The default of the posting is suggested where it lies ahead.
    pub fn advance_targets(
        &self,
        stages: &[Stage],
        present: Option<&StageId>,
        posting: Option<&PostingId>,
    ) -> Vec<AdvanceTarget> {
        let place =
            present.and_then(|present| stages.iter().position(|stage| stage.id == *present));
        let mut targets: Vec<_> = stages
            .iter()
            .enumerate()
            .filter(|(_, stage)| {
                Some(&stage.id) != present && self.may_advance_to(&stage.id).is_ok()
            })
            .map(|(index, stage)| AdvanceTarget {
                stage: stage.id.clone(),
                code: self.code_of(&stage.id).clone(),
                moves_back: place.is_some_and(|place| index < place),
                suggested: false,
            })
            .collect();
        let default = posting.and_then(|posting| self.advance_defaults.get(posting));
        let ahead = |target: &AdvanceTarget| place.is_some() && !target.moves_back;
        let is_default = |target: &AdvanceTarget| Some(&target.stage) == default;
        let suggested = targets
            .iter()
            .position(|target| ahead(target) && is_default(target))
            .or_else(|| targets.iter().position(ahead));
        if let Some(suggested) = suggested.and_then(|place| targets.get_mut(place)) {
            suggested.suggested = true;
        }
        targets
    }

    /// Whether people may be advanced to a stage.
    ///
    /// # Errors
    /// [`Refusal::StageExcluded`].
    pub fn may_advance_to(&self, stage: &StageId) -> Result<(), Refusal> {
        if self.advance_excluded_stages.contains(stage) {
            return Err(Refusal::StageExcluded(stage.clone()));
        }
        Ok(())
    }

    /// Whether people may be rejected with an archive reason.
    ///
    /// # Errors
    /// [`Refusal::ReasonHires`], [`Refusal::ReasonInactive`] or [`Refusal::ReasonExcluded`], in this order.
    pub fn may_reject_with(&self, reason: &ArchiveReason) -> Result<(), Refusal> {
        if reason.kind == ReasonKind::Hired {
            Err(Refusal::ReasonHires(reason.id.clone()))
        } else if reason.status.as_deref() == Some("inactive") {
            Err(Refusal::ReasonInactive(reason.id.clone()))
        } else if self.reject_excluded_reasons.contains(&reason.id) {
            Err(Refusal::ReasonExcluded(reason.id.clone()))
        } else {
            Ok(())
        }
    }

    /// The archive reasons people may be rejected with, in Lever's order.
    pub fn reject_reasons<'a>(&self, reasons: &'a [ArchiveReason]) -> Vec<&'a ArchiveReason> {
        reasons
            .iter()
            .filter(|reason| self.may_reject_with(reason).is_ok())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{initial, stage};
    use super::*;
    use serde_json::json;

    fn stages() -> Vec<Stage> {
        ["lead-new", "applicant-new", "phone", "onsite", "offer"]
            .map(|id| stage(id, id))
            .to_vec()
    }

    fn reason(id: &str, kind: serde_json::Value, status: &str) -> ArchiveReason {
        serde_json::from_value(json!({ "id": id, "text": id, "type": kind, "status": status }))
            .unwrap()
    }

    /// Targets as `id`, with `<` when they move back and `*` when suggested.
    fn shown(mapping: &StageMapping, present: Option<&str>) -> Vec<String> {
        shown_for(mapping, present, None)
    }

    /// The same for somebody who has applied to a posting.
    fn shown_for(
        mapping: &StageMapping,
        present: Option<&str>,
        posting: Option<&str>,
    ) -> Vec<String> {
        let posting = posting.map(PostingId::from);
        let present = present.map(StageId::from);
        let mark = |flag, mark| if flag { mark } else { "" };
        mapping
            .advance_targets(&stages(), present.as_ref(), posting.as_ref())
            .iter()
            .map(|target| {
                let (back, next) = (mark(target.moves_back, "<"), mark(target.suggested, "*"));
                format!("{back}{}{next}", target.stage)
            })
            .collect()
    }

    #[test]
    fn targets_are_in_lever_order_and_the_next_one_is_suggested() {
        let mapping = initial();
        let targets = shown(&mapping, Some("applicant-new"));
        assert_eq!(targets, ["<lead-new", "phone*", "onsite", "offer"]);
        assert_eq!(
            mapping.advance_targets(&stages(), None, None)[4]
                .code
                .as_str(),
            "OFFER"
        );
    }

    #[test]
    fn f_41_an_excluded_stage_is_no_target_and_the_suggestion_skips_it() {
        let mut mapping = initial();
        mapping.advance_excluded_stages.insert("phone".into());
        let targets = shown(&mapping, Some("applicant-new"));
        assert_eq!(targets, ["<lead-new", "onsite*", "offer"]);
        let refused = mapping.may_advance_to(&"phone".into());
        assert_eq!(refused, Err(Refusal::StageExcluded("phone".into())));
    }

    /// product.md, screen 6.
    #[test]
    fn the_default_of_a_posting_is_suggested_where_it_lies_ahead() {
        let mut mapping = initial();
        mapping
            .advance_defaults
            .insert("engineer".into(), "onsite".into());
        let shown = |present, posting| shown_for(&mapping, Some(present), Some(posting));
        let targets = shown("applicant-new", "engineer");
        assert_eq!(targets, ["<lead-new", "phone", "onsite*", "offer"]);
        let other = shown("applicant-new", "designer");
        assert_eq!(other, ["<lead-new", "phone*", "onsite", "offer"]);
        let there = shown("onsite", "engineer");
        assert_eq!(there, ["<lead-new", "<applicant-new", "<phone", "offer*"]);
    }

    #[test]
    fn nothing_is_suggested_at_the_end_or_from_an_unknown_place() {
        let mapping = initial();
        let everything = ["lead-new", "applicant-new", "phone", "onsite", "offer"];
        assert_eq!(shown(&mapping, None), everything);
        assert_eq!(shown(&mapping, Some("vanished")), everything);
        let from_the_end = shown(&mapping, Some("offer"));
        assert_eq!(
            from_the_end,
            ["<lead-new", "<applicant-new", "<phone", "<onsite"]
        );
    }

    #[test]
    fn f_42_hired_inactive_and_excluded_reasons_reject_nobody() {
        let mut mapping = initial();
        mapping.reject_excluded_reasons.insert("spam".into());
        let reasons = [
            reason("hired", json!("hired"), "active"),
            reason("timing", json!("non-hired"), "active"),
            reason("old", json!("non-hired"), "inactive"),
            reason("untyped", json!(null), "active"),
            reason("spam", json!("non-hired"), "active"),
        ];
        let allowed = mapping.reject_reasons(&reasons);
        let ids: Vec<_> = allowed.iter().map(|reason| reason.id.as_str()).collect();
        assert_eq!(ids, ["timing", "untyped"]);
        let refusals: Vec<_> = reasons
            .iter()
            .filter_map(|reason| mapping.may_reject_with(reason).err())
            .collect();
        assert_eq!(
            refusals,
            [
                Refusal::ReasonHires("hired".into()),
                Refusal::ReasonInactive("old".into()),
                Refusal::ReasonExcluded("spam".into())
            ]
        );
    }
}
