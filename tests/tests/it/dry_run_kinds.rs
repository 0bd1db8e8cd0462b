//! A dry run of every kind of write tells the calls that Lever sees when it is made, and how many reads follow (X3).

use std::collections::BTreeSet;

use futures::stream;
use lever_sim::AuditEntry;
use proto::v1 as pb;
use proto::v1::OperationState::Succeeded;
use serde_json::{Value, json};

use crate::dry_runs::until_nothing_waits;
use crate::support::{Setup, World, fresh_id};
use crate::typed_writes::{application, offer_form};

/// What a planned opportunity is called until it is made.
const NOT_MADE_YET: &str = "new-opportunity";
const TAG: &str = "Planned tag";
const SOURCE: &str = "Planned source";
const LINK: &str = "https://example.org/planned";
const RAW_LINK: &str = "https://example.org/raw";

/// A write as it can be asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Note,
    LongNote,
    UpdateNote,
    AddTags,
    RemoveTags,
    AddSources,
    RemoveSources,
    AddLinks,
    RemoveLinks,
    ChangeStage,
    Archive,
    Unarchive,
    Form,
    File,
    CandidateFile,
    ApplicationFile,
    ContactOfCandidacy,
    Contact,
    ContactWithMore,
    User,
    Application,
    Export,
    RawNote,
    RawLinks,
    RawContact,
    RawOpportunity,
}

/// In an order in which each changes something.
const ALL: [Kind; 26] = [
    Kind::Note,
    Kind::LongNote,
    Kind::UpdateNote,
    Kind::AddTags,
    Kind::RemoveTags,
    Kind::AddSources,
    Kind::RemoveSources,
    Kind::AddLinks,
    Kind::RemoveLinks,
    Kind::ChangeStage,
    Kind::Archive,
    Kind::Unarchive,
    Kind::Form,
    Kind::File,
    Kind::CandidateFile,
    Kind::ApplicationFile,
    Kind::ContactOfCandidacy,
    Kind::Contact,
    Kind::ContactWithMore,
    Kind::User,
    Kind::Application,
    Kind::Export,
    Kind::RawNote,
    Kind::RawLinks,
    Kind::RawContact,
    Kind::RawOpportunity,
];

/// An account with somebody who has two candidacies, and what else is written to.
struct Room {
    world: World,
    /// One of the two.
    person: String,
    contact: String,
    note: String,
    user: String,
    posting: String,
    question: String,
    template: String,
}

impl Room {
    async fn new(setup: Setup) -> Room {
        let world = World::synced(setup).await;
        let (person, contact) = somebody_twice(&world);
        let note = world.note(&person, &fresh_id(), "as it was").await;
        let (posting, question) = world.asking_posting().await;
        Room {
            note: note.expect("recorded").result_id,
            user: world.lever.active_users().remove(0),
            template: world.template("Offer information").await,
            person,
            contact,
            posting,
            question,
            world,
        }
    }

