//! Machine output: the protobuf messages in their canonical JSON form, so that nothing is left out.

use std::sync::LazyLock;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use prost_types::{DescriptorProto, FileDescriptorProto, FileDescriptorSet};
use serde_json::Value;

use super::Failure;

static POOL: LazyLock<DescriptorPool> = LazyLock::new(pool);

/// The message types behind ours, with those that errors carry in their details.
fn pool() -> DescriptorPool {
    let mut pool = DescriptorPool::global();
    for set in [proto::DESCRIPTORS, tonic_types::pb::FILE_DESCRIPTOR_SET] {
        let mut files = FileDescriptorSet::decode(set).expect("built in at compile time");
        files.file.retain(|file| is_new(&pool, file));
        pool.add_file_descriptor_set(files)
            .expect("compiled together at build time");
    }
    pool
}

/// Both sets have some files of Google's, not always under the same path.
fn is_new(pool: &DescriptorPool, file: &FileDescriptorProto) -> bool {
    let known = |message: &DescriptorProto| {
        pool.get_message_by_name(&format!("{}.{}", file.package(), message.name()))
            .is_some()
    };
    pool.get_file_by_name(file.name()).is_none() && !file.message_type.iter().any(known)
}

/// The JSON form of a message of `fulcrum.v1`, by the name of its type.
pub(super) fn of(name: &str, message: &impl Message) -> Result<Value, Failure> {
    let failed = |problem: String| Failure::new(format!("cannot show {name} as JSON: {problem}"));
    let descriptor = POOL
        .get_message_by_name(&format!("fulcrum.v1.{name}"))
        .ok_or_else(|| failed("no such type".to_owned()))?;
    let message = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())
        .map_err(|error| failed(error.to_string()))?;
    let options = SerializeOptions::new().skip_default_fields(false);
    message
        .serialize_with_options(serde_json::value::Serializer, &options)
        .map_err(|error| failed(error.to_string()))
}

/// Reads a message of `fulcrum.v1` from its JSON form; unknown fields are refused.
pub(super) fn read<M: Message + Default>(name: &str, text: &str) -> Result<M, Failure> {
    let failed = |problem: String| Failure::new(format!("this is no {name} as JSON: {problem}"));
    let descriptor = POOL
        .get_message_by_name(&format!("fulcrum.v1.{name}"))
        .ok_or_else(|| failed("no such type".to_owned()))?;
    let mut json = serde_json::Deserializer::from_str(text);
    let message = DynamicMessage::deserialize(descriptor, &mut json)
        .map_err(|error| failed(error.to_string()))?;
    json.end().map_err(|error| failed(error.to_string()))?;
    M::decode(message.encode_to_vec().as_slice()).map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::v1 as pb;

    #[test]
    fn an_operation_with_an_error_shows_the_details_of_the_error() {
        let info = tonic_types::pb::ErrorInfo {
            reason: "LEVER_PERMISSION_MISSING".to_owned(),
            domain: "fulcrum".to_owned(),
            ..Default::default()
        };
        let details = prost_types::Any {
            type_url: "type.googleapis.com/google.rpc.ErrorInfo".to_owned(),
            value: info.encode_to_vec(),
        };
        let operation = pb::Operation {
            id: "op-1".to_owned(),
            state: pb::OperationState::Failed.into(),
            create_time: Some(prost_types::Timestamp {
                seconds: 0,
                nanos: 0,
            }),
            error: Some(proto::google::rpc::Status {
                code: 9,
                message: "refused".to_owned(),
                details: vec![details],
            }),
            ..Default::default()
        };
        let json = of("Operation", &operation).expect("a known type");
        assert_eq!(json["state"], "OPERATION_STATE_FAILED");
        assert_eq!(json["createTime"], "1970-01-01T00:00:00Z");
        assert_eq!(
            json["error"]["details"][0]["reason"],
            "LEVER_PERMISSION_MISSING"
        );
        assert_eq!(json["reconciling"], false);
    }
}
