//! What stands under the board: groups to add, the rules of the inbound list, how SLA days are counted.

use std::collections::BTreeSet;

use maud::{Markup, html};
use proto::v1 as pb;

use super::board::{View, of_all};
use super::clock::{WEEK, day_name};
use super::draft::{KINDS, kind_name};
use crate::console::fault;
use crate::console::words::plain;

/// The fields.
pub(super) fn form(view: &View<'_>) -> Markup {
    let (draft, faults) = (view.draft, view.faults);
    html! {
        section.panel {
            h2 { "New group" }
            div.row {
                label { "Name" input id="new_label" name="new_label" maxlength="100" autocomplete="off" aria-invalid=[fault::invalid(faults, "new_label")] aria-describedby=[fault::described(faults, "new_label")]; }
                label { "Kind" select name="new_kind" { @for kind in KINDS { @let word = kind_name(kind); option value=(word) selected[kind == pb::ProductStageKind::Active] { (word) } } } }
                label { "SLA days" input name="new_days" inputmode="numeric" size="5" placeholder="none" value=(draft.nameless_days) autocomplete="off"; }
                button type="submit" name="act" value="add" { "Add" }
            }
            (fault::beside(faults, "new_label"))
        }
        section.panel {
            h2 { "Inbound list" }
            div.picks {
                (picked(view, "inbound", "Inbound stages", "whose people are listed as applicants", &stages(view), &draft.inbound))
                (picked(view, "advance_excluded", "Excluded when advancing", "nobody is moved there", &stages(view), &draft.advance_excluded))
                (picked(view, "reject_excluded", "Excluded when rejecting", "the hired reason and inactive ones never count", &reasons(view), &draft.reject_excluded))
            }
            input type="hidden" name="reject_hold" value=(draft.reject_hold_business_days);
            @for one in &draft.advance_defaults { input type="hidden" name={ "advance_default." (one.posting_id) } value=(one.stage_id); }
            @for one in &draft.reject_templates { input type="hidden" name={ "reject_template." (one.name) } value=(one.archive_reason_id); }
            label.check { input type="checkbox" name="lever_sends_email" checked[draft.lever_sends_email]; "Lever itself writes to people it archives, so the product does not" }
        }
        section.panel { h2 { "How SLA days are counted" } (clock(view)) }
    }
}

fn clock(view: &View<'_>) -> Markup {
    let (clock, faults) = (&view.draft.clock, view.faults);
    html! {
        div.fieldgrid {
            label { "Days are"
                select name="unit" {
                    option value="business" selected[clock.unit != pb::DayUnit::Calendar] { "business days" }
                    option value="calendar" selected[clock.unit == pb::DayUnit::Calendar] { "calendar days" }
                }
            }
            label { "The clock starts"
                select name="scope" {
                    option value="stage" selected[clock.scope != pb::ClockScope::Group] { "with each Lever stage" }
                    option value="group" selected[clock.scope == pb::ClockScope::Group] { "with each group" }
                }
            }
            label { "Time zone"
                input id="zone" name="zone" value=(clock.zone) list="zones" placeholder="UTC" autocomplete="off" spellcheck="false"
                    aria-invalid=[fault::invalid(faults, "zone")] aria-describedby=[fault::described(faults, "zone")];
                datalist id="zones" {}
                (fault::beside(faults, "zone"))
            }
            label { "At risk from, in percent of the time"
                input id="at_risk" name="at_risk" value=(clock.at_risk) inputmode="numeric" autocomplete="off"
                    aria-invalid=[fault::invalid(faults, "at_risk")] aria-describedby=[fault::described(faults, "at_risk")];
                (fault::beside(faults, "at_risk"))
            }
            label { "Holidays, one date a line such as 2026-12-25"
                textarea id="holidays" name="holidays" rows="3" spellcheck="false"
                    aria-invalid=[fault::invalid(faults, "holidays")] aria-describedby=[fault::described(faults, "holidays")] { (clock.holidays) }
                (fault::beside(faults, "holidays"))
            }
            fieldset id="week" aria-describedby=[fault::described(faults, "week")] {
                legend { "Working week" }
                div.row {
                    @for day in WEEK {
                        @let name = day_name(day);
                        label.check { input type="checkbox" name="week" value=(name) checked[clock.week.contains(&day)]; (name) }
                    }
                }
                (fault::beside(faults, "week"))
            }
        }
        label.check { input type="checkbox" name="pause" checked[clock.pause]; "The clock pauses while a person is snoozed" }
    }
}

