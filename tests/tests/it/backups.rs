//! Backups of a running service, and what a service does that starts from one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use lever_sim::{Action, DEFAULT_KEY, FaultPlan, FaultRule, When};
use proto::v1 as pb;
use proto::v1::backup_response::Part;
use tonic::Code;

use crate::support::{Setup, World, fresh_id, program, refused, until};

impl World {
    /// Runs a command against the running service; gives what it says.
    async fn store_command(&self, arguments: &[&str]) -> std::process::Output {
        let server = format!("http://{}", self.service().grpc);
        let output = program()
            .args(arguments)
            .args(["--server", &server])
            .output()
            .await;
        output.expect("the program runs")
    }

    /// Backs the running service up into the file `backup` of its home.
    async fn back_up(&self, more: &[&str]) {
        let file = self.home.path("backup");
        let arguments = [&["store", "backup", file.to_str().expect("UTF-8")], more].concat();
        let output = self.store_command(&arguments).await;
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(said.contains("keep the master key apart"), "{said}");
        let mode = fs::metadata(&file).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    /// Puts a directory restored from the backup in the place of the stopped service's, with its master key.
    async fn restore(&self) -> String {
        let former = self.home.path("former");
        fs::rename(self.home.data(), &former).expect("a folder");
        let file = self.home.path("backup");
        let arguments = ["store", "restore", file.to_str().expect("UTF-8")];
        let output = self.home.run(&arguments).await;
        assert!(output.status.success(), "{output:?}");
        let place = self.home.data().join("master.key");
        fs::copy(former.join("master.key"), place).expect("a key");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Checks the stopped data directory.
    async fn assert_sound(&self) {
        let output = self.home.run(&["store", "check"]).await;
        assert!(output.status.success(), "{output:?}");
    }

    /// Records a note that Lever answers with a pause of an hour: it stays recorded as long as the service runs.
    async fn stuck_note(&self, opportunity: &str, request_id: &str, text: &str) -> pb::Operation {
        let hour = Action::RetryAfter(3600);
        self.lever.set_faults(FaultPlan {
            seed: 0,
            rules: vec![FaultRule::on("createOpportunityNote", hour).when(When::Nth(1))],
        });
        let request = pb::CreateNoteRequest {
            opportunity_id: opportunity.to_owned(),
            request_id: request_id.to_owned(),
            value: text.to_owned(),
            wait: Some(prost_types::Duration::default()),
            ..Default::default()
        };
        let note = self.create_note(request).await.expect("recorded");
        until("Lever has asked for a pause", async || {
            let operation = self.operation(&note.id).await;
            let paused = self.status().await.rate_limit_pause.is_some();
            (paused && operation.state() == pb::OperationState::Recorded).then_some(())
        })
        .await;
        self.lever.set_faults(FaultPlan::default());
        note
    }

    async fn until_succeeded(&self, operation: &str) -> pb::Operation {
        until("the operation has settled", async || {
            let operation = self.operation(operation).await;
            let open = matches!(
                operation.state(),
                pb::OperationState::Recorded | pb::OperationState::Sending
            );
            (!open).then_some(operation)
        })
        .await
    }
}

#[tokio::test]
async fn a_backup_taken_during_the_first_walk_is_whole_and_the_walk_goes_on_from_it() {
    let mut world = World::new(Setup::new(900).keeping(&[])).await;
    let hold = Action::StallAfter(Duration::from_secs(600));
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![FaultRule::on("listOpportunities", hold).when(When::Nth(5))],
    });
    world.connect().await;
    until("some pages are there", async || {
        let calls = world.calls("listOpportunities").len();
        (calls >= 5).then_some(())
    })
    .await;
    world.back_up(&[]).await;
    world.kill().await;
    world.lever.set_faults(FaultPlan::default());
    let said = world.restore().await;
    assert!(said.contains("restored "), "{said}");
    world.assert_sound().await;
    world.start().await;
    world.until_synced().await;
    assert_eq!(world.mirrored().await, world.in_lever());
    assert!(world.stop().await.success());
    world.assert_sound().await;
}

#[tokio::test]
async fn a_store_restored_from_what_is_ours_reads_the_mirror_anew_and_knows_what_was_asked() {
    let mut world = World::synced(Setup::new(120)).await;
    let opportunity = world.open_opportunities().remove(0);
    let asked = fresh_id();
    let written = world
        .note(&opportunity, &asked, "written before")
        .await
        .expect("written");
    let mapping = world.mapping().await;
    world.back_up(&["--only-ours"]).await;
    assert!(world.stop().await.success());
    let said = world.restore().await;
    assert!(said.contains("read from Lever anew"), "{said}");
    world.assert_sound().await;
    world.start().await;
    world.until_synced().await;
    assert_eq!(world.mirrored().await, world.in_lever());
    assert_eq!(world.mapping().await.stage_mapping, mapping.stage_mapping);
    let again = world
        .note(&opportunity, &asked, "written before")
        .await
        .expect("known");
    assert_eq!(again.id, written.id);
    assert_eq!(world.notes_saying(&opportunity, "written before"), 1);
}

