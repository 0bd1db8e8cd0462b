//! Forms, applications, people, users and long notes, each in Lever exactly once (F-21, F-28, F-29).

use futures::stream;
use lever_sim::{Action, FaultPlan, FaultRule, When};
use prost_types::value::Kind;
use proto::v1 as pb;
use proto::v1::OperationState::{Failed, Succeeded};
use serde_json::{Value, json};
use tonic::Code;

use crate::support::{NOBODY, Setup, Table, World, fresh_id, http, refused};

/// Every way in which an answer is lost that leaves open whether Lever acted, and some that do not.
const LOST: [Action; 5] = [
    Action::ResetAfter,
    Action::ServerErrorAfter(500),
    Action::TruncatedBody,
    Action::ResetBefore,
    Action::ServerErrorBefore(503),
];

async fn world() -> World {
    World::synced(Setup::new(60)).await
}

fn text(text: &str) -> Option<prost_types::Value> {
    Some(prost_types::Value {
        kind: Some(Kind::StringValue(text.to_owned())),
    })
}

fn value(question: &str, answer: &str) -> pb::FormValue {
    pb::FormValue {
        question: question.to_owned(),
        value: text(answer),
    }
}

fn mask(paths: &[&str]) -> Option<prost_types::FieldMask> {
    Some(prost_types::FieldMask {
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
    })
}

impl World {
    /// A read of Lever, past the service.
    async fn in_lever_at(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.lever.base_url());
        let request = http().get(url).basic_auth(lever_sim::DEFAULT_KEY, Some(""));
        let answer = request.send().await.expect("answered");
        let body = answer.bytes().await.expect("whole");
        serde_json::from_slice(&body).expect("JSON")
    }

    /// The answer to the first request of an operation is lost in this way.
    fn lose(&self, operation: &'static str, action: Action, nth: u64) {
        let rule = FaultRule::on(operation, action).when(When::Nth(nth));
        self.lever.set_faults(FaultPlan {
            seed: 0,
            rules: vec![rule],
        });
    }

    /// Lever's id of the template of that title.
    pub(crate) async fn template(&self, title: &str) -> String {
        let templates = self.in_lever_at("/form_templates").await;
        let mut templates = templates["data"].as_array().expect("a list").iter();
        let found = templates.find(|template| template["text"] == title);
        let id = found.expect("in every account")["id"].as_str();
        id.expect("an id").to_owned()
    }

    /// A posting that takes applications and requires an answer to a question of its own, and that question.
    pub(crate) async fn asking_posting(&self) -> (String, String) {
        let postings = self
            .in_lever_at("/postings?state=published&limit=100")
            .await;
        for posting in postings["data"].as_array().expect("a list") {
            let id = posting["id"].as_str().expect("an id");
            let form = self.in_lever_at(&format!("/postings/{id}/apply")).await;
            let sets = form["data"]["customQuestions"].as_array().expect("a list");
            let mut questions = sets
                .iter()
                .flat_map(|set| set["fields"].as_array().expect("a list"));
            if let Some(question) = questions.find(|question| question["required"] == true) {
                let text = question["text"].as_str().expect("a text");
                return (id.to_owned(), text.to_owned());
            }
        }
        panic!("no posting of this account requires an answer of its own")
    }

    /// People in Lever with this address, as it shows them.
    pub(crate) fn people_at(&self, email: &str) -> Vec<Value> {
        let people = self.lever.opportunities().into_iter();
        let has = |person: &Value| person["emails"].to_string().contains(&format!("{email:?}"));
        people.filter(has).collect()
    }
}

pub(crate) fn offer_form(opportunity: &str, template: &str, notes: &str) -> pb::CreateFormRequest {
    pb::CreateFormRequest {
        opportunity_id: opportunity.to_owned(),
        request_id: fresh_id(),
        template_id: template.to_owned(),
        values: vec![
            value("notes", notes),
            value("Compensation", "75000"),
            value("Start date", "2026-08-01"),
        ],
        ..Default::default()
    }
}

