//! No account is seen through a token for another (P13, P-02, T-09): random requests to every rpc, with ids, tokens
//! and addresses of somebody else's account in every field, are answered as if these did not exist.
//!
//! Seen to fail: the first with a scope that lets every connection pass, the second with page tokens that are bound to
//! nothing. That a record is found without its connection cannot be tried: the connection is part of each key.

use std::collections::{BTreeMap, BTreeSet};

use lever_sim::{Children, Config, Population, Sim};
use prost::Message as _;
use prost_reflect::{
    Cardinality, DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor,
    MethodDescriptor, ReflectMessage as _, Value,
};
use proto::v1 as pb;
use tonic::{Code, Status};

use crate::support::{Api, Random, Setup, World, fresh_id, proved, refused, rounds};

/// What would end the account that asks, and says nothing about others.
const NOT_FOR_OWN: &[&str] = &[
    "DeleteConnection",
    "PauseSync",
    "ResetStream",
    "RotateCredential",
    "UpdateConnection",
];

/// How deep messages within messages are filled.
const DEPTH: u8 = 4;

/// Texts by the name of the field they were found in; `note_id` for the `id` of a `Note`.
type Texts = BTreeMap<String, BTreeSet<String>>;

fn rpcs() -> Vec<MethodDescriptor> {
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).expect("compiled descriptors");
    pool.services()
        .filter(|service| service.package_name() == "fulcrum.v1")
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .collect()
}

fn path(rpc: &MethodDescriptor) -> String {
    format!("/{}/{}", rpc.parent_service().full_name(), rpc.name())
}

/// Whether an rpc only looks.
fn looks(rpc: &MethodDescriptor) -> bool {
    ["Get", "List", "Lookup", "Suggest", "Watch"]
        .iter()
        .any(|verb| rpc.name().starts_with(verb))
}

/// Adds every text of a message to what is known.
fn gather(message: &DynamicMessage, into: &mut Texts) {
    for (field, value) in message.fields() {
        if field.name() != "raw_json" {
            gather_value(&named(&field), value, into);
        }
    }
}

fn named(field: &FieldDescriptor) -> String {
    match field.name() {
        "id" => format!("{}_id", snake(field.parent_message().name())),
        name => name.to_owned(),
    }
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

fn gather_value(name: &str, value: &Value, into: &mut Texts) {
    match value {
        Value::String(text) => {
            into.entry(name.to_owned())
                .or_default()
                .insert(text.clone());
        }
        Value::Message(message) => gather(message, into),
        Value::List(items) => items.iter().for_each(|item| gather_value(name, item, into)),
        Value::Map(entries) => entries
            .values()
            .for_each(|item| gather_value(name, item, into)),
        _ => {}
    }
}

/// Texts that are one account's alone: ids, addresses, sealed tokens, whatever nobody has by chance.
fn telling(text: &str) -> bool {
    let sealed = text.len() > 40 && !text.contains(char::is_whitespace);
    uuid::Uuid::parse_str(text).is_ok() || text.contains('@') || sealed
}

/// Makes requests out of what is known.
struct Maker<'t> {
    chance: Random,
    known: &'t Texts,
    /// Which of the known texts the last request names.
    used: BTreeSet<String>,
}

