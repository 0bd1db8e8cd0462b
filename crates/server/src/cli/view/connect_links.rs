//! Links by which somebody else connects an account.

use proto::v1 as pb;

use super::table::{Align, Cell, Column, Table};
use super::{BAD, DIM, GOOD, WARN, time, word};

/// The links as a table of so many columns.
pub(crate) fn table(links: &[pb::ConnectLink], width: usize, now_ms: i64) -> String {
    let mut table = Table::new([
        Column::fixed("STATE", Align::Left),
        Column::fixed("WHEN", Align::Left),
        Column::flexible("FOR"),
        Column::flexible("MADE BY"),
        Column::fixed("ID", Align::Left),
    ]);
    for link in links {
        table.row([
            state(link),
            Cell::from(when(link, now_ms)),
            Cell::from(purpose(link)),
            Cell::from(&link.created_by),
            Cell::new(DIM, &link.id),
        ]);
    }
    table.text(width)
}

/// One link in a sentence.
pub(crate) fn sentence(link: &pb::ConnectLink, now_ms: i64) -> String {
    let state = word(link.state().as_str_name(), "CONNECT_LINK_STATE_");
    format!(
        "the link for {} is {state} ({})",
        Cell::from(purpose(link)).styled(),
        when(link, now_ms)
    )
}

fn state(link: &pb::ConnectLink) -> Cell {
    let style = match link.state() {
        pb::ConnectLinkState::Open => GOOD,
        pb::ConnectLinkState::Used => DIM,
        pb::ConnectLinkState::Expired => WARN,
        pb::ConnectLinkState::Revoked | pb::ConnectLinkState::Unspecified => BAD,
    };
    Cell::new(
        style,
        word(link.state().as_str_name(), "CONNECT_LINK_STATE_"),
    )
}

fn when(link: &pb::ConnectLink, now_ms: i64) -> String {
    let ended = match link.state() {
        pb::ConnectLinkState::Used => link.use_time.as_ref(),
        pb::ConnectLinkState::Revoked => link.revoke_time.as_ref(),
        pb::ConnectLinkState::Expired => link.expire_time.as_ref(),
        _ => None,
    };
    match (ended, &link.expire_time) {
        (Some(at), _) => time::ago(Some(at), now_ms),
        (None, Some(at)) => format!("expires {}", time::until(at, now_ms)),
        (None, None) => String::new(),
    }
}

fn purpose(link: &pb::ConnectLink) -> String {
    match link.relink {
        true => format!("another key of {}", link.connection_id),
        false => link.display_name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    #[test]
    fn each_row_tells_where_a_link_stands_and_who_made_it() {
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let open = pb::ConnectLink {
            id: "l1".to_owned(),
            state: pb::ConnectLinkState::Open.into(),
            display_name: "Acme".to_owned(),
            created_by: "ada".to_owned(),
            expire_time: at(7_200),
            ..Default::default()
        };
        let used = pb::ConnectLink {
            id: "l2".to_owned(),
            state: pb::ConnectLinkState::Used.into(),
            relink: true,
            connection_id: "c1".to_owned(),
            use_time: at(0),
            ..open.clone()
        };
        assert_eq!(
            plain(&table(&[open.clone(), used], 100, 3_600_000)),
            "STATE  WHEN            FOR                MADE BY  ID\n\
             open   expires in 1 h  Acme               ada      l1\n\
             used   1 h ago         another key of c1  ada      l2\n"
        );
        assert_eq!(
            plain(&sentence(&open, 3_600_000)),
            "the link for Acme is open (expires in 1 h)"
        );
    }
}
