//! From the product to Lever.

use serde_json::json;

use super::super::export::{Export, LeftOut, Profile, export};
use super::*;

fn profile(values: &[(&str, Vec<Content>)]) -> Profile {
    let values = values
        .iter()
        .map(|(field, values)| (code(field), values.clone()));
    Profile {
        values: values.collect(),
        ..Profile::default()
    }
}

fn said(texts: &[&str]) -> Vec<Content> {
    texts
        .iter()
        .map(|text| Content::Text((*text).to_owned()))
        .collect()
}

fn new(mapping: &FieldMapping, profile: &Profile) -> Export {
    export(mapping, profile, None)
}

fn update(mapping: &FieldMapping, profile: &Profile, opportunity: Value) -> Export {
    let mut opportunity = opportunity;
    opportunity["id"] = json!("o");
    export(
        mapping,
        profile,
        Some(&records(
            Scope::Person,
            &[(Stream::Opportunities, opportunity)],
        )),
    )
}

fn position(title: &str, company: &str, start: i16, current: bool) -> Content {
    Content::Position(Position {
        company: Some(company.to_owned()),
        title: Some(title.to_owned()),
        start: Some(MonthOfYear {
            year: start,
            month: Some(7),
        }),
        current,
        ..Position::default()
    })
}

#[test]
fn somebody_new_is_sent_as_one_opportunity() {
    let mut mapping = initial();
    mapping.platform_hosts = vec!["app.product.example".to_owned()];
    let person = profile(&[
        ("NAME", said(&["Ada  Lovelace"])),
        ("TITLE", said(&["Engineer"])),
        (
            "EMAIL",
            said(&["ada@example.com", "ADA@example.com", "b@example.com"]),
        ),
        (
            "TAGS",
            said(&["Findem Exported", "findem exported", "Search, with comma"]),
        ),
        ("LINKEDIN_URL", said(&["linkedin.com/in/ada"])),
        ("GITHUB_URL", said(&["https://github.com/ada"])),
        (
            "PLATFORM_PROFILE_URL",
            said(&["https://app.product.example/p/1"]),
        ),
        ("NOTES", said(&["Met her"])),
        (
            "WORK_EXPERIENCE",
            vec![position("Engineer", "Initech", 2020, true)],
        ),
        ("LOCATION", said(&["London"])),
    ]);
    let sent = new(&mapping, &person);
    assert_eq!(
        Value::from(sent.body.clone()),
        json!({
            "name": "Ada Lovelace",
            "headline": "Engineer",
            "emails": ["ada@example.com", "b@example.com"],
            "tags": ["Findem Exported", "Search, with comma"],
            "links": ["linkedin.com/in/ada", "https://app.product.example/p/1", "https://github.com/ada"],
        })
    );
    // Strict: NA rows are not sent.
    assert_eq!(sent.notes, ["Met her"]);
    assert_eq!(
        (
            sent.add_tags.len(),
            sent.add_links.len(),
            sent.left_out.len()
        ),
        (0, 0, 0)
    );
}

#[test]
fn derived_rows_go_to_the_headline_the_location_and_a_note() {
    let person = profile(&[
        ("NAME", said(&["Ada"])),
        ("TITLE", said(&["Engineer"])),
        ("COMPANY", said(&["Elsewhere", "initech"])),
        ("LOCATION", said(&["London"])),
        (
            "WORK_EXPERIENCE",
            vec![
                position("Analyst", "Acme, Inc.", 2010, false),
                position("Engineer", "Initech", 2005, true),
                position("Intern", "ACME", 2009, false),
            ],
        ),
        (
            "EDUCATION",
            vec![Content::School(School {
                school: Some("MIT".to_owned()),
                degree: Some("BSc".to_owned()),
                field: Some("Unknown".to_owned()),
                ..School::default()
            })],
        ),
        ("ACTIVITY_FEED", said(&["nothing"])),
    ]);
    let sent = new(&derived(), &person);
    assert_eq!(
        Value::from(sent.body),
        json!({"name": "Ada", "headline": "Initech, Acme, Inc., Elsewhere", "location": "London"})
    );
    assert_eq!(
        sent.notes,
        [
            "Work Experience\n- Analyst, Acme, Inc. (2010-07 to ?)\n- Engineer, Initech (2005-07 to now)\n\
             - Intern, ACME (2009-07 to ?)",
            "Education\n- BSc, MIT",
        ]
    );
    // A title in so many words goes before the list of employers.
    let mut mapping = derived();
    rule_mut(&mut mapping, "TITLE").derived = false;
    assert_eq!(new(&mapping, &person).body["headline"], "Engineer");
}

