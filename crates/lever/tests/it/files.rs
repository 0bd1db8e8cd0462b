//! Files on their way to Lever and from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use lever::{
    CreateOpportunity, DownloadFile, DownloadOffer, DownloadResume, ErrorKind, FileSource, Limits,
    OpportunityWrite, Retry, UploadFile, UploadOpportunityFile,
};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{client, observed};

/// A file read in three chunks, and how often it was opened.
fn counted(name: &str) -> (FileSource, Arc<AtomicUsize>) {
    let opened = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&opened);
    let file = FileSource::new(name, 9, move || {
        count.fetch_add(1, Ordering::Relaxed);
        let chunks = ["one", "two", "six"].map(|text| Ok(Bytes::from_static(text.as_bytes())));
        Box::pin(stream::iter(chunks))
    });
    (file.with_content_type("text/plain"), opened)
}

/// A server that refuses the first request with 429 and answers `body` to the others.
async fn busy_at_first(status: u16, body: serde_json::Value) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(wiremock::matchers::any())
        .respond_with(ResponseTemplate::new(429).insert_header("retry-after", "0"))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(wiremock::matchers::any())
        .respond_with(ResponseTemplate::new(status).set_body_json(body))
        .mount(&server)
        .await;
    server
}

/// F-27.
#[tokio::test]
async fn an_upload_is_read_anew_and_sent_again_after_429() {
    let server = busy_at_first(201, json!({"data": {"id": "f1"}})).await;
    let (file, opened) = counted("r\u{e9}sum\u{e9}.txt");
    let upload = UploadOpportunityFile {
        opportunity: "o1".into(),
        file,
        perform_as: "u1".into(),
    };
    let answer = client(&server.uri()).answer(&upload).await.unwrap();
    assert_eq!((answer.value.value.id.as_str(), answer.attempts), ("f1", 2));
    assert_eq!(opened.load(Ordering::Relaxed), 2);

    let requests = server.received_requests().await.unwrap();
    for request in &requests {
        assert_eq!(request.url.path(), "/v1/opportunities/o1/files");
        let header = |name: &str| request.headers[name].to_str().unwrap().to_owned();
        let kind = header("content-type");
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
        let expected = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"r\u{e9}sum\u{e9}.txt\"\r\n\
             content-type: text/plain\r\n\r\nonetwosix\r\n--{boundary}--\r\n"
        );
        assert_eq!(String::from_utf8(request.body.clone()).unwrap(), expected);
        assert_eq!(header("content-length"), expected.len().to_string());
        assert!(header("authorization").starts_with("Basic "));
    }
}

#[tokio::test]
async fn an_upload_is_not_sent_again_when_lever_may_have_it() {
    let server = MockServer::start().await;
    Mock::given(path("/v1/uploads"))
        .respond_with(ResponseTemplate::new(500))
        .expect(1)
        .mount(&server)
        .await;
    let (file, opened) = counted("a.txt");
    let error = client(&server.uri())
        .send(&UploadFile { file })
        .await
        .unwrap_err();
    assert_eq!(error.retry(), Retry::No);
    assert!(error.may_have_acted());
    assert_eq!(opened.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_file_that_breaks_off_was_never_with_lever() {
    let server = busy_at_first(201, json!({"data": {}})).await;
    let broken = || {
        stream::iter([
            Ok(Bytes::from_static(b"one")),
            Err(std::io::Error::other("gone")),
        ])
    };
    for file in [
        FileSource::new("a.txt", 9, move || Box::pin(broken())),
        FileSource::new("a.txt", 2, || {
            Box::pin(stream::iter([Ok(Bytes::from_static(b"one"))]))
        }),
        FileSource::new("a.txt", 9, || {
            Box::pin(stream::iter([Ok(Bytes::from_static(b"one"))]))
        }),
    ] {
        let error = client(&server.uri())
            .send(&UploadFile { file })
            .await
            .unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidRequest);
        assert!(!error.may_have_acted());
    }
}

/// F-27.
#[tokio::test]
async fn more_than_30_mb_is_refused_before_any_call() {
    let server = MockServer::start().await;
    // What stands around a file counts.
    for length in [30 * 1024 * 1024, 30 * 1024 * 1024 + 1, u64::MAX] {
        let file = FileSource::new("a.bin", length, || unreachable!("it is not read"));
        let error = client(&server.uri())
            .send(&UploadFile { file })
            .await
            .unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidRequest);
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_opportunity_is_made_together_with_its_resume() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/opportunities"))
        .and(query_param("perform_as", "u1"))
        .respond_with(
            ResponseTemplate::new(201)
                .set_body_json(json!({"deduped": false, "data": {"id": "o1"}})),
        )
        .mount(&server)
        .await;
    let create = CreateOpportunity {
        perform_as: "u1".into(),
        perform_as_posting_owner: false,
        parse: false,
        resume: Some(counted("cv.txt").0),
        files: Vec::new(),
        body: OpportunityWrite {
            name: Some("Ada".to_owned()),
            ..OpportunityWrite::default()
        },
    };
    let created = client(&server.uri()).send(&create).await.unwrap();
    assert_eq!(created.deduped, Some(false));
    let request = &server.received_requests().await.unwrap()[0];
    let body = String::from_utf8(request.body.clone()).unwrap();
    assert!(body.contains("name=\"name\"\r\n\r\nAda\r\n"), "{body}");
    assert!(
        body.contains("name=\"resumeFile\"; filename=\"cv.txt\""),
        "{body}"
    );
}

fn resume() -> DownloadResume {
    DownloadResume {
        opportunity: "o1".into(),
        resume: "r1".into(),
    }
}

/// F-12.
#[tokio::test]
async fn a_download_tells_what_it_is_and_goes_through_the_budget() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/v1/opportunities/o1/resumes/r1/download"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_raw("%PDF", "application/pdf")
                .insert_header(
                    "content-disposition",
                    "attachment; filename*=UTF-8''..%2Fcv.pdf",
                ),
        )
        .mount(&server)
        .await;
    let (client, attempts) = observed(&client(&server.uri()));
    let download = client.download(&resume()).await.unwrap();
    assert_eq!(download.content_type.as_deref(), Some("application/pdf"));
    assert_eq!(download.file_name.as_deref(), Some("cv.pdf"));
    assert_eq!(download.length, Some(4));
    let shown = format!("{download:?}");
    assert!(!shown.contains("cv"), "{shown}");
    let chunks: Vec<Bytes> = download.bytes.try_collect().await.unwrap();
    assert_eq!(chunks.concat(), b"%PDF");
    assert_eq!(
        attempts.lock().unwrap()[0].operation,
        "downloadOpportunityResume"
    );
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let server = MockServer::start().await;
    Mock::given(wiremock::matchers::any())
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let call = DownloadOffer {
        opportunity: "o1".into(),
        offer: "f1".into(),
        status: None,
    };
    let mut download = client(&server.uri()).download(&call).await.unwrap();
    assert_eq!(download.file_name, None);
    assert!(download.bytes.next().await.is_none());
}

