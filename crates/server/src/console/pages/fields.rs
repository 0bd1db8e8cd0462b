//! The field mapping: the table, a preview on a real candidate, and its versions (product.md, screen 4).
//!
//! The form holds the whole mapping, as that of the stages does. Whom it is tried on is never part of an address.

mod draft;
pub(super) mod person;
mod table;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::candidate_service_server::CandidateService as _;
use proto::v1::field_mapping_service_server::FieldMappingService as _;
use proto::v1::lever_service_server::LeverService as _;
use proto::v1::preview_field_mapping_request::Whose;
use tonic::Code;

use super::refused::{is_open, way_back};
use super::versions::{self, Page, Stamp, Titles, Versioned};
use crate::console::Console;
use crate::console::assets::BOARD_STYLE;
use crate::console::compare::{Setting, listed, two};
use crate::console::desk::Desk;
use crate::console::fault::Fault;
use crate::console::form::{Form, Posted};
use crate::console::frame::{Tab, csrf};
use crate::console::refusal::Refused;
use crate::grpc::Api;
use crate::wire::status::status;
use draft::{Draft, settings};
use person::Who;
use table::View;

const SOURCES: &str = "/fulcrum.v1.FieldMappingService/ListSourceFields";
const PREVIEW: &str = "/fulcrum.v1.FieldMappingService/PreviewFieldMapping";
const UPDATE: &str = "/fulcrum.v1.FieldMappingService/UpdateFieldMapping";
const VERSIONS: &str = "/fulcrum.v1.FieldMappingService/ListFieldMappingVersions";
const LOOKUP: &str = "/fulcrum.v1.CandidateService/LookupCandidates";
const PEOPLE: &str = "/fulcrum.v1.LeverService/ListOpportunities";

/// The route of the table.
const PAGE: &str = "/console/connections/{id}/fields";
/// What the suggested paths of a page may take, in bytes.
const MOST_PATHS: usize = 24_000;

const ASKED: &str = "Save these changes?";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route(PAGE, get(show).post(act))
        .route(&format!("{PAGE}/effect"), post(effect))
        .merge(versions::routes::<Account>(PAGE))
}

/// What the services say about the account.
struct Account {
    connection: pb::Connection,
    mapping: pb::FieldMapping,
    sources: Vec<pb::SourceField>,
}

impl Versioned for Account {
    const WHAT: &'static str = "field mapping";
    const TAB: Tab = Tab::Fields;
    const ROLLBACK: &'static str = "/fulcrum.v1.FieldMappingService/RollbackFieldMapping";
    type Mapping = pb::FieldMapping;

    async fn of(desk: &Desk, id: &str) -> Result<Account, Refused> {
        let connection = desk.connection(id).await?;
        let request = pb::GetFieldMappingRequest {
            connection_id: id.to_owned(),
        };
        let rpc = Self::TAB.rpc();
        let present = desk.call(rpc, request, Api::get_field_mapping).await?;
        let mut sources = Vec::new();
        if desk.may(UPDATE) && desk.may(SOURCES) {
            let request = pb::ListSourceFieldsRequest {
                connection_id: id.to_owned(),
                page_size: 1_000,
                ..Default::default()
            };
            let method = Api::list_source_fields;
            let answer = desk.call(SOURCES, request, method).await?;
            sources = suggested(answer.fields);
        }
        Ok(Account {
            connection,
            mapping: present.field_mapping.unwrap_or_default(),
            sources,
        })
    }

    fn connection(&self) -> &pb::Connection {
        &self.connection
    }

    fn mapping(&self) -> &pb::FieldMapping {
        &self.mapping
    }

    /// Its versions speak of no posting.
    async fn titles(_: &Desk, _: &str, _: &[&pb::FieldMapping]) -> Result<Titles, Refused> {
        Ok(Titles::new())
    }

    fn settings(&self, mapping: &pb::FieldMapping, _: &Titles) -> Vec<Setting> {
        settings(mapping)
    }

