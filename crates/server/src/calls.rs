//! The calls under way: how many there are, of each caller and of all, and what ends them before they end by themselves.
//!
//! Every call has a [`Seat`] for as long as it is under way, its answer included. A caller whose token is revoked loses
//! its calls through its [`Account`]; a call whose answer nobody reads is given up by [`Calls::give_up_unread`].

mod answer;
mod bucket;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lever::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub(crate) use answer::{Ends, Hangup, Open, Terms, waiting_at_most};
use bucket::Bucket;

/// What callers may cost.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Calls under way at once, of all callers.
    pub calls: usize,
    /// Calls with one answer that one token may have under way.
    pub calls_per_token: usize,
    /// Streams that one token may have under way.
    pub streams_per_token: usize,
    /// Connections that one port takes. Each live page of the console holds one for as long as it is open: all of them
    /// together take at most half, and those of one token an eighth.
    pub connections: usize,
    /// Streams of answers to questions for health that one connection may have under way.
    pub health_watches: usize,
    /// Calls a second that one token may begin in the long run, and as many at once after a pause.
    pub rate_per_token: u32,
    /// Tokens that may name one connection and be good at once; and as many that name none.
    pub tokens: usize,
    /// How long a call with one answer may take.
    pub longest_call: Duration,
    /// How many bytes of answers may wait for the readers of one token.
    pub unread_size: usize,
    /// How long an answer may go unread, and a request that is streamed without sending anything.
    pub unread: Duration,
}

/// What sort of call it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One request, one answer.
    Unary,
    /// A stream in at least one direction.
    Stream,
    /// A live page of the console, which holds a connection of its own.
    Page,
}

/// Which limit a call has met, by the name of its setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) limit: &'static str,
    /// When it is worth asking again.
    pub(crate) retry_after: Duration,
}

/// The calls under way.
#[derive(Debug)]
pub(crate) struct Calls {
    limits: Limits,
    all: Arc<AtomicUsize>,
    /// The live pages of all callers.
    pages: Arc<AtomicUsize>,
    accounts: Mutex<HashMap<String, Arc<Account>>>,
    open: Open,
}

/// The calls of one caller, or those over one connection that anybody may make.
#[derive(Debug)]
pub(crate) struct Account {
    /// Whether it is held to the limits of a token.
    limited: bool,
    calls: AtomicUsize,
    streams: AtomicUsize,
    pages: AtomicUsize,
    connections: AtomicUsize,
    bucket: Mutex<Bucket>,
    /// How many bytes of answers wait for its readers.
    held: AtomicUsize,
    ended: CancellationToken,
    /// The minute of the last call, in milliseconds since 1970; the smallest number before the first.
    used: AtomicI64,
}

const MINUTE_MS: i64 = 60_000;

impl Default for Account {
    /// Of somebody who is held to no limits of a token.
    fn default() -> Account {
        Account::new(false)
    }
}

impl Account {
    fn new(limited: bool) -> Account {
        Account {
            limited,
            calls: AtomicUsize::new(0),
            streams: AtomicUsize::new(0),
            pages: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            bucket: Mutex::new(Bucket::full(Instant::now())),
            held: AtomicUsize::new(0),
            ended: CancellationToken::new(),
            used: AtomicI64::new(i64::MIN),
        }
    }

    /// Is cancelled once the caller may call no more.
    pub(crate) fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    fn under_way(&self, kind: Kind) -> &AtomicUsize {
        match kind {
            Kind::Unary => &self.calls,
            Kind::Stream => &self.streams,
            Kind::Page => &self.pages,
        }
    }
}

/// The room that a call takes up, until this is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    account: Arc<Account>,
    kind: Kind,
    /// What counts it beside the account.
    counted: Vec<Arc<AtomicUsize>>,
}

