//! Files, resumes and uploads: multipart in, bytes out.

use lever_sim::{Act, Applicant, ErrorKind};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::support::{NOW, Reply, World, ids, read, text};

const DAY: i64 = 86_400_000;

fn part(name: &str, content: impl Into<Vec<u8>>) -> Part {
    Part::bytes(content.into()).file_name(name.to_owned())
}

fn one_file(name: &str, content: &str) -> Form {
    Form::new().part("file", part(name, content))
}

async fn send(world: &World, path: &str, form: Form) -> Reply {
    let request = world.request(Method::POST, path).multipart(form);
    read(request.send().await.unwrap()).await
}

/// An opportunity with files of this kind, and one of the files for which `holds`.
async fn find(world: &World, kind: &str, holds: impl Fn(&Value) -> bool) -> (String, Value) {
    for opportunity in world.sim.opportunities() {
        let id = text(&opportunity["id"]);
        let listed = world
            .get(&format!("/opportunities/{id}/{kind}"), &[])
            .await
            .body;
        let found = listed["data"]
            .as_array()
            .unwrap()
            .iter()
            .find(|it| holds(it));
        if let Some(found) = found {
            return (id, found.clone());
        }
    }
    panic!("the population has none of these {kind}");
}

struct Downloaded {
    status: u16,
    content_type: Option<String>,
    disposition: Option<String>,
    bytes: Vec<u8>,
}

async fn download(world: &World, path: &str) -> Downloaded {
    let response = world.request(Method::GET, path).send().await.unwrap();
    let header = |name: &str| {
        let value = response.headers().get(name)?;
        Some(value.to_str().unwrap().to_owned())
    };
    Downloaded {
        status: response.status().as_u16(),
        content_type: header("content-type"),
        disposition: header("content-disposition"),
        bytes: response.bytes().await.unwrap().to_vec(),
    }
}

#[tokio::test]
async fn an_uploaded_file_comes_back_byte_for_byte() {
    let world = World::of(40).await;
    let before = world.applied();
    let id = text(&before["id"]);
    let user = world.sim.active_users()[0].clone();
    let files = format!("/opportunities/{id}/files");
    let now = world.pass(60_000);
    // More than frameworks take by default.
    let content = vec![7_u8; 3 * 1024 * 1024];
    let form = Form::new().part("file", part("Zeugnis ü.PDF", content.clone()));
    let made = send(&world, &format!("{files}?perform_as={user}"), form).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let file = &made.body["data"];
    assert_eq!(
        [&file["ext"], &file["name"], &file["status"]],
        [&json!(".pdf"), &json!("Zeugnis ü.PDF"), &json!("processed")]
    );
    assert_eq!(
        [&file["size"], &file["uploadedAt"]],
        [&json!(content.len()), &json!(now)]
    );
    let path = format!("{files}/{}", text(&file["id"]));
    assert_eq!(world.get(&path, &[]).await.body["data"], *file);
    let got = download(&world, &format!("{path}/download")).await;
    assert_eq!((got.status, got.bytes == content), (200, true));
    assert_eq!(got.content_type.as_deref(), Some("application/pdf"));
    assert_eq!(
        got.disposition.as_deref(),
        Some("attachment; filename=\"Zeugnis _.PDF\"; filename*=UTF-8''Zeugnis%20%C3%BC.PDF")
    );
    let after = world.sim.opportunity(&id).unwrap();
    assert_eq!(after["lastInteractionAt"], json!(now));
    assert_eq!(after["updatedAt"], before["updatedAt"]);
    let entry = world.sim.audit().into_iter().find(|it| it.effect).unwrap();
    let seen = json!({ "parts": [{ "name": "file", "filename": "Zeugnis ü.PDF", "size": content.len() }] });
    assert_eq!(entry.body, Some(seen));

    let gone = world.request(Method::DELETE, &format!("{path}?perform_as={user}"));
    assert_eq!(gone.send().await.unwrap().status().as_u16(), 204);
    assert_eq!(world.get(&path, &[]).await.status, 404);
    let actions = world
        .get(&format!("/opportunities/{id}/file_actions"), &[])
        .await
        .body;
    let kinds = actions["data"].as_array().unwrap();
    let kinds: Vec<&str> = kinds
        .iter()
        .map(|it| it["type"].as_str().unwrap())
        .collect();
    assert!(kinds.contains(&"file-remove") && kinds.contains(&"file-added"));
}

