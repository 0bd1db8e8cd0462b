//! The SLA report: how many people wait how, and who is due next (product.md 6.3, 7.1).

use proto::v1 as pb;
use tonic::{Code, Status};

use crate::support::{Setup, World, refused};

impl World {
    async fn sla_report(
        &self,
        request: pb::GetSlaReportRequest,
    ) -> Result<pb::GetSlaReportResponse, Status> {
        let request = pb::GetSlaReportRequest {
            connection_id: self.connection.clone(),
            ..request
        };
        let answer = self.api.inbound().get_sla_report(request).await?;
        Ok(answer.into_inner())
    }
}

fn sum(counts: &pb::SlaCounts) -> u64 {
    counts.none + counts.on_track + counts.at_risk + counts.breached + counts.paused
}

fn people(rows: &[pb::SlaReportRow]) -> u64 {
    let counts = rows.iter().filter_map(|row| row.counts.as_ref());
    counts.map(sum).sum()
}

#[tokio::test]
async fn f44_people_are_counted_by_their_sla_and_the_next_to_breach_are_named() {
    let world = World::synced(Setup::new(150).keeping(&[])).await;
    let mut mapping = world.mapping().await.stage_mapping.expect("a mapping");
    // Nobody waits a year: all that have an SLA are in time, and due within the largest span asked about.
    for stage in &mut mapping.product_stages {
        stage.sla_days = Some(365);
    }
    let settings = mapping.sla.get_or_insert_default();
    settings.unit = pb::DayUnit::Calendar.into();
    settings.pause_while_snoozed = Some(false);
    world.save_mapping(mapping.clone()).await.expect("saved");
    let stages = world.mapping().await.stages;
    let everybody: u64 = stages.iter().map(|stage| stage.active_opportunities).sum();
    let mapped = |stage: &&pb::MappedStage| stage.product_stage != "UNMAPPED";
    let with_sla: u64 = stages
        .iter()
        .filter(mapped)
        .map(|stage| stage.active_opportunities)
        .sum();

    let asked = pb::GetSlaReportRequest {
        all_stages: true,
        within_days: Some(365),
        page_size: 3,
        ..Default::default()
    };
    let report = world.sla_report(asked.clone()).await.expect("a report");
    let total = report.total.expect("counts");
    assert_eq!((sum(&total), total.none), (everybody, everybody - with_sla));
    for rows in [&report.stages, &report.postings, &report.owners] {
        assert_eq!(people(rows), everybody);
    }
    for row in &report.stages {
        let stage = stages.iter().find(|stage| stage.stage_id == row.id);
        let stage = stage.expect("a stage of Lever's");
        assert_eq!(
            (&row.text, sum(row.counts.as_ref().expect("counts"))),
            (&stage.text, stage.active_opportunities)
        );
    }
    assert!(report.owners.iter().any(|owner| !owner.text.is_empty()));
    assert!(report.as_of.is_some());
    assert_eq!(report.breaching_size, total.on_track + total.at_risk);
    assert_eq!(report.breaching.len(), 3);
    let due: Vec<_> = report
        .breaching
        .iter()
        .map(|person| {
            let due = person.sla.as_ref().and_then(|sla| sla.due_at);
            due.map(|at| (at.seconds, at.nanos)).expect("due")
        })
        .collect();
    assert!(due.is_sorted(), "{due:?}");

    // Those in inbound stages alone are the list of applicants.
    let inbound = world.sla_report(pb::GetSlaReportRequest::default()).await;
    let inbound = inbound.expect("a report");
    let applicants = world.applicants().await.applicants;
    assert_eq!(
        sum(&inbound.total.expect("counts")),
        applicants.len() as u64
    );
    assert!(!applicants.is_empty());

    // A day that is over before the day has begun: everybody with an SLA is late, and nobody is due any more.
    for stage in &mut mapping.product_stages {
        stage.sla_days = Some(0);
    }
    mapping.etag = "v1".to_owned();
    world.save_mapping(mapping).await.expect("saved");
    let late = world.sla_report(asked).await.expect("a report");
    let total = late.total.expect("counts");
    assert_eq!(sum(&total), everybody);
    assert!(total.breached > 0 && total.breached + total.at_risk + total.on_track == with_sla);
    let worst: Vec<_> = late
        .postings
        .iter()
        .filter_map(|row| Some(row.counts.as_ref()?.breached))
        .collect();
    assert!(worst.is_sorted_by(|one, next| one >= next), "{worst:?}");
}

#[tokio::test]
async fn who_may_see_applicants_only_gets_no_report_on_anybody_else() {
    let mut world = World::synced(Setup::new(40)).await;
    assert!(world.stop().await.success());
    let token = world.home.token(&["--role", "inbound"]).await;
    world.start().await;
    world.api = world.api.with_token(&token);
    assert!(
        world
            .sla_report(pb::GetSlaReportRequest::default())
            .await
            .is_ok()
    );
    let all = pb::GetSlaReportRequest {
        all_stages: true,
        ..Default::default()
    };
    let told = refused(world.sla_report(all).await);
    assert_eq!(told.code, Code::PermissionDenied);
    for (request, field) in [
        (
            pb::GetSlaReportRequest {
                within_days: Some(366),
                ..Default::default()
            },
            "within_days",
        ),
        (
            pb::GetSlaReportRequest {
                page_size: -1,
                ..Default::default()
            },
            "page_size",
        ),
    ] {
        let told = refused(world.sla_report(request).await);
        assert_eq!(
            (told.code, told.fields),
            (Code::InvalidArgument, vec![field.to_owned()])
        );
    }
}
