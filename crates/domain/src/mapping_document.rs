//! The settings of both mappings as one TOML document, for `mapping export`, `diff` and `apply`.
//!
//! The document holds settings only: version, author and time belong to the saved mapping, and the last
//! known texts of stages appear as comments. Unknown keys are errors. A document without `product_stages` leaves the
//! stage mapping alone, one without `fields` the field mapping; one with neither says nothing and is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::LazyLock;

use lever::{ArchiveReasonId, PostingId, StageId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::field_mapping::{FieldMapping, Rule};
use crate::stage_mapping::{ProductStage, SlaSettings, StageMapping};

/// The mappings every connection begins with, documented for people.
const SHIPPED: &str = include_str!("../../../config/mapping.toml");

const HEADER: &str = "\
# The mappings of a connection: which Lever stages belong to which product stage, SLA days, inbound rules;
# and how Lever's records feed the fields of the product.
# Stages and archive reasons are given by their Lever id.
# A stage listed nowhere is UNMAPPED; a stage may be listed in one product stage only.
# SLA days are 0 to 365; leave sla_days out for no SLA. [stage_sla_days] wins over the product stage.
# A field without a path is NA until its derivation is switched on with derived = true.
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

/// What a document says: at least one of the two. As read, each is of version 0, without author, time or known texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingDocument {
    /// The stage mapping; none to leave it alone.
    pub stages: Option<StageMapping>,
    /// The field mapping; none to leave it alone.
    pub fields: Option<FieldMapping>,
}

/// Both mappings as they are shipped.
pub(crate) struct Shipped {
    pub(crate) stages: StageMapping,
    pub(crate) fields: FieldMapping,
}

/// The shipped document, read once: a connection whose mapping nobody has changed asks for it with every answer.
pub(crate) fn shipped() -> &'static Shipped {
    static SHIPPED_ONCE: LazyLock<Shipped> = LazyLock::new(|| {
        let document = from_toml(SHIPPED).expect("the shipped document is read by a test");
        Shipped {
            stages: document
                .stages
                .expect("the shipped document has both mappings"),
            fields: document
                .fields
                .expect("the shipped document has both mappings"),
        }
    });
    &SHIPPED_ONCE
}

/// The order of the fields is the order in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(skip_serializing_if = "Option::is_none")]
    platform_hosts: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inbound_stages: Option<BTreeSet<StageId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advance_excluded_stages: Option<BTreeSet<StageId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reject_excluded_reasons: Option<BTreeSet<ArchiveReasonId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lever_sends_email: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reject_hold_business_days: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sla: Option<SlaSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage_sla_days: Option<BTreeMap<StageId, u16>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advance_defaults: Option<BTreeMap<PostingId, StageId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reject_templates: Option<BTreeMap<String, ArchiveReasonId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product_stages: Option<Vec<ProductStage>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<Vec<Rule>>,
}

