//! The page of all Lever operations, generated from the registry and compared with code, protos and tests.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use lever::registry::{BodyKind, OPERATIONS, Operation};
use prost::Message as _;

/// Writes the page instead of comparing it.
const REGENERATE: &str = "FULCRUM_WRITE_DOCS";

const HEAD: &str = "# Lever's operations

Every operation of version 1 of Lever's API, with what Fulcrum makes of it.
This page is generated: `FULCRUM_WRITE_DOCS=1 cargo test --package scenarios --test it coverage` writes it anew, and a test compares it with the code.

- *endpoint* is the value in `crates/lever` that makes the call; `Legacy` stands for the same call on the candidate side.
- *stream* is where the mirror keeps what the operation lists; *rpc* how a caller reaches it.
  All but those that carry files are also reached through `LeverService.Call`.
- *test* is the file that proves the request and its answer; `crates/lever/tests/it/registry.rs` compares every row with Lever's description, and `crates/lever-sim/tests/it/openapi.rs` calls each one over HTTP.

| permission | call | operation | endpoint | stream | rpc | test |
|---|---|---|---|---|---|---|
";

/// Operations with an rpc of their own.
const TYPED: &[(&str, &str, &str)] = &[
    ("listUsers", "LeverService", "ListUsers"),
    ("getUser", "LeverService", "GetUser"),
    ("listStages", "LeverService", "ListStages"),
    ("getStage", "LeverService", "GetStage"),
    ("listArchiveReasons", "LeverService", "ListArchiveReasons"),
    ("getArchiveReason", "LeverService", "GetArchiveReason"),
    ("listTags", "LeverService", "ListTags"),
    ("listSources", "LeverService", "ListSources"),
    ("listPostings", "LeverService", "ListPostings"),
    ("getPosting", "LeverService", "GetPosting"),
    ("getPostingApplyForm", "LeverService", "GetPostingForm"),
    ("listRequisitions", "LeverService", "ListRequisitions"),
    ("getRequisition", "LeverService", "GetRequisition"),
    (
        "listRequisitionFields",
        "LeverService",
        "ListRequisitionFields",
    ),
    ("getRequisitionField", "LeverService", "GetRequisitionField"),
    (
        "listFeedbackTemplates",
        "LeverService",
        "ListFeedbackTemplates",
    ),
    ("getFeedbackTemplate", "LeverService", "GetFeedbackTemplate"),
    ("listFormTemplates", "LeverService", "ListFormTemplates"),
    ("getFormTemplate", "LeverService", "GetFormTemplate"),
    ("listOpportunities", "LeverService", "ListOpportunities"),
    ("getOpportunity", "LeverService", "GetOpportunity"),
    ("getContact", "LeverService", "GetContact"),
    (
        "listOpportunityApplications",
        "LeverService",
        "ListApplications",
    ),
    (
        "getOpportunityApplication",
        "LeverService",
        "GetApplication",
    ),
    ("listOpportunityNotes", "LeverService", "ListNotes"),
    ("getOpportunityNote", "LeverService", "GetNote"),
    ("listOpportunityOffers", "LeverService", "ListOffers"),
    (
        "listOpportunityInterviews",
        "LeverService",
        "ListInterviews",
    ),
    ("getOpportunityInterview", "LeverService", "GetInterview"),
    ("listOpportunityPanels", "LeverService", "ListPanels"),
    ("getOpportunityPanel", "LeverService", "GetPanel"),
    ("listOpportunityFeedback", "LeverService", "ListFeedback"),
    ("getOpportunityFeedbackForm", "LeverService", "GetFeedback"),
    ("listOpportunityResumes", "LeverService", "ListResumes"),
    ("getOpportunityResume", "LeverService", "GetResume"),
    ("listOpportunityFiles", "LeverService", "ListFiles"),
    ("getOpportunityFile", "LeverService", "GetFile"),
    ("listOpportunityForms", "LeverService", "ListForms"),
    ("getOpportunityForm", "LeverService", "GetForm"),
    ("listOpportunityReferrals", "LeverService", "ListReferrals"),
    ("getOpportunityReferral", "LeverService", "GetReferral"),
    ("listEeoResponsesPii", "LeverService", "ListEeoResponses"),
    (
        "downloadOpportunityResume",
        "CandidateService",
        "DownloadFile",
    ),
    (
        "downloadOpportunityFile",
        "CandidateService",
        "DownloadFile",
    ),
    (
        "downloadOpportunityOffer",
        "CandidateService",
        "DownloadFile",
    ),
    // A candidate's id is that of its opportunity (behaviour: "Opportunities, contacts, candidates").
    (
        "downloadCandidateResume",
        "CandidateService",
        "DownloadFile",
    ),
    ("downloadCandidateFile", "CandidateService", "DownloadFile"),
    ("downloadCandidateOffer", "CandidateService", "DownloadFile"),
    ("uploadOpportunityFile", "CandidateService", "UploadFile"),
    ("uploadCandidateFile", "CandidateService", "UploadFile"),
    ("uploadFile", "CandidateService", "UploadFile"),
    ("createOpportunityNote", "CandidateService", "CreateNote"),
    ("addOpportunityLinks", "CandidateService", "AddLinks"),
    ("removeOpportunityLinks", "CandidateService", "RemoveLinks"),
    ("addOpportunityTags", "CandidateService", "AddTags"),
    ("removeOpportunityTags", "CandidateService", "RemoveTags"),
    ("addOpportunitySources", "CandidateService", "AddSources"),
    (
        "removeOpportunitySources",
        "CandidateService",
        "RemoveSources",
    ),
    ("updateOpportunityStage", "CandidateService", "ChangeStage"),
    ("updateOpportunityArchived", "CandidateService", "Archive"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The stream that keeps what an operation reads.
fn stream(operation: &Operation) -> Option<&'static str> {
    let kept = match operation.id {
        "getPostingApplyForm" => "posting_forms",
        "listEeoResponsesPii" => "eeo_responses",
        "listDeletedOpportunities" => "opportunities",
        "listDeletedApplications" => "applications",
        "listDeletedPostings" => "postings",
        id => {
            let name = id.strip_prefix("list")?;
            let name = name.strip_prefix("Opportunity").unwrap_or(name);
            return domain::Stream::ALL
                .iter()
                .map(|stream| stream.name())
                .find(|stream| stream.replace('_', "").eq_ignore_ascii_case(name));
        }
    };
    Some(kept)
}

fn rpc(operation: &Operation) -> String {
    let typed = TYPED.iter().find(|(id, _, _)| *id == operation.id);
    match typed {
        Some((_, service, rpc)) => format!("`{service}.{rpc}`"),
        None if carries_files(operation) => panic!("no rpc carries the files of {}", operation.id),
        None => "`LeverService.Call`".to_owned(),
    }
}

fn carries_files(operation: &Operation) -> bool {
    operation.body == BodyKind::Multipart || operation.answer == lever::registry::AnswerKind::Bytes
}

/// The file among the endpoints whose tests name the endpoint, or else the one that has it.
fn test(endpoint: &str, files: &[(String, String)]) -> String {
    let name = endpoint.trim_start_matches("Legacy<").trim_end_matches('>');
    let names_it = |text: &str| {
        text.split(|c: char| !c.is_alphanumeric())
            .any(|word| word == name)
    };
    let tests = |text: &str| {
        text.split_once("mod tests")
            .is_some_and(|(_, tests)| names_it(tests))
    };
    let found = if endpoint.starts_with("Legacy<") {
        files.iter().find(|(file, _)| file == "legacy.rs")
    } else {
        let tested = files.iter().find(|(_, text)| tests(text));
        tested.or_else(|| files.iter().find(|(_, text)| names_it(text)))
    };
    let (file, _) = found.unwrap_or_else(|| panic!("no test names {endpoint}"));
    format!("`endpoint/{file}`")
}

fn endpoint_files() -> Vec<(String, String)> {
    let folder = root().join("crates/lever/src/endpoint");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the endpoints")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let text = fs::read_to_string(&path).expect("UTF-8");
            let name = path.file_name().expect("a name").to_string_lossy();
            (name.into_owned(), text)
        })
        .collect();
    files.sort();
    files
}

