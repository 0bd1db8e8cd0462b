//! The stage mapping in both directions.

use std::collections::{BTreeMap, BTreeSet};

use ::lever::{ArchiveReasonId, StageId};
use domain::Versioned as _;
use domain::stage_mapping::{
    ClockScope, DayUnit, DriftKind, ProductStage, SlaSettings, StageCode, StageKind, StageMapping,
    Violation, Weekday,
};
use engine::{MappedStage, Notice, Preview, SavedMapping, SuggestedStage};
use proto::v1 as pb;

use super::inbound::to_sla_state;
use super::time::to_timestamp;

/// A mapping as the wire has it.
pub fn to_pb(mapping: &StageMapping) -> pb::StageMapping {
    pb::StageMapping {
        version: mapping.version,
        etag: mapping.etag(),
        author: mapping.author.clone(),
        update_time: Some(to_timestamp(mapping.created_at)),
        product_stages: mapping
            .product_stages
            .iter()
            .map(to_product_stage)
            .collect(),
        stage_slas: mapping
            .stage_sla_days
            .iter()
            .map(|(stage, days)| pb::StageSla {
                stage_id: stage.as_str().to_owned(),
                sla_days: u32::from(*days),
            })
            .collect(),
        inbound_stage_ids: texts(&mapping.inbound_stages),
        advance_excluded_stage_ids: texts(&mapping.advance_excluded_stages),
        reject_excluded_reason_ids: mapping
            .reject_excluded_reasons
            .iter()
            .map(|reason| reason.as_str().to_owned())
            .collect(),
        sla: Some(to_sla(&mapping.sla)),
        lever_sends_email: mapping.lever_sends_email,
        reject_hold_business_days: mapping.reject_hold_business_days.into(),
        advance_defaults: mapping
            .advance_defaults
            .iter()
            .map(|(posting, stage)| pb::AdvanceDefault {
                posting_id: posting.as_str().to_owned(),
                stage_id: stage.as_str().to_owned(),
            })
            .collect(),
        reject_templates: mapping
            .reject_templates
            .iter()
            .map(|(name, reason)| pb::RejectTemplate {
                name: name.clone(),
                archive_reason_id: reason.as_str().to_owned(),
            })
            .collect(),
    }
}

/// Reads a mapping; whether it fits the account is for the engine to say.
///
/// # Errors
/// Every field that cannot be read.
pub fn from_pb(mapping: &pb::StageMapping) -> Result<StageMapping, Vec<Violation>> {
    let mut violations = Vec::new();
    let product_stages = mapping
        .product_stages
        .iter()
        .enumerate()
        .filter_map(|(index, stage)| from_product_stage(index, stage, &mut violations))
        .collect();
    let mut stage_sla_days = BTreeMap::new();
    for (index, sla) in mapping.stage_slas.iter().enumerate() {
        if let Some(days) = from_days(
            &format!("stage_slas[{index}].sla_days"),
            sla.sla_days,
            &mut violations,
        ) {
            let stage = StageId::from(sla.stage_id.as_str());
            if stage_sla_days.insert(stage, days).is_some() {
                violations.push(Violation {
                    field: format!("stage_slas[{index}].stage_id"),
                    message: "the stage has SLA days already: name it once".to_owned(),
                });
            }
        }
    }
    let defaults = mapping.advance_defaults.iter();
    let defaults =
        defaults.map(|one| (one.posting_id.as_str().into(), one.stage_id.as_str().into()));
    let advance_defaults = once("advance_defaults", "posting_id", defaults, &mut violations);
    let templates = mapping.reject_templates.iter();
    let templates = templates.map(|one| (one.name.clone(), one.archive_reason_id.as_str().into()));
    let reject_templates = once("reject_templates", "name", templates, &mut violations);
    let sla = from_sla(
        mapping.sla.as_ref().unwrap_or(&pb::SlaSettings::default()),
        &mut violations,
    );
    let field = "reject_hold_business_days";
    let hold_days = from_days(field, mapping.reject_hold_business_days, &mut violations);
    if !violations.is_empty() {
        return Err(violations);
    }
    Ok(StageMapping {
        version: mapping.version,
        author: String::new(),
        created_at: Default::default(),
        product_stages,
        stage_sla_days,
        inbound_stages: stages(&mapping.inbound_stage_ids),
        advance_excluded_stages: stages(&mapping.advance_excluded_stage_ids),
        reject_excluded_reasons: mapping
            .reject_excluded_reason_ids
            .iter()
            .map(|reason| ArchiveReasonId::from(reason.as_str()))
            .collect::<BTreeSet<_>>(),
        lever_sends_email: mapping.lever_sends_email,
        reject_hold_business_days: hold_days.unwrap_or_default(),
        advance_defaults,
        reject_templates,
        sla,
        last_known_text: BTreeMap::new(),
        last_known_reason_text: BTreeMap::new(),
    })
}

