//! What is around every page: name, ways to the other pages, who is signed in.

use maud::{DOCTYPE, Markup, html};

use super::ROOT;
use super::assets::{ICON, SCRIPT, STYLE};
use super::form::CSRF;

/// A page of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Overview,
    Applicants,
    Duplicates,
    Find,
    Issues,
    Permissions,
    Stages,
    Fields,
    Sync,
    Operations,
    Calls,
    Users,
    Inbound,
    Export,
    Privacy,
    Settings,
}

impl Tab {
    /// Every tab, in the order in which they are shown.
    pub(super) const ALL: [Tab; 16] = [
        Tab::Overview,
        Tab::Applicants,
        Tab::Duplicates,
        Tab::Find,
        Tab::Issues,
        Tab::Permissions,
        Tab::Stages,
        Tab::Fields,
        Tab::Sync,
        Tab::Operations,
        Tab::Calls,
        Tab::Users,
        Tab::Inbound,
        Tab::Export,
        Tab::Privacy,
        Tab::Settings,
    ];

    /// What it is called.
    pub(super) fn label(self) -> &'static str {
        match self {
            Tab::Overview => "Overview",
            Tab::Applicants => "Applicants",
            Tab::Duplicates => "Duplicates",
            Tab::Find => "Find a person",
            Tab::Issues => "Issues",
            Tab::Permissions => "Permissions",
            Tab::Stages => "Stages",
            Tab::Fields => "Fields",
            Tab::Sync => "Sync",
            Tab::Operations => "Operations",
            Tab::Calls => "API calls",
            Tab::Users => "Users",
            Tab::Inbound => "Inbound settings",
            Tab::Export => "Export settings",
            Tab::Privacy => "Privacy",
            Tab::Settings => "Settings",
        }
    }

    /// The end of its path.
    fn slug(self) -> &'static str {
        match self {
            Tab::Overview => "",
            Tab::Applicants => "/applicants",
            Tab::Duplicates => "/duplicates",
            Tab::Find => "/find",
            Tab::Issues => "/issues",
            Tab::Permissions => "/permissions",
            Tab::Stages => "/stages",
            Tab::Fields => "/fields",
            Tab::Sync => "/sync",
            Tab::Operations => "/operations",
            Tab::Calls => "/calls",
            Tab::Users => "/users",
            Tab::Inbound => "/inbound",
            Tab::Export => "/export",
            Tab::Privacy => "/privacy",
            Tab::Settings => "/settings",
        }
    }

    /// The tab of a path, given by its end after the connection.
    pub(super) fn of(end: &str) -> Tab {
        let own = |tab: &Tab| {
            let rest = end.strip_prefix(tab.slug());
            *tab != Tab::Overview
                && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        Tab::ALL.into_iter().find(own).unwrap_or(Tab::Overview)
    }

    /// The rpc that shows it: without it the tab is not offered.
    pub(super) fn rpc(self) -> &'static str {
        match self {
            Tab::Overview => "/fulcrum.v1.SyncService/GetSyncStatus",
            Tab::Applicants => "/fulcrum.v1.InboundService/ListApplicants",
            Tab::Duplicates => "/fulcrum.v1.CandidateService/ListDuplicates",
            Tab::Find => "/fulcrum.v1.CandidateService/ExplainCandidate",
            Tab::Issues => "/fulcrum.v1.ConnectionService/ListIssues",
            Tab::Permissions => "/fulcrum.v1.ConnectionService/CheckPermissions",
            Tab::Stages => "/fulcrum.v1.StageMappingService/GetStageMapping",
            Tab::Fields => "/fulcrum.v1.FieldMappingService/GetFieldMapping",
            Tab::Sync => "/fulcrum.v1.SyncService/ListRuns",
            Tab::Operations => "/fulcrum.v1.OperationService/ListOperations",
            Tab::Calls => "/fulcrum.v1.SyncService/ListApiCalls",
            Tab::Users => "/fulcrum.v1.ConnectionService/ListUserLinks",
            Tab::Inbound => "/fulcrum.v1.StageMappingService/UpdateStageMapping",
            Tab::Export => "/fulcrum.v1.CandidateService/GetExportSettings",
            Tab::Privacy => "/fulcrum.v1.TokenService/ListTokens",
            Tab::Settings => "/fulcrum.v1.ConnectionService/UpdateConnection",
        }
    }

    /// Where it is, for a connection.
    pub(super) fn path(self, connection: &str) -> String {
        format!("{ROOT}/connections/{connection}{}", self.slug())
    }
}

