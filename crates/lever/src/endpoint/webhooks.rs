//! Webhooks an account has set up. What the API made can only be changed through the API, and the other way round.

use super::table::{bodies, calls, whole_lists};
use crate::page::{Page, Record};
use crate::{Origin, Webhook, WebhookEvent, WebhookId};

whole_lists! {
    /// Lists webhooks, all at once, without the secrets they are signed with.
    ///
    /// Lever: "List all webhooks", `GET /webhooks`.
    #[derive(Default)]
    ListWebhooks() = LIST_WEBHOOKS => Webhook {}
}

calls! {
    /// Sets up a webhook. Sent twice it makes two.
    ///
    /// Only this answer tells the secret its deliveries are signed with.
    ///
    /// Lever: "Create a webhook", `POST /webhooks`; fixture `webhook.create.response.json`.
    CreateWebhook() = CREATE_WEBHOOK => Record<Webhook>, sends WebhookWrite {}

    /// Changes webhooks, several at once; what is left out of one stays.
    ///
    /// Lever: "Update webhooks", `PUT /webhooks`.
    UpdateWebhooks() = UPDATE_WEBHOOKS => Page<Webhook>, sends WebhookChanges {}

    /// Deletes a webhook.
    ///
    /// Lever: "Delete a webhook", `DELETE /webhooks/:webhookId`.
    DeleteWebhook(webhook: WebhookId) = DELETE_WEBHOOK => () {}
}

bodies! {
    /// A webhook to set up.
    struct WebhookWrite
    must {
        /// The address: https, with a certificate of a public authority.
        url: String,
        /// What it is told of.
        event: WebhookEvent,
    }
    may {
        /// On which conditions.
        configuration: ConfigurationWrite,
    }

    /// Changes of webhooks.
    struct WebhookChanges
    must {
        /// One change for each webhook.
        data: Vec<WebhookChange>,
    }

    /// What to change of one webhook.
    struct WebhookChange
    must {
        /// Which one.
        id: WebhookId,
    }
    may {
        /// The address.
        url: String,
        /// What it is told of.
        event: WebhookEvent,
        /// On which conditions.
        configuration: ConfigurationWrite,
    }

    /// Conditions of a webhook; events of interviews and contacts and deletions take none.
    struct ConfigurationWrite
    may {
        /// Which events count.
        conditions: ConditionsWrite,
        /// Whether Lever tries the address first.
        verify_connection: bool,
    }

    /// Which events count.
    struct ConditionsWrite
    must {
        /// Only of opportunities that came one of these ways.
        origins: Vec<Origin>,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::testing::sent;
    use serde_json::json;

    fn configuration() -> Option<ConfigurationWrite> {
        Some(ConfigurationWrite {
            conditions: Some(ConditionsWrite {
                origins: vec![Origin::Applied, Origin::Sourced],
            }),
            verify_connection: Some(true),
        })
    }

    #[test]
    fn webhooks_are_listed_and_deleted() {
        assert_eq!(
            sent(&ListWebhooks::default()),
            ("GET /webhooks".to_owned(), None)
        );
        let delete = DeleteWebhook {
            webhook: "w1".into(),
        };
        assert_eq!(sent(&delete), ("DELETE /webhooks/w1".to_owned(), None));
    }

    #[test]
    fn a_webhook_is_set_up_with_its_conditions() {
        let create = CreateWebhook {
            body: WebhookWrite {
                url: "https://fulcrum.test/hook".to_owned(),
                event: WebhookEvent::CandidateStageChange,
                configuration: configuration(),
            },
        };
        let body = json!({"url": "https://fulcrum.test/hook", "event": "candidateStageChange",
            "configuration": {"conditions": {"origins": ["applied", "sourced"]}, "verifyConnection": true}});
        assert_eq!(sent(&create), ("POST /webhooks".to_owned(), Some(body)));
    }

    #[test]
    fn webhooks_are_changed_in_what_was_given() {
        let update = UpdateWebhooks {
            body: WebhookChanges {
                data: vec![WebhookChange {
                    id: "w1".into(),
                    url: Some("https://fulcrum.test/other".to_owned()),
                    event: None,
                    configuration: None,
                }],
            },
        };
        let body = json!({"data": [{"id": "w1", "url": "https://fulcrum.test/other"}]});
        assert_eq!(sent(&update), ("PUT /webhooks".to_owned(), Some(body)));
    }
}