#[tokio::test]
async fn a_file_lever_could_not_process_is_told_in_words() {
    let server = MockServer::start().await;
    Mock::given(wiremock::matchers::any())
        .respond_with(ResponseTemplate::new(422).set_body_json(json!({"message": "x"})))
        .expect(1)
        .mount(&server)
        .await;
    let call = DownloadFile {
        opportunity: "o1".into(),
        file: "f1".into(),
    };
    let error = client(&server.uri()).download(&call).await.unwrap_err();
    assert_eq!(
        error.kind(),
        &ErrorKind::Invalid {
            status: 422,
            message: "Lever could not process the file, so it cannot be downloaded".to_owned(),
        }
    );
    assert_eq!(error.retry(), Retry::No);
}

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\nconnection: close\r\n\r\n";

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    (listener, address)
}

/// Takes a connection and reads its request.
async fn request(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = [0; 4096];
    let _ = stream.read(&mut request).await;
    stream
}

#[tokio::test]
async fn a_download_is_asked_for_again_until_its_first_byte() {
    let (listener, address) = listen().await;
    let server = tokio::spawn(async move {
        let mut breaks_off = request(&listener).await;
        breaks_off.write_all(HEAD.as_bytes()).await.unwrap();
        breaks_off.shutdown().await.unwrap();
        let mut whole = request(&listener).await;
        whole
            .write_all(format!("{HEAD}0123456789").as_bytes())
            .await
            .unwrap();
        whole.shutdown().await.unwrap();
    });
    let download = client(&address).download(&resume()).await.unwrap();
    let chunks: Vec<Bytes> = download.bytes.try_collect().await.unwrap();
    assert_eq!(chunks.concat(), b"0123456789");
    server.await.unwrap();
}

#[tokio::test]
async fn a_download_that_breaks_off_later_ends_in_an_error() {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let mut stream = request(&listener).await;
        stream
            .write_all(format!("{HEAD}01234").as_bytes())
            .await
            .unwrap();
        stream.shutdown().await.unwrap();
    });
    let mut download = client(&address).download(&resume()).await.unwrap();
    let first = download.bytes.next().await.unwrap().unwrap();
    assert_eq!(first, "01234");
    let error = download.bytes.next().await.unwrap().unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Lost);
    assert!(download.bytes.next().await.is_none());
}

#[tokio::test]
async fn a_download_that_falls_silent_ends_in_an_error() {
    let (listener, address) = listen().await;
    let server = tokio::spawn(async move {
        let mut stream = request(&listener).await;
        stream
            .write_all(format!("{HEAD}01234").as_bytes())
            .await
            .unwrap();
        std::future::pending::<()>().await;
    });
    let patience = Limits {
        attempt_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    let client = client(&address).with_limits(patience);
    let mut download = client.download(&resume()).await.unwrap();
    assert!(download.bytes.next().await.unwrap().is_ok());
    let error = download.bytes.next().await.unwrap().unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Lost);
    server.abort();
}

#[tokio::test]
async fn a_download_comes_no_faster_than_it_is_read() {
    const CHUNK: usize = 256 * 1024;
    const CHUNKS: usize = 256;
    let (listener, address) = listen().await;
    let (stalled, mut is_stalled) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        let mut stream = request(&listener).await;
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
            CHUNK * CHUNKS
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let chunk = vec![b'x'; CHUNK];
        for sent in 0..CHUNKS {
            let mut write = std::pin::pin!(stream.write_all(&chunk));
            let soon = Duration::from_millis(200);
            if tokio::time::timeout(soon, &mut write).await.is_err() {
                // Nobody reads: the buffers of the system are full.
                let _ = stalled.try_send(sent);
                write.await.unwrap();
            }
        }
    });
    let mut download = client(&address).download(&resume()).await.unwrap();
    let first = download.bytes.next().await.unwrap().unwrap();
    let sent = is_stalled.recv().await.unwrap();
    assert!(
        sent < CHUNKS / 2,
        "{sent} of {CHUNKS} chunks were taken at once"
    );
    let rest = download
        .bytes
        .try_fold(0, |sum, chunk| async move { Ok(sum + chunk.len()) })
        .await
        .unwrap();
    assert_eq!(first.len() + rest, CHUNK * CHUNKS);
}
