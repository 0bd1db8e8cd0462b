//! What a run came to: compares what was asked with what Lever has.

use std::collections::{BTreeSet, HashMap};

use proto::v1 as pb;
use proto::v1::OperationState::{Failed, Succeeded, Uncertain};

use super::ask::{Asked, TO_COMMENT_ON, TO_EDIT, What};
use crate::support::{World, why};

/// What went wrong, each with what it was about.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) duplicates: Vec<String>,
    pub(super) lost: Vec<String>,
    /// Writes in another order than they were asked for.
    pub(super) disorder: Vec<String>,
    /// Ended otherwise than what came of them.
    pub(super) unsettled: Vec<String>,
}

impl Verdict {
    pub(super) fn is_clean(&self) -> bool {
        let all = [
            &self.duplicates,
            &self.lost,
            &self.disorder,
            &self.unsettled,
        ];
        all.into_iter().all(Vec::is_empty)
    }
}

/// All texts of all notes, comments included, in the order of Lever.
pub(super) fn texts(world: &World, opportunity: &str) -> Vec<String> {
    let notes = world.lever.notes(opportunity);
    let fields = notes.iter().flat_map(|note| {
        let fields = note["fields"].as_array().cloned();
        fields.unwrap_or_default()
    });
    let text = |field: serde_json::Value| field["value"].as_str().map(str::to_owned);
    fields.filter_map(text).collect()
}

/// Every operation of the account, those of bulks included.
pub(super) async fn all_operations(world: &World) -> Vec<pb::Operation> {
    let mut all = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pb::ListOperationsRequest {
            connection_id: world.connection.clone(),
            page_size: 1000,
            page_token,
            ..Default::default()
        };
        let page = world.api.operations().list_operations(request).await;
        let page = page.expect("listed").into_inner();
        all.extend(page.operations);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return all;
        }
    }
}

/// What Lever should hold of somebody by what has succeeded, in the order asked.
#[derive(Debug, Default)]
struct Expected {
    tags: HashMap<String, bool>,
    sources: HashMap<String, bool>,
    links: HashMap<String, bool>,
    stage: Option<String>,
    /// The archive reason; none for not archived.
    archived: Option<Option<String>>,
    /// What the note to be edited says.
    edited: Option<String>,
    texts: Vec<String>,
}

pub(super) async fn judge(world: &World, asked: &[(Asked, Vec<String>)]) -> Verdict {
    let mut verdict = Verdict::default();
    let all = all_operations(world).await;
    let known: HashMap<_, _> = all.iter().map(|one| (one.id.as_str(), one)).collect();
    let mut expected: HashMap<&str, Expected> = HashMap::new();
    for (asked, ids) in asked {
        let different: BTreeSet<_> = ids.iter().collect();
        if different.len() > 1 {
            verdict
                .duplicates
                .push(format!("two operations of one request: {asked:?}"));
        }
        let Some(operation) = known.get(ids[0].as_str()) else {
            verdict.lost.push(format!("no operation of {asked:?}"));
            continue;
        };
        if let What::Bulk(items) = &asked.what {
            for (number, (opportunity, text)) in (1..).zip(items) {
                let id = format!("{}/{number}", operation.id);
                match known.get(id.as_str()) {
                    Some(item) => {
                        verdict.text(world, item, opportunity, text);
                        let of = expected.entry(opportunity).or_default();
                        of.texts.push(text.clone());
                    }
                    None => verdict.lost.push(format!("no operation of item {id}")),
                }
            }
            continue;
        }
        verdict.one(world, operation, asked);
        let of = expected.entry(&asked.opportunity).or_default();
        of.after(&asked.what, operation.state() == Succeeded);
    }
    for (opportunity, expected) in expected {
        verdict.person(world, opportunity, &expected);
    }
    verdict
}

impl Expected {
    /// After one more write, which has succeeded or not.
    fn after(&mut self, what: &What, succeeded: bool) {
        if let What::Note(text) | What::Comment { text, .. } | What::RawNote(text) = what {
            self.texts.push(text.clone());
        }
        if !succeeded {
            // It may be there or not, until a later write of the tag says so.
            if let What::RawTag(text) = what
                && self.tags.get(text) == Some(&false)
            {
                self.tags.remove(text);
            }
            return;
        }
        match what.clone() {
            What::Tag { add, text } => drop(self.tags.insert(text, add)),
            What::RawTag(text) => drop(self.tags.insert(text, true)),
            What::Source { add, text } => drop(self.sources.insert(text, add)),
            What::Link { add, text } => drop(self.links.insert(text, add)),
            What::Stage(stage) => self.stage = Some(stage),
            What::Archive(reason) => self.archived = Some(Some(reason)),
            What::Unarchive => self.archived = Some(None),
            What::EditNote { text, .. } => self.edited = Some(text),
            _ => {}
        }
    }
}

