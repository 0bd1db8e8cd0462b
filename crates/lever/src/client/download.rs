//! Reads files as they come, without holding more than a chunk.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt};
use http::header::CONTENT_TYPE;
use reqwest::Response;

use super::attempt::Reading;
use super::call::Call;
use super::{Client, disposition};
use crate::endpoint::DownloadEndpoint;
use crate::error::{Error, ErrorKind};
use crate::registry::Operation;

/// The bytes of a file, in order. An error ends them; what was read until then is not the whole file.
pub type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>;

/// A file on its way from Lever.
pub struct Download {
    /// Its media type, as Lever says.
    pub content_type: Option<String>,
    /// Its name, fit to be the name of one file in a folder. May tell a person.
    pub file_name: Option<String>,
    /// How many bytes are to come; none when Lever does not say, or sends them compressed.
    pub length: Option<u64>,
    /// The bytes. Read no faster than they are asked for; when none come for as long as an attempt may take
    /// ([`Limits::attempt_timeout`](crate::Limits)), the stream ends in [`Lost`](ErrorKind::Lost).
    pub bytes: Chunks,
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("content_type", &self.content_type)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Asks for a file and returns it once its first bytes are there.
    ///
    /// Until then the call is made again like any other read; after that a break is the reader's to handle.
    /// The deadline counts until then too.
    ///
    /// # Errors
    /// Those of [`Client::answer`]; [`Invalid`](ErrorKind::Invalid) with status 422 when Lever could not process the
    /// file.
    pub async fn download<E: DownloadEndpoint>(&self, endpoint: &E) -> Result<Download, Error> {
        let call = Call::new(self, E::OPERATION, &endpoint.request())?;
        self.repeated(&call, |attempt| self.opened(&call, attempt))
            .await
    }

    async fn opened(&self, call: &Call, attempt: u32) -> Result<Download, Error> {
        let response = self.exchange(call, attempt, Reading::AsItComes).await?;
        let response = call.successful(response).await.map_err(explained)?;
        let content_type = response.headers().get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let content_type = content_type.map(str::to_owned);
        let file_name = disposition::file_name(response.headers());
        let length = response.content_length();
        let mut rest = Rest {
            operation: call.operation,
            response,
            patience: self.limits.attempt_timeout,
        };
        let first = rest.next().await.transpose()?;
        let bytes = stream::iter(first.map(Ok)).chain(rest.stream()).boxed();
        Ok(Download {
            content_type,
            file_name,
            length,
            bytes,
        })
    }
}

/// Says in words what Lever means by 422 (Lever: "Download a resume file").
fn explained(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Invalid { status: 422, .. } => error.of_kind(ErrorKind::Invalid {
            status: 422,
            message: "Lever could not process the file, so it cannot be downloaded".to_owned(),
        }),
        _ => error,
    }
}

/// What of a file has not been read yet.
struct Rest {
    operation: &'static Operation,
    response: Response,
    patience: Duration,
}

impl Rest {
    async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        let lost = || Error::new(self.operation, ErrorKind::Lost);
        match tokio::time::timeout(self.patience, self.response.chunk()).await {
            Ok(Ok(chunk)) => chunk.map(Ok),
            Ok(Err(error)) => Some(Err(lost().caused_by(error.without_url()))),
            Err(_) => Some(Err(lost().caused_by("no bytes came for too long"))),
        }
    }

    fn stream(self) -> impl Stream<Item = Result<Bytes, Error>> + Send {
        stream::unfold(Some(self), |rest| async {
            let mut rest = rest?;
            match rest.next().await? {
                Ok(chunk) => Some((Ok(chunk), Some(rest))),
                Err(error) => Some((Err(error), None)),
            }
        })
    }
}