pub(crate) fn application(posting: &str, question: &str, email: &str) -> pb::ApplyToPostingRequest {
    pb::ApplyToPostingRequest {
        posting_id: posting.to_owned(),
        request_id: fresh_id(),
        answers: vec![
            value(question, "Ten years"),
            value("fullName", "Robin Fernhollow"),
            value("email", email),
        ],
        source: "Partner board".to_owned(),
        ..Default::default()
    }
}

/// F-21: fields are named by their text, all are sent in order, and the form is the one whose id is told.
#[tokio::test]
async fn f21_a_form_is_filled_in_and_its_id_is_told() {
    let world = world().await;
    let person = world.open_opportunities().remove(0);
    let template = world.template("Offer information").await;
    let before = world.lever.children(&person, "forms").len();
    let acting = world.lever.active_users().remove(0);
    let request = pb::CreateFormRequest {
        perform_as: acting.clone(),
        ..offer_form(&person, &template, "Keen & free")
    };
    let planned = pb::CreateFormRequest {
        dry_run: true,
        ..request.clone()
    };
    let planned = world.create_form(planned).await.expect("planned");
    let operation = world.create_form(request.clone()).await.expect("recorded");
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    assert_eq!(operation.kind(), pb::OperationKind::CreateForm);
    let forms = world.lever.children(&person, "forms");
    assert_eq!(forms.len(), before + 1);
    let form = forms
        .iter()
        .find(|form| form["id"] == operation.result_id.as_str())
        .expect("the form that was told");
    assert_eq!(form["user"], acting.as_str());
    let values: Vec<&Value> = form["fields"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|field| &field["value"])
        .collect();
    let midnight = json!(1_785_542_400_000_i64);
    assert_eq!(
        values,
        [
            &midnight,
            &json!(75000),
            &Value::Null,
            &json!("Keen & free")
        ]
    );

    let sent = world.calls("createOpportunityForm").remove(0);
    let told: Value = serde_json::from_str(&planned.lever_calls[0].body_json).expect("JSON");
    assert_eq!(sent.body, Some(told), "the dry run told the very body");
    let again = world.create_form(request).await.expect("the same");
    assert_eq!(again.id, operation.id);
    assert_eq!(world.effects("createOpportunityForm"), 1);
}

/// F-21: a template that somebody made a moment ago is read from Lever.
#[tokio::test]
async fn f21_a_template_that_the_mirror_lacks_is_read_from_lever() {
    let world = world().await;
    let person = world.open_opportunities().remove(0);
    let template =
        json!({"text": "New", "fields": [{"type": "yes-no", "text": "Remote?", "required": true}]});
    let made = http()
        .post(format!("{}/form_templates", world.lever.base_url()))
        .basic_auth(lever_sim::DEFAULT_KEY, Some(""))
        .header("content-type", "application/json")
        .body(template.to_string());
    let made = made.send().await.expect("answered");
    assert!(made.status().is_success(), "{}", made.status());
    let request = pb::CreateFormRequest {
        template_id: world.template("New").await,
        values: vec![value("remote?", "yes")],
        ..offer_form(&person, "", "")
    };
    let operation = world.create_form(request).await.expect("recorded");
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
}

#[tokio::test]
async fn f21_a_form_whose_answer_is_lost_is_in_lever_once_and_an_equal_one_is_another() {
    let world = world().await;
    let people = world.open_opportunities();
    let template = world.template("Offer information").await;
    for (person, action) in people.iter().zip(LOST) {
        let before = world.lever.children(person, "forms").len();
        let first = offer_form(person, &template, "same");
        let first = world.create_form(first).await.expect("recorded");
        world.lose("createOpportunityForm", action, 1);
        let second = offer_form(person, &template, "same");
        let second = world.create_form(second).await.expect("recorded");
        assert_eq!(second.state(), Succeeded, "{action:?}: {second:?}");
        assert_ne!(first.result_id, second.result_id, "{action:?}");
        let forms = world.lever.children(person, "forms");
        assert_eq!(forms.len(), before + 2, "{action:?}");
        let told = |form: &Value| form["id"] == second.result_id.as_str();
        assert!(forms.iter().any(told), "{action:?}: {second:?}");
        world.lever.set_faults(FaultPlan::default());
    }
}

