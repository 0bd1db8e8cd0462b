//! Drawing writes, and asking for them.

use std::collections::{HashMap, HashSet, VecDeque};

use futures::stream;
use proto::v1 as pb;
use serde_json::json;
use tonic::Status;

use crate::support::{Api, Random, World, fresh_id};
use crate::typed_writes::{application, offer_form};

/// One write as a caller asks for it; asked again it is the same one.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    connection: String,
    request_id: String,
    /// Whom it is about; of a bulk the first.
    pub(super) opportunity: String,
    pub(super) what: What,
    template: String,
    posting: (String, String),
}

/// What is written.
#[derive(Debug, Clone)]
pub(super) enum What {
    Note(String),
    Comment {
        text: String,
        note: String,
    },
    Tag {
        add: bool,
        text: String,
    },
    Source {
        add: bool,
        text: String,
    },
    Link {
        add: bool,
        text: String,
    },
    /// To a stage where the person has not been.
    Stage(String),
    /// To a stage, from one where the person never was: refused.
    StageFrom {
        to: String,
        expected: String,
    },
    Archive(String),
    Unarchive,
    /// A note by its call, which nothing tells from others.
    RawNote(String),
    RawTag(String),
    /// A file of this name.
    File(String),
    /// A form with this text among its answers.
    Form(String),
    /// What the note of the person says from now on.
    EditNote {
        text: String,
        note: String,
    },
    /// Somebody new with this address applies.
    Apply(String),
    /// Somebody new with this address is exported, with a note of the same text.
    Export(String),
    /// Notes on several people.
    Bulk(Vec<(String, String)>),
}

/// What the notes say that writes are about.
pub(super) const TO_COMMENT_ON: &str = "to comment on";
pub(super) const TO_EDIT: &str = "to edit";

/// Whom may be written about, and what is still left for them.
pub(super) struct Planner {
    connection: String,
    people: Vec<String>,
    /// A note of each to comment on.
    notes: HashMap<String, String>,
    /// Stages where each has not been.
    stages: HashMap<String, VecDeque<String>>,
    /// Two stages where nobody ever is.
    nowhere: (String, String),
    reasons: Vec<String>,
    /// A note of each to be edited.
    edited: HashMap<String, String>,
    template: String,
    /// A posting that asks a question, and the question.
    posting: (String, String),
}

fn id(record: &serde_json::Value) -> String {
    record["id"].as_str().expect("an id").to_owned()
}

impl Planner {
    /// Picks people who share nothing, and writes a note on each.
    pub(super) async fn new(world: &World, people: usize) -> Planner {
        let mut stages: Vec<_> = world.lever.stages().iter().map(id).collect();
        let nowhere = (
            stages.remove(stages.len() - 1),
            stages.remove(stages.len() - 1),
        );
        let mut contacts = HashSet::new();
        let mut chosen = Vec::new();
        let mut left = HashMap::new();
        for opportunity in world.open_opportunities() {
            let document = world.lever.opportunity(&opportunity).expect("there");
            let here = document["stage"].as_str().unwrap_or_default();
            let elsewhere = here != nowhere.0 && here != nowhere.1;
            if elsewhere && contacts.insert(document["contact"].to_string()) {
                let others = stages.iter().filter(|stage| *stage != here).cloned();
                left.insert(opportunity.clone(), others.collect());
                chosen.push(opportunity);
            }
        }
        chosen.truncate(people);
        assert_eq!(chosen.len(), people, "there are people enough");
        let reasons = world.lever.archive_reasons();
        let reasons = reasons
            .iter()
            .filter(|reason| reason["type"] == "non-hired" && reason["status"] == "active");
        let (mut notes, mut edited) = (HashMap::new(), HashMap::new());
        for opportunity in &chosen {
            for (kept, text) in [(&mut notes, TO_COMMENT_ON), (&mut edited, TO_EDIT)] {
                let note = world.note(opportunity, &fresh_id(), text).await;
                kept.insert(opportunity.clone(), note.expect("recorded").result_id);
            }
        }
        // Somebody has to be named who exports people.
        let settings = pb::Connection {
            default_acting_user_id: world.lever.active_users().remove(0),
            ..Default::default()
        };
        let changed = world.change(settings, &["default_acting_user_id"]).await;
        changed.expect("changed");
        Planner {
            connection: world.connection.clone(),
            people: chosen,
            notes,
            stages: left,
            nowhere,
            reasons: reasons.map(id).collect(),
            edited,
            template: world.template("Offer information").await,
            posting: world.asking_posting().await,
        }
    }

