//! The console's pages about applicants, duplicates, exports, streams and held writes, over HTTP and without JavaScript.

use proto::v1 as pb;
use reqwest::StatusCode;
use serde_json::json;

use crate::console::{Browser, Page, csrf};
use crate::support::{Setup, World, fresh_id, until};

impl World {
    /// The path of a page of the connection.
    fn page_of(&self, end: &str) -> String {
        format!("/console/connections/{}{end}", self.connection)
    }

    /// Gives somebody this address in Lever, in place of those of the contact.
    async fn only_address(&self, contact: &str, email: &str) {
        let request = pb::CallRequest {
            connection_id: self.connection.clone(),
            operation_id: "updateContact".to_owned(),
            path_parameters: [("contact".to_owned(), contact.to_owned())].into(),
            request_id: fresh_id(),
            body: Some(pb::call_request::Body::BodyJson(
                json!({ "emails": [email] }).to_string().into(),
            )),
            ..Default::default()
        };
        self.api.lever().call(request).await.expect("taken");
    }

    /// Rejections that are held back for an hour, one for each of the first applicants.
    async fn held(&self, number: usize) {
        let request = pb::RejectApplicantsRequest {
            connection_id: self.connection.clone(),
            request_id: fresh_id(),
            applicants: self.refs(number).await,
            archive_reason_id: self.reject_reason(),
            hold: Some(pb::Hold {
                delay: Some(pb::hold::Delay::BusinessDays(2)),
            }),
            ..Default::default()
        };
        let told = self.api.inbound().reject_applicants(request).await;
        // Which goes on until they are sent.
        let mut told = told.expect("accepted").into_inner();
        told.message().await.expect("told").expect("the bulk");
    }
}

