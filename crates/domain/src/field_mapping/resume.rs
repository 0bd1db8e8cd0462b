//! Work experience and education, from what Lever read in resumes (product.md 5.0 and 5.1).
//!
//! Lever: "Resumes", `parsedData`. The key of schools is `schools` in Lever's text and `school` in others'; both read.

use std::cmp::Reverse;

use serde_json::Value;

use super::found::Finding;
use super::records::{Record, Records, list, text};
use super::value::{Confidence, Content, FieldState, MonthOfYear, Position, School, Warning};
use crate::Stream;
use crate::text::{folded_words, meaningful};

/// Years of a life; others are misread.
const YEARS: std::ops::RangeInclusive<i64> = 1900..=2200;

/// The newest resume that says where the person worked, else the newest that says where the person learned.
fn parsed(records: &Records) -> Option<&Record> {
    let with = |keys: &'static [&str]| {
        let mut resumes: Vec<_> = records.of(Stream::Resumes).collect();
        resumes
            .sort_by_key(|resume| Reverse(super::records::moment(&resume.document, "createdAt")));
        resumes.into_iter().find(|resume| {
            let data = resume.document.get("parsedData");
            data.is_some_and(|data| keys.iter().any(|key| !list(data, key).is_empty()))
        })
    };
    with(&["positions"]).or_else(|| with(&["schools", "school"]))
}

/// Every place of work, the newest first, those without a date last.
pub(super) fn positions(records: &Records) -> Finding {
    let mut finding = Finding::default();
    let mut positions: Vec<(Position, &Value, String)> = Vec::new();
    let resume = parsed(records);
    for (index, entry) in resume
        .into_iter()
        .flat_map(|resume| entries(resume, "positions"))
        .enumerate()
    {
        let position = position(entry, &mut finding);
        let told = position.company.is_some() || position.title.is_some();
        if told
            && !positions
                .iter()
                .any(|(other, _, _)| same_position(other, &position))
        {
            positions.push((position, entry, format!("parsedData.positions[{index}]")));
        }
    }
    positions.sort_by_key(|(position, _, _)| Reverse(position.start));
    for (position, raw, path) in positions {
        let resume = resume.expect("there are positions");
        finding.add(
            resume,
            path,
            raw,
            Content::Position(position),
            Confidence::Derived,
        );
    }
    unread(records, &mut finding);
    finding
}

/// Every school, in the order of the resume.
pub(super) fn schools(records: &Records) -> Finding {
    let mut finding = Finding::default();
    let mut schools: Vec<School> = Vec::new();
    if let Some(resume) = parsed(records) {
        for key in ["schools", "school"] {
            for (index, entry) in entries(resume, key).enumerate() {
                let (school, confidence) = school(entry, &mut finding);
                let told =
                    school.school.is_some() || school.degree.is_some() || school.field.is_some();
                if told && !schools.iter().any(|other| same_school(other, &school)) {
                    schools.push(school.clone());
                    let path = format!("parsedData.{key}[{index}]");
                    finding.add(resume, path, entry, Content::School(school), confidence);
                }
            }
        }
    }
    unread(records, &mut finding);
    finding
}

fn entries<'r>(resume: &'r Record, key: &str) -> impl Iterator<Item = &'r Value> + use<'r> {
    let data = resume.document.get("parsedData").unwrap_or(&Value::Null);
    list(data, key).iter()
}

/// Without any entry, says whether to come back: a resume may still be read, or was not readable.
fn unread(records: &Records, finding: &mut Finding) {
    if !finding.values.is_empty() {
        return;
    }
    let status = |resume: &Record| {
        let file = resume.document.get("file").unwrap_or(&Value::Null);
        text(file, "status").map(|status| status.into_owned())
    };
    let statuses: Vec<_> = records.of(Stream::Resumes).filter_map(status).collect();
    if statuses.iter().any(|status| status == "processing") {
        finding.state = Some(FieldState::Pending);
        finding.warn(Warning::ResumeBeingRead);
    } else if !statuses.is_empty() {
        finding.warn(Warning::ResumeNotParsed);
    }
}

fn position(entry: &Value, finding: &mut Finding) -> Position {
    let (start, end) = (date(entry, "start", finding), date(entry, "end", finding));
    let (start, end, current) = period(start, end, finding);
    Position {
        company: finding.meaningful(text(entry, "org").as_deref()),
        title: finding.meaningful(text(entry, "title").as_deref()),
        location: finding.meaningful(text(entry, "location").as_deref()),
        summary: text(entry, "summary").map(|text| text.into_owned()),
        start,
        end,
        current,
    }
}

