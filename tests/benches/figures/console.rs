//! How fast the pages of the console come, of a large mirror, and how large they are over the wire.
//!
//! The mirror is that of `answers`, with writes and calls to Lever such as a busy month leaves behind. A page is asked for as a browser asks that has the assets already; the assets count
//! towards its size all the same, since the first visit brings them.

use std::net::SocketAddr;
use std::time::Instant;

use crate::Size;
use crate::calls::{Timed, timed};
use crate::past;
use crate::people::{self, People};
use crate::service::Service;
use crate::table::{Figure, Table, Target};

/// Requests of one page, after some that only warm up.
const CALLS: usize = 200;
const WARMING: usize = 20;
/// The milliseconds within which all but one page in a hundred come.
const PAGE_MS: f64 = 30.0;
/// The most bytes of a page with its assets.
const PAGE_KB: f64 = 100.0;
/// Nothing is pulled, and the whole index is kept in memory.
const SETTINGS: [(&str, &str); 2] = [
    ("FULCRUM__PULL__ENABLED", "false"),
    ("FULCRUM__STORE__CACHE_SIZE", "2GiB"),
];

/// The pages below a connection. Nobody is Lever there: none of them asks it.
const PAGES: [&str; 24] = [
    "",
    "/applicants",
    "/applicants?sla=breached",
    "/applicants/sla",
    "/stages",
    "/stages/versions",
    "/fields",
    "/fields/versions",
    "/find",
    "/issues",
    "/permissions",
    "/sync",
    "/sync/streams/opportunities",
    "/sync/quarantine",
    "/operations",
    "/operations?show=held",
    "/operations?show=failed",
    "/calls",
    "/calls?status=failed",
    "/users",
    "/inbound",
    "/export",
    "/privacy",
    "/settings",
];

pub(crate) async fn measure(size: Size, table: &mut Table) {
    let people = People::mirrored(size.people.unwrap_or(size.or_quick(100_000, 10_000))).await;
    past::lived(&people).await;
    let service = Service::start_on(&people.folder, &SETTINGS).await;
    let browser = Browser::new(service.http());
    // Signing in asks no service for anything: the frame, and the way here and back.
    let floor = browser.timed("/console/sign-in").await;
    table.note(&format!(
        "a mirror of {} people; the page to sign in: {floor}",
        people.number
    ));
    let assets = browser.assets().await;
    let connection = format!("/console/connections/{}", people.connection);
    let connections = ("/console".to_owned(), "/console");
    let below = PAGES.map(|page| (format!("{connection}{page}"), page));
    let (mut slowest, mut largest) = ((0.0, ""), (0.0, ""));
    let mut tell = |page: &'static str, took: &Timed, bytes: usize| {
        let size = (bytes + assets) as f64 / 1e3;
        table.note(&format!("{page}: {took}, {size:.0} kB with assets"));
        if took.percentile(99) > slowest.0 {
            slowest = (took.percentile(99), page);
        }
        if size > largest.0 {
            largest = (size, page);
        }
    };
    for (path, page) in std::iter::once(connections).chain(below) {
        let bytes = browser.size(&path).await;
        let took = browser.timed(&path).await;
        tell(
            if page.is_empty() { "overview" } else { page },
            &took,
            bytes,
        );
    }
    let find = format!("{connection}/find");
    let csrf = browser.csrf(&find).await;
    let somebody = |call: usize| {
        let who = people::email(people::mixed(call as u64) as usize % people.number);
        format!("csrf={csrf}&who={who}")
    };
    let bytes = browser.size_sending(&find, somebody(0)).await;
    let took = browser.timed_sending(&find, somebody).await;
    tell("/find with somebody found", &took, bytes);
    table.row(&Figure {
        name: &format!("p99 of the slowest page of the console ({})", slowest.1),
        measured: slowest.0,
        floor: floor.percentile(99),
        unit: "ms",
        target: Target::Bound(PAGE_MS),
    });
    // Nobody is there twice: each page looks at as many people as it may. What is learned stays for the second walk.
    let duplicates = format!("{connection}/duplicates");
    let walks = [
        browser.walk(&duplicates).await,
        browser.walk(&duplicates).await,
    ];
    for (walk, number) in walks.iter().zip(["first", "second"]) {
        let pages = walk.calls();
        table.note(&format!(
            "/duplicates, the {number} walk, of {pages} pages: {walk}"
        ));
    }
    table.row(&Figure {
        name: "p99 of the pages of duplicates, where there are none",
        measured: walks[0].percentile(99),
        floor: floor.percentile(99),
        unit: "ms",
        target: Target::Bound(PAGE_MS),
    });
    table.row(&Figure {
        name: &format!(
            "the largest page of the console, with assets ({})",
            largest.1
        ),
        measured: largest.0,
        floor: assets as f64 / 1e3,
        unit: "kB",
        target: Target::Bound(PAGE_KB),
    });
}

