//! The HTML a posting may hold. Lever: "Create a posting", allowed HTML.

/// The places of a posting, each with its own rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The description and the closing.
    Text,
    /// The content of a list.
    List,
}

const TEXT_TAGS: [&str; 9] = ["div", "p", "span", "br", "b", "i", "s", "u", "a"];
const LIST_TAGS: [&str; 6] = ["li", "b", "i", "s", "u", "a"];
const SIZES: [&str; 5] = ["10px", "14px", "18px", "24px", "32px"];

/// Whether all tags and attributes may stand there.
pub(crate) fn allowed(html: &str, place: Place) -> bool {
    let mut rest = html;
    while let Some((_, tag)) = rest.split_once('<') {
        let Some((tag, after)) = tag.split_once('>') else {
            return false;
        };
        if !tag_allowed(tag, place) {
            return false;
        }
        rest = after;
    }
    true
}

fn tag_allowed(tag: &str, place: Place) -> bool {
    let tags: &[&str] = match place {
        Place::Text => &TEXT_TAGS,
        Place::List => &LIST_TAGS,
    };
    let tag = tag.strip_suffix('/').unwrap_or(tag);
    if let Some(name) = tag.strip_prefix('/') {
        return tags.contains(&name.trim());
    }
    let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
    tags.contains(&name) && attributes_allowed(attributes, place)
}

/// Reads `name="value"` pairs up to the end.
fn attributes_allowed(attributes: &str, place: Place) -> bool {
    let mut rest = attributes.trim();
    while !rest.is_empty() {
        let Some((name, after)) = rest.split_once("=\"") else {
            return false;
        };
        let Some((value, after)) = after.split_once('"') else {
            return false;
        };
        if !attribute_allowed(name.trim(), value, place) {
            return false;
        }
        rest = after.trim_start();
    }
    true
}

fn attribute_allowed(name: &str, value: &str, place: Place) -> bool {
    match name {
        "href" => true,
        "class" => value == "postings-link",
        "style" => place == Place::Text && style_allowed(value),
        _ => false,
    }
}

fn style_allowed(style: &str) -> bool {
    let mut declarations = style.split(';').filter(|it| !it.trim().is_empty());
    declarations.all(|declaration| {
        let parts = declaration.split_once(':');
        parts.is_some_and(|(name, value)| {
            name.trim() == "font-size" && SIZES.contains(&value.trim())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_documented_tags_and_attributes_may_stand_in_a_posting() {
        let good = [
            "plain text",
            "<div><b>Join</b> us<br/></div>",
            r#"<a class="postings-link" href="https://example.com">us</a>"#,
            r#"<span style="font-size: 18px">big</span>"#,
        ];
        for html in good {
            assert!(allowed(html, Place::Text), "{html}");
        }
        let bad = [
            "<script>x</script>",
            "<li>item</li>",
            r#"<a onclick="x()">us</a>"#,
            r#"<a class="mine">us</a>"#,
            r#"<span style="color: red">big</span>"#,
            "<div",
            "<b onclick>",
        ];
        for html in bad {
            assert!(!allowed(html, Place::Text), "{html}");
        }
        assert!(allowed("<li>item</li>", Place::List));
        assert!(!allowed("<div>item</div>", Place::List));
        assert!(!allowed(
            r#"<li style="font-size: 18px">x</li>"#,
            Place::List
        ));
    }
}
