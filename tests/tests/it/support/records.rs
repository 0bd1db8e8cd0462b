//! The mirror's records, whatever their kind.

use std::collections::BTreeMap;

use proto::v1 as pb;
use tonic::Status;

use super::world::World;

/// One page of any stream: ids with documents, and the token of the next page.
type Page = (Vec<(String, Vec<u8>)>, String);

macro_rules! streams {
    ($($name:literal: $method:ident, $request:ident, $items:ident;)*) => {
        async fn page(world: &World, stream: &str, page_token: String) -> Result<Page, Status> {
            match stream {
                $($name => {
                    let request = pb::$request {
                        connection_id: world.connection.clone(),
                        page_size: 90,
                        page_token,
                        include_raw_json: true,
                        ..Default::default()
                    };
                    let page = world.api.lever().$method(request).await?.into_inner();
                    let records = page.$items.into_iter();
                    let records = records.map(|record| (record.id, record.raw_json.to_vec()));
                    Ok((records.collect(), page.next_page_token))
                })*
                other => panic!("{other} is no stream"),
            }
        }
    };
}

streams! {
    "users": list_users, ListUsersRequest, users;
    "stages": list_stages, ListStagesRequest, stages;
    "archive_reasons": list_archive_reasons, ListArchiveReasonsRequest, archive_reasons;
    "tags": list_tags, ListTagsRequest, tags;
    "sources": list_sources, ListSourcesRequest, sources;
    "postings": list_postings, ListPostingsRequest, postings;
    "posting_forms": list_posting_forms, ListPostingFormsRequest, posting_forms;
    "requisitions": list_requisitions, ListRequisitionsRequest, requisitions;
    "requisition_fields": list_requisition_fields, ListRequisitionFieldsRequest, requisition_fields;
    "feedback_templates": list_feedback_templates, ListFeedbackTemplatesRequest, feedback_templates;
    "form_templates": list_form_templates, ListFormTemplatesRequest, form_templates;
    "opportunities": list_opportunities, ListOpportunitiesRequest, opportunities;
    "applications": list_applications, ListApplicationsRequest, applications;
    "contacts": list_contacts, ListContactsRequest, contacts;
    "notes": list_notes, ListNotesRequest, notes;
    "offers": list_offers, ListOffersRequest, offers;
    "interviews": list_interviews, ListInterviewsRequest, interviews;
    "panels": list_panels, ListPanelsRequest, panels;
    "feedback": list_feedback, ListFeedbackRequest, feedback;
    "resumes": list_resumes, ListResumesRequest, resumes;
    "files": list_files, ListFilesRequest, files;
    "forms": list_forms, ListFormsRequest, forms;
    "referrals": list_referrals, ListReferralsRequest, referrals;
    "eeo_responses": list_eeo_responses, ListEeoResponsesRequest, eeo_responses;
}

/// A client for talking past the service.
pub(crate) fn http() -> reqwest::Client {
    client(reqwest::redirect::Policy::default())
}

/// The same, going where it is sent only as it is told.
pub(crate) fn client(redirect: reqwest::redirect::Policy) -> reqwest::Client {
    // An error only says that it was chosen before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().redirect(redirect);
    client.build().expect("a client")
}

impl World {
    /// The mirrored documents of a stream by id, over all pages.
    pub(crate) async fn records(&self, stream: &str) -> Result<BTreeMap<String, String>, Status> {
        let mut found = BTreeMap::new();
        let mut token = String::new();
        loop {
            let (records, next) = page(self, stream, token).await?;
            for (id, raw) in records {
                let raw = String::from_utf8(raw).expect("UTF-8");
                let twice = found.insert(id, raw);
                assert_eq!(twice, None, "a record of {stream} is on two pages");
            }
            if next.is_empty() {
                return Ok(found);
            }
            token = next;
        }
    }

    /// What Lever answers to a list of the account, or below one record, by id; deleted records are not in it.
    pub(crate) async fn listed_in_lever(&self, path: &str) -> BTreeMap<String, String> {
        let client = http();
        let mut found = BTreeMap::new();
        let mut offset: Option<String> = None;
        loop {
            let request = client
                .get(format!("{}{path}", self.lever.base_url()))
                .basic_auth(lever_sim::DEFAULT_KEY, Some(""))
                .query(
                    &offset
                        .iter()
                        .map(|token| ("offset", token))
                        .collect::<Vec<_>>(),
                );
            let answer = request.send().await.expect("answered");
            let page: serde_json::Value = answer.json().await.expect("JSON");
            for record in page["data"].as_array().into_iter().flatten() {
                let id = record["id"].as_str().expect("an id").to_owned();
                found.insert(id, record.to_string());
            }
            match page["next"].as_str() {
                Some(next) => offset = Some(next.to_owned()),
                None => return found,
            }
        }
    }

    /// What Lever answers to one list below every opportunity, by id.
    pub(crate) async fn children_in_lever(&self, kind: &str) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for id in self.in_lever().into_keys() {
            let path = format!("/opportunities/{id}/{kind}");
            found.extend(self.listed_in_lever(&path).await);
        }
        found
    }
}
