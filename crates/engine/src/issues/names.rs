//! What the records are called that an issue concerns.

use domain::ConnectionId;
use domain::issue::Affected;

use crate::engine::{Engine, Shared};
use crate::error::Result;
use crate::legend::Legend;

impl Engine {
    /// What each of these is called by the mirror of a connection, in their order: stages, archive reasons and users.
    ///
    /// Anything else has an empty name, and so has what nobody knows; an issue is told without names where they cannot be
    /// read.
    pub async fn affected_names(&self, id: ConnectionId, affected: &[Affected]) -> Vec<String> {
        let names = names(&self.shared, id, affected).await;
        names.unwrap_or_else(|error| {
            tracing::debug!(connection = %id, error = %crate::report(&error), "what issues concern is told by ids");
            vec![String::new(); affected.len()]
        })
    }
}

async fn names(shared: &Shared, id: ConnectionId, affected: &[Affected]) -> Result<Vec<String>> {
    if !affected.iter().any(has_name) {
        return Ok(vec![String::new(); affected.len()]);
    }
    let legend = Legend::of(shared, id).await?;
    let mut names = Vec::new();
    for one in affected {
        let of = one.id.as_str();
        names.push(match one.what.as_str() {
            "stage" | "stages" => legend.known_stage(&of.into()),
            "archive_reason" | "archive_reasons" => legend.known_reason(&of.into()),
            "user" | "users" => legend.user_name(shared, id, &of.into()).await?,
            _ => String::new(),
        });
    }
    Ok(names)
}

fn has_name(one: &Affected) -> bool {
    let named = ["stage", "archive_reason", "user"];
    named.contains(&one.what.strip_suffix('s').unwrap_or(&one.what))
}

#[cfg(test)]
mod tests {
    use domain::{Stream, Versioned as _};
    use lever::Timestamp;
    use store::{Incoming, Refresh};

    use super::*;
    use crate::testing;

    fn all() -> Vec<Incoming> {
        let records = [
            (Stream::Stages, "s", r#"{"id":"s","text":"Phone screen"}"#),
            (
                Stream::ArchiveReasons,
                "r",
                r#"{"id":"r","text":"Underqualified"}"#,
            ),
            (Stream::Users, "u", r#"{"id":"u","name":"Grace Hopper"}"#),
            (Stream::Postings, "p", r#"{"id":"p","text":"Engineer"}"#),
        ];
        let records = records.into_iter();
        records
            .map(|(stream, id, raw)| testing::incoming(stream, id, raw))
            .collect()
    }

    #[tokio::test]
    async fn stages_reasons_and_users_have_names_and_nothing_else_has() {
        let folder = tempfile::TempDir::new().unwrap();
        let (engine, id) = testing::engine(folder.path(), Vec::new()).await;
        let at = Timestamp::from_millis(9);
        let shown = Refresh {
            connection: id,
            requested_at: at,
            now: at,
            records: all(),
            deleted: Vec::new(),
            quarantined: Vec::new(),
            policy: Default::default(),
        };
        engine.shared.store.apply_refresh(shown).await.unwrap();
        let named = [
            ("stage", "s", "Phone screen"),
            ("stage", "gone", ""),
            ("archive_reason", "r", "Underqualified"),
            ("user", "u", "Grace Hopper"),
            ("users", "u", "Grace Hopper"),
            ("postings", "p", ""),
            ("stream", "users", ""),
            ("operation", "s", ""),
        ];
        let affected = named.map(|(what, id, _)| Affected::new(what, id));
        let names = engine.affected_names(id, &affected).await;
        assert_eq!(names, named.map(|(_, _, name)| name));
    }

    #[tokio::test]
    async fn what_lever_has_no_longer_has_its_last_known_name() {
        let folder = tempfile::TempDir::new().unwrap();
        let (engine, id) = testing::engine(folder.path(), Vec::new()).await;
        let before = crate::mapping::present(&engine.shared, id).await.unwrap();
        let mut mapping = before.clone();
        let known = &mut mapping.last_known_text;
        known.insert("s".into(), "Chat".to_owned());
        let known = &mut mapping.last_known_reason_text;
        known.insert("r".into(), "Moved away".to_owned());
        let after = mapping.succeeding(&before, "admin", Timestamp::default());
        engine.save_version(id, &before, &after).await.unwrap();
        let affected = [
            Affected::new("stage", "s"),
            Affected::new("archive_reason", "r"),
        ];
        let names = engine.affected_names(id, &affected).await;
        assert_eq!(names, ["Chat", "Moved away"]);
    }
}