    fn stamp(mapping: &pb::FieldMapping) -> Stamp<'_> {
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
    ) -> Result<Page<pb::FieldMapping>, Refused> {
        let request = pb::ListFieldMappingVersionsRequest {
            connection_id: id.to_owned(),
            page_size,
            page_token,
        };
        let method = Api::list_field_mapping_versions;
        let answer = desk.call(VERSIONS, request, method).await?;
        let versions = answer.versions.into_iter();
        Ok(Page {
            versions: versions
                .map(|one| one.field_mapping.unwrap_or_default())
                .collect(),
            next_page_token: answer.next_page_token,
        })
    }

    async fn roll_back(
        desk: &Desk,
        connection_id: String,
        version: u64,
        etag: String,
    ) -> Result<pb::FieldMapping, Refused> {
        let request = pb::RollbackFieldMappingRequest {
            connection_id,
            version,
            etag,
        };
        let method = Api::rollback_field_mapping;
        let saved = desk.call(Self::ROLLBACK, request, method).await?;
        Ok(saved.field_mapping.unwrap_or_default())
    }
}

impl Account {
    fn path(&self) -> String {
        Tab::Fields.path(&self.connection.id)
    }

    fn show(&self, desk: &Desk, draft: &Draft, said: Option<String>, tried: Tried) -> Response {
        let view = View {
            path: &self.path(),
            csrf: (desk.may(UPDATE) && is_open(&self.connection)).then_some(desk.csrf()),
            saved: &self.mapping,
            draft,
            sources: &self.sources,
            faults: &tried.faults,
            said,
            effect: tried.effect,
            changed: tried.changed,
        };
        let content = html! { (way_back(&self.connection)) (table::page(&view)) };
        let mut page = desk.at(&self.connection, Tab::Fields, content);
        if !tried.faults.is_empty() {
            *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        }
        page
    }
}

/// The paths that fit a page: those of the account first, since nobody knows them by heart.
fn suggested(mut sources: Vec<pb::SourceField>) -> Vec<pb::SourceField> {
    sources.sort_by_key(|source| source.title.is_empty());
    let mut taken = 0;
    let fits = |source: &pb::SourceField| {
        // What is around a path takes about as much again.
        taken += source.path.len() + source.title.len() + source.group.len() + 32;
        taken <= MOST_PATHS
    };
    sources.into_iter().take_while(fits).collect()
}

/// What a draft would change, and what is wrong with it.
struct Tried {
    effect: Markup,
    faults: Vec<Fault>,
    /// Whether the draft may differ from what is saved.
    changed: bool,
}

async fn show(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
    let account = Account::of(&desk, &id).await?;
    let draft = Draft::of(&account.mapping);
    let mut tried = tried(&desk, &account, &draft).await?;
    // Nobody typed anything: what does not fit any more is told when it is saved.
    tried.faults.clear();
    tried.changed = false;
    Ok(account.show(&desk, &draft, None, tried))
}

/// What a button does; all but the last save only draw the page again.
async fn act(Path(id): Path<String>, Posted { desk, form }: Posted) -> Result<Response, Refused> {
    desk.check(UPDATE)?;
    let account = Account::of(&desk, &id).await?;
    let mut draft = Draft::read(&form);
    let mut parts = form.text("act").splitn(3, ':');
    let (act, on) = (parts.next().unwrap_or_default(), parts.next());
    let place = on.and_then(|on| on.parse().ok()).unwrap_or(usize::MAX);
    let mut said = None;
    match act {
        "save" | "review" if draft.rows.is_empty() => {
            let message =
                "a mapping without fields takes nothing over: add one, or reset to the default";
            let refused = status(engine::Error::invalid("field_mapping.rules", message));
            let page = wrong(&desk, &account, &draft, refused.into())?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
        }
        "save" | "review" if !draft.unknown.is_empty() => {}
        "save" => return save(&desk, &account, &draft, &form).await,
        "review" => return review(&desk, &account, &draft, &form).await,
        "up" | "down" => draft.shift(place, act == "down"),
        "remove" => draft.remove(place),
        "path" => {
            if let (Some(row), Some(path)) = (draft.rows.get_mut(place), parts.next()) {
                path.clone_into(&mut row.path);
            }
        }
        "reset" => {
            let shipped = versions::version::<Account>(&desk, &id, 0).await?;
            draft.reset(&shipped.unwrap_or_default());
            said = Some("This is the default. Nothing is saved yet.".to_owned());
        }
        _ => {}
    }
    let tried = tried(&desk, &account, &draft).await?;
    Ok(account.show(&desk, &draft, said, tried))
}

/// The effect of a draft alone, for pages that follow what is filled in.
async fn effect(
    Path(id): Path<String>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    let account = Account::of(&desk, &id).await?;
    let tried = tried(&desk, &account, &Draft::read(&form)).await?;
    Ok(tried.effect.into_response())
}

