//! What waits for the committer, and who goes first.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::draft::Draft;
use crate::error::Error;

/// Decides on the draft of one transaction (or hears why it may not), and leaves the answer for after the flush; none
/// when it goes on in another transaction.
type Work = Box<dyn FnMut(Result<&mut Draft<'_>, Error>) -> Option<Answer> + Send>;
pub(crate) type Answer = Box<dyn FnOnce(Result<(), Error>) + Send>;
/// What looks at the store between two commits.
pub(crate) type Look = Box<dyn FnOnce(u64) + Send>;

/// How much it matters that a request is done at once. In this order those are served that wait together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Haste {
    /// Somebody waits for it who has just pressed a button.
    Urgent,
    /// It is short and takes its turn.
    Usual,
    /// It is long: what is urgent comes between two of its transactions, and is durable before it goes on.
    Patient,
}

/// A request.
pub(crate) struct Job {
    work: Work,
    haste: Haste,
    /// Whether it shuts somebody out or makes room: it is done on a disk where other writes have stopped.
    vital: bool,
}

impl Job {
    /// The same as something vital.
    pub(crate) fn vital(self) -> Job {
        Job {
            vital: true,
            ..self
        }
    }

    pub(crate) fn is_vital(&self) -> bool {
        self.vital
    }

    pub(crate) fn haste(&self) -> Haste {
        self.haste
    }

    /// Decides on the draft of its next transaction; none when that is not the last.
    pub(crate) fn decide(&mut self, draft: Result<&mut Draft<'_>, Error>) -> Option<Answer> {
        (self.work)(draft)
    }
}

/// Makes a request of a closure, and the place its answer comes to.
///
/// The closure is called with one draft after the other until it has an answer or an error; none goes on.
pub(crate) fn job<T, F>(haste: Haste, mut work: F) -> (Job, oneshot::Receiver<Result<T, Error>>)
where
    T: Send + 'static,
    F: FnMut(&mut Draft<'_>) -> Result<Option<T>, Error> + Send + 'static,
{
    let (sender, receiver) = oneshot::channel();
    let mut sender = Some(sender);
    let work: Work = Box::new(move |draft| {
        let decided = match draft {
            Ok(draft) => {
                let decided = work(draft);
                if decided.is_err() {
                    draft.discard();
                }
                decided.transpose()?
            }
            Err(refusal) => Err(refusal),
        };
        let sender = sender.take();
        Some(Box::new(move |durable| {
            // Whoever asked may have gone; what was asked is done all the same.
            let _ =
                sender.map(|sender| sender.send(decided.and_then(|value| durable.map(|()| value))));
        }))
    });
    let job = Job {
        work,
        haste,
        vital: false,
    };
    (job, receiver)
}

/// What is sent to the thread.
pub(crate) enum Message {
    /// A request.
    Work(Job),
    /// Something to be done between two commits, given the number of the one before; it writes nothing, so that a full
    /// disk is no hindrance.
    Look(Look),
    /// Everything before this is finished, then the thread ends.
    Close,
}

/// The messages in their order, out of which urgent requests can be picked.
pub(crate) struct Inbox {
    messages: Receiver<Message>,
    /// What was received while something urgent was looked for, and has yet to be done.
    put_off: VecDeque<Message>,
}

impl Inbox {
    pub(crate) fn new(messages: Receiver<Message>) -> Inbox {
        Inbox {
            messages,
            put_off: VecDeque::new(),
        }
    }

    /// The next message, waiting for it.
    pub(crate) fn wait(&mut self, most: Duration) -> Result<Message, RecvTimeoutError> {
        match self.put_off.pop_front() {
            Some(message) => Ok(message),
            None => self.messages.recv_timeout(most),
        }
    }

    /// The next message, if there is one.
    pub(crate) fn next(&mut self) -> Option<Message> {
        let put_off = self.put_off.pop_front();
        put_off.or_else(|| self.messages.try_recv().ok())
    }

    /// The urgent requests that wait, in their order.
    pub(crate) fn take_urgent(&mut self) -> Vec<Job> {
        self.put_off.extend(self.messages.try_iter());
        let (urgent, others) = std::mem::take(&mut self.put_off)
            .into_iter()
            .partition::<VecDeque<_>, _>(is_urgent);
        self.put_off = others;
        let job = |message| match message {
            Message::Work(job) => Some(job),
            Message::Look(_) | Message::Close => None,
        };
        urgent.into_iter().filter_map(job).collect()
    }
}

fn is_urgent(message: &Message) -> bool {
    matches!(message, Message::Work(job) if job.haste == Haste::Urgent)
}
