//! The files and resumes of the population.

use serde_json::{Value, json};

use super::names::COMPANIES;
use crate::config::Children as Level;
use crate::random::Random;
use crate::world::{
    Children, Document, FileAction, FileActionKind, FileStatus, Growth, Opportunity, Resume,
};

const FILE_NAMES: &[&str] = &[
    "portfolio.pdf",
    "cover letter.docx",
    "certificate.png",
    "references.txt",
    "Zeugnis über Praktikum.pdf",
];

const TITLES: &[&str] = &["Engineer", "Analyst", "Designer", "Account Manager", "Lead"];

/// What became of the files: nearly all could be read.
const STATUSES: &[(u64, FileStatus)] = &[
    (92, FileStatus::Processed),
    (2, FileStatus::Processing),
    (3, FileStatus::Unsupported),
    (3, FileStatus::Error),
];

/// Hangs resumes on about half of the opportunities, and other files on a tenth; at the fullest level on most.
pub(super) fn hand_out(growth: Growth, opportunity: &Opportunity, children: &mut Children) {
    // The children before these are drawn from the id itself.
    let mut random = Random::of(growth.seed, &format!("papers of {}", opportunity.id));
    let full = growth.level == Level::Full;
    let resumes = match applied(opportunity) {
        true => 75,
        false if full => 60,
        false => 30,
    };
    let at = opportunity.created_at;
    if random.percent(resumes) {
        let resume = resume(&mut random, at);
        log(&mut random, children, FileActionKind::Imported, at);
        children.resumes.push(resume);
    }
    if random.percent(if full { 50 } else { 10 }) {
        for _ in 0..random.between(1, 2) {
            let name = *random.pick(FILE_NAMES);
            let file = document(&mut random, name, at);
            log(&mut random, children, FileActionKind::Added, at);
            children.files.push(file);
        }
    }
}

fn log(random: &mut Random, children: &mut Children, kind: FileActionKind, at: i64) {
    children.file_actions.push(FileAction {
        id: random.uuid(),
        kind,
        at: at + 4,
        user: None,
    });
}

fn applied(opportunity: &Opportunity) -> bool {
    let kind = opportunity.application.as_ref().map(|it| it.kind);
    kind == Some("posting")
}

/// One in ten was read from an online profile and has no file.
fn resume(random: &mut Random, at: i64) -> Resume {
    let file = (!random.percent(10)).then(|| document(random, "resume.pdf", at));
    Resume {
        id: random.uuid(),
        created_at: at,
        file,
        parsed: parsed(random),
    }
}

fn document(random: &mut Random, name: &str, at: i64) -> Document {
    let size = random.between(2_000, 120_000) as usize;
    let status = *random.weighted(STATUSES);
    Document::drawn(random.uuid(), name, size, status, at + 4)
}

fn parsed(random: &mut Random) -> Value {
    let count = random.below(3);
    let positions: Vec<Value> = (0..count).map(|nth| position(random, nth)).collect();
    json!({ "positions": positions, "schools": schools(random) })
}

fn position(random: &mut Random, nth: u64) -> Value {
    let start = 2020 - 3 * i64::try_from(nth).unwrap_or(0);
    json!({
        "org": random.pick(COMPANIES),
        "title": random.pick(TITLES),
        "summary": "Built things",
        "location": "Austin, TX",
        "start": { "year": start, "month": random.between(1, 12) },
        "end": { "year": start + 2, "month": random.between(1, 12) },
    })
}

fn schools(random: &mut Random) -> Value {
    if random.percent(40) {
        return json!([]);
    }
    json!([{
        "org": "Sample University",
        "degree": "BSc",
        "field": "Computing",
        "summary": null,
        "start": { "year": 2012, "month": 9 },
        "end": { "year": 2015, "month": 6 },
    }])
}
