//! Numbered changes.

use domain::ChangeKind;
use engine::ChangeEvent;
use proto::v1 as pb;

use super::time::to_timestamp;

/// A change as the wire has it.
pub fn to_change(event: ChangeEvent) -> pb::Change {
    let kind = match event.change.kind {
        ChangeKind::Created => pb::ChangeKind::Created,
        ChangeKind::Updated => pb::ChangeKind::Updated,
        ChangeKind::Deleted => pb::ChangeKind::Deleted,
    };
    let (stage, code) = event
        .stage
        .map(|(stage, code)| (stage.to_string(), code.to_string()))
        .unwrap_or_default();
    pb::Change {
        sequence: event.change.sequence,
        time: Some(to_timestamp(event.change.at)),
        stream: event.change.stream.name().to_owned(),
        id: event.change.id,
        kind: kind.into(),
        opportunity_id: event
            .opportunity
            .map(|opportunity| opportunity.to_string())
            .unwrap_or_default(),
        stage_id: stage,
        product_stage: code,
    }
}
