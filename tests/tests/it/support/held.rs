//! Reading the list of opportunities page by page, while people work in the account.
//!
//! The service pulls only when it is asked to ([`Setup::asked_only`]): no walk over everybody and no pass over the inbound
//! stages brings what the pass in question has missed.

use std::time::Duration;

use lever_sim::{Action, AuditEntry, FaultPlan, FaultRule};
use proto::v1 as pb;

use super::wait::{until, until_within};
use super::world::{Setup, World};

impl Setup {
    /// Nothing is read from Lever but what somebody asks for.
    pub(crate) fn asked_only(self) -> Setup {
        self.with("FULCRUM__PULL__ENABLED", "false")
    }
}

impl World {
    /// One pass over the opportunities, and over the lists of who was deleted.
    pub(crate) async fn pass(&mut self) {
        let before = self.last_pass().await;
        self.pull_only(&["opportunities"]).await;
        until("the pass has ended well", async || {
            self.has_passed(before.as_ref()).await.then_some(())
        })
        .await;
    }

    /// The same while Lever holds back each page of it until `meanwhile` has happened. What that changes in Lever is not
    /// on the page; it may end the service too.
    pub(crate) async fn held_pass(
        &mut self,
        mut meanwhile: impl AsyncFnMut(&mut World, &AuditEntry),
    ) {
        let hold = Action::StallAfter(Duration::from_secs(600));
        self.lever.set_faults(FaultPlan {
            seed: 0,
            rules: vec![FaultRule::on("listOpportunities", hold)],
        });
        let before = self.last_pass().await;
        let mut seen = self.calls("listOpportunities").len();
        self.pull_only(&["opportunities"]).await;
        // It may have to be started again and again.
        let longest = Duration::from_secs(120);
        until_within(longest, "the pass has ended well", async || {
            if let Some(page) = self.calls("listOpportunities").get(seen) {
                seen += 1;
                meanwhile(self, page).await;
                self.lever.release_stalls();
            }
            self.has_passed(before.as_ref()).await.then_some(())
        })
        .await;
        self.lever.set_faults(FaultPlan::default());
    }

    async fn last_pass(&self) -> Option<pb::SyncRun> {
        self.runs("opportunities").await.into_iter().next()
    }

    async fn has_passed(&self, before: Option<&pb::SyncRun>) -> bool {
        let last = self.last_pass().await;
        let ended = last.as_ref().filter(|last| Some(*last) != before);
        ended.is_some_and(|last| last.state() == pb::RunState::Succeeded)
    }
}