impl Seat {
    /// Whose it is.
    pub(crate) fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// Takes note that so many bytes wait for the reader, unless that is more than `most` with what waits already.
    fn hold(&self, size: usize, most: usize) -> Option<Held> {
        let account = self.account.clone();
        let fits = |held: usize| {
            let with = held.saturating_add(size);
            (held == 0 || !account.limited || with <= most).then_some(with)
        };
        let held = &account.held;
        held.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fits)
            .ok()?;
        Some(Held { account, size })
    }
}

/// A connection that a caller has, until this is dropped.
#[derive(Debug)]
pub(crate) struct Connected(Arc<Account>);

impl Connected {
    /// Whether it is a connection of this caller.
    pub(crate) fn is_of(&self, account: &Arc<Account>) -> bool {
        Arc::ptr_eq(&self.0, account)
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Bytes of an answer that wait for their reader, until this is dropped.
#[derive(Debug)]
struct Held {
    account: Arc<Account>,
    size: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.account.held.fetch_sub(self.size, Ordering::SeqCst);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.account
            .under_way(self.kind)
            .fetch_sub(1, Ordering::SeqCst);
        for counter in &self.counted {
            counter.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Calls {
    pub(crate) fn new(limits: Limits) -> Calls {
        Calls {
            limits,
            all: Arc::default(),
            pages: Arc::default(),
            accounts: Mutex::default(),
            open: Open::default(),
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The account of a token.
    ///
    /// It stays when the token is revoked: a call that was proven just before finds it ended.
    pub(crate) fn account(&self, id: &str) -> Arc<Account> {
        self.account_or(id, true)
    }

    /// The account of somebody who is held to no limits of a token.
    pub(crate) fn trusted(&self, id: &str) -> Arc<Account> {
        self.account_or(id, false)
    }

    fn account_or(&self, id: &str, limited: bool) -> Arc<Account> {
        let mut accounts = locked(&self.accounts);
        if let Some(account) = accounts.get(id) {
            return account.clone();
        }
        let account = Arc::new(Account::new(limited));
        accounts.insert(id.to_owned(), account.clone());
        account
    }

    /// Ends the calls of an account, and lets it begin no others.
    pub(crate) fn end(&self, id: &str) {
        self.account(id).ended.cancel();
    }

    /// Forgets the accounts of tokens that are removed for good; what is under way on one goes on to its end.
    pub(crate) fn forget(&self, is_gone: impl Fn(&str) -> bool) {
        locked(&self.accounts).retain(|id, _| !is_gone(id));
    }

    /// The minute of the last call of a token since the service was started.
    pub(crate) fn last_use(&self, id: &str) -> Option<Timestamp> {
        let accounts = locked(&self.accounts);
        let used = accounts.get(id)?.used.load(Ordering::Relaxed);
        (used != i64::MIN).then(|| Timestamp::from_millis(used))
    }

    /// Lets a call begin, or names the limit that it has met.
    pub(crate) fn begin(
        &self,
        account: &Arc<Account>,
        kind: Kind,
        now: Timestamp,
    ) -> Result<Seat, Refusal> {
        let minute = now.as_millis().div_euclid(MINUTE_MS) * MINUTE_MS;
        account.used.store(minute, Ordering::Relaxed);
        if account.limited {
            let rate = self.limits.rate_per_token;
            let paced = locked(&account.bucket).take(rate, Instant::now());
            paced.map_err(|retry_after| Refusal {
                limit: "limits.rate_per_token",
                retry_after,
            })?;
        }
        let full = |limit| Refusal {
            limit,
            retry_after: Duration::from_secs(1),
        };
        let (most, limit) = match kind {
            _ if !account.limited => (usize::MAX, ""),
            Kind::Unary => (self.limits.calls_per_token, "limits.calls_per_token"),
            Kind::Stream => (self.limits.streams_per_token, "limits.streams_per_token"),
            Kind::Page => (self.limits.connections / 8, PORT),
        };
        if !take_one(account.under_way(kind), most) {
            return Err(full(limit));
        }
        let mut seat = Seat {
            account: account.clone(),
            kind,
            counted: Vec::new(),
        };
        let pages = (&self.pages, self.limits.connections / 2, PORT);
        let shared = [(&self.all, self.limits.calls, ALL), pages];
        let shared = match kind {
            Kind::Page => &shared[..],
            Kind::Unary | Kind::Stream => &shared[..1],
        };
        for (counter, most, limit) in shared {
            if !take_one(counter, *most) {
                return Err(full(*limit));
            }
            seat.counted.push((*counter).clone());
        }
        Ok(seat)
    }

    /// Lets a caller have one more connection, or names the limit: one token has half of a port at most, so that it does not
    /// shut out the others.
    pub(crate) fn connect(&self, account: &Arc<Account>) -> Result<Connected, Refusal> {
        let most = match account.limited {
            true => self.limits.connections / 2,
            false => usize::MAX,
        };
        let room = take_one(&account.connections, most);
        room.then(|| Connected(account.clone())).ok_or(Refusal {
            limit: PORT,
            retry_after: Duration::from_secs(1),
        })
    }

    /// Lets a question for health begin, given the account of the connection it comes over: whoever may not call at all can
    /// ask it, so it takes no room from those who may, nor from those who ask over another connection.
    pub(crate) fn begin_health(
        &self,
        connection: &Arc<Account>,
        kind: Kind,
    ) -> Result<Seat, Refusal> {
        let most = match kind {
            // They are over at once, and a connection has a limit of its own for what is under way.
            Kind::Unary => usize::MAX,
            Kind::Stream | Kind::Page => self.limits.health_watches,
        };
        let seat = take_one(connection.under_way(kind), most).then(|| Seat {
            account: connection.clone(),
            kind,
            counted: Vec::new(),
        });
        seat.ok_or(Refusal {
            limit: "limits.health_watches",
            retry_after: Duration::from_secs(1),
        })
    }

    /// Answers that are being given.
    pub(crate) fn open(&self) -> &Open {
        &self.open
    }

    /// Gives up, again and again, what nobody has read for too long.
    pub(crate) async fn give_up_unread(&self) {
        let look = (self.limits.unread / 4).clamp(Duration::from_millis(10), LONGEST_LOOK);
        loop {
            tokio::time::sleep(look).await;
            self.open.give_up(self.limits.unread);
        }
    }
}

/// The limit that holds for everybody together.
pub(crate) const ALL: &str = "limits.calls";
/// The limit that live pages, and the connections of one token, are bounded by.
const PORT: &str = "limits.connections";

const LONGEST_LOOK: Duration = Duration::from_secs(15);

fn take_one(count: &AtomicUsize, most: usize) -> bool {
    let more = |count| (count < most).then_some(count + 1);
    count
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, more)
        .is_ok()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls() -> Calls {
        Calls::new(Limits {
            calls: 4,
            calls_per_token: 2,
            streams_per_token: 3,
            connections: 16,
            health_watches: 2,
            rate_per_token: 100,
            tokens: 10,
            longest_call: Duration::from_secs(60),
            unread_size: 1 << 20,
            unread: Duration::from_secs(60),
        })
    }

    fn begin(calls: &Calls, id: &str, kind: Kind) -> Result<Seat, &'static str> {
        let now = Timestamp::from_millis(90_000);
        let begun = calls.begin(&calls.account(id), kind, now);
        begun.map_err(|refusal| refusal.limit)
    }

    #[test]
    fn a_token_has_room_for_so_many_calls_and_streams_and_gets_it_back() {
        let calls = calls();
        let first = begin(&calls, "a", Kind::Unary).unwrap();
        let _second = begin(&calls, "a", Kind::Unary).unwrap();
        let refused = begin(&calls, "a", Kind::Unary).unwrap_err();
        assert_eq!(refused, "limits.calls_per_token");
        let stream = begin(&calls, "a", Kind::Stream).unwrap();
        drop(first);
        let _third = begin(&calls, "a", Kind::Unary).unwrap();
        let _other = begin(&calls, "b", Kind::Stream).unwrap();
        assert_eq!(begin(&calls, "b", Kind::Stream).unwrap_err(), ALL);
        drop(stream);
        assert!(begin(&calls, "b", Kind::Stream).is_ok());
    }

    #[test]
    fn live_pages_take_a_part_of_the_connections_only() {
        let calls = Calls::new(Limits {
            calls: 100,
            ..calls().limits
        });
        let page = |id: &str| begin(&calls, id, Kind::Page);
        let pages: Vec<_> = ["a", "b", "c", "d"]
            .into_iter()
            .map(|id| {
                let both = [page(id).unwrap(), page(id).unwrap()];
                assert_eq!(page(id).unwrap_err(), PORT, "{id} has its eighth of 16");
                both
            })
            .collect();
        assert_eq!(page("e").unwrap_err(), PORT, "half of 16 are taken");
        assert!(begin(&calls, "e", Kind::Stream).is_ok());
        drop(pages);
        assert!(page("e").is_ok());
    }

    #[test]
    fn a_token_has_half_of_a_port_at_most() {
        let calls = calls();
        let connect = |id: &str| calls.connect(&calls.account(id));
        let half: Vec<_> = (0..8).map(|_| connect("a").unwrap()).collect();
        assert_eq!(connect("a").unwrap_err().limit, PORT);
        assert!(connect("b").is_ok());
        assert!(half[0].is_of(&calls.account("a")) && !half[0].is_of(&calls.account("b")));
        drop(half);
        assert!(connect("a").is_ok());
    }

    #[test]
    fn a_refused_call_takes_no_room() {
        let calls = calls();
        let seats: Vec<_> = (0..3).map(|_| begin(&calls, "a", Kind::Stream)).collect();
        let _full = begin(&calls, "b", Kind::Stream).unwrap();
        assert_eq!(begin(&calls, "b", Kind::Unary).unwrap_err(), ALL);
        drop(seats);
        let both = [
            begin(&calls, "b", Kind::Unary),
            begin(&calls, "b", Kind::Unary),
        ];
        assert!(both.iter().all(Result::is_ok));
    }

    #[tokio::test(start_paused = true)]
    async fn calls_come_at_the_rate_of_the_token_and_a_refusal_says_when_there_is_room() {
        let calls = calls();
        for _ in 0..100 {
            begin(&calls, "a", Kind::Unary).unwrap();
        }
        let account = calls.account("a");
        let refused = calls.begin(&account, Kind::Unary, Timestamp::default());
        let refused = refused.unwrap_err();
        assert_eq!(refused.limit, "limits.rate_per_token");
        begin(&calls, "b", Kind::Unary).unwrap();
        tokio::time::advance(refused.retry_after).await;
        begin(&calls, "a", Kind::Unary).unwrap();
    }

    #[test]
    fn whoever_is_trusted_meets_the_limit_of_all_only() {
        let calls = calls();
        let local = calls.trusted("local");
        let begin = || calls.begin(&local, Kind::Unary, Timestamp::default());
        let seats: Vec<_> = (0..4).map(|_| begin().unwrap()).collect();
        assert_eq!(begin().unwrap_err().limit, ALL);
        drop(seats);
        for _ in 0..1_000 {
            begin().unwrap();
        }
    }

    #[test]
    fn the_last_use_is_known_to_the_minute_and_an_account_stays_ended() {
        let calls = calls();
        assert_eq!(calls.last_use("a"), None);
        begin(&calls, "a", Kind::Unary).unwrap();
        assert_eq!(calls.last_use("a"), Some(Timestamp::from_millis(60_000)));
        calls.end("a");
        assert!(calls.account("a").ended().is_cancelled());
        assert!(!calls.account("b").ended().is_cancelled());
        calls.forget(|id| id == "b");
        assert!(calls.account("a").ended().is_cancelled());
    }
}
