//! What is asked of the store of a running service.

use proto::v1 as pb;
use serde_json::json;
use store::Examined;
use tokio_stream::StreamExt as _;

use crate::cli::{Client, Failure, Global, Output, Progress};

/// Has the running service read every value.
pub(super) async fn check(global: &Global, output: &mut Output) -> Result<(), Failure> {
    let client = Client::open(global).await?;
    let request = pb::CheckRequest {};
    let mut answers = client.store().check(request).await?.into_inner();
    let mut progress = Progress::records(output, None);
    while let Some(answer) = answers.next().await {
        let pb::CheckResponse {
            entries,
            done,
            findings,
        } = answer?;
        if done {
            drop(progress);
            let findings = findings.iter().map(ToString::to_string).collect();
            let examined = Examined { entries, findings };
            return super::report_examined(output, global.json, &examined);
        }
        if !global.json {
            progress.show(output, entries, "checking", || {
                format!("checking · {entries} entries")
            })?;
        }
    }
    Err(Failure::new(
        "the service ended before the check did: ask it again, or look in its log",
    ))
}

/// Has the running service give back its reserve.
pub(super) async fn free_reserve(global: &Global, output: &mut Output) -> Result<(), Failure> {
    let client = Client::open(global).await?;
    let request = pb::FreeReserveRequest {};
    let answer = client.store().free_reserve(request).await?.into_inner();
    let freed = answer.freed_bytes;
    if global.json {
        return output.json(&json!({ "freedBytes": freed }));
    }
    output.line(match freed {
        0 => "nothing is set aside".to_owned(),
        freed => format!("{} are free again", super::megabytes(freed)),
    })
}
