//! Name, title, location, e-mail, company, and what a path leads to.

use serde_json::json;

use super::*;

fn opportunity(document: Value) -> (Stream, Value) {
    let mut document = document;
    document
        .as_object_mut()
        .unwrap()
        .entry("id")
        .or_insert_with(|| json!("o"));
    (Stream::Opportunities, document)
}

fn contact(document: Value) -> (Stream, Value) {
    let mut document = document;
    document
        .as_object_mut()
        .unwrap()
        .entry("id")
        .or_insert_with(|| json!("c"));
    (Stream::Contacts, document)
}

/// F-30 and F-31: for each field of the table the object, the field, the direction, and whether it is NA.
#[test]
fn f_30_the_shipped_table_is_that_of_the_guide_and_f_31_na_stays_na() {
    let rows: Vec<_> = initial()
        .rules
        .iter()
        .map(|rule| {
            let path = rule.path.as_ref().map(ToString::to_string);
            (
                rule.label.clone(),
                path.unwrap_or_else(|| "NA".to_owned()),
                rule.direction.as_str(),
            )
        })
        .collect();
    let expected = [
        ("Candidate Name", "opportunities.name", "both"),
        ("Work Experience", "NA", "both"),
        ("Company", "NA", "both"),
        ("Location", "NA", "both"),
        ("Title", "opportunities.headline", "both"),
        ("Email", "opportunities.emails", "both"),
        ("Education", "NA", "both"),
        ("Tags", "opportunities.tags", "both"),
        ("Attachments", "applications.atach_docs", "both"),
        ("Notes", "opportunities.notes", "both"),
        ("Activity Feed", "NA", "import"),
        ("LinkedIn URL", "opportunities.links", "both"),
        ("Findem Profile URL", "opportunities.links", "both"),
        ("Github URL", "opportunities.links", "both"),
    ];
    assert_eq!(rows.len(), expected.len());
    for (row, (label, path, direction)) in rows.iter().zip(expected) {
        assert_eq!(
            (row.0.as_str(), row.1.as_str(), row.2),
            (label, path, direction)
        );
    }
    let everything = [
        opportunity(json!({"location": "Rome", "headline": "Initech", "createdAt": 1})),
        (
            Stream::Resumes,
            json!({"id": "r", "parsedData": {"positions": [{"org": "A"}], "schools": [{"org": "B"}]}}),
        ),
    ];
    for field in initial().evaluate(&records(Scope::Person, &everything)) {
        let na = [
            "WORK_EXPERIENCE",
            "COMPANY",
            "LOCATION",
            "EDUCATION",
            "ACTIVITY_FEED",
        ];
        let expected = na.contains(&field.code.as_str());
        assert_eq!(
            field.state == FieldState::NotAvailable,
            expected,
            "{}",
            field.code
        );
        assert!(!expected || field.values.is_empty());
    }
}

#[test]
fn candidate_name() {
    let long = "x".repeat(300);
    for (opportunity_says, contact_says, name, warnings) in [
        (
            json!({"name": " Ada  Lovelace "}),
            json!({"name": "Other"}),
            Some("Ada Lovelace"),
            vec![],
        ),
        (
            json!({"name": ""}),
            json!({"name": "Ada"}),
            Some("Ada"),
            vec![],
        ),
        (json!({"name": null}), json!({}), None, vec![]),
        (json!({"name": "王小明"}), json!({}), Some("王小明"), vec![]),
        (
            json!({"name": "Anonymized Candidate", "isAnonymized": true}),
            json!({}),
            None,
            vec![],
        ),
        (
            json!({"name": "Ada"}),
            json!({"name": "Ada", "isAnonymized": true}),
            None,
            vec![],
        ),
        (
            json!({"name": "ada@example.com"}),
            json!({}),
            Some("ada@example.com"),
            vec![Warning::NameIsAddress],
        ),
        (
            json!({"name": long}),
            json!({}),
            Some(&long[..256]),
            vec![Warning::Shortened],
        ),
        (
            json!({"name": "Unknown"}),
            json!({"name": "Ada"}),
            Some("Ada"),
            vec![Warning::Placeholder],
        ),
        (
            json!({"name": ["odd"]}),
            json!({"name": {}}),
            Some("odd"),
            vec![],
        ),
    ] {
        let person = records(
            Scope::Opportunity,
            &[opportunity(opportunity_says.clone()), contact(contact_says)],
        );
        let found = field(&initial(), &person, "NAME");
        assert_eq!(texts(&found).first().copied(), name, "{opportunity_says}");
        assert_eq!(found.warnings, warnings, "{opportunity_says}");
        let sure = found
            .values
            .iter()
            .all(|value| value.confidence == Confidence::Exact);
        assert_eq!(
            sure,
            warnings.is_empty() || warnings == [Warning::Placeholder],
            "{opportunity_says}"
        );
    }
}

