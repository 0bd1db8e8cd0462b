//! The stage mapping: a board, the rules under it, and its versions (product.md, screen 5).
//!
//! The form holds the whole mapping, so that adding a group or trying a change saves nothing: the page is drawn again
//! from what was sent.

mod board;
mod clock;
mod draft;
mod effect;
mod names;
mod rules;
mod told;

use std::collections::BTreeSet;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domain::Stream;
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::lever_service_server::LeverService as _;
use proto::v1::stage_mapping_service_server::StageMappingService as _;
use tonic::Code;

use super::refused::{is_open, way_back};
use super::versions::{self, Page, Stamp, Titles, Versioned};
use crate::console::Console;
use crate::console::compare::{self, Setting};
use crate::console::desk::Desk;
use crate::console::fault::{self, Fault};
use crate::console::form::{Form, Posted};
use crate::console::frame::Tab;
use crate::console::models::keeps;
use crate::console::refusal::Refused;
use crate::console::words::count;
use crate::grpc::Api;
use board::{SURE, View};
use draft::Draft;
use names::Names;
use told::settings;

const SUGGEST: &str = "/fulcrum.v1.StageMappingService/SuggestStageMapping";
const PREVIEW: &str = "/fulcrum.v1.StageMappingService/PreviewStageMapping";
const UPDATE: &str = "/fulcrum.v1.StageMappingService/UpdateStageMapping";
const VERSIONS: &str = "/fulcrum.v1.StageMappingService/ListStageMappingVersions";
/// The route of the board.
const PAGE: &str = "/console/connections/{id}/stages";
const POSTING: &str = "/fulcrum.v1.LeverService/GetPosting";
/// Postings that versions are told of by their titles; more are told by their ids.
const MOST_TITLES: usize = 500;
const REASONS: &str = "/fulcrum.v1.LeverService/ListArchiveReasons";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route(PAGE, get(show).post(act))
        .route(&format!("{PAGE}/effect"), post(effect))
        .merge(versions::routes::<Account>(PAGE))
}

/// What the services say about the account.
struct Account {
    connection: pb::Connection,
    mapping: pb::StageMapping,
    stages: Vec<pb::MappedStage>,
    notices: Vec<pb::MappingNotice>,
    suggestions: Vec<pb::StageSuggestion>,
    /// Why there are no stages to speak of, where the account may have some.
    unread: Option<Refused>,
    reasons: Vec<pb::ArchiveReason>,
}

impl Versioned for Account {
    const WHAT: &'static str = "stage mapping";
    const TAB: Tab = Tab::Stages;
    const ROLLBACK: &'static str = "/fulcrum.v1.StageMappingService/RollbackStageMapping";
    type Mapping = pb::StageMapping;

    async fn of(desk: &Desk, id: &str) -> Result<Account, Refused> {
        let connection = desk.connection(id).await?;
        let request = pb::GetStageMappingRequest {
            connection_id: id.to_owned(),
        };
        let rpc = Self::TAB.rpc();
        let present = desk.call(rpc, request, Api::get_stage_mapping).await?;
        let (suggestions, unread) = suggestions(desk, id).await?;
        Ok(Account {
            connection,
            mapping: present.stage_mapping.unwrap_or_default(),
            stages: present.stages,
            notices: present.notices,
            suggestions,
            unread,
            reasons: reasons(desk, id).await?,
        })
    }

    fn connection(&self) -> &pb::Connection {
        &self.connection
    }

    fn mapping(&self) -> &pb::StageMapping {
        &self.mapping
    }

    async fn titles(
        desk: &Desk,
        id: &str,
        versions: &[&pb::StageMapping],
    ) -> Result<Titles, Refused> {
        let defaults = versions
            .iter()
            .flat_map(|mapping| &mapping.advance_defaults);
        let postings: BTreeSet<&str> = defaults.map(|one| one.posting_id.as_str()).collect();
        let mut titles = Titles::new();
        for posting in postings.into_iter().take(MOST_TITLES) {
            titles.extend(title(desk, id, posting).await?);
        }
        Ok(titles)
    }

