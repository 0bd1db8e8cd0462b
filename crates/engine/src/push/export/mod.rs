//! Handing a person over to Lever: looked for first, then made or updated, step by step under one operation (F-20).
//!
//! What is decided is `domain::export`; here Lever and the mirror are asked, and exports of one person kept apart.

mod find;
mod lines;
mod lost;
mod settings;
mod steps;
mod there;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::export::{Asked, Decision, ExportAs, ExportSettings, File, Verdict, guard};
use domain::operation::{Event, LONGEST_NOTE, Plan, State, Step, UploadTarget};
use domain::operation::{FileUpload, LARGEST_FILE};
use domain::text::meaningful;
use domain::{Candidacy, ConnectionId, FieldMapping, Operation, Stream, Write};
use lever::{Lane, OpportunityId, Posting, User};
use sha2::{Digest as _, Sha256};
use store::Sought;

use self::find::{Present, Search, Trouble};
use self::lines::Place;
use self::steps::Order;
use self::there::There;
use super::acting;
use super::asked::{check_asked, unusable};
use super::content::{LONGEST_TAG, TOO_LARGE, check_file, faults_in_texts};
use super::judge::check_stage_known;
use super::outbox::{Outbox, Progress};
use super::plan::{NOT_MADE_YET, PlannedCall};
use super::send::{self, Outcome};
use super::submit::Chosen;
use super::submit::WriteRequest;
use super::turn::Turn;
use super::upload::receive;
use crate::engine::{Engine, Shared};
use crate::error::{Error, Result, Violation};
use crate::link::Link;
use crate::read::Viewer;
use crate::versions;

pub(super) use lines::Lines;
pub(super) use lost::look;

/// Addresses, numbers, links, employers and files of one person.
const MOST_VALUES: usize = 20;
/// Characters of one value.
const LONGEST_VALUE: usize = 2_000;
/// Tags and sources of one export.
const MOST_TEXTS: usize = 100;

/// What an export would come to.
#[derive(Debug, Clone)]
pub struct ExportDryRun {
    /// What was decided.
    pub verdict: Verdict,
    /// The calls in order: those that were made to look for the person, and those that would follow.
    pub calls: Vec<PlannedCall>,
    /// The Lever user they would be made for, and how that user was found.
    pub acting: Chosen,
    /// As [`Operation::left_out`].
    pub left_out: Vec<String>,
    /// About how long the calls would take at the present rate, with those waiting ahead of them.
    pub eta: Duration,
    /// How many reads follow in the background: of the lists below whoever is written to.
    pub background: usize,
}

impl Engine {
    /// Records an export with its files and waits for it up to `wait`.
    ///
    /// The write is a [`Write::Export`]; the sizes and digests of its files are found here, `files` has their bytes.
    ///
    /// # Errors
    /// As [`Engine::write`]; what speaks against the export is no error here: it is in the operation.
    pub async fn export(
        &self,
        request: WriteRequest,
        files: Vec<Bytes>,
        wait: Duration,
    ) -> Result<Operation> {
        let mut request = self.for_export(request).await?;
        measure(&mut request.write, &files);
        let (connection, sees_all) = (request.connection, request.confidential);
        if let Some(known) = self.checked(&request).await? {
            let operation = self.wait_for(connection, known.id, wait).await?;
            return self.as_seen(operation, sees_all).await;
        }
        self.check_person(&request).await?;
        self.check_against_account(&request).await?;
        acting::choose(self, &request).await?;
        let mut received = Vec::with_capacity(files.len());
        for bytes in files {
            let piece = futures::stream::iter([Ok(bytes)]);
            received.push(receive(&self.shared.store, piece).await?);
        }
        self.write_with(request, received, wait).await
    }

    /// An export as a caller may see it who asks for it again, perhaps with fewer rights than at first: the verdict was
    /// made of what could be seen then.
    async fn as_seen(&self, mut operation: Operation, sees_all: bool) -> Result<Operation> {
        let about = &operation.opportunity;
        if !sees_all && self.is_confidential(operation.connection, about).await? {
            return Err(Error::not_found("opportunity", about.as_str()));
        }
        if let Write::Export(export) = &mut operation.write
            && export.asked.confidential
            && !sees_all
        {
            export.result.verdict = None;
        }
        Ok(operation)
    }

