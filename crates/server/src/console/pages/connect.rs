//! Linking a Lever account (product.md, screen 2).

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::connection_service_server::ConnectionService as _;
use serde::Deserialize;

use super::links::LINKS;
use super::setup;
use crate::console::Console;
use crate::console::checklist::{Only, checklist};
use crate::console::desk::Desk;
use crate::console::field::Field;
use crate::console::form::{Form, Posted};
use crate::console::frame::{Place, Tab, csrf};
use crate::console::refusal::Refused;
use crate::console::words::moment;
use crate::grpc::Api;
use crate::wire::status::status;

pub(super) const CREATE: &str = "/fulcrum.v1.ConnectionService/CreateConnection";
const LIST: &str = "/fulcrum.v1.ConnectionService/ListConnections";

pub(super) fn routes() -> Router<Console> {
    Router::new().route(PATH, get(show).post(connect))
}

const PATH: &str = "/console/connect";

/// Where a disconnected account is connected again.
pub(super) fn again_path(connection: &str) -> String {
    format!("{PATH}?restore={connection}")
}

/// What the page is opened for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wish {
    /// What the key is to be good for.
    only: String,
    /// The disconnected account that is to come back.
    restore: String,
}

async fn show(desk: Desk, Query(wish): Query<Wish>) -> Result<Response, Refused> {
    desk.check(CREATE)?;
    let all = listed(&desk).await?;
    let former = formers(&all).find(|former| former.id == wish.restore);
    let form = match former {
        Some(former) => Form::of([
            ("restore", former.id.clone()),
            ("display_name", former.display_name.clone()),
            ("external_id", former.external_id.clone()),
            ("region", region_word(former).to_owned()),
            ("base_url", former.base_url.clone()),
        ]),
        None => Form::of([("only", Only::of(&wish.only).word().to_owned())]),
    };
    Ok(desk.page("Connect Lever", Place::Top, shown(&desk, &form, &all, None)))
}

/// The page as it is drawn for whoever is signed in.
fn shown(desk: &Desk, form: &Form, all: &[pb::Connection], refused: Option<&Refused>) -> Markup {
    let formers: Vec<&pb::Connection> = formers(all).collect();
    page(desk.csrf(), form, allows_address(desk), &formers, refused)
}

async fn connect(Posted { desk, form }: Posted) -> Result<Response, Refused> {
    desk.check(CREATE)?;
    let all = listed(&desk).await?;
    if let Some(only) = form.given("list") {
        let form = with_list(&form, Only::of(only));
        return Ok(desk.page("Connect Lever", Place::Top, shown(&desk, &form, &all, None)));
    }
    Ok(match create(&desk, &form, &all).await {
        Ok((id, true)) => {
            let said = "The account is connected again, with its mappings and mirror; what has changed in Lever meanwhile is read now.";
            desk.done(&Tab::Overview.path(&id), said)
        }
        Ok((id, false)) if set_up_first(&form) => {
            let said = "Lever accepts the key. Nothing is read before you start it.";
            desk.done(&setup::first(&id), said)
        }
        Ok((id, false)) => {
            let said = "The account is connected, and the first import has begun.";
            desk.done(&Tab::Permissions.path(&id), said)
        }
        Err(refused) => {
            let refused = at_field(at_tick(at_address(&form, refused)));
            let content = shown(&desk, &form, &all, Some(&refused));
            let page = desk.page("Connect Lever", Place::Top, content);
            (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
        }
    })
}

/// What was filled in, with another list of permissions.
fn with_list(form: &Form, only: Only) -> Form {
    let rest = form
        .fields()
        .filter(|(name, _)| !["list", "only"].contains(name));
    let rest = rest.map(|(name, value)| (name, value.to_owned()));
    Form::of(rest.chain([("only", only.word().to_owned())]))
}

/// The connections that its reader sees.
async fn listed(desk: &Desk) -> Result<Vec<pb::Connection>, Refused> {
    let request = pb::ListConnectionsRequest {
        page_size: 1_000,
        ..Default::default()
    };
    let answer = desk.call(LIST, request, Api::list_connections).await?;
    Ok(answer.connections)
}

/// Those that were disconnected and can come back.
fn formers(all: &[pb::Connection]) -> impl Iterator<Item = &pb::Connection> {
    all.iter().filter(|one| one.disconnect_time.is_some())
}

/// Whether two are of the same environment.
fn same_place(one: &pb::Connection, other: &pb::Connection) -> bool {
    one.region() == other.region() && one.base_url == other.base_url
}

/// The disconnected account that comes back; none where a new one is meant.
///
/// # Errors
/// Invalid where one of the same environment could be meant, and nobody has said whether it is.
fn coming_back<'c>(
    form: &Form,
    all: &'c [pb::Connection],
    asked: &pb::Connection,
) -> Result<Option<&'c pb::Connection>, Refused> {
    let own = |former: &&pb::Connection| {
        !asked.external_id.is_empty() && former.external_id == asked.external_id
    };
    if let Some(former) = formers(all).find(own) {
        return Ok(Some(former));
    }
    let wrong = |message: &str| Err(status(engine::Error::invalid("restore", message)).into());
    match form.text("restore") {
        "new" => Ok(None),
        "" if formers(all).any(|former| same_place(former, asked)) => wrong(
            "say whether this is an account that was disconnected, and give the key once more",
        ),
        "" => Ok(None),
        id => match formers(all).find(|former| former.id == id) {
            Some(former) => Ok(Some(former)),
            None => wrong("this account is not disconnected any more: look at the connections"),
        },
    }
}

