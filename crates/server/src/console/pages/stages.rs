//! The stage mapping: a board, the rules under it, and its versions (product.md, screen 5).
//!
//! The form holds the whole mapping, so that adding a group or trying a change saves nothing: the page is drawn again
//! from what was sent.

mod board;
mod draft;
mod effect;
mod rules;

use axum::Router;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use maud::Markup;
use proto::v1 as pb;
use proto::v1::lever_service_server::LeverService as _;
use proto::v1::stage_mapping_service_server::StageMappingService as _;
use tonic::Code;

use super::After;
use super::versions::{self, Version};
use crate::console::Console;
use crate::console::compare::{Setting, conflicts};
use crate::console::desk::Desk;
use crate::console::fault::Fault;
use crate::console::form::{Form, Posted};
use crate::console::frame::Tab;
use crate::console::refusal::Refused;
use crate::console::words::count;
use board::{SURE, View};
use draft::{Draft, Names, settings};

const SUGGEST: &str = "/fulcrum.v1.StageMappingService/SuggestStageMapping";
const PREVIEW: &str = "/fulcrum.v1.StageMappingService/PreviewStageMapping";
const UPDATE: &str = "/fulcrum.v1.StageMappingService/UpdateStageMapping";
const VERSIONS: &str = "/fulcrum.v1.StageMappingService/ListStageMappingVersions";
const ROLLBACK: &str = "/fulcrum.v1.StageMappingService/RollbackStageMapping";
const REASONS: &str = "/fulcrum.v1.LeverService/ListArchiveReasons";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/console/connections/{id}/stages", get(show).post(act))
        .route("/console/connections/{id}/stages/effect", post(effect))
        .route("/console/connections/{id}/stages/versions", get(list))
        .route(
            "/console/connections/{id}/stages/versions/{version}",
            get(one).post(take_back),
        )
}

/// What the services say about the account.
struct Account {
    connection: pb::Connection,
    mapping: pb::StageMapping,
    stages: Vec<pb::MappedStage>,
    notices: Vec<pb::MappingNotice>,
    suggestions: Vec<pb::StageSuggestion>,
    reasons: Vec<pb::ArchiveReason>,
}

impl Account {
    async fn of(desk: &Desk, id: &str) -> Result<Account, Refused> {
        let connection = desk.connection(id).await?;
        let request = pb::GetStageMappingRequest {
            connection_id: id.to_owned(),
        };
        let request = desk.ask(Tab::Stages.rpc(), request)?;
        let present = desk.api().get_stage_mapping(request).await?.into_inner();
        Ok(Account {
            connection,
            mapping: present.stage_mapping.unwrap_or_default(),
            stages: present.stages,
            notices: present.notices,
            suggestions: suggestions(desk, id).await?,
            reasons: reasons(desk, id).await?,
        })
    }

    fn names(&self) -> Names<'_> {
        Names::new(&self.stages, &self.reasons)
    }

    fn page(&self, desk: &Desk, shown: Shown<'_>) -> Response {
        let names = self.names();
        let path = Tab::Stages.path(&self.connection.id);
        let view = View {
            path: &path,
            csrf: desk.may(UPDATE).then_some(desk.csrf()),
            saved: &self.mapping,
            stages: &self.stages,
            suggestions: &self.suggestions,
            reasons: &self.reasons,
            notices: &self.notices,
            names: &names,
            draft: shown.draft,
            faults: shown.faults,
            said: shown.said,
            effect: shown.effect,
            changed: shown.changed,
        };
        desk.at(&self.connection, Tab::Stages, board::page(&view))
    }
}

/// What a page shows beside the account.
struct Shown<'a> {
    draft: &'a Draft,
    faults: &'a [Fault],
    said: Option<String>,
    effect: Option<Markup>,
    changed: bool,
}

/// What is suggested; nothing until Lever's stages have been read.
async fn suggestions(desk: &Desk, id: &str) -> Result<Vec<pb::StageSuggestion>, Refused> {
    let request = pb::SuggestStageMappingRequest {
        connection_id: id.to_owned(),
    };
    let answer = desk
        .api()
        .suggest_stage_mapping(desk.ask(SUGGEST, request)?);
    match answer.await {
        Ok(answer) => Ok(answer.into_inner().suggestions),
        Err(status) if status.code() == Code::FailedPrecondition => Ok(Vec::new()),
        Err(status) => Err(status.into()),
    }
}

