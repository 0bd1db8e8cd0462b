//! The registry against the description of the API.

use std::collections::BTreeSet;

use lever::registry::OPERATIONS;
use lever::*;
use serde_yaml_ng::Value;

use crate::support::document;

fn openapi() -> Option<Value> {
    document("openapi.yaml").map(|text| serde_yaml_ng::from_str(&text).unwrap())
}

/// Method, path and description of every operation of version 1.
fn described(api: &Value) -> Vec<(String, String, &Value)> {
    let mut all = Vec::new();
    for (path, item) in api["paths"].as_mapping().unwrap() {
        let path = path.as_str().unwrap();
        for (method, operation) in item.as_mapping().unwrap() {
            if operation.get("operationId").is_some() && !path.starts_with("/v0/") {
                let method = method.as_str().unwrap().to_uppercase();
                all.push((method, path.to_owned(), operation));
            }
        }
    }
    all
}

/// Name and required of each query parameter, whether written in place or referred to.
fn query_parameters(api: &Value, operation: &Value) -> Vec<(String, bool)> {
    let listed = operation
        .get("parameters")
        .and_then(Value::as_sequence)
        .cloned()
        .unwrap_or_default();
    let resolved =
        listed.iter().map(
            |parameter| match parameter.get("$ref").and_then(Value::as_str) {
                Some(reference) => {
                    &api["components"]["parameters"][reference.rsplit('/').next().unwrap()]
                }
                None => parameter,
            },
        );
    resolved
        .filter(|parameter| parameter["in"] == "query")
        .map(|parameter| {
            let required = parameter
                .get("required")
                .and_then(Value::as_bool)
                .unwrap_or(false);
            (parameter["name"].as_str().unwrap().to_owned(), required)
        })
        .collect()
}

fn perform_as(api: &Value, operation: &Value) -> PerformAs {
    match query_parameters(api, operation)
        .iter()
        .find(|(name, _)| name == "perform_as")
    {
        None => PerformAs::No,
        Some((_, false)) => PerformAs::Optional,
        Some((_, true)) => PerformAs::Required,
    }
}

fn body(operation: &Value) -> BodyKind {
    let content = |kind: &str| operation["requestBody"]["content"].get(kind).is_some();
    match (content("application/json"), content("multipart/form-data")) {
        (false, false) => BodyKind::None,
        (true, false) => BodyKind::Json,
        (false, true) => BodyKind::Multipart,
        (true, true) => BodyKind::JsonOrMultipart,
    }
}

/// Follows references, and takes the recorded one of two shapes.
fn resolved<'a>(api: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(shapes) = schema.get("anyOf") {
        return resolved(api, &shapes[0]);
    }
    match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => {
            let name = reference.rsplit('/').next().unwrap();
            resolved(api, &api["components"]["schemas"][name])
        }
        None => schema,
    }
}

fn answer(api: &Value, operation: &Value) -> AnswerKind {
    let (_, success) = operation["responses"]
        .as_mapping()
        .unwrap()
        .iter()
        .find(|(status, _)| status.as_str().unwrap().starts_with('2'))
        .unwrap();
    let Some(content) = success.get("content") else {
        return AnswerKind::Empty;
    };
    let Some(json) = content.get("application/json") else {
        return AnswerKind::Bytes;
    };
    let data = &resolved(api, &json["schema"])["properties"]["data"];
    match resolved(api, data)["type"].as_str() {
        Some("array") => AnswerKind::List,
        _ => AnswerKind::Record,
    }
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_sequence()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect()
}

#[test]
fn no_operation_is_missing_and_none_is_made_up() {
    let Some(api) = openapi() else { return };
    let described = described(&api);
    let theirs: BTreeSet<_> = described
        .iter()
        .map(|(_, _, operation)| operation["operationId"].as_str().unwrap())
        .collect();
    let ours: BTreeSet<_> = OPERATIONS.iter().map(|operation| operation.id).collect();
    assert_eq!(ours, theirs);
    assert_eq!(OPERATIONS.len(), theirs.len());
}

#[test]
fn every_entry_is_as_the_api_is_described() {
    let Some(api) = openapi() else { return };
    let described = described(&api);
    for ours in OPERATIONS {
        let (method, path, theirs) = described
            .iter()
            .find(|(_, _, theirs)| theirs["operationId"] == ours.id)
            .unwrap_or_else(|| panic!("{}", ours.id));
        let id = ours.id;
        let query = query_parameters(&api, theirs);
        let query: Vec<_> = query.iter().map(|(name, _)| name.as_str()).collect();
        let deprecated = theirs.get("deprecated").and_then(Value::as_bool);
        assert_eq!(
            (ours.method.as_str(), ours.path),
            (method.as_str(), path.as_str()),
            "{id}"
        );
        assert_eq!(
            Some(ours.permission),
            theirs["x-permission"].as_str(),
            "{id}"
        );
        assert_eq!(ours.scopes, texts(&theirs["x-scopes"]), "{id}");
        assert_eq!(ours.query, query, "{id}");
        assert_eq!(ours.perform_as, perform_as(&api, theirs), "{id}");
        assert_eq!(ours.body, body(theirs), "{id}");
        assert_eq!(ours.answer, answer(&api, theirs), "{id}");
        assert_eq!(ours.access == Access::Read, method == "GET", "{id}");
        assert_eq!(ours.deprecated, deprecated.unwrap_or(false), "{id}");
    }
}