/// Whether an account may be at an address of its own, which is for simulators.
pub(super) fn allows_address(desk: &Desk) -> bool {
    desk.api().engine.allows_base_url()
}

/// An account that another connection has is asked about beside its tick.
fn at_tick(refused: Refused) -> Refused {
    if refused.reason().as_deref() != Some(engine::ACCOUNT_CONNECTED) {
        return refused;
    }
    let message = format!(
        "{} Tick this, and give the key once more, to connect it twice: both share what Lever allows the account",
        refused.message()
    );
    status(engine::Error::invalid("again", message)).into()
}

/// What is wrong with one field alone, though it is told of the whole, is wrong in that field.
pub(super) fn at_field(refused: Refused) -> Refused {
    let field = match (refused.reason().as_deref(), refused.code()) {
        (Some(engine::KEY_REJECTED), _) => "api_key",
        (_, tonic::Code::AlreadyExists) => "connection.external_id",
        _ => return refused,
    };
    status(engine::Error::invalid(field, refused.message())).into()
}

async fn create(
    desk: &Desk,
    form: &Form,
    all: &[pb::Connection],
) -> Result<(String, bool), Refused> {
    let wrong = wrong(form, all);
    if !wrong.is_empty() {
        return Err(Refused::of_fields(wrong));
    }
    let asked = asked(form)?;
    let former = coming_back(form, all, &asked)?;
    let fresh_start = former.is_none() && set_up_first(form);
    let mut connection = match former {
        Some(former) => restored(former, asked),
        None => asked,
    };
    if fresh_start {
        let now = desk.api().authority.now();
        connection.sync_start_time = Some(setup::a_year_before(now.as_millis()));
    }
    let request = pb::CreateConnectionRequest {
        connection: Some(connection),
        paused: fresh_start,
        api_key: form.text("api_key").to_owned(),
        restore_connection_id: former.map(|former| former.id.clone()).unwrap_or_default(),
        allow_connected_account: form.ticked("again"),
        ..Default::default()
    };
    let answer = desk.call(CREATE, request, Api::create_connection).await?;
    let id = answer.connection.map(|connection| connection.id);
    Ok((id.unwrap_or_default(), answer.restored))
}