impl Verdict {
    /// Judges how one write ended.
    fn one(&mut self, world: &World, operation: &pb::Operation, asked: &Asked) {
        match &asked.what {
            What::Note(text) | What::Comment { text, .. } | What::RawNote(text) => {
                self.text(world, operation, &asked.opportunity, text);
            }
            What::File(name) => {
                let files = world.lever.children(&asked.opportunity, "files");
                let count = files.iter().filter(|file| file["name"] == **name).count();
                self.created(operation, count, name);
            }
            What::Form(text) => {
                let forms = world.lever.children(&asked.opportunity, "forms");
                let told = format!("{text:?}");
                let count = forms.iter().filter(|form| form.to_string().contains(&told));
                self.created(operation, count.count(), text);
            }
            What::Apply(email) => {
                let count = applications_of(world, email);
                self.created(operation, count, email);
            }
            What::Export(email) => {
                let people = world.people_at(email);
                let count = people.len();
                for person in people {
                    let id = person["id"].as_str().expect("an id");
                    let texts = texts(world, id);
                    let notes = texts.iter().filter(|text| *text == email).count();
                    self.created(operation, notes, &format!("the note on {email}"));
                }
                self.created(operation, count, email);
            }
            What::StageFrom { .. } => {
                let refused = operation.state() == Failed && why(operation).reason == "STAGE_MOVED";
                self.ended(refused, operation);
            }
            // Sent once: where its answer was lost, a person decides.
            What::RawTag(_) => {
                let right = [Succeeded, Uncertain].contains(&operation.state());
                self.ended(right, operation);
            }
            _ => self.ended(operation.state() == Succeeded, operation),
        }
    }

    fn text(&mut self, world: &World, operation: &pb::Operation, opportunity: &str, text: &str) {
        let texts = texts(world, opportunity);
        let count = texts.iter().filter(|found| *found == text).count();
        self.created(operation, count, text);
    }

    /// Judges something that is to be there once.
    fn created(&mut self, operation: &pb::Operation, count: usize, what: &str) {
        if count > 1 {
            self.duplicates
                .push(format!("{what} is there {count} times: {operation:?}"));
        }
        if operation.state() == Succeeded && count == 0 {
            self.lost.push(format!("{what}: {operation:?}"));
        }
        let raw = operation.kind() == pb::OperationKind::Raw;
        let right = match operation.state() {
            Succeeded => true,
            Uncertain if raw => true,
            // It was sent as often as may be, and is surely not there.
            Uncertain => count == 0 && unclear(operation) >= 3,
            _ => false,
        };
        self.ended(right, operation);
    }

    fn ended(&mut self, right: bool, operation: &pb::Operation) {
        if !right {
            self.unsettled.push(format!("{operation:?}"));
        }
    }

    /// Judges what Lever holds of somebody in the end.
    fn person(&mut self, world: &World, opportunity: &str, expected: &Expected) {
        let document = world.lever.opportunity(opportunity).expect("there");
        for (field, labels) in [
            ("tags", &expected.tags),
            ("sources", &expected.sources),
            ("links", &expected.links),
        ] {
            let held = document[field].as_array().expect("a list");
            for (label, there) in labels {
                let count = held.iter().filter(|one| **one == **label).count();
                if count != usize::from(*there) {
                    self.disorder
                        .push(format!("{field} of {opportunity}: {label:?} {count} times"));
                }
            }
        }
        if let Some(stage) = &expected.stage
            && document["stage"] != **stage
        {
            self.disorder.push(format!(
                "stage of {opportunity}: {} instead of {stage}",
                document["stage"]
            ));
        }
        if let Some(reason) = &expected.archived
            && document["archived"]["reason"].as_str() != reason.as_deref()
        {
            self.disorder.push(format!(
                "archived of {opportunity}: {}",
                document["archived"]
            ));
        }
        if let Some(text) = &expected.edited {
            let count = texts(world, opportunity)
                .iter()
                .filter(|one| *one == text)
                .count();
            if count != 1 {
                self.disorder.push(format!(
                    "the edited note of {opportunity}: {text:?} {count} times"
                ));
            }
        }
        let written = written(world, opportunity);
        let wanted: Vec<_> = expected
            .texts
            .iter()
            .filter(|text| written.contains(text))
            .collect();
        if !written.iter().eq(wanted) {
            self.disorder
                .push(format!("notes of {opportunity}: {written:?}"));
        }
    }
}

/// How many applications there are of people with this address.
fn applications_of(world: &World, email: &str) -> usize {
    let people = world.people_at(email).into_iter();
    let of = |person: serde_json::Value| {
        let id = person["id"].as_str().expect("an id");
        world.lever.children(id, "applications").len()
    };
    people.map(of).sum()
}

/// How many calls that write ended without a clear answer.
fn unclear(operation: &pb::Operation) -> usize {
    let writes = operation
        .lever_calls
        .iter()
        .filter(|call| call.method != "GET");
    let unclear = |call: &&pb::LeverCall| call.status == 0 || call.status >= 500;
    writes.filter(unclear).count()
}

/// The texts that were written on somebody, each when it came to be, in the order of Lever's own record of calls.
fn written(world: &World, opportunity: &str) -> Vec<String> {
    let path = format!("/v1/opportunities/{opportunity}/notes");
    let mut written = Vec::new();
    for call in world.calls("createOpportunityNote") {
        let text = call.body.as_ref().and_then(|body| body["value"].as_str());
        let Some(text) = text.filter(|_| call.effect && call.path == path) else {
            continue;
        };
        let ours = [TO_COMMENT_ON, TO_EDIT].contains(&text);
        if !ours && !written.iter().any(|known| known == text) {
            written.push(text.to_owned());
        }
    }
    written
}
