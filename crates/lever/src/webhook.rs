//! What Lever sends to a webhook: reading it and making sure that Lever sent it.
//!
//! A delivery is a nudge: a reason to read the record again. Its signature covers when it was sent, not what it says,
//! so only its ids may be used, and only to look. A receiver drops tokens it has seen before.
//!
//! Lever: "Webhooks"; fixture `webhook.deliveries.json`.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use sha2::Sha256;

use crate::decode::{self, DecodeError};
use crate::model::{WebhookEvent, lenient};
use crate::time::Timestamp;
use crate::{
    ApplicationId, Archived, ContactId, InterviewId, OpportunityId, PanelId, PostingId, StageId,
};

/// One delivery of an event. `Debug` shows neither its token nor its signature.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Lever's id of the delivery; the same when it is tried again is not promised.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub id: Option<String>,
    /// What happened.
    pub event: WebhookEvent,
    /// When Lever sent it, by its own clock.
    pub triggered_at: Timestamp,
    /// Random text, different for each event.
    pub token: String,
    /// What proves that Lever sent it; none from a webhook without a signature.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub signature: Option<String>,
    /// What it is about; all empty in the test delivery of the settings page, and where it is no object.
    #[serde(default, deserialize_with = "told_or_default")]
    pub data: DeliveryData,
}

/// The ids a delivery names. Which of them are there depends on the event; what is no id is left out.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeliveryData {
    /// The opportunity.
    #[serde(deserialize_with = "told")]
    pub opportunity_id: Option<OpportunityId>,
    /// The same under its old name.
    #[serde(deserialize_with = "told")]
    pub candidate_id: Option<OpportunityId>,
    /// The person.
    #[serde(deserialize_with = "told")]
    pub contact_id: Option<ContactId>,
    /// The application.
    #[serde(deserialize_with = "told")]
    pub application_id: Option<ApplicationId>,
    /// The posting.
    #[serde(deserialize_with = "told")]
    pub posting_id: Option<PostingId>,
    /// The interview.
    #[serde(deserialize_with = "told")]
    pub interview_id: Option<InterviewId>,
    /// The panel of the interview.
    #[serde(deserialize_with = "told")]
    pub panel_id: Option<PanelId>,
    /// The stage the opportunity moved to.
    #[serde(deserialize_with = "told")]
    pub to_stage_id: Option<StageId>,
    /// The stage it came from.
    #[serde(deserialize_with = "told")]
    pub from_stage_id: Option<StageId>,
    /// How the opportunity ended; none when it was brought back.
    #[serde(deserialize_with = "told")]
    pub to_archived: Option<Archived>,
    /// How it had ended before.
    #[serde(deserialize_with = "told")]
    pub from_archived: Option<Archived>,
}

/// Reads what it can: the signature does not cover this, so that nothing in here makes a delivery less of a nudge.
fn told<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let value = Value::deserialize(deserializer)?;
    Ok(lenient::optional(value).unwrap_or_default())
}

fn told_or_default<'de, D>(deserializer: D) -> Result<DeliveryData, D::Error>
where
    D: Deserializer<'de>,
{
    told(deserializer).map(Option::unwrap_or_default)
}

impl Delivery {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// When it is no delivery; the message repeats nothing of it.
    pub fn parse(body: &[u8]) -> Result<Delivery, DecodeError> {
        let text = std::str::from_utf8(body).map_err(|_| DecodeError::new("not UTF-8"))?;
        decode::object(text)?;
        decode::value(text)
    }

    /// Whether Lever signed it with one of `tokens`: those of the event, or of the webhook.
    ///
    /// `signature` must be the hexadecimal HMAC-SHA256, under the token, of the delivery's own token and its time in
    /// decimal digits. Takes as long for a wrong signature as for a right one, whichever token it is.
    pub fn verify(&self, tokens: &[SecretString]) -> bool {
        let signature = self.signature.as_deref().and_then(digest);
        let given = signature.unwrap_or_default();
        let signed = self.signed();
        let matches = tokens.iter().fold(false, |matches, token| {
            matches | is_signature(&given, token, signed.as_bytes())
        });
        matches && signature.is_some()
    }

    /// What the signature covers: the token, and right behind it the time. Nothing parts the two, so whoever has one
    /// delivery can move digits from one to the other; two deliveries are the same if this is.
    pub fn signed(&self) -> String {
        format!("{}{}", self.token, self.triggered_at)
    }