/// Writes the settings as a document, with the known texts of the stages as comments on top.
pub fn to_toml(mappings: &MappingDocument) -> String {
    let fields = mappings.fields.as_ref();
    let stages = mappings.stages.as_ref();
    let document = Document {
        platform_hosts: fields.map(|fields| fields.platform_hosts.clone()),
        inbound_stages: stages.map(|stages| stages.inbound_stages.clone()),
        advance_excluded_stages: stages.map(|stages| stages.advance_excluded_stages.clone()),
        reject_excluded_reasons: stages.map(|stages| stages.reject_excluded_reasons.clone()),
        lever_sends_email: stages.map(|stages| stages.lever_sends_email),
        reject_hold_business_days: stages.map(|stages| stages.reject_hold_business_days),
        sla: stages.map(|stages| stages.sla.clone()),
        stage_sla_days: stages.map(|stages| stages.stage_sla_days.clone()),
        advance_defaults: stages.map(|stages| stages.advance_defaults.clone()),
        reject_templates: stages.map(|stages| stages.reject_templates.clone()),
        product_stages: stages.map(|stages| stages.product_stages.clone()),
        fields: fields.map(|fields| fields.rules.clone()),
    };
    let body = toml::to_string_pretty(&document).expect("every field has a TOML form");
    let known = stages.map(known_stages).unwrap_or_default();
    format!("{HEADER}{known}\n{body}")
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

/// Reads a document.
///
/// Only the form is checked; `validate` of either mapping checks the content.
///
/// # Errors
/// [`DocumentError`] with the line, for a text that is no TOML, an unknown key, a value of the wrong shape, and a part
/// of a mapping without its list.
pub fn from_toml(text: &str) -> Result<MappingDocument, DocumentError> {
    let document: Document = toml::from_str(text).map_err(|error| DocumentError {
        line: line_of(text, error.span().map_or(0, |span| span.start)),
        message: error.message().trim_end_matches('.').to_owned(),
    })?;
    let missing = |key: &str| DocumentError {
        line: 1,
        message: format!("missing field `{key}`"),
    };
    let about_stages = document.inbound_stages.is_some()
        || document.advance_excluded_stages.is_some()
        || document.reject_excluded_reasons.is_some()
        || document.lever_sends_email.is_some()
        || document.reject_hold_business_days.is_some()
        || document.sla.is_some()
        || document.stage_sla_days.is_some()
        || document.advance_defaults.is_some()
        || document.reject_templates.is_some();
    let stages = document.product_stages.map(|product_stages| StageMapping {
        version: 0,
        author: String::new(),
        created_at: Timestamp::default(),
        product_stages,
        stage_sla_days: document.stage_sla_days.unwrap_or_default(),
        inbound_stages: document.inbound_stages.unwrap_or_default(),
        advance_excluded_stages: document.advance_excluded_stages.unwrap_or_default(),
        reject_excluded_reasons: document.reject_excluded_reasons.unwrap_or_default(),
        lever_sends_email: document.lever_sends_email.unwrap_or_default(),
        reject_hold_business_days: document.reject_hold_business_days.unwrap_or_default(),
        advance_defaults: document.advance_defaults.unwrap_or_default(),
        reject_templates: document.reject_templates.unwrap_or_default(),
        sla: document.sla.unwrap_or_default(),
        last_known_text: BTreeMap::new(),
        last_known_reason_text: BTreeMap::new(),
    });
    let about_fields = document.platform_hosts.is_some();
    let fields = document.fields.map(|rules| FieldMapping {
        version: 0,
        author: String::new(),
        created_at: Timestamp::default(),
        platform_hosts: document.platform_hosts.unwrap_or_default(),
        rules,
    });
    match (&stages, &fields) {
        (None, None) => Err(missing("product_stages` or `fields")),
        (None, _) if about_stages => Err(missing("product_stages")),
        (_, None) if about_fields => Err(missing("fields")),
        _ => Ok(MappingDocument { stages, fields }),
    }
}

fn line_of(text: &str, byte: usize) -> usize {
    let before = text.bytes().take(byte);
    1 + before.filter(|&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field_mapping::Direction;
    use crate::stage_mapping::tests::{code, initial, stage};

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
        mapping.lever_sends_email = true;
        mapping.advance_defaults.insert("p".into(), "offer".into());
        let name = "not a \"fit\"".to_owned();
        mapping.reject_templates.insert(name, "fit".into());
        let expected = StageMapping {
            created_at: lever::Timestamp::default(),
            ..mapping.clone()
        };
        mapping.version = 9;
        mapping.author = "admin".to_owned();
        mapping.refresh_texts(&[stage("b4a1-uuid", "Line\nbreak = 1")]);
        let mut fields = FieldMapping::initial(Timestamp::default());
        fields.rules[0].direction = Direction::Import;
        fields.platform_hosts = vec!["app.example.com".to_owned()];
        let exported = to_toml(&MappingDocument {
            stages: Some(mapping),
            fields: Some(fields.clone()),
        });
        assert!(
            exported.contains("#   \"b4a1-uuid\"  \"Line\\nbreak = 1\"\n"),
            "{exported}"
        );
        assert!(!exported.contains("admin"));
        let read = from_toml(&exported).unwrap();
        assert_eq!((read.stages, read.fields), (Some(expected), Some(fields)));
    }

    #[test]
    fn the_smallest_document_takes_every_default() {
        let document = from_toml("product_stages = []").unwrap();
        assert_eq!(document.fields, None);
        let mapping = document.stages.unwrap();
        assert_eq!(mapping.sla, SlaSettings::default());
        assert!(mapping.inbound_stages.is_empty());
    }

    #[test]
    fn what_a_document_leaves_out_is_left_alone_and_nothing_half_is_taken() {
        let fields = from_toml("fields = []").unwrap();
        assert_eq!(
            (fields.stages, fields.fields.map(|one| one.rules)),
            (None, Some(Vec::new()))
        );
        for (text, missing) in [
            ("", "`product_stages` or `fields`"),
            ("fields = []\ninbound_stages = []", "`product_stages`"),
            ("product_stages = []\nplatform_hosts = []", "`fields`"),
        ] {
            assert!(refused(text).message.contains(missing), "{text}");
        }
    }

    #[test]
    fn a_text_that_is_no_path_is_refused_with_the_nearest_ones() {
        let text = "[[fields]]\nfield = \"NAME\"\npath = \"opportunities/name\"";
        let refused = refused(text);
        assert_eq!(refused.line, 3);
        let near = "; nearest: opportunities.name, ";
        assert!(refused.message.contains(near), "{}", refused.message);
    }

    #[test]
    fn the_shipped_document_has_both_mappings() {
        let shipped = shipped();
        assert!(!shipped.stages.product_stages.is_empty());
        assert_eq!(shipped.fields.rules.len(), 14);
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
            ("[[fields]]\nfield = \"X\"\npath = \"nowhere.at.all\"", 3),
            ("[[fields]]\nfield = \"not a code\"", 2),
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
