//! Profile forms and referrals.

use serde_json::Value;

use super::table::{bodies, calls, lists};
use crate::page::Record;
use crate::{FormId, FormTemplateId, OpportunityId, ProfileForm, Referral, ReferralId, UserId};

lists! {
    /// Lists the profile forms of an opportunity.
    ///
    /// Lever: "List all profile forms", `GET /opportunities/:opportunity/forms`.
    ListForms(opportunity: OpportunityId) = LIST_OPPORTUNITY_FORMS => ProfileForm {
        any expand: String, "Objects instead of ids for these attributes: `user`, `stage`.";
    }

    /// Lists the referrals of an opportunity.
    ///
    /// Lever: "List all referrals", `GET /opportunities/:opportunity/referrals`.
    ListReferrals(opportunity: OpportunityId) = LIST_OPPORTUNITY_REFERRALS => Referral {
        any expand: String, "Objects instead of ids for these attributes: `referrer`, `user`, `stage`.";
    }
}

calls! {
    /// Reads one profile form.
    ///
    /// Lever: "Retrieve a profile form", `GET /opportunities/:opportunity/forms/:form`.
    GetForm(opportunity: OpportunityId, form: FormId) = GET_OPPORTUNITY_FORM => Record<ProfileForm> {}

    /// Fills in a profile form. Sent twice it makes two.
    ///
    /// Lever: "Create a profile form", `POST /opportunities/:opportunity/forms`; fixture `form.create.request.json`.
    CreateForm(opportunity: OpportunityId) = CREATE_OPPORTUNITY_FORM => Record<ProfileForm>, sends ProfileFormWrite {
        only perform_as: UserId, "The Lever user named as having filled it in; without one nobody is.";
    }

    /// Reads one referral.
    ///
    /// Lever: "Retrieve a referral", `GET /opportunities/:opportunity/referrals/:referral`.
    GetReferral(opportunity: OpportunityId, referral: ReferralId) = GET_OPPORTUNITY_REFERRAL => Record<Referral> {}
}

bodies! {
    /// A profile form to fill in.
    struct ProfileFormWrite
    must {
        /// The template.
        base_template_id: FormTemplateId,
        /// All fields of the template in order, with a null value where nothing is filled in.
        fields: Vec<FormFieldWrite>,
    }
    may {
        /// Only for people with access to secret forms; without it as the template says.
        secret: bool,
    }

    /// A field of a form or a template to send.
    struct FormFieldWrite
    must {
        /// The kind, such as `text` or `dropdown` (`type`).
        kind: String as "type",
    }
    may {
        /// The field of the template, where it has an id.
        id: String,
        /// The title.
        text: String,
        /// What it is about.
        description: String,
        /// Whether it must be filled in.
        required: bool,
        /// What an empty choice shows.
        prompt: String,
        /// The currency of an amount.
        currency: String,
        /// The language of a field of kind `code`.
        language: String,
        /// What is filled in; null where nothing is. Fields of templates have none.
        value: Value,
    }
    lists {
        /// What can be chosen.
        options: TextWrite,
        /// The skills of a field of kind `scorecard`.
        scores: TextWrite,
    }

    /// A choice of a field, or a skill.
    struct TextWrite
    must {
        /// What people see.
        text: String,
    }
    may {
        /// What it means.
        description: String,
    }
}

impl FormFieldWrite {
    /// A field of that kind and title; what else it needs is to be added.
    pub fn new(kind: impl Into<String>, text: impl Into<String>) -> FormFieldWrite {
        FormFieldWrite {
            kind: kind.into(),
            id: None,
            text: Some(text.into()),
            description: None,
            required: None,
            prompt: None,
            currency: None,
            language: None,
            value: None,
            options: Vec::new(),
            scores: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::testing::sent;
    use serde_json::json;

    #[test]
    fn forms_and_referrals_are_asked_for() {
        let forms = ListForms {
            opportunity: "o1".into(),
            expand: vec!["user".to_owned()],
            limit: None,
            offset: None,
        };
        let expected = "GET /opportunities/o1/forms?expand=user";
        assert_eq!(sent(&forms), (expected.to_owned(), None));
        let referrals = ListReferrals {
            opportunity: "o1".into(),
            expand: Vec::new(),
            limit: Some(9),
            offset: None,
        };
        let expected = "GET /opportunities/o1/referrals?limit=9";
        assert_eq!(sent(&referrals), (expected.to_owned(), None));
        let form = GetForm {
            opportunity: "o1".into(),
            form: "f1".into(),
        };
        assert_eq!(
            sent(&form),
            ("GET /opportunities/o1/forms/f1".to_owned(), None)
        );
        let referral = GetReferral {
            opportunity: "o1".into(),
            referral: "r1".into(),
        };
        let expected = "GET /opportunities/o1/referrals/r1";
        assert_eq!(sent(&referral), (expected.to_owned(), None));
    }

    #[test]
    fn a_form_is_sent_with_all_its_fields() {
        let create = CreateForm {
            opportunity: "o1".into(),
            perform_as: None,
            body: ProfileFormWrite {
                base_template_id: "t1".into(),
                fields: vec![
                    FormFieldWrite {
                        currency: Some("USD".to_owned()),
                        value: Some(json!(75000)),
                        ..FormFieldWrite::new("currency", "Compensation")
                    },
                    FormFieldWrite {
                        value: Some(Value::Null),
                        ..FormFieldWrite::new("textarea", "Notes")
                    },
                ],
                secret: Some(true),
            },
        };
        let body = json!({"baseTemplateId": "t1", "secret": true, "fields": [
            {"type": "currency", "text": "Compensation", "currency": "USD", "value": 75000},
            {"type": "textarea", "text": "Notes", "value": null},
        ]});
        let expected = "POST /opportunities/o1/forms";
        assert_eq!(sent(&create), (expected.to_owned(), Some(body)));
    }
}
