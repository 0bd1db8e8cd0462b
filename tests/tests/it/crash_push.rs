//! Writes of every kind while a fifth of the calls goes wrong and the service is killed again and again (P10).
//!
//! What is asked, what goes wrong and when the kills fall is drawn from a seed, which a failure tells.
//! `FULCRUM_CRASH_PUSH_SEED` draws the same again, `FULCRUM_CRASH_PUSH_OPERATIONS` asks for more or fewer writes.

mod ask;
mod judge;

use std::time::Duration;

use lever_sim::{Action, Calls, FaultPlan, FaultRule, When};
use proto::v1 as pb;

use crate::support::{Random, Setup, World, fresh_id, proved, until_within};

use ask::{Asked, Planner, ask};
use judge::{Verdict, judge};

const SEED: &str = "FULCRUM_CRASH_PUSH_SEED";
const OPERATIONS: &str = "FULCRUM_CRASH_PUSH_OPERATIONS";

/// How many people are written about.
const PEOPLE: usize = 40;
/// Percent of the writes that the service is killed while it is asked for.
const KILLS: u64 = 4;
/// Kills after the last write was asked for.
const LAST_KILLS: u64 = 4;

/// Lever acts on a call that stalls after its caller has given up on it, or was killed, and before anybody looks for it
/// or sends what comes behind it.
const ATTEMPT_TIMEOUT: &str = "700ms";
const STALL: Duration = Duration::from_millis(900);
const SETTLE: &str = "1s";

/// Longer than the longest pauses that a few faults in a row bring about.
const PATIENCE: Duration = Duration::from_secs(200);

/// How a run is made.
struct Plan {
    seed: u64,
    operations: usize,
    /// `push.looks`.
    looks: &'static str,
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test that is run again is told with what"
)]
fn told(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |value| value.parse().expect("a number"))
}

#[tokio::test]
async fn writes_through_faults_and_kills_happen_once_and_in_order() {
    let plan = Plan {
        seed: told(SEED, 1),
        operations: usize::try_from(told(OPERATIONS, 200)).expect("a number of writes"),
        looks: "2",
    };
    let run = run(&plan).await;
    let again = format!("{SEED}={} {OPERATIONS}={}", plan.seed, plan.operations);
    let said = run.figures();
    assert!(
        run.verdict.is_clean(),
        "{again}: {:#?}\n{said}",
        run.verdict
    );
    assert!(
        run.kills > 4 && run.faults > run.calls / 10,
        "{again}: {said}"
    );
    tell(&format!("{again}: {said}"));
    let writes = u64::try_from(plan.operations).expect("a number");
    proved("P10", writes, &said);
}

/// What looking back is good for: without it the same run doubles writes, and the judge sees that.
#[tokio::test]
async fn without_the_read_back_writes_are_doubled() {
    let plan = Plan {
        seed: 2,
        operations: 120,
        looks: "0",
    };
    let verdict = run(&plan).await.verdict;
    assert!(!verdict.duplicates.is_empty(), "{verdict:#?}");
    assert!(verdict.lost.is_empty(), "{verdict:#?}");
}

#[allow(
    clippy::print_stderr,
    reason = "the figures of a long run are what it is for"
)]
fn tell(said: &str) {
    eprintln!("{said}");
}

/// What a run came to.
struct Run {
    verdict: Verdict,
    kills: usize,
    calls: usize,
    faults: usize,
    settled: String,
}

impl Run {
    fn figures(&self) -> String {
        let Run {
            kills,
            calls,
            faults,
            settled,
            ..
        } = self;
        format!(
            "{kills} kills; {faults} of {calls} writing calls cut off or turned away, others stalled or cut short; {settled}"
        )
    }
}

/// A fifth of the writes goes wrong, and some of the looks back.
fn storm(seed: u64) -> FaultPlan {
    let writes = |action, share| FaultRule {
        calls: Calls::Writes,
        when: When::Probability(share),
        ..FaultRule::always(action)
    };
    let away = |read| {
        let rule = FaultRule::on(read, Action::ServerErrorBefore(503));
        rule.when(When::Probability(0.1))
    };
    let rules = vec![
        writes(Action::ResetBefore, 0.03),
        writes(Action::ResetAfter, 0.04),
        writes(Action::ServerErrorBefore(503), 0.03),
        writes(Action::ServerErrorAfter(500), 0.04),
        writes(Action::TruncatedBody, 0.03),
        writes(Action::TooManyRequests, 0.015),
        writes(Action::RetryAfter(1), 0.005),
        writes(Action::StallBefore(STALL), 0.015),
        writes(Action::StallAfter(STALL), 0.015),
        away("listOpportunityNotes"),
        away("listOpportunityFiles"),
        away("listOpportunityForms"),
        away("listOpportunities"),
    ];
    FaultPlan { seed, rules }
}