/// Where a page stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'a> {
    /// Beside the connections.
    Top,
    /// At a connection.
    Connection {
        id: &'a str,
        name: &'a str,
        tab: Tab,
        /// The tabs its reader may open.
        tabs: &'a [Tab],
    },
}

/// What the frame shows.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) title: &'a str,
    pub(super) place: Place<'a>,
    /// The name of the token.
    pub(super) name: &'a str,
    pub(super) role: &'a str,
    /// Whether there is anything to sign out of.
    pub(super) signed_in: bool,
    pub(super) csrf: &'a str,
    /// What was just done.
    pub(super) said: Option<String>,
}

/// A page in its frame.
pub(super) fn frame(view: &Frame<'_>, content: Markup) -> Markup {
    document(
        view.title,
        html! {
            a.skip href="#main" { "Skip to the page" }
            header.bar {
                a.brand href=(ROOT) { "Fulcrum" }
                div.who {
                    span { (view.name) " " span.faint { "(" (view.role) ")" } }
                    @if view.signed_in {
                        form method="post" action=(format!("{ROOT}/sign-out")) {
                            (csrf(view.csrf))
                            button.quiet type="submit" { "Sign out" }
                        }
                    }
                }
            }
            div.body {
                @if let Place::Connection { id, name, tab, tabs } = view.place {
                    nav.tabs aria-label="Connection" {
                        p.name { a href=(ROOT) { "All connections" } strong { (name) } }
                        ul {
                            @for one in tabs {
                                li {
                                    a href=(one.path(id)) aria-current=[(*one == tab).then_some("page")] { (one.label()) }
                                }
                            }
                        }
                    }
                }
                main id="main" {
                    @if let Some(said) = &view.said { div.notice.good role="status" data-just-done { p { (said) } } }
                    (content)
                }
            }
        },
    )
}

/// A page without ways to others.
pub(super) fn bare(title: &str, content: Markup) -> Markup {
    document(
        title,
        html! {
            header.bar { a.brand href=(ROOT) { "Fulcrum" } }
            div.body { main.narrow id="main" { (content) } }
        },
    )
}

/// A page for whoever follows a link, without ways into the console.
pub(super) fn guest(title: &str, content: Markup) -> Markup {
    document(
        title,
        html! {
            header.bar { span.brand { "Fulcrum" } }
            div.body { main.guest id="main" { (content) } }
        },
    )
}

fn document(title: &str, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Fulcrum" }
                link rel="stylesheet" href=(STYLE.path());
                link rel="icon" type="image/svg+xml" href=(ICON.path());
                script src=(SCRIPT.path()) defer {}
            }
            body { (body) }
        }
    }
}

/// The field that proves where a form comes from.
pub(super) fn csrf(value: &str) -> Markup {
    html! { input type="hidden" name=(CSRF) value=(value); }
}

/// A button that is a form of its own.
pub(super) fn action(csrf_value: &str, path: &str, label: &str, fields: &[(&str, &str)]) -> Markup {
    action_on(csrf_value, path, (label, ""), fields)
}

/// The same where several of one label stand on a page: what comes behind it is for those who do not see where it stands.
pub(super) fn action_on(
    csrf_value: &str,
    path: &str,
    (label, on): (&str, &str),
    fields: &[(&str, &str)],
) -> Markup {
    html! {
        form.inline method="post" action=(path) {
            (csrf(csrf_value))
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button type="submit" { (label) @if !on.is_empty() { span.unseen { (on) } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tab_is_there_once_and_its_rpc_exists() {
        let mut paths: Vec<_> = Tab::ALL.iter().map(|tab| tab.path("c")).collect();
        paths.sort();
        paths.dedup();
        assert_eq!(paths.len(), Tab::ALL.len());
        for tab in Tab::ALL {
            let known = crate::auth::ACCESS.iter().any(|(rpc, _)| *rpc == tab.rpc());
            assert!(known, "{}", tab.rpc());
        }
    }

    #[test]
    fn names_of_others_are_text_in_the_frame() {
        let view = Frame {
            title: "<i>",
            place: Place::Connection {
                id: "c",
                name: "<script>",
                tab: Tab::Sync,
                tabs: &Tab::ALL,
            },
            name: "\"x\"",
            role: "admin",
            signed_in: true,
            csrf: "abc",
            said: Some("done & over".to_owned()),
        };
        let page = frame(&view, html! {}).into_string();
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script>"));
        assert!(page.contains("done &amp; over"));
        assert!(page.contains("aria-current=\"page\">Sync<"));
    }
}
