//! Numbered changes, those of one transaction in one value.

use std::collections::BTreeMap;

use domain::Stream;
use domain::change::{Change, ChangeKind, Event, Move, Place, RecordChange, SlaMark};
use lever::Timestamp;
use prost::Message;

use super::id::{pack, unpack};
use super::{Stored, version_1};

/// Changes that were made together: their numbers follow each other, and all have one time. Never empty.
///
/// One value for each change, as version 1 had it, was a fourth of all writes of a first walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChangeBlock(pub(crate) Vec<Change>);

impl ChangeBlock {
    /// The last number, by which the block is found; none without a change.
    pub(crate) fn last(&self) -> Option<u64> {
        self.0.last().map(|change| change.sequence)
    }

    /// When the changes were made; none without a change.
    pub(crate) fn at(&self) -> Option<Timestamp> {
        self.0.first().map(|change| change.at)
    }
}

#[derive(Clone, PartialEq, Message)]
struct ChangeV1 {
    #[prost(uint64, tag = "1")]
    sequence: u64,
    #[prost(int64, tag = "2")]
    at: i64,
    #[prost(uint32, tag = "3")]
    stream: u32,
    #[prost(bytes = "vec", tag = "4")]
    id: Vec<u8>,
    #[prost(uint32, tag = "5")]
    kind: u32,
}

/// Version 2 had neither places nor what is numbered from 4 on, version 3 nothing from 9 on.
#[derive(Clone, PartialEq, Message)]
struct BlockV4 {
    #[prost(uint64, tag = "1")]
    first: u64,
    #[prost(int64, tag = "2")]
    at: i64,
    #[prost(message, repeated, tag = "3")]
    changes: Vec<EntryV4>,
    /// Each place that one of the changes names, once.
    #[prost(message, repeated, tag = "4")]
    places: Vec<PlaceV4>,
}

#[derive(Clone, PartialEq, Message)]
struct PlaceV4 {
    #[prost(bytes = "vec", tag = "1")]
    stage: Vec<u8>,
    #[prost(bool, tag = "2")]
    confidential: bool,
}

#[derive(Clone, PartialEq, Message)]
struct EntryV4 {
    /// Of a record.
    #[prost(uint32, tag = "1")]
    stream: u32,
    /// Of a record or an opportunity.
    #[prost(bytes = "vec", tag = "2")]
    id: Vec<u8>,
    #[prost(uint32, tag = "3")]
    kind: u32,
    /// Where an opportunity stood before: 0 for nowhere, else its place counted from 1; absent when not noted.
    #[prost(uint32, optional, tag = "4")]
    from: Option<u32>,
    /// Where it stood after, likewise.
    #[prost(uint32, optional, tag = "5")]
    to: Option<u32>,
    /// Of a mapping.
    #[prost(uint64, tag = "6")]
    version: u64,
}

impl Stored for ChangeBlock {
    const VERSION: u8 = 4;

    fn to_payload(&self) -> Vec<u8> {
        let first = self.0.first();
        let mut places = Places::default();
        let changes = self.0.iter();
        let changes = changes.map(|change| from_event(&change.event, &mut places));
        BlockV4 {
            first: first.map_or(0, |change| change.sequence),
            at: first.map_or(0, |change| change.at.as_millis()),
            changes: changes.collect(),
            places: places.stored(),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let changes = match version {
            1 => vec![to_single(version_1(version, payload)?)?],
            2..=4 => to_changes(BlockV4::decode(payload).ok()?)?,
            _ => return None,
        };
        (!changes.is_empty()).then_some(Self(changes))
    }
}

/// The places of one block: most changes of a page name few stages.
#[derive(Default)]
struct Places<'c>(BTreeMap<&'c Place, u32>);

impl<'c> Places<'c> {
    /// The number of a place, from 1; 0 for nowhere.
    fn number(&mut self, place: Option<&'c Place>) -> u32 {
        let Some(place) = place else { return 0 };
        let next = u32::try_from(self.0.len() + 1).unwrap_or(u32::MAX);
        *self.0.entry(place).or_insert(next)
    }

    fn stored(&self) -> Vec<PlaceV4> {
        let mut numbered: Vec<_> = self.0.iter().collect();
        numbered.sort_by_key(|(_place, number)| **number);
        let places = numbered.into_iter().map(|(place, _number)| PlaceV4 {
            stage: pack(place.stage.as_str()),
            confidential: place.confidential,
        });
        places.collect()
    }
}

