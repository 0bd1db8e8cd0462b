//! Schedules.

use std::time::Duration;

use domain::Schedule;
use prost::{Message, Oneof};

use super::{Stored, version_1};

#[derive(Clone, PartialEq, Message)]
struct ScheduleV1 {
    #[prost(oneof = "KindV1", tags = "1, 2")]
    kind: Option<KindV1>,
}

#[derive(Clone, PartialEq, Oneof)]
enum KindV1 {
    /// Milliseconds.
    #[prost(uint64, tag = "1")]
    Interval(u64),
    #[prost(message, tag = "2")]
    Cron(CronV1),
}

#[derive(Clone, PartialEq, Message)]
struct CronV1 {
    #[prost(string, tag = "1")]
    expression: String,
    #[prost(string, tag = "2")]
    time_zone: String,
}

impl Stored for Schedule {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        let kind = match self {
            Schedule::Interval(interval) => {
                KindV1::Interval(u64::try_from(interval.as_millis()).unwrap_or(u64::MAX))
            }
            Schedule::Cron(cron) => KindV1::Cron(CronV1 {
                expression: cron.expression().to_owned(),
                time_zone: cron.time_zone().to_owned(),
            }),
        };
        ScheduleV1 { kind: Some(kind) }.encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        match version_1::<ScheduleV1>(version, payload)?.kind? {
            KindV1::Interval(ms) => Schedule::every(Duration::from_millis(ms)).ok(),
            KindV1::Cron(cron) => Schedule::cron(&cron.expression, &cron.time_zone).ok(),
        }
    }
}
