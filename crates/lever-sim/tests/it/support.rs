//! A started simulator and the few calls the tests make on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use lever_sim::{Config, DEFAULT_KEY, Population, Sim};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;

/// The present of every test.
pub(crate) const NOW: i64 = 1_782_976_000_000;

pub(crate) struct World {
    pub(crate) sim: Sim,
    pub(crate) http: reqwest::Client,
    clock: Arc<AtomicI64>,
}

/// An answer, read whole.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// Without a rate limit, at a fixed time.
pub(crate) fn config(opportunities: usize) -> Config {
    Config {
        population: Population {
            opportunities,
            seed: 1,
        },
        rate_limit: None,
        clock: Arc::new(|| NOW),
        ..Config::default()
    }
}

impl World {
    pub(crate) async fn of(opportunities: usize) -> World {
        World::with(config(opportunities)).await
    }

    /// Time stands still at [`NOW`] until [`World::pass`].
    pub(crate) async fn with(config: Config) -> World {
        // Another test may have installed the provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clock = Arc::new(AtomicI64::new(NOW));
        let shown = Arc::clone(&clock);
        let config = Config {
            clock: Arc::new(move || shown.load(Ordering::SeqCst)),
            ..config
        };
        let sim = Sim::start(config).await.unwrap();
        World {
            sim,
            http: reqwest::Client::new(),
            clock,
        }
    }

    /// Lets time pass; returns the new present.
    pub(crate) fn pass(&self, ms: i64) -> i64 {
        self.clock.fetch_add(ms, Ordering::SeqCst) + ms
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.sim.base_url());
        self.http
            .request(method, url)
            .basic_auth(DEFAULT_KEY, Some(""))
    }

    pub(crate) async fn get(&self, path: &str, query: &[(&str, &str)]) -> Reply {
        read(
            self.request(Method::GET, path)
                .query(query)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        read(
            self.request(Method::POST, path)
                .json(body)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Reply {
        read(
            self.request(Method::PUT, path)
                .json(body)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        read(self.request(Method::DELETE, path).send().await.unwrap()).await
    }

    /// The record that a write answers, which must succeed.
    pub(crate) async fn made(&self, path: &str, body: &Value) -> Value {
        let reply = self.post(path, body).await;
        assert_eq!(reply.status, 201, "{path}: {}", reply.body);
        reply.body["data"].clone()
    }

    /// An active user.
    pub(crate) fn user(&self) -> String {
        self.sim.active_users()[0].clone()
    }

    /// The ids of all pages of a listing.
    pub(crate) async fn walk(&self, path: &str, query: &[(&str, &str)]) -> Vec<String> {
        let (mut ids, mut offset) = (Vec::new(), None::<String>);
        loop {
            let mut query = query.to_vec();
            query.extend(offset.as_deref().map(|offset| ("offset", offset)));
            let page = self.get(path, &query).await;
            assert_eq!(page.status, 200, "{}", page.body);
            let items = page.body["data"].as_array().unwrap();
            ids.extend(items.iter().map(|item| text(&item["id"])));
            assert_eq!(
                page.body["hasNext"].as_bool().unwrap(),
                page.body.get("next").is_some()
            );
            match page.body.get("next") {
                Some(next) => offset = Some(text(next)),
                None => return ids,
            }
        }
    }

    /// The first opportunity for which `holds`.
    pub(crate) fn find(&self, holds: impl Fn(&Value) -> bool) -> Value {
        self.sim
            .opportunities()
            .into_iter()
            .find(|it| holds(it))
            .expect("the population has one")
    }

    /// An active candidacy with an application that everybody may see, whose person can be reached.
    pub(crate) fn applied(&self) -> Value {
        self.find(|it| {
            it["archived"].is_null()
                && it["confidentiality"] == "non-confidential"
                && it["applications"][0].is_string()
                && it["emails"][0].is_string()
                && it["phones"][0].is_object()
        })
    }
}

pub(crate) async fn read(response: Response) -> Reply {
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap();
    Reply {
        status,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

pub(crate) fn ids<'a>(items: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    items.into_iter().map(|item| text(&item["id"])).collect()
}
