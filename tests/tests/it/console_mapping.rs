//! The console's pages of the two mappings, as a browser without JavaScript uses them.

use proto::v1 as pb;
use reqwest::StatusCode;

use crate::console::{Browser, Page, csrf};
use crate::support::{Setup, World};

/// The fields of the form with the mapping, as a browser sends them when nothing is changed.
struct Filled(Vec<(String, String)>);

impl Filled {
    fn of(page: &Page) -> Filled {
        let forms = page.text.split("<form").skip(1);
        let mut forms = forms.map(|rest| rest.split("</form>").next().unwrap_or_default());
        let form = forms
            .find(|form| form.contains("name=\"etag\""))
            .expect("a form with an etag");
        let mut fields = Vec::new();
        let mut chosen = String::new();
        for (at, _) in form.match_indices('<') {
            let (tag, rest) = form[at..].split_once('>').unwrap_or_default();
            let name = attribute(tag, "name").unwrap_or_default();
            let value = attribute(tag, "value");
            let boxed = ["checkbox", "radio"]
                .iter()
                .any(|kind| tag.contains(&format!("type=\"{kind}\"")));
            if tag.starts_with("<input") && !name.is_empty() {
                let ticked = format!("{tag} ").contains(" checked ");
                if !boxed || ticked {
                    let default = if boxed { "on" } else { "" };
                    fields.push((name, value.unwrap_or_else(|| default.to_owned())));
                }
            } else if tag.starts_with("<select") {
                chosen = name;
            } else if tag.starts_with("<option") && tag.ends_with(" selected") {
                fields.push((chosen.clone(), value.unwrap_or_default()));
            } else if tag.starts_with("<textarea") {
                let text = rest.split("</textarea>").next().unwrap_or_default();
                fields.push((name, unescaped(text)));
            }
        }
        Filled(fields)
    }

    fn value(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(field, _)| field == name);
        &found.unwrap_or_else(|| panic!("a field {name}")).1
    }

    fn set(mut self, name: &str, value: &str) -> Filled {
        let found = self.0.iter_mut().find(|(field, _)| field == name);
        value.clone_into(&mut found.unwrap_or_else(|| panic!("a field {name}")).1);
        self
    }

    fn with(mut self, name: &str, value: &str) -> Filled {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    async fn press(&self, browser: &mut Browser, path: &str, act: &str) -> Page {
        let mut fields: Vec<(&str, &str)> = self
            .0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        fields.push(("act", act));
        browser.post(path, &fields).await
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(unescaped(rest.split('"').next().unwrap_or_default()))
}

fn unescaped(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&quot;", "\"").replace("&amp;", "&")
}

impl World {
    fn console(&self, tab: &str) -> String {
        format!("/console/connections/{}/{tab}", self.connection)
    }

    async fn saved(&self) -> pb::StageMapping {
        self.mapping().await.stage_mapping.expect("a mapping")
    }

    /// A stage of the account that is in no group.
    async fn unmapped(&self) -> String {
        let stages = self.mapping().await.stages;
        let stage = stages
            .into_iter()
            .find(|stage| stage.product_stage == "UNMAPPED");
        stage.expect("an unmapped stage").stage_id
    }
}

fn group<'m>(mapping: &'m pb::StageMapping, code: &str) -> &'m pb::ProductStage {
    let mut groups = mapping.product_stages.iter();
    groups.find(|group| group.code == code).expect("a group")
}

