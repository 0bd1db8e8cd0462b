//! Blocks of calls to Lever: one zstd frame around one message.

use domain::OperationId;
use lever::Timestamp;
use prost::Message;

use super::{Stored, zip};
use crate::calls::ApiCall;

/// Calls that were noted together, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallBlock(pub(crate) Vec<ApiCall>);

#[derive(Clone, PartialEq, Message)]
struct BlockV1 {
    #[prost(message, repeated, tag = "1")]
    calls: Vec<CallV1>,
}

#[derive(Clone, PartialEq, Message)]
struct CallV1 {
    #[prost(int64, tag = "1")]
    at: i64,
    #[prost(string, tag = "2")]
    operation: String,
    #[prost(string, tag = "3")]
    method: String,
    #[prost(string, tag = "4")]
    path: String,
    /// 0 when no answer came.
    #[prost(uint32, tag = "5")]
    status: u32,
    #[prost(uint64, tag = "6")]
    elapsed_ms: u64,
    #[prost(uint64, tag = "7")]
    waited_ms: u64,
    #[prost(uint32, tag = "8")]
    attempt: u32,
    #[prost(string, tag = "9")]
    lane: String,
    #[prost(bytes = "vec", optional, tag = "10")]
    write: Option<Vec<u8>>,
    /// Since version 2.
    #[prost(string, optional, tag = "11")]
    rpc: Option<String>,
    /// Since version 3.
    #[prost(bool, tag = "12")]
    permission_test: bool,
}

impl CallBlock {
    /// The message, before it is compressed.
    pub(super) fn message(&self) -> Vec<u8> {
        let calls = self.0.iter().map(from_call).collect();
        BlockV1 { calls }.encode_to_vec()
    }
}

impl Stored for CallBlock {
    const VERSION: u8 = 3;

    fn to_payload(&self) -> Vec<u8> {
        zip::compress(&self.message())
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        if !(1..=Self::VERSION).contains(&version) {
            return None;
        }
        let block = BlockV1::decode(zip::decompress(payload)?.as_slice()).ok()?;
        block
            .calls
            .into_iter()
            .map(to_call)
            .collect::<Option<_>>()
            .map(Self)
    }
}

fn from_call(call: &ApiCall) -> CallV1 {
    CallV1 {
        at: call.at.as_millis(),
        operation: call.operation.clone(),
        method: call.method.clone(),
        path: call.path.clone(),
        status: call.status.map_or(0, u32::from),
        elapsed_ms: call.elapsed_ms,
        waited_ms: call.waited_ms,
        attempt: call.attempt,
        lane: call.lane.clone(),
        write: call.write.map(|id| id.as_bytes().to_vec()),
        rpc: call.rpc.clone(),
        permission_test: call.permission_test,
    }
}

fn to_call(stored: CallV1) -> Option<ApiCall> {
    let write = match stored.write {
        None => None,
        Some(id) => Some(OperationId::from_bytes(id.try_into().ok()?)),
    };
    Some(ApiCall {
        at: Timestamp::from_millis(stored.at),
        operation: stored.operation,
        method: stored.method,
        path: stored.path,
        status: match stored.status {
            0 => None,
            status => Some(u16::try_from(status).ok()?),
        },
        elapsed_ms: stored.elapsed_ms,
        waited_ms: stored.waited_ms,
        attempt: stored.attempt,
        lane: stored.lane,
        write,
        rpc: stored.rpc,
        permission_test: stored.permission_test,
    })
}