/// Pairs of a list, of which no two may have the same key.
fn once<K: Ord, V>(
    list: &str,
    key: &str,
    pairs: impl Iterator<Item = (K, V)>,
    violations: &mut Vec<Violation>,
) -> BTreeMap<K, V> {
    let mut taken = BTreeMap::new();
    for (index, (one, value)) in pairs.enumerate() {
        if taken.insert(one, value).is_some() {
            violations.push(Violation {
                field: format!("{list}[{index}].{key}"),
                message: "it is in the list already: name it once".to_owned(),
            });
        }
    }
    taken
}

/// A Lever stage and where the mapping puts it.
pub fn to_mapped(stage: &MappedStage) -> pb::MappedStage {
    pb::MappedStage {
        stage_id: stage.stage.as_str().to_owned(),
        text: stage.text.clone(),
        product_stage: stage.code.as_str().to_owned(),
        sla_days: stage.sla_days.map(u32::from),
        inbound: stage.inbound,
        active_opportunities: stage.active,
        missing: stage.missing,
    }
}

/// A suggestion as the wire has it.
pub fn to_suggestion(stage: &SuggestedStage) -> pb::StageSuggestion {
    let suggestion = &stage.suggestion;
    pb::StageSuggestion {
        stage_id: suggestion.stage.as_str().to_owned(),
        text: stage.text.clone(),
        product_stage: suggestion.code.as_str().to_owned(),
        rule: suggestion.rule.to_owned(),
        confidence: f64::from(suggestion.confidence) / 100.0,
        warning: suggestion.warning.unwrap_or_default().to_owned(),
        present_product_stage: stage.present.as_str().to_owned(),
    }
}

/// What Lever has changed since the mapping was saved.
pub fn to_notice(notice: &Notice) -> pb::MappingNotice {
    let drift = &notice.drift;
    let kind = match drift.kind {
        DriftKind::NewStage => pb::MappingNoticeKind::NewStage,
        DriftKind::RenamedStage => pb::MappingNoticeKind::RenamedStage,
        DriftKind::MissingStage => pb::MappingNoticeKind::MissingStage,
        DriftKind::NewReason => pb::MappingNoticeKind::NewArchiveReason,
        DriftKind::RenamedReason => pb::MappingNoticeKind::RenamedArchiveReason,
        DriftKind::MissingReason => pb::MappingNoticeKind::MissingArchiveReason,
    };
    pb::MappingNotice {
        kind: kind.into(),
        id: drift.id.clone(),
        text: drift.text.clone(),
        last_known_text: drift.last_known_text.clone(),
        message: drift.to_string(),
        suggestion: notice.suggestion.as_ref().map(to_suggestion),
    }
}

/// A version and what it changed.
pub fn to_version(version: &SavedMapping<StageMapping>) -> pb::StageMappingVersion {
    pb::StageMappingVersion {
        stage_mapping: Some(to_pb(&version.mapping)),
        differences: version.differences.clone(),
    }
}

