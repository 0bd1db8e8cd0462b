//! What the product calls its reasons to reject somebody, and the stage that is suggested for people of a posting: set on
//! the page of the inbound settings, and what they do (product.md, screen 6).

use proto::v1 as pb;
use reqwest::StatusCode;
use tonic::Code;

use crate::console::{Browser, csrf};
use crate::console_inbound::hidden;
use crate::support::{Setup, World, fresh_id, refused};

impl World {
    /// The reasons to reject with that have a name of the product's.
    async fn named_reasons(&self) -> Vec<(String, Vec<String>)> {
        let request = pb::ListRejectReasonsRequest {
            connection_id: self.connection.clone(),
        };
        let listed = self.api.inbound().list_reject_reasons(request).await;
        let reasons = listed.expect("listed").into_inner().reasons.into_iter();
        let named = reasons.filter(|one| !one.templates.is_empty());
        named
            .map(|one| (one.archive_reason_id, one.templates))
            .collect()
    }

    /// The stage that is suggested to advance somebody to.
    async fn suggested_for(&self, opportunity: &str) -> Option<String> {
        let request = pb::ListAdvanceTargetsRequest {
            connection_id: self.connection.clone(),
            opportunity_id: opportunity.to_owned(),
        };
        let listed = self.api.inbound().list_advance_targets(request).await;
        let targets = listed.expect("listed").into_inner().targets;
        let suggested = targets.into_iter().find(|target| target.suggested);
        suggested.map(|target| target.stage_id)
    }

    /// Rejects somebody for a reason in the words of the product.
    async fn reject_as(
        &self,
        applicant: &pb::Applicant,
        name: &str,
        reason: &str,
    ) -> Result<pb::Operation, tonic::Status> {
        let request = pb::RejectApplicantsRequest {
            connection_id: self.connection.clone(),
            request_id: fresh_id(),
            applicants: vec![pb::ApplicantRef {
                opportunity_id: applicant.opportunity_id.clone(),
                expected_stage_id: applicant.stage_id.clone(),
            }],
            archive_reason_id: reason.to_owned(),
            reject_template: name.to_owned(),
            ..Default::default()
        };
        let mut told = self
            .api
            .inbound()
            .reject_applicants(request)
            .await?
            .into_inner();
        let mut last = pb::Operation::default();
        while let Some(message) = told.message().await? {
            last = message.operation.expect("an operation");
        }
        Ok(last)
    }
}

#[tokio::test]
async fn a_reason_is_named_once_and_rejections_go_by_that_name() {
    let world = World::synced(Setup::new(60)).await;
    let reason = world.reject_reason();
    let mut browser = Browser::new(&world);
    let page = format!("/console/connections/{}/inbound", world.connection);
    let proof = csrf(&browser.open(&page).await);
    let path = format!("{page}/template");
    let name = "Not a <fit>";

    let incomplete = [("csrf", proof.as_str()), ("name", name)];
    let refused_page = browser.post(&path, &incomplete).await;
    assert_eq!(refused_page.status, StatusCode::UNPROCESSABLE_ENTITY);
    let problem = |field: &str| format!("id=\"field-{field}-problem\"");
    assert!(!refused_page.text.contains(&problem("name")));
    assert!(refused_page.text.contains(&problem("archive_reason_id")));
    assert!(
        refused_page.text.contains("value=\"Not a &lt;fit&gt;\""),
        "{}",
        refused_page.text
    );
    let hires = world.lever.archive_reasons();
    let hires = hires.iter().find(|one| one["type"] == "hired");
    let hires = hires.and_then(|one| one["id"].as_str()).expect("a hire");
    let hire = [incomplete[0], incomplete[1], ("archive_reason_id", hires)];
    let refused_page = browser.post(&path, &hire).await;
    assert_eq!(refused_page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused_page.text.contains("records a hire"),
        "{}",
        refused_page.text
    );
    for (name, reason, wrong, right) in [
        (name, hires, "archive_reason_id", "name"),
        (name, "nothing", "archive_reason_id", "name"),
        ("", &reason, "name", "archive_reason_id"),
        (&"n".repeat(101), &reason, "name", "archive_reason_id"),
    ] {
        let fields = [incomplete[0], ("name", name), ("archive_reason_id", reason)];
        let page = browser.post(&path, &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.text.contains(&problem(wrong)), "{}", page.text);
        assert!(!page.text.contains(&problem(right)), "{}", page.text);
    }
    assert_eq!(world.named_reasons().await, []);

    let whole = [incomplete[0], incomplete[1], ("archive_reason_id", &reason)];
    let saved = browser.post(&path, &whole).await;
    assert_eq!(saved.to, page, "{}", saved.text);
    assert_eq!(
        world.named_reasons().await,
        [(reason.clone(), vec![name.to_owned()])]
    );
    let shown = browser.open(&page).await;
    assert!(
        shown.text.contains("Not a &lt;fit&gt;: <strong>"),
        "{}",
        shown.text
    );

    // The same once more is no version.
    assert_eq!(browser.post(&path, &whole).await.to, page);
    let again = browser.open(&page).await;
    let unchanged = "Nothing has changed, so no new version was made.";
    assert!(again.text.contains(unchanged), "{}", again.text);

    let applicants = world.applicants().await.applicants;
    let unknown = refused(world.reject_as(&applicants[0], "nobody knows it", "").await);
    assert_eq!(unknown.code, Code::InvalidArgument);
    assert_eq!(unknown.fields, ["reject_template"]);
    let both = refused(world.reject_as(&applicants[0], name, &reason).await);
    assert_eq!(both.fields, ["reject_template"]);
    let bulk = world
        .reject_as(&applicants[0], name, "")
        .await
        .expect("accepted");
    assert_eq!(bulk.state(), pb::OperationState::Succeeded);
    let there = world
        .lever
        .opportunity(&applicants[0].opportunity_id)
        .expect("there");
    assert_eq!(there["archived"]["reason"], reason.as_str());

    let away = [incomplete[0], ("remove", name)];
    assert_eq!(browser.post(&path, &away).await.to, page);
    assert_eq!(world.named_reasons().await, []);
    assert_eq!(world.mapping().await.stage_mapping.expect("it").version, 2);
}

