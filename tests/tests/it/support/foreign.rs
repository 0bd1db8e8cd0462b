//! A stand-in for Lever that knows nothing but its API description: whatever the schemas allow, it answers.
//!
//! It shares nothing with the simulator, so a habit of ours that both sides have cannot hide.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode, header};
use serde_json::{Map, Value, json};

/// Deepest nesting of what is made up.
const DEEPEST: usize = 6;

/// One thing it holds: the text it answers with, and what filters look at.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) id: String,
    pub(crate) text: String,
    document: Value,
}

/// Where a list is: its path with every id filled in.
type Lists = BTreeMap<String, Vec<Held>>;

/// The stand-in, listening.
pub(crate) struct Foreign {
    pub(crate) address: SocketAddr,
    lists: Arc<Lists>,
    asked: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone)]
struct Desk {
    lists: Arc<Lists>,
    asked: Arc<Mutex<Vec<String>>>,
    /// Applications and contacts by id, for `expand`.
    objects: Arc<BTreeMap<String, Value>>,
}

impl Foreign {
    /// Makes up an account from the description in `docs`, and listens.
    ///
    /// A list below people whose name is in `missing` is not there: it answers 404.
    pub(crate) async fn start(docs: &Path, opportunities: usize, missing: &[&str]) -> Foreign {
        let text = std::fs::read_to_string(docs.join("openapi.yaml")).expect("the description");
        let description: Value = serde_yaml_ng::from_str(&text).expect("YAML");
        let (mut lists, objects) = Maker::new(&description).account(opportunities);
        lists.retain(|path, _| {
            !missing
                .iter()
                .any(|kind| path.ends_with(&format!("/{kind}")))
        });
        let (lists, asked) = (Arc::new(lists), Arc::new(Mutex::new(Vec::new())));
        let desk = Desk {
            lists: lists.clone(),
            asked: asked.clone(),
            objects: Arc::new(objects),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().fallback(answer).with_state(desk);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Foreign {
            address,
            lists,
            asked,
        }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What a list holds, by id.
    pub(crate) fn list(&self, path: &str) -> BTreeMap<String, String> {
        let held = self.lists.get(path).into_iter().flatten();
        held.map(|one| (one.id.clone(), one.text.clone())).collect()
    }

    /// What all lists hold whose path ends so, such as `/notes`.
    pub(crate) fn below(&self, ending: &str) -> BTreeMap<String, String> {
        let lists = self.lists.keys().filter(|path| path.ends_with(ending));
        lists.flat_map(|path| self.list(path)).collect()
    }

    /// The paths that were asked for, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }
}

async fn answer(State(desk): State<Desk>, request: Request) -> Response<Body> {
    let path = request.uri().path().trim_start_matches("/v1").to_owned();
    let query: Vec<(String, String)> = request
        .uri()
        .query()
        .map(|query| {
            url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect()
        })
        .unwrap_or_default();
    desk.asked.lock().expect("no panic").push(path.clone());
    if request.headers().get(header::AUTHORIZATION).is_none() {
        return reply(
            StatusCode::UNAUTHORIZED,
            r#"{"code":"UnauthorizedError","message":"who?"}"#.to_owned(),
        );
    }
    match desk.find(&path, &query) {
        Some(body) => reply(StatusCode::OK, body),
        None => reply(
            StatusCode::NOT_FOUND,
            r#"{"code":"ResourceNotFound","message":"not here"}"#.to_owned(),
        ),
    }
}

fn reply(status: StatusCode, body: String) -> Response<Body> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
        .body(Body::from(body))
        .expect("a response")
}

impl Desk {
    fn find(&self, path: &str, query: &[(String, String)]) -> Option<String> {
        if let Some(list) = self.lists.get(path) {
            return Some(self.page(list, query));
        }
        let (parent, id) = path.rsplit_once('/')?;
        let list = self.lists.get(parent)?;
        let held = list.iter().find(|one| one.id == id)?;
        Some(format!("{{\"data\":{}}}", self.shown(held, query)))
    }

    /// A page in the order of the list; the token is opaque, and odd on purpose.
    fn page(&self, list: &[Held], query: &[(String, String)]) -> String {
        let one = |name: &str| {
            let found = query.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.as_str())
        };
        let all: Vec<&Held> = list.iter().filter(|held| passes(held, query)).collect();
        let limit = one("limit").map_or(100, |limit| limit.parse().expect("a number"));
        let start = one("offset").map_or(0, |token| {
            let token = token.strip_prefix("%5B/").expect("a token of ours");
            token
                .trim_end_matches('=')
                .parse()
                .expect("a token of ours")
        });
        let end = (start + limit).min(all.len());
        let records: Vec<_> = all[start..end]
            .iter()
            .map(|held| self.shown(held, query))
            .collect();
        let records = records.join(",");
        if end < all.len() {
            format!("{{\"data\":[{records}],\"next\":\"%5B/{end}=\",\"hasNext\":true}}")
        } else {
            format!("{{\"hasNext\":false,\"data\":[{records}]}}")
        }
    }

