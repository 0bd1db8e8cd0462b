//! Reading Lever itself.

use std::collections::{BTreeMap, BTreeSet};

use domain::Stream;
use lever::{Any, Client, ErrorKind as LeverErrorKind, Lane, Operation, Page, RawCall, RawReply};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::visible::Sight;
use super::{RawRecord, ReadPage, ReadQuery, kept, resource};
use crate::access::Confidential;
use crate::error::{Error, Result};
use crate::twins::Shown;

/// Lever's largest page.
const LARGEST_PAGE: usize = 100;

/// The query parameter that asks for confidential records.
const CONFIDENTIALITY: &str = "confidentiality";

/// One page of a list as Lever has it.
pub(super) async fn page(
    sight: &Sight<'_>,
    query: &ReadQuery,
    offset: Option<String>,
) -> Result<ReadPage> {
    let operation = listed(query)?;
    if query.stream == Stream::EeoResponses {
        kept(&sight.connection, query.stream)?;
    }
    let mut path = BTreeMap::new();
    if let Some(opportunity) = &query.opportunity {
        let id = opportunity.as_str();
        sight.check_path("opportunity", id).await?;
        path.insert("opportunity".to_owned(), id.to_owned());
    }
    let now = sight.engine.shared.clock.now();
    let parameters = parameters(operation, query, offset);
    let reply = ask(sight, operation, path, parameters).await?;
    let page = records(query.stream, &reply)?;
    let mut shown = Vec::new();
    for record in page.records.into_iter().filter_map(std::result::Result::ok) {
        let Some(record) = keyed(query, &record.raw) else {
            continue;
        };
        shown.extend(sight.shown(query.stream, record).await?);
    }
    Ok(ReadPage {
        records: shown,
        next: page.next.map(|next| next.as_str().to_owned()),
        as_of: Some(now),
    })
}

/// One record as Lever has it.
pub(super) async fn one(
    sight: &Sight<'_>,
    stream: Stream,
    id: &str,
    opportunity: Option<&lever::OpportunityId>,
) -> Result<RawRecord> {
    let unknown = || Error::not_found(resource::one(stream), id);
    let Some(operation) = resource::get(stream) else {
        return searched(sight, stream, id, opportunity).await;
    };
    let mut path = BTreeMap::new();
    for parameter in operation.path_parameters() {
        let value = match (parameter, opportunity) {
            ("opportunity", _) if stream == Stream::Opportunities => id,
            ("opportunity", Some(opportunity)) => {
                let id = opportunity.as_str();
                sight.check_path(parameter, id).await?;
                id
            }
            ("opportunity", None) => return Err(opportunity_needed(stream)),
            _ => {
                sight.check_path(parameter, id).await?;
                id
            }
        };
        path.insert(parameter.to_owned(), value.to_owned());
    }
    let reply = match ask(sight, operation, path, Vec::new()).await {
        Ok(reply) => reply,
        Err(error) if matches!(error.kind(), crate::ErrorKind::NotFound { .. }) => {
            return Err(unknown());
        }
        Err(error) => return Err(error),
    };
    let raw = reply.record().map_err(unreadable)?;
    let record = RawRecord {
        id: id.to_owned(),
        opportunity: opportunity.map(|opportunity| opportunity.as_str().to_owned()),
        raw: raw.get().to_owned(),
    };
    sight.shown(stream, record).await?.ok_or_else(unknown)
}

/// One record of a list below an opportunity, for what Lever does not read alone.
async fn searched(
    sight: &Sight<'_>,
    stream: Stream,
    id: &str,
    opportunity: Option<&lever::OpportunityId>,
) -> Result<RawRecord> {
    if !Stream::CHILDREN.contains(&stream) {
        return Err(Error::invalid(
            "read_from",
            format!(
                "Lever has no read of one {}: set read_from to READ_FROM_MIRROR",
                resource::one(stream)
            ),
        ));
    }
    let query = ReadQuery {
        opportunity: Some(
            opportunity
                .ok_or_else(|| opportunity_needed(stream))?
                .clone(),
        ),
        ..ReadQuery::new(stream, super::ReadFrom::Lever, LARGEST_PAGE, sight.viewer)
    };
    let mut offset = None;
    loop {
        let page = page(sight, &query, offset).await?;
        let found = page.records.into_iter().find(|record| record.id == id);
        match (found, page.next) {
            (Some(record), _) => return Ok(record),
            (None, Some(next)) => offset = Some(next),
            (None, None) => return Err(Error::not_found(resource::one(stream), id)),
        }
    }
}

