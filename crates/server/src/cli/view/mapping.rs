//! How Lever's stages map onto the product's.

use proto::v1 as pb;

use super::super::output::WIDTH;
use super::table::{Align, Cell, Column, Table};
use super::time::ago;
use super::{BAD, DIM, GOOD, PLAIN, WARN, grouped, word};

/// The code of a Lever stage that is in no product stage.
const UNMAPPED: &str = "UNMAPPED";

/// The mapping as it stands, a line for each Lever stage.
pub(crate) fn stages(stages: &[pb::MappedStage]) -> String {
    let mut table = Table::new([
        Column::flexible("LEVER STAGE"),
        Column::flexible("PRODUCT STAGE"),
        Column::fixed("SLA DAYS", Align::Right),
        Column::fixed("INBOUND", Align::Left),
        Column::fixed("OPEN", Align::Right),
    ]);
    for stage in stages {
        table.row([
            lever_stage(stage),
            product_stage(&stage.product_stage),
            Cell::from(
                stage
                    .sla_days
                    .map_or("-".to_owned(), |days| days.to_string()),
            ),
            Cell::from(if stage.inbound { "yes" } else { "" }),
            Cell::from(grouped(stage.active_opportunities)),
        ]);
    }
    table.text(WIDTH)
}

fn lever_stage(stage: &pb::MappedStage) -> Cell {
    let text = if stage.text.is_empty() {
        &stage.stage_id
    } else {
        &stage.text
    };
    if stage.missing {
        Cell::new(BAD, format!("{text} (gone from Lever)"))
    } else {
        Cell::from(text)
    }
}

fn product_stage(code: &str) -> Cell {
    Cell::new(if code == UNMAPPED { WARN } else { PLAIN }, code)
}

/// Suggestions in so many columns, a line for each Lever stage, and the warnings below.
pub(crate) fn suggestions(suggestions: &[pb::StageSuggestion], width: usize) -> String {
    let mut table = Table::new([
        Column::flexible("LEVER STAGE"),
        Column::flexible("PRODUCT STAGE"),
        Column::flexible("RULE"),
        Column::fixed("CONFIDENCE", Align::Right),
    ]);
    for suggestion in suggestions {
        let fired = suggestion.product_stage != UNMAPPED;
        table.row([
            Cell::from(&suggestion.text),
            product_stage(&suggestion.product_stage),
            Cell::new(DIM, &suggestion.rule),
            if fired {
                confidence(suggestion.confidence)
            } else {
                Cell::new(DIM, "-")
            },
        ]);
    }
    let warnings = suggestions
        .iter()
        .filter(|suggestion| !suggestion.warning.is_empty());
    let warnings: String = warnings
        .map(|s| format!("{}: {}\n", s.text, s.warning))
        .collect();
    table.text(width) + &warnings
}

fn confidence(share: f64) -> Cell {
    let style = match share {
        0.9.. => GOOD,
        0.7..0.9 => PLAIN,
        _ => WARN,
    };
    Cell::new(style, format!("{:.0} %", share * 100.0))
}

/// What a mapping would change, and for how many people.
pub(crate) fn preview(preview: &pb::PreviewStageMappingResponse) -> String {
    if preview.differences.is_empty() {
        return "no difference\n".to_owned();
    }
    let mut lines: Vec<_> = preview
        .differences
        .iter()
        .map(|line| format!("  {line}"))
        .collect();
    lines.extend(preview.moves.iter().map(|one| {
        let (from, to) = (&one.from_product_stage, &one.to_product_stage);
        format!("{} from {from} to {to}", people(one.opportunities))
    }));
    lines.extend(preview.sla_changes.iter().map(|change| {
        let (from, to) = (sla_state(change.from_state()), sla_state(change.to_state()));
        format!("{} from SLA {from} to {to}", people(change.opportunities))
    }));
    let inbound = [
        (preview.becoming_inbound, "become inbound applicants"),
        (preview.leaving_inbound, "are inbound applicants no longer"),
    ];
    let inbound = inbound.iter().filter(|(count, _)| *count > 0);
    lines.extend(inbound.map(|(count, what)| format!("{}: {what}", people(*count))));
    lines.join("\n") + "\n"
}

fn people(count: u64) -> String {
    let noun = if count == 1 {
        "candidacy"
    } else {
        "candidacies"
    };
    format!("{} open {noun}", grouped(count))
}

