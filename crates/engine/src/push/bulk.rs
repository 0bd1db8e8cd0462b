//! Many writes of one kind under one request id.

use std::time::Duration;

use domain::acting::Chosen;
use domain::operation::{Bulk, Failure, Hold, PreparedKind, State};
use domain::{ConnectionId, Operation, OperationId, Write};
use lever::{Lane, OpportunityId};
use sha2::{Digest as _, Sha256};
use store::Recording;

use super::acting::{Acting, Chooser};
use super::asked::check_asked;
use super::content::{check_request_id, digest};
use super::foresee::{People, Planned, Way};
use super::judge::{Judge, Rights, Seen, check_target, failure_of, hidden, target};
use super::submit::{REMEMBERED, WriteRequest, in_steps, new_operation, used_request_id};
use super::{count, new_id};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, NO_ID, Result, Violation, can_be_id};
use crate::mapping;

/// One write of many.
#[derive(Debug, Clone)]
pub struct BulkItem {
    /// Lever's id of the opportunity.
    pub opportunity: OpportunityId,
    /// What to write.
    pub write: Write,
}

/// How the request names its items, for refusals that name a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemFields {
    /// Each of `items` carries a write of its own.
    Items,
    /// Each of `applicants` names a person; what is written stands beside them, once for all.
    Applicants,
}

impl ItemFields {
    fn list(self) -> &'static str {
        match self {
            ItemFields::Items => "items",
            ItemFields::Applicants => "applicants",
        }
    }

    /// Where the request has a field of the write of an item, which is named as alone.
    fn of_write(self, index: usize, write: &Write, field: &str) -> String {
        match self {
            ItemFields::Items => format!("items[{index}].{}", below_item(write, field)),
            ItemFields::Applicants => field.to_owned(),
        }
    }

    /// Where the request says what kind of write an item is.
    fn of_kind(self, index: usize, write: &Write) -> String {
        match self {
            ItemFields::Items => format!("items[{index}].{}", kind_in_item(write)),
            ItemFields::Applicants => "write".to_owned(),
        }
    }
}

/// The field of an item that carries such a write.
fn kind_in_item(write: &Write) -> &'static str {
    match write {
        Write::CreateNote(_) => "note",
        Write::AddTags { .. } => "add_tags",
        Write::RemoveTags { .. } => "remove_tags",
        Write::AddSources { .. } => "add_sources",
        Write::RemoveSources { .. } => "remove_sources",
        Write::ChangeStage { .. } => "change_stage",
        Write::Archive { .. } => "archive",
        Write::Unarchive => "unarchive",
        Write::Prepared(prepared) if prepared.kind == PreparedKind::AddLinks => "add_links",
        Write::Prepared(prepared) if prepared.kind == PreparedKind::RemoveLinks => "remove_links",
        _ => "write",
    }
}

/// Where an item has what a write alone has in a field: what is a list there is `values` here.
fn below_item(write: &Write, field: &str) -> String {
    let carried = kind_in_item(write);
    let lists = ["tags", "sources", "links"].into_iter();
    let place = |list: &str| field.strip_prefix(list).map(str::to_owned);
    match lists.filter_map(place).next() {
        Some(place) => format!("{carried}.values{place}"),
        None => format!("{carried}.{field}"),
    }
}

/// Many writes of one kind, as the caller asks for them.
#[derive(Debug, Clone)]
pub struct BulkRequest {
    /// The connection.
    pub connection: ConnectionId,
    /// The caller's id for all of them.
    pub request_id: String,
    /// The writes, 1 to [`Bulk::MOST_ITEMS`], all of one kind.
    pub items: Vec<BulkItem>,
    /// How the request names them.
    pub fields: ItemFields,
    /// For whom.
    pub acting: Acting,
    /// How long they are kept back before they get in line (X4).
    pub hold: Option<Hold>,
    /// As [`WriteRequest::minds_provenance`], for each of them.
    pub minds_provenance: bool,
    /// Whom the caller may write to.
    pub rights: Rights,
    /// The name of the token that asks.
    pub asked_by: String,
}

/// What a bulk would do.
#[derive(Debug, Clone)]
pub struct BulkDryRun {
    /// For each item what it would come to, or why it cannot be right in this account.
    pub items: Vec<std::result::Result<Planned, Failure>>,
    /// How many calls that are.
    pub calls: usize,
    /// About how long they would take.
    pub eta: Duration,
    /// How many reads follow in the background: of the lists below whoever is written to.
    pub background: usize,
}

