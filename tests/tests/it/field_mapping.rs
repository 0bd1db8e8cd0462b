//! The field mapping over gRPC: tried on real people, saved safely, taken back (F-30, F-31, X3, X5, X21).

use proto::v1 as pb;
use proto::v1::field_value::Value as Content;
use proto::v1::preview_field_mapping_request::Whose;
use serde_json::Value;
use tonic::{Code, Status};

use crate::support::{Setup, World, fresh_id, program, refused};

impl World {
    pub(crate) async fn field_mapping(&self) -> pb::FieldMapping {
        let request = pb::GetFieldMappingRequest {
            connection_id: self.connection.clone(),
        };
        let answer = self.api.fields().get_field_mapping(request).await;
        let mapping = answer.expect("a mapping").into_inner().field_mapping;
        mapping.expect("a mapping")
    }

    pub(crate) async fn save_fields(
        &self,
        mapping: pb::FieldMapping,
    ) -> Result<pb::FieldMapping, Status> {
        let request = pb::UpdateFieldMappingRequest {
            connection_id: self.connection.clone(),
            field_mapping: Some(mapping),
        };
        let answer = self.api.fields().update_field_mapping(request).await?;
        Ok(answer.into_inner().field_mapping.expect("a mapping"))
    }

    async fn try_on(
        &self,
        mapping: pb::FieldMapping,
        whose: Whose,
    ) -> Result<pb::PreviewFieldMappingResponse, Status> {
        let request = pb::PreviewFieldMappingRequest {
            connection_id: self.connection.clone(),
            field_mapping: Some(mapping),
            whose: Some(whose),
        };
        let answer = self.api.fields().preview_field_mapping(request).await?;
        Ok(answer.into_inner())
    }

    /// All paths, page by page.
    async fn source_fields(&self) -> Vec<pb::SourceField> {
        let mut fields = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = pb::ListSourceFieldsRequest {
                connection_id: self.connection.clone(),
                page_size: 100,
                page_token,
            };
            let answer = self.api.fields().list_source_fields(request).await;
            let page = answer.expect("a page").into_inner();
            assert!(page.fields.len() <= 100);
            fields.extend(page.fields);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return fields;
            }
        }
    }

    /// The first candidacy that anybody may see and that `fits`.
    fn somebody(&self, fits: impl Fn(&Value) -> bool) -> Value {
        let all = self.lever.opportunities().into_iter();
        let mut open = all.filter(|one| one["confidentiality"] != "confidential");
        open.find(|one| fits(one)).expect("the population has one")
    }
}

fn id(document: &Value) -> String {
    document["id"].as_str().expect("an id").to_owned()
}

fn of<'f>(fields: &'f [pb::ProfileField], code: &str) -> &'f pb::ProfileField {
    let mut fields = fields.iter();
    fields.find(|field| field.field == code).expect("the field")
}

fn texts(field: &pb::ProfileField) -> Vec<&str> {
    let values = field.values.iter().filter_map(|value| match &value.value {
        Some(Content::Text(text)) => Some(text.as_str()),
        _ => None,
    });
    values.collect()
}

fn rule_mut<'m>(mapping: &'m mut pb::FieldMapping, code: &str) -> &'m mut pb::FieldRule {
    let mut rules = mapping.rules.iter_mut();
    rules.find(|rule| rule.field == code).expect("the rule")
}

/// The mapping with everything worked out that can be.
fn derived(mapping: &pb::FieldMapping) -> pb::FieldMapping {
    let mut mapping = mapping.clone();
    for rule in &mut mapping.rules {
        rule.derived = rule.derivation() != pb::FieldDerivation::Unspecified;
    }
    mapping
}