    fn shown(&self, held: &Held, query: &[(String, String)]) -> String {
        let expanded = query.iter().filter(|(name, _)| name == "expand");
        let names: Vec<&str> = expanded.map(|(_, value)| value.as_str()).collect();
        if names.is_empty() {
            return held.text.clone();
        }
        let mut document = held.document.clone();
        for name in names {
            if let Some(value) = document.get_mut(name) {
                *value = self.object(value);
            }
        }
        document.to_string()
    }

    fn object(&self, value: &Value) -> Value {
        match value {
            Value::Array(ids) => ids.iter().map(|id| self.object(id)).collect(),
            Value::String(id) => self
                .objects
                .get(id)
                .cloned()
                .unwrap_or_else(|| value.clone()),
            other => other.clone(),
        }
    }
}

/// The filters a mirror cannot do without; the others are not asked for.
fn passes(held: &Held, query: &[(String, String)]) -> bool {
    let stages: Vec<_> = query
        .iter()
        .filter(|(name, _)| name == "stage_id")
        .collect();
    let in_stage = stages.is_empty()
        || stages
            .iter()
            .any(|(_, stage)| held.document["stage"] == json!(stage));
    let since = query.iter().find(|(name, _)| name == "updated_at_start");
    let changed = since.is_none_or(|(_, since)| {
        let since: i64 = since.parse().expect("milliseconds");
        held.document["updatedAt"]
            .as_i64()
            .is_some_and(|at| at >= since)
    });
    in_stage && changed
}

/// Makes up records from schemas.
struct Maker<'d> {
    description: &'d Value,
    seed: u64,
}

