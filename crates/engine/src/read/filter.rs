//! Filters of Lever's lists: handed on to Lever, or answered from the documents of the mirror where those decide.

use domain::Timestamp;
use serde_json::Value;

use crate::error::{Error, Result};

/// A way into a document.
type Way = &'static [&'static str];

/// One filter a caller has set.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// The field of the request, for errors.
    field: &'static str,
    /// Lever's query parameters.
    query: Vec<(&'static str, String)>,
    /// How a document answers; none where only Lever can.
    test: Option<Test>,
}

/// What a document must say.
#[derive(Debug, Clone, PartialEq)]
enum Test {
    /// One of these texts is there.
    AnyOf(Way, Vec<String>),
    /// The first of the ways that leads to a time leads to one within the bounds, which belong to it.
    Within(&'static [Way], Option<Timestamp>, Option<Timestamp>),
    /// Something is there, or nothing is.
    Present(Way, bool),
    /// The time lies after this one, or does not.
    After(Way, Timestamp, bool),
    /// The flag is so.
    Flag(Way, bool),
    /// Everything passes.
    All,
}

impl Filter {
    /// One of these texts; none when there are none.
    pub fn any_of(
        field: &'static str,
        parameter: &'static str,
        way: Way,
        texts: Vec<String>,
    ) -> Option<Filter> {
        let filter = Filter::live(field, parameter, texts.clone())?;
        Some(Filter {
            test: Some(Test::AnyOf(way, texts)),
            ..filter
        })
    }

    /// One of these texts, which only Lever can judge; none when there are none.
    pub fn live(
        field: &'static str,
        parameter: &'static str,
        texts: Vec<String>,
    ) -> Option<Filter> {
        (!texts.is_empty()).then(|| Filter {
            field,
            query: texts.into_iter().map(|text| (parameter, text)).collect(),
            test: None,
        })
    }

