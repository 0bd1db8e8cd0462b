//! Tokens: who may call what, who sees which connection, and that no secret is ever shown (P13, P14, P-02).

use std::time::Duration;

use domain::Stream;
use lever_sim::{Act, Action, FaultPlan, FaultRule};
use proto::v1 as pb;
use proto::v1::OperationState::{Failed, Succeeded};
use tonic::Code;

use crate::bulk_writes::note;
use crate::support::{Api, Home, Setup, World, files_with, fresh_id, refused, until, why};

/// A world that asks for tokens, with one for an administrator.
async fn guarded() -> (World, String) {
    let mut world = World::with_opportunities(40).await;
    world.connect().await;
    world.until_synced().await;
    assert!(world.stop().await.success());
    let admin = world.home.token(&["--role", "admin"]).await;
    world.start().await;
    (world, admin)
}

async fn restarted_with(world: &mut World, arguments: &[&str]) -> String {
    assert!(world.stop().await.success());
    let token = world.home.token(arguments).await;
    world.start().await;
    token
}

async fn list(api: &Api) -> Result<Vec<pb::Connection>, tonic::Status> {
    let answer = api
        .connections()
        .list_connections(pb::ListConnectionsRequest::default())
        .await?;
    Ok(answer.into_inner().connections)
}

#[tokio::test]
async fn once_a_token_exists_nobody_gets_in_without_one() {
    let (world, admin) = guarded().await;
    let doors = [
        world.api.clone(),
        world.api.with_token("flc_nonsense"),
        world.api.with_token(&admin[..admin.len() - 1]),
    ];
    for api in doors {
        let told = refused(list(&api).await);
        assert_eq!(
            (told.code, told.reason.as_str()),
            (Code::Unauthenticated, "TOKEN_INVALID")
        );
    }
    assert_eq!(
        list(&world.api.with_token(&admin))
            .await
            .expect("let in")
            .len(),
        1
    );
}

#[tokio::test]
async fn a_token_that_has_expired_is_worth_nothing() {
    let (mut world, admin) = guarded().await;
    let brief = restarted_with(&mut world, &["--role", "reader", "--ttl", "1ms"]).await;
    assert_eq!(
        refused(list(&world.api.with_token(&brief)).await).code,
        Code::Unauthenticated
    );
    assert!(list(&world.api.with_token(&admin)).await.is_ok());
}

#[tokio::test]
async fn a_reader_may_read_and_nothing_else() {
    let (mut world, _admin) = guarded().await;
    let reader = restarted_with(&mut world, &["--role", "reader"]).await;
    let opportunity = world.open_opportunities().remove(0);
    world.api = world.api.with_token(&reader);
    assert!(world.opportunity(&opportunity).await.is_ok());
    let told = refused(world.note(&opportunity, &fresh_id(), "hello").await);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::PermissionDenied, "ROLE_MISSING")
    );
    let mapping = world.mapping().await.stage_mapping.expect("a mapping");
    assert_eq!(
        refused(world.save_mapping(mapping).await).code,
        Code::PermissionDenied
    );
    let start = pb::StartSyncRequest {
        connection_id: world.connection.clone(),
        streams: Vec::new(),
        ..Default::default()
    };
    assert_eq!(
        refused(world.api.sync().start_sync(start).await).code,
        Code::PermissionDenied
    );
    assert!(world.writes().is_empty());
}

