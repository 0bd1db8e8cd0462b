//! What saving a stage mapping would change.

use maud::{Markup, html};
use proto::v1 as pb;

use super::draft::{Group, UNMAPPED};
use crate::console::fault::Fault;
use crate::console::refusal::sentence;
use crate::console::words::{count, number, plain};

const TITLE: &str = "Effect of this change";

/// Before anybody asked.
pub(super) fn unknown() -> Markup {
    html! {
        h2 { (TITLE) }
        p.faint { "Change something, then Preview tells whom it moves; nothing is saved by that." }
    }
}

/// A mapping that could not be saved.
pub(super) fn refused(faults: &[Fault]) -> Markup {
    html! {
        h2 { (TITLE) }
        p { "This cannot be saved yet:" }
        ul { @for fault in faults { li { (fault.name) ": " (sentence(&fault.message)) } } }
    }
}

/// What would change; `groups` have the names of the groups, and `differs` says which settings do.
pub(super) fn shown(
    preview: &pb::PreviewStageMappingResponse,
    groups: &[Group],
    differs: &Markup,
) -> Markup {
    let moved: u64 = preview.moves.iter().map(|row| row.opportunities).sum();
    let timed: u64 = preview
        .sla_changes
        .iter()
        .map(|row| row.opportunities)
        .sum();
    let unmapped: Vec<&pb::MappedStage> = preview
        .stages
        .iter()
        .filter(|stage| stage.product_stage == UNMAPPED && !stage.missing)
        .collect();
    let adrift: u64 = unmapped
        .iter()
        .map(|stage| stage.active_opportunities)
        .sum();
    let state = |state: pb::SlaState| plain(state.as_str_name(), "SLA_STATE");
    html! {
        h2 { (TITLE) }
        @if preview.differences.is_empty() { p { "Nothing: this is what is saved." } }
        @else {
            p.faint { "Of " (count(preview.opportunities, "open candidacy", "open candidacies")) ", at this moment:" }
            p { strong { (number(moved)) } " change their group" }
            @if moved > 0 {
                ul { @for row in &preview.moves { li { (called(groups, &row.from_product_stage)) " → " (called(groups, &row.to_product_stage)) ": " (number(row.opportunities)) } } }
            }
            p { strong { (number(timed)) } " change their SLA state" }
            @if timed > 0 {
                ul { @for row in &preview.sla_changes { li { (state(row.from_state())) " → " (state(row.to_state())) ": " (number(row.opportunities)) } } }
            }
            @if preview.becoming_inbound > 0 { p { strong { (number(preview.becoming_inbound)) } " become inbound applicants" } }
            @if preview.leaving_inbound > 0 { p { strong { (number(preview.leaving_inbound)) } " are inbound applicants no longer" } }
        }
        @if unmapped.is_empty() { p { span.badge.good { "every stage is mapped" } } }
        @else {
            p { span.badge.warn { (count(unmapped.len() as u64, "stage", "stages")) " unmapped" } " with " (number(adrift)) " open" }
        }
        @if !preview.differences.is_empty() { (differs) }
    }
}

/// The name of a group; its code where it was taken away.
fn called<'g>(groups: &'g [Group], code: &'g str) -> &'g str {
    if code == UNMAPPED {
        return "Unmapped";
    }
    let group = groups.iter().find(|group| group.code == code);
    group.map_or(code, |group| &group.label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effect_tells_whom_it_moves_and_what_stays_unmapped() {
        let stage = |code: &str, missing| pb::MappedStage {
            product_stage: code.to_owned(),
            active_opportunities: 7,
            missing,
            ..Default::default()
        };
        let groups = [Group {
            code: "INTERVIEW".to_owned(),
            label: "The interview".to_owned(),
            ..Group::default()
        }];
        let mut preview = pb::PreviewStageMappingResponse {
            differences: vec!["stage \"Chat\": UNMAPPED -> INTERVIEW".to_owned()],
            opportunities: 2000,
            moves: vec![pb::StageMove {
                from_product_stage: UNMAPPED.to_owned(),
                to_product_stage: "INTERVIEW".to_owned(),
                opportunities: 12,
            }],
            sla_changes: vec![pb::SlaChange {
                from_state: pb::SlaState::None.into(),
                to_state: pb::SlaState::AtRisk.into(),
                opportunities: 3,
            }],
            becoming_inbound: 0,
            leaving_inbound: 2,
            stages: vec![
                stage(UNMAPPED, false),
                stage(UNMAPPED, true),
                stage("OFFER", false),
            ],
        };
        let text = shown(&preview, &groups, &html! { "what differs" }).into_string();
        for part in [
            "2,000 open candidacies",
            "<strong>12</strong> change their group",
            "Unmapped → The interview: 12",
            "none → at risk: 3",
            "<strong>2</strong> are inbound applicants no longer",
            "1 stage unmapped",
            "what differs",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("become inbound"));
        preview.differences.clear();
        preview.stages.clear();
        let text = shown(&preview, &groups, &html! { "what differs" }).into_string();
        assert!(
            text.contains("Nothing: this is what is saved.")
                && !text.contains("what differs")
                && text.contains("every stage is mapped")
        );
    }
}
