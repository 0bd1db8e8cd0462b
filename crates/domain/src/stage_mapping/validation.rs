//! What a mapping must satisfy before it is saved.
//!
//! Every fault is told at once, each with the field and the way out.
//! A stage or reason the previous version already named is never refused: Lever may have lost it since (X7).

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use lever::{ArchiveReason, ArchiveReasonId, Stage, StageId};

use super::{ProductStage, Refusal, StageMapping};
use crate::calendar::Calendar;
use crate::nearest::nearest;
use crate::operation::Hold;
use crate::text::{UNSEEN_MESSAGE, is_unseen};
use crate::violation::{Violation, shortened};

const MOST_SLA_DAYS: u16 = 365;
const LONGEST_LABEL: usize = 100;
const MOST_PRODUCT_STAGES: usize = 100;
/// Postings with a default of their own, and names for reasons: both are read whole with every mapping.
const MOST_DEFAULTS: usize = 1000;
const MOST_TEMPLATES: usize = 200;
/// For further unknown ids no look-alikes are searched.
const MOST_HINTS: usize = 10;

/// What Lever lists in the account; an empty list means that it is not known yet, and nothing is refused for it.
#[derive(Debug, Clone, Copy, Default)]
pub struct KnownAccount<'a> {
    /// `/stages`, in Lever's order.
    pub stages: &'a [Stage],
    /// `/archive_reasons`.
    pub reasons: &'a [ArchiveReason],
}

impl StageMapping {
    /// Checks that the mapping may be saved after `previous` in the account.
    ///
    /// # Errors
    /// Every fault found, in the order of the fields; never empty.
    pub fn validate(
        &self,
        known: &KnownAccount<'_>,
        previous: Option<&StageMapping>,
    ) -> Result<(), Vec<Violation>> {
        let mut check = Check::new(known, previous);
        check.product_stages(&self.product_stages);
        check.stage_sla_days(&self.stage_sla_days);
        for stage in &self.inbound_stages {
            check.stage(stage, keyed("inbound_stages", stage.as_str()));
        }
        for stage in &self.advance_excluded_stages {
            check.stage(stage, keyed("advance_excluded_stages", stage.as_str()));
        }
        for reason in &self.reject_excluded_reasons {
            check.reason(reason, keyed("reject_excluded_reasons", reason.as_str()));
        }
        check.reject_hold(self.reject_hold_business_days);
        check.advance_defaults(self);
        check.reject_templates(self);
        check.sla(self);
        if check.found.is_empty() {
            Ok(())
        } else {
            Err(check.found)
        }
    }
}

/// The faults found so far, and what the ids are checked against.
struct Check<'a> {
    known: &'a KnownAccount<'a>,
    stages: BTreeSet<&'a StageId>,
    reasons: BTreeSet<&'a ArchiveReasonId>,
    hints: usize,
    found: Vec<Violation>,
}

impl<'a> Check<'a> {
    fn new(known: &'a KnownAccount<'a>, previous: Option<&'a StageMapping>) -> Self {
        let mut stages = previous
            .map(StageMapping::mentioned_stages)
            .unwrap_or_default();
        stages.extend(known.stages.iter().map(|stage| &stage.id));
        let kept = previous.into_iter().flat_map(|mapping| {
            let templates = mapping.reject_templates.values();
            mapping.reject_excluded_reasons.iter().chain(templates)
        });
        let reasons = known
            .reasons
            .iter()
            .map(|reason| &reason.id)
            .chain(kept)
            .collect();
        Check {
            known,
            stages,
            reasons,
            hints: MOST_HINTS,
            found: Vec::new(),
        }
    }

    fn fault(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.found.push(Violation::new(field, message));
    }

    fn product_stages(&mut self, product_stages: &'a [ProductStage]) {
        if product_stages.len() > MOST_PRODUCT_STAGES {
            self.fault(
                "product_stages",
                format!("at most {MOST_PRODUCT_STAGES} are allowed"),
            );
        }
        let mut codes = BTreeMap::new();
        let mut labels = BTreeMap::new();
        let mut homes = BTreeMap::new();
        for (index, product_stage) in product_stages.iter().enumerate() {
            let path = format!("product_stages[{index}]");
            self.product_stage(product_stage, &path);
            if let Some(first) = codes.insert(&product_stage.code, index) {
                let message = format!(
                    "code {} is that of product_stages[{first}]; choose another",
                    product_stage.code
                );
                self.fault(format!("{path}.code"), message);
            }
            let label = product_stage.label.trim();
            match labels.entry(label.to_lowercase()) {
                Entry::Vacant(free) => {
                    free.insert((index, &product_stage.code));
                }
                // That it is empty is told by itself.
                Entry::Occupied(taken) if !label.is_empty() => {
                    let (first, code) = taken.get();
                    let message = format!(
                        "the label {:?} of {} is that of product_stages[{first}] ({code}) too, whatever their case; \
                         choose another",
                        shortened(label),
                        product_stage.code
                    );
                    self.fault(format!("{path}.label"), message);
                }
                Entry::Occupied(_) => {}
            }
            for (place, stage) in product_stage.stages.iter().enumerate() {
                let field = format!("{path}.stages[{place}]");
                if let Some(home) = homes.insert(stage, &product_stage.code) {
                    let message = format!(
                        "stage {} is already in {home}; keep it in one place",
                        shortened(stage.as_str())
                    );
                    self.fault(field.clone(), message);
                }
                self.stage(stage, field);
            }
        }
    }

