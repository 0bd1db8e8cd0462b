//! Answers to EEO questions, and diversity surveys.

use super::table::{lists, whole_lists};
use crate::{AnonymousEeoResponse, DiversitySurvey, EeoResponse, PostingId, Timestamp};

lists! {
    /// Lists answers to the EEO questions with who gave them, latest application first.
    ///
    /// Lever: "List all EEO responses with PII", `GET /eeo/responses/pii`.
    #[derive(Default)]
    ListEeoResponses() = LIST_EEO_RESPONSES_PII => EeoResponse {
        any expand: String, "Objects instead of ids for these attributes: `contact`, `hiringManager`, `posting`.";
        only created_at_start: Timestamp, "Only from then on; without it, of the last week.";
        only created_at_end: Timestamp, "Only until then; without it, until now.";
    }

    /// Lists answers to the EEO questions without who gave them, latest application first.
    ///
    /// Lever: "List all EEO responses", `GET /eeo/responses`.
    #[derive(Default)]
    ListAnonymousEeoResponses() = LIST_EEO_RESPONSES => AnonymousEeoResponse {
        only from_date: Timestamp as "fromDate", "Only from then on; without it, of the last week.";
        only to_date: Timestamp as "toDate", "Only until then; without it, until now.";
    }
}

whole_lists! {
    /// Lists the diversity surveys of a posting, all at once.
    ///
    /// Lever: "Retrieve diversity surveys", `GET /surveys/diversity/:posting`.
    ListDiversitySurveys(posting: PostingId) = LIST_DIVERSITY_SURVEYS => DiversitySurvey {
        only country_code: String, "Only for people there; for accounts whose applicants choose their place.";
        only location: String, "Only for this place of the posting.";
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::testing::sent;

    #[test]
    fn answers_are_asked_for_by_time() {
        let at = |millis| Some(Timestamp::from_millis(millis));
        let list = ListEeoResponses {
            expand: vec!["posting".to_owned()],
            created_at_start: at(1),
            created_at_end: at(2),
            limit: Some(3),
            offset: Some("t".into()),
        };
        let expected = "GET /eeo/responses/pii?expand=posting&created_at_start=1&created_at_end=2\
            &limit=3&offset=t";
        assert_eq!(sent(&list), (expected.to_owned(), None));
        let list = ListAnonymousEeoResponses {
            from_date: at(1),
            to_date: at(2),
            limit: None,
            offset: None,
        };
        let expected = "GET /eeo/responses?fromDate=1&toDate=2";
        assert_eq!(sent(&list), (expected.to_owned(), None));
    }

    #[test]
    fn surveys_are_asked_for_by_place() {
        let list = ListDiversitySurveys {
            posting: "p1".into(),
            country_code: Some("US".to_owned()),
            location: Some("Oslo".to_owned()),
        };
        let expected = "GET /surveys/diversity/p1?country_code=US&location=Oslo";
        assert_eq!(sent(&list), (expected.to_owned(), None));
    }
}
