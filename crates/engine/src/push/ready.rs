//! Making the call of what was asked, with what Lever itself asks: before anything is recorded.

use domain::answers::{self, Application, ApplicationAsk, Consented};
use domain::operation::{Attempt, Prepared, PreparedKind, RawWrite};
use domain::{ConnectionId, Stream, Write};
use lever::{
    Answered, AnsweredField, AnsweredSet, ApplicationWrite, ApplyForm, ApplyToPosting, Client,
    Consent, ConsentWrite, ContactId, CreateForm, Endpoint as _, FormFieldWrite, FormTemplate,
    FormTemplateId, GetApplyForm, GetFormTemplate, GetOpportunity, Lane, PostingId,
    ProfileFormWrite,
};
use serde_json::Value;

use super::plan;
use super::prepare::{FormAsk, as_asked, prepared};
use super::submit::WriteRequest;
use crate::engine::Engine;
use crate::error::{Error, Result, Violation, about_id};
use crate::read::Viewer;

/// A request whose call can be sent.
pub(super) struct Ready {
    pub(super) request: WriteRequest,
    /// The read of what the call answers, which is told with the calls of the operation.
    pub(super) asked: Option<Attempt>,
}

impl Engine {
    /// The request with a call that can be sent; one that needs nothing comes back as it is.
    ///
    /// # Errors
    /// Invalid, naming the field; not found for what Lever does not have, or the caller may not see.
    pub(super) async fn ready(&self, request: WriteRequest) -> Result<Ready> {
        let mut asked = None;
        let Write::Prepared(Prepared { kind, call }) = &request.write else {
            return Ok(Ready { request, asked });
        };
        let write = match kind {
            PreparedKind::CreateForm => self.form(&request, call).await?,
            PreparedKind::ApplyToPosting => {
                let (write, read) = self.application(&request, call).await?;
                asked = Some(read);
                write
            }
            PreparedKind::UpdateContact => self.contact(&request, call).await?,
            PreparedKind::UpdateUser => self.user(&request, call).await?,
            PreparedKind::UpdateNote | PreparedKind::AddLinks | PreparedKind::RemoveLinks => {
                return Ok(Ready { request, asked });
            }
        };
        let request = WriteRequest { write, ..request };
        Ok(Ready { request, asked })
    }

    async fn form(&self, request: &WriteRequest, call: &RawWrite) -> Result<Write> {
        let ask: FormAsk = as_asked(call).ok_or_else(nothing_left)?;
        let id = FormTemplateId::from(ask.template.as_str());
        let (template, values) = match self.kept_template(request, &id).await? {
            Some(kept) => match answers::form_values(&kept, &ask.values) {
                Ok(values) => (kept, values),
                // The template may have changed since it was read.
                Err(_) => self.filled_live(request, &id, &ask).await?,
            },
            None => self.filled_live(request, &id, &ask).await?,
        };
        let endpoint = CreateForm {
            opportunity: request.opportunity.clone(),
            perform_as: None,
            body: form_body(&template, values, ask.secret),
        };
        let path = [("opportunity", request.opportunity.as_str())];
        Ok(prepared(PreparedKind::CreateForm, &endpoint, &path))
    }

    /// The template as the mirror has it, unless the connection leaves its fields out.
    async fn kept_template(
        &self,
        request: &WriteRequest,
        id: &FormTemplateId,
    ) -> Result<Option<FormTemplate>> {
        let store = &self.shared.store;
        let record = store
            .record(request.connection, Stream::FormTemplates, id.as_str())
            .await?;
        let record = record.filter(|record| record.deleted_at.is_none());
        let template =
            record.and_then(|record| serde_json::from_str::<FormTemplate>(&record.raw).ok());
        Ok(template.filter(|template| !template.fields.is_empty()))
    }

    async fn filled_live(
        &self,
        request: &WriteRequest,
        id: &FormTemplateId,
        ask: &FormAsk,
    ) -> Result<(FormTemplate, Vec<Value>)> {
        let read = GetFormTemplate {
            form_template: id.clone(),
        };
        let answer = self.single_try(request.connection)?.send(&read).await;
        let answer =
            answer.map_err(|error| unread(error, "form template", "template_id", id.as_str()))?;
        let values = answers::form_values(&answer.value, &ask.values).map_err(violations)?;
        Ok((answer.value, values))
    }

