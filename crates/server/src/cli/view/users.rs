//! Who of the product is who in Lever.

use proto::v1 as pb;

use super::table::{Align, Cell, Column, Table};
use super::{BAD, DIM, GOOD, WARN, word};
use crate::wire::user_links::told;

/// The rows as a table of so many columns.
pub(crate) fn table(links: &[pb::UserLink], width: usize) -> String {
    let mut table = Table::new([
        Column::flexible("E-MAIL"),
        Column::fixed("MATCH", Align::Left),
        Column::flexible("LEVER USER"),
        Column::flexible("LINKED BY"),
        Column::fixed("ID", Align::Left),
    ]);
    for link in links {
        table.row([
            Cell::from(&link.email),
            matched(link.r#match()),
            Cell::from(&link.lever_user_name),
            Cell::from(&link.linked_by),
            Cell::new(DIM, &link.lever_user_id),
        ]);
    }
    table.text(width)
}

/// One link in a sentence.
pub(crate) fn linked(link: &pb::UserLink) -> String {
    let email = Cell::from(&link.email).styled();
    let name = match link.lever_user_name.as_str() {
        "" => Cell::from(&link.lever_user_id).styled(),
        name => Cell::from(name).styled(),
    };
    format!("{email} is {name} in Lever")
}

/// For whom a write would be made, and why, in a sentence.
pub(crate) fn acting(preview: &pb::PreviewActingUserResponse) -> String {
    let passed_over = told(preview.passed_over()).map(|why| format!("{why}; "));
    let passed_over = passed_over.unwrap_or_default();
    if preview.refused {
        return format!(
            "{passed_over}the write is refused, since the connection has strict_acting_user"
        );
    }
    let because = match preview.because() {
        pb::ActingBecause::Email => "who has this e-mail in Lever",
        pb::ActingBecause::Linked => "whom an admin linked to this e-mail",
        pb::ActingBecause::OpportunityOwner => "who owns the opportunity",
        pb::ActingBecause::PostingOwner => "who owns the posting",
        pb::ActingBecause::ConnectionDefault => "the default of the connection",
        pb::ActingBecause::Named => "who was named",
        pb::ActingBecause::Nobody
        | pb::ActingBecause::ItemsDiffer
        | pb::ActingBecause::Unspecified => {
            return format!(
                "{passed_over}the write is made for nobody: Lever names the integration"
            );
        }
    };
    let name = match preview.lever_user_name.as_str() {
        "" => Cell::from(&preview.lever_user_id).styled(),
        name => Cell::from(name).styled(),
    };
    format!("{passed_over}the write is made for {name}, {because}")
}

fn matched(matched: pb::UserMatch) -> Cell {
    let style = match matched {
        pb::UserMatch::Email | pb::UserMatch::Linked => GOOD,
        pb::UserMatch::LinkDeactivated | pb::UserMatch::LinkUnknown => BAD,
        pb::UserMatch::Outranked | pb::UserMatch::NoEmail => WARN,
        pb::UserMatch::Deactivated | pb::UserMatch::Unspecified => DIM,
    };
    Cell::new(style, word(matched.as_str_name(), "USER_MATCH_"))
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    #[test]
    fn each_row_tells_what_comes_of_an_e_mail() {
        let row = |email: &str, name: &str, matched: pb::UserMatch, by: &str| pb::UserLink {
            email: email.to_owned(),
            lever_user_id: "u1".to_owned(),
            lever_user_name: name.to_owned(),
            r#match: matched.into(),
            linked_by: by.to_owned(),
            ..Default::default()
        };
        let rows = [
            row("ada@example.com", "Ada", pb::UserMatch::Email, ""),
            row("ben@example.com", "", pb::UserMatch::LinkUnknown, "ops"),
        ];
        assert_eq!(
            plain(&table(&rows, 100)),
            "E-MAIL           MATCH         LEVER USER  LINKED BY  ID\n\
             ada@example.com  email         Ada                    u1\n\
             ben@example.com  link unknown              ops        u1\n"
        );
        assert_eq!(linked(&rows[0]), "ada@example.com is Ada in Lever");
        assert_eq!(linked(&rows[1]), "ben@example.com is u1 in Lever");
    }

    #[test]
    fn who_acts_is_told_with_why() {
        let told = |because: pb::ActingBecause, passed_over: pb::PassedOver, refused| {
            let preview = pb::PreviewActingUserResponse {
                lever_user_name: "Ada".to_owned(),
                because: because.into(),
                passed_over: passed_over.into(),
                refused,
                ..Default::default()
            };
            plain(&acting(&preview))
        };
        use pb::{ActingBecause as Because, PassedOver as Over};
        let email = told(Because::Email, Over::Unspecified, false);
        assert_eq!(
            email,
            "the write is made for Ada, who has this e-mail in Lever"
        );
        let default = told(Because::ConnectionDefault, Over::Unknown, false);
        assert!(
            default.starts_with("no Lever user has this e-mail; "),
            "{default}"
        );
        let refused = told(Because::Nobody, Over::Deactivated, true);
        assert!(
            refused.contains("deactivated; the write is refused"),
            "{refused}"
        );
    }
}
