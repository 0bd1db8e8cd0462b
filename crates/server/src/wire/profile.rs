//! The fields of a person, as the wire has them.

use domain::field_mapping::{
    Activity, ActivityKind, Attachment, Confidence, Content, Field, FieldState, MonthOfYear, Note,
    Policy, Position, School, Sourced, Warning,
};
use proto::v1 as pb;

use super::time::{to_lever_timestamp, to_timestamp};

/// One product field of one person.
pub fn to_field(field: &Field) -> pb::ProfileField {
    let state = match field.state {
        FieldState::Known => pb::FieldState::Known,
        FieldState::Blank => pb::FieldState::Blank,
        FieldState::Pending => pb::FieldState::Pending,
        FieldState::Withheld => pb::FieldState::Withheld,
        FieldState::NotAvailable => pb::FieldState::NotAvailable,
    };
    pb::ProfileField {
        field: field.code.as_str().to_owned(),
        label: field.label.clone(),
        state: state.into(),
        values: field.values.iter().map(to_value).collect(),
        warnings: field
            .warnings
            .iter()
            .map(|one| to_warning(*one).into())
            .collect(),
        policy: to_policy(field.policy).into(),
    }
}

/// A policy.
pub fn to_policy(policy: Policy) -> pb::FieldPolicy {
    match policy {
        Policy::Overwrite => pb::FieldPolicy::Overwrite,
        Policy::FillIfBlank => pb::FieldPolicy::FillIfBlank,
        Policy::Never => pb::FieldPolicy::Never,
    }
}

fn to_value(value: &Sourced) -> pb::FieldValue {
    let confidence = match value.confidence {
        Confidence::Exact => pb::FieldConfidence::Exact,
        Confidence::Derived => pb::FieldConfidence::Derived,
        Confidence::Low => pb::FieldConfidence::Low,
    };
    pb::FieldValue {
        value: Some(to_content(&value.content)),
        raw: value.raw.clone(),
        source: Some(pb::FieldSource {
            object: value.source.stream.name().to_owned(),
            id: value.source.id.clone(),
            path: value.source.path.clone(),
        }),
        confidence: confidence.into(),
        as_of: value.as_of.map(to_timestamp),
    }
}

fn to_content(content: &Content) -> pb::field_value::Value {
    use pb::field_value::Value;
    match content {
        Content::Text(text) => Value::Text(text.clone()),
        Content::Json(json) => Value::Json(json.clone()),
        Content::Position(position) => Value::Position(to_position(position)),
        Content::School(school) => Value::School(to_school(school)),
        Content::Attachment(attachment) => Value::Attachment(to_attachment(attachment)),
        Content::Note(note) => Value::Note(to_note(note)),
        Content::Activity(activity) => Value::Activity(to_activity(activity)),
    }
}

fn to_position(position: &Position) -> pb::ProfilePosition {
    pb::ProfilePosition {
        company: text(&position.company),
        title: text(&position.title),
        location: text(&position.location),
        summary: text(&position.summary),
        start: position.start.map(to_date),
        end: position.end.map(to_date),
        current: position.current,
    }
}

fn to_school(school: &School) -> pb::ProfileSchool {
    pb::ProfileSchool {
        school: text(&school.school),
        degree: text(&school.degree),
        field: text(&school.field),
        summary: text(&school.summary),
        start: school.start.map(to_date),
        end: school.end.map(to_date),
    }
}

fn to_attachment(attachment: &Attachment) -> pb::ProfileAttachment {
    pb::ProfileAttachment {
        id: attachment.id.clone(),
        opportunity_id: attachment.opportunity.clone(),
        name: attachment.name.clone(),
        size: attachment.size,
        available: attachment.available,
        upload_time: attachment.uploaded_at.and_then(to_lever_timestamp),
    }
}

fn to_note(note: &Note) -> pb::ProfileNote {
    pb::ProfileNote {
        id: note.id.clone(),
        text: note.text.clone(),
        score: note.score,
        author_id: text(&note.author),
        create_time: note.created_at.and_then(to_lever_timestamp),
        own: note.own,
    }
}

