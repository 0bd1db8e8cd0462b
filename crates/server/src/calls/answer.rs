//! The body of an answer, which can end before what gives it does: when its token is revoked or has expired, when its
//! time is over, or when nobody reads it.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::Status;

use super::{Held, Refusal, Seat, locked};
use crate::wire::status::over_limit;

/// The limit of what waits for the readers of one token.
const UNREAD_SIZE: &str = "limits.unread_size";

/// The most that is handed over at once, a frame of HTTP/2: what is handed over waits below us for a reader who does
/// not come, and is not counted, as a message is not that is no larger.
const PIECE: usize = 16 << 10;

/// On what terms an answer is given.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) seat: Seat,
    /// What ends the answer early; none for one that is there whole when it begins.
    pub(crate) ends: Option<Ends>,
    /// How much of answers may wait for the readers of this caller.
    pub(crate) most_unread: usize,
    /// Lets go of the connection when nobody reads the answer.
    pub(crate) hangup: Option<Hangup>,
}

/// What ends an answer early.
#[derive(Debug)]
pub(crate) struct Ends {
    /// Is cancelled when the caller may call no more, which ends the answer with `then`.
    pub(crate) ended: CancellationToken,
    pub(crate) then: fn() -> Status,
    /// When the answer must have been given, and how it ends otherwise.
    pub(crate) until: Option<(Instant, Status)>,
}

/// Asks for an end of a connection: no new calls on it, and its end once those under way had their time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hangup(pub(crate) CancellationToken);

/// Whether an answer is given up for nobody reads it; the reader's status when it comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// Between two messages: the reader can still be told why.
    Between,
    /// Within a message: the stream just breaks off.
    Within,
}

/// The answers that are being given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Open(Arc<Register>);

#[derive(Debug, Default)]
struct Register {
    next: AtomicU64,
    answers: Mutex<HashMap<u64, Arc<Core>>>,
}

/// The body of an answer.
pub(crate) struct Answer {
    core: Arc<Core>,
    number: u64,
    open: Open,
    ending: Option<Ending>,
    unread: fn() -> Status,
}

/// [`Ends`], as it is waited for.
struct Ending {
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
    then: fn() -> Status,
    until: Option<(Pin<Box<Sleep>>, Status)>,
}

impl Ending {
    fn of(ends: Ends) -> Ending {
        let until = ends.until;
        Ending {
            ended: Box::pin(ends.ended.cancelled_owned()),
            then: ends.then,
            until: until.map(|(at, then)| (Box::pin(tokio::time::sleep_until(at)), then)),
        }
    }

    /// Why the answer ends here, if it does.
    fn poll(&mut self, cx: &mut Context<'_>) -> Option<Status> {
        if self.ended.as_mut().poll(cx).is_ready() {
            return Some((self.then)());
        }
        let (at, status) = self.until.as_mut()?;
        at.as_mut().poll(cx).is_ready().then(|| status.clone())
    }
}

/// What a reader who does not come cannot keep from being let go of.
struct Core {
    hangup: Option<Hangup>,
    most_unread: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What gives the answer, and the room that it takes up.
    source: Option<(Body, Seat)>,
    /// Of the last message, what is not handed over yet.
    rest: Bytes,
    /// What that takes up.
    held: Option<Held>,
    /// The last message was more than may wait for the reader.
    too_much: bool,
    /// What is to be handed over that is no data, or a fault.
    other: Option<Result<Frame<Bytes>, axum::Error>>,
    /// When something was handed over, unless the reader has asked for more since.
    handed: Option<Instant>,
    unread: Option<Unread>,
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").finish_non_exhaustive()
    }
}

impl Open {
    /// Gives an answer on these terms; `unread` tells a reader who comes back too late.
    pub(crate) fn give(&self, body: Body, terms: Terms, unread: fn() -> Status) -> Body {
        let mut state = State {
            source: Some((body, terms.seat)),
            handed: Some(Instant::now()),
            ..State::default()
        };
        // What is there already is counted now: the library asks for nothing before the reader has room for a byte.
        // Whatever comes later wakes whoever asks then.
        let _ = state.fill(terms.most_unread, &mut Context::from_waker(Waker::noop()));
        let core = Arc::new(Core {
            hangup: terms.hangup,
            most_unread: terms.most_unread,
            state: Mutex::new(state),
        });
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        locked(&self.0.answers).insert(number, core.clone());
        Body::new(Answer {
            core,
            number,
            open: self.clone(),
            ending: terms.ends.map(Ending::of),
            unread,
        })
    }

