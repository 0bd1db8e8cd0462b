//! Lever's documents as typed messages, led by the descriptors of the protos.
//!
//! A field `x_y` is read from the key `xY`; a field that names another record (`x_id`, `x_ids`) also from `x` or `xs`,
//! which hold the id or the whole record. What fits no rule is in [`LIFTED`].
//! Reading is lenient and never fails: null and empty text are absent, numbers may come as text, times are numbers or
//! text in milliseconds, words that nobody knew pass, and a value of another kind than documented leaves its field
//! unset. Keys without a field are ignored: they are in the raw document.
//!
//! The message is written in its wire form and decoded once, so that one piece serves every type.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost::Message;
use prost::encoding::{self, WireType, encode_key, encode_varint};
use prost_reflect::{Cardinality, DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value};

use crate::wire::time::YEARS_1_TO_9999;

/// Fields that are read from somewhere else than their name says: message, field, and the ways to it in order.
const LIFTED: &[(&str, &str, &[&[&str]])] = &[
    (
        "Application",
        "archive_reason_id",
        &[&["archived", "reason"]],
    ),
    ("Application", "archived_at", &[&["archived", "archivedAt"]]),
    ("Approver", "email", &[&["user", "email"]]),
    ("Approver", "role", &[&["user"]]),
    ("Approver", "user_id", &[&["user", "userId"]]),
    (
        "Contact",
        "location",
        &[&["location", "name"], &["location"]],
    ),
    (
        "Opportunity",
        "archive_reason_id",
        &[&["archived", "reason"], &["archiveReason"]],
    ),
    (
        "Opportunity",
        "archived_at",
        &[&["archived", "archivedAt"], &["archivedAt"]],
    ),
    ("PostingForm", "posting_id", &[&["id"]]),
];

/// Free-form values nested deeper are left out: a decoder gives up on a message nested a hundred deep.
const DEEPEST: usize = 16;

/// What is known of a record beside its document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beside<'a> {
    /// Lever's id, or the text of tags and sources.
    pub(super) id: &'a str,
    /// The opportunity it belongs to; empty for none.
    pub(super) opportunity: &'a str,
    /// The document, when it was asked for.
    pub(super) raw: Option<&'a str>,
}

/// Reads a document as the message `name` of `fulcrum.v1`; what `beside` says goes before the document.
pub(super) fn transcode<T: Message + Default>(name: &str, document: &str, beside: Beside<'_>) -> T {
    let mut wire = Vec::new();
    let Some(plan) = PLANS.named(name) else {
        return T::default();
    };
    if let Ok(Value::Object(document)) = serde_json::from_str(document) {
        PLANS.write(plan, &document, &mut wire);
    }
    for (field, value) in [
        ("id", beside.id),
        ("opportunity_id", beside.opportunity),
        ("raw_json", beside.raw.unwrap_or_default()),
    ] {
        if let Some(tag) = plan.tag(field).filter(|_| !value.is_empty()) {
            write_bytes(tag, value.as_bytes(), &mut wire);
        }
    }
    // Written by the descriptors that the type was made from, so it decodes.
    T::decode(wire.as_slice()).unwrap_or_default()
}

static PLANS: LazyLock<Plans> = LazyLock::new(Plans::new);

/// How to write each message of the records.
struct Plans {
    plans: Vec<Plan>,
    names: HashMap<String, usize>,
}

struct Plan {
    fields: Vec<Field>,
}

struct Field {
    name: String,
    tag: u32,
    shape: Shape,
    kind: Form,
    /// The ways to the value, the first that leads to one wins.
    ways: Vec<Vec<String>>,
}

#[derive(Clone, Copy)]
enum Shape {
    One,
    Many,
    ByName,
}

#[derive(Clone, Copy)]
enum Form {
    Text,
    /// The id of another record, or the record.
    Id,
    Flag,
    Integer(i64, i64),
    Double,
    Time,
    Free,
    FreeByName,
    /// The message of that plan.
    Message(usize),
    /// Not from the document.
    Beside,
}

