//! A stage mapping while somebody edits it: what the form holds, valid or not.

use std::collections::{BTreeMap, BTreeSet};

use proto::v1 as pb;

use super::clock::{self, Clock};
use super::names::Names;
use crate::console::fault::Fault;
use crate::console::form::Form;
use crate::console::refusal::Refused;
use crate::console::words::plain;

/// The code of what is in no group.
pub(super) const UNMAPPED: &str = "UNMAPPED";

/// What sorts of groups there are.
pub(super) const KINDS: [pb::ProductStageKind; 4] = [
    pb::ProductStageKind::Lead,
    pb::ProductStageKind::Inbound,
    pb::ProductStageKind::Active,
    pb::ProductStageKind::Parked,
];

/// Everything that can be set, as it was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Draft {
    /// Of the version that is to be replaced.
    pub(super) etag: String,
    /// The version that the editing began with.
    pub(super) version: u64,
    pub(super) groups: Vec<Group>,
    /// Every stage, in the order of its group.
    pub(super) stages: Vec<Placed>,
    pub(super) inbound: BTreeSet<String>,
    pub(super) advance_excluded: BTreeSet<String>,
    pub(super) reject_excluded: BTreeSet<String>,
    pub(super) lever_sends_email: bool,
    /// Is set on the page of the inbound settings, and goes along here.
    pub(super) reject_hold_business_days: u32,
    /// Likewise.
    pub(super) advance_defaults: Vec<pb::AdvanceDefault>,
    /// Likewise.
    pub(super) reject_templates: Vec<pb::RejectTemplate>,
    /// What was typed for a new group that has no name yet: its SLA days.
    pub(super) nameless_days: String,
    pub(super) clock: Clock,
    /// What no form of ours says.
    unknown: Vec<Fault>,
}

/// A group of the product.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) code: String,
    pub(super) label: String,
    pub(super) kind: pb::ProductStageKind,
    pub(super) days: String,
}

impl Group {
    /// Its name, or its code where that was emptied.
    fn called(&self) -> &str {
        match self.label.trim() {
            "" => &self.code,
            label => label,
        }
    }
}

/// A Lever stage and where it is put.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) id: String,
    /// The code of its group, or [`UNMAPPED`].
    pub(super) group: String,
    pub(super) days: String,
}

impl Draft {
    /// A saved mapping, to be edited; `stages` are those of the account.
    pub(super) fn of(mapping: &pb::StageMapping, stages: &[pb::MappedStage]) -> Draft {
        let days: BTreeMap<&str, u32> = mapping
            .stage_slas
            .iter()
            .map(|sla| (sla.stage_id.as_str(), sla.sla_days))
            .collect();
        let mut placed: Vec<Placed> = Vec::new();
        let mut seen = BTreeSet::new();
        let grouped = mapping.product_stages.iter().flat_map(|group| {
            let ids = group.stage_ids.iter();
            ids.map(|id| (group.code.as_str(), id.as_str()))
        });
        let listed = stages
            .iter()
            .map(|stage| (UNMAPPED, stage.stage_id.as_str()));
        let timed = days.keys().map(|id| (UNMAPPED, *id));
        for (group, id) in grouped.chain(listed).chain(timed) {
            if seen.insert(id) {
                placed.push(Placed {
                    id: id.to_owned(),
                    group: group.to_owned(),
                    days: days.get(id).map(u32::to_string).unwrap_or_default(),
                });
            }
        }
        let groups = mapping.product_stages.iter().map(|group| Group {
            code: group.code.clone(),
            label: group.label.clone(),
            kind: group.kind(),
            days: group
                .sla_days
                .map(|days| days.to_string())
                .unwrap_or_default(),
        });
        Draft {
            etag: mapping.etag.clone(),
            version: mapping.version,
            groups: groups.collect(),
            stages: placed,
            inbound: set(&mapping.inbound_stage_ids),
            advance_excluded: set(&mapping.advance_excluded_stage_ids),
            reject_excluded: set(&mapping.reject_excluded_reason_ids),
            lever_sends_email: mapping.lever_sends_email,
            reject_hold_business_days: mapping.reject_hold_business_days,
            advance_defaults: mapping.advance_defaults.clone(),
            reject_templates: mapping.reject_templates.clone(),
            nameless_days: String::new(),
            clock: Clock::of(mapping.sla.clone().unwrap_or_default()),
            unknown: Vec::new(),
        }
    }

