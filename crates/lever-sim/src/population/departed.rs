//! What was deleted in the weeks before the account is looked at.

use crate::config::Children;
use crate::random::Random;
use crate::world::{DeletedApplication, DeletedPosting, Deletion, World};

const DAY: i64 = 86_400_000;
const OPPORTUNITIES: i64 = 8;
const POSTINGS: i64 = 4;

/// Only the fullest accounts have any; some of the deletions are further back than one window of 30 days reaches.
pub(super) fn make(random: &mut Random, world: &mut World, level: Children, now: i64) {
    if level != Children::Full {
        return;
    }
    for nth in (1..=POSTINGS).rev() {
        world.bury_posting(DeletedPosting {
            id: random.uuid(),
            at: now - nth * 13 * DAY,
            confidential: false,
        });
    }
    for nth in (1..=OPPORTUNITIES).rev() {
        let (opportunity, at) = (random.uuid(), now - nth * 6 * DAY);
        world.bury(Deletion {
            id: opportunity.clone(),
            by: Some(random.pick(&world.account.users).id.clone()),
            at,
            confidential: false,
        });
        let posting = random.pick(&world.account.postings);
        let application = DeletedApplication {
            id: random.uuid(),
            opportunity,
            posting: random.percent(80).then(|| posting.id.clone()),
            confidential: posting.confidential,
            at,
        };
        world.bury_application(application);
    }
}