#[tokio::test]
async fn what_lever_does_not_take_is_refused() {
    let world = World::of(40).await;
    let id = text(&world.applied()["id"]);
    let user = world.sim.active_users()[0].clone();
    let files = format!("/opportunities/{id}/files");
    let acting = format!("{files}?perform_as={user}");
    let refused = async |path: &str, form: Form| send(&world, path, form).await.status;
    assert_eq!(
        refused(&files, one_file("cv.pdf", "x")).await,
        400,
        "perform_as"
    );
    assert_eq!(
        refused(&acting, one_file("cv.exe", "x")).await,
        400,
        "format"
    );
    let named = Form::new().part("resume", part("cv.pdf", "x"));
    assert_eq!(refused(&acting, named).await, 400, "field name");
    let unnamed = Form::new().text("file", "x");
    assert_eq!(refused(&acting, unnamed).await, 400, "no file name");
    assert_eq!(world.post(&acting, &json!({})).await.status, 400, "JSON");
    let torn = world
        .request(Method::POST, &acting)
        .header("content-type", "multipart/form-data; boundary=x")
        .body("--x\r\n");
    assert_eq!(torn.send().await.unwrap().status().as_u16(), 400, "torn");
    let delete = world.request(Method::DELETE, &format!("{files}/nothing"));
    assert_eq!(delete.send().await.unwrap().status().as_u16(), 400);
    let huge = Form::new().part("file", part("cv.pdf", vec![0_u8; 30 * 1024 * 1024]));
    assert_eq!(refused(&acting, huge).await, 413, "30 MB with the envelope");
    assert!(world.sim.audit().iter().all(|entry| !entry.effect));
}

#[tokio::test]
async fn seeded_files_are_the_same_every_time_and_show_every_status() {
    let one = World::of(200).await;
    let other = World::of(200).await;
    let (id, file) = find(&one, "files", |it| it["status"] == "processed").await;
    let path = format!("/opportunities/{id}/files/{}/download", text(&file["id"]));
    let (a, b) = (download(&one, &path).await, download(&other, &path).await);
    assert_eq!(a.bytes, b.bytes);
    assert_eq!(json!(a.bytes.len()), file["size"]);

    let (id, resume) = find(&one, "resumes", |it| it["file"]["status"] == "error").await;
    let path = format!("/opportunities/{id}/resumes/{}", text(&resume["id"]));
    let got = download(&one, &format!("{path}/download")).await;
    assert_eq!(got.status, 422);
    let (id, resume) = find(&one, "resumes", |it| it["file"].is_null()).await;
    let path = format!("/opportunities/{id}/resumes/{}", text(&resume["id"]));
    assert_eq!(one.get(&path, &[]).await.body["data"], resume);
    let got = download(&one, &format!("{path}/download")).await;
    assert_eq!(got.status, 404);
}

#[tokio::test]
async fn uploaded_at_bounds_are_inclusive_and_must_be_timestamps() {
    let world = World::of(200).await;
    let (id, resume) = find(&world, "resumes", |it| it["file"].is_null()).await;
    let path = format!("/opportunities/{id}/resumes");
    let at = resume["createdAt"].to_string();
    let bounds = [("uploaded_at_start", at.as_str()), ("uploaded_at_end", &at)];
    let found = world.get(&path, &bounds).await.body;
    assert_eq!(
        ids(found["data"].as_array().unwrap()),
        [text(&resume["id"])]
    );
    let later = (resume["createdAt"].as_i64().unwrap() + 1).to_string();
    let none = world.get(&path, &[("uploaded_at_start", &later)]).await;
    assert_eq!(none.body["data"], json!([]));
    for kind in ["files", "resumes"] {
        let path = format!("/opportunities/{id}/{kind}");
        let refused = world
            .get(&path, &[("uploaded_at_start", "yesterday")])
            .await;
        assert_eq!(refused.status, 400);
    }
}