#[tokio::test]
async fn the_board_is_filled_in_without_javascript_and_read_back_over_grpc() {
    let world = World::synced(Setup::new(40)).await;
    let mut browser = Browser::new(&world);
    let path = world.console("stages");
    let shipped = world.saved().await;
    let stage = world.unmapped().await;
    let page = browser.open(&path).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("→ "), "suggestions are shown");
    assert!(page.text.len() < 70_000, "{} bytes", page.text.len());

    let form = Filled::of(&page)
        .set(&format!("stage.{stage}"), "INTERVIEW")
        .set(&format!("stage_days.{stage}"), "2")
        .set("group_days.OFFER", "")
        .set("zone", "Europe/Berlin")
        .set("holidays", "2026-12-25\r\n2026-12-26")
        .set("new_label", "Second look")
        .with("inbound", &stage);
    let tried = form.press(&mut browser, &path, "preview").await;
    assert_eq!(tried.status, StatusCode::OK, "{}", tried.text);
    assert!(tried.text.contains("change their group"));
    assert_eq!(world.saved().await, shipped, "a preview saves nothing");
    let panel = form
        .press(&mut browser, &format!("{path}/effect"), "")
        .await;
    assert!(panel.text.starts_with("<h2>Effect of this change</h2>"));

    // The page that came back holds everything, the new group too.
    let form = Filled::of(&tried);
    assert_eq!(form.value("label.SECOND_LOOK"), "Second look");
    let earlier = form.press(&mut browser, &path, "earlier:SECOND_LOOK").await;
    let saved = Filled::of(&earlier)
        .press(&mut browser, &path, "save")
        .await;
    assert_eq!(
        (saved.status, saved.to.as_str()),
        (StatusCode::SEE_OTHER, path.as_str())
    );
    let now = world.saved().await;
    assert_eq!(now.version, 1);
    assert!(group(&now, "INTERVIEW").stage_ids.contains(&stage));
    assert_eq!(group(&now, "OFFER").sla_days, None);
    let codes: Vec<_> = now
        .product_stages
        .iter()
        .map(|group| group.code.as_str())
        .collect();
    assert_eq!(codes[codes.len() - 2..], ["SECOND_LOOK", "HOLD"]);
    let own = now.stage_slas.iter().find(|sla| sla.stage_id == stage);
    assert_eq!(own.map(|sla| sla.sla_days), Some(2));
    assert!(now.inbound_stage_ids.contains(&stage));
    let sla = now.sla.clone().expect("settings");
    assert_eq!(
        (sla.time_zone.as_str(), sla.holidays.len()),
        ("Europe/Berlin", 2)
    );

    // The same once more is no version.
    let again = Filled::of(&browser.open(&path).await);
    again.press(&mut browser, &path, "save").await;
    assert_eq!(world.saved().await, now);
    let told = browser.open(&path).await.text;
    assert!(told.contains("Nothing has changed, so no new version was made."));

    // Back to what was shipped.
    let versions = browser.open(&format!("{path}/versions")).await;
    assert!(versions.text.contains("the shipped one"));
    let zero = browser.open(&format!("{path}/versions/0")).await;
    assert!(zero.text.contains("Roll back to version 0"));
    let back = Filled::of(&zero)
        .press(&mut browser, &format!("{path}/versions/0"), "")
        .await;
    assert_eq!(back.status, StatusCode::SEE_OTHER);
    let present = world.saved().await;
    assert_eq!(present.product_stages, shipped.product_stages);
    // Once more is no version.
    let zero = browser.open(&format!("{path}/versions/0")).await;
    Filled::of(&zero)
        .press(&mut browser, &format!("{path}/versions/0"), "")
        .await;
    assert_eq!(world.saved().await, present);
    let told = browser.open(&path).await.text;
    assert!(told.contains("Nothing has changed, so no new version was made."));
}

#[tokio::test]
async fn sure_suggestions_are_accepted_at_once_and_nothing_is_saved_before_save() {
    let world = World::synced(Setup::new(20)).await;
    let mut browser = Browser::new(&world);
    let path = world.console("stages");
    let page = browser.open(&path).await;
    let accepted = Filled::of(&page).press(&mut browser, &path, "accept").await;
    assert!(accepted.text.contains("accepted. Look at the effect"));
    assert_eq!(world.saved().await.version, 0);
    let saved = Filled::of(&accepted)
        .press(&mut browser, &path, "save")
        .await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    let suggested = world.suggested().await;
    let present = world.mapping().await.stages;
    let mut sure = suggested
        .suggestions
        .iter()
        .filter(|one| one.confidence >= 0.9);
    let groups = world.saved().await.product_stages;
    let placed = sure.all(|one| {
        let there = groups.iter().any(|group| group.code == one.product_stage);
        let stage = present.iter().find(|stage| stage.stage_id == one.stage_id);
        !there || stage.is_some_and(|stage| stage.product_stage == one.product_stage)
    });
    assert!(placed, "each is where it was suggested");
}

