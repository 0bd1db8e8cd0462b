//! What the service says about the linked account.

use std::collections::BTreeMap;
use std::time::Duration;

use lever_sim::AuditEntry;
use proto::v1 as pb;
use tonic::Status;

use super::wait::until;
use super::world::World;

impl World {
    pub(crate) async fn status(&self) -> pb::GetSyncStatusResponse {
        let request = pb::GetSyncStatusRequest {
            connection_id: self.connection.clone(),
        };
        self.api
            .sync()
            .get_sync_status(request)
            .await
            .expect("a status")
            .into_inner()
    }

    pub(crate) async fn stream(&self, name: &str) -> pb::StreamStatus {
        let status = self.status().await;
        status
            .streams
            .into_iter()
            .find(|stream| stream.name == name)
            .expect("a stream of that name")
    }

    pub(crate) async fn until_synced(&self) {
        until("the mirror is synced", async || {
            let status = self.status().await;
            (status.state() == pb::SyncState::Synced).then_some(())
        })
        .await;
    }

    /// Waits until the pass over what changed during the first walk over everybody has been made too: it follows that walk
    /// by itself, and from then on lists are read on schedule and when somebody asks.
    pub(crate) async fn until_at_rest(&self) {
        self.until_synced().await;
        until("what changed during the first walk is read", async || {
            let limits = |call: &AuditEntry| {
                let named = |name: &str| call.query.iter().any(|(given, _)| given == name);
                (named("stage_id"), named("updated_at_start"))
            };
            let calls = self.calls("listOpportunities");
            let limited = calls.iter().map(limits);
            let mut since = limited.skip_while(|limits| *limits != (false, false));
            since.any(|limits| limits == (false, true)).then_some(())
        })
        .await;
    }

    pub(crate) async fn until_inbound_ready(&self) {
        until("the inbound stages are read", async || {
            self.status().await.inbound_ready.then_some(())
        })
        .await;
    }

    /// The linked account as the service shows it.
    pub(crate) async fn settings(&self) -> pb::Connection {
        let request = pb::GetConnectionRequest {
            connection_id: self.connection.clone(),
        };
        let answer = self.api.connections().get_connection(request).await;
        let answer = answer.expect("an answer").into_inner();
        answer.connection.expect("a connection")
    }

    /// Changes settings of the linked account: those that `paths` name, to what `wanted` holds.
    pub(crate) async fn change(
        &self,
        wanted: pb::Connection,
        paths: &[&str],
    ) -> Result<pb::Connection, Status> {
        let request = pb::UpdateConnectionRequest {
            connection: Some(pb::Connection {
                id: self.connection.clone(),
                ..wanted
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            }),
        };
        let answer = self.api.connections().update_connection(request).await?;
        Ok(answer.into_inner().connection.expect("a connection"))
    }

    /// Has a stream read from its beginning.
    pub(crate) async fn reset(&self, stream: &str) {
        let request = pb::ResetStreamRequest {
            connection_id: self.connection.clone(),
            stream: stream.to_owned(),
            since: None,
        };
        let reset = self.api.sync().reset_stream(request).await;
        reset.expect("reset");
    }

    /// Changes whether the account wishes webhooks.
    pub(crate) async fn wish_webhooks(&self, webhooks: bool) -> Result<pb::Connection, Status> {
        let wanted = pb::Connection {
            webhooks,
            ..Default::default()
        };
        self.change(wanted, &["webhooks"]).await
    }

    /// Pulls at once instead of on schedule.
    pub(crate) async fn pull(&self) {
        self.pull_only(&[]).await;
    }

    /// Pulls some streams at once; all when none is named.
    pub(crate) async fn pull_only(&self, streams: &[&str]) {
        let request = pb::StartSyncRequest {
            connection_id: self.connection.clone(),
            streams: streams.iter().map(|name| (*name).to_owned()).collect(),
            ..Default::default()
        };
        self.api.sync().start_sync(request).await.expect("a pull");
    }

