//! Sending: one line per webhook, so that first tries keep their order; later tries and delays do not hold others up.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::faults::DeliveryAction;
use super::history::Tried;
use super::signature::sign;
use crate::gate::Desk;
use crate::world::Delivery;

/// Deliveries that wait their turn at one webhook.
type Queue = mpsc::UnboundedSender<Delivery>;

/// Sends what the world emits until the simulator stops.
pub(crate) async fn run(desk: Arc<Desk>, stop: CancellationToken) {
    let bell = desk.world().webhooks.bell();
    let mut post = Post {
        desk,
        stop: stop.clone(),
        lines: HashMap::new(),
        http: None,
    };
    while stop.run_until_cancelled(bell.notified()).await.is_some() {
        post.distribute();
    }
}

struct Post {
    desk: Arc<Desk>,
    stop: CancellationToken,
    lines: HashMap<String, Queue>,
    /// Made for the first delivery: most simulators never send one.
    http: Option<reqwest::Client>,
}

impl Post {
    fn distribute(&mut self) {
        let waiting = self.desk.world().webhooks.take_waiting();
        for delivery in waiting {
            let Some(http) = self.http() else { return };
            let line = self.lines.entry(delivery.webhook.clone());
            let line = line.or_insert_with(|| open_line(&self.desk, http, &self.stop));
            // The other end lives until the simulator stops.
            let _ = line.send(delivery);
        }
    }

    fn http(&mut self) -> Option<reqwest::Client> {
        if self.http.is_none() {
            self.http = client(self.desk.deliveries.timeout)
                .inspect_err(|error| tracing::error!(%error, "webhooks cannot be delivered"))
                .ok();
        }
        self.http.clone()
    }
}

/// A client that follows no redirect: a 3xx is a failure. Lever: "Webhooks".
fn client(timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
    // Whoever runs the simulator may have installed a provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent("Lever-Webhooks")
        .redirect(Policy::none())
        .timeout(timeout)
        .no_proxy()
        .build()
}

fn open_line(desk: &Arc<Desk>, http: reqwest::Client, stop: &CancellationToken) -> Queue {
    let (queue, waiting) = mpsc::unbounded_channel();
    let line = Line {
        desk: Arc::clone(desk),
        http,
        stop: stop.clone(),
    };
    let stop = stop.clone();
    tokio::spawn(async move { stop.run_until_cancelled(line.send_all(waiting)).await });
    queue
}

/// The way to one webhook.
#[derive(Clone)]
struct Line {
    desk: Arc<Desk>,
    http: reqwest::Client,
    stop: CancellationToken,
}

impl Line {
    async fn send_all(self, mut waiting: mpsc::UnboundedReceiver<Delivery>) {
        let mut held: Option<Delivery> = None;
        while let Some(delivery) = waiting.recv().await {
            let fault = self.desk.strike_delivery(delivery.event);
            if fault == Some(DeliveryAction::Swap) && held.is_none() {
                held = Some(delivery);
                continue;
            }
            self.send(delivery, fault).await;
            if let Some(late) = held.take() {
                self.send(late, Some(DeliveryAction::Swap)).await;
            }
        }
    }

    /// Makes the first try; the later ones are made beside the line.
    async fn send(&self, delivery: Delivery, fault: Option<DeliveryAction>) {
        match fault {
            Some(DeliveryAction::Drop) => {
                let body = body(&delivery, &delivery.signature_token);
                self.record(&delivery, body, 1, None, fault);
            }
            Some(DeliveryAction::Delay(wait)) => {
                self.beside(async move |line| {
                    tokio::time::sleep(wait).await;
                    line.first_try(delivery, fault).await;
                });
            }
            Some(DeliveryAction::Duplicate) => {
                self.first_try(delivery.clone(), fault).await;
                self.first_try(delivery, fault).await;
            }
            Some(DeliveryAction::Swap | DeliveryAction::Forge) | None => {
                self.first_try(delivery, fault).await;
            }
        }
    }

    async fn first_try(&self, delivery: Delivery, fault: Option<DeliveryAction>) {
        if !self.attempt(&delivery, 1, fault).await {
            self.beside(async move |line| line.retry(delivery, fault).await);
        }
    }

    async fn retry(&self, delivery: Delivery, fault: Option<DeliveryAction>) {
        for (attempt, wait) in (2..).zip(self.desk.retries()) {
            tokio::time::sleep(wait).await;
            let wanted = self.desk.world().webhooks.find(&delivery.webhook).is_some();
            if !wanted || self.attempt(&delivery, attempt, fault).await {
                return;
            }
        }
    }

    fn beside<F: Future<Output = ()> + Send + 'static>(
        &self,
        work: impl FnOnce(Line) -> F + Send + 'static,
    ) {
        let (line, stop) = (self.clone(), self.stop.clone());
        tokio::spawn(async move { stop.run_until_cancelled(work(line)).await });
    }

    /// Tries once; tells whether the receiver acknowledged.
    async fn attempt(
        &self,
        delivery: &Delivery,
        attempt: u32,
        fault: Option<DeliveryAction>,
    ) -> bool {
        let key = match fault {
            Some(DeliveryAction::Forge) => "forged",
            _ => &delivery.signature_token,
        };
        let body = body(delivery, key);
        let sent = self.http.post(&delivery.url).json(&body).send().await;
        let status = sent.ok().map(|response| response.status().as_u16());
        self.record(delivery, body, attempt, status, fault)
    }

    fn record(
        &self,
        delivery: &Delivery,
        body: Value,
        attempt: u32,
        status: Option<u16>,
        fault: Option<DeliveryAction>,
    ) -> bool {
        let tried = Tried {
            attempt,
            status,
            fault,
            at_ms: (self.desk.clock)(),
        };
        self.desk.history.record(delivery, body, tried);
        tried.acknowledged()
    }
}

/// The documented body.
fn body(delivery: &Delivery, key: &str) -> Value {
    json!({
        "id": delivery.id,
        "event": delivery.event,
        "triggeredAt": delivery.triggered_at,
        "token": delivery.token,
        "signature": sign(key, &delivery.token, delivery.triggered_at),
        "data": delivery.data,
    })
}