async fn run(plan: &Plan) -> Run {
    let setup = Setup::new(160)
        .with("FULCRUM__PUSH__SETTLE", SETTLE)
        .with("FULCRUM__PUSH__LOOKS", plan.looks)
        .with("FULCRUM__LEVER__ATTEMPT_TIMEOUT", ATTEMPT_TIMEOUT);
    let mut world = World::synced(setup).await;
    let mut random = Random::new(plan.seed);
    let mut planner = Planner::new(&world, PEOPLE).await;
    let before = world.writes().len();
    world.lever.set_faults(storm(plan.seed));
    let mut asked = Vec::new();
    let mut kills = 0;
    for number in 0..plan.operations {
        let what = planner.draw(&mut random, number);
        let killed = random.percent(KILLS).then(|| random.below(12_000));
        kills += usize::from(killed.is_some());
        let ids = accepted(&mut world, &what, killed).await;
        asked.push((what, ids));
    }
    for _ in 0..LAST_KILLS {
        tokio::time::sleep(Duration::from_millis(random.below(900))).await;
        world.kill().await;
        world.start().await;
        kills += 1;
    }
    let settled = all_settled(&world).await;
    world.lever.set_faults(FaultPlan::default());
    let calls = world.writes().split_off(before);
    let smooth = |status: Option<u16>| status.is_some_and(|status| status < 429);
    Run {
        verdict: judge(&world, &asked).await,
        kills,
        faults: calls.iter().filter(|call| !smooth(call.status)).count(),
        calls: calls.len(),
        settled,
    }
}

/// Asks until the write is accepted, as a caller would; with a kill so many microseconds after the first time.
///
/// All the ids it was told for the one request.
async fn accepted(world: &mut World, asked: &Asked, killed: Option<u64>) -> Vec<String> {
    let mut ids = Vec::new();
    if let Some(micros) = killed {
        let first = tokio::spawn(ask(world.api.clone(), asked.clone()));
        tokio::time::sleep(Duration::from_micros(micros)).await;
        world.kill().await;
        world.start().await;
        ids.extend(first.await.expect("no panic"));
    }
    let world = &*world;
    let id = until_within(PATIENCE, "the write is accepted", async || {
        match ask(world.api.clone(), asked.clone()).await {
            Ok(id) => Some(id),
            // The service may be starting, or Lever may not answer a question it has first.
            Err(status) if status.code() == tonic::Code::Unavailable => None,
            Err(status) => panic!("{asked:?} was refused: {status}"),
        }
    });
    ids.push(id.await);
    ids
}

/// Waits until nothing is left to be done; tells how many ended how.
async fn all_settled(world: &World) -> String {
    use pb::OperationState as State;
    let open = [State::Recorded, State::Sending, State::Held];
    until_within(PATIENCE, "everything settles", async || {
        let all = judge::all_operations(world).await;
        let ended = |state: State| all.iter().filter(|one| one.state() == state).count();
        let left: usize = open.iter().map(|state| ended(*state)).sum();
        (left == 0).then(|| {
            let [succeeded, failed, uncertain] =
                [State::Succeeded, State::Failed, State::Uncertain].map(ended);
            format!("{succeeded} succeeded, {failed} failed, {uncertain} uncertain")
        })
    })
    .await
}

/// A comment shows on its note, which an earlier write has made: it is told from that one and found all the same.
#[tokio::test]
async fn a_comment_whose_answer_is_lost_is_in_lever_once() {
    let world = World::synced(Setup::new(20)).await;
    let opportunity = world.open_opportunities().remove(0);
    let note = world.note(&opportunity, &fresh_id(), "a note").await;
    let note = note.expect("recorded");
    for (action, text) in [
        (Action::ResetAfter, "first comment"),
        (Action::TruncatedBody, "second comment"),
        (Action::ResetBefore, "third comment"),
    ] {
        let rule = FaultRule::on("createOpportunityNote", action).when(When::Nth(1));
        world.lever.set_faults(FaultPlan {
            seed: 0,
            rules: vec![rule],
        });
        let comment = pb::CreateNoteRequest {
            opportunity_id: opportunity.clone(),
            request_id: fresh_id(),
            value: text.to_owned(),
            note_id: note.result_id.clone(),
            ..Default::default()
        };
        let operation = world.create_note(comment).await.expect("recorded");
        assert_eq!(operation.state(), pb::OperationState::Succeeded);
        assert_eq!(operation.result_id, note.result_id, "{action:?}");
    }
    let texts = judge::texts(&world, &opportunity);
    let ours = texts.iter().filter(|text| text.ends_with("comment"));
    let ours: Vec<_> = ours.collect();
    assert_eq!(ours, ["first comment", "second comment", "third comment"]);
}