/// F-29: the application is in Lever with its answers and the file, and its id is told.
#[tokio::test]
async fn f29_somebody_applies_with_answers_and_a_file() {
    let world = world().await;
    let (posting, question) = world.asking_posting().await;
    let upload = pb::UploadFileRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        name: "resume.pdf".to_owned(),
        content_type: "application/pdf".to_owned(),
        target: pb::UploadTarget::Application.into(),
        chunk: b"%PDF-1.7".to_vec().into(),
        ..Default::default()
    };
    let uploaded = world
        .api
        .candidates()
        .upload_file(stream::iter([upload]))
        .await;
    let uploaded = uploaded
        .expect("uploaded")
        .into_inner()
        .operation
        .expect("one");
    let email = "robin.fernhollow@example.com";
    let mut request = application(&posting, &question, email);
    request.answers.push(value("resume", &uploaded.result_id));
    let operation = world.apply_to_posting(request).await.expect("recorded");
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    assert_eq!(operation.kind(), pb::OperationKind::ApplyToPosting);
    assert_eq!(operation.opportunity_id, "");
    let people = world.people_at(email);
    assert_eq!(people.len(), 1);
    assert_eq!(people[0]["sources"], json!(["Partner board"]));
    let id = people[0]["id"].as_str().expect("an id");
    let applications = world.lever.children(id, "applications");
    assert_eq!(applications[0]["id"], operation.result_id.as_str());
    let answers = applications[0]["customQuestions"].to_string();
    assert!(answers.contains("Ten years"), "{answers}");
    assert_eq!(world.lever.children(id, "resumes").len(), 1);
}

#[tokio::test]
async fn f29_an_application_whose_answer_is_lost_is_in_lever_once() {
    let world = world().await;
    let (posting, question) = world.asking_posting().await;
    for (number, action) in LOST.into_iter().enumerate() {
        let email = format!("robin{number}@example.com");
        world.lose("applyToPosting", action, 1);
        let request = application(&posting, &question, &email);
        let operation = world.apply_to_posting(request).await.expect("recorded");
        assert_eq!(operation.state(), Succeeded, "{action:?}: {operation:?}");
        let people = world.people_at(&email);
        assert_eq!(people.len(), 1, "{action:?}");
        let id = people[0]["id"].as_str().expect("an id");
        let applications = world.lever.children(id, "applications");
        assert_eq!(
            applications[0]["id"],
            operation.result_id.as_str(),
            "{action:?}"
        );
    }
}

/// F-29, P10: what another operation has made is not taken for what a lost call made.
#[tokio::test]
async fn f29_two_applications_of_one_person_stay_two_when_an_answer_is_lost() {
    let world = world().await;
    let (posting, question) = world.asking_posting().await;
    let ask = || application(&posting, &question, "robin.twice@example.com");
    let first = world.apply_to_posting(ask()).await.expect("recorded");
    world.lose("applyToPosting", Action::ResetBefore, 1);
    let second = world.apply_to_posting(ask()).await.expect("recorded");
    assert_eq!(second.state(), Succeeded, "{second:?}");
    assert_ne!(first.result_id, second.result_id);
    assert_eq!(world.effects("applyToPosting"), 2);
}

