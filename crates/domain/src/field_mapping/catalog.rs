//! The paths that Lever's records are known to have, and the names an account has given its own fields.
//!
//! Lever: the schemas of the API description; a test compares. References that Lever expands when asked are ids here.

use std::collections::{BTreeMap, BTreeSet};

use super::SourcePath;
use crate::Stream;
use crate::nearest::nearest;

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathKind {
    /// A text or an id.
    Text,
    /// A number.
    Number,
    /// Yes or no.
    Truth,
    /// A moment in milliseconds since 1970.
    Moment,
    /// A list.
    List,
    /// An object.
    Object,
    /// What somebody filled in, in the form of the field.
    Answer,
}

/// A path that can feed a product field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPath {
    /// The path.
    pub path: SourcePath,
    /// What stands there.
    pub kind: PathKind,
    /// The title the account gave the field; empty for Lever's own.
    pub title: String,
    /// The form, question set or object that the account keeps it in; empty for Lever's own.
    pub group: String,
}

/// What the product guide calls the notes of an opportunity: a list below it.
pub const NOTES: &str = "opportunities.notes";

/// What the product guide calls attachments, as it is spelled there. Lever has no such field: resumes, files, and
/// files given as answers are meant (product.md 5.1).
pub const ATTACHMENTS: &str = "applications.atach_docs";