/// What a mapping would change.
pub fn to_preview(preview: &Preview) -> pb::PreviewStageMappingResponse {
    let effect = &preview.effect;
    let moves = effect
        .moves
        .iter()
        .map(|((from, to), count)| pb::StageMove {
            from_product_stage: from.as_str().to_owned(),
            to_product_stage: to.as_str().to_owned(),
            opportunities: *count,
        });
    let sla_changes = effect
        .sla_changes
        .iter()
        .map(|((from, to), count)| pb::SlaChange {
            from_state: to_sla_state(*from).into(),
            to_state: to_sla_state(*to).into(),
            opportunities: *count,
        });
    pb::PreviewStageMappingResponse {
        differences: preview.differences.clone(),
        opportunities: effect.candidacies,
        moves: moves.collect(),
        sla_changes: sla_changes.collect(),
        becoming_inbound: effect.becoming_inbound,
        leaving_inbound: effect.leaving_inbound,
        stages: preview.stages.iter().map(to_mapped).collect(),
    }
}

fn to_product_stage(stage: &ProductStage) -> pb::ProductStage {
    let kind = match stage.kind {
        StageKind::Lead => pb::ProductStageKind::Lead,
        StageKind::Inbound => pb::ProductStageKind::Inbound,
        StageKind::Active => pb::ProductStageKind::Active,
        StageKind::Parked => pb::ProductStageKind::Parked,
    };
    pb::ProductStage {
        code: stage.code.as_str().to_owned(),
        label: stage.label.clone(),
        kind: kind.into(),
        sla_days: stage.sla_days.map(u32::from),
        stage_ids: stage
            .stages
            .iter()
            .map(|stage| stage.as_str().to_owned())
            .collect(),
    }
}

fn from_product_stage(
    index: usize,
    stage: &pb::ProductStage,
    violations: &mut Vec<Violation>,
) -> Option<ProductStage> {
    let mut bad = |field: &str, message: String| {
        violations.push(Violation {
            field: format!("product_stages[{index}].{field}"),
            message,
        });
    };
    let code = StageCode::parse(&stage.code)
        .map_err(|error| bad("code", error.to_string()))
        .ok();
    let kind = match pb::ProductStageKind::try_from(stage.kind) {
        Ok(pb::ProductStageKind::Lead) => Some(StageKind::Lead),
        Ok(pb::ProductStageKind::Inbound) => Some(StageKind::Inbound),
        Ok(pb::ProductStageKind::Active) => Some(StageKind::Active),
        Ok(pb::ProductStageKind::Parked) => Some(StageKind::Parked),
        Ok(pb::ProductStageKind::Unspecified) | Err(_) => {
            bad("kind", "give LEAD, INBOUND, ACTIVE or PARKED".to_owned());
            None
        }
    };
    let sla_days = match stage.sla_days {
        None => None,
        Some(days) => Some(from_days(
            &format!("product_stages[{index}].sla_days"),
            days,
            violations,
        )?),
    };
    Some(ProductStage {
        code: code?,
        label: stage.label.clone(),
        kind: kind?,
        sla_days,
        stages: stage
            .stage_ids
            .iter()
            .map(|id| StageId::from(id.as_str()))
            .collect(),
    })
}

fn from_days(field: &str, days: u32, violations: &mut Vec<Violation>) -> Option<u16> {
    let read = u16::try_from(days).ok();
    if read.is_none() {
        violations.push(Violation {
            field: field.to_owned(),
            message: "give 0 to 365 days".to_owned(),
        });
    }
    read
}