/// F-30, F-31: NA stays NA until somebody switches it on, and a preview shows what that would give, with its source.
#[tokio::test]
async fn f_31_a_preview_shows_what_a_derivation_gives_a_real_person_and_saves_nothing() {
    let world = World::synced(Setup::full(60)).await;
    let shipped = world.field_mapping().await;
    assert_eq!((shipped.version, shipped.rules.len()), (0, 14));
    let na = shipped.rules.iter().filter(|rule| rule.not_available);
    assert_eq!(na.count(), 5);

    let employed = |one: &Value| {
        let resumes = world.lever.children(&id(one), "resumes");
        let positions = resumes.iter().map(|one| &one["parsedData"]["positions"]);
        positions
            .filter_map(Value::as_array)
            .any(|one| !one.is_empty())
    };
    let person = world.somebody(employed);
    let resumes = world.lever.children(&id(&person), "resumes");
    let newest = resumes
        .iter()
        .filter(|one| one["parsedData"]["positions"].get(0).is_some())
        .max_by_key(|one| one["createdAt"].as_i64())
        .expect("a resume");
    let told = world
        .try_on(derived(&shipped), Whose::OpportunityId(id(&person)))
        .await
        .expect("a preview");
    assert_eq!(told.differences.len(), 6);
    assert!(told.as_of.is_some());

    let before = of(&told.before, "WORK_EXPERIENCE");
    assert_eq!(
        (before.state(), before.values.len()),
        (pb::FieldState::NotAvailable, 0)
    );
    let after = of(&told.after, "WORK_EXPERIENCE");
    let value = &after.values[0];
    let Some(Content::Position(position)) = &value.value else {
        panic!("no position: {value:?}");
    };
    let source = value.source.as_ref().expect("a source");
    assert_eq!(
        (source.object.as_str(), &source.id),
        ("resumes", &id(newest))
    );
    let place = source
        .path
        .strip_prefix("parsedData.positions[")
        .expect("a place");
    let index: usize = place.trim_end_matches(']').parse().expect("a number");
    let in_lever = &newest["parsedData"]["positions"][index];
    assert_eq!(in_lever["org"], position.company.as_str());
    assert_eq!(
        serde_json::from_str::<Value>(&value.raw).expect("JSON"),
        *in_lever
    );
    assert_eq!(value.confidence(), pb::FieldConfidence::Derived);
    assert!(value.as_of.is_some());

    let name = of(&told.before, "NAME");
    assert_eq!(texts(name), [person["name"].as_str().expect("a name")]);
    assert_eq!(of(&told.after, "NAME"), name);
    // By the person the same, and by nobody nothing.
    let contact = person["contact"].as_str().expect("a contact").to_owned();
    let whole = world
        .try_on(shipped.clone(), Whose::ContactId(contact))
        .await;
    assert_eq!(
        texts(of(&whole.expect("a preview").before, "NAME")),
        texts(name)
    );
    let nobody = world
        .try_on(shipped.clone(), Whose::OpportunityId("nobody".to_owned()))
        .await;
    assert_eq!(refused(nobody).code, Code::NotFound);
    let blank = refused(
        world
            .try_on(shipped.clone(), Whose::ContactId(String::new()))
            .await,
    );
    assert_eq!(
        (blank.code, blank.fields),
        (Code::InvalidArgument, vec!["contact_id".to_owned()])
    );
    assert_eq!(world.field_mapping().await, shipped);
}

