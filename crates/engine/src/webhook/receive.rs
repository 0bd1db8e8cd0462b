//! Takes in a delivery: verified, remembered, answered. Nothing is read from Lever here.

use std::time::Duration;

use domain::ConnectionId;
use domain::issue::Problem;
use lever::webhook::Delivery;
use lever::{OpportunityId, Timestamp, WebhookEvent};
use sha2::{Digest as _, Sha256};
use store::{ErrorKind as StoreErrorKind, Nudge, Recorded};
use uuid::Uuid;

use crate::engine::Engine;
use crate::error::Result;
use crate::link::Link;
use crate::read::LONGEST_ID;

/// The name for events that this version does not know; what Lever calls them may be anything.
const OTHER: &str = "other";

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// It waits in the queue, durably.
    Queued {
        /// What happened, in Lever's words; `other` for what this version does not know.
        event: &'static str,
    },
    /// It came before, or is so old that it may have; nothing else is done.
    Replayed {
        /// As above.
        event: &'static str,
    },
    /// Lever did not send it, as far as can be told; or not to a connection that there is.
    Refused,
}

/// Older deliveries are not followed: that they came is remembered a day longer than this. Lever gives up trying much
/// sooner (behaviour.md: webhooks).
const OLDEST: Duration = Duration::from_secs(6 * 24 * 3600);
/// How far ahead of Lever's clock a delivery may be dated.
const AHEAD: Duration = Duration::from_secs(24 * 3600);

impl Engine {
    /// Whether a delivery comes at a time at which Lever sends none, as far as Lever's clock is known.
    fn is_out_of_time(&self, link: &Link, triggered_at: Timestamp) -> bool {
        let Some(now) = link.known_lever_now(&self.shared.clock) else {
            return false;
        };
        triggered_at < now.minus(OLDEST) || triggered_at > now.plus(AHEAD)
    }

    /// Takes in a delivery of Lever's to the connection of that id.
    ///
    /// One to an unknown or disconnected connection is refused like one that is signed wrongly, after as much work.
    /// When this returns `Queued`, the nudge survives everything the store survives.
    ///
    /// # Errors
    /// If it cannot be kept: Lever sends it again.
    pub async fn receive_webhook(&self, connection: &str, body: &[u8]) -> Result<Received> {
        let link = Uuid::parse_str(connection)
            .ok()
            .and_then(|id| self.link(ConnectionId::new(id)).ok());
        let tokens = match &link {
            Some(link) => link.webhooks.tokens(),
            None => self.decoys(),
        };
        let Ok(delivery) = Delivery::parse(body) else {
            return Ok(Received::Refused);
        };
        let verified = delivery.verify(tokens.all());
        if let Some(link) = link.as_ref().filter(|_| !verified) {
            let now = self.shared.clock.now();
            link.issues.saw(Problem::WebhooksRefused, Vec::new(), now);
        }
        let Some(link) = link.filter(|_| verified) else {
            return Ok(Received::Refused);
        };
        let event = event_name(&delivery.event);
        if self.is_out_of_time(&link, delivery.triggered_at) {
            return Ok(Received::Replayed { event });
        }
        let digest = Sha256::digest(delivery.signed().as_bytes()).into();
        let nudge = Nudge {
            at: self.shared.clock.now(),
            ..nudge(&delivery, event)
        };
        match self
            .shared
            .store
            .record_nudge(link.id(), digest, nudge)
            .await
        {
            Ok(Recorded::New(_)) => {
                link.nudged.notify_one();
                Ok(Received::Queued { event })
            }
            Ok(Recorded::Replayed) => Ok(Received::Replayed { event }),
            // Disconnected at this very moment.
            Err(error) if matches!(error.kind(), StoreErrorKind::NotFound) => Ok(Received::Refused),
            Err(error) => Err(error.into()),
        }
    }
}

/// The ids of a delivery, as far as they can be Lever's: the signature does not cover them.
fn nudge(delivery: &Delivery, event: &'static str) -> Nudge {
    let data = &delivery.data;
    Nudge {
        event: event.to_owned(),
        opportunity: delivery
            .opportunity()
            .filter(|id| can_be_id(id.as_str()))
            .map(|id| OpportunityId::from(id.as_str())),
        contact: data.contact_id.clone().filter(|id| can_be_id(id.as_str())),
        interview: data
            .interview_id
            .as_ref()
            .map(|id| id.as_str().to_owned())
            .filter(|id| can_be_id(id)),
        at: delivery.triggered_at,
    }
}

fn can_be_id(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_graphic())
        && !matches!(id, "." | "..")
}

/// The name of an event, out of a fixed set: it labels a metric.
fn event_name(event: &WebhookEvent) -> &'static str {
    super::plan::EVENTS
        .iter()
        .copied()
        .find(|known| *known == event.as_str())
        .unwrap_or(OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(body: &str) -> Nudge {
        let delivery = Delivery::parse(body.as_bytes()).unwrap();
        nudge(&delivery, event_name(&delivery.event))
    }

    #[test]
    fn only_what_can_be_an_id_is_kept() {
        let long = "x".repeat(LONGEST_ID + 1);
        for bad in ["", ".", "..", "a b", "\u{e9}", "a\\n", &long] {
            let body = format!(
                r#"{{"event":"candidateHired","triggeredAt":1,"token":"t","data":{{
                "opportunityId":"{bad}","contactId":"{bad}","interviewId":"{bad}"}}}}"#
            );
            let nudge = of(&body);
            assert_eq!(
                (nudge.opportunity, nudge.contact, nudge.interview),
                (None, None, None),
                "{bad:?}"
            );
        }
        let good = of(
            r#"{"event":"interviewUpdated","triggeredAt":1,"token":"t","data":{
            "candidateId":"o-1","contactId":"c-1","interviewId":"i-1","name":"Ada"}}"#,
        );
        assert_eq!(good.opportunity, Some("o-1".into()));
        assert_eq!(good.contact, Some("c-1".into()));
        assert_eq!(good.interview.as_deref(), Some("i-1"));
    }

    #[test]
    fn an_id_that_is_no_text_is_none_and_the_delivery_is_read() {
        let odd = of(
            r#"{"event":"candidateHired","triggeredAt":1,"token":"t","data":{
            "opportunityId":true,"contactId":[]}}"#,
        );
        assert_eq!((odd.opportunity, odd.contact), (None, None));
    }

    #[test]
    fn an_event_nobody_knows_has_a_name_of_ours() {
        let nudge = of(r#"{"event":"ada@example.com","triggeredAt":1,"token":"t","data":null}"#);
        assert_eq!(nudge.event, "other");
    }
}
