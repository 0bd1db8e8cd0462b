//! Where the pull of a listing stands.

use domain::{Cursor, Part};
use lever::{Offset, Timestamp};
use prost::{Message, Oneof};

use super::{Stored, version_1};
use crate::listings::ListingState;

#[derive(Clone, PartialEq, Message)]
struct ListingV1 {
    #[prost(oneof = "CursorV1", tags = "1, 2, 3")]
    cursor: Option<CursorV1>,
    #[prost(int64, optional, tag = "4")]
    last_success_at: Option<i64>,
    #[prost(string, optional, tag = "5")]
    last_error: Option<String>,
}

/// Absent for a listing of which nothing was read yet.
#[derive(Clone, PartialEq, Oneof)]
pub(super) enum CursorV1 {
    #[prost(message, tag = "1")]
    Backfill(BackfillV1),
    #[prost(message, tag = "2")]
    Follow(FollowV1),
    #[prost(message, tag = "3")]
    Idle(IdleV1),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct BackfillV1 {
    #[prost(int64, tag = "1")]
    began: i64,
    #[prost(uint32, tag = "2")]
    part: u32,
    #[prost(string, optional, tag = "3")]
    offset: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct FollowV1 {
    #[prost(int64, tag = "1")]
    since: i64,
    #[prost(int64, tag = "2")]
    began: i64,
    #[prost(string, optional, tag = "3")]
    offset: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct IdleV1 {
    #[prost(int64, tag = "1")]
    since: i64,
    #[prost(bool, tag = "2")]
    complete: bool,
}

impl Stored for ListingState {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        ListingV1 {
            cursor: from_cursor(&self.cursor),
            last_success_at: self.last_success_at.map(Timestamp::as_millis),
            last_error: self.last_error.clone(),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let stored: ListingV1 = version_1(version, payload)?;
        Some(ListingState {
            cursor: to_cursor(stored.cursor)?,
            last_success_at: stored.last_success_at.map(Timestamp::from_millis),
            last_error: stored.last_error,
        })
    }
}

pub(super) fn from_cursor(cursor: &Cursor) -> Option<CursorV1> {
    let text = |offset: &Option<Offset>| offset.as_ref().map(|offset| offset.as_str().to_owned());
    Some(match cursor {
        Cursor::New => return None,
        Cursor::Backfill {
            began,
            part,
            offset,
        } => CursorV1::Backfill(BackfillV1 {
            began: began.as_millis(),
            part: part_number(*part),
            offset: text(offset),
        }),
        Cursor::Follow {
            since,
            began,
            offset,
        } => CursorV1::Follow(FollowV1 {
            since: since.as_millis(),
            began: began.as_millis(),
            offset: text(offset),
        }),
        Cursor::Idle { since, complete } => CursorV1::Idle(IdleV1 {
            since: since.as_millis(),
            complete: *complete,
        }),
    })
}

pub(super) fn to_cursor(cursor: Option<CursorV1>) -> Option<Cursor> {
    let offset = |text: Option<String>| text.map(|text| Offset::from(text.as_str()));
    Some(match cursor {
        None => Cursor::New,
        Some(CursorV1::Backfill(at)) => Cursor::Backfill {
            began: Timestamp::from_millis(at.began),
            part: part_of(at.part)?,
            offset: offset(at.offset),
        },
        Some(CursorV1::Follow(at)) => Cursor::Follow {
            since: Timestamp::from_millis(at.since),
            began: Timestamp::from_millis(at.began),
            offset: offset(at.offset),
        },
        Some(CursorV1::Idle(at)) => Cursor::Idle {
            since: Timestamp::from_millis(at.since),
            complete: at.complete,
        },
    })
}

fn part_number(part: Part) -> u32 {
    match part {
        Part::All => 1,
        Part::Inbound => 2,
        Part::Rest => 3,
    }
}

fn part_of(number: u32) -> Option<Part> {
    Some(match number {
        1 => Part::All,
        2 => Part::Inbound,
        3 => Part::Rest,
        _ => return None,
    })
}
