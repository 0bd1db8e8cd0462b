//! The steps of the demo, each a client of the service as any other would be.

mod writes;

use std::collections::BTreeMap;

use lever_sim::DEFAULT_KEY;
use proto::v1 as pb;
use tokio_stream::StreamExt as _;
use tonic::transport::ClientTlsConfig;

use super::render::{self, INDENTED};
use super::scene::Scene;
use crate::cli::view::applicants::{self, Detail};
use crate::cli::view::{DIM, grouped, mapping, styled, sync, time};
use crate::cli::{Client, Failure, Output, Progress};

/// A tour under way.
pub(super) struct Tour<'a> {
    scene: &'a Scene,
    output: &'a mut Output,
    client: Client,
    server: String,
    connection_id: String,
    /// Texts of stages and archive reasons by their ids.
    names: BTreeMap<String, String>,
    /// Whom the writes are about.
    subject: String,
    /// The operation of the note.
    note: String,
}

impl<'a> Tour<'a> {
    /// Connects the simulated account.
    pub(super) async fn begin(
        scene: &'a Scene,
        output: &'a mut Output,
    ) -> Result<Tour<'a>, Failure> {
        let server = format!("http://{}", scene.service.grpc);
        let size = scene.sim.opportunities().len() as u64;
        output.line(format!(
            "Fulcrum, between a sourcing product and Lever.\n\
             Lever is simulated: {} opportunities, 10 requests a second as in real life.",
            grouped(size)
        ))?;
        output.line(render::heading(1, "Connect", ""))?;
        let client = Client::reach(&server, None, ClientTlsConfig::new()).await?;
        let request = pb::CreateConnectionRequest {
            connection: Some(pb::Connection {
                display_name: "Demo".to_owned(),
                external_id: "demo".to_owned(),
                base_url: scene.sim.base_url(),
                ..Default::default()
            }),
            api_key: DEFAULT_KEY.to_owned(),
            ..Default::default()
        };
        let connection = client
            .connections()
            .create_connection(request)
            .await?
            .into_inner()
            .connection;
        let connection_id = connection.unwrap_or_default().id;
        output.line(format!(
            "   Fulcrum     {server}\n   Lever       {}",
            scene.sim.base_url()
        ))?;
        output.line(format!("   connection  {connection_id}"))?;
        let (names, subject, note) = Default::default();
        Ok(Tour {
            scene,
            output,
            client,
            server,
            connection_id,
            names,
            subject,
            note,
        })
    }

    /// Shows applicants as soon as there are any, long before the account is complete.
    pub(super) async fn first_applicants(&mut self) -> Result<(), Failure> {
        let status = self.watch(|status| status.inbound_ready).await?;
        let page = self.list(pb::ApplicantOrder::NewestFirst, 5).await?;
        let seconds = self.scene.began.elapsed().as_secs_f64();
        let beside = format!("after {seconds:.1} s and {}", sync::requests_made(&status));
        self.output.line(render::heading(
            2,
            "First inbound applicants",
            &styled(DIM, &beside),
        ))?;
        self.output.text(render::indented(&applicants::table(
            &page.applicants,
            Detail::Job,
            time::now_ms(),
            INDENTED,
        )))?;
        self.more(page.total_size, page.applicants.len())
    }

    /// Shows the suggested stage mapping and saves it.
    pub(super) async fn stage_mapping(&mut self) -> Result<(), Failure> {
        let request = pb::SuggestStageMappingRequest {
            connection_id: self.connection_id.clone(),
        };
        let answer = self
            .client
            .stage_mapping()
            .suggest_stage_mapping(request)
            .await?
            .into_inner();
        self.output.line(render::heading(
            3,
            "Suggested stage mapping",
            &styled(DIM, "from the names of the stages"),
        ))?;
        self.output.text(render::indented(&mapping::suggestions(
            &answer.suggestions,
            INDENTED,
        )))?;
        self.names.extend(
            answer
                .suggestions
                .into_iter()
                .map(|stage| (stage.stage_id, stage.text)),
        );
        let request = pb::UpdateStageMappingRequest {
            connection_id: self.connection_id.clone(),
            stage_mapping: answer.suggested,
        };
        let answer = self
            .client
            .stage_mapping()
            .update_stage_mapping(request)
            .await?
            .into_inner();
        let version = answer.stage_mapping.unwrap_or_default().version;
        let inbound = answer.stages.iter().filter(|stage| stage.inbound).count();
        let saved = format!(
            "   saved as version {version}; people in {inbound} of the stages are inbound applicants"
        );
        self.output.line(styled(DIM, &saved))
    }

    /// Shows applicants on both sides of the time their answer is due.
    pub(super) async fn applicants(&mut self) -> Result<(), Failure> {
        const SHOWN: usize = 10;
        let page = self.list(pb::ApplicantOrder::OldestFirst, 1_000).await?;
        let now = time::now_ms();
        let shown = render::around_due(&page.applicants, SHOWN, now);
        self.output.line(render::heading(
            4,
            "Inbound applicants",
            &render::summary(&page.applicants),
        ))?;
        self.output.text(render::indented(&applicants::table(
            &shown,
            Detail::Job,
            now,
            INDENTED,
        )))?;
        self.subject = self.choose(&page.applicants)?;
        self.more(page.total_size, shown.len())
    }

    /// Waits until the mirror has every opportunity.
    pub(super) async fn whole_account(&mut self) -> Result<(), Failure> {
        self.output.line(render::heading(
            5,
            "The rest of the account",
            &styled(DIM, "applicants came first, history comes now"),
        ))?;
        let status = self
            .watch(|status| {
                status.state() == pb::SyncState::Synced || opportunities_complete(status)
            })
            .await?;
        let records = opportunities(&status)
            .and_then(|stream| stream.records)
            .unwrap_or(0);
        let told = format!(
            "   {} opportunities mirrored with {}",
            grouped(records),
            sync::requests_made(&status)
        );
        self.output.line(told)
    }

    /// Says where things are and what to try.
    pub(super) fn farewell(&mut self, leaving: bool) -> Result<(), Failure> {
        let totals = render::totals(self.scene.sim.audit().len(), self.scene.began.elapsed());
        if leaving {
            return self.output.line(format!("\n{totals}"));
        }
        let program = std::env::args()
            .next()
            .unwrap_or_else(|| "fulcrum".to_owned());
        self.output.line(render::heading(8, "Yours to try", ""))?;
        self.output
            .line(format!("   gRPC    {} (with reflection)", self.server))?;
        let http = self.scene.service.http;
        self.output
            .line(format!("   console http://{http}/console"))?;
        self.output
            .line(format!("   health  http://{http}/readyz"))?;
        self.output
            .line(format!("   data    {}", self.scene.data().display()))?;
        self.output.line("")?;
        for command in ["inbound --oldest-first", "mapping show", "op list"] {
            self.output
                .line(format!("   {program} {command} --server {}", self.server))?;
        }
        let end = if self.scene.temporary() {
            "Ctrl-C ends the demo and removes its data."
        } else {
            "Ctrl-C ends the demo."
        };
        self.output.line(format!("\n{totals} {end}"))
    }

    /// Waits for a state of the mirror, showing how many opportunities it has.
    async fn watch(
        &mut self,
        reached: impl Fn(&pb::SyncStatus) -> bool,
    ) -> Result<pb::SyncStatus, Failure> {
        let request = pb::WatchSyncRequest {
            connection_id: self.connection_id.clone(),
        };
        let mut changes = self.client.sync().watch_sync(request).await?.into_inner();
        let total = self.scene.sim.opportunities().len() as u64;
        let mut progress = Progress::records(self.output, Some(total));
        while let Some(change) = changes.next().await {
            let status = change?.status.unwrap_or_default();
            if reached(&status) {
                return Ok(status);
            }
            if let Some(stream) = status.streams.iter().find(|stream| broken(stream)) {
                return Err(Failure::new(format!(
                    "the pull of {} does not go on: {}",
                    stream.name, stream.error
                )));
            }
            let records = opportunities(&status)
                .and_then(|stream| stream.records)
                .unwrap_or(0);
            let beside = sync::requests_made(&status);
            progress.show(self.output, records, &beside, || {
                format!(
                    "   {} of {} opportunities, {beside}",
                    grouped(records),
                    grouped(total)
                )
            })?;
        }
        Err(Failure::new(
            "the service stopped telling how far the mirror has come",
        ))
    }

    async fn list(
        &self,
        order: pb::ApplicantOrder,
        page_size: i32,
    ) -> Result<pb::ListApplicantsResponse, Failure> {
        let request = pb::ListApplicantsRequest {
            connection_id: self.connection_id.clone(),
            page_size,
            order: order.into(),
            ..Default::default()
        };
        Ok(self
            .client
            .inbound()
            .list_applicants(request)
            .await?
            .into_inner())
    }

    fn more(&mut self, total: u64, shown: usize) -> Result<(), Failure> {
        match total.saturating_sub(shown as u64) {
            0 => Ok(()),
            more => self
                .output
                .line(styled(DIM, &format!("   + {} more", grouped(more)))),
        }
    }
}

fn opportunities(status: &pb::SyncStatus) -> Option<&pb::StreamStatus> {
    status
        .streams
        .iter()
        .find(|stream| stream.name == "opportunities")
}

fn opportunities_complete(status: &pb::SyncStatus) -> bool {
    opportunities(status).is_some_and(|stream| stream.state() == pb::StreamState::Synced)
}

fn broken(stream: &pb::StreamStatus) -> bool {
    matches!(
        stream.state(),
        pb::StreamState::Failed | pb::StreamState::Forbidden
    )
}
