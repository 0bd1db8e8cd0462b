//! How Lever's stages and records map onto the product's.

use proto::v1 as pb;

use super::super::output::WIDTH;
use super::table::{Align, Cell, Column, Table};
use super::time::ago;
use super::{BAD, DIM, GOOD, PLAIN, WARN, grouped, styled, word};

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

/// The ids of Lever's stages, a line for each.
pub(crate) fn stage_ids(stages: &[pb::MappedStage]) -> String {
    let mut table = Table::new([
        Column::fixed("LEVER ID", Align::Left),
        Column::flexible("LEVER STAGE"),
        Column::flexible("PRODUCT STAGE"),
    ]);
    for stage in stages {
        table.row([
            Cell::from(&stage.stage_id),
            lever_stage(stage),
            product_stage(&stage.product_stage),
        ]);
    }
    table.text(WIDTH)
}

/// What Lever has changed since the mapping was saved, a line each.
pub(crate) fn notices(notices: &[pb::MappingNotice]) -> String {
    let lines = notices.iter().map(|notice| {
        let hint = notice.suggestion.as_ref().map(|suggestion| {
            let (code, rule) = (&suggestion.product_stage, &suggestion.rule);
            format!(" (probably {code}, {rule})")
        });
        let text = format!("{}{}", notice.message, hint.unwrap_or_default());
        format!("{}\n", Cell::new(WARN, text).styled())
    });
    lines.collect()
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

/// What saving would change: of each mapping that is spoken of.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// Of the stage mapping.
    pub(crate) stages: Option<pb::PreviewStageMappingResponse>,
    /// Of the field mapping.
    pub(crate) fields: Option<pb::PreviewFieldMappingResponse>,
}

/// Which of the two mappings differ.
pub(crate) struct Differ {
    pub(crate) stages: bool,
    pub(crate) fields: bool,
}

impl Wanted {
    /// Differences of one mapping alone.
    pub(crate) fn of(fields: bool, differences: Vec<String>) -> Wanted {
        match fields {
            true => Wanted {
                stages: None,
                fields: Some(pb::PreviewFieldMappingResponse {
                    differences,
                    ..Default::default()
                }),
            },
            false => Wanted {
                stages: Some(pb::PreviewStageMappingResponse {
                    differences,
                    ..Default::default()
                }),
                fields: None,
            },
        }
    }

    fn lines(&self) -> (&[String], &[String]) {
        let stages = self.stages.as_ref().map(|one| one.differences.as_slice());
        let fields = self.fields.as_ref().map(|one| one.differences.as_slice());
        (stages.unwrap_or_default(), fields.unwrap_or_default())
    }

    /// Which mappings would change.
    pub(crate) fn differ(&self) -> Differ {
        let (stages, fields) = self.lines();
        Differ {
            stages: !stages.is_empty(),
            fields: !fields.is_empty(),
        }
    }

    /// How many settings would change.
    pub(crate) fn changes(&self) -> usize {
        let (stages, fields) = self.lines();
        stages.len() + fields.len()
    }
}

/// The versions that the mappings spoken of are at.
#[derive(Debug, Default)]
pub(crate) struct Saved {
    /// Of the stage mapping.
    pub(crate) stages: Option<pb::StageMapping>,
    /// Of the field mapping.
    pub(crate) fields: Option<pb::FieldMapping>,
}

/// A line for each mapping spoken of.
pub(crate) fn saved(saved: &Saved) -> String {
    let line = |what: &str, version: u64| format!("the {what} mapping is at version {version}\n");
    let stages = saved.stages.as_ref().map(|one| line("stage", one.version));
    let fields = saved.fields.as_ref().map(|one| line("field", one.version));
    stages.unwrap_or_default() + &fields.unwrap_or_default()
}

/// What saving would change, and for how many people.
pub(crate) fn preview(wanted: &Wanted) -> String {
    if wanted.changes() == 0 {
        return "no difference\n".to_owned();
    }
    let (_stages, fields) = wanted.lines();
    let stages = wanted.stages.as_ref().map(of_stages).unwrap_or_default();
    let fields = fields.iter().map(|line| format!("  {line}"));
    stages
        .into_iter()
        .chain(fields)
        .collect::<Vec<_>>()
        .join("\n")
        + "\n"
}

/// What the stage mapping would change: settings first, and then people.
fn of_stages(preview: &pb::PreviewStageMappingResponse) -> Vec<String> {
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
    lines
}

/// The rules of the field mapping in so many columns, a line each.
pub(crate) fn rules(rules: &[pb::FieldRule], width: usize) -> String {
    let mut table = Table::new([
        Column::flexible("FIELD"),
        Column::flexible("LEVER"),
        Column::fixed("DIRECTION", Align::Left),
        Column::fixed("POLICY", Align::Left),
    ]);
    for rule in rules {
        table.row([
            Cell::from(&rule.field),
            lever_source(rule),
            Cell::from(word(rule.direction().as_str_name(), "FIELD_DIRECTION_")),
            Cell::from(word(rule.policy().as_str_name(), "FIELD_POLICY_")),
        ]);
    }
    table.text(width)
}

fn lever_source(rule: &pb::FieldRule) -> Cell {
    let derivation = word(rule.derivation().as_str_name(), "FIELD_DERIVATION_");
    match (rule.derived, rule.link()) {
        _ if rule.not_available => Cell::new(DIM, "NA"),
        (true, _) => Cell::from(format!("derived: {derivation}")),
        (false, pb::FieldLink::Unspecified) => Cell::from(&rule.path),
        (false, link) => {
            let link = word(link.as_str_name(), "FIELD_LINK_");
            Cell::from(format!("{}: {link}", rule.path))
        }
    }
}