    /// What was filled in; a group whose name was typed into the fields for a new one is added.
    pub(super) fn read(form: &Form) -> Draft {
        let mut draft = Draft {
            etag: form.text("etag").to_owned(),
            version: form.text("version").parse().unwrap_or_default(),
            inbound: form.all("inbound").map(str::to_owned).collect(),
            advance_excluded: form.all("advance_excluded").map(str::to_owned).collect(),
            reject_excluded: form.all("reject_excluded").map(str::to_owned).collect(),
            lever_sends_email: form.ticked("lever_sends_email"),
            reject_hold_business_days: form.text("reject_hold").parse().unwrap_or_default(),
            clock: Clock::read(form),
            ..Draft::default()
        };
        for (name, value) in form.fields() {
            let (what, id) = name.split_once('.').unwrap_or((name, ""));
            match what {
                "advance_default" => draft.advance_defaults.push(pb::AdvanceDefault {
                    posting_id: id.to_owned(),
                    stage_id: value.to_owned(),
                }),
                "reject_template" => draft.reject_templates.push(pb::RejectTemplate {
                    name: id.to_owned(),
                    archive_reason_id: value.to_owned(),
                }),
                "group" => draft.groups.push(Group {
                    code: value.to_owned(),
                    ..Group::default()
                }),
                "label" => draft.group(id, |group| group.label = value.to_owned()),
                "kind" => {
                    let kind = draft.known(name, "Sort of group", kind(value));
                    draft.group(id, |group| group.kind = kind);
                }
                "group_days" => draft.group(id, |group| group.days = value.to_owned()),
                "stage" => draft.stages.push(Placed {
                    id: id.to_owned(),
                    group: value.to_owned(),
                    days: String::new(),
                }),
                "stage_days" => {
                    // It comes right after its stage.
                    let stage = draft.stages.iter_mut().rev().find(|stage| stage.id == id);
                    if let Some(stage) = stage {
                        stage.days = value.to_owned();
                    }
                }
                _ => {}
            }
        }
        let new_kind = kind(form.text("new_kind"));
        let new_kind = draft.known("new_kind", "Sort of group", new_kind);
        draft.add(form.text("new_label"), new_kind, form.text("new_days"));
        if form.text("new_label").is_empty() && !form.text("new_days").is_empty() {
            form.text("new_days").clone_into(&mut draft.nameless_days);
            let message = "give the new group a name, or empty its SLA days";
            draft
                .unknown
                .push(Fault::new("new_label", "Name of the new group", message));
        }
        let (unit, scope) = (
            clock::unit(form.text("unit")),
            clock::scope(form.text("scope")),
        );
        draft.clock.unit = draft.known("unit", "Days", unit);
        draft.clock.scope = draft.known("scope", "The clock starts", scope);
        draft.check_groups();
        draft.adrift();
        draft
    }

    /// What a word stands for; a word that no form of ours has is told with its field.
    fn known<T: Default>(&mut self, at: &str, name: &str, found: Option<T>) -> T {
        if found.is_none() {
            let message = "choose one of what is offered: this word is not known";
            self.unknown.push(Fault::new(at, name, message));
        }
        found.unwrap_or_default()
    }

    fn group(&mut self, code: &str, change: impl FnOnce(&mut Group)) {
        let group = self
            .groups
            .iter_mut()
            .rev()
            .find(|group| group.code == code);
        if let Some(group) = group {
            change(group);
        }
    }

    /// Adds a group at the end; its code comes from its name. Without a name nothing is added.
    fn add(&mut self, label: &str, kind: pb::ProductStageKind, days: &str) {
        if label.is_empty() {
            return;
        }
        let taken = |code: &String| {
            let reserved = [UNMAPPED, "HIRED", "REJECTED"].contains(&code.as_str());
            reserved || self.groups.iter().any(|group| group.code == *code)
        };
        let stem = code_of(label);
        let code = (1..=self.groups.len() + 4)
            .map(|n| {
                if n == 1 {
                    stem.clone()
                } else {
                    format!("{stem}_{n}")
                }
            })
            .find(|code| !taken(code));
        self.groups.push(Group {
            code: code.unwrap_or(stem),
            label: label.to_owned(),
            kind,
            days: days.to_owned(),
        });
    }

