//! What changes between two mappings, in lines for people.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use lever::{ArchiveReasonId, StageId};

use super::{ProductStage, SlaSettings, StageMapping};

/// The differences between the settings of two mappings, one readable line each; empty when there are none.
///
/// Stages and archive reasons are named by their last known text where there is one. Lines are in the order of the fields.
pub fn diff(before: &StageMapping, after: &StageMapping) -> Vec<String> {
    let names = Names { before, after };
    let mut lines = Vec::new();
    product_stages(before, after, &mut lines);
    stages(&names, &mut lines);
    stage_sla_days(&names, &mut lines);
    lines.extend(sets(
        "inbound stages",
        &before.inbound_stages,
        &after.inbound_stages,
        |stage| names.of(stage),
    ));
    lines.extend(sets(
        "excluded when advancing",
        &before.advance_excluded_stages,
        &after.advance_excluded_stages,
        |stage| names.of(stage),
    ));
    lines.extend(sets(
        "excluded when rejecting",
        &before.reject_excluded_reasons,
        &after.reject_excluded_reasons,
        |reason| names.of_reason(reason),
    ));
    if before.lever_sends_email != after.lever_sends_email {
        let who = |lever: bool| if lever { "Lever" } else { "the product" };
        lines.push(format!(
            "who writes to rejected people: {} -> {}",
            who(before.lever_sends_email),
            who(after.lever_sends_email)
        ));
    }
    let [held_before, held_after] =
        [before, after].map(|mapping| mapping.reject_hold_business_days);
    if held_before != held_after {
        lines.push(format!(
            "business days before a rejection is sent: {held_before} -> {held_after}"
        ));
    }
    lines.extend(pairs(
        "suggested when advancing from posting",
        &before.advance_defaults,
        &after.advance_defaults,
        |stage| names.of(stage),
    ));
    lines.extend(pairs(
        "reason called",
        &before.reject_templates,
        &after.reject_templates,
        |reason| names.of_reason(reason),
    ));
    sla(&before.sla, &after.sla, &mut lines);
    lines
}

/// Names stages and archive reasons for people.
struct Names<'a> {
    before: &'a StageMapping,
    after: &'a StageMapping,
}

impl Names<'_> {
    fn of(&self, stage: &StageId) -> String {
        let known = |mapping: &StageMapping| mapping.last_known_text.get(stage).cloned();
        named(known(self.after).or_else(|| known(self.before)), stage)
    }

    fn of_reason(&self, reason: &ArchiveReasonId) -> String {
        let known = |mapping: &StageMapping| mapping.last_known_reason_text.get(reason).cloned();
        named(known(self.after).or_else(|| known(self.before)), reason)
    }
}

fn named(text: Option<String>, id: &impl Display) -> String {
    match text {
        Some(text) => format!("{text:?} ({id})"),
        None => id.to_string(),
    }
}

fn product_stages(before: &StageMapping, after: &StageMapping, lines: &mut Vec<String>) {
    for old in &before.product_stages {
        if find(after, old).is_none() {
            lines.push(format!("product stage {}: removed", old.code));
        }
    }
    for new in &after.product_stages {
        match find(before, new) {
            None => lines.push(format!(
                "product stage {}: added, {}",
                new.code,
                described(new)
            )),
            Some(old) if described(old) != described(new) => {
                lines.push(format!(
                    "product stage {}: {} -> {}",
                    new.code,
                    described(old),
                    described(new)
                ));
            }
            Some(_) => {}
        }
    }
    let (old, new) = (shared_order(before, after), shared_order(after, before));
    if old != new {
        lines.push(format!("order of product stages: {}", new.join(", ")));
    }
}

fn find<'a>(mapping: &'a StageMapping, wanted: &ProductStage) -> Option<&'a ProductStage> {
    mapping
        .product_stages
        .iter()
        .find(|row| row.code == wanted.code)
}

fn described(row: &ProductStage) -> String {
    format!(
        "{:?} {} SLA {}",
        row.label,
        row.kind.as_str(),
        days(row.sla_days)
    )
}