/// F-29: what Lever would refuse is told with its field before anything is recorded or written.
#[tokio::test]
async fn f28_f29_what_cannot_be_right_names_its_field_and_nothing_is_written() {
    let world = world().await;
    let person = world.open_opportunities().remove(0);
    let template = world.template("Offer information").await;
    let (posting, question) = world.asking_posting().await;
    let before = world.writes().len();
    let mut table = Table::default();

    let mut open = application(&posting, &question, "a@example.com");
    open.answers.remove(0);
    let told = refused(world.apply_to_posting(open).await);
    assert_eq!(
        (told.code, told.fields.clone()),
        (Code::InvalidArgument, vec!["answers".to_owned()])
    );
    assert!(told.message.contains(&question), "{told:?}");
    let apply = || application(&posting, &question, "a@example.com");
    let with = |answer: pb::FormValue| {
        let mut request = apply();
        request.answers.push(answer);
        request
    };
    let applications = [
        ("answers[3]", with(value("Shoe size", "44"))),
        ("answers[3]", with(value("email", "b@example.com"))),
        (
            "origin",
            pb::ApplyToPostingRequest {
                origin: "found".to_owned(),
                ..apply()
            },
        ),
        (
            "ip_address",
            pb::ApplyToPostingRequest {
                ip_address: "zz".to_owned(),
                ..apply()
            },
        ),
        (
            "timezone",
            pb::ApplyToPostingRequest {
                timezone: "Oslo".to_owned(),
                ..apply()
            },
        ),
        (
            "posting_id",
            pb::ApplyToPostingRequest {
                posting_id: String::new(),
                ..apply()
            },
        ),
    ];
    for (field, request) in applications {
        table.row(
            field,
            world.apply_to_posting(request).await,
            Code::InvalidArgument,
            field,
        );
    }
    let nowhere = pb::ApplyToPostingRequest {
        posting_id: NOBODY.to_owned(),
        ..apply()
    };
    table.row(
        "no posting",
        world.apply_to_posting(nowhere).await,
        Code::NotFound,
        "",
    );

    let form = || offer_form(&person, &template, "x");
    let fill = |values: Vec<pb::FormValue>| pb::CreateFormRequest { values, ..form() };
    let forms = [
        ("values", fill(vec![value("Compensation", "75000")])),
        ("values[0]", fill(vec![value("Compensation", "much")])),
        (
            "template_id",
            pb::CreateFormRequest {
                template_id: String::new(),
                ..form()
            },
        ),
        (
            "opportunity_id",
            pb::CreateFormRequest {
                opportunity_id: String::new(),
                ..form()
            },
        ),
    ];
    for (field, request) in forms {
        table.row(
            field,
            world.create_form(request).await,
            Code::InvalidArgument,
            field,
        );
    }
    let nothing = pb::CreateFormRequest {
        template_id: NOBODY.to_owned(),
        ..form()
    };
    table.row(
        "no template",
        world.create_form(nothing).await,
        Code::NotFound,
        "",
    );

    let contact = |paths: &[&str]| pb::UpdateContactRequest {
        opportunity_id: person.clone(),
        request_id: fresh_id(),
        update_mask: mask(paths),
        ..Default::default()
    };
    let contacts = [
        (
            "update_mask",
            pb::UpdateContactRequest {
                update_mask: None,
                ..contact(&[])
            },
        ),
        ("update_mask.paths[0]", contact(&["links"])),
        ("name", contact(&["name"])),
        (
            "emails[0]",
            pb::UpdateContactRequest {
                emails: vec!["no address".to_owned()],
                ..contact(&["emails"])
            },
        ),
        (
            "add_phones[0].value",
            pb::UpdateContactRequest {
                add_phones: vec![pb::Phone {
                    value: "abc".to_owned(),
                    ..Default::default()
                }],
                ..contact(&["headline"])
            },
        ),
        (
            "add_emails",
            pb::UpdateContactRequest {
                add_emails: vec!["a@example.com".to_owned()],
                ..contact(&["emails"])
            },
        ),
        (
            "contact_id",
            pb::UpdateContactRequest {
                contact_id: NOBODY.to_owned(),
                ..contact(&["headline"])
            },
        ),
        (
            "opportunity_id",
            pb::UpdateContactRequest {
                opportunity_id: String::new(),
                ..contact(&["headline"])
            },
        ),
    ];
    for (field, request) in contacts {
        table.row(
            field,
            world.update_contact(request).await,
            Code::InvalidArgument,
            field,
        );
    }
    let user = |paths: &[&str]| pb::UpdateUserRequest {
        user_id: NOBODY.to_owned(),
        request_id: fresh_id(),
        update_mask: mask(paths),
        ..Default::default()
    };
    for field in ["name", "email", "access_role"] {
        table.row(
            field,
            world.update_user(user(&[field])).await,
            Code::InvalidArgument,
            field,
        );
    }
    table.row(
        "no user",
        world.update_user(user(&["job_title"])).await,
        Code::NotFound,
        "",
    );
    table.check();
    assert_eq!(world.writes().len(), before, "nothing was written");
    assert!(world.operations().await.is_empty(), "nothing was recorded");
}