/// Custom fields: any path of the account can feed a field; one there is not is refused with those nearest to it.
#[tokio::test]
async fn the_fields_of_an_account_feed_the_product_and_unknown_ones_are_refused() {
    let world = World::synced(Setup::full(60)).await;
    let fields = world.source_fields().await;
    assert!(fields.iter().all(|field| field.kept));
    let listed = |path: &str| fields.iter().any(|field| field.path == path);
    assert!(listed("opportunities.headline") && listed("applications.atach_docs"));
    // A question that somebody has answered, and the answer as Lever has it.
    let answered = |one: &Value| {
        let applications = world.lever.children(&id(one), "applications");
        let sets = applications
            .first()?
            .get("customQuestions")?
            .as_array()?
            .clone();
        let answers = sets.into_iter().flat_map(|set| {
            let title = set["text"].as_str().unwrap_or_default().to_owned();
            let fields = set["fields"].as_array().cloned().unwrap_or_default();
            fields.into_iter().map(move |field| (title.clone(), field))
        });
        let mut answers =
            answers.filter(|(_, field)| field["value"].as_str().is_some_and(|text| text.len() > 3));
        answers.next()
    };
    let person = world.somebody(|one| answered(one).is_some());
    let (set, question) = answered(&person).expect("an answer");
    let question_text = question["text"].as_str().expect("a title");
    let own = fields
        .iter()
        .find(|field| field.title == question_text && field.group == set)
        .expect("the question is listed");
    assert_eq!(own.kind(), pb::SourceFieldKind::Answer);

    let mut mapping = world.field_mapping().await;
    mapping.rules.push(pb::FieldRule {
        field: "ANSWER".to_owned(),
        path: own.path.clone(),
        direction: pb::FieldDirection::Import.into(),
        ..Default::default()
    });
    let told = world
        .try_on(mapping.clone(), Whose::OpportunityId(id(&person)))
        .await;
    let told = told.expect("a preview");
    let answer = of(&told.after, "ANSWER");
    assert_eq!(
        texts(answer),
        [question["value"].as_str().expect("an answer")]
    );
    let source = answer.values[0].source.clone().expect("a source");
    assert_eq!(source.object, "applications");

    rule_mut(&mut mapping, "NAME").path = "opportunities.nam".to_owned();
    rule_mut(&mut mapping, "ANSWER").path = own.path.replace(question_text, "Never asked");
    let wrong = refused(world.save_fields(mapping).await);
    assert_eq!(wrong.code, Code::InvalidArgument);
    assert_eq!(
        wrong.fields,
        [
            "field_mapping.rules[0].path",
            "field_mapping.rules[14].path"
        ]
    );
    assert!(
        wrong.message.contains("opportunities.name"),
        "{}",
        wrong.message
    );
}

/// X21: versions, a way back, and an etag that tells of whoever was first.
#[tokio::test]
async fn x21_versions_of_the_field_mapping_are_taken_back_and_outlive_the_process() {
    let mut world = World::synced(Setup::new(20)).await;
    let zero = world.field_mapping().await;
    let one = world.save_fields(derived(&zero)).await.expect("saved");
    assert_eq!((one.version, one.author.as_str()), (1, "local"));
    let stale = refused(world.save_fields(derived(&zero)).await);
    assert_eq!(
        (stale.code, stale.reason.as_str()),
        (Code::Aborted, "ETAG_MISMATCH")
    );
    let told = |key: &str| stale.details.get(key).cloned();
    assert_eq!(
        (told("etag"), told("version")),
        (Some(one.etag.clone()), Some("1".to_owned()))
    );

    assert!(world.stop().await.success());
    world.start().await;
    assert_eq!(world.field_mapping().await, one);
    let back = pb::RollbackFieldMappingRequest {
        connection_id: world.connection.clone(),
        version: 0,
        etag: one.etag.clone(),
    };
    let two = world
        .api
        .fields()
        .rollback_field_mapping(back.clone())
        .await;
    let two = two
        .expect("taken back")
        .into_inner()
        .field_mapping
        .expect("a mapping");
    assert_eq!((two.version, &two.rules), (2, &zero.rules));
    let again = refused(world.api.fields().rollback_field_mapping(back).await);
    assert_eq!(again.code, Code::Aborted);

    let mut request = pb::ListFieldMappingVersionsRequest {
        connection_id: world.connection.clone(),
        page_size: 2,
        ..Default::default()
    };
    let page = world
        .api
        .fields()
        .list_field_mapping_versions(request.clone())
        .await;
    let page = page.expect("a page").into_inner();
    let shown = |page: &pb::ListFieldMappingVersionsResponse| -> Vec<_> {
        let versions = page.versions.iter();
        let number = |version: &pb::FieldMappingVersion| {
            version.field_mapping.as_ref().map(|one| one.version)
        };
        versions
            .map(|version| (number(version), version.differences.len()))
            .collect()
    };
    assert_eq!(shown(&page), [(Some(2), 6), (Some(1), 6)]);
    request.page_token = page.next_page_token;
    let last = world
        .api
        .fields()
        .list_field_mapping_versions(request)
        .await;
    let last = last.expect("a page").into_inner();
    assert_eq!(
        (shown(&last), last.next_page_token.as_str()),
        (vec![(Some(0), 0)], "")
    );
    // The stage mapping has versions of its own.
    assert_eq!(
        world
            .mapping()
            .await
            .stage_mapping
            .expect("a mapping")
            .version,
        0
    );
}