/// A bulk of somebody else's is, to who may not see one of its people, a bulk of the others.
///
/// Seen to fail while the tally counted all: "Lever is not told of the 3 writes", of which one was sent.
#[tokio::test]
async fn who_is_hidden_is_not_counted_among_the_items_of_a_bulk() {
    let mut world = World::synced(Setup::new(400)).await;
    let (secrets, others): (Vec<_>, Vec<_>) = world
        .lever
        .opportunities()
        .into_iter()
        .filter(|one| one["archived"].is_null())
        .partition(|one| one["confidentiality"] == "confidential");
    let id = |one: &serde_json::Value| one["id"].as_str().expect("an id").to_owned();
    let people = [id(&secrets[0]), id(&others[0]), id(&others[1])];
    let trusted = ["--role", "product", "--right", "confidential"];
    let trusted = restarted_with(&mut world, &trusted).await;
    let plain = restarted_with(&mut world, &["--role", "product"]).await;
    world.api = world.api.with_token(&trusted);
    let request = pb::BulkWriteRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        items: people.iter().map(|one| note(one, "held")).collect(),
        hold: Some(pb::Hold {
            delay: Some(pb::hold::Delay::BusinessDays(2)),
        }),
        ..Default::default()
    };
    let told = world.api.candidates().bulk_write(request).await;
    let first = told.expect("accepted").into_inner().message().await;
    let first = first.expect("no error").and_then(|told| told.operation);
    let bulk = first.expect("the bulk").id;
    let held = async |world: &World| {
        let tally = world.operation(&bulk).await.tally.expect("a tally");
        (tally.items, tally.held, tally.cancelled)
    };
    assert_eq!(held(&world).await, (3, 3, 0));
    world.api = world.api.with_token(&plain);
    assert_eq!(held(&world).await, (2, 2, 0));
    let tally = world.cancel(&bulk).await.expect("cancelled").tally;
    assert_eq!(tally.expect("a tally").cancelled, 2);
    assert_eq!(held(&world).await, (2, 0, 2));
    world.api = world.api.with_token(&trusted);
    assert_eq!(held(&world).await, (3, 1, 2));
}

/// To a token without the right, a confidential person does not exist, whatever it asks.
#[tokio::test]
async fn confidential_people_do_not_exist_for_a_token_without_the_right() {
    let mut world = World::new(Setup::new(400).keeping(&[Stream::Files, Stream::Notes])).await;
    let secret = world
        .lever
        .opportunities()
        .into_iter()
        .find(|person| person["confidentiality"] == "confidential" && person["archived"].is_null())
        .expect("the population has some");
    let contact = secret["contact"].as_str().expect("a contact").to_owned();
    let secret = secret["id"].as_str().expect("an id").to_owned();
    let add = Act::AddFile {
        opportunity: secret.clone(),
        name: "portfolio.pdf".to_owned(),
        user: None,
    };
    let file = world.lever.act(add).expect("known").expect("a file");
    world.connect().await;
    world.until_synced().await;
    let trusted = restarted_with(
        &mut world,
        &["--role", "product", "--right", "confidential"],
    )
    .await;
    let plain = restarted_with(&mut world, &["--role", "product"]).await;

    world.api = world.api.with_token(&trusted);
    let files = world.records("files").await.expect("read");
    assert!(files.contains_key(&file));
    let request_id = fresh_id();
    let written = world
        .note(&secret, &request_id, "for few")
        .await
        .expect("seen");
    assert_eq!(world.operations().await.len(), 1);
    let open = world.lever.opportunities().into_iter();
    let (closed, open): (Vec<_>, Vec<_>) = open
        .filter(|person| person["archived"].is_null())
        .partition(|person| person["confidentiality"] == "confidential");
    assert_eq!(waiting(&world).await, open.len() + closed.len());

    world.api = world.api.with_token(&plain);
    assert_eq!(waiting(&world).await, open.len());
    let other = open[0]["id"].as_str().expect("an id");
    assert_unreachable_through(&world, other, &file).await;
    assert_eq!(
        refused(world.opportunity(&secret).await).code,
        Code::NotFound
    );
    for id in [fresh_id(), request_id] {
        let told = refused(world.note(&secret, &id, "for few").await);
        assert_eq!(told.code, Code::NotFound);
    }
    // Nor in the body of a call: Lever would add to the person, and show them in its answer.
    let body = serde_json::json!({ "contact": contact, "emails": ["new@example.com"] });
    let create = pb::CallRequest {
        connection_id: world.connection.clone(),
        operation_id: "createOpportunity".to_owned(),
        request_id: fresh_id(),
        body: Some(pb::call_request::Body::BodyJson(body.to_string().into())),
        ..Default::default()
    };
    let sent = world.writes().len();
    let told = refused(world.api.lever().call(create).await);
    assert_eq!(
        (told.code, told.fields.as_slice()),
        (Code::InvalidArgument, &["body".to_owned()][..])
    );
    assert_eq!(world.writes().len(), sent);
    let targets = pb::ListAdvanceTargetsRequest {
        connection_id: world.connection.clone(),
        opportunity_id: secret.clone(),
    };
    let told = refused(world.api.inbound().list_advance_targets(targets).await);
    assert_eq!(told.code, Code::NotFound);
    let get = pb::GetOperationRequest {
        connection_id: world.connection.clone(),
        operation_id: written.id.clone(),
    };
    let told = refused(world.api.operations().get_operation(get).await);
    assert_eq!(told.code, Code::NotFound);
    assert!(world.operations().await.is_empty());
    assert!(!world.mirrored().await.contains_key(&secret));
    assert_eq!(world.notes_saying(&secret, "for few"), 1);

    let admin = restarted_with(&mut world, &["--role", "admin"]).await;
    world.api = world.api.with_token(&admin);
    let preview = pb::PreviewActingUserRequest {
        connection_id: world.connection.clone(),
        email: "nobody@example.com".to_owned(),
        opportunity_id: secret,
    };
    let told = world.api.connections().preview_acting_user(preview).await;
    assert_eq!(
        refused(told).code,
        Code::NotFound,
        "who owns it is about it"
    );
    let calls = pb::ListApiCallsRequest {
        connection_id: world.connection.clone(),
        operation_id: written.id,
        ..Default::default()
    };
    let told = world.api.sync().list_api_calls(calls).await;
    assert_eq!(told.expect("told").into_inner().api_calls, []);
}

