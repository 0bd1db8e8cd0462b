//! Making the call an operation asks for.

use domain::export::Made;
use domain::operation::{Attempt, Event, Failure, FailureKind};
use domain::{Connection, Operation, Timestamp, Write};
use lever::{
    Answer, Client, CreatedOpportunity, Endpoint, Error, ErrorKind, File, GetOpportunity, Lane,
    Opportunity, OpportunityExpand, OpportunityId, RawCall, Record, Upload,
};

use super::again;
use super::decide::decide;
use super::judge;
use super::merge::{self, Merge};
use super::overwrite::Present;
use super::plan::{self, Sending};
use super::tried::{Tried, tried_at, unclear_at};
use crate::call;
use crate::engine::Shared;
use crate::error::{credential_message, permission_message};
use crate::link::Link;
use crate::pull::{incoming_opportunity, policy};
use crate::skew::Moment;

/// What a try came to, and the calls it made.
pub(super) struct Outcome {
    pub(super) event: Event,
    /// What Lever answered to a raw write, as far as it is kept.
    pub(super) answer: Option<String>,
    pub(super) attempts: Vec<Attempt>,
}

/// The read that shows where an opportunity stands now.
pub(crate) fn fresh_read(opportunity: &OpportunityId) -> GetOpportunity {
    GetOpportunity {
        opportunity: opportunity.clone(),
        expand: vec![OpportunityExpand::Applications, OpportunityExpand::Contact],
    }
}

/// Makes the call once.
///
/// Where the present state decides (a rejection, or an earlier try that may have had its effect), Lever is read first; of a
/// stage move it was, before the try was noted, and so it was of whom the caller might not see: `looked` is what that
/// showed. `present` is what a write [overwrites](Write::overwrites), read a moment ago.
pub(super) async fn send(
    shared: &Shared,
    link: &Link,
    operation: &Operation,
    looked: Option<Record<Opportunity>>,
    present: Option<Present>,
) -> Outcome {
    let mut try_ = Try {
        shared,
        client: link
            .client(lane(operation))
            .with_limits(shared.clients.single_try()),
        connection: link.connection(),
        step: plan::step_number(operation),
        attempts: Vec::new(),
        answer: None,
        present,
    };
    let write = operation.present_write();
    let tried_at = tried_at(operation);
    let looks_first = match write {
        // It was looked at before the try was noted.
        Write::ChangeStage { .. } => false,
        // What these came to does not show in the opportunity.
        Write::Raw(_) | Write::Prepared(_) | Write::UploadFile(_) if !again::shows(write) => false,
        write if write.creates() => false,
        write => plan::looks_first(write, operation.stood_back()) || tried_at.is_some(),
    };
    let event = if looks_first {
        let record = match looked {
            Some(record) => Ok(record),
            None => try_.call(&fresh_read(&operation.opportunity)).await,
        };
        match record {
            Ok(record) => {
                let tried = match tried_at {
                    Some(at) => Some(Tried::at(shared, link, operation, at).await),
                    None => None,
                };
                match decide(operation, &record.value, tried.as_ref()) {
                    Some(event) => event,
                    None => try_.write(operation).await,
                }
            }
            Err(error) => not_written(&error),
        }
    } else {
        try_.write(operation).await
    };
    let event = match event {
        // What was to be deleted is gone: an earlier try whose answer was lost did it.
        Event::Refused(failure)
            if unclear_at(operation).is_some()
                && failure.kind == FailureKind::NotFound
                && plan::deletes(write) =>
        {
            Event::Done { result_id: None }
        }
        event => event,
    };
    Outcome {
        event,
        answer: try_.answer,
        attempts: try_.attempts,
    }
}

