//! Requisitions and the fields an account keeps about them.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::table::{bodies, calls, lists, whole_lists};
use super::{Any, ConfidentialityFilter};
use crate::page::Record;
use crate::{
    Headcount, PostingId, Requisition, RequisitionField, RequisitionFieldId, RequisitionId,
    RequisitionStatus, SalaryRange, Timestamp, UserId,
};

lists! {
    /// Lists requisitions; without `confidentiality` only non-confidential ones.
    ///
    /// Lever: "List all requisitions", `GET /requisitions`.
    #[derive(Default)]
    ListRequisitions() = LIST_REQUISITIONS => Requisition {
        any expand: String, "Objects instead of ids for these attributes: `creator`, `hiringManager`, `owner`, `postings`.";
        only created_at_start: Timestamp, "Only made then or later.";
        only created_at_end: Timestamp, "Only made then or earlier.";
        only requisition_code: String, "Only with this code of the customer's own.";
        only status: RequisitionStatus, "Only where it stands so.";
        only confidentiality: ConfidentialityFilter, "Which kinds to show.";
    }
}

whole_lists! {
    /// Lists the fields an account keeps about requisitions, all at once.
    ///
    /// Lever: "List all requisition fields", `GET /requisition_fields`.
    #[derive(Default)]
    ListRequisitionFields() = LIST_REQUISITION_FIELDS => RequisitionField {
        only is_required: bool as "isRequired", "Only those that must be filled in, or only the others.";
        only kind: String as "type", "Only of this kind, such as `dropdown`.";
    }
}

calls! {
    /// Reads one requisition.
    ///
    /// Lever: "Retrieve a single requisition", `GET /requisitions/:requisition`.
    GetRequisition(requisition: RequisitionId) = GET_REQUISITION => Record<Requisition> {
        any expand: String, "Objects instead of ids for these attributes.";
    }

    /// Makes a requisition. Sent twice it makes two.
    ///
    /// Lever: "Create a requisition", `POST /requisitions`; the answer has a form of its own (fixture
    /// `requisition.create.response.json`).
    CreateRequisition() = CREATE_REQUISITION => Record<Requisition>, sends RequisitionWrite {
        only perform_as: UserId, "The Lever user named as having made it; becomes its owner too.";
    }

    /// Replaces a requisition; only the postings stay when they are left out.
    ///
    /// Lever: "Update a requisition", `PUT /requisitions/:requisition`; the answer has a form of its own.
    UpdateRequisition(requisition: RequisitionId) = UPDATE_REQUISITION => Record<Requisition>, sends RequisitionWrite {
        only perform_as: UserId, "The Lever user named in the history.";
    }

    /// Deletes a requisition.
    ///
    /// Lever: "Delete a requisition", `DELETE /requisitions/:requisition`.
    DeleteRequisition(requisition: RequisitionId) = DELETE_REQUISITION => () {}

    /// Reads one field.
    ///
    /// Lever: "Retrieve a single requisition field", `GET /requisition_fields/:requisition_field`.
    GetRequisitionField(requisition_field: RequisitionFieldId) = GET_REQUISITION_FIELD => Record<RequisitionField> {}

    /// Makes a field; an account has at most 100.
    ///
    /// Lever: "Create a requisition field", `POST /requisition_fields`.
    CreateRequisitionField() = CREATE_REQUISITION_FIELD => Record<RequisitionField>, sends RequisitionFieldWrite {}

    /// Replaces a field; values filled in before can then only be read.
    ///
    /// Lever: "Update a requisition field", `PUT /requisition_fields/:requisition_field`.
    UpdateRequisitionField(requisition_field: RequisitionFieldId) = UPDATE_REQUISITION_FIELD => Record<RequisitionField>,
        sends RequisitionFieldWrite {}

    /// Deletes a field; values filled in before can then only be read.
    ///
    /// Lever: "Delete a requisition field", `DELETE /requisition_fields/:requisition_field`.
    DeleteRequisitionField(requisition_field: RequisitionFieldId) = DELETE_REQUISITION_FIELD => () {}

    /// Appends choices to a dropdown. Sent twice they stand there twice.
    ///
    /// The answer is the field, a choice or a list of them, depending on whom one believes.
    ///
    /// Lever: "Create dropdown options", `POST /requisition_fields/:requisition_field/options`.
    AddRequisitionFieldOptions(requisition_field: RequisitionFieldId) = ADD_REQUISITION_FIELD_OPTIONS => Record<Any>,
        sends NewOptions {}

    /// Changes the texts of choices of a dropdown.
    ///
    /// Lever: "Update dropdown options", `PUT /requisition_fields/:requisition_field/options`.
    UpdateRequisitionFieldOptions(requisition_field: RequisitionFieldId) = UPDATE_REQUISITION_FIELD_OPTIONS
        => Record<RequisitionField>, sends ChangedOptions {}

    /// Takes choices away from a dropdown.
    ///
    /// Lever: "Delete dropdown options", `DELETE /requisition_fields/:requisition_field/options`.
    DeleteRequisitionFieldOptions(requisition_field: RequisitionFieldId) = DELETE_REQUISITION_FIELD_OPTIONS => (),
        sends GoneOptions {}
}

