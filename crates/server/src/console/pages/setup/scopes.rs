//! The step of what is mirrored.

use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use proto::v1 as pb;

use super::{Step, known, paused, stepped, still_set_up, update, why};
use crate::console::desk::Desk;
use crate::console::form::{Form, Posted};
use crate::console::frame::csrf;
use crate::console::models::{MODELS, Model};
use crate::console::refusal::Refused;
use crate::console::see;

pub(super) async fn scopes(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
    let connection = match paused(&desk, &id).await? {
        Ok(connection) => connection,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let content = scopes_form(&connection, desk.csrf(), None, None);
    stepped(&desk, &connection, Step::Scopes, content).await
}

pub(super) async fn save_scopes(
    Path(id): Path<String>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    if let Err(elsewhere) = still_set_up(&desk, &id).await? {
        return Ok(elsewhere);
    }
    let change = pb::Connection {
        id: id.clone(),
        etag: form.text("etag").to_owned(),
        streams: chosen(&form),
        include_secret_notes: form.ticked("include_secret_notes"),
        ..Default::default()
    };
    let saved = update(&desk, change, &["streams", "include_secret_notes"]).await;
    let Err(refused) = saved else {
        return Ok(see(&Step::Scopes.next().path(&id)));
    };
    let connection = desk.connection(&id).await?;
    let content = scopes_form(&connection, desk.csrf(), Some(&form), Some(&refused));
    let page = stepped(&desk, &connection, Step::Scopes, content).await?;
    Ok((refused.http(), page).into_response())
}

/// The streams that are ticked.
pub(in crate::console::pages) fn chosen(form: &Form) -> Vec<String> {
    let models = MODELS.iter().flat_map(|(_, models)| *models);
    models
        .filter(|model| form.ticked(&field(model)))
        .map(|model| model.stream.to_owned())
        .collect()
}

fn field(model: &Model) -> String {
    format!("stream.{}", model.stream)
}

const EEO: &str = "eeo_responses";

fn scopes_form(
    connection: &pb::Connection,
    token: &str,
    form: Option<&Form>,
    refused: Option<&Refused>,
) -> Markup {
    let kept = |model: &Model| match form {
        Some(form) => form.ticked(&field(model)),
        None => connection
            .streams
            .iter()
            .any(|stream| stream == model.stream),
    };
    let secret = match form {
        Some(form) => form.ticked("include_secret_notes"),
        None => connection.include_secret_notes,
    };
    html! {
        @if let Some(refused) = refused { (why(refused, &Step::Scopes.path(&connection.id))) }
        form.stack.wide method="post" action=(Step::Scopes.path(&connection.id)) {
            (csrf(token))
            (known(connection))
            (kinds(kept, secret))
            button.primary type="submit" { "Save and continue" }
        }
    }
}

/// Boxes for the kinds of record, with what is kept apart.
pub(in crate::console::pages) fn kinds(kept: impl Fn(&Model) -> bool, secret: bool) -> Markup {
    let tick = |model: &Model| {
        html! {
            label.check {
                input type="checkbox" name=(field(model)) checked[kept(model)];
                span { strong { (model.label) } " " span.faint { (model.about) } }
            }
        }
    };
    html! {
        @for (heading, models) in MODELS {
            fieldset {
                legend { (heading) }
                @for model in *models { @if model.stream != EEO { (tick(model)) } }
            }
        }
        fieldset {
            legend { "Kept apart" }
            label.check {
                input type="checkbox" name="include_secret_notes" checked[secret];
                span { strong { "Secret notes" } " " span.faint { "Off unless you switch them on: in Lever only some people may read them, and a key does not tell whom." } }
            }
            @for model in MODELS.iter().flat_map(|(_, models)| *models) { @if model.stream == EEO { (tick(model)) } }
            p.faint { "EEO responses are off as shipped: they tell gender, race, veteran and disability status, nothing in the product needs them, and only tokens with the right " code { "eeo" } " read them. Switch them on only for a report that the law asks for." }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::connection;
    use super::*;

    #[test]
    fn what_is_ticked_is_mirrored_and_eeo_is_off_with_its_reason() {
        let form = Form::parse(b"stream.users=on&stream.notes=on&stream.nothing=on");
        assert_eq!(chosen(&form), ["users", "notes"]);
        let text = scopes_form(&connection(), "t", None, None).into_string();
        assert!(text.contains("name=\"stream.users\" checked"));
        assert!(text.contains("name=\"stream.eeo_responses\"><"));
        assert!(text.contains("EEO responses are off as shipped"));
        let again = scopes_form(&connection(), "t", Some(&form), None).into_string();
        assert!(again.contains("name=\"stream.notes\" checked"));
        assert!(!again.contains("name=\"stream.opportunities\" checked"));
    }
}
