//! Generated gRPC code only: messages, clients and servers of `fulcrum.v1`.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    reason = "generated from proto/, which carries the comments"
)]

/// The packages of ours.
pub mod fulcrum {
    /// The package `fulcrum.v1`.
    pub mod v1 {
        tonic::include_proto!("fulcrum.v1");
    }
}

pub use fulcrum::v1;

/// The part of `google.rpc` that `fulcrum.v1` uses.
pub mod google {
    /// The package `google.rpc`.
    pub mod rpc {
        tonic::include_proto!("google.rpc");
    }
}

/// The compiled descriptors, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
