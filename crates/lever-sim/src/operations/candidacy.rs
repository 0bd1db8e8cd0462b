//! The operations on one opportunity, each with its twin on the deprecated candidate side.
//!
//! A candidate id is the opportunity's id and the answers are the same; only names and permissions differ.

use super::{LIST, NONE, Operation, PERFORM_AS};
use crate::resources::{
    add_postings, applications, feedback, feedback_writes, file_actions, files, forms,
    interview_writes, notes, offers, opportunities, opportunity_writes, panel_writes, panels,
    referrals, resumes,
};

const UPLOADED: &[&str] = &["limit", "offset", "uploaded_at_start", "uploaded_at_end"];
const FILE_ACTIONS: &[&str] = &["limit", "offset", "occurred_at_start", "occurred_at_end"];

/// One operation, or the two sides of one, under `/{opportunity}` and `/{candidate}`.
macro_rules! candidacies {
    (@one $root:literal $method:ident $rest:literal $id:ident $permission:literal $query:expr, $answer:expr) => {
        Operation {
            id: stringify!($id),
            method: stringify!($method),
            path: concat!($root, $rest),
            permission: $permission,
            query: $query,
            answer: $answer,
        }
    };
    (
        { $($only:ident $root:literal $part:literal $one:ident $needs:literal $asks:expr => $tells:expr;)* }
        $($method:ident $rest:literal $id:ident $permission:literal | $twin:ident $twins:literal
            $query:expr => $answer:expr;)*
    ) => {
        pub(super) const OPERATIONS: &[Operation] = &[
            $(candidacies!(@one $root $only $part $one $needs $asks, $tells),)*
            $(candidacies!(@one "/opportunities/{opportunity}" $method $rest $id $permission $query, $answer),
              candidacies!(@one "/candidates/{candidate}" $method $rest $twin $twins $query, $answer),)*
        ];
    };
}

