//! Every row and edge case of product.md 5.1, in both directions.

mod import;
mod lists;
mod resumes;
mod way_back;

use serde_json::Value;

use super::*;
use crate::Stream;

pub(super) fn initial() -> FieldMapping {
    FieldMapping::initial(Timestamp::from_millis(7))
}

pub(super) fn code(text: &str) -> FieldCode {
    FieldCode::parse(text).unwrap()
}

#[track_caller]
pub(super) fn rule_mut<'m>(mapping: &'m mut FieldMapping, field: &str) -> &'m mut Rule {
    let mut rules = mapping.rules.iter_mut();
    rules.find(|rule| rule.field == code(field)).unwrap()
}

/// The shipped mapping with every derivation switched on.
pub(super) fn derived() -> FieldMapping {
    let mut mapping = initial();
    for rule in &mut mapping.rules {
        rule.derived = rule.derivation.is_some();
    }
    mapping
}

/// Records from documents by stream; what is below a person belongs to opportunity `o` unless it says otherwise.
pub(super) fn records(scope: Scope, documents: &[(Stream, Value)]) -> Records {
    let record = |(stream, document): &(Stream, Value)| {
        let opportunity = document
            .get("opportunityId")
            .and_then(Value::as_str)
            .unwrap_or("o");
        let below = stream.parent() == Some(Stream::Opportunities) && *stream != Stream::Contacts;
        let id = document["id"].as_str().unwrap();
        Record::read(
            *stream,
            id,
            below.then_some(opportunity),
            &document.to_string(),
        )
        .unwrap()
    };
    Records::new(scope, documents.iter().map(record).collect())
}

/// One field of one person.
#[track_caller]
pub(super) fn field(mapping: &FieldMapping, records: &Records, of: &str) -> Field {
    let fields = mapping.evaluate(records);
    fields
        .into_iter()
        .find(|field| field.code == code(of))
        .unwrap()
}

/// The texts of a field.
pub(super) fn texts(field: &Field) -> Vec<&str> {
    field
        .values
        .iter()
        .filter_map(|value| value.content.as_text())
        .collect()
}
