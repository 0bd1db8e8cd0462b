//! The outside of Fulcrum: gRPC services, HTTP side, configuration, command line.
//!
//! A handler decodes, makes one engine call and encodes. It decides nothing about hiring.
//! The binary `fulcrum` is [`cli::main`].

pub mod auth;
mod calls;
pub mod cli;
pub mod config;
mod connect_links;
mod console;
pub mod demo;
mod door;
pub mod grpc;
pub mod http;
pub mod serve;
mod tls;
pub mod tokens;
pub mod wire;