/// Whether who asked for the operation may see the person, where that was not known before.
pub(super) async fn is_shown(
    shared: &Shared,
    operation: &Operation,
    present: &Record<Opportunity>,
) -> bool {
    let Some(sight) = operation.unseen else {
        return true;
    };
    let sees = judge::sees(shared, operation.connection, sight, present);
    sees.await.unwrap_or_else(|error| {
        log_failure!(
            &error,
            connection = %operation.connection, operation = operation.told_id(), "cannot tell who may see a person"
        );
        false
    })
}

pub(super) fn is_absent(event: &Event) -> bool {
    matches!(event, Event::Refused(failure) if failure.kind == FailureKind::NotFound)
}

/// The lane of an operation's calls: somebody waits for one write; a bulk lets that one go first.
pub(super) fn lane(operation: &Operation) -> Lane {
    match operation.parent {
        None => Lane::Interactive,
        Some(_) => Lane::Inbound,
    }
}

/// Shows the present state of an opportunity in the mirror; tells whether that is done.
pub(super) async fn refresh(
    shared: &Shared,
    link: &Link,
    opportunity: &OpportunityId,
    lane: Lane,
) -> bool {
    let sent = Moment::now(&shared.clock);
    let client = link.client(lane).with_limits(shared.clients.single_try());
    let outcome = async {
        let answer = match client.answer(&fresh_read(opportunity)).await {
            // The deleted list tells the mirror.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound) => return Ok(()),
            answer => answer?,
        };
        let requested_at = link.answered(answer.date, sent, Moment::now(&shared.clock));
        let now = shared.clock.now();
        let content = incoming_opportunity(&link.connection(), &answer.value.raw, now)
            .map_err(|malformed| crate::Error::internal(malformed.reason))?;
        let refresh = store::Refresh {
            connection: link.id(),
            requested_at,
            now,
            records: content.records,
            deleted: Vec::new(),
            quarantined: content.quarantined,
            policy: policy(shared, link),
        };
        let applied = shared.store.apply_refresh(refresh).await?;
        if applied.planned > 0 {
            link.hydrate_now.notify_one();
        }
        link.moved();
        Ok::<(), crate::Error>(())
    };
    if let Err(error) = outcome.await {
        tracing::warn!(
            connection = %link.id(), opportunity = crate::error::logged(opportunity.as_str()), error = %crate::report(&error),
            "cannot read an opportunity back after a write"
        );
        return false;
    }
    true
}

struct Try<'a> {
    shared: &'a Shared,
    client: Client,
    connection: Connection,
    /// For which step of the operation.
    step: u32,
    attempts: Vec<Attempt>,
    answer: Option<String>,
    /// What is there to be overwritten.
    present: Option<Present>,
}

