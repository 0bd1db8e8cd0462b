//! Files handed to Lever (F-27), each exactly once.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;
use lever_sim::{Action, FaultPlan, FaultRule, Key, Permissions, When};
use prost_types::Duration as WireDuration;
use proto::v1 as pb;
use proto::v1::OperationState::{Recorded, Sending, Succeeded, Uncertain};
use tonic::{Code, Status};

use crate::support::{Setup, World, fresh_id, http, refused, until, why};

const NAME: &str = "letter of 3 May.pdf";

/// Bytes that tell where they stand, so that a lost or doubled piece shows.
fn bytes(length: usize) -> Vec<u8> {
    let numbers = (0_u32..).flat_map(u32::to_be_bytes);
    numbers.take(length).collect()
}

fn upload(opportunity: &str) -> pb::UploadFileRequest {
    pb::UploadFileRequest {
        opportunity_id: opportunity.to_owned(),
        request_id: fresh_id(),
        name: NAME.to_owned(),
        content_type: "application/pdf".to_owned(),
        ..Default::default()
    }
}

fn piece(bytes: &[u8]) -> pb::UploadFileRequest {
    pb::UploadFileRequest {
        chunk: bytes.to_vec().into(),
        ..Default::default()
    }
}

impl World {
    /// Sends messages as they are.
    async fn send_messages(
        &self,
        messages: Vec<pb::UploadFileRequest>,
    ) -> Result<pb::Operation, Status> {
        let messages = stream::iter(messages);
        let answer = self.api.candidates().upload_file(messages).await?;
        Ok(answer.into_inner().operation.expect("an operation"))
    }

    /// Uploads a file in pieces to the linked account, and waits for its end unless the request says otherwise.
    async fn upload(
        &self,
        mut first: pb::UploadFileRequest,
        bytes: &[u8],
    ) -> Result<pb::Operation, Status> {
        first.connection_id = self.connection.clone();
        first.wait.get_or_insert(WireDuration {
            seconds: 40,
            nanos: 0,
        });
        let pieces = bytes.chunks(10_000).map(piece);
        self.send_messages(std::iter::once(first).chain(pieces).collect())
            .await
    }

    /// The bytes of the files that Lever has of somebody under the name of these tests.
    async fn files_in_lever(&self, opportunity: &str) -> Vec<Vec<u8>> {
        let base = self.lever.base_url();
        let get = async |path: String| {
            let request = http()
                .get(format!("{base}{path}"))
                .basic_auth(lever_sim::DEFAULT_KEY, Some(""));
            let answer = request.send().await.expect("answered");
            assert!(answer.status().is_success(), "{}", answer.status());
            answer.bytes().await.expect("whole")
        };
        let list = get(format!("/opportunities/{opportunity}/files?limit=100")).await;
        let list: serde_json::Value = serde_json::from_slice(&list).expect("JSON");
        let files = list["data"].as_array().expect("a list");
        let mut found = Vec::new();
        for file in files.iter().filter(|file| file["name"] == NAME) {
            let id = file["id"].as_str().expect("an id");
            let path = format!("/opportunities/{opportunity}/files/{id}/download");
            found.push(get(path).await.to_vec());
        }
        found
    }

    /// Fails unless Lever has this file of somebody under the name of these tests, and no second one.
    async fn assert_in_lever_once(&self, opportunity: &str, file: &[u8]) {
        let found = self.files_in_lever(opportunity).await;
        let sizes: Vec<_> = found.iter().map(Vec::len).collect();
        assert_eq!(sizes, [file.len()]);
        assert!(found[0] == file, "other bytes");
    }

    /// How many files wait in the data directory.
    fn files_waiting(&self) -> usize {
        std::fs::read_dir(self.home.data().join("uploads")).map_or(0, Iterator::count)
    }
}

async fn world() -> World {
    let world = World::synced(Setup::new(40)).await;
    default_user(&world).await;
    world
}

/// Files are added in somebody's name.
async fn default_user(world: &World) {
    let user = world.lever.active_users().remove(0);
    let settings = pb::Connection {
        default_acting_user_id: user,
        ..Default::default()
    };
    world
        .change(settings, &["default_acting_user_id"])
        .await
        .expect("changed");
}

