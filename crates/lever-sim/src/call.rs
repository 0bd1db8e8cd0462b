//! One request to `/v1` as a handler sees it: ids of the path, query, body, and the rights of the key.

mod body;

use serde_json::{Value, json};

pub(crate) use body::{Fields, bad_field, missing};

use crate::answer::{Answer, Refusal};
use crate::asked::Part;
use crate::offsets::Offsets;

/// Everything a handler needs beside the world.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// The operation id; also the name of the listing that offsets belong to.
    pub(crate) operation: &'static str,
    /// The variable segments of the path, in order.
    pub(crate) ids: Vec<&'a str>,
    pub(crate) query: Query<'a>,
    pub(crate) body: Option<&'a Value>,
    /// The parts of a multipart body, in order.
    pub(crate) parts: &'a [Part],
    /// Whether the key may see confidential records.
    pub(crate) confidential: bool,
    /// Milliseconds since 1970.
    pub(crate) now: i64,
    pub(crate) offsets: &'a Offsets,
}

impl<'a> Call<'a> {
    /// The nth variable segment of the path; the route table guarantees that it is there.
    pub(crate) fn id(&self, nth: usize) -> &'a str {
        self.ids.get(nth).copied().unwrap_or_default()
    }

    /// The JSON object a write came with, all of whose keys must be among `known`.
    ///
    /// Lever may ignore unknown keys; the simulator refuses them so that a misspelled one is noticed.
    pub(crate) fn fields(&self, known: &[&str]) -> Result<Fields<'a>, Refusal> {
        Fields::of(self.body.unwrap_or(&Value::Null), known)
    }

    /// The one file of a multipart body that holds nothing else, under the name `file`.
    pub(crate) fn file(&self) -> Result<&'a Part, Refusal> {
        match self.parts {
            [part] if part.name == "file" && part.file_name.is_some() => Ok(part),
            [] => Err(missing("file")),
            _ => Err(Refusal::bad_request("One part named file is expected")),
        }
    }

    /// What the `offset` of this request stands for; `None` on the first page.
    pub(crate) fn offset(&self) -> Result<Option<Value>, Refusal> {
        self.query
            .one("offset")
            .map(|token| self.offsets.read(self.operation, token))
            .transpose()
    }

    /// A page; `next` names the first record of the following one. Lever: "Pagination".
    pub(crate) fn page(&self, data: Vec<Value>, next: Option<Value>) -> Answer {
        let body = match next {
            Some(names) => {
                let token = self.offsets.issue(self.operation, names);
                json!({ "data": data, "next": token, "hasNext": true })
            }
            None => json!({ "data": data, "hasNext": false }),
        };
        Answer::json(200, body)
    }

    /// A page of a listing that is small enough to be made whole: each item with what names it in a token.
    pub(crate) fn page_of(&self, items: Vec<(Value, Value)>) -> Result<Answer, Refusal> {
        self.page_sized(items, self.query.limit()?)
    }

    /// The same, of a given size.
    pub(crate) fn page_sized(
        &self,
        items: Vec<(Value, Value)>,
        limit: usize,
    ) -> Result<Answer, Refusal> {
        let start = match self.offset()? {
            None => 0,
            Some(names) => items
                .iter()
                .position(|(name, _)| *name == names)
                .ok_or_else(|| Refusal::bad_request("Invalid offset token"))?,
        };
        let next = items
            .get(start.saturating_add(limit))
            .map(|(name, _)| name.clone());
        let data = items
            .into_iter()
            .skip(start)
            .take(limit)
            .map(|(_, item)| item)
            .collect();
        Ok(self.page(data, next))
    }
}

/// The decoded query. Several values for one filter are sent by repeating it. Lever: "Query parameters".
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query<'a>(pub(crate) &'a [(String, String)]);