#[tokio::test]
async fn two_admins_who_save_see_what_differs_and_one_chooses() {
    let world = World::synced(Setup::new(20)).await;
    let mut browser = Browser::new(&world);
    let path = world.console("stages");
    let mine = Filled::of(&browser.open(&path).await).set("group_days.OFFER", "9");
    let mut theirs = world.saved().await;
    for group in &mut theirs.product_stages {
        if group.code == "REVIEW" {
            group.sla_days = Some(1);
        }
    }
    let theirs = world.save_mapping(theirs).await.expect("saved");

    let clash = mine.press(&mut browser, &path, "save").await;
    assert_eq!(clash.status, StatusCode::CONFLICT);
    for shown in [
        "Somebody else saved first",
        "Offer, active, SLA 9 d",
        "Review, inbound, SLA 1 d",
        "Reload theirs",
    ] {
        assert!(clash.text.contains(shown), "{shown}");
    }
    assert!(
        !clash.text.contains("Group HOLD"),
        "what is the same is left out"
    );
    assert_eq!(world.saved().await, theirs, "nothing is saved yet");
    let again = mine.press(&mut browser, &path, "save").await;
    assert_eq!(
        again.status,
        StatusCode::CONFLICT,
        "sending it again is no way around"
    );

    let saved = Filled::of(&clash).press(&mut browser, &path, "save").await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    let now = world.saved().await;
    assert_eq!(now.version, 2);
    assert_eq!(group(&now, "OFFER").sla_days, Some(9));
    assert_eq!(group(&now, "REVIEW").sla_days, Some(3), "mine, all of it");
}

#[tokio::test]
async fn what_is_wrong_on_the_board_is_named_and_stays_as_it_was_typed() {
    let world = World::synced(Setup::new(20)).await;
    let mut browser = Browser::new(&world);
    let path = world.console("stages");
    let form = Filled::of(&browser.open(&path).await);
    let form = form
        .set("group_days.OFFER", "soon")
        .set("label.HOLD", "Parked for now");
    let refused = form.press(&mut browser, &path, "save").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused
            .text
            .contains("href=\"#group_days.OFFER\">SLA days of Offer")
    );
    let kept = Filled::of(&refused);
    assert_eq!(kept.value("group_days.OFFER"), "soon");
    assert_eq!(kept.value("label.HOLD"), "Parked for now");

    let nameless = kept.set("group_days.OFFER", "4").set("new_days", "6");
    let refused = nameless.press(&mut browser, &path, "save").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.text.contains("aria-describedby=\"new_label.why\"")
            && refused.text.contains("id=\"new_label.why\""),
        "{}",
        refused.text
    );
    let kept = Filled::of(&refused);
    assert_eq!(kept.value("new_days"), "6");

    let form = kept
        .set("new_days", "")
        .set("zone", "Mars/Base")
        .set("label.HOLD", "");
    let refused = form.press(&mut browser, &path, "save").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.text.contains("href=\"#zone\">Time zone"),
        "{}",
        refused.text
    );
    assert_eq!(Filled::of(&refused).value("zone"), "Mars/Base");

    // What the page cannot read and what the service refuses are told at once.
    let both = Filled::of(&refused).set("group_days.OFFER", "soon");
    let refused = both.press(&mut browser, &path, "save").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    for told in ["href=\"#group_days.OFFER\"", "href=\"#zone\">Time zone"] {
        assert!(refused.text.contains(told), "{told}: {}", refused.text);
    }
    assert_eq!(world.saved().await.version, 0);
}

/// Signed in with a role; the first token makes tokens required.
async fn signed_in(world: &World, role: pb::TokenRole) -> Browser {
    let request = |role: pb::TokenRole| pb::CreateTokenRequest {
        role: role.into(),
        ..Default::default()
    };
    let admin = world
        .api
        .tokens()
        .create_token(request(pb::TokenRole::Admin))
        .await;
    let api = world
        .api
        .with_token(&admin.expect("made").into_inner().secret);
    let made = api.tokens().create_token(request(role)).await;
    let secret = made.expect("made").into_inner().secret;
    let mut browser = Browser::new(world);
    let signed_in = browser
        .post("/console/sign-in", &[("token", secret.as_str())])
        .await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER);
    browser
}

#[tokio::test]
async fn a_reader_sees_the_mappings_and_is_offered_no_way_to_change_them() {
    let world = World::synced(Setup::new(20)).await;
    let mut browser = signed_in(&world, pb::TokenRole::Reader).await;
    let path = world.console("stages");
    let page = browser.open(&path).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("Unmapped"));
    for offered in ["value=\"save\"", "<select", "id=\"mapping\""] {
        assert!(!page.text.contains(offered), "{offered}");
    }
    let versions = browser.open(&format!("{path}/versions/0")).await;
    assert!(!versions.text.contains("Roll back"));
    let proof = csrf(&page);
    let fields = [
        ("csrf", proof.as_str()),
        ("act", "save"),
        ("etag", "x"),
        ("week", "monday"),
        ("at_risk", "75"),
    ];
    let forced = browser.post(&path, &fields).await;
    assert_eq!(forced.status, StatusCode::FORBIDDEN);
}