    /// The opportunity it is about, by its new name or the old one.
    pub fn opportunity(&self) -> Option<&OpportunityId> {
        let data = &self.data;
        data.opportunity_id.as_ref().or(data.candidate_id.as_ref())
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("event", &self.event)
            .field("triggered_at", &self.triggered_at)
            .field("data", &self.data)
            .finish_non_exhaustive()
    }
}

fn is_signature(given: &[u8; 32], token: &SecretString, signed: &[u8]) -> bool {
    let mut hmac = Hmac::<Sha256>::new_from_slice(token.expose_secret().as_bytes())
        .expect("a key of any length will do");
    hmac.update(signed);
    // Compares in constant time.
    hmac.verify_slice(given).is_ok()
}

/// The 32 bytes behind 64 hexadecimal digits.
fn digest(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "81358960e95ed76bf1def200692c2f956818caf168682e00";

    fn delivery(signature: &str) -> Delivery {
        let body = format!(
            r#"{{"id":"d1","event":"applicationCreated","triggeredAt":1782977000001,
            "token":"000000000000000000000000000014c2874444320fedb6e8","signature":"{signature}","data":{{}}}}"#
        );
        Delivery::parse(body.as_bytes()).unwrap()
    }

    const RIGHT: &str = "aa049c95dc64323a6e68784b571c0c163a88995190ad62748f704ea28d4c8d55";

    #[test]
    fn a_signature_holds_for_any_of_the_tokens() {
        let (right, wrong) = (SecretString::from(TOKEN), SecretString::from("other"));
        let signed = delivery(RIGHT);
        assert!(signed.verify(std::slice::from_ref(&right)));
        assert!(signed.verify(&[wrong.clone(), right.clone()]));
        assert!(signed.verify(&[right.clone(), wrong.clone()]));
        assert!(!signed.verify(&[wrong]));
        assert!(!signed.verify(&[]));
        assert!(delivery(&RIGHT.to_uppercase()).verify(&[right]));
    }

    #[test]
    fn a_wrong_or_missing_signature_does_not_hold() {
        let tokens = [SecretString::from(TOKEN)];
        for signature in [
            "",
            "aa",
            &RIGHT.replace("aa", "ab"),
            &"\u{e9}".repeat(32),
            &"+a".repeat(32),
        ] {
            assert!(!delivery(signature).verify(&tokens), "{signature}");
        }
        let mut later = delivery(RIGHT);
        later.triggered_at = Timestamp::from_millis(1_782_977_000_002);
        assert!(!later.verify(&tokens));
        let unsigned =
            br#"{"event":"x","triggeredAt":"1","token":"t","signature":null,"data":null}"#;
        assert!(!Delivery::parse(unsigned).unwrap().verify(&tokens));
    }

    #[test]
    fn unknown_events_and_keys_read() {
        let body = br#"{"event":"candidateCloned","triggeredAt":1,"token":"t","new":1,
            "data":{"candidateId":"o1","contactId":"","postingId":null,"clone":{"id":"o2"}}}"#;
        let delivery = Delivery::parse(body).unwrap();
        assert_eq!(
            delivery.event,
            WebhookEvent::Other("candidateCloned".to_owned())
        );
        assert_eq!(delivery.opportunity().unwrap().as_str(), "o1");
        let shown = format!("{delivery:?}");
        assert!(!shown.contains("token"), "{shown}");
    }

    #[test]
    fn what_is_no_id_is_left_out_and_the_rest_is_read() {
        let of = |data: &str| {
            let body = format!(r#"{{"event":"x","triggeredAt":1,"token":"t","data":{data}}}"#);
            Delivery::parse(body.as_bytes()).unwrap().data
        };
        for odd in ["true", "{}", "[]", r#"["o"]"#] {
            let data = format!(r#"{{"opportunityId":{odd},"contactId":"c","panelId":{odd}}}"#);
            let expected = DeliveryData {
                contact_id: Some("c".into()),
                ..DeliveryData::default()
            };
            assert_eq!(of(&data), expected, "{odd}");
        }
        for odd in ["7", "[]", r#""o""#, "null"] {
            assert_eq!(of(odd), DeliveryData::default(), "{odd}");
        }
    }

    #[test]
    fn what_is_no_delivery_is_an_error_that_repeats_nothing() {
        for body in [
            "",
            "[]",
            "{}",
            r#"{"event":"secret"}"#,
            r#"{"event":"x","triggeredAt":"secret","token":"t"}"#,
        ] {
            let error = Delivery::parse(body.as_bytes()).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert!(Delivery::parse(b"\xff").is_err());
    }
}