impl Plans {
    fn new() -> Plans {
        let pool = DescriptorPool::decode(proto::DESCRIPTORS).expect("compiled at build time");
        let file = pool
            .get_file_by_name("fulcrum/v1/lever_records.proto")
            .expect("compiled at build time");
        let messages: Vec<_> = file.messages().collect();
        let names = messages
            .iter()
            .enumerate()
            .map(|(at, message)| (message.name().to_owned(), at))
            .collect();
        let plans = messages
            .iter()
            .map(|message| Plan::new(message, &names))
            .collect();
        Plans { plans, names }
    }

    fn named(&self, name: &str) -> Option<&Plan> {
        self.names.get(name).map(|at| &self.plans[*at])
    }

    /// Writes the fields of a message.
    fn write(&self, plan: &Plan, document: &Map<String, Value>, wire: &mut Vec<u8>) {
        for field in &plan.fields {
            let values = field.ways.iter().filter_map(|way| at(document, way));
            // The first way that yields something is the value.
            for value in values {
                let before = wire.len();
                self.write_field(field, value, wire);
                if wire.len() > before {
                    break;
                }
            }
        }
    }

    fn write_field(&self, field: &Field, value: &Value, wire: &mut Vec<u8>) {
        match (field.shape, value) {
            (Shape::One, value) => self.write_value(field.tag, field.kind, value, wire),
            (Shape::Many, Value::Array(values)) => {
                values
                    .iter()
                    .for_each(|value| self.write_value(field.tag, field.kind, value, wire));
            }
            (Shape::ByName, Value::Object(values)) => {
                for (name, value) in values {
                    let mut entry = Vec::new();
                    write_bytes(1, name.as_bytes(), &mut entry);
                    self.write_value(2, field.kind, value, &mut entry);
                    write_bytes(field.tag, &entry, wire);
                }
            }
            _ => {}
        }
    }

    fn write_value(&self, tag: u32, form: Form, value: &Value, wire: &mut Vec<u8>) {
        match form {
            Form::Text => {
                if let Some(text) = text(value) {
                    write_bytes(tag, text.as_bytes(), wire);
                }
            }
            Form::Id => {
                if let Some(id) = text(value).or_else(|| value.get("id").and_then(text)) {
                    write_bytes(tag, id.as_bytes(), wire);
                }
            }
            Form::Flag => {
                if let Some(flag) = flag(value) {
                    encoding::bool::encode(tag, &flag, wire);
                }
            }
            Form::Integer(least, most) => {
                if let Some(number) =
                    integer(value).filter(|number| (least..=most).contains(number))
                {
                    encoding::int64::encode(tag, &number, wire);
                }
            }
            Form::Double => {
                if let Some(number) = double(value) {
                    encoding::double::encode(tag, &number, wire);
                }
            }
            Form::Time => {
                if let Some(time) = time(value) {
                    encoding::message::encode(tag, &time, wire);
                }
            }
            Form::Free => {
                if let Some(value) = free(value, DEEPEST).filter(|free| !is_null(free)) {
                    encoding::message::encode(tag, &value, wire);
                }
            }
            Form::FreeByName => {
                if let Some(prost_types::value::Kind::StructValue(values)) =
                    free(value, DEEPEST).and_then(|value| value.kind)
                {
                    encoding::message::encode(tag, &values, wire);
                }
            }
            Form::Message(plan) => {
                if let Value::Object(document) = value {
                    let mut message = Vec::new();
                    self.write(&self.plans[plan], document, &mut message);
                    write_bytes(tag, &message, wire);
                }
            }
            Form::Beside => {}
        }
    }
}

impl Plan {
    fn new(message: &MessageDescriptor, names: &HashMap<String, usize>) -> Plan {
        let field = |field: FieldDescriptor| Field {
            name: field.name().to_owned(),
            tag: field.number(),
            shape: match field.cardinality() {
                _ if field.is_map() => Shape::ByName,
                Cardinality::Repeated => Shape::Many,
                _ => Shape::One,
            },
            kind: form(&field, names),
            ways: ways(message.name(), &field),
        };
        Plan {
            fields: message.fields().map(field).collect(),
        }
    }

    fn tag(&self, field: &str) -> Option<u32> {
        self.fields
            .iter()
            .find(|known| known.name == field)
            .map(|field| field.tag)
    }
}

