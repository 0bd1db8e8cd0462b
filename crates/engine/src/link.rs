//! One connection at work: its client, its budget, its progress, its workers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use domain::{Connection, ConnectionId, Environment, Listing, Region, Schedule, Stream};
use futures::future::BoxFuture;
use lever::{Attempt, BaseUrl, Budget, Client, Credential, Http, Lane, Limits, Timestamp};
use store::RunCause;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::access::KeyAccess;
use crate::clock::Clock;
use crate::credential::{Opened, Refusal};
use crate::error::{Error, Result};
use crate::issues::Sightings;
use crate::pause::Told;
use crate::progress::Progress;
use crate::pull::Trouble;
use crate::pull::inbound::Followed;
use crate::settings::Settings;
use crate::skew::{Moment, Skew};
use crate::traffic::Traffic;
use crate::webhook::Webhooks;
use crate::written::Written;

/// What makes a moment of now lie in the past for Lever, however coarse its clock is known.
pub(crate) const PAST: Duration = Duration::from_secs(2);

/// One connection at work.
#[derive(Debug)]
pub(crate) struct Link {
    connection: RwLock<Connection>,
    client: RwLock<Client>,
    /// Whether Lever has refused the credential of that client for good.
    refusal: RwLock<Refusal>,
    /// Wakes the pull before its next scheduled time.
    pub(crate) pull_now: Notify,
    /// Wakes the walk over everybody before its next scheduled time.
    pub(crate) sweep_now: Notify,
    /// Wakes the passes over the inbound stages before their next scheduled time.
    pub(crate) inbound_now: Notify,
    /// The inbound stages that were last followed on their own.
    pub(crate) followed: Followed,
    /// Held while opportunities are followed.
    pub(crate) following: tokio::sync::Mutex<()>,
    /// What is to be pulled now, and why.
    forced: Mutex<BTreeMap<Listing, RunCause>>,
    /// Ends all workers.
    pub(crate) stop: CancellationToken,
    /// Counts what a watcher of the status should see.
    progress: watch::Sender<u64>,
    /// What was called in Lever since the start of the process.
    traffic: Arc<Traffic>,
    /// When listings are walked, where that differs from the service's own schedule.
    schedules: RwLock<BTreeMap<Listing, Schedule>>,
    /// What to add to our clock to get Lever's.
    skew: Mutex<Skew>,
    /// Whether the key may see confidential records.
    pub(crate) access: KeyAccess,
    /// When a listing that failed is worth trying again.
    retry_at: Mutex<HashMap<Listing, Instant>>,
    /// What is wrong with streams that are read below other records.
    stream_troubles: Mutex<HashMap<Stream, StreamTrouble>>,
    /// Wakes the reader of lists below records.
    pub(crate) hydrate_now: Notify,
    /// Whether lists that were set aside are worth another try at once.
    try_set_aside: AtomicBool,
    /// Below whom lists wait for the end of a bulk.
    pub(crate) written: Written,
    /// How many opportunities Lever may have, by what it says of its sources; an estimate.
    people: AtomicU64,
    /// How far the passes under way have come.
    pub(crate) passes: Progress,
    /// How far the reading below records has come.
    pub(crate) below: Progress<Stream>,
    /// The day, and how many lists were planned on it only because nobody had looked at them for long.
    rechecks: Mutex<(i64, u64)>,
    /// Wakes the worker that follows nudges.
    pub(crate) nudged: Notify,
    /// Until when single opportunities are not read, since the key may not.
    single_reads_refused: Mutex<Option<Instant>>,
    /// The last pause of the key that was told.
    told_pause: Mutex<Option<Told>>,
    /// When the last reading of the account's users began that was made for a write; held while one is under way.
    pub(crate) users_read: tokio::sync::Mutex<Option<Instant>>,
    /// The addresses of the account's users, and when their list was read.
    user_addresses: Mutex<Option<(Timestamp, Arc<BTreeSet<String>>)>>,
    /// The webhooks of the connection: what verifies them, and how their registration stands.
    pub(crate) webhooks: Webhooks,
    /// What was seen to go wrong and is not among the issues yet.
    pub(crate) issues: Sightings,
}