impl World {
    async fn saved_fields(&self) -> pb::FieldMapping {
        let request = pb::GetFieldMappingRequest {
            connection_id: self.connection.clone(),
        };
        let answer = self.api.fields().get_field_mapping(request).await;
        let mapping = answer.expect("a mapping").into_inner().field_mapping;
        mapping.expect("a mapping")
    }
}

/// The place of a field in the form.
fn place(form: &Filled, field: &str) -> String {
    let mut fields = form.0.iter();
    let found = fields.find(|(name, value)| name.starts_with("field.") && value == field);
    let (name, _) = found.expect("a field of that code");
    name.trim_start_matches("field.").to_owned()
}

#[tokio::test]
async fn a_refused_path_stays_as_it_was_typed_with_the_nearest_ones_to_take() {
    let world = World::synced(Setup::full(20)).await;
    let mut browser = Browser::new(&world);
    let path = world.console("fields");
    let page = browser.open(&path).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.text.contains("With these settings"),
        "it is tried on somebody"
    );
    assert!(page.text.len() < 75_000, "{} bytes", page.text.len());
    let form = Filled::of(&page);
    let title = place(&form, "TITLE");
    let company = place(&form, "COMPANY");
    let form = form
        .set(&format!("path.{title}"), "opportunities.headlin")
        .with(&format!("derived.{company}"), "on");
    let refused = form.press(&mut browser, &path, "review").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let kept = Filled::of(&refused);
    assert_eq!(
        kept.value(&format!("path.{title}")),
        "opportunities.headlin"
    );
    let take = format!("path:{title}:opportunities.headline");
    assert!(
        refused.text.contains(&format!("value=\"{take}\"")),
        "{}",
        refused.text
    );
    assert_eq!(world.saved_fields().await.version, 0);

    let taken = kept.press(&mut browser, &path, &take).await;
    assert_eq!(taken.status, StatusCode::OK);
    let form = Filled::of(&taken);
    assert_eq!(
        form.value(&format!("path.{title}")),
        "opportunities.headline"
    );
    assert!(
        form.0
            .iter()
            .any(|(name, _)| *name == format!("derived.{}", place(&form, "COMPANY")))
    );
}

#[tokio::test]
async fn fields_are_tried_on_somebody_shown_as_differences_and_then_saved() {
    let world = World::synced(Setup::full(20)).await;
    let mut browser = Browser::new(&world);
    let path = world.console("fields");
    let form = Filled::of(&browser.open(&path).await);
    let company = place(&form, "COMPANY");
    let nobody = form.set("who", "Nobody In Particular");
    let nobody = nobody.press(&mut browser, &path, "preview").await;
    assert_eq!(nobody.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(nobody.text.contains("href=\"#who\""));

    let form = Filled::of(&nobody)
        .set("who", "")
        .set(&format!("policy.{company}"), "overwrite")
        .with(&format!("derived.{company}"), "on");
    let review = form.press(&mut browser, &path, "review").await;
    assert!(
        review.text.contains("Save these changes?"),
        "{}",
        review.text
    );
    assert!(
        review.text.contains("Company: source")
            && review
                .text
                .contains("derive from résumé, applications, headline")
    );
    assert_eq!(
        world.saved_fields().await.version,
        0,
        "nothing is saved yet"
    );
    let editing = Filled::of(&review).press(&mut browser, &path, "edit").await;
    assert_eq!(
        Filled::of(&editing).value(&format!("policy.{company}")),
        "overwrite"
    );
    let saved = Filled::of(&review).press(&mut browser, &path, "save").await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    let now = world.saved_fields().await;
    let rule = now
        .rules
        .iter()
        .find(|rule| rule.field == "COMPANY")
        .expect("a rule");
    assert!(rule.derived && rule.policy() == pb::FieldPolicy::Overwrite);

    // Somebody who began with the version before is told so, and may overwrite.
    let stale = form.press(&mut browser, &path, "review").await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    let reset = Filled::of(&browser.open(&path).await)
        .press(&mut browser, &path, "reset")
        .await;
    let review = Filled::of(&reset)
        .press(&mut browser, &path, "review")
        .await;
    let saved = Filled::of(&review).press(&mut browser, &path, "save").await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    let same = Filled::of(&browser.open(&path).await);
    same.press(&mut browser, &path, "save").await;
    let told = browser.open(&path).await.text;
    assert!(told.contains("Nothing has changed, so no new version was made."));
    let now = world.saved_fields().await;
    assert!(now.version == 2 && now.rules.iter().all(|rule| !rule.derived));
}
