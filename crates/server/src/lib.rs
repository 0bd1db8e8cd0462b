//! The outside of Fulcrum: gRPC services, HTTP side, configuration, command line.
//!
//! A handler decodes, makes one engine call and encodes. It decides nothing about hiring.
//! The binary `fulcrum` is [`cli::main`].

pub mod auth;
pub mod cli;
pub mod config;
pub mod demo;
pub mod grpc;
pub mod http;
pub mod serve;
pub mod tokens;
pub mod wire;