    /// A time between two, both included; none without bounds.
    pub fn within(
        field: &'static str,
        parameters: [&'static str; 2],
        ways: &'static [Way],
        bounds: [Option<Timestamp>; 2],
    ) -> Option<Filter> {
        let filter = Filter::within_live(field, parameters, bounds)?;
        Some(Filter {
            test: Some(Test::Within(ways, bounds[0], bounds[1])),
            ..filter
        })
    }

    /// A time between two, which only Lever can judge; none without bounds.
    pub fn within_live(
        field: &'static str,
        parameters: [&'static str; 2],
        bounds: [Option<Timestamp>; 2],
    ) -> Option<Filter> {
        let query: Vec<_> = parameters
            .into_iter()
            .zip(bounds)
            .filter_map(|(name, at)| at.map(|at| (name, at.as_millis().to_string())))
            .collect();
        (!query.is_empty()).then_some(Filter {
            field,
            query,
            test: None,
        })
    }

    /// Whether something is there.
    pub fn present(
        field: &'static str,
        parameter: &'static str,
        way: Way,
        wanted: Option<bool>,
    ) -> Option<Filter> {
        wanted.map(|wanted| Filter::flagged(field, parameter, wanted, Test::Present(way, wanted)))
    }

    /// Whether a time lies ahead.
    pub fn ahead(
        field: &'static str,
        parameter: &'static str,
        way: Way,
        wanted: Option<bool>,
        now: Timestamp,
    ) -> Option<Filter> {
        wanted
            .map(|wanted| Filter::flagged(field, parameter, wanted, Test::After(way, now, wanted)))
    }

    /// Whether a flag is set.
    pub fn flag(
        field: &'static str,
        parameter: &'static str,
        way: Way,
        wanted: Option<bool>,
    ) -> Option<Filter> {
        wanted.map(|wanted| Filter::flagged(field, parameter, wanted, Test::Flag(way, wanted)))
    }

    /// Whether deactivated users are listed.
    pub fn include_deactivated(included: bool) -> Filter {
        let test = if included {
            Test::All
        } else {
            Test::Present(&["deactivatedAt"], false)
        };
        Filter::flagged("include_deactivated", "includeDeactivated", included, test)
    }

    /// Confidential records, the others, or all; none for an empty text.
    ///
    /// # Errors
    /// Invalid for any other word.
    pub fn confidentiality(word: String) -> Result<Option<Filter>> {
        let test = match word.as_str() {
            "" => return Ok(None),
            "all" => Test::All,
            "confidential" | "non-confidential" => {
                Test::AnyOf(&["confidentiality"], vec![word.clone()])
            }
            _ => {
                return Err(Error::invalid(
                    CONFIDENTIALITY,
                    "give confidential, non-confidential or all",
                ));
            }
        };
        Ok(Some(Filter {
            field: CONFIDENTIALITY,
            query: vec![(CONFIDENTIALITY, word)],
            test: Some(test),
        }))
    }

    fn flagged(field: &'static str, parameter: &'static str, wanted: bool, test: Test) -> Filter {
        Filter {
            field,
            query: vec![(parameter, wanted.to_string())],
            test: Some(test),
        }
    }

    /// Lever's query parameters.
    pub(super) fn query(&self) -> impl Iterator<Item = (String, String)> + '_ {
        self.query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
    }
}

const CONFIDENTIALITY: &str = "confidentiality";

/// Refuses filters that the mirror cannot answer exactly.
pub(super) fn check_answerable(filters: &[Filter]) -> Result<()> {
    match filters.iter().find(|filter| filter.test.is_none()) {
        None => Ok(()),
        Some(filter) => Err(Error::invalid(
            filter.field,
            "only Lever can answer this filter: set read_from to READ_FROM_LEVER, or leave it out",
        )),
    }
}

/// Whether a document passes all filters.
pub(super) fn holds(filters: &[Filter], raw: &str) -> bool {
    if filters.is_empty() {
        return true;
    }
    let Ok(document) = serde_json::from_str::<Value>(raw) else {
        return false;
    };
    let passes = |filter: &Filter| {
        filter
            .test
            .as_ref()
            .is_none_or(|test| test.holds(&document))
    };
    filters.iter().all(passes)
}

impl Test {
    fn holds(&self, document: &Value) -> bool {
        match self {
            Test::AnyOf(way, texts) => texts_at(document, way)
                .iter()
                .any(|text| texts.iter().any(|wanted| wanted == text)),
            Test::Within(ways, from, to) => ways
                .iter()
                .find_map(|way| time_at(document, way))
                .is_some_and(|at| {
                    from.is_none_or(|from| from <= at) && to.is_none_or(|to| at <= to)
                }),
            Test::Present(way, wanted) => {
                at(document, way).is_some_and(|value| !value.is_null()) == *wanted
            }
            Test::After(way, moment, wanted) => {
                time_at(document, way).is_some_and(|at| at > *moment) == *wanted
            }
            Test::Flag(way, wanted) => {
                at(document, way).and_then(Value::as_bool).unwrap_or(false) == *wanted
            }
            Test::All => true,
        }
    }
}

fn at(document: &Value, way: Way) -> Option<&Value> {
    way.iter().try_fold(document, |value, step| value.get(step))
}

/// The texts a way leads to: one, or those of a list; records in place of their ids count by their ids.
fn texts_at(document: &Value, way: Way) -> Vec<&str> {
    fn text(value: &Value) -> Option<&str> {
        value.as_str().or_else(|| value.get("id")?.as_str())
    }
    match at(document, way) {
        Some(Value::Array(values)) => values.iter().filter_map(text).collect(),
        Some(value) => text(value).into_iter().collect(),
        None => Vec::new(),
    }
}

fn time_at(document: &Value, way: Way) -> Option<Timestamp> {
    let value = at(document, way)?;
    let ms = value.as_i64().or_else(|| value.as_str()?.parse().ok())?;
    Some(Timestamp::from_millis(ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: i64) -> Option<Timestamp> {
        Some(Timestamp::from_millis(ms))
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    const ARCHIVED: Way = &["archived"];

    fn passes(filter: Option<Filter>, raw: &str) -> bool {
        holds(&Vec::from_iter(filter), raw)
    }

    #[test]
    fn documents_answer_as_lever_would() {
        let document = r#"{"id": "o", "stage": "a", "tags": ["x", "Y"], "owner": {"id": "u"}, "createdAt": 5,
            "updatedAt": null, "archived": null, "snoozedUntil": "100", "confidentiality": "non-confidential"}"#;
        let any = |way: Way, wanted: &[&str]| Filter::any_of("f", "p", way, texts(wanted));
        let within = |ways, bounds| Filter::within("f", ["a", "b"], ways, bounds);
        let cases = [
            (any(&["stage"], &["b", "a"]), true),
            (any(&["stage"], &["b"]), false),
            (any(&["tags"], &["y", "Y"]), true),
            (any(&["tags"], &["y"]), false),
            (any(&["owner"], &["u"]), true),
            (any(&["absent"], &["u"]), false),
            (within(&[&["createdAt"]], [ms(5), ms(5)]), true),
            (within(&[&["createdAt"]], [ms(6), None]), false),
            (within(&[&["createdAt"]], [None, ms(4)]), false),
            // Lever's own filters do not find what has no stamp.
            (within(&[&["updatedAt"]], [ms(0), None]), false),
            (
                within(&[&["updatedAt"], &["createdAt"]], [ms(0), None]),
                true,
            ),
            (Filter::present("f", "p", ARCHIVED, Some(false)), true),
            (Filter::present("f", "p", ARCHIVED, Some(true)), false),
            (
                Filter::ahead(
                    "f",
                    "p",
                    &["snoozedUntil"],
                    Some(true),
                    Timestamp::from_millis(99),
                ),
                true,
            ),
            (
                Filter::ahead(
                    "f",
                    "p",
                    &["snoozedUntil"],
                    Some(true),
                    Timestamp::from_millis(100),
                ),
                false,
            ),
            (Filter::flag("f", "p", &["isRequired"], Some(false)), true),
            (Some(Filter::include_deactivated(false)), true),
            (
                Filter::confidentiality("confidential".to_owned()).unwrap(),
                false,
            ),
            (
                Filter::confidentiality("non-confidential".to_owned()).unwrap(),
                true,
            ),
            (Filter::confidentiality("all".to_owned()).unwrap(), true),
        ];
        for (at, (filter, expected)) in cases.into_iter().enumerate() {
            assert_eq!(passes(filter, document), expected, "case {at}");
        }
    }

    #[test]
    fn a_filter_without_values_is_none_and_an_unreadable_document_passes_none() {
        assert_eq!(Filter::any_of("f", "p", ARCHIVED, Vec::new()), None);
        assert_eq!(Filter::within("f", ["a", "b"], &[], [None, None]), None);
        assert_eq!(Filter::confidentiality(String::new()).unwrap(), None);
        assert!(Filter::confidentiality("secret".to_owned()).is_err());
        assert!(!passes(
            Filter::present("f", "p", ARCHIVED, Some(false)),
            "{"
        ));
        assert!(holds(&[], "{"));
    }

    #[test]
    fn what_only_lever_can_judge_is_refused_by_name_and_handed_on_live() {
        let filter = Filter::live("emails", "email", texts(&["a@b", "c@d"])).unwrap();
        let query: Vec<_> = filter.query().collect();
        assert_eq!(query.len(), 2);
        assert_eq!(query[0], ("email".to_owned(), "a@b".to_owned()));
        let error = check_answerable(&[filter]).unwrap_err();
        assert!(error.to_string().starts_with("emails"), "{error}");
    }
}