/// A preview shows what the caller may see, and no more; a note of ours is known again.
#[tokio::test]
async fn a_preview_hides_confidential_people_secret_notes_and_what_a_connection_leaves_out() {
    let mut setup = Setup::full(300);
    setup.connection.excluded_fields = vec!["opportunities.tags".to_owned()];
    let mut world = World::synced(setup).await;
    let fields = world.source_fields().await;
    assert!(
        fields
            .iter()
            .all(|field| field.path != "opportunities.tags")
    );

    let secret = |note: &Value| note["secret"] == true;
    let noted = world.somebody(|one| {
        let notes = world.lever.notes(&id(one));
        notes.iter().any(secret) && notes.iter().any(|note| !secret(note))
    });
    let written = world
        .note(&id(&noted), &fresh_id(), "from us")
        .await
        .expect("written");
    let mapping = world.field_mapping().await;
    let told = world
        .try_on(mapping.clone(), Whose::OpportunityId(id(&noted)))
        .await;
    let told = told.expect("a preview");
    assert_eq!(of(&told.after, "TAGS").values, []);
    let notes: Vec<_> = of(&told.after, "NOTES")
        .values
        .iter()
        .filter_map(|value| match &value.value {
            Some(Content::Note(note)) => Some(note),
            _ => None,
        })
        .collect();
    assert!(!notes.is_empty());
    let own: Vec<_> = notes
        .iter()
        .filter(|note| note.own)
        .map(|note| note.text.as_str())
        .collect();
    assert_eq!(own, ["from us"]);
    assert!(notes.iter().any(|note| note.id == written.result_id));
    for hidden in world
        .lever
        .notes(&id(&noted))
        .iter()
        .filter(|note| secret(note))
    {
        assert!(notes.iter().all(|note| note.id != id(hidden)));
    }

    let all = world.lever.opportunities().into_iter();
    let confidential = all.filter(|one| one["confidentiality"] == "confidential");
    let confidential: Vec<_> = confidential.collect();
    let hidden = confidential.first().expect("the population has some");
    let contact = Whose::ContactId(hidden["contact"].as_str().expect("a contact").to_owned());
    assert!(world.stop().await.success());
    let trusted = world
        .home
        .token(&["--role", "reader", "--right", "confidential"])
        .await;
    let plain = world.home.token(&["--role", "reader"]).await;
    let inbound = world.home.token(&["--role", "inbound"]).await;
    world.start().await;
    let open = world.api.clone();
    for (token, whose, code) in [
        (&trusted, Whose::OpportunityId(id(hidden)), None),
        (&trusted, contact.clone(), None),
        (
            &plain,
            Whose::OpportunityId(id(hidden)),
            Some(Code::NotFound),
        ),
        (&plain, contact, Some(Code::NotFound)),
        (&plain, Whose::OpportunityId(id(&noted)), None),
        (
            &inbound,
            Whose::OpportunityId(id(&noted)),
            Some(Code::PermissionDenied),
        ),
    ] {
        world.api = open.with_token(token);
        let told = world.try_on(mapping.clone(), whose.clone()).await;
        assert_eq!(told.err().map(|status| status.code()), code, "{whose:?}");
    }
    world.api = open.with_token(&plain);
    let denied = refused(world.save_fields(mapping).await);
    assert_eq!(denied.code, Code::PermissionDenied);
}