/// F-27, F-12: what comes out is what went in, and the mirror knows of it at once.
#[tokio::test]
async fn f27_a_file_is_uploaded_whole_and_shown() {
    let world = world().await;
    let person = world.open_opportunities().remove(0);
    let file = bytes(250_000);
    let asked = pb::UploadFileRequest {
        size: file.len() as u64,
        ..upload(&person)
    };
    let operation = world.upload(asked.clone(), &file).await.expect("recorded");
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    assert_eq!(operation.kind(), pb::OperationKind::UploadFile);
    assert!(!operation.acting_user_id.is_empty());
    assert_eq!(
        operation.lever_calls[0].path,
        format!("/opportunities/{person}/files")
    );
    world.assert_in_lever_once(&person, &file).await;
    assert_eq!(world.files_waiting(), 0);

    let request = pb::ListFilesRequest {
        connection_id: world.connection.clone(),
        opportunity_id: person.clone(),
        ..Default::default()
    };
    let listed = world.api.lever().list_files(request).await.expect("listed");
    let files = listed.into_inner().files;
    let shown = files.iter().find(|file| file.id == operation.result_id);
    assert_eq!(
        shown.map(|file| file.name.as_str()),
        Some(NAME),
        "{files:?}"
    );

    // The same again is the same; other bytes under its id are refused.
    let again = world.upload(asked.clone(), &file).await.expect("the same");
    assert_eq!(again.id, operation.id);
    let mut other = file.clone();
    other[200_000] ^= 1;
    let told = refused(world.upload(asked, &other).await);
    assert_eq!(told.code, Code::AlreadyExists);
    assert_eq!(world.files_in_lever(&person).await.len(), 1);
    assert_eq!(world.files_waiting(), 0);
}

/// F-27: what is accepted fits into a request that Lever takes, with what stands around the file.
#[tokio::test]
async fn f27_the_largest_file_that_is_taken_is_in_lever_and_a_byte_more_goes_nowhere() {
    const LARGEST: usize = 31_391_744;
    let world = world().await;
    default_user(&world).await;
    let opportunity = world.open_opportunities().remove(0);
    let file = bytes(LARGEST + 1);
    for (length, is_taken) in [(LARGEST, true), (LARGEST + 1, false)] {
        let calls = world.writes().len();
        let first = pb::UploadFileRequest {
            connection_id: world.connection.clone(),
            // The longest name, which takes the most room.
            name: format!("{}.pdf", "\u{1f4c4}".repeat(251)),
            wait: Some(WireDuration {
                seconds: 60,
                nanos: 0,
            }),
            ..upload(&opportunity)
        };
        let pieces = file[..length].chunks(1 << 20).map(piece);
        let sent = world
            .send_messages(std::iter::once(first).chain(pieces).collect())
            .await;
        if is_taken {
            let operation = sent.expect("recorded");
            assert_eq!(operation.state(), Succeeded, "{operation:?}");
        } else {
            let told = refused(sent);
            assert_eq!(told.code, Code::InvalidArgument);
            assert_eq!(told.fields, ["chunk"]);
            assert_eq!(world.writes().len(), calls);
        }
    }
}

/// F-27: a key that may only use the old path uploads by it; a file for an application gets the name to give there.
#[tokio::test]
async fn f27_a_file_goes_by_the_old_path_and_to_uploads() {
    let mut setup = Setup::new(40);
    let lacking = ["upload an opportunity file".to_owned()].into();
    setup.lever.keys = vec![Key {
        secret: setup.key.clone(),
        permissions: Permissions::AllBut(lacking),
        confidential: true,
    }];
    let world = World::synced(setup).await;
    default_user(&world).await;
    let person = world.open_opportunities().remove(0);
    let file = bytes(30_000);
    let operation = world
        .upload(upload(&person), &file)
        .await
        .expect("recorded");
    let error = operation.error.expect("refused by Lever");
    assert!(
        error.message.contains("upload an opportunity file"),
        "{error:?}"
    );

    let asked = pb::UploadFileRequest {
        target: pb::UploadTarget::Candidate.into(),
        ..upload(&person)
    };
    let operation = world.upload(asked, &file).await.expect("recorded");
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    assert_eq!(
        operation.lever_calls[0].path,
        format!("/candidates/{person}/files")
    );
    let asked = pb::UploadFileRequest {
        target: pb::UploadTarget::Application.into(),
        ..upload("")
    };
    let operation = world.upload(asked, &file).await.expect("recorded");
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    assert!(operation.result_id.contains(NAME), "{operation:?}");
    assert_eq!(world.effects("uploadFile"), 1);
    assert_eq!(world.effects("uploadCandidateFile"), 1);
}