candidacies! {
    // On one side only.
    {
        GET "/opportunities/{opportunity}" "/file_actions" listOpportunityFileActions
            "find all opportunity file actions" FILE_ACTIONS => file_actions::list;
        POST "/candidates/{candidate}" "/addPostings" addCandidatePostings
            "add candidate postings" PERFORM_AS => add_postings::add;
    }

    GET "" getOpportunity "find an opportunity" | getCandidate "find a candidate"
        &["include", "expand"] => opportunities::get;
    PUT "/stage" updateOpportunityStage "update an opportunity's stage"
        | updateCandidateStage "update a candidate stage" PERFORM_AS => opportunity_writes::stage;
    PUT "/archived" updateOpportunityArchived "update opportunity archived state"
        | updateCandidateArchived "update candidate archived state" PERFORM_AS => opportunity_writes::archived;
    POST "/addTags" addOpportunityTags "add opportunity tags"
        | addCandidateTags "add candidate tags" PERFORM_AS => opportunity_writes::add_tags;
    POST "/removeTags" removeOpportunityTags "remove opportunity tags"
        | removeCandidateTags "remove candidate tags" PERFORM_AS => opportunity_writes::remove_tags;
    POST "/addSources" addOpportunitySources "add opportunity sources"
        | addCandidateSources "add candidate sources" PERFORM_AS => opportunity_writes::add_sources;
    POST "/removeSources" removeOpportunitySources "remove opportunity sources"
        | removeCandidateSources "remove candidate sources" PERFORM_AS => opportunity_writes::remove_sources;
    POST "/addLinks" addOpportunityLinks "add opportunity links"
        | addCandidateLinks "add candidate links" PERFORM_AS => opportunity_writes::add_links;
    POST "/removeLinks" removeOpportunityLinks "remove opportunity contact links"
        | removeCandidateLinks "remove candidate links" PERFORM_AS => opportunity_writes::remove_links;

    GET "/applications" listOpportunityApplications "find all opportunity applications"
        | listCandidateApplications "find all candidate applications" LIST => applications::list;
    GET "/applications/{application}" getOpportunityApplication "find an opportunity application"
        | getCandidateApplication "find a candidate application" NONE => applications::get;

    GET "/notes" listOpportunityNotes "find all opportunity notes"
        | listCandidateNotes "find all candidate notes" LIST => notes::list;
    POST "/notes" createOpportunityNote "create an opportunity note"
        | createCandidateNote "create a candidate note" &["perform_as", "note_id"] => notes::create;
    GET "/notes/{note}" getOpportunityNote "find an opportunity note"
        | getCandidateNote "find a candidate note" NONE => notes::get;
    PUT "/notes/{note}" updateOpportunityNote "update an opportunity note"
        | updateCandidateNote "update a candidate note" NONE => notes::update;
    DELETE "/notes/{note}" deleteOpportunityNote "delete an opportunity note"
        | deleteCandidateNote "delete a candidate note" NONE => notes::delete;

    GET "/offers" listOpportunityOffers "find all opportunity offers"
        | listCandidateOffers "find all candidate offers" LIST => offers::list;
    GET "/offers/{offer}/download" downloadOpportunityOffer "download an opportunity offer file"
        | downloadCandidateOffer "download a candidate offer file" &["status"] => offers::download;

    GET "/resumes" listOpportunityResumes "find all opportunity resumes"
        | listCandidateResumes "find all candidate resumes" UPLOADED => resumes::list;
    GET "/resumes/{resume}" getOpportunityResume "find an opportunity resume"
        | getCandidateResume "find a candidate resume" NONE => resumes::get;
    GET "/resumes/{resume}/download" downloadOpportunityResume "download an opportunity resume file"
        | downloadCandidateResume "download a candidate resume" NONE => resumes::download;

    GET "/files" listOpportunityFiles "find all opportunity files"
        | listCandidateFiles "find all candidate files" UPLOADED => files::list;
    POST "/files" uploadOpportunityFile "upload an opportunity file"
        | uploadCandidateFile "upload a candidate file" PERFORM_AS => files::upload;
    GET "/files/{file}" getOpportunityFile "find an opportunity file"
        | getCandidateFile "find a candidate file" NONE => files::get;
    DELETE "/files/{file}" deleteOpportunityFile "delete an opportunity file"
        | deleteCandidateFile "delete a candidate file" PERFORM_AS => files::delete;
    GET "/files/{file}/download" downloadOpportunityFile "download an opportunity file"
        | downloadCandidateFile "download a candidate file" NONE => files::download;

    GET "/panels" listOpportunityPanels "find all opportunity panels"
        | listCandidatePanels "find all candidate panels" LIST => panels::list;
    POST "/panels" createOpportunityPanel "create an opportunity panel"
        | createCandidatePanel "create a candidate panel" PERFORM_AS => panel_writes::create;
    GET "/panels/{panel}" getOpportunityPanel "find an opportunity panel"
        | getCandidatePanel "find a candidate panel" NONE => panels::get;
    PUT "/panels/{panel}" updateOpportunityPanel "update an opportunity panel"
        | updateCandidatePanel "update a candidate panel" PERFORM_AS => panel_writes::update;
    DELETE "/panels/{panel}" deleteOpportunityPanel "delete an opportunity panel"
        | deleteCandidatePanel "delete a candidate panel" PERFORM_AS => panel_writes::delete;

    GET "/interviews" listOpportunityInterviews "find all opportunity interviews"
        | listCandidateInterviews "find all candidate interviews" LIST => panels::interviews;
    POST "/interviews" createOpportunityInterview "create an opportunity interview"
        | createCandidateInterview "create a candidate interview" PERFORM_AS => interview_writes::create;
    GET "/interviews/{interview}" getOpportunityInterview "find an opportunity interview"
        | getCandidateInterview "find a candidate interview" NONE => panels::interview;
    PUT "/interviews/{interview}" updateOpportunityInterview "update an opportunity interview"
        | updateCandidateInterview "update a candidate interview" PERFORM_AS => interview_writes::update;
    DELETE "/interviews/{interview}" deleteOpportunityInterview "delete an opportunity interview"
        | deleteCandidateInterview "delete a candidate interview" PERFORM_AS => interview_writes::delete;

    GET "/feedback" listOpportunityFeedback "find all opportunity feedback"
        | listCandidateFeedback "find all candidate feedback" LIST => feedback::list;
    POST "/feedback" createOpportunityFeedback "create an opportunity feedback form"
        | createCandidateFeedback "create a candidate feedback form" PERFORM_AS => feedback_writes::create;
    GET "/feedback/{feedback}" getOpportunityFeedbackForm "find an opportunity feedback form"
        | getCandidateFeedbackForm "find a candidate feedback form" NONE => feedback::get;
    PUT "/feedback/{feedback}" updateOpportunityFeedback "update an opportunity feedback form"
        | updateCandidateFeedback "update a candidate feedback form" PERFORM_AS => feedback_writes::update;
    DELETE "/feedback/{feedback}" deleteOpportunityFeedback "delete an opportunity feedback form"
        | deleteCandidateFeedback "delete a candidate feedback form" PERFORM_AS => feedback_writes::delete;

    GET "/forms" listOpportunityForms "find all opportunity forms"
        | listCandidateForms "find all candidate forms" LIST => forms::list;
    POST "/forms" createOpportunityForm "create an opportunity form"
        | createCandidateForm "create a candidate form" PERFORM_AS => forms::create;
    GET "/forms/{form}" getOpportunityForm "find an opportunity form"
        | getCandidateForm "find a candidate form" NONE => forms::get;

    GET "/referrals" listOpportunityReferrals "find all opportunity referrals"
        | listCandidateReferrals "find all candidate referrals" LIST => referrals::list;
    GET "/referrals/{referral}" getOpportunityReferral "find an opportunity referral"
        | getCandidateReferral "find a candidate referral" NONE => referrals::get;
}
