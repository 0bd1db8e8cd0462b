//! How fast a large mirror answers, beside a server that has the answer ready.

use std::time::Instant;

use lever_sim::Children;
use prost::Message;
use proto::v1 as pb;
use proto::v1::candidate_service_client::CandidateServiceClient;
use proto::v1::inbound_service_client::InboundServiceClient;
use tonic::transport::Channel;

use crate::calls::{Timed, timed};
use crate::echo::Echo;
use crate::people::{INBOUND, People};
use crate::service::{NO_LIMIT, ON_DEMAND, Service};
use crate::table::{Figure, Table, Target};
use crate::{Size, account, process};

/// Identities of one lookup.
const IDENTITIES: usize = 100;
/// Applicants on a page.
const PAGE: i32 = 50;
/// Calls of one measurement, after as many that only warm up.
const CALLS: usize = 2_000;
const WARMING: usize = 500;
/// Calls under way at once in the second measurement.
const AT_ONCE: usize = 8;
/// Nothing is pulled, and the whole index is kept in memory.
const SETTINGS: [(&str, &str); 2] = [
    ("FULCRUM__PULL__ENABLED", "false"),
    ("FULCRUM__STORE__CACHE_SIZE", "2GiB"),
];
/// The milliseconds within which all but one in a hundred lookups are answered, and for how many people.
const LOOKUP_MS: [(usize, f64); 2] = [(100_000, 5.0), (usize::MAX, 10.0)];
/// The milliseconds within which all but one in a hundred pages of applicants are.
const APPLICANTS_MS: f64 = 10.0;
/// CPU seconds for the SLA of 100,000 candidacies.
const SLA_SECONDS: f64 = 0.5;

pub(crate) async fn measure(size: Size, table: &mut Table) {
    candidate(size, table).await;
    let began = Instant::now();
    let people = People::mirrored(size.people.unwrap_or(size.or_quick(100_000, 10_000))).await;
    let opened = Instant::now();
    let service = Service::start_on(&people.folder, &SETTINGS).await;
    table.note(&format!(
        "a mirror of {} people: made or found in {:.1} s, opened in {:.1} s",
        people.number,
        (opened - began).as_secs_f64(),
        opened.elapsed().as_secs_f64()
    ));
    let mirror = Mirror { people, service };
    mirror.lookups(table).await;
    mirror.applicants(table).await;
    mirror.sla(table).await;
}

/// A running service with a mirror of many people.
struct Mirror {
    people: People,
    service: Service,
}

impl Mirror {
    async fn lookups(&self, table: &mut Table) {
        let ask = |call: usize| pb::LookupCandidatesRequest {
            connection_id: self.people.connection.to_string(),
            identities: self.people.asked(call, IDENTITIES),
        };
        let channel = self.service.channel();
        let cold = timed(1, 1, |call| lookup(&channel, ask(call))).await;
        self.warm().await;
        let alone = timed(CALLS, 1, |call| lookup(&channel, ask(call))).await;
        let together = timed(CALLS, AT_ONCE, |call| lookup(&channel, ask(call))).await;
        let answer = looked_up(&channel, ask(0)).await;
        let echo = Echo::start(&answer, &pb::GetCandidateResponse::default()).await;
        let bare = self.echoed(&echo, &ask, 1).await;
        let bare_together = self.echoed(&echo, &ask, AT_ONCE).await;
        let number = self.people.number;
        let (_, most) = LOOKUP_MS
            .into_iter()
            .find(|(people, _)| number <= *people)
            .unwrap_or(LOOKUP_MS[1]);
        table.row(&Figure {
            name: &format!("p99 of looking up {IDENTITIES} people of {number}"),
            measured: alone.percentile(99),
            floor: bare.percentile(99),
            unit: "ms",
            target: Target::Bound(most),
        });
        let found = answer
            .results
            .iter()
            .filter(|result| !result.matches.is_empty())
            .count();
        table.note(&format!(
            "answers of {} bytes, {found} of {IDENTITIES} found; the first call after the start: {:.1} ms",
            answer.encoded_len(),
            cold.percentile(99)
        ));
        beside(table, "alone", &alone, &bare);
        beside(table, "8 at once", &together, &bare_together);
        table.note(&format!(
            "resident: {:.0} MB",
            process::resident(self.service.id()) / 1e6
        ));
    }

    async fn echoed(
        &self,
        echo: &Echo,
        ask: &impl Fn(usize) -> pb::LookupCandidatesRequest,
        at_once: usize,
    ) -> Timed {
        let channel = echo.channel();
        timed(WARMING, at_once, |call| lookup(&channel, ask(call))).await;
        timed(CALLS, at_once, |call| lookup(&channel, ask(call))).await
    }

    /// Looks everybody up once, so that the index and the candidacies are in memory.
    async fn warm(&self) {
        let channel = self.service.channel();
        for identities in self.people.everybody(500) {
            let connection_id = self.people.connection.to_string();
            lookup(
                &channel,
                pb::LookupCandidatesRequest {
                    connection_id,
                    identities,
                },
            )
            .await;
        }
    }

