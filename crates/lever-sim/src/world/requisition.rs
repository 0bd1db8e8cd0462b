//! Leave to hire.

use serde_json::{Map, Value, json};

use super::account::{Account, confidentiality};

/// A requisition. Fixture `requisitions.list.json`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Requisition {
    pub(crate) id: String,
    pub(crate) code: String,
    pub(crate) name: String,
    /// `open`, `onHold`, `closed` or `draft`; `pending` and `rejected` only come from approvals.
    pub(crate) status: String,
    /// `None` is unlimited.
    pub(crate) headcount: Option<i64>,
    pub(crate) hired: i64,
    pub(crate) backfill: bool,
    pub(crate) creator: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) hiring_manager: Option<String>,
    pub(crate) internal_notes: String,
    pub(crate) compensation: Option<Value>,
    pub(crate) approval: Value,
    pub(crate) employment_status: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) team: Option<String>,
    pub(crate) department: Option<String>,
    pub(crate) postings: Vec<String>,
    pub(crate) offers: Vec<String>,
    pub(crate) custom_fields: Map<String, Value>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) closed_at: Option<i64>,
    /// Status and when it began.
    pub(crate) states: Vec<(String, i64)>,
}

impl Requisition {
    /// A requisition is as confidential as the postings it is linked to. Lever: "Confidential data".
    pub(crate) fn confidential(&self, account: &Account) -> bool {
        let mut postings = self.postings.iter().filter_map(|id| account.posting(id));
        postings.any(|posting| posting.confidential)
    }

    fn headcount_json(&self) -> Value {
        self.headcount.map_or(json!("unlimited"), Value::from)
    }

    pub(crate) fn json(&self, account: &Account) -> Value {
        json!({
            "id": self.id,
            "createdAt": self.created_at,
            "confidentiality": confidentiality(self.confidential(account)),
            "status": self.status,
            "name": self.name,
            "requisitionCode": self.code,
            "headcountTotal": self.headcount_json(),
            "headcountHired": self.hired,
            "headcountInfinite": self.headcount.is_none(),
            "backfill": self.backfill,
            "creator": self.creator,
            "owner": self.owner,
            "hiringManager": self.hiring_manager,
            "internalNotes": self.internal_notes,
            "compensationBand": self.compensation,
            "approval": self.approval,
            "employmentStatus": self.employment_status,
            "location": self.location,
            "team": self.team,
            "department": self.department,
            "postings": self.postings,
            "offerIds": self.offers,
            "timeToFillStartAt": null,
            "timeToFillEndAt": null,
            "updatedAt": self.updated_at,
            "customFields": self.custom_fields,
            "closedAt": self.closed_at,
        })
    }

    /// The storage-level shape that writes answer with. Fixture `requisition.create.response.json`.
    ///
    /// What is unset is a missing key there.
    pub(crate) fn stored_json(&self, account: &Account) -> Value {
        let mut json = json!({
            "accountId": account.id,
            "backfill": self.backfill,
            "createdAt": self.created_at,
            "creatorUserId": self.creator,
            "hasConfidentialPosting": self.confidential(account),
            "internalNotes": self.internal_notes,
            "name": self.name,
            "ownerUserId": self.owner,
            "postingIds": self.postings,
            "requisitionCode": self.code,
            "reservedOfferIds": self.offers,
            "status": self.status,
            "stateHistory": self.states.iter().map(state).collect::<Vec<_>>(),
            "updatedAt": self.updated_at,
            "headcountInfinite": self.headcount.is_none(),
            "headcountTotal": self.headcount_json(),
            "headcountHired": self.hired,
            "customFields": self.custom_fields,
            "id": self.id,
            "search": { "nameCodeTokens": tokens(&self.name, &self.code) },
        });
        let set = [
            ("employmentStatus", json!(self.employment_status)),
            ("location", json!(self.location)),
            ("team", json!(self.team)),
            ("department", json!(self.department)),
            ("hiringManagerUserId", json!(self.hiring_manager)),
            ("compensationBand", json!(self.compensation)),
            ("closedAt", json!(self.closed_at)),
        ];
        for (key, value) in set.into_iter().filter(|(_, value)| !value.is_null()) {
            json[key] = value;
        }
        json
    }
}

fn state((status, at): &(String, i64)) -> Value {
    json!({ "beginAt": at, "status": status, "attribution": { "timestamp": at, "service": "data-api" } })
}

/// One, two and three words in a row of the name, then of the code, each once (recorded).
fn tokens(name: &str, code: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    for text in [name.to_lowercase(), code.to_lowercase()] {
        let words = words(&text);
        for length in 1..=3 {
            for run in words.windows(length) {
                let token = &text[run[0].0..run[length - 1].1];
                if !tokens.iter().any(|known| known == token) {
                    tokens.push(token.to_owned());
                }
            }
        }
    }
    tokens
}

/// Where the words of a text begin and end.
fn words(text: &str) -> Vec<(usize, usize)> {
    let mut words: Vec<(usize, usize)> = Vec::new();
    for (at, character) in text.char_indices().filter(|(_, it)| it.is_alphanumeric()) {
        let end = at + character.len_utf8();
        match words.last_mut() {
            Some(word) if word.1 == at => word.1 = end,
            _ => words.push((at, end)),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_tokens_are_those_recorded() {
        let expected = [
            "test",
            "requisition",
            "for",
            "dryrun",
            "updated",
            "again",
            "test requisition",
            "requisition for",
            "for dryrun",
            "dryrun - updated",
            "updated again",
            "test requisition for",
            "requisition for dryrun",
            "for dryrun - updated",
            "dryrun - updated again",
            "example",
            "example-dryrun",
            "dryrun-test",
            "example-dryrun-test",
        ];
        let name = "Test Requisition for Dryrun - Updated Again";
        assert_eq!(tokens(name, "EXAMPLE-DRYRUN-TEST"), expected);
        assert_eq!(tokens("Ünïcode — ß", ""), ["ünïcode", "ß", "ünïcode — ß"]);
    }
}
