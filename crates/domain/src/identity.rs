//! By what a person is recognized (product.md 5.3, X2).
//!
//! An identity key is the one spelling of something that tells who somebody is. Two records with the same key are
//! about the same person as far as the key's strength goes: on a weak one alone nobody is taken for somebody else.

use std::collections::BTreeSet;

use lever::ContactId;
use unicode_normalization::UnicodeNormalization;

use crate::employer;
use crate::link::{Link, LinkKind};
use crate::text::{folded_words, meaningful};

/// How much a key in common says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// Others may share it: a name, a telephone.
    Weak,
    /// It belongs to one person.
    Strong,
}

/// One thing by which a person is recognized, in the one spelling that is compared.
///
/// The order is the order in which matches are looked for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentityKey {
    /// An e-mail address in lower case.
    Email(String),
    /// The address of a LinkedIn profile.
    LinkedIn(String),
    /// The address of a GitHub page.
    GitHub(String),
    /// The address of a page on X.
    Twitter(String),
    /// A telephone number: `+` and digits (E.164) where the country is told, else digits alone.
    Phone(String),
    /// A name together with an employer.
    NameAndEmployer {
        /// The name without accents, middle initials, and what stands in quotes or parentheses.
        name: String,
        /// The employer without its legal form.
        employer: String,
    },
}

impl std::fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IdentityKey::{}", self.kind())
    }
}

impl IdentityKey {
    /// An address of the form `local@domain`, also as a link writes it, `mailto:local@domain`; tags behind a plus stay,
    /// since they may tell people apart.
    pub fn email(text: &str) -> Option<IdentityKey> {
        let bare = bare_address(text).nfkc();
        let folded: String = bare.flat_map(char::to_lowercase).collect();
        let (local, domain) = folded.split_once('@')?;
        let bare = |c: char| {
            c.is_whitespace() || c.is_control() || matches!(c, '@' | '<' | '>' | ',' | ':')
        };
        let odd =
            folded.matches('@').count() != 1 || folded.chars().filter(|c| *c != '@').any(bare);
        let whole = !local.is_empty()
            && domain.contains('.')
            && !domain.starts_with('.')
            && !domain.ends_with('.');
        (whole && !odd).then_some(IdentityKey::Email(folded))
    }

    /// A number of 7 to 15 digits (E.164 allows 15); an extension is left out.
    ///
    /// Without `+` or `00` the country is unknown, and only the same digits are the same number.
    pub fn phone(text: &str) -> Option<IdentityKey> {
        let folded: String = text.trim().nfkc().flat_map(char::to_lowercase).collect();
        let number = folded.split(['x', 'e', '#', ';', ',']).next()?;
        let stray = |c: char| !c.is_ascii_digit() && !c.is_whitespace() && !"+-./()".contains(c);
        if number.contains(stray) || number.rfind('+').is_some_and(|at| at > 0) {
            return None;
        }
        // `+44 (0)20 ...`: the nought is dialled inside the country only.
        let international = number.starts_with('+') || number.starts_with("00");
        let number = match international {
            true => number.replace("(0)", ""),
            false => number.to_owned(),
        };
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        let digits = match number.starts_with("00") {
            true => digits.get(2..)?.to_owned(),
            false => digits,
        };
        let fits = (7..=15).contains(&digits.len()) && digits.bytes().any(|digit| digit != b'0');
        let plus = if international { "+" } else { "" };
        fits.then(|| IdentityKey::Phone(format!("{plus}{digits}")))
    }

    /// The page of a person on LinkedIn, GitHub or X; none for any other link.
    pub fn link(text: &str) -> Option<IdentityKey> {
        let link = Link::classify(text, &[])?;
        let canonical = link.canonical?;
        match link.kind {
            LinkKind::LinkedIn => Some(IdentityKey::LinkedIn(canonical)),
            LinkKind::GitHub => Some(IdentityKey::GitHub(canonical)),
            LinkKind::Twitter => Some(IdentityKey::Twitter(canonical)),
            _ => None,
        }
    }