/// A call that may be sent twice is a read, ends in the state it names, or removes.
#[test]
fn posts_create_unless_they_end_in_the_state_they_name() {
    let harmless: Vec<_> = OPERATIONS
        .iter()
        .filter(|o| o.method == Method::Post && o.repeat == Repeat::Harmless && !o.deprecated)
        .map(|operation| operation.endpoint)
        .collect();
    assert_eq!(
        harmless,
        [
            "AddLinks",
            "RemoveLinks",
            "AddTags",
            "RemoveTags",
            "AddSources",
            "RemoveSources",
            "DeactivateUser",
            "ReactivateUser",
            "UpdatePosting",
        ]
    );
    let others = OPERATIONS
        .iter()
        .filter(|o| o.method != Method::Post && o.repeat == Repeat::Creates && !o.deprecated);
    assert_eq!(
        others.map(|o| o.endpoint).collect::<Vec<_>>(),
        ["UpdatePanel"]
    );
}

#[test]
fn permissions_are_named_as_on_the_key_page() {
    let Some(table) = document("permissions.tsv") else {
        return;
    };
    let rows: BTreeSet<Vec<String>> = table
        .lines()
        .skip(1)
        .map(|line| line.split('\t').take(5).map(str::to_owned).collect())
        .collect();
    let ours: BTreeSet<Vec<String>> = OPERATIONS
        .iter()
        .map(|ours| {
            let scopes = ours.scopes.join(" ");
            [
                ours.permission,
                ours.method.as_str(),
                ours.path,
                ours.id,
                &scopes,
            ]
            .map(str::to_owned)
            .to_vec()
        })
        .collect();
    assert_eq!(ours, rows);
}

/// The name of each type and the operation it calls.
macro_rules! operations_of {
    ($kind:ident: $($endpoint:ty,)+) => {
        [$((stringify!($endpoint), <$endpoint as $kind>::OPERATION.id),)+]
    };
}

#[test]
fn every_operation_has_the_endpoint_it_names() {
    let calls = operations_of! { Endpoint:
        ListOpportunities, CreateOpportunity, GetOpportunity, MoveToStage, SetArchived, AddLinks,
        RemoveLinks, AddTags, RemoveTags, AddSources, RemoveSources, ListApplications,
        GetApplication, ListFeedback, CreateFeedback, GetFeedback, UpdateFeedback, DeleteFeedback,
        ListFiles, UploadOpportunityFile, GetFile, DeleteFile, ListInterviews, CreateInterview,
        GetInterview, UpdateInterview, DeleteInterview, ListNotes, CreateNote, GetNote, UpdateNote,
        DeleteNote, ListOffers, ListPanels, CreatePanel, GetPanel, UpdatePanel, DeletePanel,
        ListForms, CreateForm, GetForm, ListReferrals, GetReferral, ListResumes, GetResume,
        ListDeletedOpportunities, ListFileActions, ListDeletedApplications, ListArchiveReasons,
        GetArchiveReason, GetDispositionStages, ListAuditEvents, GetContact, UpdateContact,
        ListAnonymousEeoResponses, ListEeoResponses, ListFeedbackTemplates, CreateFeedbackTemplate,
        GetFeedbackTemplate, UpdateFeedbackTemplate, DeleteFeedbackTemplate, ListFormTemplates,
        CreateFormTemplate, GetFormTemplate, UpdateFormTemplate, DeleteFormTemplate, ListPostings,
        CreatePosting, ListDeletedPostings, GetPosting, UpdatePosting, GetApplyForm, ApplyToPosting,
        ListPostingUsers, ListRequisitions, CreateRequisition, GetRequisition, UpdateRequisition,
        DeleteRequisition, ListRequisitionFields, CreateRequisitionField, GetRequisitionField,
        UpdateRequisitionField, DeleteRequisitionField, AddRequisitionFieldOptions,
        UpdateRequisitionFieldOptions, DeleteRequisitionFieldOptions, ListSources, ListTags,
        ListStages, GetStage, ListDiversitySurveys, UploadFile, ListUsers, CreateUser, GetUser,
        UpdateUser, DeactivateUser, ReactivateUser, ListWebhooks, CreateWebhook, UpdateWebhooks,
        DeleteWebhook, Legacy<ListOpportunities>, Legacy<CreateOpportunity>, Legacy<GetOpportunity>,
        Legacy<MoveToStage>, Legacy<SetArchived>, Legacy<AddLinks>, Legacy<RemoveLinks>,
        Legacy<AddTags>, Legacy<RemoveTags>, Legacy<AddSources>, Legacy<RemoveSources>,
        Legacy<ListApplications>, Legacy<GetApplication>, Legacy<ListFeedback>,
        Legacy<CreateFeedback>, Legacy<GetFeedback>, Legacy<UpdateFeedback>, Legacy<DeleteFeedback>,
        Legacy<ListFiles>, Legacy<UploadOpportunityFile>, Legacy<GetFile>, Legacy<DeleteFile>,
        Legacy<ListInterviews>, Legacy<CreateInterview>, Legacy<GetInterview>,
        Legacy<UpdateInterview>, Legacy<DeleteInterview>, Legacy<ListNotes>, Legacy<CreateNote>,
        Legacy<GetNote>, Legacy<UpdateNote>, Legacy<DeleteNote>, Legacy<ListOffers>,
        Legacy<ListPanels>, Legacy<CreatePanel>, Legacy<GetPanel>, Legacy<UpdatePanel>,
        Legacy<DeletePanel>, Legacy<ListForms>, Legacy<CreateForm>, Legacy<GetForm>,
        Legacy<ListReferrals>, Legacy<GetReferral>, Legacy<ListResumes>, Legacy<GetResume>,
        AddCandidatePostings,
    };
    let downloads = operations_of! { DownloadEndpoint:
        DownloadFile, DownloadOffer, DownloadResume, Legacy<DownloadFile>, Legacy<DownloadOffer>,
        Legacy<DownloadResume>,
    };
    let ours: BTreeSet<_> = OPERATIONS.iter().map(|o| (o.endpoint, o.id)).collect();
    assert_eq!(ours, calls.into_iter().chain(downloads).collect());
    assert_eq!(ours.len(), OPERATIONS.len());
}