    /// Lets go of all that was handed over so long ago without being read.
    pub(crate) fn give_up(&self, longest: Duration) {
        let answers: Vec<_> = locked(&self.0.answers).values().cloned().collect();
        for core in answers {
            core.give_up(longest);
        }
    }
}

impl Core {
    fn give_up(&self, longest: Duration) {
        let mut state = locked(&self.state);
        if state.handed.is_none_or(|at| at.elapsed() < longest) {
            return;
        }
        let unread = match state.rest.is_empty() {
            true => Unread::Between,
            false => Unread::Within,
        };
        let former = std::mem::replace(
            &mut *state,
            State {
                unread: Some(unread),
                ..State::default()
            },
        );
        drop(state);
        drop(former);
        if let Some(Hangup(hangup)) = &self.hangup {
            hangup.cancel();
        }
        metrics::counter!(engine::figures::ANSWERS_UNREAD.name).increment(1);
    }
}

/// What is handed over, or none at the end.
type Piece = Option<Result<Frame<Bytes>, axum::Error>>;

impl State {
    /// Has something to hand over, if there is anything: `rest` or, other than data, `other`.
    fn fill(&mut self, most_unread: usize, cx: &mut Context<'_>) -> Poll<()> {
        if !self.rest.is_empty() || self.other.is_some() || self.too_much {
            return Poll::Ready(());
        }
        let Some((body, seat)) = &mut self.source else {
            return Poll::Ready(());
        };
        match ready!(Pin::new(&mut *body).poll_frame(cx)) {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) if data.len() <= PIECE => self.rest = data,
                Ok(data) => match seat.hold(data.len(), most_unread) {
                    Some(held) => (self.rest, self.held) = (data, Some(held)),
                    // What gives the answer keeps the memory of the message as long as it is there itself.
                    None => (*body, self.too_much) = (Body::empty(), true),
                },
                Err(other) => self.other = Some(Ok(other)),
            },
            Some(Err(error)) => self.other = Some(Err(error)),
            None => self.source = None,
        }
        Poll::Ready(())
    }

    /// The next piece to hand over; none at the end.
    fn next(&mut self, most_unread: usize, cx: &mut Context<'_>) -> Poll<Piece> {
        loop {
            ready!(self.fill(most_unread, cx));
            if self.too_much {
                *self = State::default();
                let told = over_limit(Refusal {
                    limit: UNREAD_SIZE,
                    retry_after: Duration::from_secs(1),
                });
                return Poll::Ready(Some(Ok(Frame::trailers(trailers(&told)))));
            }
            if let Some(other) = self.other.take() {
                return Poll::Ready(Some(other));
            }
            if !self.rest.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(self.piece()))));
            }
            if self.source.is_none() {
                return Poll::Ready(None);
            }
        }
    }

    fn piece(&mut self) -> Bytes {
        let piece = self.rest.split_to(self.rest.len().min(PIECE));
        if self.rest.is_empty() {
            self.held = None;
        }
        self.handed = Some(Instant::now());
        piece
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let core = this.core.clone();
        let mut state = locked(&core.state);
        state.handed = None;
        let told = match state.unread.take() {
            Some(Unread::Within) => {
                return Poll::Ready(Some(Err(axum::Error::new((this.unread)()))));
            }
            Some(Unread::Between) => Some((this.unread)()),
            // Of a message that has begun the rest follows; a reader could not tell the end from a fault otherwise.
            None if state.held.is_some() || state.source.is_none() => None,
            None => this.ending.as_mut().and_then(|ending| ending.poll(cx)),
        };
        match told {
            Some(status) => {
                *state = State::default();
                Poll::Ready(Some(Ok(Frame::trailers(trailers(&status)))))
            }
            None => state.next(core.most_unread, cx),
        }
    }

    /// An answer without a body ends with its head, as the protocol wants it.
    fn is_end_stream(&self) -> bool {
        let state = locked(&self.core.state);
        let ends = |(body, _): &(Body, Seat)| body.is_end_stream();
        let nothing_comes = state.source.as_ref().is_none_or(ends);
        let nothing_waits = state.rest.is_empty() && state.other.is_none() && !state.too_much;
        state.unread.is_none() && nothing_waits && nothing_comes
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        locked(&self.open.0.answers).remove(&self.number);
    }
}