    /// The application, and the read of the questions that it answers.
    async fn application(
        &self,
        request: &WriteRequest,
        call: &RawWrite,
    ) -> Result<(Write, Attempt)> {
        let ask: ApplicationAsk = as_asked(call).ok_or_else(nothing_left)?;
        let posting = call.path.get("posting").map_or("", String::as_str);
        self.check_seen(request, "posting", posting).await?;
        let read = plan::form_read(&request.write).ok_or_else(nothing_left)?;
        let at = self.shared.clock.now();
        let form = self.single_try(request.connection)?.answer(&read).await;
        let form = form.map_err(|error| unread(error, "posting", "posting_id", posting))?;
        let made = Attempt {
            lever_operation: GetApplyForm::OPERATION.id.to_owned(),
            at,
            status: Some(form.status),
            step: 0,
            seen: None,
        };
        let form: ApplyForm = form.value.value;
        let application = answers::application(&form, &ask).map_err(violations)?;
        let endpoint = ApplyToPosting {
            posting: PostingId::from(posting),
            send_confirmation_email: ask.send_confirmation_email,
            body: application_body(application, ask),
        };
        let path = [("posting", posting)];
        Ok((
            prepared(PreparedKind::ApplyToPosting, &endpoint, &path),
            made,
        ))
    }

    /// The change with the person it is about.
    async fn contact(&self, request: &WriteRequest, call: &RawWrite) -> Result<Write> {
        let opportunity = request.opportunity.as_str();
        let contact = match (call.path.get("contact"), opportunity.is_empty()) {
            (Some(_), false) => {
                let message = "give either opportunity_id or contact_id, not both";
                return Err(Error::invalid("contact_id", message));
            }
            (None, true) => {
                let message =
                    "name the person by contact_id, or one of their candidacies by opportunity_id";
                return Err(Error::invalid("opportunity_id", message));
            }
            (Some(contact), true) => {
                self.check_seen(request, "contact", contact).await?;
                contact.clone()
            }
            (None, false) => self.person_behind(request).await?.as_str().to_owned(),
        };
        Ok(Write::Prepared(Prepared {
            kind: PreparedKind::UpdateContact,
            call: RawWrite {
                path: [("contact".to_owned(), contact)].into(),
                ..call.clone()
            },
        }))
    }

    /// The contact of the opportunity of a request.
    async fn person_behind(&self, request: &WriteRequest) -> Result<ContactId> {
        let (store, opportunity) = (&self.shared.store, &request.opportunity);
        let known = store.candidacy(request.connection, opportunity).await?;
        if let Some(contact) = known.and_then(|known| known.contact) {
            return Ok(contact);
        }
        let read = GetOpportunity {
            opportunity: opportunity.clone(),
            expand: Vec::new(),
        };
        let answer = self.single_try(request.connection)?.send(&read).await;
        let answer = answer.map_err(|error| {
            unread(error, "opportunity", "opportunity_id", opportunity.as_str())
        })?;
        answer.value.contact.ok_or_else(|| {
            let message = "Lever names no person behind this candidacy: give contact_id";
            Error::invalid("opportunity_id", message)
        })
    }

    /// The change of a user, if there is one of that id.
    async fn user(&self, request: &WriteRequest, call: &RawWrite) -> Result<Write> {
        let (store, id) = (&self.shared.store, request.connection);
        let user = call.path.get("user").map_or("", String::as_str);
        let known = store.record(id, Stream::Users, user).await?.is_some();
        if !known && store.count(id, Stream::Users).await? > 0 {
            // Somebody may have made the user a moment ago.
            let read = super::merge::user_read(&user.into());
            let answer = self.single_try(request.connection)?.send(&read).await;
            answer.map_err(|error| unread(error, "user", "user_id", user))?;
        }
        Ok(request.write.clone())
    }

    /// Refuses what the caller may not see, as if it did not exist.
    async fn check_seen(&self, request: &WriteRequest, parameter: &str, id: &str) -> Result<()> {
        let viewer = Viewer {
            confidential: request.confidential,
        };
        let sight = self.sight(request.connection, viewer)?;
        sight.check_path(parameter, id).await
    }

    /// A client for the reads that come before a write is recorded: somebody waits.
    pub(super) fn single_try(&self, connection: ConnectionId) -> Result<Client> {
        let client = self.link(connection)?.client(Lane::Interactive);
        Ok(client.with_limits(self.shared.clients.single_try()))
    }
}