fn to_sla(sla: &SlaSettings) -> pb::SlaSettings {
    pb::SlaSettings {
        unit: match sla.unit {
            DayUnit::Business => pb::DayUnit::Business,
            DayUnit::Calendar => pb::DayUnit::Calendar,
        }
        .into(),
        time_zone: sla.time_zone.clone(),
        working_week: sla
            .working_week
            .iter()
            .map(|day| to_weekday(*day).into())
            .collect(),
        holidays: sla.holidays.iter().map(ToString::to_string).collect(),
        pause_while_snoozed: Some(sla.pause_while_snoozed),
        clock_scope: match sla.clock_scope {
            ClockScope::Stage => pb::ClockScope::Stage,
            ClockScope::Group => pb::ClockScope::Group,
        }
        .into(),
        at_risk_percent: u32::from(sla.at_risk_percent),
    }
}

fn from_sla(sla: &pb::SlaSettings, violations: &mut Vec<Violation>) -> SlaSettings {
    let defaults = SlaSettings::default();
    let mut bad = |field: String, message: &str| {
        violations.push(Violation {
            field: format!("sla.{field}"),
            message: message.to_owned(),
        });
    };
    let unit = match pb::DayUnit::try_from(sla.unit) {
        Ok(pb::DayUnit::Unspecified | pb::DayUnit::Business) => DayUnit::Business,
        Ok(pb::DayUnit::Calendar) => DayUnit::Calendar,
        Err(_) => {
            bad("unit".to_owned(), "give BUSINESS or CALENDAR");
            DayUnit::Business
        }
    };
    let clock_scope = match pb::ClockScope::try_from(sla.clock_scope) {
        Ok(pb::ClockScope::Unspecified | pb::ClockScope::Stage) => ClockScope::Stage,
        Ok(pb::ClockScope::Group) => ClockScope::Group,
        Err(_) => {
            bad("clock_scope".to_owned(), "give STAGE or GROUP");
            ClockScope::Stage
        }
    };
    let mut working_week = BTreeSet::new();
    for (index, day) in sla.working_week.iter().enumerate() {
        match from_weekday(*day) {
            Some(day) => drop(working_week.insert(day)),
            None => bad(format!("working_week[{index}]"), "give a day of the week"),
        }
    }
    let mut holidays = BTreeSet::new();
    for (index, holiday) in sla.holidays.iter().enumerate() {
        match holiday.parse() {
            Ok(date) => drop(holidays.insert(date)),
            Err(_) => bad(format!("holidays[{index}]"), "give a date as YYYY-MM-DD"),
        }
    }
    let at_risk_percent = match sla.at_risk_percent {
        0 => defaults.at_risk_percent,
        percent => u8::try_from(percent)
            .ok()
            .filter(|percent| *percent <= 100)
            .unwrap_or_else(|| {
                bad("at_risk_percent".to_owned(), "give 1 to 100, or 0 for 75");
                defaults.at_risk_percent
            }),
    };
    SlaSettings {
        unit,
        time_zone: if sla.time_zone.is_empty() {
            defaults.time_zone
        } else {
            sla.time_zone.clone()
        },
        working_week: if working_week.is_empty() {
            defaults.working_week
        } else {
            working_week
        },
        holidays,
        pause_while_snoozed: sla
            .pause_while_snoozed
            .unwrap_or(defaults.pause_while_snoozed),
        clock_scope,
        at_risk_percent,
    }
}

fn to_weekday(day: Weekday) -> pb::Weekday {
    match day {
        Weekday::Monday => pb::Weekday::Monday,
        Weekday::Tuesday => pb::Weekday::Tuesday,
        Weekday::Wednesday => pb::Weekday::Wednesday,
        Weekday::Thursday => pb::Weekday::Thursday,
        Weekday::Friday => pb::Weekday::Friday,
        Weekday::Saturday => pb::Weekday::Saturday,
        Weekday::Sunday => pb::Weekday::Sunday,
    }
}

fn from_weekday(day: i32) -> Option<Weekday> {
    match pb::Weekday::try_from(day).ok()? {
        pb::Weekday::Unspecified => None,
        pb::Weekday::Monday => Some(Weekday::Monday),
        pb::Weekday::Tuesday => Some(Weekday::Tuesday),
        pb::Weekday::Wednesday => Some(Weekday::Wednesday),
        pb::Weekday::Thursday => Some(Weekday::Thursday),
        pb::Weekday::Friday => Some(Weekday::Friday),
        pb::Weekday::Saturday => Some(Weekday::Saturday),
        pb::Weekday::Sunday => Some(Weekday::Sunday),
    }
}

