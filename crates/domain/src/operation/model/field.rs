//! What operations overwrite in the model's Lever: one field of a person, which people change too.

use super::*;

/// What a field holds: each text is written by somebody once.
pub(super) type Text = u64;

/// The texts of people in Lever begin here; below are those of operations.
const THEIRS: Text = 1_000_000;

/// A field of a person, with all that was ever in it.
#[derive(Default)]
pub(super) struct Field {
    written: Vec<Written>,
    theirs: u64,
}

struct Written {
    text: Text,
    at: Timestamp,
    /// Of an operation: when it looked first, and last before this.
    looked: Option<(Timestamp, Timestamp)>,
}

/// How the field stands to what an operation asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    AsAsked,
    AsBefore,
    Changed,
}

/// What a step of an operation writes.
pub(super) fn asked(number: usize, step: usize) -> Text {
    (number * 10 + step + 1) as Text
}

/// What is noted of a text that was seen.
pub(super) fn digest(text: Text) -> [u8; 32] {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&text.to_be_bytes());
    digest
}

impl Field {
    /// Somebody in Lever writes.
    pub(super) fn somebody_writes(&mut self, at: Timestamp) {
        self.theirs += 1;
        let text = THEIRS + self.theirs;
        self.written.push(Written {
            text,
            at,
            looked: None,
        });
    }

    /// An operation writes; perhaps a little later.
    pub(super) fn write(&mut self, text: Text, at: Timestamp, looked: (Timestamp, Timestamp)) {
        self.written.push(Written {
            text,
            at,
            looked: Some(looked),
        });
    }

    /// What is in the field now; 0 as long as nobody has written.
    pub(super) fn present(&self, now: Timestamp) -> Text {
        let there = self.written.iter().filter(|one| one.at <= now);
        there.max_by_key(|one| one.at).map_or(0, |one| one.text)
    }

    /// How the field stands to an operation that wants it to hold `asked`, and has seen `before`.
    pub(super) fn stand(&self, asked: Text, before: Option<[u8; 32]>, now: Timestamp) -> Stand {
        let present = self.present(now);
        match before {
            _ if present == asked => Stand::AsAsked,
            Some(before) if before != digest(present) => Stand::Changed,
            _ => Stand::AsBefore,
        }
    }

    /// Whether somebody has written after an operation looked first, at `since`.
    pub(super) fn was_changed(&self, since: Timestamp) -> bool {
        let theirs = self.written.iter().filter(|one| one.text > THEIRS);
        theirs.into_iter().any(|one| one.at >= since)
    }

    /// How often an operation has put its text in the place of what it could have seen that somebody had written since it
    /// looked first.
    pub(super) fn undone(&self) -> usize {
        let mut written: Vec<&Written> = self.written.iter().collect();
        written.sort_by_key(|one| one.at);
        let undone = |pair: &&[&Written]| {
            let (before, after) = (pair[0], pair[1]);
            let theirs = before.text > THEIRS;
            let seen =
                |(first, last): (Timestamp, Timestamp)| before.at > first && before.at < last;
            theirs && after.looked.is_some_and(seen)
        };
        written.windows(2).filter(undone).count()
    }
}