fn form(field: &FieldDescriptor, names: &HashMap<String, usize>) -> Form {
    let kind = match field.kind() {
        Kind::Message(entry) if field.is_map() => entry.map_entry_value_field().kind(),
        kind => kind,
    };
    match kind {
        Kind::String if is_reference(field.name()) => Form::Id,
        Kind::String => Form::Text,
        Kind::Bool => Form::Flag,
        Kind::Int32 => Form::Integer(i32::MIN.into(), i32::MAX.into()),
        Kind::Int64 => Form::Integer(i64::MIN, i64::MAX),
        Kind::Uint64 => Form::Integer(0, i64::MAX),
        Kind::Double => Form::Double,
        Kind::Message(message) => match message.full_name() {
            "google.protobuf.Timestamp" => Form::Time,
            "google.protobuf.Value" => Form::Free,
            "google.protobuf.Struct" => Form::FreeByName,
            _ => names
                .get(message.name())
                .map_or(Form::Beside, |at| Form::Message(*at)),
        },
        _ => Form::Beside,
    }
}

fn is_reference(name: &str) -> bool {
    name.ends_with("_id") || name.ends_with("_ids")
}

fn ways(message: &str, field: &FieldDescriptor) -> Vec<Vec<String>> {
    let owned = |way: &&[&str]| way.iter().map(|step| (*step).to_owned()).collect();
    let lifted = LIFTED
        .iter()
        .find(|(of, name, _)| (*of, *name) == (message, field.name()));
    if let Some((_, _, ways)) = lifted {
        return ways.iter().map(owned).collect();
    }
    let mut ways = vec![vec![field.json_name().to_owned()]];
    if let Some(one) = field.json_name().strip_suffix("Id") {
        ways.push(vec![one.to_owned()]);
    } else if let Some(many) = field.json_name().strip_suffix("Ids") {
        ways.push(vec![format!("{many}s")]);
    }
    ways
}

fn at<'v>(document: &'v Map<String, Value>, way: &[String]) -> Option<&'v Value> {
    let (first, rest) = way.split_first()?;
    rest.iter()
        .try_fold(document.get(first)?, |value, step| value.get(step))
}

fn write_bytes(tag: u32, bytes: &[u8], wire: &mut Vec<u8>) {
    encode_key(tag, WireType::LengthDelimited, wire);
    encode_varint(bytes.len() as u64, wire);
    wire.extend_from_slice(bytes);
}

/// A text that says something; numbers are taken as text.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn double(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

/// A whole number; one that comes with a point, such as `1.0`, counts too.
fn integer(value: &Value) -> Option<i64> {
    let exact = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let whole = |number: &f64| number.fract() == 0.0 && number.abs() < 9.0e15;
    // Within the bound, the conversion is exact.
    exact.or_else(|| double(value).filter(whole).map(|number| number as i64))
}

/// Milliseconds since 1970.
fn time(value: &Value) -> Option<prost_types::Timestamp> {
    let ms = integer(value).or_else(|| double(value).map(|ms| ms as i64))?;
    let seconds = ms.div_euclid(1000);
    YEARS_1_TO_9999
        .contains(&seconds)
        .then(|| prost_types::Timestamp {
            seconds,
            nanos: i32::try_from(ms.rem_euclid(1000) * 1_000_000).unwrap_or(0),
        })
}

fn free(value: &Value, deeper: usize) -> Option<prost_types::Value> {
    use prost_types::value::Kind;
    if deeper == 0 {
        return None;
    }
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(flag) => Kind::BoolValue(*flag),
        Value::Number(number) => Kind::NumberValue(number.as_f64()?),
        Value::String(text) => Kind::StringValue(text.clone()),
        Value::Array(values) => Kind::ListValue(prost_types::ListValue {
            values: values
                .iter()
                .map(|value| free(value, deeper - 1))
                .collect::<Option<_>>()?,
        }),
        Value::Object(values) => Kind::StructValue(prost_types::Struct {
            fields: values
                .iter()
                .map(|(name, value)| Some((name.clone(), free(value, deeper - 1)?)))
                .collect::<Option<_>>()?,
        }),
    };
    Some(prost_types::Value { kind: Some(kind) })
}

fn is_null(value: &prost_types::Value) -> bool {
    matches!(
        value.kind,
        None | Some(prost_types::value::Kind::NullValue(_))
    )
}

#[cfg(test)]
mod tests;