/// Somebody hidden, nobody, and somebody open, none of whom the mirror has; with a token that may not see the first.
async fn unread() -> (World, String, [String; 3]) {
    let mut world = World::new(Setup::new(400).asked_only()).await;
    world.connect().await;
    let plain = restarted_with(&mut world, &["--role", "product"]).await;
    world.api = world.api.with_token(&plain);
    let everybody = world.lever.opportunities().into_iter();
    let (hidden, open): (Vec<_>, Vec<_>) = everybody
        .filter(|person| person["archived"].is_null())
        .partition(|person| person["confidentiality"] == "confidential");
    let id = |person: &serde_json::Value| person["id"].as_str().expect("an id").to_owned();
    let people = [id(&hidden[0]), fresh_id(), id(&open[0])];
    (world, plain, people)
}

/// What is taken while Lever is away is sent to nobody whom its caller may not see: Lever tells, once it is back.
#[tokio::test]
async fn a_write_that_lever_could_not_be_asked_about_reaches_nobody_hidden() {
    let (world, _plain, people) = unread().await;
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![FaultRule::on(
            "getOpportunity",
            Action::ServerErrorBefore(503),
        )],
    });
    let mut taken = Vec::new();
    for person in &people {
        let note = pb::CreateNoteRequest {
            opportunity_id: person.clone(),
            request_id: fresh_id(),
            value: "while away".to_owned(),
            wait: Some(prost_types::Duration::default()),
            ..Default::default()
        };
        taken.push(world.create_note(note).await.expect("taken").id);
    }
    world.lever.set_faults(FaultPlan::default());
    let [hidden, nobody, written] = [0, 1, 2].map(|number: usize| &taken[number]);
    assert_eq!(world.settled(written).await.state(), Succeeded);
    for id in [hidden, nobody] {
        let operation = world.settled(id).await;
        assert_eq!(
            (operation.state(), why(&operation).reason.as_str()),
            (Failed, "LEVER_NOT_FOUND")
        );
        let mut calls = operation.lever_calls.iter();
        assert!(calls.all(|call| call.status == 503), "{operation:?}");
    }
    assert_eq!(world.notes_saying(&people[2], "while away"), 1);
    assert_eq!(world.effects("createOpportunityNote"), 1);
    // Nor does asking for them to be read tell one from the other.
    for person in &people[..2] {
        let read = pb::StartSyncRequest {
            connection_id: world.connection.clone(),
            opportunity_id: person.clone(),
            ..Default::default()
        };
        let told = refused(world.api.sync().start_sync(read).await);
        assert_eq!(told.code, Code::NotFound);
    }
}

