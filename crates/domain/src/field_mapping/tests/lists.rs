//! Tags, attachments, notes, the activity feed, and links.

use serde_json::json;

use super::*;

#[test]
fn tags_keep_their_order_and_letters() {
    let tags = json!(["San Francisco, CA", "R&D", "r&d", "", "Full-time"]);
    let person = records(
        Scope::Person,
        &[(Stream::Opportunities, json!({"id": "o", "tags": tags}))],
    );
    let found = field(&initial(), &person, "TAGS");
    assert_eq!(texts(&found), ["San Francisco, CA", "R&D", "Full-time"]);
    let none = records(
        Scope::Person,
        &[(Stream::Opportunities, json!({"id": "o", "tags": []}))],
    );
    assert_eq!(field(&initial(), &none, "TAGS").state, FieldState::Blank);
}

#[test]
fn attachments_are_resumes_files_and_files_given_as_answers_each_once() {
    let file = |name: &str, ext: &str, status: &str, size: Value| json!({"name": name, "ext": ext, "status": status, "size": size});
    let with_id = |id: &str, mut file: Value, opportunity: &str| {
        file["id"] = json!(id);
        file["opportunityId"] = json!(opportunity);
        (Stream::Files, file)
    };
    let answer =
        json!({"id": "u", "name": "sample.zip", "size": "12", "downloadUrl": "https://x.example"});
    let questions =
        json!([{"fields": [{"value": "text"}, {"value": answer}, {"value": [answer]}]}]);
    let person = records(
        Scope::Person,
        &[
            (
                Stream::Resumes,
                json!({"id": "r", "file": file("resume.pdf", "pdf", "processed", json!(90_112))}),
            ),
            (Stream::Resumes, json!({"id": "web", "file": null})),
            with_id("f1", file("letter", ".pdf", "processed", json!(10)), "o1"),
            with_id(
                "f2",
                file("LETTER.pdf", "pdf", "processed", json!(10)),
                "o2",
            ),
            with_id("f3", file("broken.doc", "doc", "error", json!(5)), "o2"),
            with_id("f4", file("", "txt", "processed", json!(0)), "o2"),
            with_id("f5", file("letter", ".pdf", "processed", json!(11)), "o2"),
            (
                Stream::Applications,
                json!({"id": "a", "opportunityId": "o", "customQuestions": questions}),
            ),
        ],
    );
    for mapping in [initial(), derived()] {
        let found = field(&mapping, &person, "ATTACHMENTS");
        let told: Vec<_> = found
            .values
            .iter()
            .map(|value| match &value.content {
                Content::Attachment(one) => (
                    one.name.as_str(),
                    one.opportunity.as_str(),
                    one.size,
                    one.available,
                ),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(
            told,
            [
                ("resume.pdf", "o", 90_112, true),
                ("letter.pdf", "o1", 10, true),
                ("broken.doc", "o2", 5, false),
                ("file.txt", "o2", 0, false),
                ("letter.pdf", "o2", 11, true),
                ("sample.zip", "o", 12, true),
            ]
        );
        assert_eq!(found.warnings, [Warning::FileUnavailable]);
        assert_eq!(
            found.values[5].source.path,
            "customQuestions[0].fields[1].value"
        );
    }
}

#[test]
fn files_of_unknown_size_are_not_taken_for_one() {
    let file = |id: &str| {
        (
            Stream::Files,
            json!({"id": id, "name": "cv.pdf", "status": "processed"}),
        )
    };
    let found = field(
        &initial(),
        &records(Scope::Person, &[file("1"), file("2")]),
        "ATTACHMENTS",
    );
    assert_eq!((found.values.len(), found.warnings.len()), (2, 0));
}

#[test]
fn notes_tell_each_comment_and_our_own_are_known_again() {
    let note = |id: &str, at: i64, fields: Value| {
        (
            Stream::Notes,
            json!({"id": id, "createdAt": at, "user": "author", "fields": fields}),
        )
    };
    let mut deleted = note("gone", 9, json!([{"value": "gone"}]));
    deleted.1["deletedAt"] = json!(10);
    let person = records(
        Scope::Person,
        &[
            note("n1", 1, json!([{"value": "<b>First</b>\n- ", "createdAt": 5, "user": "other"}, {"value": "", "score": 4}])),
            note("n2", 2, json!([{"value": "None"}, {"value": " "}, {"value": null}])),
            deleted,
        ],
    )
    .with_own_notes(["n2".to_owned()].into());
    let found = field(&initial(), &person, "NOTES");
    let told: Vec<_> = found
        .values
        .iter()
        .map(|value| match &value.content {
            Content::Note(one) => (
                one.text.as_str(),
                one.score,
                one.author.as_deref(),
                one.created_at.map(Timestamp::as_millis),
                one.own,
            ),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        told,
        [
            ("None", None, Some("author"), Some(2), true),
            ("<b>First</b>\n- ", None, Some("other"), Some(5), false),
            ("", Some(4), Some("author"), Some(1), false),
        ]
    );
}

#[test]
fn the_feed_is_in_order_and_equal_times_go_by_kind_and_id() {
    let person = records(
        Scope::Person,
        &[
            (
                Stream::Opportunities,
                json!({
                    "id": "o", "createdAt": 10, "origin": "applied",
                    "stageChanges": [
                        {"toStageId": "nowhere", "updatedAt": 10, "userId": null},
                        {"toStageId": "s2", "updatedAt": 30, "userId": "u"},
                        {"toStageId": "timeless"},
                    ],
                    "archived": {"reason": "hired", "archivedAt": 40},
                }),
            ),
            (
                Stream::Applications,
                json!({"id": "a", "createdAt": 10, "posting": "p", "user": "u"}),
            ),
            (Stream::Notes, json!({"id": "n2", "createdAt": 30})),
            (Stream::Notes, json!({"id": "n1", "createdAt": 30})),
            (
                Stream::Interviews,
                json!({"id": "i", "date": 35, "canceledAt": 34, "subject": "On-site"}),
            ),
            (
                Stream::Feedback,
                json!({"id": "fb", "completedAt": 36, "text": "Form"}),
            ),
            (
                Stream::Offers,
                json!({"id": "of", "createdAt": 38, "status": "sent", "creator": "u"}),
            ),
            (Stream::Referrals, json!({"id": "rf", "createdAt": 10})),
            (
                Stream::Files,
                json!({"id": "f", "uploadedAt": 12, "name": "x.pdf"}),
            ),
        ],
    );
    let found = field(&derived(), &person, "ACTIVITY_FEED");
    let told: Vec<_> = found
        .values
        .iter()
        .map(|value| match &value.content {
            Content::Activity(one) => (
                one.at.as_millis(),
                one.kind,
                one.id.as_str(),
                one.user.as_deref(),
                one.detail.as_str(),
            ),
            other => panic!("{other:?}"),
        })
        .collect();
    use ActivityKind::*;
    assert_eq!(
        told,
        [
            (10, Created, "o", None, "applied"),
            (10, Applied, "a", Some("u"), "p"),
            (10, Referred, "rf", None, ""),
            (10, StageEntered, "o", None, "nowhere"),
            (12, File, "f", None, "x.pdf"),
            (30, StageEntered, "o", Some("u"), "s2"),
            (30, Note, "n1", None, ""),
            (30, Note, "n2", None, ""),
            (34, InterviewCanceled, "i", None, "On-site"),
            (35, Interview, "i", None, "On-site"),
            (36, Feedback, "fb", None, "Form"),
            (38, Offer, "of", Some("u"), "sent"),
            (40, Archived, "o", None, "hired"),
        ]
    );
}

/// The rows of product.md 5.2 are tests of [`crate::link`]; here the first of each kind is taken.
#[test]
fn links_are_taken_by_what_they_lead_to_and_look_alikes_by_nobody() {
    let links = json!([
        "https://linkedin.com.evil.io/in/x",
        "https://www.linkedin.com/company/x",
        "http://uk.linkedin.com/in/Ada?trk=x",
        "linkedin.com/in/second",
        "github.com/ada/engine",
        "GitHub.com/Ada/",
        "https://old.product.example/p/1?utm_source=x",
    ]);
    let mut mapping = initial();
    mapping.platform_hosts = vec![
        "app.product.example".to_owned(),
        "old.product.example".to_owned(),
    ];
    let person = records(
        Scope::Person,
        &[(Stream::Opportunities, json!({"id": "o", "links": links}))],
    );
    for (of, link, raw) in [
        (
            "LINKEDIN_URL",
            "https://www.linkedin.com/in/ada",
            "http://uk.linkedin.com/in/Ada?trk=x",
        ),
        ("GITHUB_URL", "https://github.com/ada", "GitHub.com/Ada/"),
        (
            "PLATFORM_PROFILE_URL",
            "https://old.product.example/p/1",
            "https://old.product.example/p/1?utm_source=x",
        ),
    ] {
        let found = field(&mapping, &person, of);
        assert_eq!(texts(&found), [link]);
        assert_eq!(found.values[0].raw, raw);
    }
    assert_eq!(
        field(&initial(), &person, "PLATFORM_PROFILE_URL").state,
        FieldState::Blank
    );
}

#[test]
fn a_profile_has_a_bound_and_says_what_it_left_out() {
    let note = |id: usize, text: &str| {
        (
            Stream::Notes,
            json!({"id": format!("{id:05}"), "fields": [{"value": text}]}),
        )
    };
    let long: Vec<_> = (0..10).map(|id| note(id, &"x".repeat(100_000))).collect();
    let found = field(&initial(), &records(Scope::Person, &long), "NOTES");
    assert_eq!(
        (found.values.len(), found.warnings),
        (7, vec![Warning::Shortened])
    );
    let many: Vec<_> = (0..5_001).map(|id| note(id, "x")).collect();
    let found = field(&initial(), &records(Scope::Person, &many), "NOTES");
    assert_eq!(
        (found.values.len(), found.warnings),
        (5_000, vec![Warning::Shortened])
    );
}