/// F-27.
#[tokio::test]
async fn f27_what_cannot_be_a_file_for_lever_is_refused_before_any_call() {
    const LARGEST: usize = 30 << 20;
    let world = world().await;
    let person = world.open_opportunities().remove(0);
    let asked = || upload(&person);
    let too_large = bytes(LARGEST + 1);
    let cases: Vec<(pb::UploadFileRequest, &[u8], &str)> = vec![
        (
            pb::UploadFileRequest {
                size: LARGEST as u64 + 1,
                ..asked()
            },
            b"x",
            "size",
        ),
        (asked(), &too_large, "chunk"),
        (asked(), b"", "chunk"),
        (pb::UploadFileRequest { size: 4, ..asked() }, b"abc", "size"),
        (
            pb::UploadFileRequest {
                name: "../x".to_owned(),
                ..asked()
            },
            b"abc",
            "name",
        ),
        (
            pb::UploadFileRequest {
                name: "virus.exe".to_owned(),
                ..asked()
            },
            b"abc",
            "name",
        ),
        (
            pb::UploadFileRequest {
                name: "resume".to_owned(),
                dry_run: true,
                ..asked()
            },
            b"abc",
            "name",
        ),
        (
            pb::UploadFileRequest {
                content_type: "pdf".to_owned(),
                ..asked()
            },
            b"abc",
            "content_type",
        ),
        (
            pb::UploadFileRequest {
                request_id: String::new(),
                ..asked()
            },
            b"abc",
            "request_id",
        ),
        (
            pb::UploadFileRequest {
                opportunity_id: String::new(),
                ..asked()
            },
            b"abc",
            "opportunity_id",
        ),
    ];
    for (request, bytes, field) in cases {
        let told = refused(world.upload(request, bytes).await);
        assert_eq!(
            told.code,
            Code::InvalidArgument,
            "{field}: {}",
            told.message
        );
        assert_eq!(told.fields, [field], "{}", told.message);
    }
    let mut first = asked();
    first.connection_id = world.connection.clone();
    let told = refused(
        world
            .send_messages(vec![first, piece(&bytes(5 << 20))])
            .await,
    );
    assert_eq!(told.reason, "MESSAGE_TOO_LARGE");
    let told = refused(world.send_messages(Vec::new()).await);
    assert_eq!(told.code, Code::InvalidArgument);
    let mut first = asked();
    first.connection_id = world.connection.clone();
    let told = refused(
        world
            .send_messages(vec![first.clone(), piece(b"a"), first])
            .await,
    );
    assert_eq!(told.fields, ["chunk"]);
    let nobody = pb::UploadFileRequest {
        connection_id: fresh_id(),
        ..asked()
    };
    let told = refused(world.send_messages(vec![nobody, piece(b"a")]).await);
    assert_eq!(told.code, Code::NotFound);
    assert_eq!(world.files_waiting(), 0);
    assert!(world.writes().is_empty());
}

/// X13: Lever wants to know in whose name a file is added: the owner's, if nobody else is named.
#[tokio::test]
async fn x13_a_file_is_added_in_the_owner_s_name_and_never_in_nobody_s() {
    let world = World::synced(Setup::new(40)).await;
    let active = world.lever.active_users();
    let owned = world.open_opportunities().into_iter().find_map(|id| {
        let person = world.lever.opportunity(&id)?;
        let owner = person["owner"].as_str()?.to_owned();
        active.contains(&owner).then_some((id, owner))
    });
    let (person, owner) = owned.expect("somebody has an owner");
    let operation = world
        .upload(upload(&person), b"abc")
        .await
        .expect("recorded");
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    assert_eq!(operation.acting_user_id, owner);

    let written = world.writes().len();
    let nobody_s = pb::CallRequest {
        connection_id: world.connection.clone(),
        operation_id: "createOpportunity".to_owned(),
        request_id: fresh_id(),
        body: Some(pb::call_request::Body::BodyJson(
            b"{\"name\": \"Ada\"}"[..].into(),
        )),
        ..Default::default()
    };
    let told = refused(world.api.lever().call(nobody_s).await);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::FailedPrecondition, "ACTING_USER_REQUIRED")
    );
    assert_eq!(world.writes().len(), written);
}

/// X3.
#[tokio::test]
async fn x3_a_dry_run_shows_the_call_and_takes_no_file() {
    let world = world().await;
    let person = world.open_opportunities().remove(0);
    let asked = pb::UploadFileRequest {
        dry_run: true,
        size: 250,
        ..upload(&person)
    };
    let operation = world.upload(asked, b"").await.expect("planned");
    let call = &operation.lever_calls[0];
    assert_eq!(call.lever_operation, "uploadOpportunityFile");
    let expected = pb::PlannedFile {
        name: NAME.to_owned(),
        content_type: "application/pdf".to_owned(),
        size: 250,
    };
    assert_eq!(call.file, Some(expected));
    assert!(world.writes().is_empty());
    assert!(!world.home.data().join("uploads").exists());
}