/// Until Lever has shown the person nothing is noted that may have had an effect: nothing is read back after a kill.
#[tokio::test]
async fn a_kill_while_lever_is_asked_about_a_person_leaves_nothing_unclear() {
    let (mut world, plain, people) = unread().await;
    let stall = Action::StallAfter(Duration::from_secs(600));
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![FaultRule::on("getOpportunity", stall)],
    });
    let request = pb::BulkWriteRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        items: people.iter().map(|one| note(one, "once")).collect(),
        ..Default::default()
    };
    let stream = world.api.candidates().bulk_write(request).await;
    let mut stream = stream.expect("accepted").into_inner();
    let bulk = stream.message().await.expect("told").expect("a message");
    let bulk = bulk.operation.expect("the bulk").id;
    until("Lever is asked about the first two", async || {
        (world.calls("getOpportunity").len() >= 2).then_some(())
    })
    .await;
    world.kill().await;
    world.lever.set_faults(FaultPlan::default());
    world.start().await;
    world.api = world.api.with_token(&plain);
    world.settled(&bulk).await;
    let written = world.operation(&format!("{bulk}/3")).await;
    assert_eq!(written.state(), Succeeded, "{written:?}");
    for number in [1, 2] {
        let item = world.operation(&format!("{bulk}/{number}")).await;
        assert_eq!(
            (item.state(), why(&item).reason.as_str()),
            (Failed, "LEVER_NOT_FOUND")
        );
        assert_eq!(item.lever_calls, []);
    }
    let read_back = world.calls("listOpportunityNotes").into_iter();
    let mut read_back = read_back.filter(|call| !call.path.contains(&people[2]));
    assert_eq!(read_back.next(), None);
    assert_eq!(world.effects("createOpportunityNote"), 1);
}

/// How many people the report of all stages counts.
async fn waiting(world: &World) -> usize {
    let request = pb::GetSlaReportRequest {
        connection_id: world.connection.clone(),
        all_stages: true,
        ..Default::default()
    };
    let report = world.api.inbound().get_sla_report(request).await;
    let total = report.expect("a report").into_inner().total;
    let total = total.expect("counts");
    let all = total.none + total.on_track + total.at_risk + total.breached + total.paused;
    usize::try_from(all).expect("a small number")
}

/// Lever may answer for a file below anybody: nothing that may not be seen is asked of it, live, by `Call` or as bytes.
async fn assert_unreachable_through(world: &World, opportunity: &str, file: &str) {
    let get = pb::GetFileRequest {
        connection_id: world.connection.clone(),
        file_id: file.to_owned(),
        opportunity_id: opportunity.to_owned(),
        read_from: pb::ReadFrom::Lever.into(),
        ..Default::default()
    };
    let told = refused(world.api.lever().get_file(get).await);
    assert_eq!(told.code, Code::NotFound);
    let download = pb::DownloadFileRequest {
        connection_id: world.connection.clone(),
        opportunity_id: opportunity.to_owned(),
        source: Some(pb::download_file_request::Source::FileId(file.to_owned())),
        ..Default::default()
    };
    let told = refused(world.api.candidates().download_file(download).await);
    assert_eq!(told.code, Code::NotFound);
    for operation in ["getOpportunityFile", "deleteOpportunityFile"] {
        let call = pb::CallRequest {
            connection_id: world.connection.clone(),
            operation_id: operation.to_owned(),
            request_id: fresh_id(),
            path_parameters: [("opportunity", opportunity), ("file", file)]
                .map(|(name, id)| (name.to_owned(), id.to_owned()))
                .into(),
            ..Default::default()
        };
        let told = refused(world.api.lever().call(call).await);
        assert_eq!(told.code, Code::NotFound, "{operation}");
    }
    let astray = format!("/opportunities/{opportunity}/files/{file}");
    let asked = world.lever.audit().into_iter();
    let asked: Vec<_> = asked.filter(|call| call.path.contains(&astray)).collect();
    assert!(asked.is_empty(), "{asked:?}");
}

#[tokio::test]
async fn naming_any_lever_user_takes_a_right_of_its_own() {
    let (mut world, _admin) = guarded().await;
    let plain = restarted_with(&mut world, &["--role", "product"]).await;
    let trusted = restarted_with(&mut world, &["--role", "product", "--right", "act_as_any"]).await;
    let opportunity = world.open_opportunities().remove(0);
    let note = || pb::CreateNoteRequest {
        opportunity_id: opportunity.clone(),
        request_id: fresh_id(),
        value: "hello".to_owned(),
        perform_as: world.lever.active_users().remove(0),
        ..Default::default()
    };
    let request = pb::CreateNoteRequest {
        connection_id: world.connection.clone(),
        ..note()
    };
    let told = refused(
        world
            .api
            .with_token(&plain)
            .candidates()
            .create_note(request)
            .await,
    );
    assert_eq!(told.code, Code::PermissionDenied);
    let request = pb::CreateNoteRequest {
        connection_id: world.connection.clone(),
        ..note()
    };
    let done = world
        .api
        .with_token(&trusted)
        .candidates()
        .create_note(request)
        .await
        .expect("recorded");
    assert_eq!(
        done.into_inner().operation.expect("an operation").state(),
        pb::OperationState::Succeeded
    );
}