bodies! {
    /// A requisition to make or to put in place of another.
    struct RequisitionWrite
    must {
        /// The customer's own code.
        requisition_code: String,
        /// The title.
        name: String,
        /// How many may be hired.
        headcount_total: Headcount,
    }
    may {
        /// Whether it replaces somebody.
        backfill: bool,
        /// What may be paid.
        compensation_band: SalaryRange,
        /// When it was made; without it, now.
        created_at: Timestamp,
        /// The account's own fields, by the id of the field.
        custom_fields: Map<String, Value>,
        /// Such as `full-time`.
        employment_status: String,
        /// Whom the hire will work for.
        hiring_manager: UserId,
        /// Who owns it.
        owner: UserId,
        /// Notes for those who hire.
        internal_notes: String,
        /// Where.
        location: String,
        /// Where it stands; there is no way back to a draft.
        status: RequisitionStatus,
        /// The team.
        team: String,
        /// The department.
        department: String,
        /// The postings it is tied to; an empty list ties it to none.
        posting_ids: Vec<PostingId>,
    }

    /// A field to make or to put in place of another.
    struct RequisitionFieldWrite
    must {
        /// Its id: small letters, digits and underscores, at most 50 characters.
        id: RequisitionFieldId,
        /// The title.
        text: String,
        /// `number`, `text`, `date`, `object` or `dropdown` (`type`).
        kind: String as "type",
        /// Whether it must be filled in.
        is_required: bool,
    }
    lists {
        /// The parts of an object, at most 10.
        subfields: SubfieldWrite,
        /// The choices of a dropdown, at most 4000 a call.
        options: OptionWrite,
    }

    /// A part of a field of kind `object`.
    struct SubfieldWrite
    must {
        /// Its id: small letters, digits and underscores.
        id: String,
        /// The title.
        text: String,
        /// `number`, `text` or `date` (`type`).
        kind: String as "type",
    }

    /// A choice of a dropdown.
    struct OptionWrite
    must {
        /// What people see.
        text: String,
    }
    may {
        /// Which one it is; a new one has none.
        id: String,
    }

    /// Choices to append.
    struct NewOptions
    must {
        /// The choices, without ids.
        values: Vec<OptionWrite>,
    }

    /// Choices whose texts change.
    struct ChangedOptions
    must {
        /// The choices, with ids.
        values: Vec<OptionWrite>,
    }

    /// Choices to take away.
    struct GoneOptions
    must {
        /// Their ids.
        values: Vec<String>,
    }
}

