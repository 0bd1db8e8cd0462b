//! Writes the parts of a body as a stream, without holding more than a chunk of a file.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt};

use crate::endpoint::{FileSource, Part};

/// The body of one attempt.
pub(super) struct Multipart {
    /// The value of the header `Content-Type`.
    pub(super) content_type: String,
    /// How long the body is, in bytes.
    pub(super) length: u64,
    /// The body itself.
    pub(super) body: reqwest::Body,
    /// Whether a file could not be read as it was announced: the body was then never complete.
    pub(super) spoiled: Spoiled,
}

/// Tells after an attempt whether the fault was ours.
#[derive(Debug, Clone, Default)]
pub(super) struct Spoiled(Arc<AtomicBool>);

impl Spoiled {
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Multipart {
    /// Begins to read the files of `parts`; nothing is sent yet.
    ///
    /// # Errors
    /// When the system has no random numbers for the boundary.
    pub(super) fn new(parts: &[Part]) -> Result<Multipart, getrandom::Error> {
        let boundary = boundary_of(getrandom::u64()?, getrandom::u64()?);
        let spoiled = Spoiled::default();
        let chunks = chunks(parts, &boundary, &spoiled);
        Ok(Multipart {
            content_type: format!("multipart/form-data; boundary={boundary}"),
            length: length(parts, &boundary),
            body: reqwest::Body::wrap_stream(chunks),
            spoiled,
        })
    }

    /// How long the body of these parts is, in bytes.
    pub(super) fn length_of(parts: &[Part]) -> u64 {
        length(parts, &boundary_of(0, 0))
    }
}

/// Boundaries are all of one length.
fn boundary_of(first: u64, second: u64) -> String {
    format!("{first:016x}{second:016x}")
}

fn tail(boundary: &str) -> String {
    format!("--{boundary}--\r\n")
}

fn length(parts: &[Part], boundary: &str) -> u64 {
    let content = |part: &Part| match part.as_file() {
        Some(file) => file.length(),
        None => part.as_text().map_or(0, str::len) as u64,
    };
    let around = |part: &Part| part.head(boundary).len() as u64 + 2;
    let parts = parts.iter().fold(0_u64, |sum, part| {
        sum.saturating_add(content(part).saturating_add(around(part)))
    });
    parts.saturating_add(tail(boundary).len() as u64)
}

fn chunks(
    parts: &[Part],
    boundary: &str,
    spoiled: &Spoiled,
) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
    let pieces: Vec<_> = parts
        .iter()
        .flat_map(|part| {
            let content = match part.as_file() {
                Some(file) => exactly(file, spoiled.clone()).boxed(),
                None => once(part.as_text().unwrap_or_default().to_owned()).boxed(),
            };
            [
                once(part.head(boundary)).boxed(),
                content,
                once("\r\n".to_owned()).boxed(),
            ]
        })
        .chain([once(tail(boundary)).boxed()])
        .collect();
    stream::iter(pieces).flatten()
}

fn once(text: String) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::iter([Ok(Bytes::from(text))])
}

/// The bytes of a file, ending in an error when there are more or fewer than announced.
fn exactly(
    file: &FileSource,
    spoiled: Spoiled,
) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
    let length = file.length();
    let state = Some((file.open(), length));
    stream::unfold(state, move |state| {
        let spoiled = spoiled.clone();
        async move {
            let (mut bytes, left) = state?;
            let fault = match bytes.next().await {
                Some(Ok(chunk)) if chunk.len() as u64 <= left => {
                    let left = left - chunk.len() as u64;
                    return Some((Ok(chunk), Some((bytes, left))));
                }
                None if left == 0 => return None,
                Some(Ok(_)) => io::Error::other("the file is longer than announced"),
                None => io::Error::other("the file is shorter than announced"),
                Some(Err(error)) => error,
            };
            spoiled.set();
            Some((Err(fault), None))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::TryStreamExt;

    async fn written(parts: &[Part], spoiled: &Spoiled) -> io::Result<Vec<u8>> {
        let chunks: Vec<Bytes> = chunks(parts, "B", spoiled).try_collect().await?;
        Ok(chunks.concat())
    }

    #[tokio::test]
    async fn parts_are_written_in_order_and_as_long_as_announced() {
        let parts = [
            Part::text("name", "Ada"),
            Part::file("file", FileSource::from_bytes("a.txt", "hello")),
        ];
        let body = written(&parts, &Spoiled::default()).await.unwrap();
        let expected = "--B\r\ncontent-disposition: form-data; name=\"name\"\r\n\r\nAda\r\n\
            --B\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\
            content-type: application/octet-stream\r\n\r\nhello\r\n--B--\r\n";
        assert_eq!(String::from_utf8(body).unwrap(), expected);
        assert_eq!(length(&parts, "B"), expected.len() as u64);
    }

    #[tokio::test]
    async fn a_file_of_another_length_spoils_the_body() {
        for announced in [4, 6] {
            let file = FileSource::new("a.txt", announced, || {
                Box::pin(stream::iter([Ok(Bytes::from_static(b"hello"))]))
            });
            let spoiled = Spoiled::default();
            let parts = [Part::file("file", file)];
            assert!(written(&parts, &spoiled).await.is_err(), "{announced}");
            assert!(spoiled.is_set());
        }
    }
}