fn sla_state(state: pb::SlaState) -> String {
    word(state.as_str_name(), "SLA_STATE_")
}

/// Versions with what each changed.
pub(crate) fn versions(versions: &[pb::StageMappingVersion], now_ms: i64) -> String {
    let mut text = String::new();
    for version in versions {
        let mapping = version.stage_mapping.clone().unwrap_or_default();
        let by = match mapping.author.as_str() {
            "" => "as shipped".to_owned(),
            author => format!("by {author}"),
        };
        let when = ago(mapping.update_time.as_ref(), now_ms);
        text += &format!("version {}, {when}, {by}\n", mapping.version);
        for line in &version.differences {
            text += &format!("  {line}\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    #[test]
    fn unmapped_and_vanished_stages_stand_out() {
        let stages_of = [
            pb::MappedStage {
                text: "New applicant".to_owned(),
                product_stage: "NEW_APPLICANT".to_owned(),
                sla_days: Some(2),
                inbound: true,
                active_opportunities: 1_204,
                ..Default::default()
            },
            pb::MappedStage {
                text: "Old stage".to_owned(),
                product_stage: UNMAPPED.to_owned(),
                missing: true,
                ..Default::default()
            },
        ];
        assert_eq!(
            plain(&stages(&stages_of)),
            "LEVER STAGE                  PRODUCT STAGE  SLA DAYS  INBOUND   OPEN\n\
             New applicant                NEW_APPLICANT         2  yes      1,204\n\
             Old stage (gone from Lever)  UNMAPPED              -               0\n"
        );
    }

    #[test]
    fn a_preview_tells_settings_first_and_then_people() {
        let told = pb::PreviewStageMappingResponse {
            differences: vec!["inbound stages: + offer".to_owned()],
            opportunities: 9_000,
            moves: vec![pb::StageMove {
                from_product_stage: UNMAPPED.to_owned(),
                to_product_stage: "REVIEW".to_owned(),
                opportunities: 1_204,
            }],
            sla_changes: vec![pb::SlaChange {
                from_state: pb::SlaState::OnTrack.into(),
                to_state: pb::SlaState::AtRisk.into(),
                opportunities: 1,
            }],
            becoming_inbound: 3,
            ..Default::default()
        };
        assert_eq!(
            preview(&told),
            "  inbound stages: + offer\n\
             1,204 open candidacies from UNMAPPED to REVIEW\n\
             1 open candidacy from SLA on track to at risk\n\
             3 open candidacies: become inbound applicants\n"
        );
        assert_eq!(preview(&Default::default()), "no difference\n");
    }

    #[test]
    fn versions_name_who_saved_them() {
        let version = |number, author: &str, seconds| pb::StageMappingVersion {
            stage_mapping: Some(pb::StageMapping {
                version: number,
                author: author.to_owned(),
                update_time: Some(prost_types::Timestamp { seconds, nanos: 0 }),
                ..Default::default()
            }),
            differences: vec!["inbound stages: + offer".to_owned(); number as usize],
        };
        assert_eq!(
            versions(&[version(1, "admin", 3_600), version(0, "", 0)], 7_200_000),
            "version 1, 1 h ago, by admin\n  inbound stages: + offer\nversion 0, 2 h ago, as shipped\n"
        );
    }

    #[test]
    fn suggestions_name_their_rule_and_warnings_follow() {
        let suggestions_of = [
            pb::StageSuggestion {
                text: "HM Review".to_owned(),
                product_stage: "REVIEW".to_owned(),
                rule: "word: review".to_owned(),
                confidence: 0.8,
                ..Default::default()
            },
            pb::StageSuggestion {
                text: "Offer Declined".to_owned(),
                product_stage: UNMAPPED.to_owned(),
                rule: "outcome".to_owned(),
                warning: "Lever records this as an archive reason".to_owned(),
                ..Default::default()
            },
        ];
        assert_eq!(
            plain(&suggestions(&suggestions_of, 80)),
            "LEVER STAGE     PRODUCT STAGE  RULE          CONFIDENCE\n\
             HM Review       REVIEW         word: review        80 %\n\
             Offer Declined  UNMAPPED       outcome                -\n\
             Offer Declined: Lever records this as an archive reason\n"
        );
    }
}