    fn product_stage(&mut self, product_stage: &ProductStage, path: &str) {
        if product_stage.code.is_reserved() {
            let message = format!(
                "{} is reserved: outcomes come from the archive state; choose another code",
                product_stage.code
            );
            self.fault(format!("{path}.code"), message);
        }
        let label = product_stage.label.trim();
        if label.is_empty() || label.chars().count() > LONGEST_LABEL {
            self.fault(
                format!("{path}.label"),
                format!("a label has 1 to {LONGEST_LABEL} characters"),
            );
        } else if label.contains(is_unseen) {
            self.fault(format!("{path}.label"), UNSEEN_MESSAGE);
        }
        if let Some(days) = product_stage.sla_days {
            self.days(days, format!("{path}.sla_days"));
        }
    }

    fn stage_sla_days(&mut self, stage_sla_days: &BTreeMap<StageId, u16>) {
        for (stage, days) in stage_sla_days {
            let field = keyed("stage_sla_days", stage.as_str());
            self.days(*days, field.clone());
            self.stage(stage, field);
        }
    }

    fn days(&mut self, days: u16, field: String) {
        if days > MOST_SLA_DAYS {
            let message = format!(
                "{days} is more than {MOST_SLA_DAYS} days; use less, or leave it out for no SLA"
            );
            self.fault(field, message);
        }
    }

    fn stage(&mut self, stage: &StageId, field: String) {
        if self.known.stages.is_empty() || self.stages.contains(stage) {
            return;
        }
        let known = self.known.stages;
        let candidates = known
            .iter()
            .map(|stage| (stage.id.as_str(), stage.text.as_str()));
        self.unknown("stage", stage.as_str(), candidates, field);
    }

    fn reason(&mut self, reason: &ArchiveReasonId, field: String) {
        if self.known.reasons.is_empty() || self.reasons.contains(reason) {
            return;
        }
        let known = self.known.reasons;
        let candidates = known
            .iter()
            .map(|reason| (reason.id.as_str(), reason.text.as_str()));
        self.unknown("archive reason", reason.as_str(), candidates, field);
    }

    fn unknown<'b>(
        &mut self,
        what: &str,
        id: &str,
        candidates: impl Iterator<Item = (&'b str, &'b str)>,
        field: String,
    ) {
        let mut message = format!("Lever has no {what} with the id {:?}", shortened(id));
        if self.hints > 0 {
            self.hints -= 1;
            message.push_str("; nearest: ");
            message.push_str(&nearest(id, candidates).join(", "));
        }
        self.fault(field, message);
    }

    fn reject_hold(&mut self, days: u16) {
        if days > Hold::MOST_BUSINESS_DAYS {
            let message = "use 0 to 30; 0 holds nothing back";
            self.fault("reject_hold_business_days", message);
        }
    }

    fn advance_defaults(&mut self, mapping: &'a StageMapping) {
        if mapping.advance_defaults.len() > MOST_DEFAULTS {
            let message = format!("at most {MOST_DEFAULTS} postings may have one");
            self.fault("advance_defaults", message);
        }
        for (posting, stage) in &mapping.advance_defaults {
            let field = keyed("advance_defaults", posting.as_str());
            if posting.as_str().is_empty() {
                self.fault(field.clone(), "name the posting by Lever's id");
            }
            if mapping.may_advance_to(stage).is_err() {
                let message = "nobody may be advanced to this stage: choose another, or leave it out of those that are excluded";
                self.fault(field.clone(), message);
            }
            self.stage(stage, field);
        }
    }

    fn reject_templates(&mut self, mapping: &'a StageMapping) {
        if mapping.reject_templates.len() > MOST_TEMPLATES {
            let message = format!("at most {MOST_TEMPLATES} are allowed");
            self.fault("reject_templates", message);
        }
        for (name, reason) in &mapping.reject_templates {
            let field = keyed("reject_templates", name);
            if !may_be_called(name) {
                let message =
                    format!("a name has 1 to {LONGEST_LABEL} characters, and no space around it");
                self.fault(field.clone(), message);
            } else if name.contains(is_unseen) {
                self.fault(field.clone(), UNSEEN_MESSAGE);
            }
            let listed = self.known.reasons.iter().find(|one| one.id == *reason);
            match listed.map(|listed| mapping.may_reject_with(listed)) {
                // Lever may make one inactive at any time, and active again.
                None | Some(Ok(()) | Err(Refusal::ReasonInactive(_))) => {}
                Some(Err(why)) => self.fault(field.clone(), why.to_string()),
            }
            self.reason(reason, field);
        }
    }

    fn sla(&mut self, mapping: &StageMapping) {
        if let Err(violation) = Calendar::new(&mapping.sla) {
            self.found.push(violation);
        }
        if !(1..=100).contains(&mapping.sla.at_risk_percent) {
            self.fault("sla.at_risk_percent", "use 1 to 100; 75 is the default");
        }
    }
}