/// P-02: what belongs to others looks exactly like what does not exist.
#[tokio::test]
#[allow(
    clippy::needless_update,
    reason = "some of the requests have no other field"
)]
async fn a_token_for_one_connection_cannot_tell_another_from_none() {
    let mut world = World::with_opportunities(40).await;
    world.connect().await;
    let own = world.connection.clone();
    world.connect().await;
    let foreign = world.connection.clone();
    world.until_synced().await;
    let opportunity = world.open_opportunities().remove(0);
    let operation = world
        .note(&opportunity, &fresh_id(), "hello")
        .await
        .expect("recorded")
        .id;
    assert!(world.stop().await.success());
    let token = world
        .home
        .token(&["--role", "admin", "--connection", &own])
        .await;
    world.start().await;
    let api = world.api.with_token(&token);

    let seen: Vec<_> = list(&api)
        .await
        .expect("listed")
        .into_iter()
        .map(|connection| connection.id)
        .collect();
    assert_eq!(seen, [own.as_str()]);
    let unknown = "01234567-89ab-7def-8123-456789abcdef";
    macro_rules! alike {
        ($($client:ident.$method:ident($request:ident { $($field:ident: $value:expr),* });)*) => {
            $({
                let ask = async |id: &str| {
                    let request = pb::$request {
                        connection_id: id.to_owned(),
                        $($field: $value,)*
                        ..Default::default()
                    };
                    let mut told = refused(api.$client().$method(request).await);
                    told.message = told.message.replace(id, "ID");
                    told
                };
                let (theirs, nobodys) = (ask(&foreign).await, ask(unknown).await);
                assert_eq!(theirs.code, Code::NotFound, "{}", stringify!($method));
                assert_eq!(theirs, nobodys, "{}", stringify!($method));
            })*
        };
    }
    alike! {
        connections.get_connection(GetConnectionRequest {});
        connections.delete_connection(DeleteConnectionRequest { purge_now: true });
        connections.rotate_credential(RotateCredentialRequest { api_key: "a-new-key-0003".to_owned() });
        sync.start_sync(StartSyncRequest {});
        sync.get_sync_status(GetSyncStatusRequest {});
        sync.watch_sync(WatchSyncRequest {});
        sync.pause_sync(PauseSyncRequest {});
        inbound.list_applicants(ListApplicantsRequest {});
        inbound.list_reject_reasons(ListRejectReasonsRequest {});
        inbound.get_sla_report(GetSlaReportRequest {});
        mapping.get_stage_mapping(GetStageMappingRequest {});
        mapping.suggest_stage_mapping(SuggestStageMappingRequest {});
        mapping.list_stage_mapping_versions(ListStageMappingVersionsRequest {});
        mapping.preview_stage_mapping(PreviewStageMappingRequest {
            stage_mapping: Some(pb::StageMapping::default())
        });
        mapping.rollback_stage_mapping(RollbackStageMappingRequest { etag: "v0".to_owned() });
        fields.get_field_mapping(GetFieldMappingRequest {});
        fields.list_field_mapping_versions(ListFieldMappingVersionsRequest {});
        fields.list_source_fields(ListSourceFieldsRequest {});
        fields.preview_field_mapping(PreviewFieldMappingRequest {
            field_mapping: Some(pb::FieldMapping::default()),
            whose: Some(pb::preview_field_mapping_request::Whose::OpportunityId(opportunity.clone()))
        });
        fields.rollback_field_mapping(RollbackFieldMappingRequest { etag: "v0".to_owned() });
        lever.list_opportunities(ListOpportunitiesRequest {});
        lever.get_opportunity(GetOpportunityRequest { opportunity_id: opportunity.clone() });
        operations.list_operations(ListOperationsRequest {});
        operations.get_operation(GetOperationRequest { operation_id: operation.clone() });
        operations.watch_operations(WatchOperationsRequest { operation_id: operation.clone() });
        operations.cancel_operation(CancelOperationRequest { operation_id: operation.clone() });
        candidates.create_note(CreateNoteRequest {
            opportunity_id: opportunity.clone(), request_id: fresh_id(), value: "hello".to_owned()
        });
        candidates.unarchive(UnarchiveRequest { opportunity_id: opportunity.clone(), request_id: fresh_id() });
    }
    // The operation of one connection is not found in another that the caller does see.
    let request = pb::GetOperationRequest {
        connection_id: own.clone(),
        operation_id: operation,
    };
    assert_eq!(
        refused(api.operations().get_operation(request).await).code,
        Code::NotFound
    );
}