#[tokio::test]
async fn no_button_of_the_inbound_settings_loses_what_another_one_would_save() {
    let world = World::synced(Setup::new(60)).await;
    let reason = world.reject_reason();
    let mut browser = Browser::new(&world);
    let page = format!("/console/connections/{}/inbound", world.connection);
    let proof = csrf(&browser.open(&page).await);

    // The entry is saved, and the cool-off that was typed above it is kept.
    let fields = [
        ("csrf", proof.as_str()),
        ("was.cool_off_days", "90"),
        ("cool_off_days", "17"),
        ("name", "No fit"),
        ("archive_reason_id", &reason),
    ];
    let shown = browser.post(&format!("{page}/template"), &fields).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
    for told in [
        "“No fit” is saved.",
        "name=\"cool_off_days\" value=\"17\"",
        "name=\"name\" value=\"\"",
    ] {
        assert!(shown.text.contains(told), "{told}: {}", shown.text);
    }
    assert_eq!(world.named_reasons().await.len(), 1);

    // One save takes both.
    let etag = hidden(&shown, "etag.export");
    let both = [
        fields[0],
        ("etag.export", etag.as_str()),
        fields[1],
        fields[2],
        ("name", "Too far"),
        fields[4],
    ];
    let saved = browser.post(&page, &both).await;
    assert_eq!(saved.to, page, "{}", saved.text);
    let shown = browser.open(&page).await;
    assert!(shown.text.contains("name=\"cool_off_days\" value=\"17\""));
    assert!(shown.text.contains("Too far: <strong>"), "{}", shown.text);

    // What is half of an entry is refused beside its field, after the rest was saved.
    let etag = hidden(&shown, "etag.export");
    let half = [
        fields[0],
        ("etag.export", etag.as_str()),
        ("was.cool_off_days", "17"),
        ("cool_off_days", "18"),
        ("name", "Half"),
    ];
    let refused_page = browser.post(&page, &half).await;
    assert_eq!(refused_page.status, StatusCode::UNPROCESSABLE_ENTITY);
    for told in [
        "It is saved: who is asked again.",
        "id=\"field-archive_reason_id-problem\"",
        "name=\"name\" value=\"Half\"",
        "name=\"cool_off_days\" value=\"18\"",
    ] {
        assert!(
            refused_page.text.contains(told),
            "{told}: {}",
            refused_page.text
        );
    }
}

#[tokio::test]
async fn the_stage_of_a_posting_is_suggested_where_it_lies_ahead() {
    let world = World::synced(Setup::new(60)).await;
    let applicants = world.applicants().await.applicants;
    let applicant = applicants.iter().find(|one| !one.posting_id.is_empty());
    let applicant = applicant.expect("somebody has applied to a posting");
    let before = world
        .suggested_for(&applicant.opportunity_id)
        .await
        .expect("the next");
    assert_ne!(before, "offer");
    let mut browser = Browser::new(&world);
    let page = format!("/console/connections/{}/inbound", world.connection);
    let proof = csrf(&browser.open(&page).await);
    let path = format!("{page}/target");
    let posting = ("posting_id", applicant.posting_id.as_str());
    let proven = ("csrf", proof.as_str());
    let problem = |field: &str| format!("id=\"field-{field}-problem\"");
    for (posting, stage, wrong, right) in [
        (posting.1, "nowhere", "stage_id", "posting_id"),
        (posting.1, "", "stage_id", "posting_id"),
        ("", "offer", "posting_id", "stage_id"),
        ("nothing", "offer", "posting_id", "stage_id"),
    ] {
        let fields = [proven, ("posting_id", posting), ("stage_id", stage)];
        let page = browser.post(&path, &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.text.contains(&problem(wrong)), "{}", page.text);
        assert!(!page.text.contains(&problem(right)), "{}", page.text);
    }
    let set = [proven, posting, ("stage_id", "offer")];
    let saved = browser.post(&path, &set).await;
    assert_eq!(saved.to, page, "{}", saved.text);
    assert_eq!(
        world
            .suggested_for(&applicant.opportunity_id)
            .await
            .as_deref(),
        Some("offer")
    );
    let other = applicants
        .iter()
        .find(|one| one.posting_id != applicant.posting_id);
    let other = other.expect("another posting");
    assert_ne!(
        world.suggested_for(&other.opportunity_id).await.as_deref(),
        Some("offer")
    );
    let away = [proven, ("remove", posting.1)];
    assert_eq!(browser.post(&path, &away).await.to, page);
    // The versions call the posting by its title.
    let versions = format!("/console/connections/{}/stages/versions", world.connection);
    let every = browser.open(&versions).await.text;
    let first = browser.open(&format!("{versions}/1")).await.text;
    let told = format!("when advancing from the posting {}", applicant.posting_text);
    for page in [&every, &first] {
        assert!(page.contains(&told) && !page.contains(posting.1), "{page}");
    }
    assert_eq!(
        world.suggested_for(&applicant.opportunity_id).await,
        Some(before)
    );
}
