//! Streams that go on for as long as somebody listens, and that can be gone on with after a break.

use std::pin::Pin;
use std::time::Duration;

use futures::Stream;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::stopping;

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

/// The answers of a stream.
pub(super) type Told<A> = Pin<Box<dyn Stream<Item = Result<A, Status>> + Send>>;

/// Streams a first answer, whatever it tells, and those that follow it whenever something `moves`, until the caller
/// leaves, something goes wrong or the service stops.
///
/// Each is made when the caller has room for it: what nobody reads is not kept (P17).
pub(super) fn follow<A: Answers>(
    first: Next<A::Answer>,
    answers: A,
    moves: watch::Receiver<u64>,
    stop: CancellationToken,
) -> Told<A::Answer> {
    let followed = Followed {
        first: Some(Next {
            tells: true,
            ..first
        }),
        more: false,
        over: false,
        told_at: Instant::now(),
        answers,
        moves,
        stop,
    };
    Box::pin(futures::stream::unfold(followed, Followed::step))
}

/// How far a stream has come.
struct Followed<A: Answers> {
    /// Not given yet.
    first: Option<Next<A::Answer>>,
    /// Whether more may follow what was given last.
    more: bool,
    /// A refusal was the last answer.
    over: bool,
    told_at: Instant,
    answers: A,
    moves: watch::Receiver<u64>,
    stop: CancellationToken,
}

impl<A: Answers> Followed<A> {
    async fn step(mut self) -> Option<(Result<A::Answer, Status>, Self)> {
        loop {
            let next = match self.first.take() {
                Some(first) => first,
                None if self.over => return None,
                None => {
                    // Who asks is given what there is before more is read, and may not ask again for long.
                    tokio::task::yield_now().await;
                    if !self.more {
                        tokio::select! {
                            () = self.stop.cancelled() => {
                                self.over = true;
                                return Some((Err(stopping()), self));
                            }
                            changed = self.moves.changed() => changed.ok()?,
                        }
                    }
                    match self.answers.next().await {
                        Ok(next) => next,
                        Err(refusal) => {
                            self.over = true;
                            return Some((Err(refusal), self));
                        }
                    }
                }
            };
            self.more = next.more;
            if next.tells || self.told_at.elapsed() >= TOKEN {
                self.told_at = Instant::now();
                return Some((Ok(next.answer), self));
            }
        }
    }
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