    /// A name of three letters and more, and an employer.
    pub fn name_and_employer(name: &str, employer: &str) -> Option<IdentityKey> {
        let name = normalized_name(name)?;
        let employer = employer::normalized(employer)?;
        Some(IdentityKey::NameAndEmployer { name, employer })
    }

    /// How much the key says.
    pub fn strength(&self) -> Strength {
        match self {
            IdentityKey::Email(_)
            | IdentityKey::LinkedIn(_)
            | IdentityKey::GitHub(_)
            | IdentityKey::Twitter(_) => Strength::Strong,
            IdentityKey::Phone(_) | IdentityKey::NameAndEmployer { .. } => Strength::Weak,
        }
    }

    /// The texts it is made of; together with the kind they are the whole key.
    pub fn parts(&self) -> Vec<&str> {
        match self {
            IdentityKey::Email(text)
            | IdentityKey::LinkedIn(text)
            | IdentityKey::GitHub(text)
            | IdentityKey::Twitter(text)
            | IdentityKey::Phone(text) => vec![text],
            IdentityKey::NameAndEmployer { name, employer } => vec![name, employer],
        }
    }

    /// What kind of key it is, in words that other programs read.
    pub fn kind(&self) -> &'static str {
        match self {
            IdentityKey::Email(_) => "email",
            IdentityKey::LinkedIn(_) => "linkedin",
            IdentityKey::GitHub(_) => "github",
            IdentityKey::Twitter(_) => "twitter",
            IdentityKey::Phone(_) => "phone",
            IdentityKey::NameAndEmployer { .. } => "name_and_employer",
        }
    }
}

/// Two different people, whichever was named first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContactPair {
    first: ContactId,
    second: ContactId,
}

impl ContactPair {
    /// None for one person twice.
    pub fn new(one: ContactId, other: ContactId) -> Option<ContactPair> {
        let (first, second) = match one < other {
            true => (one, other),
            false => (other, one),
        };
        (first != second).then_some(ContactPair { first, second })
    }

    /// The one whose id comes first.
    pub fn first(&self) -> &ContactId {
        &self.first
    }

    /// The one whose id comes last.
    pub fn second(&self) -> &ContactId {
        &self.second
    }
}

/// What is known of a person, as it was written.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// Addresses.
    pub emails: Vec<String>,
    /// Links of any kind.
    pub links: Vec<String>,
    /// Telephone numbers.
    pub phones: Vec<String>,
    /// The full name.
    pub name: String,
    /// Employers, present and past.
    pub employers: Vec<String>,
}

impl Identity {
    /// What one opportunity tells of its person, with its application and contact where they are known.
    ///
    /// An anonymized one tells nothing.
    pub fn of_opportunity(
        opportunity: &lever::Opportunity,
        application: Option<&lever::Application>,
        contact: Option<&lever::Contact>,
    ) -> Identity {
        if opportunity.is_anonymized || contact.is_some_and(|contact| contact.is_anonymized) {
            return Identity::default();
        }
        let of_contact = contact.map_or(&[][..], |contact| &contact.emails);
        let applied_with = application.and_then(|application| application.email.as_ref());
        let emails = opportunity
            .emails
            .iter()
            .chain(of_contact)
            .chain(applied_with);
        let of_contact = contact.map_or(&[][..], |contact| &contact.phones);
        let phones = opportunity.phones.iter().chain(of_contact);
        let name = opportunity.name.as_ref();
        let headline = opportunity.headline.as_ref();
        let headline = headline.or(contact.and_then(|contact| contact.headline.as_ref()));
        let applied_from = application.and_then(|application| application.company.clone());
        Identity {
            emails: once(emails),
            links: opportunity.links.clone(),
            phones: once(phones.map(|phone| &phone.value)),
            name: name
                .or(contact.and_then(|contact| contact.name.as_ref()))
                .cloned()
                .unwrap_or_default(),
            employers: applied_from
                .into_iter()
                .chain(employer::of_headline(headline.map_or("", String::as_str)))
                .collect(),
        }
    }