fn from_event<'c>(event: &'c Event, places: &mut Places<'c>) -> EntryV4 {
    match event {
        Event::Record(change) => {
            let moved = change.moved.as_ref();
            EntryV4 {
                stream: change.stream.tag().into(),
                id: pack(&change.id),
                kind: kind_number(change.kind),
                from: moved.map(|moved| places.number(moved.from.as_ref())),
                to: moved.map(|moved| places.number(moved.to.as_ref())),
                ..EntryV4::default()
            }
        }
        Event::Sla { opportunity, mark } => EntryV4 {
            id: pack(opportunity.as_str()),
            kind: match mark {
                SlaMark::AtRisk => AT_RISK,
                SlaMark::Breached => BREACHED,
            },
            ..EntryV4::default()
        },
        Event::Awake { opportunity } => EntryV4 {
            id: pack(opportunity.as_str()),
            kind: AWAKE,
            ..EntryV4::default()
        },
        Event::StagesMapped { version } => EntryV4 {
            kind: STAGES_MAPPED,
            version: *version,
            ..EntryV4::default()
        },
        Event::Confidential { hidden } => EntryV4 {
            kind: if *hidden { HIDDEN } else { SHOWN },
            ..EntryV4::default()
        },
    }
}

fn to_single(stored: ChangeV1) -> Option<Change> {
    let record = RecordChange {
        stream: Stream::from_tag(stored.stream.try_into().ok()?)?,
        id: unpack(&stored.id)?,
        kind: kind_of(stored.kind)?,
        moved: None,
    };
    Some(Change {
        sequence: stored.sequence,
        at: Timestamp::from_millis(stored.at),
        event: Event::Record(record),
    })
}

fn to_changes(block: BlockV4) -> Option<Vec<Change>> {
    let places = block.places.iter().map(to_place);
    let places: Vec<Place> = places.collect::<Option<_>>()?;
    let numbered = (block.first..).zip(&block.changes);
    numbered
        .map(|(sequence, entry)| {
            Some(Change {
                sequence,
                at: Timestamp::from_millis(block.at),
                event: to_event(entry, &places)?,
            })
        })
        .collect()
}

fn to_event(entry: &EntryV4, places: &[Place]) -> Option<Event> {
    let sla = |mark| {
        let opportunity = unpack(&entry.id)?.into();
        Some(Event::Sla { opportunity, mark })
    };
    match entry.kind {
        AT_RISK => sla(SlaMark::AtRisk),
        BREACHED => sla(SlaMark::Breached),
        AWAKE => Some(Event::Awake {
            opportunity: unpack(&entry.id)?.into(),
        }),
        STAGES_MAPPED => Some(Event::StagesMapped {
            version: entry.version,
        }),
        HIDDEN => Some(Event::Confidential { hidden: true }),
        SHOWN => Some(Event::Confidential { hidden: false }),
        of_a_record => Some(Event::Record(RecordChange {
            stream: Stream::from_tag(entry.stream.try_into().ok()?)?,
            id: unpack(&entry.id)?,
            kind: kind_of(of_a_record)?,
            moved: match (entry.from, entry.to) {
                (Some(from), Some(to)) => Some(Move {
                    from: numbered(places, from)?,
                    to: numbered(places, to)?,
                }),
                _ => None,
            },
        })),
    }
}

/// The place with a number; nothing for a number that no place has.
fn numbered(places: &[Place], number: u32) -> Option<Option<Place>> {
    match usize::try_from(number).ok()?.checked_sub(1) {
        None => Some(None),
        Some(at) => places.get(at).cloned().map(Some),
    }
}

fn to_place(stored: &PlaceV4) -> Option<Place> {
    Some(Place {
        stage: unpack(&stored.stage)?.into(),
        confidential: stored.confidential,
    })
}

const AT_RISK: u32 = 4;
const BREACHED: u32 = 5;
const STAGES_MAPPED: u32 = 6;
const HIDDEN: u32 = 7;
const SHOWN: u32 = 8;
const AWAKE: u32 = 9;

fn kind_number(kind: ChangeKind) -> u32 {
    match kind {
        ChangeKind::Created => 1,
        ChangeKind::Updated => 2,
        ChangeKind::Deleted => 3,
    }
}

fn kind_of(number: u32) -> Option<ChangeKind> {
    Some(match number {
        1 => ChangeKind::Created,
        2 => ChangeKind::Updated,
        3 => ChangeKind::Deleted,
        _ => return None,
    })
}