/// Why a stream read below other records cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StreamTrouble {
    /// Whether the key lacks the permission; otherwise something failed that may pass.
    pub(crate) refused: bool,
    /// When it is worth asking again.
    pub(crate) retry_at: Instant,
}

impl Link {
    pub(crate) fn new(
        connection: Connection,
        clients: &Clients,
        opened: Opened,
        progress: watch::Sender<u64>,
    ) -> Result<Arc<Self>> {
        let traffic = Traffic::new(clients.clock.clone());
        let observer = Some(traffic.clone());
        let client = clients.client(&connection.environment, opened.credential, observer)?;
        Ok(Arc::new(Self {
            connection: RwLock::new(connection),
            client: RwLock::new(client),
            refusal: RwLock::new(opened.refusal),
            pull_now: Notify::new(),
            sweep_now: Notify::new(),
            inbound_now: Notify::new(),
            followed: Followed::default(),
            following: tokio::sync::Mutex::new(()),
            forced: Mutex::default(),
            stop: CancellationToken::new(),
            progress,
            traffic,
            schedules: RwLock::new(BTreeMap::new()),
            skew: Mutex::new(Skew::default()),
            access: KeyAccess::default(),
            retry_at: Mutex::new(HashMap::new()),
            stream_troubles: Mutex::new(HashMap::new()),
            hydrate_now: Notify::new(),
            try_set_aside: AtomicBool::new(true),
            written: Written::default(),
            people: AtomicU64::new(0),
            passes: Progress::default(),
            below: Progress::default(),
            rechecks: Mutex::new((0, 0)),
            nudged: Notify::new(),
            single_reads_refused: Mutex::new(None),
            told_pause: Mutex::new(None),
            users_read: tokio::sync::Mutex::new(None),
            user_addresses: Mutex::new(None),
            webhooks: Webhooks::default(),
            issues: Sightings::default(),
        }))
    }

    /// The settings as they are now.
    pub(crate) fn connection(&self) -> Connection {
        self.connection
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The addresses of the account's users as they were read at that time; none if another time is known.
    pub(crate) fn user_addresses(&self, read_at: Timestamp) -> Option<Arc<BTreeSet<String>>> {
        let known = self.user_addresses.lock();
        let known = known.unwrap_or_else(PoisonError::into_inner);
        let (at, addresses) = known.as_ref()?;
        (*at == read_at).then(|| addresses.clone())
    }

    /// Keeps the addresses of the account's users for the next time.
    pub(crate) fn keep_user_addresses(&self, read_at: Timestamp, addresses: Arc<BTreeSet<String>>) {
        let known = self.user_addresses.lock();
        *known.unwrap_or_else(PoisonError::into_inner) = Some((read_at, addresses));
    }

    /// Takes over new settings.
    pub(crate) fn set_connection(&self, connection: Connection) {
        *self
            .connection
            .write()
            .unwrap_or_else(PoisonError::into_inner) = connection;
        self.issues.look_soon();
        self.moved();
    }

    /// The id, which never changes.
    pub(crate) fn id(&self) -> ConnectionId {
        self.connection
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .id
    }

    /// A client that spends in `lane`.
    pub(crate) fn client(&self, lane: Lane) -> Client {
        self.client
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .lane(lane)
    }

    /// Takes over a new credential.
    pub(crate) fn set_credential(&self, clients: &Clients, opened: Opened) -> Result<()> {
        let environment = self.connection().environment;
        let observer = Some(self.traffic.clone());
        let client = clients.client(&environment, opened.credential, observer)?;
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = client;
        *self.refusal.write().unwrap_or_else(PoisonError::into_inner) = opened.refusal;
        self.access.begin_key();
        self.set_single_reads_refused(None);
        self.issues.key_works();
        self.issues.look_soon();
        self.webhooks.now.notify_one();
        self.nudged.notify_one();
        self.ask_again();
        Ok(())
    }

    /// Why the credential must be replaced, once Lever has refused it for good.
    pub(crate) fn refusal(&self) -> Option<&'static str> {
        self.refusal
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .why()
    }

