//! The fields an account has made up: of its forms, questions, offers and requisitions, as far as the mirror has seen them.

use domain::field_mapping::catalog::{AccountField, AccountFields};
use domain::{ConnectionId, Stream};
use serde_json::Value;
use store::{Store, Tombstones};

use super::mirror::from_stored;
use super::visible::Sight;
use crate::error::Result;

/// So many of what defines fields are looked at.
const MOST_LOOKED_AT: usize = 1_000;
/// So many of what people filled in are looked at: the definitions tell nearly all, and each costs a look at a document.
const MOST_FILLED_IN: usize = 250;

/// Where fields are seen, and whose records they are fields of. Templates first, since they have the present titles.
const SEEN_IN: &[(Stream, Stream)] = &[
    (Stream::FormTemplates, Stream::Forms),
    (Stream::Forms, Stream::Forms),
    (Stream::FeedbackTemplates, Stream::Feedback),
    (Stream::Feedback, Stream::Feedback),
    (Stream::PostingForms, Stream::Applications),
    (Stream::Applications, Stream::Applications),
    (Stream::Referrals, Stream::Referrals),
    (Stream::Offers, Stream::Offers),
    (Stream::RequisitionFields, Stream::Requisitions),
];

/// Reads them, as far as the caller may see what they are in.
pub(crate) async fn account_fields(sight: &Sight<'_>) -> Result<AccountFields> {
    let mut fields = AccountFields::default();
    for (seen_in, of) in SEEN_IN.iter().copied() {
        let store = &sight.engine.shared.store;
        let id = sight.connection.id;
        let most = most_looked_at(seen_in);
        let records = store.records(id, seen_in, None, most, Tombstones::Without);
        let records = records.await?;
        if records.len() == most {
            fields.leave_open(of);
        }
        for record in records {
            let shown = sight.shown(seen_in, from_stored(seen_in, record)).await?;
            let document = shown.and_then(|record| serde_json::from_str(&record.raw).ok());
            let document: Value = document.unwrap_or_default();
            for field in fields_in(of, &document) {
                fields.add(of, field);
            }
        }
    }
    Ok(fields)
}

fn most_looked_at(seen_in: Stream) -> usize {
    match seen_in {
        Stream::FormTemplates
        | Stream::FeedbackTemplates
        | Stream::PostingForms
        | Stream::RequisitionFields => MOST_LOOKED_AT,
        _ => MOST_FILLED_IN,
    }
}

/// The custom fields of requisitions that the account lists; none where there are too many to look at.
pub(crate) async fn requisition_fields(
    store: &Store,
    id: ConnectionId,
) -> Result<Option<Vec<AccountField>>> {
    let stream = Stream::RequisitionFields;
    let records = store.records(id, stream, None, MOST_LOOKED_AT, Tombstones::Without);
    let records = records.await?;
    let mut fields = Vec::new();
    for record in &records {
        let document: Value = serde_json::from_str(&record.raw).unwrap_or_default();
        fields.extend(fields_in(Stream::Requisitions, &document));
    }
    Ok((records.len() < MOST_LOOKED_AT).then_some(fields))
}

/// The fields that one document shows.
fn fields_in(of: Stream, document: &Value) -> Vec<AccountField> {
    match of {
        Stream::Applications => {
            let sets = elements(document, "customQuestions");
            sets.iter().flat_map(|set| below(set, "fields")).collect()
        }
        Stream::Requisitions => match elements(document, "subfields") {
            [] => field(document, None).into_iter().collect(),
            _ => below(document, "subfields"),
        },
        _ => below(document, "fields"),
    }
}

fn below(group: &Value, key: &str) -> Vec<AccountField> {
    let fields = elements(group, key).iter();
    fields.filter_map(|one| field(one, Some(group))).collect()
}

fn field(field: &Value, group: Option<&Value>) -> Option<AccountField> {
    let text = |value: &Value, key: &str| {
        value
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let of_group = |key| group.map(|group| text(group, key)).unwrap_or_default();
    let id = match text(field, "id") {
        id if id.is_empty() => text(field, "identifier"),
        id => id,
    };
    let title = text(field, "text");
    (!title.is_empty()).then(|| AccountField {
        id,
        text: title,
        // A form that was filled in names the template it was made from.
        group_id: match of_group("baseTemplateId") {
            template if template.is_empty() => of_group("id"),
            template => template,
        },
        group: of_group("text"),
    })
}

fn elements<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(of: Stream, document: Value) -> Vec<String> {
        let fields = fields_in(of, &document);
        let told = |field: AccountField| {
            format!(
                "{}|{}|{}|{}",
                field.id, field.text, field.group_id, field.group
            )
        };
        fields.into_iter().map(told).collect()
    }

    #[test]
    fn fields_are_told_with_what_they_are_in() {
        let fields =
            json!([{"id": "1", "text": "Start date"}, {"text": "Untold"}, {"id": "3"}, "odd"]);
        let form = json!({"id": "f", "baseTemplateId": "t", "text": "Offer", "fields": fields});
        assert_eq!(
            told(Stream::Forms, form),
            ["1|Start date|t|Offer", "|Untold|t|Offer"]
        );
        let questions = json!({"customQuestions": [{"id": "s", "text": "Education", "fields": [{"id": "d", "text": "Degree"}]}]});
        assert_eq!(
            told(Stream::Applications, questions),
            ["d|Degree|s|Education"]
        );
        let offer =
            json!({"id": "o", "fields": [{"identifier": "salary_amount", "text": "Salary"}]});
        assert_eq!(told(Stream::Offers, offer), ["salary_amount|Salary|o|"]);
        let date = json!({"id": "target", "text": "Target", "type": "date"});
        assert_eq!(told(Stream::Requisitions, date), ["target|Target||"]);
        let object =
            json!({"id": "cost", "text": "Cost", "subfields": [{"id": "city", "text": "City"}]});
        assert_eq!(told(Stream::Requisitions, object), ["city|City|cost|Cost"]);
        assert!(told(Stream::Forms, json!(null)).is_empty());
    }
}
