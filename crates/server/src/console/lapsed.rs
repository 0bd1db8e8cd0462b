//! What is said to somebody whose token does not work any more: the same one lets nobody in again.

use maud::{Markup, html};

use super::words::moment;
use crate::auth::Lapsed;
use crate::wire::time::to_timestamp;

/// Why, since when, and who can help.
pub(super) fn told(lapsed: Lapsed) -> Markup {
    let (what, at) = match lapsed {
        Lapsed::Expired(at) => ("expired", at),
        Lapsed::Revoked(at) => ("was revoked", at),
    };
    html! {
        p { "The token you signed in with " (what) " on " (moment(Some(&to_timestamp(at)))) ", and does not work any more. Sign in with another one: an administrator of Fulcrum makes it." }
    }
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;

    #[test]
    fn why_a_token_does_not_work_is_said_with_its_time() {
        let at = Timestamp::from_millis(1_772_409_600_000);
        let expired = told(Lapsed::Expired(at)).into_string();
        assert!(expired.contains("expired on <time") && expired.contains("2026-03-02 00:00 UTC"));
        let revoked = told(Lapsed::Revoked(at)).into_string();
        assert!(revoked.contains("was revoked on") && revoked.contains("another one"));
    }
}