/// A value tells its record, its place, its raw form and when it was read (X5).
#[test]
fn x5_a_value_tells_where_it_comes_from() {
    let mut record =
        Record::read(Stream::Opportunities, "o", None, r#"{"name": " Ada "}"#).unwrap();
    record.as_of = Some(Timestamp::from_millis(9));
    let found = field(
        &initial(),
        &Records::new(Scope::Person, vec![record]),
        "NAME",
    );
    let value = &found.values[0];
    let source = Source {
        stream: Stream::Opportunities,
        id: "o".to_owned(),
        path: "name".to_owned(),
    };
    assert_eq!((value.raw.as_str(), &value.source), (" Ada ", &source));
    assert_eq!(
        (value.confidence, value.as_of),
        (Confidence::Exact, Some(Timestamp::from_millis(9)))
    );
    assert!(!format!("{found:?}").contains("Ada"));
}

#[test]
fn of_a_person_the_contact_goes_first_and_then_the_newest_opportunity() {
    let old = opportunity(
        json!({"id": "o1", "updatedAt": 1, "name": "Old", "headline": "First", "tags": ["a", "b"]}),
    );
    let new = opportunity(
        json!({"id": "o2", "updatedAt": 2, "name": "New", "headline": "", "tags": ["B", "c"]}),
    );
    let spoken = contact(json!({"name": "Contact"}));
    let all = records(Scope::Person, &[old.clone(), new.clone(), spoken]);
    let name = |records: &Records| texts(&field(&initial(), records, "NAME")).concat();
    assert_eq!(name(&all), "Contact");
    assert_eq!(name(&records(Scope::Person, &[old, new])), "New");
    // The newest that is not blank, and lists together.
    assert_eq!(texts(&field(&initial(), &all, "TITLE")), ["First"]);
    assert_eq!(texts(&field(&initial(), &all, "TAGS")), ["B", "c", "a"]);
}

#[test]
fn location() {
    let contact_in = |name: Value| contact(json!({"location": {"name": name}}));
    for (scope, documents, place, confidence) in [
        (
            Scope::Opportunity,
            vec![
                opportunity(json!({"location": "Rome"})),
                contact_in(json!("Oslo")),
            ],
            "Rome",
            Confidence::Exact,
        ),
        (
            Scope::Person,
            vec![
                opportunity(json!({"location": "Rome"})),
                contact_in(json!("Oslo")),
            ],
            "Oslo",
            Confidence::Exact,
        ),
        (
            Scope::Opportunity,
            vec![
                opportunity(json!({"location": ""})),
                contact_in(json!("Oslo")),
            ],
            "Oslo",
            Confidence::Exact,
        ),
        (
            Scope::Opportunity,
            vec![opportunity(json!({"location": {"name": " Rome "}}))],
            "Rome",
            Confidence::Exact,
        ),
        (
            Scope::Person,
            vec![opportunity(json!({"location": "Remote"}))],
            "Remote",
            Confidence::Exact,
        ),
        (
            Scope::Person,
            vec![opportunity(
                json!({"location": "", "opportunityLocation": "Paris"}),
            )],
            "Paris",
            Confidence::Low,
        ),
        (
            Scope::Person,
            vec![opportunity(json!({"opportunityLocation": "unspecified"}))],
            "",
            Confidence::Low,
        ),
        (
            Scope::Person,
            vec![contact(json!({"location": 7}))],
            "7",
            Confidence::Exact,
        ),
        (
            Scope::Person,
            vec![contact(json!({"location": ["x"]}))],
            "",
            Confidence::Low,
        ),
    ] {
        let found = field(&derived(), &records(scope, &documents), "LOCATION");
        assert_eq!(texts(&found).concat(), place, "{documents:?}");
        assert!(
            found
                .values
                .iter()
                .all(|value| value.confidence == confidence),
            "{documents:?}"
        );
    }
}

/// X22 as stated, for each placeholder it names.
#[test]
fn x22_a_title_that_is_a_placeholder_is_absent_with_a_warning() {
    for headline in ["None", "N/A", "Unknown", "-"] {
        let person = records(Scope::Person, &[opportunity(json!({"headline": headline}))]);
        let title = field(&initial(), &person, "TITLE");
        assert_eq!(title.state, FieldState::Blank, "{headline}");
        assert!(title.values.is_empty(), "{headline}");
        assert_eq!(title.warnings, [Warning::Placeholder], "{headline}");
    }
}

#[test]
fn title_is_the_headline_word_for_word_unless_derived() {
    use Warning::{HeadlineListsCompanies, Placeholder};
    let resume = |positions: Value| {
        (
            Stream::Resumes,
            json!({"id": "r", "parsedData": {"positions": positions}}),
        )
    };
    let works = json!([{"org": "Initech LLC", "title": "Engineer", "start": {"year": 2020}}]);
    let untitled = json!([{"org": "Initech LLC"}, {"org": "Acme"}]);
    for (headline, positions, strict, worked_out, warnings) in [
        (
            json!("Brickly LLC, Vandelay Industries, Inc, Central Perk"),
            json!([]),
            "Brickly LLC, Vandelay Industries, Inc, Central Perk",
            "Brickly LLC, Vandelay Industries, Inc, Central Perk",
            vec![HeadlineListsCompanies],
        ),
        (
            json!("Acme, Initech"),
            untitled.clone(),
            "Acme, Initech",
            "Acme, Initech",
            vec![HeadlineListsCompanies],
        ),
        (
            json!("Engineer, Analyst"),
            untitled,
            "Engineer, Analyst",
            "Engineer, Analyst",
            vec![],
        ),
        (
            json!("Head of things"),
            works,
            "Head of things",
            "Engineer",
            vec![],
        ),
        (json!("None"), json!([]), "", "", vec![Placeholder]),
        (json!("-"), json!([]), "", "", vec![Placeholder]),
        (json!("N/A"), json!([]), "", "", vec![Placeholder]),
        (json!(null), json!([]), "", "", vec![]),
    ] {
        let person = records(
            Scope::Person,
            &[
                opportunity(json!({"headline": headline})),
                resume(positions),
            ],
        );
        let found = field(&initial(), &person, "TITLE");
        assert_eq!(
            (texts(&found).concat().as_str(), &found.warnings),
            (strict, &warnings),
            "{headline}"
        );
        let title = field(&derived(), &person, "TITLE");
        assert_eq!(texts(&title).concat(), worked_out, "{headline}");
        if warnings == [HeadlineListsCompanies] {
            assert_eq!(title.values[0].confidence, Confidence::Low);
            assert_eq!(
                (title.values[0].source.path.as_str(), &title.warnings),
                ("headline", &warnings)
            );
        }
    }
}

#[test]
fn emails_are_all_kept_as_they_were_and_each_once() {
    let person = records(
        Scope::Person,
        &[
            opportunity(json!({"emails": ["ADA@example.com", "ada+jobs@example.com", "info@example.com", "", "nonsense", "mailto:Ada@Example.org", "MAILTO:boss@customer.example?cc=x"]})),
            contact(json!({"emails": ["ada@example.com", "boss@customer.example"]})),
        ],
    )
    .with_users(["Boss@customer.example"].into_iter());
    let found = field(&initial(), &person, "EMAIL");
    let told: Vec<_> = found
        .values
        .iter()
        .map(|value| (value.content.as_text().unwrap(), value.confidence))
        .collect();
    use Confidence::{Exact, Low};
    assert_eq!(
        told,
        [
            ("ada@example.com", Exact),
            ("boss@customer.example", Low),
            ("ada+jobs@example.com", Exact),
            ("info@example.com", Low),
            ("nonsense", Low),
            ("Ada@Example.org", Exact),
        ]
    );
    assert_eq!(found.warnings, [Warning::DoubtfulAddress]);
    let none = field(
        &initial(),
        &records(Scope::Person, &[opportunity(json!({"emails": []}))]),
        "EMAIL",
    );
    assert_eq!(none.state, FieldState::Blank);
}

#[test]
fn any_path_can_feed_a_field_of_any_code() {
    let rule = |field: &str, path: &str| Rule {
        field: code(field),
        label: String::new(),
        path: Some(SourcePath::parse(path).unwrap()),
        link: None,
        derivation: None,
        derived: false,
        direction: Direction::Import,
        policy: Policy::Overwrite,
    };
    let mapping = FieldMapping {
        rules: vec![
            rule("ORIGIN", "opportunities.origin"),
            rule("PHONES", "opportunities.phones.value"),
            rule("CONSENT", "contacts.dataProtection"),
            rule(
                "DEGREE",
                r#"applications.customQuestions["Education"].fields["Degree?"]"#,
            ),
            rule("START", r#"forms.fields["Start date"]"#),
            rule("COST", "requisitions.customFields.cost_center.city"),
            rule("NOTHING", "offers.fields"),
        ],
        ..initial()
    };
    let questions = json!([{"id": "s", "text": "Education", "fields": [{"id": "d", "text": "Degree?", "value": ["BSc", "MSc"]}]}]);
    let form = |id: &str, at: i64, value: Value| {
        (
            Stream::Forms,
            json!({"id": id, "completedAt": at, "fields": [{"text": "Start date", "value": value}]}),
        )
    };
    let person = records(
        Scope::Person,
        &[
            opportunity(json!({"origin": "sourced", "phones": [{"value": "1"}]})),
            contact(
                json!({"dataProtection": {"store": {"allowed": true}}, "phones": [{"value": "1"}, {"value": "2"}]}),
            ),
            (
                Stream::Applications,
                json!({"id": "a", "customQuestions": questions}),
            ),
            form("old", 1, json!(111)),
            form("new", 2, json!("None")),
            (
                Stream::Requisitions,
                json!({"id": "q", "customFields": {"cost_center": {"city": "Rome", "code": 2}}}),
            ),
        ],
    );
    for (of, expected) in [
        ("ORIGIN", vec!["sourced"]),
        ("PHONES", vec!["1", "2"]),
        ("DEGREE", vec!["BSc", "MSc"]),
        ("START", vec!["111"]),
        ("COST", vec!["Rome"]),
        ("NOTHING", vec![]),
    ] {
        assert_eq!(texts(&field(&mapping, &person, of)), expected, "{of}");
    }
    let consent = field(&mapping, &person, "CONSENT");
    assert!(consent.values[0].content == Content::Json(r#"{"store":{"allowed":true}}"#.to_owned()));
}

#[test]
fn a_protected_field_and_one_that_only_goes_out_give_nothing() {
    let mut mapping = initial();
    rule_mut(&mut mapping, "NAME").policy = Policy::Never;
    rule_mut(&mut mapping, "TITLE").direction = Direction::Export;
    let fields = mapping.evaluate(&records(
        Scope::Person,
        &[opportunity(json!({"name": "Ada"}))],
    ));
    assert_eq!(fields.len(), 12);
    assert!(
        fields
            .iter()
            .all(|field| ![code("NAME"), code("TITLE")].contains(&field.code))
    );
}

#[test]
fn nothing_is_concluded_from_records_that_were_not_read() {
    let nobody = |unread: &[(Stream, Unread)]| {
        records(Scope::Person, &[]).with_unread(unread.iter().copied().collect())
    };
    let state =
        |of: &str, unread: &[(Stream, Unread)]| field(&derived(), &nobody(unread), of).state;
    use FieldState::{Blank, Pending, Withheld};
    let resumes = |unread| [(Stream::Resumes, unread)];
    assert_eq!(state("WORK_EXPERIENCE", &[]), Blank);
    assert_eq!(state("WORK_EXPERIENCE", &resumes(Unread::Pending)), Pending);
    assert_eq!(state("COMPANY", &resumes(Unread::Withheld)), Withheld);
    let strict = field(&initial(), &nobody(&resumes(Unread::Pending)), "TITLE");
    assert_eq!(strict.state, Blank);
    assert_eq!(state("TAGS", &resumes(Unread::Pending)), Blank);
    let notes = (Stream::Notes, Unread::Withheld);
    assert_eq!(state("NOTES", &[notes]), Withheld);
    assert_eq!(
        state("ACTIVITY_FEED", &[notes, (Stream::Files, Unread::Pending)]),
        Pending
    );
}

#[test]
fn only_what_the_rules_look_at_need_be_read() {
    use Stream::{Applications, Contacts, Files, Notes, Opportunities, Resumes};
    let strict: Vec<_> = initial().streams().into_iter().collect();
    assert_eq!(
        strict,
        [Opportunities, Applications, Contacts, Notes, Resumes, Files]
    );
    assert!(derived().streams().contains(&Stream::Feedback));
    let nothing = FieldMapping {
        rules: Vec::new(),
        ..initial()
    };
    assert!(nothing.streams().is_empty());
}
