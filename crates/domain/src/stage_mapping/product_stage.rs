//! Product stages: the buckets of the sourcing product that Lever stages are grouped into.

use std::borrow::Cow;

use lever::StageId;
use serde::{Deserialize, Serialize};

use crate::code::code;

code! {
    /// The code of a product stage: upper-case ASCII letters, digits and underscores, 1 to 40 of them.
    StageCode,
    /// The text is not a product stage code.
    InvalidStageCode,
    "a product stage code is 1 to 40 upper-case letters, digits and underscores, such as RECRUITER_SCREEN"
}

impl StageCode {
    /// The code of a Lever stage that is in no product stage; reserved.
    pub const UNMAPPED: StageCode = StageCode(Cow::Borrowed("UNMAPPED"));
    /// Archived with a reason of type `hired`; reserved, never the code of a stage.
    pub const HIRED: StageCode = StageCode(Cow::Borrowed("HIRED"));
    /// Archived with any other reason; reserved, never the code of a stage.
    pub const REJECTED: StageCode = StageCode(Cow::Borrowed("REJECTED"));

    /// A code written in this crate's source, where its tests vouch for the shape.
    pub(crate) const fn from_static(code: &'static str) -> StageCode {
        StageCode(Cow::Borrowed(code))
    }

    /// A borrowed [`StageCode::UNMAPPED`].
    pub fn unmapped() -> &'static StageCode {
        static UNMAPPED: StageCode = StageCode::UNMAPPED;
        &UNMAPPED
    }

    /// Whether the code has a fixed meaning and so cannot name a product stage.
    pub fn is_reserved(&self) -> bool {
        [Self::UNMAPPED, Self::HIRED, Self::REJECTED].contains(self)
    }
}

/// What sort of product stage it is.
///
/// Outcomes have no kind here: they are archive states, never product stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StageKind {
    /// Before an application.
    Lead,
    /// New applicants and their review.
    Inbound,
    /// In process.
    Active,
    /// Set aside.
    Parked,
}

impl StageKind {
    /// The kind as it is written in a mapping document.
    pub fn as_str(self) -> &'static str {
        match self {
            StageKind::Lead => "lead",
            StageKind::Inbound => "inbound",
            StageKind::Active => "active",
            StageKind::Parked => "parked",
        }
    }
}

/// A bucket of the product that Lever stages are grouped into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductStage {
    /// The code other programs use; unique within a mapping, never a reserved one.
    pub code: StageCode,
    /// The name for people, 1 to 100 characters.
    pub label: String,
    /// What sort it is.
    pub kind: StageKind,
    /// SLA days of the group, 0 to 365; none switches the SLA off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sla_days: Option<u16>,
    /// The Lever stages in it, in order; each Lever stage is in at most one product stage.
    #[serde(default)]
    pub stages: Vec<StageId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_short_upper_case_words() {
        let longest = "A".repeat(40);
        for good in ["A", "NEW_LEAD", "ROUND_2", "_", longest.as_str()] {
            assert_eq!(StageCode::parse(good).unwrap().as_str(), good);
        }
        let too_long = "A".repeat(41);
        for bad in ["", "new", "NEW LEAD", "ÄRGER", "A-B", too_long.as_str()] {
            assert_eq!(StageCode::parse(bad), Err(InvalidStageCode), "{bad}");
        }
    }

    #[test]
    fn the_three_reserved_codes_are_known_however_they_were_made() {
        for code in ["UNMAPPED", "HIRED", "REJECTED"] {
            assert!(StageCode::parse(code).unwrap().is_reserved());
        }
        assert!(!StageCode::parse("OFFER").unwrap().is_reserved());
        assert_eq!(
            StageCode::parse("UNMAPPED").as_ref(),
            Ok(StageCode::unmapped())
        );
    }

    #[test]
    fn a_bad_code_does_not_deserialize() {
        assert!(serde_json::from_str::<StageCode>("\"offer\"").is_err());
        assert_eq!(
            serde_json::to_string(&StageCode::HIRED).unwrap(),
            "\"HIRED\""
        );
    }
}
