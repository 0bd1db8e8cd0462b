//! Requisitions and their fields.

use super::{BodyKind, Operation, PerformAs, delete, get, list, operations, post, put};

operations! {
    /// Lists requisitions.
    LIST_REQUISITIONS = list("listRequisitions", "/requisitions", "ListRequisitions")
        .allowed_by("find all requisitions", &["requisitions:read:admin"])
        .query(&[
            "limit", "offset", "expand", "created_at_start", "created_at_end", "requisition_code",
            "status", "confidentiality",
        ]);
    /// Creates a requisition.
    CREATE_REQUISITION = post("createRequisition", "/requisitions", "CreateRequisition")
        .allowed_by("create a requisition", &["requisitions:write:admin"])
        .query(&["perform_as"])
        .acting(PerformAs::Optional);
    /// Reads one requisition.
    GET_REQUISITION = get("getRequisition", "/requisitions/{requisition}", "GetRequisition")
        .allowed_by("find a requisition", &["requisitions:read:admin"])
        .query(&["expand"]);
    /// Replaces a requisition.
    UPDATE_REQUISITION = put("updateRequisition", "/requisitions/{requisition}", "UpdateRequisition")
        .allowed_by("update a requisition", &["requisitions:write:admin"])
        .query(&["perform_as"])
        .acting(PerformAs::Optional);
    /// Deletes a requisition.
    DELETE_REQUISITION = delete("deleteRequisition", "/requisitions/{requisition}", "DeleteRequisition")
        .allowed_by("delete a requisition", &["requisitions:write:admin"]);
    /// Lists requisition fields.
    LIST_REQUISITION_FIELDS = list("listRequisitionFields", "/requisition_fields", "ListRequisitionFields")
        .allowed_by("find all requisition fields", &["requisition_fields:read:admin"])
        .query(&["isRequired", "type"]);
    /// Creates a requisition field.
    CREATE_REQUISITION_FIELD = post("createRequisitionField", "/requisition_fields", "CreateRequisitionField")
        .allowed_by("create a requisition field", &["requisition_fields:write:admin"]);
    /// Reads one requisition field.
    GET_REQUISITION_FIELD = get("getRequisitionField", "/requisition_fields/{requisition_field}", "GetRequisitionField")
        .allowed_by("find a requisition field", &["requisition_fields:read:admin"]);
    /// Replaces a requisition field.
    UPDATE_REQUISITION_FIELD = put("updateRequisitionField", "/requisition_fields/{requisition_field}", "UpdateRequisitionField")
        .allowed_by("update a requisition field", &["requisition_fields:write:admin"]);
    /// Deletes a requisition field.
    DELETE_REQUISITION_FIELD = delete("deleteRequisitionField", "/requisition_fields/{requisition_field}", "DeleteRequisitionField")
        .allowed_by("delete a requisition field", &["requisition_fields:write:admin"]);
    /// Appends options to a dropdown; repeated, they stand there twice.
    ADD_REQUISITION_FIELD_OPTIONS = post("addRequisitionFieldOptions", "/requisition_fields/{requisition_field}/options", "AddRequisitionFieldOptions")
        .allowed_by("create requisition field options", &["requisition_fields:write:admin"]);
    /// Changes dropdown options.
    UPDATE_REQUISITION_FIELD_OPTIONS = put("updateRequisitionFieldOptions", "/requisition_fields/{requisition_field}/options", "UpdateRequisitionFieldOptions")
        .allowed_by("update requisition field options", &["requisition_fields:write:admin"]);
    /// Removes dropdown options.
    DELETE_REQUISITION_FIELD_OPTIONS = delete("deleteRequisitionFieldOptions", "/requisition_fields/{requisition_field}/options", "DeleteRequisitionFieldOptions")
        .allowed_by("delete requisition field options", &["requisition_fields:write:admin"])
        .body(BodyKind::Json);
}
