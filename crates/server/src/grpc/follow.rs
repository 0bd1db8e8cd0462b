//! Streams that go on for as long as somebody listens, and that can be gone on with after a break.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::rpc::carried;

/// Answers that wait for a caller who is slow to take them.
const AHEAD: usize = 1;
/// So often an answer that tells nothing is given for its token, which would be too old one day otherwise.
const TOKEN: Duration = Duration::from_secs(60);

/// The next answer of a stream.
pub(super) struct Next<A> {
    pub(super) answer: A,
    /// Whether it tells anything but how far it has come.
    pub(super) tells: bool,
    /// Whether more may follow at once.
    pub(super) more: bool,
}

/// Gives the answers of a stream one after the other.
pub(super) trait Answers: Send + 'static {
    type Answer: Send + 'static;

    fn next(&mut self) -> impl Future<Output = Result<Next<Self::Answer>, Status>> + Send;
}

/// Streams a first answer, whatever it tells, and those that follow it whenever something `moves`, until the caller
/// leaves, something goes wrong or the service stops.
pub(super) fn follow<A: Answers>(
    first: Next<A::Answer>,
    mut answers: A,
    mut moves: watch::Receiver<u64>,
    stop: CancellationToken,
) -> ReceiverStream<Result<A::Answer, Status>> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    tokio::spawn(carried(async move {
        let mut next = Next {
            tells: true,
            ..first
        };
        let mut told_at = Instant::now();
        loop {
            if next.tells || told_at.elapsed() >= TOKEN {
                told_at = Instant::now();
                if sender.send(Ok(next.answer)).await.is_err() {
                    return;
                }
            }
            if !next.more {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = sender.closed() => return,
                    changed = moves.changed() => if changed.is_err() { return },
                }
            }
            next = match answers.next().await {
                Ok(next) => next,
                Err(refusal) => {
                    // Whoever has left needs no reason.
                    let _ = sender.send(Err(refusal)).await;
                    return;
                }
            };
        }
    }));
    ReceiverStream::new(receiver)
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt as _;

    use super::*;

    /// Answers with how often it was asked, which tells something every third time.
    struct Counting(u32);

    impl Answers for Counting {
        type Answer = u32;

        async fn next(&mut self) -> Result<Next<u32>, Status> {
            self.0 += 1;
            Ok(Next {
                answer: self.0,
                tells: self.0.is_multiple_of(3),
                more: false,
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_tells_nothing_is_answered_first_and_once_a_minute() {
        let (moved, moves) = watch::channel(0_u64);
        let first = Next {
            answer: 0,
            tells: false,
            more: false,
        };
        let mut stream = follow(first, Counting(0), moves, CancellationToken::new());
        let mut answers = Vec::new();
        answers.push(stream.next().await.unwrap().unwrap());
        for wait in [1, 1, 1, 1, 60, 1, 1] {
            tokio::time::sleep(Duration::from_secs(wait)).await;
            moved.send_modify(|count| *count += 1);
            let answer = tokio::time::timeout(Duration::from_millis(1), stream.next()).await;
            answers.extend(answer.ok().flatten().transpose().unwrap());
        }
        assert_eq!(answers, [0, 3, 5, 6]);
    }
}