/// What is known of an item before Lever is asked.
struct Judged {
    /// Whether the person exists for the caller.
    seen: Seen,
    /// Whom it is made for, or why it cannot be right in this account.
    acting: std::result::Result<Chosen, Failure>,
}

impl Engine {
    /// Records many writes and puts them in line, each an operation below one; returns once all are durable.
    ///
    /// An item that cannot be right in this account (a stage that is excluded) is recorded as failed and keeps no other
    /// from being written. Of people whom the mirror does not have, or whom the caller may not see, Lever tells when their
    /// turn comes, so that nothing tells one from the other. A stage or an archive reason that all items name, or the only
    /// one, is judged for the request as a whole.
    ///
    /// # Errors
    /// Invalid with each bad field; already exists if the request id was used for something else; exhausted on a full
    /// disk. Nothing is recorded then.
    pub async fn bulk(&self, request: BulkRequest) -> Result<Operation> {
        let engine = self.clone();
        // A caller who goes away must not leave behind what is recorded and in no queue.
        self.to_the_end(async move { engine.record_bulk(request).await })
            .await
    }

    /// The calls a bulk would make; nothing is recorded or sent (X3).
    ///
    /// Whom the mirror does not have Lever is asked about. A caller who may not see everybody is told the same of whom they
    /// may not see and of nobody: not found, without the look that is made for the one when their turn comes.
    ///
    /// # Errors
    /// As [`Engine::bulk`].
    pub async fn dry_run_bulk(&self, request: BulkRequest) -> Result<BulkDryRun> {
        let outbox = self.running(request.connection)?.outbox;
        check_items(&request)?;
        let now = self.shared.clock.now();
        let hold = self.hold_of(&request).await?;
        let way = Way {
            now,
            release_at: self.release_time(request.connection, hold, now).await?,
            of_many: true,
            seen: Seen::Shown,
        };
        let requests = self.requests(&request);
        let requests = self.where_they_are(requests, request.rights).await?;
        let judged = self.judge(&request, &requests).await?;
        let mut items = Vec::with_capacity(requests.len());
        let mut people = People::default();
        for (request, judged) in requests.iter().zip(judged) {
            let Judged { seen, acting } = judged;
            items.push(match acting {
                Err(why) => Err(why),
                Ok(acting) => {
                    let way = Way { seen, ..way };
                    let planned = self
                        .foreseen(&outbox, request, acting, way, &mut people)
                        .await?;
                    match seen.sight() {
                        // The look that is made for them would tell them from somebody who is hidden.
                        Some(_) if planned.nobody_is_there() => Err(hidden(&request.opportunity)),
                        Some(_) => Ok(planned.looked_at_first(&request.opportunity)),
                        None => Ok(planned),
                    }
                }
            });
        }
        let written = requests.iter().zip(&items).filter_map(|(request, item)| {
            let writes = item.as_ref().is_ok_and(|planned| planned.writes);
            writes.then_some((&request.opportunity, &request.write))
        });
        let background = outbox.read_later(&Vec::from_iter(written)).await?;
        let calls = items.iter().flatten().map(|item| item.calls.len()).sum();
        Ok(BulkDryRun {
            items,
            calls,
            eta: outbox.eta(calls, Lane::Inbound).await?,
            background,
        })
    }

