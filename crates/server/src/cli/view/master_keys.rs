//! The master keys of a service.

use proto::v1 as pb;

use super::table::{Align, Cell, Column, Table};
use super::{DIM, GOOD, WARN, counted, grouped, time};
use crate::cli::output::WIDTH;

/// How far an exchange has come.
pub(crate) fn line(keys: &pb::MasterKeys) -> String {
    let all = counted(keys.sealed_values, "secret");
    match keys.remaining_values {
        0 => format!("{all} sealed with the present one"),
        remaining if keys.underway => {
            format!("{} of {all} to be sealed anew", grouped(remaining))
        }
        remaining => format!(
            "{} of {all} do not open, `fulcrum store check` names their tables: give the accounts new credentials",
            grouped(remaining)
        ),
    }
}

/// The present key and those of before.
pub(crate) fn page(keys: &pb::MasterKeys, now_ms: i64) -> String {
    let mut table = Table::new([
        Column::fixed("KEY", Align::Left),
        Column::fixed("RETIRED", Align::Left),
        Column::fixed("SECRETS", Align::Right),
        Column::flexible("REMOVED"),
    ]);
    let with_present = keys.sealed_values.saturating_sub(keys.remaining_values);
    table.row([
        Cell::from(&keys.present_key_id),
        Cell::new(GOOD, "in use"),
        Cell::from(grouped(with_present)),
        Cell::from(""),
    ]);
    for key in &keys.former {
        table.row(former(key, now_ms));
    }
    let place = if keys.given {
        "the keys come from the settings"
    } else {
        "the keys are files in the data directory"
    };
    format!("{}\n{place}; {}\n", table.text(WIDTH), line(keys))
}

fn former(key: &pb::FormerMasterKey, now_ms: i64) -> [Cell; 4] {
    let removed = match &key.remove_time {
        Some(at) => Cell::new(DIM, time::until(at, now_ms)),
        None => Cell::new(WARN, "once nothing is sealed with it"),
    };
    [
        Cell::new(DIM, &key.key_id),
        Cell::from(time::ago(key.retire_time.as_ref(), now_ms)),
        Cell::from(grouped(key.sealed_values)),
        removed,
    ]
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    fn at(seconds: i64) -> Option<prost_types::Timestamp> {
        Some(prost_types::Timestamp { seconds, nanos: 0 })
    }

    #[test]
    fn the_present_key_comes_first_and_each_former_one_says_when_it_goes() {
        let former = |id: &str, remove_time, sealed_values| pb::FormerMasterKey {
            key_id: id.to_owned(),
            retire_time: at(0),
            remove_time,
            sealed_values,
        };
        let keys = pb::MasterKeys {
            present_key_id: "00000000000000aa".to_owned(),
            given: false,
            sealed_values: 30,
            remaining_values: 7,
            underway: true,
            former: vec![
                former("00000000000000bb", None, 7),
                former("00000000000000cc", at(4 * 86_400), 0),
            ],
        };
        insta::assert_snapshot!(plain(&page(&keys, 86_400_000)), @r"
        KEY               RETIRED   SECRETS  REMOVED
        00000000000000aa  in use         23
        00000000000000bb  24 h ago        7  once nothing is sealed with it
        00000000000000cc  24 h ago        0  in 3 d

        the keys are files in the data directory; 7 of 30 secrets to be sealed anew
        ");
        let ended = pb::MasterKeys {
            underway: false,
            ..keys
        };
        assert!(line(&ended).contains("7 of 30 secrets do not open"));
    }
}