/// P10.
#[tokio::test]
async fn a_file_whose_answer_is_lost_or_refused_for_now_is_in_lever_once() {
    let world = world().await;
    let people = world.open_opportunities();
    let faults = [
        Action::ResetAfter,
        Action::ServerErrorAfter(500),
        Action::TruncatedBody,
        Action::ResetBefore,
        Action::ServerErrorBefore(503),
        Action::TooManyRequests,
    ];
    let file = bytes(40_000);
    for (opportunity, action) in people.iter().zip(faults) {
        let rule = FaultRule::on("uploadOpportunityFile", action).when(When::Nth(1));
        world.lever.set_faults(FaultPlan {
            seed: 0,
            rules: vec![rule],
        });
        let operation = world
            .upload(upload(opportunity), &file)
            .await
            .expect("recorded");
        assert_eq!(operation.state(), Succeeded, "{action:?}: {operation:?}");
        assert!(!operation.result_id.is_empty(), "{action:?}: {operation:?}");
        world.assert_in_lever_once(opportunity, &file).await;
    }
    assert_eq!(world.files_waiting(), 0);
}

/// P10: what was sent by the old path is looked for by the old path; where even that is not allowed, a person decides.
#[tokio::test]
async fn a_lost_answer_is_resolved_with_the_permissions_there_are() {
    let reads = ["find all opportunity files", "find all candidate files"];
    for lacking in [&reads[..1], &reads] {
        let mut setup = Setup::new(40);
        let permissions = lacking.iter().map(|name| (*name).to_owned());
        setup.lever.keys = vec![Key {
            secret: setup.key.clone(),
            permissions: Permissions::AllBut(permissions.collect()),
            confidential: true,
        }];
        let world = World::synced(setup).await;
        default_user(&world).await;
        let person = world.open_opportunities().remove(0);
        let rule = FaultRule::on("uploadCandidateFile", Action::ResetAfter).when(When::Nth(1));
        world.lever.set_faults(FaultPlan {
            seed: 0,
            rules: vec![rule],
        });
        let asked = pb::UploadFileRequest {
            target: pb::UploadTarget::Candidate.into(),
            ..upload(&person)
        };
        let operation = world.upload(asked, b"abc").await.expect("recorded");
        if lacking.len() == 1 {
            assert_eq!(operation.state(), Succeeded, "{operation:?}");
        } else {
            assert_eq!(operation.state(), Uncertain, "{operation:?}");
            let told = why(&operation);
            assert_eq!(told.details["permission"], "find all candidate files");
        }
        assert_eq!(world.effects("uploadCandidateFile"), 1);
        // Whoever decides about an uncertain one may have it sent again.
        assert_eq!(world.files_waiting(), lacking.len() - 1);
    }
}

/// P1, P10: killed before the call and while it is under way, the file is in Lever once.
#[tokio::test]
async fn a_file_survives_a_kill_and_is_in_lever_once() {
    const FOR_EVER: Duration = Duration::from_secs(600);
    let mut world = world().await;
    let people = world.open_opportunities();
    let file = bytes(70_000);
    let faults = [
        Action::StallAfter(FOR_EVER),
        Action::StallBefore(FOR_EVER),
        Action::TooManyRequests,
    ];
    for (opportunity, action) in people.iter().zip(faults) {
        world.lever.set_faults(FaultPlan {
            seed: 0,
            rules: vec![FaultRule::on("uploadOpportunityFile", action)],
        });
        let asked = pb::UploadFileRequest {
            wait: Some(WireDuration::default()),
            ..upload(opportunity)
        };
        let asked = world.upload(asked, &file).await.expect("recorded");
        until("the call was made", async || {
            let calls = world.calls("uploadOpportunityFile");
            let sent = calls.iter().any(|call| call.path.contains(opportunity));
            let state = world.operation(&asked.id).await.state();
            (sent || state == Sending).then_some(())
        })
        .await;
        assert_eq!(world.files_waiting(), 1, "{action:?}");
        world.kill().await;
        world.lever.set_faults(FaultPlan::default());
        world.start().await;
        let operation = world.settled(&asked.id).await;
        assert_eq!(operation.state(), Succeeded, "{action:?}: {operation:?}");
        world.assert_in_lever_once(opportunity, &file).await;
    }
    assert_eq!(world.files_waiting(), 0);
}