    /// What an export would come to: Lever and the mirror are read, and nothing is recorded or written (X3).
    ///
    /// # Errors
    /// As [`Engine::export`]; unavailable when Lever does not answer.
    pub async fn export_dry_run(
        &self,
        request: &WriteRequest,
        files: &[Bytes],
    ) -> Result<ExportDryRun> {
        let outbox = self.running(request.connection)?.outbox;
        let mut request = self.for_export(request.clone()).await?;
        measure(&mut request.write, files);
        check_asked(&request.write)?;
        self.check_against_account(&request).await?;
        let acting = acting::choose(self, &request).await?;
        let Write::Export(export) = &request.write else {
            return Err(Error::internal("only an export is planned like this"));
        };
        let (shared, link) = (outbox.shared(), outbox.link());
        let mut search = Search::new(shared, link, &export.asked);
        let planned = planned(&mut search, shared, link, &export.asked).await;
        let (verdict, pieces, removed) = planned.map_err(Trouble::error)?;
        let mut left_out = self.left_out_of(&request).await?;
        left_out.extend(removed);
        let about = match &verdict.opportunity {
            Some(there) => there.clone(),
            None => OpportunityId::from(NOT_MADE_YET),
        };
        let mut calls = std::mem::take(&mut search.calls);
        let missing = pieces.into_iter().filter(|(_, there)| there.is_none());
        let missing: Vec<Write> = missing.map(|(write, _)| write).collect();
        for write in &missing {
            let (reads, write) = self.merged_now(request.connection, write).await?;
            calls.extend(reads);
            if let Some(write) = write {
                let user = acting.user.clone();
                calls.extend(outbox.planned(&write, &about, user, false).await);
            }
        }
        let written: Vec<_> = missing.iter().map(|write| (&about, write)).collect();
        Ok(ExportDryRun {
            background: outbox.read_later(&written).await?,
            eta: outbox.eta(calls.len(), Lane::Interactive).await?,
            verdict,
            left_out,
            calls,
            acting,
        })
    }

    /// The fields of an export that nothing can be made of, or that are too long for the tags they go to.
    pub(super) async fn left_out_of(&self, request: &WriteRequest) -> Result<Vec<String>> {
        let Write::Export(export) = &request.write else {
            return Ok(Vec::new());
        };
        let mapping: FieldMapping = versions::present(&self.shared, request.connection).await?;
        let mapping = steps::with_places(&mapping, &export.asked);
        let settings: ExportSettings = versions::present(&self.shared, request.connection).await?;
        let mut left_out = unusable(&export.asked, &mapping);
        let cut = settings.cut_short(&export.asked).into_iter();
        left_out.extend(cut.map(str::to_owned));
        Ok(left_out)
    }

    /// The request with the right that is left of the caller's, which the export needs later too.
    async fn for_export(&self, request: WriteRequest) -> Result<WriteRequest> {
        let mut request = self.narrowed(request).await?;
        if let Write::Export(export) = &mut request.write {
            export.asked.confidential = request.confidential;
        }
        Ok(request)
    }

    /// Whether there is somebody of the id that a request names; Lever is asked where the mirror has nobody. When Lever
    /// is away the export is taken anyway, and it is found out then.
    async fn check_person(&self, request: &WriteRequest) -> Result<()> {
        let outbox = self.running(request.connection)?.outbox;
        let Write::Export(export) = &request.write else {
            return Ok(());
        };
        let Some(contact) = &export.asked.contact else {
            return Ok(());
        };
        let sought = Sought {
            keys: Vec::new(),
            contacts: vec![contact.clone()],
        };
        let (shared, link) = (outbox.shared(), outbox.link());
        let found = shared.store.find_people(link.id(), sought).await?;
        let sees = |known: &Candidacy| export.asked.confidential || !known.confidential;
        if found.candidacies.values().any(sees) {
            return Ok(());
        }
        match Search::new(shared, link, &export.asked).has(contact).await {
            Ok(false) => Err(Trouble::Nobody.error()),
            Ok(true) | Err(Trouble::Lever(_) | Trouble::Nobody) => Ok(()),
            Err(Trouble::Ours(error)) => Err(error),
        }
    }

    /// What can be told to be wrong with an export before Lever is asked.
    pub(super) async fn check_exported(&self, id: ConnectionId, asked: &Asked) -> Result<()> {
        let settings: ExportSettings = versions::present(&self.shared, id).await?;
        if settings.export_as(asked) == ExportAs::Applicant && asked.posting.is_none() {
            return Err(Error::invalid(
                "posting_id",
                "an applicant applies to a posting: name it, or export a prospect",
            ));
        }
        check_stage_known(&self.shared, id, &settings.entry(asked).stage).await?;
        if let Some(posting) = &asked.posting {
            let known = self.known::<Posting>(id, Stream::Postings, posting.as_str());
            if known.await? == Some(false) {
                return Err(Error::invalid(
                    "posting_id",
                    "Lever has no such posting: LeverService.ListPostings lists them",
                ));
            }
            let viewer = Viewer {
                confidential: asked.confidential,
            };
            let sight = self.sight(id, viewer)?;
            sight.check_path("posting", posting.as_str()).await?;
        }
        if let Some(owner) = &asked.owner {
            let known = self.known::<User>(id, Stream::Users, owner.as_str());
            if known.await? == Some(false) {
                return Err(Error::invalid(
                    "owner_id",
                    "Lever has no such user: LeverService.ListUsers lists them",
                ));
            }
        }
        Ok(())
    }

