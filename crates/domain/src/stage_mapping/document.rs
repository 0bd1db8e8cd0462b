//! A mapping's settings as a TOML document, for `mapping export`, `diff` and `apply`.
//!
//! The document holds settings only: version, author and time belong to the saved mapping, and the last
//! known texts of stages appear as comments. Unknown keys are errors; all but `product_stages` have defaults.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use lever::{ArchiveReasonId, StageId};
use serde::{Deserialize, Serialize};

use super::{ProductStage, SlaSettings, StageMapping};

const HEADER: &str = "\
# A stage mapping: which Lever stages belong to which product stage, SLA days, inbound rules.
# Stages and archive reasons are given by their Lever id.
# A stage listed nowhere is UNMAPPED; a stage may be listed in one product stage only.
# SLA days are 0 to 365; leave sla_days out for no SLA. [stage_sla_days] wins over the product stage.
";

/// A text that is no mapping document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct DocumentError {
    /// The line the trouble begins in, from 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

/// The order of the fields is the order in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    inbound_stages: BTreeSet<StageId>,
    #[serde(default)]
    advance_excluded_stages: BTreeSet<StageId>,
    #[serde(default)]
    reject_excluded_reasons: BTreeSet<ArchiveReasonId>,
    #[serde(default)]
    sla: SlaSettings,
    #[serde(default)]
    stage_sla_days: BTreeMap<StageId, u16>,
    product_stages: Vec<ProductStage>,
}

/// Writes the settings as a document, with the known texts of the stages as comments on top.
pub fn to_toml(mapping: &StageMapping) -> String {
    let document = Document {
        inbound_stages: mapping.inbound_stages.clone(),
        advance_excluded_stages: mapping.advance_excluded_stages.clone(),
        reject_excluded_reasons: mapping.reject_excluded_reasons.clone(),
        sla: mapping.sla.clone(),
        stage_sla_days: mapping.stage_sla_days.clone(),
        product_stages: mapping.product_stages.clone(),
    };
    let body = toml::to_string_pretty(&document).expect("every field has a TOML form");
    format!("{HEADER}{}\n{body}", known_stages(mapping))
}

/// Comments that name the stages, since ids alone tell a person little.
fn known_stages(mapping: &StageMapping) -> String {
    let mut lines = String::new();
    if !mapping.last_known_text.is_empty() {
        lines.push_str("#\n# Lever stages:\n");
    }
    for (stage, text) in &mapping.last_known_text {
        // Quoting keeps a line break in a name from ending the comment; writing to a String cannot fail.
        let _ = writeln!(lines, "#   {:?}  {text:?}", stage.as_str());
    }
    lines
}

/// Reads a document as a mapping of version 0, without author, time or known texts.
///
/// Only the form is checked; [`StageMapping::validate`] checks the content.
///
/// # Errors
/// [`DocumentError`] with the line, for a text that is no TOML, an unknown key, or a value of the wrong shape.
pub fn from_toml(text: &str) -> Result<StageMapping, DocumentError> {
    let document: Document = toml::from_str(text).map_err(|error| DocumentError {
        line: line_of(text, error.span().map_or(0, |span| span.start)),
        message: error.message().trim_end_matches('.').to_owned(),
    })?;
    Ok(StageMapping {
        version: 0,
        author: String::new(),
        created_at: lever::Timestamp::default(),
        product_stages: document.product_stages,
        stage_sla_days: document.stage_sla_days,
        inbound_stages: document.inbound_stages,
        advance_excluded_stages: document.advance_excluded_stages,
        reject_excluded_reasons: document.reject_excluded_reasons,
        sla: document.sla,
        last_known_text: BTreeMap::new(),
    })
}

fn line_of(text: &str, byte: usize) -> usize {
    let before = text.bytes().take(byte);
    1 + before.filter(|&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{code, initial, stage};
    use super::*;

    fn refused(text: &str) -> DocumentError {
        from_toml(text).unwrap_err()
    }

    #[test]
    fn an_exported_mapping_reads_back_as_the_same_settings() {
        let mut mapping = initial();
        mapping.assign("b4a1-uuid".into(), &code("REVIEW")).unwrap();
        mapping.inbound_stages.insert("b4a1-uuid".into());
        mapping.stage_sla_days.insert("offer".into(), 0);
        mapping.sla.holidays.insert("2026-12-25".parse().unwrap());
        mapping.reject_excluded_reasons.insert("spam".into());
        let expected = StageMapping {
            created_at: lever::Timestamp::default(),
            ..mapping.clone()
        };
        mapping.version = 9;
        mapping.author = "admin".to_owned();
        mapping.refresh_texts(&[stage("b4a1-uuid", "Line\nbreak = 1")]);
        let exported = to_toml(&mapping);
        assert!(
            exported.contains("#   \"b4a1-uuid\"  \"Line\\nbreak = 1\"\n"),
            "{exported}"
        );
        assert!(!exported.contains("admin"));
        assert_eq!(from_toml(&exported), Ok(expected));
    }

    #[test]
    fn the_smallest_document_takes_every_default() {
        let mapping = from_toml("product_stages = []").unwrap();
        assert_eq!(mapping.sla, SlaSettings::default());
        assert!(mapping.inbound_stages.is_empty());
    }

    #[test]
    fn an_empty_file_is_not_an_empty_mapping() {
        assert!(refused("").message.contains("product_stages"));
    }

    #[test]
    fn errors_name_the_line() {
        let cases = [
            ("product_stages = []\nbroken", 2),
            ("product_stages = []\nnonsense = 1", 2),
            ("product_stages = []\n\n[stage_sla_days]\n\"offer\" = -1", 4),
            ("product_stages = []\n[sla]\nholidays = [\"2026-02-30\"]", 3),
            (
                "product_stages = []\n[sla]\nworking_week = [\"someday\"]",
                3,
            ),
            (
                "[[product_stages]]\ncode = \"new lead\"\nlabel = \"x\"\nkind = \"lead\"",
                2,
            ),
        ];
        for (text, line) in cases {
            let error = refused(text);
            assert_eq!(error.line, line, "{text}: {error}");
            assert!(!error.message.is_empty());
        }
    }
}
