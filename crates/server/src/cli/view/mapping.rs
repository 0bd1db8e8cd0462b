//! How Lever's stages map onto the product's.

use proto::v1 as pb;

use super::super::output::WIDTH;
use super::table::{Align, Cell, Column, Table};
use super::{BAD, DIM, GOOD, PLAIN, WARN, grouped};

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

/// Lines of a difference between two mappings, indented.
pub(crate) fn diff(lines: &[String]) -> String {
    lines.iter().map(|line| format!("  {line}\n")).collect()
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
