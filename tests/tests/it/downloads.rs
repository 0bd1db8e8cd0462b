//! Files streamed from Lever (F-12).

use lever_sim::{Act, Children};
use proto::v1::{self as pb, download_file_request::Source, download_file_response::Part};
use tonic::{Code, Status};

use crate::support::{Setup, World, http, refused};

/// A file with what is told about it.
async fn download(
    world: &World,
    opportunity: &str,
    source: Source,
) -> Result<(pb::FileInfo, Vec<u8>), Status> {
    let request = pb::DownloadFileRequest {
        connection_id: world.connection.clone(),
        opportunity_id: opportunity.to_owned(),
        source: Some(source),
        ..Default::default()
    };
    let mut parts = world
        .api
        .candidates()
        .download_file(request)
        .await?
        .into_inner();
    let mut info = None;
    let mut bytes = Vec::new();
    while let Some(message) = parts.message().await? {
        // A reader that is slower than Lever: others have their turn between any two parts.
        tokio::task::yield_now().await;
        match message.part.expect("a part") {
            Part::Info(first) => assert_eq!(info.replace(first), None, "told twice"),
            Part::Chunk(chunk) => {
                assert!(info.is_some(), "bytes before the info");
                assert!(chunk.len() <= 64 * 1024, "{} bytes", chunk.len());
                bytes.extend_from_slice(&chunk);
            }
        }
    }
    Ok((info.expect("an info"), bytes))
}

/// What Lever itself answers: the media type and the bytes.
async fn in_lever(world: &World, path: &str) -> (String, Vec<u8>) {
    let request = http()
        .get(format!("{}{path}", world.lever.base_url()))
        .basic_auth(lever_sim::DEFAULT_KEY, Some(""));
    let answer = request.send().await.expect("answered");
    assert!(answer.status().is_success(), "{}", answer.status());
    let content_type = answer.headers()["content-type"].to_str().expect("text");
    let content_type = content_type.to_owned();
    (content_type, answer.bytes().await.expect("whole").to_vec())
}

#[tokio::test]
async fn f12_resumes_and_files_are_streamed_with_name_and_type_and_unknown_ones_refused() {
    let mut setup = Setup::new(20);
    setup.lever.children = Children::Full;
    let world = World::synced(setup).await;
    let person = world.open_opportunities().remove(0);
    let opportunity = person.clone();
    let add = Act::AddFile {
        opportunity,
        name: "portfolio.pdf".to_owned(),
        user: None,
    };
    let file = world.lever.act(add).expect("known").expect("a file");
    let opportunity = person.clone();
    let add = Act::AddResume {
        opportunity,
        user: None,
    };
    let resume = world.lever.act(add).expect("known").expect("a resume");

    let source = Source::FileId(file.clone());
    let (info, bytes) = download(&world, &person, source).await.expect("streamed");
    let path = format!("/opportunities/{person}/files/{file}/download");
    let (content_type, wanted) = in_lever(&world, &path).await;
    assert_eq!(info.name, "portfolio.pdf");
    assert_eq!(info.content_type, content_type);
    assert!(!bytes.is_empty());
    assert!(bytes == wanted, "the bytes are not Lever's");
    assert_eq!(info.size.unwrap_or(bytes.len() as u64), bytes.len() as u64);

    let source = Source::ResumeId(resume.clone());
    let (info, bytes) = download(&world, &person, source).await.expect("streamed");
    let path = format!("/opportunities/{person}/resumes/{resume}/download");
    let (content_type, wanted) = in_lever(&world, &path).await;
    assert!(!info.name.is_empty());
    assert_eq!(info.content_type, content_type);
    assert!(bytes == wanted, "the bytes are not Lever's");

    let nowhere = "00000000-0000-4000-8000-000000000000".to_owned();
    for source in [
        Source::FileId(nowhere.clone()),
        Source::ResumeId(nowhere.clone()),
    ] {
        let told = refused(download(&world, &person, source).await);
        assert_eq!(told.code, Code::NotFound);
    }
}

/// S-04: what the record of a file does not tell, its download does not tell either.
#[tokio::test]
async fn s04_a_download_has_no_name_where_the_name_is_left_out() {
    let mut setup = Setup::new(20);
    setup.connection.excluded_fields = vec!["files.name".to_owned()];
    let world = World::synced(setup).await;
    let person = world.open_opportunities().remove(0);
    let add = Act::AddFile {
        opportunity: person.clone(),
        name: "Ada's portfolio.pdf".to_owned(),
        user: None,
    };
    let file = world.lever.act(add).expect("known").expect("a file");
    let (info, bytes) = download(&world, &person, Source::FileId(file))
        .await
        .expect("streamed");
    assert_eq!(info.name, "");
    assert!(!bytes.is_empty());
}