    async fn ask(&self, kind: Kind, dry_run: bool) -> pb::Operation {
        let (world, opportunity_id, request_id) = (&self.world, self.person.clone(), fresh_id());
        macro_rules! asked {
            ($rpc:ident, $request:ident { $($field:ident: $value:expr),* }) => {
                world.$rpc(pb::$request {
                    opportunity_id,
                    request_id,
                    dry_run,
                    $($field: $value,)*
                    ..Default::default()
                })
                .await
            };
        }
        let texts = |text: &str| vec![text.to_owned()];
        let asked = match kind {
            Kind::Note => asked!(
                create_note,
                CreateNoteRequest {
                    value: "hello".to_owned()
                }
            ),
            Kind::LongNote => {
                asked!(
                    create_note,
                    CreateNoteRequest {
                        value: "word ".repeat(26_000)
                    }
                )
            }
            Kind::UpdateNote => asked!(
                update_note,
                UpdateNoteRequest {
                    note_id: self.note.clone(),
                    values: texts("as it is now")
                }
            ),
            Kind::AddTags => asked!(add_tags, AddTagsRequest { tags: texts(TAG) }),
            Kind::RemoveTags => asked!(remove_tags, RemoveTagsRequest { tags: texts(TAG) }),
            Kind::AddSources => asked!(
                add_sources,
                AddSourcesRequest {
                    sources: texts(SOURCE)
                }
            ),
            Kind::RemoveSources => {
                asked!(
                    remove_sources,
                    RemoveSourcesRequest {
                        sources: texts(SOURCE)
                    }
                )
            }
            Kind::AddLinks => asked!(add_links, AddLinksRequest { links: texts(LINK) }),
            Kind::RemoveLinks => asked!(remove_links, RemoveLinksRequest { links: texts(LINK) }),
            Kind::ChangeStage => {
                asked!(
                    change_stage,
                    ChangeStageRequest {
                        stage_id: "offer".to_owned()
                    }
                )
            }
            Kind::Archive => asked!(
                archive,
                ArchiveRequest {
                    archive_reason_id: world.reject_reason()
                }
            ),
            Kind::Unarchive => asked!(unarchive, UnarchiveRequest {}),
            Kind::Form => {
                let form = offer_form(&self.person, &self.template, "Keen");
                let perform_as = self.user.clone();
                let form = pb::CreateFormRequest {
                    dry_run,
                    perform_as,
                    ..form
                };
                world.create_form(form).await
            }
            Kind::File => Ok(self.file(pb::UploadTarget::Unspecified, dry_run).await),
            Kind::CandidateFile => Ok(self.file(pb::UploadTarget::Candidate, dry_run).await),
            Kind::ApplicationFile => Ok(self.file(pb::UploadTarget::Application, dry_run).await),
            Kind::ContactOfCandidacy => {
                asked!(
                    update_contact,
                    UpdateContactRequest {
                        headline: "Captain".to_owned()
                    }
                )
            }
            Kind::Contact | Kind::ContactWithMore => {
                let request = pb::UpdateContactRequest {
                    contact_id: self.contact.clone(),
                    request_id,
                    dry_run,
                    ..Default::default()
                };
                let request = match kind {
                    Kind::Contact => pb::UpdateContactRequest {
                        headline: "Rear admiral".to_owned(),
                        ..request
                    },
                    _ => pb::UpdateContactRequest {
                        add_emails: texts("more@example.org"),
                        ..request
                    },
                };
                world.update_contact(request).await
            }
            Kind::User => {
                let request = pb::UpdateUserRequest {
                    user_id: self.user.clone(),
                    request_id,
                    job_title: "Head of hiring".to_owned(),
                    dry_run,
                    ..Default::default()
                };
                world.update_user(request).await
            }
            Kind::Application => {
                let email = "robin.planned@example.com";
                let request = application(&self.posting, &self.question, email);
                let request = pb::ApplyToPostingRequest { dry_run, ..request };
                world.apply_to_posting(request).await
            }
            Kind::Export => Ok(self.export(dry_run).await),
            Kind::RawNote => {
                let path = ("opportunity", self.person.as_str());
                Ok(self
                    .call(
                        "createOpportunityNote",
                        path,
                        json!({"value": "raw"}),
                        dry_run,
                    )
                    .await)
            }
            Kind::RawLinks => {
                let path = ("opportunity", self.person.as_str());
                Ok(self
                    .call(
                        "addOpportunityLinks",
                        path,
                        json!({"links": [RAW_LINK]}),
                        dry_run,
                    )
                    .await)
            }
            Kind::RawContact => {
                let path = ("contact", self.contact.as_str());
                Ok(self
                    .call("updateContact", path, json!({"headline": "Raw"}), dry_run)
                    .await)
            }
            Kind::RawOpportunity => {
                let body = json!({"name": "Raw Newcomer"});
                Ok(self
                    .call("createOpportunity", ("", ""), body, dry_run)
                    .await)
            }
        };
        asked.unwrap_or_else(|error| panic!("{kind:?}: {error:?}"))
    }