/// The value of a hidden field.
pub(crate) fn hidden(page: &Page, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    let (_, rest) = page.text.split_once(&start).expect("the field is there");
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// A name as a page has it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

#[tokio::test]
async fn an_applicant_past_the_sla_is_marked_and_found_by_state_posting_and_owner() {
    let world = World::synced(Setup::new(150).keeping(&[])).await;
    let mut mapping = world.mapping().await.stage_mapping.expect("a mapping");
    // A day that is over before it has begun: whoever is awake is late.
    for stage in &mut mapping.product_stages {
        stage.sla_days = Some(0);
    }
    mapping.sla.get_or_insert_default().unit = pb::DayUnit::Calendar.into();
    world.save_mapping(mapping).await.expect("saved");
    let applicants = world.applicants().await.applicants;
    let late: Vec<_> = applicants
        .iter()
        .filter(|one| {
            one.sla
                .as_ref()
                .is_some_and(|sla| sla.state() == pb::SlaState::Breached)
        })
        .collect();
    assert!(!late.is_empty() && late.len() < 50, "{}", late.len());
    let mut browser = Browser::new(&world);
    let path = world.page_of("/applicants");
    let all = browser.open(&path).await;
    assert_eq!(all.status, StatusCode::OK, "{}", all.text);
    assert!(all.text.contains(&format!("{} people", applicants.len())));
    let marked = all.text.matches("badge bad\">breached</span>").count();
    assert_eq!(marked, late.len());
    for one in &applicants {
        assert!(all.text.contains(&escaped(&one.name)));
    }
    let breached = browser.open(&format!("{path}?sla=breached")).await;
    assert!(
        !all.text.contains("lever.co/candidates/"),
        "no page of Lever's is known of an account with a base URL"
    );
    let rows = |page: &Page| page.text.matches("<tr>").count().saturating_sub(1);
    assert_eq!(rows(&breached), late.len());
    let awake = applicants.iter().filter(|one| {
        let state = one.sla.as_ref().map(pb::Sla::state);
        state == Some(pb::SlaState::OnTrack)
    });
    let on_track = browser.open(&format!("{path}?sla=on-track")).await;
    assert_eq!(rows(&on_track), awake.count());
    let nobody = browser.open(&format!("{path}?owner=nobody")).await;
    assert!(nobody.text.contains("Nobody is here"));
    let first = late[0];
    let of_posting = |posting: &str| {
        let same = applicants.iter().filter(|one| one.posting_id == posting);
        same.count()
    };
    let posting = match first.posting_id.as_str() {
        "" => "none",
        id => id,
    };
    let narrowed = browser.open(&format!("{path}?posting={posting}")).await;
    assert_eq!(rows(&narrowed), of_posting(&first.posting_id));
    let of_owner = applicants
        .iter()
        .filter(|one| one.owner_id == first.owner_id);
    let owner = match first.owner_id.as_str() {
        "" => "none",
        id => id,
    };
    let owned = browser.open(&format!("{path}?owner={owner}")).await;
    assert_eq!(rows(&owned), of_owner.count());

    let report = browser.open(&format!("{path}/sla?days=365")).await;
    assert_eq!(report.status, StatusCode::OK);
    let total = format!("breached</span></dt><dd>{}</dd>", late.len());
    assert!(report.text.contains(&total), "{total}");
    assert!(report.text.contains(&format!("posting={posting}")));
    let bad = browser.open(&format!("{path}/sla?days=soon")).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    for page in [&all, &report] {
        assert!(page.text.len() < 90_000, "{} bytes", page.text.len());
    }
}

#[tokio::test]
async fn people_who_are_told_apart_stay_away_until_that_is_taken_back() {
    let world = World::synced(Setup::new(60)).await;
    let people = world.lever.opportunities();
    let mut contacts: Vec<&str> = people
        .iter()
        .filter(|person| person["confidentiality"] != "confidential")
        .filter_map(|person| person["contact"].as_str())
        .collect();
    contacts.sort_unstable();
    contacts.dedup();
    let (one, other) = (contacts[0], contacts[1]);
    for contact in [one, other] {
        world.only_address(contact, "twice@example.com").await;
    }
    world.pull().await;
    let mut browser = Browser::new(&world);
    let path = world.page_of("/duplicates");
    let pair = format!(
        "name=\"one\" value=\"{one}\"><input type=\"hidden\" name=\"other\" value=\"{other}\""
    );
    let listed = until("the two are a pair", async || {
        let page = browser.open(&path).await;
        page.text.contains(&pair).then_some(page)
    })
    .await;
    assert!(listed.text.contains("Same e-mail address"));
    assert!(
        !listed.text.contains("twice@example.com"),
        "evidence tells what is the same, not its value"
    );
    let proof = csrf(&listed);
    let fields = [("csrf", proof.as_str()), ("one", one), ("other", other)];
    assert_eq!(browser.post(&path, &fields).await.to, path);
    let after = browser.open(&path).await;
    assert!(!after.text.contains(&pair) && after.text.contains("They are told apart"));
    let dismissed = browser.open(&format!("{path}?dismissed=on")).await;
    assert!(dismissed.text.contains(&pair) && dismissed.text.contains("Told apart by local"));
    let fields = [&fields[..], &[("undo", "on")]].concat();
    browser.post(&path, &fields).await;
    assert!(browser.open(&path).await.text.contains(&pair));
}

#[tokio::test]
async fn export_settings_are_refused_beside_their_field_and_never_overwrite_what_was_not_seen() {
    let world = World::synced(Setup::new(5)).await;
    let mut browser = Browser::new(&world);
    let path = world.page_of("/export");
    let form = browser.open(&path).await;
    let (proof, etag) = (csrf(&form), hidden(&form, "etag"));
    let filled = |etag: &str, days: &str, tags: &str| {
        let fields = [
            ("csrf", proof.as_str()),
            ("etag", etag),
            ("hired", "allow"),
            ("cool_off_days", days),
            ("export_as", "prospect"),
            ("prospect_stage", "lead-new"),
            ("prospect_origin", "sourced"),
            ("applicant_stage", "applicant-new"),
            ("applicant_origin", "applied"),
            ("source", "Our search"),
            ("tags", tags),
        ];
        fields.map(|(name, value)| (name, value.to_owned()))
    };
    let post = async |browser: &mut Browser, fields: [(&str, String); 11]| {
        let fields = fields
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        browser.post(&path, &fields).await
    };
    let refused = post(&mut browser, filled(&etag, "4000", "a\n{who}")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    for kept in [
        "value=\"4000\"",
        "value=\"Our search\"",
        "a\n{who}",
        "Give 0 to 3650 days.",
        "Line 2: The places are",
    ] {
        assert!(refused.text.contains(kept), "{kept}");
    }
    let letters = post(&mut browser, filled(&etag, "ninety", "")).await;
    assert_eq!(letters.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(letters.text.contains("value=\"ninety\""));
    // What the page cannot read and what the service refuses are told at once.
    let both = post(&mut browser, filled(&etag, "ninety", "a\n{who}")).await;
    assert_eq!(both.status, StatusCode::UNPROCESSABLE_ENTITY);
    for told in ["Give 0 to 3650 days.", "Line 2: The places are"] {
        assert!(both.text.contains(told), "{told}: {}", both.text);
    }
    let saved = post(&mut browser, filled(&etag, "30", "{search}")).await;
    assert_eq!(saved.to, path, "{}", saved.text);
    // The page that was open before knows nothing of that.
    let late = post(&mut browser, filled(&etag, "60", "{search}")).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(
        late.text
            .contains("<td>30 days</td><td><ins>60 days</ins></td>"),
        "{}",
        late.text
    );
    assert!(late.text.contains("value=\"60\""));
    let now = hidden(&late, "etag");
    assert_ne!(now, etag);
    let over = post(&mut browser, filled(&now, "60", "{search}")).await;
    assert_eq!(over.to, path);
    let same = hidden(&browser.open(&path).await, "etag");
    post(&mut browser, filled(&same, "60", "{search}")).await;
    let told = browser.open(&path).await.text;
    assert!(told.contains("Nothing has changed, so no new version was made."));
    let request = pb::GetExportSettingsRequest {
        connection_id: world.connection.clone(),
    };
    let settings = world.api.candidates().get_export_settings(request).await;
    let settings = settings
        .expect("settings")
        .into_inner()
        .settings
        .expect("settings");
    assert_eq!(
        (settings.cool_off_days, settings.tags.as_slice()),
        (60, &["{search}".to_owned()][..])
    );
    let hired = settings
        .guards
        .iter()
        .find(|guard| guard.ground() == pb::ExportGround::Hired);
    assert_eq!(hired.expect("named").rule(), pb::GuardRule::Allow);
}

#[tokio::test]
async fn stages_are_offered_in_the_order_of_the_pipeline_wherever_one_is_chosen() {
    let world = World::synced(Setup::new(5)).await;
    let stages = world.lever.stages();
    let ids = |stages: &[serde_json::Value]| -> Vec<String> {
        let ids = stages.iter().map(|stage| stage["id"].as_str());
        ids.map(|id| id.expect("an id").to_owned()).collect()
    };
    let pipeline = ids(&stages);
    let mut sorted = pipeline.clone();
    sorted.sort();
    assert_ne!(pipeline, sorted, "or nothing is shown by this");
    let mut mapping = world.mapping().await.stage_mapping.expect("a mapping");
    mapping.inbound_stage_ids = sorted;
    world.save_mapping(mapping).await.expect("saved");
    let mut browser = Browser::new(&world);
    for (page, field) in [
        ("/applicants", "stage"),
        ("/inbound", "stage_id"),
        ("/export", "prospect_stage"),
    ] {
        let text = browser.open(&world.page_of(page)).await.text;
        let (_, choice) = text
            .split_once(&format!("name=\"{field}\""))
            .expect("a choice");
        let choice = choice.split("</select>").next().unwrap_or_default();
        let values = choice.split("<option value=\"").skip(1);
        let values = values.filter_map(|rest| rest.split('"').next());
        let offered: Vec<_> = values.filter(|id| !id.is_empty()).collect();
        assert_eq!(offered, pipeline, "{page}");
    }
}

#[tokio::test]
async fn inbound_settings_are_saved_where_they_live_and_a_conflict_keeps_the_choice() {
    let world = World::synced(Setup::new(5)).await;
    let mut browser = Browser::new(&world);
    let path = world.page_of("/inbound");
    let page = browser.open(&path).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let proof = csrf(&page);
    let mapping = world.mapping().await.stage_mapping.expect("a mapping");
    let fields = [
        ("csrf", proof.as_str()),
        ("etag.mapping", &mapping.etag),
        ("writer", "lever"),
    ];
    assert_eq!(browser.post(&path, &fields).await.to, path);
    let saved = world.mapping().await.stage_mapping.expect("a mapping");
    assert!(saved.lever_sends_email);
    assert_eq!(saved.product_stages, mapping.product_stages);
    // Overtaken in one of two documents, nothing is saved in the other either.
    let exported = hidden(&page, "etag.export");
    let fields = [
        ("csrf", proof.as_str()),
        ("etag.mapping", &mapping.etag),
        ("etag.export", &exported),
        ("was.writer", "product"),
        ("writer", "product"),
        ("was.reject_hold", "0"),
        ("reject_hold", "3"),
        ("was.cool_off_days", &hidden(&page, "was.cool_off_days")),
        ("cool_off_days", "11"),
    ];
    let late = browser.post(&path, &fields).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    let differs = ">Hold before a rejection is sent, in business days</th><td>0</td><td>0</td><td><ins>3</ins></td>";
    assert!(late.text.contains(differs), "{}", late.text);
    assert!(
        late.text.contains("name=\"reject_hold\" value=\"3\"")
            && late.text.contains("value=\"lever\" selected"),
        "what was not touched is as it is there now"
    );
    assert!(
        late.text.contains("name=\"cool_off_days\" value=\"11\""),
        "what was typed beside it stays too"
    );
    assert_eq!(hidden(&late, "etag.export"), exported, "not saved");

    // The same the other way round: what is saved first is not what was overtaken.
    let theirs = [
        ("csrf", proof.as_str()),
        ("etag.export", &exported),
        ("cool_off_days", "45"),
    ];
    assert_eq!(browser.post(&path, &theirs).await.to, path);
    let mine = [
        ("csrf", proof.as_str()),
        ("etag.mapping", &saved.etag),
        ("etag.export", &exported),
        ("was.reject_hold", "0"),
        ("reject_hold", "3"),
        ("was.cool_off_days", &hidden(&page, "was.cool_off_days")),
        ("cool_off_days", "11"),
    ];
    let late = browser.post(&path, &mine).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(
        late.text
            .contains("<td><ins>45</ins></td><td><ins>11</ins></td>"),
        "what the other has saved is told: {}",
        late.text
    );
    let after = world.mapping().await.stage_mapping.expect("a mapping");
    assert_eq!(after.reject_hold_business_days, 0, "not saved");
    assert!(
        late.text
            .contains(&format!("name=\"etag.mapping\" value=\"{}\"", saved.etag))
    );

    let settings = browser.open(&world.page_of("/export")).await;
    let etag = hidden(&settings, "etag");
    let fields = [
        ("csrf", proof.as_str()),
        ("etag.export", &etag),
        ("do_not_contact", "overridable"),
        ("cool_off_days", "12"),
    ];
    assert_eq!(browser.post(&path, &fields).await.to, path);
    let settings = browser.open(&world.page_of("/export")).await;
    assert!(settings.text.contains("value=\"12\""));
    assert!(
        settings.text.contains("value=\"Fulcrum\""),
        "the others are as they were"
    );
}

#[tokio::test]
async fn a_stream_gets_a_schedule_and_is_read_whole_again_by_whoever_says_so() {
    let world = World::synced(Setup::new(20)).await;
    let mut browser = Browser::new(&world);
    let sync = browser.open(&world.page_of("/sync")).await;
    let path = world.page_of("/sync/streams/postings");
    assert!(sync.text.contains(&format!("href=\"{path}\"")));
    let page = browser.open(&path).await;
    assert!(page.text.contains("(default)"));
    let proof = csrf(&page);
    let schedule = format!("{path}/schedule");
    let filled = |cron: &'static str, zone: &'static str| {
        [
            ("csrf", proof.as_str()),
            ("kind", "cron"),
            ("cron", cron),
            ("time_zone", zone),
        ]
    };
    let refused = browser
        .post(&schedule, &filled("*/15 6-21 * * *", "Europe/Nowhere"))
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.text.contains("value=\"*/15 6-21 * * *\"")
            && refused.text.contains("field-time_zone-problem")
    );
    let saved = browser
        .post(&schedule, &filled("*/15 6-21 * * *", "Europe/Oslo"))
        .await;
    assert_eq!(saved.to, path);
    let page = browser.open(&path).await;
    assert!(
        page.text
            .contains("<code>*/15 6-21 * * *</code> Europe/Oslo")
    );
    // What was typed for a choice that is not made is not dropped.
    let other = [
        ("csrf", proof.as_str()),
        ("kind", "default"),
        ("cron", "0 3 * * *"),
    ];
    let lost = browser.post(&schedule, &other).await;
    assert_eq!(lost.status, StatusCode::UNPROCESSABLE_ENTITY);
    let told = ["field-cron-problem", "value=\"0 3 * * *\""];
    let told = told.map(|told| lost.text.contains(told));
    assert_eq!(told, [true; 2], "{}", lost.text);
    let shipped = [("csrf", proof.as_str()), ("kind", "default")];
    browser.post(&schedule, &shipped).await;
    assert!(browser.open(&path).await.text.contains("(default)"));

    let reset = format!("{path}/reset");
    let unsure = browser.post(&reset, &[("csrf", &proof)]).await;
    assert_eq!(unsure.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        unsure.text.contains("sure-problem") && unsure.text.contains(&reset),
        "the page again, with what is wrong beside the box"
    );
    let sure = browser
        .post(&reset, &[("csrf", proof.as_str()), ("sure", "on")])
        .await;
    assert_eq!(sure.to, path, "{}", sure.text);
    let page = browser.open(&path).await;
    assert!(
        page.text
            .contains("The stream is read whole again. Its cursor was")
    );
    let unknown = browser.open(&world.page_of("/sync/streams/cats")).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let aside = browser.open(&world.page_of("/sync/quarantine")).await;
    assert!(aside.text.contains("Every record could be read"));
    let file = world.page_of("/calls/export?operation=listStages");
    let calls = until("the call is in the log", async || {
        let calls = browser.open(&file).await;
        (calls.text.lines().count() > 1).then_some(calls)
    })
    .await;
    let lines: Vec<_> = calls.text.lines().collect();
    assert!(lines[0].starts_with("time,method,path,status"));
    assert!(
        lines[1..]
            .iter()
            .all(|line| line.contains(",GET,/stages,200,")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn held_writes_are_cancelled_some_or_all_at_once() {
    let world = World::synced(Setup::new(60)).await;
    world.held(4).await;
    let mut browser = Browser::new(&world);
    let path = world.page_of("/operations");
    let held = browser.open(&format!("{path}?show=held")).await;
    let boxes: Vec<String> = held
        .text
        .split("name=\"operation\" value=\"")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
        .filter(|id| id.contains('/'))
        .collect();
    assert_eq!(boxes.len(), 4, "{}", held.text);
    assert!(held.text.contains("unless it is cancelled"));
    let proof = csrf(&held);
    let fields = [
        ("csrf", proof.as_str()),
        ("operation", &boxes[0]),
        ("operation", &boxes[1]),
    ];
    let done = browser.post(&format!("{path}/cancel"), &fields).await;
    let after = browser.open(&done.to).await;
    assert!(
        after.text.contains("2 operations are cancelled"),
        "{}",
        after.text
    );
    assert!(!after.text.contains(&format!("value=\"{}\"", boxes[0])));
    let one = [("csrf", proof.as_str()), ("action", "cancel")];
    assert_eq!(
        browser.post(&format!("{path}/{}", boxes[2]), &one).await.to,
        path
    );
    // Who presses once more is told how it stands, and is not refused.
    browser.open(&path).await;
    let again = browser.post(&format!("{path}/{}", boxes[2]), &one).await;
    let again = browser.open(&again.to).await;
    let stands = "It is cancelled already: nothing is sent, and nothing more is to be done.";
    assert!(again.text.contains(stands), "{}", again.text);
    let unsure = browser
        .post(&format!("{path}/cancel-held"), &[("csrf", &proof)])
        .await;
    let unsure = browser.open(&unsure.to).await;
    assert!(
        unsure.text.contains("Nothing was cancelled: tick") && unsure.text.contains("badge warn"),
        "{}",
        unsure.text
    );
    let sure = [("csrf", proof.as_str()), ("sure", "on")];
    let done = browser.post(&format!("{path}/cancel-held"), &sure).await;
    let after = browser.open(&done.to).await;
    assert!(after.text.contains("None of these"), "{}", after.text);
    assert_eq!(
        world.operation(&boxes[3]).await.state(),
        pb::OperationState::Cancelled
    );
}

#[tokio::test]
async fn a_held_rejection_is_told_by_name_and_sent_only_after_a_tick() {
    let world = World::synced(Setup::new(60)).await;
    world.held(2).await;
    let applicants = world.applicants().await.applicants;
    let (ada, other) = (&applicants[0], &applicants[1]);
    let mut browser = Browser::new(&world);
    let path = world.page_of("/operations");
    let of_ada = format!("{path}?person={}", ada.opportunity_id);
    let list = browser.open(&of_ada).await;
    assert!(list.text.contains(&escaped(&ada.name)), "{}", list.text);
    assert!(list.text.contains("Reject with the reason “"));
    assert!(!list.text.contains(&escaped(&other.name)));
    let (_, rest) = list
        .text
        .split_once("#release\"")
        .expect("a way to send it");
    assert!(rest.contains("Send now…"));
    let page = list.text.split("#release\"").next().unwrap_or_default();
    let page = page.rsplit("href=\"").next().expect("its page").to_owned();

    let shown = browser.open(&page).await;
    let sentence = format!(
        "for {}, who is in “{}”.",
        escaped(&ada.name),
        escaped(&ada.stage_text)
    );
    assert!(shown.text.contains(&sentence), "{}", shown.text);
    let here = format!("{page}?back=operation");
    assert!(shown.text.contains(&format!("action=\"{here}\"")));
    let proof = csrf(&shown);
    let unsure = [("csrf", proof.as_str()), ("action", "release")];
    let refused = browser.post(&here, &unsure).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.text.contains("id=\"sure-problem\""),
        "{}",
        refused.text
    );
    let id = page.trim_start_matches(&format!("{path}/")).to_owned();
    assert_eq!(world.operation(&id).await.state(), pb::OperationState::Held);

    let sure = [unsure[0], unsure[1], ("sure", "on")];
    let done = browser.post(&here, &sure).await;
    assert_eq!(done.to, page, "{}", done.text);
    let told = browser.open(&page).await;
    assert!(
        told.text
            .contains("Released. Lever is told at once to reject")
    );
    world.settled(&id).await;
    let sent = browser.open(&page).await;
    assert!(sent.text.contains("succeeded"), "{}", sent.text);
    assert!(
        sent.text.contains("<code>PUT /opportunities/"),
        "{}",
        sent.text
    );
    assert!(sent.text.contains("was to send") || !sent.text.contains("E-mail"));

    // The bulk tells of both, and how they stand.
    let (bulk, _) = id.split_once('/').expect("an item");
    let whole = browser.open(&format!("{path}/{bulk}")).await;
    assert!(
        whole.text.contains("2 items: 1 done, 1 held"),
        "{}",
        whole.text
    );
    assert!(whole.text.contains(&escaped(&other.name)));
    assert!(whole.text.contains("Send now what is held"));
}

#[tokio::test]
async fn one_person_is_read_anew_by_the_address_of_a_page_and_calls_are_found_by_what_they_were_for()
 {
    let world = World::synced(Setup::new(40)).await;
    let person = world.open_opportunities().remove(0);
    let note = world
        .note(&person, &fresh_id(), "hello")
        .await
        .expect("written");
    let mut browser = Browser::new(&world);
    let sync = world.page_of("/sync");
    let page = browser.open(&sync).await;
    assert!(
        page.text.contains("all, for the first time"),
        "{}",
        page.text
    );
    let proof = csrf(&page);
    let address = format!("https://hire.lever.co/candidates/{person}?tab=feed");
    let fields = [("csrf", proof.as_str()), ("person", &address)];
    let read = browser.post(&format!("{sync}/person"), &fields).await;
    assert_eq!(read.to, sync, "{}", read.text);
    let told = browser.open(&sync).await;
    assert!(
        told.text.contains("what else belongs there is read next"),
        "{}",
        told.text
    );
    for (typed, expected) in [
        ("", StatusCode::UNPROCESSABLE_ENTITY),
        (
            "00000000-0000-4000-8000-000000000000",
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
    ] {
        let fields = [("csrf", proof.as_str()), ("person", typed)];
        let refused = browser.post(&format!("{sync}/person"), &fields).await;
        assert_eq!(refused.status, expected, "{}", refused.text);
        assert!(refused.text.contains(&format!("value=\"{typed}\"")));
    }

    let path = world.page_of("/calls");
    let calls = until("the call is written down", async || {
        let page = browser.open(&format!("{path}?for={}", note.id)).await;
        page.text
            .contains("<code>POST /opportunities/")
            .then_some(page)
    })
    .await;
    let link = format!("href=\"{}/{}\"", world.page_of("/operations"), note.id);
    assert!(calls.text.contains(&link), "{}", calls.text);
    assert!(!calls.text.contains("<code>GET /stages"));
    assert!(!calls.text.contains(&person), "calls hold no ids");
    let stages = browser.open(&format!("{path}?stream=stages")).await;
    assert!(stages.text.contains("<code>GET /stages</code>"));
    assert!(!stages.text.contains("<code>GET /tags</code>"));
    let writes = world.page_of("/operations");
    // What is typed gets into an address only once it is known to be an id or a name of Lever's.
    let proof = csrf(&calls);
    let mut narrow = async |field: &str, typed: &str| {
        let fields = [("csrf", proof.as_str()), (field, typed)];
        browser.post(&path, &fields).await
    };
    for (field, typed) in [
        ("person", "ada@example.com"),
        ("person", "https://hire.lever.co/candidates/ada@example.com"),
        ("request", "ada@example.com"),
        ("for", "ada@example.com"),
        ("operation", "ada@example.com"),
        ("stream", "ada@example.com"),
        ("from", "ada@example.com"),
    ] {
        let page = narrow(field, typed).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        let problem = format!("id=\"{field}-problem\"");
        assert!(page.text.contains(&problem), "{field}: {}", page.text);
        assert!(page.to.is_empty() && page.text.contains("<h1>API calls</h1>"));
    }
    let kept = narrow("operation", "listNothing").await;
    assert!(kept.text.contains("value=\"listNothing\""));
    let listed = narrow("operation", "listStages").await;
    assert_eq!(listed.to, format!("{path}?operation=listStages"));
    let ours = narrow("for", &note.id).await;
    assert_eq!(ours.to, format!("{path}?for={}", note.id));
    let person_of = narrow("person", &address).await;
    assert_eq!(person_of.to, format!("{writes}?person={person}"));
    let refused = browser.open(&format!("{writes}?person={address}")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let typed = async |browser: &mut Browser, typed: &str| {
        let fields = [("csrf", proof.as_str()), ("person", typed)];
        browser.post(&format!("{writes}/person"), &fields).await
    };
    let refused = typed(&mut browser, "ada@example.com").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.to.is_empty() && refused.text.contains("id=\"person-problem\""));
    let found = typed(&mut browser, &address).await;
    assert_eq!(found.to, person_of.to);
    let of_person = browser.open(&found.to).await;
    assert!(
        of_person.text.contains("Write a note"),
        "{}",
        of_person.text
    );
}

#[tokio::test]
async fn settings_are_refused_beside_their_field_and_nothing_goes_unasked() {
    let world = World::synced(Setup::new(20)).await;
    let mut browser = Browser::new(&world);
    let path = world.page_of("/settings");
    let page = browser.open(&path).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let (proof, etag) = (csrf(&page), hidden(&page, "etag"));
    let user = world.lever.active_users().remove(0);
    let kept: Vec<String> = page
        .text
        .split("name=\"stream.")
        .skip(1)
        .filter_map(|rest| {
            let (stream, rest) = rest.split_once('"')?;
            rest.starts_with(" checked")
                .then(|| format!("stream.{stream}"))
        })
        .collect();
    assert!(kept.contains(&"stream.notes".to_owned()), "{kept:?}");
    let form = |user: &str, archived: bool| {
        let mut fields = vec![
            ("csrf".to_owned(), proof.clone()),
            ("act".to_owned(), "save".to_owned()),
            ("etag".to_owned(), etag.clone()),
            ("display_name".to_owned(), "Acme & <Co>".to_owned()),
            ("from".to_owned(), "all".to_owned()),
            ("include_snoozed".to_owned(), "on".to_owned()),
            ("user".to_owned(), user.to_owned()),
        ];
        fields.extend(kept.iter().map(|name| (name.clone(), "on".to_owned())));
        if archived {
            fields.push(("include_archived".to_owned(), "on".to_owned()));
        }
        fields
    };
    let mut post = async |fields: Vec<(String, String)>| {
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        browser.post(&path, &fields).await
    };
    let nobody = post(form("nonsense", true)).await;
    assert_eq!(
        nobody.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        nobody.text
    );
    assert!(
        nobody
            .text
            .contains("Lever has no such user: the Users page lists them")
    );
    assert!(nobody.text.contains("value=\"Acme &amp; &lt;Co&gt;\""));
    let unasked = post(form(&user, false)).await;
    assert_eq!(unasked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unasked.text.contains("lose-problem"), "{}", unasked.text);
    let mut several = form(&user, false);
    for (name, value) in &mut several {
        match name.as_str() {
            "display_name" => value.clear(),
            "from" => "day".clone_into(value),
            _ => {}
        }
    }
    several.push(("start".to_owned(), "yesterday".to_owned()));
    let told = post(several).await.text;
    for wrong in [
        "Give 1 to 200 characters",
        "Give a date such as",
        "lose-problem",
    ] {
        assert!(told.contains(wrong), "all of it is told at once: {wrong}");
    }
    assert!(
        !told.contains("before the new day"),
        "of no day, nothing is before"
    );
    let saved = post(form(&user, true)).await;
    assert_eq!(saved.to, path, "{}", saved.text);
    let late = post(form("", true)).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(
        late.text.contains("take theirs") && late.text.contains("<td><ins>nobody</ins></td>"),
        "{}",
        late.text
    );
    let steps = browser.open(&world.page_of("/setup/start")).await;
    assert_ne!(steps.status, StatusCode::OK, "it was started long ago");
}

#[tokio::test]
async fn who_may_only_read_is_offered_nothing_to_press_and_refused_where_they_try() {
    let mut world = World::synced(Setup::new(40)).await;
    world.held(1).await;
    let operation = format!("/operations/{}", world.operations().await[0].id);
    assert!(world.stop().await.success());
    let token = world.home.token(&["--role", "reader"]).await;
    world.start().await;
    let mut browser = Browser::new(&world);
    let signed_in = browser.post("/console/sign-in", &[("token", &token)]).await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER);
    let mut proof = String::new();
    for end in [
        "/applicants",
        "/applicants/sla",
        "/duplicates",
        "/export",
        "/sync",
        "/sync/streams/postings",
        "/sync/quarantine",
        "/operations?show=held",
        "/calls",
        "/issues?show=muted",
    ] {
        let page = browser.open(&world.page_of(end)).await;
        assert_eq!(page.status, StatusCode::OK, "{end}: {}", page.text);
        let posts: Vec<_> = page
            .text
            .match_indices("method=\"post\" action=\"")
            .collect();
        // What calls are looked for by is posted too, so that it stands in no address.
        // Looking for calls and for one person's writes changes nothing.
        let forms = match end {
            "/calls" => 3,
            end if end.starts_with("/operations") => 2,
            _ => 1,
        };
        assert_eq!(posts.len(), forms, "{end}: signing out, and nothing else");
        assert!(page.text.contains("action=\"/console/sign-out\""), "{end}");
        for tab in ["/inbound\"", "/privacy\""] {
            assert!(
                !page.text.contains(&world.page_of(tab)),
                "{end} offers {tab}"
            );
        }
        proof = csrf(&page);
    }
    let mut taken = Vec::new();
    // Whatever is wrong with a form, that it is not theirs to send comes first.
    let tried = [
        ("csrf", proof.as_str()),
        ("action", "cancel"),
        ("act", "save"),
    ];
    for end in [
        "/duplicates",
        "/export",
        "/fields",
        "/inbound",
        "/inbound/template",
        "/inbound/target",
        "/issues/some",
        &operation,
        &format!("{operation}/edit"),
        "/operations/cancel",
        "/operations/cancel-held",
        "/permissions",
        "/settings",
        "/settings/key",
        "/settings/disconnect",
        "/setup/test",
        "/setup/scopes",
        "/setup/history",
        "/setup/acting",
        "/setup/start",
        "/stages",
        "/sync/start",
        "/sync/pause",
        "/sync/resume",
        "/sync/person",
        "/sync/streams/postings/start",
        "/sync/streams/postings/schedule",
        "/sync/streams/postings/reset",
        "/users",
    ] {
        let answer = browser.post(&world.page_of(end), &tried).await;
        if answer.status != StatusCode::FORBIDDEN {
            taken.push((end.to_owned(), answer.status));
        }
    }
    assert_eq!(taken, []);
    let pause = [("csrf", proof.as_str()), ("act", "pause")];
    let card = browser.post(&world.page_of("/card"), &pause).await;
    assert_eq!(card.status, StatusCode::FORBIDDEN);
    for end in ["/inbound", "/privacy", "/settings"] {
        let page = browser.open(&world.page_of(end)).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{end}");
    }
}

#[tokio::test]
async fn who_works_with_applicants_alone_sees_them_and_no_way_to_anything_else() {
    let mut world = World::synced(Setup::new(40)).await;
    let applicants = world.applicants().await.applicants;
    assert!(world.stop().await.success());
    let token = world.home.token(&["--role", "inbound"]).await;
    world.start().await;
    let mut browser = Browser::new(&world);
    browser.post("/console/sign-in", &[("token", &token)]).await;
    let path = world.page_of("/applicants");
    let page = browser.open(&path).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.text.contains(&escaped(&applicants[0].name)));
    for end in ["/duplicates", "/operations", "/export", "/settings"] {
        assert!(
            !page.text.contains(&format!("\"{}\"", world.page_of(end))),
            "{end}"
        );
    }
    // Narrowing is a question about candidates, which the role may not ask.
    assert!(!page.text.contains("name=\"sla\"") && !page.text.contains("?owner="));
    let narrowed = browser.open(&format!("{path}?sla=breached")).await;
    assert_eq!(narrowed.status, StatusCode::FORBIDDEN);
    let report = browser.open(&format!("{path}/sla")).await;
    assert_eq!(report.status, StatusCode::OK);
    assert!(!report.text.contains("name=\"all\""));
}

#[tokio::test]
async fn who_is_missing_is_told_on_a_page_whose_address_and_log_tell_of_nobody() {
    let mut world = World::synced(Setup::new(40)).await;
    let newcomer = "newcomer.example@example.com";
    let pause = pb::PauseSyncRequest {
        connection_id: world.connection.clone(),
    };
    world.api.sync().pause_sync(pause).await.expect("paused");
    let apply = lever_sim::Act::Apply {
        applicant: lever_sim::Applicant {
            name: Some("Newcomer <b>".to_owned()),
            email: Some(newcomer.to_owned()),
            ..Default::default()
        },
    };
    let opportunity = world.lever.act(apply).expect("applied").expect("an id");
    assert!(world.stop().await.success());
    let [admin, reader, inbound] = [
        world.home.token(&["--role", "admin"]).await,
        world.home.token(&["--role", "reader"]).await,
        world.home.token(&["--role", "inbound"]).await,
    ];
    world.start().await;
    let path = world.page_of("/find");
    let applicants = world.page_of("/applicants");

    for (token, may_read) in [(&admin, true), (&reader, false)] {
        let mut browser = Browser::new(&world);
        browser.post("/console/sign-in", &[("token", token)]).await;
        let list = browser.open(&applicants).await;
        assert!(
            list.text
                .contains(&format!("href=\"{path}\">Find out why<"))
        );
        let proof = csrf(&browser.open(&path).await);
        let nobody = browser.post(&path, &[("csrf", &proof), ("who", " ")]).await;
        assert_eq!(nobody.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(nobody.text.contains("Say who is missing."));
        let odd = browser
            .post(&path, &[("csrf", &proof), ("who", "Ada")])
            .await;
        assert_eq!(odd.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(odd.text.contains("value=\"Ada\"") && odd.text.contains("employer behind a comma"));

        let asked = [("csrf", proof.as_str()), ("who", newcomer)];
        let here = browser.post(&path, &asked).await;
        assert_eq!(here.status, StatusCode::OK, "{}", here.text);
        assert!(here.text.contains("Nobody is found") && here.text.contains("Reading is paused"));
        assert!(here.text.contains("Go to Sync"));
        let asked = [asked[0], asked[1], ("where", "lever")];
        let there = browser.post(&path, &asked).await;
        assert!(
            there.text.contains("Lever has what is not here yet."),
            "{}",
            there.text
        );
        assert!(there.text.contains("Newcomer &lt;b&gt;"));
        assert_eq!(there.text.contains("Read it now"), may_read);
        assert!(!there.text.contains("StartSync"), "no names of rpcs");

        let read = [
            ("csrf", proof.as_str()),
            ("who", newcomer),
            ("opportunity", opportunity.as_str()),
        ];
        let read_path = format!("{path}/read");
        let paused = browser.post(&read_path, &read).await;
        let expected = match may_read {
            true => StatusCode::CONFLICT,
            false => StatusCode::FORBIDDEN,
        };
        assert_eq!(paused.status, expected, "{}", paused.text);
        assert!(paused.text.contains(&format!("value=\"{newcomer}\"")));
    }

    let mut browser = Browser::new(&world);
    browser.post("/console/sign-in", &[("token", &admin)]).await;
    let proof = csrf(&browser.open(&path).await);
    let resume = pb::ResumeSyncRequest {
        connection_id: world.connection.clone(),
    };
    world.api = world.api.with_token(&admin);
    world.api.sync().resume_sync(resume).await.expect("resumed");
    let read = [
        ("csrf", proof.as_str()),
        ("who", newcomer),
        ("opportunity", opportunity.as_str()),
    ];
    let page = browser.post(&format!("{path}/read"), &read).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.text.contains("It was read from Lever"));
    assert!(page.text.contains("among the applicants") && page.text.contains("What is stored"));
    let log = world.home.log();
    assert!(!log.contains(newcomer) && !log.contains("newcomer.example"));

    let mut browser = Browser::new(&world);
    browser
        .post("/console/sign-in", &[("token", &inbound)])
        .await;
    let list = browser.open(&applicants).await;
    assert!(!list.text.contains(&path));
    assert_eq!(browser.open(&path).await.status, StatusCode::FORBIDDEN);
    let proof = csrf(&list);
    let refused = browser
        .post(&path, &[("csrf", &proof), ("who", newcomer)])
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}
