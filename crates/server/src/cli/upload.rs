//! `fulcrum upload`: a file for Lever.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use proto::v1 as pb;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::client::wire_duration;
use super::write::{Manner, show};
use super::{Client, Failure, Global};

/// How many bytes go in one message.
const PIECE: usize = 64 << 10;

/// Arguments of `fulcrum upload`.
#[derive(Debug, clap::Args)]
pub(super) struct Upload {
    /// The connection by id, external id or name; may be left out when there is one.
    #[arg(long, short)]
    connection: Option<String>,
    /// The file, up to 30 MB.
    file: PathBuf,
    /// Lever's id of the opportunity it is for.
    #[arg(
        long,
        short,
        value_name = "ID",
        required_unless_present = "for_application"
    )]
    opportunity: Option<String>,
    /// Use the old path below candidates, for a key with only that permission.
    #[arg(long)]
    as_candidate: bool,
    /// For an application that is to name it within 24 hours, by the result that is shown.
    #[arg(long, conflicts_with_all = ["opportunity", "as_candidate"])]
    for_application: bool,
    /// The name Lever shows; without it, that of the file.
    #[arg(long)]
    name: Option<String>,
    /// The media type, such as application/pdf.
    #[arg(
        long,
        value_name = "TYPE",
        default_value = "",
        hide_default_value = true
    )]
    content_type: String,
    #[command(flatten)]
    manner: Manner,
}

/// Uploads, and shows the operation as it stands then.
pub(super) async fn run(global: &Global, command: Upload) -> Result<(), Failure> {
    let file = std::fs::File::open(&command.file).map_err(|error| unread(&command.file, &error))?;
    let found = file
        .metadata()
        .map_err(|error| unread(&command.file, &error))?;
    if !found.is_file() {
        return Err(Failure::new(format!(
            "{} is no file",
            command.file.display()
        )));
    }
    let client = Client::open(global).await?;
    let connection = client.connection(command.connection.as_deref()).await?;
    let path = command.file.clone();
    let first = first(command, connection.id, found.len());
    let (sender, messages) = mpsc::channel(4);
    let reading = tokio::spawn(send_pieces(file.into(), first, sender));
    let answer = client
        .candidates()
        .upload_file(ReceiverStream::new(messages))
        .await;
    // The service may have refused before it took the whole file; then its answer tells more.
    let operation = answer?.into_inner().operation.unwrap_or_default();
    if let Ok(Err(error)) = reading.await {
        return Err(unread(&path, &error));
    }
    show(global, &operation)
}

fn unread(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot read {}: {error}", path.display()))
}

/// The message that says what is uploaded.
fn first(command: Upload, connection: String, size: u64) -> pb::UploadFileRequest {
    let target = match (command.for_application, command.as_candidate) {
        (true, _) => pb::UploadTarget::Application,
        (_, true) => pb::UploadTarget::Candidate,
        _ => pb::UploadTarget::Opportunity,
    };
    let name = command.file.file_name().unwrap_or_default();
    let name = command
        .name
        .unwrap_or_else(|| name.to_string_lossy().into_owned());
    pb::UploadFileRequest {
        connection_id: connection,
        opportunity_id: command.opportunity.unwrap_or_default(),
        request_id: command.manner.request_id,
        dry_run: command.manner.dry_run,
        wait: Some(wire_duration(command.manner.wait)),
        acting_user: command.manner.acting_user,
        perform_as: command.manner.perform_as,
        name,
        content_type: command.content_type,
        size,
        target: target.into(),
        chunk: Bytes::new(),
    }
}

/// Sends the first message and the bytes of the file, as fast as they are taken.
async fn send_pieces(
    mut file: tokio::fs::File,
    first: pb::UploadFileRequest,
    sender: mpsc::Sender<pb::UploadFileRequest>,
) -> std::io::Result<()> {
    use tokio::io::AsyncReadExt as _;
    let mut message = first;
    while sender.send(message).await.is_ok() {
        let mut piece = vec![0; PIECE];
        let length = file.read(&mut piece).await?;
        if length == 0 {
            break;
        }
        piece.truncate(length);
        message = pb::UploadFileRequest {
            chunk: piece.into(),
            ..Default::default()
        };
    }
    Ok(())
}
