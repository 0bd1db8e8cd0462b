//! `fulcrum download`: a file of an opportunity.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use proto::v1 as pb;
use proto::v1::download_file_request::Source;
use proto::v1::download_file_response::Part;
use tokio_stream::StreamExt as _;
use tonic::Streaming;

use super::view::grouped;
use super::{Client, Failure, Global, Output};

/// Arguments of `fulcrum download`.
#[derive(Debug, clap::Args)]
pub(super) struct Download {
    /// The connection by id, external id or name; may be left out when there is one.
    #[arg(long, short)]
    connection: Option<String>,
    /// Lever's id of the opportunity.
    opportunity: String,
    #[command(flatten)]
    from: From,
    /// Of an offer: sent or signed. Without it, the signed document, or else the one sent.
    #[arg(
        long,
        value_name = "STATUS",
        default_value = "",
        hide_default_value = true
    )]
    status: String,
    /// Where to write; without it, the name Lever gives, in this folder.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What to take the file from.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct From {
    /// Lever's id of a resume.
    #[arg(long, value_name = "ID")]
    resume: Option<String>,
    /// Lever's id of a file.
    #[arg(long, value_name = "ID")]
    file: Option<String>,
    /// Lever's id of an offer.
    #[arg(long, value_name = "ID")]
    offer: Option<String>,
}

impl From {
    fn source(self) -> Option<Source> {
        let resume = self.resume.map(Source::ResumeId);
        let file = self.file.map(Source::FileId);
        resume.or(file).or(self.offer.map(Source::OfferId))
    }
}

/// Downloads, and tells where the file is.
pub(super) async fn run(global: &Global, command: Download) -> Result<(), Failure> {
    let client = Client::open(global).await?;
    let connection = client.connection(command.connection.as_deref()).await?;
    let request = pb::DownloadFileRequest {
        connection_id: connection.id,
        opportunity_id: command.opportunity,
        offer_status: command.status,
        source: command.from.source(),
    };
    let mut parts = client
        .candidates()
        .download_file(request)
        .await?
        .into_inner();
    let Some(Part::Info(info)) = next(&mut parts).await? else {
        return Err(Failure::new("the service did not say what the file is"));
    };
    let path = command.output.unwrap_or_else(|| safe_name(&info.name));
    let file = create(&path)?;
    let written = match save(file, &path, &info, &mut parts).await {
        Ok(written) => written,
        Err(failure) => {
            // Half a file must not pass for a whole one.
            let _ = std::fs::remove_file(&path);
            return Err(failure);
        }
    };
    let mut output = Output::standard();
    output.line(format!("{} ({} bytes)", path.display(), grouped(written)))
}

async fn next(parts: &mut Streaming<pb::DownloadFileResponse>) -> Result<Option<Part>, Failure> {
    match parts.next().await {
        Some(part) => Ok(part?.part),
        None => Ok(None),
    }
}

/// Makes the file; one that is there already is somebody else's.
fn create(path: &Path) -> Result<File, Failure> {
    File::create_new(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::new(format!(
            "{} is there already: move it, or name another file with --output",
            path.display()
        )),
        _ => cannot_write(path, &error),
    })
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot write {}: {error}", path.display()))
}

async fn save(
    mut file: File,
    path: &Path,
    info: &pb::FileInfo,
    parts: &mut Streaming<pb::DownloadFileResponse>,
) -> Result<u64, Failure> {
    let failed = |error: std::io::Error| cannot_write(path, &error);
    let mut written = 0;
    while let Some(part) = next(parts).await? {
        if let Part::Chunk(bytes) = part {
            file.write_all(&bytes).map_err(failed)?;
            written += bytes.len() as u64;
        }
    }
    file.sync_all().map_err(failed)?;
    match info.size {
        Some(size) if size != written => Err(Failure::new(format!(
            "Lever announced {size} bytes and sent {written}"
        ))),
        _ => Ok(written),
    }
}

/// A name that stays in this folder, whatever Lever says.
fn safe_name(name: &str) -> PathBuf {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|c| !c.is_control()).collect();
    match plain.as_str() {
        "" | "." | ".." => PathBuf::from("download"),
        name => PathBuf::from(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_never_leaves_the_folder() {
        for (name, expected) in [
            ("resume.pdf", "resume.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\temp\\x.doc", "x.doc"),
            ("..", "download"),
            ("", "download"),
            ("a\u{1b}[2Jb", "a[2Jb"),
        ] {
            assert_eq!(safe_name(name), Path::new(expected), "{name}");
        }
    }

    #[test]
    fn a_file_that_is_there_already_is_left_alone() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("mine.txt");
        std::fs::write(&path, "mine").unwrap();
        let refused = create(&path).err().map(|failure| format!("{failure:?}"));
        assert!(refused.is_some_and(|said| said.contains("--output")));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }
}
