//! Who of the product is who in Lever.

use domain::PassedOver;
use engine::{ActingPreview, UserMatch, UserRow};
use proto::v1 as pb;

use super::operation::{to_because, to_passed_over};
use super::time::to_timestamp;

/// A product user's e-mail and a Lever user as the wire has them.
pub fn to_pb(row: UserRow) -> pb::UserLink {
    let (linked_by, link_time) = row.linked.unzip();
    pb::UserLink {
        email: row.email,
        lever_user_id: row.user.as_str().to_owned(),
        lever_user_name: row.name,
        lever_user_email: row.lever_email,
        r#match: to_match(row.matched).into(),
        reason: reason(row.matched).to_owned(),
        linked_by: linked_by.unwrap_or_default(),
        link_time: link_time.map(to_timestamp),
        lever_user_role: row.role,
        lever_user_deactivated: row.deactivated,
    }
}

/// For whom a write would be made, as the wire has it.
pub fn to_preview(preview: ActingPreview) -> pb::PreviewActingUserResponse {
    let ActingPreview {
        chosen,
        user,
        refused,
    } = preview;
    let (name, email) = user.map(|user| (user.name, user.email)).unwrap_or_default();
    pb::PreviewActingUserResponse {
        lever_user_id: chosen
            .user
            .map(|user| user.as_str().to_owned())
            .unwrap_or_default(),
        lever_user_name: name.unwrap_or_default(),
        lever_user_email: email.unwrap_or_default(),
        because: to_because(chosen.because).into(),
        passed_over: to_passed_over(chosen.passed_over).into(),
        refused,
    }
}

/// Why the Lever user that an e-mail stands for does not act, as half a sentence; none where that one does.
pub fn told(passed_over: pb::PassedOver) -> Option<&'static str> {
    let why = match passed_over {
        pb::PassedOver::Unspecified => return None,
        pb::PassedOver::Unknown => PassedOver::Unknown,
        pb::PassedOver::Deactivated => PassedOver::Deactivated,
        pb::PassedOver::LinkUnknown => PassedOver::LinkUnknown,
        pb::PassedOver::LinkDeactivated => PassedOver::LinkDeactivated,
        pb::PassedOver::DefaultDeactivated => PassedOver::DefaultDeactivated,
        pb::PassedOver::DefaultUnknown => PassedOver::DefaultUnknown,
        pb::PassedOver::UsersUnreadable => PassedOver::UsersUnreadable,
    };
    Some(why.told())
}

fn to_match(matched: UserMatch) -> pb::UserMatch {
    match matched {
        UserMatch::Email => pb::UserMatch::Email,
        UserMatch::Linked => pb::UserMatch::Linked,
        UserMatch::LinkDeactivated => pb::UserMatch::LinkDeactivated,
        UserMatch::LinkUnknown => pb::UserMatch::LinkUnknown,
        UserMatch::Deactivated => pb::UserMatch::Deactivated,
        UserMatch::Outranked => pb::UserMatch::Outranked,
        UserMatch::NoEmail => pb::UserMatch::NoEmail,
    }
}

/// Why a Lever user does not act for an e-mail; empty where it does.
fn reason(matched: UserMatch) -> &'static str {
    match matched {
        UserMatch::Email | UserMatch::Linked => "",
        UserMatch::LinkDeactivated => {
            "the linked Lever user is deactivated: link this e-mail to an active one, or take the link back"
        }
        UserMatch::LinkUnknown => {
            "Lever does not list the linked user: link this e-mail to one it lists, or take the link back"
        }
        UserMatch::Deactivated => {
            "this Lever user is deactivated: whoever writes with this e-mail needs a link to an active one"
        }
        UserMatch::Outranked => {
            "another Lever user acts for this e-mail: by a link, or since Lever lists that one first"
        }
        UserMatch::NoEmail => {
            "Lever tells no e-mail of this user: whoever is this user in the product needs a link"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_act_is_told_why() {
        let row = |matched, linked| UserRow {
            email: "a@b.c".to_owned(),
            user: "u".into(),
            name: "Ada".to_owned(),
            lever_email: String::new(),
            role: String::new(),
            deactivated: false,
            matched,
            linked,
        };
        let by = Some(("t".to_owned(), ::lever::Timestamp::from_millis(1_000)));
        let linked = to_pb(row(UserMatch::LinkDeactivated, by));
        assert!(linked.reason.contains("deactivated"), "{linked:?}");
        assert_eq!(linked.linked_by, "t");
        assert_eq!(linked.link_time.map(|at| at.seconds), Some(1));
        assert_eq!(told(pb::PassedOver::Unspecified), None);
        assert!(
            told(pb::PassedOver::LinkUnknown)
                .unwrap()
                .contains("linked")
        );
        let matched = to_pb(row(UserMatch::Email, None));
        assert_eq!((matched.reason.as_str(), matched.link_time), ("", None));
    }
}
