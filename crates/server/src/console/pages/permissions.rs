//! What the key may do, what that costs, and the list to tick in Lever (product.md, screen 2, step 5).

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::connection_service_server::ConnectionService as _;

use crate::console::Console;
use crate::console::desk::Desk;
use crate::console::frame::Tab;
use crate::console::refusal::{Refused, sentence};
use crate::console::words::{count, moment, plain};
use crate::grpc::Api;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/console/connections/{id}/permissions", get(show))
}

async fn show(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
    let connection = desk.connection(&id).await?;
    let request = pb::CheckPermissionsRequest {
        connection_id: id,
        probe_all: false,
    };
    let rpc = Tab::Permissions.rpc();
    let report = desk.call(rpc, request, Api::check_permissions).await?;
    Ok(desk.at(&connection, Tab::Permissions, page(&report)))
}

fn page(report: &pb::CheckPermissionsResponse) -> Markup {
    let missing = of_state(report, pb::PermissionState::Missing);
    html! {
        h1 { "Permissions" }
        section.panel {
            dl {
                dt { "Key" } dd { (plain(report.key_state().as_str_name(), "KEY_STATE")) @if !report.key_message.is_empty() { ": " (report.key_message) } }
                dt { "Confidential data" } dd { (confidential(report.confidential_access())) }
                dt { "Checked" } dd { (moment(report.check_time.as_ref())) }
            }
        }
        @if missing.is_empty() {
            div.notice.good { p { "Nothing that was tested is missing." } }
        } @else {
            div.notice.bad {
                p { (count(missing.len() as u64, "permission is missing", "permissions are missing")) ". The permissions of a key cannot be changed in Lever: a Lever Super Admin makes a new key with all of the list below, and you replace the key in the settings." }
            }
        }
        details.panel open[!missing.is_empty()] {
            summary { "The list to tick in Lever, in Lever's order" }
            label { span.faint { "Select and copy" }
                textarea readonly rows="12" cols="60" { @for one in &report.permissions { (one.name) "\n" } }
            }
        }
        div.scroll tabindex="0" role="region" aria-label="Permissions" {
            table {
                thead { tr { th { "Permission" } th { "Needed for" } th { "State" } th { "To tell" } } }
                tbody {
                    // What needs somebody comes first.
                    @for state in [pb::PermissionState::Missing, pb::PermissionState::NotTested, pb::PermissionState::Granted] {
                        @for one in of_state(report, state) { (row(one)) }
                    }
                }
            }
        }
    }
}

fn of_state(
    report: &pb::CheckPermissionsResponse,
    state: pb::PermissionState,
) -> Vec<&pb::Permission> {
    let all = report.permissions.iter();
    all.filter(|one| one.state() == state).collect()
}

fn row(one: &pb::Permission) -> Markup {
    let class = match one.state() {
        pb::PermissionState::Granted => "badge good",
        pb::PermissionState::Missing if one.required => "badge bad",
        pb::PermissionState::Missing => "badge warn",
        _ => "badge",
    };
    html! {
        tr {
            td { (one.name) @if one.required { " " span.faint { "(required)" } } }
            td { (one.features.join(", ")) }
            td { span class=(class) { (plain(one.state().as_str_name(), "PERMISSION_STATE")) } }
            td {
                @if one.state() == pb::PermissionState::Missing && !one.loss.is_empty() { p { (sentence(&one.loss)) } }
                @if !one.reason.is_empty() { p.faint { (sentence(&one.reason)) } }
            }
        }
    }
}

fn confidential(access: pb::ConfidentialAccess) -> &'static str {
    match access {
        pb::ConfidentialAccess::On => "allowed for this key",
        pb::ConfidentialAccess::Off => "not allowed: confidential people and postings are not seen",
        pb::ConfidentialAccess::Unspecified => "not known",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_comes_first_with_what_it_costs() {
        let permission = |name: &str, state: pb::PermissionState| pb::Permission {
            name: name.to_owned(),
            state: state.into(),
            required: true,
            loss: "no notes".to_owned(),
            ..Default::default()
        };
        let report = pb::CheckPermissionsResponse {
            permissions: vec![
                permission("find all users", pb::PermissionState::Granted),
                permission("find all notes", pb::PermissionState::Missing),
            ],
            ..Default::default()
        };
        let text = page(&report).into_string();
        assert!(text.contains("1 permission is missing") && text.contains("No notes."));
        let place = |name: &str| text.rfind(name);
        assert!(place("find all notes") < place("find all users"));
        assert!(
            text.contains("find all users\nfind all notes\n"),
            "in Lever's order for Lever"
        );
    }
}
