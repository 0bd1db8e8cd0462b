//! Compiles `proto/` in pure Rust: no `protoc` is needed.

use std::path::PathBuf;

use prost::Message as _;

type Failure = Box<dyn std::error::Error>;

const FILES: &[&str] = &[
    "fulcrum/v1/candidate_service.proto",
    "fulcrum/v1/change_service.proto",
    "fulcrum/v1/connection_service.proto",
    "fulcrum/v1/field_mapping_service.proto",
    "fulcrum/v1/inbound_service.proto",
    "fulcrum/v1/lever_records.proto",
    "fulcrum/v1/lever_service.proto",
    "fulcrum/v1/operation_service.proto",
    "fulcrum/v1/profile.proto",
    "fulcrum/v1/stage_mapping_service.proto",
    "fulcrum/v1/store_service.proto",
    "fulcrum/v1/sync_service.proto",
    "fulcrum/v1/token_service.proto",
];

#[expect(
    clippy::disallowed_methods,
    reason = "a build script is told its folders in the environment"
)]
fn main() -> Result<(), Failure> {
    println!("cargo:rerun-if-changed=../../proto");
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let descriptors = protox::compile(FILES, [&root])?;
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .bytes(".")
        .compile_fds(descriptors)?;
    Ok(())
}
