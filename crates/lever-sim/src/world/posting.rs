//! Advertised jobs.

use serde_json::{Value, json};

use super::account::confidentiality;

/// The states a posting can have; the last two belong to approvals, which API writes skip.
pub(crate) const STATES: [&str; 6] = [
    "published",
    "internal",
    "closed",
    "draft",
    "pending",
    "rejected",
];

/// An advertised job. Fixture `postings.list.json`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Posting {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) state: &'static str,
    /// Where a published posting is shown: `public`, `internal`.
    pub(crate) channels: Vec<String>,
    pub(crate) owner: String,
    pub(crate) hiring_manager: Option<String>,
    pub(crate) categories: Categories,
    pub(crate) tags: Vec<String>,
    pub(crate) content: Content,
    pub(crate) country: Option<&'static str>,
    pub(crate) workplace: String,
    pub(crate) salary: Option<Value>,
    pub(crate) followers: Vec<String>,
    pub(crate) confidential: bool,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

/// What job sites group postings by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Categories {
    pub(crate) commitment: Option<String>,
    pub(crate) department: Option<String>,
    pub(crate) team: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) all_locations: Vec<String>,
}

/// The text of a posting, as HTML.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Content {
    pub(crate) description: String,
    /// Each with `text` and `content`.
    pub(crate) lists: Vec<Value>,
    pub(crate) closing: String,
    pub(crate) salary: Option<String>,
}

impl Posting {
    /// The tags an opportunity gets from its posting, in the recorded order.
    pub(crate) fn opportunity_tags(&self) -> Vec<String> {
        let of = &self.categories;
        let categories = [&of.department, &of.team, &of.location, &of.commitment];
        let named = categories.into_iter().flatten().cloned();
        std::iter::once(self.text.clone()).chain(named).collect()
    }

    /// Where an opportunity for this posting is. Lever: "Opportunities", `opportunityLocation`.
    pub(crate) fn opportunity_location(&self) -> String {
        match self.categories.all_locations.as_slice() {
            [_, _, ..] => "unspecified".to_owned(),
            _ => self.categories.location.clone().unwrap_or_default(),
        }
    }

    /// The record, with the codes of its requisitions.
    pub(crate) fn json(&self, requisition_codes: Vec<&str>) -> Value {
        let mut json = json!({
            "id": self.id,
            "text": self.text,
            "state": self.state,
            "distributionChannels": (self.state == "published").then_some(&self.channels),
            "user": self.owner,
            "owner": self.owner,
            "hiringManager": self.hiring_manager,
            "categories": self.categories.json(),
            "tags": self.tags,
            "content": self.content.json(),
            "country": self.country,
            "followers": self.followers,
            "reqCode": null,
            "requisitionCodes": requisition_codes,
            "urls": self.urls(),
            "confidentiality": confidentiality(self.confidential),
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            "workplaceType": self.workplace,
            "transcribeInterviews": false,
            "screening": { "enabled": false },
        });
        // Unset salaries are missing keys (recorded).
        if let Some(range) = &self.salary {
            json["salaryRange"] = range.clone();
        }
        if let Some(html) = &self.content.salary {
            json["salaryDescription"] = json!(text(html));
            json["salaryDescriptionHtml"] = json!(html);
        }
        json
    }

    fn urls(&self) -> Value {
        if !matches!(self.state, "published" | "internal") {
            return Value::Null;
        }
        let site = "https://jobs.lever.co/example";
        let show = format!("{site}/{}", self.id);
        json!({ "list": site, "show": show, "apply": format!("{show}/apply") })
    }
}

impl Categories {
    fn json(&self) -> Value {
        json!({
            "commitment": self.commitment,
            "department": self.department,
            "level": null,
            "location": self.location,
            "team": self.team,
            "allLocations": self.all_locations,
        })
    }
}

impl Content {
    fn json(&self) -> Value {
        json!({
            "description": text(&self.description),
            "descriptionHtml": self.description,
            "lists": self.lists,
            "closing": text(&self.closing),
            "closingHtml": self.closing,
        })
    }
}

/// HTML without its tags, with the line break Lever ends it with (recorded).
fn text(html: &str) -> String {
    let (mut text, mut inside) = (String::new(), false);
    for character in html.chars() {
        match character {
            '<' => inside = true,
            '>' if inside => inside = false,
            _ if inside => {}
            _ => text.push(character),
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_loses_its_tags_and_gains_a_line_break() {
        assert_eq!(text("<div>Join <b>us</b>.</div>"), "Join us.\n");
        assert_eq!(text("a > b"), "a > b\n");
        assert_eq!(text(""), "");
    }
}