/// Lever's own names, by stream and kind.
const NAMES: &[(Stream, PathKind, &str)] = {
    use PathKind::{Answer, List, Moment, Number, Object, Text, Truth};
    use Stream as S;
    &[
        (
            S::Opportunities,
            Text,
            "id name headline contact stage confidentiality location origin owner sourcedBy",
        ),
        (
            S::Opportunities,
            Text,
            "phones.type phones.value archived.reason urls.list urls.show opportunityLocation",
        ),
        (
            S::Opportunities,
            Text,
            "stageChanges.toStageId stageChanges.userId",
        ),
        (S::Opportunities, Number, "stageChanges.toStageIndex"),
        (
            S::Opportunities,
            Moment,
            "createdAt updatedAt lastInteractionAt lastAdvancedAt snoozedUntil",
        ),
        (
            S::Opportunities,
            Moment,
            "archived.archivedAt stageChanges.updatedAt dataProtection.store.expiresAt",
        ),
        (
            S::Opportunities,
            Moment,
            "dataProtection.contact.expiresAt dataProtection.interviewIntelligence.expiresAt",
        ),
        (
            S::Opportunities,
            Truth,
            "isAnonymized dataProtection.store.allowed dataProtection.contact.allowed",
        ),
        (
            S::Opportunities,
            Truth,
            "dataProtection.interviewIntelligence.allowed",
        ),
        (
            S::Opportunities,
            List,
            "emails links phones tags sources followers applications stageChanges notes",
        ),
        (
            S::Opportunities,
            Object,
            "archived urls dataProtection dataProtection.store dataProtection.contact",
        ),
        (
            S::Opportunities,
            Object,
            "dataProtection.interviewIntelligence",
        ),
        (
            S::Contacts,
            Text,
            "id name headline location.name phones.type phones.value",
        ),
        (S::Contacts, List, "emails phones"),
        (
            S::Contacts,
            Object,
            "location dataProtection dataProtection.store dataProtection.contact",
        ),
        (S::Contacts, Object, "dataProtection.interviewIntelligence"),
        (
            S::Contacts,
            Truth,
            "isAnonymized dataProtection.store.allowed dataProtection.contact.allowed",
        ),
        (
            S::Contacts,
            Truth,
            "dataProtection.interviewIntelligence.allowed",
        ),
        (
            S::Contacts,
            Moment,
            "dataProtection.store.expiresAt dataProtection.contact.expiresAt",
        ),
        (
            S::Contacts,
            Moment,
            "dataProtection.interviewIntelligence.expiresAt",
        ),
        (
            S::Applications,
            Text,
            "id type candidateId opportunityId posting postingHiringManager postingOwner user",
        ),
        (
            S::Applications,
            Text,
            "name company email comments phone.type phone.value archived.reason ipAddress",
        ),
        (
            S::Applications,
            Text,
            "referer userAgent acceptLanguage timezone requisitionForHire.id",
        ),
        (
            S::Applications,
            Text,
            "requisitionForHire.requisitionCode requisitionForHire.hiringManagerOnHire",
        ),
        (S::Applications, Moment, "createdAt archived.archivedAt"),
        (S::Applications, List, "links customQuestions atach_docs"),
        (S::Applications, Object, "phone archived requisitionForHire"),
        (
            S::Applications,
            Text,
            "customQuestions.id customQuestions.type customQuestions.text customQuestions.user",
        ),
        (
            S::Applications,
            Text,
            "customQuestions.referrer customQuestions.stage customQuestions.baseTemplateId",
        ),
        (
            S::Applications,
            Text,
            "customQuestions.instructions customQuestions.description",
        ),
        (
            S::Applications,
            Moment,
            "customQuestions.createdAt customQuestions.completedAt",
        ),
        (S::Applications, Answer, "customQuestions.fields"),
        (
            S::Resumes,
            Text,
            "id file.name file.ext file.downloadUrl file.status file.size",
        ),
        (S::Resumes, Moment, "createdAt file.uploadedAt"),
        (S::Resumes, Object, "file parsedData"),
        (S::Resumes, List, "parsedData.positions parsedData.schools"),
        (
            S::Resumes,
            Text,
            "parsedData.positions.org parsedData.positions.title parsedData.positions.summary",
        ),
        (
            S::Resumes,
            Text,
            "parsedData.positions.location parsedData.schools.org parsedData.schools.degree",
        ),
        (
            S::Resumes,
            Text,
            "parsedData.schools.field parsedData.schools.summary",
        ),
        (
            S::Resumes,
            Object,
            "parsedData.positions.start parsedData.positions.end",
        ),
        (
            S::Resumes,
            Object,
            "parsedData.schools.start parsedData.schools.end",
        ),
        (
            S::Resumes,
            Number,
            "parsedData.positions.start.year parsedData.positions.start.month",
        ),
        (
            S::Resumes,
            Number,
            "parsedData.positions.end.year parsedData.positions.end.month",
        ),
        (
            S::Resumes,
            Number,
            "parsedData.schools.start.year parsedData.schools.start.month",
        ),
        (
            S::Resumes,
            Number,
            "parsedData.schools.end.year parsedData.schools.end.month",
        ),
        (S::Files, Text, "id name ext downloadUrl status size"),
        (S::Files, Moment, "uploadedAt"),
        (S::Notes, Text, "id text user"),
        (S::Notes, Truth, "secret"),
        (S::Notes, Moment, "createdAt completedAt"),
        (S::Notes, Answer, "fields"),
        (
            S::Forms,
            Text,
            "id type text instructions baseTemplateId user stage group.id group.name",
        ),
        (S::Forms, Object, "group"),
        (S::Forms, Moment, "createdAt completedAt"),
        (S::Forms, Answer, "fields"),
        (
            S::Offers,
            Text,
            "id posting creator status sentDocument.fileName sentDocument.downloadUrl",
        ),
        (
            S::Offers,
            Text,
            "signedDocument.fileName signedDocument.downloadUrl",
        ),
        (S::Offers, Truth, "approved"),
        (
            S::Offers,
            Moment,
            "createdAt approvedAt sentAt sentDocument.uploadedAt signedDocument.uploadedAt",
        ),
        (S::Offers, Object, "sentDocument signedDocument signatures"),
        (S::Offers, Answer, "fields"),
        (
            S::Interviews,
            Text,
            "id panel subject note timezone location feedbackTemplate feedbackReminder user stage",
        ),
        (
            S::Interviews,
            Text,
            "gcalEventUrl opportunityId interviewers.id interviewers.name interviewers.email",
        ),
        (
            S::Interviews,
            Text,
            "interviewers.feedbackTemplate interviewers.responseStatus",
        ),
        (S::Interviews, Number, "duration"),
        (S::Interviews, Moment, "createdAt date canceledAt"),
        (S::Interviews, List, "interviewers feedbackForms postings"),
        (
            S::Feedback,
            Text,
            "id type text instructions baseTemplateId interview panel user",
        ),
        (S::Feedback, Moment, "createdAt completedAt updatedAt"),
        (S::Feedback, Answer, "fields"),
        (
            S::Referrals,
            Text,
            "id type text instructions baseTemplateId referrer user stage",
        ),
        (S::Referrals, Moment, "createdAt completedAt"),
        (S::Referrals, Answer, "fields"),
        (
            S::Requisitions,
            Text,
            "id requisitionCode name confidentiality employmentStatus hiringManager owner creator",
        ),
        (
            S::Requisitions,
            Text,
            "internalNotes location status team department compensationBand.currency",
        ),
        (S::Requisitions, Text, "compensationBand.interval"),
        (
            S::Requisitions,
            Number,
            "headcountHired headcountTotal compensationBand.min compensationBand.max",
        ),
        (S::Requisitions, Truth, "backfill headcountInfinite"),
        (
            S::Requisitions,
            Moment,
            "createdAt updatedAt closedAt timeToFillStartAt timeToFillEndAt",
        ),
        (S::Requisitions, List, "postings offerIds"),
        (
            S::Requisitions,
            Object,
            "approval compensationBand customFields",
        ),
    ]
};

