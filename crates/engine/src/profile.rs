//! What a mapping makes of one person: the profile that the product shows.

use domain::field_mapping::{Field, FieldMapping};
use domain::{ConnectionId, Timestamp};
use lever::{ContactId, OpportunityId};

use crate::engine::Engine;
use crate::error::Result;
use crate::read::person::person;
use crate::read::{Viewer, Whose};
use crate::versions;

/// A person by the fields of the product.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The version of the field mapping it was read by.
    pub mapping_version: u64,
    /// The person; none where the opportunity names nobody.
    pub contact: Option<ContactId>,
    /// The candidacies it was read from, in the order of their ids.
    pub opportunities: Vec<OpportunityId>,
    /// In the order of the rules.
    pub fields: Vec<Field>,
    /// The start of the oldest last-complete pass it rests on; none while opportunities were not read whole.
    pub as_of: Option<Timestamp>,
}

impl Engine {
    /// The profile of a person, or of one candidacy, by the saved field mapping and from the mirror alone.
    ///
    /// It shows what the viewer may see: nothing of confidential people without the right, no secret notes but where
    /// the connection keeps them, and no field that the connection leaves out.
    ///
    /// # Errors
    /// Not found for a connection that does not exist, for nobody, and for somebody the viewer may not see;
    /// precondition until opportunities have been read.
    pub async fn profile(
        &self,
        id: ConnectionId,
        whose: &Whose,
        viewer: Viewer,
    ) -> Result<Profile> {
        let sight = self.sight(id, viewer)?;
        let mapping: FieldMapping = versions::present(&self.shared, id).await?;
        let person = person(&sight, whose, &mapping.streams()).await?;
        Ok(Profile {
            mapping_version: mapping.version,
            fields: mapping.evaluate(&person.records),
            contact: person.contact,
            opportunities: person.opportunities,
            as_of: person.as_of,
        })
    }
}
