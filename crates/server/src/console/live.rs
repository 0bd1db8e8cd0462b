//! Pages that are told when something they show has changed; they ask for it then.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use domain::OperationId;
use engine::OperationMove;
use futures::{Stream, StreamExt as _, stream};
use maud::{Markup, html};
use proto::v1 as pb;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::desk::Desk;
use super::frame::Tab;
use super::refusal::Refused;
use crate::wire::status::status;

/// The shortest time between two looks of a page at what has changed.
const PACE: Duration = Duration::from_millis(500);

/// Tells a page of `changes` one by one, until the service stops, or the token does, or its reader signs out.
///
/// # Errors
/// A limit of live pages that is met.
pub(super) fn tell(
    desk: &Desk,
    changes: impl Stream<Item = ()> + Send + 'static,
) -> Result<Response, Refused> {
    let seat = desk.live_seat()?;
    let events = changes.map(move |()| {
        // It is given back with the stream.
        let _taken = &seat;
        // An event without data is none to a browser.
        Ok::<_, Infallible>(Event::default().event("changed").data("look"))
    });
    let (stop, over) = (desk.api().stop.clone(), desk.over());
    let end = async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = over => {}
        }
    };
    Ok(Sse::new(events.take_until(Box::pin(end)))
        .keep_alive(KeepAlive::default())
        .into_response())
}

/// What has a page follow the mirror of a connection, where scripts run.
pub(super) fn place(connection: &str) -> Markup {
    html! { div data-live={ (Tab::Overview.path(connection)) "/live" } {} }
}

/// What changes about the mirror of a connection; the first comes at once, for what a page has missed since it was made.
///
/// # Errors
/// Not found.
pub(super) fn of_mirror(
    desk: &Desk,
    connection: &pb::Connection,
) -> Result<impl Stream<Item = ()> + Send + use<>, Refused> {
    let id = crate::wire::connection_id(&connection.id).map_err(status)?;
    let mut changes = desk.api().engine.watch_sync(id).map_err(status)?;
    changes.mark_changed();
    Ok(stream::unfold(changes, async |mut changes| {
        changes.changed().await.ok()?;
        tokio::time::sleep(PACE).await;
        Some(((), changes))
    }))
}

/// What happens to one operation, or to a bulk and its items; the first comes at once, as for a mirror.
pub(super) fn of_operation(
    moves: Receiver<OperationMove>,
    operation: OperationId,
) -> impl Stream<Item = ()> + Send {
    of_operations(moves, move |moved| {
        moved.operation == operation || moved.operation.is_item_of(operation)
    })
}

/// What happens to the operations that are `shown`; the first comes at once.
pub(super) fn of_operations(
    moves: Receiver<OperationMove>,
    shown: impl Fn(OperationMove) -> bool + Copy + Send,
) -> impl Stream<Item = ()> + Send {
    stream::unfold((moves, true), move |(mut moves, missed)| async move {
        if !missed {
            moved(&mut moves, shown).await?;
        }
        tokio::time::sleep(PACE).await;
        // The look that is taken now sees what has happened until now.
        Some(((), (moves.resubscribe(), false)))
    })
}

/// Waits until an operation that is shown moves, or moves were missed that could be of one; none when no more come.
async fn moved(
    moves: &mut Receiver<OperationMove>,
    shown: impl Fn(OperationMove) -> bool,
) -> Option<()> {
    loop {
        match moves.recv().await {
            Ok(moved) if shown(moved) => return Some(()),
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => return Some(()),
            Err(RecvError::Closed) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::FutureExt as _;
    use tokio::sync::broadcast;
    use tokio::time::advance;

    use super::*;

    /// Seen to fail while what came between two looks was told one by one.
    #[tokio::test(start_paused = true)]
    async fn a_page_of_a_bulk_is_told_of_many_moves_at_once_and_of_none_of_others() {
        let bulk = OperationId::with_room(uuid::Uuid::now_v7());
        let other = OperationId::with_room(uuid::Uuid::now_v7());
        let (all, moves) = broadcast::channel(8);
        let send = |operation| {
            let connection = domain::ConnectionId::from_bytes([0; 16]);
            all.send(OperationMove {
                connection,
                operation,
            })
        };
        let mut changes = pin!(of_operation(moves, bulk));
        assert_eq!(changes.next().await, Some(()), "what was missed");
        send(other).unwrap();
        send(other.item(1)).unwrap();
        assert_eq!(changes.next().now_or_never(), None);
        advance(PACE * 2).await;
        assert_eq!(changes.next().now_or_never(), None);
        for number in 1..5 {
            send(bulk.item(number)).unwrap();
        }
        assert_eq!(changes.next().await, Some(()));
        assert_eq!(changes.next().now_or_never(), None);
        advance(PACE * 2).await;
        assert_eq!(changes.next().now_or_never(), None);
        send(bulk).unwrap();
        assert_eq!(changes.next().await, Some(()));
        // More than anybody keeps: something of the bulk may be among them.
        for _ in 0..20 {
            send(other).unwrap();
        }
        assert_eq!(changes.next().await, Some(()));
        drop(all);
        assert_eq!(changes.next().await, None);
    }
}
