//! Taking a file in, to hand it to Lever (F-27).

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use domain::operation::LARGEST_FILE;
use domain::{Operation, Write};
use futures::{Stream, StreamExt as _};
use store::{ReceivedFile, Store};

use super::acting;
use super::content::TOO_LARGE;
use super::submit::WriteRequest;
use crate::engine::Engine;
use crate::error::{Error, Result};

/// How long the next piece of a file may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

impl Engine {
    /// Takes a file in, records its upload, and waits for that up to `wait`.
    ///
    /// The write is a [`Write::UploadFile`]; its size is what the caller announces, 0 for nothing announced, and its
    /// digest is found here. What can be told beforehand is checked before the first byte is taken, unless the request id
    /// stands for an operation already. No more than a
    /// piece of the file is held in memory. Returns once all bytes and the operation are durable, and `wait` is over
    /// or the upload has settled.
    ///
    /// # Errors
    /// As [`Engine::write`]; invalid also for an empty file, one above 30 MB, or one of another size than announced;
    /// unavailable when no piece comes for 30 seconds; whatever `bytes` yields. Nothing is kept then.
    pub async fn upload(
        &self,
        request: WriteRequest,
        bytes: impl Stream<Item = Result<Bytes>> + Send,
        wait: Duration,
    ) -> Result<Operation> {
        let mut request = self.narrowed(request).await?;
        self.connection(request.connection).await?;
        self.check_alone(&request).await?;
        // What was recorded stands, whatever became of the account; whether this is the same, its bytes tell.
        if !self.is_remembered(&request).await? {
            self.running(request.connection)?;
            self.check_against_account(&request).await?;
            acting::choose(self, &request).await?;
        }
        let Write::UploadFile(upload) = &mut request.write else {
            return Err(Error::internal("only an upload comes with a file"));
        };
        let file = receive(&self.shared.store, bytes).await?;
        if upload.size != 0 && upload.size != file.size {
            return Err(Error::invalid(
                "size",
                format!(
                    "{} bytes were announced and {} came: send the whole file again",
                    upload.size, file.size
                ),
            ));
        }
        upload.size = file.size;
        upload.sha256 = file.sha256;
        self.write_with(request, vec![file], wait).await
    }
}

/// Writes the bytes as they come.
pub(super) async fn receive(
    store: &Store,
    bytes: impl Stream<Item = Result<Bytes>> + Send,
) -> Result<ReceivedFile> {
    let mut file = store.receive_file().await?;
    let mut bytes = pin!(bytes);
    loop {
        let next = tokio::time::timeout(PATIENCE, bytes.next()).await;
        let Some(piece) = next.map_err(|_late| too_slow())? else {
            break;
        };
        let piece = piece?;
        if file.size() + piece.len() as u64 > LARGEST_FILE {
            return Err(Error::invalid("chunk", TOO_LARGE));
        }
        file.write(&piece).await?;
    }
    if file.size() == 0 {
        return Err(Error::invalid("chunk", "the file has no bytes: send some"));
    }
    Ok(file.finish().await?)
}

fn too_slow() -> Error {
    let seconds = PATIENCE.as_secs();
    Error::unavailable(format!(
        "no more of the file came for {seconds} seconds: send it again with the same request_id"
    ))
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use tempfile::TempDir;

    use super::*;
    use crate::error::ErrorKind;
    use crate::testing;

    async fn received(
        bytes: impl Stream<Item = Result<Bytes>> + Send,
    ) -> (TempDir, Result<ReceivedFile>) {
        let folder = TempDir::new().unwrap();
        let store = testing::store(folder.path()).await;
        let outcome = receive(&store, bytes).await;
        (folder, outcome)
    }

    fn field(outcome: Result<ReceivedFile>) -> String {
        match outcome.unwrap_err().kind() {
            ErrorKind::Invalid { violations } => violations[0].field.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_file_that_fits_into_a_request_of_30_mb_is_taken_and_one_byte_more_is_not() {
        // 64 KB of the 30 MB are left for what stands around the file in the request.
        let piece = Bytes::from(vec![7; 64 << 10]);
        let largest = vec![piece; 30 * 16 - 1];
        let pieces = |more: &'static [u8]| {
            let more = (!more.is_empty()).then(|| Bytes::from_static(more));
            stream::iter(largest.clone().into_iter().chain(more).map(Ok))
        };
        let (_folder, taken) = received(pieces(b"")).await;
        assert_eq!(taken.unwrap().size, LARGEST_FILE);
        let (folder, refused) = received(pieces(b"x")).await;
        assert_eq!(field(refused), "chunk");
        let left = std::fs::read_dir(folder.path().join("uploads")).unwrap();
        assert_eq!(left.count(), 0);
    }

    #[tokio::test]
    async fn an_empty_file_is_refused() {
        let (_folder, refused) = received(stream::iter([Ok(Bytes::new())])).await;
        assert_eq!(field(refused), "chunk");
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_who_stops_sending_is_not_waited_for_forever() {
        let one = stream::iter([Ok(Bytes::from_static(b"one"))]);
        let (folder, refused) = received(one.chain(stream::pending())).await;
        let refused = refused.unwrap_err();
        assert!(matches!(refused.kind(), ErrorKind::Unavailable { .. }));
        let left = std::fs::read_dir(folder.path().join("uploads")).unwrap();
        assert_eq!(left.count(), 0);
    }
}