/// An address at which nothing answers is wrong in its field.
fn at_address(form: &Form, refused: Refused) -> Refused {
    if form.text("region") != "other" || refused.code() != tonic::Code::Unavailable {
        return refused;
    }
    let message = format!(
        "{} Check the address, and give the key once more",
        refused.message()
    );
    status(engine::Error::invalid("connection.base_url", message)).into()
}

/// The settings of an account that comes back are those it had, so that nothing goes from its mirror; but for what the
/// form says.
fn restored(former: &pb::Connection, asked: pb::Connection) -> pb::Connection {
    pb::Connection {
        display_name: asked.display_name,
        external_id: asked.external_id,
        region: asked.region,
        base_url: asked.base_url,
        ..former.clone()
    }
}

/// Whether the account is set up step by step before anything is read.
fn set_up_first(form: &Form) -> bool {
    form.text("next") == "setup"
}

/// What is wrong with a form as far as it alone tells, so that it is told at once: each field by its name in the request,
/// with why.
fn wrong(form: &Form, all: &[pb::Connection]) -> Vec<(String, String)> {
    let mut wrong = wrong_names(form);
    match asked(form) {
        Err(refused) => wrong.extend(refused.fields()),
        Ok(asked) => {
            let undecided = coming_back(form, all, &asked).err();
            wrong.extend(undecided.iter().flat_map(Refused::fields));
        }
    }
    if form.text("api_key").is_empty() {
        let message = "give the API key that Lever showed when it was made";
        wrong.push(("api_key".to_owned(), message.to_owned()));
    }
    wrong
}

/// What is wrong with what an account is called, by people and by the product.
pub(super) fn wrong_names(form: &Form) -> Vec<(String, String)> {
    let (name, product) = (form.text("display_name"), form.text("external_id"));
    let long = |text: &str| text.chars().count() > LONGEST_NAME;
    let names = [
        ("connection.display_name", name.is_empty() || long(name)),
        ("connection.external_id", long(product)),
    ];
    let wrong = names.into_iter().filter(|(_, wrong)| *wrong);
    let message = format!("give 1 to {LONGEST_NAME} characters");
    wrong
        .map(|(field, _)| (field.to_owned(), message.clone()))
        .collect()
}

/// The settings that a form asks for; what it leaves out has the service's defaults.
fn asked(form: &Form) -> Result<pb::Connection, Refused> {
    let (region, base_url) = environment_of(form)?;
    let streams: &[&str] = match Only::of(form.text("only")) {
        Only::Jobs => &["postings", "posting_forms"],
        Only::Everything | Only::Reading => &[],
    };
    Ok(pb::Connection {
        streams: streams.iter().map(|stream| (*stream).to_owned()).collect(),
        display_name: form.text("display_name").to_owned(),
        external_id: form.text("external_id").to_owned(),
        region: region.into(),
        base_url,
        ..Default::default()
    })
}

/// What a form calls the environment of a connection.
fn region_word(connection: &pb::Connection) -> &'static str {
    match connection.region() {
        _ if !connection.base_url.is_empty() => "other",
        pb::Region::Eu => "eu",
        pb::Region::Sandbox => "sandbox",
        pb::Region::Global | pb::Region::Unspecified => "global",
    }
}

/// The region that a form asks for, or the address where it asks for another environment.
///
/// # Errors
/// Invalid for a region that no form offers, for another environment without an address and for an address beside one
/// of Lever's: the key would go to an account that nobody meant.
pub(super) fn environment_of(form: &Form) -> Result<(pb::Region, String), Refused> {
    let region = match form.text("region") {
        "eu" => pb::Region::Eu,
        "sandbox" => pb::Region::Sandbox,
        "other" => pb::Region::Unspecified,
        "global" => pb::Region::Global,
        _ => {
            let message = "choose one of the environments that are offered";
            return Err(status(engine::Error::invalid("connection.region", message)).into());
        }
    };
    let wrong =
        |message: &str| Err(status(engine::Error::invalid("connection.base_url", message)).into());
    match (region, form.text("base_url")) {
        (pb::Region::Unspecified, "") => wrong(
            "give an address, such as http://localhost:8080/v1, or choose one of Lever’s environments",
        ),
        (pb::Region::Unspecified, base_url) => Ok((region, base_url.to_owned())),
        (_, "") => Ok((region, String::new())),
        _ => wrong(
            "an address is for another environment only: leave it empty, or choose “Another address”",
        ),
    }
}

