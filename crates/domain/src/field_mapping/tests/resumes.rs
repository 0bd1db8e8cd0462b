//! Work experience, education and company.

use serde_json::json;

use super::*;

fn resume(id: &str, created: i64, parsed: Value) -> (Stream, Value) {
    (
        Stream::Resumes,
        json!({"id": id, "createdAt": created, "parsedData": parsed}),
    )
}

fn work(documents: &[(Stream, Value)]) -> Field {
    field(
        &derived(),
        &records(Scope::Person, documents),
        "WORK_EXPERIENCE",
    )
}

/// Positions as `title@company start..end`, with `*` for the present one.
fn shown(field: &Field) -> Vec<String> {
    let date = |date: Option<MonthOfYear>| match date {
        None => String::new(),
        Some(MonthOfYear { year, month: None }) => year.to_string(),
        Some(MonthOfYear {
            year,
            month: Some(month),
        }) => format!("{year}-{month}"),
    };
    let values = field
        .values
        .iter()
        .filter_map(|value| match &value.content {
            Content::Position(position) => Some(position),
            _ => None,
        });
    values
        .map(|one| {
            let (title, company) = (
                one.title.as_deref().unwrap_or(""),
                one.company.as_deref().unwrap_or(""),
            );
            let mark = if one.current { "*" } else { "" };
            format!(
                "{title}@{company} {}..{}{mark}",
                date(one.start),
                date(one.end)
            )
        })
        .collect()
}

#[test]
fn positions_are_the_newest_first_and_unknown_ones_last() {
    let positions = json!([
        {"org": "A", "title": "t", "start": {"year": 2010, "month": 5}, "end": {"year": 2012, "month": null}},
        {"org": "Undated"},
        {"org": "B", "title": "t", "start": {"year": 2015, "month": 1}, "end": null},
        {"org": "a", "title": "T", "start": {"year": 2010, "month": 5}, "end": {"year": 2012}},
        {"title": "N/A", "org": "None", "start": {"year": 2018}},
        {"org": "C", "start": {"year": 2010}, "end": {"year": null, "month": null}},
        "odd",
        {"org": {"odd": true}, "start": "odd"},
    ]);
    let found = work(&[resume("r", 1, json!({"positions": positions}))]);
    assert_eq!(
        shown(&found),
        [
            "t@B 2015-1..*",
            "t@A 2010-5..2012",
            "@C 2010..*",
            "@Undated .."
        ]
    );
    assert_eq!(found.warnings, [Warning::Placeholder]);
    assert_eq!(found.values[0].source.path, "parsedData.positions[2]");
    assert_eq!(found.values[0].confidence, Confidence::Derived);
}

#[test]
fn dates_that_cannot_be_are_left_out() {
    for (start, end, told) in [
        (json!({"year": 2010, "month": 0}), json!(null), "2010..*"),
        (json!({"year": 2010, "month": 13}), json!(null), "2010..*"),
        (
            json!({"year": 0, "month": 3}),
            json!({"year": 2011}),
            "..2011",
        ),
        (
            json!({"year": 2012, "month": 6}),
            json!({"year": 2012, "month": 5}),
            "2012-6..",
        ),
        (json!({"year": 2012}), json!({"year": 0}), "2012.."),
        (json!({"year": "odd"}), json!(null), ".."),
        (json!({"year": 99999999999_i64}), json!(null), ".."),
        (json!({"year": -1e300}), json!(null), ".."),
    ] {
        let positions = json!([{"org": "A", "start": start, "end": end}]);
        let found = work(&[resume("r", 1, json!({"positions": positions}))]);
        assert_eq!(shown(&found), [format!("@A {told}")], "{start} {end}");
        assert_eq!(found.warnings, [Warning::ImpossibleDate], "{start} {end}");
    }
    let unsure = json!([{"org": "A", "start": {"year": 2012, "month": 6}, "end": {"year": 2012}}]);
    let found = work(&[resume("r", 1, json!({"positions": unsure}))]);
    assert_eq!(
        (shown(&found), found.warnings),
        (vec!["@A 2012-6..2012".to_owned()], vec![])
    );
}

#[test]
fn the_newest_resume_that_was_read_counts() {
    let of = |org: &str| json!({"positions": [{"org": org}]});
    let blank = json!({"positions": []});
    let found = work(&[
        resume("1", 1, of("Old")),
        resume("3", 3, blank),
        resume("2", 2, of("New")),
    ]);
    assert_eq!(shown(&found), ["@New .."]);
}

#[test]
fn a_resume_that_is_being_read_is_waited_for_and_others_are_told() {
    let unread = |status: &str| {
        (
            Stream::Resumes,
            json!({"id": status, "file": {"status": status}, "parsedData": null}),
        )
    };
    for (documents, state, warnings) in [
        (vec![], FieldState::Blank, vec![]),
        (
            vec![unread("processing")],
            FieldState::Pending,
            vec![Warning::ResumeBeingRead],
        ),
        (
            vec![unread("processing"), unread("error")],
            FieldState::Pending,
            vec![Warning::ResumeBeingRead],
        ),
        (
            vec![unread("unsupported")],
            FieldState::Blank,
            vec![Warning::ResumeNotParsed],
        ),
        (
            vec![unread("error")],
            FieldState::Blank,
            vec![Warning::ResumeNotParsed],
        ),
        (
            vec![
                unread("processing"),
                resume("r", 1, json!({"positions": [{"org": "A"}]})),
            ],
            FieldState::Known,
            vec![],
        ),
    ] {
        let found = work(&documents);
        assert_eq!(
            (found.state, found.warnings),
            (state, warnings),
            "{documents:?}"
        );
    }
}

