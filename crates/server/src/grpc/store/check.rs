//! `Check`: how far the reading of the whole store has come, and what it found.

use proto::v1 as pb;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::grpc::{Api, until_stopped};
use crate::wire::status::status;

/// Between two answers, in entries.
const TOLD_EVERY: u64 = 10_000;

impl Api {
    /// The answers of a check, the last with what was found.
    pub(super) fn check_store(
        &self,
    ) -> impl Stream<Item = Result<pb::CheckResponse, Status>> + use<> {
        let (answers, received) = mpsc::channel(4);
        let (engine, stop) = (self.engine.clone(), self.stop.clone());
        let (told, listener) = (answers.clone(), answers.clone());
        let progress = move |progress: store::Progress| {
            if progress.entries.is_multiple_of(TOLD_EVERY) {
                // One that the caller does not take in time is left out; the next tells more.
                let _ = told.try_send(Ok(pb::CheckResponse {
                    entries: progress.entries,
                    ..Default::default()
                }));
            }
        };
        let check = async move {
            let last = engine.check_store(progress).await.map_err(status);
            let last = last.map(|examined| pb::CheckResponse {
                entries: examined.entries,
                done: true,
                findings: examined.findings,
            });
            // Nobody listening is fine.
            let _ = answers.send(last).await;
        };
        tokio::spawn(async move { until_stopped(&stop, listener, check).await });
        ReceiverStream::new(received)
    }
}
