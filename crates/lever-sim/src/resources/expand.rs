//! `include` and `expand`: which attributes an answer has, and which ids become objects.

use serde_json::Value;

use crate::call::Query;
use crate::world::{Contact, Stage, User, World};

/// Keeps only the included attributes; `id` and expanded ones are always there.
pub(crate) fn include(record: &mut Value, query: Query<'_>, expanded: &[&str]) {
    let included = query.many("include");
    if included.is_empty() {
        return;
    }
    if let Some(object) = record.as_object_mut() {
        object.retain(|key, _| {
            let key = key.as_str();
            key == "id" || included.contains(&key) || expanded.contains(&key)
        });
    }
}

/// Replaces ids in one attribute, single or in a list, by what `find` knows of them.
pub(crate) fn expand(record: &mut Value, attribute: &str, find: impl Fn(&str) -> Option<Value>) {
    let replace = |value: &mut Value| {
        if let Some(object) = value.as_str().and_then(&find) {
            *value = object;
        }
    };
    match record.get_mut(attribute) {
        Some(Value::Array(values)) => values.iter_mut().for_each(replace),
        Some(value) => replace(value),
        None => {}
    }
}

/// Replaces the ids in the given attributes, whose names tell what they refer to: mostly users.
pub(crate) fn all(world: &World, mut record: Value, attributes: &[&str]) -> Value {
    for attribute in attributes {
        expand(&mut record, attribute, |id| match *attribute {
            "stage" => world.account.stage(id).map(Stage::json),
            "contact" => world.contact(id).map(Contact::json),
            "posting" | "postings" => {
                let posting = world.account.posting(id);
                posting.map(|posting| world.account.posting_json(posting))
            }
            _ => world.account.user(id).map(User::json),
        });
    }
    record
}