    /// Moves a group by one place.
    pub(super) fn shift(&mut self, code: &str, later: bool) {
        let Some(place) = self.groups.iter().position(|group| group.code == code) else {
            return;
        };
        let other = match later {
            true => place + 1,
            false => place.wrapping_sub(1),
        };
        if other < self.groups.len() {
            self.groups.swap(place, other);
        }
    }

    /// Takes a group away; its stages are in none then.
    pub(super) fn remove(&mut self, code: &str) {
        self.groups.retain(|group| group.code != code);
        self.adrift();
    }

    /// Finds stages in a group that is none.
    fn check_groups(&mut self) {
        let known = |code: &str| {
            let mut groups = self.groups.iter();
            matches!(code, "" | UNMAPPED) || groups.any(|group| group.code == code)
        };
        let strange = self.stages.iter().filter(|stage| !known(&stage.group));
        let faults = strange.map(|stage| {
            let message = "there is no such group: choose one of the list";
            Fault::new(format!("stage.{}", stage.id), "Group of a stage", message)
        });
        let faults: Vec<_> = faults.collect();
        self.unknown.extend(faults);
    }

    /// Puts stages whose group is gone into none.
    fn adrift(&mut self) {
        let codes: BTreeSet<&str> = self
            .groups
            .iter()
            .map(|group| group.code.as_str())
            .collect();
        for stage in &mut self.stages {
            if !codes.contains(stage.group.as_str()) {
                UNMAPPED.clone_into(&mut stage.group);
            }
        }
    }

    /// Puts each stage of no group where it is suggested with at least `confidence`, from 0 to 1; how many it was.
    pub(super) fn accept(&mut self, suggestions: &[pb::StageSuggestion], confidence: f64) -> usize {
        let sure = |one: &&pb::StageSuggestion| one.confidence >= confidence;
        let adrift: BTreeSet<String> = self
            .within(UNMAPPED)
            .map(|stage| stage.id.clone())
            .collect();
        let free = |one: &&pb::StageSuggestion| adrift.contains(&one.stage_id);
        let chosen = suggestions.iter().filter(sure).filter(free);
        chosen.filter(|one| self.adopt(one)).count()
    }

    /// Puts a stage where it is suggested, behind those that are there; whether there is such a stage and group.
    pub(super) fn adopt(&mut self, suggestion: &pb::StageSuggestion) -> bool {
        let mut groups = self.groups.iter();
        let there = groups.any(|group| group.code == suggestion.product_stage);
        let mut stages = self.stages.iter();
        let place = stages.position(|stage| stage.id == suggestion.stage_id);
        let (true, Some(place)) = (there, place) else {
            return false;
        };
        let mut stage = self.stages.remove(place);
        stage.group.clone_from(&suggestion.product_stage);
        self.stages.push(stage);
        true
    }

    /// The stages of a group, in their order.
    pub(super) fn within<'d>(&'d self, code: &'d str) -> impl Iterator<Item = &'d Placed> {
        self.stages.iter().filter(move |stage| stage.group == code)
    }

    /// The mapping it stands for, for the services to check.
    ///
    /// # Errors
    /// What cannot be read, field by field.
    pub(super) fn mapping(&self, names: &Names<'_>) -> Result<pb::StageMapping, Vec<Fault>> {
        match self.as_far_as_read(names) {
            (mapping, faults) if faults.is_empty() => Ok(mapping),
            (_, faults) => Err(faults),
        }
    }

