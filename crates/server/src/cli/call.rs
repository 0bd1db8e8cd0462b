//! `fulcrum call`: any operation of Lever's API, by its name.

use std::collections::HashMap;
use std::path::Path;

use bytes::Bytes;
use proto::v1 as pb;
use proto::v1::call_request::Body;

use super::client::wire_duration;
use super::write::{self, Manner};
use super::{Client, Failure, Global, Output};

/// Arguments of `fulcrum call`.
#[derive(Debug, clap::Args)]
pub(super) struct Call {
    /// The connection by id, external id or name; may be left out when there is one.
    #[arg(long, short)]
    connection: Option<String>,
    /// The name in Lever's API description, such as listUsers; or a permission in quotes, such as "find all users".
    operation: String,
    /// A parameter of the path; repeat for more.
    #[arg(long = "path", value_name = "NAME=VALUE", value_parser = pair)]
    path: Vec<(String, String)>,
    /// A query parameter; repeat for more.
    #[arg(long = "query", value_name = "NAME=VALUE", value_parser = pair)]
    query: Vec<(String, String)>,
    /// The JSON body, or @ and the name of a file that holds it.
    #[arg(long, value_name = "JSON|@FILE")]
    body: Option<String>,
    #[command(flatten, next_help_heading = "For a write")]
    manner: Manner,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// Calls, and shows Lever's answer, or the operation as it stands when the wait ends.
pub(super) async fn run(global: &Global, command: Call) -> Result<(), Failure> {
    let (operation_id, permission) = named(&command.operation);
    // A misspelt name is the same fault with every service and account: no need to find one first.
    if let Err(error) = engine::find_operation(operation_id, permission) {
        return Err(Failure::new(error.to_string()));
    }
    let body = command.body.as_deref().map(body).transpose()?;
    let client = Client::open(global).await?;
    let connection = client.connection(command.connection.as_deref()).await?;
    let request = request(command, connection.id, body);
    let answer = client.lever().call(request).await?.into_inner();
    match &answer.operation {
        Some(operation) => write::show(global, operation),
        None => show(global, &answer),
    }
}

/// Lever's answer as it came; for people, on several lines.
fn show(global: &Global, answer: &pb::CallResponse) -> Result<(), Failure> {
    let mut output = Output::standard();
    let text = String::from_utf8_lossy(&answer.raw_json);
    match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(value) if !global.json => output.json(&value),
        _ => output.line(text),
    }
}

/// The operation id and the permission that a name stands for; one of them is empty.
fn named(operation: &str) -> (&str, &str) {
    if operation.contains(' ') {
        ("", operation)
    } else {
        (operation, "")
    }
}

fn request(command: Call, connection_id: String, body: Option<Bytes>) -> pb::CallRequest {
    let (operation_id, permission) = named(&command.operation);
    let (operation_id, permission) = (operation_id.to_owned(), permission.to_owned());
    let query = command.query.into_iter();
    pb::CallRequest {
        connection_id,
        operation_id,
        permission,
        path_parameters: HashMap::from_iter(command.path),
        query: query
            .map(|(name, value)| pb::QueryParameter { name, value })
            .collect(),
        body: body.map(Body::BodyJson),
        request_id: command.manner.request_id,
        dry_run: command.manner.dry_run,
        wait: Some(wire_duration(command.manner.wait)),
        acting_user: command.manner.acting_user,
        perform_as: command.manner.perform_as,
    }
}

fn body(text: &str) -> Result<Bytes, Failure> {
    let Some(path) = text.strip_prefix('@') else {
        return Ok(Bytes::from(text.to_owned()));
    };
    let path = Path::new(path);
    let read = std::fs::read(path);
    read.map(Bytes::from)
        .map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(operation: &str) -> Call {
        Call {
            connection: None,
            operation: operation.to_owned(),
            path: vec![pair("opportunity=o=1").unwrap()],
            query: vec![pair("tag=a").unwrap(), pair("tag=").unwrap()],
            body: None,
            manner: Manner::new("r"),
        }
    }

    #[test]
    fn what_is_typed_becomes_the_call() {
        let request = request(command("addOpportunityTags"), "c".to_owned(), None);
        assert_eq!(request.operation_id, "addOpportunityTags");
        assert_eq!(request.path_parameters["opportunity"], "o=1");
        let query: Vec<_> = request
            .query
            .iter()
            .map(|pair| pair.value.as_str())
            .collect();
        assert_eq!(query, ["a", ""]);
        assert!(pair("noise").is_err() && pair("=x").is_err());
    }

    #[test]
    fn several_words_are_a_permission() {
        let request = request(command("find all users"), "c".to_owned(), None);
        assert_eq!(
            (request.operation_id.as_str(), request.permission.as_str()),
            ("", "find all users")
        );
    }

    #[test]
    fn a_body_comes_from_the_line_or_from_a_file() {
        assert_eq!(body("{}").unwrap(), "{}");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("body.json");
        std::fs::write(&file, r#"{"a":1}"#).unwrap();
        assert_eq!(body(&format!("@{}", file.display())).unwrap(), r#"{"a":1}"#);
        assert!(body("@/nowhere/body.json").is_err());
    }
}