/// A browser that is signed in: without a token, whoever is at the machine is.
struct Browser {
    client: reqwest::Client,
    /// Leaves answers packed, to see how large they are on the wire.
    scale: reqwest::Client,
    base: String,
}

impl Browser {
    fn new(address: SocketAddr) -> Browser {
        Browser {
            client: reqwest::Client::new(),
            scale: reqwest::Client::builder()
                .no_gzip()
                .build()
                .expect("a client"),
            base: format!("http://{address}"),
        }
    }

    async fn open(&self, path: &str) -> reqwest::Response {
        let answer = self.client.get(format!("{}{path}", self.base)).send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), reqwest::StatusCode::OK, "{path}");
        answer
    }

    /// Bytes of a page as it comes over the wire.
    async fn size(&self, path: &str) -> usize {
        let request = self.scale.get(format!("{}{path}", self.base));
        size_of(request).await
    }

    /// The same of what a form is answered with.
    async fn size_sending(&self, path: &str, fields: String) -> usize {
        let request = self.scale.post(format!("{}{path}", self.base));
        size_of(filled_in(request, fields)).await
    }

    /// What the forms of a page carry. Without tokens it is the same in every session.
    async fn csrf(&self, path: &str) -> String {
        let page = self.open(path).await.text().await.expect("a page");
        let (_, value) = page.split_once("name=\"csrf\" value=\"").expect("a form");
        value.split('"').next().unwrap_or_default().to_owned()
    }

    /// Sends a form, the fields encoded as browsers do.
    async fn send(&self, path: &str, fields: String) -> reqwest::Response {
        let request = self.client.post(format!("{}{path}", self.base));
        let answer = filled_in(request, fields).send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), reqwest::StatusCode::OK, "{path}");
        answer
    }

    /// Bytes of style and script, by what a page names.
    async fn assets(&self) -> usize {
        let page = self.open("/console/sign-in").await;
        let page = page.text().await.expect("a page");
        let mut bytes = 0;
        for rest in page.split("\"/console/assets/").skip(1) {
            let name = rest.split('"').next().unwrap_or_default();
            bytes += self.size(&format!("/console/assets/{name}")).await;
        }
        assert!(bytes > 0, "a page names its assets");
        bytes
    }

    async fn timed(&self, path: &str) -> Timed {
        let open = async |_| {
            self.open(path).await.bytes().await.expect("a page");
        };
        timed(WARMING, 1, open).await;
        timed(CALLS, 1, open).await
    }

    /// As [`Browser::timed`], for a form; `fields` is told which time it is sent.
    async fn timed_sending(&self, path: &str, fields: impl Fn(usize) -> String) -> Timed {
        let send = async |call| {
            let answer = self.send(path, fields(call)).await;
            answer.bytes().await.expect("a page");
        };
        timed(WARMING, 1, send).await;
        timed(CALLS, 1, send).await
    }

    /// Opens a page and all that it leads on to, one after the other.
    async fn walk(&self, path: &str) -> Timed {
        let (mut path, mut each) = (path.to_owned(), Vec::new());
        loop {
            let began = Instant::now();
            let page = self.open(&path).await.text().await.expect("a page");
            each.push(began.elapsed());
            let links = page.split("href=\"").skip(1);
            let mut links = links.filter_map(|rest| rest.split('"').next());
            match links.find(|link| link.contains("?after=")) {
                Some(link) => path = link.replace("&amp;", "&"),
                None => return Timed::of(each),
            }
        }
    }
}

fn filled_in(request: reqwest::RequestBuilder, fields: String) -> reqwest::RequestBuilder {
    let form = "application/x-www-form-urlencoded";
    request.header("content-type", form).body(fields)
}

/// Bytes of an answer as browsers are sent it, packed, its headers as HTTP/1.1 has them included.
async fn size_of(request: reqwest::RequestBuilder) -> usize {
    let request = request.header("accept-encoding", "gzip");
    let answer = request.send().await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.url());
    let headers = answer.headers().iter();
    let headers: usize = headers
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    headers + answer.bytes().await.expect("a page").len()
}