    /// Asks for these listings to be pulled now; of several causes the wish of somebody is told, else the first.
    pub(crate) fn force(&self, listings: &[Listing], cause: RunCause) {
        let mut forced = self.forced.lock().unwrap_or_else(PoisonError::into_inner);
        for listing in listings {
            let known = forced.entry(*listing).or_insert(cause);
            if cause == RunCause::Request {
                *known = cause;
            }
        }
        drop(forced);
        self.wake();
        if cause == RunCause::Request {
            self.try_set_aside.store(true, Ordering::Relaxed);
            self.hydrate_now.notify_one();
        }
    }

    /// Whether lists that were set aside are to be tried again, since the start or a wish of somebody; once for each.
    pub(crate) fn takes_set_aside(&self) -> bool {
        self.try_set_aside.swap(false, Ordering::Relaxed)
    }

    /// Lets what is due be looked at anew.
    pub(crate) fn wake(&self) {
        self.pull_now.notify_one();
        self.sweep_now.notify_one();
        self.inbound_now.notify_one();
    }

    /// What was asked for since the last call, as far as it is `mine`.
    pub(crate) fn take_forced(
        &self,
        mine: impl Fn(Listing) -> bool,
    ) -> BTreeMap<Listing, RunCause> {
        let mut forced = self.forced.lock().unwrap_or_else(PoisonError::into_inner);
        let all = std::mem::take(&mut *forced);
        let (taken, left) = all.into_iter().partition(|(listing, _)| mine(*listing));
        *forced = left;
        taken
    }

    /// The trouble behind an error, with whether Lever answers nothing at all.
    pub(crate) fn trouble(&self, error: &Error) -> Trouble {
        match Trouble::of(error) {
            Trouble::Failed(why) if error.lever().is_some_and(|it| self.traffic.is_silent(it)) => {
                Trouble::Unreachable(why)
            }
            other => other,
        }
    }

    /// Notes when a listing that failed is worth trying again; nothing after a success.
    pub(crate) fn set_retry_at(&self, listing: Listing, at: Option<Instant>) {
        let mut retry_at = self.retry_at.lock().unwrap_or_else(PoisonError::into_inner);
        match at {
            Some(at) => drop(retry_at.insert(listing, at)),
            None => drop(retry_at.remove(&listing)),
        }
    }

    /// How long until a listing that failed is worth trying again.
    pub(crate) fn retry_in(&self, listing: Listing) -> Option<Duration> {
        let retry_at = self.retry_at.lock().unwrap_or_else(PoisonError::into_inner);
        let at = retry_at.get(&listing)?;
        Some(at.duration_since(Instant::now()))
    }

    /// Notes that a stream read below other records cannot be read.
    pub(crate) fn set_stream_trouble(&self, stream: Stream, trouble: StreamTrouble) {
        self.stream_troubles().insert(stream, trouble);
    }

    /// Takes note that a stream can be read; gives what was wrong before.
    pub(crate) fn clear_stream_trouble(&self, stream: Stream) -> Option<StreamTrouble> {
        self.stream_troubles().remove(&stream)
    }

    /// Whether Lever refuses a stream, and it is too early to ask again.
    pub(crate) fn refuses(&self, stream: Stream) -> bool {
        self.stream_troubles()
            .get(&stream)
            .is_some_and(|trouble| trouble.refused && trouble.retry_at > Instant::now())
    }

    /// Lets everything be asked for again, as with a new key.
    pub(crate) fn ask_again(&self) {
        for trouble in self.stream_troubles().values_mut() {
            trouble.retry_at = Instant::now();
        }
    }

    fn stream_troubles(&self) -> MutexGuard<'_, HashMap<Stream, StreamTrouble>> {
        self.stream_troubles
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// How many opportunities Lever may have; 0 while unknown.
    pub(crate) fn people_estimate(&self) -> u64 {
        self.people.load(Ordering::Relaxed)
    }

    /// Takes note of how many candidates the sources of one page count; the first page begins anew.
    pub(crate) fn saw_source_counts(&self, candidates: u64, first_page: bool) {
        if first_page {
            self.people.store(candidates, Ordering::Relaxed);
        } else {
            self.people.fetch_add(candidates, Ordering::Relaxed);
        }
    }

    /// Whether more lists may be planned today only because nobody has looked at them for long.
    pub(crate) fn rechecks_left(&self, now: Timestamp, a_day: u64) -> bool {
        let today = day_of(now);
        let (day, made) = *self.rechecks.lock().unwrap_or_else(PoisonError::into_inner);
        day != today || made < a_day
    }

