//! Exports of one person go one after the other: two at once would each find nobody and make two.

use std::collections::{HashMap, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::export::Asked;
use domain::identity::IdentityKey;
use lever::ContactId;
use tokio::sync::Notify;

/// What tells that two exports may be about one person.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Sign {
    Key(IdentityKey),
    Contact(ContactId),
}

/// The exports that wait or are under way, in a line for each sign.
///
/// Who joins stands at the end of all lines at once, so that no two wait for each other.
#[derive(Default)]
pub(in crate::push) struct Lines {
    lines: Mutex<Waiting>,
    left: Notify,
}

#[derive(Default)]
struct Waiting {
    by_sign: HashMap<Sign, VecDeque<u64>>,
    last_ticket: u64,
}

/// A place in the lines of one export; dropped, it is free.
pub(in crate::push) struct Place {
    lines: Arc<Lines>,
    ticket: u64,
    signs: Vec<Sign>,
}

impl Lines {
    /// Takes the places behind all who share a sign.
    pub(in crate::push) fn join(self: &Arc<Self>, asked: &Asked) -> Place {
        let keys = asked.profile.identity().keys().into_iter().map(Sign::Key);
        let contact = asked.contact.clone().map(Sign::Contact);
        let signs: Vec<Sign> = keys.chain(contact).collect();
        let mut waiting = self.waiting();
        waiting.last_ticket += 1;
        let ticket = waiting.last_ticket;
        for sign in &signs {
            let line = waiting.by_sign.entry(sign.clone()).or_default();
            line.push_back(ticket);
        }
        Place {
            lines: self.clone(),
            ticket,
            signs,
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Waits until nobody is ahead.
    pub(in crate::push) async fn turn(&self) {
        loop {
            let mut left = pin!(self.lines.left.notified());
            left.as_mut().enable();
            if self.is_first() {
                return;
            }
            left.await;
        }
    }

    fn is_first(&self) -> bool {
        let waiting = self.lines.waiting();
        let first = |sign: &Sign| {
            let line = waiting.by_sign.get(sign);
            line.and_then(|line| line.front()) == Some(&self.ticket)
        };
        self.signs.iter().all(first)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.lines.waiting();
        for sign in &self.signs {
            let Some(line) = waiting.by_sign.get_mut(sign) else {
                continue;
            };
            line.retain(|ticket| *ticket != self.ticket);
            if line.is_empty() {
                waiting.by_sign.remove(sign);
            }
        }
        drop(waiting);
        self.lines.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use domain::export::{Email, Profile};
    use futures::FutureExt as _;

    use super::*;

    fn asked(emails: &[&str]) -> Asked {
        let email = |address: &&str| Email {
            address: (*address).to_owned(),
            unwanted: false,
        };
        Asked {
            profile: Profile {
                emails: emails.iter().map(email).collect(),
                ..Profile::default()
            },
            ..Asked::default()
        }
    }

    fn goes(place: &Place) -> bool {
        place.turn().now_or_never().is_some()
    }

    #[test]
    fn who_shares_a_sign_waits_and_others_do_not() {
        let lines = Arc::new(Lines::default());
        let first = lines.join(&asked(&["ada@example.com"]));
        let both = lines.join(&asked(&["ADA@example.com", "grace@example.com"]));
        let third = lines.join(&asked(&["grace@example.com"]));
        let other = lines.join(&asked(&["alan@example.com"]));
        let nobody = lines.join(&asked(&[]));
        let all = [&first, &both, &third, &other, &nobody].map(goes);
        assert_eq!(all, [true, false, false, true, true]);
        drop(first);
        assert_eq!([&both, &third].map(goes), [true, false]);
        drop(both);
        assert!(goes(&third));
        drop((third, other, nobody));
        assert!(lines.waiting().by_sign.is_empty());
    }

    #[tokio::test]
    async fn who_waits_is_woken() {
        let lines = Arc::new(Lines::default());
        let first = lines.join(&asked(&["ada@example.com"]));
        let second = lines.join(&asked(&["ada@example.com"]));
        let waits = tokio::spawn(async move { second.turn().await });
        tokio::task::yield_now().await;
        drop(first);
        waits.await.unwrap();
    }
}