    /// Reads the items of a bulk, in order.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn items(&self, bulk: &Operation) -> Result<Vec<Operation>> {
        Ok(self.shared.store.items(bulk.connection, bulk.id).await?)
    }

    async fn record_bulk(&self, request: BulkRequest) -> Result<Operation> {
        self.connection(request.connection).await?;
        check_request_id(&request.request_id)?;
        let kind = check_items(&request)?;
        let requests = self.requests(&request);
        let digest = digest_of_all(kind, &requests);
        if let Some(known) = self
            .remembered(request.connection, &request.request_id, &digest)
            .await?
        {
            return Ok(known);
        }
        let outbox = self.running(request.connection)?.outbox;
        let requests = self.where_they_are(requests, request.rights).await?;
        let judged = self.judge(&request, &requests).await?;
        let now = self.shared.clock.now();
        let hold = self.hold_of(&request).await?;
        let held = self.release_time(request.connection, hold, now).await?;
        let state = held.map_or(State::Recorded { not_before: None }, |release_at| {
            State::Held { release_at }
        });
        let id = OperationId::with_room(new_id());
        let acting = Chosen::common(
            judged
                .iter()
                .filter_map(|judged| judged.acting.as_ref().ok()),
        );
        let bulk = bulk_operation(id, kind, &request, digest, acting, outbox.marker(), now);
        let mails = !mapping::present(&self.shared, request.connection)
            .await?
            .lever_sends_email;
        let mut items = Vec::with_capacity(requests.len());
        for (number, (request, judged)) in (1..).zip(requests.into_iter().zip(judged)) {
            let Judged { seen, acting } = judged;
            let minded = self.minded(&request, seen).await?;
            let (state, acting) = match (acting, minded.nothing) {
                (Err(failure), _) => (State::Failed(failure), request.acting.unchosen()),
                (Ok(acting), Some(why)) => (State::Cancelled(Some(why)), acting),
                (Ok(acting), None) => (state.clone(), acting),
            };
            // What was asked, whatever is left of it.
            let (digest, marker) = (super::content::digest(&request), outbox.marker());
            let request = WriteRequest {
                write: minded.write,
                ..request
            };
            let mut item = new_operation(id.item(number), request, digest, acting, marker, now);
            item.unseen = seen.sight();
            item.left_out = minded.left_out;
            if !mails {
                leave_email_to_lever(&mut item);
            }
            items.push(Operation {
                parent: Some(id),
                state,
                ..in_steps(item, &outbox)
            });
        }
        let (store, recorded) = (&self.shared.store, items.clone());
        match store.record_bulk(bulk, recorded, REMEMBERED).await? {
            Recording::New(bulk) => {
                count::recorded(&bulk);
                for item in &items {
                    count::recorded(item);
                    outbox.take_in(item);
                }
                self.shared.moves.tell(&bulk);
                outbox.take_in(&bulk);
                Ok(bulk)
            }
            Recording::Existing(bulk) => Ok(bulk),
            Recording::Mismatch { existing } => Err(used_request_id(&existing, &digest)),
        }
    }

    /// How long the items are kept back: as asked, or for rejections as the stage mapping says.
    async fn hold_of(&self, request: &BulkRequest) -> Result<Option<Hold>> {
        let is_rejection = |item: &BulkItem| {
            matches!(
                &item.write,
                Write::Archive {
                    rejects: Some(_),
                    ..
                }
            )
        };
        if request.hold.is_some() || !request.items.iter().any(is_rejection) {
            return Ok(request.hold);
        }
        let mapping = mapping::present(&self.shared, request.connection).await?;
        let days = mapping.reject_hold_business_days;
        Ok((days > 0).then_some(Hold::BusinessDays(days)))
    }

    /// The items as requests of their own.
    fn requests(&self, request: &BulkRequest) -> Vec<WriteRequest> {
        let confidential =
            request.rights.confidential && self.shows_confidential(request.connection);
        let of_item = |item: &BulkItem| WriteRequest {
            connection: request.connection,
            opportunity: item.opportunity.clone(),
            request_id: request.request_id.clone(),
            write: item.write.clone(),
            acting: request.acting.clone(),
            hold: request.hold,
            minds_provenance: request.minds_provenance,
            confidential,
            asked_by: request.asked_by.clone(),
        };
        request.items.iter().map(of_item).collect()
    }

    /// A caller who works with applicants only moves nobody who is elsewhere when the write is sent, perhaps days later.
    async fn where_they_are(
        &self,
        mut requests: Vec<WriteRequest>,
        rights: Rights,
    ) -> Result<Vec<WriteRequest>> {
        for request in requests.iter_mut().filter(|_| rights.inbound_only) {
            let expected = match &mut request.write {
                Write::ChangeStage { expected_stage, .. } => expected_stage,
                Write::Archive {
                    rejects: Some(rejects),
                    ..
                } => &mut rejects.expected_stage,
                _ => continue,
            };
            if expected.is_none() {
                let (id, opportunity) = (request.connection, &request.opportunity);
                let known = self.shared.store.candidacy(id, opportunity).await?;
                *expected = known.and_then(|known| known.stage);
            }
        }
        Ok(requests)
    }

    /// Whom each write is made for, or why it cannot be right in this account.
    async fn judge(&self, bulk: &BulkRequest, requests: &[WriteRequest]) -> Result<Vec<Judged>> {
        let (connection, rights) = (bulk.connection, bulk.rights);
        let common = self.check_common_target(connection, requests).await;
        common.map_err(|error| match (bulk.fields, requests.first()) {
            (ItemFields::Items, Some(first)) => {
                error.below(&format!("items[0].{}", kind_in_item(&first.write)))
            }
            _ => error,
        })?;
        let link = self.link(connection).ok();
        let chooser = Chooser::new(&self.shared, link.as_deref(), connection).await?;
        let mut judge = Judge::new(self, connection, rights).await?;
        let mut judged = Vec::with_capacity(requests.len());
        for request in requests {
            let (opportunity, write) = (&request.opportunity, &request.write);
            let seen = judge.seen(opportunity).await?;
            let about = seen.told_of(opportunity);
            let acting = match judge.objection(&about, write).await? {
                Some(failure) => Err(failure),
                None => match chooser.choose(write, &about, &request.acting).await {
                    Ok(acting) => Ok(acting),
                    Err(error) => Err(failure_of(error)?),
                },
            };
            judged.push(Judged { seen, acting });
        }
        Ok(judged)
    }

    /// Where all go to the same stage, or for the same reason, that one is checked for the request as a whole.
    async fn check_common_target(
        &self,
        connection: ConnectionId,
        requests: &[WriteRequest],
    ) -> Result<()> {
        let Some(first) = requests.first() else {
            return Ok(());
        };
        let common = target(&first.write);
        if requests.iter().all(|one| target(&one.write) == common) {
            check_target(&self.shared, connection, &first.write).await?;
        }
        Ok(())
    }
}

