//! Links, addresses, telephone numbers and names, as people and other programs write them.

use domain::identity::IdentityKey;
use domain::link::Link;

/// Tells what a text leads to, and what it identifies; an address in its common form leads to the same.
pub(crate) fn link(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let ours = ["people.example.com".to_owned()];
    if let Some(link) = Link::classify(&text, &ours)
        && let Some(canonical) = &link.canonical
    {
        let again = Link::classify(canonical, &ours);
        let again = again.and_then(|link| link.canonical);
        assert_eq!(again.as_ref(), Some(canonical));
    }
    for key in [
        IdentityKey::email(&text),
        IdentityKey::phone(&text),
        IdentityKey::link(&text),
        IdentityKey::name_and_employer(&text, &text),
    ]
    .into_iter()
    .flatten()
    {
        let _ = (key.kind(), key.parts());
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    [
        "https://www.linkedin.com/in/grace-hopper-1906/",
        "http://linkedin.com/in/%C3%A9lodie?trk=x#y",
        "github.com/torvalds",
        "https://gist.github.com/someone/abc",
        "https://twitter.com/someone/status/1",
        "x.com/@someone",
        "https://linkedin.com@other.example/in/x",
        "https://people.example.com/p/7",
        "mailto:someone@example.com",
        "Someone <some.one+tag@Example.COM>",
        "+1 (415) 555-0100 ext. 12",
        "0049 30 1234567",
        "//linkedin.com/in/a/../b",
        "https://xn--lnkedin-4va.com/in/x",
        "javascript:alert(1)",
        "Grace Hopper, Jr.",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}