    async fn applicants(&self, table: &mut Table) {
        let request = pb::ListApplicantsRequest {
            connection_id: self.people.connection.to_string(),
            page_size: PAGE,
            ..pb::ListApplicantsRequest::default()
        };
        let channel = self.service.channel();
        let list = async |request: pb::ListApplicantsRequest| {
            let mut client = InboundServiceClient::new(channel.clone());
            let answer = client.list_applicants(request).await.expect("a page");
            let applicants = answer.into_inner().applicants;
            assert_eq!(applicants.len(), PAGE as usize);
        };
        timed(WARMING, 1, |_| list(request.clone())).await;
        let alone = timed(CALLS, 1, |_| list(request.clone())).await;
        let together = timed(CALLS, AT_ONCE, |_| list(request.clone())).await;
        table.row(&Figure {
            name: &format!(
                "p99 of a page of {PAGE} of {INBOUND} applicants, of {}",
                self.people.number
            ),
            measured: alone.percentile(99),
            floor: APPLICANTS_MS,
            unit: "ms",
            target: Target::Bound(APPLICANTS_MS),
        });
        table.note(&format!("alone: {alone}; 8 at once: {together}"));
    }

    /// Through the service: the scan of the compact records, and the assessment of each.
    async fn sla(&self, table: &mut Table) {
        let mut client = InboundServiceClient::new(self.service.channel());
        let request = pb::GetSlaReportRequest {
            connection_id: self.people.connection.to_string(),
            all_stages: true,
            ..pb::GetSlaReportRequest::default()
        };
        // The first one brings the records into memory.
        client
            .get_sla_report(request.clone())
            .await
            .expect("a report");
        let cpu = process::cpu_seconds(self.service.id());
        let reports = (1_000_000 / self.people.number).clamp(1, 10);
        for _ in 0..reports {
            client
                .get_sla_report(request.clone())
                .await
                .expect("a report");
        }
        let spent = (process::cpu_seconds(self.service.id()) - cpu) / reports as f64;
        table.row(&Figure {
            name: &format!(
                "CPU of an SLA report over {} candidacies, for each 100,000",
                self.people.number
            ),
            measured: spent * 100_000.0 / self.people.number as f64,
            floor: SLA_SECONDS,
            unit: "CPU seconds",
            target: Target::Bound(SLA_SECONDS),
        });
    }
}

/// A person with one opportunity, everything about whom is mirrored.
async fn candidate(size: Size, table: &mut Table) {
    let config = lever_sim::Config {
        children: Children::Full,
        ..account::config(size.or_quick(300, 100), None)
    };
    let sim = account::start(config).await;
    let service = Service::start(&[&NO_LIMIT[..], &ON_DEMAND[..]].concat()).await;
    let connection = service.connect_all(&sim.base_url()).await;
    service.until_synced(&connection).await;
    let channel = service.channel();
    let (request, answer) = somebody(&channel, &connection, &sim.base_url()).await;
    let echo = Echo::start(&pb::LookupCandidatesResponse::default(), &answer).await;
    let measured = async |channel: Channel, at_once: usize| {
        timed(WARMING, at_once, |_| get(&channel, &request)).await;
        timed(CALLS, at_once, |_| get(&channel, &request)).await
    };
    let alone = measured(channel.clone(), 1).await;
    let bare = measured(echo.channel(), 1).await;
    let together = measured(channel, AT_ONCE).await;
    let bare_together = measured(echo.channel(), AT_ONCE).await;
    table.row(&Figure {
        name: "profiles of a person with one opportunity, beside the same answer ready",
        measured: alone.rate(),
        floor: bare.rate(),
        unit: "a second",
        target: Target::AtLeast(0.1),
    });
    table.note(&format!("answers of {} bytes", answer.encoded_len()));
    beside(table, "alone", &alone, &bare);
    beside(table, "8 at once", &together, &bare_together);
    sim.shutdown().await;
}

/// The first person of the account with one opportunity and a resume, and what is told of them.
async fn somebody(
    channel: &Channel,
    connection: &str,
    base_url: &str,
) -> (pb::GetCandidateRequest, pb::GetCandidateResponse) {
    for opportunity in account::read(base_url, "/opportunities", &[]).await.records {
        let id = opportunity["id"].as_str().unwrap_or_default().to_owned();
        let request = pb::GetCandidateRequest {
            connection_id: connection.to_owned(),
            whose: Some(pb::get_candidate_request::Whose::OpportunityId(id)),
            ..pb::GetCandidateRequest::default()
        };
        let mut client = CandidateServiceClient::new(channel.clone());
        let answer = client
            .get_candidate(request.clone())
            .await
            .expect("somebody")
            .into_inner();
        let whole = |one: &pb::CandidacyDetail| one.unread.is_empty() && !one.resumes.is_empty();
        if answer.candidacies.len() == 1 && answer.candidacies.iter().all(whole) {
            return (request, answer);
        }
    }
    panic!("nobody in the account has one opportunity and a resume");
}

fn beside(table: &Table, how: &str, measured: &Timed, bare: &Timed) {
    table.note(&format!(
        "{how}: {measured}; the bare answer: {bare}; {:.1} times at p99",
        measured.percentile(99) / bare.percentile(99)
    ));
}

async fn lookup(channel: &Channel, request: pb::LookupCandidatesRequest) {
    looked_up(channel, request).await;
}

async fn looked_up(
    channel: &Channel,
    request: pb::LookupCandidatesRequest,
) -> pb::LookupCandidatesResponse {
    let mut client = CandidateServiceClient::new(channel.clone());
    client
        .lookup_candidates(request)
        .await
        .expect("an answer")
        .into_inner()
}

async fn get(channel: &Channel, request: &pb::GetCandidateRequest) {
    let mut client = CandidateServiceClient::new(channel.clone());
    client
        .get_candidate(request.clone())
        .await
        .expect("somebody");
}