#[test]
fn x22_placeholders_and_unwanted_or_impossible_addresses_are_not_sent() {
    let mut person = profile(&[
        ("NAME", said(&["Unknown"])),
        ("TITLE", said(&["None", "Engineer"])),
        (
            "EMAIL",
            said(&[
                "Out@example.com",
                "gone@example.com",
                "nonsense",
                "mailto:in@example.com?subject=Hi",
            ]),
        ),
        ("GITHUB_URL", said(&["https://github.com.attacker.net/ada"])),
        ("NOTES", said(&["None", " n/a\n"])),
    ]);
    person.unwanted_addresses = ["out@EXAMPLE.com", " mailto:Gone@example.com "]
        .map(str::to_owned)
        .into();
    let sent = new(&initial(), &person);
    assert_eq!(
        Value::from(sent.body),
        json!({"headline": "Engineer", "emails": ["in@example.com"]})
    );
    let why: Vec<_> = sent
        .left_out
        .iter()
        .map(|(field, why)| (field.as_str(), *why))
        .collect();
    assert_eq!(
        why,
        [
            ("NAME", LeftOut::Placeholder),
            ("TITLE", LeftOut::Placeholder),
            ("EMAIL", LeftOut::Unwanted),
            ("EMAIL", LeftOut::NoAddress),
            ("NOTES", LeftOut::Placeholder),
            ("GITHUB_URL", LeftOut::OtherLink),
        ]
    );
    assert!(sent.notes.is_empty());
}

/// X5, on this way: what Lever has stays with fill-if-blank, whatever the product knows.
#[test]
fn x5_a_policy_decides_what_lever_keeps() {
    let person = profile(&[
        ("NAME", said(&["New"])),
        ("TITLE", said(&["Engineer"])),
        ("EMAIL", said(&["b@example.com"])),
    ]);
    let there = json!({"name": "Old", "headline": "", "emails": ["a@example.com"]});
    let sent = |policy| {
        let mut mapping = initial();
        for field in ["NAME", "TITLE", "EMAIL"] {
            rule_mut(&mut mapping, field).policy = policy;
        }
        let sent = update(&mapping, &person, there.clone());
        (Value::from(sent.body), sent.add_emails)
    };
    let nothing = Vec::<String>::new;
    let headline = json!({"headline": "Engineer"});
    assert_eq!(sent(Policy::FillIfBlank), (headline, nothing()));
    let all = json!({"name": "New", "headline": "Engineer"});
    // What Lever has stays beside it.
    let added = vec!["b@example.com".to_owned()];
    assert_eq!(sent(Policy::Overwrite), (all, added));
    assert_eq!(sent(Policy::Never), (json!({}), nothing()));
    let blank = update(&initial(), &profile(&[("NAME", Vec::new())]), there);
    assert_eq!(Value::from(blank.body), json!({}));
}

#[test]
fn tags_that_are_there_or_were_taken_back_are_not_added() {
    let mut person = profile(&[("TAGS", said(&["findem exported", "Taken Back", "New"]))]);
    person.tags_given = ["Findem Exported".to_owned(), "taken back".to_owned()].into();
    let sent = update(
        &initial(),
        &person,
        json!({"tags": ["Findem Exported", "a human's"]}),
    );
    assert_eq!(sent.add_tags, ["New"]);
    assert_eq!(sent.left_out, [(code("TAGS"), LeftOut::TakenBack)]);
    assert!(sent.body.is_empty());
}

#[test]
fn links_are_added_once_and_the_products_own_replaces_that_of_its_host_only() {
    let mut mapping = initial();
    mapping.platform_hosts = vec![
        "app.product.example".to_owned(),
        "old.product.example".to_owned(),
    ];
    let there = json!({"links": [
        "http://linkedin.com/in/ADA/",
        "http://app.product.example/p/1?utm_source=x",
        "https://old.product.example/p/1",
        "https://ada.example",
    ]});
    let person = profile(&[
        ("LINKEDIN_URL", said(&["https://www.linkedin.com/in/ada"])),
        ("GITHUB_URL", said(&["https://github.com/ada"])),
        (
            "PLATFORM_PROFILE_URL",
            said(&["https://app.product.example/p/2"]),
        ),
    ]);
    let sent = update(&mapping, &person, there.clone());
    assert_eq!(
        sent.add_links,
        ["https://app.product.example/p/2", "https://github.com/ada"]
    );
    // As Lever has it, since Lever goes by the text.
    assert_eq!(
        sent.remove_links,
        ["http://app.product.example/p/1?utm_source=x"]
    );
    let again = profile(&[(
        "PLATFORM_PROFILE_URL",
        said(&["https://app.product.example/p/1"]),
    )]);
    let sent = update(&mapping, &again, there);
    assert_eq!((sent.add_links.len(), sent.remove_links.len()), (0, 0));
}