/// What each field of a form has beside its answer.
const OF_A_FIELD: &[(PathKind, &str)] = &[
    (
        PathKind::Text,
        "id type text identifier currency user stage",
    ),
    (PathKind::Number, "score"),
    (PathKind::Moment, "createdAt"),
    (PathKind::Answer, "value"),
];

/// Lever's own paths in the order of the streams: the fields of forms, not what is beside their answers.
pub fn of_lever() -> impl Iterator<Item = KnownPath> {
    names().filter_map(|(stream, kind, name)| {
        Some(KnownPath {
            path: SourcePath::parse(&format!("{stream}.{name}")).ok()?,
            kind,
            title: String::new(),
            group: String::new(),
        })
    })
}

fn names() -> impl Iterator<Item = (Stream, PathKind, &'static str)> {
    NAMES
        .iter()
        .flat_map(|(stream, kind, names)| names.split(' ').map(move |name| (*stream, *kind, name)))
}

/// What stands at a path of Lever's own, whatever an account has called its fields; none for one there is not.
pub fn kind_of(path: &SourcePath) -> Option<PathKind> {
    let shape = path.shape();
    let named = path.entries().next().is_some() || shape.contains('.');
    if path.stream() == Stream::Requisitions && shape.starts_with("customFields") && named {
        return Some(PathKind::Answer);
    }
    let of_stream = || names().filter(|(stream, _, _)| *stream == path.stream());
    let own = of_stream().find(|(_, _, name)| *name == shape);
    let beside = || {
        let (fields, last) = shape.rsplit_once('.')?;
        of_stream().find(|(_, kind, name)| *kind == PathKind::Answer && *name == fields)?;
        let parts = OF_A_FIELD.iter();
        let mut parts =
            parts.flat_map(|(kind, names)| names.split(' ').map(move |name| (*kind, name)));
        parts.find(|(_, name)| *name == last).map(|(kind, _)| kind)
    };
    own.map(|(_, kind, _)| kind).or_else(beside)
}

/// Whether a path leads to or through a list of Lever's own, so that a person has many of what stands there.
pub(super) fn leads_to_many(path: &SourcePath) -> bool {
    let shape = path.shape();
    let through = |name: &str| {
        shape
            .strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    names().any(|(stream, kind, name)| {
        stream == path.stream()
            && kind == PathKind::List
            && name != "customQuestions"
            && through(name)
    })
}

/// So many fields of each kind are known by name.
const MOST_FIELDS: usize = 1_000;

/// The fields that an account has made up, as far as they were seen. Of a stream without any, and of one that was not
/// seen whole, any name may be one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountFields {
    fields: BTreeMap<Stream, Vec<AccountField>>,
    open: BTreeSet<Stream>,
}

/// A field that an account has made up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountField {
    /// Lever's id.
    pub id: String,
    /// The title.
    pub text: String,
    /// Id of the form, the question set or the object it is in; empty for none.
    pub group_id: String,
    /// Title of that.
    pub group: String,
}

impl AccountFields {
    /// Notes a field of a stream; one that is there already is noted once.
    pub fn add(&mut self, stream: Stream, field: AccountField) {
        let fields = self.fields.entry(stream).or_default();
        match fields.contains(&field) {
            true => {}
            false if fields.len() >= MOST_FIELDS => self.leave_open(stream),
            false => fields.push(field),
        }
    }

    /// Notes that a stream has more fields than were seen.
    pub fn leave_open(&mut self, stream: Stream) {
        self.open.insert(stream);
    }

    /// The paths to them, in the order they were noted.
    pub fn paths(&self) -> impl Iterator<Item = KnownPath> {
        self.fields
            .iter()
            .flat_map(|(stream, fields)| fields.iter().filter_map(|field| field.path(*stream)))
    }

    /// Whether the texts in brackets, and the keys of custom fields, are known or may be.
    fn knows(&self, path: &SourcePath) -> bool {
        let seen_whole = self
            .fields
            .get(&path.stream())
            .filter(|_| !self.open.contains(&path.stream()));
        let Some(fields) = seen_whole else {
            return true;
        };
        named_by(path, fields)
    }
}

