//! Files of Lever's.

use ::lever::{FileId, OfferId, OpportunityId, ResumeId, segment_fault};
use bytes::Bytes;
use engine::{Error, FileDownload, FileSource, Result};
use proto::v1 as pb;
use proto::v1::download_file_request::Source;
use proto::v1::download_file_response::Part;

use super::connection::non_empty;

/// The largest chunk, in bytes.
const LARGEST_CHUNK: usize = 64 << 10;

/// The file a request asks for.
///
/// # Errors
/// Invalid, naming the field.
pub fn from_download(request: &pb::DownloadFileRequest) -> Result<(OpportunityId, FileSource)> {
    let opportunity = named("opportunity_id", &request.opportunity_id)?;
    let status = non_empty(&request.offer_status);
    let source = match &request.source {
        Some(Source::ResumeId(id)) => FileSource::Resume(ResumeId::from(named("resume_id", id)?)),
        Some(Source::FileId(id)) => FileSource::File(FileId::from(named("file_id", id)?)),
        Some(Source::OfferId(id)) => FileSource::Offer {
            offer: OfferId::from(named("offer_id", id)?),
            status: status.clone(),
        },
        None => {
            return Err(Error::invalid(
                "source",
                "give one of resume_id, file_id and offer_id",
            ));
        }
    };
    let of_an_offer = matches!(source, FileSource::Offer { .. });
    let known = matches!(status.as_deref(), None | Some("sent" | "signed"));
    if !known || (status.is_some() && !of_an_offer) {
        return Err(Error::invalid(
            "offer_status",
            "give sent or signed, and only with an offer_id",
        ));
    }
    Ok((OpportunityId::from(opportunity), source))
}

fn named<'a>(field: &str, id: &'a str) -> Result<&'a str> {
    if id.is_empty() {
        return Err(Error::invalid(field, "name it by Lever's id"));
    }
    match segment_fault(id) {
        Some(fault) => Err(Error::invalid(field, fault)),
        None => Ok(id),
    }
}

/// What a file is, as the first message says it.
pub fn to_info(file: &FileDownload) -> pb::DownloadFileResponse {
    pb::DownloadFileResponse {
        part: Some(Part::Info(pb::FileInfo {
            name: file.name.clone().unwrap_or_default(),
            content_type: file.content_type.clone().unwrap_or_default(),
            size: file.size,
        })),
    }
}

/// Bytes of a file, as the other messages carry them.
pub fn to_chunks(mut bytes: Bytes) -> impl Iterator<Item = pb::DownloadFileResponse> {
    std::iter::from_fn(move || {
        let length = bytes.len().min(LARGEST_CHUNK);
        (length > 0).then(|| pb::DownloadFileResponse {
            part: Some(Part::Chunk(bytes.split_to(length))),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(source: Option<Source>, offer_status: &str) -> Result<(OpportunityId, FileSource)> {
        from_download(&pb::DownloadFileRequest {
            connection_id: "c".to_owned(),
            opportunity_id: "o".to_owned(),
            offer_status: offer_status.to_owned(),
            source,
        })
    }

    #[test]
    fn exactly_one_source_is_named_and_a_status_belongs_to_an_offer() {
        let offer = || Some(Source::OfferId("f".to_owned()));
        let resume = || Some(Source::ResumeId("r".to_owned()));
        assert!(asked(resume(), "").is_ok());
        let (_, source) = asked(offer(), "sent").unwrap();
        let status = Some("sent".to_owned());
        assert_eq!(
            source,
            FileSource::Offer {
                offer: OfferId::from("f"),
                status
            }
        );
        for (source, status, field) in [
            (None, "", "source"),
            (Some(Source::FileId(String::new())), "", "file_id"),
            (Some(Source::FileId("..".to_owned())), "", "file_id"),
            (Some(Source::ResumeId("r\n".to_owned())), "", "resume_id"),
            (offer(), "lost", "offer_status"),
            (resume(), "sent", "offer_status"),
        ] {
            let error = asked(source, status).unwrap_err().to_string();
            assert!(error.starts_with(field), "{error}");
        }
    }

    #[test]
    fn chunks_are_small_and_lose_nothing() {
        let bytes = Bytes::from(vec![7; (LARGEST_CHUNK * 2) + 1]);
        let chunks: Vec<_> = to_chunks(bytes)
            .map(|message| match message.part {
                Some(Part::Chunk(chunk)) => chunk.len(),
                _ => 0,
            })
            .collect();
        assert_eq!(chunks, [LARGEST_CHUNK, LARGEST_CHUNK, 1]);
        assert_eq!(to_chunks(Bytes::new()).count(), 0);
    }
}
