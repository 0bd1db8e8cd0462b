//! The wall clock of the machine jumps, and runs too fast, while the service works (P22).
//!
//! `tests/clock/run.sh` gives the library that plays the clock; without it there is nothing to try.

use std::path::{Path, PathBuf};

use lever_sim::{Act, RateLimit};

use crate::support::{Setup, World, proved};

/// What becomes of the clock, one after the other.
const CLOCKS: [&str; 5] = ["+1d", "-1d", "+0 x1.5", "-6h", "+0"];

#[expect(
    clippy::disallowed_methods,
    reason = "the library is where the machine has it"
)]
fn library() -> Option<PathBuf> {
    std::env::var_os("FULCRUM_FAKETIME").map(PathBuf::from)
}

/// A service whose wall clock is what the file says; its monotonic clock is the machine's.
fn played(library: &Path, clock: &Path) -> Setup {
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let mut setup = Setup::new(60)
        .with("LD_PRELOAD", &text(library))
        .with("FAKETIME_TIMESTAMP_FILE", &text(clock))
        .with("FAKETIME_NO_CACHE", "1")
        .with("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .with("FULCRUM__LEVER__REQUESTS_PER_SECOND", "40")
        .with("FULCRUM__LEVER__BURST", "40");
    setup.lever.rate_limit = Some(RateLimit {
        per_second: 40,
        burst: 80,
    });
    setup.connection.streams = ["stages", "users", "postings", "opportunities", "notes"]
        .map(str::to_owned)
        .into();
    setup
}

/// Seen to fail while a pass dated itself by our wall clock: after a jump back and ahead again its pages counted as older
/// than those of before, and changes were missed.
#[tokio::test]
async fn p22_the_clock_jumps_while_the_service_runs() {
    let Some(library) = library() else {
        return;
    };
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let clock = folder.path().join("clock");
    let set = |to: &str| std::fs::write(&clock, to).expect("written");
    set("+0");
    let mut world = World::synced(played(&library, &clock)).await;
    let people = world.open_opportunities();
    let stages = world.lever.stages();
    for (turn, to) in CLOCKS.into_iter().enumerate() {
        set(to);
        for (number, person) in people.iter().enumerate().take(6) {
            let stage = stages[(turn + number) % stages.len()]["id"].as_str();
            let moved = Act::MoveStage {
                opportunity: person.clone(),
                stage: stage.expect("an id").to_owned(),
                user: None,
            };
            world.lever.act(moved).expect("moved");
        }
        let gone = people[people.len() - 1 - turn].clone();
        world.lever.delete(&gone).expect("known");
        let text = format!("written at {to}");
        let request = world.note(&people[0], &text, &text).await;
        request.expect("written whatever the clock says");
        world.pull_until_mirror_equals_lever().await;
        assert_eq!(world.notes_saying(&people[0], &text), 1, "{to}");
        if turn == 2 {
            world.kill().await;
            world.start().await;
        }
    }
    world.until_synced().await;
    let audit = world.lever.audit();
    let limited = audit.iter().filter(|entry| entry.status == Some(429));
    assert_eq!(limited.count(), 0, "the rate is kept by the other clock");
    proved(
        "P22",
        CLOCKS.len() as u64,
        "jumps of the wall clock by a day, and a clock that runs half as fast again",
    );
}