    /// Whether the account has a record; none while its list has not been read.
    async fn known<T: serde::de::DeserializeOwned>(
        &self,
        id: ConnectionId,
        stream: Stream,
        record: &str,
    ) -> Result<Option<bool>> {
        let store = &self.shared.store;
        if store.count(id, stream).await? == 0 {
            return Ok(None);
        }
        let record = store.record(id, stream, record).await?;
        let read = record.and_then(|record| serde_json::from_str::<T>(&record.raw).ok());
        Ok(Some(read.is_some()))
    }
}

impl Outbox {
    /// Hands a person over once no other export of theirs is under way; then it goes on in the line of the opportunity.
    pub(super) fn hand_over_in_turn(self: &Arc<Self>, operation: &Operation) {
        let Write::Export(export) = &operation.write else {
            return;
        };
        let place = Arc::new(self.lines.join(&export.asked));
        let (outbox, id) = (self.clone(), operation.id);
        let hand_over = move || outbox.clone().hand_over(id, place.clone());
        self.keep_going("export", hand_over);
    }

    async fn hand_over(self: Arc<Self>, id: domain::OperationId, place: Arc<Place>) {
        tokio::select! {
            () = self.link().stop.cancelled() => return,
            () = place.turn() => {}
        }
        let nowhere = Turn::Opportunity(OpportunityId::from(""));
        loop {
            match self.settle(id, &nowhere).await {
                Ok(Progress::Elsewhere(turn)) => return self.submit(turn, id),
                Ok(Progress::Settled | Progress::Stopped) => return,
                Err(_) if self.link().stop.is_cancelled() => return,
                Err(error) => {
                    log_failure!(
                        &error,
                        connection = %self.link().id(), operation = %id, "cannot keep the state of an export"
                    );
                    self.pause(Duration::from_secs(1)).await;
                }
            }
        }
    }
}

/// Looks for the person and decides; nothing is written.
pub(super) async fn decide(outbox: &Outbox, asked: &Asked) -> Outcome {
    let (shared, link) = (outbox.shared(), outbox.link());
    let mut search = Search::new(shared, link, asked);
    let event = match planned(&mut search, shared, link, asked).await {
        Ok((verdict, pieces, left_out)) => {
            let step = |(write, there): Piece| match there {
                Some(id) => Step::there_already(write, outbox.marker(), id),
                None => Step::new(write, outbox.marker()),
            };
            Event::Planned(Box::new(Plan {
                verdict,
                steps: pieces.into_iter().map(step).collect(),
                left_out,
            }))
        }
        Err(Trouble::Nobody) => Event::Refused(Trouble::nobody()),
        Err(Trouble::Lever(error)) => send::not_written(&error),
        Err(Trouble::Ours(error)) => {
            tracing::warn!(
                connection = %link.id(), error = %crate::report(&error),
                "cannot look for a person to export; it is tried again"
            );
            Event::NotSent
        }
    };
    Outcome {
        event,
        answer: None,
        attempts: search.attempts,
    }
}

/// A write that an export comes to, and what Lever has of it already.
type Piece = (Write, Option<There>);

/// What an export comes to, its writes, and the tags that are left out since people have removed them.
async fn planned(
    search: &mut Search<'_>,
    shared: &Shared,
    link: &Link,
    asked: &Asked,
) -> Result<(Verdict, Vec<Piece>, Vec<String>), Trouble> {
    let settings: ExportSettings = versions::present(shared, link.id()).await?;
    let mapping: FieldMapping = versions::present(shared, link.id()).await?;
    let mut seen = search.people().await?;
    let (verdict, present) = loop {
        let verdict = guard::judge(asked, &settings, &seen, shared.clock.now());
        let target = verdict.opportunity.as_ref();
        let Some(target) = target.filter(|_| verdict.decision == Decision::Update) else {
            break (verdict, None);
        };
        match search.present(target).await? {
            Some(present) => break (verdict, Some(present)),
            // It went in this moment.
            None => seen.forget(target),
        }
    };
    let tags_given = match &present {
        Some(present) => tags_given(shared, link, present).await?,
        None => BTreeSet::new(),
    };
    let order = Order {
        asked,
        settings: &settings,
        mapping: &mapping,
        tags_given,
    };
    let (writes, left_out) = order.steps(&verdict, present.as_ref())?;
    let there = match &present {
        Some(present) => search.there_already(&present.opportunity, &writes).await?,
        None => vec![None; writes.len()],
    };
    Ok((verdict, writes.into_iter().zip(there).collect(), left_out))
}

