//! The stage mapping is changed safely: previewed, kept in versions, taken back (X3, X21).

use proto::v1 as pb;
use tonic::{Code, Status};

use crate::support::{Setup, World, refused, until};

/// The text of a page of versions: number, author and how many settings differ.
type Told = Vec<(u64, usize)>;

impl World {
    async fn preview(
        &self,
        mapping: pb::StageMapping,
    ) -> Result<pb::PreviewStageMappingResponse, Status> {
        let request = pb::PreviewStageMappingRequest {
            connection_id: self.connection.clone(),
            stage_mapping: Some(mapping),
        };
        let answer = self.api.mapping().preview_stage_mapping(request).await?;
        Ok(answer.into_inner())
    }

    async fn versions(&self, page_size: i32, page_token: &str) -> (Told, String) {
        let request = pb::ListStageMappingVersionsRequest {
            connection_id: self.connection.clone(),
            page_size,
            page_token: page_token.to_owned(),
        };
        let answer = self
            .api
            .mapping()
            .list_stage_mapping_versions(request)
            .await;
        let answer = answer.expect("versions").into_inner();
        let told = answer.versions.iter().map(|version| {
            let mapping = version.stage_mapping.as_ref().expect("a mapping");
            (mapping.version, version.differences.len())
        });
        (told.collect(), answer.next_page_token)
    }

    async fn rollback(&self, version: u64, etag: &str) -> Result<pb::StageMapping, Status> {
        let request = pb::RollbackStageMappingRequest {
            connection_id: self.connection.clone(),
            version,
            etag: etag.to_owned(),
        };
        let answer = self.api.mapping().rollback_stage_mapping(request).await?;
        Ok(answer.into_inner().stage_mapping.expect("a mapping"))
    }

    async fn present_mapping(&self) -> pb::StageMapping {
        self.mapping().await.stage_mapping.expect("a mapping")
    }
}

/// Only what people set.
fn settings(mapping: &pb::StageMapping) -> pb::StageMapping {
    pb::StageMapping {
        version: 0,
        etag: String::new(),
        author: String::new(),
        update_time: None,
        ..mapping.clone()
    }
}

fn with_sla(mapping: &pb::StageMapping, code: &str, days: Option<u32>) -> pb::StageMapping {
    let mut mapping = mapping.clone();
    let mut stages = mapping.product_stages.iter_mut();
    let stage = stages.find(|stage| stage.code == code);
    stage.expect("a product stage").sla_days = days;
    mapping
}

/// X21 as stated: version 3 rolled back to 1 equals 1, and a version 4 exists.
#[tokio::test]
async fn x21_an_earlier_version_is_taken_back_as_a_new_one() {
    let mut world = World::synced(Setup::new(60)).await;
    let zero = world.present_mapping().await;
    let one = world.save_mapping(with_sla(&zero, "OFFER", Some(1))).await;
    let one = one.expect("saved");
    let two = world.save_mapping(with_sla(&one, "OFFER", Some(2))).await;
    let two = two.expect("saved");
    let three = pb::StageMapping {
        inbound_stage_ids: vec!["offer".to_owned()],
        ..with_sla(&two, "OFFER", None)
    };
    let three = world.save_mapping(three).await.expect("saved");

    let stale = refused(world.rollback(1, &two.etag).await);
    assert_eq!(stale.code, Code::Aborted);
    let nowhere = refused(world.rollback(9, &three.etag).await);
    assert_eq!(nowhere.code, Code::NotFound);
    let blank = refused(world.rollback(1, "").await);
    assert_eq!(
        (blank.code, blank.fields.clone()),
        (Code::InvalidArgument, vec!["etag".to_owned()])
    );
    assert_eq!(world.present_mapping().await, three);

    let four = world.rollback(1, &three.etag).await.expect("taken back");
    assert_eq!(four.version, 4);
    assert_eq!(settings(&four), settings(&one));

    // Two lines differ between 2 and 3 (SLA, and each side of the inbound set), and so back.
    let (newest, token) = world.versions(3, "").await;
    assert_eq!(newest, [(4, 3), (3, 3), (2, 1)]);
    let (oldest, end) = world.versions(3, &token).await;
    assert_eq!((oldest, end.as_str()), (vec![(1, 1), (0, 0)], ""));

    // All of it outlives the process, the shipped version too.
    assert!(world.stop().await.success());
    world.start().await;
    assert_eq!(world.present_mapping().await, four);
    let five = world.rollback(0, &four.etag).await.expect("taken back");
    assert_eq!((five.version, settings(&five)), (5, settings(&zero)));
}

/// A version tells that something has changed. The shipped one is in no table: saving it says that it is wanted so.
#[tokio::test]
async fn what_has_not_changed_makes_no_version() {
    let world = World::synced(Setup::new(20)).await;
    let zero = world.present_mapping().await;
    let one = world.save_mapping(zero.clone()).await.expect("saved");
    assert_eq!((one.version, settings(&one)), (1, settings(&zero)));
    assert_eq!(world.save_mapping(one.clone()).await.expect("saved"), one);
    assert_eq!(world.rollback(1, &one.etag).await.expect("taken back"), one);
    let (versions, _) = world.versions(9, "").await;
    assert_eq!(versions, [(1, 0), (0, 0)]);
    let stale = refused(world.save_mapping(zero).await);
    assert_eq!(
        stale.code,
        Code::Aborted,
        "an older etag is told all the same"
    );
}