impl Try<'_> {
    async fn write(&mut self, operation: &Operation) -> Event {
        match self.merged(operation.present_write()) {
            Ok(None) => self.write_as_it_is(operation).await,
            Ok(Some(write)) => {
                let merged = operation.clone().with_in_hand(write);
                self.write_as_it_is(&merged).await
            }
            Err(event) => event,
        }
    }

    /// The write merged into what Lever has now; none where it needs that not, an event where nothing is to be written.
    fn merged(&self, write: &Write) -> Result<Option<Write>, Event> {
        let merged = match (Merge::of(write), &self.present) {
            (None, _) => return Ok(None),
            (Some(Merge::Contact(contact, change)), present) => {
                let present = match present {
                    Some(Present::Contact(present)) => Some(&**present),
                    _ => None,
                };
                merge::merged_contact(&contact, &change, present)
            }
            (Some(Merge::User(user, change)), Some(Present::User(present))) => {
                let merged = merge::merged_user(&user, &change, present);
                Some(merged.map_err(Event::Refused)?)
            }
            // Nothing can be said of a user who was not read.
            (Some(Merge::User(..)), _) => return Err(Event::NotSent),
        };
        merged.map(Some).ok_or(Event::Done { result_id: None })
    }

    async fn write_as_it_is(&mut self, operation: &Operation) -> Event {
        let file = operation.present_write().file();
        let kept = self.shared.store.kept_file(
            operation.connection,
            operation.id,
            file.map_or(0, |file| file.number),
        );
        if let Some(file) = file
            && !kept.is_whole(file.size).await
        {
            return Event::Refused(file_gone());
        }
        let outcome = match plan::sending(operation, kept) {
            Sending::Note(endpoint) => self
                .call(&endpoint)
                .await
                .map(|note| Some(note.id.as_str().to_owned())),
            Sending::Comment(endpoint) => self
                .call(&endpoint)
                .await
                .map(|note| Some(note.id.as_str().to_owned())),
            Sending::AddTags(endpoint) => self.call(&endpoint).await.map(|_| None),
            Sending::RemoveTags(endpoint) => self.call(&endpoint).await.map(|_| None),
            Sending::AddSources(endpoint) => self.call(&endpoint).await.map(|_| None),
            Sending::RemoveSources(endpoint) => self.call(&endpoint).await.map(|_| None),
            Sending::Stage(endpoint) => self.call(&endpoint).await.map(|_| None),
            Sending::Archived(endpoint) => self.call(&endpoint).await.map(|_| None),
            Sending::Raw(call) => {
                let result = self.raw(&call).await;
                result.map(|id| id.filter(|_| !plan::makes_nothing(operation.present_write())))
            }
            Sending::Create(endpoint) => match self.call(&*endpoint).await {
                Ok(created) => return made(created),
                Err(error) => Err(error),
            },
            Sending::File(endpoint) => self.call(&endpoint).await.map(file_id),
            Sending::CandidateFile(endpoint) => self.call(&endpoint).await.map(file_id),
            Sending::Upload(endpoint) => self.call(&endpoint).await.map(upload_name),
            Sending::Unknown(why) => return Event::Refused(cannot_send(why)),
        };
        match outcome {
            Ok(result_id) => Event::Done { result_id },
            Err(error) => written_or_not(&error),
        }
    }

    async fn call<E: Endpoint>(&mut self, endpoint: &E) -> Result<E::Reply, Error> {
        let at = self.shared.clock.now();
        let outcome = self.client.answer(endpoint).await;
        self.note(E::OPERATION.id, at, &outcome);
        outcome.map(|answer| answer.value)
    }

    /// Makes a raw write; gives Lever's id of what it made.
    async fn raw(&mut self, call: &RawCall) -> Result<Option<String>, Error> {
        let at = self.shared.clock.now();
        let outcome = self.client.call(call).await;
        let operation = call.operation().id;
        self.note(operation, at, &outcome);
        let body = outcome?.value.body;
        self.answer = call::answer_to_keep(operation, &self.connection, &body);
        Ok(call::result_id(&body))
    }

    fn note<T>(&mut self, operation: &str, at: Timestamp, outcome: &Result<Answer<T>, Error>) {
        self.attempts
            .extend(attempt(operation, at, self.step, outcome));
    }
}

/// A call that was made; none in a pause of the key.
pub(super) fn attempt<T>(
    operation: &str,
    at: Timestamp,
    step: u32,
    outcome: &Result<Answer<T>, Error>,
) -> Option<Attempt> {
    if outcome.as_ref().is_err_and(Error::was_held_back) {
        return None;
    }
    let status = match outcome {
        Ok(answer) => Some(answer.status),
        Err(error) => status_of(error),
    };
    Some(Attempt {
        lever_operation: operation.to_owned(),
        at,
        status,
        step,
        seen: None,
    })
}

/// What Lever tells of an opportunity that it made.
fn made(created: CreatedOpportunity) -> Event {
    let opportunity = created.record.value;
    Event::Made(Made {
        opportunity: opportunity.id,
        contact: opportunity.contact,
        deduped: created.deduped,
    })
}