fn texts(stages: &BTreeSet<StageId>) -> Vec<String> {
    stages
        .iter()
        .map(|stage| stage.as_str().to_owned())
        .collect()
}

fn stages(texts: &[String]) -> BTreeSet<StageId> {
    texts
        .iter()
        .map(|text| StageId::from(text.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sla_days_that_are_given_twice_are_refused_by_name() {
        let mut wire = to_pb(&StageMapping::initial(Default::default()));
        for sla_days in [3, 9] {
            wire.stage_slas.push(pb::StageSla {
                stage_id: "offer".to_owned(),
                sla_days,
            });
        }
        let violations = from_pb(&wire).unwrap_err();
        let fields: Vec<_> = violations.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(fields, ["stage_slas[1].stage_id"]);
    }

    #[test]
    fn a_mapping_survives_the_way_there_and_back() {
        let mut mapping = StageMapping::initial(Default::default());
        mapping.stage_sla_days.insert(StageId::from("offer"), 0);
        mapping
            .advance_excluded_stages
            .insert(StageId::from("offer"));
        mapping
            .reject_excluded_reasons
            .insert(ArchiveReasonId::from("r"));
        mapping.sla.holidays.insert("2026-12-25".parse().unwrap());
        mapping.sla.unit = DayUnit::Calendar;
        mapping.sla.clock_scope = ClockScope::Group;
        mapping.lever_sends_email = true;
        mapping.reject_hold_business_days = 2;
        mapping.advance_defaults.insert("p".into(), "offer".into());
        mapping
            .reject_templates
            .insert("no fit".to_owned(), "fit".into());
        let back = from_pb(&to_pb(&mapping)).unwrap();
        assert_eq!(back.product_stages, mapping.product_stages);
        assert_eq!(back.stage_sla_days, mapping.stage_sla_days);
        assert_eq!(back.inbound_stages, mapping.inbound_stages);
        assert_eq!(
            back.advance_excluded_stages,
            mapping.advance_excluded_stages
        );
        assert_eq!(
            back.reject_excluded_reasons,
            mapping.reject_excluded_reasons
        );
        assert_eq!(back.sla, mapping.sla);
        assert!(back.lever_sends_email && back.reject_hold_business_days == 2);
        assert_eq!(back.advance_defaults, mapping.advance_defaults);
        assert_eq!(back.reject_templates, mapping.reject_templates);
    }

    #[test]
    fn every_bad_field_is_named() {
        let mapping = pb::StageMapping {
            product_stages: vec![pb::ProductStage {
                code: "not a code".to_owned(),
                kind: 0,
                sla_days: Some(100_000),
                ..Default::default()
            }],
            stage_slas: vec![pb::StageSla {
                stage_id: "offer".to_owned(),
                sla_days: 70_000,
            }],
            sla: Some(pb::SlaSettings {
                unit: 9,
                holidays: vec!["Christmas".to_owned()],
                working_week: vec![0],
                at_risk_percent: 300,
                ..Default::default()
            }),
            ..Default::default()
        };
        let fields: Vec<_> = from_pb(&mapping)
            .unwrap_err()
            .into_iter()
            .map(|bad| bad.field)
            .collect();
        for field in [
            "product_stages[0].code",
            "product_stages[0].kind",
            "product_stages[0].sla_days",
            "stage_slas[0].sla_days",
            "sla.unit",
            "sla.holidays[0]",
            "sla.working_week[0]",
            "sla.at_risk_percent",
        ] {
            assert!(
                fields.iter().any(|bad| bad == field),
                "{field} is missing in {fields:?}"
            );
        }
    }
}