impl<'d> Maker<'d> {
    fn new(description: &'d Value) -> Maker<'d> {
        Maker {
            description,
            seed: 20_261_128,
        }
    }

    fn account(mut self, opportunities: usize) -> (Lists, BTreeMap<String, Value>) {
        let (mut lists, mut objects) = (Lists::new(), BTreeMap::new());
        for (path, count) in [
            ("/stages", 7),
            ("/archive_reasons", 5),
            ("/users", 130),
            ("/tags", 12),
            ("/sources", 4),
            ("/postings", 9),
            ("/requisitions", 6),
            ("/requisition_fields", 3),
            ("/feedback_templates", 3),
            ("/form_templates", 2),
        ] {
            let records = (0..count).map(|_| self.record(path)).collect();
            lists.insert(path.to_owned(), records);
        }
        for path in [
            "/opportunities/deleted",
            "/applications/deleted",
            "/postings/deleted",
        ] {
            lists.insert(path.to_owned(), Vec::new());
        }
        let stages: Vec<String> = lists["/stages"]
            .iter()
            .map(|held| held.id.clone())
            .collect();
        let mut people = Vec::new();
        for number in 0..opportunities {
            let person = self.person(&stages[number % stages.len()], &mut objects);
            self.children(&person.id, number, &mut lists);
            people.push(person);
        }
        lists.insert("/opportunities".to_owned(), people);
        let postings: Vec<String> = lists["/postings"]
            .iter()
            .map(|held| held.id.clone())
            .collect();
        for posting in postings {
            let mut form = self.record_of("/postings/{posting}/apply");
            form.id = "apply".to_owned();
            lists.insert(format!("/postings/{posting}"), vec![form]);
        }
        (lists, objects)
    }

    fn person(&mut self, stage: &str, objects: &mut BTreeMap<String, Value>) -> Held {
        let mut document = self.made("Opportunity");
        let contact = self.made("Contact");
        document["contact"] = contact["id"].clone();
        document["stage"] = json!(stage);
        document["isAnonymized"] = json!(false);
        document["confidentiality"] = json!("non-confidential");
        document["deletedAt"].take();
        document["followers"] = json!([]);
        let mut applications = Vec::new();
        if !self.next().is_multiple_of(3) {
            let application = self.made("Application");
            applications.push(application["id"].clone());
            objects.insert(text(&application["id"]), application);
        }
        document["applications"] = json!(applications);
        objects.insert(text(&contact["id"]), contact);
        held(document)
    }

    /// Most people have little; every fortieth has notes for more than a page.
    fn children(&mut self, person: &str, number: usize, lists: &mut Lists) {
        for kind in [
            "notes",
            "offers",
            "interviews",
            "panels",
            "feedback",
            "resumes",
            "files",
            "forms",
            "referrals",
        ] {
            let path = format!("/opportunities/{{opportunity}}/{kind}");
            let count = match (kind, number % 40) {
                ("notes", 0) => 130,
                _ => self.next() % 3,
            };
            let mut records: Vec<Held> = (0..count).map(|_| self.record_of(&path)).collect();
            for record in &mut records {
                if kind == "notes" {
                    let mut document = record.document.clone();
                    document["secret"] = json!(false);
                    *record = held(document);
                }
            }
            lists.insert(format!("/opportunities/{person}/{kind}"), records);
        }
    }

    fn record(&mut self, path: &str) -> Held {
        let mut held_ = self.record_of(path);
        if path == "/postings" {
            held_.document["state"] = json!("published");
            held_.document["confidentiality"] = json!("non-confidential");
            held_ = held(held_.document);
        }
        held_
    }

    /// A record as the answer of a GET has it, in its list or alone.
    fn record_of(&mut self, path: &str) -> Held {
        let pointer = path.replace('/', "~1");
        let schema = format!(
            "/paths/{pointer}/get/responses/200/content/application~1json/schema/properties/data"
        );
        let data = self
            .description
            .pointer(&schema)
            .expect("a schema of the answer");
        let schema = data.get("items").unwrap_or(data).clone();
        let document = self.value(&schema, "", 0);
        held(document)
    }

    fn made(&mut self, schema: &str) -> Value {
        let reference = json!({ "$ref": format!("#/components/schemas/{schema}") });
        self.value(&reference, "", 0)
    }

    /// Something the schema allows.
    fn value(&mut self, schema: &Value, name: &str, depth: usize) -> Value {
        if let Some(reference) = schema["$ref"].as_str() {
            let target = self
                .description
                .pointer(&reference[1..])
                .expect("a schema")
                .clone();
            return self.value(&target, reference.rsplit('/').next().unwrap_or(name), depth);
        }
        for choice in ["anyOf", "oneOf"] {
            if let Some(schemas) = schema[choice].as_array() {
                let wanted = if self.next().is_multiple_of(4) {
                    schemas.last()
                } else {
                    schemas.first()
                };
                let wanted = wanted.expect("a choice").clone();
                return self.value(&wanted, name, depth);
            }
        }
        if let Some(values) = schema["enum"].as_array() {
            let at = usize::try_from(self.next()).unwrap_or_default() % values.len();
            return values[at].clone();
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds.first().and_then(Value::as_str).unwrap_or("string"),
            kind => kind.as_str().unwrap_or("string"),
        };
        match kind {
            "object" => self.object(schema, depth),
            "array" if depth > DEEPEST => json!([]),
            "array" => {
                let count = self.next() % 3;
                let items = schema["items"].clone();
                (0..count)
                    .map(|_| self.value(&items, name, depth + 1))
                    .collect()
            }
            "integer" if name == "Timestamp" => {
                json!(1_700_000_000_000 + self.next() % 80_000_000_000)
            }
            "integer" | "number" => json!(self.next() % 1000),
            "boolean" => json!(self.next().is_multiple_of(2)),
            "null" => Value::Null,
            _ if name == "Id" || name.ends_with("Id") => json!(self.id()),
            _ => json!(format!(
                "text {} \u{e9}\n\"{}\"",
                self.next() % 1_000_000,
                name
            )),
        }
    }

    fn object(&mut self, schema: &Value, depth: usize) -> Value {
        let mut object = Map::new();
        let properties = schema["properties"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        for (name, schema) in properties.into_iter().filter(|_| depth <= DEEPEST) {
            let value = self.value(&schema, &name, depth + 1);
            object.insert(name, value);
        }
        // A field nobody has heard of.
        object.insert("x-new".to_owned(), json!({"since": 2027.0}));
        Value::Object(object)
    }

    fn id(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        uuid::Uuid::from_u64_pair(a, b).to_string()
    }

    fn next(&mut self) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed >> 3
    }
}

fn held(document: Value) -> Held {
    let id = [&document["id"], &document["text"]]
        .into_iter()
        .find_map(Value::as_str);
    Held {
        id: id.unwrap_or_default().to_owned(),
        text: document.to_string(),
        document,
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
