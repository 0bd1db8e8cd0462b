//! The document of mappings, paths into Lever's documents, and cron lines.

use std::time::Duration;

use domain::field_mapping::SourcePath;
use domain::mapping_document::{from_toml, to_toml};
use domain::{Schedule, Timestamp};

/// Reads the input as each; what is read as a document is written and read again alike.
pub(crate) fn mapping(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(document) = from_toml(&text) {
        let written = to_toml(&document);
        let again = from_toml(&written).map(|document| to_toml(&document));
        assert_eq!(again.ok().as_deref(), Some(written.as_str()));
    }
    let line = text.lines().next().unwrap_or_default();
    if let Ok(path) = SourcePath::parse(line) {
        let _ = (path.shape(), path.read(&serde_json::json!({"a": [1]})));
    }
    let mut words = line.splitn(2, '|');
    let (cron, zone) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or("UTC"),
    );
    if let Ok(schedule) = Schedule::cron(cron, zone) {
        let _ = schedule.next_after(Timestamp::from_millis(1_790_000_000_000));
    }
    let _ = Schedule::every(Duration::from_millis(input.len() as u64));
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    vec![
        include_bytes!("../../../config/mapping.toml").to_vec(),
        b"*/5 8-18 * * 1-5|Europe/Berlin".to_vec(),
        b"0 0 29 2 *|America/St_Johns".to_vec(),
        b"opportunity.links[].url".to_vec(),
        b"application.customQuestions[text='Notice period?'].fields[0].value".to_vec(),
    ]
}
