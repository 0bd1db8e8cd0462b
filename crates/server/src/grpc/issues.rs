//! What somebody should look after, for `ConnectionService`.

use domain::ConnectionId;
use domain::IssueState;
use proto::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Api, caller, connection_of};
use crate::auth::Caller;
use crate::wire;
use crate::wire::issues::{action, filter, issue_id, to_pb};
use crate::wire::page_token::Bound;
use crate::wire::status::status;

/// Where a page of issues ended: when the last one showed first, of which connection it is, and which it is.
type Place = (i64, String, String);

impl Api {
    pub(super) async fn issues(
        &self,
        request: Request<pb::ListIssuesRequest>,
    ) -> Result<Response<pb::ListIssuesResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let connections = self.asked_for(&caller, &request.connection_id).await?;
        let size = wire::page_size(request.page_size, 100, 1000).map_err(status)?;
        let filter = filter(&request).map_err(status)?;
        let question = [&request.connection_id, &format!("{filter:?}")];
        let bound = Bound::new(&caller.id, "ListIssues", &question.map(String::as_str));
        let store = self.engine.store();
        let after: Option<Place> = bound.open(store, &request.page_token).map_err(status)?;
        let all = self.engine.issues(&connections, &filter).await;
        let all = all.map_err(status)?;
        let open = all
            .iter()
            .filter(|(_, issue)| issue.state() == IssueState::Open);
        let open = u32::try_from(open.count()).unwrap_or(u32::MAX);
        let mut page: Vec<_> = all
            .into_iter()
            .filter(|(connection, issue)| comes_after(&place(*connection, issue), after.as_ref()))
            .take(size + 1)
            .collect();
        let more = page.len() > size;
        page.truncate(size);
        let last = page.last().filter(|_| more);
        let last = last.map(|(connection, issue)| place(*connection, issue));
        let mut issues = Vec::new();
        for (id, issue) in page {
            issues.push(self.issue_in_words(id, issue).await);
        }
        Ok(Response::new(pb::ListIssuesResponse {
            issues,
            next_page_token: bound.seal(store, last.as_ref()).map_err(status)?,
            open,
        }))
    }

    /// An issue with the names of what it concerns.
    async fn issue_in_words(&self, id: ConnectionId, issue: domain::Issue) -> pb::Issue {
        let mut names = self.engine.affected_names(id, &issue.affected).await;
        if issue.kind == domain::IssueKind::ActingUser {
            for (one, name) in issue.affected.iter().zip(&mut names) {
                *name = self.product_user(id, one).await.unwrap_or_default();
            }
        }
        to_pb(id, issue, names)
    }

    /// The product user whom a write was asked for by; none for anything else, or once it is not kept any more.
    async fn product_user(
        &self,
        id: ConnectionId,
        one: &domain::issue::Affected,
    ) -> Option<String> {
        if one.what != "operation" {
            return None;
        }
        let operation = wire::operation_id(&one.id).ok()?;
        let operation = self.engine.operation(id, operation).await.ok()?;
        operation.asked_for
    }

    /// The connection that is named, or all that the caller may see.
    async fn asked_for(&self, caller: &Caller, named: &str) -> Result<Vec<ConnectionId>, Status> {
        if !named.is_empty() {
            let id = connection_of(caller, named)?;
            self.engine.connection(id).await.map_err(status)?;
            return Ok(vec![id]);
        }
        let all = self.engine.connections().await.map_err(status)?;
        let ids = all.into_iter().map(|connection| connection.id);
        Ok(ids.filter(|id| caller.sees(*id)).collect())
    }

    pub(super) async fn act_on_issue(
        &self,
        request: Request<pb::UpdateIssueRequest>,
    ) -> Result<Response<pb::UpdateIssueResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = connection_of(&caller, &request.connection_id)?;
        let issue = issue_id(&request.issue_id).map_err(status)?;
        let action = action(request.action()).map_err(status)?;
        let issue = self
            .engine
            .update_issue(id, issue, action, &caller.name, &request.note)
            .await
            .map_err(status)?;
        Ok(Response::new(pb::UpdateIssueResponse {
            issue: Some(self.issue_in_words(id, issue).await),
        }))
    }
}

fn place(connection: ConnectionId, issue: &domain::Issue) -> Place {
    let first_seen = issue.first_seen.as_millis();
    (first_seen, connection.to_string(), issue.id.to_string())
}

/// Whether a place comes after another one in the list: the newest first, then by their ids.
fn comes_after(place: &Place, after: Option<&Place>) -> bool {
    after.is_none_or(|after| {
        let (at, at_after) = (place.0, after.0);
        at < at_after || (at == at_after && (&place.1, &place.2) > (&after.1, &after.2))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_goes_on_after_the_last_issue_of_the_one_before() {
        let place = |at: i64, id: &str| (at, "c".to_owned(), id.to_owned());
        let last = place(5, "b");
        for (next, comes) in [
            (place(6, "z"), false),
            (place(5, "a"), false),
            (place(5, "b"), false),
            (place(5, "c"), true),
            (place(4, "a"), true),
        ] {
            assert_eq!(comes_after(&next, Some(&last)), comes, "{next:?}");
        }
        assert!(comes_after(&last, None));
    }
}