impl Serialize for Headcount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Headcount::Limited(count) => serializer.serialize_i64(*count),
            Headcount::Unlimited => serializer.serialize_str("unlimited"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::ListEndpoint;
    use crate::endpoint::testing::sent;
    use serde_json::json;

    fn requisition(headcount: Headcount) -> RequisitionWrite {
        RequisitionWrite {
            requisition_code: "ENG-145".to_owned(),
            name: "Engineer".to_owned(),
            headcount_total: headcount,
            backfill: None,
            compensation_band: None,
            created_at: None,
            custom_fields: None,
            employment_status: None,
            hiring_manager: None,
            owner: None,
            internal_notes: None,
            location: None,
            status: Some(RequisitionStatus::OnHold),
            team: None,
            department: None,
            posting_ids: Some(Vec::new()),
        }
    }

    #[test]
    fn requisitions_are_asked_for_with_every_filter() {
        let list = ListRequisitions {
            expand: vec!["owner".to_owned()],
            created_at_start: Some(Timestamp::from_millis(1)),
            created_at_end: Some(Timestamp::from_millis(2)),
            requisition_code: Some("ENG 1".to_owned()),
            status: Some(RequisitionStatus::Open),
            confidentiality: Some(ConfidentialityFilter::All),
            limit: Some(3),
            offset: Some("t".into()),
        };
        let expected = "GET /requisitions?expand=owner&created_at_start=1&created_at_end=2\
            &requisition_code=ENG+1&status=open&confidentiality=all&limit=3&offset=t";
        assert_eq!(sent(&list), (expected.to_owned(), None));
        let get = GetRequisition {
            requisition: "q1".into(),
            expand: Vec::new(),
        };
        assert_eq!(sent(&get), ("GET /requisitions/q1".to_owned(), None));
    }

    #[test]
    fn a_requisition_is_made_replaced_and_deleted() {
        let body = |headcount: Value| {
            json!({"requisitionCode": "ENG-145", "name": "Engineer", "headcountTotal": headcount,
                "status": "onHold", "postingIds": []})
        };
        let create = CreateRequisition {
            perform_as: Some("u1".into()),
            body: requisition(Headcount::Unlimited),
        };
        let expected = "POST /requisitions?perform_as=u1".to_owned();
        assert_eq!(sent(&create), (expected, Some(body("unlimited".into()))));
        let update = UpdateRequisition {
            requisition: "q1".into(),
            perform_as: None,
            body: requisition(Headcount::Limited(3)),
        };
        let expected = "PUT /requisitions/q1".to_owned();
        assert_eq!(sent(&update), (expected, Some(body(3.into()))));
        let delete = DeleteRequisition {
            requisition: "q1".into(),
        };
        assert_eq!(sent(&delete), ("DELETE /requisitions/q1".to_owned(), None));
    }

    #[test]
    fn fields_come_all_at_once() {
        let list = ListRequisitionFields {
            is_required: Some(false),
            kind: Some("dropdown".to_owned()),
        };
        let expected = "GET /requisition_fields?isRequired=false&type=dropdown";
        assert_eq!(sent(&list), (expected.to_owned(), None));
        assert_eq!(
            sent(&list.at(Some("t".into()))),
            (expected.to_owned(), None)
        );
        let get = GetRequisitionField {
            requisition_field: "cost_center".into(),
        };
        assert_eq!(
            sent(&get),
            ("GET /requisition_fields/cost_center".to_owned(), None)
        );
    }

    #[test]
    fn a_field_is_made_replaced_and_deleted() {
        let field = RequisitionFieldWrite {
            id: "cost_center".into(),
            text: "Cost center".to_owned(),
            kind: "object".to_owned(),
            is_required: true,
            subfields: vec![SubfieldWrite {
                id: "city".to_owned(),
                text: "City".to_owned(),
                kind: "text".to_owned(),
            }],
            options: Vec::new(),
        };
        let body = json!({"id": "cost_center", "text": "Cost center", "type": "object",
            "isRequired": true, "subfields": [{"id": "city", "text": "City", "type": "text"}]});
        let create = CreateRequisitionField {
            body: field.clone(),
        };
        let expected = "POST /requisition_fields".to_owned();
        assert_eq!(sent(&create), (expected, Some(body.clone())));
        let update = UpdateRequisitionField {
            requisition_field: "cost_center".into(),
            body: field,
        };
        let expected = "PUT /requisition_fields/cost_center".to_owned();
        assert_eq!(sent(&update), (expected, Some(body)));
        let delete = DeleteRequisitionField {
            requisition_field: "cost_center".into(),
        };
        let expected = "DELETE /requisition_fields/cost_center".to_owned();
        assert_eq!(sent(&delete), (expected, None));
    }

    #[test]
    fn choices_are_appended_changed_and_taken_away() {
        let path = "/requisition_fields/work_type/options";
        let option = |id: Option<&str>| OptionWrite {
            text: "hourly".to_owned(),
            id: id.map(str::to_owned),
        };
        let add = AddRequisitionFieldOptions {
            requisition_field: "work_type".into(),
            body: NewOptions {
                values: vec![option(None)],
            },
        };
        let body = json!({"values": [{"text": "hourly"}]});
        assert_eq!(sent(&add), (format!("POST {path}"), Some(body)));
        let update = UpdateRequisitionFieldOptions {
            requisition_field: "work_type".into(),
            body: ChangedOptions {
                values: vec![option(Some("x1"))],
            },
        };
        let body = json!({"values": [{"text": "hourly", "id": "x1"}]});
        assert_eq!(sent(&update), (format!("PUT {path}"), Some(body)));
        let delete = DeleteRequisitionFieldOptions {
            requisition_field: "work_type".into(),
            body: GoneOptions {
                values: vec!["x1".to_owned()],
            },
        };
        let body = json!({"values": ["x1"]});
        assert_eq!(sent(&delete), (format!("DELETE {path}"), Some(body)));
    }
}