    /// The next write; its number makes its text its own.
    pub(super) fn draw(&mut self, random: &mut Random, number: usize) -> Asked {
        let opportunity = random.pick(&self.people).clone();
        Asked {
            connection: self.connection.clone(),
            request_id: fresh_id(),
            what: self.what(random, number, &opportunity),
            opportunity,
            template: self.template.clone(),
            posting: self.posting.clone(),
        }
    }

    fn what(&mut self, random: &mut Random, number: usize, opportunity: &str) -> What {
        let text = format!("write {number:04}");
        // Few, so that what is added is removed again, and the order shows.
        let label = |random: &mut Random| format!("label {}", random.below(3));
        match random.below(100) {
            0..=13 => What::Note(text),
            14..=16 => What::Form(text),
            17..=19 => What::EditNote {
                text,
                note: self.edited[opportunity].clone(),
            },
            20..=21 => What::Apply(address(&text)),
            22..=24 => What::Export(address(&text)),
            25..=31 => What::Comment {
                text,
                note: self.notes[opportunity].clone(),
            },
            32..=45 => What::Tag {
                add: random.percent(60),
                text: label(random),
            },
            46..=53 => What::Source {
                add: random.percent(60),
                text: label(random),
            },
            54..=61 => What::Link {
                add: random.percent(60),
                text: format!("https://example.com/{}", random.below(3)),
            },
            62..=69 => match self
                .stages
                .get_mut(opportunity)
                .and_then(VecDeque::pop_front)
            {
                Some(stage) => What::Stage(stage),
                None => What::Note(text),
            },
            70..=72 => What::StageFrom {
                to: self.nowhere.0.clone(),
                expected: self.nowhere.1.clone(),
            },
            73..=77 => What::Archive(random.pick(&self.reasons).clone()),
            78..=81 => What::Unarchive,
            82..=86 => What::RawNote(text),
            87..=90 => What::RawTag(label(random)),
            91..=96 => What::File(format!("{text}.pdf")),
            _ => What::Bulk(self.bulk(random, &text)),
        }
    }

    fn bulk(&self, random: &mut Random, text: &str) -> Vec<(String, String)> {
        let item = |item| {
            (
                random.pick(&self.people).clone(),
                format!("{text} item {item}"),
            )
        };
        (0..5).map(item).collect()
    }
}

/// An address of somebody whom nobody knows.
fn address(text: &str) -> String {
    format!("{}@example.com", text.replace(' ', "."))
}

fn at_once() -> Option<prost_types::Duration> {
    Some(prost_types::Duration::default())
}

/// Asks for a write of one opportunity and does not wait for it.
macro_rules! one {
    ($client:expr, $method:ident, $request:ident, $asked:ident, { $($field:ident: $value:expr),* }) => {{
        let request = pb::$request {
            connection_id: $asked.connection.clone(),
            opportunity_id: $asked.opportunity.clone(),
            request_id: $asked.request_id.clone(),
            wait: at_once(),
            $($field: $value,)*
            ..Default::default()
        };
        $client.$method(request).await?.into_inner().operation
    }};
}