    /// The mapping without what cannot be read, and that, field by field.
    pub(super) fn as_far_as_read(&self, names: &Names<'_>) -> (pb::StageMapping, Vec<Fault>) {
        let (mut faults, mut twins) = (self.unknown.clone(), Vec::new());
        let mut days = |at: String, name: String, text: &str| match days(text) {
            Ok(days) => days,
            Err(message) => {
                faults.push(Fault::new(at, name, message));
                None
            }
        };
        let mut product_stages = Vec::new();
        let mut labels = BTreeSet::new();
        for group in &self.groups {
            if !labels.insert(group.label.to_lowercase()) {
                twins.push(Fault::new(
                    format!("label.{}", group.code),
                    format!("Group {}", group.called()),
                    "another group has this name: choose one of its own",
                ));
            }
            let at = format!("group_days.{}", group.code);
            product_stages.push(pb::ProductStage {
                code: group.code.clone(),
                label: group.label.clone(),
                kind: group.kind.into(),
                sla_days: days(at, format!("SLA days of {}", group.called()), &group.days),
                stage_ids: self
                    .within(&group.code)
                    .map(|stage| stage.id.clone())
                    .collect(),
            });
        }
        let mut stage_slas = Vec::new();
        for stage in &self.stages {
            let at = format!("stage_days.{}", stage.id);
            let name = format!("SLA days of stage {}", names.stage(&stage.id));
            if let Some(sla_days) = days(at, name, &stage.days) {
                stage_slas.push(pb::StageSla {
                    stage_id: stage.id.clone(),
                    sla_days,
                });
            }
        }
        faults.append(&mut twins);
        let sla = self.clock.settings(&mut faults);
        let mapping = pb::StageMapping {
            etag: self.etag.clone(),
            product_stages,
            stage_slas,
            inbound_stage_ids: self.inbound.iter().cloned().collect(),
            advance_excluded_stage_ids: self.advance_excluded.iter().cloned().collect(),
            reject_excluded_reason_ids: self.reject_excluded.iter().cloned().collect(),
            lever_sends_email: self.lever_sends_email,
            reject_hold_business_days: self.reject_hold_business_days,
            advance_defaults: self.advance_defaults.clone(),
            reject_templates: self.reject_templates.clone(),
            sla: Some(sla),
            ..Default::default()
        };
        (mapping, faults)
    }

    /// What a service found wrong, in the words of the form.
    pub(super) fn faults(&self, refused: &Refused, names: &Names<'_>) -> Vec<Fault> {
        let mut faults: Vec<Fault> = refused
            .fields()
            .into_iter()
            .map(|(field, message)| self.fault(&field, message, names))
            .collect();
        if faults.is_empty() {
            faults.push(Fault::new("", "The service", refused.message()));
        }
        faults
    }

    fn fault(&self, field: &str, message: String, names: &Names<'_>) -> Fault {
        let path = field.strip_prefix("stage_mapping.").unwrap_or(field);
        let (list, rest) = path.split_once('[').unwrap_or((path, ""));
        let (key, within) = rest.split_once(']').unwrap_or((rest, ""));
        let key = key.trim_matches('"');
        let of_stage = |place: &str| {
            let stage = names.stage(key);
            let at = format!("{place}.{key}");
            Fault::new(at, format!("Stage {stage}"), message.clone())
        };
        match list {
            "product_stages" => {
                let group = key
                    .parse()
                    .ok()
                    .and_then(|place: usize| self.groups.get(place));
                let Some(group) = group else {
                    return Fault::new("", "Groups", message);
                };
                let part = match within {
                    ".sla_days" => "group_days",
                    ".kind" => "kind",
                    _ => "label",
                };
                Fault::new(
                    format!("{part}.{}", group.code),
                    format!("Group {}", group.called()),
                    message,
                )
            }
            "stage_slas" => of_stage("stage_days"),
            "inbound_stage_ids" => Fault::new("inbound", "Inbound stages", message),
            "advance_excluded_stage_ids" => {
                Fault::new("advance_excluded", "Excluded when advancing", message)
            }
            "reject_excluded_reason_ids" => {
                Fault::new("reject_excluded", "Excluded when rejecting", message)
            }
            "advance_defaults" | "reject_templates" => Fault::new("", "Inbound settings", message),
            "sla.time_zone" => Fault::new("zone", "Time zone", message),
            "sla.holidays" => Fault::new("holidays", "Holidays", message),
            "sla.at_risk_percent" => Fault::new("at_risk", "At risk", message),
            "sla.working_week" => Fault::new("week", "Working week", message),
            _ => Fault::new("", path, message),
        }
    }
}

/// Days as they are typed; none for an empty field.
fn days(text: &str) -> Result<Option<u32>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    let days = text.parse().ok().filter(|days| *days <= 365);
    days.map(Some)
        .ok_or("give a whole number of days from 0 to 365, or leave it empty for none")
}

fn kind(word: &str) -> Option<pb::ProductStageKind> {
    match word {
        "" => Some(pb::ProductStageKind::Active),
        word => KINDS.into_iter().find(|kind| kind_name(*kind) == word),
    }
}

