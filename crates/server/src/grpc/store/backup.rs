//! `Backup`: the bytes of a backup, no faster than the caller takes them.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use engine::unread;
use proto::v1 as pb;
use proto::v1::backup_response::Part;
use store::{Backup, Scope};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::grpc::{Api, stopping};
use crate::wire::status::status;
use crate::wire::time::to_timestamp;

/// The largest chunk, in bytes.
const CHUNK: usize = 256 << 10;
/// How many chunks wait for the caller.
const WAITING: usize = 4;

type Parts = mpsc::Sender<Result<pb::BackupResponse, Status>>;

impl Api {
    /// The parts of a backup, as they are made.
    pub(super) async fn back_up(
        &self,
        only_ours: bool,
    ) -> Result<impl Stream<Item = Result<pb::BackupResponse, Status>> + use<>, Status> {
        let scope = match only_ours {
            true => Scope::Ours,
            false => Scope::All,
        };
        let backup = self.engine.begin_backup(scope).await.map_err(status)?;
        let (parts, received) = mpsc::channel(WAITING);
        let stop = self.stop.clone();
        tokio::task::spawn_blocking(move || send(backup, &parts, stop));
        Ok(ReceiverStream::new(received))
    }
}

/// Sends what the backup is, and then its bytes. Blocks.
fn send(backup: Backup, parts: &Parts, stop: CancellationToken) {
    let header = backup.header();
    let info = pb::BackupInfo {
        commit: header.commit,
        time: Some(to_timestamp(header.taken)),
        only_ours: header.scope == Scope::Ours,
    };
    let first = pb::BackupResponse {
        part: Some(Part::Info(info)),
        entries: 0,
    };
    if parts.blocking_send(Ok(first)).is_err() {
        return;
    }
    let entries = Arc::new(AtomicU64::new(0));
    let mut sink = Sink {
        chunk: Vec::with_capacity(CHUNK),
        entries: entries.clone(),
        parts: parts.clone(),
        stop: stop.clone(),
    };
    let written = backup.write(&mut sink, &mut |progress| {
        entries.store(progress.entries, Ordering::Relaxed);
    });
    let Err(error) = written else {
        return;
    };
    // Whoever has gone knows that it is not whole.
    if parts.is_closed() {
        return;
    }
    let why = match stop.is_cancelled() {
        true => stopping(),
        false => status(unread(error)),
    };
    let _ = parts.blocking_send(Err(why));
}

/// Collects bytes to chunks, and hands them to the caller.
struct Sink {
    chunk: Vec<u8>,
    entries: Arc<AtomicU64>,
    parts: Parts,
    stop: CancellationToken,
}

impl Sink {
    fn hand_over(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK));
        let part = pb::BackupResponse {
            part: Some(Part::Chunk(Bytes::from(chunk))),
            entries: self.entries.load(Ordering::Relaxed),
        };
        if self.stop.is_cancelled() {
            return Err(io::Error::other("the service stops"));
        }
        self.parts
            .blocking_send(Ok(part))
            .map_err(|_| io::Error::other("the caller has gone"))
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = CHUNK - self.chunk.len();
        let taken = room.min(bytes.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        if self.chunk.len() == CHUNK {
            self.hand_over()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hand_over()
    }
}