/// Takes back the e-mail that the product would send, where Lever sends one (X20).
fn leave_email_to_lever(item: &mut Operation) {
    if let Write::Archive {
        rejects: Some(rejects),
        ..
    } = &mut item.write
        && rejects.email_template.take().is_some()
    {
        item.left_out.push("email_template_id".to_owned());
    }
}

/// Checks what can be told of the items alone; gives their kind.
fn check_items(request: &BulkRequest) -> Result<&'static str> {
    let (items, fields) = (&request.items, request.fields);
    let first = items.first();
    let Some(first) = first.filter(|_| items.len() <= Bulk::MOST_ITEMS) else {
        let list = fields.list();
        return Err(Error::invalid(list, format!("give 1 to 1,000 {list}")));
    };
    let kind = first.write.kind();
    let mut violations: Vec<Violation> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let mut bad = |field: String, message: String| {
            // What stands once for all is told once.
            if !violations.iter().any(|known| known.field == field) {
                violations.push(Violation { field, message });
            }
        };
        let told = match item.opportunity.as_str() {
            "" => Some("name the opportunity by Lever's id"),
            id if !can_be_id(id) => Some(NO_ID),
            _ => None,
        };
        if let Some(told) = told {
            let field = format!("{}[{index}].opportunity_id", fields.list());
            bad(field, told.to_owned());
        }
        if item.write.kind() != kind {
            bad(
                fields.of_kind(index, &item.write),
                format!("all items are of one kind: the first is {kind}"),
            );
        }
        let Err(error) = check_asked(&item.write) else {
            continue;
        };
        match error.kind() {
            ErrorKind::Invalid { violations } => violations.iter().for_each(|violation| {
                let message = match rejects_without_reason(&item.write) {
                    true if violation.field == "archive_reason_id" => GIVE_THE_REASON,
                    _ => violation.message.as_str(),
                };
                let field = fields.of_write(index, &item.write, &violation.field);
                bad(field, message.to_owned());
            }),
            _ => bad(fields.of_kind(index, &item.write), error.to_string()),
        }
    }
    if violations.is_empty() {
        Ok(kind)
    } else {
        Err(Error::violations(violations))
    }
}

const GIVE_THE_REASON: &str = "give the reason by Lever's id: ListRejectReasons lists them";

fn rejects_without_reason(write: &Write) -> bool {
    matches!(write, Write::Archive { rejects: Some(_), reason, .. } if reason.as_str().is_empty())
}

/// The bulk itself.
fn bulk_operation(
    id: OperationId,
    kind: &str,
    request: &BulkRequest,
    digest: [u8; 32],
    acting: Chosen,
    marker: lever::Timestamp,
    now: lever::Timestamp,
) -> Operation {
    let write = Write::Bulk(Bulk {
        kind: kind.to_owned(),
        items: u32::try_from(request.items.len()).unwrap_or(u32::MAX),
        tally: None,
    });
    let whole = WriteRequest {
        connection: request.connection,
        opportunity: OpportunityId::from(""),
        request_id: request.request_id.clone(),
        write,
        acting: request.acting.clone(),
        hold: None,
        minds_provenance: false,
        confidential: request.rights.confidential,
        asked_by: request.asked_by.clone(),
    };
    new_operation(id, whole, digest, acting, marker, now)
}

/// SHA-256 over what all items ask.
fn digest_of_all(kind: &str, requests: &[WriteRequest]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update("bulk ");
    hash.update(kind);
    for request in requests {
        hash.update(digest(request));
    }
    hash.finalize().into()
}