/// The list that answers, with what it needs.
fn listed(query: &ReadQuery) -> Result<&'static Operation> {
    let stream = query.stream;
    let operation = resource::list(stream).ok_or_else(|| {
        Error::invalid(
            "read_from",
            format!("Lever has no list of {stream}: set read_from to READ_FROM_MIRROR"),
        )
    })?;
    let below = operation.path_parameters().next().is_some();
    if below && query.opportunity.is_none() {
        return Err(opportunity_needed(stream));
    }
    Ok(operation)
}

fn opportunity_needed(stream: Stream) -> Error {
    Error::invalid(
        "opportunity_id",
        format!(
            "Lever reads {stream} of one opportunity at a time: name it, or read from the mirror"
        ),
    )
}

fn parameters(
    operation: &Operation,
    query: &ReadQuery,
    offset: Option<String>,
) -> Vec<(String, String)> {
    let takes = |name: &str| operation.query.contains(&name);
    let limit = query.limit.clamp(1, LARGEST_PAGE).to_string();
    let paging = [("limit", Some(limit)), ("offset", offset)];
    let paging = paging
        .into_iter()
        .filter(|(name, _)| takes(name))
        .filter_map(|(name, value)| value.map(|value| (name.to_owned(), value)));
    paging
        .chain(query.filters.iter().flat_map(super::Filter::query))
        .collect()
}

/// Makes the call; confidential records are asked for until Lever refuses, if the caller may see them.
async fn ask(
    sight: &Sight<'_>,
    operation: &'static Operation,
    path: BTreeMap<String, String>,
    query: Vec<(String, String)>,
) -> Result<RawReply> {
    let link = &sight.link;
    let access = link.access.present();
    let client = link.client(Lane::Interactive);
    let chosen = query.iter().any(|(name, _)| name == CONFIDENTIALITY);
    let all = sight.viewer.confidential
        && !chosen
        && operation.query.contains(&CONFIDENTIALITY)
        && access.confidential != Confidential::Denied;
    let learn = async |sees| {
        let shared = &sight.engine.shared;
        let (store, now) = (&shared.store, shared.clock.now());
        let known = &link.access;
        known
            .learn(store, sight.connection.id, access, sees, now)
            .await;
    };
    if all {
        let wider = [
            query.clone(),
            vec![(CONFIDENTIALITY.to_owned(), "all".to_owned())],
        ]
        .concat();
        match call(&client, operation, &path, wider).await? {
            Ok(reply) => {
                learn(true).await;
                return Ok(reply);
            }
            Err(error) if matches!(error.kind(), LeverErrorKind::Forbidden { .. }) => {}
            Err(error) => return Err(refused(error)),
        }
    }
    let denied = access.confidential == Confidential::Denied && asks_for_confidential(&query);
    let reply = call(&client, operation, &path, query).await?;
    let reply = reply.map_err(|error| match error.kind() {
        LeverErrorKind::Forbidden { .. } if denied => no_confidential_access(),
        _ => refused(error),
    })?;
    if all {
        learn(false).await;
    }
    Ok(reply)
}

fn asks_for_confidential(query: &[(String, String)]) -> bool {
    let asks =
        |(name, word): &(String, String)| name == CONFIDENTIALITY && word != "non-confidential";
    query.iter().any(asks)
}