    async fn file(&self, target: pb::UploadTarget, dry_run: bool) -> pb::Operation {
        let opportunity_id = match target {
            pb::UploadTarget::Application => String::new(),
            _ => self.person.clone(),
        };
        let head = pb::UploadFileRequest {
            connection_id: self.world.connection.clone(),
            opportunity_id,
            request_id: fresh_id(),
            name: "letter.txt".to_owned(),
            target: target.into(),
            dry_run,
            wait: patient(),
            ..Default::default()
        };
        let piece = pb::UploadFileRequest {
            chunk: b"dear all".to_vec().into(),
            ..Default::default()
        };
        let pieces = match dry_run {
            true => vec![head],
            false => vec![head, piece],
        };
        let sent = self
            .world
            .api
            .candidates()
            .upload_file(stream::iter(pieces))
            .await;
        sent.expect("recorded")
            .into_inner()
            .operation
            .expect("an operation")
    }

    async fn export(&self, dry_run: bool) -> pb::Operation {
        let request = pb::ExportCandidateRequest {
            connection_id: self.world.connection.clone(),
            request_id: fresh_id(),
            profile: Some(pb::ExportProfile {
                name: "Grace Planned".to_owned(),
                linkedin_url: "https://www.linkedin.com/in/grace-planned".to_owned(),
                ..Default::default()
            }),
            note: "met at a conference".to_owned(),
            perform_as: self.user.clone(),
            dry_run,
            wait: patient(),
            ..Default::default()
        };
        let answer = self.world.api.candidates().export_candidate(request).await;
        answer
            .expect("recorded")
            .into_inner()
            .operation
            .expect("an operation")
    }

    async fn call(
        &self,
        operation: &str,
        (parameter, id): (&str, &str),
        body: Value,
        dry_run: bool,
    ) -> pb::Operation {
        let path = Some((parameter.to_owned(), id.to_owned()));
        let request = pb::CallRequest {
            connection_id: self.world.connection.clone(),
            operation_id: operation.to_owned(),
            path_parameters: path
                .into_iter()
                .filter(|(name, _)| !name.is_empty())
                .collect(),
            body: Some(pb::call_request::Body::BodyJson(body.to_string().into())),
            request_id: fresh_id(),
            perform_as: match operation {
                "updateContact" => String::new(),
                _ => self.user.clone(),
            },
            dry_run,
            wait: patient(),
            ..Default::default()
        };
        let answer = self.world.api.lever().call(request).await;
        answer
            .expect("recorded")
            .into_inner()
            .operation
            .expect("an operation")
    }

    fn people(&self) -> BTreeSet<String> {
        let all = self.world.lever.opportunities().into_iter();
        all.map(|one| text(&one, "id")).collect()
    }

    /// The candidacies of the person.
    fn theirs(&self) -> BTreeSet<String> {
        let all = self.world.lever.opportunities().into_iter();
        let theirs = all.filter(|one| one["contact"] == self.contact.as_str());
        theirs.map(|one| text(&one, "id")).collect()
    }
}

fn text(document: &Value, field: &str) -> String {
    document[field].as_str().unwrap_or_default().to_owned()
}

fn patient() -> Option<prost_types::Duration> {
    Some(prost_types::Duration {
        seconds: 40,
        nanos: 0,
    })
}

/// An open candidacy, with an active owner, of somebody who has another, and the contact.
fn somebody_twice(world: &World) -> (String, String) {
    let all = world.lever.opportunities();
    let active = world.lever.active_users();
    let open: BTreeSet<_> = world.open_opportunities().into_iter().collect();
    let twice = |one: &&Value| {
        let same = all
            .iter()
            .filter(|other| other["contact"] == one["contact"]);
        same.count() > 1 && one["stage"] != "offer"
    };
    let fits =
        |one: &&Value| open.contains(&text(one, "id")) && active.contains(&text(one, "owner"));
    let found = all.iter().filter(fits).find(twice);
    let found = found.expect("somebody with two candidacies");
    (text(found, "id"), text(found, "contact"))
}

/// A call as a dry run and Lever tell it.
type Call = (String, String, Vec<(String, String)>);

fn planned(operation: &pb::Operation) -> Vec<Call> {
    let call = |call: &pb::LeverCall| {
        let query = call.query.iter();
        let query = query.map(|pair| (pair.name.clone(), pair.value.clone()));
        (
            call.method.clone(),
            format!("/v1{}", call.path),
            query.collect(),
        )
    };
    operation.lever_calls.iter().map(call).collect()
}

