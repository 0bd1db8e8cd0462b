//! The connections that are of use to nobody, and make room where there is none left.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::wire::Wire;

/// Connections that were of use to nobody yet, or over HTTP/1 wait for another request; the oldest first, with some that
/// have ended since, or are in use again.
#[derive(Debug, Clone)]
pub(super) struct Spare {
    wires: Arc<Mutex<VecDeque<Wire>>>,
    /// How many connections there can be.
    connections: usize,
}

impl Spare {
    pub(super) fn new(connections: usize) -> Spare {
        Spare {
            wires: Arc::default(),
            connections,
        }
    }

    /// Takes note of one, unless it is there already.
    pub(super) fn add(&self, wire: Wire) {
        let mut wires = self.locked();
        if !wire.list() {
            return;
        }
        // Twice as many as there can be: looked through so seldom that it costs each connection next to nothing.
        if wires.len() > 2 * self.connections {
            wires.retain(|wire| wire.may_have_to_yield() || wire.unlist());
        }
        wires.push_back(wire);
    }

    /// Has the oldest end; false if there is none.
    pub(super) fn make_room(&self) -> bool {
        let mut wires = self.locked();
        std::iter::from_fn(|| wires.pop_front()).any(|wire| {
            wire.unlist();
            wire.make_room()
        })
    }

    fn locked(&self) -> MutexGuard<'_, VecDeque<Wire>> {
        self.wires.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the connection of a request spare again once that is answered.
pub(super) async fn spare_again(
    State(spare): State<Spare>,
    request: Request,
    next: Next,
) -> Response {
    let wire: Option<Wire> = request.extensions().get().cloned();
    let used = wire.map(|wire| Used { wire, spare });
    let response = next.run(request).await;
    response.map(|body| Body::new(Answered { body, _used: used }))
}

/// That a connection is in use, until this is dropped.
struct Used {
    wire: Wire,
    spare: Spare,
}

impl Drop for Used {
    fn drop(&mut self) {
        self.wire.rest();
        self.spare.add(self.wire.clone());
    }
}

/// An answer, and its connection in use.
struct Answered {
    body: Body,
    _used: Option<Used>,
}

impl HttpBody for Answered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_that_is_of_no_use_makes_room_and_nobody_is_there_twice() {
        let spare = Spare::new(1);
        let [one, two] = [Wire::default(), Wire::default()];
        spare.add(one.clone());
        spare.add(two.clone());
        // The first is in use when it is come to, and spare again after that.
        one.prove();
        assert!(spare.make_room());
        assert!(two.yielded() && !one.yielded());
        one.rest();
        spare.add(one.clone());
        spare.add(one.clone());
        assert!(spare.make_room() && one.yielded());
        assert!(!spare.make_room());
    }

    #[test]
    fn those_in_use_are_forgotten_and_come_again() {
        let spare = Spare::new(1);
        let wires = [(); 6].map(|()| Wire::default());
        for wire in &wires {
            wire.prove();
            spare.add(wire.clone());
        }
        assert!(spare.locked().len() <= 3);
        assert!(!spare.make_room());
        wires[0].rest();
        spare.add(wires[0].clone());
        assert!(spare.make_room() && wires[0].yielded());
    }
}