impl<'t> Maker<'t> {
    fn new(seed: u64, known: &'t Texts) -> Maker<'t> {
        Maker {
            chance: Random::new(seed),
            known,
            used: BTreeSet::new(),
        }
    }

    /// A request about a connection, with the rest drawn.
    fn request(&mut self, of: &MessageDescriptor, connection: &str) -> DynamicMessage {
        self.used.clear();
        let mut request = self.message(of, DEPTH);
        set(&mut request, "connection_id", connection);
        // Nothing is sent to Lever, so that only the answer can tell.
        if request.descriptor().get_field_by_name("dry_run").is_some() {
            request.set_field_by_name("dry_run", Value::Bool(true));
        }
        request
    }

    fn message(&mut self, of: &MessageDescriptor, depth: u8) -> DynamicMessage {
        let mut message = DynamicMessage::new(of.clone());
        for field in of.fields() {
            let telling = matches!(field.kind(), Kind::String);
            if self.chance.percent(if telling { 75 } else { 40 }) {
                self.fill(&mut message, &field, depth);
            }
        }
        message
    }

    fn fill(&mut self, message: &mut DynamicMessage, field: &FieldDescriptor, depth: u8) {
        if field.is_map() {
            let key = MapKey::String(self.text("key"));
            let value = self.text(field.name());
            let fits = matches!(field.kind(), Kind::Message(entry)
                if matches!(entry.map_entry_value_field().kind(), Kind::String));
            if fits {
                message.set_field(field, Value::Map([(key, Value::String(value))].into()));
            }
            return;
        }
        let Some(value) = self.value(field, depth) else {
            return;
        };
        let value = match field.cardinality() {
            Cardinality::Repeated => Value::List(vec![value]),
            _ => value,
        };
        message.set_field(field, value);
    }

    fn value(&mut self, field: &FieldDescriptor, depth: u8) -> Option<Value> {
        Some(match field.kind() {
            Kind::String => Value::String(self.text(field.name())),
            Kind::Bool => Value::Bool(self.chance.percent(50)),
            Kind::Int32 => Value::I32(i32::try_from(self.chance.below(50)).unwrap_or(0)),
            Kind::Int64 => Value::I64(i64::try_from(self.chance.below(50)).unwrap_or(0)),
            Kind::Uint32 => Value::U32(u32::try_from(self.chance.below(50)).unwrap_or(0)),
            Kind::Uint64 => Value::U64(self.chance.below(50)),
            Kind::Enum(of) => Value::EnumNumber(
                of.values()
                    .nth(usize::try_from(self.chance.below(of.values().len() as u64)).unwrap_or(0))
                    .map_or(0, |value| value.number()),
            ),
            Kind::Message(of) if depth > 0 && of.package_name() == "fulcrum.v1" => {
                Value::Message(self.message(&of, depth - 1))
            }
            _ => return None,
        })
    }

    /// A text for a field: what was found under its name, or else anything that was found.
    fn text(&mut self, name: &str) -> String {
        let singular = name.strip_suffix('s').unwrap_or(name);
        let fitting = self
            .known
            .get(name)
            .or_else(|| self.known.get(singular))
            .filter(|texts| !texts.is_empty());
        let texts: Vec<&String> = match fitting {
            Some(texts) if self.chance.percent(80) => texts.iter().collect(),
            _ => self.known.values().flatten().collect(),
        };
        let text = (*self.chance.pick(&texts)).clone();
        self.used.insert(text.clone());
        text
    }
}

fn set(message: &mut DynamicMessage, field: &str, text: &str) {
    if message.descriptor().get_field_by_name(field).is_some() {
        message.set_field_by_name(field, Value::String(text.to_owned()));
    }
}

/// The same request with each text of the account replaced by one of its kind that nobody has.
fn estranged(request: &DynamicMessage, nobodys: &BTreeMap<String, String>) -> DynamicMessage {
    let mut copy = request.clone();
    let fields: Vec<_> = request
        .fields()
        .map(|(field, value)| (field, estrange(value, nobodys)))
        .collect();
    for (field, value) in fields {
        copy.set_field(&field, value);
    }
    copy
}

fn estrange(value: &Value, nobodys: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => Value::String(nobodys.get(text).unwrap_or(text).clone()),
        Value::Message(message) => Value::Message(estranged(message, nobodys)),
        Value::List(items) => {
            Value::List(items.iter().map(|item| estrange(item, nobodys)).collect())
        }
        Value::Map(entries) => Value::Map(
            entries
                .iter()
                .map(|(key, item)| (key.clone(), estrange(item, nobodys)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// A text of the same length and kind that nobody has.
fn nobodys(text: &str) -> String {
    if uuid::Uuid::parse_str(text).is_ok() {
        return fresh_id();
    }
    // Sealed tokens do not open with a letter changed, and an address becomes another one.
    let at = text.len() / 3;
    text.char_indices()
        .map(|(index, letter)| match letter {
            'a'..='y' | 'A'..='Y' | '0'..='8' if index.abs_diff(at) < 4 => {
                char::from_u32(u32::from(letter) + 1).unwrap_or(letter)
            }
            other => other,
        })
        .collect()
}

fn as_json(message: &DynamicMessage) -> String {
    serde_json::to_string(message).unwrap_or_default()
}

/// Three accounts with one service before them, and what each of them knows.
struct Tenants {
    world: World,
    /// Keeps the Levers of the others up.
    levers: Vec<Sim>,
    /// Ours first.
    connections: Vec<String>,
    tokens: Vec<String>,
    /// Of somebody who sees all of them.
    everywhere: String,
}

impl Tenants {
    async fn new() -> Tenants {
        let mut world = World::new(Setup::full(12)).await;
        let mut levers = Vec::new();
        let mut connections = Vec::new();
        world.connect().await;
        connections.push(world.connection.clone());
        for seed in [8, 9] {
            let lever = Sim::start(Config {
                population: Population {
                    opportunities: 12,
                    seed,
                },
                children: Children::Full,
                rate_limit: None,
                ..Config::default()
            })
            .await
            .expect("a loopback port");
            let request = pb::CreateConnectionRequest {
                connection: Some(pb::Connection {
                    display_name: format!("Tenant {seed}"),
                    base_url: lever.base_url(),
                    ..Default::default()
                }),
                api_key: lever_sim::DEFAULT_KEY.to_owned(),
                ..Default::default()
            };
            let linked = world.api.connections().create_connection(request).await;
            let linked = linked.expect("linked").into_inner().connection;
            connections.push(linked.expect("a connection").id);
            levers.push(lever);
        }
        let mut tenants = Tenants {
            world,
            levers,
            connections,
            tokens: Vec::new(),
            everywhere: String::new(),
        };
        tenants.live().await;
        tenants.hand_out_tokens().await;
        tenants
    }

    /// Each account is mirrored, and something was written to it.
    async fn live(&mut self) {
        for index in 0..self.connections.len() {
            self.world.connection = self.connections[index].clone();
            self.world.until_synced().await;
            let opportunity = match index {
                0 => self.world.open_opportunities().remove(0),
                other => open_opportunity(&self.levers[other - 1]),
            };
            let request = pb::CreateNoteRequest {
                opportunity_id: opportunity,
                request_id: format!("request-of-tenant-{index}-{}", fresh_id()),
                value: format!("a note for tenant number {index} and nobody else at all"),
                ..Default::default()
            };
            self.world.create_note(request).await.expect("written");
        }
        self.world.connection = self.connections[0].clone();
    }

    async fn hand_out_tokens(&mut self) {
        assert!(self.world.stop().await.success());
        for connection in &self.connections {
            let mut arguments = vec!["--role", "admin", "--connection", connection];
            for right in ["confidential", "act_as_any", "eeo"] {
                arguments.extend(["--right", right]);
            }
            let token = self.world.home.token(&arguments).await;
            self.tokens.push(token);
        }
        self.everywhere = self.world.home.token(&["--role", "admin"]).await;
        self.world.start().await;
        for connection in &self.connections {
            self.world.connection = connection.clone();
            let api = self.world.api.clone();
            self.world.api = self.api_of(connection);
            self.world.until_synced().await;
            self.world.api = api;
        }
    }

    fn api_of(&self, connection: &str) -> Api {
        let index = self
            .connections
            .iter()
            .position(|other| other == connection)
            .expect("one of ours");
        self.world.api.with_token(&self.tokens[index])
    }

    /// Everything that an account tells its own token, asked for with what it has told before.
    async fn knowledge(&self, connection: &str) -> Texts {
        let api = self.api_of(connection);
        let mut known = Texts::new();
        known
            .entry("connection_id".to_owned())
            .or_default()
            .insert(connection.to_owned());
        for turn in 0..3 {
            let before = known.clone();
            let mut maker = Maker::new(turn, &before);
            for rpc in rpcs().iter().filter(|rpc| looks(rpc)) {
                let mut request = match turn {
                    0 => DynamicMessage::new(rpc.input()),
                    _ => maker.request(&rpc.input(), connection),
                };
                set(&mut request, "connection_id", connection);
                set(&mut request, "page_token", "");
                if request
                    .descriptor()
                    .get_field_by_name("page_size")
                    .is_some()
                {
                    let size = if turn == 0 { 2 } else { 50 };
                    request.set_field_by_name("page_size", Value::I32(size));
                }
                if let Ok(Some(answer)) = api.ask(&path(rpc), request.encode_to_vec()).await {
                    let answer = DynamicMessage::decode(rpc.output(), answer.as_slice());
                    gather(&answer.expect("an answer"), &mut known);
                }
            }
        }
        known
    }

    fn writes_to_others(&self) -> usize {
        let audits = self.levers.iter().flat_map(Sim::audit);
        audits.filter(|entry| entry.method != "GET").count()
    }
}

fn open_opportunity(lever: &Sim) -> String {
    let opportunities = lever.opportunities();
    let open = opportunities
        .iter()
        .find(|one| one["archived"].is_null() && one["confidentiality"] != "confidential");
    open.expect("the population has some")["id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

/// What an answer comes to, with the texts that were asked for taken out.
fn outcome<'t>(
    answer: &Result<Option<Vec<u8>>, Status>,
    texts: impl Iterator<Item = &'t String>,
) -> (Code, String) {
    let Err(status) = answer else {
        return (Code::Ok, String::new());
    };
    let details = String::from_utf8_lossy(status.details()).into_owned();
    let whole = format!("{}\n{}", status.message(), printable(&details));
    // What lies nearest is of the own account, and another for each text.
    let plain = whole.lines().map(|line| line.split("; nearest:").next());
    let mut said = plain.flatten().collect::<Vec<_>>().join("\n");
    let mut named: Vec<_> = texts.enumerate().collect();
    // One may be part of another.
    named.sort_by_key(|(_, text)| std::cmp::Reverse(text.len()));
    for (index, text) in &named {
        said = said.replace(*text, &format!("<{index}>"));
    }
    // Texts may begin alike, as addresses do: the one that is shown is the one of which most is there.
    let shown = |said: &str, text: &'t String| -> Option<&'t str> {
        beginnings(text).find(|beginning| said.contains(beginning))
    };
    while let Some((index, beginning)) = named
        .iter()
        .filter_map(|(index, text)| Some((index, shown(&said, text)?)))
        .max_by_key(|(_, beginning)| beginning.len())
    {
        said = said.replace(beginning, &format!("<{index}>"));
    }
    (status.code(), said)
}

/// A text as an error that cuts it may show it, the longest first.
fn beginnings(text: &str) -> impl Iterator<Item = &str> {
    const SHORTEST: usize = 20;
    let ends = text.char_indices().map(|(at, _)| at).collect::<Vec<_>>();
    ends.into_iter()
        .rev()
        .filter(|end| *end >= SHORTEST)
        .map(|end| &text[..end])
}

/// Lengths before texts vary with what is named.
fn printable(details: &str) -> String {
    details
        .split(|letter: char| letter.is_control() || !letter.is_ascii())
        .filter(|part| part.len() > 6)
        .map(|part| {
            format!(
                "{}\n",
                part.trim_start_matches(|letter: char| !letter.is_alphanumeric())
            )
        })
        .collect()
}

#[tokio::test]
async fn p13_to_a_token_for_one_account_every_other_is_nothing_whatever_is_asked() {
    let tenants = Tenants::new().await;
    let (own, foreign) = (&tenants.connections[0], &tenants.connections[1]);
    let ours = tenants.knowledge(own).await;
    let mut theirs = tenants.knowledge(foreign).await;
    let mine: BTreeSet<&String> = ours.values().flatten().collect();
    for texts in theirs.values_mut() {
        texts.retain(|text| telling(text) && !mine.contains(text));
    }
    theirs.retain(|_, texts| !texts.is_empty());
    let secrets: BTreeSet<String> = theirs.values().flatten().cloned().collect();
    assert!(secrets.len() > 300, "only {} were learned", secrets.len());
    for name in [
        "opportunity_id",
        "note_id",
        "operation_id",
        "next_page_token",
        "request_id",
        "emails",
    ] {
        assert!(
            theirs.contains_key(name),
            "none was learned of {name}: {:?}",
            theirs.keys()
        );
    }
    let tokens = theirs.remove("next_page_token").unwrap_or_default();
    theirs.insert("page_token".to_owned(), tokens);

    let api = tenants.api_of(own);
    let before = (
        tenants.writes_to_others(),
        tenants.knowledge_of_operations(foreign).await,
    );
    let mut maker = Maker::new(31, &theirs);
    let mut asked = 0_u64;
    for rpc in rpcs() {
        let input = rpc.input();
        let about_one = input.get_field_by_name("connection_id").is_some();
        for round in 0..rounds(8, 200) {
            let abroad = round % 2 == 0 && about_one;
            if !abroad && NOT_FOR_OWN.contains(&rpc.name()) {
                continue;
            }
            let request = maker.request(&input, if abroad { foreign } else { own });
            let used = maker.used.iter().chain(abroad.then_some(foreign));
            let strangers: BTreeMap<String, String> =
                used.map(|text| (text.clone(), nobodys(text))).collect();
            let other = estranged(&request, &strangers);
            let first = api.ask(&path(&rpc), request.encode_to_vec()).await;
            let second = api.ask(&path(&rpc), other.encode_to_vec()).await;
            asked += 2;

            let told = outcome(&first, strangers.keys());
            let of_nobody = outcome(&second, strangers.values());
            assert_eq!(told, of_nobody, "{} of {}", path(&rpc), as_json(&request));
            if abroad {
                assert_ne!(told.0, Code::Ok, "{} of {}", path(&rpc), as_json(&request));
            }
            if let Ok(Some(answer)) = first {
                let mut said = Texts::new();
                let answer = DynamicMessage::decode(rpc.output(), answer.as_slice());
                gather(&answer.expect("an answer"), &mut said);
                for text in said.values().flatten() {
                    assert!(
                        !secrets.contains(text) || maker.used.contains(text),
                        "{} told {text} of another account",
                        path(&rpc)
                    );
                }
            }
        }
    }
    let after = (
        tenants.writes_to_others(),
        tenants.knowledge_of_operations(foreign).await,
    );
    assert_eq!(before, after, "the other account is as it was");
    proved("P13", asked, "ids, tokens and addresses of another account");
}

impl Tenants {
    /// How an account's operations and mapping stand.
    async fn knowledge_of_operations(
        &self,
        connection: &str,
    ) -> (Vec<pb::Operation>, Option<pb::StageMapping>) {
        let api = self.api_of(connection);
        let list = pb::ListOperationsRequest {
            connection_id: connection.to_owned(),
            ..Default::default()
        };
        let listed = api.operations().list_operations(list).await;
        let get = pb::GetStageMappingRequest {
            connection_id: connection.to_owned(),
        };
        let mapping = api.mapping().get_stage_mapping(get).await;
        (
            listed.expect("listed").into_inner().operations,
            mapping.expect("a mapping").into_inner().stage_mapping,
        )
    }
}

/// Whoever sees two accounts cannot mix them up either.
#[tokio::test]
async fn p13_page_tokens_and_request_ids_of_one_account_mean_nothing_in_another() {
    let tenants = Tenants::new().await;
    let api = tenants.world.api.with_token(&tenants.everywhere);
    let (here, there) = (&tenants.connections[0], &tenants.connections[1]);
    let mut tried = 0;
    for rpc in rpcs().iter().filter(|rpc| looks(rpc)) {
        let fields = ["connection_id", "page_size", "page_token"];
        let paged = fields
            .iter()
            .all(|name| rpc.input().get_field_by_name(name).is_some());
        if !paged {
            continue;
        }
        let ask = async |connection: &str, token: &str| {
            let mut request = DynamicMessage::new(rpc.input());
            set(&mut request, "connection_id", connection);
            set(&mut request, "page_token", token);
            request.set_field_by_name("page_size", Value::I32(1));
            let answer = api.ask(&path(rpc), request.encode_to_vec()).await?;
            let answer =
                DynamicMessage::decode(rpc.output(), answer.unwrap_or_default().as_slice());
            Ok::<_, Status>(answer.expect("an answer"))
        };
        let Ok(first) = ask(here, "").await else {
            continue;
        };
        let next = first.get_field_by_name("next_page_token");
        let next = next.and_then(|token| token.as_str().map(str::to_owned));
        let Some(token) = next.filter(|token| !token.is_empty()) else {
            continue;
        };
        assert!(ask(here, &token).await.is_ok(), "{}", path(rpc));
        let told = refused(ask(there, &token).await);
        assert_eq!(told.code, Code::InvalidArgument, "{}", path(rpc));
        assert_eq!(told.fields, ["page_token"], "{}", path(rpc));
        tried += 1;
    }
    assert!(tried > 15, "only {tried} lists have a second page");

    let mut made = Vec::new();
    for (connection, opportunity) in [
        (here, tenants.world.open_opportunities().remove(0)),
        (there, open_opportunity(&tenants.levers[0])),
    ] {
        let request = pb::CreateNoteRequest {
            connection_id: connection.clone(),
            opportunity_id: opportunity,
            request_id: "the same in both".to_owned(),
            value: "hello".to_owned(),
            ..Default::default()
        };
        let written = api.candidates().create_note(request).await;
        made.push(
            written
                .expect("recorded")
                .into_inner()
                .operation
                .expect("an operation")
                .id,
        );
    }
    assert_ne!(made[0], made[1]);
}