#[test]
fn long_notes_go_in_numbered_pieces_and_our_own_do_not_go_again() {
    let own = |own| {
        Content::Note(Note {
            text: "From us".to_owned(),
            own,
            ..Note::default()
        })
    };
    let sent = new(
        &initial(),
        &profile(&[("NOTES", vec![own(true), own(false)])]),
    );
    assert_eq!(sent.notes, ["From us"]);
    assert_eq!(sent.left_out, [(code("NOTES"), LeftOut::NotSent)]);
    // Two bytes a letter, so that a piece could end inside one.
    let long = format!("x{}", "é".repeat(50_000));
    let sent = new(&initial(), &profile(&[("NOTES", said(&[&long]))]));
    assert_eq!(sent.notes.len(), 2);
    let joined: String = sent
        .notes
        .iter()
        .map(|note| note.split_once('\n').unwrap().1)
        .collect();
    assert_eq!(joined, long);
    assert!(sent.notes[0].starts_with("(1/2)\n") && sent.notes[1].starts_with("(2/2)\n"));
    assert!(
        sent.notes
            .iter()
            .all(|note| note.len() <= crate::operation::LONGEST_NOTE)
    );
}

#[test]
fn files_over_30_mb_and_unreadable_ones_are_refused() {
    let file = |size: u64, available| {
        Content::Attachment(Attachment {
            name: "x.pdf".to_owned(),
            size,
            available,
            ..Attachment::default()
        })
    };
    let files = vec![
        file(crate::operation::LARGEST_FILE, true),
        file(crate::operation::LARGEST_FILE + 1, true),
        file(1, false),
    ];
    let sent = new(&initial(), &profile(&[("ATTACHMENTS", files)]));
    assert_eq!(sent.attachments.len(), 1);
    let why: Vec<_> = sent.left_out.iter().map(|(_, why)| *why).collect();
    assert_eq!(why, [LeftOut::TooLarge, LeftOut::NotSent]);
}

#[test]
fn phones_are_joined_by_their_number() {
    let mut mapping = initial();
    rule_mut(&mut mapping, "NAME").path = SourcePath::parse("contacts.phones").ok();
    rule_mut(&mut mapping, "NAME").policy = Policy::Overwrite;
    let person = profile(&[(
        "NAME",
        said(&["+1 (415) 555-0100", "0044 20 7946 0018", "call me"]),
    )]);
    let there = json!({"phones": [{"type": "mobile", "value": "+14155550100"}]});
    let sent = update(&mapping, &person, there);
    assert_eq!(sent.add_phones, [json!({"value": "0044 20 7946 0018"})]);
    assert!(sent.body.is_empty());
    assert_eq!(sent.left_out, [(code("NAME"), LeftOut::NoAddress)]);
}

/// What is sent comes back the same through the same rules.
#[test]
fn what_is_sent_reads_back_as_it_was() {
    let person = profile(&[
        ("NAME", said(&["Ada Lovelace"])),
        ("TITLE", said(&["Engineer"])),
        ("EMAIL", said(&["ada@example.com"])),
        ("TAGS", said(&["One", "Two"])),
        ("LINKEDIN_URL", said(&["https://www.linkedin.com/in/ada"])),
        ("GITHUB_URL", said(&["https://github.com/ada"])),
    ]);
    let mut body = new(&initial(), &person).body;
    body.insert("id".to_owned(), json!("o"));
    let back = records(
        Scope::Opportunity,
        &[(Stream::Opportunities, Value::from(body))],
    );
    for (of, values) in &person.values {
        let found = field(&initial(), &back, of.as_str());
        let read: Vec<_> = found
            .values
            .into_iter()
            .map(|value| value.content)
            .collect();
        assert!(read == *values, "{of}");
    }
}