    /// Every key, each once, strong ones first.
    pub fn keys(&self) -> BTreeSet<IdentityKey> {
        let emails = self
            .emails
            .iter()
            .filter_map(|text| IdentityKey::email(text));
        let links = self.links.iter().filter_map(|text| IdentityKey::link(text));
        let phones = self
            .phones
            .iter()
            .filter_map(|text| IdentityKey::phone(text));
        let employers = self.employers.iter();
        let names =
            employers.filter_map(|employer| IdentityKey::name_and_employer(&self.name, employer));
        emails.chain(links).chain(phones).chain(names).collect()
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

/// An address without what a link puts around it, `mailto:` before and `?subject=...` behind.
pub(crate) fn bare_address(text: &str) -> &str {
    const SCHEME: &str = "mailto:";
    let text = text.trim();
    match text.get(..SCHEME.len()) {
        Some(scheme) if scheme.eq_ignore_ascii_case(SCHEME) => {
            let rest = &text[SCHEME.len()..];
            rest.split('?').next().unwrap_or(rest).trim()
        }
        _ => text,
    }
}

/// The texts without those that are there already: a contact says what its opportunities say.
fn once<'t>(texts: impl Iterator<Item = &'t String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for text in texts {
        if !kept.contains(text) {
            kept.push(text.clone());
        }
    }
    kept
}

/// As Lever compares names: without middle initials, and what stands in quotes or parentheses
/// (help.lever.co, "Merging duplicates"; product.md 5.3).
fn normalized_name(name: &str) -> Option<String> {
    let words = folded_words(&without_asides(&meaningful(name)?));
    let last = words.len().saturating_sub(1);
    let initial = |at: usize, word: &str| at > 0 && at < last && word.chars().count() == 1;
    let kept: Vec<_> = words
        .iter()
        .enumerate()
        .filter(|(at, word)| !initial(*at, word))
        .map(|(_at, word)| word.as_str())
        .collect();
    let letters: usize = kept.iter().map(|word| word.chars().count()).sum();
    (letters >= 3).then(|| kept.join(" "))
}

/// A text without what stands in double quotes or parentheses.
fn without_asides(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut until = None;
    for c in text.chars() {
        match (until, c) {
            (Some(end), c) if c == end => until = None,
            (Some(_), _) => {}
            (None, '(') => until = Some(')'),
            (None, '"') => until = Some('"'),
            (None, '“') => until = Some('”'),
            (None, c) => kept.push(c),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_are_compared_in_lower_case_and_nothing_else() {
        let email = |text: &str| match IdentityKey::email(text) {
            Some(IdentityKey::Email(email)) => Some(email),
            _ => None,
        };
        for (text, key) in [
            (" Ada@Example.COM ", "ada@example.com"),
            ("ada+jobs@example.com", "ada+jobs@example.com"),
            ("ÄDA@example.com", "äda@example.com"),
            ("mailto:ada@example.com", "ada@example.com"),
            (
                " MailTo: Ada@example.com?subject=Hello@you ",
                "ada@example.com",
            ),
        ] {
            assert_eq!(email(text).as_deref(), Some(key));
        }
        for text in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@localhost",
            "a@b@c.de",
            "ada @example.com",
            "Ada <ada@example.com>",
            "ada@.com",
            "ada@example.",
            "a@b.c,d@e.f",
            "mailto:",
            "mailto:mailto:ada@example.com",
            "skype:ada@example.com",
        ] {
            assert_eq!(email(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_in_e164_where_the_country_is_told() {
        let phone = |text: &str| match IdentityKey::phone(text) {
            Some(IdentityKey::Phone(phone)) => Some(phone),
            _ => None,
        };
        for (text, key) in [
            ("+1 (415) 555-0100", "+14155550100"),
            ("+44 (0)20 7946 0018", "+442079460018"),
            ("0044 20 7946 0018", "+442079460018"),
            ("(415) 555.0100 ext. 12", "4155550100"),
            ("415/5550100 x12", "4155550100"),
            ("＋１ ４１５ ５５５ ０１００", "+14155550100"),
        ] {
            assert_eq!(phone(text).as_deref(), Some(key), "{text}");
        }
        for text in [
            "",
            "12345",
            "ada.skype",
            "+1234567890123456",
            "0000000",
            "12+3456789",
            "call me",
        ] {
            assert_eq!(phone(text), None, "{text}");
        }
    }

    #[test]
    fn names_are_compared_as_lever_does() {
        let name = |text: &str| normalized_name(text);
        for (text, key) in [
            ("Ada King Lovelace", "ada king lovelace"),
            ("Ada K. Lovelace", "ada lovelace"),
            ("  ADA  \"Countess\" Lovelace (she/her)", "ada lovelace"),
            ("José Núñez", "jose nunez"),
            ("王小明", "王小明"),
            ("J Li", "j li"),
        ] {
            assert_eq!(name(text).as_deref(), Some(key), "{text}");
        }
        for text in ["", "Li", "A. B", "N/A", "(nobody)"] {
            assert_eq!(name(text), None, "{text}");
        }
    }

    #[test]
    fn x2_only_what_belongs_to_one_person_is_strong() {
        let person: lever::Opportunity = serde_json::from_value(json!({
            "id": "o", "name": "Ada Lovelace", "headline": "Vandelay Industries, Inc, Initech",
            "emails": ["ada@example.com", "ADA@example.com", "nonsense"],
            "phones": [{"type": "mobile", "value": "+1 415 555 0100"}, {"type": "skype", "value": "ada.l"}],
            "links": ["linkedin.com/in/Ada", "https://github.com/ada", "https://github.com/ada/engine", "x.com/ada"],
        }))
        .unwrap();
        let application =
            serde_json::from_value(json!({"id": "a", "company": "Analytical Ltd"})).unwrap();
        let identity = Identity::of_opportunity(&person, Some(&application), None);
        let keys: Vec<_> = identity.keys().into_iter().collect();
        let kinds: Vec<_> = keys
            .iter()
            .map(|key| (key.kind(), key.strength()))
            .collect();
        assert_eq!(
            kinds,
            [
                ("email", Strength::Strong),
                ("linkedin", Strength::Strong),
                ("github", Strength::Strong),
                ("twitter", Strength::Strong),
                ("phone", Strength::Weak),
                ("name_and_employer", Strength::Weak),
                ("name_and_employer", Strength::Weak),
                ("name_and_employer", Strength::Weak),
            ]
        );
        let caller = Identity {
            name: "ada m lovelace".to_owned(),
            employers: vec!["Vandelay Industries".to_owned()],
            ..Identity::default()
        };
        assert!(caller.keys().iter().all(|key| keys.contains(key)));
        assert!(
            !format!("{identity:?} {keys:?}")
                .to_lowercase()
                .contains("ada")
        );
    }

    #[test]
    fn what_the_contact_knows_more_counts_too() {
        let person = serde_json::from_value(json!({"id": "o", "emails": ["ada@example.com"]}));
        let contact = serde_json::from_value(json!({
            "id": "c", "name": "Ada Lovelace", "headline": "Initech",
            "emails": ["ada@example.com", "ada@example.org"],
            "phones": [{"type": "mobile", "value": "+1 415 555 0100"}],
        }));
        let identity = Identity::of_opportunity(&person.unwrap(), None, Some(&contact.unwrap()));
        assert_eq!(identity.emails, ["ada@example.com", "ada@example.org"]);
        let kinds: Vec<_> = identity.keys().iter().map(IdentityKey::kind).collect();
        assert_eq!(kinds, ["email", "email", "phone", "name_and_employer"]);
    }

    #[test]
    fn a_pair_is_the_same_whoever_is_named_first_and_never_one_person_twice() {
        let pair = |one: &str, other: &str| ContactPair::new(one.into(), other.into());
        let (ab, ba) = (pair("a", "b").unwrap(), pair("b", "a").unwrap());
        assert_eq!(ab, ba);
        assert_eq!((ba.first().as_str(), ba.second().as_str()), ("a", "b"));
        assert_eq!(pair("a", "a"), None);
    }

    #[test]
    fn an_anonymized_person_is_recognized_by_nothing() {
        let gone: lever::Opportunity = serde_json::from_value(json!({
            "id": "o", "name": "Anonymized Candidate", "headline": "Initech", "isAnonymized": true,
            "emails": ["left@example.com"],
        }))
        .unwrap();
        assert!(
            Identity::of_opportunity(&gone, None, None)
                .keys()
                .is_empty()
        );
    }
}
