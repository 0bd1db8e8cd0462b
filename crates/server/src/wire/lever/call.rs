//! Calls of any operation of Lever's.

use std::collections::BTreeMap;

use engine::{Asked, Called, Error, Result, find_operation};
use proto::v1 as pb;
use proto::v1::call_request::Body;
use serde_json::{Map, Number, Value};

/// The call a request asks for.
///
/// # Errors
/// Invalid, naming the field.
pub fn from_call(request: &pb::CallRequest) -> Result<Asked> {
    let pairs = request.query.iter();
    Ok(Asked {
        operation: find_operation(&request.operation_id, &request.permission)?,
        path: request
            .path_parameters
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect::<BTreeMap<_, _>>(),
        query: pairs
            .map(|pair| (pair.name.clone(), pair.value.clone()))
            .collect(),
        body: request.body.as_ref().map(from_body).transpose()?,
    })
}

/// The answer to a read.
pub fn to_called(called: Called) -> pb::CallResponse {
    pb::CallResponse {
        status: i32::from(called.status),
        raw_json: called.body,
        operation: None,
    }
}

fn from_body(body: &Body) -> Result<Value> {
    match body {
        Body::BodyStruct(fields) => from_fields(fields).ok_or_else(|| {
            Error::invalid("body_struct", "it holds a number that JSON cannot hold")
        }),
        Body::BodyJson(text) => serde_json::from_slice(text)
            .map_err(|_| Error::invalid("body_json", "this is no JSON text")),
    }
}

fn from_fields(fields: &prost_types::Struct) -> Option<Value> {
    let fields = fields.fields.iter();
    let fields: Option<Map<_, _>> = fields
        .map(|(name, value)| Some((name.clone(), from_value(value)?)))
        .collect();
    fields.map(Value::Object)
}

/// A value as JSON; none for a number that JSON cannot hold.
pub fn from_value(value: &prost_types::Value) -> Option<Value> {
    use prost_types::value::Kind;
    Some(match value.kind.as_ref()? {
        Kind::NullValue(_) => Value::Null,
        Kind::BoolValue(flag) => Value::Bool(*flag),
        Kind::StringValue(text) => Value::String(text.clone()),
        Kind::NumberValue(number) => Value::Number(from_number(*number)?),
        Kind::StructValue(fields) => from_fields(fields)?,
        Kind::ListValue(list) => {
            Value::Array(list.values.iter().map(from_value).collect::<Option<_>>()?)
        }
    })
}

/// Whole numbers stay whole: Lever takes times as integers.
fn from_number(number: f64) -> Option<Number> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        // Within the bound, the conversion is exact.
        return Some(Number::from(number as i64));
    }
    Number::from_f64(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost_types::value::Kind;

    fn value(kind: Kind) -> prost_types::Value {
        prost_types::Value { kind: Some(kind) }
    }

    fn with(body: Body) -> Result<Option<Value>> {
        from_call(&pb::CallRequest {
            operation_id: "createOpportunityNote".to_owned(),
            body: Some(body),
            ..Default::default()
        })
        .map(|asked| asked.body)
    }

    #[test]
    fn a_structure_becomes_json_with_whole_numbers() {
        let list = prost_types::ListValue {
            values: vec![value(Kind::NumberValue(1.5)), value(Kind::NullValue(0))],
        };
        let fields = [
            ("at", Kind::NumberValue(1_782_975_358_767.0)),
            ("deep", Kind::ListValue(list)),
            ("flag", Kind::BoolValue(true)),
        ];
        let body = prost_types::Struct {
            fields: fields
                .map(|(name, kind)| (name.to_owned(), value(kind)))
                .into(),
        };
        let body = with(Body::BodyStruct(body)).unwrap().unwrap();
        assert_eq!(
            body,
            serde_json::json!({"at": 1_782_975_358_767_i64, "deep": [1.5, null], "flag": true})
        );
    }

    #[test]
    fn a_bad_body_names_its_field() {
        let error = with(Body::BodyJson("{".into())).unwrap_err();
        assert!(error.to_string().starts_with("body_json"), "{error}");
        let infinite = prost_types::Struct {
            fields: [("n".to_owned(), value(Kind::NumberValue(f64::INFINITY)))].into(),
        };
        let error = with(Body::BodyStruct(infinite)).unwrap_err();
        assert!(error.to_string().starts_with("body_struct"), "{error}");
    }
}
