//! What is deleted in Lever leaves the mirror, and does not come back (P8, X10).

use tonic::Code;

use crate::support::{Setup, World, fresh_id, proved, refused, until};

async fn assert_gone(world: &World, deleted: &[String]) {
    world.pull_until_mirror_equals_lever().await;
    let applicants = world.applicants().await.applicants;
    for id in deleted {
        assert_eq!(refused(world.opportunity(id).await).code, Code::NotFound);
        assert!(
            applicants
                .iter()
                .all(|applicant| applicant.opportunity_id != *id)
        );
        assert_eq!(
            refused(world.note(id, &fresh_id(), "too late").await).code,
            Code::NotFound
        );
    }
    assert_eq!(
        world.stream("opportunities").await.records,
        Some(world.in_lever().len() as u64)
    );
}

/// Some applicants and some others.
async fn delete_some(world: &World) -> Vec<String> {
    let applicants = world
        .applicants()
        .await
        .applicants
        .into_iter()
        .map(|applicant| applicant.opportunity_id);
    let mut doomed: Vec<_> = applicants.take(2).collect();
    doomed.extend(world.in_lever().into_keys().rev().take(3));
    doomed.sort();
    doomed.dedup();
    for id in &doomed {
        world.lever.delete(id).expect("known");
    }
    doomed
}

#[tokio::test]
async fn people_deleted_while_the_service_is_up_are_gone_after_the_next_pull() {
    let world = World::synced(Setup::new(200).keeping(&[])).await;
    let deleted = delete_some(&world).await;
    assert_gone(&world, &deleted).await;
}

#[tokio::test]
async fn people_deleted_while_the_service_is_down_are_gone_after_the_next_pull() {
    let mut world = World::synced(Setup::new(200).keeping(&[])).await;
    let applicant = world.applicants().await.applicants.remove(0).opportunity_id;
    world.stop().await;
    world.lever.delete(&applicant).expect("known");
    world.start().await;
    assert_gone(&world, &[applicant]).await;
}

#[tokio::test]
async fn people_deleted_while_the_account_is_read_for_the_first_time_do_not_stay() {
    let mut world = World::new(Setup::new(500).keeping(&[])).await;
    world.kill_after_page(4).await;
    let doomed: Vec<_> = world.in_lever().into_keys().step_by(17).collect();
    for id in &doomed {
        world.lever.delete(id).expect("known");
    }
    world.restart_until_settled().await;
    assert_gone(&world, &doomed).await;
    let gone = doomed.len();
    proved(
        "P8",
        1,
        &format!("{gone} deleted and a kill while everybody is read"),
    );
}

/// The complete walk that runs now and then finds nobody who is not there, and brings nobody back.
#[tokio::test]
async fn nobody_comes_back_with_the_next_walks() {
    let world = World::synced(
        Setup::new(200)
            .keeping(&[])
            .with("FULCRUM__PULL__SWEEP_INTERVAL", "300ms"),
    )
    .await;
    let deleted = delete_some(&world).await;
    assert_gone(&world, &deleted).await;
    let sweeps = || {
        let calls = world.calls("listOpportunities").into_iter();
        calls
            .filter(|call| {
                call.query
                    .iter()
                    .all(|(name, _)| name != "updated_at_start" && name != "stage_id")
            })
            .count()
    };
    let before = sweeps();
    until("more walks have ended", async || {
        world.pull().await;
        (sweeps() > before + 6).then_some(())
    })
    .await;
    world.assert_mirror_equals_lever().await;
    assert_gone(&world, &deleted).await;
}

/// X11: before their list is walked again, and no walk brings them back.
#[tokio::test]
async fn what_deleted_people_answered_for_equal_opportunity_goes_with_them() {
    let mut setup = Setup::full(60);
    setup.connection.streams = ["opportunities", "applications", "eeo_responses"]
        .map(str::to_owned)
        .into();
    let world = World::synced(setup).await;
    let answers = world.records("eeo_responses").await.expect("read");
    let (id, answer) = answers.first_key_value().expect("an answer");
    let answer: serde_json::Value = serde_json::from_str(answer).expect("JSON");
    let person = answer["opportunityId"].as_str().expect("an id");
    let walked = world.calls("listEeoResponsesPii").len();
    world.lever.delete(person).expect("known");
    let left = until("the answer is gone", async || {
        world.pull_only(&["opportunities"]).await;
        let left = world.records("eeo_responses").await.expect("read");
        (!left.contains_key(id)).then_some(left)
    })
    .await;
    assert_eq!(world.calls("listEeoResponsesPii").len(), walked);
    assert_eq!(left.len(), answers.len() - 1);
    until("the answers were walked again", async || {
        world.pull().await;
        (world.calls("listEeoResponsesPii").len() > walked + 1).then_some(())
    })
    .await;
    assert_eq!(world.records("eeo_responses").await.expect("read"), left);
}