/// The archive reasons of the account; none until they have been read.
async fn reasons(desk: &Desk, id: &str) -> Result<Vec<pb::ArchiveReason>, Refused> {
    let request = pb::ListArchiveReasonsRequest {
        connection_id: id.to_owned(),
        page_size: 1_000,
        ..Default::default()
    };
    let answer = desk.api().list_archive_reasons(desk.ask(REASONS, request)?);
    match answer.await {
        Ok(answer) => Ok(answer.into_inner().archive_reasons),
        Err(status) if status.code() == Code::FailedPrecondition => Ok(Vec::new()),
        Err(status) => Err(status.into()),
    }
}

async fn show(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
    let account = Account::of(&desk, &id).await?;
    let draft = Draft::of(&account.mapping, &account.stages);
    let shown = Shown {
        draft: &draft,
        faults: &[],
        said: None,
        effect: None,
        changed: false,
    };
    Ok(account.page(&desk, shown))
}

/// What a button of the board does; all but saving only draw the page again.
async fn act(Path(id): Path<String>, Posted { desk, form }: Posted) -> Result<Response, Refused> {
    let account = Account::of(&desk, &id).await?;
    let mut draft = Draft::read(&form);
    let (act, on) = form
        .text("act")
        .split_once(':')
        .unwrap_or((form.text("act"), ""));
    let said = match act {
        "save" => return save(&desk, &account, &draft, &form).await,
        "earlier" | "later" => {
            draft.shift(on, act == "later");
            None
        }
        "remove" => {
            draft.remove(on);
            Some("The group is removed; its stages are unmapped. Save to keep that.".to_owned())
        }
        "accept" => Some(accepted(draft.accept(&account.suggestions, SURE))),
        "take" => {
            let mut suggestions = account.suggestions.iter();
            if let Some(one) = suggestions.find(|one| one.stage_id == on) {
                draft.adopt(one);
            }
            None
        }
        _ => None,
    };
    let (effect, faults) = tried(&desk, &account, &draft).await?;
    let shown = Shown {
        draft: &draft,
        faults: &faults,
        said,
        effect: Some(effect),
        changed: true,
    };
    let mut page = account.page(&desk, shown);
    if !faults.is_empty() {
        *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(page)
}

fn accepted(moved: usize) -> String {
    match moved {
        0 => "No suggestion is that sure.".to_owned(),
        moved => format!(
            "{} accepted. Look at the effect, then save.",
            count(moved as u64, "suggestion is", "suggestions are")
        ),
    }
}

/// The effect of a draft alone, for pages that follow what is filled in.
async fn effect(
    Path(id): Path<String>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    let account = Account::of(&desk, &id).await?;
    let (effect, _faults) = tried(&desk, &account, &Draft::read(&form)).await?;
    Ok(effect.into_response())
}

/// What saving a draft would change, and what is wrong with it.
async fn tried(
    desk: &Desk,
    account: &Account,
    draft: &Draft,
) -> Result<(Markup, Vec<Fault>), Refused> {
    let names = account.names();
    let mapping = match draft.mapping(&names) {
        Ok(mapping) => mapping,
        Err(faults) => return Ok((effect::refused(&faults), faults)),
    };
    let request = pb::PreviewStageMappingRequest {
        connection_id: account.connection.id.clone(),
        stage_mapping: Some(mapping),
    };
    let request = desk.ask(PREVIEW, request)?;
    match desk.api().preview_stage_mapping(request).await {
        Ok(preview) => Ok((
            effect::shown(&preview.into_inner(), &draft.groups),
            Vec::new(),
        )),
        Err(status) => {
            let refused = Refused::from(status);
            if refused.code() != Code::InvalidArgument {
                return Err(refused);
            }
            let faults = draft.faults(&refused, &names);
            Ok((effect::refused(&faults), faults))
        }
    }
}

async fn save(
    desk: &Desk,
    account: &Account,
    draft: &Draft,
    form: &Form,
) -> Result<Response, Refused> {
    let names = account.names();
    let faults = match draft.mapping(&names) {
        Err(faults) => faults,
        Ok(mapping) => {
            let request = pb::UpdateStageMappingRequest {
                connection_id: account.connection.id.clone(),
                stage_mapping: Some(mapping.clone()),
            };
            let request = desk.ask(UPDATE, request)?;
            match desk.api().update_stage_mapping(request).await {
                Ok(saved) => {
                    let version = saved.into_inner().stage_mapping.unwrap_or_default().version;
                    let said = format!("The stages are saved, as version {version}.");
                    return Ok(desk.done(&Tab::Stages.path(&account.connection.id), said));
                }
                Err(status) => {
                    let refused = Refused::from(status);
                    if refused.is_conflict() {
                        return conflict(desk, account, draft, &mapping, form).await;
                    }
                    if refused.code() != Code::InvalidArgument {
                        return Err(refused);
                    }
                    draft.faults(&refused, &names)
                }
            }
        }
    };
    let shown = Shown {
        draft,
        effect: Some(effect::refused(&faults)),
        faults: &faults,
        said: None,
        changed: true,
    };
    let page = account.page(desk, shown);
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

/// Somebody else saved first: theirs and mine, and a choice.
async fn conflict(
    desk: &Desk,
    account: &Account,
    draft: &Draft,
    mine: &pb::StageMapping,
    form: &Form,
) -> Result<Response, Refused> {
    let names = account.names();
    let theirs = &account.mapping;
    let base = version(desk, &account.connection.id, draft.version).await?;
    let base = base.and_then(|base| base.stage_mapping).unwrap_or_default();
    let (base, others, mine) = (
        settings(&base, &names),
        settings(theirs, &names),
        settings(mine, &names),
    );
    let path = Tab::Stages.path(&account.connection.id);
    let clash = versions::Clash {
        path: &path,
        csrf: desk.csrf(),
        version: theirs.version,
        author: &theirs.author,
        time: theirs.update_time.as_ref(),
        etag: &theirs.etag,
        save: "save",
        form,
    };
    let rows = conflicts(&base, &others, &mine);
    let page = desk.at(
        &account.connection,
        Tab::Stages,
        versions::clash(&clash, &rows),
    );
    Ok((StatusCode::CONFLICT, page).into_response())
}

async fn list(
    desk: Desk,
    Path(id): Path<String>,
    Query(page): Query<After>,
) -> Result<Response, Refused> {
    let connection = desk.connection(&id).await?;
    let answer = page_of(&desk, &id, 50, page.after).await?;
    let rows: Vec<Version<'_>> = answer.versions.iter().map(row).collect();
    let path = Tab::Stages.path(&id);
    let content = versions::list("stage mapping", &path, &rows, &answer.next_page_token);
    Ok(desk.at(&connection, Tab::Stages, content))
}

fn row(version: &pb::StageMappingVersion) -> Version<'_> {
    let mapping = version.stage_mapping.as_ref();
    Version {
        version: mapping.map_or(0, |mapping| mapping.version),
        author: mapping.map_or("", |mapping| mapping.author.as_str()),
        time: mapping.and_then(|mapping| mapping.update_time.as_ref()),
        differences: &version.differences,
    }
}

async fn page_of(
    desk: &Desk,
    id: &str,
    page_size: i32,
    page_token: String,
) -> Result<pb::ListStageMappingVersionsResponse, Refused> {
    let request = pb::ListStageMappingVersionsRequest {
        connection_id: id.to_owned(),
        page_size,
        page_token,
    };
    let request = desk.ask(VERSIONS, request)?;
    let answer = desk.api().list_stage_mapping_versions(request).await?;
    Ok(answer.into_inner())
}

/// One version, if there is that many.
async fn version(
    desk: &Desk,
    id: &str,
    wanted: u64,
) -> Result<Option<pb::StageMappingVersion>, Refused> {
    let mut token = String::new();
    loop {
        let page = page_of(desk, id, 500, token).await?;
        let found = page
            .versions
            .into_iter()
            .find(|one| row(one).version == wanted);
        if found.is_some() || page.next_page_token.is_empty() {
            return Ok(found);
        }
        token = page.next_page_token;
    }
}

async fn one(desk: Desk, Path((id, wanted)): Path<(String, u64)>) -> Result<Response, Refused> {
    let account = Account::of(&desk, &id).await?;
    let names = account.names();
    let Some(found) = version(&desk, &id, wanted).await? else {
        return Err(versions::nowhere(wanted));
    };
    let of = |mapping: Option<&pb::StageMapping>| -> Vec<Setting> {
        mapping
            .map(|mapping| settings(mapping, &names))
            .unwrap_or_default()
    };
    let path = Tab::Stages.path(&id);
    let view = versions::One {
        what: "stage mapping",
        path: &path,
        version: row(&found),
        present: account.mapping.version,
        etag: &account.mapping.etag,
        csrf: desk.may(ROLLBACK).then_some(desk.csrf()),
        before: of(Some(&account.mapping)),
        after: of(found.stage_mapping.as_ref()),
    };
    Ok(desk.at(&account.connection, Tab::Stages, versions::one(&view)))
}

async fn take_back(
    Path((id, version)): Path<(String, u64)>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    let request = pb::RollbackStageMappingRequest {
        connection_id: id.clone(),
        version,
        etag: form.text("etag").to_owned(),
    };
    let request = desk.ask(ROLLBACK, request)?;
    let saved = desk
        .api()
        .rollback_stage_mapping(request)
        .await?
        .into_inner();
    let now = saved.stage_mapping.unwrap_or_default().version;
    let said = versions::taken_back(version, now);
    Ok(desk.done(&Tab::Stages.path(&id), said))
}
