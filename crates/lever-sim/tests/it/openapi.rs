//! The simulator knows every operation, parameter and permission that Lever's description lists.
//!
//! Reads the documents in the folder that `FULCRUM_LEVER_DOCS` names; skipped when it is unset.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use lever_sim::{Config, Key};
use serde_yaml_ng::Value;

use crate::oauth::tokens;
use crate::support::{World, config, read, text};

struct Operation {
    method: String,
    path: String,
    id: String,
    query: Vec<String>,
    scopes: Vec<String>,
}

/// The operations of the data API; those of the public job site are not Lever's `v1`.
fn described() -> Option<Vec<Operation>> {
    let folder = PathBuf::from(std::env::var_os("FULCRUM_LEVER_DOCS")?);
    let text = std::fs::read_to_string(folder.join("openapi.yaml")).unwrap();
    let document: Value = serde_yaml_ng::from_str(&text).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_mapping().unwrap() {
        let path = path.as_str().unwrap();
        for method in ["get", "post", "put", "delete"] {
            let found = &item[method];
            if path.starts_with("/v0/") || found.is_null() {
                continue;
            }
            let scopes = found["x-scopes"].as_sequence().into_iter().flatten();
            let given = found["parameters"].as_sequence().into_iter().flatten();
            operations.push(Operation {
                method: method.to_uppercase(),
                path: path.to_owned(),
                id: found["operationId"].as_str().unwrap().to_owned(),
                query: given.filter_map(|it| query(&document, it)).collect(),
                scopes: scopes.map(|it| it.as_str().unwrap().to_owned()).collect(),
            });
        }
    }
    Some(operations)
}

/// The name of a query parameter, which may stand elsewhere in the document.
fn query(document: &Value, parameter: &Value) -> Option<String> {
    let parameter = match parameter["$ref"].as_str() {
        Some(reference) => {
            let name = reference.rsplit('/').next().unwrap();
            &document["components"]["parameters"][name]
        }
        None => parameter,
    };
    let in_query = parameter["in"] == "query";
    in_query.then(|| parameter["name"].as_str().unwrap().to_owned())
}

fn permissions() -> BTreeMap<String, String> {
    let folder = PathBuf::from(std::env::var_os("FULCRUM_LEVER_DOCS").unwrap());
    let table = std::fs::read_to_string(folder.join("permissions.tsv")).unwrap();
    let row = |line: &str| {
        let mut cells = line.split('\t').map(str::to_owned);
        let permission = cells.next().unwrap();
        (cells.nth(2).unwrap(), permission)
    };
    table.lines().skip(1).map(row).collect()
}

fn path(operation: &Operation) -> String {
    let filled = |part: &str| {
        if part.starts_with('{') {
            "x".to_owned()
        } else {
            part.to_owned()
        }
    };
    operation
        .path
        .split('/')
        .map(filled)
        .collect::<Vec<_>>()
        .join("/")
}

#[tokio::test]
async fn every_operation_is_routed_and_asks_for_the_permission_of_its_own() {
    let Some(described) = described() else {
        eprintln!("skipped: FULCRUM_LEVER_DOCS is unset");
        return;
    };
    assert_eq!(described.len(), 155);
    let keys = vec![Key::only("nobody", [""; 0])];
    let world = World::with(Config { keys, ..config(1) }).await;
    let permissions = permissions();
    for operation in described {
        let method = operation.method.parse().unwrap();
        let url = format!("{}{}", world.sim.base_url(), path(&operation));
        let asked = world
            .http
            .request(method, url)
            .basic_auth("nobody", Some(""));
        let refused = read(asked.send().await.unwrap()).await;
        let lacks = format!(
            "This API key lacks the permission: {}",
            permissions[&operation.id]
        );
        assert_eq!(
            (refused.status, text(&refused.body["message"])),
            (403, lacks)
        );
        let recorded = world.sim.audit().last().unwrap().operation.clone();
        assert_eq!(recorded, Some(operation.id));
    }
}

#[tokio::test]
async fn every_operation_knows_its_query_parameters_and_no_others() {
    let Some(described) = described() else {
        eprintln!("skipped: FULCRUM_LEVER_DOCS is unset");
        return;
    };
    let world = World::of(1).await;
    for operation in described {
        let mut query: Vec<(&str, &str)> = operation
            .query
            .iter()
            .map(|it| (it.as_str(), "x"))
            .collect();
        query.push(("misspelled", "x"));
        let asked = world.request(operation.method.parse().unwrap(), &path(&operation));
        let refused = read(asked.query(&query).send().await.unwrap()).await;
        let message = text(&refused.body["message"]);
        let expected = "Unknown parameter: misspelled".to_owned();
        assert_eq!(
            (refused.status, message),
            (400, expected),
            "{}",
            operation.id
        );
    }
}

#[tokio::test]
async fn every_operation_is_open_to_each_of_its_scopes_and_closed_to_all_others() {
    let Some(described) = described() else {
        eprintln!("skipped: FULCRUM_LEVER_DOCS is unset");
        return;
    };
    let world = World::of(1).await;
    let all: BTreeSet<&String> = described.iter().flat_map(|it| &it.scopes).collect();
    for operation in &described {
        let own = |scope: &&&String| {
            let reads = scope.replace(":write:", ":read:");
            operation.scopes.contains(scope) || operation.scopes.contains(&reads)
        };
        let others: Vec<&str> = all
            .iter()
            .filter(|it| !own(it))
            .map(|it| it.as_str())
            .collect();
        assert_eq!(
            status(&world, operation, &others.join(" ")).await,
            403,
            "{}",
            operation.id
        );
        for scope in &operation.scopes {
            let open = status(&world, operation, scope).await;
            assert_ne!(open, 403, "{} with {scope}", operation.id);
        }
    }
}

async fn status(world: &World, operation: &Operation, scope: &str) -> u16 {
    let token = tokens(world, scope).await;
    let url = format!("{}{}", world.sim.base_url(), path(operation));
    let asked = world.http.request(operation.method.parse().unwrap(), url);
    let asked = asked.bearer_auth(text(&token["access_token"]));
    asked.send().await.unwrap().status().as_u16()
}