#[tokio::test]
async fn the_candidate_calls_show_the_same_files() {
    let world = World::of(200).await;
    for kind in ["files", "resumes"] {
        let (id, item) = find(&world, kind, |it| it["status"] != "error").await;
        let legacy = format!("/candidates/{id}/{kind}");
        let listed = world.get(&legacy, &[]).await;
        let current = world.get(&format!("/opportunities/{id}/{kind}"), &[]).await;
        assert_eq!(listed, current);
        let path = format!("{legacy}/{}", text(&item["id"]));
        assert_eq!(world.get(&path, &[]).await.body["data"], item);
    }
    let operations: Vec<_> = world
        .sim
        .audit()
        .iter()
        .filter_map(|it| it.operation.clone())
        .collect();
    assert!(operations.contains(&"listCandidateFiles".to_owned()));
    assert!(operations.contains(&"getCandidateResume".to_owned()));
}

#[tokio::test]
async fn an_upload_is_answered_with_its_uri_and_its_end() {
    let world = World::of(1).await;
    let made = send(&world, "/uploads", one_file("resume.pdf", "1234")).await;
    assert_eq!(made.status, 201);
    let upload = &made.body["data"];
    let id = text(&upload["id"]);
    assert!(id.ends_with("-resume.pdf"));
    assert_eq!(
        upload["uri"],
        json!(format!("https://api.lever.co/v1/uploads/{id}"))
    );
    assert_eq!(upload["expiresAt"], json!(NOW + DAY));
    assert_eq!(
        [&upload["filename"], &upload["size"]],
        [&json!("resume.pdf"), &json!(4)]
    );
    let refused = send(&world, "/uploads", one_file("resume.zip", "1234")).await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn the_document_of_an_offer_is_downloaded_in_the_state_asked_for() {
    let world = World::of(600).await;
    let (id, signed) = find(&world, "offers", |it| it["status"] == "signed").await;
    let path = format!(
        "/opportunities/{id}/offers/{}/download",
        text(&signed["id"])
    );
    let (any, sent) = (
        download(&world, &path).await,
        download(&world, &format!("{path}?status=sent")).await,
    );
    assert_eq!((any.status, sent.status), (200, 200));
    let named = |got: &Downloaded| got.disposition.clone().unwrap();
    assert!(named(&any).contains("offer_signed.pdf") && named(&sent).contains("offer.pdf"));
    assert!(any.bytes.starts_with(b"%PDF") && any.bytes != sent.bytes);
    let legacy = format!(
        "/candidates/{id}/offers/{}/download?status=signed",
        text(&signed["id"])
    );
    assert_eq!(download(&world, &legacy).await.bytes, any.bytes);
    assert_eq!(
        world.get(&format!("{path}?status=lost"), &[]).await.status,
        400
    );
    let (id, draft) = find(&world, "offers", |it| it["status"] == "draft").await;
    let path = format!("/opportunities/{id}/offers/{}/download", text(&draft["id"]));
    assert_eq!(download(&world, &path).await.status, 404);
}

#[tokio::test]
async fn people_add_files_and_resumes_too() {
    let world = World::of(20).await;
    let id = world.sim.add_applicant(Applicant::default());
    let now = world.pass(5);
    let add = |act| world.sim.act(act).map(Option::unwrap);
    let (opportunity, name) = (id.clone(), "portfolio.pdf".to_owned());
    let file = Act::AddFile {
        opportunity,
        name,
        user: None,
    };
    let file = add(file).unwrap();
    let path = format!("/opportunities/{id}/files/{file}");
    assert_eq!(
        world.get(&path, &[]).await.body["data"]["name"],
        "portfolio.pdf"
    );
    assert_eq!(
        download(&world, &format!("{path}/download")).await.status,
        200
    );
    assert_eq!(
        world.sim.opportunity(&id).unwrap()["lastInteractionAt"],
        json!(now)
    );
    let resume = add(Act::AddResume {
        opportunity: id.clone(),
        user: None,
    })
    .unwrap();
    let path = format!("/opportunities/{id}/resumes/{resume}/download");
    assert_eq!(download(&world, &path).await.status, 200);
    let refused = Act::AddFile {
        opportunity: id,
        name: "x.exe".to_owned(),
        user: None,
    };
    assert!(matches!(
        add(refused).unwrap_err().kind(),
        ErrorKind::Refused(_)
    ));
}

#[tokio::test]
async fn the_files_of_an_anonymized_person_are_gone() {
    let world = World::of(200).await;
    let (id, _) = find(&world, "resumes", |_| true).await;
    let contact = text(&world.sim.opportunity(&id).unwrap()["contact"]);
    world.sim.act(Act::Anonymize { contact }).unwrap();
    for kind in ["resumes", "files"] {
        let listed = world.get(&format!("/opportunities/{id}/{kind}"), &[]).await;
        assert_eq!(listed.body["data"], json!([]));
    }
}

const RESUME: &str =
    "Name: Ada Blackwater\nEmail: ada@example.com\nCompany: Granite Works\nPhone: +1 555-0100\n";

#[tokio::test]
async fn an_opportunity_is_created_with_its_files() {
    let world = World::of(20).await;
    let user = world.sim.active_users()[0].clone();
    let posting = world.walk("/postings", &[]).await[0].clone();
    let form = Form::new()
        .text("name", "Robin Fernhollow")
        .text("emails[]", "robin@example.com")
        .text("emails[]", "fernhollow@example.com")
        .text("phones[]", r#"{"value":"+1 555-0101"}"#)
        .text("postings[]", posting)
        .text("createdAt", (NOW - 5).to_string())
        .part("resumeFile", part("cv.txt", RESUME))
        .part("files[]", part("photo.png", "1"))
        .part("files[]", part("letter.pdf", "2"));
    let made = send(
        &world,
        &format!("/opportunities?parse=true&perform_as={user}"),
        form,
    )
    .await;
    assert_eq!(made.status, 201, "{}", made.body);
    let it = &made.body["data"];
    assert_eq!(it["name"], "Robin Fernhollow", "given fields win");
    assert_eq!(
        it["headline"], "Granite Works",
        "the rest is read from the resume"
    );
    assert_eq!(
        it["emails"],
        json!(["robin@example.com", "fernhollow@example.com"])
    );
    assert_eq!(it["phones"][0]["value"], "+1 555-0101");
    assert_eq!(it["createdAt"], json!(NOW - 5));
    let id = text(&it["id"]);
    let resumes = world
        .get(&format!("/opportunities/{id}/resumes"), &[])
        .await
        .body;
    let resume = &resumes["data"][0];
    assert_eq!(resume["parsedData"]["positions"][0]["org"], "Granite Works");
    let path = format!(
        "/opportunities/{id}/resumes/{}/download",
        text(&resume["id"])
    );
    assert_eq!(download(&world, &path).await.bytes, RESUME.as_bytes());
    let files = world
        .get(&format!("/opportunities/{id}/files"), &[])
        .await
        .body;
    let statuses = files["data"].as_array().unwrap().iter();
    let statuses: Vec<&Value> = statuses.map(|it| &it["status"]).collect();
    assert_eq!(statuses, ["processed", "unsupported"]);
}

#[tokio::test]
async fn without_parse_a_resume_is_only_kept() {
    let world = World::of(1).await;
    let user = world.sim.active_users()[0].clone();
    let path = format!("/opportunities?perform_as={user}");
    let form = Form::new().part("resumeFile", part("cv.txt", RESUME));
    let made = send(&world, &path, form).await;
    assert_eq!((made.status, &made.body["data"]["name"]), (201, &json!("")));
    for form in [
        Form::new().text("nickname", "x"),
        Form::new().text("createdAt", "yesterday"),
        Form::new().text("phones[]", "no JSON"),
        Form::new().part("resumeFile", part("cv.exe", "x")),
        Form::new()
            .part("resumeFile", part("a.txt", "x"))
            .part("resumeFile", part("b.txt", "x")),
        Form::new().part("picture", part("a.png", "x")),
    ] {
        assert_eq!(send(&world, &path, form).await.status, 400);
    }
}
