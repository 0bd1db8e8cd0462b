//! Numbered changes.

use domain::ChangeKind;
use domain::change::SlaMark;
use engine::{ChangeEvent, Happened};
use proto::v1 as pb;

use super::time::to_timestamp;

/// A change as the wire has it.
pub fn to_change(event: ChangeEvent) -> pb::Change {
    let opportunity = event
        .opportunity
        .map(|opportunity| opportunity.to_string())
        .unwrap_or_default();
    let (stream, id, kind) = match event.what {
        Happened::Record { stream, id, kind } => (stream.name(), id, to_kind(kind)),
        Happened::Sla(mark) => {
            let kind = match mark {
                SlaMark::AtRisk => pb::ChangeKind::SlaAtRisk,
                SlaMark::Breached => pb::ChangeKind::SlaBreached,
            };
            ("opportunities", opportunity.clone(), kind)
        }
        Happened::Awake => (
            "opportunities",
            opportunity.clone(),
            pb::ChangeKind::SnoozeEnded,
        ),
        Happened::StagesMapped(version) => ("", version.to_string(), pb::ChangeKind::StagesMapped),
    };
    let (stage, code) = event
        .stage
        .map(|(stage, code)| (stage.to_string(), code.to_string()))
        .unwrap_or_default();
    pb::Change {
        sequence: event.sequence,
        time: Some(to_timestamp(event.at)),
        stream: stream.to_owned(),
        id,
        kind: kind.into(),
        opportunity_id: opportunity,
        stage_id: stage,
        product_stage: code,
    }
}

fn to_kind(kind: ChangeKind) -> pb::ChangeKind {
    match kind {
        ChangeKind::Created => pb::ChangeKind::Created,
        ChangeKind::Updated => pb::ChangeKind::Updated,
        ChangeKind::Deleted => pb::ChangeKind::Deleted,
    }
}