/// Asks for a write; the id of its operation.
pub(super) async fn ask(api: Api, asked: Asked) -> Result<String, Status> {
    let mut client = api.candidates();
    let operation = match asked.what.clone() {
        What::Note(value) => one!(client, create_note, CreateNoteRequest, asked, { value: value }),
        What::Comment { text, note } => {
            one!(client, create_note, CreateNoteRequest, asked, { value: text, note_id: note })
        }
        What::Tag { add: true, text } => {
            one!(client, add_tags, AddTagsRequest, asked, { tags: vec![text] })
        }
        What::Tag { add: false, text } => {
            one!(client, remove_tags, RemoveTagsRequest, asked, { tags: vec![text] })
        }
        What::Source { add: true, text } => {
            one!(client, add_sources, AddSourcesRequest, asked, { sources: vec![text] })
        }
        What::Source { add: false, text } => {
            one!(client, remove_sources, RemoveSourcesRequest, asked, { sources: vec![text] })
        }
        What::Link { add: true, text } => {
            one!(client, add_links, AddLinksRequest, asked, { links: vec![text] })
        }
        What::Link { add: false, text } => {
            one!(client, remove_links, RemoveLinksRequest, asked, { links: vec![text] })
        }
        What::Stage(stage) => {
            one!(client, change_stage, ChangeStageRequest, asked, { stage_id: stage })
        }
        What::StageFrom { to, expected } => {
            one!(client, change_stage, ChangeStageRequest, asked, { stage_id: to, expected_stage_id: expected })
        }
        What::Archive(reason) => {
            one!(client, archive, ArchiveRequest, asked, { archive_reason_id: reason })
        }
        What::Unarchive => one!(client, unarchive, UnarchiveRequest, asked, {}),
        What::RawNote(text) => {
            call(
                &api,
                &asked,
                "createOpportunityNote",
                json!({ "value": text }),
            )
            .await?
        }
        What::RawTag(text) => {
            call(
                &api,
                &asked,
                "addOpportunityTags",
                json!({ "tags": [text] }),
            )
            .await?
        }
        What::File(name) => {
            let request = pb::UploadFileRequest {
                connection_id: asked.connection.clone(),
                opportunity_id: asked.opportunity.clone(),
                request_id: asked.request_id.clone(),
                wait: at_once(),
                name,
                content_type: "application/pdf".to_owned(),
                chunk: vec![7; 3000].into(),
                ..Default::default()
            };
            let answer = client.upload_file(stream::iter([request])).await?;
            answer.into_inner().operation
        }
        What::Form(text) => {
            let request = pb::CreateFormRequest {
                connection_id: asked.connection.clone(),
                request_id: asked.request_id.clone(),
                wait: at_once(),
                ..offer_form(&asked.opportunity, &asked.template, &text)
            };
            client.create_form(request).await?.into_inner().operation
        }
        What::EditNote { text, note } => {
            one!(client, update_note, UpdateNoteRequest, asked, { note_id: note, values: vec![text] })
        }
        What::Apply(email) => {
            let (posting, question) = &asked.posting;
            let request = pb::ApplyToPostingRequest {
                connection_id: asked.connection.clone(),
                request_id: asked.request_id.clone(),
                wait: at_once(),
                ..application(posting, question, &email)
            };
            client
                .apply_to_posting(request)
                .await?
                .into_inner()
                .operation
        }
        What::Export(email) => {
            let profile = pb::ExportProfile {
                name: "Robin Fernhollow".to_owned(),
                emails: vec![pb::ExportEmail {
                    address: email.clone(),
                    ..Default::default()
                }],
                ..Default::default()
            };
            let request = pb::ExportCandidateRequest {
                connection_id: asked.connection.clone(),
                request_id: asked.request_id.clone(),
                wait: at_once(),
                profile: Some(profile),
                note: email,
                ..Default::default()
            };
            client
                .export_candidate(request)
                .await?
                .into_inner()
                .operation
        }
        What::Bulk(items) => bulk(&api, &asked, items).await?,
    };
    Ok(operation.expect("an operation").id)
}

async fn call(
    api: &Api,
    asked: &Asked,
    operation: &str,
    body: serde_json::Value,
) -> Result<Option<pb::Operation>, Status> {
    let request = pb::CallRequest {
        connection_id: asked.connection.clone(),
        operation_id: operation.to_owned(),
        path_parameters: [("opportunity".to_owned(), asked.opportunity.clone())].into(),
        request_id: asked.request_id.clone(),
        wait: at_once(),
        body: Some(pb::call_request::Body::BodyJson(body.to_string().into())),
        ..Default::default()
    };
    Ok(api.lever().call(request).await?.into_inner().operation)
}

/// The bulk is told first.
async fn bulk(
    api: &Api,
    asked: &Asked,
    items: Vec<(String, String)>,
) -> Result<Option<pb::Operation>, Status> {
    let item = |(opportunity_id, value)| pb::BulkItem {
        opportunity_id,
        write: Some(pb::bulk_item::Write::Note(pb::BulkNote {
            value,
            secret: false,
        })),
    };
    let request = pb::BulkWriteRequest {
        connection_id: asked.connection.clone(),
        request_id: asked.request_id.clone(),
        items: items.into_iter().map(item).collect(),
        ..Default::default()
    };
    let mut told = api.candidates().bulk_write(request).await?.into_inner();
    let first = told.message().await?;
    let first = first.ok_or_else(|| Status::unavailable("nothing was told"))?;
    Ok(first.operation)
}