async fn tried(desk: &Desk, account: &Account, draft: &Draft) -> Result<Tried, Refused> {
    let ended = |effect, faults| Tried {
        effect,
        faults,
        changed: true,
    };
    if !draft.unknown.is_empty() {
        let faults = draft.unknown.clone();
        return Ok(ended(person::refused(&faults), faults));
    }
    if !desk.may(PREVIEW) {
        return Ok(ended(person::withheld(), Vec::new()));
    }
    let (whose, name) = match somebody(desk, &account.connection.id, &draft.who).await? {
        Ok(found) => found,
        Err(fault) => {
            let faults = vec![fault];
            return Ok(ended(person::refused(&faults), faults));
        }
    };
    match preview(desk, account, draft, whose).await {
        Ok(preview) => {
            let differs = listed(&settings(&account.mapping), &settings(&draft.mapping()));
            Ok(ended(person::shown(&name, &preview, &differs), Vec::new()))
        }
        Err(refused) if refused.code() == Code::InvalidArgument => {
            let faults = draft.faults(&refused);
            Ok(ended(person::refused(&faults), faults))
        }
        Err(refused) if refused.code() == Code::NotFound => {
            let message = "nobody in the mirror has this id";
            let faults = vec![Fault::new("who", "Whom to try it on", message)];
            Ok(ended(person::refused(&faults), faults))
        }
        Err(refused) if refused.code() == Code::FailedPrecondition => {
            Ok(ended(refused.notice(), Vec::new()))
        }
        Err(refused) => Err(refused),
    }
}

async fn preview(
    desk: &Desk,
    account: &Account,
    draft: &Draft,
    whose: Option<Whose>,
) -> Result<pb::PreviewFieldMappingResponse, Refused> {
    let request = pb::PreviewFieldMappingRequest {
        connection_id: account.connection.id.clone(),
        field_mapping: Some(draft.mapping()),
        whose,
    };
    let method = Api::preview_field_mapping;
    desk.call(PREVIEW, request, method).await
}

/// Whom a text means, and how to call them; the first who is mirrored for an empty one.
async fn somebody(
    desk: &Desk,
    id: &str,
    text: &str,
) -> Result<Result<(Option<Whose>, String), Fault>, Refused> {
    let fault = |message: &str| Err(Fault::new("who", "Whom to try it on", message));
    let identity = match person::who(text) {
        Who::Anybody => return Ok(Ok(first(desk, id).await?)),
        Who::Id(id) => {
            return Ok(Ok((
                Some(Whose::OpportunityId(id)),
                "This candidacy".to_owned(),
            )));
        }
        Who::Nobody => {
            return Ok(fault(
                "nobody is found by this: give an e-mail address, a profile on LinkedIn or GitHub, a telephone number, \
                 \"name, employer\", or an id of Lever",
            ));
        }
        Who::Identity(identity) => *identity,
    };
    let request = pb::LookupCandidatesRequest {
        connection_id: id.to_owned(),
        identities: vec![identity],
    };
    let answer = match desk.call(LOOKUP, request, Api::lookup_candidates).await {
        Ok(answer) => answer,
        Err(refused) if refused.code() == Code::InvalidArgument => {
            return Ok(fault("nobody can be recognized by this"));
        }
        Err(refused) => return Err(refused),
    };
    let best = answer
        .results
        .into_iter()
        .next()
        .and_then(|one| one.matches.into_iter().next());
    let Some(found) = best else {
        return Ok(fault("nobody in the mirror is known by this"));
    };
    let candidacy = found.candidacies.into_iter().next().unwrap_or_default();
    let whose = match found.contact_id.is_empty() {
        false => Whose::ContactId(found.contact_id),
        true => Whose::OpportunityId(candidacy.opportunity_id),
    };
    Ok(Ok((Some(whose), called(found.name))))
}

async fn first(desk: &Desk, id: &str) -> Result<(Option<Whose>, String), Refused> {
    let request = pb::ListOpportunitiesRequest {
        connection_id: id.to_owned(),
        page_size: 1,
        ..Default::default()
    };
    let answer = match desk.call(PEOPLE, request, Api::list_opportunities).await {
        Ok(answer) => answer,
        Err(refused) if refused.code() == Code::FailedPrecondition => {
            return Ok((None, String::new()));
        }
        Err(refused) => return Err(refused),
    };
    let first = answer.opportunities.into_iter().next();
    Ok(first.map_or((None, String::new()), |one| {
        (Some(Whose::OpportunityId(one.id)), called(one.name))
    }))
}

