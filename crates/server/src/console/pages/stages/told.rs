//! A stage mapping setting by setting, so that two can be compared.

use std::collections::BTreeSet;

use proto::v1 as pb;

use super::clock::day_name;
use super::draft::kind_name;
use super::names::Names;
use crate::console::compare::Setting;
use crate::console::words::plain;

/// Every setting of a mapping by itself, to be compared.
pub(super) fn settings(mapping: &pb::StageMapping, names: &Names<'_>) -> Vec<Setting> {
    [
        groups(mapping, names),
        stages(mapping, names),
        stage_slas(mapping, names),
        listed(mapping, names),
        inbound(mapping, names),
        single(mapping),
    ]
    .concat()
}

fn groups(mapping: &pb::StageMapping, names: &Names<'_>) -> Vec<Setting> {
    let one = |group: &pb::ProductStage| {
        let (kind, sla) = (kind_name(group.kind()), days(group.sla_days));
        Setting::new(
            format!("group:{}", group.code),
            format!("Group {}", names.group(group)),
            format!("{}, {kind}, SLA {sla}", group.label),
        )
    };
    let groups = mapping.product_stages.iter();
    let order: Vec<&str> = groups.clone().map(|group| names.group(group)).collect();
    let order = Setting::new("order", "Order of groups", order.join(", "));
    groups.map(one).chain([order]).collect()
}

/// Where each stage is put, also those of no group.
fn stages(mapping: &pb::StageMapping, names: &Names<'_>) -> Vec<Setting> {
    let setting = |id: &str, text: &str, group: &str| {
        Setting::new(format!("stage:{id}"), format!("Stage {text}"), group)
    };
    let mut grouped = BTreeSet::new();
    let mut all = Vec::new();
    for group in &mapping.product_stages {
        for id in &group.stage_ids {
            grouped.insert(id.as_str());
            all.push(setting(id, names.stage(id), names.group(group)));
        }
    }
    let others = names.stages().filter(|(id, _)| !grouped.contains(id));
    all.extend(others.map(|(id, text)| setting(id, text, "in no group")));
    all
}

fn stage_slas(mapping: &pb::StageMapping, names: &Names<'_>) -> Vec<Setting> {
    let one = |sla: &pb::StageSla| {
        let name = format!("SLA of stage {}", names.stage(&sla.stage_id));
        let at = format!("sla:{}", sla.stage_id);
        Setting::new(at, name, days(Some(sla.sla_days)))
    };
    mapping.stage_slas.iter().map(one).collect()
}

/// What stands in a list or does not.
fn listed(mapping: &pb::StageMapping, names: &Names<'_>) -> Vec<Setting> {
    let sla = mapping.sla.clone().unwrap_or_default();
    let stage = |id: &str| names.stage(id).to_owned();
    let reason = |id: &str| names.reason(id).to_owned();
    type Named<'n> = &'n dyn Fn(&str) -> String;
    let lists: [(&str, &[String], Named<'_>); 4] = [
        ("Inbound stage", &mapping.inbound_stage_ids, &stage),
        (
            "Excluded when advancing:",
            &mapping.advance_excluded_stage_ids,
            &stage,
        ),
        (
            "Excluded when rejecting:",
            &mapping.reject_excluded_reason_ids,
            &reason,
        ),
        ("Holiday", &sla.holidays, &str::to_owned),
    ];
    let settings = lists.into_iter().flat_map(|(what, ids, name)| {
        ids.iter().map(move |id| {
            Setting::new(
                format!("{what}:{id}"),
                format!("{what} {}", name(id)),
                "yes",
            )
        })
    });
    settings.collect()
}

/// What is set with the inbound settings.
fn inbound(mapping: &pb::StageMapping, names: &Names<'_>) -> Vec<Setting> {
    let advance = mapping.advance_defaults.iter().map(|one| {
        let title = names.posting(&one.posting_id);
        let name = format!("Suggested when advancing from the posting {title}");
        let at = format!("advance:{}", one.posting_id);
        Setting::new(at, name, names.stage(&one.stage_id))
    });
    let templates = mapping.reject_templates.iter().map(|one| {
        let name = format!("Reason called “{}”", one.name);
        let reason = names.reason(&one.archive_reason_id);
        Setting::new(format!("template:{}", one.name), name, reason)
    });
    advance.chain(templates).collect()
}

/// What there is one of.
fn single(mapping: &pb::StageMapping) -> Vec<Setting> {
    let sla = mapping.sla.clone().unwrap_or_default();
    let week: Vec<String> = sla.working_week().map(day_name).collect();
    let writes = match mapping.lever_sends_email {
        true => "Lever",
        false => "the product",
    };
    let pauses = match sla.pause_while_snoozed() {
        true => "yes",
        false => "no",
    };
    let clock = plain(sla.clock_scope().as_str_name(), "CLOCK_SCOPE");
    let settings = [
        ("Who writes to rejected people", writes.to_owned()),
        (
            "Business days before a rejection is sent",
            mapping.reject_hold_business_days.to_string(),
        ),
        ("Days", plain(sla.unit().as_str_name(), "DAY_UNIT")),
        ("Clock", format!("by {clock}")),
        ("Time zone", sla.time_zone.clone()),
        ("Working week", week.join(", ")),
        ("Pause while snoozed", pauses.to_owned()),
        ("At risk from", format!("{} %", sla.at_risk_percent)),
    ];
    let settings = settings.into_iter();
    settings
        .map(|(name, value)| Setting::new(name, name, value))
        .collect()
}

fn days(days: Option<u32>) -> String {
    days.map_or("none".to_owned(), |days| format!("{days} d"))
}