    /// The service hears the time from Lever, and sees what has become due since.
    pub(crate) async fn until_time_is_told(&self) {
        let asked = self.calls("listStages").len();
        self.pull_only(&["stages"]).await;
        until("the stages were read", async || {
            let idle = self.stream("stages").await.rate == 0.0;
            (idle && self.calls("listStages").len() > asked).then_some(())
        })
        .await;
    }

    /// Sets when a stream is read.
    pub(crate) async fn schedule(&self, stream: &str, schedule: pb::StreamSchedule) {
        let request = pb::UpdateScheduleRequest {
            connection_id: self.connection.clone(),
            stream: stream.to_owned(),
            schedule: Some(schedule),
        };
        self.api.sync().update_schedule(request).await.expect("set");
    }

    /// The passes over the list of a stream, newest first.
    pub(crate) async fn runs(&self, stream: &str) -> Vec<pb::SyncRun> {
        let request = pb::ListRunsRequest {
            connection_id: self.connection.clone(),
            stream: stream.to_owned(),
            ..Default::default()
        };
        let answer = self.api.sync().list_runs(request).await.expect("listed");
        answer.into_inner().runs
    }

    /// The mirrored opportunities by id, as the bytes kept, over all pages.
    pub(crate) async fn mirrored(&self) -> BTreeMap<String, String> {
        self.try_mirrored().await.expect("all pages")
    }

