//! Master keys: their ids, never a key.

use proto::v1 as pb;
use store::{FormerMasterKey, MasterKeys};

use super::time::to_timestamp;

/// The master keys as the wire has them.
pub fn to_pb(keys: &MasterKeys) -> pb::MasterKeys {
    pb::MasterKeys {
        present_key_id: keys.present.to_string(),
        given: keys.given,
        sealed_values: keys.sealed,
        remaining_values: keys.remaining(),
        former: keys.former.iter().map(to_former).collect(),
        underway: keys.underway,
    }
}

fn to_former(key: &FormerMasterKey) -> pb::FormerMasterKey {
    pb::FormerMasterKey {
        key_id: key.id.to_string(),
        retire_time: Some(to_timestamp(key.retired_at)),
        remove_time: key.removed_at.map(to_timestamp),
        sealed_values: key.sealed,
    }
}