fn page() -> String {
    let files = endpoint_files();
    let mut page = HEAD.to_owned();
    for operation in OPERATIONS {
        let Operation {
            permission,
            method,
            path,
            id,
            endpoint,
            ..
        } = operation;
        let stream = stream(operation).map_or(String::new(), |stream| format!("`{stream}`"));
        let (rpc, test) = (rpc(operation), test(endpoint, &files));
        let row = format!(
            "| {permission} | {method} `{path}` | `{id}` | `{endpoint}` | {stream} | {rpc} | {test} |"
        );
        writeln!(page, "{row}").expect("text grows");
    }
    page
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "whoever changes the registry writes the page"
)]
fn the_page_of_levers_operations_is_true() {
    let path = root().join("docs/lever-coverage.md");
    let page = page();
    if std::env::var_os(REGENERATE).is_some() {
        fs::write(&path, &page).expect("written");
    }
    let kept = fs::read_to_string(&path).expect("the page");
    let differs = kept
        .lines()
        .zip(page.lines())
        .find(|(kept, page)| kept != page);
    assert!(
        kept == page,
        "docs/lever-coverage.md is not what the code says, at {differs:?}: write it with \
         {REGENERATE}=1 cargo test --package scenarios --test it coverage"
    );
}

#[test]
fn every_rpc_that_the_page_names_exists() {
    let set = prost_types::FileDescriptorSet::decode(proto::DESCRIPTORS).expect("descriptors");
    let rpcs: BTreeSet<(String, String)> = set
        .file
        .iter()
        .flat_map(|file| &file.service)
        .flat_map(|service| {
            let rpcs = service.method.iter();
            rpcs.map(|rpc| (service.name().to_owned(), rpc.name().to_owned()))
        })
        .collect();
    for (operation, service, rpc) in TYPED {
        assert!(lever::registry::find(operation).is_some(), "{operation}");
        let named = ((*service).to_owned(), (*rpc).to_owned());
        assert!(rpcs.contains(&named), "{service}.{rpc}");
    }
    // Each typed read of Lever's records stands for an operation.
    let typed: BTreeSet<&str> = TYPED.iter().map(|(_, _, rpc)| *rpc).collect();
    let reads = rpcs.iter().filter(|(service, _)| service == "LeverService");
    for (_, rpc) in reads {
        let known = [
            "Call",
            "ListContacts",
            "ListPostingForms",
            "GetEeoResponse",
            "GetOffer",
        ];
        assert!(
            typed.contains(rpc.as_str()) || known.contains(&rpc.as_str()),
            "{rpc}"
        );
    }
}
