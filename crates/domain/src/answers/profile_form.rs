//! Filling in a profile form.

use lever::{FormField, FormTemplate};
use serde_json::Value;

use super::{Answer, Question, filled};
use crate::Violation;

/// A value for every field of the template, in its order: null where nothing is filled in.
///
/// # Errors
/// Each value that fits no field, or not its field, as `values[index]`; each required field left open, as `values`.
pub fn form_values(
    template: &FormTemplate,
    answers: &[Answer],
) -> Result<Vec<Value>, Vec<Violation>> {
    let questions: Vec<_> = template.fields.iter().map(question).collect();
    filled("values", &questions, answers)
}

fn question(field: &FormField) -> Question<'_> {
    Question {
        id: field.id.as_deref().unwrap_or_default(),
        text: field.text.as_deref().unwrap_or_default(),
        kind: &field.kind,
        required: field.required,
        options: &field.options,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template() -> FormTemplate {
        serde_json::from_value(json!({"id": "t", "text": "Offer", "fields": [
            {"id": "f1", "type": "currency", "text": "Pay", "currency": "USD", "required": true},
            {"id": "f2", "type": "yes-no", "text": "Relocating?"},
            {"id": "f3", "type": "text", "text": "Notes"},
            {"id": "f4", "type": "text", "text": "Notes"}
        ]}))
        .unwrap()
    }

    fn fill(answers: Value) -> Result<Vec<Value>, Vec<(String, String)>> {
        let answers: Vec<Answer> = serde_json::from_value(answers).unwrap();
        form_values(&template(), &answers).map_err(|violations| {
            let pair = |violation: Violation| (violation.field, violation.message);
            violations.into_iter().map(pair).collect()
        })
    }

    #[test]
    fn every_field_gets_a_value_in_the_order_of_the_template() {
        let answers = json!([
            {"question": "f4", "value": "by id"}, {"question": " pay ", "value": 75000}
        ]);
        let values = [json!(75000), json!(null), json!(null), json!("by id")];
        assert_eq!(fill(answers), Ok(values.to_vec()));
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_place() {
        let told = fill(json!([
            {"question": "Relocating?", "value": "perhaps"},
            {"question": "Notes", "value": "which?"},
            {"question": "Shoe size", "value": 44},
            {"question": "f2", "value": "yes"}
        ]));
        let told = told.unwrap_err();
        let fields: Vec<_> = told.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(
            fields,
            ["values[0]", "values[1]", "values[2]", "values[3]", "values"]
        );
        assert_eq!(told[0].1, "give yes or no");
        assert!(told[1].1.starts_with("several questions"));
        assert_eq!(
            told[2].1,
            "it is not asked: there are \"Pay\", \"Relocating?\", \"Notes\", \"Notes\""
        );
        assert_eq!(told[3].1, "it is answered twice");
        assert_eq!(told[4].1, "\"Pay\" must be answered");
    }

    #[test]
    fn an_empty_answer_leaves_a_required_field_open() {
        let told = fill(json!([{"question": "f1", "value": ""}])).unwrap_err();
        assert_eq!(
            told,
            [("values".to_owned(), "\"Pay\" must be answered".to_owned())]
        );
    }
}