/// What Lever has seen, with what stands in a dry run for whom it has made meanwhile.
fn seen(audit: impl IntoIterator<Item = AuditEntry>, made: &BTreeSet<String>) -> Vec<Call> {
    let call = |entry: AuditEntry| {
        let path = made
            .iter()
            .fold(entry.path, |path, id| path.replace(id, NOT_MADE_YET));
        (entry.method, path, entry.query)
    };
    audit.into_iter().map(call).collect()
}

/// X3: and the operation tells the same calls of itself once it was made.
#[tokio::test]
async fn x3_a_dry_run_of_every_kind_tells_the_calls_that_lever_then_sees() {
    let room = Room::new(Setup::new(60)).await;
    let world = &room.world;
    let pause = pb::PauseSyncRequest {
        connection_id: world.connection.clone(),
    };
    world.api.sync().pause_sync(pause).await.expect("paused");
    let mut kinds = BTreeSet::new();
    for kind in ALL {
        let people = room.people();
        let dry = room.ask(kind, true).await;
        let before = world.lever.audit().len();
        let done = room.ask(kind, false).await;
        assert_eq!(done.state(), Succeeded, "{kind:?}: {done:?}");
        let made: BTreeSet<_> = room.people().difference(&people).cloned().collect();
        let audit = world.lever.audit().into_iter().skip(before);
        let audit: Vec<_> = audit.collect();
        assert_eq!(planned(&dry), seen(audit.clone(), &made), "{kind:?}");
        assert_eq!(dry.planned_calls as usize, audit.len(), "{kind:?}");
        // The operation tells them too, from the first on, but for the reads that show in the mirror what was written.
        let told = done.lever_calls.iter().map(|call| &call.lever_operation);
        let told: Vec<_> = told.collect();
        let asked: Vec<_> = audit
            .iter()
            .filter_map(|entry| entry.operation.as_ref())
            .collect();
        assert_eq!(told.first(), asked.first(), "{kind:?}: {told:?}");
        let mut asked = asked.into_iter();
        assert!(
            told.iter().all(|one| asked.any(|other| other == *one)),
            "{kind:?}: {told:?}"
        );
        kinds.insert(done.kind);
    }
    // Those of many of each kind are in `dry_runs`, and nobody asks for the step of an export alone.
    let elsewhere = [
        pb::OperationKind::Bulk,
        pb::OperationKind::CreateOpportunity,
    ];
    let every = (1..).map_while(|number| pb::OperationKind::try_from(number).ok());
    for kind in every.filter(|kind| !elsewhere.contains(kind)) {
        assert!(kinds.contains(&kind.into()), "{kind:?} is not looked at");
    }
}

/// X3: what is a person's own shows in each of their candidacies, whose stamps move with it.
#[tokio::test]
async fn x3_a_dry_run_of_every_kind_tells_how_many_reads_follow_in_the_background() {
    let room = Room::new(Setup::full(60)).await;
    let world = &room.world;
    let mut otherwise = Vec::new();
    for kind in ALL {
        until_nothing_waits(world).await;
        let people = room.people();
        let dry = room.ask(kind, true).await;
        let before = world.lever.audit().len();
        let done = room.ask(kind, false).await;
        assert_eq!(done.state(), Succeeded, "{kind:?}: {done:?}");
        world.pull_until_mirror_equals_lever().await;
        until_nothing_waits(world).await;
        let made = room.people().difference(&people).cloned().collect();
        let written: BTreeSet<_> = room.theirs().union(&made).cloned().collect();
        let below = |entry: &AuditEntry| {
            let about = written
                .iter()
                .find_map(|id| entry.path.split_once(id.as_str()));
            about.is_some_and(|(_, list)| entry.method == "GET" && !list.is_empty())
        };
        let audit = world.lever.audit().into_iter().skip(before);
        let read = audit.filter(below).count();
        let shown = planned(&dry).into_iter().filter(|(method, path, _)| {
            let person = path.strip_prefix("/v1/opportunities/");
            method == "GET" && person.is_some_and(|person| person.contains('/'))
        });
        let told = shown.count() + dry.background_calls as usize;
        if told != read {
            otherwise.push((kind, told, read));
        }
    }
    assert_eq!(otherwise, [], "told and read");
}