/// Paths with what stands there, a line each. A path is never cut: it is there to be copied.
pub(crate) fn source_fields(fields: &[pb::SourceField]) -> String {
    let mut text = String::new();
    for field in fields {
        let kind = word(field.kind().as_str_name(), "SOURCE_FIELD_KIND_");
        let kept = if field.kept { "" } else { ", not kept" };
        // Nothing in a path drives the terminal: titles with control characters have none.
        let path = &field.path;
        text += &format!("{path}  {}\n", styled(DIM, &format!("{kind}{kept}")));
    }
    text
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

/// A version of whichever mapping.
pub(crate) trait Version {
    /// Number, author, and when it was saved.
    fn stamp(&self) -> (u64, &str, Option<&prost_types::Timestamp>);
    /// What it changed.
    fn differences(&self) -> &[String];
}

/// Both kinds of versions have the same parts.
macro_rules! version {
    ($version:ident, $mapping:ident) => {
        impl Version for pb::$version {
            fn stamp(&self) -> (u64, &str, Option<&prost_types::Timestamp>) {
                let mapping = self.$mapping.as_ref();
                mapping.map_or((0, "", None), |one| {
                    (one.version, one.author.as_str(), one.update_time.as_ref())
                })
            }

            fn differences(&self) -> &[String] {
                &self.differences
            }
        }
    };
}

version! { StageMappingVersion, stage_mapping }
version! { FieldMappingVersion, field_mapping }

/// Versions with what each changed.
pub(crate) fn versions<V: Version>(versions: &[V], now_ms: i64) -> String {
    let mut text = String::new();
    for version in versions {
        let (number, author, at) = version.stamp();
        let by = match author {
            "" => "as shipped".to_owned(),
            author => format!("by {author}"),
        };
        text += &format!("version {number}, {}, {by}\n", ago(at, now_ms));
        for line in version.differences() {
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
        let stages = Wanted {
            stages: Some(told),
            fields: None,
        };
        assert_eq!(
            preview(&stages),
            "  inbound stages: + offer\n\
             1,204 open candidacies from UNMAPPED to REVIEW\n\
             1 open candidacy from SLA on track to at risk\n\
             3 open candidacies: become inbound applicants\n"
        );
        let two = Wanted {
            fields: Wanted::of(true, vec!["field TAGS: removed".to_owned()]).fields,
            ..Wanted::of(false, vec!["inbound stages: + offer".to_owned()])
        };
        assert_eq!(
            preview(&two),
            "  inbound stages: + offer\n  field TAGS: removed\n"
        );
        assert_eq!(two.changes(), 2);
        let one = Wanted::of(true, vec!["field TAGS: removed".to_owned()]).differ();
        assert!(one.fields && !one.stages);
        assert_eq!(preview(&Default::default()), "no difference\n");
    }

    #[test]
    fn rules_tell_what_is_in_force() {
        use pb::{FieldDerivation, FieldDirection, FieldLink, FieldPolicy};
        let rule = |field: &str, path: &str, direction: FieldDirection| pb::FieldRule {
            field: field.to_owned(),
            path: path.to_owned(),
            direction: direction.into(),
            policy: FieldPolicy::FillIfBlank.into(),
            ..Default::default()
        };
        let rules_of = [
            rule("NAME", "opportunities.name", FieldDirection::Both),
            pb::FieldRule {
                link: FieldLink::Github.into(),
                policy: FieldPolicy::Never.into(),
                ..rule("GITHUB_URL", "opportunities.links", FieldDirection::Export)
            },
            pb::FieldRule {
                derivation: FieldDerivation::WorkExperience.into(),
                derived: true,
                ..rule("WORK_EXPERIENCE", "", FieldDirection::Import)
            },
            pb::FieldRule {
                not_available: true,
                ..rule("COMPANY", "", FieldDirection::Both)
            },
        ];
        assert_eq!(
            plain(&rules(&rules_of, 80)),
            "FIELD            LEVER                        DIRECTION  POLICY\n\
             NAME             opportunities.name           both       fill if blank\n\
             GITHUB_URL       opportunities.links: github  export     never\n\
             WORK_EXPERIENCE  derived: work experience     import     fill if blank\n\
             COMPANY          NA                           both       fill if blank\n"
        );
    }

    #[test]
    fn paths_are_told_whole() {
        let field = |path: &str, kind: pb::SourceFieldKind, kept| pb::SourceField {
            path: path.to_owned(),
            kind: kind.into(),
            kept,
            ..Default::default()
        };
        let long = format!("forms.fields[\"{}\"]", "x".repeat(100));
        let fields = [
            field("contacts.name", pb::SourceFieldKind::Text, true),
            field(&long, pb::SourceFieldKind::Answer, false),
        ];
        let shown = plain(&source_fields(&fields));
        assert_eq!(
            shown,
            format!("contacts.name  text\n{long}  answer, not kept\n")
        );
    }

    #[test]
    fn what_was_saved_is_told_for_each_mapping() {
        let stages = pb::StageMapping {
            version: 3,
            ..Default::default()
        };
        let told = saved(&Saved {
            stages: Some(stages),
            fields: Some(Default::default()),
        });
        assert_eq!(
            told,
            "the stage mapping is at version 3\nthe field mapping is at version 0\n"
        );
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
