//! Files and resumes of opportunities.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::random::Random;

/// The formats Lever takes, and how they are served. Lever: "Files".
const FORMATS: [(&str, &str, bool); 7] = [
    (
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        true,
    ),
    ("doc", "application/msword", true),
    ("js", "text/javascript", false),
    ("jpg", "image/jpeg", false),
    ("png", "image/png", false),
    ("pdf", "application/pdf", true),
    ("txt", "text/plain", true),
];

/// The extension of a file name, in lower case, if Lever takes such files.
pub(crate) fn format_of(name: &str) -> Option<&'static str> {
    let (stem, ext) = name.rsplit_once('.')?;
    let known = FORMATS
        .iter()
        .find(|(known, ..)| known.eq_ignore_ascii_case(ext));
    known.filter(|_| !stem.is_empty()).map(|(ext, ..)| *ext)
}

/// Whether Lever reads text from such files; pictures and scripts are only kept.
pub(crate) fn readable(ext: &str) -> bool {
    FORMATS
        .iter()
        .any(|(known, _, readable)| *known == ext && *readable)
}

/// What became of a file after its upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileStatus {
    Processing,
    Processed,
    Unsupported,
    Error,
}

impl FileStatus {
    fn text(self) -> &'static str {
        match self {
            FileStatus::Processing => "processing",
            FileStatus::Processed => "processed",
            FileStatus::Unsupported => "unsupported",
            FileStatus::Error => "error",
        }
    }
}

/// The bytes of a file: given by somebody, or drawn from its id when they are asked for.
#[derive(Clone)]
enum Content {
    Given(Bytes),
    Drawn { size: usize },
}

/// One file. Fixture `file.get.json`.
#[derive(Clone)]
pub(crate) struct Document {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) ext: &'static str,
    pub(crate) uploaded_at: i64,
    pub(crate) status: FileStatus,
    content: Content,
}

impl Document {
    /// A file somebody uploaded; what cannot be read is unsupported.
    pub(crate) fn given(id: String, name: &str, ext: &'static str, bytes: Bytes, at: i64) -> Self {
        let status = if readable(ext) {
            FileStatus::Processed
        } else {
            FileStatus::Unsupported
        };
        Document {
            id,
            name: name.to_owned(),
            ext,
            uploaded_at: at,
            status,
            content: Content::Given(bytes),
        }
    }

    /// A file of the population; its bytes take no memory.
    pub(crate) fn drawn(
        id: String,
        name: &str,
        size: usize,
        status: FileStatus,
        at: i64,
    ) -> Document {
        Document {
            id,
            ext: format_of(name).unwrap_or("pdf"),
            name: name.to_owned(),
            uploaded_at: at,
            status,
            content: Content::Drawn { size },
        }
    }

    pub(crate) fn size(&self) -> usize {
        match &self.content {
            Content::Given(bytes) => bytes.len(),
            Content::Drawn { size } => *size,
        }
    }

    /// The bytes; the same for the same id, always.
    pub(crate) fn bytes(&self) -> Bytes {
        match &self.content {
            Content::Given(bytes) => bytes.clone(),
            Content::Drawn { size } => draw(&self.id, self.ext, *size),
        }
    }

    pub(crate) fn content_type(&self) -> &'static str {
        FORMATS
            .iter()
            .find(|(ext, ..)| *ext == self.ext)
            .map_or("application/octet-stream", |(_, kind, _)| *kind)
    }

    /// The record as a file; the extension has a dot here.
    pub(crate) fn json(&self, opportunity: &str) -> Value {
        let place = format!("files/{}", self.id);
        json!({
            "id": self.id,
            "downloadUrl": download_url(opportunity, &place),
            "ext": format!(".{}", self.ext),
            "name": self.name,
            "uploadedAt": self.uploaded_at,
            "status": self.status.text(),
            "size": self.size(),
        })
    }

    /// The attribute `file` of a resume; the extension has no dot here.
    fn resume_json(&self, opportunity: &str, resume: &str) -> Value {
        let place = format!("resumes/{resume}");
        json!({
            "name": self.name,
            "ext": self.ext,
            "downloadUrl": download_url(opportunity, &place),
            "uploadedAt": self.uploaded_at,
            "status": self.status.text(),
            "size": self.size(),
        })
    }
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Document")
            .field("id", &self.id)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// The address in the web application; the API has its own download calls.
fn download_url(opportunity: &str, place: &str) -> String {
    format!("https://hire.lever.co/candidates/{opportunity}/{place}/download")
}

/// Bytes with the opening of the format, and then text drawn from the id.
fn draw(id: &str, ext: &str, size: usize) -> Bytes {
    let opening: &[u8] = match ext {
        "pdf" => b"%PDF-1.4\n",
        "docx" => b"PK\x03\x04",
        "png" => b"\x89PNG\r\n\x1a\n",
        "jpg" => b"\xff\xd8\xff\xe0",
        _ => b"",
    };
    let mut random = Random::of(0, id);
    let mut bytes = opening.to_vec();
    while bytes.len() < size {
        let letters = random.next().to_le_bytes();
        bytes.extend(letters.map(|byte| b'a' + byte % 26));
    }
    bytes.truncate(size);
    Bytes::from(bytes)
}

/// A resume, with a file or read from a profile. Fixture `resumes.list.json`.
#[derive(Clone)]
pub(crate) struct Resume {
    pub(crate) id: String,
    pub(crate) created_at: i64,
    pub(crate) file: Option<Document>,
    pub(crate) parsed: Value,
}

impl Resume {
    /// A resume in a file from which nothing could be read.
    pub(crate) fn of_file(id: String, file: Document, now: i64) -> Resume {
        Resume {
            id,
            created_at: now,
            file: Some(file),
            parsed: json!({ "positions": [], "schools": [] }),
        }
    }

    /// What `uploaded_at_*` compares. Lever: "List all resumes".
    pub(crate) fn uploaded_at(&self) -> i64 {
        self.file
            .as_ref()
            .map_or(self.created_at, |file| file.uploaded_at)
    }

    pub(crate) fn json(&self, opportunity: &str) -> Value {
        let file = self.file.as_ref();
        json!({
            "id": self.id,
            "createdAt": self.created_at,
            "file": file.map(|file| file.resume_json(opportunity, &self.id)),
            "parsedData": self.parsed,
        })
    }
}

impl std::fmt::Debug for Resume {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resume")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_documented_formats_are_known() {
        assert_eq!(format_of("CV.PDF"), Some("pdf"));
        assert_eq!(format_of("archive.tar.docx"), Some("docx"));
        for refused in ["cv.exe", "cv", ".pdf", "cv.", ""] {
            assert_eq!(format_of(refused), None, "{refused}");
        }
    }

    #[test]
    fn drawn_bytes_are_the_same_for_the_same_id() {
        let file = |id: &str| {
            Document::drawn(id.to_owned(), "cv.pdf", 1000, FileStatus::Processed, 1).bytes()
        };
        assert_eq!(file("a"), file("a"));
        assert_ne!(file("a"), file("b"));
        assert!(file("a").starts_with(b"%PDF") && file("a").len() == 1000);
    }
}
