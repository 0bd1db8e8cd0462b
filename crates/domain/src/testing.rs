//! What tests of several modules use.

/// The description of the API; the test that needs it does nothing without.
#[expect(
    clippy::disallowed_methods,
    reason = "tests are told where the documents are"
)]
pub(crate) fn description() -> Option<serde_yaml_ng::Value> {
    let folder = std::env::var_os("FULCRUM_LEVER_DOCS")?;
    let text = std::fs::read_to_string(std::path::Path::new(&folder).join("openapi.yaml"));
    let text = text.expect("openapi.yaml in that folder");
    Some(serde_yaml_ng::from_str(&text).expect("YAML"))
}