#[test]
fn education_reads_both_keys_and_a_degree_in_the_field() {
    let parsed = json!({
        "positions": [{"org": "A"}],
        "schools": [
            {"org": "MIT", "degree": "BSc", "field": "Computing", "end": {"year": 2019}},
            {"org": "Ecole", "degree": null, "field": "M.Sc. in Physics"},
            {"org": "Uni", "field": "Master of Arts"},
            {"org": "Unknown"},
        ],
        "school": [
            {"org": "mit", "degree": "bsc", "field": "computing", "end": {"year": 2019}},
            {"org": "ETH", "degree": "PhD"},
        ],
    });
    let found = field(
        &derived(),
        &records(Scope::Person, &[resume("r", 1, parsed)]),
        "EDUCATION",
    );
    let told: Vec<_> = found
        .values
        .iter()
        .map(|value| match &value.content {
            Content::School(one) => {
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                (
                    text(&one.school),
                    text(&one.degree),
                    text(&one.field),
                    value.confidence,
                )
            }
            other => panic!("{other:?}"),
        })
        .collect();
    use Confidence::{Derived, Low};
    let row = |school: &str, degree: &str, field: &str, sure| {
        (school.to_owned(), degree.to_owned(), field.to_owned(), sure)
    };
    assert_eq!(
        told,
        [
            row("MIT", "BSc", "Computing", Derived),
            row("Ecole", "M.Sc.", "Physics", Low),
            row("Uni", "Master of Arts", "", Low),
            row("ETH", "PhD", "", Derived),
        ]
    );
    assert_eq!(found.values[3].source.path, "parsedData.school[1]");
    let learned = resume("r", 1, json!({"school": [{"org": "ETH"}]}));
    let alone = field(&derived(), &records(Scope::Person, &[learned]), "EDUCATION");
    assert_eq!(alone.values.len(), 1);
}

#[test]
fn company_is_the_present_employer_then_the_last_then_what_else_is_told() {
    let with = |positions: Value| {
        resume(
            "r",
            1,
            json!({"positions": positions, "schools": [{"org": "State University"}]}),
        )
    };
    let applied = (
        Stream::Applications,
        json!({"id": "a", "company": "Applied Inc"}),
    );
    let headline = |text: &str| (Stream::Opportunities, json!({"id": "o", "headline": text}));
    let past = |org: &str, start: i64, end: i64| json!({"org": org, "start": {"year": start}, "end": {"year": end}});
    let present = |org: &str, start: i64| json!({"org": org, "start": {"year": start}});
    for (documents, company, confidence) in [
        (
            vec![with(json!([
                present("Older", 2010),
                present("Newer", 2015),
                past("Past", 2016, 2020)
            ]))],
            "Newer",
            Confidence::Derived,
        ),
        (
            vec![with(json!([
                past("Long", 2016, 2017),
                past("Last", 2010, 2020)
            ]))],
            "Last",
            Confidence::Derived,
        ),
        (
            vec![with(
                json!([{"title": "t", "start": {"year": 2020}}, past("Last", 2010, 2012)]),
            )],
            "Last",
            Confidence::Derived,
        ),
        (
            vec![with(json!([])), applied, headline("Initech")],
            "Applied Inc",
            Confidence::Derived,
        ),
        (
            vec![headline("Vandelay Industries, Inc, Initech")],
            "Vandelay Industries, Inc",
            Confidence::Low,
        ),
        (
            vec![headline("Betelgeuse Commercial Service Co., Ltd, X")],
            "Betelgeuse Commercial Service Co., Ltd",
            Confidence::Low,
        ),
        (
            vec![with(json!([])), headline("State University, Initech")],
            "Initech",
            Confidence::Low,
        ),
        (
            vec![with(json!([])), headline("State University")],
            "",
            Confidence::Low,
        ),
        (vec![headline("None")], "", Confidence::Low),
    ] {
        let found = field(&derived(), &records(Scope::Person, &documents), "COMPANY");
        assert_eq!(texts(&found).concat(), company, "{documents:?}");
        assert!(
            found
                .values
                .iter()
                .all(|value| value.confidence == confidence),
            "{documents:?}"
        );
    }
    let waiting = (
        Stream::Resumes,
        json!({"id": "r", "file": {"status": "processing"}}),
    );
    let found = field(
        &derived(),
        &records(Scope::Person, std::slice::from_ref(&waiting)),
        "COMPANY",
    );
    assert_eq!(found.state, FieldState::Pending);
    let found = field(
        &derived(),
        &records(Scope::Person, &[waiting, headline("Initech")]),
        "COMPANY",
    );
    assert_eq!(found.state, FieldState::Known);
}
