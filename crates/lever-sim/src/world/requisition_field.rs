//! The custom fields of requisitions.

use serde_json::{Value, json};

/// A custom field. Fixtures `requisition-fields.list.json`, `requisition-field.object.json`, `requisition-field.dropdown.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequisitionField {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) required: bool,
    pub(crate) kind: FieldKind,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FieldKind {
    Number,
    Text,
    Date,
    Dropdown(Vec<FieldOption>),
    Object(Vec<Subfield>),
}

/// A choice of a dropdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldOption {
    pub(crate) id: String,
    pub(crate) text: String,
}

/// A part of an object: one level deep, and plain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subfield {
    pub(crate) id: String,
    pub(crate) text: String,
    /// `number`, `text` or `date`.
    pub(crate) kind: &'static str,
}

impl FieldKind {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            FieldKind::Number => "number",
            FieldKind::Text => "text",
            FieldKind::Date => "date",
            FieldKind::Dropdown(_) => "dropdown",
            FieldKind::Object(_) => "object",
        }
    }

    /// Whether a requisition may hold this value.
    pub(crate) fn fits(&self, value: &Value) -> bool {
        match self {
            FieldKind::Dropdown(options) => options.iter().any(|it| *value == it.text),
            FieldKind::Object(subfields) => value.as_object().is_some_and(|parts| {
                parts.iter().all(|(id, part)| {
                    let known = subfields.iter().find(|subfield| subfield.id == *id);
                    known.is_some_and(|subfield| plain_fits(subfield.kind, part))
                })
            }),
            plain => plain_fits(plain.name(), value),
        }
    }
}

fn plain_fits(kind: &str, value: &Value) -> bool {
    match kind {
        "text" => value.is_string(),
        "date" => value.is_i64(),
        _ => value.is_number(),
    }
}

impl FieldOption {
    pub(crate) fn json(&self) -> Value {
        json!({ "id": self.id, "text": self.text })
    }
}

impl RequisitionField {
    pub(crate) fn json(&self) -> Value {
        let mut json = json!({
            "id": self.id,
            "text": self.text,
            "type": self.kind.name(),
            "isRequired": self.required,
        });
        match &self.kind {
            FieldKind::Dropdown(options) => {
                json["options"] = options.iter().map(FieldOption::json).collect();
            }
            FieldKind::Object(subfields) => {
                let part = |it: &Subfield| json!({ "id": it.id, "text": it.text, "type": it.kind });
                json["subfields"] = subfields.iter().map(part).collect();
            }
            FieldKind::Number | FieldKind::Text | FieldKind::Date => {}
        }
        json
    }
}