/// The HTTP status behind an error; none when no answer came.
fn status_of(error: &Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::Unauthorized => Some(401),
        ErrorKind::Forbidden { .. } => Some(403),
        ErrorKind::NotFound => Some(404),
        ErrorKind::Invalid { status, .. } | ErrorKind::Unavailable { status } => Some(*status),
        ErrorKind::RateLimited => Some(429),
        _ => None,
    }
}

/// A raw write that was recorded by a version which knew it.
fn cannot_send(why: String) -> Failure {
    Failure {
        kind: FailureKind::Invalid,
        message: format!("the call cannot be sent: {why}"),
        details: Vec::new(),
    }
}

/// Lever's id of a file it has taken.
fn file_id(file: Record<File>) -> Option<String> {
    Some(file.value.id.as_str().to_owned())
}

/// What an application names an upload by.
fn upload_name(upload: Record<Upload>) -> Option<String> {
    let Upload { id, uri, .. } = upload.value;
    Some(if uri.is_empty() {
        id.as_str().to_owned()
    } else {
        uri
    })
}

/// An upload whose bytes somebody removed, or a restored backup does not have.
fn file_gone() -> Failure {
    Failure {
        kind: FailureKind::Invalid,
        message: "the bytes of the file are gone from the data directory: upload it again"
            .to_owned(),
        details: Vec::new(),
    }
}

/// What an error of the write itself means: Lever may have acted.
fn written_or_not(error: &Error) -> Event {
    match refusal(error) {
        Some(failure) => Event::Refused(failure),
        None if error.may_have_acted() => Event::Lost,
        None => not_sent(error),
    }
}

/// What an error of the read before the write means: nothing was written.
pub(super) fn not_written(error: &Error) -> Event {
    refusal(error).map_or_else(|| not_sent(error), Event::Refused)
}

fn not_sent(error: &Error) -> Event {
    match error.pause() {
        Some(_) => Event::HeldBack,
        None => Event::NotSent,
    }
}

/// Lever does not have it; what is said also of people whom the caller may not see.
pub(super) fn not_there() -> Failure {
    Failure {
        kind: FailureKind::NotFound,
        message: "Lever does not have this record (any more)".to_owned(),
        details: Vec::new(),
    }
}

/// A refusal for good, as far as the error is one.
fn refusal(error: &Error) -> Option<Failure> {
    let failure = |kind, message: String, details| {
        Some(Failure {
            kind,
            message,
            details,
        })
    };
    if let Some(message) = credential_message(error) {
        return failure(FailureKind::KeyRejected, message.to_owned(), Vec::new());
    }
    match error.kind() {
        ErrorKind::Forbidden { permission } => failure(
            FailureKind::PermissionMissing,
            permission_message(permission),
            vec![("permission".to_owned(), (*permission).to_owned())],
        ),
        ErrorKind::NotFound => Some(not_there()),
        ErrorKind::Invalid { status, message } => failure(
            FailureKind::Invalid,
            if message.is_empty() {
                format!(
                    "Lever refused the write with status {status}, without a reason: \
                     compare its content with Lever's API description"
                )
            } else {
                format!("Lever refused the write with status {status}: {message}")
            },
            Vec::new(),
        ),
        ErrorKind::InvalidRequest => failure(
            FailureKind::Invalid,
            "the ids of the write cannot be Lever's".to_owned(),
            Vec::new(),
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing;

    #[tokio::test(start_paused = true)]
    async fn what_meets_a_pause_after_429_was_not_sent_and_stands_still() {
        let (_folder, engine, id) = testing::unlinked(lever::BudgetConfig::default()).await;
        let client = engine.link(id).unwrap().client(Lane::Interactive);
        let hour = Duration::from_secs(3600);
        client.budget().saw_rate_limit(Some(hour));
        let error = client.send(&fresh_read(&"o".into())).await.unwrap_err();
        assert_eq!(written_or_not(&error), Event::HeldBack);
        assert_eq!(not_written(&error), Event::HeldBack);
    }
}
