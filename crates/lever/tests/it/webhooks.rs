//! The recorded deliveries of webhooks.

use lever::WebhookEvent;
use lever::webhook::Delivery;
use secrecy::SecretString;
use serde_json::Value;

use crate::support::document;

#[test]
fn every_recorded_delivery_reads_and_its_signature_holds() {
    let Some(text) = document("fixtures/webhook.deliveries.json") else {
        return;
    };
    let recorded: Value = serde_json::from_str(&text).unwrap();
    let token = SecretString::from(recorded["signatureToken"].as_str().unwrap());
    let other = SecretString::from("another");
    let deliveries = recorded["deliveries"].as_array().unwrap();
    assert!(deliveries.len() > 10);
    for document in deliveries {
        let delivery = Delivery::parse(document.to_string().as_bytes()).unwrap();
        assert!(
            !matches!(delivery.event, WebhookEvent::Other(_)),
            "{delivery:?}"
        );
        assert!(delivery.verify(&[other.clone(), token.clone()]));
        assert!(!delivery.verify(std::slice::from_ref(&other)));
        let named = document["data"]["opportunityId"].as_str();
        assert_eq!(delivery.opportunity().map(|id| id.as_str()), named);
    }
}
