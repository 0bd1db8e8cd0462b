//! How a candidacy came to where it is: the stages it went through, and when.

use crate::random::Random;
use crate::world::{Account, StageChange};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// The course of one candidacy, oldest step first.
#[derive(Debug)]
pub(super) struct History {
    pub(super) changes: Vec<StageChange>,
    pub(super) archived_at: Option<i64>,
}

/// Where active candidacies stand, by position in the pipeline; inbound applicants are many.
const ACTIVE: &[(u64, usize)] = &[
    (16, 0),
    (12, 1),
    (6, 2),
    (26, 3),
    (9, 4),
    (10, 5),
    (6, 6),
    (6, 7),
    (2, 8),
    (3, 9),
    (2, 10),
    (2, 11),
];
/// Where archived candidacies ended.
const ENDED: &[(u64, usize)] = &[
    (12, 0),
    (16, 1),
    (5, 2),
    (24, 3),
    (10, 4),
    (14, 5),
    (7, 6),
    (7, 7),
    (1, 8),
    (3, 9),
    (1, 10),
];
/// The position of New applicant.
const INBOUND: usize = 3;

/// Draws a history. `inbound` ones begin as applicants, the others as leads.
pub(super) fn draw(
    random: &mut Random,
    account: &Account,
    inbound: bool,
    archived: bool,
    now: i64,
) -> History {
    let drawn = *random.weighted(if archived { ENDED } else { ACTIVE });
    let first = if inbound { INBOUND } else { 0 };
    let last = drawn.max(first);
    let entered = now - age(random, last, archived);
    let archived_at = archived.then(|| random.between(entered, now));
    let path = path(random, first, last);
    let mut at = entered;
    let mut changes: Vec<StageChange> = Vec::new();
    for &index in path.iter().rev() {
        changes.push(change(
            random,
            account,
            index,
            at,
            inbound && index == INBOUND,
        ));
        at -= random.between(HOUR, 12 * DAY);
    }
    changes.reverse();
    History {
        changes,
        archived_at,
    }
}

/// How long ago the last stage was entered: hours and days for active applicants, so that every state of an SLA occurs.
fn age(random: &mut Random, stage: usize, archived: bool) -> i64 {
    if !archived && stage == INBOUND {
        let (low, high) = *random.weighted(&[
            (30, (HOUR / 4, 24 * HOUR)),
            (30, (DAY, 3 * DAY)),
            (25, (3 * DAY, 8 * DAY)),
            (15, (8 * DAY, 40 * DAY)),
        ]);
        return random.between(low, high);
    }
    if !archived && stage > INBOUND && random.percent(60) {
        return random.between(HOUR, 30 * DAY);
    }
    // The product of two draws puts most of the past close by, with a long tail.
    let share = random.between(1, 1000) * random.between(1, 1000);
    15 * DAY + share * DAY / 1_000_000 * 1800
}

/// The stages passed on the way, some of them skipped.
fn path(random: &mut Random, first: usize, last: usize) -> Vec<usize> {
    let between = first + 1..last;
    let mut path = vec![first];
    path.extend(between.filter(|_| random.percent(45)));
    if last > first {
        path.push(last);
    }
    path
}

/// Nobody is named for applying, nor for some old steps.
fn change(
    random: &mut Random,
    account: &Account,
    index: usize,
    at: i64,
    applied: bool,
) -> StageChange {
    let nth = random.below(account.users.len() as u64) as usize;
    let user = (!applied && random.percent(85)).then(|| account.users[nth].id.clone());
    StageChange {
        stage: account.stages[index].id.clone(),
        index,
        at,
        user,
    }
}
