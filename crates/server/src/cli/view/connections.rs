//! Linked accounts.

use proto::v1 as pb;

use super::super::output::WIDTH;
use super::table::{Align, Cell, Column, Table};
use super::{sync, word};

/// The connections as a table.
pub(crate) fn table(connections: &[pb::Connection]) -> String {
    let mut table = Table::new([
        Column::fixed("ID", Align::Left),
        Column::flexible("NAME"),
        Column::flexible("EXTERNAL ID"),
        Column::flexible("LEVER"),
        Column::fixed("STATE", Align::Left),
    ]);
    for connection in connections {
        table.row([
            Cell::from(&connection.id),
            Cell::from(&connection.display_name),
            Cell::from(&connection.external_id),
            Cell::from(place(connection)),
            Cell::new(
                sync::style(connection.state()),
                sync::state(connection.state()),
            ),
        ]);
    }
    table.text(WIDTH)
}

fn place(connection: &pb::Connection) -> String {
    match connection.base_url.as_str() {
        "" => word(connection.region().as_str_name(), "REGION_"),
        url => url.trim_start_matches("http://").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    #[test]
    fn connections_are_listed_with_whole_ids_within_the_page() {
        let connection = pb::Connection {
            id: "0197c0de-0000-7000-8000-000000000001".to_owned(),
            display_name: "Example Industries of the Northern Hemisphere".to_owned(),
            external_id: "customer-17".to_owned(),
            region: pb::Region::Eu.into(),
            state: pb::SyncState::Syncing.into(),
            ..Default::default()
        };
        let text = plain(&table(&[connection]));
        assert_eq!(
            text,
            "ID                                    NAME           EXTERNAL ID  LEVER  STATE\n\
             0197c0de-0000-7000-8000-000000000001  Example Indu…  customer-17  eu     syncing\n"
        );
    }
}
