//! `include` and `expand`: which attributes an answer has, and which ids become objects.

use serde_json::Value;

use crate::call::Query;
use crate::world::World;

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

/// A user as an expanded attribute shows it.
pub(crate) fn user(world: &World, id: &str) -> Option<Value> {
    world.account.user(id).map(crate::world::User::json)
}