    fn settings(&self, mapping: &pb::StageMapping, titles: &Titles) -> Vec<Setting> {
        settings(mapping, &self.names().with_postings(titles))
    }

    fn stamp(mapping: &pb::StageMapping) -> Stamp<'_> {
        Stamp {
            version: mapping.version,
            author: &mapping.author,
            time: mapping.update_time.as_ref(),
            etag: &mapping.etag,
        }
    }

    async fn page(
        desk: &Desk,
        id: &str,
        page_size: i32,
        page_token: String,
    ) -> Result<Page<pb::StageMapping>, Refused> {
        let request = pb::ListStageMappingVersionsRequest {
            connection_id: id.to_owned(),
            page_size,
            page_token,
        };
        let method = Api::list_stage_mapping_versions;
        let answer = desk.call(VERSIONS, request, method).await?;
        let versions = answer.versions.into_iter();
        Ok(Page {
            versions: versions
                .map(|one| one.stage_mapping.unwrap_or_default())
                .collect(),
            next_page_token: answer.next_page_token,
        })
    }

    async fn roll_back(
        desk: &Desk,
        connection_id: String,
        version: u64,
        etag: String,
    ) -> Result<pb::StageMapping, Refused> {
        let request = pb::RollbackStageMappingRequest {
            connection_id,
            version,
            etag,
        };
        let method = Api::rollback_stage_mapping;
        let saved = desk.call(Self::ROLLBACK, request, method).await?;
        Ok(saved.stage_mapping.unwrap_or_default())
    }
}