/// Whether the texts in brackets, and the keys of custom fields, are all names of these fields.
fn named_by(path: &SourcePath, fields: &[AccountField]) -> bool {
    let folded = |text: &str| text.trim().to_lowercase();
    let custom = is_custom(path).then(|| path.keys().skip(1));
    let mut named = path.entries().chain(custom.into_iter().flatten());
    named.all(|name| {
        fields.iter().any(|field| {
            let names = [&field.id, &field.text, &field.group_id, &field.group];
            names.into_iter().any(|known| folded(known) == folded(name))
        })
    })
}

fn is_custom(path: &SourcePath) -> bool {
    path.keys().next() == Some("customFields")
}

/// Whether a path leads to a custom field of requisitions that is none of these, which are all that the account has.
pub fn is_gone(path: &SourcePath, fields: &[AccountField]) -> bool {
    path.stream() == Stream::Requisitions && is_custom(path) && !named_by(path, fields)
}

impl AccountField {
    /// By its title within the title of its group, as a person would write it.
    fn path(&self, stream: Stream) -> Option<KnownPath> {
        let quoted = |text: &str| format!("[{}]", serde_json::Value::from(text));
        let group = match self.group.as_str() {
            "" => String::new(),
            group => quoted(group),
        };
        let text = match stream {
            Stream::Applications => format!(
                "{stream}.customQuestions{group}.fields{}",
                quoted(&self.text)
            ),
            Stream::Requisitions if self.group_id.is_empty() => {
                format!("{stream}.customFields{}", quoted(&self.id))
            }
            Stream::Requisitions => {
                format!(
                    "{stream}.customFields{}{}",
                    quoted(&self.group_id),
                    quoted(&self.id)
                )
            }
            _ => format!("{stream}{group}.fields{}", quoted(&self.text)),
        };
        Some(KnownPath {
            path: SourcePath::parse(&text).ok()?,
            kind: PathKind::Answer,
            title: self.text.clone(),
            group: self.group.clone(),
        })
    }
}

/// Whether a path leads somewhere in this account.
pub fn knows(path: &SourcePath, account: &AccountFields) -> bool {
    kind_of(path).is_some() && account.knows(path)
}

/// The paths that are most like one there is not.
pub fn nearest_to(path: &SourcePath, account: &AccountFields) -> Vec<String> {
    among(of_lever().chain(account.paths()), &path.to_string())
}

/// The paths in any account that are most like a text that is no path.
pub fn nearest_to_text(text: &str) -> Vec<String> {
    among(of_lever(), text)
}

fn among(known: impl Iterator<Item = KnownPath>, text: &str) -> Vec<String> {
    let all: Vec<_> = known.map(|known| known.path.to_string()).collect();
    nearest(text, all.iter().map(|path| (path.as_str(), "")))
}

#[cfg(test)]
pub(super) mod tests {
    use serde_yaml_ng::Value;

    use super::*;
    use crate::testing::description;

    fn path(text: &str) -> SourcePath {
        SourcePath::parse(text).unwrap()
    }

    pub(in super::super) fn account() -> AccountFields {
        let mut account = AccountFields::default();
        let field = |id: &str, text: &str, group_id: &str, group: &str| AccountField {
            id: id.to_owned(),
            text: text.to_owned(),
            group_id: group_id.to_owned(),
            group: group.to_owned(),
        };
        account.add(
            Stream::Forms,
            field("f1", "Start date", "t", "Offer information"),
        );
        account.add(
            Stream::Applications,
            field("q1", "Highest degree?", "q", "Education"),
        );
        account.add(
            Stream::Requisitions,
            field("target_hire_date", "Target", "", ""),
        );
        account.add(
            Stream::Requisitions,
            field("city", "City", "cost_center", "Cost center"),
        );
        account
    }

    #[test]
    fn every_listed_path_is_known_and_listed_once() {
        let mut listed: Vec<_> = of_lever()
            .chain(account().paths())
            .map(|known| known.path)
            .collect();
        assert!(listed.len() > 200);
        for path in &listed {
            assert!(knows(path, &account()), "{path}");
        }
        listed.sort();
        let count = listed.len();
        listed.dedup();
        assert_eq!(listed.len(), count);
        assert_eq!(names().count(), of_lever().count(), "a name is no path");
    }