/// The fields for what an account is called, by people and by the product.
pub(super) fn called(form: &Form, refused: Option<&Refused>) -> Markup {
    let field = |name, label, field| Field {
        name,
        label,
        help: "",
        refused: refused.map(|refused| (refused, field)),
    };
    let product = "Id of this customer in the product (optional)";
    html! {
        (field("display_name", "Name", "connection.display_name").name(form.text("display_name"), true))
        (field("external_id", product, "connection.external_id").name(form.text("external_id"), false))
    }
}

/// The most characters of the name of an account, as the service has it.
const LONGEST_NAME: usize = 200;

/// Where an account can be; the last is offered only where any address is allowed.
pub(super) const ENVIRONMENTS: [(&str, &str); 4] = [
    ("global", "Production"),
    ("eu", "Production, EU"),
    ("sandbox", "Sandbox"),
    ("other", "Another address (a simulator)"),
];

/// The fields to choose an environment with.
pub(super) fn environments(form: &Form, address: bool, refused: Option<&Refused>) -> Markup {
    let region = form.text("region");
    let offered = match address {
        true => &ENVIRONMENTS[..],
        false => &ENVIRONMENTS[..3],
    };
    let field = |name, label, field| Field {
        name,
        label,
        help: "",
        refused: refused.map(|refused| (refused, field)),
    };
    html! {
        (field("region", "Environment", "connection.region").choice(region, offered))
        @if address { (field("base_url", "Address, for another environment only", "connection.base_url").line(form.text("base_url"))) }
    }
}

/// The key is not filled in again: it is in no page.
fn page(
    token: &str,
    form: &Form,
    address: bool,
    formers: &[&pb::Connection],
    refused: Option<&Refused>,
) -> Markup {
    let again = refused.and_then(|refused| refused.about("again"));
    let only = Only::of(form.text("only"));
    html! {
        h1 { "Connect Lever" }
        @if let Some(refused) = refused { (refused.notice()) }
        p { "You need an API key, which a Lever Super Admin makes under Settings → Integrations and API → API Credentials. Somebody else has it, or you would rather consent in Lever? " a href=(LINKS) { "Make a link" } " instead." }
        p.faint { "Where the product offers “Lever” and “Lever (CSV)”, this is “Lever”. The other is another connector: it takes files that somebody has exported from Lever, and reads and writes nothing by itself." }
        // What Enter in a field presses: not one of the lists.
        button type="submit" form="connect" name="next" value="setup" hidden { "Test and continue" }
        details.panel open[only != Only::Everything] {
            summary { "The permissions to tick for the key, in Lever’s order" }
            (permissions(only))
        }
        form.stack id="connect" method="post" action=(PATH) {
            (csrf(token))
            @if only != Only::Everything { input type="hidden" name="only" value=(only.word()); }
            @if !formers.is_empty() { (whether_again(form, formers, refused)) }
            (called(form, refused))
            (environments(form, address, refused))
            (Field { name: "api_key", label: "API key", help: "", refused: refused.map(|refused| (refused, "api_key")) }.secret())
            @if again.is_some() || form.ticked("again") {
                label.check { input type="checkbox" name="again" checked[form.ticked("again")] aria-invalid=[again.as_ref().map(|_| "true")] aria-describedby=[again.as_ref().map(|_| "again-problem")]; "Connect it all the same" }
                @if let Some(problem) = &again { p.problem id="again-problem" { (problem) } }
            }
            p.faint { "The key is tried with one call to Lever, then kept sealed; only its last four characters are ever shown." }
            p.faint { "Who may use the account: tokens that name no account see it at once, and so does the token you are signed in with. The last step lists them." }
            div.actions {
                button.primary type="submit" name="next" value="setup" { "Test and continue" }
                button type="submit" { "Test and start with the usual settings" }
            }
        }
    }
}