/// X3: the preview tells how many applications move, and nothing is saved.
#[tokio::test]
async fn x3_a_preview_counts_whom_a_change_moves_and_changes_nothing() {
    let world = World::synced(Setup::new(120).keeping(&[])).await;
    let before = world.present_mapping().await;
    let counts = |stages: &[pb::MappedStage], id: &str| {
        let stage = stages.iter().find(|stage| stage.stage_id == id);
        stage.map_or(0, |stage| stage.active_opportunities)
    };
    let today = world.mapping().await.stages;
    let (applicants, offers) = (counts(&today, "applicant-new"), counts(&today, "offer"));
    let everybody: u64 = today.iter().map(|stage| stage.active_opportunities).sum();
    assert!(applicants > 0 && everybody > applicants);

    let mut after = with_sla(&before, "NEW_APPLICANT", None);
    for stage in &mut after.product_stages {
        stage.stage_ids.retain(|id| id != "applicant-new");
        if stage.code == "REVIEW" {
            (stage.stage_ids, stage.sla_days) = (vec!["applicant-new".to_owned()], None);
        }
    }
    after.inbound_stage_ids.push("offer".to_owned());
    let told = world.preview(after.clone()).await.expect("a preview");
    assert_eq!(told.opportunities, everybody);
    let moves: Vec<_> = told
        .moves
        .iter()
        .map(|one| {
            (
                one.from_product_stage.as_str(),
                one.to_product_stage.as_str(),
                one.opportunities,
            )
        })
        .collect();
    assert_eq!(moves, [("NEW_APPLICANT", "REVIEW", applicants)]);
    assert!(
        told.sla_changes
            .iter()
            .all(|change| change.to_state() == pb::SlaState::None)
    );
    let timeless: u64 = told
        .sla_changes
        .iter()
        .map(|change| change.opportunities)
        .sum();
    assert_eq!(timeless, applicants);
    assert_eq!((told.becoming_inbound, told.leaving_inbound), (offers, 0));
    assert!(!told.differences.is_empty());
    let review = told
        .stages
        .iter()
        .find(|stage| stage.stage_id == "applicant-new");
    assert_eq!(review.expect("the stage").product_stage, "REVIEW");

    after.inbound_stage_ids.push("nowhere".to_owned());
    let wrong = refused(world.preview(after).await);
    assert_eq!(wrong.code, Code::InvalidArgument);
    assert_eq!(
        wrong.fields,
        [r#"stage_mapping.inbound_stage_ids["nowhere"]"#]
    );
    assert_eq!(world.present_mapping().await, before);
}

/// X7 as stated: a stage is renamed in Lever, the mapping still works, and one notice is open.
#[tokio::test]
async fn x7_what_lever_changes_under_a_mapping_is_told_until_it_is_saved_again() {
    let world = World::synced(Setup::new(40)).await;
    let stages = world.lever.stages();
    let id = |at: usize| stages[at]["id"].as_str().expect("an id").to_owned();
    let (renamed, gone) = (id(stages.len() - 1), id(stages.len() - 2));
    let mut mapping = world.present_mapping().await;
    mapping.product_stages[7].stage_ids.push(gone.clone());
    world.save_mapping(mapping).await.expect("saved");
    assert_eq!(world.mapping().await.notices, []);

    let rename = lever_sim::Act::RenameStage {
        stage: renamed.clone(),
        text: "Take-home exercise".to_owned(),
    };
    world.lever.act(rename).expect("renamed");
    let deactivate = lever_sim::Act::DeactivateStage {
        stage: gone.clone(),
    };
    world.lever.act(deactivate).expect("deactivated");
    world.pull().await;
    let answer = until("both are told", async || {
        let answer = world.mapping().await;
        (answer.notices.len() == 2).then_some(answer)
    })
    .await;
    let kinds: Vec<_> = answer
        .notices
        .iter()
        .map(|notice| (notice.kind(), notice.id.as_str()))
        .collect();
    let expected = [
        (pb::MappingNoticeKind::RenamedStage, renamed.as_str()),
        (pb::MappingNoticeKind::MissingStage, gone.as_str()),
    ];
    assert_eq!(kinds, expected);
    let notice = &answer.notices[0];
    assert_eq!(notice.text, "Take-home exercise");
    let suggestion = notice.suggestion.as_ref().expect("a suggestion");
    assert_eq!(suggestion.product_stage, "ASSESSMENT");

    world
        .save_mapping(world.present_mapping().await)
        .await
        .expect("saved");
    let left = world.mapping().await.notices;
    assert!(left.iter().all(|notice| notice.id == gone), "{left:?}");
}
