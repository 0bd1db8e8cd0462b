//! Between the wire and the engine: pure conversions, tested alone.
//!
//! `to_*` makes messages, `from_*` reads them; what cannot be read is a list of violations that name the field.

pub mod bulk;
pub mod candidate;
pub mod change;
pub mod connect_links;
pub mod connection;
pub mod download;
pub mod duplicates;
pub mod explain;
pub mod export;
pub mod field_mapping;
pub mod fill;
pub mod inbound;
pub mod issues;
pub mod lever;
pub mod master_keys;
pub mod operation;
pub mod page_token;
pub mod permissions;
pub mod profile;
pub mod stage_mapping;
pub mod status;
pub mod sync;
pub mod time;
pub mod token;
pub mod upload;
pub mod user_links;

use std::str::FromStr;

use domain::{ConnectionId, OperationId};
use engine::{Error, Result};

/// Reads a connection id; anything that is none is simply not found.
pub fn connection_id(text: &str) -> Result<ConnectionId> {
    if text.is_empty() {
        return Err(Error::invalid(
            "connection_id",
            "name the connection: ListConnections lists them",
        ));
    }
    ConnectionId::from_str(text).map_err(|_| Error::not_found("connection", text))
}

/// Reads an operation id, also that of an item of a bulk; anything that is none is simply not found.
pub fn operation_id(text: &str) -> Result<OperationId> {
    if let Some((bulk, number)) = text.split_once('/') {
        let bulk = bulk
            .parse()
            .ok()
            .filter(|bulk: &OperationId| bulk.number() == 0);
        // From 1, and as it is told: no zeros stand before it.
        let number = number
            .parse()
            .ok()
            .filter(|n: &u16| *n > 0 && n.to_string() == number);
        return bulk
            .zip(number)
            .map(|(bulk, number)| bulk.item(number))
            .ok_or_else(|| Error::not_found("operation", text));
    }
    if text.is_empty() {
        return Err(Error::invalid(
            "operation_id",
            "name the operation: ListOperations lists them",
        ));
    }
    OperationId::from_str(text).map_err(|_| Error::not_found("operation", text))
}

/// Reads a page size: 0 means `default`, more than `largest` is taken as `largest`.
pub fn page_size(asked: i32, default: usize, largest: usize) -> Result<usize> {
    match usize::try_from(asked) {
        Ok(0) => Ok(default.min(largest)),
        Ok(size) => Ok(size.min(largest)),
        Err(_) => Err(Error::invalid(
            "page_size",
            format!("give 1 to {largest}, or 0 for {default}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_size_is_bounded_but_never_negative() {
        assert_eq!(page_size(0, 100, 1000).unwrap(), 100);
        assert_eq!(page_size(7, 100, 1000).unwrap(), 7);
        assert_eq!(page_size(i32::MAX, 100, 1000).unwrap(), 1000);
        assert!(page_size(-1, 100, 1000).is_err());
    }

    #[test]
    fn an_item_of_a_bulk_goes_by_one_name_only() {
        use engine::ErrorKind::NotFound;
        let bulk = OperationId::with_room("0190f3a1-7c1e-7d2a-9a57-aaaaaaaaaaaa".parse().unwrap());
        let item = bulk.item(2);
        assert_eq!(operation_id(&format!("{bulk}/2")).unwrap(), item);
        assert_eq!(operation_id(&item.to_string()).unwrap(), item);
        for other in [
            format!("{bulk}/0"),
            format!("{bulk}/02"),
            format!("{item}/2"),
            format!("{bulk}/"),
        ] {
            let error = operation_id(&other).unwrap_err();
            let NotFound { what } = error.kind() else {
                panic!("{other}: {error}");
            };
            assert_eq!(*what, "operation");
        }
    }

    #[test]
    fn what_is_no_id_is_not_found_and_an_empty_one_is_asked_for() {
        let kind = |text| connection_id(text).unwrap_err().kind().clone();
        assert!(matches!(
            kind("../etc"),
            engine::ErrorKind::NotFound { what: "connection" }
        ));
        assert!(matches!(kind(""), engine::ErrorKind::Invalid { .. }));
    }
}
