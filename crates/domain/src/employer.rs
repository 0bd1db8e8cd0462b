//! Names of employers, and the headline that lists them.
//!
//! Lever's headline is a list of past employers (or schools) with commas between them, and employers have commas in
//! their names: `Vandelay Industries, Inc` (product.md 5.0).

use crate::text::{folded_words, meaningful};

/// Legal forms, as words in lower case without points.
const LEGAL_FORMS: [&str; 24] = [
    "ag",
    "bv",
    "co",
    "company",
    "corp",
    "corporation",
    "gmbh",
    "inc",
    "incorporated",
    "kg",
    "limited",
    "llc",
    "llp",
    "lp",
    "ltd",
    "nv",
    "oy",
    "plc",
    "pte",
    "pty",
    "sa",
    "sarl",
    "se",
    "sas",
];

/// The employers that a headline lists, in its order; a legal form stays with the name before it.
pub fn of_headline(headline: &str) -> Vec<String> {
    let mut employers: Vec<String> = Vec::new();
    for part in headline.split([',', ';']).filter_map(meaningful) {
        match employers.last_mut() {
            Some(last) if is_legal_form(&part) => {
                last.push_str(", ");
                last.push_str(&part);
            }
            _ => employers.push(part),
        }
    }
    employers
}

/// The words of an employer's name by which two are compared: without accents and the legal form at its end.
pub fn normalized(name: &str) -> Option<String> {
    let name = meaningful(name)?;
    let mut words = folded_words(&without_points(&name));
    while words.len() > 1 && words.last().is_some_and(|word| is_form(word)) {
        words.pop();
    }
    (!words.is_empty()).then(|| words.join(" "))
}

/// `S.A.` is one word.
fn without_points(text: &str) -> String {
    text.replace('.', "")
}

fn is_legal_form(part: &str) -> bool {
    let words = folded_words(&without_points(part));
    !words.is_empty() && words.iter().all(|word| is_form(word))
}

fn is_form(word: &str) -> bool {
    LEGAL_FORMS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first two are Lever's own examples.
    #[test]
    fn a_headline_lists_employers_whose_names_have_commas() {
        let lists: [(&str, &[&str]); 7] = [
            (
                "Brickly LLC, Vandelay Industries, Inc, Central Perk",
                &["Brickly LLC", "Vandelay Industries, Inc", "Central Perk"],
            ),
            (
                "Grunnings, Inc., Coffee Bean, Ltd, Betelgeuse Commercial Service Co., Ltd, Double C Private Co., Ltd",
                &[
                    "Grunnings, Inc.",
                    "Coffee Bean, Ltd",
                    "Betelgeuse Commercial Service Co., Ltd",
                    "Double C Private Co., Ltd",
                ],
            ),
            (
                "Acme, Co., Ltd., Initech, S.A.",
                &["Acme, Co., Ltd.", "Initech, S.A."],
            ),
            ("Initech", &["Initech"]),
            ("Ltd, Acme", &["Ltd", "Acme"]),
            ("None", &[]),
            (" , ,", &[]),
        ];
        for (headline, employers) in lists {
            assert_eq!(of_headline(headline), employers, "{headline}");
        }
    }

    /// The suffixes of product.md 5.1, each as Lever writes it after a comma.
    #[test]
    fn a_legal_form_stays_with_the_name_before_it() {
        for form in [
            "Inc", "Inc.", "LLC", "Ltd", "Ltd.", "Co.", "Corp", "GmbH", "S.A.", "LP", "PLC",
            "Co., Ltd",
        ] {
            let employer = format!("Initech, {form}");
            let headline = format!("Globex, {employer}, Central Perk");
            assert_eq!(
                of_headline(&headline),
                ["Globex", &employer, "Central Perk"],
                "{form}"
            );
        }
    }

    #[test]
    fn employers_are_compared_without_their_legal_form() {
        for (name, same) in [
            ("Vandelay Industries, Inc.", "vandelay industries"),
            ("VANDELAY  Industries", "vandelay industries"),
            (
                "Betelgeuse Commercial Service Co., Ltd",
                "betelgeuse commercial service",
            ),
            ("Société Générale S.A.", "societe generale"),
            ("Co", "co"),
        ] {
            assert_eq!(normalized(name).as_deref(), Some(same), "{name}");
        }
        for name in ["", "N/A", "..."] {
            assert_eq!(normalized(name), None, "{name}");
        }
    }
}