/// The codes of `mapping` that `other` has too, in order.
fn shared_order<'a>(mapping: &'a StageMapping, other: &StageMapping) -> Vec<&'a str> {
    let rows = mapping.product_stages.iter();
    rows.filter(|row| find(other, row).is_some())
        .map(|row| row.code.as_str())
        .collect()
}

fn days(days: Option<u16>) -> String {
    match days {
        None => "none".to_owned(),
        Some(1) => "1 day".to_owned(),
        Some(days) => format!("{days} days"),
    }
}

fn stages(names: &Names<'_>, lines: &mut Vec<String>) {
    let mut mentioned = names.before.mentioned_stages();
    mentioned.extend(names.after.mentioned_stages());
    for stage in mentioned {
        let (old, new) = (names.before.code_of(stage), names.after.code_of(stage));
        if old != new {
            lines.push(format!("stage {}: {old} -> {new}", names.of(stage)));
        }
    }
    for new in &names.after.product_stages {
        let Some(old) = find(names.before, new) else {
            continue;
        };
        let kept = |of: &ProductStage, by: &ProductStage| -> Vec<StageId> {
            let stages = of.stages.iter().filter(|stage| by.stages.contains(stage));
            stages.cloned().collect()
        };
        if kept(old, new) != kept(new, old) {
            lines.push(format!(
                "product stage {}: stages in another order",
                new.code
            ));
        }
    }
}

fn stage_sla_days(names: &Names<'_>, lines: &mut Vec<String>) {
    let (before, after) = (&names.before.stage_sla_days, &names.after.stage_sla_days);
    let stages: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    for stage in stages {
        let (old, new) = (before.get(stage).copied(), after.get(stage).copied());
        if old != new {
            lines.push(format!(
                "SLA of stage {}: {} -> {}",
                names.of(stage),
                days(old),
                days(new)
            ));
        }
    }
}

fn sets<T: Ord>(
    name: &str,
    before: &BTreeSet<T>,
    after: &BTreeSet<T>,
    shown: impl Fn(&T) -> String,
) -> Vec<String> {
    let removed = before
        .difference(after)
        .map(|item| format!("{name}: - {}", shown(item)));
    let added = after
        .difference(before)
        .map(|item| format!("{name}: + {}", shown(item)));
    removed.chain(added).collect()
}

/// What a name stands for, before and after.
fn pairs<K: Ord + Display, V: PartialEq>(
    name: &str,
    before: &BTreeMap<K, V>,
    after: &BTreeMap<K, V>,
    shown: impl Fn(&V) -> String,
) -> Vec<String> {
    let keys: BTreeSet<&K> = before.keys().chain(after.keys()).collect();
    let changed = keys.into_iter().filter_map(|key| {
        let told = match (before.get(key), after.get(key)) {
            (Some(old), Some(new)) if old == new => return None,
            (Some(old), Some(new)) => format!("{} -> {}", shown(old), shown(new)),
            (Some(old), None) => format!("- {}", shown(old)),
            (None, new) => format!("+ {}", new.map(&shown).unwrap_or_default()),
        };
        Some(format!("{name} {key}: {told}"))
    });
    changed.collect()
}

fn sla(before: &SlaSettings, after: &SlaSettings, lines: &mut Vec<String>) {
    let mut value = |name: &str, old: &dyn Display, new: &dyn Display| {
        let (old, new) = (old.to_string(), new.to_string());
        if old != new {
            lines.push(format!("sla.{name}: {old} -> {new}"));
        }
    };
    value("unit", &before.unit.as_str(), &after.unit.as_str());
    value("time_zone", &before.time_zone, &after.time_zone);
    value(
        "pause_while_snoozed",
        &before.pause_while_snoozed,
        &after.pause_while_snoozed,
    );
    value(
        "clock_scope",
        &before.clock_scope.as_str(),
        &after.clock_scope.as_str(),
    );
    value(
        "at_risk_percent",
        &before.at_risk_percent,
        &after.at_risk_percent,
    );
    let (old, new) = (&before.working_week, &after.working_week);
    lines.extend(sets("sla.working_week", old, new, ToString::to_string));
    lines.extend(sets(
        "sla.holidays",
        &before.holidays,
        &after.holidays,
        ToString::to_string,
    ));
}