impl World {
    /// Runs `fulcrum mapping` against the service: whether it succeeded, and what it said.
    async fn mapping_command(&self, arguments: &[&str]) -> (bool, String) {
        let server = format!("http://{}", self.service().grpc);
        let output = program()
            .arg("mapping")
            .args(arguments)
            .args(["--server", &server])
            .stdin(std::process::Stdio::null())
            .output()
            .await
            .expect("the program runs");
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8(said).expect("UTF-8"),
        )
    }
}

/// Both mappings are one document: exported, compared, applied where agreed, and taken back one by one.
#[tokio::test]
async fn both_mappings_go_through_one_document() {
    let world = World::synced(Setup::new(20)).await;
    let (done, exported) = world.mapping_command(&["export"]).await;
    assert!(done && exported.contains("[[product_stages]]") && exported.contains("[[fields]]"));
    let file = world.home.path("mapping.toml");
    let name = file.to_str().expect("UTF-8").to_owned();
    std::fs::write(&file, &exported).expect("written");
    assert_eq!(
        world.mapping_command(&["diff", &name]).await,
        (true, "no difference\n".to_owned())
    );

    let changed = exported
        .replacen("at_risk_percent = 75", "at_risk_percent = 50", 1)
        .replacen(
            "derivation = \"work_experience\"\nderived = false",
            "derivation = \"work_experience\"\nderived = true",
            1,
        );
    std::fs::write(&file, &changed).expect("written");
    let (done, told) = world.mapping_command(&["diff", &name]).await;
    assert!(
        done && told.contains("sla.at_risk_percent: 75 -> 50"),
        "{told}"
    );
    assert!(told.contains("field WORK_EXPERIENCE: "), "{told}");
    let (done, told) = world.mapping_command(&["apply", &name]).await;
    assert!(!done && told.contains("--yes"), "{told}");
    assert_eq!(world.field_mapping().await.version, 0);
    let (done, told) = world.mapping_command(&["apply", &name, "--yes"]).await;
    let at_one = "the stage mapping is at version 1\nthe field mapping is at version 1\n";
    assert!(done && told.ends_with(at_one), "{told}");
    assert!(rule_mut(&mut world.field_mapping().await, "WORK_EXPERIENCE").derived);

    // A fault in either saves neither.
    let half = changed
        .replacen("at_risk_percent = 50", "at_risk_percent = 60", 1)
        .replacen("opportunities.headline", "opportunities.headlin", 1);
    std::fs::write(&file, half).expect("written");
    let (done, told) = world.mapping_command(&["apply", &name, "--yes"]).await;
    assert!(
        !done && told.contains("nearest: opportunities.headline"),
        "{told}"
    );
    assert_eq!(
        world
            .mapping()
            .await
            .stage_mapping
            .expect("a mapping")
            .version,
        1
    );

    // A document with one of them leaves the other alone.
    std::fs::write(&file, "fields = []").expect("written");
    let (done, told) = world.mapping_command(&["apply", &name, "--yes"]).await;
    assert!(
        done && told.ends_with("the field mapping is at version 2\n"),
        "{told}"
    );
    let (done, told) = world
        .mapping_command(&["rollback", "0", "--fields", "--yes"])
        .await;
    assert!(
        done && told.ends_with("the field mapping is at version 3\n"),
        "{told}"
    );
    assert_eq!(world.field_mapping().await.rules.len(), 14);
    let (_, told) = world.mapping_command(&["versions", "--fields"]).await;
    assert_eq!(told.matches("version ").count(), 4, "{told}");
    let (_, told) = world.mapping_command(&["versions"]).await;
    assert_eq!(told.matches("version ").count(), 2, "{told}");
    let (_, told) = world.mapping_command(&["fields"]).await;
    assert!(told.contains("contacts.location.name  text\n"), "{told}");
}