/// The names of the parameters a request carries, without the brackets Lever shows on one of them.
fn sent(request: &Request) -> BTreeSet<String> {
    let url = request
        .url(&"https://lever.test/".parse().unwrap())
        .unwrap();
    url.query_pairs()
        .map(|(name, _)| name.trim_end_matches("[]").to_owned())
        .collect()
}

fn documented(api: &Value, operation: &Operation) -> BTreeSet<String> {
    let described = described(api);
    let (_, _, theirs) = described
        .into_iter()
        .find(|(_, _, theirs)| theirs["operationId"] == operation.id)
        .unwrap();
    query_parameters(api, theirs)
        .into_iter()
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn the_lists_take_every_documented_filter() {
    let Some(api) = openapi() else { return };
    let opportunities = everything_about_opportunities().request();
    assert_eq!(
        sent(&opportunities),
        documented(&api, ListOpportunities::OPERATION)
    );
    let mut postings = documented(&api, ListPostings::OPERATION);
    postings.remove("group");
    assert_eq!(sent(&everything_about_postings().request()), postings);
    let users = ListUsers {
        include_deactivated: true,
        email: vec!["x".into()],
        access_role: vec!["x".into()],
        external_directory_id: Some("x".into()),
        limit: Some(1),
        offset: Some("x".into()),
    };
    assert_eq!(
        sent(&users.request()),
        documented(&api, ListUsers::OPERATION)
    );
}

fn everything_about_opportunities() -> ListOpportunities {
    let at = Some(Timestamp::from_millis(1));
    ListOpportunities {
        include: vec!["followers".into()],
        expand: vec![OpportunityExpand::Contact],
        tag: vec!["x".into()],
        email: Some("x".into()),
        origin: vec!["x".into()],
        source: vec!["x".into()],
        confidentiality: Some(lever::ConfidentialityFilter::All),
        stage_id: vec!["x".into()],
        posting_id: vec!["x".into()],
        archived_posting_id: vec!["x".into()],
        created_at_start: at,
        created_at_end: at,
        updated_at_start: at,
        updated_at_end: at,
        advanced_at_start: at,
        advanced_at_end: at,
        archived_at_start: at,
        archived_at_end: at,
        archived: Some(true),
        archive_reason_id: vec!["x".into()],
        snoozed: Some(true),
        contact_id: vec!["x".into()],
        location: vec!["x".into()],
        limit: Some(1),
        offset: Some("x".into()),
    }
}

fn everything_about_postings() -> ListPostings {
    let at = Some(Timestamp::from_millis(1));
    let some = || vec!["x".to_owned()];
    ListPostings {
        state: vec!["x".into()],
        distribution_channel: vec![lever::DistributionChannel::Public],
        confidentiality: Some(lever::ConfidentialityFilter::All),
        team: some(),
        department: some(),
        location: some(),
        commitment: some(),
        level: some(),
        tag: some(),
        updated_at_start: at,
        updated_at_end: at,
        include: some(),
        expand: some(),
        limit: Some(1),
        offset: Some("x".into()),
    }
}