/// F-28: contact information grows; what nobody asked to change stays, and the mirror shows it at once.
#[tokio::test]
async fn f28_a_person_gets_an_address_more_and_loses_one_only_when_asked() {
    let world = world().await;
    let person = world.open_opportunities().remove(0);
    let shown = async || {
        let mirrored = world.opportunity(&person).await.expect("mirrored");
        assert_eq!(Some(&mirrored), world.lever.opportunity(&person).as_ref());
        mirrored
    };
    let before = shown().await;
    let known: Vec<String> = serde_json::from_value(before["emails"].clone()).expect("texts");
    let change = pb::UpdateContactRequest {
        opportunity_id: person.clone(),
        request_id: fresh_id(),
        headline: "Findem".to_owned(),
        add_emails: known
            .iter()
            .map(|email| email.to_uppercase())
            .chain(["more@example.com".to_owned()])
            .collect(),
        ..Default::default()
    };
    world.lose("updateContact", Action::ResetAfter, 1);
    let operation = world.update_contact(change).await.expect("recorded");
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    let after = shown().await;
    let all: Vec<String> = known
        .iter()
        .cloned()
        .chain(["more@example.com".to_owned()])
        .collect();
    assert_eq!(after["emails"], json!(all));
    assert_eq!(after["headline"], "Findem");
    assert_eq!(
        (&after["name"], &after["phones"]),
        (&before["name"], &before["phones"])
    );

    // What is there already is not written again.
    let writes = world.writes().len();
    let again = pb::UpdateContactRequest {
        contact_id: after["contact"].as_str().expect("an id").to_owned(),
        request_id: fresh_id(),
        add_emails: vec!["More@example.com".to_owned()],
        ..Default::default()
    };
    let operation = world.update_contact(again).await.expect("recorded");
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    assert_eq!(world.writes().len(), writes);

    let none = pb::UpdateContactRequest {
        opportunity_id: person.clone(),
        request_id: fresh_id(),
        update_mask: mask(&["emails"]),
        ..Default::default()
    };
    let operation = world.update_contact(none).await.expect("recorded");
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    assert_eq!(shown().await["emails"], json!([]));
}

/// F-28: Lever replaces users as a whole, so what nobody asked to change is sent along; a role needs an administrator.
#[tokio::test]
async fn f28_a_user_changes_in_what_was_asked_and_a_role_takes_an_administrator() {
    let mut world = world().await;
    assert!(world.stop().await.success());
    let product = world.home.token(&["--role", "product"]).await;
    world.start().await;
    world.api = world.api.with_token(&product);
    let user = world.lever.active_users().remove(0);
    let before = world.in_lever_at(&format!("/users/{user}")).await["data"].clone();
    let change = pb::UpdateUserRequest {
        user_id: user.clone(),
        request_id: fresh_id(),
        job_title: "Head of hiring".to_owned(),
        ..Default::default()
    };
    let planned = pb::UpdateUserRequest {
        dry_run: true,
        ..change.clone()
    };
    let planned = world.update_user(planned).await.expect("planned");
    let methods: Vec<_> = planned
        .lever_calls
        .iter()
        .map(|call| call.method.as_str())
        .collect();
    assert_eq!(methods, ["GET", "PUT"]);
    world.lose("updateUser", Action::ServerErrorAfter(500), 1);
    let operation = world.update_user(change.clone()).await.expect("recorded");
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    let mut expected = before;
    expected["jobTitle"] = json!("Head of hiring");
    let after = world.in_lever_at(&format!("/users/{user}")).await["data"].clone();
    assert_eq!(after, expected);

    let promotion = pb::UpdateUserRequest {
        request_id: fresh_id(),
        access_role: "super admin".to_owned(),
        ..change
    };
    let told = refused(world.update_user(promotion).await);
    assert_eq!(told.code, Code::PermissionDenied);
    assert!(told.message.contains("access_role"), "{told:?}");
    // However it is spelled, and whether somebody gets another role or comes with one.
    let body = r#"{"name": "A", "email": "a@example.com", "\u0061ccessRole": "super admin"}"#;
    for (call, path) in [
        ("updateUser", vec![("user", user.as_str())]),
        ("createUser", vec![]),
    ] {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let request = pb::CallRequest {
            connection_id: world.connection.clone(),
            operation_id: call.to_owned(),
            path_parameters: path.iter().map(owned).collect(),
            request_id: fresh_id(),
            body: Some(pb::call_request::Body::BodyJson(body.into())),
            ..Default::default()
        };
        let told = refused(world.api.lever().call(request).await);
        assert_eq!(told.code, Code::PermissionDenied, "{call}");
        assert!(told.message.contains("accessRole"), "{told:?}");
    }
}

