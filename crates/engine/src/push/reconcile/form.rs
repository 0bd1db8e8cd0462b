//! Finding a profile form again: by its template and what is filled in.

use std::collections::HashSet;

use domain::operation::RawWrite;
use domain::{Operation, Timestamp};
use lever::{FormField, ListForms, ProfileForm};
use serde_json::Value;

use super::{Reads, letters, pages};
use crate::error::Result;
use crate::link::Link;

/// Lever's id of the form that a call has made since then.
pub(super) async fn find(
    link: &Link,
    operation: &Operation,
    call: &RawWrite,
    since: Timestamp,
    others: &HashSet<String>,
    reads: &mut Reads<'_>,
) -> Result<Option<String>> {
    let Some(sent) = Sent::of(call) else {
        return Ok(None);
    };
    let list = ListForms {
        opportunity: operation.opportunity.clone(),
        expand: Vec::new(),
        limit: Some(100),
        offset: None,
    };
    let mut pages = pages(link, &list);
    while let Some(page) = reads.page::<ListForms>(&mut pages).await {
        let forms = page?.records.into_iter().flatten();
        let mut forms = forms.filter(|form| !others.contains(form.value.id.as_str()));
        if let Some(form) = forms.find(|form| sent.is(&form.value, since)) {
            return Ok(Some(form.value.id.as_str().to_owned()));
        }
    }
    Ok(None)
}

/// What was sent.
struct Sent {
    template: String,
    fields: Vec<Value>,
}

impl Sent {
    fn of(call: &RawWrite) -> Option<Sent> {
        let body: Value = serde_json::from_str(call.body.as_deref()?).ok()?;
        Some(Sent {
            template: body["baseTemplateId"].as_str()?.to_owned(),
            fields: body["fields"].as_array()?.clone(),
        })
    }

    fn is(&self, form: &ProfileForm, since: Timestamp) -> bool {
        let template = form.base_template_id.as_ref();
        template.is_some_and(|template| template.as_str() == self.template)
            && form.deleted_at.is_none()
            && form.created_at.is_some_and(|at| at >= since)
            && self.says_the_same(&form.fields)
    }

    fn says_the_same(&self, found: &[FormField]) -> bool {
        let numbered = self.fields.iter().enumerate();
        let mut pairs = numbered.map(|(index, sent)| {
            let id = sent["id"].as_str();
            let by_id = found
                .iter()
                .find(|field| id.is_some() && field.id.as_deref() == id);
            // Lever may give the fields of a form new ids; it keeps their order.
            (sent, by_id.or_else(|| found.get(index)))
        });
        pairs.all(|(sent, found)| alike(&sent["value"], found.map_or(&Value::Null, |it| &it.value)))
    }
}

/// Whether two values say the same, however Lever has tidied one.
fn alike(sent: &Value, found: &Value) -> bool {
    match (sent, found) {
        (sent, found) if is_empty(sent) || is_empty(found) => is_empty(sent) && is_empty(found),
        (Value::String(sent), Value::String(found)) => letters(sent) == letters(found),
        (Value::Number(sent), Value::Number(found)) => sent.as_f64() == found.as_f64(),
        (Value::Array(sent), Value::Array(found)) => {
            let mut pairs = sent.iter().zip(found);
            sent.len() == found.len() && pairs.all(|(sent, found)| alike(sent, found))
        }
        _ => sent == found,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn sent() -> Sent {
        let body = json!({"baseTemplateId": "t", "fields": [
            {"id": "f1", "type": "text", "value": "Keen & free"},
            {"id": "f2", "type": "currency", "value": 75000},
            {"id": "f3", "type": "multiple-select", "value": ["a", "b"]},
            {"id": "f4", "type": "text", "value": null}
        ]});
        let call = RawWrite {
            operation: "createOpportunityForm".to_owned(),
            path: BTreeMap::new(),
            query: Vec::new(),
            body: Some(body.to_string()),
            creates: true,
            bare: false,
        };
        Sent::of(&call).unwrap()
    }

    fn form() -> Value {
        json!({"id": "f", "baseTemplateId": "t", "createdAt": 2000, "fields": [
            {"id": "f1", "type": "text", "value": "<p>Keen &amp; free</p>"},
            {"id": "f2", "type": "currency", "value": 75000.0},
            {"id": "f3", "type": "multiple-select", "value": ["a", "b"]},
            {"id": "f4", "type": "text", "value": ""}
        ]})
    }

    fn is(form: Value) -> bool {
        let form: ProfileForm = serde_json::from_value(form).unwrap();
        sent().is(&form, Timestamp::from_millis(2000))
    }

    #[test]
    fn a_form_is_known_by_its_template_what_it_says_and_its_time() {
        assert!(is(form()));
        for (place, other) in [
            ("/baseTemplateId", json!("u")),
            ("/createdAt", json!(1999)),
            ("/fields/0/value", json!("Keen")),
            ("/fields/1/value", json!(75001)),
            ("/fields/2/value", json!(["a"])),
            ("/fields/3/value", json!("more")),
        ] {
            let mut form = form();
            *form.pointer_mut(place).unwrap() = other;
            assert!(!is(form), "{place}");
        }
        let mut deleted = form();
        deleted["deletedAt"] = json!(3000);
        assert!(!is(deleted));
    }

    #[test]
    fn fields_with_new_ids_are_known_by_their_order() {
        let mut form = form();
        for field in form["fields"].as_array_mut().unwrap() {
            field["id"] = json!(format!("new {}", field["id"]));
        }
        assert!(is(form));
    }
}
