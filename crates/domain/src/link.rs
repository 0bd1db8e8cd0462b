//! What a link of a person leads to (product.md 5.2).
//!
//! Lever keeps links as free texts, as somebody typed or pasted them. A kind is concluded from host and path alone,
//! so that a host that only looks like another is never taken for it. The text as Lever has it stays beside the
//! canonical form, since Lever removes a link by its exact text.

use url::Url;

/// What a link leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkKind {
    /// A person's public profile on LinkedIn.
    LinkedIn,
    /// A page of LinkedIn's recruiting products, which only its subscribers can open.
    LinkedInRecruiter,
    /// A person's page on GitHub.
    GitHub,
    /// Something that a GitHub user owns: a repository, a gist, a page. Its owner need not be the person.
    GitHubOwned,
    /// A person's page on X, formerly Twitter.
    Twitter,
    /// A page of the sourcing product.
    Platform,
    /// A profile on some other network.
    SocialMedia,
    /// Where people show their work.
    Portfolio,
    /// Anything else on the web.
    Personal,
    /// A job site, a page that is not about one person, or no address of the web at all.
    Other,
}

/// A link and what it leads to.
#[derive(Clone, PartialEq, Eq)]
pub struct Link {
    /// As Lever has it.
    pub raw: String,
    /// What it leads to.
    pub kind: LinkKind,
    /// The one spelling of all links to the same place; none for a text that is no address of the web.
    pub canonical: Option<String>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Host names without `www.`, `m.` or `mobile.`, and the kind of what is there.
const NETWORKS: [(&str, LinkKind); 12] = [
    ("angel.co", LinkKind::SocialMedia),
    ("behance.net", LinkKind::Portfolio),
    ("bitbucket.org", LinkKind::Portfolio),
    ("dribbble.com", LinkKind::Portfolio),
    ("facebook.com", LinkKind::SocialMedia),
    ("gitlab.com", LinkKind::Portfolio),
    ("kaggle.com", LinkKind::Portfolio),
    ("medium.com", LinkKind::SocialMedia),
    ("scholar.google.com", LinkKind::Portfolio),
    ("stackoverflow.com", LinkKind::SocialMedia),
    ("wellfound.com", LinkKind::SocialMedia),
    ("instagram.com", LinkKind::SocialMedia),
];

/// First segments on GitHub that are no login.
const GITHUB_PAGES: [&str; 13] = [
    "about",
    "explore",
    "features",
    "issues",
    "login",
    "marketplace",
    "orgs",
    "pulls",
    "search",
    "settings",
    "sponsors",
    "topics",
    "trending",
];

/// First segments on X that are no handle.
const TWITTER_PAGES: [&str; 9] = [
    "explore", "hashtag", "home", "i", "intent", "login", "search", "settings", "share",
];

impl Link {
    /// Tells what a link leads to; none for a blank text.
    ///
    /// `platform_hosts` are the hosts of the sourcing product, without scheme.
    pub fn classify(raw: &str, platform_hosts: &[String]) -> Option<Link> {
        if raw.trim().is_empty() {
            return None;
        }
        let (kind, canonical) = match address(raw.trim()) {
            Some(url) => kind_and_canonical(&url, platform_hosts),
            None => (LinkKind::Other, None),
        };
        Some(Link {
            raw: raw.to_owned(),
            kind,
            canonical,
        })
    }
}

/// Whether a text names another scheme than `http` or `https`: what a click would do with it is anybody's guess.
///
/// A text without a scheme counts as an address of the web, as Lever shows it; `host.example:8080` has none.
pub fn names_another_scheme(text: &str) -> bool {
    // Browsers pass over these before they look for a scheme.
    let skipped = |c: &char| !c.is_control() && !c.is_whitespace();
    let bare: String = text.chars().filter(skipped).collect();
    let Some((scheme, rest)) = bare.split_once(':') else {
        return false;
    };
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(letters)
        && (!scheme.contains('.') || rest.starts_with("//"));
    is_scheme && !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https")
}

/// The address of the web that a text is, with or without its scheme.
///
/// One with user information is refused: `https://linkedin.com@other.example` leads to the latter.
fn address(text: &str) -> Option<Url> {
    let absolute = match text.contains("://") {
        true => text.to_owned(),
        false => format!("https://{}", text.trim_start_matches('/')),
    };
    let url = Url::parse(&absolute).ok()?;
    let bare = url.username().is_empty() && url.password().is_none();
    let web = matches!(url.scheme(), "http" | "https");
    (bare && web && is_of_labels(url.domain()?)).then_some(url)
}

/// Whether a host is two names or more, none of them empty; a dot may end it.
fn is_of_labels(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.contains('.') && host.split('.').all(|label| !label.is_empty())
}

fn kind_and_canonical(url: &Url, platform_hosts: &[String]) -> (LinkKind, Option<String>) {
    let host = host(url);
    let path: Vec<&str> = segments(url);
    let found = match host.as_str() {
        _ if is_of_platform(&host, platform_hosts) => Some((LinkKind::Platform, None)),
        "github.com" => github(&path),
        "gist.github.com" => owned_by(path.first().copied()),
        "twitter.com" | "x.com" => twitter(&path),
        _ => match (host.strip_suffix(".github.io"), linkedin_host(&host)) {
            (Some(login), _) => owned_by(Some(login)),
            (None, true) => Some(linkedin(&path)),
            (None, false) => elsewhere(&host, &path),
        },
    };
    let (kind, canonical) = found.unwrap_or((LinkKind::Other, None));
    (kind, canonical.or_else(|| Some(cleaned(url, &host))))
}

/// In lower case, without the subdomains that show the same pages.
fn host(url: &Url) -> String {
    let mut host = url.domain().unwrap_or_default().trim_end_matches('.');
    let same = ["www.", "m.", "mobile."];
    while let Some(bare) = same.iter().find_map(|prefix| host.strip_prefix(prefix))
        && bare.contains('.')
    {
        host = bare;
    }
    host.to_owned()
}

fn segments(url: &Url) -> Vec<&str> {
    let segments = url.path_segments().into_iter().flatten();
    segments.filter(|segment| !segment.is_empty()).collect()
}

/// Whether what is at a host has a kind of its own, so that it cannot be one of the sourcing product.
pub(crate) fn is_of_a_network(host: &str) -> bool {
    let Some(url) = address(host) else {
        return false;
    };
    let host = self::host(&url);
    let own = ["github.com", "gist.github.com", "twitter.com", "x.com"];
    let network = |site: &str| host == site || host.ends_with(&format!(".{site}"));
    own.contains(&host.as_str())
        || host.ends_with(".github.io")
        || linkedin_host(&host)
        || NETWORKS.iter().any(|(site, _)| network(site))
}

fn is_of_platform(host: &str, platform_hosts: &[String]) -> bool {
    let bare = |known: &String| {
        let known = known.trim().to_lowercase();
        known
            .strip_prefix("www.")
            .map_or(known.clone(), str::to_owned)
    };
    platform_hosts.iter().any(|known| bare(known) == host)
}

/// LinkedIn itself, also by country: `uk.linkedin.com`.
fn linkedin_host(host: &str) -> bool {
    match host.strip_suffix("linkedin.com") {
        Some("") => true,
        Some(country) => {
            country.len() == 3
                && country.ends_with('.')
                && country[..2]
                    .bytes()
                    .all(|letter| letter.is_ascii_lowercase())
        }
        None => false,
    }
}

fn linkedin(path: &[&str]) -> (LinkKind, Option<String>) {
    let profile = |slug: &str| {
        let slug = decoded(slug)?.to_lowercase();
        // Only what reads the same when it is read again can be compared.
        let odd = |c: char| c.is_whitespace() || c.is_control() || "/\\?#%".contains(c);
        let whole = !slug.chars().any(odd) && !slug.chars().all(|c| c == '.');
        whole.then(|| format!("https://www.linkedin.com/in/{slug}"))
    };
    // LinkedIn takes its own words in any case.
    let words: Vec<String> = path.iter().map(|word| word.to_ascii_lowercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let person = match words[..] {
        ["in", _, ..] => profile(path[1]),
        ["mwlite", "in", _, ..] => profile(path[2]),
        ["pub", _name, ..] => {
            let rest = path[1..].join("/");
            Some(format!("https://www.linkedin.com/pub/{rest}"))
        }
        ["recruiter" | "talent" | "sales", ..] => return (LinkKind::LinkedInRecruiter, None),
        _ => None,
    };
    match person {
        Some(canonical) => (LinkKind::LinkedIn, Some(canonical)),
        None => (LinkKind::Other, None),
    }
}

fn decoded(segment: &str) -> Option<String> {
    let bytes = percent_encoding::percent_decode_str(segment);
    bytes.decode_utf8().ok().map(|text| text.into_owned())
}

fn github(path: &[&str]) -> Option<(LinkKind, Option<String>)> {
    let login = path.first().filter(|first| is_login(first))?;
    match path.len() {
        1 => Some((LinkKind::GitHub, Some(github_page(login)))),
        _ => owned_by(Some(login)),
    }
}

/// The owner of something on GitHub is a hint at best.
fn owned_by(login: Option<&str>) -> Option<(LinkKind, Option<String>)> {
    let login = login.filter(|login| is_login(login))?;
    Some((LinkKind::GitHubOwned, Some(github_page(login))))
}

fn github_page(login: &str) -> String {
    format!("https://github.com/{}", login.to_ascii_lowercase())
}

/// A login of GitHub: at most 39 letters, digits and single hyphens, with none at either end.
fn is_login(text: &str) -> bool {
    let letters = text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
    let hyphens = text.starts_with('-') || text.ends_with('-') || text.contains("--");
    let page = GITHUB_PAGES.contains(&text.to_ascii_lowercase().as_str());
    (1..=39).contains(&text.len()) && letters && !hyphens && !page
}

fn twitter(path: &[&str]) -> Option<(LinkKind, Option<String>)> {
    let first = path.first()?;
    let handle = first
        .strip_prefix('@')
        .unwrap_or(first)
        .to_ascii_lowercase();
    let letters = handle
        .bytes()
        .all(|c| c.is_ascii_alphanumeric() || c == b'_');
    let fits = (1..=15).contains(&handle.len()) && letters;
    let person = fits && !TWITTER_PAGES.contains(&handle.as_str());
    person.then(|| (LinkKind::Twitter, Some(format!("https://x.com/{handle}"))))
}

fn elsewhere(host: &str, path: &[&str]) -> Option<(LinkKind, Option<String>)> {
    let is = |site: &str| host == site || host.ends_with(&format!(".{site}"));
    let network = NETWORKS.iter().find(|(site, _)| is(site));
    let kind = match (network, path) {
        (Some(("stackoverflow.com", kind)), ["users", _, ..]) => *kind,
        (Some(("medium.com", kind)), [name, ..]) if name.starts_with('@') => *kind,
        (Some(("stackoverflow.com" | "medium.com", _)), _) => LinkKind::Other,
        (Some((_site, kind)), _) => *kind,
        (None, _) if is_job_site(host) => LinkKind::Other,
        (None, _) => LinkKind::Personal,
    };
    Some((kind, None))
}

/// Job sites have a domain in many countries: `indeed.co.uk`.
fn is_job_site(host: &str) -> bool {
    let names = ["glassdoor", "indeed", "monster"];
    let mut labels = host.rsplit('.').skip(1);
    labels.any(|label| names.contains(&label))
}

/// The address without what only tells where somebody came from.
fn cleaned(url: &Url, host: &str) -> String {
    let tracking = |name: &str| {
        name.starts_with("utm_") || ["trk", "originalSubdomain", "ref"].contains(&name)
    };
    let kept: Vec<_> = url
        .query_pairs()
        .filter(|(name, _)| !tracking(name))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let path = url.path().trim_end_matches('/');
    let mut canonical = format!("https://{host}{path}");
    if !kept.is_empty() {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(kept);
        canonical.push('?');
        canonical.push_str(&query.finish());
    }
    canonical
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn leads_to(raw: &str, kind: LinkKind, canonical: Option<&str>) {
        let hosts = ["app.product.example".to_owned()];
        let link = Link::classify(raw, &hosts).unwrap();
        assert_eq!(
            (link.kind, link.canonical.as_deref()),
            (kind, canonical),
            "{raw}"
        );
        assert_eq!(link.raw, raw);
    }

    #[test]
    fn only_the_schemes_of_the_web_are_taken_for_links() {
        for web in [
            "https://example.com/a:b",
            "HTTP://example.com",
            "example.com/in/ada",
            "example.com:8080/a",
            "//example.com",
            "/a:b",
            "Ada's page",
        ] {
            assert!(!names_another_scheme(web), "{web}");
        }
        for other in [
            "javascript:alert(1)",
            " java\tscript:alert(1)",
            "mailto:ada@example.com",
            "data:text/html,x",
            "tel:030",
            "ftp://example.com",
            "a.b://c",
        ] {
            assert!(names_another_scheme(other), "{other}");
        }
    }

    #[test]
    fn linkedin_profiles_have_one_spelling() {
        let ada = Some("https://www.linkedin.com/in/ada-lovelace");
        for raw in [
            "https://www.linkedin.com/in/ada-lovelace",
            "http://linkedin.com/in/Ada-Lovelace/",
            "linkedin.com/in/ada-lovelace?trk=profile&utm_source=x#top",
            "  uk.linkedin.com/in/ADA-lovelace/en ",
            "//m.linkedin.com/mwlite/in/ada-lovelace",
            "https://mobile.linkedin.com:443/in/ada%2Dlovelace",
            "https://www.linkedin.com/IN/ada-lovelace",
            "LINKEDIN.COM/Mwlite/In/Ada-Lovelace",
        ] {
            leads_to(raw, LinkKind::LinkedIn, ada);
        }
        leads_to(
            "https://de.linkedin.com/in/jos%C3%A9",
            LinkKind::LinkedIn,
            Some("https://www.linkedin.com/in/josé"),
        );
        leads_to(
            "https://www.linkedin.com/PUB/Ada-Lovelace/1/2a/3",
            LinkKind::LinkedIn,
            Some("https://www.linkedin.com/pub/Ada-Lovelace/1/2a/3"),
        );
        leads_to(
            "https://www.linkedin.com/pub/Ada-Lovelace/1/2a/3",
            LinkKind::LinkedIn,
            Some("https://www.linkedin.com/pub/Ada-Lovelace/1/2a/3"),
        );
    }

    #[test]
    fn other_pages_of_linkedin_are_nobodys_profile() {
        for path in [
            "company/x",
            "school/x",
            "jobs/view/1",
            "posts/x",
            "feed",
            "",
            "in",
            "in/a%2Fb",
        ] {
            let link = Link::classify(&format!("https://www.linkedin.com/{path}"), &[]).unwrap();
            assert_eq!(link.kind, LinkKind::Other, "{path}");
        }
        for path in ["recruiter/profile/1", "talent/profile/x", "sales/people/x"] {
            let link = Link::classify(&format!("https://www.linkedin.com/{path}"), &[]).unwrap();
            assert_eq!(link.kind, LinkKind::LinkedInRecruiter, "{path}");
        }
    }

    #[test]
    fn github_tells_people_from_what_they_own() {
        let ada = Some("https://github.com/ada-l");
        leads_to("https://github.com/Ada-L/", LinkKind::GitHub, ada);
        leads_to("github.com/ada-l?tab=repositories", LinkKind::GitHub, ada);
        for raw in [
            "https://github.com/Ada-L/engine",
            "gist.github.com/ada-l",
            "https://ada-l.github.io/cv",
        ] {
            leads_to(raw, LinkKind::GitHubOwned, ada);
        }
        let longest = "a".repeat(39);
        leads_to(
            &format!("github.com/{longest}"),
            LinkKind::GitHub,
            Some(&format!("https://github.com/{longest}")),
        );
        for login in [
            "-ada",
            "ada-",
            "a--da",
            "orgs",
            "about",
            "Topics",
            "features",
            "settings",
            "marketplace",
            "sponsors",
            "login",
            "explore",
            "search",
            "pulls",
            "issues",
            "a.b",
            &"a".repeat(40),
        ] {
            let link = Link::classify(&format!("https://github.com/{login}"), &[]).unwrap();
            assert_eq!(link.kind, LinkKind::Other, "{login}");
        }
    }

    #[test]
    fn x_and_twitter_are_one_place() {
        for raw in [
            "https://twitter.com/Ada_L",
            "x.com/@ada_l",
            "https://mobile.twitter.com/ada_l/status/1",
        ] {
            leads_to(raw, LinkKind::Twitter, Some("https://x.com/ada_l"));
        }
        let shared = Link::classify("https://twitter.com/intent/tweet?text=x", &[]).unwrap();
        assert_eq!(shared.kind, LinkKind::Other);
    }

    #[test]
    fn what_only_looks_like_a_network_is_not_taken_for_it() {
        for raw in [
            "linkedin.com.evil.io/in/x",
            "https://notlinkedin.com/in/x",
            "github.com.attacker.net/x",
            "https://evil.io/?u=linkedin.com/in/x",
            "https://uk2.linkedin.com.example/in/x",
        ] {
            let link = Link::classify(raw, &[]).unwrap();
            assert_eq!(link.kind, LinkKind::Personal, "{raw}");
        }
        for raw in [
            "https://linkedin.com@evil.io/in/x",
            "mailto:ada@example.com",
            "ftp://x.com/ada",
            "https://linkedin..com/in/x",
            "https://linkedin.com../in/x",
        ] {
            leads_to(raw, LinkKind::Other, None);
        }
    }

    #[test]
    fn the_rest_goes_by_its_host() {
        for (raw, kind) in [
            (
                "https://stackoverflow.com/users/22656/ada",
                LinkKind::SocialMedia,
            ),
            ("https://stackoverflow.com/questions/1", LinkKind::Other),
            ("https://medium.com/@ada", LinkKind::SocialMedia),
            ("https://medium.com/some-article", LinkKind::Other),
            ("https://www.facebook.com/ada", LinkKind::SocialMedia),
            ("https://wellfound.com/u/ada", LinkKind::SocialMedia),
            ("https://dribbble.com/ada", LinkKind::Portfolio),
            (
                "https://scholar.google.com/citations?user=x",
                LinkKind::Portfolio,
            ),
            ("https://gitlab.com/ada", LinkKind::Portfolio),
            ("https://angel.co/u/ada", LinkKind::SocialMedia),
            ("https://www.behance.net/ada", LinkKind::Portfolio),
            ("https://www.kaggle.com/ada", LinkKind::Portfolio),
            ("https://bitbucket.org/ada", LinkKind::Portfolio),
            ("https://www.monster.com/profile/ada", LinkKind::Other),
            ("https://www.indeed.com/r/ada", LinkKind::Other),
            ("https://uk.indeed.co.uk/r/ada", LinkKind::Other),
            ("https://www.glassdoor.de/x", LinkKind::Other),
            ("ada.example", LinkKind::Personal),
        ] {
            let link = Link::classify(raw, &[]).unwrap();
            assert_eq!(link.kind, kind, "{raw}");
        }
    }

    #[test]
    fn the_products_own_pages_are_known_by_their_host() {
        leads_to(
            "HTTPS://App.Product.example/profile/1/?utm_campaign=x&id=2&trk=y&originalSubdomain=uk&ref=z#top",
            LinkKind::Platform,
            Some("https://app.product.example/profile/1?id=2"),
        );
        let other = Link::classify(
            "https://product.example/profile/1",
            &["app.product.example".to_owned()],
        );
        assert_eq!(other.unwrap().kind, LinkKind::Personal);
    }

    #[test]
    fn texts_that_are_no_addresses_are_kept_as_they_are() {
        for raw in [
            "see my profile",
            "https://",
            "http://[",
            "localhost",
            "127.0.0.1/x",
            "-",
        ] {
            leads_to(raw, LinkKind::Other, None);
        }
        assert_eq!(Link::classify(" \t", &[]), None);
    }
}