impl<'a> Query<'a> {
    /// All values of a parameter.
    pub(crate) fn many(self, name: &'a str) -> Vec<&'a str> {
        self.0
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    pub(crate) fn one(self, name: &str) -> Option<&'a str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// All values of a parameter, each of which must be among `known`.
    pub(crate) fn choices(self, name: &'a str, known: &[&str]) -> Result<Vec<&'a str>, Refusal> {
        let values = self.many(name);
        match values.iter().find(|value| !known.contains(value)) {
            Some(_) => Err(invalid(name)),
            None => Ok(values),
        }
    }

    pub(crate) fn flag(self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.one(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(invalid(name)),
        }
    }

    /// A stamp in milliseconds.
    pub(crate) fn time(self, name: &str) -> Result<Option<i64>, Refusal> {
        self.one(name)
            .map(|value| value.parse().map_err(|_| invalid(name)))
            .transpose()
    }

    /// The bounds `<name>_start` and `<name>_end`.
    pub(crate) fn range(self, name: &str) -> Result<Range, Refusal> {
        let start = self.time(&format!("{name}_start"))?;
        let end = self.time(&format!("{name}_end"))?;
        Ok(Range { start, end })
    }

    /// The page size: 1 to 100, by default 100.
    pub(crate) fn limit(self) -> Result<usize, Refusal> {
        self.limit_or(100)
    }

    /// The page size: 1 to 100, by default as given.
    pub(crate) fn limit_or(self, default: usize) -> Result<usize, Refusal> {
        let Some(limit) = self.one("limit") else {
            return Ok(default);
        };
        match limit.parse() {
            Ok(limit @ 1..=100) => Ok(limit),
            _ => Err(invalid("limit")),
        }
    }

    /// The attributes to expand, each of which must be expandable here.
    pub(crate) fn expand(self, known: &[&str]) -> Result<Vec<&'a str>, Refusal> {
        let names = self.many("expand");
        match names.iter().find(|name| !known.contains(name)) {
            Some(name) => Err(Refusal::bad_request(format!("{name} is not expandable"))),
            None => Ok(names),
        }
    }
}

fn invalid(name: &str) -> Refusal {
    Refusal::bad_request(format!("Invalid value for parameter: {name}"))
}

/// Inclusive bounds in time; a bound that is missing holds always.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) start: Option<i64>,
    pub(crate) end: Option<i64>,
}

impl Range {
    pub(crate) fn holds(self, at: i64) -> bool {
        self.start.is_none_or(|start| at >= start) && self.end.is_none_or(|end| at <= end)
    }

    /// A record without the stamp is only found when nobody asks for it.
    pub(crate) fn holds_if_known(self, at: Option<i64>) -> bool {
        self == Range::default() || at.is_some_and(|at| self.holds(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn limits_are_1_to_100() {
        let limit = |value| Query(&pairs(&[("limit", value)])).limit();
        assert_eq!((limit("1"), limit("100")), (Ok(1), Ok(100)));
        assert!(
            ["0", "101", "-1", "ten", ""]
                .into_iter()
                .all(|value| limit(value).is_err())
        );
        assert_eq!(Query(&[]).limit(), Ok(100));
    }

    #[test]
    fn booleans_stamps_and_choices_are_checked() {
        let query = pairs(&[
            ("archived", "yes"),
            ("created_at_start", "today"),
            ("origin", "x"),
        ]);
        let query = Query(&query);
        assert!(query.flag("archived").is_err());
        assert!(query.range("created_at").is_err());
        assert!(query.choices("origin", &["applied"]).is_err());
    }

    #[test]
    fn bounds_are_inclusive_and_never_find_a_missing_stamp() {
        let query = pairs(&[("updated_at_start", "5"), ("updated_at_end", "7")]);
        let range = Query(&query).range("updated_at").unwrap();
        assert_eq!(
            [4, 5, 7, 8].map(|at| range.holds(at)),
            [false, true, true, false]
        );
        assert!(!range.holds_if_known(None));
        assert!(Range::default().holds_if_known(None));
    }
}