fn called(name: String) -> String {
    if name.is_empty() {
        "Somebody without a name".to_owned()
    } else {
        name
    }
}

/// What would be saved, before it is.
async fn review(
    desk: &Desk,
    account: &Account,
    draft: &Draft,
    form: &Form,
) -> Result<Response, Refused> {
    if draft.etag != account.mapping.etag {
        return clash(desk, account, draft, form).await;
    }
    match preview(desk, account, draft, None).await {
        Ok(preview) if preview.differences.is_empty() => {
            let said = Some("Nothing differs from what is saved.".to_owned());
            let mut tried = tried(desk, account, draft).await?;
            tried.changed = false;
            Ok(account.show(desk, draft, said, tried))
        }
        Ok(preview) => {
            let content = reviewed(&account.path(), desk.csrf(), account, draft, form, &preview);
            Ok(desk.below(&account.connection, Tab::Fields, ASKED, content))
        }
        Err(refused) => wrong(desk, account, draft, refused),
    }
}

fn reviewed(
    path: &str,
    token: &str,
    account: &Account,
    draft: &Draft,
    form: &Form,
    preview: &pb::PreviewFieldMappingResponse,
) -> Markup {
    let version = account.mapping.version;
    html! {
        link rel="stylesheet" href=(BOARD_STYLE.path());
        h1 { (ASKED) }
        section.panel {
            (two(&format!("Version {version}"), "Now", &settings(&account.mapping), &settings(&draft.mapping())))
            details { summary { "In one line each" } ul { @for line in &preview.differences { li { (line) } } } }
        }
        form.savebar method="post" action=(path) {
            (csrf(token))
            (versions::again(form, &draft.etag))
            button.primary type="submit" name="act" value="save" { "Save as version " (version + 1) }
            button type="submit" name="act" value="edit" { "Keep editing" }
            a.button.quiet href=(path) { "Discard changes" }
        }
    }
}

/// The page with what is wrong, or the refusal where it is not about fields.
fn wrong(
    desk: &Desk,
    account: &Account,
    draft: &Draft,
    refused: Refused,
) -> Result<Response, Refused> {
    if refused.code() != Code::InvalidArgument {
        return Err(refused);
    }
    let faults = draft.faults(&refused);
    let tried = Tried {
        effect: person::refused(&faults),
        faults,
        changed: true,
    };
    Ok(account.show(desk, draft, None, tried))
}

async fn save(
    desk: &Desk,
    account: &Account,
    draft: &Draft,
    form: &Form,
) -> Result<Response, Refused> {
    let mapping = draft.mapping();
    let etag = mapping.etag.clone();
    let request = pb::UpdateFieldMappingRequest {
        connection_id: account.connection.id.clone(),
        field_mapping: Some(mapping),
    };
    match desk.call(UPDATE, request, Api::update_field_mapping).await {
        Ok(saved) => {
            let saved = saved.field_mapping.unwrap_or_default();
            let said = match saved.etag == etag {
                true => versions::UNCHANGED.to_owned(),
                false => format!("The fields are saved, as version {}.", saved.version),
            };
            Ok(desk.done(&account.path(), said))
        }
        Err(refused) if refused.is_conflict() => clash(desk, account, draft, form).await,
        Err(refused) => wrong(desk, account, draft, refused),
    }
}

/// Somebody else saved first.
async fn clash(
    desk: &Desk,
    account: &Account,
    draft: &Draft,
    form: &Form,
) -> Result<Response, Refused> {
    versions::conflict(desk, account, draft.version, &draft.mapping(), form).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_of_many_forms_keeps_the_page_small_and_comes_first() {
        let source = |n: usize, title: &str| pb::SourceField {
            path: format!("forms[\"Form {n}\"]"),
            title: title.to_owned(),
            ..Default::default()
        };
        let mut sources: Vec<_> = (0..1_000).map(|n| source(n, "")).collect();
        sources.push(source(1_000, "Start date"));
        let chosen = suggested(sources);
        assert_eq!(chosen[0].title, "Start date");
        assert!(chosen.len() > 300 && chosen.len() < 600, "{}", chosen.len());
    }
}