/// Lever refuses the whole list then, though the key may read it.
fn no_confidential_access() -> Error {
    Error::precondition(
        "CONFIDENTIAL_HIDDEN",
        "the key of the connection has no access to confidential records: leave confidentiality out, or have a Lever \
         Super Admin make a key that has it and give it with RotateCredential",
        Vec::new(),
    )
}

async fn call(
    client: &Client,
    operation: &'static Operation,
    path: &BTreeMap<String, String>,
    query: Vec<(String, String)>,
) -> Result<Result<RawReply, lever::Error>> {
    let call = RawCall::new(operation, path, query, None)
        .map_err(|error| Error::invalid(field_of(error.field), error.message))?;
    Ok(client.call(&call).await.map(|answer| answer.value))
}

/// The field of a request that fills a parameter of the path.
fn field_of(parameter: String) -> String {
    match parameter.strip_prefix("path_parameters.") {
        Some(name) => format!("{name}_id"),
        None => parameter,
    }
}

fn refused(error: lever::Error) -> Error {
    if error.is_invalid_offset() {
        return Error::invalid(
            "page_token",
            "Lever no longer knows this page: start again without a token",
        );
    }
    error.into()
}

fn unreadable(error: lever::DecodeError) -> Error {
    tracing::warn!(%error, "an answer of Lever's cannot be read");
    Error::unavailable("Lever's answer cannot be read: ask again, or read from the mirror")
}

/// The records of an answer; EEO responses may come one level deeper (behaviour: "Users, EEO, surveys, audit").
fn records(stream: Stream, reply: &RawReply) -> Result<Page<Any>> {
    #[derive(Deserialize)]
    struct Deeper {
        data: Responses,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Responses {
        eeo_responses: Vec<Box<RawValue>>,
    }
    match reply.page() {
        Err(_) if stream == Stream::EeoResponses => {
            let deeper: Deeper = serde_json::from_slice(&reply.body).map_err(|error| {
                tracing::warn!(
                    line = error.line(),
                    column = error.column(),
                    "an answer of Lever's cannot be read"
                );
                Error::unavailable(
                    "Lever's answer cannot be read: ask again, or read from the mirror",
                )
            })?;
            let records = deeper.data.eeo_responses.into_iter();
            Ok(Page {
                records: records
                    .map(|raw| Ok(lever::Record { value: Any, raw }))
                    .collect(),
                next: None,
            })
        }
        page => page.map_err(unreadable),
    }
}

/// A record with what it is known by: its id, or its text where it has none.
fn keyed(query: &ReadQuery, raw: &RawValue) -> Option<RawRecord> {
    Some(RawRecord {
        id: query.stream.key_in(raw.get())?,
        opportunity: query
            .opportunity
            .as_ref()
            .map(|opportunity| opportunity.as_str().to_owned()),
        raw: raw.get().to_owned(),
    })
}

/// Asks for one record of the first stream that has a list of its own; gives what that tells the account by.
pub(crate) async fn first_page(
    client: &Client,
    streams: &BTreeSet<Stream>,
) -> std::result::Result<Shown, lever::Error> {
    let of_its_own = |stream: &&Stream| {
        **stream != Stream::EeoResponses
            && resource::list(**stream)
                .is_some_and(|operation| operation.path_parameters().next().is_none())
    };
    let first = streams.iter().find(of_its_own).copied();
    let first = first.unwrap_or(Stream::Stages);
    let operation = resource::list(first);
    let operation = operation.expect("every account list has its operation");
    let query = match operation.query.contains(&"limit") {
        true => vec![("limit".to_owned(), "1".to_owned())],
        false => Vec::new(),
    };
    let call = RawCall::new(operation, &BTreeMap::new(), query, None)
        .expect("an account list takes no path parameters and no body");
    let answer = client.call(&call).await?;
    #[derive(Deserialize)]
    struct Records {
        data: Vec<Box<RawValue>>,
    }
    let records: Option<Records> = serde_json::from_slice(&answer.value.body).ok();
    let records = records.map(|records| records.data).unwrap_or_default();
    let documents = records.iter().map(|record| record.get());
    Ok(Shown::of(first, documents))
}