/// The list to tick, with the ways to shorter ones, which keep what was filled in.
fn permissions(only: Only) -> Markup {
    html! {
        div.actions role="group" aria-label="What the key is good for" {
            @for (one, word, label) in Only::ALL {
                button type="submit" form="connect" formnovalidate name="list" value=(word) aria-pressed=(one == only) { (label) }
            }
        }
        @match only {
            Only::Everything => p { "To read and to write." },
            Only::Reading => p { "To read only: nothing can be written to Lever with such a key." },
            Only::Jobs => p { "Jobs only: postings with their application forms are mirrored, and nobody who applied to them." },
        }
        (checklist(only))
    }
}

/// Asks whether a disconnected account is meant.
fn whether_again(form: &Form, formers: &[&pb::Connection], refused: Option<&Refused>) -> Markup {
    let problem = refused.and_then(|refused| refused.about("restore"));
    let described = problem.as_ref().map(|_| "restore-problem");
    let chosen = form.text("restore");
    html! {
        fieldset aria-describedby=[described] {
            legend { "Was this account connected before?" }
            @for former in formers {
                label.check {
                    input type="radio" name="restore" value=(former.id) checked[former.id == chosen];
                    span {
                        "Reconnect " strong { (former.display_name) } " "
                        span.faint { "keeps its settings, mappings and mirror, which are deleted on " (moment(former.purge_time.as_ref())) "; only for the same account in Lever" }
                    }
                }
            }
            label.check { input type="radio" name="restore" value="new" checked[chosen == "new"]; "No, it is a new account" }
            @if let Some(problem) = &problem { p.problem id="restore-problem" { (problem) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_that_was_refused_comes_back_filled_in_but_for_the_key() {
        let form = Form::parse(b"display_name=Acme&api_key=sesame-open&region=eu");
        let refused = Refused::from(tonic::Status::failed_precondition("Lever rejects the key"));
        let text = page("t", &form, true, &[], Some(&refused)).into_string();
        assert!(text.contains("value=\"Acme\"") && text.contains("value=\"eu\" selected"));
        assert!(text.contains("Lever rejects the key."));
        assert!(!text.contains("sesame-open"));
    }

    #[test]
    fn what_is_wrong_stands_beside_its_field() {
        let names = engine::Error::violations(
            ["connection.display_name", "connection.external_id"]
                .map(|field| engine::Violation {
                    field: field.to_owned(),
                    message: "give 1 to 200 characters".to_owned(),
                })
                .into(),
        );
        let rejected =
            engine::Error::precondition(engine::KEY_REJECTED, "Lever rejects the key", Vec::new());
        let taken = engine::Error::already_exists("another connection has this id", Vec::new());
        for (error, fields) in [
            (names, &["display_name", "external_id"][..]),
            (rejected, &["api_key"]),
            (taken, &["external_id"]),
        ] {
            let refused = at_field(status(error).into());
            let text = page("t", &Form::default(), false, &[], Some(&refused)).into_string();
            for field in fields {
                let problem = format!("field-{field}-problem");
                assert!(
                    text.contains(&format!("aria-describedby=\"{problem}\"")),
                    "{field}"
                );
                assert!(text.contains(&format!("id=\"{problem}\"")), "{field}");
            }
            assert_eq!(text.matches("aria-invalid").count(), fields.len(), "{text}");
        }
    }

    /// F-02.
    #[test]
    fn the_connector_for_files_is_told_apart() {
        let text = page("t", &Form::default(), false, &[], None).into_string();
        assert!(text.contains("“Lever (CSV)”, this is “Lever”"));
    }

    #[test]
    fn an_account_is_set_up_first_where_that_is_asked_for() {
        assert!(set_up_first(&Form::parse(b"next=setup")));
        assert!(!set_up_first(&Form::parse(b"next=")));
    }

    #[test]
    fn a_key_for_less_needs_fewer_permissions_and_jobs_alone_are_mirrored_alone() {
        let of = |form: &[u8]| page("t", &Form::parse(form), false, &[], None).into_string();
        assert!(of(b"").contains("create an opportunity note"));
        assert!(!of(b"only=reading").contains("create an opportunity note"));
        assert!(of(b"only=jobs").contains("name=\"only\" value=\"jobs\""));
        let streams = |form: &[u8]| asked(&Form::parse(form)).unwrap().streams;
        let jobs = streams(b"only=jobs&region=global");
        assert_eq!(jobs, ["postings", "posting_forms"]);
        assert!(streams(b"only=reading&region=global").is_empty());
    }

    #[test]
    fn another_list_keeps_what_was_filled_in() {
        let form = Form::parse(
            b"csrf=t&display_name=Acme&region=eu&only=jobs&api_key=sesame&list=reading",
        );
        let form = with_list(&form, Only::of(form.text("list")));
        let text = page("t", &form, false, &[], None).into_string();
        assert!(text.contains("value=\"Acme\"") && text.contains("value=\"eu\" selected"));
        assert!(text.contains("name=\"only\" value=\"reading\"") && !text.contains("sesame"));
        assert!(text.contains("value=\"reading\" aria-pressed=\"true\""));
        let everything = with_list(&form, Only::Everything);
        let text = page("t", &everything, false, &[], None).into_string();
        assert!(!text.contains("name=\"only\"") && text.contains("value=\"Acme\""));
    }

    fn former(id: &str, external_id: &str) -> pb::Connection {
        pb::Connection {
            id: id.to_owned(),
            display_name: "Old <b>".to_owned(),
            external_id: external_id.to_owned(),
            region: pb::Region::Eu.into(),
            streams: vec!["notes".to_owned()],
            disconnect_time: Some(prost_types::Timestamp::default()),
            ..Default::default()
        }
    }

    #[test]
    fn an_account_that_was_disconnected_is_asked_about() {
        let all = [former("c1", ""), former("c2", "acme")];
        let of = |text: &str| {
            let form = Form::parse(text.as_bytes());
            let asked = asked(&form).unwrap();
            coming_back(&form, &all, &asked).map(|one| one.map(|one| one.id.clone()))
        };
        let refused = of("region=eu").unwrap_err();
        assert_eq!(of("region=global").unwrap(), None, "another environment");
        assert_eq!(of("region=eu&restore=new").unwrap(), None);
        assert_eq!(of("region=eu&restore=c1").unwrap().as_deref(), Some("c1"));
        assert_eq!(
            of("region=eu&external_id=acme").unwrap().as_deref(),
            Some("c2")
        );
        assert!(of("region=eu&restore=gone").is_err());
        let formers: Vec<_> = formers(&all).collect();
        let form = Form::parse(b"region=eu");
        let text = page("t", &form, false, &formers, Some(&refused)).into_string();
        assert!(
            text.contains("id=\"restore-problem\">Say whether") && text.contains("Old &lt;b&gt;")
        );
        let none = page("t", &form, false, &[], None).into_string();
        assert!(!none.contains("connected before"));
    }

    #[test]
    fn what_comes_back_keeps_its_settings_under_the_name_that_was_given() {
        let form = Form::parse(b"region=eu&display_name=New");
        let connection = restored(&former("c1", ""), asked(&form).unwrap());
        assert_eq!(connection.display_name, "New");
        assert_eq!(connection.streams, ["notes"]);
    }

    #[test]
    fn an_address_goes_with_another_environment_and_with_no_other() {
        let of = |region: &str, address: &str| {
            asked(&Form::parse(
                format!("region={region}&base_url={address}").as_bytes(),
            ))
        };
        assert_eq!(of("other", "http://a").unwrap().base_url, "http://a");
        assert_eq!(of("sandbox", "").unwrap().region(), pb::Region::Sandbox);
        assert_eq!(of("global", "").unwrap().region(), pb::Region::Global);
        for (region, address) in [("other", ""), ("other", "+"), ("global", "http://a")] {
            let form = Form::parse(format!("region={region}").as_bytes());
            let refused = of(region, address).unwrap_err();
            let text = environments(&form, true, Some(&refused)).into_string();
            assert!(text.contains("field-base_url-problem"), "{text}");
        }
    }

    #[test]
    fn an_address_at_which_nothing_answers_is_told_beside_its_field() {
        let of = |text: &str| {
            let form = Form::parse(text.as_bytes());
            let refused = at_address(&form, tonic::Status::unavailable("no answer came").into());
            environments(&form, true, Some(&refused)).into_string()
        };
        let told = of("region=other&base_url=http://localhost:1");
        assert!(told.contains("field-base_url-problem\">No answer came. Check the address"));
        assert!(told.contains("value=\"http://localhost:1\""));
        assert!(!of("region=global").contains("problem"));
    }

    #[test]
    fn an_environment_that_is_not_offered_is_refused_beside_its_field() {
        for region in ["", "mars"] {
            let form = Form::parse(format!("region={region}").as_bytes());
            let refused = asked(&form).unwrap_err();
            let text = environments(&form, false, Some(&refused)).into_string();
            assert!(text.contains("field-region-problem"), "{text}");
        }
    }

    #[test]
    fn all_that_is_wrong_with_a_form_is_told_at_once_each_beside_its_field() {
        let form = Form::parse(b"display_name=+&region=other&external_id=acme&api_key=");
        let refused = Refused::of_fields(wrong(&form, &[]));
        let text = page("t", &form, true, &[], Some(&refused)).into_string();
        for field in ["display_name", "base_url", "api_key"] {
            let beside = format!("id=\"field-{field}-problem\"");
            assert!(text.contains(&beside), "{field}: {text}");
        }
        assert!(!text.contains("field-external_id-problem"));
        let right = Form::parse(b"display_name=Acme&region=eu&api_key=sesame");
        assert!(wrong(&right, &[]).is_empty());
        let former = pb::Connection {
            region: pb::Region::Eu.into(),
            disconnect_time: Some(prost_types::Timestamp::default()),
            ..Default::default()
        };
        let undecided = Form::parse(b"display_name=&region=eu&api_key=sesame");
        let fields = wrong(&undecided, &[former]).into_iter();
        let fields: Vec<String> = fields.map(|(field, _)| field).collect();
        assert_eq!(fields, ["connection.display_name", "restore"]);
    }

    #[test]
    fn another_address_is_offered_only_where_it_is_allowed() {
        let of = |address| environments(&Form::default(), address, None).into_string();
        assert!(of(true).contains("simulator") && of(true).contains("name=\"base_url\""));
        assert!(!of(false).contains("simulator") && !of(false).contains("base_url"));
    }

    #[test]
    fn an_account_that_is_connected_already_is_asked_about_beside_a_tick() {
        let connected = engine::Error::precondition(
            engine::ACCOUNT_CONNECTED,
            "this Lever account is connected already as \u{201c}Acme\u{201d}: use that connection, or say with \
             allow_connected_account that a second one is meant",
            Vec::new(),
        );
        let refused = at_tick(status(connected).into());
        let text = page("t", &Form::default(), false, &[], Some(&refused)).into_string();
        assert!(text.contains("again-problem\">This Lever account is connected already as"));
        assert!(text.contains("Tick this") && !text.contains("allow_connected_account"));
        assert!(
            !page("t", &Form::default(), false, &[], None)
                .into_string()
                .contains("again")
        );
    }
}
