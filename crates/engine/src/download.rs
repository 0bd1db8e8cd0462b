//! Files of Lever's, handed on as they come: nothing is kept on the way.

use std::pin::Pin;

use bytes::Bytes;
use domain::{Connection, ConnectionId, Stream};
use futures::StreamExt;
use lever::{
    Download, DownloadFile, DownloadOffer, DownloadResume, ErrorKind as LeverErrorKind, FileId,
    Lane, OfferId, OpportunityId, ResumeId,
};

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::read::Viewer;

/// What a file is taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileSource {
    /// A resume.
    Resume(ResumeId),
    /// A file.
    File(FileId),
    /// An offer: its document.
    Offer {
        /// Which.
        offer: OfferId,
        /// `sent` or `signed`; none for the signed one, or else the one sent.
        status: Option<String>,
    },
}

impl FileSource {
    fn id(&self) -> &str {
        match self {
            FileSource::Resume(resume) => resume.as_str(),
            FileSource::File(file) => file.as_str(),
            FileSource::Offer { offer, .. } => offer.as_str(),
        }
    }

    /// What Lever's paths call it.
    fn parameter(&self) -> &'static str {
        match self {
            FileSource::Resume(_) => "resume",
            FileSource::File(_) => "file",
            FileSource::Offer { .. } => "offer",
        }
    }

    /// Whether the connection leaves out what the file is called.
    fn is_nameless(&self, connection: &Connection) -> bool {
        let left_out = |stream, path: &[&str]| {
            let mut fields = connection.excluded_fields.iter();
            fields.any(|field| field.covers(stream, path))
        };
        match self {
            FileSource::Resume(_) => left_out(Stream::Resumes, &["file", "name"]),
            FileSource::File(_) => left_out(Stream::Files, &["name"]),
            FileSource::Offer { .. } => ["sentDocument", "signedDocument"]
                .iter()
                .any(|document| left_out(Stream::Offers, &[document, "fileName"])),
        }
    }
}

/// The bytes of a file, in order; an error ends them, and what came before is not the whole file then.
pub type FileBytes = Pin<Box<dyn futures::Stream<Item = Result<Bytes>> + Send>>;

/// A file on its way.
pub struct FileDownload {
    /// Its name; none where the connection leaves it out.
    pub name: Option<String>,
    /// Its media type.
    pub content_type: Option<String>,
    /// How many bytes it has.
    pub size: Option<u64>,
    /// The bytes.
    pub bytes: FileBytes,
}

impl std::fmt::Debug for FileDownload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileDownload")
            .field("content_type", &self.content_type)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Asks Lever for a file and returns it once its first bytes are there.
    ///
    /// # Errors
    /// Not found for a file Lever does not have or the caller may not see; precondition where Lever could not process
    /// the file, and for Lever's refusals; unavailable when it does not answer.
    pub async fn download(
        &self,
        id: ConnectionId,
        opportunity: &OpportunityId,
        source: FileSource,
        viewer: Viewer,
    ) -> Result<FileDownload> {
        let sight = self.sight(id, viewer)?;
        sight
            .check_path("opportunity", opportunity.as_str())
            .await?;
        sight.check_path(source.parameter(), source.id()).await?;
        let client = self.link(id)?.client(Lane::Interactive);
        let opportunity = opportunity.clone();
        let (what, named) = (source.parameter(), source.id().to_owned());
        let nameless = source.is_nameless(&sight.connection);
        let opened = match source {
            FileSource::Resume(resume) => {
                let request = DownloadResume {
                    opportunity,
                    resume,
                };
                client.download(&request).await
            }
            FileSource::File(file) => {
                let request = DownloadFile { opportunity, file };
                client.download(&request).await
            }
            FileSource::Offer { offer, status } => {
                let request = DownloadOffer {
                    opportunity,
                    offer,
                    status,
                };
                client.download(&request).await
            }
        };
        opened
            .map(|download| on_its_way(download, nameless))
            .map_err(|error| refused(error, what, &named))
    }
}

fn on_its_way(download: Download, nameless: bool) -> FileDownload {
    FileDownload {
        name: download.file_name.filter(|_| !nameless),
        content_type: download.content_type,
        size: download.length,
        bytes: download
            .bytes
            .map(|chunk| chunk.map_err(Error::from))
            .boxed(),
    }
}

fn refused(error: lever::Error, what: &'static str, id: &str) -> Error {
    match error.kind() {
        LeverErrorKind::Invalid { status: 422, .. } => Error::precondition(
            "FILE_UNREADABLE",
            "Lever could not process this file, so it cannot be downloaded",
            Vec::new(),
        ),
        LeverErrorKind::NotFound => Error::not_found(what, id),
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use domain::ExcludedField;

    use super::*;
    use crate::testing;

    #[test]
    fn a_file_has_no_name_where_the_record_of_it_has_none() {
        let resume = FileSource::Resume(ResumeId::from("r"));
        let file = FileSource::File(FileId::from("f"));
        let offer = FileSource::Offer {
            offer: OfferId::from("o"),
            status: None,
        };
        let nameless = |field: &str| {
            let connection = Connection {
                excluded_fields: [ExcludedField::parse(field).unwrap()].into(),
                ..testing::connection(&[], lever::Timestamp::default())
            };
            [&resume, &file, &offer].map(|source| source.is_nameless(&connection))
        };
        assert_eq!(nameless("resumes.file"), [true, false, false]);
        assert_eq!(nameless("resumes.file.name"), [true, false, false]);
        assert_eq!(nameless("resumes.file.ext"), [false, false, false]);
        assert_eq!(nameless("files.name"), [false, true, false]);
        assert_eq!(nameless("files.size"), [false, false, false]);
        assert_eq!(nameless("offers.signedDocument"), [false, false, true]);
    }
}