impl Account {
    fn names(&self) -> Names<'_> {
        Names::new(&self.stages, &self.reasons).with_groups(&self.mapping)
    }

    fn show(&self, desk: &Desk, shown: Shown<'_>) -> Response {
        let names = self.names();
        let path = Tab::Stages.path(&self.connection.id);
        let view = View {
            path: &path,
            csrf: (desk.may(UPDATE) && is_open(&self.connection)).then_some(desk.csrf()),
            saved: &self.mapping,
            stages: &self.stages,
            suggestions: &self.suggestions,
            reasons: &self.reasons,
            notices: &self.notices,
            kept: keeps(&self.connection, Stream::Stages),
            unread: self.unread.as_ref(),
            names: &names,
            draft: shown.draft,
            faults: shown.faults,
            said: shown.said,
            effect: shown.effect,
            changed: shown.changed,
        };
        let content = html! { (way_back(&self.connection)) (board::page(&view)) };
        desk.at(&self.connection, Tab::Stages, content)
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

/// The id and title of a posting; none of one that the mirror does not have, or does not show to the reader.
async fn title(desk: &Desk, id: &str, posting: &str) -> Result<Option<(String, String)>, Refused> {
    let request = pb::GetPostingRequest {
        connection_id: id.to_owned(),
        posting_id: posting.to_owned(),
        ..Default::default()
    };
    if !desk.may(POSTING) {
        return Ok(None);
    }
    let without = [
        Code::NotFound,
        Code::InvalidArgument,
        Code::FailedPrecondition,
    ];
    match desk.call(POSTING, request, Api::get_posting).await {
        Ok(answer) => Ok(answer.posting.map(|posting| (posting.id, posting.text))),
        Err(refused) if without.contains(&refused.code()) => Ok(None),
        Err(refused) => Err(refused),
    }
}

/// What is suggested; nothing, and why, while Lever's stages have not been read.
async fn suggestions(
    desk: &Desk,
    id: &str,
) -> Result<(Vec<pb::StageSuggestion>, Option<Refused>), Refused> {
    let request = pb::SuggestStageMappingRequest {
        connection_id: id.to_owned(),
    };
    let method = Api::suggest_stage_mapping;
    match desk.call(SUGGEST, request, method).await {
        Ok(answer) => Ok((answer.suggestions, None)),
        Err(refused) if refused.code() == Code::FailedPrecondition => {
            Ok((Vec::new(), Some(refused)))
        }
        Err(refused) => Err(refused),
    }
}

/// The archive reasons of the account; none until they have been read.
async fn reasons(desk: &Desk, id: &str) -> Result<Vec<pb::ArchiveReason>, Refused> {
    let request = pb::ListArchiveReasonsRequest {
        connection_id: id.to_owned(),
        page_size: 1_000,
        ..Default::default()
    };
    let method = Api::list_archive_reasons;
    match desk.call(REASONS, request, method).await {
        Ok(answer) => Ok(answer.archive_reasons),
        Err(refused) if refused.code() == Code::FailedPrecondition => Ok(Vec::new()),
        Err(refused) => Err(refused),
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
    Ok(account.show(&desk, shown))
}

/// What a button of the board does; all but saving only draw the page again.
async fn act(Path(id): Path<String>, Posted { desk, form }: Posted) -> Result<Response, Refused> {
    desk.check(UPDATE)?;
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
    let mut page = account.show(&desk, shown);
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
        Err(_unread) => {
            let faults = all_faults(desk, account, draft).await;
            return Ok((effect::refused(&faults), faults));
        }
    };
    let id = &account.connection.id;
    let titles = Account::titles(desk, id, &[&account.mapping, &mapping]).await?;
    let of = |mapping: &pb::StageMapping| account.settings(mapping, &titles);
    let differs = compare::listed(&of(&account.mapping), &of(&mapping));
    let request = pb::PreviewStageMappingRequest {
        connection_id: id.clone(),
        stage_mapping: Some(mapping),
    };
    let method = Api::preview_stage_mapping;
    match desk.call(PREVIEW, request, method).await {
        Ok(preview) => {
            let shown = effect::shown(&preview, &draft.groups, &differs);
            Ok((shown, Vec::new()))
        }
        Err(refused) if refused.code() == Code::InvalidArgument => {
            let faults = draft.faults(&refused, &names);
            Ok((effect::refused(&faults), faults))
        }
        Err(refused) => Err(refused),
    }
}

/// What cannot be read of a draft, and what the service finds wrong with the rest, so that both are told at once.
async fn all_faults(desk: &Desk, account: &Account, draft: &Draft) -> Vec<Fault> {
    let names = account.names();
    let (mapping, mut faults) = draft.as_far_as_read(&names);
    let unread = faults.len();
    let request = pb::PreviewStageMappingRequest {
        connection_id: account.connection.id.clone(),
        stage_mapping: Some(mapping),
    };
    let tried = desk.call(PREVIEW, request, Api::preview_stage_mapping);
    if let Err(refused) = tried.await
        && refused.code() == Code::InvalidArgument
    {
        for fault in draft.faults(&refused, &names) {
            // What stands in for what cannot be read may be wrong as well.
            if !fault::is_wrong(&faults[..unread], &fault.at) {
                faults.push(fault);
            }
        }
    }
    faults
}

async fn save(
    desk: &Desk,
    account: &Account,
    draft: &Draft,
    form: &Form,
) -> Result<Response, Refused> {
    let names = account.names();
    let faults = match draft.mapping(&names) {
        Err(_unread) => all_faults(desk, account, draft).await,
        Ok(mapping) => {
            let request = pb::UpdateStageMappingRequest {
                connection_id: account.connection.id.clone(),
                stage_mapping: Some(mapping.clone()),
            };
            let method = Api::update_stage_mapping;
            match desk.call(UPDATE, request, method).await {
                Ok(saved) => {
                    let saved = saved.stage_mapping.unwrap_or_default();
                    let said = match saved.etag == mapping.etag {
                        true => versions::UNCHANGED.to_owned(),
                        false => format!("The stages are saved, as version {}.", saved.version),
                    };
                    return Ok(desk.done(&Tab::Stages.path(&account.connection.id), said));
                }
                Err(refused) if refused.is_conflict() => {
                    let began = draft.version;
                    return versions::conflict(desk, account, began, &mapping, form).await;
                }
                Err(refused) if refused.code() == Code::InvalidArgument => {
                    draft.faults(&refused, &names)
                }
                Err(refused) => return Err(refused),
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
    let page = account.show(desk, shown);
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}