#[cfg(test)]
mod tests {
    use super::super::tests::{code, initial, stage};
    use super::*;
    use crate::stage_mapping::{DayUnit, Weekday};
    use crate::versioned::Versioned;

    #[test]
    fn equal_settings_have_no_differences_whoever_saved_them() {
        let mut saved = initial().succeeding(&initial(), "admin", lever::Timestamp::from_millis(1));
        saved.refresh_texts(&[stage("offer", "Offer")]);
        assert_eq!(diff(&initial(), &saved), Vec::<String>::new());
    }

    #[test]
    fn each_change_is_one_line() {
        let before = initial();
        let mut after = before.clone();
        after.refresh_texts(&[stage("ph", "Phone Screen")]);
        after.product_stages.remove(2);
        after.product_stages[0].sla_days = None;
        after.product_stages.swap(0, 1);
        let mut hired = after.product_stages[4].clone();
        hired.code = code("TRIAL_DAY");
        hired.label = "Trial day".to_owned();
        hired.sla_days = Some(1);
        after.product_stages.push(hired);
        after
            .assign("ph".into(), &code("RECRUITER_SCREEN"))
            .unwrap();
        after.stage_sla_days.insert("ph".into(), 2);
        after.inbound_stages.clear();
        after.advance_excluded_stages.insert("ph".into());
        after.reject_excluded_reasons.insert("spam".into());
        after.reject_excluded_reasons.insert("unknown".into());
        after
            .last_known_reason_text
            .insert("spam".into(), "Spam or test".to_owned());
        after.sla.unit = DayUnit::Calendar;
        after.sla.working_week.remove(&Weekday::Friday);
        after.sla.holidays.insert("2026-12-25".parse().unwrap());
        assert_eq!(
            diff(&before, &after),
            [
                "product stage RESPONDED: removed",
                "product stage NEW_LEAD: \"New lead\" lead SLA 5 days -> \"New lead\" lead SLA none",
                "product stage TRIAL_DAY: added, \"Trial day\" active SLA 1 day",
                "order of product stages: REACHED_OUT, NEW_LEAD, NEW_APPLICANT, REVIEW, RECRUITER_SCREEN, \
                 ASSESSMENT, INTERVIEW, FINAL_INTERVIEW, OFFER, HOLD",
                "stage lead-responded: RESPONDED -> UNMAPPED",
                "stage \"Phone Screen\" (ph): UNMAPPED -> RECRUITER_SCREEN",
                "SLA of stage \"Phone Screen\" (ph): none -> 2 days",
                "inbound stages: - applicant-new",
                "excluded when advancing: + \"Phone Screen\" (ph)",
                "excluded when rejecting: + \"Spam or test\" (spam)",
                "excluded when rejecting: + unknown",
                "sla.unit: business -> calendar",
                "sla.working_week: - friday",
                "sla.holidays: + 2026-12-25",
            ]
        );
    }

    #[test]
    fn names_and_defaults_are_told_as_they_come_change_and_go() {
        let mut before = initial();
        before.advance_defaults.insert("p".into(), "phone".into());
        before
            .reject_templates
            .insert("fit".to_owned(), "r1".into());
        before
            .reject_templates
            .insert("time".to_owned(), "r2".into());
        let mut after = before.clone();
        after.advance_defaults.insert("q".into(), "offer".into());
        after.reject_templates.remove("fit");
        after
            .reject_templates
            .insert("time".to_owned(), "r3".into());
        assert_eq!(
            diff(&before, &after),
            [
                "suggested when advancing from posting q: + offer",
                "reason called fit: - r1",
                "reason called time: r2 -> r3"
            ]
        );
    }

    #[test]
    fn a_new_order_within_a_product_stage_is_told() {
        let mut before = initial();
        before.product_stages[4].stages = vec!["a".into(), "b".into()];
        let mut after = before.clone();
        after.product_stages[4].stages.swap(0, 1);
        assert_eq!(
            diff(&before, &after),
            ["product stage REVIEW: stages in another order"]
        );
    }
}
