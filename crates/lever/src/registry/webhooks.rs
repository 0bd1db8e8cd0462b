//! Webhooks.

use super::{AnswerKind, Operation, delete, list, operations, post, put};

operations! {
    /// Lists webhooks.
    LIST_WEBHOOKS = list("listWebhooks", "/webhooks", "ListWebhooks")
        .allowed_by("find all webhooks", &["webhooks:read:admin"]);
    /// Creates a webhook.
    CREATE_WEBHOOK = post("createWebhook", "/webhooks", "CreateWebhook")
        .allowed_by("create a webhook", &["webhooks:write:admin"]);
    /// Changes webhooks, several at once.
    UPDATE_WEBHOOKS = put("updateWebhooks", "/webhooks", "UpdateWebhooks")
        .allowed_by("update a webhook", &["webhooks:write:admin"])
        .answers(AnswerKind::List);
    /// Deletes a webhook.
    DELETE_WEBHOOK = delete("deleteWebhook", "/webhooks/{webhookId}", "DeleteWebhook")
        .allowed_by("delete a webhook", &["webhooks:write:admin"]);
}