    #[test]
    fn a_custom_field_is_gone_where_the_account_does_not_list_it() {
        let all = &account().fields[&Stream::Requisitions];
        for (text, gone) in [
            (r#"requisitions.customFields["target_hire_date"]"#, false),
            ("requisitions.customFields.target_hire_date", false),
            (r#"requisitions.customFields["cost_center"].city"#, false),
            (r#"requisitions.customFields["cost_center"].campus"#, true),
            (r#"requisitions.customFields["budget_number"]"#, true),
            ("requisitions.customFields", false),
            ("requisitions.requisitionCode", false),
            (r#"forms.fields["Gone"]"#, false),
        ] {
            assert_eq!(is_gone(&path(text), all), gone, "{text}");
        }
        assert!(is_gone(
            &path("requisitions.customFields.target_hire_date"),
            &[]
        ));
    }

    #[test]
    fn what_an_account_made_up_is_known_by_title_and_by_id() {
        for text in [
            r#"forms.fields["start date"]"#,
            r#"forms["Offer information"].fields["f1"].value"#,
            r#"applications.customQuestions["Education"].fields["Highest degree?"]"#,
            "requisitions.customFields.cost_center.city",
            r#"requisitions.customFields["target_hire_date"]"#,
            // No referral was seen yet.
            r#"referrals.fields["Relationship"]"#,
        ] {
            assert!(knows(&path(text), &account()), "{text}");
            assert_eq!(kind_of(&path(text)), Some(PathKind::Answer), "{text}");
        }
    }

    #[test]
    fn of_a_stream_that_was_not_seen_whole_any_name_may_be_one() {
        let mut account = account();
        let unheard = path(r#"forms.fields["Unheard of"]"#);
        assert!(!knows(&unheard, &account));
        account.leave_open(Stream::Forms);
        assert!(knows(&unheard, &account));
        assert!(!knows(&path("forms.unheard"), &account));
        for n in 0..=MOST_FIELDS {
            let field = AccountField {
                id: n.to_string(),
                text: n.to_string(),
                group_id: String::new(),
                group: String::new(),
            };
            account.add(Stream::Feedback, field);
        }
        assert!(knows(&path(r#"feedback.fields["Unheard of"]"#), &account));
        assert_eq!(account.paths().count(), 4 + MOST_FIELDS);
    }

    #[test]
    fn answers_for_equal_opportunity_feed_nothing() {
        assert!(!knows(
            &path("eeo_responses.gender"),
            &AccountFields::default()
        ));
    }

    #[test]
    fn an_unknown_path_is_refused_with_the_nearest_ones() {
        for (text, near) in [
            ("opportunities.headlin", "opportunities.headline"),
            ("contacts.locaton.name", "contacts.location.name"),
            (
                r#"forms["Offer information"].fields["Start dat"]"#,
                r#"forms["Offer information"].fields["Start date"]"#,
            ),
            (
                "requisitions.customFields.target_hire",
                r#"requisitions.customFields["target_hire_date"]"#,
            ),
        ] {
            assert!(!knows(&path(text), &account()), "{text}");
            let nearest = nearest_to(&path(text), &account());
            assert!(
                nearest.iter().any(|found| found == near),
                "{text}: {nearest:?}"
            );
        }
    }

    /// The attributes of a schema, through its references and alternatives, and of the elements of a list.
    fn attributes<'d>(api: &'d Value, schema: &'d Value, found: &mut Vec<(&'d str, &'d Value)>) {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            let name = name.rsplit('/').next().unwrap();
            attributes(api, &api["components"]["schemas"][name], found);
        }
        for key in ["allOf", "oneOf", "anyOf"] {
            for part in schema
                .get(key)
                .and_then(Value::as_sequence)
                .into_iter()
                .flatten()
            {
                attributes(api, part, found);
            }
        }
        if let Some(items) = schema.get("items") {
            attributes(api, items, found);
        }
        for (name, attribute) in schema
            .get("properties")
            .and_then(Value::as_mapping)
            .into_iter()
            .flatten()
        {
            found.push((name.as_str().unwrap(), attribute));
        }
    }

    #[test]
    fn the_paths_are_those_of_levers_description() {
        let Some(api) = description() else {
            return;
        };
        for known in of_lever()
            .filter(|known| ![NOTES, ATTACHMENTS].contains(&known.path.to_string().as_str()))
        {
            let schema = match known.path.stream() {
                Stream::Opportunities => "Opportunity",
                Stream::Contacts => "Contact",
                Stream::Applications => "Application",
                Stream::Resumes => "Resume",
                Stream::Files => "File",
                Stream::Notes => "Note",
                Stream::Forms => "ProfileForm",
                Stream::Offers => "Offer",
                Stream::Interviews => "Interview",
                Stream::Feedback => "Feedback",
                Stream::Referrals => "Referral",
                _ => "Requisition",
            };
            let mut at = &api["components"]["schemas"][schema];
            for key in known.path.keys() {
                let mut found = Vec::new();
                attributes(&api, at, &mut found);
                let next = found.iter().find(|(name, _)| *name == key);
                at = next.unwrap_or_else(|| panic!("{}", known.path)).1;
            }
        }
    }
}