const PLANTED: &str = "planted-api-key-of-the-customer-7f3a";

/// P14.
#[tokio::test]
async fn f01_no_secret_is_in_the_data_directory_the_log_the_metrics_or_an_answer() {
    let mut setup = Setup::new(40).with("FULCRUM__LOG__LEVEL", "trace");
    setup.lever.keys.push(lever_sim::Key::all(PLANTED));
    setup.key = PLANTED.to_owned();
    let mut world = World::synced(setup).await;
    let opportunity = world.open_opportunities().remove(0);
    world
        .note(&opportunity, &fresh_id(), "the salary is confidential-7f3a")
        .await
        .expect("recorded");
    assert!(world.stop().await.success());
    let token = world.home.token(&["--role", "admin"]).await;
    world.start().await;
    let api = world.api.with_token(&token);
    let mut said = format!("{:?}", list(&api).await.expect("listed"));
    let stolen = "a-key-that-lever-rejects-99";
    let request = pb::RotateCredentialRequest {
        connection_id: world.connection.clone(),
        api_key: stolen.to_owned(),
        ..Default::default()
    };
    said += &format!(
        "{:?}",
        refused(api.connections().rotate_credential(request).await)
    );
    said += &http(&world, "/metrics", None).await.1;
    said += &world.home.log();
    for secret in [PLANTED, stolen, &token, "the salary is confidential-7f3a"] {
        assert!(!said.contains(secret), "{secret} was shown");
    }
    assert!(world.stop().await.success());
    for secret in [PLANTED, &token] {
        assert_eq!(
            files_with(&world.home.data(), secret.as_bytes()),
            Vec::<String>::new(),
            "{secret} is on the disk"
        );
    }
}

/// Asks the HTTP side; `host` stands for what a browser elsewhere would send.
async fn http(world: &World, path: &str, host: Option<&str>) -> (u16, String) {
    // A second installation is refused, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let mut request = client.get(format!("http://{}{path}", world.service().http));
    if let Some(host) = host {
        request = request.header("host", host);
    }
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("text"))
}

#[tokio::test]
async fn health_and_metrics_are_served_to_this_machine() {
    let world = World::synced(Setup::new(40)).await;
    assert_eq!(http(&world, "/healthz", None).await.0, 200);
    assert_eq!(http(&world, "/readyz", None).await.0, 200);
    let (code, metrics) = http(&world, "/metrics", None).await;
    assert_eq!(code, 200);
    assert!(
        metrics.contains("fulcrum_lever_requests_total"),
        "{metrics}"
    );
    assert_eq!(http(&world, "/nothing", None).await.0, 404);
    for path in ["/healthz", "/metrics"] {
        assert_eq!(http(&world, path, Some("attacker.example")).await.0, 421);
    }
}

/// What a command prints is all that it prints.
#[tokio::test]
async fn a_token_for_a_connection_that_does_not_exist_is_not_made() {
    let home = Home::new();
    let output = home
        .run(&[
            "token",
            "create",
            "--role",
            "admin",
            "--connection",
            "nonsense",
        ])
        .await;
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(
        said.starts_with("error: ") && said.contains("nonsense"),
        "{said}"
    );
}

