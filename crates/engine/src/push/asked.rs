//! What a write asks, when it is asked: what is refused besides content that can be in no operation.
//!
//! An operation that was recorded is not measured by this: it stays what it is.

use domain::export::Asked;
use domain::field_mapping::{FieldMapping, Rule};
use domain::identity::IdentityKey;
use domain::link::{Link, names_another_scheme};
use domain::operation::{FILE_ENDINGS, PreparedKind, Write};
use domain::provenance::links;

use super::content::check_content;
use crate::error::{Error, ErrorKind, Result, Violation};

/// What is wrong with the content of a write that is asked for now, whatever the account.
pub(super) fn check_asked(write: &Write) -> Result<()> {
    let mut found = match check_content(write) {
        Ok(()) => Vec::new(),
        Err(error) => match error.kind() {
            ErrorKind::Invalid { violations } => violations.clone(),
            _ => return Err(error),
        },
    };
    let more = match write {
        Write::UploadFile(file) => fault_of_ending("name", &file.name).into_iter().collect(),
        Write::Export(export) => faults_of_export(&export.asked),
        Write::Prepared(prepared) if prepared.kind == PreparedKind::AddLinks => {
            faults_of_links("links", &links(prepared)).collect()
        }
        _ => Vec::new(),
    };
    for fault in more {
        if !found.iter().any(|known| known.field == fault.field) {
            found.push(fault);
        }
    }
    if found.is_empty() {
        Ok(())
    } else {
        Err(Error::violations(found))
    }
}

fn faults_of_export(asked: &Asked) -> Vec<Violation> {
    let mut faults: Vec<_> = faults_of_links("profile.links", &asked.profile.links).collect();
    for (at, file) in asked.files.iter().enumerate() {
        faults.extend(fault_of_ending(&format!("files[{at}].name"), &file.name));
        if file.size == 0 {
            faults.push(Violation {
                field: format!("files[{at}].content"),
                message: "the file has no bytes: send some, or leave the file out".to_owned(),
            });
        }
    }
    faults
}

fn faults_of_links<'a>(
    field: &'a str,
    links: &'a [String],
) -> impl Iterator<Item = Violation> + 'a {
    let links = links.iter().enumerate();
    let others = links.filter(|(_, link)| names_another_scheme(link));
    others.map(move |(at, _)| Violation {
        field: format!("{field}[{at}]"),
        message: "give a link that begins with https:// or http://".to_owned(),
    })
}

/// The fields of an export whose values can be no address, number or link, so that nothing of them goes to Lever.
pub(super) fn unusable(asked: &Asked, mapping: &FieldMapping) -> Vec<String> {
    let person = &asked.profile;
    let mut fields = Vec::new();
    for (at, email) in person.emails.iter().enumerate() {
        if IdentityKey::email(&email.address).is_none() {
            fields.push(format!("profile.emails[{at}].address"));
        }
    }
    for (at, phone) in person.phones.iter().enumerate() {
        if IdentityKey::phone(phone).is_none() {
            fields.push(format!("profile.phones[{at}]"));
        }
    }
    let links = [
        ("profile.linkedin_url", "LINKEDIN_URL", &person.linkedin_url),
        ("profile.github_url", "GITHUB_URL", &person.github_url),
        (
            "profile.profile_url",
            "PLATFORM_PROFILE_URL",
            &person.profile_url,
        ),
    ];
    for (path, field, text) in links {
        if !text.is_empty() && leads_nowhere(text, field, mapping) {
            fields.push(path.to_owned());
        }
    }
    fields
}

/// Whether a link is none, or leads elsewhere than the rules say by which its field goes to Lever.
fn leads_nowhere(text: &str, field: &str, mapping: &FieldMapping) -> bool {
    let Some(link) = Link::classify(text, &mapping.platform_hosts) else {
        return true;
    };
    let rules = mapping.rules.iter();
    let mut rules = rules
        .filter(|rule| rule.field.as_str() == field && rule.exports())
        .peekable();
    let fits = |rule: &Rule| rule.link.is_none_or(|pick| pick.kind() == link.kind);
    names_another_scheme(text) || (rules.peek().is_some() && !rules.any(fits))
}

/// Lever goes by the ending of the name, and takes these for an opportunity, a candidate and an application alike.
fn fault_of_ending(field: &str, name: &str) -> Option<Violation> {
    let is_known = |ending: &str| {
        let mut known = FILE_ENDINGS.iter();
        known.any(|known| known.eq_ignore_ascii_case(ending))
    };
    let message = match name.rsplit_once('.') {
        Some((stem, ending)) if is_known(ending) && !stem.trim().is_empty() => return None,
        Some((_, ending)) if is_known(ending) => {
            format!("give the file a name before its ending, such as resume.{ending}")
        }
        _ => format!(
            "Lever takes files whose names end with one of .{}: give the file such a name",
            FILE_ENDINGS.join(", .")
        ),
    };
    Some(Violation {
        field: field.to_owned(),
        message,
    })
}

#[cfg(test)]
mod tests {
    use domain::operation::{FileUpload, UploadTarget};

    use super::*;

    fn fields(write: &Write) -> Vec<String> {
        match check_asked(write).map_err(|error| error.kind().clone()) {
            Ok(()) => Vec::new(),
            Err(ErrorKind::Invalid { violations }) => {
                violations.into_iter().map(|one| one.field).collect()
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_has_an_ending_that_lever_takes() {
        let named = |name: &str| {
            fields(&Write::UploadFile(FileUpload {
                target: UploadTarget::Opportunity,
                name: name.to_owned(),
                content_type: "application/octet-stream".to_owned(),
                size: 0,
                sha256: [0; 32],
                number: 0,
            }))
        };
        for good in ["cv.pdf", "CV.PDF", "a.tar.docx", "x.js"] {
            assert_eq!(named(good), [""; 0], "{good}");
        }
        for bad in ["virus.exe", "cv", ".pdf", "cv.pdf ", "cv.pdf.", "", "a/b"] {
            assert_eq!(named(bad), ["name"], "{bad}");
        }
        let told = fault_of_ending("name", ".pdf").expect("no name");
        assert_eq!(
            told.message,
            "give the file a name before its ending, such as resume.pdf"
        );
    }
}