fn school(entry: &Value, finding: &mut Finding) -> (School, Confidence) {
    let (start, end) = (date(entry, "start", finding), date(entry, "end", finding));
    let (start, end, _current) = period(start, end, finding);
    let degree = finding.meaningful(text(entry, "degree").as_deref());
    let field = finding.meaningful(text(entry, "field").as_deref());
    let split = match (&degree, &field) {
        (None, Some(field)) => degree_in(field),
        _ => None,
    };
    let confidence = match split {
        Some(_) => Confidence::Low,
        None => Confidence::Derived,
    };
    let (degree, field) = split.unwrap_or((degree, field));
    let school = School {
        school: finding.meaningful(text(entry, "org").as_deref()),
        degree,
        field,
        summary: text(entry, "summary").map(|text| text.into_owned()),
        start,
        end,
    };
    (school, confidence)
}

/// Beginnings of degrees, without points and in lower case.
const DEGREES: [&str; 24] = [
    "associate",
    "ba",
    "bachelor",
    "bachelors",
    "beng",
    "bs",
    "bsc",
    "btech",
    "diploma",
    "diplom",
    "doctor",
    "doctorate",
    "llb",
    "llm",
    "ma",
    "master",
    "masters",
    "mba",
    "md",
    "meng",
    "ms",
    "msc",
    "mtech",
    "phd",
];

/// A degree that was written into the field of study: `BSc Computing`, `Master of Arts in History`.
fn degree_in(field: &str) -> Option<(Option<String>, Option<String>)> {
    let words: Vec<&str> = field.split(' ').collect();
    let first = folded_words(&words[0].replace('.', "")).concat();
    DEGREES.contains(&first.as_str()).then_some(())?;
    let joined = |words: &[&str]| meaningful(words.join(" ").trim_matches([',', '-', ' ']));
    Some(
        match words
            .iter()
            .position(|word| word.eq_ignore_ascii_case("in"))
        {
            Some(at) => (joined(&words[..at]), joined(&words[at + 1..])),
            None if words
                .get(1)
                .is_some_and(|word| word.eq_ignore_ascii_case("of")) =>
            {
                (Some(field.to_owned()), None)
            }
            None => (joined(&words[..1]), joined(&words[1..])),
        },
    )
}

/// What a resume says of a date.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    Nonsense,
    Date(MonthOfYear),
}

impl Told {
    fn date(self) -> Option<MonthOfYear> {
        match self {
            Told::Date(date) => Some(date),
            Told::Nothing | Told::Nonsense => None,
        }
    }
}

fn date(entry: &Value, key: &str, finding: &mut Finding) -> Told {
    let number = |key: &str, value: &Value| {
        text(value, key).map(|text| text.parse::<f64>().unwrap_or(-1.0) as i64)
    };
    let Some(value) = entry.get(key).filter(|value| value.is_object()) else {
        return Told::Nothing;
    };
    let (year, month) = (number("year", value), number("month", value));
    let fitting = year
        .filter(|year| YEARS.contains(year))
        .and_then(|year| i16::try_from(year).ok());
    let fitting_month = month
        .filter(|month| (1..=12).contains(month))
        .and_then(|month| u8::try_from(month).ok());
    let odd_month = month.is_some() && fitting_month.is_none();
    if (year.is_some() && fitting.is_none()) || odd_month {
        finding.warn(Warning::ImpossibleDate);
    }
    match (year, fitting) {
        (None, _) => Told::Nothing,
        (Some(_), None) => Told::Nonsense,
        (Some(_), Some(year)) => Told::Date(MonthOfYear {
            year,
            month: fitting_month,
        }),
    }
}

/// A position lasts while it has begun and no end is told; an end before the start is no end.
fn period(
    start: Told,
    end: Told,
    finding: &mut Finding,
) -> (Option<MonthOfYear>, Option<MonthOfYear>, bool) {
    let current = start.date().is_some() && end == Told::Nothing;
    let (start, end) = (start.date(), end.date());
    match (start, end) {
        (Some(first), Some(last)) if ends_before(first, last) => {
            finding.warn(Warning::ImpossibleDate);
            (Some(first), None, false)
        }
        _ => (start, end, current),
    }
}

/// A month that is not known is taken as the one that fits.
fn ends_before(start: MonthOfYear, end: MonthOfYear) -> bool {
    (end.year, end.month.unwrap_or(12)) < (start.year, start.month.unwrap_or(1))
}

fn same_position(a: &Position, b: &Position) -> bool {
    same(&a.company, &b.company) && same(&a.title, &b.title) && a.start == b.start && a.end == b.end
}

fn same_school(a: &School, b: &School) -> bool {
    same(&a.school, &b.school)
        && same(&a.degree, &b.degree)
        && same(&a.field, &b.field)
        && a.end == b.end
}

fn same(a: &Option<String>, b: &Option<String>) -> bool {
    let folded = |text: &Option<String>| text.as_deref().map(folded_words);
    folded(a) == folded(b)
}