/// F-21: a long text is several notes, and none of them twice when an answer is lost.
#[tokio::test]
async fn f21_a_long_note_is_written_in_numbered_parts_each_once() {
    let world = world().await;
    let people = world.open_opportunities();
    let long = "word ".repeat(26_000);
    for (person, action) in people.iter().zip([Action::ResetAfter, Action::ResetBefore]) {
        let before = world.lever.notes(person).len();
        world.lose("createOpportunityNote", action, 2);
        let operation = world
            .note(person, &fresh_id(), &long)
            .await
            .expect("recorded");
        assert_eq!(operation.state(), Succeeded, "{action:?}: {operation:?}");
        let steps: Vec<_> = operation
            .steps
            .iter()
            .map(pb::OperationStep::state)
            .collect();
        assert_eq!(steps, [Succeeded; 3], "{action:?}");
        let notes = world.lever.notes(person);
        assert_eq!(notes.len(), before + 3, "{action:?}");
        for part in ["(1/3)", "(2/3)", "(3/3)"] {
            let ends = |note: &&Value| {
                let text = note["fields"][0]["value"].as_str().unwrap_or_default();
                text.ends_with(&format!("word {part}"))
            };
            assert_eq!(notes.iter().filter(ends).count(), 1, "{action:?}: {part}");
        }
        world.lever.set_faults(FaultPlan::default());
    }
    let request = pb::CreateNoteRequest {
        opportunity_id: people[3].clone(),
        value: long,
        dry_run: true,
        ..Default::default()
    };
    let planned = world.create_note(request).await.expect("planned");
    let notes = planned
        .lever_calls
        .iter()
        .filter(|call| call.method == "POST");
    assert_eq!(notes.count(), 3);
    let too_long = world
        .note(&people[3], &fresh_id(), &"x".repeat(600_001))
        .await;
    assert_eq!(refused(too_long).fields, ["value"]);
}

/// F-29: what only Lever can tell is told as its refusal.
#[tokio::test]
async fn f29_a_posting_that_takes_no_applications_is_refused_by_lever() {
    let world = world().await;
    let postings = world.in_lever_at("/postings?state=closed&limit=100").await;
    let closed = postings["data"][0]["id"]
        .as_str()
        .expect("a closed posting");
    let form = world
        .in_lever_at(&format!("/postings/{closed}/apply"))
        .await;
    let mut request = application(closed, "", "a@example.com");
    request.answers.remove(0);
    for set in form["data"]["customQuestions"].as_array().expect("a list") {
        let questions = set["fields"].as_array().expect("a list").iter();
        for question in questions.filter(|question| question["required"] == true) {
            request
                .answers
                .push(value(question["text"].as_str().expect("a text"), "Ten"));
        }
    }
    let operation = world.apply_to_posting(request).await.expect("recorded");
    assert_eq!(operation.state(), Failed, "{operation:?}");
    assert_eq!(world.effects("applyToPosting"), 0);
}