/// What can be chosen: id and text.
type Choices<'a> = Vec<(&'a str, &'a str)>;

fn stages<'a>(view: &'a View<'_>) -> Choices<'a> {
    let stages = view.draft.stages.iter();
    let place = |id: &str| view.stages.iter().position(|stage| stage.stage_id == id);
    let mut choices: Choices<'a> = stages
        .map(|stage| (stage.id.as_str(), view.names.stage(&stage.id)))
        .collect();
    choices.sort_by_key(|(id, _)| place(id).unwrap_or(usize::MAX));
    choices
}

/// Those that people can be rejected with, and those that are excluded already.
fn reasons<'a>(view: &'a View<'_>) -> Choices<'a> {
    let excluded = &view.draft.reject_excluded;
    let usable =
        |reason: &pb::ArchiveReason| reason.r#type != "hired" && reason.status != "inactive";
    let listed = view
        .reasons
        .iter()
        .filter(|reason| usable(reason) || excluded.contains(&reason.id));
    let mut choices: Choices<'a> = listed
        .map(|reason| (reason.id.as_str(), reason.text.as_str()))
        .collect();
    let gone = |id: &&String| !view.reasons.iter().any(|reason| reason.id == **id);
    choices.extend(
        excluded
            .iter()
            .filter(gone)
            .map(|id| (id.as_str(), id.as_str())),
    );
    choices
}

fn picked(
    view: &View<'_>,
    name: &str,
    label: &str,
    hint: &str,
    choices: &[(&str, &str)],
    chosen: &BTreeSet<String>,
) -> Markup {
    let bad = fault::is_wrong(view.faults, name);
    html! {
        details.pick id=(name) open[bad] {
            summary { strong { (label) } " " span.faint { (of_all(chosen.len(), choices.len(), ("choice", "choices"))) } }
            fieldset {
                legend.faint { (hint) }
                @for (id, text) in choices {
                    label.check { input type="checkbox" name=(name) value=(id) checked[chosen.contains(*id)]; (text) }
                }
                @if choices.is_empty() { p.faint { "Lever lists none yet." } }
            }
            (fault::beside(view.faults, name))
        }
    }
}

/// The same for whoever may not change it.
pub(super) fn shown(view: &View<'_>) -> Markup {
    let (draft, clock) = (view.draft, &view.draft.clock);
    let texts = |ids: &BTreeSet<String>, reasons: bool| {
        let texts = ids.iter().map(|id| match reasons {
            true => view.names.reason(id),
            false => view.names.stage(id),
        });
        let texts: Vec<&str> = texts.collect();
        if texts.is_empty() {
            "none".to_owned()
        } else {
            texts.join(", ")
        }
    };
    let week: Vec<String> = clock.week.iter().map(|day| day_name(*day)).collect();
    let holidays = clock.holidays.replace('\n', ", ");
    html! {
        section.panel {
            h2 { "Rules" }
            dl {
                dt { "Inbound stages" } dd { (texts(&draft.inbound, false)) }
                dt { "Excluded when advancing" } dd { (texts(&draft.advance_excluded, false)) }
                dt { "Excluded when rejecting" } dd { (texts(&draft.reject_excluded, true)) }
                dt { "Who writes to rejected people" } dd { @if draft.lever_sends_email { "Lever" } @else { "the product" } }
                dt { "Business days before a rejection is sent" } dd { (draft.reject_hold_business_days) }
                dt { "Days" } dd { (plain(clock.unit.as_str_name(), "DAY_UNIT")) }
                dt { "The clock starts" } dd { "with each " (plain(clock.scope.as_str_name(), "CLOCK_SCOPE")) }
                dt { "Time zone" } dd { (clock.zone) }
                dt { "Working week" } dd { (week.join(", ")) }
                dt { "Holidays" } dd { @if holidays.is_empty() { "none" } @else { (holidays) } }
                dt { "Pauses while snoozed" } dd { @if clock.pause { "yes" } @else { "no" } }
                dt { "At risk from" } dd { (clock.at_risk) " % of the time" }
            }
        }
    }
}