/// The word for a sort of group.
pub(super) fn kind_name(kind: pb::ProductStageKind) -> String {
    plain(kind.as_str_name(), "PRODUCT_STAGE_KIND")
}

/// A code made of a name.
fn code_of(label: &str) -> String {
    let mut code = String::new();
    for letter in label.chars() {
        match letter.is_ascii_alphanumeric() {
            true => code.push(letter.to_ascii_uppercase()),
            false if !code.is_empty() && !code.ends_with('_') => code.push('_'),
            false => {}
        }
    }
    code.truncate(36);
    match code.trim_end_matches('_') {
        "" => "GROUP".to_owned(),
        code => code.to_owned(),
    }
}

fn set(ids: &[String]) -> BTreeSet<String> {
    ids.iter().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::compare::{Changed, conflicts};
    use crate::console::pages::stages::told::settings;

    fn stage(id: &str, text: &str) -> pb::MappedStage {
        pb::MappedStage {
            stage_id: id.to_owned(),
            text: text.to_owned(),
            ..Default::default()
        }
    }

    fn account() -> Vec<pb::MappedStage> {
        vec![
            stage("s1", "Phone"),
            stage("s2", "On-site"),
            stage("s3", "Chat"),
        ]
    }

    fn saved() -> pb::StageMapping {
        let group = |code: &str, days, ids: &[&str]| pb::ProductStage {
            code: code.to_owned(),
            label: format!("The {code}"),
            kind: pb::ProductStageKind::Active.into(),
            sla_days: days,
            stage_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        };
        pb::StageMapping {
            version: 3,
            etag: "three".to_owned(),
            product_stages: vec![group("A", Some(5), &["s2", "s1"]), group("B", None, &[])],
            stage_slas: vec![pb::StageSla {
                stage_id: "s1".to_owned(),
                sla_days: 0,
            }],
            inbound_stage_ids: vec!["s1".to_owned()],
            sla: Some(pb::SlaSettings {
                unit: pb::DayUnit::Business.into(),
                time_zone: "Europe/Berlin".to_owned(),
                working_week: vec![1, 2],
                holidays: vec!["2026-12-25".to_owned(), "2026-12-26".to_owned()],
                pause_while_snoozed: Some(true),
                clock_scope: pb::ClockScope::Group.into(),
                at_risk_percent: 80,
            }),
            lever_sends_email: true,
            advance_defaults: vec![pb::AdvanceDefault {
                posting_id: "p1".to_owned(),
                stage_id: "s2".to_owned(),
            }],
            reject_templates: vec![pb::RejectTemplate {
                name: "no. fit".to_owned(),
                archive_reason_id: "r1".to_owned(),
            }],
            ..Default::default()
        }
    }

    /// What the board sends without any change.
    const FORM: &str = "etag=three&version=3&stage.s3=UNMAPPED&stage_days.s3=\
        &group=A&label.A=The+A&kind.A=active&group_days.A=5&stage.s2=A&stage_days.s2=&stage.s1=A&stage_days.s1=0\
        &group=B&label.B=The+B&kind.B=active&group_days.B=\
        &inbound=s1&unit=business&scope=group&zone=Europe%2FBerlin&week=monday&week=tuesday\
        &holidays=2026-12-25%0D%0A2026-12-26&pause=on&at_risk=80&lever_sends_email=on&advance_default.p1=s2&reject_template.no.+fit=r1&new_label=&new_kind=active";

    fn read(form: &str) -> Draft {
        Draft::read(&Form::parse(form.as_bytes()))
    }

    fn mapping(draft: &Draft) -> pb::StageMapping {
        draft.mapping(&Names::default()).unwrap()
    }

    #[test]
    fn a_form_that_nobody_changed_is_the_saved_mapping() {
        let without_version = pb::StageMapping {
            version: 0,
            ..saved()
        };
        assert_eq!(mapping(&read(FORM)), without_version);
        let drawn = Draft::of(&saved(), &account());
        assert_eq!(mapping(&drawn), without_version);
        assert_eq!((drawn.version, drawn.stages.len()), (3, 3));
    }

    #[test]
    fn a_stage_in_a_group_that_is_none_is_refused_and_not_taken_out_of_its_own() {
        let draft = read(&FORM.replace("stage.s2=A", "stage.s2=NOPE"));
        let faults = draft.mapping(&Names::default()).unwrap_err();
        let at: Vec<_> = faults.iter().map(|fault| fault.at.as_str()).collect();
        assert_eq!(at, ["stage.s2"]);
    }

    #[test]
    fn days_of_a_new_group_without_a_name_are_refused_and_kept() {
        let draft = read(&FORM.replace("new_label=", "new_label=&new_days=4"));
        let stages = account();
        let faults = draft.mapping(&Names::new(&stages, &[])).unwrap_err();
        assert_eq!(faults[0].at, "new_label");
        assert_eq!(draft.nameless_days, "4");
    }

    #[test]
    fn stages_move_groups_are_added_and_a_removed_one_leaves_its_stages_in_none() {
        let moved = FORM.replace("stage.s3=UNMAPPED", "stage.s3=B");
        let with_new = moved.replace("new_label=", "new_label=Final+%26+more!&new_days=2");
        let mut draft = read(&with_new);
        let last = draft.groups.last().unwrap();
        assert_eq!(
            (last.code.as_str(), last.days.as_str()),
            ("FINAL_MORE", "2")
        );
        draft.shift("FINAL_MORE", false);
        draft.shift("A", false);
        draft.remove("A");
        draft.shift("B", true);
        let mapping = mapping(&draft);
        let groups: Vec<_> = mapping
            .product_stages
            .iter()
            .map(|group| (group.code.as_str(), group.stage_ids.join(",")))
            .collect();
        assert_eq!(
            groups,
            [("FINAL_MORE", String::new()), ("B", "s3".to_owned())]
        );
        assert_eq!(draft.within(UNMAPPED).count(), 2);
    }

    #[test]
    fn a_word_that_no_form_has_is_refused_at_its_field() {
        for (field, word) in [
            ("kind.A", "sideways"),
            ("new_kind", "Active "),
            ("unit", "weeks"),
            ("scope", "moon"),
        ] {
            let form = format!("{FORM}&{field}={word}x");
            let form = match FORM.split_once(&format!("{field}=")) {
                None => form,
                Some((before, after)) => {
                    let rest = after.find('&').map_or("", |end| &after[end..]);
                    format!("{before}{field}={word}x{rest}")
                }
            };
            let faults = read(&form).mapping(&Names::default()).unwrap_err();
            assert_eq!(faults[0].at, field, "{form}");
        }
    }

    #[test]
    fn two_groups_of_one_name_are_refused_at_the_second() {
        let stages = account();
        let mut mapping = saved();
        mapping.product_stages[1].label = "THE A".to_owned();
        let draft = Draft::of(&mapping, &stages);
        let faults = draft.mapping(&Names::new(&stages, &[])).unwrap_err();
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].at, "label.B");
    }

    #[test]
    fn a_new_group_never_takes_the_code_of_another_or_a_reserved_one() {
        for (label, code) in [("a", "A_2"), ("Hired", "HIRED_2"), ("面接", "GROUP")] {
            let mut draft = read(FORM);
            draft.add(label, pb::ProductStageKind::Lead, "");
            assert_eq!(draft.groups.last().unwrap().code, code);
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_by_field_and_stays_as_it_was_typed() {
        let form = FORM
            .replace("stage_days.s1=0", "stage_days.s1=soon")
            .replace("group_days.A=5", "group_days.A=-1")
            .replace("at_risk=80", "at_risk=0")
            .replace("week=monday&week=tuesday", "");
        let draft = read(&form);
        let stages = account();
        let faults = draft.mapping(&Names::new(&stages, &[])).unwrap_err();
        let places: Vec<_> = faults.iter().map(|fault| fault.at.as_str()).collect();
        assert_eq!(places, ["group_days.A", "stage_days.s1", "week", "at_risk"]);
        assert_eq!(faults[1].name, "SLA days of stage Phone");
        assert_eq!(draft.stages[2].days, "soon");
    }

    #[test]
    fn the_service_sees_what_can_be_read_so_that_both_can_tell_what_is_wrong() {
        let form = FORM
            .replace("stage_days.s1=0", "stage_days.s1=soon")
            .replace("holidays=2026-12-25", "holidays=Christmas");
        let stages = account();
        let (mapping, faults) = read(&form).as_far_as_read(&Names::new(&stages, &[]));
        let places: Vec<_> = faults.iter().map(|fault| fault.at.as_str()).collect();
        assert_eq!(places, ["stage_days.s1", "holidays"]);
        assert!(faults[1].message.contains("“Christmas” is no date"));
        assert_eq!(mapping.product_stages.len(), 2);
        assert_eq!(mapping.sla.unwrap_or_default().holidays, ["2026-12-26"]);
        assert!(mapping.stage_slas.iter().all(|sla| sla.stage_id != "s1"));
    }

    #[test]
    fn what_the_service_refuses_is_told_at_the_field_of_the_form() {
        let draft = read(FORM);
        let stages = account();
        let names = Names::new(&stages, &[]);
        let at = |field: &str| draft.fault(field, "bad".to_owned(), &names);
        let label = at("stage_mapping.product_stages[1].label");
        assert_eq!(
            (label.at.as_str(), label.name.as_str()),
            ("label.B", "Group The B")
        );
        assert_eq!(
            at("stage_mapping.product_stages[0].sla_days").at,
            "group_days.A"
        );
        assert_eq!(at("stage_mapping.product_stages[99].code").at, "");
        assert_eq!(at("stage_mapping.stage_slas[\"s1\"]").at, "stage_days.s1");
        assert_eq!(at("stage_mapping.sla.time_zone").at, "zone");
        assert_eq!(at("stage_mapping.sla.holidays[1]").at, "holidays");
        assert_eq!(at("something").name, "something");
    }

    #[test]
    fn only_sure_suggestions_are_accepted_and_only_for_stages_of_no_group() {
        let suggestion = |id: &str, group: &str, confidence| pb::StageSuggestion {
            stage_id: id.to_owned(),
            product_stage: group.to_owned(),
            confidence,
            ..Default::default()
        };
        let suggestions = [
            suggestion("s3", "B", 0.9),
            suggestion("s1", "B", 1.0),
            suggestion("s9", "B", 1.0),
        ];
        let mut draft = read(FORM);
        assert_eq!(draft.accept(&suggestions, 0.95), 0);
        assert_eq!(draft.accept(&suggestions, 0.9), 1);
        let group = |id: &str| {
            let stage = draft.stages.iter().find(|stage| stage.id == id);
            stage.unwrap().group.clone()
        };
        assert_eq!((group("s3"), group("s1")), ("B".to_owned(), "A".to_owned()));
        let mut draft = read(FORM);
        assert_eq!(
            draft.accept(&[suggestion("s3", "HIRED", 1.0)], 0.9),
            0,
            "no such group"
        );
    }

    #[test]
    fn theirs_and_mine_differ_in_the_settings_that_somebody_changed() {
        let (base, mut theirs, mut mine) = (saved(), saved(), saved());
        theirs.product_stages[0].sla_days = Some(1);
        theirs.product_stages[0].stage_ids.pop();
        mine.product_stages[0].sla_days = Some(2);
        mine.inbound_stage_ids.push("s3".to_owned());
        let stages = account();
        let names = Names::new(&stages, &[]);
        let rows = [&base, &theirs, &mine].map(|mapping| settings(mapping, &names));
        let told: Vec<_> = conflicts(&rows[0], &rows[1], &rows[2])
            .iter()
            .map(|row| (row.name.to_owned(), row.changed))
            .collect();
        assert_eq!(
            told,
            [
                ("Group The A".to_owned(), Changed::Both),
                ("Stage Phone".to_owned(), Changed::Theirs),
                ("Inbound stage Chat".to_owned(), Changed::Mine),
            ]
        );
    }
    #[test]
    fn a_posting_is_told_by_its_title_and_one_without_by_its_id() {
        let titles = BTreeMap::from([("p1".to_owned(), "Engineer".to_owned())]);
        let stages = account();
        let names = Names::new(&stages, &[]).with_postings(&titles);
        let default = |posting: &str| pb::AdvanceDefault {
            posting_id: posting.to_owned(),
            stage_id: "s2".to_owned(),
        };
        let mapping = pb::StageMapping {
            advance_defaults: vec![default("p1"), default("p2")],
            ..Default::default()
        };
        let told = settings(&mapping, &names).into_iter();
        let told = told.filter(|setting| setting.value == "On-site");
        let told: Vec<_> = told.map(|setting| setting.name).collect();
        let of = |posting| format!("Suggested when advancing from the posting {posting}");
        assert_eq!(told, [of("Engineer"), of("p2")]);
    }
}
