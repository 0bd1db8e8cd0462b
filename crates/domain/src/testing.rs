//! What tests of several modules use.

use lever::{OpportunityId, Timestamp};
use uuid::Uuid;

use crate::operation::{Operation, OperationId, State, Write};
use crate::{ActingBecause, ConnectionId};

/// An operation that has just been recorded.
pub(crate) fn operation(write: Write) -> Operation {
    Operation {
        id: OperationId::new(Uuid::nil()),
        connection: ConnectionId::new(Uuid::nil()),
        parent: None,
        opportunity: OpportunityId::from("o"),
        request_id: "r".to_owned(),
        digest: [0; 32],
        write,
        steps: Vec::new(),
        state: State::Recorded { not_before: None },
        attempts: Vec::new(),
        result_id: None,
        answer: None,
        acting_user: None,
        acting_because: ActingBecause::Nobody,
        passed_over: None,
        asked_for: None,
        found: Vec::new(),
        left_out: Vec::new(),
        rpc: None,
        marker: Timestamp::from_millis(0),
        asked_by: String::new(),
        created_at: Timestamp::from_millis(0),
        queued_at: Timestamp::from_millis(0),
        minds_provenance: false,
        acted_before: Vec::new(),
        unseen: None,
        restored_at: None,
        updated_at: Timestamp::from_millis(0),
        revision: 0,
    }
}

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