/// P13: what was refused since the person is nobody for the caller is not written by asking for it again.
#[tokio::test]
async fn who_works_with_applicants_reaches_nobody_else_by_asking_again() {
    let (mut world, admin) = guarded().await;
    let inbound = restarted_with(&mut world, &["--role", "inbound"]).await;
    let admin = world.api.with_token(&admin);
    world.api = world.api.with_token(&inbound);
    let applicants = world.applicants().await.applicants;
    let stages: Vec<_> = applicants.iter().map(|one| one.stage_id.as_str()).collect();
    let other = world
        .lever
        .opportunities()
        .into_iter()
        .find(|one| {
            let stage = one["stage"].as_str().expect("a stage");
            one["archived"].is_null()
                && one["confidentiality"] != "confidential"
                && !stages.contains(&stage)
        })
        .expect("somebody who is no applicant");
    let other = other["id"].as_str().expect("an id").to_owned();
    let request = pb::AdvanceApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants: vec![pb::ApplicantRef {
            opportunity_id: other.clone(),
            expected_stage_id: String::new(),
        }],
        stage_id: "offer".to_owned(),
        ..Default::default()
    };
    let stream = world.api.inbound().advance_applicants(request).await;
    let mut stream = stream.expect("accepted").into_inner();
    let mut last = None;
    while let Some(told) = stream.message().await.expect("no error") {
        last = told.operation;
    }
    let bulk = last.expect("the bulk");
    assert_eq!(bulk.state(), pb::OperationState::Failed);
    for id in [format!("{}/1", bulk.id), bulk.id.clone()] {
        world.retry(&id).await.expect("in line, as of nobody");
        let again = world.settled(&id).await;
        assert_eq!(again.state(), pb::OperationState::Failed);
    }
    assert_eq!(world.effects("updateOpportunityStage"), 0);
    // Whoever may write to anybody can have it written.
    world.api = admin;
    world.retry(&bulk.id).await.expect("in line");
    let settled = world.settled(&bulk.id).await;
    assert_eq!(settled.state(), pb::OperationState::Succeeded);
    assert_eq!(
        world.lever.opportunity(&other).expect("there")["stage"],
        "offer"
    );
}

/// A secret note is one, whichever way it was written.
#[tokio::test]
async fn what_a_secret_note_says_is_told_to_nobody_but_admins_however_it_was_sent() {
    let mut world = World::synced(Setup::new(40)).await;
    let person = world.open_opportunities().remove(0);
    assert!(world.stop().await.success());
    let admin = world.home.token(&["--role", "admin"]).await;
    let product = world.home.token(&["--role", "product"]).await;
    world.start().await;
    let bare = world.api.clone();
    world.api = bare.with_token(&admin);
    let document = world.lever.opportunity(&person).expect("there");
    let candidate = document["id"].as_str().expect("an id");
    let sent = async |operation: &str, path: &[(&str, &str)], body: serde_json::Value| {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let request = pb::CallRequest {
            connection_id: world.connection.clone(),
            operation_id: operation.to_owned(),
            path_parameters: path.iter().map(owned).collect(),
            request_id: fresh_id(),
            body: Some(pb::call_request::Body::BodyJson(body.to_string().into())),
            ..Default::default()
        };
        let answer = world.api.lever().call(request).await.expect("recorded");
        let operation = answer.into_inner().operation.expect("an operation");
        assert_eq!(
            operation.state(),
            pb::OperationState::Succeeded,
            "{operation:?}"
        );
        operation
    };
    let note = |secret: bool| serde_json::json!({"value": "the plan", "secret": secret});
    let about = [("opportunity", person.as_str())];
    let open = sent("createOpportunityNote", &about, note(false)).await;
    let made = sent("createOpportunityNote", &about, note(true)).await;
    let path = [about[0], ("note", made.result_id.as_str())];
    let thread = serde_json::json!({"values": [{"value": "the plan"}], "secret": true});
    let update = sent("updateOpportunityNote", &path, thread.clone()).await;
    let path = [("candidate", candidate), ("note", made.result_id.as_str())];
    let update_old = sent("updateCandidateNote", &path, thread).await;
    let made_old = sent("createCandidateNote", &path[..1], note(true)).await;
    let bodies = async |world: &World, operation: &pb::Operation| {
        let told = world.operation(&operation.id).await;
        let texts = told.lever_calls.into_iter().map(|call| call.body_json);
        texts.collect::<String>()
    };
    let secret = [&made, &update, &update_old, &made_old];
    for operation in secret.into_iter().chain([&open]) {
        assert!(bodies(&world, operation).await.contains("the plan"));
    }
    world.api = bare.with_token(&product);
    assert!(bodies(&world, &open).await.contains("the plan"));
    for operation in secret {
        assert_eq!(bodies(&world, operation).await, "", "{operation:?}");
    }
}
