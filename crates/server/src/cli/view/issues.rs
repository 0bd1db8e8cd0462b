//! What somebody should look after.

use anstyle::Style;
use proto::v1 as pb;

use super::table::Cell;
use super::{BAD, DIM, GOOD, HEADING, WARN, counted, styled, time, word};

/// Issues, each with what to do about it.
pub(crate) fn page(issues: &[pb::Issue], connections: &[pb::Connection], now_ms: i64) -> String {
    let one = |issue: &pb::Issue| block(issue, name_of(issue, connections), now_ms);
    issues.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// The name of the connection that has an issue, or its id.
fn name_of<'a>(issue: &'a pb::Issue, connections: &'a [pb::Connection]) -> &'a str {
    let mut all = connections.iter();
    let named = all.find(|connection| connection.id == issue.connection_id);
    named.map_or(&issue.connection_id, |connection| &connection.display_name)
}

/// One issue in a line.
pub(crate) fn line(issue: &pb::Issue) -> String {
    let state = styled(style(issue.state()), &state(issue));
    format!("{state}: {}", issue.message)
}

fn block(issue: &pb::Issue, connection: &str, now_ms: i64) -> String {
    let state = styled(style(issue.state()), &state(issue));
    let name = styled(HEADING, &Cell::from(connection).styled());
    let seen = format!(
        "seen {}, first {}, last {}",
        counted(issue.count, "time"),
        time::ago(issue.first_seen_time.as_ref(), now_ms),
        time::ago(issue.last_seen_time.as_ref(), now_ms)
    );
    let back = match issue.reopened {
        0 => String::new(),
        reopened => format!(", back {}", counted(u64::from(reopened), "time")),
    };
    let mut lines = vec![
        format!("{state} · {name} · {}", kind(issue)),
        issue.message.clone(),
        format!("What to do: {}", issue.repair),
    ];
    lines.extend(remark("resolved", &issue.resolved_by, &issue.resolve_note));
    lines.extend(remark("muted", &issue.muted_by, &issue.mute_note));
    if !issue.affected.is_empty() {
        let names = issue.affected.iter().map(concerned);
        let names = names.collect::<Vec<_>>().join(", ");
        lines.push(styled(DIM, &format!("concerns {names}")));
    }
    lines.push(styled(DIM, &format!("{seen}{back} · {}", issue.id)));
    lines.push(String::new());
    lines.join("\n")
}

fn concerned(one: &pb::AffectedObject) -> String {
    match one.name.as_str() {
        "" => format!("{} {}", one.what, one.id),
        name => format!("{} {} ({})", one.what, Cell::from(name).styled(), one.id),
    }
}

fn kind(issue: &pb::Issue) -> String {
    word(issue.kind().as_str_name(), "ISSUE_KIND_")
}

fn state(issue: &pb::Issue) -> String {
    word(issue.state().as_str_name(), "ISSUE_STATE_")
}

fn style(state: pb::IssueState) -> Style {
    match state {
        pb::IssueState::Open => BAD,
        pb::IssueState::Muted => WARN,
        pb::IssueState::Resolved | pb::IssueState::Unspecified => GOOD,
    }
}

fn remark(what: &str, by: &str, note: &str) -> Option<String> {
    if by.is_empty() {
        return None;
    }
    let note = match note {
        "" => String::new(),
        note => format!(": {}", Cell::from(note).styled()),
    };
    let by = Cell::from(by).styled();
    Some(styled(DIM, &format!("{what} by {by}{note}")))
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    fn affected(what: &str, id: &str, name: &str) -> pb::AffectedObject {
        pb::AffectedObject {
            what: what.to_owned(),
            id: id.to_owned(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn an_issue_is_told_with_what_to_do_how_often_it_showed_and_who_said_what() {
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let issue = pb::Issue {
            id: "i1".to_owned(),
            connection_id: "c1".to_owned(),
            kind: pb::IssueKind::PermissionMissing.into(),
            state: pb::IssueState::Muted.into(),
            message: "Lever refused to list notes.".to_owned(),
            repair: "Ask for a new key.".to_owned(),
            affected: vec![
                affected("stream", "notes", ""),
                affected("user", "u1", "Ada\nL."),
            ],
            count: 3,
            reopened: 1,
            first_seen_time: at(0),
            last_seen_time: at(50),
            muted_by: "ada".to_owned(),
            mute_note: "we\nknow".to_owned(),
            ..Default::default()
        };
        let acme = pb::Connection {
            id: "c1".to_owned(),
            display_name: "Acme".to_owned(),
            ..Default::default()
        };
        assert_eq!(
            plain(&page(std::slice::from_ref(&issue), &[acme], 60_000)),
            "muted · Acme · permission missing\n\
             Lever refused to list notes.\n\
             What to do: Ask for a new key.\n\
             muted by ada: we know\n\
             concerns stream notes, user Ada L. (u1)\n\
             seen 3 times, first 1 min ago, last 10 s ago, back 1 time · i1\n"
        );
        assert_eq!(plain(&line(&issue)), "muted: Lever refused to list notes.");
    }
}