/// Tags that operations have given an opportunity: one that is gone since was taken back by a person.
async fn tags_given(shared: &Shared, link: &Link, present: &Present) -> Result<BTreeSet<String>> {
    let store = &shared.store;
    let operations = store
        .operations(link.id(), Some(&present.opportunity), None, usize::MAX)
        .await?;
    let mut given = BTreeSet::new();
    for operation in operations {
        let whole = (operation.state == State::Succeeded).then_some(&operation.write);
        let done = operation.steps.iter().filter(|step| step.done);
        for write in whole.into_iter().chain(done.map(|step| &step.write)) {
            match write {
                Write::AddTags { tags } => given.extend(tags.iter().cloned()),
                Write::CreateOpportunity(new) => given.extend(new.tags.iter().cloned()),
                _ => {}
            }
        }
    }
    Ok(given)
}

/// Notes what the files of an export are: the same request has the same.
fn measure(write: &mut Write, files: &[Bytes]) {
    if let Write::Export(export) = write {
        for (file, bytes) in export.asked.files.iter_mut().zip(files) {
            file.size = bytes.len() as u64;
            file.sha256 = Sha256::digest(bytes).into();
        }
    }
}

/// What is wrong with an export itself, whatever the account.
pub(super) fn check_export(asked: &Asked) -> Result<()> {
    let mut found = Vec::new();
    let mut fault = |field: &str, message: &str| {
        found.push(Violation {
            field: field.to_owned(),
            message: message.to_owned(),
        });
    };
    let person = &asked.profile;
    let nameless = meaningful(&person.name).is_none();
    if nameless {
        fault("profile.name", "give the name of the person");
    }
    let texts = [
        ("profile.name", &person.name),
        ("profile.headline", &person.headline),
        ("profile.title", &person.title),
        ("profile.location", &person.location),
        ("profile.linkedin_url", &person.linkedin_url),
        ("profile.github_url", &person.github_url),
        ("profile.profile_url", &person.profile_url),
        ("origin", &asked.origin),
        ("search_name", &asked.named.search),
        ("search_owner", &asked.named.owner),
        ("shortlisted_by", &asked.named.shortlisted_by),
    ];
    for (field, text) in texts {
        if text.chars().count() > LONGEST_VALUE {
            fault(field, "give at most 2,000 characters");
        }
    }
    let emails: Vec<String> = person
        .emails
        .iter()
        .map(|one| one.address.clone())
        .collect();
    let lists = [
        ("profile.emails", &emails, MOST_VALUES),
        ("profile.phones", &person.phones, MOST_VALUES),
        ("profile.links", &person.links, MOST_VALUES),
        ("profile.companies", &person.companies, MOST_VALUES),
    ];
    for (field, texts, most) in lists {
        if texts.len() > most {
            fault(field, &format!("give at most {most} of them"));
        }
        for (at, text) in texts.iter().enumerate() {
            if text.trim().is_empty() || text.chars().count() > LONGEST_VALUE {
                fault(&format!("{field}[{at}]"), "give 1 to 2,000 characters");
            }
        }
    }
    for (field, texts) in [("tags", &asked.tags), ("sources", &asked.sources)] {
        if texts.len() > MOST_TEXTS {
            fault(field, "give at most 100 of them");
        }
        for bad in faults_in_texts(field, texts, LONGEST_TAG) {
            fault(&bad.field, &bad.message);
        }
    }
    if !asked.origin.is_empty() && !domain::export::is_origin(&asked.origin) {
        fault("origin", domain::export::ORIGINS_MESSAGE);
    }
    if asked.note.len() > LONGEST_NOTE {
        fault("note", "give at most 60,000 bytes");
    }
    if asked.files.len() > MOST_VALUES {
        fault("files", "give at most 20 of them");
    }
    if asked.files.iter().filter(|file| file.resume).count() > 1 {
        fault("files", "one of them at most is the resume");
    }
    if asked.files.iter().map(|file| file.size).sum::<u64>() > LARGEST_FILE {
        fault("files", TOO_LARGE);
    }
    for (at, file) in asked.files.iter().enumerate() {
        found.extend(faults_of(at, file));
    }
    if found.is_empty() {
        Ok(())
    } else {
        Err(Error::violations(found))
    }
}

fn faults_of(at: usize, file: &File) -> Vec<Violation> {
    let upload = FileUpload {
        target: UploadTarget::Opportunity,
        name: file.name.clone(),
        content_type: file.content_type.clone(),
        size: file.size,
        sha256: file.sha256,
        number: 0,
    };
    let faults = check_file(&upload).err();
    let faults = faults.and_then(|error| match error.kind() {
        crate::error::ErrorKind::Invalid { violations } => Some(violations.clone()),
        _ => None,
    });
    let named = |violation: Violation| Violation {
        field: format!("files[{at}].{}", violation.field),
        ..violation
    };
    faults.into_iter().flatten().map(named).collect()
}
