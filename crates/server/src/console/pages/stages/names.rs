//! What the ids of a stage mapping are called.

use std::collections::BTreeMap;

use proto::v1 as pb;

/// What Lever calls its stages and archive reasons.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    stages: BTreeMap<&'a str, &'a str>,
    reasons: BTreeMap<&'a str, &'a str>,
    groups: BTreeMap<&'a str, &'a str>,
    postings: Option<&'a BTreeMap<String, String>>,
}

impl<'a> Names<'a> {
    pub(super) fn new(
        stages: &'a [pb::MappedStage],
        reasons: &'a [pb::ArchiveReason],
    ) -> Names<'a> {
        let texts = stages.iter();
        let reasons = reasons.iter();
        Names {
            stages: texts
                .map(|stage| (stage.stage_id.as_str(), stage.text.as_str()))
                .collect(),
            reasons: reasons
                .map(|reason| (reason.id.as_str(), reason.text.as_str()))
                .collect(),
            ..Names::default()
        }
    }

    /// The same, with what the groups of the product are called now.
    pub(super) fn with_groups(mut self, mapping: &'a pb::StageMapping) -> Names<'a> {
        let groups = mapping.product_stages.iter();
        self.groups = groups
            .map(|group| (group.code.as_str(), group.label.as_str()))
            .collect();
        self
    }

    /// The same, with the titles of postings by their ids.
    pub(super) fn with_postings(mut self, titles: &'a BTreeMap<String, String>) -> Names<'a> {
        self.postings = Some(titles);
        self
    }

    /// The title of a posting, or its id where there is none.
    pub(super) fn posting<'n>(&'n self, id: &'n str) -> &'n str {
        let title = self.postings.and_then(|titles| titles.get(id));
        title
            .filter(|title| !title.is_empty())
            .map_or(id, String::as_str)
    }

    /// What a group is called now, or was when it was there; so that a group with another name is no other group.
    pub(super) fn group<'n>(&'n self, group: &'n pb::ProductStage) -> &'n str {
        let label = self.groups.get(group.code.as_str()).copied();
        label.unwrap_or(&group.label)
    }

    /// Lever's text of a stage, or its id where there is none.
    pub(super) fn stage<'n>(&'n self, id: &'n str) -> &'n str {
        let text = self.stages.get(id).copied();
        text.filter(|text| !text.trim().is_empty()).unwrap_or(id)
    }

    /// Lever's text of an archive reason, or its id where there is none.
    pub(super) fn reason<'n>(&'n self, id: &'n str) -> &'n str {
        let text = self.reasons.get(id).copied();
        text.filter(|text| !text.trim().is_empty()).unwrap_or(id)
    }

    /// The stages that Lever lists, by id, with its texts.
    pub(super) fn stages(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.stages.iter().map(|(id, text)| (*id, *text))
    }
}