#[tokio::test]
async fn a_write_sent_after_the_backup_is_found_in_lever_and_not_sent_again() {
    let mut world = World::synced(Setup::new(30)).await;
    let opportunity = world.open_opportunities().remove(0);
    let note = world
        .stuck_note(&opportunity, &fresh_id(), "sent after the backup")
        .await;
    world.back_up(&["--only-ours"]).await;
    // The service goes on, and sends it.
    assert!(world.stop().await.success());
    world.start().await;
    let sent = world.until_succeeded(&note.id).await;
    assert_eq!(sent.state(), pb::OperationState::Succeeded);
    assert!(world.stop().await.success());

    let said = world.restore().await;
    assert!(said.contains("1 operations may have been sent"), "{said}");
    world.start().await;
    let found = world.until_succeeded(&note.id).await;
    assert_eq!(found.state(), pb::OperationState::Succeeded);
    assert_eq!(found.result_id, sent.result_id);
    assert_eq!(world.notes_saying(&opportunity, "sent after the backup"), 1);
}

#[tokio::test]
async fn a_write_that_was_never_sent_is_looked_for_and_then_sent_once() {
    let mut world = World::synced(Setup::new(30)).await;
    let opportunity = world.open_opportunities().remove(0);
    let note = world
        .stuck_note(&opportunity, &fresh_id(), "never sent before")
        .await;
    world.back_up(&["--only-ours"]).await;
    world.kill().await;
    let looked_before = world.calls("listOpportunityNotes").len();
    world.restore().await;
    world.start().await;
    let sent = world.until_succeeded(&note.id).await;
    assert_eq!(sent.state(), pb::OperationState::Succeeded);
    assert_eq!(world.notes_saying(&opportunity, "never sent before"), 1);
    // Twice, as after any lost answer.
    assert!(world.calls("listOpportunityNotes").len() >= looked_before + 2);
}

#[tokio::test]
async fn a_backup_that_was_cut_is_refused_with_its_place_and_leaves_nothing_behind() {
    let world = World::synced(Setup::new(30)).await;
    world.back_up(&[]).await;
    let file = world.home.path("backup");
    let bytes = fs::read(&file).expect("a file");
    fs::write(&file, &bytes[..bytes.len() / 2]).expect("written");
    let elsewhere = world.home.path("elsewhere");
    let output = program()
        .args(["store", "restore", file.to_str().expect("UTF-8")])
        .args(["--data", elsewhere.to_str().expect("UTF-8")])
        .output()
        .await
        .expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(said.contains("is damaged at record "), "{said}");
    assert!(!elsewhere.exists());
    // A file that is there is somebody's.
    let output = world
        .store_command(&["store", "backup", file.to_str().expect("UTF-8")])
        .await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(fs::read(&file).expect("a file").len(), bytes.len() / 2);
}

#[tokio::test]
async fn a_running_service_is_checked_and_gives_back_its_reserve() {
    let setup = Setup::new(40).with("FULCRUM__STORE__RESERVE_SIZE", "1MB");
    let world = World::synced(setup).await;
    let output = world.store_command(&["store", "check"]).await;
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(said.contains("sound: "), "{said}");
    assert!(world.home.data().join("reserve").exists());
    for expected in ["1 MB are free again\n", "nothing is set aside\n"] {
        let output = world.store_command(&["store", "free-reserve"]).await;
        assert_eq!(String::from_utf8(output.stdout).expect("UTF-8"), expected);
    }
    assert!(!world.home.data().join("reserve").exists());
}

#[tokio::test]
async fn only_an_administrator_of_every_connection_gets_the_store() {
    let mut world = World::synced(Setup::new(20)).await;
    assert!(world.stop().await.success());
    let connection = world.connection.clone();
    let admin = world.home.token(&["--role", "admin"]).await;
    let bound = ["--role", "admin", "--connection", &connection];
    let bound = world.home.token(&bound).await;
    let product = world.home.token(&["--role", "product"]).await;
    world.start().await;
    for token in [&bound, &product] {
        let api = world.api.with_token(token);
        let answer = api.store().backup(pb::BackupRequest::default()).await;
        assert_eq!(refused(answer).code, Code::PermissionDenied);
        let answer = api.store().check(pb::CheckRequest {}).await;
        assert_eq!(refused(answer).code, Code::PermissionDenied);
        let answer = api.store().free_reserve(pb::FreeReserveRequest {}).await;
        assert_eq!(refused(answer).code, Code::PermissionDenied);
    }
    let api = world.api.with_token(&admin);
    let answer = api
        .store()
        .backup(pb::BackupRequest { only_ours: true })
        .await;
    let mut parts = answer.expect("let in").into_inner();
    let mut bytes = Vec::new();
    let mut info = None;
    while let Some(part) = parts.message().await.expect("to its end") {
        match part.part.expect("a part") {
            Part::Info(first) => info = Some(first),
            Part::Chunk(more) => bytes.extend(more),
        }
    }
    assert!(info.expect("it says what it is").only_ours);
    assert!(bytes.starts_with(b"FULCRUM1"));
    let key = DEFAULT_KEY.as_bytes();
    assert!(!bytes.windows(key.len()).any(|part| part == key));
}