fn trailers(status: &Status) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    if status.add_header(&mut trailers).is_err() {
        // Only a message that is no header could do this, and ours are.
        trailers.insert("grpc-status", http::HeaderValue::from_static("2"));
    }
    trailers
}

/// The body of a request that is given up when nothing of it arrives for so long while somebody waits for it.
pub(crate) fn waiting_at_most(body: Body, longest: Duration, then: fn() -> Status) -> Body {
    Body::new(Patient {
        body,
        longest,
        waiting: None,
        then,
    })
}

struct Patient {
    body: Body,
    longest: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
    then: fn() -> Status,
}

impl HttpBody for Patient {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            this.waiting = None;
            return Poll::Ready(frame);
        }
        let longest = this.longest;
        let waiting = this
            .waiting
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(longest)));
        ready!(waiting.as_mut().poll(cx));
        Poll::Ready(Some(Err(axum::Error::new((this.then)()))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio_stream::StreamExt as _;
    use tokio_stream::wrappers::ReceiverStream;
    use tonic::Code;

    use super::super::{Calls, Kind, Limits};
    use super::*;

    const UNREAD: Duration = Duration::from_secs(60);

    fn calls() -> Calls {
        Calls::new(Limits {
            calls: 10,
            calls_per_token: 10,
            streams_per_token: 1,
            connections: 16,
            health_watches: 1,
            rate_per_token: 1000,
            tokens: 10,
            longest_call: UNREAD,
            unread_size: 1 << 20,
            unread: UNREAD,
        })
    }

    /// An answer of the token `t`, and what is put into it.
    fn stream(
        calls: &Calls,
        until: Option<(Instant, Status)>,
        hangup: &Hangup,
    ) -> (tokio::sync::mpsc::Sender<Bytes>, Body) {
        let (sender, receiver) = tokio::sync::mpsc::channel(10);
        let body = Body::from_stream(ReceiverStream::new(receiver).map(Ok::<_, Status>));
        let account = calls.account("t");
        let terms = Terms {
            seat: calls
                .begin(&account, Kind::Stream, Default::default())
                .unwrap(),
            ends: Some(Ends {
                ended: account.ended().clone(),
                then: || Status::unauthenticated("revoked"),
                until,
            }),
            most_unread: 4 * PIECE,
            hangup: Some(hangup.clone()),
        };
        let unread = || Status::aborted("unread");
        (sender, calls.open().give(body, terms, unread))
    }

    async fn frame(body: &mut Body) -> Option<Result<Frame<Bytes>, axum::Error>> {
        poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await
    }

    async fn data(body: &mut Body) -> Bytes {
        frame(body).await.unwrap().unwrap().into_data().unwrap()
    }

    async fn status(body: &mut Body) -> Code {
        let trailers = frame(body).await.unwrap().unwrap().into_trailers().unwrap();
        assert!(frame(body).await.is_none());
        Status::from_header_map(&trailers).unwrap().code()
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_when_its_token_is_revoked_and_gives_its_room_back() {
        let calls = calls();
        let (sender, mut body) = stream(&calls, None, &Hangup::default());
        sender.send(Bytes::from_static(b"one")).await.unwrap();
        assert_eq!(data(&mut body).await, "one");
        let ended = tokio::join!(status(&mut body), async { calls.end("t") }).0;
        assert_eq!(ended, Code::Unauthenticated);
        assert!(sender.is_closed());
        let account = calls.account("t");
        let begun = calls.begin(&account, Kind::Stream, Default::default());
        assert!(begun.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_at_its_time() {
        let calls = calls();
        let until = Instant::now() + Duration::from_secs(3600);
        let late = Status::deadline_exceeded("late");
        let (sender, mut body) = stream(&calls, Some((until, late)), &Hangup::default());
        sender.send(Bytes::from_static(b"one")).await.unwrap();
        assert_eq!(data(&mut body).await, "one");
        assert_eq!(status(&mut body).await, Code::DeadlineExceeded);
        assert_eq!(Instant::now(), until);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_has_begun_is_handed_over_to_its_end_in_pieces() {
        let calls = calls();
        let (sender, mut body) = stream(&calls, None, &Hangup::default());
        let message = Bytes::from(vec![7; 2 * PIECE + 1]);
        sender.send(message).await.unwrap();
        assert_eq!(data(&mut body).await.len(), PIECE);
        calls.end("t");
        assert_eq!(data(&mut body).await.len(), PIECE);
        assert_eq!(data(&mut body).await.len(), 1);
        assert_eq!(status(&mut body).await, Code::Unauthenticated);
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_reads_is_let_go_of_with_its_connection() {
        let calls = calls();
        let hangup = Hangup::default();
        let (sender, mut body) = stream(&calls, None, &hangup);
        sender.send(Bytes::from_static(b"one")).await.unwrap();
        assert_eq!(data(&mut body).await, "one");
        tokio::time::advance(UNREAD / 2).await;
        calls.open().give_up(UNREAD);
        assert!(!hangup.0.is_cancelled() && !sender.is_closed());
        tokio::time::advance(UNREAD / 2).await;
        calls.open().give_up(UNREAD);
        assert!(hangup.0.is_cancelled() && sender.is_closed());
        let account = calls.account("t");
        let begun = calls.begin(&account, Kind::Stream, Default::default());
        assert!(begun.is_ok());
        assert_eq!(status(&mut body).await, Code::Aborted);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_who_waits_for_the_next_message_is_not_given_up() {
        let calls = calls();
        let (sender, mut body) = stream(&calls, None, &Hangup::default());
        sender.send(Bytes::from_static(b"one")).await.unwrap();
        assert_eq!(data(&mut body).await, "one");
        let mut waiting = std::pin::pin!(frame(&mut body));
        assert!(futures::poll!(waiting.as_mut()).is_pending());
        tokio::time::advance(UNREAD * 10).await;
        calls.open().give_up(UNREAD);
        sender.send(Bytes::from_static(b"two")).await.unwrap();
        assert_eq!(waiting.await.unwrap().unwrap().into_data().unwrap(), "two");
    }

    /// The library asks for nothing while a reader has no room at all.
    #[tokio::test(start_paused = true)]
    async fn an_answer_of_which_nothing_was_ever_read_is_given_up_too() {
        let calls = calls();
        let hangup = Hangup::default();
        let (sender, _body) = stream(&calls, None, &hangup);
        tokio::time::advance(UNREAD).await;
        calls.open().give_up(UNREAD);
        assert!(hangup.0.is_cancelled() && sender.is_closed());
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_for_the_readers_of_a_token_is_bounded() {
        let calls = calls();
        let account = calls.account("t");
        let answer = |size: usize| {
            let seat = calls.begin(&account, Kind::Unary, Default::default());
            let terms = Terms {
                seat: seat.unwrap(),
                ends: None,
                most_unread: 4 * PIECE,
                hangup: None,
            };
            let unread = || Status::aborted("unread");
            calls.open().give(Body::from(vec![7; size]), terms, unread)
        };
        // One alone may be larger than all together.
        let large = answer(10 * PIECE);
        let mut second = answer(2 * PIECE);
        assert_eq!(status(&mut second).await, Code::ResourceExhausted);
        let mut small = answer(PIECE);
        assert_eq!(data(&mut small).await.len(), PIECE);
        drop(large);
        let (mut first, _second) = (answer(2 * PIECE), answer(2 * PIECE));
        let mut third = answer(2 * PIECE);
        assert_eq!(status(&mut third).await, Code::ResourceExhausted);
        data(&mut first).await;
        data(&mut first).await;
        assert_eq!(data(&mut answer(2 * PIECE)).await.len(), PIECE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_who_comes_back_within_a_message_finds_it_broken_off() {
        let calls = calls();
        let (sender, mut body) = stream(&calls, None, &Hangup::default());
        sender.send(Bytes::from(vec![7; PIECE + 1])).await.unwrap();
        assert_eq!(data(&mut body).await.len(), PIECE);
        tokio::time::advance(UNREAD).await;
        calls.open().give_up(UNREAD);
        assert!(frame(&mut body).await.unwrap().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_may_pause_as_long_as_nobody_waits_and_no_longer() {
        let (sender, receiver) = tokio::sync::mpsc::channel(10);
        let body = Body::from_stream(ReceiverStream::new(receiver).map(Ok::<_, Status>));
        let mut body = waiting_at_most(body, UNREAD, || Status::aborted("slow"));
        let first = tokio::join!(data(&mut body), async {
            tokio::time::sleep(UNREAD / 2).await;
            sender.send(Bytes::from_static(b"one")).await
        });
        assert_eq!(first.0, "one");
        tokio::time::advance(UNREAD * 2).await;
        sender.send(Bytes::from_static(b"two")).await.unwrap();
        assert_eq!(data(&mut body).await, "two");
        let error = frame(&mut body).await.unwrap().unwrap_err();
        assert!(error.to_string().contains("slow"), "{error}");
    }
}