    /// Counts lists that were planned for that reason.
    pub(crate) fn count_rechecks(&self, now: Timestamp, planned: u64) {
        let today = day_of(now);
        let mut rechecks = self.rechecks.lock().unwrap_or_else(PoisonError::into_inner);
        let made = if rechecks.0 == today { rechecks.1 } else { 0 };
        *rechecks = (today, made + planned);
    }

    /// Works one round, which tells how long to rest after it; `None` when the link is stopped.
    ///
    /// It begins when pulling is not paused, and the key not after a 429. A stop ends it at once, and so does pausing
    /// pulling: no rest follows then, and the next round begins once pulling is resumed.
    /// The round is boxed so that a worker at rest holds a pointer, and not the room of its longest round.
    pub(crate) async fn work(&self, round: BoxFuture<'_, Duration>) -> Option<Duration> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => return None,
            () = self.until_free() => {}
        }
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            () = self.until_paused(true) => Some(Duration::ZERO),
            wait = round => Some(wait),
        }
    }

    /// Waits until nothing keeps a round from beginning.
    async fn until_free(&self) {
        self.until_paused(false).await;
        while self.pause().is_some() {
            self.outlast_pause().await;
            self.until_paused(false).await;
        }
    }

    /// Rests until there is something new, the time is over, or the link is stopped.
    pub(crate) async fn rest(&self, news: &Notify, wait: Duration) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = news.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }

    async fn until_paused(&self, paused: bool) {
        let mut moves = self.watch();
        while self.connection().paused != paused {
            if moves.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Whether the key is known to lack the permission for single opportunities.
    pub(crate) fn single_reads_refused(&self) -> bool {
        let until = self.single_reads_refused.lock();
        let until = *until.unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    /// Takes note that the key lacks the permission for single opportunities.
    pub(crate) fn refuse_single_reads(&self, pause: Duration) {
        self.set_single_reads_refused(Some(Instant::now() + pause));
    }

    fn set_single_reads_refused(&self, until: Option<Instant>) {
        let refused = self.single_reads_refused.lock();
        *refused.unwrap_or_else(PoisonError::into_inner) = until;
    }

    /// Tells watchers that the status has changed.
    pub(crate) fn moved(&self) {
        self.progress.send_modify(|count| *count += 1);
    }

    /// Counts what a watcher of the status should see.
    pub(crate) fn progress(&self) -> watch::Sender<u64> {
        self.progress.clone()
    }

    /// Sees each change of the status.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.progress.subscribe()
    }

    /// Requests made to Lever since the start of the process.
    pub(crate) fn requests(&self) -> u64 {
        self.traffic.requests()
    }

    /// What was called in Lever.
    pub(crate) fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// When listings are walked, where that differs from the service's own schedule.
    pub(crate) fn schedules(&self) -> BTreeMap<Listing, Schedule> {
        self.schedules
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Takes over new schedules.
    pub(crate) fn set_schedules(&self, schedules: BTreeMap<Listing, Schedule>) {
        *self
            .schedules
            .write()
            .unwrap_or_else(PoisonError::into_inner) = schedules;
        self.wake();
    }

    /// Takes in the date of an answer that was received now; gives when its request was sent, by Lever's clock.
    ///
    /// What is stored is dated by this: before the first answer nobody knows Lever's time.
    pub(crate) fn answered(
        &self,
        date: Option<Timestamp>,
        sent: Moment,
        received: Moment,
    ) -> Timestamp {
        self.skew().answered(date, sent, received)
    }

    /// An earlier moment of our clock on Lever's, as far as that is known.
    pub(crate) fn lever_time(&self, ours: Timestamp) -> Timestamp {
        self.skew().lever_time(ours)
    }

    /// Now on Lever's clock, also where ours has jumped since the last answer (reliability.md P22).
    pub(crate) fn lever_now(&self, clock: &Clock) -> Timestamp {
        self.skew().now(Moment::now(clock))
    }

    /// The same once an answer has told Lever's time.
    pub(crate) fn known_lever_now(&self, clock: &Clock) -> Option<Timestamp> {
        let skew = *self.skew();
        skew.is_known().then(|| skew.now(Moment::now(clock)))
    }

    pub(crate) fn told_pause(&self) -> MutexGuard<'_, Option<Told>> {
        self.told_pause
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn skew(&self) -> MutexGuard<'_, Skew> {
        self.skew.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A time that lies in the past for Lever, whatever our clock says, and whenever it has jumped.
    pub(crate) fn past_for_lever(&self, clock: &Clock) -> Timestamp {
        self.lever_now(clock).minus(PAST)
    }
}

/// The number of the day (UTC).
fn day_of(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(24 * 3600 * 1000)
}

/// Makes clients: one pool of HTTP connections for all, one budget for each key and server.
#[derive(Debug)]
pub(crate) struct Clients {
    clock: Clock,
    http: Http,
    settings: Settings,
    budgets: Mutex<HashMap<(String, String), Arc<Budget>>>,
}

impl Clients {
    pub(crate) fn new(settings: Settings, clock: Clock) -> Result<Self> {
        let http = Http::new().map_err(Error::internal)?;
        Ok(Self {
            clock,
            http,
            settings,
            budgets: Mutex::new(HashMap::new()),
        })
    }

    /// A client for a credential on a server; `traffic` is told of each attempt.
    pub(crate) fn client(
        &self,
        environment: &Environment,
        credential: Credential,
        traffic: Option<Arc<Traffic>>,
    ) -> Result<Client> {
        let base_url = self.base_url(environment)?;
        let budget = self.budget(credential.fingerprint(), base_url.as_str().to_owned());
        let client = Client::new(
            self.http.clone(),
            base_url,
            credential,
            budget,
            self.settings.limits,
        );
        Ok(client.with_observer(Arc::new(move |attempt: &Attempt| {
            observe(attempt, traffic.as_deref())
        })))
    }

    /// The pool of HTTP connections.
    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    /// Limits of a call that somebody waits for at a form: an early answer is worth more than a late success.
    pub(crate) fn impatient(&self) -> Limits {
        Limits {
            max_attempts: self.settings.limits.max_attempts.min(2),
            ..self.settings.limits
        }
    }

    /// Limits of a single try: push decides itself whether to send again.
    pub(crate) fn single_try(&self) -> Limits {
        Limits {
            max_attempts: 1,
            ..self.settings.limits
        }
    }

    /// Where an environment answers.
    ///
    /// # Errors
    /// Invalid for a base URL that is not allowed here, or is none.
    pub(crate) fn base_url(&self, environment: &Environment) -> Result<BaseUrl> {
        match environment {
            Environment::Region(region) => Ok(lever_region(*region).base_url()),
            Environment::BaseUrl(_) if !self.settings.allow_base_url => Err(Error::invalid(
                "connection.base_url",
                "a base URL is not allowed here: name a region, or have the operator set lever.allow_base_url",
            )),
            Environment::BaseUrl(text) => BaseUrl::parse(text).map_err(|_says_no_more| {
                Error::invalid(
                    "connection.base_url",
                    "give an http or https address with a host and perhaps a path, \
                     without user, password, query and fragment",
                )
            }),
        }
    }

    fn budget(&self, fingerprint: String, base_url: String) -> Arc<Budget> {
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        budgets
            .entry((fingerprint, base_url))
            .or_insert_with(|| Arc::new(Budget::new(self.settings.budget)))
            .clone()
    }
}

pub(crate) fn lever_region(region: Region) -> lever::Region {
    match region {
        Region::Global => lever::Region::Global,
        Region::Eu => lever::Region::Eu,
        Region::Sandbox => lever::Region::Sandbox,
    }
}

fn observe(attempt: &Attempt, traffic: Option<&Traffic>) {
    if let Some(traffic) = traffic {
        traffic.note(attempt);
    }
    let status = attempt
        .status
        .map_or_else(|| "none".to_owned(), |status| status.to_string());
    metrics::counter!(crate::figures::LEVER_REQUESTS.name, "operation" => attempt.operation, "status" => status)
        .increment(1);
    metrics::histogram!(crate::figures::LEVER_REQUEST_SECONDS.name, "operation" => attempt.operation)
        .record(attempt.elapsed.as_secs_f64());
    metrics::histogram!(crate::figures::LEVER_BUDGET_WAIT.name, "lane" => attempt.lane.as_str())
        .record(attempt.waited.as_secs_f64());
}