/// A caller who goes away in the middle leaves nothing, and nothing is sent.
#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let world = world().await;
    let person = world.open_opportunities().remove(0);
    let mut first = upload(&person);
    first.connection_id = world.connection.clone();
    let half = stream::iter([first, piece(&bytes(50_000))]);
    let mut client = world.api.candidates();
    let call = tokio::spawn(async move {
        let never_ends = half.chain(stream::pending());
        client.upload_file(never_ends).await
    });
    until("the first half is here", async || {
        (world.files_waiting() == 1).then_some(())
    })
    .await;
    call.abort();
    until("it is removed", async || {
        (world.files_waiting() == 0).then_some(())
    })
    .await;
    assert!(world.writes().is_empty());
    assert!(world.operations().await.is_empty());
}

/// What waits when its account is disconnected goes with its bytes.
#[tokio::test]
async fn the_file_of_a_cancelled_upload_is_removed() {
    let world = world().await;
    let person = world.open_opportunities().remove(0);
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![FaultRule::on(
            "uploadOpportunityFile",
            Action::TooManyRequests,
        )],
    });
    let asked = pb::UploadFileRequest {
        wait: Some(WireDuration::default()),
        ..upload(&person)
    };
    let asked = world.upload(asked, b"abc").await.expect("recorded");
    until("it waits for its turn", async || {
        let operation = world.operation(&asked.id).await;
        let tried = !operation.lever_calls.is_empty();
        (tried && operation.state() == Recorded).then_some(())
    })
    .await;
    assert_eq!(world.files_waiting(), 1);
    let request = pb::CancelOperationRequest {
        connection_id: world.connection.clone(),
        operation_id: asked.id.clone(),
    };
    let cancelled = world.api.operations().cancel_operation(request).await;
    cancelled.expect("it waited");
    assert_eq!(world.files_waiting(), 0);
}

/// X1: the answer to an upload that was answered before does not hang on what became of the account.
#[tokio::test]
async fn x1_an_upload_that_is_repeated_after_the_account_was_unlinked_is_the_same_operation() {
    let world = world().await;
    let person = world.open_opportunities().remove(0);
    let asked = upload(&person);
    let first = world.upload(asked.clone(), b"dear all").await;
    let first = first.expect("recorded");
    assert_eq!(first.state(), Succeeded, "{first:?}");
    let request = pb::DeleteConnectionRequest {
        connection_id: world.connection.clone(),
        ..Default::default()
    };
    let unlinked = world.api.connections().delete_connection(request).await;
    unlinked.expect("unlinked");
    let again = world.upload(asked.clone(), b"dear all").await;
    assert_eq!(again.expect("the same").id, first.id);
    let other = refused(world.upload(asked, b"dear you").await);
    assert_eq!(other.code, Code::AlreadyExists);
    assert_eq!(other.details["operation_id"], first.id);
    let new = refused(world.upload(upload(&person), b"dear all").await);
    assert_eq!(new.reason, "DISCONNECTED");
}

/// X1: nor on who may act by now, where the connection is strict.
#[tokio::test]
async fn x1_an_upload_that_is_repeated_after_its_user_has_left_is_the_same_operation() {
    let world = world().await;
    let person = world.open_opportunities().remove(0);
    let user = world.lever.active_users().remove(1);
    let link = pb::UpdateUserLinkRequest {
        connection_id: world.connection.clone(),
        email: "grace@product.example".to_owned(),
        lever_user_id: user,
    };
    let linked = world.api.connections().update_user_link(link.clone()).await;
    linked.expect("linked");
    let strict = pb::Connection {
        strict_acting_user: true,
        ..Default::default()
    };
    let changed = world.change(strict, &["strict_acting_user"]).await;
    changed.expect("changed");
    let asked = pb::UploadFileRequest {
        acting_user: "grace@product.example".to_owned(),
        ..upload(&person)
    };
    let first = world.upload(asked.clone(), b"dear all").await;
    let first = first.expect("recorded");
    let unlink = pb::UpdateUserLinkRequest {
        lever_user_id: String::new(),
        ..link
    };
    let unlinked = world.api.connections().update_user_link(unlink).await;
    unlinked.expect("unlinked");
    let again = world.upload(asked.clone(), b"dear all").await;
    assert_eq!(again.expect("the same").id, first.id);
    let new = pb::UploadFileRequest {
        request_id: fresh_id(),
        ..asked
    };
    let told = refused(world.upload(new, b"dear all").await);
    assert_eq!(told.reason, "ACTING_USER_UNKNOWN");
}
