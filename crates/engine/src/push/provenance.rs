//! Telling what is ours from what people in Lever did.

use domain::operation::{Failure, FailureKind, PreparedKind, Write};
use domain::provenance::{links, same_link};
use domain::{ConnectionId, Operation, Stream};
use lever::OpportunityId;
use store::Store;

use super::judge::Seen;
use super::prepare;
use super::submit::WriteRequest;
use crate::engine::Engine;
use crate::error::Result;

/// What is left of a write that minds who put there what.
pub(super) struct Minded {
    /// What is to be written.
    pub(super) write: Write,
    /// What was asked for and is left out.
    pub(super) left_out: Vec<String>,
    /// Why nothing is written at all.
    pub(super) nothing: Option<Failure>,
}

/// The operation with what is there already of the tags and links it adds, before it is first sent: that is not ours.
pub(super) async fn with_found(store: &Store, mut operation: Operation) -> Result<Operation> {
    let step = super::plan::step_number(&operation);
    if operation
        .attempts
        .iter()
        .any(|attempt| attempt.step == step)
    {
        return Ok(operation);
    }
    let (wanted, field) = match operation.present_write() {
        Write::AddTags { tags } => (tags.clone(), "tags"),
        Write::Prepared(prepared) if prepared.kind == PreparedKind::AddLinks => {
            (links(prepared), "links")
        }
        _ => return Ok(operation),
    };
    if wanted.is_empty() {
        return Ok(operation);
    }
    let present = present(store, operation.connection, &operation.opportunity, field).await?;
    operation.found.extend(present);
    Ok(operation)
}

/// The tags or links that the mirror has of a candidacy.
async fn present(
    store: &Store,
    connection: ConnectionId,
    opportunity: &OpportunityId,
    field: &str,
) -> Result<Vec<String>> {
    let record = store
        .record(connection, Stream::Opportunities, opportunity.as_str())
        .await?;
    let document: Option<serde_json::Value> =
        record.and_then(|record| serde_json::from_str(&record.raw).ok());
    let list = document
        .as_ref()
        .and_then(|document| document[field].as_array());
    let texts = list.into_iter().flatten();
    Ok(texts
        .filter_map(|text| text.as_str().map(str::to_owned))
        .collect())
}

impl Engine {
    /// A write that minds who put there what: tags that people have removed are not added again, and what is not ours
    /// is not removed. As far as the mirror knows, and the caller may.
    pub(super) async fn minded(&self, request: &WriteRequest, seen: Seen) -> Result<Minded> {
        let untouched = |write: &Write| Minded {
            write: write.clone(),
            left_out: Vec::new(),
            nothing: None,
        };
        if !request.minds_provenance {
            return Ok(untouched(&request.write));
        }
        let store = &self.shared.store;
        let (connection, opportunity) = (request.connection, &seen.told_of(&request.opportunity));
        let ours = store.ours(connection, opportunity).await?;
        Ok(match &request.write {
            Write::AddTags { tags } => {
                let present = present(store, connection, opportunity, "tags").await?;
                let removed = ours.removed_by_people(tags, &present);
                let (left_out, tags) = split(tags, |tag| removed.contains(&tag));
                Minded {
                    nothing: tags.is_empty().then(removed_in_lever),
                    write: Write::AddTags { tags },
                    left_out,
                }
            }
            Write::RemoveTags { tags } => {
                let (left_out, tags) = split(tags, |tag| !ours.has_tag(tag));
                Minded {
                    nothing: tags.is_empty().then(not_ours),
                    write: Write::RemoveTags { tags },
                    left_out,
                }
            }
            Write::Prepared(prepared) if prepared.kind == PreparedKind::RemoveLinks => {
                let (left_out, mut links) = split(&links(prepared), |link| !ours.has_link(link));
                // Lever may have it in another spelling, which it does not take for the same.
                let present = present(store, connection, opportunity, "links").await?;
                let as_there = |there: &String| {
                    let leads_there = |link: &String| same_link(link, there);
                    links.iter().any(leads_there) && !links.contains(there)
                };
                let spelled: Vec<String> = present.into_iter().filter(as_there).collect();
                links.extend(spelled);
                match links.is_empty() {
                    true => Minded {
                        write: request.write.clone(),
                        left_out,
                        nothing: Some(not_ours()),
                    },
                    false => Minded {
                        write: prepare::remove_links(opportunity, links)?,
                        left_out,
                        nothing: None,
                    },
                }
            }
            write => untouched(write),
        })
    }
}

/// Those that are left out, and the others.
fn split(texts: &[String], left_out: impl Fn(&str) -> bool) -> (Vec<String>, Vec<String>) {
    texts.iter().cloned().partition(|text| left_out(text))
}

fn removed_in_lever() -> Failure {
    Failure {
        kind: FailureKind::RemovedInLever,
        message: "people have removed these tags in Lever: they are not added again".to_owned(),
        details: Vec::new(),
    }
}

fn not_ours() -> Failure {
    Failure {
        kind: FailureKind::NotOurs,
        message: "none of these came from us: nothing was removed".to_owned(),
        details: Vec::new(),
    }
}
