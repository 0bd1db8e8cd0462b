//! Files for Lever, as they come in pieces.

use bytes::Bytes;
use domain::Write;
use domain::operation::{FileUpload, UploadTarget};
use engine::{Error, Result};
use proto::v1 as pb;
use tonic::Status;

/// What Lever is told of a file whose type the caller does not name.
pub(super) const UNKNOWN_TYPE: &str = "application/octet-stream";

/// The upload that a first message asks for; its digest is known when the last byte is here.
///
/// # Errors
/// Invalid, naming the field.
pub fn from_upload(request: &pb::UploadFileRequest) -> Result<Write> {
    let content_type = match request.content_type.as_str() {
        "" => UNKNOWN_TYPE,
        named => named,
    };
    Ok(Write::UploadFile(FileUpload {
        target: target(request)?,
        name: request.name.clone(),
        content_type: content_type.to_owned(),
        size: request.size,
        sha256: [0; 32],
        number: 0,
    }))
}

fn target(request: &pb::UploadFileRequest) -> Result<UploadTarget> {
    use pb::UploadTarget as Target;
    let target = match Target::try_from(request.target) {
        Ok(Target::Unspecified | Target::Opportunity) => UploadTarget::Opportunity,
        Ok(Target::Candidate) => UploadTarget::Candidate,
        Ok(Target::Application) => UploadTarget::Application,
        Err(_) => {
            return Err(Error::invalid(
                "target",
                "give OPPORTUNITY, CANDIDATE or APPLICATION",
            ));
        }
    };
    if target == UploadTarget::Application && !request.opportunity_id.is_empty() {
        return Err(Error::invalid(
            "opportunity_id",
            "an upload for an application belongs to nobody yet: leave it empty",
        ));
    }
    Ok(target)
}

/// A piece of the file: what every message but the first carries, and nothing else.
///
/// # Errors
/// Invalid for a message with more in it; unavailable when the caller broke off.
pub fn to_piece(message: std::result::Result<pb::UploadFileRequest, Status>) -> Result<Bytes> {
    let mut message = message.map_err(|_broken_off| {
        Error::unavailable("the upload broke off: send it again with the same request_id")
    })?;
    let piece = std::mem::take(&mut message.chunk);
    if message != pb::UploadFileRequest::default() {
        return Err(Error::invalid(
            "chunk",
            "only the first message says what is uploaded: the others carry a chunk and nothing else",
        ));
    }
    Ok(piece)
}

#[cfg(test)]
mod tests {
    use engine::ErrorKind;

    use super::*;

    fn request() -> pb::UploadFileRequest {
        pb::UploadFileRequest {
            opportunity_id: "o".to_owned(),
            name: "resume.pdf".to_owned(),
            size: 3,
            ..Default::default()
        }
    }

    fn upload(request: pb::UploadFileRequest) -> FileUpload {
        match from_upload(&request) {
            Ok(Write::UploadFile(upload)) => upload,
            other => panic!("{other:?}"),
        }
    }

    fn bad_field<T: std::fmt::Debug>(outcome: Result<T>) -> String {
        let error = outcome.unwrap_err();
        match error.kind() {
            ErrorKind::Invalid { violations } => violations[0].field.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_upload_goes_to_the_files_of_the_opportunity_unless_said_otherwise() {
        let plain = upload(request());
        assert_eq!(plain.target, UploadTarget::Opportunity);
        assert_eq!((plain.content_type.as_str(), plain.size), (UNKNOWN_TYPE, 3));
        let other = pb::UploadFileRequest {
            target: pb::UploadTarget::Candidate.into(),
            content_type: "application/pdf".to_owned(),
            ..request()
        };
        let other = upload(other);
        assert_eq!(other.target, UploadTarget::Candidate);
        assert_eq!(other.content_type, "application/pdf");
    }

    #[test]
    fn an_upload_for_an_application_names_no_opportunity() {
        let application = pb::UploadFileRequest {
            target: pb::UploadTarget::Application.into(),
            opportunity_id: String::new(),
            ..request()
        };
        assert_eq!(
            upload(application.clone()).target,
            UploadTarget::Application
        );
        let named = pb::UploadFileRequest {
            opportunity_id: "o".to_owned(),
            ..application
        };
        assert_eq!(bad_field(from_upload(&named)), "opportunity_id");
        let unknown = pb::UploadFileRequest {
            target: 9,
            ..request()
        };
        assert_eq!(bad_field(from_upload(&unknown)), "target");
    }

    #[test]
    fn later_messages_carry_pieces_and_nothing_else() {
        let piece = pb::UploadFileRequest {
            chunk: Bytes::from_static(b"abc"),
            ..Default::default()
        };
        assert_eq!(to_piece(Ok(piece.clone())).unwrap(), "abc");
        let more = pb::UploadFileRequest {
            name: "x".to_owned(),
            ..piece
        };
        assert_eq!(bad_field(to_piece(Ok(more))), "chunk");
        let broken_off = to_piece(Err(Status::cancelled("gone"))).unwrap_err();
        assert!(matches!(broken_off.kind(), ErrorKind::Unavailable { .. }));
    }
}