/// Why what a write is about could not be read; `field` holds its id.
pub(super) fn unread(
    error: lever::Error,
    what: &'static str,
    field: &'static str,
    id: &str,
) -> Error {
    match error.kind() {
        lever::ErrorKind::NotFound => Error::not_found(what, id),
        _ => about_id(error, field),
    }
}

fn nothing_left() -> Error {
    Error::invalid("write", "nothing is left of what it asked")
}

fn violations(found: Vec<domain::Violation>) -> Error {
    let ours = |domain::Violation { field, message }| Violation { field, message };
    Error::violations(found.into_iter().map(ours).collect())
}

/// All fields of the template in its order, each with its value or null.
fn form_body(
    template: &FormTemplate,
    values: Vec<Value>,
    secret: Option<bool>,
) -> ProfileFormWrite {
    let fields = template.fields.iter().zip(values);
    let fields = fields.map(|(field, value)| FormFieldWrite {
        id: field.id.clone(),
        text: field.text.clone(),
        description: field.description.clone(),
        required: Some(field.required),
        currency: field.currency.clone(),
        value: Some(value),
        ..FormFieldWrite::new(field.kind.clone(), "")
    });
    ProfileFormWrite {
        base_template_id: template.id.clone(),
        fields: fields.collect(),
        secret,
    }
}

fn application_body(application: Application, ask: ApplicationAsk) -> ApplicationWrite {
    let answered = |pairs: Vec<(String, Value)>| -> Vec<Answered> {
        let pairs = pairs.into_iter();
        pairs
            .map(|(name, value)| Answered { name, value })
            .collect()
    };
    let set = |(id, values): (String, Vec<Value>)| AnsweredSet {
        id,
        fields: values
            .into_iter()
            .map(|value| AnsweredField { value })
            .collect(),
    };
    let consent = |consented: Consented| Consent {
        provided: consented.provided,
        compliance_policy_id: consented.policy,
    };
    let consents = ConsentWrite {
        store: application.store.map(consent),
        marketing: application.marketing.map(consent),
    };
    ApplicationWrite {
        personal_information: answered(application.personal),
        urls: answered(application.urls),
        custom_questions: application.sets.into_iter().map(set).collect(),
        eeo_responses: (!application.eeo.is_empty()).then_some(application.eeo),
        consent: (consents.store.is_some() || consents.marketing.is_some()).then_some(consents),
        diversity_survey: None,
        source: ask.source,
        origin: ask.origin,
        ip_address: ask.ip_address,
        timezone: ask.time_zone,
        user_agent: ask.user_agent,
        accept_language: ask.accept_language,
        referer: ask.referer,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_form_is_sent_with_all_fields_of_its_template_in_order() {
        let template: FormTemplate = serde_json::from_value(json!({"id": "t", "fields": [
            {"id": "f1", "type": "currency", "text": "Pay", "currency": "USD", "required": true},
            {"id": "f2", "type": "text", "text": "Notes", "description": "Anything"}
        ]}))
        .unwrap();
        let body = form_body(&template, vec![json!(75000), Value::Null], Some(false));
        let sent = json!({"baseTemplateId": "t", "secret": false, "fields": [
            {"id": "f1", "type": "currency", "text": "Pay", "currency": "USD", "required": true, "value": 75000},
            {"id": "f2", "type": "text", "text": "Notes", "description": "Anything", "required": false, "value": null}
        ]});
        assert_eq!(serde_json::to_value(body).unwrap(), sent);
    }

    #[test]
    fn an_application_is_sent_with_what_was_answered_and_nothing_else() {
        let application = Application {
            personal: vec![("fullName".to_owned(), json!("Ada"))],
            urls: Vec::new(),
            sets: vec![("s".to_owned(), vec![json!("Ten"), Value::Null])],
            eeo: Default::default(),
            store: Some(Consented {
                provided: true,
                policy: Some("c".to_owned()),
            }),
            marketing: None,
        };
        let ask = ApplicationAsk {
            source: Some("Findem".to_owned()),
            ..ApplicationAsk::default()
        };
        let sent = json!({
            "personalInformation": [{"name": "fullName", "value": "Ada"}],
            "customQuestions": [{"id": "s", "fields": [{"value": "Ten"}, {"value": null}]}],
            "consent": {"store": {"provided": true, "compliancePolicyId": "c"}},
            "source": "Findem"
        });
        assert_eq!(
            serde_json::to_value(application_body(application, ask)).unwrap(),
            sent
        );
    }
}