fn to_activity(activity: &Activity) -> pb::ProfileActivity {
    let kind = match activity.kind {
        ActivityKind::Created => pb::ActivityKind::Created,
        ActivityKind::Applied => pb::ActivityKind::Applied,
        ActivityKind::Referred => pb::ActivityKind::Referred,
        ActivityKind::StageEntered => pb::ActivityKind::StageEntered,
        ActivityKind::Resume => pb::ActivityKind::Resume,
        ActivityKind::File => pb::ActivityKind::File,
        ActivityKind::Note => pb::ActivityKind::Note,
        ActivityKind::Interview => pb::ActivityKind::Interview,
        ActivityKind::InterviewCanceled => pb::ActivityKind::InterviewCanceled,
        ActivityKind::Feedback => pb::ActivityKind::Feedback,
        ActivityKind::Offer => pb::ActivityKind::Offer,
        ActivityKind::Form => pb::ActivityKind::Form,
        ActivityKind::Archived => pb::ActivityKind::Archived,
    };
    pb::ProfileActivity {
        kind: kind.into(),
        time: to_lever_timestamp(activity.at),
        id: activity.id.clone(),
        user_id: text(&activity.user),
        detail: activity.detail.clone(),
    }
}

fn to_warning(warning: Warning) -> pb::FieldWarning {
    match warning {
        Warning::Placeholder => pb::FieldWarning::Placeholder,
        Warning::HeadlineListsCompanies => pb::FieldWarning::HeadlineListsCompanies,
        Warning::NameIsAddress => pb::FieldWarning::NameIsAddress,
        Warning::Shortened => pb::FieldWarning::Shortened,
        Warning::DoubtfulAddress => pb::FieldWarning::DoubtfulAddress,
        Warning::ResumeNotParsed => pb::FieldWarning::ResumeNotParsed,
        Warning::ResumeBeingRead => pb::FieldWarning::ResumeBeingRead,
        Warning::ImpossibleDate => pb::FieldWarning::ImpossibleDate,
        Warning::FileUnavailable => pb::FieldWarning::FileUnavailable,
    }
}

fn to_date(date: MonthOfYear) -> pb::ProfileDate {
    pb::ProfileDate {
        year: date.year.into(),
        month: date.month.map_or(0, i32::from),
    }
}

fn text(text: &Option<String>) -> String {
    text.clone().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use domain::Stream;
    use domain::field_mapping::{FieldCode, Source};

    use super::*;

    #[test]
    fn a_value_keeps_where_it_comes_from() {
        let field = Field {
            code: FieldCode::parse("WORK_EXPERIENCE").unwrap(),
            label: "Work Experience".to_owned(),
            state: FieldState::Known,
            values: vec![Sourced {
                content: Content::Position(Position {
                    company: Some("Initech".to_owned()),
                    start: Some(MonthOfYear {
                        year: 2020,
                        month: None,
                    }),
                    current: true,
                    ..Position::default()
                }),
                raw: "{}".to_owned(),
                source: Source {
                    stream: Stream::Resumes,
                    id: "r".to_owned(),
                    path: "parsedData.positions[0]".to_owned(),
                },
                confidence: Confidence::Derived,
                as_of: Some(domain::Timestamp::from_millis(1_000)),
            }],
            warnings: vec![Warning::ImpossibleDate],
            policy: Policy::Never,
        };
        let told = to_field(&field);
        assert_eq!(told.state(), pb::FieldState::Known);
        assert_eq!(told.policy(), pb::FieldPolicy::Never);
        assert_eq!(
            told.warnings().collect::<Vec<_>>(),
            [pb::FieldWarning::ImpossibleDate]
        );
        let value = &told.values[0];
        let source = value.source.as_ref().unwrap();
        assert_eq!(
            (source.object.as_str(), source.id.as_str()),
            ("resumes", "r")
        );
        assert_eq!(source.path, "parsedData.positions[0]");
        assert_eq!(value.confidence(), pb::FieldConfidence::Derived);
        assert_eq!(value.as_of.unwrap().seconds, 1);
        let Some(pb::field_value::Value::Position(position)) = &value.value else {
            panic!("no position");
        };
        assert_eq!(
            (position.company.as_str(), position.title.as_str()),
            ("Initech", "")
        );
        assert_eq!(
            position.start,
            Some(pb::ProfileDate {
                year: 2020,
                month: 0
            })
        );
        assert!(position.current && position.end.is_none());
    }
}