fn may_be_called(name: &str) -> bool {
    name.trim() == name && !name.is_empty() && name.chars().count() <= LONGEST_LABEL
}

/// Whether the product may call a reason so.
pub fn may_be_a_template(name: &str) -> bool {
    may_be_called(name) && !name.contains(is_unseen)
}

fn keyed(field: &str, key: &str) -> String {
    format!("{field}[{:?}]", shortened(key))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{code, fixed_stages, initial, stage};
    use super::*;

    fn account() -> Vec<Stage> {
        let mut stages = fixed_stages();
        stages.push(stage("1f-uuid", "Phone Screen"));
        stages
    }

    fn reasons() -> Vec<ArchiveReason> {
        let hired = serde_json::json!({ "id": "r-hired", "text": "Hired", "type": "hired", "status": "active" });
        vec![serde_json::from_value(hired).unwrap()]
    }

    fn faults(mapping: &StageMapping, previous: Option<&StageMapping>) -> Vec<String> {
        let (stages, reasons) = (account(), reasons());
        let known = KnownAccount {
            stages: &stages,
            reasons: &reasons,
        };
        let found = mapping.validate(&known, previous).err().unwrap_or_default();
        found.iter().map(ToString::to_string).collect()
    }

    fn changed(change: impl FnOnce(&mut StageMapping)) -> Vec<String> {
        let mut mapping = initial();
        change(&mut mapping);
        faults(&mapping, None)
    }

    #[test]
    fn a_name_stands_for_a_reason_that_rejects_and_a_posting_leads_where_people_may_go() {
        let faults = changed(|mapping| {
            mapping.advance_excluded_stages.insert("offer".into());
            mapping
                .advance_defaults
                .insert("p".into(), "1f-uuid".into());
            mapping.advance_defaults.insert("q".into(), "offer".into());
            mapping
                .reject_templates
                .insert(" x".to_owned(), "r-hired".into());
        });
        let fields: Vec<_> = faults
            .iter()
            .map(|fault| fault.split(": ").next().unwrap_or_default())
            .collect();
        assert_eq!(
            fields,
            [
                "advance_defaults[\"q\"]",
                "reject_templates[\" x\"]",
                "reject_templates[\" x\"]"
            ],
            "{faults:?}"
        );
        assert!(faults[2].contains("records a hire"), "{faults:?}");
    }

    #[test]
    fn the_shipped_mapping_is_valid_in_any_account() {
        assert_eq!(faults(&initial(), None), Vec::<String>::new());
        assert_eq!(initial().validate(&KnownAccount::default(), None), Ok(()));
    }

    #[test]
    fn f_43_a_stage_in_two_places_is_refused() {
        let found = changed(|mapping| {
            mapping.product_stages[4].stages = vec!["offer".into(), "offer".into()]
        });
        assert_eq!(
            found,
            [
                "product_stages[4].stages[1]: stage offer is already in REVIEW; keep it in one place",
                "product_stages[9].stages[0]: stage offer is already in REVIEW; keep it in one place",
            ]
        );
    }

    #[test]
    fn codes_are_unique_and_never_reserved() {
        let found = changed(|mapping| {
            mapping.product_stages[1].code = code("NEW_LEAD");
            mapping.product_stages[2].code = code("HIRED");
        });
        assert!(
            found[0]
                .starts_with("product_stages[1].code: code NEW_LEAD is that of product_stages[0]"),
            "{found:?}"
        );
        assert!(
            found[1].starts_with("product_stages[2].code: HIRED is reserved"),
            "{found:?}"
        );
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn an_unknown_id_is_refused_with_the_nearest_known_ones() {
        let found = changed(|mapping| {
            mapping.product_stages[5].stages.push("Phone Screen".into());
            mapping.stage_sla_days.insert("ofer".into(), 1);
            mapping.inbound_stages.insert("gone".into());
            mapping.advance_excluded_stages.insert("gone".into());
            mapping.reject_excluded_reasons.insert("Hired".into());
        });
        assert_eq!(found.len(), 5, "{found:?}");
        let expected = "product_stages[5].stages[0]: Lever has no stage with the id \"Phone Screen\"; \
                        nearest: 1f-uuid (\"Phone Screen\"), ";
        assert!(found[0].starts_with(expected), "{}", found[0]);
        assert!(
            found[1].contains("nearest: offer (\"offer\"), "),
            "{}",
            found[1]
        );
        assert!(
            found[4].ends_with("nearest: r-hired (\"Hired\")"),
            "{}",
            found[4]
        );
    }

    #[test]
    fn x7_a_stage_or_reason_that_vanished_from_lever_may_stay() {
        let mut previous = initial();
        previous.product_stages[4].stages.push("vanished".into());
        previous.reject_excluded_reasons.insert("old".into());
        let mut mapping = previous.clone();
        mapping
            .assign("vanished".into(), &code("INTERVIEW"))
            .unwrap();
        assert_eq!(faults(&mapping, Some(&previous)), Vec::<String>::new());
        assert_eq!(faults(&mapping, None).len(), 2);
    }

    #[test]
    fn two_product_stages_of_one_label_are_refused_with_both_named() {
        let found = changed(|mapping| {
            let first = mapping.product_stages[0].label.to_uppercase();
            mapping.product_stages[2].label = format!(" {first} ");
        });
        let codes = [0, 2].map(|at: usize| initial().product_stages[at].code.to_string());
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("product_stages[2].label: "),
            "{found:?}"
        );
        assert!(
            codes.iter().all(|code| found[0].contains(code)),
            "{found:?}"
        );
        let empty = changed(|mapping| {
            mapping.product_stages[0].label = String::new();
            mapping.product_stages[2].label = " ".to_owned();
        });
        assert_eq!(empty.len(), 2, "each for being empty: {empty:?}");
    }

    #[test]
    fn days_percent_week_zone_and_labels_have_bounds() {
        let found = changed(|mapping| {
            mapping.product_stages[0].sla_days = Some(366);
            mapping.product_stages[1].label = "  ".to_owned();
            mapping.stage_sla_days.insert("offer".into(), 365);
            mapping.sla.at_risk_percent = 0;
            mapping.sla.time_zone = "Mars/Olympus".to_owned();
        });
        let fields: Vec<_> = found
            .iter()
            .filter_map(|fault| fault.split(": ").next())
            .collect();
        assert_eq!(
            fields,
            [
                "product_stages[0].sla_days",
                "product_stages[1].label",
                "sla.time_zone",
                "sla.at_risk_percent"
            ]
        );
        let week = changed(|mapping| mapping.sla.working_week.clear());
        assert!(week[0].starts_with("sla.working_week: "), "{week:?}");
    }

    #[test]
    fn names_that_hide_what_they_say_are_refused() {
        let found = changed(|mapping| {
            mapping.product_stages[0].label = "Of\u{202e}fer".to_owned();
            mapping.product_stages[1].label = "Le\0ad".to_owned();
            let reason = mapping.reject_templates.values().next().cloned();
            let reason = reason.unwrap_or_else(|| "nobody".into());
            mapping
                .reject_templates
                .insert("No\u{2066}fit".to_owned(), reason);
        });
        for (fault, field) in found.iter().zip([
            "product_stages[0].label: ",
            "product_stages[1].label: ",
            "reject_templates[",
        ]) {
            assert!(
                fault.starts_with(field) && fault.ends_with(UNSEEN_MESSAGE),
                "{found:?}"
            );
        }
        assert!(found.len() >= 3, "{found:?}");
        assert!(!may_be_a_template("No\u{2066}fit") && may_be_a_template("No fit"));
    }

    #[test]
    fn a_flood_of_long_unknown_ids_is_answered_briefly() {
        let found = changed(|mapping| {
            let flood = (0..500).map(|n| format!("{n}{}", "x".repeat(10_000)).as_str().into());
            mapping.inbound_stages.extend(flood);
        });
        assert_eq!(found.len(), 500);
        assert!(found.iter().all(|fault| fault.len() < 400));
        assert_eq!(
            found
                .iter()
                .filter(|fault| fault.contains("nearest"))
                .count(),
            MOST_HINTS
        );
    }
}
