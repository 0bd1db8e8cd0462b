//! Reads the account's users at once, for a write that somebody is to be found for.

use domain::Stream;
use lever::Lane;
use store::Refresh;
use tokio::time::Instant;

use super::page::{Content, account_page};
use super::policy::policy;
use super::request;
use crate::engine::Shared;
use crate::error::Result;
use crate::link::Link;
use crate::skew::Moment;

/// Shows all users of the account in the mirror as they are now, unless that was done for a write since `since`, or,
/// without a time, since the start.
///
/// # Errors
/// If Lever cannot be asked or refuses, or the store cannot be written.
pub(crate) async fn read_users(
    shared: &Shared,
    link: &Link,
    lane: Lane,
    since: Option<Instant>,
) -> Result<()> {
    let mut last = link.users_read.lock().await;
    if last.is_some_and(|last| since.is_none_or(|since| last >= since)) {
        return Ok(());
    }
    let began = Instant::now();
    let client = link.client(lane).with_limits(shared.clients.single_try());
    let (mut offset, mut rank) = (None, 0);
    loop {
        let sent = Moment::now(&shared.clock);
        let answer = client.answer(&request::users(offset)).await?;
        let requested_at = link.answered(answer.date, sent, Moment::now(&shared.clock));
        let now = shared.clock.now();
        let next = answer.value.next.clone();
        let Content {
            records,
            quarantined,
        } = account_page(&link.connection(), Stream::Users, answer.value, rank, now);
        rank = rank.saturating_add(u32::try_from(records.len()).unwrap_or(u32::MAX));
        let refresh = Refresh {
            connection: link.id(),
            requested_at,
            now,
            records,
            deleted: Vec::new(),
            quarantined,
            policy: policy(shared, link),
        };
        shared.store.apply_refresh(refresh).await?;
        match next {
            Some(next) => offset = Some(next),
            None => break,
        }
    }
    *last = Some(began);
    Ok(())
}