    /// As [`World::mirrored`]; the status of the first page that could not be read.
    pub(crate) async fn try_mirrored(&self) -> Result<BTreeMap<String, String>, Status> {
        let mut found = BTreeMap::new();
        let mut page_token = String::new();
        loop {
            let request = pb::ListOpportunitiesRequest {
                connection_id: self.connection.clone(),
                page_size: 70,
                page_token,
                include_raw_json: true,
                ..Default::default()
            };
            let page = self
                .api
                .lever()
                .list_opportunities(request)
                .await?
                .into_inner();
            for opportunity in page.opportunities {
                let raw = String::from_utf8(opportunity.raw_json.to_vec()).expect("UTF-8");
                let twice = found.insert(opportunity.id, raw);
                assert_eq!(twice, None, "an opportunity is on two pages");
            }
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(found);
            }
        }
    }

    /// Fails unless mirror and Lever agree byte for byte.
    pub(crate) async fn assert_mirror_equals_lever(&self) {
        if let Some(difference) = difference(&self.mirrored().await, &self.in_lever()) {
            panic!("{difference}");
        }
    }

    /// Pulls until mirror and Lever agree byte for byte.
    pub(crate) async fn pull_until_mirror_equals_lever(&self) {
        self.pull().await;
        self.until_mirror_equals_lever(Duration::from_secs(30))
            .await;
    }

    /// Waits until mirror and Lever agree byte for byte.
    pub(crate) async fn until_mirror_equals_lever(&self, longest: Duration) {
        let mut last = None;
        let outcome = tokio::time::timeout(longest, async {
            loop {
                last = difference(&self.mirrored().await, &self.in_lever());
                if last.is_none() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
        assert!(
            outcome.is_ok(),
            "the mirror never caught up: {}",
            last.unwrap_or_default()
        );
    }

    /// One mirrored document.
    pub(crate) async fn opportunity(&self, id: &str) -> Result<serde_json::Value, Status> {
        let request = pb::GetOpportunityRequest {
            connection_id: self.connection.clone(),
            opportunity_id: id.to_owned(),
            include_raw_json: true,
            ..Default::default()
        };
        let answer = self
            .api
            .lever()
            .get_opportunity(request)
            .await?
            .into_inner();
        let opportunity = answer.opportunity.expect("an opportunity");
        Ok(serde_json::from_slice(&opportunity.raw_json).expect("JSON"))
    }

    pub(crate) async fn operation(&self, id: &str) -> pb::Operation {
        let request = pb::GetOperationRequest {
            connection_id: self.connection.clone(),
            operation_id: id.to_owned(),
        };
        let answer = self
            .api
            .operations()
            .get_operation(request)
            .await
            .expect("an operation");
        answer.into_inner().operation.expect("an operation")
    }

    pub(crate) async fn operations(&self) -> Vec<pb::Operation> {
        let request = pb::ListOperationsRequest {
            connection_id: self.connection.clone(),
            page_size: 1000,
            ..Default::default()
        };
        self.api
            .operations()
            .list_operations(request)
            .await
            .expect("operations")
            .into_inner()
            .operations
    }

    /// The operation once it has settled.
    pub(crate) async fn settled(&self, id: &str) -> pb::Operation {
        until("the operation settles", async || {
            let operation = self.operation(id).await;
            settled(&operation).then_some(operation)
        })
        .await
    }

    pub(crate) async fn applicants(&self) -> pb::ListApplicantsResponse {
        let request = pb::ListApplicantsRequest {
            connection_id: self.connection.clone(),
            page_size: 1000,
            ..Default::default()
        };
        self.api
            .inbound()
            .list_applicants(request)
            .await
            .expect("applicants")
            .into_inner()
    }

    pub(crate) async fn mapping(&self) -> pb::GetStageMappingResponse {
        let request = pb::GetStageMappingRequest {
            connection_id: self.connection.clone(),
        };
        self.api
            .mapping()
            .get_stage_mapping(request)
            .await
            .expect("a mapping")
            .into_inner()
    }

    pub(crate) async fn save_mapping(
        &self,
        mapping: pb::StageMapping,
    ) -> Result<pb::StageMapping, Status> {
        let request = pb::UpdateStageMappingRequest {
            connection_id: self.connection.clone(),
            stage_mapping: Some(mapping),
        };
        let answer = self.api.mapping().update_stage_mapping(request).await?;
        Ok(answer.into_inner().stage_mapping.expect("a mapping"))
    }

    /// The suggested mapping.
    pub(crate) async fn suggested(&self) -> pb::SuggestStageMappingResponse {
        let request = pb::SuggestStageMappingRequest {
            connection_id: self.connection.clone(),
        };
        self.api
            .mapping()
            .suggest_stage_mapping(request)
            .await
            .expect("a suggestion")
            .into_inner()
    }
}

fn settled(operation: &pb::Operation) -> bool {
    use pb::OperationState as State;
    matches!(
        operation.state(),
        State::Succeeded | State::Failed | State::Uncertain | State::Cancelled
    )
}

/// The first difference, if any; whole documents of a large account would drown it.
fn difference(
    mirror: &BTreeMap<String, String>,
    lever: &BTreeMap<String, String>,
) -> Option<String> {
    let ids = mirror.keys().chain(lever.keys());
    let id = ids
        .into_iter()
        .find(|id| mirror.get(*id) != lever.get(*id))?;
    Some(format!(
        "opportunity {id} (of {} mirrored, {} in Lever)\n mirror: {:?}\n lever:  {:?}",
        mirror.len(),
        lever.len(),
        mirror.get(id),
        lever.get(id)
    ))
}

impl World {
    /// Everything in quarantine, which is as much as the status counts.
    pub(crate) async fn quarantine(&self) -> Vec<pb::QuarantinedRecord> {
        let request = pb::ListQuarantineRequest {
            connection_id: self.connection.clone(),
            page_size: 1000,
            include_raw_json: true,
            ..Default::default()
        };
        let answer = self.api.sync().list_quarantine(request).await;
        answer.expect("listed").into_inner().records
    }

    /// How many records are in quarantine, by the status of each stream.
    pub(crate) async fn quarantined(&self) -> u64 {
        let streams = self.status().await.streams;
        streams.iter().map(|stream| stream.quarantined).sum()
    }
}
